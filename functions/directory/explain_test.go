package main

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// explained is what the door says of a viewer and a target: names and values of
// the query, in turn.
func (w *world) explained(t *testing.T, who web.Claims, query ...string) answer {
	t.Helper()
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	return w.as(t, who, path+"/explain?"+q.Encode(), "Accept-Language", "en")
}

// why is an explanation in short: whether, and the codes.
func (a answer) why(t *testing.T) string {
	t.Helper()
	a.want(t, 200, "")
	out := fmt.Sprint(a.body["visible"])
	for _, b := range a.body["because"].([]any) {
		because := b.(map[string]any)
		out += fmt.Sprint(" ", because["code"])
		if because["text"] == "" {
			t.Errorf("no words for %v", because)
		}
	}
	return out
}

// field is the one that a refusal names.
func (a answer) field() any {
	faults, _ := a.body["errors"].([]any)
	if len(faults) != 1 {
		return nil
	}
	return faults[0].(map[string]any)["field"]
}

// busy is a chain in which everybody has come who can be judged: an appointed
// admin (3), partners (10 to 15), one that a member invited (16), one that a
// partner's person did (17), a colleague (18) of 16, who is still to join (50).
func busy(t *testing.T) *world {
	t.Helper()
	w := setup(t)
	w.colleague(t, 3, w.owner)
	if err := w.AddAdmin(t.Context(), w.chain, id(claims(3)), noon, store.Once{}); err != nil {
		t.Fatal(err)
	}
	on := true
	w.see(t, network.ChainEdit{PartnersMayInvite: &on})
	w.partners(t)
	w.joins(t, 16, w.invite(t, w.staff, w.owner, w.south))
	w.joins(t, 17, w.invite(t, claims(10), w.corps[10], network.RootGroup))
	w.colleague(t, 18, w.corps[16])
	w.in(t, 18, w.corps[16], w.invite(t, claims(16), w.corps[16], w.south))
	w.roster(t, row("Pending Ltd", 50))
	w.tb.Reset()
	return w
}

func TestR36_ExplainSaysWhatDecides(t *testing.T) {
	t.Parallel()
	w := busy(t)
	pending := network.RosterPartnerID(chainID, "", "Pending Ltd")
	check := func(what string, viewer int, target, want string) {
		t.Helper()
		if got := w.explained(t, w.boss, "viewer", id(claims(viewer)), "target", target).why(t); got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	person := func(n int) string { return id(claims(n)) }
	check("an admin", 3, w.partnerID(13), "true chain_admin")
	check("a member", 2, w.partnerID(13), "true setting_open")
	check("a member, of who is to join", 2, pending, "true setting_open")
	check("a member, of a partner's person", 2, person(13), "true setting_open")
	check("a member, of a colleague", 2, person(3), "true own_corp")
	check("a partner's person, of their own", 16, w.partnerID(16), "true own_corp")
	check("of a colleague", 16, person(18), "true own_corp")
	check("of themselves", 16, person(16), "true own_corp")
	check("of another partner", 16, w.partnerID(10), "false setting_closed")
	check("of its people", 16, person(10), "false setting_closed")
	check("of an admin", 10, person(3), "true host_is_admin")
	check("of an admin who invited them", 10, person(1), "true host_is_admin inviter")
	check("of a member who invited them", 16, person(2), "true inviter")
	check("of another member", 10, person(2), "false setting_closed")
	check("of who of another partner invited them", 17, person(10), "true inviter")
	check("who is still to join, of all", 50, w.partnerID(10), "false not_in_chain")
	check("who is still to join, of a host", 50, person(1), "false not_in_chain")

	on := true
	w.see(t, network.ChainEdit{PartnersSeeAnother: &on})
	check("of another partner, with the switch", 16, w.partnerID(10), "true setting_open")
	check("of its people, with the switch", 16, person(10), "true setting_open")
	check("of who is to join, with the switch", 16, pending, "false not_joined")
	check("of its people, with the switch", 16, person(50), "false not_joined")
	if err := w.Leave(t.Context(), chainID, w.partnerID(16), person(18), noon); err != nil {
		t.Fatal(err)
	}
	check("of a colleague who has left", 16, person(18), "false not_joined")
	check("of who has left, a member", 2, person(18), "true setting_open")
	check("who has left, of all", 18, w.partnerID(16), "false not_in_chain")
	if err := w.RemovePartner(t.Context(), chainID, w.partnerID(12), 0, noon); err != nil {
		t.Fatal(err)
	}
	check("of a removed partner's person", 2, person(12), "false not_in_chain")
	check("a removed partner's person", 12, person(2), "false not_in_chain")
	if got := w.explained(t, w.boss, "viewer", person(2), "target", w.partnerID(12)).want(t, 404, "not_found").field(); got != "target" {
		t.Errorf("got %v for a removed partner, want target", got)
	}
}

func TestR36_ExplainNamesTheRulesInWords(t *testing.T) {
	t.Parallel()
	w := busy(t)
	w.byRules(t)
	ask := func(lang string, viewer int, target string) string {
		t.Helper()
		q := url.Values{"viewer": {id(claims(viewer))}, "target": {target}}
		got := w.as(t, w.boss, path+"/explain?"+q.Encode(), "Accept-Language", lang).want(t, 200, "")
		if l := got.Header().Get("Content-Language"); l != lang {
			t.Errorf("got %s, want %s", l, lang)
		}
		return strings.TrimSpace(got.Body.String())
	}
	ruleID := func(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
	check := func(got, want string, a ...any) {
		t.Helper()
		if want = fmt.Sprintf(want, a...); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
	check(ask("en", 2, w.partnerID(13)), `{"visible":false,"because":[{"code":"setting_closed","text":"The owner's members see only the partners that a rule lets them, and none does."}]}`)
	allow := ruleID(w.rule(t, `{"effect":"allow","owner":{"roles":["member"]},"partner":{"groups":[%d]}}`, w.north))
	check(ask("en", 2, w.partnerID(13)), `{"visible":true,"because":[{"code":"rule_allows","rule_id":"%s","text":"Rule %s allows: members and group “North” see each other."}]}`, allow, allow)
	check(ask("zh-CN", 2, w.partnerID(13)), `{"visible":true,"because":[{"code":"rule_allows","rule_id":"%s","text":"规则 %s 允许：普通成员 与 分组“North” 互相可见。"}]}`, allow, allow)
	check(ask("en", 13, id(w.staff)), `{"visible":true,"because":[{"code":"rule_allows","rule_id":"%s","text":"Rule %s allows: members and group “North” see each other."}]}`, allow, allow)
	hide := ruleID(w.rule(t, `{"effect":"hide","owner":{"members":[%q,%q]},"partner":{"corps":[%q,%q,%q]}}`, id(w.staff), id(w.boss), w.partnerID(13), w.partnerID(12), w.partnerID(11)))
	check(ask("en", 2, w.partnerID(13)), `{"visible":false,"because":[{"code":"rule_hides","rule_id":"%s","text":"Rule %s hides: Person 2, 1 person and Dealer 13, 2 partners don't see each other."}]}`, hide, hide)
	check(ask("zh-CN", 13, id(w.boss)), `{"visible":false,"because":[{"code":"rule_hides","rule_id":"%s","text":"规则 %s 隐藏：Person 1、1 人 与 Dealer 13、2 家外部单位 互不可见。"}]}`, hide, hide)
	check(ask("en", 1, w.partnerID(13)), `{"visible":true,"because":[{"code":"chain_admin","text":"The viewer is an admin of the chain: they see all partners."}]}`)
	all := ruleID(w.rule(t, `{"effect":"allow"}`))
	check(ask("en", 2, w.partnerID(14)), `{"visible":true,"because":[{"code":"rule_allows","rule_id":"%s","text":"Rule %s allows: all the owner's people and all partners see each other."}]}`, all, all)
}

func TestR37_ExplainIsForAdminsAndTellsNothingOfOtherChains(t *testing.T) {
	t.Parallel()
	w := busy(t)
	person := func(n int) string { return id(claims(n)) }
	for _, who := range []web.Claims{w.staff, claims(10)} {
		w.explained(t, who, "viewer", person(2), "target", w.partnerID(10)).want(t, 403, "denied")
	}
	other := w.corp(t, "Other Ltd", claims(77))
	c, err := network.NewChain(network.NewChainID(), "Suppliers", other, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateChain(t.Context(), c, other, store.Once{}); err != nil {
		t.Fatal(err)
	}
	w.explained(t, claims(77), "viewer", person(2), "target", w.partnerID(10)).want(t, 404, "not_found")
	w.colleague(t, 19, w.corps[10]) // a colleague who hasn't joined (R03)

	refused := func(field string, status int, code string, query ...string) answer {
		t.Helper()
		got := w.explained(t, w.boss, query...).want(t, status, code)
		if got.field() != field {
			t.Errorf("%v: got %v, want %s", query, got.field(), field)
		}
		return got
	}
	nobody := refused("viewer", 404, "not_found", "viewer", person(99), "target", w.partnerID(10))
	for _, viewer := range []string{person(77), person(19), "x", w.partnerID(10), handle(claims(10))} {
		if got := refused("viewer", 404, "not_found", "viewer", viewer, "target", w.partnerID(10)); withoutID(got) != withoutID(nobody) {
			t.Errorf("got %s for %s, want it as for nobody: %s", got.Body, viewer, nobody.Body)
		}
	}
	nobody = refused("target", 404, "not_found", "viewer", person(2), "target", person(99))
	for _, target := range []string{person(77), person(19), "x", network.CorpPartnerID(c.ID, other.ID), handle(claims(10))} {
		if got := refused("target", 404, "not_found", "viewer", person(2), "target", target); withoutID(got) != withoutID(nobody) {
			t.Errorf("got %s for %s, want it as for nobody: %s", got.Body, target, nobody.Body)
		}
	}
	// Nor does what it costs tell them apart.
	cost := func(viewer string) int {
		w.tb.Reset()
		w.explained(t, w.boss, "viewer", viewer, "target", w.partnerID(10)).want(t, 404, "not_found")
		return w.tb.Meter().Requests
	}
	if of, none := cost(person(77)), cost(person(99)); of != none {
		t.Errorf("got %d requests for somebody of another chain, want %d as for nobody", of, none)
	}
	refused("viewer", 400, "invalid", "target", w.partnerID(10))
	refused("target", 400, "invalid", "viewer", person(2))
	refused("foo", 400, "invalid", "viewer", person(2), "target", w.partnerID(10), "foo", "1")

	second := w.corp(t, "Second Ltd", claims(10))
	for _, corp := range []string{second.ID, w.corps[11].ID, network.NewCorpID(), "x"} { // theirs, but not in the chain
		refused("viewer_corp", 404, "not_found", "viewer", person(10), "viewer_corp", corp, "target", w.partnerID(10))
	}
	if got := w.explained(t, w.boss, "viewer", person(10), "target", w.partnerID(10)).why(t); got != "true own_corp" {
		t.Errorf("got %s under the one corp that is in the chain, want true own_corp", got)
	}
	w.in(t, 10, second, w.invite(t, w.boss, w.owner, network.RootGroup))
	refused("viewer_corp", 400, "corp_required", "viewer", person(10), "target", w.partnerID(10))
	if got := w.explained(t, w.boss, "viewer", person(10), "viewer_corp", second.ID, "target", w.partnerID(10)).why(t); got != "false setting_closed" {
		t.Errorf("got %s under the other corp, want false setting_closed", got)
	}
}

func TestWhatAnExplanationCosts(t *testing.T) {
	t.Parallel()
	w := busy(t)
	w.rule(t, `{"effect":"hide","partner":{"groups":[%d]}}`, w.north)
	ask := func() { w.explained(t, w.boss, "viewer", id(w.staff), "target", w.partnerID(13)).want(t, 200, "") }
	ask()
	w.tb.Reset()
	ask()
	// Who asks and who looks two each, the edition of the groups, the partner, the groups' names.
	if m := w.tb.Meter(); m.Requests != 7 || m.WriteUnits != 0 {
		t.Errorf("got %+v, want 7 requests and no write", m)
	}
}

// What explain says is what the viewer's own directory and search show, and what
// an export of theirs has.
func TestR36_ExplainAgreesWithWhatTheViewerFinds(t *testing.T) {
	t.Parallel()
	w := busy(t)
	w.index(t)
	guests := []int{10, 11, 12, 13, 14, 15, 16, 17, 18}
	people := append([]int{1, 2, 3, 50}, guests...)
	targets := map[string]string{network.RosterPartnerID(chainID, "", "Pending Ltd"): network.RosterPartnerID(chainID, "", "Pending Ltd")} // and what lists call them
	for _, n := range people {
		targets[id(claims(n))] = handle(claims(n))
	}
	for _, n := range guests[:len(guests)-1] {
		targets[w.partnerID(n)] = w.partnerID(n)
	}
	roles := []network.HostRole{network.HostSuperAdmin, network.HostAdmin, network.HostMember}
	corps := rapid.Custom(func(r *rapid.T) string { return w.partnerID(rapid.SampledFrom(guests[:8]).Draw(r, "partner")) })
	hosts := rapid.Custom(func(r *rapid.T) string { return id(claims(rapid.IntRange(1, 3).Draw(r, "host"))) })
	var last []string
	rapid.Check(t, func(r *rapid.T) {
		w.now = w.now.Add(24 * time.Hour) // a day has its number of edits
		c, err := w.Chain(t.Context(), chainID)
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range last {
			if err := w.DeleteRule(t.Context(), chainID, rule, 0, w.now); err != nil {
				t.Fatal(err)
			}
		}
		last = nil
		for range rapid.IntRange(0, 3).Draw(r, "rules") {
			rule := network.Rule{
				ID: network.NewRuleID(w.now), Effect: rapid.SampledFrom([]network.Effect{network.Allow, network.Hide}).Draw(r, "effect"),
				Owner: network.OwnerSide{
					Members: rapid.SliceOfNDistinct(hosts, 0, 2, rapid.ID).Draw(r, "members"),
					Roles:   rapid.SliceOfNDistinct(rapid.SampledFrom(roles), 0, 2, rapid.ID).Draw(r, "roles"),
				},
				Partner: network.PartnerSide{
					Groups: rapid.SliceOfNDistinct(rapid.SampledFrom([]int{network.RootGroup, w.north, w.harbour, w.south}), 0, 2, rapid.ID).Draw(r, "groups"),
					Corps:  rapid.SliceOfNDistinct(corps, 0, 2, rapid.ID).Draw(r, "corps"),
				},
			}
			if _, err := w.CreateRule(t.Context(), c, rule, store.Once{Now: w.now}); err != nil {
				t.Fatal(err)
			}
			last = append(last, rule.ID)
		}
		see := rapid.SampledFrom([]network.MembersSee{network.SeeAll, network.SeeByRules}).Draw(r, "members see")
		another := rapid.Bool().Draw(r, "partners see another")
		w.see(t, network.ChainEdit{MembersSee: &see, PartnersSeeAnother: &another})
		viewer := rapid.SampledFrom(append([]int{1, 2, 2, 2, 3}, guests...)).Draw(r, "viewer")
		shown := w.shown(t, claims(viewer), path+"?recursive=true&limit=200")
		shown = append(shown, w.shown(t, claims(viewer), searchPath+"?q=Person&limit=200")...)
		shown = append(shown, w.shown(t, claims(viewer), searchPath+"?q=Pending&limit=200")...)
		shown = append(shown, w.shown(t, claims(viewer), searchPath+"?q="+url.QueryEscape("联系人")+"&limit=200")...)
		w.exports(t, r, viewer, shown)
		for target, listed := range targets {
			got := w.explained(t, w.boss, "viewer", id(claims(viewer)), "target", target).want(t, 200, "")
			// The owner's people see each other in the corp's list, not in this.
			ours := viewer <= 3 && slices.Contains([]string{id(claims(1)), id(claims(2)), id(claims(3))}, target)
			if want := slices.Contains(shown, listed) || ours; got.body["visible"] != want {
				r.Fatalf("%d sees %s: got %s, want %v", viewer, target, got.Body, want)
			}
		}
	})
}

// exports makes sure that an export has the partners that its reader finds, and
// of partners' people those of them who have joined.
func (w *world) exports(t *testing.T, r *rapid.T, viewer int, shown []string) {
	t.Helper()
	corp := map[int]int{18: 16} // who isn't of a corp of their number
	of := func(n int) string { return w.partnerID(cmp.Or(corp[n], n)) }
	said := strings.Join(w.table(t, claims(viewer)), "\n")
	for n := 10; n <= 18; n++ {
		if got, want := strings.Contains(said, fmt.Sprint("|Dealer ", n, "|")), corp[n] == 0 && slices.Contains(shown, of(n)); got != want {
			r.Fatalf("%d: Dealer %d is in the export: %v, want %v:\n%s", viewer, n, got, want, said)
		}
		theirs := viewer < 10 || of(n) == of(viewer)
		if got, want := strings.Contains(said, fmt.Sprint("|Person ", n, "|")), theirs && slices.Contains(shown, handle(claims(n))); got != want {
			r.Fatalf("%d: Person %d is in the export: %v, want %v:\n%s", viewer, n, got, want, said)
		}
	}
}

// shown are the ids of a list's partners and people.
func (w *world) shown(t *testing.T, who web.Claims, path string) (ids []string) {
	t.Helper()
	for cursor := ""; ; {
		page := w.as(t, who, path+"&cursor="+cursor).want(t, 200, "")
		for _, i := range page.body["items"].([]any) {
			for kind, field := range map[string]string{"partner": "partner_id", "contact": "contact_id"} {
				if of, ok := i.(map[string]any)[kind].(map[string]any); ok {
					ids = append(ids, of[field].(string))
				}
			}
		}
		next, more := page.body["next_cursor"].(string)
		if !more {
			return ids
		}
		cursor = next
	}
}
