// Command local runs Tributary on one machine.
//
//	local serve           everything, until Ctrl-C
//	local demo            the same, and plays the main job on it; --once ends then, --roster path plays that file
//	local seed            fills the running stack with a chain of --partners, of which --joined have joined
//	local exec -- cmd…    only a DynamoDB server, in memory, while cmd runs with DYNAMODB_ENDPOINT set
//
// serve keeps its things in .local of the repository, and says in .local/endpoints.json where everything listens. PORT is the web
// port (8080). DYNAMODB_ENDPOINT, S3_ENDPOINT and SQS_ENDPOINT name servers to use instead of starting any; the keys for them are
// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"

	"github.com/tributary-app/tributary/infra/local/demo"
	"github.com/tributary-app/tributary/infra/local/process"
	"github.com/tributary-app/tributary/infra/local/stack"
)

func main() {
	// Ctrl-C and a polite kill end us in order; a second one is not waited for.
	debug.SetGCPercent(400) // there is memory enough, and the functions want the cores
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	code, err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
	}
	os.Exit(code)
}

// errUsage says that the command line is not one of ours.
var errUsage = errors.New("usage: local serve [-root dir] | local demo [-root dir] [-once] [-roster file] | local seed [-root dir] [-partners n] [-joined n] | local exec [-root dir] -- cmd args…")

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) (code int, err error) {
	if len(args) == 0 {
		return 2, errUsage
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errUsage says it
	root := flags.String("root", "", "the repository; looked for above the working directory")
	var play *playing
	if args[0] == "demo" {
		play = &playing{}
		flags.BoolVar(&play.once, "once", false, "end after the main job")
		flags.StringVar(&play.roster, "roster", "", "an .xlsx or .csv file to import instead of the demo's")
	}
	var partners, joined int
	if args[0] == "seed" {
		flags.IntVar(&partners, "partners", 100_000, "how many partners the chain gets")
		flags.IntVar(&joined, "joined", 2_000, "how many of them join")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return 2, errUsage
	}
	if *root == "" {
		if *root, err = stack.FindRoot(); err != nil {
			return 1, err
		}
	}
	switch {
	case (args[0] == "serve" || args[0] == "demo") && flags.NArg() == 0:
		err = serve(ctx, *root, getenv, out, play)
	case args[0] == "seed" && flags.NArg() == 0:
		err = seed(ctx, *root, partners, joined, out)
	case args[0] == "exec" && flags.NArg() > 0:
		return execute(ctx, *root, flags.Args())
	default:
		return 2, errUsage
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// playing says how to play the main job.
type playing struct {
	once   bool
	roster string // "" is the demo's own
}

// on plays the main job on a stack.
func (p playing) on(ctx context.Context, s *stack.Stack, out io.Writer) error {
	d := demo.Demo{API: s.API, Control: s.Control, Roster: demo.Dealers, RosterName: "dealers-2000.xlsx", Out: out}
	if p.roster != "" {
		file, err := os.ReadFile(p.roster)
		if err != nil {
			return err
		}
		d.Roster, d.RosterName = file, filepath.Base(p.roster)
	}
	return d.Play(ctx)
}

// seed fills the stack that is running with a chain.
func seed(ctx context.Context, root string, partners, joined int, out io.Writer) error {
	b, err := os.ReadFile(filepath.Join(root, ".local", "endpoints.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("no stack is running here: `make run` starts one")
	}
	if err != nil {
		return err
	}
	d := demo.Demo{Out: out}
	if err := json.Unmarshal(b, &d); err != nil {
		return fmt.Errorf("endpoints.json: %w", err)
	}
	return d.Seed(ctx, partners, min(joined, partners))
}

// serve runs the whole stack until ctx ends, or until the main job has been played if that is all that is wanted. A job that fails ends
// it.
func serve(ctx context.Context, root string, getenv func(string) string, out io.Writer, play *playing) error {
	port, err := strconv.Atoi(cmp.Or(getenv("PORT"), "8080"))
	if err != nil {
		return fmt.Errorf("PORT: %w", err)
	}
	options := stack.Options{
		Root: root, Data: filepath.Join(root, ".local"), Port: port,
		DynamoDB: getenv("DYNAMODB_ENDPOINT"), S3: getenv("S3_ENDPOINT"), SQS: getenv("SQS_ENDPOINT"),
		Code: func(phone, code string) { fmt.Fprintf(out, "code       %s for %s\n", code, phone) },
		Log:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if options.DynamoDB+options.S3+options.SQS != "" {
		options.AccessKey, options.SecretKey = getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY")
	}
	s, err := stack.Start(ctx, options)
	if err != nil {
		return err
	}
	if play != nil {
		if err := play.on(ctx, s, out); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	for _, line := range [][2]string{
		{"web, api", s.Web}, {"issuer", s.Issuer}, {"control", s.Control}, {"outbox", s.Control + "/outbox"},
		{"s3", s.S3}, {"dynamodb", s.DynamoDB}, {"sqs", s.SQS}, {"logs", s.Logs},
	} {
		fmt.Fprintf(out, "%-10s %s\n", line[0], line[1])
	}
	if play == nil || !play.once {
		fmt.Fprintln(out, "Ctrl-C ends it.")
		<-ctx.Done()
	}
	return s.Close()
}

// execute runs a command beside a DynamoDB server of its own, and returns the command's exit code.
func execute(ctx context.Context, root string, args []string) (code int, err error) {
	group := process.NewGroup()
	defer group.Close()
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return 1, err
	}
	defer log.Close()
	url, _, err := stack.StartDynoxide(ctx, group, root, "", log)
	if err != nil {
		return 1, err
	}
	// The command stays in our process group, so that Ctrl-C reaches it as it does any command in a terminal; a kill is passed on.
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "DYNAMODB_ENDPOINT="+url)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	runtime.LockOSThread() // the signal comes when the thread ends that has started the command
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })() // it may have ended
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}
