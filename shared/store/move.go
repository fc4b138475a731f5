package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// Moving is what became of one partner that was to be moved.
type Moving string

const (
	Moved        Moving = "moved"
	MoveNeedless Moving = "unchanged" // it stands there already
	MoveNowhere  Moving = "not_found"
	MoveConflict Moving = "conflict" // others were at it: ask again
)

const (
	// moveBatch is how many partners one transaction moves: with the group and
	// the note of it, below its 100.
	moveBatch = 90
	// moveFor is for how long one call begins batches: the last one may take two
	// seconds more, of a door's ten.
	moveFor = 6 * time.Second
)

// MovePartners files up to a thousand partners under a group, and says of each
// what became of it, in the order of ids; once more is no change.
// ErrGroupNotFound, with nothing moved, if there is no such group. It goes in batches,
// each with one entry in the audit list that names them all, one after the
// other: the list has one end, at which they would only meet.
func (s *Store) MovePartners(ctx context.Context, c network.Chain, ids []string, group int) ([]Moving, error) {
	if _, err := s.Group(ctx, c.ID, group); err != nil {
		return nil, wrap("move partners", err)
	}
	all := slices.Clone(ids)
	slices.Sort(all)
	became := map[string]Moving{}
	began, gone := time.Now(), false
	for batch := range slices.Chunk(slices.Compact(all), moveBatch) {
		if gone || time.Since(began) > moveFor {
			break
		}
		did, err := s.moveBatch(ctx, c, batch, group)
		switch {
		case errors.Is(err, network.ErrGroupNotFound): // deleted meanwhile: who was moved follows it
			gone = true
			continue
		case errors.Is(err, network.ErrBusy):
			continue
		case err != nil:
			return nil, wrap("move partners", err)
		}
		for id, m := range did {
			became[id] = m
		}
	}
	if gone && len(became) == 0 {
		return nil, network.ErrGroupNotFound
	}
	out := make([]Moving, len(ids))
	for i, id := range ids {
		out[i] = MoveConflict
		if m, ok := became[id]; ok {
			out[i] = m
		}
	}
	return out, nil
}

// moveBatch moves them in one transaction, or none of them.
func (s *Store) moveBatch(ctx context.Context, c network.Chain, ids []string, group int) (became map[string]Moving, err error) {
	keys := make([]key, len(ids))
	for i, id := range ids {
		keys[i] = partnerKey(c.ID, id)
	}
	err = s.commit(ctx, func() (*tx, error) {
		found, err := s.batchGet(ctx, true, keys...)
		if err != nil {
			return nil, err
		}
		became = make(map[string]Moving, len(ids))
		t := s.tx()
		t.check(groupKey(c.ID, group), "attribute_exists(PK)", nil)
		note := changeItem{What: "partners_moved", Target: &Target{Kind: "partners"}, After: Fields{"group_id": group}}
		were := Fields{}
		for i, id := range ids {
			var it partnerItem
			ok, err := found.into(keys[i], &it)
			if err != nil {
				return nil, err
			}
			switch {
			case !ok || it.Alias != "" || it.Card.State == network.PartnerRemoved:
				became[id] = MoveNowhere
			case it.Card.Group == group:
				became[id] = MoveNeedless
			default:
				became[id] = Moved
				p := it.partner(c.ID)
				were[id] = p.Group
				p.Group = group
				s.refilePartner(t, p, it)
				note.Partners = append(note.Partners, changed(p, p)...)
			}
		}
		if len(were) == 0 {
			return nil, nil
		}
		note.Before = Fields{"group_ids": map[string]any(were)}
		slices.Sort(note.Partners)
		note.Partners = slices.Compact(note.Partners)
		return t, s.logChange(ctx, t, c.ID, note)
	}, func(i int, _ map[string]types.AttributeValue) error {
		if i == 0 {
			return network.ErrGroupNotFound
		}
		return nil // a partner has changed meanwhile, or the audit list: read again
	})
	return became, err
}
