// Command probe is the function that the local stack's own tests run behind every trigger. It does what the event says: it answers,
// fails, takes long, or dies; and it prints a line for everything that it was given, for tests to read in its log.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	if os.Getenv("PROBE_DIES") != "" {
		fmt.Fprintln(os.Stderr, "probe: told not to start")
		os.Exit(1)
	}
	lambda.Start(handle)
}

// handle finds out what kind of event it was given.
func handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var kind struct {
		RouteKey   string
		DetailType string `json:"detail-type"`
		Records    []struct{ EventSource string }
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return nil, err
	}
	switch {
	case kind.RouteKey != "":
		return answer(raw)
	case kind.DetailType != "":
		said("schedule", kind.DetailType+" offset="+os.Getenv("CLOCK_OFFSET_SECONDS"))
		return nil, nil
	case len(kind.Records) == 0:
		return nil, errors.New("probe: an event of no known kind")
	}
	switch kind.Records[0].EventSource {
	case "aws:sqs":
		return messages(raw)
	case "aws:dynamodb":
		return changes(raw)
	}
	return nil, objects(raw)
}

// said prints what was done and to what.
func said(what, to string) { fmt.Printf("probe %s %s\n", what, to) }

// answer plays an HTTP door: the last part of the path is what to do.
func answer(raw json.RawMessage) (any, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	out := events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: map[string]string{"Content-Type": "application/json"}}
	switch e.PathParameters["what"] {
	case "sleep":
		ms, err := strconv.Atoi(e.QueryStringParameters["ms"])
		if err != nil {
			return nil, err
		}
		said("sleep", strconv.Itoa(os.Getpid()))
		time.Sleep(time.Duration(ms) * time.Millisecond)
		out.Body = strconv.Itoa(os.Getpid())
	case "exit":
		os.Exit(3)
	case "panic":
		panic("told to")
	case "fail":
		return nil, errors.New("told to fail")
	case "nonsense":
		return map[string]any{"statusCode": "many"}, nil
	case "bare":
		return map[string]string{"hello": "world"}, nil
	case "large":
		out.Body = strings.Repeat("x", 7<<20)
	case "bytes":
		out.Headers["Content-Type"], out.IsBase64Encoded = "image/png", true
		out.Body = base64.StdEncoding.EncodeToString([]byte{0x89, 'P', 'N', 'G', 0xff})
	case "env":
		env := map[string]string{}
		for _, pair := range os.Environ() {
			k, v, _ := strings.Cut(pair, "=")
			env[k] = v
		}
		b, err := json.Marshal(env)
		if err != nil {
			return nil, err
		}
		out.Body = string(b)
	default:
		out.StatusCode, out.Body = 201, string(raw)
		out.Cookies = []string{"a=1", "b=2"}
	}
	return out, nil
}

// messages fails those that say "bad", and those that say "flaky" the first time.
func messages(raw json.RawMessage) (any, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, m := range e.Records {
		said("message", m.Body+" "+m.Attributes["ApproximateReceiveCount"]+" "+m.MessageId)
		if m.Body == "bad" || m.Body == "flaky" && m.Attributes["ApproximateReceiveCount"] == "1" {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return out, nil
}

// changes fails on items whose outbox says "bad": the whole batch for "bad", the record alone for "bad alone".
func changes(raw json.RawMessage) (any, error) {
	var e events.DynamoDBEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	out := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	for _, r := range e.Records {
		outbox := r.Change.NewImage["Outbox"].String()
		said("change", r.Change.Keys["PK"].String()+" "+outbox+" of "+strconv.Itoa(len(e.Records)))
		switch outbox {
		case "bad":
			return nil, errors.New("told to fail")
		case "bad alone":
			out.BatchItemFailures = append(out.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
			return out, nil
		}
	}
	return out, nil
}

// objects fails on keys that say "bad".
func objects(raw json.RawMessage) error {
	var e events.S3Event
	if err := json.Unmarshal(raw, &e); err != nil {
		return err
	}
	for _, r := range e.Records {
		said("object", fmt.Sprintf("%s %s %s %d", r.EventName, r.S3.Object.Key, r.S3.Object.URLDecodedKey, r.S3.Object.Size))
		if strings.Contains(r.S3.Object.Key, "bad") {
			return errors.New("told to fail")
		}
	}
	return nil
}
