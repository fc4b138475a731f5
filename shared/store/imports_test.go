package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

func TestAnImportIsBegunOnceForOneUpload(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	_, err := w.BeginImport(ctx, chainID, importID(1), "etag", noon)
	wants(t, "an import that isn't there", err, network.ErrNotFound)
	made, err := w.CreateImport(ctx, network.Import{ID: importID(1), Chain: chainID, Maker: w.boss.ID, FileName: "a.xlsx", State: network.ImportWaiting, CreatedAt: noon, Notify: true}, Once{})
	must(t, err)
	got, err := w.Import(ctx, chainID, importID(1))
	must(t, err)
	same(t, "import", got, made)

	starts := make([]time.Time, 5)
	same(t, "five deliveries at once", atOnce(5, func(i int) error {
		imp, err := w.BeginImport(ctx, chainID, importID(1), "etag", noon.Add(time.Duration(i)*time.Second))
		starts[i] = imp.StartedAt
		return err
	}), map[string]int{"ok": 5})
	for _, s := range starts {
		same(t, "started", s, starts[0])
	}
	_, err = w.BeginImport(ctx, chainID, importID(1), "another", noon)
	wants(t, "another upload", err, network.ErrStale)

	imp, err := w.Import(ctx, chainID, importID(1))
	must(t, err)
	imp.FileCode = "corrupt"
	must(t, w.FailImport(ctx, imp))
	wants(t, "a run that knows nothing of it", w.EndImport(ctx, imp, time.Time{}), ErrStopped) // the first to say so was right
	imp, err = w.BeginImport(ctx, chainID, importID(1), "etag", noon)
	must(t, err)
	same(t, "as it ended", []any{imp.State, imp.FileCode}, []any{network.ImportFailed, "corrupt"})
}

func TestImportsArePagedNewestFirst(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for i := range 5 {
		_, err := w.CreateImport(t.Context(), network.Import{ID: importID(i), Chain: chainID, State: network.ImportWaiting, CreatedAt: noon}, Once{})
		must(t, err)
	}
	got := ""
	for cursor := ""; ; {
		page, next, err := w.Imports(t.Context(), chainID, cursor, 2)
		must(t, err)
		for _, i := range page {
			got += i.ID[len(i.ID)-1:]
		}
		if cursor = next; next == "" {
			break
		}
	}
	same(t, "imports", got, "43210")
}

func TestR27_TheSameRosterAgainChangesNothingAndTellsNobody(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	all := append(rows(1, 30), row(31, "经销商00001"), row(1, "Another of the same phone", "North", "Harbin"))
	_, sum := w.importRows(t, 1, all)
	same(t, "counts", sum, network.Counts{Rows: 32, OK: 32, Created: 32, Notices: 32, Partners: 32, Seats: 32})
	before, told := w.state(t), w.told(t)
	_, sum = w.importRows(t, 2, all)
	same(t, "counts again", sum, network.Counts{Rows: 32, OK: 32, Unchanged: 32, Partners: 32})
	after := w.state(t)
	for k, it := range after {
		if _, ok := before[k]; !ok && !strings.Contains(k, importID(2)) {
			t.Errorf("got %s: %v, want no more than the import's own", k, it)
		} else if ok && fmt.Sprint(before[k]) != fmt.Sprint(it) {
			t.Errorf("got %s: %v, want %v", k, it, before[k])
		}
	}
	same(t, "told", w.told(t), told)
}

func TestR27_ARosterChangesWhatDiffersAndNobodysMembership(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Acme"), row(22, "Beta")})
	a := w.join(t, noticeOf(row(20, "Acme")), person(20), anew("Acme"))
	renamed, moved := row(20, "ACME"), row(22, "Beta", "North")
	renamed.Contact, renamed.Leader = "张二十", true
	_, sum, err := roster{id: importID(2), moves: true, at: noon, rows: []network.RosterRow{renamed, row(23, "Acme"), moved}}.run(ctx, w.Store)
	must(t, err)
	same(t, "counts", []int{sum.Created, sum.Updated, sum.Notices}, []int{1, 2, 1})
	actor, err := w.Actor(ctx, person(20), "", chainID)
	must(t, err)
	same(t, "contact", []any{actor.Contact.Name, actor.Contact.Leader, actor.Contact.JoinedAt, actor.Contact.TokenVersion}, []any{"张二十", true, a.Contact.JoinedAt, 1})
	p := w.partnerNow(t, a.Partner.ID)
	same(t, "partner", []any{p.State, p.Joined, p.Contacts, p.Corp}, []any{network.PartnerJoined, 1, 3, a.Corp.ID})
	if g := w.partnerNow(t, noticeOf(moved).Partner).Group; g == network.RootGroup {
		t.Errorf("got group %d, want the roster's", g)
	}
}

func TestR38_WhoIsRemovedWhileAnImportRunsStaysRemoved(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := noticeOf(row(20, "Acme")).Partner
	_, _, err := roster{id: importID(1), chunk: 1, at: noon, rows: []network.RosterRow{row(20, "Acme"), row(21, "Acme")}, mischief: func(chunk int) {
		if chunk == 1 {
			must(t, w.RemovePartner(t.Context(), chainID, id, 0, noon))
		}
	}}.run(t.Context(), w.Store)
	must(t, err)
	_, err = w.Partner(t.Context(), chainID, id)
	wants(t, "the partner", err, network.ErrNotFound)
	told, _, err := w.Recipients(t.Context(), chainID, importID(1), 1)
	must(t, err)
	same(t, "recipients", len(told), 0)
}

func TestR27_ContactsJoinedByALinkAndThenNamedKeepTheirMembership(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme")})
	a := w.join(t, noticeOf(row(20, "Acme")), person(20), anew("Acme"))
	q := w.colleague(t, a.Corp.ID, 21, network.Staff)
	b := w.join(t, w.link(t, network.Invite{}), q, Choice{Corp: a.Corp.ID})
	_, sum := w.importRows(t, 2, []network.RosterRow{row(21, "Acme")})
	same(t, "counts", []int{sum.Updated, sum.Notices}, []int{1, 0})
	actor, err := w.Actor(ctx, q, "", chainID)
	must(t, err)
	same(t, "contact", []any{actor.Contact.Name, actor.Contact.MembershipID(), actor.Contact.Import}, []any{"张21", b.Contact.MembershipID(), ""})
}

func TestWhatIsKnownIsTheSameAskedForOneByOneAndByReadingTheChainWhollyOrInPart(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	all := w.crowd(t, 300, func(i int) network.Partner {
		return network.Partner{ID: network.CustomPartnerID(chainID, fmt.Sprint("D", i)), Name: fmt.Sprint("P", i), CustomID: fmt.Sprint("D", i), Group: 1, State: network.PartnerPending, People: map[string]string{person(i).ID: fingerprint(row(i, ""))}}
	})
	must(t, w.RemovePartner(ctx, chainID, all[3].ID, 0, noon))
	_, err := w.EditPartner(ctx, w.chain, all[4].ID, network.PartnerEdit{CustomID: text("X4")}, 0)
	must(t, err)
	var rows []network.RosterRow
	for i := range 150 {
		r := row(i, fmt.Sprint("P", i))
		r.CustomID = fmt.Sprint("D", i)
		rows = append(rows, r)
	}
	rows[4].CustomID = "X4"
	rows = append(rows, row(500, "Nobody"))
	plan := func(others int, worth float64) (out []network.Verdict) {
		t.Helper()
		p := network.NewPlanner(network.Import{Chain: chainID}, network.Tree{}, 0)
		namer := network.NewRowNamer(chainID, personKey)
		for i := range rows {
			p.Expect(namer.IDs(&rows[i]).Partner)
		}
		for i := range others {
			r := row(1000+i, fmt.Sprint("other ", i))
			p.Expect(namer.IDs(&r).Partner)
		}
		must(t, w.existing(ctx, chainID, p, false))
		for i := range rows {
			out = append(out, p.Plan(&rows[i], namer.IDs(&rows[i])))
		}
		return out
	}
	few := plan(0, 0)
	same(t, "how many, a removed one, who was given an id, who isn't there", []any{len(few), few[3].Revives, few[4].Partner.Partner(), few[150].Makes, few[0].Outcome},
		[]any{151, true, all[4].ID, true, network.RowUnchanged})
	same(t, "reading the chain", plan(100, 0), few)
}

func TestASmallRosterDoesNotReadALargeChain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.crowd(t, 12_000, func(i int) network.Partner {
		return network.Partner{ID: network.CustomPartnerID(chainID, fmt.Sprint("D", i)), Name: fmt.Sprint("P", i), CustomID: fmt.Sprint("D", i), Group: 1, State: network.PartnerPending, People: map[string]string{person(i).ID: fingerprint(row(i, ""))}}
	})
	p := network.NewPlanner(network.Import{Chain: chainID}, network.Tree{}, 0)
	for i := range 300 {
		id, _ := network.RawPartner(network.CustomPartnerID(chainID, fmt.Sprint("D", 40*i)))
		p.Expect(id)
	}
	w.tb.Reset()
	must(t, w.existing(t.Context(), chainID, p, false))
	for id := range p.Expected() {
		if p.Waits(id) {
			t.Errorf("%s isn't known", id.Partner())
		}
	}
	m := w.tb.Meter()
	t.Logf("300 of 12,000 partners: %.1f read units, %d requests", m.ReadUnits, m.Requests)
	if m.ReadUnits > 2*300/2+partnerShards*16 { // as much again as to ask for each, and what was under way
		t.Errorf("got %.1f read units of %d requests, want no more than twice what to ask for each costs", m.ReadUnits, m.Requests)
	}
}

func TestR27_ARosterMeetsThePartnerThatWasGivenItsCustomID(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Beta")})
	acme := noticeOf(row(20, "Acme")).Partner
	_, err := w.EditPartner(t.Context(), w.chain, acme, network.PartnerEdit{CustomID: text("D100")}, 0)
	must(t, err)
	old, more, byName := row(20, "Acme"), row(22, "Acme"), row(23, "Acme")
	old.CustomID, more.CustomID = "D100", "D100"
	_, sum := w.importRows(t, 2, []network.RosterRow{old, more, byName})
	same(t, "counts", sum, network.Counts{Rows: 3, OK: 3, Created: 2, Unchanged: 1, Notices: 2, Partners: 1})
	p := w.partnerNow(t, acme)
	same(t, "partner", []any{p.CustomID, p.Contacts, len(p.People)}, []any{"D100", 3, 3})
	_, sum = w.importRows(t, 3, []network.RosterRow{old, more, byName})
	same(t, "again", sum, network.Counts{Rows: 3, OK: 3, Unchanged: 3, Partners: 1})
}

func TestR29_WhoIsRemovedBetweenTwoRunsOfAnImportStaysRemoved(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	id := noticeOf(row(20, "Acme")).Partner
	rows := []network.RosterRow{row(20, "Acme"), row(21, "Beta"), row(22, "Acme")}
	again := func(n int) {
		imp := roster{id: importID(n), rows: rows, chunk: 1, at: noon.Add(time.Duration(n) * time.Minute), mischief: func(chunk int) {
			if chunk == 1 {
				must(t, w.RemovePartner(ctx, chainID, id, 0, noon))
				panic("killed")
			}
		}}
		func() { defer func() { recover() }(); imp.run(ctx, w.Store) }()
		imp.mischief = nil
		_, _, err := imp.run(ctx, w.Store)
		must(t, err)
	}
	again(1) // which made it
	_, err := w.Partner(ctx, chainID, id)
	wants(t, "the partner that it made", err, network.ErrNotFound)
	again(2) // which revived it
	_, err = w.Partner(ctx, chainID, id)
	wants(t, "the partner that it revived", err, network.ErrNotFound)
	_, sum := w.importRows(t, 3, rows)
	same(t, "the next import revives it", sum.Created, 2)
	same(t, "people", w.partnerNow(t, id).Contacts, 2)
}

func TestR18_ASlowChunkOfAnEpochThatIsOverTakesNobodysMembership(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	r := row(20, "Acme")
	w.importRows(t, 1, []network.RosterRow{r})
	id := noticeOf(r).Partner
	renamed := r
	renamed.Contact = "改名"
	_, _, err := roster{id: importID(2), rows: []network.RosterRow{renamed}, at: noon, mischief: func(int) {
		must(t, w.RemovePartner(ctx, chainID, id, 0, noon.Add(time.Hour)))
		_, _, err := roster{id: importID(3), rows: []network.RosterRow{r}, at: noon.Add(2 * time.Hour)}.run(ctx, w.Store)
		must(t, err)
		ticket := noticeOf(r)
		ticket.Version = 2
		_, err = w.Join(ctx, ticket, person(20), anew("Acme"), noon.Add(3*time.Hour))
		must(t, err)
	}}.run(ctx, w.Store)
	must(t, err)
	actor, err := w.Actor(ctx, person(20), "", chainID)
	must(t, err)
	same(t, "contact", []any{actor.Contact.HasJoined(), actor.Contact.Epoch, actor.Contact.Name}, []any{true, 1, "张20"})

	var k contactItem
	_, err = w.get(ctx, contactKey(person(20).ID, chainID, id), &k)
	must(t, err)
	late := k
	late.Epoch, late.JoinedAt = 0, 0
	mine, err := w.mergeContact(ctx, late)
	must(t, err)
	var is contactItem
	_, err = w.get(ctx, k.key, &is)
	must(t, err)
	same(t, "after a write that was held up even longer", []any{mine, is.JoinedAt, is.Epoch}, []any{false, k.JoinedAt, 1})
}

func TestAnIDThatWasGivenAwayWhileAnImportRanLeavesNobodyOnANoMansPartner(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	b, _ := w.partner(t, 8)
	r := row(21, "Somebody")
	r.CustomID = "D10"
	_, _, err := roster{id: importID(3), rows: []network.RosterRow{r}, at: noon, mischief: func(int) {
		_, err := w.EditPartner(ctx, w.chain, b.Partner.ID, network.PartnerEdit{CustomID: text("D10")}, 0)
		must(t, err)
	}}.run(ctx, w.Store)
	must(t, err)
	same(t, "who has it", w.partnerNow(t, b.Partner.ID).CustomID, "D10")
	for k := range w.tb.Items(t) {
		if k == contactKey(person(21).ID, chainID, network.CustomPartnerID(chainID, "D10")).PK+"|CHAIN#"+chainID+"#"+network.CustomPartnerID(chainID, "D10") {
			t.Errorf("got %s, want no contact of what isn't a partner", k)
		}
	}
	c := w.join(t, w.link(t, network.Invite{}), person(21), anew("Somebody"))
	same(t, "whom that roster named", c.Partner.ID, network.CorpPartnerID(chainID, c.Corp.ID))
}

func TestAnImportThatIsReadForTooLongIsEndedBySweepAndItsMakerTold(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	ctx := t.Context()
	_, err := w.CreateImport(ctx, network.Import{ID: importID(1), Chain: chainID, Maker: w.boss.ID, MakerCorp: w.owner.ID, FileName: "a.xlsx", State: network.ImportWaiting, CreatedAt: noon, Notify: true}, Once{})
	must(t, err)
	begun, err := w.BeginImport(ctx, chainID, importID(1), "etag", noon)
	must(t, err)
	same(t, "while it may still come to an end", w.sweep(t, noon.Add(2*time.Hour-time.Second)), []string(nil))
	same(t, "then", w.sweep(t, noon.Add(2*time.Hour)), []string{importID(1)})
	same(t, "and no more", w.sweep(t, noon.Add(3*time.Hour)), []string(nil))
	imp, err := w.BeginImport(ctx, chainID, importID(1), "etag", noon.Add(3*time.Hour))
	must(t, err)
	same(t, "ended", []any{imp.State, imp.FileCode, imp.EndedAt}, []any{network.ImportFailed, "not_finished", noon.Add(2 * time.Hour)})
	begun.EndedAt = noon.Add(3 * time.Hour)
	wants(t, "a run that was slower than can be", w.EndImport(ctx, begun, time.Time{}), ErrStopped)
	imp, err = w.Import(ctx, chainID, importID(1))
	must(t, err)
	same(t, "the first to say so was right", imp.State, network.ImportFailed)
	same(t, "told", w.events(t), []network.Event{{ID: "failed." + importID(1), Kind: network.RosterFailed, Chain: chainID, Import: importID(1), Person: w.boss.ID, Corp: w.owner.ID}})
	same(t, "when its notices would have run out", w.sweep(t, noon.Add(8*day)), []string(nil))
	due, err := w.Due(ctx, noon.Add(100*day), 10, new(DuePage))
	must(t, err)
	same(t, "still filed", len(due), 0)
}

// What it had done when it broke off may not be counted yet, so other plans
// must look at what it was about.
func TestR28_ToRevertAnImportIsAChangeOfItsChainUnlessItDidNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	for i, c := range []struct {
		state   network.ImportState
		applied time.Time
		created int
		logs    bool
	}{
		{network.ImportDone, noon, 0, false}, {network.ImportDone, noon, 1, true},
		{network.ImportCancelled, time.Time{}, 0, false}, {network.ImportCancelled, noon, 0, true},
	} {
		id := importID(i + 1)
		_, err := w.CreateImport(ctx, network.Import{
			ID: id, Chain: chainID, FileName: "a.xlsx", State: c.state, CreatedAt: noon, StartedAt: noon, AppliedAt: c.applied, Counts: network.Counts{Created: c.created},
		}, Once{})
		must(t, err)
		before, err := w.lastChange(ctx, chainID)
		must(t, err)
		_, err = w.RevertImport(ctx, chainID, id, noon)
		must(t, err)
		after, err := w.lastChange(ctx, chainID)
		must(t, err)
		same(t, fmt.Sprintf("%s, applied %v, %d created: a change", c.state, !c.applied.IsZero(), c.created), after > before, c.logs)
	}
}

func TestR29_TheFirstPlanOfAChunkHolds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	imp := network.Import{ID: importID(1), Chain: chainID, StartedAt: noon}
	first, other := network.Verdict{Outcome: network.RowCreate, Adds: true}, network.Verdict{Outcome: network.RowConflict, Code: "custom_id_conflict"}
	for _, v := range []network.Verdict{first, other} {
		p := planning{s: w.Store, ctx: ctx, imp: imp, again: true, news: map[key][]network.Verdict{}}
		must(t, p.keep(2, []network.Verdict{v}, nil))
		must(t, p.flush())
		same(t, "counted", p.counts.Created, 1)
	}
	plans, err := w.plans(ctx, imp, 0, 10)
	must(t, err)
	got, err := unpackPlan(plans[2], nil)
	must(t, err)
	same(t, "kept", got, []network.Verdict{first})
	_, _, err = w.Recipients(ctx, chainID, importID(1), 0)
	wants(t, "recipients of a chunk without a plan", err, network.ErrNotFound)
}

func TestR31_RowsArePagedInTheSheetsOrderWhateverTheirOutcome(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	const chunks, size = 11, 30
	outcomes := []network.Outcome{network.RowCreate, network.RowUnchanged, network.RowInvalid}
	of := func(row int) network.Outcome {
		if row < 9*size { // the wanted ones lie behind more chunks than a page reads
			return outcomes[row%2]
		}
		return outcomes[row%3]
	}
	imp := network.Import{ID: importID(1), Chain: chainID, StartedAt: noon}
	spool := w.Spool(ctx, imp, personKey, Run{})
	spool.size = size
	p := planning{s: w.Store, ctx: ctx, imp: imp, news: map[key][]network.Verdict{}}
	for c := range chunks {
		var verdicts []network.Verdict
		for i := range size {
			r := row(0, "Acme")
			r.Number = c*size + i
			must(t, spool.Add(&r))
			verdicts = append(verdicts, network.Verdict{Outcome: of(c*size + i)})
		}
		must(t, p.keep(c, verdicts, nil))
	}
	must(t, spool.flush())
	must(t, p.flush())
	for _, want := range append(outcomes, "", network.RowFailed) {
		var rows []int
		for row := range chunks * size {
			if of(row).Is(want) {
				rows = append(rows, row)
			}
		}
		for _, limit := range []int{1, 7, 30, 200} {
			var got []int
			for cursor := ""; ; {
				w.tb.Reset()
				page, next, err := w.Rows(ctx, network.Import{Chain: chainID, ID: importID(1)}, want, cursor, limit)
				must(t, err)
				for _, p := range page {
					got = append(got, p.Row)
				}
				if n := w.tb.Meter().Requests; n > 8 || len(page) > limit {
					t.Fatalf("got %d rows for %d requests, want at most %d for 8", len(page), n, limit)
				}
				if cursor = next; next == "" {
					break
				}
			}
			same(t, fmt.Sprintf("rows %q by %d", want, limit), got, rows)
		}
	}
}

func fingerprint(r network.RosterRow) string { return r.Fingerprint() }
