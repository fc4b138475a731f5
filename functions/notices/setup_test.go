package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/notice"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/store/storetest"
)

// Each test has its own table, so the ids may be the same in all: those of
// events/notices.
const (
	chainID  = "ch0000000000000001"
	ownerID  = "co0000000000000001"
	guestID  = "co0000000000000002"
	importID = "im0000000000000001"
	inviteID = "in0000000000000001"
)

var (
	noon      = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	personKey = network.PersonKey("a key that only tests have")
	tokenKeys = network.TokenKeys{1: []byte("an old key that only tests have"), 2: []byte("a new key that only tests have")}
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

// personal is what must not be in a log: phones, names, and what begins as
// every token of a notice does.
var personal = regexp.MustCompile(`\+86|139\d{8}|张|王|公司|/j/|TgIA`)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	code := m.Run()
	if found := personal.Find(logged.Bytes()); found != nil {
		fmt.Printf("FAIL: the log tells %q of somebody\n", found)
		code = 1
	}
	os.Exit(code)
}

// world is the door, a table in which a corp has a chain, and a gateway.
type world struct {
	*notices
	tb      *dynamotest.Table
	gateway *gateway
	chain   network.Chain
	boss    network.Member
}

func setup(t *testing.T) *world {
	t.Helper()
	w := &world{tb: dynamotest.New(t), gateway: &gateway{}}
	s := httptest.NewServer(w.gateway)
	t.Cleanup(s.Close)
	w.notices = &notices{
		store: store.New(w.tb.Client, w.tb.Name), keys: tokenKeys, web: "https://web.example", now: func() time.Time { return noon },
		channel: notice.NewWebhook(s.URL, []byte("the gateway's key"), func() time.Time { return noon }),
	}
	w.boss = network.Member{Person: personKey.Person("+8613900000000"), Corp: ownerID, Name: "王老板", Phone: "+8613900000000"}
	corp, err := network.NewCorp(ownerID, "主公司", "", "", noon)
	must(t, err)
	corp, err = w.store.CreateCorp(t.Context(), corp, w.boss, store.Once{})
	must(t, err)
	w.chain, err = network.NewChain(chainID, "华东经销", corp, noon)
	must(t, err)
	w.chain, err = w.store.CreateChain(t.Context(), w.chain, corp, store.Once{})
	must(t, err)
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hears hands messages to the door as main wires it, and gives the numbers of
// those that failed, counted from 1.
func (w *world) hears(t *testing.T, e events.SQSEvent) (failed []int) {
	t.Helper()
	return w.hearsIn(t, t.Context(), e)
}

func (w *world) hearsIn(t *testing.T, ctx context.Context, e events.SQSEvent) (failed []int) {
	t.Helper()
	out, err := batch.Each(w.hear)(ctx, e)
	if err != nil || out.BatchItemFailures == nil {
		t.Errorf("got %+v %v, want an answer", out, err)
	}
	for _, f := range out.BatchItemFailures {
		for i, m := range e.Records {
			if m.MessageId == f.ItemIdentifier {
				failed = append(failed, i+1)
			}
		}
	}
	return failed
}

// well is hears where nothing may fail.
func (w *world) well(t *testing.T, e events.SQSEvent) {
	t.Helper()
	if failed := w.hears(t, e); failed != nil {
		t.Fatalf("messages %v failed", failed)
	}
}

func event(t *testing.T, name string) events.SQSEvent {
	t.Helper()
	b, err := os.ReadFile("../../events/notices/" + name)
	must(t, err)
	var e events.SQSEvent
	must(t, json.Unmarshal(b, &e))
	return e
}

func says(e network.Event) events.SQSEvent {
	return events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m1", Body: e.Encode()}}}
}

// receive is the same messages come for the n-th time.
func receive(e events.SQSEvent, n int) events.SQSEvent {
	again := events.SQSEvent{Records: slices.Clone(e.Records)}
	for i := range again.Records {
		again.Records[i].Attributes = map[string]string{"ApproximateReceiveCount": fmt.Sprint(n)}
	}
	return again
}

func row(n int) network.RosterRow {
	return network.RosterRow{Number: n + 1, Corp: fmt.Sprintf("公司%d", n), Contact: fmt.Sprintf("张%d", n), Phone: fmt.Sprintf("+861390000000%d", n), CustomID: fmt.Sprintf("D%d", n)}
}

// roster imports these rows as the imports door does, and gives the contacts'
// tickets.
func (w *world) roster(t *testing.T, rows ...network.RosterRow) []network.Ticket {
	t.Helper()
	ctx := t.Context()
	imp, err := w.store.CreateImport(ctx, network.Import{
		ID: importID, Chain: chainID, Maker: w.boss.Person, MakerCorp: ownerID, FileName: "名单.xlsx", Notify: true, State: network.ImportWaiting, CreatedAt: noon}, store.Once{})
	must(t, err)
	storetest.Import(t, w.store, personKey, chainID, imp.ID, noon, rows...)
	var tickets []network.Ticket
	for _, r := range rows {
		tickets = append(tickets, network.Ticket{Chain: chainID, Partner: network.RosterPartnerID(chainID, r.CustomID, r.Corp), Person: personKey.Person(r.Phone), Version: 1})
	}
	w.tb.Reset()
	return tickets
}

// joins lets the person of that phone in by a ticket, an hour after noon,
// under a corp of their own.
func (w *world) joins(t *testing.T, k network.Ticket, phone string) network.Admission {
	t.Helper()
	corp, err := network.NewCorp(guestID, "客公司", "", "", noon)
	must(t, err)
	p := network.Person{ID: personKey.Person(phone), Name: "王客", Phone: phone}
	if p.ID != personKey.Person("+8613900000077") {
		corp.ID = network.NewCorpID()
	}
	_, err = w.store.CreateCorp(t.Context(), corp, network.Member{Person: p.ID, Name: p.Name, Phone: phone}, store.Once{})
	must(t, err)
	a, err := w.store.Join(t.Context(), k, p, store.Choice{Corp: corp.ID}, noon.Add(time.Hour))
	must(t, err)
	return a
}

// link makes an invite for anybody.
func (w *world) link(t *testing.T) network.Ticket {
	t.Helper()
	_, err := w.store.CreateInvite(t.Context(), w.chain, network.Invite{
		ID: inviteID, Chain: chainID, Kind: "link", Group: network.RootGroup, Note: "展会", Maker: w.boss.Person, MakerCorp: ownerID, CreatedAt: noon, Version: 1}, store.Once{})
	must(t, err)
	return network.Ticket{Chain: chainID, Invite: inviteID, Version: 1}
}

func (w *world) tally(t *testing.T) network.Tally {
	t.Helper()
	all, err := w.store.Tallies(t.Context(), chainID, importID)
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("got %d tallies, want one", len(all))
	}
	return all[0]
}

// states counts the contacts of these tickets by how far they have come.
func (w *world) states(t *testing.T, tickets []network.Ticket) map[network.ContactState]int {
	t.Helper()
	got := map[network.ContactState]int{}
	seen := map[string]bool{}
	for _, k := range tickets {
		if seen[k.Partner] {
			continue
		}
		seen[k.Partner] = true
		p, err := w.store.Partner(t.Context(), chainID, k.Partner)
		must(t, err)
		_, states, _, err := w.store.Contacts(t.Context(), w.chain, p, noon.Add(2*time.Hour), "", 100)
		must(t, err)
		for _, s := range states {
			got[s]++
		}
	}
	return got
}

// gateway is a receiver as the contract asks: it drops repeats of a dedup id.
type gateway struct {
	mu     sync.Mutex
	sent   []sent          // each request
	got    map[string]sent // by dedup id, the first
	answer func(n sent) int
}

type sent struct {
	To, Channel, Subject, Text, URL string
	At                              time.Time
	DedupID                         string `json:"dedup_id"`
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var n sent
	if err := json.NewDecoder(r.Body).Decode(&n); err != nil || r.Header.Get("Idempotency-Key") != n.DedupID || r.Header.Get("Tributary-Signature") == "" {
		http.Error(w, "no notice", http.StatusBadRequest)
		return
	}
	status := http.StatusOK
	if g.answer != nil {
		status = g.answer(n) // may hang
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sent = append(g.sent, n)
	if status == http.StatusOK {
		if g.got == nil {
			g.got = map[string]sent{}
		}
		if _, repeat := g.got[n.DedupID]; !repeat {
			g.got[n.DedupID] = n
		}
	}
	w.WriteHeader(status)
}

func (g *gateway) delivered() map[string]sent {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.got)
}

func (g *gateway) requests() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.sent)
}
