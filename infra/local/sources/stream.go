package sources

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/tributary-app/tributary/infra/local/lambda"
	"github.com/tributary-app/tributary/infra/local/template"
)

// Stream calls a function with the changes of a table, in order.
type Stream struct {
	Trigger  template.StreamTrigger
	ARN      string // of the stream as the server has it
	Region   string
	Client   *dynamodbstreams.Client
	Function *lambda.Function
	Filter   Filter
	// RetryAfter is how long a batch that failed waits.
	RetryAfter time.Duration
	// Bookmark is a file that remembers how far each shard was read, so that a restart doesn't begin at the beginning.
	Bookmark string
	// Tell says to the failure destination what was given up; nil when there is none.
	Tell func(ctx context.Context, body string) error
	Warn *slog.Logger

	mu    sync.Mutex
	marks bookmark
}

// bookmark is the content of the bookmark file.
type bookmark struct {
	Stream string            `json:"stream"`
	Shards map[string]string `json:"shards"` // shard → sequence number of its last record that is done
}

const (
	recordsMax = 1000                   // that one look brings
	idlePause  = 100 * time.Millisecond // between two looks at a shard that was read to its end; Lambda looks four times a second

	// shardPause is between two looks for new shards, while one is being read: a new one follows the end of another. For each look the
	// server reads all the records that it has, which are two million after a great roster, and takes two seconds.
	shardPause = 5 * time.Minute
)

// Run reads every shard until ctx ends and what it has begun is done. A child shard is begun when its parent is read to the end.
func (s *Stream) Run(ctx context.Context) {
	s.load()
	finished := map[string]bool{}
	started := map[string]bool{}
	ended := make(chan string)
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		shards, err := s.shards(ctx)
		if err != nil && ctx.Err() == nil {
			s.Warn.Warn("stream can't be described", "stream", s.ARN, "err", err)
		}
		known := map[string]bool{}
		for _, shard := range shards {
			known[*shard.ShardId] = true
		}
		for _, shard := range shards {
			id, parent := *shard.ShardId, aws.ToString(shard.ParentShardId)
			if started[id] || parent != "" && known[parent] && !finished[parent] {
				continue
			}
			started[id] = true
			wg.Go(func() {
				if s.read(ctx, id) {
					select {
					case ended <- id:
					case <-ctx.Done():
					}
				}
			})
		}
		pause := time.Second
		if len(started) > len(finished) {
			pause = shardPause
		}
		select {
		case id := <-ended:
			finished[id] = true
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

func (s *Stream) shards(ctx context.Context) ([]types.Shard, error) {
	var all []types.Shard
	var from *string
	for {
		out, err := s.Client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &s.ARN, ExclusiveStartShardId: from})
		if err != nil {
			return all, err
		}
		all = append(all, out.StreamDescription.Shards...)
		if from = out.StreamDescription.LastEvaluatedShardId; from == nil {
			return all, nil
		}
	}
}

// record is a change with the two forms that it is needed in.
type record struct {
	types.Record
	shown map[string]any // as Lambda shows it to a function
}

func (r record) sequence() string { return aws.ToString(r.Dynamodb.SequenceNumber) }

func (r record) at() time.Time { return aws.ToTime(r.Dynamodb.ApproximateCreationDateTime) }

// read follows one shard; true says that the shard was closed and read to its end.
func (s *Stream) read(ctx context.Context, shard string) bool {
	var iterator *string
	var pending []record // read and not yet delivered
	var since time.Time  // when the oldest of pending was read
	for ctx.Err() == nil {
		if iterator == nil {
			var err error
			if iterator, err = s.iterator(ctx, shard); err != nil {
				s.complain(ctx, "shard can't be opened", err)
				sleep(ctx, time.Second)
				continue
			}
			pending = nil
		}
		out, err := s.Client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator, Limit: aws.Int32(recordsMax)})
		if err != nil {
			s.complain(ctx, "shard can't be read", err)
			iterator = nil // it may have expired: go on from the bookmark
			sleep(ctx, time.Second)
			continue
		}
		for _, r := range out.Records {
			shown := show(r, s.ARN, s.Region)
			if !s.Filter.Lets(shown) {
				continue
			}
			if len(pending) == 0 {
				since = time.Now()
			}
			pending = append(pending, record{r, shown})
		}
		closed := out.NextShardIterator == nil
		for len(pending) >= s.Trigger.BatchSize || len(pending) > 0 && (closed || time.Since(since) >= s.Trigger.Window) {
			batch := pending[:min(len(pending), s.Trigger.BatchSize)]
			if !s.deliver(ctx, shard, batch) {
				return false
			}
			pending = pending[len(batch):]
			s.mark(shard, batch[len(batch)-1].sequence())
		}
		if n := len(out.Records); n > 0 && len(pending) == 0 {
			s.mark(shard, aws.ToString(out.Records[n-1].Dynamodb.SequenceNumber)) // past what the filter held back
		}
		if closed {
			return true
		}
		iterator = out.NextShardIterator
		if len(out.Records) < recordsMax { // each look is a request that the writers wait for
			sleep(ctx, idlePause)
		}
	}
	return false
}

func (s *Stream) complain(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		s.Warn.Warn(what, "stream", s.ARN, "err", err)
	}
}

func (s *Stream) iterator(ctx context.Context, shard string) (*string, error) {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &s.ARN, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	if s.Trigger.Latest {
		in.ShardIteratorType = types.ShardIteratorTypeLatest
	}
	if after := s.marked(shard); after != "" {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &after
	}
	out, err := s.Client.GetShardIterator(ctx, in)
	if _, trimmed := errors.AsType[*types.TrimmedDataAccessException](err); trimmed {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeTrimHorizon, nil
		out, err = s.Client.GetShardIterator(ctx, in)
	}
	if err != nil {
		return nil, err
	}
	return out.ShardIterator, nil
}

// deliver has a batch handled, in as many parts at once as the trigger allows, each with keys of its own so that an item's changes
// stay in order. False says that ctx ended before.
func (s *Stream) deliver(ctx context.Context, shard string, batch []record) bool {
	parts := make([][]record, s.Trigger.Parallel)
	for _, r := range batch {
		h := fnv.New32a()
		_, _ = h.Write(mustJSON(keys(r.Dynamodb.Keys))) // a hash can't fail
		n := h.Sum32() % uint32(len(parts))
		parts[n] = append(parts[n], r)
	}
	done := make([]bool, len(parts))
	var wg sync.WaitGroup
	for i, part := range parts {
		wg.Go(func() { done[i] = len(part) == 0 || s.handle(ctx, shard, part, 0) })
	}
	wg.Wait()
	return !slices.Contains(done, false)
}

// handle calls the function with a batch until it is done with: handled, or given up and told. What failed is tried again from
// the first record that failed on and, when the trigger bisects, in two halves, so that one bad record doesn't hold up the rest.
func (s *Stream) handle(ctx context.Context, shard string, batch []record, attempt int) bool {
	for {
		r, err := s.Function.Invoke(ctx, s.event(batch))
		first := 0
		if err == nil {
			first, err = s.firstFailed(r, batch)
		}
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false // ended with the stack
		case errors.Is(err, lambda.ErrThrottled): // the function wasn't reached: no attempt
		case first > 0: // there was progress
			batch, attempt = batch[first:], 0
		default:
			attempt++
		}
		s.Warn.Warn("batch failed", "function", s.Function.Name, "records", len(batch), "attempt", attempt, "err", err)
		if s.over(batch, attempt) {
			return s.giveUp(ctx, shard, batch, r, attempt)
		}
		sleep(ctx, s.RetryAfter)
		if ctx.Err() != nil {
			return false
		}
		if s.Trigger.Bisect && len(batch) > 1 && attempt > 0 {
			half := len(batch) / 2
			return s.handle(ctx, shard, batch[:half], 0) && s.handle(ctx, shard, batch[half:], 0)
		}
	}
}

// over says whether a batch was tried often enough, or is too old to try again.
func (s *Stream) over(batch []record, attempt int) bool {
	tooOften := s.Trigger.Retries >= 0 && attempt > s.Trigger.Retries
	return tooOften || s.Trigger.MaxAge > 0 && time.Since(batch[0].at()) > s.Trigger.MaxAge
}

// firstFailed is the index of the first record that failed, with the error; no error says that all is well.
func (s *Stream) firstFailed(r lambda.Result, batch []record) (int, error) {
	ids, err := failedItems(r, s.Trigger.Partial)
	if err != nil {
		return 0, err
	}
	if len(ids) == 0 {
		return 0, nil
	}
	first := len(batch)
	for _, id := range ids {
		at := slices.IndexFunc(batch, func(r record) bool { return r.sequence() == id })
		if at < 0 { // an answer that names no record of the batch is a failure of all
			at = 0
		}
		first = min(first, at)
	}
	return first, errors.New("some records failed")
}

// giveUp tells the failure destination which records nobody handled. What they held is not in it, as in the cloud.
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
func (s *Stream) giveUp(ctx context.Context, shard string, batch []record, r lambda.Result, attempts int) bool {
	s.Warn.Warn("records were given up", "function", s.Function.Name, "records", len(batch))
	if s.Tell == nil {
		return true
	}
	first, last := batch[0], batch[len(batch)-1]
	condition := "RetryAttemptsExhausted"
	if s.Trigger.Retries < 0 || attempts <= s.Trigger.Retries {
		condition = "RecordAgeExceeded"
	}
	body := mustJSON(map[string]any{
		"version": "1.0", "timestamp": time.Now().UTC().Format(time.RFC3339Nano),
		"requestContext": map[string]any{
			"requestId": r.RequestID, "functionArn": s.Function.ARN, "condition": condition, "approximateInvokeCount": attempts,
		},
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"DDBStreamBatchInfo": map[string]any{
			"shardId": shard, "startSequenceNumber": first.sequence(), "endSequenceNumber": last.sequence(),
			"approximateArrivalOfFirstRecord": first.at().UTC().Format(time.RFC3339),
			"approximateArrivalOfLastRecord":  last.at().UTC().Format(time.RFC3339),
			"batchSize":                       len(batch), "streamArn": s.ARN,
		},
	})
	if err := s.Tell(ctx, string(body)); err != nil {
		s.complain(ctx, "dead letter could not be sent", err)
		return false
	}
	return true
}

func (s *Stream) event(batch []record) []byte {
	records := make([]map[string]any, 0, len(batch))
	for _, r := range batch {
		records = append(records, r.shown)
	}
	return mustJSON(map[string]any{"Records": records})
}

// show is a record as Lambda shows it to a function and to a filter.
func show(r types.Record, arn, region string) map[string]any {
	change := map[string]any{
		"ApproximateCreationDateTime": float64(aws.ToTime(r.Dynamodb.ApproximateCreationDateTime).Unix()),
		"Keys":                        keys(r.Dynamodb.Keys),
		"SequenceNumber":              aws.ToString(r.Dynamodb.SequenceNumber),
		"SizeBytes":                   float64(aws.ToInt64(r.Dynamodb.SizeBytes)),
		"StreamViewType":              string(r.Dynamodb.StreamViewType),
	}
	if r.Dynamodb.NewImage != nil {
		change["NewImage"] = keys(r.Dynamodb.NewImage)
	}
	if r.Dynamodb.OldImage != nil {
		change["OldImage"] = keys(r.Dynamodb.OldImage)
	}
	shown := map[string]any{
		"eventID": aws.ToString(r.EventID), "eventName": string(r.EventName), "eventVersion": cmp.Or(aws.ToString(r.EventVersion), "1.1"),
		"eventSource": "aws:dynamodb", "awsRegion": region, "eventSourceARN": arn, "dynamodb": change,
	}
	if u := r.UserIdentity; u != nil { // what the TTL deleted says so
		shown["userIdentity"] = map[string]any{"type": aws.ToString(u.Type), "principalId": aws.ToString(u.PrincipalId)}
	}
	return shown
}

// keys is an item in DynamoDB's JSON.
func keys(item map[string]types.AttributeValue) map[string]any {
	m := make(map[string]any, len(item))
	for name, v := range item {
		m[name] = attribute(v)
	}
	return m
}

func attribute(v types.AttributeValue) map[string]any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": v.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": v.Value}
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": v.Value}
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": v.Value}
	case *types.AttributeValueMemberBS:
		return map[string]any{"BS": v.Value}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": keys(v.Value)}
	case *types.AttributeValueMemberL:
		l := make([]any, 0, len(v.Value))
		for _, e := range v.Value {
			l = append(l, attribute(e))
		}
		return map[string]any{"L": l}
	}
	panic(fmt.Sprintf("sources: DynamoDB has no %T", v))
}

// Delivered is the sequence number up to which everything has been delivered, by all bookmarks in a folder; 0 if that isn't known.
func Delivered(folder string) (int64, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return 0, err
	}
	var least int64
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		var marks bookmark
		if err := json.Unmarshal(b, &marks); err != nil {
			return 0, err
		}
		for _, sequence := range marks.Shards {
			n, err := strconv.ParseInt(sequence, 10, 64)
			if err != nil {
				return 0, err
			}
			if least == 0 || n < least {
				least = n
			}
		}
	}
	return least, nil
}

// load reads the bookmark, if it is of this stream.
func (s *Stream) load() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks = bookmark{Stream: s.ARN, Shards: map[string]string{}}
	b, err := os.ReadFile(s.Bookmark)
	var old bookmark
	if err == nil && json.Unmarshal(b, &old) == nil && old.Stream == s.ARN && old.Shards != nil {
		s.marks = old
	}
}

func (s *Stream) marked(shard string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.marks.Shards[shard]
}

// mark notes that everything of shard up to the sequence number is done with.
func (s *Stream) mark(shard, sequence string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.marks.Shards[shard] == sequence {
		return
	}
	s.marks.Shards[shard] = sequence
	fresh := s.Bookmark + ".new"
	err := os.MkdirAll(filepath.Dir(s.Bookmark), 0o755)
	if err == nil {
		err = os.WriteFile(fresh, mustJSON(s.marks), 0o600)
	}
	if err == nil {
		err = os.Rename(fresh, s.Bookmark)
	}
	if err != nil {
		s.Warn.Warn("bookmark could not be kept: a restart will deliver again", "err", err)
	}
}
