package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/network"
)

// logged is what all tests together have logged.
var logged lockedBuffer

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(&logged, nil)))
	code := m.Run()
	for _, personal := range []string{"张三", "+86139", "event-"} {
		if strings.Contains(logged.String(), personal) {
			fmt.Printf("FAIL: the log tells %q\n", personal)
			code = 1
		}
	}
	os.Exit(code)
}

// queue is as much of SQS as the door speaks: SendMessageBatch, with what
// goes wrong there in life.
type queue struct {
	url string

	mu      sync.Mutex
	calls   [][]string // the bodies that each call brought
	taken   []string   // those that were taken, in order
	imports []string   // those for whoever runs imports
	exports []string   // those for whoever makes exports
	fault   func(call int, bodies []string) queueFault
}

type queueFault struct {
	refuse []int // these entries of the call
	status int   // refuse the call as a whole
	lose   bool  // take it all, but lose the answer
}

func (q *queue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		QueueURL string                             `json:"QueueUrl"`
		Entries  []struct{ ID, MessageBody string } // encoding/json doesn't mind the case
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessageBatch" || !strings.HasPrefix(in.QueueURL, q.url+"/queue/") || len(in.Entries) == 0 || len(in.Entries) > 10 {
		http.Error(w, "not what SQS takes", http.StatusBadRequest)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	var bodies []string
	for _, e := range in.Entries {
		bodies = append(bodies, e.MessageBody)
	}
	q.calls = append(q.calls, bodies)
	if strings.HasSuffix(in.QueueURL, "/imports") {
		q.imports = append(q.imports, bodies...)
	} else if strings.HasSuffix(in.QueueURL, "/exports") {
		q.exports = append(q.exports, bodies...)
	}
	var f queueFault
	if q.fault != nil {
		f = q.fault(len(q.calls), bodies)
	}
	answer := func(status int, v any) {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(b)), 10))
		w.WriteHeader(status)
		w.Write(b)
	}
	if f.status != 0 {
		answer(f.status, map[string]string{"__type": "com.amazonaws.sqs#RequestThrottled", "message": "made to fail"})
		return
	}
	type entry map[string]any
	out := map[string][]entry{"Successful": {}, "Failed": {}}
	for i, e := range in.Entries {
		if slices.Contains(f.refuse, i) {
			out["Failed"] = append(out["Failed"], entry{"Id": e.ID, "Code": "InternalError", "SenderFault": false})
			continue
		}
		q.taken = append(q.taken, e.MessageBody)
		out["Successful"] = append(out["Successful"], entry{"Id": e.ID, "MessageId": fmt.Sprint(len(q.taken)), "MD5OfMessageBody": md5Of(e.MessageBody)})
	}
	if f.lose {
		panic(http.ErrAbortHandler)
	}
	answer(http.StatusOK, out)
}

type door = func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error)

// setup is the door as main wires it, and its queue. The client tries each
// call once, so that a fault is seen by the door.
func setup(t *testing.T) (door, *queue) {
	t.Helper()
	q := &queue{}
	s := httptest.NewServer(q)
	t.Cleanup(s.Close)
	q.url = s.URL
	r := &relay{notices: s.URL + "/queue/notices", imports: s.URL + "/queue/imports", exports: s.URL + "/queue/exports", queue: sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, Retryer: aws.NopRetryer{}, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})}
	return batch.Records(perCall, r.carry), q
}

// records are n changes, each with an outbox of its own.
func records(n int) events.DynamoDBEvent {
	var e events.DynamoDBEvent
	for i := range n {
		e.Records = append(e.Records, events.DynamoDBEventRecord{EventName: "INSERT", Change: events.DynamoDBStreamRecord{
			SequenceNumber: strconv.Itoa(1000 + i),
			NewImage:       map[string]events.DynamoDBAttributeValue{"Outbox": events.NewStringAttribute(fmt.Sprintf("event-%02d", i))},
		}})
	}
	return e
}

func said(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("event-%02d", i))
	}
	return all
}

func TestOnlyWhatAWriteHasSaidAnewIsCarriedOn(t *testing.T) {
	t.Parallel()
	carry, q := setup(t)
	b, err := os.ReadFile("../../events/relay/mixed.json")
	if err != nil {
		t.Fatal(err)
	}
	var e events.DynamoDBEvent
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	out, err := carry(t.Context(), e)
	if err != nil || len(out.BatchItemFailures) != 0 {
		t.Fatalf("got %+v %v, want all done", out, err)
	}
	var got []string
	for _, body := range q.taken {
		var ev struct{ ID string }
		if err := json.Unmarshal([]byte(body), &ev); err != nil {
			t.Fatal(err)
		}
		got = append(got, ev.ID)
	}
	want := []string{"imported.im0000000000000001.0", "imported.im0000000000000001.1", "joined.me0000000000000001"}
	if !slices.Equal(got, want) || q.taken[0] != e.Records[0].Change.NewImage["Outbox"].String() {
		t.Errorf("got %v, want %v as they were written", got, want)
	}
}

func TestNothingToSayMakesNoCall(t *testing.T) {
	t.Parallel()
	carry, q := setup(t)
	quiet := records(3)
	for i := range quiet.Records {
		quiet.Records[i].Change.OldImage = quiet.Records[i].Change.NewImage
	}
	for _, e := range []events.DynamoDBEvent{{}, quiet} {
		out, err := carry(t.Context(), e)
		if err != nil || out.BatchItemFailures == nil || len(out.BatchItemFailures) != 0 || len(q.calls) != 0 {
			t.Errorf("got %+v %v after %d calls, want nothing done and [] answered", out, err, len(q.calls))
		}
	}
}

func TestWhatIsForImportsGoesIntoTheirQueue(t *testing.T) {
	t.Parallel()
	carry, q := setup(t)
	e := records(4)
	var want []string
	for i, kind := range []network.EventKind{network.ImportApply, network.ImportCancel, network.ImportRevert} {
		body := network.Event{ID: string(kind) + ".im1", Kind: kind, Chain: "ch1", Import: "im1"}.Encode()
		e.Records[i].Change.NewImage["Outbox"] = events.NewStringAttribute(body)
		want = append(want, body)
	}
	out, err := carry(t.Context(), e)
	if err != nil || len(out.BatchItemFailures) != 0 || len(q.taken) != 4 || !slices.Equal(q.imports, want) {
		t.Errorf("got %v of %v, %+v %v, want three of four", q.imports, q.taken, out, err)
	}
}

func TestWhatIsForExportsGoesIntoTheirQueue(t *testing.T) {
	t.Parallel()
	carry, q := setup(t)
	e := records(2)
	body := network.Event{ID: "export.ex1", Kind: network.ExportAsked, Chain: "ch1", Export: "ex1"}.Encode()
	e.Records[0].Change.NewImage["Outbox"] = events.NewStringAttribute(body)
	out, err := carry(t.Context(), e)
	if err != nil || len(out.BatchItemFailures) != 0 || len(q.taken) != 2 || !slices.Equal(q.exports, []string{body}) {
		t.Errorf("got %v of %v, %+v %v, want one of two", q.exports, q.taken, out, err)
	}
}

func TestACallTakesTenMessages(t *testing.T) {
	t.Parallel()
	carry, q := setup(t)
	if out, err := carry(t.Context(), records(25)); err != nil || len(out.BatchItemFailures) != 0 {
		t.Fatalf("got %+v %v", out, err)
	}
	if len(q.calls) != 3 || !slices.Equal(q.taken, said(25)) {
		t.Errorf("got %d calls and %v, want 3 with 25 in their order", len(q.calls), q.taken)
	}
}

func TestWhatTheQueueRefusesIsSentAgainAlone(t *testing.T) {
	t.Parallel()
	carry, q := setup(t)
	q.fault = func(call int, _ []string) queueFault {
		switch call {
		case 1:
			return queueFault{refuse: []int{0, 4, 9}}
		case 2:
			return queueFault{refuse: []int{1}}
		}
		return queueFault{}
	}
	if out, err := carry(t.Context(), records(10)); err != nil || len(out.BatchItemFailures) != 0 {
		t.Fatalf("got %+v %v", out, err)
	}
	if got := fmt.Sprint(q.calls[1:]); got != "[[event-00 event-04 event-09] [event-04]]" {
		t.Errorf("got %s sent again", got)
	}
	slices.Sort(q.taken)
	if !slices.Equal(q.taken, said(10)) {
		t.Errorf("got %v, want each once", q.taken)
	}
}

func TestAPartThatFailsComesAgainWithAllBehindIt(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]queueFault{
		"throttled":           {status: 400},
		"the queue is down":   {status: 503},
		"one refused forever": {refuse: []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			carry, q := setup(t)
			broken := true
			q.fault = func(_ int, bodies []string) queueFault {
				if broken && slices.Contains(said(20)[10:], bodies[0]) {
					return fault
				}
				return queueFault{}
			}
			e := records(25)
			out, err := carry(t.Context(), e)
			if err != nil || len(out.BatchItemFailures) != 1 || out.BatchItemFailures[0].ItemIdentifier != "1010" {
				t.Fatalf("got %+v %v, want the eleventh record named", out, err)
			}
			broken = false
			again := events.DynamoDBEvent{Records: e.Records[10:]}
			if out, err := carry(t.Context(), again); err != nil || len(out.BatchItemFailures) != 0 {
				t.Fatalf("got %+v %v", out, err)
			}
			got := slices.Compact(slices.Sorted(slices.Values(q.taken)))
			if !slices.Equal(got, said(25)) {
				t.Errorf("got %v, want all", got)
			}
		})
	}
}

func TestALostAnswerSendsTheSameBodiesAgain(t *testing.T) {
	t.Parallel()
	carry, q := setup(t)
	q.fault = func(call int, _ []string) queueFault { return queueFault{lose: call == 1} }
	e := records(3)
	if out, _ := carry(t.Context(), e); len(out.BatchItemFailures) != 1 || out.BatchItemFailures[0].ItemIdentifier != "1000" {
		t.Fatalf("got %+v, want the first record named", out)
	}
	if out, _ := carry(t.Context(), e); len(out.BatchItemFailures) != 0 {
		t.Fatalf("got %+v", out)
	}
	if want := slices.Concat(said(3), said(3)); !slices.Equal(q.taken, want) {
		t.Errorf("got %v, want the same twice", q.taken)
	}
}

func TestTheRecordsOfAnItemMayComeInAnyPart(t *testing.T) {
	t.Parallel()
	carry, q := setup(t)
	e := records(12)
	slices.Reverse(e.Records)
	for _, part := range [][]events.DynamoDBEventRecord{e.Records[5:], e.Records[:5]} {
		if out, err := carry(t.Context(), events.DynamoDBEvent{Records: part}); err != nil || len(out.BatchItemFailures) != 0 {
			t.Fatalf("got %+v %v", out, err)
		}
	}
	slices.Sort(q.taken)
	if !slices.Equal(q.taken, said(12)) {
		t.Errorf("got %v", q.taken)
	}
}

func TestWhoWaitsForTheQueueEndsWithTheInvocation(t *testing.T) {
	t.Parallel()
	carry, q := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	q.fault = func(int, []string) queueFault { cancel(); return queueFault{refuse: []int{0}} }
	began := time.Now()
	if out, _ := carry(ctx, records(1)); len(out.BatchItemFailures) != 1 || time.Since(began) > time.Second {
		t.Errorf("got %+v after %v, want the record to come again", out, time.Since(began))
	}
}

func md5Of(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
