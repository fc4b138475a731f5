// Package browser has a real browser drive the page on a phone's screen, over a whole stack of its own: page.spec.js.
package browser

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-app/tributary/infra/local/stack"
)

// patience is for all of the browser's tests. They take one minute, or two where others are at work.
const patience = 8 * time.Minute

func TestThePageOnAPhone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the Chromium that comes in an npm package is for Linux on x86-64")
	}
	playwright := filepath.Join("node_modules", ".bin", "playwright")
	if _, err := os.Stat(playwright); errors.Is(err, fs.ErrNotExist) {
		t.Fatal("playwright isn't installed: `make test` installs it, or `npm ci` here")
	}
	s, err := stack.Start(t.Context(), stack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, playwright, "test")
	cmd.Env = append(os.Environ(), "ENDPOINTS="+filepath.Join(s.Data, "endpoints.json"), "CI=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// Browser and all, in a group of their own that ends with us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	runtime.LockOSThread() // the signal comes when the thread ends that has started the command
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whatever it has left; mostly nothing
	if err != nil {
		t.Errorf("%v; pictures of what failed are in .local/browser, of each state in .local/screenshots", err)
	}
}
