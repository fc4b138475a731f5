package roster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// Limits on what is kept of a file. They have room for a sheet of the most
// rows that there may be, and keep a small file that unpacks to much, or says
// little in many rows, from taking the memory of the function that reads it.
const (
	maxText   = 4 << 10   // bytes of one cell; the longest group path takes 1,248
	maxTexts  = 128 << 20 // bytes of all rows together
	maxGroups = 1 << 16   // different group paths that are kept once for all their rows
)

// intake takes the lines of a sheet one by one, as a reader finds them, and
// makes them rows: no line outlives it but those that may be the header.
type intake struct {
	ctx    context.Context
	fills  []fill // by column
	top    []line // the lines where a header may stand, until one is chosen
	header header
	bad    error // why no row is read; the file is read on all the same, as damage is the better answer
	chosen bool
	filled bool // whether any cell holds anything
	wanted []int
	rows   []row
	seen   partners
	groups map[string][]string // by what was written
	texts  int                 // bytes kept
}

// newIntake knows the merged areas of the sheet beforehand.
func newIntake(ctx context.Context, merges []merge) *intake {
	return &intake{ctx: ctx, fills: fillsOf(merges), seen: newPartners(), groups: map[string][]string{}}
}

// take reads the next line, which is the caller's again afterwards.
func (in *intake) take(l line) error {
	if l.number%1024 == 0 && in.ctx.Err() != nil {
		return in.ctx.Err()
	}
	in.filled = in.filled || l.filled()
	if !in.chosen && l.number <= headerRows {
		in.top = append(in.top, line{l.number, slices.Clone(l.cells)})
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
	for _, column := range h.column {
		in.wanted = append(in.wanted, column)
	}
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
	blank := l.blank(in.wanted)
	for i := range in.fills {
		if f := &in.fills[i]; slices.Contains(in.wanted, f.column) {
			l = f.down(l, in.header.row, blank)
		}
	}
	if blank {
		return nil
	}
	r := readRow(l, in.header.column)
	if r.Problem == nil {
		in.seen.check(in.rows, &r)
	}
	if in.keep(&r); in.texts > maxTexts {
		return &FileError{Code: form.TooLarge, Detail: "the rows hold more than 128 MiB of text", Row: r.Number}
	}
	if len(in.rows) == cap(in.rows) {
		// append would grow by a quarter each time, and leave four times the rows behind.
		in.rows = append(make([]row, 0, max(64, 2*len(in.rows))), in.rows...)
	}
	in.rows = append(in.rows, r)
	return nil
}

// keep counts what a row takes beside its own struct, and shares the group
// path of an earlier one.
func (in *intake) keep(r *row) {
	in.texts += len(r.Corp) + len(r.Contact) + len(r.Phone) + len(r.CustomID) + len(r.MemberCustomID)
	if r.Problem != nil {
		in.texts += len(r.Problem.Detail)
	}
	if r.Group == nil {
		return
	}
	written := strings.Join(r.Group, "/")
	if known, ok := in.groups[written]; ok {
		r.Group = known
		return
	}
	const level = 16 // bytes of a string that points to its text
	in.texts += len(written) + level*len(r.Group)
	if len(in.groups) < maxGroups {
		in.groups[written] = r.Group
	}
}

// end is the sheet, when no line is left.
func (in *intake) end() (*rows, error) {
	if err := in.choose(); err != nil {
		return nil, err
	}
	switch {
	case !in.filled:
		return nil, fileError(form.EmptyFile, "blank cells only")
	case in.bad != nil:
		return nil, in.bad
	case len(in.rows) == 0:
		return nil, &FileError{Code: form.EmptyFile, Detail: "no row below the header", Row: in.header.row}
	}
	return &rows{HeaderRow: in.header.row, Unknown: in.header.unknown, Rows: in.rows}, nil
}

// fits is a cell's text, cut where it is longer than any that is valid.
func fits(s string) string {
	if len(s) <= maxText {
		return s
	}
	if s = clean(s); len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return strings.Clone(s)
}
