package mend_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
	"github.com/tributary-app/tributary/shared/roster/mend"
)

// failures are the rows of a file that the reader refuses, and how many it
// doesn't.
func failures(t *testing.T, b []byte, o roster.Options) (failed []mend.Failed, ok int) {
	t.Helper()
	_, err := roster.Read(t.Context(), bytes.NewReader(b), int64(len(b)), o, func(r *network.RosterRow) error {
		if r.Code == "" {
			ok++
		} else {
			failed = append(failed, mend.Failed{Row: r.Number, Code: r.Code, Field: r.Field, Detail: r.Detail})
		}
		return nil
	})
	must(t, err)
	return failed, ok
}

func write(t *testing.T, b []byte, o roster.Options, lang string, failed []mend.Failed) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := mend.Write(t.Context(), &out, bytes.NewReader(b), int64(len(b)), o, lang, failed); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(t *testing.T, b []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func save(t *testing.T, f *excelize.File) []byte {
	t.Helper()
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// must fails the test on any of the errors.
func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func style(t *testing.T, f *excelize.File, s *excelize.Style) int {
	t.Helper()
	id, err := f.NewStyle(s)
	must(t, err)
	return id
}

// users is a workbook as people have it: a title, columns of their own in
// their own order, formats, and more than one sheet.
func users(t *testing.T) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	const sheet = "名单"
	_, err := f.NewSheet("说明")
	must(t, err, f.SetSheetName("Sheet1", sheet), f.SetCellStr("说明", "A1", "机密"))
	red := style(t, f, &excelize.Style{Font: &excelize.Font{Bold: true, Color: "FF0000"}})
	text := style(t, f, &excelize.Style{NumFmt: 49})
	day := style(t, f, &excelize.Style{NumFmt: 14})
	for i, row := range [][]any{
		{"二〇二六年度名单"},
		{"备注", "手机号", "企业名称*", "联系人姓名*", "身份", "日期", "合计"},
		{"好", "13800138001", "宏远商贸", "李娜", "成员", 45000, 1},
		{"=1+1", "1380013", "宏远商贸", "王芳", "成员", 45001, 2},
		{"-5", "+86 138 0013 8003", "", "赵敏", "负责人", 45002.5, 3},
		{"@x", 13800138004, "嘉和建材", "孙丽", "老板", 45003, 4},
		{"\tz", "13800138005", "嘉和建材", "周杰", "", 45004, 5},
		{"a<b>&\"", "", "嘉和建材", "吴刚", "", 45005, 6},
	} {
		must(t, f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row))
	}
	list, across := excelize.NewDataValidation(true), excelize.NewDataValidation(true)
	list.SetSqref("E3:E1000")
	across.SetSqref("G3:G1000")
	across.SetSqrefDropList("说明!$A$1:$A$3")
	height := 30.0
	must(t, list.SetDropList([]string{"成员", "负责人"}),
		f.SetCellStyle(sheet, "A2", "G2", red), f.SetCellStyle(sheet, "B3", "B8", text), f.SetCellStyle(sheet, "F3", "F8", day),
		f.SetColWidth(sheet, "C", "C", 41), f.SetColWidth(sheet, "H", "XFD", 3),
		f.SetCellFormula(sheet, "G5", "SUM(G3:G4)"), f.SetCellFormula(sheet, "A4", ""), f.SetCellStr(sheet, "A4", "=1+1"),
		f.AddDataValidation(sheet, list), f.AddDataValidation(sheet, across),
		f.MergeCell(sheet, "A1", "G1"), f.AutoFilter(sheet, "A2:G8", nil),
		f.SetCellHyperLink(sheet, "A3", "https://example.com", "External"),
		f.AddComment(sheet, excelize.Comment{Cell: "A3", Author: "a", Text: "b"}),
		f.SetRowHeight(sheet, 4, height),
		f.SetConditionalFormat(sheet, "C3:C1000", []excelize.ConditionalFormatOptions{{Type: "duplicate", Criteria: "=", Format: func() *int {
			id, err := f.NewConditionalStyle(&excelize.Style{Font: &excelize.Font{Color: "9A0511"}})
			must(t, err)
			return &id
		}()}}),
		f.SetPanes(sheet, &excelize.Panes{Freeze: true, YSplit: 2, TopLeftCell: "A3", ActivePane: "bottomLeft"}),
	)
	return save(t, f)
}

// R31: mending just the wrong cells is enough.
func TestR31_AWorkbookWhoseWrongCellsAreMendedIsTakenWhole(t *testing.T) {
	t.Parallel()
	for lang, titles := range map[string][]string{"zh-CN": {"行号", "错误代码", "原因", "修改建议"}, "en": {"Row", "Code", "Reason", "Advice"}} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			b := users(t)
			failed, ok := failures(t, b, roster.Options{})
			if len(failed) != 4 || ok != 2 {
				t.Fatalf("got %d failed, %d ok: %+v", len(failed), ok, failed)
			}
			f := open(t, write(t, b, roster.Options{}, lang, failed))
			rows, err := f.GetRows("名单")
			must(t, err)
			if len(rows) != 2+4 || !slices.Equal(rows[1][7:], titles) || !slices.Equal(rows[1][:7], []string{"备注", "手机号", "企业名称*", "联系人姓名*", "身份", "日期", "合计"}) {
				t.Fatalf("got %q", rows)
			}
			for i, r := range failed {
				reason, advice := form.Reason(r.Code, lang)
				if got, want := rows[2+i][7:], []string{fmt.Sprint(r.Row), r.Code, reason, advice}; !slices.Equal(got, want) {
					t.Errorf("row %d: got %q, want %q", r.Row, got, want)
				}
			}
			must(t, f.SetCellStr("名单", "B3", "13800138002"), f.SetCellStr("名单", "C4", "宏远商贸"), f.SetCellStr("名单", "E5", "成员"), f.SetCellStr("名单", "B6", "13800138006"))
			mended := save(t, f)
			if failed, ok := failures(t, mended, roster.Options{}); len(failed) != 0 || ok != 4 {
				t.Errorf("got %d ok and %+v, want 4 and none", ok, failed)
			}
		})
	}
}

// What an errors workbook is mended badly has one again, without a second set
// of our columns.
func TestAnErrorsWorkbookOfAnErrorsWorkbookHasItsColumnsOnce(t *testing.T) {
	t.Parallel()
	b := users(t)
	failed, _ := failures(t, b, roster.Options{})
	once := write(t, b, roster.Options{}, "zh-CN", failed)
	failed, _ = failures(t, once, roster.Options{})
	rows, err := open(t, write(t, once, roster.Options{}, "en", failed)).GetRows("名单")
	must(t, err)
	if len(rows) != 6 || !slices.Equal(rows[1][7:], []string{"Row", "Code", "Reason", "Advice"}) || rows[2][7] != "3" || !strings.HasPrefix(rows[2][9], "The phone number isn't") {
		t.Errorf("got %q", rows)
	}
}

func TestFormatsWidthsAndDropDownsStay(t *testing.T) {
	t.Parallel()
	b := users(t)
	failed, _ := failures(t, b, roster.Options{})
	was, f := open(t, b), open(t, write(t, b, roster.Options{}, "zh-CN", failed))
	const sheet = "名单"
	if got := f.GetSheetList(); !slices.Equal(got, []string{sheet}) {
		t.Errorf("got sheets %q", got)
	}
	for at, from := range map[string]string{"A2": "A2", "K2": "G2", "B4": "B5", "F3": "F4", "F4": "F5"} {
		get := func(f *excelize.File, cell string) *excelize.Style {
			id, err := f.GetCellStyle(sheet, cell)
			must(t, err)
			s, err := f.GetStyle(id)
			must(t, err)
			return s
		}
		got, want := get(f, at), get(was, from)
		if got.NumFmt != want.NumFmt || (got.Font == nil) != (want.Font == nil) || got.Font != nil && (got.Font.Color != want.Font.Color || got.Font.Bold != want.Font.Bold) {
			t.Errorf("%s: got %+v, want %+v", at, got, want)
		}
	}
	if id, err := f.GetCellStyle(sheet, "B6"); err != nil || f.Styles.CellXfs.Xf[id].NumFmtID == nil || *f.Styles.CellXfs.Xf[id].NumFmtID != 49 {
		t.Errorf("the phone that is missing: got format %d (%v), want text", id, err)
	}
	for column, want := range map[string]float64{"C": 41, "H": 8, "I": 24, "K": 60, "L": 3, "ZZ": 3} {
		if got, err := f.GetColWidth(sheet, column); err != nil || got != want {
			t.Errorf("%s: got width %v (%v), want %v", column, got, err, want)
		}
	}
	lists, err := f.GetDataValidations(sheet)
	must(t, err)
	if len(lists) != 1 || lists[0].Sqref != "E3:E1000" || lists[0].Formula1 != `"成员,负责人"` {
		t.Errorf("got drop-downs %+v, want the identities' and none that looks into another sheet", lists)
	}
	if got, err := f.GetConditionalFormats(sheet); err != nil || len(got) != 1 {
		t.Errorf("got %v (%v), want the conditional format", got, err)
	}
	if got, err := f.GetPanes(sheet); err != nil || !got.Freeze || got.YSplit != 2 {
		t.Errorf("got %+v (%v), want the header frozen", got, err)
	}
	for what, n := range map[string]int{
		"merged": count(f.GetMergeCells(sheet)), "comments": count(f.GetComments(sheet)), "tables": count(f.GetTables(sheet)),
	} {
		if n != 0 {
			t.Errorf("got %d %s, want none: their rows are gone", n, what)
		}
	}
	if got, err := f.GetCellValue(sheet, "F3", excelize.Options{RawCellValue: true}); err != nil || got != "45001" {
		t.Errorf("got %q (%v), want the date as it was stored", got, err)
	}
}

func count[T any](list []T, err error) int {
	if err != nil {
		return -1
	}
	return len(list)
}

// A text that looks like a formula is a text, and stays one when somebody
// edits the cell.
func TestNothingBecomesAFormula(t *testing.T) {
	t.Parallel()
	b := users(t)
	failed, _ := failures(t, b, roster.Options{})
	out := write(t, b, roster.Options{}, "zh-CN", failed)
	f := open(t, out)
	for cell, want := range map[string]string{"A3": "=1+1", "A4": "-5", "A5": "@x", "B4": "+86 138 0013 8003", "A6": `a<b>&"`} {
		if got, err := f.GetCellValue("名单", cell); err != nil || got != want {
			t.Errorf("%s: got %q (%v), want %q", cell, got, err, want)
		}
		if got, err := f.GetCellFormula("名单", cell); err != nil || got != "" {
			t.Errorf("%s: got the formula %q (%v)", cell, got, err)
		}
		id, err := f.GetCellStyle("名单", cell)
		must(t, err)
		xf := f.Styles.CellXfs.Xf[id]
		if quoted := xf.QuotePrefix != nil && *xf.QuotePrefix; quoted != (cell != "A6") {
			t.Errorf("%s: got quoted %v", cell, quoted)
		}
	}
	if n := f.Styles.CellXfs.Count; n != len(f.Styles.CellXfs.Xf) {
		t.Errorf("got a count of %d, %d formats", n, len(f.Styles.CellXfs.Xf))
	}
}

func TestCSVComesBackAsAWorkbook(t *testing.T) {
	t.Parallel()
	b := []byte("企业名称,联系人姓名,手机号,备注\n宏远商贸,李娜,13800138001,好\n宏远商贸,=cmd|' /C calc'!A0,012345678901234567,\"a\x01\nb_x0041_\"\n,孙丽,+8613800138004,\n")
	failed, ok := failures(t, b, roster.Options{})
	if len(failed) != 2 || ok != 1 {
		t.Fatalf("got %+v, %d ok", failed, ok)
	}
	out := write(t, b, roster.Options{}, "en", failed)
	f := open(t, out)
	rows, err := f.GetRows("Sheet1")
	must(t, err)
	if len(rows) != 3 || !slices.Equal(rows[0], []string{"企业名称", "联系人姓名", "手机号", "备注", "Row", "Code", "Reason", "Advice"}) ||
		rows[1][1] != "=cmd|' /C calc'!A0" || rows[1][2] != "012345678901234567" || rows[1][3] != "a\x01\nb_x0041_" || rows[1][4] != "3" || rows[2][5] != form.CorpNameMissing {
		t.Errorf("got %q", rows)
	}
	must(t, f.SetCellStr("Sheet1", "B2", "王芳"), f.SetCellStr("Sheet1", "C2", "13800138002"), f.SetCellStr("Sheet1", "A3", "嘉和建材"))
	if failed, ok := failures(t, save(t, f), roster.Options{}); len(failed) != 0 || ok != 2 {
		t.Errorf("got %d ok and %+v, want 2 and none", ok, failed)
	}
}

// A corp's name is often merged over its people's rows.
func TestAMergedValueStandsInEachOfItsRows(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range [][]any{
		{"企业名称", "联系人姓名", "手机号"}, {"宏远商贸", "李娜", "13800138001"}, {nil, "王芳", "1"}, {nil, "赵敏", "2"}, {"嘉和建材", "孙丽", "3"}, {nil, "周杰", "4"},
	} {
		must(t, f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row))
	}
	must(t, f.MergeCell("Sheet1", "A2", "A4"), f.MergeCell("Sheet1", "A5", "A6"))
	b := save(t, f)
	failed, ok := failures(t, b, roster.Options{})
	if len(failed) != 4 || ok != 1 {
		t.Fatalf("got %+v, %d ok", failed, ok)
	}
	out := open(t, write(t, b, roster.Options{}, "en", failed))
	for i, want := range []string{"宏远商贸", "宏远商贸", "嘉和建材", "嘉和建材"} {
		if got, err := out.GetCellValue("Sheet1", fmt.Sprintf("A%d", i+2)); err != nil || got != want {
			t.Errorf("row %d: got %q (%v), want %q", i+2, got, err, want)
		}
		must(t, out.SetCellStr("Sheet1", fmt.Sprintf("C%d", i+2), fmt.Sprintf("1380013800%d", i)))
	}
	if failed, ok := failures(t, save(t, out), roster.Options{}); len(failed) != 0 || ok != 4 {
		t.Errorf("got %d ok and %+v, want 4 and none", ok, failed)
	}
}

// The sheet that was asked for is the one that comes back, whatever stands
// before it.
func TestTheNamedSheetComesBack(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	defer f.Close()
	_, err := f.NewSheet("Roster & more")
	must(t, err, f.SetSheetRow("Roster & more", "A3", &[]any{"企业名称", "联系人姓名", "手机号"}), f.SetSheetRow("Roster & more", "A7", &[]any{"宏远商贸", "李娜", 138001, true}))
	b, o := save(t, f), roster.Options{Sheet: "roster & MORE"}
	failed, _ := failures(t, b, o)
	out := open(t, write(t, b, o, "en", failed))
	rows, err := out.GetRows("Roster & more")
	must(t, err)
	if len(rows) != 4 || len(rows[2]) != 8 || rows[2][4] != "Row" || !slices.Equal(rows[3][:6], []string{"宏远商贸", "李娜", "138001", "TRUE", "7", form.PhoneInvalid}) {
		t.Errorf("got %q", rows)
	}
}

func TestAnotherRowIsNamed(t *testing.T) {
	t.Parallel()
	b := []byte("企业名称,联系人姓名,手机号\n宏远商贸,李娜,13800138001\n宏远商贸,王芳,13800138001\n")
	failed, _ := failures(t, b, roster.Options{})
	for lang, want := range map[string]string{"zh-CN": "参见第 2 行。", "en": "See row 2."} {
		rows, err := open(t, write(t, b, roster.Options{}, lang, failed)).GetRows("Sheet1")
		must(t, err)
		if !strings.HasSuffix(rows[1][5], want) {
			t.Errorf("got %q, want %q at its end", rows[1][5], want)
		}
	}
}

// big is a workbook in which so many rows fail.
func big(t testing.TB, rows int) ([]byte, []mend.Failed) {
	f := excelize.NewFile()
	defer f.Close()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetRow("A1", []any{"企业名称", "联系人姓名", "手机号", "身份", "上下游分组", "自定义企业ID", "备注"}); err != nil {
		t.Fatal(err)
	}
	var failed []mend.Failed
	for n := range rows {
		at := fmt.Sprintf("A%d", n+2)
		if err := w.SetRow(at, []any{fmt.Sprintf("宁波佳和商贸有限公司%d", n), "胡杰", fmt.Sprintf("1380013%d", n), "负责人", "华东区/浙江省/宁波市", fmt.Sprintf("D%07d", n), "=1"}); err != nil {
			t.Fatal(err)
		}
		failed = append(failed, mend.Failed{Row: n + 2, Code: form.PhoneInvalid, Field: "phone"})
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), failed
}

// peak is how much the heap grows while f runs.
func peak(f func()) uint64 {
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-tick.C:
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapInuse)
			case <-stop:
				tick.Stop()
				done <- most
				return
			}
		}
	}()
	f()
	close(stop)
	return max(<-done, before.HeapInuse) - before.HeapInuse
}

func TestTwentyThousandFailedRowsTakeSecondsAndLittleMemory(t *testing.T) {
	b, failed := big(t, 20_000)
	began := time.Now()
	var out []byte
	grown := peak(func() { out = write(t, b, roster.Options{}, "zh-CN", failed) })
	if took := time.Since(began); took > 3*time.Second*slow {
		t.Errorf("took %v, want at most 3 s", took)
	}
	if grown > 150<<20 {
		t.Errorf("took %d MiB, want at most 150", grown>>20)
	}
	t.Logf("%v, %d MiB, %d bytes", time.Since(began), grown>>20, len(out))
	rows, err := open(t, out).GetRows("Sheet1")
	must(t, err)
	if len(rows) != 20_001 || rows[20_000][7] != "20001" {
		t.Errorf("got %d rows, the last %q", len(rows), rows[len(rows)-1])
	}
}

func TestMoreThanMaxFailedRowsAreCutAndTheHeaderSaysSo(t *testing.T) {
	if slow > 1 {
		t.Skip("a hundred thousand rows take a minute under the race detector, and one goroutine")
	}
	var b strings.Builder
	b.WriteString("企业名称,联系人姓名,手机号\n")
	var failed []mend.Failed
	for n := range mend.Max + 1 {
		b.WriteString("a,b,1\n")
		failed = append(failed, mend.Failed{Row: n + 2, Code: form.PhoneInvalid, Field: "phone"})
	}
	out := write(t, []byte(b.String()), roster.Options{}, "en", failed)
	z, err := zip.NewReader(bytes.NewReader(out), int64(len(out)))
	must(t, err)
	sheet, err := fs.ReadFile(z, "xl/worksheets/sheet1.xml")
	must(t, err)
	if n := bytes.Count(sheet, []byte("<row ")); n != mend.Max+1 || !bytes.Contains(sheet, []byte(">Row (the first 100000 only)<")) {
		t.Errorf("got %d rows, want the header, which says so, and %d", n, mend.Max)
	}
}

// cells are all that a file holds below its header, by row.
func cells(t *testing.T, b []byte) (rows [][]roster.Cell, numbers []int) {
	t.Helper()
	below := false
	_, err := roster.Lines(t.Context(), bytes.NewReader(b), int64(len(b)), roster.Options{}, func(l *roster.Line) error {
		if below {
			kept := slices.Clone(l.Cells)
			for i := range kept {
				kept[i].Text = strings.Clone(kept[i].Text)
			}
			rows, numbers = append(rows, kept), append(numbers, l.Number)
		}
		below = below || l.Header
		return nil
	})
	must(t, err)
	return rows, numbers
}

// Whoever wrote a workbook, its rows come back cell by cell, and LibreOffice
// opens what comes back.
func TestRowsOfEveryWriterComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	office, none := exec.LookPath("soffice")
	files, err := filepath.Glob("../testdata/*.xlsx")
	more, err2 := filepath.Glob("../testdata/writers/*.xlsx")
	must(t, err, err2)
	files = append(files, more...)
	if none != nil {
		t.Log("without LibreOffice, which isn't installed")
	}
	dir := t.TempDir()
	for _, file := range files {
		b, err := os.ReadFile(file)
		must(t, err)
		was, numbers := cells(t, b)
		var failed []mend.Failed
		for _, n := range numbers {
			failed = append(failed, mend.Failed{Row: n, Code: form.CorpNameInvalid})
		}
		out := write(t, b, roster.Options{}, "en", failed)
		open(t, out)
		now, _ := cells(t, out)
		for i := range was {
			if i >= len(now) {
				t.Fatalf("%s: got %d rows, want %d", file, len(now), len(was))
			}
			for _, c := range was[i] {
				at, ok := slices.BinarySearchFunc(now[i], c.Column, func(n roster.Cell, column int) int { return cmp.Compare(n.Column, column) })
				if c.Kind == roster.PendingCell {
					continue // its formula is gone
				}
				if !ok || now[i][at].Kind != c.Kind || now[i][at].Text != c.Text {
					t.Fatalf("%s, row %d: got %+v, want %+v among them", file, numbers[i], now[i], c)
				}
			}
		}
		if none == nil {
			must(t, os.WriteFile(filepath.Join(dir, filepath.Base(file)), out, 0o644))
		}
	}
	if none != nil {
		return
	}
	written, err := filepath.Glob(filepath.Join(dir, "*.xlsx"))
	must(t, err)
	cmd := exec.Command(office, append([]string{"-env:UserInstallation=file://" + filepath.Join(dir, "profile"), "--headless", "--convert-to", "csv", "--outdir", dir}, written...)...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for _, file := range written {
		b, err := os.ReadFile(strings.TrimSuffix(file, "xlsx") + "csv")
		if err != nil || !bytes.Contains(b, []byte(form.CorpNameInvalid)) {
			t.Errorf("%s: LibreOffice reads %d bytes (%v)", file, len(b), err)
		}
	}
}
