package sheet

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/tributary-app/tributary/shared/network"
)

// written is a table of rows, a new part after each that is in cuts.
func written(t *testing.T, f Format, rows [][]string, cuts ...int) []byte {
	t.Helper()
	var all bytes.Buffer
	var sum Sum
	p, err := New(f, sum)
	if err != nil {
		t.Fatal(err)
	}
	end := func(last bool) {
		b, s, err := p.End(last)
		if err != nil {
			t.Fatal(err)
		}
		sum = s
		all.Write(b)
	}
	for i, r := range rows {
		p.Row(r...)
		if slices.Contains(cuts, i) {
			end(false)
			if p, err = New(f, sum); err != nil {
				t.Fatal(err)
			}
		}
	}
	end(true)
	var file bytes.Buffer
	if err := Assemble(&file, f, sum, &all); err != nil {
		t.Fatal(err)
	}
	if size, err := Size(f, sum); err != nil || size != int64(file.Len()) || sum.Rows != len(rows) {
		t.Errorf("got %d bytes and %d rows (%v), want %d and %d", size, sum.Rows, err, file.Len(), len(rows))
	}
	return file.Bytes()
}

// rows are such as people write: quotes, line breaks, formulas, and bytes that
// XML can't hold.
var rows = [][]string{
	{"Company", "联系人", "Phone"},
	{`Quote "&<Co>`, " 张三 ", "+8613900000001"},
	{"=1+1", "@SUM(A1)", "-1"},
	{"\tx", "", "a\nb,c"},
	{"last", "𠮷", "0123"},
}

func TestAWorkbookOfPartsIsReadByAnotherProgramAsOneIs(t *testing.T) {
	t.Parallel()
	for _, cuts := range [][]int{nil, {0}, {0, 1, 2, 3}, {4}} {
		f, err := excelize.OpenReader(bytes.NewReader(written(t, XLSX, rows, cuts...)))
		if err != nil {
			t.Fatalf("%v: %v", cuts, err)
		}
		got, err := f.GetRows("Sheet1")
		if err != nil || !slices.EqualFunc(got, rows, slices.Equal) {
			t.Errorf("%v: got %q (%v), want %q", cuts, got, err, rows)
		}
		for cell, want := range map[string]string{"A3": "", "C2": ""} {
			if formula, err := f.GetCellFormula("Sheet1", cell); err != nil || formula != want {
				t.Errorf("%s: got a formula %q (%v)", cell, formula, err)
			}
		}
	}
}

func TestACSVHasItsMarkOnceAndNoFormula(t *testing.T) {
	t.Parallel()
	for _, cuts := range [][]int{nil, {0}, {1, 3}} {
		got := string(written(t, CSV, rows, cuts...))
		body, marked := strings.CutPrefix(got, "\ufeff")
		if !marked || strings.Contains(body, "\ufeff") || !strings.Contains(body, "\r\n") {
			t.Errorf("%v: got %q", cuts, got)
		}
		all, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if err != nil || len(all) != len(rows) {
			t.Fatalf("%v: got %q (%v)", cuts, all, err)
		}
		for i, r := range all {
			for j, c := range r {
				if want := rows[i][j]; c != want && c != "'"+want || strings.ContainsAny(c[:min(1, len(c))], "=+-@\t\r") {
					t.Errorf("%v: got %q, want %q", cuts, c, want)
				}
			}
		}
	}
}

func TestAFileOfWhichAPartIsMissingIsNone(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{XLSX, CSV} {
		if err := Assemble(io.Discard, f, Sum{Size: 10}, strings.NewReader("short")); err == nil {
			t.Errorf("%s: got no error", f)
		}
	}
}

func TestARowIsInTheOrderOfItsHeading(t *testing.T) {
	t.Parallel()
	r := network.ExportRow{Group: "北/东", Name: "甲", Alias: "乙", CustomID: "7", State: network.PartnerJoined, Contact: "丙", Identity: "leader", Phone: "1", JoinedAt: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	if got, want := Directory(r, "zh-CN"), []string{"北/东", "甲", "乙", "7", "已加入", "丙", "leader", "1", "2026-11-22 12:00:00"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Directory(network.ExportRow{State: network.PartnerPending}, "en"); got[4] != "pending" || got[8] != "" {
		t.Errorf("got %q", got)
	}
	if len(Heading("en")) != 9 || len(Heading("zh-CN")) != 9 {
		t.Error("a heading has another width than its rows")
	}
}
