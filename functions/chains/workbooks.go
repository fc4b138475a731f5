package main

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

// maxInline is how many bytes of a workbook are answered by the door itself.
// Lambda's answers have at most 6 MB, in base64, which takes four for three.
const maxInline = 4 << 20

// errorsWorkbook is an import's failed rows in the user's own workbook (R31),
// as the import has left it in the bucket: ErrConflict until it has, and
// ErrNotFound when no row failed or the file is gone, after seven days or
// because the import was reverted. A large one is fetched from the bucket.
func (c *chains) errorsWorkbook(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	lang, err := web.LanguageAsked(r)
	if err != nil {
		return err
	}
	imp, err := c.importOf(r, a.Chain)
	switch {
	case err != nil:
		return err
	case imp.HasErrors:
	case imp.State == network.ImportWaiting, imp.State == network.ImportReading, imp.State == network.ImportApplying, c.beingWritten(imp):
		return network.ErrConflict
	default:
		return network.ErrNotFound
	}
	file := "errors." + string(lang) + ".xlsx"
	at, err := c.tickets.Link(r.Context(), "rosters/"+imp.Chain+"/"+imp.ID+"/"+file, file, web.Workbook)
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
	web.WorkbookHead(w, file, lang)
	_, err = w.Write(b)
	return err
}

// beingWritten reports whether an import has failed rows whose workbook is
// still to be expected: it is written right after the plan, and at the latest
// by the run that ends the import, which takes a quarter of an hour at most.
func (c *chains) beingWritten(i network.Import) bool {
	since := i.PlannedAt
	if i.State == network.ImportDone {
		since = i.EndedAt
	}
	return (i.State == network.ImportPlanned || i.State == network.ImportDone) && i.Counts.Failed > 0 && c.now().Before(since.Add(15*time.Minute))
}
