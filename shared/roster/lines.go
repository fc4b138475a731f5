package roster

import (
	"context"
	"errors"
	"io"
)

// Line is one row of a file as it stands there, judged by nobody. It and its
// cells are whose they were given to until that returns.
type Line struct {
	Number int    // the sheet's own
	Header bool   // whether it is the header
	Cells  []Cell // by column, those that hold anything; at most 64 columns
}

// Cell is a cell's stored value, never its formatted look.
type Cell struct {
	Column int // 0 is A
	Kind   Kind
	Text   string // of a number, as it is stored
	Style  int    // index into the cellXfs of Styles, 0 in a CSV file
}

// Kind is what a cell holds.
type Kind uint8

// The kinds of cells.
const (
	TextCell    Kind = iota // a date or a truth value too, where it is stored as one
	NumberCell              // a binary floating-point number
	ErrorCell               // #N/A and the like
	PendingCell             // a formula whose value was never computed
)

// Lines reads a file as Read does, and gives each all of its rows as they
// stand: those above the header too, none that holds nothing. Its errors are
// Read's, but that each's end it all the same.
func Lines(ctx context.Context, r io.ReaderAt, size int64, o Options, each func(*Line) error) (*Sheet, error) {
	return nil, errors.New("roster: lines are on their way")
}

// Styles is the workbook's part that says what the styles of its cells look
// like, as it stands, at most 8 MiB; nil when there is none, as in a CSV file.
func Styles(ctx context.Context, r io.ReaderAt, size int64) ([]byte, error) {
	return nil, errors.New("roster: styles are on their way")
}
