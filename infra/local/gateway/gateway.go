// Package gateway is the local stack's API Gateway: an HTTP API that knows the routes of the template and no other, checks who is
// asking as the JWT authorizer does, and answers for a function that doesn't.
package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tributary-app/tributary/infra/local/lambda"
	"github.com/tributary-app/tributary/infra/local/template"
)

// Limits of an HTTP API.
const (
	maxBody            = 10 << 20 // bytes
	integrationTimeout = 30 * time.Second
)

// Gateway answers requests with the functions that the routes name.
type Gateway struct {
	routes      []route
	authorizers map[string]*authorizer
	cors        *template.CORS
	account     string
	warn        *slog.Logger
}

// route is one of the template's with its path cut into parts.
type route struct {
	template.Route
	parts    []string
	function *lambda.Function
}

// New makes the gateway. functions are by logical id; account is the one that requests are of.
func New(app *template.Application, functions map[string]*lambda.Function, account string, warn *slog.Logger) *Gateway {
	g := &Gateway{authorizers: map[string]*authorizer{}, cors: app.API.CORS, account: account, warn: warn}
	for name, a := range app.API.Authorizers {
		g.authorizers[name] = &authorizer{Authorizer: a}
	}
	for _, f := range app.Functions {
		for _, r := range f.Routes {
			g.routes = append(g.routes, route{r, strings.Split(strings.TrimPrefix(r.Path, "/"), "/"), functions[f.ID]})
		}
	}
	return g
}

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	w.Header().Set("Apigw-Requestid", id)
	if g.preflight(w, r) {
		return
	}
	rt, path := g.match(r)
	if rt == nil {
		say(w, http.StatusNotFound, "Not Found")
		return
	}
	var who *claims
	if a := g.authorizers[rt.Authorizer]; a != nil {
		c, err := a.check(r.Context(), r.Header.Get("Authorization"), rt.Scopes)
		if errors.Is(err, errScope) {
			w.Header().Set("Www-Authenticate", `Bearer scope="`+strings.Join(rt.Scopes, " ")+`" error="insufficient_scope"`)
			say(w, http.StatusForbidden, "Forbidden")
			return
		}
		if err != nil {
			challenge := "Bearer"
			if r.Header.Get("Authorization") != "" {
				challenge += ` error="invalid_token"`
			}
			w.Header().Set("Www-Authenticate", challenge)
			say(w, http.StatusUnauthorized, "Unauthorized")
			return
		}
		who = c
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			say(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		}
		return // else the client is gone
	}
	g.call(w, r, rt.function, event(r, id, g.account, *rt, path, who, body))
}

// call invokes the function and writes its answer, or says what API Gateway says when there is none.
func (g *Gateway) call(w http.ResponseWriter, r *http.Request, f *lambda.Function, event []byte) {
	type outcome struct {
		lambda.Result
		err error
	}
	done := make(chan outcome, 1)
	// The function works on when the client hangs up or the gateway stops waiting, as Lambda does.
	ctx := context.WithoutCancel(r.Context())
	go func() {
		result, err := f.Invoke(ctx, event)
		done <- outcome{result, err}
	}()
	select {
	case <-time.After(integrationTimeout):
		say(w, http.StatusServiceUnavailable, "Service Unavailable")
	case out := <-done:
		switch {
		case errors.Is(out.err, lambda.ErrTooLarge):
			say(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		case errors.Is(out.err, lambda.ErrThrottled):
			say(w, http.StatusServiceUnavailable, "Service Unavailable")
		case out.err != nil:
			g.warn.Warn("function can't be called", "function", f.Name, "err", out.err)
			say(w, http.StatusInternalServerError, "Internal Server Error")
		case out.Failed:
			say(w, http.StatusInternalServerError, "Internal Server Error")
		default:
			if err := respond(w, out.Payload); err != nil {
				g.warn.Warn("function's answer is none", "function", f.Name, "request", out.RequestID, "err", err)
				say(w, http.StatusInternalServerError, "Internal Server Error")
			}
		}
	}
}

// match finds the route for r with what its braces hold. The route with the earliest fixed part wins, an exact method over ANY.
func (g *Gateway) match(r *http.Request) (*route, map[string]string) {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	var best *route
	for i := range g.routes {
		rt := &g.routes[i]
		if (rt.Method == r.Method || rt.Method == "ANY") && rt.fits(parts) && (best == nil || rt.before(best)) {
			best = rt
		}
	}
	if best == nil {
		return nil, nil
	}
	values := map[string]string{}
	for i, p := range best.parts {
		if name, variable := variable(p); variable {
			values[name] = unescape(parts[i])
		}
	}
	return best, values
}

func (rt *route) fits(parts []string) bool {
	return slices.EqualFunc(rt.parts, parts, func(want, got string) bool {
		if _, ok := variable(want); ok {
			return got != ""
		}
		return want == unescape(got)
	})
}

func (rt *route) before(other *route) bool {
	for i := range rt.parts {
		_, a := variable(rt.parts[i])
		_, b := variable(other.parts[i])
		if a != b {
			return b
		}
	}
	return other.Method == "ANY"
}

func variable(part string) (name string, ok bool) {
	name, open := strings.CutPrefix(part, "{")
	name, closed := strings.CutSuffix(name, "}")
	return name, open && closed
}

// preflight answers a browser's question whether a page of another origin may call, and lets that page read the answers.
func (g *Gateway) preflight(w http.ResponseWriter, r *http.Request) (answered bool) {
	origin := r.Header.Get("Origin")
	if g.cors == nil || origin == "" {
		return false
	}
	asks := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
	if slices.Contains(g.cors.AllowOrigins, "*") && !g.cors.AllowCredentials {
		w.Header().Set("Access-Control-Allow-Origin", "*")
	} else if slices.Contains(g.cors.AllowOrigins, origin) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Vary", "Origin")
		if g.cors.AllowCredentials {
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		}
	} else {
		if asks {
			w.WriteHeader(http.StatusNoContent)
		}
		return asks
	}
	if len(g.cors.ExposeHeaders) > 0 {
		w.Header().Set("Access-Control-Expose-Headers", strings.Join(g.cors.ExposeHeaders, ","))
	}
	if asks {
		w.Header().Set("Access-Control-Allow-Methods", strings.Join(g.cors.AllowMethods, ","))
		w.Header().Set("Access-Control-Allow-Headers", strings.Join(g.cors.AllowHeaders, ","))
		w.Header().Set("Access-Control-Max-Age", strconv.Itoa(g.cors.MaxAge))
		w.WriteHeader(http.StatusNoContent)
	}
	return asks
}

// say writes an answer of the gateway's own.
func say(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message}) // the client may be gone
}
