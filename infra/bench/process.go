package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what a process took.
type usage struct {
	cpu  time.Duration // user and system
	wall time.Duration
	peak int64 // bytes of memory it has had resident at once
}

// oneCore has a command held to one core of the machine, the last that we may
// use.
func oneCore(cmd *exec.Cmd) {
	cmd.Env = append(cmd.Environ(), "GOMAXPROCS=1")
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		return // GOMAXPROCS alone then; what is measured is CPU, not time
	}
	cmd.Args = append([]string{taskset, "--cpu-list", lastCore(), cmd.Path}, cmd.Args[1:]...)
	cmd.Path = taskset
}

// lastCore is the last of a list such as "0-3,6".
func lastCore() string {
	all := status("self", "Cpus_allowed_list")
	return cmp.Or(all[strings.LastIndexAny(all, ",-")+1:], "0")
}

func fileText(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "" // no Linux: it isn't known then
	}
	return string(b)
}

// run runs a command to its end on one core, and gives what it printed.
func run(ctx context.Context, name string, args ...string) (usage, []byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, says bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &says
	oneCore(cmd)
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return usage{}, nil, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var peak int64
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			u := taken(cmd.ProcessState)
			u.wall, u.peak = time.Since(begun), peak
			if err != nil {
				err = fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, says.Bytes())
			}
			return u, out.Bytes(), err
		case <-tick.C:
			peak = max(peak, peakOf(cmd.Process.Pid))
		}
	}
}

// taken is the CPU of a process that has ended.
func taken(p *os.ProcessState) usage { return usage{cpu: p.UserTime() + p.SystemTime()} }

// ownCPU is what this process has taken so far.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // there is always an answer for oneself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakOf is the most memory that a process has had so far, 0 if it is gone.
// ru_maxrss won't do: a process begins with its parent's.
func peakOf(pid int) int64 {
	kb, err := strconv.ParseInt(strings.TrimSuffix(status(strconv.Itoa(pid), "VmHWM"), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}

// processes are those whose command ends so.
func processes(command string) (pids []int) {
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil // the pattern is a good one
	}
	for _, at := range all {
		if strings.HasSuffix(strings.TrimRight(fileText(at), "\x00"), command) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(at))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// status is what the kernel says of a process, "" if it is gone.
func status(pid, field string) string {
	_, rest, _ := strings.Cut(fileText("/proc/"+pid+"/status"), field+":")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}

// end ends a process that would run for ever, and says what it took.
func end(cmd *exec.Cmd) usage {
	peak := peakOf(cmd.Process.Pid)
	_ = cmd.Process.Signal(syscall.SIGKILL) // it may have died; Wait tells
	_ = cmd.Wait()                          // killed
	u := taken(cmd.ProcessState)
	u.peak = peak
	return u
}

// process is one that is running.
type process struct {
	binary string
	parent int
	cpu    time.Duration // user and system, in hundredths of a second
}

// below are a process, its children, theirs, and so on, by their pids.
func below(pid int) map[int]process {
	all := map[int]process{}
	links, _ := filepath.Glob("/proc/[0-9]*/exe") // the pattern is right
	for _, link := range links {
		n, err := strconv.Atoi(strings.Split(link, "/")[2])
		binary, gone := os.Readlink(link)
		if err != nil || gone != nil {
			continue
		}
		p := looked(n)
		p.binary = binary
		all[n] = p
	}
	for n := range all {
		up := n
		for up != pid && up > 1 {
			up = all[up].parent
		}
		if up != pid {
			delete(all, n)
		}
	}
	return all
}

// child is a process of a binary of that name that a process has started, 0 if
// there is none.
func child(pid int, name string) int {
	for n, p := range below(pid) {
		if p.parent == pid && filepath.Base(p.binary) == name {
			return n
		}
	}
	return 0
}

// looked is a process without its binary, zero if it is gone.
func looked(pid int) process {
	_, rest, _ := strings.Cut(fileText(fmt.Sprintf("/proc/%d/stat", pid)), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return process{}
	}
	parent, _ := strconv.Atoi(fields[1]) // proc(5): the 4th; user and system are the 14th and 15th
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return process{parent: parent, cpu: time.Duration(user+system) * 10 * time.Millisecond}
}

func mb(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// machine is the line that belongs with every number.
func machine() string {
	model := "unknown processor"
	if _, rest, ok := strings.Cut(fileText("/proc/cpuinfo"), "model name"); ok {
		line, _, _ := strings.Cut(rest, "\n")
		model = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), ":"))
	}
	return fmt.Sprintf("%s, %d cores, %s, %s/%s, %s", model, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, time.Now().Format(time.DateOnly))
}

// command runs a command in a folder, for its effect.
func command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s in %s: %w\n%s", name, dir, err, b)
	}
	return nil
}
