// Command bench prints what each question of the design's section 3 costs on
// a real table, and how big each HTTP door is and how fast it starts, each
// beside its budget. It exits with 1 when something is over budget.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := errors.Join(benchTable(ctx, os.Stdout), benchDoors(ctx, os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
