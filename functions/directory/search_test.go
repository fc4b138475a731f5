package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// bases is as much of S3 as the door speaks: a signed GET.
type bases struct {
	platform.Bucket

	mu      sync.Mutex
	objects map[string][]byte
	asked   int
	fail    bool
}

func newBases(t *testing.T) *bases {
	b := &bases{objects: map[string][]byte{}}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	b.Bucket = platform.Bucket{Name: "bases", Region: "us-east-1", Endpoint: s.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Client: http.DefaultClient, Now: time.Now}
	return b
}

func (b *bases) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	o, ok := b.objects[strings.TrimPrefix(r.URL.Path, "/bases/")]
	switch {
	case b.fail:
		w.WriteHeader(http.StatusServiceUnavailable)
	case !ok || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=test/"):
		w.WriteHeader(http.StatusForbidden)
	default:
		w.Write(o)
	}
}

const searchPath = path + "/search"

// index makes the chain's base of the table, as the indexer does.
func (w *world) index(t *testing.T) {
	t.Helper()
	through, err := w.LastFeed(t.Context(), chainID)
	if err != nil {
		t.Fatal(err)
	}
	x := search.New(func(yield func(search.Entry) bool) {
		err = w.Everyone(t.Context(), chainID, func(p network.Partner, people []network.Contact) error {
			yield(feed.PartnerEntry(p))
			for _, k := range people {
				yield(feed.ContactEntry(k))
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	base := feed.Base{Through: through, Index: x}
	w.bucket.mu.Lock()
	w.bucket.objects["indexes/"+chainID] = base.Pack()
	w.bucket.mu.Unlock()
	w.tb.Reset()
}

// tell appends a change to the chain's feed.
func (w *world) tell(t *testing.T, was, is *network.Partner) {
	t.Helper()
	var c feed.Changes
	c.Partner(was, is)
	parts, err := c.Pack(store.MaxFeedPart)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AppendFeed(t.Context(), chainID, 0, parts[0]); err != nil {
		t.Fatal(err)
	}
	w.tb.Reset()
}

// found is what a query finds: kinds and names, page by page.
func (w *world) found(t *testing.T, who web.Claims, q string, limit int) (out []string) {
	t.Helper()
	for cursor, n := "", 0; ; n++ {
		page := w.as(t, who, fmt.Sprintf("%s?q=%s&limit=%d&cursor=%s", searchPath, url.QueryEscape(q), limit, cursor)).want(t, 200, "")
		for _, i := range page.body["items"].([]any) {
			item := i.(map[string]any)
			kind := item["kind"].(string)
			out = append(out, fmt.Sprint(kind, " ", item[kind].(map[string]any)["name"]))
		}
		next, more := page.body["next_cursor"].(string)
		if !more || n > 50 {
			return out
		}
		cursor = next
	}
}

func TestSearchFindsPartnersAndPeopleByPages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	w.roster(t, row("上海贸易", 50), row("Dealer Pending", 51))
	w.index(t)
	for q, want := range map[string][]string{
		"上海":     {"partner 上海贸易"},
		"shmy":   {"partner 上海贸易"},
		"联系人50":  {"contact 联系人50"},
		"dealer": {"partner Dealer 10", "partner Dealer 11", "partner Dealer 12", "partner Dealer 13", "partner Dealer 14", "partner Dealer 15", "partner Dealer Pending"},
		"nobody": nil,
		"*":      nil,
	} {
		for _, limit := range []int{1, 3, 200} {
			if got := w.found(t, w.boss, q, limit); !reflect.DeepEqual(got, want) {
				t.Errorf("%q by %d: got %v, want %v", q, limit, got, want)
			}
		}
	}
	one := w.as(t, w.boss, searchPath+"?q=%E4%B8%8A%E6%B5%B7").want(t, 200, "")
	want := fmt.Sprintf(`{"items":[{"kind":"partner","partner":{"partner_id":"%s","name":"上海贸易","alias":"","custom_id":"","group_id":1,"state":"pending","joined_at":null},"field":"name","matched":[[0,2]]}],"next_cursor":null}`,
		network.RosterPartnerID(chainID, "", "上海贸易"))
	if one.Body.String() != want {
		t.Errorf("got  %s\nwant %s", one.Body, want)
	}
}

func TestSearchShowsEachWhatTheyMaySeeAndNoMore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	w.roster(t, row("Dealer Pending", 51))
	alias := "Secret"
	if _, err := w.EditPartner(t.Context(), w.chain, network.CorpPartnerID(chainID, w.corps[10].ID), network.PartnerEdit{Alias: &alias}, 0); err != nil {
		t.Fatal(err)
	}
	w.index(t)
	guest := claims(10)
	if got, want := w.found(t, guest, "dealer", 2), []string{"partner Dealer 10"}; !reflect.DeepEqual(got, want) {
		t.Errorf("partners that don't see each other: got %v, want %v", got, want)
	}
	if got, want := w.found(t, guest, "person", 2), []string{"contact Person 10"}; !reflect.DeepEqual(got, want) {
		t.Errorf("their people: got %v, want %v", got, want)
	}
	on := true
	w.see(t, network.ChainEdit{PartnersSeeAnother: &on})
	if got := w.found(t, guest, "dealer", 4); len(got) != 6 {
		t.Errorf("got %v, want the six that have joined", got)
	}
	if got := w.found(t, guest, "联系人", 4); got != nil {
		t.Errorf("R03: got %v, want nobody who is still to join", got)
	}
	if got := w.found(t, guest, "secret", 4); got != nil {
		t.Errorf("R08: got %v, want nobody by what the owner calls them", got)
	}
	if got := w.found(t, w.staff, "secret", 4); len(got) != 1 {
		t.Errorf("got %v, want the owner's people to find it by their alias", got)
	}
	// Phones are searched for admins alone, and shown in full to them and to whose they are.
	tail := phone(12)[10:]
	if got := w.found(t, w.boss, tail, 4); len(got) != 1 {
		t.Errorf("by a phone's tail: got %v, want Person 12", got)
	}
	if got := w.found(t, w.staff, tail, 4); got != nil {
		t.Errorf("by a phone's tail, no admin: got %v, want nothing", got)
	}
	if got := w.as(t, w.staff, searchPath+"?q=Person+12").Body.String(); strings.Contains(got, phone(12)) || !strings.Contains(got, network.MaskPhone(phone(12))) {
		t.Errorf("got %s, want the phone masked", got)
	}
	w.corp(t, "Elsewhere", claims(99))
	w.as(t, claims(99), searchPath+"?q=dealer").want(t, 404, "not_found")
	w.as(t, web.Claims{}, searchPath+"?q=dealer").want(t, 401, "unauthenticated")
}

func TestR36_WhomARuleHidesSearchHidesAndTheirPeople(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	w.index(t)
	c, err := w.Chain(t.Context(), chainID)
	if err != nil {
		t.Fatal(err)
	}
	hide := network.Rule{Owner: network.OwnerSide{Members: []string{id(w.staff)}}, Partner: network.PartnerSide{Groups: []int{w.north}}, Effect: network.Hide, At: w.now}
	if _, err := w.CreateRule(t.Context(), c, hide, store.Once{}); err != nil {
		t.Fatal(err)
	}
	dealers := func(without ...int) (partners, all []string) {
		for n := 10; n < 16; n++ {
			if !slices.Contains(without, n) {
				partners, all = append(partners, fmt.Sprint("partner Dealer ", n)), append(all, fmt.Sprint("contact Person ", n))
			}
		}
		return partners, all
	}
	sees := func(when string, who web.Claims, without ...int) {
		t.Helper()
		partners, people := dealers(without...)
		if got := w.found(t, who, "dealer", 2); !reflect.DeepEqual(got, partners) {
			t.Errorf("%s: got %v, want %v", when, got, partners)
		}
		if got := w.found(t, who, "person", 2); !reflect.DeepEqual(got, people) {
			t.Errorf("%s: got %v, want %v", when, got, people)
		}
	}
	sees("North and Harbour below it hidden", w.staff, 12, 13)
	sees("an admin", w.boss)
	p, err := w.Partner(t.Context(), chainID, network.CorpPartnerID(chainID, w.corps[10].ID))
	if err != nil {
		t.Fatal(err)
	}
	moved := p
	moved.Group, moved.Edition = w.harbour, p.Edition+1
	w.tell(t, &p, &moved)
	sees("one that has moved there changes hands with its people", w.staff, 10, 12, 13)
}

func TestAWarmSearchCostsOneQueryAndSeesWhatHasChanged(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	w.index(t)
	w.found(t, w.boss, "dealer", 50)
	w.tb.Reset()
	w.as(t, w.boss, path+"?group_id=99").want(t, 404, "group_not_found") // the actor, and the tree
	actor := w.tb.Meter()
	w.tb.Reset()
	asked := w.bucket.asked
	w.found(t, w.boss, "dealer", 50)
	if m := w.tb.Meter(); m.Requests > actor.Requests || m.ReadUnits > 5 || m.WriteUnits > 0 || w.bucket.asked != asked {
		t.Errorf("a warm search took %+v, and %d of S3; want the actor's 4 read units, and one query of at most one", m, w.bucket.asked-asked)
	}
	p, err := w.Partner(t.Context(), chainID, network.CorpPartnerID(chainID, w.corps[10].ID))
	if err != nil {
		t.Fatal(err)
	}
	renamed := p
	renamed.Alias, renamed.Edition = "Harmony", p.Edition+1
	w.tell(t, &p, &renamed)
	if got := w.found(t, w.boss, "harmony", 50); len(got) != 1 {
		t.Errorf("got %v, want what was told since", got)
	}
	gone := renamed
	gone.State, gone.Edition, gone.Epoch = network.PartnerRemoved, renamed.Edition+1, 1
	w.tell(t, &renamed, &gone)
	w.tell(t, &p, &renamed) // late, and again
	if got := w.found(t, w.boss, "Dealer 10", 50); got != nil {
		t.Errorf("got %v, want the removed one gone", got)
	}
	if got := w.found(t, w.boss, "Person 10", 50); got != nil {
		t.Errorf("got %v, want its people gone with it", got)
	}
}

func TestAnIndexThatWasFoldedFurtherIsReadAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	w.index(t)
	w.found(t, w.boss, "dealer", 50)
	p, err := w.Partner(t.Context(), chainID, network.CorpPartnerID(chainID, w.corps[10].ID))
	if err != nil {
		t.Fatal(err)
	}
	was := p
	for i := range 3 {
		p.Alias, p.Edition = fmt.Sprint("Harmony", i), p.Edition+1
		w.tell(t, &was, &p)
	}
	w.index(t)
	if err := w.ForgetFeed(t.Context(), chainID, 3); err != nil {
		t.Fatal(err)
	}
	asked := w.bucket.asked
	if got := w.as(t, w.boss, searchPath+"?q=dealer").want(t, 200, ""); got.body["stale"] != nil || w.bucket.asked != asked+1 {
		t.Errorf("got %s after %d reads, want the new base read", got.Body, w.bucket.asked-asked)
	}

	// What comes then is lost, and the base with it: the last good index answers, and says so.
	for range 2 {
		p.Edition++
		w.tell(t, &was, &p)
	}
	if err := w.ForgetFeed(t.Context(), chainID, 4); err != nil {
		t.Fatal(err)
	}
	delete(w.bucket.objects, "indexes/"+chainID)
	if got := w.as(t, w.boss, searchPath+"?q=dealer").want(t, 200, ""); got.body["stale"] != true || len(got.body["items"].([]any)) != 6 {
		t.Errorf("got %s, want six, and stale", got.Body)
	}
	if _, asked := w.tb.Items(t)["CHAIN#"+chainID+"#INDEX|REBUILD"]; !asked {
		t.Error("nobody was asked to make the index anew")
	}
	w.index(t)
	if got := w.as(t, w.boss, searchPath+"?q=dealer").want(t, 200, ""); got.body["stale"] != nil {
		t.Errorf("got %s, want the new index to be found", got.Body)
	}
}

func TestWithoutAnIndexSearchAnswersByPrefixAndAsksForOne(t *testing.T) {
	t.Parallel()
	for name, base := range map[string][]byte{"none": nil, "corrupt": []byte("what is this, no index at all")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.partners(t)
			if base != nil {
				w.bucket.objects["indexes/"+chainID] = base
			}
			for who, want := range map[web.Claims]int{w.boss: 6, claims(10): 1} {
				got := w.as(t, who, searchPath+"?q=dealer").want(t, 200, "")
				if got.body["partial"] != "prefix" || len(got.body["items"].([]any)) != want {
					t.Errorf("got %s, want %d by prefix", got.Body, want)
				}
			}
			if m := w.tb.Meter(); m.WriteUnits > 2 {
				t.Errorf("asking twice wrote %v units, want it asked once", m.WriteUnits)
			}
			w.index(t)
			if got := w.as(t, w.boss, searchPath+"?q=dealer").want(t, 200, ""); got.body["partial"] != nil {
				t.Errorf("got %s, want the index found", got.Body)
			}
		})
	}
	w := setup(t)
	w.bucket.fail = true
	w.as(t, w.boss, searchPath+"?q=dealer").want(t, 500, "internal")
}

func TestAQueryThatIsNoneIsRefusedByName(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	w.index(t)
	for _, q := range []string{"", "q=", "q=+", "q=" + strings.Repeat("x", 65), "q=" + strings.Repeat("%E4%B8%8A", 65), "q=a%00b", "q=%0A", "q=%ED%A0%80", "q=" + strings.Repeat("x", 1<<20)} {
		a := w.as(t, w.boss, searchPath+"?"+q).want(t, 400, "invalid")
		if !strings.Contains(a.Body.String(), `"field":"q"`) {
			t.Errorf("%.20q: got %s, want q named", q, a.Body)
		}
	}
	for _, q := range []string{"limit=0", "limit=-1", "limit=1000000000", "foo=x"} {
		w.as(t, w.boss, searchPath+"?q=x&"+q).want(t, 400, "invalid")
	}
	list := w.as(t, w.boss, path+"?limit=1").body["next_cursor"].(string)
	other := w.as(t, w.boss, searchPath+"?q=dealer&limit=1").body["next_cursor"].(string)
	for name, cursor := range map[string]string{"forged": "eHh4", "of a list": list, "of another query": other, "of another chain": people.Seal("ch0000000000000009", searchCursor("person", "x")), "of nothing": people.Seal(chainID, searchCursor("person", "x"))} {
		if a := w.as(t, w.boss, searchPath+"?q=person&cursor="+cursor); a.Code != 400 || !strings.Contains(a.Body.String(), `"field":"cursor"`) {
			t.Errorf("%s: got %d %s, want the cursor refused", name, a.Code, a.Body)
		}
	}
	w.as(t, w.boss, searchPath+"?q="+strings.Repeat("%2A", 64)).want(t, 200, "")
}

func TestTheIndexesKeepToTheirBudget(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.partners(t)
	w.index(t)
	w.indexes.budget = 0
	for i := range 3 {
		w.bucket.objects[fmt.Sprint("indexes/other", i)] = w.bucket.objects["indexes/"+chainID]
		k, _, err := w.indexes.of(t.Context(), fmt.Sprint("other", i), false)
		if err != nil {
			t.Fatal(err)
		}
		k.release()
	}
	if n := len(w.indexes.kept); n != 1 || w.indexes.kept[0].chain != "other2" {
		t.Errorf("got %d kept, want the one in use alone", n)
	}
	w.indexes.budget = 1 << 30
	w.found(t, w.boss, "dealer", 50)
	if n := len(w.indexes.kept); n != 2 {
		t.Errorf("got %d kept, want both", n)
	}
}
