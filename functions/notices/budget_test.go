package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// samePhone are rows of n partners that all name one phone (R24).
func samePhone(n int) (rows []network.RosterRow) {
	for i := range n {
		r := row(i)
		r.Phone = row(1).Phone
		rows = append(rows, r)
	}
	return rows
}

func TestR48_FiftyDeliveriesAtOnceTellAPhoneThreeTimesAndTheRestIsCounted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tickets := w.roster(t, samePhone(6)...)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { w.well(t, event(t, "chunk.json")) })
	}
	wg.Wait()
	w.well(t, event(t, "chunk.json"))
	if got := len(w.gateway.delivered()); got != network.NoticesADay {
		t.Errorf("got %d notices delivered, want %d", got, network.NoticesADay)
	}
	asked := map[string]bool{}
	for _, n := range w.gateway.sent {
		asked[n.DedupID] = true
	}
	if len(asked) != network.NoticesADay {
		t.Errorf("the gateway was asked for %d notices, want %d: it is no judge of budgets", len(asked), network.NoticesADay)
	}
	if ta := w.tally(t); ta.Notified != 6 || ta.Undeliverable != 3 || ta.OverBudget != 3 || ta.Blocked != 0 {
		t.Errorf("got %+v, want six tried, three over the budget", ta)
	}
	if s := w.states(t, tickets); s[network.ContactUndeliverable] != 3 || s[network.ContactNotified] != 3 {
		t.Errorf("got %v", s)
	}
}

// The day is any 24 hours: so no day of any calendar has more than three.
func TestR48_TheDayAfterThereAreThreeMore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	phone := to{personKey.Person("+8613900000009"), "+8613900000009", false}
	clock := noon
	w.now = func() time.Time { return clock }
	for _, tc := range []struct {
		after time.Duration
		want  int
	}{{0, 3}, {13 * time.Hour, 3}, {24*time.Hour - time.Second, 3}, {24 * time.Hour, 6}} {
		clock = noon.Add(tc.after)
		for i := range 5 {
			must(t, w.tell(t.Context(), say("招呼"), phone, chainID, fmt.Sprint(tc.after, i)))
		}
		if got := len(w.gateway.delivered()); got != tc.want {
			t.Errorf("after %s: got %d in all, want %d", tc.after, got, tc.want)
		}
	}
}

func TestR48_WhoHasBlockedTheChainIsToldNothingAndCountedSo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tickets := w.roster(t, row(1), row(2))
	must(t, w.store.Block(t.Context(), tickets[0], network.Person{ID: tickets[0].Person, Phone: row(1).Phone}, noon))
	for range 2 {
		w.well(t, event(t, "chunk.json"))
	}
	for _, n := range w.gateway.delivered() {
		if n.To == row(1).Phone {
			t.Errorf("got a notice to who has blocked the chain")
		}
	}
	if ta := w.tally(t); ta.Notified != 2 || ta.Undeliverable != 1 || ta.Blocked != 1 || ta.OverBudget != 0 {
		t.Errorf("got %+v, want one told and one blocked", ta)
	}
	w.joins(t, tickets[0], row(1).Phone) // they come all the same, by the token that they had
	w.well(t, event(t, "joined.json"))
	if ta := w.tally(t); ta.Joined != 1 || ta.Undeliverable != 0 || ta.Blocked != 0 {
		t.Errorf("got %+v, want them joined and no more undeliverable", ta)
	}
}

// A block that comes between a notice and its repeat doesn't make it untold.
func TestR48_ABlockBetweenTwoDeliveriesStopsTheRepeatAndNotTheCount(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tickets := w.roster(t, row(1), row(2))
	w.gateway.answer = func(n sent) int {
		if n.To == row(2).Phone {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
	if failed := w.hears(t, event(t, "chunk.json")); len(failed) != 1 {
		t.Fatal("want the message back")
	}
	must(t, w.store.Block(t.Context(), tickets[0], network.Person{ID: tickets[0].Person}, noon))
	w.gateway.answer = nil
	before := len(w.gateway.sent)
	w.well(t, event(t, "chunk.json"))
	for _, n := range w.gateway.sent[before:] {
		if n.To == row(1).Phone {
			t.Error("got a notice after the block")
		}
	}
	if ta := w.tally(t); ta.Notified != 2 || ta.Undeliverable != 0 {
		t.Errorf("got %+v, want both told", ta)
	}
}

// The gateway takes it and its answer is lost, or it is down for a while:
// each delivery asks for the same three, and no other takes a place of theirs.
func TestR48_ARepeatSpendsNothingWhateverTheGatewayAnswers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, samePhone(5)...)
	w.gateway.answer = func(sent) int { return http.StatusBadGateway }
	asked := map[string]bool{}
	for try := 1; try <= 3; try++ {
		if failed := w.hears(t, receive(event(t, "chunk.json"), try)); len(failed) != 1 {
			t.Errorf("try %d: want the message back", try)
		}
	}
	w.gateway.answer = nil
	w.well(t, receive(event(t, "chunk.json"), 4))
	for _, n := range w.gateway.sent {
		asked[n.DedupID] = true
	}
	if len(asked) != 3 || len(w.gateway.delivered()) != 3 {
		t.Errorf("got %d asked for and %d delivered, want three", len(asked), len(w.gateway.delivered()))
	}
	if ta := w.tally(t); ta.Notified != 5 || ta.OverBudget != 2 || ta.Undeliverable != 2 {
		t.Errorf("got %+v", ta)
	}
}

// Fails closed: nobody is told when the budget can't be had.
func TestR48_ATableThatCannotAnswerTellsNobody(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"UpdateItem", "BatchGetItem"} {
		for name, fault := range map[string]dynamotest.Fault{"lost": dynamotest.Before, "throttled": dynamotest.Throttle} {
			t.Run(op+" "+name, func(t *testing.T) {
				t.Parallel()
				w := setup(t)
				w.roster(t, row(1), row(2))
				w.tb.Break = func(o string, n int) dynamotest.Fault {
					if o == op {
						return fault
					}
					return dynamotest.None
				}
				if failed := w.hears(t, event(t, "chunk.json")); !slices.Equal(failed, []int{1}) || w.gateway.requests() != 0 {
					t.Errorf("got %v failed and %d requests, want the message back and nobody told", failed, w.gateway.requests())
				}
				w.tb.Break = nil
				w.well(t, event(t, "chunk.json"))
				if ta := w.tally(t); ta.Notified != 2 || ta.Undeliverable != 0 || len(w.gateway.delivered()) != 2 {
					t.Errorf("got %+v, want a clean run's end", ta)
				}
			})
		}
	}
}

// Makers and admins hear of their business beyond the three, and no more than
// ten in ten minutes.
func TestR48_WhatAMakerHearsIsBoundByTheRushAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, err := w.store.CreateImport(t.Context(), network.Import{
		ID: importID, Chain: chainID, Maker: w.boss.Person, MakerCorp: ownerID, FileName: "名单.xlsx", State: network.ImportWaiting, CreatedAt: noon}, store.Once{})
	must(t, err)
	for i := range 14 {
		w.well(t, says(network.Event{ID: fmt.Sprint("failed.", i), Kind: network.RosterFailed, Chain: chainID, Import: importID, Person: w.boss.Person, Corp: ownerID}))
	}
	if got := w.gateway.requests(); got != network.NoticesARush {
		t.Errorf("got %d notices, want %d", got, network.NoticesARush)
	}
}

// What a chunk's notices cost beyond its people's items: half a read unit and
// one write unit each. They belong to the notice, and not to the roster's row.
func TestR48_ANoticeCostsOneWriteUnitAndAChunkFiveReads(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var rows []network.RosterRow
	for i := range 200 {
		rows = append(rows, network.RosterRow{Number: i + 2, Corp: fmt.Sprint("公司", i), Contact: "张", Phone: fmt.Sprintf("+86139%08d", i)})
	}
	w.roster(t, rows...)
	w.well(t, event(t, "chunk.json"))
	m := w.tb.Meter()
	t.Logf("200 notices: %+v", m)
	if m.WriteUnits > 200+2 || m.ByOp["BatchGetItem"] > 1+5+2 || m.ByOp["GetItem"] > 2 {
		t.Errorf("got %+v, want a write a notice and the reads in batches", m)
	}
}
