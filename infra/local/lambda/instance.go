package lambda

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/tributary-app/tributary/infra/local/faults"
	"github.com/tributary-app/tributary/infra/local/process"
)

// instance is one process of a function and the Runtime API that it talks to.
type instance struct {
	function   *Function
	generation int
	process    *process.Process
	api        *http.Server
	started    time.Time

	next    chan *invocation // handed to a request for the next invocation
	resting chan struct{}    // gets a value whenever the process asks for the next invocation

	mu      sync.Mutex
	current *invocation
	failed  []byte // what the process said to /init/error
}

// invocation is one event on its way through an instance.
type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	answer   chan Result // has room for one
}

// start begins an instance; it is ready when it asks for its first invocation.
func start(f *Function, env map[string]string, generation int) (*instance, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &instance{
		function: f, generation: generation, started: time.Now(),
		next: make(chan *invocation), resting: make(chan struct{}, 1),
	}
	i.api = &http.Server{Handler: i.routes()}
	go func() { _ = i.api.Serve(listener) }() // ends with the instance

	cmd := exec.Command(f.Binary)
	cmd.Dir = filepath.Dir(f.Binary)
	cmd.Stdout, cmd.Stderr = f.Log, f.Log
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TZ=:UTC", "LANG=en_US.UTF-8", "TMPDIR=" + os.TempDir(),
		"_HANDLER=bootstrap",
		"LAMBDA_TASK_ROOT=" + cmd.Dir,
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME=" + f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + f.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME=local/" + newRequestID(),
		"AWS_REGION=" + f.Region, "AWS_DEFAULT_REGION=" + f.Region,
	}
	if f.MemoryMB <= oneCore { // Lambda sees to it by the clock; here it would have all of the machine, and wake all of it for each request
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	}
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	if i.process, err = f.children.Start(cmd); err != nil {
		i.api.Close()
		return nil, err
	}
	return i, nil
}

// oneCore is the memory, in MB, with which Lambda gives a whole core
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
const oneCore = 1769

func (i *instance) alive() bool {
	select {
	case <-i.process.Done():
		return false
	default:
		return true
	}
}

// end kills the process and closes its Runtime API.
func (i *instance) end() {
	i.process.Kill()
	<-i.process.Done()
	i.api.Close()
}

// rested waits until the process asks for its next invocation; false if it ends before, or doesn't ask in time.
func (i *instance) rested() bool {
	select {
	case <-i.resting:
		i.rest() // still so for the next invocation
		return true
	case <-i.process.Done():
		return false
	case <-time.After(initTimeout):
		return false
	}
}

// rest notes that the process has asked for an invocation.
func (i *instance) rest() {
	select {
	case i.resting <- struct{}{}:
	default: // noted already
	}
}

// serve runs one invocation to its end, and says how long the process took to start if this was its first.
func (i *instance) serve(id string, event []byte) (r Result, cold time.Duration) {
	f := i.function
	first := !i.started.IsZero()
	select {
	case <-i.resting:
	case <-i.process.Done():
		return i.died(id), 0
	case <-time.After(initTimeout):
		i.process.Kill()
		return failure(id, "Sandbox.Timedout", fmt.Sprintf("Init timed out after %.2f seconds", initTimeout.Seconds())), 0
	}
	if first {
		cold, i.started = time.Since(i.started), time.Time{}
	}
	inv := &invocation{id: id, event: event, deadline: time.Now().Add(f.Timeout), answer: make(chan Result, 1)}
	i.mu.Lock()
	i.current = inv
	i.mu.Unlock()
	defer func() {
		i.mu.Lock()
		i.current = nil
		i.mu.Unlock()
	}()
	timeout := time.NewTimer(f.Timeout)
	defer timeout.Stop()

	// An instance that a fault dooms dies at a moment within its work or, if it is quicker, before its answer is out.
	var doom <-chan time.Time
	doomed := faults.Happens(f.Weather.Now().Lambda.Kill)
	if doomed {
		doom = time.After(faults.Soon(200 * time.Millisecond))
	}

	next := i.next
	for {
		select {
		case next <- inv:
			next = nil // sent once
		case r := <-inv.answer:
			if doomed {
				i.process.Kill()
				<-i.process.Done()
				return i.died(id), cold
			}
			return r, cold
		case <-doom:
			i.process.Kill()
			<-i.process.Done()
			return i.died(id), cold
		case <-i.process.Done():
			return i.died(id), cold
		case <-timeout.C:
			i.process.Kill()
			f.Warn.Warn("function took too long and was killed", "function", f.Name, "request", id, "timeout", f.Timeout)
			return failure(id, "Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", f.Timeout.Seconds())), cold
		}
	}
}

// died describes an instance that ended by itself or by a fault.
func (i *instance) died(id string) Result {
	i.mu.Lock()
	said := i.failed
	i.mu.Unlock()
	if !i.function.isClosed() {
		i.function.Warn.Warn("function ended", "function", i.function.Name, "request", id, "exit", i.process.Err())
	}
	if said != nil {
		return Result{RequestID: id, Payload: said, Failed: true}
	}
	exit := "exit status 0"
	if err := i.process.Err(); err != nil {
		exit = err.Error()
	}
	return failure(id, "Runtime.ExitError", "Runtime exited with error: "+exit)
}
