package main

import (
	"context"
	"fmt"
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
// planned then, so both runs come to the same end (R29); one that it has also
// done is not done again, so that the longest roster comes to its end.
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
	var applied map[int]bool
	if len(planned) > 0 {
		if applied, err = i.store.Applied(ctx, c.ID, imp.ID); err != nil {
			return sum, err
		}
	}
	planner := network.Planner{Import: imp, Key: i.key, Tree: tree, Limit: c.PeopleLimit, Partners: maps.Clone(was)}
	if imp.Whole {
		refuseTogether(planner, rows, planned)
	}

	ctx, stop := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop(nil)
	last := map[string]chan struct{}{} // by partner: the chunk that said something of it before
	slots := make(chan struct{}, writers)
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
		if imp.DryRun || applied[n] {
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
			if p.Outcome == network.RowCreate || p.Outcome == network.RowUpdate {
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
			if err := i.apply(ctx, imp, n, chunk, plans); err != nil {
				stop(err)
			}
		})
	}
	wg.Wait()
	return sum, context.Cause(ctx)
}

// apply does what one chunk's plan says, and notes that it is done.
func (i *imports) apply(ctx context.Context, imp network.Import, n int, rows []network.RosterRow, plans []network.RowPlan) error {
	return batch.Guard(func() error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return i.store.Apply(ctx, imp, n, rows, plans)
	})
}

// refuseTogether is WeCom's atomicity (R26): where a row is refused, by the
// file's own faults or by what the chain holds, so are all rows of its partner,
// for that row's reason. planner is to begin with the first row. What an
// earlier run has planned stays so.
func refuseTogether(planner network.Planner, rows []network.RosterRow, planned map[int][]network.RowPlan) {
	refused := map[string]network.RowPlan{}
	planner.Partners = maps.Clone(planner.Partners)
	for n, r := range rows {
		plan := network.RowPlan{}
		if plans, again := planned[n/store.ChunkRows]; again {
			plan = plans[n%store.ChunkRows]
			planner.Absorb(r, plan)
		} else {
			plan = planner.Plan(r)
		}
		if id := network.RosterPartnerID(planner.Import.Chain, r.CustomID, r.Corp); plan.Code != "" && refused[id].Code == "" {
			refused[id] = plan
		}
	}
	for n, r := range rows {
		if first, ok := refused[network.RosterPartnerID(planner.Import.Chain, r.CustomID, r.Corp)]; ok && r.Code == "" {
			rows[n].Code, rows[n].Field = first.Code, first.Field
			if first.Row != r.Number {
				rows[n].Detail = fmt.Sprintf("row %d", first.Row)
			}
		}
	}
}

// tree is the chain's groups, with those that the rows name and that were
// missing (R25). A dry run makes none.
func (i *imports) tree(ctx context.Context, chain string, imp network.Import, paths [][]string) (network.Tree, error) {
	if imp.DryRun {
		return i.store.Tree(ctx, chain)
	}
	return i.store.EnsureGroups(ctx, chain, paths)
}
