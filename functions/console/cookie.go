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
	"slices"
	"strings"
	"time"

	"github.com/tributary-app/tributary/shared/page"
)

// How long one stays signed in, and how long signing in may take.
const (
	sessionLife = 8 * time.Hour
	signInLife  = 10 * time.Minute
	keptLife    = 30 * time.Minute // a form that came too late: time to find the phone and its code
)

// Names of cookies. The prefix has browsers take them from this host over
// https alone, and from 127.0.0.1.
const (
	sessionCookie = "__Host-session"
	signInCookie  = "__Host-sign-in-" // and the first characters of the state: two tabs may sign in at once
	keptCookie    = "__Host-form"
)

// maxSignIns may be under way in one browser. A tap on the link that leads
// nowhere leaves a cookie, and the gateway takes 10 KB of headers.
const maxSignIns = 4

// maxKept is what a form may weigh that is kept, sealed: its fields have 32
// characters each, and browsers take 4 KB a cookie.
const maxKept = 3 << 10

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

// author is for whom a form was made. It stands in the form, sealed: whose it
// was is known when their session is over, and nobody makes one for another.
type author struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
}

// authored is the name that authors are sealed with.
const authored = "form"

// kept is a form that came when its author's session was over. It waits in
// their browser until they are back.
type kept struct {
	Author author    `json:"author"`
	Token  string    `json:"token"`
	Form   page.Form `json:"form"`
	Ends   time.Time `json:"ends"`
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

// text is v, sealed. The name is sealed with it: what was sealed under one name
// opens under no other.
func (s seal) text(name string, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and times: can't be
	}
	return base64.RawURLEncoding.EncodeToString(s.aeads[s.newest].Seal([]byte{s.newest}, nil, b, []byte(name)))
}

// set gives the browser a cookie of that name.
func (s seal) set(w http.ResponseWriter, name string, v any, life time.Duration) {
	http.SetCookie(w, cookie(name, s.text(name, v), int(life.Seconds())))
}

// open reads a cookie; false if it isn't there, or isn't of our sealing.
func (s seal) open(r *http.Request, name string, v any) bool {
	c, err := r.Cookie(name)
	return err == nil && s.read(name, c.Value, v)
}

// read is the inverse of text; false for what text hasn't made.
func (s seal) read(name, text string, v any) bool {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < 1 || s.aeads[b[0]] == nil {
		return false
	}
	plain, err := s.aeads[b[0]].Open(nil, nil, b[1:], []byte(name))
	return err == nil && json.Unmarshal(plain, v) == nil
}

// forget takes a cookie away.
func forget(w http.ResponseWriter, name string) { http.SetCookie(w, cookie(name, "", -1)) }

// drop takes a cookie away that is there.
func drop(w http.ResponseWriter, r *http.Request, name string) {
	if _, err := r.Cookie(name); err == nil {
		forget(w, name)
	}
}

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

// keep has the browser keep a form that came when its author's session was
// over, and says whether it does. What another site sends is of no author.
func (c *console) keep(w http.ResponseWriter, r *http.Request) bool {
	k := kept{Token: r.PathValue("token"), Form: typed(r.PostForm), Ends: c.now().Add(keptLife)}
	if !c.seal.read(authored, r.PostForm.Get("by"), &k.Author) {
		return false
	}
	sealed := c.seal.text(keptCookie, k)
	if len(sealed) > maxKept {
		return false
	}
	http.SetCookie(w, cookie(keptCookie, sealed, int(keptLife.Seconds())))
	return true
}

// kept is the form that waits for who is signed in, at this invite; nil if none
// does. A phone that is lent shows nobody what another typed.
func (c *console) kept(r *http.Request, who *session) *page.Form {
	var k kept
	if who == nil || !c.seal.open(r, keptCookie, &k) || !c.now().Before(k.Ends) || k.Author != (author{who.Issuer, who.Subject}) || k.Token != r.PathValue("token") {
		return nil
	}
	return &k.Form
}

// tidy forgets the oldest sign-ins of this browser, if there are too many for
// one more.
func (c *console) tidy(w http.ResponseWriter, r *http.Request) {
	type begun struct {
		name string
		ends time.Time
	}
	var all []begun
	for _, k := range r.Cookies() {
		if strings.HasPrefix(k.Name, signInCookie) {
			var s signIn
			c.seal.open(r, k.Name, &s) // what doesn't open ended long ago
			all = append(all, begun{k.Name, s.Ends})
		}
	}
	slices.SortFunc(all, func(a, b begun) int { return a.ends.Compare(b.ends) })
	for len(all) >= maxSignIns {
		forget(w, all[0].name)
		all = all[1:]
	}
}

// random is a text that nobody guesses: 130 bits.
func random() string { return rand.Text() }
