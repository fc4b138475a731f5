// Package mend gives the rows of a roster that failed back to whoever sent
// it, in their own workbook: the rows that were fine are gone, the others
// stand as they were, with what is wrong and what to do beside them. Mended,
// it can be uploaded as it is (R31).
//
// The sheet's columns, formats, widths, frozen header, drop-downs and
// conditional formats stay. What can't stay true once rows are gone doesn't:
// merged cells, filters, tables, pictures, comments, links, protection, and the
// workbook's other sheets, whose texts are mixed with those of the rows that
// were fine. A value that was merged over rows stands in each. A formula is given by its value. The package needs nothing but
// the standard library, and memory for what stands around a sheet's rows,
// never for the rows.
package mend

import (
	"archive/zip"
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
)

// Max is how many failed rows are given back. Who has more has one thing wrong
// with all of them, and a file of more is none that a person mends by hand;
// the list of an import's rows has every one.
const Max = 100_000

// Failed is a row that failed, as roster.Read or the plan says it.
type Failed struct {
	Row                 int // the sheet's own number
	Code, Field, Detail string
}

// titles are those of the columns that are added, in either language.
var titles = [2][4]string{{"行号", "错误代码", "原因", "修改建议"}, {"Row", "Code", "Reason", "Advice"}}

// widths are those of the columns that are added, in characters.
var widths = [4]float64{8, 24, 44, 60}

// Write writes the failed rows of a file that roster.Read has read whole, by
// their number: an .xlsx workbook, whatever the file was. Texts are in lang
// ("en", else Chinese). Of more than Max rows the first Max are given, and the
// header says so. It fails as roster.Lines does, and when w does.
func Write(ctx context.Context, w io.Writer, r io.ReaderAt, size int64, o roster.Options, lang string, failed []Failed) error {
	b, err := open(ctx, r, size, o.Sheet)
	if err != nil {
		return fmt.Errorf("mend: %w", err)
	}
	t := table{book: b, lang: lang, failed: failed[:min(len(failed), Max)], more: len(failed) > Max, usual: map[int]int{}}
	t.titles = titles[0]
	if form.English(lang) {
		t.titles = titles[1]
	}
	if err := t.measure(ctx, r, size, o); err != nil {
		return fmt.Errorf("mend: %w", err)
	}
	z := zip.NewWriter(w)
	err = b.write(z, t.first, func(w *bufio.Writer) error {
		t.w = w
		return t.rows(ctx, r, size, o)
	})
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return fmt.Errorf("mend: %w", err)
	}
	return nil
}

// table is what is written between a sheet's head and its tail.
type table struct {
	*book
	lang   string
	titles [4]string
	failed []Failed
	more   bool        // failed than are given
	first  int         // the first of the columns that are added, from 0
	mended bool        // the file came from here: it has these columns already
	usual  map[int]int // format by column, for cells in which nothing stands yet
	w      *bufio.Writer
}

// each calls f with the lines up to the header and those that failed, whose
// failure comes along.
func (t *table) each(ctx context.Context, r io.ReaderAt, size int64, o roster.Options, f func(*roster.Line, *Failed) error) error {
	left, below := t.failed, false
	down := filling{left: t.merged, open: map[int]merged{}}
	_, err := roster.Lines(ctx, r, size, o, func(l *roster.Line) error {
		if !below {
			below = l.Header
			down.skip(l.Number)
			return f(l, nil)
		}
		down.fill(l)
		for len(left) > 0 && left[0].Row < l.Number {
			left = left[1:]
		}
		if len(left) == 0 || left[0].Row != l.Number {
			return nil
		}
		return f(l, &left[0])
	})
	return err
}

// measure finds where the columns go that are added: beyond all others, or
// where an earlier errors workbook had them.
func (t *table) measure(ctx context.Context, r io.ReaderAt, size int64, o roster.Options) error {
	return t.each(ctx, r, size, o, func(l *roster.Line, f *Failed) error {
		if l.Header {
			if at := ours(l.Cells); at >= 0 {
				t.first, t.mended = at, true
			}
		}
		for _, c := range l.Cells {
			if !t.mended {
				t.first = max(t.first, c.Column+1)
			}
			if f != nil {
				t.usual[c.Column] = t.look(c.Style, false)
			}
		}
		return nil
	})
}

// ours is the column where a header has the titles that we add, -1 for none.
func ours(header []roster.Cell) int {
	for i := range header {
		for _, want := range titles {
			same := 0
			for same < len(want) && i+same < len(header) && header[i+same].Column == header[i].Column+same && strings.HasPrefix(header[i+same].Text, want[same]) {
				same++
			}
			if same == len(want) {
				return header[i].Column
			}
		}
	}
	return -1
}

// rows writes what stands up to the header in its place, and the failed rows
// straight below it.
func (t *table) rows(ctx context.Context, r io.ReaderAt, size int64, o roster.Options) error {
	n := 0
	return t.each(ctx, r, size, o, func(l *roster.Line, f *Failed) error {
		if f == nil {
			n = l.Number
			t.row(n, l, false)
			if l.Header {
				style := t.beside(l)
				for i, title := range t.titles {
					if i == 0 && t.more {
						title += t.onlyMax()
					}
					t.text(t.first+i, l.Number, style, title)
				}
			}
		} else {
			n++
			t.row(n, l, true)
			reason, advice := form.Reason(f.Code, t.lang)
			t.number(t.first, n, 0, strconv.Itoa(f.Row))
			t.text(t.first+1, n, 0, f.Code)
			t.text(t.first+2, n, 0, reason+form.Other(f.Detail, t.lang))
			t.text(t.first+3, n, 0, advice)
		}
		_, err := t.w.WriteString(t.tag("</", "row>"))
		return err
	})
}

// onlyMax says in the header that rows are left out.
func (t *table) onlyMax() string {
	if form.English(t.lang) {
		return fmt.Sprintf(" (the first %d only)", Max)
	}
	return fmt.Sprintf("（仅前 %d 行）", Max)
}

// beside is the look of the titles that are added: that of the title beside
// them.
func (t *table) beside(l *roster.Line) int {
	style := t.look(0, true)
	for _, c := range l.Cells {
		if c.Column < t.first && c.Text != "" {
			style = t.look(c.Style, true)
		}
	}
	return style
}

// row opens row n and writes a line's own cells.
func (t *table) row(n int, l *roster.Line, failed bool) {
	t.w.WriteString(t.tag("<", `row r="`))
	t.w.WriteString(strconv.Itoa(n))
	t.w.WriteString(`">`)
	next := 0 // column
	for _, c := range l.Cells {
		if failed {
			t.blanks(next, c.Column, n)
		}
		next = c.Column + 1
		if t.mended && c.Column >= t.first && c.Column < t.first+len(titles[0]) {
			continue
		}
		style := t.look(c.Style, l.Header)
		switch c.Kind {
		case roster.TextCell:
			t.text(c.Column, n, style, c.Text)
		case roster.NumberCell:
			t.number(c.Column, n, style, c.Text)
		case roster.ErrorCell:
			t.cell(c.Column, n, style, ` t="e">`+t.tag("<", "v>"))
			t.escape(c.Text)
			t.w.WriteString(t.tag("</", "v>") + t.tag("</", "c>"))
		default: // a formula that has no value
			t.cell(c.Column, n, style, "/>")
		}
	}
	if failed {
		t.blanks(next, t.first, n)
	}
}

// blanks gives empty cells of a failed row their column's format: what is
// still to be typed there keeps all its digits.
func (t *table) blanks(from, to, n int) {
	for c := from; c < to; c++ {
		if style := t.usual[c]; style != 0 {
			t.cell(c, n, style, "/>")
		}
	}
}

func (t *table) number(column, row, style int, s string) {
	t.cell(column, row, style, ">"+t.tag("<", "v>"))
	t.escape(strings.TrimSpace(s))
	t.w.WriteString(t.tag("</", "v>") + t.tag("</", "c>"))
}

// text writes a text as one: where it looks like the beginning of a formula,
// the format says so too, so that it stays a text when somebody edits it.
func (t *table) text(column, row, style int, s string) {
	if s == "" {
		if style != 0 {
			t.cell(column, row, style, "/>")
		}
		return
	}
	if strings.IndexByte("=+-@\t\r", s[0]) >= 0 {
		style = t.styles.quoted(style)
	}
	t.cell(column, row, style, ` t="inlineStr">`+t.tag("<", "is>")+t.tag("<", `t xml:space="preserve">`))
	t.escape(s)
	t.w.WriteString(t.tag("</", "t>") + t.tag("</", "is>") + t.tag("</", "c>"))
}

// cell begins a cell.
func (t *table) cell(column, row, style int, rest string) {
	t.w.WriteString(t.tag("<", `c r="`))
	t.w.WriteString(columnName(column))
	t.w.WriteString(strconv.Itoa(row))
	if style != 0 {
		t.w.WriteString(`" s="`)
		t.w.WriteString(strconv.Itoa(style))
	}
	t.w.WriteByte('"')
	t.w.WriteString(rest)
}

// columnName is "A" for 0, "AB" for 27.
func columnName(column int) string {
	var b []byte
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		b = append(b, byte('A'+(n-1)%26))
	}
	slices.Reverse(b)
	return string(b)
}

// maxText is how many characters a cell may have; Excel calls a longer one
// damage.
const maxText = 32_767

// escape writes a text as a workbook holds it. What XML can't hold stands as
// _x0008_, and an underscore that would look like the beginning of that as
// _x005F_.
func (t *table) escape(s string) {
	left := maxText
	for i, r := range s {
		if left--; r > 0xffff {
			left-- // it counts twice
		}
		if left < 0 {
			return
		}
		switch {
		case r == '&':
			t.w.WriteString("&amp;")
		case r == '<':
			t.w.WriteString("&lt;")
		case r == '>':
			t.w.WriteString("&gt;")
		case r < ' ' && r != '\t' && r != '\n', r == 0xfffe, r == 0xffff:
			fmt.Fprintf(t.w, "_x%04X_", r)
		case r == '_' && strings.HasPrefix(s[i:], "_x"):
			t.w.WriteString("_x005F_")
		case r == utf8.RuneError:
			t.w.WriteRune(utf8.RuneError)
		default:
			t.w.WriteRune(r)
		}
	}
}
