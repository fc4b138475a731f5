package roster

import (
	"bytes"
	"unsafe"
)

// Nearly all cells and shared texts of nearly all writers stand in one of a few
// forms. What is read here is read right from the window, to the letter; all
// else is left to the lexer, which would have come to the same.

// quickCell reads a cell of column from or a later one. n is how many bytes of
// the window it takes, 0 if it isn't one of a form that is known here.
func (s *worksheet) quickCell(from int) (c cell, column, n int) {
	const open = `<c r="`
	b := s.buf[s.at:s.end]
	if len(b) < len(open)+16 || string(b[:len(open)]) != open || s.closed || len(s.digits) == 0 {
		return cell{}, 0, 0
	}
	i := len(open)
	for ; b[i] >= 'A' && b[i] <= 'Z' && i < len(open)+3; i++ {
		column = column*26 + int(b[i]-'A'+1)
	}
	column--
	if column < from || column >= lastColumn || len(b) < i+len(s.digits)+16 || string(b[i:i+len(s.digits)]) != string(s.digits) {
		return cell{}, 0, 0
	}
	if i += len(s.digits); b[i] != '"' {
		return cell{}, 0, 0
	}
	i++
	style := 0
	if string(b[i:i+4]) == ` s="` {
		for i += 4; i+1 < len(b) && b[i] >= '0' && b[i] <= '9' && style < 1<<20; i++ {
			style = style*10 + int(b[i]-'0')
		}
		if b[i] != '"' {
			return cell{}, 0, 0
		}
		i++
	}
	kind := numberKind
	if b = b[i:]; len(b) < 16 {
		return cell{}, 0, 0
	}
	if string(b[:4]) == ` t="` {
		switch end := bytes.IndexByte(b[4:16], '"'); {
		case end < 0:
			return cell{}, 0, 0
		default:
			kind = kindOf(b[4 : 4+end])
			b = b[4+end+1:]
			i += 4 + end + 1
		}
	}
	if bytes.HasPrefix(b, []byte("/>")) {
		return cell{}, column, i + 2
	}
	if len(b) == 0 || b[0] != '>' {
		return cell{}, 0, 0
	}
	b = b[1:]
	i++
	opened, closed := "<v>", "</v></c>"
	switch kind {
	case numberKind, sharedKind, stringKind:
	case inlineKind:
		opened, closed = "<is><t>", "</t></is></c>"
		if bytes.HasPrefix(b, []byte(preservedInline)) {
			opened = preservedInline
		}
	default:
		return cell{}, 0, 0
	}
	if !bytes.HasPrefix(b, []byte(opened)) {
		return cell{}, 0, 0
	}
	b = b[len(opened):]
	size, ok := plain(b)
	if !ok || size > s.most || !bytes.HasPrefix(b[size:], []byte(closed)) {
		return cell{}, 0, 0
	}
	n = i + len(opened) + size + len(closed)
	c.style = int32(style)
	value := b[:size]
	switch kind {
	case sharedKind:
		at, ok := parseNumber(value)
		if ok {
			c.text, ok = s.shared.at(at)
		}
		if !ok {
			return cell{}, 0, 0
		}
		c.kept = true
		return c, column, n
	case numberKind:
		if size == 0 {
			return cell{}, 0, 0
		}
		c.kind = NumberCell
		c.date = style < len(s.dates) && s.dates[style]
	}
	at := len(s.texts)
	s.texts = append(s.texts, value...)
	c.text = unsafe.String(unsafe.SliceData(s.texts[at:]), size) // until the next row
	return c, column, n
}

const preservedInline = `<is><t xml:space="preserve">`

// quickText is a shared text of a single run; n is 0 if it isn't one that is
// known here. The text is the window's.
func (x *lexer) quickText() (text []byte, n int) {
	const preserved, open, closed = `<si><t xml:space="preserve">`, `<si><t>`, `</t></si>`
	b := x.buf[x.at:x.end]
	switch {
	case x.closed:
		return nil, 0
	case bytes.HasPrefix(b, []byte(open)):
		n = len(open)
	case bytes.HasPrefix(b, []byte(preserved)):
		n = len(preserved)
	default:
		return nil, 0
	}
	size, ok := plain(b[n:])
	if !ok || size > maxToken || !bytes.HasPrefix(b[n+size:], []byte(closed)) {
		return nil, 0
	}
	return b[n : n+size], n + size + len(closed)
}
