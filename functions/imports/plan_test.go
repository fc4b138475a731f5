package main

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster/form"
	"github.com/tributary-app/tributary/shared/store"
)

func dry(i *network.Import)     { i.DryRun = true }
func syncing(i *network.Import) { i.Mode = network.Sync }

// applied has an import's plan done.
func (w *world) applied(t *testing.T, id string) network.Import {
	t.Helper()
	imp := w.is(t, id)
	if _, err := w.store.ApplyImport(t.Context(), chainID, id, imp.PlanID, noon); err != nil {
		t.Fatal(err)
	}
	w.deliver(t, id)
	return w.is(t, id)
}

// joins lets somebody of a roster in by their notice, under a corp of their own.
func (w *world) joins(t *testing.T, customID, name, phone string) {
	t.Helper()
	corp, err := network.NewCorp("", "客公司"+phone[1:], "", "", noon)
	if err != nil {
		t.Fatal(err)
	}
	person := network.Person{ID: key.Person(phone), Name: "客", Phone: phone}
	_, err = w.store.Join(t.Context(), w.ticket(customID, name, phone), person, store.Choice{New: &corp}, noon.Add(time.Hour))
	if err != nil {
		t.Fatalf("join: %v", err)
	}
}

func (w *world) ticket(customID, name, phone string) network.Ticket {
	return network.Ticket{Chain: chainID, Partner: network.RosterPartnerID(chainID, customID, name), Person: key.Person(phone), Version: 1}
}

// notice is what the page of a notice says: "ok", or why it is dead.
func (w *world) notice(t *testing.T, customID, name, phone string) string {
	t.Helper()
	l, err := w.store.Look(t.Context(), w.ticket(customID, name, phone), noon)
	if err == nil {
		err = l.Err
	}
	if err == nil {
		return "ok"
	}
	return network.CodeOf(err)
}

func (w *world) funnel(t *testing.T, id string) network.Funnel {
	t.Helper()
	tallies, err := w.store.Tallies(t.Context(), chainID, id)
	if err != nil {
		t.Fatal(err)
	}
	return network.Progress(tallies, w.chain.Policies, noon)
}

func TestR28_APlanThatIsAppliedEndsAsOneThatWasDoneAtOnce(t *testing.T) {
	t.Parallel()
	end, _, _, _ := clean(t)
	w, e := faultyAsked(t, dynamotest.New(t), func(i *network.Import) { i.ApplyMoves, i.DryRun = true, true })
	if err := w.uploaded(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if imp := w.is(t, importID); imp.State != network.ImportPlanned || imp.PlanID == "" || imp.Counts.OK != 33 || !imp.HasErrors {
		t.Fatalf("got %+v, want it planned, and its failed rows written", imp)
	}
	w.applied(t, importID)
	got := w.end(t)
	k := "CHAIN#" + chainID + "#IMPORTS|" + importID
	delete(got[k], "DryRun")
	if d := differ(got, end); d != "" {
		t.Errorf("the end differs: %s", d)
	}
	if again := w.applied(t, importID); again.State != network.ImportDone {
		t.Errorf("got %+v, want it done, and to say so again", again)
	}
}

// R28: what moves the chain on in a way that touches a plan makes it stale;
// what doesn't, doesn't.
func TestR28_APlanIsStaleOnceTheChainHasMovedOnInAWayThatTouchesIt(t *testing.T) {
	t.Parallel()
	at := func(w *world, customID, name string) string { return network.RosterPartnerID(chainID, customID, name) }
	edit := func(t *testing.T, w *world, id string, e network.PartnerEdit) {
		t.Helper()
		if _, err := w.store.EditPartner(t.Context(), w.chain, id, e, 0); err != nil {
			t.Fatal(err)
		}
	}
	text := func(s string) *string { return &s }
	number := func(n int) *int { return &n }
	group := func(t *testing.T, w *world, path ...string) int {
		t.Helper()
		tree, err := w.store.Tree(t.Context(), chainID)
		if err != nil {
			t.Fatal(err)
		}
		id, levels := tree.Find(path)
		if levels != len(path) {
			t.Fatalf("no group %v", path)
		}
		return id
	}
	none := func(network.Chain) (bool, error) { return false, nil }
	for name, c := range map[string]struct {
		do    func(t *testing.T, w *world)
		stale bool
	}{
		"nothing":                             {func(*testing.T, *world) {}, false},
		"a partner of the plan is moved":      {func(t *testing.T, w *world) { edit(t, w, at(w, "A1", ""), network.PartnerEdit{Group: number(1)}) }, true},
		"another partner is moved":            {func(t *testing.T, w *world) { edit(t, w, at(w, "B1", ""), network.PartnerEdit{Group: number(1)}) }, false},
		"a partner of the plan is called":     {func(t *testing.T, w *world) { edit(t, w, at(w, "A1", ""), network.PartnerEdit{Alias: text("别名")}) }, false},
		"another is given an id of the plan":  {func(t *testing.T, w *world) { edit(t, w, at(w, "B1", ""), network.PartnerEdit{CustomID: text("NEW1")}) }, true},
		"another is given another id":         {func(t *testing.T, w *world) { edit(t, w, at(w, "B1", ""), network.PartnerEdit{CustomID: text("Z9")}) }, false},
		"a partner of the plan loses its id":  {func(t *testing.T, w *world) { edit(t, w, at(w, "A1", ""), network.PartnerEdit{CustomID: text("")}) }, true},
		"a partner of the plan is removed":    {func(t *testing.T, w *world) { remove(t, w, at(w, "A2", "")) }, true},
		"another partner is removed":          {func(t *testing.T, w *world) { remove(t, w, at(w, "B1", "")) }, false},
		"a person of the plan joins":          {func(t *testing.T, w *world) { w.joins(t, "A1", "", "+8613900000001") }, false},
		"a group of the plan is made":         {func(t *testing.T, w *world) { makeGroup(t, w, "新区") }, true},
		"another group is made":               {func(t *testing.T, w *world) { makeGroup(t, w, "别区") }, false},
		"a group of the plan is renamed":      {func(t *testing.T, w *world) { rename(t, w, group(t, w, "华东区"), "东") }, true},
		"another group is renamed":            {func(t *testing.T, w *world) { rename(t, w, group(t, w, "华北区"), "北") }, false},
		"a group where a partner stands goes": {func(t *testing.T, w *world) { del(t, w, group(t, w, "华南区"), 1, none) }, true},
		"an import changes a partner of it": {func(t *testing.T, w *world) {
			w.takeIn(t, "im0000000000000003", sheet("甲公司,张新,,13900000099,,A1,"), nil)
		}, true},
		"an import that says the same": {func(t *testing.T, w *world) {
			w.takeIn(t, "im0000000000000003", sheet("甲公司,张一,,13900000001,,A1,"), nil)
		}, false},
		"an import of others": {func(t *testing.T, w *world) {
			w.takeIn(t, "im0000000000000003", sheet("丁公司,张新,,13900000099,,D1,"), nil)
		}, false},
		"an import makes one that it makes": {func(t *testing.T, w *world) {
			w.takeIn(t, "im0000000000000003", sheet("新公司,张新,,13900000099,,NEW1,"), nil)
		}, true},
		"the import that made its partners is reverted": {func(t *testing.T, w *world) {
			if _, err := w.store.RevertImport(t.Context(), chainID, secondID, noon); err != nil {
				t.Fatal(err)
			}
			w.deliver(t, secondID)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.takeIn(t, secondID, sheet("甲公司,张一,,13900000001,华东区,A1,", "乙公司,张二,,13900000002,华南区,A2,", "丙公司,张三,,13900000003,华北区,B1,"), nil)
			imp := w.takeIn(t, importID, sheet("甲公司,张一,负责人,13900000001,,A1,", "乙公司,张二,,13900000002,华东区,A2,", "新公司,张四,,13900000004,新区,NEW1,", "旧公司,张五,,1,,OLD1,"), dry)
			c.do(t, w)
			before := w.tb.Items(t)
			_, err := w.store.ApplyImport(t.Context(), chainID, importID, imp.PlanID, noon)
			switch {
			case !c.stale && err != nil:
				t.Fatalf("got %v, want it applied", err)
			case c.stale && !errors.Is(err, network.ErrStale):
				t.Fatalf("got %v, want it stale", err)
			case c.stale:
				if d := differ(w.tb.Items(t), before); d != "" {
					t.Errorf("it changed something: %s", d)
				}
				return
			}
			w.deliver(t, importID)
			if done := w.is(t, importID); done.State != network.ImportDone || done.Counts != imp.Counts {
				t.Errorf("got %+v, want done with %+v", done, imp.Counts)
			}
		})
	}
	w := setup(t)
	w.takeIn(t, importID, threeRows, dry)
	if _, err := w.store.ApplyImport(t.Context(), chainID, importID, "another", noon); !errors.Is(err, network.ErrStale) {
		t.Errorf("another plan: got %v, want stale", err)
	}
}

func remove(t *testing.T, w *world, id string) {
	t.Helper()
	if err := w.store.RemovePartner(t.Context(), chainID, id, 0, noon); err != nil {
		t.Fatal(err)
	}
}

func makeGroup(t *testing.T, w *world, name string) {
	t.Helper()
	if _, err := w.store.CreateGroup(t.Context(), chainID, network.Group{Name: name, Parent: network.RootGroup}, store.Once{}); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, w *world, id int, name string) {
	t.Helper()
	if _, err := w.store.EditGroup(t.Context(), chainID, id, &name, nil, nil, 0); err != nil {
		t.Fatal(err)
	}
}

func del(t *testing.T, w *world, id, to int, live func(network.Chain) (bool, error)) {
	t.Helper()
	if err := w.store.DeleteGroup(t.Context(), chainID, id, to, 0, live); err != nil {
		t.Fatal(err)
	}
}

// R30: whatever state an import is in, to cancel it ends it, and what it has done stays.
func TestR30_AnImportIsCancelledAtEachState(t *testing.T) {
	t.Parallel()
	var lines []string
	for n := range 3 * store.ChunkRows {
		lines = append(lines, fmt.Sprintf("公司%d,张,,139%08d,第%d区,,", n, n, n%3))
	}
	big := sheet(lines...)
	cancel := func(t *testing.T, w *world) {
		t.Helper()
		if _, err := w.store.CancelImport(t.Context(), chainID, importID, noon); err != nil {
			t.Errorf("cancel: %v", err)
		}
	}
	for name, run := range map[string]func(t *testing.T, w *world){
		"waiting": func(t *testing.T, w *world) {
			cancel(t, w)
			if err := w.uploaded(t.Context(), w.put(importID, big)); err != nil {
				t.Fatal(err)
			}
		},
		"reading": func(t *testing.T, w *world) {
			at := 0
			w.spare = func(ctx) bool { // before the second step, which plans
				if at++; at == 2 {
					cancel(t, w)
				}
				return true
			}
			if err := w.uploaded(t.Context(), w.put(importID, big)); err != nil {
				t.Fatal(err)
			}
		},
		"planned": func(t *testing.T, w *world) {
			if err := w.uploaded(t.Context(), w.put(importID, big)); err != nil {
				t.Fatal(err)
			}
			cancel(t, w)
			w.deliver(t, importID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.ask(t, importID, dry)
			before := w.tb.Items(t)
			run(t, w)
			w.deliver(t, importID)
			if imp := w.is(t, importID); imp.State != network.ImportCancelled || imp.Counts != (network.Counts{}) || imp.EndedAt.IsZero() {
				t.Errorf("got %+v, want it cancelled before it did anything", imp)
			}
			after := w.tb.Items(t)
			maps.DeleteFunc(after, func(k string, _ map[string]any) bool { return strings.Contains(k, "#IMPORTS|") })
			maps.DeleteFunc(before, func(k string, _ map[string]any) bool { return strings.Contains(k, "#IMPORTS|") })
			if d := differ(after, before); d != "" {
				t.Errorf("something is left of it: %s", d)
			}
			cancel(t, w) // again is the same
			if _, err := w.store.ApplyImport(t.Context(), chainID, importID, w.is(t, importID).PlanID, noon); err == nil {
				t.Error("it was applied all the same")
			}
		})
	}
	t.Run("applying", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.ask(t, importID, nil)
		n := 0
		w.tb.Break = func(op string, _ int) dynamotest.Fault {
			if op == "BatchExecuteStatement" {
				if n++; n == 60 { // in the first three chunks' middle; Break must not wait for the table itself
					go cancel(t, w)
				}
				time.Sleep(10 * time.Millisecond)
			}
			return dynamotest.None
		}
		if err := w.uploaded(t.Context(), w.put(importID, big)); err != nil {
			t.Fatal(err)
		}
		w.tb.Break = nil
		for end := time.Now().Add(10 * time.Second); w.is(t, importID).State != network.ImportCancelled; {
			if w.is(t, importID).State == network.ImportDone {
				t.Skip("the import was faster")
			}
			if time.Now().After(end) {
				t.Fatal("it isn't cancelled")
			}
			time.Sleep(10 * time.Millisecond)
		}
		w.deliver(t, importID)
		w.recount(t, importID)
		if got, want := len(w.outcomes(t, importID)), w.is(t, importID).Counts.Rows; got != want || want == 0 {
			t.Errorf("%d rows are listed, want the %d that it came to", got, want)
		}
	})
	w := setup(t)
	w.takeIn(t, importID, threeRows, nil)
	if _, err := w.store.CancelImport(t.Context(), chainID, importID, noon); !errors.Is(err, network.ErrConflict) {
		t.Errorf("a done one: got %v, want a conflict", err)
	}
}

// recount holds an import's counters to what the table has (R32).
func (w *world) recount(t *testing.T, id string) network.Counts {
	t.Helper()
	var created, withdrawn, partners int
	for k, item := range w.tb.Items(t) {
		switch {
		case strings.HasPrefix(k, "PERSON#") && item["Import"] == id:
			created++
			if item["Withdrawn"] != nil {
				withdrawn++
			}
		case strings.Contains(k, "|PARTNER#") && item["Import"] == id:
			partners++
			if c := item["Card"].(map[string]any); c["Contacts"] != float64(len(item["People"].(map[string]any))) {
				t.Errorf("got %v, want it to count its people", item)
			}
		}
	}
	tallies, err := w.store.Tallies(t.Context(), chainID, id)
	if err != nil {
		t.Fatal(err)
	}
	f, done := network.Progress(tallies, w.chain.Policies, noon), network.Done(tallies)
	if f.Imported != created || f.Withdrawn != withdrawn || f.Partners != partners {
		t.Errorf("got %+v, want %d contacts of %d partners, %d withdrawn", f, created, partners, withdrawn)
	}
	if imp := w.is(t, id); imp.Counts != done || done.Created != created || done.OK+done.Failed != done.Rows {
		t.Errorf("got %+v, want %d created, and %+v as the tallies have it", imp.Counts, created, done)
	}
	return done
}

func TestR30_ARevertTakesBackWhatAnImportMadeAndNobodyHasJoined(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takeIn(t, secondID, sheet("老公司,张老,,13900000050,老区,OLD,"), nil)
	untouched := w.end(t)
	w.takeIn(t, importID, sheet(
		"甲公司,张一,,13900000001,华东区/苏州,A1,", "甲公司,张二,,13900000002,,A1,", // one of them joins
		"乙公司,张三,,13900000003,华南区,,", "老公司,张四,,13900000004,,OLD,", "坏公司,张五,,1,,,"), nil)
	w.joins(t, "A1", "", "+8613900000002")
	if _, ok := w.bucket.objects[errorsKey(chainID, importID, "en")]; !ok || !w.is(t, importID).HasErrors {
		t.Fatal("no error workbook was written")
	}
	if err := w.store.TallyNotices(t.Context(), chainID, importID, 0, network.Tally{Notified: 4}, noon); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := w.store.RevertImport(t.Context(), chainID, importID, noon); err != nil {
			t.Fatal(err)
		}
		w.deliver(t, importID)
	}
	if imp := w.is(t, importID); imp.State != network.ImportReverted || imp.Reverting || imp.HasErrors {
		t.Errorf("got %+v, want it reverted", imp)
	}
	for k := range w.bucket.objects {
		if strings.Contains(k, importID) {
			t.Errorf("%s is still there", k)
		}
	}
	a := w.partner(t, "A1", "")
	if a.State != network.PartnerJoined || a.Contacts != 1 || len(a.People) != 1 {
		t.Errorf("got %+v, want the one who joined", a)
	}
	if _, err := w.store.Partner(t.Context(), chainID, network.RosterPartnerID(chainID, "", "乙公司")); !errors.Is(err, network.ErrNotFound) {
		t.Errorf("got %v, want the partner gone that nobody joined", err)
	}
	for phone, want := range map[string]string{"+8613900000001": "invite_revoked", "+8613900000002": "ok"} {
		if got := w.notice(t, "A1", "", phone); got != want {
			t.Errorf("the notice of %s: got %s, want %s", phone[len(phone)-2:], got, want)
		}
	}
	if got := w.notice(t, "", "乙公司", "+8613900000003"); got != "invite_revoked" {
		t.Errorf("got %s, want a removed partner's notice dead", got)
	}
	if got := w.notice(t, "OLD", "", "+8613900000004"); got != "invite_revoked" {
		t.Errorf("got %s, want the notice of who was added dead", got)
	}
	tree, err := w.store.Tree(t.Context(), chainID)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"华东区/苏州": true, "华南区": false, "老区": true} {
		if _, levels := tree.Find(strings.Split(path, "/")); (levels == len(strings.Split(path, "/"))) != want {
			t.Errorf("group %s: want it there: %t", path, want)
		}
	}
	if f := w.funnel(t, importID); f.Withdrawn != 3 || f.Imported != 4 {
		t.Errorf("got %+v, want three withdrawn of four", f)
	}
	if f := network.Progress(must(w.store.Tallies(t.Context(), chainID, importID)), w.chain.Policies, noon.AddDate(0, 1, 0)); f.Expired > 1 {
		t.Errorf("got %+v a month later, want who was withdrawn not to have expired", f)
	}
	// The import before is as it was.
	k := "CHAIN#" + chainID + "#P"
	for key, item := range w.end(t) {
		if strings.HasPrefix(key, k) && item["Import"] == secondID && show(item) != show(untouched[key]) {
			t.Errorf("got %s, want %s", show(item), show(untouched[key]))
		}
	}
	// Whoever is named again begins anew.
	again := w.takeIn(t, "im0000000000000003", sheet("甲公司,张一,,13900000001,,A1,", "乙公司,张三,,13900000003,,,"), nil)
	if again.Counts.Created != 2 || again.Counts.Notices != 2 {
		t.Errorf("got %+v, want both made anew", again.Counts)
	}
	ticket := w.ticket("A1", "", "+8613900000001")
	if ticket.Version = 2; must(w.store.Look(t.Context(), ticket, noon)).Err != nil || w.notice(t, "A1", "", "+8613900000001") != "invite_revoked" {
		t.Error("the new notice is dead, or the old one isn't")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestR30_AWaitingOrRunningImportIsNotReverted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(t, importID, dry)
	for range 2 {
		if _, err := w.store.RevertImport(t.Context(), chainID, importID, noon); !errors.Is(err, network.ErrConflict) {
			t.Errorf("got %v, want a conflict", err)
		}
		if err := w.uploaded(t.Context(), w.put(importID, threeRows)); err != nil {
			t.Fatal(err)
		}
	}
}

// R27: a sync asks first, and then withdraws whom the file doesn't name, but
// for who has joined, before the plan or after.
func TestR27_ASyncWithdrawsWhomTheFileDoesNotNameAndHasNotJoined(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takeIn(t, secondID, sheet(
		"甲公司,张一,,13900000001,,A1,", "甲公司,张二,,13900000002,,A1,",
		"乙公司,张三,,13900000003,,,", "丙公司,张四,,13900000004,,,", "丁公司,张五,,13900000005,,,", "戊公司,张六,,13900000006,,,"), nil)
	if err := w.store.TallyNotices(t.Context(), chainID, secondID, 0, network.Tally{Notified: 6}, noon); err != nil {
		t.Fatal(err)
	}
	w.joins(t, "", "丙公司", "+8613900000004")
	imp := w.takeIn(t, importID, sheet("甲公司,张一,,13900000001,,A1,", "新公司,张七,,13900000007,,,"), syncing)
	want := network.Counts{Rows: 2, OK: 2, Created: 1, Unchanged: 1, Notices: 1, Partners: 2, Seats: 1, Withdrawn: 4, Kept: 1}
	if imp.State != network.ImportPlanned || imp.Counts != want {
		t.Fatalf("got %+v, want it to wait with %+v", imp, want)
	}
	for outcome, n := range map[network.Outcome]int{network.RowWithdraw: 4, network.RowKeep: 1, network.RowCreate: 1, "": 7} {
		page, _, err := w.store.Rows(t.Context(), network.Import{Chain: chainID, ID: importID}, outcome, "", 200)
		if err != nil || len(page) != n {
			t.Errorf("%q: got %d rows %v, want %d", outcome, len(page), err, n)
		}
		for _, p := range page {
			if p.Partner == "" || p.Person == "" || (p.Row == 0) != (p.Outcome == network.RowWithdraw || p.Outcome == network.RowKeep) {
				t.Errorf("got %+v", p)
			}
		}
	}
	w.joins(t, "", "丁公司", "+8613900000005") // meanwhile
	w.applied(t, importID)
	for _, c := range []struct{ custom, name, phone, want string }{
		{"A1", "", "+8613900000001", "ok"}, {"A1", "", "+8613900000002", "invite_revoked"}, {"", "乙公司", "+8613900000003", "invite_revoked"},
		{"", "丙公司", "+8613900000004", "ok"}, {"", "丁公司", "+8613900000005", "ok"}, {"", "新公司", "+8613900000007", "ok"},
	} {
		if got := w.notice(t, c.custom, c.name, c.phone); got != c.want {
			t.Errorf("%s: got %s, want %s", c.phone, got, c.want)
		}
	}
	if p := w.partner(t, "A1", ""); p.Contacts != 1 {
		t.Errorf("got %+v, want one contact left", p)
	}
	if p := w.partner(t, "", "丁公司"); p.State != network.PartnerJoined {
		t.Errorf("got %+v, want who joined meanwhile kept", p)
	}
	if _, err := w.store.Partner(t.Context(), chainID, network.RosterPartnerID(chainID, "", "戊公司")); !errors.Is(err, network.ErrNotFound) {
		t.Errorf("got %v, want the partner gone", err)
	}
	if f := w.funnel(t, secondID); f.Withdrawn != 3 || f.Imported != 6 {
		t.Errorf("got %+v, want three withdrawn", f)
	}
	w.deliver(t, importID) // once more
	if f := w.funnel(t, secondID); f.Withdrawn != 3 {
		t.Errorf("got %+v, want them counted once", f)
	}
	again := w.takeIn(t, "im0000000000000003", sheet("甲公司,张一,,13900000001,,A1,", "新公司,张七,,13900000007,,,"), syncing)
	if c := again.Counts; c.Withdrawn != 0 || c.Kept != 2 || c.Unchanged != 2 {
		t.Errorf("got %+v, want nothing left to withdraw", c)
	}
}

// R28: whatever the chain and the file, what a plan counts is what becomes of
// it, and each row is accounted for (R31).
func TestR28_APlansCountsAreTheOutcomesForAnyChainAndFile(t *testing.T) {
	t.Parallel()
	line := rapid.Custom(func(t *rapid.T) string {
		phone := fmt.Sprintf("1390000%04d", rapid.IntRange(1, 6).Draw(t, "phone"))
		if rapid.IntRange(0, 7).Draw(t, "bad") == 0 {
			phone = "12"
		}
		id := rapid.SampledFrom([]string{"", "", "A1", "B2"}).Draw(t, "custom id")
		return fmt.Sprintf("%s,张%d,%s,%s,%s,%s,", rapid.SampledFrom([]string{"甲公司", "乙公司", "丙公司"}).Draw(t, "corp")+id, rapid.IntRange(1, 3).Draw(t, "contact"),
			rapid.SampledFrom([]string{"", "负责人"}).Draw(t, "identity"), phone, rapid.SampledFrom([]string{"", "华东区", "华南区", "华东区/苏州"}).Draw(t, "group"), id)
	})
	lines := rapid.SliceOfN(line, 1, 12)
	rapid.Check(t, func(rt *rapid.T) {
		w := setup(t)
		if rapid.Bool().Draw(rt, "something before") {
			w.takeIn(t, secondID, sheet(lines.Draw(rt, "before")...), nil)
		}
		with := func(i *network.Import) {
			i.DryRun = true
			i.Whole, i.ApplyMoves, i.Notify = rapid.Bool().Draw(rt, "whole"), rapid.Bool().Draw(rt, "moves"), rapid.Bool().Draw(rt, "notify")
			if rapid.Bool().Draw(rt, "sync") {
				i.Mode = network.Sync
			}
		}
		file := lines.Draw(rt, "rows")
		plan := w.takeIn(t, importID, sheet(file...), with)
		c := plan.Counts
		if plan.State != network.ImportPlanned || c.Rows != len(file) || c.OK+c.Failed != c.Rows || c.Created+c.Updated+c.Unchanged+c.WouldMove != c.OK || c.Conflict+c.Invalid != c.Failed {
			rt.Fatalf("got %+v of %d rows", plan, len(file))
		}
		listed := network.Counts{}
		for cursor := ""; ; {
			page, next, err := w.store.Rows(t.Context(), network.Import{Chain: chainID, ID: importID}, "", cursor, 5)
			if err != nil {
				rt.Fatal(err)
			}
			for _, p := range page {
				switch p.Outcome {
				case network.RowCreate:
					listed.Created++
				case network.RowUpdate:
					listed.Updated++
				case network.RowWithdraw:
					listed.Withdrawn++
				}
				if p.Outcome.Failed() {
					listed.Failed++
				}
			}
			if cursor = next; next == "" {
				break
			}
		}
		if listed.Created != c.Created || listed.Updated != c.Updated || listed.Withdrawn != c.Withdrawn || listed.Failed != c.Failed {
			rt.Fatalf("listed %+v, counted %+v", listed, c)
		}
		people := func() (live map[string]bool) {
			live = map[string]bool{}
			for k, item := range w.tb.Items(t) {
				if strings.Contains(k, "|PARTNER#") {
					for person := range item["People"].(map[string]any) {
						live[k+person] = true
					}
				}
			}
			return live
		}
		before := people()
		done := w.applied(t, importID)
		if done.State != network.ImportDone || done.Counts != c {
			rt.Fatalf("got %+v, want done with %+v", done, c)
		}
		if got := w.recount(t, importID); got != c {
			rt.Fatalf("done %+v, planned %+v", got, c)
		}
		after := people()
		made, gone := 0, 0
		for k := range after {
			if !before[k] {
				made++
			}
		}
		for k := range before {
			if !after[k] {
				gone++
			}
		}
		if made != c.Created || gone != c.Withdrawn {
			rt.Fatalf("%d people came and %d went, planned %+v", made, gone, c)
		}
		tallies, err := w.store.Tallies(t.Context(), chainID, importID)
		if err != nil || network.Progress(tallies, w.chain.Policies, noon).Imported != c.Created {
			rt.Fatalf("got %+v %v", tallies, err)
		}
		// The same again is all unchanged, or would move.
		same := w.takeIn(t, "im0000000000000003", sheet(file...), func(i *network.Import) { i.ApplyMoves, i.Whole = plan.ApplyMoves, plan.Whole })
		if s := same.Counts; s.Created+s.Updated+s.Notices != 0 || s.OK != c.OK {
			rt.Fatalf("the same again: got %+v after %+v", s, c)
		}
	})
}

// The failed rows come back in the user's own workbook, in both languages, and
// an import is done without them if they can't be written.
func TestR31_TheFailedRowsAreGivenBackAndAnImportIsDoneWithoutThat(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := w.takeIn(t, importID, sheet("甲公司,张一,,13900000001,,,", "乙公司,张二,,12,,,"), nil)
	if !imp.HasErrors || len(w.bucket.objects[errorsKey(chainID, importID, "zh-CN")].body) == 0 || len(w.bucket.objects[errorsKey(chainID, importID, "en")].body) == 0 {
		t.Errorf("got %+v, want both workbooks", imp)
	}
	w.ask(t, secondID, nil)
	e := w.put(secondID, sheet("甲公司,张一,,13900000001,,,", "乙公司,张二,,12,,,"))
	w.bucket.fault = func(r *request, _ int) objectFault {
		if r.Method == "PUT" {
			return unavailable
		}
		return none
	}
	if err := w.uploaded(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if imp := w.is(t, secondID); imp.State != network.ImportDone || imp.HasErrors || imp.Counts.Failed != 1 {
		t.Errorf("got %+v, want it done without", imp)
	}
	w.bucket.fault = nil
	// They are no uploads: nothing comes of them.
	k := errorsKey(chainID, importID, "en")
	e.Records[0].S3.Object.URLDecodedKey = k
	before := w.tb.Items(t)
	if err := w.uploaded(t.Context(), e); err != nil || differ(w.tb.Items(t), before) != "" {
		t.Errorf("got %v, want nothing to happen", err)
	}
}

func TestASheetThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := w.takeIn(t, importID, file(t, "../../infra/local/demo/dealers-2000.xlsx"), func(i *network.Import) { i.Sheet = "没有的表" })
	if imp.State != network.ImportFailed || imp.FileCode != form.NoHeader || imp.FileDetail != "没有的表" {
		t.Errorf("got %+v, want it to say which sheet isn't there", imp)
	}
}
