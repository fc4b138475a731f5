package store

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// inviteItem is a link. Its id sorts by when it was made, so the chain's
// newest are a page read backwards. The due index has when it ends, by the
// policy of when it was filed: the sweep files it anew if the policy has
// stretched it since (R12).
type inviteItem struct {
	key
	DPK, DSK  string `dynamodbav:",omitempty"`
	Kind      string
	Group     int
	MaxUses   int `dynamodbav:",omitempty"`
	Uses      int
	Own       int64  `dynamodbav:",omitempty"` // seconds
	Phone     string `dynamodbav:",omitempty"`
	Corp      string `dynamodbav:",omitempty"`
	Note      string `dynamodbav:",omitempty"`
	Maker     string
	MakerName string
	MakerCorp string
	CreatedAt moment
	RevokedAt moment `dynamodbav:",omitempty"`
	Version   int
	Outbox    string `dynamodbav:",omitempty"`
}

func newInviteItem(i network.Invite, ends time.Time) inviteItem {
	due := dueList(i.Chain+"#"+i.ID, ends, i.CreatedAt)
	return inviteItem{
		inviteKey(i.Chain, i.ID), due.PK, due.SK, i.Kind, i.Group, i.MaxUses, i.Uses, int64(i.Own / time.Second), i.Phone, i.Corp, i.Note,
		i.Maker, i.MakerName, i.MakerCorp, at(i.CreatedAt), at(i.RevokedAt), i.Version, "",
	}
}

func (i inviteItem) invite(chain string) network.Invite {
	return network.Invite{
		ID: i.SK, Chain: chain, Kind: i.Kind, Group: i.Group, MaxUses: i.MaxUses, Uses: i.Uses, Own: time.Duration(i.Own) * time.Second,
		Phone: i.Phone, Corp: i.Corp, Note: i.Note, Maker: i.Maker, MakerName: i.MakerName, MakerCorp: i.MakerCorp,
		CreatedAt: i.CreatedAt.time(), RevokedAt: i.RevokedAt.time(), Version: i.Version,
	}
}

// CreateInvite adds an invite to a chain. Without an Idempotency-Key it is
// one write of one item.
func (s *Store) CreateInvite(ctx context.Context, c network.Chain, i network.Invite, once Once) (network.Invite, error) {
	if once.Key == "" {
		item, err := attributevalue.MarshalMap(newInviteItem(i, i.ExpiresAt(c)))
		if err != nil {
			return i, wrap("create invite", err)
		}
		_, err = s.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(PK)")})
		if _, made := errors.AsType[*types.ConditionalCheckFailedException](err); made {
			err = nil // by a try whose answer was lost: the id is 80 bits of time and chance
		}
		return i, wrap("create invite", err)
	}
	err := s.once(ctx, once, &i.ID, &i.CreatedAt, func() (*tx, error) {
		t := s.tx()
		t.put(newInviteItem(i, i.ExpiresAt(c)), "attribute_not_exists(PK)", nil)
		return t, nil
	}, nil)
	return i, wrap("create invite", err)
}

// Invite is the chain's invite of that id, or ErrNotFound.
func (s *Store) Invite(ctx context.Context, chain, id string) (network.Invite, error) {
	var it inviteItem
	found, err := s.get(ctx, inviteKey(chain, id), &it)
	if err != nil {
		return network.Invite{}, wrap("invite", err)
	}
	if !found {
		return network.Invite{}, network.ErrNotFound
	}
	return it.invite(chain), nil
}

// rounds is how many pages of a chain's invites one list looks through for
// those that are wanted, and inviteRound how many invites are in each but the
// first.
const (
	rounds      = 5
	inviteRound = 1000
)

// Invites lists a chain's invites that keep wants, newest first. The others
// don't show: a page is full unless it is the last, and its cursor is of the
// last invite that it shows. Only where thousands that aren't wanted lie
// between is a page short, with a cursor of one of those.
func (s *Store) Invites(ctx context.Context, chain, cursor string, limit int, keep func(network.Invite) bool) (page []network.Invite, next string, err error) {
	n := limit + 1
	for range rounds {
		found, more, err := s.invites(ctx, false, chain, cursor, n, keep)
		if err != nil {
			return nil, "", wrap("invites", err)
		}
		if page = append(page, found...); len(page) > limit {
			page = page[:limit]
			return page, encodeCursor(page[limit-1].ID), nil
		}
		if cursor = more; more == "" {
			break
		}
		n = inviteRound
	}
	return page, cursor, nil
}

// invites reads one page of at most limit, of which keep may want none.
func (s *Store) invites(ctx context.Context, consistent bool, chain, cursor string, limit int, keep func(network.Invite) bool) ([]network.Invite, string, error) {
	found, next, err := s.page(ctx, &dynamodb.QueryInput{ScanIndexForward: aws.Bool(false), ConsistentRead: &consistent}, inviteKey(chain, "").PK, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	var page []network.Invite
	for _, raw := range found {
		var it inviteItem
		if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
			return nil, "", err
		}
		if i := it.invite(chain); keep(i) {
			page = append(page, i)
		}
	}
	return page, next, nil
}

// RevokeInvite ends an invite: no join that hasn't been committed by then is
// any more (R16). Twice is once.
func (s *Store) RevokeInvite(ctx context.Context, chain, id string, now time.Time) (network.Invite, error) {
	err := s.revoke(ctx, chain, []string{id}, now)
	if err != nil {
		return network.Invite{}, wrap("revoke invite", err)
	}
	return s.Invite(ctx, chain, id)
}

// RevokeInvites ends those invites of a chain that which picks: their makers
// are no longer there to answer for them (R09, R38). It sees all that was
// committed before it began: asked once more when they are gone, it leaves none.
func (s *Store) RevokeInvites(ctx context.Context, chain string, which func(network.Invite) bool, now time.Time) error {
	cursor := ""
	for {
		page, next, err := s.invites(ctx, true, chain, cursor, inviteRound, func(i network.Invite) bool { return i.RevokedAt.IsZero() && which(i) })
		if err != nil {
			return wrap("revoke invites", err)
		}
		for len(page) > 0 {
			n := min(len(page), 80) // with the gates, below a transaction's 100
			var ids []string
			for _, i := range page[:n] {
				ids = append(ids, i.ID)
			}
			if err := s.revoke(ctx, chain, ids, now); err != nil {
				return wrap("revoke invites", err)
			}
			page = page[n:]
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

func (s *Store) revoke(ctx context.Context, chain string, ids []string, now time.Time) error {
	err := s.turn(ctx, chain, func(t *tx, _ *network.Chain) error {
		var keys []key
		for _, id := range ids {
			keys = append(keys, inviteKey(chain, id))
		}
		found, err := s.batchGet(ctx, true, keys...)
		if err != nil {
			return err
		}
		for _, k := range keys {
			var it inviteItem
			if ok, err := found.into(k, &it); err != nil {
				return err
			} else if !ok {
				return network.ErrNotFound
			}
			if it.RevokedAt == 0 {
				t.update(k, "SET RevokedAt = :now REMOVE DPK, DSK", "attribute_exists(PK)", nil, vals{"now": at(now)})
			}
		}
		if len(t.items) == 0 {
			return errSame
		}
		return nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return ignoreSame(err)
}

// LiveInvites reports whether the chain has a live invite that is wanted.
func (s *Store) LiveInvites(ctx context.Context, c network.Chain, now time.Time, wanted func(network.Invite) bool) (bool, error) {
	cursor := ""
	for {
		page, next, err := s.invites(ctx, true, c.ID, cursor, inviteRound, func(i network.Invite) bool {
			return wanted(i) && i.State(c, now) == network.InviteLive
		})
		if err != nil || len(page) > 0 || next == "" {
			return len(page) > 0, wrap("live invites", err)
		}
		cursor = next
	}
}
