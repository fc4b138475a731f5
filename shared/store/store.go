package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/tributary-app/tributary/shared/network"
)

// Store is safe for concurrent use.
type Store struct {
	db     *dynamodb.Client
	table  string
	sender *sender // of imports
	seen   *kept
}

// Open is a store on the table of that name. endpoint is "" for AWS's own.
func Open(cfg aws.Config, endpoint, table string) *Store {
	return New(dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		if r, ok := o.Retryer.(aws.RetryerV2); ok {
			o.Retryer = asksAgain{r}
		}
	}), table)
}

// asksAgain sends a request again whose answer broke off: the SDK does where a
// connection was reset, not where a body has too few bytes. Every write of ours
// may be made twice, for its condition knows whether it was.
type asksAgain struct{ aws.RetryerV2 }

func (r asksAgain) IsErrorRetryable(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || r.RetryerV2.IsErrorRetryable(err)
}

// New is a store on a client of the caller's.
func New(db *dynamodb.Client, table string) *Store { return &Store{db, table, newSender(db), &kept{}} }

// vals are the values of an expression, by their names without the colon.
type vals map[string]any

func (v vals) marshal() (map[string]types.AttributeValue, error) {
	if len(v) == 0 {
		return nil, nil
	}
	out := make(map[string]types.AttributeValue, len(v))
	for name, x := range v {
		a, err := attributevalue.Marshal(x)
		if err != nil {
			return nil, err
		}
		out[":"+name] = a
	}
	return out, nil
}

// tx gathers the writes of one transaction. The first error of building one
// is kept until it is sent.
type tx struct {
	s     *Store
	items []types.TransactWriteItem
	err   error
}

func (s *Store) tx() *tx { return &tx{s: s} }

// put adds a write of a whole item under a condition, "" for none.
func (t *tx) put(item any, cond string, v vals) {
	m, err := attributevalue.MarshalMap(item)
	t.fail(err)
	x, err := v.marshal()
	t.fail(err)
	t.items = append(t.items, types.TransactWriteItem{Put: &types.Put{
		TableName: &t.s.table, Item: m, ConditionExpression: optional(cond), ExpressionAttributeValues: x,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
}

// update adds a change of an item under a condition. names are the
// placeholders of the expression that begin with '#', without it.
func (t *tx) update(k key, expr, cond string, names map[string]string, v vals) {
	x, err := v.marshal()
	t.fail(err)
	t.items = append(t.items, types.TransactWriteItem{Update: &types.Update{
		TableName: &t.s.table, Key: k.attrs(), UpdateExpression: &expr, ConditionExpression: optional(cond),
		ExpressionAttributeNames: hashed(names), ExpressionAttributeValues: x,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
}

// check adds a condition on an item that isn't written.
func (t *tx) check(k key, cond string, v vals) {
	x, err := v.marshal()
	t.fail(err)
	t.items = append(t.items, types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &t.s.table, Key: k.attrs(), ConditionExpression: &cond, ExpressionAttributeValues: x,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
}

// remove adds the removal of an item under a condition.
func (t *tx) remove(k key, cond string, v vals) {
	x, err := v.marshal()
	t.fail(err)
	t.items = append(t.items, types.TransactWriteItem{Delete: &types.Delete{
		TableName: &t.s.table, Key: k.attrs(), ConditionExpression: optional(cond), ExpressionAttributeValues: x,
	}})
}

func (t *tx) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// send commits all of it or nothing. refused is the index of the first write
// whose condition failed, with that item as it stood, or -1.
func (t *tx) send(ctx context.Context) (refused int, old map[string]types.AttributeValue, err error) {
	if t.err != nil {
		return -1, nil, t.err
	}
	_, err = t.s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: t.items})
	if tc, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for i, r := range tc.CancellationReasons {
			if aws.ToString(r.Code) == "ConditionalCheckFailed" {
				return i, r.Item, nil
			}
		}
	}
	return -1, nil, err
}

// again reports whether a write met another one half-way and is worth trying
// once more: nothing of it has happened.
func again(err error) bool {
	if _, ok := errors.AsType[*types.TransactionConflictException](err); ok {
		return true
	}
	tc, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return false
	}
	for _, r := range tc.CancellationReasons {
		switch aws.ToString(r.Code) {
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			return true
		}
	}
	return false
}

// patience is how often a write that lost against another is tried, with waits
// that double from 10 ms as often as that, give or take half.
type patience struct{ tries, doublings int }

var (
	// usual waits up to 640 ms and gives up after about two seconds.
	usual = patience{8, 6}
	// stubborn waits 320 ms at most, and gives up after about seven seconds,
	// within the ten that a door has.
	stubborn = patience{25, 5}
)

// retry runs do until it is done, fails, or has been tried often enough; then
// the caller hears that we are busy. do says whether it is worth another try.
func retry(ctx context.Context, do func(try int) (again bool, err error)) error {
	return usual.retry(ctx, do)
}

func (p patience) retry(ctx context.Context, do func(try int) (again bool, err error)) error {
	for try := range p.tries {
		more, err := do(try)
		if !more {
			return err
		}
		wait := time.Duration(10<<min(try, p.doublings)) * time.Millisecond
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait/2 + rand.N(wait)):
		}
	}
	return network.ErrBusy
}

// commit sends a transaction that build makes anew for each try, so that it
// can read again what has changed meanwhile. refused turns the failed
// condition's index into the answer; nil means: read and try again.
func (s *Store) commit(ctx context.Context, build func() (*tx, error), refused func(i int, old map[string]types.AttributeValue) error) error {
	return s.persist(ctx, usual, func(int) (*tx, error) { return build() }, refused)
}

// persist is commit with another patience; build is told which try it is.
func (s *Store) persist(ctx context.Context, p patience, build func(try int) (*tx, error), refused func(i int, old map[string]types.AttributeValue) error) error {
	return p.retry(ctx, func(try int) (bool, error) {
		t, err := build(try)
		if err != nil || t == nil {
			return false, err
		}
		i, old, err := t.send(ctx)
		switch {
		case again(err):
			return true, nil
		case err != nil || i < 0:
			return false, err
		}
		err = refused(i, old)
		return err == nil, err
	})
}

// get reads one item, consistently, into v. found is false if there is none.
func (s *Store) get(ctx context.Context, k key, v any) (found bool, err error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: k.attrs(), ConsistentRead: aws.Bool(true)})
	if err != nil || out.Item == nil {
		return false, err
	}
	return true, attributevalue.UnmarshalMap(out.Item, v)
}

// items are what a batch of reads found, by key.
type items map[key]map[string]types.AttributeValue

// into unmarshals the item of that key; found is false if there is none.
func (m items) into(k key, v any) (found bool, err error) {
	item, ok := m[k]
	if !ok {
		return false, nil
	}
	return true, attributevalue.UnmarshalMap(item, v)
}

// batchGet reads up to any number of items, 100 a request, and asks again for
// what the table left unread.
func (s *Store) batchGet(ctx context.Context, consistent bool, keys ...key) (items, error) {
	found := make(items, len(keys))
	for len(keys) > 0 {
		n := min(len(keys), 100)
		ask := types.KeysAndAttributes{ConsistentRead: &consistent}
		for _, k := range keys[:n] {
			ask.Keys = append(ask.Keys, k.attrs())
		}
		keys = keys[n:]
		err := retry(ctx, func(int) (bool, error) {
			out, err := s.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{s.table: ask}})
			if err != nil {
				return false, err
			}
			for _, item := range out.Responses[s.table] {
				found[keyOf(item)] = item
			}
			ask.Keys = out.UnprocessedKeys[s.table].Keys
			return len(ask.Keys) > 0, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func keyOf(item map[string]types.AttributeValue) key {
	var k key
	if s, ok := item["PK"].(*types.AttributeValueMemberS); ok {
		k.PK = s.Value
	}
	if s, ok := item["SK"].(*types.AttributeValueMemberS); ok {
		k.SK = s.Value
	}
	return k
}

// queryAll reads every item of a partition whose sort key begins with prefix,
// page by page, into each.
func (s *Store) queryAll(ctx context.Context, pk, prefix string, consistent bool, each func(item map[string]types.AttributeValue) error) error {
	in := &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: &consistent,
		KeyConditionExpression:    aws.String("PK = :pk AND begins_with(SK, :sk)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(pk), ":sk": str(prefix)},
	}
	if prefix == "" {
		in.KeyConditionExpression = aws.String("PK = :pk")
		delete(in.ExpressionAttributeValues, ":sk")
	}
	return s.queryPages(ctx, in, each)
}

// queryPages reads every item that a query finds, page by page, into each.
func (s *Store) queryPages(ctx context.Context, in *dynamodb.QueryInput, each func(item map[string]types.AttributeValue) error) error {
	for {
		out, err := s.db.Query(ctx, in)
		if err != nil {
			return err
		}
		for _, item := range out.Items {
			if err := each(item); err != nil {
				return err
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return nil
		}
	}
}

// queryKeys gives the keys of a partition's items.
func (s *Store) queryKeys(ctx context.Context, pk string, each func(key)) error {
	return s.queryPages(ctx, &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("PK, SK"),
		KeyConditionExpression: aws.String("PK = :pk"), ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(pk)},
	}, func(item map[string]types.AttributeValue) error {
		each(keyOf(item))
		return nil
	})
}

// page reads at most limit items of a partition in the order of their sort
// keys, from behind cursor on; next is "" at the end.
func (s *Store) page(ctx context.Context, in *dynamodb.QueryInput, pk, cursor string, limit int) (found []map[string]types.AttributeValue, next string, err error) {
	in.TableName, in.Limit = &s.table, aws.Int32(int32(limit))
	in.KeyConditionExpression = aws.String("PK = :pk")
	in.ExpressionAttributeValues = map[string]types.AttributeValue{":pk": str(pk)}
	if cursor != "" {
		sk, err := decodeCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		in.ExclusiveStartKey = key{pk, sk}.attrs()
	}
	out, err := s.db.Query(ctx, in)
	if err != nil {
		return nil, "", err
	}
	if out.LastEvaluatedKey != nil {
		next = encodeCursor(keyOf(out.LastEvaluatedKey).SK)
	}
	return out.Items, next, nil
}

// A cursor is the last sort key that was seen. The partition is never in it:
// it is rebuilt from who is asking, so a cursor reaches nobody else's data.
func encodeCursor(sk string) string { return base64.RawURLEncoding.EncodeToString([]byte(sk)) }

func decodeCursor(s string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) == 0 || len(b) > 512 {
		return "", network.ErrCursor
	}
	return string(b), nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func hashed(names map[string]string) map[string]string {
	if len(names) == 0 {
		return nil
	}
	out := make(map[string]string, len(names))
	for k, v := range names {
		out["#"+k] = v
	}
	return out
}

// moment is a time as items hold it: milliseconds since 1970, left out for
// the zero time, so that a condition can ask whether there is one.
type moment int64

func at(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	return moment(t.UnixMilli())
}

func (m moment) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

// wrap says where an error came from; one that a person may read passes as
// it is. A table that has too much to do is ErrBusy: later it will have time.
func wrap(where string, err error) error {
	switch {
	case err == nil || network.KindOf(err) != network.Internal:
		return err
	case throttled(err):
		return fmt.Errorf("%s: %w: %w", where, network.ErrBusy, err)
	}
	return fmt.Errorf("%s: %w", where, err)
}

// throttled reports whether the table refused for want of capacity.
func throttled(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	_, listed := awsretry.DefaultThrottleErrorCodes[api.ErrorCode()]
	return listed
}
