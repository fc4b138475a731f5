package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/contract"
	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/store/storetest"
	"github.com/tributary-app/tributary/shared/web"
)

var (
	noon   = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	people = network.PersonKey("a key that only the tests have, 32+")
	keys   = network.TokenKeys{1: []byte("a key that only the tests have, 32+")}
)

// Ids that the files in events/joins know.
const (
	chainID  = "ch0123456789abcdef"
	inviteID = "in0123456789abcdef"
)

// world is a chain whose owner has a link for everybody.
type world struct {
	*store.Store
	tb    *dynamotest.Table
	h     http.Handler
	now   time.Time
	owner network.Corp
	boss  web.Claims // its super-admin
	chain network.Chain
	token string // of the link
	from  string // the address that requests come from, "" for the usual one
}

func setup(t *testing.T) *world {
	t.Helper()
	return setupWith(t, func(*network.Chain) {})
}

// setupWith lets a test have a chain with other limits.
func setupWith(t *testing.T, change func(*network.Chain)) *world {
	t.Helper()
	tb := dynamotest.New(t)
	w := &world{Store: store.New(tb.Client, tb.Name), tb: tb, now: noon}
	j := &joins{store: w.Store, person: people, tokens: keys, now: func() time.Time { return w.now }}
	w.h = contract.Handler(t, j.routes())
	w.boss = claims(1)
	w.owner = w.corp(t, "Owner Ltd", w.boss)
	c, err := network.NewChain(chainID, "Dealers", w.owner, noon)
	if err != nil {
		t.Fatal(err)
	}
	change(&c)
	if w.chain, err = w.CreateChain(t.Context(), c, w.owner, store.Once{}); err != nil {
		t.Fatal(err)
	}
	w.token = w.link(t, network.Invite{ID: inviteID})
	tb.Reset()
	return w
}

// claims are those of the n-th person, whose phone is verified.
func claims(n int) web.Claims {
	return web.Claims{Issuer: "https://id.example", Subject: fmt.Sprint("s", n), Name: fmt.Sprint("Person ", n), Phone: phone(n), PhoneVerified: true}
}

func phone(n int) string { return fmt.Sprintf("+86139%08d", n) }

func id(c web.Claims) string { return people.Person(c.Phone) }

// corp makes a company whose super-admin is who.
func (w *world) corp(t *testing.T, name string, who web.Claims) network.Corp {
	t.Helper()
	c, err := network.NewCorp(network.NewCorpID(), name, "", "", noon)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = w.CreateCorp(t.Context(), c, network.Member{Person: id(who), Name: who.Name, Phone: who.Phone}, store.Once{}); err != nil {
		t.Fatal(err)
	}
	return c
}

// link makes an invite of the boss's and gives its token.
func (w *world) link(t *testing.T, i network.Invite) string {
	t.Helper()
	if i.ID == "" {
		i.ID = network.NewInviteID(w.now)
	}
	i.Chain, i.Kind, i.Maker, i.MakerName, i.MakerCorp, i.CreatedAt, i.Version = chainID, "link", id(w.boss), "Boss", w.owner.ID, w.now, 1
	i.Group = max(i.Group, network.RootGroup)
	if _, err := w.CreateInvite(t.Context(), w.chain, i, store.Once{}); err != nil {
		t.Fatal(err)
	}
	return sign(t, network.Ticket{Chain: chainID, Invite: i.ID, Version: 1})
}

func sign(t *testing.T, ticket network.Ticket) string {
	t.Helper()
	token, err := keys.Sign(ticket)
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

// roster imports partners, each with one contact, as the imports door does,
// and gives the tokens of their notices.
func (w *world) roster(t *testing.T, all ...network.RosterRow) []string {
	t.Helper()
	ctx := t.Context()
	imp, err := w.CreateImport(ctx, network.Import{ID: network.NewImportID(w.now), Chain: chainID, Maker: id(w.boss), MakerCorp: w.owner.ID, Notify: true, State: network.ImportWaiting, CreatedAt: w.now}, store.Once{})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Import(t, w.Store, people, chainID, imp.ID, w.now, all...)
	var tokens []string
	for _, r := range all {
		partner, person := network.RosterPartnerID(chainID, r.CustomID, r.Corp), people.Person(r.Phone)
		tokens = append(tokens, sign(t, network.Ticket{Chain: chainID, Partner: partner, Person: person, Version: w.contact(t, person, partner).TokenVersion}))
	}
	w.tb.Reset()
	return tokens
}

// row is the n-th person as a contact of a corp.
func row(corp string, n int) network.RosterRow {
	return network.RosterRow{Number: n + 1, Corp: corp, Contact: fmt.Sprint("联系人", n), Phone: phone(n)}
}

// contact is what the store has of a person under a partner.
func (w *world) contact(t *testing.T, person, partner string) network.Contact {
	t.Helper()
	p, err := w.Partner(t.Context(), chainID, partner)
	if err != nil {
		t.Fatal(err)
	}
	all, _, _, err := w.Contacts(t.Context(), w.chain, p, w.now, "", 200)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(k network.Contact) bool { return k.Person == person })
	if i < 0 {
		t.Fatalf("%s is no contact of %s", person, partner)
	}
	return all[i]
}

// edit changes the chain's settings.
func (w *world) edit(t *testing.T, e network.ChainEdit) {
	t.Helper()
	c, err := w.Chain(t.Context(), chainID)
	if err != nil {
		t.Fatal(err)
	}
	if w.chain, err = w.EditChain(t.Context(), c, e, w.now); err != nil {
		t.Fatal(err)
	}
}

func (w *world) policy(t *testing.T, p network.JoinPolicy) {
	t.Helper()
	w.edit(t, network.ChainEdit{JoinPolicy: &p})
}

// answer is what the door said.
type answer struct {
	*httptest.ResponseRecorder
	body map[string]any
}

func (a answer) code() string { s, _ := a.body["code"].(string); return s }

func (a answer) text(member string) string { s, _ := a.body[member].(string); return s }

// want ends the test if the answer is another. code "" is for no problem.
func (a answer) want(t *testing.T, status int, code string) answer {
	t.Helper()
	if a.Code != status || a.code() != code {
		t.Fatalf("got %d %s, want %d %q", a.Code, a.Body, status, code)
	}
	return a
}

// as asks the door as somebody; the zero Claims are nobody. header is pairs
// of a name and a value.
func (w *world) as(t *testing.T, who web.Claims, method, path, body string, header ...string) answer {
	t.Helper()
	return w.in(t, t.Context(), who, method, path, body, header...)
}

// in is as within a context.
func (w *world) in(t *testing.T, ctx context.Context, who web.Claims, method, path, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	if who != (web.Claims{}) {
		r = r.WithContext(web.WithClaims(r.Context(), who))
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if w.from != "" {
		r.RemoteAddr = w.from // as the gateway gives it: without a port
	}
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	w.h.ServeHTTP(a, r)
	if a.Body.Len() > 0 {
		if err := json.Unmarshal(a.Body.Bytes(), &a.body); err != nil {
			t.Errorf("%s %s: %v", method, r.Pattern, err)
		}
	}
	return a
}

func (w *world) look(t *testing.T, token string) answer {
	t.Helper()
	return w.as(t, web.Claims{}, http.MethodGet, "/v1/join/"+token, "")
}

// join presses the button.
func (w *world) join(t *testing.T, who web.Claims, token, body string) answer {
	t.Helper()
	return w.as(t, who, http.MethodPost, "/v1/join/"+token, body)
}

// under is a join's body for a corp that one has, anew for one that is made.
func under(c network.Corp) string { return `{"corp_id":"` + c.ID + `"}` }
func anew(name string) string     { return `{"new_corp":{"name":"` + name + `"}}` }

func ptr[T any](v T) *T { return &v }
