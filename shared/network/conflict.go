package network

import "time"

// DisputeState is where a dispute stands.
type DisputeState string

const (
	DisputeOpen     DisputeState = "open"
	DisputeResolved DisputeState = "resolved"
)

// Dispute is a conflict of R23: a roster's contact who chose another corp than their partner is
// bound to (R23), and waits for an admin to say where they belong.
type Dispute struct {
	ID          string
	Chain       string
	Partner     string // the roster's
	PartnerName string
	BoundCorp   string // the corp it is bound to, "" if to none
	Corp        string // which the person chose, "" if they would make one
	CorpName    string
	Person      string
	Name        string
	Phone       string
	Invite      string // the link they came by, "" for their notice
	State       DisputeState
	CreatedAt   time.Time
	ResolvedAt  time.Time
	Resolver    string
	Settled     string // the partner that they belong to
	Apart       bool   // it is one of their corp's own
}

// DisputeID names the one of a person, the corp that they chose, and a
// partner of a chain.
func DisputeID(chain, partner, person, corp string) string {
	return hashID(disputePrefix, chain, partner, person, corp)
}
