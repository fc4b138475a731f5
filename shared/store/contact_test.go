package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
)

func TestR03_WhoHasJoinedIsListedAsIfThereWereNobodyElse(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	var all []network.RosterRow
	for i := range 130 { // more than a batch of reads
		all = append(all, row(100+i, "Acme"))
	}
	w.importRows(t, 1, all)
	id := noticeOf(all[0]).Partner
	var want []string
	for _, n := range []int{0, 40, 41, 77, 129} {
		w.join(t, noticeOf(all[n]), person(100+n), anew("Acme"))
		want = append(want, person(100+n).ID)
	}
	gone := want[2]
	must(t, w.Leave(ctx, chainID, id, gone, noon))
	want = slices.DeleteFunc(want, func(p string) bool { return p == gone })
	slices.Sort(want)
	p := w.partnerNow(t, id)
	for limit := 1; limit < 6; limit++ {
		var got []string
		cursor := ""
		for n := 1; ; n++ {
			page, next, err := w.JoinedContacts(ctx, chainID, p, cursor, limit)
			must(t, err)
			for _, k := range page {
				got = append(got, k.Person)
			}
			if cursor = next; (next == "") != (len(got) == len(want)) || next != "" && len(page) != limit {
				t.Fatalf("page %d of %d: got %d people and next %q, want full pages to the last one", n, limit, len(page), next)
			}
			if next == "" {
				break
			}
		}
		same(t, fmt.Sprintf("by %d", limit), fmt.Sprint(got), fmt.Sprint(want))
	}
	w.tb.Reset()
	_, _, err := w.JoinedContacts(ctx, chainID, p, "", 50)
	must(t, err)
	if m := w.tb.Meter(); m.Requests > 2 || m.ReadUnits > 70 {
		t.Errorf("got %+v, want two batches and half a unit a person", m)
	}
	_, _, err = w.JoinedContacts(ctx, chainID, p, "$", 50)
	same(t, "a cursor of nobody's", network.KindOf(err), network.Invalid)
}

// R01, R18: who is in a corp no more leaves what that is in, and nothing else.
func TestWhoIsOutOfACorpDepartsFromItsChains(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	link := w.link(t, network.Invite{})
	a, _ := w.partner(t, 7)
	q := w.colleague(t, a.Corp.ID, 8, network.Staff)
	w.join(t, link, q, Choice{Corp: a.Corp.ID})
	other, _ := w.corpOf(t, 9, q)
	b := w.join(t, link, q, Choice{Corp: other.ID})
	joined := func() string {
		return fmt.Sprint(w.partnerNow(t, a.Partner.ID).Joined, " ", w.partnerNow(t, b.Partner.ID).Joined)
	}
	must(t, w.Depart(ctx, a.Corp.ID, q.ID, noon))
	same(t, "a member", joined(), "2 1")
	must(t, w.RemoveMember(ctx, a.Corp.ID, q.ID))
	for _, time := range []string{"once", "twice"} {
		must(t, w.Depart(ctx, a.Corp.ID, q.ID, noon))
		same(t, time, joined(), "1 1")
	}
	w.colleague(t, a.Corp.ID, 8, network.Staff)
	_, err := w.Actor(ctx, q, a.Corp.ID, chainID)
	wants(t, "R18 back in the corp", err, network.ErrNotFound)
	_, err = w.Actor(ctx, q, other.ID, chainID)
	wants(t, "under the other corp", err, nil)
	w.state(t)
}

func TestWhoInvitedAContactIsNamedByTheInviteOrAsTheOwnersMember(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	acme, p := w.partner(t, 7)
	eight, q := w.corp(t, 8)
	beta := w.join(t, w.link(t, network.Invite{Maker: p.ID, MakerName: p.Name, MakerCorp: acme.Corp.ID}), q, Choice{Corp: eight.ID})
	contacts := []network.Contact{*w.contact(t, p.ID, acme.Partner.ID), *w.contact(t, q.ID, beta.Partner.ID), {Person: "pe0000000000000000"}}
	c := w.chainNow(t)
	names, err := w.Inviters(ctx, c, network.SightOf(network.Actor{Chain: c, Side: network.Owner, Admin: true}, network.Partner{}, nil, nil), contacts)
	must(t, err)
	same(t, "names", names, map[string]string{w.boss.ID: w.boss.Name, p.ID: p.Name})

	staff := network.Actor{Person: network.Person{ID: "pe0000000000000001"}, Chain: c, Side: network.Owner, Role: network.Staff}
	hide := network.Rule{ID: "ru0000000000000001", Owner: network.OwnerSide{Members: []string{staff.Person.ID}}, Partner: network.PartnerSide{Corps: []string{acme.Partner.ID}}, Effect: network.Hide}
	names, err = w.Inviters(ctx, c, network.SightOf(staff, network.Partner{}, []network.Rule{hide}, network.Tree{1: {ID: 1}}), contacts)
	must(t, err)
	same(t, "names for whom the inviter's partner is hidden from", names, map[string]string{w.boss.ID: w.boss.Name})
}

func (w *world) contact(t *testing.T, person, partner string) *network.Contact {
	t.Helper()
	var it contactItem
	if found, err := w.get(t.Context(), contactKey(person, chainID, partner), &it); err != nil || !found {
		t.Fatalf("contact: got %v, %v, want it", found, err)
	}
	k := it.contact()
	return &k
}
