package store

import (
	"fmt"
	"testing"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

// settleAll is a sweep.
func (w *world) settleAll(t *testing.T) (looked int) {
	t.Helper()
	var page DuePage
	for {
		due, err := w.Due(t.Context(), noon, 100, &page)
		must(t, err)
		if len(due) == 0 {
			return looked
		}
		for _, d := range due {
			looked++
			_, err := w.Settle(t.Context(), d, noon)
			must(t, err)
		}
	}
}

// R34: whatever ends the call that deletes a group, the sweep finishes it.
func TestR34_WhatADeletionLeavesTheSweepMoves(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault dynamotest.Fault
		after int // transactions that succeed
		fails bool
	}{
		"killed at once":          {dynamotest.Before, 1, true},
		"killed half-way":         {dynamotest.Before, 12, true},
		"its answer lost":         {dynamotest.After, 12, true},
		"others hold the partner": {dynamotest.Conflict, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			ctx := t.Context()
			north, south := w.group(t, "North", 1), w.group(t, "South", 1)
			var all []network.RosterRow
			for i := range 30 {
				all = append(all, row(100+i, fmt.Sprint("Dealer ", i), "North"))
			}
			w.importRows(t, 1, all)
			w.tb.Reset()
			w.tb.Break = func(op string, n int) dynamotest.Fault {
				if op == "TransactWriteItems" && n > tt.after {
					return tt.fault
				}
				return dynamotest.None
			}
			if err := w.DeleteGroup(ctx, chainID, north, south, 0, none); (err != nil) != tt.fails {
				t.Errorf("got %v, want an error: %v", err, tt.fails)
			}
			w.tb.Break = nil
			// Until then who lists by group finds them where they are filed still.
			among, err := w.AndMoving(ctx, w.chainNow(t), []int{south})
			must(t, err)
			listed := 0
			for _, g := range among {
				page, _, err := w.Partners(ctx, chainID, PartnerQuery{Group: g, State: network.PartnerPending, Limit: 100})
				must(t, err)
				listed += len(page)
			}
			same(t, "listed meanwhile", []any{among, listed}, []any{[]int{north, south}, len(all)})
			if got := w.settleAll(t); got != 1 {
				t.Errorf("the sweep looked at %d, want the group", got)
			}
			for _, r := range all {
				same(t, r.Corp, w.partnerNow(t, noticeOf(r).Partner).Group, south)
			}
			among, err = w.AndMoving(ctx, w.chainNow(t), []int{south})
			must(t, err)
			same(t, "no more than the group", among, []int{south})
			page, _, err := w.Partners(ctx, chainID, PartnerQuery{Group: south, State: network.PartnerPending, Limit: 100})
			must(t, err)
			same(t, "filed anew", len(page), len(all))
			same(t, "left to do", w.settleAll(t), 0)
		})
	}
}

func TestADeletionThatIsDoneLeavesTheSweepNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	north, south := w.group(t, "North", 1), w.group(t, "South", 1)
	w.importRows(t, 1, []network.RosterRow{row(1, "One", "North")})
	must(t, w.DeleteGroup(t.Context(), chainID, north, south, 0, none))
	same(t, "left to do", w.settleAll(t), 0)
	same(t, "where it is", w.partnerNow(t, noticeOf(row(1, "One")).Partner).Group, south)
}

// A chain's data goes some day; a note that it leaves is no work for ever.
func TestANoteOfAChainThatThereIsntIsTakenAway(t *testing.T) {
	t.Parallel()
	w := setup(t)
	s := w.tx()
	s.put(newClearingItem("ch0000000000000009", 2), "", nil)
	_, _, err := s.send(t.Context())
	must(t, err)
	same(t, "looked at", w.settleAll(t), 1)
	same(t, "left to do", w.settleAll(t), 0)
}
