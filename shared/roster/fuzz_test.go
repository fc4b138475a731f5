package roster_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
)

// FuzzRead holds that whatever bytes are read whole or refused, and what is
// said of a row is what may be said.
func FuzzRead(f *testing.F) {
	p := sheet(person(2, cellC)+person(3, `<c r="C3" t="s"><v>0</v></c>`)+`<row><c><f>1</f></c></row>`, "<t>13900000002</t>", "<r><t>a</t></r>")
	p[sheetPart] = strings.Replace(p[sheetPart], "</sheetData>", `</sheetData><mergeCells><mergeCell ref="A2:A4"/></mergeCells>`, 1)
	f.Add(p.pack(f, packing{}))
	f.Add(p.pack(f, packing{stored: true}))
	f.Add(p.pack(f, packing{stored: true, descriptor: true, zip64: true}))
	f.Add([]byte(plainCSV))
	f.Add([]byte("\xff\xfe" + "A\x00\t\x00B\x00\n\x00"))
	f.Add(compound("Workbook"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<20 {
			return
		}
		s, err := read(b)
		_, lines, badLines := linesOf(b)
		if err != nil {
			e, ok := errors.AsType[*roster.FileError](err)
			if !ok || form.Advice(e.Code, "en") == "" {
				t.Fatalf("got %v, want a file error with advice", err)
			}
			return
		}
		if badLines != nil || lines.HeaderRow != s.HeaderRow {
			t.Fatalf("got lines of %+v, %v, want the header in row %d", lines, badLines, s.HeaderRow)
		}
		last := s.HeaderRow
		for _, r := range s.rows {
			if r.Number <= last {
				t.Fatalf("got row %d after %d, want them in order", r.Number, last)
			}
			last = r.Number
			if r.Code == "" && (r.Corp == "" || r.Contact == "" || !strings.HasPrefix(r.Phone, "+")) || r.Code != "" && form.Advice(r.Code, "en") == "" {
				t.Fatalf("got %+v, want it whole, or a code with advice", r)
			}
		}
		if s.Rows == 0 || s.Rows != len(s.rows) || s.OK != s.Rows-failed(s.rows) {
			t.Fatalf("got %d rows, %d good, want as many as came", s.Rows, s.OK)
		}
	})
}

// FuzzDamage writes a workbook, damages it, and holds that it is refused or
// read as if nothing had happened. Damage to the archive's bytes mustn't change
// a row. Damage to a part's XML, packed with a right sum, may change what a
// cell says, but no row may go that a strict reader of XML still finds.
func FuzzDamage(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed, seed%3 != 0)
	}
	f.Fuzz(func(t *testing.T, seed uint64, inside bool) {
		pick := rand.New(rand.NewPCG(seed, 31))
		p := workbookOf(pick)
		how := packing{stored: pick.IntN(3) == 0, descriptor: pick.IntN(2) == 0, zip64: pick.IntN(4) == 0}
		want := mustRead(t, p.pack(t, how))
		if !inside {
			got, err := read(damage(pick, p.pack(t, how)))
			if err == nil && !sameRows(got.rows, want.rows) {
				t.Fatalf("got %+v, want %+v or an error", got.rows, want.rows)
			}
			return
		}
		part := sheetPart
		if pick.IntN(4) == 0 {
			part = []string{textPart, "data/book.xml", "_rels/.rels", "data/_rels/Book.xml.rels", "[Content_Types].xml"}[pick.IntN(5)]
		}
		p[part] = string(damage(pick, []byte(p[part])))
		got, err := read(p.pack(t, how))
		if err != nil || len(got.rows) >= len(want.rows) {
			return
		}
		if n, err := strictRows(p[sheetPart]); err != nil || n != len(got.rows) {
			t.Fatalf("got %d rows of %d, a strict reader %d, %v, of %s: %s", len(got.rows), len(want.rows), n, err, part, p[part])
		}
	})
}

// workbookOf writes a workbook as some writer or other might.
func workbookOf(pick *rand.Rand) parts {
	var rows strings.Builder
	var strs []string
	space := []string{"", "\n", "\r\n  "}[pick.IntN(3)]
	attrs := []string{"", ` s="1"`, ` s="12"`}[pick.IntN(3)]
	for n := range 2 + pick.IntN(12) {
		r := n + 2
		fmt.Fprintf(&rows, `%s<row r="%d">`, space, r)
		cells := dealer(n)
		for i, text := range []string{cells[0], cells[1], cells[3]} {
			ref := string(rune('A'+i)) + strconv.Itoa(r)
			switch kind := pick.IntN(4); {
			case i == 2 && kind == 0:
				fmt.Fprintf(&rows, `%s<c r="%s"%s><v>%s</v></c>`, space, ref, attrs, text)
			case kind == 1:
				fmt.Fprintf(&rows, `%s<c r="%s"%s t="s"><v>%d</v></c>`, space, ref, attrs, len(strs))
				strs = append(strs, "<t>"+text+"</t>")
			case kind == 2:
				fmt.Fprintf(&rows, `%s<c r="%s"%s t="str"><f>A1&amp;"x"</f><v>%s</v></c>`, space, ref, attrs, text)
			default:
				fmt.Fprintf(&rows, `%s<c r="%s"%s t="inlineStr"><is><t>%s</t></is></c>`, space, ref, attrs, text)
			}
		}
		rows.WriteString(space + "</row>")
	}
	p := sheet(rows.String(), strs...)
	if pick.IntN(3) == 0 {
		p[sheetPart] = strings.Replace(p[sheetPart], "</sheetData>", `</sheetData><mergeCells><mergeCell ref="A1:C1"/><mergeCell ref="E2:E3"/></mergeCells>`, 1)
	}
	if pick.IntN(3) == 0 {
		p[sheetPart] = prefixed(p[sheetPart])
	}
	return p
}

// damage flips, cuts, inserts, drops or doubles something.
func damage(pick *rand.Rand, b []byte) []byte {
	const telling = "<>/=\"'&!-?[] 0123456789rcvst:\x00\xff"
	at := pick.IntN(len(b))
	switch pick.IntN(7) {
	case 0:
		b[at] ^= 1 << pick.IntN(8)
	case 1:
		b[at] = telling[pick.IntN(len(telling))]
	case 2:
		return b[:at]
	case 3:
		return slices.Insert(b, at, telling[pick.IntN(len(telling))])
	case 4:
		return slices.Delete(b, at, min(len(b), at+1+pick.IntN(4)))
	case 5:
		return slices.Delete(b, at, min(len(b), at+1+pick.IntN(300)))
	case 6:
		return slices.Insert(b, at, slices.Clone(b[at:min(len(b), at+1+pick.IntN(300))])...)
	}
	return b
}

// strictRows counts the rows below the first that hold anything, by the
// standard library.
func strictRows(document string) (int, error) {
	d := xml.NewDecoder(strings.NewReader(document))
	rows := map[int]bool{}
	var path []string
	row := 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			delete(rows, 1)
			return len(rows), nil
		}
		if err != nil {
			return 0, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			path = append(path, t.Name.Local)
			if slices.Equal(path, []string{"worksheet", "sheetData", "row"}) {
				row++
				for _, a := range t.Attr {
					if n, err := strconv.Atoi(a.Value); err == nil && a.Name.Local == "r" {
						row = n
					}
				}
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if len(path) > 3 && path[2] == "row" && strings.TrimSpace(string(t)) != "" {
				rows[row] = true
			}
		}
	}
}

// 2 is issue 4's number; most of what is counted here are the library's verdicts
// on 500 prefixes of phones.
func TestARowTakesAtMostTwoAllocations(t *testing.T) {
	for i, name := range []string{"inline", "shared"} {
		const rows = benchRows
		b := benchFiles[i](t)
		got := testing.AllocsPerRun(2, func() {
			s, err := roster.Read(context.Background(), bytes.NewReader(b), int64(len(b)), roster.Options{}, func(*network.RosterRow) error { return nil })
			if err != nil || s.OK != rows {
				t.Fatal(s, err)
			}
		})
		if got /= rows; got > 2 {
			t.Errorf("%s: got %.2f allocations a row, want at most 2", name, got)
		} else {
			t.Logf("%s: %.2f allocations a row", name, got)
		}
	}
}
