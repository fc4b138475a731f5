package main

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

type ruleJSON struct {
	RuleID  string         `json:"rule_id"`
	Owner   ownerSide      `json:"owner"`
	Partner partnerSide    `json:"partner"`
	Effect  network.Effect `json:"effect"`
	ETag    string         `json:"etag,omitempty"` // in lists, where no header says it
}

type ownerSide struct {
	Members []string           `json:"members"`
	Roles   []network.HostRole `json:"roles"`
}

type partnerSide struct {
	Groups []int    `json:"groups"`
	Corps  []string `json:"corps"`
}

func (o ownerSide) side() network.OwnerSide {
	return network.OwnerSide{Members: once(o.Members), Roles: once(o.Roles)}
}

func (p partnerSide) side() network.PartnerSide {
	return network.PartnerSide{Groups: once(p.Groups), Corps: once(p.Corps)}
}

// once is a list in order, each of it once.
func once[T cmp.Ordered](list []T) []T { return slices.Compact(slices.Sorted(slices.Values(list))) }

// showRule is a rule as it works now: a group that was deleted is the one that
// took its people (R34).
func showRule(c network.Chain, r network.Rule) ruleJSON {
	out := ruleJSON{
		RuleID: r.ID, Effect: r.Effect,
		Owner:   ownerSide{append([]string{}, r.Owner.Members...), append([]network.HostRole{}, r.Owner.Roles...)},
		Partner: partnerSide{[]int{}, append([]string{}, r.Partner.Corps...)},
	}
	for _, g := range r.Partner.Groups {
		out.Partner.Groups = append(out.Partner.Groups, c.Landing(g))
	}
	out.Partner.Groups = append([]int{}, once(out.Partner.Groups)...)
	return out
}

// admin is an admin of the chain of the path, else ErrDenied.
func (d *directory) admin(r *http.Request) (network.Actor, error) {
	a, err := d.actor(r)
	if err == nil {
		err = a.MustAdmin()
	}
	return a, err
}

func (d *directory) listRules(w http.ResponseWriter, r *http.Request) error {
	a, err := d.admin(r)
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
	if q.Cursor() != "" && !network.ValidRuleID(q.Cursor()) {
		return network.ErrCursor
	}
	all, err := d.store.Rules(r.Context(), a.Chain.ID)
	if err != nil {
		return err
	}
	items, next := []ruleJSON{}, ""
	for _, rule := range all {
		if strings.Compare(rule.ID, q.Cursor()) <= 0 {
			continue
		}
		if len(items) == limit {
			next = items[limit-1].RuleID
			break
		}
		item := showRule(a.Chain, rule)
		item.ETag = web.ETag(rule.Edition)
		items = append(items, item)
	}
	return web.List(w, items, next)
}

func (d *directory) createRule(w http.ResponseWriter, r *http.Request) error {
	a, err := d.admin(r)
	if err != nil {
		return err
	}
	var req struct {
		Owner   ownerSide      `json:"owner"`
		Partner partnerSide    `json:"partner"`
		Effect  network.Effect `json:"effect"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	key, err := caller.Once(r, a.Person.ID, a.Corp.ID, "rule", d.now())
	if err != nil {
		return err
	}
	rule := network.Rule{ID: network.NewRuleID(d.now()), Owner: req.Owner.side(), Partner: req.Partner.side(), Effect: req.Effect}
	if err := wellFormed(rule); err != nil {
		return err
	}
	rule, err = d.store.CreateRule(r.Context(), a.Chain, rule, key)
	if err != nil {
		return d.tomorrow(err)
	}
	w.Header().Set("ETag", web.ETag(rule.Edition))
	return web.JSON(w, http.StatusCreated, showRule(a.Chain, rule))
}

// wellFormed answers ids that can be nobody's as those that are nobody's here.
func wellFormed(r network.Rule) error {
	for _, g := range r.Partner.Groups {
		if g < network.RootGroup {
			return &network.Error{Kind: network.NotFound, Code: network.ErrGroupNotFound.Code, Fields: network.NoSuch("partner.groups")}
		}
	}
	if slices.ContainsFunc(r.Partner.Corps, func(id string) bool { return !network.ValidPartnerID(id) }) {
		return &network.Error{Kind: network.NotFound, Code: network.ErrNotFound.Code, Fields: network.NoSuch("partner.corps")}
	}
	if slices.ContainsFunc(r.Owner.Members, func(id string) bool { return !network.ValidPersonID(id) }) {
		return &network.Error{Kind: network.NotFound, Code: network.ErrNotFound.Code, Fields: network.NoSuch("owner.members")}
	}
	return nil
}

// tomorrow tells who has made the day's edits when the next day begins (R46).
func (d *directory) tomorrow(err error) error {
	if !errors.Is(err, network.ErrRateLimited) {
		return err
	}
	now := d.now().UTC()
	return web.Later(network.ErrRateLimited, now.Truncate(24*time.Hour).Add(24*time.Hour).Sub(now))
}

// ruleOf is the rule's id in the path; what is none is nowhere.
func ruleOf(r *http.Request) (string, error) {
	id := r.PathValue("rule_id")
	if !network.ValidRuleID(id) {
		return "", network.ErrNotFound
	}
	return id, nil
}

func (d *directory) getRule(w http.ResponseWriter, r *http.Request) error {
	a, err := d.admin(r)
	if err != nil {
		return err
	}
	id, err := ruleOf(r)
	if err != nil {
		return err
	}
	rule, err := d.store.Rule(r.Context(), a.Chain.ID, id)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.ETag(rule.Edition))
	return web.JSON(w, http.StatusOK, showRule(a.Chain, rule))
}

// editRule gives a rule other sides or another effect; a side that is named is
// replaced whole.
func (d *directory) editRule(w http.ResponseWriter, r *http.Request) error {
	a, err := d.admin(r)
	if err != nil {
		return err
	}
	id, err := ruleOf(r)
	if err != nil {
		return err
	}
	var req struct {
		Owner   *ownerSide      `json:"owner"`
		Partner *partnerSide    `json:"partner"`
		Effect  *network.Effect `json:"effect"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	edition, err := named(r)
	if err != nil {
		return err
	}
	edit := func(rule *network.Rule) {
		if req.Owner != nil {
			rule.Owner = req.Owner.side()
		}
		if req.Partner != nil {
			rule.Partner = req.Partner.side()
		}
		if req.Effect != nil {
			rule.Effect = *req.Effect
		}
	}
	var asked network.Rule
	if edit(&asked); wellFormed(asked) != nil {
		return wellFormed(asked)
	}
	rule, err := d.store.EditRule(r.Context(), a.Chain, id, edit, edition, d.now())
	if err != nil {
		return d.tomorrow(err)
	}
	w.Header().Set("ETag", web.ETag(rule.Edition))
	return web.JSON(w, http.StatusOK, showRule(a.Chain, rule))
}

func (d *directory) deleteRule(w http.ResponseWriter, r *http.Request) error {
	a, err := d.admin(r)
	if err != nil {
		return err
	}
	id, err := ruleOf(r)
	if err != nil {
		return err
	}
	edition, err := named(r)
	if err != nil {
		return err
	}
	if err := d.store.DeleteRule(r.Context(), a.Chain.ID, id, edition, d.now()); err != nil {
		return d.tomorrow(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// named is the version that the caller names by If-Match, 0 for none. There is
// no version 0: who names it is behind.
func named(r *http.Request) (int, error) {
	version, named, err := web.IfMatch(r)
	if err == nil && named && version == 0 {
		err = network.ErrPrecondition
	}
	return version, err
}
