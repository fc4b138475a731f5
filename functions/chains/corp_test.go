package main

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

func TestMeIsCorpsAndChainsOfBothSides(t *testing.T) {
	t.Parallel()
	w := setup(t)
	li, _ := w.join(person(2), secret+"商贸", 1)
	w.newChain(li, secret+"自己的")
	var me meJSON
	w.ask(li, "GET", "/v1/me", "").want(200, "").into(&me)
	if me.PersonID == nil || *me.PersonID != li.id() || me.Phone != li.phone || me.Name != li.name {
		t.Errorf("got %+v, want %s", me, li.id())
	}
	if len(me.Corps) != 1 || me.Corps[0].Role != network.SuperAdmin || me.Corps[0].Verification != 1 {
		t.Errorf("got %+v, want one corp, unverified (R05)", me.Corps)
	}
	sides := map[network.Side]int{}
	for _, c := range me.Chains {
		sides[c.Side]++
	}
	if len(me.Chains) != 2 || sides[network.Owner] != 1 || sides[network.Guest] != 1 {
		t.Errorf("got %+v, want one of each side (R40)", me.Chains)
	}
}

func TestWhoHasNoVerifiedPhoneIsToldSoAndNothingElse(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ask := func(method, path string) answer {
		r := httptest.NewRequest(method, path, strings.NewReader(`{"name":"机密"}`))
		r.Header.Set("Content-Type", "application/json")
		r = r.WithContext(web.WithClaims(r.Context(), web.Claims{Subject: "s", Name: w.boss.name, Phone: w.boss.phone}))
		rec := httptest.NewRecorder()
		w.h.ServeHTTP(rec, r)
		return answer{t, rec.Code, rec.Header(), rec.Body.Bytes()}
	}
	var me meJSON
	ask("GET", "/v1/me").want(200, "").into(&me)
	if me.PersonID != nil || me.Phone != "" || len(me.Corps)+len(me.Chains) != 0 || me.Name != w.boss.name {
		t.Errorf("got %+v, want a name and no more", me)
	}
	ask("POST", "/v1/corps").want(403, "phone_not_verified")
	ask("GET", "/v1/chains").want(403, "phone_not_verified")
	ask("GET", w.in("/partners")).want(403, "phone_not_verified")
}

func TestR02_ACorpIsNormalisedAndItsMakerIsSuperAdmin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	who := person(2)
	got := w.ask(who, "POST", "/v1/corps", `{"name":" 机密（ＡＢＣ）　","industry":"批发和零售业"}`).want(201, "")
	var c corpJSON
	got.into(&c)
	if c.Name != "机密(ABC)" || c.Type != network.Company || c.Verification != 1 || got.head.Get("ETag") != `"1"` {
		t.Errorf("got %+v %s", c, got.head.Get("ETag"))
	}
	members := all[memberJSON](w, who, "/v1/corps/"+c.CorpID+"/members")
	if len(members) != 1 || members[0] != (memberJSON{who.id(), who.name, who.phone, network.SuperAdmin}) {
		t.Errorf("got %+v, want the maker", members)
	}
}

func TestSomebodyWithoutAUsableNameGoesByTheirMaskedPhone(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{" ｗang\u0000 ": "wang", "": "+86139******02", "\u0007": "+86139******02", strings.Repeat("x", 40): strings.Repeat("x", 32)} {
		if got := nameOf(network.Person{Name: in, Phone: "+8613900000002"}); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestACorpIsEditedByItsSuperAdminsAndByItsVersion(t *testing.T) {
	t.Parallel()
	w := setup(t)
	staff := person(2)
	w.addMember(w.owner, staff, "member")
	at := "/v1/corps/" + w.owner
	etag := w.ask(staff, "GET", at, "").want(200, "").head.Get("ETag")
	w.unchanged(func() {
		w.ask(staff, "PATCH", at, `{"name":"机密新"}`).want(403, "denied")
		w.ask(w.boss, "PATCH", at, `{"name":"机密!"}`).want(400, "invalid")
		w.ask(w.boss, "PATCH", at, `{"name":"机密新"}`, "If-Match", `"0"`).want(412, "precondition_failed")
		w.ask(w.boss, "PATCH", at, `{"name":"机密新"}`, "If-Match", `x`).want(400, "invalid")
	})
	got := w.ask(w.boss, "PATCH", at, `{"name":"机密新","industry":"制造业","workbench_entry":false}`, "If-Match", etag).want(200, "")
	var c corpJSON
	got.into(&c)
	if c.Name != "机密新" || c.Industry != "制造业" || c.WorkbenchEntry || got.head.Get("ETag") == etag {
		t.Errorf("got %+v", c)
	}
	w.ask(w.boss, "PATCH", at, `{"industry":""}`, "If-Match", etag).want(412, "precondition_failed")
	if got := w.ask(w.boss, "GET", w.in(""), "").str("owner_name"); got != "机密新" {
		t.Errorf("got owner %q, want the new name", got)
	}
}

// Who names no version edits whatever there is, however many do so at once.
func TestEditsWithoutIfMatchDoNotRefuseEachOther(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			w.ask(w.boss, "PATCH", "/v1/corps/"+w.owner, fmt.Sprintf(`{"industry":"行业%d"}`, i)).want(200, "")
		})
		wg.Go(func() {
			w.ask(w.boss, "PATCH", w.in(""), fmt.Sprintf(`{"partners_may_invite":%v}`, i%2 == 0)).want(200, "")
		})
	}
	wg.Wait()
}

func TestMembersAreAddedByPhoneAndSeenByTheirOwn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := "/v1/corps/" + w.owner + "/members"
	staff, other := person(2), person(3)
	w.ask(w.boss, "POST", at, `{"name":"`+staff.name+`","phone":" 139 0000-0002 ","role":"member"}`).want(201, "")
	w.unchanged(func() {
		w.ask(w.boss, "POST", at, `{"name":"`+staff.name+`","phone":"+8613900000002","role":"member"}`).want(201, "")
		w.ask(w.boss, "POST", at, `{"name":"`+staff.name+`","phone":"+8613900000002","role":"super_admin"}`).want(409, "conflict")
		w.ask(staff, "POST", at, `{"name":"机密","phone":"13900000004","role":"member"}`).want(403, "denied")
		w.ask(other, "GET", at, "").want(403, "not_a_member")
		w.ask(staff, "PATCH", at+"/"+staff.id(), `{"role":"super_admin"}`).want(403, "denied")
		w.ask(w.boss, "PATCH", at+"/"+other.id(), `{"role":"super_admin"}`).want(404, "not_found")
		w.ask(w.boss, "PATCH", at+"/nonsense", `{"role":"super_admin"}`).want(404, "not_found")
		w.ask(w.boss, "PATCH", at+"/"+staff.id(), `{"role":"king"}`).want(400, "invalid")
		w.ask(w.boss, "PATCH", at+"/"+staff.id(), `{"name":"机密"}`).want(400, "unknown_field")
		w.ask(staff, "DELETE", at+"/"+w.boss.id(), "").want(403, "denied")
	})
	w.addMember(w.owner, other, "member")
	phones := map[string]string{}
	for _, m := range all[memberJSON](w, staff, at+"?limit=2") {
		phones[m.PersonID] = m.Phone
	}
	if len(phones) != 3 || phones[staff.id()] != staff.phone || !strings.Contains(phones[other.id()], "*") || !strings.Contains(phones[w.boss.id()], "*") {
		t.Errorf("got %v, want one's own phone in full, others masked", phones)
	}
	if got := w.ask(w.boss, "PATCH", at+"/"+staff.id(), `{"role":"super_admin"}`).want(200, "").str("role"); got != "super_admin" {
		t.Errorf("got %s, want super_admin", got)
	}
}

// R06 on its ways through this door: leave, be demoted, be removed; and the
// one call that hands over and leaves.
func TestR06_TheLastSuperAdminStaysOrHandsOver(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := "/v1/corps/" + w.owner + "/members/"
	staff := person(2)
	w.addMember(w.owner, staff, "member")
	link := w.invite(w.boss, 1)
	w.unchanged(func() {
		w.ask(w.boss, "DELETE", at+w.boss.id(), "").want(409, "last_admin")
		w.ask(w.boss, "PATCH", at+w.boss.id(), `{"role":"member"}`).want(409, "last_admin")
		w.ask(w.boss, "DELETE", at+w.boss.id()+"?successor="+w.boss.id(), "").want(400, "invalid")
		w.ask(w.boss, "DELETE", at+w.boss.id()+"?successor="+person(7).id(), "").want(404, "not_found")
		w.ask(w.boss, "DELETE", at+w.boss.id()+"?successor=nonsense", "").want(404, "not_found")
		w.ask(staff, "DELETE", at+staff.id()+"?successor="+w.boss.id(), "").want(400, "invalid")
	})
	if got := w.inviteState(link); got != network.InviteLive {
		t.Errorf("got an invite that is %s, want it live: its maker is still there", got)
	}
	w.ask(w.boss, "DELETE", at+w.boss.id()+"?successor="+staff.id(), "").want(204, "")
	if got := w.inviteState(link); got != network.InviteRevoked {
		t.Errorf("got an invite that is %s, want it revoked (R09)", got)
	}
	members := all[memberJSON](w, staff, "/v1/corps/"+w.owner+"/members")
	if len(members) != 1 || members[0].PersonID != staff.id() || members[0].Role != network.SuperAdmin {
		t.Errorf("got %+v, want the successor alone", members)
	}
	w.ask(staff, "DELETE", at+staff.id(), "").want(409, "last_admin")
	w.ask(w.boss.as(""), "GET", "/v1/corps/"+w.owner, "").want(403, "not_a_member")
}

// Two super-admins leave at once: one of them has to stay.
func TestR06_TwoWhoLeaveAtOnceLeaveOneBehind(t *testing.T) {
	t.Parallel()
	w := setup(t)
	other := person(2)
	w.addMember(w.owner, other, "super_admin")
	codes := make([]int, 2)
	var wg sync.WaitGroup
	for i, who := range []someone{w.boss, other} {
		wg.Go(func() { codes[i] = w.ask(who, "DELETE", "/v1/corps/"+w.owner+"/members/"+who.id(), "").code })
	}
	wg.Wait()
	if codes[0]+codes[1] != 204+409 {
		t.Errorf("got %v, want one 204 and one 409", codes)
	}
}

func TestR09_WhoIsRemovedLeavesNoLiveInviteAndNoRole(t *testing.T) {
	t.Parallel()
	w := setup(t)
	staff := person(2)
	w.addMember(w.owner, staff, "member")
	w.ask(w.boss, "POST", w.in("/admins"), `{"person_id":"`+staff.id()+`"}`).want(201, "")
	staff.corp = w.owner
	theirs, bosses := w.invite(staff, 1), w.invite(w.boss, 1)
	elsewhere := w.invite(staff.as(network.NewCorpID()), 1) // the same person under another corp (R01)
	w.ask(w.boss, "DELETE", "/v1/corps/"+w.owner+"/members/"+staff.id(), "").want(204, "")
	for ticket, want := range map[network.Ticket]network.InviteState{theirs: network.InviteRevoked, bosses: network.InviteLive, elsewhere: network.InviteLive} {
		if got := w.inviteState(ticket); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	w.ask(w.boss, "DELETE", "/v1/corps/"+w.owner+"/members/"+staff.id(), "").want(404, "not_found")
	w.addMember(w.owner, staff, "member")
	w.ask(staff, "PATCH", w.in(""), `{"members_may_invite":false}`).want(403, "denied")
}

// R18, R39: who is taken out of a corp is out of its chains, and needs an
// invite to come back.
func TestWhoIsOutOfACorpIsOutOfItsChains(t *testing.T) {
	t.Parallel()
	w := setup(t)
	li, p := w.join(person(40), secret+"甲", 1)
	members := "/v1/corps/" + li.corp + "/members"
	wang := person(41).as(li.corp)
	body := fmt.Sprintf(`{"name":%q,"phone":%q,"role":"super_admin"}`, wang.name, wang.phone)
	w.ask(li, "POST", members, body).want(201, "")
	w.enter(wang)
	states := func() map[string]network.ContactState {
		got := map[string]network.ContactState{}
		for _, k := range all[contactJSON](w, w.boss, w.in("/partners/"+p.ID+"/contacts")) {
			got[k.Phone] = k.State
		}
		return got
	}
	w.ask(li, "DELETE", members+"/"+wang.id(), "").want(204, "")
	if got := states(); got[wang.phone] != network.ContactLeft || got[li.phone] != network.ContactJoined {
		t.Errorf("got %v, want one who has left", got)
	}
	w.ask(li, "POST", members, body).want(201, "")
	w.ask(wang, "GET", w.in(""), "").want(404, "not_found") // R18

	// The only one who is in the chain hands the corp over and goes.
	w.ask(li, "DELETE", members+"/"+li.id()+"?successor="+wang.id(), "").want(204, "")
	is, err := w.store.Partner(t.Context(), w.chain, p.ID)
	if err != nil || is.State != network.PartnerEmpty || is.Joined != 0 {
		t.Errorf("got %+v, %v, want it empty (R39)", is, err)
	}
	if n, err := w.store.JoinedPartners(t.Context(), w.chain); n != 0 || err != nil {
		t.Errorf("got %d joined partners, %v, want none (R47)", n, err)
	}
}

func TestARemovalThatBrokeOffIsFinishedByAskingAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	li, p := w.join(person(40), secret+"甲", 1)
	members := "/v1/corps/" + li.corp + "/members"
	wang := person(41).as(li.corp)
	w.ask(li, "POST", members, fmt.Sprintf(`{"name":%q,"phone":%q,"role":"member"}`, wang.name, wang.phone)).want(201, "")
	w.enter(wang)
	if err := w.store.RemoveMember(t.Context(), li.corp, wang.id()); err != nil { // and no more
		t.Fatal(err)
	}
	link := w.invite(wang, 1)
	for range 2 {
		w.ask(li, "DELETE", members+"/"+wang.id(), "").want(404, "not_found")
	}
	is, err := w.store.Partner(t.Context(), w.chain, p.ID)
	if got := w.inviteState(link); got != network.InviteRevoked || err != nil || is.Joined != 1 {
		t.Errorf("got an invite that is %s and %+v, %v, want it revoked and one of two joined", got, is, err)
	}
}

func TestR09_NoLinkOutlivesItsMakersPlaceInTheCorp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	li, p := w.join(person(40), secret+"甲", 1)
	members := "/v1/corps/" + li.corp + "/members"
	wang := person(41).as(li.corp)
	w.ask(li, "POST", members, fmt.Sprintf(`{"name":%q,"phone":%q,"role":"member"}`, wang.name, wang.phone)).want(201, "")
	w.enter(wang)
	if err := w.store.Leave(t.Context(), w.chain, p.ID, wang.id(), noon); err != nil {
		t.Fatal(err)
	}
	early := w.invite(wang, 1) // made in a chain where they are no more
	var late network.Ticket
	w.between(func(w *world) { late = w.invite(wang, 1) })
	w.ask(li, "DELETE", members+"/"+wang.id(), "").want(204, "")
	for what, link := range map[string]network.Ticket{"early": early, "late": late} {
		if got := w.inviteState(link); got != network.InviteRevoked {
			t.Errorf("%s: got an invite that is %s, want it revoked", what, got)
		}
	}
}

func TestAKeyThatMadeAMemberMakesNoOther(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := "/v1/corps/" + w.owner + "/members"
	li := `{"name":"李娜","phone":"+8613800138071","role":"member"}`
	for range 2 {
		if got := w.ask(w.boss, "POST", path, li, "Idempotency-Key", "one"); got.code != 201 {
			t.Errorf("got %d %s, want 201", got.code, got.body)
		}
	}
	got := w.ask(w.boss, "POST", path, `{"name":"王芳","phone":"+8613800138072","role":"member"}`, "Idempotency-Key", "one")
	if got.code != 422 {
		t.Errorf("another body under the key: got %d %s, want 422", got.code, got.body)
	}
}
