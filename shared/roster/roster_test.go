package roster_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
)

// whole is a file that was read, with its rows.
type whole struct {
	roster.Sheet
	rows []network.RosterRow
}

func readAll(ctx context.Context, r io.ReaderAt, size int64, o roster.Options) (*whole, error) {
	w := &whole{}
	s, err := roster.Read(ctx, r, size, o, func(r *network.RosterRow) error {
		w.rows = append(w.rows, *r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	w.Sheet = *s
	return w, nil
}

func read(b []byte) (*whole, error) {
	return readAll(context.Background(), bytes.NewReader(b), int64(len(b)), roster.Options{})
}

func mustRead(t *testing.T, b []byte) *whole {
	t.Helper()
	s, err := read(b)
	if err != nil {
		t.Fatalf("got %v, want a sheet", err)
	}
	if ok := len(s.rows) - failed(s.rows); s.Rows != len(s.rows) || s.OK != ok {
		t.Errorf("got %d rows, %d ok, counted %d and %d", s.Rows, s.OK, len(s.rows), ok)
	}
	return s
}

func failed(rows []network.RosterRow) int {
	n := 0
	for i := range rows {
		if rows[i].Code != "" {
			n++
		}
	}
	return n
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// book is a workbook of one sheet, row by row from the first.
func book(t *testing.T, rows [][]any, change ...func(*excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range change {
		c(f)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var heading = []any{"企业名称", "联系人姓名", "身份", "手机号", "上下游分组", "自定义企业ID", "自定义成员ID"}

// outcome is a row as messy-expected.csv writes it.
func outcome(r network.RosterRow) string {
	if r.Code != "" {
		return fmt.Sprintf("%d,failed,%s,", r.Number, r.Code)
	}
	return fmt.Sprintf("%d,ok,,%s", r.Number, r.Phone)
}

func TestR31_AMessyRosterComesOutRowByRow(t *testing.T) {
	t.Parallel()
	want, err := csv.NewReader(bytes.NewReader(file(t, "testdata/messy-expected.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	s := mustRead(t, file(t, "testdata/messy.xlsx"))
	if len(s.rows) != len(want)-1 {
		t.Errorf("got %d rows, want %d", len(s.rows), len(want)-1)
	}
	for i, r := range s.rows[:min(len(s.rows), len(want)-1)] {
		if got, want := outcome(r), strings.Join(want[i+1], ","); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestR31_TheSameRowsAsCSVComeOutTheSame(t *testing.T) {
	t.Parallel()
	f, err := excelize.OpenReader(bytes.NewReader(file(t, "testdata/messy.xlsx")))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("名单", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	fromBook, fromText := mustRead(t, file(t, "testdata/messy.xlsx")), mustRead(t, b.Bytes())
	if len(fromBook.rows) != len(fromText.rows) {
		t.Fatalf("got %d rows, want %d", len(fromText.rows), len(fromBook.rows))
	}
	for i, r := range fromText.rows {
		want := outcome(fromBook.rows[i])
		if r.Number == 28 { // a formula that was never computed is an empty field there
			want = "28,failed,phone_missing,"
		}
		if got := outcome(r); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestADealersRosterOfLibreOfficeIsValidThroughout(t *testing.T) {
	t.Parallel()
	s := mustRead(t, file(t, "../../infra/local/demo/dealers-2000.xlsx"))
	if len(s.rows) != 2000 || s.OK != 2000 {
		t.Fatalf("got %d rows, %d ok, want 2000 of both", len(s.rows), s.OK)
	}
	want := network.RosterRow{Number: 2, Corp: "柳州金桥五金有限公司", Contact: "欧阳静", Leader: true, Phone: "+8619903000003",
		Group: []string{"华南区", "广西", "柳州市"}, CustomID: "D3000001", MemberCustomID: "300001"}
	if got := s.rows[0]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// row is a valid row with one cell changed.
func row(column int, value any) []any {
	r := []any{"苏州恒通建材有限公司", "王伟", "负责人", "13900000001", "华东区/江苏省", "A001", "1001"}
	r[column] = value
	return r
}

func TestR25_EachRowIsJudgedByItself(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		column int
		value  any
		want   string // a code, or a value of the field after "="
	}{
		{"a corp name in full-width forms is stored plain", 0, "　ＡＢＣ　公司（集团）\u00a0", "=ABC 公司(集团)"},
		{"a corp name of 32 characters", 0, strings.Repeat("长", 32), "=" + strings.Repeat("长", 32)},
		{"a corp name of 33 characters", 0, strings.Repeat("长", 33), "corp_name_invalid"},
		{"a corp name that is a number", 0, 360, "=360"},
		{"a corp name with a line break", 0, "苏州恒通\n建材", "=苏州恒通 建材"},
		{"a corp name with a comma", 0, "Acme, Ltd", "corp_name_invalid"},
		{"a corp name of white space", 0, " \u200b\u3000", "corp_name_missing"},
		{"a Uighur name", 1, "买买提·吐尔逊", "=买买提·吐尔逊"},
		{"an Irish name", 1, "Conor O'Brien", "=Conor O'Brien"},
		{"a name with a remark", 1, "张静（采购）", "=张静(采购)"},
		{"a name with the Chinese zero", 1, "〇〇七", "=〇〇七"},
		{"two names", 1, "王伟/李娜", "contact_name_invalid"},
		{"a formula as a name", 1, "@SUM(A1)", "contact_name_invalid"},
		{"a member", 2, " 成员 ", "=member"},
		{"no identity", 2, "", "=member"},
		{"a leader in English", 2, "leader", "=leader"},
		{"an unknown identity", 2, "老板", "identity_invalid"},
		{"a phone stored as a number", 3, 13900000001, "=+8613900000001"},
		{"a phone of eighteen digits stored as a number", 3, 139000000012345678.0, "phone_digits_lost"},
		{"a phone with a fraction", 3, 1390000000.5, "phone_invalid"},
		{"a negative phone", 3, -13900000001, "phone_invalid"},
		{"a phone that was cut to an exponent", 3, "1.38E+10", "phone_digits_lost"},
		{"no phone", 3, nil, "phone_missing"},
		{"an error written out", 3, "#N/A", "cell_error"},
		{"a group of nine levels", 4, "1/2/3/4/5/6/7/8/9", "=1|2|3|4|5|6|7|8|9"},
		{"a group of ten levels", 4, "1/2/3/4/5/6/7/8/9/10", "group_too_deep"},
		{"a group with full-width slashes and spaces", 4, "华东区 ／ 浙江省", "=华东区|浙江省"},
		{"a group with an empty level", 4, "华东区//杭州市", "group_name_invalid"},
		{"a group that ends in a slash", 4, "华东区/", "group_name_invalid"},
		{"a group with a level of 33 characters", 4, "华东区/" + strings.Repeat("长", 33), "group_name_invalid"},
		{"a custom id in full-width forms", 5, "Ａ００１", "=A001"},
		{"a custom id stored as a number", 5, 100200300, "=100200300"},
		{"a custom id of 64 characters", 5, strings.Repeat("a", 64), "=" + strings.Repeat("a", 64)},
		{"a custom id of 65 characters", 5, strings.Repeat("a", 65), "custom_id_invalid"},
		{"a custom id with a hyphen", 5, "A-08", "custom_id_invalid"},
		{"a custom id that lost its digits", 5, 1234567890123456789.0, "custom_id_invalid"},
		{"the largest member id", 6, "18446744073709551615", "=18446744073709551615"},
		{"a member id that is one too large", 6, "18446744073709551616", "member_custom_id_invalid"},
		{"a member id that begins with 0", 6, "01234", "member_custom_id_invalid"},
		{"a member id of 0", 6, "0", "member_custom_id_invalid"},
		{"a member id of eleven digits", 6, "13900000001", "member_custom_id_invalid"},
		{"a member id of thirteen digits", 6, "8613900000001", "member_custom_id_invalid"},
		{"a member id of letters", 6, "M1", "member_custom_id_invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := mustRead(t, book(t, [][]any{heading, row(c.column, c.value)}))
			r := s.rows[0]
			got := ""
			if r.Code != "" {
				got = r.Code
				if want := form.Columns()[c.column].Field; r.Field != want {
					t.Errorf("got field %s, want %s", r.Field, want)
				}
			} else {
				got = "=" + []string{r.Corp, r.Contact, map[bool]string{true: "leader", false: "member"}[r.Leader], r.Phone, strings.Join(r.Group, "|"), r.CustomID, r.MemberCustomID}[c.column]
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestR25_RowsAreHeldAgainstEarlierValidOnes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		rows [][]any
		want []string
	}{
		{"the same contact twice is said once", [][]any{
			{"甲公司", "王伟", "负责人", "13900000001", "华东区", "A1", "1"},
			{"甲公司", "王伟", "负责人", "139 0000 0001", "", "A1", "1"},
		}, []string{"2,ok,,+8613900000001", "3,ok,,+8613900000001"}},
		{"another name with the same phone is refused", [][]any{
			{"甲公司", "王伟", "", "13900000001", "", "A1", ""},
			{"甲公司", "李娜", "", "13900000001", "", "A1", ""},
		}, []string{"2,ok,,+8613900000001", "3,failed,duplicate_contact,"}},
		{"R24: the same phone under two partners is legal", [][]any{
			{"甲公司", "王伟", "", "13900000001", "", "A1", ""},
			{"乙公司", "王伟", "", "13900000001", "", "A2", ""},
		}, []string{"2,ok,,+8613900000001", "3,ok,,+8613900000001"}},
		{"R27: without an id the name tells partners apart, whatever its spelling", [][]any{
			{"ABC 公司", "王伟", "", "13900000001", "", "", ""},
			{"ａｂｃ　公司 ", "李娜", "", "13900000001", "", "", ""},
		}, []string{"2,ok,,+8613900000001", "3,failed,duplicate_contact,"}},
		{"R27: one name with two ids is two partners", [][]any{
			{"甲公司", "王伟", "", "13900000001", "", "A1", ""},
			{"甲公司", "李娜", "", "13900000001", "", "A2", ""},
		}, []string{"2,ok,,+8613900000001", "3,ok,,+8613900000001"}},
		{"one id with two names is refused", [][]any{
			{"甲公司", "王伟", "", "13900000001", "", "A1", ""},
			{"乙公司", "李娜", "", "13900000002", "", "A1", ""},
		}, []string{"2,ok,,+8613900000001", "3,failed,custom_id_conflict,"}},
		{"a refused row claims nothing", [][]any{
			{"乙公司", "李娜", "老板", "13900000002", "", "A1", "1"},
			{"甲公司", "王伟", "", "13900000002", "", "A1", "1"},
		}, []string{"2,failed,identity_invalid,", "3,ok,,+8613900000002"}},
		{"a member id is one person's within a partner, and free in another", [][]any{
			{"甲公司", "王伟", "", "13900000001", "", "A1", "1"},
			{"甲公司", "李娜", "", "13900000002", "", "A1", "1"},
			{"乙公司", "张静", "", "13900000003", "", "A2", "1"},
		}, []string{"2,ok,,+8613900000001", "3,failed,member_custom_id_duplicate,", "4,ok,,+8613900000003"}},
		{"a sixth leader is refused, a sixth member isn't", [][]any{
			{"甲公司", "一", "负责人", "13900000001"}, {"甲公司", "二", "负责人", "13900000002"}, {"甲公司", "三", "负责人", "13900000003"},
			{"甲公司", "四", "负责人", "13900000004"}, {"甲公司", "一", "负责人", "13900000001"}, {"甲公司", "五", "负责人", "13900000005"},
			{"甲公司", "六", "负责人", "13900000006"}, {"甲公司", "七", "成员", "13900000007"},
		}, []string{"2,ok,,+8613900000001", "3,ok,,+8613900000002", "4,ok,,+8613900000003", "5,ok,,+8613900000004",
			"6,ok,,+8613900000001", "7,ok,,+8613900000005", "8,failed,too_many_leaders,", "9,ok,,+8613900000007"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := mustRead(t, book(t, append([][]any{heading}, c.rows...)))
			var got []string
			for _, r := range s.rows {
				got = append(got, outcome(r))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestADuplicateNamesTheFirst(t *testing.T) {
	t.Parallel()
	s := mustRead(t, file(t, "testdata/messy.xlsx"))
	if got := s.rows[3].Detail; got != "row 3" {
		t.Errorf("got %q, want row 3", got)
	}
}

func TestR25_HeadersAreFreeInSpellingAndOrder(t *testing.T) {
	t.Parallel()
	values := map[string]any{"corp": "甲公司", "name": "王伟", "phone": "13900000001", "more": "x", "id": "A1"}
	for _, c := range []struct {
		name   string
		header []any
		cells  []string
	}{
		{"Chinese", []any{"企业名称", "联系人姓名", "手机号", "自定义企业ID"}, []string{"corp", "name", "phone", "id"}},
		{"English", []any{"Corp name", "CONTACT NAME*", "phone", "Custom Corp ID"}, []string{"corp", "name", "phone", "id"}},
		{"asterisks, full-width spaces, line breaks", []any{"*企业名称", "联系人\n姓名＊", "手　机　号 *", "自定义企业id"}, []string{"corp", "name", "phone", "id"}},
		{"remarks in brackets", []any{"企业名称（必填）", "联系人姓名(必填)*", "手机号（11 位）（必填）：", "自定义企业ID (选填)"}, []string{"corp", "name", "phone", "id"}},
		{"another order, with columns of their own", []any{"备注", "手机号码", "自定义企业ID", "联系人", "公司名称"}, []string{"more", "phone", "id", "name", "corp"}},
		{"the template's spelling beats another", []any{"姓名", "联系人姓名", "企业名称", "公司", "手机", "手机号", "自定义企业ID"}, []string{"more", "name", "corp", "more", "more", "phone", "id"}},
		{"snake case", []any{"corp_name", "contact_name", "phone", "custom_corp_id"}, []string{"corp", "name", "phone", "id"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var cells []any
			for _, k := range c.cells {
				cells = append(cells, values[k])
			}
			s := mustRead(t, book(t, [][]any{{"2026 年名单"}, {}, c.header, cells}))
			want := network.RosterRow{Number: 4, Corp: "甲公司", Contact: "王伟", Phone: "+8613900000001", CustomID: "A1"}
			if got := s.rows[0]; fmt.Sprint(got) != fmt.Sprint(want) || s.HeaderRow != 3 {
				t.Errorf("got %+v below row %d, want %+v below row 3", got, s.HeaderRow, want)
			}
			if want := strings.Count(strings.Join(c.cells, ""), "more"); len(s.Unknown) != want {
				t.Errorf("got unknown columns %q, want %d", s.Unknown, want)
			}
		})
	}
}

func TestAHeaderThatCannotBeReadByIsRefused(t *testing.T) {
	t.Parallel()
	blank := make([][]any, 20)
	for _, c := range []struct {
		name string
		rows [][]any
		want string
	}{
		{"no header", [][]any{{"甲公司", "王伟", "13900000001"}}, form.NoHeader},
		{"a header in row 21", append(blank, heading, row(0, "甲公司")), form.NoHeader},
		{"no phone column", [][]any{{"企业名称", "联系人姓名"}, {"甲公司", "王伟"}}, form.UnknownColumns},
		{"two phone columns", [][]any{{"企业名称", "联系人姓名", "手机号", "手机号"}, {"甲公司", "王伟", "13900000001", "13900000002"}}, form.UnknownColumns},
		{"only a header", [][]any{heading}, form.EmptyFile},
		{"only blank rows", [][]any{heading, {" ", "", "\u200b"}}, form.EmptyFile},
		{"nothing", nil, form.EmptyFile},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := read(book(t, c.rows))
			wantFileError(t, err, c.want)
		})
	}
}

func wantFileError(t *testing.T, err error, code string) *roster.FileError {
	t.Helper()
	e, ok := errors.AsType[*roster.FileError](err)
	if !ok || e.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	return e
}

func TestMergedCellsFillDownOnlyWhereMerged(t *testing.T) {
	t.Parallel()
	b := book(t, [][]any{
		{"名单"},
		{"企业名称", "联系人姓名", "手机号", "上下游分组", "备注"},
		{"甲公司", "一", "13900000001", "华东区"},
		{nil, "二", "13900000002"},
		{nil, nil, nil, nil, "只有备注"},
		{nil, "三", "13900000003"},
		{nil, "四", "13900000004"},
	}, func(f *excelize.File) {
		for _, area := range [][2]string{{"A1", "E1"}, {"A3", "A6"}, {"D3", "E4"}} {
			if err := f.MergeCell("Sheet1", area[0], area[1]); err != nil {
				t.Fatal(err)
			}
		}
	})
	var got []string
	for _, r := range mustRead(t, b).rows {
		got = append(got, outcome(r)+" "+r.Corp+" "+strings.Join(r.Group, "/"))
	}
	want := []string{"3,ok,,+8613900000001 甲公司 华东区", "4,ok,,+8613900000002 甲公司 华东区", "6,ok,,+8613900000003 甲公司 ", "7,failed,corp_name_missing,  "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBlankRowsAreSkippedAndKeepTheirNumbers(t *testing.T) {
	t.Parallel()
	s := mustRead(t, book(t, [][]any{heading, {}, row(3, "13900000001"), {"", nil, " "}, {}, row(3, "x")}))
	if len(s.rows) != 2 || s.rows[0].Number != 3 || s.rows[1].Number != 6 || s.OK != 1 {
		t.Errorf("got %+v, want rows 3 and 6, one ok", s.rows)
	}
}

func TestTheFirstVisibleSheetIsRead(t *testing.T) {
	t.Parallel()
	b := book(t, [][]any{{"隐藏"}}, func(f *excelize.File) {
		if _, err := f.NewSheet("第二"); err != nil {
			t.Fatal(err)
		}
		r := row(1, "李娜")
		for cell, values := range map[string]*[]any{"A1": &heading, "A2": &r} {
			if err := f.SetSheetRow("第二", cell, values); err != nil {
				t.Fatal(err)
			}
		}
		f.SetActiveSheet(1)
		if err := f.SetSheetVisible("Sheet1", false); err != nil {
			t.Fatal(err)
		}
	})
	if got := mustRead(t, b).rows[0].Contact; got != "李娜" {
		t.Errorf("got %s, want 李娜", got)
	}
}

func TestTheTemplateFilledInIsValid(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"zh-CN", "en"} {
		var b bytes.Buffer
		if err := form.Template(&b, lang); err != nil {
			t.Fatal(err)
		}
		_, err := read(b.Bytes())
		wantFileError(t, err, form.EmptyFile)

		f, err := excelize.OpenReader(&b)
		if err != nil {
			t.Fatal(err)
		}
		sheets := f.GetSheetList()
		if len(sheets) != 3 {
			t.Fatalf("got sheets %q, want the roster, the notes and the example", sheets)
		}
		lists, err := f.GetDataValidations(sheets[0])
		if err != nil || len(lists) != 1 || !strings.HasPrefix(lists[0].Sqref, "C2:C") {
			t.Errorf("got %v, %v, want a drop-down in column C", lists, err)
		}
		for _, cell := range []string{"D2", "F500", "G1000"} {
			id, err := f.GetCellStyle(sheets[0], cell)
			if err != nil {
				t.Fatal(err)
			}
			if style, err := f.GetStyle(id); err != nil || style.NumFmt != 49 {
				t.Errorf("%s: got %+v, %v, want the text format", cell, style, err)
			}
		}
		rows, err := f.GetRows(sheets[2])
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rows[1:] {
			if err := f.SetSheetRow(sheets[0], "A"+strconv.Itoa(i+2), &r); err != nil {
				t.Fatal(err)
			}
		}
		var filled bytes.Buffer
		if err := f.Write(&filled); err != nil {
			t.Fatal(err)
		}
		s := mustRead(t, filled.Bytes())
		if len(s.rows) != len(rows)-1 || s.OK != len(s.rows) || len(s.Unknown) != 0 || !s.rows[0].Leader {
			t.Errorf("%s: got %+v, want the %d rows of the example, all valid", lang, s, len(rows)-1)
		}
	}
}

func TestACancelledReadIsNoFileError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b := file(t, "testdata/messy.xlsx")
	_, err := readAll(ctx, bytes.NewReader(b), int64(len(b)), roster.Options{})
	if _, ok := errors.AsType[*roster.FileError](err); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// brokenReader fails beyond its first bytes, as a lost connection does.
type brokenReader struct{ *bytes.Reader }

func (r brokenReader) ReadAt(p []byte, off int64) (int, error) {
	if off > 4096 {
		return 0, errors.New("connection reset")
	}
	return r.Reader.ReadAt(p, off)
}

func TestALostConnectionIsNoFileError(t *testing.T) {
	t.Parallel()
	b := file(t, "../../infra/local/demo/dealers-2000.xlsx")
	_, err := readAll(context.Background(), brokenReader{bytes.NewReader(b)}, int64(len(b)), roster.Options{})
	if _, ok := errors.AsType[*roster.FileError](err); ok || err == nil {
		t.Errorf("got %v, want an error that isn't the file's", err)
	}
}

func sameRows(a, b []network.RosterRow) bool {
	return slices.EqualFunc(a, b, func(a, b network.RosterRow) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
}
