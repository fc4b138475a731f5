package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/store/storetest"
)

const (
	chainID  = "ch0000000000000001"
	ownerID  = "co0000000000000001"
	importID = "im0000000000000001"
	day      = 24 * time.Hour
)

var (
	noon      = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	personKey = network.PersonKey("a key that only tests have")
)

// logged is what all tests together have logged.
var logged lockedBuffer

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(&logged, nil)))
	code := m.Run()
	for _, personal := range []string{"张", "王", "公司", "+86139", "展会"} {
		if strings.Contains(logged.String(), personal) {
			fmt.Printf("FAIL: the log tells %q\n", personal)
			code = 1
		}
	}
	os.Exit(code)
}

// world is the door with a table in which a corp has a chain. Its clock is at
// noon until after says otherwise.
type world struct {
	*expiry
	tb    *dynamotest.Table
	chain network.Chain
	boss  network.Member
	clock time.Time
	links int
}

func setup(t *testing.T) *world {
	t.Helper()
	return setupOn(t, dynamotest.New(t))
}

func setupOn(t *testing.T, tb *dynamotest.Table) *world {
	t.Helper()
	w := &world{tb: tb, clock: noon}
	w.expiry = &expiry{store: store.New(w.tb.Client, w.tb.Name), now: func() time.Time { return w.clock }}
	w.boss = network.Member{Person: personKey.Person("+8613900000000"), Corp: ownerID, Name: "王老板", Phone: "+8613900000000"}
	corp, err := network.NewCorp(ownerID, "主公司", "", "", noon)
	must(t, err)
	corp, err = w.store.CreateCorp(t.Context(), corp, w.boss, store.Once{})
	must(t, err)
	w.chain, err = network.NewChain(chainID, "华东经销", corp, noon)
	must(t, err)
	w.chain, err = w.store.CreateChain(t.Context(), w.chain, corp, store.Once{})
	must(t, err)
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// link makes an invite at noon. Its id is the next of in0000000000000001….
func (w *world) link(t *testing.T, with func(*network.Invite)) string {
	t.Helper()
	w.links++
	i := network.Invite{ID: fmt.Sprintf("in%016d", w.links), Chain: chainID, Kind: "link", Group: network.RootGroup, Note: "展会",
		Maker: w.boss.Person, MakerCorp: ownerID, CreatedAt: noon, Version: 1}
	if with != nil {
		with(&i)
	}
	_, err := w.store.CreateInvite(t.Context(), w.chain, i, store.Once{})
	must(t, err)
	return i.ID
}

// roster imports n contacts at noon and notes that all of them were told.
func (w *world) roster(t *testing.T, n int) (tickets []network.Ticket) {
	t.Helper()
	ctx := t.Context()
	imp, err := w.store.CreateImport(ctx, network.Import{
		ID: importID, Chain: chainID, Maker: w.boss.Person, MakerCorp: ownerID, FileName: "名单.xlsx", Notify: true, State: network.ImportWaiting, CreatedAt: noon}, store.Once{})
	must(t, err)
	var rows []network.RosterRow
	for i := range n {
		r := network.RosterRow{Number: i + 2, Corp: fmt.Sprintf("公司%d", i), Contact: fmt.Sprintf("张%d", i), Phone: phone(i)}
		rows = append(rows, r)
		tickets = append(tickets, network.Ticket{Chain: chainID, Partner: network.RosterPartnerID(chainID, "", r.Corp), Person: personKey.Person(r.Phone), Version: 1})
	}
	storetest.Import(t, w.store, personKey, chainID, imp.ID, noon, rows...)
	must(t, w.store.TallyNotices(ctx, chainID, imp.ID, 0, network.Tally{Notified: n}, noon))
	return tickets
}

func phone(i int) string { return fmt.Sprintf("+86139000001%02d", i) }

// joins lets the i-th contact of the roster in, under a corp of their own.
func (w *world) joins(t *testing.T, k network.Ticket, i int) {
	t.Helper()
	p := network.Person{ID: personKey.Person(phone(i)), Name: "张", Phone: phone(i)}
	corp, err := network.NewCorp("", fmt.Sprintf("公司%d", i), "", "", noon)
	must(t, err)
	a, err := w.store.Join(t.Context(), k, p, store.Choice{New: &corp}, noon.Add(time.Hour))
	must(t, err)
	must(t, w.store.CountJoin(t.Context(), network.Event{ID: "joined." + a.Contact.MembershipID(), Kind: network.Joined, Chain: chainID,
		Import: a.Contact.Import, Chunk: a.Contact.Chunk, Partner: a.Partner.ID, Person: p.ID, First: true}))
}

// after is a sweep so long after noon.
func (w *world) after(t *testing.T, d time.Duration) Swept {
	t.Helper()
	w.clock = noon.Add(d)
	w.tb.Reset()
	s, err := w.sweep(t.Context())
	must(t, err)
	return s
}

// said is what stands in invites' and imports' outboxes, by the event's id.
func (w *world) said(t *testing.T) map[string]network.Event {
	t.Helper()
	all := map[string]network.Event{}
	for k, item := range w.tb.Items(t) {
		if s, ok := item["Outbox"].(string); ok && (strings.Contains(k, "#INVITES|") || strings.Contains(k, "#IMPORTS|")) {
			e, err := network.DecodeEvent(s)
			must(t, err)
			all[e.ID] = e
		}
	}
	return all
}

// filed is how many things wait for their end.
func (w *world) filed(t *testing.T) int {
	t.Helper()
	n := 0
	for _, item := range w.tb.Items(t) {
		if at, _ := item["DPK"].(string); strings.HasPrefix(at, "DUE#") {
			n++
		}
	}
	return n
}

func TestTheSchedulesEventSweeps(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.link(t, nil)
	w.clock = noon.Add(8 * day)
	payload, err := os.ReadFile("../../events/expiry/scheduled.json")
	must(t, err)
	out, err := lambda.NewHandler(w.sweep).Invoke(t.Context(), payload)
	must(t, err)
	var got Swept
	must(t, json.Unmarshal(out, &got))
	if got != (Swept{Looked: 1, Ended: 1}) || string(out) != `{"looked":1,"ended":1}` {
		t.Errorf("got %s, want one looked at and ended", out)
	}
}

func TestR12_WhatHasExpiredIsToldOnceAndWhatLivesIsLeft(t *testing.T) {
	t.Parallel()
	w := setupOn(t, dynamotest.NewStreaming(t))
	old := w.link(t, nil)
	short := w.link(t, func(i *network.Invite) { i.Own = time.Hour })
	young := w.link(t, func(i *network.Invite) { i.CreatedAt = noon.Add(2 * day) })
	w.roster(t, 3)
	if s := w.after(t, 7*day-time.Second); s != (Swept{1, 1}) {
		t.Errorf("got %+v a second before the end, want the short one alone", s)
	}
	if s := w.after(t, 7*day); s != (Swept{2, 2}) {
		t.Errorf("got %+v at the end, want the old link and the roster", s)
	}
	want := map[string]network.Event{
		"ended." + old:      {ID: "ended." + old, Kind: network.InviteEnded, Chain: chainID, Invite: old, Person: w.boss.Person, Corp: ownerID},
		"ended." + short:    {ID: "ended." + short, Kind: network.InviteEnded, Chain: chainID, Invite: short, Person: w.boss.Person, Corp: ownerID},
		"ended." + importID: {ID: "ended." + importID, Kind: network.RosterEnded, Chain: chainID, Import: importID, Person: w.boss.Person, Corp: ownerID, Count: 3},
	}
	if got := w.said(t); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range 2 {
		if s := w.after(t, 8*day); s != (Swept{}) {
			t.Errorf("got %+v, want nothing more", s)
		}
	}
	for what, n := range w.tb.Outboxes(t) {
		if strings.Contains(what, `"ended.`) && n != 1 {
			t.Errorf("said %d times: %s", n, what)
		}
	}
	i, err := w.store.Invite(t.Context(), chainID, young)
	must(t, err)
	if i.State(w.chain, w.clock) != network.InviteLive || w.filed(t) != 1 {
		t.Errorf("got %+v and %d filed, want the young one to live on", i, w.filed(t))
	}
}

func TestR33_WhoHasJoinedIsUntouchedAndNotCounted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tickets := w.roster(t, 3)
	w.joins(t, tickets[0], 0)
	people := func() map[string]map[string]any {
		all := w.tb.Items(t)
		maps.DeleteFunc(all, func(k string, _ map[string]any) bool { return strings.Contains(k, "#IMPORTS|") })
		return all
	}
	before := people()
	w.after(t, 8*day)
	if got := w.said(t)["ended."+importID].Count; got != 2 {
		t.Errorf("got %d who let it run out, want 2", got)
	}
	if after := people(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("got %v\nwant %v", after, before)
	}
}

func TestARosterThatAllHaveJoinedEndsInSilence(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for i, k := range w.roster(t, 2) {
		w.joins(t, k, i)
	}
	if s := w.after(t, 8*day); s != (Swept{Looked: 1}) || len(w.said(t)) != 0 || w.filed(t) != 0 {
		t.Errorf("got %+v and %v, want it taken off the list and nothing said", s, w.said(t))
	}
}

func TestWhatSomebodyHasEndedEndsInSilence(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.link(t, func(i *network.Invite) { i.MaxUses, i.Uses = 1, 1 })
	revoked := w.link(t, nil)
	_, err := w.store.RevokeInvite(t.Context(), chainID, revoked, noon)
	must(t, err)
	if s := w.after(t, 8*day); s != (Swept{Looked: 1}) || len(w.said(t)) != 0 || w.filed(t) != 0 {
		t.Errorf("got %+v, %v, %d filed, want nothing said of a link that was used up or revoked", s, w.said(t), w.filed(t))
	}
}

func TestR41_ADissolvedChainsInvitesEndInSilence(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.link(t, nil)
	w.roster(t, 2)
	must(t, w.store.DissolveChain(t.Context(), chainID, 0, noon))
	if s := w.after(t, 8*day); s != (Swept{Looked: 2}) || len(w.said(t)) != 0 || w.filed(t) != 0 {
		t.Errorf("got %+v, %v, %d filed, want silence", s, w.said(t), w.filed(t))
	}
}

func TestR12_WhatAPolicyHasStretchedIsFiledAnew(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.link(t, nil)
	w.link(t, func(i *network.Invite) { i.Own = 2 * day }) // its own life wins
	w.roster(t, 2)
	policy := network.ImportedOnly
	_, err := w.store.EditChain(t.Context(), w.chain, network.ChainEdit{JoinPolicy: &policy}, noon.Add(day))
	must(t, err)
	if s := w.after(t, 8*day); s != (Swept{Looked: 3, Ended: 1}) || len(w.said(t)) != 1 || w.filed(t) != 2 {
		t.Errorf("got %+v, %v, %d filed, want one ended and two filed anew", s, w.said(t), w.filed(t))
	}
	w.after(t, 9*day)
	if m := w.tb.Meter(); m.Requests != 4 {
		t.Errorf("got %+v, want those filed anew out of the way", m)
	}
	if s := w.after(t, 90*day); s != (Swept{Looked: 2, Ended: 2}) || len(w.said(t)) != 3 {
		t.Errorf("got %+v and %v, want both ended on the ninetieth day", s, w.said(t))
	}
}

func TestR34_ASweepFinishesADeletionThatBrokeOff(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	g, err := w.store.CreateGroup(ctx, chainID, network.Group{Name: "华北", Parent: network.RootGroup}, store.Once{})
	must(t, err)
	tickets := w.roster(t, 3)
	c, err := w.store.Chain(ctx, chainID)
	must(t, err)
	for _, k := range tickets {
		_, err := w.store.EditPartner(ctx, c, k.Partner, network.PartnerEdit{Group: &g.ID}, 0)
		must(t, err)
	}
	w.tb.Reset()
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n > 1 {
			return dynamotest.Before
		}
		return dynamotest.None
	}
	if err := w.store.DeleteGroup(ctx, chainID, g.ID, network.RootGroup, 0, nil); err == nil {
		t.Fatal("got none, want the error of what broke off")
	}
	w.tb.Break = nil
	for _, want := range []Swept{{Looked: 1, Ended: 1}, {}} {
		if got, err := w.sweep(ctx); err != nil || got != want {
			t.Errorf("got %v (%v), want %v", got, err, want)
		}
	}
	for _, k := range tickets {
		if p, err := w.store.Partner(ctx, chainID, k.Partner); err != nil || p.Group != network.RootGroup {
			t.Errorf("got group %d (%v), want the root", p.Group, err)
		}
	}
}

func TestNothingDueCostsFourReads(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 50 {
		w.link(t, nil)
	}
	w.after(t, day)
	if m := w.tb.Meter(); m.Requests != 4 || m.ByOp["Query"] != 4 || m.WriteUnits != 0 || m.ReadUnits > 4 {
		t.Errorf("got %+v, want four queries", m)
	}
}

func TestASweepCostsByWhatIsDueAndNotByWhatThereIs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for i := range 200 {
		w.link(t, func(k *network.Invite) {
			if i < 5 {
				k.Own = day
			}
		})
	}
	if s := w.after(t, 2*day); s != (Swept{5, 5}) {
		t.Errorf("got %+v, want five", s)
	}
	// Four queries, and for each a read of the invite with its chain and a
	// write: of the item, and out of the index.
	m := w.tb.Meter()
	if m.Requests != 4+5*2 || m.WriteUnits > 5*2 || m.ReadUnits > 8+5*4 {
		t.Errorf("got %+v", m)
	}
}

func TestMoreThanAPageIsDoneInOneSweep(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const n = 4*page + 60 // some shard has more than a page
	for range n {
		w.link(t, func(i *network.Invite) { i.Own = day })
	}
	if s := w.after(t, 2*day); s != (Swept{n, n}) || w.filed(t) != 0 {
		t.Errorf("got %+v and %d filed, want all %d ended", s, w.filed(t), n)
	}
}

func TestTwoSweepsAtOnceTellOnce(t *testing.T) {
	t.Parallel()
	w := setupOn(t, dynamotest.NewStreaming(t))
	for range 10 {
		w.link(t, nil)
	}
	w.roster(t, 2)
	w.clock = noon.Add(8 * day)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := w.sweep(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	told := 0
	for what, n := range w.tb.Outboxes(t) {
		if strings.Contains(what, `"ended.`) {
			told++
			if n != 1 {
				t.Errorf("said %d times: %s", n, what)
			}
		}
	}
	if told != 11 || w.filed(t) != 0 {
		t.Errorf("got %d told and %d filed, want 11 and none", told, w.filed(t))
	}
}

func TestWhatFailsIsLeftForTheNextSweepAndKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 5; n++ {
		for name, fault := range map[string]dynamotest.Fault{"before": dynamotest.Before, "after": dynamotest.After, "throttled": dynamotest.Throttle} {
			t.Run(fmt.Sprintf("write %d %s", n, name), func(t *testing.T) {
				t.Parallel()
				w := setup(t)
				for range 3 {
					w.link(t, nil)
				}
				policy := network.ImportedOnly
				_, err := w.store.EditChain(t.Context(), w.chain, network.ChainEdit{JoinPolicy: &policy}, noon.Add(7*day+time.Hour)) // too late for those
				must(t, err)
				w.link(t, func(i *network.Invite) { i.CreatedAt = noon.Add(time.Hour * 2) }) // stretched
				w.roster(t, 2)
				w.tb.Reset()
				w.tb.Break = func(op string, n2 int) dynamotest.Fault {
					if op == "UpdateItem" && n2 == n {
						return fault
					}
					return dynamotest.None
				}
				w.clock = noon.Add(8 * day)
				if _, err := w.sweep(t.Context()); err == nil {
					t.Error("got no error, want the schedule to try again")
				}
				if got := w.tb.Meter().ByOp["UpdateItem"]; got < 5 {
					t.Errorf("got %d writes, want the others done", got)
				}
				w.tb.Break = nil
				_, err = w.sweep(t.Context())
				must(t, err)
				if got := w.said(t); len(got) != 4 || w.filed(t) != 1 {
					t.Errorf("got %v and %d filed, want a clean sweep's end", got, w.filed(t))
				}
			})
		}
	}
}

func TestATableThatIsDownIsAnError(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.tb.Break = func(string, int) dynamotest.Fault { return dynamotest.Before }
	if _, err := w.sweep(t.Context()); err == nil {
		t.Error("got no error, want one")
	}
	w.tb.Break = nil
}

func TestASweepEndsBeforeItsTimeDoes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.link(t, nil)
	w.clock = noon.Add(8 * day)
	ctx, cancel := context.WithTimeout(t.Context(), margin/2)
	defer cancel()
	if s, err := w.sweep(ctx); err != nil || s != (Swept{}) {
		t.Errorf("got %+v %v, want what is due left for the next", s, err)
	}
	if s := w.after(t, 8*day); s != (Swept{1, 1}) {
		t.Errorf("got %+v, want it done then", s)
	}
}
