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

// maxRaw is how many bytes of a cell are given as they stand: Excel's 32,767
// characters, of four bytes at most.
const maxRaw = 128 << 10

// Lines reads a file as Read does, and gives each all of its rows as they
// stand: those above the header too, none that has no cell. Merged areas are
// not filled. Its errors are those of Read, which has to be asked whether the
// rows mean anything. Of the Sheet's numbers Rows counts the lines, and OK nothing.
func Lines(ctx context.Context, r io.ReaderAt, size int64, o Options, each func(*Line) error) (*Sheet, error) {
	src := &source{r: r, size: size}
	s, err := lines(ctx, src, size, o, each)
	if err = src.judge(ctx, err); err != nil {
		return nil, err
	}
	return s, nil
}

func lines(ctx context.Context, r io.ReaderAt, size int64, o Options, each func(*Line) error) (*Sheet, error) {
	f, err := open(ctx, r, size, o, maxRaw)
	if err != nil {
		return nil, err
	}
	h, err := headerOf(f)
	if err != nil {
		return nil, err
	}
	s := &Sheet{Name: f.name, HeaderRow: h.row, Unknown: h.unknown}
	var out Line
	_, err = f.lines(func(l line) error {
		if l.number%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		out = Line{Number: l.number, Header: l.number == h.row, Cells: out.Cells[:0]}
		for column, c := range l.cells {
			if c.kind != TextCell || c.text != "" {
				out.Cells = append(out.Cells, Cell{column, c.kind, c.text, int(c.style)})
			}
		}
		s.Rows++
		return each(&out)
	})
	return s, err
}

// headerOf reads no further than a header may stand.
func headerOf(f *file) (header, error) {
	enough := errors.New("enough")
	var top []line
	_, err := f.lines(func(l line) error {
		if l.number > headerRows {
			return enough
		}
		top = append(top, l.keep())
		return nil
	})
	if err != nil && !errors.Is(err, enough) {
		return header{}, err
	}
	h, _ := findHeader(top)
	return h, nil
}

// Styles is the workbook's part that says what the styles of its cells look
// like, as it stands, at most 8 MiB; nil when there is none, as in a CSV file.
func Styles(ctx context.Context, r io.ReaderAt, size int64) ([]byte, error) {
	src := &source{r: r, size: size}
	b, err := styles(ctx, src, size)
	return b, src.judge(ctx, err)
}

func styles(ctx context.Context, r io.ReaderAt, size int64) ([]byte, error) {
	if k, err := sniff(r, size); err != nil || k != zipped {
		return nil, err
	}
	w, err := openWorkbook(ctx, r, size)
	if err != nil {
		return nil, err
	}
	e, ok, err := w.related("styles")
	if !ok || err != nil {
		return nil, err
	}
	part, err := w.open(e, maxPart)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(part)
}
