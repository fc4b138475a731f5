package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster/form"
	"github.com/tributary-app/tributary/shared/web"
)

type importJSON struct {
	ImportID   string              `json:"import_id"`
	FileName   string              `json:"file_name"`
	DryRun     bool                `json:"dry_run"`
	Atomicity  string              `json:"atomicity"`
	Mode       string              `json:"mode"`
	ApplyMoves bool                `json:"apply_moves"`
	Notify     bool                `json:"notify"`
	State      network.ImportState `json:"state"`

	Rows      int `json:"rows"`
	OK        int `json:"ok"`
	Failed    int `json:"failed"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	WouldMove int `json:"would_move"`
	Notices   int `json:"notices"`
	Partners  int `json:"partners"`

	FileError *fileErrorJSON `json:"file_error,omitempty"`
	Progress  network.Funnel `json:"progress"`
	CreatedAt time.Time      `json:"created_at"`
	StartedAt *time.Time     `json:"started_at"`
	EndedAt   *time.Time     `json:"ended_at"`
}

type fileErrorJSON struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Row    int    `json:"row,omitempty"`
}

// The words of ImportCreate.
const (
	byRow   = "row"
	byCorp  = "corp"
	merging = "merge"
)

const maxFileName = 255 // characters, as file systems have it

// createImport notes that a roster is on its way and answers the ticket by
// which it is uploaded. The same Idempotency-Key gives a fresh ticket for the
// same import, as long as that waits: once it has its file, a ticket would be
// for nothing, and the answer is ErrConflict.
func (c *chains) createImport(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	if !a.Corp.Eligible() {
		return network.ErrCorpNotEligible // R04: it may have become so since
	}
	req := struct {
		FileName   string `json:"file_name"`
		DryRun     bool   `json:"dry_run"`
		Atomicity  string `json:"atomicity"`
		Mode       string `json:"mode"`
		ApplyMoves bool   `json:"apply_moves"`
		Notify     bool   `json:"notify"`
	}{Atomicity: byRow, Mode: merging, Notify: true}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	name := web.Tidy(req.FileName)
	switch {
	case name == "":
		return network.InvalidField("file_name", "missing", "The file needs a name.")
	case utf8.RuneCountInString(name) > maxFileName:
		return network.InvalidField("file_name", "too_long", fmt.Sprintf("A file's name has at most %d characters.", maxFileName))
	case slices.ContainsFunc([]rune(name), func(r rune) bool { return !unicode.IsPrint(r) }):
		return network.InvalidField("file_name", "bad_character", "The name has a character that can't be shown.")
	case req.Atomicity != byRow && req.Atomicity != byCorp:
		return network.InvalidField("atomicity", "not_allowed", "atomicity is row or corp")
	case req.Mode != merging:
		return network.InvalidField("mode", "not_allowed", "mode is merge")
	}
	once, err := c.once(r, a.Person.ID, a.Corp.ID, "import")
	if err != nil {
		return err
	}
	now := c.now()
	id := network.NewImportID(now)
	imp, err := c.store.CreateImport(r.Context(), network.Import{
		ID: id, Chain: a.Chain.ID, Maker: a.Person.ID, MakerCorp: a.Corp.ID, FileName: name,
		DryRun: req.DryRun, Whole: req.Atomicity == byCorp, ApplyMoves: req.ApplyMoves, Notify: req.Notify,
		State: network.ImportWaiting, CreatedAt: now,
	}, once)
	if err != nil {
		return err
	}
	if imp.ID != id { // made before, under this key
		switch imp, err = c.store.Import(r.Context(), imp.Chain, imp.ID); {
		case err != nil:
			return err
		case imp.State != network.ImportWaiting:
			return network.ErrConflict
		}
	}
	t, err := c.tickets.sign(r.Context(), "rosters/"+imp.Chain+"/"+imp.ID+"/roster", typeOf(name))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, struct {
		ImportID  string              `json:"import_id"`
		State     network.ImportState `json:"state"`
		Upload    upload              `json:"upload"`
		ExpiresAt time.Time           `json:"expires_at"`
	}{imp.ID, network.ImportWaiting, t, moment(t.expires)})
}

// listImports lists the chain's imports, newest first.
func (c *chains) listImports(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
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
	page, next, err := c.store.Imports(r.Context(), a.Chain.ID, q.Cursor(), limit)
	if err != nil {
		return err
	}
	items, errs := make([]importJSON, len(page)), make([]error, len(page))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8) // a small query each
	for i, imp := range page {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			items[i], errs[i] = c.showImport(r, a.Chain, imp)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return web.List(w, items, next)
}

func (c *chains) getImport(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	imp, err := c.importOf(r, a.Chain)
	if err != nil {
		return err
	}
	out, err := c.showImport(r, a.Chain, imp)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

// importOf is the import of the path.
func (c *chains) importOf(r *http.Request, ch network.Chain) (network.Import, error) {
	id := r.PathValue("import_id")
	if !network.ValidImportID(id) {
		return network.Import{}, network.ErrNotFound
	}
	return c.store.Import(r.Context(), ch.ID, id)
}

// showImport is an import with what has become of its contacts by now.
func (c *chains) showImport(r *http.Request, ch network.Chain, i network.Import) (importJSON, error) {
	n := i.Counts
	out := importJSON{
		ImportID: i.ID, FileName: i.FileName, DryRun: i.DryRun, Atomicity: byRow, Mode: merging, ApplyMoves: i.ApplyMoves, Notify: i.Notify, State: i.State,
		Rows: n.Rows, OK: n.OK, Failed: n.Failed, Created: n.Created, Updated: n.Updated, Unchanged: n.Unchanged, WouldMove: n.WouldMove,
		Notices: n.Notices, Partners: n.Partners,
		CreatedAt: moment(i.CreatedAt), StartedAt: momentOrNull(i.StartedAt), EndedAt: momentOrNull(i.EndedAt),
	}
	if i.Whole {
		out.Atomicity = byCorp
	}
	if i.FileCode != "" {
		out.FileError = &fileErrorJSON{i.FileCode, advice(r, i.FileCode), i.FileRow}
	}
	if i.StartedAt.IsZero() {
		return out, nil // nobody can have come yet
	}
	var err error
	out.Progress, err = c.progress(r.Context(), ch, i.ID)
	return out, err
}

func (c *chains) progress(ctx context.Context, ch network.Chain, id string) (network.Funnel, error) {
	tallies, err := c.store.Tallies(ctx, ch.ID, id)
	return network.Progress(tallies, ch.Policies, c.now()), err
}

type rowJSON struct {
	Row       int             `json:"row"` // the sheet's own
	Outcome   network.Outcome `json:"outcome"`
	Code      string          `json:"code,omitempty"`
	Field     string          `json:"field,omitempty"`
	Detail    string          `json:"detail,omitempty"`
	PartnerID string          `json:"partner_id,omitempty"`
	ContactID string          `json:"contact_id,omitempty"`
}

// listRows lists what became of an import's rows, in the sheet's order (R31).
func (c *chains) listRows(w http.ResponseWriter, r *http.Request) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	imp, err := c.importOf(r, a.Chain)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "outcome", "limit", "cursor")
	if err != nil {
		return err
	}
	limit, err := q.Limit()
	if err != nil {
		return err
	}
	want, err := q.OneOf("outcome", string(network.RowCreate), string(network.RowUpdate), string(network.RowUnchanged),
		string(network.RowWouldMove), string(network.RowFailed))
	if err != nil {
		return err
	}
	page, next, err := c.store.Rows(r.Context(), a.Chain.ID, imp.ID, network.Outcome(want), q.Cursor(), limit)
	if err != nil {
		return err
	}
	var items []rowJSON
	for _, p := range page {
		row := rowJSON{Row: p.Row, Outcome: p.Outcome, PartnerID: p.Partner}
		switch {
		case p.Outcome.Failed():
			row = rowJSON{Row: p.Row, Outcome: p.Outcome, Code: p.Code, Field: p.Field, Detail: explain(r, p)}
		case p.Person != "":
			row.ContactID = c.key.Contact(a.Chain.ID, p.Person)
		}
		items = append(items, row)
	}
	return web.List(w, items, next)
}

// advice says in the reader's language what is wrong with a row or a file, and
// what to mend.
func advice(r *http.Request, code string) string { return form.Advice(code, string(web.Language(r))) }

// explain says what is wrong with a row, and which other row it is about, if
// there is one.
func explain(r *http.Request, p network.RowPlan) string {
	said := advice(r, p.Code)
	other, ok := strings.CutPrefix(p.Detail, "row ")
	if _, err := strconv.Atoi(other); err != nil || !ok {
		return said
	}
	if web.Language(r) == web.English {
		return said + " See row " + other + "."
	}
	return said + "参见第 " + other + " 行。"
}

// rosterTemplate is the form to fill in. It is made beforehand: the package
// that draws workbooks would take this door past its size.
func rosterTemplate(w http.ResponseWriter, r *http.Request) error {
	q, err := web.Query(r, "lang")
	if err != nil {
		return err
	}
	lang, err := q.OneOf("lang", string(web.Chinese), string(web.English))
	if err != nil {
		return err
	}
	if lang == "" {
		lang = string(web.Language(r))
	}
	h := w.Header()
	h.Set("Content-Type", workbook)
	h.Set("Content-Disposition", `attachment; filename="roster-template.xlsx"`)
	h.Set("Content-Language", lang)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Vary", "Accept-Language")
	return form.Template(w, lang)
}
