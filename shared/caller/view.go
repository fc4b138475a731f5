package caller

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// View is with whose eyes a request reads a list or a thing, which what names:
// the caller's own, or, for an admin who says so by as and as_corp of the query,
// another's of the chain. That stands in the audit list from here on; pages
// behind the first are of a view that does already.
//
// ErrDenied for who is no admin; ErrNotFound with the field for who has no part
// in the chain, which is no other than for who is nowhere (R37); ErrCorpRequired
// with as_corp if they have one under several corps.
func View(r *http.Request, s *store.Store, a network.Actor, q web.Params, what string, now time.Time) (network.Actor, error) {
	switch {
	case !q.Has("as") && !q.Has("as_corp"):
		return a, nil
	case !a.Admin:
		return network.Actor{}, network.ErrDenied
	case !q.Has("as"):
		return network.Actor{}, network.InvalidField("as", "missing", "as_corp says under which corp as is meant.")
	}
	var p store.InChain
	if network.ValidPersonID(q.Get("as")) {
		var err error
		if p, err = s.PersonIn(r.Context(), a.Chain, q.Get("as")); err != nil {
			return network.Actor{}, err
		}
	}
	as, err := p.As(q.Get("as_corp"))
	switch {
	case errors.Is(err, network.ErrCorpRequired):
		return network.Actor{}, SeveralCorps("as_corp")
	case err != nil && len(p.Actors) > 0:
		return network.Actor{}, Nobody("as_corp")
	case err != nil:
		return network.Actor{}, Nobody("as")
	}
	as.Through = strings.Join([]string{a.Person.ID, what, r.URL.Path, q.Get("group_id")}, "\x00")
	if q.Cursor() == "" {
		err = s.By(a, now).LogView(r.Context(), as, what)
	}
	return as, err
}

// Nobody is the error of a parameter that names who isn't in the chain.
func Nobody(field string) error {
	return &network.Error{Kind: network.NotFound, Code: network.ErrNotFound.Code, Fields: network.NoSuch(field)}
}

// SeveralCorps is the error of a parameter that must say under which of their
// corps somebody is meant.
func SeveralCorps(field string) error {
	return &network.Error{Kind: network.Invalid, Code: network.ErrCorpRequired.Code, Fields: []network.FieldError{
		{Field: field, Code: "several_corps", Detail: "They take part under several corps: say which is meant."},
	}}
}
