package search

import (
	"math/bits"
	"sync"

	"github.com/tributary-app/tributary/shared/pinyin"
)

// A row says of each entry whether it has something that a query may need: two letters that can follow each other in how it is typed, a letter
// that a piece of it can begin with, or a code that is no letter (several share a row). An entry that isn't in all rows of a query doesn't
// match; one that is may.
const (
	pairRows  = 26 * 26
	startRows = 26
	codeRows  = 322
	rows      = pairRows + startRows + codeRows

	blockEntries = 512
	blockWords   = blockEntries / 64
)

// block has the rows of blockEntries entries, each a cache line.
type block struct {
	rows  [rows][blockWords]uint64
	alive [blockWords]uint64
}

func pairRow(a, b int) int { return a*26 + b }
func startRow(a int) int   { return pairRows + a }
func codeRow(c uint16) int { return pairRows + startRows + int(c)%codeRows }

// char is what of a character's readings makes rows.
type char struct {
	heads, tails uint32 // letters, a is bit 0: that a reading begins with; that can be the last typed
	from, to     uint32 // in within
}

// tables are what is looked up for every character of an index: made on the first use, in a millisecond or two.
type tables struct {
	simple []uint16 // by code
	chars  []char   // by code, from pinyin.FirstHan
	within []uint16 // rows of letters that follow each other in a reading
}

var lookup = sync.OnceValue(func() *tables {
	t := &tables{simple: make([]uint16, 1<<16), chars: make([]char, pinyin.LastHan-pinyin.FirstHan+1)}
	for c := range t.simple {
		t.simple[c] = uint16(c)
	}
	for traditional, simple := range pinyin.Simplified() {
		t.simple[traditional] = simple
	}
	for i := range t.chars {
		c := &t.chars[i]
		c.from = uint32(len(t.within))
		all := pinyin.Of(uint16(pinyin.FirstHan + i))
		for n := range all.Len() {
			s := pinyin.Syllable(all.At(n))
			c.heads |= 1 << (s[0] - 'a')
			c.tails |= 1<<(s[0]-'a') | 1<<(s[len(s)-1]-'a')
			if len(s) > 1 && s[1] == 'h' {
				c.tails |= 1 << ('h' - 'a')
			}
			for j := range len(s) - 1 {
				t.within = append(t.within, uint16(pairRow(int(s[j]-'a'), int(s[j+1]-'a'))))
			}
		}
		c.to = uint32(len(t.within))
	}
	return t
})

// enter notes an entry's text in the rows of its block.
func (b *block) enter(at int, text []uint16) {
	t := lookup()
	word, bit := at/64, uint64(1)<<(at%64)
	b.alive[word] |= bit
	tails := uint32(0)
	for _, c := range text {
		heads := uint32(0)
		switch {
		case c == 0:
			tails = 0
			continue
		case isLetter(c):
			heads = 1 << (c - 'a')
		default:
			b.rows[codeRow(c)][word] |= bit
		}
		if skipped(c) {
			continue
		}
		next := heads
		if pinyin.IsHan(c) {
			ch := &t.chars[c-pinyin.FirstHan]
			heads, next = ch.heads, ch.tails
			for _, row := range t.within[ch.from:ch.to] {
				b.rows[row][word] |= bit
			}
		}
		for h := heads; h != 0; h &= h - 1 {
			head := bits.TrailingZeros32(h)
			b.rows[startRow(head)][word] |= bit
			for p := tails; p != 0; p &= p - 1 {
				b.rows[pairRow(bits.TrailingZeros32(p), head)][word] |= bit
			}
		}
		tails = next
	}
}

// needed are the rows that an entry must be in to match.
func needed(codes []uint16) (need []int) {
	for i, c := range codes {
		switch {
		case !isLetter(c):
			need = append(need, codeRow(c))
		case i > 0 && isLetter(codes[i-1]):
			need = append(need, pairRow(int(codes[i-1]-'a'), int(c-'a')))
		default:
			need = append(need, startRow(int(c-'a')))
		}
	}
	return need
}
