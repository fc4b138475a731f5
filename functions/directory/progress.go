package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// progressJSON is the funnel of R32.
type progressJSON struct {
	Contacts network.Funnel `json:"contacts"`
	Partners partnerFunnel  `json:"partners"`
}

type partnerFunnel struct {
	Imported int `json:"imported"`
	Joined   int `json:"joined"`
}

// progressByDay is the funnel, and when its steps were reached.
type progressByDay struct {
	progressJSON
	Items      []dayJSON `json:"items"`
	NextCursor *string   `json:"next_cursor"`
}

type dayJSON struct {
	Day           string `json:"day"`
	Notified      int    `json:"notified"`
	Undeliverable int    `json:"undeliverable"`
	Opened        int    `json:"opened"`
	Joined        int    `json:"joined"`
	Declined      int    `json:"declined"`
}

// progressAsk is what progress is asked for; what is "" or 0 is not.
type progressAsk struct {
	imp, inviter string
	group        int
	byDay        bool
	limit        int
	before       network.Day // the last day of the page before this one
}

// progress says how far the contacts of the chain's imports have come, of all
// or of some. It is for the owner's people: to partners the roster is nobody's,
// and who may be kept from some partners isn't told how many there are (R36).
//
// What imports have made is told by their tallies. Who is in a group, and what
// happened on which day, is counted in the search index, which has those who are
// in the chain now.
func (d *directory) progress(w http.ResponseWriter, r *http.Request) error {
	a, err := d.actor(r)
	if err != nil {
		return err
	}
	totals, err := d.store.SeesTotals(r.Context(), a)
	if err != nil {
		return err
	}
	if a.Side != network.Owner || !totals {
		return network.ErrDenied
	}
	ask, err := d.progressAsked(r, a.Chain.ID)
	if err != nil {
		return err
	}
	if ask.imp != "" {
		if _, err := d.store.Import(r.Context(), a.Chain.ID, ask.imp); err != nil {
			return err
		}
	}
	in, err := d.groupAsked(r.Context(), a, ask.group)
	if err != nil {
		return err
	}
	of, err := d.store.Tallied(r.Context(), a.Chain.ID, ask.imp)
	if err != nil {
		return err
	}
	if ask.inviter != "" {
		of = madeBy(of, ask.inviter)
	}
	var tallies []network.Tally
	for _, t := range of {
		tallies = append(tallies, t.Tally)
	}
	var days map[network.Day]feed.Reached
	if ask.group != 0 || ask.byDay {
		count, err := d.recount(r.Context(), a.Chain.ID, of, in)
		if err != nil {
			return err
		}
		if days = count.Days; ask.group != 0 {
			tallies = count.Tallies
		}
	}
	f := network.Progress(tallies, a.Chain.Policies, d.now())
	out := progressJSON{f, partnerFunnel{f.Partners, f.PartnersIn}}
	if !ask.byDay {
		return web.JSON(w, http.StatusOK, out)
	}
	page := progressByDay{progressJSON: out}
	var last network.Day
	if page.Items, last = daysBefore(days, ask.before, ask.limit); last != 0 {
		next := d.person.Seal(a.Chain.ID, dayCursor+strconv.Itoa(int(last)))
		page.NextCursor = &next
	}
	return web.JSON(w, http.StatusOK, page)
}

func (d *directory) progressAsked(r *http.Request, chain string) (ask progressAsk, err error) {
	known := []string{"import_id", "group_id", "inviter", "by"}
	if r.URL.Query().Has("by") { // days are a list
		known = append(known, "limit", "cursor")
	}
	q, err := web.Query(r, known...)
	if err != nil {
		return ask, err
	}
	if _, err := q.OneOf("by", "day"); err != nil {
		return ask, err
	}
	given := r.URL.Query()
	ask = progressAsk{imp: q.Get("import_id"), inviter: q.Get("inviter"), byDay: given.Has("by")}
	if given.Has("inviter") && !network.ValidPersonID(ask.inviter) {
		return ask, network.InvalidField("inviter", "malformed", "This must be the id of a person.")
	}
	if given.Has("group_id") {
		if ask.group, err = q.Int("group_id", 0); err != nil {
			return ask, err
		}
		if ask.group < network.RootGroup {
			return ask, network.ErrGroupNotFound
		}
	}
	if given.Has("import_id") && !network.ValidImportID(ask.imp) {
		return ask, network.ErrNotFound
	}
	if ask.limit, err = q.Limit(); err != nil {
		return ask, err
	}
	ask.before, err = d.daysTo(chain, q.Cursor())
	return ask, err
}

// dayCursor begins the cursors of days, which are those of no other list.
const dayCursor = "days\x00"

func (d *directory) daysTo(chain, cursor string) (network.Day, error) {
	if cursor == "" {
		return 0, nil
	}
	opened, err := d.person.Open(chain, cursor)
	if err != nil {
		return 0, err
	}
	number, ok := strings.CutPrefix(opened, dayCursor)
	day, err := strconv.Atoi(number)
	if !ok || err != nil || day < 1 {
		return 0, network.ErrCursor
	}
	return network.Day(day), nil
}

// groupAsked reports of groups whether they are the one that is asked for or
// below it, or have been deleted into one of these; 0 asks for all.
// ErrGroupNotFound also for one that the actor doesn't see.
func (d *directory) groupAsked(ctx context.Context, a network.Actor, group int) (in func(group int) bool, err error) {
	if group == 0 {
		return func(int) bool { return true }, nil
	}
	sight, err := d.store.SightOfGroups(ctx, a)
	if err != nil {
		return nil, err
	}
	tree, err := d.store.KeptTree(ctx, a.Chain.ID)
	if err != nil {
		return nil, err
	}
	if _, there := tree[group]; !there || !sight.Group(group) {
		return nil, network.ErrGroupNotFound
	}
	within := tree.Below(group)
	return func(group int) bool {
		_, is := slices.BinarySearch(within, a.Chain.Landing(group))
		return is
	}, nil
}

// madeBy are the tallies of the imports that somebody has made. Until the first
// chunk of a tally is done it doesn't know, and another of its import may.
func madeBy(all []store.Tallied, person string) (theirs []store.Tallied) {
	imports := map[string]bool{}
	for _, t := range all {
		imports[t.Import] = imports[t.Import] || t.Maker == person
	}
	for _, t := range all {
		if imports[t.Import] {
			theirs = append(theirs, t)
		}
	}
	return theirs
}

// indexWait is what a small chain's index takes to be made.
const indexWait = 5 * time.Second

// recount counts in the chain's index: ErrBusy while there is none, or one that
// doesn't follow its changes any more, and another has been asked for.
func (d *directory) recount(ctx context.Context, chain string, of []store.Tallied, in func(group int) bool) (feed.Recount, error) {
	if len(of) == 0 {
		return feed.Recount{}, nil // nor is there an index of a chain that has nobody
	}
	x, stale, err := d.indexes.of(ctx, chain, true)
	if err == nil {
		defer x.release()
	}
	switch {
	case stale || errors.Is(err, errNoIndex):
		if err := d.store.AskRebuild(ctx, chain, d.now()); err != nil {
			return feed.Recount{}, err
		}
		return feed.Recount{}, web.Later(fmt.Errorf("progress: %w", network.ErrBusy), indexWait)
	case err != nil:
		return feed.Recount{}, err
	}
	return x.base.Recount(of, in), nil
}

// daysBefore are the days on which something happened, the newest first, from
// before a day on, or from the newest if that is 0. last is the last of them if
// there are more.
func daysBefore(all map[network.Day]feed.Reached, before network.Day, limit int) (items []dayJSON, last network.Day) {
	items = []dayJSON{}
	days := slices.Sorted(maps.Keys(all))
	for _, day := range slices.Backward(days) {
		if before != 0 && day >= before {
			continue
		}
		if len(items) == limit {
			return items, last
		}
		n := all[day]
		items = append(items, dayJSON{day.String(), n.Notified, n.Undeliverable, n.Opened, n.Joined, n.Declined})
		last = day
	}
	return items, 0
}
