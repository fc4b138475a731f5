// Package caller is who stands at an HTTP door: which person, under which of
// their corps, in the chain that the path names, and whether they have asked
// the same before.
package caller

import (
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// Actor is who is asking, in the chain of the path's chain_id (R01). Who has
// no part in it gets ErrNotFound, as if it weren't there (R37); the other
// errors are those of web.Person and of the corp that is named.
func Actor(r *http.Request, s *store.Store, key network.PersonKey) (network.Actor, error) {
	p, err := web.Person(r, key)
	if err != nil {
		return network.Actor{}, err
	}
	chain := r.PathValue("chain_id")
	if !network.ValidChainID(chain) {
		return network.Actor{}, network.ErrNotFound
	}
	return s.Actor(r.Context(), p, web.Corp(r), chain)
}

// Once is the request's Idempotency-Key, as a key of that person and corp for
// things of that kind: the zero key when there is none, an error when it is
// none that can be.
func Once(r *http.Request, person, corp, kind string, now time.Time) (store.Once, error) {
	now = now.Truncate(time.Millisecond) // as it is kept, and told again
	key, err := web.IdempotencyKey(r)
	if err != nil || key == "" {
		return store.Once{Now: now}, err
	}
	body, err := web.Fingerprint(r)
	return store.Once{Person: person, Corp: corp, Kind: kind, Key: key, Body: body, Now: now}, err
}
