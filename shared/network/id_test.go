package network_test

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
)

func TestAnIDSaysWhatItNames(t *testing.T) {
	t.Parallel()
	chain := network.NewChainID()
	ids := map[string]string{
		"chain":   chain,
		"corp":    network.NewCorpID(),
		"invite":  network.NewInviteID(noon),
		"import":  network.NewImportID(noon),
		"partner": network.CorpPartnerID(chain, "x"),
		"person":  personKey.Person("+8613800000000"),
	}
	valid := map[string]func(string) bool{
		"chain": network.ValidChainID, "corp": network.ValidCorpID, "invite": network.ValidInviteID,
		"import": network.ValidImportID, "partner": network.ValidPartnerID, "person": network.ValidPersonID,
	}
	form := regexp.MustCompile(`^[a-z]{2}[0-9a-hjkmnp-tv-z]{16}$`)
	for of, id := range ids {
		if !form.MatchString(id) {
			t.Errorf("%s: %q isn't two letters and 80 bits", of, id)
		}
		for as, is := range valid {
			if got, want := is(id), of == as; got != want {
				t.Errorf("%s %q as %s: got %v, want %v", of, id, as, got, want)
			}
		}
		for _, bad := range []string{"", id[:2], id[2:], id[:len(id)-1], id + "0", id + "\n", id[:17] + "\n" + id[17:], id[:17] + "\n", id[:17] + "u", strings.ToUpper(id), " " + id} {
			if valid[of](bad) {
				t.Errorf("%q passes for the id of a %s", bad, of)
			}
		}
	}
}

func TestNewerInvitesAndImportsSortLater(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := noon.Add(time.Duration(rapid.Int64Range(0, int64(100*365*day/time.Millisecond)).Draw(t, "a")) * time.Millisecond)
		b := a.Add(time.Duration(rapid.Int64Range(1, 1<<40).Draw(t, "later")) * time.Millisecond)
		if x, y := network.NewInviteID(a), network.NewInviteID(b); x >= y {
			t.Errorf("%q of %v isn't before %q of %v", x, a, y, b)
		}
		if x, y := network.NewImportID(a), network.NewImportID(b); x >= y {
			t.Errorf("%q of %v isn't before %q of %v", x, a, y, b)
		}
	})
	if x, y := network.NewInviteID(noon), network.NewInviteID(noon); x == y {
		t.Errorf("two invites of one moment are both %q", x)
	}
}

func TestR27_APartnersIDIsWhatTheRosterSaysOfIt(t *testing.T) {
	t.Parallel()
	ids := []string{
		network.RosterPartnerID("ch1", "", "Acme"),
		network.RosterPartnerID("ch2", "", "Acme"),
		network.RosterPartnerID("ch1", "", "Acme Ltd"),
		network.RosterPartnerID("ch1", "Acme", "Acme"),
		network.RosterPartnerID("ch1", "acme", "Acme"), // 自定义企业ID is no name: its case counts
		network.CorpPartnerID("ch1", "Acme"),
		network.CorpPartnerID("ch1", "acme"),
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(ids))); len(distinct) != len(ids) {
		t.Errorf("got %d different ids, want %d", len(distinct), len(ids))
	}
	for _, same := range []string{"acme", "ACME", " Acme ", "Acme"} {
		if got := network.RosterPartnerID("ch1", "", same); got != ids[0] {
			t.Errorf("%q: got %s, want the same partner as Acme, %s", same, got, ids[0])
		}
	}
	if got, want := network.RosterPartnerID("ch1", "A1", "any"), network.CustomPartnerID("ch1", "A1"); got != want {
		t.Errorf("got %s, want the place of its 自定义企业ID, %s", got, want)
	}
}

func TestR01_APersonIsTheirPhoneUnderTheKey(t *testing.T) {
	t.Parallel()
	a := personKey.Person("+8613800000000")
	if b := personKey.Person("+8613800000000"); a != b {
		t.Errorf("got %s and %s for one phone, want one person", a, b)
	}
	if b := personKey.Person("+8613800000001"); a == b {
		t.Error("two phones are one person")
	}
	if b := network.PersonKey("another").Person("+8613800000000"); a == b {
		t.Error("an id can be found without the key")
	}
}

// A handle is of one chain, and no person id: whoever can turn phones into
// those learns nothing of it.
func TestAContactsHandleIsOfOneChainAndNoPersonsID(t *testing.T) {
	t.Parallel()
	a, b := network.NewChainID(), network.NewChainID()
	li, wang := personKey.Person("+8613800000001"), personKey.Person("+8613800000002")
	is := personKey.Contact(a, li)
	if again := personKey.Contact(a, li); again != is {
		t.Errorf("got %s and %s for one person in one chain", is, again)
	}
	for what, other := range map[string]string{
		"in another chain": personKey.Contact(b, li), "of another person": personKey.Contact(a, wang), "under another key": network.PersonKey("another").Contact(a, li),
	} {
		if other == is {
			t.Errorf("%s: got %s too", what, is)
		}
	}
	if !regexp.MustCompile(`^ct[0-9a-hjkmnp-tv-z]{16}$`).MatchString(is) || network.ValidPersonID(is) {
		t.Errorf("got %q, want ct and 80 bits, and no person's id", is)
	}
}

func TestASealedCursorSaysNothingAndIsOfOneChain(t *testing.T) {
	t.Parallel()
	chain := network.NewChainID()
	rapid.Check(t, func(t *rapid.T) {
		cursor := rapid.StringN(0, 200, 500).Draw(t, "cursor")
		sealed := personKey.Seal(chain, cursor)
		if got, err := personKey.Open(chain, sealed); err != nil || got != cursor {
			t.Errorf("got %q, %v, want %q", got, err, cursor)
		}
		if (sealed == "") != (cursor == "") {
			t.Errorf("got %q of %q, want nothing of nothing alone", sealed, cursor)
		}
		if _, err := personKey.Open(network.NewChainID(), sealed); cursor != "" && network.CodeOf(err) != "invalid" {
			t.Errorf("got %v in another chain, want invalid", err)
		}
		if _, err := personKey.Open(chain, cursor); cursor != "" && network.CodeOf(err) != "invalid" {
			t.Errorf("got %v for what isn't sealed, want invalid", err)
		}
	})
	if b, err := base64.RawURLEncoding.DecodeString(personKey.Seal(chain, "pe7h3k9mx2v4qd8wna")); err != nil || strings.Contains(string(b), "pe7h") {
		t.Errorf("got %q, %v, want nothing of what it is made of", b, err)
	}
}

func TestAnInvitesIDTellsWhenItWasMade(t *testing.T) {
	t.Parallel()
	for range 100 {
		i, from, to := network.NewInviteID(noon), network.EarliestInviteID(noon), network.EarliestInviteID(noon.Add(time.Millisecond))
		if i < from || i >= to {
			t.Fatalf("got %s, want it between %s and %s", i, from, to)
		}
	}
}
