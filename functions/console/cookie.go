package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// How long one stays signed in, and how long signing in may take.
const (
	sessionLife = 8 * time.Hour
	signInLife  = 10 * time.Minute
)

// Names of cookies. The prefix has browsers take them from this host over
// https alone, and from 127.0.0.1.
const (
	sessionCookie = "__Host-session"
	signInCookie  = "__Host-sign-in-" // and the first characters of the state: two tabs may sign in at once
)

// session is who is signed in. It is kept by the browser, sealed; we keep none.
type session struct {
	Issuer   string    `json:"iss"`
	Subject  string    `json:"sub"`
	Name     string    `json:"name,omitempty"`
	Phone    string    `json:"phone,omitempty"`
	Verified bool      `json:"verified,omitempty"`
	CSRF     string    `json:"csrf"` // stands in each form of the session
	Ends     time.Time `json:"ends"`
}

// signIn is a sign-in that is under way.
type signIn struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // of PKCE
	Token    string    `json:"token"`    // the invite to come back to
	Ends     time.Time `json:"ends"`
}

// seal encrypts what browsers keep for us, by AES-256-GCM under keys by id: the
// highest seals, all open, so that keys rotate while sessions live.
type seal struct {
	aeads  map[byte]cipher.AEAD
	newest byte
}

func newSeal(keys map[byte][]byte) seal {
	s := seal{aeads: map[byte]cipher.AEAD{}}
	for id, secret := range keys {
		key, err := hkdf.Key(sha256.New, secret, nil, "tributary console cookies", 32)
		if err != nil {
			panic(err) // 32 bytes of SHA-256: can't be
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			panic(err) // 32 bytes: can't be
		}
		if s.aeads[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			panic(err) // AES: can't be
		}
		s.newest = max(s.newest, id)
	}
	return s
}

// set gives the browser a cookie of that name. The name is sealed with it: what
// was sealed for one cookie opens as no other.
func (s seal) set(w http.ResponseWriter, name string, v any, life time.Duration) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and times: can't be
	}
	sealed := s.aeads[s.newest].Seal([]byte{s.newest}, nil, b, []byte(name))
	http.SetCookie(w, cookie(name, base64.RawURLEncoding.EncodeToString(sealed), int(life.Seconds())))
}

// open reads a cookie; false if it isn't there, or isn't of our sealing.
func (s seal) open(r *http.Request, name string, v any) bool {
	c, err := r.Cookie(name)
	if err != nil {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(b) < 1 || s.aeads[b[0]] == nil {
		return false
	}
	plain, err := s.aeads[b[0]].Open(nil, nil, b[1:], []byte(name))
	return err == nil && json.Unmarshal(plain, v) == nil
}

// forget takes a cookie away.
func forget(w http.ResponseWriter, name string) { http.SetCookie(w, cookie(name, "", -1)) }

// cookie is one that no script reads, and that no other site's form brings
// along: Lax, for it must come along when the issuer sends people back.
func cookie(name, value string, seconds int) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, MaxAge: seconds, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// session is who is signed in, nil if nobody is.
func (c *console) session(r *http.Request) *session {
	var s session
	if !c.seal.open(r, sessionCookie, &s) || !c.now().Before(s.Ends) {
		return nil
	}
	return &s
}

// random is a text that nobody guesses: 130 bits.
func random() string { return rand.Text() }
