package pinyin

import (
	"unicode"
	"unicode/utf8"
)

// KeyRunes is how many characters of a name its Key goes by. It bounds the key: MaxKey bytes, 7 for each of them.
const (
	KeyRunes = 16
	MaxKey   = KeyRunes * (MaxSyllable + 1)
)

// Key is where a firm's name stands among others, by its bytes: digits, then Latin and pinyin in one alphabet, whatever the case, then all other
// letters. Characters go by how they are read here, syllable by syllable, so that 西安 (xi-an) is before 先 (xian). Whatever is no letter or digit
// only parts words. Many names have one key: who sorts by it goes on by the names themselves.
//
// It is made of digits, a–z, - and letters beyond ASCII.
func Key(name string) string {
	var b [MaxKey]byte
	to, parted := b[:0], false
	r := Reader{}
	for n := 0; name != "" && n < KeyRunes; {
		c, size := utf8.DecodeRuneInString(name)
		name = name[size:]
		next, _ := utf8.DecodeRuneInString(name)
		if syllable := r.Read(c, next); syllable >= 0 {
			if len(to) > 0 {
				to = append(to, '-')
			}
			to, parted = append(to, Syllable(syllable)...), true
			n++
			continue
		}
		c = foldLatin(c)
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			// As in search, some signs within a word may as well be left out.
			parted = parted || c != '\'' && c != '’' && c != '·'
			continue
		}
		if parted && len(to) > 0 {
			to = append(to, '-')
		}
		to, parted = utf8.AppendRune(to, c), false
		n++
	}
	return string(to)
}

// plainLatin is the letters of U+00C0…U+017F without their marks, * where there is no other.
const plainLatin = "aaaaaaaceeeeiiiidnooooo*ouuuuyts" + "aaaaaaaceeeeiiiidnooooo*ouuuuyty" +
	"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll" + "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs"

// foldLatin is a letter as it is compared: half-width, lower-case, without marks.
func foldLatin(c rune) rune {
	if c >= 0xFF01 && c <= 0xFF5E {
		c -= 0xFF01 - '!'
	}
	switch {
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A'
	case c < 0xC0:
		return c
	case c <= 0x17F:
		if p := plainLatin[c-0xC0]; p != '*' {
			return rune(p)
		}
	}
	return unicode.ToLower(c)
}
