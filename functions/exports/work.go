package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/sheet"
	"github.com/tributary-app/tributary/shared/store"
)

// exports is the door of those who make files. It may run twice for one
// export, one run after the other or both at once, and be killed between any
// two lines: a part counts once its name is in the table, and of two runs one
// writes it there.
type exports struct {
	store   *store.Store
	objects *s3.Client
	bucket  string
	queue   *sqs.Client
	url     string // of the queue, by which a run leaves the rest to the next
	now     func() time.Time
	spare   func(context.Context) bool // whether there is time for another page
}

const (
	// margin is what is kept of a run's time for a part to be written and the
	// next run to be told.
	margin = 30 * time.Second
	// pagePartners bounds what is in memory at once: a partner has a thousand
	// people at most, and few have ten.
	pagePartners = 100
	// partRows is how many rows make a part, or a few more: half a megabyte,
	// and what a run that is killed does again.
	partRows = 5000
	// tries is how often a message of ours that fails is sent anew, a minute
	// later: by itself it would come back only when a run's whole time is over,
	// six times.
	tries    = 3
	tryAgain = 60 // seconds
)

func inTime(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return !limited || time.Until(end) > margin
}

// hear works on one message: an export was asked for, or an earlier run had no
// time left.
func (x *exports) hear(ctx context.Context, m events.SQSMessage) error {
	e, err := network.DecodeEvent(m.Body)
	if err != nil || !e.Kind.ForExports() {
		return errors.Join(errors.New("hear: not a message about an export"), err)
	}
	err = batch.Guard(func() error { return x.goOn(ctx, e.Chain, e.Export) })
	switch {
	case errors.Is(err, store.ErrTimeUp):
		e.Count = 0
		return x.later(ctx, e, 0)
	case errors.Is(err, store.ErrStopped), errors.Is(err, network.ErrNotFound):
		return nil // another run was faster; or it is long forgotten
	case err == nil || e.Count+1 >= tries:
		return err
	}
	slog.ErrorContext(ctx, "export failed", "chain", e.Chain, "export", e.Export, "try", e.Count+1, "err", err)
	e.Count++
	return x.later(ctx, e, tryAgain)
}

// later has a later run go on with an export.
func (x *exports) later(ctx context.Context, e network.Event, seconds int32) error {
	body := e.Encode()
	if _, err := x.queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &x.url, MessageBody: &body, DelaySeconds: seconds}); err != nil {
		return fmt.Errorf("later: %w", err)
	}
	return nil
}

// goOn makes an export, from where an earlier run left it to its end, or until
// the time is up.
func (x *exports) goOn(ctx context.Context, chain, id string) error {
	e, w, err := x.store.Export(ctx, chain, id)
	if err != nil {
		return err
	}
	e = e.At(x.now())
	if e.State == network.ExportDone || e.State == network.ExportFailed {
		return nil
	}
	for !w.Whole {
		if e, w, err = x.part(ctx, e, w); err != nil || e.State == network.ExportFailed {
			return err
		}
	}
	if !x.spare(ctx) {
		return store.ErrTimeUp
	}
	if _, err := x.actor(ctx, e); errors.Is(err, errMayNot) { // since the last page
		_, _, err = x.fail(ctx, e, w, network.ExportNotAllowed)
		return err
	} else if err != nil {
		return err
	}
	if err := x.assemble(ctx, e, w); err != nil {
		return err
	}
	e.State, e.FinishedAt = network.ExportDone, x.now()
	if _, err := x.store.KeepExport(ctx, e, w); err != nil {
		return err
	}
	slog.InfoContext(ctx, "export done", "chain", e.Chain, "export", e.ID, "rows", e.Rows, "took", e.FinishedAt.Sub(e.CreatedAt))
	return nil
}

// errMayNot says that who asked may not see any more what they asked for.
var errMayNot = errors.New("they see less by now")

// actor is who asked, as what they are now: errMayNot if they aren't shown what
// they were when they asked.
func (x *exports) actor(ctx context.Context, e network.Export) (network.Actor, error) {
	a, err := x.store.Actor(ctx, network.Person{ID: e.Maker}, e.MakerCorp, e.Chain)
	switch network.KindOf(err) {
	case network.NotFound, network.Denied, network.Gone, network.Invalid:
		return a, errMayNot
	}
	if err == nil && a.Sighted() != e.Sight {
		err = errMayNot
	}
	return a, err
}

// fail ends an export without a file.
func (x *exports) fail(ctx context.Context, e network.Export, w store.ExportWork, code string) (network.Export, store.ExportWork, error) {
	e.State, e.Code, e.FinishedAt = network.ExportFailed, code, x.now()
	w, err := x.store.KeepExport(ctx, e, w)
	slog.InfoContext(ctx, "export refused", "chain", e.Chain, "export", e.ID, "code", code)
	return e, w, err
}

// part writes the next part: pages until there are rows enough for one, the
// time is up or there is none left.
func (x *exports) part(ctx context.Context, e network.Export, w store.ExportWork) (network.Export, store.ExportWork, error) {
	p, err := sheet.New(sheet.Format(e.Format), sheet.Sum{Size: w.Size, Raw: w.Raw, CRC: w.CRC, Rows: w.Lines})
	if err != nil {
		return e, w, err
	}
	if w.Lines == 0 {
		p.Row(sheet.Heading(e.Lang)...)
	}
	var tree network.Tree
	timeUp := false
	for first := true; first || w.Cursor != "" && p.Rows() < w.Lines+partRows; first = false {
		if timeUp = !x.spare(ctx); timeUp {
			break
		}
		a, err := x.actor(ctx, e)
		if errors.Is(err, errMayNot) {
			return x.fail(ctx, e, w, network.ExportNotAllowed)
		}
		if err == nil && tree == nil && a.Side == network.Owner {
			tree, err = x.store.Tree(ctx, e.Chain)
		}
		if err != nil {
			return e, w, err
		}
		w.Cursor, err = x.store.ExportPage(ctx, a, tree, w.Cursor, pagePartners, func(r network.ExportRow) {
			p.Row(sheet.Directory(r, e.Lang)...)
		})
		if err != nil {
			return e, w, err
		}
		if p.Rows() > sheet.MaxRows {
			return x.fail(ctx, e, w, network.ExportTooManyRows)
		}
		w.Whole = w.Cursor == ""
	}
	if timeUp && p.Rows() <= max(w.Lines, 1) {
		return e, w, store.ErrTimeUp // nothing to keep
	}
	b, sum, err := p.End(w.Whole)
	if err != nil {
		return e, w, err
	}
	name := fmt.Sprintf("%06d-%s", w.Step, rand.Text()) // of a run: another may write a part of the same step
	if err := x.put(ctx, partKey(e, name), bytes.NewReader(b), int64(len(b)), "application/octet-stream"); err != nil {
		return e, w, err
	}
	w.Parts, w.Size, w.Raw, w.CRC, w.Lines = append(w.Parts, name), sum.Size, sum.Raw, sum.CRC, sum.Rows
	e.State, e.Rows = network.ExportRunning, sum.Rows-1
	w, err = x.store.KeepExport(ctx, e, w)
	if err == nil && timeUp {
		err = store.ErrTimeUp
	}
	return e, w, err
}

// The objects of an export: its parts, and the file.
func partKey(e network.Export, name string) string {
	return "exports/" + e.Chain + "/" + e.ID + "/parts/" + name
}
func fileKey(e network.Export) string {
	return "exports/" + e.Chain + "/" + e.ID + "/directory." + e.Format
}

// assemble makes the file of its parts. They go through it as a stream whose
// length is known beforehand, so that it takes one PUT and no memory.
func (x *exports) assemble(ctx context.Context, e network.Export, w store.ExportWork) error {
	f, sum := sheet.Format(e.Format), sheet.Sum{Size: w.Size, Raw: w.Raw, CRC: w.CRC, Rows: w.Lines}
	size, err := sheet.Size(f, sum)
	if err != nil {
		return err
	}
	r, pipe := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pipe.CloseWithError(batch.Guard(func() error {
			return sheet.Assemble(pipe, f, sum, &parts{ctx: ctx, x: x, e: e, names: w.Parts})
		}))
	}()
	// Not as a pipe, of which the SDK forgets the length.
	err = x.put(ctx, fileKey(e), struct{ io.Reader }{r}, size, f.Type())
	r.Close() // the writer, if it still writes, ends
	<-done    // Lambda stops an instance between two events wherever it is
	return err
}

// put writes an object. A body that can't be read twice is sent once, and not
// signed, which TLS makes up for.
func (x *exports) put(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error {
	_, err := x.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &x.bucket, Key: &key, Body: body, ContentLength: &size, ContentType: &mediaType}, func(o *s3.Options) {
		if _, again := body.(io.Seeker); !again {
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.RetryMaxAttempts = 1
			o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
		}
	})
	if err != nil {
		return fmt.Errorf("put: %w", err)
	}
	return nil
}

// parts reads the parts of an export one behind the other.
type parts struct {
	ctx   context.Context // for io.Reader has none
	x     *exports
	e     network.Export
	names []string // those that aren't read yet
	open  io.ReadCloser
}

func (p *parts) Read(b []byte) (int, error) {
	for {
		if p.open == nil {
			if len(p.names) == 0 {
				return 0, io.EOF
			}
			out, err := p.x.objects.GetObject(p.ctx, &s3.GetObjectInput{Bucket: &p.x.bucket, Key: aws.String(partKey(p.e, p.names[0]))})
			if err != nil {
				return 0, fmt.Errorf("part: %w", err)
			}
			p.open, p.names = out.Body, p.names[1:]
		}
		n, err := p.open.Read(b)
		if err == nil || n > 0 && errors.Is(err, io.EOF) {
			return n, nil
		}
		p.open.Close()
		p.open = nil
		if !errors.Is(err, io.EOF) {
			return n, fmt.Errorf("part: %w", err)
		}
	}
}
