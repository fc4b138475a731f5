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
