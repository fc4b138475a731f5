// Package dynamotest gives a test a table of its own, as the template makes it: the real SDK client talking HTTP to the
// DynamoDB-compatible server at DYNAMODB_ENDPOINT, with faults on the wire and a meter of what each call cost.
//
// The server can't throttle, refuse for a conflict, leave work undone or lose an answer; Break does, where it happens in
// life: between the SDK and the service.
package dynamotest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Table is a fresh, empty table that goes when its test ends. It is safe for concurrent use.
type Table struct {
	Name   string
	Client *dynamodb.Client // tries each call once, so that a fault is seen by who called

	// Break says what happens to a call: op is the operation ("TransactWriteItems"), n counts the calls of that
	// operation since New or Reset, the first is 1. Calls of Break never overlap. Set it while no call is under way; nil lets all pass.
	Break func(op string, n int) Fault

	// Contend has a transaction hold its items while it is under way, as the service does: who comes to one of them
	// meanwhile, to write or to check it, is refused as by Conflict. Set it while no call is under way.
	Contend bool

	endpoint string
	wire     *http.Transport
	plain    *dynamodb.Client // past the faults and the meter

	mu    sync.Mutex
	meter Meter
	held  map[string]bool // items, by their keys
}

// New makes a table for t, without the template's stream: the server asks all changes of a table there have been for the
// next one's number, so that each write of a table with a stream takes longer than the one before. It ends the test when
// there is no server.
func New(t testing.TB) *Table {
	t.Helper()
	return newTable(t, false)
}

// NewStreaming is New with the stream, for Changes and Outboxes.
func NewStreaming(t testing.TB) *Table {
	t.Helper()
	return newTable(t, true)
}

func newTable(t testing.TB, stream bool) *Table {
	t.Helper()
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Fatal("DYNAMODB_ENDPOINT is not set: `make test` starts a server and sets it; for one package, `make test PKG=./shared/store`")
	}
	tb, err := open(t.Context(), endpoint, t.Name(), stream)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tb.Drop(context.Background()); err != nil { // t.Context is over by now
			t.Error(err)
		}
	})
	return tb
}

// Make is New for what is no test: a benchmark. The caller drops the table.
func Make(ctx context.Context, endpoint, label string) (*Table, error) {
	return open(ctx, endpoint, label, false)
}

func open(ctx context.Context, endpoint, label string, stream bool) (*Table, error) {
	tb := &Table{
		Name:     name(label),
		endpoint: endpoint,
		// Hundreds press Join at once in some tests; without this each would use up a port.
		wire: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute},
	}
	tb.Reset()
	tb.Client = client(endpoint, tb, 1)
	tb.plain = client(endpoint, tb.wire, 3)
	return tb, CreateTable(ctx, tb.plain, tb.Name, stream)
}

// Drop deletes the table.
func (tb *Table) Drop(ctx context.Context) error {
	defer tb.wire.CloseIdleConnections()
	if _, err := tb.plain.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &tb.Name}); err != nil {
		return fmt.Errorf("dynamotest: drop: %w", err)
	}
	return nil
}

// Retrying is a client of the same table, behind the same faults and meter, that tries each call up to n times with
// next to no wait, as the functions' own clients do with more.
func (tb *Table) Retrying(n int) *dynamodb.Client { return client(tb.endpoint, tb, n) }

// Items is everything in the table, by "PK|SK": what a test compares when it wants the end state of a clean run. It is
// neither broken nor metered.
func (tb *Table) Items(t testing.TB) map[string]map[string]any {
	t.Helper()
	items := map[string]map[string]any{}
	pages := dynamodb.NewScanPaginator(tb.plain, &dynamodb.ScanInput{TableName: &tb.Name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatalf("dynamotest: %v", err)
		}
		for _, it := range page.Items {
			var m map[string]any
			if err := attributevalue.UnmarshalMap(it, &m); err != nil {
				t.Fatalf("dynamotest: %v", err)
			}
			items[fmt.Sprintf("%v|%v", m["PK"], m["SK"])] = m
		}
	}
	return items
}

// Client is an SDK client for a local server at endpoint, without faults or meter: for benchmarks and tools.
func Client(endpoint string) *dynamodb.Client { return client(endpoint, http.DefaultTransport, 3) }

// CreateTable makes a table as the template's Table resource says, with its keys, indexes and, if wanted, stream, and waits
// until it can be used.
func CreateTable(ctx context.Context, db *dynamodb.Client, name string, stream bool) error {
	def, err := definition()
	if err != nil {
		return fmt.Errorf("dynamotest: %w", err)
	}
	def.TableName = &name
	if !stream {
		def.StreamSpecification = nil
	}
	if _, err := db.CreateTable(ctx, def); err != nil {
		return fmt.Errorf("dynamotest: create table %s: %w", name, err)
	}
	wait := dynamodb.NewTableExistsWaiter(db, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 100*time.Millisecond
	})
	if err := wait.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, 10*time.Second); err != nil {
		return fmt.Errorf("dynamotest: table %s: %w", name, err)
	}
	return nil
}

func client(endpoint string, wire http.RoundTripper, attempts int) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   &http.Client{Transport: wire},
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = attempts, 5*time.Millisecond
			o.RateLimiter = ratelimit.None // a test's faults come thicker than its budget of retries
		}),
	})
}

// name is a table name that no other test has: what DynamoDB allows of the test's own, and something random, since
// packages that run side by side share the server.
func name(test string) string {
	odd := regexp.MustCompile(`[^A-Za-z0-9_.-]+`)
	n := odd.ReplaceAllString(test, "-")
	return n[:min(len(n), 200)] + "-" + strings.ToLower(rand.Text()[:10])
}
