package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tributary-app/tributary/shared/caller"
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
// for the owner's people to know (R03), and so are the number and the name that
// they have for it, and the groups but the caller's own (R08).
func showPartner(a network.Actor, p network.Partner) partnerJSON {
	group := a.Chain.Landing(p.Group) // its own may be on its way out (R34)
	out := partnerJSON{p.ID, p.Name, p.Alias, p.CustomID, group, p.State, orNull(p.Corp), p.Imported, p.Contacts, momentOrNull(p.JoinedAt)}
	if a.Side != network.Owner {
		out.Contacts, out.CustomID, out.Alias = p.Joined, "", ""
		if p.ID != a.Contact.Partner {
			out.GroupID = network.RootGroup
		}
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
	q, err := web.Query(r, "group_id", "state", "recursive", "limit", "cursor", "as", "as_corp")
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
	if a, err = caller.View(r, c.store, a, q, "partners", c.now()); err != nil {
		return err
	}
	cursor, err := c.key.Open(a.Cursors(), q.Cursor())
	if err != nil {
		return err
	}

	sight, err := c.store.SightOfGroups(r.Context(), a)
	if err != nil {
		return err
	}
	if group != 0 && !sight.Group(group) {
		return network.ErrGroupNotFound
	}
	if a.Side == network.Guest {
		switch {
		case state != "" && state != network.PartnerJoined:
			return web.List[partnerJSON](w, nil, "")
		case sight.Restricted():
			return web.List(w, []partnerJSON{showPartner(a, sight.Own())}, "")
		}
		state = network.PartnerJoined // others than these it doesn't see, and is one itself
	}

	groups, err := c.within(r.Context(), a.Chain.ID, group, recursive)
	if err != nil {
		return err
	}
	page, next, err := c.seen(r.Context(), a.Chain, sight, groups, store.PartnerQuery{State: state, Cursor: cursor, Limit: limit})
	if err != nil {
		return err
	}
	var items []partnerJSON
	for _, p := range page {
		if sight.Partner(p) {
			items = append(items, showPartner(a, p))
		}
	}
	return web.List(w, items, c.key.Seal(a.Cursors(), next)) // it says in which group a partner is
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

// apart begins the cursors of partners that stand in no group that is seen.
const apart = "s."

// seen is a page of the partners of groups that may be seen: group by group,
// then those that a rule names and that stand in groups which aren't seen.
func (c *chains) seen(ctx context.Context, ch network.Chain, sight *network.Sight, within []int, q store.PartnerQuery) (found []network.Partner, next string, err error) {
	if last, ok := strings.CutPrefix(q.Cursor, apart); ok {
		q.Cursor = last
		if found, next, err = c.store.Singly(ctx, ch, sight, within, q); next != "" {
			next = apart + next
		}
		return found, next, err
	}
	if found, next, err = c.partners(ctx, ch, sight, within, q); err != nil || next != "" {
		return found, next, err
	}
	if len(sight.Scope().Singly) > 0 {
		next = apart
	}
	return found, next, nil
}

// groupsAPage is how many groups one page looks into: one that meets only
// empty ones is empty, and says where to go on.
const groupsAPage = 4

// partners is a page of the partners of groups, one group after the other.
// Its cursor says in which group it is, and where there.
func (c *chains) partners(ctx context.Context, ch network.Chain, sight *network.Sight, within []int, q store.PartnerQuery) (found []network.Partner, next string, err error) {
	read := func(q store.PartnerQuery) ([]network.Partner, string, error) { return c.store.Partners(ctx, ch.ID, q) }
	groups, err := c.store.AndMoving(ctx, ch, sight.Among(within))
	if err != nil {
		return nil, "", err
	}
	if groups == nil {
		return store.Seen(sight, q, read)
	}
	limit, at := q.Limit, 0
	if at, q.Cursor, err = store.PlaceIn(groups, q.Cursor); err != nil {
		return nil, "", err
	}
	for range groupsAPage {
		if at == len(groups) || len(found) == limit {
			break
		}
		q.Group, q.Limit = groups[at], limit-len(found)
		page, more, err := store.Seen(sight, q, read)
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
	sight, err := c.store.Sight(r.Context(), a)
	if err != nil {
		return network.Partner{}, err
	}
	p, err := c.store.Partner(r.Context(), a.Chain.ID, id)
	if err == nil && !sight.Partner(p) {
		err = network.ErrNotFound
	}
	return p, err
}

func (c *chains) getPartner(w http.ResponseWriter, r *http.Request) error {
	a, err := c.actor(r)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "as", "as_corp")
	if err != nil {
		return err
	}
	if a, err = caller.View(r, c.store, a, q, "partner", c.now()); err != nil {
		return err
	}
	p, err := c.partner(r, a)
	if err != nil {
		return err
	}
	if a.Side == network.Owner { // it moves as people are added who are still to join
		w.Header().Set("ETag", web.ETag(p.Edition))
	}
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
	p, err := c.store.By(a, c.now()).EditPartner(r.Context(), a.Chain, was.ID, e, edition)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.ETag(p.Edition))
	return web.JSON(w, http.StatusOK, showPartner(a, p))
}

// removePartner removes a partner that has joined, or withdraws one that is
// still to (R33, R38). The invites that its people made end with it: those that
// are there before, so that a request that breaks off leaves none, and those
// that were made meanwhile after.
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
	silence := func(p network.Partner) error {
		if p.Corp == "" {
			return nil
		}
		theirs := func(i network.Invite) bool { return i.MakerCorp == p.Corp }
		return c.store.RevokeInvites(r.Context(), a.Chain.ID, theirs, c.now())
	}
	p, err = edit(edition != 0, p,
		func() (network.Partner, error) { return c.partner(r, a) },
		func(p network.Partner) (network.Partner, error) {
			as := edition
			if p.Corp == "" {
				as = p.Edition // without the corp that it may come by meanwhile, whose invites they would be
			}
			if err := silence(p); err != nil {
				return p, err
			}
			return p, c.store.By(a, c.now()).RemovePartner(r.Context(), a.Chain.ID, p.ID, as, c.now())
		})
	if err != nil {
		return err
	}
	if err := silence(p); err != nil {
		return err
	}
	return done(w)
}

type contactJSON struct {
	ContactID string               `json:"contact_id"`
	PersonID  string               `json:"person_id,omitempty"` // for admins, who read the phone too
	Name      string               `json:"name"`
	Phone     string               `json:"phone"`
	Identity  string               `json:"identity"`
	CustomID  string               `json:"custom_id"`
	State     network.ContactState `json:"state"`
	Inviter   *inviterJSON         `json:"inviter"` // null: nobody, or not for the caller to know
}

// inviterJSON is a person by no person_id, which is for who may see their phone.
type inviterJSON struct {
	ContactID string `json:"contact_id"`
	Name      string `json:"name"`
}

// listContacts lists a partner's people, to who sees the partner: a corp's
// own and other corps' only who has joined (R03). The owner's people see who
// invited whom.
func (c *chains) listContacts(w http.ResponseWriter, r *http.Request) error {
	a, err := c.actor(r)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "limit", "cursor", "as", "as_corp")
	if err != nil {
		return err
	}
	limit, err := q.Limit()
	if err != nil {
		return err
	}
	if a, err = caller.View(r, c.store, a, q, "contacts", c.now()); err != nil {
		return err
	}
	cursor, err := c.key.Open(a.Cursors(), q.Cursor())
	if err != nil {
		return err
	}
	p, err := c.partner(r, a)
	if err != nil {
		return err
	}
	page, states, next, err := c.contacts(r.Context(), a, p, cursor, limit)
	if err != nil {
		return err
	}
	var inviters map[string]string
	if a.Side == network.Owner {
		sight, err := c.store.Sight(r.Context(), a)
		if err != nil {
			return err
		}
		if inviters, err = c.store.Inviters(r.Context(), a.Chain, sight, page); err != nil {
			return err
		}
	}
	var items []contactJSON
	for i, k := range page {
		item := contactJSON{c.key.Contact(k.Chain, k.Person), "", k.Name, k.Phone, k.Identity(), k.MemberCustomID, states[i], nil}
		if a.Admin {
			item.PersonID = k.Person
		}
		if !a.SeesPhone(k.Person, k.Partner) {
			item.Phone = network.MaskPhone(k.Phone)
		}
		if a.Side != network.Owner {
			item.CustomID = ""
		} else if name, shown := inviters[k.Inviter]; shown {
			item.Inviter = &inviterJSON{c.key.Contact(k.Chain, k.Inviter), name}
		}
		items = append(items, item)
	}
	return web.List(w, items, c.key.Seal(a.Cursors(), next)) // it holds a person's id
}

// contacts is a page of a partner's people, each with their state, as the
// actor may see them.
func (c *chains) contacts(ctx context.Context, a network.Actor, p network.Partner, cursor string, limit int) ([]network.Contact, []network.ContactState, string, error) {
	if a.Side == network.Owner {
		return c.store.Contacts(ctx, a.Chain, p, c.now(), cursor, limit)
	}
	page, next, err := c.store.JoinedContacts(ctx, a.Chain.ID, p, cursor, limit)
	return page, slices.Repeat([]network.ContactState{network.ContactJoined}, len(page)), next, err
}
