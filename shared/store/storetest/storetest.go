// Package storetest does for a test of a door what other doors do, so that it
// finds a chain as it will in life.
package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// Import brings rows into a chain as an import that has its upload ticket, at
// one moment, and gives it as it is then: done, or planned if it waits.
func Import(t testing.TB, s *store.Store, key network.PersonKey, chain, id string, now time.Time, rows ...network.RosterRow) network.Import {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	run := store.Run{Now: func() time.Time { return now }, Spare: func() bool { return true }}
	c, err := s.Chain(ctx, chain)
	must(err)
	imp, err := s.BeginImport(ctx, chain, id, "etag", now)
	must(err)
	spool := s.Spool(ctx, imp, key, run)
	for i := range rows {
		must(spool.Add(&rows[i]))
	}
	n, err := spool.Close()
	must(err)
	imp, err = s.KeepRows(ctx, imp, n)
	must(err)
	imp, err = s.PlanRoster(ctx, c, imp, run)
	must(err)
	if imp.State == network.ImportPlanned {
		return imp
	}
	must(s.ApplyRoster(ctx, imp, run))
	imp.EndedAt = now
	var ends time.Time
	if imp.Counts.Notices > 0 {
		ends = network.ExpiresAt(imp.StartedAt, 0, c.Policies)
	}
	if err := s.EndImport(ctx, imp, ends); err != nil && !errors.Is(err, store.ErrStopped) {
		t.Fatal(err)
	}
	imp, err = s.Import(ctx, chain, id)
	must(err)
	return imp
}
