package network_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
)

// view is a chain with rules, and somebody who looks.
type view struct {
	actor    network.Actor
	own      network.Partner
	rules    []network.Rule
	tree     network.Tree
	partners []network.Partner
	hosts    []network.Host
}

func (s view) sight() *network.Sight { return network.SightOf(s.actor, s.own, s.rules, s.tree) }

func drawView(t *rapid.T) view {
	chain := chainWith(policies())
	chain.PartnersSeeAnother = rapid.Bool().Draw(t, "partners see another")
	chain.MembersSee = rapid.SampledFrom([]network.MembersSee{"", network.SeeByRules}).Draw(t, "members see")
	s := view{tree: network.Tree{1: {ID: 1}}}
	for id := 2; id <= rapid.IntRange(1, 12).Draw(t, "groups"); id++ {
		parent := rapid.IntRange(1, id-1).Draw(t, "parent")
		if s.tree.Depth(parent) < network.MaxDepth {
			s.tree[id] = network.Group{ID: id, Parent: parent}
		}
	}
	groups := s.tree.Below(network.RootGroup)
	chain.Moved = map[int]int{50: rapid.SampledFrom(groups).Draw(t, "moved")}
	anyGroup := rapid.SampledFrom(append(slices.Clone(groups), 50))
	for i := range rapid.IntRange(1, 12).Draw(t, "partners") {
		s.partners = append(s.partners, network.Partner{
			ID: fmt.Sprint("pa", i), Group: anyGroup.Draw(t, "group"),
			State: rapid.SampledFrom([]network.PartnerState{network.PartnerJoined, network.PartnerPending, network.PartnerEmpty, network.PartnerRemoved}).Draw(t, "state"),
		})
	}
	s.own = s.partners[0]
	s.own.State = network.PartnerJoined
	s.partners[0] = s.own
	people := []string{"pe1", "pe2", "pe3"}
	roles := []network.HostRole{network.HostSuperAdmin, network.HostAdmin, network.HostMember}
	for i, p := range people {
		s.hosts = append(s.hosts, network.Host{Person: p, Role: roles[i], Inviter: rapid.Bool().Draw(t, "inviter")})
	}
	all := who(chain)
	s.actor = all[rapid.SampledFrom([]string{"super-admin", "chain admin", "member", "member", "partner", "partner", "outsider"}).Draw(t, "actor")]
	rule := rapid.Custom(func(t *rapid.T) network.Rule {
		return network.Rule{
			Effect: rapid.SampledFrom([]network.Effect{network.Allow, network.Hide}).Draw(t, "effect"),
			Owner: network.OwnerSide{
				Members: rapid.SliceOfNDistinct(rapid.SampledFrom(people), 0, 2, rapid.ID).Draw(t, "members"),
				Roles:   rapid.SliceOfNDistinct(rapid.SampledFrom(roles), 0, 2, rapid.ID).Draw(t, "roles"),
			},
			Partner: network.PartnerSide{
				Groups: rapid.SliceOfNDistinct(anyGroup, 0, 2, rapid.ID).Draw(t, "groups"),
				Corps:  rapid.SliceOfNDistinct(rapid.Map(rapid.IntRange(0, len(s.partners)-1), func(i int) string { return fmt.Sprint("pa", i) }), 0, 2, rapid.ID).Draw(t, "corps"),
			},
		}
	})
	for i := range rapid.IntRange(0, 6).Draw(t, "rules") {
		r := rule.Draw(t, "rule")
		r.ID = fmt.Sprint("ru", i)
		s.rules = append(s.rules, r)
	}
	return s
}

// covers says of a rule, one group after the other, what the sight works out
// once.
func (s view) covers(r network.Rule, p network.Partner) bool {
	if len(r.Partner.Groups)+len(r.Partner.Corps) == 0 || slices.Contains(r.Partner.Corps, p.ID) {
		return true
	}
	for _, g := range r.Partner.Groups {
		if slices.Contains(s.tree.Below(s.actor.Chain.Landing(g)), s.actor.Chain.Landing(p.Group)) {
			return true
		}
	}
	return false
}

func named(r network.Rule, person string, role network.HostRole) bool {
	return len(r.Owner.Members)+len(r.Owner.Roles) == 0 || slices.Contains(r.Owner.Members, person) || slices.Contains(r.Owner.Roles, role)
}

// together is what the rules say of somebody of the owner's and a partner.
func (s view) together(person string, role network.HostRole, p network.Partner) (allow, hide bool) {
	for _, r := range s.rules {
		if named(r, person, role) && s.covers(r, p) {
			allow, hide = allow || r.Effect == network.Allow, hide || r.Effect == network.Hide
		}
	}
	return allow, hide
}

func TestR36_ARuleIsARelationAndAHideBeatsEveryAllow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawView(t)
		sight, chain := s.sight(), s.actor.Chain
		for _, p := range s.partners {
			allow, hide := s.together(s.actor.Person.ID, network.HostMember, p)
			w := p.State != network.PartnerRemoved
			switch {
			case s.actor.Side == network.Outside:
				w = false
			case s.actor.Side == network.Guest:
				w = p.ID == s.own.ID || chain.PartnersSeeAnother && p.State == network.PartnerJoined
			case !s.actor.Admin:
				w = w && !hide && (allow || chain.MembersSee != network.SeeByRules)
			}
			if got := sight.Partner(p); got != w {
				t.Fatalf("partner %+v: got %v, want %v", p, got, w)
			}
		}
		for _, h := range s.hosts {
			allow, hide := s.together(h.Person, h.Role, s.own)
			w := s.actor.Side == network.Owner || s.actor.Side == network.Guest && !hide && (allow || h.Inviter || h.Role != network.HostMember)
			if got := sight.Host(h); got != w {
				t.Fatalf("host %+v: got %v, want %v", h, got, w)
			}
		}
	})
}

func TestR36_AnAllowNeverHidesAndAHideNeverShows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		more := drawView(t)
		if len(more.rules) == 0 {
			return
		}
		less := more
		added := more.rules[len(more.rules)-1]
		less.rules = more.rules[:len(more.rules)-1]
		before, after := less.sight(), more.sight()
		judge := func(what any, was, is bool) {
			if was && !is && added.Effect == network.Allow || !was && is && added.Effect == network.Hide {
				t.Fatalf("%s of %v: seen was %v, is %v", added.Effect, what, was, is)
			}
		}
		for _, p := range more.partners {
			judge(p, before.Partner(p), after.Partner(p))
		}
		for _, h := range more.hosts {
			judge(h, before.Host(h), after.Host(h))
		}
		for id := range more.tree {
			judge(id, before.Group(id), after.Group(id))
		}
	})
}

// What a list is read by is what each of its partners is judged by.
func TestR36_TheScopeIsWhatIsSeen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawView(t)
		if s.actor.Side != network.Owner {
			return
		}
		sight := s.sight()
		scope := sight.Scope()
		for _, p := range s.partners {
			listed := p.State != network.PartnerRemoved && !slices.Contains(scope.Hidden, p.ID) &&
				(slices.Contains(scope.Groups, s.actor.Chain.Landing(p.Group)) || slices.Contains(scope.Singly, p.ID) && sight.Partner(p))
			if seen := sight.Partner(p); listed != seen {
				t.Fatalf("%+v: listed %v, seen %v", p, listed, seen)
			}
			if !sight.Restricted() && p.State == network.PartnerJoined && !sight.Partner(p) {
				t.Fatalf("%+v isn't shown to who isn't restricted", p)
			}
		}
	})
}

func TestR08_AGroupIsShownForWhatIsSeenInIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawView(t)
		sight := s.sight().Knowing(s.partners)
		for _, p := range s.partners {
			at := s.actor.Chain.Landing(p.Group)
			if s.actor.Side == network.Owner && sight.Partner(p) && !sight.Group(at) {
				t.Fatalf("%+v is seen and its group isn't", p)
			}
		}
		for id, g := range s.tree {
			if s.actor.Side == network.Owner && sight.Group(id) && g.Parent != 0 && !sight.Group(g.Parent) {
				t.Fatalf("group %d is seen and what it stands under isn't", id)
			}
			if s.actor.Side == network.Outside && sight.Group(id) {
				t.Fatalf("group %d is shown outside", id)
			}
		}
	})
}

func TestR36_TheReasonsAreThoseThatDecide(t *testing.T) {
	t.Parallel()
	closed := []network.Because{network.BecauseHidden, network.BecauseClosed, network.BecauseNotJoined, network.BecauseNotInChain}
	rapid.Check(t, func(t *rapid.T) {
		s := drawView(t)
		sight := s.sight()
		judge := func(what any, seen bool, why []network.Reason) {
			if len(why) == 0 {
				t.Fatalf("%+v: no reason", what)
			}
			for _, r := range why {
				if slices.Contains(closed, r.Because) == seen {
					t.Fatalf("%+v: seen %v because %+v", what, seen, why)
				}
				if (r.Rule != "") != (r.Because == network.BecauseAllowed || r.Because == network.BecauseHidden) {
					t.Fatalf("%+v: %+v names a rule or lacks it", what, r)
				}
				if rule, ok := sight.Rule(r.Rule); ok != (r.Rule != "") || rule.ID != r.Rule {
					t.Fatalf("%+v: got rule %+v (%v) for %+v", what, rule, ok, r)
				}
			}
		}
		for _, p := range s.partners {
			judge(p, sight.Partner(p), sight.WhyPartner(p))
			for _, k := range []network.Contact{{}, {JoinedAt: noon}} {
				judge(p, sight.Contact(p, k), sight.WhyContact(p, k))
			}
		}
		for _, h := range s.hosts {
			judge(h, sight.Host(h), sight.WhyHost(h))
		}
	})
}

func TestR36_ARuleOfAGroupThatWentIsOneOfWhereItsPeopleWent(t *testing.T) {
	t.Parallel()
	chain := chainWith(policies())
	chain.MembersSee, chain.Moved = network.SeeByRules, map[int]int{3: 2}
	tree := network.Tree{1: {ID: 1}, 2: {ID: 2, Parent: 1}, 4: {ID: 4, Parent: 1}}
	rules := []network.Rule{{ID: "ru", Effect: network.Allow, Partner: network.PartnerSide{Groups: []int{3}}}}
	sight := network.SightOf(who(chain)["member"], network.Partner{}, rules, tree)
	for group, w := range map[int]bool{1: false, 2: true, 3: true, 4: false} {
		if got := sight.PartnerAt("pa", group, network.PartnerJoined); got != w {
			t.Errorf("in group %d: got %v, want %v", group, got, w)
		}
	}
}
