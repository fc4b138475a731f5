package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/store/storetest"
)

// benchTable prints what the table is asked and what that costs, in capacity
// units as the server counts them and in requests.
func benchTable(ctx context.Context, out io.Writer) (err error) {
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		return errors.New("DYNAMODB_ENDPOINT is not set: `make bench` starts a server and sets it")
	}
	tb, err := dynamotest.Make(ctx, endpoint, "bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tb.Drop(context.WithoutCancel(ctx))) }()
	b := &tableBench{ctx: ctx, out: out, tb: tb, s: store.New(tb.Client, tb.Name), key: network.PersonKey("a key for the benchmark alone"), now: time.Now().UTC().Truncate(time.Second)}
	fmt.Fprintf(out, "\n| question | budget | requests | read units | write units |\n|---|---|---|---|---|\n")
	for _, step := range []func() error{b.owner, b.rosters, b.links, b.joins, b.pages, b.sweep} {
		if err := step(); err != nil {
			return fmt.Errorf("table: %w", err)
		}
	}
	return b.over
}

type tableBench struct {
	ctx  context.Context
	out  io.Writer
	tb   *dynamotest.Table
	s    *store.Store
	key  network.PersonKey
	now  time.Time
	over error

	corp   network.Corp
	chain  network.Chain
	boss   network.Person
	ticket network.Ticket // of a link for everybody, once there is a token of it
}

// budget is the most that something may cost; 0 is no limit, none is nothing.
type budget struct{ requests, reads, writes float64 }

const none = -1

// tell prints what was done since the last time, a so-many-th of it, and notes
// when that is over budget.
func (b *tableBench) tell(what, says string, of float64, at budget) {
	m := b.tb.Meter()
	b.tb.Reset()
	got := budget{float64(m.Requests) / of, m.ReadUnits / of, m.WriteUnits / of}
	fmt.Fprintf(b.out, "| %s | %s | %.4g | %.3g | %.3g |\n", what, says, got.requests, got.reads, got.writes)
	for _, x := range [][2]float64{{got.requests, at.requests}, {got.reads, at.reads}, {got.writes, at.writes}} {
		if most := max(x[1], 0); x[1] != 0 && x[0] > most {
			b.over = errors.Join(b.over, fmt.Errorf("%s costs %.4g, more than %.4g", what, x[0], most))
		}
	}
}

func (b *tableBench) person(n int) network.Person {
	phone := fmt.Sprintf("+86139%08d", n)
	return network.Person{ID: b.key.Person(phone), Name: fmt.Sprint("Li ", n), Phone: phone}
}

func (b *tableBench) newCorp(n int) (network.Corp, network.Person, error) {
	p := b.person(n)
	c, err := network.NewCorp(network.NewCorpID(), fmt.Sprint("Corp ", n), "", "", b.now)
	if err != nil {
		return c, p, err
	}
	c, err = b.s.CreateCorp(b.ctx, c, network.Member{Person: p.ID, Name: p.Name, Phone: p.Phone}, store.Once{})
	return c, p, err
}

func (b *tableBench) owner() (err error) {
	if b.corp, b.boss, err = b.newCorp(0); err != nil {
		return err
	}
	b.chain, err = b.newChain("Dealers")
	return err
}

func (b *tableBench) newChain(name string) (network.Chain, error) {
	corp, err := b.s.Corp(b.ctx, b.corp.ID)
	if err != nil {
		return network.Chain{}, err
	}
	c, err := network.NewChain(network.NewChainID(), name, corp, b.now)
	if err != nil {
		return c, err
	}
	c, err = b.s.CreateChain(b.ctx, c, corp, store.Once{})
	b.tb.Reset()
	return c, err
}

func rows(from, n int, group ...string) []network.RosterRow {
	all := make([]network.RosterRow, n)
	for i := range all {
		all[i] = network.RosterRow{Number: i + 2, Corp: fmt.Sprintf("经销商%05d", from+i), Contact: fmt.Sprint("张", i), Leader: true, Phone: fmt.Sprintf("+86139%08d", from+i),
			CustomID: fmt.Sprintf("D%07d", from+i), MemberCustomID: fmt.Sprint(100001 + i), Group: group}
	}
	return all
}

// bring does with rows what the imports function does with a roster's.
func (b *tableBench) bring(chain string, all []network.RosterRow) (network.Import, error) {
	imp, err := b.s.CreateImport(b.ctx, network.Import{ID: network.NewImportID(b.now), Chain: chain, Maker: b.boss.ID, MakerCorp: b.corp.ID, Notify: true, State: network.ImportWaiting, CreatedAt: b.now}, store.Once{})
	if err != nil {
		return imp, err
	}
	return storetest.Bring(b.ctx, b.s, b.key, chain, imp.ID, b.now, all...)
}

const rosterRows = 2000

func (b *tableBench) rosters() error {
	if _, err := b.bring(b.chain.ID, rows(1000, rosterRows)); err != nil {
		return err
	}
	b.tell("new roster row", "≤ 4 write units, ≤ 0.1 request", rosterRows, budget{0.1, 0, 4})
	imp, err := b.bring(b.chain.ID, rows(1000, rosterRows))
	if err != nil {
		return err
	}
	if imp.Counts.Unchanged != rosterRows {
		return fmt.Errorf("the same roster again: got %+v, want nothing changed", imp.Counts)
	}
	// What is written is the import's own: its item, and the plans of its chunks.
	b.tell("the same roster again, a row", "0 of a row's writes, ≤ 0.1 read unit", rosterRows, budget{0, 0.1, 0.05})
	return nil
}

func (b *tableBench) link(i network.Invite) (network.Ticket, error) {
	i.ID, i.Chain, i.Kind, i.Group, i.CreatedAt, i.Version = network.NewInviteID(b.now), b.chain.ID, "link", cmp.Or(i.Group, network.RootGroup), b.now, 1
	i.Maker, i.MakerName, i.MakerCorp = b.boss.ID, b.boss.Name, b.corp.ID
	_, err := b.s.CreateInvite(b.ctx, b.chain, i, store.Once{})
	return network.Ticket{Chain: b.chain.ID, Invite: i.ID, Version: 1}, err
}

func (b *tableBench) notice(r network.RosterRow) network.Ticket {
	return network.Ticket{Chain: b.chain.ID, Partner: network.RosterPartnerID(b.chain.ID, r.CustomID, r.Corp), Person: b.key.Person(r.Phone), Version: 1}
}

func (b *tableBench) links() error {
	if _, err := b.bring(b.chain.ID, rows(500, 1, "North")); err != nil {
		return err
	}
	group, err := b.s.Partner(b.ctx, b.chain.ID, b.notice(rows(500, 1)[0]).Partner)
	if err != nil {
		return err
	}
	b.tb.Reset()
	link, err := b.link(network.Invite{Group: group.Group})
	if err != nil {
		return err
	}
	b.tell("create a link", "≤ 3 write units, 1 request", 1, budget{1, 0, 3})
	for _, look := range []struct {
		at     string
		ticket network.Ticket
	}{{"a link", link}, {"a notice", b.notice(rows(500, 1)[0])}} {
		if _, err := b.s.Look(b.ctx, look.ticket, b.now); err != nil {
			return err
		}
		b.tell("look at "+look.at+", into a group", "≤ 2 read units, ≤ 2 requests, 0 writes", 1, budget{2, 2, none})
	}
	return nil
}

func (b *tableBench) joins() error {
	one := rows(1000, 1)[0]
	limited, err := b.link(network.Invite{MaxUses: 5})
	if err != nil {
		return err
	}
	unlimited, err := b.link(network.Invite{})
	if err != nil {
		return err
	}
	for i, j := range []struct {
		what   string
		person int
		ticket network.Ticket
		anew   bool
		max    float64
	}{
		{"join by personal notice", 1000, b.notice(one), false, 10},
		{"join by a link for five", 2, limited, false, 12},
		{"join by an unlimited link", 3, unlimited, false, 12},
		{"join, making a corp", 4, unlimited, true, 0},
	} {
		says := fmt.Sprintf("≤ %.0f write units, ≤ 3 requests", j.max)
		choice := store.Choice{}
		p := b.person(j.person)
		if j.anew {
			says = "≤ 3 requests"
			c, err := network.NewCorp("", "Made", "", "", b.now)
			if err != nil {
				return err
			}
			choice.New = &c
		} else {
			c, _, err := b.newCorp(j.person)
			if err != nil {
				return err
			}
			choice.Corp = c.ID
		}
		b.tb.Reset()
		if _, err := b.s.Join(b.ctx, j.ticket, p, choice, b.now.Add(time.Duration(i)*time.Second)); err != nil {
			return err
		}
		b.tell(j.what, says, 1, budget{3, 0, j.max})
	}
	return nil
}

func (b *tableBench) pages() error {
	small, err := b.newChain("Small")
	if err != nil {
		return err
	}
	if _, err := b.bring(small.ID, rows(0, 1000)); err != nil {
		return err
	}
	large, err := b.newChain("Large")
	if err != nil {
		return err
	}
	imp, err := b.bring(large.ID, rows(0, 100_000))
	if err != nil {
		return err
	}
	b.tb.Reset()
	if _, err := b.s.Tallies(b.ctx, large.ID, imp.ID); err != nil {
		return err
	}
	b.tell("progress of an import of 100,000", "≤ 8 read units", 1, budget{0, 8, none})
	for _, of := range []struct {
		chain string
		size  string
	}{{small.ID, "1,000"}, {large.ID, "100,000"}} {
		for _, group := range []int{0, network.RootGroup} {
			what := map[bool]string{true: "of the whole chain", false: "of a group"}[group == 0]
			q := store.PartnerQuery{Group: group, Limit: 50}
			for n := 1; n == 1 || q.Cursor != ""; n++ {
				_, next, err := b.s.Partners(b.ctx, of.chain, q)
				if err != nil {
					return err
				}
				if n == 1 || n == 8 || n == 500 {
					b.tell(fmt.Sprintf("page %d of 50, %s, of %s", n, what, of.size), "≤ 8 read units, ≤ 8 requests", 1, budget{8, 8, none})
				}
				if n == 500 {
					break
				}
				b.tb.Reset()
				q.Cursor = next
			}
		}
	}
	return nil
}

func (b *tableBench) sweep() error {
	due := func() (n int, err error) {
		for {
			all, err := b.s.Due(b.ctx, b.now.Add(time.Hour), 100, new(store.DuePage))
			if err != nil || len(all) == 0 {
				return n, err
			}
			for _, d := range all {
				if _, err := b.s.Settle(b.ctx, d, b.now.Add(time.Hour)); err != nil {
					return n, err
				}
				n++
			}
		}
	}
	b.tb.Reset()
	if _, err := due(); err != nil {
		return err
	}
	b.tell("a sweep with nothing due", "what is due, never what exists", 1, budget{4, 2, none})
	for range 100 {
		if _, err := b.link(network.Invite{Own: time.Minute}); err != nil {
			return err
		}
	}
	for range 500 {
		if _, err := b.link(network.Invite{}); err != nil {
			return err
		}
	}
	b.tb.Reset()
	n, err := due()
	if err == nil && n != 100 {
		err = fmt.Errorf("sweep: got %d due, want 100", n)
	}
	b.tell("a sweep of 100 links beside 500 that live, a link", "what is due, never what exists", 100, budget{2.5, 2.5, 2.5})
	return err
}
