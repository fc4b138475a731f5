package roster

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// line is one row of raw cells, from column A on; trailing empty ones are left
// out. Nothing is judged yet.
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
	if column < len(l.cells) {
		return l.cells[column]
	}
	return cell{}
}

// cell is a cell's stored value, never its formatted look.
type cell struct {
	kind cellKind
	text string // of a number, as it is stored
}

type cellKind uint8

const (
	textCell    cellKind = iota // with text "", a blank cell
	numberCell                  // a binary floating-point number
	errorCell                   // #N/A and the like
	pendingCell                 // a formula whose value was never computed
)

func (c cell) blank() bool { return c.kind == textCell && clean(c.text) == "" }

// string is the cell as a person would read it aloud: a whole number without
// exponent or fraction. lost reports a number of more than the 15 digits that
// spreadsheet programs keep, so that its tail can't be trusted.
func (c cell) string() (s string, lost bool) {
	if c.kind != numberCell {
		return clean(c.text), false
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(c.text), 64)
	if err != nil {
		return clean(c.text), false
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	return s, f >= 1e15 || f <= -1e15
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
		f.value = l.at(f.column)
	case !blank && l.at(f.column).blank():
		for len(l.cells) <= f.column {
			l.cells = append(l.cells, cell{})
		}
		l.cells[f.column] = f.value
	}
	return l
}

// blank reports whether all of these columns are.
func (l line) blank(columns []int) bool {
	return !slices.ContainsFunc(columns, func(c int) bool { return !l.at(c).blank() })
}
