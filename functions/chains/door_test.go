package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/tributary-app/tributary/shared/contract"
	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/store/storetest"
	"github.com/tributary-app/tributary/shared/web"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

var personKey = network.PersonKey("a key that only tests have")

// logs is all that was logged while the tests ran.
var logs struct {
	sync.Mutex
	bytes.Buffer
}

type logWriter struct{}

func (logWriter) Write(b []byte) (int, error) {
	logs.Lock()
	defer logs.Unlock()
	return logs.Buffer.Write(b)
}

// Every person, corp and chain of these tests has 机密 (secret) in its name,
// and every phone begins alike: no line of any test's log may hold either.
const secret = "机密"

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(logWriter{}, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{} // whose digits may look like a phone's
		}
		return a
	}})))
	code := m.Run()
	for _, what := range []string{secret, "13900", "139 00"} {
		if strings.Contains(logs.String(), what) {
			fmt.Fprintf(os.Stderr, "the log holds %q:\n%s", what, logs.String())
			code = 1
		}
	}
	os.Exit(code)
}

// someone is a person with a verified phone, acting as a corp if they name
// one.
type someone struct{ name, phone, corp string }

func (s someone) id() string { return personKey.Person(s.phone) }

func (s someone) as(corp string) someone { s.corp = corp; return s }

// person is the n-th person of a test.
func person(n int) someone {
	return someone{fmt.Sprintf("%s员工%d", secret, n), fmt.Sprintf("+8613900000%03d", n), ""}
}

// world is the door on a table of its own, with a corp that owns a chain.
type world struct {
	*chains
	t     *testing.T
	tb    *dynamotest.Table
	h     http.Handler
	boss  someone // super-admin of owner
	owner string  // corp
	chain string
}

func setup(t *testing.T) *world {
	t.Helper()
	tb := dynamotest.New(t)
	w := &world{t: t, tb: tb, chains: &chains{
		http:  http.DefaultClient,
		store: store.New(tb.Retrying(3), tb.Name), key: personKey, now: func() time.Time { return noon },
		tickets: tickets{platform.Bucket{Name: "rosters", Region: "eu-central-1", Endpoint: "http://127.0.0.1:9", Now: func() time.Time { return noon },
			Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "a secret", "a session")}},
	}}
	w.h = contract.Handler(t, w.routes())
	w.boss = person(1)
	w.owner = w.newCorp(w.boss, secret+"科技")
	w.boss.corp = w.owner
	w.chain = w.newChain(w.boss, secret+"经销商")
	return w
}

type answer struct {
	t    *testing.T
	code int
	head http.Header
	body []byte
}

// ask sends a request; header are names and values in turn.
func (w *world) ask(who someone, method, path, body string, header ...string) answer {
	w.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if who.corp != "" {
		r.Header.Set("Tributary-Corp", who.corp)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if who.phone != "" {
		r = r.WithContext(web.WithClaims(r.Context(), web.Claims{Subject: "sub-" + who.phone, Name: who.name, Phone: who.phone, PhoneVerified: true}))
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	return answer{w.t, rec.Code, rec.Header(), rec.Body.Bytes()}
}

// in is a path in the world's chain.
func (w *world) in(path string) string { return "/v1/chains/" + w.chain + path }

// want ends the test unless the status, and the code of a problem, are these.
func (a answer) want(status int, code string) answer {
	a.t.Helper()
	if a.code != status || code != "" && a.str("code") != code {
		a.t.Fatalf("got %d %s, want %d %s", a.code, a.body, status, code)
	}
	return a
}

func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		a.t.Fatalf("%s: %v", a.body, err)
	}
}

func (a answer) str(field string) string {
	a.t.Helper()
	var m map[string]any
	a.into(&m)
	s, _ := m[field].(string)
	return s
}

type page[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"next_cursor"`
}

// all follows a list to its end.
func all[T any](w *world, who someone, path string) []T {
	w.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	var out []T
	for cursor, n := "", 0; ; n++ {
		var p page[T]
		at := path
		if cursor != "" {
			at += sep + "cursor=" + cursor
		}
		w.ask(who, "GET", at, "").want(200, "").into(&p)
		out = append(out, p.Items...)
		if p.NextCursor == nil {
			return out
		}
		if n > 1000 {
			w.t.Fatal("the list has no end")
		}
		cursor = *p.NextCursor
	}
}

func (w *world) newCorp(who someone, name string) string {
	w.t.Helper()
	return w.ask(who, "POST", "/v1/corps", `{"name":"`+name+`"}`).want(201, "").str("corp_id")
}

func (w *world) newChain(who someone, name string) string {
	w.t.Helper()
	return w.ask(who, "POST", "/v1/chains", `{"name":"`+name+`"}`).want(201, "").str("chain_id")
}

func (w *world) newGroup(name string, parent int) int {
	w.t.Helper()
	var g groupJSON
	w.ask(w.boss, "POST", w.in("/groups"), fmt.Sprintf(`{"name":%q,"parent_id":%d}`, name, parent)).want(201, "").into(&g)
	return g.GroupID
}

func (w *world) addMember(corp string, who someone, role string) {
	w.t.Helper()
	w.ask(w.boss, "POST", "/v1/corps/"+corp+"/members", fmt.Sprintf(`{"name":%q,"phone":%q,"role":%q}`, who.name, who.phone, role)).want(201, "")
}

// invite makes a link into a group of the world's chain.
func (w *world) invite(maker someone, group int) network.Ticket {
	w.t.Helper()
	ch, err := w.store.Chain(w.t.Context(), w.chain)
	if err != nil {
		w.t.Fatal(err)
	}
	i, err := w.store.CreateInvite(w.t.Context(), ch, network.Invite{ID: network.NewInviteID(noon), Chain: w.chain, Kind: "link", Group: group,
		Maker: maker.id(), MakerCorp: maker.corp, CreatedAt: noon, Version: 1}, store.Once{})
	if err != nil {
		w.t.Fatal(err)
	}
	return network.Ticket{Chain: w.chain, Invite: i.ID, Version: 1}
}

func (w *world) inviteState(t network.Ticket) network.InviteState {
	w.t.Helper()
	l, err := w.store.Look(w.t.Context(), t, noon)
	if err != nil {
		w.t.Fatal(err)
	}
	return l.Invite.State(l.Chain, noon)
}

// join brings a person in, with a corp of their own, and answers as whom.
func (w *world) join(who someone, name string, group int) (someone, network.Partner) {
	w.t.Helper()
	who.corp = w.newCorp(who, name)
	a, err := w.store.Join(w.t.Context(), w.invite(w.boss, group), network.Person{ID: who.id(), Name: who.name, Phone: who.phone}, store.Choice{Corp: who.corp}, noon)
	if err != nil {
		w.t.Fatal(err)
	}
	return who, a.Partner
}

// enter brings in a colleague of somebody who is in.
func (w *world) enter(who someone) {
	w.t.Helper()
	_, err := w.store.Join(w.t.Context(), w.invite(w.boss, 1), network.Person{ID: who.id(), Name: who.name, Phone: who.phone}, store.Choice{Corp: who.corp}, noon)
	if err != nil {
		w.t.Fatal(err)
	}
}

// between has something done as the next transaction is about to commit, in
// the same world.
func (w *world) between(do func(w *world)) {
	past := *w.chains
	past.store = store.New(dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT")), w.tb.Name) // past Break
	w.tb.Reset()
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n == 1 {
			other := *w
			other.chains = &past
			do(&other)
		}
		return dynamotest.None
	}
}

// roster does what the imports door does with checked rows.
func (w *world) roster(rows ...network.RosterRow) network.Import {
	w.t.Helper()
	return w.imported(`{"file_name":"机密.xlsx"}`, rows...)
}

// imported is an import that was asked for so, done or planned.
func (w *world) imported(body string, rows ...network.RosterRow) network.Import {
	w.t.Helper()
	id := w.ask(w.boss, "POST", w.in("/imports"), body).want(201, "").str("import_id")
	return storetest.Import(w.t, w.store, personKey, w.chain, id, noon, rows...)
}

// row is a valid row of a roster.
func row(n int) network.RosterRow {
	return network.RosterRow{Number: n + 1, Corp: fmt.Sprintf("%s商贸%04d", secret, n), Contact: secret + "联系人", Phone: fmt.Sprintf("+86139001%05d", n)}
}

// The state of things is the same before and after do.
func (w *world) unchanged(do func()) {
	w.t.Helper()
	before := w.tb.Items(w.t)
	do()
	if after := w.tb.Items(w.t); !reflect.DeepEqual(before, after) {
		w.t.Errorf("the table changed")
	}
}

// R37: for who has no part in a chain it isn't there, whatever they ask of it.
func TestR37_EveryRouteOfAForeignChainIs404(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, p := w.join(person(2), secret+"商贸", 1)
	imp := w.roster(row(1))
	stranger := person(9)
	stranger.corp = w.newCorp(stranger, secret+"外人")
	body := map[string]string{
		"POST /v1/chains/{chain_id}/admins": `{"person_id":"` + w.boss.id() + `"}`, "POST /v1/chains/{chain_id}/groups": `{"name":"新"}`,
		"POST /v1/chains/{chain_id}/imports": `{"file_name":"a.xlsx"}`,
	}
	n := 0
	w.unchanged(func() {
		for pattern := range w.handlers() {
			method, path, _ := strings.Cut(pattern, " ")
			if !strings.Contains(path, "{chain_id}") {
				continue
			}
			n++
			for _, chain := range []string{w.chain, network.NewChainID(), "ch", "nonsense", strings.ToUpper(w.chain)} {
				at := strings.NewReplacer("{chain_id}", chain, "{person_id}", w.boss.id(), "{group_id}", "1", "{partner_id}", p.ID, "{import_id}", imp.ID).Replace(path)
				b := body[pattern]
				if method == "PATCH" {
					b = `{}`
				}
				if got := w.ask(stranger, method, at, b); got.code != 404 || got.str("code") != "not_found" {
					t.Errorf("%s: got %d %s, want 404 not_found", pattern, got.code, got.body)
				}
			}
		}
	})
	if n != 23 {
		t.Errorf("got %d routes with a chain, want 23", n)
	}
	logs.Lock()
	defer logs.Unlock()
	if !strings.Contains(logs.String(), `"route":"GET /v1/chains/{chain_id}","status":404`) {
		t.Error("got no line of it in the log, so what TestMain finds there means nothing")
	}
}

// What is another chain's of one's own isn't there either (R37).
func TestR37_AnotherChainsThingsAreNotInThisOne(t *testing.T) {
	t.Parallel()
	w := setup(t)
	g := w.newGroup("华东", 1)
	_, p := w.join(person(2), secret+"商贸", 1)
	imp := w.roster(row(1))
	w.chain = w.newChain(w.boss, secret+"另一个")
	for _, x := range []struct{ method, path, body, code string }{
		{"GET", "/partners/" + p.ID, "", "not_found"},
		{"PATCH", "/partners/" + p.ID, `{"alias":"甲"}`, "not_found"},
		{"DELETE", "/partners/" + p.ID, "", "not_found"},
		{"GET", "/partners/" + p.ID + "/contacts", "", "not_found"},
		{"GET", "/imports/" + imp.ID, "", "not_found"},
		{"GET", "/imports/" + imp.ID + "/rows", "", "not_found"},
		{"PATCH", fmt.Sprintf("/groups/%d", g), `{"name":"甲"}`, "not_found"},
		{"DELETE", fmt.Sprintf("/groups/%d", g), "", "not_found"},
		{"GET", fmt.Sprintf("/partners?group_id=%d", g), "", "group_not_found"},
		{"GET", fmt.Sprintf("/partners?group_id=%d&recursive=true", g), "", "group_not_found"},
		{"POST", "/groups", fmt.Sprintf(`{"name":"甲","parent_id":%d}`, g), "group_not_found"},
		{"POST", "/admins", `{"person_id":"` + personKey.Person("+8613900000777") + `"}`, "not_found"},
		{"GET", "/partners/nonsense", "", "not_found"},
		{"GET", "/imports/nonsense", "", "not_found"},
		{"PATCH", "/groups/01", `{"name":"甲"}`, "not_found"},
		{"DELETE", "/groups/x", "", "not_found"},
	} {
		w.ask(w.boss, x.method, w.in(x.path), x.body).want(404, x.code)
	}
}

// The bad input of issue 3: its status and code in both languages, and
// nothing changes.
func TestBadInputIsRefusedInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stranger := person(9)
	theirs := w.newCorp(stranger, secret+"外人")
	long := strings.Repeat("机密", 17)
	w.unchanged(func() {
		for name, x := range map[string]struct {
			who                someone
			method, path, body string
			status             int
			code               string
		}{
			"malformed JSON":         {w.boss, "POST", "/v1/corps", `{"name":"机密`, 400, "invalid"},
			"not JSON":               {w.boss, "POST", "/v1/chains", `<机密/>`, 400, "invalid"},
			"unknown field":          {w.boss, "POST", "/v1/corps", `{"name":"机密","机密":1}`, 400, "unknown_field"},
			"field in other case":    {w.boss, "POST", "/v1/corps", `{"Name":"机密"}`, 400, "unknown_field"},
			"wrong type":             {w.boss, "POST", "/v1/corps", `{"name":["机密"]}`, 400, "invalid"},
			"null":                   {w.boss, "PATCH", w.in(""), `{"name":null}`, 400, "invalid"},
			"number for a switch":    {w.boss, "PATCH", w.in(""), `{"members_may_invite":1}`, 400, "invalid"},
			"no name":                {w.boss, "POST", "/v1/corps", `{}`, 400, "invalid"},
			"blank name":             {w.boss, "POST", "/v1/chains", `{"name":" 　 "}`, 400, "invalid"},
			"over-long corp":         {w.boss, "POST", "/v1/corps", `{"name":"` + long + `"}`, 400, "invalid"},
			"over-long industry":     {w.boss, "POST", "/v1/corps", `{"name":"机密","industry":"` + long + `"}`, 400, "invalid"},
			"over-long chain":        {w.boss, "POST", "/v1/chains", `{"name":"` + long + `"}`, 400, "invalid"},
			"over-long group":        {w.boss, "POST", w.in("/groups"), `{"name":"` + long + `"}`, 400, "invalid"},
			"over-long member":       {w.boss, "POST", "/v1/corps/" + w.owner + "/members", `{"name":"` + long + `","phone":"13900000003","role":"member"}`, 400, "invalid"},
			"over-long file name":    {w.boss, "POST", w.in("/imports"), `{"file_name":"` + strings.Repeat("机密", 128) + `"}`, 400, "invalid"},
			"character not allowed":  {w.boss, "POST", "/v1/corps", `{"name":"机密<b>"}`, 400, "invalid"},
			"slash in a group":       {w.boss, "POST", w.in("/groups"), `{"name":"机密/甲"}`, 400, "invalid"},
			"no such type":           {w.boss, "POST", "/v1/corps", `{"name":"机密","type":"club"}`, 400, "invalid"},
			"no such policy":         {w.boss, "PATCH", w.in(""), `{"join_policy":"anybody"}`, 400, "invalid"},
			"no such preset":         {w.boss, "POST", "/v1/chains", `{"name":"机密2","preset":"suppliers"}`, 400, "invalid"},
			"no such role":           {w.boss, "POST", "/v1/corps/" + w.owner + "/members", `{"name":"机密","phone":"13900000003","role":"king"}`, 400, "invalid"},
			"no phone":               {w.boss, "POST", "/v1/corps/" + w.owner + "/members", `{"name":"机密","role":"member"}`, 400, "invalid"},
			"bad phone":              {w.boss, "POST", "/v1/corps/" + w.owner + "/members", `{"name":"机密","phone":"139000","role":"member"}`, 400, "invalid"},
			"no such atomicity":      {w.boss, "POST", w.in("/imports"), `{"file_name":"机密","atomicity":"all"}`, 400, "invalid"},
			"another mode":           {w.boss, "POST", w.in("/imports"), `{"file_name":"机密","mode":"replace"}`, 400, "invalid"},
			"order out of range":     {w.boss, "POST", w.in("/groups"), `{"name":"机密","order":-1}`, 400, "invalid"},
			"2 MB":                   {w.boss, "POST", "/v1/corps", `{"name":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "too_large"},
			"limit":                  {w.boss, "GET", w.in("/partners?limit=201"), "", 400, "invalid"},
			"cursor":                 {w.boss, "GET", w.in("/partners?cursor=%21"), "", 400, "invalid"},
			"cursor of groups":       {w.boss, "GET", w.in("/partners?group_id=1&cursor=x"), "", 400, "invalid"},
			"cursor of a group list": {w.boss, "GET", w.in("/groups?cursor=x"), "", 400, "invalid"},
			"unknown parameter":      {w.boss, "GET", w.in("/partners?page=2"), "", 400, "invalid"},
			"no such state":          {w.boss, "GET", w.in("/partners?state=gone"), "", 400, "invalid"},
			"not true or false":      {w.boss, "GET", w.in("/partners?recursive=yes"), "", 400, "invalid"},
			"a group of another":     {w.boss, "POST", w.in("/groups"), `{"name":"机密","parent_id":99}`, 404, "group_not_found"},
			"the root goes nowhere":  {w.boss, "DELETE", w.in("/groups/1"), "", 400, "invalid"},
			"a corp not theirs":      {w.boss.as(theirs), "GET", w.in(""), "", 403, "not_a_member"},
			"no corp at all":         {w.boss.as("nonsense"), "GET", "/v1/chains", "", 403, "not_a_member"},
			"a path not theirs":      {w.boss, "GET", "/v1/corps/" + theirs, "", 403, "not_a_member"},
			"a path that is none":    {w.boss, "GET", "/v1/corps/nonsense", "", 404, "not_found"},
			"nobody":                 {someone{}, "GET", "/v1/me", "", 401, "unauthenticated"},
			"nobody in a chain":      {someone{}, "GET", w.in("/partners"), "", 401, "unauthenticated"},
			"a phone that is none":   {someone{"机密", "139000", ""}, "POST", "/v1/corps", `{"name":"机密"}`, 403, "phone_not_verified"},
			"no corp":                {person(8), "GET", "/v1/chains", "", 400, "corp_required"},
		} {
			zh := w.ask(x.who, x.method, x.path, x.body)
			en := w.ask(x.who, x.method, x.path, x.body, "Accept-Language", "en")
			if zh.code != x.status || zh.str("code") != x.code || en.code != x.status || en.str("code") != x.code {
				t.Errorf("%s: got %d %s and %d %s, want %d %s", name, zh.code, zh.body, en.code, en.body, x.status, x.code)
				continue
			}
			if zh.str("title") == en.str("title") || zh.head.Get("Content-Language") != "zh-CN" || en.head.Get("Content-Language") != "en" {
				t.Errorf("%s: got %q and %q, want each language's own", name, zh.str("title"), en.str("title"))
			}
		}
	})
}

func TestABodyThatIsNoJSONByItsTypeIs415(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(w.boss, "POST", "/v1/corps", `{"name":"机密"}`, "Content-Type", "text/plain").want(415, "unsupported_media_type")
}

// The same key and request answers the first response again; another request
// under it is refused.
func TestTheSameIdempotencyKeyMakesOneThing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, x := range map[string]struct{ path, body, other, id string }{
		"corp":   {"/v1/corps", `{"name":"机密一"}`, `{"name":"机密二"}`, "corp_id"},
		"chain":  {"/v1/chains", `{"name":"机密一"}`, `{"name":"机密二"}`, "chain_id"},
		"group":  {w.in("/groups"), `{"name":"机密一"}`, `{"name":"机密二"}`, "group_id"},
		"import": {w.in("/imports"), `{"file_name":"机密一"}`, `{"file_name":"机密二"}`, "import_id"},
	} {
		who := w.boss
		first := w.ask(who, "POST", x.path, x.body, "Idempotency-Key", "k").want(201, "")
		w.chains.now = func() time.Time { return noon.Add(time.Hour) }
		var again answer
		w.unchanged(func() { again = w.ask(who, "POST", x.path, x.body, "Idempotency-Key", "k").want(201, "") })
		w.chains.now = func() time.Time { return noon }
		if !bytes.Equal(first.body, again.body) {
			if name != "import" || first.str("import_id") != again.str("import_id") {
				t.Errorf("%s: got %s, want %s", name, again.body, first.body)
			}
		}
		if first.head.Get("ETag") != again.head.Get("ETag") {
			t.Errorf("%s: got ETag %s, want %s", name, again.head.Get("ETag"), first.head.Get("ETag"))
		}
		w.unchanged(func() {
			w.ask(who, "POST", x.path, x.other, "Idempotency-Key", "k").want(422, "idempotency_mismatch")
			w.ask(who, "POST", x.path, x.body, "Idempotency-Key", strings.Repeat("k", 65)).want(400, "invalid")
		})
		if name == "corp" {
			continue
		}
		next := w.ask(who, "POST", x.path, x.other, "Idempotency-Key", "k2").want(201, "")
		if name != "group" && next.str(x.id) == first.str(x.id) {
			t.Errorf("%s: got %s again under another key", name, x.id)
		}
	}
}

// The answer of a write is lost on the wire, and the client asks again with
// its key: one thing is made.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.chains.store = store.New(w.tb.Client, w.tb.Name) // one try
	w.tb.Reset()
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n == 1 {
			return dynamotest.After
		}
		return dynamotest.None
	}
	got := w.ask(w.boss, "POST", "/v1/chains", `{"name":"机密新"}`, "Idempotency-Key", "k").want(500, "internal")
	if strings.Contains(string(got.body), "dynamotest") {
		t.Errorf("got %s, want none of our own words", got.body)
	}
	w.ask(w.boss, "POST", "/v1/chains", `{"name":"机密新"}`, "Idempotency-Key", "k").want(201, "")
	if got := all[chainJSON](w, w.boss, "/v1/chains"); len(got) != 2 {
		t.Errorf("got %d chains, want the first and one new", len(got))
	}
}

// Every file in events/chains is what API Gateway sends, and is answered.
func TestEventsAreAnswered(t *testing.T) {
	t.Parallel()
	want := map[string]struct {
		status int
		says   string
	}{
		"me":                  {200, `"chain_id":"ch0123456789abcdef"`},
		"erase-me":            {409, `"field":"corps.co0123456789abcdef"`},
		"me-unverified":       {200, `"person_id":null`},
		"create-corp":         {201, `"name":"宏远商贸(杭州)"`},
		"create-chain-base64": {201, `"join_policy":"imported_only"`},
		"list-partners":       {200, `"items":[]`},
		"create-import":       {201, `"state":"waiting_for_upload"`},
		"create-import-sync":  {201, `"state":"waiting_for_upload"`},
		"apply-import":        {404, `"code":"not_found"`},
		"cancel-import":       {404, `"code":"not_found"`},
		"revert-import":       {404, `"code":"not_found"`},
		"import-errors":       {404, `"code":"not_found"`},
		"import-rows-failed":  {404, `"code":"not_found"`},
		"foreign-corp":        {403, `"code":"not_a_member"`},
		"dissolve":            {412, `"code":"precondition_failed"`},
	}
	files, err := filepath.Glob("../../events/chains/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v", files, err)
	}
	if len(files) != len(want) {
		t.Errorf("got %d files, want %d: %v", len(files), len(want), maps.Keys(want))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			p := network.Person{ID: personKey.Person("+8613900138000"), Name: "李娜", Phone: "+8613900138000"}
			corp, err := network.NewCorp("co0123456789abcdef", "宏远", "", "", noon)
			if err != nil {
				t.Fatal(err)
			}
			if corp, err = w.store.CreateCorp(t.Context(), corp, network.Member{Person: p.ID, Name: p.Name, Phone: p.Phone}, store.Once{}); err != nil {
				t.Fatal(err)
			}
			chain, err := network.NewChain("ch0123456789abcdef", "华东经销商", corp, noon)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = w.store.CreateChain(t.Context(), chain, corp, store.Once{}); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			b, err := io.ReadAll(f)
			if err != nil {
				t.Fatal(err)
			}
			var e events.APIGatewayV2HTTPRequest
			if err := json.Unmarshal(b, &e); err != nil {
				t.Fatal(err)
			}
			got, err := web.Lambda(w.h)(t.Context(), e)
			if err != nil || got.StatusCode != want[name].status || !strings.Contains(got.Body, want[name].says) {
				t.Errorf("got %d %s, %v, want %d with %s", got.StatusCode, got.Body, err, want[name].status, want[name].says)
			}
		})
	}
}
