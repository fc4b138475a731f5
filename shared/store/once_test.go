package store

import (
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

func TestAnIdempotencyKeyMakesOneThingADay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	corp := w.corpNow(t, w.owner.ID)
	id := 10
	kinds := map[string]func(o Once) (string, error){
		"corp": func(o Once) (string, error) {
			c, err := w.CreateCorp(ctx, network.Corp{ID: network.NewCorpID(), Name: "C", CreatedAt: o.Now, Version: 1, Admins: 1}, network.Member{Person: person(5).ID, Name: "P"}, o)
			return c.ID + c.CreatedAt.String(), err
		},
		"chain": func(o Once) (string, error) {
			id++
			c, err := network.NewChain(network.NewChainID(), "Chain "+o.Body+o.Now.String()[8:10], corp, o.Now)
			if err != nil {
				return "", err
			}
			c, err = w.CreateChain(ctx, c, corp, o)
			return c.ID + c.CreatedAt.String(), err
		},
		"group": func(o Once) (string, error) {
			g, err := w.CreateGroup(ctx, chainID, network.Group{Name: "G" + o.Body + o.Now.String()[8:10], Parent: 1}, o)
			return string(rune('0' + g.ID)), err
		},
		"invite": func(o Once) (string, error) {
			i, err := w.CreateInvite(ctx, w.chain, network.Invite{ID: network.NewInviteID(o.Now), Chain: chainID, Kind: "link", Group: 1, CreatedAt: o.Now, Version: 1}, o)
			return i.ID + i.CreatedAt.String(), err
		},
		"import": func(o Once) (string, error) {
			i, err := w.CreateImport(ctx, network.Import{ID: network.NewImportID(o.Now), Chain: chainID, State: network.ImportWaiting, CreatedAt: o.Now}, o)
			return i.ID + i.CreatedAt.String(), err
		},
	}
	for kind, make := range kinds {
		t.Run(kind, func(t *testing.T) {
			o := Once{Person: w.boss.ID, Corp: w.owner.ID, Kind: kind, Key: "key #1", Body: "one", Now: noon}
			first, err := make(o)
			must(t, err)

			o.Now = noon.Add(onceFor - time.Second)
			again, err := make(o)
			must(t, err)
			same(t, "the same key and body", again, first)

			o.Body = "other"
			_, err = make(o)
			wants(t, "another body", err, network.ErrIdempotency)
			o.Person = person(6).ID
			others, err := make(o)
			must(t, err)
			o.Person, o.Body, o.Now = w.boss.ID, "one", noon.Add(onceFor)
			later, err := make(o)
			must(t, err)
			o.Key = ""
			o.Now = o.Now.Add(day)
			none, err := make(o)
			must(t, err)
			if first == others || first == later || later == none {
				t.Errorf("got %s, another's %s, after a day %s, without a key %s, want four things", first, others, later, none)
			}
		})
	}
}

func TestAnIdempotencyKeyUsedManyTimesAtOnceMakesOneThing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ids := make([]int, 20)
	got := atOnce(len(ids), func(i int) error {
		g, err := w.CreateGroup(t.Context(), chainID, network.Group{Name: "North", Parent: 1}, Once{Person: w.boss.ID, Kind: "group", Key: "k", Body: "b", Now: noon})
		ids[i] = g.ID
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 20})
	for _, id := range ids {
		same(t, "group", id, ids[0])
	}
	tree, err := w.Tree(t.Context(), chainID)
	must(t, err)
	same(t, "groups", len(tree), 2)
}
