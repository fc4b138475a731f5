package network

import "strings"

// ParsePhone reads a phone as people and identity providers write it, to
// E.164: "+85251234567", or a mainland mobile number with or without +86.
// It judges the form only; whether such a number is assigned is the roster
// room's to know.
func ParsePhone(s string) (e164 string, ok bool) {
	s = strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(s)
	if len(s) == 11 && s[0] == '1' && s[1] >= '3' && digits(s) {
		return "+86" + s, true
	}
	d, plus := strings.CutPrefix(s, "+")
	if !plus || len(d) < 7 || len(d) > 15 || d[0] == '0' || !digits(d) {
		return "", false
	}
	return s, true
}

// MaskPhone keeps what lets its owner recognise it: of a mainland number the
// first three digits and the last two, of another the country's first two and
// the last two; four at least are hidden.
func MaskPhone(e164 string) string {
	if len(e164) < 8 {
		return "****"
	}
	keep := 3
	if strings.HasPrefix(e164, "+86") {
		keep = 6
	}
	keep = min(keep, len(e164)-2-4)
	return e164[:keep] + strings.Repeat("*", len(e164)-keep-2) + e164[len(e164)-2:]
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}
