package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/infra/local/control"
	"github.com/tributary-app/tributary/infra/local/lambda"
	"github.com/tributary-app/tributary/infra/local/objects"
	"github.com/tributary-app/tributary/infra/local/sources"
	"github.com/tributary-app/tributary/infra/local/template"
)

// makeFunctions makes the functions. They see the services through the proxies at the given URLs and s.S3, and each other by lambdaURL.
func (s *Stack) makeFunctions(dynamoURL, sqsURL, lambdaURL string) error {
	for _, f := range s.Application.Functions {
		binary := filepath.Join(s.options.Build, f.Folder, "bootstrap")
		if _, err := os.Stat(binary); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s isn't built: %s is missing", f.ID, binary)
		}
		log, err := s.logFile(f.Folder)
		if err != nil {
			return err
		}
		env := maps.Clone(f.Environment)
		maps.Copy(env, map[string]string{
			"AWS_ACCESS_KEY_ID": s.options.AccessKey, "AWS_SECRET_ACCESS_KEY": s.options.SecretKey,
			"AWS_ENDPOINT_URL_DYNAMODB": dynamoURL, "AWS_ENDPOINT_URL_SQS": sqsURL, "AWS_ENDPOINT_URL_S3": s.S3,
			"AWS_ENDPOINT_URL_LAMBDA": lambdaURL,
			"AWS_LAMBDA_LOG_FORMAT":   f.LogFormat,
		})
		if f.LogLevel != "" {
			env["AWS_LAMBDA_LOG_LEVEL"] = f.LogLevel
		}
		s.functions[f.ID] = lambda.New(lambda.Config{
			Name: f.Name, ARN: f.ARN, Binary: binary, Timeout: f.Timeout, MemoryMB: f.MemoryMB, Environment: env, Region: Region,
			Instances: f.Concurrency, Patience: s.options.Patience, Log: log, Warn: s.options.Log, Weather: &s.weather,
		}, s.instances)
	}
	return nil
}

// functionNamed is the function of that physical name, nil if there is none.
func (s *Stack) functionNamed(name string) *lambda.Function {
	for _, f := range s.functions {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// fire runs a schedule.
type fire func() (<-chan bool, error)

// notify sends an event about an object to a function that wants it.
type notify struct {
	trigger template.ObjectTrigger
	send    func(event []byte) (<-chan bool, error)
}

// startSources begins to call the functions when something happens.
func (s *Stack) startSources(ctx context.Context) error {
	for _, f := range s.Application.Functions {
		function := s.functions[f.ID]
		for _, q := range f.Queues {
			url, ok := s.queues[q.Queue]
			if !ok {
				return fmt.Errorf("%s: no queue %s", f.ID, q.Queue)
			}
			source := &sources.Queue{
				Trigger: q, URL: url, Region: Region, Client: s.sqs, Function: function, Weather: &s.weather,
				RetryAfter: max(0, s.options.RetryAfter), Warn: s.options.Log,
			}
			s.working.Go(func() { source.Run(s.ctx) })
		}
		for _, t := range f.Streams {
			if err := s.startStream(ctx, f, t); err != nil {
				return fmt.Errorf("%s: %w", f.ID, err)
			}
		}
		if len(f.Objects)+len(f.Schedules) == 0 {
			continue
		}
		tell, err := s.letterBox(f.OnFailure)
		if err != nil {
			return fmt.Errorf("%s: %w", f.ID, err)
		}
		queue, err := lambda.NewAsynchronous(s.ctx, function, filepath.Join(s.Data, "events", f.Folder), f.Retries, s.retryWait, tell)
		if err != nil {
			return err
		}
		s.working.Go(func() {
			<-s.ctx.Done()
			queue.Close()
		})
		s.mu.Lock() // requests may be creating objects already
		for _, t := range f.Objects {
			s.notified = append(s.notified, notify{t, queue.Send})
		}
		s.mu.Unlock()
		for _, t := range f.Schedules {
			s.startSchedule(t, queue)
		}
	}
	return nil
}

// retryWait is how long an asynchronous event waits after its first, second… attempt. Lambda waits a minute, then two.
func (s *Stack) retryWait(attempt int) time.Duration {
	if s.options.RetryAfter < 0 {
		return time.Duration(attempt) * time.Minute
	}
	return s.options.RetryAfter
}

// letterBox sends what was given up to the queue with that ARN; nil for "".
func (s *Stack) letterBox(arn string) (func(context.Context, string) error, error) {
	if arn == "" {
		return nil, nil
	}
	url, ok := s.queues[arn]
	if !ok {
		return nil, fmt.Errorf("no queue %s", arn)
	}
	return func(ctx context.Context, body string) error {
		_, err := s.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
		return err
	}, nil
}

func (s *Stack) startStream(ctx context.Context, f template.Function, t template.StreamTrigger) error {
	table, err := s.dynamo.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.Table})
	if err != nil {
		return err
	}
	if table.Table.LatestStreamArn == nil {
		return fmt.Errorf("table %s has no stream", t.Table)
	}
	filter, err := sources.NewFilter(t.FilterRules)
	if err != nil {
		return err
	}
	tell, err := s.letterBox(t.OnFailure)
	if err != nil {
		return err
	}
	source := &sources.Stream{
		Trigger: t, ARN: *table.Table.LatestStreamArn, Region: Region, Client: s.streams, Function: s.functions[f.ID],
		Filter: filter, RetryAfter: max(s.options.RetryAfter, time.Second), Tell: tell, Warn: s.options.Log,
		Bookmark: filepath.Join(s.Data, "streams", f.Folder+"-"+t.ID+".json"),
	}
	s.working.Go(func() { source.Run(s.ctx) })
	return nil
}

// objectCreated tells the functions that want to know.
func (s *Stack) objectCreated(c objects.Created) {
	s.mu.Lock()
	notified := s.notified
	s.mu.Unlock()
	o := sources.Object{Bucket: c.Bucket, Key: c.Key, Event: c.Event, At: c.At, RequestID: c.RequestID, SourceIP: c.SourceIP}
	for _, n := range notified {
		if !sources.Wants(n.trigger, o) {
			continue
		}
		if o.ETag == "" {
			head, err := s.s3.HeadObject(s.ctx, &s3.HeadObjectInput{Bucket: &o.Bucket, Key: &o.Key})
			if err != nil { // S3 tells of objects that are gone by now, too
				s.options.Log.Warn("object can't be looked at", "bucket", o.Bucket, "err", err)
			} else {
				o.Size, o.ETag = aws.ToInt64(head.ContentLength), unquote(aws.ToString(head.ETag))
			}
		}
		if _, err := n.send(sources.ObjectEvent(n.trigger, o, Region)); err != nil {
			s.options.Log.Error("object's event is lost", "bucket", o.Bucket, "err", err)
		}
	}
}

func unquote(etag string) string {
	if len(etag) > 1 && etag[0] == '"' {
		return etag[1 : len(etag)-1]
	}
	return etag
}

// startSchedule fires when it is time, by the wall clock.
func (s *Stack) startSchedule(t template.Schedule, queue *lambda.Asynchronous) {
	run := func() (<-chan bool, error) {
		return queue.Send(sources.ScheduleEvent(t, Region, Account, rand.Text(), s.now()))
	}
	s.schedules[t.Name] = run
	s.working.Go(func() {
		tick := time.NewTicker(t.Every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if _, err := run(); err != nil {
					s.options.Log.Error("schedule didn't fire", "schedule", t.Name, "err", err)
				}
			case <-s.ctx.Done():
				return
			}
		}
	})
}

// fireWait is how long Fire waits for a function to be done.
const fireWait = 25 * time.Second

// Fire fires a schedule now and says how it went: "succeeded", "failed", or "running" when it takes longer than a caller waits. The
// name is the event's key in the template, in lower case; another is control.ErrNoSchedule.
func (s *Stack) Fire(ctx context.Context, name string) (string, error) {
	run, ok := s.schedules[name]
	if !ok {
		return "", control.ErrNoSchedule
	}
	done, err := run()
	if err != nil {
		return "", err
	}
	select {
	case succeeded, finished := <-done:
		switch {
		case !finished:
			return "", errors.New("stack: it is ending")
		case succeeded:
			return "succeeded", nil
		}
		return "failed", nil
	case <-time.After(fireWait):
		return "running", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
