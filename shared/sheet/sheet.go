// Package sheet writes long tables as .xlsx or .csv, a part at a time: each
// part is made from a sum of a few bytes, so a table that takes more than one
// run is gone on with where it was left, and no more of it is held than a part.
//
// A workbook's rows are one deflated stream, which may be flushed between any
// two rows and gone on with by another writer; its checksum goes on in the same
// way. Only when all parts are there is the archive put around them.
//
// A cell that begins as a formula does is text: in a workbook because every
// cell is, in a CSV because a ' stands before it.
package sheet

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// Format is how a table is written.
type Format string

const (
	XLSX Format = "xlsx"
	CSV  Format = "csv"
)

// MaxRows is how many rows a worksheet has, the first among them (Excel's
// limit). A CSV has none, but is for the same programs.
const MaxRows = 1 << 20

// Type is the format's media type.
func (f Format) Type() string {
	if f == CSV {
		return "text/csv; charset=utf-8"
	}
	return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
}

// Sum is what the next part must know of those before it: how many bytes they
// have, packed and not, their checksum and their rows. The zero Sum is of none.
type Sum struct {
	Size, Raw int64
	CRC       uint32
	Rows      int
}

// Part is a stretch of a table's rows.
type Part struct {
	format Format
	sum    Sum
	out    bytes.Buffer
	pack   *flate.Writer // nil in a CSV
	csv    *csv.Writer   // nil in a workbook
	row    bytes.Buffer
	err    error
}

// What stands around a worksheet's rows.
const (
	sheetHead = xml.Header + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`
	sheetTail = `</sheetData></worksheet>`
)

// bom tells Excel that a CSV is UTF-8.
const bom = "\ufeff"

// New is the part that comes behind those of which sum is.
func New(f Format, sum Sum) (*Part, error) {
	p := &Part{format: f, sum: sum}
	if f == CSV {
		p.csv = csv.NewWriter(&p.out)
		p.csv.UseCRLF = true // RFC 4180
		if sum.Rows == 0 {
			p.out.WriteString(bom)
		}
		return p, nil
	}
	var err error
	if p.pack, err = flate.NewWriter(&p.out, flate.BestSpeed); err != nil {
		return nil, err
	}
	if sum.Rows == 0 {
		p.write([]byte(sheetHead))
	}
	return p, nil
}

// Row adds a row.
func (p *Part) Row(cells ...string) {
	p.sum.Rows++
	if p.format == CSV {
		safe := make([]string, len(cells))
		for i, c := range cells {
			safe[i] = harmless(c)
		}
		p.fail(p.csv.Write(safe))
		return
	}
	p.row.Reset()
	p.row.WriteString("<row>")
	for _, c := range cells {
		if c == "" {
			p.row.WriteString("<c/>")
			continue
		}
		p.row.WriteString(`<c t="inlineStr"><is><t xml:space="preserve">`)
		p.fail(xml.EscapeText(&p.row, []byte(c)))
		p.row.WriteString("</t></is></c>")
	}
	p.row.WriteString("</row>")
	p.write(p.row.Bytes())
}

// Rows is how many rows there are, with those of the parts before.
func (p *Part) Rows() int { return p.sum.Rows }

// End gives the part's bytes and the sum with them. last says that no other
// comes behind it.
func (p *Part) End(last bool) ([]byte, Sum, error) {
	switch {
	case p.format == CSV:
		p.csv.Flush()
		p.fail(p.csv.Error())
	case last:
		p.write([]byte(sheetTail))
		p.fail(p.pack.Close())
	default:
		p.fail(p.pack.Flush())
	}
	p.sum.Size += int64(p.out.Len())
	return p.out.Bytes(), p.sum, p.err
}

func (p *Part) write(b []byte) {
	p.sum.Raw += int64(len(b))
	p.sum.CRC = crc32.Update(p.sum.CRC, crc32.IEEETable, b)
	_, err := p.pack.Write(b)
	p.fail(err)
}

func (p *Part) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// harmless is a cell that no program takes for a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// frame is what a workbook has beside its rows.
var frame = []struct{ name, content string }{
	{"[Content_Types].xml", xml.Header + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`},
	{"_rels/.rels", xml.Header + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/workbook.xml", xml.Header + `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`},
	{"xl/_rels/workbook.xml.rels", xml.Header + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
}

// Assemble writes the whole file: parts are all of them, one behind the other,
// and sum is theirs.
func Assemble(w io.Writer, f Format, sum Sum, parts io.Reader) error {
	if f == CSV {
		return copyAll(w, parts, sum.Size)
	}
	z := zip.NewWriter(w)
	for _, part := range frame {
		e, err := z.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Store})
		if err == nil {
			_, err = io.WriteString(e, part.content)
		}
		if err != nil {
			return err
		}
	}
	e, err := z.CreateRaw(&zip.FileHeader{
		Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, CRC32: sum.CRC, CompressedSize64: uint64(sum.Size), UncompressedSize64: uint64(sum.Raw),
	})
	if err == nil {
		err = copyAll(e, parts, sum.Size)
	}
	if err != nil {
		return err
	}
	return z.Close()
}

func copyAll(w io.Writer, parts io.Reader, size int64) error {
	n, err := io.Copy(w, parts)
	if err == nil && n != size {
		err = fmt.Errorf("sheet: parts of %d bytes, want %d", n, size)
	}
	return err
}

// Size is how many bytes Assemble will write.
func Size(f Format, sum Sum) (int64, error) {
	if f == CSV {
		return sum.Size, nil
	}
	var n counter
	err := Assemble(&n, f, sum, io.LimitReader(zeros{}, sum.Size))
	return int64(n), err
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
