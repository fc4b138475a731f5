package web

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
)

var personKey = network.PersonKey("thirty-two characters of a secret")

func TestAPersonIsTheirVerifiedPhone(t *testing.T) {
	t.Parallel()
	want := network.Person{ID: personKey.Person("+8613800138000"), Name: "李娜", Phone: "+8613800138000"}
	for _, phone := range []string{"+8613800138000", "13800138000", "+86 138-0013-8000", "138 0013 8000"} {
		r := httptest.NewRequest("GET", "/", nil)
		for _, subject := range []string{"one", "another"} { // who has the phone is the person
			r = r.WithContext(WithClaims(r.Context(), Claims{Issuer: "https://issuer.example", Subject: subject, Name: "李娜", Phone: phone, PhoneVerified: true}))
			got, err := Person(r, personKey)
			if got != want || err != nil {
				t.Errorf("%q: got %+v, %v, want %+v", phone, got, err, want)
			}
		}
	}
}

func TestWithoutASignInOrAVerifiedPhoneThereIsNoPerson(t *testing.T) {
	t.Parallel()
	const phone = "+8613800138000"
	for name, tc := range map[string]struct {
		claims Claims
		want   error
	}{
		"nobody":          {Claims{}, network.ErrUnauthenticated},
		"no subject":      {Claims{Phone: phone, PhoneVerified: true}, network.ErrUnauthenticated},
		"not verified":    {Claims{Subject: "s", Phone: phone}, network.ErrPhoneNotVerified},
		"no phone":        {Claims{Subject: "s", PhoneVerified: true}, network.ErrPhoneNotVerified},
		"neither":         {Claims{Subject: "s"}, network.ErrPhoneNotVerified},
		"no phone at all": {Claims{Subject: "s", Phone: "李娜", PhoneVerified: true}, network.ErrPhoneNotVerified},
		"no country":      {Claims{Subject: "s", Phone: "8613800138000", PhoneVerified: true}, network.ErrPhoneNotVerified},
		"too short":       {Claims{Subject: "s", Phone: "+86138", PhoneVerified: true}, network.ErrPhoneNotVerified},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r = r.WithContext(WithClaims(r.Context(), tc.claims))
		if got, err := Person(r, personKey); !errors.Is(err, tc.want) || got != (network.Person{}) {
			t.Errorf("%s: got %+v, %v, want %v", name, got, err, tc.want)
		}
	}
	if _, err := Person(httptest.NewRequest("GET", "/", nil), personKey); !errors.Is(err, network.ErrUnauthenticated) {
		t.Errorf("a request that nobody has signed in for: got %v", err)
	}
}

func TestTheActingCorpIsAHeader(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/", nil)
	if got := Corp(r); got != "" {
		t.Errorf("got %q, want none", got)
	}
	r.Header.Set("tributary-corp", "co1")
	if got := Corp(r); got != "co1" {
		t.Errorf("got %q, want co1", got)
	}
}
