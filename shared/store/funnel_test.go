package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
)

// story is what has happened to an imported contact, as a test remembers it.
type story struct {
	row                               network.RosterRow
	told, opened, declined, came, out bool
	vain                              network.Undelivered
	is                                network.Admission
}

// recount is the funnel that stories come to when all notices have run out.
func recount(all []story) (f network.Funnel) {
	for _, s := range all {
		f.Imported++
		f.Partners++
		if s.told {
			f.Notified++
		}
		if s.opened || s.declined || s.came {
			f.Opened++
		}
		switch {
		case s.came:
			f.Joined++
			f.PartnersIn++
		case s.out:
			f.Withdrawn++
		case s.declined:
			f.Declined++
		case s.vain != "" && !s.opened:
			f.Undeliverable++
			switch s.vain {
			case network.ByBlock:
				f.Blocked++
			case network.OverBudget:
				f.OverBudget++
			}
		case s.told:
			f.Expired++
		}
	}
	return f
}

// TestR32_TheCountersAreARecountWhateverHappensInWhateverOrder: notices that
// break off half-way and come again, answers before and after them, joins,
// leaves and withdrawals, each said more than once.
func TestR32_TheCountersAreARecountWhateverHappensInWhateverOrder(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		all := make([]story, 3)
		var rows []network.RosterRow
		for i := range all {
			all[i].row = row(10*n+i, fmt.Sprintf("Partner %d of %d", i, n))
			rows = append(rows, all[i].row)
		}
		imp, _ := w.importRows(t, n, rows)
		of := func(r network.RosterRow) (string, string) {
			k := noticeOf(r)
			return k.Person, k.Partner
		}
		told := false
		// tell is a delivery of the chunk's notices, which comes to its end or doesn't.
		tell := func(whole bool) {
			people, sent, err := w.Recipients(ctx, chainID, imp.ID, 0)
			must(t, err)
			if sent != told {
				rt.Fatalf("got %v sent, want %v", sent, told)
			}
			if sent {
				return
			}
			sum := network.Tally{Notified: len(people)}
			for _, k := range people {
				i := slices.IndexFunc(all, func(s story) bool { p, _ := of(s.row); return p == k.Person })
				why := k.Undeliverable
				if why == "" {
					why = rapid.SampledFrom([]network.Undelivered{"", network.ByGateway, network.ByBlock, network.OverBudget}).Draw(rt, "why")
				}
				if why == "" {
					continue
				}
				noted, err := w.Undeliverable(ctx, k.Contact, why)
				must(t, err)
				if noted {
					all[i].vain = why
					sum = sum.And(network.Steps{Undeliverable: why}.Tally())
				}
			}
			if whole {
				sum.Imported = 0
				must(t, w.TallyNotices(ctx, chainID, imp.ID, 0, sum, noon))
				told = true
				for i := range all {
					all[i].told = !all[i].out
				}
			}
		}
		for range rapid.IntRange(0, 12).Draw(rt, "steps") {
			i := rapid.IntRange(0, len(all)-1).Draw(rt, "who")
			s := &all[i]
			who, partner := of(s.row)
			at := contactKey(who, chainID, partner)
			waits := !s.came && !s.out
			switch what := rapid.SampledFrom([]string{"tell", "tell half", "open", "decline", "join", "leave", "withdraw", "remove"}).Draw(rt, "what"); what {
			case "tell", "tell half":
				tell(what == "tell")
			case "open", "decline":
				said := opened
				if what == "decline" {
					said = declined
				}
				for range 2 {
					must(t, w.answers(ctx, at, said, noon))
				}
				if what == "open" {
					s.opened = s.opened || waits
				} else {
					s.declined = s.declined || waits
				}
			case "join":
				if !waits {
					continue
				}
				p := network.Person{ID: who, Phone: s.row.Phone, Name: s.row.Contact}
				s.is = w.join(t, noticeOf(s.row), p, anew(s.row.Corp))
				s.came = true
				e := network.Event{ID: "joined." + s.is.Contact.MembershipID(), Kind: network.Joined, Chain: chainID, Import: imp.ID, Partner: partner, Person: who, First: true}
				for range 2 {
					must(t, w.CountJoin(ctx, e))
				}
			case "leave":
				if err := w.Leave(ctx, chainID, partner, who, noon.Add(2*time.Hour)); err != nil {
					wants(t, "leaving", err, network.ErrNotFound)
				}
			case "withdraw":
				for range 2 {
					out, err := w.withdraw(ctx, withdrawing{chainID, partner, []string{who}, "sync", func(*contactItem) bool { return true }})
					must(t, err)
					must(t, w.tallyWithdrawn(ctx, chainID, fmt.Sprint(imp.ID, ".", i), out))
				}
				s.out = s.out || waits
			case "remove":
				if s.came {
					continue // they count as joined whatever follows; their chunk, if it is to be told yet, leaves them out
				}
				for range 2 {
					if err := w.RemovePartner(ctx, chainID, partner, 0, noon); err != nil {
						wants(t, "removing", err, network.ErrNotFound)
					}
				}
				s.out = s.out || waits
			}
		}
		tell(true)
		tallies, err := w.Tallies(ctx, chainID, imp.ID)
		must(t, err)
		if got, want := network.Progress(tallies, w.chain.Policies, noon.Add(8*day)), recount(all); got != want {
			rt.Fatalf("got  %+v\nwant %+v\nof %+v", got, want, all)
		}
	})
}

// What a person answers at many pages at once is one answer.
func TestR32_AnAnswerIsCountedOnceHoweverOftenItIsGivenAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	all := rows(1, 20)
	w.importRows(t, 1, all)
	answer := func(i int) error {
		k := noticeOf(all[i%len(all)])
		said := opened
		if i%len(all) < 5 && i >= len(all) {
			said = declined
		}
		return w.answers(t.Context(), contactKey(k.Person, chainID, k.Partner), said, noon)
	}
	same(t, "a hundred answers", atOnce(5*len(all), answer), map[string]int{"ok": 5 * len(all)})
	f := w.funnel(t, noon)
	same(t, "opened, declined", []int{f.Opened, f.Declined}, []int{20, 5})
	wants(t, "nobody's", w.answers(t.Context(), contactKey(person(99).ID, chainID, "pa0000000000000000"), opened, noon), network.ErrNotFound)
}
