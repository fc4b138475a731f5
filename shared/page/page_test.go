package page

import (
	"bytes"
	"image/png"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const secret = "TAEN0qhrzvL7IQ9oAaIOTT1dAGWA5AABdYFGijef8pkhex3UDnj0oQ"

// live is a link that nobody has signed in to as yet.
func live() View {
	return View{State: SignIn, Token: secret, Invite: Invite{Chain: "百川经销商", Owner: "百川集团", Inviter: "王掌柜", Policy: "open", Expires: noon}}
}

// form is the same, of who has signed in and has three corps.
func form() View {
	v := live()
	v.State, v.CSRF, v.By, v.Person = Choose, "csrf", "by", &Person{"李娜", "+86139******07"}
	v.Corps = []Corp{{"co1", "宏远商贸", true}, {"co2", "好味小店", true}, {"co3", "育才中学", false}}
	v.Form = Form{Corp: "co2", Name: "李娜"}
	return v
}

// refused is the form after a try.
func refused(code string, faults map[string]string) View {
	v := form()
	v.Code, v.Faults = code, faults
	v.Form = Form{Corp: "new", NewName: "宏远", Industry: "零售", Name: "李娜"}
	return v
}

func plain(code string) View {
	return View{State: Plain, Code: code, Token: secret}
}

// states are all that a person may see, with canned data: what it says, and
// what it lets them do.
var states = map[string]struct {
	view View
	says []string // in Chinese
	en   []string
	does []string // names of links and buttons, in Chinese
}{
	"live": {live(), []string{"王掌柜 邀请您加入", "百川经销商", "百川集团", "北京时间 2026年11月22日 20:00"}, []string{"王掌柜 invites you to join", "22 Nov 2026, 20:00 (UTC+8)"}, []string{"用手机号登录并继续"}},
	"live, with all that an invite may say": {with(live(), func(v *View) {
		v.Invite.Group, v.Invite.Note, v.Invite.Policy = "华东", "<b>请尽快</b>加入", "imported_only"
	}), []string{"华东", "<b>请尽快</b>加入", "仅名单中的企业可加入"}, []string{"Only companies on the roster"}, []string{"用手机号登录并继续"}},
	"a session that is over":             {with(live(), func(v *View) { v.Code = "session_over" }), []string{"登录已过期"}, []string{"Your sign-in has ended"}, []string{"用手机号登录并继续"}},
	"the same, with what was typed kept": {with(live(), func(v *View) { v.Code = "session_over_kept" }), []string{"您填写的内容已保留"}, []string{"what you entered is kept"}, []string{"用手机号登录并继续"}},
	"what was typed is back":             {refused("form_kept", nil), []string{"还没有提交", "您填写的内容已恢复"}, []string{"What you entered is back"}, []string{"加入", "退出登录"}},
	"choose a corp":                      {form(), []string{"您以哪家企业的身份加入？", "宏远商贸", "育才中学", "已登录：李娜 +86139******07"}, []string{"Which company are you joining as?"}, []string{"加入", "退出登录"}},
	"create one":                         {with(form(), func(v *View) { v.Corps, v.Form.Corp = nil, "new" }), []string{"企业名称", "您将成为该企业的超级管理员。"}, []string{"You will be its super-admin."}, []string{"加入", "退出登录"}},
	"a contact's own notice": {with(form(), func(v *View) {
		v.Contact = &Contact{"李娜", "宏远商贸", "华东"}
	}), []string{"李娜，您好", "华东"}, []string{"Hello 李娜,"}, []string{"加入", "不加入", "不再接收此上下游的通知", "退出登录"}},
	"approval":             {with(form(), func(v *View) { v.Invite.Policy = "approval" }), []string{"需管理员同意"}, []string{"An admin approves", "Apply to join"}, []string{"申请加入", "退出登录"}},
	"imported or approval": {with(form(), func(v *View) { v.Invite.Policy = "imported_or_approval" }), []string{"名单中的企业直接加入，其他需管理员同意"}, nil, []string{"申请加入", "退出登录"}},
	"nothing filled in": {refused("invalid", map[string]string{"corp_id": "missing", "new_corp.name": "missing", "name": "missing"}),
		[]string{"请选择一家企业，或选择新建。", "请填写企业名称。", "请填写您的姓名。"}, []string{"Choose a company, or a new one.", "Enter the company’s name.", "Enter your name."},
		[]string{"请选择一家企业，或选择新建。", "请填写企业名称。", "请填写您的姓名。", "加入", "退出登录"}},
	"too much filled in": {refused("invalid", map[string]string{"new_corp.name": "too_long", "new_corp.industry": "bad_character", "name": "bad_character"}),
		[]string{"最多 32 个字符", "请删除"}, []string{"at most 32 characters"},
		[]string{"企业名称最多 32 个字符，请缩短。", "行业名称含有无法显示的字符，请删除。", "姓名含有无法显示的字符，请删除。", "加入", "退出登录"}},
	"not eligible":          {refused("corp_not_eligible", nil), []string{"这家企业不能加入", "请选择另一家企业"}, []string{"This company can’t join"}, []string{"加入", "退出登录"}},
	"not imported":          {refused("not_imported", nil), []string{"您还不在名单中", "请把您的企业名称和手机号发给邀请您的人"}, []string{"You are not on the roster yet"}, []string{"加入", "退出登录"}},
	"bound to another":      {refused("bound_to_another", nil), []string{"这个邀请是发给别人的", "改用收到邀请的手机号"}, []string{"This invite is for somebody else"}, []string{"加入", "退出登录"}},
	"conflict":              {refused("partner_conflict", nil), []string{"您的企业需要管理员确认"}, []string{"An admin has to look at this"}, []string{"加入", "退出登录"}},
	"no room":               {refused("quota_exceeded", nil), []string{"名额已满", "您填写的内容已保留"}, []string{"There is no room left"}, []string{"加入", "退出登录"}},
	"the owner's own":       {refused("denied", nil), []string{"这是上下游的主企业"}, []string{"That company runs this network"}, []string{"加入", "退出登录"}},
	"busy at the form":      {refused("busy", nil), []string{"现在人太多了", "重复提交不会重复加入"}, []string{"Many people at once"}, []string{"加入", "退出登录"}},
	"too often":             {refused("rate_limited", nil), []string{"操作太频繁了"}, []string{"Too many tries"}, []string{"加入", "退出登录"}},
	"things have changed":   {refused("conflict", nil), []string{"情况刚刚有变"}, []string{"Things have just changed"}, []string{"加入", "退出登录"}},
	"no longer in the corp": {refused("not_a_member", nil), []string{"您已不是这家企业的成员"}, []string{"You are no longer in that company"}, []string{"加入", "退出登录"}},
	"a form that is stale":  {refused("form_stale", nil), []string{"请再点一次"}, []string{"Press once more"}, []string{"加入", "退出登录"}},
	"declined": {with(form(), func(v *View) {
		v.Code, v.Application = "application_declined", &Application{"宏远商贸", noon, "请先签合同"}
	}), []string{"上次的申请未通过", "原因：请先签合同。"}, []string{"Reason: 请先签合同."}, []string{"加入", "退出登录"}},
	"said no": {with(form(), func(v *View) { v.Code, v.Contact, v.Declined = "said_no", &Contact{"李娜", "宏远商贸", ""}, true }), []string{"已告知对方您不加入", "仍可在此加入"}, nil, []string{"加入", "不再接收此上下游的通知", "退出登录"}},
	"blocked after a no": {with(form(), func(v *View) {
		v.Code, v.Contact, v.Declined, v.Blocked = "blocked", &Contact{"李娜", "宏远商贸", ""}, true, true
	}), []string{"不会再收到此上下游的通知"}, nil, []string{"加入", "退出登录"}},
	"blocked": {with(form(), func(v *View) { v.Code, v.Contact, v.Blocked = "blocked", &Contact{"李娜", "宏远商贸", ""}, true }), []string{"不会再收到此上下游的通知"}, nil, []string{"加入", "不加入", "退出登录"}},
	"waiting": {with(form(), func(v *View) {
		v.State, v.Application, v.Invite.Policy = Waiting, &Application{"宏远商贸", noon, ""}, "approval"
	}), []string{"申请已提交，等待审核", "申请身份", "您无需再做什么"}, []string{"An admin of 百川集团 will decide", "Applying as"}, []string{"退出登录"}},
	"waiting, and needn't: it is open by now": {with(form(), func(v *View) {
		v.State, v.Application, v.Invite.Policy = Waiting, &Application{"宏远商贸", noon, ""}, "open"
	}), []string{"申请已提交", "现在可以直接加入"}, []string{"You can join at once now"}, []string{"加入", "退出登录"}},
	"waiting, and needn't: a roster names them": {with(form(), func(v *View) {
		v.State, v.Application, v.Invite.Policy, v.Contact = Waiting, &Application{"宏远商贸", noon, ""}, "imported_or_approval", &Contact{"李娜", "好味小店", ""}
	}), []string{"现在可以直接加入"}, nil, []string{"加入", "退出登录"}},
	"a member who is expected for another, too": {with(form(), func(v *View) {
		v.State, v.Seats, v.Contact = Joined, []Seat{{"宏远商贸", noon, false}}, &Contact{"李娜", "好味小店", ""}
	}), []string{"您已加入", "名单中您还代表 好味小店"}, []string{"The roster has you for 好味小店 as well"}, []string{"加入", "退出登录"}},
	"a form of somebody else's, or too old": {refused("form_anew", nil), []string{"请再看一遍"}, []string{"Look once more"}, []string{"加入", "退出登录"}},
	"joined": {with(form(), func(v *View) {
		v.State, v.Fresh, v.Seats = Joined, true, []Seat{{"宏远商贸", noon, false}}
	}), []string{"加入成功", "接下来", "通讯录的页面还没有开放", "同事也要加入？"}, []string{"Welcome! You have joined", "The directory has no page yet"}, []string{"加入", "退出登录"}},
	"a member already": {with(form(), func(v *View) {
		v.State, v.Seats = Joined, []Seat{{"宏远商贸", noon, true}, {"好味小店", noon, false}}
	}), []string{"您已加入", "好味小店", "对方名单中的企业名称与此不同"}, []string{"You are already in"}, []string{"加入", "退出登录"}},
	"a member by a link that is dead": {with(form(), func(v *View) {
		v.State, v.Seats, v.Invite = Joined, []Seat{{"宏远商贸", noon, false}}, Invite{Chain: "百川经销商", Owner: "百川集团"}
	}), []string{"您已加入"}, nil, []string{"退出登录"}},

	"expired":            {plain("invite_expired"), []string{"邀请已过期", "重新发送一个邀请"}, []string{"This invite has expired"}, []string{"已经加入？登录查看"}},
	"revoked":            {plain("invite_revoked"), []string{"邀请已失效"}, []string{"This invite no longer works"}, []string{"已经加入？登录查看"}},
	"used up":            {plain("invite_exhausted"), []string{"邀请名额已用完"}, []string{"This invite is used up"}, []string{"已经加入？登录查看"}},
	"dissolved":          {plain("chain_dissolved"), []string{"该上下游已解散"}, []string{"This network was dissolved"}, []string{"已经加入？登录查看"}},
	"unknown":            {plain("not_found"), []string{"没有找到这个邀请"}, []string{"We don’t know this invite"}, nil},
	"phone not verified": {with(plain("phone_not_verified"), func(v *View) { v.CSRF, v.Person = "csrf", &Person{"周未证", ""} }), []string{"您的手机号尚未验证"}, []string{"Your phone is not verified"}, []string{"换一个手机号登录", "退出登录"}},
	"busy":               {plain("busy"), []string{"现在人太多了"}, nil, []string{"再试一次"}},
	"busy, with a form to keep": {with(plain("busy"), func(v *View) {
		v.CSRF, v.Kept = "csrf", &Form{"new", "宏远商贸", "零售", "李娜"}
	}), []string{"您填写的内容已保留"}, nil, []string{"再试一次"}},
	"too often, for minutes": {with(plain("rate_limited"), func(v *View) { v.Wait = 591 * time.Second }), []string{"请约 10 分钟后再试一次"}, []string{"Try again in about 10 minutes"}, []string{"再试一次"}},
	"unreadable":             {plain("unreadable"), []string{"填写得短一些"}, []string{"Try again and enter less"}, []string{"再试一次"}},
	"no invite's address":    {View{State: Plain, Code: "start"}, []string{"请打开您收到的邀请"}, []string{"Open the invite you got"}, nil},
	"our fault":              {plain("internal"), []string{"出了点问题"}, []string{"Something went wrong"}, []string{"再试一次"}},
	"a sign-in failed":       {View{State: Plain, Code: "sign_in_failed"}, []string{"登录没有完成"}, []string{"Signing in didn’t finish"}, nil},
	"signed out":             {View{State: Plain, Code: "signed_out"}, []string{"您已退出登录"}, []string{"You are signed out"}, nil},
}

func with(v View, change func(*View)) View { change(&v); return v }

func TestEachStateSaysWhatIsTheMatterAndWhatToDoNext(t *testing.T) {
	t.Parallel()
	pages, err := Load("https://pages.example")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range states {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, lang := range []string{Chinese, English} {
				s.view.Lang = lang
				b, err := pages.Render(s.view)
				if err != nil {
					t.Fatal(err)
				}
				d := read(t, string(b))
				says := s.says
				if lang == English {
					says = s.en
				} else if got := d.actions(); !slices.Equal(got, s.does) {
					t.Errorf("it lets people do %q, want %q", got, s.does)
				}
				for _, want := range says {
					if !strings.Contains(d.text(), want) {
						t.Errorf("%s: it doesn't say %q:\n%s", lang, want, d.text())
					}
				}
				d.check(t, lang)
				if len(b) > 50_000 {
					t.Errorf("it weighs %d bytes, want at most 50 KB", len(b))
				}
			}
		})
	}
}

func TestWhatWasTypedIsKept(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"no room", "busy, with a form to keep"} {
		d := rendered(t, states[name].view)
		got := map[string]string{}
		for _, n := range d.all("input") {
			if n.attr("type") != "radio" || n.has("checked") {
				got[n.attr("name")] = n.attr("value")
			}
		}
		if got["corp"] != "new" || !strings.HasPrefix(got["new_corp.name"], "宏远") || got["new_corp.industry"] != "零售" || got["name"] != "李娜" {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestOtherPeoplesTextsAreTexts(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script>`
	v := with(form(), func(v *View) {
		v.Invite = Invite{Chain: evil, Owner: evil, Inviter: evil, Group: evil, Note: evil, Policy: evil, Expires: noon}
		v.Contact, v.Person = &Contact{evil, evil, evil}, &Person{evil, evil}
		v.Corps, v.Form = []Corp{{evil, evil, true}}, Form{evil, evil, evil, evil}
		v.Code, v.Application = "application_declined", &Application{evil, noon, evil}
		v.Faults = map[string]string{"name": evil}
	})
	for _, state := range []State{SignIn, Choose, Joined, Waiting, Plain} {
		v.State, v.Seats = state, []Seat{{evil, noon, true}}
		if d := rendered(t, v); len(d.all("script")) != 1 {
			t.Errorf("%s: a text has become markup", state)
		}
	}
}

func TestWhatIsWrongIsLinkedToWhereItIsMended(t *testing.T) {
	t.Parallel()
	barred := []Corp{{"co3", "育才中学", false}}
	for name, c := range map[string]struct {
		view View
		want []string // what is linked to
	}{
		"each field":               {states["nothing filled in"].view, []string{"corp_id", "new_corp.name", "name"}},
		"no corp that may be":      {with(states["nothing filled in"].view, func(v *View) { v.Corps = barred }), []string{"corp-new", "new_corp.name", "name"}},
		"nothing to choose from":   {with(states["nothing filled in"].view, func(v *View) { v.Corps = nil }), []string{"new_corp.name", "name"}},
		"the first corp is barred": {with(refused("invalid", map[string]string{"corp_id": "missing"}), func(v *View) { v.Corps = append(barred, v.Corps[:2]...) }), []string{"corp_id"}},
		"nothing of the form's":    {refused("not_imported", nil), nil},
	} {
		d := rendered(t, c.view)
		var got []string
		for _, a := range d.all("a") {
			id := strings.TrimPrefix(a.attr("href"), "#")
			got = append(got, id)
			if !slices.ContainsFunc(d.all("input"), func(n node) bool { return n.attr("id") == id && !n.has("disabled") }) {
				t.Errorf("%s: %s is no field", name, id)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if title := rendered(t, refused("not_imported", nil)).all("title")[0].text(); title != "您还不在名单中 – 加入「百川经销商」" {
		t.Errorf("got the title %q", title)
	}
}

func TestThePictureIsSmallAndSaysNothing(t *testing.T) {
	t.Parallel()
	c, err := png.DecodeConfig(bytes.NewReader(Picture))
	if err != nil || c.Width != c.Height || c.Width < 300 || len(Picture) > 10_000 {
		t.Errorf("got %dx%d in %d bytes, %v, want a square of 300 or more in at most 10 KB", c.Width, c.Height, len(Picture), err)
	}
	for _, chunk := range []string{"tEXt", "zTXt", "iTXt", "eXIf", "tIME"} {
		if bytes.Contains(Picture, []byte(chunk)) {
			t.Errorf("it has a %s", chunk)
		}
	}
}

func TestTheTokenStandsInNoTitleAndNoCard(t *testing.T) {
	t.Parallel()
	for name, s := range states {
		d := rendered(t, s.view)
		for _, n := range slices.Concat(d.all("title"), d.all("meta")) {
			if strings.Contains(n.text()+n.attr("content"), secret) {
				t.Errorf("%s: the token stands in a <%s>", name, n.Data)
			}
		}
	}
}

func TestACardIsForWhoMayJoinAndNamesNobodyButTheInviter(t *testing.T) {
	t.Parallel()
	v := form()
	v.Contact = &Contact{Name: "赵强", Corp: "宏远商贸"}
	card := map[string]string{}
	for _, n := range rendered(t, v).all("meta") {
		card[n.attr("property")] = n.attr("content")
	}
	if card["og:title"] != "王掌柜邀请您加入「百川经销商」" || strings.Contains(card["og:title"]+card["og:description"], "赵强") {
		t.Errorf("got %v", card)
	}
	for _, n := range rendered(t, plain("invite_expired")).all("meta") {
		if strings.HasPrefix(n.attr("property"), "og:") {
			t.Error("a dead link has a card")
		}
	}
}

func TestEachTextHasItsWordsInBothLanguages(t *testing.T) {
	t.Parallel()
	for key, said := range texts {
		if said.zh == "" || said.en == "" || strings.Count(said.zh, "%s") != strings.Count(said.en, "%s") {
			t.Errorf("%s: got %q and %q", key, said.zh, said.en)
		}
	}
	for code, m := range messages {
		for _, text := range []string{m.zh[0], m.zh[1], m.en[0], m.en[1]} {
			if text == "" || !slices.Contains([]string{"good", "warn", "bad"}, m.tone) {
				t.Errorf("%s: got %+v", code, m)
			}
		}
	}
	// What a join may answer (api.md), as far as it isn't a field's.
	for _, code := range strings.Fields(`invalid not_found invite_expired invite_revoked invite_exhausted chain_dissolved corp_not_eligible not_imported
		phone_not_verified bound_to_another partner_conflict quota_exceeded denied not_a_member conflict rate_limited busy internal`) {
		if _, ok := messages[code]; !ok {
			t.Errorf("%s has no message", code)
		}
	}
}

func TestThePolicyLetsInTheWholePageAndNothingElse(t *testing.T) {
	t.Parallel()
	pages, err := Load("https://pages.example")
	if err != nil {
		t.Fatal(err)
	}
	d := rendered(t, live())
	for _, kind := range []string{"style", "script"} {
		if text := d.all(kind)[0].text(); !strings.Contains(pages.Policy(), kind+"-src "+hashed(text)+";") {
			t.Errorf("the policy doesn't let in the %s", kind)
		}
	}
	for _, never := range []string{"unsafe", "http", "*", "'self' data"} {
		if strings.Contains(pages.Policy(), never) {
			t.Errorf("the policy says %s: %s", never, pages.Policy())
		}
	}
	for _, must := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(pages.Policy(), must) {
			t.Errorf("the policy doesn't say %s", must)
		}
	}
}

// document is a page as a browser would read it.
type document struct{ node }

type node struct{ *html.Node }

func rendered(t *testing.T, v View) document {
	t.Helper()
	pages, err := Load("https://pages.example")
	if err != nil {
		t.Fatal(err)
	}
	if v.Lang == "" {
		v.Lang = Chinese
	}
	b, err := pages.Render(v)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, string(b))
}

func read(t *testing.T, page string) document {
	t.Helper()
	if !strings.HasPrefix(page, "<!doctype html>") {
		t.Errorf("it begins with %.20q", page)
	}
	n, err := html.Parse(strings.NewReader(page))
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return document{node{n}}
}

func (n node) all(tag string) (found []node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == tag {
			found = append(found, node{d})
		}
	}
	return found
}

func (n node) has(name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func (n node) attr(name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text is what is read, without what only the browser reads.
func (n node) text() string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && (n.Data == d.Parent.Data || d.Parent.Data != "style" && d.Parent.Data != "script") {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// actions are the links and buttons, in their order.
func (d document) actions() (names []string) {
	for e := range d.Descendants() {
		if e.Type == html.ElementNode && (e.Data == "a" || e.Data == "button") {
			names = append(names, strings.TrimSpace(node{e}.text()))
		}
	}
	return names
}

var onEvent = regexp.MustCompile(`^on[a-z]+$`)

// check holds what every page must be.
func (d document) check(t *testing.T, lang string) {
	t.Helper()
	if got := d.all("html")[0].attr("lang"); got != lang {
		t.Errorf("it says it is in %q, want %q", got, lang)
	}
	if title := d.all("title"); len(title) != 1 || title[0].text() == "" {
		t.Error("it has no title")
	}
	if len(d.all("h1")) != 1 || d.all("h1")[0].text() == "" {
		t.Errorf("it has %d h1, want one that says something", len(d.all("h1")))
	}
	if len(d.all("main")) != 1 {
		t.Error("it has no main")
	}
	ids := map[string]bool{}
	labels := map[string]bool{}
	for e := range d.Descendants() {
		if e.Type != html.ElementNode {
			continue
		}
		n := node{e}
		if id := n.attr("id"); id != "" {
			if ids[id] {
				t.Errorf("two things are called %s", id)
			}
			ids[id] = true
		}
		if n.Data == "label" {
			labels[n.attr("for")] = true
		}
		for _, a := range n.Attr {
			if a.Key == "style" || onEvent.MatchString(a.Key) {
				t.Errorf("<%s %s>: the policy doesn't let that in", n.Data, a.Key)
			}
			if (a.Key == "href" || a.Key == "src" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "data:image/svg+xml,") {
				t.Errorf("<%s %s=%q> asks somebody else", n.Data, a.Key, a.Val)
			}
		}
	}
	for _, n := range d.all("input") {
		inLabel := n.Parent.Data == "label"
		if n.attr("type") != "hidden" && !inLabel && !labels[n.attr("id")] {
			t.Errorf("the field %s has no label", n.attr("name"))
		}
		for _, by := range strings.Fields(n.attr("aria-describedby")) {
			if !ids[by] {
				t.Errorf("the field %s is described by %s, which isn't there", n.attr("name"), by)
			}
		}
	}
	for _, f := range d.all("form") {
		tokens := 0
		for _, n := range f.all("input") {
			if n.attr("name") == "csrf" && n.attr("value") != "" {
				tokens++
			}
		}
		if f.attr("method") != "post" || tokens != 1 {
			t.Errorf("the form to %.3s… has %d tokens, want one, by post", f.attr("action"), tokens)
		}
	}
}
