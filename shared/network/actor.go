package network

import (
	"slices"
	"strings"
)

// Person is somebody with a verified phone, which is what they are known by.
type Person struct {
	ID    string
	Name  string // what the identity provider calls them
	Phone string // E.164
}

// Actor is who is asking: one person under one corp (R01), in one chain where
// the request is about a chain.
type Actor struct {
	Person  Person
	Corp    Corp
	Role    Role // in Corp
	Chain   Chain
	Side    Side     // of Corp in Chain
	Admin   bool     // of Chain: super-admin of the owner corp, or made one
	Contact *Contact // on the Guest side: the membership
	Through string   // which admin looks with this actor's eyes, and at which list; "" if they look themselves
}

// Cursors is whose the cursors are that the actor is given: the chain's, of any
// list of theirs, but an admin's alone of one list that they view as somebody
// else, so that no page of one is read without its first.
func (a Actor) Cursors() string {
	if a.Through == "" {
		return a.Chain.ID
	}
	return strings.Join([]string{a.Chain.ID, a.Through, a.Person.ID, a.Corp.ID}, "\x00")
}

// MustAdmin is ErrDenied for all but the chain's admins; outsiders never get
// this far.
func (a Actor) MustAdmin() error {
	if !a.Admin {
		return ErrDenied
	}
	return nil
}

// MustOwn is ErrDenied for all but super-admins of the owner corp.
func (a Actor) MustOwn() error {
	if a.Side != Owner || a.Role != SuperAdmin {
		return ErrDenied
	}
	return nil
}

// SeesTotals reports whether the actor may know how many partners the chain
// has (R36): who may be kept from some learns nothing of their number.
func (a Actor) SeesTotals() bool {
	switch a.Side {
	case Owner:
		return a.Admin || a.Chain.MembersSee != SeeByRules && a.Chain.RulesEdition == 0
	case Guest:
		return a.Chain.PartnersSeeAnother
	}
	return false
}

// SeesPhone reports whether the phone of a partner's person is shown in full: to
// admins, to the person, and to those of the same corp.
func (a Actor) SeesPhone(person, partner string) bool {
	return a.Admin || a.Person.ID == person || a.Side == Guest && a.Corp.Places[a.Chain.ID].Partner == partner
}

// MayInvite holds R07 for a new invite: super-admins and chain admins always;
// the owner's other members while members_may_invite is on; a partner's
// people their own corp's always, others while partners_may_invite is on.
func (a Actor) MayInvite(i Invite) error {
	switch {
	case a.Admin:
		return nil
	case a.Side == Owner && a.Chain.MembersMayInvite:
		return nil
	case a.Side == Guest && (i.Corp == a.Corp.ID || a.Chain.PartnersMayInvite):
		return nil
	}
	return ErrDenied
}

// MaySeeInvite reports whether the actor may read or revoke the invite: its
// maker and the chain's admins.
func (a Actor) MaySeeInvite(i Invite) bool {
	return a.Admin || i.Maker == a.Person.ID && i.MakerCorp == a.Corp.ID
}

// PickCorp is the corp that a person acts as (R01): the one named, which must
// be theirs, or their only one.
func PickCorp(named string, mine []string) (string, error) {
	switch {
	case named != "" && slices.Contains(mine, named):
		return named, nil
	case named != "":
		return "", ErrNotAMember
	case len(mine) == 1:
		return mine[0], nil
	}
	return "", ErrCorpRequired
}
