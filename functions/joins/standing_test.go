package main

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// standing asks how somebody stands to a token.
func (w *world) standing(t *testing.T, who web.Claims, token string) answer {
	t.Helper()
	return w.as(t, who, http.MethodGet, "/v1/join/"+token+"/me", "")
}

func TestAPersonReadsHowTheyStandToAnInviteAndNothingOfOthers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	li := claims(7)
	acme := w.corp(t, "Acme", li)
	school := w.corp(t, "Zeta School", li)
	if _, err := w.EditCorp(t.Context(), school, store.CorpEdit{Industry: ptr(network.Schooling)}); err != nil {
		t.Fatal(err)
	}
	notice := w.roster(t, row("Roster Ltd", 7))[0]
	corps := `"corps":[{"corp_id":"` + acme.ID + `","name":"Acme","eligible":true},{"corp_id":"` + school.ID + `","name":"Zeta School","eligible":false}]`
	for _, token := range []string{notice, w.token} {
		got := w.standing(t, li, token).want(t, 200, "")
		contact, _ := got.body["contact"].(map[string]any)
		if len(got.body["memberships"].([]any)) != 0 || !strings.Contains(got.Body.String(), corps) || contact["name"] != "联系人7" || !reflect.DeepEqual(contact["partner"], map[string]any{"name": "Roster Ltd"}) {
			t.Errorf("expected by the roster: got %s", got.Body)
		}
	}
	before := w.tb.Items(t)
	w.tb.Reset()
	if got := w.standing(t, claims(8), notice).want(t, 200, ""); got.Body.String() != `{"person":{"name":"Person 8","phone":"+86139******08"},"corps":[],"memberships":[],"blocked":false}` {
		t.Errorf("somebody else: got %s, want nothing of the contact", got.Body)
	}
	if m := w.tb.Meter(); m.WriteUnits != 0 || m.Requests > 3 || !reflect.DeepEqual(before, w.tb.Items(t)) {
		t.Errorf("cost %+v, want at most 3 reads", m)
	}
	joined := w.join(t, li, notice, under(acme)).want(t, 201, "")
	w.now = w.now.Add(400 * 24 * time.Hour) // dead by now
	got := w.standing(t, li, notice).want(t, 200, "")
	seats, _ := got.body["memberships"].([]any)
	if len(seats) != 1 || got.body["contact"] != nil || !reflect.DeepEqual(got.body["chain"], map[string]any{"name": "Dealers", "owner": "Owner Ltd"}) {
		t.Fatalf("joined: got %s", got.Body)
	}
	seat := seats[0].(map[string]any)
	if seat["corp_name"] != "Acme" || seat["name_mismatch"] != true {
		t.Errorf("joined: got %v", seat)
	}
	delete(seat, "corp_name")
	if !reflect.DeepEqual(seat, joined.body) {
		t.Errorf("got %v, want the membership as the join told it: %s", seat, joined.Body)
	}
	w.standing(t, web.Claims{}, notice).want(t, 401, "unauthenticated")
	unverified := li
	unverified.PhoneVerified = false
	w.standing(t, unverified, notice).want(t, 403, "phone_not_verified")
	w.standing(t, li, "nonsense").want(t, 404, "not_found")
}

func TestR23_AConflictIsToldUntilItIsSettled(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tokens := w.roster(t, row("Acme", 7), row("Acme", 8), row("Acme", 9))
	first := w.join(t, claims(8), tokens[1], anew("Acme")).want(t, 201, "")
	beta := w.corp(t, "Beta", claims(7))
	for what, c := range map[string]struct {
		n          int
		body, corp string
	}{"a corp of theirs": {7, under(beta), "Beta"}, "one that they make": {9, anew("Gamma"), "Gamma"}} {
		w.now = noon.Add(time.Hour) // no longer the moment in which it was made
		token := tokens[(c.n-7)%3]
		if got := w.standing(t, claims(c.n), token).want(t, 200, ""); got.body["conflict"] != nil {
			t.Errorf("%s, before: got %s", what, got.Body)
		}
		w.join(t, claims(c.n), token, c.body).want(t, 409, "partner_conflict")
		w.tb.Reset()
		got := w.standing(t, claims(c.n), token).want(t, 200, "")
		if !reflect.DeepEqual(got.body["conflict"], map[string]any{"corp_name": c.corp, "created_at": "2026-11-22T13:00:00Z"}) {
			t.Errorf("%s: got %s", what, got.Body)
		}
		if m := w.tb.Meter(); m.WriteUnits != 0 || m.Requests > 3 {
			t.Errorf("%s: cost %+v, want at most 3 reads", what, m)
		}
		page, _, err := w.Conflicts(t.Context(), chainID, network.DisputeOpen, "", 10)
		if err != nil || len(page) != 1 {
			t.Fatalf("%s: got %d conflicts, %v", what, len(page), err)
		}
		if _, _, err := w.ResolveConflict(t.Context(), chainID, page[0].ID, first.text("partner_id"), id(w.boss), w.now); err != nil {
			t.Fatal(err)
		}
		if got := w.standing(t, claims(c.n), token).want(t, 200, ""); got.body["conflict"] != nil {
			t.Errorf("%s, settled: got %s", what, got.Body)
		}
	}
}
