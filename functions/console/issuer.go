package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tributary-app/tributary/shared/web"
)

// issuer is who signs people in: an OpenID provider, by the code flow with PKCE.
// Cognito and any other that has discovery. We are a public client.
type issuer struct {
	url, client, back string // its own, our id with it, where it sends people back
	http              *http.Client
	now               func() time.Time

	mu    sync.Mutex
	found *endpoints
}

// endpoints is what discovery says, as far as we ask.
type endpoints struct {
	Issuer    string `json:"issuer"`
	Authorize string `json:"authorization_endpoint"`
	Token     string `json:"token_endpoint"`
}

// idClaims is what an id token says of a person.
type idClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Party    string   `json:"azp"`
	Expires  int64    `json:"exp"`
	Nonce    string   `json:"nonce"`
	Name     string   `json:"name"`
	Phone    string   `json:"phone_number"`
	Verified truth    `json:"phone_number_verified"`
}

// audience is one client or several.
type audience []string

func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// truth is a boolean, which some issuers write as text.
type truth bool

func (t *truth) UnmarshalJSON(b []byte) error {
	*t = truth(strings.Trim(string(b), `"`) == "true")
	return nil
}

// maxAnswer is what an issuer's answer may weigh.
const maxAnswer = 1 << 20

// discover finds the issuer's endpoints, once an instance.
func (i *issuer) discover(ctx context.Context) (*endpoints, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.found != nil {
		return i.found, nil
	}
	r, err := http.NewRequestWithContext(ctx, "GET", strings.TrimSuffix(i.url, "/")+"/.well-known/openid-configuration", nil)
	if err != nil {
		return nil, err
	}
	var e endpoints
	if err := i.ask(r, &e); err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	if e.Issuer != i.url {
		return nil, errors.New("discovery: the issuer says it is another")
	}
	for _, at := range []string{e.Authorize, e.Token} {
		u, err := url.Parse(at)
		if err != nil || u.Host == "" || u.Scheme != "https" && strings.HasPrefix(i.url, "https:") {
			return nil, errors.New("discovery: an endpoint is no https URL")
		}
	}
	i.found = &e
	return i.found, nil
}

// authorize is where a person goes to sign in. They are asked anew, even if the
// issuer still knows who was here before: phones are lent, and who has signed
// out here means to be somebody else. They are asked in their language:
// ui_locales is the standard's word for it and lang is Cognito's, whose pages
// are English else; an issuer passes over what it doesn't know (RFC 6749, 3.1).
func (i *issuer) authorize(ctx context.Context, s signIn, lang web.Lang) (string, error) {
	e, err := i.discover(ctx)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(e.Authorize)
	if err != nil {
		return "", err
	}
	challenge := sha256.Sum256([]byte(s.Verifier))
	q := u.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": i.client, "redirect_uri": i.back, "scope": "openid phone profile", "state": s.State, "nonce": s.Nonce,
		"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "code_challenge_method": "S256", "prompt": "login",
		"ui_locales": string(lang), "lang": string(lang),
	} {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// reason is an issuer's error code (RFC 6749, 4.1.2.1) as it may be logged:
// what stands in its place may be anybody's text.
func reason(code string) string {
	if !codes.MatchString(code) {
		return "no code"
	}
	return code
}

var codes = regexp.MustCompile(`^[a-z_]{1,40}$`)

// errRefused says that the issuer doesn't stand for the person: the code is
// spent, or its answer isn't for this sign-in.
var errRefused = errors.New("issuer: refused")

// redeem changes the code for who has signed in. The id token comes straight
// from the token endpoint, over TLS, so its signature needn't be checked (OIDC
// Core 3.1.3.7, 6); all else that it says is.
func (i *issuer) redeem(ctx context.Context, code string, s signIn) (idClaims, error) {
	e, err := i.discover(ctx)
	if err != nil {
		return idClaims{}, err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {i.client}, "code": {code}, "redirect_uri": {i.back}, "code_verifier": {s.Verifier}}
	r, err := http.NewRequestWithContext(ctx, "POST", e.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return idClaims{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		IDToken string `json:"id_token"`
	}
	if err := i.ask(r, &answer); err != nil {
		return idClaims{}, fmt.Errorf("token: %w", err)
	}
	parts := strings.Split(answer.IDToken, ".")
	if len(parts) != 3 {
		return idClaims{}, fmt.Errorf("%w: no id token", errRefused)
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return idClaims{}, fmt.Errorf("%w: an id token that can't be read", errRefused)
	}
	var c idClaims
	if err := json.Unmarshal(b, &c); err != nil {
		return idClaims{}, fmt.Errorf("%w: an id token that can't be read", errRefused)
	}
	return c, i.check(c, s)
}

func (i *issuer) check(c idClaims, s signIn) error {
	switch {
	case c.Issuer != i.url:
		return fmt.Errorf("%w: iss", errRefused)
	case !slices.Contains(c.Audience, i.client):
		return fmt.Errorf("%w: aud", errRefused)
	case c.Party != "" && c.Party != i.client, c.Party == "" && len(c.Audience) > 1:
		return fmt.Errorf("%w: azp", errRefused)
	case !i.now().Before(time.Unix(c.Expires, 0)):
		return fmt.Errorf("%w: exp", errRefused)
	case c.Nonce != s.Nonce || s.Nonce == "":
		return fmt.Errorf("%w: nonce", errRefused)
	case c.Subject == "":
		return fmt.Errorf("%w: sub", errRefused)
	}
	return nil
}

// ask reads a JSON answer. An answer of 400 or 401 is errRefused: it is the
// code's fault, not the issuer's.
func (i *issuer) ask(r *http.Request, v any) error {
	resp, err := i.http.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URL
		}
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(v)
	case http.StatusBadRequest, http.StatusUnauthorized:
		return errRefused
	}
	return errors.New(resp.Status)
}
