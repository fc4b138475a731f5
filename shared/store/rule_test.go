package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// sight is what a person sees now, by a request of its own.
func (w *world) sight(t *testing.T, p network.Person) *network.Sight {
	t.Helper()
	a, err := w.Actor(t.Context(), p, "", chainID)
	must(t, err)
	s, err := w.Sight(t.Context(), a)
	must(t, err)
	return s
}

func (w *world) rule(t *testing.T, r network.Rule) network.Rule {
	t.Helper()
	r.ID = network.NewRuleID(noon)
	r, err := w.CreateRule(t.Context(), w.chainNow(t), r, Once{Now: noon})
	must(t, err)
	return r
}

func TestR36_ARuleTakesEffectWithTheNextRequest(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	north := w.group(t, "North", 1)
	harbin := w.group(t, "Harbin", north)
	staff := w.colleague(t, w.owner.ID, 1, network.Staff)
	sees := func(group int) bool { return w.sight(t, staff).PartnerAt("pa", group, network.PartnerJoined) }
	same(t, "without rules", sees(harbin), true)

	r := w.rule(t, network.Rule{Effect: network.Hide, Partner: network.PartnerSide{Groups: []int{north}}})
	same(t, "a hide of the group above", sees(harbin), false)
	same(t, "of an admin", w.sight(t, w.boss).PartnerAt("pa", harbin, network.PartnerJoined), true)

	_, err := w.EditRule(ctx, w.chainNow(t), r.ID, func(r *network.Rule) { r.Effect = network.Allow }, 1, noon)
	must(t, err)
	same(t, "an allow", sees(harbin), true)
	_, err = w.EditRule(ctx, w.chainNow(t), r.ID, func(r *network.Rule) { r.Effect = network.Hide }, 1, noon)
	wants(t, "an edit of the first edition", err, network.ErrPrecondition)
	r, err = w.EditRule(ctx, w.chainNow(t), r.ID, func(r *network.Rule) { r.Effect = network.Hide }, 0, noon)
	must(t, err)
	same(t, "hidden again", sees(harbin), false)

	root := network.RootGroup
	_, err = w.EditGroup(ctx, chainID, harbin, nil, &root, nil, 0)
	must(t, err)
	same(t, "the group has moved away", sees(harbin), true)
	must(t, w.DeleteGroup(ctx, chainID, north, harbin, 0, none))
	same(t, "R34 the rule's group went into it", sees(harbin), false)

	wants(t, "an end of the first edition", w.DeleteRule(ctx, chainID, r.ID, 1, noon), network.ErrPrecondition)
	must(t, w.DeleteRule(ctx, chainID, r.ID, r.Edition, noon))
	same(t, "without the rule", sees(harbin), true)
	wants(t, "an end of no rule", w.DeleteRule(ctx, chainID, r.ID, 0, noon), network.ErrNotFound)
	all, err := w.Rules(ctx, chainID)
	must(t, err)
	same(t, "rules", len(all), 0)
}

// Another process's edits are seen too: what is kept is of an edition.
func TestR36_ARuleOfAnotherProcessTakesEffectToo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	staff := w.colleague(t, w.owner.ID, 1, network.Staff)
	other := New(w.tb.Client, w.tb.Name)
	w.rule(t, network.Rule{Effect: network.Allow})
	same(t, "allowed", w.sight(t, staff).PartnerAt("pa", 1, network.PartnerJoined), true)
	_, err := other.CreateRule(t.Context(), w.chainNow(t), network.Rule{ID: network.NewRuleID(noon), Effect: network.Hide}, Once{Now: noon})
	must(t, err)
	same(t, "hidden elsewhere", w.sight(t, staff).PartnerAt("pa", 1, network.PartnerJoined), false)
}

func TestR36_ARuleNamesWhatIsInTheChain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stranger := person(77)
	for field, r := range map[string]network.Rule{
		"partner.groups": {Effect: network.Allow, Partner: network.PartnerSide{Groups: []int{1, 99}}},
		"partner.corps":  {Effect: network.Allow, Partner: network.PartnerSide{Corps: []string{network.CorpPartnerID("another", "co")}}},
		"owner.members":  {Effect: network.Hide, Owner: network.OwnerSide{Members: []string{w.boss.ID, stranger.ID}}},
		"effect":         {Effect: "show"},
	} {
		r.ID = network.NewRuleID(noon)
		_, err := w.CreateRule(t.Context(), w.chainNow(t), r, Once{Now: noon})
		e, ok := err.(*network.Error)
		if !ok || len(e.Fields) != 1 || e.Fields[0].Field != field {
			t.Errorf("got %v, want an error of %s", err, field)
		}
	}
	same(t, "rules edition", w.chainNow(t).RulesEdition, 0)
}

func TestR46_RulesAndTheirEditsHaveAnEnd(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	r := w.rule(t, network.Rule{Effect: network.Allow})
	set := func(rules, edits int) {
		t.Helper()
		must(t, w.updateOnce(ctx, rulesKey(chainID), "SET #r = :r, Edits = :e", "attribute_exists(PK)", map[string]string{"#r": "Rules"}, vals{"r": rules, "e": edits}))
	}
	add := func(at time.Time) error {
		_, err := w.CreateRule(ctx, w.chainNow(t), network.Rule{ID: network.NewRuleID(at), Effect: network.Allow}, Once{Now: at})
		return err
	}
	set(network.MaxRules, 1)
	wants(t, "one too many", add(noon), network.ErrQuotaExceeded)
	set(1, network.MaxRuleEdits)
	wants(t, "one edit too many", add(noon), network.ErrRateLimited)
	wants(t, "nor an end", w.DeleteRule(ctx, chainID, r.ID, 0, noon), network.ErrRateLimited)
	must(t, add(noon.Add(24*time.Hour)))
}

func TestRulesMadeAtOnceAreAllThere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	got := atOnce(4, func(i int) error {
		_, err := w.CreateRule(t.Context(), w.chain, network.Rule{ID: fmt.Sprintf("ru%016d", i), Effect: network.Allow}, Once{Now: noon})
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 4})
	all, err := w.Rules(t.Context(), chainID)
	must(t, err)
	same(t, "rules", len(all), 4)
	same(t, "edition", w.chainNow(t).RulesEdition, 4)
}

func TestR36_WhatASightCosts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	staff := w.colleague(t, w.owner.ID, 1, network.Staff)
	w.rule(t, network.Rule{Effect: network.Hide, Partner: network.PartnerSide{Groups: []int{1}}})
	w.sight(t, staff)
	a, err := w.Actor(t.Context(), staff, "", chainID)
	must(t, err)
	w.tb.Reset()
	_, err = w.Sight(t.Context(), a)
	must(t, err)
	if got := w.tb.Meter().Requests; got != 1 {
		t.Errorf("got %d requests of a sight where nothing has changed, want 1", got)
	}
}

// A page without those that are hidden one by one is the page that there would
// be without them: as full, with the same end.
func TestR36_WhoIsHiddenSinglyLeavesNoGapInAPage(t *testing.T) {
	t.Parallel()
	all := make([]network.Partner, 40)
	for i := range all {
		all[i] = network.Partner{ID: fmt.Sprintf("pa%02d", i), Group: network.RootGroup, State: network.PartnerJoined}
	}
	read := func(all []network.Partner) func(PartnerQuery) ([]network.Partner, string, error) {
		return func(q PartnerQuery) ([]network.Partner, string, error) {
			place := func(p network.Partner) string { return encodeCursor(partnerList(p.Chain, p).SK) }
			from := 0
			if q.Cursor != "" {
				from = 1 + slices.IndexFunc(all, func(p network.Partner) bool { return place(p) == q.Cursor })
			}
			page := all[from:min(from+q.Limit, len(all))]
			if from+len(page) == len(all) {
				return page, "", nil
			}
			return page, place(page[len(page)-1]), nil
		}
	}
	staff := network.Actor{Person: network.Person{ID: "pe"}, Side: network.Owner, Role: network.Staff}
	for name, hides := range map[string]func(i int) bool{
		"nobody": func(int) bool { return false }, "one in three": func(i int) bool { return i%3 == 0 }, "the first": func(i int) bool { return i < 9 },
		"the last": func(i int) bool { return i > 30 }, "all but one": func(i int) bool { return i != 20 }, "all": func(int) bool { return true },
	} {
		rule := network.Rule{ID: "ru", Owner: network.OwnerSide{Members: []string{"pe"}}, Effect: network.Hide}
		var shown []network.Partner
		for i, p := range all {
			if hides(i) {
				rule.Partner.Corps = append(rule.Partner.Corps, p.ID)
			} else {
				shown = append(shown, p)
			}
		}
		rules := []network.Rule{rule}
		if rule.Partner.Corps == nil {
			rules = nil
		}
		sight := network.SightOf(staff, network.Partner{}, rules, network.Tree{network.RootGroup: {ID: network.RootGroup}})
		for _, limit := range []int{1, 2, 7, 40, 200} {
			got, want := PartnerQuery{Limit: limit}, PartnerQuery{Limit: limit}
			for pages := 0; ; pages++ {
				if pages > len(all) {
					t.Fatalf("%s, %d a page: no end", name, limit)
				}
				page, next, err := Seen(sight, got, read(all))
				must(t, err)
				wanted, end, err := read(shown)(want)
				must(t, err)
				if fmt.Sprint(page) != fmt.Sprint(wanted) || (next == "") != (end == "") {
					t.Fatalf("%s, %d a page, page %d: got %v and on from %q, want %v and on from %q", name, limit, pages, page, next, wanted, end)
				}
				if next == "" {
					break
				}
				got.Cursor, want.Cursor = next, end
			}
		}
	}
}

// A rule without anybody on its side is about everybody: it may not become that.
func TestR36_WhoIsErasedIsInNoRuleAndNoRuleIsWiderForIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	p, q := w.colleague(t, w.owner.ID, 5, network.Staff), w.colleague(t, w.owner.ID, 6, network.Staff)
	alone := w.rule(t, network.Rule{Owner: network.OwnerSide{Members: []string{p.ID}}, Effect: network.Hide})
	with := w.rule(t, network.Rule{Owner: network.OwnerSide{Members: []string{p.ID, q.ID}}, Effect: network.Allow})
	role := w.rule(t, network.Rule{Owner: network.OwnerSide{Members: []string{p.ID}, Roles: []network.HostRole{network.HostAdmin}}, Effect: network.Allow})
	other := w.rule(t, network.Rule{Owner: network.OwnerSide{Members: []string{q.ID}}, Effect: network.Allow})
	edition := w.chainNow(t).RulesEdition
	must(t, w.Erase(ctx, p.ID, noon.Add(time.Hour)))

	rules, head, err := w.rules(ctx, chainID)
	must(t, err)
	left := map[string]network.OwnerSide{}
	for _, r := range rules {
		left[r.ID] = r.Owner
	}
	_, there := left[alone.ID]
	same(t, "the one that was about them alone is there", there, false)
	same(t, "their colleague's", []any{left[with.ID].Members, left[other.ID]}, []any{[]string{q.ID}, other.Owner})
	same(t, "the role's", []any{len(left[role.ID].Members), left[role.ID].Roles}, []any{0, role.Owner.Roles})
	same(t, "counted", head.Rules, 3)
	same(t, "the chain's edition", []int{w.chainNow(t).RulesEdition, head.Edition}, []int{edition + 1, edition + 1})
	same(t, "the colleague isn't hidden from", w.sight(t, q).PartnerAt("pa", 1, network.PartnerJoined), true)
	_, err = w.EditRule(ctx, w.chainNow(t), with.ID, func(*network.Rule) {}, with.Edition, noon)
	wants(t, "an edit of what it was", err, network.ErrPrecondition)

	list, _, err := w.Audit(ctx, chainID, "", 1)
	must(t, err)
	named := fmt.Sprint(list[0].After["rule_ids"])
	same(t, "what the audit list says", []any{list[0].What, list[0].Who, list[0].At.UTC(), strings.Contains(named, alone.ID), strings.Contains(named, with.ID), strings.Contains(named, other.ID)},
		[]any{"rules_narrowed", Who{}, noon.Add(time.Hour), true, true, false})

	must(t, w.Erase(ctx, p.ID, noon.Add(2*time.Hour)))
	same(t, "twice is once", w.chainNow(t).RulesEdition, edition+1)
}
