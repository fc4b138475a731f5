package store

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

type importItem struct {
	key
	DPK, DSK                          string `dynamodbav:",omitempty"`
	Maker, MakerCorp, FileName        string
	DryRun, Whole, ApplyMoves, Notify bool         `dynamodbav:",omitempty"`
	Mode                              network.Mode `dynamodbav:",omitempty"`
	Sheet                             string       `dynamodbav:",omitempty"`
	State                             network.ImportState
	CreatedAt                         moment
	StartedAt                         moment `dynamodbav:",omitempty"`
	PlannedAt                         moment `dynamodbav:",omitempty"`
	AppliedAt                         moment `dynamodbav:",omitempty"`
	EndedAt                           moment `dynamodbav:",omitempty"`
	Upload                            string `dynamodbav:",omitempty"`
	PlanID                            string `dynamodbav:",omitempty"`
	Read                              int    `dynamodbav:",omitempty"`
	ReadWhole                         bool   `dynamodbav:",omitempty"`
	Counts                            network.Counts
	Reverting, HasErrors              bool   `dynamodbav:",omitempty"`
	FileCode                          string `dynamodbav:",omitempty"`
	FileRow                           int    `dynamodbav:",omitempty"`
	FileDetail                        string `dynamodbav:",omitempty"`
	Outbox                            string `dynamodbav:",omitempty"`

	BeatAt    moment `dynamodbav:",omitempty"` // when a run was last alive
	Chunks    int    `dynamodbav:",omitempty"` // of rows
	Planned   int    `dynamodbav:",omitempty"` // chunks of the plan: those of rows, and of who is to be withdrawn
	From      int    `dynamodbav:",omitempty"` // the chain's last change before the plan was begun
	TouchBits int    `dynamodbav:",omitempty"` // how the plan's touches are laid out
	Groups    bool   `dynamodbav:",omitempty"` // the plan names some
	Through   int    `dynamodbav:",omitempty"` // all chunks before this one are done
}

// with is the item of the import as it is now; what only the table knows of it
// stays.
func (i importItem) with(m network.Import) importItem {
	i.key, i.Maker, i.MakerCorp, i.FileName = importKey(m.Chain, m.ID), m.Maker, m.MakerCorp, m.FileName
	i.DryRun, i.Whole, i.ApplyMoves, i.Notify, i.Mode, i.Sheet = m.DryRun, m.Whole, m.ApplyMoves, m.Notify, m.Mode, m.Sheet
	i.State, i.CreatedAt, i.StartedAt, i.PlannedAt, i.AppliedAt, i.EndedAt = m.State, at(m.CreatedAt), at(m.StartedAt), at(m.PlannedAt), at(m.AppliedAt), at(m.EndedAt)
	i.Upload, i.PlanID, i.Read, i.ReadWhole, i.Counts = m.Upload, m.PlanID, m.Read, m.ReadWhole, m.Counts
	i.Reverting, i.HasErrors, i.FileCode, i.FileRow, i.FileDetail = m.Reverting, m.HasErrors, m.FileCode, m.FileRow, m.FileDetail
	return i
}

func (i importItem) imp(chain string) network.Import {
	return network.Import{
		ID: i.SK, Chain: chain, Maker: i.Maker, MakerCorp: i.MakerCorp, FileName: i.FileName,
		DryRun: i.DryRun, Whole: i.Whole, ApplyMoves: i.ApplyMoves, Notify: i.Notify, Mode: i.Mode, Sheet: i.Sheet,
		State: i.State, CreatedAt: i.CreatedAt.time(), StartedAt: i.StartedAt.time(), PlannedAt: i.PlannedAt.time(), AppliedAt: i.AppliedAt.time(), EndedAt: i.EndedAt.time(),
		Upload: i.Upload, PlanID: i.PlanID, Read: i.Read, ReadWhole: i.ReadWhole, Counts: i.Counts,
		Reverting: i.Reverting, HasErrors: i.HasErrors, FileCode: i.FileCode, FileRow: i.FileRow, FileDetail: i.FileDetail,
	}
}

// CreateImport notes that a roster is about to be uploaded.
func (s *Store) CreateImport(ctx context.Context, i network.Import, once Once) (network.Import, error) {
	err := s.once(ctx, once, &i.ID, &i.CreatedAt, func() (*tx, error) {
		t := s.tx()
		t.put(importItem{}.with(i), "attribute_not_exists(PK)", nil)
		return t, nil
	}, nil)
	return i, wrap("create import", err)
}

// Import is the chain's import of that id, or ErrNotFound.
func (s *Store) Import(ctx context.Context, chain, id string) (network.Import, error) {
	it, err := s.importItem(ctx, chain, id)
	return it.imp(chain), wrap("import", err)
}

func (s *Store) importItem(ctx context.Context, chain, id string) (it importItem, err error) {
	found, err := s.get(ctx, importKey(chain, id), &it)
	if err == nil && !found {
		err = network.ErrNotFound
	}
	return it, err
}

// Imports lists a chain's imports, newest first.
func (s *Store) Imports(ctx context.Context, chain, cursor string, limit int) ([]network.Import, string, error) {
	found, next, err := s.page(ctx, &dynamodb.QueryInput{ScanIndexForward: aws.Bool(false)}, importKey(chain, "").PK, cursor, limit)
	if err != nil {
		return nil, "", wrap("imports", err)
	}
	page := make([]network.Import, len(found))
	for i, raw := range found {
		var it importItem
		if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
			return nil, "", wrap("imports", err)
		}
		page[i] = it.imp(chain)
	}
	return page, next, nil
}

// Run is what a step of an import knows of the run that it is a part of.
type Run struct {
	Now   func() time.Time
	Spare func() bool // whether there is time for another chunk
}

var (
	// ErrStopped says that an import is no longer what its run is there for:
	// somebody has cancelled it, or another run was faster.
	ErrStopped = errors.New("the import has moved on")
	// ErrTimeUp says that a run has no time left; the next goes on from there.
	ErrTimeUp = errors.New("the run's time is up")
)

// unfinished is after what time an import of which nothing is heard has broken
// off for good: a run takes at most a quarter of an hour and says every few
// seconds that it is there, and of three the last begins minutes after the
// first has ended.
const unfinished = 2 * time.Hour

// beatEvery is how often a run writes down how far it has come, lookEvery how
// often it looks whether it is still wanted.
const (
	beatEvery = 2 * time.Second
	lookEvery = 500 * time.Millisecond
)

// change turns an import into something: into the item that it gives and what
// it makes of the import. It may add further writes.
type change func(t *tx, it importItem, i *network.Import) (importItem, error)

// turnImport changes an import by a write that is refused if it has come
// further by then.
func (s *Store) turnImport(ctx context.Context, chain, id string, change change) (network.Import, error) {
	return s.turnFrom(ctx, nil, chain, id, change)
}

// turnFrom is turnImport for who has seen the import as it is likely to be
// still.
func (s *Store) turnFrom(ctx context.Context, seen *importItem, chain, id string, change change) (network.Import, error) {
	var imp network.Import
	err := s.commit(ctx, func() (*tx, error) {
		var it importItem
		var err error
		if seen != nil {
			it, seen = *seen, nil
		} else if it, err = s.importItem(ctx, chain, id); err != nil {
			return nil, err
		}
		imp = it.imp(chain)
		was := it
		t := s.tx()
		if it, err = change(t, it, &imp); err != nil {
			return nil, err
		}
		cond, v := "#s = :was", vals{"was": was.State}
		if was.Reverting {
			cond += " AND Reverting = :yes"
			v["yes"] = true
		} else {
			cond += " AND attribute_not_exists(Reverting)"
		}
		if !was.ReadWhole {
			cond += " AND attribute_not_exists(ReadWhole)"
		}
		t.put(it.with(imp), cond, v)
		last := t.items[len(t.items)-1].Put
		last.ExpressionAttributeNames = map[string]string{"#s": "State"}
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return imp, ignoreSame(err)
}

// filed is an item that the sweep is to look at.
func (i importItem) filed(chain string, ends, now time.Time) importItem {
	due := dueList(chain+"#"+i.SK, ends, now)
	i.DPK, i.DSK = due.PK, due.SK
	return i
}

// says is an item with something to be heard of.
func (i importItem) says(chain string, kind network.EventKind) importItem {
	i.Outbox = network.Event{ID: string(kind) + "." + i.SK, Kind: kind, Chain: chain, Import: i.SK}.Encode()
	return i
}

// BeginImport takes an import on, for the object with that ETag. Who begins
// it again, after a crash or by a second delivery, gets it as it is by then.
// Another object for the same import is ErrStale. One that nobody ends, the
// sweep does.
func (s *Store) BeginImport(ctx context.Context, chain, id, etag string, now time.Time) (network.Import, error) {
	imp, err := s.turnImport(ctx, chain, id, func(_ *tx, it importItem, i *network.Import) (importItem, error) {
		switch {
		case i.State == network.ImportWaiting:
		case i.Upload != etag && i.Upload != "":
			return it, network.ErrStale
		default:
			return it, errSame
		}
		i.State, i.Upload, i.StartedAt = network.ImportReading, etag, now
		return it.filed(chain, now.Add(unfinished), now), nil
	})
	return imp, wrap("begin import", err)
}

// FailImport ends an import whose file can't be taken, for the reason that it
// gives: nothing of it is left but that. One that has moved on stays as it is.
func (s *Store) FailImport(ctx context.Context, failed network.Import) error {
	if err := s.dropRows(ctx, failed.Chain, failed.ID); err != nil {
		return wrap("fail import", err)
	}
	_, err := s.turnImport(ctx, failed.Chain, failed.ID, func(_ *tx, it importItem, i *network.Import) (importItem, error) {
		if i.State != network.ImportReading {
			return it, errSame
		}
		i.State, i.FileCode, i.FileRow, i.FileDetail, i.EndedAt, i.Read = network.ImportFailed, failed.FileCode, failed.FileRow, failed.FileDetail, failed.EndedAt, 0
		it.DPK, it.DSK = "", ""
		return it, nil
	})
	return wrap("fail import", err)
}

// planned says that a plan is made: the import waits with it, or goes on to do
// it. The first to say so is right.
func (s *Store) planned(ctx context.Context, i network.Import, seen, made importItem, now time.Time) (network.Import, error) {
	last := &seen.From // the last change is likely to be that of then
	return s.turnFrom(ctx, &seen, i.Chain, i.ID, func(t *tx, it importItem, i *network.Import) (importItem, error) {
		switch {
		case i.State == network.ImportCancelled:
			return it, ErrStopped
		case i.State != network.ImportReading:
			return it, errSame
		}
		i.State, i.PlannedAt, i.Counts, i.PlanID = network.ImportPlanned, now, made.Counts, network.PlanID(*i)
		it.Planned, it.TouchBits, it.Groups = made.Planned, made.TouchBits, made.Groups
		if i.Waits() {
			it.DPK, it.DSK = "", ""
			return it, nil
		}
		i.State, i.AppliedAt = network.ImportApplying, now
		err := s.logImport(ctx, t, *i, "import_applied", last, now)
		last = nil
		return it.filed(i.Chain, now.Add(unfinished), now), err
	})
}

// logImport notes that an import changes its chain, if it does: behind that
// last change, if there is one to try.
func (s *Store) logImport(ctx context.Context, t *tx, i network.Import, what string, last *int, now time.Time) error {
	if c := i.Counts; c.Created+c.Updated+c.Withdrawn == 0 {
		return nil
	}
	c := s.importChange(i, what, now)
	if last == nil {
		return s.logChange(ctx, t, i.Chain, c)
	}
	c.key = changeKey(i.Chain, *last+1)
	t.put(c, "attribute_not_exists(PK)", nil)
	return nil
}

// importChange is what an import does to its chain, signed by its maker where
// it goes on by itself.
func (s *Store) importChange(i network.Import, what string, now time.Time) changeItem {
	return s.signed(changeItem{What: what, Import: i.ID, At: at(now), Who: &Who{Person: i.Maker, Corp: i.MakerCorp}, Target: &Target{"import", i.ID, i.FileName}})
}

// ApplyImport has a plan done: the import's, that somebody has seen. It answers
// the import as it is now; one that is being done, or was, as it is. ErrStale
// if its plan is another, or so old that nobody has it any more, or the chain
// has moved on in a way that touches it (R28), ErrConflict if it isn't planned, ErrNotFound.
func (s *Store) ApplyImport(ctx context.Context, chain, id, planID string, now time.Time) (network.Import, error) {
	imp, err := s.turnImport(ctx, chain, id, func(t *tx, it importItem, i *network.Import) (importItem, error) {
		switch {
		case i.PlanID != planID || planID == "":
			return it, network.ErrStale
		case i.State == network.ImportApplying || i.State == network.ImportDone:
			return it, errSame
		case i.State != network.ImportPlanned:
			return it, network.ErrConflict
		}
		if now.After(i.StartedAt.Add(rowsKept)) {
			return it, network.ErrStale
		}
		touched, last, err := s.touched(ctx, *i, it)
		if err == nil && !touched {
			touched, err = s.regrouped(ctx, *i, it)
		}
		if err != nil {
			return it, err
		}
		if touched {
			return it, network.ErrStale
		}
		// The next change is this one's, so that none comes in between.
		c := s.importChange(*i, "import_applied", now)
		c.key = changeKey(chain, last+1)
		t.put(c, "attribute_not_exists(PK)", nil)
		i.State, i.AppliedAt = network.ImportApplying, now
		return it.filed(chain, now.Add(unfinished), now).says(chain, network.ImportApply), nil
	})
	return imp, wrap("apply import", err)
}

// CancelImport ends an import, with what it has done by then (R30); its counts
// are of that. A run of it notices within a chunk. One that is cancelled
// already is answered as it is, ErrConflict if it has ended otherwise,
// ErrNotFound.
func (s *Store) CancelImport(ctx context.Context, chain, id string, now time.Time) (network.Import, error) {
	imp, err := s.turnImport(ctx, chain, id, func(_ *tx, it importItem, i *network.Import) (importItem, error) {
		switch i.State {
		case network.ImportCancelled:
			return it, errSame
		case network.ImportWaiting, network.ImportReading, network.ImportPlanned, network.ImportApplying:
		default:
			return it, network.ErrConflict
		}
		tallies, err := s.Tallies(ctx, chain, id)
		i.State, i.EndedAt, i.Counts = network.ImportCancelled, now, network.Done(tallies)
		return it.says(chain, network.ImportCancel), err
	})
	return imp, wrap("cancel import", err)
}

// FinishCancel counts what a cancelled import had done when its last run
// noticed, and forgets its rows if that is nothing. ErrStopped if it isn't
// cancelled.
func (s *Store) FinishCancel(ctx context.Context, chain, id string) error {
	imp, err := s.turnImport(ctx, chain, id, func(_ *tx, it importItem, i *network.Import) (importItem, error) {
		if i.State != network.ImportCancelled {
			return it, ErrStopped
		}
		tallies, err := s.Tallies(ctx, chain, id)
		done := network.Done(tallies)
		if err == nil && (i.Reverting || done == i.Counts) {
			err = errSame
		}
		i.Counts = done
		return it, err
	})
	if err == nil && imp.AppliedAt.IsZero() {
		err = s.dropRows(ctx, chain, id)
	}
	return wrap("finish cancel", err)
}

// RevertImport has an import that has ended taken back: what it made and nobody
// has joined, and its files (R30). It is Reverting until that is done, then
// ImportReverted; one that is so already is answered as it is. ErrConflict if
// it hasn't ended, or failed before it did anything, or so long ago that nobody
// knows any more what it did; ErrNotFound.
func (s *Store) RevertImport(ctx context.Context, chain, id string, now time.Time) (network.Import, error) {
	imp, err := s.turnImport(ctx, chain, id, func(t *tx, it importItem, i *network.Import) (importItem, error) {
		if i.State == network.ImportReverted || i.Reverting {
			return it, errSame
		}
		ended := i.State == network.ImportDone || i.State == network.ImportCancelled || i.State == network.ImportFailed && i.FileCode == notFinished
		if !ended || !i.StartedAt.IsZero() && now.After(i.StartedAt.Add(rowsKept)) {
			return it, network.ErrConflict
		}
		i.Reverting = true
		it = it.says(chain, network.ImportRevert)
		if i.State != network.ImportDone && !i.AppliedAt.IsZero() { // its chunks under way may not be counted yet
			return it, s.logChange(ctx, t, chain, s.importChange(*i, "import_reverted", now))
		}
		return it, s.logImport(ctx, t, *i, "import_reverted", nil, now)
	})
	return imp, wrap("revert import", err)
}

// notFinished is the file code of an import of which nothing was heard any
// more (api.md).
const notFinished = "not_finished"

// EndImport says that an import is done; the first to say so is right. ends is
// when its notices do, zero if none were sent: the sweep tells the maker then.
// ErrStopped if it isn't being done.
func (s *Store) EndImport(ctx context.Context, done network.Import, ends time.Time) error {
	if err := s.followMoved(ctx, done); err != nil {
		return wrap("end import", err)
	}
	_, err := s.turnImport(ctx, done.Chain, done.ID, func(_ *tx, it importItem, i *network.Import) (importItem, error) {
		switch i.State {
		case network.ImportApplying:
		case network.ImportDone:
			return it, errSame
		default:
			return it, ErrStopped
		}
		i.State, i.EndedAt = network.ImportDone, done.EndedAt
		it.DPK, it.DSK, it.Outbox = "", "", ""
		if !ends.IsZero() {
			it = it.filed(i.Chain, ends, i.EndedAt)
		}
		return it, nil
	})
	return wrap("end import", err)
}

// HasErrors notes that the error workbooks of an import that is planned or done
// are in the bucket.
func (s *Store) HasErrors(ctx context.Context, i network.Import) error {
	err := s.updateOnce(ctx, importKey(i.Chain, i.ID), "SET HasErrors = :yes", "#s IN (:planned, :done) AND attribute_not_exists(Reverting)", map[string]string{"#s": "State"},
		vals{"yes": true, "planned": network.ImportPlanned, "done": network.ImportDone})
	return wrap("has errors", err)
}

// beat says that a run of an import is there, and how far it has come: rows
// read while it reads, chunks done while it is done. ErrStopped if it is in
// that state no more.
func (s *Store) beat(ctx context.Context, i network.Import, during network.ImportState, far int, now time.Time) error {
	what := map[network.ImportState]string{network.ImportReading: "Read", network.ImportApplying: "Through"}[during]
	ok, err := s.update(ctx, importKey(i.Chain, i.ID), "SET BeatAt = :now, #far = :far", "#s = :during",
		map[string]string{"#s": "State", "#far": what}, vals{"far": far, "now": at(now), "during": during})
	if err == nil && !ok {
		err = ErrStopped
	}
	return err
}
