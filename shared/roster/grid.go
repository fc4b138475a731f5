package roster

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// line is one row of raw cells, from column A on; trailing empty ones are left
// out. Nothing is judged yet. It and its texts last until the next line.
type line struct {
	number int
	cells  []cell
}

// set gives a column, beyond those that the line has, its cell.
func (l *line) set(column int, c cell) {
	for len(l.cells) < column {
		l.cells = append(l.cells, cell{})
	}
	l.cells = append(l.cells, c)
}

func (l line) at(column int) cell {
	if uint(column) < uint(len(l.cells)) {
		return l.cells[column]
	}
	return cell{}
}

// keep is a copy of the line that lasts.
func (l line) keep() line {
	cells := slices.Clone(l.cells)
	for i := range cells {
		cells[i] = cells[i].keep()
	}
	return line{l.number, cells}
}

// filled reports whether any cell of the line holds anything.
func (l line) filled() bool {
	return slices.ContainsFunc(l.cells, func(c cell) bool { return !c.blank() })
}

// cell is a cell's stored value, never its formatted look.
type cell struct {
	text  string // of a number, as it is stored
	style int32
	kind  Kind
	kept  bool // the text outlasts the line
	date  bool // a number that the sheet shows as a date
}

func (c cell) blank() bool {
	if c.kind != TextCell {
		return false
	}
	if c.text == "" {
		return true
	}
	if b := c.text[0]; b > ' ' && b <= '~' || b >= 0xe4 && b <= 0xe9 { // nothing that would be cleaned away begins so
		return false
	}
	return clean(c.text) == ""
}

// keep is a copy of the cell that lasts, as far as a row can use it.
func (c cell) keep() cell {
	if !c.kept || len(c.text) > maxText {
		c.text, c.kept = string(cut([]byte(c.text), maxText)), true
	}
	return c
}

// appendNumber appends a number as a person would read it aloud: a whole one
// without exponent or fraction, a date as 2006-01-02. lost reports more than
// the 15 digits that spreadsheet programs keep, so that its tail can't be
// trusted. ok is false when it isn't a number.
func appendNumber(to []byte, c cell) (b []byte, lost, ok bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(c.text), 64)
	if err != nil {
		return to, false, false
	}
	// What was typed as 1-2 or 2026/1 has become a date. Its serial number, which nobody sees, mustn't be taken for an id.
	if c.date && f >= 1 && f < lastDate {
		day := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(f))
		return day.AppendFormat(to, time.DateOnly), false, true
	}
	return strconv.AppendFloat(to, f, 'f', -1, 64), f >= 1e15 || f <= -1e15, true
}

// lastDate is the day after the last that a spreadsheet knows, in 9999.
const lastDate = 2958466

// isPlainNumber reports that a number stands as a person would read it.
func isPlainNumber(s string) bool {
	if len(s) == 0 || len(s) > 15 || s[0] == '0' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// merge is one column of a merged area: its leftmost, as only that holds the
// area's value.
type merge struct{ column, top, bottom int32 }

// sortMerges puts merged areas by column and row. They can't overlap.
func sortMerges(merges []merge) error {
	slices.SortFunc(merges, func(a, b merge) int {
		return cmp.Or(cmp.Compare(a.column, b.column), cmp.Compare(a.top, b.top))
	})
	for i, m := range merges {
		if i > 0 && merges[i-1].column == m.column && merges[i-1].bottom >= m.top {
			return &FileError{Code: form.Corrupt, Detail: "merged areas overlap", Row: int(m.top)}
		}
	}
	return nil
}

// fill gives the rows of the merged areas of one column their value, as the
// lines come.
type fill struct {
	column int
	merges []merge // by row, those that don't end above the line that comes next
	value  cell    // of the first of them
}

// fillsOf cuts sorted merged areas by column.
func fillsOf(merges []merge) []fill {
	var all []fill
	for len(merges) > 0 {
		n := slices.IndexFunc(merges, func(m merge) bool { return m.column != merges[0].column })
		if n < 0 {
			n = len(merges)
		}
		all = append(all, fill{column: int(merges[0].column), merges: merges[:n]})
		merges = merges[n:]
	}
	return all
}

// down fills a line, if its cell is blank and the line isn't. An area that
// begins in the header or above it means nothing.
func (f *fill) down(l line, header int, blank bool) line {
	for len(f.merges) > 0 && int(f.merges[0].bottom) < l.number {
		f.merges, f.value = f.merges[1:], cell{}
	}
	switch {
	case len(f.merges) == 0, int(f.merges[0].top) > l.number, int(f.merges[0].top) <= header:
	case int(f.merges[0].top) == l.number:
		f.value = l.at(f.column).keep()
	case !blank && l.at(f.column).blank():
		for len(l.cells) <= f.column {
			l.cells = append(l.cells, cell{})
		}
		l.cells[f.column] = f.value
	}
	return l
}
