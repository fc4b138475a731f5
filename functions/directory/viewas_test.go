package main

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// a cursor is another each time: it is sealed under a nonce of chance.
var cursors = regexp.MustCompile(`"next_cursor":"[^"]+"`)

func (a answer) withoutCursor() string {
	return fmt.Sprint(a.Code, " ", cursors.ReplaceAllString(a.Body.String(), `"next_cursor":"…"`))
}

// views are the entries of the audit list that an admin has looked as somebody,
// newest first.
func (w *world) views(t *testing.T) (all []store.Change) {
	t.Helper()
	list, _, err := w.Audit(t.Context(), chainID, "", 200)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.What == "viewed_as" {
			all = append(all, c)
		}
	}
	return all
}

func TestR36_AViewAsSomebodyIsWhatTheyWouldGet(t *testing.T) {
	t.Parallel()
	w := busy(t)
	w.byRules(t)
	w.rule(t, `{"effect":"allow","owner":{"roles":["member"]},"partner":{"groups":[%d],"corps":[%q]}}`, w.north, w.partnerID(14))
	w.rule(t, `{"effect":"hide","owner":{"roles":["super_admin"]},"partner":{"groups":[%d]}}`, w.harbour)
	w.index(t)
	check := func(what string) {
		t.Helper()
		for _, n := range []int{1, 2, 3, 10, 13, 16, 17, 18} {
			for _, query := range []string{
				path + "?", path + "?recursive=true", path + "?limit=2", fmt.Sprint(path, "?group_id=", w.north), fmt.Sprint(path, "?group_id=", w.south, "&recursive=true"), path + "?group_id=99",
				path + "?sort=joined_at&limit=2", path + "/groups?limit=2",
				searchPath + "?q=Dealer", searchPath + "?q=Person&limit=3", searchPath + "?q=0013", searchPath + "?q=" + url.QueryEscape("联系人"), searchPath + "?q=*",
			} {
				for page, mine, theirs := 0, query+"&as="+id(claims(n)), query; page < 3; page++ {
					got, own := w.as(t, w.boss, mine), w.as(t, claims(n), theirs)
					if got.withoutCursor() != own.withoutCursor() || got.Header().Get("Content-Type") != own.Header().Get("Content-Type") {
						t.Fatalf("%s: page %d of %s as %d:\n got %s\nwant %s", what, page, query, n, got.Body, own.Body)
					}
					next, more := own.body["next_cursor"].(string)
					if !more {
						break
					}
					theirs = query + "&cursor=" + next
					mine = query + "&as=" + id(claims(n)) + "&cursor=" + got.body["next_cursor"].(string)
				}
			}
		}
	}
	check("by rules")
	on := true
	w.see(t, network.ChainEdit{PartnersSeeAnother: &on})
	check("where partners see each other")
}

func TestAViewAsSomebodyIsReadPageByPageAndStandsInTheAuditListOnce(t *testing.T) {
	t.Parallel()
	w := busy(t)
	as := "&as=" + id(w.staff)
	want := w.all(t, w.staff, "recursive=true")
	if got := w.all(t, w.boss, "recursive=true&limit=1"+as); !slices.Equal(got, want) {
		t.Errorf("got %q page by page, want %q", got, want)
	}
	views := w.views(t)
	if len(views) != 1 {
		t.Fatalf("got %d entries, want one: %v", len(views), views)
	}
	v := views[0]
	if v.Who != (store.Who{Person: id(w.boss), Corp: w.owner.ID, Name: "Person 1"}) || v.Target != (store.Target{Kind: "person", ID: id(w.staff), Name: "Person 2"}) || !v.At.Equal(w.now) ||
		fmt.Sprint(v.Before, v.After) != fmt.Sprintf("map[] map[corp_id:%s viewed:directory]", w.owner.ID) {
		t.Errorf("got %+v", v)
	}
	w.index(t)
	w.found(t, w.boss, "Dealer", 200) // the admin's own
	w.as(t, w.boss, searchPath+"?q=Dealer&as="+id(claims(10))).want(t, 200, "")
	if views = w.views(t); len(views) != 2 || views[0].After["viewed"] != "search" || views[0].Target.Name != "Person 10" || views[0].After["corp_id"] != w.corps[10].ID {
		t.Errorf("got %+v, want search's before", views)
	}
	// Of who has left the corp the list has the id alone.
	w.colleague(t, 20, w.owner)
	w.as(t, w.boss, path+"?as="+id(claims(20))).want(t, 200, "")
	if err := w.RemoveMember(t.Context(), w.owner.ID, id(claims(20))); err != nil {
		t.Fatal(err)
	}
	if v := w.views(t)[0]; v.Target != (store.Target{Kind: "person", ID: id(claims(20))}) {
		t.Errorf("got %+v, want no name", v.Target)
	}
	// Nothing is shown without its entry.
	w.tb.Break = func(op string, _ int) dynamotest.Fault {
		if op == "TransactWriteItems" {
			return dynamotest.Before
		}
		return 0
	}
	if got := w.as(t, w.boss, path+"?"+as); got.Code < 500 {
		t.Errorf("got %d %s where nothing can be written", got.Code, got.Body)
	}
}

// A page of a view is read behind its first one alone, and by who has it.
func TestACursorOfAViewIsGoodForThatViewAlone(t *testing.T) {
	t.Parallel()
	w := busy(t)
	w.index(t)
	as := func(n int) string { return "&as=" + id(claims(n)) }
	for _, list := range []string{path + "?recursive=true&limit=1", searchPath + "?q=Dealer&limit=1"} {
		next := func(who web.Claims, query string) string {
			t.Helper()
			return "&cursor=" + w.as(t, who, list+query).want(t, 200, "").body["next_cursor"].(string)
		}
		own, theirs, view, other := next(w.boss, ""), next(w.staff, ""), next(w.boss, as(2)), next(claims(3), as(2))
		w.as(t, w.boss, list+as(2)+view).want(t, 200, "")
		w.as(t, claims(3), list+as(2)+other).want(t, 200, "")
		for what, got := range map[string]answer{
			"the admin's own, in a view":     w.as(t, w.boss, list+as(2)+own),
			"the other's own, in a view":     w.as(t, w.boss, list+as(2)+theirs),
			"another admin's, in a view":     w.as(t, w.boss, list+as(2)+other),
			"a view's, in another":           w.as(t, w.boss, list+as(3)+view),
			"a view's, in the admin's own":   w.as(t, w.boss, list+view),
			"a view's, in the other's own":   w.as(t, w.staff, list+view),
			"a view's, in another admin's":   w.as(t, claims(3), list+as(2)+view),
			"a view's, as who sees it alone": w.as(t, w.boss, list+as(12)+view),
			"none, in a group that isn't":    w.as(t, w.boss, path+"?group_id=99"+as(12)+"&cursor=x"),
			"a view's, in a partner's lists": w.as(t, claims(10), list+view),
			"a view's, in its groups":        w.as(t, w.boss, path+"/groups?limit=1"+as(2)+view),
			"a view's, in a group's":         w.as(t, w.boss, path+fmt.Sprint("?limit=1&group_id=", w.north)+as(2)+view),
		} {
			if got.want(t, 400, "invalid").field() != "cursor" {
				t.Errorf("%s: got %s, want the cursor named", what, got.Body)
			}
		}
	}
}

func TestR37_AViewIsForAdminsAndAsWhoIsInTheChain(t *testing.T) {
	t.Parallel()
	w := busy(t)
	w.index(t)
	other := w.corp(t, "Other Ltd", claims(77))
	w.colleague(t, 19, w.corps[10]) // hasn't joined (R03)
	if err := w.Leave(t.Context(), chainID, w.partnerID(16), id(claims(18)), noon); err != nil {
		t.Fatal(err)
	}
	second := w.corp(t, "Second Ltd", claims(10))
	for _, list := range []string{path + "?", searchPath + "?q=x"} {
		for _, who := range []web.Claims{w.staff, claims(10)} {
			for _, as := range []string{id(who), id(w.boss), id(claims(99)), "x", ""} {
				w.as(t, who, list+"&as="+as, "Tributary-Corp", map[web.Claims]string{w.staff: w.owner.ID, claims(10): w.corps[10].ID}[who]).want(t, 403, "denied")
			}
			w.as(t, who, list+"&as_corp=x", "Tributary-Corp", map[web.Claims]string{w.staff: w.owner.ID, claims(10): w.corps[10].ID}[who]).want(t, 403, "denied")
		}
		w.as(t, claims(77), list+"&as="+id(w.staff)).want(t, 404, "not_found")
		refused := func(field string, status int, code, query string) answer {
			t.Helper()
			got := w.as(t, w.boss, list+query).want(t, status, code)
			if got.field() != field {
				t.Errorf("%s: got %v, want %s", query, got.field(), field)
			}
			return got
		}
		nobody := refused("as", 404, "not_found", "&as="+id(claims(99)))
		// Of another chain, still to join, a colleague who hasn't joined, has left; no person's id.
		for _, as := range []string{id(claims(77)), id(claims(50)), id(claims(19)), id(claims(18)), "x", "", handle(claims(10)), strings.Repeat("p", 3000)} {
			if got := refused("as", 404, "not_found", "&as="+as); withoutID(got) != withoutID(nobody) {
				t.Errorf("got %s as %s, want it as for nobody", got.Body, as)
			}
			refused("as", 404, "not_found", "&as="+as+"&as_corp="+other.ID)
		}
		refused("as", 400, "invalid", "&as_corp="+w.owner.ID)
		for _, corp := range []string{second.ID, w.corps[11].ID, network.NewCorpID(), "x"} {
			refused("as_corp", 404, "not_found", "&as="+id(claims(10))+"&as_corp="+corp)
		}
	}
	if got := w.views(t); len(got) != 0 {
		t.Errorf("got %v of views that were refused", got)
	}
	w.as(t, w.boss, path+"?as="+id(claims(10))+"&as_corp="+w.corps[10].ID).want(t, 200, "")
	w.in(t, 10, second, w.invite(t, w.boss, w.owner, network.RootGroup))
	if got := w.as(t, w.boss, path+"?as="+id(claims(10))).want(t, 400, "corp_required"); got.field() != "as_corp" {
		t.Errorf("got %s, want as_corp named", got.Body)
	}
	one := w.as(t, w.boss, path+"?as="+id(claims(10))+"&as_corp="+second.ID).want(t, 200, "")
	if own := w.as(t, claims(10), path, "Tributary-Corp", second.ID); own.Body.String() != one.Body.String() {
		t.Errorf("got %s under the other corp, want %s", one.Body, own.Body)
	}
}

func TestAnAdminReadsThePersonIdsThatExplainAndViewsTake(t *testing.T) {
	t.Parallel()
	w := busy(t)
	w.index(t)
	for who, want := range map[web.Claims]bool{w.boss: true, claims(3): true, w.staff: false, claims(12): false} {
		got := w.as(t, who, searchPath+"?q=Person+12").want(t, 200, "").Body.String()
		if !strings.Contains(got, handle(claims(12))) || strings.Contains(got, id(claims(12))) != want {
			t.Errorf("%s: got %s, want the person_id: %v", who.Name, got, want)
		}
	}
	if got := w.as(t, w.boss, searchPath+"?q=Person+12&as="+id(w.staff)).want(t, 200, "").Body.String(); strings.Contains(got, id(claims(12))) {
		t.Errorf("got %s as somebody who isn't told it", got)
	}
}

func TestWhatAViewCosts(t *testing.T) {
	t.Parallel()
	w := busy(t)
	cost := func(query string) (m dynamotest.Meter) {
		t.Helper()
		w.tb.Reset()
		w.as(t, w.boss, path+query).want(t, 200, "")
		return w.tb.Meter()
	}
	w.rule(t, `{"effect":"allow"}`) // so that the list has an entry
	own := cost("?recursive=true")
	view := cost("?recursive=true&as=" + id(claims(3)))
	// Who they are, two; the list's end and its next entry.
	if view.Requests != own.Requests+4 || view.ReadUnits != own.ReadUnits+4 || view.WriteUnits != 2 {
		t.Errorf("got %+v, want 4 requests and 4 read units more than %+v, and 2 write units", view, own)
	}
}
