package contract

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// said collects what a check reports instead of failing.
type said struct {
	testing.TB
	errors []string
}

func (s *said) Helper() {}

func (s *said) Errorf(format string, args ...any) {
	s.errors = append(s.errors, fmt.Sprintf(format, args...))
}

const corp = `{"corp_id":"co1","name":"宏远","industry":"","type":"company","verification":1,"workbench_entry":true,"created_at":"2026-11-22T12:00:00Z"}`

func TestAnAnswerMustStandInTheDocument(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, path, sent string
		status             int
		kind, etag, answer string
		want               string // "" when all is well
	}{
		"as written":               {status: 200, etag: `"1"`, answer: corp},
		"HEAD has no body":         {method: "HEAD", status: 200, etag: `"1"`},
		"unknown route":            {path: "/v1/corpses", status: 200, answer: `{}`, want: "no such route"},
		"unknown route, 404":       {path: "/v1/corpses", status: 404, answer: `{}`},
		"unknown status":           {status: 418, answer: `{}`, want: "status is not supported"},
		"unknown field":            {status: 200, etag: `"1"`, answer: strings.Replace(corp, "{", `{"secret":1,`, 1), want: "secret"},
		"missing field":            {status: 200, etag: `"1"`, answer: strings.Replace(corp, `"type":"company",`, "", 1), want: "type"},
		"a time that isn't UTC":    {status: 200, etag: `"1"`, answer: strings.Replace(corp, `00Z`, "00+08:00", 1), want: "UTC"},
		"no ETag":                  {status: 200, answer: corp, want: "ETag"},
		"another content type":     {status: 200, etag: `"1"`, kind: "text/html", answer: corp, want: "Content-Type"},
		"a problem without code":   {status: 404, kind: "application/problem+json", answer: `{"type":"urn:tributary:problem:not_found","title":"t","status":404,"detail":"d"}`, want: "code"},
		"accepted unknown member":  {method: "PATCH", sent: `{"nane":"x"}`, status: 200, etag: `"1"`, answer: corp, want: "nane"},
		"accepted unknown query":   {path: "/v1/corps/co1?a=b", status: 200, etag: `"1"`, answer: corp, want: `query parameter "a"`},
		"refused unknown member":   {method: "PATCH", sent: `{"nane":"x"}`, status: 400, kind: "application/problem+json", answer: `{"type":"urn:tributary:problem:invalid","title":"t","status":400,"detail":"d","code":"invalid"}`},
		"204 with a body":          {method: "DELETE", path: "/v1/chains/ch1", status: 204, answer: `{}`, want: "204 with a body"},
		"the gateway's own answer": {status: 401, answer: `{"message":"Unauthorized"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &said{TB: t}
			h := Handler(s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if tc.kind != "" {
					w.Header().Set("Content-Type", tc.kind)
				}
				if tc.etag != "" {
					w.Header().Set("ETag", tc.etag)
				}
				w.WriteHeader(tc.status)
				fmt.Fprint(w, tc.answer)
			}))
			method, path := "GET", "/v1/corps/co1"
			if tc.method != "" {
				method = tc.method
			}
			if tc.path != "" {
				path = tc.path
			}
			r := httptest.NewRequest(method, path, strings.NewReader(tc.sent))
			if tc.sent != "" {
				r.Header.Set("Content-Type", "application/json")
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got := strings.Join(s.errors, "\n")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if w.Code != tc.status || w.Body.String() != tc.answer {
				t.Errorf("passed on %d %s", w.Code, w.Body)
			}
		})
	}
}

// Clients rely on the routes of the API page: each stands in the document
// with an id, a summary, and the answers that the gateway itself may give.
func TestEveryRouteOfTheDocumentIsWhole(t *testing.T) {
	t.Parallel()
	d, err := load()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for name, route := range d.named {
		op := route.Operation
		if op.OperationID == "" || op.Summary == "" || len(op.Tags) != 1 {
			t.Errorf("%s: wants an operationId, a summary and one tag", name)
		}
		if other := ids[op.OperationID]; other != "" {
			t.Errorf("%s and %s are both %s", name, other, op.OperationID)
		}
		ids[op.OperationID] = name
		for _, status := range []int{400, 429, 500, 503} {
			if op.Responses.Status(status) == nil {
				t.Errorf("%s: wants %d", name, status)
			}
		}
		public := op.Security != nil && len(*op.Security) == 0
		if public != (op.Responses.Status(401) == nil) {
			t.Errorf("%s: 401 goes with signing in", name)
		}
	}
}

// The template routes what the document says, and nothing else.
func TestTheTemplateHasTheDocumentsRoutes(t *testing.T) {
	t.Parallel()
	d, err := load()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type event struct {
		Type       string `yaml:"Type"`
		Properties struct {
			Method string `yaml:"Method"`
			Path   string `yaml:"Path"`
			Auth   struct {
				Authorizer string `yaml:"Authorizer"`
			} `yaml:"Auth"`
		} `yaml:"Properties"`
	}
	var template struct {
		Resources map[string]struct {
			Properties struct {
				Events map[string]event `yaml:"Events"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(b, &template); err != nil {
		t.Fatal(err)
	}
	routed := map[string]bool{}
	for door, resource := range template.Resources {
		for _, e := range resource.Properties.Events {
			if e.Type != "HttpApi" || door == "ConsoleFunction" { // pages are for people; the document is of the API
				continue
			}
			p := e.Properties
			name := p.Method + " " + p.Path
			routed[name] = true
			route := d.named[strings.Replace(name, "HEAD ", "GET ", 1)]
			if route == nil {
				t.Errorf("%s is routed and not in the document", name)
				continue
			}
			open := route.Operation.Security != nil && len(*route.Operation.Security) == 0
			if open != (p.Auth.Authorizer == "NONE") {
				t.Errorf("%s: the document and the template differ on whether one must sign in", name)
			}
		}
	}
	for name := range d.named {
		if !routed[name] {
			t.Errorf("%s is in the document and not routed", name)
		}
	}
}
