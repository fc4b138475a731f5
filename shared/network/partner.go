package network

import (
	"strings"
	"time"
)

// PartnerState is where a partner stands: imported and waiting, joined, or
// left by its last person (R39). A removed one is shown to nobody.
type PartnerState string

const (
	PartnerPending PartnerState = "pending"
	PartnerJoined  PartnerState = "joined"
	PartnerEmpty   PartnerState = "empty"
	PartnerRemoved PartnerState = "removed"
)

// Partner is a corp in a chain. One that came by a roster is Imported, and
// its Corp is unknown until its first contact joins and binds it (R23).
type Partner struct {
	ID       string
	Chain    string
	Name     string
	Alias    string
	CustomID string // 自定义企业ID
	Group    int
	State    PartnerState
	Corp     string // "" until bound
	Imported bool
	Contacts int // people known: imported and joined
	Joined   int // people who have joined, ≤ the chain's PeopleLimit
	JoinedAt time.Time
	Import   string // the import that made it
	Epoch    int    // counts removals: what an older epoch granted is void (R38)
	Edition  int

	// People has who is known of this partner by person id, each with the
	// fingerprint of the roster row that named them, "" for who came without.
	People map[string]string
}

// RosterPartnerID is the id of a roster's partner. It is made of what the
// roster says, so that two imports of one partner meet at one key (R27):
// 自定义企业ID, else the normalised name.
func RosterPartnerID(chain, customID, name string) string {
	if customID != "" {
		return CustomPartnerID(chain, customID)
	}
	return hashID(partnerPrefix, chain, "name", FoldName(name))
}

// CustomPartnerID is the id under which a 自定义企业ID is taken in a chain:
// unique because it is a key (R25).
func CustomPartnerID(chain, customID string) string {
	return hashID(partnerPrefix, chain, "custom", customID)
}

// CorpPartnerID is the id of a corp that joined without a roster.
func CorpPartnerID(chain, corp string) string { return hashID(partnerPrefix, chain, "corp", corp) }

// CheckCustomID holds R25: at most 64 letters and digits. "" means none.
func CheckCustomID(field, id string) error {
	if len(id) > 64 {
		return InvalidField(field, "too_long", "at most 64 letters and digits")
	}
	if strings.IndexFunc(id, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) >= 0 {
		return InvalidField(field, "bad_character", "letters and digits only")
	}
	return nil
}

// PartnerEdit is a change of a partner; nil leaves a field as it is.
type PartnerEdit struct {
	Alias    *string
	Group    *int
	CustomID *string
}

// Check reports which field of the edit is wrong.
func (e PartnerEdit) Check() error {
	if e.Alias != nil && *e.Alias != "" {
		if err := checkText("alias", *e.Alias, MaxName); err != nil {
			return err
		}
	}
	if e.CustomID != nil {
		return CheckCustomID("custom_id", *e.CustomID)
	}
	return nil
}

// ContactState is how far an imported contact has come (R32).
type ContactState string

const (
	ContactImported      ContactState = "imported"
	ContactNotified      ContactState = "notified"
	ContactUndeliverable ContactState = "undeliverable"
	ContactOpened        ContactState = "opened"
	ContactJoined        ContactState = "joined"
	ContactDeclined      ContactState = "declined"
	ContactExpired       ContactState = "expired"
	ContactLeft          ContactState = "left"
)

// Contact is a person of a partner in a chain: unique by (chain, partner,
// person), and as a corp has one partner in a chain, by (chain, corp, person)
// (R01).
type Contact struct {
	Person         string
	Chain          string
	Partner        string
	Name           string
	Phone          string // E.164
	Leader         bool   // 负责人, else 成员
	MemberCustomID string // 自定义成员ID
	Import         string // the import that named them, "" for who came without
	Chunk          int    // and its chunk, whose tally counts them
	Epoch          int    // the partner's epoch they belong to
	TokenVersion   int    // what their notice's token must say (R17)
	NoticeAt       time.Time
	Undeliverable  Undelivered // why their notice has not come, "" if it has
	OpenedAt       time.Time   // when they have first said that they saw their page (R13)
	DeclinedAt     time.Time   // when they have said no
	Corp           string      // "" until joined
	JoinedAt       time.Time   // zero: has not joined, or has left
	LeftAt         time.Time   // tokens from before can't re-admit (R18)
	CameAt         time.Time   // when they first joined, of who has left since: also of who is back
	Inviter        string      // person who made the invite they came by
	Invite         string      // the link they came by, "" for a notice
	Edition        int
}

// Undelivered is why a contact's notice will not come.
type Undelivered string

const (
	ByGateway  Undelivered = "gateway"     // refused the number, or never took it
	ByBlock    Undelivered = "blocked"     // the recipient wants no more of the chain
	OverBudget Undelivered = "over_budget" // the phone has been told enough (R48)
)

// HasJoined reports whether the person is in the chain now.
func (c Contact) HasJoined() bool { return !c.JoinedAt.IsZero() }

// Erased reports whether the person has been erased: neither their name nor
// their phone is known here.
func (c Contact) Erased() bool { return c.Phone == "" }

// Identity is what a member sees of 身份: "leader" (负责人) or "member" (成员).
func (c Contact) Identity() string {
	if c.Leader {
		return "leader"
	}
	return "member"
}

// MembershipID names a membership: who, as which partner, in its epoch.
func (c Contact) MembershipID() string {
	return hashID("me", c.Chain, c.Partner, c.Person, c.JoinedAt.UTC().Format(time.RFC3339Nano))
}
