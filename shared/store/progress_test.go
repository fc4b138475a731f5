package store

import (
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// funnel is the progress of everything that was imported.
func (w *world) funnel(t *testing.T, at time.Time) network.Funnel {
	t.Helper()
	tallies, err := w.Tallies(t.Context(), chainID, "")
	must(t, err)
	return network.Progress(tallies, w.chainNow(t).Policies, at)
}

// events are those that the table holds, as the relay would be given them.
func (w *world) events(t *testing.T) []network.Event {
	t.Helper()
	var all []network.Event
	for _, it := range w.tb.Items(t) {
		if o, ok := it["Outbox"].(string); ok {
			e, err := network.DecodeEvent(o)
			must(t, err)
			all = append(all, e)
		}
	}
	return all
}

func TestR32_WhatTwoImportsAddAtOnceIsCountedOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	all := []network.RosterRow{row(20, "Acme"), row(21, "Beta")}
	_, _, err := roster{id: importID(2), rows: all, at: noon, mischief: func(int) { w.importRows(t, 1, all) }}.run(t.Context(), w.Store)
	must(t, err)
	f := w.funnel(t, noon)
	same(t, "contacts, partners", []int{f.Imported, f.Partners}, []int{2, 2})
}

// What a plan would have told, and another import was faster to, is not queued;
// nor who was taken out before their turn, once the others are told.
func TestR32_ANoticeIsQueuedUntilItsChunkIsSent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	told := network.Import{ID: importID(1), Chain: chainID, StartedAt: noon, Notify: true}
	quiet := network.Import{ID: importID(2), Chain: chainID, StartedAt: noon}
	planned := network.Counts{Rows: 5, OK: 5, Created: 5, Notices: 5}
	for _, step := range []struct {
		what   string
		do     func() error
		queued int
	}{
		{"nobody is told of it", func() error { return w.tallyChunk(ctx, quiet, 0, tallied{counts: planned, contacts: 5}) }, 0},
		{"another import had them all", func() error { return w.tallyChunk(ctx, told, 0, tallied{counts: planned}) }, 0},
		{"three", func() error { return w.tallyChunk(ctx, told, 1, tallied{counts: planned, contacts: 3}) }, 3},
		{"three, noted again", func() error { return w.tallyChunk(ctx, told, 1, tallied{counts: planned, contacts: 3}) }, 3},
		{"four, of another tally", func() error { return w.tallyChunk(ctx, told, tallyChunks, tallied{counts: planned, contacts: 4}) }, 7},
		{"of three one had gone", func() error { return w.TallyNotices(ctx, chainID, told.ID, 1, network.Tally{Notified: 2}, noon) }, 4},
		{"all", func() error {
			return w.TallyNotices(ctx, chainID, told.ID, tallyChunks, network.Tally{Notified: 4, Undeliverable: 1}, noon)
		}, 0},
	} {
		must(t, step.do())
		same(t, step.what, w.funnel(t, noon).Queued, step.queued)
	}
}

func TestR32_APartnerHasComeInTheImportThatMadeIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(30, "Zeta")})
	w.importRows(t, 2, []network.RosterRow{row(21, "Acme")})
	w.join(t, noticeOf(row(21, "Acme")), person(21), anew("Acme"))
	for _, e := range w.events(t) {
		if e.Kind == network.Joined {
			must(t, w.CountJoin(ctx, e))
			must(t, w.CountJoin(ctx, e))
		}
	}
	for n, want := range map[int][]int{1: {2, 0, 2, 1}, 2: {1, 1, 0, 0}} {
		tallies, err := w.Tallies(ctx, chainID, importID(n))
		must(t, err)
		f := network.Progress(tallies, w.chain.Policies, noon)
		same(t, importID(n), []int{f.Imported, f.Joined, f.Partners, f.PartnersIn}, want)
	}
}

// An admin may settle somebody whom another roster names, or none, into it.
func TestR32_APartnerHasComeWhoeverIsItsFirst(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	ctx := t.Context()
	seven, _ := w.corp(t, 7)
	d := conflict(t, w, Choice{Corp: seven.ID})
	w.importRows(t, 2, []network.RosterRow{row(30, "Beta")})
	_, _, err := w.ResolveConflict(ctx, chainID, d.ID, noticeOf(row(30, "Beta")).Partner, w.boss.ID, noon.Add(day))
	must(t, err)
	for said := range w.tb.Outboxes(t) {
		if e, err := network.DecodeEvent(said); err == nil && e.Kind == network.Joined {
			must(t, w.CountJoin(ctx, e))
			must(t, w.CountJoin(ctx, e))
		}
	}
	tallies, err := w.Tallies(ctx, chainID, importID(2))
	must(t, err)
	f := network.Progress(tallies, w.chain.Policies, noon)
	same(t, "contacts, joined, partners, come", []int{f.Imported, f.Joined, f.Partners, f.PartnersIn}, []int{1, 0, 1, 1})
}

func TestR32_WhoComesBackByAnotherImportIsCountedForThatToo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	r := row(20, "Acme")
	var first network.Event
	for n := 1; n <= 2; n++ {
		w.importRows(t, n, []network.RosterRow{r})
		ticket := noticeOf(r)
		ticket.Version = n
		a, err := w.Join(ctx, ticket, person(20), anew("Acme"), noon.Add(time.Duration(n)*time.Hour))
		must(t, err)
		for _, e := range w.events(t) {
			if e.Kind == network.Joined && e.Import == importID(n) {
				must(t, w.CountJoin(ctx, e))
				if n == 1 {
					first = e
				}
			}
		}
		if n == 1 {
			must(t, w.RemovePartner(ctx, chainID, a.Partner.ID, 0, noon.Add(80*time.Minute)))
		}
	}
	must(t, w.CountJoin(ctx, first)) // once more, from long ago
	for n := 1; n <= 2; n++ {
		tallies, err := w.Tallies(ctx, chainID, importID(n))
		must(t, err)
		same(t, importID(n), []int{tallies[0].Joined, tallies[0].PartnersIn}, []int{1, 1})
	}
}

func TestR32_TheCountersAreRightHoweverOftenTheyAreTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	all := []network.RosterRow{row(20, "Acme"), row(21, "Acme"), row(22, "Beta"), row(23, "Gamma")}
	imp, _ := w.importRows(t, 1, all)
	found, err := w.batchGet(ctx, true, planKey(chainID, imp.ID, 0), rowsKey(chainID, imp.ID, 0))
	must(t, err)
	u := newUnpacker(chainID)
	verdicts, _, err := planOf(found, u, chainID, imp.ID, 0)
	must(t, err)
	same(t, "told of the chunk by several at once", atOnce(5, func(int) error { return w.applyChunk(ctx, imp, 0, u.chunk, verdicts, nil) }), map[string]int{"ok": 5})
	same(t, "told of its notices", atOnce(5, func(int) error {
		return w.TallyNotices(ctx, chainID, imp.ID, 0, network.Tally{Notified: 4, Undeliverable: 1}, noon)
	}), map[string]int{"ok": 5})
	people, sent, err := w.Recipients(ctx, chainID, imp.ID, 0)
	must(t, err)
	same(t, "sent", []any{len(people), sent, people[0].PartnerName != ""}, []any{4, true, true})
	for _, k := range people {
		if k.Person == person(22).ID {
			w.undeliverable(t, k.Contact)
		}
	}
	link := w.link(t, network.Invite{})
	w.join(t, noticeOf(all[0]), person(20), anew("Acme"))
	w.join(t, noticeOf(all[1]), person(21), anew("Acme"))
	w.join(t, link, person(22), anew("Beta"))
	w.join(t, link, person(50), anew("Stranger"))
	events := w.events(t)
	same(t, "told of the joins", atOnce(3*len(events), func(i int) error {
		if e := events[i%len(events)]; e.Kind == network.Joined {
			return w.CountJoin(ctx, e)
		}
		return nil
	}), map[string]int{"ok": 3 * len(events)})
	same(t, "funnel", w.funnel(t, noon.Add(day)), network.Funnel{Imported: 4, Notified: 4, Opened: 3, Joined: 3, Partners: 3, PartnersIn: 2})
	same(t, "funnel, a week later", w.funnel(t, noon.Add(8*day)).Expired, 1)
	i, err := w.Invite(ctx, chainID, link.Invite)
	must(t, err)
	same(t, "R15 uses of an unlimited link", i.Uses, 2)

	// Who is not there is counted nowhere.
	must(t, w.CountJoin(ctx, network.Event{ID: "joined.x", Kind: network.Joined, Chain: chainID, Partner: "pa0000000000000000", Person: person(20).ID, Import: imp.ID, Invite: link.Invite}))
	same(t, "funnel still", w.funnel(t, noon).Joined, 3)
}

func TestR32_WhoLeavesAndJoinsAgainIsCountedOnceAsAContactAndTwiceAsAUse(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme")})
	first := w.link(t, network.Invite{})
	a := w.join(t, first, person(20), anew("Acme"))
	count := func() network.Event {
		t.Helper()
		for _, e := range w.events(t) {
			if e.Kind == network.Joined {
				must(t, w.CountJoin(ctx, e))
				return e
			}
		}
		t.Fatal("got no event, want the join's")
		return network.Event{}
	}
	one := count()
	must(t, w.Leave(ctx, chainID, a.Partner.ID, person(20).ID, noon.Add(day)))
	second := w.link(t, network.Invite{CreatedAt: noon.Add(2 * day)})
	_, err := w.Join(ctx, second, person(20), Choice{Corp: a.Corp.ID}, noon.Add(2*day))
	must(t, err)
	two := count()
	for _, e := range []network.Event{one, two, one} { // late redeliveries
		must(t, w.CountJoin(ctx, e))
	}
	f := w.funnel(t, noon)
	same(t, "joined", []int{f.Joined, f.PartnersIn}, []int{1, 1})
	for _, link := range []network.Ticket{first, second} {
		i, err := w.Invite(ctx, chainID, link.Invite)
		must(t, err)
		same(t, "uses", i.Uses, 1)
	}
}

// undeliverable notes that the gateway won't have a contact's number.
func (w *world) undeliverable(t *testing.T, k network.Contact) {
	t.Helper()
	if noted, err := w.Undeliverable(t.Context(), k, network.ByGateway); err != nil || !noted {
		t.Errorf("got %v %v, want it noted", noted, err)
	}
}
