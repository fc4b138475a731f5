package main

import (
	"net/http"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

// progressJSON is the funnel of R32.
type progressJSON struct {
	Contacts network.Funnel `json:"contacts"`
	Partners partnerFunnel  `json:"partners"`
}

type partnerFunnel struct {
	Imported int `json:"imported"`
	Joined   int `json:"joined"`
}

// progress says how far the contacts of one import, or of all, have come. It
// is for the owner's people: to partners the roster is nobody's, and who may be kept
// from some partners isn't told how many there are (R36).
func (d *directory) progress(w http.ResponseWriter, r *http.Request) error {
	a, err := d.actor(r)
	if err != nil {
		return err
	}
	if a.Side != network.Owner || !a.SeesTotals() {
		return network.ErrDenied
	}
	q, err := web.Query(r, "import_id")
	if err != nil {
		return err
	}
	id, given := q.Get("import_id"), r.URL.Query().Has("import_id")
	if given {
		if !network.ValidImportID(id) {
			return network.ErrNotFound
		}
		if _, err := d.store.Import(r.Context(), a.Chain.ID, id); err != nil {
			return err
		}
	}
	tallies, err := d.store.Tallies(r.Context(), a.Chain.ID, id)
	if err != nil {
		return err
	}
	f := network.Progress(tallies, a.Chain.Policies, d.now())
	return web.JSON(w, http.StatusOK, progressJSON{
		f, partnerFunnel{f.Partners, f.PartnersIn},
	})
}
