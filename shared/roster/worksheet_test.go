package roster_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
)

// awkward writes the same document so that nothing of it stands in the usual
// forms.
var awkward = strings.NewReplacer("<c ", "<c\n", "<si><t", "<si><!-- --><t", "</si>", "\n</si>", "<v>", "<v >", "</t>", "</t >")

var (
	cellRef = regexp.MustCompile(`<c( r="[A-Z]+[0-9]+")( [^>]*)?`)
	tagName = regexp.MustCompile(`(</?)([a-zA-Z])`)
)

// prefixed gives each element a prefix.
func prefixed(s string) string {
	return strings.Replace(tagName.ReplaceAllString(s, "${1}x:$2"), " xmlns=", " xmlns:x=", 1)
}

func TestTheUsualFormsMeanWhatTheyMeanElsewhere(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{false, true} {
		p := dealerParts(3000, shared)
		for name, change := range map[string]func(string) string{
			"as it is":            func(s string) string { return s },
			"awkwardly":           awkward.Replace,
			"with spaces kept":    func(s string) string { return strings.ReplaceAll(s, "<t>", `<t xml:space="preserve">`) },
			"without styles":      func(s string) string { return strings.ReplaceAll(s, ` s="1"`, "") },
			"with line breaks":    func(s string) string { return strings.ReplaceAll(s, "><row", ">\r\n<row") },
			"with single quotes":  func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, `"`, `'`), `='http`, ` ='http`) },
			"with a prefix":       prefixed,
			"without references":  func(s string) string { return cellRef.ReplaceAllString(s, "<c$2") },
			"as text of formulas": func(s string) string { return strings.ReplaceAll(s, "<v>", "<f>A1</f><v>") },
		} {
			q := parts{}
			for part, s := range p {
				if strings.HasSuffix(part, "sheet1.xml") || strings.HasSuffix(part, "sharedStrings.xml") {
					s = change(s)
				}
				q[part] = s
			}
			s := mustRead(t, q.zip(t))
			if s.OK != 3000 {
				t.Errorf("%s: got %d good rows, want 3000", name, s.OK)
			}
			for n, r := range s.rows {
				want := dealer(n)
				if r.Number != n+2 || r.Corp != want[0] || r.Contact != want[1] || r.Leader != (want[2] == "负责人") || r.Phone != "+86"+want[3] ||
					strings.Join(r.Group, "/") != want[4] || r.CustomID != want[5] || r.MemberCustomID != want[6] {
					t.Fatalf("%s: got %+v, want %q", name, r, want)
				}
			}
		}
	}
}

func TestAStrictWorkbookIsReadAsAnyOther(t *testing.T) {
	t.Parallel()
	p := sheet(person(2, cellC))
	strict := strings.NewReplacer("http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main",
		"http://schemas.openxmlformats.org/officeDocument/2006/relationships", "http://purl.oclc.org/ooxml/officeDocument/relationships")
	for name, s := range p {
		p[name] = strict.Replace(s)
	}
	if s := mustRead(t, p.zip(t)); s.OK != 1 {
		t.Errorf("got %+v, want one good row", s.rows)
	}
}

func TestOnlyTheSheetsOwnDataIsData(t *testing.T) {
	t.Parallel()
	p := sheet(person(2, cellC))
	p = p.with(sheetPart, strings.Replace(p[sheetPart], "</sheetData>", `</sheetData><controls xmlns:xdr="urn:x"><control><from><xdr:row>5</xdr:row></from></control></controls>`+
		`<extLst><ext><sheetData><row r="9"/></sheetData></ext></extLst>`, 1))
	if s := mustRead(t, p.zip(t)); s.OK != 1 || s.Rows != 1 {
		t.Errorf("got %+v, want one row", s.rows)
	}
}

func TestWhatMayHaveBeenACellIsDamage(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]string{
		"an unknown element for a row":   `<rox r="2"><c r="A2"/></rox>`,
		"an unknown element for a cell":  `<row r="2"><d r="A2"><v>1</v></d></row>`,
		"an unknown element for a value": `<row r="2"><c r="A2"><w>1</w></c></row>`,
		"an element inside a value":      `<row r="2"><c r="A2"><v>1<w/></v></c></row>`,
		"an inline text of no kind":      `<row r="2"><c r="A2"><is><t>甲公司</t></is></c></row>`,
		"an unknown kind":                `<row r="2"><c r="A2" t="inlineStR"><is><t>甲公司</t></is></c></row>`,
		"text between the rows":          `row r="2">`,
		"text between the cells":         `<row r="2">c r="A2"/></row>`,
		"text in a cell":                 `<row r="2"><c r="A2">v>1</c></row>`,
		"a column too far":               `<row r="2"><c r="XFE2"/></row>`,
		"a column of four letters":       `<row r="2"><c r="AAAA2"/></row>`,
		"a column in small letters":      `<row r="2"><c r="a2"/></row>`,
		"cells that go back":             `<row r="2"><c r="B2"/><c r="A2"/></row>`,
		"a cell twice":                   `<row r="2"><c r="B2"/><c r="B2"/></row>`,
		"row 0":                          `<row r="0"/>`,
		"a negative row":                 `<row r="-2"/>`,
		"a row of 10^9":                  `<row r="1000000000"/>`,
		"a row of 10^20":                 `<row r="100000000000000000000"/>`,
		"a negative text":                `<row r="2"><c r="A2" t="s"><v>-1</v></c></row>`,
		"a text that isn't there":        `<row r="2"><c r="A2" t="s"><v>1</v></c></row>`,
		"a text without a number":        `<row r="2"><c r="A2" t="s"><v>x</v></c></row>`,
		"a second lot of data":           `</sheetData><sheetData>`,
		"data in data":                   `<sheetData></sheetData>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := read(sheet(rows, "<t>x</t>").zip(t))
			want := form.Corrupt
			if name == "a row of 10^9" {
				want = form.TooManyRows
			}
			wantFileError(t, err, want)
		})
	}
}

func TestADateIsReadAsADate(t *testing.T) {
	t.Parallel()
	const styles = `<styleSheet ` + mainNS + `><numFmts><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;"/><numFmt numFmtId="165" formatCode="[Red]0.00&quot;day&quot;;\d0"/><numFmt numFmtId="166" formatCode="General"/></numFmts>` +
		`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"><alignment/></xf><xf numFmtId="165"/><xf numFmtId="166"/></cellXfs></styleSheet>`
	for _, c := range []struct{ cell, want string }{
		{`<c r="D2"><v>45000</v></c>`, "45000 "},
		{`<c r="D2" s="0"><v>45000</v></c>`, "45000 "},
		{`<c r="D2" s="1"><v>45000</v></c>`, "2023-03-15 custom_id_invalid"},
		{`<c r="D2" s="2"><v>45000.75</v></c>`, "2023-03-15 custom_id_invalid"},
		{`<c r="D2" s="1"><v>60</v></c>`, "1900-02-28 custom_id_invalid"},
		{`<c r="D2" s="3"><v>45000</v></c>`, "45000 "},
		{`<c r="D2" s="4"><v>45000</v></c>`, "45000 "},
		{`<c r="D2" s="9"><v>45000</v></c>`, "45000 "},
		{`<c r="D2" s="1"><v>3000000</v></c>`, "3000000 "},
		{`<c r="D2" t="d"><v>2023-03-15T00:00:00</v></c>`, "2023-03-15T00:00:00 custom_id_invalid"},
	} {
		for _, cell := range []string{c.cell, awkward.Replace(c.cell)} {
			p := sheet(person(2, cellC+cell)).with("data/styles.xml", styles)
			p[sheetPart] = strings.Replace(p[sheetPart], "</row>", `<c r="D1" t="inlineStr"><is><t>自定义企业ID</t></is></c></row>`, 1)
			const rels = "data/_rels/Book.xml.rels"
			p[rels] = strings.Replace(p[rels], "</Relationships>", `<Relationship Id="r9" Type="`+relURL+`styles" Target="styles.xml"/></Relationships>`, 1)
			r := mustRead(t, p.zip(t)).rows[0]
			if got := r.CustomID + " " + r.Code; got != c.want {
				t.Errorf("%s: got %s, want %s", cell, got, c.want)
			}
		}
	}
}

func TestASheetIsReadByItsName(t *testing.T) {
	t.Parallel()
	b := book(t, [][]any{heading, row(1, "王伟")}, func(f *excelize.File) {
		for _, name := range []string{"华东 名单", "Hidden"} {
			if _, err := f.NewSheet(name); err != nil {
				t.Fatal(err)
			}
			r := row(1, name)
			r[1] = "李娜"
			for cell, values := range map[string]*[]any{"A1": &heading, "A2": &r} {
				if err := f.SetSheetRow(name, cell, values); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := f.SetSheetVisible("Hidden", false); err != nil {
			t.Fatal(err)
		}
	})
	for _, c := range []struct{ name, sheet, contact string }{
		{"", "Sheet1", "王伟"}, {"Sheet1", "Sheet1", "王伟"}, {"SHEET1", "Sheet1", "王伟"},
		{"华东 名单", "华东 名单", "李娜"}, {" 华东　名单 ", "华东 名单", "李娜"}, {"hidden", "Hidden", "李娜"},
	} {
		s, err := readSheet(b, c.name)
		if err != nil || s.Name != c.sheet || s.rows[0].Contact != c.contact {
			t.Errorf("%q: got %+v, %v, want %s of %s", c.name, s, err, c.contact, c.sheet)
		}
	}
	_, err := readSheet(b, "华南")
	if e := wantFileError(t, err, form.NoHeader); !strings.Contains(e.Detail, "华南") {
		t.Errorf("got %q, want it to name the sheet", e.Detail)
	}
	if s, err := readSheet([]byte(plainCSV), "华南"); err != nil || s.Name != "" {
		t.Errorf("got %+v, %v, want a CSV file read whatever the name", s, err)
	}
}

// TestMergedAreasAreFoundBehindTheRows has areas that mean something only far
// down, when rows have been given already, and counts what comes.
func TestMergedAreasAreFoundBehindTheRows(t *testing.T) {
	t.Parallel()
	const rows = 500
	phone := func(n int) string { return fmt.Sprintf("139%08d", n) }
	var body strings.Builder
	for n := 2; n < 2+rows; n++ {
		corp := fmt.Sprintf(`<c r="A%d" t="inlineStr"><is><t>公司%d</t></is></c>`, n, n)
		if n > 400 && n%5 != 0 || n == 7 {
			corp = ""
		}
		fmt.Fprintf(&body, `<row r="%d">%s<c r="B%[1]d" t="inlineStr"><is><t>王伟</t></is></c><c r="C%[1]d"><v>%[3]s</v></c></row>`, n, corp, phone(n))
	}
	for _, c := range []struct {
		name, areas string
		filled      func(int) int // the row whose corp a row has, 0 for none
	}{
		{"none", "", func(n int) int { return 0 }},
		{"a title", `<mergeCell ref="A1:B1"/>`, func(n int) int { return 0 }},
		{"of another column", `<mergeCell ref="D6:D8"/>`, func(n int) int { return 0 }},
		{"of the header", `<mergeCell ref="A1:A8"/>`, func(n int) int { return 0 }},
		{"one", `<mergeCell ref="A405:A409"/>`, func(n int) int {
			if n > 405 && n <= 409 {
				return 405
			}
			return 0
		}},
		{"many", manyAreas(), func(n int) int {
			if n > 400 {
				return n / 5 * 5
			}
			return 0
		}},
		{"the first blank", `<mergeCell ref="A6:A7"/>`, func(n int) int {
			if n == 7 {
				return 6
			}
			return 0
		}},
		{"over what isn't blank", `<mergeCell ref="A3:B9"/>`, func(n int) int {
			if n == 7 {
				return 3
			}
			return 0
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := sheet(body.String())
			p[sheetPart] = strings.Replace(p[sheetPart], "</sheetData>", "</sheetData><mergeCells>"+c.areas+"</mergeCells>", 1)
			s := mustRead(t, p.zip(t))
			if len(s.rows) != rows {
				t.Fatalf("got %d rows, want %d", len(s.rows), rows)
			}
			for i, r := range s.rows {
				n := i + 2
				want := network.RosterRow{Number: n, Corp: fmt.Sprint("公司", n), Contact: "王伟", Phone: "+86" + phone(n)}
				if n > 400 && n%5 != 0 || n == 7 {
					want.Corp, want.Code, want.Field = "", form.CorpNameMissing, "corp_name"
					if from := c.filled(n); from != 0 {
						want.Corp, want.Code, want.Field = fmt.Sprint("公司", from), "", ""
					}
				}
				if fmt.Sprint(r) != fmt.Sprint(want) {
					t.Fatalf("got %+v, want %+v", r, want)
				}
			}
		})
	}
}

func manyAreas() string {
	var b strings.Builder
	for n := 400; n < 502; n += 5 {
		fmt.Fprintf(&b, `<mergeCell ref="A%d:A%d"/>`, n, n+4)
	}
	return b.String()
}

// Formatted rows without a text may follow for as far as a sheet goes, and a
// forgotten cell after them is a row like any other.
func TestBlankRowsBehindTheLastAreNone(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for n := 3; n < 50_000; n++ {
		fmt.Fprintf(&b, `<row r="%d"><c r="A%[1]d" s="1"/><c r="B%[1]d" s="1"></c></row>`, n)
	}
	s := mustRead(t, sheet(person(2, cellC)+b.String()+person(1<<20, "")).zip(t))
	if s.Rows != 2 || s.OK != 1 || s.rows[1].Number != 1<<20 {
		t.Errorf("got %+v, want rows 2 and 1048576", s.rows)
	}
	s = mustRead(t, []byte(plainHeader+"甲公司,王伟,13900000001\n"+strings.Repeat(",,\n", 50_000)+"乙公司,,\n"))
	if s.Rows != 2 || s.OK != 1 || s.rows[1].Number != 50_003 {
		t.Errorf("got %+v, want rows 2 and 50003", s.rows)
	}
}

func TestLinesAreTheRowsAsTheyStand(t *testing.T) {
	t.Parallel()
	p := sheet(person(3, `<c r="C3" s="3"><v>1.39E10</v></c><c r="D3" t="e"><v>#N/A</v></c><c r="F3"><f>A1</f></c>`)+`<row r="4"><c r="A4" s="1"/></row>`+
		`<row r="900"><c r="B900" s="2" t="s"><v>0</v></c><c r="E900" t="b"><v>1</v></c></row>`, "<t xml:space=\"preserve\"> "+strings.Repeat("长", 3000)+"\n</t>")
	p[sheetPart] = strings.Replace(p[sheetPart], header, `<row r="1"><c r="A1" t="inlineStr"><is><t>名单</t></is></c></row>`+strings.ReplaceAll(header, `1"`, `2"`), 1)
	want := []string{
		"1 false [{0 0 名单 0}]",
		"2 true [{0 0 企业名称 0} {1 0 联系人姓名 0} {2 0 手机号 0}]",
		"3 false [{0 0 甲公司 0} {1 0 王伟 0} {2 1 1.39E10 3} {3 2 #N/A 0} {5 3  0}]",
		"900 false [{1 0  " + strings.Repeat("长", 3000) + "\n 2} {4 0 TRUE 0}]",
	}
	got, s, err := linesOf(p.zip(t))
	if err != nil || s.Name != "a" || s.HeaderRow != 2 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q of %+v, %v, want %q", got, s, err, want)
	}
	got, s, err = linesOf([]byte("名单\n\n" + plainCSV))
	if err != nil || s.HeaderRow != 3 || len(got) != 7 || got[2] != "4 false [{0 0 甲公司 0} {1 0 王伟 0} {2 0 负责人 0} {3 0 13900000001 0} {4 0 华东区/江苏省 0}]" {
		t.Errorf("got %q of %+v, %v, want row 4 after the header in row 3", got, s, err)
	}
	if _, _, err = linesOf(sheet(person(2, "<c>")).zip(t)); err == nil {
		t.Error("got the lines of a damaged sheet, want an error")
	}
}

func readSheet(b []byte, name string) (*whole, error) {
	return readAll(context.Background(), bytes.NewReader(b), int64(len(b)), roster.Options{Sheet: name})
}

func linesOf(b []byte) ([]string, *roster.Sheet, error) {
	var lines []string
	s, err := roster.Lines(context.Background(), bytes.NewReader(b), int64(len(b)), roster.Options{}, func(l *roster.Line) error {
		lines = append(lines, fmt.Sprint(l.Number, l.Header, l.Cells))
		return nil
	})
	return lines, s, err
}
