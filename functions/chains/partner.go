package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

type partnerJSON struct {
	PartnerID string               `json:"partner_id"`
	Name      string               `json:"name"`
	Alias     string               `json:"alias"`
	CustomID  string               `json:"custom_id"`
	GroupID   int                  `json:"group_id"`
	State     network.PartnerState `json:"state"`
	CorpID    *string              `json:"corp_id"`
	Imported  bool                 `json:"imported"`
	Contacts  int                  `json:"contacts"`
	JoinedAt  *time.Time           `json:"joined_at"`
}

// showPartner is a partner as the actor may see it: who is still to join is
// for the owner's people to know (R03), and so is their number of it.
func showPartner(a network.Actor, p network.Partner) partnerJSON {
	out := partnerJSON{p.ID, p.Name, p.Alias, p.CustomID, p.Group, p.State, orNull(p.Corp), p.Imported, p.Contacts, momentOrNull(p.JoinedAt)}
	if a.Side != network.Owner {
		out.Contacts, out.CustomID = p.Joined, ""
	}
	return out
}

// listPartners lists partners: of a group, of a group and all below it, or of
// the whole chain.
func (c *chains) listPartners(w http.ResponseWriter, r *http.Request) error {
	a, err := c.actor(r)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "group_id", "state", "recursive", "limit", "cursor")
	if err != nil {
		return err
	}
	limit, err := q.Limit()
	if err != nil {
		return err
	}
	group, err := q.Int("group_id", 0)
	if err != nil {
		return err
	}
	if group < network.RootGroup && q.Get("group_id") != "" {
		return network.ErrGroupNotFound
	}
	recursive, err := q.Bool("recursive")
	if err != nil {
		return err
	}
	asked, err := q.OneOf("state", string(network.PartnerPending), string(network.PartnerJoined), string(network.PartnerEmpty))
	if err != nil {
		return err
	}
	state := network.PartnerState(asked)

	if a.Side == network.Guest {
		own, err := c.store.Partner(r.Context(), a.Chain.ID, a.Contact.Partner)
		if err != nil {
			return err
		}
		switch {
		case group != 0 && !a.SeesGroup(group, own.Group):
			return network.ErrGroupNotFound
		case state != "" && state != network.PartnerJoined:
			return web.List[partnerJSON](w, nil, "")
		case !a.SeesPartners():
			return web.List(w, []partnerJSON{showPartner(a, own)}, "")
		}
		state = network.PartnerJoined // others than these it doesn't see, and is one itself
	}

	groups, err := c.within(r.Context(), a.Chain.ID, group, recursive)
	if err != nil {
		return err
	}
	page, next, err := c.partners(r.Context(), a.Chain.ID, groups, store.PartnerQuery{State: state, Cursor: q.Cursor(), Limit: limit})
	if err != nil {
		return err
	}
	var items []partnerJSON
	for _, p := range page {
		if a.Sees(p) {
			items = append(items, showPartner(a, p))
		}
	}
	return web.List(w, items, next)
}

// within are the groups that a list is of, ascending; nil is the whole chain.
func (c *chains) within(ctx context.Context, chain string, group int, recursive bool) ([]int, error) {
	switch {
	case group == 0, group == network.RootGroup && recursive:
		return nil, nil
	case !recursive:
		_, err := c.store.Group(ctx, chain, group)
		return []int{group}, err
	}
	tree, err := c.store.Tree(ctx, chain)
	if err != nil {
		return nil, err
	}
	if _, ok := tree[group]; !ok {
		return nil, network.ErrGroupNotFound
	}
	return tree.Below(group), nil
}

// groupsAPage is how many groups one page looks into: one that meets only
// empty ones is empty, and says where to go on.
const groupsAPage = 4

// partners is a page of the partners of groups, one group after the other.
// Its cursor says in which group it is, and where there.
func (c *chains) partners(ctx context.Context, chain string, groups []int, q store.PartnerQuery) (found []network.Partner, next string, err error) {
	if groups == nil {
		return c.store.Partners(ctx, chain, q)
	}
	limit, at := q.Limit, 0
	if q.Cursor != "" {
		in, there, ok := strings.Cut(q.Cursor, ".")
		id, err := strconv.Atoi(in)
		if err != nil || !ok {
			return nil, "", badCursor()
		}
		var stands bool
		if at, stands = slices.BinarySearch(groups, id); stands {
			q.Cursor = there
		} else {
			q.Cursor = "" // that group has gone: on with the next
		}
	}
	for range groupsAPage {
		if at == len(groups) || len(found) == limit {
			break
		}
		q.Group, q.Limit = groups[at], limit-len(found)
		page, more, err := c.store.Partners(ctx, chain, q)
		if err != nil {
			return nil, "", err
		}
		found = append(found, page...)
		if q.Cursor = more; more == "" {
			at++
		}
	}
	if at == len(groups) {
		return found, "", nil
	}
	return found, fmt.Sprintf("%d.%s", groups[at], q.Cursor), nil
}

// partner is the partner of the path; one that the actor doesn't see isn't
// there (R36).
func (c *chains) partner(r *http.Request, a network.Actor) (network.Partner, error) {
	id := r.PathValue("partner_id")
	if !network.ValidPartnerID(id) {
		return network.Partner{}, network.ErrNotFound
	}
	p, err := c.store.Partner(r.Context(), a.Chain.ID, id)
	if err == nil && !a.Sees(p) {
		err = network.ErrNotFound
	}
	return p, err
}

func (c *chains) getPartner(w http.ResponseWriter, r *http.Request) error {
	a, err := c.actor(r)
	if err != nil {
		return err
	}
	p, err := c.partner(r, a)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.ETag(p.Edition))
	return web.JSON(w, http.StatusOK, showPartner(a, p))
}

func (c *chains) editPartner(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	was, err := c.partner(r, a)
	if err != nil {
		return err
	}
	var req struct {
		Alias    *string `json:"alias"`
		GroupID  *int    `json:"group_id"`
		CustomID *string `json:"custom_id"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	edition, err := matches(r, was.Edition)
	if err != nil {
		return err
	}
	e := network.PartnerEdit{Alias: tidied(req.Alias), Group: req.GroupID, CustomID: req.CustomID}
	p, err := c.store.EditPartner(r.Context(), a.Chain, was.ID, e, edition)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.ETag(p.Edition))
	return web.JSON(w, http.StatusOK, showPartner(a, p))
}

// removePartner removes a partner that has joined, or withdraws one that is
// still to (R33, R38). The invites that its people made end with it.
func (c *chains) removePartner(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	p, err := c.partner(r, a)
	if err != nil {
		return err
	}
	edition, err := matches(r, p.Edition)
	if err != nil {
		return err
	}
	if p.Corp != "" {
		theirs := func(i network.Invite) bool { return i.MakerCorp == p.Corp }
		if err := c.store.RevokeInvites(r.Context(), a.Chain.ID, theirs, c.now()); err != nil {
			return err
		}
	}
	if err := c.store.RemovePartner(r.Context(), a.Chain.ID, p.ID, edition, c.now()); err != nil {
		return err
	}
	return done(w)
}

type contactJSON struct {
	ContactID string               `json:"contact_id"`
	Name      string               `json:"name"`
	Phone     string               `json:"phone"`
	Identity  string               `json:"identity"`
	CustomID  string               `json:"custom_id"`
	State     network.ContactState `json:"state"`
}

// listContacts lists a partner's people, to who sees the partner: a corp's
// own and other corps' only who has joined (R03).
func (c *chains) listContacts(w http.ResponseWriter, r *http.Request) error {
	a, err := c.actor(r)
	if err != nil {
		return err
	}
	p, err := c.partner(r, a)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "limit", "cursor")
	if err != nil {
		return err
	}
	limit, err := q.Limit()
	if err != nil {
		return err
	}
	page, states, next, err := c.store.Contacts(r.Context(), a.Chain, p, c.now(), q.Cursor(), limit)
	if err != nil {
		return err
	}
	var items []contactJSON
	for i, k := range page {
		if !a.SeesContact(k) {
			continue
		}
		item := contactJSON{k.Person, k.Name, k.Phone, k.Identity(), k.MemberCustomID, states[i]}
		if !a.SeesPhone(k.Person) {
			item.Phone = network.MaskPhone(k.Phone)
		}
		if a.Side != network.Owner {
			item.CustomID = ""
		}
		items = append(items, item)
	}
	return web.List(w, items, next)
}
