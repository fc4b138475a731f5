package web

import (
	"context"
	"net/http"

	"github.com/tributary-app/tributary/shared/network"
)

// Claims is what the identity provider says of who is asking. The gateway
// has checked the token before the door is called.
type Claims struct {
	Issuer, Subject string
	Name            string
	Phone           string // as the provider wrote it, usually E.164
	PhoneVerified   bool   // Phone counts for nothing without it
}

// claims reads the gateway's own rendering, in which every claim is text.
func claims(m map[string]string) Claims {
	return Claims{m["iss"], m["sub"], m["name"], m["phone_number"], m["phone_number_verified"] == "true"}
}

type claimsKey struct{}

// WithClaims says who is asking. Lambda does so from the gateway's
// authorizer; tests do it themselves.
func WithClaims(ctx context.Context, c Claims) context.Context {
	return context.WithValue(ctx, claimsKey{}, c)
}

// Identity is who is asking; ErrUnauthenticated on a route where the gateway
// asks nobody, and nobody said.
func Identity(r *http.Request) (Claims, error) {
	c, _ := r.Context().Value(claimsKey{}).(Claims)
	if c.Subject == "" {
		return Claims{}, network.ErrUnauthenticated
	}
	return c, nil
}

// Corp is the corp that the caller says they act as, "" when they don't.
// Whether it is theirs is for the store to tell.
func Corp(r *http.Request) string { return r.Header.Get("Tributary-Corp") }
