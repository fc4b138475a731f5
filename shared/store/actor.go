package store

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// Actor is who is asking (R01): the person, under the corp that they name or
// their only one, and where chain is not "" what they are in it. Who has no
// part in the chain gets ErrNotFound, as if it weren't there (R37).
//
// Two reads, whatever the size of anything; consistent, so that who has been
// removed is out with that request (R38).
func (s *Store) Actor(ctx context.Context, p network.Person, corp, chain string) (network.Actor, error) {
	members, contacts, err := s.person(ctx, p.ID)
	if err != nil {
		return network.Actor{}, wrap("actor", err)
	}
	mine := make([]string, len(members))
	for i, m := range members {
		mine[i] = m.Corp
	}
	if corp, err = network.PickCorp(corp, mine); err != nil {
		return network.Actor{}, err
	}
	role := members[slices.IndexFunc(members, func(m network.Member) bool { return m.Corp == corp })].Role
	keys := []key{corpKey(corp)}
	if chain != "" {
		keys = append(keys, chainKey(chain))
		if role != network.SuperAdmin { // who is an admin of their own chains, and appointed in no other
			keys = append(keys, adminKey(chain, p.ID))
		}
	}
	found, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return network.Actor{}, wrap("actor", err)
	}
	var ci corpItem
	if ok, err := found.into(corpKey(corp), &ci); !ok || err != nil {
		return network.Actor{}, wrap("actor", orNotFound(err))
	}
	a := network.Actor{Person: p, Corp: ci.corp(), Role: role}
	if chain == "" {
		return a, nil
	}
	var ch chainItem
	if ok, err := found.into(chainKey(chain), &ch); !ok || err != nil {
		return network.Actor{}, wrap("actor", orNotFound(err))
	}
	a.Chain = ch.chain()
	if a.Chain.Dissolved() {
		return network.Actor{}, network.ErrNotFound
	}
	_, appointed := found[adminKey(chain, p.ID)]
	if a, ok := placed(a, contacts, appointed); ok {
		return a, nil
	}
	return network.Actor{}, network.ErrNotFound
}

// placed is the actor with what they are in their chain under their corp; ok is
// false for who has no part in it.
func placed(a network.Actor, contacts []network.Contact, appointed bool) (_ network.Actor, ok bool) {
	place := a.Corp.Places[a.Chain.ID]
	switch place.Side {
	case network.Owner:
		a.Side = network.Owner
		a.Admin = a.Role == network.SuperAdmin || appointed
		return a, true
	case network.Guest:
		for _, k := range contacts {
			if k.Chain == a.Chain.ID && standing(k, place) {
				a.Side, a.Contact = network.Guest, &k
				return a, true
			}
		}
	}
	return a, false
}

// InChain is what a person is in one chain.
type InChain struct {
	Actors   []network.Actor   // as whom they may act in it, one a corp
	Member   *network.Member   // of the owner corp
	Contacts []network.Contact // of its partners: who is still to join or has left too, but not who was taken out or erased
}

// As is the actor that the person is under a corp, or under their only one that
// has a part in the chain if corp is "": ErrCorpRequired if there are several,
// ErrNotFound if there is none.
func (p InChain) As(corp string) (network.Actor, error) {
	i := 0
	if corp != "" {
		i = slices.IndexFunc(p.Actors, func(a network.Actor) bool { return a.Corp.ID == corp })
	}
	switch {
	case i < 0 || len(p.Actors) == 0:
		return network.Actor{}, network.ErrNotFound
	case corp == "" && len(p.Actors) > 1:
		return network.Actor{}, network.ErrCorpRequired
	}
	return p.Actors[i], nil
}

// PersonIn is what a person is in the chain; nothing, if the chain doesn't know
// them. Two requests, whoever it is and wherever else they are (R37). They have
// no name and no phone, unless as Member or Contacts.
func (s *Store) PersonIn(ctx context.Context, c network.Chain, person string) (InChain, error) {
	members, contacts, err := s.person(ctx, person)
	if err != nil {
		return InChain{}, wrap("person in chain", err)
	}
	keys := []key{adminKey(c.ID, person)}
	for _, m := range members {
		keys = append(keys, corpKey(m.Corp))
	}
	found, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return InChain{}, wrap("person in chain", err)
	}
	_, appointed := found[adminKey(c.ID, person)]
	var p InChain
	for _, k := range contacts {
		if k.Chain == c.ID && k.Epoch != gone && !k.Erased() {
			p.Contacts = append(p.Contacts, k)
		}
	}
	for _, m := range members {
		var ci corpItem
		if ok, err := found.into(corpKey(m.Corp), &ci); err != nil {
			return InChain{}, wrap("person in chain", err)
		} else if !ok {
			continue
		}
		a := network.Actor{Person: network.Person{ID: person}, Corp: ci.corp(), Role: m.Role, Chain: c}
		if a, ok := placed(a, p.Contacts, appointed); ok {
			p.Actors = append(p.Actors, a)
		}
		if m.Corp == c.OwnerCorp {
			p.Member = &m
		}
	}
	return p, nil
}

// standing reports whether the contact is in the chain as its corp is placed
// there now (R38).
func standing(k network.Contact, place network.Place) bool {
	return k.HasJoined() && place.Guest() && k.Partner == place.Partner && k.Epoch == place.Epoch
}

func orNotFound(err error) error {
	if err != nil {
		return err
	}
	return network.ErrNotFound
}

// belongings are all that lies with a person.
type belongings struct {
	members      []network.Member
	contacts     []network.Contact
	applications []applicationItem
}

// person reads what a person is: member of corps, contact in chains. One
// query; a person is in few places.
func (s *Store) person(ctx context.Context, person string) (members []network.Member, contacts []network.Contact, err error) {
	b, err := s.belongings(ctx, person)
	return b.members, b.contacts, err
}

func (s *Store) belongings(ctx context.Context, person string) (b belongings, err error) {
	err = s.queryAll(ctx, memberKey(person, "").PK, "", true, func(item map[string]types.AttributeValue) error {
		switch kind, _, _ := strings.Cut(keyOf(item).SK, "#"); kind {
		case "CORP":
			var it memberItem
			if err := attributevalue.UnmarshalMap(item, &it); err != nil {
				return err
			}
			b.members = append(b.members, it.member())
		case "CHAIN":
			var it contactItem
			if err := attributevalue.UnmarshalMap(item, &it); err != nil {
				return err
			}
			b.contacts = append(b.contacts, it.contact())
		case "APPLY":
			var it applicationItem
			if err := attributevalue.UnmarshalMap(item, &it); err != nil {
				return err
			}
			b.applications = append(b.applications, it)
		}
		return nil
	})
	return b, err
}

// Mine is everything that a person has a part in.
type Mine struct {
	Corps  []Membership
	Chains []Part
}

// Membership is a corp that the person is in.
type Membership struct {
	Corp network.Corp
	Role network.Role
}

// Part is a chain that the person takes part in under one of their corps.
type Part struct {
	Chain network.Chain
	Corp  string
	Side  network.Side
}

// Me is all that a person has a part in, corps and chains by id.
func (s *Store) Me(ctx context.Context, person string) (Mine, error) {
	members, contacts, err := s.person(ctx, person)
	if err != nil {
		return Mine{}, wrap("me", err)
	}
	var keys []key
	for _, m := range members {
		keys = append(keys, corpKey(m.Corp))
	}
	found, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return Mine{}, wrap("me", err)
	}
	var mine Mine
	var parts []Part
	keys = nil
	for _, m := range members {
		var ci corpItem
		if ok, err := found.into(corpKey(m.Corp), &ci); err != nil {
			return Mine{}, wrap("me", err)
		} else if !ok {
			continue
		}
		corp := ci.corp()
		mine.Corps = append(mine.Corps, Membership{corp, m.Role})
		for chain, place := range corp.Places {
			in := place.Side == network.Owner || slices.ContainsFunc(contacts, func(k network.Contact) bool { return k.Chain == chain && standing(k, place) })
			if in {
				parts = append(parts, Part{network.Chain{ID: chain}, corp.ID, place.Side})
			}
		}
	}
	mine.Chains, err = s.fill(ctx, parts)
	return mine, wrap("me", err)
}

// fill reads the chains of parts, and leaves out those that are dissolved.
func (s *Store) fill(ctx context.Context, parts []Part) ([]Part, error) {
	slices.SortFunc(parts, func(a, b Part) int { return strings.Compare(a.Chain.ID+a.Corp, b.Chain.ID+b.Corp) })
	var keys []key
	for _, p := range parts {
		if k := chainKey(p.Chain.ID); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	found, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return nil, err
	}
	var out []Part
	for _, p := range parts {
		var it chainItem
		if ok, err := found.into(chainKey(p.Chain.ID), &it); err != nil {
			return nil, err
		} else if ok && it.DissolvedAt == 0 {
			p.Chain = it.chain()
			out = append(out, p)
		}
	}
	return out, nil
}

// Chains are those that the actor takes part in under the acting corp, by id,
// a page at a time.
func (s *Store) Chains(ctx context.Context, a network.Actor, cursor string, limit int) (page []Part, next string, err error) {
	last := ""
	if cursor != "" {
		if last, err = decodeCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	_, contacts, err := s.person(ctx, a.Person.ID)
	if err != nil {
		return nil, "", wrap("chains", err)
	}
	var parts []Part
	for chain, place := range a.Corp.Places {
		in := place.Side == network.Owner || slices.ContainsFunc(contacts, func(k network.Contact) bool { return k.Chain == chain && standing(k, place) })
		if in && chain > last {
			parts = append(parts, Part{network.Chain{ID: chain}, a.Corp.ID, place.Side})
		}
	}
	slices.SortFunc(parts, func(a, b Part) int { return strings.Compare(a.Chain.ID, b.Chain.ID) })
	if len(parts) > limit {
		parts = parts[:limit]
		next = encodeCursor(parts[limit-1].Chain.ID)
	}
	page, err = s.fill(ctx, parts)
	return page, next, wrap("chains", err)
}
