package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

// costs holds what was measured since the last Reset to a budget of section 3 of the design.
func (w *world) costs(t *testing.T, what string, requests int, reads, writes float64) dynamotest.Meter {
	t.Helper()
	m := w.tb.Meter()
	w.tb.Reset()
	t.Logf("%s: %d requests, %.1f read and %.1f write units", what, m.Requests, m.ReadUnits, m.WriteUnits)
	if m.Requests > requests || m.ReadUnits > reads || m.WriteUnits > writes {
		t.Errorf("%s: got %+v, want at most %d requests, %.1f read and %.1f write units", what, m, requests, reads, writes)
	}
	return m
}

func TestBudgetOfARosterAndOfTheSameAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	all := rows(1, 2000)
	imp, _ := w.importRows(t, 1, all)
	m := w.costs(t, "2,000 new rows, all they read and write", 200, 0.1*2000, 4*2000)
	// Where it is now; who makes it dearer says so here.
	if m.WriteUnits > 3.1*2000 {
		t.Errorf("got %.3f write units a row, want 3.1", m.WriteUnits/2000)
	}
	_, sum := w.importRows(t, 2, all)
	m = w.costs(t, "the same 2,000 rows again", 200, 0.1*2000, 0.1*2000) // its rows, plans and tally and its own item, and nothing else
	if sum.Unchanged != 2000 {
		t.Errorf("got %+v, want 2,000 unchanged", sum)
	}
	_, err := w.Tallies(t.Context(), chainID, imp.ID)
	must(t, err)
	w.costs(t, "progress of 2,000 rows", 1, 1, 0)
}

func TestBudgetOfProgressOfAnImportOfAnySize(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := network.Import{ID: importID(1), Chain: chainID, Notify: true, StartedAt: noon}
	const rows = 20_000
	for chunk := range rows / ChunkRows {
		must(t, w.tallyChunk(t.Context(), imp, chunk, tallied{network.Counts{Created: ChunkRows, Notices: ChunkRows, Partners: ChunkRows, Seats: ChunkRows}, ChunkRows, ChunkRows}))
		must(t, w.TallyNotices(t.Context(), chainID, imp.ID, chunk, network.Tally{Notified: ChunkRows}))
	}
	w.tb.Reset()
	tallies, err := w.Tallies(t.Context(), chainID, imp.ID)
	must(t, err)
	same(t, "notified", network.Progress(tallies, w.chain.Policies, noon).Notified, rows)
	w.costs(t, "progress of 20,000 rows", 1, 1, 0) // of 8: five hundred tallies fit
}

func TestBudgetOfJoins(t *testing.T) {
	t.Parallel()
	w := setup(t)
	north := w.group(t, "North", 1)
	r := row(7, "Acme", "North")
	w.importRows(t, 1, []network.RosterRow{r})
	c7, p7 := w.corp(t, 7)
	c8, p8 := w.corp(t, 8)
	c9, p9 := w.corp(t, 9)
	q := w.colleague(t, c9.ID, 10, network.Staff)
	limited, unlimited := w.link(t, network.Invite{MaxUses: 5, Group: north}), w.link(t, network.Invite{Group: north})
	w.tb.Reset()
	w.join(t, noticeOf(r), p7, Choice{Corp: c7.ID})
	w.costs(t, "join by notice", 3, 8, 10)
	w.join(t, noticeOf(r), p7, Choice{Corp: c7.ID})
	w.costs(t, "join by notice again", 2, 8, 0)
	w.join(t, limited, p8, Choice{Corp: c8.ID})
	w.costs(t, "join by a link for five", 3, 8, 12)
	w.join(t, unlimited, p9, Choice{Corp: c9.ID})
	w.costs(t, "join by an unlimited link", 3, 8, 12)
	w.join(t, unlimited, q, Choice{Corp: c9.ID})
	w.costs(t, "a colleague's join", 3, 8, 12)
	w.join(t, unlimited, person(11), anew("Eleven"))
	w.costs(t, "join with a new corp", 3, 8, 13) // its member besides: no row of the design
	must(t, w.Leave(t.Context(), chainID, network.CorpPartnerID(chainID, c8.ID), p8.ID, noon))
	w.costs(t, "leave", 3, 3, 9)
	_, err := w.Actor(t.Context(), p7, c7.ID, chainID)
	must(t, err)
	w.costs(t, "who is asking", 2, 4, 0)
}

func TestBudgetOfLooksAndLinks(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	north := w.group(t, "North", 1)
	w.importRows(t, 1, []network.RosterRow{row(7, "Acme", "North"), row(8, "Beta")})
	w.tb.Reset()
	link := w.link(t, network.Invite{Group: north, Note: strings.Repeat("注", network.MaxNote)})
	m := w.tb.Meter()
	if m.WriteUnits > 3 || m.ByOp["PutItem"] != 1 {
		t.Errorf("create a link: got %+v, want at most 3 write units of one request", m)
	}
	root := w.link(t, network.Invite{})
	for name, ticket := range map[string]network.Ticket{"a link": root, "a link into a group": link, "a notice": noticeOf(row(8, "Beta")), "a notice in a group": noticeOf(row(7, "Acme"))} {
		w.tb.Reset()
		_, err := w.Look(ctx, ticket, noon)
		must(t, err)
		w.costs(t, "look at "+name, 2, 2, 0)
	}
	_, err := w.RevokeInvite(ctx, chainID, link.Invite, noon)
	must(t, err)
	w.costs(t, "revoke a link", 4, 4, 40) // no row of the design: the gates are told
}

func TestBudgetOfAPageIsTheSameInAnyChain(t *testing.T) {
	t.Parallel()
	sizes := []int{1000, 20_000}
	seen := map[string]string{}
	for _, size := range sizes {
		w := setup(t)
		w.crowd(t, size, func(i int) network.Partner {
			return network.Partner{ID: network.RosterPartnerID(chainID, "", fmt.Sprint(i)), Name: fmt.Sprintf("经销商有限公司%05d", i), Alias: "华东一区", CustomID: fmt.Sprintf("D%07d", i), Group: 1 + i%4,
				State: []network.PartnerState{network.PartnerPending, network.PartnerPending, network.PartnerJoined}[i%3], Corp: fmt.Sprintf("co%016d", i), Imported: true, Contacts: 3, People: map[string]string{person(i).ID: "12345678901"}}
		})
		for name, q := range map[string]PartnerQuery{
			"the whole chain": {}, "one group": {Group: 2}, "who has joined": {State: network.PartnerJoined}, "who is to join, of a group": {Group: 3, State: network.PartnerPending},
		} {
			q.Limit = 50
			_, next, err := w.Partners(t.Context(), chainID, q)
			must(t, err)
			first := w.costs(t, fmt.Sprintf("a page of %s of %d", name, size), 8, 8, 0)
			for range 3 {
				q.Cursor = next
				if _, next, err = w.Partners(t.Context(), chainID, q); err != nil {
					t.Fatal(err)
				}
			}
			w.tb.Reset()
			q.Cursor = next
			page, _, err := w.Partners(t.Context(), chainID, q)
			must(t, err)
			w.costs(t, fmt.Sprintf("a late page of %s of %d", name, size), 8, 8, 0)
			if len(page) < 40 && size == 20_000 {
				t.Errorf("got %d partners on a page, want nearly 50", len(page))
			}
			requests := fmt.Sprint(first.Requests)
			if size == 20_000 {
				same(t, "requests of "+name, requests, seen[name])
			}
			seen[name] = requests
		}
	}
}

func TestBudgetOfTheWidestPage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	long := strings.Repeat("限", network.MaxName)
	// Half of the first page has joined, so that both classes are asked.
	w.crowd(t, 200, func(i int) network.Partner {
		p := network.Partner{ID: network.RosterPartnerID(chainID, "", fmt.Sprint(i)), Name: long, Alias: long, CustomID: strings.Repeat("X", 64), Group: 1, State: network.PartnerPending, Corp: fmt.Sprintf("co%016d", i), Contacts: 1000, Joined: 1000, JoinedAt: noon}
		if i < 25 {
			p.State = network.PartnerJoined
		}
		return p
	})
	_, _, err := w.Partners(t.Context(), chainID, PartnerQuery{Limit: 50})
	must(t, err)
	w.costs(t, "a page of the longest names", 8, 8, 0)
}

func TestBudgetOfASweep(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, err := w.Due(t.Context(), noon, 100, new(DuePage))
	must(t, err)
	w.costs(t, "a sweep with nothing due", 4, 2, 0)
	for range 10 {
		w.link(t, network.Invite{Own: time.Minute})
	}
	w.tb.Reset()
	same(t, "ended", len(w.sweep(t, noon.Add(day))), 10)
	w.costs(t, "a sweep of ten links", 8+2*10, 24, 20)
}

// TestWhatAManyHeadedPartnerCosts tells what the design's rows don't: a partner's people lie in its item, so what writes it
// pays for them all.
func TestWhatAManyHeadedPartnerCosts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for n, people := range []int{1, 10, 20, 100, 1000} {
		var all []network.RosterRow
		for i := range people {
			all = append(all, row(10_000*n+i, fmt.Sprint("Acme ", n)))
		}
		w.importRows(t, n, all)
		c, p := w.corpOf(t, 10_000*n+5, person(10_000*n))
		w.tb.Reset()
		w.join(t, noticeOf(all[0]), p, Choice{Corp: c.ID})
		m := w.tb.Meter()
		t.Logf("join by notice of a partner with %d people: %.1f write units, %.1f read units", people, m.WriteUnits, m.ReadUnits)
		if people <= 10 && m.WriteUnits > 10 {
			t.Errorf("got %.1f, want 10", m.WriteUnits)
		}
	}
}

// TestBudgetOfAListOfInvites holds what a page of a chain's newest costs, beside few
// others and many. One that wants few of many, a maker's say, looks through them: at
// most six requests, of a thousand invites at most.
func TestBudgetOfAListOfInvites(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 3000} {
		w := setup(t)
		var all []any
		for n := range size {
			at := noon.Add(time.Duration(n) * time.Second)
			i := network.Invite{ID: network.NewInviteID(at), Chain: chainID, Kind: "link", Group: 1 + n%4, Maker: person(n % 4).ID, MakerName: "Li 李", MakerCorp: w.owner.ID, CreatedAt: at, Version: 1}
			if n%8 == 0 {
				i.RevokedAt = at
			}
			all = append(all, newInviteItem(i, at.Add(7*day)))
		}
		w.seed(t, all)
		w.tb.Reset()
		for what, keep := range map[string]func(network.Invite) bool{
			"of all":    func(network.Invite) bool { return true },
			"live":      func(i network.Invite) bool { return i.State(w.chain, noon) == network.InviteLive },
			"a maker's": func(i network.Invite) bool { return i.Maker == person(1).ID },
			"a group's": func(i network.Invite) bool { return i.Group == 2 },
			"of nobody": func(i network.Invite) bool { return i.Maker == "" },
		} {
			page, _, err := w.Invites(t.Context(), chainID, "", 50, keep)
			must(t, err)
			m := w.costs(t, fmt.Sprintf("a page %s of %d invites", what, size), 6, 120, 0)
			if what == "of all" && (m.ReadUnits > 4 || m.Requests != 1) {
				t.Errorf("got %+v, want the price of a page", m)
			}
			if what == "a maker's" && len(page) != min(50, size/4) {
				t.Errorf("got %d", len(page))
			}
		}
	}
}
