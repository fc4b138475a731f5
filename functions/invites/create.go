package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// request is an invite as its maker asks for it; nil is left out.
type request struct {
	Kind      *string `json:"kind"`
	GroupID   *int    `json:"group_id"`
	MaxUses   *int    `json:"max_uses"`
	ExpiresIn *int64  `json:"expires_in"` // seconds
	Phone     *string `json:"phone"`
	CorpID    *string `json:"corp_id"`
	Note      *string `json:"note"`
}

func (i *invites) create(w http.ResponseWriter, r *http.Request) error {
	a, err := i.actor(r)
	if err != nil {
		return err
	}
	var req request
	if err := web.Read(r, &req); err != nil {
		return err
	}
	once, err := i.once(r, a)
	if err != nil {
		return err
	}
	v, err := req.invite(a)
	if err != nil {
		return err
	}
	if a.Side == network.Guest && v.Corp == "" && !a.Chain.PartnersMayInvite {
		v.Corp = a.Corp.ID // R07: whom a partner may invite then are its own
	}
	if err := i.mayMake(a, v); err != nil {
		return err
	}
	if v.Group, err = i.group(r.Context(), a, req.GroupID); err != nil {
		return err
	}
	if v.MakerName, err = i.name(r.Context(), a); err != nil {
		return err
	}
	v.CreatedAt = once.Now
	v.ID = network.NewInviteID(v.CreatedAt)
	if v, err = i.store.CreateInvite(r.Context(), a.Chain, v, once); err != nil {
		return err
	}
	// As it was when it was made: a repeat by Idempotency-Key says the same.
	view, err := i.view(a.Chain, a.Chain.Landing(v.Group), v, v.CreatedAt)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, view)
}

// mayMake holds R07, and R04: the corp may have become what can't since.
func (i *invites) mayMake(a network.Actor, v network.Invite) error {
	if err := a.MayInvite(v); err != nil {
		return err
	}
	if !a.Corp.Eligible() {
		return network.ErrCorpNotEligible
	}
	return nil
}

func (i *invites) once(r *http.Request, a network.Actor) (store.Once, error) {
	return caller.Once(r, a.Person.ID, a.Corp.ID, "invite", i.now())
}

// invite is what is asked for, or which fields of it are wrong. What is left
// out and what is nothing differ: a link for 0 people is nobody's wish.
func (q request) invite(a network.Actor) (network.Invite, error) {
	v := network.Invite{Chain: a.Chain.ID, Kind: "link", Maker: a.Person.ID, MakerCorp: a.Corp.ID, Version: 1}
	if a.Contact != nil {
		v.MakerPartner = a.Contact.Partner
	}
	var wrong []error
	if q.Kind != nil {
		if v.Kind = *q.Kind; v.Kind == network.KindMigration {
			v.Kind = "" // made with its group alone
		}
	}
	if q.MaxUses != nil {
		if *q.MaxUses < 1 {
			wrong = append(wrong, network.InvalidField("max_uses", "out_of_range", "max_uses is at least 1; left out, there is no limit"))
		} else {
			v.MaxUses = *q.MaxUses
		}
	}
	if q.ExpiresIn != nil {
		longest := int64(a.Chain.MaxLife() / time.Second)
		if *q.ExpiresIn < 1 || *q.ExpiresIn > longest {
			wrong = append(wrong, network.InvalidField("expires_in", "out_of_range", "expires_in is 1 second to the policy's life"))
		} else {
			v.Own = time.Duration(*q.ExpiresIn) * time.Second
		}
	}
	if q.Phone != nil {
		var ok bool
		if v.Phone, ok = network.ParsePhone(web.Tidy(*q.Phone)); !ok {
			wrong = append(wrong, network.InvalidField("phone", "malformed", "phone is E.164, or a mainland mobile number"))
		}
	}
	if q.CorpID != nil {
		if !network.ValidCorpID(*q.CorpID) {
			wrong = append(wrong, network.InvalidField("corp_id", "not_allowed", "corp_id is no corp's id"))
		} else {
			v.Corp = *q.CorpID
		}
	}
	if q.Note != nil {
		v.Note = web.Tidy(*q.Note)
	}
	return v, network.All(append(wrong, v.Check(a.Chain.MaxLife()))...)
}

// group is where those who come by the invite land (R08). The owner's people
// choose any that they see; a partner's see the one that it stands in.
func (i *invites) group(ctx context.Context, a network.Actor, asked *int) (int, error) {
	if a.Side == network.Owner && (asked == nil || *asked == network.RootGroup) {
		return network.RootGroup, nil
	}
	sight, err := i.store.SightOfGroups(ctx, a)
	if err != nil {
		return 0, err
	}
	if asked != nil && !sight.Group(*asked) {
		return 0, network.ErrGroupNotFound
	}
	if a.Side == network.Owner {
		g, err := i.store.Group(ctx, a.Chain.ID, *asked)
		return g.ID, err
	}
	return a.Chain.Landing(sight.Own().Group), nil
}

// name is what guests read of who invites them: as they sign in, else as
// their corp calls them.
func (i *invites) name(ctx context.Context, a network.Actor) (string, error) {
	name := strings.TrimSpace(a.Person.Name)
	if network.CheckPersonName("name", name) == nil {
		return name, nil
	}
	m, err := i.store.Member(ctx, a.Corp.ID, a.Person.ID)
	if errors.Is(err, network.ErrNotFound) {
		return a.Corp.Name, nil // taken out this very moment
	}
	return cmp.Or(m.Name, a.Corp.Name), err
}
