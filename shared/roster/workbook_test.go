package roster_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// parts is a workbook written by hand, part by part.
type parts map[string]string

const (
	mainNS = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	relNS  = `xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	relURL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	header = `<row r="1"><c r="A1" t="inlineStr"><is><t>企业名称</t></is></c><c r="B1" t="inlineStr"><is><t>联系人姓名</t></is></c><c r="C1" t="inlineStr"><is><t>手机号</t></is></c></row>`
)

// sheet is the parts of a workbook whose only sheet holds these rows below a
// header of three columns. Its parts have names that nobody would guess.
func sheet(rows string, strs ...string) parts {
	p := parts{
		"[Content_Types].xml": `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`,
		"_rels/.rels":         `<Relationships><Relationship Id="r1" Type="` + relURL + `officeDocument" Target="/data/Book.xml"/></Relationships>`,
		"data/book.xml":       `<workbook ` + mainNS + ` ` + relNS + `><sheets><sheet name="a" sheetId="1" r:id="r7"/></sheets></workbook>`,
		"data/_rels/Book.xml.rels": `<Relationships><Relationship Id="r7" Type="` + relURL + `worksheet" Target="tabs/one.xml"/>` +
			`<Relationship Id="r8" Type="` + relURL + `sharedStrings" Target="../texts.xml"/></Relationships>`,
		"data/tabs/one.xml": `<worksheet ` + mainNS + `><sheetData>` + header + rows + `</sheetData></worksheet>`,
	}
	p["texts.xml"] = `<sst ` + mainNS + `>`
	for _, s := range strs {
		p["texts.xml"] += `<si>` + s + `</si>`
	}
	p["texts.xml"] += `</sst>`
	return p
}

func (p parts) zip(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	fast, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { fast.Reset(out); return fast, nil })
	for name, s := range p {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (p parts) with(name, s string) parts { p[name] = s; return p }

// person is a row of a number, whose cell C is given.
func person(row int, c string) string {
	return fmt.Sprintf(`<row r="%d"><c r="A%[1]d" t="inlineStr"><is><t>甲公司</t></is></c><c r="B%[1]d" t="inlineStr"><is><t>王伟</t></is></c>%s</row>`, row, c)
}

func TestACellIsReadByItsStoredValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, cell, want string }{
		{"a number", `<c r="C2"><v>13900000001</v></c>`, "2,ok,,+8613900000001"},
		{"a number as Java prints it", `<c r="C2"><v>1.3900000001E10</v></c>`, "2,ok,,+8613900000001"},
		{"a number of many digits", `<c r="C2"><v>1.3900000001234501E+17</v></c>`, "2,failed,phone_digits_lost,"},
		{"that as text", `<c r="C2" t="str"><v>1.39E10</v></c>`, "2,failed,phone_digits_lost,"},
		{"a shared text of several runs, without its reading", `<c r="C2" t="s"><v>1</v></c>`, "2,ok,,+8613900000001"},
		{"an escaped line break", `<c r="C2" t="inlineStr"><is><t>13900000001_x000D_</t></is></c>`, "2,ok,,+8613900000001"},
		{"a formula with its value", `<c r="C2" t="str"><f>"139"&amp;"00000001"</f><v>13900000001</v></c>`, "2,ok,,+8613900000001"},
		{"a formula that came to nothing", `<c r="C2" t="str"><f>IF(1,"")</f><v></v></c>`, "2,failed,phone_missing,"},
		{"a formula that was never computed", `<c r="C2"><f>A1</f></c>`, "2,failed,formula_without_value,"},
		{"a shared formula that was never computed", `<c r="C2"><f t="shared" si="0"/><v/></c>`, "2,failed,formula_without_value,"},
		{"an error", `<c r="C2" t="e"><f>1/0</f><v>#DIV/0!</v></c>`, "2,failed,cell_error,"},
		{"a truth value", `<c r="C2" t="b"><v>1</v></c>`, "2,failed,phone_invalid,"},
		{"cells without references", `<c><v>13900000001</v></c>`, "2,ok,,+8613900000001"},
		{"an error in a column that means nothing", `<c r="C2"><v>13900000001</v></c><c r="D2" t="e"><v>#N/A</v></c>`, "2,ok,,+8613900000001"},
		{"a cell far to the right", `<c r="C2"><v>13900000001</v></c><c r="XFD2"><v>1</v></c>`, "2,ok,,+8613900000001"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := mustRead(t, sheet(person(2, c.cell), `<t>x</t>`, `<r><t>1390000</t></r><r><rPr/><t xml:space="preserve">0001 </t></r><rPh sb="0" eb="1"><t>9</t></rPh>`).zip(t))
			if got := outcome(s.rows[0]); len(s.rows) != 1 || got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestRowsWithoutNumbersFollowOneAnother(t *testing.T) {
	t.Parallel()
	rows := strings.ReplaceAll(person(2, "<c><v>13900000001</v></c>"), ` r="2"`, "") + person(9, "") + strings.ReplaceAll(person(10, ""), ` r="10"`, "")
	s := mustRead(t, sheet(strings.NewReplacer(` r="A2"`, "", ` r="B2"`, "").Replace(rows)).zip(t))
	if len(s.rows) != 3 || s.rows[0].Number != 2 || s.rows[1].Number != 9 || s.rows[2].Number != 10 {
		t.Errorf("got %+v, want rows 2, 9 and 10", s.rows)
	}
}

const cellC = `<c r="C2"><v>13900000001</v></c>`

func TestADamagedWorkbookIsRefusedWhole(t *testing.T) {
	t.Parallel()
	two := person(2, cellC) + person(3, `<c r="C3"><v>13900000002</v></c>`)
	good := sheet(two).zip(t)
	one := "data/tabs/one.xml"
	cut := func(end string) parts {
		p := sheet(two)
		return p.with(one, p[one][:strings.Index(p[one], end)])
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
		row  int
	}{
		{"cut in half", good[:len(good)/2], form.Truncated, 0},
		{"without its last byte", good[:len(good)-1], form.Truncated, 0},
		{"a sheet cut between rows", cut(`<row r="3"`).zip(t), form.Truncated, 2},
		{"a sheet cut inside a row", cut(`<v>13900000002`).zip(t), form.Truncated, 3},
		{"a sheet cut inside a tag", cut(`" t="inlineStr"><is><t>王伟</t></is></c><c r="C3"`).zip(t), form.Truncated, 3},
		{"a sheet without data", sheet("").with(one, `<worksheet `+mainNS+`/>`).zip(t), form.Truncated, 0},
		{"a bare ampersand", sheet(person(2, cellC) + person(3, `<c r="C3" t="inlineStr"><is><t>A&B</t></is></c>`)).zip(t), form.Corrupt, 3},
		{"a control character", sheet(person(2, `<c r="C2" t="inlineStr"><is><t>`+"\x01"+`</t></is></c>`)).zip(t), form.Corrupt, 2},
		{"a text that isn't there", sheet(person(2, `<c r="C2" t="s"><v>1</v></c>`), "<t>x</t>").zip(t), form.Corrupt, 2},
		{"rows that go back", sheet(person(3, "") + person(2, "")).zip(t), form.Corrupt, 3},
		{"a cell of another row", sheet(person(2, `<c r="C3"><v>1</v></c>`)).zip(t), form.Corrupt, 2},
		{"a document type", sheet("").with(one, `<!DOCTYPE x [<!ENTITY a "b">]><worksheet `+mainNS+`><sheetData/></worksheet>`).zip(t), form.Corrupt, 0},
		{"overlapping merges", sheet(two).with(one, `<worksheet `+mainNS+`><sheetData>`+header+two+`</sheetData><mergeCells><mergeCell ref="A2:A3"/><mergeCell ref="A3:A9"/></mergeCells></worksheet>`).zip(t), form.Corrupt, 3},
		{"a missing sheet", func() []byte { p := sheet(two); delete(p, one); return p.zip(t) }(), form.Corrupt, 0},
		{"a row too far", sheet(person(1048577, "")).zip(t), form.TooManyRows, 1048577},
		{"a text without end", sheet(person(2, `<c r="C2" t="inlineStr"><is><t>`+noise(2<<20)+`</t></is></c>`)).zip(t), form.Corrupt, 2},
		{"a bomb", sheet(person(2, cellC) + strings.Repeat("<!-- x -->", 2<<20)).zip(t), form.ZipBomb, 0},
		{"a wrong check sum", wrongSum(t), form.Corrupt, 2},
		{"two entries of one name", twice(t), form.Corrupt, 0},
		{"600 entries", crowded(t), form.TooLarge, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := read(c.file)
			if e := wantFileError(t, err, c.want); c.row != 0 && e.Row != c.row {
				t.Errorf("got row %d, want %d", e.Row, c.row)
			}
		})
	}
}

// noise is letters that don't pack well.
func noise(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = 'a' + byte(x>>24)%26
	}
	return string(b)
}

// wrongSum is a workbook whose sheet was changed after its sum was taken.
func wrongSum(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, s := range sheet(person(2, cellC)) {
		h := &zip.FileHeader{Name: name, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(s)), CompressedSize64: uint64(len(s)), UncompressedSize64: uint64(len(s))}
		f, err := w.CreateRaw(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, strings.Replace(s, "13900000001", "13900000007", 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func twice(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for range 2 {
		if _, err := w.Create("xl/workbook.xml"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func crowded(t *testing.T) []byte {
	t.Helper()
	p := sheet(person(2, cellC))
	for i := range 600 {
		p[fmt.Sprintf("media/%d", i)] = ""
	}
	return p.zip(t)
}

// Entries that overlap let a small archive unpack to terabytes.
func TestEntriesThatShareBytesAreABomb(t *testing.T) {
	t.Parallel()
	b := sheet(person(2, cellC)).zip(t)
	at := bytes.Index(b, []byte("PK\x01\x02")) // the directory's first entry
	next := at + 1 + bytes.Index(b[at+1:], []byte("PK\x01\x02"))
	copy(b[next+42:next+46], b[at+42:at+46]) // the offset of its data
	_, err := read(b)
	wantFileError(t, err, form.ZipBomb)
}

func TestAnEncryptedEntryIsAPassword(t *testing.T) {
	t.Parallel()
	b := sheet(person(2, cellC)).zip(t)
	at := bytes.Index(b, []byte("PK\x01\x02"))
	b[at+8] |= 1
	_, err := read(b)
	wantFileError(t, err, form.PasswordProtected)
}

func compound(stream string) []byte {
	b := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 3000)...)
	for _, u := range utf16.Encode([]rune(stream)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return append(b, make([]byte, 1000)...)
}

func TestAFileIsToldForWhatItIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, want string
	}{
		{"nothing", "", form.EmptyFile},
		{"white space", " \r\n\t\n", form.EmptyFile},
		{"a byte order mark", "\xef\xbb\xbf", form.EmptyFile},
		{"an .xls", string(compound("Workbook")), form.LegacyXLS},
		{"an older .xls", string(compound("Book")), form.LegacyXLS},
		{"an .xls of Excel 4", "\x09\x04\x06\x00\x00\x00\x10\x00", form.LegacyXLS},
		{"an .xlsx under a password", string(compound("EncryptedPackage")), form.PasswordProtected},
		{"a .doc", string(compound("WordDocument")), form.NotAWorkbook},
		{"an .ods", string(parts{"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}.zip(t)), form.NotAWorkbook},
		{"a .docx", string(sheet("").with("[Content_Types].xml", "<Types/>").with("word/document.xml", "<x/>").zip(t)), form.NotAWorkbook},
		{"an empty archive", string(parts{}.zip(t)), form.NotAWorkbook},
		{"a web page", "\r\n <!DOCTYPE HTML><table><tr><td>企业名称</td></tr></table>", form.NotAWorkbook},
		{"a table saved as .xls", "<table><tr><td>企业名称</td></tr></table>", form.NotAWorkbook},
		{"an XML spreadsheet", `<?xml version="1.0"?><Workbook/>`, form.NotAWorkbook},
		{"a PDF", "%PDF-1.7\n", form.NotAWorkbook},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", form.NotAWorkbook},
		{"half a character of UTF-16", "\xff\xfe\x01\x4f\x1a", form.Truncated},
		{"half a pair of UTF-16", "\xff\xfe\x01\xd8\x1a\x4e", form.EncodingUnknown},
		{"a hidden sheet alone", string(sheet(person(2, cellC)).with("data/book.xml", `<workbook `+mainNS+` `+relNS+`><sheets><sheet name="a" state="veryHidden" r:id="r7"/></sheets></workbook>`).zip(t)), form.EmptyFile},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := read([]byte(c.file))
			wantFileError(t, err, c.want)
		})
	}
}

// huge says that it is large and mustn't be read to find that out.
type huge struct{ t *testing.T }

func (h huge) ReadAt([]byte, int64) (int, error) {
	h.t.Error("got a read, want none")
	return 0, io.EOF
}
