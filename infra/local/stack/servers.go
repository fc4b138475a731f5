package stack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/infra/local/objects"
	"github.com/tributary-app/tributary/infra/local/process"
	"github.com/tributary-app/tributary/infra/local/sources"
)

// startTimeout is how long a server may take to say where it listens; it takes a third of a second.
const startTimeout = 20 * time.Second

// errDied says that a server ended before it listened.
var errDied = errors.New("it ended before it listened")

// startDynamoDB starts dynoxide, unless there is a server already, and makes the clients.
func (s *Stack) startDynamoDB(ctx context.Context) error {
	s.DynamoDB = s.options.DynamoDB
	if s.DynamoDB == "" {
		var file string
		if !s.forget {
			file = filepath.Join(s.Data, "dynamodb.sqlite")
			if err := s.tune(ctx, file); err != nil && s.options.Log != nil {
				s.options.Log.Warn("the database could not be tuned: writes may be slow", "err", err)
			}
		}
		log, err := s.logFile("dynamodb")
		if err != nil {
			return err
		}
		s.DynamoDB, s.dynoxide, err = StartDynoxide(ctx, s.servers, s.options.Root, file, log)
		if err != nil {
			return err
		}
	}
	s.dynamo = dynamodb.New(dynamodb.Options{Region: Region, BaseEndpoint: &s.DynamoDB, Credentials: s.credentials()})
	s.streams = dynamodbstreams.New(dynamodbstreams.Options{Region: Region, BaseEndpoint: &s.DynamoDB, Credentials: s.credentials()})
	return nil
}

// tune makes a database that nobody has open fit for use, a new one among them (tune.cjs says why). One that wasn't closed in order is
// left as it is.
func (s *Stack) tune(ctx context.Context, file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := s.createDatabase(ctx, file); err != nil {
			return err
		}
	case err != nil:
		return err
	case info.Size() < trimFrom:
		return nil
	}
	if log, err := os.Stat(file + "-wal"); err == nil && log.Size() > 0 {
		return nil
	}
	through, err := sources.Delivered(filepath.Join(s.Data, "streams"))
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "node", filepath.Join(s.options.Root, "infra", "local", "tune.cjs"), file, strconv.FormatInt(through, 10)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("tune: %w\n%s", err, out)
	}
	return nil
}

// trimFrom is how large a database must be for what its stream has delivered to matter.
const trimFrom = 4 << 20

// createDatabase has dynoxide make its database, and end again. It says that it listens a moment before it hears of being asked to
// end; asked in between, it leaves the file open, and another try is due.
func (s *Stack) createDatabase(ctx context.Context, file string) error {
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer log.Close()
	group := process.NewGroup()
	defer group.Close()
	for try := 0; ; try++ {
		_, server, err := StartDynoxide(ctx, group, s.options.Root, file, log)
		if err != nil {
			return err
		}
		time.Sleep(time.Duration(try) * 20 * time.Millisecond)
		server.Stop(startTimeout) // it has a file to close
		if server.Err() == nil || try == 5 {
			return server.Err()
		}
		for _, part := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(file + part); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
}

// StartDynoxide starts a DynamoDB server with its tables in file, or in memory for "", and returns where it listens. root is the
// repository, whose infra/local has the binary from npm; log gets what it says.
func StartDynoxide(ctx context.Context, group *process.Group, root, file string, log *os.File) (string, *process.Process, error) {
	binary := filepath.Join(root, "infra", "local", "node_modules", "@dynoxide", "linux-x64", "dynoxide")
	if _, err := os.Stat(binary); errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("%s is missing: npm ci in infra/local", binary)
	}
	// dynoxide can't be asked for any free port. One that was free may be taken when it gets there: then another is tried.
	for try := 0; ; try++ {
		port, err := freePort()
		if err != nil {
			return "", nil, err
		}
		args := []string{"serve", "--host", "127.0.0.1", "-p", strconv.Itoa(port)}
		if file != "" {
			args = append(args, "--db-path", file)
		}
		url, p, err := startServer(ctx, group, exec.Command(binary, args...), log)
		if errors.Is(err, errDied) && try < 5 {
			continue
		}
		if err != nil {
			return "", nil, fmt.Errorf("dynoxide: %w", err)
		}
		return url, p, nil
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// startSQS starts local-aws-sqs, unless there is a server already, and makes the client.
func (s *Stack) startSQS(ctx context.Context) error {
	s.SQS = s.options.SQS
	if s.SQS == "" {
		dir := filepath.Join(s.options.Root, "infra", "local")
		if _, err := os.Stat(filepath.Join(dir, "node_modules", "local-aws-sqs")); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("local-aws-sqs is missing: npm ci in %s", dir)
		}
		log, err := s.logFile("sqs")
		if err != nil {
			return err
		}
		if s.SQS, _, err = startServer(ctx, s.servers, exec.Command("node", filepath.Join(dir, "sqs.cjs"), Region, Account), log); err != nil {
			return fmt.Errorf("local-aws-sqs: %w", err)
		}
	}
	s.sqs = sqs.New(sqs.Options{Region: Region, BaseEndpoint: &s.SQS, Credentials: s.credentials()})
	return nil
}

// startS3 starts the embedded versitygw, unless there is a server already, makes the client, and returns how to reach the server.
func (s *Stack) startS3() (http.RoundTripper, error) {
	var transport http.RoundTripper = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	if s.options.S3 == "" {
		var err error
		if s.embedded, err = objects.Start(filepath.Join(s.Data, "objects"), Region, s.options.AccessKey, s.options.SecretKey); err != nil {
			return nil, err
		}
		transport = s.embedded.Transport
	}
	s.s3 = s3.New(s3.Options{
		Region: Region, BaseEndpoint: aws.String(s.s3Target()), UsePathStyle: true, Credentials: s.credentials(),
		HTTPClient: &http.Client{Transport: transport},
	})
	return transport, nil
}

// s3Target is the URL of the S3 server itself; the embedded one is reached by its transport alone, whatever the URL.
func (s *Stack) s3Target() string {
	if s.options.S3 != "" {
		return s.options.S3
	}
	return "http://127.0.0.1"
}

// logFile opens a log for appending; Close closes it last.
func (s *Stack) logFile(name string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(s.Logs, name+".log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs = append(s.logs, f)
	return f, nil
}

// startServer starts cmd and waits until it says where it listens.
func startServer(ctx context.Context, group *process.Group, cmd *exec.Cmd, log *os.File) (string, *process.Process, error) {
	says := &listening{log: log, at: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = says, says
	p, err := group.Start(cmd)
	if err != nil {
		return "", nil, err
	}
	select {
	case url := <-says.at:
		return url, p, nil
	case <-p.Done():
		return "", nil, fmt.Errorf("%w: %v", errDied, p.Err())
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(startTimeout):
		err = errors.New("it doesn't listen")
	}
	p.Kill()
	return "", nil, err
}

var listensAt = regexp.MustCompile(`listening on (http://127\.0\.0\.1:\d+)\s`)

// listening passes on what a server says, and finds in it where the server listens.
type listening struct {
	log *os.File
	at  chan string // gets the URL; has room for one

	mu    sync.Mutex
	said  []byte
	found bool
}

func (l *listening) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.found {
		l.said = append(l.said, b...)
		if m := listensAt.FindSubmatch(l.said); m != nil {
			l.at <- string(m[1])
			l.found, l.said = true, nil
		}
	}
	return l.log.Write(b)
}
