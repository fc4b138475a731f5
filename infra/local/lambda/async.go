package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Asynchronous is a function's queue of events whose senders don't wait: what fails is tried again, and what failed for good is
// told to a queue of dead letters. Events are kept in files until they are done with, so that a restart forgets none.
type Asynchronous struct {
	function *Function
	dir      string
	retries  int
	wait     func(attempt int) time.Duration
	tell     func(ctx context.Context, body string) error // nil when nobody is told
	ctx      context.Context

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// NewAsynchronous makes the queue of f with its files in dir, and takes up what an earlier run has left there. It works until ctx
// ends; wait says how long to wait before the second, third… attempt.
func NewAsynchronous(ctx context.Context, f *Function, dir string, retries int, wait func(attempt int) time.Duration, tell func(context.Context, string) error) (*Asynchronous, error) {
	a := &Asynchronous{function: f, dir: dir, retries: retries, wait: wait, tell: tell, ctx: ctx}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("lambda: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("lambda: %w", err)
	}
	for _, file := range left {
		event, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("lambda: %w", err)
		}
		a.running.Go(func() { a.work(file, event) })
	}
	return a, nil
}

// Send accepts an event. The channel gets true when the function has succeeded, false when the event was given up, and is closed
// without a value when the stack ends before.
func (a *Asynchronous) Send(event []byte) (<-chan bool, error) {
	file := filepath.Join(a.dir, time.Now().UTC().Format("20060102T150405.000000000")+"-"+newRequestID()[:8]+".json")
	if err := os.WriteFile(file, event, 0o600); err != nil {
		return nil, fmt.Errorf("lambda: %w", err)
	}
	done := make(chan bool, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed { // the next run takes the file up
		close(done)
		return done, nil
	}
	a.running.Go(func() {
		defer close(done)
		if ok, finished := a.work(file, event); finished {
			done <- ok
		}
	})
	return done, nil
}

// Close begins no more work, and returns when what was begun has ended; it ends soon after the context.
func (a *Asynchronous) Close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.running.Wait()
}

// work invokes the function with event until it succeeds or is given up, and then forgets the file.
func (a *Asynchronous) work(file string, event []byte) (ok, finished bool) {
	var last Result
	attempts := 0
	for attempts <= a.retries {
		if attempts > 0 && !a.pause(a.wait(attempts)) {
			return false, false
		}
		r, err := a.function.Invoke(a.ctx, event)
		switch {
		case errors.Is(err, ErrThrottled): // Lambda tries those for hours, and doesn't count them
			if !a.pause(time.Second) {
				return false, false
			}
			continue
		case err != nil && (a.ctx.Err() != nil || a.function.isClosed()):
			return false, false
		case err != nil:
			r = failure("", "ServiceException", err.Error())
		}
		if r.Failed && a.ctx.Err() != nil {
			return false, false // killed by the end of the stack: not the function's fault
		}
		last = r
		attempts++
		if !r.Failed {
			a.forget(file)
			return true, true
		}
	}
	a.function.Warn.Warn("event was given up", "function", a.function.Name, "attempts", attempts)
	if a.tell != nil {
		if err := a.tell(a.ctx, a.letter(event, last, attempts)); err != nil {
			a.function.Warn.Warn("dead letter could not be sent", "function", a.function.Name, "err", err)
			return false, false // the file stays: the next run tries again
		}
	}
	a.forget(file)
	return false, true
}

func (a *Asynchronous) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-a.ctx.Done():
		return false
	}
}

func (a *Asynchronous) forget(file string) {
	if err := os.Remove(file); err != nil {
		a.function.Warn.Warn("event will be run again by the next start", "function", a.function.Name, "err", err)
	}
}

// letter is what Lambda tells an on-failure destination.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (a *Asynchronous) letter(event []byte, last Result, attempts int) string {
	request := json.RawMessage(event)
	if !json.Valid(event) {
		request = nil
	}
	response := json.RawMessage(last.Payload)
	if !json.Valid(last.Payload) {
		response = nil
	}
	b, err := json.Marshal(map[string]any{
		"version": "1.0", "timestamp": time.Now().UTC().Format(time.RFC3339Nano),
		"requestContext": map[string]any{
			"requestId": last.RequestID, "functionArn": a.function.ARN + ":$LATEST",
			"condition": "RetriesExhausted", "approximateInvokeCount": attempts,
		},
		"requestPayload":  request,
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"responsePayload": response,
	})
	if err != nil {
		panic(err) // valid JSON in, valid JSON out
	}
	return string(b)
}
