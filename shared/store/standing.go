package store

import (
	"context"
	"slices"
	"strings"

	"github.com/tributary-app/tributary/shared/network"
)

// Standing is how a person stands to the invite that they hold.
type Standing struct {
	Chain       network.Chain
	Corps       []network.Corp       // theirs, by name: one of them may join (R02)
	Memberships []Seat               // theirs in the invite's chain, the latest first
	Named       *Seat                // the roster's contact that they are and haven't come as yet: a notice's own, else any (R21)
	Group       string               // where Named will be, "" for the root
	Application *network.Application // their newest to the chain (R20)
	Conflict    *network.Dispute     // theirs as Named, which an admin is to settle (R23)
	Blocked     bool                 // they want no notices of the chain (R48)
}

// Seat is a contact, the partner that it is of, and the corp's name if it has
// joined under one.
type Seat struct {
	Contact  network.Contact
	Partner  network.Partner
	CorpName string
}

// Standing reads how a person stands to a ticket: at most three requests, no
// write (R13). It tells nothing but what is theirs, also of a dead invite;
// ErrNotFound if its chain isn't there. It may be a moment behind.
func (s *Store) Standing(ctx context.Context, t network.Ticket, person string) (Standing, error) {
	mine, err := s.belongings(ctx, person)
	if err != nil {
		return Standing{}, wrap("standing", err)
	}
	members := mine.members
	contacts := slices.DeleteFunc(mine.contacts, func(k network.Contact) bool { return k.Chain != t.Chain })
	keys := []key{chainKey(t.Chain), budgetKey(person)}
	for _, m := range members {
		keys = append(keys, corpKey(m.Corp))
	}
	for _, k := range contacts {
		keys = append(keys, partnerKey(t.Chain, k.Partner))
	}
	found, err := s.batchGet(ctx, false, unique(keys)...)
	if err != nil {
		return Standing{}, wrap("standing", err)
	}
	var chain chainItem
	if ok, err := found.into(keys[0], &chain); !ok || err != nil {
		return Standing{}, wrap("standing", orNotFound(err))
	}
	out := Standing{Chain: chain.chain()}
	var b budgetItem
	if _, err := found.into(keys[1], &b); err != nil {
		return Standing{}, wrap("standing", err)
	}
	out.Blocked = slices.Contains(b.Blocked, t.Chain)
	for _, it := range mine.applications {
		if a := it.application(); a.Chain == t.Chain && (out.Application == nil || a.CreatedAt.After(out.Application.CreatedAt)) {
			out.Application = &a
		}
	}
	places := map[string]network.Corp{}
	for _, m := range members {
		var it corpItem
		if ok, err := found.into(corpKey(m.Corp), &it); err != nil {
			return Standing{}, wrap("standing", err)
		} else if ok {
			places[m.Corp] = it.corp()
			out.Corps = append(out.Corps, places[m.Corp])
		}
	}
	slices.SortFunc(out.Corps, func(a, b network.Corp) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	for _, k := range contacts {
		var it partnerItem
		if ok, err := found.into(partnerKey(t.Chain, k.Partner), &it); err != nil {
			return Standing{}, wrap("standing", err)
		} else if !ok {
			continue
		}
		seat := Seat{k, it.partner(t.Chain), places[k.Corp].Name}
		seat.Partner.Group = out.Chain.Landing(seat.Partner.Group)
		switch {
		case standing(k, places[k.Corp].Places[t.Chain]):
			out.Memberships = append(out.Memberships, seat)
		case k.HasJoined(), !k.LeftAt.IsZero(), k.Import == "", k.Epoch != seat.Partner.Epoch, seat.Partner.State == network.PartnerRemoved:
		case t.IsNotice() && k.Partner != t.Partner:
		case out.Named == nil:
			out.Named = &seat
		}
	}
	slices.SortFunc(out.Memberships, func(a, b Seat) int { return b.Contact.JoinedAt.Compare(a.Contact.JoinedAt) })
	if out.Named == nil {
		return out, nil
	}
	group := groupKey(t.Chain, out.Named.Partner.Group)
	keys = conflicts(t, person, *out.Named, out.Corps, contacts)
	if out.Named.Partner.Group > network.RootGroup {
		keys = append(keys, group)
	}
	if len(keys) == 0 {
		return out, nil
	}
	if found, err = s.batchGet(ctx, false, keys...); err != nil {
		return Standing{}, wrap("standing", err)
	}
	for _, k := range keys {
		if k == group {
			var g groupItem
			if _, err := found.into(k, &g); err != nil {
				return Standing{}, wrap("standing", err)
			}
			out.Group = g.Name
			continue
		}
		var it disputeItem
		if ok, err := found.into(k, &it); err != nil {
			return Standing{}, wrap("standing", err)
		} else if d := it.dispute(t.Chain); ok && d.State == network.DisputeOpen && (out.Conflict == nil || d.CreatedAt.After(out.Conflict.CreatedAt)) {
			out.Conflict = &d
		}
	}
	return out, nil
}

// conflicts are the keys of those that there can be about the person as named:
// under each corp that they might have chosen, and that can't be its own (R23).
func conflicts(t network.Ticket, person string, named Seat, corps []network.Corp, contacts []network.Contact) (keys []key) {
	taken := named.Partner.Corp
	j := network.Joining{Chain: network.Chain{ID: t.Chain}, Ticket: t, Person: network.Person{ID: person}, Contacts: contacts}
	about := func(wish string) {
		keys = append(keys, disputeKey(t.Chain, network.DisputeID(t.Chain, named.Partner.ID, person, wish)))
	}
	for _, c := range corps {
		j.Corps = append(j.Corps, c.ID)
		place := c.Places[t.Chain]
		if taken != "" && taken != c.ID || place.Guest() && place.Partner != named.Partner.ID {
			about(c.ID)
		}
	}
	if taken != "" {
		about(j.NewCorpID("")) // a roster's has no name of theirs in its id
	}
	return keys
}
