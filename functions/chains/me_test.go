package main

import (
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

// R06 on its fourth way.
func TestR06_TheLastSuperAdminIsNotErased(t *testing.T) {
	t.Parallel()
	w := setup(t)
	link := w.invite(w.boss, 1)
	said := map[string]string{"zh-CN": "最后一位超级管理员", "en": secret + "科技 would have no super-admin"}
	w.unchanged(func() {
		for lang, text := range said {
			a := w.ask(w.boss, "DELETE", "/v1/me", "", "Accept-Language", lang).want(409, "last_admin")
			if !strings.Contains(string(a.body), `"field":"corps.`+w.owner+`"`) || !strings.Contains(string(a.body), text) {
				t.Errorf("got %s, want the corp and %q", a.body, text)
			}
		}
	})
	heir := person(2)
	w.addMember(w.owner, heir, "super_admin")
	w.ask(w.boss, "DELETE", "/v1/me", "").want(204, "")
	if got := w.inviteState(link); got != network.InviteRevoked {
		t.Errorf("got an invite that is %s, want it revoked (R09)", got)
	}
	w.ask(w.boss, "GET", w.in(""), "").want(403, "not_a_member")
	w.ask(heir, "DELETE", "/v1/me", "").want(409, "last_admin")
}

func TestWhoIsErasedIsInNothingAndMayAskAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	li, partner := w.join(person(2), secret+"商贸", 1)
	w.ask(li, "POST", "/v1/corps/"+li.corp+"/members", `{"name":"继任","phone":"`+person(3).phone+`","role":"super_admin"}`).want(201, "")
	for range 2 {
		w.ask(li.as(""), "DELETE", "/v1/me", "").want(204, "")
	}
	var me meJSON
	w.ask(li.as(""), "GET", "/v1/me", "").want(200, "").into(&me)
	if len(me.Corps)+len(me.Chains) != 0 {
		t.Errorf("got %+v, want nothing", me)
	}
	for k, it := range w.tb.Items(t) {
		for _, v := range it {
			if v == li.phone {
				t.Errorf("got their phone in %s", k)
			}
		}
	}
	var p partnerJSON
	w.ask(w.boss, "GET", w.in("/partners/"+partner.ID), "").want(200, "").into(&p)
	if p.State != network.PartnerEmpty {
		t.Errorf("got a partner that is %s, want it empty (R39)", p.State)
	}
	w.ask(someone{}, "DELETE", "/v1/me", "").want(401, "unauthenticated")
}

// A call that breaks off anywhere is finished by making it again.
func TestAnErasureThatBreaksOffIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	for broken := 1; ; broken++ {
		w := setup(t)
		li, _ := w.join(person(2), secret+"商贸", 1)
		w.ask(li, "POST", "/v1/corps/"+li.corp+"/members", `{"name":"继任","phone":"`+person(3).phone+`","role":"super_admin"}`).want(201, "")
		link := w.invite(li, 1)
		w.tb.Reset()
		met := false
		writes := 0
		w.tb.Break = func(op string, _ int) dynamotest.Fault {
			if op != "TransactWriteItems" && op != "UpdateItem" {
				return dynamotest.None
			}
			if writes++; writes >= broken && writes < broken+3 { // the SDK tries three times
				met = true
				return dynamotest.Before
			}
			return dynamotest.None
		}
		first := w.ask(li.as(""), "DELETE", "/v1/me", "")
		w.tb.Break = nil
		if !met {
			first.want(204, "")
			if broken < 4 {
				t.Errorf("got %d writes, want more", broken-1)
			}
			return
		}
		if first.code < 500 {
			t.Errorf("write %d lost: got %d, want it to break off", broken, first.code)
		}
		w.ask(li.as(""), "DELETE", "/v1/me", "").want(204, "")
		if got := w.inviteState(link); got != network.InviteRevoked {
			t.Errorf("write %d lost: got an invite that is %s, want it revoked", broken, got)
		}
	}
}
