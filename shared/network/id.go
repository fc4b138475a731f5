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

// NewImportID names an import begun at that time; newer ids sort later.
func NewImportID(at time.Time) string { return timedID(importPrefix, at) }

// ValidChainID and its like report whether s has the form of such an id; one
// that hasn't names nothing.
func ValidChainID(s string) bool   { return validID(chainPrefix, s) }
func ValidPartnerID(s string) bool { return validID(partnerPrefix, s) }
func ValidPersonID(s string) bool  { return validID(personPrefix, s) }
func ValidCorpID(s string) bool    { return validID(corpPrefix, s) }
func ValidInviteID(s string) bool  { return validID(invitePrefix, s) }
func ValidImportID(s string) bool  { return validID(importPrefix, s) }

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
