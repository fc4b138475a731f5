package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

// spends takes one notice out of the budget of person 7's phone.
func (w *world) spends(ctx context.Context, chain, dedup string, office bool, now time.Time) (again bool, err error) {
	b, err := w.Budgets(ctx, person(7).ID)
	if err != nil {
		return false, err
	}
	return w.Spend(ctx, b, person(7).ID, chain, dedup, office, now)
}

func TestR48_FiftyAtOnceAreThreeADayAndTheirRepeatsSpendNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stale, err := w.Budgets(t.Context(), person(7).ID) // all have read before any has written
	must(t, err)
	for round := range 2 {
		var granted sync.Map
		var n, refused atomic.Int32
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				id := fmt.Sprint("invited.", i)
				again, err := w.Spend(t.Context(), stale, person(7).ID, fmt.Sprint("ch", i), id, false, noon)
				switch {
				case err == nil:
					n.Add(1)
					granted.Store(id, again)
				case errors.Is(err, network.ErrOverBudget):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n.Load() != 3 || refused.Load() != 47 {
			t.Errorf("round %d: got %d sent and %d refused, want 3 and 47", round, n.Load(), refused.Load())
		}
		granted.Range(func(id, again any) bool {
			if again != (round == 1) {
				t.Errorf("round %d: %s taken before: got %v", round, id, again)
			}
			return true
		})
	}
}

func TestR48_ServiceNoticesHaveTheTenAndNotTheThree(t *testing.T) {
	t.Parallel()
	w := setup(t)
	count := func(office bool, from, n int, now time.Time) (sent int) {
		for i := range n {
			_, err := w.spends(t.Context(), chainID, fmt.Sprint(office, from+i), office, now)
			if err == nil {
				sent++
			} else if !errors.Is(err, network.ErrOverBudget) {
				t.Fatal(err)
			}
		}
		return sent
	}
	same(t, "of five to a recipient", count(false, 0, 5, noon), 3)
	same(t, "of twelve to a maker in the same minutes", count(true, 0, 12, noon.Add(time.Minute)), 7)
	same(t, "ten minutes after the first", count(true, 100, 12, noon.Add(10*time.Minute)), 3)
	same(t, "ten minutes later", count(true, 200, 12, noon.Add(20*time.Minute)), 10)
	same(t, "to a recipient within the day", count(false, 300, 5, noon.Add(23*time.Hour)), 0)
	same(t, "and when it is over", count(false, 400, 5, noon.Add(24*time.Hour)), 3)
}

func TestR48_WhoHasBlockedAChainHearsNothingMoreOfItAndOfOthersAsBefore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	stale, err := w.Budgets(ctx, person(7).ID)
	must(t, err)
	for range 2 {
		must(t, w.block(ctx, chainID, person(7).ID))
	}
	for who, want := range map[string]bool{person(7).ID: true, person(8).ID: false} {
		got, err := w.Blocked(ctx, chainID, who)
		must(t, err)
		same(t, who+" has blocked it", got, want)
	}
	_, err = w.Spend(ctx, stale, person(7).ID, chainID, "a", false, noon) // read before the block
	wants(t, "this chain's", err, network.ErrBlocked)
	_, err = w.spends(ctx, chainID, "b", true, noon)
	wants(t, "in office", err, network.ErrBlocked)
	again, err := w.spends(ctx, "ch0000000000000099", "c", false, noon)
	must(t, err)
	same(t, "another chain's", again, false)
	for k, it := range w.tb.Items(t) {
		if it["Told"] != nil && it["DeleteAt"] != nil {
			t.Errorf("%s: the broom would take the block", k)
		}
	}
}

// R49: what the broom has yet to take counts for nothing, and it takes nothing that counts.
func TestR49_TheBroomComesLongAfterTheRule(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, err := w.spends(t.Context(), chainID, "a", false, noon)
	must(t, err)
	for _, it := range w.tb.Items(t) {
		if it["Told"] != nil {
			same(t, "DeleteAt", it["DeleteAt"].(float64), float64(noon.Add(48*time.Hour).Unix()))
		}
	}
}

// Fails closed: whatever becomes of the write, either nobody is told or it is
// spent; and the next try comes to the end of a clean run.
func TestR48_WhatIsLostOrThrottledSendsNothingAndSpendsOnce(t *testing.T) {
	t.Parallel()
	for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Conflict} {
		for _, op := range []string{"UpdateItem", "BatchGetItem"} {
			t.Run(fmt.Sprintf("%s %d", op, fault), func(t *testing.T) {
				t.Parallel()
				w := setup(t)
				w.tb.Reset()
				w.tb.Break = func(o string, n int) dynamotest.Fault {
					if o == op && n == 1 {
						return fault
					}
					return dynamotest.None
				}
				_, err := w.spends(t.Context(), chainID, "a", false, noon)
				if retried := op == "UpdateItem" && fault == dynamotest.Conflict; (err == nil) != retried {
					t.Errorf("got %v", err)
				}
				w.tb.Break = nil
				_, err = w.spends(t.Context(), chainID, "a", false, noon)
				must(t, err)
				b, err := w.Budgets(t.Context(), person(7).ID)
				must(t, err)
				same(t, "spent", len(b[person(7).ID].Told), 1)
			})
		}
	}
}

// R48 is a cost of the notice, and none of the roster's row.
func TestBudgetOfTheNoticesOfAChunk(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	var people []string
	for n := range ChunkRows {
		people = append(people, person(n).ID)
	}
	for round, want := range []struct {
		requests      int
		reads, writes float64
	}{{ChunkRows + 5, ChunkRows / 2, ChunkRows}, {5, ChunkRows / 2, 0}} {
		w.tb.Reset()
		b, err := w.Budgets(ctx, people...)
		must(t, err)
		for _, p := range people {
			_, err := w.Spend(ctx, b, p, chainID, "invited."+p, false, noon)
			must(t, err)
		}
		w.costs(t, fmt.Sprint("the budgets of 500 notices, time ", round+1), want.requests, want.reads, want.writes)
	}
}
