package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/store/storetest"
)

// Each test has its own table, so the ids may be the same in all: those of
// events/exports.
const (
	chainID  = "ch0000000000000001"
	ownerID  = "co0000000000000001"
	exportID = "ex0000000000000001"
	bucketID = "tributary-rosters"
)

var (
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	key  = network.PersonKey("a key that only tests have")
)

// logged is what all tests together have logged.
var logged struct {
	sync.Mutex
	bytes.Buffer
}

type logWriter struct{}

func (logWriter) Write(p []byte) (int, error) {
	logged.Lock()
	defer logged.Unlock()
	return logged.Write(p)
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(logWriter{}, nil)))
	code := m.Run()
	if found := regexp.MustCompile(`\+86|139\d{8}|Person \d|Dealer`).Find(logged.Bytes()); found != nil {
		fmt.Printf("FAIL: the log tells %q of somebody\n", found)
		code = 1
	}
	os.Exit(code)
}

// world is the door with a table in which a corp has a chain with partners, a
// bucket and a queue.
type world struct {
	*exports
	tb     *dynamotest.Table
	bucket *bucket
	sent   *queue
	chain  network.Chain
	owner  network.Corp
}

// setup is a world with so many partners that are still to join, and one that
// has.
func setup(t *testing.T, partners int) *world {
	t.Helper()
	ctx := t.Context()
	tb := dynamotest.New(t)
	w := &world{tb: tb, bucket: newBucket(t), sent: newQueue(t)}
	w.exports = &exports{store: store.New(tb.Client, tb.Name), objects: w.bucket.client, bucket: bucketID, queue: w.sent.client, url: w.sent.url,
		now: func() time.Time { return noon }, spare: inTime}
	corp, err := network.NewCorp(ownerID, "Owner Ltd", "", "", noon)
	if err != nil {
		t.Fatal(err)
	}
	if w.owner, err = w.store.CreateCorp(ctx, corp, member(0, ownerID), store.Once{}); err != nil {
		t.Fatal(err)
	}
	if w.chain, err = network.NewChain(chainID, "Dealers", w.owner, noon); err != nil {
		t.Fatal(err)
	}
	if w.chain, err = w.store.CreateChain(ctx, w.chain, w.owner, store.Once{}); err != nil {
		t.Fatal(err)
	}
	if err := w.store.AddMember(ctx, member(1, ownerID), store.Once{}); err != nil {
		t.Fatal(err)
	}
	if err := w.store.AddAdmin(ctx, w.chain, member(1, "").Person, noon, store.Once{}); err != nil {
		t.Fatal(err)
	}
	var rows []network.RosterRow
	for n := range partners {
		rows = append(rows, network.RosterRow{Number: n + 2, Corp: fmt.Sprintf("Dealer %04d", n), Contact: fmt.Sprint("Person ", 100+n), Phone: phone(100 + n)})
	}
	imp, err := w.store.CreateImport(ctx, network.Import{ID: network.NewImportID(noon), Chain: chainID, Maker: member(0, "").Person, MakerCorp: ownerID, State: network.ImportWaiting, CreatedAt: noon}, store.Once{})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Import(t, w.store, key, chainID, imp.ID, noon, rows...)
	invite := network.Invite{ID: network.NewInviteID(noon), Chain: chainID, Kind: "link", Group: network.RootGroup, Maker: member(0, "").Person, MakerCorp: ownerID, CreatedAt: noon, Version: 1}
	if _, err := w.store.CreateInvite(ctx, w.chain, invite, store.Once{}); err != nil {
		t.Fatal(err)
	}
	guest, err := network.NewCorp(network.NewCorpID(), "Joined Ltd", "", "", noon)
	if err != nil {
		t.Fatal(err)
	}
	if guest, err = w.store.CreateCorp(ctx, guest, member(50, guest.ID), store.Once{}); err != nil {
		t.Fatal(err)
	}
	who := network.Person{ID: member(50, "").Person, Name: "Person 50", Phone: phone(50)}
	if _, err := w.store.Join(ctx, network.Ticket{Chain: chainID, Invite: invite.ID, Version: 1}, who, store.Choice{Corp: guest.ID}, noon); err != nil {
		t.Fatal(err)
	}
	tb.Reset()
	return w
}

func phone(n int) string { return fmt.Sprintf("+86139%08d", n) }

func member(n int, corp string) network.Member {
	return network.Member{Person: key.Person(phone(n)), Corp: corp, Name: fmt.Sprint("Person ", n), Phone: phone(n), Role: network.Staff}
}

// asks has person 1, an appointed admin, ask for an export; it gives the
// message by which the door hears of it.
func (w *world) asks(t *testing.T, format string) string {
	t.Helper()
	_, err := w.store.CreateExport(t.Context(), network.Export{ID: exportID, Chain: chainID, Maker: member(1, "").Person, MakerCorp: ownerID,
		Sight: network.Sighted{Side: network.Owner, Admin: true}, Format: format, Lang: "en", State: network.ExportQueued, CreatedAt: noon}, store.Once{})
	if err != nil {
		t.Fatal(err)
	}
	said, ok := w.tb.Items(t)["CHAIN#"+chainID+"#EXPORTS|"+exportID]["Outbox"].(string)
	if !ok {
		t.Fatal("an export that is asked for says nothing")
	}
	return said
}

// hears delivers a message, and what the door leaves to its next runs; it
// counts the runs.
func (w *world) hears(t *testing.T, body string) (runs, failed int) {
	t.Helper()
	for bodies := []string{body}; len(bodies) > 0; bodies = w.sent.take() {
		if runs++; runs > 50 || len(bodies) > 1 {
			t.Fatalf("got %v after %d runs, want an end", bodies, runs)
		}
		out, err := batch.Each(w.hear)(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: bodies[0]}}})
		if err != nil {
			t.Fatal(err)
		}
		failed += len(out.BatchItemFailures)
	}
	return runs, failed
}

func (w *world) is(t *testing.T) network.Export {
	t.Helper()
	e, _, err := w.store.Export(t.Context(), chainID, exportID)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// bucket is as much of S3 as the door speaks: PUT and GET.
type bucket struct {
	client *s3.Client

	mu      sync.Mutex
	objects map[string][]byte
	fault   func(r *http.Request) bool // whether the request is refused
}

func newBucket(t *testing.T) *bucket {
	b := &bucket{objects: map[string][]byte{}}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	b.client = s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Retryer: aws.NopRetryer{},
	})
	return b
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k := strings.TrimPrefix(r.URL.Path, "/"+bucketID+"/")
	body, err := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch o, ok := b.objects[k]; {
	case b.fault != nil && b.fault(r), r.Method == http.MethodPut && (err != nil || r.ContentLength != int64(len(body))):
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.Method == http.MethodPut:
		b.objects[k] = body
	case !ok:
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Write(o)
	}
}

// files are the objects that are no parts.
func (b *bucket) files() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(b.objects)), func(k string) bool { return strings.Contains(k, "/parts/") })
}

// queue is as much of SQS as the door speaks: SendMessage.
type queue struct {
	client *sqs.Client
	url    string

	mu     sync.Mutex
	bodies []string // that wait to be delivered
	delays []int
}

func newQueue(t *testing.T) *queue {
	q := &queue{}
	s := httptest.NewServer(q)
	t.Cleanup(s.Close)
	q.url = s.URL + "/queue/exports"
	q.client = sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, Retryer: aws.NopRetryer{}, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return q
}

func (q *queue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		QueueURL     string `json:"QueueUrl"`
		MessageBody  string
		DelaySeconds int
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessage" || in.QueueURL != q.url {
		http.Error(w, "not what SQS takes", http.StatusBadRequest)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bodies, q.delays = append(q.bodies, in.MessageBody), append(q.delays, in.DelaySeconds)
	sum := md5.Sum([]byte(in.MessageBody))
	b, _ := json.Marshal(map[string]string{"MessageId": fmt.Sprint(len(q.bodies)), "MD5OfMessageBody": hex.EncodeToString(sum[:])})
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", fmt.Sprint(crc32.ChecksumIEEE(b)))
	w.Write(b)
}

// take is what waits, which is taken out.
func (q *queue) take() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.bodies
	q.bodies = nil
	return all
}

// times lets each run have so many looks at the clock before its time is up.
func times(n int) (spare func(context.Context) bool) {
	left := n
	return func(context.Context) bool {
		if left--; left < 0 {
			left = n
			return false
		}
		return true
	}
}
