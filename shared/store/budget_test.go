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
	imp := network.Import{ID: importID(1), Chain: chainID, Maker: w.boss.ID, Notify: true, StartedAt: noon}
	const rows = 20_000
	for chunk := range rows / ChunkRows {
		must(t, w.tallyChunk(t.Context(), imp, chunk, tallied{network.Counts{Created: ChunkRows, Notices: ChunkRows, Partners: ChunkRows, Seats: ChunkRows}, ChunkRows, ChunkRows}))
		must(t, w.TallyNotices(t.Context(), chainID, imp.ID, chunk, network.Tally{Notified: ChunkRows}, noon))
	}
	const chunks = rows / ChunkRows
	w.costs(t, "counting 40 chunks and their notices", 2*chunks, 0, 2*chunks) // none has become longer than a kilobyte
	tallies, err := w.Tallies(t.Context(), chainID, imp.ID)
	must(t, err)
	same(t, "notified", network.Progress(tallies, w.chain.Policies, noon).Notified, rows)
	w.costs(t, "progress of 20,000 rows", 1, 1, 0) // of 8: of a million rows it is 6.5
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
	all := network.Invite{Group: north, Note: strings.Repeat("注", network.MaxNote), MakerName: "欧阳娜娜", MaxUses: network.MaxUses, Own: 6 * day, Phone: "+8613900000009",
		Corp: "co0000000000000009", MakerPartner: "pa0000000000000009"}
	w.link(t, all)
	w.costs(t, "create a link", 2, 2, 3) // the chain is read by the test
	// With a name of 32 characters too, all that an invite can say is more than a kilobyte.
	all.MakerName = strings.Repeat("名", network.MaxName)
	w.link(t, all)
	w.costs(t, "create the largest link", 2, 2, 4)
	link := w.link(t, network.Invite{Group: north})
	m := w.tb.Meter()
	if m.WriteUnits > 3 || m.ByOp["PutItem"] != 1 {
		t.Errorf("create a link: got %+v, want at most 3 write units of one request", m)
	}
	root := w.link(t, network.Invite{})
	c9, _ := w.corp(t, 9)
	bound := w.link(t, network.Invite{Group: north, Corp: c9.ID})
	for name, ticket := range map[string]network.Ticket{"a link": root, "a link for a corp into a group": bound, "a link into a group": link, "a notice": noticeOf(row(8, "Beta")), "a notice in a group": noticeOf(row(7, "Acme"))} {
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
	long := strings.Repeat("装", network.MaxName) // no reading is longer
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

// TestBudgetOfAListOfInvites holds that a page of invites costs the same beside few
// others and many: of all, of a maker's, of the revoked, and of those that live, also
// where few do. What else few are sought for is looked for among them: 4,000 at most.
func TestBudgetOfAListOfInvites(t *testing.T) {
	t.Parallel()
	now := noon.Add(200 * day)
	few, many := person(1).ID, person(2).ID
	made := func(t *testing.T, w *world, n int, at time.Time, with func(*network.Invite)) {
		var all []any
		for range n {
			i := network.Invite{ID: network.NewInviteID(at), Chain: chainID, Kind: "link", Group: 1, Maker: many, MakerName: "Li 李", MakerCorp: w.owner.ID, CreatedAt: at, Version: 1}
			with(&i)
			all = append(all, newInviteItem(i, at.Add(7*day)))
			at = at.Add(time.Second)
		}
		w.seed(t, all)
	}
	units := map[string]dynamotest.Meter{}
	for _, size := range []int{50, 5000} {
		w := setup(t)
		made(t, w, size, now.Add(-100*day), func(*network.Invite) {}) // of long ago
		made(t, w, 60, now.Add(-80*day), func(i *network.Invite) { i.Maker = few })
		made(t, w, 60, now.Add(-70*day), func(i *network.Invite) { i.RevokedAt = i.CreatedAt })
		made(t, w, 30, now.Add(-time.Hour), func(*network.Invite) {})
		resent, err := w.Resend(t.Context(), chainID, w.link(t, network.Invite{}).Invite, "", now.Add(-day))
		must(t, err)
		for what, c := range map[string]struct {
			which Sought
			want  int
			reads float64
		}{
			"of all":     {Sought{}, 50, 4},
			"a maker's":  {Sought{Maker: few}, 50, 28},
			"revoked":    {Sought{State: network.InviteRevoked}, 50, 28},
			"live":       {Sought{State: network.InviteLive}, 31, 4}, // all that there are
			"of nobody":  {Sought{Maker: person(3).ID}, 0, 0.5},
			"exhausted":  {Sought{State: network.InviteExhausted}, 0, 4},
			"live, mine": {Sought{State: network.InviteLive, Maker: few}, 0, 2},
		} {
			w.tb.Reset()
			page, _, err := w.Invites(t.Context(), w.chain, c.which, "", 50, now)
			must(t, err)
			m := w.costs(t, fmt.Sprintf("a page %s beside %d invites", what, size), 4, c.reads, 0)
			if was, ok := units[what]; ok && (was.ReadUnits != m.ReadUnits || was.Requests != m.Requests) {
				t.Errorf("%s: got %+v, and beside few %+v, want the same", what, m, was)
			}
			units[what] = m
			same(t, what, len(page), c.want)
			if what == "live" {
				same(t, "the oldest that lives", page[c.want-1].ID, resent.ID)
			}
		}
		w.tb.Reset()
		page, _, err := w.Invites(t.Context(), w.chain, Sought{And: func(i network.Invite) bool { return i.Group == 9 }}, "", 50, now)
		must(t, err)
		same(t, "of a group that has none", len(page), 0)
		w.costs(t, fmt.Sprintf("a page of a group's beside %d invites", size), 6, 220, 0)
		for range 3 {
			w.link(t, network.Invite{CreatedAt: now.Add(-time.Hour), Maker: person(4).ID})
		}
		w.tb.Reset()
		revoked, more, err := w.RevokeMany(t.Context(), w.chain, Sought{Maker: person(4).ID}, now)
		must(t, err)
		same(t, "revoked", []any{revoked, more}, []any{3, false})
		m := w.costs(t, fmt.Sprintf("to revoke three of a maker's beside %d invites", size), 8, 16, 60)
		if was, ok := units["revoke"]; ok && (was.ReadUnits != m.ReadUnits || was.WriteUnits != m.WriteUnits || was.Requests != m.Requests) {
			t.Errorf("got %+v, and beside few %+v, want the same", m, was)
		}
		units["revoke"] = m
	}
}
