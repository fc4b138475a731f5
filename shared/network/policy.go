package network

import "time"

// JoinPolicy says who may join by an invite (R20).
type JoinPolicy string

const (
	Open               JoinPolicy = "open"                 // everybody
	ImportedOnly       JoinPolicy = "imported_only"        // 仅导入的企业可加入: whom R21 admits
	Approval           JoinPolicy = "approval"             // whom an admin accepts
	ImportedOrApproval JoinPolicy = "imported_or_approval" // whom R21 admits at once, others as an admin accepts them
)

// Valid reports whether there is such a policy.
func (p JoinPolicy) Valid() bool {
	return p == Open || p == ImportedOnly || p == Approval || p == ImportedOrApproval
}

// PolicyChange is one entry of a chain's policy history.
type PolicyChange struct {
	At     time.Time
	Policy JoinPolicy
}
