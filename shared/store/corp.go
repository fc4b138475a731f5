package store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

type corpItem struct {
	key
	Name           string
	Industry       network.Industry
	Type           network.CorpType
	Verification   int
	WorkbenchEntry bool
	CreatedAt      moment
	Version        int
	Owned          int
	Admins         int
	Places         map[string]placeItem
}

type placeItem struct {
	Side      network.Side
	Partner   string `dynamodbav:",omitempty"`
	Epoch     int    `dynamodbav:",omitempty"`
	Out       bool   `dynamodbav:",omitempty"`
	RemovedAt moment `dynamodbav:",omitempty"`
}

func newPlaceItem(p network.Place) placeItem {
	return placeItem{p.Side, p.Partner, p.Epoch, p.Out, at(p.RemovedAt)}
}

func newCorpItem(c network.Corp) corpItem {
	places := make(map[string]placeItem, len(c.Places))
	for chain, p := range c.Places {
		places[chain] = newPlaceItem(p)
	}
	return corpItem{corpKey(c.ID), c.Name, c.Industry, c.Type, c.Verification, c.WorkbenchEntry, at(c.CreatedAt), c.Version, c.Owned, c.Admins, places}
}

func (i corpItem) corp() network.Corp {
	places := make(map[string]network.Place, len(i.Places))
	for chain, p := range i.Places {
		places[chain] = network.Place{Side: p.Side, Partner: p.Partner, Epoch: p.Epoch, Out: p.Out, RemovedAt: p.RemovedAt.time()}
	}
	return network.Corp{
		ID: afterLast(i.PK), Name: i.Name, Industry: i.Industry, Type: i.Type, Verification: i.Verification, WorkbenchEntry: i.WorkbenchEntry,
		CreatedAt: i.CreatedAt.time(), Version: i.Version, Owned: i.Owned, Admins: i.Admins, Places: places,
	}
}

type memberItem struct {
	key
	LPK, LSK string
	Card     memberCard
}

type memberCard struct {
	Name, Phone string
	Role        network.Role
}

func newMemberItem(m network.Member) memberItem {
	l := memberList(m)
	return memberItem{memberKey(m.Person, m.Corp), l.PK, l.SK, memberCard{m.Name, m.Phone, m.Role}}
}

func (i memberItem) member() network.Member {
	return network.Member{Person: afterLast(i.PK), Corp: afterLast(i.SK), Name: i.Card.Name, Phone: i.Card.Phone, Role: i.Card.Role}
}

// CreateCorp adds a corp with the person as its super-admin (R02).
func (s *Store) CreateCorp(ctx context.Context, c network.Corp, by network.Member, once Once) (network.Corp, error) {
	by.Corp, by.Role = c.ID, network.SuperAdmin
	err := s.once(ctx, once, &c.ID, &c.CreatedAt, func() (*tx, error) {
		by.Corp = c.ID
		t := s.tx()
		t.put(newCorpItem(c), "attribute_not_exists(PK)", nil)
		t.put(newMemberItem(by), "attribute_not_exists(PK)", nil)
		return t, nil
	}, nil)
	return c, wrap("create corp", err)
}

// Corp is the corp of that id, or ErrNotFound.
func (s *Store) Corp(ctx context.Context, id string) (network.Corp, error) {
	var it corpItem
	found, err := s.get(ctx, corpKey(id), &it)
	if err != nil {
		return network.Corp{}, wrap("corp", err)
	}
	if !found {
		return network.Corp{}, network.ErrNotFound
	}
	return it.corp(), nil
}

// CorpEdit is a change of a corp; nil leaves a field as it is.
type CorpEdit struct {
	Name           *string
	Industry       *network.Industry
	WorkbenchEntry *bool
}

// EditCorp changes a corp unless somebody has edited it since it was read:
// then ErrPrecondition. Its chains carry the owner's name, and get the new one.
// An edit that changes nothing writes nothing.
//
// A corp that can take no part in chains any more (R04) bars its own, one after
// the other once it is so itself; one that can again lifts that. A call that
// breaks off half-way is finished by making it again.
func (s *Store) EditCorp(ctx context.Context, c network.Corp, e CorpEdit) (network.Corp, error) {
	read := c
	err := s.commit(ctx, func() (*tx, error) {
		c = read
		was := c.Version
		renamed := e.Name != nil && *e.Name != c.Name
		if e.Name != nil {
			c.Name = *e.Name
		}
		if e.Industry != nil {
			c.Industry = *e.Industry
		}
		if e.WorkbenchEntry != nil {
			c.WorkbenchEntry = *e.WorkbenchEntry
		}
		if c.Name == read.Name && c.Industry == read.Industry && c.WorkbenchEntry == read.WorkbenchEntry {
			return nil, nil
		}
		c.Version++
		t := s.tx()
		t.update(corpKey(c.ID), "SET #n = :n, Industry = :i, WorkbenchEntry = :w, Version = :v", "Version = :was",
			map[string]string{"n": "Name"}, vals{"n": c.Name, "i": c.Industry, "w": c.WorkbenchEntry, "v": c.Version, "was": was})
		for chain, place := range c.Places {
			if renamed && place.Side == network.Owner {
				t.update(chainKey(chain), "SET OwnerName = :n", "attribute_exists(PK)", nil, vals{"n": c.Name})
			}
		}
		return t, nil
	}, func(i int, old map[string]types.AttributeValue) error {
		var it corpItem
		if err := attributevalue.UnmarshalMap(old, &it); err != nil {
			return err
		}
		is := it.corp()
		if i > 0 || is.Name != read.Name || is.Industry != read.Industry || is.WorkbenchEntry != read.WorkbenchEntry {
			return network.ErrPrecondition
		}
		read = is // a join, a role or a chain moved the version on: no edit
		return nil
	})
	if err != nil || e.Industry == nil {
		return c, wrap("edit corp", err)
	}
	for chain, place := range c.Places {
		if place.Side == network.Owner {
			if err := s.barChain(ctx, chain, c.ID); err != nil {
				return c, wrap("edit corp", err)
			}
		}
	}
	return c, nil
}

// barChain brings a chain to what its owner is: one that can take no part in
// chains lets nobody join any more (R04). Who becomes so and back meanwhile is
// asked again: the check sees to that.
func (s *Store) barChain(ctx context.Context, chain, owner string) error {
	err := s.turn(ctx, chain, func(t *tx, c *network.Chain) error {
		o, err := s.Corp(ctx, owner)
		if err != nil {
			return err
		}
		if c.Barred == !o.Eligible() || c.Dissolved() {
			return errSame
		}
		c.Barred = !o.Eligible()
		t.check(corpKey(owner), "Industry = :i", vals{"i": o.Industry})
		return nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return ignoreSame(err)
}

// Member is a person's place in a corp, or ErrNotFound.
func (s *Store) Member(ctx context.Context, corp, person string) (network.Member, error) {
	var it memberItem
	found, err := s.get(ctx, memberKey(person, corp), &it)
	if err != nil {
		return network.Member{}, wrap("member", err)
	}
	if !found {
		return network.Member{}, network.ErrNotFound
	}
	return it.member(), nil
}

// Members lists a corp's people: super-admins first, then by name.
func (s *Store) Members(ctx context.Context, corp, cursor string, limit int) ([]network.Member, string, error) {
	found, next, err := s.listPage(ctx, memberList(network.Member{Corp: corp}).PK, cursor, limit)
	if err != nil {
		return nil, "", wrap("members", err)
	}
	members := make([]network.Member, len(found))
	for i, raw := range found {
		var it memberItem
		if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
			return nil, "", wrap("members", err)
		}
		members[i] = it.member()
	}
	return members, next, nil
}

// SuperAdmins are a corp's super-admins by name: as many as it has, there is
// no page of them.
func (s *Store) SuperAdmins(ctx context.Context, corp string) ([]network.Member, error) {
	in := &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String("list"),
		KeyConditionExpression:    aws.String("LPK = :pk AND begins_with(LSK, :sk)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(memberList(network.Member{Corp: corp}).PK), ":sk": str(rank(network.SuperAdmin) + "#")},
	}
	var admins []network.Member
	for {
		out, err := s.db.Query(ctx, in)
		if err != nil {
			return nil, wrap("super-admins", err)
		}
		for _, raw := range out.Items {
			var it memberItem
			if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
				return nil, wrap("super-admins", err)
			}
			admins = append(admins, it.member())
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return admins, nil
		}
	}
}

// listPage is a page of one partition of the list index.
func (s *Store) listPage(ctx context.Context, lpk, cursor string, limit int) (found []map[string]types.AttributeValue, next string, err error) {
	in := &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String("list"), Limit: aws.Int32(int32(limit)),
		KeyConditionExpression:    aws.String("LPK = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(lpk)},
	}
	if cursor != "" {
		last, err := decodeCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		// The order is strict, so "behind the last one seen" needs no more
		// than its sort key, and holds if that one is gone.
		in.KeyConditionExpression = aws.String("LPK = :pk AND LSK > :last")
		in.ExpressionAttributeValues[":last"] = str(last)
	}
	out, err := s.db.Query(ctx, in)
	if err != nil {
		return nil, "", err
	}
	if out.LastEvaluatedKey != nil && len(out.Items) > 0 {
		next = encodeCursor(lskOf(out.Items[len(out.Items)-1]))
	}
	return out.Items, next, nil
}

func lskOf(item map[string]types.AttributeValue) string {
	if v, ok := item["LSK"].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// AddMember adds a person to a corp. Who is in already stays as they are, and
// is ErrConflict unless they are the same.
func (s *Store) AddMember(ctx context.Context, m network.Member, once Once) error {
	admin := 0
	if m.Role == network.SuperAdmin {
		admin = 1
	}
	ref, at := m.Person, once.Now
	err := s.once(ctx, once, &ref, &at, func() (*tx, error) {
		t := s.tx()
		t.put(newMemberItem(m), "attribute_not_exists(PK)", nil)
		t.update(corpKey(m.Corp), "SET Admins = Admins + :a", "attribute_exists(PK)", nil, vals{"a": admin})
		return t, nil
	}, func(i int, old map[string]types.AttributeValue) error {
		if i == 1 {
			return network.ErrNotFound
		}
		var is memberItem
		if err := attributevalue.UnmarshalMap(old, &is); err != nil {
			return err
		}
		if is.Card == newMemberItem(m).Card {
			return errSame
		}
		return network.ErrConflict
	})
	return wrap("add member", err)
}

// SetRole changes what a member may do. The last super-admin stays one:
// ErrLastAdmin, by a condition of the write (R06).
func (s *Store) SetRole(ctx context.Context, corp, person string, role network.Role) (network.Member, error) {
	var m network.Member
	err := s.commit(ctx, func() (*tx, error) {
		var err error
		if m, err = s.Member(ctx, corp, person); err != nil || m.Role == role {
			return nil, err
		}
		was := m.Role
		m.Role = role
		t := s.tx()
		t.update(memberKey(person, corp), "SET Card.#r = :r, LSK = :lsk", "Card.#r = :was", map[string]string{"r": "Role"},
			vals{"r": role, "lsk": memberList(m).SK, "was": was})
		s.countAdmin(t, corp, map[bool]int{true: 1, false: -1}[role == network.SuperAdmin])
		return t, nil
	}, lastAdminAt(1))
	return m, wrap("set role", err)
}

// RemoveMember takes a person out of a corp (also: leaves it). The last
// super-admin stays: ErrLastAdmin, by a condition of the write (R06). Their
// live invites are for the caller to revoke first (R09).
func (s *Store) RemoveMember(ctx context.Context, corp, person string) error {
	err := s.commit(ctx, func() (*tx, error) {
		m, err := s.Member(ctx, corp, person)
		if err != nil {
			return nil, err
		}
		admin := 0
		if m.Role == network.SuperAdmin {
			admin = -1
		}
		t := s.tx()
		t.remove(memberKey(person, corp), "Card.#r = :r", vals{"r": m.Role})
		t.items[0].Delete.ExpressionAttributeNames = map[string]string{"#r": "Role"}
		s.countAdmin(t, corp, admin)
		return t, s.dismiss(ctx, t, corp, person)
	}, lastAdminAt(1))
	return wrap("remove member", err)
}

// HandOver takes a super-admin out of a corp and makes another member one in
// the same write, so that the last one can leave in one call (R06). ErrDenied
// if who goes has nothing to hand over, ErrNotFound if either is no member.
func (s *Store) HandOver(ctx context.Context, corp, from, to string) error {
	err := s.commit(ctx, func() (*tx, error) {
		was, err := s.Member(ctx, corp, from)
		if err != nil {
			return nil, err
		}
		if was.Role != network.SuperAdmin {
			return nil, network.ErrDenied
		}
		heir, err := s.Member(ctx, corp, to)
		if err != nil {
			return nil, err
		}
		t := s.tx()
		t.remove(memberKey(from, corp), "Card.#r = :r", vals{"r": was.Role})
		t.items[0].Delete.ExpressionAttributeNames = map[string]string{"#r": "Role"}
		had, by := heir.Role, 0
		if had == network.SuperAdmin {
			by = -1
		}
		heir.Role = network.SuperAdmin
		t.update(memberKey(to, corp), "SET Card.#r = :r, LSK = :lsk", "Card.#r = :was", map[string]string{"r": "Role"},
			vals{"r": heir.Role, "lsk": memberList(heir).SK, "was": had})
		s.countAdmin(t, corp, by)
		return t, s.dismiss(ctx, t, corp, from)
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return wrap("hand over", err)
}

// dismiss ends a person's being admin of the corp's chains, so that who comes
// back to the corp is none again by that. It notes that they were in the corp:
// their name stands on what they made for it, for when they ask to be erased.
func (s *Store) dismiss(ctx context.Context, t *tx, corp, person string) error {
	c, err := s.Corp(ctx, corp)
	if len(c.Places) > 0 {
		t.update(eraseKey(person), "ADD Past :c, Edition :one", "", nil, vals{"c": &stringSet{corp}, "one": 1})
	}
	for chain, place := range c.Places {
		if place.Side == network.Owner {
			t.remove(adminKey(chain, person), "", nil)
		}
	}
	return err
}

// countAdmin changes how many super-admins a corp has, never to none (R06).
// Version goes up with it: a join under the corp by who has just been removed
// is refused by its own write (R16).
func (s *Store) countAdmin(t *tx, corp string, by int) {
	cond := "attribute_exists(PK)"
	v := vals{"by": by, "one": 1}
	if by < 0 {
		cond = "Admins > :one" // R06
	}
	t.update(corpKey(corp), "SET Admins = Admins + :by, Version = Version + :one", cond, nil, v)
}

// lastAdminAt answers ErrLastAdmin where write i was refused, and has the
// others tried again.
func lastAdminAt(i int) func(int, map[string]types.AttributeValue) error {
	return func(at int, _ map[string]types.AttributeValue) error {
		if at == i {
			return network.ErrLastAdmin
		}
		return nil
	}
}
