package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tributary-app/tributary/shared/store"
)

// expiry is the door of the schedule.
type expiry struct {
	store *store.Store
	now   func() time.Time
}

// page is how many due things of a shard are read at a time.
const page = 100

// margin is the time kept in hand at the end of a run: what is still due then
// is due at the next.
const margin = 10 * time.Second

// Swept is what a sweep did.
type Swept struct {
	Looked int `json:"looked"` // things that were filed to end by now
	Ended  int `json:"ended"`  // of them, those that did
}

// sweep settles all that is due. What fails is left for the next sweep, and
// doesn't keep the others waiting.
func (e *expiry) sweep(ctx context.Context) (Swept, error) {
	var s Swept
	var failed error
	var at store.DuePage
	for e.inTime(ctx) {
		due, err := e.store.Due(ctx, e.now(), page, &at)
		if err != nil {
			slog.ErrorContext(ctx, "sweep failed", "looked", s.Looked, "ended", s.Ended, "err", err)
			return s, err
		}
		if len(due) == 0 {
			break
		}
		for _, d := range due {
			if !e.inTime(ctx) {
				break
			}
			s.Looked++
			ended, err := e.store.Settle(ctx, d, e.now())
			if err != nil {
				slog.ErrorContext(ctx, "not settled", "chain", d.Chain, "id", d.ID, "err", err)
				failed = errors.Join(failed, err)
			}
			if ended {
				s.Ended++
			}
		}
	}
	slog.InfoContext(ctx, "swept", "looked", s.Looked, "ended", s.Ended)
	return s, failed
}

func (e *expiry) inTime(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return ctx.Err() == nil && (!limited || time.Until(end) > margin)
}
