package search

import (
	_ "embed"
	"sort"
	"unicode"
	"unicode/utf16"
)

//go:generate go run generate.go

// readings is read where it lies: nothing is unpacked when a function starts. It has three counts of 16 bits (syllables, readings,
// traditional characters), the syllables of 6 bytes in order, for each character of firstHan…lastHan the number of its first reading, the
// readings as numbers of syllables, and pairs of a traditional and a simplified character, in order.
//
//go:embed readings.bin
var readings string

const (
	firstHan, lastHan = 0x4E00, 0x9FFF // CJK Unified Ideographs
	syllableBytes     = 6              // zhuang is the longest
	headBytes         = 6
)

func u16(at int) int { return int(readings[at]) | int(readings[at+1])<<8 }

func syllables() int { return u16(0) }

// syllable is the letters of a syllable.
func syllable(i int) string {
	s := readings[headBytes+i*syllableBytes:][:syllableBytes]
	for len(s) > 0 && s[len(s)-1] == 0 {
		s = s[:len(s)-1]
	}
	return s
}

func isHan(c uint16) bool { return c >= firstHan && c <= lastHan }

// read is where the readings of a character lie, the commonest first: from from to before to, each 2 bytes.
func read(c uint16) (from, to int) {
	offsets := headBytes + syllables()*syllableBytes
	list := offsets + (lastHan-firstHan+2)*2
	at := offsets + int(c-firstHan)*2
	return list + u16(at)*2, list + u16(at+2)*2
}

// fold appends a text as it is compared: UTF-16, simplified, lower-case, half-width. A rune becomes one code, or two beyond U+FFFF.
func fold(to []uint16, text string) []uint16 {
	t := lookup()
	for _, r := range text {
		switch {
		case r >= 0x3400 && r <= lastHan:
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

// surnames are read so in a person's name, whatever is commoner elsewhere. It is also how they are sorted.
var surnames = map[uint16]string{
	'单': "shan", '仇': "qiu", '解': "xie", '曾': "zeng", '查': "zha", '任': "ren", '区': "ou", '朴': "piao", '盖': "ge", '乐': "yue", '覃': "qin",
	'召': "shao", '种': "chong", '缪': "miao", '翟': "zhai", '冼': "xian", '员': "yun", '祭': "zhai", '秘': "bi", '黑': "he", '折': "she", '薄': "bo",
	'佴': "nai", '卜': "bu", '沈': "shen", '车': "che", '谌': "chen", '隗': "wei", '乜': "nie", '钭': "tou", '那': "na", '牟': "mu", '宿': "su",
	'尉': "wei", '葛': "ge", '贾': "jia", '长': "zhang", '重': "chong", '句': "gou", '繁': "po", '洗': "xian", '晟': "cheng", '臧': "zang",
}

// places are words of names whose first character isn't read as it is mostly.
var places = map[[2]uint16]string{
	{'重', '庆'}: "chong", {'长', '沙'}: "chang", {'长', '春'}: "chang", {'长', '江'}: "chang", {'长', '城'}: "chang", {'长', '安'}: "chang",
	{'长', '治'}: "chang", {'长', '兴'}: "chang", {'厦', '门'}: "xia", {'乐', '清'}: "yue", {'六', '安'}: "lu", {'蚌', '埠'}: "beng",
	{'台', '州'}: "tai", {'番', '禺'}: "pan", {'单', '县'}: "shan",
}

// doubles are surnames of two characters that are read otherwise.
var doubles = map[[2]uint16][2]string{
	{'尉', '迟'}: {"yu", "chi"}, {'万', '俟'}: {"mo", "qi"}, {'长', '孙'}: {"zhang", "sun"}, {'单', '于'}: {"chan", "yu"}, {'令', '狐'}: {"ling", "hu"},
}

func syllableOf(s string) int {
	n := syllables()
	i := sort.Search(n, func(i int) bool { return syllable(i) >= s })
	if i < n && syllable(i) == s {
		return i
	}
	return -1
}

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
	second := "" // of a double surname
	for i, c := range name {
		if n == 14 {
			break
		}
		reading := second
		second = ""
		if i+1 < len(name) && reading == "" && isHan(c) {
			two := [2]uint16{c, name[i+1]}
			reading = places[two]
			if d, ok := doubles[two]; ok && person && i == 0 {
				reading, second = d[0], d[1]
			}
		}
		if reading == "" && person && i == 0 {
			reading = surnames[c]
		}
		switch {
		case skipped(c):
		case isDigit(c):
			put(1 + int(c-'0'))
		case isLetter(c):
			put(11 + int(c-'a'))
		case isHan(c):
			v := syllableOf(reading)
			if from, to := read(c); v < 0 && from < to {
				v = u16(from)
			}
			put(40 + v) // 39 is a character without a reading
		default:
			put(511)
		}
	}
	return key
}
