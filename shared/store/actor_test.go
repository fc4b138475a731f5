package store

import (
	"fmt"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
)

func TestR01_ARequestActsUnderOneCorp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	_, err := w.Actor(ctx, person(9), "", "")
	wants(t, "of no corp", err, network.ErrCorpRequired)
	c, p := w.corp(t, 7)
	a, err := w.Actor(ctx, p, "", "")
	must(t, err)
	same(t, "the only corp", a.Corp.ID, c.ID)
	w.corpOf(t, 8, p)
	_, err = w.Actor(ctx, p, "", "")
	wants(t, "of two, none named", err, network.ErrCorpRequired)
	_, err = w.Actor(ctx, p, w.owner.ID, "")
	wants(t, "of another's", err, network.ErrNotAMember)
	a, err = w.Actor(ctx, p, c.ID, "")
	must(t, err)
	same(t, "named", []any{a.Corp.ID, a.Role, a.Side}, []any{c.ID, network.SuperAdmin, network.Outside})
}

func TestR37_AChainIsThereForThoseWhoHaveAPartInIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	a, p := w.partner(t, 7)
	_, stranger := w.corp(t, 8)
	colleague := w.colleague(t, a.Corp.ID, 9, network.Staff)

	boss, err := w.Actor(ctx, w.boss, "", chainID)
	must(t, err)
	same(t, "the owner's", []any{boss.Side, boss.Admin, boss.Contact}, []any{network.Owner, true, (*network.Contact)(nil)})
	guest, err := w.Actor(ctx, p, "", chainID)
	must(t, err)
	same(t, "a partner's", []any{guest.Side, guest.Admin, guest.Contact.Partner}, []any{network.Guest, false, a.Partner.ID})
	_, err = w.Actor(ctx, stranger, "", chainID)
	wants(t, "a stranger's", err, network.ErrNotFound)
	_, err = w.Actor(ctx, colleague, "", chainID)
	wants(t, "R03 a colleague's who hasn't joined", err, network.ErrNotFound)
	_, err = w.Actor(ctx, w.boss, "", "ch0000000000000099")
	wants(t, "of no chain", err, network.ErrNotFound)

	must(t, w.DissolveChain(ctx, chainID, 0, noon))
	_, err = w.Actor(ctx, w.boss, "", chainID)
	wants(t, "R41 of a chain that is dissolved", err, network.ErrNotFound)
}

func TestMeIsAllThatAPersonHasAPartIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	nobody, err := w.Me(ctx, person(99).ID)
	must(t, err)
	same(t, "nobody", nobody, Mine{})

	a, p := w.partner(t, 7)
	own, err := network.NewChain("ch0000000000000002", "Mine", w.corpNow(t, a.Corp.ID), noon)
	must(t, err)
	_, err = w.CreateChain(ctx, own, w.corpNow(t, a.Corp.ID), Once{})
	must(t, err)
	w.corpOf(t, 8, p)
	mine, err := w.Me(ctx, p.ID)
	must(t, err)
	var got []string
	for _, c := range mine.Corps {
		got = append(got, fmt.Sprint(c.Corp.Name, " ", c.Role))
	}
	for _, c := range mine.Chains {
		got = append(got, fmt.Sprint(c.Chain.Name, " ", c.Corp, " ", c.Side))
	}
	// R40: downstream here and upstream there.
	same(t, "mine", got, []string{"Corp 7 super_admin", "Corp 8 super_admin", "Dealers " + a.Corp.ID + " partner", "Mine " + a.Corp.ID + " owner"})

	actor, err := w.Actor(ctx, p, a.Corp.ID, "")
	must(t, err)
	first, next, err := w.Chains(ctx, actor, "", 1)
	must(t, err)
	second, end, err := w.Chains(ctx, actor, next, 1)
	must(t, err)
	if len(first) != 1 || len(second) != 1 || first[0].Chain.ID == second[0].Chain.ID || end != "" {
		t.Errorf("got %v, then %v and %q, want two pages of one chain each", first, second, end)
	}
	_, _, err = w.Chains(ctx, actor, "§", 1)
	same(t, "a cursor of nobody's", network.KindOf(err), network.Invalid)
}

func TestR37_APersonInAChainIsWhatTheyAreThereAndNoMore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	a, p := w.partner(t, 7)
	second, _ := w.corpOf(t, 8, p)
	in := func(who network.Person) InChain {
		t.Helper()
		chain := w.chainNow(t)
		w.tb.Reset()
		got, err := w.PersonIn(ctx, chain, who.ID)
		must(t, err)
		same(t, "requests", w.tb.Meter().Requests, 2)
		return got
	}
	as := func(who InChain, corp string) network.Actor {
		t.Helper()
		got, err := who.As(corp)
		must(t, err)
		return got
	}
	_, stranger := w.corp(t, 9)
	same(t, "of another's corp alone", in(stranger), InChain{})
	same(t, "nobody", in(person(99)), InChain{})
	same(t, "R03 a colleague who hasn't joined", in(w.colleague(t, a.Corp.ID, 10, network.Staff)), InChain{})

	boss := in(w.boss)
	same(t, "the owner's", []any{as(boss, "").Admin, boss.Member.Name, len(boss.Contacts)}, []any{true, w.boss.Name, 0})
	same(t, "another of the owner's", as(in(w.colleague(t, w.owner.ID, 11, network.Staff)), "").Admin, false)
	must(t, w.AddAdmin(ctx, w.chain, person(11).ID, noon, Once{}))
	same(t, "made an admin", as(in(person(11)), w.owner.ID).HostRole(), network.HostAdmin)

	guest := in(p)
	own, err := w.Actor(ctx, p, a.Corp.ID, chainID)
	must(t, err)
	own.Person = network.Person{ID: p.ID}
	same(t, "a partner's, as they act themselves", as(guest, ""), own)
	same(t, "and by the corp's name", as(guest, a.Corp.ID), own)
	_, err = guest.As(second.ID)
	wants(t, "under a corp that isn't in the chain", err, network.ErrNotFound)
	w.join(t, w.link(t, network.Invite{}), p, Choice{Corp: second.ID})
	_, err = in(p).As("")
	wants(t, "under two", err, network.ErrCorpRequired)
	same(t, "under the second", as(in(p), second.ID).Corp.ID, second.ID)

	must(t, w.Leave(ctx, chainID, a.Partner.ID, p.ID, noon))
	left := in(p)
	same(t, "who has left one", []any{as(left, "").Corp.ID, len(left.Contacts)}, []any{second.ID, 2})
	w.importRows(t, 1, []network.RosterRow{row(1, "One")})
	pending := in(network.Person{ID: noticeOf(row(1, "One")).Person})
	same(t, "who is still to join", []any{len(pending.Actors), len(pending.Contacts)}, []any{0, 1})
	must(t, w.RemovePartner(ctx, chainID, noticeOf(row(1, "One")).Partner, 0, noon))
	_, err = in(network.Person{ID: noticeOf(row(1, "One")).Person}).As("")
	wants(t, "who was withdrawn", err, network.ErrNotFound)
}
