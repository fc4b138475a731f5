package roster_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
)

// gauge looks at the heap whenever the file is read.
type gauge struct {
	*bytes.Reader
	peak uint64
}

func (g *gauge) ReadAt(p []byte, off int64) (int, error) {
	g.peak = max(g.peak, heap())
	return g.Reader.ReadAt(p, off)
}

// heap is the bytes of all objects, dead ones too until they are swept.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// readWithin reads a file and holds what the heap grows by to so many MiB. Its
// test mustn't be parallel, so that nothing else is on the heap.
func readWithin(t *testing.T, b []byte, most uint64) (*whole, error) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // garbage stays little beside what is kept
	runtime.GC()
	before := heap()
	g := &gauge{Reader: bytes.NewReader(b)}
	s, err := readAll(t.Context(), g, int64(len(b)), roster.Options{})
	g.peak = max(g.peak, heap())
	grown := (max(g.peak, before) - before) >> 20
	if grown > most {
		t.Errorf("got %d MiB of heap for a file of %d KiB, want at most %d", grown, len(b)>>10, most)
	}
	t.Logf("%d KiB: %d MiB of heap, %v", len(b)>>10, grown, err)
	return s, err
}

const plainHeader = "企业名称,联系人姓名,手机号\n"

// padded is a text over and over, with enough between that doesn't pack to
// pass for data.
func padded(text string, times int) string {
	var b strings.Builder
	random := rand.New(rand.NewPCG(1, 2))
	every := max(1, 400_000/len(text))
	for n := range times {
		b.WriteString(text)
		if n%every == every-1 {
			b.WriteString("<!--")
			for range 600 {
				fmt.Fprintf(&b, "%016x", random.Uint64())
			}
			b.WriteString("-->")
		}
	}
	return b.String()
}

const (
	sheetPart = "data/tabs/one.xml"
	textPart  = "texts.xml"
)

// lastColumn has rows of one cell, in column 64, below a header whose phone
// stands in the column that is given.
func lastColumn(phone string) parts {
	var b strings.Builder
	for n := range 100_000 {
		fmt.Fprintf(&b, `<row r="%d"><c r="BL%[1]d"><v>1</v></c></row>`, n+2)
	}
	p := sheet(b.String())
	return p.with(sheetPart, strings.Replace(p[sheetPart], `r="C1"`, `r="`+phone+`1"`, 1))
}

// nameSpaces is so many attributes.
func nameSpaces(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` xmlns:a%x=""`, i)
	}
	return b.String()
}

// longHeader has 19 MB of text in 19 rows, and no header.
func longHeader() parts {
	var b strings.Builder
	long := strings.Repeat("x", 100_000)
	for n := range 19 {
		fmt.Fprintf(&b, `<row r="%d">%s</row>`, n+2, strings.Repeat(`<c t="inlineStr"><is><t>`+long+`</t></is></c>`, 10))
	}
	p := sheet(b.String())
	return p.with(sheetPart, strings.Replace(p[sheetPart], header, "<!--"+noise(500_000)+"-->", 1))
}

// longRows refers to one text of 4 KiB in every row.
func longRows() parts {
	var b strings.Builder
	for n := range 40_000 {
		fmt.Fprintf(&b, `<row r="%d"><c t="s"><v>0</v></c></row>`, n+2)
	}
	return sheet(b.String(), "<t>"+strings.Repeat("x", 4<<10)+"</t>")
}

// wideRow has a long text in each column that a sheet may have.
func wideRow() parts {
	var b strings.Builder
	for n := range 16_380 {
		b.WriteString("<c t=\"inlineStr\"><is><t>" + strings.Repeat("x", 4<<10) + "</t></is></c>")
		if n%64 == 0 {
			b.WriteString("<!--" + noise(20_000) + "-->")
		}
	}
	return sheet(person(2, `<c r="C2"><v>13900000001</v></c>`+b.String()))
}

func mergedAreas() parts {
	var b strings.Builder
	for n := range 1<<20 + 1 {
		top := n/4*2 + 2
		b.WriteString(`<mergeCell ref="` + string(rune('A'+n%4)) + strconv.Itoa(top) + ":X" + strconv.Itoa(top+1) + `"/>`)
	}
	p := sheet("")
	return p.with(sheetPart, strings.Replace(p[sheetPart], "</sheetData>", "</sheetData>"+b.String(), 1))
}

func relationships() parts {
	const part = "data/_rels/Book.xml.rels"
	p := sheet("")
	return p.with(part, strings.Replace(p[part], "<Relationship ", strings.Repeat("<Relationship/>", 100_000)+"<Relationship ", 1))
}

func entries() parts {
	p := sheet("")
	for n := range 50_000 {
		p[fmt.Sprint("x/", n)] = ""
	}
	return p
}

// TestASmallFileTakesLittleMemory has files of a few KiB to 12 MiB that unpack to
// much, or say nothing in many cells.
func TestASmallFileTakesLittleMemory(t *testing.T) {
	text := func(s string) func(*testing.T) []byte { return func(*testing.T) []byte { return []byte(s) } }
	zipped := func(p func() parts) func(*testing.T) []byte {
		return func(t *testing.T) []byte { return p().zip(t) }
	}
	for _, c := range []struct {
		name string
		file func(*testing.T) []byte
		want string // "" when it can be read
		most uint64 // MiB
	}{
		{"a CSV file of commas alone", text(plainHeader + strings.Repeat(strings.Repeat(",", 63)+"\n", 200_000)), form.EmptyFile, 8},
		{"a CSV file of line breaks alone", text(plainHeader + strings.Repeat("\n", 1_000_000)), form.EmptyFile, 8},
		{"a CSV file whose only cells are in column 64", text(plainHeader + strings.Repeat(strings.Repeat(",", 63)+"x\n", 200_000)), form.EmptyFile, 8},
		{"rows whose only cell is in column 64", zipped(func() parts { return lastColumn("C") }), form.EmptyFile, 32},
		{"rows whose only cell is in column 64, the phone", zipped(func() parts { return lastColumn("BL") }), "", 64},
		{"two million empty texts", zipped(func() parts { return sheet("").with(textPart, `<sst>`+padded("<si/>", 2<<20)+`</sst>`) }), form.EmptyFile, 32},
		{"four million nested elements", zipped(func() parts { return sheet("").with(textPart, `<sst>`+padded("<a>", 4<<20)) }), form.Corrupt, 8},
		{"a tag of many attributes", zipped(func() parts { return sheet(person(2, `<c`+nameSpaces(60_000)+`/>`)) }), form.Corrupt, 48},
		{"a value in pieces", zipped(func() parts {
			return sheet(person(2, `<c r="C2"><v>`+strings.Repeat(noise(500)+"<!---->", 40_000)+`</v></c>`))
		}), form.Corrupt, 16},
		{"long texts where the header may stand", zipped(longHeader), form.NoHeader, 16},
		{"a long text in many rows", zipped(longRows), "", 48},
		{"a row of 16,384 long texts", zipped(wideRow), "", 32},
		{"a million merged areas", zipped(mergedAreas), form.TooLarge, 64},
		{"a hundred thousand relationships", zipped(relationships), form.TooLarge, 8},
		{"fifty thousand entries", zipped(entries), form.TooLarge, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readWithin(t, c.file(t), c.most)
			if c.want != "" {
				wantFileError(t, err, c.want)
			} else if err != nil {
				t.Errorf("got %v, want a sheet", err)
			}
		})
	}
}
