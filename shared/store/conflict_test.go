package store

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

// conflict is a roster's partner Acme that its first contact has bound to corp
// 5, and its second contact's wish for corp 7, or for a new one.
func conflict(t *testing.T, w *world, c Choice) network.Dispute {
	t.Helper()
	w.importRows(t, 1, []network.RosterRow{row(5, "Acme"), row(7, "Acme")})
	five, p := w.corp(t, 5)
	w.join(t, noticeOf(row(5, "Acme")), p, Choice{Corp: five.ID})
	_, err := w.Join(t.Context(), noticeOf(row(7, "Acme")), person(7), c, noon.Add(time.Hour))
	wants(t, "join", err, network.ErrPartnerConflict)
	all, _, err := w.Conflicts(t.Context(), chainID, network.DisputeOpen, "", 50)
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("got %d conflicts, want one", len(all))
	}
	return all[0]
}

func TestR23_AConflictIsFiledOnce(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	seven, p := w.corp(t, 7)
	d := conflict(t, w, Choice{Corp: seven.ID})
	acme := noticeOf(row(7, "Acme")).Partner
	same(t, "it", d, network.Dispute{
		ID: network.DisputeID(chainID, acme, p.ID, seven.ID), Chain: chainID, Partner: acme, PartnerName: "Acme", BoundCorp: "co0000000000000005",
		Corp: seven.ID, CorpName: "Corp 7", Person: p.ID, Name: row(7, "Acme").Contact, Phone: p.Phone, State: network.DisputeOpen, CreatedAt: noon.Add(time.Hour),
	})
	got := atOnce(20, func(int) error {
		_, err := w.Join(t.Context(), noticeOf(row(7, "Acme")), p, Choice{Corp: seven.ID}, noon.Add(2*time.Hour))
		return err
	})
	same(t, "again", got, map[string]int{"partner_conflict": 20})
	kept, err := w.Dispute(t.Context(), chainID, d.ID)
	must(t, err)
	same(t, "kept", kept, d)
	same(t, "told", slices.Contains(w.told(t), "conflict."+d.ID), true)
	_, err = w.Dispute(t.Context(), "ch0000000000000002", d.ID)
	wants(t, "in another chain (R37)", err, network.ErrNotFound)
}

func TestR23_AConflictEndsWhereAnAdminSays(t *testing.T) {
	t.Parallel()
	when := noon.Add(3 * day) // the notice may have run out by then: an admin has the word
	acme, beta := noticeOf(row(7, "Acme")).Partner, noticeOf(row(30, "Beta")).Partner
	for name, c := range map[string]struct {
		anew    bool
		before  func(t *testing.T, w *world)
		partner func(w *world) string
		want    error
		corp    string // under which they join, "" if they don't
	}{
		"a partner of their corp's own": {partner: func(*world) string { return "" }, corp: "co0000000000000007"},
		"one of a corp yet to be made":  {anew: true, partner: func(*world) string { return "" }, corp: "new"},
		"another roster partner (R21 c)": {
			before:  func(t *testing.T, w *world) { w.importRows(t, 2, []network.RosterRow{row(30, "Beta")}) },
			partner: func(*world) string { return beta }, corp: "co0000000000000007",
		},
		"the roster's own, by who is in its corp too": {
			before:  func(t *testing.T, w *world) { w.colleague(t, "co0000000000000005", 7, network.Staff) },
			partner: func(*world) string { return acme }, corp: "co0000000000000005",
		},
		"the roster's own, by who isn't in its corp": {partner: func(*world) string { return acme }},
		"a partner that there isn't":                 {partner: func(*world) string { return network.CorpPartnerID(chainID, "co0000000000000099") }, want: network.ErrNotFound},
		"a partner that another corp is": {
			before:  func(t *testing.T, w *world) { w.partner(t, 9) },
			partner: func(*world) string { return network.CorpPartnerID(chainID, "co0000000000000009") }, want: network.ErrPartnerConflict,
		},
		"who has left the corp that they chose": {
			before: func(t *testing.T, w *world) {
				w.colleague(t, "co0000000000000007", 9, network.SuperAdmin)
				must(t, w.RemoveMember(t.Context(), "co0000000000000007", person(7).ID))
			},
			partner: func(*world) string { return "" }, want: network.ErrConflict,
		},
		"a corp that is a school now": {
			before: func(t *testing.T, w *world) {
				_, err := w.EditCorp(t.Context(), w.corpNow(t, "co0000000000000007"), CorpEdit{Industry: ptr(network.Schooling)})
				must(t, err)
			},
			partner: func(*world) string { return "" }, want: network.ErrCorpNotEligible,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			seven, p := w.corp(t, 7)
			choice := Choice{Corp: seven.ID}
			if c.anew {
				choice = anew("Seven")
			}
			d := conflict(t, w, choice)
			if c.before != nil {
				c.before(t, w)
			}
			before := w.state(t)
			got, in, err := w.ResolveConflict(t.Context(), chainID, d.ID, c.partner(w), w.boss.ID, when)
			wants(t, "resolve", err, c.want)
			if c.want != nil {
				differ(t, w.state(t), before)
				return
			}
			kept, err := w.Dispute(t.Context(), chainID, d.ID)
			must(t, err)
			same(t, "kept", kept, got)
			same(t, "by", []any{got.State, got.Resolver, got.ResolvedAt}, []any{network.DisputeResolved, w.boss.ID, when})
			again, _, err := w.ResolveConflict(t.Context(), chainID, d.ID, c.partner(w), "pe0000000000000009", when.Add(time.Hour))
			must(t, err)
			same(t, "again", again, got)
			_, _, err = w.ResolveConflict(t.Context(), chainID, d.ID, "pa0000000000000001", w.boss.ID, when)
			wants(t, "otherwise", err, network.ErrConflict)
			if c.corp == "" {
				same(t, "settled", got.Settled, acme)
				_, err := w.Member(t.Context(), "co0000000000000005", p.ID)
				wants(t, "nobody is put into another's corp", err, network.ErrNotFound)
				_, err = w.Join(t.Context(), noticeOf(row(7, "Acme")), p, choice, when)
				wants(t, "the same wish", err, network.ErrPartnerConflict)
				w.colleague(t, "co0000000000000005", 7, network.Staff) // their super-admin adds them
				a, err := w.Join(t.Context(), noticeOf(row(7, "Acme")), p, Choice{Corp: "co0000000000000005"}, when)
				must(t, err)
				same(t, "then", a.Partner.ID, acme)
				return
			}
			if c.corp != "new" {
				same(t, "corp", in.Corp.ID, c.corp)
			}
			same(t, "settled", got.Settled, in.Partner.ID)
			actor, err := w.Actor(t.Context(), p, in.Corp.ID, chainID)
			must(t, err)
			same(t, "as", actor.Contact.Partner, in.Partner.ID)
			// R15: who presses again, with the same wish, is told of that membership.
			a, err := w.Join(t.Context(), noticeOf(row(7, "Acme")), p, choice, when.Add(time.Hour))
			must(t, err)
			same(t, "pressing again", []any{a.Repeat, a.Contact.MembershipID()}, []any{true, in.Contact.MembershipID()})
			w.state(t)
		})
	}
}

func TestTwoAdminsAtOnceResolveAConflictOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	seven, _ := w.corp(t, 7)
	d := conflict(t, w, Choice{Corp: seven.ID})
	w.importRows(t, 2, []network.RosterRow{row(30, "Beta")})
	beta := noticeOf(row(30, "Beta")).Partner
	got := atOnce(20, func(i int) error {
		_, _, err := w.ResolveConflict(t.Context(), chainID, d.ID, []string{"", beta}[i%2], w.boss.ID, noon.Add(2*time.Hour))
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 10, "conflict": 10})
	place := w.corpNow(t, seven.ID).Places[chainID]
	kept, err := w.Dispute(t.Context(), chainID, d.ID)
	must(t, err)
	same(t, "settled", place.Partner, kept.Settled)
	w.state(t)
}

// R23 doesn't go away with approval: who is asked for under another corp is a
// conflict before they are an application.
func TestR23_AConflictIsNoApplication(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.policy(t, network.Open)
	seven, p := w.corp(t, 7)
	d := conflict(t, w, Choice{Corp: seven.ID})
	w.policy(t, network.Approval)
	_, err := w.Join(t.Context(), noticeOf(row(7, "Acme")), p, Choice{Corp: seven.ID}, noon.Add(2*time.Hour))
	wants(t, "under approval", err, network.ErrPartnerConflict)
	same(t, "waiting", w.waiting(t), nil)
	_, in, err := w.ResolveConflict(t.Context(), chainID, d.ID, "", w.boss.ID, noon.Add(2*time.Hour))
	must(t, err)
	same(t, "in at once: that was an admin's word", in.Application == nil, true)
}

func TestOpenedAndDeclinedAreNotedOnceAndByTheRecipientAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(7, "Acme"), row(8, "Beta")})
	link := w.link(t, network.Invite{})
	notice, before := noticeOf(row(7, "Acme")), w.state(t)
	wants(t, "another's", w.Opened(ctx, notice, person(8), noon), network.ErrBoundToAnother)
	wants(t, "another's, declined", w.Decline(ctx, notice, person(8), noon), network.ErrBoundToAnother)
	wants(t, "another's, blocked", w.Block(ctx, notice, person(8), noon), network.ErrBoundToAnother)
	must(t, w.Opened(ctx, link, person(9), noon))
	must(t, w.Decline(ctx, link, person(9), noon))
	same(t, "a link is nobody's", w.state(t), before)

	later := noon.Add(time.Hour)
	for _, at := range []time.Time{later, later.Add(time.Hour)} {
		must(t, w.Opened(ctx, notice, person(7), at))
		must(t, w.Decline(ctx, notice, person(7), at))
	}
	look, err := w.Look(ctx, notice, noon)
	must(t, err)
	same(t, "noted", []any{look.Contact.OpenedAt, look.Contact.DeclinedAt}, []any{later, later})
	f := w.funnel(t, noon)
	same(t, "opened, declined", []int{f.Opened, f.Declined}, []int{1, 1}) // counted at once, by no event

	// No is no promise: while the notice lives they may join by it.
	w.join(t, notice, person(7), anew("Acme"))
	must(t, w.Opened(ctx, notice, person(7), later))
	wants(t, "who is in leaves instead", w.Decline(ctx, notice, person(7), later), network.ErrConflict)
	wants(t, "of a dead notice", w.Opened(ctx, noticeOf(row(8, "Beta")), person(8), noon.Add(8*day)), network.ErrInviteExpired)
}

func TestOpenedByManyTabsAtOnceIsOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.importRows(t, 1, []network.RosterRow{row(7, "Acme")})
	notice := noticeOf(row(7, "Acme"))
	got := atOnce(50, func(i int) error {
		if i%2 == 0 {
			return w.Opened(t.Context(), notice, person(7), noon)
		}
		return w.Decline(t.Context(), notice, person(7), noon)
	})
	same(t, "answers", got, map[string]int{"ok": 50})
}

func TestR48_OneTapBlocksAChainForOnePerson(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.importRows(t, 1, []network.RosterRow{row(7, "Acme"), row(8, "Beta")})
	_, err := w.RevokeInvite(ctx, chainID, w.link(t, network.Invite{}).Invite, noon)
	must(t, err)
	for range 2 {
		must(t, w.Block(ctx, noticeOf(row(7, "Acme")), person(7), noon))
	}
	for n, want := range map[int]bool{7: true, 8: false} {
		got, err := w.Blocked(ctx, chainID, person(n).ID)
		must(t, err)
		same(t, "blocked", got, want)
	}
	elsewhere, err := w.Blocked(ctx, "ch0000000000000002", person(7).ID)
	must(t, err)
	same(t, "another chain", elsewhere, false)
	w.join(t, noticeOf(row(7, "Acme")), person(7), anew("Acme")) // no more notices; joining stays theirs
}

// What an answer's loss leaves is asked for again, and found done.
func TestAResolutionWhoseAnswerIsLostIsFoundDone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	seven, _ := w.corp(t, 7)
	d := conflict(t, w, Choice{Corp: seven.ID})
	w.tb.Reset()
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n == 1 {
			return dynamotest.After
		}
		return dynamotest.None
	}
	_, _, err := w.ResolveConflict(t.Context(), chainID, d.ID, "", w.boss.ID, noon)
	if network.KindOf(err) != network.Internal || err == nil {
		t.Fatalf("got %v, want the loss", err)
	}
	w.tb.Break = nil
	got, _, err := w.ResolveConflict(t.Context(), chainID, d.ID, "", w.boss.ID, noon)
	must(t, err)
	same(t, "settled", got.Settled, network.CorpPartnerID(chainID, seven.ID))
}

func TestAConflictThatChangesEachTimeItIsReadIsBusy(t *testing.T) {
	t.Parallel()
	w := setup(t)
	seven, _ := w.corp(t, 7)
	d := conflict(t, w, Choice{Corp: seven.ID})
	past := w.on(dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT"))) // past Break
	tries := 0
	w.tb.Break = func(op string, _ int) dynamotest.Fault {
		if op == "TransactWriteItems" {
			tries++
			if _, err := past.update(t.Context(), disputeKey(chainID, d.ID), "SET Edition = Edition + :one", "attribute_exists(PK)", nil, vals{"one": 1}); err != nil {
				t.Error(err)
			}
		}
		return dynamotest.None
	}
	_, _, err := w.ResolveConflict(t.Context(), chainID, d.ID, d.Partner, w.boss.ID, noon.Add(2*time.Hour))
	wants(t, "resolve", err, network.ErrBusy)
	same(t, "tries", tries, usual.tries)
}
