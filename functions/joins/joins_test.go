package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

func TestALookSaysWhatTheInviteIsForAndNothingMore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	north, err := w.CreateGroup(t.Context(), chainID, network.Group{Name: "North", Parent: 1}, store.Once{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, token, want string }{
		{"a link", w.token, `{"chain":{"name":"Dealers","owner":"Owner Ltd"},"inviter":{"name":"Boss"},"join_policy":"open","expires_at":"2026-11-29T12:00:00Z","state":"live"}`},
		{"a link into a group", w.link(t, network.Invite{Group: north.ID, Phone: phone(5), Own: time.Hour, Note: "for Li"}),
			`{"chain":{"name":"Dealers","owner":"Owner Ltd"},"inviter":{"name":"Boss"},"group":{"name":"North"},"join_policy":"open","expires_at":"2026-11-22T13:00:00Z","state":"live","note":"for Li"}`},
		{"a notice", w.roster(t, row("Acme", 7))[0], `{"chain":{"name":"Dealers","owner":"Owner Ltd"},"inviter":{"name":"Owner Ltd"},"join_policy":"open","expires_at":"2026-11-29T12:00:00Z","state":"live"}`},
	} {
		if got := w.look(t, c.token).want(t, 200, ""); got.Body.String() != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got.Body, c.want)
		}
	}
}

func TestR13_LookingChangesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tokens := append(w.roster(t, row("Acme", 7)), w.token, w.link(t, network.Invite{MaxUses: 1}))
	before := w.tb.Items(t)
	w.tb.Reset()
	for range 10_000/2/len(tokens) + 1 {
		for _, token := range tokens {
			w.look(t, token).want(t, 200, "")
			if got := w.as(t, claims(7), http.MethodHead, "/v1/join/"+token, ""); got.Code != 200 {
				t.Fatalf("HEAD: got %d", got.Code)
			}
		}
	}
	if m := w.tb.Meter(); m.WriteUnits != 0 || m.ByOp["BatchGetItem"] != m.Requests {
		t.Errorf("looking cost %+v, want reads alone", m)
	}
	if after := w.tb.Items(t); !reflect.DeepEqual(before, after) {
		t.Errorf("looking changed the table: got %d items, want %d unchanged", len(after), len(before))
	}
}

func TestATokenWithOneCharacterChangedIsUnknown(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, token := range append(w.roster(t, row("Acme", 7)), w.token) {
		w.tb.Reset()
		for i := range token {
			for _, c := range "A0_" {
				if token[i] == byte(c) {
					continue
				}
				bent := token[:i] + string(c) + token[i+1:]
				w.from = fmt.Sprintf("198.51.100.%d", i) // guesses are limited
				w.look(t, bent).want(t, 404, "not_found")
			}
		}
		w.join(t, claims(7), token[:len(token)-1], anew("Acme")).want(t, 404, "not_found")
		w.join(t, claims(7), token+"A", anew("Acme")).want(t, 404, "not_found")
		if m := w.tb.Meter(); m.Requests != 0 {
			t.Errorf("tokens that we haven't signed cost %d requests, want 0", m.Requests)
		}
	}
	// Well signed, and of nothing that there is.
	w.look(t, sign(t, network.Ticket{Chain: network.NewChainID(), Invite: inviteID, Version: 1})).want(t, 404, "not_found")
	w.look(t, sign(t, network.Ticket{Chain: chainID, Invite: network.NewInviteID(noon), Version: 1})).want(t, 404, "not_found")
	w.join(t, claims(7), sign(t, network.Ticket{Chain: chainID, Invite: network.NewInviteID(noon), Version: 1}), anew("Acme")).want(t, 404, "not_found")
}

// Who has no token of ours can try some, and then must wait; who has one gets in,
// from the same address too, and at the invite that was guessed at.
func TestGuessingIsLimitedByAddressAndByWhatIsGuessedAt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	bent := func(i int) string { // another proof for the same invite
		return w.token[:len(w.token)-8] + fmt.Sprintf("%07d", i) + "A"
	}
	w.tb.Reset()
	for i := range 100 {
		w.look(t, bent(i)).want(t, 404, "not_found")
	}
	got := w.look(t, bent(100)).want(t, 429, "rate_limited")
	if got.Header().Get("Retry-After") != "600" {
		t.Errorf("got Retry-After %q, want the window's 600", got.Header().Get("Retry-After"))
	}
	w.join(t, claims(7), "nonsense", anew("Acme")).want(t, 429, "rate_limited")
	for _, path := range []string{"/opened", "/decline", "/block"} {
		w.as(t, claims(7), "POST", "/v1/join/nonsense"+path, "").want(t, 429, "rate_limited")
	}
	w.as(t, claims(7), "GET", "/v1/join/nonsense/application", "").want(t, 429, "rate_limited")
	w.from = "198.51.100.7"
	w.look(t, bent(101)).want(t, 429, "rate_limited") // at this invite, from wherever
	w.look(t, "nonsense").want(t, 404, "not_found")
	other := w.link(t, network.Invite{})
	tail := "AA"
	if strings.HasSuffix(other, tail) {
		tail = "BA"
	}
	w.look(t, other[:len(other)-2]+tail).want(t, 404, "not_found")
	if m := w.tb.Meter(); m.ReadUnits != 0 {
		t.Errorf("guesses read %v units, want none", m.ReadUnits)
	}
	w.from = ""
	if got := w.as(t, claims(7), "GET", "/v1/join/nonsense", "", "Accept-Language", "en").want(t, 429, "rate_limited"); !strings.Contains(got.text("detail"), "Retry-After") {
		t.Errorf("got %s", got.Body)
	}
	w.look(t, w.token).want(t, 200, "")
	w.join(t, claims(7), w.token, anew("Acme")).want(t, 201, "")
	w.now = w.now.Add(10 * time.Minute)
	w.look(t, bent(102)).want(t, 404, "not_found")
}

// Of a token that isn't ours the answer and what it takes are the same whether
// its chain, its invite or its version is there; what ours have ended by all cost
// the same, and none names the chain.
func TestUnknownAndDeadTokensTellNothingOfAChain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	key := network.TokenKeys{1: []byte("another key, which nobody here has ever had")}
	forged := func(ticket network.Ticket) string {
		token, err := key.Sign(ticket)
		if err != nil {
			t.Fatal(err)
		}
		return token.Reveal()
	}
	revoked := w.link(t, network.Invite{})
	ticket, _ := keys.Verify(network.Token(revoked))
	if _, err := w.RevokeInvite(t.Context(), chainID, ticket.Invite, w.now); err != nil {
		t.Fatal(err)
	}
	said := func(token string) (string, dynamotest.Meter) {
		w.tb.Reset()
		a := w.look(t, token)
		if strings.Contains(a.Body.String(), "Dealers") || strings.Contains(a.Body.String(), "Owner") {
			t.Errorf("got %s, want nothing of the chain", a.Body)
		}
		return fmt.Sprint(a.Code, a.Header(), a.Body), w.tb.Meter()
	}
	want, _ := said("nonsense")
	for what, ticket := range map[string]network.Ticket{
		"a live invite": {Chain: chainID, Invite: inviteID, Version: 1}, "a revoked one": {Chain: chainID, Invite: ticket.Invite, Version: 1},
		"no such chain": {Chain: network.NewChainID(), Invite: inviteID, Version: 1}, "no such invite": {Chain: chainID, Invite: network.NewInviteID(noon), Version: 1},
	} {
		if got, m := said(forged(ticket)); got != want || m.Requests != 0 {
			t.Errorf("forged for %s: got %s and %d requests, want %s and none", what, got, m.Requests, want)
		}
	}
	_, dead := said(revoked)
	w.now = noon.Add(8 * 24 * time.Hour)
	for what, token := range map[string]string{"expired": w.token, "not there": sign(t, network.Ticket{Chain: chainID, Invite: network.NewInviteID(noon), Version: 1})} {
		if _, m := said(token); m.Requests != dead.Requests {
			t.Errorf("%s: got %d requests, want the %d of a revoked one", what, m.Requests, dead.Requests)
		}
	}
}

func TestR14_ADeadInviteSaysWhyBeforeAndAfterTheForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(t *testing.T, w *world) (token string)
		code string
	}{
		"expired": {func(t *testing.T, w *world) string { w.now = noon.Add(7 * 24 * time.Hour); return w.token }, "invite_expired"},
		"revoked": {func(t *testing.T, w *world) string {
			if _, err := w.RevokeInvite(t.Context(), chainID, inviteID, w.now); err != nil {
				t.Fatal(err)
			}
			return w.token
		}, "invite_revoked"},
		"used up": {func(t *testing.T, w *world) string {
			token := w.link(t, network.Invite{MaxUses: 1})
			w.join(t, claims(8), token, anew("First")).want(t, 201, "")
			return token
		}, "invite_exhausted"},
		"of a dissolved chain": {func(t *testing.T, w *world) string {
			if err := w.DissolveChain(t.Context(), chainID, 0, w.now); err != nil {
				t.Fatal(err)
			}
			return w.token
		}, "chain_dissolved"},
		"of an older version": {func(t *testing.T, w *world) string {
			return sign(t, network.Ticket{Chain: chainID, Invite: inviteID, Version: 0})
		}, "invite_revoked"},
		"of a partner that was withdrawn (R33)": {func(t *testing.T, w *world) string {
			token := w.roster(t, row("Acme", 7))[0]
			if err := w.RemovePartner(t.Context(), chainID, network.RosterPartnerID(chainID, "", "Acme"), 0, w.now); err != nil {
				t.Fatal(err)
			}
			return token
		}, "invite_revoked"},
		"a notice that expired": {func(t *testing.T, w *world) string {
			token := w.roster(t, row("Acme", 7))[0]
			w.now = noon.Add(7 * 24 * time.Hour)
			return token
		}, "invite_expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			token := c.end(t, w)
			before := w.tb.Items(t)
			w.look(t, token).want(t, 410, c.code)
			w.join(t, claims(7), token, anew("Acme")).want(t, 410, c.code)
			if !reflect.DeepEqual(before, w.tb.Items(t)) {
				t.Error("a dead invite changed the table")
			}
			if got := w.as(t, claims(7), "POST", "/v1/join/"+token, anew("Acme"), "Accept-Language", "en"); got.Header().Get("Content-Language") != "en" || got.text("title") == "" {
				t.Errorf("got %s in %q, want English", got.Body, got.Header().Get("Content-Language"))
			}
		})
	}
}

func TestWhoJoinsGetsTheirMembershipOnceAndAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	li := claims(7)
	acme := w.corp(t, "Acme", li)
	token := w.link(t, network.Invite{MaxUses: 5})
	first := w.join(t, li, token, under(acme)).want(t, 201, "")
	want := map[string]any{
		"membership_id": first.text("membership_id"), "chain_id": chainID, "partner_id": network.CorpPartnerID(chainID, acme.ID), "corp_id": acme.ID,
		"person_id": id(li), "group_id": 1.0, "identity": "member", "name_mismatch": false, "joined_at": "2026-11-22T12:00:00Z",
	}
	if !reflect.DeepEqual(first.body, want) || first.text("membership_id") == "" {
		t.Errorf("got %s", first.Body)
	}
	w.now = noon.Add(time.Hour)
	before := w.tb.Items(t)
	for _, again := range []answer{w.join(t, li, token, under(acme)), w.join(t, li, w.token, under(acme))} {
		if again.want(t, 200, ""); again.Body.String() != first.Body.String() {
			t.Errorf("again: got %s, want %s", again.Body, first.Body)
		}
	}
	if !reflect.DeepEqual(before, w.tb.Items(t)) {
		t.Error("a repeat changed the table, want nothing spent (R15)")
	}
}

func TestR02_APersonMayMakeTheCorpThatTheyJoinUnder(t *testing.T) {
	t.Parallel()
	w := setup(t)
	li := claims(7)
	// Full width and padded, as an input method may write it.
	first := w.join(t, li, w.token, `{"new_corp":{"name":" Ａcme（北京） ","industry":"零售"},"name":"  李娜 "}`).want(t, 201, "")
	c, err := w.Corp(t.Context(), first.text("corp_id"))
	if err != nil || c.Name != "Acme(北京)" || c.Industry != "零售" || c.Verification != 1 || c.Admins != 1 {
		t.Errorf("got %+v (%v), want the corp as it was typed, NFKC", c, err)
	}
	m, err := w.Member(t.Context(), c.ID, id(li))
	if err != nil || m.Role != network.SuperAdmin || m.Name != "李娜" || m.Phone != li.Phone {
		t.Errorf("got %+v (%v), want its super-admin", m, err)
	}
	// The same wish again makes no second corp.
	again := w.join(t, li, w.token, `{"new_corp":{"name":"acme(北京)","industry":"零售"},"name":"李娜"}`).want(t, 200, "")
	if again.Body.String() != first.Body.String() {
		t.Errorf("again: got %s, want %s", again.Body, first.Body)
	}
	// Another corp is another membership (R01).
	w.join(t, li, w.token, anew("Zeta")).want(t, 201, "")
}

func TestAPersonIsCalledAsTheySayElseAsTheySignInElseAsTheRosterSays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	nameless := func(n int) web.Claims { c := claims(n); c.Name = ""; return c }
	got := w.join(t, nameless(7), w.token, anew("Acme")).want(t, 400, "invalid")
	if f := field(got); f != "name" {
		t.Errorf("got field %q, want name", f)
	}
	long := claims(7)
	long.Name = strings.Repeat("长", 33)
	w.join(t, long, w.token, anew("Acme")).want(t, 400, "invalid")
	tokens := w.roster(t, row("Beta", 8), row("Beta", 9))
	for _, c := range []struct {
		who               web.Claims
		token, body, want string
	}{
		{nameless(7), w.token, `{"new_corp":{"name":"Acme"},"name":"李娜"}`, "李娜"},
		{claims(6), w.token, anew("Six"), "Person 6"},
		{nameless(8), tokens[0], anew("Beta"), "联系人8"},
	} {
		a := w.join(t, c.who, c.token, c.body).want(t, 201, "")
		m, err := w.Member(t.Context(), a.text("corp_id"), id(c.who))
		if err != nil || m.Name != c.want {
			t.Errorf("got %q (%v), want %q", m.Name, err, c.want)
		}
	}
}

// field is the first field that a problem names.
func field(a answer) string {
	all, _ := a.body["errors"].([]any)
	if len(all) == 0 {
		return ""
	}
	f, _ := all[0].(map[string]any)["field"].(string)
	return f
}

func TestABodyThatIsWrongIsRefusedByItsFieldAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	acme := w.corp(t, "Acme", claims(7))
	before := w.tb.Items(t)
	for _, c := range []struct{ body, code, field string }{
		{`{}`, "invalid", "corp_id"},
		{`{"name":"Li"}`, "invalid", "corp_id"},
		{`{"corp_id":"` + acme.ID + `","new_corp":{"name":"Acme"}}`, "invalid", "new_corp"},
		{`{"new_corp":{}}`, "invalid", "new_corp.name"},
		{`{"new_corp":{"name":""}}`, "invalid", "new_corp.name"},
		{`{"new_corp":{"name":"` + strings.Repeat("长", 33) + `"}}`, "invalid", "new_corp.name"},
		{`{"new_corp":{"name":"a<b"}}`, "invalid", "new_corp.name"},
		{`{"new_corp":{"name":"Acme","industry":"` + strings.Repeat("长", 33) + `"}}`, "invalid", "new_corp.industry"},
		{`{"new_corp":{"name":"Acme"},"name":"` + strings.Repeat("长", 33) + `"}`, "invalid", "name"},
		{`{"new_corp":{"name":"Acme"},"name":""}`, "invalid", "name"},
		{`{"new_corp":{"name":7}}`, "invalid", "new_corp.name"},
		{`{"corp_id":null}`, "invalid", "corp_id"},
		{`{"corp":"x"}`, "unknown_field", "corp"},
		{`{"corp_id"`, "invalid", ""},
		{`[]`, "invalid", ""},
	} {
		got := w.join(t, claims(7), w.token, c.body).want(t, 400, c.code)
		if field(got) != c.field {
			t.Errorf("%s: got field %q, want %q", c.body, field(got), c.field)
		}
	}
	// All that a person has to mend is said at once.
	both := w.join(t, claims(7), w.token, `{"new_corp":{"name":""},"name":""}`).want(t, 400, "invalid")
	if all, _ := both.body["errors"].([]any); len(all) != 2 || all[1].(map[string]any)["field"] != "name" {
		t.Errorf("got %s, want new_corp.name and name", both.Body)
	}
	w.join(t, claims(7), w.token, `{"name":"`+strings.Repeat("x", 2<<20)+`"}`).want(t, 413, "too_large")
	w.as(t, claims(7), "POST", "/v1/join/"+w.token, under(acme), "Content-Type", "text/plain").want(t, 415, "unsupported_media_type")
	w.join(t, web.Claims{}, w.token, under(acme)).want(t, 401, "unauthenticated")
	unverified := claims(7)
	unverified.PhoneVerified = false
	w.join(t, unverified, w.token, under(acme)).want(t, 403, "phone_not_verified")
	w.join(t, claims(8), w.token, under(acme)).want(t, 403, "not_a_member")
	w.join(t, claims(8), w.token, `{"corp_id":"nonsense"}`).want(t, 403, "not_a_member")
	w.join(t, w.boss, w.token, under(w.owner)).want(t, 403, "denied") // no partner of its own chain
	w.as(t, claims(7), "PUT", "/v1/join/"+w.token, "").want(t, 405, "method_not_allowed")
	if !reflect.DeepEqual(before, w.tb.Items(t)) {
		t.Error("bad input changed the table")
	}
}

func TestARefusedJoinNamesTheFieldThatItIsAbout(t *testing.T) {
	t.Parallel()
	w := setup(t)
	acme, beta := w.corp(t, "Acme", claims(7)), w.corp(t, "Beta", claims(8))
	byPhone, byCorp, notice := w.link(t, network.Invite{Phone: phone(7)}), w.link(t, network.Invite{Corp: acme.ID}), w.roster(t, row("Gamma", 9))[0]
	school := w.corp(t, "School", claims(6))
	if _, err := w.EditCorp(t.Context(), school, store.CorpEdit{Industry: ptr(network.Schooling)}); err != nil {
		t.Fatal(err)
	}
	unverified := claims(8)
	unverified.PhoneVerified = false
	asks := func(who web.Claims, token, body, code string, fields ...string) {
		t.Helper()
		got := w.join(t, who, token, body).want(t, 403, code)
		var named []string
		all, _ := got.body["errors"].([]any)
		for _, e := range all {
			f, _ := e.(map[string]any)
			named = append(named, fmt.Sprint(f["field"]))
			if f["code"] != code || f["detail"] != got.text("detail") {
				t.Errorf("%s: got %v, want the code and the advice of the answer", body, f)
			}
		}
		if !slices.Equal(named, fields) {
			t.Errorf("%s %s: got fields %q, want %q", code, body, named, fields)
		}
	}
	asks(unverified, w.token, under(beta), "phone_not_verified", "phone")
	asks(claims(8), w.token, under(acme), "not_a_member", "corp_id")
	asks(claims(6), w.token, under(school), "corp_not_eligible", "corp_id")
	asks(claims(8), w.token, `{"new_corp":{"name":"A school","industry":"初中等教育"}}`, "corp_not_eligible", "new_corp.industry")
	asks(claims(8), byPhone, under(beta), "bound_to_another", "phone")
	asks(claims(8), notice, under(beta), "bound_to_another", "phone")
	asks(claims(8), byCorp, under(beta), "bound_to_another", "corp_id")
	asks(claims(8), byCorp, anew("Beta Two"), "bound_to_another", "new_corp")
	w.policy(t, network.ImportedOnly)
	token := w.link(t, network.Invite{})
	asks(claims(8), token, under(beta), "not_imported", "phone", "corp_id")
	asks(claims(8), token, anew("Beta Two"), "not_imported", "phone", "new_corp")
}

func TestR04_SchoolsAndTeamsDontJoin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.join(t, claims(7), w.token, `{"new_corp":{"name":"A school","industry":"初中等教育"}}`).want(t, 403, "corp_not_eligible")
	w.join(t, claims(7), w.token, anew("A company")).want(t, 201, "")
}

func TestR10_AnInviteBoundToAPhoneOrACorpIsNobodyElses(t *testing.T) {
	t.Parallel()
	w := setup(t)
	acme, beta := w.corp(t, "Acme", claims(7)), w.corp(t, "Beta", claims(8))
	byPhone, byCorp := w.link(t, network.Invite{Phone: phone(7)}), w.link(t, network.Invite{Corp: acme.ID})
	w.join(t, claims(8), byPhone, under(beta)).want(t, 403, "bound_to_another")
	w.join(t, claims(8), byCorp, under(beta)).want(t, 403, "bound_to_another")
	w.join(t, claims(8), w.roster(t, row("Gamma", 9))[0], under(beta)).want(t, 403, "bound_to_another")
	w.join(t, claims(7), byPhone, under(acme)).want(t, 201, "")
	w.join(t, claims(7), byCorp, under(acme)).want(t, 200, "")
}

// A page was opened before the change, and is sent after it.
func TestR16_APageSubmittedAfterAChangeGetsTheTruth(t *testing.T) {
	t.Parallel()
	li := claims(7)
	for name, c := range map[string]struct {
		change func(t *testing.T, w *world, acme network.Corp)
		status int
		code   string
	}{
		"nothing has changed": {func(*testing.T, *world, network.Corp) {}, 201, ""},
		"it was revoked": {func(t *testing.T, w *world, _ network.Corp) {
			if _, err := w.RevokeInvite(t.Context(), chainID, inviteID, w.now); err != nil {
				t.Fatal(err)
			}
		}, 410, "invite_revoked"},
		"only imported corps may join": {func(t *testing.T, w *world, _ network.Corp) { w.policy(t, network.ImportedOnly) }, 403, "not_imported"},
		"and any again": {func(t *testing.T, w *world, _ network.Corp) {
			w.policy(t, network.ImportedOnly)
			w.policy(t, network.Open)
		}, 201, ""},
		"the chain was dissolved": {func(t *testing.T, w *world, _ network.Corp) {
			if err := w.DissolveChain(t.Context(), chainID, 0, w.now); err != nil {
				t.Fatal(err)
			}
		}, 410, "chain_dissolved"},
		"the corp is a school now": {func(t *testing.T, w *world, acme network.Corp) {
			if _, err := w.EditCorp(t.Context(), acme, store.CorpEdit{Industry: ptr(network.Preschool)}); err != nil {
				t.Fatal(err)
			}
		}, 403, "corp_not_eligible"},
		"the person was taken out of the corp": {func(t *testing.T, w *world, acme network.Corp) {
			if err := w.AddMember(t.Context(), network.Member{Person: id(claims(8)), Corp: acme.ID, Name: "New", Phone: phone(8), Role: network.SuperAdmin}, store.Once{}); err != nil {
				t.Fatal(err)
			}
			if err := w.RemoveMember(t.Context(), acme.ID, id(li)); err != nil {
				t.Fatal(err)
			}
		}, 403, "not_a_member"},
		"it has expired": {func(t *testing.T, w *world, _ network.Corp) { w.now = noon.Add(8 * 24 * time.Hour) }, 410, "invite_expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			acme := w.corp(t, "Acme", li)
			w.look(t, w.token).want(t, 200, "")
			c.change(t, w, acme)
			w.join(t, li, w.token, under(acme)).want(t, c.status, c.code)
		})
	}
	t.Run("its partner was withdrawn", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		token := w.roster(t, row("Acme", 7))[0]
		w.look(t, token).want(t, 200, "")
		if err := w.RemovePartner(t.Context(), chainID, network.RosterPartnerID(chainID, "", "Acme"), 0, w.now); err != nil {
			t.Fatal(err)
		}
		w.join(t, li, token, anew("Acme")).want(t, 410, "invite_revoked")
	})
}

// The change is committed between what the join read and what it writes.
func TestR16_WhatIsCommittedDuringAJoinWins(t *testing.T) {
	t.Parallel()
	li := claims(7)
	for name, c := range map[string]struct {
		change func(ctx context.Context, w *world, s *store.Store, acme network.Corp) error
		status int
		code   string
	}{
		"revoked": {func(ctx context.Context, w *world, s *store.Store, _ network.Corp) error {
			_, err := s.RevokeInvite(ctx, chainID, inviteID, noon)
			return err
		}, 410, "invite_revoked"},
		"imported only": {func(ctx context.Context, w *world, s *store.Store, _ network.Corp) error {
			_, err := s.EditChain(ctx, w.chain, network.ChainEdit{JoinPolicy: ptr(network.ImportedOnly)}, noon)
			return err
		}, 403, "not_imported"},
		"dissolved": {func(ctx context.Context, w *world, s *store.Store, _ network.Corp) error {
			return s.DissolveChain(ctx, chainID, 0, noon)
		}, 410, "chain_dissolved"},
		"a school": {func(ctx context.Context, w *world, s *store.Store, acme network.Corp) error {
			_, err := s.EditCorp(ctx, acme, store.CorpEdit{Industry: ptr(network.Preschool)})
			return err
		}, 403, "corp_not_eligible"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			acme := w.corp(t, "Acme", li)
			aside := store.New(dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT")), w.tb.Name) // past the faults
			w.tb.Reset()
			w.tb.Break = func(op string, n int) dynamotest.Fault {
				if op == "TransactWriteItems" && n == 1 {
					if err := c.change(t.Context(), w, aside, acme); err != nil {
						t.Error(err)
					}
				}
				return dynamotest.None
			}
			w.join(t, li, w.token, under(acme)).want(t, c.status, c.code)
		})
	}
}

func TestR18_AnOldTokenReadmitsNobodyAndANewOneDoes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	li := claims(7)
	acme := w.corp(t, "Acme", li)
	w.join(t, li, w.token, under(acme)).want(t, 201, "")
	w.now = noon.Add(time.Hour)
	if got := w.as(t, li, "DELETE", "/v1/chains/"+chainID+"/membership", "").want(t, 204, ""); got.Body.Len() != 0 {
		t.Errorf("got a body: %s", got.Body)
	}
	w.join(t, li, w.token, under(acme)).want(t, 410, "invite_revoked")
	w.now = noon.Add(2 * time.Hour)
	w.join(t, li, w.link(t, network.Invite{}), under(acme)).want(t, 201, "")

	// The corp is removed: nobody of it comes back by what is older.
	w.now = noon.Add(3 * time.Hour)
	old := w.link(t, network.Invite{})
	w.now = noon.Add(4 * time.Hour)
	if err := w.RemovePartner(t.Context(), chainID, network.CorpPartnerID(chainID, acme.ID), 0, w.now); err != nil {
		t.Fatal(err)
	}
	w.join(t, li, old, under(acme)).want(t, 410, "invite_revoked")
	w.now = noon.Add(5 * time.Hour)
	w.join(t, li, w.link(t, network.Invite{}), under(acme)).want(t, 201, "")
}

func TestR21_OnlyTheImportedJoinByPhoneOrByCorpNeverByName(t *testing.T) {
	t.Parallel()
	w := setup(t)
	token := w.roster(t, row("Acme", 7))[0]
	w.policy(t, network.ImportedOnly)
	// A stranger whose corp has the very name.
	w.join(t, claims(8), w.token, anew("Acme")).want(t, 403, "not_imported")
	// (a) the phone of a contact, by an open link, under a corp of another name
	first := w.join(t, claims(7), w.token, anew("Zeta")).want(t, 201, "")
	if first.text("partner_id") != network.RosterPartnerID(chainID, "", "Acme") || first.body["name_mismatch"] != true {
		t.Errorf("got %s, want the roster's partner with a name_mismatch", first.Body)
	}
	// (b) a colleague of that corp
	if err := w.AddMember(t.Context(), network.Member{Person: id(claims(9)), Corp: first.text("corp_id"), Name: "Nine", Phone: phone(9), Role: network.Staff}, store.Once{}); err != nil {
		t.Fatal(err)
	}
	w.join(t, claims(9), w.token, `{"corp_id":"`+first.text("corp_id")+`"}`).want(t, 201, "")
	w.join(t, claims(7), token, `{"corp_id":"`+first.text("corp_id")+`"}`).want(t, 200, "")
}

func TestR22_WhoIsInStaysInAndTheirColleaguesMayFollow(t *testing.T) {
	t.Parallel()
	w := setup(t)
	acme := w.corp(t, "Acme", claims(7))
	w.join(t, claims(7), w.token, under(acme)).want(t, 201, "")
	w.policy(t, network.ImportedOnly)
	w.join(t, claims(7), w.token, under(acme)).want(t, 200, "")
	if err := w.AddMember(t.Context(), network.Member{Person: id(claims(8)), Corp: acme.ID, Name: "Eight", Phone: phone(8), Role: network.Staff}, store.Once{}); err != nil {
		t.Fatal(err)
	}
	w.join(t, claims(8), w.token, under(acme)).want(t, 201, "")
	w.join(t, claims(9), w.token, anew("Beta")).want(t, 403, "not_imported")
}

func TestR23_TheFirstContactBindsThePartnerToACorp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tokens := w.roster(t, row("Acme", 7), row("Acme", 8), row("Acme", 9))
	zeta := w.corp(t, "Zeta", claims(7))
	first := w.join(t, claims(7), tokens[0], under(zeta)).want(t, 201, "")
	if first.body["name_mismatch"] != true {
		t.Errorf("got %s, want name_mismatch", first.Body)
	}
	beta := w.corp(t, "Beta", claims(8))
	w.join(t, claims(8), tokens[1], under(beta)).want(t, 409, "partner_conflict")
	if err := w.AddMember(t.Context(), network.Member{Person: id(claims(9)), Corp: zeta.ID, Name: "Nine", Phone: phone(9), Role: network.Staff}, store.Once{}); err != nil {
		t.Fatal(err)
	}
	if got := w.join(t, claims(9), tokens[2], under(zeta)).want(t, 201, ""); got.text("partner_id") != first.text("partner_id") {
		t.Errorf("got %s, want the same partner as %s", got.Body, first.Body)
	}
}

func TestR23_TwoWhoCreateTheCorpAtTheSameMomentEndWithOne(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tokens := w.roster(t, row("Acme", 7), row("Acme", 8))
	var got [2]answer
	var wg sync.WaitGroup
	for i, token := range tokens {
		wg.Go(func() { got[i] = w.join(t, claims(7+i), token, anew("Acme")) })
	}
	wg.Wait()
	for _, a := range got {
		a.want(t, 201, "")
	}
	if got[0].text("corp_id") != got[1].text("corp_id") || got[0].text("partner_id") != got[1].text("partner_id") {
		t.Errorf("got %s and %s, want one corp", got[0].Body, got[1].Body)
	}
}

func TestR24_TheSamePhoneUnderTwoPartnersIsSettledSeparately(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tokens := w.roster(t, row("Acme", 7), row("Beta", 7))
	a := w.join(t, claims(7), tokens[0], anew("Acme")).want(t, 201, "")
	b := w.join(t, claims(7), tokens[1], anew("Beta")).want(t, 201, "")
	if a.text("partner_id") == b.text("partner_id") || a.text("corp_id") == b.text("corp_id") {
		t.Errorf("got %s and %s, want two memberships", a.Body, b.Body)
	}
	// One membership a chain, corp and person (R01), by whichever of the two notices.
	if again := w.join(t, claims(7), tokens[1], `{"corp_id":"`+a.text("corp_id")+`"}`).want(t, 200, ""); again.text("partner_id") != a.text("partner_id") {
		t.Errorf("got %s, want %s", again.Body, a.Body)
	}
}

func TestR39_APartnerWhoseLastPersonLeavesIsKeptEmpty(t *testing.T) {
	t.Parallel()
	w := setup(t)
	acme := w.corp(t, "Acme", claims(7))
	w.join(t, claims(7), w.token, under(acme)).want(t, 201, "")
	path := "/v1/chains/" + chainID + "/membership"
	w.as(t, claims(7), "DELETE", path, "").want(t, 204, "")
	p, err := w.Partner(t.Context(), chainID, network.CorpPartnerID(chainID, acme.ID))
	if err != nil || p.State != network.PartnerEmpty || p.Joined != 0 {
		t.Errorf("got %+v (%v), want it empty", p, err)
	}
	w.as(t, claims(7), "DELETE", path, "").want(t, 404, "not_found") // there is no membership any more
}

func TestLeavingIsForWhoHasAMembership(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := "/v1/chains/" + chainID + "/membership"
	w.as(t, web.Claims{}, "DELETE", path, "").want(t, 401, "unauthenticated")
	w.as(t, w.boss, "DELETE", path, "").want(t, 404, "not_found")
	w.as(t, claims(7), "DELETE", path, "").want(t, 400, "corp_required")
	w.corp(t, "Acme", claims(7))
	w.as(t, claims(7), "DELETE", path, "").want(t, 404, "not_found") // R37: a foreign chain
	w.as(t, claims(7), "DELETE", path, "", "Tributary-Corp", w.owner.ID).want(t, 403, "not_a_member")
	for _, odd := range []string{"x", chainID + "0", network.NewChainID(), strings.Repeat("c", 3000)} {
		w.as(t, w.boss, "DELETE", "/v1/chains/"+odd+"/membership", "").want(t, 404, "not_found")
	}
}

// 200 people press Join at once on a link for 20.
func TestR15_ALinkForTwentyAdmitsTwenty(t *testing.T) {
	t.Parallel()
	w := setup(t)
	token := w.link(t, network.Invite{MaxUses: 20})
	const crowd = 200
	got := make([]answer, crowd)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			<-start
			got[i] = w.join(t, claims(1000+i), token, anew(fmt.Sprint("Corp ", i)))
		})
	}
	close(start)
	wg.Wait()
	said := map[string]int{}
	for _, a := range got {
		said[fmt.Sprint(a.Code, " ", a.code())]++
	}
	if want := map[string]int{"201 ": 20, "410 invite_exhausted": 180}; !reflect.DeepEqual(said, want) {
		t.Errorf("got %v, want %v", said, want)
	}
	if n, err := w.JoinedPartners(t.Context(), chainID); n != 20 || err != nil {
		t.Errorf("got %d partners (%v), want 20", n, err)
	}
}

func TestR15_OnePersonThirtyTimesAtOnceIsOneMembership(t *testing.T) {
	t.Parallel()
	w := setup(t)
	token := w.link(t, network.Invite{MaxUses: 30})
	got := make([]answer, 30)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			<-start
			got[i] = w.join(t, claims(7), token, anew("Acme"))
		})
	}
	close(start)
	wg.Wait()
	said, memberships := map[string]int{}, map[string]bool{}
	for _, a := range got {
		said[fmt.Sprint(a.Code, " ", a.code())]++
		memberships[a.Body.String()] = true
	}
	if want := map[string]int{"201 ": 1, "200 ": 29}; !reflect.DeepEqual(said, want) || len(memberships) != 1 {
		t.Errorf("got %v and %d memberships, want %v and one", said, len(memberships), want)
	}
	ticket, _ := keys.Verify(network.Token(token))
	if i, err := w.Invite(t.Context(), chainID, ticket.Invite); i.Uses != 1 || err != nil {
		t.Errorf("got %d uses (%v), want 1", i.Uses, err)
	}
}

// Each request of a join in turn is lost on its way, or its answer is; the
// person presses the button again.
func TestAJoinWhoseConnectionBreaksEndsAsOneThatDidnt(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"link", "notice"} {
		scene := func(t *testing.T) (*world, string) {
			w := setup(t)
			token := w.link(t, network.Invite{ID: "in00000000000000aa", MaxUses: 3})
			if kind == "notice" {
				token = w.roster(t, row("Acme", 7))[0]
			}
			w.tb.Reset()
			return w, token
		}
		w, token := scene(t)
		w.join(t, claims(7), token, anew("Acme")).want(t, 201, "")
		calls := w.tb.Meter().ByOp
		clean := cleaned(w.tb.Items(t))
		for op, n := range calls {
			for nth := 1; nth <= n; nth++ {
				for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.After} {
					t.Run(fmt.Sprintf("%s/%s %d/%d", kind, op, nth, fault), func(t *testing.T) {
						t.Parallel()
						w, token := scene(t)
						w.tb.Break = func(o string, i int) dynamotest.Fault {
							if o == op && i == nth {
								return fault
							}
							return dynamotest.None
						}
						broken := w.join(t, claims(7), token, anew("Acme")).want(t, 500, "internal")
						if strings.Contains(broken.Body.String(), "dynamotest") {
							t.Errorf("our own words got out: %s", broken.Body)
						}
						again := w.join(t, claims(7), token, anew("Acme"))
						if took := op == "TransactWriteItems" && fault == dynamotest.After; took && again.Code != 200 || !took && again.Code != 201 {
							t.Errorf("again: got %d %s", again.Code, again.Body)
						}
						if got := cleaned(w.tb.Items(t)); !reflect.DeepEqual(got, clean) {
							t.Errorf("got %s,\nwant %s", show(got), show(clean))
						}
					})
				}
			}
		}
	}
}

// cleaned is what is in a table but for what chance decides: the ids of the
// owner and of imports, and which gate has counted whom.
func cleaned(items map[string]map[string]any) map[string]any {
	out := map[string]any{}
	joined := 0.0
	for key, item := range items {
		switch {
		case strings.HasSuffix(key, "|GATE"):
			joined += item["Joined"].(float64)
			continue
		case strings.Contains(key, "IMPORTS") || strings.Contains(key, "ROWS") || strings.Contains(key, "#PLAN#") || strings.Contains(key, "PROGRESS"), strings.Contains(key, id(claims(1))), strings.Contains(key, "|CORP") && item["Name"] == "Owner Ltd",
			strings.HasSuffix(key, "|CHAIN") && strings.HasPrefix(key, "CHAIN#"):
			continue
		}
		delete(item, "Gate")
		delete(item, "Import")
		delete(item, "Who") // whose import, and which: their ids are by chance
		delete(item, "Target")
		delete(item, "MakerCorp")
		if s, ok := item["Outbox"].(string); ok {
			e, err := network.DecodeEvent(s)
			if err != nil {
				panic(err)
			}
			e.Import = ""
			item["Outbox"] = e.Encode()
		}
		out[key] = item
	}
	out["joined"] = joined
	return out
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestNoLogHoldsATokenAPhoneOrAName(t *testing.T) {
	w := setup(t) // not parallel: the logger is everybody's
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(was)
	w.join(t, claims(7), w.token, anew("Acme")).want(t, 201, "")
	w.join(t, claims(8), w.token, `{"new_corp":{"name":"Acme<"},"name":"李娜"}`).want(t, 400, "invalid")
	w.join(t, claims(8), w.token[1:], anew("Acme")).want(t, 404, "not_found")
	w.now = noon.Add(8 * 24 * time.Hour)
	w.look(t, w.token).want(t, 410, "invite_expired")
	w.join(t, claims(8), w.token, anew("Acme")).want(t, 410, "invite_expired")
	w.now = noon
	w.tb.Break = func(string, int) dynamotest.Fault { return dynamotest.Before }
	w.look(t, w.token).want(t, 500, "internal")
	w.join(t, claims(8), w.token, anew("Acme")).want(t, 500, "internal")
	if !strings.Contains(log.String(), "invite_expired") || !strings.Contains(log.String(), "/v1/join/{token}") {
		t.Fatalf("nothing was logged: %s", log.String())
	}
	for _, secret := range []string{w.token, w.token[1:], phone(7), phone(8), "Acme", "李娜", "Person 7"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q: %s", secret, log.String())
		}
	}
}

// Every file in events/joins, in the order of its name, is what API Gateway
// sends; what it is for is answered.
func TestTheSampleEventsWork(t *testing.T) {
	t.Parallel()
	want := map[string]int{"1-look.json": 200, "2-join.json": 201, "3-join-again.json": 200, "4-leave.json": 204, "5-garbled.json": 404,
		"6-opened.json": 204, "7-decline.json": 204, "8-block.json": 204, "9-application.json": 404}
	files, err := filepath.Glob("../../events/joins/*.json")
	if err != nil || len(files) != len(want) {
		t.Fatalf("got %v (%v), want %d files", files, err, len(want))
	}
	w := setup(t)
	h := web.Lambda(w.h)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		got, err := h(t.Context(), e)
		if err != nil || got.StatusCode != want[filepath.Base(f)] {
			t.Errorf("%s: got %d %s (%v), want %d", f, got.StatusCode, got.Body, err, want[filepath.Base(f)])
		}
	}
}

func TestTheDoorRefusesToStartWithoutItsEnvironment(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), "TABLE_NAME") || !strings.Contains(err.Error(), "TOKEN_KEYS") {
		t.Errorf("got %v, want it to name what is missing", err)
	}
}

func TestR47_AFullChainTakesNobodyButColleagues(t *testing.T) {
	t.Parallel()
	w := setup(t)
	owner, err := w.Corp(t.Context(), w.owner.ID)
	if err != nil {
		t.Fatal(err)
	}
	c, err := network.NewChain(network.NewChainID(), "Small", owner, noon)
	if err != nil {
		t.Fatal(err)
	}
	c.PartnerLimit = 1
	if c, err = w.CreateChain(t.Context(), c, owner, store.Once{}); err != nil {
		t.Fatal(err)
	}
	link := network.Invite{ID: network.NewInviteID(noon), Chain: c.ID, Kind: "link", Group: 1, MaxUses: 9, Maker: id(w.boss), MakerCorp: owner.ID, CreatedAt: noon, Version: 1}
	if _, err := w.CreateInvite(t.Context(), c, link, store.Once{}); err != nil {
		t.Fatal(err)
	}
	token := sign(t, network.Ticket{Chain: c.ID, Invite: link.ID, Version: 1})
	acme := w.corp(t, "Acme", claims(7))
	w.join(t, claims(7), token, under(acme)).want(t, 201, "")
	w.join(t, claims(8), token, anew("Beta")).want(t, 409, "quota_exceeded")
	if i, err := w.Invite(t.Context(), c.ID, link.ID); i.Uses != 1 || err != nil {
		t.Errorf("got %d uses (%v), want 1: nothing is spent on who is turned away", i.Uses, err)
	}
	if err := w.AddMember(t.Context(), network.Member{Person: id(claims(9)), Corp: acme.ID, Name: "Nine", Phone: phone(9), Role: network.Staff}, store.Once{}); err != nil {
		t.Fatal(err)
	}
	w.join(t, claims(9), token, under(acme)).want(t, 201, "")
}

func TestAJoinThatMeetsOthersTriesAgainAndIsBusyInTheEnd(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.tb.Reset()
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n <= 3 {
			return dynamotest.Conflict
		}
		return dynamotest.None
	}
	w.join(t, claims(7), w.token, anew("Acme")).want(t, 201, "")
	w.tb.Break = func(op string, _ int) dynamotest.Fault {
		if op == "TransactWriteItems" {
			return dynamotest.Conflict
		}
		return dynamotest.None
	}
	if got := w.join(t, claims(8), w.token, anew("Beta")).want(t, 503, "busy"); got.Header().Get("Retry-After") == "" {
		t.Error("busy without Retry-After")
	}
}

// R09: a link doesn't outlive its maker's place in the chain; others', and the
// same person's under another corp, stay (R01).
func TestR09_WhoLeavesAChainTakesTheirLinksAlong(t *testing.T) {
	t.Parallel()
	w := setup(t)
	acme, beta := w.corp(t, "Acme", claims(7)), w.corp(t, "Beta", claims(7))
	w.join(t, claims(7), w.token, under(acme)).want(t, 201, "")
	past := store.New(dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT")), w.tb.Name) // past Break
	theirs := func(corp network.Corp) string {
		i := network.Invite{ID: network.NewInviteID(w.now), Chain: chainID, Kind: "link", Group: 1, Maker: id(claims(7)), MakerCorp: corp.ID, CreatedAt: w.now, Version: 1}
		if _, err := past.CreateInvite(t.Context(), w.chain, i, store.Once{}); err != nil {
			t.Error(err)
		}
		return sign(t, network.Ticket{Chain: chainID, Invite: i.ID, Version: 1})
	}
	early, other, late := theirs(acme), theirs(beta), ""
	w.tb.Reset()
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n == 2 { // the first revokes, this one leaves
			late = theirs(acme)
		}
		return dynamotest.None
	}
	w.as(t, claims(7), "DELETE", "/v1/chains/"+chainID+"/membership", "", "Tributary-Corp", acme.ID).want(t, 204, "")
	for what, link := range map[string]string{"made before": early, "made as they went": late} {
		if got := w.look(t, link); got.code() != "invite_revoked" {
			t.Errorf("%s: got %s, want invite_revoked", what, got.Body)
		}
	}
	for what, link := range map[string]string{"another corp's": other, "the boss's": w.token} {
		if got := w.look(t, link); got.Code != 200 {
			t.Errorf("%s: got %s, want it live", what, got.Body)
		}
	}
}
