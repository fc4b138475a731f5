package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
	"github.com/tributary-app/tributary/shared/store"
)

// imports is the door of uploaded rosters. It may run twice for one upload,
// one run after the other or both at once, and be killed between any two
// lines: each step is the same when it is done again (R29).
type imports struct {
	store   *store.Store
	objects *s3.Client
	key     network.PersonKey
	now     func() time.Time
}

// uploaded takes in the objects of an event. One that fails has the event
// delivered again; those that are done by then are seen to be.
func (i *imports) uploaded(ctx context.Context, e events.S3Event) error {
	var failed []error
	for _, r := range e.Records {
		chain, id, ok := importOf(r.S3.Object.URLDecodedKey)
		if !ok {
			slog.WarnContext(ctx, "upload of nothing that was asked for")
			continue
		}
		err := batch.Guard(func() error {
			return i.take(ctx, chain, id, r.S3.Bucket.Name, r.S3.Object.URLDecodedKey, strings.Trim(r.S3.Object.ETag, `"`))
		})
		if err != nil {
			slog.ErrorContext(ctx, "import failed", "chain", chain, "import", id, "err", err)
			failed = append(failed, fmt.Errorf("import %s: %w", id, err))
		}
	}
	return errors.Join(failed...)
}

// importOf reads the key that an upload ticket gives: which import it is for.
func importOf(key string) (chain, id string, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 4 || parts[0] != "rosters" || !network.ValidChainID(parts[1]) || !network.ValidImportID(parts[2]) {
		return "", "", false
	}
	return parts[1], parts[2], true
}

// take brings one upload to its end.
func (i *imports) take(ctx context.Context, chain, id, bucket, key, etag string) error {
	c, imp, err := i.begin(ctx, chain, id, bucket, key, etag)
	switch network.KindOf(err) {
	case network.NotFound, network.Conflict, network.Gone:
		// No such import, or it has another upload: there is nothing to do.
		slog.WarnContext(ctx, "upload ignored", "chain", chain, "import", id, "reason", network.CodeOf(err))
		return nil
	}
	if err != nil || imp.State != network.ImportReading {
		return err // an earlier delivery has ended it
	}
	file, err := i.open(ctx, bucket, key, etag)
	var rows []network.RosterRow
	if err == nil {
		_, err = roster.Read(ctx, file, file.Size(), roster.Options{}, func(r *network.RosterRow) error {
			rows = append(rows, *r)
			return nil
		})
	}
	if bad, ok := errors.AsType[*roster.FileError](err); ok {
		imp.State, imp.FileCode, imp.FileRow, imp.EndedAt = network.ImportFailed, bad.Code, bad.Row, i.now()
		slog.InfoContext(ctx, "import refused", "chain", chain, "import", id, "code", bad.Code)
		return i.store.EndImport(ctx, imp, time.Time{})
	}
	if err != nil {
		return err
	}
	if imp.Counts, err = i.do(ctx, c, imp, rows); err != nil {
		return err
	}
	imp.State, imp.EndedAt = network.ImportDone, i.now()
	var ends time.Time
	switch {
	case imp.DryRun:
		imp.State = network.ImportPlanned
	case imp.Counts.Notices > 0:
		ends = network.ExpiresAt(imp.StartedAt, 0, c.Policies)
	}
	slog.InfoContext(ctx, "import done", "chain", chain, "import", id, "rows", imp.Counts.Rows, "failed", imp.Counts.Failed,
		"created", imp.Counts.Created, "took", i.now().Sub(imp.StartedAt))
	return i.store.EndImport(ctx, imp, ends)
}

// begin finds the import that an upload is for and takes it on: ErrNotFound,
// ErrChainDissolved, ErrStale if another object is being read for it. An
// object that has been replaced before anybody took it on is ErrStale too: the
// event of the other is on its way, and the import must still be free for it.
func (i *imports) begin(ctx context.Context, chain, id, bucket, key, etag string) (c network.Chain, imp network.Import, err error) {
	if imp, err = i.store.Import(ctx, chain, id); err != nil {
		return c, imp, err
	}
	if c, err = i.store.Chain(ctx, chain); err != nil {
		return c, imp, err
	}
	if c.Dissolved() {
		return c, imp, network.ErrChainDissolved
	}
	if imp.State == network.ImportWaiting {
		_, err := i.objects.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key, IfMatch: &etag})
		if r, ok := errors.AsType[*awshttp.ResponseError](err); ok && r.HTTPStatusCode() == http.StatusPreconditionFailed {
			return c, imp, network.ErrStale
		}
		if err != nil {
			return c, imp, fmt.Errorf("begin: %w", err)
		}
	}
	imp, err = i.store.BeginImport(ctx, chain, id, etag, i.now())
	return c, imp, err
}

// open reads the object that the event is about, and no other that has taken
// its place since: that one's event has been ignored by now, so the import ends
// here, as replaced.
func (i *imports) open(ctx context.Context, bucket, key, etag string) (*bytes.Reader, error) {
	out, err := i.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, IfMatch: &etag})
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok && (r.HTTPStatusCode() == http.StatusPreconditionFailed || r.HTTPStatusCode() == http.StatusNotFound) {
		return nil, &roster.FileError{Code: form.Replaced}
	}
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer out.Body.Close()
	b, err := io.ReadAll(io.LimitReader(out.Body, form.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if len(b) > form.MaxFile {
		return nil, &roster.FileError{Code: form.TooLarge}
	}
	return bytes.NewReader(b), nil
}
