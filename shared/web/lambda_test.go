package web

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// event is a request as the gateway passes it on.
func event(method, rawPath string) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: rawPath, Headers: map[string]string{"host": "api.example"}}
	e.RequestContext.HTTP.Method = method
	e.RequestContext.HTTP.SourceIP = "203.0.113.7"
	e.RequestContext.DomainName = "api.example"
	return e
}

// through passes e to do, and answers what the gateway is given.
func through(t testing.TB, e events.APIGatewayV2HTTPRequest, do http.HandlerFunc) events.APIGatewayV2HTTPResponse {
	t.Helper()
	out, err := Lambda(do)(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestARequestArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	e := event("POST", "/v1/chains")
	e.RawQueryString = "state=live&state=expired&q=%E5%AE%8F+x"
	e.QueryStringParameters = map[string]string{"state": "live,expired", "q": "宏 x"} // the gateway's own reading, in which two are one
	e.Headers = map[string]string{"host": "api.example", "tributary-corp": "co1", "IDEMPOTENCY-KEY": "k", "accept-language": "en,zh"}
	e.Cookies = []string{"a=1", "b=2"}
	e.Body = `{"name":"宏远"}`
	through(t, e, func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var cookies []string
		for _, c := range r.Cookies() {
			cookies = append(cookies, c.Name+"="+c.Value)
		}
		for what, tc := range map[string]struct{ got, want any }{
			"method":   {r.Method, "POST"},
			"path":     {r.URL.Path, "/v1/chains"},
			"query":    {r.URL.Query(), url.Values{"state": {"live", "expired"}, "q": {"宏 x"}}},
			"host":     {r.Host, "api.example"},
			"address":  {r.RemoteAddr, "203.0.113.7"},
			"corp":     {Corp(r), "co1"},
			"key":      {r.Header.Get("Idempotency-Key"), "k"},
			"language": {Language(r), English},
			"cookies":  {cookies, []string{"a=1", "b=2"}},
			"length":   {r.ContentLength, int64(len(e.Body))},
			"body":     {string(b), e.Body},
			"context":  {r.Context(), t.Context()},
			"URI":      {r.RequestURI, "/v1/chains?" + e.RawQueryString},
		} {
			if fmt.Sprint(tc.got) != fmt.Sprint(tc.want) {
				t.Errorf("%s: got %v, want %v", what, tc.got, tc.want)
			}
		}
	})
}

func TestABodyInBase64IsDecoded(t *testing.T) {
	t.Parallel()
	e := event("POST", "/")
	e.Headers["content-type"] = "application/json"
	e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(`{"name":"宏远"}`)), true
	through(t, e, func(_ http.ResponseWriter, r *http.Request) {
		var v letter
		if err := Read(r, &v); err != nil || v.Name != "宏远" {
			t.Errorf("got %q, %v", v.Name, err)
		}
	})
	e.Body = "eyJuYW1lIjo?"
	through(t, e, func(_ http.ResponseWriter, r *http.Request) {
		if got, want := faultOf(Read(r, new(letter))), "invalid  malformed"; got != want {
			t.Errorf("what is no base64: got %q, want %q", got, want)
		}
	})
	e.Body = base64.StdEncoding.EncodeToString([]byte(`{"name":"` + strings.Repeat("x", 64<<10) + `"}`))
	through(t, e, func(_ http.ResponseWriter, r *http.Request) {
		if got, want := faultOf(Read(r, new(letter))), "too_large"; got != want {
			t.Errorf("a big one: got %q, want %q", got, want)
		}
	})
}

func TestAPathIsOneAddressWhetherTheGatewayHasDecodedItOrNot(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]struct{ path, id string }{
		"/v1/x/a":             {"/v1/x/a", "a"},
		"/v1/x/宏远":            {"/v1/x/宏远", "宏远"},
		"/v1/x/%E5%AE%8F":     {"/v1/x/宏", "宏"},
		"/v1/x/a%2Fb":         {"/v1/x/a/b", "a/b"},
		"/v1/x/a/b":           {"/v1/x/a/b", ""},
		"/v1/x/a b":           {"/v1/x/a b", "a b"},
		"/v1/x/a+b":           {"/v1/x/a+b", "a+b"},
		"/v1/x/a?b":           {"/v1/x/a?b", "a?b"},
		"/v1/x/a#b":           {"/v1/x/a#b", "a#b"},
		"/v1/x/50%":           {"/v1/x/50%", "50%"},
		"/v1/x/%zz":           {"/v1/x/%zz", "%zz"},
		"v1/x/a":              {"/v1/x/a", "a"},
		"":                    {"/", ""},
		"//evil.example/v1/x": {"//evil.example/v1/x", ""},
		"https://evil/v1/x/a": {"/https://evil/v1/x/a", ""},
		"/v1/x/../x/a":        {"/v1/x/../x/a", ""},
		"/v1/x/%2e%2e/x/a":    {"/v1/x/../x/a", ""},
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			var path, id string
			mux := http.NewServeMux()
			mux.HandleFunc("GET /v1/x/{id}", func(_ http.ResponseWriter, r *http.Request) { id = r.PathValue("id") })
			out := through(t, event("GET", raw), func(w http.ResponseWriter, r *http.Request) {
				path = r.URL.Path
				if r.URL.Host != "" || r.Host != "api.example" {
					t.Errorf("the host is %q and %q", r.URL.Host, r.Host)
				}
				Routes(mux).ServeHTTP(w, r)
			})
			if path != want.path || id != want.id {
				t.Errorf("got %q and %q, want %q and %q", path, id, want.path, want.id)
			}
			if status := out.StatusCode; (status == 200) != (id != "") || status >= 300 && status < 400 {
				t.Errorf("got status %d", status)
			}
		})
	}
}

func TestAnAnswerArrivesAsItWasGiven(t *testing.T) {
	t.Parallel()
	png := []byte("\x89PNG\r\n\x1a\n\x00\xff")
	for name, tc := range map[string]struct {
		do     http.HandlerFunc
		status int
		body   string
		base64 bool
	}{
		"text":       {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "宏", "远") }, 200, "宏远", false},
		"a status":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 204, "", false},
		"nothing":    {func(http.ResponseWriter, *http.Request) {}, 200, "", false},
		"two states": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); w.WriteHeader(500) }, 201, "", false},
		"a picture":  {func(w http.ResponseWriter, _ *http.Request) { w.Write(png) }, 200, base64.StdEncoding.EncodeToString(png), true},
		"half a character at a time": {func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte("宏")[:2])
			w.Write([]byte("宏")[2:])
		}, 200, "宏", false},
	} {
		out := through(t, event("GET", "/"), tc.do)
		if out.StatusCode != tc.status || out.Body != tc.body || out.IsBase64Encoded != tc.base64 {
			t.Errorf("%s: got %+v", name, out)
		}
	}
}

func TestHeadersOfAnAnswerAreJoinedAndItsCookiesAreNot(t *testing.T) {
	t.Parallel()
	out := through(t, event("GET", "/"), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("etag", ETag(3))
		w.Header().Add("Vary", "Accept")
		w.Header().Add("Vary", "Accept-Language")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
	})
	if want := map[string]string{"Etag": `"3"`, "Vary": "Accept,Accept-Language"}; !maps.Equal(out.Headers, want) {
		t.Errorf("got %v, want %v", out.Headers, want)
	}
	if want := []string{"a=1", "b=2"}; !slices.Equal(out.Cookies, want) {
		t.Errorf("got cookies %v, want %v", out.Cookies, want)
	}
}

func TestHEADIsAnsweredWithoutABody(t *testing.T) {
	t.Parallel()
	h := Lambda(site())
	e := event("HEAD", "/v1/chains/ch1")
	if out, err := h(t.Context(), e); err != nil || out.StatusCode != 200 || out.Body != "" || out.Headers["Cache-Control"] != "no-store" {
		t.Errorf("got %+v, %v", out, err)
	}
	e.RawPath = "/nowhere"
	if out, err := h(t.Context(), e); err != nil || out.StatusCode != 404 || out.Body != "" || out.Headers["Content-Type"] != "application/problem+json" {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestWhoIsAskingIsWhatTheGatewaySays(t *testing.T) {
	t.Parallel()
	const who = `"iss":"https://issuer.example","sub":"s1","name":"李娜","phone_number":"+8613800138000"`
	for name, tc := range map[string]struct {
		authorizer string
		verified   bool
		nobody     bool
	}{
		"verified":               {`{"jwt":{"claims":{` + who + `,"phone_number_verified":"true"},"scopes":null}}`, true, false},
		"not verified":           {`{"jwt":{"claims":{` + who + `,"phone_number_verified":"false"}}}`, false, false},
		"it isn't said":          {`{"jwt":{"claims":{` + who + `}}}`, false, false},
		"it is said emptily":     {`{"jwt":{"claims":{` + who + `,"phone_number_verified":""}}}`, false, false},
		"1 is not true":          {`{"jwt":{"claims":{` + who + `,"phone_number_verified":"1"}}}`, false, false},
		"nor is a list of it":    {`{"jwt":{"claims":{` + who + `,"phone_number_verified":"[true]"}}}`, false, false},
		"no subject":             {`{"jwt":{"claims":{"name":"李娜","phone_number":"+8613800138000","phone_number_verified":"true"}}}`, false, true},
		"no claims":              {`{"jwt":{}}`, false, true},
		"a public route":         {`null`, false, true},
		"another sort of caller": {`{"iam":{"userId":"s1"},"lambda":{"sub":"s1","phone_number_verified":"true"}}`, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var e events.APIGatewayV2HTTPRequest
			if err := json.Unmarshal([]byte(`{"rawPath":"/v1/me","headers":{"authorization":"Bearer x","sub":"s1"},"requestContext":{"http":{"method":"GET"},"authorizer":`+tc.authorizer+`}}`), &e); err != nil {
				t.Fatal(err)
			}
			through(t, e, func(_ http.ResponseWriter, r *http.Request) {
				got, err := Identity(r)
				want := Claims{"https://issuer.example", "s1", "李娜", "+8613800138000", tc.verified}
				if tc.nobody {
					want = Claims{}
				}
				if got != want || faultOf(err) != map[bool]string{true: "unauthenticated"}[tc.nobody] {
					t.Errorf("got %+v, %v, want %+v", got, err, want)
				}
			})
		})
	}
}

func TestOutsideLambdaNothingIsServed(t *testing.T) {
	t.Setenv("AWS_LAMBDA_RUNTIME_API", "")
	if err := Start(site()); err == nil || !strings.Contains(err.Error(), "AWS_LAMBDA_RUNTIME_API") {
		t.Errorf("got %v, want an error that says what is missing", err)
	}
}

// Whatever the gateway passes on, the handler sees a request whose parts agree
// with each other, and what it answers arrives byte by byte.
func FuzzLambda(f *testing.F) {
	f.Add("GET", "/v1/chains/ch1", "limit=5", "tributary-corp", "co1", "", false)
	f.Add("POST", "/v1/x/a%2Fb", "a=1&a=2", "Content-Type", "application/json", `{"name":"宏"}`, false)
	f.Add("HEAD", "//host/宏远", "%zz", "", "\x00", "eyJ9", true)
	f.Add("", "", "", "Host", "x", "\xff\xfe", false)
	f.Add("CONNECT", "/../..", "?", "accept-language", "en;q=x", "====", true)
	f.Add("DELETE", "/%2e%2e/%", "\n", "idempotency-key", "k", "a\nb", true)
	f.Fuzz(func(t *testing.T, method, rawPath, query, name, value, body string, encoded bool) {
		e := event(method, rawPath)
		e.RawQueryString, e.Body, e.IsBase64Encoded = query, body, encoded
		e.Headers = map[string]string{name: value}

		var got []byte
		out := through(t, e, func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/") || r.URL.Host != "" || r.URL.RawQuery != query || r.Method != method {
				t.Errorf("got %s %#v", r.Method, r.URL)
			}
			if back, err := url.PathUnescape(r.URL.EscapedPath()); err != nil || back != r.URL.Path {
				t.Errorf("the path is %q, and escaped and back %q, %v", r.URL.Path, back, err)
			}
			if r.Header.Get(name) != value {
				t.Errorf("%q is %q, want %q", name, r.Header.Get(name), value)
			}
			got, _ = io.ReadAll(r.Body)
			if !encoded && string(got) != body {
				t.Errorf("the body is %q, want %q", got, body)
			}
			w.Write(got)
		})
		said := []byte(out.Body)
		if out.IsBase64Encoded {
			var err error
			if said, err = base64.StdEncoding.DecodeString(out.Body); err != nil {
				t.Error(err)
			}
		}
		if method == "HEAD" {
			got = nil
		}
		if string(said) != string(got) || !utf8.ValidString(out.Body) || out.StatusCode != 200 {
			t.Errorf("answered %d %q, want %q", out.StatusCode, said, got)
		}

		// The same through a door's routes: a status of ours, and nobody is sent elsewhere.
		mux := http.NewServeMux()
		mux.Handle("POST /v1/x/{id}", Handler(func(w http.ResponseWriter, r *http.Request) error {
			var v letter
			if err := Read(r, &v); err != nil {
				return err
			}
			if _, err := Query(r, "a"); err != nil {
				return err
			}
			return JSON(w, http.StatusOK, v)
		}))
		out = through(t, e, Routes(mux).ServeHTTP)
		if s := out.StatusCode; s != 200 && s != 400 && s != 404 && s != 405 && s != 413 && s != 415 {
			t.Errorf("got status %d: %s", s, out.Body)
		}
	})
}
