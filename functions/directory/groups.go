package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

// countedGroupJSON is a group with how many of the partners in it and below it
// the caller sees that have joined.
type countedGroupJSON struct {
	groupJSON
	Partners *int `json:"partners"` // null: the index is being made
}

// groupsCursor begins a cursor of this list, and of no other. The last group's
// id follows: a group keeps it wherever it is moved to.
const groupsCursor = "groups."

// listGroups lists the groups that the caller sees, by id, with counts.
func (d *directory) listGroups(w http.ResponseWriter, r *http.Request) error {
	a, err := d.actor(r)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "limit", "cursor", "as", "as_corp")
	if err != nil {
		return err
	}
	limit, err := q.Limit()
	if err != nil {
		return err
	}
	if a, err = caller.View(r, d.store, a, q, "groups", d.now()); err != nil {
		return err
	}
	last := 0
	if q.Cursor() != "" {
		opened, err := d.person.Open(a.Cursors(), q.Cursor())
		if err != nil {
			return err
		}
		id, ok := strings.CutPrefix(opened, groupsCursor)
		if last, err = strconv.Atoi(id); !ok || err != nil {
			return network.ErrCursor
		}
	}
	sight, err := d.store.SightOfGroups(r.Context(), a)
	if err != nil {
		return err
	}
	tree, err := d.store.KeptTree(r.Context(), a.Chain.ID)
	if err != nil {
		return err
	}
	counts, err := d.counts(r.Context(), a, sight, tree)
	if err != nil {
		return err
	}
	items, next := []countedGroupJSON{}, ""
	for _, id := range slices.Sorted(maps.Keys(tree)) {
		if id <= last || !sight.Group(id) {
			continue
		}
		if len(items) == limit {
			next = groupsCursor + strconv.Itoa(items[limit-1].GroupID)
			break
		}
		g := tree[id]
		item := countedGroupJSON{groupJSON: groupJSON{g.ID, g.Name, g.Parent, g.Order}}
		if counts != nil {
			n := counts[id]
			item.Partners = &n
		}
		items = append(items, item)
	}
	return web.List(w, items, d.person.Seal(a.Cursors(), next))
}

// counts is how many partners that have joined the caller sees, by group; nil
// while there is no index to count by, which then is asked for.
func (d *directory) counts(ctx context.Context, a network.Actor, sight *network.Sight, tree network.Tree) (map[int]int, error) {
	x, err := d.sums(ctx, a.Chain.ID)
	if errors.Is(err, errNoIndex) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer x.release()
	return countPartners(&x.base, a, sight, tree), nil
}

// sums is a chain's index with its sums: errNoIndex if there is none that is up to
// date, and then one is asked for.
func (d *directory) sums(ctx context.Context, chain string) (*kept, error) {
	x, stale, err := d.indexes.of(ctx, chain, false)
	if err != nil && !errors.Is(err, errNoIndex) {
		return nil, err
	}
	switch {
	case err == nil && !stale:
		x.sums = x.base.KnowSums()
		d.indexes.fit(x)
		return x, nil
	case err == nil: // what it counts may be long ago, and nothing in an answer would say so
		x.release()
		err = errNoIndex
	}
	if asked := d.store.AskRebuild(ctx, chain, d.now()); asked != nil {
		slog.ErrorContext(ctx, "index not asked for", "chain", chain, "err", asked) // the answer is what it is nevertheless
	}
	return nil, err
}

// countPartners adds up what the index counts by group. To the owner's people a
// group counts what is below it too; a partner's see theirs alone (R08), so it
// counts what the directory lists of it. What rules name singly is put right one
// by one: nothing here goes through the partners.
func countPartners(base *feed.Base, a network.Actor, sight *network.Sight, tree network.Tree) map[int]int {
	in := map[int]int{} // by the group where they belong
	for group, n := range base.JoinedByGroup() {
		in[a.Chain.Landing(group)] += n
	}
	if a.Side != network.Owner {
		return countForGuest(in, a, sight)
	}
	if sight.Restricted() {
		seenOnly(in, base, a, sight)
	}
	counts := make(map[int]int, len(tree))
	for id, n := range in {
		for levels := 0; levels <= network.MaxDepth; levels++ {
			g, ok := tree[id]
			if !ok {
				break
			}
			counts[id] += n
			id = g.Parent
		}
	}
	return counts
}

func countForGuest(in map[int]int, a network.Actor, sight *network.Sight) map[int]int {
	own := a.Chain.Landing(sight.Own().Group)
	switch {
	case sight.Restricted():
		return map[int]int{own: 1}
	case own == network.RootGroup: // to them it is the whole chain
		all := 0
		for _, n := range in {
			all += n
		}
		return map[int]int{own: all}
	}
	return map[int]int{own: in[own]}
}

// seenOnly leaves in the counts whom the sight shows: of groups that are seen
// whole all but who is hidden, of others who is named.
func seenOnly(in map[int]int, base *feed.Base, a network.Actor, sight *network.Sight) {
	scope := sight.Scope()
	whole := func(group int) bool { _, ok := slices.BinarySearch(scope.Groups, group); return ok }
	maps.DeleteFunc(in, func(group, _ int) bool { return !whole(group) })
	joined := func(ids []string, each func(p network.Partner, group int)) {
		for _, id := range ids {
			if e, there := base.Partner(id); there && e.State == network.PartnerJoined {
				each(network.Partner{ID: id, Group: e.Group, State: e.State}, a.Chain.Landing(e.Group))
			}
		}
	}
	joined(scope.Hidden, func(_ network.Partner, group int) {
		if whole(group) {
			in[group]--
		}
	})
	joined(scope.Singly, func(p network.Partner, group int) {
		if sight.Apart(p) {
			in[group]++
		}
	})
}
