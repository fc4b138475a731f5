package main

import (
	"context"
	"errors"

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
			if !a.SeesPhone(k.Person) {
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
// invited them (R35). They are read only where a page comes to them.
func (d *directory) hosts(a network.Actor) part {
	return part{"h", func(ctx context.Context, cursor string, limit int) ([]itemJSON, string, error) {
		hosts, err := d.admins(ctx, a.Chain)
		if err != nil {
			return nil, "", err
		}
		inviter, err := d.inviter(ctx, a)
		if err != nil {
			return nil, "", err
		}
		if inviter != nil && !isAmong(hosts, inviter.ContactID) {
			hosts = append(hosts, itemJSON{Kind: "contact", Contact: inviter})
		}
		return listed("h", hosts).page(ctx, cursor, limit)
	}}
}

func isAmong(items []itemJSON, contact string) bool {
	for _, i := range items {
		if i.Contact.ContactID == contact {
			return true
		}
	}
	return false
}

// admins are the owner corp's super-admins and the members that were made
// chain admins. Of them a guest learns what they are called, and no phone.
func (d *directory) admins(ctx context.Context, c network.Chain) ([]itemJSON, error) {
	members, err := d.store.SuperAdmins(ctx, c.OwnerCorp)
	if err != nil {
		return nil, err
	}
	appointed, err := d.store.Admins(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	var items []itemJSON
	add := func(m network.Member) {
		if k := d.host(c, m, "admin"); !isAmong(items, k.ContactID) {
			items = append(items, itemJSON{Kind: "contact", Contact: k})
		}
	}
	for _, m := range members {
		add(m)
	}
	for _, k := range appointed {
		m, err := d.store.Member(ctx, c.OwnerCorp, k.Person)
		if errors.Is(err, network.ErrNotFound) {
			continue // has left the corp since
		}
		if err != nil {
			return nil, err
		}
		add(m)
	}
	return items, nil
}

func (d *directory) host(c network.Chain, m network.Member, role string) *contactJSON {
	return &contactJSON{ContactID: d.person.Contact(c.ID, m.Person), Name: m.Name, Side: network.Owner, Role: role, Corp: c.OwnerName}
}

// inviter is who made the link that the caller came by, as long as they are
// still there; nil for who came by a notice, and for who is in the chain no
// more.
func (d *directory) inviter(ctx context.Context, a network.Actor) (*contactJSON, error) {
	if a.Contact.Invite == "" {
		return nil, nil
	}
	v, err := d.store.Invite(ctx, a.Chain.ID, a.Contact.Invite)
	if err != nil {
		return nil, gone(err)
	}
	m, err := d.store.Member(ctx, v.MakerCorp, v.Maker)
	if err != nil {
		return nil, gone(err)
	}
	if v.MakerCorp == a.Chain.OwnerCorp {
		return d.host(a.Chain, m, "inviter"), nil
	}
	if v.MakerCorp == a.Corp.ID {
		return nil, nil // a colleague, and shown as one
	}
	corp, err := d.store.Corp(ctx, v.MakerCorp)
	if err != nil {
		return nil, gone(err)
	}
	place := corp.Places[a.Chain.ID]
	if !place.Guest() {
		return nil, nil
	}
	return &contactJSON{
		ContactID: d.person.Contact(a.Chain.ID, m.Person), Name: m.Name, Side: network.Guest, Role: "inviter", PartnerID: &place.Partner, Corp: corp.Name,
	}, nil
}

// gone takes what isn't there any more for no error.
func gone(err error) error {
	if errors.Is(err, network.ErrNotFound) {
		return nil
	}
	return err
}
