// Package process runs the child processes of the local stack, so that none outlives it: they end when they are told to, when
// their group is closed, and when this process is killed without a chance to clean up. The last is what only Linux can do, and
// Linux is also what the binaries from npm are made for.
package process

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Group is a set of child processes that end together. It is safe for concurrent use.
type Group struct {
	start chan func()

	mu       sync.Mutex
	closed   bool
	children map[*Process]struct{}
}

// NewGroup makes an empty group.
func NewGroup() *Group {
	g := &Group{start: make(chan func()), children: map[*Process]struct{}{}}
	go func() {
		// The kernel kills a child when the *thread* that made it ends, so every child is made on one thread that
		// lives as long as the group (golang.org/issue/27505).
		runtime.LockOSThread()
		for f := range g.start {
			f()
		}
	}()
	return g
}

// ErrClosed says that the group is closed and starts nothing more.
var ErrClosed = errors.New("process: the group is closed")

// Process is a started child.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start starts cmd in a process group of its own: a Ctrl-C in the terminal is for us alone, who end it in order.
func (g *Group) Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &Process{cmd: cmd, done: make(chan struct{})}

	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	failed := make(chan error)
	g.start <- func() { failed <- cmd.Start() }
	if err := <-failed; err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	g.children[p] = struct{}{}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
		g.mu.Lock()
		delete(g.children, p)
		g.mu.Unlock()
	}()
	return p, nil
}

// Close ends every child and returns when all are gone.
func (g *Group) Close() {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return
	}
	g.closed = true
	children := make([]*Process, 0, len(g.children))
	for p := range g.children {
		children = append(children, p)
	}
	g.mu.Unlock()
	for _, p := range children {
		p.Kill()
	}
	for _, p := range children {
		<-p.done
	}
	close(g.start)
}

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the child ended: nil when it exited with 0. Only after Done.
func (p *Process) Err() error { return p.err }

// Kill ends the child and whatever it has started, at once.
func (p *Process) Kill() { p.signal(syscall.SIGKILL) }

// Stop asks the child to end, and kills it when it hasn't after patience. It returns when the child is gone.
func (p *Process) Stop(patience time.Duration) {
	p.signal(syscall.SIGINT)
	select {
	case <-p.done:
	case <-time.After(patience):
		p.Kill()
		<-p.done
	}
}

func (p *Process) signal(s syscall.Signal) {
	select {
	case <-p.done: // its id may be another's by now
	default:
		_ = syscall.Kill(-p.PID(), s) // it may have ended in between
	}
}
