package main

import (
	"context"
	"errors"
	"slices"

	"github.com/tributary-app/tributary/shared/network"
)

// colleagues are the people of the caller's own partner who have joined, and
// nobody who hasn't (R03).
func (d *directory) colleagues(a network.Actor, own network.Partner) part {
	return part{"c", func(ctx context.Context, cursor string, limit int) ([]itemJSON, string, error) {
		found, next, err := d.store.JoinedContacts(ctx, a.Chain.ID, own, cursor, limit)
		var items []itemJSON
		for _, k := range found {
			phone := k.Phone
			if !a.SeesPhone(k.Person, own.ID) {
				phone = network.MaskPhone(phone)
			}
			items = append(items, itemJSON{Kind: "contact", Contact: &contactJSON{
				ContactID: d.person.Contact(k.Chain, k.Person), Name: k.Name, Side: network.Guest, Role: "colleague", Phone: phone, Identity: k.Identity(),
				PartnerID: &own.ID, Corp: a.Corp.Name, JoinedAt: &k.JoinedAt,
			}})
		}
		return items, next, err
	}}
}

// hosts are whom a partner's people turn to: the chain's admins, and who
// invited them (R35), but for whom a rule hides. They are read only where a
// page comes to them.
func (d *directory) hosts(a network.Actor, sight *network.Sight) part {
	return part{"h", func(ctx context.Context, cursor string, limit int) ([]itemJSON, string, error) {
		admins, err := d.store.ChainAdmins(ctx, a.Chain)
		if err != nil {
			return nil, "", err
		}
		inviter, by, err := d.inviter(ctx, a)
		if err != nil {
			return nil, "", err
		}
		var hosts []keyed
		invited := false
		for _, m := range admins {
			h := hostOf(m, admins)
			if h.Inviter = m.Person == by; h.Inviter {
				invited = true
			}
			if sight.Host(h) {
				rank := "1 "
				if h.Role == network.HostSuperAdmin {
					rank = "0 "
				}
				hosts = append(hosts, keyed{rank + m.Name + " " + m.Person, itemJSON{Kind: "contact", Contact: d.host(a.Chain, m, "admin")}})
			}
		}
		ours := inviter != nil && inviter.Side == network.Owner
		if inviter != nil && !invited && (!ours || sight.Host(network.Host{Person: by, Role: network.HostMember, Inviter: true})) {
			hosts = append(hosts, keyed{"2 " + inviter.ContactID, itemJSON{Kind: "contact", Contact: inviter}})
		}
		return listed("h", hosts).page(ctx, cursor, limit)
	}}
}

// members are those of the owner's people whom a rule lets a partner's people
// see, and whom hosts doesn't name: the people that it names, or every.
func (d *directory) members(a network.Actor, sight *network.Sight, people []string, every bool) part {
	return part{"m", func(ctx context.Context, cursor string, limit int) ([]itemJSON, string, error) {
		admins, err := d.store.ChainAdmins(ctx, a.Chain)
		if err != nil {
			return nil, "", err
		}
		_, by, err := d.inviter(ctx, a)
		if err != nil {
			return nil, "", err
		}
		var items []itemJSON
		show := func(m network.Member) {
			if h := hostOf(m, admins); h.Role == network.HostMember && m.Person != by && sight.Host(h) {
				items = append(items, itemJSON{Kind: "contact", Contact: d.host(a.Chain, m, "member")})
			}
		}
		if every {
			found, next, err := d.store.Members(ctx, a.Chain.OwnerCorp, cursor, limit)
			for _, m := range found {
				show(m)
			}
			return items, next, err
		}
		from, there := slices.BinarySearch(people, cursor)
		if there {
			from++
		}
		next := ""
		if people = people[from:]; len(people) > min(limit, membersAPage) {
			people = people[:min(limit, membersAPage)]
			next = people[len(people)-1]
		}
		for _, person := range people {
			m, err := d.store.Member(ctx, a.Chain.OwnerCorp, person)
			if errors.Is(err, network.ErrNotFound) {
				continue // has left the corp since
			}
			if err != nil {
				return nil, "", err
			}
			show(m)
		}
		return items, next, nil
	}}
}

// membersAPage is how many people that rules name one page looks up.
const membersAPage = 8

// hostOf is one of the owner's people as a rule sees them.
func hostOf(m network.Member, admins []network.Member) network.Host {
	h := network.Host{Person: m.Person, Role: network.HostMember}
	switch {
	case m.Role == network.SuperAdmin:
		h.Role = network.HostSuperAdmin
	case slices.ContainsFunc(admins, func(a network.Member) bool { return a.Person == m.Person }):
		h.Role = network.HostAdmin
	}
	return h
}

func (d *directory) host(c network.Chain, m network.Member, role string) *contactJSON {
	return &contactJSON{ContactID: d.person.Contact(c.ID, m.Person), Name: m.Name, Side: network.Owner, Role: role, Corp: c.OwnerName}
}

// inviter is who made the link that the caller came by, as long as they are
// still there, with their person's id; nil for who came by a notice, and for
// who is in the chain no more.
func (d *directory) inviter(ctx context.Context, a network.Actor) (*contactJSON, string, error) {
	if a.Contact.Invite == "" {
		return nil, "", nil
	}
	v, err := d.store.Invite(ctx, a.Chain.ID, a.Contact.Invite)
	if err != nil {
		return nil, "", gone(err)
	}
	m, err := d.store.Member(ctx, v.MakerCorp, v.Maker)
	if err != nil {
		return nil, "", gone(err)
	}
	if v.MakerCorp == a.Chain.OwnerCorp {
		return d.host(a.Chain, m, "inviter"), m.Person, nil
	}
	if v.MakerCorp == a.Corp.ID {
		return nil, "", nil // a colleague, and shown as one
	}
	corp, err := d.store.Corp(ctx, v.MakerCorp)
	if err != nil {
		return nil, "", gone(err)
	}
	place := corp.Places[a.Chain.ID]
	if !place.Guest() {
		return nil, "", nil
	}
	return &contactJSON{
		ContactID: d.person.Contact(a.Chain.ID, m.Person), Name: m.Name, Side: network.Guest, Role: "inviter", PartnerID: &place.Partner, Corp: corp.Name,
	}, m.Person, nil
}

// gone takes what isn't there any more for no error.
func gone(err error) error {
	if errors.Is(err, network.ErrNotFound) {
		return nil
	}
	return err
}
