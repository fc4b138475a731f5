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
// newest are a page read backwards, and its maker's are one of the list index.
// The due index has when it ends, by the policy of when it was filed: the sweep
// files it anew if the policy has stretched it since (R12). Once it is revoked
// it is there among the chain's revoked.
type inviteItem struct {
	key
	LPK, LSK  string
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
	due, by := dueList(i.Chain+"#"+i.ID, ends, i.Since()), makerList(i.Chain, i.Maker, i.ID)
	if !i.RevokedAt.IsZero() {
		due = revokedList(i.Chain, i.ID)
	}
	return inviteItem{
		inviteKey(i.Chain, i.ID), by.PK, by.SK, due.PK, due.SK, i.Kind, i.Group, i.MaxUses, i.Uses, int64(i.Own / time.Second), i.Phone, i.Corp, i.Note,
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

// Sought says which of a chain's invites are asked for. What it leaves out is any.
type Sought struct {
	Maker  string              // by whom: their own are looked at, and no others
	State  network.InviteState // at the moment of asking
	Before time.Time           // whose token is older
	And    func(network.Invite) bool
}

// How many invites one list looks through for those that are wanted: pages that
// are each four times the one before, of inviteRound at most. What an index has
// found is read one by one, at twenty times the price.
const (
	looked      = 4_000
	lookedOne   = 1_000
	inviteRound = 1000
)

// Invites lists those of a chain's invites that are sought, newest first. The
// others don't show: a page is full unless it is the last, and its cursor is of
// the last invite that it shows. Only where thousands that aren't wanted lie
// between is a page short, with a cursor of one of those.
//
// A maker's, the revoked and the live cost a page among however many others: the
// maker's and the revoked have an index, and what is older than the policy's life
// lives no more (R12), unless resent. The rest is looked for among all
// (infra/decisions/15-lists-of-invites.md).
func (s *Store) Invites(ctx context.Context, c network.Chain, which Sought, cursor string, limit int, now time.Time) (page []network.Invite, next string, err error) {
	if cursor != "" {
		if cursor, err = decodeCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	q := which.search(c, now)
	most := looked
	if q.index != "" {
		most = lookedOne
	}
	for n, seen := limit+1, 0; seen < most; n = min(4*n, inviteRound) {
		found, more, err := s.invites(ctx, q, cursor, n)
		if err != nil {
			return nil, "", wrap("invites", err)
		}
		if page = append(page, found...); len(page) > limit {
			page = page[:limit]
			return page, encodeCursor(page[limit-1].ID), nil
		}
		if cursor = more; more == "" {
			return page, "", nil
		}
		seen += n
	}
	return page, encodeCursor(cursor), nil
}

// search is how the invites that are wanted are looked for: in the partition pk
// of the table or, by their ids, of an index; from the newest back to the id
// from, and if resent is set then among the older ones that were resent.
type search struct {
	chain, index, pk, from string
	resent, consistent     bool
	wants                  func(network.Invite) bool
}

// oldest sorts before every invite.
var oldest = network.EarliestInviteID(time.UnixMilli(0))

func (w Sought) search(c network.Chain, now time.Time) search {
	q := search{chain: c.ID, pk: inviteKey(c.ID, "").PK, from: oldest}
	switch {
	case w.Maker != "":
		q.index, q.pk = "list", makerList(c.ID, w.Maker, "").PK
	case w.State == network.InviteRevoked:
		q.index, q.pk = "due", revokedList(c.ID, "").PK
	}
	if w.State == network.InviteLive || w.State == network.InviteExhausted {
		q.from, q.resent = network.EarliestInviteID(now.Add(-c.MaxLife())), true
	}
	q.wants = func(i network.Invite) bool {
		return (w.Maker == "" || i.Maker == w.Maker) && (w.State == "" || i.State(c, now) == w.State) &&
			(w.Before.IsZero() || i.Since().Before(w.Before)) && (w.And == nil || w.And(i))
	}
	return q
}

// begin is the cursor from which a search for what is older than Before goes
// back; an invite is kept by the millisecond.
func (w Sought) begin() string {
	if w.Before.IsZero() {
		return ""
	}
	return network.EarliestInviteID(w.Before.Add(time.Millisecond))
}

// invites looks at one page of at most limit invites, of which it may want none;
// next is the last id that it has seen, "" at the end.
func (s *Store) invites(ctx context.Context, q search, cursor string, limit int) (page []network.Invite, next string, err error) {
	index, pk, from := q.index, q.pk, q.from
	older := q.resent && cursor != "" && cursor <= q.from
	if older {
		index, pk, from = "", resentKey(q.chain, "").PK, oldest
	}
	if cursor != "" && cursor <= from {
		return nil, "", nil // the table refuses to go on from outside of what it is asked for
	}
	hash, sort := "PK", "SK"
	switch index {
	case "list":
		hash, sort = "LPK", "LSK"
	case "due":
		hash, sort = "DPK", "DSK"
	}
	in := &dynamodb.QueryInput{
		TableName: &s.table, IndexName: optional(index), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(int32(limit)),
		ConsistentRead:            aws.Bool(q.consistent && index == ""), // an index can't be asked so
		KeyConditionExpression:    aws.String(hash + " = :pk AND " + sort + " >= :from"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(pk), ":from": str(from)},
	}
	if cursor != "" {
		in.ExclusiveStartKey = inviteKey(q.chain, cursor).attrs()
		in.ExclusiveStartKey[hash], in.ExclusiveStartKey[sort] = str(pk), str(cursor)
	}
	out, err := s.db.Query(ctx, in)
	if err != nil {
		return nil, "", err
	}
	switch {
	case out.LastEvaluatedKey != nil:
		next = keyOf(out.LastEvaluatedKey).SK
	case q.resent && !older:
		next = q.from
	}
	var keys []key
	for _, raw := range out.Items {
		keys = append(keys, inviteKey(q.chain, keyOf(raw).SK))
	}
	found := items{}
	if pk == inviteKey(q.chain, "").PK {
		for i, raw := range out.Items {
			found[keys[i]] = raw
		}
	} else if found, err = s.batchGet(ctx, q.consistent, keys...); err != nil {
		return nil, "", err
	}
	for _, k := range keys {
		var it inviteItem
		if ok, err := found.into(k, &it); err != nil {
			return nil, "", err
		} else if !ok {
			continue
		}
		if i := it.invite(q.chain); q.wants(i) {
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
// them. It sees all that was committed before it began, which no index does, and
// so looks at all: asked once more when they are gone, it leaves none.
func (s *Store) RevokeInvites(ctx context.Context, chain string, which func(network.Invite) bool, now time.Time) error {
	q := search{chain: chain, pk: inviteKey(chain, "").PK, from: oldest, consistent: true, wants: which}
	_, _, err := s.revokeWhich(ctx, q, "", true, -1, now)
	return wrap("revoke invites", err)
}

// MaxRevoked is how many invites one call revokes, about: fifty transactions, a
// few seconds of a door's ten.
const MaxRevoked = 4_000

// indexBehind is longer than an index is behind its table.
const indexBehind = time.Minute

// RevokeMany ends those live invites of a chain that are sought, by somebody's
// wish (R19), and says how many it did. more is whether it has left some, after
// MaxRevoked: asked again it goes on.
func (s *Store) RevokeMany(ctx context.Context, c network.Chain, which Sought, now time.Time) (revoked int, more bool, err error) {
	which.State = network.InviteLive
	q := which.search(c, now)
	q.consistent = true
	if q.index != "" { // what was made just now the index may not have yet
		last := q
		last.index, last.pk, last.from, last.resent = "", inviteKey(c.ID, "").PK, network.EarliestInviteID(now.Add(-indexBehind)), false
		if revoked, more, err = s.revokeWhich(ctx, last, which.begin(), false, MaxRevoked, now); more || err != nil {
			return revoked, more, wrap("revoke many", err)
		}
	}
	n, more, err := s.revokeWhich(ctx, q, which.begin(), false, MaxRevoked-revoked, now)
	return revoked + n, more, wrap("revoke many", err)
}

// revokeWhich revokes up to about most invites, all of them for -1, from the
// cursor back.
func (s *Store) revokeWhich(ctx context.Context, q search, cursor string, orphaned bool, most int, now time.Time) (revoked int, more bool, err error) {
	which := q.wants
	q.wants = func(i network.Invite) bool { return i.RevokedAt.IsZero() && which(i) }
	for {
		page, next, err := s.invites(ctx, q, cursor, inviteRound)
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
			done, err := s.revoke(ctx, q.chain, ids, which, orphaned, now)
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
		var ended, named []string
		for _, k := range keys {
			var it inviteItem
			if ok, err := found.into(k, &it); err != nil {
				return err
			} else if !ok {
				return network.ErrNotFound
			}
			to := revokedList(chain, k.SK)
			v := vals{"now": at(now), "dpk": to.PK, "dsk": to.SK, "maker": it.Maker}
			switch {
			case !which(it.invite(chain)): // has been adopted meanwhile, say
			case it.RevokedAt == 0 && orphaned:
				v["yes"] = true
				t.update(k, "SET RevokedAt = :now, DPK = :dpk, DSK = :dsk, Orphaned = :yes", "Maker = :maker", nil, v)
				ended = append(ended, k.SK)
			case it.RevokedAt == 0:
				t.update(k, "SET RevokedAt = :now, DPK = :dpk, DSK = :dsk", "Maker = :maker", nil, v)
				ended = append(ended, k.SK)
			case it.Orphaned && !orphaned:
				t.update(k, "REMOVE Orphaned", "Orphaned = :yes AND Maker = :maker", nil, vals{"yes": true, "maker": it.Maker})
				named = append(named, k.SK) // it can't be adopted any more
			}
		}
		if len(t.items) == 0 {
			return errSame
		}
		revoked = len(ended)
		return s.logChange(ctx, t, chain, changeItem{What: "invites_revoked", Target: &Target{Kind: "invites"}, After: Fields{"invite_ids": append(named, ended...)}})
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return revoked, ignoreSame(err)
}

// resentItem lies where a search for what lives looks behind those that time
// alone has ended. DeleteAt is when its invite lives no more in any case (R49).
type resentItem struct {
	key
	DeleteAt int64
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
		t.put(resentItem{resentKey(chain, id), i.ResentAt.Add(network.LongestLife).Unix()}, "", nil)
		out = i
		return s.logChange(ctx, t, chain, changeItem{What: "invite_resent", Target: &Target{Kind: "invites", ID: id}})
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
		due, by := dueList(a.Chain.ID+"#"+id, out.ExpiresAt(a.Chain), now), makerList(a.Chain.ID, out.Maker, id)
		cond, v := "attribute_not_exists(RevokedAt)", vals{"was": was.Maker, "v": was.Version}
		if was.Orphaned {
			cond, v["yes"] = "Orphaned = :yes", true
		}
		v["maker"], v["name"], v["corp"], v["dpk"], v["dsk"] = out.Maker, out.MakerName, out.MakerCorp, due.PK, due.SK
		v["lpk"], v["lsk"] = by.PK, by.SK
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
		t.update(inviteKey(a.Chain.ID, id), "SET Maker = :maker, MakerName = :name, MakerCorp = :corp, LPK = :lpk, LSK = :lsk, DPK = :dpk, DSK = :dsk"+said+" REMOVE RevokedAt, Orphaned, MakerPartner",
			cond+" AND Maker = :was AND Version = :v", nil, v)
		note := changeItem{What: "invite_adopted", Target: &Target{Kind: "invites", ID: id}}
		note.Before, note.After = contrast(Fields{"maker": was.Maker}, Fields{"maker": out.Maker})
		return t, s.logChange(ctx, t, a.Chain.ID, note)
	}, func(i int, _ map[string]types.AttributeValue) error {
		if i == 0 {
			return network.ErrDenied
		}
		return nil
	})
	return out, wrap("adopt", err)
}

// astray reports whether the maker of an invite sees the group no more that it is
// for (R08): a partner's person, whose partner has been moved since, or one of the
// owner's, from whom the rules or the chain's settings keep it since. read are
// partners that the join has read: the maker's is among them if the token has
// named it. Without rules the owner's people see all groups, and nothing is read.
func (s *Store) astray(ctx context.Context, c network.Chain, i network.Invite, read map[string]partnerItem) (bool, error) {
	if c.Landing(i.Group) == network.RootGroup {
		return false, nil
	}
	if i.MakerPartner == "" {
		return s.keptFromMaker(ctx, c, i)
	}
	it, ok := read[i.MakerPartner]
	if !ok {
		if _, err := s.get(ctx, partnerKey(c.ID, i.MakerPartner), &it); err != nil {
			return false, err
		}
	}
	if it.Card.State == "" || it.Card.State == network.PartnerRemoved {
		return true, nil // has gone
	}
	return c.Landing(it.Card.Group) != c.Landing(i.Group), nil
}

// keptFromMaker is astray of an invite by one of the owner's people.
func (s *Store) keptFromMaker(ctx context.Context, c network.Chain, i network.Invite) (bool, error) {
	if i.MakerCorp != c.OwnerCorp || !c.HasRules() {
		return false, nil
	}
	member, admin := memberKey(i.Maker, c.OwnerCorp), adminKey(c.ID, i.Maker)
	found, err := s.batchGet(ctx, true, member, admin)
	if err != nil {
		return false, err
	}
	var m memberItem
	if ok, err := found.into(member, &m); err != nil || !ok {
		return false, err // has left, and their invites end with that (R09)
	}
	_, appointed := found[admin]
	a := network.Actor{Person: network.Person{ID: i.Maker}, Chain: c, Side: network.Owner, Role: m.Card.Role}
	a.Admin = a.Role == network.SuperAdmin || appointed
	if a.Admin {
		return false, nil
	}
	sight, err := s.Sight(ctx, a)
	if err != nil || sight.Group(c.Landing(i.Group)) {
		return false, err
	}
	sight, err = s.knowing(ctx, c.ID, sight) // perhaps it is shown for one who stands in it, whom a rule names
	return err == nil && !sight.Group(c.Landing(i.Group)), err
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
// pages of a megabyte, two seconds of a door's ten. Those that are too old to
// live it doesn't.
const MaxCounted = 20_000

// Dying counts what lives in a chain as it is and would not as it would be (R12):
// its invites, newest first, and of those of its rosters' contacts that were told
// those who have not joined. all is whether every invite was looked at. It writes
// nothing. What comes or goes meanwhile it may miss.
func (s *Store) Dying(ctx context.Context, is, would network.Chain, now time.Time) (invites, notices int, all bool, err error) {
	dies := Sought{State: network.InviteLive, And: func(i network.Invite) bool { return i.State(would, now) != network.InviteLive }}
	all, err = s.eachInvite(ctx, dies.search(is, now), func(network.Invite) { invites++ })
	if err != nil {
		return 0, 0, false, wrap("dying", err)
	}
	tallies, err := s.Tallies(ctx, is.ID, "")
	if err != nil {
		return 0, 0, false, wrap("dying", err)
	}
	notices = network.Progress(tallies, would.Policies, now).Expired - network.Progress(tallies, is.Policies, now).Expired
	return invites, notices, all, nil
}

// eachInvite shows those invites that a search wants, newest first, among
// MaxCounted; all is whether there are no more.
func (s *Store) eachInvite(ctx context.Context, q search, show func(network.Invite)) (all bool, err error) {
	cursor := ""
	for range MaxCounted / inviteRound {
		page, next, err := s.invites(ctx, q, cursor, inviteRound)
		if err != nil {
			return false, err
		}
		for _, i := range page {
			show(i)
		}
		if cursor = next; cursor == "" {
			return true, nil
		}
	}
	return false, nil
}

// LiveInvites reports whether the chain has a live invite that is wanted.
func (s *Store) LiveInvites(ctx context.Context, c network.Chain, now time.Time, wanted func(network.Invite) bool) (bool, error) {
	q := Sought{State: network.InviteLive, And: wanted}.search(c, now)
	q.consistent = true
	for cursor := ""; ; {
		page, next, err := s.invites(ctx, q, cursor, inviteRound)
		if err != nil || len(page) > 0 || next == "" {
			return len(page) > 0, wrap("live invites", err)
		}
		cursor = next
	}
}
