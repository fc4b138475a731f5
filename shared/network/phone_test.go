package network_test

import (
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
)

func TestAPhoneIsReadAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"13800000000":              "+8613800000000",
		"138 0000 0000":            "+8613800000000",
		"138-0000-0000":            "+8613800000000",
		"\u00a0138\u00a000000000 ": "+8613800000000",
		"+8613800000000":           "+8613800000000",
		"+86 138-0000-0000":        "+8613800000000",
		"+85251234567":             "+85251234567",
		"+1 202 555 0123":          "+12025550123",
		"+1234567":                 "+1234567",
		"+123456789012345":         "+123456789012345",

		"":                  "",
		"+":                 "",
		"1":                 "",
		"12000000000":       "", // no mobile number begins with 12
		"23800000000":       "",
		"1380000000":        "",
		"138000000000":      "",
		"8613800000000":     "", // whose country is 86, or 8613…?
		"008613800000000":   "",
		"+012345678":        "",
		"+123456":           "",
		"+1234567890123456": "",
		"+86138000000O0":    "",
		"１３８００００００００":       "",
		"+８６13800000000":    "",
		"138００00":           "",
		"+86(138)00000000":  "",
		"1.38E+10":          "",
		"++8613800000000":   "",
	} {
		got, ok := network.ParsePhone(in)
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", in, got, ok, want)
		}
	}
}

func TestAMaskedPhoneIsKnownToItsOwnerOnly(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"+8613812345678": "+86138******78",
		"+85251234567":   "+85*******67",
		"+1234567":       "+1****67",
		"+8612345":       "+8****45",
		"+86123456":      "+86****56",
		"+123456":        "****",
		"":               "****",
	} {
		if got := network.MaskPhone(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzPhone(f *testing.F) {
	for _, s := range []string{"13800000000", "+86 138-0000-0000", "+8612345", "+1", "１３８", "\xff", "+85251234567"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		masked := network.MaskPhone(s)
		if len(s) >= 8 && (len(masked) != len(s) || !strings.Contains(masked, "****")) {
			t.Errorf("%q: got %q, want four digits hidden", s, masked)
		}
		e164, ok := network.ParsePhone(s)
		if !ok {
			if e164 != "" {
				t.Errorf("%q: got %q of what is no phone", s, e164)
			}
			return
		}
		if again, ok := network.ParsePhone(e164); !ok || again != e164 {
			t.Errorf("%q is read as %q, and that as %q", s, e164, again)
		}
		if strings.Trim(e164, "+0123456789") != "" || len(e164) < 8 || len(e164) > 16 || e164[0] != '+' || e164[1] == '0' {
			t.Errorf("%q: %q is no E.164", s, e164)
		}
	})
}
