// Package stack starts the whole of Tributary on one machine: the real functions, and around them what the cloud is made of. It is
// wired from template.yaml itself, so what is missing there is missing here.
package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/infra/local/control"
	"github.com/tributary-app/tributary/infra/local/faults"
	"github.com/tributary-app/tributary/infra/local/gateway"
	"github.com/tributary-app/tributary/infra/local/issuer"
	"github.com/tributary-app/tributary/infra/local/lambda"
	"github.com/tributary-app/tributary/infra/local/objects"
	"github.com/tributary-app/tributary/infra/local/process"
	"github.com/tributary-app/tributary/infra/local/template"
)

// Where a stack pretends to be, and whose it is. Servers of the stack accept no other key where they check one.
const (
	Region    = "us-east-1"
	Account   = "123456789012"
	AccessKey = "tributary-local"
	SecretKey = "tributary-local-secret"
)

// name is the stack's AWS::StackName, with which names of tables and queues begin.
const name = "tributary-local"

// Options says what to start. The zero value is a stack of its own for a test: free ports, nothing kept.
type Options struct {
	// Root is the repository; "" is the nearest folder above the working directory that holds infra/local.
	Root string
	// Template is the file to read; "" is template.yaml of Root.
	Template string
	// Build holds <function>/bootstrap for every function; "" is .local/build of Root.
	Build string
	// Data keeps what must outlive a stop: tables, objects, keys, notices, logs. "" is a folder that is forgotten at Close, and
	// tables in memory.
	Data string
	// Port is the one people's browsers go to; 0 is a free one.
	Port int
	// RetryAfter is how long a failed message, event or batch waits until it is tried again: minutes in the cloud, where nobody
	// watches; 0 is a second. It is kept to whole seconds. Negative is as in the cloud.
	RetryAfter time.Duration
	// Patience is how long a caller waits for a function whose instances are all busy before it is throttled; 0 is 20 seconds.
	Patience time.Duration

	// DynamoDB, S3 and SQS are URLs of servers to use instead of starting any. Stacks that share a server share its tables,
	// buckets and queues.
	DynamoDB, S3, SQS string
	// AccessKey and SecretKey are for such servers; "" is the stack's own.
	AccessKey, SecretKey string

	// Code hears of each one-time code that somebody is sent, beside the outbox; nil is nobody.
	Code func(phone, code string)
	// Log hears what goes wrong; nil is nobody. What functions write is in files (Stack.Logs).
	Log *slog.Logger
}

// Stack is a running local stack.
type Stack struct {
	// Base URLs on 127.0.0.1. Web and API are the same gateway. DynamoDB and SQS are the servers themselves, without the faults
	// that functions see; S3 is what functions and browsers use, since it sees objects being created.
	Web, API, Issuer, Control, S3, DynamoDB, SQS string
	// Data is where the stack keeps its things, and Logs the folder of the functions' logs: <function>.log.
	Data, Logs string
	// Application is the template as it was filled in: physical names of tables, queues and buckets.
	Application *template.Application

	options   Options
	forget    bool // Data goes with Close
	lock      *os.File
	servers   *process.Group
	dynoxide  *process.Process
	instances *process.Group
	embedded  *objects.Server
	weather   faults.Weather
	provider  *issuer.Issuer
	outbox    *control.Outbox
	functions map[string]*lambda.Function // by logical id
	queues    map[string]string           // URL by ARN
	schedules map[string]fire             // by name
	notified  []notify                    // guarded by mu

	dynamo  *dynamodb.Client
	streams *dynamodbstreams.Client
	sqs     *sqs.Client
	s3      *s3.Client // to the server itself

	ctx     context.Context
	cancel  context.CancelFunc
	working sync.WaitGroup // sources and schedules
	closers []func() error // last first
	logs    []*os.File
	closing sync.Once
	closed  error

	mu     sync.Mutex
	offset time.Duration // of the functions' clock
}

// Start starts a stack, and returns when it is ready to be used. ctx is for the start alone. Whoever starts one closes it.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{options: o, servers: process.NewGroup(), instances: process.NewGroup(), functions: map[string]*lambda.Function{},
		queues: map[string]string{}, schedules: map[string]fire{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("stack: %w", err), s.Close())
	}
	return s, nil
}

// start does the work; what it has begun when it fails, Close ends.
func (s *Stack) start(ctx context.Context) error {
	if err := s.settle(); err != nil {
		return err
	}
	t, err := template.Read(s.options.Template)
	if err != nil {
		return err
	}

	// The ports first, since one needs the other's address; then the servers side by side.
	web, err := s.listen(s.options.Port)
	if err != nil {
		return fmt.Errorf("%w (PORT chooses another)", err)
	}
	var listeners [6]net.Listener
	for i := range listeners {
		if listeners[i], err = s.listen(0); err != nil {
			return err
		}
	}
	people, doors, dynamoProxy, sqsProxy, s3Proxy, calls := listeners[0], listeners[1], listeners[2], listeners[3], listeners[4], listeners[5]
	s.Web, s.API, s.Issuer, s.Control, s.S3 = at(web), at(web), at(people), at(doors), at(s3Proxy)

	var s3Transport http.RoundTripper
	err = together(
		func() error { return s.startDynamoDB(ctx) },
		func() error { return s.startSQS(ctx) },
		func() (err error) { s3Transport, err = s.startS3(); return err },
		func() (err error) {
			s.provider, err = issuer.New(s.Issuer, filepath.Join(s.Data, "issuer.pem"))
			return err
		},
	)
	if err != nil {
		return err
	}
	s.provider.Tell = func(phone, code string) error {
		if s.options.Code != nil {
			s.options.Code(phone, code)
		}
		return s.outbox.SendCode(phone, code)
	}

	place := template.Place{Stack: name, Region: Region, Account: Account, Refs: map[string]string{}, Parameters: map[string]string{
		"Release": "local", "OidcIssuer": s.Issuer, "OidcAudience": issuer.ClientID, "WebUrl": s.Web, "NoticeWebhookUrl": s.Control + "/notices",
	}}
	if err := s.prepare(ctx, t, place); err != nil {
		return err
	}
	if err := s.startProxies(dynamoProxy, sqsProxy, s3Proxy, s3Transport); err != nil {
		return err
	}
	if err := s.makeFunctions(at(dynamoProxy), at(sqsProxy), at(calls)); err != nil {
		return err
	}
	s.serve(people, s.provider) // once there is an outbox
	s.serve(calls, lambda.Invocations(s.functionNamed))
	if err := s.startSources(ctx); err != nil {
		return err
	}
	s.serve(web, gateway.New(s.Application, s.functions, Account, s.options.Log))
	control := &control.Doors{
		Issuer: s.provider, Outbox: s.outbox, Weather: &s.weather, Clock: s.SetClock, Fire: s.Fire, Queues: s.countQueues,
	}
	s.serve(doors, control.Handler())
	return s.announce()
}

// settle fills in what the options leave open, and takes the data folder for this stack alone.
func (s *Stack) settle() error {
	o := &s.options
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Root == "" {
		root, err := FindRoot()
		if err != nil {
			return err
		}
		o.Root = root
	}
	orDefault(&o.Template, filepath.Join(o.Root, "template.yaml"))
	orDefault(&o.Build, filepath.Join(o.Root, ".local", "build"))
	orDefault(&o.AccessKey, AccessKey)
	orDefault(&o.SecretKey, SecretKey)
	if o.RetryAfter == 0 {
		o.RetryAfter = time.Second
	}
	if o.Patience == 0 {
		o.Patience = 20 * time.Second
	}
	if o.Data == "" {
		dir, err := os.MkdirTemp("", "tributary-")
		if err != nil {
			return err
		}
		s.Data, s.forget = dir, true
	} else {
		dir, err := filepath.Abs(o.Data)
		if err != nil {
			return err
		}
		s.Data = dir
	}
	s.Logs = filepath.Join(s.Data, "logs")
	for _, dir := range []string{s.Logs, filepath.Join(s.Data, "secrets")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	lock, err := os.OpenFile(filepath.Join(s.Data, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	s.lock = lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("another stack is using %s", s.Data)
	}
	return nil
}

func orDefault(s *string, otherwise string) {
	if *s == "" {
		*s = otherwise
	}
}

// FindRoot is the repository that the working directory is in.
func FindRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "infra", "local", "package.json")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no repository above the working directory: name its root")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

func (s *Stack) listen(port int) (net.Listener, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return l, nil
}

func at(l net.Listener) string { return "http://" + l.Addr().String() }

// serve answers at l until Close, which waits a moment for what is being answered.
func (s *Stack) serve(l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.options.Log.Handler(), slog.LevelWarn)}
	go func() { _ = server.Serve(l) }() // ends with Close
	s.closers = append(s.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			return server.Close()
		}
		return nil
	})
}

// startProxies puts faults between the functions and the services.
func (s *Stack) startProxies(dynamo, queue, object net.Listener, s3Transport http.RoundTripper) error {
	dynamoURL, err := url.Parse(s.DynamoDB)
	if err != nil {
		return err
	}
	sqsURL, err := url.Parse(s.SQS)
	if err != nil {
		return err
	}
	s3URL, err := url.Parse(s.s3Target())
	if err != nil {
		return err
	}
	plain := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	s.closers = append(s.closers, func() error { plain.CloseIdleConnections(); return nil })
	s.serve(dynamo, faults.NewProxy(dynamoURL, faults.Checksummed(plain), func() faults.Wire { return s.weather.Now().DynamoDB }, faults.ThrottleDynamoDB))
	s.serve(queue, faults.NewProxy(sqsURL, plain, func() faults.Wire { return s.weather.Now().SQS.Wire }, faults.ThrottleSQS))
	s.serve(object, faults.NewProxy(s3URL, objects.Watch(s3Transport, s.objectCreated), func() faults.Wire { return s.weather.Now().S3 }, faults.ThrottleS3))
	return nil
}

// announce writes endpoints.json: who reads it finds everything ready.
func (s *Stack) announce() error {
	b, err := json.MarshalIndent(map[string]string{
		"web": s.Web, "api": s.API, "issuer": s.Issuer, "control": s.Control, "s3": s.S3, "dynamodb": s.DynamoDB, "sqs": s.SQS,
	}, "", "  ")
	if err != nil {
		return err
	}
	file := filepath.Join(s.Data, "endpoints.json")
	if err := os.WriteFile(file+".new", append(b, '\n'), 0o644); err != nil {
		return err
	}
	s.closers = append(s.closers, func() error {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	return os.Rename(file+".new", file)
}

// Token is an id token of a person, as POST {control}/tokens gives it.
func (s *Stack) Token(ctx context.Context, p issuer.Person) (string, error) {
	id, _, err := s.provider.Tokens(ctx, p, 0)
	return id, err
}

// SetFaults makes things go wrong from now on; the zero value ends that.
func (s *Stack) SetFaults(f faults.Faults) { s.weather.Set(f) }

// SetClock has the functions' clock run ahead by offset. Their instances start anew; what is running ends by the old clock.
func (s *Stack) SetClock(offset time.Duration) {
	s.mu.Lock()
	s.offset = offset
	s.mu.Unlock()
	s.outbox.SetClock(offset)
	var extra map[string]string
	if offset != 0 {
		extra = map[string]string{"CLOCK_OFFSET_SECONDS": fmt.Sprint(int64(offset.Seconds()))}
	}
	for _, f := range s.functions {
		f.Restart(extra)
	}
}

// now is the time by the functions' clock.
func (s *Stack) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.offset)
}

// Close ends everything and returns when no process is left. What functions were doing is cut off, as by a crash, and taken up by
// the next start on the same data. Only the first call does anything; all return the same.
func (s *Stack) Close() error {
	s.closing.Do(func() { s.closed = s.close() })
	return s.closed
}

func (s *Stack) close() error {
	s.cancel()
	for _, f := range s.functions {
		f.Close()
	}
	s.instances.Close()
	s.working.Wait()
	for _, f := range s.functions {
		f.Wait()
	}
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	if s.embedded != nil {
		errs = append(errs, s.embedded.Close())
	}
	if s.dynoxide != nil {
		s.dynoxide.Stop(2 * time.Second) // it has a file to close
	}
	s.servers.Close()
	for _, log := range s.logs {
		errs = append(errs, log.Close())
	}
	if s.forget {
		errs = append(errs, os.RemoveAll(s.Data))
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// together runs the steps side by side.
func together(steps ...func() error) error {
	errs := make([]error, len(steps))
	var wg sync.WaitGroup
	for i, step := range steps {
		wg.Go(func() { errs[i] = step() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// credentials is whose the stack's own clients are.
func (s *Stack) credentials() aws.CredentialsProvider {
	c := aws.Credentials{AccessKeyID: s.options.AccessKey, SecretAccessKey: s.options.SecretKey}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
}
