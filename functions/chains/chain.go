package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

type chainJSON struct {
	ChainID              string             `json:"chain_id"`
	Name                 string             `json:"name"`
	OwnerCorpID          string             `json:"owner_corp_id"`
	OwnerName            string             `json:"owner_name"`
	Side                 network.Side       `json:"side"`
	JoinPolicy           network.JoinPolicy `json:"join_policy"`
	MembersMayInvite     bool               `json:"members_may_invite"`
	PartnersMayInvite    bool               `json:"partners_may_invite"`
	PartnersSeeEachOther bool               `json:"partners_see_each_other"`
	MembersSee           network.MembersSee `json:"members_see"`
	CreatedAt            time.Time          `json:"created_at"`
	Counts               *countsJSON        `json:"counts,omitempty"`
}

type countsJSON struct {
	JoinedPartners int `json:"joined_partners"`
}

// showChain is a chain as its side sees it: who doesn't see the partners
// isn't told how many there are (R36).
func (c *chains) showChain(ctx context.Context, ch network.Chain, side network.Side, admin bool) (chainJSON, error) {
	out := chainJSON{
		ch.ID, ch.Name, ch.OwnerCorp, ch.OwnerName, side, ch.Policy(), ch.MembersMayInvite, ch.PartnersMayInvite, ch.PartnersSeeAnother, cmp.Or(ch.MembersSee, network.SeeAll),
		moment(ch.CreatedAt), nil,
	}
	if !(network.Actor{Chain: ch, Side: side, Admin: admin}).SeesTotals() {
		return out, nil
	}
	n, err := c.store.JoinedPartners(ctx, ch.ID)
	out.Counts = &countsJSON{n}
	return out, err
}

// createChain makes a chain that the acting corp owns.
func (c *chains) createChain(w http.ResponseWriter, r *http.Request) error {
	a, err := c.acting(r)
	if err != nil {
		return err
	}
	if a.Role != network.SuperAdmin {
		return network.ErrDenied
	}
	var req struct {
		Name   string             `json:"name"`
		Preset network.JoinPolicy `json:"preset"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	ch, err := network.NewChain(network.NewChainID(), web.Tidy(req.Name), a.Corp, c.now())
	if err != nil {
		return err
	}
	if req.Preset != "" {
		if !req.Preset.Valid() {
			return network.InvalidField("preset", "not_allowed", "preset is open, imported_only, approval or imported_or_approval")
		}
		ch.Policies[0].Policy = req.Preset
	}
	once, err := c.once(r, a.Person.ID, a.Corp.ID, "chain")
	if err != nil {
		return err
	}
	if ch, err = c.store.By(a, c.now()).CreateChain(r.Context(), ch, a.Corp, once); err != nil {
		return err
	}
	out, err := c.showChain(r.Context(), ch, network.Owner, true)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.ETag(ch.Edition))
	return web.JSON(w, http.StatusCreated, out)
}

func (c *chains) listChains(w http.ResponseWriter, r *http.Request) error {
	a, err := c.acting(r)
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
	page, next, err := c.store.Chains(r.Context(), a, q.Cursor(), limit)
	if err != nil {
		return err
	}
	var items []chainJSON
	for _, p := range page {
		item, err := c.showChain(r.Context(), p.Chain, p.Side, p.Side == network.Owner && a.Role == network.SuperAdmin)
		if err != nil {
			return err
		}
		items = append(items, item)
	}
	return web.List(w, items, next)
}

func (c *chains) getChain(w http.ResponseWriter, r *http.Request) error {
	a, err := c.actor(r)
	if err != nil {
		return err
	}
	return c.answerChain(w, r, a.Chain, a.Side, a.Admin)
}

func (c *chains) answerChain(w http.ResponseWriter, r *http.Request, ch network.Chain, side network.Side, admin bool) error {
	out, err := c.showChain(r.Context(), ch, side, admin)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.ETag(ch.Edition))
	return web.JSON(w, http.StatusOK, out)
}

func (c *chains) editChain(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	var req struct {
		Name                 *string             `json:"name"`
		JoinPolicy           *network.JoinPolicy `json:"join_policy"`
		MembersMayInvite     *bool               `json:"members_may_invite"`
		PartnersMayInvite    *bool               `json:"partners_may_invite"`
		PartnersSeeEachOther *bool               `json:"partners_see_each_other"`
		MembersSee           *network.MembersSee `json:"members_see"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	q, err := web.Query(r, "preview")
	if err != nil {
		return err
	}
	preview, err := q.Bool("preview")
	if err != nil {
		return err
	}
	edition, err := matches(r, a.Chain.Edition)
	if err != nil {
		return err
	}
	e := network.ChainEdit{
		Name: tidied(req.Name), JoinPolicy: req.JoinPolicy, MembersMayInvite: req.MembersMayInvite,
		PartnersMayInvite: req.PartnersMayInvite, PartnersSeeAnother: req.PartnersSeeEachOther, MembersSee: req.MembersSee,
	}
	if preview {
		return c.previewChain(w, r, a.Chain, e)
	}
	ch, err := edit(edition != 0, a.Chain,
		func() (network.Chain, error) {
			now, err := c.store.Chain(r.Context(), a.Chain.ID)
			if err == nil && now.Dissolved() {
				err = network.ErrNotFound
			}
			return now, err
		},
		func(was network.Chain) (network.Chain, error) {
			return c.store.By(a, c.now()).EditChain(r.Context(), was, e, c.now())
		})
	if err != nil {
		return err
	}
	return c.answerChain(w, r, ch, a.Side, a.Admin)
}

// previewChain says what the edit would end, and makes none (R12).
func (c *chains) previewChain(w http.ResponseWriter, r *http.Request, is network.Chain, e network.ChainEdit) error {
	now := c.now()
	would, err := is.Apply(e, now)
	if err != nil {
		return err
	}
	var out struct {
		WouldExpire struct {
			Invites int `json:"invites"`
			Notices int `json:"notices"`
		} `json:"would_expire"`
		Complete bool `json:"complete"` // all invites were looked at; else there may be more
	}
	out.Complete = true
	if would.Policy() != is.Policy() {
		out.WouldExpire.Invites, out.WouldExpire.Notices, out.Complete, err = c.store.Dying(r.Context(), is, would, now)
	}
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.ETag(is.Edition))
	return web.JSON(w, http.StatusOK, out)
}

func (c *chains) dissolveChain(w http.ResponseWriter, r *http.Request) error {
	a, err := c.owner(r)
	if err != nil {
		return err
	}
	edition, err := matches(r, a.Chain.Edition)
	if err != nil {
		return err
	}
	if err := c.store.DissolveChain(r.Context(), a.Chain.ID, edition, c.now()); err != nil {
		return err
	}
	return done(w)
}

type adminJSON struct {
	PersonID string `json:"person_id"`
	Name     string `json:"name"`
}

// listAdmins lists the admins that were appointed, by their person ids: for
// the owner's people. Partners find them in the directory (R35).
func (c *chains) listAdmins(w http.ResponseWriter, r *http.Request) error {
	a, err := c.actor(r)
	if err != nil {
		return err
	}
	if a.Side != network.Owner {
		return network.ErrDenied
	}
	admins, err := c.store.Admins(r.Context(), a.Chain.ID)
	if err != nil {
		return err
	}
	var items []adminJSON
	for _, admin := range admins {
		m, err := c.store.Member(r.Context(), a.Chain.OwnerCorp, admin.Person)
		if errors.Is(err, network.ErrNotFound) {
			continue // has left the corp
		}
		if err != nil {
			return err
		}
		items = append(items, adminJSON{m.Person, m.Name})
	}
	return web.List(w, items, "")
}

func (c *chains) addAdmin(w http.ResponseWriter, r *http.Request) error {
	a, err := c.owner(r)
	if err != nil {
		return err
	}
	var req struct {
		PersonID string `json:"person_id"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	if req.PersonID == "" {
		return network.InvalidField("person_id", "missing", "Name a member of the owner corp.")
	}
	if !network.ValidPersonID(req.PersonID) {
		return network.ErrNotFound
	}
	once, err := c.once(r, a.Person.ID, a.Corp.ID, "admin")
	if err != nil {
		return err
	}
	if err := c.store.By(a, c.now()).AddAdmin(r.Context(), a.Chain, req.PersonID, c.now(), once); err != nil {
		return err
	}
	m, err := c.store.Member(r.Context(), a.Chain.OwnerCorp, req.PersonID)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, adminJSON{m.Person, m.Name})
}

// removeAdmin takes the role back; from who hasn't got it, too.
func (c *chains) removeAdmin(w http.ResponseWriter, r *http.Request) error {
	a, err := c.owner(r)
	if err != nil {
		return err
	}
	person := r.PathValue("person_id")
	if !network.ValidPersonID(person) {
		return network.ErrNotFound
	}
	if err := c.store.By(a, c.now()).RemoveAdmin(r.Context(), a.Chain, person); err != nil {
		return err
	}
	return done(w)
}
