package demo

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-app/tributary/infra/local/stack"
)

// ask is a request that names things by id. A part in braces is filled with
// the id of a thing of that kind: of each that the viewer doesn't see, and of
// one that nobody has.
type ask struct {
	path string // "" is the route's
	body string
	corp string // acts as
	open string // to whom it tells of what they may not see otherwise: the progress of an import, to members from whom nobody is kept
}

// asks are all routes that name something by id, with what they are asked.
var asks = map[string][]ask{
	"GET /v1/me":                                     {{corp: "{corp}"}},
	"GET /v1/chains":                                 {{corp: "{corp}"}},
	"POST /v1/chains":                                {{corp: "{corp}", body: `{"name":"谁的 {corp}"}`}},
	"GET /v1/corps/{corp_id}":                        {{}},
	"PATCH /v1/corps/{corp_id}":                      {{body: `{"name":"改名"}`}},
	"GET /v1/corps/{corp_id}/members":                {{}},
	"POST /v1/corps/{corp_id}/members":               {{body: `{"name":"某人","phone":"19900000099","role":"member"}`}},
	"PATCH /v1/corps/{corp_id}/members/{person_id}":  {{body: `{"role":"member"}`}},
	"DELETE /v1/corps/{corp_id}/members/{person_id}": {{}},

	"GET /v1/chains/{chain_id}":                                {{}},
	"PATCH /v1/chains/{chain_id}":                              {{body: `{"members_may_invite":true}`}},
	"DELETE /v1/chains/{chain_id}":                             {{}},
	"DELETE /v1/chains/{chain_id}/membership":                  {{}},
	"GET /v1/chains/{chain_id}/admins":                         {{}},
	"POST /v1/chains/{chain_id}/admins":                        {{body: `{"person_id":"{person}"}`}},
	"DELETE /v1/chains/{chain_id}/admins/{person_id}":          {{}},
	"GET /v1/chains/{chain_id}/audit":                          {{}},
	"GET /v1/chains/{chain_id}/groups":                         {{}},
	"POST /v1/chains/{chain_id}/groups":                        {{body: `{"name":"新组","parent_id":{group}}`}},
	"PATCH /v1/chains/{chain_id}/groups/{group_id}":            {{body: `{"name":"改名"}`}},
	"DELETE /v1/chains/{chain_id}/groups/{group_id}":           {{}, {path: "/v1/chains/{chain}/groups/{group}?reassign_to=1"}},
	"GET /v1/chains/{chain_id}/roster-template.xlsx":           {{}},
	"GET /v1/chains/{chain_id}/partners":                       {{}, {path: "/v1/chains/{chain}/partners?group_id={group}"}, {path: "/v1/chains/{chain}/partners?group_id={group}&recursive=true&state=joined"}},
	"POST /v1/chains/{chain_id}/partners/move":                 {{body: `{"partner_ids":["{partner}"],"group_id":1}`}, {body: `{"partner_ids":["paxxxxxxxxxxxxxxxx"],"group_id":{group}}`}},
	"GET /v1/chains/{chain_id}/partners/{partner_id}":          {{}},
	"PATCH /v1/chains/{chain_id}/partners/{partner_id}":        {{body: `{"alias":"别名"}`}},
	"DELETE /v1/chains/{chain_id}/partners/{partner_id}":       {{}},
	"GET /v1/chains/{chain_id}/partners/{partner_id}/contacts": {{}, {path: "/v1/chains/{chain}/partners/{partner}/contacts?limit=1&cursor=forged"}},
	"GET /v1/chains/{chain_id}/partners/{partner_id}/removal":  {{}},

	"GET /v1/chains/{chain_id}/directory":             {{}, {path: "/v1/chains/{chain}/directory?group_id={group}"}, {path: "/v1/chains/{chain}/directory?group_id={group}&recursive=true"}},
	"GET /v1/chains/{chain_id}/directory/groups":      {{}},
	"GET /v1/chains/{chain_id}/directory/search":      {{path: "/v1/chains/{chain}/directory/search?q={partner}"}},
	"GET /v1/chains/{chain_id}/directory/explain":     {{path: "/v1/chains/{chain}/directory/explain?viewer={person}&target={partner}"}},
	"GET /v1/chains/{chain_id}/directory/export.xlsx": {{}},
	"GET /v1/chains/{chain_id}/directory/export.csv":  {{}},
	"POST /v1/chains/{chain_id}/exports":              {{body: `{"format":"csv"}`}},
	"GET /v1/chains/{chain_id}/exports/{export_id}":   {{}},
	"GET /v1/chains/{chain_id}/progress":              {{path: "/v1/chains/{chain}/progress?import_id={import}", open: "staff"}, {path: "/v1/chains/{chain}/progress?group_id={group}"}, {path: "/v1/chains/{chain}/progress?by=day&group_id={group}"}},
	"GET /v1/chains/{chain_id}/rules":                 {{}},
	"POST /v1/chains/{chain_id}/rules": {
		{body: `{"owner":{"roles":["member"]},"partner":{"corps":["{partner}"]},"effect":"hide"}`},
		{body: `{"owner":{"roles":["member"]},"partner":{"groups":[{group}]},"effect":"hide"}`},
		{body: `{"owner":{"members":["{person}"]},"partner":{"groups":[1]},"effect":"allow"}`},
	},
	"GET /v1/chains/{chain_id}/rules/{rule_id}":    {{}},
	"PATCH /v1/chains/{chain_id}/rules/{rule_id}":  {{body: `{"effect":"hide"}`}},
	"DELETE /v1/chains/{chain_id}/rules/{rule_id}": {{}},

	"GET /v1/chains/{chain_id}/invites": {{}, {path: "/v1/chains/{chain}/invites?group_id={group}"}, {path: "/v1/chains/{chain}/invites?maker={person}"}},
	"POST /v1/chains/{chain_id}/invites": {
		{body: `{"group_id":{group}}`},
		{body: `{"group_id":{group},"max_uses":1,"corp_id":"coxxxxxxxxxxxxxxxx"}`},
	},
	"POST /v1/chains/{chain_id}/invites/revoke":                 {{body: `{"group_id":{group}}`}, {body: `{"maker":"{person}"}`}},
	"GET /v1/chains/{chain_id}/invites/{invite_id}":             {{}},
	"POST /v1/chains/{chain_id}/invites/{invite_id}/revoke":     {{}},
	"POST /v1/chains/{chain_id}/invites/{invite_id}/resend":     {{}},
	"POST /v1/chains/{chain_id}/invites/{invite_id}/adopt":      {{}},
	"GET /v1/chains/{chain_id}/invites/{invite_id}/poster.svg":  {{}},
	"GET /v1/chains/{chain_id}/invites/{invite_id}/qr.png":      {{}},
	"GET /v1/chains/{chain_id}/invites/{invite_id}/qr.svg":      {{}},
	"GET /v1/chains/{chain_id}/group-migrations":                {{}},
	"POST /v1/chains/{chain_id}/group-migrations":               {{body: `{"group_name":"群","owner":"{person}","members":[]}`}},
	"GET /v1/chains/{chain_id}/group-migrations/{migration_id}": {{}},

	"GET /v1/chains/{chain_id}/applications":                     {{}},
	"POST /v1/chains/{chain_id}/applications/decide":             {{body: `{"application_ids":["{application}"],"decision":"decline"}`}, {body: `{"application_ids":["apxxx"],"decision":"accept","group_id":{group}}`}},
	"GET /v1/chains/{chain_id}/conflicts":                        {{}},
	"POST /v1/chains/{chain_id}/conflicts/{conflict_id}/resolve": {{body: `{"new_partner":true}`}, {body: `{"partner_id":"{partner}"}`}},

	"GET /v1/chains/{chain_id}/imports":                         {{}},
	"POST /v1/chains/{chain_id}/imports":                        {{body: `{"file_name":"名单.csv"}`}},
	"GET /v1/chains/{chain_id}/imports/{import_id}":             {{}},
	"GET /v1/chains/{chain_id}/imports/{import_id}/rows":        {{}},
	"GET /v1/chains/{chain_id}/imports/{import_id}/errors.xlsx": {{}},
	"POST /v1/chains/{chain_id}/imports/{import_id}/apply":      {{body: `{"plan_id":"plxxxxxxxxxxxxxxxx"}`}},
	"POST /v1/chains/{chain_id}/imports/{import_id}/cancel":     {{}},
	"POST /v1/chains/{chain_id}/imports/{import_id}/revert":     {{}},

	// Who has a token may read what it leads to; what else the route names is the corp.
	"POST /v1/join/{token}": {{path: "/v1/join/{token}", body: `{"corp_id":"{corp}"}`}},
}

// nothing are the routes that name nothing by id but a token, which is itself
// the right to what it leads to, or the caller's own.
var nothing = []string{
	"DELETE /v1/me", "POST /v1/corps", "GET /v1/openapi.yaml", "GET /v1/roster-template.xlsx",
	"GET /v1/join/{token}", "HEAD /v1/join/{token}", "GET /v1/join/{token}/me", "GET /v1/join/{token}/application",
	"POST /v1/join/{token}/opened", "POST /v1/join/{token}/decline", "POST /v1/join/{token}/block",
}

// thing is something that has an id, and who may learn of it.
type thing struct {
	kind, id string
	told     []string // what it is known by besides
	seen     []string // by viewers of these names
}

// walk is a chain with one of each thing, those of another chain, and who may
// look.
type walk struct {
	*Demo
	t       *testing.T
	viewers map[string]*person
	closed  bool // who is in no part of the chain has looked: settings are nothing to them
	things  []thing
	ids     map[string]string // of the chain's own, by name
}

// TestNothingTellsOfWhatCannotBeSeen walks all routes as everybody: what is
// named that the viewer may not see is answered, to the byte, as what isn't
// there; and nothing that they read has a word of it.
func TestNothingTellsOfWhatCannotBeSeen(t *testing.T) {
	t.Parallel()
	d, s := setup(t)
	known(t, s)
	w := &walk{Demo: d, t: t, viewers: map[string]*person{}, ids: map[string]string{}}
	began := time.Now()
	w.fill()
	t.Logf("the chain is there after %s", time.Since(began).Round(time.Millisecond))

	for _, phase := range []struct {
		name, settings string
		open           bool
	}{
		{"partners apart, members by what is hidden", `{"members_see":"all","partners_see_each_other":false}`, false},
		{"partners see each other, members by rules", `{"members_see":"rules","partners_see_each_other":true}`, true},
	} {
		w.must("boss", "PATCH", w.chain, phase.settings)
		w.look(phase.open)
		n := w.names(phase.name)
		m := w.reads(phase.name)
		w.brings("clerk")
		if !phase.open {
			w.brings("alpha")
		}
		w.closed = true
		t.Logf("%s: %d pairs of requests, %d answers read, after %s", phase.name, n, m, time.Since(began).Round(time.Millisecond))
	}
	w.comesAndGoes()
	t.Logf("done after %s", time.Since(began).Round(time.Millisecond))
}

// known makes sure that the walk has each route that is deployed.
func known(t *testing.T, s *stack.Stack) {
	t.Helper()
	for _, f := range s.Application.Functions {
		for _, r := range f.Routes {
			api := strings.HasPrefix(r.Path, "/v1/") // the console's pages ask these routes
			if _, has := asks[r.Key()]; api && !has && !slices.Contains(nothing, r.Key()) {
				t.Errorf("the walk doesn't know %s: say in asks what it names by id, or in nothing that it names nothing", r.Key())
			}
		}
	}
}

func (w *walk) signIn(name, phone, called string) *person {
	w.t.Helper()
	p, err := w.Demo.signIn(w.t.Context(), phone, called)
	if err != nil {
		w.t.Fatal(err)
	}
	w.viewers[name] = p
	return p
}

// must has a viewer do something that must succeed.
func (w *walk) must(viewer, method, path, body string) (out map[string]any) {
	w.t.Helper()
	var in any
	if body != "" {
		in = json.RawMessage(body)
	}
	if _, err := w.viewers[viewer].do(w.t.Context(), method, path, in, &out); err != nil {
		w.t.Fatalf("%s: %s %s: %v", viewer, method, path, err)
	}
	return out
}

func (w *walk) add(name, kind string, id any, seen string, told ...string) string {
	w.t.Helper()
	s := fmt.Sprint(id)
	if id == nil || s == "" {
		w.t.Fatalf("%s has no id", name)
	}
	w.ids[name] = s
	w.things = append(w.things, thing{kind, s, told, strings.Fields(seen)})
	return s
}

// Who sees what by a role alone; what the rules and the settings say comes in look.
const (
	admins = "boss admin"
	owners = admins + " staff clerk"
	all    = owners + " alpha beta"
)

const walkRoster = `企业名称,联系人姓名,身份,手机号,上下游分组,自定义企业ID
待来丙坊,待来丙人,负责人,19907000010,藏组,Z0000010
待来丁坊,待来丁人,负责人,19907000011,明组,Z0000011
两家戊坊,戊人甲,负责人,19907000012,藏组/藏下组,Z0000012
两家戊坊,戊人乙,成员,19907000013,藏组/藏下组,Z0000012
错行己坊,错行己人,负责人,123,藏组,Z0000014
`

func (w *walk) fill() {
	t := w.t
	t.Helper()
	ctx := t.Context()
	if _, err := w.found(ctx); err != nil {
		t.Fatal(err)
	}
	w.viewers["boss"] = w.boss
	corp := w.add("host", "corp", w.boss.corp, owners)
	w.add("chain", "chain", strings.TrimPrefix(w.chain, "/v1/chains/"), all)
	w.ids["corp"] = corp
	for name, phone := range map[string]string{"admin": "+8619907000001", "staff": "+8619907000002", "clerk": "+8619907000003"} {
		m := w.must("boss", "POST", "/v1/corps/"+corp+"/members", fmt.Sprintf(`{"name":"本家%s","phone":%q,"role":"member"}`, name, phone))
		w.add(name+" person", "person", m["person_id"], owners, phone)
		w.signIn(name, phone, "本家"+name)
	}
	w.must("boss", "POST", w.chain+"/admins", fmt.Sprintf(`{"person_id":%q}`, w.ids["admin person"]))
	shown := w.add("shown", "group", w.must("boss", "POST", w.chain+"/groups", `{"name":"明组"}`)["group_id"], "")
	hidden := w.add("hidden", "group", w.must("boss", "POST", w.chain+"/groups", `{"name":"藏组"}`)["group_id"], "", "藏组")
	w.add("below", "group", w.must("boss", "POST", w.chain+"/groups", `{"name":"藏下组","parent_id":`+hidden+`}`)["group_id"], "", "藏下组")

	id, imp, err := w.send(ctx, "名单.csv", []byte(walkRoster), map[string]any{}, "done")
	if err != nil || imp.OK != 4 || imp.Failed != 1 {
		t.Fatalf("the roster: %+v, %v", imp, err)
	}
	w.add("import", "import", id, admins)
	pending, _, err := list[struct {
		PartnerID string `json:"partner_id"`
		Name      string
	}](ctx, w.boss, w.chain+"/partners?state=pending", 200)
	if err != nil || len(pending) != 3 {
		t.Fatalf("%d pending partners, %v", len(pending), err)
	}
	for _, p := range pending {
		w.add(p.Name, "partner", p.PartnerID, "", p.Name, strings.TrimSuffix(p.Name, "坊")+"人", "戊人")
	}
	w.things[len(w.things)-1].told = slices.Compact(w.things[len(w.things)-1].told)

	// Those who come by links, each into a group; the last by a link of beta's.
	w.must("boss", "PATCH", w.chain, `{"partners_may_invite":true}`)
	join := func(name, phone, called, corpName, token string) {
		p := w.signIn(name, phone, called)
		m := w.must(name, "POST", "/v1/join/"+token, fmt.Sprintf(`{"new_corp":{"name":%q}}`, corpName))
		p.corp = fmt.Sprint(m["corp_id"])
		w.add(name+" partner", "partner", m["partner_id"], "", corpName, called, phone[len(phone)-4:])
		w.add(name+" corp", "corp", p.corp, name)
		w.add(name+" person", "person", m["person_id"], admins+" "+name)
	}
	link := func(viewer, body string) map[string]any { return w.must(viewer, "POST", w.chain+"/invites", body) }
	open := link("boss", `{"group_id":`+shown+`}`)
	covert := link("boss", `{"group_id":`+hidden+`}`)
	w.add("open invite", "invite", open["invite_id"], admins)
	w.add("covert invite", "invite", covert["invite_id"], admins)
	join("alpha", "+8619907001001", "甲掌柜", "甲家商行", fmt.Sprint(open["token"]))
	join("beta", "+8619907002002", "乙掌柜", "乙家商行", fmt.Sprint(covert["token"]))
	theirs := link("beta", `{}`)
	w.add("beta invite", "invite", theirs["invite_id"], admins+" beta")
	join("gamma", "+8619907003003", "丙掌柜", "庚家商行", fmt.Sprint(theirs["token"]))
	w.must("boss", "PATCH", w.chain+"/partners/"+w.ids["gamma partner"], `{"group_id":`+shown+`}`)
	join("delta", "+8619907004004", "丁掌柜", "辛家商行", fmt.Sprint(open["token"]))
	delete(w.viewers, "gamma")
	delete(w.viewers, "delta")
	lost := link("clerk", `{"group_id":`+hidden+`}`) // made while the group could be seen
	w.add("clerk invite", "invite", lost["invite_id"], admins+" clerk")
	m := w.must("clerk", "POST", w.chain+"/group-migrations", `{"group_name":"旧群","owner":"19907000003","members":[{"name":"乙","phone":"19907002002","is_member":false},{"name":"新","phone":"19907009009","is_member":false}]}`)
	w.add("migration", "migration", m["migration_id"], admins+" clerk")
	w.add("migration invite", "invite", m["invite_id"], admins+" clerk")

	// Two of one roster partner who choose other corps: a conflict (R23).
	for i, phone := range []string{"+8619907000012", "+8619907000013"} {
		var token string
		if err := until(ctx, "a notice", func() (bool, error) {
			token, err = w.noticeToken(ctx, phone)
			return err == nil, nil
		}); err != nil {
			t.Fatal(err)
		}
		p, err := w.Demo.signIn(ctx, phone, "戊人"+string([]rune("甲乙")[i]))
		if err != nil {
			t.Fatal(err)
		}
		var corp struct { // had before: one made in the same minute would be the other's too (R23)
			CorpID string `json:"corp_id"`
		}
		if _, err := p.do(ctx, "POST", "/v1/corps", map[string]any{"name": fmt.Sprint("戊家", i)}, &corp); err != nil {
			t.Fatal(err)
		}
		_, err = p.do(ctx, "POST", "/v1/join/"+token, map[string]any{"corp_id": corp.CorpID}, nil)
		if i == 1 {
			err = refused(err, http.StatusConflict, "partner_conflict")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	conflicts := w.must("boss", "GET", w.chain+"/conflicts", "")
	w.add("conflict", "conflict", conflicts["items"].([]any)[0].(map[string]any)["conflict_id"], admins)

	// One who has only applied.
	w.must("boss", "PATCH", w.chain, `{"join_policy":"approval"}`)
	w.signIn("applicant", "+8619907005005", "候掌柜")
	a := w.must("applicant", "POST", "/v1/join/"+fmt.Sprint(open["token"]), `{"new_corp":{"name":"候家商行"}}`)
	w.add("application", "application", a["application_id"], admins, "候家商行", "候掌柜")
	w.must("boss", "PATCH", w.chain, `{"join_policy":"open"}`)
	w.viewers["applicant"].corp = fmt.Sprint(w.must("applicant", "POST", "/v1/corps", `{"name":"候家别号"}`)["corp_id"])

	e := w.must("boss", "POST", w.chain+"/exports", `{"format":"csv"}`)
	w.add("export", "export", e["export_id"], "boss")

	// Someone with a corp alone, and the owner of another chain.
	w.signIn("outsider", "+8619907006006", "路人")
	w.viewers["outsider"].corp = fmt.Sprint(w.must("outsider", "POST", "/v1/corps", `{"name":"路人商行"}`)["corp_id"])
	w.add("outsider corp", "corp", w.viewers["outsider"].corp, "outsider", "路人商行")
	w.signIn("stranger", "+8619907007007", "外掌柜")
	w.viewers["stranger"].corp = fmt.Sprint(w.must("stranger", "POST", "/v1/corps", `{"name":"外家集团"}`)["corp_id"])
	other := "/v1/chains/" + w.add("other chain", "chain", w.must("stranger", "POST", "/v1/chains", `{"name":"外家的链"}`)["chain_id"], "stranger", "外家的链")
	w.add("other corp", "corp", w.viewers["stranger"].corp, "stranger", "外家集团")
	w.add("other person", "person", w.must("stranger", "GET", "/v1/me", "")["person_id"], "stranger", "外掌柜")
	i := w.must("stranger", "POST", other+"/invites", `{}`)
	w.add("other invite", "invite", i["invite_id"], "stranger")
	g, err := w.Demo.signIn(ctx, "+8619907008008", "外客")
	if err != nil {
		t.Fatal(err)
	}
	var foreign membership
	if _, err := g.do(ctx, "POST", "/v1/join/"+fmt.Sprint(i["token"]), map[string]any{"new_corp": map[string]any{"name": "外客商行"}}, &foreign); err != nil {
		t.Fatal(err)
	}
	w.add("other partner", "partner", foreign.PartnerID, "", "外客商行", "外客")
	r := w.must("stranger", "POST", other+"/rules", `{"owner":{"roles":["member"]},"partner":{"groups":[1]},"effect":"hide"}`)
	w.add("other rule", "rule", r["rule_id"], "stranger")

	for _, rule := range []string{
		`{"owner":{"members":["{clerk}"]},"partner":{"groups":[` + hidden + `]},"effect":"hide"}`,
		`{"owner":{"members":["{clerk}"]},"partner":{"corps":["` + w.ids["delta partner"] + `"]},"effect":"hide"}`,
		`{"owner":{"members":["{clerk}"]},"partner":{"groups":[` + shown + `]},"effect":"allow"}`,
		`{"owner":{"members":["{staff}"]},"partner":{"groups":[1]},"effect":"allow"}`,
	} {
		rule = strings.NewReplacer("{clerk}", w.ids["clerk person"], "{staff}", w.ids["staff person"]).Replace(rule)
		r := w.must("boss", "POST", w.chain+"/rules", rule)
		w.add("rule", "rule", r["rule_id"], admins)
	}
	w.ids["token"] = fmt.Sprint(open["token"])
	w.settle("两家戊坊", true)
	w.settle("辛家商行", true)
}

// settle waits until search knows, or doesn't, of a name.
func (w *walk) settle(name string, there bool) {
	w.t.Helper()
	if err := until(w.t.Context(), "search", func() (bool, error) {
		f, err := w.find(w.t.Context(), w.boss, name)
		return err == nil && !f.Stale && f.Partial == "" && len(f.Items) > 0 == there, err
	}); err != nil {
		w.t.Fatal(err)
	}
}

// look says who sees the chain's partners and groups under the settings.
func (w *walk) look(open bool) {
	sees := map[string]string{
		"shown": "clerk alpha", "hidden": "beta", "below": "",
		"alpha partner": "clerk alpha", "beta partner": "beta", "gamma partner": "clerk", "delta partner": "",
		"待来丙坊": "", "待来丁坊": "clerk", "两家戊坊": "",
	}
	for i, k := range w.things {
		for name, who := range sees {
			if k.id != w.ids[name] || k.kind != "group" && k.kind != "partner" {
				continue
			}
			seen := strings.Fields(admins + " staff " + who)
			if open && k.kind == "partner" && (strings.HasSuffix(name, " partner") || name == "两家戊坊") { // who has joined
				seen = append(seen, "alpha", "beta")
			}
			w.things[i].seen = seen
		}
	}
}

func (k thing) seenBy(viewer string) bool { return slices.Contains(k.seen, viewer) }

// nobody is an id of that kind's form that names nothing.
func (w *walk) nobody(kind string) string {
	if kind == "group" {
		return "9"
	}
	id := w.ids[plain[kind]]
	b := []byte(id)
	for i := len(b) - 4; i > 3; i-- {
		if b[i] != b[i-1] {
			b[i], b[i-1] = b[i-1], b[i]
			break
		}
	}
	if string(b) == id {
		w.t.Errorf("%s is all of one sign", id)
	}
	return string(b)
}

var part = regexp.MustCompile(`\{([a-z]+)(_id)?\}`)

// kinds are those that a request names.
func (a ask) kinds(path string) []string {
	var out []string
	for _, m := range part.FindAllStringSubmatch(path+a.body+a.corp, -1) {
		if m[1] != "token" && !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// plain is an ordinary thing of each kind, which most may see.
var plain = map[string]string{
	"chain": "chain", "corp": "corp", "person": "clerk person", "group": "shown", "partner": "alpha partner", "invite": "clerk invite", "import": "import",
	"application": "application", "conflict": "conflict", "migration": "migration", "rule": "rule", "export": "export", "token": "token",
}

// fillIn puts ids into a request: of a thing where it is asked for, else of the
// plain one of that kind.
func (w *walk) fillIn(s, kind, id string) string {
	return part.ReplaceAllStringFunc(s, func(p string) string {
		k := part.FindStringSubmatch(p)[1]
		if k == kind {
			return id
		}
		return w.ids[plain[k]]
	})
}

// answer is all that an answer says but when and which it is.
type answer struct {
	status int
	said   string
}

var instance = regexp.MustCompile(`"instance":"[^"]*",?`)

func (w *walk) ask(ctx context.Context, p *person, method, path, body, corp string) (a answer, err error) {
	r, err := http.NewRequestWithContext(ctx, method, w.API+path, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	if corp == "" {
		corp = p.corp
	}
	if corp != "" {
		r.Header.Set("Tributary-Corp", corp)
	}
	resp, err := w.http.Do(r)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return a, err
	}
	if z, err := zip.NewReader(bytes.NewReader(b), int64(len(b))); err == nil {
		b = nil
		for _, f := range z.File {
			in, err := f.Open()
			if err != nil {
				return a, err
			}
			content, err := io.ReadAll(in)
			if err != nil {
				return a, err
			}
			b = append(b, content...)
		}
	}
	h := resp.Header.Clone()
	h.Del("Date")
	h.Del("Apigw-Requestid")
	var said strings.Builder
	fmt.Fprintln(&said, resp.StatusCode)
	if err := h.Write(&said); err != nil {
		return a, err
	}
	said.Write(instance.ReplaceAll(b, nil))
	return answer{resp.StatusCode, said.String()}, nil
}

// each does something for each viewer, a few at a time: there is one machine.
func (w *walk) each(do func(viewer string, p *person)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for _, viewer := range slices.Sorted(maps.Keys(w.viewers)) {
		if w.closed && slices.Contains([]string{"outsider", "stranger", "applicant"}, viewer) {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(viewer, w.viewers[viewer])
		})
	}
	wg.Wait()
}

// names asks every route for each thing that a viewer may not see, and for what
// nobody has.
func (w *walk) names(phase string) (pairs int) {
	var mu sync.Mutex
	ctx := w.t.Context()
	w.each(func(viewer string, p *person) {
		absent := map[string]answer{}
		for _, route := range slices.Sorted(maps.Keys(asks)) {
			method, path, _ := strings.Cut(route, " ")
			for _, a := range asks[route] {
				at := path
				if a.path != "" {
					at = a.path
				}
				for _, kind := range a.kinds(at) {
					for _, k := range w.things {
						if k.kind != kind || k.seenBy(viewer) || a.open == viewer {
							continue
						}
						said := func(id string) answer {
							path, body := w.fillIn(at, kind, id), w.fillIn(a.body, kind, id)
							key := strings.Join([]string{method, path, body, a.corp, id}, "\x00")
							if got, asked := absent[key]; asked {
								return got
							}
							got, err := w.ask(ctx, p, method, path, body, w.fillIn(a.corp, kind, id))
							if err != nil {
								w.t.Errorf("%s: %s as %s: %v", phase, route, viewer, err)
							}
							if kind != "group" { // a number stands everywhere
								got.said = strings.ReplaceAll(got.said, id, "{"+kind+"}")
							} else {
								got.said = strings.ReplaceAll(got.said, "group_id="+id, "group_id={group}")
							}
							absent[key] = got
							return got
						}
						is, none := said(k.id), said(w.nobody(kind))
						mu.Lock()
						pairs++
						mu.Unlock()
						if is != none {
							w.t.Errorf("%s: %s %q %s\nas %s, of a %s that they may not see (%s):\n%s\nof one that nobody has:\n%s", phase, route, at, a.body, viewer, kind, k.id, is.said, none.said)
						}
					}
				}
			}
		}
	})
	return pairs
}

// cursor is what differs each time that a page is read, for it is sealed.
var cursor = regexp.MustCompile(`"next_cursor":"([^"]*)"`)

// lists are what a viewer reads, page after page.
var lists = []string{
	"", "/admins", "/groups", "/partners", "/partners?recursive=true&group_id=1", "/partners?state=joined", "/partners?group_id={group}", "/partners?state=pending",
	"/directory", "/directory?recursive=true", "/directory?recursive=true&sort=joined_at", "/directory/groups", "/directory?group_id={group}", "/directory?group_id={group}&recursive=true",
	"/directory/export.csv", "/directory/export.xlsx", "/invites", "/invites?state=live", "/invites?group_id={group}", "/group-migrations",
	"/directory/search?q=" + "%E5%95%86%E8%A1%8C", "/directory/search?q=shang", "/directory/search?q=%E6%8E%8C%E6%9F%9C", "/progress",
	"/partners/{partner}", "/partners/{partner}/contacts", "/partners/{gamma}", "/partners/{gamma}/contacts", "/audit", "/rules", "/imports", "/applications", "/conflicts",
	"/group-migrations/{migration}", "/invites/{invite}",
}

// read is all pages of a list.
func (w *walk) read(viewer string, p *person, at string) (all string, pages int) {
	path := strings.ReplaceAll(at, "{gamma}", w.ids["gamma partner"])
	path = w.chain + w.fillIn(path, "", "")
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	size := sep + "limit=1"
	if strings.Contains(path, "export") || !strings.Contains("/groups /partners /directory /invites /group-migrations /contacts /audit /rules /imports /applications /conflicts", "/"+path[strings.LastIndex(path, "/")+1:]) && !strings.Contains(path, "?") {
		size = ""
	}
	next := ""
	for pages < 40 {
		a, err := w.ask(w.t.Context(), p, "GET", path+size+next, "", "")
		if err != nil {
			w.t.Errorf("%s as %s: %v", path, viewer, err)
			return all, pages
		}
		pages++
		m := cursor.FindStringSubmatch(a.said)
		if m == nil {
			return all + a.said, pages
		}
		_, body, _ := strings.Cut(a.said, "\r\n{") // without the head, whose length is of the cursor too
		all += strings.Replace(body, m[1], "…", 1) + "\n"
		next = "&cursor=" + m[1]
	}
	w.t.Errorf("%s as %s has no end", path, viewer)
	return all, pages
}

// reads makes sure that nothing that a viewer reads says a word of what they
// may not see.
func (w *walk) reads(phase string) (answers int) {
	var mu sync.Mutex
	w.each(func(viewer string, p *person) {
		for _, at := range lists {
			said, n := w.read(viewer, p, at)
			mu.Lock()
			answers += n
			mu.Unlock()
			for _, k := range w.things {
				if k.seenBy(viewer) {
					continue
				}
				told := k.told
				if k.kind != "group" && k.kind != "corp" && k.kind != "person" {
					told = append(slices.Clone(told), k.id)
				}
				for _, word := range told {
					if strings.Contains(said, word) {
						w.t.Errorf("%s: %s as %s tells %q of a %s that they may not see:\n%s", phase, at, viewer, word, k.kind, said)
					}
				}
			}
		}
	})
	return answers
}

// brings makes sure that who brings a WeChat group isn't told which of its people
// are in the chain (R45), where they may be kept from them.
func (w *walk) brings(viewer string) {
	p := w.viewers[viewer]
	m := w.must(viewer, "POST", w.chain+"/group-migrations", fmt.Sprintf(`{"group_name":"群 %d","owner":%q,"members":[{"name":"乙","phone":"19907002002","is_member":false},{"name":"新","phone":"1990700%04d","is_member":false}]}`, time.Now().UnixNano(), p.phone, 9000+len(viewer)))
	outcomes := map[any]int{}
	for _, k := range m["members"].([]any) {
		outcomes[k.(map[string]any)["outcome"]]++
	}
	if len(outcomes) != 1 {
		w.t.Errorf("%s is told who of a group is in: %v", viewer, m["members"])
	}
}

// comesAndGoes makes sure that nothing that a viewer reads differs when what
// they may not see is gone: no page, total, cursor or version.
func (w *walk) comesAndGoes() {
	w.must("boss", "PATCH", w.chain, `{"members_see":"all","partners_see_each_other":false}`)
	w.look(false)
	watch := []string{"clerk", "alpha", "outsider", "stranger", "applicant"}
	all := func() map[string]string {
		out := map[string]string{}
		for _, viewer := range watch {
			for _, at := range lists {
				said, _ := w.read(viewer, w.viewers[viewer], at)
				out[viewer+" "+at] = said
			}
		}
		return out
	}
	before := all()
	for _, name := range []string{"delta partner", "beta partner", "待来丙坊"} {
		w.must("boss", "DELETE", w.chain+"/partners/"+w.ids[name], "")
	}
	w.must("boss", "PATCH", w.chain+"/groups/"+w.ids["hidden"], `{"name":"藏得更好"}`)
	w.must("boss", "POST", w.chain+"/groups", `{"name":"又一藏","parent_id":`+w.ids["hidden"]+`}`)
	w.must("boss", "POST", w.chain+"/invites", `{"group_id":`+w.ids["hidden"]+`}`)
	w.settle("乙家商行", false)
	w.settle("辛家商行", false)
	after := all()
	for at, was := range before {
		if is := after[at]; is != was {
			w.t.Errorf("%s tells that something went that they may not see: it was\n%s\nand is\n%s", at, was, is)
		}
	}
}
