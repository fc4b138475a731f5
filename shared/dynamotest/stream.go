package dynamotest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Changes are all the changes that the table's stream has seen, oldest first, as Lambda gives them to a function. Like
// Items it is neither broken nor metered. The table is one of NewStreaming.
func (tb *Table) Changes(t testing.TB) []events.DynamoDBEventRecord {
	t.Helper()
	about, err := tb.plain.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &tb.Name})
	if err != nil {
		t.Fatalf("dynamotest: %v", err)
	}
	arn := aws.ToString(about.Table.LatestStreamArn)
	var stream struct {
		StreamDescription struct {
			Shards []struct {
				ID string `json:"ShardId"`
			}
		}
	}
	tb.ask(t, "DescribeStream", map[string]any{"StreamArn": arn}, &stream)
	var all []events.DynamoDBEventRecord
	for _, shard := range stream.StreamDescription.Shards {
		var at struct{ ShardIterator string }
		tb.ask(t, "GetShardIterator", map[string]any{"StreamArn": arn, "ShardId": shard.ID, "ShardIteratorType": "TRIM_HORIZON"}, &at)
		for at.ShardIterator != "" {
			var page struct {
				Records           []events.DynamoDBEventRecord
				NextShardIterator string
			}
			tb.ask(t, "GetRecords", map[string]any{"ShardIterator": at.ShardIterator}, &page)
			if len(page.Records) == 0 {
				break // the end, for now
			}
			all = append(all, page.Records...)
			at.ShardIterator = page.NextShardIterator
		}
	}
	return all
}

// ask is a call to the streams' API. The answers are in the form that Lambda hands on, which an SDK would hide.
func (tb *Table) ask(t testing.TB, op string, in map[string]any, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatalf("dynamotest: %v", err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tb.endpoint, strings.NewReader(string(body)))
	if err != nil {
		t.Fatalf("dynamotest: %v", err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDBStreams_20120810."+op)
	// The local server looks for a signature, not at it.
	r.Header.Set("X-Amz-Date", "20260101T000000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none")
	resp, err := tb.wire.RoundTrip(r)
	if err != nil {
		t.Fatalf("dynamotest: %s: %v", op, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("dynamotest: %s: %s", op, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		t.Fatalf("dynamotest: %s: %v", op, err)
	}
}

// Outboxes is what the table has been given to say, with how often: what stood in an Outbox attribute that had been
// something else before.
func (tb *Table) Outboxes(t testing.TB) map[string]int {
	t.Helper()
	said := map[string]int{}
	for _, c := range tb.Changes(t) {
		now, ok := c.Change.NewImage["Outbox"]
		if !ok || now.DataType() != events.DataTypeString {
			continue
		}
		if before, ok := c.Change.OldImage["Outbox"]; ok && before.String() == now.String() {
			continue
		}
		said[now.String()]++
	}
	return said
}
