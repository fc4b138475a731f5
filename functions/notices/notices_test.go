package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

func TestEachContactOfAChunkGetsTheirOwnURL(t *testing.T) {
	t.Parallel()
	w := setup(t)
	second := row(1)
	second.Contact, second.Phone = "张外", "+8613900000009"
	rows := []network.RosterRow{row(1), row(2), second}
	tickets := w.roster(t, rows...)
	w.well(t, event(t, "chunk.json"))
	got := map[string]sent{}
	for _, n := range w.gateway.delivered() {
		got[n.To] = n
	}
	if len(got) != 3 || w.gateway.requests() != 3 {
		t.Fatalf("got %d notices to %d phones, want 3", w.gateway.requests(), len(got))
	}
	for i, r := range rows {
		n := got[r.Phone]
		token, ok := strings.CutPrefix(n.URL, "https://web.example/j/")
		opens, err := tokenKeys.Verify(network.Token(token))
		if !ok || err != nil || opens != tickets[i] {
			t.Errorf("%s: got a URL that opens %+v %v, want %+v", r.Contact, opens, err, tickets[i])
		}
		if n.Channel != "sms" || !n.At.Equal(noon) || n.DedupID != fmt.Sprintf("invited.%s.%s.%s.1", chainID, opens.Partner, opens.Person) {
			t.Errorf("%s: got %+v", r.Contact, n)
		}
		for _, name := range []string{"华东经销", "主公司", r.Corp} {
			if !strings.Contains(n.Text, name) {
				t.Errorf("%s: got %q, want %q in it", r.Contact, n.Text, name)
			}
		}
		if strings.Contains(n.Subject+n.Text, r.Contact) || strings.Contains(n.Text, token) {
			t.Errorf("%s: got %q", r.Contact, n.Text)
		}
	}
	if ta := w.tally(t); ta.Notified != 3 || ta.Undeliverable != 0 || ta.Imported != 3 {
		t.Errorf("got %+v, want three told", ta)
	}
	if s := w.states(t, tickets); s[network.ContactNotified] != 3 {
		t.Errorf("got %v, want three told", s)
	}
}

func TestAMessageThatComesAgainTellsNobodyTwice(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, row(1), row(2))
	for range 3 {
		w.well(t, event(t, "chunk.json"))
	}
	if ta := w.tally(t); w.gateway.requests() != 2 || ta.Notified != 2 {
		t.Errorf("got %d requests and %+v, want two told once", w.gateway.requests(), ta)
	}
}

func TestTwoDeliveriesAtOnceCountOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, row(1), row(2), row(3))
	w.gateway.answer = func(n sent) int {
		if n.To == row(2).Phone {
			return http.StatusGone
		}
		return http.StatusOK
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { w.well(t, event(t, "chunk.json")) })
	}
	wg.Wait()
	if ta := w.tally(t); len(w.gateway.delivered()) != 2 || ta.Notified != 3 || ta.Undeliverable != 1 {
		t.Errorf("got %v and %+v, want two delivered, three tried, one in vain", w.gateway.delivered(), ta)
	}
}

func TestR32_WhatCannotBeDeliveredIsCountedAndShown(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tickets := w.roster(t, row(1), row(2), row(3))
	w.gateway.answer = func(n sent) int {
		if n.To == row(1).Phone {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	}
	w.well(t, event(t, "chunk.json"))
	if ta := w.tally(t); ta.Notified != 3 || ta.Undeliverable != 1 {
		t.Errorf("got %+v, want three told, one of them in vain", ta)
	}
	if s := w.states(t, tickets); s[network.ContactUndeliverable] != 1 || s[network.ContactNotified] != 2 {
		t.Errorf("got %v", s)
	}
}

// A gateway that is down for one must not cost the others theirs, and those
// who have theirs, or can't have it, aren't told anew.
func TestOneThatFailsComesAgainAndTheOthersStaySent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tickets := w.roster(t, row(1), row(2), row(3))
	w.gateway.answer = func(n sent) int {
		switch n.To {
		case row(1).Phone:
			return http.StatusServiceUnavailable
		case row(2).Phone:
			return http.StatusGone
		}
		return http.StatusOK
	}
	e := event(t, "chunk.json")
	if failed := w.hears(t, e); !slices.Equal(failed, []int{1}) {
		t.Fatalf("got %v failed, want the message", failed)
	}
	first := w.gateway.delivered()
	if ta := w.tally(t); len(first) != 1 || ta.Notified != 0 {
		t.Errorf("got %v and %+v, want one delivered and none counted yet", first, ta)
	}
	w.gateway.answer = nil
	w.well(t, e)
	if ta := w.tally(t); ta.Notified != 3 || ta.Undeliverable != 1 {
		t.Errorf("got %+v, want three told, one of them in vain", ta)
	}
	if got := w.gateway.delivered(); len(got) != 2 {
		t.Errorf("got %v, want two, each under one id", got)
	}
	for _, n := range w.gateway.sent {
		if was, ok := first[n.DedupID]; ok && was.URL != n.URL {
			t.Errorf("got another URL under the same id")
		}
	}
	if s := w.states(t, tickets); s[network.ContactUndeliverable] != 1 || s[network.ContactNotified] != 2 {
		t.Errorf("got %v", s)
	}
}

func TestAGatewayThatHangsEndsWithTheInvocation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, row(1), row(2))
	let := make(chan struct{})
	w.gateway.answer = func(n sent) int {
		if n.To == row(1).Phone {
			<-let
		}
		return http.StatusOK
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	failed := w.hearsIn(t, ctx, event(t, "chunk.json"))
	close(let)
	if !slices.Equal(failed, []int{1}) || w.tally(t).Notified != 0 {
		t.Errorf("got %v failed and %+v, want the message to come again", failed, w.tally(t))
	}
	w.well(t, event(t, "chunk.json"))
	if ta := w.tally(t); ta.Notified != 2 || len(w.gateway.delivered()) != 2 {
		t.Errorf("got %+v", ta)
	}
}

// Who has joined by another way, has left since or was withdrawn isn't told;
// who joined has come further than the notice, so the funnel counts them.
func TestR32_OnlyWhoIsStillToJoinIsTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tickets := w.roster(t, row(1), row(2), row(3), row(4))
	w.joins(t, tickets[0], row(1).Phone)
	left := w.joins(t, tickets[1], row(2).Phone)
	must(t, w.store.Leave(t.Context(), chainID, left.Partner.ID, left.Contact.Person, noon.Add(2*time.Hour)))
	must(t, w.store.RemovePartner(t.Context(), chainID, tickets[2].Partner, 0, noon))
	w.well(t, event(t, "chunk.json"))
	got := w.gateway.delivered()
	if len(got) != 1 {
		t.Errorf("got %v, want one notice", got)
	}
	for _, n := range got {
		if n.To != row(4).Phone {
			t.Errorf("got a notice to %s", n.To)
		}
	}
	if ta := w.tally(t); ta.Notified != 3 {
		t.Errorf("got %+v, want three who came as far", ta)
	}
}

func TestR41_NobodyIsInvitedIntoADissolvedChain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, row(1))
	must(t, w.store.DissolveChain(t.Context(), chainID, 0, noon))
	w.well(t, event(t, "chunk.json"))
	if w.gateway.requests() != 0 {
		t.Errorf("got %d notices, want none", w.gateway.requests())
	}
}

func TestR15_AJoinIsCountedOnceHoweverOftenItIsHeard(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tickets := w.roster(t, row(1), row(2))
	link := w.link(t)
	w.joins(t, link, "+8613900000077")
	w.joins(t, tickets[0], row(1).Phone)
	// The events are what the joins have said.
	e := event(t, "joined.json")
	said := map[string]bool{}
	for _, item := range w.tb.Items(t) {
		if s, ok := item["Outbox"].(string); ok {
			said[s] = true
		}
	}
	for _, m := range e.Records {
		if !said[m.Body] {
			t.Errorf("events/notices/joined.json has %s, which no join says: %v", m.Body, said)
		}
	}
	w.well(t, e)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { w.well(t, e) })
	}
	wg.Wait()
	i, err := w.store.Invite(t.Context(), chainID, inviteID)
	must(t, err)
	if i.Uses != 1 {
		t.Errorf("got %d uses of the link, want 1", i.Uses)
	}
	if ta := w.tally(t); ta.Joined != 1 || ta.PartnersIn != 1 {
		t.Errorf("got %+v, want one of the roster's joined", ta)
	}
}

// The last time that a message comes, one whom the gateway never takes counts
// as undeliverable, and the others of the chunk are counted as told.
func TestR32_OneWhomTheGatewayNeverTakesKeepsNoOthersProgressWaiting(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tickets := w.roster(t, row(1), row(2), row(3))
	w.gateway.answer = func(n sent) int {
		if n.To == row(2).Phone {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	}
	e := event(t, "chunk.json")
	for try := 1; try <= 5; try++ {
		failed := w.hears(t, receive(e, try))
		if ta := w.tally(t); (len(failed) == 0) != (try == 5) || (ta.Notified != 0) != (try == 5) {
			t.Errorf("try %d: got %v failed and %+v, want the message back until the fifth", try, failed, ta)
		}
	}
	if ta := w.tally(t); ta.Notified != 3 || ta.Undeliverable != 1 {
		t.Errorf("got %+v, want three told, one in vain", ta)
	}
	if s := w.states(t, tickets); s[network.ContactUndeliverable] != 1 || s[network.ContactNotified] != 2 {
		t.Errorf("got %v", s)
	}
}

// A gateway that takes nothing is down, and says nothing of anybody: the
// message goes to the dead letters, and once they are sent back all are told.
func TestAGatewayThatTakesNothingMakesNobodyUndeliverable(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, row(1), row(2))
	w.gateway.answer = func(sent) int { return http.StatusServiceUnavailable }
	e := event(t, "chunk.json")
	if failed := w.hears(t, receive(e, 5)); !slices.Equal(failed, []int{1}) {
		t.Errorf("got %v failed, want the message among the dead letters", failed)
	}
	w.gateway.answer = nil
	w.well(t, receive(e, 1))
	if ta := w.tally(t); ta.Notified != 2 || ta.Undeliverable != 0 {
		t.Errorf("got %+v, want two told", ta)
	}
}

// A run that is nearly over begins nothing more: whom it has no time for is
// nobody's fault, the last time too.
func TestARunWithoutTimeLeftSendsNothingMore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, row(1), row(2))
	ctx, cancel := context.WithTimeout(t.Context(), margin-time.Second)
	defer cancel()
	if failed := w.hearsIn(t, ctx, receive(event(t, "chunk.json"), 5)); !slices.Equal(failed, []int{1}) {
		t.Errorf("got %v failed, want the message to come again", failed)
	}
	if n := w.gateway.requests(); n != 0 {
		t.Errorf("got %d requests, want none", n)
	}
	if ta := w.tally(t); ta.Notified != 0 {
		t.Errorf("got %+v, want nobody told", ta)
	}
}

func TestWhoImportedARosterIsToldThatItBrokeOff(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, row(1))
	w.well(t, says(network.Event{ID: "failed." + importID, Kind: network.RosterFailed, Chain: chainID, Import: importID, Person: w.boss.Person, Corp: ownerID}))
	got := w.gateway.delivered()["failed."+importID]
	if got.To != w.boss.Phone || !strings.Contains(got.Text, "名单.xlsx") || !strings.Contains(got.Text, "未能完成") {
		t.Errorf("got %+v, want the maker told which", got)
	}
}

// A number that turns out to be somebody's after all: they have joined, so
// they did not end as undeliverable.
func TestR32_WhoJoinsDidNotEndUndeliverable(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tickets := w.roster(t, row(1), row(2))
	w.gateway.answer = func(n sent) int { return http.StatusGone }
	w.well(t, event(t, "chunk.json"))
	w.joins(t, tickets[0], row(1).Phone)
	w.well(t, event(t, "joined.json"))
	if ta := w.tally(t); ta.Joined != 1 || ta.Undeliverable != 1 || ta.Notified != 2 {
		t.Errorf("got %+v, want one joined, the other undeliverable", ta)
	}
}

func TestR12_TheMakerIsToldWhatHasRunOut(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, row(1))
	w.link(t)
	e := event(t, "expired.json")
	for range 2 {
		w.well(t, e)
	}
	got := w.gateway.delivered()
	link, roster := got["ended."+inviteID], got["ended."+importID]
	if len(got) != 2 || link.To != w.boss.Phone || roster.To != w.boss.Phone || link.URL != "" {
		t.Fatalf("got %v, want both told to the maker, each under one id", got)
	}
	for _, name := range []string{"华东经销", "展会"} {
		if !strings.Contains(link.Text, name) {
			t.Errorf("got %q, want %q in it", link.Text, name)
		}
	}
	for _, name := range []string{"华东经销", "名单.xlsx", "3"} {
		if !strings.Contains(roster.Text, name) {
			t.Errorf("got %q, want %q in it", roster.Text, name)
		}
	}
}

func TestAMakerWhoHasLeftTheCorpHearsNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.link(t)
	other := network.Event{ID: "ended." + inviteID, Kind: network.InviteEnded, Chain: chainID, Invite: inviteID, Person: personKey.Person("+8613900000055"), Corp: ownerID}
	w.well(t, says(other))
	if w.gateway.requests() != 0 {
		t.Errorf("got %d notices, want none", w.gateway.requests())
	}
}

func TestAMessageThatMakesNoSenseFailsAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, row(1))
	before := len(w.tb.Items(t))
	if failed := w.hears(t, event(t, "mixed.json")); !slices.Equal(failed, []int{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("got %v failed, want all but the last", failed)
	}
	if w.tally(t).Notified != 1 || len(w.gateway.delivered()) != 1 {
		t.Errorf("got %+v, want the last to be heard", w.tally(t))
	}
	if got := len(w.tb.Items(t)); got != before+1 {
		t.Errorf("got %d items, want %d and the last one's budget: what makes no sense leaves none", got, before)
	}
}

func TestAPanicFailsItsOwnMessage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, row(1))
	w.channel = nil // whatever it is that shouldn't be
	e := event(t, "chunk.json")
	e.Records = append(e.Records, says(network.Event{ID: "x", Kind: network.Joined, Chain: chainID, Partner: "pa0000000000000009", Person: "pe0000000000000009"}).Records...)
	if failed := w.hears(t, e); !slices.Equal(failed, []int{1}) {
		t.Errorf("got %v failed, want the first alone", failed)
	}
}

func TestAnEmptyDeliveryIsAnsweredByAnEmptyList(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := event(t, "chunk.json")
	e.Records = nil
	w.well(t, e)
}

// Whatever write of a delivery is lost, before it took effect or after, the
// next one comes to the end of a clean run.
func TestALostWriteIsMadeUpForByTheNextDelivery(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 6; n++ { // two budgets, one undeliverable, one tally, two joins
		for name, fault := range map[string]dynamotest.Fault{"before": dynamotest.Before, "after": dynamotest.After} {
			t.Run(fmt.Sprintf("%d %s", n, name), func(t *testing.T) {
				t.Parallel()
				w := setup(t)
				tickets := w.roster(t, row(1), row(2), row(3))
				link := w.link(t)
				w.joins(t, link, "+8613900000077")
				w.joins(t, tickets[0], row(1).Phone)
				w.gateway.answer = func(n sent) int {
					if n.To == row(3).Phone {
						return http.StatusBadRequest
					}
					return http.StatusOK
				}
				e := event(t, "chunk.json")
				e.Records = append(e.Records, event(t, "joined.json").Records...)
				for i := range e.Records {
					e.Records[i].MessageId = fmt.Sprint(i)
				}
				writes := 0
				w.tb.Break = func(op string, _ int) dynamotest.Fault {
					if op == "UpdateItem" || op == "TransactWriteItems" {
						if writes++; writes == n {
							return fault
						}
					}
					return dynamotest.None
				}
				if failed := w.hears(t, e); len(failed) != 1 {
					t.Errorf("got %v failed, want one message", failed)
				}
				w.tb.Break = nil
				w.well(t, e)
				i, err := w.store.Invite(t.Context(), chainID, inviteID)
				must(t, err)
				want := network.Tally{Imported: 3, Notified: 3, Undeliverable: 1, Opened: 1, Joined: 1, Partners: 3, PartnersIn: 1, At: noon,
					Counts: network.Counts{Rows: 3, OK: 3, Created: 3, Notices: 3, Partners: 3, Seats: 3}}
				if ta := w.tally(t); ta != want || i.Uses != 1 || len(w.gateway.delivered()) != 1 {
					t.Errorf("got %+v and %d uses, want %+v and 1", ta, i.Uses, want)
				}
			})
		}
	}
}
