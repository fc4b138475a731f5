package search

import (
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tributary-app/tributary/shared/pinyin"
)

// pattern is a query, ready to be held against texts. A text is gone through with a set of bits: bit p is set if the query's first p codes
// have been matched by what came before. A character takes itself, a whole reading or its first letter, and the query's end may be a part of a
// reading, so a character's step is a mask for each length: at which p it takes so many codes.
type pattern struct {
	codes []uint16 // without what is skipped, ≤ 64: bit 64 is done
	steps [][pinyin.MaxSyllable + 1]uint64
	done  []uint64 // by syllable: where the rest of the query is the beginning of it, or all of it
	used  []bool   // by syllable: whether it takes anything at all
	begin uint16   // the first code: a character may also take it by a reading
	chars []char   // of characters, which say by what letters they can be typed; nil where the query doesn't begin with a letter
	first uint32   // that letter, as char.heads has it
	need  []int    // rows
	tail  uint64   // the phone's end, as digits has it
	mask  uint64   // of its bits; 0 if the query can't be one
}

// parse reads a query in time that doesn't depend on its length.
func parse(text string) (*pattern, error) {
	if len(text) > MaxQuery*utf8.UTFMax || !utf8.ValidString(text) || utf8.RuneCountInString(text) > MaxQuery ||
		strings.ContainsFunc(text, unicode.IsControl) {
		return nil, ErrQuery
	}
	p := &pattern{codes: make([]uint16, 0, MaxQuery)}
	for _, c := range fold(nil, text) {
		if !skipped(c) {
			p.codes = append(p.codes, c)
		}
	}
	if len(p.codes) == 0 || len(p.codes) > MaxQuery {
		return nil, ErrQuery
	}
	p.need = needed(p.codes)
	p.phone()
	p.readings()
	return p, nil
}

// phone takes a query of digits as the end of a phone: 4 and more, and with the country's code 15 at most.
func (p *pattern) phone() {
	n := 0
	for i, c := range p.codes {
		switch {
		case isDigit(c):
			p.tail = p.tail<<4 | uint64(c-'0')
			n++
		case c == '-' || c == '+' && i == 0:
		default:
			return
		}
	}
	if n >= 4 && n <= 15 {
		p.mask = 1<<(4*n) - 1
	}
}

// readings fills in what each syllable takes of the query.
func (p *pattern) readings() {
	n := len(p.codes)
	p.begin = p.codes[0]
	if isLetter(p.begin) {
		p.chars, p.first = lookup().chars, 1<<(p.begin-'a')
	}
	letters := false
	for _, c := range p.codes {
		letters = letters || isLetter(c)
	}
	if !letters {
		return
	}
	q := make([]byte, n)
	for i, c := range p.codes {
		if isLetter(c) {
			q[i] = byte(c)
		}
	}
	count := pinyin.Syllables()
	p.steps = make([][pinyin.MaxSyllable + 1]uint64, count)
	p.done = make([]uint64, count)
	p.used = make([]bool, count)
	for s := range count {
		text := pinyin.Syllable(s)
		for at := range q {
			same := 0
			for same < len(text) && at+same < n && q[at+same] == text[same] {
				same++
			}
			if same == 0 {
				continue
			}
			p.used[s] = true
			if at+same == n {
				p.done[s] |= 1 << at
			}
			p.steps[s][1] |= 1 << at
			if same >= 2 && text[1] == 'h' { // zh, ch and sh are initials, too
				p.steps[s][2] |= 1 << at
			}
			if same == len(text) {
				p.steps[s][same] |= 1 << at
			}
		}
	}
}

// begins reports whether a match can begin with a code.
func (p *pattern) begins(c uint16) bool {
	return c == p.begin || p.first != 0 && pinyin.IsHan(c) && p.chars[c-pinyin.FirstHan].heads&p.first != 0
}

// match goes through a text from its first code, and says how many codes the query takes; the fewest, 0 if it doesn't match.
func (p *pattern) match(text []uint16) int {
	state := uint64(1)
	n := len(p.codes)
	for i, c := range text {
		if c == 0 {
			return 0
		}
		if i > 0 && skipped(c) {
			continue
		}
		next := uint64(0)
		for s := state; s != 0; s &= s - 1 {
			if at := bits.TrailingZeros64(s); p.codes[at] == c {
				if at+1 == n {
					return i + 1
				}
				next |= 1 << (at + 1)
			}
		}
		if pinyin.IsHan(c) && p.steps != nil {
			all := pinyin.Of(c)
			for r := range all.Len() {
				s := all.At(r)
				if !p.used[s] {
					continue
				}
				if state&p.done[s] != 0 {
					return i + 1
				}
				for length := 1; length <= pinyin.MaxSyllable; length++ {
					next |= (state & p.steps[s][length]) << length
				}
			}
		}
		if next == 0 {
			return 0
		}
		state = next
	}
	return 0
}
