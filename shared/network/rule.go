package network

import (
	"slices"
	"time"
)

// MembersSee is what the owner's people who are no admins see of the partners
// (R35).
type MembersSee string

const (
	SeeAll     MembersSee = "all"   // but what a rule hides from them
	SeeByRules MembersSee = "rules" // only what a rule lets them
)

// HasRules reports whether the owner's members may see less than all of the chain.
func (c Chain) HasRules() bool { return c.MembersSee == SeeByRules || c.RulesEdition > 0 }

// Effect is what a rule does.
type Effect string

const (
	Allow Effect = "allow"
	Hide  Effect = "hide" // beats every allow, and what is seen by default
)

// HostRole is what somebody of the owner corp is in a chain.
type HostRole string

const (
	HostSuperAdmin HostRole = "super_admin"
	HostAdmin      HostRole = "admin" // made one for this chain
	HostMember     HostRole = "member"
)

// Limits of rules.
const (
	MaxRules     = 200   // of a chain
	MaxRuleParts = 100   // people, roles, groups and corps that one rule names
	MaxRuleEdits = 1_000 // of a chain, a UTC day (R46)
)

// Rule lets some of the owner's people and some partners see each other, or
// keeps them apart (R36). It works both ways: they see the partners and their
// people, and those see them.
type Rule struct {
	ID      string
	Owner   OwnerSide
	Partner PartnerSide
	Effect  Effect
	Edition int
	At      time.Time // of the last edit
}

// OwnerSide is a rule's side of the owner's people: those who are named and
// those of a role. Empty, it is all of them.
type OwnerSide struct {
	Members []string // person ids
	Roles   []HostRole
}

func (o OwnerSide) has(person string, role HostRole) bool {
	return len(o.Members)+len(o.Roles) == 0 || slices.Contains(o.Roles, role) || slices.Contains(o.Members, person)
}

// PartnerSide is a rule's side of the partners: those who are named and those
// of a group or below it. Empty, it is all of them.
type PartnerSide struct {
	Groups []int
	Corps  []string // partner ids
}

func (p PartnerSide) all() bool { return len(p.Groups)+len(p.Corps) == 0 }

// Check reports what is wrong with the form of a rule. Whether the groups, the
// partners and the people are there is the store's to say.
func (r Rule) Check() error {
	if r.Effect != Allow && r.Effect != Hide {
		return InvalidField("effect", "not_allowed", "effect is allow or hide")
	}
	for _, role := range r.Owner.Roles {
		if role != HostSuperAdmin && role != HostAdmin && role != HostMember {
			return InvalidField("owner.roles", "not_allowed", "roles are super_admin, admin and member")
		}
	}
	for field, n := range map[string]int{"owner": len(r.Owner.Members) + len(r.Owner.Roles), "partner": len(r.Partner.Groups) + len(r.Partner.Corps)} {
		if n > MaxRuleParts {
			return InvalidField(field, "too_many", "a side of a rule names at most 100")
		}
	}
	return nil
}

// NoSuch says of a field that it names what isn't in the chain: the same of
// what is in another as of what is nowhere (R37).
func NoSuch(field string) []FieldError {
	return []FieldError{{Field: field, Code: "not_found", Detail: "names something that isn't in this chain"}}
}
