package main

import (
	"context"
	"maps"
	"sync"

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
	var paths [][]string
	for _, r := range rows {
		if r.Code == "" {
			ids[network.RosterPartnerID(c.ID, r.CustomID, r.Corp)] = true
			paths = append(paths, r.Group)
		}
	}
	before, err := i.store.Existing(ctx, c.ID, ids)
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
	defer stop(nil)
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, writers)
	planner := network.Planner{Import: imp, Key: i.key, Tree: tree, Partners: maps.Clone(before)}
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
		wg.Go(func() {
			defer func() { <-slots }()
			err := i.store.Apply(ctx, imp, n, chunk, plans, before)
			if err == nil {
				err = i.store.TallyChunk(ctx, imp, n, plans)
			}
			if err != nil {
				stop(err)
			}
		})
	}
	wg.Wait()
	return sum, context.Cause(ctx)
}

// tree is the chain's groups, with those that the rows name and that were
// missing (R25). A dry run makes none.
func (i *imports) tree(ctx context.Context, chain string, imp network.Import, paths [][]string) (network.Tree, error) {
	if imp.DryRun {
		return i.store.Tree(ctx, chain)
	}
	return i.store.EnsureGroups(ctx, chain, paths)
}
