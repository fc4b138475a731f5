// Package page is what people see of Tributary in a browser: the page behind an
// invite's link, in Chinese and English. It knows how things look and how they
// are said; what is true it is told. A page is one file: style and script stand
// in it, allowed by their hashes, so that a phone on a bad line asks once.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

var (
	//go:embed page.html
	markup string
	//go:embed style.css
	style string
	//go:embed page.js
	script string
)

// Picture is the PNG that a chat's card shows, the sign of the product and
// nothing else; PicturePath is where it is to be found on the pages' own host.
//
//go:embed card.png
var Picture []byte

// PicturePath is where Picture is.
const PicturePath = "/card.png"

// Pages renders pages. It is safe for concurrent use.
type Pages struct {
	template *template.Template
	policy   string
}

// Load parses the templates, once a process. Pages are to be served at the
// origin web: chats want to be told where the picture is in full.
func Load(web string) (*Pages, error) {
	t, err := template.New("page").Funcs(template.FuncMap{
		"style":   func() template.HTML { return template.HTML("<style>" + style + "</style>") },
		"script":  func() template.HTML { return template.HTML("<script>" + script + "</script>") },
		"picture": func() string { return web + PicturePath },
	}).Parse(markup)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return &Pages{t, "default-src 'none'; style-src " + hashed(style) + "; script-src " + hashed(script) +
		"; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"}, nil
}

// hashed is how a Content-Security-Policy names an inline text.
func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Policy is the Content-Security-Policy that pages are to be sent with: nothing
// from elsewhere, no script and no style but the pages' own, in nobody's frame.
func (p *Pages) Policy() string { return p.policy }

// Render writes a page.
func (p *Pages) Render(v View) ([]byte, error) {
	var b bytes.Buffer
	if err := p.template.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

// State is which page it is.
type State string

// The states there are. Of a Plain one Code says what is the matter.
const (
	SignIn  State = "sign_in" // live, and nobody is signed in
	Choose  State = "choose"  // live: under which corp?
	Joined  State = "joined"
	Waiting State = "waiting" // has applied
	Plain   State = "plain"   // nothing to fill in
)

// View is all that a page shows. Texts in it are other people's and are
// escaped.
type View struct {
	Lang        string // "zh-CN" or "en"
	State       State
	Code        string // why it is as it is: a code of the API, or one of this room's texts
	Token       string // the invite's; stands in addresses of forms only
	CSRF        string
	By          string // who the form is for, sealed; comes back with it
	Invite      Invite
	Person      *Person  // who is signed in
	Contact     *Contact // as whom the roster expects them
	Declined    bool     // Contact has said no
	Blocked     bool     // they want no notices
	Corps       []Corp   // theirs
	Form        Form
	Faults      map[string]string // field of the form → code
	Seats       []Seat            // their memberships
	Fresh       bool              // the first of Seats is of this moment
	Application *Application
	Kept        *Form         // what was sent and wasn't taken, of a Plain page: it can be sent again
	Wait        time.Duration // before another try, where that is known
}

// Invite is what anybody may read of an invite.
type Invite struct {
	Chain, Owner, Inviter string
	Group                 string // "" for the root
	Note                  string
	Policy                string
	Expires               time.Time
}

// Person is who is signed in; the phone is masked.
type Person struct{ Name, Phone string }

// Shown is how they are told that it is them.
func (p Person) Shown() string { return strings.TrimSpace(p.Name + " " + p.Phone) }

// Contact is a person as the roster has them.
type Contact struct{ Name, Corp, Group string }

// Corp is one that the person may join under.
type Corp struct {
	ID, Name string
	Eligible bool
}

// Form is what was typed. Its fields go by the names that the API has for them.
type Form struct {
	Corp     string // an id, or "new"
	NewName  string // new_corp.name
	Industry string // new_corp.industry
	Name     string // name
}

// Seat is a membership.
type Seat struct {
	Corp     string
	Since    time.Time
	Mismatch bool // the roster calls the corp otherwise (R23)
}

// Application is one that waits, or was declined.
type Application struct {
	Corp   string
	At     time.Time
	Reason string
}

// Path is the page's own address, without what follows it. A page that belongs
// to no invite has none.
func (v View) Path() string {
	if v.Token == "" {
		return ""
	}
	return "/j/" + v.Token
}

// SignIn is where one signs in to come back here; "" for who is signed in.
func (v View) SignIn() string {
	if v.Token == "" || v.Person != nil || v.Code == "not_found" {
		return ""
	}
	return "/sign-in?to=" + v.Token
}

// Opens says that the page tells that its recipient has seen it (R32).
func (v View) Opens() bool { return v.Contact != nil }

// Group is where the person will be.
func (v View) Group() string {
	if v.Contact != nil && v.Contact.Group != "" {
		return v.Contact.Group
	}
	return v.Invite.Group
}

// Retry says that the same once more may help.
func (v View) Retry() bool {
	return v.Token != "" && (v.Code == "busy" || v.Code == "rate_limited" || v.Code == "internal" || v.Code == "sign_in_failed" || v.Code == "form_stale" || v.Code == "form_anew" || v.Code == "unreadable")
}

// Again says that a member may come in under another of their corps as well
// (R01).
func (v View) Again() bool { return v.CSRF != "" && v.Invite.Inviter != "" }

// Sooner says that who waits for an answer needn't: the chain is open by now, or
// a roster names them (R21).
func (v View) Sooner() bool {
	return v.State == Waiting && v.Again() && (v.Invite.Policy == "open" || v.Contact != nil)
}

// Initial is the owner's first character, in place of a logo.
func (v View) Initial() string {
	_, n := utf8.DecodeRuneInString(v.Invite.Owner)
	return strings.ToUpper(v.Invite.Owner[:n])
}

// Title names the page. No token stands in it.
func (v View) Title() string {
	switch v.State {
	case SignIn, Choose:
		title := v.T("title.join", v.Invite.Chain)
		if a := v.Alert(); a != nil && a.Tone != "good" {
			title = a.Title + " – " + title // what a screen reader says first
		}
		return title
	case Joined:
		return v.T("title.joined", v.Invite.Chain)
	case Waiting:
		return v.T("title.waiting", v.Invite.Chain)
	}
	return v.Plain().Title
}

// Card is what a chat shows of a live link.
type Card struct{ Site, Title, Description string }

// Card is nil where there is nothing to invite to.
func (v View) Card() *Card {
	if v.State != SignIn && v.State != Choose {
		return nil
	}
	return &Card{v.T("site"), v.T("card.title", v.Invite.Inviter, v.Invite.Chain), v.T("card.text", v.Invite.Owner)}
}

// Message says what is the matter and what to do next.
type Message struct{ Title, Next, Tone string }

// Plain is the message of a page that has nothing else.
func (v View) Plain() Message { return v.message(v.Code) }

// Alert is what stands above the form, nil if all is well.
func (v View) Alert() *Message {
	if v.Code == "" {
		return nil
	}
	m := v.message(v.Code)
	if v.Code == "application_declined" && v.Application != nil && v.Application.Reason != "" {
		m.Next = v.T("application_declined.reason", v.Application.Reason) + m.Next
	}
	return &m
}

func (v View) message(code string) Message {
	m, ok := messages[code]
	if !ok {
		m = messages["internal"] // a test holds that every code of the join has its message
	}
	said := Message{m.zh[0], m.zh[1], m.tone}
	if v.Lang == English {
		said = Message{m.en[0], m.en[1], m.tone}
	}
	if code == "rate_limited" && v.Wait > time.Minute {
		said.Next = v.T("wait", strconv.Itoa(int(math.Ceil(v.Wait.Minutes()))))
	}
	switch code { // what may be said of a form and of a look at the page
	case "busy", "rate_limited", "internal":
		if v.Kept != nil || v.State == Choose {
			said.Next += v.T("kept")
		}
	}
	return said
}

// PolicyText says what joining takes, "" where nothing stands in the way.
func (v View) PolicyText() string {
	switch v.Invite.Policy {
	case "imported_only", "approval", "imported_or_approval":
		return v.T("policy." + v.Invite.Policy)
	}
	return ""
}

// Button says what pressing it does.
func (v View) Button() string {
	switch {
	case v.Invite.Policy == "approval", v.Invite.Policy == "imported_or_approval" && v.Contact == nil:
		return v.T("apply")
	}
	return v.T("join")
}

// Field is a text field of the form.
type Field struct {
	Name, Label, Hint, Value, Autocomplete, Wrong string
	Required                                      bool
	First                                         bool   // of those that are wrong
	At                                            string // the id of what is to be mended
}

// fields are the form's, in their order.
var fields = []string{"corp_id", "new_corp.name", "new_corp.industry", "name"}

// Field is the field of that name.
func (v View) Field(name string) Field {
	f := Field{Name: name, At: name, Label: v.T("field." + name), Hint: v.T("hint." + name), Autocomplete: "off", Wrong: v.Fault(name)}
	switch name {
	case "corp_id":
		switch {
		case len(v.Corps) == 0:
			f.At = "" // nothing to choose from
		case v.FirstCorp() == "":
			f.At = "corp-new"
		}
	case "new_corp.name":
		f.Value, f.Autocomplete, f.Required = v.Form.NewName, "organization", true
		if len(v.Corps) > 0 {
			f.Hint = v.T("hint.new_corp.name.choice")
		}
	case "new_corp.industry":
		f.Value = v.Form.Industry
	case "name":
		f.Value, f.Autocomplete, f.Required = v.Form.Name, "name", true
	}
	for _, n := range fields {
		if v.Faults[n] != "" {
			f.First = n == name
			break
		}
	}
	return f
}

// FirstCorp is the first that can be chosen, "" if none can.
func (v View) FirstCorp() string {
	for _, c := range v.Corps {
		if c.Eligible {
			return c.ID
		}
	}
	return ""
}

// Wrong are the fields that are wrong, in their order.
func (v View) Wrong() (wrong []Field) {
	for _, name := range fields {
		if v.Fault(name) != "" {
			wrong = append(wrong, v.Field(name))
		}
	}
	return wrong
}

// Fault says what is wrong with a field, "" if nothing.
func (v View) Fault(name string) string {
	code := v.Faults[name]
	if code == "" {
		return ""
	}
	if said := v.T("fault." + name + "." + code); said != "" {
		return said
	}
	return v.T("fault.other")
}

// T is a text of ours in the reader's language, "" if there is none.
func (v View) T(key string, args ...any) string {
	said := texts[key]
	text := said.zh
	if v.Lang == English {
		text = said.en
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// china is where most readers are; the page doesn't know where this one is.
var china = time.FixedZone("UTC+8", 8*60*60)

// Time is a moment to the minute, as people read it.
func (v View) Time(t time.Time) string {
	if v.Lang == English {
		return t.In(china).Format("2 Jan 2006, 15:04") + " (UTC+8)"
	}
	return "北京时间 " + t.In(china).Format("2006年1月2日 15:04")
}

// Machine is a moment as machines read it.
func (v View) Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }
