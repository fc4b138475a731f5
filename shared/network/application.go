package network

import (
	"strings"
	"time"
)

// ApplicationState is where an application stands.
type ApplicationState string

const (
	ApplicationWaiting  ApplicationState = "waiting"
	ApplicationAccepted ApplicationState = "accepted"
	ApplicationDeclined ApplicationState = "declined"
)

// Valid reports whether there is such a state.
func (s ApplicationState) Valid() bool {
	return s == ApplicationWaiting || s == ApplicationAccepted || s == ApplicationDeclined
}

// Application is a person's wish to join a chain whose policy wants an admin's
// word (R20). There is one of a person, a corp and a chain: who was declined
// and applies again begins it anew.
type Application struct {
	ID        string
	Chain     string
	Person    string
	Name      string
	Phone     string // E.164, verified
	Corp      string // "" if it is to be made as they are accepted (R02)
	CorpName  string
	Invite    string // the link they came by, "" for a notice
	Partner   string // which they would be of
	Group     int    // in which they would land
	State     ApplicationState
	Reason    string // an admin's words to the applicant
	CreatedAt time.Time
	DecidedAt time.Time
	Decider   string // "" where the policy changed and let them in
}

// MaxDecisions is how many applications one call decides.
const MaxDecisions = 100

// MaxReason is how many characters a reason may have.
const MaxReason = 200

// CheckReason holds what is shown to an applicant as it was typed: a short text
// of one line, "" for none.
func CheckReason(field, reason string) error {
	if reason == "" {
		return nil
	}
	return checkText(field, reason, MaxReason)
}

// ApplicationID names the application of a person under a corp. It is made of
// both ids, so that who has it finds the application where its person is.
func ApplicationID(person, corp string) string {
	return applicationPrefix + strings.TrimPrefix(person, personPrefix) + strings.TrimPrefix(corp, corpPrefix)
}

// SplitApplicationID is whose application the id names, and under which corp.
func SplitApplicationID(id string) (person, corp string, ok bool) {
	rest, ok := strings.CutPrefix(id, applicationPrefix)
	n := idEncoding.EncodedLen(idBytes)
	if !ok || len(rest) != 2*n {
		return "", "", false
	}
	person, corp = personPrefix+rest[:n], corpPrefix+rest[n:]
	return person, corp, ValidPersonID(person) && ValidCorpID(corp)
}

// Word is what an admin has said of a person who is to join: that they may,
// and as what. The zero value is silence.
type Word struct {
	Given   bool
	Partner string // as which partner (R23), "" as the rules say
	Apart   bool   // as a partner of their corp's own (R23)
	Alias   string // what the partner is to be called, "" as it is
	Group   int    // where it is to be, 0 as it is
}

// placed reports whether an admin has said which partner it is (R21 c, R23).
func (w Word) placed() bool { return w.Partner != "" || w.Apart }

// target is the partner that an admin has named, "" if they have named none.
func (w Word) target(j Joining) string {
	if w.Apart {
		return CorpPartnerID(j.Chain.ID, j.Corp.ID)
	}
	return w.Partner
}

// Applies reports whether who would be admitted so is to be asked for first
// (R20): under approval everybody, also the colleagues of who is in; under
// imported_or_approval who R21 and R22 wouldn't let in.
func (j Joining) Applies(a Admission) bool {
	if j.Word.Given || a.Repeat {
		return false
	}
	switch j.Chain.Policy() {
	case Approval:
		return true
	case ImportedOrApproval:
		place := j.Corp.Places[j.Chain.ID]
		bound := place.Guest() && place.Partner == a.Partner.ID
		return !bound && !a.Partner.Imported // Admit lets nobody be an imported one's whom its roster doesn't name
	}
	return false
}

// Apply is the application for what Admit would have admitted. made says that
// the corp is there already.
func (j Joining) Apply(a Admission, made bool) Application {
	p := Application{
		ID: ApplicationID(j.Person.ID, j.Corp.ID), Chain: j.Chain.ID, Person: j.Person.ID, Name: a.Contact.Name, Phone: j.Person.Phone,
		CorpName: j.Corp.Name, Invite: j.Invite.ID, Partner: a.Partner.ID, Group: a.Partner.Group,
		State: ApplicationWaiting, CreatedAt: j.Now,
	}
	if made {
		p.Corp = j.Corp.ID
	}
	return p
}
