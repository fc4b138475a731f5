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

// Of who is kept from who asks no page tells: an export takes as many of them,
// however many there are (R36).
func TestR36_AnExportsPagesAreOfWhomItsReaderSees(t *testing.T) {
	t.Parallel()
	var pages []int
	for _, hidden := range []int{1, 25} {
		w := setup(t)
		staff := w.colleague(t, w.owner.ID, 1, network.Staff)
		var rows []network.RosterRow
		add := func(n int, group string) {
			for range n {
				i := len(rows)
				rows = append(rows, network.RosterRow{Number: i + 2, Corp: fmt.Sprintf("%s %02d", group, i), Contact: "X", Phone: fmt.Sprintf("+86139777%05d", i), Group: []string{group}})
			}
		}
		add(6, "Seen")
		add(hidden, "Unseen")
		w.importRows(t, 1, rows)
		tree, err := w.Tree(t.Context(), chainID)
		must(t, err)
		seen, _ := tree.Find([]string{"Seen"})
		only := network.SeeByRules
		w.edit(t, network.ChainEdit{MembersSee: &only}, noon)
		id := func(n int) string { return network.RosterPartnerID(chainID, "", rows[n].Corp) }
		w.rule(t, network.Rule{Effect: network.Allow, Partner: network.PartnerSide{Groups: []int{seen}, Corps: []string{id(6)}}})
		w.rule(t, network.Rule{Effect: network.Hide, Partner: network.PartnerSide{Corps: []string{id(2)}}})
		a, err := w.Actor(t.Context(), staff, "", chainID)
		must(t, err)
		for _, limit := range []int{1, 2, 25} {
			var names []string
			n := 0
			for cursor := ""; n == 0 || cursor != ""; n++ {
				if n > 20 {
					t.Fatal("no end")
				}
				cursor, err = w.ExportPage(t.Context(), a, tree, cursor, limit, func(r network.ExportRow) { names = append(names, r.Name) })
				must(t, err)
			}
			same(t, "names", names, []string{"Seen 00", "Seen 01", "Seen 03", "Seen 04", "Seen 05", "Unseen 06"})
			pages = append(pages, n)
		}
	}
	same(t, "pages beside 25 hidden", pages[3:], pages[:3])
}
