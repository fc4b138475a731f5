package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

const rules = "/v1/chains/" + chainID + "/rules"

// does asks the door to change something.
func (w *world) does(t *testing.T, who web.Claims, method, path, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, bytes.NewBufferString(body))
	r = r.WithContext(web.WithClaims(r.Context(), who))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	w.h.ServeHTTP(a.ResponseRecorder, r)
	if a.Body.Len() > 0 {
		if err := json.Unmarshal(a.Body.Bytes(), &a.body); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return a
}

// rule adds a rule and gives its path.
func (w *world) rule(t *testing.T, format string, a ...any) string {
	t.Helper()
	return rules + "/" + w.does(t, w.boss, "POST", rules, fmt.Sprintf(format, a...)).want(t, 201, "").body["rule_id"].(string)
}

func (w *world) byRules(t *testing.T) {
	t.Helper()
	by := network.SeeByRules
	w.see(t, network.ChainEdit{MembersSee: &by})
}

func (w *world) partnerID(n int) string { return network.CorpPartnerID(chainID, w.corps[n].ID) }

func TestARuleIsMadeReadEditedAndEnded(t *testing.T) {
	t.Parallel()
	w := setup(t)
	body := fmt.Sprintf(`{"owner":{"roles":["member"]},"partner":{"groups":[%d]},"effect":"hide"}`, w.north)
	made := w.does(t, w.boss, "POST", rules, body, "Idempotency-Key", "k1").want(t, 201, "")
	if again := w.does(t, w.boss, "POST", rules, body, "Idempotency-Key", "k1").want(t, 201, ""); again.body["rule_id"] != made.body["rule_id"] {
		t.Errorf("got another rule for the same key: %s", again.Body)
	}
	at := rules + "/" + made.body["rule_id"].(string)
	if got := w.as(t, w.boss, at).want(t, 200, ""); !reflect.DeepEqual(got.body, made.body) || got.Header().Get("ETag") != made.Header().Get("ETag") {
		t.Errorf("got %s, want what was made: %v", got.Body, made.body)
	}
	w.does(t, w.boss, "PATCH", at, `{"effect":"allow"}`, "If-Match", `"1"`).want(t, 200, "")
	w.does(t, w.boss, "PATCH", at, `{"effect":"hide"}`, "If-Match", `"1"`).want(t, 412, "precondition_failed")
	w.now = w.now.Add(time.Minute)
	second := w.rule(t, `{"effect":"allow"}`)
	first := w.as(t, w.boss, rules+"?limit=1").want(t, 200, "")
	rest := w.as(t, w.boss, rules+"?limit=1&cursor="+first.body["next_cursor"].(string)).want(t, 200, "")
	if item := rest.body["items"].([]any)[0].(map[string]any); !strings.HasSuffix(second, item["rule_id"].(string)) || rest.body["next_cursor"] != nil {
		t.Errorf("got %s on the second page, want %s alone", rest.Body, second)
	}
	w.does(t, w.boss, "DELETE", at, "", "If-Match", `"2"`).want(t, 204, "")
	w.as(t, w.boss, at).want(t, 404, "not_found")
	w.does(t, w.boss, "DELETE", at, "").want(t, 404, "not_found")
}

func TestR36_RulesAreForAdminsAndNameWhatIsHere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	at := w.rule(t, `{"effect":"allow"}`)
	for _, who := range []web.Claims{w.staff, claims(10)} {
		w.as(t, who, rules).want(t, 403, "denied")
		w.as(t, who, at).want(t, 403, "denied")
		w.does(t, who, "POST", rules, `{"effect":"allow"}`).want(t, 403, "denied")
		w.does(t, who, "PATCH", at, `{"effect":"hide"}`).want(t, 403, "denied")
		w.does(t, who, "DELETE", at, "").want(t, 403, "denied")
	}
	w.corp(t, "Elsewhere", claims(77))
	w.as(t, claims(77), rules).want(t, 404, "not_found")
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"an unknown group":    {`{"effect":"hide","partner":{"groups":[99]}}`, 404, "group_not_found"},
		"an unknown partner":  {`{"effect":"hide","partner":{"corps":["` + network.CorpPartnerID("ch", "co") + `"]}}`, 404, "not_found"},
		"no partner's id":     {`{"effect":"hide","partner":{"corps":["x#y"]}}`, 404, "not_found"},
		"somebody of a guest": {`{"effect":"hide","owner":{"members":["` + id(claims(10)) + `"]}}`, 404, "not_found"},
		"no person's id":      {`{"effect":"hide","owner":{"members":[""]}}`, 404, "not_found"},
		"no effect":           {`{"owner":{}}`, 400, "invalid"},
		"an unknown role":     {`{"effect":"hide","owner":{"roles":["boss"]}}`, 400, "invalid"},
		"an unknown field":    {`{"effect":"hide","owners":{}}`, 400, "unknown_field"},
		"101 groups":          {`{"effect":"hide","partner":{"groups":[1` + sequence(2, 101) + `]}}`, 400, "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			w.does(t, w.boss, "POST", rules, c.body).want(t, c.status, c.code)
			if got := w.does(t, w.boss, "PATCH", at, c.body); name != "no effect" {
				got.want(t, c.status, c.code)
			}
		})
	}
}

func sequence(from, to int) (s string) {
	for i := from; i <= to; i++ {
		s += fmt.Sprint(",", i)
	}
	return s
}

func TestR36_WhoSeesByRulesSeesWhatTheyAllowAndNoMore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t) // 10, 11 in the root, 12 North, 13 Harbour, 14 and 15 South
	w.byRules(t)
	list := func(query string) []string { return w.all(t, w.staff, query) }
	check := func(what, query string, want ...string) {
		t.Helper()
		if got := list(query); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	check("without rules", "")
	check("without rules, all", "recursive=true")
	w.rule(t, `{"effect":"allow","owner":{"roles":["member"]},"partner":{"groups":[%d]}}`, w.north)
	check("North", "", "group North")
	check("North, all", "recursive=true", "partner Dealer 12", "partner Dealer 13")
	w.rule(t, `{"effect":"allow","owner":{"members":[%q]},"partner":{"corps":[%q]}}`, id(w.staff), w.partnerID(15))
	check("and one of South", "", "group North", "group South")
	check("in South", fmt.Sprint("group_id=", w.south), "partner Dealer 15")
	check("page by page", "recursive=true&limit=1", "partner Dealer 12", "partner Dealer 13", "partner Dealer 15")
	hide := w.rule(t, `{"effect":"hide","partner":{"corps":[%q]}}`, w.partnerID(13))
	check("but for one", "recursive=true", "partner Dealer 12", "partner Dealer 15")
	if got := w.all(t, w.boss, "recursive=true"); len(got) != 6 {
		t.Errorf("the admin got %q, want all six", got)
	}
	w.does(t, w.boss, "DELETE", hide, "").want(t, 204, "")
	check("again", "recursive=true", "partner Dealer 12", "partner Dealer 13", "partner Dealer 15")

	// What isn't seen answers as what isn't there.
	w.rule(t, `{"effect":"hide","partner":{"groups":[%d]}}`, w.south)
	unseen := w.as(t, w.staff, fmt.Sprint(path, "?group_id=", w.south)).want(t, 404, "group_not_found")
	missing := w.as(t, w.staff, fmt.Sprint(path, "?group_id=99")).want(t, 404, "group_not_found")
	if withoutID(unseen) != withoutID(missing) {
		t.Errorf("got %s for a group that isn't seen, want %s", unseen.Body, missing.Body)
	}
	w.as(t, w.staff, progress).want(t, 403, "denied")
}

// withoutID is an answer but for what names the request.
func withoutID(a answer) string {
	delete(a.body, "instance")
	delete(a.body, "request_id")
	b, _ := json.Marshal(a.body)
	return fmt.Sprint(a.Code, string(b), http.Header{"T": a.Header()["Content-Type"]})
}

func TestR36_ARuleShowsAPartnersPeopleWhomItSaysAndHidesWhomItSays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	check := func(what string, n int, want ...string) {
		t.Helper()
		want = append(append([]string{fmt.Sprint("partner Dealer ", n)}, want...), fmt.Sprintf("contact Person %d colleague", n))
		if got := w.all(t, claims(n), ""); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	check("by default", 12, "contact Person 1 admin")
	w.rule(t, `{"effect":"allow","owner":{"members":[%q]},"partner":{"groups":[%d]}}`, id(w.staff), w.north)
	check("a member", 12, "contact Person 1 admin", "contact Person 2 member")
	check("below the group", 13, "contact Person 1 admin", "contact Person 2 member")
	check("elsewhere", 14, "contact Person 1 admin")
	w.rule(t, `{"effect":"allow","owner":{"roles":["member"]},"partner":{"corps":[%q]}}`, w.partnerID(14))
	check("all members", 14, "contact Person 1 admin", "contact Person 2 member")
	w.rule(t, `{"effect":"hide","owner":{"roles":["super_admin"]},"partner":{"groups":[%d]}}`, w.harbour)
	check("without the admin", 13, "contact Person 2 member")
}
