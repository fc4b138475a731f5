package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/web"
)

const groupsPath = path + "/groups"

// counted is the tree of groups as somebody sees it: names and counts, by pages.
func (w *world) counted(t *testing.T, who web.Claims, limit int) string {
	t.Helper()
	var out []string
	for cursor := ""; ; {
		page := w.as(t, who, fmt.Sprintf("%s?limit=%d&cursor=%s", groupsPath, limit, cursor)).want(t, 200, "")
		for _, i := range page.body["items"].([]any) {
			g := i.(map[string]any)
			out = append(out, fmt.Sprint(g["name"], " ", g["partners"]))
		}
		next, more := page.body["next_cursor"].(string)
		if !more {
			return strings.Join(out, ", ")
		}
		cursor = next
	}
}

func TestGroupsCountWhomEachMaySee(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t) // 10, 11 in the root, 12 North, 13 Harbour, 14 and 15 South
	w.roster(t, row("Pending Ltd", 50))
	check := func(what string, who web.Claims, want string) {
		t.Helper()
		for _, limit := range []int{1, 2, 200} {
			if got := w.counted(t, who, limit); got != want {
				t.Errorf("%s by %d: got %s, want %s", what, limit, got, want)
			}
		}
	}
	tree, err := w.Tree(t.Context(), chainID)
	if err != nil {
		t.Fatal(err)
	}
	root := tree[network.RootGroup].Name
	check("without an index", w.boss, root+" <nil>, North <nil>, Harbour <nil>, South <nil>")
	if _, asked := w.tb.Items(t)["CHAIN#"+chainID+"#INDEX|REBUILD"]; !asked {
		t.Error("nobody was asked to make the index")
	}
	w.index(t)
	all := root + " 6, North 2, Harbour 1, South 2"
	check("the admin", w.boss, all)
	check("a member", w.staff, all)
	check("a partner's", claims(13), "Harbour 1")
	check("a partner's of the root", claims(10), root+" 1")
	w.rule(t, `{"effect":"hide","partner":{"corps":[%q]}}`, w.partnerID(13))
	check("but for one", w.staff, root+" 5, North 1, Harbour 0, South 2")
	check("not from an admin", w.boss, all)
	w.byRules(t)
	w.rule(t, `{"effect":"allow","partner":{"groups":[%d]}}`, w.north)
	check("by rules", w.staff, root+" 1, North 1, Harbour 0")
	w.rule(t, `{"effect":"allow","owner":{"members":[%q]},"partner":{"corps":[%q]}}`, id(w.staff), w.partnerID(15))
	check("and one of South", w.staff, root+" 2, North 1, Harbour 0, South 1")
	on := true
	w.see(t, network.ChainEdit{PartnersSeeAnother: &on})
	check("a partner's, with the switch", claims(14), "South 2")
	check("a partner's of the root, with the switch", claims(10), root+" 6")

	p, err := w.Partner(t.Context(), chainID, w.partnerID(14))
	if err != nil {
		t.Fatal(err)
	}
	moved := p
	moved.Group, moved.Edition = w.harbour, p.Edition+1
	w.tell(t, &p, &moved)
	w.tell(t, &p, &p) // late
	check("what is told", w.boss, root+" 6, North 3, Harbour 2, South 1")
}

func TestTheCountsCostThePageOfGroupsAndOneQuery(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	w.index(t)
	w.counted(t, w.boss, 50)
	if k := w.indexes.kept[0]; k.sums == 0 || k.bytes != k.base.Index.Bytes()+k.sums {
		t.Errorf("got %d bytes, %d of them for the sums, want those in the budget", k.bytes, k.sums)
	}
	w.tb.Reset()
	w.counted(t, w.boss, 50)
	if m := w.tb.Meter(); m.Requests > 6 || m.ReadUnits > 6 || m.WriteUnits > 0 {
		t.Errorf("got %+v, want what the actor costs, a read of the tree's edition and a query of the feed", m)
	}
}

func TestTheGroupsRefuseWhatIsNoPageOfThem(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.index(t)
	list := w.as(t, w.boss, path+"?limit=1").want(t, 200, "").body["next_cursor"].(string)
	for _, q := range []string{"limit=0", "limit=201", "foo=1", "cursor=x", "cursor=" + list, "cursor=" + people.Seal(chainID, "groups.x")} {
		w.as(t, w.boss, groupsPath+"?"+q).want(t, 400, "invalid")
	}
	groups := w.as(t, w.boss, groupsPath+"?limit=1").want(t, 200, "").body["next_cursor"].(string)
	w.as(t, w.boss, path+"?cursor="+groups).want(t, 400, "invalid")
	w.corp(t, "Elsewhere", claims(77))
	w.as(t, claims(77), groupsPath).want(t, 404, "not_found")
	w.as(t, web.Claims{}, groupsPath).want(t, 401, "unauthenticated")
}

// drawn is a chain with rules, partners and somebody who looks, and an index of
// the partners.
type drawn struct {
	actor    network.Actor
	sight    *network.Sight
	tree     network.Tree
	partners []network.Partner
	base     feed.Base
}

func draw(r *rapid.T) drawn {
	d := drawn{tree: network.Tree{1: {ID: 1}}}
	c := network.Chain{ID: chainID, OwnerCorp: "co1", PartnersSeeAnother: rapid.Bool().Draw(r, "partners see another"),
		MembersSee: rapid.SampledFrom([]network.MembersSee{"", network.SeeByRules}).Draw(r, "members see")}
	for id := 2; id <= rapid.IntRange(1, 8).Draw(r, "groups"); id++ {
		if parent := rapid.IntRange(1, id-1).Draw(r, "parent"); d.tree.Depth(parent) < network.MaxDepth {
			d.tree[id] = network.Group{ID: id, Parent: parent}
		}
	}
	groups := d.tree.Below(network.RootGroup)
	c.Moved = map[int]int{50: rapid.SampledFrom(groups).Draw(r, "moved"), 51: 50}
	group := rapid.SampledFrom(append(slices.Clone(groups), 50, 51))
	states := rapid.SampledFrom([]network.PartnerState{network.PartnerJoined, network.PartnerJoined, network.PartnerPending, network.PartnerEmpty})
	for i := range rapid.IntRange(1, 15).Draw(r, "partners") {
		d.partners = append(d.partners, network.Partner{
			ID: fmt.Sprintf("pa%02d", i), Name: fmt.Sprint("Dealer ", i), Group: group.Draw(r, "group"), State: states.Draw(r, "state"),
			JoinedAt: noon.Add(time.Duration(rapid.IntRange(0, 5).Draw(r, "joined")) * time.Second), Edition: 1,
		})
	}
	d.partners[0].State = network.PartnerJoined
	d.actor = network.Actor{Person: network.Person{ID: "pe1"}, Corp: network.Corp{ID: "co1"}, Role: network.Staff, Chain: c, Side: network.Owner}
	switch rapid.SampledFrom([]string{"admin", "member", "member", "member", "guest"}).Draw(r, "who") {
	case "admin":
		d.actor.Admin = true
	case "guest":
		d.actor.Side, d.actor.Contact = network.Guest, &network.Contact{Person: "pe1", Partner: d.partners[0].ID}
	}
	var rules []network.Rule
	for i := range rapid.IntRange(0, 5).Draw(r, "rules") {
		rules = append(rules, network.Rule{
			ID: fmt.Sprint("ru", i), Effect: rapid.SampledFrom([]network.Effect{network.Allow, network.Hide}).Draw(r, "effect"),
			Owner: network.OwnerSide{Members: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"pe1", "pe2"}), 0, 1, rapid.ID).Draw(r, "members")},
			Partner: network.PartnerSide{
				Groups: rapid.SliceOfNDistinct(group, 0, 2, rapid.ID).Draw(r, "groups"),
				Corps:  rapid.SliceOfNDistinct(rapid.Map(rapid.IntRange(0, 16), func(i int) string { return fmt.Sprintf("pa%02d", i) }), 0, 3, rapid.ID).Draw(r, "corps"),
			},
		})
	}
	d.sight = network.SightOf(d.actor, d.partners[0], rules, d.tree)
	singly := d.sight.Scope().Singly
	var found []network.Partner
	for _, p := range d.partners {
		if slices.Contains(singly, p.ID) {
			found = append(found, p)
		}
	}
	d.sight.Knowing(found)
	d.base.Index = search.New(func(yield func(search.Entry) bool) {
		for _, p := range d.partners {
			yield(feed.PartnerEntry(p))
		}
	})
	d.base.KnowSums()
	return d
}

func TestR36_CountsAreARecountByTheEvaluator(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		d := draw(r)
		got := countPartners(&d.base, d.actor, d.sight, d.tree)
		for id := range d.tree {
			if !d.sight.Group(id) {
				continue
			}
			within := d.tree.Below(id)
			if d.actor.Side == network.Guest && id != network.RootGroup {
				within = []int{id} // as they see no other
			}
			want := 0
			for _, p := range d.partners {
				if p.State == network.PartnerJoined && d.sight.Partner(p) && slices.Contains(within, d.actor.Chain.Landing(p.Group)) {
					want++
				}
			}
			if got[id] != want {
				r.Fatalf("group %d: got %d, want %d", id, got[id], want)
			}
		}
	})
}
