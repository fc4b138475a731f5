// Package contract holds a door's tests to the OpenAPI document: what is
// answered must stand there, and what is accepted must be allowed there. It
// is for tests only.
package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/tributary-app/tributary/shared/web"
)

// Handler is h, each of whose answers is checked against the document: an
// unknown route, status, content type, field or header that is missing fails
// the test. A request that h accepts (2xx) must be one that the document
// allows. Where it names a route's codes, a refusal has one of them.
func Handler(t testing.TB, h http.Handler) http.Handler {
	t.Helper()
	d, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.Clone(context.WithoutCancel(r.Context()))
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("contract: %v", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))

		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		asked.Body = io.NopCloser(bytes.NewReader(body))
		if err := d.check(asked, rec.Code, rec.Header(), rec.Body.Bytes()); err != nil {
			t.Errorf("contract: %s %s: %d: %v", asked.Method, asked.URL.Path, rec.Code, err)
		}

		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		w.Write(rec.Body.Bytes())
	})
}

// Codes are those that the document names for a route (its x-codes), none if
// it names none.
func Codes(t testing.TB, pattern string) []string {
	t.Helper()
	d, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if d.named[pattern] == nil {
		t.Fatalf("the document has no %s", pattern)
	}
	return codes(d.named[pattern].Operation)
}

func codes(op *openapi3.Operation) []string {
	named, _ := op.Extensions["x-codes"].([]any)
	out := make([]string, len(named))
	for i, code := range named {
		out[i], _ = code.(string)
	}
	return out
}

// document is the OpenAPI document and the routes in it.
type document struct {
	*openapi3.T
	routes *http.ServeMux            // finds a pattern as a door's mux does
	named  map[string]*routers.Route // by pattern
	times  openapi3.SchemaValidationOption
}

// load reads the document as the API serves it, once.
var load = sync.OnceValues(func() (*document, error) {
	w := httptest.NewRecorder()
	web.OpenAPI().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/openapi.yaml", nil))
	doc, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	for _, pictured := range []string{"image/png", "image/svg+xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"} {
		openapi3filter.RegisterBodyDecoder(pictured, openapi3filter.FileBodyDecoder)
	}
	d := &document{T: doc, routes: http.NewServeMux(), named: map[string]*routers.Route{}}
	d.times = openapi3.WithStringFormatValidator("date-time", openapi3.NewCallbackValidator(func(s string) error {
		if !strings.HasSuffix(s, "Z") {
			return fmt.Errorf("%q is not RFC 3339 in UTC", s)
		}
		return openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringDateTime).Validate(s)
	}))
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			pattern := method + " " + path
			d.routes.Handle(pattern, http.NotFoundHandler())
			d.named[pattern] = &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}
		}
	}
	return d, nil
})

// check is what of an answer, or of a request that was accepted, the document
// doesn't know.
func (d *document) check(r *http.Request, status int, header http.Header, body []byte) error {
	_, pattern := d.routes.Handler(r)
	route := d.named[pattern]
	if route == nil {
		if status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
			return nil // rightly unknown
		}
		return fmt.Errorf("the document has no such route")
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, Route: route, PathParams: params(route.Path, r.URL.EscapedPath()),
		Options: &openapi3filter.Options{
			AuthenticationFunc:      openapi3filter.NoopAuthenticationFunc,
			IncludeResponseStatus:   true,
			MultiError:              true,
			SchemaValidationOptions: []openapi3.SchemaValidationOption{d.times},
		},
	}
	if status < 300 {
		if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
			return fmt.Errorf("accepted what the document forbids: %w", err)
		}
		for name := range r.URL.Query() {
			if in.Route.PathItem.Parameters.GetByInAndName("query", name) == nil && in.Route.Operation.Parameters.GetByInAndName("query", name) == nil {
				return fmt.Errorf("accepted what the document forbids: query parameter %q", name)
			}
		}
	}
	if status == http.StatusNoContent && len(body) > 0 {
		return fmt.Errorf("204 with a body")
	}
	if named := codes(route.Operation); status >= 400 && len(named) > 0 {
		var problem web.Problem
		if err := json.Unmarshal(body, &problem); err != nil {
			return err
		}
		if !slices.Contains(named, problem.Code) {
			return fmt.Errorf("the document's x-codes have no %s", problem.Code)
		}
	}
	return openapi3filter.ValidateResponse(r.Context(), (&openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: status, Header: header, Options: in.Options,
	}).SetBodyBytes(body))
}

// params are the values that a path has for its template's names.
func params(template, path string) map[string]string {
	values := map[string]string{}
	have := strings.Split(path, "/")
	for i, part := range strings.Split(template, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok && i < len(have) {
			values[strings.TrimSuffix(name, "}")] = have[i]
		}
	}
	return values
}
