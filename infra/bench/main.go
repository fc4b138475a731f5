// Command bench prints what each question of the design's section 3 costs on
// a real table, how big each HTTP door is and how fast it starts, and what a
// roster's import, a crowd's joins, a viewer's sight, a search and a large directory take, each beside
// its budget. It exits with 1 when something is over budget.
//
//	bench                 all of that
//	bench table doors …   some of it: table, doors, joins, rosters, sight, search, directory and million,
//	                      a roster of 1,000,000 rows through the local stack
//	bench read how file   a child's work: reads a workbook
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, out io.Writer, args []string) error {
	if len(args) == 3 && args[0] == "read" {
		return readOnce(args[1], args[2])
	}
	var over error
	for _, part := range []struct {
		name string
		run  func(context.Context, io.Writer) error
	}{{"table", benchTable}, {"doors", benchDoors}, {"joins", benchJoins}, {"rosters", benchRosters}, {"sight", benchSight}, {"search", benchSearch}, {"directory", benchDirectory}, {"million", benchMillion}} {
		if len(args) == 0 && part.name != "million" || slices.Contains(args, part.name) {
			over = errors.Join(over, part.run(ctx, out))
		}
	}
	return over
}
