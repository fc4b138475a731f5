package roster

import (
	"bytes"
	"fmt"
	"unsafe"

	"github.com/tributary-app/tributary/shared/roster/form"
)

const (
	maxMerges  = 1 << 20 // merged areas
	lastColumn = 1 << 14 // Excel's, XFD
)

// worksheet reads the rows of one sheet.
type worksheet struct {
	*lexer
	shared *texts
	dates  []bool // by style, whether it shows a number as a date
	most   int    // bytes of a text that are kept
	line   line   // the row that is being read
	digits []byte // its number as it stands there, nil when it has none
	texts  []byte // those of its cells that aren't shared
	merges []merge
}

// read gives take the rows of the sheet that have cells, and keeps the merged
// areas, which stand behind them. That the data was closed is what tells a
// whole sheet from a cut one.
func (s *worksheet) read(take func(line) error) error {
	whole := false
	for {
		t, err := s.next()
		if err != nil {
			return err
		}
		if t == partEnd {
			break
		}
		if t != startTag {
			continue
		}
		switch string(s.name) {
		case "sheetData":
			if len(s.starts) != 2 {
				continue // of an extension
			}
			if whole {
				return s.corrupt("two lots of data")
			}
			if err := s.rows(take); err != nil {
				return err
			}
			whole = true
		case "mergeCell":
			if err := s.mergeCell(); err != nil {
				return err
			}
		}
	}
	if !whole {
		return &FileError{Code: form.Truncated, Detail: "the sheet's data never ends", Row: s.row}
	}
	return nil
}

func (s *worksheet) mergeCell() error {
	m, ok := parseMerge(s.attr("ref"))
	if !ok {
		return s.corrupt("a merged area that isn't one")
	}
	if m.bottom == m.top || m.column >= maxColumns {
		return nil // no row has its value from another
	}
	if len(s.merges) == maxMerges {
		return fileError(form.TooLarge, "more than 1,048,576 merged areas")
	}
	s.merges = append(s.merges, m)
	return nil
}

// rows reads to the end of the data. What isn't a row there is damage, as it
// may have been one.
func (s *worksheet) rows(take func(line) error) error {
	for {
		t, err := s.child()
		if err != nil || t == endTag {
			return err
		}
		if string(s.name) != "row" {
			return s.corrupt("something else between the rows")
		}
		if err := s.cells(); err != nil {
			return err
		}
		if len(s.line.cells) > 0 {
			if err := take(s.line); err != nil {
				return err
			}
		}
	}
}

// cells reads the row just opened, which lasts until the next. Rows without a
// number follow the one before.
func (s *worksheet) cells() error {
	n := s.row + 1
	s.digits = s.digits[:0]
	if r := s.attr("r"); r != nil {
		var ok bool
		s.digits = append(s.digits, r...)
		if n, ok = parseNumber(r); !ok || n <= s.row {
			return s.corrupt("rows out of order")
		}
	}
	if s.row = n; n > maxRow {
		return &FileError{Code: form.TooManyRows, Detail: "a row beyond 1,048,576", Row: n}
	}
	s.line.number, s.line.cells, s.texts = n, s.line.cells[:0], s.texts[:0]
	column := -1
	for {
		from := len(s.texts)
		if c, at, n := s.quickCell(column + 1); n > 0 {
			s.at += n
			column = at
			s.set(column, c, from)
			continue
		}
		t, err := s.child()
		if err != nil || t == endTag {
			return err
		}
		if string(s.name) != "c" {
			if string(s.name) != "extLst" {
				return s.corrupt("something else between the cells")
			}
			if err := s.skip(); err != nil {
				return err
			}
			continue
		}
		column++
		if ref := s.attr("r"); ref != nil {
			c, r, ok := parseRef(ref)
			if !ok || r != n || c < column {
				return s.corrupt("cells out of order")
			}
			column = c
		}
		c, err := s.cell()
		if err != nil {
			return err
		}
		s.set(column, c, from)
	}
}

// set gives the row a cell, if it holds anything. The texts of further columns
// than are read are forgotten, from where they begin.
func (s *worksheet) set(column int, c cell, from int) {
	switch {
	case column >= maxColumns:
		s.texts = s.texts[:from]
	case c.kind != TextCell || c.text != "":
		s.line.set(column, c)
	}
}

// cell reads the cell just opened.
func (s *worksheet) cell() (cell, error) {
	kind := kindOf(s.attr("t"))
	if kind == unknownKind {
		return cell{}, s.corrupt("a cell of an unknown kind")
	}
	style, _ := parseNumber(s.attr("s"))
	if s.closed { // most blank cells
		_, err := s.next()
		return cell{}, err
	}
	from, formula, hasValue := len(s.texts), false, false
	for {
		t, err := s.child()
		if err != nil {
			return cell{}, err
		}
		if t == endTag {
			break
		}
		switch string(s.name) {
		case "v":
			hasValue = true
			if kind == inlineKind { // its text is elsewhere
				err = s.skip()
			} else {
				s.texts, err = s.text(s.texts[:from])
			}
		case "f":
			formula = true
			err = s.skip()
		case "is":
			if kind != inlineKind {
				return cell{}, s.corrupt("a text where there is none")
			}
			s.texts, err = s.richText(s.texts[:from])
		case "extLst":
			err = s.skip()
		default:
			err = s.corrupt("something else in a cell")
		}
		if err != nil {
			return cell{}, err
		}
	}
	value := s.texts[from:]
	// A formula may well come to an empty text, but then it says that it is text.
	if formula && len(value) == 0 && !(kind == stringKind && hasValue) {
		return cell{kind: PendingCell, style: int32(style)}, nil
	}
	c := cell{style: int32(style)}
	switch kind {
	case sharedKind:
		if len(value) == 0 {
			return cell{}, nil
		}
		i, ok := parseNumber(bytes.TrimSpace(value))
		if ok {
			c.text, ok = s.shared.at(i)
		}
		if !ok {
			return cell{}, s.corrupt(fmt.Sprintf("a cell points to a text that isn't there, of %d", s.shared.count))
		}
		c.kept = true
		s.texts = s.texts[:from]
		return c, nil
	case booleanKind:
		c.text, c.kept = "FALSE", true
		if string(value) == "1" || string(value) == "true" {
			c.text = "TRUE"
		}
		return c, nil
	case errorKind:
		c.kind = ErrorCell
	case numberKind:
		if len(value) > 0 {
			c.kind = NumberCell
			c.date = style < len(s.dates) && s.dates[style]
		}
	}
	if len(value) > s.most {
		value = cut(value, s.most)
		s.texts = append(s.texts[:from], value...)
		value = s.texts[from:]
	}
	c.text = unsafe.String(unsafe.SliceData(value), len(value)) // until the next row
	return c, nil
}

// storedKind is how a cell's value is stored.
type storedKind uint8

const (
	numberKind storedKind = iota
	sharedKind
	inlineKind
	stringKind // a formula's, or of a writer that has no shared strings
	booleanKind
	errorKind
	dateKind // in ISO 8601
	unknownKind
)

func kindOf(t []byte) storedKind {
	switch string(t) {
	case "", "n":
		return numberKind
	case "s":
		return sharedKind
	case "inlineStr":
		return inlineKind
	case "str":
		return stringKind
	case "b":
		return booleanKind
	case "e":
		return errorKind
	case "d":
		return dateKind
	}
	return unknownKind
}

// parseNumber reads digits, of a number that a row or a text may have.
func parseNumber(b []byte) (n int, ok bool) {
	if len(b) == 0 || len(b) > 10 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// parseRef reads "AB12" as column 27, row 12.
func parseRef(ref []byte) (column, row int, ok bool) {
	i := 0
	for ; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z' && i < 3; i++ {
		column = column*26 + int(ref[i]-'A'+1)
	}
	row, ok = parseNumber(ref[i:])
	return column - 1, row, ok && i > 0 && row > 0 && column <= lastColumn
}

// parseMerge reads "A2:B5" as its first column.
func parseMerge(ref []byte) (m merge, ok bool) {
	from, to, area := bytes.Cut(ref, []byte(":"))
	if !area {
		to = from
	}
	left, top, ok := parseRef(from)
	right, bottom, whole := parseRef(to)
	return merge{int32(left), int32(min(top, maxRow)), int32(min(bottom, maxRow))}, ok && whole && left <= right && top <= bottom
}
