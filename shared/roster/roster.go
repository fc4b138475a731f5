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
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// Limits of a file (design.md section 4).
const (
	maxRow     = 1 << 20 // Excel's last row, 1,048,576
	maxColumns = 64      // further columns are ignored
	headerRows = 20      // the header stands within the first so many rows
	maxLeaders = 5       // 负责人 a partner (R25)
)

// Row is one line of a roster, checked. When Problem is nil the rest is valid
// and normalised; otherwise it is what could be read, good for showing only.
type Row struct {
	Number         int      // the sheet's own number, as the user sees it
	Corp           string   // 企业名称, NFKC
	Contact        string   // 联系人姓名, NFKC
	Leader         bool     // 负责人, else 成员
	Phone          string   // E.164
	Group          []string // path below the root group, nil when none is given
	CustomID       string   // 自定义企业ID, "" when none
	MemberCustomID string   // 自定义成员ID, "" when none
	Repeats        int      // number of the earlier row that says the same of the same contact, 0 when none
	Problem        *Problem
}

// Problem is the first thing that is wrong with a row.
type Problem struct {
	Code   string // one of the row codes of package form
	Field  string // the column, as form.Column.Field
	Detail string // what was found, at most 64 characters, or "row 7" for the earlier row it clashes with
}

// Sheet is a roster that was read whole.
type Sheet struct {
	HeaderRow int      // the sheet's number of the header row
	Unknown   []string // headers of the columns that are ignored
	Rows      []Row    // all rows below the header that aren't blank, by Number
}

// OK is how many rows are valid; the others failed (R31).
func (s *Sheet) OK() int {
	n := 0
	for i := range s.Rows {
		if s.Rows[i].Problem == nil {
			n++
		}
	}
	return n
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
// of them it is, its first bytes say. It fails with a *FileError when the file
// can't be taken, and with another error when r or ctx does.
func Read(ctx context.Context, r io.ReaderAt, size int64) (*Sheet, error) {
	src := &source{r: r}
	sheet, err := read(ctx, src, size)
	switch {
	case src.err != nil: // what looks like a damaged file may be a lost connection
		return nil, fmt.Errorf("read roster: %w", src.err)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("read roster: %w", ctx.Err())
	case err != nil:
		return nil, err
	}
	return sheet, nil
}

func read(ctx context.Context, r io.ReaderAt, size int64) (*Sheet, error) {
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
		return readWorkbook(ctx, r, size)
	}
	return readCSV(ctx, r, size)
}

// source remembers when the bytes themselves couldn't be had.
type source struct {
	r   io.ReaderAt
	err error
}

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.r.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}
