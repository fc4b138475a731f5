package main

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
)

func ids(list []partnerJSON) []string {
	var out []string
	for _, p := range list {
		out = append(out, p.PartnerID)
	}
	slices.Sort(out)
	return out
}

func TestPartnersAreListedByGroupByStateAndByPage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var rows []network.RosterRow
	for n := range 60 {
		r := row(n)
		switch {
		case n < 20:
			r.Group = []string{"华东"}
		case n < 30:
			r.Group = []string{"华东", "杭州"}
		case n < 33:
			r.Group = []string{"华东", "杭州", "西湖"}
		case n < 40:
			r.Group = []string{"华南"}
		}
		rows = append(rows, r)
	}
	east := w.newGroup("华东", 1)
	hang := w.newGroup("杭州", east)
	w.newGroup("西湖", hang)
	w.newGroup("华南", 1)
	for i := range 6 { // empty ones on the way
		w.newGroup(fmt.Sprintf("空%d", i), east)
	}
	w.roster(rows...)
	w.join(person(2), secret+"甲", hang)
	for query, want := range map[string]int{
		"":                                61,
		"?recursive=true":                 61,
		"?group_id=1":                     20,
		"?group_id=1&recursive=true":      61,
		"?state=joined":                   1,
		"?state=pending&recursive=true":   60,
		"?state=empty":                    0,
		fmt.Sprintf("?group_id=%d", east): 20,
		fmt.Sprintf("?group_id=%d", hang): 11,
		fmt.Sprintf("?group_id=%d&recursive=true", east):               34,
		fmt.Sprintf("?group_id=%d&recursive=true&state=pending", east): 33,
		fmt.Sprintf("?group_id=%d&recursive=true&state=joined", hang):  1,
		fmt.Sprintf("?group_id=%d&recursive=false&state=joined", east): 0,
	} {
		sep := "?"
		if query != "" {
			sep = "&"
		}
		for _, limit := range []int{3, 50, 200} {
			got := ids(all[partnerJSON](w, w.boss, w.in("/partners"+query+fmt.Sprintf("%slimit=%d", sep, limit))))
			if len(got) != want || len(slices.Compact(got)) != want {
				t.Errorf("%s, %d a page: got %d partners, want %d, each once", query, limit, len(got), want)
			}
		}
	}
	w.ask(w.boss, "GET", w.in("/partners?group_id=99"), "").want(404, "group_not_found")
	w.ask(w.boss, "GET", w.in("/partners?group_id=99&recursive=true"), "").want(404, "group_not_found")
	w.ask(w.boss, "GET", w.in("/partners?group_id=0"), "").want(404, "group_not_found")
	w.ask(w.boss, "GET", w.in("/partners?group_id=x"), "").want(400, "invalid")
}

// R35: what a partner sees by default, and what with the chain's switch.
func TestR35_APartnerSeesItselfAndOthersByTheSwitch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	east := w.newGroup("华东", 1)
	li, mine := w.join(person(2), secret+"甲", east)
	_, other := w.join(person(3), secret+"乙", 1)
	w.roster(row(1))
	pending := all[partnerJSON](w, w.boss, w.in("/partners?state=pending"))[0]
	sees := func(query string) []string { return ids(all[partnerJSON](w, li, w.in("/partners"+query))) }

	if got := sees(""); !slices.Equal(got, []string{mine.ID}) {
		t.Errorf("got %v, want itself alone", got)
	}
	for _, p := range []string{other.ID, pending.PartnerID} {
		w.ask(li, "GET", w.in("/partners/"+p), "").want(404, "not_found")
		w.ask(li, "GET", w.in("/partners/"+p+"/contacts"), "").want(404, "not_found")
	}
	w.ask(li, "GET", w.in("/partners/"+mine.ID), "").want(200, "")

	w.ask(w.boss, "PATCH", w.in(""), `{"partners_see_each_other":true}`).want(200, "")
	both := []string{mine.ID, other.ID}
	slices.Sort(both)
	for query, want := range map[string][]string{
		"": both, "?state=joined": both, "?recursive=true": both, "?state=pending": nil, "?state=empty": nil,
		fmt.Sprintf("?group_id=%d", east): {mine.ID}, fmt.Sprintf("?group_id=%d&recursive=true", east): {mine.ID},
	} {
		if got := sees(query); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
	w.ask(li, "GET", w.in("/partners?group_id=1"), "").want(404, "group_not_found")
	w.ask(li, "GET", w.in("/partners/"+other.ID), "").want(200, "")
	w.ask(li, "GET", w.in("/partners/"+pending.PartnerID), "").want(404, "not_found")
}

func TestAPartnerIsEditedByAdminsAndByItsEdition(t *testing.T) {
	t.Parallel()
	w := setup(t)
	east := w.newGroup("华东", 1)
	one, two := row(1), row(2)
	two.CustomID = "D2"
	w.roster(one, two)
	list := all[partnerJSON](w, w.boss, w.in("/partners"))
	p := list[slices.IndexFunc(list, func(p partnerJSON) bool { return p.CustomID == "" })]
	at := w.in("/partners/" + p.PartnerID)
	staff := person(2)
	w.addMember(w.owner, staff, "member")
	etag := w.ask(staff, "GET", at, "").want(200, "").head.Get("ETag")
	w.unchanged(func() {
		w.ask(staff, "PATCH", at, `{"alias":"甲"}`).want(403, "denied")
		w.ask(staff, "DELETE", at, "").want(403, "denied")
		w.ask(w.boss, "PATCH", at, `{"alias":"甲"}`, "If-Match", `"9"`).want(412, "precondition_failed")
		w.ask(w.boss, "PATCH", at, `{"group_id":99}`).want(404, "group_not_found")
		w.ask(w.boss, "PATCH", at, `{"custom_id":"D 2"}`).want(400, "invalid")
		w.ask(w.boss, "PATCH", at, `{"custom_id":"D2"}`).want(409, "conflict")
		w.ask(w.boss, "PATCH", at, `{"name":"机密"}`).want(400, "unknown_field")
		w.ask(w.boss, "DELETE", at, "", "If-Match", `"9"`).want(412, "precondition_failed")
	})
	var got partnerJSON
	w.ask(w.boss, "PATCH", at, fmt.Sprintf(`{"alias":" 甲　","group_id":%d,"custom_id":"D9"}`, east), "If-Match", etag).want(200, "").into(&got)
	if got.Alias != "甲" || got.GroupID != east || got.CustomID != "D9" || !got.Imported || got.State != network.PartnerPending || got.CorpID != nil || got.Contacts != 1 {
		t.Errorf("got %+v", got)
	}
	w.ask(w.boss, "PATCH", at, `{"alias":""}`, "If-Match", etag).want(412, "precondition_failed")
	if got := w.ask(w.boss, "PATCH", at, `{"alias":""}`).want(200, "").str("alias"); got != "" {
		t.Errorf("got %q, want no alias", got)
	}
}

// R33, R38: a partner that is removed is out with that request, and so are
// the invites that its people made.
func TestR38_ARemovedPartnerIsOutAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	li, p := w.join(person(2), secret+"甲", 1)
	theirs, bosses := w.invite(li, 1), w.invite(w.boss, 1)
	w.ask(li, "DELETE", w.in("/partners/"+p.ID), "").want(403, "denied")
	w.ask(w.boss, "DELETE", w.in("/partners/"+p.ID), "").want(204, "")
	w.ask(li, "GET", w.in(""), "").want(404, "not_found")
	w.ask(w.boss, "GET", w.in("/partners/"+p.ID), "").want(404, "not_found")
	w.ask(w.boss, "DELETE", w.in("/partners/"+p.ID), "").want(404, "not_found")
	if a, b := w.inviteState(theirs), w.inviteState(bosses); a != network.InviteRevoked || b != network.InviteLive {
		t.Errorf("got %s and %s, want revoked and live", a, b)
	}
	w.roster(row(1))
	pending := all[partnerJSON](w, w.boss, w.in("/partners"))
	w.ask(w.boss, "DELETE", w.in("/partners/"+pending[0].PartnerID), "", "If-Match", `"1"`).want(204, "")
	if got := all[partnerJSON](w, w.boss, w.in("/partners")); len(got) != 0 {
		t.Errorf("got %+v, want none", got)
	}
}

// R03, R35: contacts as each side sees them.
func TestContactsAreShownToWhoMaySeeThem(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r, second := row(1), row(1)
	r.Leader, r.MemberCustomID = true, "77"
	second.Phone, second.Number = person(5).phone, 3
	w.roster(r, second)
	p := all[partnerJSON](w, w.boss, w.in("/partners"))[0]
	if p.Contacts != 2 {
		t.Errorf("got %d contacts, want 2", p.Contacts)
	}
	at := w.in("/partners/" + p.PartnerID + "/contacts")
	staff := person(2)
	w.addMember(w.owner, staff, "member")

	first := all[contactJSON](w, w.boss, at+"?limit=1")
	if len(first) != 2 {
		t.Fatalf("got %+v, want 2", first)
	}
	for _, k := range first {
		if k.Inviter == nil || k.Inviter.ContactID != personKey.Contact(w.chain, w.boss.id()) || k.Inviter.Name != w.boss.name {
			t.Errorf("got the inviter %+v, want whose roster it is", k.Inviter)
		}
		if k.State != network.ContactImported || strings.Contains(k.Phone, "*") || (k.Identity == "leader") != (k.CustomID == "77") {
			t.Errorf("got %+v for an admin", k)
		}
	}
	for _, k := range all[contactJSON](w, staff, at) {
		if !strings.Contains(k.Phone, "*") {
			t.Errorf("got %+v for a member, want the phone masked", k)
		}
	}

	// One of the two joins under a corp of theirs, and sees themselves alone.
	who := person(5)
	who.corp = w.newCorp(who, secret+"甲")
	w.bind(who, p.PartnerID)
	mine := all[contactJSON](w, who, at)
	if len(mine) != 1 || mine[0].ContactID != personKey.Contact(w.chain, who.id()) || mine[0].Phone != who.phone || mine[0].State != network.ContactJoined || mine[0].CustomID != "" || mine[0].Inviter != nil {
		t.Errorf("got %+v, want themselves (R03)", mine)
	}
	var own partnerJSON
	w.ask(who, "GET", w.in("/partners/"+p.PartnerID), "").want(200, "").into(&own)
	if own.Contacts != 1 || own.CorpID == nil || *own.CorpID != who.corp {
		t.Errorf("got %+v, want one contact counted", own)
	}
}

// Whoever has a corp can add phones to it and is answered their person ids, so
// none of those is said of people whose phone is masked.
func TestNoListOfAChainSaysAPersonsIdBesideTheirMaskedPhone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(w.boss, "PATCH", w.in(""), `{"partners_see_each_other":true}`).want(200, "")
	victim, theirs := w.join(person(40), secret+"甲", 1)
	colleague := person(42)
	w.ask(victim, "POST", "/v1/corps/"+victim.corp+"/members", fmt.Sprintf(`{"name":%q,"phone":%q,"role":"member"}`, colleague.name, colleague.phone)).want(201, "")
	w.enter(colleague.as(victim.corp))
	spy, _ := w.join(person(41), secret+"乙", 1)
	staff := person(2)
	w.addMember(w.owner, staff, "member")
	unmasked := w.ask(spy, "POST", "/v1/corps/"+spy.corp+"/members", fmt.Sprintf(`{"name":"x","phone":%q,"role":"member"}`, victim.phone)).want(201, "").str("person_id")
	if unmasked != victim.id() {
		t.Fatalf("got %s, want %s: what the rest of this test is about", unmasked, victim.id())
	}
	for _, who := range []someone{spy, staff} {
		at := w.in("/partners/" + theirs.ID + "/contacts")
		said := string(w.ask(who, "GET", at, "").want(200, "").body)
		var first page[contactJSON]
		w.ask(who, "GET", at+"?limit=1", "").want(200, "").into(&first)
		cursor, _ := base64.RawURLEncoding.DecodeString(*first.NextCursor)
		for _, id := range []string{victim.id(), colleague.id()} {
			if strings.Contains(said, id) || strings.Contains(string(cursor), id) {
				t.Errorf("%s is in %s or behind the cursor %q", id, said, cursor)
			}
		}
		if want := personKey.Contact(w.chain, victim.id()); !strings.Contains(said, want) {
			t.Errorf("%s isn't in %s", want, said)
		}
	}
}

func TestR03_NeitherPagesNorCursorsTellGuestsOfThoseStillToCome(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var all []network.RosterRow
	for n := range 9 {
		r := row(1)
		r.Phone = person(50 + n).phone
		all = append(all, r)
	}
	w.roster(all...)
	id := network.RosterPartnerID(w.chain, "", all[0].Corp)
	me := person(50)
	me.corp = w.newCorp(me, secret+"甲")
	w.bind(me, id)
	at := w.in("/partners/" + id + "/contacts?limit=1")
	list := func() (pages int) {
		for cursor := ""; ; {
			var p page[contactJSON]
			w.ask(me, "GET", at+cursor, "").want(200, "").into(&p)
			if pages++; len(p.Items) != 1 {
				t.Errorf("got %+v, want a page of one", p.Items)
			}
			if p.NextCursor == nil {
				return pages
			}
			cursor = "&cursor=" + *p.NextCursor
		}
	}
	if got := list(); got != 1 {
		t.Errorf("got %d pages, want one: of nine they alone have joined", got)
	}
	for _, n := range []int{54, 58} {
		w.ask(me, "POST", "/v1/corps/"+me.corp+"/members", fmt.Sprintf(`{"name":"x","phone":%q,"role":"member"}`, person(n).phone)).want(201, "")
		w.bind(person(n).as(me.corp), id)
	}
	if got := list(); got != 3 {
		t.Errorf("got %d pages, want three", got)
	}
}

func TestPartnersReadNeitherWhatTheOwnerCallsThemNorOthersGroups(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(w.boss, "PATCH", w.in(""), `{"partners_see_each_other":true}`).want(200, "")
	east, west := w.newGroup("华东", 1), w.newGroup("华西", 1)
	li, own := w.join(person(41), secret+"甲", east)
	_, other := w.join(person(42), secret+"乙", west)
	for _, id := range []string{own.ID, other.ID} {
		w.ask(w.boss, "PATCH", w.in("/partners/"+id), `{"alias":"不守信客户"}`).want(200, "")
	}
	groups := map[string]int{}
	for _, p := range append(all[partnerJSON](w, li, w.in("/partners?limit=1")), all[partnerJSON](w, li, w.in("/partners"))...) {
		if groups[p.PartnerID] = p.GroupID; p.Alias != "" {
			t.Errorf("a partner reads the alias %q", p.Alias)
		}
	}
	if want := map[string]int{own.ID: east, other.ID: network.RootGroup}; !maps.Equal(groups, want) {
		t.Errorf("got groups %v, want %v", groups, want)
	}
	one := w.ask(li, "GET", w.in("/partners/"+other.ID), "").want(200, "")
	var p partnerJSON
	if one.into(&p); p.Alias != "" || p.GroupID != network.RootGroup || one.head.Get("ETag") != "" {
		t.Errorf("got %+v with ETag %q, want none of it", p, one.head.Get("ETag"))
	}
	var first page[partnerJSON]
	w.ask(li, "GET", w.in("/partners?limit=1"), "").want(200, "").into(&first)
	if _, err := personKey.Open(w.chain, *first.NextCursor); err != nil {
		t.Errorf("got cursor %s, want it sealed: %v", *first.NextCursor, err)
	}
}

// R09, R38: an invite that is made between the two halves of a removal dies as
// the others do.
func TestR38_AnInviteMadeWhileItsCorpIsRemovedDoesNotOutliveThat(t *testing.T) {
	t.Parallel()
	w := setup(t)
	li, p := w.join(person(2), secret+"甲", 1)
	var late network.Ticket
	w.between(func(w *world) { late = w.invite(li, 1) })
	w.ask(w.boss, "DELETE", w.in("/partners/"+p.ID), "").want(204, "")
	if got := w.inviteState(late); got != network.InviteRevoked {
		t.Errorf("got an invite that is %s, want it revoked", got)
	}
}

// A partner that nobody knows a corp of comes by one just as it is withdrawn.
func TestR38_ACorpThatComesAsItsPartnerIsWithdrawnLeavesNoInvite(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(row(1))
	id := network.RosterPartnerID(w.chain, "", row(1).Corp)
	li := someone{name: secret + "联系人", phone: row(1).Phone}
	li.corp = w.newCorp(li, secret+"甲")
	var late network.Ticket
	w.between(func(w *world) {
		w.bind(li, id)
		late = w.invite(li, 1)
	})
	w.ask(w.boss, "DELETE", w.in("/partners/"+id), "").want(204, "")
	w.ask(li, "GET", w.in(""), "").want(404, "not_found")
	if got := w.inviteState(late); got != network.InviteRevoked {
		t.Errorf("got an invite that is %s, want it revoked", got)
	}
}
