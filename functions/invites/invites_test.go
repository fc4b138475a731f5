package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"rsc.io/qr"

	"github.com/tributary-app/tributary/shared/contract"
	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

var (
	noon   = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)
	people = network.PersonKey("a key that only the tests have, 32+")
	keys   = network.TokenKeys{1: []byte("a key that only the tests have, 32+"), 2: []byte("and a newer one, which is to sign now")}
)

// Ids that the files in events/invites know.
const (
	chainID  = "ch0123456789abcdef"
	inviteID = "in06h06852fc0j6hb7"
	path     = "/v1/chains/" + chainID + "/invites"
)

// world is a chain with a group, a member of its owner, and a partner whose
// person is in.
type world struct {
	*store.Store
	tb    *dynamotest.Table
	h     http.Handler
	now   time.Time
	chain network.Chain

	boss, staff, guest web.Claims
	owner, dealer      network.Corp
	north              network.Group
}

func setup(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	tb := dynamotest.New(t)
	w := &world{Store: store.New(tb.Client, tb.Name), tb: tb, now: noon, boss: claims(1), staff: claims(2), guest: claims(3)}
	i := &invites{store: w.Store, person: people, tokens: keys, web: "https://join.example", now: func() time.Time { return w.now }}
	w.h = contract.Handler(t, i.routes())
	w.owner, w.dealer = w.corp(t, "Owner Ltd", w.boss), w.corp(t, "Dealer Ltd", w.guest)
	if err := w.AddMember(ctx, network.Member{Person: id(w.staff), Corp: w.owner.ID, Name: "Staff", Phone: w.staff.Phone, Role: network.Staff}, store.Once{}); err != nil {
		t.Fatal(err)
	}
	c, err := network.NewChain(chainID, "Dealers", w.owner, noon)
	if err != nil {
		t.Fatal(err)
	}
	if w.chain, err = w.CreateChain(ctx, c, w.owner, store.Once{}); err != nil {
		t.Fatal(err)
	}
	if w.north, err = w.CreateGroup(ctx, chainID, network.Group{Name: "North", Parent: 1}, store.Once{}); err != nil {
		t.Fatal(err)
	}
	link := network.Invite{ID: inviteID, Chain: chainID, Kind: "link", Group: w.north.ID, Maker: id(w.boss), MakerName: "Boss", MakerCorp: w.owner.ID, CreatedAt: noon.Truncate(time.Millisecond), Version: 1}
	if _, err := w.CreateInvite(ctx, w.chain, link, store.Once{}); err != nil {
		t.Fatal(err)
	}
	guest := network.Person{ID: id(w.guest), Name: "Guest", Phone: w.guest.Phone}
	if _, err := w.Join(ctx, network.Ticket{Chain: chainID, Invite: inviteID, Version: 1}, guest, store.Choice{Corp: w.dealer.ID}, noon); err != nil {
		t.Fatal(err)
	}
	tb.Reset()
	return w
}

func claims(n int) web.Claims {
	return web.Claims{Issuer: "https://id.example", Subject: fmt.Sprint("s", n), Name: fmt.Sprint("Person ", n), Phone: fmt.Sprintf("+86139%08d", n), PhoneVerified: true}
}

func id(c web.Claims) string { return people.Person(c.Phone) }

func (w *world) corp(t *testing.T, name string, who web.Claims) network.Corp {
	t.Helper()
	c, err := network.NewCorp(network.NewCorpID(), name, "", "", noon)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = w.CreateCorp(t.Context(), c, network.Member{Person: id(who), Name: who.Name, Phone: who.Phone}, store.Once{}); err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) edit(t *testing.T, e network.ChainEdit) {
	t.Helper()
	c, err := w.Chain(t.Context(), chainID)
	if err != nil {
		t.Fatal(err)
	}
	if w.chain, err = w.EditChain(t.Context(), c, e, w.now); err != nil {
		t.Fatal(err)
	}
}

// answer is what the door said.
type answer struct {
	*httptest.ResponseRecorder
	body map[string]any
}

func (a answer) text(member string) string { s, _ := a.body[member].(string); return s }

func (a answer) want(t *testing.T, status int, code string) answer {
	t.Helper()
	if a.Code != status || a.text("code") != code {
		t.Fatalf("got %d %s, want %d %q", a.Code, a.Body, status, code)
	}
	return a
}

// field is the first field that a problem names.
func (a answer) field() string {
	all, _ := a.body["errors"].([]any)
	if len(all) == 0 {
		return ""
	}
	f, _ := all[0].(map[string]any)["field"].(string)
	return f
}

// ids are the invites of a list.
func (a answer) ids() []string {
	var out []string
	for _, i := range a.body["items"].([]any) {
		out = append(out, i.(map[string]any)["invite_id"].(string))
	}
	return out
}

// as asks the door as somebody; header is pairs of a name and a value.
func (w *world) as(t *testing.T, who web.Claims, method, path, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if who != (web.Claims{}) {
		r = r.WithContext(web.WithClaims(r.Context(), who))
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	w.h.ServeHTTP(a, r)
	if strings.Contains(a.Header().Get("Content-Type"), "json") {
		if err := json.Unmarshal(a.Body.Bytes(), &a.body); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	return a
}

func (w *world) create(t *testing.T, who web.Claims, body string) answer {
	t.Helper()
	return w.as(t, who, "POST", path, body)
}

func (w *world) list(t *testing.T, who web.Claims, query string) []string {
	t.Helper()
	return w.as(t, who, "GET", path+"?"+query, "").want(t, 200, "").ids()
}

func TestAnInviteIsMadeAsItIsAskedFor(t *testing.T) {
	t.Parallel()
	w := setup(t)
	got := w.create(t, w.boss, fmt.Sprintf(`{"kind":"qr","group_id":%d,"max_uses":20,"expires_in":86400,"phone":"139 0000 0009","corp_id":"%s","note":" 秋季展会 "}`, w.north.ID, w.dealer.ID)).want(t, 201, "")
	made := got.text("invite_id")
	want := map[string]any{
		"invite_id": made, "kind": "qr", "url": "https://join.example/j/" + got.text("token"), "token": got.text("token"), "group_id": float64(w.north.ID),
		"max_uses": 20.0, "uses": 0.0, "state": "live", "phone": "+8613900000009", "corp_id": w.dealer.ID, "note": "秋季展会",
		"created_at": "2026-11-22T12:00:00.123Z", "expires_at": "2026-11-23T12:00:00.123Z",
		"inviter": map[string]any{"person_id": id(w.boss), "name": "Person 1"},
		"qr":      map[string]any{"png": path + "/" + made + "/qr.png", "svg": path + "/" + made + "/qr.svg", "poster": path + "/" + made + "/poster.svg"},
	}
	if !reflect.DeepEqual(got.body, want) {
		t.Errorf("got %v,\nwant %v", got.body, want)
	}
	ticket, err := keys.Verify(network.Token(got.text("token")))
	if err != nil || ticket != (network.Ticket{Chain: chainID, Invite: made, Version: 1}) {
		t.Errorf("its token says %+v (%v)", ticket, err)
	}
	if again := w.as(t, w.boss, "GET", path+"/"+made, "").want(t, 200, ""); again.Body.String() != got.Body.String() {
		t.Errorf("read again: got %s, want %s", again.Body, got.Body)
	}
	for key, item := range w.tb.Items(t) {
		if strings.Contains(fmt.Sprint(item), got.text("token")) {
			t.Errorf("%s holds the token (R11)", key)
		}
	}
}

func TestWhatIsLeftOutHasItsDefault(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.tb.Reset()
	got := w.create(t, w.boss, `{}`).want(t, 201, "")
	if m := w.tb.Meter(); m.ByOp["PutItem"] != 1 || m.WriteUnits > 3 {
		t.Errorf("a link cost %+v, want one write of at most 3 units", m)
	}
	if got.text("kind") != "link" || got.body["group_id"] != 1.0 || got.body["max_uses"] != nil || got.text("expires_at") != "2026-11-29T12:00:00.123Z" {
		t.Errorf("got %s", got.Body)
	}
	if _, there := got.body["max_uses"]; !there {
		t.Errorf("got %s, want max_uses null", got.Body)
	}
	nameless := w.staff
	nameless.Name = ""
	if got := w.create(t, nameless, `{}`).want(t, 201, ""); !strings.Contains(got.Body.String(), `"name":"Staff"`) {
		t.Errorf("got %s, want the name that the corp knows", got.Body)
	}
}

func TestBadInputIsRefusedByItsFieldAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	before := w.tb.Items(t)
	for _, c := range []struct{ body, code, field string }{
		{`{"kind":"notice"}`, "invalid", "kind"},
		{`{"kind":""}`, "invalid", "kind"},
		{`{"max_uses":0}`, "invalid", "max_uses"},
		{`{"max_uses":-1}`, "invalid", "max_uses"},
		{`{"max_uses":1000001}`, "invalid", "max_uses"},
		{`{"max_uses":1.5}`, "invalid", "max_uses"},
		{`{"max_uses":null}`, "invalid", "max_uses"},
		{`{"expires_in":0}`, "invalid", "expires_in"},
		{`{"expires_in":-5}`, "invalid", "expires_in"},
		{`{"expires_in":604801}`, "invalid", "expires_in"},
		{`{"expires_in":9223372036854775807}`, "invalid", "expires_in"},
		{`{"phone":""}`, "invalid", "phone"},
		{`{"phone":"12345"}`, "invalid", "phone"},
		{`{"corp_id":"x"}`, "invalid", "corp_id"},
		{`{"corp_id":""}`, "invalid", "corp_id"},
		{`{"note":"` + strings.Repeat("长", 201) + `"}`, "invalid", "note"},
		{`{"note":"a\u0000b"}`, "invalid", "note"},
		{`{"note":"展会\u202e"}`, "invalid", "note"},
		{`{"note":"two\nlines"}`, "invalid", "note"},
		{`{"group_id":"1"}`, "invalid", "group_id"},
		{`{"uses":1}`, "unknown_field", "uses"},
		{`{`, "invalid", ""},
		{`"x"`, "invalid", ""},
	} {
		if got := w.create(t, w.boss, c.body).want(t, 400, c.code); got.field() != c.field {
			t.Errorf("%s: got field %q, want %q", c.body, got.field(), c.field)
		}
	}
	w.create(t, w.boss, `{"note":"`+strings.Repeat("x", 2<<20)+`"}`).want(t, 413, "too_large")
	w.as(t, w.boss, "POST", path, `{}`, "Content-Type", "text/plain").want(t, 415, "unsupported_media_type")
	w.as(t, w.boss, "POST", path, `{}`, "Idempotency-Key", strings.Repeat("k", 65)).want(t, 400, "invalid")
	w.create(t, web.Claims{}, `{}`).want(t, 401, "unauthenticated")
	unverified := w.boss
	unverified.PhoneVerified = false
	w.create(t, unverified, `{}`).want(t, 403, "phone_not_verified")
	w.as(t, w.boss, "POST", path, `{}`, "Tributary-Corp", w.dealer.ID).want(t, 403, "not_a_member")
	w.as(t, claims(9), "POST", path, `{}`).want(t, 400, "corp_required")
	for _, q := range []string{"state=dead", "limit=0", "limit=201", "limit=x", "group_id=x", "group_id=0", "maker=x", "maker=" + strings.Repeat("p", 3000), "cursor=%21", "foo=1", "state=live&state=live"} {
		w.as(t, w.boss, "GET", path+"?"+q, "").want(t, 400, "invalid")
	}
	for _, q := range []string{"size=127", "size=2049", "size=x", "width=3"} {
		w.as(t, w.boss, "GET", path+"/"+inviteID+"/qr.png?"+q, "").want(t, 400, "invalid")
	}
	if !reflect.DeepEqual(before, w.tb.Items(t)) {
		t.Error("bad input changed the table")
	}
	if got := w.as(t, w.boss, "POST", path, `{"max_uses":0}`, "Accept-Language", "en"); got.Header().Get("Content-Language") != "en" {
		t.Errorf("got %s, want it in English", got.Body)
	}
}

// A note is kept as it is shown: of the usual width, without spaces around it.
func TestANoteIsTidiedAndMayBeLeftEmpty(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for note, want := range map[string]any{
		`　ＡＢＣ 展会　`: "ABC 展会", `  `: nil, ``: nil, strings.Repeat("长", 200): strings.Repeat("长", 200), `<b>&\"'`: `<b>&"'`,
	} {
		if got := w.create(t, w.boss, `{"note":"`+note+`"}`).want(t, 201, ""); got.body["note"] != want {
			t.Errorf("%q: got %v, want %v", note, got.body["note"], want)
		}
	}
}

func TestAllThatIsWrongWithAnInviteIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	got := w.create(t, w.boss, `{"kind":"fax","max_uses":0,"expires_in":0,"phone":"1","corp_id":"x","note":"a\u0000b"}`).want(t, 400, "invalid")
	var fields []string
	all, _ := got.body["errors"].([]any)
	for _, e := range all {
		fields = append(fields, fmt.Sprint(e.(map[string]any)["field"]))
	}
	slices.Sort(fields)
	if want := []string{"corp_id", "expires_in", "kind", "max_uses", "note", "phone"}; !slices.Equal(fields, want) {
		t.Errorf("got %q, want %q", fields, want)
	}
}

func TestALongerLifeIsForImportedOnlyChains(t *testing.T) {
	t.Parallel()
	w := setup(t)
	only := network.ImportedOnly
	w.edit(t, network.ChainEdit{JoinPolicy: &only})
	if got := w.create(t, w.boss, `{"expires_in":7776000}`).want(t, 201, ""); got.text("expires_at") != "2027-02-20T12:00:00.123Z" {
		t.Errorf("got %s, want 90 days", got.Body)
	}
	// R12: what still lives has been stretched.
	if got := w.as(t, w.boss, "GET", path+"/"+inviteID, ""); got.text("expires_at") != "2027-02-20T12:00:00.123Z" {
		t.Errorf("got %s, want 90 days", got.Body)
	}
}

func TestR07_WhoMayInvite(t *testing.T) {
	t.Parallel()
	w := setup(t)
	off, on := false, true
	own := `{"corp_id":"` + w.dealer.ID + `"}`
	w.create(t, w.boss, `{}`).want(t, 201, "")
	w.create(t, w.staff, `{}`).want(t, 201, "")
	w.create(t, w.guest, own).want(t, 201, "")
	if got := w.create(t, w.guest, `{}`).want(t, 201, ""); got.text("corp_id") != w.dealer.ID {
		t.Errorf("got %s, want an invite for the guest's own corp alone", got.Body)
	}
	w.create(t, w.guest, `{"corp_id":"`+w.owner.ID+`"}`).want(t, 403, "denied")
	w.edit(t, network.ChainEdit{MembersMayInvite: &off, PartnersMayInvite: &on})
	w.create(t, w.boss, `{}`).want(t, 201, "")
	w.create(t, w.staff, `{}`).want(t, 403, "denied")
	w.create(t, w.guest, `{}`).want(t, 201, "")
	if err := w.AddAdmin(t.Context(), w.chain, id(w.staff), noon, store.Once{}); err != nil {
		t.Fatal(err)
	}
	w.create(t, w.staff, `{}`).want(t, 201, "")
}

func TestR04_ACorpThatHasBecomeASchoolInvitesNobody(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, c := range []struct {
		corp network.Corp
		who  web.Claims
	}{{w.dealer, w.guest}, {w.owner, w.boss}} {
		now, err := w.Corp(t.Context(), c.corp.ID)
		if err != nil {
			t.Fatal(err)
		}
		industry := network.Schooling
		if _, err := w.EditCorp(t.Context(), now, store.CorpEdit{Industry: &industry}); err != nil {
			t.Fatal(err)
		}
		w.create(t, c.who, `{"corp_id":"`+c.corp.ID+`"}`).want(t, 403, "corp_not_eligible")
	}
}

func TestR08_AGroupThatItsMakerCantSeeIsNotThere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	south, err := w.CreateGroup(t.Context(), chainID, network.Group{Name: "South", Parent: 1}, store.Once{})
	if err != nil {
		t.Fatal(err)
	}
	on := true
	w.edit(t, network.ChainEdit{PartnersMayInvite: &on})
	into := func(group int) string { return fmt.Sprintf(`{"group_id":%d}`, group) }
	for _, none := range []int{0, -1, 99, 1 << 40} {
		w.create(t, w.boss, into(none)).want(t, 404, "group_not_found")
		w.create(t, w.guest, into(none)).want(t, 404, "group_not_found")
	}
	w.create(t, w.staff, into(south.ID)).want(t, 201, "")
	w.create(t, w.guest, into(south.ID)).want(t, 404, "group_not_found")
	w.create(t, w.guest, into(network.RootGroup)).want(t, 404, "group_not_found")
	for _, body := range []string{into(w.north.ID), `{}`} { // the group that its partner stands in
		if got := w.create(t, w.guest, body).want(t, 201, ""); got.body["group_id"] != float64(w.north.ID) {
			t.Errorf("got %s, want the group %d", got.Body, w.north.ID)
		}
	}
}

// Once a rule keeps a group from its maker, an invite into it is one into the root.
func TestR08_AGroupThatIsKeptFromItsMakerIsNoMoreNamed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.create(t, w.staff, fmt.Sprintf(`{"group_id":%d}`, w.north.ID)).want(t, 201, "").text("invite_id")
	_, err := w.CreateRule(t.Context(), w.chain, network.Rule{
		ID: network.NewRuleID(noon), Owner: network.OwnerSide{Members: []string{id(w.staff)}}, Partner: network.PartnerSide{Groups: []int{w.north.ID}}, Effect: network.Hide,
	}, store.Once{Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	shows := func(who web.Claims) float64 {
		t.Helper()
		n, _ := w.as(t, who, "GET", path+"/"+made, "").want(t, 200, "").body["group_id"].(float64)
		return n
	}
	if got := shows(w.staff); got != network.RootGroup {
		t.Errorf("its maker reads group %v, want the root", got)
	}
	if got := shows(w.boss); got != float64(w.north.ID) {
		t.Errorf("an admin reads group %v, want %d", got, w.north.ID)
	}
	for group, want := range map[int]int{w.north.ID: 0, network.RootGroup: 1} {
		got := w.as(t, w.staff, "GET", fmt.Sprintf("%s?group_id=%d", path, group), "").want(t, 200, "")
		if items, _ := got.body["items"].([]any); len(items) != want {
			t.Errorf("of group %d: got %s, want %d", group, got.Body, want)
		}
	}
	for _, group := range []int{w.north.ID, 99} {
		if got := w.as(t, w.staff, "POST", path+"/revoke", fmt.Sprintf(`{"group_id":%d}`, group)).want(t, 200, ""); got.body["revoked"] != 0.0 {
			t.Errorf("of group %d: got %s, want none revoked", group, got.Body)
		}
	}
	got := w.migrate(t, w.staff, migration("华东群", w.staff, wechat(5), fmt.Sprintf(`{"name":"客","phone":%q,"is_member":false}`, w.guest.Phone))).want(t, 201, "")
	if want := []string{"invited", "invited"}; !reflect.DeepEqual(got.outcomes(), want) {
		t.Errorf("got %v, want %v: who is in isn't told to whom some are hidden from", got.outcomes(), want)
	}
}

func TestTheSameKeyMakesOneInvite(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.as(t, w.boss, "POST", path, `{"max_uses":1}`, "Idempotency-Key", "k").want(t, 201, "")
	w.now = noon.Add(time.Hour)
	again := w.as(t, w.boss, "POST", path, `{"max_uses":1}`, "Idempotency-Key", "k").want(t, 201, "")
	if again.Body.String() != first.Body.String() {
		t.Errorf("again: got %s, want %s", again.Body, first.Body)
	}
	w.as(t, w.boss, "POST", path, `{"max_uses":2}`, "Idempotency-Key", "k").want(t, 422, "idempotency_mismatch")
	w.as(t, w.staff, "POST", path, `{"max_uses":2}`, "Idempotency-Key", "k").want(t, 201, "") // a key is its person's own
	if got := w.list(t, w.boss, ""); len(got) != 3 {
		t.Errorf("got %d invites, want 3", len(got))
	}
}

// Each request of it is lost, or its answer is; the client sends it again
// with the same key.
func TestALinkWhoseAnswerWasLostIsMadeOnce(t *testing.T) {
	t.Parallel()
	for op, n := range map[string]int{"Query": 1, "BatchGetItem": 1, "GetItem": 1, "TransactWriteItems": 1} {
		for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.After} {
			t.Run(fmt.Sprint(op, fault), func(t *testing.T) {
				t.Parallel()
				w := setup(t)
				w.tb.Break = func(o string, i int) dynamotest.Fault {
					if o == op && i == n {
						return fault
					}
					return dynamotest.None
				}
				w.as(t, w.boss, "POST", path, `{}`, "Idempotency-Key", "k").want(t, 500, "internal")
				w.as(t, w.boss, "POST", path, `{}`, "Idempotency-Key", "k").want(t, 201, "")
				if got := w.list(t, w.boss, ""); len(got) != 2 {
					t.Errorf("got %d invites, want 2", len(got))
				}
			})
		}
	}
}

func TestAListIsNewestFirstAndOfWhatOneMaySee(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := func(after time.Duration, who web.Claims, body string) string {
		w.now = noon.Add(after)
		return w.create(t, who, body).want(t, 201, "").text("invite_id")
	}
	short := at(time.Second, w.boss, `{"expires_in":1}`)
	revoked := at(2*time.Second, w.staff, `{}`)
	used := at(3*time.Second, w.boss, fmt.Sprintf(`{"max_uses":1,"group_id":%d}`, w.north.ID))
	guests := at(4*time.Second, w.guest, `{"corp_id":"`+w.dealer.ID+`"}`)
	w.as(t, w.staff, "POST", path+"/"+revoked+"/revoke", "").want(t, 200, "")
	if _, err := w.Join(t.Context(), network.Ticket{Chain: chainID, Invite: used, Version: 1}, network.Person{ID: id(claims(9)), Name: "Nine", Phone: claims(9).Phone},
		store.Choice{New: &network.Corp{Name: "Nine Ltd", Type: network.Company, Admins: 1}}, w.now); err != nil {
		t.Fatal(err)
	}
	w.now = noon.Add(time.Minute)
	for _, c := range []struct {
		who   web.Claims
		query string
		want  []string
	}{
		{w.boss, "", []string{guests, used, revoked, short, inviteID}},
		{w.boss, "state=live", []string{guests, inviteID}},
		{w.boss, "state=expired", []string{short}},
		{w.boss, "state=revoked", []string{revoked}},
		{w.boss, "state=exhausted", []string{used}},
		{w.boss, "maker=" + id(w.staff), []string{revoked}},
		{w.boss, "group_id=1", []string{revoked, short}},
		{w.boss, fmt.Sprint("state=live&group_id=", w.north.ID), []string{guests, inviteID}},
		{w.staff, "", []string{revoked}},
		{w.staff, "maker=" + id(w.boss), nil},
		{w.guest, "", []string{guests}},
	} {
		if got := w.list(t, c.who, c.query); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %q: got %v, want %v", c.who.Name, c.query, got, c.want)
		}
	}
	// Page by page it is the same.
	for _, c := range []struct {
		who  web.Claims
		want []string
	}{{w.boss, []string{guests, used, revoked, short, inviteID}}, {w.staff, []string{revoked}}} {
		var all []string
		for cursor := ""; ; {
			page := w.as(t, c.who, "GET", path+"?limit=1&cursor="+cursor, "").want(t, 200, "")
			all = append(all, page.ids()...)
			next, more := page.body["next_cursor"].(string)
			if !more {
				break
			}
			cursor = next
		}
		if !reflect.DeepEqual(all, c.want) {
			t.Errorf("%s, page by page: got %v, want %v", c.who.Name, all, c.want)
		}
	}
}

// Few of many cost a page, whoever asks: so does a member who has made none.
func TestAMembersListCostsNotWhatOthersHaveMade(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 3 {
		w.create(t, w.staff, `{}`).want(t, 201, "")
	}
	cost := func(who web.Claims, query string) dynamotest.Meter {
		t.Helper()
		w.tb.Reset()
		w.list(t, who, query)
		return w.tb.Meter()
	}
	queries := []string{"", "state=live", "state=revoked", "maker=" + id(w.boss), "maker=" + id(w.staff)}
	var before []dynamotest.Meter
	for _, q := range queries {
		before = append(before, cost(w.staff, q))
	}
	for range 300 {
		w.create(t, w.boss, `{}`).want(t, 201, "")
	}
	for n, q := range queries {
		if got := cost(w.staff, q); got.Requests != before[n].Requests || got.ReadUnits != before[n].ReadUnits {
			t.Errorf("%q: got %+v beside 300 of others, %+v before", q, got, before[n])
		}
	}
}

func TestAnInviteIsItsMakersAndTheAdmins(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.create(t, w.staff, `{}`).want(t, 201, "").text("invite_id")
	for _, at := range []string{"", "/qr.png", "/qr.svg"} {
		w.as(t, w.staff, "GET", path+"/"+made+at, "").want(t, 200, "")
		w.as(t, w.boss, "GET", path+"/"+made+at, "").want(t, 200, "")
		w.as(t, w.guest, "GET", path+"/"+made+at, "").want(t, 404, "not_found")
		w.as(t, w.staff, "GET", path+"/"+inviteID+at, "").want(t, 404, "not_found")
	}
	w.as(t, w.guest, "POST", path+"/"+made+"/revoke", "").want(t, 404, "not_found")
	w.as(t, w.staff, "POST", path+"/"+inviteID+"/revoke", "").want(t, 404, "not_found")
}

// Many clients send a time that was never set as the year 1; nobody means all
// invites by that.
func TestATimeThatWasNeverSetRevokesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	before := w.tb.Items(t)
	for _, body := range []string{`{"before":"0001-01-01T00:00:00Z"}`, `{"before":"1969-12-31T23:59:59Z"}`, `{"before":null}`, `{"before":"yesterday"}`, `{"maker":"` + id(w.boss) + `","before":null}`} {
		if got := w.as(t, w.boss, "POST", path+"/revoke", body).want(t, 400, "invalid").Body.String(); !strings.Contains(got, `"field":"before"`) {
			t.Errorf("%s: got %s, want before named", body, got)
		}
	}
	if !reflect.DeepEqual(before, w.tb.Items(t)) {
		t.Error("something was written")
	}
}

func TestARevokedInviteStaysRevoked(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.as(t, w.boss, "POST", path+"/"+inviteID+"/revoke", "").want(t, 200, "")
	if first.text("state") != "revoked" {
		t.Errorf("got %s", first.Body)
	}
	before := w.tb.Items(t)
	w.now = noon.Add(time.Hour)
	if again := w.as(t, w.boss, "POST", path+"/"+inviteID+"/revoke", "").want(t, 200, ""); again.Body.String() != first.Body.String() {
		t.Errorf("again: got %s, want %s", again.Body, first.Body)
	}
	if !reflect.DeepEqual(before, w.tb.Items(t)) {
		t.Error("revoking again changed the table")
	}
}

func TestR37_WhatIsOfAnotherChainIsNotThere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c, err := network.NewChain(network.NewChainID(), "Suppliers", w.dealer, noon)
	if err != nil {
		t.Fatal(err)
	}
	dealer, err := w.Corp(t.Context(), w.dealer.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateChain(t.Context(), c, dealer, store.Once{}); err != nil {
		t.Fatal(err)
	}
	foreign := "/v1/chains/" + c.ID + "/invites"
	for _, at := range []string{foreign, path[:len(path)-9] + "0/invites", "/v1/chains/x/invites", "/v1/chains/" + strings.Repeat("c", 3000) + "/invites", "/v1/chains/" + network.NewChainID() + "/invites"} {
		w.as(t, w.boss, "POST", at, `{}`).want(t, 404, "not_found")
		w.as(t, w.boss, "GET", at, "").want(t, 404, "not_found")
		w.as(t, w.boss, "GET", at+"/"+inviteID, "").want(t, 404, "not_found")
		w.as(t, w.boss, "POST", at+"/"+inviteID+"/revoke", "").want(t, 404, "not_found")
		w.as(t, w.boss, "GET", at+"/"+inviteID+"/qr.png", "").want(t, 404, "not_found")
		w.as(t, w.boss, "GET", at+"/"+inviteID+"/qr.svg", "").want(t, 404, "not_found")
	}
	for _, other := range []string{"x", network.NewInviteID(noon), inviteID + "0", strings.Repeat("i", 3000)} {
		w.as(t, w.boss, "GET", path+"/"+other, "").want(t, 404, "not_found")
		w.as(t, w.boss, "POST", path+"/"+other+"/revoke", "").want(t, 404, "not_found")
	}
	// The dealer's own chain doesn't know our invite either.
	w.as(t, w.guest, "GET", foreign+"/"+inviteID, "").want(t, 404, "not_found")
	w.as(t, w.guest, "POST", foreign+"/"+inviteID+"/revoke", "").want(t, 404, "not_found")
	w.as(t, w.guest, "POST", foreign, fmt.Sprintf(`{"group_id":%d}`, w.north.ID)).want(t, 404, "group_not_found")
	if err := w.DissolveChain(t.Context(), chainID, 0, noon); err != nil {
		t.Fatal(err)
	}
	w.as(t, w.boss, "GET", path+"/"+inviteID, "").want(t, 404, "not_found")
}

func TestBothPicturesShowTheURL(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := path + "/" + inviteID
	url := w.as(t, w.boss, "GET", at, "").want(t, 200, "").text("url")
	code, err := qr.Encode(url, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 128, 300, 1000, 2048} {
		query := fmt.Sprint("?size=", size)
		if size == 0 {
			size, query = 512, ""
		}
		got := w.as(t, w.boss, "GET", at+"/qr.png"+query, "").want(t, 200, "")
		img, err := png.Decode(got.Body)
		if err != nil || got.Header().Get("Content-Type") != "image/png" {
			t.Fatalf("%d: %v, %s", size, err, got.Header().Get("Content-Type"))
		}
		if img.Bounds() != image.Rect(0, 0, size, size) {
			t.Errorf("got %v, want %d pixels", img.Bounds(), size)
		}
		scale := size / (code.Size + 8)
		from := (size - scale*code.Size) / 2
		if from < 4*scale {
			t.Errorf("%d: %d pixels of quiet zone, want 4 modules of %d", size, from, scale)
		}
		for y := range size {
			for x := range size {
				r, _, _, _ := img.At(x, y).RGBA()
				inside := x >= from && y >= from && x < from+scale*code.Size && y < from+scale*code.Size
				if want := inside && code.Black((x-from)/scale, (y-from)/scale); want != (r == 0) {
					t.Fatalf("%d: pixel %d,%d: got black %v, want %v", size, x, y, r == 0, want)
				}
			}
		}
	}
	got := w.as(t, w.boss, "GET", at+"/qr.svg", "").want(t, 200, "")
	svg := got.Body.String()
	if got.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(svg, fmt.Sprintf(`viewBox="0 0 %d %d"`, code.Size+8, code.Size+8)) {
		t.Errorf("got %s %.200s", got.Header().Get("Content-Type"), svg)
	}
	black := map[[2]int]bool{}
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(svg, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		run, _ := strconv.Atoi(m[3])
		if m[3] != m[4] {
			t.Errorf("%s is no rectangle", m[0])
		}
		for i := range run {
			black[[2]int{x + i - 4, y - 4}] = true
		}
	}
	for y := -4; y < code.Size+4; y++ {
		for x := -4; x < code.Size+4; x++ {
			if black[[2]int{x, y}] != code.Black(x, y) {
				t.Fatalf("svg: module %d,%d: got black %v, want %v", x, y, black[[2]int{x, y}], code.Black(x, y))
			}
		}
	}
	if head := w.as(t, w.boss, "HEAD", at+"/qr.svg", ""); head.Code != 200 {
		t.Errorf("HEAD: got %d", head.Code)
	}
}

func TestNoLogHoldsATokenAPhoneOrANote(t *testing.T) {
	w := setup(t) // not parallel: the logger is everybody's
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(was)
	token := w.create(t, w.boss, `{"note":"secret note"}`).want(t, 201, "").text("token")
	w.create(t, w.boss, `{"phone":"13912345678x","note":"secret note"}`).want(t, 400, "invalid")
	w.as(t, w.boss, "GET", path+"/"+token, "").want(t, 404, "not_found")
	w.tb.Break = func(string, int) dynamotest.Fault { return dynamotest.Before }
	w.as(t, w.boss, "GET", path+"/"+inviteID, "").want(t, 500, "internal")
	if !strings.Contains(log.String(), "/v1/chains/{chain_id}/invites/{invite_id}") {
		t.Fatalf("nothing was logged: %s", log.String())
	}
	for _, secret := range []string{token, "13912345678", w.boss.Phone, "secret note", "Person 1"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q: %s", secret, log.String())
		}
	}
}

// Every file in events/invites, in the order of its name, is what API Gateway
// sends; what it is for is answered.
func TestTheSampleEventsWork(t *testing.T) {
	t.Parallel()
	want := map[string]int{"1-create.json": 201, "2-list.json": 200, "3-get.json": 200, "4-qr-png.json": 200, "5-qr-svg.json": 200, "6-poster.json": 200, "6-resend.json": 200,
		"7-adopt.json": 200, "7-migrate-group.json": 201, "8-list-migrations.json": 200, "8-no-such-migration.json": 404, "9-revoke-many.json": 200, "9-revoke.json": 200}
	files, err := filepath.Glob("../../events/invites/*.json")
	if err != nil || len(files) != len(want) {
		t.Fatalf("got %v (%v), want %d files", files, err, len(want))
	}
	w := setup(t)
	h := web.Lambda(w.h)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		got, err := h(t.Context(), e)
		if err != nil || got.StatusCode != want[filepath.Base(f)] {
			t.Errorf("%s: got %d %s (%v), want %d", f, got.StatusCode, got.Body, err, want[filepath.Base(f)])
		}
		if strings.HasSuffix(f, "png.json") {
			b, err := base64.StdEncoding.DecodeString(got.Body)
			if _, err := png.Decode(bytes.NewReader(b)); err != nil || !got.IsBase64Encoded {
				t.Errorf("%s: %v, base64 %v", f, err, got.IsBase64Encoded)
			}
			if err != nil {
				t.Errorf("%s: %v", f, err)
			}
		}
	}
}

func TestTheDoorRefusesToStartWithoutItsEnvironment(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), "WEB_URL") || !strings.Contains(err.Error(), "TOKEN_KEYS") {
		t.Errorf("got %v, want it to name what is missing", err)
	}
}

// A guest learns neither how many links others have made, nor when: ids of
// invites are times.
func TestAListTellsGuestsNothingOfOthersInvites(t *testing.T) {
	t.Parallel()
	w := setup(t)
	on := true
	w.edit(t, network.ChainEdit{PartnersMayInvite: &on})
	var mine []string
	for n := range 12 {
		w.now = w.now.Add(time.Second)
		if n%5 == 0 {
			mine = append(mine, w.create(t, w.guest, `{}`).want(t, 201, "").text("invite_id"))
		}
		w.create(t, w.boss, `{}`).want(t, 201, "")
	}
	slices.Reverse(mine)
	var got []string
	cursor := ""
	for n := range mine {
		page := w.as(t, w.guest, "GET", path+"?limit=1&cursor="+cursor, "").want(t, 200, "")
		got = append(got, page.ids()...)
		var more bool
		if cursor, more = page.body["next_cursor"].(string); more != (n < len(mine)-1) {
			t.Errorf("page %d: got %s, want the last page to be the third", n, page.Body)
		}
		if _, err := people.Open(chainID, cursor); err != nil {
			t.Errorf("got cursor %s, want it sealed: %v", cursor, err)
		}
	}
	if !slices.Equal(got, mine) {
		t.Errorf("got %v, want %v, one a page", got, mine)
	}
}
