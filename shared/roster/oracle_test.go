package roster_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
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
func ours(t rapid.TB, b []byte, sheet string) (all cells, name string) {
	t.Helper()
	s, err := roster.Lines(context.Background(), bytes.NewReader(b), int64(len(b)), roster.Options{Sheet: sheet}, func(l *roster.Line) error {
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
			// A truth value is 1 or 0 to it when it is raw.
			if kind, err := f.GetCellType(sheet, ref); err != nil {
				t.Fatal(err)
			} else if kind == excelize.CellTypeBool {
				text = strings.ToUpper(strconv.FormatBool(text == "1" || text == "TRUE"))
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
func same(t rapid.TB, b []byte, sheet string) {
	t.Helper()
	got, name := ours(t, b, sheet)
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
			same(t, file(t, name), "")
		})
	}
}

// texts are of what people write, and of what XML, spreadsheets and this
// package give a meaning to.
var texts = rapid.OneOf(
	rapid.StringOfN(rapid.RuneFrom([]rune("王伟企业名称，。 　\u00a0\u200b\t\n\r_x005F_x0041_<>&'\"=+-@#N/A1390000€𠮷😀é\u0301")), 0, 24, -1),
	rapid.SampledFrom([]string{"", " ", "13900000001", "１３９", "1.39E+10", "#N/A", "_x000D_", "_x005F_x000D_", "_xD83D_", "TRUE", "=1+1", "'0", "企业名称", "Phone", strings.Repeat("长", 300)}),
	rapid.StringMatching(`[ -~]{0,40}`),
)

// Whatever somebody may have put into a sheet, and wherever its header stands.
func TestARandomWorkbookHasTheCellsThatExcelizeSees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := excelize.NewFile()
		defer f.Close()
		const sheet = "Sheet1"
		columns := rapid.IntRange(3, 70).Draw(t, "columns")
		header := rapid.IntRange(1, 20).Draw(t, "header row")
		date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 60).Draw(t, "cells") {
			ref := at(t, rapid.IntRange(1, columns).Draw(t, "column"), rapid.IntRange(1, 40).Draw(t, "row"))
			switch rapid.IntRange(0, 8).Draw(t, "kind") {
			case 0:
				err = f.SetCellValue(sheet, ref, rapid.Int64().Draw(t, "whole"))
			case 1:
				err = f.SetCellValue(sheet, ref, rapid.Float64Range(-1e20, 1e20).Draw(t, "number"))
			case 2:
				err = f.SetCellValue(sheet, ref, rapid.Bool().Draw(t, "truth"))
			case 3:
				err = f.SetCellValue(sheet, ref, time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 0).UTC())
			case 4:
				err = f.SetCellRichText(sheet, ref, []excelize.RichTextRun{{Text: texts.Draw(t, "run")}, {Text: texts.Draw(t, "run"), Font: &excelize.Font{Bold: true}}})
			case 5:
				err = f.SetCellFormula(sheet, ref, "1+1")
			case 6:
				err = f.SetCellStyle(sheet, ref, ref, date)
			default:
				err = f.SetCellStr(sheet, ref, texts.Draw(t, "text"))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		// The header's row holds no more than that, so that it is the header, and a row stands below it.
		clear := make([]any, columns)
		for i, c := range form.Columns() {
			if i < columns {
				clear[i] = c.Chinese
			}
		}
		clear[2], clear[min(3, columns-1)] = clear[min(3, columns-1)], "手机号"
		for _, row := range []int{header, 41} {
			if err := f.SetSheetRow(sheet, fmt.Sprint("A", row), &clear); err != nil {
				t.Fatal(err)
			}
		}
		for range rapid.IntRange(0, 3).Draw(t, "merged areas") {
			top, left := 42+rapid.IntRange(0, 9).Draw(t, "top"), rapid.IntRange(1, columns).Draw(t, "left")
			if err := f.MergeCell(sheet, at(t, left, top), at(t, left+1, top+2)); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		same(t, b.Bytes(), "")
	})
}
