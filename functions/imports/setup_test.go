package main

import (
	"bytes"
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
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// Each test has its own table, so the ids may be the same in all: those of
// events/imports, and two tables can be compared.
const (
	chainID  = "ch0000000000000001"
	ownerID  = "co0000000000000001"
	importID = "im0000000000000001"
	secondID = "im0000000000000002"
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

// personal is what the rosters of these tests have of people and corps.
var personal = regexp.MustCompile(`\+86|139\d{8}|199\d{8}|张|王|公司|建材|经销`)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(logWriter{}, &slog.HandlerOptions{Level: slog.LevelDebug})))
	code := m.Run()
	if found := personal.Find(logged.Bytes()); found != nil {
		fmt.Printf("FAIL: the log tells %q of somebody\n", found)
		code = 1
	}
	os.Exit(code)
}

// world is the door with a table in which a corp has a chain, and a bucket.
type world struct {
	*imports
	tb     *dynamotest.Table
	bucket *bucket
	sent   *queue
	chain  network.Chain
	boss   network.Member
}

func setup(t *testing.T) *world {
	t.Helper()
	return setupOn(t, dynamotest.New(t))
}

func setupOn(t *testing.T, tb *dynamotest.Table) *world {
	t.Helper()
	w := &world{tb: tb, bucket: newBucket(t), sent: newQueue(t)}
	w.imports = &imports{store: store.New(tb.Client, tb.Name), objects: w.bucket.client, bucket: bucketID, queue: w.sent.client, url: w.sent.url, key: key,
		now: func() time.Time { return noon }, spare: inTime}
	w.boss = network.Member{Person: key.Person("+8613900000000"), Corp: ownerID, Name: "王老板", Phone: "+8613900000000"}
	corp, err := network.NewCorp(ownerID, "Owner Ltd", "", "", noon)
	if err != nil {
		t.Fatal(err)
	}
	if corp, err = w.store.CreateCorp(t.Context(), corp, w.boss, store.Once{}); err != nil {
		t.Fatal(err)
	}
	if w.chain, err = network.NewChain(chainID, "Dealers", corp, noon); err != nil {
		t.Fatal(err)
	}
	if w.chain, err = w.store.CreateChain(t.Context(), w.chain, corp, store.Once{}); err != nil {
		t.Fatal(err)
	}
	tb.Reset()
	return w
}

// ask makes an upload ticket's import: one that notifies, unless with says
// otherwise.
func (w *world) ask(t *testing.T, id string, with func(*network.Import)) {
	t.Helper()
	imp := network.Import{ID: id, Chain: chainID, Maker: w.boss.Person, MakerCorp: ownerID, FileName: "经销商.xlsx", Notify: true, State: network.ImportWaiting, CreatedAt: noon}
	if with != nil {
		with(&imp)
	}
	if _, err := w.store.CreateImport(t.Context(), imp, store.Once{}); err != nil {
		t.Fatal(err)
	}
}

// put uploads a file for an import and gives the event of it.
func (w *world) put(id string, file []byte) events.S3Event {
	k := "rosters/" + chainID + "/" + id + "/roster"
	etag := w.bucket.put(k, file)
	return events.S3Event{Records: []events.S3EventRecord{{EventName: "ObjectCreated:Post", S3: events.S3Entity{
		Bucket: events.S3Bucket{Name: bucketID}, Object: events.S3Object{Key: url.QueryEscape(k), URLDecodedKey: k, ETag: etag}}}}}
}

// takeIn asks for an import, uploads the file and has it taken in.
func (w *world) takeIn(t *testing.T, id string, file []byte, with func(*network.Import)) network.Import {
	t.Helper()
	w.ask(t, id, with)
	if err := w.uploaded(t.Context(), w.put(id, file)); err != nil {
		t.Fatalf("got %v, want the import done", err)
	}
	return w.is(t, id)
}

func (w *world) is(t *testing.T, id string) network.Import {
	t.Helper()
	imp, err := w.store.Import(t.Context(), chainID, id)
	if err != nil {
		t.Fatal(err)
	}
	return imp
}

// outcomes is what became of each row, by the sheet's number.
func (w *world) outcomes(t *testing.T, id string) map[int]network.RowPlan {
	t.Helper()
	all := map[int]network.RowPlan{}
	for cursor := ""; ; {
		page, next, err := w.store.Rows(t.Context(), w.is(t, id), "", cursor, 200)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page {
			if _, twice := all[p.Row]; twice {
				t.Errorf("row %d is listed twice", p.Row)
			}
			all[p.Row] = p
		}
		if cursor = next; cursor == "" {
			return all
		}
	}
}

func (w *world) partner(t *testing.T, customID, name string) network.Partner {
	t.Helper()
	p, err := w.store.Partner(t.Context(), chainID, network.RosterPartnerID(chainID, customID, name))
	if err != nil {
		t.Fatalf("partner %s %s: %v", customID, name, err)
	}
	return p
}

// end is how the table stands, in a form that two runs of one import must
// agree on: how often an item was written, when a run was last alive, and what a
// tally said last of several chunks, is chance.
func (w *world) end(t *testing.T) map[string]map[string]any {
	t.Helper()
	items := w.tb.Items(t)
	for k, item := range items {
		item = maps.Clone(item)
		switch {
		case strings.Contains(k, "|PARTNER#"), strings.HasPrefix(k, "PERSON#"):
			delete(item, "Edition")
		case strings.Contains(k, "#IMPORTS|"):
			delete(item, "BeatAt")
			delete(item, "Through")
		case strings.Contains(k, "#PROGRESS|"):
			delete(item, "Outbox")
			for _, set := range []string{"Done", "Told", "Sent", "Undone"} {
				if all, ok := item[set].([]string); ok {
					slices.Sort(all)
				} else if all, ok := item[set].([]float64); ok {
					slices.Sort(all)
				}
			}
		}
		items[k] = item
	}
	return items
}

// differ names the items in which two tables differ, and how.
func differ(got, want map[string]map[string]any) string {
	var b strings.Builder
	for k := range want {
		if g, w := show(got[k]), show(want[k]); g != w {
			fmt.Fprintf(&b, "%s:\n got %s\nwant %s\n", k, g, w)
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			fmt.Fprintf(&b, "%s: got %s, want none\n", k, show(got[k]))
		}
	}
	return b.String()
}

func show(item map[string]any) string {
	b, err := json.Marshal(item)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// sheet is a CSV file with these lines below the template's header:
// corp, contact, identity, phone, group, custom id, member id.
func sheet(lines ...string) []byte {
	return []byte("企业名称,联系人姓名,身份,手机号,上下游分组,自定义企业ID,自定义成员ID\n" + strings.Join(lines, "\n") + "\n")
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func event(t *testing.T, name string) events.S3Event {
	t.Helper()
	var e events.S3Event
	if err := json.Unmarshal(file(t, "../../events/imports/"+name), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// queue is as much of SQS as the door speaks.
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
	q.url = s.URL + "/queue/imports"
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
	q.bodies, q.delays = nil, nil
	return all
}

// messages is the event by which Lambda delivers bodies.
func messages(bodies ...string) json.RawMessage {
	var e events.SQSEvent
	for i, body := range bodies {
		e.Records = append(e.Records, events.SQSMessage{MessageId: fmt.Sprint("m", i), EventSource: "aws:sqs", Body: body, Attributes: map[string]string{"ApproximateReceiveCount": "1"}})
	}
	b, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return b
}

// deliver has the door hear what the import's item says, and whatever is said
// to the queue by then.
func (w *world) deliver(t *testing.T, ids ...string) {
	t.Helper()
	var bodies []string
	for _, id := range ids {
		if said, ok := w.tb.Items(t)["CHAIN#"+chainID+"#IMPORTS|"+id]["Outbox"].(string); ok {
			bodies = append(bodies, said)
		}
	}
	for bodies = append(bodies, w.sent.take()...); len(bodies) > 0; bodies = w.sent.take() {
		out, err := w.handle(t.Context(), messages(bodies...))
		if err != nil {
			t.Fatal(err)
		}
		if failed := out.(events.SQSEventResponse).BatchItemFailures; len(failed) > 0 {
			t.Fatalf("got %v failed of %v", failed, bodies)
		}
	}
}

// bucket is as much of S3 as the door speaks: GET, of a range too, and HEAD,
// with If-Match.
type bucket struct {
	client *s3.Client

	mu      sync.Mutex
	objects map[string]stored
	fault   func(r *http.Request, n int) objectFault // n counts the requests
	n       int
}

type stored struct {
	etag string
	body []byte
}

type objectFault int

const (
	none        objectFault = iota
	unavailable             // 503
	cut                     // the connection breaks in the middle of the body
	silent                  // before its first byte
)

func newBucket(t *testing.T) *bucket {
	b := &bucket{objects: map[string]stored{}}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	b.client = s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Retryer: aws.NopRetryer{},
	})
	return b
}

func (b *bucket) put(k string, body []byte) (etag string) {
	sum := md5.Sum(body)
	etag = hex.EncodeToString(sum[:])
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[k] = stored{etag, body}
	return etag
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k, _ := strings.CutPrefix(r.URL.Path, "/"+bucketID+"/")
	b.mu.Lock()
	o, ok := b.objects[k]
	b.n++
	var fault objectFault
	if b.fault != nil {
		fault = b.fault(r, b.n)
	}
	b.mu.Unlock()
	refuse := func(status int, code string) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code></Error>", code)
	}
	switch {
	case fault == unavailable:
		refuse(http.StatusServiceUnavailable, "SlowDown")
		return
	case r.Method == http.MethodPut:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("ETag", `"`+b.put(k, body)+`"`)
		return
	case r.Method == http.MethodDelete:
		b.mu.Lock()
		delete(b.objects, k)
		b.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
		return
	case !ok:
		refuse(http.StatusNotFound, "NoSuchKey")
		return
	case r.Header.Get("If-Match") != "" && strings.Trim(r.Header.Get("If-Match"), `"`) != o.etag:
		refuse(http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	w.Header().Set("ETag", `"`+o.etag+`"`)
	r.Header.Del("If-Match") // S3 takes it without its quotes; net/http wouldn't
	if fault == cut || fault == silent {
		w = &cutter{ResponseWriter: w, all: fault == silent}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(o.body))
}

// cutter breaks the connection in the middle of a body.
type cutter struct {
	http.ResponseWriter
	all  bool // nothing of it comes
	left int
}

func (c *cutter) WriteHeader(status int) {
	n, _ := strconv.Atoi(c.Header().Get("Content-Length"))
	if c.left = n / 2; c.all {
		c.left = 0
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) < c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	c.ResponseWriter.Write(p[:c.left])
	c.ResponseWriter.(http.Flusher).Flush() // before the first byte is here, net/http asks again by itself
	panic(http.ErrAbortHandler)
}
