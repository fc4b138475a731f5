package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// R36: an admin who looks with somebody's eyes gets what they would, by every
// route, and no cursor of another list's; and it stands in the audit list.
func TestR36_AViewAsSomebodyIsWhatTheyWouldGet(t *testing.T) {
	t.Parallel()
	w := setup(t)
	east := w.newGroup("华东", 1)
	a, inEast := w.join(person(2), secret+"甲", east)
	b, apart := w.join(person(3), secret+"乙", 1)
	w.roster(row(20), row(21))
	staff := person(5)
	w.addMember(w.owner, staff, "member")
	staff.corp = w.owner
	c, err := w.store.Chain(t.Context(), w.chain)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.CreateRule(t.Context(), c, network.Rule{ID: network.NewRuleID(noon), Effect: network.Hide, Partner: network.PartnerSide{Corps: []string{apart.ID}}}, store.Once{Now: noon}); err != nil {
		t.Fatal(err)
	}
	cursors := regexp.MustCompile(`"next_cursor":"[^"]+"`)
	said := func(a answer) string {
		return fmt.Sprint(a.code, a.head.Get("ETag"), cursors.ReplaceAllString(string(a.body), ""))
	}
	first := 0
	for _, who := range []someone{w.boss, staff, a, b} {
		for _, route := range []string{
			"/partners?limit=2", "/partners?recursive=true&group_id=1", fmt.Sprint("/partners?group_id=", east), "/partners?state=pending", "/partners?group_id=99",
			"/partners/" + inEast.ID + "?", "/partners/" + apart.ID + "?", "/partners/" + inEast.ID + "/contacts?", "/partners/" + apart.ID + "/contacts?limit=1", "/partners/x?",
		} {
			own, got := w.ask(who, "GET", w.in(route), ""), w.ask(w.boss, "GET", w.in(route+"&as="+who.id()), "")
			if said(got) != said(own) {
				t.Errorf("%s as %s:\n got %s\nwant %s", route, who.name, said(got), said(own))
			}
			first++
		}
	}
	list := func() (views []store.Change) {
		t.Helper()
		all, _, err := w.store.Audit(t.Context(), w.chain, "", 200)
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(all, func(c store.Change) bool { return c.What != "viewed_as" })
	}
	if got := list(); len(got) != first || got[0].Who.Person != w.boss.id() || got[0].Target.ID != b.id() || got[0].After["viewed"] != "partner" {
		t.Errorf("got %d entries, the last %+v, want %d", len(got), got[0], first)
	}
	one := all[partnerJSON](w, w.boss, w.in("/partners?limit=1&as="+staff.id()))
	if want := all[partnerJSON](w, staff, w.in("/partners")); len(one) != len(want) || len(want) == 0 {
		t.Errorf("got %v page by page, want %v", one, want)
	}
	if got := list(); len(got) != first+1 {
		t.Errorf("got %d entries, want one more than %d for all pages", len(got), first)
	}
	own := w.ask(w.boss, "GET", w.in("/partners?limit=1"), "").want(200, "").str("next_cursor")
	view := w.ask(w.boss, "GET", w.in("/partners?limit=1&as="+staff.id()), "").want(200, "").str("next_cursor")
	w.ask(w.boss, "GET", w.in("/partners?limit=1&as="+staff.id()+"&cursor="+own), "").want(400, "invalid")
	w.ask(w.boss, "GET", w.in("/partners?limit=1&cursor="+view), "").want(400, "invalid")
	w.ask(w.boss, "GET", w.in("/partners?limit=1&as="+a.id()+"&cursor="+view), "").want(400, "invalid")
	w.ask(w.boss, "GET", w.in("/partners/"+apart.ID+"/contacts?as="+staff.id()+"&cursor="+own), "").want(400, "invalid")
	for _, route := range []string{"/partners?", "/partners/" + inEast.ID + "?", "/partners/" + inEast.ID + "/contacts?"} {
		for _, who := range []someone{staff, a} {
			w.ask(who, "GET", w.in(route+"as="+who.id()), "").want(403, "denied")
		}
		w.ask(w.boss, "GET", w.in(route+"as="+person(99).id()), "").want(404, "not_found")
		w.ask(w.boss, "GET", w.in(route+"as_corp="+w.owner), "").want(400, "invalid")
		w.ask(w.boss, "GET", w.in(route+"as="+a.id()+"&as_corp="+w.owner), "").want(404, "not_found")
	}
}

// An admin names people by what else they would see of nobody: beside a phone
// in full it tells nothing more.
func TestOnlyAdminsReadThePersonIdsOfAPartnersPeople(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a, p := w.join(person(2), secret+"甲", 1)
	staff := person(5)
	w.addMember(w.owner, staff, "member")
	staff.corp = w.owner
	route := w.in("/partners/" + p.ID + "/contacts")
	for _, c := range []struct {
		who  someone
		path string
		want bool
	}{{w.boss, route, true}, {staff, route, false}, {a, route, false}, {w.boss, route + "?as=" + staff.id(), false}} {
		got := string(w.ask(c.who, "GET", c.path, "").want(200, "").body)
		if strings.Contains(got, a.id()) != c.want {
			t.Errorf("%s by %s: got %s, want the person_id: %v", c.path, c.who.name, got, c.want)
		}
	}
}
