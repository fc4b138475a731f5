package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

func TestAnExportIsGoneOnWithByOneRunAndEndsOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	asked := network.Export{ID: network.NewExportID(noon), Chain: w.chain.ID, Maker: w.boss.ID, MakerCorp: w.owner.ID, Sight: network.Sighted{Side: network.Owner, Admin: true},
		Format: "csv", Lang: "en", State: network.ExportQueued, CreatedAt: noon}
	e, err := w.CreateExport(t.Context(), asked, Once{})
	same(t, "asked", []any{e, err}, []any{asked, nil})
	again := asked
	again.CreatedAt = noon.Add(time.Second)
	e, err = w.CreateExport(t.Context(), again, Once{})
	same(t, "asked again", []any{e, err}, []any{asked, nil})

	e.State, e.Rows = network.ExportRunning, 5
	work := ExportWork{Cursor: "c", Parts: []string{"a", "b"}, Lines: 6, Size: 7, Raw: 8, CRC: 9}
	kept, err := w.KeepExport(t.Context(), e, work)
	if err != nil || kept.Step != 1 {
		t.Fatalf("got %+v, %v", kept, err)
	}
	if _, err := w.KeepExport(t.Context(), e, work); !errors.Is(err, ErrStopped) {
		t.Errorf("another run: got %v, want %v", err, ErrStopped)
	}
	got, is, err := w.Export(t.Context(), w.chain.ID, e.ID)
	same(t, "kept", []any{got, is, err}, []any{e, kept, nil})

	e.State, e.Code = network.ExportFailed, network.ExportNotAllowed
	if kept, err = w.KeepExport(t.Context(), e, kept); err != nil {
		t.Fatal(err)
	}
	e.State, e.Code = network.ExportDone, ""
	if _, err := w.KeepExport(t.Context(), e, kept); !errors.Is(err, ErrStopped) {
		t.Errorf("after its end: got %v, want %v", err, ErrStopped)
	}
	if _, _, err := w.Export(t.Context(), network.NewChainID(), e.ID); !errors.Is(err, network.ErrNotFound) {
		t.Errorf("in another chain: got %v", err)
	}
}

func TestAnExportsPagesHaveEachPartnerOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var rows []network.RosterRow
	for n := range 30 {
		rows = append(rows, network.RosterRow{Number: n + 2, Corp: fmt.Sprintf("Corp %02d", n), Contact: "X", Phone: fmt.Sprintf("+86139777%05d", n)})
	}
	w.importRows(t, 1, rows)
	a, err := w.Actor(t.Context(), network.Person{ID: w.boss.ID}, w.owner.ID, w.chain.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{4, 100} {
		var names []string
		for cursor := ""; ; {
			cursor, err = w.ExportPage(t.Context(), a, nil, cursor, limit, func(r network.ExportRow) { names = append(names, r.Name) })
			if err != nil {
				t.Fatal(err)
			}
			if cursor == "" {
				break
			}
		}
		if len(names) != 30 || !slices.IsSorted(names) {
			t.Errorf("%d a page: got %v, want each of thirty once", limit, names)
		}
	}
}
