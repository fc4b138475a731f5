package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// imports is the door of uploaded rosters, and of what people have decided
// about them since. It may run twice for one upload, one run after the other or
// both at once, and be killed between any two lines: each step is the same when
// it is done again (R29).
type imports struct {
	store   *store.Store
	objects *s3.Client
	bucket  string
	queue   *sqs.Client
	url     string // of the queue, by which a run leaves the rest to the next
	key     network.PersonKey
	now     func() time.Time
	spare   func(context.Context) bool // whether there is time for another chunk
}

// margin is what is kept of a run's time for the chunks under way, and for the
// message that has the next run go on.
const margin = 30 * time.Second

func inTime(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return !limited || time.Until(end) > margin
}

// handle tells the two that call apart: the bucket, with objects that came, and
// the queue, with messages.
func (i *imports) handle(ctx context.Context, payload json.RawMessage) (any, error) {
	var from struct {
		Records []struct {
			EventSource string `json:"eventSource"`
		} `json:"Records"`
	}
	if err := json.Unmarshal(payload, &from); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	if len(from.Records) > 0 && from.Records[0].EventSource == "aws:sqs" {
		var e events.SQSEvent
		if err := json.Unmarshal(payload, &e); err != nil {
			return nil, fmt.Errorf("event: %w", err)
		}
		return batch.Each(i.hear)(ctx, e)
	}
	var e events.S3Event
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	return nil, i.uploaded(ctx, e)
}

// uploaded takes in the objects of an event. One that fails has the event
// delivered again; those that are done by then are seen to be.
func (i *imports) uploaded(ctx context.Context, e events.S3Event) error {
	var failed []error
	for _, r := range e.Records {
		chain, id, ok := importOf(r.S3.Object.URLDecodedKey)
		if !ok {
			continue // an error workbook, which is ours, or nothing that was asked for
		}
		err := batch.Guard(func() error {
			return i.take(ctx, chain, id, strings.Trim(r.S3.Object.ETag, `"`))
		})
		if err != nil {
			slog.ErrorContext(ctx, "import failed", "chain", chain, "import", id, "err", err)
			failed = append(failed, fmt.Errorf("import %s: %w", id, err))
		}
	}
	return errors.Join(failed...)
}

// The objects of an import: the roster, and its failed rows in each language.
func rosterKey(chain, id string) string { return "rosters/" + chain + "/" + id + "/roster" }
func errorsKey(chain, id, lang string) string {
	return "rosters/" + chain + "/" + id + "/errors." + lang + ".xlsx"
}

// importOf reads the key that an upload ticket gives: which import it is for.
func importOf(key string) (chain, id string, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 4 || !network.ValidChainID(parts[1]) || !network.ValidImportID(parts[2]) || key != rosterKey(parts[1], parts[2]) {
		return "", "", false
	}
	return parts[1], parts[2], true
}

// take brings one upload as far as it gets.
func (i *imports) take(ctx context.Context, chain, id, etag string) error {
	imp, err := i.begin(ctx, chain, id, etag)
	switch network.KindOf(err) {
	case network.NotFound, network.Conflict, network.Gone:
		// No such import, or it has another upload: there is nothing to do.
		slog.WarnContext(ctx, "upload ignored", "chain", chain, "import", id, "reason", network.CodeOf(err))
		return nil
	}
	if err != nil {
		return err
	}
	return i.goOn(ctx, imp)
}

// begin finds the import that an upload is for and takes it on: ErrNotFound,
// ErrChainDissolved, ErrStale if another object is being read for it. An
// object that has been replaced before anybody took it on is ErrStale too: the
// event of the other is on its way, and the import must still be free for it.
func (i *imports) begin(ctx context.Context, chain, id, etag string) (imp network.Import, err error) {
	if imp, err = i.store.Import(ctx, chain, id); err != nil {
		return imp, err
	}
	c, err := i.store.Chain(ctx, chain)
	if err != nil {
		return imp, err
	}
	if c.Dissolved() {
		return imp, network.ErrChainDissolved
	}
	if imp.State == network.ImportWaiting {
		key := rosterKey(chain, id)
		_, err := i.objects.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &i.bucket, Key: &key, IfMatch: &etag})
		if r, ok := errors.AsType[*awshttp.ResponseError](err); ok && r.HTTPStatusCode() == http.StatusPreconditionFailed {
			return imp, network.ErrStale
		}
		if err != nil {
			return imp, fmt.Errorf("begin: %w", err)
		}
	}
	return i.store.BeginImport(ctx, chain, id, etag, i.now())
}

// tries is how often a message of ours that fails is sent anew, a minute later:
// by itself it would come back only when a run's whole time is over, and that
// six times.
const (
	tries    = 3
	tryAgain = 60 // seconds
)

// hear works on one message: an import is to go on, because somebody has said
// so, or because an earlier run had no time left.
func (i *imports) hear(ctx context.Context, m events.SQSMessage) error {
	e, err := network.DecodeEvent(m.Body)
	if err != nil || !e.Kind.ForImports() {
		return errors.Join(errors.New("hear: not a message about an import"), err)
	}
	imp, err := i.store.Import(ctx, e.Chain, e.Import)
	if errors.Is(err, network.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = batch.Guard(func() error { return i.goOn(ctx, imp) })
	}
	if err == nil || e.Count+1 >= tries {
		return err
	}
	slog.ErrorContext(ctx, "import failed", "chain", e.Chain, "import", e.Import, "try", e.Count+1, "err", err)
	e.Kind, e.Count = network.ImportContinue, e.Count+1
	return errors.Join(i.later(ctx, e, tryAgain))
}

// later has a later run go on with an import.
func (i *imports) later(ctx context.Context, e network.Event, seconds int32) error {
	body := e.Encode()
	if _, err := i.queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &i.url, MessageBody: &body, DelaySeconds: seconds}); err != nil {
		return fmt.Errorf("later: %w", err)
	}
	return nil
}
