package roster_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
)

const plainCSV = "企业名称,联系人姓名,身份,手机号,上下游分组\n" +
	"甲公司,王伟,负责人,13900000001,华东区/江苏省\n" +
	"\n" +
	"\"乙\n公司\",李娜,,\"139 0000 0002\",\n" +
	"丙公司,\"张\"\"静\",成员,13900000003,\n" +
	"丁公司,赵强,成员,\"=\"\"13900000004\"\"\",西南区\n" +
	"戊公司,周杰,成员,=\"13900000005\",西南区"

var plainOutcome = []string{"2,ok,,+8613900000001", "4,ok,,+8613900000002", "5,failed,contact_name_invalid,", "6,ok,,+8613900000004", "7,ok,,+8613900000005"}

func encoded(t *testing.T, e encoding.Encoding, s string) string {
	t.Helper()
	out, err := e.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestACSVFileIsReadInWhatItIsWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file string }{
		{"UTF-8", plainCSV},
		{"UTF-8 with a mark", "\xef\xbb\xbf" + plainCSV},
		{"GB18030", encoded(t, simplifiedchinese.GB18030, plainCSV)},
		{"UTF-16 of little ends", encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), plainCSV)},
		{"UTF-16 of big ends", encoded(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM), strings.ReplaceAll(plainCSV, ",", "\t"))},
		{"CRLF", strings.ReplaceAll(plainCSV, "\n", "\r\n")},
		{"CR", strings.ReplaceAll(plainCSV, "\n", "\r")},
		{"tabs", strings.ReplaceAll(plainCSV, ",", "\t")},
		{"semicolons", strings.ReplaceAll(plainCSV, ",", ";")},
		{"GB18030 with tabs and CRLF", encoded(t, simplifiedchinese.GB18030, strings.NewReplacer(",", "\t", "\n", "\r\n").Replace(plainCSV))},
		{"a line break at its end", plainCSV + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := mustRead(t, []byte(c.file))
			var got []string
			for _, r := range s.rows {
				got = append(got, outcome(r))
			}
			if !slices.Equal(got, plainOutcome) {
				t.Errorf("got %q, want %q", got, plainOutcome)
			}
			if got := s.rows[1].Corp; got != "乙 公司" {
				t.Errorf("got %s, want 乙 公司", got)
			}
		})
	}
}

func TestADamagedCSVFileIsRefusedWhole(t *testing.T) {
	t.Parallel()
	big5 := encoded(t, traditionalchinese.Big5, "企業名稱,聯絡人姓名,手機號碼\n香港萬家物流有限公司,陳大文,51234567\n臺灣電器股份有限公司,李小龍,0912345678\n")
	for _, c := range []struct {
		name, file, want string
		row              int
	}{
		{"a quote that is never closed", "企业名称,联系人姓名,手机号\n甲公司,王伟,13900000001\n\"乙公司,李娜,13900000002\n", form.Truncated, 3},
		{"text after a closing quote", "企业名称,联系人姓名,手机号\n\"甲\"公司,王伟,13900000001\n", form.Corrupt, 2},
		{"cut inside a character", plainCSV[:len(plainCSV)-len("西南区,")-len("=\"13900000005\",")+1] + "\xe8\xa5", form.Truncated, 0},
		{"Big5", big5, form.EncodingUnknown, 0},
		{"Latin letters with accents", "Soci\xe9t\xe9,Pr\xe9nom,T\xe9l\xe9phone\n", form.EncodingUnknown, 0},
		{"a UTF-8 mark before GB18030", "\xef\xbb\xbf" + encoded(t, simplifiedchinese.GB18030, plainCSV), form.EncodingUnknown, 0},
		{"no header", "甲公司,王伟,13900000001\n", form.NoHeader, 0},
		{"another header", "企业名称,地址\n甲公司,苏州\n", form.UnknownColumns, 1},
		{"one line too many", "企业名称,联系人姓名,手机号" + strings.Repeat("\n", 1<<20) + "甲公司,王伟,1", form.TooManyRows, 0},
		{"a field of 2 MB", "企业名称,联系人姓名,手机号\n甲公司,王伟," + strings.Repeat("1", 2<<20), form.Corrupt, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := read([]byte(c.file))
			if e := wantFileError(t, err, c.want); c.row != 0 && e.Row != c.row {
				t.Errorf("got row %d, want %d", e.Row, c.row)
			}
		})
	}
}

// TestALongCSVFileIsReadInPieces moves characters, quotes and line breaks across
// the ends of what is held at a time.
func TestALongCSVFileIsReadInPieces(t *testing.T) {
	t.Parallel()
	const n = 4000
	for shift := range 8 {
		var b strings.Builder
		b.WriteString("企业名称,联系人姓名,手机号," + strings.Repeat("x", shift) + "\r\n")
		for i := range n {
			fmt.Fprintf(&b, "\"甲公司(\"\"%d\"\")\",王伟,\r\n", i)
		}
		for _, file := range []string{b.String(), encoded(t, simplifiedchinese.GB18030, b.String())} {
			s := mustRead(t, []byte(file))
			for i, r := range s.rows {
				if want := fmt.Sprintf("甲公司(\"%d\")", i); r.Number != i+2 || r.Corp != want || r.Contact != "王伟" {
					t.Fatalf("got %+v, want %s in row %d", r, want, i+2)
				}
			}
			if len(s.rows) != n {
				t.Errorf("got %d rows, want %d", len(s.rows), n)
			}
		}
		_, err := read([]byte(b.String() + "甲\xe5"))
		if e := wantFileError(t, err, form.Truncated); e.Row != n+2 {
			t.Errorf("got row %d, want %d", e.Row, n+2)
		}
	}
}

func TestAFileOfMoreThan200MBIsNotRead(t *testing.T) {
	t.Parallel()
	_, err := readAll(context.Background(), huge{t}, 200<<20+1, roster.Options{})
	wantFileError(t, err, form.TooLarge)
}

// TestR31_NoRowIsLost makes rosters at random and counts what comes out.
func TestR31_NoRowIsLost(t *testing.T) {
	t.Parallel()
	values := []string{"", "", " ", "甲公司", "乙公司", "王伟", "负责人", "13900000001", "13900000002", "1.39E+10", "华东区/江苏省", "a//b", "A1", "7", "01", "#N/A", "x,y", "x\"y", "x\ny", "<b>"}
	for seed := range uint64(100) {
		pick := rand.New(rand.NewPCG(seed, 25))
		var text bytes.Buffer
		text.WriteString("企业名称,联系人姓名,身份,手机号,上下游分组,自定义企业ID,自定义成员ID\n")
		rows := [][]any{heading}
		var want []int
		for n := range 1 + pick.IntN(40) {
			var cells []any
			var fields []string
			filled := false
			for range 7 {
				v := values[pick.IntN(len(values))]
				if pick.IntN(4) == 0 {
					v = ""
				}
				cells = append(cells, v)
				fields = append(fields, `"`+strings.ReplaceAll(v, `"`, `""`)+`"`)
				filled = filled || strings.TrimSpace(v) != ""
			}
			if filled {
				want = append(want, n+2)
			}
			rows = append(rows, cells)
			text.WriteString(strings.Join(fields, ",") + "\n")
		}
		if len(want) == 0 {
			continue
		}
		var outcomes [2]string
		for i, b := range [][]byte{text.Bytes(), book(t, rows)} {
			s := mustRead(t, b)
			var got []int
			for _, r := range s.rows {
				got = append(got, r.Number)
				outcomes[i] += outcome(r) + "\n"
			}
			if !slices.Equal(got, want) || s.OK+failed(s.rows) != len(want) {
				t.Errorf("seed %d: got rows %v, %d ok, %d failed, want %v", seed, got, s.OK, failed(s.rows), want)
			}
		}
		if outcomes[0] != outcomes[1] {
			t.Errorf("seed %d: got %s as CSV, want %s as in the workbook", seed, outcomes[0], outcomes[1])
		}
	}
}

func FuzzACSVFileIsReadWholeOrRefused(f *testing.F) {
	f.Add([]byte(plainCSV))
	f.Add([]byte("企业名称,联系人姓名,手机号\n\"甲\"\"公司\",王伟,13900000001\r\n,,\r乙;\t"))
	f.Add([]byte("\xef\xbb\xbfCorp name\tContact name\tPhone\nA\tB\t+85251234567"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := read(b)
		if err != nil {
			if got := fmt.Sprint(err); !strings.HasPrefix(got, "roster: ") {
				t.Fatalf("got %v, want a file error", err)
			}
			return
		}
		last := s.HeaderRow
		for _, r := range s.rows {
			if r.Number <= last {
				t.Fatalf("got row %d after %d, want them in order", r.Number, last)
			}
			last = r.Number
			if r.Code == "" && (r.Corp == "" || r.Contact == "" || !strings.HasPrefix(r.Phone, "+")) {
				t.Fatalf("got %+v, want it whole", r)
			}
			if r.Code != "" {
				if form.Advice(r.Code, "en") == "" {
					t.Fatalf("got code %s, want one with advice", r.Code)
				}
			}
		}
		if len(s.rows) == 0 {
			t.Fatal("got no row, want empty_file")
		}
	})
}
