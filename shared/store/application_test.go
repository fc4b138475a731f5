package store

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

// policy switches the chain's join policy.
func (w *world) policy(t *testing.T, p network.JoinPolicy) {
	t.Helper()
	w.edit(t, network.ChainEdit{JoinPolicy: &p}, noon)
}

// apply asks for somebody who must be asked for.
func (w *world) apply(t *testing.T, ticket network.Ticket, p network.Person, c Choice) network.Application {
	t.Helper()
	a, err := w.Join(t.Context(), ticket, p, c, noon.Add(time.Hour))
	must(t, err)
	if a.Application == nil {
		t.Fatalf("apply: got %+v, want an application", a)
	}
	return *a.Application
}

func (w *world) uses(t *testing.T, link network.Ticket) int {
	t.Helper()
	i, err := w.Invite(t.Context(), chainID, link.Invite)
	must(t, err)
	return i.Uses
}

func (w *world) waiting(t *testing.T) []string {
	t.Helper()
	all, _, err := w.Applications(t.Context(), chainID, network.ApplicationWaiting, "", 200)
	must(t, err)
	var names []string
	for _, a := range all {
		names = append(names, a.CorpName)
	}
	slices.Sort(names)
	return names
}

// R20 to R22: who comes in at once, who is asked for, who is told no, under each
// of the four policies.
func TestR20_WhoComesInAndWhoIsAskedForUnderEachPolicy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy                                     network.JoinPolicy
		stranger, byPhone, byNotice, colleague, in string
	}{
		{network.Open, "in", "in", "in", "in", "again"},
		{network.ImportedOnly, "not_imported", "in", "in", "in", "again"},
		{network.Approval, "applies", "applies", "applies", "applies", "again"},
		{network.ImportedOrApproval, "applies", "in", "in", "in", "again"},
	} {
		t.Run(string(c.policy), func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			first, boss := w.partner(t, 5)
			w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Beta")})
			w.colleague(t, first.Corp.ID, 6, network.Staff)
			link := w.link(t, network.Invite{})
			w.policy(t, c.policy)
			said := func(ticket network.Ticket, p network.Person, choice Choice) string {
				a, err := w.Join(t.Context(), ticket, p, choice, noon.Add(time.Hour))
				switch {
				case err != nil:
					return network.CodeOf(err)
				case a.Application != nil:
					return "applies"
				case a.Repeat:
					return "again"
				}
				return "in"
			}
			same(t, "a stranger", said(link, person(30), anew("Acme")), c.stranger) // by name alone, never (R21)
			same(t, "who is on the roster, by a link", said(link, person(20), anew("Acme")), c.byPhone)
			same(t, "who is on the roster, by their notice", said(noticeOf(row(21, "Beta")), person(21), anew("Beta")), c.byNotice)
			same(t, "a colleague of who is in", said(link, person(6), Choice{Corp: first.Corp.ID}), c.colleague)
			same(t, "who is in", said(link, boss, Choice{Corp: first.Corp.ID}), c.in)
		})
	}
}

func TestAnApplicationIsOneHoweverOftenAndSpendsNothing(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	w.policy(t, network.Approval)
	link := w.link(t, network.Invite{MaxUses: 1})
	c, p := w.corp(t, 7)
	first := w.apply(t, link, p, Choice{Corp: c.ID})
	same(t, "it", first, network.Application{
		ID: network.ApplicationID(p.ID, c.ID), Chain: chainID, Person: p.ID, Name: p.Name, Phone: p.Phone, Corp: c.ID, CorpName: c.Name, Invite: link.Invite,
		Partner: network.CorpPartnerID(chainID, c.ID), Group: 1, State: network.ApplicationWaiting, CreatedAt: noon.Add(time.Hour),
	})
	state := w.state(t)
	same(t, "again", w.apply(t, link, p, Choice{Corp: c.ID}), first)
	same(t, "by another link", w.apply(t, w.link(t, network.Invite{}), p, Choice{Corp: c.ID}), first)
	mine, err := w.MyApplication(t.Context(), chainID, p.ID)
	must(t, err)
	same(t, "mine", mine, first)
	_, err = w.RevokeInvite(t.Context(), chainID, link.Invite, noon.Add(time.Hour))
	must(t, err)
	same(t, "again when the link is gone", w.apply(t, link, p, Choice{Corp: c.ID}), first)
	same(t, "uses", w.uses(t, link), 0)
	same(t, "partners", state["joined"], map[string]any{"partners": 0.0})
	same(t, "told", w.told(t), []string{"applied." + first.ID + ".20261122130000.000"})

	// Under another corp it is another one; of another chain it is none.
	other, _ := w.corpOf(t, 8, p)
	if a := w.apply(t, w.link(t, network.Invite{}), p, Choice{Corp: other.ID}); a.ID == first.ID {
		t.Error("got one application for two corps")
	}
	_, err = w.Application(t.Context(), "ch0000000000000002", first.ID)
	wants(t, "in another chain (R37)", err, network.ErrNotFound)
	_, err = w.Decide(t.Context(), "ch0000000000000002", first.ID, Decision{Accept: true}, noon)
	wants(t, "decided in another chain (R37)", err, network.ErrNotFound)
}

func TestAcceptanceIsAJoinAndTheApplicationsEndInOne(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	north := w.group(t, "North", 1)
	w.policy(t, network.Approval)
	link := w.link(t, network.Invite{MaxUses: 1})
	a := w.apply(t, link, person(7), anew("Seven"))
	if a.Corp != "" {
		t.Errorf("got corp %s, want it to be made later", a.Corp)
	}
	members, _, err := w.person(t.Context(), person(7).ID)
	must(t, err)
	same(t, "corps before", len(members), 0)

	when := noon.Add(2 * day)
	in, err := w.Decide(t.Context(), chainID, a.ID, Decision{Accept: true, Alias: "七", Group: north, Reason: "welcome", By: w.boss.ID}, when)
	must(t, err)
	same(t, "state", []any{in.State, in.Reason, in.Decider, in.DecidedAt}, []any{network.ApplicationAccepted, "welcome", w.boss.ID, when})
	p := w.partnerNow(t, in.Partner)
	same(t, "partner", []any{p.Name, p.Alias, p.Group, p.State, p.Corp, p.JoinedAt, p.Joined}, []any{"Seven", "七", north, network.PartnerJoined, in.Corp, when, 1})
	actor, err := w.Actor(t.Context(), person(7), "", chainID)
	must(t, err)
	same(t, "role", actor.Role, network.SuperAdmin) // R02
	same(t, "uses", w.uses(t, link), 1)
	kept, err := w.Application(t.Context(), chainID, a.ID)
	must(t, err)
	same(t, "kept", kept, in)
	same(t, "told", len(w.told(t)), 3) // applied, decided, joined

	state := w.state(t)
	again, err := w.Decide(t.Context(), chainID, a.ID, Decision{Accept: true, By: "pe0000000000000009"}, when.Add(time.Hour))
	must(t, err)
	same(t, "accepted again", again, in)
	_, err = w.Decide(t.Context(), chainID, a.ID, Decision{}, when)
	wants(t, "declined after that", err, network.ErrConflict)
	differ(t, w.state(t), state)
	out, err := w.Join(t.Context(), link, person(7), anew("Seven"), when)
	must(t, err)
	same(t, "pressing again", []any{out.Repeat, out.Application == nil}, []any{true, true})
}

func TestWhoWasDeclinedIsToldWhyAndMayApplyAnew(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	w.policy(t, network.Approval)
	link := w.link(t, network.Invite{})
	c, p := w.corp(t, 7)
	first := w.apply(t, link, p, Choice{Corp: c.ID})
	no, err := w.Decide(t.Context(), chainID, first.ID, Decision{Reason: "no dealer of ours", By: w.boss.ID}, noon.Add(2*time.Hour))
	must(t, err)
	mine, err := w.MyApplication(t.Context(), chainID, p.ID)
	must(t, err)
	same(t, "what they read", []any{mine.State, mine.Reason}, []any{network.ApplicationDeclined, "no dealer of ours"})
	same(t, "declined", mine, no)
	_, err = w.Decide(t.Context(), chainID, first.ID, Decision{Accept: true}, noon)
	wants(t, "accepted after that", err, network.ErrConflict)
	anewed, err := w.Join(t.Context(), link, p, Choice{Corp: c.ID}, noon.Add(3*time.Hour))
	must(t, err)
	same(t, "anew", []any{anewed.Application.ID, anewed.Application.State, anewed.Application.Reason}, []any{first.ID, network.ApplicationWaiting, ""})
	same(t, "waiting", w.waiting(t), []string{"Corp 7"})
	_, err = w.Decide(t.Context(), chainID, first.ID, Decision{Accept: true}, noon.Add(4*time.Hour))
	must(t, err)
	same(t, "waiting", w.waiting(t), nil)
	same(t, "told", len(w.told(t)), 5) // applied and decided twice, joined
}

// What counts at acceptance is what is true then of the chain, the corp and the
// quota; the invite need only have been live when they applied.
func TestR16_WhatAnAcceptanceStillDependsOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(t *testing.T, w *world, link network.Ticket, c network.Corp)
		want   error
	}{
		"nothing has changed": {func(*testing.T, *world, network.Ticket, network.Corp) {}, nil},
		"the link was revoked": {func(t *testing.T, w *world, link network.Ticket, _ network.Corp) {
			_, err := w.RevokeInvite(t.Context(), chainID, link.Invite, noon.Add(time.Hour))
			must(t, err)
		}, nil},
		"only imported corps may join now: an admin's word is R21 c": {func(t *testing.T, w *world, _ network.Ticket, _ network.Corp) { w.policy(t, network.ImportedOnly) }, nil},
		"the policy is open now":                                     {func(t *testing.T, w *world, _ network.Ticket, _ network.Corp) { w.policy(t, network.Open) }, nil},
		"the link is used up": {func(t *testing.T, w *world, link network.Ticket, _ network.Corp) {
			a := w.apply(t, link, person(8), anew("Eight"))
			_, err := w.Decide(t.Context(), chainID, a.ID, Decision{Accept: true}, noon)
			must(t, err)
		}, network.ErrInviteExhausted},
		"the corp is a school now": {func(t *testing.T, w *world, _ network.Ticket, c network.Corp) {
			_, err := w.EditCorp(t.Context(), c, CorpEdit{Industry: ptr(network.Schooling)})
			must(t, err)
		}, network.ErrCorpNotEligible},
		"the owner is one": {func(t *testing.T, w *world, _ network.Ticket, _ network.Corp) {
			_, err := w.EditCorp(t.Context(), w.corpNow(t, w.owner.ID), CorpEdit{Industry: ptr(network.Schooling)})
			must(t, err)
		}, network.ErrCorpNotEligible},
		"the chain was dissolved": {func(t *testing.T, w *world, _ network.Ticket, _ network.Corp) {
			must(t, w.DissolveChain(t.Context(), chainID, 0, noon))
		}, network.ErrChainDissolved},
		"the chain is full": {func(t *testing.T, w *world, _ network.Ticket, _ network.Corp) {
			w.policy(t, network.Open)
			w.partner(t, 20)
			w.partner(t, 21)
		}, network.ErrQuotaExceeded},
		"they have left the corp": {func(t *testing.T, w *world, _ network.Ticket, c network.Corp) {
			w.colleague(t, c.ID, 9, network.SuperAdmin)
			must(t, w.RemoveMember(t.Context(), c.ID, person(7).ID))
		}, network.ErrConflict},
		"the corp was in and is removed since (R18)": {func(t *testing.T, w *world, _ network.Ticket, c network.Corp) {
			w.policy(t, network.Open)
			w.colleague(t, c.ID, 9, network.Staff)
			in := w.join(t, w.link(t, network.Invite{}), person(9), Choice{Corp: c.ID})
			must(t, w.RemovePartner(t.Context(), chainID, in.Partner.ID, 0, noon.Add(3*time.Hour)))
		}, network.ErrInviteRevoked},
		"a group that there isn't": {func(*testing.T, *world, network.Ticket, network.Corp) {}, network.ErrGroupNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setupWith(t, func(c *network.Chain) { c.PartnerLimit = 2 })
			link := w.link(t, network.Invite{MaxUses: 1})
			corp, p := w.corp(t, 7)
			w.policy(t, network.Approval)
			a := w.apply(t, link, p, Choice{Corp: corp.ID})
			c.change(t, w, link, corp)
			d := Decision{Accept: true, By: w.boss.ID}
			if errors.Is(c.want, network.ErrGroupNotFound) {
				d.Group = 99
			}
			before := w.state(t)
			_, err := w.Decide(t.Context(), chainID, a.ID, d, noon.Add(30*day)) // the link is long dead
			wants(t, "accept", err, c.want)
			if c.want != nil {
				differ(t, w.state(t), before)
				same(t, "still waiting", slices.Contains(w.waiting(t), "Corp 7"), true)
				return
			}
			_, err = w.Actor(t.Context(), p, corp.ID, chainID)
			must(t, err)
		})
	}
}

// An application is under the same conditions as a join: what was committed
// between its read and its write wins.
func TestR16_WhatEndsAsTheyApplyWins(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(t *testing.T, w *world, s *Store, link network.Ticket, c network.Corp)
		want   error
	}{
		"revoked": {func(t *testing.T, w *world, s *Store, link network.Ticket, _ network.Corp) {
			_, err := s.RevokeInvite(t.Context(), chainID, link.Invite, noon)
			must(t, err)
		}, network.ErrInviteRevoked},
		"imported_only": {func(t *testing.T, w *world, s *Store, _ network.Ticket, _ network.Corp) {
			_, err := s.EditChain(t.Context(), w.chainNow(t), network.ChainEdit{JoinPolicy: ptr(network.ImportedOnly)}, noon)
			must(t, err)
		}, network.ErrNotImported},
		"dissolved": {func(t *testing.T, w *world, s *Store, _ network.Ticket, _ network.Corp) {
			must(t, s.DissolveChain(t.Context(), chainID, 0, noon))
		}, network.ErrChainDissolved},
		"a school": {func(t *testing.T, w *world, s *Store, _ network.Ticket, c network.Corp) {
			_, err := s.EditCorp(t.Context(), c, CorpEdit{Industry: ptr(network.Preschool)})
			must(t, err)
		}, network.ErrCorpNotEligible},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			link := w.link(t, network.Invite{MaxUses: 1})
			corp, p := w.corp(t, 7)
			w.policy(t, network.Approval)
			aside := w.on(dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT")))
			w.tb.Reset()
			w.tb.Break = func(op string, n int) dynamotest.Fault {
				if op == "TransactWriteItems" && n == 1 {
					w.Store, aside = aside, w.Store
					c.change(t, w, w.Store, link, corp)
					w.Store, aside = aside, w.Store
				}
				return dynamotest.None
			}
			_, err := w.Join(t.Context(), link, p, Choice{Corp: corp.ID}, noon.Add(time.Hour))
			wants(t, "apply", err, c.want)
			w.tb.Break = nil
			same(t, "waiting", w.waiting(t), nil)
		})
	}
}

func TestWhoGetsInByAnotherWayWaitsNoMore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	link := w.link(t, network.Invite{})
	c, p := w.corp(t, 7)
	w.policy(t, network.Approval)
	a := w.apply(t, link, p, Choice{Corp: c.ID})
	w.policy(t, network.Open)
	in := w.join(t, link, p, Choice{Corp: c.ID})
	same(t, "in", []any{in.Repeat, in.Application == nil}, []any{false, true})
	got, err := w.Application(t.Context(), chainID, a.ID)
	must(t, err)
	same(t, "settled", []any{got.State, got.Decider}, []any{network.ApplicationAccepted, ""})
}

func TestTwoAdminsAtOnceDecideOnce(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	w.policy(t, network.Approval)
	link := w.link(t, network.Invite{MaxUses: 40})
	a := w.apply(t, link, person(7), anew("Seven"))
	got := atOnce(40, func(i int) error {
		_, err := w.Decide(t.Context(), chainID, a.ID, Decision{Accept: i%2 == 0, By: w.boss.ID}, noon.Add(time.Hour))
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 20, "conflict": 20})
	is, err := w.Application(t.Context(), chainID, a.ID)
	must(t, err)
	joined := 0
	if is.State == network.ApplicationAccepted {
		joined = 1
	}
	n, err := w.JoinedPartners(t.Context(), chainID)
	must(t, err)
	same(t, "partners, uses", []int{n, w.uses(t, link)}, []int{joined, joined})
	same(t, "told", len(w.told(t)), 2+joined)
}

func TestOnePersonAppliesAHundredTimesAtOnceAndIsAskedForOnce(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	w.policy(t, network.Approval)
	link := w.link(t, network.Invite{MaxUses: 3})
	got := atOnce(100, func(int) error {
		a, err := w.Join(t.Context(), link, person(7), anew("Seven"), noon)
		if err == nil && a.Application == nil {
			err = errors.New("no application")
		}
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 100})
	same(t, "waiting", w.waiting(t), []string{"Seven"})
	same(t, "told", len(w.told(t)), 1)
}

func TestApplicationsAreListedInPagesTheOldestFirst(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.policy(t, network.Approval)
	link := w.link(t, network.Invite{})
	var ids []string
	for i := range 30 {
		a, err := w.Join(t.Context(), link, person(100+i), anew(fmt.Sprintf("Corp %d", i)), noon.Add(time.Duration(i)*time.Minute))
		must(t, err)
		ids = append(ids, a.Application.ID)
	}
	_, err := w.Decide(t.Context(), chainID, ids[0], Decision{Accept: true}, noon)
	must(t, err)
	_, err = w.Decide(t.Context(), chainID, ids[1], Decision{}, noon)
	must(t, err)
	pages := func(state network.ApplicationState) (got []string) {
		for cursor := ""; ; {
			page, next, err := w.Applications(t.Context(), chainID, state, cursor, 7)
			must(t, err)
			for _, a := range page {
				got = append(got, a.ID)
			}
			if cursor = next; cursor == "" {
				return got
			}
		}
	}
	same(t, "waiting", pages(network.ApplicationWaiting), ids[2:])
	same(t, "accepted", pages(network.ApplicationAccepted), ids[:1])
	same(t, "declined", pages(network.ApplicationDeclined), ids[1:2])
	same(t, "all", pages(""), append(slices.Clone(ids[2:]), ids[0], ids[1]))
	w.tb.Reset()
	_, _, err = w.Applications(t.Context(), chainID, network.ApplicationWaiting, "", 50)
	must(t, err)
	w.costs(t, "a page of applications", 4, 4, 0)
}

// No rows of the design; held so that nobody is surprised.
func TestWhatApplicationsAndConflictsCost(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c, p := w.corp(t, 7)
	d, q := w.corp(t, 8)
	link := w.link(t, network.Invite{MaxUses: 5})
	seven, _ := w.corp(t, 21)
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Acme")})
	w.join(t, noticeOf(row(20, "Acme")), person(20), anew("Acme"))
	w.policy(t, network.Approval)
	w.tb.Reset()
	a := w.apply(t, link, p, Choice{Corp: c.ID})
	w.costs(t, "apply", 3, 8, 12)
	w.apply(t, link, p, Choice{Corp: c.ID})
	w.costs(t, "apply again", 2, 8, 0)
	b := w.apply(t, link, q, Choice{Corp: d.ID})
	w.tb.Reset()
	_, err := w.Decide(t.Context(), chainID, a.ID, Decision{Accept: true}, noon.Add(2*time.Hour))
	must(t, err)
	w.costs(t, "accept", 4, 9, 17)
	_, err = w.Decide(t.Context(), chainID, b.ID, Decision{}, noon.Add(2*time.Hour))
	must(t, err)
	w.costs(t, "decline", 2, 1, 6)
	_, err = w.Join(t.Context(), noticeOf(row(21, "Acme")), person(21), Choice{Corp: seven.ID}, noon.Add(time.Hour))
	wants(t, "join", err, network.ErrPartnerConflict)
	w.costs(t, "fall into conflict", 3, 8, 3)
}

// R23 also holds for who is asked for: two contacts of one partner who would
// make its corp, accepted together, end with one.
func TestR23_TwoContactsAcceptedTogetherMakeOneCorp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Acme")})
	w.policy(t, network.Approval)
	a := w.apply(t, noticeOf(row(20, "Acme")), person(20), anew("Acme"))
	b := w.apply(t, noticeOf(row(21, "Acme")), person(21), anew("Acme Ltd"))
	got := atOnce(2, func(i int) error {
		_, err := w.Decide(t.Context(), chainID, []string{a.ID, b.ID}[i], Decision{Accept: true, By: w.boss.ID}, noon.Add(time.Hour))
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 2})
	p := w.partnerNow(t, noticeOf(row(20, "Acme")).Partner)
	same(t, "joined", p.Joined, 2)
	same(t, "admins", w.corpNow(t, p.Corp).Admins, 1)
}

func TestAcceptanceMovesAPartnerThatIsInToo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, _ := w.partner(t, 5)
	north := w.group(t, "North", 1)
	w.colleague(t, first.Corp.ID, 6, network.Staff)
	w.policy(t, network.Approval)
	a := w.apply(t, w.link(t, network.Invite{}), person(6), Choice{Corp: first.Corp.ID})
	_, err := w.Decide(t.Context(), chainID, a.ID, Decision{Accept: true, Alias: "五", Group: north}, noon.Add(time.Hour))
	must(t, err)
	p := w.partnerNow(t, first.Partner.ID)
	same(t, "partner", []any{p.Alias, p.Group, p.Joined, p.Contacts, len(p.People)}, []any{"五", north, 2, 2, 2})
	w.state(t) // the gates still count as they did
}

func ptr[T any](v T) *T { return &v }
