// Package sources calls functions when something happens: messages in a queue, changes of a table, objects in a bucket, the hour.
// It does on one machine what Lambda's event source mappings, S3's notifications and EventBridge Scheduler do in the cloud.
package sources

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tributary-app/tributary/infra/local/faults"
	"github.com/tributary-app/tributary/infra/local/lambda"
	"github.com/tributary-app/tributary/infra/local/template"
)

// Queue calls a function with the messages of a queue.
type Queue struct {
	Trigger  template.QueueTrigger
	URL      string
	Region   string
	Client   *sqs.Client
	Function *lambda.Function
	Weather  *faults.Weather
	// RetryAfter is when a message that failed comes back; 0 leaves that to the queue's visibility timeout, as in the cloud.
	RetryAfter time.Duration
	Warn       *slog.Logger
}

// A poll asks SQS for at most ten messages and waits for at most this long.
const (
	receiveMost = 10
	receiveWait = 5 * time.Second
)

// Run polls until ctx ends and what it has begun is done.
func (q *Queue) Run(ctx context.Context) {
	pollers := lambda.MaxInstances
	if n := q.Trigger.MaxConcurrency; n > 0 {
		pollers = min(pollers, n)
	}
	var wg sync.WaitGroup
	for range pollers {
		wg.Go(func() {
			for ctx.Err() == nil {
				if batch := q.collect(ctx); len(batch) > 0 {
					q.deliver(ctx, batch)
				}
			}
		})
	}
	wg.Wait()
}

// collect receives a batch: what is there or, with a window, what comes within it until the batch is full.
func (q *Queue) collect(ctx context.Context) []types.Message {
	var batch []types.Message
	var end time.Time
	for len(batch) < q.Trigger.BatchSize && ctx.Err() == nil {
		wait := receiveWait
		if len(batch) > 0 {
			if wait = time.Until(end); wait <= 0 {
				break
			}
		}
		out, err := q.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl:            &q.URL,
			MaxNumberOfMessages: int32(min(receiveMost, q.Trigger.BatchSize-len(batch))),
			WaitTimeSeconds:     int32(wait.Seconds()),
			//lint:ignore SA1019 local-aws-sqs knows only the older name, and SQS the newer
			AttributeNames:              []types.QueueAttributeName{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
			MessageAttributeNames:       []string{"All"},
		})
		if err != nil {
			if ctx.Err() == nil {
				q.Warn.Warn("queue can't be read", "queue", q.URL, "err", err)
				sleep(ctx, time.Second)
			}
			break
		}
		if len(batch) == 0 {
			end = time.Now().Add(q.Trigger.Window)
		}
		batch = append(batch, out.Messages...)
		if len(out.Messages) == 0 || q.Trigger.Window == 0 {
			break
		}
	}
	return batch
}

// deliver calls the function with batch, deletes what succeeded and leaves the rest to come back.
func (q *Queue) deliver(ctx context.Context, batch []types.Message) {
	var again []types.Message
	for _, m := range batch {
		if faults.Happens(q.Weather.Now().SQS.Duplicate) {
			again = append(again, m)
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	if len(again) > 0 { // SQS delivers at least once, and sometimes the second time overlaps with the first
		wg.Go(func() {
			sleep(ctx, rand.N(100*time.Millisecond))
			q.invoke(ctx, again)
		})
	}
	failed, invoked := q.invoke(ctx, batch)
	// The end of the stack must not make messages look delivered or undelivered: what was decided is still said.
	settle := context.WithoutCancel(ctx)
	var done []types.DeleteMessageBatchRequestEntry
	for i, m := range batch {
		if !failed[*m.MessageId] {
			done = append(done, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
			continue
		}
		if q.RetryAfter == 0 && invoked {
			continue
		}
		_, err := q.Client.ChangeMessageVisibility(settle, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &q.URL, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: int32(q.RetryAfter.Round(time.Second).Seconds()),
		})
		if err != nil {
			q.Warn.Warn("message comes back late", "queue", q.URL, "err", err)
		}
	}
	for some := range slices.Chunk(done, receiveMost) {
		out, err := q.Client.DeleteMessageBatch(settle, &sqs.DeleteMessageBatchInput{QueueUrl: &q.URL, Entries: some})
		if err != nil || len(out.Failed) > 0 {
			q.Warn.Warn("messages will be delivered again", "queue", q.URL, "err", err)
		}
	}
}

// invoke calls the function and says by id which messages failed, and whether the function was reached at all.
func (q *Queue) invoke(ctx context.Context, batch []types.Message) (failed map[string]bool, invoked bool) {
	failed = map[string]bool{}
	fail := func() {
		for _, m := range batch {
			failed[*m.MessageId] = true
		}
	}
	r, err := q.Function.Invoke(ctx, q.event(batch))
	if err != nil {
		if ctx.Err() == nil {
			q.Warn.Warn("queue's function can't be called", "function", q.Function.Name, "err", err)
		}
		fail()
		return failed, false
	}
	ids, err := failedItems(r, q.Trigger.Partial)
	if err != nil {
		q.Warn.Warn("batch failed", "function", q.Function.Name, "request", r.RequestID, "err", err)
		fail()
		return failed, true
	}
	known := map[string]bool{}
	for _, m := range batch {
		known[*m.MessageId] = true
	}
	for _, id := range ids {
		if !known[id] { // Lambda takes an answer that names no message of the batch as a failure of all
			fail()
			return failed, true
		}
		failed[id] = true
	}
	return failed, true
}

// failedItems reads the batchItemFailures of an answer; without partial failures, any answer is a success.
func failedItems(r lambda.Result, partial bool) ([]string, error) {
	if r.Failed {
		var said struct{ ErrorType, ErrorMessage string }
		_ = json.Unmarshal(r.Payload, &said) // an error that isn't JSON has nothing to say
		return nil, errors.New(strings.TrimSpace(said.ErrorType + " " + said.ErrorMessage))
	}
	if !partial || len(r.Payload) == 0 || string(r.Payload) == "null" {
		return nil, nil
	}
	var answer struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(r.Payload, &answer); err != nil {
		return nil, err
	}
	var ids []string
	for _, f := range answer.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids, nil
}

// event is the batch as Lambda shows it to a function.
func (q *Queue) event(batch []types.Message) []byte {
	type attribute struct {
		StringValue      *string  `json:"stringValue,omitempty"`
		BinaryValue      []byte   `json:"binaryValue,omitempty"`
		StringListValues []string `json:"stringListValues"`
		BinaryListValues [][]byte `json:"binaryListValues"`
		DataType         string   `json:"dataType"`
	}
	type record struct {
		MessageID         string               `json:"messageId"`
		ReceiptHandle     string               `json:"receiptHandle"`
		Body              string               `json:"body"`
		Attributes        map[string]string    `json:"attributes"`
		MessageAttributes map[string]attribute `json:"messageAttributes"`
		MD5OfBody         string               `json:"md5OfBody"`
		EventSource       string               `json:"eventSource"`
		EventSourceARN    string               `json:"eventSourceARN"`
		AWSRegion         string               `json:"awsRegion"`
	}
	records := make([]record, 0, len(batch))
	for _, m := range batch {
		r := record{
			MessageID: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
			Attributes: m.Attributes, MessageAttributes: map[string]attribute{}, MD5OfBody: aws.ToString(m.MD5OfBody),
			EventSource: "aws:sqs", EventSourceARN: q.Trigger.Queue, AWSRegion: q.Region,
		}
		for name, a := range m.MessageAttributes {
			r.MessageAttributes[name] = attribute{a.StringValue, a.BinaryValue, []string{}, [][]byte{}, aws.ToString(a.DataType)}
		}
		records = append(records, r)
	}
	return mustJSON(map[string]any{"Records": records})
}

// mustJSON writes what is made of strings, numbers and bytes, which can't fail.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
