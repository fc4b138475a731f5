// Package roster reads the list of partners that a company uploads (上下游名单)
// and says of each row who it names, or what is wrong with it. A workbook or a
// CSV file goes in, checked rows come out: every row that isn't blank, in the
// sheet's order, valid or with a problem, none dropped (R31).
//
// A file is read whole or not at all: what is cut short, damaged, locked or no
// roster is a *FileError. A reader of either kind gives lines of raw cells, one
// by one; what they mean is decided in one place.
package roster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster/form"
)

// Limits of a file (design.md section 4).
const (
	maxRow     = 1 << 20 // Excel's last row, 1,048,576
	maxColumns = 64      // further columns are ignored
	headerRows = 20      // the header stands within the first so many rows
)

// Options say what of a file is read.
type Options struct {
	// Sheet is the worksheet's name, whatever its capitals; "" is the first
	// visible one. A CSV file has no sheets, and takes any name.
	Sheet string
}

// Sheet is what is said of a roster that was read whole.
type Sheet struct {
	Name      string   // of the worksheet, "" of a CSV file
	HeaderRow int      // the sheet's number of the header row
	Unknown   []string // headers of the columns that mean nothing
	Rows      int      // below the header, that aren't blank
	OK        int      // of them, those that are valid; the others failed (R31)
}

// FileError says why a file as a whole can't be taken.
type FileError struct {
	Code   string // one of the file codes of package form
	Detail string // in English, for whoever looks into it; holds no cell of the file but headers
	Row    int    // the sheet's number of the last row that could be read, 0 when that means nothing
}

func (e *FileError) Error() string {
	if e.Row > 0 {
		return fmt.Sprintf("roster: %s at row %d: %s", e.Code, e.Row, e.Detail)
	}
	return fmt.Sprintf("roster: %s: %s", e.Code, e.Detail)
}

func fileError(code, detail string) error { return &FileError{Code: code, Detail: detail} }

// Read reads a roster of so many bytes, an .xlsx workbook or a CSV file; which
// of them it is, its first bytes say. Each row below the header that isn't
// blank goes to each, in the sheet's order: valid and normalised, or with a
// code of package form and as much as could be read, good for showing only
// (R31). The row is each's until it returns, its strings for ever; the levels
// of a group are one slice for all rows that have it, and not to be changed.
//
// It fails with a *FileError when the file can't be taken, with each's error as
// it is, and with another when r or ctx does. A file is whole or nothing: each
// must keep what it got to itself until Read has returned without an error.
func Read(ctx context.Context, r io.ReaderAt, size int64, o Options, each func(*network.RosterRow) error) (*Sheet, error) {
	src := &source{r: r, size: size}
	s, err := read(ctx, src, size, o, each)
	if err = src.judge(ctx, err); err != nil {
		return nil, err
	}
	return s, nil
}

func read(ctx context.Context, r io.ReaderAt, size int64, o Options, each func(*network.RosterRow) error) (*Sheet, error) {
	f, err := open(ctx, r, size, o, maxText)
	if err != nil {
		return nil, err
	}
	in := &intake{ctx: ctx, each: each, merges: f.merges}
	s, err := f.rows(in)
	if errors.Is(err, errMerged) {
		// Merged areas stand behind the cells, so what they mean takes another look at these.
		in = &intake{ctx: ctx, each: each, given: in.given, asked: true, fills: fillsOf(in.areas)}
		s, err = f.rows(in)
	}
	return s, err
}

// file is a roster that has been opened, of either kind.
type file struct {
	name   string                                                 // of the sheet
	lines  func(take func(line) error) (areas []merge, err error) // gives take the lines that hold anything, to the end
	merges func() []merge                                         // the merged areas that lines will end with
}

// rows takes all lines in, and says what they were.
func (f *file) rows(in *intake) (*Sheet, error) {
	areas, err := f.lines(in.take)
	if err != nil {
		return nil, err
	}
	if err := sortMerges(areas); err != nil {
		return nil, err
	}
	in.merges = func() []merge { return areas }
	return in.end(f.name)
}

// open finds out what a file is, and what of it is to be read. A text is cut
// to so many bytes.
func open(ctx context.Context, r io.ReaderAt, size int64, o Options, most int) (*file, error) {
	switch {
	case size == 0:
		return nil, fileError(form.EmptyFile, "no bytes")
	case size > form.MaxFile:
		return nil, fileError(form.TooLarge, fmt.Sprintf("%d bytes", size))
	}
	k, err := sniff(r, size)
	if err != nil {
		return nil, err
	}
	if k == zipped {
		return openSheet(ctx, r, size, o.Sheet, most)
	}
	return openCSV(ctx, r, size, most)
}

// source remembers when the bytes themselves couldn't be had. It asks for none
// that aren't the file's, wherever a damaged one says that its parts are.
type source struct {
	r    io.ReaderAt
	size int64
	err  error
}

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= s.size {
		return 0, io.EOF
	}
	whole := len(p)
	p = p[:min(int64(whole), s.size-off)]
	n, err := s.r.ReadAt(p, off)
	switch {
	case err != nil && !errors.Is(err, io.EOF), n < len(p):
		s.err = cmp.Or(err, io.ErrUnexpectedEOF)
		return n, s.err
	case n < whole:
		return n, io.EOF
	}
	return n, nil
}

// judge is the error of what was read: what looks like a damaged file may be a
// lost connection.
func (s *source) judge(ctx context.Context, err error) error {
	switch {
	case s.err != nil:
		return fmt.Errorf("read roster: %w", s.err)
	case ctx.Err() != nil:
		return fmt.Errorf("read roster: %w", ctx.Err())
	}
	return err
}
