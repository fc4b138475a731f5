package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// Budgets of an HTTP door (design, section 7).
const (
	maxDoorBytes = 9_000_000 // stripped, for arm64, as it is deployed
	maxDoorStart = 1.5       // times the bare door's
)

// starts is how often each door is started. Door and bare one take turns, so
// that a machine that gets slower does so for both.
const starts = 31

// benchDoors prints how big each HTTP door is and how long it takes to start,
// beside a bare binary with the same AWS clients. Start-up is from the exec of
// the process to its first request for work at a Runtime API of ours: what
// runs before a function can answer. Keys come from files, as nothing but the
// network is left out by that. It fails when a door is over its budget.
func benchDoors(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bare := filepath.Join(dir, "bare")
	if err := build(ctx, "./infra/bench/bare", bare, runtime.GOARCH); err != nil {
		return err
	}
	keys, err := keyFiles(dir)
	if err != nil {
		return err
	}
	env := []string{
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench", "TABLE_NAME=bench", "ROSTER_BUCKET=bench",
		"WEB_URL=http://127.0.0.1", "JOINS_FUNCTION=bench", "OIDC_ISSUER=http://127.0.0.1", "OIDC_CLIENT_ID=bench",
	}
	for name, value := range keys {
		env = append(env, name+"="+value)
	}

	fmt.Fprintf(out, "\n| door | stripped, arm64 | budget, MB | start-up | bare | ratio | budget |\n|---|---|---|---|---|---|---|\n")
	var over error
	for _, door := range []string{"chains", "invites", "joins", "console", "directory"} {
		binary := filepath.Join(".local", "build", door, "bootstrap")
		deployed := filepath.Join(dir, door)
		if err := build(ctx, "./functions/"+door, deployed, "arm64"); err != nil {
			return err
		}
		info, err := os.Stat(deployed)
		if err != nil {
			return err
		}
		var mine, theirs, ratios []float64
		for range starts {
			a, err := startUp(ctx, binary, env)
			if err != nil {
				return fmt.Errorf("%s: %w", door, err)
			}
			b, err := startUp(ctx, bare, env)
			if err != nil {
				return fmt.Errorf("bare: %w", err)
			}
			mine, theirs, ratios = append(mine, a), append(theirs, b), append(ratios, a/b)
		}
		fmt.Fprintf(out, "| %s | %.2f MB | ≤ 9 | %.1f ms | %.1f ms | %.2f | ≤ 1.5 |\n", door, float64(info.Size())/1e6, median(mine), median(theirs), median(ratios))
		if info.Size() > maxDoorBytes || median(ratios) > maxDoorStart {
			over = errors.Join(over, fmt.Errorf("%s is over its budget", door))
		}
	}
	return over
}

// build makes a binary as the template's build method does.
func build(ctx context.Context, from, to, arch string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc,nethttpomithttp2", "-ldflags=-s -w", "-o", to, from)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", from, err, b)
	}
	return nil
}

// startUp is how many milliseconds a binary takes until it asks for work.
func startUp(ctx context.Context, binary string, env []string) (float64, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	asked := make(chan time.Time, 1)
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if filepath.Base(r.URL.Path) == "next" {
			select {
			case asked <- time.Now():
			default:
			}
			<-r.Context().Done() // no work comes
			return
		}
		_ = json.NewEncoder(w).Encode(struct{}{}) // it may be gone
	})}
	go server.Serve(l) // it ends with Close
	defer server.Close()

	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(slices.Clone(env), "AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=bench")
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	}()
	select {
	case at := <-asked:
		return float64(at.Sub(begun).Microseconds()) / 1000, nil
	case <-ctx.Done():
		return 0, errors.New("it never asked for work")
	}
}

func median(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(xs))
	return s[len(s)/2]
}
