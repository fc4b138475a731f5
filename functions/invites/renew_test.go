package main

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// look is what a token's page would say.
func (w *world) look(t *testing.T, token string) error {
	t.Helper()
	ticket, err := keys.Verify(network.Token(token))
	if err != nil {
		t.Fatal(err)
	}
	l, err := w.Look(t.Context(), ticket, w.now)
	if err != nil {
		t.Fatal(err)
	}
	return l.Err
}

// join lets the n-th person in with a corp of their own.
func (w *world) join(t *testing.T, token string, n int) (network.Admission, error) {
	t.Helper()
	ticket, err := keys.Verify(network.Token(token))
	if err != nil {
		t.Fatal(err)
	}
	who := network.Person{ID: id(claims(n)), Name: claims(n).Name, Phone: claims(n).Phone}
	return w.Join(t.Context(), ticket, who, store.Choice{New: &network.Corp{Name: fmt.Sprint("Corp ", n), Type: network.Company, Admins: 1}}, w.now)
}

func (w *world) do(t *testing.T, who web.Claims, invite, what string) answer {
	t.Helper()
	return w.as(t, who, "POST", path+"/"+invite+"/"+what, "")
}

func TestR17_AResendHasAnotherTokenAndTheFullLifeAnew(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.create(t, w.boss, `{"max_uses":3}`).want(t, 201, "")
	made := first.text("invite_id")
	w.now = noon.Add(8 * 24 * time.Hour) // it has expired meanwhile
	if got := w.as(t, w.boss, "GET", path+"/"+made, ""); got.text("state") != "expired" {
		t.Fatalf("got %s", got.Body)
	}
	got := w.do(t, w.boss, made, "resend").want(t, 200, "")
	if got.text("state") != "live" || got.text("expires_at") != "2026-12-07T12:00:00.123Z" || got.text("resent_at") != "2026-11-30T12:00:00.123Z" || got.text("created_at") != first.text("created_at") {
		t.Errorf("got %s, want it to live seven days from now", got.Body)
	}
	if got.text("token") == first.text("token") || !strings.HasSuffix(got.text("url"), got.text("token")) {
		t.Errorf("got %s, want another token", got.Body)
	}
	if again := w.as(t, w.boss, "GET", path+"/"+made, ""); again.Body.String() != got.Body.String() {
		t.Errorf("read again: got %s, want %s", again.Body, got.Body)
	}
	if err := w.look(t, first.text("token")); err != network.ErrInviteRevoked {
		t.Errorf("the old token's page: got %v, want invite_revoked", err)
	}
	if _, err := w.join(t, first.text("token"), 9); network.CodeOf(err) != "invite_revoked" {
		t.Errorf("a join by the old token: got %v, want invite_revoked", err)
	}
	if _, err := w.join(t, got.text("token"), 9); err != nil {
		t.Errorf("a join by the new one: %v", err)
	}
}

func TestR17_WhoseJoinBeganBeforeAResendIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"max_uses":5}`} {
		w := setup(t)
		first := w.create(t, w.boss, body).want(t, 201, "")
		ticket, _ := keys.Verify(network.Token(first.text("token")))
		// The page was opened, and what the join reads is read: the resend comes between.
		if err := w.look(t, first.text("token")); err != nil {
			t.Fatal(err)
		}
		w.do(t, w.boss, ticket.Invite, "resend").want(t, 200, "")
		if _, err := w.join(t, first.text("token"), 9); network.CodeOf(err) != "invite_revoked" {
			t.Errorf("%s: got %v, want invite_revoked", body, err)
		}
	}
}

func TestR17_WhatHasEndedIsNotResent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	revoked := w.create(t, w.boss, `{}`).want(t, 201, "").text("invite_id")
	w.do(t, w.boss, revoked, "revoke").want(t, 200, "")
	used := w.create(t, w.boss, `{"max_uses":1}`).want(t, 201, "")
	bound := w.create(t, w.boss, `{"phone":"`+claims(8).Phone+`"}`).want(t, 201, "")
	for n, token := range map[int]string{7: used.text("token"), 8: bound.text("token")} {
		if _, err := w.join(t, token, n); err != nil {
			t.Fatal(err)
		}
	}
	before := w.tb.Items(t)
	for _, ended := range []string{revoked, used.text("invite_id"), bound.text("invite_id")} {
		got := w.do(t, w.boss, ended, "resend").want(t, 409, "invite_ended")
		if !strings.Contains(got.text("detail"), "新的邀请") {
			t.Errorf("got %s, want what to do", got.Body)
		}
	}
	if !reflect.DeepEqual(before, w.tb.Items(t)) {
		t.Error("a refusal changed the table")
	}
}

func TestR07_WhoMayInviteNoMoreResendsNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	off := false
	made := w.create(t, w.staff, `{}`).want(t, 201, "").text("invite_id")
	w.do(t, w.guest, made, "resend").want(t, 404, "not_found")
	w.edit(t, network.ChainEdit{MembersMayInvite: &off})
	w.do(t, w.staff, made, "resend").want(t, 403, "denied")
	w.do(t, w.boss, made, "resend").want(t, 200, "")
}

// departed has the staff's invites revoked as their removal does.
func (w *world) departed(t *testing.T) {
	t.Helper()
	if err := w.RevokeInvites(t.Context(), chainID, func(i network.Invite) bool { return i.Maker == id(w.staff) }, w.now); err != nil {
		t.Fatal(err)
	}
}

func TestR09_AnAdminAdoptsWhatEndedWithItsMaker(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.create(t, w.staff, fmt.Sprintf(`{"group_id":%d,"max_uses":2}`, w.north.ID)).want(t, 201, "")
	made := first.text("invite_id")
	if _, err := w.join(t, first.text("token"), 9); err != nil {
		t.Fatal(err)
	}
	w.departed(t)
	if err := w.look(t, first.text("token")); err != network.ErrInviteRevoked {
		t.Fatalf("got %v, want invite_revoked", err)
	}
	if got := w.as(t, w.boss, "GET", path+"/"+made, ""); got.body["adoptable"] != true || got.text("state") != "revoked" {
		t.Errorf("got %s, want it adoptable", got.Body)
	}
	w.do(t, w.boss, made, "resend").want(t, 409, "invite_ended")
	w.do(t, w.staff, made, "adopt").want(t, 403, "denied")
	w.do(t, w.guest, made, "adopt").want(t, 404, "not_found")
	got := w.do(t, w.boss, made, "adopt").want(t, 200, "")
	want := map[string]any{"person_id": id(w.boss), "name": "Person 1"}
	if !reflect.DeepEqual(got.body["inviter"], want) || got.text("state") != "live" || got.text("token") != first.text("token") ||
		got.text("expires_at") != first.text("expires_at") || got.body["uses"] != 1.0 || got.body["adoptable"] != nil {
		t.Errorf("got %s, want it as it was, and the boss's", got.Body)
	}
	if again := w.do(t, w.boss, made, "adopt").want(t, 200, ""); again.Body.String() != got.Body.String() {
		t.Errorf("again: got %s, want %s", again.Body, got.Body)
	}
	if _, err := w.join(t, first.text("token"), 10); err != nil {
		t.Errorf("a join by what is printed already: %v", err)
	}
	w.departed(t) // once more, as a removal does after it is done
	if got := w.as(t, w.boss, "GET", path+"/"+made, ""); got.text("state") != "exhausted" {
		t.Errorf("got %s: it is the maker's no more", got.Body)
	}
}

func TestR09_OnlyWhatStillLivesIsAdopted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := func(body string) string { return w.create(t, w.staff, body).want(t, 201, "").text("invite_id") }
	live, revoked, unwanted, short := made(`{}`), made(`{}`), made(`{}`), made(`{"expires_in":60}`)
	w.do(t, w.staff, revoked, "revoke").want(t, 200, "")
	w.do(t, w.boss, live, "adopt").want(t, 200, "") // before its maker goes
	w.departed(t)
	w.do(t, w.boss, unwanted, "revoke").want(t, 200, "") // an admin wants it to stay dead
	w.now = noon.Add(time.Hour)
	for _, dead := range []string{revoked, unwanted, short} {
		w.do(t, w.boss, dead, "adopt").want(t, 409, "invite_ended")
		if got := w.as(t, w.boss, "GET", path+"/"+dead, ""); got.body["adoptable"] != nil {
			t.Errorf("got %s, want it not adoptable", got.Body)
		}
	}
	if got := w.list(t, w.boss, "state=live"); !reflect.DeepEqual(got, []string{live, inviteID}) {
		t.Errorf("got %v alive, want %v", got, []string{live, inviteID})
	}
}

// The maker's removal and an adoption meet: whoever is first, the invite is
// either the admin's or revoked, and never both or its maker's.
func TestR09_AnAdoptionAndADepartureAtTheSameMoment(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 5 {
		made := w.create(t, w.staff, `{}`).want(t, 201, "").text("invite_id")
		done := make(chan int)
		go func() { done <- w.do(t, w.boss, made, "adopt").Code }()
		w.departed(t)
		if code := <-done; code != 200 {
			t.Errorf("got %d, want it adopted", code)
		}
		got := w.as(t, w.boss, "GET", path+"/"+made, "").want(t, 200, "")
		if got.text("state") != "live" || got.body["inviter"].(map[string]any)["person_id"] != id(w.boss) {
			t.Errorf("got %s, want it to live on as the boss's", got.Body)
		}
	}
}

func TestR19_ManyAreRevokedByMakerGroupOrMoment(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := func(after time.Duration, who web.Claims, body string) string {
		w.now = noon.Add(after)
		return w.create(t, who, body).want(t, 201, "").text("invite_id")
	}
	inNorth := fmt.Sprintf(`{"group_id":%d}`, w.north.ID)
	a := at(time.Second, w.staff, `{}`)
	b := at(2*time.Second, w.boss, `{}`)
	c := at(3*time.Second, w.staff, inNorth)
	at(4*time.Second, w.boss, `{"expires_in":1}`)
	d := at(5*time.Second, w.guest, `{"corp_id":"`+w.dealer.ID+`"}`)
	w.now = noon.Add(time.Minute)
	many := func(who web.Claims, body string, want int) {
		t.Helper()
		got := w.as(t, who, "POST", path+"/revoke", body).want(t, 200, "")
		if got.body["revoked"] != float64(want) || got.body["more"] != false {
			t.Errorf("%s: got %s, want %d", body, got.Body, want)
		}
	}
	live := func(want ...string) {
		t.Helper()
		if got := w.list(t, w.boss, "state=live"); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v alive, want %v", got, want)
		}
	}
	live(d, c, b, a, inviteID)
	many(w.guest, `{"before":"2030-01-01T00:00:00Z","maker":"`+id(w.boss)+`"}`, 0) // others' aren't theirs
	many(w.staff, `{"group_id":1}`, 1)                                             // their own alone
	live(d, c, b, inviteID)
	many(w.boss, `{"maker":"`+id(w.staff)+`"}`, 1)
	live(d, b, inviteID)
	many(w.boss, `{"before":"2026-11-22T12:00:02.123Z"}`, 1) // and not what is of that very moment
	live(d, b)
	many(w.boss, inNorth, 1)
	live(b)
	many(w.boss, inNorth, 0)
	w.do(t, w.boss, a, "adopt").want(t, 409, "invite_ended") // somebody's wish isn't undone
}

func TestR19_AResentInviteIsAsOldAsItsToken(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.now = noon.Add(time.Hour)
	w.do(t, w.boss, inviteID, "resend").want(t, 200, "")
	got := w.as(t, w.boss, "POST", path+"/revoke", `{"before":"2026-11-22T12:30:00Z"}`).want(t, 200, "")
	if got.body["revoked"] != 0.0 {
		t.Errorf("got %s, want what leaked before to be dead already", got.Body)
	}
}

func TestBadInputOfMany(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for body, field := range map[string]string{
		`{}`: "maker", `{"maker":""}`: "maker", `{"maker":"x"}`: "maker", `{"group_id":0}`: "group_id", `{"group_id":"1"}`: "group_id",
		`{"before":"yesterday"}`: "", `{"before":5}`: "", `{"before":null}`: "",
	} {
		if got := w.as(t, w.boss, "POST", path+"/revoke", body).want(t, 400, "invalid"); field != "" && got.field() != field {
			t.Errorf("%s: got field %q, want %q", body, got.field(), field)
		}
	}
	w.as(t, w.boss, "POST", path+"/revoke", `{"all":true}`).want(t, 400, "unknown_field")
	for _, other := range []string{"x", network.NewInviteID(noon)} {
		for _, what := range []string{"resend", "adopt"} {
			w.do(t, w.boss, other, what).want(t, 404, "not_found")
		}
	}
	if got := w.as(t, w.boss, http.MethodGet, path+"/revoke", ""); got.Code != 404 && got.Code != 405 {
		t.Errorf("got %d", got.Code)
	}
}

// Who may invite whom, on either side of both switches (R07).
func TestR07_TheMatrix(t *testing.T) {
	t.Parallel()
	w := setup(t)
	admin := claims(4)
	if err := w.AddMember(t.Context(), network.Member{Person: id(admin), Corp: w.owner.ID, Name: "Admin", Phone: admin.Phone, Role: network.Staff}, store.Once{}); err != nil {
		t.Fatal(err)
	}
	if err := w.AddAdmin(t.Context(), w.chain, id(admin), noon, store.Once{}); err != nil {
		t.Fatal(err)
	}
	colleague, third := `{"corp_id":"`+w.dealer.ID+`"}`, `{"corp_id":"`+network.NewCorpID()+`"}`
	for _, members := range []bool{true, false} {
		for _, partners := range []bool{true, false} {
			w.edit(t, network.ChainEdit{MembersMayInvite: &members, PartnersMayInvite: &partners})
			for _, c := range []struct {
				name, body string
				who        web.Claims
				may        bool
			}{
				{"a super-admin", third, w.boss, true},
				{"a chain admin", third, admin, true},
				{"an owner's member", third, w.staff, members},
				{"a partner's member, a colleague", colleague, w.guest, true},
				{"a partner's member, a third corp", third, w.guest, partners},
			} {
				want, code := 201, ""
				if !c.may {
					want, code = 403, "denied"
				}
				if got := w.create(t, c.who, c.body); got.Code != want || got.text("code") != code {
					t.Errorf("%s, members %v, partners %v: got %d %s, want %d", c.name, members, partners, got.Code, got.text("code"), want)
				}
			}
			// Whom a partner's link is for that names nobody.
			got := w.create(t, w.guest, `{}`).want(t, 201, "")
			if only := got.text("corp_id") == w.dealer.ID; only == partners {
				t.Errorf("partners %v: got %s", partners, got.Body)
			}
		}
	}
}

// R08: where its maker stands is read with what is read anyhow. The token names it;
// once the link is somebody else's, that of before is as good as the new one.
func TestR08_AJoinByAPartnersLinkAsksThreeTimes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	on := true
	w.edit(t, network.ChainEdit{PartnersMayInvite: &on})
	made := w.create(t, w.guest, `{}`).want(t, 201, "")
	join := func(token string, n int) {
		t.Helper()
		w.tb.Reset()
		got, err := w.join(t, token, n)
		if err != nil || got.Partner.Group != w.north.ID {
			t.Errorf("got group %d, %v, want the group of its maker", got.Partner.Group, err)
		}
		if m := w.tb.Meter(); m.Requests > 3 {
			t.Errorf("got %+v, want at most three requests", m)
		}
	}
	join(made.text("token"), 8)
	adopted := w.do(t, w.boss, made.text("invite_id"), "adopt").want(t, 200, "")
	join(made.text("token"), 9)
	join(adopted.text("token"), 10)
	if adopted.text("token") == made.text("token") {
		t.Error("the token names a partner that the link has no more")
	}
	w.do(t, w.boss, made.text("invite_id"), "resend").want(t, 200, "")
	for _, old := range []string{made.text("token"), adopted.text("token")} {
		if _, err := w.join(t, old, 11); network.CodeOf(err) != "invite_revoked" {
			t.Errorf("got %v, want both to end with a resend", err)
		}
	}
}

// What an admin revokes many at a time stands in the audit list; what a member
// does with their own is no admin's doing.
func TestInvitesRevokedManyAtATimeAreInTheAuditListAsTheAdmins(t *testing.T) {
	t.Parallel()
	w := setup(t)
	own := w.create(t, w.staff, `{}`).want(t, 201, "").text("invite_id")
	w.as(t, w.staff, "POST", path+"/revoke", fmt.Sprintf(`{"maker":%q}`, id(w.staff))).want(t, 200, "")
	other := w.create(t, w.staff, `{}`).want(t, 201, "").text("invite_id")
	w.as(t, w.boss, "POST", path+"/revoke", fmt.Sprintf(`{"maker":%q}`, id(w.staff))).want(t, 200, "")
	list, _, err := w.Audit(t.Context(), chainID, "", 50)
	if err != nil || len(list) != 1 {
		t.Fatalf("got %v (%v), want one change", list, err)
	}
	if c := list[0]; c.What != "invites_revoked" || c.Who.Person != id(w.boss) || fmt.Sprint(c.After["invite_ids"]) != "["+other+"]" {
		t.Errorf("got %+v, want %s by the boss, and not %s", c, other, own)
	}
}

func TestWhatAnAdminResendsOrAdoptsIsInTheAuditList(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.create(t, w.staff, `{}`).want(t, 201, "").text("invite_id")
	w.do(t, w.staff, made, "resend").want(t, 200, "") // their own
	w.do(t, w.boss, made, "resend").want(t, 200, "")
	w.do(t, w.boss, made, "adopt").want(t, 200, "")
	list, _, err := w.Audit(t.Context(), chainID, "", 50)
	if err != nil || len(list) != 2 {
		t.Fatalf("got %v (%v), want two changes", list, err)
	}
	if c := list[1]; c.What != "invite_resent" || c.Who.Person != id(w.boss) || c.Target.ID != made {
		t.Errorf("got %+v, want %s resent by the boss", c, made)
	}
	if c := list[0]; c.What != "invite_adopted" || c.Target.ID != made || fmt.Sprint(c.Before, c.After) != fmt.Sprintf("map[maker:%s] map[maker:%s]", id(w.staff), id(w.boss)) {
		t.Errorf("got %+v, want %s adopted by the boss", c, made)
	}
}
