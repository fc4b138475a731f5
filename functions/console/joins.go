package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/web"
)

// What the joins door tells (api.md), as far as a page shows it.
type (
	named struct {
		Name string `json:"name"`
	}
	look struct {
		Chain struct {
			Name  string `json:"name"`
			Owner string `json:"owner"`
		} `json:"chain"`
		Inviter    named     `json:"inviter"`
		Group      named     `json:"group"`
		JoinPolicy string    `json:"join_policy"`
		ExpiresAt  time.Time `json:"expires_at"`
		Note       string    `json:"note"`
	}
	standing struct {
		Person struct {
			Name  string `json:"name"`
			Phone string `json:"phone"` // masked
		} `json:"person"`
		Chain *struct {
			Name  string `json:"name"`
			Owner string `json:"owner"`
		} `json:"chain"`
		Corps       []corp `json:"corps"`
		Memberships []seat `json:"memberships"`
		Contact     *struct {
			Name     string `json:"name"`
			Partner  named  `json:"partner"`
			Group    named  `json:"group"`
			Declined bool   `json:"declined"`
		} `json:"contact"`
		Application *struct {
			CorpName  string    `json:"corp_name"`
			State     string    `json:"state"`
			Reason    string    `json:"reason"`
			AppliedAt time.Time `json:"applied_at"`
		} `json:"application"`
		Conflict *struct{} `json:"conflict"` // that they are in one
		Blocked  bool      `json:"blocked"`
	}
	corp struct {
		CorpID   string `json:"corp_id"`
		Name     string `json:"name"`
		Eligible bool   `json:"eligible"`
	}
	seat struct {
		CorpID       string    `json:"corp_id"`
		CorpName     string    `json:"corp_name"`
		NameMismatch bool      `json:"name_mismatch"`
		JoinedAt     time.Time `json:"joined_at"`
	}
	wish struct {
		CorpID  string   `json:"corp_id,omitempty"`
		NewCorp *newCorp `json:"new_corp,omitempty"`
		Name    string   `json:"name"`
	}
	newCorp struct {
		Name     string `json:"name"`
		Industry string `json:"industry,omitempty"`
	}
)

// problem is why the joins door says no.
type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Errors []struct {
		Field string `json:"field"`
		Code  string `json:"code"`
	} `json:"errors"`
	After string `json:"-"` // Retry-After: how many seconds to wait
}

func (p *problem) Error() string { return p.Code }

// problemOf is err as the joins door would say it.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if errors.Is(err, platform.ErrThrottled) || errors.Is(err, context.DeadlineExceeded) {
		return &problem{Status: http.StatusServiceUnavailable, Code: "busy"}
	}
	return &problem{Status: http.StatusInternalServerError, Code: "internal"}
}

// ask asks the joins door as the gateway would: for somebody whom the issuer
// has signed in, from the address that asks us. in and out are nil for none; an
// error answer is a *problem.
func (c *console) ask(r *http.Request, who *session, method, token, below string, in, out any) error {
	var e events.APIGatewayV2HTTPRequest
	e.Version, e.RouteKey, e.RawPath = "2.0", method+" /v1/join/{token}"+below, "/v1/join/"+token+below
	e.PathParameters = map[string]string{"token": token}
	e.Headers = map[string]string{"accept-language": string(web.Language(r))}
	e.RequestContext.RouteKey, e.RequestContext.Stage, e.RequestContext.DomainName = e.RouteKey, "$default", r.Host
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path, e.RequestContext.HTTP.Protocol = method, e.RawPath, r.Proto
	e.RequestContext.HTTP.SourceIP, e.RequestContext.HTTP.UserAgent = r.RemoteAddr, r.UserAgent()
	if who != nil {
		e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
			JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{
				"iss": who.Issuer, "sub": who.Subject, "name": who.Name, "phone_number": who.Phone, "phone_number_verified": fmt.Sprint(who.Verified),
			}},
		}
	}
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		e.Body, e.Headers["content-type"] = string(b), "application/json"
	}
	event, err := json.Marshal(e)
	if err != nil {
		return err
	}
	said, err := c.joins(r.Context(), event)
	if err != nil {
		return err
	}
	var a events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(said, &a); err != nil || a.StatusCode == 0 {
		return errors.New("joins: the answer is none")
	}
	if a.StatusCode >= 300 {
		p := &problem{}
		if err := json.Unmarshal([]byte(a.Body), p); err != nil || p.Code == "" {
			return fmt.Errorf("joins: %d without a code", a.StatusCode)
		}
		p.Status, p.After = a.StatusCode, a.Headers["Retry-After"]
		return p
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal([]byte(a.Body), out); err != nil {
		return errors.New("joins: the answer can't be read")
	}
	return nil
}
