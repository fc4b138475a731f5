package network_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
)

// desk is where rosters are planned and then done, as the store would.
type desk struct {
	chain    string
	tree     network.Tree
	partners map[string]network.Partner
}

func newDesk() *desk {
	return &desk{chain: network.NewChainID(), tree: tree(), partners: map[string]network.Partner{}}
}

// plan plans a file's rows, numbered as a sheet's, and changes nothing.
func (d *desk) plan(applyMoves bool, rows ...network.RosterRow) []network.RowPlan {
	p := network.Planner{
		Import: network.Import{Chain: d.chain, ApplyMoves: applyMoves},
		Key:    personKey, Tree: d.tree, Partners: maps.Clone(d.partners),
	}
	var plans []network.RowPlan
	for i, r := range rows {
		r.Number = i + 2
		plans = append(plans, p.Plan(r))
	}
	return plans
}

// apply does what a plan says, and no more.
func (d *desk) apply(rows []network.RosterRow, plans []network.RowPlan) {
	for i, plan := range plans {
		if plan.Outcome != network.RowCreate && plan.Outcome != network.RowUpdate {
			continue
		}
		row, p := rows[i], d.partners[plan.Partner]
		if plan.Makes {
			p = network.Partner{ID: plan.Partner, Chain: d.chain, CustomID: row.CustomID, State: network.PartnerPending, Imported: true, Epoch: p.Epoch}
		}
		p.Name, p.People = row.Corp, maps.Clone(p.People)
		if p.People == nil {
			p.People = map[string]string{}
		}
		p.People[plan.Person] = row.Fingerprint()
		p.Contacts = len(p.People)
		switch plan.Group {
		case 0:
		case -1:
			p.Group = d.group(row.Group)
		default:
			p.Group = plan.Group
		}
		d.partners[p.ID] = p
	}
}

// group makes what a path lacks.
func (d *desk) group(path []string) int {
	id, levels := d.tree.Find(path)
	for _, name := range path[levels:] {
		next := len(d.tree) + 1
		d.tree[next] = network.Group{ID: next, Name: name, Parent: id}
		id = next
	}
	return id
}

func (d *desk) run(applyMoves bool, rows ...network.RosterRow) []network.RowPlan {
	plans := d.plan(applyMoves, rows...)
	d.apply(rows, plans)
	return plans
}

// row is one of a corp, a contact's number, and a group as it is written.
func row(corp string, n int, group string) network.RosterRow {
	r := network.RosterRow{Corp: corp, Contact: fmt.Sprint("contact ", n), Phone: fmt.Sprintf("+86138%08d", n)}
	if group != "" {
		r.Group = strings.Split(group, "/")
	}
	return r
}

// told sums a plan up, a word a row: ! makes the partner, + adds the contact,
// → is where the partner is to stand.
func told(plans []network.RowPlan) string {
	var words []string
	for _, p := range plans {
		w := string(p.Outcome)
		if p.Code != "" {
			w += "(" + p.Code + ")"
		}
		if p.Makes {
			w += "!"
		}
		if p.Adds {
			w += "+"
		}
		if p.Group != 0 {
			w += fmt.Sprint("→", p.Group)
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

func TestR27R28_APlanSaysWhatBecomesOfEachRow(t *testing.T) {
	t.Parallel()
	custom := func(r network.RosterRow, id string) network.RosterRow { r.CustomID = id; return r }
	leader := func(r network.RosterRow) network.RosterRow { r.Leader = true; return r }
	bad := func(r network.RosterRow) network.RosterRow { r.Code = "phone_invalid"; return r }
	type rows = []network.RosterRow
	for _, c := range []struct {
		name   string
		before rows
		moves  bool
		rows   rows
		want   string
	}{
		{"a new partner", nil, false, rows{row("Acme", 1, "")}, "created!+→1"},
		{"into a group that is there", nil, false, rows{row("Acme", 1, "north/Beijing")}, "created!+→4"},
		{"into one that is to be made", nil, false, rows{row("Acme", 1, "North/Xi'an")}, "created!+→-1"},
		{"a second row of the same partner", nil, false, rows{row("Acme", 1, ""), row("acme ", 2, "")}, "created!+→1 created+"},
		{"a row that is refused", nil, false, rows{bad(row("Acme", 1, ""))}, "failed(phone_invalid)"},
		{"a refused row makes nothing", nil, false, rows{bad(row("Acme", 1, "")), row("Acme", 2, "")}, "failed(phone_invalid) created!+→1"},
		{"the same person twice", nil, false, rows{row("Acme", 1, ""), row("Acme", 1, "")}, "created!+→1 unchanged"},
		{"one phone under two partners (R24)", nil, false, rows{row("Acme", 1, ""), row("Bolt", 1, "")}, "created!+→1 created!+→1"},
		{"the same row again", rows{row("Acme", 1, "North")}, false, rows{row("Acme", 1, "North")}, "unchanged"},
		{"without its group", rows{row("Acme", 1, "North")}, true, rows{row("Acme", 1, "")}, "unchanged"},
		{"another contact", rows{row("Acme", 1, "")}, false, rows{row("Acme", 2, "")}, "created+"},
		{"a contact who leads now", rows{row("Acme", 1, "")}, false, rows{leader(row("Acme", 1, ""))}, "updated"},
		{"another group", rows{row("Acme", 1, "North")}, false, rows{row("Acme", 1, "South")}, "would_move"},
		{"another group, to be made", rows{row("Acme", 1, "North")}, false, rows{row("Acme", 1, "East")}, "would_move"},
		{"another group, apply_moves", rows{row("Acme", 1, "North")}, true, rows{row("Acme", 1, "South")}, "updated→3"},
		{"another group, to be made, apply_moves", rows{row("Acme", 1, "North")}, true, rows{row("Acme", 1, "East")}, "updated→-1"},
		{"a new contact in another group", rows{row("Acme", 1, "North")}, false, rows{row("Acme", 2, "South")}, "created+"},
		{"the same with apply_moves", rows{row("Acme", 1, "North")}, true, rows{row("Acme", 2, "South")}, "created+→3"},
		{"two rows, two groups: the first counts", nil, true, rows{row("Acme", 1, "North"), row("Acme", 2, "South")}, "created!+→2 created+"},
		{"two groups that are to be made differ", nil, false, rows{row("Acme", 1, "East"), row("Acme", 1, "West")}, "created!+→-1 would_move"},
		{"and one given twice is one", nil, false, rows{row("Acme", 1, "East/Wuhan"), row("Acme", 1, "EAST/wuhan")}, "created!+→-1 unchanged"},
		{"a new name under its 自定义企业ID", rows{custom(row("Acme", 1, ""), "A1")}, false, rows{custom(row("Acme Ltd", 1, ""), "A1")}, "updated"},
		{"an id given to what goes by its name is another partner", rows{row("Acme", 1, "")}, false, rows{custom(row("Acme", 1, ""), "A1")}, "created!+→1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk()
			d.run(false, c.before...)
			if got := told(d.plan(c.moves, c.rows...)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestR25_ACustomIDThatWasGivenToAnotherIsAConflict(t *testing.T) {
	t.Parallel()
	d := newDesk()
	r := row("Acme", 1, "")
	r.CustomID = "A1"
	id := d.run(false, r)[0].Partner
	p := d.partners[id]
	p.CustomID = "A2" // an admin's edit
	d.partners[id] = p
	plan := d.plan(false, r)[0]
	if plan.Outcome != network.RowFailed || plan.Code != "custom_id_conflict" || plan.Field != "custom_id" {
		t.Errorf("got %+v, want custom_id_conflict", plan)
	}
}

func TestR27_ACustomIDThatAPartnerWasGivenIsThatPartner(t *testing.T) {
	t.Parallel()
	d := newDesk()
	first := network.RosterRow{Corp: "Acme", Contact: "Li", Phone: "+8613900000001"}
	d.apply([]network.RosterRow{first}, d.plan(false, first))
	id := network.RosterPartnerID(d.chain, "", "Acme")
	p := d.partners[id]
	p.CustomID = "D100"
	d.partners[id], d.partners[network.CustomPartnerID(d.chain, "D100")] = p, p
	byID, other := first, network.RosterRow{Corp: "Acme", Contact: "Wu", Phone: "+8613900000002"}
	byID.CustomID = "D100"
	again := other
	again.CustomID = "D100"
	plans := d.plan(false, byID, other, again)
	for i, want := range []network.Outcome{network.RowUnchanged, network.RowCreate, network.RowUnchanged} {
		if plans[i].Outcome != want || plans[i].Partner != id {
			t.Errorf("row %d: got %+v, want it %s and about %s", i+2, plans[i], want, id)
		}
	}
}

func TestR46_APartnerHasSoManyPeopleAndNoMore(t *testing.T) {
	t.Parallel()
	p := network.Planner{Import: network.Import{Chain: network.NewChainID()}, Key: personKey, Tree: tree(), Limit: 2}
	rows := []network.RosterRow{
		{Corp: "Acme", Contact: "Li", Phone: "+8613900000001"}, {Corp: "Acme", Contact: "Wu", Phone: "+8613900000002"},
		{Corp: "Acme", Contact: "Zhou", Phone: "+8613900000003"}, {Corp: "Acme", Contact: "Wu Er", Phone: "+8613900000002"},
		{Corp: "Beta", Contact: "Zhou", Phone: "+8613900000003"},
	}
	for i, want := range []string{"", "", "too_many_people", "", ""} {
		if got := p.Plan(rows[i]); got.Code != want || (got.Outcome == network.RowFailed) != (want != "") {
			t.Errorf("row %d: got %+v, want %q", i, got, want)
		}
	}
}

func TestR27_ARosterThatNamesNoIDStillKnowsAPartnerThatWasGivenOne(t *testing.T) {
	t.Parallel()
	d := newDesk()
	r := row("Acme", 1, "")
	id := d.run(false, r)[0].Partner
	p := d.partners[id]
	p.CustomID = "A1" // an admin's edit
	d.partners[id] = p
	if got := told(d.plan(false, r)); got != "unchanged" {
		t.Errorf("got %s, want unchanged", got)
	}
}

func TestR27_WhoJoinedWithoutARosterIsNotToldWhenOneNamesThem(t *testing.T) {
	t.Parallel()
	d := newDesk()
	id := d.run(false, row("Acme", 1, ""))[0].Partner
	p := d.partners[id]
	p.People[personKey.Person(row("", 2, "").Phone)] = ""
	p.State, p.Corp, p.Joined = network.PartnerJoined, "co1", 1
	d.partners[id] = p
	if got := told(d.plan(false, row("Acme", 2, ""))); got != "updated" {
		t.Errorf("got %s, want updated, and no notice", got)
	}
}

func TestR38_ARemovedPartnerComesBackInItsNewEpoch(t *testing.T) {
	t.Parallel()
	d := newDesk()
	id := d.run(false, row("Acme", 1, "North"), row("Acme", 2, ""))[0].Partner
	p := d.partners[id]
	p.State, p.Corp, p.Epoch = network.PartnerRemoved, "co-old", 1
	d.partners[id] = p

	planner := network.Planner{Import: network.Import{Chain: d.chain}, Key: personKey, Tree: d.tree, Partners: maps.Clone(d.partners)}
	again := []network.RowPlan{planner.Plan(row("Acme", 1, "South")), planner.Plan(row("Acme", 2, ""))}
	if got, want := told(again), "created!+→3 created+"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := planner.Partners[id]; got.Epoch != 1 || got.Corp != "" || got.State != network.PartnerPending || len(got.People) != 2 {
		t.Errorf("got %+v, want a pending partner of epoch 1, bound to nobody", got)
	}
}

// fileRows draws a roster of few partners, people and groups, so that rows meet.
func fileRows(t *rapid.T) []network.RosterRow {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) network.RosterRow {
		r := row(
			rapid.SampledFrom([]string{"Acme", "ACME", "Bolt", "Cord"}).Draw(t, "corp"),
			rapid.IntRange(1, 5).Draw(t, "contact"),
			rapid.SampledFrom([]string{"", "North", "South", "North/Beijing", "East", "East/Wuhan", "east"}).Draw(t, "group"),
		)
		r.CustomID = rapid.SampledFrom([]string{"", "", "", "A1", "B2"}).Draw(t, "custom id")
		r.Leader = rapid.Bool().Draw(t, "leader")
		if rapid.IntRange(0, 9).Draw(t, "bad") == 0 {
			r.Code, r.Field = "phone_invalid", "phone"
		}
		return r
	}), 0, 20).Draw(t, "rows")
}

// tidy keeps what the roster room lets pass: no contact twice with different
// words, no 自定义企业ID under two names.
func tidy(rows []network.RosterRow) []network.RosterRow {
	names, contacts := map[string]string{}, map[string]string{}
	for i, r := range rows {
		if r.Code != "" {
			continue
		}
		id := network.RosterPartnerID("", r.CustomID, r.Corp)
		name, named := names[id]
		was, known := contacts[id+r.Phone]
		if named && name != network.FoldName(r.Corp) || known && was != r.Fingerprint() {
			rows[i].Code = "duplicate_contact"
			continue
		}
		names[id], contacts[id+r.Phone] = network.FoldName(r.Corp), r.Fingerprint()
	}
	return rows
}

func TestR27_TheSameFileAgainChangesNothingAndTellsNobody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := newDesk()
		d.run(true, tidy(fileRows(t))...) // what was there before
		moves := rapid.Bool().Draw(t, "apply moves")
		rows := tidy(fileRows(t))
		d.run(moves, rows...)
		before := fmt.Sprint(d.partners)
		for _, plan := range d.run(moves, rows...) {
			switch {
			case plan.Outcome == network.RowFailed, plan.Outcome == network.RowUnchanged, plan.Outcome == network.RowWouldMove:
			default:
				t.Fatalf("row %d: got %s, want unchanged", plan.Row, plan.Outcome)
			}
			if plan.Makes || plan.Adds || plan.Group != 0 {
				t.Fatalf("row %d: got %+v, want nothing done", plan.Row, plan)
			}
		}
		if after := fmt.Sprint(d.partners); after != before {
			t.Fatalf("got %s, want %s", after, before)
		}
	})
}

func TestR27_AFileThatAgreesWithItselfIsUnchangedRowByRow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := tidy(fileRows(t))
		groups := map[string][]string{} // each partner's, from its first row on
		for i, r := range rows {
			id := network.RosterPartnerID("", r.CustomID, r.Corp)
			if _, ok := groups[id]; !ok && r.Code == "" {
				groups[id] = r.Group
			}
			rows[i].Group = groups[id]
		}
		d := newDesk()
		d.run(false, rows...)
		c := network.Count(d.plan(rapid.Bool().Draw(t, "apply moves"), rows...), true)
		if c.Unchanged != c.OK || c.Notices != 0 {
			t.Fatalf("got %+v, want all OK rows unchanged and nobody told", c)
		}
	})
}

func TestR31_OKAndFailedAreAllRowsAndAPlansCountsAreTheOutcomes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := newDesk()
		d.run(false, tidy(fileRows(t))...)
		moves, notify := rapid.Bool().Draw(t, "apply moves"), rapid.Bool().Draw(t, "notify")
		rows := fileRows(t)
		plans := d.plan(moves, rows...)
		c := network.Count(plans, notify)
		if c.Rows != len(rows) || c.OK+c.Failed != c.Rows || c.Created+c.Updated+c.Unchanged+c.WouldMove != c.OK {
			t.Fatalf("got %+v of %d rows, want ok + failed = rows", c, len(rows))
		}
		// R28: what is done is what was planned, contact by contact.
		contacts := func() (n int) {
			for _, p := range d.partners {
				n += len(p.People)
			}
			return n
		}
		had := contacts()
		d.apply(rows, plans)
		if got := contacts() - had; got != c.Created {
			t.Fatalf("got %d new contacts, want the %d created", got, c.Created)
		}
		distinct := map[string]bool{}
		for i, plan := range plans {
			if plan.Row != i+2 || (plan.Outcome == network.RowFailed) != (plan.Code != "") {
				t.Fatalf("row %d: got %+v", i+2, plan)
			}
			if plan.Outcome != network.RowFailed {
				distinct[plan.Partner] = true
			}
		}
		if c.Partners != len(distinct) {
			t.Fatalf("got %d partners, want %d", c.Partners, len(distinct))
		}
		want := c.Created
		if !notify {
			want = 0
		}
		if c.Notices != want {
			t.Fatalf("got %d notices of %d new contacts, notify %v", c.Notices, c.Created, notify)
		}
		// Counted in parts, as an import's chunks are.
		cut := rapid.IntRange(0, len(plans)).Draw(t, "cut")
		if sum := network.Count(plans[:cut], notify).Add(network.Count(plans[cut:], notify)); sum != c {
			t.Fatalf("got %+v in two parts, want %+v", sum, c)
		}
	})
}

// A run that is taken up again after a crash plans the rest as one run would.
func TestR29_ARunThatIsTakenUpAgainPlansTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := newDesk()
		d.run(false, tidy(fileRows(t))...)
		rows, moves := fileRows(t), rapid.Bool().Draw(t, "apply moves")
		whole := d.plan(moves, rows...)
		again := network.Planner{Import: network.Import{Chain: d.chain, ApplyMoves: moves}, Key: personKey, Tree: d.tree, Partners: maps.Clone(d.partners)}
		crash := rapid.IntRange(0, len(rows)).Draw(t, "crash")
		for i, r := range rows {
			r.Number = i + 2
			if i < crash {
				again.Absorb(r, whole[i])
			} else if got := again.Plan(r); got != whole[i] {
				t.Fatalf("row %d: got %+v, want %+v", r.Number, got, whole[i])
			}
		}
	})
}

func TestPlanningChangesNothingThatItWasGiven(t *testing.T) {
	t.Parallel()
	d := newDesk()
	d.run(false, row("Acme", 1, "North"))
	before := fmt.Sprint(d.tree, d.partners)
	d.plan(true, row("Acme", 1, "East"), row("Acme", 2, "East"), row("Bolt", 3, "West"))
	if after := fmt.Sprint(d.tree, d.partners); after != before {
		t.Errorf("got %s, want %s", after, before)
	}
	var p network.Planner // with nothing known
	if got := p.Plan(row("Acme", 1, "")).Outcome; got != network.RowCreate {
		t.Errorf("got %s, want created", got)
	}
}

func TestR27_TheFingerprintIsOfWhatTheRowSaysOfThePerson(t *testing.T) {
	t.Parallel()
	base := row("Acme", 1, "")
	same := base
	same.Corp, same.Number, same.Group = "Bolt", 9, []string{"North"}
	if base.Fingerprint() != same.Fingerprint() {
		t.Error("the partner, its group or the row's number changes a contact")
	}
	seen := map[string]bool{base.Fingerprint(): true}
	for _, change := range []func(*network.RosterRow){
		func(r *network.RosterRow) { r.Contact = "other" },
		func(r *network.RosterRow) { r.Leader = true },
		func(r *network.RosterRow) { r.MemberCustomID = "7" },
		func(r *network.RosterRow) { r.Contact += "7" },
	} {
		r := base
		change(&r)
		if seen[r.Fingerprint()] {
			t.Errorf("%+v: got a fingerprint that was there before", r)
		}
		seen[r.Fingerprint()] = true
	}
}

func TestR32_ProgressIsARecount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := history(t, time.Hour)
		now := noon.Add(time.Duration(rapid.IntRange(0, 200*24).Draw(t, "now")) * time.Hour)
		var tallies []network.Tally
		var want network.Funnel
		for range rapid.IntRange(0, 4).Draw(t, "tallies") {
			one := network.Tally{At: noon.Add(time.Duration(rapid.IntRange(0, 100*24).Draw(t, "at")) * time.Hour)}
			ended := !now.Before(network.ExpiresAt(one.At, 0, h))
			for range rapid.IntRange(0, 20).Draw(t, "contacts") {
				// Who is told ends undeliverable or joins, and a joined
				// one is undeliverable no more.
				state := rapid.SampledFrom([]string{"imported", "notified", "undeliverable", "joined"}).Draw(t, "state")
				one.Imported++
				want.Imported++
				if state == "imported" {
					continue
				}
				one.Notified++
				want.Notified++
				switch {
				case state == "undeliverable":
					one.Undeliverable++
					want.Undeliverable++
				case state == "joined":
					one.Joined++
					want.Joined++
				case ended:
					want.Expired++
				}
			}
			tallies = append(tallies, one)
		}
		if got := network.Progress(tallies, h, now); got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestR32_ProgressIsNeverNegative(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string) int { return rapid.IntRange(0, 9).Draw(t, name) }
		f := network.Progress([]network.Tally{
			{Imported: n("imported"), Notified: n("notified"), Undeliverable: n("undeliverable"), Joined: n("joined"), Partners: n("partners"), PartnersIn: n("in"), At: noon},
		}, policies(), noon.Add(8*day))
		for _, n := range []int{f.Imported, f.Notified, f.Undeliverable, f.Opened, f.Joined, f.Declined, f.Expired, f.Withdrawn, f.Partners, f.PartnersIn} {
			if n < 0 {
				t.Fatalf("got %+v, want nothing below 0", f)
			}
		}
		if f.Expired > f.Notified {
			t.Fatalf("got %+v: more have expired than were told", f)
		}
	})
}

// A million rows are planned one by one; a row must cost the same in a chain
// of thousands of groups, and for a partner of a thousand people.
func BenchmarkPlan(b *testing.B) {
	for _, size := range []struct{ groups, people int }{{4, 1}, {5_000, 1}, {4, 1_000}} {
		b.Run(fmt.Sprintf("groups=%d/people=%d", size.groups, size.people), func(b *testing.B) {
			groups := network.Tree{1: {ID: 1}}
			for id := 2; id <= size.groups; id++ {
				groups[id] = network.Group{ID: id, Name: fmt.Sprint("group ", id), Parent: 1}
			}
			p := network.Planner{Import: network.Import{Chain: network.NewChainID()}, Key: personKey, Tree: groups, Partners: map[string]network.Partner{}}
			rows := make([]network.RosterRow, b.N)
			for i := range rows {
				rows[i] = row(fmt.Sprint("corp ", i/size.people), i, fmt.Sprint("group ", 2+i%(size.groups-1), "/new"))
			}
			b.ReportAllocs()
			b.ResetTimer()
			for _, r := range rows {
				p.Plan(r)
			}
		})
	}
}
