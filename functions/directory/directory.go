package main

import (
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// directory is the door to who is in a chain, and to the rules of who sees
// whom. Besides those it writes only which exports are wanted, that a search
// index is missing, and that an admin has looked with another's eyes.
type directory struct {
	store   *store.Store
	person  network.PersonKey
	now     func() time.Time
	bucket  platform.Bucket // where exports are
	indexes *indexes
}

func (d *directory) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/chains/{chain_id}/directory", web.Handler(d.list))
	mux.Handle("GET /v1/chains/{chain_id}/directory/groups", web.Handler(d.listGroups))
	mux.Handle("GET /v1/chains/{chain_id}/directory/search", web.Handler(d.search))
	mux.Handle("GET /v1/chains/{chain_id}/directory/explain", web.Handler(d.explain))
	mux.Handle("GET /v1/chains/{chain_id}/progress", web.Handler(d.progress))
	d.exportRoutes(mux)
	mux.Handle("GET /v1/chains/{chain_id}/rules", web.Handler(d.listRules))
	mux.Handle("POST /v1/chains/{chain_id}/rules", web.Handler(d.createRule))
	mux.Handle("GET /v1/chains/{chain_id}/rules/{rule_id}", web.Handler(d.getRule))
	mux.Handle("PATCH /v1/chains/{chain_id}/rules/{rule_id}", web.Handler(d.editRule))
	mux.Handle("DELETE /v1/chains/{chain_id}/rules/{rule_id}", web.Handler(d.deleteRule))
	// These are here because chains has no room for them.
	mux.Handle("GET /v1/chains/{chain_id}/roster-template.xlsx", web.Handler(d.chainTemplate))
	mux.Handle("GET /v1/roster-template.xlsx", web.Handler(rosterTemplate))
	mux.Handle("GET /v1/openapi.yaml", web.OpenAPI())
	return web.Routes(mux)
}

// actor is who is asking, in the chain that the path names.
func (d *directory) actor(r *http.Request) (network.Actor, error) {
	return caller.Actor(r, d.store, d.person)
}

// list is the directory as the caller may see it (R35), part after part.
func (d *directory) list(w http.ResponseWriter, r *http.Request) error {
	a, err := d.actor(r)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "group_id", "recursive", "sort", "limit", "cursor", "as", "as_corp")
	if err != nil {
		return err
	}
	group, err := q.Int("group_id", network.RootGroup)
	if err != nil {
		return err
	}
	recursive, err := q.Bool("recursive")
	if err != nil {
		return err
	}
	order, err := q.OneOf("sort", "name", "joined_at")
	if err != nil {
		return err
	}
	limit, err := q.Limit()
	if err != nil {
		return err
	}
	if a, err = caller.View(r, d.store, a, q, "directory", d.now()); err != nil {
		return err
	}
	cursor, err := d.person.Open(a.Cursors(), q.Cursor())
	if err != nil {
		return err
	}
	parts := d.ownersParts
	if a.Side != network.Owner {
		parts = d.guestsParts
	}
	all, err := parts(r.Context(), a, group, recursive, order == "joined_at")
	if err != nil {
		return err
	}
	items, next, err := read(r.Context(), all, cursor, limit)
	if err != nil {
		return err
	}
	return web.List(w, items, d.person.Seal(a.Cursors(), next)) // it holds ids of people and groups
}

// itemJSON is one of three, as Kind says.
type itemJSON struct {
	Kind    string       `json:"kind"`
	Group   *groupJSON   `json:"group,omitempty"`
	Partner *partnerJSON `json:"partner,omitempty"`
	Contact *contactJSON `json:"contact,omitempty"`
}

type groupJSON struct {
	GroupID  int    `json:"group_id"`
	Name     string `json:"name"`
	ParentID int    `json:"parent_id"`
	Order    uint32 `json:"order"`
}

type partnerJSON struct {
	PartnerID string    `json:"partner_id"`
	Name      string    `json:"name"`
	Alias     string    `json:"alias"`
	GroupID   int       `json:"group_id"`
	Contacts  int       `json:"contacts"` // who has joined: nobody else is counted here (R03)
	JoinedAt  time.Time `json:"joined_at"`
}

type contactJSON struct {
	ContactID string       `json:"contact_id"`
	Name      string       `json:"name"`
	Side      network.Side `json:"side"`
	Role      string       `json:"role"`               // why the caller sees them: admin, inviter, colleague
	Phone     string       `json:"phone,omitempty"`    // a colleague's
	Identity  string       `json:"identity,omitempty"` // a colleague's
	PartnerID *string      `json:"partner_id"`         // null: of the owner corp
	Corp      string       `json:"corp,omitempty"`
	JoinedAt  *time.Time   `json:"joined_at,omitempty"`
}

func groupItem(g network.Group) itemJSON {
	return itemJSON{Kind: "group", Group: &groupJSON{g.ID, g.Name, g.Parent, g.Order}}
}

// partnerItem is a partner as the actor may see it: what the owner's people
// call it, and the groups but the caller's own, are not for partners (R08).
func partnerItem(a network.Actor, p network.Partner) itemJSON {
	out := partnerJSON{p.ID, p.Name, p.Alias, a.Chain.Landing(p.Group), p.Joined, p.JoinedAt}
	if a.Side != network.Owner {
		out.Alias = ""
		if p.ID != a.Contact.Partner {
			out.GroupID = network.RootGroup
		}
	}
	return itemJSON{Kind: "partner", Partner: &out}
}
