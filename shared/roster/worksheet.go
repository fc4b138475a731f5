package roster

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// worksheet makes rows of a sheet. Its merged areas stand behind its cells, so
// where they mean anything it is read once more.
func (p *workbookPackage) worksheet(f *zip.File, shared *texts) (*rows, error) {
	in := newIntake(p.ctx, nil)
	merges, err := p.cells(f, shared, in)
	if err != nil {
		return nil, err
	}
	s, err := in.end()
	if in.bad == nil {
		if err := sortMerges(merges); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	means := func(m merge) bool { return slices.Contains(in.wanted, int(m.column)) && int(m.top) > in.header.row }
	if !slices.ContainsFunc(merges, means) {
		return s, nil
	}
	in = newIntake(p.ctx, merges)
	if _, err := p.cells(f, shared, in); err != nil {
		return nil, err
	}
	return in.end()
}

// cells reads a sheet whole. Its cells and merged areas are all that is
// taken; that its data was closed is what tells a whole sheet from a cut one.
func (p *workbookPackage) cells(f *zip.File, shared *texts, in *intake) ([]merge, error) {
	var merges []merge
	err := p.scan(f, maxSheet, func(d *decoder) error {
		closed := false
		for {
			t, err := d.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			switch t := t.(type) {
			case xml.StartElement:
				switch t.Name.Local {
				case "row":
					l, err := d.line(t, shared)
					if err != nil {
						return err
					}
					if len(l.cells) == 0 {
						continue
					}
					if err := in.take(l); err != nil {
						return err
					}
				case "mergeCell":
					m, ok := parseMerge(attr(t, "ref"))
					if !ok {
						continue
					}
					if len(merges) == maxMerges {
						return fileError(form.TooLarge, "more than 1,048,576 merged areas")
					}
					merges = append(merges, m)
				}
			case xml.EndElement:
				if t.Name.Local == "sheetData" {
					closed = true
				}
			}
		}
		if !closed {
			return &FileError{Code: form.Truncated, Detail: "the sheet's data never ends", Row: d.row}
		}
		return nil
	})
	return merges, err
}

// line reads a row just opened, which lasts until the next. Rows without a
// number follow the one before.
func (d *decoder) line(row xml.StartElement, shared *texts) (line, error) {
	n := d.row + 1
	if r := attr(row, "r"); r != "" {
		var err error
		if n, err = strconv.Atoi(r); err != nil || n <= d.row {
			return line{}, &FileError{Code: form.Corrupt, Detail: "rows out of order", Row: d.row}
		}
	}
	d.row = n
	if n > maxRow {
		return line{}, &FileError{Code: form.TooManyRows, Detail: "a row beyond 1,048,576", Row: n}
	}
	l := line{number: n, cells: d.cells[:0]}
	column := -1
	for {
		t, err := d.inside()
		if err != nil {
			return line{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			column++
			if ref := attr(t, "r"); ref != "" {
				c, r, ok := parseRef(ref)
				if !ok || r != n || c < column {
					return line{}, &FileError{Code: form.Corrupt, Detail: "cells out of order", Row: n}
				}
				column = c
			}
			c, err := d.cell(t, shared)
			if err != nil {
				return line{}, err
			}
			if column < maxColumns && (c.kind != textCell || c.text != "") {
				c.text = fits(c.text)
				l.set(column, c)
			}
		case xml.EndElement:
			if t.Name.Local == "row" {
				d.cells = l.cells
				return l, nil
			}
		}
	}
}

// cell reads a cell just opened.
func (d *decoder) cell(c xml.StartElement, shared *texts) (cell, error) {
	var value, inline string
	var formula, hasValue bool
	for {
		t, err := d.inside()
		if err != nil {
			return cell{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "f":
				formula = true
			case "v":
				hasValue = true
				if value, err = d.text("v"); err != nil {
					return cell{}, err
				}
			case "is":
				if inline, err = d.richText("is"); err != nil {
					return cell{}, err
				}
			}
			continue
		case xml.EndElement:
			if t.Name.Local != "c" {
				continue
			}
		default:
			continue
		}
		break
	}
	kind := attr(c, "t")
	// A formula may well come to an empty text, but then it says that it is text.
	if formula && value == "" && !(kind == "str" && hasValue) {
		return cell{kind: pendingCell}, nil
	}
	switch kind {
	case "s":
		if value == "" {
			return cell{}, nil
		}
		i, err := strconv.Atoi(strings.TrimSpace(value))
		text, ok := shared.at(i)
		if err != nil || !ok {
			return cell{}, &FileError{Code: form.Corrupt, Detail: fmt.Sprintf("a cell points to a text that isn't there, of %d", shared.count), Row: d.row}
		}
		return cell{text: text}, nil
	case "inlineStr":
		return cell{text: inline}, nil
	case "e":
		return cell{kind: errorCell, text: value}, nil
	case "b":
		if value == "1" {
			return cell{text: "TRUE"}, nil
		}
		return cell{text: "FALSE"}, nil
	case "", "n":
		if value != "" {
			return cell{kind: numberCell, text: value}, nil
		}
	}
	return cell{text: value}, nil
}

// parseRef reads "AB12" as column 27, row 12.
func parseRef(ref string) (column, row int, ok bool) {
	i := 0
	for ; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z' && i < 3; i++ {
		column = column*26 + int(ref[i]-'A'+1)
	}
	row, err := strconv.Atoi(ref[i:])
	return column - 1, row, err == nil && i > 0 && row > 0
}

// parseMerge reads "A2:B5" as its first column; an area of one row is none.
func parseMerge(ref string) (merge, bool) {
	from, to, ok := strings.Cut(ref, ":")
	if !ok {
		return merge{}, false
	}
	column, top, ok := parseRef(from)
	if !ok {
		return merge{}, false
	}
	_, bottom, ok := parseRef(to)
	bottom = min(bottom, maxRow)
	return merge{int32(column), int32(top), int32(bottom)}, ok && bottom > top && column < maxColumns
}
