package roster

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// homeRegion is where a number without a country code belongs.
const homeRegion = "CN"

var scientific = regexp.MustCompile(`^\d+(\.\d*)?[eE]\+?\d+$`)

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
	case scientific.MatchString(s):
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
