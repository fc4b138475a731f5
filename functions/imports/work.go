package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
	"github.com/tributary-app/tributary/shared/roster/mend"
	"github.com/tributary-app/tributary/shared/store"
)

// goOn does what is next for an import, and what is next after that, until it
// has ended, waits for somebody, or the run has no time left. Then it leaves the
// rest to the next run.
func (i *imports) goOn(ctx context.Context, imp network.Import) error {
	for {
		next, err := i.step(ctx, imp)
		switch {
		case errors.Is(err, store.ErrTimeUp):
			return i.later(ctx, network.Event{ID: "continue." + imp.ID, Kind: network.ImportContinue, Chain: imp.Chain, Import: imp.ID}, 0)
		case errors.Is(err, store.ErrStopped): // cancelled, reverted, or another run was faster
			if next, err = i.store.Import(ctx, imp.Chain, imp.ID); err == nil && !stopped(next) {
				return nil
			}
		}
		if err != nil || next.State == imp.State && next.ReadWhole == imp.ReadWhole && next.Reverting == imp.Reverting {
			return err
		}
		imp = next
	}
}

// stopped reports whether somebody has decided about an import, rather than
// another run.
func stopped(i network.Import) bool {
	return i.Reverting || i.State == network.ImportCancelled
}

// planGC is how much may be left lying beside what is in use while a roster is
// read and planned, in percent. That is when most is in use, and most of it
// stays so: half of Go's own setting takes 6 MB off the peak of 100,000 rows and
// costs no CPU that could be measured.
const planGC = 50

// step does what is next for an import, and gives it as it is then; the same
// when there is nothing to do.
func (i *imports) step(ctx context.Context, imp network.Import) (network.Import, error) {
	run := store.Run{Now: i.now, Spare: func() bool { return i.spare(ctx) }}
	if !run.Spare() {
		return imp, store.ErrTimeUp
	}
	defer debug.SetGCPercent(debug.SetGCPercent(planGC))
	switch {
	case imp.Reverting:
		return i.revert(ctx, imp, run)
	case imp.State == network.ImportReading && !imp.ReadWhole:
		return i.read(ctx, imp, run)
	case imp.State == network.ImportReading:
		c, err := i.store.Chain(ctx, imp.Chain)
		if err != nil {
			return imp, err
		}
		return i.store.PlanRoster(ctx, c, imp, run)
	case imp.State == network.ImportApplying:
		return i.apply(ctx, imp, run)
	case imp.State == network.ImportCancelled:
		return imp, i.store.FinishCancel(ctx, imp.Chain, imp.ID)
	case imp.State == network.ImportPlanned, imp.State == network.ImportDone:
		return imp, i.writeErrors(ctx, imp)
	}
	return imp, nil
}

// read takes in the rows of the file, whole or nothing.
func (i *imports) read(ctx context.Context, imp network.Import, run store.Run) (network.Import, error) {
	file, err := openObject(ctx, i.objects, i.bucket, rosterKey(imp.Chain, imp.ID), imp.Upload)
	spool := i.store.Spool(ctx, imp, i.key, run)
	if err == nil {
		defer file.close()
		_, err = roster.Read(ctx, file, file.size, roster.Options{Sheet: imp.Sheet}, spool.Add)
	}
	if bad, ok := errors.AsType[*roster.FileError](err); ok {
		imp.State, imp.FileCode, imp.FileRow, imp.EndedAt = network.ImportFailed, bad.Code, bad.Row, i.now()
		if bad.Code == form.NoHeader && strings.HasPrefix(bad.Detail, "no sheet is called") {
			imp.FileDetail = imp.Sheet
		}
		slog.InfoContext(ctx, "import refused", "chain", imp.Chain, "import", imp.ID, "code", bad.Code)
		return imp, i.store.FailImport(ctx, imp)
	}
	if err != nil {
		return imp, err
	}
	return spool.Keep()
}

// applyMemory is how much the Go runtime may hold while a plan is applied: less
// than reading a roster of 100,000 rows took it to.
const applyMemory = 52 << 20 // bytes

// apply does what the plan says, and says when all is done. By then the file
// and the plan's maps are gone, and what a request leaves behind may lie until
// there is applyMemory of it: collecting it less often saves a tenth of the CPU.
func (i *imports) apply(ctx context.Context, imp network.Import, run store.Run) (network.Import, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(applyMemory))
	if err := i.store.ApplyRoster(ctx, imp, run); err != nil {
		return imp, err
	}
	var ends time.Time
	if imp.Counts.Notices > 0 {
		c, err := i.store.Chain(ctx, imp.Chain)
		if err != nil {
			return imp, err
		}
		ends = network.ExpiresAt(imp.StartedAt, 0, c.Policies)
	}
	imp.EndedAt = i.now()
	if err := i.store.EndImport(ctx, imp, ends); err != nil {
		return imp, err
	}
	imp.State = network.ImportDone
	slog.InfoContext(ctx, "import done", "chain", imp.Chain, "import", imp.ID, "rows", imp.Counts.Rows, "failed", imp.Counts.Failed,
		"created", imp.Counts.Created, "took", imp.EndedAt.Sub(imp.StartedAt))
	return imp, nil
}

// revert takes back what the import has made, and its files.
func (i *imports) revert(ctx context.Context, imp network.Import, run store.Run) (network.Import, error) {
	keys := []string{rosterKey(imp.Chain, imp.ID)}
	for _, lang := range languages {
		keys = append(keys, errorsKey(imp.Chain, imp.ID, lang))
	}
	for _, key := range keys {
		if _, err := i.objects.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &i.bucket, Key: &key}); err != nil {
			return imp, fmt.Errorf("revert: %w", err)
		}
	}
	if err := i.store.RevertRoster(ctx, imp, i.now(), run); err != nil {
		return imp, err
	}
	imp.State, imp.Reverting = network.ImportReverted, false
	slog.InfoContext(ctx, "import reverted", "chain", imp.Chain, "import", imp.ID)
	return imp, nil
}

// languages are those in which an error workbook is written.
var languages = []string{"zh-CN", "en"}

// writeErrors gives the failed rows back, in the user's own workbook (R31). An
// import is planned or done without it too: where it can't be written, the list
// of its rows still has them all.
func (i *imports) writeErrors(ctx context.Context, imp network.Import) error {
	if imp.Counts.Failed == 0 || imp.HasErrors {
		return nil
	}
	if err := i.mend(ctx, imp); err != nil {
		slog.ErrorContext(ctx, "error workbooks can't be written", "chain", imp.Chain, "import", imp.ID, "err", err)
		return nil
	}
	return i.store.HasErrors(ctx, imp)
}

// mend writes the workbooks into the bucket.
func (i *imports) mend(ctx context.Context, imp network.Import) error {
	var failed []mend.Failed
	err := i.store.Refused(ctx, imp, func(p network.RowPlan) error {
		failed = append(failed, mend.Failed{Row: p.Row, Code: p.Code, Field: p.Field, Detail: p.Detail})
		if len(failed) > mend.Max { // one more says that there are more
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	file, err := openObject(ctx, i.objects, i.bucket, rosterKey(imp.Chain, imp.ID), imp.Upload)
	if err != nil {
		return err
	}
	defer file.close()
	for _, lang := range languages {
		var b bytes.Buffer
		if err := mend.Write(ctx, &b, file, file.size, roster.Options{Sheet: imp.Sheet}, lang, failed); err != nil {
			return err
		}
		_, err := i.objects.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &i.bucket, Key: aws.String(errorsKey(imp.Chain, imp.ID, lang)), Body: bytes.NewReader(b.Bytes()),
			ContentType: aws.String("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
		})
		if err != nil {
			return fmt.Errorf("put: %w", err)
		}
	}
	return nil
}

var errEnough = errors.New("enough")
