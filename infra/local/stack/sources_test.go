package stack_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/infra/local/faults"
	"github.com/tributary-app/tributary/infra/local/stack"
)

func (w *world) send(bodies ...string) {
	w.t.Helper()
	url := w.queue("Queue")
	for _, b := range bodies {
		if _, err := w.sqs().SendMessage(w.t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String(b)}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// count is how often a probe said something that begins so.
func count(said []string, prefix string) int {
	n := 0
	for _, s := range said {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

func TestAMessageThatFailsComesBackAloneAndEndsAmongTheDeadLetters(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send("good", "bad", "flaky")
	if got := w.letter("QueueDeadLetters"); got != "bad" {
		t.Errorf("dead letter: got %q, want bad", got)
	}
	said := w.said("queue", "message")
	if count(said, "good ") != 1 || count(said, "bad ") != 2 || count(said, "flaky ") != 2 {
		t.Errorf("got %q, want good once, bad twice, flaky twice", said)
	}
	var queues struct {
		Items []struct {
			Name        string
			Depth       int
			InFlight    int `json:"in_flight"`
			DeadLetters int `json:"dead_letters"`
		}
	}
	_, got := w.call("GET", w.Control+"/queues", nil)
	if err := json.Unmarshal([]byte(got), &queues); err != nil {
		t.Fatal(err)
	}
	for _, q := range queues.Items { // the letter was received, and is in flight
		if want := q.Name == "QueueDeadLetters"; q.Depth != 0 || (q.InFlight == 1) != want {
			t.Errorf("got %+v", q)
		}
	}
}

func TestADuplicateIsTheSameMessageOnceMore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var f faults.Faults
	f.SQS.Duplicate = 1
	w.SetFaults(f)
	w.send("one", "two")
	w.eventually("every message twice", func() bool { return len(w.said("queue", "message")) >= 4 })
	said := w.said("queue", "message")
	slices.Sort(said)
	if len(said) != 4 || said[0] != said[1] || said[2] != said[3] {
		t.Errorf("got %q, want each twice", said)
	}
}

func TestTheStreamDeliversWhatTheFilterLetsThroughInOrder(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.put("silent", "")
	for _, outbox := range []string{"1", "2", "3", "4"} {
		w.put("a", outbox)
		w.put("b", outbox)
	}
	w.eventually("eight changes", func() bool { return len(w.said("stream", "change")) >= 8 })
	var a []string
	for _, s := range w.said("stream", "change") {
		if strings.HasPrefix(s, "silent") {
			t.Errorf("got %q through the filter", s)
		}
		if rest, ok := strings.CutPrefix(s, "a "); ok {
			a = append(a, rest[:1])
		}
	}
	if strings.Join(a, "") != "1234" {
		t.Errorf("changes of a: got %q, want them in order, once", a)
	}
}

func TestABadRecordIsIsolatedAndToldOf(t *testing.T) {
	t.Parallel()
	for _, outbox := range []string{"bad", "bad alone"} {
		t.Run(outbox, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			for _, pk := range []string{"a", "b", "c", "d", "e", "f"} {
				w.put(pk, "good")
			}
			w.put("x", outbox)
			w.put("y", "good")
			var letter struct {
				RequestContext     struct{ Condition string }
				DDBStreamBatchInfo struct {
					BatchSize           int
					StartSequenceNumber string
				}
			}
			if err := json.Unmarshal([]byte(w.letter("StreamDeadLetters")), &letter); err != nil {
				t.Fatal(err)
			}
			if letter.DDBStreamBatchInfo.BatchSize != 1 || letter.DDBStreamBatchInfo.StartSequenceNumber == "" ||
				letter.RequestContext.Condition != "RetryAttemptsExhausted" {
				t.Errorf("got %+v, want one record", letter)
			}
			w.eventually("the record after it", func() bool { return count(w.said("stream", "change"), "y good") > 0 })
			for _, pk := range []string{"a", "b", "c", "d", "e", "f"} {
				if count(w.said("stream", "change"), pk+" good") == 0 {
					t.Errorf("%s was lost", pk)
				}
			}
		})
	}
}

func TestAScheduleFiresOnDemand(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.SetClock(8 * 24 * time.Hour)
	resp, got := w.call("POST", w.Control+"/schedules/expiry", nil)
	if resp.StatusCode != 200 || got != `{"name":"expiry","state":"succeeded"}` {
		t.Errorf("got %d %s", resp.StatusCode, got)
	}
	if said := w.said("schedule", "schedule"); len(said) != 1 || said[0] != "Scheduled Event offset=691200" {
		t.Errorf("got %q", said)
	}
	if resp, _ := w.call("POST", w.Control+"/schedules/nonsense", nil); resp.StatusCode != 404 {
		t.Errorf("no such schedule: got %d, want 404", resp.StatusCode)
	}
}

func TestASecondStartFindsWhatTheFirstHasLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep := func(o *stack.Options) { o.Data = dir }
	w := setup(t, keep)
	w.put("a", "once")
	w.eventually("the change", func() bool { return len(w.said("stream", "change")) == 1 })
	first := w.token()
	_, err := w.s3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("kept"), Body: strings.NewReader("x")})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := os.ReadFile(filepath.Join(dir, "secrets", "Keys"))
	if err != nil || !strings.HasPrefix(string(secret), `{"1":"`) {
		t.Fatalf("secret: got %s, %v", secret, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// What was on its way to a function when the stack ended.
	event := `{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Post","s3":{"object":{"key":"rosters/left.csv"}}}]}`
	if err := os.WriteFile(filepath.Join(dir, "events", "object", "left.json"), []byte(event), 0o600); err != nil {
		t.Fatal(err)
	}

	w = setup(t, keep)
	w.eventually("the event that was left", func() bool { return count(w.said("object", "object"), "ObjectCreated:Post rosters/left.csv") == 1 })
	if _, err := w.s3().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("kept")}); err != nil {
		t.Error(err)
	}
	if again, err := os.ReadFile(filepath.Join(dir, "secrets", "Keys")); err != nil || string(again) != string(secret) {
		t.Errorf("secret: got %s, %v, want the same", again, err)
	}
	w.put("b", "later")
	w.eventually("the later change", func() bool { return count(w.said("stream", "change"), "b later") == 1 })
	if n := count(w.said("stream", "change"), "a once"); n != 1 {
		t.Errorf("the change before was delivered %d times, want once", n)
	}
	subject := func(token string) string {
		_, got := w.call("POST", w.API+"/private/echo", nil, "Authorization", "Bearer "+token)
		_, rest, _ := strings.Cut(got, `"sub":"`)
		sub, _, _ := strings.Cut(rest, `"`)
		return sub
	}
	if subject(w.token()) == "" || subject(first) != "" {
		t.Error("want a token of this run's issuer to open, and of the last one's not: it had another address")
	}
	if _, err := stack.Start(t.Context(), stack.Options{Template: "testdata/template.yaml", Build: build, Data: dir}); err == nil {
		t.Error("a second stack on the same data started")
	}
}

func TestAStartTrimsWhatTheStreamHasDelivered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep := func(o *stack.Options) { o.Data = dir }
	w := setup(t, keep)
	for i := range 60 {
		w.put(fmt.Sprintf("big%d", i), strings.Repeat("x", 100_000))
	}
	w.eventually("the changes", func() bool { return len(w.said("stream", "change")) == 60 })
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "dynamodb.sqlite")
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}

	w = setup(t, keep)
	after, err := os.Stat(file)
	if err != nil || after.Size() > before.Size()*2/3 {
		t.Errorf("the database went from %d to %d bytes (%v), want the stream's share gone", before.Size(), after.Size(), err)
	}
	out, err := w.dynamo().GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &w.Application.Tables[0].Name, Key: map[string]dynamotypes.AttributeValue{
		"PK": &dynamotypes.AttributeValueMemberS{Value: "big7"}, "SK": &dynamotypes.AttributeValueMemberS{Value: "x"}}})
	if err != nil || out.Item == nil {
		t.Errorf("an item: got %v, %v, want it kept", out, err)
	}
	w.put("b", "later")
	w.eventually("the later change", func() bool { return count(w.said("stream", "change"), "b later") == 1 })
}

func TestAStackUsesTheServersItIsPointedTo(t *testing.T) {
	t.Parallel()
	there := setup(t)
	w := setup(t, func(o *stack.Options) { o.DynamoDB, o.SQS, o.S3 = there.DynamoDB, there.SQS, there.S3 })
	if w.DynamoDB != there.DynamoDB || w.SQS != there.SQS || w.S3 == there.S3 {
		t.Errorf("got %s, %s, %s", w.DynamoDB, w.SQS, w.S3)
	}
	w.put("a", "x")
	w.eventually("the change", func() bool { return len(w.said("stream", "change")) == 1 })
	if code, body := w.upload(w.ticket("rosters/a.csv", time.Minute), "x"); code != 204 {
		t.Errorf("got %d %s, want 204", code, body)
	}
	w.eventually("the event of the upload", func() bool { return len(w.said("object", "object")) == 1 })
}
