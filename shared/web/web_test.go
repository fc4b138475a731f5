package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// site serves two routes and says which one was taken.
func site() http.Handler {
	mux := http.NewServeMux()
	route := func(pattern string) {
		mux.Handle(pattern, Handler(func(w http.ResponseWriter, r *http.Request) error {
			_, err := fmt.Fprint(w, pattern, " ", r.PathValue("id"))
			return err
		}))
	}
	route("GET /v1/chains")
	route("POST /v1/chains")
	route("GET /v1/chains/{id}")
	return Routes(mux)
}

func TestAnAddressIsServedOrSaidNotToBe(t *testing.T) {
	t.Parallel()
	for ask, want := range map[string]string{
		"GET /v1/chains":            "200 GET /v1/chains ",
		"HEAD /v1/chains":           "200 GET /v1/chains ",
		"POST /v1/chains":           "200 POST /v1/chains ",
		"GET /v1/chains/ch1":        "200 GET /v1/chains/{id} ch1",
		"GET /v1/chains/a%2Fb":      "200 GET /v1/chains/{id} a/b",
		"GET /v1/chains/%E5%AE%8F":  "200 GET /v1/chains/{id} 宏",
		"GET /v1/chains/a%20b":      "200 GET /v1/chains/{id} a b",
		"GET /v1/chains/%2541":      "200 GET /v1/chains/{id} %41",
		"GET /":                     "404 not_found",
		"GET /v1":                   "404 not_found",
		"GET /v1/chains/":           "404 not_found",
		"GET /v1/chains/ch1/":       "404 not_found",
		"GET /v1/chains/ch1/x":      "404 not_found",
		"GET /V1/chains":            "404 not_found",
		"GET //v1/chains":           "404 not_found",
		"GET /v1//chains":           "404 not_found",
		"GET /v1/./chains":          "404 not_found",
		"GET /v1/x/../chains":       "404 not_found",
		"GET /v1/chains/%2e%2e":     "404 not_found",
		"GET /v1/chains/a%2F..%2Fb": "404 not_found",
		"GET /v1/chains/a%2F":       "404 not_found",
		"DELETE /v1/chains":         "405 method_not_allowed GET, HEAD, POST",
		"PATCH /v1/chains/ch1":      "405 method_not_allowed GET, HEAD",
		"OPTIONS /v1/chains":        "405 method_not_allowed GET, HEAD, POST",
		"BREW /v1/chains":           "405 method_not_allowed GET, HEAD, POST",
		"get /v1/chains":            "405 method_not_allowed GET, HEAD, POST",
	} {
		t.Run(ask, func(t *testing.T) {
			t.Parallel()
			method, target, _ := strings.Cut(ask, " ")
			var log logged
			w := httptest.NewRecorder()
			r := httptest.NewRequest(method, target, nil)
			site().ServeHTTP(w, r.WithContext(logTo(r.Context(), &log)))
			got := fmt.Sprint(w.Code, " ", w.Body)
			if w.Code >= 300 {
				got = fmt.Sprint(w.Code, " ", problem(t, w).Code)
				if len(log.records) != 1 || log.records[0]["route"] != "" {
					t.Errorf("logged %v, want one failure of no route", log.records)
				}
			}
			if allow := w.Header().Get("Allow"); allow != "" {
				got += " " + allow
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestEveryAnswerIsForItsReaderAlone(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/v1/chains", "/nowhere"} {
		w := httptest.NewRecorder()
		site().ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
}

func TestAnAnswerIsJSON(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	if err := JSON(w, http.StatusCreated, map[string]string{"name": "宏远"}); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(w.Code, w.Header(), w.Body), `201 map[Content-Type:[application/json]] {"name":"宏远"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatIsNoJSONIsAnErrorBeforeAnythingIsSaid(t *testing.T) {
	t.Parallel()
	w, log := failing(t, func(w http.ResponseWriter, _ *http.Request) error {
		return JSON(w, http.StatusOK, map[string]any{"f": func() {}})
	})
	if p := problem(t, w); p.Code != "internal" || len(log) != 1 {
		t.Errorf("got %v, logged %v", p, log)
	}
}

func TestAListIsItemsAndACursor(t *testing.T) {
	t.Parallel()
	for want, tc := range map[string]struct {
		items  []int
		cursor string
	}{
		`{"items":[],"next_cursor":null}`:     {nil, ""},
		`{"items":[],"next_cursor":"abc"}`:    {[]int{}, "abc"}, // a page may be short
		`{"items":[1,2],"next_cursor":null}`:  {[]int{1, 2}, ""},
		`{"items":[1,2],"next_cursor":"a-_"}`: {[]int{1, 2}, "a-_"},
	} {
		w := httptest.NewRecorder()
		if err := List(w, tc.items, tc.cursor); err != nil {
			t.Fatal(err)
		}
		if got := w.Body.String(); w.Code != 200 || got != want {
			t.Errorf("got %d %s, want %s", w.Code, got, want)
		}
	}
}

func TestTheDocumentIsServedToEverybody(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	OpenAPI().ServeHTTP(w, httptest.NewRequest("GET", "/v1/openapi.yaml", nil))
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), "openapi: 3") || !strings.Contains(w.Body.String(), "/v1/join/{token}:") {
		t.Errorf("got %d and %d bytes", w.Code, w.Body.Len())
	}
	for name, want := range map[string]string{"Content-Type": "application/yaml", "Cache-Control": "public, max-age=300"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
