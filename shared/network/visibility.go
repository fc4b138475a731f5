package network

import (
	"maps"
	"slices"
)

// Sight is what one actor sees of one chain (R35–R37): the one judge of lists,
// direct reads, search, counts, pickers and exports. It is made once a request
// and is cheap to ask: a hundred thousand partners in some milliseconds.
type Sight struct {
	actor Actor
	own   Partner // on the Guest side: the actor's

	rules  []Rule       // that are about the actor, on their side
	all    mark         // of rules about all partners
	lost   mark         // of a group that isn't there: what may be kept from the actor, is
	groups map[int]mark // of each group that is there, with what is above it
	corps  map[string]mark
	placed map[int]bool // groups that are shown for what is in or below them
	tree   Tree
}

// mark is what the rules have said about something.
type mark uint8

const (
	granted mark = 1 << iota
	barred
)

func (e Effect) mark() mark {
	if e == Hide {
		return barred
	}
	return granted // Rule.Check lets nothing else in
}

// SightOf is what the actor sees under the chain's rules and groups. own is the
// actor's own partner on the Guest side, and not looked at on the other. The
// tree is only looked at where there are rules: without any it may be nil,
// and then Group judges by the chain's settings alone.
func SightOf(a Actor, own Partner, rules []Rule, tree Tree) *Sight {
	s := &Sight{actor: a, own: own, tree: tree}
	switch a.Side {
	case Owner:
		s.resolve(rules)
	case Guest:
		place := s.landing(own.Group)
		for _, r := range rules {
			if s.about(r, own.ID, place) {
				s.rules = append(s.rules, r)
			}
		}
	}
	return s
}

// Own is the actor's own partner, on the Guest side.
func (s *Sight) Own() Partner { return s.own }

// HostRole is what the actor is on the owner side.
func (a Actor) HostRole() HostRole {
	switch {
	case a.Role == SuperAdmin:
		return HostSuperAdmin
	case a.Admin:
		return HostAdmin
	}
	return HostMember
}

// resolve turns the rules that are about an actor of the owner's into marks of
// groups and partners.
func (s *Sight) resolve(rules []Rule) {
	if s.actor.Admin {
		return // no rule keeps a partner from an admin
	}
	direct := map[int]mark{}
	for _, r := range rules {
		if !r.Owner.has(s.actor.Person.ID, s.actor.HostRole()) {
			continue
		}
		s.rules = append(s.rules, r)
		m := r.Effect.mark()
		if r.Partner.all() {
			s.all |= m
		}
		for _, g := range r.Partner.Groups {
			direct[s.landing(g)] |= m
		}
		for _, p := range r.Partner.Corps {
			if s.corps == nil {
				s.corps = map[string]mark{}
			}
			s.corps[p] |= m
		}
	}
	if len(direct) > 0 {
		s.groups = make(map[int]mark, len(s.tree))
		for id := range s.tree {
			m := mark(0)
			for _, above := range s.tree.above(id) {
				m |= direct[above]
			}
			s.groups[id] = m
		}
		for _, m := range direct {
			s.lost |= m & barred
		}
	}
	s.place(nil)
}

// above are the group and what it stands under, up to the root.
func (t Tree) above(id int) []int {
	out := make([]int, 0, MaxDepth+1)
	for len(out) <= MaxDepth {
		out = append(out, id)
		g, ok := t[id]
		if !ok || g.Parent == 0 {
			break
		}
		id = g.Parent
	}
	return out
}

// about reports whether a rule's side of the partners has one of that id, in
// that group.
func (s *Sight) about(r Rule, id string, group int) bool {
	if r.Partner.all() || slices.Contains(r.Partner.Corps, id) {
		return true
	}
	if len(r.Partner.Groups) == 0 {
		return false
	}
	above := s.tree.above(group)
	return slices.ContainsFunc(r.Partner.Groups, func(g int) bool { return slices.Contains(above, s.landing(g)) })
}

// byDefault reports whether the owner's person sees what no rule is about.
func (s *Sight) byDefault() bool { return s.actor.Admin || s.actor.Chain.MembersSee != SeeByRules }

// sees is the verdict on marks.
func (s *Sight) sees(m mark) bool { return m&barred == 0 && (s.byDefault() || m&granted != 0) }

// Partner reports whether the actor sees a partner: who is still to join, the
// owner's people alone.
func (s *Sight) Partner(p Partner) bool { return s.PartnerAt(p.ID, p.Group, p.State) }

// PartnerAt is Partner for who has no more of it at hand. group is where the
// partner was put; if that has been deleted, it is judged where it belongs now.
func (s *Sight) PartnerAt(id string, group int, state PartnerState) bool {
	switch {
	case state == PartnerRemoved:
		return false
	case s.actor.Side == Owner:
		return s.sees(s.marks(id, group))
	case s.actor.Side == Guest:
		return id == s.own.ID || s.actor.Chain.PartnersSeeAnother && state == PartnerJoined
	}
	return false
}

// landing is Chain.Landing, which copies the chain.
func (s *Sight) landing(group int) int {
	if len(s.actor.Chain.Moved) == 0 {
		return max(group, RootGroup)
	}
	return s.actor.Chain.Landing(group)
}

func (s *Sight) marks(id string, group int) mark {
	m := s.all
	if s.groups != nil {
		of, there := s.groups[s.landing(group)]
		if !there {
			of = s.lost
		}
		m |= of
	}
	if s.corps != nil {
		m |= s.corps[id]
	}
	return m
}

// Contact reports whether the actor sees a person of a partner: to another
// corp only who has joined is shown (R03).
func (s *Sight) Contact(p Partner, k Contact) bool {
	return s.Partner(p) && (s.actor.Side == Owner || k.HasJoined())
}

// Host is somebody of the owner corp, as a rule sees them.
type Host struct {
	Person  string
	Role    HostRole
	Inviter bool // of the actor
}

// Host reports whether the actor sees somebody of the owner corp: the owner's
// people each other, a partner's people the chain's admins, who invited them,
// and whom a rule lets them, but nobody whom a rule hides.
func (s *Sight) Host(h Host) bool {
	switch s.actor.Side {
	case Owner:
		return true
	case Guest:
		m := mark(0)
		for _, r := range s.rules {
			if r.Owner.has(h.Person, h.Role) {
				m |= r.Effect.mark()
			}
		}
		return m&barred == 0 && (h.Role != HostMember || h.Inviter || m&granted != 0)
	}
	return false
}

// Hosts reports whether a rule may let a partner's person see more of the
// owner's people than the admins and the inviter, and whom: the people who are
// named, or all members.
func (s *Sight) Hosts() (people []string, all bool) {
	if s.actor.Side != Guest {
		return nil, false
	}
	for _, r := range s.rules {
		if r.Effect != Allow {
			continue
		}
		people = append(people, r.Owner.Members...)
		all = all || r.Owner.has("", HostMember)
	}
	slices.Sort(people)
	return slices.Compact(people), all
}

// Restricted reports whether a rule or the chain's settings may keep a partner
// that has joined from the actor. Who isn't restricted reads lists as they are.
func (s *Sight) Restricted() bool {
	if s.actor.Side != Owner {
		return !s.actor.Chain.PartnersSeeAnother
	}
	return !s.byDefault() || s.all&barred != 0 || s.anyHidden()
}

func (s *Sight) anyHidden() bool {
	return slices.ContainsFunc(s.rules, func(r Rule) bool { return r.Effect == Hide })
}

// Scope is where the partners are that an actor of the owner's sees: all who
// are in Groups or named by Singly, but no partner named by Hidden. Groups are
// single groups, not those below them; both they and the ids ascend.
type Scope struct {
	Groups []int
	Singly []string // that may stand in other groups
	Hidden []string
}

// Scope is the sight as a list can be read by it.
func (s *Sight) Scope() Scope {
	var out Scope
	if s.actor.Side != Owner {
		return out
	}
	for id := range s.tree {
		if s.whole(id) {
			out.Groups = append(out.Groups, id)
		}
	}
	for id, m := range s.corps {
		switch m |= s.all; {
		case m&barred != 0:
			out.Hidden = append(out.Hidden, id)
		case m&granted != 0 && !s.byDefault():
			out.Singly = append(out.Singly, id)
		}
	}
	slices.Sort(out.Groups)
	slices.Sort(out.Singly)
	slices.Sort(out.Hidden)
	return out
}

// Among are those of the groups in which partners are seen unless something is
// said of them alone. nil is all groups, and stays so where none is kept from
// the actor.
func (s *Sight) Among(groups []int) []int {
	if s.actor.Side != Owner || !s.Restricted() {
		return groups
	}
	every := groups == nil
	if every {
		groups = slices.Sorted(maps.Keys(s.tree))
	}
	seen := make([]int, 0, len(groups))
	for _, id := range groups {
		if s.whole(id) {
			seen = append(seen, id)
		}
	}
	if every && len(groups) > 0 && len(seen) == len(groups) {
		return nil
	}
	return seen
}

// Apart reports whether a partner is seen that no group of Among has.
func (s *Sight) Apart(p Partner) bool {
	return s.actor.Side == Owner && s.Partner(p) && !s.whole(s.landing(p.Group))
}

// whole reports whether a partner in the group is seen unless something is said
// of it alone.
func (s *Sight) whole(group int) bool { return s.sees(s.marks("", group)) }

// Knowing shows, from here on, also the groups in which partners stand that are
// allowed singly: Scope names them, and a read brings them. It is the same sight.
func (s *Sight) Knowing(singly []Partner) *Sight {
	s.place(singly)
	return s
}

func (s *Sight) place(singly []Partner) {
	if s.actor.Side != Owner || !s.Restricted() {
		return
	}
	s.placed = map[int]bool{RootGroup: true}
	show := func(group int) {
		for _, g := range s.tree.above(group) {
			s.placed[g] = true
		}
	}
	for id := range s.tree {
		if s.whole(id) {
			show(id)
		}
	}
	for _, p := range singly {
		if s.Partner(p) {
			show(s.landing(p.Group))
		}
	}
}

// Group reports whether the actor sees a group (R08): the owner's people those
// in or below which they see something or may, and the root; a partner's the
// one that it stands in.
func (s *Sight) Group(id int) bool {
	switch s.actor.Side {
	case Owner:
		return s.placed == nil || s.placed[id]
	case Guest:
		return id == s.landing(s.own.Group)
	}
	return false
}

// Because is why somebody is seen or isn't.
type Because string

const (
	BecauseAdmin      Because = "chain_admin"    // the viewer runs the chain
	BecauseHost       Because = "host_is_admin"  // partners see the chain's admins
	BecauseInviter    Because = "inviter"        // partners see who invited them
	BecauseOwn        Because = "own_corp"       // their own people
	BecauseSetting    Because = "setting_open"   // the chain's setting shows it
	BecauseClosed     Because = "setting_closed" // the chain's setting doesn't
	BecauseAllowed    Because = "rule_allows"
	BecauseHidden     Because = "rule_hides"
	BecauseNotJoined  Because = "not_joined" // partners see no others who are still to join
	BecauseNotInChain Because = "not_in_chain"
)

// Rule is the rule of a reason that the sight has given; ok is false for any
// other.
func (s *Sight) Rule(id string) (r Rule, ok bool) {
	i := slices.IndexFunc(s.rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return s.rules[i], true
}

// Reason is one of the things that decide. Rule is "" for what is no rule.
type Reason struct {
	Because Because
	Rule    string
}

// WhyPartner gives the reasons for what Partner says: those alone that decide,
// so that a hide is named without the allows that it beats. Never empty.
func (s *Sight) WhyPartner(p Partner) []Reason {
	a := s.actor
	switch {
	case p.State == PartnerRemoved || a.Side == Outside:
		return []Reason{{Because: BecauseNotInChain}}
	case a.Side == Guest && p.ID == s.own.ID:
		return []Reason{{Because: BecauseOwn}}
	case a.Side == Guest && !a.Chain.PartnersSeeAnother:
		return []Reason{{Because: BecauseClosed}}
	case a.Side == Guest && p.State != PartnerJoined:
		return []Reason{{Because: BecauseNotJoined}}
	case a.Side == Guest:
		return []Reason{{Because: BecauseSetting}}
	case a.Admin:
		return []Reason{{Because: BecauseAdmin}}
	}
	place := s.landing(p.Group)
	var because []Reason
	if s.byDefault() {
		because = []Reason{{Because: BecauseSetting}}
	}
	return s.why(because, func(r Rule) bool { return s.about(r, p.ID, place) })
}

// WhyContact gives the reasons for what Contact says.
func (s *Sight) WhyContact(p Partner, k Contact) []Reason {
	if s.Partner(p) && !s.Contact(p, k) {
		return []Reason{{Because: BecauseNotJoined}}
	}
	return s.WhyPartner(p)
}

// WhyHost gives the reasons for what Host says.
func (s *Sight) WhyHost(h Host) []Reason {
	var because []Reason
	switch {
	case s.actor.Side == Outside:
		return []Reason{{Because: BecauseNotInChain}}
	case s.actor.Side == Owner:
		return []Reason{{Because: BecauseOwn}}
	case h.Role != HostMember:
		because = append(because, Reason{Because: BecauseHost})
	}
	if h.Inviter {
		because = append(because, Reason{Because: BecauseInviter})
	}
	return s.why(because, func(r Rule) bool { return r.Owner.has(h.Person, h.Role) })
}

// why is the default's reasons with what the rules add, or the rules that hide.
func (s *Sight) why(because []Reason, about func(Rule) bool) []Reason {
	var hide []Reason
	for _, r := range s.rules {
		switch {
		case !about(r):
		case r.Effect == Hide:
			hide = append(hide, Reason{BecauseHidden, r.ID})
		default:
			because = append(because, Reason{BecauseAllowed, r.ID})
		}
	}
	switch {
	case hide != nil:
		return hide
	case because == nil:
		return []Reason{{Because: BecauseClosed}}
	}
	return because
}
