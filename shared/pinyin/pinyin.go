// Package pinyin knows how Chinese characters are read, and where a name stands among others by that, as in a phone book.
//
// Readings of characters are go-pinyin's (MIT), traditional characters OpenCC's by gocc (Apache-2.0): see NOTICE and infra/decisions/18-search.md.
package pinyin

import (
	_ "embed"
	"iter"
	"sort"
)

//go:generate go run generate.go

// readings is read where it lies: nothing is unpacked when a function starts. It has three counts of 16 bits (syllables, readings,
// traditional characters), the syllables of 6 bytes in order, for each character of FirstHan…LastHan the number of its first reading, the
// readings as numbers of syllables, and pairs of a traditional and a simplified character, in order.
//
//go:embed readings.bin
var readings string

// FirstHan and LastHan are the characters that have readings: CJK Unified Ideographs.
const (
	FirstHan = 0x4E00
	LastHan  = 0x9FFF
)

// MaxSyllable is how many letters a syllable has at most: zhuang is the longest.
const MaxSyllable = 6

const headBytes = 6

func u16(at int) int { return int(readings[at]) | int(readings[at+1])<<8 }

// Syllables is how many there are. They are numbered from 0, in the order of their letters.
func Syllables() int { return u16(0) }

// Syllable is the letters of a syllable, a to z; ü is v, as it is typed.
func Syllable(i int) string {
	s := readings[headBytes+i*MaxSyllable:][:MaxSyllable]
	for len(s) > 0 && s[len(s)-1] == 0 {
		s = s[:len(s)-1]
	}
	return s
}

// syllableOf is the number of a syllable, -1 if there is none such.
func syllableOf(s string) int {
	n := Syllables()
	i := sort.Search(n, func(i int) bool { return Syllable(i) >= s })
	if i < n && Syllable(i) == s {
		return i
	}
	return -1
}

// IsHan reports whether a character may have readings.
func IsHan[C rune | uint16](c C) bool { return c >= FirstHan && c <= LastHan }

// Readings are those of a character, the commonest first. Each is two bytes.
type Readings string

// Of are the readings of a character that IsHan.
func Of(c uint16) Readings {
	offsets := headBytes + Syllables()*MaxSyllable
	list := offsets + (LastHan-FirstHan+2)*2
	at := offsets + int(c-FirstHan)*2
	return Readings(readings[list+u16(at)*2 : list+u16(at+2)*2])
}

// Len is how many there are.
func (r Readings) Len() int { return len(r) / 2 }

// At is the number of the i-th one's syllable.
func (r Readings) At(i int) int { return int(r[i*2]) | int(r[i*2+1])<<8 }

// Simplified goes through the traditional characters and what each is in simplified writing.
func Simplified() iter.Seq2[uint16, uint16] {
	return func(yield func(uint16, uint16) bool) {
		pairs := headBytes + Syllables()*MaxSyllable + (LastHan-FirstHan+2)*2 + u16(2)*2
		for i := range u16(4) {
			if !yield(uint16(u16(pairs+i*4)), uint16(u16(pairs+i*4+2))) {
				return
			}
		}
	}
}
