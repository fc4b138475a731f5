package network

import "slices"

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

// SeesPartners reports whether all joined partners are shown to the actor
// (R35): to the owner's people always, to partners' by the chain's switch.
func (a Actor) SeesPartners() bool {
	return a.Side == Owner || a.Side == Guest && a.Chain.PartnersSeeAnother
}

// Sees reports whether the partner is shown to the actor (R35): who is still
// to join, to the owner's people alone.
func (a Actor) Sees(p Partner) bool {
	switch {
	case a.Side == Outside, p.State == PartnerRemoved:
		return false
	case a.Side == Owner:
		return true
	case p.ID == a.Corp.Places[a.Chain.ID].Partner:
		return true
	}
	return a.SeesPartners() && p.State == PartnerJoined
}

// SeesContact reports whether a person of a partner that the actor sees is
// shown: to another corp only who has joined (R03).
func (a Actor) SeesContact(k Contact) bool {
	return a.Side == Owner || a.Side == Guest && k.HasJoined()
}

// SeesPhone reports whether a contact's phone is shown in full: to admins,
// and to the person.
func (a Actor) SeesPhone(person string) bool { return a.Admin || a.Person.ID == person }

// SeesGroup reports whether the actor sees a group (R08): the owner's people
// all, a partner's the one that it stands in.
func (a Actor) SeesGroup(group, own int) bool {
	return a.Side == Owner || a.Side == Guest && group == own
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
