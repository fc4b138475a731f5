package issuer

import (
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// page asks who signs in.
func (i *Issuer) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = i.signInPage.Execute(w, map[string]any{"ID": r.FormValue("id"), "Demo": Demo}) // the browser may have gone
}

// signIn takes the answer at its word, and sends the browser back to where it came from.
func (i *Issuer) signIn(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("id")
	p := Person{Phone: r.PostFormValue("phone"), Name: r.PostFormValue("name"), Verified: r.PostFormValue("verified") != ""}
	if err := i.storage.signIn(id, p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx := op.ContextWithIssuer(r.Context(), i.URL)
	http.Redirect(w, r, op.AuthCallbackURL(i.provider)(ctx, id), http.StatusFound)
}

const signInPage = `<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>登录（本地）</title>
<h1>登录（本地）</h1>
{{range .Demo}}<form method="post"><input type="hidden" name="id" value="{{$.ID}}"><input type="hidden" name="phone" value="{{.Phone}}">
<input type="hidden" name="name" value="{{.Name}}">{{if .Verified}}<input type="hidden" name="verified" value="1">{{end}}
<button>{{.Name}} {{.Phone}}{{if not .Verified}}（未验证）{{end}}</button></form>
{{end}}<form method="post"><input type="hidden" name="id" value="{{.ID}}">
<p><label>手机号 <input name="phone" type="tel" value="+86" required></label>
<p><label>姓名 <input name="name" required></label>
<p><label><input type="checkbox" name="verified" value="1" checked> 手机号已验证</label>
<p><button>登录</button></form>
`
