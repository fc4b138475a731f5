package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/notice"
	"github.com/tributary-app/tributary/shared/store"
)

func say(text string) notice.Notice { return notice.Notice{Subject: text, Text: text} }

// happened are the events of a kind that the table holds.
func (w *world) happened(t *testing.T, kind network.EventKind) (all []network.Event) {
	t.Helper()
	for _, it := range w.tb.Items(t) {
		if o, ok := it["Outbox"].(string); ok {
			e, err := network.DecodeEvent(o)
			must(t, err)
			if e.Kind == kind {
				all = append(all, e)
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("nothing of the kind %s happened", kind)
	}
	slices.SortFunc(all, func(a, b network.Event) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// approve makes the chain one that is joined by application.
func (w *world) approve(t *testing.T) network.Ticket {
	t.Helper()
	policy := network.Approval
	var err error
	w.chain, err = w.store.EditChain(t.Context(), w.chain, network.ChainEdit{JoinPolicy: &policy}, noon)
	must(t, err)
	return w.link(t)
}

// applies is an application of the n-th applicant.
func (w *world) applies(t *testing.T, link network.Ticket, n int, now time.Time) network.Event {
	t.Helper()
	phone := fmt.Sprintf("+861390000010%d", n)
	corp, err := network.NewCorp("", fmt.Sprint("公司", n), "", "", noon)
	must(t, err)
	a, err := w.store.Join(t.Context(), link, network.Person{ID: personKey.Person(phone), Name: "张客", Phone: phone}, store.Choice{New: &corp}, now)
	must(t, err)
	if a.Application == nil {
		t.Fatalf("got %+v, want an application", a)
	}
	for _, e := range w.happened(t, network.Applied) {
		if e.Application == a.Application.ID {
			return e
		}
	}
	t.Fatal("got no event of the application")
	return network.Event{}
}

// to are the notices that a phone was given.
func (g *gateway) to(phone string) (all []string) {
	for _, n := range g.delivered() {
		if n.To == phone {
			all = append(all, n.Text)
		}
	}
	return all
}

func TestR20_AnAdminIsToldOnceInTenMinutesHowManyApplicationsWait(t *testing.T) {
	t.Parallel()
	w := setup(t)
	second := network.Member{Person: personKey.Person("+8613900000050"), Corp: ownerID, Name: "王二", Phone: "+8613900000050"}
	must(t, w.store.AddMember(t.Context(), second, store.Once{}))
	must(t, w.store.AddAdmin(t.Context(), w.chain, second.Person, noon, store.Once{}))
	link := w.approve(t)
	clock := noon
	w.now = func() time.Time { return clock }
	counts := func(want ...int) {
		t.Helper()
		for _, phone := range []string{w.boss.Phone, second.Phone} {
			got := w.gateway.to(phone)
			if len(got) != len(want) {
				t.Fatalf("at %s: got %v, want %d notices", clock.Format(time.TimeOnly), got, len(want))
			}
			for _, n := range want {
				if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, fmt.Sprintf("有%d个加入申请", n)) }) {
					t.Errorf("at %s: got %v, want one that counts %d", clock.Format(time.TimeOnly), got, n)
				}
			}
		}
	}
	first := says(w.applies(t, link, 1, noon))
	w.well(t, first)
	counts(1)
	clock = noon.Add(time.Minute)
	more := [3]network.Event{w.applies(t, link, 2, clock), w.applies(t, link, 3, clock), w.applies(t, link, 4, clock)}
	for _, e := range more {
		if failed := w.hears(t, says(e)); len(failed) != 1 {
			t.Errorf("got %v failed, want it back in a while", failed)
		}
	}
	w.well(t, first) // once more
	counts(1)
	clock = noon.Add(13 * time.Minute)
	var wg sync.WaitGroup
	for _, e := range more { // back from the queue, all at once
		wg.Go(func() { w.hears(t, says(e)) })
	}
	wg.Wait()
	for _, e := range more {
		w.well(t, says(e))
	}
	counts(1, 4)
	asked := w.gateway.requests()
	clock = noon.Add(30 * time.Minute)
	for _, e := range more {
		w.well(t, says(e)) // from long ago
	}
	if w.gateway.requests() != asked {
		t.Error("who has been told was told again")
	}
}

// The gateway is down as the first of them is to be told: the next delivery
// tells them, under the same id.
func TestR20_ACallThatFailsIsMadeAgainAndNotTwice(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := says(w.applies(t, w.approve(t), 1, noon))
	w.gateway.answer = func(sent) int { return 503 }
	if failed := w.hears(t, e); len(failed) != 1 {
		t.Fatal("want the message back")
	}
	w.gateway.answer = nil
	w.now = func() time.Time { return noon.Add(6 * time.Minute) }
	for range 3 {
		w.well(t, e)
	}
	if w.gateway.requests() != 2 || len(w.gateway.delivered()) != 1 || w.gateway.sent[0].DedupID != w.gateway.sent[1].DedupID {
		t.Errorf("got %d requests and %v, want one notice asked for twice", w.gateway.requests(), w.gateway.delivered())
	}
}

func TestR20_AnApplicantIsToldWhatWasDecidedAndWhy(t *testing.T) {
	t.Parallel()
	w := setup(t)
	link := w.approve(t)
	in, out := w.applies(t, link, 1, noon), w.applies(t, link, 2, noon)
	_, err := w.store.Decide(t.Context(), chainID, in.Application, store.Decision{Accept: true, By: w.boss.Person}, noon)
	must(t, err)
	_, err = w.store.Decide(t.Context(), chainID, out.Application, store.Decision{Reason: "地区已满", By: w.boss.Person}, noon)
	must(t, err)
	for _, e := range []network.Event{in, out} {
		w.well(t, says(e)) // nobody is asked for what is decided
	}
	if w.gateway.requests() != 0 {
		t.Errorf("got %d notices, want the admins left alone", w.gateway.requests())
	}
	for _, e := range w.happened(t, network.Decided) {
		for range 2 {
			w.well(t, says(e))
		}
	}
	for phone, words := range map[string][]string{"+8613900000101": {"华东经销", "公司1", "已通过"}, "+8613900000102": {"华东经销", "公司2", "未通过", "地区已满"}} {
		got := w.gateway.to(phone)
		if len(got) != 1 {
			t.Fatalf("got %v, want one notice", got)
		}
		for _, word := range words {
			if !strings.Contains(got[0], word) {
				t.Errorf("got %q, want %q in it", got[0], word)
			}
		}
	}
}

// R48: a decision is a notice to a recipient as any other, and one who has
// blocked the chain hears of none; their page says it.
func TestR48_ADecisionCountsAmongTheThreeAndABlockStopsIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.applies(t, w.approve(t), 1, noon)
	_, err := w.store.Decide(t.Context(), chainID, e.Application, store.Decision{Accept: true, By: w.boss.Person}, noon)
	must(t, err)
	said := says(w.happened(t, network.Decided)[0])
	applicant := to{personKey.Person("+8613900000101"), "+8613900000101", false}
	for i := range 3 {
		must(t, w.tell(t.Context(), say("邀请"), applicant, "ch0000000000000099", fmt.Sprint("other.", i)))
	}
	w.well(t, said)
	if got := w.gateway.to(applicant.phone); len(got) != 3 {
		t.Errorf("got %v, want no fourth notice", got)
	}
}

func TestR23_AConflictIsToldToTheAdminsAndItsEndToWhoWaits(t *testing.T) {
	t.Parallel()
	w := setup(t)
	second := row(1)
	second.Contact, second.Phone = "张外", "+8613900000009"
	tickets := w.roster(t, row(1), second)
	w.joins(t, tickets[0], row(1).Phone)
	corp, err := network.NewCorp("co0000000000000099", "别的公司", "", "", noon)
	must(t, err)
	p := network.Person{ID: tickets[1].Person, Name: "张外", Phone: second.Phone}
	_, err = w.store.CreateCorp(t.Context(), corp, network.Member{Person: p.ID, Name: p.Name, Phone: p.Phone}, store.Once{})
	must(t, err)
	if _, err := w.store.Join(t.Context(), tickets[1], p, store.Choice{Corp: corp.ID}, noon.Add(2*time.Hour)); !errors.Is(err, network.ErrPartnerConflict) {
		t.Fatalf("got %v, want a conflict", err)
	}
	filed := w.happened(t, network.Conflicted)
	for range 2 {
		w.well(t, says(filed[0]))
	}
	got := w.gateway.to(w.boss.Phone)
	if len(got) != 1 || !strings.Contains(got[0], "公司1") || !strings.Contains(got[0], "别的公司") {
		t.Errorf("got %v, want the admin told which", got)
	}
	_, _, err = w.store.ResolveConflict(t.Context(), chainID, filed[0].Conflict, "", w.boss.Person, noon.Add(3*time.Hour))
	must(t, err)
	for range 2 {
		w.well(t, says(w.happened(t, network.Resolved)[0]))
	}
	got = w.gateway.to(second.Phone)
	if len(got) != 1 || !strings.Contains(got[0], "别的公司") || !strings.Contains(got[0], "已加入") && !strings.Contains(got[0], "现在是其成员") {
		t.Errorf("got %v, want the applicant told", got)
	}
}

func TestR08R09_AnInviteAstrayIsToldToTheAdminsAndAnAdoptedOneToItsMaker(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.link(t)
	for range 2 {
		w.well(t, event(t, "invites.json"))
	}
	if got := w.gateway.to(w.boss.Phone); len(got) != 2 || !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "接管") }) ||
		!slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "根分组") }) {
		t.Errorf("got %v, want both told once", got)
	}
}

// Who has applied and is then erased is in no queue: neither they nor an admin hears of it, and the message doesn't come
// back for ever.
func TestOfWhoWasErasedNobodyIsTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.applies(t, w.approve(t), 1, noon)
	must(t, w.store.Erase(t.Context(), e.Person, noon))
	before := len(w.gateway.delivered())
	w.well(t, says(e))
	e.Kind = network.Decided
	w.well(t, says(e))
	w.well(t, says(network.Event{ID: "conflict.x", Kind: network.Conflicted, Chain: w.chain.ID, Conflict: "cf0000000000000001", Person: e.Person}))
	w.well(t, says(network.Event{ID: "resolved.x", Kind: network.Resolved, Chain: w.chain.ID, Conflict: "cf0000000000000001", Person: e.Person}))
	if got := len(w.gateway.delivered()) - before; got != 0 {
		t.Errorf("got %d notices, want none", got)
	}
}
