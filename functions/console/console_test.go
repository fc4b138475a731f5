package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tributary-app/tributary/shared/page"
	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/web"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const (
	invite = "TAEARDIUx0JUtjXPAEQyFMdCVLY1zwAB5xC1cqC-jw8SQESdOa8xwA"
	back   = "https://pages.example/signed-in"
)

// What the joins door says here. That it says so, its own tests hold against
// the contract; that the two go together, joins_test.go and the browser's tests.
const (
	lookLive     = `{"chain":{"name":"Dealers","owner":"Owner Ltd"},"inviter":{"name":"Boss"},"join_policy":"open","expires_at":"2026-11-29T12:00:00Z","state":"live"}`
	standingNone = `{"person":{"name":"Li","phone":"+86139******07"},"corps":[],"memberships":[],"blocked":false}`
)

// world is a console before a joins door and an issuer of the test's making.
type world struct {
	*console
	h      http.Handler
	now    time.Time
	mu     sync.Mutex
	asked  []events.APIGatewayV2HTTPRequest
	says   map[string]answer // by "METHOD " and what follows the token
	issuer *httptest.Server
	claims map[string]any // of the next id token; nonce is filled in
	code   string         // good once
	form   url.Values     // of the last request for a token
}

type answer struct {
	status int
	body   string
	err    error
}

func setup(t *testing.T) *world {
	t.Helper()
	pages, err := page.Load("https://pages.example")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{now: noon, says: map[string]answer{"GET ": {200, lookLive, nil}, "GET /me": {200, standingNone, nil}}}
	w.issuer = httptest.NewServer(http.HandlerFunc(w.provider))
	t.Cleanup(w.issuer.Close)
	clock := func() time.Time { return w.now }
	w.console = &console{
		web: "https://pages.example", pages: pages, seal: newSeal(map[byte][]byte{1: []byte("a key that only the tests have, 32+")}), now: clock, joins: w.door,
		issuer: &issuer{url: w.issuer.URL, client: "us", back: back, http: http.DefaultClient, now: clock},
	}
	w.claims = map[string]any{"iss": w.issuer.URL, "aud": "us", "sub": "s7", "exp": noon.Add(time.Hour).Unix(), "name": "Li", "phone_number": "+8613900000007", "phone_number_verified": true}
	w.h = w.routes()
	return w
}

// door is the joins door.
func (w *world) door(_ context.Context, event []byte) ([]byte, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, e)
	a, ok := w.says[e.RequestContext.HTTP.Method+" "+strings.TrimPrefix(e.RawPath, "/v1/join/"+invite)]
	if !ok {
		a = answer{404, `{"code":"not_found"}`, nil}
	}
	if a.err != nil {
		return nil, a.err
	}
	return json.Marshal(events.APIGatewayV2HTTPResponse{StatusCode: a.status, Body: a.body, Headers: map[string]string{"Retry-After": "7"}})
}

// provider is the issuer.
func (w *world) provider(rw http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		fmt.Fprintf(rw, `{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q}`, w.issuer.URL, w.issuer.URL+"/authorize", w.issuer.URL+"/token")
	case "/token":
		if err := r.ParseForm(); err != nil || w.code == "" || r.PostForm.Get("code") != w.code {
			rw.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(rw, `{"error":"invalid_grant"}`)
			return
		}
		w.code, w.form = "", r.PostForm
		b, _ := json.Marshal(w.claims) // texts and numbers
		fmt.Fprintf(rw, `{"id_token":"e30.%s.c2ln"}`, base64.RawURLEncoding.EncodeToString(b))
	default:
		http.NotFound(rw, r)
	}
}

// ask is a browser's request. form is nil for a GET.
func (w *world) ask(method, target string, form url.Values, cookies ...*http.Cookie) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	return rec.Result()
}

// signedIn is a session's cookie and its forms' token.
func (w *world) signedIn(change func(*session)) (*http.Cookie, string) {
	s := session{Issuer: "https://id.example", Subject: "s7", Name: "Li", Phone: "+8613900000007", Verified: true, CSRF: random(), Ends: w.now.Add(sessionLife)}
	if change != nil {
		change(&s)
	}
	rec := httptest.NewRecorder()
	w.seal.set(rec, sessionCookie, s, sessionLife)
	return rec.Result().Cookies()[0], s.CSRF
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		t.Fatal(err)
	}
	return html.UnescapeString(b.String())
}

// want holds the status, and what the page says.
func want(t *testing.T, r *http.Response, status int, says ...string) {
	t.Helper()
	text := body(t, r)
	if r.StatusCode != status {
		t.Errorf("got %d, want %d", r.StatusCode, status)
	}
	for _, s := range says {
		if !strings.Contains(text, s) {
			t.Errorf("the page doesn't say %q", s)
		}
	}
}

func (w *world) posts() (n int) {
	for _, e := range w.asked {
		if e.RequestContext.HTTP.Method == "POST" {
			n++
		}
	}
	return n
}

func TestEachPageIsForNobodyElsesEyesAndFrames(t *testing.T) {
	t.Parallel()
	w := setup(t)
	session, csrf := w.signedIn(nil)
	for name, r := range map[string]*http.Response{
		"live":      w.ask("GET", "/j/"+invite, nil),
		"signed in": w.ask("GET", "/j/"+invite, nil, session),
		"unknown":   w.ask("GET", "/j/nonsense", nil),
		"refused":   w.ask("POST", "/j/"+invite, url.Values{"csrf": {csrf}}, session),
		"back":      w.ask("GET", "/signed-in?state=nonsense", nil),
	} {
		for header, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": w.pages.Policy(), "Content-Language": "zh-CN",
		} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if r.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: no Strict-Transport-Security", name)
		}
	}
}

func TestR13_GetAndHeadOnlyLook(t *testing.T) {
	t.Parallel()
	w := setup(t)
	session, _ := w.signedIn(nil)
	for _, method := range []string{"GET", "HEAD"} {
		want(t, w.ask(method, "/j/"+invite, nil), 200)
		want(t, w.ask(method, "/j/"+invite, nil, session), 200)
	}
	if w.posts() != 0 || len(w.asked) != 6 {
		t.Errorf("asked %d times, %d of them to change something", len(w.asked), w.posts())
	}
	// An address that answers were sent to is looked at, or passed on, as well.
	for _, path := range []string{"/opened", "/decline", "/block", "/anything"} {
		if r := w.ask("GET", "/j/"+invite+path, nil, session); r.StatusCode != 303 || r.Header.Get("Location") != "/j/"+invite {
			t.Errorf("GET %s: got %d to %q, want the page", path, r.StatusCode, r.Header.Get("Location"))
		}
	}
	want(t, w.ask("GET", "/j/nonsense/block", nil), 404, "没有找到这个邀请")
	if len(w.asked) != 6 {
		t.Error("the joins door was asked")
	}
}

func TestAFormThatNobodyCouldTypeIsAPageToo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	own, csrf := w.signedIn(nil)
	for _, path := range []string{"/j/" + invite, "/j/" + invite + "/decline", "/sign-out"} {
		want(t, w.ask("POST", path, url.Values{"csrf": {csrf}, "name": {strings.Repeat("a", maxForm)}}, own), 413, "无法读取您填写的内容")
		r := httptest.NewRequest("POST", path, strings.NewReader("csrf=%zz"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		w.h.ServeHTTP(rec, r)
		want(t, rec.Result(), 400, "无法读取您填写的内容")
	}
	if len(w.asked) != 0 {
		t.Error("the joins door was asked")
	}
}

func TestTheCardsPictureIsOneForAllAndMayBeKept(t *testing.T) {
	t.Parallel()
	w := setup(t)
	text := body(t, w.ask("GET", "/j/"+invite, nil))
	if !strings.Contains(text, `<meta property="og:image" content="https://pages.example/card.png">`) {
		t.Error("the card has no picture")
	}
	r := w.ask("GET", "/card.png", nil)
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 || r.Header.Get("Content-Type") != "image/png" || !strings.HasPrefix(r.Header.Get("Cache-Control"), "public, max-age=") || !bytes.Equal(b, page.Picture) {
		t.Errorf("got %d, %s, %v", r.StatusCode, r.Header, err)
	}
}

func TestR14_ADeadInviteIsSaidWithItsStatusBeforeTheForm(t *testing.T) {
	t.Parallel()
	session := func(w *world) []*http.Cookie { c, _ := w.signedIn(nil); return []*http.Cookie{c} }
	for code, says := range map[string]string{"invite_expired": "邀请已过期", "invite_revoked": "邀请已失效", "invite_exhausted": "邀请名额已用完", "chain_dissolved": "该上下游已解散"} {
		w := setup(t)
		w.says["GET "] = answer{410, `{"code":"` + code + `"}`, nil}
		want(t, w.ask("GET", "/j/"+invite, nil), 410, says)
		want(t, w.ask("GET", "/j/"+invite, nil, session(w)...), 410, says)
		want(t, w.ask("HEAD", "/j/"+invite, nil), 410)
	}
	w := setup(t)
	w.says["GET "] = answer{404, `{"code":"not_found"}`, nil}
	want(t, w.ask("GET", "/j/"+invite, nil), 404, "没有找到这个邀请")
	w.asked = nil
	want(t, w.ask("GET", "/j/nonsense", nil), 404, "没有找到这个邀请")
	want(t, w.ask("GET", "/j/"+strings.Repeat("a", 201), nil), 404)
	if len(w.asked) != 0 {
		t.Error("what is no token was asked of the joins door")
	}
}

func TestTheJoinsDoorHearsWhoAsksAsTheGatewayWouldSayIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	session, csrf := w.signedIn(nil)
	w.says["POST "] = answer{201, `{}`, nil}
	r := w.ask("POST", "/j/"+invite, url.Values{"csrf": {csrf}, "corp": {"new"}, "new_corp.name": {"Acme"}, "new_corp.industry": {""}, "name": {"Li Na"}}, session)
	if r.StatusCode != 303 || r.Header.Get("Location") != "/j/"+invite {
		t.Fatalf("got %d to %s, want back to the page", r.StatusCode, r.Header.Get("Location"))
	}
	e := w.asked[0]
	if e.Body != `{"new_corp":{"name":"Acme"},"name":"Li Na"}` || e.RouteKey != "POST /v1/join/{token}" || e.RequestContext.HTTP.SourceIP != "192.0.2.1:1234" {
		t.Errorf("got %+v", e)
	}
	claims := e.RequestContext.Authorizer.JWT.Claims
	if claims["phone_number"] != "+8613900000007" || claims["phone_number_verified"] != "true" || claims["sub"] != "s7" || claims["name"] != "Li" {
		t.Errorf("got %v", claims)
	}
	w.asked = nil
	w.ask("POST", "/j/"+invite, url.Values{"csrf": {csrf}, "corp": {"co1"}, "new_corp.name": {"Acme"}, "name": {"Li"}}, session)
	if w.asked[0].Body != `{"corp_id":"co1","name":"Li"}` {
		t.Errorf("got %s, want the corp that was chosen", w.asked[0].Body)
	}
	w.asked = nil
	w.ask("GET", "/j/"+invite, nil)
	if w.asked[0].RequestContext.Authorizer != nil {
		t.Error("nobody is signed in, and somebody asks")
	}
}

func TestWhatIsRefusedIsSaidWithItsStatusAndTheFormIsKept(t *testing.T) {
	t.Parallel()
	form := func(csrf string) url.Values {
		return url.Values{"csrf": {csrf}, "corp": {"new"}, "new_corp.name": {"宏远"}, "new_corp.industry": {"零售"}, "name": {"李娜"}}
	}
	for name, c := range map[string]struct {
		says   answer
		status int
		want   string
	}{
		"a field":        {answer{400, `{"code":"invalid","errors":[{"field":"new_corp.name","code":"too_long"}]}`, nil}, 400, "最多 32 个字符"},
		"not eligible":   {answer{403, `{"code":"corp_not_eligible"}`, nil}, 403, "这家企业不能加入"},
		"not imported":   {answer{403, `{"code":"not_imported"}`, nil}, 403, "您还不在名单中"},
		"bound":          {answer{403, `{"code":"bound_to_another"}`, nil}, 403, "这个邀请是发给别人的"},
		"conflict":       {answer{409, `{"code":"partner_conflict"}`, nil}, 409, "需要管理员确认"},
		"quota":          {answer{409, `{"code":"quota_exceeded"}`, nil}, 409, "名额已满"},
		"rate limited":   {answer{429, `{"code":"rate_limited"}`, nil}, 429, "操作太频繁了"},
		"busy":           {answer{503, `{"code":"busy"}`, nil}, 503, "现在人太多了"},
		"throttled":      {answer{err: platform.ErrThrottled}, 503, "现在人太多了"},
		"slow":           {answer{err: context.DeadlineExceeded}, 503, "现在人太多了"},
		"broken":         {answer{err: errors.New("broken")}, 500, "出了点问题"},
		"no answer":      {answer{status: 0}, 500, "出了点问题"},
		"no code":        {answer{502, `<html>`, nil}, 500, "出了点问题"},
		"a code unknown": {answer{409, `{"code":"anything_else"}`, nil}, 409, "出了点问题"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			session, csrf := w.signedIn(nil)
			w.says["POST "] = c.says
			r := w.ask("POST", "/j/"+invite, form(csrf), session)
			if after := r.Header.Get("Retry-After"); c.says.status == 429 && after != "7" || c.status == 503 && after == "" {
				t.Errorf("Retry-After is %q", after)
			}
			want(t, r, c.status, c.want, `value="宏远"`, `value="零售"`, `value="李娜"`)
		})
	}
	t.Run("who is busy isn't asked for more", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		session, csrf := w.signedIn(nil)
		w.says["POST "] = answer{err: platform.ErrThrottled}
		want(t, w.ask("POST", "/j/"+invite, form(csrf), session), 503, "现在人太多了", `name="new_corp.name" value="宏远"`)
		if len(w.asked) != 1 {
			t.Errorf("asked %d times, want once", len(w.asked))
		}
	})
	t.Run("nothing chosen", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		session, csrf := w.signedIn(nil)
		w.says["GET /me"] = answer{200, `{"person":{},"corps":[{"corp_id":"co1","name":"A","eligible":true},{"corp_id":"co2","name":"B","eligible":true}],"memberships":[]}`, nil}
		want(t, w.ask("POST", "/j/"+invite, url.Values{"csrf": {csrf}, "name": {"Li"}}, session), 400, "请选择一家企业")
		if w.posts() != 0 {
			t.Error("the joins door was asked to join")
		}
	})
}

func TestAFormOfNobodysSessionChangesNothing(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/opened", "/decline", "/block"} {
		w := setup(t)
		own, csrf := w.signedIn(nil)
		_, others := w.signedIn(nil)
		over, overs := w.signedIn(func(s *session) { s.Ends = noon })
		bare, _ := w.signedIn(func(s *session) { s.CSRF = "" })
		mine := w.seal.text(authored, author{"https://id.example", "s7"})
		form := func(csrf string) url.Values {
			return url.Values{"csrf": {csrf}, "by": {mine}, "corp": {"new"}, "new_corp.name": {"宏远"}, "name": {"Li"}}
		}
		for name, c := range map[string]struct {
			form    url.Values
			cookies []*http.Cookie
			status  int
		}{
			"nobody":                    {form(csrf), nil, 401},
			"a session that is over":    {form(overs), []*http.Cookie{over}, 401},
			"no token":                  {form(""), []*http.Cookie{own}, 403},
			"another session's token":   {form(others), []*http.Cookie{own}, 403},
			"a session without a token": {form(""), []*http.Cookie{bare}, 403},
		} {
			r := w.ask("POST", "/j/"+invite+path, c.form, c.cookies...)
			if text := body(t, r); r.StatusCode != c.status || c.status == 403 && !strings.Contains(text, `value="宏远"`) {
				t.Errorf("%q, %s: got %d, want %d, with what was typed", path, name, r.StatusCode, c.status)
			}
		}
		if w.posts() != 0 {
			t.Errorf("%q: the joins door was asked", path)
		}
		// Who is somebody else by now neither reads nor sends what was typed, and an answer's button holds nothing to keep.
		other, _ := w.signedIn(func(s *session) { s.Subject = "s8" })
		for name, f := range map[string]struct {
			form url.Values
			who  *http.Cookie
		}{"somebody else": {form(csrf), other}, "nothing typed": {url.Values{"csrf": {others}}, own}} {
			if text := body(t, w.ask("POST", "/j/"+invite+path, f.form, f.who)); strings.Contains(text, "宏远") || !strings.Contains(text, "请再看一遍") {
				t.Errorf("%q, %s: the page has what isn't theirs, or doesn't say why", path, name)
			}
		}
		// The page that is shown instead works.
		r := w.ask("POST", "/j/"+invite+path, form("forged"), own)
		m := hidden.FindStringSubmatch(body(t, r))
		if m == nil || m[1] != csrf {
			t.Errorf("%q: its form has %v, want the session's own token", path, m)
		}
	}
}

func TestARecipientsAnswersArePassedOn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	own, csrf := w.signedIn(nil)
	for path, status := range map[string]int{"/opened": 204, "/decline": 303, "/block": 303} {
		w.says["POST "+path] = answer{204, "", nil}
		if r := w.ask("POST", "/j/"+invite+path, url.Values{"csrf": {csrf}}, own); r.StatusCode != status {
			t.Errorf("%s: got %d, want %d", path, r.StatusCode, status)
		}
		w.says["POST "+path] = answer{403, `{"code":"bound_to_another"}`, nil}
		if r := w.ask("POST", "/j/"+invite+path, url.Values{"csrf": {csrf}}, own); r.StatusCode != 403 {
			t.Errorf("%s, of somebody else's: got %d, want 403", path, r.StatusCode)
		}
	}
}

// by is the author that the form of a page was made for.
var by = regexp.MustCompile(`name="by" value="([^"]+)"`)

func TestAFormThatComesAfterItsSessionWaitsForItsAuthor(t *testing.T) {
	t.Parallel()
	w := setup(t)
	own, csrf := w.signedIn(nil)
	m := by.FindStringSubmatch(body(t, w.ask("GET", "/j/"+invite, nil, own)))
	if m == nil {
		t.Fatal("the form doesn't say who it is for")
	}
	form := func(by string) url.Values {
		return url.Values{"csrf": {csrf}, "by": {by}, "corp": {"new"}, "new_corp.name": {"宏远商贸"}, "new_corp.industry": {"零售"}, "name": {"李娜"}}
	}
	w.now = noon.Add(sessionLife)
	for name, sent := range map[string]url.Values{
		"nobody's":   form(""),
		"forged":     form("forged"),
		"a session":  form(own.Value),
		"too much":   func() url.Values { f := form(m[1]); f.Set("name", strings.Repeat("<", maxKept/6)); return f }(),
		"an old one": func() url.Values { f := form(m[1]); f.Del("by"); return f }(),
	} {
		r := w.ask("POST", "/j/"+invite, sent, own)
		if cookieNamed(r, keptCookie) != nil {
			t.Errorf("%s: it is kept", name)
		}
		want(t, r, 401, "登录已过期", "还没有提交任何内容")
	}
	r := w.ask("POST", "/j/"+invite, form(m[1]), own)
	waits := cookieNamed(r, keptCookie)
	if waits == nil || !waits.HttpOnly || !waits.Secure || waits.SameSite != http.SameSiteLaxMode || waits.MaxAge != 30*60 || strings.Contains(waits.Value, "宏远") {
		t.Fatalf("got %v, want it kept, sealed", waits)
	}
	if text := body(t, r); r.StatusCode != 401 || !strings.Contains(text, "您填写的内容已保留") || strings.Contains(text, "宏远商贸") {
		t.Errorf("got %d, want to be told that it is kept, and nobody else to read it", r.StatusCode)
	}

	again, fresh := w.signedIn(nil)
	want(t, w.ask("GET", "/j/"+invite, nil, again, waits), 200, "您填写的内容已恢复", `value="宏远商贸"`, `value="零售"`, `value="李娜"`)
	other, _ := w.signedIn(func(s *session) { s.Subject = "s8" })
	elsewhere := invite[:len(invite)-1] + "B"
	for name, r := range map[string]*http.Response{
		"somebody else":   w.ask("GET", "/j/"+invite, nil, other, waits),
		"nobody":          w.ask("GET", "/j/"+invite, nil, waits),
		"another invite":  w.ask("GET", "/j/"+elsewhere, nil, again, waits),
		"without waiting": w.ask("GET", "/j/"+invite, nil, again),
	} {
		if text := body(t, r); strings.Contains(text, "宏远商贸") || strings.Contains(text, "已恢复") {
			t.Errorf("%s reads what was typed", name)
		}
	}
	if w.posts() != 0 {
		t.Error("the joins door was asked to join")
	}
	w.says["GET /me"] = answer{200, `{"person":{},"memberships":[{"corp_name":"宏远","joined_at":"2026-11-22T11:00:00Z"}]}`, nil}
	want(t, w.ask("GET", "/j/"+invite, nil, again, waits), 200, "您已加入", "<details open>", `value="宏远商贸"`)

	w.says["POST "] = answer{201, `{}`, nil}
	for name, r := range map[string]*http.Response{
		"joined":     w.ask("POST", "/j/"+invite, url.Values{"csrf": {fresh}, "corp": {"new"}, "new_corp.name": {"宏远商贸"}, "name": {"李娜"}}, again, waits),
		"signed out": w.ask("POST", "/sign-out", url.Values{"csrf": {fresh}}, again, waits),
	} {
		if gone := cookieNamed(r, keptCookie); gone == nil || gone.MaxAge != -1 {
			t.Errorf("%s: what was typed stays", name)
		}
	}
	w.now = w.now.Add(keptLife)
	again, _ = w.signedIn(nil)
	if text := body(t, w.ask("GET", "/j/"+invite, nil, again, waits)); strings.Contains(text, "宏远商贸") {
		t.Error("what was typed stays for ever")
	}
}

func TestWhatWasTypedIsKeptWhenNobodyCanSayHowThingsStand(t *testing.T) {
	t.Parallel()
	w := setup(t)
	own, csrf := w.signedIn(nil)
	w.says["POST "] = answer{409, `{"code":"quota_exceeded"}`, nil}
	w.says["GET "] = answer{err: platform.ErrThrottled}
	form := url.Values{"csrf": {csrf}, "by": {w.seal.text(authored, author{"https://id.example", "s7"})}, "corp": {"new"}, "new_corp.name": {"宏远"}, "name": {"李娜"}}
	want(t, w.ask("POST", "/j/"+invite, form, own), 503, "现在人太多了", `value="宏远"`, `value="李娜"`)
	form.Set("csrf", "forged")
	want(t, w.ask("POST", "/j/"+invite, form, own), 503, "现在人太多了", `value="宏远"`, `value="李娜"`)
}

func TestAnotherSitesFormChangesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	own, _ := w.signedIn(nil)
	for _, path := range []string{"", "/opened", "/decline", "/block"} {
		for _, cookies := range [][]*http.Cookie{nil, {own}} { // Lax cookies don't come along; were they to, the token doesn't
			r := httptest.NewRequest("POST", "/j/"+invite+path, strings.NewReader("corp=new&new_corp.name=Evil&name=Evil"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "https://elsewhere.example")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			for _, k := range cookies {
				r.AddCookie(k)
			}
			rec := httptest.NewRecorder()
			w.h.ServeHTTP(rec, r)
			if rec.Code != 401+2*len(cookies) || len(rec.Result().Cookies()) != 0 {
				t.Errorf("%q: got %d, %v", path, rec.Code, rec.Result().Cookies())
			}
		}
	}
	if w.posts() != 0 {
		t.Error("the joins door was asked")
	}
}

func TestAContactIsGreetedOnlyAsThemselves(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.says["GET /me"] = answer{200, `{"person":{},"corps":[],"memberships":[],"contact":{"name":"李娜","partner":{"name":"宏远商贸"},"group":{"name":"华东"},"declined":false}}`, nil}
	if text := body(t, w.ask("GET", "/j/"+invite, nil)); strings.Contains(text, "李娜") || strings.Contains(text, "华东") {
		t.Error("who isn't signed in reads whose notice it is")
	}
	own, _ := w.signedIn(nil)
	want(t, w.ask("GET", "/j/"+invite, nil, own), 200, "李娜，您好", "华东", `value="宏远商贸"`, "data-opened", "不再接收此上下游的通知")
}

func TestHowAPersonStandsDecidesWhatThePageIs(t *testing.T) {
	t.Parallel()
	const seat = `{"corp_name":"宏远","name_mismatch":false,"joined_at":"2026-11-22T11:59:00Z"}`
	gone := answer{410, `{"code":"invite_exhausted"}`, nil}
	live := answer{200, lookLive, nil}
	for name, c := range map[string]struct {
		look   answer
		me     string
		status int
		says   string
	}{
		"just in":                         {live, `{"memberships":[` + seat + `]}`, 200, "加入成功"},
		"in for a while":                  {live, `{"memberships":[` + strings.Replace(seat, "11:59", "11:00", 1) + `]}`, 200, "您已加入"},
		"in by a link that is used up":    {gone, `{"chain":{"name":"Dealers","owner":"Owner Ltd"},"memberships":[` + seat + `]}`, 200, "Dealers"},
		"waiting":                         {live, `{"application":{"corp_name":"宏远","state":"waiting","applied_at":"2026-11-22T11:00:00Z"}}`, 200, "等待审核"},
		"waiting, of a link that is dead": {gone, `{"chain":{"name":"Dealers","owner":"Owner Ltd"},"application":{"corp_name":"宏远","state":"waiting","applied_at":"2026-11-22T11:00:00Z"}}`, 200, "等待审核"},
		"declined":                        {live, `{"application":{"corp_name":"宏远","state":"declined","reason":"没有合同","applied_at":"2026-11-22T11:00:00Z"}}`, 200, "没有合同"},
		"declined, and the link is dead":  {gone, `{"application":{"corp_name":"宏远","state":"declined","applied_at":"2026-11-22T11:00:00Z"}}`, 410, "邀请名额已用完"},
		"accepted, and gone since":        {live, `{"application":{"corp_name":"宏远","state":"accepted","applied_at":"2026-11-22T11:00:00Z"}}`, 200, "您以哪家企业的身份加入？"},
		"in a conflict":                   {live, `{"contact":{"name":"Li","partner":{"name":"Acme"},"declined":true},"conflict":{"corp_name":"Acme","created_at":"2026-11-22T12:00:00Z"}}`, 200, "需要管理员确认"},
		"blocked":                         {live, `{"blocked":true}`, 200, "不会再收到此上下游的通知"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.says["GET "], w.says["GET /me"] = c.look, answer{200, c.me, nil}
			own, _ := w.signedIn(nil)
			want(t, w.ask("GET", "/j/"+invite, nil, own), c.status, c.says)
		})
	}
	w := setup(t)
	w.says["GET /me"] = answer{200, `{"corps":[{"corp_id":"co1","name":"宏远","eligible":true},{"corp_id":"co2","name":"好味","eligible":true}],
		"memberships":[{"corp_id":"co1","corp_name":"宏远","joined_at":"2026-11-22T11:00:00Z"}]}`, nil}
	in, _ := w.signedIn(nil)
	if text := body(t, w.ask("GET", "/j/"+invite, nil, in)); !strings.Contains(text, `value="co2"`) || strings.Contains(text, `value="co1"`) {
		t.Error("R01: a member may come in under another of their corps, and not under the same")
	}
	w.says["GET /me"] = answer{403, `{"code":"phone_not_verified"}`, nil}
	own, _ := w.signedIn(nil)
	want(t, w.ask("GET", "/j/"+invite, nil, own), 403, "您的手机号尚未验证")
}

func TestLogsNameTheRouteAndNoToken(t *testing.T) {
	var b bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	defer slog.SetDefault(old)
	w := setup(t)
	w.says["GET "] = answer{err: errors.New("broken")}
	want(t, w.ask("GET", "/j/"+invite, nil), 500)
	if said := b.String(); strings.Contains(said, invite) || !strings.Contains(said, `route="GET /j/{token}"`) || !strings.Contains(said, "status=500") {
		t.Errorf("got %s", said)
	}
}

var hidden = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// Every file in events/console is what API Gateway sends.
func TestEachEventIsAnswered(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../events/console/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v", files, err)
	}
	wants := map[string]struct {
		status int
		says   string
	}{
		"card.json": {200, base64.StdEncoding.EncodeToString(page.Picture)}, "answered.json": {303, ""},
		"start.json": {200, "请打开您收到的邀请"}, "cut.json": {200, "请打开您收到的邀请"}, "start-preview.json": {200, ""},
		"show.json": {200, "Boss 邀请您加入"}, "show-en.json": {200, "Boss invites you to join"}, "preview.json": {200, ""},
		"join-signed-out.json": {401, "登录已过期"}, "join-base64.json": {303, ""}, "sign-in.json": {303, ""}, "signed-in-cancelled.json": {400, "登录没有完成"},
	}
	for _, file := range files {
		want, ok := wants[filepath.Base(file)]
		if !ok {
			t.Errorf("%s: no test says what comes of it", file)
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w := setup(t)
		w.says["POST "] = answer{201, `{}`, nil}
		session, csrf := w.signedIn(nil)
		var e events.APIGatewayV2HTTPRequest
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if filepath.Base(file) == "join-base64.json" { // its session and its form are this run's
			e.Cookies = []string{session.Name + "=" + session.Value}
			b, err := base64.StdEncoding.DecodeString(e.Body)
			if err != nil {
				t.Fatal(err)
			}
			e.Body = base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(b), "CSRF", csrf, 1)))
		}
		got, err := web.Lambda(w.h)(t.Context(), e)
		if err != nil || got.StatusCode != want.status || !strings.Contains(got.Body, want.says) {
			t.Errorf("%s: got %d, %v, want %d and %q", file, got.StatusCode, err, want.status, want.says)
		}
	}
}
