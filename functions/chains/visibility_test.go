package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// R36: lists, direct reads, groups and the chain's counts say the same to a
// member who sees by rules.
func TestR36_AMemberWhoSeesByRulesReadsNoMoreByAnyRoute(t *testing.T) {
	t.Parallel()
	w := setup(t)
	east, west := w.newGroup("华东", 1), w.newGroup("华西", 1)
	_, inEast := w.join(person(2), secret+"甲", east)
	_, inWest := w.join(person(3), secret+"乙", west)
	_, apart := w.join(person(4), secret+"丙", west)
	staff := person(5)
	w.addMember(w.owner, staff, "member")
	staff.corp = w.owner
	rule := func(r network.Rule) {
		t.Helper()
		c, err := w.store.Chain(t.Context(), w.chain)
		if err != nil {
			t.Fatal(err)
		}
		r.ID = network.NewRuleID(noon)
		if _, err := w.store.CreateRule(t.Context(), c, r, store.Once{Now: noon}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, groups []int, want ...string) {
		t.Helper()
		for _, query := range []string{"", "?recursive=true&group_id=1"} {
			if got := ids(all[partnerJSON](w, staff, w.in("/partners"+query))); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
				t.Errorf("%s, %q: got %v, want %v", what, query, got, want)
			}
		}
		for _, p := range []network.Partner{inEast, inWest, apart} {
			for _, route := range []string{"/partners/" + p.ID, "/partners/" + p.ID + "/contacts"} {
				if got := w.ask(staff, "GET", w.in(route), ""); slices.Contains(want, p.ID) {
					got.want(200, "")
				} else {
					got.want(404, "not_found")
				}
			}
		}
		var shown []int
		for _, g := range all[groupJSON](w, staff, w.in("/groups")) {
			shown = append(shown, g.GroupID)
		}
		if !slices.Equal(shown, groups) {
			t.Errorf("%s: got groups %v, want %v", what, shown, groups)
		}
		for _, g := range []int{east, west} {
			got := w.ask(staff, "GET", w.in(fmt.Sprint("/partners?group_id=", g)), "")
			if slices.Contains(groups, g) {
				got.want(200, "")
			} else {
				got.want(404, "group_not_found")
			}
		}
	}
	check("by default", []int{1, east, west}, inEast.ID, inWest.ID, apart.ID)
	w.ask(w.boss, "PATCH", w.in(""), `{"members_see":"some"}`).want(400, "invalid")
	w.ask(w.boss, "PATCH", w.in(""), `{"members_see":"rules"}`).want(200, "")
	check("without rules", []int{1})
	rule(network.Rule{Effect: network.Allow, Partner: network.PartnerSide{Groups: []int{east}, Corps: []string{apart.ID}}})
	check("a group and one", []int{1, east, west}, inEast.ID, apart.ID)
	rule(network.Rule{Effect: network.Hide, Partner: network.PartnerSide{Corps: []string{apart.ID}}})
	check("without the one", []int{1, east}, inEast.ID)
	if got := string(w.ask(staff, "GET", w.in(""), "").want(200, "").body); strings.Contains(got, "counts") {
		t.Errorf("got %s, want no counts", got)
	}
	if got := string(w.ask(w.boss, "GET", w.in(""), "").want(200, "").body); !strings.Contains(got, "counts") {
		t.Errorf("got %s for the admin, want counts", got)
	}
}
