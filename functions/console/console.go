package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/page"
	"github.com/tributary-app/tributary/shared/web"
)

// console is the door that serves the page.
type console struct {
	web    string // where people open the pages
	pages  *page.Pages
	seal   seal
	issuer *issuer
	joins  func(ctx context.Context, event []byte) ([]byte, error) // the joins door
	now    func() time.Time
}

func (c *console) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", web.Handler(c.start))
	mux.Handle("GET /j", web.Handler(c.start))
	mux.Handle("GET /j/{$}", web.Handler(c.start))
	mux.Handle("GET /j/{token}", web.Handler(c.show))
	mux.Handle("GET /j/{token}/{answer}", web.Handler(c.home))
	mux.Handle("POST /j/{token}", web.Handler(c.join))
	mux.Handle("POST /j/{token}/opened", web.Handler(c.opened))
	mux.Handle("POST /j/{token}/decline", web.Handler(c.reply("/decline")))
	mux.Handle("POST /j/{token}/block", web.Handler(c.reply("/block")))
	mux.Handle("GET /sign-in", web.Handler(c.signIn))
	mux.Handle("GET /signed-in", web.Handler(c.signedIn))
	mux.Handle("POST /sign-out", web.Handler(c.signOut))
	mux.Handle("GET "+page.PicturePath, web.Handler(c.picture))
	return web.Routes(mux)
}

// shaped is what an invite's token is made of. Whether it is one, the joins
// door knows; what isn't of that shape is asked of nobody and comes back in no
// address.
var shaped = regexp.MustCompile(`^[A-Za-z0-9_-]{20,200}$`)

func token(s string) string {
	if shaped.MatchString(s) {
		return s
	}
	return ""
}

// maxForm is what a form may weigh.
const maxForm = 16 << 10

// show changes nothing, whoever looks and however often (R13).
func (c *console) show(w http.ResponseWriter, r *http.Request) error {
	who := c.session(r)
	v, status := c.view(w, r, who)
	if f := c.kept(r, who); f != nil && (v.State == page.Choose || v.State == page.Joined) {
		v.Form = *f
		if v.Code == "" {
			v.Code = "form_kept"
		}
	}
	return c.write(w, r, status, v)
}

// start is for who has lost their invite's address, or most of it.
func (c *console) start(w http.ResponseWriter, r *http.Request) error {
	return c.write(w, r, http.StatusOK, page.View{Lang: string(web.Language(r)), State: page.Plain, Code: "start"})
}

// home leads from where an answer was sent to the page. An answer that fails is
// shown at that address, and is looked at again or passed on from there.
func (c *console) home(w http.ResponseWriter, r *http.Request) error {
	t := token(r.PathValue("token"))
	if t == "" {
		return c.write(w, r, http.StatusNotFound, page.View{Lang: string(web.Language(r)), State: page.Plain, Code: "not_found"})
	}
	http.Redirect(w, r, "/j/"+t, http.StatusSeeOther)
	return nil
}

// picture is what chats show beside an invite's card, the same for all: nothing
// of the invite is in it. Browsers don't ask for it.
func (c *console) picture(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	w.Write(page.Picture)
	return nil
}

// view is the page of the path's invite as things stand for who is signed in,
// with the status that goes with it; w hears when to try again.
func (c *console) view(w http.ResponseWriter, r *http.Request, who *session) (page.View, int) {
	v := c.blank(r, who)
	if v.Token == "" {
		v.State, v.Code = page.Plain, "not_found"
		return v, http.StatusNotFound
	}
	var l look
	var s standing
	var looked, stood error
	var both sync.WaitGroup
	both.Go(func() { looked = c.ask(r, nil, "GET", v.Token, "", nil, &l) })
	if who != nil {
		both.Go(func() { stood = c.ask(r, who, "GET", v.Token, "/me", nil, &s) })
	}
	both.Wait()
	if looked == nil {
		v.Invite = page.Invite{Chain: l.Chain.Name, Owner: l.Chain.Owner, Inviter: l.Inviter.Name, Group: l.Group.Name, Note: l.Note, Policy: l.JoinPolicy, Expires: l.ExpiresAt}
	}
	if who != nil && stood == nil {
		c.fill(&v, who, s)
		if v.State != "" {
			return v, http.StatusOK // who is in, or has applied, is told so whatever became of the link
		}
	}
	for _, err := range []error{looked, stood} {
		if err != nil {
			return c.plain(w, r, v, err)
		}
	}
	v.State = page.Choose
	if who == nil {
		v.State = page.SignIn
	}
	return v, http.StatusOK
}

// blank is a page of which nothing is known but where it is and who looks.
func (c *console) blank(r *http.Request, who *session) page.View {
	v := page.View{Lang: string(web.Language(r)), Token: token(r.PathValue("token"))}
	if who != nil {
		v.CSRF, v.By = who.CSRF, c.seal.text(authored, author{who.Issuer, who.Subject})
		v.Person = &page.Person{Name: who.Name}
		if phone, ok := network.ParsePhone(who.Phone); ok {
			v.Person.Phone = network.MaskPhone(phone)
		}
	}
	return v
}

// fill says how the person stands, and fills in what they needn't type. State is
// set where that decides what the page is.
func (c *console) fill(v *page.View, who *session, s standing) {
	s.Corps = slices.DeleteFunc(s.Corps, func(c corp) bool { // who comes in once more does it under another (R01)
		return slices.ContainsFunc(s.Memberships, func(m seat) bool { return m.CorpID == c.CorpID })
	})
	for _, corp := range s.Corps {
		v.Corps = append(v.Corps, page.Corp{ID: corp.CorpID, Name: corp.Name, Eligible: corp.Eligible})
		if corp.Eligible && len(s.Corps) == 1 {
			v.Form.Corp = corp.CorpID
		}
	}
	if len(s.Corps) == 0 {
		v.Form.Corp = "new"
	}
	v.Form.Name = who.Name
	if k := s.Contact; k != nil {
		v.Contact = &page.Contact{Name: k.Name, Corp: k.Partner.Name, Group: k.Group.Name}
		v.Form.Name, v.Form.NewName = k.Name, k.Partner.Name
	}
	v.Declined, v.Blocked = s.Contact != nil && s.Contact.Declined, s.Blocked
	switch {
	case s.Conflict != nil:
		v.Code = "partner_conflict"
	case v.Blocked:
		v.Code = "blocked"
	case v.Declined:
		v.Code = "said_no"
	}
	if s.Chain != nil && v.Invite.Chain == "" {
		v.Invite.Chain, v.Invite.Owner = s.Chain.Name, s.Chain.Owner
	}
	for _, m := range s.Memberships {
		v.Seats = append(v.Seats, page.Seat{Corp: m.CorpName, Since: m.JoinedAt, Mismatch: m.NameMismatch})
	}
	if len(v.Seats) > 0 {
		v.State, v.Code = page.Joined, ""
		v.Fresh = c.now().Sub(v.Seats[0].Since) < 5*time.Minute
		if v.Contact == nil { // else they are expected under another company, too (R24)
			v.Form.Corp, v.Form.NewName = "", ""
		}
		return
	}
	if a := s.Application; a != nil {
		v.Application = &page.Application{Corp: a.CorpName, At: a.AppliedAt, Reason: a.Reason}
		switch a.State {
		case "waiting":
			v.State, v.Code = page.Waiting, ""
		case "declined":
			v.Code = "application_declined"
		}
	}
}

// plain is a page of which there is nothing to say but why.
func (c *console) plain(w http.ResponseWriter, r *http.Request, v page.View, err error) (page.View, int) {
	p := problemOf(err)
	report(r, p, err)
	later(w, &v, p)
	v.State, v.Code, v.Contact = page.Plain, p.Code, nil
	return v, p.Status
}

// later says when to try again, to the browser and to the person.
func later(w http.ResponseWriter, v *page.View, p *problem) {
	if seconds, err := strconv.Atoi(p.After); err == nil {
		w.Header().Set("Retry-After", p.After)
		v.Wait = time.Duration(seconds) * time.Second
	}
}

// typed is the form as it was sent.
func typed(form url.Values) page.Form {
	return page.Form{Corp: form.Get("corp"), NewName: form.Get("new_corp.name"), Industry: form.Get("new_corp.industry"), Name: form.Get("name")}
}

// join takes the form. Who got in, or has applied, is sent to look, so that the
// back button and a reload send nothing again.
func (c *console) join(w http.ResponseWriter, r *http.Request) error {
	who, form, err := c.form(w, r)
	if err != nil || form == nil {
		return err
	}
	f := typed(form)
	in := wish{Name: f.Name}
	switch {
	case f.Corp == "new":
		in.NewCorp = &newCorp{f.NewName, f.Industry}
	case f.Corp != "":
		in.CorpID = f.Corp
	}
	if f.Corp == "" {
		err = missing("corp_id")
	} else {
		err = c.ask(r, who, "POST", r.PathValue("token"), "", in, nil)
	}
	if err == nil {
		drop(w, r, keptCookie)
		http.Redirect(w, r, "/j/"+r.PathValue("token"), http.StatusSeeOther)
		return nil
	}
	return c.again(w, r, who, f, err)
}

func missing(field string) error {
	p := &problem{Status: http.StatusBadRequest, Code: "invalid"}
	p.Errors = append(p.Errors, struct {
		Field string `json:"field"`
		Code  string `json:"code"`
	}{field, "missing"})
	return p
}

// again shows the form as it was sent, and why it was.
func (c *console) again(w http.ResponseWriter, r *http.Request, who *session, f page.Form, err error) error {
	p := problemOf(err)
	report(r, p, err)
	switch p.Code {
	case "busy", "rate_limited", "internal":
		// Who is busy isn't asked for more, and there may be no time left to: what
		// was typed waits behind a button.
		v := c.blank(r, who)
		later(w, &v, p)
		v.State, v.Code, v.Kept = page.Plain, p.Code, &f
		return c.write(w, r, p.Status, v)
	}
	v, status := c.view(w, r, who)
	if v.Retry() { // who was asked how things stand is busy now
		v.Kept = &f
	}
	if v.State == page.Joined || v.State == page.Choose || v.Sooner() {
		// A member who tries another corp (R01) is at the form again, too.
		v.State = page.Choose
		v.Code, v.Form, v.Faults = p.Code, f, map[string]string{}
		for _, e := range p.Errors {
			v.Faults[e.Field] = e.Code
		}
		status = p.Status
	}
	return c.write(w, r, status, v)
}

// form reads a form of the session's. It is nil after the page has said what is
// wrong instead: nobody is signed in any more, or the form isn't of this
// session, and may be of another site's making.
func (c *console) form(w http.ResponseWriter, r *http.Request) (*session, url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, nil, c.unreadable(w, r, err)
	}
	who := c.session(r)
	switch {
	case token(r.PathValue("token")) == "":
		v, status := c.view(w, r, who)
		return nil, nil, c.write(w, r, status, v)
	case who == nil:
		over := "session_over"
		if c.keep(w, r) {
			over = "session_over_kept"
		}
		v, status := c.view(w, r, nil)
		if v.State == page.SignIn {
			v.Code, status = over, http.StatusUnauthorized
		}
		return nil, nil, c.write(w, r, status, v)
	case !c.own(r, who):
		// What somebody else has typed here isn't shown to who is signed in now, and
		// isn't theirs to send.
		v, status := c.view(w, r, who)
		f, theirs := typed(r.PostForm), r.PostForm.Has("name") && c.wrote(r, who)
		switch {
		case v.Retry() && theirs:
			v.Kept = &f
		case v.Retry():
		case v.State == page.Choose, v.State == page.Joined, v.Sooner():
			v.State, v.Code, status = page.Choose, "form_anew", http.StatusForbidden
			if theirs {
				v.Code, v.Form = "form_stale", f
			}
		}
		return nil, nil, c.write(w, r, status, v)
	}
	return who, r.PostForm, nil
}

// unreadable is the page for a form that is longer than any can be, or that no
// browser has sent.
func (c *console) unreadable(w http.ResponseWriter, r *http.Request, err error) error {
	status := http.StatusBadRequest
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		status = http.StatusRequestEntityTooLarge
	}
	return c.write(w, r, status, page.View{Lang: string(web.Language(r)), Token: token(r.PathValue("token")), State: page.Plain, Code: "unreadable"})
}

// own says whether the form that r brings was made for this session.
func (c *console) own(r *http.Request, who *session) bool {
	return who.CSRF != "" && subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(who.CSRF)) == 1
}

// wrote says whether the form that r brings was filled in by who is signed in,
// in whichever of their sessions.
func (c *console) wrote(r *http.Request, who *session) bool {
	var a author
	return c.seal.read(authored, r.PostForm.Get("by"), &a) && a == author{who.Issuer, who.Subject}
}

// opened is said by the page itself, once its recipient sees it (R32).
func (c *console) opened(w http.ResponseWriter, r *http.Request) error {
	who, form, err := c.form(w, r)
	if err != nil || form == nil {
		return err
	}
	if err := c.ask(r, who, "POST", r.PathValue("token"), "/opened", nil, nil); err != nil {
		p := problemOf(err)
		report(r, p, err)
		w.WriteHeader(p.Status) // to a script that doesn't listen
		return nil
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// reply passes on a no, or a wish for no more notices.
func (c *console) reply(below string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who, form, err := c.form(w, r)
		if err != nil || form == nil {
			return err
		}
		if err := c.ask(r, who, "POST", r.PathValue("token"), below, nil, nil); err != nil {
			v, _ := c.view(w, r, who)
			p := problemOf(err)
			report(r, p, err)
			later(w, &v, p)
			if v.State == page.Choose {
				v.Code = p.Code
			}
			return c.write(w, r, p.Status, v)
		}
		http.Redirect(w, r, "/j/"+r.PathValue("token"), http.StatusSeeOther)
		return nil
	}
}

// signIn sends somebody to the issuer, and has their browser remember which
// invite they come from. It leads back to an invite and nowhere else.
func (c *console) signIn(w http.ResponseWriter, r *http.Request) error {
	s := signIn{State: random(), Nonce: random(), Verifier: random() + random(), Token: token(r.URL.Query().Get("to")), Ends: c.now().Add(signInLife)}
	if s.Token == "" {
		return c.write(w, r, http.StatusNotFound, page.View{Lang: string(web.Language(r)), State: page.Plain, Code: "not_found"})
	}
	if c.session(r) != nil { // signed in meanwhile, in another tab
		http.Redirect(w, r, "/j/"+s.Token, http.StatusSeeOther)
		return nil
	}
	to, err := c.issuer.authorize(r.Context(), s, web.Language(r))
	if err != nil {
		v, status := c.plain(w, r, page.View{Lang: string(web.Language(r)), Token: s.Token}, err)
		return c.write(w, r, status, v)
	}
	c.tidy(w, r)
	c.seal.set(w, signInCookie+s.State[:8], s, signInLife)
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// signedIn is where the issuer sends people back. Each sign-in is good once, and
// only in the browser that began it.
func (c *console) signedIn(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	var s signIn
	v := page.View{Lang: string(web.Language(r)), State: page.Plain, Code: "sign_in_failed"}
	state := q.Get("state")
	if len(state) < 8 || !c.seal.open(r, signInCookie+state[:8], &s) || subtle.ConstantTimeCompare([]byte(s.State), []byte(state)) != 1 || !c.now().Before(s.Ends) {
		return c.write(w, r, http.StatusBadRequest, v)
	}
	forget(w, signInCookie+state[:8])
	v.Token = s.Token
	if q.Get("code") == "" { // cancelled, or refused
		report(r, &problem{Status: http.StatusBadRequest, Code: v.Code}, errors.New("issuer: "+reason(q.Get("error"))))
		return c.write(w, r, http.StatusBadRequest, v)
	}
	who, err := c.issuer.redeem(r.Context(), q.Get("code"), s)
	switch {
	case errors.Is(err, errRefused):
		report(r, &problem{Status: http.StatusBadRequest, Code: v.Code}, err)
		return c.write(w, r, http.StatusBadRequest, v)
	case err != nil:
		v, status := c.plain(w, r, v, err)
		return c.write(w, r, status, v)
	}
	name := web.Tidy(who.Name)
	if network.CheckPersonName("name", name) != nil {
		name = "" // as good as none to the joins door too, and a cookie has little room
	}
	c.seal.set(w, sessionCookie, session{
		Issuer: who.Issuer, Subject: who.Subject, Name: name, Phone: who.Phone, Verified: bool(who.Verified), CSRF: random(), Ends: c.now().Add(sessionLife),
	}, sessionLife)
	http.Redirect(w, r, "/j/"+s.Token, http.StatusSeeOther)
	return nil
}

// signOut ends the session in this browser.
func (c *console) signOut(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return c.unreadable(w, r, err)
	}
	to := token(r.PostForm.Get("to"))
	switch who := c.session(r); {
	case who == nil: // or another site's form, with which no cookie comes: it signs nobody out
	case !c.own(r, who):
		v := c.blank(r, who)
		v.Token, v.State, v.Code = to, page.Plain, "form_anew"
		return c.write(w, r, http.StatusForbidden, v)
	default:
		forget(w, sessionCookie)
		drop(w, r, keptCookie)
	}
	if to != "" {
		http.Redirect(w, r, "/j/"+to, http.StatusSeeOther)
		return nil
	}
	return c.write(w, r, http.StatusOK, page.View{Lang: string(web.Language(r)), State: page.Plain, Code: "signed_out"})
}

// write sends a page.
func (c *console) write(w http.ResponseWriter, r *http.Request, status int, v page.View) error {
	b, err := c.pages.Render(v)
	if err != nil {
		return err
	}
	h := w.Header() // web.Handler has said no-store, no referrer, nosniff
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Lang)
	h.Set("Content-Security-Policy", c.pages.Policy())
	h.Set("Vary", "Accept-Language, Cookie")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if strings.HasPrefix(c.web, "https:") {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
	if (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable) && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "2")
	}
	w.WriteHeader(status)
	w.Write(b)
	return nil
}

// report logs what went wrong on our side, once, by the route and never by the
// path.
func report(r *http.Request, p *problem, err error) {
	level := slog.LevelInfo
	if p.Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	slog.LogAttrs(r.Context(), level, "request failed", slog.String("route", r.Pattern), slog.Int("status", p.Status), slog.String("code", p.Code), slog.String("err", err.Error()))
}
