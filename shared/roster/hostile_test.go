package roster_test

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
)

// entry is one of an archive, and what it says of itself.
type entry struct {
	name, data  string
	front, bulk string // of what is packed: stand before data, bulk a hundred times, though it is packed but once
	claim
}

// claim is what an entry says, true or not; where it is 0, the truth is said.
type claim struct {
	method       uint16 // 0 stored, 8 deflated
	flags        uint16
	sum          uint32
	packed, size uint32
	at           uint32 // where it begins
	inside       string // the entry whose bytes it takes for its own, from there on to behind its local header
	extra        string // in the directory
}

// archive writes a zip archive by hand, as no library would write most of these.
func archive(entries ...entry) []byte {
	var out, directory bytes.Buffer
	begins := map[string]uint32{}
	for _, e := range entries {
		const times = 100
		data := e.data
		sum, size := crc32.ChecksumIEEE([]byte(e.front)), len(e.front)+times*len(e.bulk)+len(e.data)
		for range times {
			sum = crc32.Update(sum, crc32.IEEETable, []byte(e.bulk))
		}
		if e.method == 8 {
			// Blocks that were packed each by itself may follow one another.
			data = deflate(e.data, true)
			if e.bulk != "" {
				data = deflate(e.front, false) + strings.Repeat(deflate(e.bulk, false), times) + data
			}
		}
		e.sum = cmp.Or(e.sum, crc32.Update(sum, crc32.IEEETable, []byte(e.data)))
		e.packed, e.size = cmp.Or(e.packed, uint32(len(data))), cmp.Or(e.size, uint32(size))
		if e.inside != "" {
			e.at += begins[e.inside]
		} else {
			begins[e.name] = uint32(out.Len())
			e.at = cmp.Or(e.at, begins[e.name])
			out.WriteString("PK\x03\x04")
			put(&out, uint16(20), e.flags, e.method, uint32(0), e.sum, e.packed, e.size, uint16(len(e.name)), uint16(0))
			out.WriteString(e.name + data)
		}
		directory.WriteString("PK\x01\x02")
		put(&directory, uint16(20), uint16(20), e.flags, e.method, uint32(0), e.sum, e.packed, e.size, uint16(len(e.name)), uint16(len(e.extra)), [4]uint16{}, uint16(0), e.at)
		directory.WriteString(e.name + e.extra)
	}
	return closed(&out, directory.Bytes(), len(entries))
}

// closed gives an archive its directory and end.
func closed(out *bytes.Buffer, directory []byte, n int) []byte {
	at := uint32(out.Len())
	out.Write(directory)
	out.WriteString("PK\x05\x06")
	put(out, uint16(0), uint16(0), uint16(n), uint16(n), uint32(len(directory)), at, uint16(0))
	return out.Bytes()
}

func put(w io.Writer, numbers ...any) {
	for _, n := range numbers {
		if err := binary.Write(w, binary.LittleEndian, n); err != nil {
			panic(err) // a buffer takes all, and the numbers are of a fixed size
		}
	}
}

func deflate(s string, last bool) string {
	var b strings.Builder
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is one of flate's own
	}
	io.WriteString(w, s)
	if last {
		w.Close()
	} else {
		w.Flush()
	}
	return b.String()
}

// entries are the parts of a workbook in the order of their names.
func (p parts) entries() []entry {
	var all []entry
	for _, name := range slices.Sorted(maps.Keys(p)) {
		all = append(all, entry{name: name, data: p[name], claim: claim{method: 8}})
	}
	return all
}

// lying is a workbook of two rows with one of its entries changed.
func lying(part string, change func(*entry)) []byte {
	all := goodSheet().entries()
	for i := range all {
		if all[i].name == part {
			change(&all[i])
		}
	}
	return archive(all...)
}

const (
	bookPart = "data/book.xml"
	bookRels = "data/_rels/Book.xml.rels"
	rootRels = "_rels/.rels"
	types    = "[Content_Types].xml"
)

// goodSheet has two valid rows, and a text that one of them points to.
func goodSheet() parts {
	return sheet(person(2, cellC)+person(3, `<c r="C3" t="s"><v>0</v></c>`), "<t>13900000002</t>")
}

// changed replaces something in a part of goodSheet.
func changed(part, old, new string) []byte {
	p := goodSheet()
	if !strings.Contains(p[part], old) {
		panic("hostile_test: " + part + " has no " + old)
	}
	return archive(p.with(part, strings.Replace(p[part], old, new, 1)).entries()...)
}

// rowsOf is goodSheet with other rows; cellOf with another cell in its second.
func rowsOf(rows string) []byte { return archive(sheet(rows, "<t>13900000002</t>").entries()...) }
func cellOf(c string) []byte    { return rowsOf(person(2, c)) }

// after is goodSheet with something behind its data.
func after(s string) []byte { return changed(sheetPart, "</sheetData>", "</sheetData>"+s) }

func merged(areas ...string) []byte {
	var b strings.Builder
	for _, a := range areas {
		b.WriteString(`<mergeCell ref="` + a + `"/>`)
	}
	return after("<mergeCells>" + b.String() + "</mergeCells>")
}

// without is goodSheet that lacks a part.
func without(part string) []byte {
	p := goodSheet()
	delete(p, part)
	return archive(p.entries()...)
}

// and is goodSheet with further entries.
func and(more ...entry) []byte { return archive(append(goodSheet().entries(), more...)...) }

// manyEntries has a directory of so many, all of one small entry.
func manyEntries(n int) []byte {
	var out bytes.Buffer
	out.WriteString("PK\x03\x04" + strings.Repeat("\x00", 26))
	one := "PK\x01\x02" + strings.Repeat("\x00", 24) + "\x06\x00" + strings.Repeat("\x00", 16) + "[a].xm"
	at := out.Len()
	out.WriteString(strings.Repeat(one, n))
	end := out.Len()
	out.WriteString("PK\x06\x06")
	put(&out, uint64(44), uint16(45), uint16(45), uint32(0), uint32(0), uint64(n), uint64(n), uint64(end-at), uint64(at))
	out.WriteString("PK\x06\x07")
	put(&out, uint32(0), uint64(end), uint32(1))
	out.WriteString("PK\x05\x06")
	put(&out, uint16(0xffff), uint16(0xffff), uint16(0xffff), uint16(0xffff), uint32(0xffffffff), uint32(0xffffffff), uint16(0))
	return out.Bytes()
}

// quoted is the bomb in which each entry holds all those behind it, headers
// too, by a block of deflate that is stored and quotes the next header. All
// unpack to a different length, with the right sum.
func quoted(n int) []byte {
	kernel := strings.Repeat("<a/>", 1<<18)
	packed := deflate(kernel, true)
	type part struct{ name, local, data, content string }
	all := make([]part, n)
	for i := n - 1; i >= 0; i-- {
		p := part{name: fmt.Sprintf("xl/%d.xml", i), data: packed, content: kernel}
		if i < n-1 {
			next := all[i+1]
			quote := make([]byte, 5)
			binary.LittleEndian.PutUint16(quote[1:], uint16(len(next.local)))
			binary.LittleEndian.PutUint16(quote[3:], ^uint16(len(next.local)))
			p.data, p.content = string(quote)+next.local+next.data, next.local+next.content
		}
		var local bytes.Buffer
		local.WriteString("PK\x03\x04")
		put(&local, uint16(20), uint16(0), uint16(8), uint32(0), crc32.ChecksumIEEE([]byte(p.content)), uint32(len(p.data)), uint32(len(p.content)), uint16(len(p.name)), uint16(0))
		p.local = local.String() + p.name
		all[i] = p
	}
	var out, directory bytes.Buffer
	out.WriteString(all[0].local + all[0].data)
	at := 0
	for _, p := range all {
		directory.WriteString("PK\x01\x02")
		put(&directory, uint16(20), uint16(20), uint16(0), uint16(8), uint32(0), crc32.ChecksumIEEE([]byte(p.content)), uint32(len(p.data)), uint32(len(p.content)),
			uint16(len(p.name)), [5]uint16{}, uint16(0), uint32(at))
		directory.WriteString(p.name)
		at += len(p.local) + 5
	}
	return closed(&out, directory.Bytes(), n)
}

// bulky is goodSheet with something a hundred times behind a place in a part.
func bulky(part, place, s string) []byte {
	p := goodSheet()
	before, after, ok := strings.Cut(p[part], place)
	if !ok {
		panic("hostile_test: " + part + " has no " + place)
	}
	all := p.with(part, after).entries()
	for i := range all {
		if all[i].name == part {
			all[i].bulk = s
			all[i].front = before + place
		}
	}
	return archive(all...)
}

// heavy packs a text that is repeated, past what may unpack at any rate but
// with enough that doesn't pack not to be a bomb.
func heavy(part, open, text string, times int, end string) []byte {
	p := goodSheet()
	return archive(p.with(part, strings.Replace(p[part], open, open+padded(text, times)+end, 1)).entries()...)
}

func deep(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }

const laughs = `<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`

// hostile is a file that somebody made to harm, or that somebody's program
// broke. want is the code it must be refused with; where it is "", rows must
// be read.
type hostile struct {
	name string
	file func() []byte
	want string
	rows int
}

func hostileFiles() []hostile {
	of := func(b []byte) func() []byte { return func() []byte { return b } }
	raw := func(s string) func() []byte { return func() []byte { return []byte(s) } }
	return []hostile{
		// The archive.
		{"a sheet that unpacks a thousandfold", func() []byte { return bulky(sheetPart, "<sheetData>", strings.Repeat("<!-- x -->", 1<<16)) }, form.ZipBomb, 0},
		{"shared texts that unpack a thousandfold", func() []byte { return bulky(textPart, `main">`, strings.Repeat("<si/>", 1<<16)) }, form.ZipBomb, 0},
		{"relationships that unpack a thousandfold", func() []byte { return bulky(bookRels, "<Relationships>", strings.Repeat("<a/>", 1<<16)) }, form.ZipBomb + "|" + form.TooLarge, 0},
		{"content types that unpack a thousandfold", func() []byte { return bulky(types, "content-types\">", strings.Repeat("<a/>", 1<<16)) }, form.ZipBomb + "|" + form.TooLarge, 0},
		{"a list of sheets of 9 MB", func() []byte { return heavy(bookPart, "<sheets>", `<x name="a" id="9"/>`, 480_000, "") }, form.TooLarge, 0},
		{"an archive in an archive in an archive, beside the sheet", func() []byte {
			b := archive(entry{name: "0", data: strings.Repeat("0", 8<<20), claim: claim{method: 8}})
			for range 2 {
				b = archive(entry{name: "a.zip", data: string(b), claim: claim{method: 8}}, entry{name: "b.zip", data: string(b), claim: claim{method: 8}})
			}
			return and(entry{name: "media/a.zip", data: string(b)})
		}, "", 2},
		{"a million entries", func() []byte { return manyEntries(1_000_000) }, form.TooLarge, 0},
		{"501 entries", func() []byte {
			var more []entry
			for n := range 495 {
				more = append(more, entry{name: fmt.Sprint("media/", n)})
			}
			return and(more...)
		}, form.TooLarge, 0},
		{"500 entries", func() []byte {
			var more []entry
			for n := range 494 {
				more = append(more, entry{name: fmt.Sprint("media/", n)})
			}
			return and(more...)
		}, "", 2},
		{"two entries of the same bytes", of(and(entry{name: "x", data: "x", claim: claim{inside: sheetPart}})), form.ZipBomb, 0},
		{"an entry in another's bytes", of(and(entry{name: "media/x", data: string(archive(entry{name: "y", data: "z"}))}, entry{name: "y", data: "z", claim: claim{inside: "media/x", at: 37}})), form.ZipBomb, 0},
		{"entries that quote one another", func() []byte { return quoted(100) }, form.ZipBomb, 0},
		{"two parts of one name", func() []byte { return and(entry{name: sheetPart, data: "<worksheet/>"}) }, form.Corrupt, 0},
		{"two parts whose names differ in case", func() []byte { return and(entry{name: "DATA/tabs/One.XML", data: "<worksheet/>"}) }, form.Corrupt, 0},
		{"two parts whose names differ in the slash", func() []byte { return and(entry{name: `data\tabs\one.xml`, data: "<worksheet/>"}) }, form.Corrupt, 0},
		{"two parts, one by an absolute name", func() []byte { return and(entry{name: "/" + sheetPart, data: "<worksheet/>"}) }, form.Corrupt, 0},
		{"a part above the root", func() []byte { return and(entry{name: "../../etc/passwd", data: "root"}) }, "", 2},
		{"a sheet above the root", func() []byte { return lying(sheetPart, func(e *entry) { e.name = "../" + e.name }) }, form.Corrupt, 0},
		{"a target above the root", func() []byte { return changed(bookRels, "tabs/one.xml", "../../../../../../etc/passwd") }, form.Corrupt, 0},
		{"a target that is a file of the machine", func() []byte { return changed(bookRels, "tabs/one.xml", "file:///etc/passwd") }, form.Corrupt, 0},
		{"a locked entry", func() []byte { return lying(sheetPart, func(e *entry) { e.flags |= 1 }) }, form.PasswordProtected, 0},
		{"an entry packed by a method of its own", func() []byte { return lying(sheetPart, func(e *entry) { e.method = 93 }) }, form.Corrupt, 0},
		{"a sheet with another's check sum", func() []byte { return lying(sheetPart, func(e *entry) { e.sum = 1 }) }, form.Corrupt, 0},
		{"shared texts with another's check sum", func() []byte { return lying(textPart, func(e *entry) { e.sum = 1 }) }, form.Corrupt, 0},
		{"relationships with another's check sum", func() []byte { return lying(bookRels, func(e *entry) { e.sum = 1 }) }, form.Corrupt, 0},
		{"a sheet that is more than it says", func() []byte { return lying(sheetPart, func(e *entry) { e.size = 100 }) }, form.Corrupt, 0},
		{"a sheet that is less than it says", func() []byte { return lying(sheetPart, func(e *entry) { e.size = 1 << 20 }) }, form.Corrupt + "|" + form.Truncated, 0},
		{"a sheet that is packed in less than it says", func() []byte { return lying(sheetPart, func(e *entry) { e.packed = 1 << 10 }) }, form.Corrupt + "|" + form.ZipBomb + "|" + form.Truncated, 0},
		{"a sheet that is packed in more than it says", func() []byte { return lying(sheetPart, func(e *entry) { e.packed = 40 }) }, form.Corrupt + "|" + form.Truncated, 0},
		{"a sheet that ends behind the file", func() []byte { return lying(sheetPart, func(e *entry) { e.packed = 1 << 30 }) }, form.Truncated + "|" + form.Corrupt, 0},
		{"a sheet that begins behind the file", func() []byte { return lying(sheetPart, func(e *entry) { e.at = 1 << 30 }) }, form.Truncated + "|" + form.Corrupt, 0},
		{"a sheet whose length passes 63 bits", func() []byte {
			return lying(sheetPart, func(e *entry) {
				e.packed, e.extra = 0xffffffff, "\x01\x00\x08\x00"+strings.Repeat("\xff", 8)
			})
		}, form.Truncated + "|" + form.Corrupt, 0},
		{"a directory that begins elsewhere", func() []byte {
			b := archive(goodSheet().entries()...)
			binary.LittleEndian.PutUint32(b[len(b)-6:], 7)
			return b
		}, form.Truncated + "|" + form.Corrupt, 0},
		{"an archive of several disks", func() []byte {
			b := archive(goodSheet().entries()...)
			binary.LittleEndian.PutUint16(b[len(b)-18:], 3)
			binary.LittleEndian.PutUint16(b[len(b)-16:], 2)
			return b
		}, "|" + form.Corrupt, 2},
		{"a program in front of the archive", func() []byte { return append([]byte("MZ\x90\x00\x03\x00"), archive(goodSheet().entries()...)...) }, form.NotAWorkbook, 0},

		// The package.
		{"no content types", func() []byte { return without(types) }, form.NotAWorkbook, 0},
		{"no relationships", func() []byte { return without(rootRels) }, form.NotAWorkbook, 0},
		{"no list of sheets", func() []byte { return without(bookPart) }, form.NotAWorkbook, 0},
		{"no sheet where its relationship points", func() []byte { return without(sheetPart) }, form.Corrupt, 0},
		{"no texts where their relationship points", func() []byte { return without(textPart) }, form.Corrupt, 0},
		{"a sheet without its relationship", func() []byte { return changed(bookRels, `Id="r7"`, `Id="r9"`) }, form.Corrupt, 0},
		{"a sheet that names no relationship", of(changed(bookPart, ` r:id="r7"`, "")), form.Corrupt, 0},
		{"a first sheet without its relationship, and a second", func() []byte {
			return changed(bookPart, "<sheets>", `<sheets><sheet name="z" sheetId="2" r:id="r6"/>`)
		}, form.Corrupt, 0},
		{"a sheet that is somewhere on the web", func() []byte { return changed(bookRels, `Id="r7"`, `Id="r7" TargetMode="External"`) }, form.Corrupt, 0},
		{"a relationship to its own list", func() []byte { return changed(bookRels, "tabs/one.xml", "_rels/book.xml.rels") }, form.Corrupt + "|" + form.Truncated, 0},
		{"a sheet that is the list of sheets", func() []byte { return changed(bookRels, "tabs/one.xml", "book.xml") }, form.Corrupt + "|" + form.Truncated, 0},
		{"a list of sheets that is its own relationships", func() []byte { return changed(rootRels, "/data/Book.xml", "/_rels/.rels") }, form.NotAWorkbook + "|" + form.Corrupt, 0},
		{"shared texts that are the sheet", func() []byte { return changed(bookRels, "../texts.xml", "tabs/one.xml") }, form.Corrupt, 0},
		{"two relationships of one name", func() []byte {
			return changed(bookRels, "</Relationships>", `<Relationship Id="r7" Type="`+relURL+`worksheet" Target="../texts.xml"/></Relationships>`)
		}, form.Corrupt + "|" + form.Truncated, 0},
		{"two lists of shared texts", func() []byte {
			return changed(bookRels, "</Relationships>", `<Relationship Id="r9" Type="`+relURL+`sharedStrings" Target="tabs/one.xml"/></Relationships>`)
		}, form.Corrupt, 0},
		{"hidden sheets alone", func() []byte { return changed(bookPart, `sheetId`, `state="veryHidden" sheetId`) }, form.EmptyFile, 0},
		{"a hundred thousand sheets", func() []byte {
			var b strings.Builder
			for n := range 100_000 {
				fmt.Fprintf(&b, `<sheet name="s%d" sheetId="%[1]d" state="hidden" r:id="r7"/>`, n)
			}
			return changed(bookPart, "<sheets>", "<sheets>"+b.String())
		}, "|" + form.TooLarge, 2},
		{"styles of 9 MB", func() []byte {
			p := goodSheet()
			p[bookRels] = strings.Replace(p[bookRels], "</Relationships>", `<Relationship Id="r9" Type="`+relURL+`styles" Target="styles.xml"/></Relationships>`, 1)
			return archive(p.with("data/styles.xml", "<styleSheet>"+padded("<xf/>", 9<<20/5)+"</styleSheet>").entries()...)
		}, "|" + form.TooLarge, 2},

		// The XML.
		{"a control character in a cell", of(cellOf(`<c r="C2" t="inlineStr"><is><t>1` + "\x08" + `</t></is></c>`)), form.Corrupt, 0},
		{"a control character in a name", of(cellOf(`<c r="C2" s="` + "\x01" + `"/>`)), form.Corrupt, 0},
		{"a control character behind the data", of(after("<a>\x0b</a>")), form.Corrupt, 0},
		{"a control character by its number", of(cellOf(`<c r="C2" t="inlineStr"><is><t>1&#8;</t></is></c>`)), form.Corrupt, 0},
		{"a NUL byte", of(cellOf(`<c r="C2" t="inlineStr"><is><t>1` + "\x00" + `</t></is></c>`)), form.Corrupt, 0},
		{"a bare ampersand", of(cellOf(`<c r="C2" t="inlineStr"><is><t>A & B</t></is></c>`)), form.Corrupt, 0},
		{"a bare ampersand in shared texts", of(changed(textPart, "1390", "& 1390")), form.Corrupt, 0},
		{"a bare ampersand in an attribute", of(cellOf(`<c r="C2" x="a&b"/>`)), form.Corrupt, 0},
		{"a bare less-than in an attribute", of(cellOf(`<c r="C2" x="a<b"/>`)), form.Corrupt, 0},
		{"an entity that nobody declared", of(cellOf(`<c r="C2" t="inlineStr"><is><t>&nbsp;</t></is></c>`)), form.Corrupt, 0},
		{"half of a character by its number", of(cellOf(`<c r="C2" t="inlineStr"><is><t>&#xD83D;</t></is></c>`)), form.Corrupt, 0},
		{"half of a character in UTF-8", of(cellOf(`<c r="C2" t="inlineStr"><is><t>` + "\xed\xa0\xbd" + `</t></is></c>`)), form.Corrupt, 0},
		{"a Latin-1 byte", of(cellOf(`<c r="C2" t="inlineStr"><is><t>` + "M\xfcller" + `</t></is></c>`)), form.Corrupt, 0},
		{"a noncharacter", of(cellOf(`<c r="C2" t="inlineStr"><is><t>` + "\uffff" + `</t></is></c>`)), form.Corrupt, 0},
		{"a document type", of(changed(sheetPart, "<worksheet", "<!DOCTYPE worksheet><worksheet")), form.Corrupt, 0},
		{"a billion laughs", of(changed(sheetPart, "<worksheet", laughs+"<worksheet")), form.Corrupt, 0},
		{"a billion laughs in shared texts", of(changed(textPart, "<sst", laughs+"<sst")), form.Corrupt, 0},
		{"a billion laughs in the list of sheets", of(changed(bookPart, "<workbook", laughs+"<workbook")), form.Corrupt, 0},
		{"an entity that is a file of the machine", of(changed(sheetPart, "<worksheet", `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet`)), form.Corrupt, 0},
		{"tags that don't match", of(changed(sheetPart, "</row>", "</raw>")), form.Corrupt, 0},
		{"tags that cross", of(cellOf(`<c r="C2"><v>1</c></v>`)), form.Corrupt, 0},
		{"data that isn't closed", of(changed(sheetPart, "</sheetData>", "")), form.Corrupt + "|" + form.Truncated, 0},
		{"a root that isn't closed", of(changed(sheetPart, "</worksheet>", "")), form.Corrupt + "|" + form.Truncated, 0},
		{"no data", of(changed(sheetPart, "sheetData", "sheetDate")), form.Corrupt + "|" + form.Truncated, 0},
		{"a second root", of(changed(sheetPart, "</worksheet>", "</worksheet><worksheet/>")), form.Corrupt, 0},
		{"text behind the root", of(changed(sheetPart, "</worksheet>", "</worksheet>x")), form.Corrupt, 0},
		{"a second root in shared texts", of(changed(textPart, "</sst>", "</sst><sst><si><t>x</t></si></sst>")), form.Corrupt, 0},
		{"a sheet that is empty bytes", of(lying(sheetPart, func(e *entry) { e.data = "" })), form.Corrupt + "|" + form.Truncated, 0},
		{"a sheet that isn't XML", of(lying(sheetPart, func(e *entry) { e.data = strings.Repeat("企业名称,", 1000) })), form.Corrupt, 0},
		{"a sheet in UTF-16", of(lying(sheetPart, func(e *entry) { e.data = "\xff\xfe<\x00a\x00/\x00>\x00" })), form.Corrupt, 0},
		{"a hundred thousand elements inside one another", func() []byte { return after(deep(100_000)) }, form.Corrupt, 0},
		{"a million elements inside one another, in shared texts", func() []byte { return changed(textPart, "<si>", deep(1_000_000)+"<si>") }, form.Corrupt, 0},
		{"a cell of 100 MB", func() []byte { return bulky(sheetPart, `<c r="A2" t="inlineStr"><is><t>`, strings.Repeat("x", 1<<20)) }, form.Corrupt, 0},
		{"a cell of 100 MB, in pieces", func() []byte {
			return bulky(sheetPart, `<c r="A2" t="inlineStr"><is><t>`, strings.Repeat(strings.Repeat("x", 1<<16)+"<!---->", 16))
		}, form.Corrupt, 0},
		{"a shared text of 100 MB, in runs", func() []byte {
			return bulky(textPart, "<si>", strings.Repeat("<r><t>"+strings.Repeat("x", 1<<16)+"</t></r>", 16))
		}, form.Corrupt, 0},
		{"an attribute of 2 MB", func() []byte { return cellOf(`<c r="C2" x="` + noise(2<<20) + `"/>`) }, form.Corrupt, 0},
		{"a comment of 2 MB", func() []byte { return after("<!--" + noise(2<<20) + "-->") }, form.Corrupt, 0},
		{"an instruction of 2 MB", func() []byte { return after("<?x " + noise(2<<20) + "?>") }, form.Corrupt, 0},
		{"a name of 2 MB", func() []byte { return after("<" + noise(2<<20) + "/>") }, form.Corrupt, 0},
		{"60,000 attributes", func() []byte { return cellOf(`<c` + nameSpaces(60_000) + `/>`) }, form.Corrupt, 0},
		{"two values of one attribute", of(cellOf(`<c r="C2" t="n" t="s"><v>0</v></c>`)), "|" + form.Corrupt, 1},

		// The sheet.
		{"row 1,000,000,000", of(rowsOf(person(1_000_000_000, ""))), form.TooManyRows, 0},
		{"row 10^30", of(rowsOf(strings.Replace(person(2, ""), `r="2"`, `r="1000000000000000000000000000000"`, 1))), form.TooManyRows + "|" + form.Corrupt, 0},
		{"row -1", of(rowsOf(strings.Replace(person(2, ""), `r="2"`, `r="-1"`, 1))), form.Corrupt, 0},
		{"row 0", of(rowsOf(strings.Replace(person(2, ""), `r="2"`, `r="0"`, 1))), form.Corrupt, 0},
		{"row 2.5", of(rowsOf(strings.Replace(person(2, ""), `r="2"`, `r="2.5"`, 1))), form.Corrupt, 0},
		{"row 1,048,577, which has no number", of(rowsOf(person(1<<20, "") + "<row><c><v>1</v></c></row>")), form.TooManyRows, 0},
		{"rows out of order", of(rowsOf(person(9, "") + person(8, ""))), form.Corrupt, 0},
		{"a row twice", of(rowsOf(person(9, "") + person(9, ""))), form.Corrupt, 0},
		{"cells out of order", of(rowsOf(`<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>`)), form.Corrupt, 0},
		{"a cell twice", of(rowsOf(`<row r="2"><c r="B2"><v>1</v></c><c r="B2"><v>1</v></c></row>`)), form.Corrupt, 0},
		{"a cell of another row", of(cellOf(`<c r="C3"><v>1</v></c>`)), form.Corrupt, 0},
		{"a cell in no column", of(cellOf(`<c r="2"><v>1</v></c>`)), form.Corrupt, 0},
		{"a cell beyond column XFD", of(cellOf(`<c r="XFE2"><v>1</v></c>`)), "|" + form.Corrupt, 1},
		{"a cell in column AAAA", of(cellOf(`<c r="AAAA2"><v>1</v></c>`)), form.Corrupt, 0},
		{"a row in a row", of(rowsOf(`<row r="2">` + person(3, cellC) + `</row>`)), form.Corrupt, 0},
		{"a shared text of number -1", of(cellOf(`<c r="C2" t="s"><v>-1</v></c>`)), form.Corrupt, 0},
		{"a shared text that isn't there", of(cellOf(`<c r="C2" t="s"><v>1</v></c>`)), form.Corrupt, 0},
		{"shared text 4,294,967,296, which 32 bits take for the first", of(cellOf(`<c r="C2" t="s"><v>4294967296</v></c>`)), form.Corrupt, 0},
		{"shared text 10^30", of(cellOf(`<c r="C2" t="s"><v>1000000000000000000000000000000</v></c>`)), form.Corrupt, 0},
		{"shared text 0.5", of(cellOf(`<c r="C2" t="s"><v>0.5</v></c>`)), form.Corrupt, 0},
		{"a cell of an unknown kind", of(cellOf(`<c r="C2" t="x"><v>13900000001</v></c>`)), form.Corrupt, 0},
		{"a shared text of 32 KB that 200,000 rows point to", func() []byte {
			var b strings.Builder
			for n := range 200_000 {
				fmt.Fprintf(&b, `<row r="%d"><c r="A%[1]d" t="s"><v>0</v></c><c r="C%[1]d"><v>%d</v></c></row>`, n+2, 13900000000+n)
			}
			return archive(sheet(b.String(), "<t>"+noise(32<<10)+"</t>").entries()...)
		}, "", 200_000},
		{"shared texts of 4 KB, all that may unpack", func() []byte {
			return bulky(textPart, `main">`, strings.Repeat("<si><t>"+strings.Repeat("1", 4<<10)+"</t></si>", 280)+"<!--"+noise(16<<10)+"-->")
		}, form.ZipBomb, 0},
		{"16,384 columns", func() []byte {
			var b strings.Builder
			for n := range 40 {
				fmt.Fprintf(&b, `<row r="%d"><c t="inlineStr"><is><t>甲公司</t></is></c><c t="inlineStr"><is><t>王伟</t></is></c><c><v>%d</v></c>%s</row>`, n+2, 13900000000+n, strings.Repeat(`<c><v>1</v></c>`, 16381))
			}
			return rowsOf(b.String())
		}, "", 40},
		{"a million cells in one row", func() []byte { return rowsOf(`<row r="2">` + padded(`<c><v>1</v></c>`, 1<<20) + `</row>`) }, "|" + form.Corrupt, 1},
		{"cells merged over everything", of(merged("A1:XFD1048576")), "", 2},
		{"cells merged over everything below the header", of(merged("A2:XFD1048576")), "", 2},
		{"merged areas in one another", of(merged("A2:A9", "A3:A4")), form.Corrupt, 0},
		{"merged areas that overlap but for the first column", of(merged("A2:C9", "B3:D4")), "|" + form.Corrupt, 2},
		{"a merged area backwards", of(merged("A9:A2")), form.Corrupt, 0},
		{"a merged area of no cells", of(merged("A0:foo")), form.Corrupt, 0},
		{"a merged area of one cell", of(merged("A2")), "", 2},
		{"more merged areas than there are rows", func() []byte { return archive(mergedAreas().entries()...) }, form.TooLarge, 0},
		{"2,000 blank rows at the end", func() []byte { return rowsOf(person(2, cellC) + blankRows(3, 2000)) }, "", 1},
		{"a million blank rows at the end", func() []byte { return rowsOf(person(2, cellC) + blankRows(3, 1_000_000)) }, "", 1},
		{"a million blank rows, and then one", func() []byte { return rowsOf(blankRows(2, 1_000_000) + person(1_000_002, "")) }, "", 1},

		// What isn't a workbook.
		{"nothing", raw(""), form.EmptyFile, 0},
		{"one byte", raw("P"), form.NoHeader, 0},
		{"an .xls", of(compound("Workbook")), form.LegacyXLS, 0},
		{"a workbook under a password", of(compound("EncryptedPackage")), form.PasswordProtected, 0},
		{"a .doc", of(compound("WordDocument")), form.NotAWorkbook, 0},
		{"a compound file of nothing", raw("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), form.NotAWorkbook, 0},
		{"an .ods", func() []byte {
			return archive(entry{name: "mimetype", data: "application/vnd.oasis.opendocument.spreadsheet"}, entry{name: "content.xml", data: "<x/>"})
		}, form.NotAWorkbook, 0},
		{"a .docx", func() []byte {
			return archive(entry{name: types, data: "<Types/>"}, entry{name: "word/document.xml", data: "<x/>"})
		}, form.NotAWorkbook, 0},
		{"an .xlsb", func() []byte {
			return archive(entry{name: types, data: `<Types><Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>`},
				entry{name: rootRels, data: `<Relationships><Relationship Id="r1" Type="` + relURL + `officeDocument" Target="xl/workbook.bin"/></Relationships>`}, entry{name: "xl/workbook.bin", data: "\x83\x01\x00"})
		}, form.NotAWorkbook, 0},
		{"an archive of photographs", func() []byte { return archive(entry{name: "1.jpg", data: "\xff\xd8"}) }, form.NotAWorkbook, 0},
		{"an archive of nothing", func() []byte { return archive() }, form.NotAWorkbook, 0},
		{"a page", raw("<!doctype html><table><tr><td>企业名称"), form.NotAWorkbook, 0},
		{"a PDF", raw("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), form.NotAWorkbook, 0},
		{"a gzip file", raw("\x1f\x8b\x08\x00\x00\x00\x00\x00"), form.NotAWorkbook, 0},
		{"a RAR archive", raw("Rar!\x1a\x07\x00\x00"), form.NotAWorkbook, 0},
		{"a 7z archive", raw("7z\xbc\xaf\x27\x1c\x00\x04"), form.NotAWorkbook, 0},

		// Text.
		{"UTF-16 without its mark", of(utf16Text("", plainHeader+"甲公司,王伟,13900000001\n")), form.EncodingUnknown + "|" + form.NotAWorkbook, 0},
		{"UTF-16 with half a character", of(append(utf16Text("\ufeff", plainHeader+"甲公司,王伟,13900000001"), 0x3d, 0xd8)), form.EncodingUnknown + "|" + form.Corrupt + "|" + form.Truncated, 0},
		{"UTF-16 of odd length", of(append(utf16Text("\ufeff", plainHeader+"甲公司,王伟,13900000001"), 0x0a)), form.EncodingUnknown + "|" + form.Corrupt + "|" + form.Truncated, 0},
		{"UTF-32", raw("\xff\xfe\x00\x00\x01\x4f\x00\x00"), form.EncodingUnknown, 0},
		{"a NUL byte in text", raw(plainHeader + "甲公司,王伟\x00,13900000001\n"), form.NotAWorkbook + "|" + form.Corrupt, 0},
		{"a NUL byte far into a text", func() []byte {
			return []byte(plainHeader + strings.Repeat("甲公司,王伟,13900000001\n", 1000) + "\x00")
		}, form.NotAWorkbook + "|" + form.Corrupt, 0},
		{"half of a character in text", raw(plainHeader + "甲公司,王伟,13900000001,\xed\xa0\xbd\n"), form.EncodingUnknown, 0},
		{"Latin-1", raw("Company,Contact,Phone\nM\xfcller,Andr\xe9,13900000001\n"), form.EncodingUnknown, 0},
		{"a text cut inside a character", raw(plainHeader + "甲公司,王伟,13900000001,备\xe6"), form.Truncated, 0},
		{"a quote that never closes", raw(plainHeader + "\"甲公司,王伟,13900000001\n"), form.Truncated, 0},
		{"text behind a closing quote", raw(plainHeader + "\"甲\"公司,王伟,13900000001\n"), form.Corrupt, 0},
		{"a field of 8 MB", func() []byte {
			return []byte(plainHeader + "\"" + strings.Repeat("x", 8<<20) + "\",王伟,13900000001\n")
		}, form.Corrupt, 0},
		{"a quote that swallows 8 MB of rows", func() []byte { return []byte(plainHeader + "\"" + strings.Repeat("甲,王伟,13900000001\n", 1<<18)) }, form.Corrupt + "|" + form.Truncated, 0},
		{"1,048,577 rows of text", func() []byte { return []byte(plainHeader + strings.Repeat("\n", 1<<20)) }, form.TooManyRows, 0},
		{"a line of a million delimiters", func() []byte {
			return []byte(plainHeader + strings.Repeat(",", 1<<20) + "\n甲公司,王伟,13900000001\n")
		}, "", 1},
		{"no header", raw("1,2,3\n4,5,6\n"), form.NoHeader, 0},
		{"a header in row 21", func() []byte {
			return []byte(strings.Repeat("x\n", 20) + plainHeader + "甲公司,王伟,13900000001\n")
		}, form.NoHeader, 0},
		{"a header that lacks the phone", raw("企业名称,联系人姓名\n甲公司,王伟\n"), form.UnknownColumns, 0},
	}
}

func blankRows(from, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `<row r="%d"><c r="A%[1]d" s="1"/></row>`, from+i)
	}
	return b.String()
}

func utf16Text(mark, s string) []byte {
	var b []byte
	for _, r := range mark + s {
		b = binary.LittleEndian.AppendUint16(b, uint16(r))
	}
	return b
}

// refusal reads a file; code is "" when it could be read.
func refusal(t *testing.T, r io.ReaderAt, size int64) (rows int, code string) {
	t.Helper()
	s, err := roster.Read(t.Context(), r, size, roster.Options{}, func(*network.RosterRow) error { rows++; return nil })
	if err == nil {
		if s.Rows != rows {
			t.Errorf("got %d rows, want the %d that came", s.Rows, rows)
		}
		return rows, ""
	}
	e, ok := errors.AsType[*roster.FileError](err)
	if !ok {
		t.Fatalf("got %v, want a file error", err)
	}
	return 0, e.Code
}

// watch looks at the heap every millisecond, until stop says how large it was
// at most.
func watch() (stop func() uint64) {
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		most := heap()
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, heap())
			case <-done:
				peak <- max(most, heap())
				return
			}
		}
	}()
	return func() uint64 { close(done); return <-peak }
}

// A hostile file is refused for what it is, or read; either in little memory
// and little time. The files are read one after another, so that nothing else
// is on the heap.
func TestAHostileFileDoesNoHarm(t *testing.T) {
	const (
		most    = 64 << 20        // bytes on the heap beyond what was there
		longest = 8 * time.Second // of which a loaded machine takes most
	)
	all := hostileFiles()
	if len(all) < 40 {
		t.Errorf("got %d files, want 40", len(all))
	}
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // garbage stays little beside what is kept
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			b := c.file()
			runtime.GC()
			before, start, stop := heap(), time.Now(), watch()
			rows, code := refusal(t, bytes.NewReader(b), int64(len(b)))
			took, peak := time.Since(start), stop()
			if !slices.Contains(strings.Split(c.want, "|"), code) || code == "" && rows != c.rows {
				t.Errorf("got %q and %d rows, want %q or %d rows", code, rows, c.want, c.rows)
			}
			if grown := max(peak, before) - before; grown > most {
				t.Errorf("got %d MiB of heap for a file of %d KiB, want at most 64", grown>>20, len(b)>>10)
			} else if grown > 8<<20 || took > 200*time.Millisecond {
				t.Logf("%d KiB: %d MiB of heap, %v", len(b)>>10, grown>>20, took)
			}
			if took > longest {
				t.Errorf("got %v, want at most %v", took, longest)
			}
		})
	}
}

// A workbook that was cut anywhere is refused.
func TestAWorkbookCutAnywhereIsRefused(t *testing.T) {
	t.Parallel()
	whole := file(t, "testdata/writers/hand-excel.xlsx")
	for n := range whole {
		if _, code := refusal(t, bytes.NewReader(whole[:n]), int64(n)); code == "" || n >= 4 && code != form.Truncated {
			t.Errorf("got %q of the first %d bytes, want %q", code, n, form.Truncated)
		}
	}
}

// So is one whose archive is in order, but that holds a part that was cut.
func TestAPartCutAnywhereIsRefused(t *testing.T) {
	t.Parallel()
	for part, s := range goodSheet() {
		for n := range s {
			all := goodSheet().with(part, s[:n]).entries()
			for i := range all {
				all[i].method = 0 // which is faster
			}
			b := archive(all...)
			if _, code := refusal(t, bytes.NewReader(b), int64(len(b))); code == "" {
				t.Errorf("got rows of %s cut at %d, want an error: %s", part, n, s[max(0, n-40):n])
			}
		}
	}
}

// What is held of a file at a time may end anywhere in it.
func TestAnyByteMayBeTheLastOfWhatIsHeld(t *testing.T) {
	t.Parallel()
	const held = 64 << 10
	p := goodSheet()
	p[sheetPart] = strings.Replace(p[sheetPart], "</row>", `<c r="D1" t="inlineStr"><is><r><t xml:space="preserve">备&#x6ce8; &amp;</t></r></is></c></row>`, 1)
	want := fmt.Sprint(mustRead(t, archive(p.entries()...)).rows)
	for _, part := range []string{sheetPart, textPart} {
		s := p[part]
		for n := range len(s) + 1 {
			// The comment behind the root's tag brings byte n to the edge.
			root := strings.IndexByte(s, '>') + 1
			if n < root {
				continue
			}
			comment := "<!--" + strings.Repeat(" ", held-n-len("<!---->")) + "-->"
			q := maps.Clone(p)
			q[part] = s[:root] + comment + s[root:]
			all := q.entries()
			for i := range all {
				all[i].method = 0
			}
			s, err := read(archive(all...))
			if err != nil || fmt.Sprint(s.rows) != want {
				t.Fatalf("%s, %d: got %v, %v, want %s", part, n, s, err, want)
			}
		}
	}
}
