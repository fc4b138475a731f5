package main

import (
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// keeping is the door of an owner's housekeeping.
type keeping struct {
	store *store.Store
	key   network.PersonKey
	now   func() time.Time
}

func (k *keeping) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/chains/{chain_id}/audit", web.Handler(k.audit))
	mux.Handle("POST /v1/chains/{chain_id}/partners/move", web.Handler(k.move))
	mux.Handle("GET /v1/chains/{chain_id}/partners/{partner_id}/removal", web.Handler(k.removal))
	return web.Routes(mux)
}

// admin is an admin of the chain of the path, else ErrDenied.
func (k *keeping) admin(r *http.Request) (network.Actor, error) {
	a, err := caller.Actor(r, k.store, k.key)
	if err == nil {
		err = a.MustAdmin()
	}
	return a, err
}

// changeJSON is an entry of the audit list.
type changeJSON struct {
	N      int          `json:"n"`
	At     *time.Time   `json:"at"`  // null: from before the list said it
	Who    *whoJSON     `json:"who"` // null: nobody, a rule of the chain
	What   string       `json:"what"`
	Target targetJSON   `json:"target"`
	Before store.Fields `json:"before"`
	After  store.Fields `json:"after"`
}

type whoJSON struct {
	PersonID string `json:"person_id"`
	CorpID   string `json:"corp_id"`
	Name     string `json:"name"`
}

type targetJSON struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

func showChange(c store.Change) changeJSON {
	out := changeJSON{N: c.N, What: c.What, Target: targetJSON(c.Target), Before: c.Before, After: c.After}
	if !c.At.IsZero() {
		at := c.At.UTC().Truncate(time.Millisecond)
		out.At = &at
	}
	if c.Who.Person != "" {
		out.Who = &whoJSON{c.Who.Person, c.Who.Corp, c.Who.Name}
	}
	return out
}

// audit lists what was changed in the chain, newest first.
func (k *keeping) audit(w http.ResponseWriter, r *http.Request) error {
	a, err := k.admin(r)
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
	page, next, err := k.store.Audit(r.Context(), a.Chain.ID, q.Cursor(), limit)
	if err != nil {
		return err
	}
	var items []changeJSON
	for _, c := range page {
		items = append(items, showChange(c))
	}
	return web.List(w, items, next)
}

// maxMoved is how many partners one call moves: a dozen transactions.
const maxMoved = 1000

type movedJSON struct {
	PartnerID string       `json:"partner_id"`
	Outcome   store.Moving `json:"outcome"`
}

// move files partners under a group, and says of each what became of it, in the
// order of the request.
func (k *keeping) move(w http.ResponseWriter, r *http.Request) error {
	a, err := k.admin(r)
	if err != nil {
		return err
	}
	var req struct {
		PartnerIDs []string `json:"partner_ids"`
		GroupID    int      `json:"group_id"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	switch n := len(req.PartnerIDs); {
	case n < 1 || n > maxMoved:
		return network.InvalidField("partner_ids", "out_of_range", "partner_ids are 1 to 1000")
	case req.GroupID < network.RootGroup:
		return network.InvalidField("group_id", "out_of_range", "groups count from 1")
	}
	var ids []string // what is no partner's id is no key
	for _, id := range req.PartnerIDs {
		if network.ValidPartnerID(id) {
			ids = append(ids, id)
		}
	}
	became, err := k.store.By(a, k.now()).MovePartners(r.Context(), a.Chain, ids, req.GroupID)
	if err != nil {
		return err
	}
	items := make([]movedJSON, len(req.PartnerIDs))
	for i, id := range req.PartnerIDs {
		items[i] = movedJSON{id, store.MoveNowhere}
		if network.ValidPartnerID(id) {
			items[i].Outcome, became = became[0], became[1:]
		}
	}
	return web.List(w, items, "")
}

type removalJSON struct {
	PartnerID string               `json:"partner_id"`
	Name      string               `json:"name"`
	State     network.PartnerState `json:"state"`
	CorpID    *string              `json:"corp_id"`
	Joined    int                  `json:"joined"`
	Waiting   int                  `json:"waiting"`
	Invites   struct {
		Made     int  `json:"made"`
		Bound    int  `json:"bound"`
		Complete bool `json:"complete"` // all were looked at; else there may be more
	} `json:"invites"`
}

// removal says what would go with a partner (R38), and removes nothing.
func (k *keeping) removal(w http.ResponseWriter, r *http.Request) error {
	a, err := k.admin(r)
	if err != nil {
		return err
	}
	id := r.PathValue("partner_id")
	if !network.ValidPartnerID(id) {
		return network.ErrNotFound
	}
	v, err := k.store.Removing(r.Context(), a.Chain, id, k.now())
	if err != nil {
		return err
	}
	out := removalJSON{PartnerID: v.Partner.ID, Name: v.Partner.Name, State: v.Partner.State, Joined: v.Joined, Waiting: v.Waiting}
	if v.Partner.Corp != "" {
		out.CorpID = &v.Partner.Corp
	}
	out.Invites.Made, out.Invites.Bound, out.Invites.Complete = v.Made, v.Bound, v.All
	w.Header().Set("ETag", web.ETag(v.Partner.Edition))
	return web.JSON(w, http.StatusOK, out)
}
