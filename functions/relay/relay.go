package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tributary-app/tributary/shared/network"
)

// relay is the door between the table's stream and the queues.
type relay struct {
	queue            *sqs.Client
	notices, imports string // URLs of the queues: of who tells people, of who runs imports
	exports          string // and of who makes exports
}

// perCall is how many messages one call to the queue takes (SQS's limit).
const perCall = 10

// carry sends what the records' outboxes say. What was said in an earlier
// write and still stands in the item is old. If not all could be sent, all
// are sent again: who hears twice knows by the event's id.
func (r *relay) carry(ctx context.Context, records []events.DynamoDBEventRecord) error {
	entries := map[string][]types.SendMessageBatchRequestEntry{} // by queue
	for _, rec := range records {
		said, ok := outbox(rec.Change.NewImage)
		if before, _ := outbox(rec.Change.OldImage); !ok || said == before {
			continue
		}
		to := r.notices
		e, err := network.DecodeEvent(said)
		switch {
		case err != nil:
		case e.Kind.ForImports():
			to = r.imports
		case e.Kind.ForExports():
			to = r.exports
		}
		id := strconv.Itoa(len(entries[to]))
		entries[to] = append(entries[to], types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &said})
	}
	for to, some := range entries {
		if err := r.send(ctx, to, some); err != nil {
			return err
		}
	}
	return nil
}

// send puts messages into a queue, and again those that it doesn't take.
func (r *relay) send(ctx context.Context, to string, entries []types.SendMessageBatchRequestEntry) error {
	for try := 0; len(entries) > 0; try++ {
		out, err := r.queue.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &to, Entries: entries})
		if err != nil {
			return fmt.Errorf("carry: %w", err)
		}
		if entries = refused(entries, out.Failed); len(entries) == 0 {
			return nil
		}
		if try == 3 {
			return errors.New("carry: the queue keeps refusing")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond << try):
		}
	}
	return nil
}

func refused(entries []types.SendMessageBatchRequestEntry, failed []types.BatchResultErrorEntry) []types.SendMessageBatchRequestEntry {
	var left []types.SendMessageBatchRequestEntry
	for _, e := range entries {
		for _, f := range failed {
			if *f.Id == *e.Id {
				left = append(left, e)
			}
		}
	}
	return left
}

func outbox(image map[string]events.DynamoDBAttributeValue) (string, bool) {
	v, ok := image["Outbox"]
	if !ok || v.DataType() != events.DataTypeString {
		return "", false
	}
	return v.String(), true
}
