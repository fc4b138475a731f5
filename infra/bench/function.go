package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"go.yaml.in/yaml/v3"
)

// deployed is what the template says of a function that bears on a
// measurement.
type deployed struct {
	MemorySize  int64
	Timeout     int
	Environment map[string]string // what is written out there; references are ours to fill
}

// deployedAs reads the template, in the working directory.
func deployedAs(function string) (deployed, error) {
	raw, err := os.ReadFile("template.yaml")
	if err != nil {
		return deployed{}, err
	}
	type settings struct {
		MemorySize  *int64 `yaml:"MemorySize"`
		Timeout     *int   `yaml:"Timeout"`
		Environment struct {
			Variables map[string]yaml.Node `yaml:"Variables"`
		} `yaml:"Environment"`
	}
	var t struct {
		Globals struct {
			Function settings `yaml:"Function"`
		} `yaml:"Globals"`
		Resources map[string]struct {
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(raw, &t); err != nil {
		return deployed{}, err
	}
	properties := t.Resources[function].Properties
	var own settings
	if err := properties.Decode(&own); err != nil {
		return deployed{}, fmt.Errorf("%s: %w", function, err)
	}
	d := deployed{Environment: map[string]string{}}
	for _, s := range []settings{t.Globals.Function, own} {
		if s.MemorySize != nil {
			d.MemorySize = *s.MemorySize
		}
		if s.Timeout != nil {
			d.Timeout = *s.Timeout
		}
		for name, v := range s.Environment.Variables {
			if v.Kind == yaml.ScalarNode && !strings.HasPrefix(v.Tag, "!") || strings.HasPrefix(v.Tag, "!!") {
				d.Environment[name] = v.Value
			}
		}
	}
	return d, nil
}

// function is one instance of a function: its real binary, held to one core,
// under a Runtime API of ours.
type function struct {
	cmd     *exec.Cmd
	api     *httptest.Server
	timeout time.Duration
	events  chan []byte
	answers chan answer
	died    chan error
	log     bytes.Buffer
}

// answer is what a function makes of an event.
type answer struct {
	body []byte
	err  error
}

// start starts a function as the template has it. env is what the template
// only refers to.
func start(door string, env map[string]string) (*function, error) {
	d, err := deployedAs(strings.ToUpper(door[:1]) + door[1:] + "Function")
	if err != nil {
		return nil, err
	}
	f := &function{timeout: time.Duration(d.Timeout) * time.Second, events: make(chan []byte), answers: make(chan answer, 1), died: make(chan error, 1)}
	f.api = httptest.NewServer(http.HandlerFunc(f.serve))
	f.cmd = exec.Command(filepath.Join(".local", "build", door, "bootstrap"))
	f.cmd.Stdout, f.cmd.Stderr = &f.log, &f.log
	f.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(f.api.URL, "http://"), "AWS_LAMBDA_FUNCTION_NAME=" + door,
		fmt.Sprint("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=", d.MemorySize), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench",
	}
	for _, vars := range []map[string]string{d.Environment, env} {
		for name, value := range vars {
			f.cmd.Env = append(f.cmd.Env, name+"="+value)
		}
	}
	oneCore(f.cmd)
	if err := f.cmd.Start(); err != nil {
		f.api.Close()
		return nil, err
	}
	return f, nil
}

// serve is the Runtime API.
func (f *function) serve(w http.ResponseWriter, r *http.Request) {
	switch filepath.Base(r.URL.Path) {
	case "next":
		select {
		case event := <-f.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "bench")
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:bench")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(f.timeout).UnixMilli()))
			_, _ = w.Write(event) // it may have died
		case <-r.Context().Done():
		}
	case "response":
		b, err := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		f.answers <- answer{b, err}
	case "error":
		b, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		f.answers <- answer{nil, fmt.Errorf("it failed: %s", b)}
	}
}

// invoke has one event done, and gives the answer.
func (f *function) invoke(ctx context.Context, event any) ([]byte, error) {
	b, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	says := func(err error) error { return fmt.Errorf("%w\n%s", err, f.log.Bytes()) }
	select {
	case f.events <- b:
	case <-ctx.Done():
		return nil, says(ctx.Err())
	}
	select {
	case a := <-f.answers:
		if a.err != nil {
			return nil, says(a.err)
		}
		return a.body, nil
	case <-ctx.Done():
		return nil, says(ctx.Err())
	}
}

// end ends the function, and says what it took.
func (f *function) end() usage {
	u := end(f.cmd)
	f.api.Close()
	return u
}

// benchKey is every key that a function of the benchmark's has.
const benchKey = "a key for the benchmark alone, no more"

// keyFiles puts it into files in dir, as it reaches a function where there is no
// vault, and gives the variables that name them.
func keyFiles(dir string) (map[string]string, error) {
	tokens, person := filepath.Join(dir, "tokens"), filepath.Join(dir, "person")
	err := errors.Join(os.WriteFile(tokens, []byte(`{"1":"`+benchKey+`"}`), 0o600), os.WriteFile(person, []byte(benchKey), 0o600))
	return map[string]string{"TOKEN_KEYS": "file:" + tokens, "SESSION_KEYS": "file:" + tokens, "PERSON_KEY": "file:" + person}, err
}

// bucket is as much of S3 as imports speaks: GET, of a range too, and HEAD,
// with If-Match, of one file; and PUT, into nowhere.
type bucket struct {
	*httptest.Server
	path, etag string

	mu       sync.Mutex
	requests int
}

const bucketName = "bench"

func serveFile(path string) (*bucket, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := md5.New()
	if _, err := io.Copy(sum, f); err != nil {
		return nil, err
	}
	b := &bucket{path: path, etag: hex.EncodeToString(sum.Sum(nil))}
	b.Server = httptest.NewServer(b)
	return b, nil
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.requests++
	b.mu.Unlock()
	switch {
	case r.Method == http.MethodPut:
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"x"`)
	case strings.Trim(r.Header.Get("If-Match"), `"`) != b.etag:
		w.WriteHeader(http.StatusPreconditionFailed)
	default:
		w.Header().Set("ETag", `"`+b.etag+`"`)
		r.Header.Del("If-Match") // S3 takes it without its quotes; net/http wouldn't
		http.ServeFile(w, r, b.path)
	}
}

// uploaded is the event of that file's upload for an import.
func (b *bucket) uploaded(chain, imp string) events.S3Event {
	return events.S3Event{Records: []events.S3EventRecord{{EventSource: "aws:s3", EventName: "ObjectCreated:Post", EventTime: time.Now(), S3: events.S3Entity{
		Bucket: events.S3Bucket{Name: bucketName},
		Object: events.S3Object{Key: url.QueryEscape("rosters/" + chain + "/" + imp + "/roster"), ETag: b.etag},
	}}}}
}

// queue is as much of SQS as imports speaks: SendMessage.
type queue struct {
	*httptest.Server
	messages chan string
	sent     atomic.Int64
}

func newQueue() *queue {
	q := &queue{messages: make(chan string, 100)}
	q.Server = httptest.NewServer(q)
	return q
}

func (q *queue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct{ MessageBody string }
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessage" {
		http.Error(w, "not a message", http.StatusBadRequest)
		return
	}
	q.sent.Add(1)
	q.messages <- m.MessageBody
	sum := md5.Sum([]byte(m.MessageBody))
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	fmt.Fprintf(w, `{"MessageId":"bench","MD5OfMessageBody":"%s"}`, hex.EncodeToString(sum[:]))
}

// delivered is the event of one message.
func delivered(body string) events.SQSEvent {
	return events.SQSEvent{Records: []events.SQSMessage{{MessageId: "bench", EventSource: "aws:sqs", Body: body, Attributes: map[string]string{"ApproximateReceiveCount": "1"}}}}
}
