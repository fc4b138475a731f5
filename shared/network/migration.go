package network

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Migration is a WeChat group that was brought to a chain (R45): who was in it,
// and what was done for each. Its invite is for all of them.
type Migration struct {
	ID        string
	Chain     string
	GroupName string
	Owner     string // the group's, who alone may migrate it: a person
	OwnerName string
	OwnerCorp string
	Invite    string
	CreatedAt time.Time
	Members   []Migrant
}

// Migrant is somebody of a migrated group.
type Migrant struct {
	Name      string
	Phone     string // E.164, "" for none that is known
	WechatRef string // what the group calls them, ours to give back
	IsMember  bool   // a WeCom member, who needs no invite
	Person    string // of the phone
	Outcome   MigrantOutcome
}

// MigrantOutcome is what was done for somebody of a migrated group.
type MigrantOutcome string

const (
	MigrantInvited      MigrantOutcome = "invited"        // a notice with the link is on its way
	MigrantJoined       MigrantOutcome = "already_joined" // is in the chain: left alone
	MigrantToldToday    MigrantOutcome = "notified_today" // has had this chain's notice of the day
	MigrantDuplicate    MigrantOutcome = "duplicate"      // has the phone of a member before
	MigrantNoPhone      MigrantOutcome = "no_phone"       // for the owner to pass the link on
	MigrantInvalidPhone MigrantOutcome = "invalid_phone"  // likewise
	MigrantMember       MigrantOutcome = "member"         // a WeCom member: needs no invite
)

// Limits of a migration.
const (
	MaxMigrants = 2_000 // R45
	MaxWechat   = 64    // characters of what WeChat calls a group or a person
)

// Check reports what of the group or its people can't be, and tidies what can:
// what WeChat lets people be called has characters that no line shows.
func (m *Migration) Check() error {
	m.GroupName = Shown(m.GroupName)
	if err := checkText("group_name", m.GroupName, MaxWechat); err != nil {
		return err
	}
	if n := len(m.Members); n < 1 || n > MaxMigrants {
		return InvalidField("members", "out_of_range", fmt.Sprintf("a group has 1 to %d members", MaxMigrants))
	}
	for n := range m.Members {
		k := &m.Members[n]
		k.Name, k.WechatRef = Shown(k.Name), strings.TrimSpace(k.WechatRef)
		if err := checkText(fmt.Sprintf("members[%d].name", n), k.Name, MaxWechat); err != nil {
			return err
		}
		if k.WechatRef != "" {
			if err := checkText(fmt.Sprintf("members[%d].wechat_ref", n), k.WechatRef, MaxWechat); err != nil {
				return err
			}
		}
	}
	return nil
}

// Shown is a text without what can't be shown, and without spaces around it.
func Shown(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s))
}

// Key names the group in its chain: its owner has one of a name.
func (m Migration) Key() string { return hashID("", m.Chain, m.Owner, FoldName(m.GroupName)) }

// Fingerprint is of who is in the group: the same group again is the same
// migration, another list isn't.
func (m Migration) Fingerprint() string {
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, k := range m.Members {
		e.Encode([]any{k.Name, k.Phone, k.WechatRef, k.IsMember}) // a hash takes all
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Settle says what is done for each: joined are those who are in the chain, and
// told those who have had its notice of the day, by their person ids. Somebody
// who stands there twice is told once.
func (m *Migration) Settle(joined, told map[string]bool) {
	seen := map[string]bool{}
	for n := range m.Members {
		k := &m.Members[n]
		switch {
		case k.Outcome == MigrantInvalidPhone:
		case k.IsMember:
			k.Outcome = MigrantMember
		case k.Person == "":
			k.Outcome = MigrantNoPhone
		case joined[k.Person]:
			k.Outcome = MigrantJoined
		case told[k.Person]:
			k.Outcome = MigrantToldToday
		case seen[k.Person]:
			k.Outcome = MigrantDuplicate
		default:
			k.Outcome = MigrantInvited
		}
		seen[k.Person] = true
	}
}

// beijing is where the day is that a chain's notice is of: WeCom's people live
// by it, and it knows no summer time.
var beijing = time.FixedZone("Asia/Shanghai", 8*60*60)

// DayOf is the day of a moment, as people here count it.
func DayOf(t time.Time) string { return t.In(beijing).Format(time.DateOnly) }

// Tell is the day of a moment in words: on a poster, say.
func Tell(t time.Time, english bool) string {
	if english {
		return t.In(beijing).Format("2 January 2006, 15:04")
	}
	return t.In(beijing).Format("2006年1月2日 15:04")
}
