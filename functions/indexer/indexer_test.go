package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/store/storetest"
)

const (
	chainID = "ch0000000000000001"
	object  = "indexes/" + chainID
)

var (
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	key  = network.PersonKey("a key that only tests have, of 32 or more")
)

// logged is what all tests together have logged.
var logged lockedBuffer

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(&logged, nil)))
	code := m.Run()
	for _, personal := range []string{"联系人", "+86139", "贸易"} {
		if strings.Contains(logged.String(), personal) {
			fmt.Printf("FAIL: the log tells %q\n", personal)
			code = 1
		}
	}
	os.Exit(code)
}

// bucket is as much of S3 as the door speaks: GET, and PUT under a condition.
type bucket struct {
	client *s3.Client

	mu      sync.Mutex
	objects map[string][]byte // by key
	edition map[string]int
	refuse  bool // each PUT
}

func newBucket(t *testing.T) *bucket {
	b := &bucket{objects: map[string][]byte{}, edition: map[string]int{}}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	b.client = s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return b
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := strings.TrimPrefix(r.URL.Path, "/indexes/")
	is, there := b.objects[k]
	etag := fmt.Sprintf("%q", fmt.Sprint(b.edition[k]))
	match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	switch {
	case r.Method == http.MethodGet && !there:
		http.Error(w, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden) // as S3 says to who may not list
	case r.Method == http.MethodGet:
		w.Header().Set("ETag", etag)
		w.Write(is)
	case b.refuse:
		http.Error(w, "<Error><Code>SlowDown</Code></Error>", http.StatusServiceUnavailable)
	case match == "" && none == "", match != "" && match != etag, none != "" && there:
		http.Error(w, "<Error><Code>PreconditionFailed</Code></Error>", http.StatusPreconditionFailed)
	default:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		b.objects[k], b.edition[k] = body, b.edition[k]+1
	}
}

// world is a chain, and two instances of the door.
type world struct {
	*store.Store
	tb     *dynamotest.Table
	bucket *bucket
	chain  network.Chain
	boss   network.Member
	owner  network.Corp
	one    *indexer
	two    *indexer
	heard  int // records that have been delivered
	n      int // imports
}

func setup(t *testing.T) *world {
	t.Helper()
	tb := dynamotest.NewStreaming(t)
	w := &world{Store: store.New(tb.Client, tb.Name), tb: tb, bucket: newBucket(t)}
	w.one, w.two = w.instance(), w.instance()
	w.boss = network.Member{Person: key.Person("+8613900000000"), Corp: "co0000000000000001", Name: "Boss", Phone: "+8613900000000"}
	corp, err := network.NewCorp(w.boss.Corp, "Owner Ltd", "", "", noon)
	must(t, err)
	w.owner, err = w.CreateCorp(t.Context(), corp, w.boss, store.Once{})
	must(t, err)
	c, err := network.NewChain(chainID, "Dealers", w.owner, noon)
	must(t, err)
	w.chain, err = w.CreateChain(t.Context(), c, w.owner, store.Once{})
	must(t, err)
	return w
}

func (w *world) instance() *indexer {
	return &indexer{store: w.Store, objects: w.bucket.client, bucket: "indexes", last: map[string]int{}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// roster imports rows of these corps, each with a contact of its own.
func (w *world) roster(t *testing.T, corps ...string) {
	t.Helper()
	w.n++
	imp, err := w.CreateImport(t.Context(), network.Import{ID: network.NewImportID(noon.Add(time.Duration(w.n) * time.Second)), Chain: chainID, Maker: w.boss.Person, MakerCorp: w.owner.ID, State: network.ImportWaiting, CreatedAt: noon}, store.Once{})
	must(t, err)
	var rows []network.RosterRow
	for i, corp := range corps {
		rows = append(rows, network.RosterRow{Number: i + 2, Corp: corp, Contact: "联系人" + corp, Phone: fmt.Sprintf("+86139%08d", 1000*w.n+i)})
	}
	storetest.Import(t, w.Store, key, chainID, imp.ID, noon, rows...)
}

// changes are those that nobody has been told of.
func (w *world) changes(t *testing.T) []events.DynamoDBEventRecord {
	t.Helper()
	all := w.tb.Changes(t)
	fresh := all[w.heard:]
	w.heard = len(all)
	return fresh
}

func (w *world) deliver(t *testing.T) {
	t.Helper()
	must(t, w.one.take(t.Context(), w.changes(t)))
}

// found is what search has: names by partner and person, as the directory reads them.
func (w *world) found(t *testing.T) map[string]string {
	t.Helper()
	base, _, err := w.one.load(t.Context(), chainID)
	must(t, err)
	parts, err := w.Feed(t.Context(), chainID, base.Through)
	must(t, err)
	_, err = base.Apply(parts)
	must(t, err)
	out := map[string]string{}
	for e := range base.Index.All() {
		out[e.Partner+"/"+e.Person] = fmt.Sprint(e.Name, " ", e.Alias, " ", e.State, " ", e.Phone, " ", e.Note)
	}
	return out
}

// isTrue compares what search has with the table.
func (w *world) isTrue(t *testing.T) {
	t.Helper()
	want := map[string]string{}
	note := func(e search.Entry) {
		want[e.Partner+"/"+e.Person] = fmt.Sprint(e.Name, " ", e.Alias, " ", e.State, " ", e.Phone, " ", e.Note)
	}
	must(t, w.Everyone(t.Context(), chainID, func(p network.Partner, people []network.Contact) error {
		note(feed.PartnerEntry(p))
		for _, k := range people {
			note(feed.ContactEntry(k))
		}
		return nil
	}))
	if got := w.found(t); !maps.Equal(got, want) {
		t.Errorf("search has %d, the table %d:\n got %v\nwant %v", len(got), len(want), got, want)
	}
}

func partnerID(corp string) string { return network.RosterPartnerID(chainID, "", corp) }

func TestWhatIsWrittenChangedAndRemovedShowsInSearch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, "上海贸易", "北京贸易", "重庆贸易")
	w.deliver(t)
	w.isTrue(t)
	if n := len(w.found(t)); n != 6 {
		t.Errorf("got %d entries, want three partners and their people", n)
	}
	alias := "魔都"
	_, err := w.EditPartner(t.Context(), w.chain, partnerID("上海贸易"), network.PartnerEdit{Alias: &alias}, 0)
	must(t, err)
	must(t, w.RemovePartner(t.Context(), chainID, partnerID("北京贸易"), 0, noon))
	w.deliver(t)
	w.isTrue(t)
	got := w.found(t)
	for k := range got {
		if strings.HasPrefix(k, partnerID("北京贸易")) {
			t.Errorf("%s is still found", k)
		}
	}
	if len(got) != 4 {
		t.Errorf("got %v, want two partners and their people", got)
	}
	w.roster(t, "北京贸易") // again, in its next epoch
	w.deliver(t)
	w.isTrue(t)
	if n := len(w.found(t)); n != 6 {
		t.Errorf("got %d entries, want the removed partner back with who is named now", n)
	}
}

func TestTwoIndexersAtOnceAndRedeliveryLoseNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for i := range 5 {
		var corps []string
		for j := range 20 {
			corps = append(corps, fmt.Sprint("贸易", i, "x", j))
		}
		w.roster(t, corps...)
	}
	for i := range 8 {
		must(t, w.RemovePartner(t.Context(), chainID, partnerID(fmt.Sprint("贸易", i%5, "x", i)), 0, noon))
	}
	// The stream keeps the order of an item, and of nothing else: each item's changes go to one of the two.
	all := w.changes(t)
	var halves [2][]events.DynamoDBEventRecord
	for _, r := range all {
		k := r.Change.Keys["PK"].String() + r.Change.Keys["SK"].String()
		halves[len(k)*int(k[len(k)-1])%2] = append(halves[len(k)*int(k[len(k)-1])%2], r)
	}
	var both sync.WaitGroup
	for n, i := range []*indexer{w.one, w.two} {
		both.Go(func() {
			for part := range slices.Chunk(halves[n], 20) {
				if err := i.take(context.Background(), part); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	w.isTrue(t)
	must(t, w.two.take(t.Context(), all))
	w.isTrue(t)
	must(t, w.instance().fold(t.Context(), chainID))
	w.isTrue(t)
}

func TestKilledAnywhereTheNextDeliveryMendsIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, "上海贸易")
	w.deliver(t)
	for i := range 40 { // over the fold at 32
		w.roster(t, fmt.Sprint("贸易", i))
		records := w.changes(t)
		for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.After} {
			left := rand.IntN(4)
			w.tb.Break = func(op string, _ int) dynamotest.Fault {
				if left--; left == -1 {
					return fault
				}
				return dynamotest.None
			}
			_ = w.instance().take(t.Context(), records) // it may have failed, and is killed
		}
		w.tb.Break = nil
		must(t, w.instance().take(t.Context(), records))
	}
	w.isTrue(t)
	for i := 0; ; i++ { // a fold that was lost comes with the next part that has one
		last, err := w.LastFeed(t.Context(), chainID)
		must(t, err)
		if last%foldEvery == 0 {
			break
		}
		w.roster(t, fmt.Sprint("商行", i))
		must(t, w.instance().take(t.Context(), w.changes(t)))
	}
	w.isTrue(t)
	base, _, err := w.one.load(t.Context(), chainID)
	must(t, err)
	if base.Through < foldEvery {
		t.Errorf("the base is of part %d, want what was told folded into it", base.Through)
	}
}

func TestABaseThatIsLostOrCorruptIsMadeAnewWhenSomebodyAsks(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, "上海贸易", "北京贸易")
	w.deliver(t)
	w.roster(t, "重庆贸易")
	w.deliver(t)
	for name, harm := range map[string]func(){
		"lost":    func() { delete(w.bucket.objects, object) },
		"corrupt": func() { w.bucket.objects[object] = w.bucket.objects[object][:11] },
		"empty":   func() { w.bucket.objects[object] = nil },
		"behind": func() {
			none := feed.Base{Index: search.New(slices.Values([]search.Entry(nil)))}
			w.bucket.objects[object] = none.Pack()
		},
	} {
		must(t, w.ForgetFeed(t.Context(), chainID, 100))
		w.bucket.mu.Lock()
		harm()
		w.bucket.mu.Unlock()
		must(t, w.AskRebuild(t.Context(), chainID, noon.Add(time.Duration(w.heard)*time.Minute)))
		w.deliver(t)
		t.Log(name)
		w.isTrue(t)
	}
	was := w.bucket.edition[object]
	must(t, w.AskRebuild(t.Context(), chainID, noon.Add(time.Hour*1000)))
	w.deliver(t)
	if w.bucket.edition[object] != was {
		t.Error("an index that is well was made anew")
	}
}

func TestAFoldThatFailsComesAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, "上海贸易")
	w.bucket.refuse = true
	records := w.changes(t)
	out, err := batch.Records(perPart, w.one.take)(t.Context(), events.DynamoDBEvent{Records: records})
	if err != nil || len(out.BatchItemFailures) != 1 {
		t.Fatalf("got %+v %v, want the batch reported", out, err)
	}
	w.bucket.refuse = false
	must(t, w.AskRebuild(t.Context(), chainID, noon))
	w.deliver(t)
	must(t, w.one.take(t.Context(), records))
	w.isTrue(t)
}

func TestAnotherChainsEntriesNeverMix(t *testing.T) {
	t.Parallel()
	w := setup(t)
	other, err := network.NewChain("ch0000000000000002", "Others", w.owner, noon)
	must(t, err)
	other, err = w.CreateChain(t.Context(), other, w.owner, store.Once{})
	must(t, err)
	w.roster(t, "上海贸易")
	link := network.Invite{ID: network.NewInviteID(noon), Chain: other.ID, Kind: "link", Group: network.RootGroup, Maker: w.boss.Person, MakerName: "Boss", MakerCorp: w.owner.ID, CreatedAt: noon, Version: 1}
	_, err = w.CreateInvite(t.Context(), other, link, store.Once{})
	must(t, err)
	p := network.Person{ID: key.Person("+8613900000099"), Name: "Guest", Phone: "+8613900000099"}
	_, err = w.Join(t.Context(), network.Ticket{Chain: other.ID, Invite: link.ID, Version: 1}, p, store.Choice{New: &network.Corp{Name: "Elsewhere"}}, noon)
	must(t, err)
	w.deliver(t)
	w.isTrue(t)
	for k, name := range w.found(t) {
		if strings.Contains(name, "Elsewhere") || strings.Contains(name, "Guest") {
			t.Errorf("%s %s is of another chain", k, name)
		}
	}
}

func TestOfWhoIsErasedNothingStays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, "上海贸易")
	w.deliver(t)
	link := network.Invite{ID: network.NewInviteID(noon), Chain: chainID, Kind: "link", Group: network.RootGroup, Maker: w.boss.Person, MakerName: "Boss", MakerCorp: w.owner.ID, CreatedAt: noon, Version: 1}
	_, err := w.CreateInvite(t.Context(), w.chain, link, store.Once{})
	must(t, err)
	p := network.Person{ID: key.Person("+8613900000099"), Name: "Guest", Phone: "+8613900000099"}
	_, err = w.Join(t.Context(), network.Ticket{Chain: chainID, Invite: link.ID, Version: 1}, p, store.Choice{New: &network.Corp{Name: "Elsewhere"}}, noon)
	must(t, err)
	w.deliver(t)
	if !slices.ContainsFunc(slices.Collect(maps.Values(w.found(t))), func(s string) bool { return strings.Contains(s, "Guest") }) {
		t.Fatal("who has joined isn't found")
	}
	for _, r := range w.tb.Changes(t) {
		m, err := store.ReadImage(r.Change)
		must(t, err)
		if k := m.IsContact; k != nil && k.Person == p.ID {
			is, image := r, maps.Clone(r.Change.NewImage)
			for _, personal := range []string{"Name", "Phone"} {
				image[personal] = events.NewStringAttribute("")
			}
			image["Edition"] = events.NewNumberAttribute(fmt.Sprint(k.Edition + 5))
			is.Change.OldImage, is.Change.NewImage = r.Change.NewImage, image
			must(t, w.one.take(t.Context(), []events.DynamoDBEventRecord{is}))
		}
	}
	for k, name := range w.found(t) {
		if strings.Contains(name, "Guest") {
			t.Errorf("%s %s is still found", k, name)
		}
	}
	parts, err := w.Feed(t.Context(), chainID, 0)
	must(t, err)
	for _, part := range parts {
		c, err := feed.Open(part.Body)
		must(t, err)
		for _, e := range c.Put {
			if e.Person == p.ID {
				t.Errorf("part %d still has who was erased", part.N)
			}
		}
	}
}

func TestWhatSearchDoesNotShowIsNotTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(t, "上海贸易")
	w.deliver(t)
	last, err := w.LastFeed(t.Context(), chainID)
	must(t, err)
	records := w.tb.Changes(t)
	for i := range records { // written again for another reason
		records[i].Change.OldImage = records[i].Change.NewImage
	}
	must(t, w.one.take(t.Context(), records))
	if n, err := w.LastFeed(t.Context(), chainID); err != nil || n != last {
		t.Errorf("got part %d (%v), want nothing told after %d", n, err, last)
	}
}

func TestTheSampleEventIsTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b, err := os.ReadFile("../../events/indexer/mixed.json")
	must(t, err)
	var e events.DynamoDBEvent
	must(t, json.Unmarshal(b, &e))
	out, err := batch.Records(perPart, w.one.take)(t.Context(), e)
	if err != nil || out.BatchItemFailures == nil || len(out.BatchItemFailures) != 0 {
		t.Fatalf("got %+v %v, want all done", out, err)
	}
	parts, err := w.Feed(t.Context(), chainID, 0)
	must(t, err)
	if len(parts) != 1 {
		t.Fatalf("got %d parts, want one", len(parts))
	}
	c, err := feed.Open(parts[0].Body)
	must(t, err)
	if len(c.Put) != 2 || len(c.Remove) != 2 || c.Put[0].Name != "上海贸易" || c.Put[1].Name != "联系人" {
		t.Errorf("got %+v, want a partner and a person put, another partner and its person removed", c)
	}
}
