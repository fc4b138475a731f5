package store

import (
	"context"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// Opened notes that the recipient of a notice has seen its page (R32), once.
// It is said by who is signed in as that person, never by a look (R13):
// ErrBoundToAnother for anybody else. Who opens a link is nobody's contact by
// that, and nothing is noted. A notice that is dead by now is none to open.
func (s *Store) Opened(ctx context.Context, ticket network.Ticket, p network.Person, now time.Time) error {
	return wrap("opened", s.reply(ctx, ticket, p, now, opened))
}

// Decline notes that the recipient of a notice says no, once; who joins after
// all by the same notice hasn't. Who has joined leaves instead: ErrConflict.
func (s *Store) Decline(ctx context.Context, ticket network.Ticket, p network.Person, now time.Time) error {
	return wrap("decline", s.reply(ctx, ticket, p, now, declined))
}

func (s *Store) reply(ctx context.Context, ticket network.Ticket, p network.Person, now time.Time, said reply) error {
	look, err := s.Look(ctx, ticket, now)
	if err != nil {
		return err
	}
	switch {
	case ticket.IsNotice() && ticket.Person != p.ID:
		return network.ErrBoundToAnother.At("phone")
	case ticket.IsNotice() && look.Contact.HasJoined():
		if said == declined {
			return network.ErrConflict
		}
		return nil // who has joined has come past it (R32)
	case look.Err != nil:
		return look.Err
	case !ticket.IsNotice():
		return nil
	}
	return s.answers(ctx, contactKey(ticket.Person, ticket.Chain, ticket.Partner), said, now)
}

// Block notes that the person wants no more notices of the ticket's chain
// (R48), once.
func (s *Store) Block(ctx context.Context, ticket network.Ticket, p network.Person, _ time.Time) error {
	if ticket.IsNotice() && ticket.Person != p.ID {
		return network.ErrBoundToAnother.At("phone")
	}
	return s.block(ctx, ticket.Chain, p.ID)
}
