package roster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/roster/form"
)

const maxRelations = 1000 // of one part

// workbook is an .xlsx file whose parts have been found. They are found by
// their relationships, never by name, as writers name them freely.
type workbook struct {
	*archive
	types  map[string]string // content type by part name in lower case with a leading slash, or by extension
	part   entry
	rels   []relationship
	sheets []sheetName
}

// sheetName is a worksheet as its tab shows it.
type sheetName struct {
	name, part string
	hidden     bool
}

func openWorkbook(ctx context.Context, r io.ReaderAt, size int64) (*workbook, error) {
	a, err := openArchive(ctx, r, size)
	if err != nil {
		return nil, err
	}
	w := &workbook{archive: a, types: map[string]string{}}
	if err := w.contentTypes(); err != nil {
		return nil, err
	}
	root, err := w.relationships("")
	if err != nil {
		return nil, err
	}
	book := ""
	for _, rel := range root {
		if rel.is("officeDocument") {
			book = rel.target
		}
	}
	found := false
	if w.part, found = w.find(book); !found || !w.says(book, "sheet.main+xml", "template.main+xml", "sheet.macroEnabled.main+xml") {
		return nil, fileError(form.NotAWorkbook, w.what())
	}
	if w.rels, err = w.relationships(book); err != nil {
		return nil, err
	}
	return w, w.tabs()
}

// openSheet makes the first visible worksheet ready to be read, or the one of a
// name.
func openSheet(ctx context.Context, r io.ReaderAt, size int64, name string, most int) (*file, error) {
	w, err := openWorkbook(ctx, r, size)
	if err != nil {
		return nil, err
	}
	tab, e, err := w.tab(name)
	if err != nil {
		return nil, err
	}
	dates, err := w.dateStyles()
	if err != nil {
		return nil, err
	}
	shared, err := w.sharedStrings(most)
	if err != nil {
		return nil, err
	}
	f := &file{name: tab.name}
	f.lines = func(take func(line) error) ([]merge, error) {
		s := &worksheet{shared: shared, dates: dates, most: most}
		err := w.scan(e, maxSheet, func(x *lexer) error {
			s.lexer = x
			return s.read(take)
		})
		return s.merges, err
	}
	f.merges = func() []merge { return w.mergesOf(e) }
	return f, nil
}

// mergesOf is the merged areas of a sheet, found without a look at its cells.
// What is wrong with it is told by who reads these, so then it has none.
func (w *workbook) mergesOf(e entry) []merge {
	in, err := w.open(e, maxSheet)
	if err != nil || !contains(in, "mergeCell") {
		return nil
	}
	s := &worksheet{}
	err = w.scan(e, maxSheet, func(x *lexer) error {
		s.lexer = x
		return x.each(func() error {
			if string(x.name) != "mergeCell" {
				return nil
			}
			return s.mergeCell()
		})
	})
	if err != nil || sortMerges(s.merges) != nil {
		return nil
	}
	return s.merges
}

// contains reports whether a word is anywhere in what r gives.
func contains(r io.Reader, word string) bool {
	buf := make([]byte, window)
	kept := 0
	for {
		n, err := r.Read(buf[kept:])
		if bytes.Contains(buf[:kept+n], []byte(word)) {
			return true
		}
		if err != nil {
			return false
		}
		n += kept
		kept = min(n, len(word)-1)
		copy(buf, buf[n-kept:n])
	}
}

// scan reads a part; read goes on to the check sum at its end.
func (w *workbook) scan(e entry, limit int64, read func(*lexer) error) error {
	in, err := w.open(e, limit)
	if err != nil {
		return err
	}
	x := newLexer(in, e.UncompressedSize64)
	return read(x)
}

func (w *workbook) contentTypes() error {
	e, ok := w.find("[Content_Types].xml")
	if !ok {
		return fileError(form.NotAWorkbook, w.what())
	}
	return w.scan(e, maxPart, func(x *lexer) error {
		return x.each(func() error {
			switch string(x.name) {
			case "Override":
				w.types[strings.ToLower(x.value("PartName"))] = x.value("ContentType")
			case "Default":
				w.types[strings.ToLower(x.value("Extension"))] = x.value("ContentType")
			}
			return nil
		})
	})
}

// says reports whether the part's content type ends in one of these.
func (w *workbook) says(part string, types ...string) bool {
	t, ok := w.types["/"+strings.ToLower(part)]
	if !ok {
		t = w.types[strings.TrimPrefix(path.Ext(strings.ToLower(part)), ".")]
	}
	return slices.ContainsFunc(types, func(end string) bool { return strings.HasSuffix(t, end) })
}

// what says what an archive is that is no workbook.
func (w *workbook) what() string {
	for _, known := range []struct{ part, what string }{
		{"xl/workbook.bin", "an .xlsb workbook"}, {"word/document.xml", "a .docx document"}, {"ppt/presentation.xml", "a .pptx presentation"},
		{"content.xml", "an OpenDocument file"}, {"index/document.iwa", "a Numbers file"},
	} {
		if _, ok := w.find(known.part); ok {
			return known.what
		}
	}
	return "an archive without a workbook"
}

type relationship struct{ id, kind, target string }

// is compares the last word only: there is a transitional and a strict
// spelling of what stands before it.
func (r relationship) is(kind string) bool { return path.Base(r.kind) == kind }

// relationships of a part, or of the package when part is "".
func (w *workbook) relationships(part string) ([]relationship, error) {
	dir, base := path.Split(part)
	e, ok := w.find(path.Join(dir, "_rels", base+".rels"))
	if !ok {
		return nil, fileError(form.NotAWorkbook, w.what())
	}
	var rels []relationship
	err := w.scan(e, maxPart, func(x *lexer) error {
		return x.each(func() error {
			if string(x.name) != "Relationship" || x.value("TargetMode") == "External" {
				return nil
			}
			target := strings.ReplaceAll(x.value("Target"), `\`, "/")
			if !strings.HasPrefix(target, "/") {
				target = path.Join(dir, target)
			}
			if len(rels) == maxRelations {
				return fileError(form.TooLarge, fmt.Sprintf("more than %d relationships", maxRelations))
			}
			rel := relationship{x.value("Id"), x.value("Type"), strings.TrimPrefix(path.Clean("/"+target), "/")}
			if rel.id != "" && slices.ContainsFunc(rels, func(r relationship) bool { return r.id == rel.id }) {
				return fileError(form.Corrupt, "two relationships of one name")
			}
			rels = append(rels, rel)
			return nil
		})
	})
	return rels, err
}

// related is the part that the workbook's relationship of a kind leads to. Of
// two nobody could say which is meant.
func (w *workbook) related(kind string) (e entry, ok bool, err error) {
	for _, rel := range w.rels {
		if !rel.is(kind) {
			continue
		}
		if ok {
			return entry{}, false, fileError(form.Corrupt, "two parts for the "+kind)
		}
		e, ok = w.find(rel.target)
	}
	return e, ok, nil
}

// tabs are the workbook's worksheets, in order. One whose relationship is
// missing stays among them, or another would be read in its place.
func (w *workbook) tabs() error {
	return w.scan(w.part, maxPart, func(x *lexer) error {
		return x.each(func() error {
			if string(x.name) != "sheet" {
				return nil
			}
			id, tab := x.value("id"), sheetName{name: x.value("name"), hidden: strings.HasSuffix(strings.ToLower(x.value("state")), "hidden")}
			if i := slices.IndexFunc(w.rels, func(r relationship) bool { return r.id == id }); i >= 0 && id != "" {
				if !w.rels[i].is("worksheet") {
					return nil // a chart, or a sheet of macros
				}
				tab.part = w.rels[i].target
			}
			w.sheets = append(w.sheets, tab)
			return nil
		})
	})
}

// tab is the first visible worksheet, or the one of a name, hidden or not.
func (w *workbook) tab(name string) (sheetName, entry, error) {
	i := slices.IndexFunc(w.sheets, func(s sheetName) bool {
		if name == "" {
			return !s.hidden
		}
		return strings.EqualFold(clean(s.name), clean(name))
	})
	switch {
	case i < 0 && name == "":
		return sheetName{}, entry{}, fileError(form.EmptyFile, "no visible worksheet")
	case i < 0:
		return sheetName{}, entry{}, fileError(form.NoHeader, "no sheet is called "+shorten(clean(name)))
	}
	e, ok := w.find(w.sheets[i].part)
	if !ok {
		return sheetName{}, entry{}, fileError(form.Corrupt, "the sheet isn't in the file")
	}
	return w.sheets[i], e, nil
}

// sharedStrings are the texts that cells point to by number, each cut to so
// many bytes.
func (w *workbook) sharedStrings(most int) (*texts, error) {
	all := &texts{}
	e, ok, err := w.related("sharedStrings")
	if !ok || err != nil {
		return all, err
	}
	add := func(text []byte) error {
		if all.bytes > textsFree && int64(all.bytes) > textsRate*int64(e.CompressedSize64) {
			return fileError(form.ZipBomb, "shared texts unpack to more than 32 times their size")
		}
		return all.add(cut(text, most))
	}
	var text []byte
	err = w.scan(e, maxStrings, func(x *lexer) error {
		for {
			if quick, n := x.quickText(); n > 0 && len(x.starts) == 1 {
				x.at += n
				if err := add(quick); err != nil {
					return err
				}
				continue
			}
			t, err := x.next()
			switch {
			case err != nil:
				return err
			case t == partEnd:
				return nil
			case t != startTag || string(x.name) != "si":
				continue
			}
			if text, err = x.richText(text[:0]); err != nil {
				return err
			}
			if err := add(text); err != nil {
				return err
			}
		}
	})
	all.seal()
	return all, err
}

// dateStyles tells of each cell style whether it shows a number as a date.
func (w *workbook) dateStyles() ([]bool, error) {
	e, ok, err := w.related("styles")
	if !ok || err != nil {
		return nil, err
	}
	formats := map[int]bool{}
	var dates []bool
	err = w.scan(e, maxPart, func(x *lexer) error {
		return x.each(func() error {
			switch string(x.name) {
			case "numFmt":
				if id, err := strconv.Atoi(x.value("numFmtId")); err == nil {
					formats[id] = isDateFormat(x.value("formatCode"))
				}
			case "cellXfs":
				return x.children(func() error {
					id, _ := strconv.Atoi(x.value("numFmtId"))
					is, own := formats[id]
					dates = append(dates, own && is || !own && isBuiltInDate(id))
					return x.skip()
				})
			}
			return nil
		})
	})
	return dates, err
}

// isBuiltInDate knows the formats that need no code: dates, with and without a
// time of day, of East Asia too (ECMA-376 part 1, 18.8.30).
func isBuiltInDate(id int) bool {
	return id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 31 || id == 36 || id >= 50 && id <= 54 || id == 57 || id == 58
}

// isDateFormat reports whether a format's first section shows a day or a year.
// What is quoted, in brackets or escaped shows itself.
func isDateFormat(code string) bool {
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return false
			}
			i += end + 1
		case '[':
			end := strings.IndexByte(code[i+1:], ']')
			if end < 0 {
				return false
			}
			i += end + 1
		case '\\', '_', '*':
			i++
		case ';':
			return false
		case 'd', 'D', 'y', 'Y':
			return true
		}
	}
	return false
}
