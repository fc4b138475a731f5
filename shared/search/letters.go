package search

import (
	"cmp"
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// Names are packed by their own alphabet, the commonest first: a byte for each of the commonest, two for the others. So deflate, which counts bytes,
// counts characters: a person's name is packed to 2.5 bytes in place of 4.
const (
	short   = 200                 // have a byte
	long    = (255 - short) * 256 // have two
	literal = 255                 // stands before a rune beyond those, of 3 bytes
)

// spell is a text by its alphabet, which comes first.
func spell(text string) []byte {
	counts := map[rune]int{}
	for _, r := range text {
		counts[r]++
	}
	alphabet := make([]rune, 0, len(counts))
	for r := range counts {
		alphabet = append(alphabet, r)
	}
	slices.SortFunc(alphabet, func(a, b rune) int { return cmp.Or(counts[b]-counts[a], int(a-b)) })
	alphabet = alphabet[:min(len(alphabet), short+long)]
	out := binary.AppendUvarint(nil, uint64(len(alphabet)))
	number := map[rune]int{}
	for i, r := range alphabet {
		out = binary.AppendUvarint(out, uint64(r))
		number[r] = i
	}
	for _, r := range text {
		n, ok := number[r]
		switch {
		case !ok:
			out = append(out, literal, byte(r>>16), byte(r>>8), byte(r))
		case n < short:
			out = append(out, byte(n))
		default:
			out = append(out, byte(short+(n-short)/256), byte((n-short)%256))
		}
	}
	return out
}

// unspell makes the text of what spell made.
func unspell(c column) string {
	count := c.uvarint()
	if count > short+long {
		*c.bad = true
		return ""
	}
	alphabet := make([]rune, count)
	for i := range alphabet {
		r := c.uvarint()
		alphabet[i] = rune(min(r, utf8.MaxRune+1)) // beyond is written as U+FFFD
	}
	out := make([]byte, 0, len(c.b)*3)
	for len(c.b) > 0 && !*c.bad {
		n := int(c.byte())
		if n == literal {
			if b := c.take(3); b != nil {
				out = utf8.AppendRune(out, rune(b[0])<<16|rune(b[1])<<8|rune(b[2]))
			}
			continue
		}
		if n >= short {
			n = short + (n-short)*256 + int(c.byte())
		}
		if n >= len(alphabet) {
			*c.bad = true
			return ""
		}
		out = utf8.AppendRune(out, alphabet[n])
	}
	return string(out)
}
