package roster

import (
	"context"
	"errors"
	"fmt"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster/form"
)

// maxText is how many bytes of a cell are read for a row; the longest group
// path takes 1,248.
const maxText = 4 << 10

// intake takes the lines of a sheet one by one, as a reader finds them, and
// gives each the rows that they are. No line outlives it but those that may be
// the header.
type intake struct {
	ctx    context.Context
	each   func(*network.RosterRow) error
	top    []line // the lines where a header may stand, until one is chosen
	header header
	chosen bool
	bad    error // why no row is read; the file is read on all the same, as damage is the better answer
	filled bool  // whether any cell holds anything
	wanted []int // the columns that mean something
	check  *checker
	rows   int
	ok     int
	given  int // the last row that each has had from an earlier intake

	merges func() []merge // the merged areas of the sheet, by column and row; asked once, when they first may matter
	asked  bool
	areas  []merge // what it said, if any mean something
	fills  []fill  // by column
	above  []bool  // of each wanted column, whether the last line that wasn't blank had something there
}

// errMerged is that the sheet has merged areas that mean something. Rows that
// were given before are as they would have been.
var errMerged = errors.New("roster: merged areas")

// take reads the next line, which is the caller's again afterwards.
func (in *intake) take(l line) error {
	if l.number%1024 == 0 && in.ctx.Err() != nil {
		return in.ctx.Err()
	}
	in.filled = in.filled || l.filled()
	if !in.chosen && l.number <= headerRows {
		in.top = append(in.top, l.keep())
		return nil
	}
	if err := in.choose(); err != nil {
		return err
	}
	return in.read(l)
}

// choose settles which line is the header, once all have come that may be it.
func (in *intake) choose() error {
	if in.chosen {
		return nil
	}
	in.chosen = true
	h, ok := findHeader(in.top)
	if in.header = h; !ok {
		in.bad = fileError(form.NoHeader, fmt.Sprintf("none in the first %d rows", headerRows))
	} else {
		in.bad = h.complete()
	}
	in.check = newChecker(h)
	for _, column := range in.check.column {
		if column >= 0 {
			in.wanted = append(in.wanted, column)
		}
	}
	in.above = make([]bool, len(in.wanted))
	for _, l := range in.top {
		if err := in.read(l); err != nil {
			return err
		}
	}
	in.top = nil
	return nil
}

// read makes a row of a line below the header that isn't blank.
func (in *intake) read(l line) error {
	if in.bad != nil || l.number <= in.header.row {
		return nil
	}
	blank, gap := true, false // gap: nothing below something, where a merged area may be
	for i, column := range in.wanted {
		empty := l.at(column).blank()
		blank = blank && empty
		gap = gap || empty && in.above[i]
	}
	if in.fills != nil {
		for i := range in.fills {
			l = in.fills[i].down(l, in.header.row, blank)
		}
	}
	if blank {
		return nil
	}
	if !in.asked {
		if gap {
			in.asked = true
			if in.areas = in.meaning(in.merges()); len(in.areas) > 0 {
				return errMerged
			}
		}
		for i, column := range in.wanted {
			in.above[i] = !l.at(column).blank()
		}
	}
	r := in.check.check(l)
	in.rows++
	if r.Code == "" {
		in.ok++
	}
	if r.Number <= in.given {
		return nil
	}
	in.given = r.Number
	return in.each(r)
}

// meaning is those of the areas that are below the header, in a column that is
// read.
func (in *intake) meaning(areas []merge) []merge {
	var mean []merge
	for _, m := range areas {
		for _, column := range in.wanted {
			if int(m.column) == column && int(m.top) > in.header.row {
				mean = append(mean, m)
				break
			}
		}
	}
	return mean
}

// end is what to say of the sheet, when no line is left.
func (in *intake) end(name string) (*Sheet, error) {
	if err := in.choose(); err != nil {
		return nil, err
	}
	switch {
	case !in.filled:
		return nil, fileError(form.EmptyFile, "blank cells only")
	case in.bad != nil:
		return nil, in.bad
	case in.rows == 0:
		return nil, &FileError{Code: form.EmptyFile, Detail: "no row below the header", Row: in.header.row}
	}
	return &Sheet{Name: name, HeaderRow: in.header.row, Unknown: in.header.unknown, Rows: in.rows, OK: in.ok}, nil
}
