package stack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/infra/local/issuer"
	"github.com/tributary-app/tributary/infra/local/stack"
)

// build holds the probe, once for every function of the test template.
var build string

func TestMain(m *testing.M) {
	code, err := buildProbe(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func buildProbe(run func() int) (int, error) {
	dir, err := os.MkdirTemp("", "probe-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	build = dir
	probe := filepath.Join(dir, "probe")
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc,nethttpomithttp2", "-o", probe, "../probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("%w\n%s", err, out)
	}
	for _, folder := range []string{"door", "queue", "stream", "object", "schedule"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil {
			return 1, err
		}
		if err := os.Link(probe, filepath.Join(dir, folder, "bootstrap")); err != nil {
			return 1, err
		}
	}
	return run(), nil
}

// world is a stack with what a test asks of it.
type world struct {
	*stack.Stack
	t *testing.T
}

// setup starts a stack of its own for a test.
func setup(t *testing.T, change ...func(*stack.Options)) *world {
	t.Helper()
	o := stack.Options{Template: "testdata/template.yaml", Build: build}
	for _, c := range change {
		c(&o)
	}
	begun := time.Now()
	s, err := stack.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %s", time.Since(begun).Round(time.Millisecond))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{s, t}
}

// token is of a person with a verified phone.
func (w *world) token() string {
	w.t.Helper()
	token, err := w.Token(w.t.Context(), issuer.Person{Phone: "+8613800000001", Name: "王掌柜", Verified: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// call sends a request; headers are name, value, name, value…
func (w *world) call(method, url string, body []byte, headers ...string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, strings.TrimSpace(string(b))
}

// wants checks an answer of the gateway's own.
func (w *world) wants(code int, message string, method, path string, body []byte, headers ...string) {
	w.t.Helper()
	resp, got := w.call(method, w.API+path, body, headers...)
	if want := `{"message":"` + message + `"}`; resp.StatusCode != code || got != want {
		w.t.Errorf("%s %s: got %d %s, want %d %s", method, path, resp.StatusCode, got, code, want)
	}
}

// said is the lines that the probe of a function has printed about what.
func (w *world) said(function, what string) []string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.Logs, function+".log"))
	if err != nil {
		w.t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "probe "+what+" "); ok {
			found = append(found, strings.TrimSpace(rest))
		}
	}
	return found
}

// eventually waits until something holds.
func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if holds() {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-w.t.Context().Done():
		}
	}
	w.t.Fatalf("%s: it never came", what)
}

func credentials() aws.CredentialsProvider {
	c := aws.Credentials{AccessKeyID: stack.AccessKey, SecretAccessKey: stack.SecretKey}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
}

func (w *world) dynamo() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: stack.Region, BaseEndpoint: &w.DynamoDB, Credentials: credentials()})
}

func (w *world) sqs() *sqs.Client {
	return sqs.New(sqs.Options{Region: stack.Region, BaseEndpoint: &w.SQS, Credentials: credentials()})
}

func (w *world) s3() *s3.Client {
	return s3.New(s3.Options{Region: stack.Region, BaseEndpoint: &w.S3, Credentials: credentials()})
}

// queue is the URL of a queue of the template.
func (w *world) queue(id string) *string {
	w.t.Helper()
	for _, q := range w.Application.Queues {
		if q.ID == id {
			out, err := w.sqs().GetQueueUrl(w.t.Context(), &sqs.GetQueueUrlInput{QueueName: &q.Name})
			if err != nil {
				w.t.Fatal(err)
			}
			return out.QueueUrl
		}
	}
	w.t.Fatalf("no queue %s", id)
	return nil
}

// letter is the next message of a queue, once there is one.
func (w *world) letter(id string) string {
	w.t.Helper()
	body := ""
	w.eventually("a message in "+id, func() bool {
		out, err := w.sqs().ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: w.queue(id), WaitTimeSeconds: 1})
		if err != nil {
			w.t.Fatal(err)
		}
		if len(out.Messages) > 0 {
			body = *out.Messages[0].Body
		}
		return len(out.Messages) > 0
	})
	return body
}

func (w *world) put(pk, outbox string) {
	w.t.Helper()
	item := map[string]dynamotypes.AttributeValue{
		"PK": &dynamotypes.AttributeValueMemberS{Value: pk}, "SK": &dynamotypes.AttributeValueMemberS{Value: "x"},
	}
	if outbox != "" {
		item["Outbox"] = &dynamotypes.AttributeValueMemberS{Value: outbox}
	}
	_, err := w.dynamo().PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: &w.Application.Tables[0].Name, Item: item})
	if err != nil {
		w.t.Fatal(err)
	}
}

// Not in parallel: it looks at every process that the test has started.
func TestAStackStartsSoonAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	begun := time.Now()
	w := setup(t, func(o *stack.Options) { o.Data = dir })
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("started in %s, want 2 s on a machine that isn't busy", took)
	}
	var said map[string]string
	b, err := os.ReadFile(filepath.Join(dir, "endpoints.json"))
	if err == nil {
		err = json.Unmarshal(b, &said)
	}
	if err != nil || said["api"] != w.API || len(said) != 7 {
		t.Errorf("endpoints.json: got %v, %v", said, err)
	}
	for name, url := range said {
		if !strings.HasPrefix(url, "http://127.0.0.1:") {
			t.Errorf("%s listens on %s", name, url)
		}
	}
	w.call("GET", w.API+"/public/echo", nil) // a function's instance, too
	mine := children(t)
	if len(mine) != 3 {
		t.Errorf("got processes %v, want dynoxide, node and an instance", mine)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if left := children(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if _, err := os.Stat(filepath.Join(dir, "endpoints.json")); !errors.Is(err, os.ErrNotExist) {
		t.Error("endpoints.json is left")
	}
}

// children finds the processes that this one has started and that run.
func children(t *testing.T) map[int]string {
	t.Helper()
	found := map[int]string{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, stat := range stats {
		b, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		var pid, parent int
		var state string
		_, rest, _ := strings.Cut(string(b), ") ")
		if _, err := fmt.Sscan(rest, &state, &parent); err != nil || parent != os.Getpid() {
			continue
		}
		if _, err := fmt.Sscan(string(b), &pid); err != nil {
			t.Fatal(err)
		}
		found[pid] = strings.TrimSpace(string(b))
	}
	return found
}

func TestTwoStacksSideBySideKeepApart(t *testing.T) {
	t.Parallel()
	a, b := setup(t), setup(t)
	a.put("mine", "")
	out, err := b.dynamo().GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &b.Application.Tables[0].Name,
		Key: map[string]dynamotypes.AttributeValue{
			"PK": &dynamotypes.AttributeValueMemberS{Value: "mine"}, "SK": &dynamotypes.AttributeValueMemberS{Value: "x"},
		},
	})
	if err != nil || out.Item != nil {
		t.Errorf("got %v, %v, want nothing", out, err)
	}
	if resp, _ := a.call("POST", a.API+"/private/echo", nil, "Authorization", "Bearer "+a.token()); resp.StatusCode != 201 {
		t.Errorf("got %d, want 201", resp.StatusCode)
	}
	b.wants(401, "Unauthorized", "POST", "/private/echo", nil, "Authorization", "Bearer "+a.token())
}
