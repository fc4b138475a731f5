package main

import (
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

// conflictJSON is a roster's contact who chose another corp than their partner
// is bound to (R23).
type conflictJSON struct {
	ConflictID  string               `json:"conflict_id"`
	PartnerID   string               `json:"partner_id"`
	PartnerName string               `json:"partner_name"`
	BoundCorpID *string              `json:"bound_corp_id"`
	CorpID      *string              `json:"corp_id"` // null: they would make it
	CorpName    string               `json:"corp_name"`
	PersonID    string               `json:"person_id"`
	Name        string               `json:"name"`
	Phone       string               `json:"phone"`
	State       network.DisputeState `json:"state"`
	CreatedAt   time.Time            `json:"created_at"`
	ResolvedAt  *time.Time           `json:"resolved_at"`
	ResolvedBy  *string              `json:"resolved_by"`
	SettledAs   *string              `json:"settled_as"` // the partner that they belong to
}

func showConflict(d network.Dispute) conflictJSON {
	return conflictJSON{
		d.ID, d.Partner, d.PartnerName, orNull(d.BoundCorp), orNull(d.Corp), d.CorpName, d.Person, d.Name, d.Phone,
		d.State, d.CreatedAt, momentOrNull(d.ResolvedAt), orNull(d.Resolver), orNull(d.Settled),
	}
}

// conflicts lists conflicts, those that are open first.
func (d *decisions) conflicts(w http.ResponseWriter, r *http.Request) error {
	a, err := d.admin(r)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "state", "limit", "cursor")
	if err != nil {
		return err
	}
	limit, err := q.Limit()
	if err != nil {
		return err
	}
	state, err := q.OneOf("state", string(network.DisputeOpen), string(network.DisputeResolved))
	if err != nil {
		return err
	}
	page, next, err := d.store.Conflicts(r.Context(), a.Chain.ID, network.DisputeState(state), q.Cursor(), limit)
	if err != nil {
		return err
	}
	var items []conflictJSON
	for _, c := range page {
		items = append(items, showConflict(c))
	}
	return web.List(w, items, next)
}

// resolution says where the person of a conflict belongs: one of the two.
type resolution struct {
	PartnerID  *string `json:"partner_id"`
	NewPartner *bool   `json:"new_partner"`
}

// partner is the partner that is meant, "" for a new one.
func (q resolution) partner() (string, error) {
	anew := q.NewPartner != nil && *q.NewPartner
	switch {
	case q.PartnerID == nil && !anew:
		return "", network.InvalidField("partner_id", "missing", "give partner_id, or new_partner true")
	case q.PartnerID != nil && anew:
		return "", network.InvalidField("new_partner", "not_allowed", "give partner_id or new_partner, not both")
	case anew:
		return "", nil
	case !network.ValidPartnerID(*q.PartnerID):
		return "", network.ErrNotFound
	}
	return *q.PartnerID, nil
}

// resolve settles a conflict (R23).
func (d *decisions) resolve(w http.ResponseWriter, r *http.Request) error {
	a, err := d.admin(r)
	if err != nil {
		return err
	}
	id := r.PathValue("conflict_id")
	if !network.ValidDisputeID(id) {
		return network.ErrNotFound
	}
	var req resolution
	if err := web.Read(r, &req); err != nil {
		return err
	}
	partner, err := req.partner()
	if err != nil {
		return err
	}
	now := d.now()
	c, _, err := d.store.By(a, now).ResolveConflict(r.Context(), a.Chain.ID, id, partner, a.Person.ID, now)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, showConflict(c))
}
