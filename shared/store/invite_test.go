package store

import (
	"fmt"
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
	odd := func(i network.Invite) bool { return (i.ID[len(i.ID)-1]-'0')%2 == 1 }
	for limit := 1; limit < 9; limit++ {
		got := ""
		for cursor := ""; ; {
			page, next, err := w.Invites(t.Context(), chainID, cursor, limit, odd)
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
	_, _, err := w.Invites(t.Context(), chainID, "*", 5, odd)
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
