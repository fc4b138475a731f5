package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

func TestR46_The1001stEditOfRulesIsForTheNextDay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := w.rule(t, `{"effect":"allow"}`)
	id := at[strings.LastIndex(at, "/")+1:]
	for range network.MaxRuleEdits - 2 {
		if _, err := w.EditRule(t.Context(), w.chain, id, func(r *network.Rule) { r.Effect = network.Hide }, 0, noon); err != nil {
			t.Fatal(err)
		}
	}
	w.does(t, w.boss, "PATCH", at, `{"effect":"hide"}`).want(t, 200, "") // the thousandth
	w.now = noon.Add(11*time.Hour + 59*time.Minute + 30*time.Second)
	before := w.tb.Items(t)
	for method, path := range map[string]string{"POST": rules, "PATCH": at, "DELETE": at} {
		got := w.does(t, w.boss, method, path, map[bool]string{true: `{"effect":"allow"}`}[method != "DELETE"]).want(t, 429, "rate_limited")
		if s := got.Header().Get("Retry-After"); s != "30" {
			t.Errorf("%s: Retry-After is %q, want 30: midnight in UTC", method, s)
		}
	}
	if after := w.tb.Items(t); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("a refused edit changed the table")
	}
	w.as(t, w.boss, at).want(t, 200, "") // reading is no edit
	w.now = w.now.Add(30 * time.Second)
	w.does(t, w.boss, "PATCH", at, `{"effect":"allow"}`).want(t, 200, "")
}

// Each list refuses by its name what is no page of it.
func TestEachListNamesWhatIsWrongWithAPage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	w.index(t)
	w.rule(t, `{"effect":"allow"}`)
	w.now = w.now.Add(time.Minute)
	w.rule(t, `{"effect":"allow"}`)
	lists := map[string]string{"directory": path + "?", "all of it": path + "?recursive=true&", "search": searchPath + "?q=dealer&", "rules": rules + "?"}
	cursors := map[string]string{
		"forged": "AAAA", "of no base64": "%25", "half": people.Seal(chainID, "g.1")[:9], "not a text": "%ED%A0%80", "of 100,000 signs": strings.Repeat("x", 100_000),
		"of another chain": people.Seal("ch0000000000000009", "g.1"), "of another chain's search": people.Seal("ch0000000000000009", searchCursor("dealer", "x")),
		"of wildcards": strings.Repeat("%2A", 10_000),
	}
	for name, list := range lists {
		cursor, more := w.as(t, w.boss, list+"limit=1").want(t, 200, "").body["next_cursor"].(string)
		if !more {
			t.Fatalf("%s has one page alone", name)
		}
		cursors["of "+name] = cursor
	}
	for name, list := range lists {
		refused := func(what, query, field string) {
			t.Helper()
			got := w.as(t, w.boss, list+query).want(t, 400, "invalid")
			if f := got.body["errors"].([]any)[0].(map[string]any)["field"]; f != field {
				t.Errorf("%s, %s: got field %v, want %s", name, what, f, field)
			}
			if got.Body.Len() > 2000 {
				t.Errorf("%s, %s: the answer has %d bytes", name, what, got.Body.Len())
			}
		}
		for _, limit := range []string{"0", "-1", "1000000000", "99999999999999999999", "1e3", "+5", "", "%00"} {
			refused("limit "+limit, "limit="+limit, "limit")
		}
		refused("limit of a megabyte", "limit="+strings.Repeat("9", 1<<20), "limit")
		for what, cursor := range cursors {
			akin := name != "search" && name != "rules" && (what == "of directory" || what == "of all of it")
			if what == "of "+name || akin { // the directory's two lists have parts in common
				continue
			}
			refused("a cursor "+what, "cursor="+cursor, "cursor")
		}
	}
	for name, q := range map[string]string{"10,000 wildcards": strings.Repeat("%2A", 10_000), "half a pair": "%ED%A0%80x", "the other half": "x%ED%BF%BF", "an overlong slash": "%C0%AF", "a bell": "a%07"} {
		if got := w.as(t, w.boss, searchPath+"?q="+q).want(t, 400, "invalid"); !strings.Contains(got.Body.String(), `"field":"q"`) {
			t.Errorf("%s: got %s, want q named", name, got.Body)
		}
	}
	for _, q := range []string{"%25", "_", ".*", "%3F%3F", "%2A%2A"} { // signs that match nothing but themselves
		if got := w.as(t, w.boss, searchPath+"?q="+q).want(t, 200, ""); len(got.body["items"].([]any)) != 0 {
			t.Errorf("%s: got %s, want nobody", q, got.Body)
		}
	}
}
