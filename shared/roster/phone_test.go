package roster_test

import (
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
)

var phones = []struct{ written, want string }{
	{"13900000001", "+8613900000001"},
	{"139 0000 0001", "+8613900000001"},
	{"139-0000-0001", "+8613900000001"},
	{"139.0000.0001", "+8613900000001"},
	{"139–0000—0001", "+8613900000001"},
	{"１３９００００００３３", "+8613900000033"},
	{"\u202d139\u00a00000\u200b0001\u202c\ufeff", "+8613900000001"},
	{"'13900000001", "+8613900000001"},
	{`"13900000001"`, "+8613900000001"},
	{"13900000001.0", "+8613900000001"},
	{"+86 139-0000-0004", "+8613900000004"},
	{"（＋86）13900000004", "+8613900000004"},
	{"0086 13900000005", "+8613900000005"},
	{"8613900000005", "+8613900000005"},
	{"19901000008", "+8619901000008"},
	{"+852 5123 4567", "+85251234567"},
	{"+1 (202) 456-1111", "+12024561111"},
	{"", form.PhoneMissing},
	{" \u3000\u200b'", form.PhoneMissing},
	{"1.38E+10", form.PhoneDigitsLost},
	{"1.39e10", form.PhoneDigitsLost},
	{"139E+08", form.PhoneDigitsLost},
	{"1390000000", form.PhoneInvalid},
	{"139000000011", form.PhoneInvalid},
	{"13900000001/13900000002", form.PhoneInvalid},
	{"13900000001、13900000002", form.PhoneInvalid},
	{"13900000001\n13900000002", form.PhoneInvalid},
	{"13900000001转8", form.PhoneInvalid},
	{"021-62345678", form.PhoneInvalid}, // a landline
	{"400-812-3456", form.PhoneInvalid},
	{"110", form.PhoneInvalid},
	{"1390000000.5", form.PhoneInvalid},
	{"-13900000001", form.PhoneInvalid},
	{"++8613900000001", form.PhoneInvalid},
	{"无", form.PhoneInvalid},
}

func TestPhonesAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for _, c := range phones {
		got, code := roster.Phone(c.written)
		if got+code != c.want {
			t.Errorf("%q: got %s%s, want %s", c.written, got, code, c.want)
		}
	}
}

func FuzzAPhoneIsEitherE164OrACode(f *testing.F) {
	for _, c := range phones {
		f.Add(c.written)
	}
	f.Fuzz(func(t *testing.T, written string) {
		e164, code := roster.Phone(written)
		if (e164 == "") == (code == "") {
			t.Fatalf("%q: got %q and %q, want one of them", written, e164, code)
		}
		if e164 == "" {
			return
		}
		if d, plus := strings.CutPrefix(e164, "+"); !plus || strings.Trim(d, "0123456789") != "" || len(d) < 7 || len(d) > 15 {
			t.Errorf("%q: got %q, want E.164", written, e164)
		}
		if again, _ := roster.Phone(e164); again != e164 {
			t.Errorf("%q: got %q, read again %q", written, e164, again)
		}
	})
}
