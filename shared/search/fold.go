package search

import (
	"unicode"
	"unicode/utf16"

	"github.com/tributary-app/tributary/shared/pinyin"
)

// fold appends a text as it is compared: UTF-16, simplified, lower-case, half-width. A rune becomes one code, or two beyond U+FFFF.
func fold(to []uint16, text string) []uint16 {
	t := lookup()
	for _, r := range text {
		switch {
		case r >= 0x3400 && r <= pinyin.LastHan:
			to = append(to, t.simple[r])
			continue
		case r == 0x3000:
			r = ' '
		case r >= 0xFF01 && r <= 0xFF5E:
			r -= 0xFF01 - '!'
		}
		if r = unicode.ToLower(r); r > 0xFFFF {
			to = utf16.AppendRune(to, r)
			continue
		}
		to = append(to, t.simple[max(r, 1)]) // 0 stands between fields
	}
	return to
}

// skipped is what may be left out in a text and in a query.
func skipped(c uint16) bool { return c == ' ' || c == '\'' || c == '·' || c == '’' }

func isLetter(c uint16) bool { return c >= 'a' && c <= 'z' }
func isDigit(c uint16) bool  { return c >= '0' && c <= '9' }

// order is where a name stands among others: digits, letters, then characters by the reading that they have here. Names that begin with the
// same 14 are of one place.
func order(name []uint16, person bool) (key [2]uint64) {
	n := 0
	put := func(v int) {
		if n < 14 {
			key[n/7] |= uint64(v) << (55 - 9*(n%7))
		}
		n++
	}
	r := pinyin.Reader{Person: person}
	for i, c := range name {
		if n == 14 {
			break
		}
		next := uint16(0)
		if i+1 < len(name) {
			next = name[i+1]
		}
		syllable := r.Read(rune(c), rune(next))
		switch {
		case skipped(c):
		case isDigit(c):
			put(1 + int(c-'0'))
		case isLetter(c):
			put(11 + int(c-'a'))
		case pinyin.IsHan(c):
			put(40 + syllable) // 39 is a character without a reading
		default:
			put(511)
		}
	}
	return key
}
