package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// part is a stretch of a directory that is read page by page: the sub-groups,
// the partners of one group, the people. Its name stands in cursors.
type part struct {
	name string
	page func(ctx context.Context, cursor string, limit int) (items []itemJSON, next string, err error)
}

// maxParts is how many parts one page goes through. An empty group costs as
// much to read as a full one, so a page over many of them ends, short.
const maxParts = 4

// read is a page of parts, from where the cursor points. A cursor is the name
// of a part and where in it the page begins; the parts are those of who asks,
// so it reaches nothing else. Where a group's part has gone meanwhile, the page
// begins with the next group's.
func read(ctx context.Context, all []part, cursor string, limit int) (items []itemJSON, next string, err error) {
	inner := ""
	if cursor != "" {
		var name string
		name, inner, _ = strings.Cut(cursor, ".")
		from := slices.IndexFunc(all, func(p part) bool { return p.name == name })
		if from < 0 {
			from, inner = behind(all, name), ""
		}
		if from < 0 {
			return nil, "", network.ErrCursor
		}
		all = all[from:]
	}
	for n, p := range all {
		if n == maxParts || len(items) == limit {
			return items, p.name + ".", nil
		}
		page, more, err := p.page(ctx, inner, limit-len(items))
		if err != nil {
			return nil, "", err
		}
		items = append(items, page...)
		if more != "" {
			return items, p.name + "." + more, nil
		}
		inner = ""
	}
	return items, "", nil
}

// behind is where the parts go on behind one of a group that isn't among them any
// more; -1 for what never was one, or where the groups aren't read one by one.
func behind(all []part, name string) int {
	gone, ok := groupOf(name)
	if !ok || gone == 0 {
		return -1
	}
	to := len(all)
	for i, p := range slices.Backward(all) {
		switch group, ok := groupOf(p.name); {
		case ok && group == 0:
			return -1
		case ok && group > gone, p.name == "s":
			to = i
		}
	}
	return to
}

// groupOf is the group of a part of partners, 0 for the whole chain.
func groupOf(name string) (group int, ok bool) {
	n, ok := strings.CutPrefix(name, "p")
	group, err := strconv.Atoi(n)
	return group, ok && err == nil
}

// keyed is an item with its place in a list, which stays while it doesn't
// change itself.
type keyed struct {
	key string
	itemJSON
}

// listed is a part of what has been read already, in the order of the keys. Its
// cursor is the last one's key, so it holds while others come and go.
func listed(name string, all []keyed) part {
	slices.SortFunc(all, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	return part{name, func(_ context.Context, cursor string, limit int) (items []itemJSON, next string, err error) {
		for _, k := range all {
			if cursor != "" && k.key <= cursor {
				continue
			}
			if len(items) == limit {
				return items, next, nil
			}
			items, next = append(items, k.itemJSON), k.key
		}
		return items, "", nil
	}}
}

// partners are those of a group that have joined, of the whole chain if group
// is 0, and that the caller sees: by group, then by name.
func (d *directory) partners(a network.Actor, sight *network.Sight, group int) part {
	return part{"p" + strconv.Itoa(group), func(ctx context.Context, cursor string, limit int) ([]itemJSON, string, error) {
		q := store.PartnerQuery{Group: group, State: network.PartnerJoined, Cursor: cursor, Limit: limit}
		found, next, err := store.Seen(sight, q, func(q store.PartnerQuery) ([]network.Partner, string, error) {
			return d.store.Partners(ctx, a.Chain.ID, q)
		})
		return partnerItems(a, sight, found), next, err
	}}
}

// singly are the partners that a rule names, in groups of which the caller sees
// no more. within are the groups that the list is of, nil for all.
func (d *directory) singly(a network.Actor, sight *network.Sight, within []int) part {
	return part{"s", func(ctx context.Context, cursor string, limit int) ([]itemJSON, string, error) {
		found, next, err := d.store.Singly(ctx, a.Chain, sight, within, store.PartnerQuery{State: network.PartnerJoined, Cursor: cursor, Limit: limit})
		return partnerItems(a, sight, found), next, err
	}}
}

func partnerItems(a network.Actor, sight *network.Sight, found []network.Partner) (items []itemJSON) {
	for _, p := range found {
		if sight.Partner(p) {
			items = append(items, partnerItem(a, p))
		}
	}
	return items
}

// groups are those right below a group that the caller sees: ErrGroupNotFound
// if that isn't there. Pages behind them don't read the groups again.
func (d *directory) groups(chain string, sight *network.Sight, group int) part {
	return part{"g", func(ctx context.Context, cursor string, limit int) ([]itemJSON, string, error) {
		tree, err := d.store.KeptTree(ctx, chain)
		if err != nil {
			return nil, "", err
		}
		if _, ok := tree[group]; !ok {
			return nil, "", network.ErrGroupNotFound
		}
		var items []keyed
		for _, g := range tree.Children(group) {
			if sight.Group(g.ID) {
				items = append(items, keyed{fmt.Sprintf("%010d %s %d", math.MaxUint32-g.Order, g.Name, g.ID), groupItem(g)}) // as Children sorts
			}
		}
		return listed("g", items).page(ctx, cursor, limit)
	}}
}

// ownersParts are the directory of the owner's people: the groups below the
// one that is asked for, then its partners, then those of it that a rule names.
// Recursive is without groups, but with all their partners. By date all partners
// are one part.
func (d *directory) ownersParts(ctx context.Context, a network.Actor, group int, recursive, byDate bool) (all []part, err error) {
	sight, err := d.store.SightOfGroups(ctx, a)
	if err != nil {
		return nil, err
	}
	if !sight.Group(group) {
		return nil, network.ErrGroupNotFound
	}
	within := []int{group}
	switch {
	case !recursive:
		all = append(all, d.groups(a.Chain.ID, sight, group))
	case group == network.RootGroup:
		within = nil
	default:
		tree, err := d.store.KeptTree(ctx, a.Chain.ID)
		if err != nil {
			return nil, err
		}
		if _, ok := tree[group]; !ok {
			return nil, network.ErrGroupNotFound
		}
		within = tree.Below(group)
	}
	if byDate {
		name := "d" + strconv.Itoa(group)
		if recursive {
			name += "r"
		}
		return append(all, d.newest(a, sight, name, within)), nil
	}
	among, err := d.store.AndMoving(ctx, a.Chain, sight.Among(within))
	if err != nil {
		return nil, err
	}
	if among == nil {
		among = []int{0}
	}
	for _, id := range among {
		all = append(all, d.partners(a, sight, id))
	}
	if len(sight.Scope().Singly) > 0 {
		all = append(all, d.singly(a, sight, within))
	}
	return all, nil
}

// guestsParts are the directory of a partner's people: who else has joined,
// where the chain lets partners see each other, else their own partner alone;
// then the people that they may see. They see no group but their own (R08), so
// to them the root is the whole chain.
func (d *directory) guestsParts(ctx context.Context, a network.Actor, group int, _, byDate bool) ([]part, error) {
	sight, err := d.store.SightOfGroups(ctx, a)
	if err != nil {
		return nil, err
	}
	if group != network.RootGroup && !sight.Group(group) {
		return nil, network.ErrGroupNotFound
	}
	if group == network.RootGroup {
		group = 0
	}
	own := sight.Own()
	partners := listed("o", []keyed{{own.ID, partnerItem(a, own)}})
	switch {
	case sight.Restricted():
	case !byDate:
		partners = d.partners(a, sight, group)
	case group == 0:
		partners = d.newest(a, sight, "d0", nil)
	default:
		partners = d.newest(a, sight, "d"+strconv.Itoa(group), []int{group})
	}
	all := []part{partners, d.hosts(a, sight)}
	if people, every := sight.Hosts(); every || len(people) > 0 {
		all = append(all, d.members(a, sight, people, every))
	}
	return append(all, d.colleagues(a, own)), nil
}
