// Package lambda runs the functions as Lambda does: the real bootstrap binaries, each instance a process that asks the Runtime API
// for one invocation at a time, reused while it is well and killed when it takes too long.
package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/tributary-app/tributary/infra/local/faults"
	"github.com/tributary-app/tributary/infra/local/process"
)

// Limits of Lambda, and one of ours.
const (
	MaxPayload   = 6 << 20          // bytes of an event or an answer
	initTimeout  = 10 * time.Second // until the first request for an invocation
	restWait     = 5 * time.Millisecond
	MaxInstances = 8 // of one function: what one machine bears, where Lambda has a thousand
)

// ErrThrottled says that every instance is busy and stayed so for as long as a caller waits.
var ErrThrottled = errors.New("lambda: rate exceeded")

// ErrTooLarge says that the event is larger than MaxPayload.
var ErrTooLarge = errors.New("lambda: request entity too large")

// Config is what a function is run with.
type Config struct {
	Name, ARN   string
	Binary      string // the bootstrap
	Timeout     time.Duration
	MemoryMB    int // told to the function, not enforced
	Environment map[string]string
	Region      string
	Instances   int           // at most MaxInstances; 0 is that many
	Patience    time.Duration // how long a caller waits for a free instance before ErrThrottled
	Log         *os.File      // what the function writes, and a line an invocation from us
	Warn        *slog.Logger  // what went wrong with an instance
	Weather     *faults.Weather
}

// Function is a Lambda function with its instances. It is safe for concurrent use.
type Function struct {
	Config
	children *process.Group
	slots    chan struct{} // one an instance that may exist

	mu         sync.Mutex
	idle       []*instance // the one used last is used first
	generation int         // of the environment; instances of an older one aren't used again
	extra      map[string]string
	closed     bool
	running    sync.WaitGroup
}

// New makes a function without instances: the first invocation starts one.
func New(c Config, children *process.Group) *Function {
	if c.Instances <= 0 || c.Instances > MaxInstances {
		c.Instances = MaxInstances
	}
	return &Function{Config: c, children: children, slots: make(chan struct{}, c.Instances)}
}

// Result is how an invocation went.
type Result struct {
	RequestID string
	Payload   []byte // the answer, or the error as Lambda describes it: {"errorMessage", "errorType"}
	Failed    bool
	Duration  time.Duration
}

// failure is Lambda's description of an error.
func failure(requestID, kind, message string) Result {
	b, err := json.Marshal(map[string]string{"errorType": kind, "errorMessage": fmt.Sprintf("RequestId: %s Error: %s", requestID, message)})
	if err != nil {
		panic(err) // three strings
	}
	return Result{RequestID: requestID, Payload: b, Failed: true}
}

// Invoke calls the function and waits for its answer. A function that fails, dies or is killed is a Result with Failed; the error
// is ErrThrottled, ErrTooLarge, or the end of ctx while it waited for an instance. Once begun, an invocation goes on to its end.
func (f *Function) Invoke(ctx context.Context, event []byte) (Result, error) {
	if len(event) > MaxPayload {
		return Result{}, ErrTooLarge
	}
	patience := time.NewTimer(f.Patience)
	defer patience.Stop()
	select {
	case f.slots <- struct{}{}:
	case <-patience.C:
		return Result{}, ErrThrottled
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	id := newRequestID()
	i, err := f.take(id)
	if err != nil {
		<-f.slots
		return Result{}, err
	}
	begun := time.Now()
	result, cold := i.serve(id, event)
	result.Duration = time.Since(begun)
	f.report(result, cold)
	free := make(chan struct{})
	go func() { // the answer is out; the instance is free when it asks for more
		defer f.running.Done()
		f.put(i)
		<-f.slots
		close(free)
	}()
	select { // it asks at once, if it does: so that the next caller finds it, this one waits a moment
	case <-free:
	case <-time.After(restWait):
	}
	return result, nil
}

// take finds an idle instance or starts one. The caller has a slot, so there is room for one.
func (f *Function) take(requestID string) (*instance, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, process.ErrClosed
	}
	for len(f.idle) > 0 {
		i := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if i.alive() {
			f.running.Add(1)
			return i, nil
		}
		i.end()
	}
	env := maps.Clone(f.Environment)
	maps.Copy(env, f.extra)
	i, err := start(f, env, f.generation)
	if err != nil {
		return nil, fmt.Errorf("lambda: %s: %w", f.Name, err)
	}
	f.running.Add(1)
	return i, nil
}

// put takes an instance back that has answered.
func (f *Function) put(i *instance) {
	if !i.rested() {
		i.end()
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || i.generation != f.generation {
		i.end()
		return
	}
	f.idle = append(f.idle, i)
}

// Restart has every later invocation run in a new instance, with extra over the function's environment. What is running ends by
// itself.
func (f *Function) Restart(extra map[string]string) {
	f.mu.Lock()
	old := f.idle
	f.idle, f.extra = nil, maps.Clone(extra)
	f.generation++
	f.mu.Unlock()
	for _, i := range old {
		i.end()
	}
}

// Close starts no more invocations, ends the idle instances and kills the busy ones. Callers of Invoke see their function fail.
func (f *Function) Close() {
	f.mu.Lock()
	f.closed = true
	old := f.idle
	f.idle = nil
	f.mu.Unlock()
	for _, i := range old {
		i.end()
	}
}

func (f *Function) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// Wait returns when no invocation is running.
func (f *Function) Wait() { f.running.Wait() }

// report writes the line that Lambda writes when an invocation is over.
func (f *Function) report(r Result, cold time.Duration) {
	status := "success"
	if r.Failed {
		status = "error"
	}
	metrics := map[string]any{"durationMs": ms(r.Duration - cold), "memorySizeMB": f.MemoryMB}
	if cold > 0 {
		metrics["initDurationMs"] = ms(cold)
	}
	line, err := json.Marshal(map[string]any{
		"time": time.Now().UTC().Format(time.RFC3339Nano), "type": "platform.report",
		"record": map[string]any{"requestId": r.RequestID, "status": status, "metrics": metrics},
	})
	if err != nil {
		panic(err) // strings and numbers
	}
	_, _ = f.Log.Write(append(line, '\n')) // a log that can't be written must not fail what was done
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// newRequestID makes a random UUID.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
