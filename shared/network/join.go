package network

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Joining is what a join has read before it writes. Its decisions are pure;
// the write then states what was read as its conditions, so that what was
// committed first wins (R16).
type Joining struct {
	Now      time.Time     // when they pressed: the membership's date
	Waited   time.Duration // since: what has ended meanwhile has ended (R12, R16)
	Chain    Chain
	Ticket   Ticket
	Invite   Invite    // of a link; zero for a notice
	Person   Person    // who joins, with a verified phone
	Contacts []Contact // theirs in this chain, under whichever partner
	Corps    []string  // the ids of those that they are in
	Corp     Corp      // chosen, or to be made
	Word     Word      // an admin's, who has been asked
	Astray   bool      // the invite's maker sees its group no more: who is new lands in the root (R08)
	Second   bool      // Corp is one that a colleague has made: the person isn't in it as yet
}

// sameMoment is how long after a corp was made by the first contact of a
// roster's partner the others who make it come into it (R23). Later it is
// somebody's own: who else is in it isn't for the roster to say.
const sameMoment = time.Minute

// Admission is what a join writes.
type Admission struct {
	Contact Contact // as it will be
	Partner Partner // as it will be
	Repeat  bool    // has joined before: nothing to write (R15)
	Binds   bool    // Corp takes its place in the chain
	First   bool    // the partner is now joined: counts against the chain's quota (R47)
	Fresh   bool    // the partner is new
	Known   bool    // the contact was there already
	Moves   bool    // an admin has said what the partner is called or where it is
	Corp    Corp

	Application *Application // in place of a membership: an admin is to decide (R20)
}

// NameMismatch reports whether the corp goes by another name than the roster
// says (R23): shown, and no obstacle.
func (a Admission) NameMismatch() bool {
	return a.Partner.Imported && FoldName(a.Partner.Name) != FoldName(a.Corp.Name)
}

// NewCorpID is the id of the corp that the person makes as they join: the same
// for the same wish, so that a repeat makes no second one (R15), and one for
// all contacts of a roster partner (R23). Who has joined already by the same
// invite is told of that corp again; by another link they make one more (R02).
// Who has left the one that they made makes another, of the same name too (R18).
func (j Joining) NewCorpID(name string) string {
	if !j.Word.placed() { // else not of the roster's partner, says an admin (R23)
		k, ok := j.rosterContact(func(k Contact) bool {
			return (j.Ticket.IsNotice() || k.Invite == j.Ticket.Invite) && !j.out(k)
		})
		if !ok {
			k, ok = j.rosterContact(pending)
		}
		if ok {
			return hashID(corpPrefix, "roster", j.Chain.ID, k.Partner, strconv.Itoa(k.Epoch))
		}
	}
	wish := []string{"person", j.Chain.ID, j.Person.ID, FoldName(name)}
	for {
		id := hashID(corpPrefix, wish...)
		if !slices.ContainsFunc(j.Contacts, func(k Contact) bool { return k.Corp == id && j.out(k) }) {
			return id
		}
		wish = append(wish, id)
	}
}

// out reports whether the contact came under a corp that they are in no more.
func (j Joining) out(k Contact) bool {
	return k.Corp != "" && !pending(k) && !slices.Contains(j.Corps, k.Corp)
}

// Target is the id of the partner that the person joins as, or why they
// can't at all. Already is their membership, if they have it.
func (j Joining) Target() (partner string, already *Contact, err error) {
	if j.Chain.Dissolved() {
		return "", nil, ErrChainDissolved
	}
	place, placed := j.Corp.Places[j.Chain.ID]
	bound := place.Guest()
	if bound {
		if k := j.contact(place.Partner); k != nil && k.HasJoined() && k.Epoch == place.Epoch {
			return place.Partner, k, nil // R15: told again, whatever became of the token
		}
	}
	if err := j.usable(); err != nil {
		return "", nil, err
	}
	if j.Chain.Barred {
		return "", nil, ErrCorpNotEligible // R04: the owner, which no field names
	}
	if !j.Corp.Eligible() {
		return "", nil, j.at(ErrCorpNotEligible, "corp_id") // R04
	}
	if j.Corp.Version == 0 && !j.Word.placed() && j.leftSince() {
		return "", nil, ErrInviteRevoked // R18: nor does a corp made anew bring them back
	}
	if placed && place.Side == Owner {
		return "", nil, ErrDenied // a corp is no partner of its own chain
	}
	if to := j.Word.target(j); to != "" {
		if bound && place.Partner != to {
			return "", nil, ErrPartnerConflict
		}
		return to, nil, nil
	}
	if j.Ticket.IsNotice() {
		if bound && place.Partner != j.Ticket.Partner {
			return "", nil, ErrPartnerConflict
		}
		return j.Ticket.Partner, nil, nil
	}
	if j.Invite.OfRemoved(j.Corp) {
		return "", nil, ErrInviteRevoked // R18: also once a colleague is back
	}
	if bound {
		return place.Partner, nil, nil // R21 b, R22: a colleague of who is in
	}
	if k, ok := j.rosterContact(pending); ok {
		return k.Partner, nil, nil // R21 a, R23
	}
	if j.Chain.Policy() == ImportedOnly && !j.Word.Given { // R21 c: an admin's word
		return "", nil, j.at(ErrNotImported, "phone", "corp_id")
	}
	return CorpPartnerID(j.Chain.ID, j.Corp.ID), nil, nil
}

// usable says whether the token lets anybody in, and this person (R10, R14).
func (j Joining) usable() error {
	if j.Ticket.IsNotice() {
		if j.Ticket.Person != j.Person.ID {
			return j.at(ErrBoundToAnother, "phone")
		}
		return nil // the rest wants the partner: Admit
	}
	switch i := j.Invite; {
	case j.Word.Given:
		// It was live as they applied; what ends a link doesn't take back what an
		// admin is still to say. Its uses are spent now, so there must be one.
		if i.MaxUses > 0 && i.Uses >= i.MaxUses {
			return ErrInviteExhausted
		}
		return nil
	case i.Version != j.Ticket.Version:
		return ErrInviteRevoked
	case i.Usable(j.Chain, j.present()) != nil:
		return i.Usable(j.Chain, j.present())
	case i.Phone != "" && i.Phone != j.Person.Phone:
		return j.at(ErrBoundToAnother, "phone")
	case i.Corp != "" && i.Corp != j.Corp.ID:
		return j.at(ErrBoundToAnother, "corp_id")
	}
	return nil
}

// at names the fields that whoever joins has to change; an admin who decides
// has written none of them. Of a corp that is to be made corp_id is said, too.
func (j Joining) at(err *Error, fields ...string) *Error {
	if j.Word.Given || j.Word.placed() {
		return err
	}
	return err.At(fields...)
}

// Admit says what the join writes, given the target partner as it stands, nil
// if there is none yet.
func (j Joining) Admit(target string, p *Partner) (Admission, error) {
	place := j.Corp.Places[j.Chain.ID]
	known := j.contact(target)
	if j.Word.placed() {
		if j.Word.Partner != "" && (p == nil || p.State == PartnerRemoved) {
			return Admission{}, ErrNotFound
		}
	} else if j.Ticket.IsNotice() {
		if p == nil || known == nil {
			return Admission{}, ErrInviteRevoked
		}
		version, when := j.Ticket.Version, j.present()
		if j.Word.Given { // it was live as they applied
			version, when = known.TokenVersion, known.NoticeAt
		}
		if err := NoticeUsable(j.Chain, *p, *known, version, when); err != nil {
			return Admission{}, err
		}
		if !place.RemovedAt.IsZero() && !known.NoticeAt.After(place.RemovedAt) {
			return Admission{}, ErrInviteRevoked // R18: the corp's removal, whichever partner it was
		}
	} else if known != nil && !known.LeftAt.IsZero() && !j.Invite.Since().After(known.LeftAt) {
		return Admission{}, ErrInviteRevoked // R18
	}
	a := Admission{Corp: j.Corp, Fresh: p == nil, Known: known != nil}
	bound := place.Guest() && place.Partner == target
	if p == nil {
		p = &Partner{ID: target, Chain: j.Chain.ID, Name: j.Corp.Name, Group: j.Chain.Landing(j.Invite.Group)}
	}
	a.Partner = *p
	switch {
	case j.Second && j.present().Sub(j.Corp.CreatedAt) > sameMoment:
		return Admission{}, ErrPartnerConflict // R23
	case p.Corp != "" && p.Corp != j.Corp.ID && p.State != PartnerRemoved:
		return Admission{}, ErrPartnerConflict // R23
	case p.Imported && !bound && !j.Word.placed() && (p.State == PartnerRemoved || !a.Known || known.Epoch != p.Epoch):
		// Neither the corp nor the person is of that partner any more (R21, R38).
		if j.Chain.Policy() == ImportedOnly {
			return Admission{}, j.at(ErrNotImported, "phone", "corp_id")
		}
		return Admission{}, ErrInviteRevoked
	case a.Known && known.HasJoined() && known.Epoch == p.Epoch && p.Corp == j.Corp.ID:
		a.Repeat, a.Contact = true, *known // R15
		return a, nil
	case p.Joined >= j.Chain.PeopleLimit:
		return Admission{}, ErrQuotaExceeded
	case (known == nil || known.Erased()) && j.Person.Name == "":
		return Admission{}, InvalidField("name", "missing", "nobody has said what you are called: give a name")
	}
	if w := j.Word; w.Alias != "" || w.Group != 0 {
		was := a.Partner
		a.Partner.Alias, a.Partner.Group = cmp.Or(w.Alias, was.Alias), cmp.Or(w.Group, was.Group)
		a.Moves = a.Partner.Alias != was.Alias || a.Partner.Group != was.Group
	}
	a.First = p.State != PartnerJoined
	a.Binds = place.Partner != target || place.Out || place.Epoch != p.Epoch
	a.Partner.State, a.Partner.Corp = PartnerJoined, j.Corp.ID
	a.Partner.Joined++
	if a.First && a.Partner.JoinedAt.IsZero() {
		a.Partner.JoinedAt = j.Now
	}
	if _, counted := p.People[j.Person.ID]; !counted {
		a.Partner.Contacts++
		a.Partner.People = maps.Clone(p.People)
		if a.Partner.People == nil {
			a.Partner.People = map[string]string{}
		}
		a.Partner.People[j.Person.ID] = "" // came without a roster row
	}
	if known != nil {
		a.Contact = *known
	} else {
		a.Contact = Contact{Person: j.Person.ID, Chain: j.Chain.ID, Partner: target, Name: j.Person.Name, Phone: j.Person.Phone}
	}
	if a.Contact.Erased() { // and comes back by their own will
		a.Contact.Name, a.Contact.Phone = j.Person.Name, j.Person.Phone
	}
	a.Contact.Corp, a.Contact.Epoch = j.Corp.ID, p.Epoch
	a.Contact.JoinedAt, a.Contact.LeftAt = j.Now, time.Time{}
	a.Contact.Invite = j.Invite.ID
	if !j.Ticket.IsNotice() { // a notice's inviter is who imported the roster
		a.Contact.Inviter = j.Invite.Maker
	}
	a.Contact.Edition++
	return a, nil
}

// leftSince reports whether the person has left the chain, under whichever
// partner, since the token was given out, and no roster awaits them (R24).
func (j Joining) leftSince() bool {
	if _, awaited := j.rosterContact(pending); awaited {
		return false
	}
	given := j.Invite.Since()
	if k := j.contact(j.Ticket.Partner); j.Ticket.IsNotice() && k != nil {
		given = k.NoticeAt
	}
	return slices.ContainsFunc(j.Contacts, func(k Contact) bool { return !k.LeftAt.IsZero() && !given.After(k.LeftAt) })
}

func (j Joining) contact(partner string) *Contact {
	if i := slices.IndexFunc(j.Contacts, func(k Contact) bool { return k.Partner == partner }); i >= 0 {
		return &j.Contacts[i]
	}
	return nil
}

// present is the moment of this try.
func (j Joining) present() time.Time { return j.Now.Add(j.Waited) }

// pending reports whether the contact has not come to the chain as yet.
func pending(k Contact) bool { return !k.HasJoined() && k.LeftAt.IsZero() }

// rosterContact is the wanted roster contact that the person is. Of several
// (R24) it is the notice's own, or the first; a notice each lets the person
// settle the others.
func (j Joining) rosterContact(wanted func(Contact) bool) (Contact, bool) {
	for _, k := range j.Contacts {
		if j.Ticket.IsNotice() && k.Partner != j.Ticket.Partner {
			continue
		}
		if k.Import != "" && wanted(k) {
			return k, true
		}
	}
	return Contact{}, false
}
