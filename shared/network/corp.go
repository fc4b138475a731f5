package network

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxName is how many characters a name of a corp, a chain, a group or a
// person may have (R02, R25; doc 95821 says 32 where code 670013 says 30).
const MaxName = 32

// Corp is a company (企业). Any person may make one (R02).
type Corp struct {
	ID             string
	Name           string
	Industry       Industry
	Type           CorpType
	Verification   int // 1 未验证, 2 已验证, 3 已认证: shown, never a gate here (R05)
	WorkbenchEntry bool
	CreatedAt      time.Time
	Version        int              // changes with every edit and with all that a join relies on (R16)
	Owned          int              // chains that it owns, ≤ MaxChains
	Admins         int              // super-admins, never 0 (R06)
	Places         map[string]Place // by chain id: where it takes part
}

// MaxChains is how many chains a corp may own (R46).
const MaxChains = 20

// Place is a corp's standing in one chain.
type Place struct {
	Side      Side
	Partner   string    // of a guest: which partner it is
	Epoch     int       // of a guest: the membership epoch; what an older one granted is void (R38)
	Out       bool      // of a guest: removed, and not come back
	RemovedAt time.Time // of a guest: its last removal, also if it has come back; a token from before can't re-admit any of its people (R18)
}

// Guest reports whether the corp is a partner of the chain now.
func (p Place) Guest() bool { return p.Side == Guest && !p.Out }

// Side says where a corp stands in a chain: Owner (主企业), Guest (a partner
// corp), or Outside.
type Side string

const (
	Owner   Side = "owner"
	Guest   Side = "partner"
	Outside Side = ""
)

// CorpType tells a company from an informal team (团队), which takes no part
// in chains (R04).
type CorpType string

const (
	Company CorpType = "company"
	Team    CorpType = "team"
)

// Industry is the name of an industry in WeCom's spelling. Only those of R04
// mean something here, so any other name is taken as it comes.
type Industry string

// The industries that can take no part in a chain (R04).
const (
	Preschool       Industry = "学前教育"
	Schooling       Industry = "初中等教育"
	EducationAgency Industry = "教育行政单位"
)

// Eligible reports whether the corp may create and join chains (R04).
func (c Corp) Eligible() bool {
	switch Industry(strings.ReplaceAll(string(c.Industry), " ", "")) { // a space in it makes it no other
	case Preschool, Schooling, EducationAgency:
		return false
	}
	return c.Type != Team
}

// NewCorp is an unverified corp made by a person, who becomes its
// super-admin (R02). Name and industry are NFKC-normalised by the caller.
func NewCorp(id, name string, industry Industry, t CorpType, at time.Time) (Corp, error) {
	if t == "" {
		t = Company
	}
	if err := CheckCorpName("name", name); err != nil {
		return Corp{}, err
	}
	if industry != "" {
		if err := checkText("industry", string(industry), MaxName); err != nil {
			return Corp{}, err
		}
	}
	if t != Company && t != Team {
		return Corp{}, InvalidField("type", "not_allowed", "type is company or team")
	}
	return Corp{ID: id, Name: name, Industry: industry, Type: t, Verification: 1, WorkbenchEntry: true, CreatedAt: at, Version: 1, Admins: 1}, nil
}

// CheckCorpName holds R02: 1–32 characters, letters, digits, Chinese, space
// and -_()（）.
func CheckCorpName(field, name string) error {
	if err := checkText(field, name, MaxName); err != nil {
		return err
	}
	for _, r := range name {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), unicode.Is(unicode.Han, r): // 〇 is Han, and no letter
		case r == ' ', r == '-', r == '_', r == '(', r == ')', r == '（', r == '）':
		default:
			return InvalidField(field, "bad_character", "letters, digits, Chinese, space and -_() only")
		}
	}
	return nil
}

// checkText holds what every short text must be: 1 to max characters, valid
// UTF-8, printable, not blank, no space at either end.
func checkText(field, s string, max int) error {
	switch {
	case s == "":
		return InvalidField(field, "missing", "must not be empty")
	case !utf8.ValidString(s):
		return InvalidField(field, "bad_character", "must be UTF-8")
	case utf8.RuneCountInString(s) > max:
		return InvalidField(field, "too_long", "is too long")
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return InvalidField(field, "bad_character", "has a character that can't be shown")
		}
	}
	if s[0] == ' ' || s[len(s)-1] == ' ' {
		return InvalidField(field, "bad_character", "begins or ends with a space")
	}
	return nil
}

// Role is what a person may do in a corp.
type Role string

const (
	SuperAdmin Role = "super_admin"
	Staff      Role = "member"
)

// Member is a person in a corp.
type Member struct {
	Person string
	Corp   string
	Name   string
	Phone  string // E.164
	Role   Role
}

// Check reports what of the member a person typed wrongly.
func (m Member) Check() error {
	if err := CheckPersonName("name", m.Name); err != nil {
		return err
	}
	if m.Role != SuperAdmin && m.Role != Staff {
		return InvalidField("role", "not_allowed", "role is super_admin or member")
	}
	return nil
}

// CheckPersonName holds R25: 1–32 characters.
func CheckPersonName(field, name string) error { return checkText(field, name, MaxName) }
