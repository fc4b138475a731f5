package caller

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

var (
	noon = time.Date(2026, 11, 22, 12, 0, 0, 1_500_000, time.UTC)
	key  = network.PersonKey("a key that only tests have")
)

const phone = "+8613900000001"

// setup is a table with one corp, its super-admin and its chain.
func setup(t *testing.T) (*store.Store, network.Chain) {
	t.Helper()
	tb := dynamotest.New(t)
	s := store.New(tb.Client, tb.Name)
	corp, err := network.NewCorp(network.NewCorpID(), "Owner Ltd", "", "", noon)
	if err != nil {
		t.Fatal(err)
	}
	boss := network.Member{Person: key.Person(phone), Name: "Boss", Phone: phone}
	if corp, err = s.CreateCorp(t.Context(), corp, boss, store.Once{}); err != nil {
		t.Fatal(err)
	}
	chain, err := network.NewChain(network.NewChainID(), "Dealers", corp, noon)
	if err != nil {
		t.Fatal(err)
	}
	if chain, err = s.CreateChain(t.Context(), chain, corp, store.Once{}); err != nil {
		t.Fatal(err)
	}
	return s, chain
}

func request(t *testing.T, c web.Claims, chain string) *http.Request {
	t.Helper()
	r := httptest.NewRequest("POST", "/v1/chains/"+chain, strings.NewReader("{}"))
	r.SetPathValue("chain_id", chain)
	return r.WithContext(web.WithClaims(t.Context(), c))
}

func TestR37_AChainThatOneHasNoPartInIsNotThere(t *testing.T) {
	t.Parallel()
	s, chain := setup(t)
	boss := web.Claims{Subject: "1", Name: "Boss", Phone: phone, PhoneVerified: true}
	for name, tc := range map[string]struct {
		who   web.Claims
		chain string
		want  error
	}{
		"the owner's":           {boss, chain.ID, nil},
		"no chain's id":         {boss, "1", network.ErrNotFound},
		"another chain":         {boss, network.NewChainID(), network.ErrNotFound},
		"nobody's corp":         {web.Claims{Subject: "2", Phone: "+8613900000002", PhoneVerified: true}, chain.ID, network.ErrCorpRequired},
		"a phone not verified":  {web.Claims{Subject: "1", Phone: phone}, chain.ID, network.ErrPhoneNotVerified},
		"nobody that signed in": {web.Claims{}, chain.ID, network.ErrUnauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := Actor(request(t, tc.who, tc.chain), s, key)
			if !errors.Is(err, tc.want) || err == nil && (a.Chain.ID != chain.ID || !a.Admin) {
				t.Errorf("got %+v, %v, want %v", a, err, tc.want)
			}
		})
	}
}

func TestAKeyIsOfItsPersonCorpKindAndRequest(t *testing.T) {
	t.Parallel()
	r := request(t, web.Claims{}, "ch1")
	got, err := Once(r, "pe1", "co1", "chain", noon)
	if want := (store.Once{Now: noon.Truncate(time.Millisecond)}); err != nil || got != want {
		t.Errorf("without a key: got %+v, %v, want %+v", got, err, want)
	}
	r.Header.Set("Idempotency-Key", "k")
	if got, err = Once(r, "pe1", "co1", "chain", noon); err != nil || got.Person != "pe1" || got.Corp != "co1" || got.Kind != "chain" || got.Key != "k" || got.Body == "" {
		t.Errorf("with one: got %+v, %v", got, err)
	}
	r.Header.Set("Idempotency-Key", strings.Repeat("k", 65))
	if _, err = Once(r, "pe1", "co1", "chain", noon); network.KindOf(err) != network.Invalid {
		t.Errorf("too long a key: got %v, want it refused", err)
	}
}
