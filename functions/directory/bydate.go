package main

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

// indexMade is about how long an index takes to be made of a large chain.
const indexMade = 10 * time.Second

// newest are the partners that have joined and that the caller sees, the newest
// first; within are the groups that the list is of, nil for all. They are read
// from the index: the table has no such order, for it would cost each partner
// another write. ErrBusy while there is none.
func (d *directory) newest(a network.Actor, sight *network.Sight, name string, within []int) part {
	return part{name, func(ctx context.Context, cursor string, limit int) ([]itemJSON, string, error) {
		var last *feed.Joined
		if cursor != "" {
			var err error
			if last, err = readJoined(cursor); err != nil {
				return nil, "", err
			}
		}
		x, err := d.sums(ctx, a.Chain.ID)
		if errors.Is(err, errNoIndex) {
			return nil, "", web.Later(network.ErrBusy, indexMade)
		}
		if err != nil {
			return nil, "", err
		}
		defer x.release()
		found, next := newestOf(&x.base, a, sight, within, last, limit)
		items := make([]itemJSON, 0, len(found))
		for _, j := range found {
			e, _ := x.base.Partner(j.Partner) // the sums are of what is there
			items = append(items, partnerItem(a, network.Partner{
				ID: e.Partner, Name: e.Name, Alias: e.Alias, Group: e.Group, State: e.State, Joined: x.base.JoinedPeople(e.Partner), JoinedAt: time.Unix(j.At, 0).UTC(),
			}))
		}
		return items, next, nil
	}}
}

// newestOf is a page of the index's partners from behind last on, and its cursor
// if the caller sees more: what they don't see ends no page and begins none.
func newestOf(base *feed.Base, a network.Actor, sight *network.Sight, within []int, last *feed.Joined, limit int) (found []feed.Joined, next string) {
	belongs := map[int]bool{} // by the group that a partner was put into
	for _, j := range base.JoinedAfter(last) {
		in, known := belongs[j.Group]
		if !known {
			in = within == nil || slices.Contains(within, a.Chain.Landing(j.Group))
			belongs[j.Group] = in
		}
		if !in || !sight.PartnerAt(j.Partner, j.Group, network.PartnerJoined) {
			continue
		}
		if len(found) == limit {
			return found, writeJoined(found[limit-1])
		}
		found = append(found, j)
	}
	return found, ""
}

// A cursor is when the page's last partner joined, and which it was: so it holds
// when that one is gone.
func writeJoined(j feed.Joined) string { return strconv.FormatInt(j.At, 10) + "." + j.Partner }

func readJoined(cursor string) (*feed.Joined, error) {
	at, partner, ok := strings.Cut(cursor, ".")
	when, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil {
		return nil, network.ErrCursor
	}
	return &feed.Joined{At: when, Partner: partner}, nil
}
