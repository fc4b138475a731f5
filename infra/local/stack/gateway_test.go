package stack_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-app/tributary/infra/local/faults"
	"github.com/tributary-app/tributary/infra/local/issuer"
	"github.com/tributary-app/tributary/infra/local/stack"
)

func TestARouteThatTheTemplateDoesNotHaveIsNotFound(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.wants(404, "Not Found", "GET", "/", nil)
	w.wants(404, "Not Found", "GET", "/nowhere", nil)
	w.wants(404, "Not Found", "POST", "/public/echo", nil) // another method
	w.wants(404, "Not Found", "GET", "/public/", nil)      // a part that is empty
	w.wants(404, "Not Found", "GET", "/public/a/b", nil)
}

func TestOnlyATokenOfTheIssuerOpensAPrivateRoute(t *testing.T) {
	t.Parallel()
	w := setup(t)
	good := w.token()
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	forged := head + "." + strings.ToUpper(body[:1]) + body[1:] + "." + signature
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + body + "."
	_, answer := w.call("POST", w.Control+"/tokens", []byte(`{"phone":"+8613800000001","name":"x","expires_in":-60}`))
	var expired struct {
		IDToken string `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(answer), &expired); err != nil {
		t.Fatal(err)
	}
	for name, header := range map[string]string{
		"no token": "", "no JWT": "Bearer nonsense", "forged": "Bearer " + forged, "unsigned": "Bearer " + unsigned,
		"expired": "Bearer " + expired.IDToken, "signature cut": "Bearer " + good[:len(good)-4],
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{w.Stack, t}
			if header == "" {
				w.wants(401, "Unauthorized", "POST", "/private/echo", nil)
				return
			}
			w.wants(401, "Unauthorized", "POST", "/private/echo", nil, "Authorization", header)
		})
	}
	if resp, got := w.call("POST", w.API+"/private/echo", nil, "Authorization", "Bearer "+good); resp.StatusCode != 201 {
		t.Errorf("got %d %s, want 201", resp.StatusCode, got)
	}
}

func TestAFunctionSeesTheRequestAsInTheCloud(t *testing.T) {
	t.Parallel()
	w := setup(t)
	resp, got := w.call("POST", w.API+"/private/caf%C3%A9?a=1&a=2&b=", []byte(`{"x":1}`), "Authorization", "Bearer "+w.token(),
		"Content-Type", "application/json", "Cookie", "k=v; l=w", "X-Many", "1", "X-Many", "2")
	if resp.StatusCode != 201 || resp.Header.Get("Apigw-Requestid") == "" || len(resp.Cookies()) != 2 {
		t.Errorf("got %d with %v", resp.StatusCode, resp.Header)
	}
	var e struct {
		Version, RouteKey, RawPath, RawQueryString, Body string
		Headers, QueryStringParameters, PathParameters   map[string]string
		Cookies                                          []string
		IsBase64Encoded                                  bool
		RequestContext                                   struct {
			Authorizer struct {
				JWT struct{ Claims map[string]string }
			}
			HTTP struct{ Method, Path, SourceIP string }
		}
	}
	if err := json.Unmarshal([]byte(got), &e); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	claims := e.RequestContext.Authorizer.JWT.Claims
	for name, ok := range map[string]bool{
		"version":    e.Version == "2.0" && e.RouteKey == "POST /private/{what}",
		"path":       e.PathParameters["what"] == "café" && e.RawPath == "/private/café" && e.RequestContext.HTTP.Method == "POST",
		"query":      e.QueryStringParameters["a"] == "1,2" && e.RawQueryString == "a=1&a=2&b=",
		"headers":    e.Headers["x-many"] == "1,2" && e.Headers["cookie"] == "",
		"cookies":    len(e.Cookies) == 2 && e.Cookies[1] == "l=w",
		"body":       e.Body == `{"x":1}` && !e.IsBase64Encoded,
		"who":        claims["iss"] == w.Issuer && claims["name"] == "王掌柜" && claims["phone_number"] == "+8613800000001",
		"verified":   claims["phone_number_verified"] == "true",
		"times":      !strings.ContainsAny(claims["exp"], ".e") && claims["exp"] != "",
		"the source": e.RequestContext.HTTP.SourceIP == "127.0.0.1",
	} {
		if !ok {
			t.Errorf("%s: got %s", name, got)
		}
	}
	_, got = w.call("POST", w.API+"/private/echo", []byte{0xff, 0}, "Authorization", "Bearer "+w.token(), "Content-Type", "application/octet-stream")
	if !strings.Contains(got, `"body":"/wA="`) || !strings.Contains(got, `"isBase64Encoded":true`) {
		t.Errorf("bytes: got %s", got)
	}
}

func TestAFunctionsEnvironmentIsTheTemplates(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, got := w.call("GET", w.API+"/public/env", nil)
	var env map[string]string
	if err := json.Unmarshal([]byte(got), &env); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"TABLE_NAME": w.Application.Tables[0].Name, "QUEUE_URL": *w.queue("Queue"), "BUCKET": "probe-dev-" + stack.Account,
		"AWS_LAMBDA_FUNCTION_NAME": "tributary-local-DoorFunction", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_REGION": stack.Region, "AWS_ACCESS_KEY_ID": stack.AccessKey, "AWS_ENDPOINT_URL_S3": w.S3,
		"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO", "KEY": "file:" + w.Data + "/secrets/Key",
	} {
		if env[name] != want {
			t.Errorf("%s: got %q, want %q", name, env[name], want)
		}
	}
	if env["CLOCK_OFFSET_SECONDS"] != "" || env["AWS_ENDPOINT_URL_DYNAMODB"] == "" || env["AWS_ENDPOINT_URL_DYNAMODB"] == w.DynamoDB {
		t.Errorf("got %v", env)
	}
}

func TestTheGatewayAnswersForAFunctionThatDoesNot(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, what := range []string{"exit", "panic", "fail", "nonsense", "large"} {
		w.wants(500, "Internal Server Error", "GET", "/public/"+what, nil)
	}
	if resp, got := w.call("GET", w.API+"/public/bare", nil); resp.StatusCode != 200 || got != `{"hello":"world"}` {
		t.Errorf("bare: got %d %s", resp.StatusCode, got)
	}
	resp, got := w.call("GET", w.API+"/public/bytes", nil)
	if resp.Header.Get("Content-Type") != "image/png" || got != "\x89PNG\xff" {
		t.Errorf("bytes: got %v %q", resp.Header, got)
	}
	large := make([]byte, 10<<20+1)
	w.wants(413, "Request Entity Too Large", "POST", "/private/echo", large, "Authorization", "Bearer "+w.token())
}

func TestAFunctionThatTakesTooLongIsKilled(t *testing.T) {
	t.Parallel()
	w := setup(t)
	begun := time.Now()
	w.wants(500, "Internal Server Error", "GET", "/public/sleep?ms=60000", nil)
	if took := time.Since(begun); took < 2*time.Second || took > 6*time.Second {
		t.Errorf("took %s, want the template's 2 s", took)
	}
	slept := w.said("door", "sleep")
	if len(slept) != 1 {
		t.Fatalf("got %q, want one that slept", slept)
	}
	w.eventually("the end of the process", func() bool {
		_, err := os.Stat("/proc/" + slept[0])
		return errors.Is(err, os.ErrNotExist)
	})
	if _, next := w.call("GET", w.API+"/public/sleep?ms=1", nil); next == slept[0] || next == "" {
		t.Errorf("process %s answered after it was killed", next)
	}
}

func TestAnInstanceIsReusedAndServesOneAtATime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	pids := map[string]bool{}
	for range 10 {
		_, pid := w.call("GET", w.API+"/public/sleep?ms=1", nil)
		pids[pid] = true
	}
	if len(pids) == 10 {
		t.Errorf("one after the other: got processes %v, want one again and again", pids)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	served := map[string]int{}
	begun := time.Now()
	for range 24 {
		wg.Go(func() {
			resp, pid := w.call("GET", w.API+"/public/sleep?ms=150", nil)
			mu.Lock()
			defer mu.Unlock()
			served[pid]++
			if resp.StatusCode != 200 {
				t.Errorf("got %d %s, want 200", resp.StatusCode, pid)
			}
		})
	}
	wg.Wait()
	if took := time.Since(begun); took < 3*150*time.Millisecond || len(served) > 8 {
		t.Errorf("24 at once: served by %v in %s, want at most 8 instances with one each", served, took)
	}
}

func TestCallersOfABusyFunctionAreThrottledInTheEnd(t *testing.T) {
	t.Parallel()
	w := setup(t, func(o *stack.Options) { o.Patience = 100 * time.Millisecond })
	var wg sync.WaitGroup
	codes := make([]int, 9)
	for i := range codes {
		wg.Go(func() {
			resp, _ := w.call("GET", w.API+"/public/sleep?ms=1200", nil)
			codes[i] = resp.StatusCode
		})
	}
	wg.Wait()
	count := map[int]int{}
	for _, c := range codes {
		count[c]++
	}
	if count[200] != 8 || count[503] != 1 {
		t.Errorf("got %v, want 8 × 200 and one 503", count)
	}
}

func TestAKilledInstanceIsAServerError(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var f faults.Faults
	f.Lambda.Kill = 1
	w.SetFaults(f)
	w.wants(500, "Internal Server Error", "GET", "/public/bare", nil)
	w.SetFaults(faults.Faults{})
	if resp, _ := w.call("GET", w.API+"/public/bare", nil); resp.StatusCode != 200 {
		t.Errorf("in fair weather: got %d", resp.StatusCode)
	}
}

func TestOnlyThePagesOriginMayCallFromABrowser(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ask := func(origin string) http.Header {
		resp, _ := w.call("OPTIONS", w.API+"/public/echo", nil, "Origin", origin, "Access-Control-Request-Method", "GET")
		if resp.StatusCode != 204 {
			t.Errorf("%s: got %d, want 204", origin, resp.StatusCode)
		}
		return resp.Header
	}
	if h := ask(w.Web); h.Get("Access-Control-Allow-Origin") != w.Web || h.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("got %v", h)
	}
	if h := ask("http://elsewhere.example"); h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("elsewhere: got %v", h)
	}
}

func TestThePersonWithoutAVerifiedPhoneSaysSo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	token, err := w.Token(t.Context(), issuer.Person{Phone: "+8613800000005", Name: "周未证"})
	if err != nil {
		t.Fatal(err)
	}
	_, got := w.call("POST", w.API+"/private/echo", nil, "Authorization", "Bearer "+token)
	if !strings.Contains(got, `"phone_number":"+8613800000005"`) || strings.Contains(got, `"phone_number_verified":"true"`) {
		t.Errorf("got %s", got)
	}
}

func TestTheClockOfTheFunctionsRunsAhead(t *testing.T) {
	t.Parallel()
	w := setup(t)
	offset := func() string {
		_, got := w.call("GET", w.API+"/public/env", nil)
		var env map[string]string
		if err := json.Unmarshal([]byte(got), &env); err != nil {
			t.Fatal(err)
		}
		return env["CLOCK_OFFSET_SECONDS"]
	}
	for _, seconds := range []int{0, 691200, 0} {
		w.call("PUT", w.Control+"/clock", []byte(`{"offset_seconds":`+strconv.Itoa(seconds)+`}`))
		want := strconv.Itoa(seconds)
		if seconds == 0 {
			want = ""
		}
		if got := offset(); got != want {
			t.Errorf("offset: got %q, want %q", got, want)
		}
	}
}
