package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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

// world is a chain with a group, two partners that are to come, Acme and Beta,
// and one that has joined by a link; an appointed admin and a member of the
// owner who is none.
type world struct {
	*store.Store
	tb     *dynamotest.Table
	h      http.Handler
	owner  network.Corp
	chain  network.Chain
	north  int
	joined network.Partner

	boss, admin, staff web.Claims
}

func setup(t *testing.T) *world {
	t.Helper()
	tb := dynamotest.New(t)
	w := &world{Store: store.New(tb.Client, tb.Name), tb: tb, boss: claims(1), admin: claims(2), staff: claims(3)}
	k := &keeping{store: w.Store, key: people, now: func() time.Time { return noon.Add(time.Hour) }}
	w.h = contract.Handler(t, k.routes())
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
	g, err := w.CreateGroup(t.Context(), chainID, network.Group{Name: "North", Parent: 1}, store.Once{})
	must(t, err)
	w.north = g.ID
	_, err = w.CreateInvite(t.Context(), w.chain, network.Invite{
		ID: linkID, Chain: chainID, Kind: "link", Group: 1, Maker: id(w.boss), MakerCorp: w.owner.ID, CreatedAt: noon, Version: 1,
	}, store.Once{})
	must(t, err)
	imp := network.Import{ID: "im0123456789abcdef", Chain: chainID, Maker: id(w.boss), MakerCorp: w.owner.ID, FileName: "dealers.xlsx", State: network.ImportWaiting, CreatedAt: noon}
	_, err = w.CreateImport(t.Context(), imp, store.Once{})
	must(t, err)
	storetest.Import(t, w.Store, people, chainID, imp.ID, noon, row(20, "Acme"), row(21, "Acme"), row(22, "Beta"))
	w.joined = w.join(t, 7)
	tb.Reset()
	return w
}

// join is the n-th person, under a corp of their own.
func (w *world) join(t *testing.T, n int) network.Partner {
	t.Helper()
	corp, err := network.NewCorp("", fmt.Sprint("Corp ", n), "", "", noon)
	must(t, err)
	a, err := w.Join(t.Context(), network.Ticket{Chain: chainID, Invite: linkID, Version: 1},
		network.Person{ID: id(claims(n)), Name: claims(n).Name, Phone: phone(n)}, store.Choice{New: &corp}, noon.Add(time.Minute))
	must(t, err)
	return a.Partner
}

func acme() string { return network.RosterPartnerID(chainID, "", "Acme") }

func row(n int, corp string) network.RosterRow {
	return network.RosterRow{Number: n, Corp: corp, Contact: fmt.Sprint("联系人", n), Phone: phone(n)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
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

func (w *world) move(t *testing.T, who web.Claims, body string) answer {
	t.Helper()
	return w.as(t, who, "POST", path+"/partners/move", body)
}

func TestAnAdminMovesPartnersAndHearsWhatBecameOfEach(t *testing.T) {
	t.Parallel()
	w := setup(t)
	body := fmt.Sprintf(`{"partner_ids":[%q,"nonsense",%q,"pa0000000000000000",%q],"group_id":%d}`, acme(), w.joined.ID, acme(), w.north)
	for _, want := range [][]string{{"moved", "not_found", "moved", "not_found", "moved"}, {"unchanged", "not_found", "unchanged", "not_found", "unchanged"}} {
		got := w.move(t, w.admin, body).want(t, 200, "").items()
		if len(got) != len(want) {
			t.Fatalf("got %v, want %d", got, len(want))
		}
		for i, m := range got {
			if m["outcome"] != want[i] {
				t.Errorf("row %d: got %v, want %s", i, m, want[i])
			}
		}
		if got[1]["partner_id"] != "nonsense" || got[2]["partner_id"] != w.joined.ID {
			t.Errorf("got %v, want them in the order of the request", got)
		}
	}
	p, err := w.Partner(t.Context(), chainID, acme())
	if err != nil || p.Group != w.north {
		t.Errorf("got %+v (%v), want it in the group", p, err)
	}
	change := w.as(t, w.boss, "GET", path+"/audit?limit=1", "").want(t, 200, "").items()[0]
	who, _ := change["who"].(map[string]any)
	if change["what"] != "partners_moved" || change["at"] != "2026-11-22T13:00:00Z" || who["person_id"] != id(w.admin) || who["corp_id"] != w.owner.ID || who["name"] != "Person 2" {
		t.Errorf("got %v", change)
	}
	before, after := change["before"].(map[string]any)["group_ids"].(map[string]any), change["after"].(map[string]any)
	if len(before) != 2 || before[acme()] != 1.0 || after["group_id"] != float64(w.north) {
		t.Errorf("got %v, then %v", before, after)
	}
}

func TestABadMoveNamesItsFieldAndMovesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	many := `"` + strings.Repeat(acme()+`","`, 1000) + acme() + `"`
	for body, want := range map[string]string{
		`{}`:                              "partner_ids",
		`{"partner_ids":[],"group_id":2}`: "partner_ids",
		`{"partner_ids":[` + many + `],"group_id":2}`:      "partner_ids",
		`{"partner_ids":"all","group_id":2}`:               "partner_ids",
		`{"partner_ids":["` + acme() + `"]}`:               "group_id",
		`{"partner_ids":["` + acme() + `"],"group_id":-2}`: "group_id",
	} {
		got := w.move(t, w.admin, body).want(t, 400, "invalid")
		if errs, _ := got.body["errors"].([]any); len(errs) != 1 || errs[0].(map[string]any)["field"] != want {
			t.Errorf("%.80s: got %s, want field %s", body, got.Body, want)
		}
	}
	w.move(t, w.admin, `{"partner_ids":["`+acme()+`"],"group_id":99}`).want(t, 404, "group_not_found")
	w.move(t, w.admin, `{"partner_ids":["`+acme()+`"],"group_id":2,"all":true}`).want(t, 400, "unknown_field")
	p, err := w.Partner(t.Context(), chainID, acme())
	if err != nil || p.Group != network.RootGroup {
		t.Errorf("got %+v (%v), want it where it was", p, err)
	}
}

func TestAThousandPartnersAreMovedByOneRequest(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rows := make([]network.RosterRow, 1000)
	ids := make([]string, len(rows))
	for i := range rows {
		rows[i] = row(1000+i, fmt.Sprint("Dealer ", i))
		ids[i] = network.RosterPartnerID(chainID, "", rows[i].Corp)
	}
	imp := network.Import{ID: "im0123456789abcdeg", Chain: chainID, Maker: id(w.boss), MakerCorp: w.owner.ID, State: network.ImportWaiting, CreatedAt: noon}
	_, err := w.CreateImport(t.Context(), imp, store.Once{})
	must(t, err)
	storetest.Import(t, w.Store, people, chainID, imp.ID, noon, rows...)
	body, err := json.Marshal(map[string]any{"partner_ids": ids, "group_id": w.north})
	must(t, err)
	for i, m := range w.move(t, w.admin, string(body)).want(t, 200, "").items() {
		if m["outcome"] != "moved" {
			t.Fatalf("row %d: got %v, want it moved", i, m)
		}
	}
}

func TestTheAuditListComesInPagesNewestFirst(t *testing.T) {
	t.Parallel()
	w := setup(t)
	s := w.By(network.Actor{Person: network.Person{ID: id(w.boss), Name: "Person 1"}, Corp: w.owner}, noon)
	for i := range 5 {
		_, err := s.CreateGroup(t.Context(), chainID, network.Group{Name: fmt.Sprint("G", i), Parent: 1}, store.Once{})
		must(t, err)
	}
	last, cursor := 7.0, "" // the import was the first
	for last > 1 {
		page := w.as(t, w.admin, "GET", path+"/audit?limit=2"+cursor, "").want(t, 200, "")
		for _, c := range page.items() {
			if last--; c["n"] != last {
				t.Errorf("got %v, want number %v", c, last)
			}
		}
		if next, ok := page.body["next_cursor"].(string); ok {
			cursor = "&cursor=" + next
		} else if last > 1 {
			t.Fatalf("the list ends at %v", last)
		}
	}
	all := w.as(t, w.admin, "GET", path+"/audit", "").want(t, 200, "").items()
	imported := all[len(all)-1]
	who, _ := imported["who"].(map[string]any)
	if imported["what"] != "import_applied" || imported["target"].(map[string]any)["name"] != "dealers.xlsx" || who["name"] != "Person 1" {
		t.Errorf("got %v, want the import, by its maker", imported)
	}
	w.as(t, w.admin, "GET", path+"/audit?cursor=nonsense", "").want(t, 400, "invalid")
	w.as(t, w.admin, "GET", path+"/audit?limit=0", "").want(t, 400, "invalid")
}

func TestAPreviewSaysWhatGoesWithAPartner(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, err := w.CreateInvite(t.Context(), w.chain, network.Invite{
		ID: network.NewInviteID(noon), Chain: chainID, Kind: "link", Group: 1, Maker: id(claims(7)), MakerCorp: w.joined.Corp, CreatedAt: noon, Version: 1,
	}, store.Once{})
	must(t, err)
	got := w.as(t, w.admin, "GET", path+"/partners/"+w.joined.ID+"/removal", "").want(t, 200, "")
	invites := got.body["invites"].(map[string]any)
	if got.body["joined"] != 1.0 || got.body["waiting"] != 0.0 || got.body["corp_id"] != w.joined.Corp || invites["made"] != 1.0 || invites["complete"] != true {
		t.Errorf("got %s", got.Body)
	}
	got = w.as(t, w.admin, "GET", path+"/partners/"+acme()+"/removal", "").want(t, 200, "")
	if got.body["joined"] != 0.0 || got.body["waiting"] != 2.0 || got.body["corp_id"] != nil || got.body["state"] != "pending" {
		t.Errorf("got %s", got.Body)
	}
	w.as(t, w.admin, "GET", path+"/partners/pa0000000000000000/removal", "").want(t, 404, "not_found")
	w.as(t, w.admin, "GET", path+"/partners/nonsense/removal", "").want(t, 404, "not_found")
}

func TestOnlyAdminsKeepHouse(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.corp(t, "Outside Ltd", claims(9))
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/audit", ""},
		{"POST", "/partners/move", fmt.Sprintf(`{"partner_ids":[%q],"group_id":2}`, acme())},
		{"GET", "/partners/" + acme() + "/removal", ""},
	} {
		w.as(t, w.staff, c.method, path+c.path, c.body).want(t, 403, "denied")
		w.as(t, claims(7), c.method, path+c.path, c.body).want(t, 403, "denied") // a partner's person
		w.as(t, claims(9), c.method, path+c.path, c.body).want(t, 404, "not_found")
		w.as(t, web.Claims{}, c.method, path+c.path, c.body).want(t, 401, "unauthenticated")
		w.as(t, w.boss, c.method, "/v1/chains/ch0000000000000009"+c.path, c.body).want(t, 404, "not_found")
	}
}

// Every file in events/housekeeping, in the order of its name, is what API
// Gateway sends; what it is for is answered.
func TestTheSampleEventsWork(t *testing.T) {
	t.Parallel()
	want := map[string]int{"1-removal.json": 200, "2-move.json": 200, "3-audit.json": 200}
	files, err := filepath.Glob("../../events/housekeeping/*.json")
	if err != nil || len(files) != len(want) {
		t.Fatalf("got %v (%v), want %d files", files, err, len(want))
	}
	w := setup(t)
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
