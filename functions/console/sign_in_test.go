package main

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// begin starts a sign-in, and gives its cookie and the query that the issuer is
// sent.
func (w *world) begin(t *testing.T) (*http.Cookie, url.Values) {
	t.Helper()
	r := w.ask("GET", "/sign-in?to="+invite, nil)
	to, err := url.Parse(r.Header.Get("Location"))
	if err != nil || r.StatusCode != 303 || !strings.HasPrefix(to.String(), w.issuer.URL+"/authorize?") || len(r.Cookies()) != 1 {
		t.Fatalf("got %d to %s with %d cookies, want the issuer", r.StatusCode, to, len(r.Cookies()))
	}
	return r.Cookies()[0], to.Query()
}

// finish comes back from the issuer.
func (w *world) finish(q url.Values, cookies ...*http.Cookie) *http.Response {
	w.code, w.claims["nonce"] = "code", q.Get("nonce")
	return w.ask("GET", "/signed-in?code=code&state="+q.Get("state"), nil, cookies...)
}

// named is the cookie of that name, nil if none was set.
func cookieNamed(r *http.Response, name string) *http.Cookie {
	for _, c := range r.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func TestASignInGoesByCodeAndPKCEAndComesBackToTheInvite(t *testing.T) {
	t.Parallel()
	w := setup(t)
	began, q := w.begin(t)
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "us", "redirect_uri": back, "scope": "openid phone profile", "code_challenge_method": "S256", "prompt": "login",
		"ui_locales": "zh-CN", "lang": "zh-CN",
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	if strings.Contains(q.Encode(), invite) || strings.Contains(began.Value, invite) {
		t.Error("the issuer, or the cookie, is told the token")
	}
	if began.MaxAge != 600 {
		t.Errorf("signing in may take %d s, want 600", began.MaxAge)
	}
	r := w.finish(q, began)
	if r.StatusCode != 303 || r.Header.Get("Location") != "/j/"+invite {
		t.Fatalf("got %d to %s, want the invite", r.StatusCode, r.Header.Get("Location"))
	}
	if w.form.Get("code_verifier") == "" || w.form.Get("client_id") != "us" || w.form.Get("redirect_uri") != back {
		t.Errorf("the token endpoint was asked %v", w.form)
	}
	c := cookieNamed(r, sessionCookie)
	if c == nil || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 8*60*60 {
		t.Fatalf("got %v", c)
	}
	if gone := cookieNamed(r, began.Name); gone == nil || gone.MaxAge != -1 {
		t.Errorf("the sign-in's cookie stays: %v", gone)
	}
	want(t, w.ask("GET", "/j/"+invite, nil, c), 200, "已登录：Li +86139******07")
	w.now = noon.Add(sessionLife)
	want(t, w.ask("GET", "/j/"+invite, nil, c), 200, "用手机号登录并继续")
}

func TestANameThatNobodyCanHaveIsNone(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{" Li Na ": "已登录：Li Na +86139******07", strings.Repeat("李", 5000): "已登录：+86139******07", "a\x00b": "已登录：+86139******07"} {
		w := setup(t)
		w.claims["name"] = name
		began, q := w.begin(t)
		c := cookieNamed(w.finish(q, began), sessionCookie)
		if c == nil || len(c.Value) > 1000 {
			t.Fatalf("%.10q: got %v", name, c)
		}
		if text := body(t, w.ask("GET", "/j/"+invite, nil, c)); !strings.Contains(text, want) {
			t.Errorf("%.10q: the page doesn't say %q", name, want)
		}
	}
}

func TestASignInIsGoodOnceAndOnlyWhereItBegan(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *world, began **http.Cookie, q url.Values){
		"in another browser": func(_ *world, began **http.Cookie, _ url.Values) { *began = &http.Cookie{Name: "other", Value: "x"} },
		"of another state": func(_ *world, _ **http.Cookie, q url.Values) {
			q.Set("state", q.Get("state")[:8]+strings.Repeat("A", 18))
		},
		"without a state":    func(_ *world, _ **http.Cookie, q url.Values) { q.Del("state") },
		"too late":           func(w *world, _ **http.Cookie, _ url.Values) { w.now = noon.Add(signInLife) },
		"of another issuer":  func(w *world, _ **http.Cookie, _ url.Values) { w.claims["iss"] = "https://elsewhere.example" },
		"for another client": func(w *world, _ **http.Cookie, _ url.Values) { w.claims["aud"] = "them" },
		"for two, of another": func(w *world, _ **http.Cookie, _ url.Values) {
			w.claims["aud"], w.claims["azp"] = []string{"us", "them"}, "them"
		},
		"for two, of nobody": func(w *world, _ **http.Cookie, _ url.Values) { w.claims["aud"] = []string{"us", "them"} },
		"expired":            func(w *world, _ **http.Cookie, _ url.Values) { w.claims["exp"] = noon.Unix() },
		"of no expiry":       func(w *world, _ **http.Cookie, _ url.Values) { delete(w.claims, "exp") },
		"of another nonce":   func(_ *world, _ **http.Cookie, q url.Values) { q.Set("nonce", "another") },
		"of nobody":          func(w *world, _ **http.Cookie, _ url.Values) { w.claims["sub"] = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			began, q := w.begin(t)
			change(w, &began, q)
			r := w.finish(q, began)
			if cookieNamed(r, sessionCookie) != nil {
				t.Error("somebody is signed in")
			}
			want(t, r, 400, "登录没有完成")
		})
	}
	w := setup(t)
	began, q := w.begin(t)
	if r := w.finish(q, began); r.StatusCode != 303 {
		t.Fatalf("got %d", r.StatusCode)
	}
	// A replay with the cookie that the browser no longer has: the code is spent.
	want(t, w.ask("GET", "/signed-in?code=code&state="+q.Get("state"), nil, began), 400, "登录没有完成")
	want(t, w.ask("GET", "/signed-in?error=access_denied&state="+q.Get("state"), nil, began), 400, "登录没有完成")
}

func TestSignInsThatWereGivenUpDoNotPileUp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	jar := map[string]*http.Cookie{}
	for range 20 { // taps
		var sent []*http.Cookie
		for _, k := range jar {
			sent = append(sent, k)
		}
		r := w.ask("GET", "/sign-in?to="+invite, nil, sent...)
		for _, k := range r.Cookies() {
			if jar[k.Name] = k; k.MaxAge < 0 {
				delete(jar, k.Name)
			}
		}
		w.now = w.now.Add(time.Second)
		to, err := url.Parse(r.Header.Get("Location"))
		if err != nil || jar[signInCookie+to.Query().Get("state")[:8]] == nil {
			t.Fatalf("the newest isn't there: %v", err)
		}
	}
	if len(jar) != maxSignIns {
		t.Errorf("got %d cookies, want %d", len(jar), maxSignIns)
	}
}

func TestWhyAnIssuerRefusesIsLoggedAndNothingElseThatStandsThere(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"access_denied": "access_denied", "": "no code", "Access\nDenied": "no code", strings.Repeat("a", 41): "no code"} {
		if got := reason(code); got != want {
			t.Errorf("%q: got %q, want %q", code, got, want)
		}
	}
}

func TestASignInLeadsBackToAnInviteAndNowhereElse(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, to := range []string{"", "https://elsewhere.example", "//elsewhere.example/aaaaaaaaaaaaaaaaaaaa", "..%2F..%2Faaaaaaaaaaaaaaaaaaaa", "%5Celsewhere.example/aaaaaaaaaaaaaaa", strings.Repeat("a", 201), invite + "%0d%0aX:%20y", invite + "?x", invite + "/"} {
		r := w.ask("GET", "/sign-in?to="+to, nil)
		if r.Header.Get("Location") != "" || len(r.Cookies()) != 0 {
			t.Errorf("%q: sent to %s", to, r.Header.Get("Location"))
		}
		want(t, r, 404, "没有找到这个邀请")
	}
	own, csrf := w.signedIn(nil)
	r := w.ask("POST", "/sign-out", url.Values{"csrf": {csrf}, "to": {"//elsewhere.example"}}, own)
	if r.Header.Get("Location") != "" {
		t.Errorf("signed out to %s", r.Header.Get("Location"))
	}
	if r := w.ask("GET", "/sign-in?to="+invite, nil, own); r.Header.Get("Location") != "/j/"+invite {
		t.Errorf("signed in already: sent to %s", r.Header.Get("Location"))
	}
}

func TestACookieThatIsNotOfOurSealingIsNone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	own, _ := w.signedIn(nil)
	raw, err := base64.RawURLEncoding.DecodeString(own.Value)
	if err != nil {
		t.Fatal(err)
	}
	forged := []string{"", "x", "AQ", base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"s7","phone":"+8613900000007","verified":true,"ends":"2030-01-01T00:00:00Z"}`))}
	for i := range raw {
		bent := append([]byte{}, raw...)
		bent[i] ^= 1
		forged = append(forged, base64.RawURLEncoding.EncodeToString(bent))
	}
	for _, value := range forged {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: value})
		if w.session(r) != nil {
			t.Errorf("%q is taken for a session", value)
		}
	}
	// What was sealed for a sign-in is no session, whatever it says.
	began, _ := w.begin(t)
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: sessionCookie, Value: began.Value})
	if w.session(r) != nil {
		t.Error("a sign-in's cookie is taken for a session")
	}
	if strings.Contains(string(raw), "Li") || strings.Contains(string(raw), "139") {
		t.Error("the cookie can be read")
	}
}

func TestKeysRotateWhileSessionsLive(t *testing.T) {
	t.Parallel()
	w := setup(t)
	own, _ := w.signedIn(nil)
	first, second := []byte("a key that only the tests have, 32+"), []byte("another key that only the tests have")
	for name, c := range map[string]struct {
		keys map[byte][]byte
		ok   bool
	}{
		"a second key":   {map[byte][]byte{1: first, 2: second}, true},
		"only another":   {map[byte][]byte{2: second}, false},
		"another as the": {map[byte][]byte{1: second}, false},
	} {
		w.seal = newSeal(c.keys)
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(own)
		if got := w.session(r) != nil; got != c.ok {
			t.Errorf("%s: opened %v, want %v", name, got, c.ok)
		}
	}
	w.seal = newSeal(map[byte][]byte{1: first, 2: second})
	newer, _ := w.signedIn(nil)
	if raw, _ := base64.RawURLEncoding.DecodeString(newer.Value); raw[0] != 2 {
		t.Errorf("sealed under key %d, want the newest", raw[0])
	}
}

func TestWhoSignsOutIsSignedOutByTheirOwnFormOnly(t *testing.T) {
	t.Parallel()
	w := setup(t)
	own, csrf := w.signedIn(nil)
	r := w.ask("POST", "/sign-out", url.Values{"csrf": {"forged"}, "to": {invite}}, own)
	if cookieNamed(r, sessionCookie) != nil {
		t.Error("another site's form signs people out")
	}
	want(t, r, 403, "请再看一遍", "/j/"+invite)
	// A form of another site's comes without the cookie (SameSite), and mustn't take it away either.
	r = w.ask("POST", "/sign-out", url.Values{"to": {invite}})
	if r.Header.Get("Set-Cookie") != "" || r.StatusCode != 303 {
		t.Errorf("a form without a session: got %d, %q, want no cookie touched", r.StatusCode, r.Header.Get("Set-Cookie"))
	}
	r = w.ask("POST", "/sign-out", url.Values{"csrf": {csrf}, "to": {invite}}, own)
	if c := cookieNamed(r, sessionCookie); c == nil || c.MaxAge != -1 || r.Header.Get("Location") != "/j/"+invite {
		t.Errorf("got %v to %s, want it gone", c, r.Header.Get("Location"))
	}
}

func TestAnIssuerThatIsDownIsNobodysFault(t *testing.T) {
	t.Parallel()
	w := setup(t)
	began, q := w.begin(t)
	w.issuer.Close()
	want(t, w.finish(q, began), 500, "出了点问题")
	w.console.issuer.found = nil
	want(t, w.ask("GET", "/sign-in?to="+invite, nil), 500, "出了点问题")
}

func TestAnIssuerThatSaysItIsAnotherIsNotTaken(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.console.issuer.url = strings.Replace(w.issuer.URL, "127.0.0.1", "localhost", 1)
	want(t, w.ask("GET", "/sign-in?to="+invite, nil), 500)
}
