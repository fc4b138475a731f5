package store

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// contactItem is a contact: a person of a partner. It lies with the person,
// so that who signs in with a phone is found among all rosters by one query
// (R21 a), and it is the membership once they have joined (R01).
type contactItem struct {
	key
	Name           string
	Phone          string
	Leader         bool                `dynamodbav:",omitempty"`
	MemberCustomID string              `dynamodbav:",omitempty"`
	Import         string              `dynamodbav:",omitempty"`
	Chunk          int                 `dynamodbav:",omitempty"`
	Epoch          int                 `dynamodbav:",omitempty"`
	TokenVersion   int                 `dynamodbav:",omitempty"`
	NoticeAt       moment              `dynamodbav:",omitempty"`
	Undeliverable  network.Undelivered `dynamodbav:",omitempty"`
	OpenedAt       moment              `dynamodbav:",omitempty"`
	DeclinedAt     moment              `dynamodbav:",omitempty"`
	Corp           string              `dynamodbav:",omitempty"`
	JoinedAt       moment              `dynamodbav:",omitempty"`
	LeftAt         moment              `dynamodbav:",omitempty"`
	CameAt         moment              `dynamodbav:",omitempty"`
	Inviter        string              `dynamodbav:",omitempty"`
	Invite         string              `dynamodbav:",omitempty"`
	Edition        int
	Withdrawn      string   `dynamodbav:",omitempty"`           // the import that took them out: its Sync, or its revert
	Counted        []string `dynamodbav:",stringset,omitempty"` // the joins that CountJoin has counted, by their events
	Outbox         string   `dynamodbav:",omitempty"`
}

func newContactItem(k network.Contact) contactItem {
	return contactItem{
		key: contactKey(k.Person, k.Chain, k.Partner), Name: k.Name, Phone: k.Phone, Leader: k.Leader, MemberCustomID: k.MemberCustomID,
		Import: k.Import, Chunk: k.Chunk, Epoch: k.Epoch, TokenVersion: k.TokenVersion, NoticeAt: at(k.NoticeAt), Undeliverable: k.Undeliverable,
		OpenedAt: at(k.OpenedAt), DeclinedAt: at(k.DeclinedAt),
		Corp: k.Corp, JoinedAt: at(k.JoinedAt), LeftAt: at(k.LeftAt), CameAt: at(k.CameAt), Inviter: k.Inviter, Invite: k.Invite, Edition: k.Edition,
	}
}

// steps is how far they have come, for the tally that counts them.
func (i contactItem) steps(told bool) network.Steps {
	return network.Steps{
		Told: told, Undeliverable: i.Undeliverable, Opened: i.OpenedAt != 0, Declined: i.DeclinedAt != 0,
		Joined: slices.Contains(i.Counted, i.Import), Withdrawn: i.Epoch == gone,
	}
}

func (i contactItem) contact() network.Contact {
	where := strings.Split(i.SK, "#") // CHAIN, its id, the partner's
	return network.Contact{
		Person: afterLast(i.PK), Chain: where[1], Partner: where[2], Name: i.Name, Phone: i.Phone, Leader: i.Leader, MemberCustomID: i.MemberCustomID,
		Import: i.Import, Chunk: i.Chunk, Epoch: i.Epoch, TokenVersion: i.TokenVersion, NoticeAt: i.NoticeAt.time(), Undeliverable: i.Undeliverable,
		OpenedAt: i.OpenedAt.time(), DeclinedAt: i.DeclinedAt.time(),
		Corp: i.Corp, JoinedAt: i.JoinedAt.time(), LeftAt: i.LeftAt.time(), CameAt: i.CameAt.time(), Inviter: i.Inviter, Invite: i.Invite, Edition: i.Edition,
	}
}

// Contacts are the people of a partner in its present epoch, by id, a page at
// a time, each with how far they have come (R32).
func (s *Store) Contacts(ctx context.Context, c network.Chain, p network.Partner, now time.Time, cursor string, limit int) (page []network.Contact, states []network.ContactState, next string, err error) {
	people, err := peopleBehind(p, cursor)
	if err != nil {
		return nil, nil, "", err
	}
	if len(people) > limit {
		people = people[:limit]
		next = encodeCursor(people[limit-1])
	}
	keys := make([]key, len(people))
	for i, person := range people {
		keys[i] = contactKey(person, c.ID, p.ID)
	}
	found, err := s.batchGet(ctx, false, keys...)
	if err != nil {
		return nil, nil, "", wrap("contacts", err)
	}
	var tallies []key
	for _, k := range keys {
		var it contactItem
		ok, err := found.into(k, &it)
		if err != nil {
			return nil, nil, "", wrap("contacts", err)
		}
		if !ok || it.Epoch != p.Epoch {
			continue // named by an import that has not come to them yet
		}
		page = append(page, it.contact())
		if t := tallyKey(c.ID, it.Import, it.Chunk); it.Import != "" && !slices.Contains(tallies, t) {
			tallies = append(tallies, t)
		}
	}
	counted, err := s.batchGet(ctx, false, tallies...)
	if err != nil {
		return nil, nil, "", wrap("contacts", err)
	}
	for _, k := range page {
		var t tallyItem
		if _, err := counted.into(tallyKey(c.ID, k.Import, k.Chunk), &t); err != nil {
			return nil, nil, "", wrap("contacts", err)
		}
		states = append(states, stateOf(c, k, slices.Contains(t.Sent, k.Chunk), now))
	}
	return page, states, next, nil
}

// Inviters are the names of who invited the contacts, by person id: the maker's of
// the invite that they came by, else that of the owner's member whose roster
// named them. Who has gone or was erased has the name "". Who is a partner's whom
// the actor doesn't see isn't among them, nor is, then, who can't be placed (R36).
func (s *Store) Inviters(ctx context.Context, c network.Chain, sight *network.Sight, contacts []network.Contact) (map[string]string, error) {
	var keys []key
	for _, k := range contacts {
		if k.Invite != "" {
			keys = append(keys, inviteKey(c.ID, k.Invite))
		}
		if k.Inviter != "" {
			keys = append(keys, memberKey(k.Inviter, c.OwnerCorp))
		}
	}
	found, err := s.batchGet(ctx, false, unique(keys)...)
	if err != nil {
		return nil, wrap("inviters", err)
	}
	names, from := map[string]string{}, map[string]string{} // from is the partner of who isn't the owner's
	for _, k := range contacts {
		if k.Inviter == "" {
			continue
		}
		var made inviteItem
		var member memberItem
		if _, err := found.into(inviteKey(c.ID, k.Invite), &made); err != nil {
			return nil, wrap("inviters", err)
		}
		ours, err := found.into(memberKey(k.Inviter, c.OwnerCorp), &member)
		if err != nil {
			return nil, wrap("inviters", err)
		}
		if made.Maker != k.Inviter { // adopted since
			made.MakerName, made.MakerPartner = "", ""
		}
		names[k.Inviter] = cmp.Or(member.Card.Name, made.MakerName, names[k.Inviter])
		if !ours {
			from[k.Inviter] = cmp.Or(made.MakerPartner, from[k.Inviter])
		}
	}
	if !sight.Restricted() || len(from) == 0 {
		return names, nil
	}
	ids := slices.Compact(slices.Sorted(maps.Values(from)))
	partners, err := s.PartnersOf(ctx, c.ID, slices.DeleteFunc(ids, func(id string) bool { return id == "" }))
	if err != nil {
		return nil, wrap("inviters", err)
	}
	for person, id := range from {
		if !slices.ContainsFunc(partners, func(p network.Partner) bool { return p.ID == id && sight.Partner(p) }) {
			delete(names, person)
		}
	}
	return names, nil
}

// JoinedContacts are those of a partner's people who have joined, by id, a page
// at a time. Others don't show: neither as gaps in a page nor by its cursor, for
// who reads it may not learn of them (R03).
func (s *Store) JoinedContacts(ctx context.Context, chain string, p network.Partner, cursor string, limit int) (page []network.Contact, next string, err error) {
	people, err := peopleBehind(p, cursor)
	if err != nil {
		return nil, "", err
	}
	for n := limit + 1; len(people) > 0 && len(page) <= limit; n = 100 { // a batch's most
		var keys []key
		for _, person := range people[:min(n, len(people))] {
			keys = append(keys, contactKey(person, chain, p.ID))
		}
		people = people[len(keys):]
		found, err := s.batchGet(ctx, false, keys...)
		if err != nil {
			return nil, "", wrap("joined contacts", err)
		}
		for _, k := range keys {
			var it contactItem
			if ok, err := found.into(k, &it); err != nil {
				return nil, "", wrap("joined contacts", err)
			} else if ok && it.Epoch == p.Epoch && it.JoinedAt != 0 {
				page = append(page, it.contact())
			}
		}
	}
	if len(page) > limit {
		page = page[:limit]
		next = encodeCursor(page[limit-1].Person)
	}
	return page, next, nil
}

// peopleBehind are the ids of a partner's people, in order, from behind the
// cursor on.
func peopleBehind(p network.Partner, cursor string) ([]string, error) {
	people := slices.Sorted(maps.Keys(p.People))
	if cursor == "" {
		return people, nil
	}
	last, err := decodeCursor(cursor)
	if err != nil {
		return nil, err
	}
	i, seen := slices.BinarySearch(people, last)
	if seen {
		i++
	}
	return people[i:], nil
}

// stateOf is how far a contact has come (R32).
func stateOf(c network.Chain, k network.Contact, told bool, now time.Time) network.ContactState {
	switch {
	case k.HasJoined():
		return network.ContactJoined
	case !k.LeftAt.IsZero():
		return network.ContactLeft
	case !k.DeclinedAt.IsZero():
		return network.ContactDeclined
	case k.Undeliverable != "" && k.OpenedAt.IsZero():
		return network.ContactUndeliverable
	case told && !now.Before(network.ExpiresAt(k.NoticeAt, 0, c.Policies)):
		return network.ContactExpired
	case !k.OpenedAt.IsZero():
		return network.ContactOpened
	case told:
		return network.ContactNotified
	}
	return network.ContactImported
}

// Leave ends a person's membership: ErrNotFound if they have none. A partner
// whose last person leaves is kept, empty (R39).
func (s *Store) Leave(ctx context.Context, chain, partner, person string, now time.Time) error {
	err := s.commit(ctx, func() (*tx, error) {
		var k contactItem
		found, err := s.get(ctx, contactKey(person, chain, partner), &k)
		if err != nil {
			return nil, err
		}
		if !found || k.JoinedAt == 0 {
			return nil, network.ErrNotFound
		}
		it, err := s.partnerItem(ctx, chain, partner)
		if err != nil {
			return nil, err
		}
		if k.Epoch != it.Epoch {
			return nil, network.ErrNotFound // what an older epoch gave has ended with it (R38)
		}
		t := s.tx()
		t.update(k.key, "SET LeftAt = :now, CameAt = if_not_exists(CameAt, JoinedAt), Edition = Edition + :one REMOVE JoinedAt", "Edition = :e", nil, vals{"now": at(now), "one": 1, "e": k.Edition})
		p := it.partner(chain)
		p.Joined--
		p.Edition++
		if p.Joined == 0 {
			p.State = network.PartnerEmpty // R39
			s.uncount(t, chain, it.Gate)
		}
		l := partnerList(chain, p)
		t.update(it.key, "SET Card = :card, LPK = :lpk, LSK = :lsk, Edition = :e", "Edition = :was AND Card.Joined = :joined", nil,
			vals{"card": newPartnerItem(p, it.Gate).Card, "lpk": l.PK, "lsk": l.SK, "e": p.Edition, "was": it.Edition, "joined": it.Card.Joined})
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return wrap("leave", err)
}

// Depart ends the memberships that a person has under a corp, in all chains
// that it is a partner of: they are in the corp no more. Twice is once.
func (s *Store) Depart(ctx context.Context, corp, person string, now time.Time) error {
	c, err := s.Corp(ctx, corp)
	if err != nil {
		return wrap("depart", err)
	}
	members, contacts, err := s.person(ctx, person)
	if err != nil {
		return wrap("depart", err)
	}
	if slices.ContainsFunc(members, func(m network.Member) bool { return m.Corp == corp }) {
		return nil // they are back, or never went
	}
	for _, k := range contacts {
		if !standing(k, c.Places[k.Chain]) {
			continue
		}
		if err := s.Leave(ctx, k.Chain, k.Partner, person, now); err != nil && !errors.Is(err, network.ErrNotFound) {
			return wrap("depart", err)
		}
	}
	return nil
}
