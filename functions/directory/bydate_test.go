package main

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// overTime are the partners of partners, who join an hour after each other.
func (w *world) overTime(t *testing.T) {
	t.Helper()
	for i, group := range []int{network.RootGroup, network.RootGroup, w.north, w.harbour, w.south, w.south} {
		w.joins(t, 10+i, w.invite(t, w.boss, w.owner, group))
		w.now = w.now.Add(time.Hour)
	}
	w.tb.Reset()
}

func TestByDateTheNewestComeFirst(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.overTime(t)
	w.roster(t, row("Pending Ltd", 50))
	w.colleague(t, 60, w.corps[14])
	w.in(t, 60, w.corps[14], w.invite(t, w.boss, w.owner, w.south))
	w.index(t)
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"", []string{"group North", "group South", "partner Dealer 11", "partner Dealer 10"}},
		{fmt.Sprint("group_id=", w.north), []string{"group Harbour", "partner Dealer 12"}},
		{fmt.Sprint("group_id=", w.north, "&recursive=true"), []string{"partner Dealer 13", "partner Dealer 12"}},
		{fmt.Sprint("group_id=", w.south), []string{"partner Dealer 15", "partner Dealer 14"}},
		{"recursive=true", []string{"partner Dealer 15", "partner Dealer 14", "partner Dealer 13", "partner Dealer 12", "partner Dealer 11", "partner Dealer 10"}},
	} {
		for _, who := range []web.Claims{w.boss, w.staff} {
			for _, limit := range []int{1, 2, 3, 200} {
				if got := w.all(t, who, fmt.Sprint("sort=joined_at&", c.query, "&limit=", limit)); !reflect.DeepEqual(got, c.want) {
					t.Errorf("%s %q by %d: got %v, want %v", who.Name, c.query, limit, got, c.want)
				}
			}
		}
	}
	// Each is as by name.
	byName := map[string]any{}
	for _, i := range w.as(t, w.boss, path+"?recursive=true").want(t, 200, "").body["items"].([]any) {
		p := i.(map[string]any)["partner"].(map[string]any)
		byName[p["partner_id"].(string)] = p
	}
	for _, i := range w.as(t, w.boss, path+"?recursive=true&sort=joined_at").want(t, 200, "").body["items"].([]any) {
		p := i.(map[string]any)["partner"].(map[string]any)
		if want := byName[p["partner_id"].(string)]; !reflect.DeepEqual(p, want) {
			t.Errorf("got %v, want %v as by name", p, want)
		}
	}
	w.as(t, w.boss, path+"?sort=joined_at&group_id=99").want(t, 404, "group_not_found")
}

func TestR36_ByDateEachSeesTheirs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.overTime(t)
	w.index(t)
	check := func(what string, who web.Claims, query string, want ...string) {
		t.Helper()
		for _, limit := range []int{1, 200} {
			if got := w.all(t, who, fmt.Sprint("sort=joined_at&limit=", limit, query)); !slices.Equal(got, want) {
				t.Errorf("%s by %d: got %q, want %q", what, limit, got, want)
			}
		}
	}
	w.byRules(t)
	w.rule(t, `{"effect":"allow","owner":{"roles":["member"]},"partner":{"groups":[%d]}}`, w.north)
	w.rule(t, `{"effect":"allow","owner":{"members":[%q]},"partner":{"corps":[%q]}}`, id(w.staff), w.partnerID(15))
	check("by rules", w.staff, "&recursive=true", "partner Dealer 15", "partner Dealer 13", "partner Dealer 12")
	w.rule(t, `{"effect":"hide","partner":{"corps":[%q]}}`, w.partnerID(13))
	check("but for one", w.staff, "&recursive=true", "partner Dealer 15", "partner Dealer 12")
	check("in South", w.staff, fmt.Sprint("&group_id=", w.south), "partner Dealer 15")
	check("a partner's", claims(14), "", "partner Dealer 14", "contact Person 1 admin", "contact Person 14 colleague")
	on := true
	w.see(t, network.ChainEdit{PartnersSeeAnother: &on})
	check("with the switch", claims(14), "", "partner Dealer 15", "partner Dealer 14", "partner Dealer 13", "partner Dealer 12", "partner Dealer 11", "partner Dealer 10",
		"contact Person 1 admin", "contact Person 14 colleague")
	check("of their group", claims(14), fmt.Sprint("&group_id=", w.south), "partner Dealer 15", "partner Dealer 14", "contact Person 1 admin", "contact Person 14 colleague")
	w.as(t, claims(14), path+fmt.Sprint("?sort=joined_at&group_id=", w.north)).want(t, 404, "group_not_found")
	p, err := w.Partner(t.Context(), chainID, w.partnerID(15))
	if err != nil {
		t.Fatal(err)
	}
	p.Alias, p.Edition = "what the owner calls them", p.Edition+1
	w.tell(t, nil, &p)
	if got := w.as(t, claims(14), path+"?sort=joined_at&limit=1"); strings.Contains(got.Body.String(), "calls them") || strings.Contains(got.Body.String(), fmt.Sprintf(`"group_id":%d`, w.south)) {
		t.Errorf("got %s, want neither alias nor group (R08)", got.Body)
	}
}

func TestByDateACursorReachesNothingElse(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.overTime(t)
	w.index(t)
	cursor := w.as(t, w.boss, path+"?sort=joined_at&recursive=true&limit=1").want(t, 200, "").body["next_cursor"].(string)
	for _, other := range []string{"?", "?recursive=true", "?sort=joined_at", fmt.Sprint("?sort=joined_at&recursive=true&group_id=", w.south)} {
		w.as(t, w.boss, path+other+"&cursor="+cursor).want(t, 400, "invalid")
	}
	w.as(t, claims(10), path+"?sort=joined_at&cursor="+cursor).want(t, 400, "invalid")
	for _, forged := range []string{"d1r.x", "d1r.1", "d1r.1x.pa", "d1r.99999999999999999999.pa"} {
		w.as(t, w.boss, path+"?sort=joined_at&recursive=true&cursor="+people.Seal(chainID, forged)).want(t, 400, "invalid")
	}
	// One from before everything, and one from behind it.
	for sealed, want := range map[string]int{"d1r.99999999999.pa": 6, "d1r.-1.pa": 0} {
		got := w.as(t, w.boss, path+"?sort=joined_at&recursive=true&cursor="+people.Seal(chainID, sealed)).want(t, 200, "")
		if n := len(got.body["items"].([]any)); n != want {
			t.Errorf("%s: got %d, want %d", sealed, n, want)
		}
	}
}

func TestWithoutAnIndexByDateIsBusyAndAsksForOne(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.overTime(t)
	got := w.as(t, w.boss, path+"?sort=joined_at").want(t, 503, "busy")
	if got.Header().Get("Retry-After") != "10" {
		t.Errorf("got %q seconds, want 10", got.Header().Get("Retry-After"))
	}
	if _, asked := w.tb.Items(t)["CHAIN#"+chainID+"#INDEX|REBUILD"]; !asked {
		t.Error("nobody was asked to make the index")
	}
	w.as(t, claims(14), path+"?sort=joined_at").want(t, 200, "") // who sees their own partner alone needs none
	w.index(t)
	w.as(t, w.boss, path+"?sort=joined_at").want(t, 200, "")
	w.bucket.fail = true
	w.indexes.kept = nil
	w.as(t, w.boss, path+"?sort=joined_at").want(t, 500, "internal")
}

// crowded puts a base of n partners that have joined in the place of the chain's.
func (w *world) crowded(n int) {
	base := feed.Base{Index: search.New(func(yield func(search.Entry) bool) {
		for i := range n {
			p := network.Partner{ID: network.RosterPartnerID(chainID, "", fmt.Sprint(i)), Name: fmt.Sprint("Dealer ", i), Group: []int{network.RootGroup, w.north, w.south}[i%3],
				State: network.PartnerJoined, JoinedAt: noon.Add(time.Duration(i) * time.Second), Edition: 1}
			yield(feed.PartnerEntry(p))
		}
	})}
	w.bucket.mu.Lock()
	w.bucket.objects["indexes/"+chainID] = base.Pack()
	w.bucket.mu.Unlock()
	w.indexes.kept = nil
}

func TestBudgetOfAPageByDateIsTheSameInAnyChain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.byRules(t)
	w.rule(t, `{"effect":"allow","partner":{"groups":[%d]}}`, w.north)
	costs := map[string]string{}
	for _, size := range []int{1_000, 20_000} {
		w.crowded(size)
		for _, who := range []web.Claims{w.boss, w.staff} { // reads the base, the rules and the groups
			w.as(t, who, fmt.Sprint(path, "?sort=joined_at&recursive=true&group_id=", w.north)).want(t, 200, "")
		}
		for name, who := range map[string]web.Claims{"an admin's": w.boss, "a member's by rules": w.staff} {
			for _, query := range []string{"recursive=true", fmt.Sprint("recursive=true&group_id=", w.north), fmt.Sprint("group_id=", w.north)} {
				cursor := ""
				for page := range 3 {
					w.tb.Reset()
					got := w.as(t, who, fmt.Sprint(path, "?sort=joined_at&", query, "&cursor=", cursor)).want(t, 200, "")
					m := w.tb.Meter()
					if m.Requests > 8 || m.ReadUnits > 8 || m.WriteUnits > 0 || len(got.body["items"].([]any)) != 50 {
						t.Errorf("%s page of %d, %q: got %d for %+v, want 50 for at most 8 read units and requests", name, size, query, len(got.body["items"].([]any)), m)
					}
					what, cost := fmt.Sprint(name, query, page), fmt.Sprint(m.Requests, m.ReadUnits)
					if was, ok := costs[what]; ok && was != cost {
						t.Errorf("%s page of %d, %q: got %s, want %s as of 1,000", name, size, query, cost, was)
					}
					costs[what] = cost
					cursor = got.body["next_cursor"].(string)
				}
			}
		}
	}
}

func byDate(a, b network.Partner) int {
	return cmp.Or(b.JoinedAt.Compare(a.JoinedAt), strings.Compare(a.ID, b.ID))
}

func TestR36_ByDateIsTheTableAsTheEvaluatorShowsIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		d := draw(r)
		var within []int
		if rapid.Bool().Draw(r, "of some groups") {
			within = d.tree.Below(rapid.SampledFrom(d.tree.Below(network.RootGroup)).Draw(r, "group"))
		}
		var want, got []string
		slices.SortFunc(d.partners, byDate)
		for _, p := range d.partners {
			if p.State == network.PartnerJoined && d.sight.Partner(p) && (within == nil || slices.Contains(within, d.actor.Chain.Landing(p.Group))) {
				want = append(want, p.ID)
			}
		}
		limit := rapid.IntRange(1, 4).Draw(r, "limit")
		var last *feed.Joined
		for {
			page, next := newestOf(&d.base, d.actor, d.sight, within, last, limit)
			for _, j := range page {
				got = append(got, j.Partner)
			}
			if next == "" {
				break
			}
			if len(page) != limit {
				r.Fatalf("got a page of %d that isn't the last, want %d: its length tells of who is hidden", len(page), limit)
			}
			var err error
			if last, err = readJoined(next); err != nil {
				r.Fatal(err)
			}
		}
		if !slices.Equal(got, want) {
			r.Fatalf("got %v, want %v", got, want)
		}
	})
}

// Who was there all along is shown once, in order, whoever comes and goes.
func TestByDateACursorHoldsWhileTheListChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		d := draw(r)
		d.actor.Admin, d.actor.Side = true, network.Owner
		d.sight = network.SightOf(d.actor, network.Partner{}, nil, d.tree)
		touched := map[string]bool{}
		var shown []string
		var last *feed.Joined
		for {
			page, next := newestOf(&d.base, d.actor, d.sight, nil, last, rapid.IntRange(1, 4).Draw(r, "limit"))
			for _, j := range page {
				if slices.Contains(shown, j.Partner) && !touched[j.Partner] {
					r.Fatalf("got %s twice", j.Partner)
				}
				shown = append(shown, j.Partner)
			}
			if next == "" {
				break
			}
			var err error
			if last, err = readJoined(next); err != nil {
				r.Fatal(err)
			}
			i := rapid.IntRange(0, 20).Draw(r, "changed")
			p := network.Partner{ID: fmt.Sprintf("pa%02d", i), Name: "x", Group: 1, State: network.PartnerJoined, JoinedAt: noon.Add(time.Duration(rapid.IntRange(0, 5).Draw(r, "at")) * time.Second), Edition: len(shown) + 2}
			c := feed.Changes{Put: []search.Entry{feed.PartnerEntry(p)}}
			if rapid.Bool().Draw(r, "goes") {
				c = feed.Changes{Remove: []search.Removal{{Key: search.Key{Partner: p.ID}, Edition: p.Edition}}}
			}
			touched[p.ID] = true
			parts, err := c.Pack(store.MaxFeedPart)
			if err != nil {
				r.Fatal(err)
			}
			if d.base.Through, err = d.base.Apply([]store.FeedPart{{N: d.base.Through + 1, Body: parts[0]}}); err != nil {
				r.Fatal(err)
			}
		}
		shown = slices.DeleteFunc(shown, func(id string) bool { return touched[id] })
		var want []string
		slices.SortFunc(d.partners, byDate)
		for _, p := range d.partners {
			if p.State == network.PartnerJoined && !touched[p.ID] {
				want = append(want, p.ID)
			}
		}
		if !slices.Equal(shown, want) {
			r.Fatalf("got %v, want %v, who were there all along", shown, want)
		}
	})
}

func BenchmarkNewest(b *testing.B) {
	const n = 100_000
	base := feed.Base{Index: search.New(func(yield func(search.Entry) bool) {
		for i := range n {
			if !yield(search.Entry{Partner: fmt.Sprintf("pa%06d", i), Name: "经销商", State: network.PartnerJoined, Group: 1 + i%200, JoinedAt: time.Unix(int64(i), 0), Edition: 1}) {
				return
			}
		}
	})}
	base.KnowSums()
	a := network.Actor{Person: network.Person{ID: "pe1"}, Role: network.Staff, Side: network.Owner, Chain: network.Chain{ID: chainID, MembersSee: network.SeeByRules}}
	sight := network.SightOf(a, network.Partner{}, []network.Rule{{Effect: network.Allow, Partner: network.PartnerSide{Corps: []string{"pa000001"}}}}, network.Tree{1: {ID: 1}})
	for b.Loop() { // the worst: who sees one alone
		newestOf(&base, a, sight, nil, nil, 50)
	}
}
