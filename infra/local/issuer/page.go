package issuer

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"html/template"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// How long a one-time code is good for, and how often one may mistype it.
const (
	codeLife  = 5 * time.Minute
	codeTries = 5
)

// pending is a person who was sent a code.
type pending struct {
	person Person
	code   string
	tries  int
	ends   time.Time
}

// show writes a step of the sign-in page.
func (i *Issuer) show(w http.ResponseWriter, status int, step string, v map[string]any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = i.pages.ExecuteTemplate(w, step, v) // the browser may have gone
}

// page asks who signs in.
func (i *Issuer) page(w http.ResponseWriter, r *http.Request) {
	i.show(w, http.StatusOK, "phone", map[string]any{"ID": r.FormValue("id"), "Demo": Demo})
}

// sendCode sends the phone a code, and asks for it.
func (i *Issuer) sendCode(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("id")
	p := Person{Phone: tidy(r.PostFormValue("phone")), Name: strings.TrimSpace(r.PostFormValue("name")), Verified: r.PostFormValue("verified") != ""}
	if len(p.Phone) < 8 || p.Phone[0] != '+' {
		i.show(w, http.StatusBadRequest, "phone", map[string]any{"ID": id, "Demo": Demo, "Wrong": "请输入手机号，例如 13800000001 或 +85251234567。", "Phone": p.Phone, "Name": p.Name})
		return
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	code := fmt.Sprintf("%06d", n)
	if err := i.storage.expect(id, pending{person: p, code: code, ends: time.Now().Add(codeLife)}); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if i.Tell != nil {
		if err := i.Tell(p.Phone, code); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	i.show(w, http.StatusOK, "code", map[string]any{"ID": id, "Phone": p.Phone})
}

// signIn takes the code, and sends the browser back to where it came from.
func (i *Issuer) signIn(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("id")
	switch phone, err := i.storage.enter(id, strings.TrimSpace(r.PostFormValue("code"))); {
	case errors.Is(err, errCode):
		i.show(w, http.StatusBadRequest, "code", map[string]any{"ID": id, "Phone": phone, "Wrong": "验证码不正确，请再看一下短信。"})
		return
	case err != nil:
		i.show(w, http.StatusBadRequest, "phone", map[string]any{"ID": id, "Demo": Demo, "Wrong": "验证码已失效，请重新获取。", "Phone": phone})
		return
	}
	ctx := op.ContextWithIssuer(r.Context(), i.URL)
	http.Redirect(w, r, op.AuthCallbackURL(i.provider)(ctx, id), http.StatusFound)
}

// tidy writes a phone as E.164: a mainland number needs no country code.
func tidy(phone string) string {
	phone = strings.NewReplacer(" ", "", "-", "").Replace(phone)
	if len(phone) == 11 && phone[0] == '1' {
		return "+86" + phone
	}
	return phone
}

// errCode says that the code was another.
var errCode = errors.New("issuer: another code")

// expect notes which code a sign-in waits for; a new one replaces it.
func (s *storage) expect(id string, p pending) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.requests[id]; !ok {
		return errUnknown
	}
	s.pending[id] = &p
	return nil
}

// enter takes a code: errCode if it is another, errUnknown if none is good any more.
func (s *storage) enter(id, code string) (phone string, err error) {
	s.mu.Lock()
	p := s.pending[id]
	if p == nil {
		s.mu.Unlock()
		return "", errUnknown
	}
	p.tries++
	right := subtle.ConstantTimeCompare([]byte(p.code), []byte(code)) == 1
	over := time.Now().After(p.ends) || p.tries > codeTries
	if right || over {
		delete(s.pending, id)
	}
	s.mu.Unlock()
	switch {
	case over:
		return p.person.Phone, errUnknown
	case !right:
		return p.person.Phone, errCode
	}
	return p.person.Phone, s.signIn(id, p.person)
}

// pages are the steps. A demo person is one press away from their code.
var pages = template.Must(template.New("").Parse(`
{{define "head"}}<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>登录（本地）</title>
<style>
:root{color-scheme:light dark}
body{max-width:26rem;margin:0 auto;padding:1.5rem 1rem;font:1rem/1.6 system-ui,sans-serif}
h1{font-size:1.4rem}
h2{margin-top:2.5rem;font-size:1rem}
label{display:block;margin:.9rem 0 .2rem}
input:not([type=checkbox]){width:100%;min-height:2.9rem;box-sizing:border-box;padding:.4rem .7rem;font:inherit}
button{width:100%;min-height:2.9rem;margin-top:1rem;font:inherit}
form+form button{margin-top:.4rem}
[role=alert]{font-weight:600}
</style>{{end}}
{{define "phone"}}{{template "head"}}<main>
<h1>登录（本地）</h1>
{{with .Wrong}}<p role="alert">{{.}}</p>{{end}}
<form method="post" action="/sign-in"><input type="hidden" name="id" value="{{.ID}}">
<label for="phone">手机号</label><input id="phone" name="phone" type="tel" autocomplete="tel" value="{{.Phone}}" required>
<label for="name">姓名</label><input id="name" name="name" autocomplete="name" value="{{.Name}}">
<label><input type="checkbox" name="verified" value="1" checked> 手机号已验证</label>
<button>获取验证码</button></form>
<h2>演示用户</h2>
{{range .Demo}}<form method="post" action="/sign-in"><input type="hidden" name="id" value="{{$.ID}}"><input type="hidden" name="phone" value="{{.Phone}}">
<input type="hidden" name="name" value="{{.Name}}">{{if .Verified}}<input type="hidden" name="verified" value="1">{{end}}
<button>{{.Name}} {{.Phone}}{{if not .Verified}}（未验证）{{end}}</button></form>
{{end}}</main></html>{{end}}
{{define "code"}}{{template "head"}}<main>
<h1>输入验证码</h1>
<p>6 位数字，已发送到 {{.Phone}}（在 outbox 中，也印在控制台上）。</p>
{{with .Wrong}}<p role="alert">{{.}}</p>{{end}}
<form method="post" action="/sign-in/code"><input type="hidden" name="id" value="{{.ID}}">
<label for="code">验证码</label><input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" maxlength="6" required autofocus>
<button>登录</button></form>
</main></html>{{end}}
`))
