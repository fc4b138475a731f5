package main

import (
	"fmt"
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
	if len(mine) != 1 || mine[0].ContactID != personKey.Contact(w.chain, who.id()) || mine[0].Phone != who.phone || mine[0].State != network.ContactJoined || mine[0].CustomID != "" {
		t.Errorf("got %+v, want themselves (R03)", mine)
	}
	var own partnerJSON
	w.ask(who, "GET", w.in("/partners/"+p.PartnerID), "").want(200, "").into(&own)
	if own.Contacts != 1 || own.CorpID == nil || *own.CorpID != who.corp {
		t.Errorf("got %+v, want one contact counted", own)
	}
}
