package main

import (
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

type groupJSON struct {
	GroupID  int    `json:"group_id"`
	Name     string `json:"name"`
	ParentID int    `json:"parent_id"`
	Order    uint32 `json:"order"`
	ETag     string `json:"etag,omitempty"` // in lists, where no header says it
}

func showGroup(g network.Group) groupJSON { return groupJSON{g.ID, g.Name, g.Parent, g.Order, ""} }

// listGroups lists the groups that the caller sees, by id: the owner's people
// all, a partner's the one that it stands in (R08).
func (c *chains) listGroups(w http.ResponseWriter, r *http.Request) error {
	a, err := c.actor(r)
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
	last := 0
	if q.Cursor() != "" {
		if last, err = strconv.Atoi(q.Cursor()); err != nil {
			return network.ErrCursor
		}
	}
	sight, err := c.store.SightOfGroups(r.Context(), a)
	if err != nil {
		return err
	}
	tree, err := c.store.Tree(r.Context(), a.Chain.ID)
	if err != nil {
		return err
	}
	var items []groupJSON
	for _, id := range slices.Sorted(maps.Keys(tree)) {
		if id <= last || !sight.Group(id) {
			continue
		}
		if len(items) == limit {
			return web.List(w, items, strconv.Itoa(items[limit-1].GroupID))
		}
		g := showGroup(tree[id])
		g.ETag = web.ETag(tree[id].Edition)
		items = append(items, g)
	}
	return web.List(w, items, "")
}

func (c *chains) createGroup(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	req := struct {
		Name     string `json:"name"`
		ParentID int    `json:"parent_id"`
		Order    uint32 `json:"order"`
	}{ParentID: network.RootGroup}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	once, err := c.once(r, a.Person.ID, a.Corp.ID, "group")
	if err != nil {
		return err
	}
	g, err := c.store.CreateGroup(r.Context(), a.Chain.ID, network.Group{Name: web.Tidy(req.Name), Parent: req.ParentID, Order: req.Order}, once)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.ETag(g.Edition))
	return web.JSON(w, http.StatusCreated, showGroup(g))
}

func (c *chains) editGroup(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	id, err := groupOf(r)
	if err != nil {
		return err
	}
	var req struct {
		Name     *string `json:"name"`
		ParentID *int    `json:"parent_id"`
		Order    *uint32 `json:"order"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	edition, err := named(r)
	if err != nil {
		return err
	}
	g, err := c.store.EditGroup(r.Context(), a.Chain.ID, id, tidied(req.Name), req.ParentID, req.Order, edition)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.ETag(g.Edition))
	return web.JSON(w, http.StatusOK, showGroup(g))
}

// groupOf is the group of the path; what is no group's number is nowhere.
func groupOf(r *http.Request) (int, error) {
	s := r.PathValue("group_id")
	id, err := strconv.Atoi(s)
	if err != nil || id < network.RootGroup || strconv.Itoa(id) != s {
		return 0, network.ErrNotFound
	}
	return id, nil
}

// deleteGroup removes a group; reassign_to takes who is in it and whoever is
// still to come by its invites (R34).
func (c *chains) deleteGroup(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	id, err := groupOf(r)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "reassign_to")
	if err != nil {
		return err
	}
	to, err := q.Int("reassign_to", 0)
	if err != nil {
		return err
	}
	if to < network.RootGroup && q.Get("reassign_to") != "" {
		return network.ErrGroupNotFound
	}
	edition, err := named(r)
	if err != nil {
		return err
	}
	err = c.store.DeleteGroup(r.Context(), a.Chain.ID, id, to, edition, func(ch network.Chain) (bool, error) {
		return c.store.LiveInvites(r.Context(), ch, c.now(), func(i network.Invite) bool { return ch.Landing(i.Group) == id })
	})
	if err != nil {
		return err
	}
	return done(w)
}
