// Package storetest does for a test or a benchmark what the imports door does,
// so that it finds a chain as it is in life.
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// Import is Bring for a test, which it ends if that fails.
func Import(t testing.TB, s *store.Store, key network.PersonKey, chain, id string, now time.Time, rows ...network.RosterRow) network.Import {
	t.Helper()
	imp, err := Bring(t.Context(), s, key, chain, id, now, rows...)
	if err != nil {
		t.Fatal(err)
	}
	return imp
}

// Bring brings rows into a chain by an import that has its upload ticket, all
// at one moment, and gives it as it is then: done, or planned if it waits.
// Called again for the same import it goes on where the last time broke off.
func Bring(ctx context.Context, s *store.Store, key network.PersonKey, chain, id string, now time.Time, rows ...network.RosterRow) (network.Import, error) {
	run := store.Run{Now: func() time.Time { return now }, Spare: func() bool { return true }}
	imp, err := s.BeginImport(ctx, chain, id, "etag", now)
	if err != nil {
		return imp, err
	}
	if imp.State == network.ImportReading && !imp.ReadWhole {
		spool := s.Spool(ctx, imp, key, run)
		for i := range rows {
			if err := spool.Add(&rows[i]); err != nil {
				return imp, err
			}
		}
		n, err := spool.Close()
		if err != nil {
			return imp, err
		}
		if imp, err = s.KeepRows(ctx, imp, n); err != nil {
			return imp, err
		}
	}
	c, err := s.Chain(ctx, chain)
	if err != nil {
		return imp, err
	}
	if imp, err = s.PlanRoster(ctx, c, imp, run); err != nil {
		return imp, err
	}
	if imp.State != network.ImportApplying {
		return imp, nil
	}
	if err := s.ApplyRoster(ctx, imp, run); err != nil {
		return imp, err
	}
	imp.EndedAt = now
	var ends time.Time
	if imp.Counts.Notices > 0 {
		ends = network.ExpiresAt(imp.StartedAt, 0, c.Policies)
	}
	if err := s.EndImport(ctx, imp, ends); err != nil {
		return imp, err
	}
	return s.Import(ctx, chain, id)
}
