// Package batch works through what a queue or a table's stream delivers, so
// that what fails comes back alone and what panics fails alone.
package batch

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/aws/aws-lambda-go/events"
)

// Each runs do for every message of a queue and reports those that failed, so
// that only they come back; after maxReceiveCount tries SQS moves them to the
// dead letters. A panic fails its own message, not the nine beside it.
func Each(do func(context.Context, events.SQSMessage) error) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for _, m := range e.Records {
			if err := Guard(func() error { return do(ctx, m) }); err != nil {
				slog.ErrorContext(ctx, "message failed", "message", m.MessageId, "try", m.Attributes["ApproximateReceiveCount"], "err", err)
				out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return out, nil
	}
}

// Records runs do for a stream's records, in their order and at most size at
// a time. At the first failure it stops and reports the first record of that
// part: Lambda then delivers it and all after it again, and what came before
// is done. So do must bear to see a record twice.
func Records(size int, do func(context.Context, []events.DynamoDBEventRecord) error) func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	return func(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		out := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
		for part := range slices.Chunk(e.Records, size) {
			if err := Guard(func() error { return do(ctx, part) }); err != nil {
				first := part[0].Change.SequenceNumber
				slog.ErrorContext(ctx, "records failed", "first", first, "records", len(part), "err", err)
				out.BatchItemFailures = append(out.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: first})
				break
			}
		}
		return out, nil
	}
}

// Guard turns a panic into an error: a goroutine's own, too, which no handler
// above it could. What was thrown is told only when it is the runtime's own
// words; anything else might quote the payload.
func Guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if e, ok := p.(runtime.Error); ok {
				err = fmt.Errorf("panic: %w\n%s", e, debug.Stack())
			} else {
				err = fmt.Errorf("panic: a %T\n%s", p, debug.Stack())
			}
		}
	}()
	return do()
}
