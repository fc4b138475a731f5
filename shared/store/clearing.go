package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// clearingItem has the sweep finish what the deletion of a group leaves.
type clearingItem struct {
	key
	DPK, DSK string
}

// newClearingItem is due at once, by any clock: before all that time ends.
func newClearingItem(chain string, group int) clearingItem {
	begin := time.Unix(0, 0)
	due := dueList(chain+"#"+strconv.Itoa(group), begin, begin)
	return clearingItem{clearingKey(chain, group), due.PK, due.SK}
}

// settleGroup files anew whom the deletion of a group has left there; who is
// left this time too is the next sweep's.
func (s *Store) settleGroup(ctx context.Context, chain string, id int) (done bool, err error) {
	until := time.Now().Add(sweepFor)
	if end, limited := ctx.Deadline(); limited && end.Add(-clearFor).Before(until) {
		until = end.Add(-clearFor)
	}
	done, err = s.clearGroup(ctx, chain, id, until)
	if !done && !errors.Is(err, network.ErrNotFound) { // of a chain that there isn't
		return false, err
	}
	return true, s.removeClearing(ctx, chain, id)
}

func (s *Store) removeClearing(ctx context.Context, chain string, group int) error {
	t := s.tx()
	t.remove(clearingKey(chain, group), "", nil)
	_, err := s.sendOnly(ctx, t)
	return err
}
