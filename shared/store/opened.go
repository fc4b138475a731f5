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
	return wrap("opened", s.reply(ctx, ticket, p, now, "OpenedAt", network.Opened))
}

// Decline notes that the recipient of a notice says no, once; who joins after
// all by the same notice hasn't. Who has joined leaves instead: ErrConflict.
func (s *Store) Decline(ctx context.Context, ticket network.Ticket, p network.Person, now time.Time) error {
	return wrap("decline", s.reply(ctx, ticket, p, now, "DeclinedAt", network.Declined))
}

func (s *Store) reply(ctx context.Context, ticket network.Ticket, p network.Person, now time.Time, what string, kind network.EventKind) error {
	look, err := s.look(ctx, true, ticket, now)
	if err != nil {
		return err
	}
	k := look.Contact
	switch {
	case ticket.IsNotice() && ticket.Person != p.ID:
		return network.ErrBoundToAnother
	case ticket.IsNotice() && k.HasJoined():
		if kind == network.Declined {
			return network.ErrConflict
		}
		return nil // who has joined has come past it (R32)
	case look.Err != nil:
		return look.Err
	case !ticket.IsNotice(), kind == network.Opened && !k.OpenedAt.IsZero(), kind == network.Declined && !k.DeclinedAt.IsZero():
		return nil
	}
	e := network.Event{
		ID: string(kind) + "." + k.Chain + "." + k.Partner + "." + k.Person, Kind: kind, Chain: k.Chain, Import: k.Import, Chunk: k.Chunk,
		Partner: k.Partner, Person: k.Person,
	}
	met, err := s.update(ctx, contactKey(k.Person, k.Chain, k.Partner), "SET "+what+" = :now, Outbox = :o, Edition = Edition + :one",
		"attribute_not_exists("+what+") AND attribute_not_exists(JoinedAt) AND Edition = :e", nil,
		vals{"now": at(now), "o": e.Encode(), "one": 1, "e": k.Edition})
	if err == nil && !met {
		return s.reply(ctx, ticket, p, now, what, kind) // by somebody, meanwhile
	}
	return err
}

type blockItem struct {
	key
	At moment
}

// Block notes that the person wants no more notices of the ticket's chain
// (R48), once.
func (s *Store) Block(ctx context.Context, ticket network.Ticket, p network.Person, now time.Time) error {
	if ticket.IsNotice() && ticket.Person != p.ID {
		return network.ErrBoundToAnother
	}
	err := s.updateOnce(ctx, blockKey(p.ID, ticket.Chain), "SET #at = :now", "attribute_not_exists(PK)", map[string]string{"#at": "At"}, vals{"now": at(now)})
	return wrap("block", err)
}

// Blocked reports whether the person wants no notices of the chain (R48).
func (s *Store) Blocked(ctx context.Context, chain, person string) (bool, error) {
	found, err := s.get(ctx, blockKey(person, chain), &blockItem{})
	return found, wrap("blocked", err)
}
