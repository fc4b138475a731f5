package roster

import (
	"strings"
	"unicode"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// header is a row that names columns.
type header struct {
	row     int
	column  map[string]int // by field; a field without a column isn't in it
	unknown []string
	missing []string // required fields without a column
	twice   []string // fields that two columns claim equally
}

// findHeader takes the first row, of those where one may stand, that names
// most columns. ok is false when none names any.
func findHeader(lines []line) (h header, ok bool) {
	names := headerNames()
	for _, l := range lines {
		if l.number > headerRows {
			break
		}
		if found := readHeader(l, names); len(found.column) > len(h.column) {
			h, ok = found, true
		}
	}
	return h, ok
}

// headerName is what a spelling of a header stands for. A spelling of the
// template beats others, so that 联系人姓名 and 姓名 may stand side by side.
type headerName struct {
	field string
	ours  bool
}

func headerNames() map[string]headerName {
	names := map[string]headerName{}
	for _, c := range form.Columns() {
		for _, also := range c.Also {
			names[spell(also)] = headerName{c.Field, false}
		}
		names[spell(c.Chinese)] = headerName{c.Field, true}
		names[spell(c.English)] = headerName{c.Field, true}
	}
	return names
}

func readHeader(l line, names map[string]headerName) header {
	h := header{row: l.number, column: map[string]int{}}
	ours, twice := map[string]bool{}, map[string]bool{}
	for i, c := range l.cells {
		if c.blank() {
			continue
		}
		name, known := names[spell(c.text)]
		first, taken := h.column[name.field]
		switch {
		case !known:
			h.unknown = append(h.unknown, shorten(clean(c.text)))
		case !taken || name.ours && !ours[name.field]:
			if taken {
				h.unknown = append(h.unknown, shorten(clean(l.cells[first].text)))
			}
			h.column[name.field], ours[name.field], twice[name.field] = i, name.ours, false
		case name.ours == ours[name.field]:
			twice[name.field] = true
		default:
			h.unknown = append(h.unknown, shorten(clean(c.text)))
		}
	}
	for _, c := range form.Columns() {
		if _, ok := h.column[c.Field]; !ok && c.Required {
			h.missing = append(h.missing, c.Chinese+" / "+c.English)
		}
		if twice[c.Field] {
			h.twice = append(h.twice, c.Chinese+" / "+c.English)
		}
	}
	return h
}

// spell reduces a header to what doesn't vary: no remark in brackets at its
// end, no asterisks, spaces, line breaks or punctuation, no capitals.
func spell(s string) string {
	s = strings.ToLower(clean(s))
	for {
		s = strings.TrimRightFunc(s, func(r rune) bool { return r != ')' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		open := strings.LastIndexByte(s, '(')
		if !strings.HasSuffix(s, ")") || open < 0 {
			break
		}
		s = s[:open]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// complete refuses a header that rows can't be read by.
func (h header) complete() error {
	switch {
	case len(h.missing) > 0:
		return &FileError{Code: form.UnknownColumns, Detail: "no column for " + strings.Join(h.missing, ", "), Row: h.row}
	case len(h.twice) > 0:
		return &FileError{Code: form.UnknownColumns, Detail: "two columns for " + strings.Join(h.twice, ", "), Row: h.row}
	}
	return nil
}
