package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster/form"
	"github.com/tributary-app/tributary/shared/web"
)

// maxInline is how many bytes of a workbook are answered by the door itself.
// Lambda's answers have at most 6 MB, in base64, which takes four for three.
const maxInline = 4 << 20

// rosterTemplate is the form to fill in. It is made beforehand: the package
// that draws workbooks would take this door past its size.
func rosterTemplate(w http.ResponseWriter, r *http.Request) error {
	lang, err := language(r)
	if err != nil {
		return err
	}
	workbookHead(w, "roster-template.xlsx", lang)
	w.Header().Set("Cache-Control", "public, max-age=300")
	return form.Template(w, lang)
}

// chainTemplate is the same with a drop-down of the chain's groups.
func (c *chains) chainTemplate(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	lang, err := language(r)
	if err != nil {
		return err
	}
	tree, err := c.store.Tree(r.Context(), a.Chain.ID)
	if err != nil {
		return err
	}
	workbookHead(w, "roster-template.xlsx", lang)
	return form.ChainTemplate(w, lang, paths(tree))
}

// paths are the groups below the root as a roster writes them, each before
// those below it, at most as many as a template offers.
func paths(tree network.Tree) []string {
	below := map[int]network.Tree{}
	for id, g := range tree {
		if below[g.Parent] == nil {
			below[g.Parent] = network.Tree{}
		}
		below[g.Parent][id] = g
	}
	var all []string
	var walk func(parent int, path []string)
	walk = func(parent int, path []string) {
		for _, g := range below[parent].Children(parent) {
			if len(all) == form.MaxGroups || len(path) == network.MaxDepth {
				return
			}
			here := append(slices.Clip(path), g.Name)
			all = append(all, strings.Join(here, "/"))
			walk(g.ID, here)
		}
	}
	walk(network.RootGroup, nil)
	return all
}

// errorsWorkbook is an import's failed rows in the user's own workbook (R31),
// as the import has left it in the bucket: ErrConflict until it has, and
// ErrNotFound when no row failed or the file is gone, after seven days or
// because the import was reverted. A large one is fetched from the bucket.
func (c *chains) errorsWorkbook(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	lang, err := language(r)
	if err != nil {
		return err
	}
	imp, err := c.importOf(r, a.Chain)
	switch {
	case err != nil:
		return err
	case imp.HasErrors:
	case imp.State == network.ImportWaiting, imp.State == network.ImportReading, imp.State == network.ImportApplying,
		imp.State == network.ImportPlanned && imp.Counts.Failed > 0:
		return network.ErrConflict
	default:
		return network.ErrNotFound
	}
	file := "errors." + lang + ".xlsx"
	at, err := c.tickets.link(r.Context(), "rosters/"+imp.Chain+"/"+imp.ID+"/"+file, file)
	if err != nil {
		return err
	}
	ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, at, nil)
	if err != nil {
		return fmt.Errorf("fetch errors workbook: %w", err)
	}
	got, err := c.http.Do(ask)
	if err != nil {
		return fmt.Errorf("fetch errors workbook: %w", network.ErrBusy) // the error itself quotes the signed address
	}
	defer got.Body.Close()
	switch {
	case got.StatusCode == http.StatusNotFound, got.StatusCode == http.StatusForbidden: // the latter for whoever may not list the bucket
		return network.ErrNotFound
	case got.StatusCode != http.StatusOK:
		return fmt.Errorf("fetch errors workbook: the bucket answers %d", got.StatusCode)
	case got.ContentLength < 0 || got.ContentLength > maxInline:
		w.Header().Set("Location", at)
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(got.Body, maxInline+1))
	if err != nil || int64(len(b)) != got.ContentLength {
		return fmt.Errorf("fetch errors workbook: %d of %d bytes: %w", len(b), got.ContentLength, network.ErrBusy)
	}
	workbookHead(w, file, lang)
	_, err = w.Write(b)
	return err
}

// language is the one asked for in the query, else the reader's.
func language(r *http.Request) (string, error) {
	q, err := web.Query(r, "lang")
	if err != nil {
		return "", err
	}
	lang, err := q.OneOf("lang", string(web.Chinese), string(web.English))
	if lang == "" {
		lang = string(web.Language(r))
	}
	return lang, err
}

// workbookHead says what a workbook is and how it is called.
func workbookHead(w http.ResponseWriter, file, lang string) {
	h := w.Header()
	h.Set("Content-Type", workbook)
	h.Set("Content-Disposition", `attachment; filename="`+file+`"`)
	h.Set("Content-Language", lang)
	h.Set("Vary", "Accept-Language")
}
