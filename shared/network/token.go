package network

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math"
)

// Token is the secret in an invite's URL. It is never stored: it names what
// it opens and proves it with an HMAC, so a dump of the table holds nothing
// usable (R11). Printing, logging or marshalling one gives a placeholder;
// only Reveal gives the token.
type Token string

const hidden = "<token>"

func (Token) String() string               { return hidden }
func (Token) GoString() string             { return hidden }
func (Token) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (Token) MarshalText() ([]byte, error) { return []byte(hidden), nil } // a struct that holds one may be logged as JSON

// Format hides the token from the verbs too that ask for no String, as %d.
func (Token) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// Reveal is the token itself, for the URL that is handed to its owner.
func (t Token) Reveal() string { return string(t) }

// Ticket is what a token says: an invite of a chain, or the notice of a
// contact, and the version that a resend raises.
type Ticket struct {
	Chain   string
	Invite  string // of a link; else Partner and Person name the contact
	Maker   string // of a link that a partner's people have made: the partner, which is asked for with it (R08)
	Partner string
	Person  string
	Version int
}

// IsNotice reports whether the ticket is an imported contact's own.
func (t Ticket) IsNotice() bool { return t.Invite == "" }

// TokenKeys are the HMAC keys by id, 1 to 255. The highest signs; all
// verify, so a key can be rotated while its tokens live.
type TokenKeys map[byte][]byte

// The layout of a token: kind, key id, chain, then invite, invite and its
// maker's partner, or partner and person, version, MAC: 40 or 50 bytes before
// base64url.
const (
	linkToken    = 'L'
	partnerToken = 'P'
	noticeToken  = 'N'
	macBytes     = 16 // HMAC-SHA-256 cut to 128 bits (R11)
)

// Sign makes the ticket's token. The ids must be of this package's making.
func (k TokenKeys) Sign(t Ticket) (Token, error) {
	var current byte
	for id := range k {
		current = max(current, id)
	}
	if current == 0 || len(k[current]) == 0 {
		return "", fmt.Errorf("sign: no key")
	}
	if t.Version < 0 || t.Version > math.MaxUint16 {
		return "", fmt.Errorf("sign: version %d", t.Version) // cut to 16 bits it would be an older one's
	}
	b := []byte{linkToken, current}
	ids := [][2]string{{chainPrefix, t.Chain}, {invitePrefix, t.Invite}}
	switch {
	case t.IsNotice():
		b[0] = noticeToken
		ids = [][2]string{{chainPrefix, t.Chain}, {partnerPrefix, t.Partner}, {personPrefix, t.Person}}
	case t.Maker != "":
		b[0] = partnerToken
		ids = append(ids, [2]string{partnerPrefix, t.Maker})
	}
	for _, id := range ids {
		raw, ok := rawID(id[0], id[1])
		if !ok {
			return "", fmt.Errorf("sign: %q is no id", id[1])
		}
		b = append(b, raw...)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(t.Version))
	b = append(b, k.mac(current, b)...)
	return Token(base64.RawURLEncoding.EncodeToString(b)), nil
}

// Verify reads a token. One that isn't whole, or signed by none of the keys,
// is ErrNotFound, before anything is looked up (R14).
func (k TokenKeys) Verify(token Token) (Ticket, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(token))
	if err != nil || len(b) < 2+macBytes || len(token) != base64.RawURLEncoding.EncodedLen(len(b)) {
		return Ticket{}, ErrNotFound // the decoder would overlook line breaks
	}
	body, mac := b[:len(b)-macBytes], b[len(b)-macBytes:]
	if len(k[body[1]]) == 0 || !hmac.Equal(mac, k.mac(body[1], body)) {
		return Ticket{}, ErrNotFound
	}
	id := func(prefix string, n int) string {
		return prefix + idEncoding.EncodeToString(body[2+n*idBytes:][:idBytes])
	}
	version := int(binary.BigEndian.Uint16(body[len(body)-2:]))
	switch {
	case body[0] == linkToken && len(body) == 2+2*idBytes+2:
		return Ticket{Chain: id(chainPrefix, 0), Invite: id(invitePrefix, 1), Version: version}, nil
	case body[0] == partnerToken && len(body) == 2+3*idBytes+2:
		return Ticket{Chain: id(chainPrefix, 0), Invite: id(invitePrefix, 1), Maker: id(partnerPrefix, 2), Version: version}, nil
	case body[0] == noticeToken && len(body) == 2+3*idBytes+2:
		return Ticket{Chain: id(chainPrefix, 0), Partner: id(partnerPrefix, 1), Person: id(personPrefix, 2), Version: version}, nil
	}
	return Ticket{}, ErrNotFound
}

// Family is what a token claims to open, whatever its version and its proof: who
// guesses at one invite stays in its family. "" for what is no token's shape.
// It says nothing of whether there is such an invite.
func (t Token) Family() string {
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(t))
	if err != nil || len(b) < 2 {
		return ""
	}
	ids := map[byte]int{linkToken: 2, partnerToken: 3, noticeToken: 3}[b[0]] * idBytes
	if ids == 0 || len(b) != 2+ids+2+macBytes {
		return ""
	}
	if b[0] == partnerToken { // whoever made it, it is one invite
		return string(linkToken) + string(b[2:2+2*idBytes])
	}
	return string(b[:1]) + string(b[2:2+ids])
}

func (k TokenKeys) mac(id byte, body []byte) []byte {
	m := hmac.New(sha256.New, k[id])
	m.Write(body)
	return m.Sum(nil)[:macBytes]
}
