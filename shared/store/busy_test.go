package store

import (
	"testing"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

func TestATableThatHasTooMuchToDoIsBusy(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.tb.Break = func(string, int) dynamotest.Fault { return dynamotest.Throttle }
	_, err := w.Chain(t.Context(), chainID)
	wants(t, "a read", err, network.ErrBusy)
	_, err = w.Tree(t.Context(), chainID)
	wants(t, "a query", err, network.ErrBusy)
	_, err = w.Me(t.Context(), w.boss.ID)
	wants(t, "who is asking", err, network.ErrBusy)
	wants(t, "a write", w.DissolveChain(t.Context(), chainID, 0, noon), network.ErrBusy)
}
