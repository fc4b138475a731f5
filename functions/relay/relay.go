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
)

// relay is the door between the table's stream and the queue.
type relay struct {
	queue *sqs.Client
	url   string
}

// perCall is how many messages one call to the queue takes (SQS's limit).
const perCall = 10

// carry sends what the records' outboxes say. What was said in an earlier
// write and still stands in the item is old. If not all could be sent, all
// are sent again: who hears twice knows by the event's id.
func (r *relay) carry(ctx context.Context, records []events.DynamoDBEventRecord) error {
	var entries []types.SendMessageBatchRequestEntry
	for _, rec := range records {
		said, ok := outbox(rec.Change.NewImage)
		if before, _ := outbox(rec.Change.OldImage); !ok || said == before {
			continue
		}
		id := strconv.Itoa(len(entries))
		entries = append(entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &said})
	}
	for try := 0; len(entries) > 0; try++ {
		out, err := r.queue.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &r.url, Entries: entries})
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
