package network

import (
	"math"
	"time"
)

// InviteState is what an invite is worth, computed when read (R12).
type InviteState string

const (
	InviteLive      InviteState = "live"
	InviteExpired   InviteState = "expired"
	InviteRevoked   InviteState = "revoked"
	InviteExhausted InviteState = "exhausted"
)

// Invite is a link or a QR code: whoever opens it may join. A notice, the
// invite of one imported contact, is no Invite: it is the Contact itself.
type Invite struct {
	ID        string
	Chain     string
	Kind      string // "link" or "qr": the same URL, shown differently; or "group_migration" (R10)
	Group     int
	MaxUses   int // 0: unlimited
	Uses      int
	Own       time.Duration // a shorter life of its own, 0: the policy's
	Phone     string        // E.164, bound to it if not ""
	Corp      string        // bound to it if not ""
	Note      string
	Maker     string // person
	MakerName string
	MakerCorp string
	CreatedAt time.Time
	ResentAt  time.Time // zero: never
	RevokedAt time.Time
	Orphaned  bool // revoked because its maker went, and not by anybody's wish: it can be adopted (R09)
	Version   int  // the token's; a resend raises it (R17)

	// MakerPartner is whose a partner's maker is, "" for the owner's people, and
	// Astray that the maker was found to see its Group no more (R08).
	MakerPartner string
	Astray       bool
}

// Ticket is what the invite's token says. One of before it was adopted says the
// same but for its maker, and is as good.
func (i Invite) Ticket() Ticket {
	return Ticket{Chain: i.Chain, Invite: i.ID, Maker: i.MakerPartner, Version: i.Version}
}

// Since is when the token that opens it now was made: from then on its life
// counts, and who was removed later comes back by none that is older (R12, R17, R18).
func (i Invite) Since() time.Time { return later(i.ResentAt, i.CreatedAt) }

// OfRemoved reports whether the corp has been removed from the invite's chain
// since: then its people don't come back by it (R18).
func (i Invite) OfRemoved(c Corp) bool {
	place, placed := c.Places[i.Chain]
	return placed && !place.RemovedAt.IsZero() && !i.Since().After(place.RemovedAt)
}

// KindMigration is the kind of a link that a WeChat group's people get (R45).
const KindMigration = "group_migration"

// Limits of an invite.
const (
	MaxUses = 1_000_000
	MaxNote = 200 // characters
)

// Check reports which fields of a new invite are wrong. maxLife is the
// policy's (Chain.MaxLife).
func (i Invite) Check(maxLife time.Duration) error {
	var wrong []error
	if i.Kind != "link" && i.Kind != "qr" && i.Kind != KindMigration {
		wrong = append(wrong, InvalidField("kind", "not_allowed", "kind is link or qr"))
	}
	if i.MaxUses < 0 || i.MaxUses > MaxUses {
		wrong = append(wrong, InvalidField("max_uses", "out_of_range", "max_uses is 1 to 1000000, or left out"))
	}
	if i.Own < 0 || i.Own > maxLife {
		wrong = append(wrong, InvalidField("expires_in", "out_of_range", "expires_in is 1 second to the policy's life"))
	}
	if i.Corp != "" && !ValidCorpID(i.Corp) {
		wrong = append(wrong, InvalidField("corp_id", "not_allowed", "corp_id is no corp's id"))
	}
	if i.Note != "" {
		wrong = append(wrong, checkText("note", i.Note, MaxNote))
	}
	return All(wrong...)
}

// ExpiresAt is when the invite ends under the chain's history (R12).
func (i Invite) ExpiresAt(c Chain) time.Time { return ExpiresAt(i.Since(), i.Own, c.Policies) }

// State is what the invite is worth at a moment.
func (i Invite) State(c Chain, now time.Time) InviteState {
	switch {
	case !i.RevokedAt.IsZero():
		return InviteRevoked
	case !now.Before(i.ExpiresAt(c)):
		return InviteExpired
	case i.MaxUses > 0 && i.Uses >= i.MaxUses:
		return InviteExhausted
	}
	return InviteLive
}

// Usable is nil, or the Gone error that says why not (R14).
func (i Invite) Usable(c Chain, now time.Time) error {
	if c.Dissolved() {
		return ErrChainDissolved
	}
	switch i.State(c, now) {
	case InviteRevoked:
		return ErrInviteRevoked
	case InviteExpired:
		return ErrInviteExpired
	case InviteExhausted:
		return ErrInviteExhausted
	}
	return nil
}

// Resend is the invite with a token of its own anew: the old one opens nothing
// any more, and the full life begins again (R17). One that has been revoked, or
// by which all have joined that it was for, is ErrInviteEnded; joined says that
// whom it is bound to has.
func (i Invite) Resend(joined bool, now time.Time) (Invite, error) {
	switch {
	case !i.RevokedAt.IsZero(), joined, i.MaxUses > 0 && i.Uses >= i.MaxUses:
		return i, ErrInviteEnded
	case i.Version >= math.MaxUint16:
		return i, ErrInviteEnded // no token can say more
	}
	i.Version++
	i.ResentAt = later(now, i.Since())
	return i, nil
}

// Adopt is the invite as the actor's own (R09): token, life and uses go on as
// they were. One that lives can be taken over before its maker goes, and one
// that was revoked because they went lives again. What somebody has revoked, and
// what has run out since, stays dead: ErrInviteEnded.
func (i Invite) Adopt(a Actor, name string, now time.Time) (Invite, error) {
	if i.Orphaned {
		i.RevokedAt, i.Orphaned = time.Time{}, false
	}
	if i.State(a.Chain, now) != InviteLive {
		return i, ErrInviteEnded
	}
	i.Maker, i.MakerName, i.MakerCorp, i.MakerPartner = a.Person.ID, name, a.Corp.ID, ""
	return i, nil
}

// NoticeUsable is nil, or the Gone error that says why a contact's notice
// with a token of that version lets nobody in (R14, R17, R18, R33).
func NoticeUsable(c Chain, p Partner, k Contact, version int, now time.Time) error {
	switch {
	case c.Dissolved():
		return ErrChainDissolved
	case p.State == PartnerRemoved, p.Epoch != k.Epoch, k.TokenVersion != version, !k.LeftAt.IsZero():
		return ErrInviteRevoked
	case !now.Before(ExpiresAt(k.NoticeAt, 0, c.Policies)):
		return ErrInviteExpired
	}
	return nil
}
