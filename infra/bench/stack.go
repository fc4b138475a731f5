package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/store"
)

// stack is a local stack of the benchmark's own: `local serve`, with data that
// are forgotten.
type stack struct {
	cmd                             *exec.Cmd
	root                            string
	API, Control, S3, DynamoDB, SQS string
	log                             bytes.Buffer
}

// The keys that a local stack takes (infra/local/stack).
const (
	localKey    = "tributary-local"
	localSecret = "tributary-local-secret"
)

// startStack starts one in a folder that looks like the repository, and waits
// until all is ready.
func startStack(ctx context.Context, dir, name string) (*stack, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	s := &stack{root: filepath.Join(dir, name)}
	if err := os.RemoveAll(s.root); err != nil { // of a run that was broken off
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(s.root, ".local"), 0o755); err != nil {
		return nil, err
	}
	for _, path := range []string{"infra", "template.yaml", filepath.Join(".local", "build")} {
		if err := os.Symlink(filepath.Join(here, path), filepath.Join(s.root, path)); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	s.cmd = exec.Command(filepath.Join(here, ".local", "bin", "local"), "serve", "-root", s.root)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "DYNAMODB_ENDPOINT=") })
	s.cmd.Env = append(s.cmd.Env, "PORT="+strconv.Itoa(port))
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for range 600 {
		b, err := os.ReadFile(filepath.Join(s.root, ".local", "endpoints.json"))
		if err == nil {
			return s, errors.Join(json.Unmarshal(b, s), ctx.Err())
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil, errors.Join(fmt.Errorf("the local stack doesn't start:\n%s", s.log.Bytes()), s.close())
}

// close ends the stack, and forgets what it had.
func (s *stack) close() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
	err := s.cmd.Wait()
	return errors.Join(err, os.RemoveAll(s.root))
}

// bench is a bench on the stack's own table, with the keys that its functions
// have, and a chain.
func (s *stack) bench(ctx context.Context) (*tableBench, platform.Keys, error) {
	db := dynamotest.Client(s.DynamoDB)
	tables, err := db.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err == nil && len(tables.TableNames) != 1 {
		err = fmt.Errorf("the stack has tables %v, want one", tables.TableNames)
	}
	if err != nil {
		return nil, platform.Keys{}, err
	}
	secrets := filepath.Join(s.root, ".local", "secrets")
	p, err := platform.New(func(name string) string {
		return map[string]string{"AWS_REGION": "us-east-1", "TOKEN_KEYS": "file:" + filepath.Join(secrets, "TokenKeys"), "PERSON_KEY": "file:" + filepath.Join(secrets, "PersonKey")}[name]
	})
	if err != nil {
		return nil, platform.Keys{}, err
	}
	keys, err := p.Keys(ctx)
	if err != nil {
		return nil, keys, err
	}
	b := &tableBench{ctx: ctx, out: io.Discard, tb: &dynamotest.Table{Name: tables.TableNames[0]}, s: store.New(db, tables.TableNames[0]), key: keys.Person, now: time.Now().UTC().Truncate(time.Second)}
	return b, keys, b.owner()
}

// processes are those of the stack, by their pids.
func (s *stack) processes() map[int]process { return below(s.cmd.Process.Pid) }

// settle waits until the stack has no work left over from before, so that it
// isn't measured with what comes.
func (s *stack) settle(ctx context.Context) error {
	const look, idle = 250 * time.Millisecond, 25 * time.Millisecond // a tenth of a core: it looks for work now and then
	was := s.cpu("")
	for range 240 {
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return ctx.Err()
		}
		is := s.cpu("")
		if is-was <= idle {
			return nil
		}
		was = is
	}
	return errors.New("the stack doesn't come to rest")
}

// cpu is what the stack's processes of a binary have taken so far, whose path
// ends like that; all of them for "".
func (s *stack) cpu(binary string) (sum time.Duration) {
	for _, p := range s.processes() {
		if strings.HasSuffix(p.binary, binary) {
			sum += p.cpu
		}
	}
	return sum
}
