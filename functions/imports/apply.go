package main

import (
	"context"
	"maps"
	"strings"
	"sync"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// writers is how many chunks are written at a time: enough to keep one core
// busy, few enough that several imports of a chain share its partitions.
const writers = 4

// do plans the rows chunk by chunk, and unless the import is a dry run does
// what the plans say. A chunk that an earlier run has planned is done as
// planned then, so both runs come to the same end (R29).
func (i *imports) do(ctx context.Context, c network.Chain, imp network.Import, rows []network.RosterRow) (network.Counts, error) {
	var sum network.Counts
	ids := map[string]bool{}
	named := map[string]bool{}
	var paths [][]string // each once: of thousands of rows few name a new group
	for _, r := range rows {
		if r.Code != "" {
			continue
		}
		ids[network.RosterPartnerID(c.ID, r.CustomID, r.Corp)] = true
		if path := strings.Join(r.Group, "/"); path != "" && !named[path] {
			named[path] = true
			paths = append(paths, r.Group)
		}
	}
	was, err := i.store.Existing(ctx, c.ID, ids)
	if err != nil {
		return sum, err
	}
	tree, err := i.tree(ctx, c.ID, imp, paths)
	if err != nil {
		return sum, err
	}
	planned, err := i.store.Plans(ctx, c.ID, imp.ID)
	if err != nil {
		return sum, err
	}

	ctx, stop := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop(nil)
	last := map[string]chan struct{}{} // by partner: the chunk that said something of it before
	slots := make(chan struct{}, writers)
	planner := network.Planner{Import: imp, Key: i.key, Tree: tree, Partners: maps.Clone(was)}
	for n := 0; n*store.ChunkRows < len(rows); n++ {
		chunk := rows[n*store.ChunkRows : min(len(rows), (n+1)*store.ChunkRows)]
		plans, again := planned[n]
		if again {
			for k, r := range chunk {
				planner.Absorb(r, plans[k])
			}
		} else {
			for _, r := range chunk {
				plans = append(plans, planner.Plan(r))
			}
			if plans, err = i.store.KeepPlan(ctx, c.ID, imp.ID, n, plans); err != nil {
				return sum, err
			}
		}
		sum = sum.Add(network.Count(plans, imp.Notify))
		if imp.DryRun {
			continue
		}
		select {
		case <-ctx.Done():
			return sum, context.Cause(ctx)
		case slots <- struct{}{}:
		}
		done := make(chan struct{})
		var before []chan struct{}
		for _, p := range plans {
			if p.Outcome == network.RowCreated || p.Outcome == network.RowUpdated {
				if earlier, ok := last[p.Partner]; ok && earlier != done {
					before = append(before, earlier)
				}
				last[p.Partner] = done
			}
		}
		wg.Go(func() {
			defer func() { close(done); <-slots }()
			for _, earlier := range before { // what is said of one partner is done in the sheet's order
				<-earlier
			}
			if err := i.apply(ctx, imp, n, chunk, plans, was); err != nil {
				stop(err)
			}
		})
	}
	wg.Wait()
	return sum, context.Cause(ctx)
}

// apply does what one chunk's plan says, and notes that it is done.
func (i *imports) apply(ctx context.Context, imp network.Import, n int, rows []network.RosterRow, plans []network.RowPlan, was map[string]network.Partner) error {
	return batch.Guard(func() error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := i.store.Apply(ctx, imp, n, rows, plans, was); err != nil {
			return err
		}
		return i.store.TallyChunk(ctx, imp, n, plans)
	})
}

// tree is the chain's groups, with those that the rows name and that were
// missing (R25). A dry run makes none.
func (i *imports) tree(ctx context.Context, chain string, imp network.Import, paths [][]string) (network.Tree, error) {
	if imp.DryRun {
		return i.store.Tree(ctx, chain)
	}
	return i.store.EnsureGroups(ctx, chain, paths)
}
