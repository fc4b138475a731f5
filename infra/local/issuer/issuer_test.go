package issuer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// setup is an issuer that listens, and a browser that follows no redirect to elsewhere.
func setup(t *testing.T) (*Issuer, *http.Client) {
	t.Helper()
	var i *Issuer
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { i.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	i, err := New(server.URL, filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return i, &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), server.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

const (
	page     = "http://127.0.0.1:8080/signed-in"
	verifier = "a-verifier-that-is-long-enough-for-the-specification"
)

// authorize is where a page sends its visitor to sign in.
func (i *Issuer) authorize(change url.Values) string {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {ClientID}, "redirect_uri": {page}, "response_type": {"code"}, "scope": {"openid phone profile"}, "state": {"s"},
		"nonce": {"n"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for name, v := range change {
		if q[name] = v; v == nil {
			q.Del(name)
		}
	}
	return i.URL + "/authorize?" + q.Encode()
}

func TestAPersonSignsInByOneTimeCodeAndPKCE(t *testing.T) {
	t.Parallel()
	i, browser := setup(t)
	var sent [][2]string
	i.Tell = func(phone, code string) error { sent = append(sent, [2]string{phone, code}); return nil }
	resp, err := browser.Get(i.authorize(nil))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Request.URL.Path != "/sign-in" || resp.StatusCode != 200 {
		t.Fatalf("got %d at %s, want the sign-in page", resp.StatusCode, resp.Request.URL)
	}
	id := resp.Request.URL.Query()["id"]
	post := func(path string, form url.Values) *http.Response {
		t.Helper()
		form["id"] = id
		resp, err := browser.PostForm(i.URL+path, form)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	if resp := post("/sign-in", url.Values{"phone": {"nobody's"}, "verified": {"1"}}); resp.StatusCode != 400 || len(sent) != 0 {
		t.Errorf("no phone: got %d, sent %v", resp.StatusCode, sent)
	}
	// A mainland number needs no country code, and the first code is void once there is a second.
	for range 2 {
		if resp := post("/sign-in", url.Values{"phone": {"138 0000 0001"}, "name": {"王掌柜"}, "verified": {"1"}}); resp.StatusCode != 200 {
			t.Fatalf("got %d, want to be asked for the code", resp.StatusCode)
		}
	}
	if len(sent) != 2 || sent[1][0] != "+8613800000001" || len(sent[1][1]) != 6 {
		t.Fatalf("sent %v, want two codes of six digits", sent)
	}
	if wrong := fmt.Sprintf("%06d", (number(t, sent[1][1])+1)%1_000_000); post("/sign-in/code", url.Values{"code": {wrong}}).StatusCode != 400 {
		t.Error("another code was taken")
	}
	resp = post("/sign-in/code", url.Values{"code": {sent[1][1]}})
	back, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(back.String(), page) || back.Query().Get("state") != "s" {
		t.Fatalf("got %d to %s, want back to the page", resp.StatusCode, resp.Header.Get("Location"))
	}
	redeem := func(verifier string) (int, map[string]any) {
		resp, err := browser.PostForm(i.URL+"/oauth/token", url.Values{
			"grant_type": {"authorization_code"}, "client_id": {ClientID}, "code": back.Query()["code"], "redirect_uri": {page}, "code_verifier": {verifier},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var out map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, out
	}
	if code, out := redeem("another verifier that is as long as the first one"); code == 200 {
		t.Errorf("another verifier: got %v", out)
	}
	code, out := redeem(verifier)
	if code != 200 {
		t.Fatalf("got %d %v", code, out)
	}
	said := claimsOf(t, out["id_token"])
	if said["phone_number"] != "+8613800000001" || said["phone_number_verified"] != true || said["name"] != "王掌柜" || said["nonce"] != "n" {
		t.Errorf("got %v", said)
	}
	token, _, err := i.Tokens(t.Context(), Person{Phone: "+8613800000001", Name: "王掌柜", Verified: true}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if other := claimsOf(t, token); other["sub"] != said["sub"] || other["iss"] != i.URL {
		t.Errorf("Tokens: got %v, want the same subject", other)
	}
	if code, _ := redeem(verifier); code == 200 {
		t.Error("the code was good twice")
	}
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestACodeIsGoodForFiveTries(t *testing.T) {
	t.Parallel()
	i, browser := setup(t)
	code := ""
	i.Tell = func(_, c string) error { code = c; return nil }
	resp, err := browser.Get(i.authorize(nil))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	id := resp.Request.URL.Query()["id"]
	enter := func(path string, form url.Values) int {
		t.Helper()
		form["id"] = id
		resp, err := browser.PostForm(i.URL+path, form)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	enter("/sign-in", url.Values{"phone": {"+8613800000001"}})
	for range codeTries {
		if got := enter("/sign-in/code", url.Values{"code": {"nonsense"}}); got != 400 {
			t.Fatalf("got %d", got)
		}
	}
	if got := enter("/sign-in/code", url.Values{"code": {code}}); got != 400 {
		t.Errorf("the right code at the sixth try: got %d, want 400", got)
	}
	enter("/sign-in", url.Values{"phone": {"+8613800000001"}})
	if got := enter("/sign-in/code", url.Values{"code": {code}}); got != 302 {
		t.Errorf("a new code: got %d, want back to the page", got)
	}
}

func claimsOf(t *testing.T, token any) map[string]any {
	t.Helper()
	text, _ := token.(string)
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("got %v, want a token", token)
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(b, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestASignInGoesOnlyToPagesOfThisMachineAndNeedsPKCE(t *testing.T) {
	t.Parallel()
	i, browser := setup(t)
	for name, change := range map[string]url.Values{
		"elsewhere":      {"redirect_uri": {"https://elsewhere.example/signed-in"}},
		"another client": {"client_id": {"nobody"}},
		"no challenge":   {"code_challenge": nil},
	} {
		resp, err := browser.Get(i.authorize(change))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if to := resp.Header.Get("Location"); resp.Request.URL.Path == "/sign-in" || strings.Contains(to, "code=") || strings.Contains(to, "elsewhere") {
			t.Errorf("%s: got %d at %s to %s", name, resp.StatusCode, resp.Request.URL, to)
		}
	}
}
