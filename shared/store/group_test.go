package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

func none(network.Chain) (bool, error) { return false, nil }

func TestGroupsAreMadeEditedAndFound(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	north := w.group(t, "North", 1)
	harbin := w.group(t, "Harbin", north)
	_, err := w.CreateGroup(ctx, chainID, network.Group{Name: "north", Parent: 1}, Once{})
	wants(t, "a sibling's name", err, network.ErrNameTaken)
	_, err = w.CreateGroup(ctx, chainID, network.Group{Name: "South", Parent: 99}, Once{})
	wants(t, "under nothing", err, network.ErrGroupNotFound)

	name, order := "Ha'erbin", uint32(7)
	g, err := w.EditGroup(ctx, chainID, harbin, &name, nil, &order, 1)
	must(t, err)
	found, err := w.Group(ctx, chainID, harbin)
	must(t, err)
	same(t, "group", found, g)
	same(t, "edited", g, network.Group{ID: harbin, Name: name, Parent: north, Order: 7, Edition: 2})
	_, err = w.EditGroup(ctx, chainID, harbin, &name, nil, nil, 1)
	wants(t, "an edit of the first edition", err, network.ErrPrecondition)
	_, err = w.EditGroup(ctx, chainID, 99, &name, nil, nil, 0)
	wants(t, "an edit of nothing", err, network.ErrNotFound)
	_, err = w.EditGroup(ctx, chainID, north, nil, &harbin, nil, 0)
	same(t, "a circle", network.KindOf(err), network.Invalid)
	_, err = w.Group(ctx, chainID, 99)
	wants(t, "a group that isn't there", err, network.ErrGroupNotFound)

	all := "All"
	_, err = w.EditGroup(ctx, chainID, 1, &all, nil, nil, 0)
	must(t, err)
	_, err = w.EditGroup(ctx, chainID, 1, nil, &north, nil, 0)
	same(t, "R34 the root under another", network.KindOf(err), network.Invalid)
}

func TestOfManyGroupsOfOneNameAtOnceOneIsMade(t *testing.T) {
	t.Parallel()
	w := setup(t)
	got := atOnce(6, func(int) error {
		_, err := w.CreateGroup(t.Context(), chainID, network.Group{Name: "North", Parent: 1}, Once{})
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 1, "name_taken": 5})
}

func TestTwoMovesAtOnceMakeNoCircle(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for round := range 5 {
		ids := []int{w.group(t, fmt.Sprint("A", round), 1), w.group(t, fmt.Sprint("B", round), 1)}
		got := atOnce(2, func(i int) error {
			_, err := w.EditGroup(t.Context(), chainID, ids[i], nil, &ids[1-i], nil, 0)
			return err
		})
		same(t, "answers", got, map[string]int{"ok": 1, "invalid": 1})
		tree, err := w.Tree(t.Context(), chainID)
		must(t, err)
		if below := tree.Below(1); !slices.Contains(below, ids[0]) || !slices.Contains(below, ids[1]) {
			t.Errorf("got %v, want both below the root", tree)
		}
	}
}

func TestR25_MissingGroupsAreMadeOnceByManyImportsAndMoreThanATransactionHolds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var paths [][]string
	for i := range 125 {
		paths = append(paths, []string{fmt.Sprintf("P%d", i%5), fmt.Sprintf("C%d", i), "D"})
	}
	got := atOnce(4, func(int) error {
		tree, err := w.EnsureGroups(t.Context(), chainID, "", paths)
		for _, p := range paths {
			if _, levels := tree.Find(p); err == nil && levels != 3 {
				t.Errorf("got %d levels of %v, want 3", levels, p)
			}
		}
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 4})
	tree, err := w.Tree(t.Context(), chainID)
	must(t, err)
	same(t, "groups", len(tree), 1+5+125+125)
	w.tb.Reset()
	_, err = w.EnsureGroups(t.Context(), chainID, "", paths)
	must(t, err)
	if m := w.tb.Meter(); m.WriteUnits != 0 || m.Requests != 1 {
		t.Errorf("got %+v when nothing is missing, want one read", m)
	}
	_, err = w.EnsureGroups(t.Context(), chainID, "", [][]string{{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}})
	same(t, "a tenth level", network.KindOf(err), network.Invalid)
}

func TestR34_AGroupInUseGoesOnlyWithSomewhereToGo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	north, south, leaf := w.group(t, "North", 1), w.group(t, "South", 1), 0
	leaf = w.group(t, "Leaf", north)
	same(t, "the root", network.KindOf(w.DeleteGroup(ctx, chainID, 1, south, 0, none)), network.Invalid)
	wants(t, "a group with groups below", w.DeleteGroup(ctx, chainID, north, south, 0, none), network.ErrGroupNotEmpty)
	wants(t, "a group that isn't there", w.DeleteGroup(ctx, chainID, 99, south, 0, none), network.ErrNotFound)
	must(t, w.DeleteGroup(ctx, chainID, leaf, 0, 0, none))
	must(t, w.DeleteGroup(ctx, chainID, leaf, 0, 0, none)) // twice is once

	w.importRows(t, 1, []network.RosterRow{row(1, "One", "North"), row(2, "Two", "North"), row(3, "Three", "South")})
	link := w.link(t, network.Invite{Group: north})
	wants(t, "with partners", w.DeleteGroup(ctx, chainID, north, 0, 0, none), network.ErrGroupNotEmpty)
	wants(t, "to itself", w.DeleteGroup(ctx, chainID, north, north, 0, none), network.ErrGroupNotFound)
	wants(t, "to nowhere", w.DeleteGroup(ctx, chainID, north, 99, 0, none), network.ErrGroupNotFound)
	must(t, w.DeleteGroup(ctx, chainID, north, south, 0, none))
	page, _, err := w.Partners(ctx, chainID, PartnerQuery{Group: south, Limit: 50})
	must(t, err)
	same(t, "partners where they went", len(page), 3)
	c, p := w.corp(t, 7)
	same(t, "R34 who joins by its invite lands there", w.join(t, link, p, Choice{Corp: c.ID}).Partner.Group, south)

	// And on, where that group goes too.
	inUse := func(network.Chain) (bool, error) { return true, nil }
	empty := w.group(t, "Empty", 1)
	wants(t, "with live invites", w.DeleteGroup(ctx, chainID, empty, 0, 0, inUse), network.ErrGroupNotEmpty)
	must(t, w.DeleteGroup(ctx, chainID, empty, 1, 0, inUse))
	must(t, w.DeleteGroup(ctx, chainID, south, 1, 0, none))
	l, err := w.Look(ctx, link, noon)
	must(t, err)
	same(t, "the group that a look shows", l.Group, "")
	page, _, err = w.Partners(ctx, chainID, PartnerQuery{Group: 1, Limit: 50})
	must(t, err)
	same(t, "partners in the root", len(page), 4)
}

func TestR34_APartnerThatComesBackDoesNotStandInAGroupThatIsGone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	north, south := w.group(t, "North", 1), w.group(t, "South", 1)
	c, p := w.corp(t, 7)
	a := w.join(t, w.link(t, network.Invite{Group: north}), p, Choice{Corp: c.ID})
	must(t, w.RemovePartner(ctx, chainID, a.Partner.ID, 0, noon.Add(2*day)))
	must(t, w.DeleteGroup(ctx, chainID, north, south, 0, none))
	back, err := w.Join(ctx, w.link(t, network.Invite{CreatedAt: noon.Add(3 * day)}), p, Choice{Corp: c.ID}, noon.Add(3*day))
	must(t, err)
	if is := w.partnerNow(t, back.Partner.ID); is.Group != south {
		t.Errorf("got group %d, want %d", is.Group, south)
	}
}

func TestR34_AnImportThatHadReadAGroupBeforeItWasDeletedLeavesNobodyInIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	north := w.group(t, "North", 1)
	_, _, err := roster{id: importID(1), at: noon, chunk: 1, rows: []network.RosterRow{row(1, "One", "North"), row(2, "Two", "North")}, mischief: func(chunk int) {
		if chunk == 1 {
			must(t, w.DeleteGroup(t.Context(), chainID, north, 1, 0, none))
		}
	}}.run(t.Context(), w.Store)
	must(t, err)
	for _, n := range []int{1, 2} {
		same(t, "group", w.partnerNow(t, noticeOf(row(n, []string{"One", "Two"}[n-1])).Partner).Group, 1)
	}
}

// R34: whom a deletion leaves behind for now is told, and tells others, where
// the group went; and partners are moved in parallel.
func TestR34_PartnersFollowADeletedGroupManyAtATime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	north, south := w.group(t, "North", 1), w.group(t, "South", 1)
	var all []network.RosterRow
	for i := range 60 {
		all = append(all, row(100+i, fmt.Sprint("Dealer ", i), "North"))
	}
	w.importRows(t, 1, all)
	w.tb.Reset()
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n > 1 {
			return dynamotest.Before
		}
		return dynamotest.None
	}
	if err := w.DeleteGroup(ctx, chainID, north, south, 0, none); err == nil {
		t.Fatal("got none, want the error of what broke off")
	}
	w.tb.Break = nil
	l, err := w.Look(ctx, noticeOf(all[0]), noon)
	must(t, err)
	same(t, "what a notice opens", l.Group, "South")
	a := w.join(t, noticeOf(all[0]), person(100), anew("Dealer"))
	same(t, "who joins", a.Partner.Group, south)

	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n%7 == 0 {
			return dynamotest.Conflict
		}
		return dynamotest.None
	}
	must(t, w.DeleteGroup(ctx, chainID, north, south, 0, none))
	w.tb.Break = nil
	page, _, err := w.Partners(ctx, chainID, PartnerQuery{Group: south, State: network.PartnerPending, Limit: 100})
	must(t, err)
	same(t, "filed anew", len(page), 59)
	same(t, "and before", w.partnerNow(t, a.Partner.ID).Group, south)
	w.state(t)
}

func TestAnEditionIsAConditionOfWhatEnds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	north := w.group(t, "North", 1)
	name := "Nord"
	_, err := w.EditGroup(ctx, chainID, north, &name, nil, nil, 1)
	must(t, err)
	wants(t, "a group as it was", w.DeleteGroup(ctx, chainID, north, 0, 1, none), network.ErrPrecondition)
	must(t, w.DeleteGroup(ctx, chainID, north, 0, 2, none))
	was := w.chainNow(t).Edition
	w.edit(t, network.ChainEdit{Name: &name}, noon)
	wants(t, "a chain as it was", w.DissolveChain(ctx, chainID, was, noon), network.ErrPrecondition)
	must(t, w.DissolveChain(ctx, chainID, was+1, noon))
}
