package network

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"strings"
	"time"
)

// An id is a short prefix that says what it names, then 80 bits: read aloud
// over a phone, put into a URL, sorted by a database.
const idBytes = 10

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

const (
	chainPrefix   = "ch"
	corpPrefix    = "co"
	personPrefix  = "pe"
	partnerPrefix = "pa"
	invitePrefix  = "in"
	importPrefix  = "im"
	contactPrefix = "ct"
	planPrefix    = "pl"

	applicationPrefix = "ap"
	disputePrefix     = "cf"
	migrationPrefix   = "mi"
	rulePrefix        = "ru"
)

func randomID(prefix string) string {
	var b [idBytes]byte
	rand.Read(b[:])
	return prefix + idEncoding.EncodeToString(b[:])
}

// timedID sorts by when it was made: 48 bits of milliseconds, 32 of chance.
func timedID(prefix string, at time.Time) string {
	var b [idBytes]byte
	binary.BigEndian.PutUint64(b[:], uint64(at.UnixMilli())<<16)
	rand.Read(b[6:])
	return prefix + idEncoding.EncodeToString(b[:])
}

// hashID names what is unique by its parts: the same parts, the same id.
func hashID(prefix string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return prefix + idEncoding.EncodeToString(sum[:idBytes])
}

func rawID(prefix, id string) ([]byte, bool) {
	s, ok := strings.CutPrefix(id, prefix)
	if !ok || len(s) != idEncoding.EncodedLen(idBytes) { // the decoder overlooks line breaks
		return nil, false
	}
	b, err := idEncoding.DecodeString(s)
	return b, err == nil && len(b) == idBytes
}

func validID(prefix, id string) bool { _, ok := rawID(prefix, id); return ok }

// NewCorpID names a new corp.
func NewCorpID() string { return randomID(corpPrefix) }

// NewChainID names a new chain.
func NewChainID() string { return randomID(chainPrefix) }

// NewInviteID names an invite made at that time; newer ids sort later.
func NewInviteID(at time.Time) string { return timedID(invitePrefix, at) }

// EarliestInviteID sorts before every invite made at that time or later, and
// behind all that are older.
func EarliestInviteID(at time.Time) string {
	var b [idBytes]byte
	binary.BigEndian.PutUint64(b[:], uint64(at.UnixMilli())<<16)
	return invitePrefix + idEncoding.EncodeToString(b[:])
}

// NewImportID names an import begun at that time; newer ids sort later.
func NewImportID(at time.Time) string { return timedID(importPrefix, at) }

// PlanID names the plan of an import: each has one.
func PlanID(i Import) string { return hashID(planPrefix, i.Chain, i.ID, i.Upload) }

// ValidChainID and its like report whether s has the form of such an id; one
// that hasn't names nothing.
func ValidChainID(s string) bool   { return validID(chainPrefix, s) }
func ValidPartnerID(s string) bool { return validID(partnerPrefix, s) }
func ValidPersonID(s string) bool  { return validID(personPrefix, s) }
func ValidCorpID(s string) bool    { return validID(corpPrefix, s) }
func ValidInviteID(s string) bool  { return validID(invitePrefix, s) }
func ValidDisputeID(s string) bool { return validID(disputePrefix, s) }
func ValidImportID(s string) bool  { return validID(importPrefix, s) }

// NewRuleID names a visibility rule made at that time; newer ids sort later.
func NewRuleID(at time.Time) string { return timedID(rulePrefix, at) }

// ValidRuleID reports whether s can be a rule's id.
func ValidRuleID(s string) bool { return validID(rulePrefix, s) }

// NewMigrationID names a new migration of a WeChat group, in the order of time.
func NewMigrationID(at time.Time) string { return timedID(migrationPrefix, at) }

// ValidMigrationID reports whether s can be a migration's id.
func ValidMigrationID(s string) bool { return validID(migrationPrefix, s) }

// RawID is an id without its prefix, as its bytes: what a million of them take
// the least room as.
type RawID [idBytes]byte

// RawPartner and RawPerson are ids of that kind, as bytes; ok is false for what
// is none.
func RawPartner(id string) (raw RawID, ok bool) { return rawOf(partnerPrefix, id) }
func RawPerson(id string) (raw RawID, ok bool)  { return rawOf(personPrefix, id) }

func rawOf(prefix, id string) (raw RawID, ok bool) {
	s, ok := strings.CutPrefix(id, prefix)
	if !ok || len(s) != idEncoding.EncodedLen(idBytes) { // the decoder overlooks line breaks
		return raw, false
	}
	n, err := idEncoding.Decode(raw[:], []byte(s))
	return raw, err == nil && n == idBytes
}

// Partner and Person are the id of that kind.
func (r RawID) Partner() string { return r.id(partnerPrefix) }
func (r RawID) Person() string  { return r.id(personPrefix) }

func (r RawID) id(prefix string) string {
	var b [18]byte
	idEncoding.Encode(b[copy(b[:], prefix):], r[:])
	return string(b[:])
}

// Digest is the id's first eight bytes: enough to tell apart what one chain
// has.
func (r RawID) Digest() uint64 { return binary.BigEndian.Uint64(r[:]) }

// RowNamer gives the ids of whom rows name: of partners in one chain, of people
// by their phones. It is for one goroutine.
type RowNamer struct {
	chain string
	mac   hash.Hash
	buf   []byte
	sum   [sha256.Size]byte
}

// NewRowNamer names the rows of a chain's rosters.
func NewRowNamer(chain string, k PersonKey) *RowNamer {
	return &RowNamer{chain: chain, mac: hmac.New(sha256.New, k)}
}

// IDs names whom the row is about: RosterPartnerID and PersonKey.Person. Of a
// refused row the partner alone, if it names one.
func (n *RowNamer) IDs(r *RosterRow) (ids RowIDs) {
	ids.Partner = n.Partner(r)
	if r.Code != "" {
		return ids
	}
	n.mac.Reset()
	n.buf = append(n.buf[:0], r.Phone...)
	n.mac.Write(n.buf)
	copy(ids.Person[:], n.mac.Sum(n.sum[:0]))
	return ids
}

// Partner names the row's partner, zero if it names none.
func (n *RowNamer) Partner(r *RosterRow) (id RawID) {
	n.buf = append(append(n.buf[:0], n.chain...), 0)
	switch {
	case r.CustomID != "":
		n.buf = append(append(append(n.buf, "custom"...), 0), r.CustomID...)
	case r.Corp != "":
		n.buf = append(append(append(n.buf, "name"...), 0), FoldName(r.Corp)...)
	default:
		return id
	}
	sum := sha256.Sum256(n.buf)
	copy(id[:], sum[:])
	return id
}

// PersonKey turns a verified phone into the person it names. It is secret
// and never rotates: without it an id can't be traced back to a phone by
// trying all phones there are.
type PersonKey []byte

// Person is the id of whoever holds this E.164 phone.
func (k PersonKey) Person(phone string) string {
	return personPrefix + idEncoding.EncodeToString(k.mac(phone)[:idBytes])
}

// Contact is what a chain's people are told a person by, who may not know
// their phone: it means nothing in another chain, and isn't the id that whoever
// adds a phone to their own corp is answered.
func (k PersonKey) Contact(chain, person string) string {
	return contactPrefix + idEncoding.EncodeToString(k.mac("contact", chain, person)[:idBytes])
}

// Seal hides what a cursor is made of: sort keys, which hold ids of people and
// groups that its reader isn't told. It is good for the one chain; "" stays "".
func (k PersonKey) Seal(chain, cursor string) string {
	if cursor == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(k.sealer().Seal(nil, nil, []byte(cursor), []byte(chain)))
}

// Open is the cursor that Seal has sealed for the chain; anything else is
// invalid.
func (k PersonKey) Open(chain, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err == nil {
		b, err = k.sealer().Open(nil, nil, b, []byte(chain))
	}
	if err != nil {
		return "", ErrCursor
	}
	return string(b), nil
}

// sealer encrypts and authenticates, under a nonce of chance that it puts
// before the text.
func (k PersonKey) sealer() cipher.AEAD {
	block, err := aes.NewCipher(k.mac("cursor", ""))
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // the block is AES's
	}
	return gcm
}

// mac is of a phone, which begins with +, or of parts of which the first says
// what it is for: no two uses meet.
func (k PersonKey) mac(parts ...string) []byte {
	m := hmac.New(sha256.New, k)
	m.Write([]byte(strings.Join(parts, "\x00")))
	return m.Sum(nil)
}
