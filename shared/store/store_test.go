package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

var personKey = network.PersonKey("a key that only tests have")

// world is a table with an owner corp, its chain, and two people of the corp.
type world struct {
	*Store
	tb    *dynamotest.Table
	owner network.Corp
	chain network.Chain
	boss  network.Member // super-admin
}

func setup(t *testing.T) *world {
	t.Helper()
	tb := dynamotest.New(t)
	w := &world{Store: New(tb.Client, tb.Name), tb: tb}
	w.owner, w.boss = w.corp(t, "Owner Ltd", "+8613900000001")
	chain, err := network.NewChain(network.NewChainID(), "Dealers", w.owner, noon)
	if err != nil {
		t.Fatal(err)
	}
	if w.chain, err = w.CreateChain(t.Context(), chain, w.owner, Once{}); err != nil {
		t.Fatal(err)
	}
	tb.Reset()
	return w
}

func (w *world) corp(t *testing.T, name, phone string) (network.Corp, network.Member) {
	t.Helper()
	c, err := network.NewCorp(network.NewCorpID(), name, "", "", noon)
	if err != nil {
		t.Fatal(err)
	}
	m := network.Member{Person: personKey.Person(phone), Corp: c.ID, Name: "Li " + phone[len(phone)-2:], Phone: phone, Role: network.SuperAdmin}
	if _, err := w.CreateCorp(t.Context(), c, m, Once{}); err != nil {
		t.Fatal(err)
	}
	return c, m
}

func (w *world) link(t *testing.T, i network.Invite) network.Ticket {
	t.Helper()
	i.ID, i.Chain, i.Kind, i.Maker, i.MakerCorp, i.CreatedAt, i.Version = network.NewInviteID(noon), w.chain.ID, "link", w.boss.Person, w.owner.ID, noon, 1
	if i.Group == 0 {
		i.Group = 1
	}
	if _, err := w.CreateInvite(t.Context(), w.chain, i, Once{}); err != nil {
		t.Fatal(err)
	}
	return network.Ticket{Chain: w.chain.ID, Invite: i.ID, Version: 1}
}

func rows(n, from int) []network.RosterRow {
	var out []network.RosterRow
	for i := range n {
		out = append(out, network.RosterRow{Number: i + 2, Corp: fmt.Sprintf("经销商%05d", from+i), Contact: fmt.Sprintf("张%d", i), Leader: true,
			Phone: fmt.Sprintf("+86199%08d", from+i), CustomID: fmt.Sprintf("D%07d", from+i), MemberCustomID: fmt.Sprint(100001 + i)})
	}
	return out
}

// importRows does what the imports door does with a checked roster.
func (w *world) importRows(t *testing.T, all []network.RosterRow) (network.Import, network.Counts) {
	t.Helper()
	ctx := t.Context()
	imp, err := w.CreateImport(ctx, network.Import{ID: network.NewImportID(noon), Chain: w.chain.ID, Maker: w.boss.Person, MakerCorp: w.owner.ID, Notify: true, State: network.ImportWaiting, CreatedAt: noon}, Once{})
	if err != nil {
		t.Fatal(err)
	}
	if imp, err = w.BeginImport(ctx, w.chain.ID, imp.ID, "etag", noon); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, r := range all {
		ids[network.RosterPartnerID(w.chain.ID, r.CustomID, r.Corp)] = true
	}
	before, err := w.Existing(ctx, w.chain.ID, ids)
	if err != nil {
		t.Fatal(err)
	}
	partners := map[string]network.Partner{}
	for k, v := range before {
		partners[k] = v
	}
	tree, err := w.Tree(ctx, w.chain.ID)
	if err != nil {
		t.Fatal(err)
	}
	planner := network.Planner{Import: imp, Key: personKey, Tree: tree, Partners: partners}
	var counts network.Counts
	for n := 0; n*ChunkRows < len(all); n++ {
		chunk := all[n*ChunkRows : min(len(all), (n+1)*ChunkRows)]
		var plans []network.RowPlan
		for _, r := range chunk {
			plans = append(plans, planner.Plan(r))
		}
		if plans, err = w.KeepPlan(ctx, w.chain.ID, imp.ID, n, plans); err != nil {
			t.Fatal(err)
		}
		if err := w.Apply(ctx, imp, n, chunk, plans, before); err != nil {
			t.Fatal(err)
		}
		if err := w.TallyChunk(ctx, imp, n, plans); err != nil {
			t.Fatal(err)
		}
		counts = counts.Add(network.Count(plans, true))
	}
	imp.State, imp.Counts, imp.EndedAt = network.ImportDone, counts, noon
	if err := w.EndImport(ctx, imp, network.ExpiresAt(noon, 0, w.chain.Policies)); err != nil {
		t.Fatal(err)
	}
	return imp, counts
}

func TestSmoke(t *testing.T) {
	w := setup(t)
	ctx := t.Context()
	imp, counts := w.importRows(t, rows(2000, 0))
	t.Logf("import 2000: %+v %+v", counts, w.tb.Meter())
	w.tb.Reset()
	_, counts = w.importRows(t, rows(2000, 0))
	t.Logf("again: %+v %+v", counts, w.tb.Meter())
	w.tb.Reset()

	r := rows(1, 0)[0]
	dealer, boss := w.corp(t, "经销商00000", r.Phone)
	me := network.Person{ID: boss.Person, Name: "张0", Phone: r.Phone}
	ticket := network.Ticket{Chain: w.chain.ID, Partner: network.RosterPartnerID(w.chain.ID, r.CustomID, r.Corp), Person: me.ID, Version: 1}
	w.tb.Reset()
	l, err := w.Look(ctx, ticket, noon)
	t.Logf("look: %v %v %+v", l.Err, err, w.tb.Meter())
	w.tb.Reset()
	a, err := w.Join(ctx, ticket, me, Choice{Corp: dealer.ID}, noon)
	t.Logf("join notice: %+v %v %+v", a, err, w.tb.Meter())
	a, err = w.Join(ctx, ticket, me, Choice{Corp: dealer.ID}, noon)
	t.Logf("again: %v %v", a.Repeat, err)

	w.tb.Reset()
	link := w.link(t, network.Invite{MaxUses: 1})
	t.Logf("link %+v", w.tb.Meter())
	other, om := w.corp(t, "Other", "+8613900000077")
	om2 := network.Person{ID: om.Person, Name: "O", Phone: om.Phone}
	w.tb.Reset()
	a, err = w.Join(ctx, link, om2, Choice{Corp: other.ID}, noon)
	t.Logf("join link: %+v %v %+v", a, err, w.tb.Meter())
	third := network.Person{ID: personKey.Person("+8613900000078"), Name: "T", Phone: "+8613900000078"}
	nc, _ := network.NewCorp("", "Third", "", "", noon)
	a, err = w.Join(ctx, link, third, Choice{New: &nc}, noon)
	t.Logf("exhausted: %v", err)
	link = w.link(t, network.Invite{})
	a, err = w.Join(ctx, link, third, Choice{New: &nc}, noon)
	t.Logf("new corp: %+v %v", a, err)
	a, err = w.Join(ctx, link, third, Choice{New: &nc}, noon)
	t.Logf("new corp again: %v %v", a.Repeat, err)

	w.tb.Reset()
	page, next, err := w.Partners(ctx, w.chain.ID, PartnerQuery{Limit: 50})
	t.Logf("page: %d %q %v %+v", len(page), next, err, w.tb.Meter())
	n, pages := len(page), 1
	for next != "" {
		page, next, err = w.Partners(ctx, w.chain.ID, PartnerQuery{Limit: 50, Cursor: next})
		if err != nil {
			t.Fatal(err)
		}
		n += len(page)
		pages++
	}
	t.Logf("listed %d in %d pages", n, pages)
	w.tb.Reset()
	ta, err := w.Tallies(ctx, w.chain.ID, imp.ID)
	t.Logf("tallies %+v %v %+v", ta, err, w.tb.Meter())
	ks, sent, err := w.Recipients(ctx, w.chain.ID, imp.ID, 0)
	t.Logf("recipients %d %v %v", len(ks), sent, err)
	w.tb.Reset()
	act, err := w.Actor(ctx, me, "", w.chain.ID)
	t.Logf("actor %v %v %v %+v", act.Side, act.Admin, err, w.tb.Meter())
	due, err := w.Due(ctx, noon.Add(8*24*time.Hour), 10)
	t.Logf("due %+v %v", due, err)
	for _, d := range due {
		ended, err := w.Settle(ctx, d, noon.Add(8*24*time.Hour))
		t.Logf("settle %v %v %v", d.ID, ended, err)
	}
	t.Log(w.RemoveMember(ctx, dealer.ID, me.ID))
	t.Log(w.RemovePartner(ctx, w.chain.ID, a.Partner.ID, 0, noon))
	_, err = w.Actor(ctx, third, "", w.chain.ID)
	t.Log("removed: ", err)
	t.Log(w.Leave(ctx, w.chain.ID, ticket.Partner, me.ID, noon))
	t.Log(w.JoinedPartners(ctx, w.chain.ID))
	t.Log(w.DissolveChain(ctx, w.chain.ID, noon))
}
