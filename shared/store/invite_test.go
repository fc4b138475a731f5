package store

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

func TestAnInviteIsAsItWasMade(t *testing.T) {
	t.Parallel()
	w := setup(t)
	want := network.Invite{ID: "in0000000000000001", Chain: chainID, Kind: "qr", Group: 1, MaxUses: 5, Own: time.Hour, Phone: "+8613900000009", Corp: "co0000000000000009",
		Note: "for the fair", Maker: w.boss.ID, MakerName: "Li 0", MakerCorp: w.owner.ID, CreatedAt: noon, Version: 1}
	_, err := w.CreateInvite(t.Context(), w.chain, want, Once{})
	must(t, err)
	got, err := w.Invite(t.Context(), chainID, want.ID)
	must(t, err)
	same(t, "invite", got, want)
	_, err = w.Invite(t.Context(), "ch0000000000000099", want.ID)
	wants(t, "R37 under another chain", err, network.ErrNotFound)
}

func TestAnInviteWhoseAnswerWasLostIsMadeOnceAndStaysRevoked(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	link := w.link(t, network.Invite{})
	_, err := w.RevokeInvite(ctx, chainID, link.Invite, noon)
	must(t, err)
	// The first try's repeat comes late.
	_, err = w.CreateInvite(ctx, w.chain, network.Invite{ID: link.Invite, Chain: chainID, Kind: "link", Group: 1, CreatedAt: noon, Version: 1}, Once{})
	must(t, err)
	i, err := w.Invite(ctx, chainID, link.Invite)
	must(t, err)
	same(t, "revoked", i.RevokedAt, noon)

	w.tb.Reset()
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		return map[bool]dynamotest.Fault{true: dynamotest.After}[n == 1]
	}
	_, err = w.on(w.tb.Retrying(3)).CreateInvite(ctx, w.chain, network.Invite{ID: "in0000000000000009", Chain: chainID, Kind: "link", Group: 1, CreatedAt: noon, Version: 1}, Once{})
	must(t, err)
}

func TestInvitesArePagedNewestFirst(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 7 {
		w.link(t, network.Invite{})
	}
	odd := Sought{And: func(i network.Invite) bool { return (i.ID[len(i.ID)-1]-'0')%2 == 1 }}
	for limit := 1; limit < 9; limit++ {
		got := ""
		for cursor := ""; ; {
			page, next, err := w.Invites(t.Context(), w.chain, odd, cursor, limit, noon)
			must(t, err)
			for _, i := range page {
				got += i.ID[len(i.ID)-1:]
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		same(t, fmt.Sprintf("by %d", limit), got, "7531")
	}
	_, _, err := w.Invites(t.Context(), w.chain, odd, "*", 5, noon)
	same(t, "a cursor of nobody's", network.KindOf(err), network.Invalid)
}

func TestR19_RevokedIsRevokedOnceAndForAll(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	link := w.link(t, network.Invite{})
	for _, at := range []time.Time{noon, noon.Add(time.Hour)} {
		i, err := w.RevokeInvite(ctx, chainID, link.Invite, at)
		must(t, err)
		same(t, "revoked at", i.RevokedAt, noon)
	}
	_, err := w.RevokeInvite(ctx, chainID, "in0000000000000099", noon)
	wants(t, "what isn't there", err, network.ErrNotFound)
	c, p := w.corp(t, 7)
	_, err = w.Join(ctx, link, p, Choice{Corp: c.ID}, noon)
	wants(t, "joining by it", err, network.ErrInviteRevoked)
	due, err := w.Due(ctx, noon.Add(100*day), 10, new(DuePage))
	must(t, err)
	same(t, "due", len(due), 0)
}

func TestR09_AllInvitesOfAMakerEndTogetherMoreThanATransactionHolds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	for range 170 {
		w.link(t, network.Invite{Maker: person(7).ID})
	}
	w.link(t, network.Invite{})
	live := func(maker string) bool {
		some, err := w.LiveInvites(ctx, w.chainNow(t), noon, func(i network.Invite) bool { return i.Maker == maker })
		must(t, err)
		return some
	}
	mine := func(i network.Invite) bool { return i.Maker == person(7).ID }
	same(t, "live before", []bool{live(person(7).ID), live(w.boss.ID)}, []bool{true, true})
	must(t, w.RevokeInvites(ctx, chainID, mine, noon))
	same(t, "live after", []bool{live(person(7).ID), live(w.boss.ID)}, []bool{false, true})
	w.tb.Reset()
	must(t, w.RevokeInvites(ctx, chainID, mine, noon))
	same(t, "units written by once more", w.tb.Meter().WriteUnits, 0)
}

func TestR14_ALookSaysWhatAJoinWouldSay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	north := w.group(t, "North", 1)
	full := w.link(t, network.Invite{MaxUses: 1})
	c, p := w.corp(t, 7)
	w.join(t, full, p, Choice{Corp: c.ID})
	revoked := w.link(t, network.Invite{})
	_, err := w.RevokeInvite(ctx, chainID, revoked.Invite, noon)
	must(t, err)
	w.importRows(t, 1, []network.RosterRow{row(9, "Nine", "North")})
	notice := noticeOf(row(9, "Nine"))
	live := w.link(t, network.Invite{Group: north})
	older := live
	older.Version = 9
	noticeOlder := notice
	noticeOlder.Version = 9
	for name, test := range map[string]struct {
		ticket network.Ticket
		at     time.Duration
		want   error
		group  string
	}{
		"live":             {live, 7*day - 1, nil, "North"},
		"expired":          {live, 7 * day, network.ErrInviteExpired, ""},
		"of another token": {older, 0, network.ErrInviteRevoked, ""},
		"revoked":          {revoked, 0, network.ErrInviteRevoked, ""},
		"used up":          {full, 0, network.ErrInviteExhausted, ""},
		"notice":           {notice, 0, nil, "North"},
		"notice, expired":  {notice, 8 * day, network.ErrInviteExpired, ""},
		"notice, not so":   {noticeOlder, 0, network.ErrInviteRevoked, ""},
	} {
		w.tb.Reset()
		l, err := w.Look(ctx, test.ticket, noon.Add(test.at))
		must(t, err)
		if !sameError(l.Err, test.want) || l.Group != test.group {
			t.Errorf("%s: got %v in %q, want %v in %q", name, l.Err, l.Group, test.want, test.group)
		}
		if w.tb.Meter().WriteUnits != 0 {
			t.Errorf("R13 %s: a look wrote", name)
		}
		if test.want != nil {
			who, choice := person(8), anew("Eight")
			if test.ticket.IsNotice() {
				who = person(9)
			}
			_, err = w.Join(ctx, test.ticket, who, choice, noon.Add(test.at))
			wants(t, name+": a join", err, test.want)
		}
	}
	// R18: it is for a corp that was removed since.
	olds := []network.Ticket{w.link(t, network.Invite{Corp: c.ID}), w.link(t, network.Invite{Corp: c.ID, Group: north})}
	removed := noon.Add(time.Hour)
	for _, old := range olds {
		l, err := w.Look(ctx, old, noon)
		must(t, err)
		wants(t, "for a corp that is in", l.Err, nil)
	}
	must(t, w.RemovePartner(ctx, chainID, network.CorpPartnerID(chainID, c.ID), 0, removed))
	for _, old := range olds {
		l, err := w.Look(ctx, old, removed)
		must(t, err)
		wants(t, "for a corp that was removed", l.Err, network.ErrInviteRevoked)
		_, err = w.Join(ctx, old, p, Choice{Corp: c.ID}, removed)
		wants(t, "for a corp that was removed: a join", err, network.ErrInviteRevoked)
	}
	l, err := w.Look(ctx, w.link(t, network.Invite{Corp: c.ID, Group: north, CreatedAt: removed.Add(time.Hour)}), removed.Add(time.Hour))
	must(t, err)
	wants(t, "for a corp, made after its removal", l.Err, nil)
	same(t, "group", l.Group, "North")
	for name, ticket := range map[string]network.Ticket{
		"no chain":   {Chain: "ch0000000000000099", Invite: live.Invite, Version: 1},
		"no invite":  {Chain: chainID, Invite: "in0000000000000099", Version: 1},
		"no contact": {Chain: chainID, Partner: notice.Partner, Person: person(3).ID, Version: 1},
		"no partner": {Chain: chainID, Partner: "pa0000000000000000", Person: notice.Person, Version: 1},
	} {
		_, err := w.Look(ctx, ticket, noon)
		wants(t, name, err, network.ErrNotFound)
	}
}

func sameError(a, b error) bool {
	return network.CodeOf(a) == network.CodeOf(b) && (a == nil) == (b == nil)
}

// R12: what a toggle costs doesn't know how many invites there are, and each lies
// as it lay.
func TestR12_AToggleRewritesNoInvite(t *testing.T) {
	t.Parallel()
	w := setup(t)
	only, open := network.ImportedOnly, network.Open
	toggle := func() float64 {
		w.tb.Reset()
		w.edit(t, network.ChainEdit{JoinPolicy: &only}, noon.Add(time.Hour))
		w.edit(t, network.ChainEdit{JoinPolicy: &open}, noon.Add(2*time.Hour))
		return w.tb.Meter().WriteUnits
	}
	none := toggle()
	for range 50 {
		w.link(t, network.Invite{})
	}
	before := w.state(t)
	many := toggle()
	after := w.state(t)
	t.Logf("two toggles: %.0f write units with no invite, %.0f with fifty", none, many)
	same(t, "write units with fifty invites", many, none)
	for k, item := range before {
		if strings.Contains(k, "#INVITES") {
			same(t, k, fmt.Sprint(after[k]), fmt.Sprint(item))
		}
	}
}

func TestR12_ThePreviewCountsWhatTheSwitchEnds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	only, open := network.ImportedOnly, network.Open
	w.edit(t, network.ChainEdit{JoinPolicy: &only}, noon)
	w.link(t, network.Invite{})                                 // seven days old
	w.link(t, network.Invite{Own: 8 * day})                     // so is this
	w.link(t, network.Invite{Own: day})                         // has ended
	w.link(t, network.Invite{CreatedAt: noon.Add(day)})         // six days old
	w.link(t, network.Invite{CreatedAt: noon.Add(time.Second)}) // a second too young
	gone := w.link(t, network.Invite{})
	_, err := w.RevokeInvite(ctx, chainID, gone.Invite, noon)
	must(t, err)
	resent := w.link(t, network.Invite{})
	_, err = w.Resend(ctx, chainID, resent.Invite, "", noon.Add(3*day))
	must(t, err)
	imp, _ := w.importRows(t, 0, []network.RosterRow{row(20, "Acme"), row(21, "Beta"), row(22, "Gamma")})
	must(t, w.TallyNotices(ctx, chainID, imp.ID, 0, network.Tally{Notified: 3, Undeliverable: 1}, noon))

	is := w.chainNow(t)
	now := noon.Add(7 * day)
	would, err := is.Apply(network.ChainEdit{JoinPolicy: &open}, now)
	must(t, err)
	before := w.state(t)
	w.tb.Reset()
	invites, notices, all, err := w.Dying(ctx, is, would, now)
	must(t, err)
	m := w.tb.Meter()
	t.Logf("a preview of 7 invites and one import: %+v", m)
	same(t, "would end", []any{invites, notices, all}, []any{2, 2, true})
	same(t, "units written", m.WriteUnits, 0)
	same(t, "what lies there", fmt.Sprint(w.state(t)), fmt.Sprint(before))

	count := func() int {
		page, _, err := w.Invites(ctx, w.chainNow(t), Sought{State: network.InviteLive}, "", 50, now)
		must(t, err)
		return len(page)
	}
	had := count()
	w.edit(t, network.ChainEdit{JoinPolicy: &open}, now)
	same(t, "and did end", had-count(), invites)
}

func TestR17_AResendIsFiledAnewAndItsEndIsToldAnew(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	ctx := t.Context()
	link := w.link(t, network.Invite{})
	same(t, "ended", w.sweep(t, noon.Add(7*day)), []string{link.Invite})
	i, err := w.Resend(ctx, chainID, link.Invite, "", noon.Add(8*day))
	must(t, err)
	same(t, "version", i.Version, 2)
	same(t, "ended before its time", w.sweep(t, noon.Add(15*day-time.Second)), []string(nil))
	same(t, "ended once more", w.sweep(t, noon.Add(15*day)), []string{link.Invite})
	same(t, "told", len(w.told(t)), 2)
	w.tb.Reset()
	_, err = w.Resend(ctx, chainID, link.Invite, "", noon.Add(16*day))
	must(t, err)
	w.costs(t, "resend a link", 4, 4, 40) // no row of the design: the gates are told
}

// R18: who was removed comes back by a new token, also of an old link, and by no
// older one.
func TestR18_AResendAfterALeaveLetsBackIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	link := w.link(t, network.Invite{})
	c, p := w.corp(t, 7)
	a := w.join(t, link, p, Choice{Corp: c.ID})
	must(t, w.Leave(ctx, chainID, a.Partner.ID, p.ID, noon.Add(time.Hour)))
	_, err := w.Join(ctx, link, p, Choice{Corp: c.ID}, noon.Add(2*time.Hour))
	wants(t, "by the old token", err, network.ErrInviteRevoked)
	_, err = w.Resend(ctx, chainID, link.Invite, "", noon.Add(3*time.Hour))
	must(t, err)
	link.Version = 2
	_, err = w.Join(ctx, link, p, Choice{Corp: c.ID}, noon.Add(4*time.Hour))
	must(t, err)
}

// A join by an unlimited link states nothing of the link: the gates must refuse
// who has read the old token before the resend.
func TestR17_AJoinUnderWayWhenTheTokenIsReplacedIsRefused(t *testing.T) {
	t.Parallel()
	for _, uses := range []int{0, 5} {
		w := setup(t)
		link := w.link(t, network.Invite{MaxUses: uses})
		c, p := w.corp(t, 7)
		other := New(dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT")), w.tb.Name) // what breaks is asked under a lock
		begun := false
		w.tb.Break = func(op string, _ int) dynamotest.Fault {
			if op == "TransactWriteItems" && !begun { // all is read
				begun = true
				if _, err := other.Resend(context.Background(), chainID, link.Invite, "", noon); err != nil {
					t.Error(err)
				}
			}
			return dynamotest.None
		}
		_, err := w.Join(t.Context(), link, p, Choice{Corp: c.ID}, noon)
		wants(t, fmt.Sprint("for ", uses), err, network.ErrInviteRevoked)
	}
}

func TestR09_TheSweepTellsTheAdopterAndNotWhoIsGone(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	ctx := t.Context()
	q := w.colleague(t, w.owner.ID, 5, network.Staff)
	link := w.link(t, network.Invite{Maker: q.ID})
	must(t, w.RevokeInvites(ctx, chainID, func(i network.Invite) bool { return i.Maker == q.ID }, noon))
	a, err := w.Actor(ctx, w.boss, w.owner.ID, chainID)
	must(t, err)
	i, err := w.Adopt(ctx, a, link.Invite, "Boss", noon.Add(time.Hour))
	must(t, err)
	same(t, "whose", []any{i.Maker, i.MakerName, i.Orphaned, i.RevokedAt.IsZero()}, []any{w.boss.ID, "Boss", false, true})
	kept, err := w.Invite(ctx, chainID, link.Invite)
	must(t, err)
	same(t, "as it is kept", kept, i)
	told := map[network.EventKind]string{}
	for _, e := range w.events(t) {
		told[e.Kind] = e.Person
	}
	same(t, "ended", w.sweep(t, noon.Add(7*day)), []string{link.Invite})
	for _, e := range w.events(t) {
		told[e.Kind] = e.Person
	}
	same(t, "who is told", told, map[network.EventKind]string{network.InviteAdopted: q.ID, network.InviteEnded: w.boss.ID})
	must(t, w.RemoveMember(ctx, w.owner.ID, q.ID))
	other := w.colleague(t, w.owner.ID, 6, network.Staff)
	must(t, w.AddAdmin(ctx, w.chainNow(t), other.ID, noon, Once{}))
	b, err := w.Actor(ctx, other, w.owner.ID, chainID)
	must(t, err)
	more := w.link(t, network.Invite{Maker: q.ID})
	must(t, w.RemoveMember(ctx, w.owner.ID, other.ID))
	_, err = w.Adopt(ctx, b, more.Invite, "Other", noon)
	wants(t, "by who is out already", err, network.ErrDenied)
}

func TestR08_WhatRulesKeepFromItsMakerAnInviteLeadsToTheRoot(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	ctx := t.Context()
	north := w.group(t, "North", 1)
	staff := w.colleague(t, w.owner.ID, 1, network.Staff)
	link := w.link(t, network.Invite{Maker: staff.ID, MakerName: staff.Name, Group: north})
	ours := w.link(t, network.Invite{Group: north})
	comes := func(n int, by network.Ticket) network.Admission {
		t.Helper()
		c, p := w.corp(t, n)
		return w.join(t, by, p, Choice{Corp: c.ID})
	}
	leads := func(by network.Ticket) string {
		t.Helper()
		l, err := w.Look(ctx, by, noon)
		must(t, err)
		return l.Group
	}
	same(t, "while they see it", comes(5, link).Partner.Group, north)
	same(t, "what a look tells", leads(link), "North")
	r := w.rule(t, network.Rule{Owner: network.OwnerSide{Members: []string{staff.ID}}, Effect: network.Hide, Partner: network.PartnerSide{Groups: []int{north}}})
	same(t, "what a look tells", leads(link), "")
	same(t, "once it is hidden", comes(6, link).Partner.Group, network.RootGroup)
	same(t, "by an admin's link", comes(7, ours).Partner.Group, north)
	must(t, w.DeleteRule(ctx, chainID, r.ID, 0, noon))
	same(t, "when it isn't hidden any more", comes(8, link).Partner.Group, north)
	same(t, "what a look tells in a chain that has had rules", leads(link), "")

	only := network.SeeByRules
	w.edit(t, network.ChainEdit{MembersSee: &only}, noon)
	same(t, "where nothing is shown without a rule", comes(9, link).Partner.Group, network.RootGroup)
	astray := 0
	for _, e := range w.events(t) {
		if e.Kind == network.Joined && e.Astray {
			astray++
		}
	}
	same(t, "joins of which the admins are to hear", astray, 2)
}

func TestR08_WhereItsMakerIsMovedAnInviteLeadsToTheRoot(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	ctx := t.Context()
	north, south := w.group(t, "North", 1), w.group(t, "South", 1)
	c, p := w.corp(t, 7)
	dealer := w.join(t, w.link(t, network.Invite{Group: north}), p, Choice{Corp: c.ID}).Partner
	link := w.link(t, network.Invite{Group: north, Maker: p.ID, MakerCorp: c.ID, MakerPartner: dealer.ID})
	link.Maker = dealer.ID
	c8, p8 := w.corp(t, 8)
	w.tb.Reset()
	same(t, "while it sees the group", w.join(t, link, p8, Choice{Corp: c8.ID}).Partner.Group, north)
	w.costs(t, "a join by a partner's link", 3, 8, 12)
	few := w.link(t, network.Invite{Group: north, Maker: p.ID, MakerCorp: c.ID, MakerPartner: dealer.ID, MaxUses: 5})
	few.Maker = dealer.ID
	c6, p6 := w.corp(t, 6)
	w.tb.Reset()
	same(t, "by one for five", w.join(t, few, p6, Choice{Corp: c6.ID}).Partner.Group, north)
	w.costs(t, "a join by a partner's link for five", 3, 8, 12)
	w.tb.Reset()
	same(t, "who makes their corp", w.join(t, link, person(5), anew("Five")).Partner.Group, north)
	w.costs(t, "a join by a partner's link with a new corp", 3, 8, 12)
	l, err := w.Look(ctx, link, noon)
	must(t, err)
	same(t, "the page says", l.Group, "North")

	_, err = w.EditPartner(ctx, w.chainNow(t), dealer.ID, network.PartnerEdit{Group: &south}, 0)
	must(t, err)
	w.tb.Reset()
	l, err = w.Look(ctx, link, noon)
	must(t, err)
	same(t, "the page says after", []any{l.Group, l.Err}, []any{"", error(nil)})
	w.costs(t, "look at a partner's link", 2, 2, 0)
	for n := 9; n < 12; n++ {
		if n == 11 {
			link.Maker = "" // a token that doesn't name it: it is asked for
		}
		cn, pn := w.corp(t, n)
		same(t, "after it was moved", w.join(t, link, pn, Choice{Corp: cn.ID}).Partner.Group, network.RootGroup)
	}
	astray := 0
	for _, e := range w.events(t) {
		if e.Kind == network.Joined {
			must(t, w.CountJoin(ctx, e))
			must(t, w.CountJoin(ctx, e)) // delivered twice
		}
	}
	for _, e := range w.events(t) {
		if e.Kind == network.InviteAstray {
			astray++
			same(t, "which", e.Invite, link.Invite)
		}
	}
	same(t, "the admins are told, times", astray, 1)

	// Back again, it sees the group again; and a group that went took both along.
	_, err = w.EditPartner(ctx, w.chainNow(t), dealer.ID, network.PartnerEdit{Group: &north}, 0)
	must(t, err)
	c12, p12 := w.corp(t, 12)
	same(t, "moved back", w.join(t, link, p12, Choice{Corp: c12.ID}).Partner.Group, north)
	must(t, w.DeleteGroup(ctx, chainID, north, south, 0, none))
	c13, p13 := w.corp(t, 13)
	same(t, "the group went south", w.join(t, link, p13, Choice{Corp: c13.ID}).Partner.Group, south)
}

// Whatever is sought, page by page it is what one finds who looks at all.
func TestInvitesAreFoundAsByWhoLooksAtAll(t *testing.T) {
	t.Parallel()
	only, open := network.ImportedOnly, network.Open
	for name, toggles := range map[string][]network.ChainEdit{
		"open":                    nil,
		"imported only":           {{JoinPolicy: &only}},
		"imported only till then": {{JoinPolicy: &only}, {JoinPolicy: &open}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			ctx := t.Context()
			now := noon.Add(200 * day)
			for n, e := range toggles {
				w.edit(t, e, noon.Add(time.Duration(n)*140*day+time.Hour))
			}
			c := w.chainNow(t)
			var links []string
			for n := range 120 { // the newest of today
				i := network.Invite{CreatedAt: now.Add(-time.Duration(119-n) * 40 * time.Hour).Add(-time.Minute), Maker: person(n % 3).ID, Group: 1 + n%2}
				switch n % 5 {
				case 1:
					i.Own = time.Duration(n) * time.Hour
				case 2:
					i.MaxUses, i.Uses = 2, 1+n%2
				}
				links = append(links, w.link(t, i).Invite)
			}
			for n := 0; n < 120; n += 7 {
				_, err := w.RevokeInvite(ctx, chainID, links[n], now)
				must(t, err)
			}
			for _, n := range []int{3, 25, 60, 61, 110, 116} {
				_, err := w.Resend(ctx, chainID, links[n], "", now.Add(-time.Duration(n)*time.Hour))
				must(t, err)
			}
			a, err := w.Actor(ctx, w.boss, w.owner.ID, chainID)
			must(t, err)
			_, err = w.Adopt(ctx, a, links[118], "Boss", now) // of person 1
			must(t, err)

			all, next, err := w.Invites(ctx, c, Sought{}, "", 200, now)
			must(t, err)
			same(t, "all", []any{len(all), next}, []any{120, ""})
			states := map[network.InviteState]int{}
			for _, i := range all {
				states[i.State(c, now)]++
			}
			t.Logf("%v", states)
			for _, which := range []Sought{
				{}, {Maker: person(0).ID}, {Maker: person(1).ID}, {Maker: person(9).ID},
				{State: network.InviteLive}, {State: network.InviteExpired}, {State: network.InviteRevoked}, {State: network.InviteExhausted},
				{Maker: person(2).ID, State: network.InviteLive}, {Maker: person(0).ID, State: network.InviteRevoked},
				{State: network.InviteLive, And: func(i network.Invite) bool { return i.Group == 2 }},
			} {
				var want []string
				for _, i := range all {
					if (which.Maker == "" || i.Maker == which.Maker) && (which.State == "" || i.State(c, now) == which.State) && (which.And == nil || which.And(i)) {
						want = append(want, i.ID)
					}
				}
				for _, limit := range []int{1, 2, 7, 50} {
					var got []string
					for cursor := ""; ; {
						page, next, err := w.Invites(ctx, c, which, cursor, limit, now)
						must(t, err)
						if next != "" && len(page) != limit {
							t.Errorf("%+v by %d: got a page of %d before the last", which, limit, len(page))
						}
						for _, i := range page {
							got = append(got, i.ID)
						}
						if cursor = next; cursor == "" {
							break
						}
					}
					if !slices.Equal(got, want) {
						t.Errorf("%s %q by %d: got %v, want %v", which.Maker, which.State, limit, got, want)
					}
				}
			}
			// Revoked by maker and moment, it is the same again.
			before := now.Add(-5 * day)
			want := 0
			for _, i := range all {
				if i.Maker == person(0).ID && i.State(c, now) == network.InviteLive && i.Since().Before(before) {
					want++
				}
			}
			got, more, err := w.RevokeMany(ctx, c, Sought{Maker: person(0).ID, Before: before}, now)
			must(t, err)
			same(t, "revoked", []any{got, more}, []any{want, false})
			if name == "imported only" && want == 0 {
				t.Error("nothing was to be revoked")
			}
		})
	}
}
