package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// command builds the program and makes a command of it, in this repository.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "local")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return exec.Command(binary, args...)
}

func TestExecRunsACommandBesideADynamoDBAndReturnsItsCode(t *testing.T) {
	t.Parallel()
	cmd := command(t, "exec", "--", "sh", "-c", `echo "$DYNAMODB_ENDPOINT"; exit 7`)
	out, err := cmd.Output()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 7 || !strings.HasPrefix(string(out), "http://127.0.0.1:") {
		t.Errorf("got %q, %v, want an address and exit code 7", out, err)
	}
}

func TestAKilledParentLeavesNoChild(t *testing.T) {
	t.Parallel()
	cmd := command(t, "exec", "--", "sh", "-c", `echo "$PPID"; exec sleep 1000`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var parent int
	if _, err := fmt.Fscan(bufio.NewReader(out), &parent); err != nil || parent != cmd.Process.Pid {
		t.Fatalf("got parent %d, %v, want %d", parent, err, cmd.Process.Pid)
	}
	children := childrenOf(t, parent)
	if len(children) != 2 {
		t.Fatalf("got children %v, want dynoxide and sleep", children)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	for _, pid := range children {
		for deadline := time.Now().Add(10 * time.Second); running(pid); {
			if time.Now().After(deadline) {
				t.Errorf("process %d is left", pid)
				_ = syscall.Kill(pid, syscall.SIGKILL)
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// running says whether there is such a process that isn't just waiting to be buried.
func running(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(b), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z")
}

func childrenOf(t *testing.T, parent int) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, stat := range stats {
		b, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		var pid, of int
		var state string
		_, rest, _ := strings.Cut(string(b), ") ")
		if _, err := fmt.Sscan(rest, &state, &of); err != nil || of != parent {
			continue
		}
		if _, err := fmt.Sscan(string(b), &pid); err != nil {
			t.Fatal(err)
		}
		found = append(found, pid)
	}
	return found
}

func TestACommandLineOfNoKindIsExplained(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"nonsense"}, {"exec"}, {"serve", "more"}, {"serve", "-nonsense"}} {
		code, err := run(t.Context(), args, os.Getenv, io.Discard)
		if code != 2 || !errors.Is(err, errUsage) {
			t.Errorf("%q: got %d, %v, want 2 and the usage", args, code, err)
		}
	}
}
