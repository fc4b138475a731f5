package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// chains is the door of settings.
type chains struct {
	store   *store.Store
	key     network.PersonKey
	tickets tickets
	http    *http.Client // to the bucket
	now     func() time.Time
}

func (c *chains) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range c.handlers() {
		mux.Handle(pattern, h)
	}
	return web.Routes(mux)
}

// handlers are all routes, by their pattern.
func (c *chains) handlers() map[string]web.Handler {
	const chain = "/v1/chains/{chain_id}"
	return map[string]web.Handler{
		"GET /v1/me":    c.me,
		"DELETE /v1/me": c.eraseMe,

		"POST /v1/corps":                                 c.createCorp,
		"GET /v1/corps/{corp_id}":                        c.getCorp,
		"PATCH /v1/corps/{corp_id}":                      c.editCorp,
		"GET /v1/corps/{corp_id}/members":                c.listMembers,
		"POST /v1/corps/{corp_id}/members":               c.addMember,
		"PATCH /v1/corps/{corp_id}/members/{person_id}":  c.editMember,
		"DELETE /v1/corps/{corp_id}/members/{person_id}": c.removeMember,

		"POST /v1/chains": c.createChain,
		"GET /v1/chains":  c.listChains,
		"GET " + chain:    c.getChain,
		"PATCH " + chain:  c.editChain,
		"DELETE " + chain: c.dissolveChain,

		"GET " + chain + "/admins":                c.listAdmins,
		"POST " + chain + "/admins":               c.addAdmin,
		"DELETE " + chain + "/admins/{person_id}": c.removeAdmin,

		"GET " + chain + "/groups":               c.listGroups,
		"POST " + chain + "/groups":              c.createGroup,
		"PATCH " + chain + "/groups/{group_id}":  c.editGroup,
		"DELETE " + chain + "/groups/{group_id}": c.deleteGroup,

		"GET " + chain + "/partners":                       c.listPartners,
		"GET " + chain + "/partners/{partner_id}":          c.getPartner,
		"PATCH " + chain + "/partners/{partner_id}":        c.editPartner,
		"DELETE " + chain + "/partners/{partner_id}":       c.removePartner,
		"GET " + chain + "/partners/{partner_id}/contacts": c.listContacts,

		"POST " + chain + "/imports":                        c.createImport,
		"GET " + chain + "/imports":                         c.listImports,
		"GET " + chain + "/imports/{import_id}":             c.getImport,
		"GET " + chain + "/imports/{import_id}/rows":        c.listRows,
		"GET " + chain + "/imports/{import_id}/errors.xlsx": c.errorsWorkbook,
		"POST " + chain + "/imports/{import_id}/apply":      c.applyImport,
		"POST " + chain + "/imports/{import_id}/cancel":     c.cancelImport,
		"POST " + chain + "/imports/{import_id}/revert":     c.revertImport,
	}
}

// acting is who is asking, under the corp that they name.
func (c *chains) acting(r *http.Request) (network.Actor, error) {
	p, err := web.Person(r, c.key)
	if err != nil {
		return network.Actor{}, err
	}
	return c.store.Actor(r.Context(), p, web.Corp(r), "")
}

// member is who is asking, under the corp of the path: ErrNotAMember if it
// isn't theirs.
func (c *chains) member(r *http.Request) (network.Actor, error) {
	p, err := web.Person(r, c.key)
	if err != nil {
		return network.Actor{}, err
	}
	corp := r.PathValue("corp_id")
	if !network.ValidCorpID(corp) {
		return network.Actor{}, network.ErrNotFound
	}
	return c.store.Actor(r.Context(), p, corp, "")
}

// superAdmin is a member who may change the corp of the path, else ErrDenied.
func (c *chains) superAdmin(r *http.Request) (network.Actor, error) {
	a, err := c.member(r)
	if err == nil && a.Role != network.SuperAdmin {
		err = network.ErrDenied
	}
	return a, err
}

// actor is who is asking, in the chain of the path: ErrNotFound for who has
// no part in it (R37).
func (c *chains) actor(r *http.Request) (network.Actor, error) {
	return caller.Actor(r, c.store, c.key)
}

// admin is an admin of the chain of the path, else ErrDenied.
func (c *chains) admin(r *http.Request) (network.Actor, error) {
	a, err := c.actor(r)
	if err == nil {
		err = a.MustAdmin()
	}
	return a, err
}

// owner is a super-admin of the corp that owns the chain of the path, else
// ErrDenied.
func (c *chains) owner(r *http.Request) (network.Actor, error) {
	a, err := c.actor(r)
	if err == nil {
		err = a.MustOwn()
	}
	return a, err
}

// once is the caller's Idempotency-Key, if they gave one, for making kind.
func (c *chains) once(r *http.Request, person, corp, kind string) (store.Once, error) {
	return caller.Once(r, person, corp, kind, c.now())
}

// edit makes an edit of what was read. The edit is refused if that has moved
// on since, which the caller hears if they named the version that they edit
// (If-Match); if they didn't, it is made of the next one.
func edit[T any](named bool, was T, fresh func() (T, error), do func(T) (T, error)) (T, error) {
	for range 5 {
		now, err := do(was)
		if named || !errors.Is(err, network.ErrPrecondition) {
			return now, err
		}
		if was, err = fresh(); err != nil {
			return was, err
		}
	}
	return was, network.ErrBusy
}

// matches is the version that the caller names by If-Match, 0 for none; it
// must be the present one, else ErrPrecondition. The write asks once more.
func matches(r *http.Request, present int) (int, error) {
	version, named, err := web.IfMatch(r)
	switch {
	case err != nil || !named:
		return 0, err
	case version != present:
		return 0, network.ErrPrecondition
	}
	return version, nil
}

// named is the version that the caller names by If-Match, 0 for none, of what
// only the write reads. There is no version 0: who names it is behind.
func named(r *http.Request) (int, error) {
	version, named, err := web.IfMatch(r)
	if err == nil && named && version == 0 {
		err = network.ErrPrecondition
	}
	return version, err
}

func done(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// tidied is web.Tidy of a text that may not be given.
func tidied(s *string) *string {
	if s == nil {
		return nil
	}
	t := web.Tidy(*s)
	return &t
}

// orNull is s, or null in JSON if there is none.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// moment is a time as the API gives it: UTC, to the millisecond, as it is
// kept.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// momentOrNull is the same, or null in JSON for the zero time.
func momentOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = moment(t)
	return &t
}
