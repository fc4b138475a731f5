package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

func TestAChainBeginsWithTheDefaults(t *testing.T) {
	t.Parallel()
	w := setup(t)
	got := w.ask(w.boss, "POST", "/v1/chains", `{"name":" 机密　ＡＢ "}`).want(201, "")
	var c chainJSON
	got.into(&c)
	if c.Name != "机密 AB" || c.OwnerCorpID != w.owner || c.Side != network.Owner || c.JoinPolicy != network.Open || !c.MembersMayInvite ||
		c.PartnersMayInvite || c.PartnersSeeEachOther || c.Counts == nil || c.Counts.JoinedPartners != 0 || got.head.Get("ETag") != `"1"` {
		t.Errorf("got %s", got.body)
	}
	groups := all[groupJSON](w, w.boss, "/v1/chains/"+c.ChainID+"/groups")
	if len(groups) != 1 || groups[0].GroupID != network.RootGroup {
		t.Errorf("got %+v, want the root (R34)", groups)
	}
	if got := w.ask(w.boss, "POST", "/v1/chains", `{"name":"机密二","preset":"imported_only"}`).want(201, "").str("join_policy"); got != "imported_only" {
		t.Errorf("got %s, want imported_only from the start", got)
	}
}

func TestWhoMayNotCreateAChainIsToldWhy(t *testing.T) {
	t.Parallel()
	w := setup(t)
	staff := person(2)
	w.addMember(w.owner, staff, "member")
	teacher := person(3)
	school := w.ask(teacher, "POST", "/v1/corps", `{"name":"机密小学","industry":"初中等教育"}`).want(201, "").str("corp_id")
	team := w.ask(teacher, "POST", "/v1/corps", `{"name":"机密小队","type":"team"}`).want(201, "").str("corp_id")
	w.unchanged(func() {
		w.ask(staff, "POST", "/v1/chains", `{"name":"机密二"}`).want(403, "denied")
		w.ask(teacher.as(school), "POST", "/v1/chains", `{"name":"机密二"}`).want(403, "corp_not_eligible") // R04
		w.ask(teacher.as(team), "POST", "/v1/chains", `{"name":"机密二"}`).want(403, "corp_not_eligible")
		w.ask(teacher, "POST", "/v1/chains", `{"name":"机密二"}`).want(400, "corp_required")
	})
}

func TestR41_AChainsNameIsTakenHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(w.boss, "POST", "/v1/chains", `{"name":"机密 Abc"}`).want(201, "")
	w.ask(w.boss, "POST", "/v1/chains", `{"name":"机密　aBC"}`).want(409, "name_taken")
	w.ask(w.boss, "PATCH", w.in(""), `{"name":"机密  ABC"}`).want(409, "name_taken")
	w.ask(w.boss, "DELETE", w.in(""), "").want(204, "")
	w.ask(w.boss, "POST", "/v1/chains", `{"name":"机密经销商"}`).want(409, "name_taken")
	for _, path := range []string{"", "/groups", "/partners", "/admins", "/imports"} {
		w.ask(w.boss, "GET", w.in(path), "").want(404, "not_found")
	}
}

func TestR46_ACorpOwnsTwentyChains(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for i := range network.MaxChains - 1 {
		w.newChain(w.boss, fmt.Sprintf("机密%d", i))
	}
	w.ask(w.boss, "POST", "/v1/chains", `{"name":"机密多"}`).want(409, "quota_exceeded")
	if got := all[chainJSON](w, w.boss, "/v1/chains?limit=7"); len(got) != network.MaxChains {
		t.Errorf("got %d chains, want %d", len(got), network.MaxChains)
	}
	w.ask(w.boss, "DELETE", w.in(""), "").want(204, "")
	w.ask(w.boss, "POST", "/v1/chains", `{"name":"机密多"}`).want(201, "")
}

// R36: how many partners there are is told to who sees them.
func TestAChainsCountIsForWhoSeesItsPartners(t *testing.T) {
	t.Parallel()
	w := setup(t)
	li, _ := w.join(person(2), secret+"甲", 1)
	w.join(person(3), secret+"乙", 1)
	count := func(who someone) int {
		var one chainJSON
		w.ask(who, "GET", w.in(""), "").want(200, "").into(&one)
		list := all[chainJSON](w, who, "/v1/chains")
		if len(list) != 1 || (list[0].Counts == nil) != (one.Counts == nil) {
			t.Errorf("got %+v in the list, want what it is alone", list)
		}
		if one.Counts == nil {
			return -1
		}
		return one.Counts.JoinedPartners
	}
	if got := count(w.boss); got != 2 {
		t.Errorf("got %d for the owner, want 2", got)
	}
	if got := count(li); got != -1 {
		t.Errorf("got %d for a partner, want nothing", got)
	}
	w.ask(w.boss, "PATCH", w.in(""), `{"partners_see_each_other":true}`).want(200, "")
	if got := count(li); got != 2 {
		t.Errorf("got %d for a partner that sees the others, want 2", got)
	}
}

func TestAChainIsEditedByItsAdminsAndByItsEdition(t *testing.T) {
	t.Parallel()
	w := setup(t)
	staff, admin := person(2), person(3)
	w.addMember(w.owner, staff, "member")
	w.addMember(w.owner, admin, "member")
	w.ask(w.boss, "POST", w.in("/admins"), `{"person_id":"`+admin.id()+`"}`).want(201, "")
	li, _ := w.join(person(4), secret+"甲", 1)
	etag := w.ask(admin, "GET", w.in(""), "").want(200, "").head.Get("ETag")
	w.unchanged(func() {
		w.ask(staff, "PATCH", w.in(""), `{"join_policy":"imported_only"}`).want(403, "denied")
		w.ask(li, "PATCH", w.in(""), `{"join_policy":"imported_only"}`).want(403, "denied")
		w.ask(admin, "DELETE", w.in(""), "").want(403, "denied")
		w.ask(w.boss, "DELETE", w.in(""), "", "If-Match", `"77"`).want(412, "precondition_failed")
		w.ask(admin, "PATCH", w.in(""), `{"join_policy":"imported_only"}`, "If-Match", `"77"`).want(412, "precondition_failed")
	})
	// What moves the chain's gate and no setting is nothing that an editor has missed.
	if _, err := w.store.RevokeInvite(t.Context(), w.chain, w.invite(w.boss, 1).Invite, noon); err != nil {
		t.Fatal(err)
	}
	got := w.ask(admin, "PATCH", w.in(""), `{"name":"机密新","join_policy":"imported_only","members_may_invite":false,"partners_may_invite":true,"partners_see_each_other":true}`,
		"If-Match", etag).want(200, "")
	var c chainJSON
	got.into(&c)
	if c.Name != "机密新" || c.JoinPolicy != network.ImportedOnly || c.MembersMayInvite || !c.PartnersMayInvite || !c.PartnersSeeEachOther || got.head.Get("ETag") == etag {
		t.Errorf("got %s", got.body)
	}
	w.ask(admin, "PATCH", w.in(""), `{"name":"机密三"}`, "If-Match", etag).want(412, "precondition_failed")
}

// An edit was made of the chain as it was before a revocation: it is still
// the same edition.
func TestARevocationInBetweenRefusesNoEdit(t *testing.T) {
	t.Parallel()
	w := setup(t)
	was, err := w.store.Chain(t.Context(), w.chain)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.RevokeInvite(t.Context(), w.chain, w.invite(w.boss, 1).Invite, noon); err != nil {
		t.Fatal(err)
	}
	name := "机密新"
	c, err := w.store.EditChain(t.Context(), was, network.ChainEdit{Name: &name}, noon)
	if err != nil || c.Name != name || c.Gate != was.Gate+2 {
		t.Errorf("got %+v, %v, want the edit behind the revocation", c, err)
	}
	if _, err := w.store.EditChain(t.Context(), was, network.ChainEdit{Name: &name}, noon); network.CodeOf(err) != "precondition_failed" {
		t.Errorf("got %v, want precondition_failed for another edit of the old edition", err)
	}
}

func TestAdminsAreMembersOfTheOwnerAppointedByItsSuperAdmins(t *testing.T) {
	t.Parallel()
	w := setup(t)
	staff, other := person(2), person(3)
	w.addMember(w.owner, staff, "member")
	w.addMember(w.owner, other, "member")
	li, _ := w.join(person(4), secret+"甲", 1)
	one := `{"person_id":"` + staff.id() + `"}`
	w.unchanged(func() {
		w.ask(staff, "POST", w.in("/admins"), one).want(403, "denied")
		w.ask(li, "POST", w.in("/admins"), one).want(403, "denied")
		w.ask(w.boss, "POST", w.in("/admins"), `{"person_id":"`+li.id()+`"}`).want(404, "not_found")
		w.ask(w.boss, "POST", w.in("/admins"), `{"person_id":"nonsense"}`).want(404, "not_found")
		w.ask(w.boss, "POST", w.in("/admins"), `{}`).want(400, "invalid")
		w.ask(w.boss, "DELETE", w.in("/admins/nonsense"), "").want(404, "not_found")
	})
	for range 2 { // once more is no change
		w.ask(w.boss, "POST", w.in("/admins"), one).want(201, "")
	}
	w.ask(staff, "POST", w.in("/groups"), `{"name":"华东"}`).want(201, "")
	w.ask(staff, "POST", w.in("/admins"), `{"person_id":"`+other.id()+`"}`).want(403, "denied") // an admin makes none
	w.ask(li, "GET", w.in("/admins"), "").want(403, "denied")                                   // partners see whom to ask in the directory
	for _, who := range []someone{w.boss, other} {
		if got := all[adminJSON](w, who, w.in("/admins")); len(got) != 1 || got[0] != (adminJSON{staff.id(), staff.name}) {
			t.Errorf("got %+v, want the one", got)
		}
	}
	w.ask(staff, "DELETE", w.in("/admins/"+staff.id()), "").want(403, "denied")
	w.ask(w.boss, "DELETE", w.in("/admins/"+staff.id()), "").want(204, "")
	w.ask(staff, "POST", w.in("/groups"), `{"name":"华南"}`).want(403, "denied")
}

func TestAChainIsDissolvedByItsEdition(t *testing.T) {
	t.Parallel()
	w := setup(t)
	etag := w.ask(w.boss, "GET", w.in(""), "").want(200, "").head.Get("ETag")
	w.between(func(w *world) {
		was, err := w.store.Chain(t.Context(), w.chain)
		if err != nil {
			t.Error(err)
		}
		name := secret + "新"
		if _, err := w.store.EditChain(t.Context(), was, network.ChainEdit{Name: &name}, noon); err != nil {
			t.Error(err)
		}
	})
	w.ask(w.boss, "DELETE", w.in(""), "", "If-Match", etag).want(412, "precondition_failed")
	w.tb.Break = nil
	w.ask(w.boss, "DELETE", w.in(""), "").want(204, "")
}

// R12: what the switch would end is told before, by an admin's asking, and nothing
// is done. What can't be set is refused as it would be.
func TestR12_APreviewTellsWhatTheSwitchEndsAndDoesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	staff := person(2)
	w.addMember(w.owner, staff, "member")
	w.ask(w.boss, "PATCH", w.in(""), `{"join_policy":"imported_only"}`).want(200, "")
	w.invite(w.boss, 1)
	w.invite(w.boss, 1)
	at := w.in("?preview=true")
	count := func(body string, want string) {
		t.Helper()
		got := w.ask(w.boss, "PATCH", at, body).want(200, "")
		if string(got.body) != want || got.head.Get("ETag") == "" {
			t.Errorf("%s: got %s, want %s", body, got.body, want)
		}
	}
	w.unchanged(func() {
		count(`{"join_policy":"open"}`, `{"would_expire":{"invites":0,"notices":0},"complete":true}`) // they are young
		w.chains.now = func() time.Time { return noon.Add(8 * 24 * time.Hour) }
		count(`{"join_policy":"open"}`, `{"would_expire":{"invites":2,"notices":0},"complete":true}`)
		count(`{"join_policy":"imported_only"}`, `{"would_expire":{"invites":0,"notices":0},"complete":true}`)
		count(`{"name":"机密新"}`, `{"would_expire":{"invites":0,"notices":0},"complete":true}`)
		w.ask(staff, "PATCH", at, `{"join_policy":"open"}`).want(403, "denied")
		w.ask(w.boss, "PATCH", at, `{"join_policy":"all"}`).want(400, "invalid")
		w.ask(w.boss, "PATCH", at, `{"join_policy":"open"}`, "If-Match", `"77"`).want(412, "precondition_failed")
		w.ask(w.boss, "PATCH", w.in("?preview=yes"), `{"join_policy":"open"}`).want(400, "invalid")
		w.ask(w.boss, "PATCH", w.in("?previw=true"), `{"join_policy":"open"}`).want(400, "invalid")
	})
	w.ask(w.boss, "PATCH", w.in("?preview=false"), `{"join_policy":"open"}`).want(200, "")
}

func TestR20_AChainBeginsWithAnyOfTheFourPolicies(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for i, p := range []network.JoinPolicy{network.Open, network.ImportedOnly, network.Approval, network.ImportedOrApproval} {
		id := w.ask(w.boss, "POST", "/v1/chains", fmt.Sprintf(`{"name":"%s四%d","preset":%q}`, secret, i, p)).want(201, "").str("chain_id")
		ch, err := w.store.Chain(t.Context(), id)
		if err != nil || ch.Policy() != p || len(ch.Policies) != 1 {
			t.Errorf("got %+v, %v, want %s from its first moment on", ch.Policies, err, p)
		}
	}
	w.ask(w.boss, "POST", "/v1/chains", `{"name":"`+secret+`五","preset":"anything"}`).want(400, "invalid")
}
