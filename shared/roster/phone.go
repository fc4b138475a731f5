package roster

import (
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// homeRegion is where a number without a country code belongs.
const homeRegion = "CN"

// Phone reads a mobile number as people write it, to E.164: full-width digits,
// spaces, hyphens, brackets, invisible characters and a leading quote are
// theirs to use, and without a country code it is a mainland one. When it
// can't, code is form.PhoneMissing, PhoneInvalid or PhoneDigitsLost.
//
// A landline, a service number or a pager is invalid too: nobody could ever
// sign in with it.
func Phone(written string) (e164, code string) {
	s := strings.Trim(clean(written), `'"‘’“”`+"`´ ")
	s = strings.TrimSuffix(s, ".0") // a number that passed through a CSV file
	switch {
	case s == "":
		return "", form.PhoneMissing
	case isScientific(s):
		return "", form.PhoneDigitsLost
	case strings.Trim(s[:1], "0123456789+(") != "": // a negative number, for one
		return "", form.PhoneInvalid
	case strings.Count(s, ".") == 1: // a fraction; 139.0000.0001 is a habit
		return "", form.PhoneInvalid
	}
	digits := strings.Map(func(r rune) rune {
		switch {
		case r == ' ', r == '(', r == ')', r == '.', r == '\u2212', unicode.Is(unicode.Pd, r): // the dashes
			return -1
		}
		return r
	}, s)
	if strings.Trim(strings.TrimPrefix(digits, "+"), "0123456789") != "" {
		return "", form.PhoneInvalid // two numbers, an extension, words
	}
	n, err := phonenumbers.Parse(digits, homeRegion)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", form.PhoneInvalid
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.VOIP, phonenumbers.PERSONAL_NUMBER:
		return phonenumbers.Format(n, phonenumbers.E164), ""
	}
	return "", form.PhoneInvalid
}

// isScientific reports whether s is like 1.38E+10.
func isScientific(s string) bool {
	mantissa, exponent, ok := strings.Cut(strings.ToLower(s), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	exponent = strings.TrimPrefix(exponent, "+")
	const digits = "0123456789"
	return ok && whole != "" && exponent != "" && strings.Trim(whole, digits) == "" && strings.Trim(fraction, digits) == "" && strings.Trim(exponent, digits) == ""
}

// phones is Phone, with a memory for what most rosters hold: of a mainland
// mobile number the first five digits decide, and asking the library costs
// more than all else that is done to a row. It is of one reader.
type phones struct {
	verdict [10_000]verdict // by the four digits behind the 1
}

type verdict uint8

const (
	unasked verdict = iota
	valid           // with +86 before it
	invalid
	each // each number by itself
)

// mainland judges what might be a mainland mobile number, eleven digits of
// which the first is 1. known is false when it isn't or Phone must be asked.
func (p *phones) mainland(s string) (ok, known bool) {
	if len(s) != 11 || s[0] != '1' {
		return false, false
	}
	prefix := 0
	for i := 1; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false, false
		}
		if i < 5 {
			prefix = prefix*10 + int(s[i]-'0')
		}
	}
	v := &p.verdict[prefix]
	if *v == unasked {
		switch e164, code := Phone(s); {
		case code != "":
			*v = invalid
		case e164 == "+86"+s:
			*v = valid
		default:
			*v = each
		}
	}
	return *v == valid, *v != each
}
