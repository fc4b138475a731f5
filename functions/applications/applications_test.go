package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tributary-app/tributary/shared/contract"
	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/store/storetest"
	"github.com/tributary-app/tributary/shared/web"
)

var (
	noon   = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	people = network.PersonKey("a key that only the tests have, 32+")
)

const (
	chainID = "ch0123456789abcdef"
	linkID  = "in0123456789abcdef"
	path    = "/v1/chains/" + chainID
)

// world is a chain under approval, with a link, an appointed admin and a member
// of the owner who is none.
type world struct {
	*store.Store
	tb    *dynamotest.Table
	h     http.Handler
	now   time.Time
	owner network.Corp
	chain network.Chain

	boss, admin, staff web.Claims
}

func setup(t *testing.T) *world {
	t.Helper()
	tb := dynamotest.New(t)
	w := &world{Store: store.New(tb.Client, tb.Name), tb: tb, now: noon.Add(time.Hour), boss: claims(1), admin: claims(2), staff: claims(3)}
	d := &decisions{store: w.Store, key: people, now: func() time.Time { return w.now }}
	w.h = contract.Handler(t, d.routes())
	w.owner = w.corp(t, "Owner Ltd", w.boss)
	for _, n := range []int{2, 3} {
		must(t, w.AddMember(t.Context(), network.Member{Person: id(claims(n)), Corp: w.owner.ID, Name: claims(n).Name, Phone: phone(n), Role: network.Staff}, store.Once{}))
	}
	owner, err := w.Corp(t.Context(), w.owner.ID)
	must(t, err)
	c, err := network.NewChain(chainID, "Dealers", owner, noon)
	must(t, err)
	if w.chain, err = w.CreateChain(t.Context(), c, owner, store.Once{}); err != nil {
		t.Fatal(err)
	}
	must(t, w.AddAdmin(t.Context(), w.chain, id(w.admin), noon, store.Once{}))
	_, err = w.CreateInvite(t.Context(), w.chain, network.Invite{
		ID: linkID, Chain: chainID, Kind: "link", Group: 1, Maker: id(w.boss), MakerCorp: w.owner.ID, CreatedAt: noon, Version: 1,
	}, store.Once{})
	must(t, err)
	w.policy(t, network.Approval)
	tb.Reset()
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) policy(t *testing.T, p network.JoinPolicy) {
	t.Helper()
	c, err := w.Chain(t.Context(), chainID)
	must(t, err)
	_, err = w.EditChain(t.Context(), c, network.ChainEdit{JoinPolicy: &p}, noon)
	must(t, err)
}

func claims(n int) web.Claims {
	return web.Claims{Issuer: "https://id.example", Subject: fmt.Sprint("s", n), Name: fmt.Sprint("Person ", n), Phone: phone(n), PhoneVerified: true}
}

func phone(n int) string { return fmt.Sprintf("+86139%08d", n) }

func id(c web.Claims) string { return people.Person(c.Phone) }

func (w *world) corp(t *testing.T, name string, who web.Claims) network.Corp {
	t.Helper()
	c, err := network.NewCorp(network.NewCorpID(), name, "", "", noon)
	must(t, err)
	c, err = w.CreateCorp(t.Context(), c, network.Member{Person: id(who), Name: who.Name, Phone: who.Phone}, store.Once{})
	must(t, err)
	return c
}

// apply is the n-th person, who would join under a corp of that name.
func (w *world) apply(t *testing.T, n int, name string) string {
	t.Helper()
	corp, err := network.NewCorp("", name, "", "", noon)
	must(t, err)
	a, err := w.Join(t.Context(), network.Ticket{Chain: chainID, Invite: linkID, Version: 1},
		network.Person{ID: id(claims(n)), Name: claims(n).Name, Phone: phone(n)}, store.Choice{New: &corp}, noon.Add(time.Duration(n)*time.Second))
	must(t, err)
	return a.Application.ID
}

// conflict is Acme's second contact, the 21st person, who would make another
// corp than the first has.
func (w *world) conflict(t *testing.T) (id string) {
	t.Helper()
	imp := network.Import{ID: "im0123456789abcdef", Chain: chainID, Maker: people.Person(phone(1)), MakerCorp: w.owner.ID, State: network.ImportWaiting, CreatedAt: noon}
	_, err := w.CreateImport(t.Context(), imp, store.Once{})
	must(t, err)
	w.policy(t, network.Open)
	storetest.Import(t, w.Store, people, chainID, imp.ID, noon, row(20), row(21))
	acme := network.RosterPartnerID(chainID, "", "Acme")
	for n := 20; n <= 21; n++ {
		corp, err := network.NewCorp("", fmt.Sprint("Acme ", n), "", "", noon)
		must(t, err)
		_, err = w.Join(t.Context(), network.Ticket{Chain: chainID, Partner: acme, Person: people.Person(phone(n)), Version: w.version(t, n)},
			network.Person{ID: people.Person(phone(n)), Name: claims(n).Name, Phone: phone(n)}, store.Choice{New: &corp}, noon.Add(time.Duration(n-20)*time.Hour))
		if n == 20 {
			must(t, err)
		} else if network.CodeOf(err) != "partner_conflict" {
			t.Fatalf("got %v, want a conflict", err)
		}
	}
	all, _, err := w.Conflicts(t.Context(), chainID, "", "", 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("got %d conflicts (%v), want one", len(all), err)
	}
	return all[0].ID
}

func row(n int) network.RosterRow {
	return network.RosterRow{Number: n, Corp: "Acme", Contact: fmt.Sprint("联系人", n), Phone: phone(n)}
}

func (w *world) version(t *testing.T, n int) int {
	t.Helper()
	p, err := w.Partner(t.Context(), chainID, network.RosterPartnerID(chainID, "", "Acme"))
	must(t, err)
	all, _, _, err := w.Contacts(t.Context(), w.chain, p, noon, "", 10)
	must(t, err)
	return all[slices.IndexFunc(all, func(k network.Contact) bool { return k.Phone == phone(n) })].TokenVersion
}

type answer struct {
	*httptest.ResponseRecorder
	body map[string]any
}

func (a answer) code() string { s, _ := a.body["code"].(string); return s }

func (a answer) want(t *testing.T, status int, code string) answer {
	t.Helper()
	if a.Code != status || a.code() != code {
		t.Fatalf("got %d %s, want %d %q", a.Code, a.Body, status, code)
	}
	return a
}

func (a answer) items() (all []map[string]any) {
	list, _ := a.body["items"].([]any)
	for _, i := range list {
		all = append(all, i.(map[string]any))
	}
	return all
}

func (w *world) as(t *testing.T, who web.Claims, method, path, body string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if who != (web.Claims{}) {
		r = r.WithContext(web.WithClaims(r.Context(), who))
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	w.h.ServeHTTP(a, r)
	if a.Body.Len() > 0 {
		if err := json.Unmarshal(a.Body.Bytes(), &a.body); err != nil {
			t.Errorf("%s %s: %v", method, r.Pattern, err)
		}
	}
	return a
}

func (w *world) decide(t *testing.T, who web.Claims, body string) answer {
	t.Helper()
	return w.as(t, who, "POST", path+"/applications/decide", body)
}

func TestAnAdminReadsWhoWaitsAndLetsThemIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	north, err := w.CreateGroup(t.Context(), chainID, network.Group{Name: "North", Parent: 1}, store.Once{})
	must(t, err)
	first, second := w.apply(t, 7, "Acme"), w.apply(t, 8, "Beta")
	page := w.as(t, w.admin, "GET", path+"/applications?state=waiting", "").want(t, 200, "").items()
	if len(page) != 2 || page[0]["application_id"] != first || page[1]["application_id"] != second {
		t.Fatalf("got %v, want both, the oldest first", page)
	}
	if a := page[0]; a["name"] != "Person 7" || a["phone"] != phone(7) || a["corp_id"] != nil || a["corp_name"] != "Acme" || a["applied_at"] != "2026-11-22T12:00:07Z" {
		t.Errorf("got %v", a)
	}
	out := w.decide(t, w.admin, fmt.Sprintf(`{"application_ids":[%q],"decision":"accept","alias":" Ａcme ","group_id":%d,"reason":"welcome"}`, first, north.ID)).want(t, 200, "").items()
	a := out[0]["application"].(map[string]any)
	if a["state"] != "accepted" || a["reason"] != "welcome" || a["group_id"] != float64(north.ID) || a["corp_id"] == nil || a["decided_by"] != id(w.admin) {
		t.Errorf("got %v", a)
	}
	p, err := w.Partner(t.Context(), chainID, a["partner_id"].(string))
	if err != nil || p.Alias != "Acme" || p.Group != north.ID || p.State != network.PartnerJoined {
		t.Errorf("got %+v (%v)", p, err)
	}
	no := w.decide(t, w.boss, fmt.Sprintf(`{"application_ids":[%q],"decision":"decline","reason":"no"}`, second)).want(t, 200, "").items()
	if a := no[0]["application"].(map[string]any); a["state"] != "declined" || a["reason"] != "no" {
		t.Errorf("got %v", a)
	}
	for state, want := range map[string]int{"waiting": 0, "accepted": 1, "declined": 1, "": 2} {
		query := "?limit=10"
		if state != "" {
			query += "&state=" + state
		}
		if got := w.as(t, w.admin, "GET", path+"/applications"+query, "").want(t, 200, "").items(); len(got) != want {
			t.Errorf("%q: got %d, want %d", state, len(got), want)
		}
	}
}

func TestABatchDecidesEachByItself(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var ids []string
	for n := range 100 {
		ids = append(ids, w.apply(t, 100+n, fmt.Sprint("Corp ", n)))
	}
	declined, gone := ids[3], "ap0000000000000000000000000000000a"
	w.decide(t, w.admin, fmt.Sprintf(`{"application_ids":[%q],"decision":"decline"}`, declined)).want(t, 200, "")
	all := append(slices.Clone(ids[:99]), gone)
	body, err := json.Marshal(map[string]any{"application_ids": all, "decision": "accept"})
	must(t, err)
	said := map[string]int{}
	for _, i := range w.decide(t, w.admin, string(body)).want(t, 200, "").items() {
		if p, ok := i["problem"].(map[string]any); ok {
			said[p["code"].(string)]++
			if p["title"] == "" || p["detail"] == "" {
				t.Errorf("a problem without words: %v", p)
			}
		} else {
			said[i["application"].(map[string]any)["state"].(string)]++
		}
	}
	if said["accepted"] != 98 || said["conflict"] != 1 || said["not_found"] != 1 || len(said) != 3 {
		t.Errorf("got %v", said)
	}
	if n, err := w.JoinedPartners(t.Context(), chainID); n != 98 || err != nil {
		t.Errorf("got %d partners (%v), want 98", n, err)
	}
	again := w.decide(t, w.admin, string(body)).want(t, 200, "").items()
	if n := slices.IndexFunc(again, func(i map[string]any) bool { return i["application_id"] == ids[0] }); again[n]["application"].(map[string]any)["state"] != "accepted" {
		t.Errorf("again: got %v, want it as it stands", again[n])
	}
}

func TestTheErrorOfOneApplicationIsTheAnswer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := func(id string) string { return fmt.Sprintf(`{"application_ids":[%q],"decision":"accept"}`, id) }
	w.decide(t, w.admin, one("ap0000000000000000000000000000000a")).want(t, 404, "not_found")
	w.decide(t, w.admin, one("nonsense")).want(t, 404, "not_found")
	a := w.apply(t, 7, "Acme")
	w.decide(t, w.admin, fmt.Sprintf(`{"application_ids":[%q],"decision":"accept","group_id":99}`, a)).want(t, 404, "group_not_found")
	w.decide(t, w.admin, fmt.Sprintf(`{"application_ids":[%q],"decision":"decline"}`, a)).want(t, 200, "")
	w.decide(t, w.admin, one(a)).want(t, 409, "conflict")
}

func TestAllThatIsWrongWithADecisionIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for body, want := range map[string]string{
		`{"decision":"maybe","alias":"` + strings.Repeat("长", 33) + `","reason":"a\u0007b"}`: "decision application_ids alias reason",
		`{"decision":"decline","alias":"A","group_id":0}`:                                    "application_ids alias group_id",
	} {
		got := w.decide(t, w.admin, body).want(t, 400, "invalid")
		var fields []string
		all, _ := got.body["errors"].([]any)
		for _, e := range all {
			fields = append(fields, fmt.Sprint(e.(map[string]any)["field"]))
		}
		if named := strings.Join(fields, " "); named != want {
			t.Errorf("%s: got %s, want %s", body, named, want)
		}
	}
}

func TestABadDecisionNamesItsFieldAndDecidesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.apply(t, 7, "Acme")
	many := `"` + strings.Repeat(a+`","`, 100) + a + `"`
	for body, want := range map[string]string{
		`{"application_ids":["` + a + `"]}`:                                                                  "decision",
		`{"application_ids":["` + a + `"],"decision":"maybe"}`:                                               "decision",
		`{"application_ids":[],"decision":"accept"}`:                                                         "application_ids",
		`{"application_ids":[` + many + `],"decision":"accept"}`:                                             "application_ids",
		`{"application_ids":["` + a + `"],"decision":"accept","alias":"` + strings.Repeat("长", 33) + `"}`:    "alias",
		`{"application_ids":["` + a + `"],"decision":"decline","alias":"A"}`:                                 "alias",
		`{"application_ids":["` + a + `"],"decision":"decline","group_id":1}`:                                "group_id",
		`{"application_ids":["` + a + `"],"decision":"decline","reason":"` + strings.Repeat("长", 201) + `"}`: "reason",
		`{"application_ids":["` + a + `"],"decision":"decline","reason":"a\u0007b"}`:                         "reason",
		`{"application_ids":["` + a + `"],"decision":"accept","group_id":"x"}`:                               "group_id",
	} {
		got := w.decide(t, w.admin, body).want(t, 400, "invalid")
		if errs, _ := got.body["errors"].([]any); len(errs) != 1 || errs[0].(map[string]any)["field"] != want {
			t.Errorf("%s: got %s, want field %s", body, got.Body, want)
		}
	}
	w.decide(t, w.admin, `{"application_ids":["`+a+`"],"decision":"accept","nick":"A"}`).want(t, 400, "unknown_field")
	w.decide(t, w.admin, `{"application_ids":["`+a+`"],"decision":"accept","group_id":0}`).want(t, 404, "group_not_found")
	if got := w.as(t, w.admin, "GET", path+"/applications?state=waiting", "").items(); len(got) != 1 {
		t.Errorf("got %d waiting, want the one still", len(got))
	}
	w.as(t, w.admin, "GET", path+"/applications?state=maybe", "").want(t, 400, "invalid")
	w.as(t, w.admin, "GET", path+"/conflicts?state=maybe", "").want(t, 400, "invalid")
	w.as(t, w.admin, "GET", path+"/applications?limit=0", "").want(t, 400, "invalid")
}

func TestOnlyAdminsDecide(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.apply(t, 7, "Acme")
	w.decide(t, w.boss, fmt.Sprintf(`{"application_ids":[%q],"decision":"accept"}`, a)).want(t, 200, "")
	w.corp(t, "Outside Ltd", claims(9))
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/applications", ""},
		{"POST", "/applications/decide", fmt.Sprintf(`{"application_ids":[%q],"decision":"accept"}`, a)},
		{"GET", "/conflicts", ""},
		{"POST", "/conflicts/cf0123456789abcdef/resolve", `{"new_partner":true}`},
	} {
		w.as(t, w.staff, c.method, path+c.path, c.body).want(t, 403, "denied")
		w.as(t, claims(7), c.method, path+c.path, c.body).want(t, 403, "denied") // a partner's person
		w.as(t, claims(9), c.method, path+c.path, c.body).want(t, 404, "not_found")
		w.as(t, web.Claims{}, c.method, path+c.path, c.body).want(t, 401, "unauthenticated")
		unverified := claims(1)
		unverified.PhoneVerified = false
		w.as(t, unverified, c.method, path+c.path, c.body).want(t, 403, "phone_not_verified")
		w.as(t, w.boss, c.method, "/v1/chains/ch0000000000000009"+c.path, c.body).want(t, 404, "not_found")
	}
}

func TestR23_AnAdminSettlesAConflict(t *testing.T) {
	t.Parallel()
	w := setup(t)
	cf := w.conflict(t)
	page := w.as(t, w.admin, "GET", path+"/conflicts", "").want(t, 200, "").items()
	if c := page[0]; c["conflict_id"] != cf || c["state"] != "open" || c["partner_name"] != "Acme" || c["corp_id"] != nil || c["corp_name"] != "Acme 21" || c["name"] != "联系人21" || c["bound_corp_id"] == nil {
		t.Errorf("got %v", c)
	}
	resolve := func(body string) answer { return w.as(t, w.admin, "POST", path+"/conflicts/"+cf+"/resolve", body) }
	for body, field := range map[string]string{
		`{}`: "partner_id", `{"new_partner":false}`: "partner_id", `{"partner_id":"pa0123456789abcdef","new_partner":true}`: "new_partner", `{"partner_id":7}`: "partner_id",
	} {
		got := resolve(body).want(t, 400, "invalid")
		if errs := got.body["errors"].([]any); errs[0].(map[string]any)["field"] != field {
			t.Errorf("%s: got %s, want field %s", body, got.Body, field)
		}
	}
	resolve(`{"partner_id":"nonsense"}`).want(t, 404, "not_found")
	resolve(`{"partner_id":"pa0123456789abcdef"}`).want(t, 404, "not_found")
	w.as(t, w.admin, "POST", path+"/conflicts/nonsense/resolve", `{"new_partner":true}`).want(t, 404, "not_found")
	w.as(t, w.admin, "POST", path+"/conflicts/cf0123456789abcdef/resolve", `{"new_partner":true}`).want(t, 404, "not_found")
	done := resolve(`{"new_partner":true}`).want(t, 200, "")
	if done.body["state"] != "resolved" || done.body["settled_as"] == nil || done.body["resolved_by"] != id(w.admin) {
		t.Errorf("got %s", done.Body)
	}
	if again := resolve(`{"new_partner":true}`).want(t, 200, ""); again.Body.String() != done.Body.String() {
		t.Errorf("again: got %s, want %s", again.Body, done.Body)
	}
	resolve(`{"partner_id":"pa0123456789abcdef"}`).want(t, 409, "conflict")
	if got := w.as(t, w.admin, "GET", path+"/conflicts?state=open", "").items(); len(got) != 0 {
		t.Errorf("got %v, want none open", got)
	}
	p, err := w.Partner(t.Context(), chainID, done.body["settled_as"].(string))
	if err != nil || p.Name != "Acme 21" || p.Imported || p.Joined != 1 {
		t.Errorf("got %+v (%v)", p, err)
	}
}

// Every file in events/applications, in the order of its name, is what API
// Gateway sends; what it is for is answered.
func TestTheSampleEventsWork(t *testing.T) {
	t.Parallel()
	want := map[string]int{"1-list.json": 200, "2-decide.json": 200, "3-conflicts.json": 200, "4-resolve.json": 200}
	files, err := filepath.Glob("../../events/applications/*.json")
	if err != nil || len(files) != len(want) {
		t.Fatalf("got %v (%v), want %d files", files, err, len(want))
	}
	w := setup(t)
	w.apply(t, 7, "宏远商贸有限公司")
	w.conflict(t)
	h := web.Lambda(w.h)
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(t, err)
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		got, err := h(t.Context(), e)
		if err != nil || got.StatusCode != want[filepath.Base(f)] {
			t.Errorf("%s: got %d %s (%v), want %d", f, got.StatusCode, got.Body, err, want[filepath.Base(f)])
		}
	}
}

func TestTheDoorRefusesToStartWithoutItsEnvironment(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), "TABLE_NAME") || !strings.Contains(err.Error(), "PERSON_KEY") {
		t.Errorf("got %v, want it to name what is missing", err)
	}
}
