// Package issuer is the development issuer: an OpenID provider where anybody may sign in with any phone by the one-time code that it
// is sent. Codes go to the outbox and to the console, where whoever plays the person reads them. It is never deployed.
package issuer

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base32"
	"encoding/pem"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// ClientID is the one client there is: public, code flow with PKCE, redirected to any page of this machine.
const ClientID = "tributary-local"

// lifetime of id and access tokens where nobody asks for another.
const lifetime = 12 * time.Hour

// Person is who signs in.
type Person struct {
	Phone    string // E.164, or "" for somebody who gave none
	Name     string
	Verified bool // the phone
}

// subject is the same for a phone in every run, so that who signs in again is who they were.
func (p Person) subject() string {
	sum := sha256.Sum256([]byte("tributary-local:" + p.Phone + p.nameless()))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15]))
}

// nameless tells people without a phone apart.
func (p Person) nameless() string {
	if p.Phone == "" {
		return p.Name
	}
	return ""
}

// Demo is the people that the sign-in page offers.
var Demo = []Person{
	{"+8613800000001", "王掌柜", true},
	{"+8613800000002", "李经理", true},
	{"+8613800000003", "陈小满", true},
	{"+8613800000004", "Wei Zhang", true},
	{"+8613800000005", "周未证", false},
}

// Issuer is the provider, an http.Handler for the root of its URL.
type Issuer struct {
	http.Handler
	URL string
	// Tell sends a phone its one-time code; nil tells nobody. Set it before anybody signs in.
	Tell func(phone, code string) error

	provider *op.Provider
	storage  *storage
	pages    *template.Template
}

// New makes the issuer at url, with its key in keyFile, which is made if it isn't there.
func New(url, keyFile string) (*Issuer, error) {
	key, err := loadKey(keyFile)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	s := newStorage(key)
	config := &op.Config{CodeMethodS256: true, DefaultLogoutRedirectURI: "/"}
	if _, err := rand.Read(config.CryptoKey[:]); err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	provider, err := op.NewProvider(config, s, op.StaticIssuer(url), op.WithAllowInsecure(),
		op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	i := &Issuer{URL: url, provider: provider, storage: s, pages: pages}
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	mux.HandleFunc("GET /sign-in", i.page)
	mux.HandleFunc("POST /sign-in", i.sendCode)
	mux.HandleFunc("POST /sign-in/code", i.signIn)
	i.Handler = mux
	return i, nil
}

// Tokens is what the person would hold after signing in. Tokens that last for less than nothing have expired, for tests.
func (i *Issuer) Tokens(ctx context.Context, p Person, last time.Duration) (idToken, accessToken string, err error) {
	if last == 0 {
		last = lifetime
	}
	request := &request{
		id: rand.Text(), client: ClientID, scopes: []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopePhone},
		person: p, signedIn: time.Now().UTC(), lasts: last,
	}
	ctx = op.ContextWithIssuer(ctx, i.URL)
	out, err := op.CreateTokenResponse(ctx, request, client{lasts: last}, i.provider, true, "", "")
	if err != nil {
		return "", "", fmt.Errorf("issuer: %w", err)
	}
	return out.IDToken, out.AccessToken, nil
}

// loadKey reads the signing key, RSA since API Gateway's authorizer takes no other.
func loadKey(file string) (*rsa.PrivateKey, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
		return key, os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s holds no key", file)
	}
	return x509.ParsePKCS1PrivateKey(block.Bytes)
}
