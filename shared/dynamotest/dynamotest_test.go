package dynamotest_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/dynamotest"
)

func TestATableIsWhatTheTemplateSays(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewStreaming(t)
	out, err := tb.Client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &tb.Name})
	if err != nil {
		t.Fatal(err)
	}
	indexes := map[string][]string{}
	for _, x := range out.Table.GlobalSecondaryIndexes {
		indexes[aws.ToString(x.IndexName)] = x.Projection.NonKeyAttributes
	}
	if got, want := fmt.Sprint(indexes), "map[due:[] list:[Card]]"; got != want {
		t.Errorf("got indexes and what they hold %s, want %s", got, want)
	}
	if s := out.Table.StreamSpecification; s == nil || s.StreamViewType != types.StreamViewTypeNewAndOldImages {
		t.Errorf("got stream %v, want new and old images", s)
	}
}

func TestTheMeterCountsRequestsAndTheUnitsOfTableAndIndexes(t *testing.T) {
	t.Parallel()
	tb := dynamotest.New(t)
	listed := item("a")
	listed["LPK"], listed["LSK"] = text("chain"), text("a")
	if err := put(t, tb.Client, tb, listed); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, tb, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := insert(t, tb, "b", "c"); err != nil {
		t.Fatal(err)
	}
	if _, err := tb.Client.BatchExecuteStatement(t.Context(), &dynamodb.BatchExecuteStatementInput{Statements: []types.BatchStatementRequest{{
		Statement: aws.String(fmt.Sprintf(`SELECT * FROM "%s" WHERE PK = ? AND SK = ?`, tb.Name)), Parameters: []types.AttributeValue{text("b"), text("b")},
	}}}); err != nil {
		t.Fatal(err)
	}
	got := tb.Meter()
	// Two for the listed item (table and index), one for each of the two others; half a unit for each read, which isn't consistent.
	if got.WriteUnits != 4 || got.ReadUnits != 1 || got.Requests != 4 || got.ByOp["BatchExecuteStatement"] != 2 {
		t.Errorf("got %+v, want 4 write units, 1 read unit, 4 requests", got)
	}
	tb.Reset()
	if got := tb.Meter(); got.Requests != 0 || got.WriteUnits != 0 || len(got.ByOp) != 0 {
		t.Errorf("got %+v after Reset, want nothing", got)
	}
}

func TestARequestThatIsLostDoesNothingAndALostAnswerHidesWhatWasDone(t *testing.T) {
	t.Parallel()
	tb := dynamotest.New(t)
	for fault, arrives := range map[dynamotest.Fault]bool{dynamotest.Before: false, dynamotest.After: true} {
		tb.Break = func(string, int) dynamotest.Fault { return fault }
		if err := put(t, tb.Client, tb, item(fmt.Sprint(fault))); err == nil {
			t.Errorf("fault %d: got no error", fault)
		}
		if _, got := tb.Items(t)[fmt.Sprintf("%d|%d", fault, fault)]; got != arrives {
			t.Errorf("fault %d: got item there %t, want %t", fault, got, arrives)
		}
	}
}

func TestRefusalsAreTheErrorsOfTheService(t *testing.T) {
	t.Parallel()
	tb := dynamotest.New(t)
	tb.Break = func(_ string, n int) dynamotest.Fault {
		return []dynamotest.Fault{dynamotest.Throttle, dynamotest.Conflict, dynamotest.None}[n-1]
	}
	if _, ok := errors.AsType[*types.ProvisionedThroughputExceededException](put(t, tb.Client, tb, item("a"))); !ok {
		t.Error("a throttled put isn't a ProvisionedThroughputExceededException")
	}
	if _, ok := errors.AsType[*types.TransactionConflictException](put(t, tb.Client, tb, item("a"))); !ok {
		t.Error("a put that met a transaction isn't a TransactionConflictException")
	}

	tb.Reset()
	tb.Break = func(string, int) dynamotest.Fault { return dynamotest.Conflict }
	_, err := tb.Client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: &tb.Name, Item: item("a")}},
		{Put: &types.Put{TableName: &tb.Name, Item: item("b")}},
	}})
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(cancelled.CancellationReasons) != 2 || aws.ToString(cancelled.CancellationReasons[0].Code) != "TransactionConflict" {
		t.Errorf("got %v, want a cancellation for a conflict on the first of two", err)
	}
	if got := tb.Items(t); len(got) != 0 {
		t.Errorf("got %d items after nothing but refusals, want none", len(got))
	}
}

func TestARetryingClientOutlivesFaults(t *testing.T) {
	t.Parallel()
	tb := dynamotest.New(t)
	tb.Break = func(_ string, n int) dynamotest.Fault {
		return []dynamotest.Fault{dynamotest.Before, dynamotest.Throttle, dynamotest.After, dynamotest.None}[n-1]
	}
	if err := put(t, tb.Retrying(4), tb, item("a")); err != nil {
		t.Fatal(err)
	}
	if got := tb.Meter(); got.Requests != 4 || got.WriteUnits != 2 {
		t.Errorf("got %+v, want 4 requests that wrote twice", got)
	}
}

func TestABatchDoesHalfAndHandsTheRestBack(t *testing.T) {
	t.Parallel()
	tb := dynamotest.New(t)
	tb.Break = func(string, int) dynamotest.Fault { return dynamotest.Unprocessed }

	write, err := tb.Client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{tb.Name: {
		{PutRequest: &types.PutRequest{Item: item("a")}}, {PutRequest: &types.PutRequest{Item: item("b")}}, {PutRequest: &types.PutRequest{Item: item("c")}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(write.UnprocessedItems[tb.Name]); got != 2 || len(tb.Items(t)) != 1 {
		t.Errorf("got %d writes back and %d done, want 2 and 1", got, len(tb.Items(t)))
	}

	read, err := tb.Client.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		tb.Name: {Keys: []map[string]types.AttributeValue{item("a"), item("b")}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Responses[tb.Name]) != 1 || len(read.UnprocessedKeys[tb.Name].Keys) != 1 {
		t.Errorf("got %d items and %d keys back, want 1 and 1", len(read.Responses[tb.Name]), len(read.UnprocessedKeys[tb.Name].Keys))
	}

	for keys, done := range map[int]int{1: 0, 4: 2} {
		all := []string{"w", "x", "y", "z"}[:keys]
		out, err := insert(t, tb, all...)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, r := range out.Responses {
			if r.Error == nil {
				got++
			}
		}
		if got != done || len(out.Responses) != keys {
			t.Errorf("got %d of %d inserts done, want %d of %d", got, len(out.Responses), done, keys)
		}
	}
}

func TestManyMayUseATableAtOnce(t *testing.T) {
	t.Parallel()
	tb := dynamotest.New(t)
	var broken int // Break's calls never overlap, so this needs no lock
	tb.Break = func(_ string, n int) dynamotest.Fault {
		if n%10 == 0 {
			broken++
			return dynamotest.Before
		}
		return dynamotest.None
	}
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() { _ = put(t, tb.Client, tb, item(fmt.Sprint(i))) })
	}
	all.Wait()
	if got := tb.Meter(); got.Requests != 100 || got.WriteUnits != 90 || broken != 10 || len(tb.Items(t)) != 90 {
		t.Errorf("got %+v, %d broken, %d items; want 100 requests, 90 units, 10 broken, 90 items", got, broken, len(tb.Items(t)))
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func item(key string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": text(key), "SK": text(key)}
}

func put(t *testing.T, db *dynamodb.Client, tb *dynamotest.Table, it map[string]types.AttributeValue) error {
	_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tb.Name, Item: it})
	return err
}

func get(t *testing.T, tb *dynamotest.Table, key string) (*dynamodb.GetItemOutput, error) {
	return tb.Client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &tb.Name, Key: item(key)})
}

func insert(t *testing.T, tb *dynamotest.Table, keys ...string) (*dynamodb.BatchExecuteStatementOutput, error) {
	var all []types.BatchStatementRequest
	for _, k := range keys {
		all = append(all, types.BatchStatementRequest{
			Statement: aws.String(fmt.Sprintf(`INSERT INTO "%s" VALUE {'PK':?,'SK':?}`, tb.Name)), Parameters: []types.AttributeValue{text(k), text(k)},
		})
	}
	return tb.Client.BatchExecuteStatement(t.Context(), &dynamodb.BatchExecuteStatementInput{Statements: all})
}
