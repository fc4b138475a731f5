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

// worksheet reads a sheet whole. Its cells and merged areas are all that is
// taken; that its data was closed is what tells a whole sheet from a cut one.
func (p *workbookPackage) worksheet(f *zip.File, shared []string) (grid, error) {
	var g grid
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
					if len(l.cells) > 0 {
						g.lines = append(g.lines, l)
					}
				case "mergeCell":
					if m, ok := parseMerge(attr(t, "ref")); ok {
						g.merges = append(g.merges, m)
					}
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
	return g, err
}

// line reads a row just opened. Rows without a number follow the one before.
func (d *decoder) line(row xml.StartElement, shared []string) (line, error) {
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
	l := line{number: n}
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
				l.cells = append(l.cells, slices.Repeat([]cell{{}}, column-len(l.cells))...)
				l.cells = append(l.cells, c)
			}
		case xml.EndElement:
			if t.Name.Local == "row" {
				return l, nil
			}
		}
	}
}

// cell reads a cell just opened.
func (d *decoder) cell(c xml.StartElement, shared []string) (cell, error) {
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
		if err != nil || i < 0 || i >= len(shared) {
			return cell{}, &FileError{Code: form.Corrupt, Detail: fmt.Sprintf("a cell points to a text that isn't there, of %d", len(shared)), Row: d.row}
		}
		return cell{text: shared[i]}, nil
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
	return merge{column, top, bottom}, ok && bottom > top && column < maxColumns
}
