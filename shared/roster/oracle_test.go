package roster_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
)

// cells are those of a sheet that hold anything, as "B3=text", in order.
type cells []string

// ours are the cells as this package reads them.
func ours(t rapid.TB, b []byte) (all cells, name string) {
	t.Helper()
	s, err := roster.Lines(context.Background(), bytes.NewReader(b), int64(len(b)), roster.Options{}, func(l *roster.Line) error {
		for _, c := range l.Cells {
			if c.Kind != roster.PendingCell && c.Text != "" {
				all = append(all, fmt.Sprintf("%s=%q", at(t, c.Column+1, l.Number), c.Text))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("got %v, want lines", err)
	}
	return all, s.Name
}

// theirs are the cells as excelize reads them, of the first 64 columns.
func theirs(t rapid.TB, b []byte, sheet string) (all cells) {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(b), excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		for j, text := range row[:min(len(row), 64)] {
			if text == "" {
				continue
			}
			ref := at(t, j+1, i+1)
			switch kind, err := f.GetCellType(sheet, ref); {
			case err != nil:
				t.Fatal(err)
			case kind == excelize.CellTypeBool: // 1 or 0, to excelize, as it is raw
				text = strings.ToUpper(strconv.FormatBool(text == "1" || text == "TRUE"))
			case kind == excelize.CellTypeFormula: // a text in the cell, whose escapes it leaves alone, though Excel doesn't
				text = strings.NewReplacer("_x000D_", "\r", "_x005F_", "_").Replace(text)
			}
			all = append(all, fmt.Sprintf("%s=%q", ref, text))
		}
	}
	return all
}

func at(t rapid.TB, column, row int) string {
	t.Helper()
	s, err := excelize.CoordinatesToCellName(column, row)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// same compares what both have read.
func same(t rapid.TB, b []byte) {
	t.Helper()
	got, name := ours(t, b)
	want := theirs(t, b, name)
	if len(want) == 0 {
		t.Errorf("got no cells of %q by excelize, want some", name)
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("got %d cells, want %d; got from there on\n%s\nwant\n%s", len(got), len(want), got[min(i, len(got)):min(i+3, len(got))], want[min(i, len(want)):min(i+3, len(want))])
			return
		}
	}
}

// excelize is trusted with a file that is in order, whoever wrote it.
func TestAWorkbookHasTheCellsThatExcelizeSees(t *testing.T) {
	t.Parallel()
	names := []string{"../../infra/local/demo/dealers-2000.xlsx"}
	for _, folder := range []string{"testdata/*.xlsx", "testdata/writers/*.xlsx", "form/*.xlsx"} {
		more, err := filepath.Glob(folder)
		if err != nil || len(more) == 0 {
			t.Fatalf("got %d files of %s, %v", len(more), folder, err)
		}
		names = append(names, more...)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			same(t, file(t, name))
		})
	}
}

// texts are of what people write, and of what XML, spreadsheets and this
// package give a meaning to.
var texts = rapid.OneOf(
	rapid.StringOfN(rapid.RuneFrom([]rune("王伟企业名称，。 　\u00a0\u200b\t\n\r_x005F_x0041_<>&'\"=+-@#N/A1390000€𠮷😀é\u0301")), 0, 24, -1),
	rapid.SampledFrom([]string{"", " ", "13900000001", "１３９", "1.39E+10", "#N/A", "_x000D_", "_x005F_x000D_", "TRUE", "=1+1", "'0", "企业名称", "Phone", strings.Repeat("长", 300)}),
	rapid.StringMatching(`[ -~]{0,40}`),
)

// value is what a cell may hold, for excelize to write.
func value(t *rapid.T) any {
	switch rapid.IntRange(0, 8).Draw(t, "kind") {
	case 0:
		return rapid.Int64().Draw(t, "whole")
	case 1:
		return rapid.Float64Range(-1e20, 1e20).Draw(t, "number")
	case 2:
		return rapid.Bool().Draw(t, "truth")
	case 3:
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 0).UTC()
	case 4:
		return []excelize.RichTextRun{{Text: texts.Draw(t, "run")}, {Text: texts.Draw(t, "run"), Font: &excelize.Font{Bold: true}}}
	case 5:
		return excelize.Cell{Formula: "1+1"}
	case 6:
		return nil
	}
	return texts.Draw(t, "text")
}

// written is a workbook of these rows, by one of the two ways that excelize has.
func written(t *rapid.T, rows map[int][]any, streamed bool) []byte {
	const sheet = "Sheet1"
	f := excelize.NewFile()
	defer f.Close()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var w *excelize.StreamWriter
	if streamed {
		var err error
		w, err = f.NewStreamWriter(sheet)
		must(err)
	}
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		if streamed {
			must(w.SetRow(at(t, 1, row), rows[row]))
			continue
		}
		for i, c := range rows[row] {
			switch c := c.(type) {
			case []excelize.RichTextRun:
				must(f.SetCellRichText(sheet, at(t, i+1, row), c))
			case excelize.Cell:
				must(f.SetCellFormula(sheet, at(t, i+1, row), c.Formula))
			default:
				must(f.SetCellValue(sheet, at(t, i+1, row), c))
			}
		}
	}
	if streamed {
		must(w.Flush())
	}
	var b bytes.Buffer
	must(f.Write(&b))
	return b.Bytes()
}

// Whatever somebody may have put into a sheet, and wherever its header stands.
func TestARandomWorkbookHasTheCellsThatExcelizeSees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := map[int][]any{}
		columns := rapid.IntRange(7, 70).Draw(t, "columns")
		for range rapid.IntRange(0, 12).Draw(t, "rows") {
			row := make([]any, columns)
			for range rapid.IntRange(0, 8).Draw(t, "cells") {
				row[rapid.IntRange(0, columns-1).Draw(t, "column")] = value(t)
			}
			rows[rapid.IntRange(1, 60).Draw(t, "row")] = row
		}
		// A header, and a row below it, so that it is a roster.
		names := rapid.Permutation(form.Columns()).Draw(t, "header")
		head := make([]any, columns)
		for i, c := range names {
			head[i] = c.Chinese
		}
		rows[rapid.IntRange(1, 20).Draw(t, "header row")], rows[61] = head, head
		b := written(t, rows, rapid.Bool().Draw(t, "streamed"))
		same(t, b)
	})
}
