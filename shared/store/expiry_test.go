package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// sweep does what the expiry door does, and says what has ended.
func (w *world) sweep(t *testing.T, now time.Time) []string {
	t.Helper()
	ended, err := sweep(t.Context(), w.Store, now)
	must(t, err)
	return ended
}

func sweep(ctx context.Context, s *Store, now time.Time) ([]string, error) {
	var ended []string
	var page DuePage
	for {
		due, err := s.Due(ctx, now, 10, &page)
		if err != nil || len(due) == 0 {
			return ended, err
		}
		for _, d := range due {
			is, err := s.Settle(ctx, d, now)
			if err != nil {
				return ended, err
			}
			if is {
				ended = append(ended, d.ID)
			}
		}
	}
}

func TestR12_TheSweepTellsOnceWhatHasEndedAndFilesAnewWhatWasStretched(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	ctx := t.Context()
	link, own := w.link(t, network.Invite{}), w.link(t, network.Invite{Own: time.Hour})
	used, revoked := w.link(t, network.Invite{MaxUses: 1}), w.link(t, network.Invite{})
	c, p := w.corp(t, 7)
	w.join(t, used, p, Choice{Corp: c.ID})
	_, err := w.RevokeInvite(ctx, chainID, revoked.Invite, noon)
	must(t, err)
	imp, _ := w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Beta")})
	must(t, w.TallyNotices(ctx, chainID, imp.ID, 0, network.Tally{Notified: 2}, noon))

	same(t, "before anything is due", w.sweep(t, noon.Add(time.Hour-time.Second)), []string(nil))
	due, err := w.Due(ctx, noon.Add(time.Hour), 10, new(DuePage))
	must(t, err)
	same(t, "the one with a life of its own", w.sweep(t, noon.Add(time.Hour)), []string{own.Invite})
	_, err = w.Settle(ctx, due[0], noon.Add(time.Hour)) // a second sweep that had read it too
	must(t, err)

	only := network.ImportedOnly
	w.edit(t, network.ChainEdit{JoinPolicy: &only}, noon.Add(day))
	same(t, "stretched", w.sweep(t, noon.Add(8*day)), []string(nil))
	due, err = w.Due(ctx, noon.Add(15*day-time.Second), 10, new(DuePage))
	must(t, err)
	same(t, "filed anew, the used one no more", len(due), 0)
	same(t, "looked at week by week", w.sweep(t, noon.Add(89*day)), []string(nil))
	w.join(t, noticeOf(row(20, "Acme")), person(20), anew("Acme"))
	for _, e := range w.events(t) {
		if e.Kind == network.Joined && e.Import != "" {
			must(t, w.CountJoin(ctx, e))
		}
	}
	same(t, "ended", len(w.sweep(t, noon.Add(91*day))), 2)
	same(t, "and no more", w.sweep(t, noon.Add(92*day)), []string(nil))
	told := map[string]network.Event{}
	for _, e := range w.events(t) {
		told[e.ID] = e
	}
	same(t, "told of the link", told["ended."+link.Invite], network.Event{ID: "ended." + link.Invite, Kind: network.InviteEnded, Chain: chainID, Invite: link.Invite, Person: w.boss.ID, Corp: w.owner.ID})
	same(t, "told of the roster", told["ended."+imp.ID], network.Event{ID: "ended." + imp.ID, Kind: network.RosterEnded, Chain: chainID, Import: imp.ID, Person: w.boss.ID, Corp: w.owner.ID, Count: 1})
	for _, silent := range []network.Ticket{used, revoked} {
		if _, ok := told["ended."+silent.Invite]; ok {
			t.Errorf("got a notice of %s, want none: whoever used it up or revoked it knows", silent.Invite)
		}
	}
	same(t, "events of all time", len(w.told(t)), 6) // the chunk, two joins, two links, the roster
}

func TestR12_AMakerHearsWithinAWeekOfAnInviteThatASwitchHasEnded(t *testing.T) {
	t.Parallel()
	w := setup(t)
	only, open := network.ImportedOnly, network.Open
	w.edit(t, network.ChainEdit{JoinPolicy: &only}, noon)
	link := w.link(t, network.Invite{}) // for 90 days, as it looks
	same(t, "after eight days", w.sweep(t, noon.Add(8*day)), []string(nil))
	w.edit(t, network.ChainEdit{JoinPolicy: &open}, noon.Add(9*day))
	same(t, "a week on", w.sweep(t, noon.Add(15*day)), []string{link.Invite})
}

func TestR41_WhatADissolvedChainLeavesIsSweptInSilence(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.link(t, network.Invite{})
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme")})
	must(t, w.TallyNotices(t.Context(), chainID, importID(1), 0, network.Tally{Notified: 1}, noon))
	must(t, w.DissolveChain(t.Context(), chainID, 0, noon))
	same(t, "ended", w.sweep(t, noon.Add(8*day)), []string(nil))
	due, err := w.Due(t.Context(), noon.Add(365*day), 10, new(DuePage))
	must(t, err)
	same(t, "due ever after", len(due), 0)
}

func TestWhatCannotBeSettledKeepsNobodyBehindItWaiting(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var items []any
	for i := range 60 { // more than a page of a shard
		in := network.Invite{ID: fmt.Sprintf("in%016d", 1000+i), Chain: "ch0000000000000009", Kind: "link", Group: 1, CreatedAt: noon, Version: 1}
		items = append(items, newInviteItem(in, noon.Add(time.Minute)))
	}
	w.seed(t, items)
	link := w.link(t, network.Invite{Own: time.Hour})
	var page DuePage
	seen := map[string]bool{}
	for {
		due, err := w.Due(t.Context(), noon.Add(day), 10, &page)
		must(t, err)
		if len(due) == 0 {
			break
		}
		for _, d := range due {
			seen[d.ID] = true
		}
	}
	same(t, "seen though nothing was settled", []any{len(seen), seen[link.Invite]}, []any{61, true})
	same(t, "ended", w.sweep(t, noon.Add(day)), []string{link.Invite})
	due, err := w.Due(t.Context(), noon.Add(100*day), 10, new(DuePage))
	must(t, err)
	same(t, "what is of no chain is filed no more", len(due), 0)
}

func TestASweepCostsWhatIsDueNotWhatThereIs(t *testing.T) {
	t.Parallel()
	cost := func(others int) (m any) {
		w := setup(t)
		var items []any
		for i := range 100 + others {
			in := network.Invite{ID: fmt.Sprintf("in%016d", i), Chain: chainID, Kind: "link", Group: 1, Maker: w.boss.ID, MakerCorp: w.owner.ID, CreatedAt: noon, Version: 1}
			if i < 100 {
				in.Own = time.Hour
			}
			items = append(items, newInviteItem(in, in.ExpiresAt(w.chain)))
		}
		w.seed(t, items)
		w.tb.Reset()
		if n := len(w.sweep(t, noon.Add(day))); n != 100 {
			t.Errorf("got %d ended, want 100", n)
		}
		got := w.tb.Meter()
		t.Logf("100 due beside %d others: %d requests, %.1f read and %.1f write units", others, got.Requests, got.ReadUnits, got.WriteUnits)
		return got
	}
	same(t, "beside 5,000 others", cost(5000), cost(50))
}

// seed puts items into the table past all rules.
func (w *world) seed(t *testing.T, items []any) {
	t.Helper()
	for part := range slices.Chunk(items, 100) { // a transaction's most
		tx := w.tx()
		for _, it := range part {
			tx.put(it, "", nil)
		}
		_, _, err := tx.send(t.Context())
		must(t, err)
	}
}
