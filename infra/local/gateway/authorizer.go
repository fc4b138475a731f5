package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/tributary-app/tributary/infra/local/template"
)

// authorizer checks bearer tokens as the JWT authorizer of an HTTP API does: signature by a key that the issuer publishes, issuer,
// audience, and the times.
type authorizer struct {
	template.Authorizer

	mu      sync.Mutex
	keys    jose.JSONWebKeySet
	fetched time.Time
}

// claims is what a token says, written as API Gateway passes it on: every value a string.
type claims struct {
	texts   map[string]string
	granted []string // scopes that the route asks for and the token has; nil without
}

var (
	errToken = errors.New("gateway: token refused")
	errScope = errors.New("gateway: none of the route's scopes")
)

// refetchAfter is how long an unknown key waits for another look at what the issuer publishes.
const refetchAfter = 5 * time.Second

// check reads the Authorization header; the error is errToken or errScope, with why.
func (a *authorizer) check(ctx context.Context, header string, scopes []string) (*claims, error) {
	token := header
	if kind, rest, ok := strings.Cut(header, " "); ok && strings.EqualFold(kind, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512})
	if err != nil || len(parsed.Headers) != 1 {
		return nil, fmt.Errorf("%w: %w", errToken, err)
	}
	key, err := a.key(ctx, parsed.Headers[0].KeyID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errToken, err)
	}
	var said jwt.Claims
	var all map[string]any
	if err := parsed.Claims(key, &said, &all); err != nil {
		return nil, fmt.Errorf("%w: %w", errToken, err)
	}
	if said.Expiry == nil {
		return nil, fmt.Errorf("%w: it never expires", errToken)
	}
	if err := said.ValidateWithLeeway(jwt.Expected{Issuer: a.Issuer, Time: time.Now()}, 0); err != nil {
		return nil, fmt.Errorf("%w: %w", errToken, err)
	}
	audience := []string(said.Audience)
	if client, ok := all["client_id"].(string); ok && len(audience) == 0 {
		audience = []string{client}
	}
	if !slices.ContainsFunc(audience, func(s string) bool { return slices.Contains(a.Audience, s) }) {
		return nil, fmt.Errorf("%w: audience %q", errToken, audience)
	}
	c := &claims{texts: map[string]string{}}
	for name, v := range all {
		c.texts[name] = claimText(v)
	}
	if len(scopes) == 0 {
		return c, nil
	}
	for _, s := range strings.Fields(c.texts["scope"] + " " + c.texts["scp"]) {
		if slices.Contains(scopes, s) {
			c.granted = append(c.granted, s)
		}
	}
	if c.granted == nil {
		return nil, errScope
	}
	return c, nil
}

// claimText writes a claim as API Gateway does: lists in brackets with spaces between.
func claimText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strings.TrimSuffix(fmt.Sprintf("%f", v), ".000000")
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, claimText(e))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(v)
}

// key is the issuer's public key of that id, fetched when it isn't known.
func (a *authorizer) key(ctx context.Context, id string) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.keys.Key(id)) == 0 && time.Since(a.fetched) > refetchAfter {
		if err := a.fetch(ctx); err != nil {
			return nil, err
		}
	}
	found := a.keys.Key(id)
	if len(found) == 0 {
		return nil, fmt.Errorf("no key %q", id)
	}
	return found[0].Key, nil
}

// fetch reads the keys by way of the issuer's discovery document.
func (a *authorizer) fetch(ctx context.Context) error {
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := get(ctx, strings.TrimSuffix(a.Issuer, "/")+"/.well-known/openid-configuration", &document); err != nil {
		return err
	}
	if document.Issuer != a.Issuer {
		return fmt.Errorf("issuer %s says that it is %s", a.Issuer, document.Issuer)
	}
	var keys jose.JSONWebKeySet
	if err := get(ctx, document.JWKSURI, &keys); err != nil {
		return err
	}
	a.keys, a.fetched = keys, time.Now()
	return nil
}

func get(ctx context.Context, url string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(v)
}
