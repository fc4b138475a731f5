package network_test

import (
	"fmt"
	"maps"
	"slices"
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

// planner knows the partners as they stand.
func (d *desk) planner(applyMoves bool, limit int) *network.Planner {
	p := network.NewPlanner(network.Import{Chain: d.chain, ApplyMoves: applyMoves}, d.tree, limit)
	for at, is := range d.partners {
		key, _ := network.RawPartner(at)
		id, _ := network.RawPartner(is.ID)
		if at != is.ID {
			p.Signpost(key, id)
		}
		p.Know(id, network.Known{Name: is.Name, CustomID: is.CustomID, State: is.State, Imported: is.Imported, Group: is.Group, Epoch: is.Epoch}, maps.All(is.People))
	}
	return p
}

// ids are whom a row names.
func (d *desk) ids(r network.RosterRow) network.RowIDs {
	return network.NewRowNamer(d.chain, personKey).IDs(&r)
}

// plan plans a file's rows, numbered as a sheet's, and changes nothing.
func (d *desk) plan(applyMoves bool, rows ...network.RosterRow) []network.Verdict {
	p := d.planner(applyMoves, 0)
	var plans []network.Verdict
	for i, r := range rows {
		r.Number = i + 2
		plans = append(plans, p.Plan(&r, d.ids(r)))
	}
	return plans
}

// apply does what a plan says, and no more.
func (d *desk) apply(rows []network.RosterRow, plans []network.Verdict) {
	for i, plan := range plans {
		if !plan.Writes() {
			continue
		}
		id := plan.Partner.Partner()
		row, p := rows[i], d.partners[id]
		if plan.Makes {
			p = network.Partner{ID: id, Chain: d.chain, CustomID: row.CustomID, State: network.PartnerPending, Imported: true, Epoch: p.Epoch}
		}
		p.Name, p.Imported, p.People = row.Corp, true, maps.Clone(p.People)
		if p.People == nil {
			p.People = map[string]string{}
		}
		p.People[plan.Person.Person()] = row.Fingerprint()
		p.Contacts = len(p.People)
		if plan.Places {
			p.Group = d.group(row.Group)
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

func (d *desk) run(applyMoves bool, rows ...network.RosterRow) []network.Verdict {
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
// → puts the partner where the row says.
func told(plans []network.Verdict) string {
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
		if p.Places {
			w += "→"
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
		{"a new partner", nil, false, rows{row("Acme", 1, "")}, "create!+→"},
		{"into a group that is there", nil, false, rows{row("Acme", 1, "north/Beijing")}, "create!+→"},
		{"into one that is to be made", nil, false, rows{row("Acme", 1, "North/Xi'an")}, "create!+→"},
		{"a second row of the same partner", nil, false, rows{row("Acme", 1, ""), row("acme ", 2, "")}, "create!+→ create+"},
		{"a row that is refused", nil, false, rows{bad(row("Acme", 1, ""))}, "invalid"},
		{"a refused row makes nothing", nil, false, rows{bad(row("Acme", 1, "")), row("Acme", 2, "")}, "invalid create!+→"},
		{"the same person twice", nil, false, rows{row("Acme", 1, ""), row("Acme", 1, "")}, "create!+→ unchanged"},
		{"one phone under two partners (R24)", nil, false, rows{row("Acme", 1, ""), row("Bolt", 1, "")}, "create!+→ create!+→"},
		{"the same row again", rows{row("Acme", 1, "North")}, false, rows{row("Acme", 1, "North")}, "unchanged"},
		{"without its group", rows{row("Acme", 1, "North")}, true, rows{row("Acme", 1, "")}, "unchanged"},
		{"another contact", rows{row("Acme", 1, "")}, false, rows{row("Acme", 2, "")}, "create+"},
		{"a contact who leads now", rows{row("Acme", 1, "")}, false, rows{leader(row("Acme", 1, ""))}, "update"},
		{"another group", rows{row("Acme", 1, "North")}, false, rows{row("Acme", 1, "South")}, "would_move"},
		{"another group, to be made", rows{row("Acme", 1, "North")}, false, rows{row("Acme", 1, "East")}, "would_move"},
		{"another group, apply_moves", rows{row("Acme", 1, "North")}, true, rows{row("Acme", 1, "South")}, "update→"},
		{"another group, to be made, apply_moves", rows{row("Acme", 1, "North")}, true, rows{row("Acme", 1, "East")}, "update→"},
		{"a new contact in another group", rows{row("Acme", 1, "North")}, false, rows{row("Acme", 2, "South")}, "create+"},
		{"the same with apply_moves", rows{row("Acme", 1, "North")}, true, rows{row("Acme", 2, "South")}, "create+→"},
		{"two rows, two groups: the first counts", nil, true, rows{row("Acme", 1, "North"), row("Acme", 2, "South")}, "create!+→ create+"},
		{"two groups that are to be made differ", nil, false, rows{row("Acme", 1, "East"), row("Acme", 1, "West")}, "create!+→ would_move"},
		{"and one given twice is one", nil, false, rows{row("Acme", 1, "East/Wuhan"), row("Acme", 1, "EAST/wuhan")}, "create!+→ unchanged"},
		{"a new name under its 自定义企业ID", rows{custom(row("Acme", 1, ""), "A1")}, false, rows{custom(row("Acme Ltd", 1, ""), "A1")}, "update"},
		{"an id given to what goes by its name is another partner", rows{row("Acme", 1, "")}, false, rows{custom(row("Acme", 1, ""), "A1")}, "create!+→"},
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
	id := d.run(false, r)[0].Partner.Partner()
	p := d.partners[id]
	p.CustomID = "A2" // an admin's edit
	d.partners[id] = p
	plan := d.plan(false, r)[0]
	if plan.Outcome != network.RowConflict || plan.Code != "custom_id_conflict" || plan.Field != "custom_id" {
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
		if plans[i].Outcome != want || plans[i].Partner.Partner() != id {
			t.Errorf("row %d: got %+v, want it %s and about %s", i+2, plans[i], want, id)
		}
	}
}

func TestR46_APartnerHasSoManyPeopleAndNoMore(t *testing.T) {
	t.Parallel()
	d := newDesk()
	p := d.planner(false, 2)
	rows := []network.RosterRow{
		{Corp: "Acme", Contact: "Li", Phone: "+8613900000001"}, {Corp: "Acme", Contact: "Wu", Phone: "+8613900000002"},
		{Corp: "Acme", Contact: "Zhou", Phone: "+8613900000003"}, {Corp: "Acme", Contact: "Wu Er", Phone: "+8613900000002"},
		{Corp: "Beta", Contact: "Zhou", Phone: "+8613900000003"},
	}
	for i, want := range []string{"", "", "too_many_people", "", ""} {
		if got := p.Plan(&rows[i], d.ids(rows[i])); got.Code != want || (got.Outcome == network.RowConflict) != (want != "") {
			t.Errorf("row %d: got %+v, want %q", i, got, want)
		}
	}
}

// Those whom earlier rosters have named count too, unless a row says that they
// lead no more. In a Sync they go, or no row would name them.
func TestR25_APartnerHasFiveLeadersHoweverManyRostersNameThem(t *testing.T) {
	t.Parallel()
	led := func(contact int) network.RosterRow {
		r := row("Acme", contact, "")
		r.Leader = true
		return r
	}
	d := newDesk()
	d.run(false, led(1), led(2), led(3), led(4), row("Acme", 9, ""))

	rows := []network.RosterRow{led(4), led(5), led(6), led(9), row("Acme", 6, ""), row("Acme", 1, ""), led(7), {Corp: "Bolt", Contact: "Li", Phone: "+8613900000001", Leader: true}}
	codes := func(plans []network.Verdict) (all []string) {
		for _, p := range plans {
			all = append(all, p.Code)
			if p.Code == "too_many_leaders" && (p.Outcome != network.RowConflict || p.Field != "identity") {
				t.Errorf("got %+v, want a conflict of the identity", p)
			}
		}
		return all
	}
	const no = "too_many_leaders"
	if got, want := codes(d.run(false, rows...)), []string{"", "", no, no, "", "", "", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := codes(d.plan(false, led(7), led(5), led(1))), []string{"", "", no}; !slices.Equal(got, want) {
		t.Errorf("the next roster: got %q, want %q", got, want)
	}

	p := network.NewPlanner(network.Import{Chain: d.chain, Mode: network.Sync}, d.tree, 0)
	for at, is := range d.partners {
		id, _ := network.RawPartner(at)
		p.Know(id, network.Known{Name: is.Name, State: is.State, Imported: is.Imported, Group: is.Group}, maps.All(is.People))
	}
	for _, n := range []int{11, 12, 13, 14, 15} {
		r := led(n)
		if got := p.Plan(&r, d.ids(r)); got.Outcome != network.RowCreate {
			t.Errorf("contact %d of a sync: got %+v, want them created", n, got)
		}
	}
}

func TestR27_ARosterThatNamesNoIDStillKnowsAPartnerThatWasGivenOne(t *testing.T) {
	t.Parallel()
	d := newDesk()
	r := row("Acme", 1, "")
	id := d.run(false, r)[0].Partner.Partner()
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
	id := d.run(false, row("Acme", 1, ""))[0].Partner.Partner()
	p := d.partners[id]
	p.People[personKey.Person(row("", 2, "").Phone)] = ""
	p.State, p.Corp, p.Joined = network.PartnerJoined, "co1", 1
	d.partners[id] = p
	if got := told(d.plan(false, row("Acme", 2, ""))); got != "update" {
		t.Errorf("got %s, want updated, and no notice", got)
	}
}

func TestR38_ARemovedPartnerComesBackInItsNewEpoch(t *testing.T) {
	t.Parallel()
	d := newDesk()
	id := d.run(false, row("Acme", 1, "North"), row("Acme", 2, ""))[0].Partner.Partner()
	p := d.partners[id]
	p.State, p.Corp, p.Epoch = network.PartnerRemoved, "co-old", 1
	d.partners[id] = p

	rows := []network.RosterRow{row("Acme", 1, "South"), row("Acme", 2, "")}
	again := d.run(false, rows...)
	if got, want := told(again), "create!+→ create+"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := d.partners[id]; got.Epoch != 1 || got.Corp != "" || got.State != network.PartnerPending || len(got.People) != 2 || again[1].Epoch != 1 {
		t.Errorf("got %+v, want a pending partner of epoch 1, bound to nobody", got)
	}
}

// count sums up what verdicts say.
func count(plans []network.Verdict, notify bool) (c network.Counts) {
	for i := range plans {
		c.Tell(&plans[i], notify)
	}
	return c
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
			case plan.Outcome.Failed(), plan.Outcome == network.RowUnchanged, plan.Outcome == network.RowWouldMove:
			default:
				t.Fatalf("got %+v, want unchanged", plan)
			}
			if plan.Makes || plan.Adds || plan.Places {
				t.Fatalf("got %+v, want nothing done", plan)
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
		c := count(d.plan(rapid.Bool().Draw(t, "apply moves"), rows...), true)
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
		c := count(plans, notify)
		if c.Rows != len(rows) || c.OK+c.Failed != c.Rows || c.Created+c.Updated+c.Unchanged+c.WouldMove != c.OK || c.Conflict+c.Invalid != c.Failed {
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
		distinct := map[network.RawID]bool{}
		for i, plan := range plans {
			if plan.Outcome.Failed() != (plan.Code != "" || rows[i].Code != "") {
				t.Fatalf("row %d: got %+v", i+2, plan)
			}
			if !plan.Outcome.Failed() {
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
		if sum := count(plans[:cut], notify).Add(count(plans[cut:], notify)); sum != c {
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
		again := d.planner(moves, 0)
		crash := rapid.IntRange(0, len(rows)).Draw(t, "crash")
		for i, r := range rows {
			r.Number = i + 2
			if i < crash {
				again.Absorb(&r, d.ids(r), whole[i])
			} else if got := again.Plan(&r, d.ids(r)); got != whole[i] {
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
				state := rapid.SampledFrom([]string{"imported", "notified", "undeliverable", "joined", "withdrawn", "recalled"}).Draw(t, "state")
				one.Imported++
				want.Imported++
				switch state {
				case "imported":
					continue
				case "withdrawn", "recalled":
					one.Withdrawn++
					want.Withdrawn++
					if state == "withdrawn" {
						continue
					}
					one.Recalled++
				}
				one.Notified++
				want.Notified++
				switch {
				case state == "recalled":
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
			chain := network.NewChainID()
			p, namer := network.NewPlanner(network.Import{Chain: chain}, groups, 0), network.NewRowNamer(chain, personKey)
			rows := make([]network.RosterRow, b.N)
			for i := range rows {
				rows[i] = row(fmt.Sprint("corp ", i/size.people), i, fmt.Sprint("group ", 2+i%(size.groups-1), "/new"))
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range rows {
				p.Plan(&rows[i], namer.IDs(&rows[i]))
			}
		})
	}
}
