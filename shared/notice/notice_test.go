package notice

import (
	"regexp"
	"strings"
	"testing"
)

// R48: what people read before they agree to anything is our own words, and
// every name that they need to judge it is in it.
func TestR48_EachNoticeSaysWhatItIsAboutInBothLanguages(t *testing.T) {
	t.Parallel()
	han := regexp.MustCompile(`\p{Han}`)
	for name, tc := range map[string]struct {
		say  func(Lang) Notice
		want []string
	}{
		"invited":                       {func(l Lang) Notice { return Invited(l, "East 100%", "Maker Ltd", "Dealer %d") }, []string{"East 100%", "Maker Ltd", "Dealer %d"}},
		"an invite expired":             {func(l Lang) Notice { return InviteExpired(l, "East", "for the fair", 3) }, []string{"East", "for the fair", "3"}},
		"an invite without a note":      {func(l Lang) Notice { return InviteExpired(l, "East", "", 0) }, []string{"East", "0"}},
		"an import's invites ran out":   {func(l Lang) Notice { return RosterExpired(l, "East", "dealers.xlsx", 1999) }, []string{"East", "dealers.xlsx", "1999"}},
		"an import broke off":           {func(l Lang) Notice { return RosterFailed(l, "East", "dealers.xlsx") }, []string{"East", "dealers.xlsx"}},
		"a group moves":                 {func(l Lang) Notice { return GroupMigrated(l, "East", "Maker Ltd") }, []string{"East", "Maker Ltd"}},
		"one applies":                   {func(l Lang) Notice { return Waiting(l, "East", 1, false) }, []string{"East", "1"}},
		"many apply":                    {func(l Lang) Notice { return Waiting(l, "East", 100, true) }, []string{"East", "100"}},
		"an applicant is in":            {func(l Lang) Notice { return Accepted(l, "East", "Dealer") }, []string{"East", "Dealer"}},
		"an applicant is declined":      {func(l Lang) Notice { return Declined(l, "East", "Dealer", "no 100% dealer") }, []string{"East", "Dealer", "no 100% dealer"}},
		"declined without a reason":     {func(l Lang) Notice { return Declined(l, "East", "Dealer", "") }, []string{"East", "Dealer"}},
		"a conflict":                    {func(l Lang) Notice { return Conflicted(l, "East", "Dealer", "Other") }, []string{"East", "Dealer", "Other"}},
		"a conflict: with their corp":   {func(l Lang) Notice { return Resolved(l, "East", "Dealer", "Other", true) }, []string{"East", "Other"}},
		"a conflict: of the partner":    {func(l Lang) Notice { return Resolved(l, "East", "Dealer", "Other", false) }, []string{"East", "Dealer", "Other"}},
		"an invite astray":              {func(l Lang) Notice { return InviteAstray(l, "East", "Wang") }, []string{"East", "Wang"}},
		"an invite is taken over":       {func(l Lang) Notice { return InviteAdopted(l, "East", "Wang", "") }, []string{"East", "Wang"}},
		"a name that looks like a verb": {func(l Lang) Notice { return Invited(l, "%!d(string=x)", "%s", "%[3]v") }, []string{"%s", "%[3]v"}},
	} {
		for _, lang := range []Lang{Chinese, English, ""} {
			n := tc.say(lang)
			if n.Channel != SMS || n.Subject == "" || strings.Contains(n.Subject+n.Text, "%!(") || strings.Contains(n.Text, "()") || strings.Contains(n.Text, "（）") {
				t.Errorf("%s, %q: got %+v", name, lang, n)
			}
			for _, want := range tc.want {
				if !strings.Contains(n.Text, want) {
					t.Errorf("%s, %q: got %q, want %q in it", name, lang, n.Text, want)
				}
			}
			if chinese := han.MatchString(n.Text); chinese != (lang != English) {
				t.Errorf("%s, %q: got %q", name, lang, n.Text)
			}
		}
	}
}
