package mend

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/roster"
)

// Limits of what stands around a sheet's rows. What is beyond them is left
// out: the rows matter more than how they look.
const (
	maxPart  = 8 << 20 // bytes unpacked of a small part, or behind a sheet's rows
	maxFrame = 1 << 20 // bytes unpacked before a sheet's rows
)

// book is a workbook of one sheet without its rows.
type book struct {
	name     string // of the sheet, escaped
	date1904 bool
	prefix   string // of the sheet's elements, with its colon, mostly ""
	root     []byte // the sheet's first tag
	head     []byte // what stands before its rows, but the columns' widths
	columns  []byte // their widths
	tail     []byte // what stands behind its rows
	merged   []merged
	styles   *styles
	theme    []byte
	plain    bool // made here: the cells' own formats mean nothing
}

// open takes the frame of the sheet that roster.Read takes. A file that has
// none, such as CSV, is given a plain one.
func open(ctx context.Context, r io.ReaderAt, size int64, sheet string) (*book, error) {
	b, err := own(ctx, r, size, sheet)
	if err == nil {
		return b, nil
	}
	return plainBook(sheet)
}

// errFrame says that a file has no frame that could be kept.
var errFrame = errors.New("no frame")

// own is the frame of the user's own workbook.
func own(ctx context.Context, r io.ReaderAt, size int64, sheet string) (*book, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errFrame
	}
	p := parts{}
	for _, f := range z.File {
		p[partName(f.Name)] = f
	}
	wb, err := p.target("", "officeDocument", "")
	if err != nil {
		return nil, err
	}
	content, err := p.read(wb)
	if err != nil {
		return nil, err
	}
	var workbook struct {
		Pr struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name  string `xml:"name,attr"`
			ID    string `xml:"id,attr"`
			State string `xml:"state,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := xml.Unmarshal(content, &workbook); err != nil {
		return nil, errFrame
	}
	b := &book{date1904: workbook.Pr.Date1904 == "1" || workbook.Pr.Date1904 == "true"}
	for _, s := range workbook.Sheets {
		if sheet == "" && strings.HasSuffix(strings.ToLower(s.State), "hidden") || sheet != "" && !strings.EqualFold(s.Name, sheet) {
			continue
		}
		part, err := p.target(wb, "worksheet", s.ID)
		if err != nil {
			continue // a chart
		}
		b.name = escaped(s.Name)
		if err := b.frame(p[partName(part)]); err != nil {
			return nil, err
		}
		break
	}
	if b.root == nil {
		return nil, errFrame
	}
	if content, err = roster.Styles(ctx, r, size); err != nil {
		return nil, err
	}
	if b.styles, err = readStyles(transitional(content)); err != nil {
		return nil, err
	}
	if part, err := p.target(wb, "theme", ""); err == nil {
		if content, err = p.read(part); err == nil {
			b.theme = transitional(content)
		}
	}
	return b, nil
}

// transitional gives a part of the strict spelling the other one, in which
// the workbook around it is written.
func transitional(b []byte) []byte {
	for _, ns := range [][2]string{
		{"http://purl.oclc.org/ooxml/spreadsheetml/main", "http://schemas.openxmlformats.org/spreadsheetml/2006/main"},
		{"http://purl.oclc.org/ooxml/officeDocument/relationships", "http://schemas.openxmlformats.org/officeDocument/2006/relationships"},
		{"http://purl.oclc.org/ooxml/drawingml/main", "http://schemas.openxmlformats.org/drawingml/2006/main"},
	} {
		b = bytes.ReplaceAll(b, []byte(ns[0]), []byte(ns[1]))
	}
	return b
}

// parts are an archive's entries by their name in lower case.
type parts map[string]*zip.File

func partName(s string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(s, `\`, "/"), "/"))
}

// read is a small part whole.
func (p parts) read(name string) ([]byte, error) {
	f := p[partName(name)]
	if f == nil {
		return nil, errFrame
	}
	rc, err := f.Open()
	if err != nil {
		return nil, errFrame
	}
	defer rc.Close()
	b, err := io.ReadAll(io.LimitReader(rc, maxPart+1))
	if err != nil || len(b) > maxPart {
		return nil, errFrame
	}
	return b, nil
}

// target is the part that another one ("" for the package) has as this kind,
// and under this id if one is given.
func (p parts) target(part, kind, id string) (string, error) {
	dir, base := path.Split(part)
	b, err := p.read(path.Join(dir, "_rels", base+".rels"))
	if err != nil {
		return "", err
	}
	var rels struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := xml.Unmarshal(b, &rels); err != nil {
		return "", errFrame
	}
	for _, r := range rels.All {
		if path.Base(r.Type) != kind || id != "" && r.ID != id {
			continue
		}
		target := strings.ReplaceAll(r.Target, `\`, "/")
		if !strings.HasPrefix(target, "/") {
			target = path.Join(dir, target)
		}
		if target = strings.TrimPrefix(path.Clean("/"+target), "/"); p[partName(target)] != nil {
			return target, nil
		}
	}
	return "", errFrame
}

// rowsBegin is the tag in which a sheet's rows stand.
var rowsBegin = regexp.MustCompile(`<((?:[A-Za-z_][A-Za-z0-9_.-]*:)?)sheetData[\s/>]`)

// What a sheet keeps of what stands around its rows.
var (
	keepBefore = []string{"sheetPr", "sheetViews", "sheetFormatPr"}
	keepBehind = []string{"conditionalFormatting", "dataValidations", "printOptions", "pageMargins"}
)

// views is what a sheet remembers of where somebody had scrolled to or what
// they had filtered: rows that may be gone.
var views = regexp.MustCompile(`\s(?:topLeftCell|filterMode)\s*=\s*(?:"[^"]*"|'[^']*')`)

// frame cuts a sheet's rows out of it.
func (b *book) frame(f *zip.File) error {
	rc, err := f.Open()
	if err != nil {
		return errFrame
	}
	defer rc.Close()
	before, behind, err := around(bufio.NewReaderSize(rc, 64<<10))
	if err != nil {
		return err
	}
	b.prefix = string(rowsBegin.FindSubmatch(before)[1])
	before = transitional(before[:rowsBegin.FindIndex(before)[0]])
	b.root, err = children(before, func(name string, raw []byte) error {
		switch {
		case name == "cols":
			b.columns = raw
		case slices.Contains(keepBefore, name):
			b.head = append(b.head, views.ReplaceAll(raw, nil)...)
		}
		return nil
	})
	if err != nil || b.root == nil {
		return errFrame
	}
	whole := append(bytes.Clone(b.root), behind...)
	_, err = children(whole, func(name string, raw []byte) error {
		switch {
		case name == "mergeCells":
			b.merged = mergedIn(raw)
		case name == "dataValidations":
			b.tail = append(b.tail, lists(raw)...)
		case slices.Contains(keepBehind, name) && !bytes.Contains(raw, []byte("!")):
			b.tail = append(b.tail, raw...)
		}
		return nil
	})
	if err != nil {
		b.tail = nil
	}
	return nil
}

// around is what stands before a sheet's rows, with their tag, and behind
// them.
func around(r *bufio.Reader) (before, behind []byte, err error) {
	buf := make([]byte, 32<<10)
	for rowsBegin.FindIndex(before) == nil {
		n, err := r.Read(buf)
		if before = append(before, buf[:n]...); err != nil || len(before) > maxFrame+len(buf) {
			return nil, nil, errFrame
		}
	}
	at := rowsBegin.FindSubmatchIndex(before)
	rest := bytes.Clone(before[at[1]-1:])
	end := []byte("</" + string(before[at[2]:at[3]]) + "sheetData")
	for {
		if i := bytes.Index(rest, end); i >= 0 {
			rest = rest[i+len(end):]
			break
		}
		rest = rest[max(0, len(rest)-len(end)):]
		n, err := r.Read(buf)
		if rest = append(rest, buf[:n]...); err != nil && n == 0 {
			return before[:at[1]], nil, nil
		}
	}
	more, err := io.ReadAll(io.LimitReader(r, maxPart))
	rest = append(rest, more...)
	if i := bytes.IndexByte(rest, '>'); i >= 0 && err == nil && len(more) < maxPart {
		return before[:at[1]], rest[i+1:], nil
	}
	return before[:at[1]], nil, nil
}

// lists are a sheet's drop-downs and other checks of what is typed, but those
// that look into another sheet.
func lists(raw []byte) []byte {
	var kept []byte
	n := 0
	root, err := children(raw, func(_ string, one []byte) error {
		if !bytes.Contains(one, []byte("!")) {
			kept = append(kept, one...)
			n++
		}
		return nil
	})
	if err != nil || n == 0 {
		return nil
	}
	root = count.ReplaceAll(root, []byte(`${1}"`+strconv.Itoa(n)+`"`))
	name := root[1 : 1+bytes.IndexAny(root[1:], " \t\r\n/>")]
	return fmt.Appendf(nil, "%s%s</%s>", root, kept, name)
}

// count is how many elements a tag says to hold.
var count = regexp.MustCompile(`(\scount\s*=\s*)(?:"[^"]*"|'[^']*')`)

// children calls f with each element straight below the first one, which may
// not have ended: with its name, without prefix, and all of its bytes. It
// returns the first one's tag.
func children(b []byte, f func(name string, raw []byte) error) (root []byte, err error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	depth, from, name := 0, int64(0), ""
	for {
		at := d.InputOffset()
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) || err != nil && depth == 1 && int(d.InputOffset()) == len(b) {
			return root, nil
		}
		if err != nil {
			return root, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch depth++; depth {
			case 1:
				root = b[at:d.InputOffset()]
			case 2:
				from, name = at, t.Name.Local
			}
		case xml.EndElement:
			if depth--; depth == 1 {
				if err := f(name, b[from:d.InputOffset()]); err != nil {
					return root, err
				}
			}
		}
	}
}

// tag is an element's tag in the sheet's own spelling.
func (b *book) tag(open, name string) string {
	if b.prefix == "" {
		return open + name
	}
	return open + b.prefix + name
}

// look is the format of a cell of the user's.
func (b *book) look(style int, header bool) int {
	switch {
	case !b.plain && style < len(b.styles.formats):
		return style
	case !b.plain:
		return 0
	case header:
		return plainHeader
	}
	return plainText
}

// write writes the workbook, with the columns from first on for what is
// added. rows writes the sheet's rows. The formats come after them, as only
// then it is known which are wanted.
func (b *book) write(z *zip.Writer, first int, rows func(*bufio.Writer) error) error {
	themeType, themeRel, pr := "", "", ""
	if b.theme != nil {
		themeType = `<Override PartName="/xl/theme/theme1.xml" ContentType="application/vnd.openxmlformats-officedocument.theme+xml"/>`
		themeRel = `<Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/theme" Target="theme/theme1.xml"/>`
	}
	if b.date1904 {
		pr = `<workbookPr date1904="1"/>`
	}
	for _, part := range []struct{ name, content string }{
		{"[Content_Types].xml", fmt.Sprintf(contentTypes, themeType)},
		{"_rels/.rels", rootRels},
		{"xl/workbook.xml", fmt.Sprintf(workbook, pr, b.name)},
		{"xl/_rels/workbook.xml.rels", fmt.Sprintf(workbookRels, themeRel)},
		{"xl/theme/theme1.xml", string(b.theme)},
	} {
		if part.content == "" {
			continue
		}
		w, err := z.Create(part.name)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, part.content); err != nil {
			return err
		}
	}
	w, err := z.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	out.WriteString(declaration)
	out.Write(b.root)
	out.Write(b.head)
	out.Write(b.widths(first))
	out.WriteString(b.tag("<", "sheetData>"))
	if err := rows(out); err != nil {
		return err
	}
	out.WriteString(b.tag("</", "sheetData>"))
	out.Write(b.tail)
	out.WriteString(b.tag("</", "worksheet>"))
	if err := out.Flush(); err != nil {
		return err
	}
	if w, err = z.Create("xl/styles.xml"); err != nil {
		return err
	}
	return b.styles.write(w)
}

// widths are the user's of their columns and ours of those that are added.
func (b *book) widths(first int) []byte {
	var out []byte
	ours := func() {
		for i, width := range widths {
			n := strconv.Itoa(first + i + 1)
			out = append(out, b.tag("<", `col min="`+n+`" max="`+n+`" width="`+strconv.FormatFloat(width, 'f', -1, 64)+`" customWidth="1"/>`)...)
		}
	}
	from, to := first+1, first+len(widths) // as a sheet counts
	done := false
	d := xml.NewDecoder(bytes.NewReader(b.columns))
	for {
		t, err := d.RawToken()
		if err != nil {
			break
		}
		e, ok := t.(xml.StartElement)
		if !ok || e.Name.Local != "col" {
			continue
		}
		lo, hi, rest := 0, 0, ""
		for _, a := range e.Attr {
			switch a.Name.Local {
			case "min":
				lo, _ = strconv.Atoi(a.Value)
			case "max":
				hi, _ = strconv.Atoi(a.Value)
			case "width", "customWidth", "style", "hidden", "bestFit":
				rest += " " + a.Name.Local + `="` + escaped(a.Value) + `"`
			}
		}
		part := func(lo, hi int) {
			if lo <= hi {
				out = append(out, b.tag("<", fmt.Sprintf(`col min="%d" max="%d"%s/>`, lo, hi, rest))...)
			}
		}
		part(lo, min(hi, from-1))
		if hi >= from && !done {
			ours()
			done = true
		}
		part(max(lo, to+1), hi)
	}
	if !done {
		ours()
	}
	return fmt.Appendf(nil, "%s%s%s", b.tag("<", "cols>"), out, b.tag("</", "cols>"))
}

func escaped(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a builder takes all
	return b.String()
}
