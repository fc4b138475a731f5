package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
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

var (
	noon   = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	people = network.PersonKey("a key that only the tests have, 32+")
)

// chainID is one that the files in events/directory know.
const chainID = "ch0123456789abcdef"

const (
	path     = "/v1/chains/" + chainID + "/directory"
	progress = "/v1/chains/" + chainID + "/progress"
)

// world is a chain with groups North and South, North with Harbour below it,
// and joined partners in all of them. Persons 10 to 19 are the partners'.
type world struct {
	*store.Store
	tb                    *dynamotest.Table
	h                     http.Handler
	bucket                *bases
	indexes               *indexes
	now                   time.Time
	chain                 network.Chain
	owner                 network.Corp
	boss, staff           web.Claims
	north, south, harbour int
	corps                 map[int]network.Corp // of the persons
}

func setup(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	tb := dynamotest.New(t)
	w := &world{Store: store.New(tb.Client, tb.Name), tb: tb, now: noon, boss: claims(1), staff: claims(2), corps: map[int]network.Corp{}}
	w.bucket = newBases(t)
	d := &directory{store: w.Store, person: people, now: func() time.Time { return w.now }, bucket: platform.Bucket{
		Name: "rosters", Region: "eu-central-1", Now: func() time.Time { return w.now },
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "a secret", "a session"),
	}, indexes: &indexes{store: w.Store, bucket: w.bucket.Bucket, budget: 1 << 20}}
	w.indexes = d.indexes
	w.h = contract.Handler(t, d.routes())
	w.owner = w.corp(t, "Owner Ltd", w.boss)
	if err := w.AddMember(ctx, network.Member{Person: id(w.staff), Corp: w.owner.ID, Name: "Person 2", Phone: w.staff.Phone, Role: network.Staff}, store.Once{}); err != nil {
		t.Fatal(err)
	}
	c, err := network.NewChain(chainID, "Dealers", w.owner, noon)
	if err != nil {
		t.Fatal(err)
	}
	if w.chain, err = w.CreateChain(ctx, c, w.owner, store.Once{}); err != nil {
		t.Fatal(err)
	}
	tree, err := w.EnsureGroups(ctx, chainID, "", [][]string{{"North", "Harbour"}, {"South"}})
	if err != nil {
		t.Fatal(err)
	}
	w.north, _ = tree.Find([]string{"North"})
	w.harbour, _ = tree.Find([]string{"North", "Harbour"})
	w.south, _ = tree.Find([]string{"South"})
	tb.Reset()
	return w
}

func claims(n int) web.Claims {
	return web.Claims{Issuer: "https://id.example", Subject: fmt.Sprint("s", n), Name: fmt.Sprint("Person ", n), Phone: phone(n), PhoneVerified: true}
}

func phone(n int) string { return fmt.Sprintf("+86139%08d", n) }

func id(c web.Claims) string { return people.Person(c.Phone) }

// handle is what the directory calls a person.
func handle(c web.Claims) string { return people.Contact(chainID, id(c)) }

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

// invite is a link of somebody's, into a group.
func (w *world) invite(t *testing.T, who web.Claims, corp network.Corp, group int) network.Ticket {
	t.Helper()
	i := network.Invite{ID: network.NewInviteID(w.now), Chain: chainID, Kind: "link", Group: group, Maker: id(who), MakerName: who.Name, MakerCorp: corp.ID, CreatedAt: w.now, Version: 1}
	if _, err := w.CreateInvite(t.Context(), w.chain, i, store.Once{}); err != nil {
		t.Fatal(err)
	}
	return network.Ticket{Chain: chainID, Invite: i.ID, Version: 1}
}

// joins lets person n in under a new corp called Dealer n.
func (w *world) joins(t *testing.T, n int, ticket network.Ticket) {
	t.Helper()
	w.corps[n] = w.corp(t, fmt.Sprint("Dealer ", n), claims(n))
	w.in(t, n, w.corps[n], ticket)
}

func (w *world) in(t *testing.T, n int, corp network.Corp, ticket network.Ticket) {
	t.Helper()
	c := claims(n)
	if _, err := w.Join(t.Context(), ticket, network.Person{ID: id(c), Name: c.Name, Phone: c.Phone}, store.Choice{Corp: corp.ID}, w.now); err != nil {
		t.Fatal(err)
	}
}

// colleague is person n, added to a corp and, by ticket, to the chain.
func (w *world) colleague(t *testing.T, n int, corp network.Corp) {
	t.Helper()
	c := claims(n)
	if err := w.AddMember(t.Context(), network.Member{Person: id(c), Corp: corp.ID, Name: c.Name, Phone: c.Phone, Role: network.Staff}, store.Once{}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) see(t *testing.T, e network.ChainEdit) {
	t.Helper()
	c, err := w.Chain(t.Context(), chainID)
	if err != nil {
		t.Fatal(err)
	}
	if w.chain, err = w.EditChain(t.Context(), c, e, w.now); err != nil {
		t.Fatal(err)
	}
}

// partners are the six that most tests want: two at the root, one in North,
// one in Harbour below it, two in South.
func (w *world) partners(t *testing.T) {
	t.Helper()
	for i, group := range []int{network.RootGroup, network.RootGroup, w.north, w.harbour, w.south, w.south} {
		w.joins(t, 10+i, w.invite(t, w.boss, w.owner, group))
	}
	w.tb.Reset()
}

// answer is what the door said.
type answer struct {
	*httptest.ResponseRecorder
	body map[string]any
}

func (a answer) want(t *testing.T, status int, code string) answer {
	t.Helper()
	if got, _ := a.body["code"].(string); a.Code != status || got != code {
		t.Fatalf("got %d %s, want %d %q", a.Code, a.Body, status, code)
	}
	return a
}

// said is a list in short: what each item is and its name, and of people why
// they are seen.
func (a answer) said() []string {
	var out []string
	for _, i := range a.body["items"].([]any) {
		item := i.(map[string]any)
		kind := item["kind"].(string)
		of := item[kind].(map[string]any)
		s := fmt.Sprint(kind, " ", of["name"])
		if kind == "contact" {
			s += fmt.Sprint(" ", of["role"])
		}
		out = append(out, s)
	}
	return out
}

func (w *world) as(t *testing.T, who web.Claims, path string, header ...string) answer {
	t.Helper()
	return w.ask(t, who, httptest.NewRequest(http.MethodGet, path, nil), header...)
}

func (w *world) ask(t *testing.T, who web.Claims, r *http.Request, header ...string) answer {
	t.Helper()
	if who != (web.Claims{}) {
		r = r.WithContext(web.WithClaims(r.Context(), who))
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	w.h.ServeHTTP(a, r)
	if err := json.Unmarshal(a.Body.Bytes(), &a.body); err != nil {
		t.Errorf("%v", err)
	}
	return a
}

// all is a list to its end, page by page.
func (w *world) all(t *testing.T, who web.Claims, query string) []string {
	t.Helper()
	var out []string
	for cursor, n := "", 0; ; n++ {
		page := w.as(t, who, path+"?"+query+"&cursor="+cursor).want(t, 200, "")
		out = append(out, page.said()...)
		next, more := page.body["next_cursor"].(string)
		if !more {
			return out
		}
		if cursor = next; n > 200 {
			t.Fatalf("no end of %q", query)
		}
	}
}

func TestTheOwnersPeopleSeeTheGroupsAndWhoHasJoined(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	w.roster(t, row("Pending Ltd", 50)) // is still to join, so isn't here
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"", []string{"group North", "group South", "partner Dealer 10", "partner Dealer 11"}},
		{"group_id=1&sort=name", []string{"group North", "group South", "partner Dealer 10", "partner Dealer 11"}},
		{fmt.Sprint("group_id=", w.north), []string{"group Harbour", "partner Dealer 12"}},
		{fmt.Sprint("group_id=", w.north, "&recursive=true"), []string{"partner Dealer 12", "partner Dealer 13"}},
		{fmt.Sprint("group_id=", w.harbour), []string{"partner Dealer 13"}},
		{fmt.Sprint("group_id=", w.south), []string{"partner Dealer 14", "partner Dealer 15"}},
		{"recursive=true", []string{"partner Dealer 10", "partner Dealer 11", "partner Dealer 12", "partner Dealer 13", "partner Dealer 14", "partner Dealer 15"}},
	} {
		for _, who := range []web.Claims{w.boss, w.staff} {
			got := w.all(t, who, c.query)
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s %q: got %v, want %v", who.Name, c.query, got, c.want)
			}
			for _, limit := range []int{1, 2, 3} {
				paged := w.all(t, who, fmt.Sprint(c.query, "&limit=", limit))
				if !reflect.DeepEqual(paged, c.want) {
					t.Errorf("%q by %d: got %v, want %v", c.query, limit, paged, c.want)
				}
			}
		}
	}
	first := w.as(t, w.boss, path+fmt.Sprint("?group_id=", w.north)).want(t, 200, "")
	want := fmt.Sprintf(`{"items":[{"kind":"group","group":{"group_id":%d,"name":"Harbour","parent_id":%d,"order":0}},{"kind":"partner","partner":{"partner_id":"%s","name":"Dealer 12","alias":"","group_id":%d,"contacts":1,"joined_at":"2026-11-22T12:00:00Z"}}],"next_cursor":null}`,
		w.harbour, w.north, network.CorpPartnerID(chainID, w.corps[12].ID), w.north)
	if first.Body.String() != want {
		t.Errorf("got %s, want %s", first.Body, want)
	}
}

func TestAPageOfTheDirectoryIsCheap(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	ticket := w.invite(t, w.boss, w.owner, w.south)
	for i := range 150 { // more than a page in each shard
		w.joins(t, 100+i, ticket)
	}
	w.as(t, w.boss, path).want(t, 200, "") // an instance reads the groups once, and again when they have changed
	for _, query := range []string{"recursive=true", fmt.Sprint("group_id=", w.south)} {
		w.tb.Reset()
		first := w.as(t, w.boss, path+"?limit=50&"+query).want(t, 200, "")
		// The first page of a group looks for groups below it too.
		if m := w.tb.Meter(); m.ReadUnits > 8 || m.Requests > 8 || m.WriteUnits > 0 {
			t.Errorf("the first page of %s cost %+v", query, m)
		}
		w.tb.Reset()
		w.as(t, w.boss, path+"?limit=50&"+query+"&cursor="+first.body["next_cursor"].(string)).want(t, 200, "")
		if m := w.tb.Meter(); m.ReadUnits > 8 || m.Requests > 8 || m.WriteUnits > 0 {
			t.Errorf("a page of %s cost %+v, want at most 8 read units and 8 requests", query, m)
		}
	}
}

func TestAPageOfAPartnersPersonIsCheap(t *testing.T) {
	t.Parallel()
	w := setup(t)
	on := true
	w.see(t, network.ChainEdit{PartnersSeeAnother: &on})
	ticket := w.invite(t, w.boss, w.owner, w.south)
	for i := range 150 {
		w.joins(t, 100+i, ticket)
	}
	for _, query := range []string{"", "&recursive=true", fmt.Sprint("&group_id=", w.south)} {
		next := ""
		for n := 0; n == 0 || next != ""; n++ {
			w.tb.Reset()
			a := w.as(t, claims(100), path+"?limit=50"+query+"&cursor="+next).want(t, 200, "")
			// The last page has the people, too: the admins are a query more, who invited them three.
			most := 8.0
			last := a.body["next_cursor"] == nil
			if last {
				most = 14
			}
			if m := w.tb.Meter(); m.ReadUnits > most || float64(m.Requests) > most || m.WriteUnits > 0 {
				t.Errorf("page %d of %q cost %+v, want at most %v read units and requests", n+1, query, m, most)
			}
			if last {
				break
			}
			next = a.body["next_cursor"].(string)
		}
	}
}

// A page over many empty groups ends, short, and says where it goes on.
func TestARecursiveListOverManyGroupsIsReadInSteps(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var paths [][]string
	for i := range 20 {
		paths = append(paths, []string{"North", fmt.Sprintf("Shop %02d", i)})
	}
	tree, err := w.EnsureGroups(t.Context(), chainID, "", paths)
	if err != nil {
		t.Fatal(err)
	}
	last, _ := tree.Find([]string{"North", "Shop 19"})
	w.joins(t, 10, w.invite(t, w.boss, w.owner, last))
	w.tb.Reset()
	w.as(t, w.boss, path+fmt.Sprint("?recursive=true&group_id=", w.north)).want(t, 200, "")
	if m := w.tb.Meter(); m.ByOp["Query"] > 2+maxParts*4 {
		t.Errorf("a page cost %+v, want the shards of %d groups", m, maxParts)
	}
	if got := w.all(t, w.boss, fmt.Sprint("recursive=true&group_id=", w.north)); !reflect.DeepEqual(got, []string{"partner Dealer 10"}) {
		t.Errorf("got %v, want the one partner", got)
	}
}

// While a list is read group by group and page by page, groups come and go: who
// was there all along is neither lost nor repeated.
func TestAListHoldsWhileGroupsComeAndGo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	remake := func(gone int, fresh string) {
		t.Helper()
		if err := w.DeleteGroup(t.Context(), chainID, gone, network.RootGroup, 0, func(network.Chain) (bool, error) { return false, nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := w.EnsureGroups(t.Context(), chainID, "", [][]string{{fresh}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.EnsureGroups(t.Context(), chainID, "", [][]string{{"Elm"}, {"Oak"}, {"Pine"}}); err != nil {
		t.Fatal(err)
	}
	tree, err := w.Tree(t.Context(), chainID)
	if err != nil {
		t.Fatal(err)
	}
	elm, _ := tree.Find([]string{"Elm"})
	first := w.as(t, w.boss, path+"?limit=2").want(t, 200, "")
	remake(elm, "Ash") // one that was read goes, and one comes that sorts before
	got := first.said()
	for a := first; a.body["next_cursor"] != nil; {
		a = w.as(t, w.boss, path+"?limit=1&cursor="+a.body["next_cursor"].(string)).want(t, 200, "")
		got = append(got, a.said()...)
	}
	if want := []string{"group Elm", "group North", "group Oak", "group Pine", "group South", "partner Dealer 10", "partner Dealer 11"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	// By group: the second page is of one that has gone meanwhile.
	first = w.as(t, w.boss, path+fmt.Sprint("?recursive=true&limit=1&group_id=", w.north)).want(t, 200, "")
	remake(w.harbour, "Beech")
	second := w.as(t, w.boss, path+fmt.Sprint("?recursive=true&limit=1&group_id=", w.north, "&cursor=", first.body["next_cursor"])).want(t, 200, "")
	if got := append(first.said(), second.said()...); !slices.Equal(got, []string{"partner Dealer 12"}) || second.body["next_cursor"] != nil {
		t.Errorf("got %v, want the one partner that stands in North still", got)
	}
}

func TestR35_APartnersPersonSeesTheirOwnTheAdminsAndTheirInviter(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	if err := w.AddAdmin(ctx, w.chain, id(w.staff), noon, store.Once{}); err != nil {
		t.Fatal(err)
	}
	seller := claims(3) // of the owner corp, no admin
	w.colleague(t, 3, w.owner)
	w.partners(t)
	w.joins(t, 16, w.invite(t, seller, w.owner, w.south))
	w.colleague(t, 17, w.corps[16])
	w.colleague(t, 18, w.corps[16]) // has not joined
	w.in(t, 17, w.corps[16], w.invite(t, claims(16), w.corps[16], w.south))
	want := []string{"contact Person 1 admin", "contact Person 16 colleague", "contact Person 17 colleague", "contact Person 2 admin", "contact Person 3 inviter", "partner Dealer 16"}
	for _, query := range []string{"", "recursive=true", "group_id=1", fmt.Sprint("group_id=", w.south), "limit=1", "limit=2", "limit=3"} {
		got := w.all(t, claims(16), query)
		slices.Sort(got)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, want %v", query, got, want)
		}
	}
	// Who was invited by a colleague sees them once, as a colleague.
	got := w.all(t, claims(17), "")
	slices.Sort(got)
	if want := slices.DeleteFunc(slices.Clone(want), func(s string) bool { return strings.HasSuffix(s, "inviter") }); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, hidden := range []int{w.north, w.harbour, 99, 0, -1} {
		w.as(t, claims(16), path+fmt.Sprint("?group_id=", hidden)).want(t, 404, "group_not_found")
	}
	// What is said of whom: of a colleague the phone, of the owner's people none.
	said := w.as(t, claims(16), path).want(t, 200, "").Body.String()
	for _, phone := range []string{phone(1), phone(2), phone(3), phone(18), "Person 18", "Dealer 10"} {
		if strings.Contains(said, phone) {
			t.Errorf("%s is shown: %s", phone, said)
		}
	}
	for _, shown := range []string{
		`"phone":"` + phone(16) + `"`, `"phone":"` + phone(17) + `"`,
		`{"contact_id":"` + handle(w.boss) + `","name":"Person 1","side":"owner","role":"admin","partner_id":null,"corp":"Owner Ltd"}`,
		`"corp":"Dealer 16","joined_at":"2026-11-22T12:00:00Z"`,
	} {
		if !strings.Contains(said, shown) {
			t.Errorf("%s is not in %s", shown, said)
		}
	}
}

func TestR35_WhoIsGoneIsShownNoMore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	on := true
	w.see(t, network.ChainEdit{PartnersMayInvite: &on})
	if err := w.AddAdmin(ctx, w.chain, id(w.staff), noon, store.Once{}); err != nil {
		t.Fatal(err)
	}
	w.joins(t, 10, w.invite(t, w.boss, w.owner, network.RootGroup))
	w.joins(t, 11, w.invite(t, claims(10), w.corps[10], network.RootGroup))
	want := []string{"partner Dealer 11", "contact Person 1 admin", "contact Person 2 admin", "contact Person 10 inviter", "contact Person 11 colleague"}
	if got := w.all(t, claims(11), ""); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := w.RemoveMember(ctx, w.owner.ID, id(w.staff)); err != nil {
		t.Fatal(err)
	}
	if err := w.RemovePartner(ctx, chainID, network.CorpPartnerID(chainID, w.corps[10].ID), 0, noon); err != nil {
		t.Fatal(err)
	}
	want = []string{"partner Dealer 11", "contact Person 1 admin", "contact Person 11 colleague"}
	if got := w.all(t, claims(11), ""); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	w.as(t, claims(10), path).want(t, 404, "not_found") // access ended with the removal (R38)
}

func TestR35_WithTheSwitchPartnersSeeEachOther(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	on := true
	w.see(t, network.ChainEdit{PartnersSeeAnother: &on})
	w.roster(t, row("Pending Ltd", 50))
	want := []string{"contact Person 1 admin", "contact Person 14 colleague", "partner Dealer 10", "partner Dealer 11", "partner Dealer 12", "partner Dealer 13", "partner Dealer 14", "partner Dealer 15"}
	for _, query := range []string{"", "recursive=true", "limit=1", "limit=4"} {
		got := w.all(t, claims(14), query)
		slices.Sort(got)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, want %v", query, got, want)
		}
	}
	got := w.all(t, claims(14), fmt.Sprint("group_id=", w.south))
	if want := []string{"partner Dealer 14", "partner Dealer 15"}; !reflect.DeepEqual(got[:2], want) {
		t.Errorf("got %v, want %v first", got, want)
	}
	w.as(t, claims(14), path+fmt.Sprint("?group_id=", w.north)).want(t, 404, "group_not_found")
}

func TestASuperAdminIsFoundAmongManyPeople(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.joins(t, 10, w.invite(t, w.boss, w.owner, network.RootGroup))
	if _, err := w.SetRole(t.Context(), w.owner.ID, id(w.staff), network.SuperAdmin); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SetRole(t.Context(), w.owner.ID, id(w.boss), network.Staff); err != nil {
		t.Fatal(err)
	}
	want := []string{"partner Dealer 10", "contact Person 2 admin", "contact Person 1 inviter", "contact Person 10 colleague"}
	if got := w.all(t, claims(10), ""); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A cursor is one's own place in one's own directory.
func TestACursorReachesNothingElse(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	owners := w.as(t, w.boss, path+"?recursive=true&limit=1").want(t, 200, "").body["next_cursor"].(string)
	w.as(t, claims(10), path+"?cursor="+owners).want(t, 400, "invalid")
	for _, cursor := range []string{"x", "p0.", "p99.", "g.-1", "g.x", "p1.%21", "%00", "..", "g." + strings.Repeat("9", 600)} {
		all := []string{cursor}
		if !strings.HasPrefix(cursor, "g.") && cursor != "p99." { // those are places in a list: of a group's name, of a group that has gone
			all = append(all, people.Seal(chainID, cursor))
		}
		for _, sealed := range all {
			got := w.as(t, w.boss, path+"?cursor="+sealed).want(t, 400, "invalid")
			if f := got.body["errors"].([]any)[0].(map[string]any)["field"]; f != "cursor" {
				t.Errorf("%s: got field %v, want cursor", cursor, f)
			}
		}
	}
}

func TestBadInputIsRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, q := range []string{"group_id=x", "group_id=1.5", "recursive=yes", "recursive=", "sort=age", "sort=joined_at,name", "limit=0", "limit=201", "limit=x", "foo=1", "limit=1&limit=2", "%zz"} {
		w.as(t, w.boss, path+"?"+q).want(t, 400, "invalid")
	}
	for _, group := range []int{0, -1, 99} {
		w.as(t, w.boss, path+fmt.Sprint("?group_id=", group)).want(t, 404, "group_not_found")
		w.as(t, w.boss, path+fmt.Sprint("?recursive=true&group_id=", group)).want(t, 404, "group_not_found")
	}
	unverified := w.boss
	unverified.PhoneVerified = false
	for _, p := range []string{path, progress} {
		w.as(t, web.Claims{}, p).want(t, 401, "unauthenticated")
		w.as(t, unverified, p).want(t, 403, "phone_not_verified")
		w.as(t, claims(9), p).want(t, 400, "corp_required")
		w.as(t, w.boss, p, "Tributary-Corp", network.NewCorpID()).want(t, 403, "not_a_member")
	}
}

func TestR37_AnotherChainIsNotThere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	other := w.corp(t, "Other Ltd", claims(20))
	c, err := network.NewChain(network.NewChainID(), "Suppliers", other, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateChain(t.Context(), c, other, store.Once{}); err != nil {
		t.Fatal(err)
	}
	foreign := w.roster(t, row("Acme", 50))
	for _, chain := range []string{c.ID, network.NewChainID(), "x", chainID + "0", strings.Repeat("c", 3000)} {
		w.as(t, w.boss, "/v1/chains/"+chain+"/directory").want(t, 404, "not_found")
		w.as(t, w.boss, "/v1/chains/"+chain+"/progress").want(t, 404, "not_found")
	}
	w.as(t, claims(20), path).want(t, 404, "not_found")
	for _, imp := range []string{foreign, network.NewImportID(noon), "x", "", strings.Repeat("i", 3000)} {
		w.as(t, claims(20), "/v1/chains/"+c.ID+"/progress?import_id="+imp).want(t, 404, "not_found")
	}
}

func TestR32_ProgressIsWhatBecameOfTheRosters(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	empty := `{"contacts":{"imported":0,"notified":0,"undeliverable":0,"opened":0,"joined":0,"declined":0,"expired":0,"withdrawn":0,"blocked":0,"over_budget":0},"partners":{"imported":0,"joined":0}}`
	if got := w.as(t, w.boss, progress).want(t, 200, ""); got.Body.String() != empty {
		t.Errorf("got %s, want %s", got.Body, empty)
	}
	first := w.roster(t, row("Acme", 50), row("Acme", 51), row("Beta", 52))
	second := w.roster(t, row("Gamma", 53))
	if err := w.TallyNotices(ctx, chainID, first, 0, network.Tally{Notified: 3, Undeliverable: 1}, noon); err != nil {
		t.Fatal(err)
	}
	acme := w.corp(t, "Acme", claims(50))
	a, err := w.Join(ctx, network.Ticket{Chain: chainID, Partner: network.RosterPartnerID(chainID, "", "Acme"), Person: id(claims(50)), Version: 1},
		network.Person{ID: id(claims(50)), Name: "Fifty", Phone: phone(50)}, store.Choice{Corp: acme.ID}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.CountJoin(ctx, network.Event{ID: "joined." + a.Contact.MembershipID(), Kind: network.Joined, Chain: chainID, Import: a.Contact.Import, Chunk: a.Contact.Chunk, Partner: a.Partner.ID, Person: a.Contact.Person, First: true}); err != nil {
		t.Fatal(err)
	}
	w.tb.Reset()
	for _, c := range []struct {
		query, want string
		at          time.Time
	}{
		{"?import_id=" + first, `{"contacts":{"imported":3,"notified":3,"undeliverable":1,"opened":1,"joined":1,"declined":0,"expired":0,"withdrawn":0,"blocked":0,"over_budget":0},"partners":{"imported":2,"joined":1}}`, noon},
		{"?import_id=" + second, `{"contacts":{"imported":1,"notified":0,"undeliverable":0,"opened":0,"joined":0,"declined":0,"expired":0,"withdrawn":0,"blocked":0,"over_budget":0},"partners":{"imported":1,"joined":0}}`, noon},
		{"", `{"contacts":{"imported":4,"notified":3,"undeliverable":1,"opened":1,"joined":1,"declined":0,"expired":0,"withdrawn":0,"blocked":0,"over_budget":0},"partners":{"imported":3,"joined":1}}`, noon},
		{"?import_id=" + first, `{"contacts":{"imported":3,"notified":3,"undeliverable":1,"opened":1,"joined":1,"declined":0,"expired":1,"withdrawn":0,"blocked":0,"over_budget":0},"partners":{"imported":2,"joined":1}}`, noon.Add(8 * 24 * time.Hour)},
	} {
		w.now = c.at
		w.tb.Reset()
		if got := w.as(t, w.staff, progress+c.query).want(t, 200, ""); got.Body.String() != c.want {
			t.Errorf("%s: got %s, want %s", c.query, got.Body, c.want)
		}
		if m := w.tb.Meter(); m.ReadUnits > 8 {
			t.Errorf("%s cost %+v, want at most 8 read units", c.query, m)
		}
	}
	w.as(t, claims(50), progress).want(t, 403, "denied")
}

// roster imports rows as the imports door does, and gives the import's id.
func (w *world) roster(t *testing.T, all ...network.RosterRow) string {
	t.Helper()
	ctx := t.Context()
	imp, err := w.CreateImport(ctx, network.Import{ID: network.NewImportID(w.now), Chain: chainID, Maker: id(w.boss), MakerCorp: w.owner.ID, Notify: true, State: network.ImportWaiting, CreatedAt: w.now}, store.Once{})
	if err != nil {
		t.Fatal(err)
	}
	return storetest.Import(t, w.Store, people, chainID, imp.ID, w.now, all...).ID
}

func row(corp string, n int) network.RosterRow {
	return network.RosterRow{Number: n + 1, Corp: corp, Contact: fmt.Sprint("联系人", n), Phone: phone(n)}
}

func TestNoLogHoldsAPhoneOrAName(t *testing.T) {
	w := setup(t) // not parallel: the logger is everybody's
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(was)
	w.as(t, w.boss, path+"?limit="+w.boss.Phone).want(t, 400, "invalid")
	w.tb.Break = func(string, int) dynamotest.Fault { return dynamotest.Before }
	w.as(t, w.boss, path).want(t, 500, "internal")
	if !strings.Contains(log.String(), "/v1/chains/{chain_id}/directory") {
		t.Fatalf("nothing was logged: %s", log.String())
	}
	for _, secret := range []string{w.boss.Phone, w.boss.Phone[1:], "Person 1"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q: %s", secret, log.String())
		}
	}
}

// Every file in events/directory is what API Gateway sends; what it is for is
// answered.
func TestTheSampleEventsWork(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.joins(t, 7, w.invite(t, w.boss, w.owner, network.RootGroup))
	w.index(t)
	const zipped = "UEsDB" // how a workbook begins, in base64
	want := map[string]string{"list.json": `"group"`, "list-as-partner.json": `"colleague"`, "search.json": `"Dealer 7"`, "list-groups.json": `"partners":1`, "explain.json": `"own_corp"`, "view-as.json": `"group"`, "progress.json": `"imported"`, "openapi.json": `openapi: 3.0.3`,
		"create-rule.json": `"rule_id"`, "chain-template.json": zipped, "roster-template.json": zipped,
		"export-csv.json": "Dealer 7", "create-export.json": `"queued"`, "get-export.json": `"ex0000000000000001"`}
	if _, err := w.CreateExport(t.Context(), network.Export{ID: "ex0000000000000001", Chain: chainID, Maker: id(w.boss), MakerCorp: w.owner.ID,
		Sight: network.Sighted{Side: network.Owner, Admin: true}, Format: "csv", State: network.ExportQueued, CreatedAt: w.now}, store.Once{}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../events/directory/*.json")
	if err != nil || len(files) != len(want) {
		t.Fatalf("got %v (%v), want %d files", files, err, len(want))
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		got, err := web.Lambda(w.h)(t.Context(), e)
		if err != nil || got.StatusCode/100 != 2 || !strings.Contains(got.Body, want[filepath.Base(f)]) {
			t.Errorf("%s: got %d %s (%v), want %s", f, got.StatusCode, got.Body, err, want[filepath.Base(f)])
		}
		if strings.HasSuffix(f, "-template.json") && (!got.IsBase64Encoded || got.Headers["Content-Type"] != web.Workbook) {
			t.Errorf("%s: got %v, want a workbook in base64", f, got.Headers)
		}
	}
}

func TestTheDoorRefusesToStartWithoutItsEnvironment(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), "TABLE_NAME") || !strings.Contains(err.Error(), "PERSON_KEY") && !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("got %v, want it to name what is missing", err)
	}
}

// R03: who is still to join shows neither as a gap in a page nor by a cursor.
func TestR03_ColleaguesStillToComeLeaveNoTrace(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var all []network.RosterRow
	for n := range 8 {
		all = append(all, row("Acme", 50+n))
	}
	w.roster(t, all...)
	c := claims(50)
	acme := w.corp(t, "Acme", c)
	w.in(t, 50, acme, network.Ticket{Chain: chainID, Partner: network.RosterPartnerID(chainID, "", "Acme"), Person: id(c), Version: 1})
	want := []string{"partner Acme", "contact Person 1 admin", "contact 联系人50 colleague"}
	if got := w.all(t, c, ""); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	cursor := ""
	for n := range want {
		page := w.as(t, c, path+"?limit=1&cursor="+cursor).want(t, 200, "")
		if got := page.said(); len(got) != 1 || got[0] != want[n] {
			t.Errorf("page %d: got %v, want %q", n, got, want[n])
		}
		if next, more := page.body["next_cursor"].(string); more != (n < len(want)-1) {
			t.Errorf("page %d: got %s, want three pages", n, page.Body)
		} else {
			cursor = next
		}
		if _, err := people.Open(chainID, cursor); err != nil {
			t.Errorf("page %d: got cursor %s, want it sealed: %v", n, cursor, err)
		}
	}
}

// What a partner is called by the owner, and the groups of others, aren't its
// business.
func TestWithTheSwitchAPartnerReadsNeitherAliasesNorOthersGroups(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	on, alias := true, "won't pay"
	w.see(t, network.ChainEdit{PartnersSeeAnother: &on})
	for _, n := range []int{12, 13} {
		if _, err := w.EditPartner(t.Context(), w.chain, network.CorpPartnerID(chainID, w.corps[n].ID), network.PartnerEdit{Alias: &alias}, 0); err != nil {
			t.Fatal(err)
		}
	}
	groups := map[string]float64{}
	for _, i := range w.as(t, claims(12), path).want(t, 200, "").body["items"].([]any) {
		if p, ok := i.(map[string]any)["partner"].(map[string]any); ok {
			if groups[p["name"].(string)] = p["group_id"].(float64); p["alias"] != "" {
				t.Errorf("got %v, want no alias", p)
			}
		}
	}
	want := map[string]float64{"Dealer 10": 1, "Dealer 11": 1, "Dealer 12": float64(w.north), "Dealer 13": 1, "Dealer 14": 1, "Dealer 15": 1}
	if !reflect.DeepEqual(groups, want) {
		t.Errorf("got groups %v, want %v", groups, want)
	}
}
