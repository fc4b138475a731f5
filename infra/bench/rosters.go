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
	dir, err := workDir()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", machine())
	var all error
	over, err := benchReading(ctx, out, dir)
	if err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	all = errors.Join(all, over)
	fresh, over, err := benchUnits(ctx, out, dir)
	if err != nil {
		return fmt.Errorf("units: %w", err)
	}
	all = errors.Join(all, over)
	took, over, err := benchImporting(ctx, out, dir)
	if err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	all = errors.Join(all, over)
	over, err = printCost(out, fresh, took)
	if err != nil {
		return fmt.Errorf("cost: %w", err)
	}
	return errors.Join(all, over)
}

// workDir is the folder for workbooks and peers, which stay there for the next
// time.
func workDir() (string, error) {
	dir, err := filepath.Abs(filepath.Join(".local", "bench"))
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// wanted adds to what is over unless it is as wanted.
func wanted(over error, is bool, format string, args ...any) error {
	if is {
		return over
	}
	return errors.Join(over, fmt.Errorf(format, args...))
}
