// Package search finds a chain's partners and their people by what somebody types: a piece of a Chinese name, its pinyin or initials, the
// beginning of an English word or of a custom id, the end of a phone.
//
// One Index holds one chain. It is made from all entries (New) or opened from what Pack made, and follows the table by Apply. It knows nothing
// of who may see what: Query.Sees says so of each entry before it is ranked, so that nothing in an answer tells of what was left out.
//
// How characters are read, shared/pinyin knows; see infra/decisions/18-search.md.
package search

import (
	"errors"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

var (
	// ErrQuery means that a query has nothing to look for, more than MaxQuery runes, control characters, or isn't UTF-8.
	ErrQuery = errors.New("search: bad query")
	// ErrCursor means that Query.After didn't come from Find.
	ErrCursor = errors.New("search: bad cursor")
	// ErrCorrupt means that bytes aren't an index of this version, whole.
	ErrCorrupt = errors.New("search: corrupt index")
)

// Entry is a partner, or one person of a partner.
type Entry struct {
	Partner  string // partner id
	Person   string // "" for a partner itself; a contact's id as the table has it
	Name     string
	Alias    string // shown in place of the name, if there is one
	CustomID string
	Phone    string // E.164, "" for partners
	Group    int
	State    network.PartnerState
	JoinedAt time.Time // to the second
	Edition  int       // of the item that it was made from
	Note     string    // what its keeper wants to find again of it; the search doesn't read it
}

// Key says whose entry.
type Key struct{ Partner, Person string }

// Removal takes an entry away as of an edition: what is put later with this edition or an older one stays away.
type Removal struct {
	Key
	Edition int
}

// Key is the entry's.
func (e *Entry) Key() Key { return Key{e.Partner, e.Person} }

// Field is what of an entry matched.
type Field string

// The fields that are searched.
const (
	FieldName     Field = "name"
	FieldAlias    Field = "alias"
	FieldCustomID Field = "custom_id"
	FieldPhone    Field = "phone"
)

// Hit is an entry that was found. Matched are the rune ranges, from and to, of Field that are to be highlighted.
type Hit struct {
	Entry
	Field   Field
	Matched [][2]int
}

// Query is what is looked for.
type Query struct {
	Text   string
	Sees   func(*Entry) bool // whether the viewer may see it; nil is all. It must not keep or change the entry, nor call the index.
	Phones bool              // whether phones are searched
	Limit  int               // hits at most, 1 to MaxLimit; beyond is taken as the nearest
	After  string            // what Find returned as next, to go on
}

// MaxQuery is what a query has at most, in runes: twice what a name may have.
const MaxQuery = 64

// MaxLimit is what a page has at most.
const MaxLimit = 200
