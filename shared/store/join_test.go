package store

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

func TestAJoinUnderACorpOfTheirs(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	link := w.link(t, network.Invite{})
	c, p := w.corp(t, 7)
	a := w.join(t, link, p, Choice{Corp: c.ID})
	at := noon.Add(time.Hour)
	id := network.CorpPartnerID(chainID, c.ID)
	same(t, "partner", w.partnerNow(t, id), network.Partner{ID: id, Chain: chainID, Name: "Corp 7", Group: 1, State: network.PartnerJoined, Corp: c.ID, Contacts: 1, Joined: 1,
		JoinedAt: at, Edition: 1, People: map[string]string{p.ID: ""}})
	same(t, "place", w.corpNow(t, c.ID).Places[chainID], network.Place{Side: network.Guest, Partner: id})
	actor, err := w.Actor(t.Context(), p, "", chainID)
	must(t, err)
	same(t, "contact", *actor.Contact, a.Contact)
	same(t, "event", w.told(t), []string{"joined." + a.Contact.MembershipID()})
	n, err := w.JoinedPartners(t.Context(), chainID)
	must(t, err)
	same(t, "partners", n, 1)

	// A colleague, by the same link: one partner still.
	q := w.colleague(t, c.ID, 8, network.Staff)
	b := w.join(t, link, q, Choice{Corp: c.ID})
	is := w.partnerNow(t, id)
	same(t, "people", []any{b.Partner.ID, is.Joined, is.Contacts, len(is.People)}, []any{id, 2, 2, 2})
	n, err = w.JoinedPartners(t.Context(), chainID)
	must(t, err)
	same(t, "partners with a colleague", n, 1)
}

func TestR02_WhoHasNoCorpMakesOneAsTheyJoin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	link := w.link(t, network.Invite{MaxUses: 5})
	a := w.join(t, link, person(7), anew("Seven"))
	m, err := w.Member(t.Context(), a.Corp.ID, person(7).ID)
	must(t, err)
	c := w.corpNow(t, a.Corp.ID)
	same(t, "corp and role", []any{c.Name, c.Admins, c.Version, m.Role, m.Name}, []any{"Seven", 1, 1, network.SuperAdmin, "Li 7"})

	// R15: pressing the button again makes no second one and spends nothing.
	again := w.join(t, link, person(7), anew("Seven"))
	if !again.Repeat || again.Contact.MembershipID() != a.Contact.MembershipID() {
		t.Errorf("got %+v, want the first membership", again)
	}
	i, err := w.Invite(t.Context(), chainID, link.Invite)
	must(t, err)
	same(t, "uses", i.Uses, 1)
}

func TestR18_WhoWasTakenOutOfACorpMakesAnotherOfItsNameByANewInviteAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	old := w.link(t, network.Invite{})
	a := w.join(t, old, person(7), anew("Seven"))
	w.colleague(t, a.Corp.ID, 8, network.SuperAdmin)
	must(t, w.Leave(ctx, chainID, a.Partner.ID, person(7).ID, noon.Add(2*time.Hour)))
	must(t, w.RemoveMember(ctx, a.Corp.ID, person(7).ID))
	for _, name := range []string{"Seven", "Seven and Sons"} {
		_, err := w.Join(ctx, old, person(7), anew(name), noon.Add(3*time.Hour))
		wants(t, "by the old link as "+name, err, network.ErrInviteRevoked)
	}
	link := w.link(t, network.Invite{CreatedAt: noon.Add(day)})
	b, err := w.Join(ctx, link, person(7), anew("Seven"), noon.Add(day))
	must(t, err)
	if b.Corp.ID == a.Corp.ID || b.Repeat {
		t.Errorf("got corp %s, want another than %s", b.Corp.ID, a.Corp.ID)
	}
	_, err = w.Member(ctx, a.Corp.ID, person(7).ID)
	wants(t, "a member of the first", err, network.ErrNotFound)

	// R15: the same wish once more is the same corp and membership.
	again, err := w.Join(ctx, link, person(7), anew("Seven"), noon.Add(day))
	must(t, err)
	same(t, "again", []any{again.Repeat, again.Corp.ID, again.Contact.MembershipID()}, []any{true, b.Corp.ID, b.Contact.MembershipID()})
}

func TestR18_WhoLeftTheRostersCorpComesBackByNoOldNoticeAndMakesOneMoreByANewLink(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Acme")})
	a := w.join(t, noticeOf(row(20, "Acme")), person(20), anew("Acme"))
	w.join(t, noticeOf(row(21, "Acme")), person(21), anew("Acme"))
	_, err := w.SetRole(ctx, a.Corp.ID, person(21).ID, network.SuperAdmin)
	must(t, err)
	must(t, w.Leave(ctx, chainID, a.Partner.ID, person(20).ID, noon.Add(2*time.Hour)))
	must(t, w.RemoveMember(ctx, a.Corp.ID, person(20).ID))
	_, err = w.Join(ctx, noticeOf(row(20, "Acme")), person(20), anew("Acme"), noon.Add(3*time.Hour))
	wants(t, "by the old notice", err, network.ErrInviteRevoked)
	b, err := w.Join(ctx, w.link(t, network.Invite{CreatedAt: noon.Add(day)}), person(20), anew("Acme"), noon.Add(day))
	must(t, err)
	if b.Corp.ID == a.Corp.ID || b.Partner.ID == a.Partner.ID {
		t.Errorf("got corp %s of partner %s, want others than the roster's", b.Corp.ID, b.Partner.ID)
	}
}

func TestWhoMayNotJoinIsToldWhy(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	link := w.link(t, network.Invite{})
	school, teacher := w.corp(t, 7)
	industry := network.Schooling
	_, err := w.EditCorp(ctx, school, CorpEdit{Industry: &industry})
	must(t, err)
	c, p := w.corp(t, 8)
	bound := w.link(t, network.Invite{Phone: person(9).Phone})
	boundCorp := w.link(t, network.Invite{Corp: "co0000000000000009"})
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Acme"), row(22, "Beta")})
	acme := w.join(t, noticeOf(row(20, "Acme")), person(20), anew("Acme"))
	for name, test := range map[string]struct {
		ticket network.Ticket
		who    network.Person
		choice Choice
		want   error
	}{
		"R04 a school":                    {link, teacher, Choice{Corp: school.ID}, network.ErrCorpNotEligible},
		"R02 under a corp of others":      {link, p, Choice{Corp: w.owner.ID}, network.ErrNotAMember},
		"the owner itself":                {link, w.boss, Choice{Corp: w.owner.ID}, network.ErrDenied},
		"R10 bound to another phone":      {bound, p, Choice{Corp: c.ID}, network.ErrBoundToAnother},
		"R10 bound to another corp":       {boundCorp, p, Choice{Corp: c.ID}, network.ErrBoundToAnother},
		"R10 another's notice":            {noticeOf(row(22, "Beta")), p, Choice{Corp: c.ID}, network.ErrBoundToAnother},
		"R23 another corp than the first": {noticeOf(row(21, "Acme")), person(21), anew("Acme Two"), nil}, // R23: the first one's corp
	} {
		got, err := w.Join(ctx, test.ticket, test.who, test.choice, noon)
		wants(t, name, err, test.want)
		if test.want == nil {
			same(t, name, got.Corp.ID, acme.Corp.ID)
		}
	}
	third, q := w.corpOf(t, 30, person(22))
	_ = q
	w.importRows(t, 2, []network.RosterRow{row(23, "Beta")})
	w.join(t, noticeOf(row(22, "Beta")), person(22), Choice{Corp: third.ID})
	other, _ := w.corp(t, 23)
	_, err = w.Join(ctx, noticeOf(row(23, "Beta")), person(23), Choice{Corp: other.ID}, noon)
	wants(t, "R23 a second contact under another corp", err, network.ErrPartnerConflict)
}

func TestR21_ImportedOnlyAdmitsWhoIsOnTheRosterAndWhoseCorpIsIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	before, _ := w.partner(t, 7)
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Acme")})
	only := network.ImportedOnly
	w.edit(t, network.ChainEdit{JoinPolicy: &only}, noon)
	link := w.link(t, network.Invite{})
	c, p := w.corp(t, 8)
	_, err := w.Join(ctx, link, p, Choice{Corp: c.ID}, noon)
	wants(t, "a stranger", err, network.ErrNotImported)
	_, err = w.Join(ctx, link, person(9), anew("Acme"), noon)
	wants(t, "a stranger of the roster's name", err, network.ErrNotImported)

	a := w.join(t, link, person(20), anew("Another Name")) // (a)
	same(t, "(a) the roster's partner", []any{a.Partner.ID, a.NameMismatch(), w.partnerNow(t, a.Partner.ID).Name}, []any{noticeOf(row(20, "Acme")).Partner, true, "Acme"})
	w.colleague(t, a.Corp.ID, 22, network.Staff)
	b := w.join(t, link, person(22), Choice{Corp: a.Corp.ID}) // (b)
	same(t, "(b) a colleague's", b.Partner.ID, a.Partner.ID)
	q := w.colleague(t, before.Corp.ID, 10, network.Staff)
	same(t, "R22 a colleague of who was in", w.join(t, link, q, Choice{Corp: before.Corp.ID}).Partner.ID, before.Partner.ID)
}

func TestR12_TheSwitchStretchesAndShrinksWhatIsOut(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	link := w.link(t, network.Invite{})
	short := w.link(t, network.Invite{Own: time.Hour})
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Beta")})
	only, open := network.ImportedOnly, network.Open
	w.edit(t, network.ChainEdit{JoinPolicy: &only}, noon.Add(day))
	a, err := w.Join(ctx, link, person(20), anew("Acme"), noon.Add(80*day))
	must(t, err)
	same(t, "joined", a.Contact.JoinedAt, noon.Add(80*day))
	_, err = w.Join(ctx, short, person(21), anew("Beta"), noon.Add(2*time.Hour))
	wants(t, "a shorter life of its own", err, network.ErrInviteExpired)
	w.edit(t, network.ChainEdit{JoinPolicy: &open}, noon.Add(81*day))
	_, err = w.Join(ctx, noticeOf(row(21, "Beta")), person(21), anew("Beta"), noon.Add(81*day))
	wants(t, "once it is off", err, network.ErrInviteExpired)
	w.edit(t, network.ChainEdit{JoinPolicy: &only}, noon.Add(82*day))
	_, err = w.Join(ctx, link, person(21), anew("Beta"), noon.Add(82*day))
	wants(t, "what has ended stays ended", err, network.ErrInviteExpired)
}

func TestR24_ThePhoneOfTwoPartnersIsSettledForEach(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(20, "Beta")})
	a := w.join(t, noticeOf(row(20, "Acme")), person(20), anew("Acme"))
	b := w.join(t, noticeOf(row(20, "Beta")), person(20), anew("Beta"))
	if a.Partner.ID == b.Partner.ID || a.Corp.ID == b.Corp.ID {
		t.Errorf("got %+v and %+v, want two memberships", a, b)
	}
}

func TestR15_ALinkForTwentyAdmitsTwentyOfTwoHundredAtOnce(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	link := w.link(t, network.Invite{MaxUses: 20})
	got := atOnce(200, func(i int) error {
		_, err := w.Join(t.Context(), link, person(100+i), anew(fmt.Sprintf("Corp %d", i)), noon)
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 20, "invite_exhausted": 180})
	n, err := w.JoinedPartners(t.Context(), chainID)
	must(t, err)
	i, err := w.Invite(t.Context(), chainID, link.Invite)
	must(t, err)
	same(t, "partners, uses", []int{n, i.Uses}, []int{20, 20})
	same(t, "events", len(w.told(t)), 20)
}

func TestR15_OnePersonFiftyTimesAtOnceIsOneMembership(t *testing.T) {
	t.Parallel()
	w := setup(t)
	link := w.link(t, network.Invite{MaxUses: 50})
	var mu sync.Mutex
	ids, firsts := map[string]bool{}, 0
	got := atOnce(50, func(int) error {
		a, err := w.Join(t.Context(), link, person(7), anew("Seven"), noon)
		mu.Lock()
		defer mu.Unlock()
		ids[a.Contact.MembershipID()+a.Corp.ID] = true
		if !a.Repeat {
			firsts++
		}
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 50})
	i, err := w.Invite(t.Context(), chainID, link.Invite)
	must(t, err)
	same(t, "memberships, first ones, uses", []int{len(ids), firsts, i.Uses}, []int{1, 1, 1})
}

func TestR15_ColleaguesOfOneCorpAllComeInAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	link := w.link(t, network.Invite{})
	a, _ := w.partner(t, 7)
	for i := range 30 {
		w.colleague(t, a.Corp.ID, 100+i, network.Staff)
	}
	got := atOnce(30, func(i int) error {
		_, err := w.Join(t.Context(), link, person(100+i), Choice{Corp: a.Corp.ID}, noon)
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 30})
	p := w.partnerNow(t, a.Partner.ID)
	same(t, "joined, contacts, people", []int{p.Joined, p.Contacts, len(p.People)}, []int{31, 31, 31})
}

func TestR23_TwoContactsWhoMakeTheCorpAtOnceEndWithOne(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var all []network.RosterRow
	for round := range 5 {
		all = append(all, row(2*round+20, fmt.Sprint("Acme ", round)), row(2*round+21, fmt.Sprint("Acme ", round)))
	}
	w.importRows(t, 1, all)
	for round := range 5 {
		var corps [2]string
		got := atOnce(2, func(i int) error {
			r := all[2*round+i]
			a, err := w.Join(t.Context(), noticeOf(r), person(20+2*round+i), anew([]string{"One", "Two"}[i]), noon)
			corps[i] = a.Corp.ID
			return err
		})
		same(t, "answers", got, map[string]int{"ok": 2})
		same(t, "corp", corps[0], corps[1])
		if c := w.corpNow(t, corps[0]); c.Admins != 1 {
			t.Errorf("got %d super-admins, want 1", c.Admins)
		}
	}
}

func TestR47_ThreeOfTwentyPartnersJoinAChainForThree(t *testing.T) {
	t.Parallel()
	w := setupWith(t, func(c *network.Chain) { c.PartnerLimit = 3 })
	ctx := t.Context()
	link := w.link(t, network.Invite{MaxUses: 100})
	in := make([]network.Admission, 20)
	got := atOnce(20, func(i int) (err error) {
		in[i], err = w.Join(ctx, link, person(100+i), anew(fmt.Sprintf("Corp %d", i)), noon)
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 3, "quota_exceeded": 17})
	i, err := w.Invite(ctx, chainID, link.Invite)
	must(t, err)
	same(t, "uses", i.Uses, 3) // R47: nothing spent

	// A place that is given back is one that can be had: by removal, and by the last who leaves.
	full := 0
	for n, a := range in {
		if a.Partner.ID == "" {
			continue
		}
		who := network.Person{ID: a.Contact.Person, Phone: a.Contact.Phone}
		if full++; full == 1 {
			must(t, w.RemovePartner(ctx, chainID, a.Partner.ID, 0, noon.Add(time.Minute)))
		} else {
			must(t, w.Leave(ctx, chainID, a.Partner.ID, who.ID, noon.Add(time.Minute)))
		}
		if _, err := w.Join(ctx, link, person(200+n), anew("Next"), noon); err != nil {
			t.Errorf("got %v, want to get in", err)
		}
	}
	_, err = w.Join(ctx, link, person(300), anew("One more"), noon)
	wants(t, "one more", err, network.ErrQuotaExceeded)
	w.state(t)
}

func TestR47_TheLastPlaceIsAllOfAPartnersPeoples(t *testing.T) {
	t.Parallel()
	w := setupWith(t, func(c *network.Chain) { c.PartnerLimit = 1 })
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Acme"), row(22, "Acme"), row(23, "Acme")})
	got := atOnce(4, func(i int) error {
		r := row(20+i, "Acme")
		_, err := w.Join(t.Context(), noticeOf(r), person(20+i), anew("Acme"), noon)
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 4})
}

func TestR46_APartnerHasNoMorePeopleThanItMay(t *testing.T) {
	t.Parallel()
	w := setupWith(t, func(c *network.Chain) { c.PeopleLimit = 5 })
	link := w.link(t, network.Invite{})
	a, _ := w.partner(t, 7)
	for i := range 12 {
		w.colleague(t, a.Corp.ID, 100+i, network.Staff)
	}
	got := atOnce(12, func(i int) error {
		_, err := w.Join(t.Context(), link, person(100+i), Choice{Corp: a.Corp.ID}, noon)
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 4, "quota_exceeded": 8})
	same(t, "joined", w.partnerNow(t, a.Partner.ID).Joined, 5)
}

func TestR38_RemovalClosesAccessAndR18_NoTokenFromBeforeReopensIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Acme")})
	old := w.link(t, network.Invite{})
	a := w.join(t, noticeOf(row(20, "Acme")), person(20), anew("Acme"))
	w.join(t, noticeOf(row(21, "Acme")), person(21), Choice{New: &network.Corp{Name: "Acme"}})
	must(t, w.RemovePartner(ctx, chainID, a.Partner.ID, 0, noon.Add(2*time.Hour)))
	wants(t, "once more", w.RemovePartner(ctx, chainID, a.Partner.ID, 0, noon), network.ErrNotFound)
	for _, n := range []int{20, 21} {
		_, err := w.Actor(ctx, person(n), "", chainID)
		wants(t, "R38 access", err, network.ErrNotFound)
	}
	page, _, err := w.Partners(ctx, chainID, PartnerQuery{Limit: 50})
	must(t, err)
	same(t, "partners listed", len(page), 0)
	wants(t, "leaving", w.Leave(ctx, chainID, a.Partner.ID, person(20).ID, noon), network.ErrNotFound)

	later := noon.Add(3 * time.Hour)
	for name, ticket := range map[string]network.Ticket{"the notice": noticeOf(row(20, "Acme")), "a link from before": old} {
		_, err := w.Join(ctx, ticket, person(20), Choice{Corp: a.Corp.ID}, later)
		wants(t, "R18 "+name, err, network.ErrInviteRevoked)
	}

	// A new roster names them again: a new epoch, a new token.
	imp, sum, err := roster{id: importID(2), rows: []network.RosterRow{row(20, "Acme")}, at: later}.run(ctx, w.Store)
	must(t, err)
	same(t, "made anew", []int{sum.Created, sum.Notices}, []int{1, 1})
	_, err = w.Actor(ctx, person(20), "", chainID)
	wants(t, "R38 access by being named again", err, network.ErrNotFound)
	_, err = w.Join(ctx, noticeOf(row(20, "Acme")), person(20), Choice{Corp: a.Corp.ID}, later)
	wants(t, "R18 the first notice", err, network.ErrInviteRevoked)
	told, _, err := w.Recipients(ctx, chainID, imp.ID, 0)
	must(t, err)
	anew := noticeOf(row(20, "Acme"))
	anew.Version = told[0].TokenVersion
	b, err := w.Join(ctx, anew, person(20), Choice{Corp: a.Corp.ID}, later.Add(time.Minute))
	must(t, err)
	same(t, "epoch", []int{b.Partner.Epoch, b.Contact.Epoch, b.Partner.Joined}, []int{1, 1, 1})
	_, err = w.Actor(ctx, person(20), "", chainID)
	must(t, err)
	_, err = w.Actor(ctx, person(21), "", chainID)
	wants(t, "R38 a colleague of the epoch before", err, network.ErrNotFound)
	// Their membership was of the epoch before: there is nothing to leave, and nobody else's count goes down.
	wants(t, "leaving an epoch that is over", w.Leave(ctx, chainID, a.Partner.ID, person(21).ID, later), network.ErrNotFound)
	same(t, "joined", w.partnerNow(t, a.Partner.ID).Joined, 1)
}

func TestR38_AColleagueWhomAnOldRosterNamedJoinsTheNewEpoch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Acme")})
	a := w.join(t, noticeOf(row(20, "Acme")), person(20), anew("Acme"))
	must(t, w.RemovePartner(ctx, chainID, a.Partner.ID, 0, noon.Add(2*time.Hour)))
	later := noon.Add(day)
	imp, _, err := roster{id: importID(2), rows: []network.RosterRow{row(20, "Acme")}, at: later}.run(ctx, w.Store) // without 21
	must(t, err)
	told, _, err := w.Recipients(ctx, chainID, imp.ID, 0)
	must(t, err)
	back := noticeOf(row(20, "Acme"))
	back.Version = told[0].TokenVersion
	_, err = w.Join(ctx, back, person(20), Choice{Corp: a.Corp.ID}, later.Add(time.Hour))
	must(t, err)
	w.colleague(t, a.Corp.ID, 21, network.Staff)
	_, err = w.Join(ctx, noticeOf(row(21, "Acme")), person(21), Choice{Corp: a.Corp.ID}, later.Add(time.Hour))
	wants(t, "R18 their notice", err, network.ErrInviteRevoked)
	b, err := w.Join(ctx, w.link(t, network.Invite{CreatedAt: later}), person(21), Choice{Corp: a.Corp.ID}, later.Add(time.Hour))
	must(t, err)
	same(t, "partner, joined", []any{b.Partner.ID, w.partnerNow(t, a.Partner.ID).Joined}, []any{a.Partner.ID, 2})
}

func TestR33_AWithdrawnPartnersNoticeIsNone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Acme")})
	notice := noticeOf(row(20, "Acme"))
	must(t, w.RemovePartner(ctx, chainID, notice.Partner, 0, noon))
	_, err := w.Join(ctx, notice, person(20), anew("Acme"), noon)
	wants(t, "the notice", err, network.ErrInviteRevoked)
	// By a link they are strangers: each makes a corp of their own.
	link := w.link(t, network.Invite{})
	a := w.join(t, link, person(20), anew("Acme"))
	b := w.join(t, link, person(21), anew("Acme"))
	if a.Corp.ID == b.Corp.ID || a.Partner.ID == notice.Partner {
		t.Errorf("got %s and %s, want two corps and no roster's partner", a.Corp.ID, b.Corp.ID)
	}
}

func TestAContactWithoutAPartnerIsAStranger(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme")})
	notice := noticeOf(row(20, "Acme"))
	tx := w.tx()
	tx.remove(partnerKey(chainID, notice.Partner), "", nil)
	_, _, err := tx.send(ctx)
	must(t, err)
	_, err = w.Join(ctx, notice, person(20), anew("Acme"), noon)
	wants(t, "by the notice", err, network.ErrInviteRevoked)
	a := w.join(t, w.link(t, network.Invite{}), person(20), anew("Acme"))
	same(t, "partner", a.Partner.ID, network.CorpPartnerID(chainID, a.Corp.ID))
}

func TestR16_WhatWasCommittedBetweenAJoinsReadAndItsWriteWins(t *testing.T) {
	t.Parallel()
	only, school := network.ImportedOnly, network.Schooling
	for name, test := range map[string]struct {
		link network.Invite
		do   func(ctx context.Context, w *world, s *Store, link network.Ticket) error
		want error
	}{
		"nothing": {network.Invite{}, func(context.Context, *world, *Store, network.Ticket) error { return nil }, nil},
		"the link is revoked": {network.Invite{}, func(ctx context.Context, _ *world, s *Store, link network.Ticket) error {
			_, err := s.RevokeInvite(ctx, chainID, link.Invite, noon)
			return err
		}, network.ErrInviteRevoked},
		"the link for five is revoked": {network.Invite{MaxUses: 5}, func(ctx context.Context, _ *world, s *Store, link network.Ticket) error {
			_, err := s.RevokeInvite(ctx, chainID, link.Invite, noon)
			return err
		}, network.ErrInviteRevoked},
		"the last use is spent": {network.Invite{MaxUses: 1}, func(ctx context.Context, _ *world, s *Store, link network.Ticket) error {
			_, err := s.Join(ctx, link, person(50), anew("Fifty"), noon)
			return err
		}, network.ErrInviteExhausted},
		"the policy is switched": {network.Invite{}, func(ctx context.Context, w *world, s *Store, _ network.Ticket) error {
			_, err := s.EditChain(ctx, w.chain, network.ChainEdit{JoinPolicy: &only}, noon)
			return err
		}, network.ErrNotImported},
		"the chain is dissolved": {network.Invite{}, func(ctx context.Context, _ *world, s *Store, _ network.Ticket) error {
			return s.DissolveChain(ctx, chainID, 0, noon)
		}, network.ErrChainDissolved},
		"R04 the corp becomes a school": {network.Invite{}, func(ctx context.Context, _ *world, s *Store, _ network.Ticket) error {
			c, err := s.Corp(ctx, "co0000000000000007")
			if err == nil {
				_, err = s.EditCorp(ctx, c, CorpEdit{Industry: &school})
			}
			return err
		}, network.ErrCorpNotEligible},
		"R04 the owner becomes a school": {network.Invite{}, func(ctx context.Context, w *world, s *Store, _ network.Ticket) error {
			_, err := s.EditCorp(ctx, w.owner, CorpEdit{Industry: &school})
			return err
		}, network.ErrCorpNotEligible},
		"the person is taken out of the corp": {network.Invite{}, func(ctx context.Context, _ *world, s *Store, _ network.Ticket) error {
			return s.RemoveMember(ctx, "co0000000000000007", person(8).ID)
		}, network.ErrNotAMember},
		"a colleague is taken out of the corp": {network.Invite{Note: "in"}, func(ctx context.Context, _ *world, s *Store, _ network.Ticket) error {
			return s.RemoveMember(ctx, "co0000000000000007", person(8).ID)
		}, network.ErrNotAMember},
		"R38 a colleague's corp is removed": {network.Invite{Note: "in"}, func(ctx context.Context, _ *world, s *Store, _ network.Ticket) error {
			return s.RemovePartner(ctx, chainID, network.CorpPartnerID(chainID, "co0000000000000007"), 0, noon)
		}, network.ErrInviteRevoked},
		"a colleague comes first": {network.Invite{}, func(ctx context.Context, _ *world, s *Store, link network.Ticket) error {
			_, err := s.Join(ctx, link, person(7), Choice{Corp: "co0000000000000007"}, noon)
			return err
		}, nil},
		"the person comes by another tab": {network.Invite{MaxUses: 5}, func(ctx context.Context, _ *world, s *Store, link network.Ticket) error {
			_, err := s.Join(ctx, link, person(8), Choice{Corp: "co0000000000000007"}, noon)
			return err
		}, nil},
		"R34 the group goes": {network.Invite{Group: 2}, func(ctx context.Context, _ *world, s *Store, _ network.Ticket) error {
			return s.DeleteGroup(ctx, chainID, 2, 3, 0, nil)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			north, south := w.group(t, "North", 1), w.group(t, "South", 1)
			c, first := w.corp(t, 7)
			p := w.colleague(t, c.ID, 8, network.Staff)
			link := w.link(t, test.link)
			if test.link.Note == "in" {
				w.join(t, link, first, Choice{Corp: c.ID})
			}
			past := New(dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT")), w.tb.Name) // past Break
			w.tb.Reset()
			var did error
			w.tb.Break = func(op string, n int) dynamotest.Fault {
				if op == "TransactWriteItems" && n == 1 {
					did = test.do(t.Context(), w, past, link)
				}
				return dynamotest.None
			}
			a, err := w.Join(t.Context(), link, p, Choice{Corp: c.ID}, noon)
			must(t, did)
			wants(t, "the join", err, test.want)
			if test.want != nil {
				if _, err := w.Actor(t.Context(), p, c.ID, chainID); err == nil {
					t.Error("got in, want nobody in")
				}
			} else if test.link.Group == north && w.partnerNow(t, a.Partner.ID).Group != south {
				t.Errorf("got group %d, want %d", w.partnerNow(t, a.Partner.ID).Group, south)
			}
			w.state(t)
		})
	}
}

func TestR39_APartnerWhoseLastPersonLeavesIsKeptEmptyAndCanFillAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	link := w.link(t, network.Invite{})
	a, p := w.partner(t, 7)
	q := w.colleague(t, a.Corp.ID, 8, network.Staff)
	w.join(t, link, q, Choice{Corp: a.Corp.ID})
	must(t, w.Leave(ctx, chainID, a.Partner.ID, p.ID, noon.Add(2*time.Hour)))
	same(t, "with one left", w.partnerNow(t, a.Partner.ID).State, network.PartnerJoined)
	wants(t, "leaving twice", w.Leave(ctx, chainID, a.Partner.ID, p.ID, noon), network.ErrNotFound)
	_, err := w.Actor(ctx, p, "", chainID)
	wants(t, "who left", err, network.ErrNotFound)
	must(t, w.Leave(ctx, chainID, a.Partner.ID, q.ID, noon.Add(2*time.Hour)))
	is := w.partnerNow(t, a.Partner.ID)
	n, err := w.JoinedPartners(ctx, chainID)
	must(t, err)
	same(t, "with none", []any{is.State, is.Joined, is.Contacts, n}, []any{network.PartnerEmpty, 0, 2, 0})

	_, err = w.Join(ctx, link, p, Choice{Corp: a.Corp.ID}, noon.Add(3*time.Hour))
	wants(t, "R18 by a link from before", err, network.ErrInviteRevoked)
	b, err := w.Join(ctx, w.link(t, network.Invite{CreatedAt: noon.Add(3 * time.Hour)}), p, Choice{Corp: a.Corp.ID}, noon.Add(4*time.Hour))
	must(t, err)
	is = w.partnerNow(t, a.Partner.ID)
	same(t, "filled again", []any{is.State, is.Joined, is.Contacts, is.JoinedAt}, []any{network.PartnerJoined, 1, 2, noon.Add(time.Hour)})
	if b.Contact.MembershipID() == a.Contact.MembershipID() {
		t.Error("got the first membership, want a new one")
	}
}

func TestLeavingAllAtOnceLeavesTheRightCount(t *testing.T) {
	t.Parallel()
	w := setup(t)
	link := w.link(t, network.Invite{})
	a, p := w.partner(t, 7)
	people := []network.Person{p}
	for i := range 5 {
		people = append(people, w.colleague(t, a.Corp.ID, 100+i, network.Staff))
		w.join(t, link, people[i+1], Choice{Corp: a.Corp.ID})
	}
	got := atOnce(len(people), func(i int) error { return w.Leave(t.Context(), chainID, a.Partner.ID, people[i].ID, noon.Add(day)) })
	is := w.partnerNow(t, a.Partner.ID)
	if got["ok"]+got["busy"] != len(people) || is.Joined != len(people)-got["ok"] {
		t.Errorf("got %v and %d left", got, is.Joined)
	}
	w.state(t)
}

func TestAJoinThatIsCancelledSaysSo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err := w.Join(ctx, w.link(t, network.Invite{}), person(7), anew("Seven"), noon)
	if err == nil {
		t.Error("got nil, want an error")
	}
}

func TestR23_TheOwnerOfAChainPutsNobodyIntoAPartnersOwnCorp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Acme")})
	a, err := w.Join(ctx, noticeOf(row(20, "Acme")), person(20), anew("Acme"), noon)
	must(t, err)
	// Who was on the same roster, a moment later, and who is put on it half a year later.
	late := noon.Add(180 * day)
	_, _, err = roster{id: importID(2), rows: []network.RosterRow{row(66, "Acme")}, at: late}.run(ctx, w.Store)
	must(t, err)
	for name, join := range map[string]struct {
		who int
		at  time.Time
	}{"of the same roster, two minutes later": {21, noon.Add(2 * time.Minute)}, "of a later roster": {66, late.Add(time.Hour)}} {
		_, err = w.Join(ctx, noticeOf(row(join.who, "Acme")), person(join.who), anew("Whatever"), join.at)
		wants(t, name, err, network.ErrPartnerConflict)
	}
	page, _, err := w.Members(ctx, a.Corp.ID, "", 10)
	must(t, err)
	same(t, "members of the partner's corp", len(page), 1)
	// Whom the corp itself takes in may join as a colleague.
	w.colleague(t, a.Corp.ID, 21, network.Staff)
	b, err := w.Join(ctx, noticeOf(row(21, "Acme")), person(21), Choice{Corp: a.Corp.ID}, noon.Add(time.Hour))
	must(t, err)
	same(t, "corp", b.Corp.ID, a.Corp.ID)
}

func TestR18_ALinkFromBeforeARemovalReadmitsNobodyOfThatCorpAlsoWhenAColleagueIsBack(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	old := w.link(t, network.Invite{})
	a, p := w.partner(t, 7)
	q := w.colleague(t, a.Corp.ID, 8, network.Staff)
	w.join(t, old, q, Choice{Corp: a.Corp.ID})
	must(t, w.RemovePartner(ctx, chainID, a.Partner.ID, 0, noon.Add(2*time.Hour)))
	_, err := w.Join(ctx, old, q, Choice{Corp: a.Corp.ID}, noon.Add(3*time.Hour))
	wants(t, "a colleague after the removal", err, network.ErrInviteRevoked)
	fresh := w.link(t, network.Invite{CreatedAt: noon.Add(4 * time.Hour), MaxUses: 2})
	_, err = w.Join(ctx, fresh, p, Choice{Corp: a.Corp.ID}, noon.Add(5*time.Hour))
	must(t, err)
	_, err = w.Join(ctx, old, q, Choice{Corp: a.Corp.ID}, noon.Add(6*time.Hour))
	wants(t, "a colleague when another is back", err, network.ErrInviteRevoked)
	_, err = w.Actor(ctx, q, a.Corp.ID, chainID)
	wants(t, "their access", err, network.ErrNotFound)
	again, err := w.Join(ctx, old, p, Choice{Corp: a.Corp.ID}, noon.Add(6*time.Hour))
	must(t, err)
	same(t, "who is back, again", again.Repeat, true) // R15
	_, err = w.Join(ctx, fresh, q, Choice{Corp: a.Corp.ID}, noon.Add(6*time.Hour))
	must(t, err)
	same(t, "place", w.corpNow(t, a.Corp.ID).Places[chainID], network.Place{Side: network.Guest, Partner: a.Partner.ID, Epoch: 1, RemovedAt: noon.Add(2 * time.Hour)})
}

func TestR02_WhoHasJoinedByARosterMakesOneMoreCorpByALink(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme")})
	a := w.join(t, noticeOf(row(20, "Acme")), person(20), anew("Acme"))
	link := w.link(t, network.Invite{})
	b := w.join(t, link, person(20), anew("My Own Workshop"))
	if b.Repeat || b.Corp.Name != "My Own Workshop" || b.Corp.ID == a.Corp.ID {
		t.Errorf("got %+v, want a membership under the corp that was asked for", b)
	}
	for ticket, corp := range map[network.Ticket]string{noticeOf(row(20, "Acme")): a.Corp.ID, link: b.Corp.ID} {
		again := w.join(t, ticket, person(20), anew(map[string]string{a.Corp.ID: "Acme", b.Corp.ID: "My Own Workshop"}[corp]))
		same(t, "R15 again", []any{again.Repeat, again.Corp.ID}, []any{true, corp})
	}
}

func TestAnImportThatNamesAColleagueAsTheyJoinCountsThemOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme")})
	a := w.join(t, noticeOf(row(20, "Acme")), person(20), anew("Acme"))
	q := w.colleague(t, a.Corp.ID, 21, network.Staff)
	link, named := w.link(t, network.Invite{}), row(21, "Acme")
	past := New(dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT")), w.tb.Name)
	w.tb.Reset()
	var did error
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n == 1 { // as an import's chunk does: the partner knows of them, their contact is to follow
			var is partnerItem
			if is, did = past.partnerItem(ctx, chainID, a.Partner.ID); did == nil {
				is.People[q.ID], is.Card.Contacts, is.Edition = named.Fingerprint(), 2, is.Edition+1
				tx := past.tx()
				tx.put(is, "", nil)
				_, _, did = tx.send(ctx)
			}
		}
		return dynamotest.None
	}
	_, err := w.Join(ctx, link, q, Choice{Corp: a.Corp.ID}, noon.Add(time.Hour))
	w.tb.Break = nil
	must(t, did)
	must(t, err)
	p := w.partnerNow(t, a.Partner.ID)
	same(t, "joined, contacts, people", []int{p.Joined, p.Contacts, len(p.People)}, []int{2, 2, 2})
	same(t, "the roster's fingerprint", p.People[q.ID], named.Fingerprint())
}

func TestR16_AnInviteThatEndsBetweenTwoTriesOfAJoinAdmitsNobody(t *testing.T) {
	t.Parallel()
	w := setup(t)
	link := w.link(t, network.Invite{Own: time.Hour})
	w.tb.Reset()
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n <= 3 { // which it waits for 35 ms at least
			return dynamotest.Conflict
		}
		return dynamotest.None
	}
	_, err := w.Join(t.Context(), link, person(7), anew("Seven"), noon.Add(time.Hour-20*time.Millisecond))
	wants(t, "a join that had to try again", err, network.ErrInviteExpired)
}

func TestR16_AJoinWaitsForWhoTurnsTheGates(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	link := w.link(t, network.Invite{})
	must(t, w.holdJoins(ctx, chainID, 2))
	past := New(dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT")), w.tb.Name)
	w.tb.Reset()
	var did error
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "BatchGetItem" && n == 2 { // it has seen the mark, and comes again
			_, did = past.RevokeInvite(ctx, chainID, link.Invite, noon)
		}
		return dynamotest.None
	}
	_, err := w.Join(ctx, link, person(7), anew("Seven"), noon)
	must(t, did)
	wants(t, "the join", err, network.ErrInviteRevoked)
	same(t, "its writes", w.tb.Meter().ByOp["TransactWriteItems"], 0)
	w.tb.Break = nil
	if _, marked := w.tb.Items(t)[chainKey(chainID).PK+"|"+chainKey(chainID).SK]["Turning"]; marked {
		t.Error("the gates are turned, and joins still wait")
	}
	// Who has died over it holds nobody for good.
	must(t, w.holdJoins(ctx, chainID, 2))
	w.join(t, w.link(t, network.Invite{}), person(8), anew("Eight"))
}
