package roster

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// grid is a sheet as a reader found it: raw cells, nothing judged.
type grid struct {
	lines  []line  // those with any cell, by number
	merges []merge // in any order
}

// line is one row of cells, from column A on; trailing blank ones are left out.
type line struct {
	number int
	cells  []cell
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
type merge struct{ column, top, bottom int }

// fillDown gives the rows of a merged area its value, in columns that are
// wanted and below the header. A row that is otherwise blank stays blank.
func (g grid) fillDown(wanted []int, header int) error {
	slices.SortFunc(g.merges, func(a, b merge) int {
		return cmp.Or(cmp.Compare(a.column, b.column), cmp.Compare(a.top, b.top))
	})
	for i, m := range g.merges {
		if i > 0 && g.merges[i-1].column == m.column && g.merges[i-1].bottom >= m.top {
			return &FileError{Code: form.Corrupt, Detail: "merged areas overlap", Row: m.top}
		}
		if !slices.Contains(wanted, m.column) || m.top <= header {
			continue
		}
		at, found := slices.BinarySearchFunc(g.lines, m.top, func(l line, n int) int { return cmp.Compare(l.number, n) })
		if !found {
			continue
		}
		value := g.lines[at].at(m.column)
		for at++; at < len(g.lines) && g.lines[at].number <= m.bottom; at++ {
			l := &g.lines[at]
			if !l.at(m.column).blank() || l.blank(wanted) {
				continue
			}
			for len(l.cells) <= m.column {
				l.cells = append(l.cells, cell{})
			}
			l.cells[m.column] = value
		}
	}
	return nil
}

// blank reports whether all of these columns are.
func (l line) blank(columns []int) bool {
	return !slices.ContainsFunc(columns, func(c int) bool { return !l.at(c).blank() })
}
