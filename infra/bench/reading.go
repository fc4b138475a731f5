package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster"
)

// Wanted of the reader (issue 4, "Speed, memory, cost").
const (
	readRatio  = 10 // times less CPU than excelize's Rows, which checks nothing
	readAllocs = 2  // allocations a row
)

// reads is how often each file is read by each. They take turns.
const reads = 5

// read is what a child says of its reading.
type read struct {
	Rows    int
	Mallocs uint64
	CPU     time.Duration // user and system, from before the file is opened on: a process's start isn't reading
}

// benchReading prints what it takes to read and check 100,000 rows, beside
// what excelize takes to read them.
func benchReading(ctx context.Context, out io.Writer, dir string) (over error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "\n| 100,000 rows, read and checked | CPU | µs a row | excelize's Rows | ratio | wanted | allocations a row | wanted | peak memory |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, kind := range []string{shared, inline} {
		file, err := workbook(dir, manyRows, kind)
		if err != nil {
			return nil, err
		}
		var ours, theirs, ratios []float64
		var last read
		var peak int64
		for range reads {
			a, says, err := runRead(ctx, self, "ours", file)
			if err != nil {
				return nil, err
			}
			_, b, err := runRead(ctx, self, "excelize", file)
			if err != nil {
				return nil, err
			}
			last, peak = says, max(peak, a.peak)
			ours, theirs, ratios = append(ours, says.CPU.Seconds()), append(theirs, b.CPU.Seconds()), append(ratios, b.CPU.Seconds()/says.CPU.Seconds())
		}
		allocs := float64(last.Mallocs) / float64(last.Rows)
		fmt.Fprintf(out, "| %s strings | %.2f s | %.2f | %.2f s | %.1f | ≥ %d | %.2f | ≤ %d | %.0f MB |\n", kind, median(ours), median(ours)*1e6/manyRows, median(theirs), median(ratios), readRatio, allocs, readAllocs, mb(peak))
		over = wanted(over, median(ratios) >= readRatio, "reading %s strings takes 1/%.1f of excelize's CPU, want 1/%d", kind, median(ratios), readRatio)
		over = wanted(over, allocs <= readAllocs, "reading %s strings makes %.2f allocations a row, want %d", kind, allocs, readAllocs)
	}
	return over, nil
}

func runRead(ctx context.Context, self, how, file string) (usage, read, error) {
	var says read
	u, out, err := run(ctx, self, "read", how, file)
	if err == nil {
		err = json.Unmarshal(out, &says)
	}
	if err == nil && says.Rows != manyRows {
		err = fmt.Errorf("%s read %d rows, want %d", how, says.Rows, manyRows)
	}
	return u, says, err
}

// readOnce is a child: it reads a file and says how many rows that were.
func readOnce(how, file string) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := ownCPU()
	rows, err := 0, error(nil)
	if how == "ours" {
		rows, err = readOurs(file)
	} else {
		rows, err = readExcelize(file)
	}
	if err != nil {
		return err
	}
	took := ownCPU() - begun
	runtime.ReadMemStats(&after)
	time.Sleep(50 * time.Millisecond) // so that the peak is seen
	return json.NewEncoder(os.Stdout).Encode(read{rows, after.Mallocs - before.Mallocs, took})
}

func readOurs(file string) (rows int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	sheet, err := roster.Read(context.Background(), f, info.Size(), roster.Options{}, func(r *network.RosterRow) error {
		if n := r.Number - 2; n%10_000 == 0 {
			return sameRow(n, r)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if sheet.OK != sheet.Rows {
		return 0, fmt.Errorf("%d of %d rows are valid, want all", sheet.OK, sheet.Rows)
	}
	return sheet.Rows, nil
}

func readExcelize(file string) (n int, err error) {
	f, err := excelize.OpenFile(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	rows, err := f.Rows(f.GetSheetName(0))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := rows.Columns(); err != nil {
			return 0, err
		}
		n++
	}
	return n - 1, rows.Error() // without the header
}
