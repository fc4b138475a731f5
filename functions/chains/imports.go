package main

import (
	"errors"
	"fmt"
	"math"
	"net/http"
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
	Sheet      string              `json:"sheet"`
	DryRun     bool                `json:"dry_run"`
	Atomicity  string              `json:"atomicity"`
	Mode       network.Mode        `json:"mode"`
	ApplyMoves bool                `json:"apply_moves"`
	Notify     bool                `json:"notify"`
	State      network.ImportState `json:"state"`
	Reverting  bool                `json:"reverting"`

	Rows      int `json:"rows"`
	OK        int `json:"ok"`
	Failed    int `json:"failed"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	WouldMove int `json:"would_move"`
	Conflict  int `json:"conflict"`
	Invalid   int `json:"invalid"`
	Notices   int `json:"notices"`
	Partners  int `json:"partners"`
	Withdrawn int `json:"withdrawn"`
	Kept      int `json:"kept"`

	PlanID    string            `json:"plan_id,omitempty"`
	Quota     *quotaJSON        `json:"quota,omitempty"`
	FileError *fileErrorJSON    `json:"file_error,omitempty"`
	Errors    map[string]string `json:"errors,omitempty"`
	Progress  progressJSON      `json:"progress"`
	CreatedAt time.Time         `json:"created_at"`
	StartedAt *time.Time        `json:"started_at"`
	PlannedAt *time.Time        `json:"planned_at"`
	AppliedAt *time.Time        `json:"applied_at"`
	EndedAt   *time.Time        `json:"ended_at"`
}

// quotaJSON is what a plan takes of the chain's quota if all whom it brings
// join (R47), and what is free now.
type quotaJSON struct {
	Needed int `json:"needed"`
	Free   int `json:"free"`
}

// progressJSON is how far an import has come: rows, notices, contacts.
type progressJSON struct {
	RowsRead      int `json:"rows_read"`
	RowsChecked   int `json:"rows_checked"`
	RowsWritten   int `json:"rows_written"`
	NoticesQueued int `json:"notices_queued"`
	NoticesSent   int `json:"notices_sent"`
	NoticesFailed int `json:"notices_failed"`
	network.Funnel
	SecondsLeft *int `json:"seconds_left"`
}

type fileErrorJSON struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Row    int    `json:"row,omitempty"`
}

// The words of ImportCreate.
const (
	byRow  = "row"
	byCorp = "corp"
)

const (
	maxFileName  = 255 // characters, as file systems have it
	maxSheetName = 31  // characters, as Excel has it
)

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
		FileName   string       `json:"file_name"`
		Sheet      string       `json:"sheet"`
		DryRun     bool         `json:"dry_run"`
		Atomicity  string       `json:"atomicity"`
		Mode       network.Mode `json:"mode"`
		ApplyMoves bool         `json:"apply_moves"`
		Notify     bool         `json:"notify"`
	}{Atomicity: byRow, Mode: network.Merge, Notify: true}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	name := web.Tidy(req.FileName)
	switch {
	case name == "":
		return network.InvalidField("file_name", "missing", "The file needs a name.")
	case utf8.RuneCountInString(name) > maxFileName:
		return network.InvalidField("file_name", "too_long", fmt.Sprintf("A file's name has at most %d characters.", maxFileName))
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return network.InvalidField("file_name", "bad_character", "The name has a character that can't be shown.")
	case req.Atomicity != byRow && req.Atomicity != byCorp:
		return network.InvalidField("atomicity", "not_allowed", "atomicity is row or corp")
	case req.Mode != network.Merge && req.Mode != network.Sync:
		return network.InvalidField("mode", "not_allowed", "mode is merge or sync")
	case utf8.RuneCountInString(req.Sheet) > maxSheetName:
		return network.InvalidField("sheet", "too_long", fmt.Sprintf("A sheet's name has at most %d characters.", maxSheetName))
	case strings.ContainsFunc(req.Sheet, func(r rune) bool { return !unicode.IsPrint(r) }):
		return network.InvalidField("sheet", "bad_character", "The name has a character that can't be shown.")
	}
	once, err := c.once(r, a.Person.ID, a.Corp.ID, "import")
	if err != nil {
		return err
	}
	now := c.now()
	id := network.NewImportID(now)
	imp, err := c.store.CreateImport(r.Context(), network.Import{
		ID: id, Chain: a.Chain.ID, Maker: a.Person.ID, MakerCorp: a.Corp.ID, FileName: name,
		DryRun: req.DryRun, Mode: req.Mode, Sheet: req.Sheet, Whole: req.Atomicity == byCorp, ApplyMoves: req.ApplyMoves, Notify: req.Notify,
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

// applyImport has the plan done that the caller has seen (R28). The same again
// is the same answer.
func (c *chains) applyImport(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		PlanID string `json:"plan_id"`
	}
	return c.turn(w, r, func(a network.Actor) error {
		if !a.Corp.Eligible() {
			return network.ErrCorpNotEligible // R04: it may have become so since
		}
		if err := web.Read(r, &req); err != nil {
			return err
		}
		if req.PlanID == "" {
			return network.InvalidField("plan_id", "missing", "Applying names the plan that was seen.")
		}
		return nil
	}, func(a network.Actor, id string) (network.Import, error) {
		return c.store.By(a, c.now()).ApplyImport(r.Context(), a.Chain.ID, id, req.PlanID, c.now())
	})
}

// cancelImport ends an import, with what it has done by then (R30).
func (c *chains) cancelImport(w http.ResponseWriter, r *http.Request) error {
	return c.turn(w, r, nil, func(a network.Actor, id string) (network.Import, error) {
		return c.store.CancelImport(r.Context(), a.Chain.ID, id, c.now())
	})
}

// revertImport has taken back what an import made and nobody has joined (R30).
func (c *chains) revertImport(w http.ResponseWriter, r *http.Request) error {
	return c.turn(w, r, nil, func(a network.Actor, id string) (network.Import, error) {
		return c.store.By(a, c.now()).RevertImport(r.Context(), a.Chain.ID, id, c.now())
	})
}

// turn has an admin change the course of the import of the path, once check,
// if there is one, is content. The answer is the import: 202 while what was
// asked for is being done, 200 when it is.
func (c *chains) turn(w http.ResponseWriter, r *http.Request, check func(network.Actor) error, turn func(a network.Actor, id string) (network.Import, error)) error {
	a, err := c.admin(r)
	if err != nil {
		return err
	}
	if check != nil {
		if err := check(a); err != nil {
			return err
		}
	}
	id := r.PathValue("import_id")
	if !network.ValidImportID(id) {
		return network.ErrNotFound
	}
	imp, err := turn(a, id)
	if err != nil {
		return err
	}
	out, err := c.showImport(r, a.Chain, imp)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if imp.State == network.ImportApplying || imp.Reverting {
		status = http.StatusAccepted
	}
	return web.JSON(w, status, out)
}

// showImport is an import with what has become of its contacts by now.
func (c *chains) showImport(r *http.Request, ch network.Chain, i network.Import) (importJSON, error) {
	out := importJSON{
		ImportID: i.ID, FileName: i.FileName, Sheet: i.Sheet, DryRun: i.DryRun, Atomicity: byRow, Mode: i.Mode, ApplyMoves: i.ApplyMoves, Notify: i.Notify,
		State: i.State, Reverting: i.Reverting, PlanID: i.PlanID,
		CreatedAt: moment(i.CreatedAt), StartedAt: momentOrNull(i.StartedAt), PlannedAt: momentOrNull(i.PlannedAt), AppliedAt: momentOrNull(i.AppliedAt), EndedAt: momentOrNull(i.EndedAt),
	}
	if i.Whole {
		out.Atomicity = byCorp
	}
	if i.Mode == "" { // made before there were two
		out.Mode = network.Merge
	}
	if i.FileCode != "" {
		out.FileError = &fileErrorJSON{i.FileCode, fileAdvice(r, i), i.FileRow}
	}
	if i.HasErrors {
		at := "/v1/chains/" + ch.ID + "/imports/" + i.ID + "/errors.xlsx?lang="
		out.Errors = map[string]string{string(web.Chinese): at + string(web.Chinese), string(web.English): at + string(web.English)}
	}
	if i.State == network.ImportPlanned {
		joined, err := c.store.JoinedPartners(r.Context(), ch.ID)
		if err != nil {
			return out, err
		}
		out.Quota = &quotaJSON{i.Counts.Seats, max(0, ch.PartnerLimit-joined)}
	}
	if i.StartedAt.IsZero() {
		return out, nil // nobody can have come yet
	}
	tallies, err := c.store.Tallies(r.Context(), ch.ID, i.ID)
	if err != nil {
		return out, err
	}
	done, now := network.Done(tallies), c.now()
	n := i.Counts
	out.Rows, out.OK, out.Failed, out.Notices, out.Partners = n.Rows, n.OK, n.Failed, n.Notices, n.Partners
	out.Created, out.Updated, out.Unchanged, out.WouldMove = n.Created, n.Updated, n.Unchanged, n.WouldMove
	out.Conflict, out.Invalid, out.Withdrawn, out.Kept = n.Conflict, n.Invalid, n.Withdrawn, n.Kept
	out.Progress = progressOf(i, done, network.Progress(tallies, ch.Policies, now), now)
	return out, nil
}

// progressOf is how far an import has come. A row is checked as it is read.
func progressOf(i network.Import, done network.Counts, f network.Funnel, now time.Time) progressJSON {
	p := progressJSON{RowsRead: max(i.Read, i.Counts.Rows), RowsWritten: done.Rows, NoticesQueued: f.Queued, Funnel: f}
	p.RowsChecked = p.RowsRead
	p.NoticesSent, p.NoticesFailed = f.Notified-f.Undeliverable, f.Undeliverable
	if left, ok := secondsLeft(i, p, now); ok {
		p.SecondsLeft = &left
	}
	return p
}

// secondsLeft is how long what is still to be written and sent takes at the
// pace so far. There is no telling while a file is being read, whose end
// nobody has seen, nor before anything was done.
func secondsLeft(i network.Import, p progressJSON, now time.Time) (seconds int, ok bool) {
	began := i.AppliedAt
	if began.IsZero() {
		began = i.StartedAt
	}
	left, done := p.NoticesQueued, p.NoticesSent+p.NoticesFailed
	if i.State == network.ImportApplying {
		left, done = max(0, i.Counts.Rows-p.RowsWritten), p.RowsWritten
	}
	running := i.State == network.ImportApplying || i.State == network.ImportDone || i.State == network.ImportCancelled
	if !running || left == 0 || done == 0 || !now.After(began) {
		return 0, running && left == 0
	}
	return int(math.Ceil(now.Sub(began).Seconds() * float64(left) / float64(done))), true
}

type rowJSON struct {
	Row       *int            `json:"row"` // the sheet's own; null for whom no row names
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
	want, err := q.OneOf("outcome", string(network.RowCreate), string(network.RowUpdate), string(network.RowUnchanged), string(network.RowWouldMove),
		string(network.RowConflict), string(network.RowInvalid), string(network.RowFailed), string(network.RowWithdraw), string(network.RowKeep))
	if err != nil {
		return err
	}
	page, next, err := c.store.Rows(r.Context(), imp, network.Outcome(want), q.Cursor(), limit)
	if err != nil {
		return err
	}
	var items []rowJSON
	for _, p := range page {
		row := rowJSON{Outcome: p.Outcome}
		if p.Row > 0 {
			row.Row = &p.Row
		}
		if p.Outcome.Failed() {
			row.Code, row.Field, row.Detail = p.Code, p.Field, advice(r, p.Code)+form.Other(p.Detail, string(web.Language(r)))
		} else {
			row.PartnerID = p.Partner
			if p.Person != "" {
				row.ContactID = c.key.Contact(a.Chain.ID, p.Person)
			}
		}
		items = append(items, row)
	}
	return web.List(w, items, next)
}

// advice says in the reader's language what is wrong with a row or a file, and
// what to mend.
func advice(r *http.Request, code string) string { return form.Advice(code, string(web.Language(r))) }

// fileAdvice is the same of a file, with the sheet's name where there is none
// of that name.
func fileAdvice(r *http.Request, i network.Import) string {
	if i.FileDetail != "" {
		return form.NoSheet(i.FileDetail, string(web.Language(r)))
	}
	return advice(r, i.FileCode)
}
