package store

import (
	"context"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// Removal is what goes when a partner is removed (R38), at the moment of asking.
type Removal struct {
	Partner network.Partner
	Joined  int  // people who lose their access
	Waiting int  // people who are still to join, whose notices die (R33)
	Made    int  // live invites that its people have made: they are revoked
	Bound   int  // live invites for its corp alone: they stay
	All     bool // all invites were looked at, else there may be more (MaxCounted)
}

// Removing says what would go with a partner, and changes nothing:
// ErrNotFound. A partner that no corp is bound to has no invites, and costs
// one read.
func (s *Store) Removing(ctx context.Context, c network.Chain, id string, now time.Time) (Removal, error) {
	p, err := s.Partner(ctx, c.ID, id)
	r := Removal{Partner: p, Joined: p.Joined, Waiting: p.Contacts - p.Joined, All: true}
	if err != nil || p.Corp == "" {
		return r, err
	}
	live := Sought{State: network.InviteLive, And: func(i network.Invite) bool { return i.MakerCorp == p.Corp || i.Corp == p.Corp }}
	r.All, err = s.eachInvite(ctx, live.search(c, now), func(i network.Invite) {
		if i.MakerCorp == p.Corp {
			r.Made++
		} else {
			r.Bound++
		}
	})
	return r, wrap("removing", err)
}
