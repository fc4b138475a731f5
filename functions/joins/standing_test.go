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
