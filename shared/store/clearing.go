package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

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

// AndMoving are groups with those besides, already deleted, whose partners belong
// to them and are filed there still: who lists by group looks there too. They
// ascend as groups do; nil is all, and stays so. Nothing is read where no group
// was ever deleted.
func (s *Store) AndMoving(ctx context.Context, c network.Chain, groups []int) ([]int, error) {
	if groups == nil || len(c.Moved) == 0 {
		return groups, nil
	}
	all := slices.Clone(groups)
	err := s.queryAll(ctx, clearingKey(c.ID, 0).PK, "", true, func(raw map[string]types.AttributeValue) error {
		id, err := strconv.Atoi(keyOf(raw).SK)
		if err == nil && slices.Contains(groups, c.Landing(id)) {
			all = append(all, id)
		}
		return err
	})
	slices.Sort(all)
	return slices.Compact(all), wrap("groups", err)
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
