package main

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

type explainJSON struct {
	Visible bool          `json:"visible"`
	Because []becauseJSON `json:"because"`
}

type becauseJSON struct {
	Code   network.Because `json:"code"`
	RuleID string          `json:"rule_id,omitempty"`
	Text   string          `json:"text"`
}

// explain tells an admin whether somebody sees a partner or a person, and what
// decides it (R36). It asks the sight that the lists ask.
func (d *directory) explain(w http.ResponseWriter, r *http.Request) error {
	a, err := d.admin(r)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "viewer", "viewer_corp", "target")
	if err != nil {
		return err
	}
	if err := network.All(needed(q, "viewer"), needed(q, "target")); err != nil {
		return err
	}
	v, err := d.viewer(r.Context(), a.Chain, q)
	if err != nil {
		return err
	}
	verdicts, err := d.judge(r.Context(), v, q.Get("target"))
	if err != nil {
		return err
	}
	words := wording{lang: web.Language(r), viewer: v}
	if slices.ContainsFunc(verdicts, func(v verdict) bool { return v.namesGroups(words.sight) }) {
		if words.tree, err = d.store.Tree(r.Context(), a.Chain.ID); err != nil {
			return err
		}
	}
	out := explainJSON{Visible: slices.ContainsFunc(verdicts, func(v verdict) bool { return v.visible })}
	for _, v := range verdicts {
		if v.visible != out.Visible {
			continue // who is seen as one thing is seen, whatever hides them as another
		}
		for _, why := range v.because {
			b := becauseJSON{why.Because, why.Rule, words.of(v, why)}
			if !slices.Contains(out.Because, b) {
				out.Because = append(out.Because, b)
			}
		}
	}
	w.Header().Set("Content-Language", string(words.lang))
	return web.JSON(w, http.StatusOK, out)
}

func needed(q web.Params, name string) error {
	if q.Get(name) == "" {
		return network.InvalidField(name, "missing", "This parameter is needed.")
	}
	return nil
}

// viewer is who looks, with what they see.
type viewer struct {
	network.Actor
	name  string
	sight *network.Sight
}

// viewer is the query's: on the Outside for who is still to join the chain or
// has left it. Of whom it doesn't know it says no more than of nobody (R37).
func (d *directory) viewer(ctx context.Context, chain network.Chain, q web.Params) (v viewer, err error) {
	person, corp := q.Get("viewer"), q.Get("viewer_corp")
	if !network.ValidPersonID(person) {
		return v, caller.Nobody("viewer")
	}
	p, err := d.store.PersonIn(ctx, chain, person)
	if err != nil {
		return v, err
	}
	under := func(k network.Contact) bool { return corp == "" || k.Corp == corp }
	v.Actor, err = p.As(corp)
	switch {
	case errors.Is(err, network.ErrCorpRequired):
		return v, caller.SeveralCorps("viewer_corp")
	case err != nil && slices.ContainsFunc(p.Contacts, under):
		v.Actor = network.Actor{Person: network.Person{ID: person}, Chain: chain, Side: network.Outside}
	case err != nil && len(p.Actors)+len(p.Contacts) > 0:
		return v, caller.Nobody("viewer_corp")
	case err != nil:
		return v, caller.Nobody("viewer")
	}
	if p.Member != nil {
		v.name = p.Member.Name
	}
	v.sight, err = d.store.Sight(ctx, v.Actor)
	return v, err
}

// verdict is whether the viewer sees the target as one of the things that it
// is: a partner, somebody of a partner, somebody of the owner corp.
type verdict struct {
	visible bool
	because []network.Reason
	partner network.Partner // unless it is somebody of the owner corp
	host    network.Member  // else
}

func (v verdict) namesGroups(sight *network.Sight) bool {
	return slices.ContainsFunc(v.because, func(why network.Reason) bool {
		r, _ := sight.Rule(why.Rule)
		return len(r.Partner.Groups) > 0
	})
}

// judge is at least one verdict. A target that the chain doesn't know isn't
// there.
func (d *directory) judge(ctx context.Context, v viewer, target string) ([]verdict, error) {
	if network.ValidPartnerID(target) {
		p, err := d.store.Partner(ctx, v.Chain.ID, target)
		if errors.Is(err, network.ErrNotFound) {
			err = caller.Nobody("target")
		}
		return []verdict{{visible: v.sight.Partner(p), because: v.sight.WhyPartner(p), partner: p}}, err
	}
	if !network.ValidPersonID(target) {
		return nil, caller.Nobody("target")
	}
	who, err := d.store.PersonIn(ctx, v.Chain, target)
	if err != nil {
		return nil, err
	}
	if who.Member == nil && len(who.Contacts) == 0 {
		return nil, caller.Nobody("target")
	}
	var ids []string
	for _, k := range who.Contacts {
		ids = append(ids, k.Partner)
	}
	partners, err := d.store.PartnersOf(ctx, v.Chain.ID, ids) // without those that were removed, and their people with them (R38)
	if err != nil {
		return nil, err
	}
	var all []verdict
	for _, p := range partners {
		k := who.Contacts[slices.Index(ids, p.ID)]
		if _, in := p.People[target]; in && k.Epoch == p.Epoch {
			all = append(all, verdict{visible: v.sight.Contact(p, k), because: v.sight.WhyContact(p, k), partner: p})
		}
	}
	hosts, err := d.judgeHost(ctx, v, target, who.Actors, who.Member)
	if err != nil {
		return nil, err
	}
	if all = append(all, hosts...); len(all) == 0 {
		all = []verdict{{because: []network.Reason{{Because: network.BecauseNotInChain}}}}
	}
	return all, nil
}

// judgeHost judges what hosts and members list: the owner's people, and who
// invited the viewer.
func (d *directory) judgeHost(ctx context.Context, v viewer, target string, as []network.Actor, m *network.Member) (all []verdict, err error) {
	var inviter *contactJSON
	var by string
	if v.Side == network.Guest {
		if inviter, by, err = d.inviter(ctx, v.Actor); err != nil {
			return nil, err
		}
	}
	host := network.Host{Person: target, Inviter: inviter != nil && by == target}
	for _, a := range as {
		if a.Side == network.Owner && m != nil {
			host.Role = a.HostRole()
			all = append(all, verdict{visible: v.sight.Host(host), because: v.sight.WhyHost(host), host: *m})
		}
	}
	// Somebody of another partner who isn't an admin as well: those are shown as such alone.
	if host.Inviter && inviter.Side == network.Guest && (host.Role == "" || host.Role == network.HostMember) {
		all = append(all, verdict{visible: true, because: []network.Reason{{Because: network.BecauseInviter}}})
	}
	return all, nil
}
