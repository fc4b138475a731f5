package main

import (
	"bytes"
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/sheet"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// inlinePartners and inlineRows are how large an export may be that is answered
// at once: a second's reading, a twentieth of what an answer may weigh.
const (
	inlinePartners = 1000
	inlineRows     = 2000
)

// fileLife is how long an export can be had (the bucket's lifecycle).
const fileLife = 24 * time.Hour

func (d *directory) exportRoutes(mux *http.ServeMux) {
	mux.Handle("POST /v1/chains/{chain_id}/exports", web.Handler(d.createExport))
	mux.Handle("GET /v1/chains/{chain_id}/exports/{export_id}", web.Handler(d.getExport))
	for _, f := range []sheet.Format{sheet.XLSX, sheet.CSV} {
		mux.Handle("GET /v1/chains/{chain_id}/directory/export."+string(f), web.Handler(func(w http.ResponseWriter, r *http.Request) error {
			return d.exportNow(w, r, f)
		}))
	}
}

type exportJSON struct {
	ExportID   string              `json:"export_id"`
	Format     string              `json:"format"`
	State      network.ExportState `json:"state"`
	Code       string              `json:"code,omitempty"` // why it failed
	Rows       int                 `json:"rows"`
	URL        string              `json:"url,omitempty"`
	URLExpires *time.Time          `json:"url_expires_at,omitempty"`
	CreatedAt  time.Time           `json:"created_at"`
	FinishedAt *time.Time          `json:"finished_at"`
}

// createExport asks for an export; it is made elsewhere.
func (d *directory) createExport(w http.ResponseWriter, r *http.Request) error {
	a, err := d.actor(r)
	if err != nil {
		return err
	}
	var req struct {
		Format string `json:"format"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	if req.Format != string(sheet.XLSX) && req.Format != string(sheet.CSV) {
		return network.InvalidField("format", "not_allowed", "format is xlsx or csv")
	}
	once, err := caller.Once(r, a.Person.ID, a.Corp.ID, "export", d.now())
	if err != nil {
		return err
	}
	return d.begin(w, r, a, network.NewExportID(d.now()), req.Format, web.Language(r), once)
}

// begin has an export made, unless there is one of that id or that key, and
// answers how far it has come.
func (d *directory) begin(w http.ResponseWriter, r *http.Request, a network.Actor, id, format string, lang web.Lang, once store.Once) error {
	e, err := d.store.CreateExport(r.Context(), network.Export{
		ID: id, Chain: a.Chain.ID, Maker: a.Person.ID, MakerCorp: a.Corp.ID, Sight: a.Sighted(),
		Format: format, Lang: string(lang), State: network.ExportQueued, CreatedAt: d.now().Truncate(time.Millisecond),
	}, once)
	if err != nil {
		return err
	}
	out, err := d.showExport(r, a, e)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/chains/"+e.Chain+"/exports/"+e.ID)
	w.Header().Set("Retry-After", "2")
	return web.JSON(w, http.StatusAccepted, out)
}

// getExport is how far an export has come. It is its maker's, and nobody
// else's: not an admin's either, who sees more.
func (d *directory) getExport(w http.ResponseWriter, r *http.Request) error {
	a, err := d.actor(r)
	if err != nil {
		return err
	}
	id := r.PathValue("export_id")
	if !network.ValidExportID(id) {
		return network.ErrNotFound
	}
	e, _, err := d.store.Export(r.Context(), a.Chain.ID, id)
	if err != nil {
		return err
	}
	if e.Maker != a.Person.ID || e.MakerCorp != a.Corp.ID || d.now().After(e.CreatedAt.Add(fileLife)) {
		return network.ErrNotFound
	}
	out, err := d.showExport(r, a, e)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

// showExport is an export for its maker. Who sees less by now than the file has
// isn't given it.
func (d *directory) showExport(r *http.Request, a network.Actor, e network.Export) (exportJSON, error) {
	e = e.At(d.now())
	if e.Sight != a.Sighted() {
		e.State, e.Code = network.ExportFailed, network.ExportNotAllowed
	}
	out := exportJSON{ExportID: e.ID, Format: e.Format, State: e.State, Code: e.Code, Rows: e.Rows, CreatedAt: e.CreatedAt}
	if !e.FinishedAt.IsZero() {
		out.FinishedAt = &e.FinishedAt
	}
	if e.State != network.ExportDone {
		return out, nil
	}
	file := "directory." + e.Format
	at, err := d.bucket.Link(r.Context(), "exports/"+e.Chain+"/"+e.ID+"/"+file, file, sheet.Format(e.Format).Type())
	if err != nil {
		return out, err
	}
	expires := d.bucket.Now().UTC().Add(platform.LinkLife).Truncate(time.Second)
	out.URL, out.URLExpires = at, &expires
	return out, nil
}

// exportNow is the directory as a file, if it is small; else an export is made
// of it, one a minute however often it is asked for.
func (d *directory) exportNow(w http.ResponseWriter, r *http.Request, f sheet.Format) error {
	a, err := d.actor(r)
	if err != nil {
		return err
	}
	lang, err := web.LanguageAsked(r)
	if err != nil {
		return err
	}
	var tree network.Tree
	if a.Side == network.Owner {
		if tree, err = d.store.Tree(r.Context(), a.Chain.ID); err != nil {
			return err
		}
	}
	p, err := sheet.New(f, sheet.Sum{})
	if err != nil {
		return err
	}
	p.Row(sheet.Heading(string(lang))...)
	const page = 25 // a partner has a thousand people at most: those of more would take longer than a request may
	cursor := ""
	for n := 0; n < inlinePartners && p.Rows() <= inlineRows; n += page {
		cursor, err = d.store.ExportPage(r.Context(), a, tree, cursor, page, func(row network.ExportRow) { p.Row(sheet.Directory(row, string(lang))...) })
		if err != nil {
			return err
		}
		if cursor == "" {
			break
		}
	}
	if cursor != "" || p.Rows() > inlineRows+1 {
		return d.begin(w, r, a, network.ExportIDOf(a, string(f), string(lang), d.now()), string(f), lang, store.Once{Now: d.now()})
	}
	b, sum, err := p.End(true)
	if err != nil {
		return err
	}
	h := w.Header()
	web.WorkbookHead(w, "directory."+string(f), lang)
	h.Set("Content-Type", f.Type())
	h.Set("Cache-Control", "no-store")
	return sheet.Assemble(w, f, sum, bytes.NewReader(b))
}
