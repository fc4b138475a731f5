package issuer

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// storage is what the provider remembers: sign-ins that are under way and who holds which access token, until the end of the run.
type storage struct {
	key signingKey

	mu       sync.Mutex
	requests map[string]*request // by id
	pending  map[string]*pending // by the request's id
	codes    map[string]string   // authorization code → id of the request
	tokens   map[string]Person   // by the access token's id
}

func newStorage(key *rsa.PrivateKey) *storage {
	sum := sha256.Sum256(key.N.Bytes())
	return &storage{
		key:      signingKey{hex.EncodeToString(sum[:8]), key},
		requests: map[string]*request{}, pending: map[string]*pending{}, codes: map[string]string{}, tokens: map[string]Person{},
	}
}

var (
	errUnknown     = errors.New("issuer: no such sign-in, or it is over")
	errUnsupported = errors.New("issuer: not supported")
)

// request is one sign-in. It is op.AuthRequest; what the protocol calls an audience is the client.
type request struct {
	id, client, redirect, state, nonce string
	scopes                             []string
	responseType                       oidc.ResponseType
	responseMode                       oidc.ResponseMode
	challenge                          *oidc.CodeChallenge
	person                             Person
	signedIn                           time.Time // zero until then
	lasts                              time.Duration
}

func (r *request) GetID() string                         { return r.id }
func (r *request) GetACR() string                        { return "" }
func (r *request) GetAMR() []string                      { return []string{"sms"} }
func (r *request) GetAudience() []string                 { return []string{r.client} }
func (r *request) GetAuthTime() time.Time                { return r.signedIn }
func (r *request) GetClientID() string                   { return r.client }
func (r *request) GetCodeChallenge() *oidc.CodeChallenge { return r.challenge }
func (r *request) GetNonce() string                      { return r.nonce }
func (r *request) GetRedirectURI() string                { return r.redirect }
func (r *request) GetResponseType() oidc.ResponseType    { return r.responseType }
func (r *request) GetResponseMode() oidc.ResponseMode    { return r.responseMode }
func (r *request) GetScopes() []string                   { return r.scopes }
func (r *request) GetState() string                      { return r.state }
func (r *request) GetSubject() string                    { return r.person.subject() }
func (r *request) Done() bool                            { return !r.signedIn.IsZero() }

// signIn ends the person's part of a sign-in.
func (s *storage) signIn(id string, p Person) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests[id]
	if !ok {
		return errUnknown
	}
	signed := *r // the provider may be reading the old one
	signed.person, signed.signedIn = p, time.Now().UTC()
	s.requests[id] = &signed
	return nil
}

func (s *storage) CreateAuthRequest(_ context.Context, in *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if in.CodeChallenge == "" {
		return nil, oidc.ErrInvalidRequest().WithDescription("code_challenge is missing: the client is public")
	}
	r := &request{
		id: rand.Text(), client: in.ClientID, redirect: in.RedirectURI, state: in.State, nonce: in.Nonce, scopes: in.Scopes,
		responseType: in.ResponseType, responseMode: in.ResponseMode, lasts: lifetime,
		challenge: &oidc.CodeChallenge{Challenge: in.CodeChallenge, Method: in.CodeChallengeMethod},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[r.id] = r
	return r, nil
}

func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests[id]
	if !ok {
		return nil, errUnknown
	}
	return r, nil
}

func (s *storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id := s.codes[code]
	s.mu.Unlock()
	return s.AuthRequestByID(ctx, id)
}

func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	delete(s.pending, id)
	for code, of := range s.codes {
		if of == id {
			delete(s.codes, code)
		}
	}
	return nil
}

func (s *storage) CreateAccessToken(_ context.Context, in op.TokenRequest) (string, time.Time, error) {
	r, ok := in.(*request)
	if !ok {
		return "", time.Time{}, errUnsupported
	}
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[id] = r.person
	return id, time.Now().Add(r.lasts), nil
}

// SetUserinfoFromRequest puts the person into their id token.
func (s *storage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, in op.IDTokenRequest, _ []string) error {
	r, ok := in.(*request)
	if !ok {
		return errUnsupported
	}
	fill(info, r.person)
	return nil
}

func (s *storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, tokenID, _, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.tokens[tokenID]
	if !ok {
		return errUnknown
	}
	fill(info, p)
	return nil
}

func fill(info *oidc.UserInfo, p Person) {
	info.Subject, info.Name = p.subject(), p.Name
	if p.Phone != "" {
		info.PhoneNumber, info.PhoneNumberVerified = p.Phone, oidc.Bool(p.Verified)
	}
}

func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != ClientID {
		return nil, errUnknown
	}
	return client{lasts: lifetime}, nil
}

// What follows is asked by flows that this issuer doesn't have.

func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil // SetUserinfoFromRequest does it
}

func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

func (s *storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errUnsupported
}

func (s *storage) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, errUnsupported
}

func (s *storage) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, errUnsupported
}

func (s *storage) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}

func (s *storage) RevokeToken(context.Context, string, string, string) *oidc.Error { return nil }

func (s *storage) TerminateSession(context.Context, string, string) error { return nil }

func (s *storage) AuthorizeClientIDSecret(context.Context, string, string) error {
	return errUnsupported
}

func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnsupported
}

func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errUnsupported
}

func (s *storage) Health(context.Context) error { return nil }

// signingKey is the key that signs, and publicKey what of it is published.
type signingKey struct {
	id  string
	key *rsa.PrivateKey
}

func (k signingKey) ID() string                                  { return k.id }
func (k signingKey) Key() any                                    { return k.key }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }

type publicKey struct{ of signingKey }

func (k publicKey) ID() string                         { return k.of.id }
func (k publicKey) Key() any                           { return &k.of.key.PublicKey }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return s.key, nil }

func (s *storage) KeySet(context.Context) ([]op.Key, error) { return []op.Key{publicKey{s.key}}, nil }

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

// client is ClientID.
type client struct{ lasts time.Duration }

func (client) GetID() string          { return ClientID }
func (client) RedirectURIs() []string { return nil }
func (client) RedirectURIGlobs() []string {
	return []string{"http://127.0.0.1:*/**", "http://localhost:*/**"}
}
func (client) PostLogoutRedirectURIs() []string       { return nil }
func (c client) PostLogoutRedirectURIGlobs() []string { return c.RedirectURIGlobs() }
func (client) ApplicationType() op.ApplicationType    { return op.ApplicationTypeUserAgent }
func (client) AuthMethod() oidc.AuthMethod            { return oidc.AuthMethodNone }
func (client) ResponseTypes() []oidc.ResponseType     { return []oidc.ResponseType{oidc.ResponseTypeCode} }
func (client) GrantTypes() []oidc.GrantType           { return []oidc.GrantType{oidc.GrantTypeCode} }
func (client) LoginURL(id string) string              { return "/sign-in?id=" + id }
func (client) AccessTokenType() op.AccessTokenType    { return op.AccessTokenTypeJWT }
func (c client) IDTokenLifetime() time.Duration       { return c.lasts }
func (client) DevMode() bool                          { return true } // pages of this machine have no https
func (client) IsScopeAllowed(string) bool             { return false }
func (client) IDTokenUserinfoClaimsAssertion() bool   { return true } // the API is called with id tokens
func (client) ClockSkew() time.Duration               { return 0 }

//lint:ignore ST1003 op.Client names it so
func (client) RestrictAdditionalIdTokenScopes() func([]string) []string     { return same }
func (client) RestrictAdditionalAccessTokenScopes() func([]string) []string { return same }

func same(scopes []string) []string { return scopes }
