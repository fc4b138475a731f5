package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	ResentAt  moment `dynamodbav:",omitempty"`
	RevokedAt moment `dynamodbav:",omitempty"`
	Orphaned  bool   `dynamodbav:",omitempty"`
	Version   int

	MakerPartner string `dynamodbav:",omitempty"`
	Astray       bool   `dynamodbav:",omitempty"`
	Outbox       string `dynamodbav:",omitempty"`
}

func newInviteItem(i network.Invite, ends time.Time) inviteItem {
	due := dueList(i.Chain+"#"+i.ID, ends, i.Since())
	return inviteItem{
		inviteKey(i.Chain, i.ID), due.PK, due.SK, i.Kind, i.Group, i.MaxUses, i.Uses, int64(i.Own / time.Second), i.Phone, i.Corp, i.Note,
		i.Maker, i.MakerName, i.MakerCorp, at(i.CreatedAt), at(i.ResentAt), at(i.RevokedAt), i.Orphaned, i.Version, i.MakerPartner, i.Astray, "",
	}
}

func (i inviteItem) invite(chain string) network.Invite {
	return network.Invite{
		ID: i.SK, Chain: chain, Kind: i.Kind, Group: i.Group, MaxUses: i.MaxUses, Uses: i.Uses, Own: time.Duration(i.Own) * time.Second,
		Phone: i.Phone, Corp: i.Corp, Note: i.Note, Maker: i.Maker, MakerName: i.MakerName, MakerCorp: i.MakerCorp,
		CreatedAt: i.CreatedAt.time(), ResentAt: i.ResentAt.time(), RevokedAt: i.RevokedAt.time(), Orphaned: i.Orphaned, Version: i.Version,
		MakerPartner: i.MakerPartner, Astray: i.Astray,
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
// those that are wanted, each four times the one before, and inviteRound how many
// invites are in one at most: four thousand in all.
const (
	rounds      = 6
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
		n = min(4*n, inviteRound)
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
// any more (R16). Twice is once. What was revoked because its maker went can be
// adopted no more (R09).
func (s *Store) RevokeInvite(ctx context.Context, chain, id string, now time.Time) (network.Invite, error) {
	all := func(network.Invite) bool { return true }
	_, err := s.revoke(ctx, chain, []string{id}, all, false, now)
	if err != nil {
		return network.Invite{}, wrap("revoke invite", err)
	}
	return s.Invite(ctx, chain, id)
}

// RevokeInvites ends those invites of a chain that which picks: their makers
// are no longer there to answer for them (R09, R38), and an admin may adopt
// them. It sees all that was committed before it began: asked once more when
// they are gone, it leaves none.
func (s *Store) RevokeInvites(ctx context.Context, chain string, which func(network.Invite) bool, now time.Time) error {
	_, _, err := s.revokeWhich(ctx, chain, which, true, -1, now)
	return wrap("revoke invites", err)
}

// MaxRevoked is how many invites one call revokes, about: fifty transactions, a
// few seconds of a door's ten.
const MaxRevoked = 4_000

// RevokeMany ends those invites of a chain that which picks, by somebody's wish
// (R19), and says how many it did. more is whether it has left some, after
// MaxRevoked: asked again it goes on.
func (s *Store) RevokeMany(ctx context.Context, chain string, which func(network.Invite) bool, now time.Time) (revoked int, more bool, err error) {
	revoked, more, err = s.revokeWhich(ctx, chain, which, false, MaxRevoked, now)
	return revoked, more, wrap("revoke many", err)
}

// revokeWhich revokes up to about most invites, all of them for -1.
func (s *Store) revokeWhich(ctx context.Context, chain string, which func(network.Invite) bool, orphaned bool, most int, now time.Time) (revoked int, more bool, err error) {
	cursor := ""
	for {
		page, next, err := s.invites(ctx, true, chain, cursor, inviteRound, func(i network.Invite) bool { return i.RevokedAt.IsZero() && which(i) })
		if err != nil {
			return revoked, false, err
		}
		for len(page) > 0 {
			if most >= 0 && revoked >= most {
				return revoked, true, nil
			}
			n := min(len(page), 80) // with the gates, below a transaction's 100
			var ids []string
			for _, i := range page[:n] {
				ids = append(ids, i.ID)
			}
			done, err := s.revoke(ctx, chain, ids, which, orphaned, now)
			if err != nil {
				return revoked, false, err
			}
			revoked += done
			page = page[n:]
		}
		if cursor = next; cursor == "" {
			return revoked, false, nil
		}
	}
}

func (s *Store) revoke(ctx context.Context, chain string, ids []string, which func(network.Invite) bool, orphaned bool, now time.Time) (revoked int, err error) {
	err = s.turn(ctx, chain, func(t *tx, _ *network.Chain) error {
		var keys []key
		for _, id := range ids {
			keys = append(keys, inviteKey(chain, id))
		}
		found, err := s.batchGet(ctx, true, keys...)
		if err != nil {
			return err
		}
		revoked = 0
		for _, k := range keys {
			var it inviteItem
			if ok, err := found.into(k, &it); err != nil {
				return err
			} else if !ok {
				return network.ErrNotFound
			}
			switch {
			case !which(it.invite(chain)): // has been adopted meanwhile, say
			case it.RevokedAt == 0 && orphaned:
				t.update(k, "SET RevokedAt = :now, Orphaned = :yes REMOVE DPK, DSK", "Maker = :maker", nil, vals{"now": at(now), "yes": true, "maker": it.Maker})
				revoked++
			case it.RevokedAt == 0:
				t.update(k, "SET RevokedAt = :now REMOVE DPK, DSK", "attribute_exists(PK)", nil, vals{"now": at(now)})
				revoked++
			case it.Orphaned && !orphaned:
				t.update(k, "REMOVE Orphaned", "attribute_exists(PK)", nil, nil)
			}
		}
		if len(t.items) == 0 {
			return errSame
		}
		return nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return revoked, ignoreSame(err)
}

// Resend gives an invite a new token and its full life anew (R17): whoever
// comes by the old one is refused from this write on, by the gates too, since
// the join by an unlimited link states nothing of the link itself. person is
// whom it is bound to, "" for nobody: if they have joined by it there is nothing
// to resend. ErrInviteEnded is for that and the rest that Invite.Resend says.
func (s *Store) Resend(ctx context.Context, chain, id, person string, now time.Time) (network.Invite, error) {
	var out network.Invite
	err := s.turn(ctx, chain, func(t *tx, c *network.Chain) error {
		i, err := s.Invite(ctx, chain, id)
		if err != nil {
			return err
		}
		joined := false
		if person != "" {
			_, contacts, err := s.person(ctx, person)
			if err != nil {
				return err
			}
			joined = slices.ContainsFunc(contacts, func(k network.Contact) bool { return k.Chain == chain && k.Invite == id && k.HasJoined() })
		}
		was := i.Version
		if i, err = i.Resend(joined, now); err != nil {
			return err
		}
		due := dueList(chain+"#"+id, i.ExpiresAt(*c), now)
		t.update(inviteKey(chain, id), "SET Version = :v, ResentAt = :now, DPK = :dpk, DSK = :dsk", "Version = :was AND attribute_not_exists(RevokedAt)", nil,
			vals{"v": i.Version, "now": at(i.ResentAt), "dpk": due.PK, "dsk": due.SK, "was": was})
		out = i
		return nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return out, wrap("resend", err)
}

// Adopt makes an invite the actor's own (R09): one that lives, or that was
// revoked because its maker went; else ErrInviteEnded. No gate turns: who is let
// in was to be let in before.
func (s *Store) Adopt(ctx context.Context, a network.Actor, id, name string, now time.Time) (network.Invite, error) {
	var out network.Invite
	err := s.commit(ctx, func() (*tx, error) {
		i, err := s.Invite(ctx, a.Chain.ID, id)
		if err != nil {
			return nil, err
		}
		was := i
		if out, err = i.Adopt(a, name, now); err != nil || out == was {
			return nil, err
		}
		due := dueList(a.Chain.ID+"#"+id, out.ExpiresAt(a.Chain), now)
		cond, v := "attribute_not_exists(RevokedAt)", vals{"was": was.Maker, "v": was.Version}
		if was.Orphaned {
			cond, v["yes"] = "Orphaned = :yes", true
		}
		v["maker"], v["name"], v["corp"], v["dpk"], v["dsk"] = out.Maker, out.MakerName, out.MakerCorp, due.PK, due.SK
		said := ""
		if out.Maker != was.Maker {
			v["o"] = network.Event{
				ID: fmt.Sprintf("adopted.%s.%d", id, now.UnixMilli()), Kind: network.InviteAdopted, Chain: a.Chain.ID, Invite: id, Person: was.Maker, Corp: was.MakerCorp,
			}.Encode()
			said = ", Outbox = :o"
		}
		t := s.tx()
		// Still in the chain as they were: who is taken out meanwhile adopts nothing.
		t.check(memberKey(a.Person.ID, a.Corp.ID), "attribute_exists(PK)", nil)
		t.update(inviteKey(a.Chain.ID, id), "SET Maker = :maker, MakerName = :name, MakerCorp = :corp, DPK = :dpk, DSK = :dsk"+said+" REMOVE RevokedAt, Orphaned, MakerPartner",
			cond+" AND Maker = :was AND Version = :v", nil, v)
		return t, nil
	}, func(i int, _ map[string]types.AttributeValue) error {
		if i == 0 {
			return network.ErrDenied
		}
		return nil
	})
	return out, wrap("adopt", err)
}

// astray reports whether the maker of an invite, one of a partner's people, sees
// the group no more that it is for (R08): their partner has been moved since. The
// owner's people see all groups.
func (s *Store) astray(ctx context.Context, c network.Chain, i network.Invite) (bool, error) {
	if i.MakerPartner == "" || c.Landing(i.Group) == network.RootGroup {
		return false, nil
	}
	p, err := s.Partner(ctx, c.ID, i.MakerPartner)
	if errors.Is(err, network.ErrNotFound) {
		return true, nil // has gone
	}
	return c.Landing(p.Group) != c.Landing(i.Group), err
}

// strayed notes that somebody has come by an invite that is astray (R08), and that
// the admins are to be told: once.
func (s *Store) strayed(ctx context.Context, chain, id string) error {
	err := s.updateOnce(ctx, inviteKey(chain, id), "SET Astray = :yes, Outbox = :o", "attribute_exists(PK) AND attribute_not_exists(Astray)", nil, vals{
		"yes": true, "o": network.Event{ID: "astray." + id, Kind: network.InviteAstray, Chain: chain, Invite: id}.Encode(),
	})
	return wrap("strayed", err)
}

// MaxCounted is how many of a chain's newest invites Dying looks at: twenty
// pages of a megabyte, two seconds of a door's ten.
const MaxCounted = 20_000

// Dying counts what lives in a chain as it is and would not as it would be (R12):
// its invites, newest first, and of those of its rosters' contacts that were told
// those who have not joined. all is whether every invite was looked at. It writes
// nothing. What comes or goes meanwhile it may miss.
func (s *Store) Dying(ctx context.Context, is, would network.Chain, now time.Time) (invites, notices int, all bool, err error) {
	cursor := ""
	for range MaxCounted / inviteRound {
		page, next, err := s.invites(ctx, false, is.ID, cursor, inviteRound, func(i network.Invite) bool {
			return i.State(is, now) == network.InviteLive && i.State(would, now) != network.InviteLive
		})
		if err != nil {
			return 0, 0, false, wrap("dying", err)
		}
		invites += len(page)
		if cursor = next; cursor == "" {
			break
		}
	}
	tallies, err := s.Tallies(ctx, is.ID, "")
	if err != nil {
		return 0, 0, false, wrap("dying", err)
	}
	notices = network.Progress(tallies, would.Policies, now).Expired - network.Progress(tallies, is.Policies, now).Expired
	return invites, notices, cursor == "", nil
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
