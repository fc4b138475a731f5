package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// manyRows is the roster that most is measured with.
const manyRows = 100_000

// benchRosters prints what an import takes, each number beside what is wanted
// of it. It fails when something is over.
func benchRosters(ctx context.Context, out io.Writer) error {
	dir := filepath.Join(".local", "bench")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", machine())
	over, err := benchReading(ctx, out, dir)
	if err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	return over
}

// wanted adds to what is over unless it is as wanted.
func wanted(over error, is bool, format string, args ...any) error {
	if is {
		return over
	}
	return errors.Join(over, fmt.Errorf(format, args...))
}
