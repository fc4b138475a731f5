package roster

import (
	"unicode"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/unicode/norm"
)

// clean is what a person meant to type: compatibility forms made plain (NFKC:
// full-width letters, digits and brackets, no-break spaces), invisible
// characters dropped, white space made single spaces, none at either end.
func clean(s string) string {
	if isClean(s) {
		return s
	}
	return string(appendClean(nil, s))
}

func appendClean(to []byte, s string) []byte {
	from := len(to)
	b := norm.NFKC.AppendString(to, s)
	n := from
	for i := from; i < len(b); {
		r, size := rune(b[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(b[i:])
		}
		switch {
		case unicode.IsSpace(r):
			if n > from && b[n-1] != ' ' {
				b[n] = ' '
				n++
			}
		case r >= utf8.RuneSelf && unicode.Is(unicode.Cf, r): // zero-width space and joiners, direction marks, byte order mark
		default:
			n += copy(b[n:], b[i:i+size])
		}
		i += size
	}
	if n > from && b[n-1] == ' ' {
		n--
	}
	return b[:n]
}

// isClean reports that s is as clean would leave it, for the many cells of
// ASCII and everyday Chinese. It may say no of others that are, too.
func isClean(s string) bool {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c > ' ' && c <= '~':
			i++
		case c == ' ':
			if i == 0 || i+1 == len(s) || s[i+1] == ' ' {
				return false
			}
			i++
		case isIdeograph(s[i:]):
			i += 3
		default:
			return false
		}
	}
	return true
}

// isIdeograph reports whether valid UTF-8 begins with one of U+4E00 to U+9FFF,
// which each mean themselves.
func isIdeograph(s string) bool {
	return len(s) >= 3 && s[0] >= 0xe4 && s[0] <= 0xe9 && (s[0] > 0xe4 || s[1] >= 0xb8)
}

// isPlainName reports that s is a name that anybody may have: 1–32 letters and
// digits of ASCII and everyday Chinese. It may say no of others that are.
func isPlainName(s string) bool {
	n := 0
	for i := 0; i < len(s); n++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			i++
		case isIdeograph(s[i:]):
			i += 3
		default:
			return false
		}
	}
	return n > 0 && n <= 32
}

// cut is a text, cut where it is longer than any that is valid.
func cut(b []byte, most int) []byte {
	if len(b) <= most {
		return b
	}
	if s := unsafe.String(unsafe.SliceData(b), len(b)); !isClean(s) {
		if b = appendClean(nil, s); len(b) <= most {
			return b
		}
	}
	for most > 0 && !utf8.RuneStart(b[most]) {
		most--
	}
	return b[:most]
}

// shorten keeps what fits a problem's detail.
func shorten(s string) string {
	const most = 64
	if len(s) <= most || utf8.RuneCountInString(s) <= most {
		return s
	}
	n, end := 0, 0
	for i := range s {
		if n++; n == most {
			end = i
			break
		}
	}
	return s[:end] + "…"
}
