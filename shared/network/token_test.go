package network_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
)

// ticket draws a link's or a notice's.
func ticket(t *rapid.T) network.Ticket {
	chain, n := network.NewChainID(), rapid.IntRange(0, 1<<16-1).Draw(t, "version")
	if rapid.Bool().Draw(t, "notice") {
		return network.Ticket{
			Chain: chain, Version: n, Partner: network.CorpPartnerID(chain, rapid.String().Draw(t, "corp")),
			Person: personKey.Person(rapid.String().Draw(t, "phone")),
		}
	}
	what := network.Ticket{Chain: chain, Version: n, Invite: network.NewInviteID(noon)}
	if rapid.Bool().Draw(t, "partner's") {
		what.Maker = network.CorpPartnerID(chain, "x")
	}
	return what
}

func sign(t interface {
	Helper()
	Fatalf(string, ...any)
}, k network.TokenKeys, what network.Ticket) network.Token {
	t.Helper()
	token, err := k.Sign(what)
	if err != nil {
		t.Fatalf("sign: %v", err)
	}
	return token
}

func TestR11_ATokenSaysWhatItWasSignedFor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		what := ticket(t)
		token := sign(t, keys, what)
		got, err := keys.Verify(token)
		if err != nil || got != what {
			t.Errorf("got %+v, %v, want %+v", got, err, what)
		}
		if strings.ContainsAny(token.Reveal(), "+/=%?#& ") {
			t.Errorf("%q must be escaped in a URL", token.Reveal())
		}
	})
}

func TestR14_ATokenWithAnythingChangedIsUnknown(t *testing.T) {
	t.Parallel()
	chain := network.NewChainID()
	for name, what := range map[string]network.Ticket{
		"link":           {Chain: chain, Invite: network.NewInviteID(noon), Version: 1},
		"partner's link": {Chain: chain, Invite: network.NewInviteID(noon), Maker: network.CorpPartnerID(chain, "y"), Version: 1},
		"notice":         {Chain: chain, Partner: network.CorpPartnerID(chain, "x"), Person: personKey.Person("+8613800000000"), Version: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := sign(t, keys, what).Reveal()
			unknown := func(changed string) {
				if _, err := keys.Verify(network.Token(changed)); err == nil || network.CodeOf(err) != "not_found" {
					t.Errorf("%q for %q: got %v, want not_found", changed, token, err)
				}
			}
			for i := range token {
				for _, r := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \n\r\x00é" {
					if changed := token[:i] + string(r) + token[i+1:]; changed != token {
						unknown(changed)
					}
				}
				unknown(token[:i])
				unknown(token[:i] + token[i+1:])
				unknown(token[:i] + "\n" + token[i:])
				unknown(token[:i] + "A" + token[i:])
			}
			for _, more := range []string{"A", "=", "\n", "\r\n", " ", token} {
				unknown(token + more)
			}
			raw, err := base64.RawURLEncoding.DecodeString(token)
			if err != nil {
				t.Fatal(err)
			}
			for bit := range len(raw) * 8 {
				raw[bit/8] ^= 1 << (bit % 8)
				unknown(base64.RawURLEncoding.EncodeToString(raw))
				raw[bit/8] ^= 1 << (bit % 8)
			}
		})
	}
}

func TestR11_KeysRotateWhileTheirTokensLive(t *testing.T) {
	t.Parallel()
	what := network.Ticket{Chain: network.NewChainID(), Invite: network.NewInviteID(noon)}
	old := network.TokenKeys{1: []byte("one")}
	both := network.TokenKeys{1: []byte("one"), 2: []byte("two")}
	next := network.TokenKeys{2: []byte("two")}
	first, second := sign(t, old, what), sign(t, both, what)
	for _, c := range []struct {
		name  string
		keys  network.TokenKeys
		token network.Token
		want  error
	}{
		{"the old key knows its own", old, first, nil},
		{"with two keys the old one's are good", both, first, nil},
		{"the highest key signs", next, second, nil},
		{"and both know it", both, second, nil},
		{"a key that has retired opens nothing", next, first, network.ErrNotFound},
		{"nor one that isn't there yet", old, second, network.ErrNotFound},
		{"another key under the same number", network.TokenKeys{1: []byte("other")}, first, network.ErrNotFound},
		{"no key", nil, first, network.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.keys.Verify(c.token)
			want(t, err, c.want)
		})
	}
}

func TestR11_WhatCantBeKeptIsNotSigned(t *testing.T) {
	t.Parallel()
	chain, invite := network.NewChainID(), network.NewInviteID(noon)
	for _, c := range []struct {
		name string
		keys network.TokenKeys
		what network.Ticket
	}{
		{"without a key", nil, network.Ticket{Chain: chain, Invite: invite}},
		{"with an empty key", network.TokenKeys{1: nil}, network.Ticket{Chain: chain, Invite: invite}},
		{"by key 0", network.TokenKeys{0: []byte("zero")}, network.Ticket{Chain: chain, Invite: invite}},
		{"a version that would be cut", keys, network.Ticket{Chain: chain, Invite: invite, Version: 1 << 16}},
		{"a version below 0", keys, network.Ticket{Chain: chain, Invite: invite, Version: -1}},
		{"ids in the wrong places", keys, network.Ticket{Chain: invite, Invite: chain}},
		{"an id that is none", keys, network.Ticket{Chain: chain, Invite: "in"}},
		{"nothing", keys, network.Ticket{}},
		{"half a notice", keys, network.Ticket{Chain: chain, Person: personKey.Person("+8613800000000")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if token, err := c.keys.Sign(c.what); err == nil {
				t.Errorf("got a token, want an error: %s", token.Reveal())
			}
		})
	}
	empty := network.TokenKeys{1: []byte("")}
	if _, err := empty.Verify(sign(t, keys, network.Ticket{Chain: chain, Invite: invite})); err == nil {
		t.Error("an empty key verifies")
	}
}

func TestR11_ATokenIsNeverShownButByReveal(t *testing.T) {
	t.Parallel()
	token := sign(t, keys, network.Ticket{Chain: network.NewChainID(), Invite: network.NewInviteID(noon)})
	secret := token.Reveal()
	type holder struct {
		Token network.Token
		Many  []network.Token
		Named map[network.Token]int `json:"-"` // a key of a map is what encoding/json shows of any string
	}
	held := holder{token, []network.Token{token}, map[network.Token]int{token: 1}}

	var out bytes.Buffer
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%X", "%d", "%T %[1]v", "%100s", "%z"} {
		fmt.Fprintf(&out, verb+"\n", token)
		fmt.Fprintf(&out, verb+"\n", held)
		fmt.Fprintf(&out, verb+"\n", &held)
	}
	fmt.Fprintln(&out, token, held, fmt.Errorf("open %s: %w", token, network.ErrNotFound))
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).With("with", token).Info("opened", "token", token, "held", held, "pointer", &held, "any", slog.AnyValue(token))
	}
	b, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprint([]byte(secret))} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q is in:\n%s", form, out.String())
		}
	}

	var back network.Token // a client may still send one
	if err := json.Unmarshal([]byte(`"`+secret+`"`), &back); err != nil || back.Reveal() != secret {
		t.Errorf("got %q, %v, want the token that was sent", back.Reveal(), err)
	}
}

func FuzzVerify(f *testing.F) {
	chain := network.NewChainID()
	f.Add("")
	f.Add("TAEA")
	for _, what := range []network.Ticket{
		{Chain: chain, Invite: network.NewInviteID(noon), Version: 3},
		{Chain: chain, Partner: network.CorpPartnerID(chain, "x"), Person: personKey.Person("x")},
	} {
		token := sign(f, keys, what).Reveal()
		f.Add(token)
		f.Add(token + "\n")
		f.Add(token[1:])
	}
	f.Fuzz(func(t *testing.T, s string) {
		what, err := keys.Verify(network.Token(s))
		if err != nil {
			want(t, err, network.ErrNotFound)
			return
		}
		if again := sign(t, keys, what).Reveal(); again != s {
			t.Errorf("%q and %q are the same token", s, again)
		}
	})
}
