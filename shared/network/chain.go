package network

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// Chain is a corp's space for its partners (上下游空间).
type Chain struct {
	ID        string
	Name      string
	OwnerCorp string
	OwnerName string
	CreatedAt time.Time

	Policies           []PolicyChange // append-only, oldest first, never empty (R12)
	MembersMayInvite   bool           // R07, default on
	PartnersMayInvite  bool           // R07, default off
	PartnersSeeAnother bool           // 「允许外部单位之间互相查看」 R35, default off
	MembersSee         MembersSee     // what the owner's people but admins see, R35, "" is SeeAll

	Moved map[int]int // a deleted group → where its people and invites belong (R34)

	Barred bool // the owner can take no part in chains: nobody joins, who has joined stays (R04)

	DissolvedAt  time.Time // non-zero: dissolved (R41)
	PartnerLimit int       // partners that may have joined (R46)
	PeopleLimit  int       // people of one partner that may have joined (R46)

	RulesEdition int // changes with every edit of a visibility rule (R36)

	// Edition changes with every edit (the ETag). Gate changes with all that
	// a join relies on: policy, revocation, groups, dissolution. A join
	// states the Gate it has read and is refused by the write if that has
	// moved on (R16).
	Edition int
	Gate    int
}

// Defaults of R46.
const (
	MaxPartners = 100_000
	MaxPeople   = 1_000
)

// MaxLeaders is how many 负责人 a partner may have (R25).
const MaxLeaders = 5

// What a chain gathers for good rides on each look at it and on each join, and
// must fit into one item, 400 KB, together: so there is an end to either.
const (
	MaxPolicies = 1_000  // changes of the join policy
	MaxMoved    = 10_000 // deleted groups
)

// NewChain is a chain with the defaults of R07, R20, R35 and R46.
func NewChain(id, name string, owner Corp, at time.Time) (Chain, error) {
	if err := CheckChainName("name", name); err != nil {
		return Chain{}, err
	}
	if !owner.Eligible() {
		return Chain{}, ErrCorpNotEligible
	}
	return Chain{
		ID: id, Name: name, OwnerCorp: owner.ID, OwnerName: owner.Name, CreatedAt: at,
		Policies:         []PolicyChange{{At: at, Policy: Open}},
		MembersMayInvite: true,
		PartnerLimit:     MaxPartners, PeopleLimit: MaxPeople,
		Edition: 1, Gate: 1,
	}, nil
}

// CheckChainName holds what a corp's name must be (R02). A chain's goes into
// notices to people who have agreed to nothing yet, so that it must be a name
// and can be no address of somewhere else.
func CheckChainName(field, name string) error { return CheckCorpName(field, name) }

// FoldName is the form under which a chain's name is unique (R41): a name
// that only differs by case or spacing is the same name.
func FoldName(name string) string {
	if strings.IndexFunc(name, foldable) < 0 {
		return name
	}
	return strings.ToLower(strings.Join(strings.Fields(name), " "))
}

// foldable reports whether a letter may be another once folded. Of names in
// Chinese none is, and an import folds each name it has.
func foldable(r rune) bool {
	const firstHan, lastHan = '\u4e00', '\u9fff'
	return (r < firstHan || r > lastHan) && (unicode.IsSpace(r) || unicode.ToLower(r) != r)
}

// Policy is the join policy in force.
func (c Chain) Policy() JoinPolicy { return c.Policies[len(c.Policies)-1].Policy }

// Dissolved reports whether the chain has been dissolved (R41).
func (c Chain) Dissolved() bool { return !c.DissolvedAt.IsZero() }

// ChainEdit is a change of a chain's settings; nil leaves one as it is.
type ChainEdit struct {
	Name               *string
	JoinPolicy         *JoinPolicy
	MembersMayInvite   *bool
	PartnersMayInvite  *bool
	PartnersSeeAnother *bool
	MembersSee         *MembersSee
}

// Apply makes the edit, or says which field is wrong. One that changes nothing
// gives the chain as it was, edition and all. A policy that changes
// is appended to the history, never rewritten (R12), and never before its last
// entry: machines' clocks differ. ErrConflict at MaxPolicies.
func (c Chain) Apply(e ChainEdit, at time.Time) (Chain, error) {
	was := c
	if e.Name != nil {
		if err := CheckChainName("name", *e.Name); err != nil {
			return Chain{}, err
		}
		c.Name = *e.Name
	}
	if p := e.JoinPolicy; p != nil {
		if !p.Valid() {
			return Chain{}, InvalidField("join_policy", "not_allowed", "join_policy is open, imported_only, approval or imported_or_approval")
		}
		if *p != c.Policy() {
			if len(c.Policies) >= MaxPolicies {
				return Chain{}, ErrConflict
			}
			c.Policies = append(slices.Clone(c.Policies), PolicyChange{At: later(at, c.Policies[len(c.Policies)-1].At), Policy: *p})
		}
	}
	if m := e.MembersSee; m != nil {
		if *m != SeeAll && *m != SeeByRules {
			return Chain{}, InvalidField("members_see", "not_allowed", "members_see is all or rules")
		}
		if *m == SeeAll {
			c.MembersSee = "" // as in chains from before it could be set
		} else {
			c.MembersSee = *m
		}
	}
	set(&c.MembersMayInvite, e.MembersMayInvite)
	set(&c.PartnersMayInvite, e.PartnersMayInvite)
	set(&c.PartnersSeeAnother, e.PartnersSeeAnother)
	if c.sameSettings(was) {
		return was, nil
	}
	c.Edition++
	c.Gate++
	return c, nil
}

func (c Chain) sameSettings(as Chain) bool {
	return c.Name == as.Name && len(c.Policies) == len(as.Policies) &&
		c.MembersMayInvite == as.MembersMayInvite && c.PartnersMayInvite == as.PartnersMayInvite && c.PartnersSeeAnother == as.PartnersSeeAnother && c.MembersSee == as.MembersSee
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func set[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}
