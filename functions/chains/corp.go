package main

import (
	"context"
	"errors"
	"net/http"
	"time"
	"unicode"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

type corpJSON struct {
	CorpID         string           `json:"corp_id"`
	Name           string           `json:"name"`
	Industry       network.Industry `json:"industry"`
	Type           network.CorpType `json:"type"`
	Verification   int              `json:"verification"`
	WorkbenchEntry bool             `json:"workbench_entry"`
	CreatedAt      time.Time        `json:"created_at"`
}

func showCorp(w http.ResponseWriter, c network.Corp) corpJSON {
	w.Header().Set("ETag", web.ETag(c.Version))
	return corpJSON{c.ID, c.Name, c.Industry, c.Type, c.Verification, c.WorkbenchEntry, moment(c.CreatedAt)}
}

// createCorp makes a corp, of which the caller is super-admin (R02).
func (c *chains) createCorp(w http.ResponseWriter, r *http.Request) error {
	p, err := web.Person(r, c.key)
	if err != nil {
		return err
	}
	var req struct {
		Name     string           `json:"name"`
		Industry string           `json:"industry"`
		Type     network.CorpType `json:"type"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	corp, err := network.NewCorp(network.NewCorpID(), web.Tidy(req.Name), network.Industry(web.Tidy(req.Industry)), req.Type, c.now())
	if err != nil {
		return err
	}
	once, err := c.once(r, p.ID, "", "corp")
	if err != nil {
		return err
	}
	corp, err = c.store.CreateCorp(r.Context(), corp, network.Member{Person: p.ID, Name: nameOf(p), Phone: p.Phone}, once)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, showCorp(w, corp))
}

// nameOf is what a person is called in their corp: by the identity provider,
// as far as that is a name, else by what their phone shows.
func nameOf(p network.Person) string {
	var name []rune
	for _, r := range web.Tidy(p.Name) {
		if unicode.IsPrint(r) && len(name) < network.MaxName {
			name = append(name, r)
		}
	}
	if s := web.Tidy(string(name)); s != "" {
		return s
	}
	return network.MaskPhone(p.Phone)
}

func (c *chains) getCorp(w http.ResponseWriter, r *http.Request) error {
	a, err := c.member(r)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, showCorp(w, a.Corp))
}

func (c *chains) editCorp(w http.ResponseWriter, r *http.Request) error {
	a, err := c.superAdmin(r)
	if err != nil {
		return err
	}
	var req struct {
		Name           *string `json:"name"`
		Industry       *string `json:"industry"`
		WorkbenchEntry *bool   `json:"workbench_entry"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	e := store.CorpEdit{Name: tidied(req.Name), WorkbenchEntry: req.WorkbenchEntry}
	if req.Industry != nil {
		industry := network.Industry(web.Tidy(*req.Industry))
		e.Industry = &industry
	}
	// What a new corp can't be called, an old one can't either.
	name, industry := a.Corp.Name, a.Corp.Industry
	if e.Name != nil {
		name = *e.Name
	}
	if e.Industry != nil {
		industry = *e.Industry
	}
	if _, err := network.NewCorp(a.Corp.ID, name, industry, a.Corp.Type, a.Corp.CreatedAt); err != nil {
		return err
	}
	version, err := matches(r, a.Corp.Version)
	if err != nil {
		return err
	}
	corp, err := edit(version != 0, a.Corp,
		func() (network.Corp, error) { return c.store.Corp(r.Context(), a.Corp.ID) },
		func(was network.Corp) (network.Corp, error) { return c.store.EditCorp(r.Context(), was, e) })
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, showCorp(w, corp))
}

type memberJSON struct {
	PersonID string       `json:"person_id"`
	Name     string       `json:"name"`
	Phone    string       `json:"phone"`
	Role     network.Role `json:"role"`
}

// showMember is a member as the actor may see them: phones are for
// super-admins and the member.
func showMember(a network.Actor, m network.Member) memberJSON {
	phone := m.Phone
	if a.Role != network.SuperAdmin && a.Person.ID != m.Person {
		phone = network.MaskPhone(phone)
	}
	return memberJSON{m.Person, m.Name, phone, m.Role}
}

func (c *chains) listMembers(w http.ResponseWriter, r *http.Request) error {
	a, err := c.member(r)
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
	page, next, err := c.store.Members(r.Context(), a.Corp.ID, q.Cursor(), limit)
	if err != nil {
		return err
	}
	var items []memberJSON
	for _, m := range page {
		items = append(items, showMember(a, m))
	}
	return web.List(w, items, next)
}

// addMember adds somebody by their phone: whoever signs in with it is that
// member. The same one again is no change.
func (c *chains) addMember(w http.ResponseWriter, r *http.Request) error {
	a, err := c.superAdmin(r)
	if err != nil {
		return err
	}
	var req struct {
		Name  string       `json:"name"`
		Phone string       `json:"phone"`
		Role  network.Role `json:"role"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	phone, ok := network.ParsePhone(web.Tidy(req.Phone))
	switch {
	case req.Phone == "":
		return network.InvalidField("phone", "missing", "A member is known by their phone.")
	case !ok:
		return network.InvalidField("phone", "malformed", "A phone is E.164, +85251234567, or a mainland mobile number.")
	}
	m := network.Member{Person: c.key.Person(phone), Corp: a.Corp.ID, Name: web.Tidy(req.Name), Phone: phone, Role: req.Role}
	if err := m.Check(); err != nil {
		return err
	}
	once, err := c.once(r, a.Person.ID, a.Corp.ID, "member")
	if err != nil {
		return err
	}
	if err := c.store.AddMember(r.Context(), m, once); err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, showMember(a, m))
}

func (c *chains) editMember(w http.ResponseWriter, r *http.Request) error {
	a, err := c.superAdmin(r)
	if err != nil {
		return err
	}
	m, err := c.memberOf(r, a)
	if err != nil {
		return err
	}
	var req struct {
		Role *network.Role `json:"role"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	if req.Role != nil {
		m.Role = *req.Role
		if err := m.Check(); err != nil {
			return err
		}
		if m, err = c.store.SetRole(r.Context(), a.Corp.ID, m.Person, *req.Role); err != nil {
			return err
		}
	}
	return web.JSON(w, http.StatusOK, showMember(a, m))
}

// memberOf is the member of the path, or ErrNotFound.
func (c *chains) memberOf(r *http.Request, a network.Actor) (network.Member, error) {
	person := r.PathValue("person_id")
	if !network.ValidPersonID(person) {
		return network.Member{}, network.ErrNotFound
	}
	return c.store.Member(r.Context(), a.Corp.ID, person)
}

// removeMember takes somebody out of a corp: a super-admin anybody, everybody
// themselves. The last super-admin names a successor, who becomes one in the
// same write (R06). What they did for the corp ends with it. If that broke off
// half-way, the same request ends the rest, and says that they are gone.
func (c *chains) removeMember(w http.ResponseWriter, r *http.Request) error {
	a, err := c.member(r)
	if err != nil {
		return err
	}
	if a.Role != network.SuperAdmin && r.PathValue("person_id") != a.Person.ID {
		return network.ErrDenied
	}
	q, err := web.Query(r, "successor")
	if err != nil {
		return err
	}
	m, err := c.memberOf(r, a)
	if person := r.PathValue("person_id"); errors.Is(err, network.ErrNotFound) && network.ValidPersonID(person) {
		if err := c.dismiss(r.Context(), a.Corp, person); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	heir := q.Get("successor")
	// Asked here too, so that nothing is revoked for somebody who stays.
	switch {
	case heir == "" && m.Role == network.SuperAdmin && a.Corp.Admins == 1:
		return network.ErrLastAdmin
	case heir == m.Person:
		return network.InvalidField("successor", "not_allowed", "The successor must be somebody else.")
	case heir != "" && m.Role != network.SuperAdmin:
		return network.InvalidField("successor", "not_allowed", "Only a super-admin has a successor.")
	case heir != "":
		if !network.ValidPersonID(heir) {
			return network.ErrNotFound
		}
		if _, err := c.store.Member(r.Context(), a.Corp.ID, heir); err != nil {
			return err
		}
	}
	if err := c.silence(r.Context(), a.Corp, m.Person); err != nil {
		return err
	}
	if heir != "" {
		err = c.store.HandOver(r.Context(), a.Corp.ID, m.Person, heir)
	} else {
		err = c.store.RemoveMember(r.Context(), a.Corp.ID, m.Person)
	}
	if err != nil {
		return err
	}
	if err := c.dismiss(r.Context(), a.Corp, m.Person); err != nil {
		return err
	}
	return done(w)
}

// dismiss ends what is left of somebody who is in a corp no more: their
// memberships under it, and the invites that they made while they went.
func (c *chains) dismiss(ctx context.Context, corp network.Corp, person string) error {
	if err := c.store.Depart(ctx, corp.ID, person, c.now()); err != nil {
		return err
	}
	return c.silence(ctx, corp, person)
}

// silence ends a person's live invites for a corp (R09), in all chains where
// it has a place, whether they have one there or not.
func (c *chains) silence(ctx context.Context, corp network.Corp, person string) error {
	theirs := func(i network.Invite) bool { return i.Maker == person && i.MakerCorp == corp.ID }
	for chain := range corp.Places {
		if err := c.store.RevokeInvites(ctx, chain, theirs, c.now()); err != nil {
			return err
		}
	}
	return nil
}
