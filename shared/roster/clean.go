package roster

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// clean is what a person meant to type: compatibility forms made plain (NFKC:
// full-width letters, digits and brackets, no-break spaces), invisible
// characters dropped, white space made single spaces, none at either end.
func clean(s string) string {
	if plain(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r): // zero-width space and joiners, direction marks, byte order mark
			return -1
		}
		return r
	}, norm.NFKC.String(s))
	return strings.Join(strings.Fields(s), " ")
}

// plain reports that s is as clean would leave it, for the many cells of
// digits and ASCII letters.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return true
}

// shorten keeps what fits a problem's detail.
func shorten(s string) string {
	const most = 64
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
