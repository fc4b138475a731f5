package roster

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/tributary-app/tributary/shared/network"
)

// slowClean is what clean means, step by step.
func slowClean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, norm.NFKC.String(s))
	return strings.Join(strings.Fields(s), " ")
}

func TestEveryCharacterIsCleanedAsItIsMeantTo(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) || r > 0x1ffff && r != 0x20000 && r>>9 != 0xe0000>>9 { // rare ideographs, which are all alike, and nothing
			continue
		}
		c := string(r)
		for _, s := range []string{c, "甲" + c + "a", c + " " + c, " " + c} {
			if got, want := clean(s), slowClean(s); got != want {
				t.Fatalf("%q: got %q, want %q", s, got, want)
			}
			if blank := (cell{text: s}).blank(); blank != (slowClean(s) == "") {
				t.Fatalf("%q: got blank %t", s, blank)
			}
		}
		if name := "甲" + c; isPlainName(name) && (network.CheckCorpName("", name) != nil || network.CheckPersonName("", name) != nil || strings.ContainsFunc(name, strangeInName)) {
			t.Fatalf("%q: got a plain name, want it refused", name)
		}
		if name := "A公" + c; fold(clean(name)) != network.FoldName(clean(name)) {
			t.Fatalf("%q: got %q, want %q", name, fold(clean(name)), network.FoldName(clean(name)))
		}
	}
}

func TestAPlainNameIsOf1To32Characters(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 32, 33} {
		name := strings.Repeat("长", n)
		if got, want := isPlainName(name), network.CheckCorpName("", name) == nil; got != want {
			t.Errorf("%d characters: got %t, want %t", n, got, want)
		}
	}
}

func TestALongTextIsCutWhereACharacterEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"甲乙丙", "甲乙"}, {"abcdefg", "abcdefg"}, {"abcdefgh", "abcdefg"}, {strings.Repeat(" ", 20) + "甲", "甲"}, {"ab甲乙丙", "ab甲"},
	} {
		if got := string(cut([]byte(c.text), 7)); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
	if got, want := shorten(strings.Repeat("长", 65)), strings.Repeat("长", 63)+"…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := shorten(strings.Repeat("长", 64)), strings.Repeat("长", 64); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
