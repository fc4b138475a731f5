package mend

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/roster"
)

// merged is the first column of an area of cells that are one, as only that
// one holds a value.
type merged struct {
	column, top, bottom int
	value               roster.Cell
}

var area = regexp.MustCompile(`\sref\s*=\s*["']([A-Z]{1,3})([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7})["']`)

// mergedIn are the areas of more than one row, by their first.
func mergedIn(raw []byte) []merged {
	var all []merged
	for _, m := range area.FindAllSubmatch(raw, -1) {
		top, _ := strconv.Atoi(string(m[2])) // digits, at most seven
		bottom, _ := strconv.Atoi(string(m[3]))
		column := 0
		for _, c := range m[1] {
			column = column*26 + int(c-'A') + 1
		}
		if bottom > top {
			all = append(all, merged{column: column - 1, top: top, bottom: bottom})
		}
	}
	slices.SortStableFunc(all, func(a, b merged) int { return cmp.Compare(a.top, b.top) })
	return all
}

// filling gives the rows of merged areas their value, as roster.Read does,
// line by line: those below lose the one that holds it.
type filling struct {
	left []merged       // that begin in a later line
	open map[int]merged // by column
}

// skip passes over what begins in a line or above it.
func (f *filling) skip(line int) {
	for len(f.left) > 0 && f.left[0].top <= line {
		f.left = f.left[1:]
	}
}

func (f *filling) fill(l *roster.Line) {
	for len(f.left) > 0 && f.left[0].top <= l.Number {
		if m := f.left[0]; m.top == l.Number {
			if i, there := find(l, m.column); there {
				m.value = l.Cells[i]
				m.value.Text = strings.Clone(m.value.Text) // the line's own is gone with it
				f.open[m.column] = m
			}
		}
		f.left = f.left[1:]
	}
	for column, m := range f.open {
		i, there := find(l, column)
		switch {
		case m.bottom < l.Number:
			delete(f.open, column)
		case !there:
			l.Cells = slices.Insert(l.Cells, i, m.value)
		}
	}
}

func find(l *roster.Line, column int) (i int, there bool) {
	return slices.BinarySearchFunc(l.Cells, column, func(c roster.Cell, column int) int { return cmp.Compare(c.Column, column) })
}
