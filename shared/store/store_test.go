package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

const day = 24 * time.Hour

var (
	noon      = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	personKey = network.PersonKey("a key that only tests have")
)

// world is a table with an owner corp and its chain. Its ids are the same each time, so that two runs can be compared.
type world struct {
	*Store
	tb    *dynamotest.Table
	owner network.Corp
	chain network.Chain
	boss  network.Person // the owner's super-admin
	links int
}

const chainID = "ch0000000000000001"

func setup(t *testing.T) *world { return setupOn(t, dynamotest.New(t), func(*network.Chain) {}) }

// setupStreaming is for a test that asks what was told.
func setupStreaming(t *testing.T) *world {
	return setupOn(t, dynamotest.NewStreaming(t), func(*network.Chain) {})
}

// setupWith lets a test have a chain with other limits.
func setupWith(t *testing.T, change func(*network.Chain)) *world {
	return setupOn(t, dynamotest.New(t), change)
}

func setupOn(t *testing.T, tb *dynamotest.Table, change func(*network.Chain)) *world {
	t.Helper()
	w := &world{Store: New(tb.Client, tb.Name), tb: tb}
	w.owner, w.boss = w.corp(t, 0)
	chain, err := network.NewChain(chainID, "Dealers", w.owner, noon)
	if err != nil {
		t.Fatal(err)
	}
	change(&chain)
	if w.chain, err = w.CreateChain(t.Context(), chain, w.owner, Once{}); err != nil {
		t.Fatal(err)
	}
	w.owner = w.corpNow(t, w.owner.ID)
	tb.Reset()
	return w
}

// person is the n-th of the people that there are.
func person(n int) network.Person {
	phone := fmt.Sprintf("+86139%08d", n)
	return network.Person{ID: personKey.Person(phone), Name: fmt.Sprintf("Li %d", n), Phone: phone}
}

// corp is the n-th corp, whose super-admin is the n-th person.
func (w *world) corp(t *testing.T, n int) (network.Corp, network.Person) {
	t.Helper()
	return w.corpOf(t, n, person(n))
}

func (w *world) corpOf(t *testing.T, n int, p network.Person) (network.Corp, network.Person) {
	t.Helper()
	c, err := network.NewCorp(fmt.Sprintf("co%016d", n), fmt.Sprintf("Corp %d", n), "", "", noon)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = w.CreateCorp(t.Context(), c, network.Member{Person: p.ID, Name: p.Name, Phone: p.Phone}, Once{}); err != nil {
		t.Fatal(err)
	}
	return c, p
}

func (w *world) colleague(t *testing.T, corp string, n int, role network.Role) network.Person {
	t.Helper()
	p := person(n)
	if err := w.AddMember(t.Context(), network.Member{Person: p.ID, Corp: corp, Name: p.Name, Phone: p.Phone, Role: role}, Once{}); err != nil {
		t.Fatal(err)
	}
	return p
}

// linkID is the id of the n-th link, made at that time.
func linkID(at time.Time, n int) string {
	return network.EarliestInviteID(at)[:12] + fmt.Sprintf("%06d", n)
}

// link is a new link's ticket; what the invite doesn't say is usual.
func (w *world) link(t *testing.T, i network.Invite) network.Ticket {
	t.Helper()
	w.links++
	if i.CreatedAt.IsZero() {
		i.CreatedAt = noon
	}
	i.ID, i.Chain, i.Kind, i.Version = linkID(i.CreatedAt, w.links), chainID, "link", 1
	i.Group = cmp.Or(i.Group, network.RootGroup)
	i.Maker, i.MakerCorp = cmp.Or(i.Maker, w.boss.ID), cmp.Or(i.MakerCorp, w.owner.ID)
	if _, err := w.CreateInvite(t.Context(), w.chainNow(t), i, Once{}); err != nil {
		t.Fatal(err)
	}
	return network.Ticket{Chain: chainID, Invite: i.ID, Version: 1}
}

// row is the n-th line of a roster: the n-th person as contact of a partner of that name.
func row(n int, corp string, group ...string) network.RosterRow {
	return network.RosterRow{Number: n + 2, Corp: corp, Contact: fmt.Sprintf("张%d", n), Phone: person(n).Phone, Group: group}
}

func rows(from, n int) []network.RosterRow {
	out := make([]network.RosterRow, n)
	for i := range out {
		out[i] = row(from+i, fmt.Sprintf("经销商%05d", from+i))
		out[i].Leader, out[i].CustomID, out[i].MemberCustomID = true, fmt.Sprintf("D%07d", from+i), fmt.Sprint(100001+i)
	}
	return out
}

func noticeOf(r network.RosterRow) network.Ticket {
	return network.Ticket{Chain: chainID, Partner: network.RosterPartnerID(chainID, r.CustomID, r.Corp), Person: personKey.Person(r.Phone), Version: 1}
}

// roster is what the imports door does with an upload: it can be done again from the start at any time.
type roster struct {
	id       string
	rows     []network.RosterRow
	chunk    int // rows of a chunk
	moves    bool
	sync     bool
	dry      bool // only as far as its plan
	at       time.Time
	mischief func(chunk int) // between a chunk's plan and its doing
}

func (r roster) run(ctx context.Context, s *Store) (network.Import, network.Counts, error) {
	imp, _, err := r.begin(ctx, s)
	if err != nil {
		return imp, imp.Counts, err
	}
	run := Run{Now: func() time.Time { return r.at }, Spare: func() bool { return true }}
	if imp.State == network.ImportReading && !imp.ReadWhole {
		spool := s.Spool(ctx, imp, personKey, run)
		spool.size = cmp.Or(r.chunk, ChunkRows)
		for i := range r.rows {
			if err := spool.Add(&r.rows[i]); err != nil {
				return imp, imp.Counts, err
			}
		}
		if imp, err = spool.Keep(); err != nil {
			return imp, imp.Counts, err
		}
	}
	c, err := s.Chain(ctx, chainID)
	if err != nil {
		return imp, imp.Counts, err
	}
	if imp, err = s.PlanRoster(ctx, c, imp, run); err != nil || imp.State != network.ImportApplying {
		return imp, imp.Counts, err
	}
	if r.mischief == nil {
		err = s.ApplyRoster(ctx, imp, run)
	} else {
		err = r.slowly(ctx, s, imp)
	}
	if err != nil {
		return imp, imp.Counts, err
	}
	imp.State, imp.EndedAt = network.ImportDone, r.at
	return imp, imp.Counts, s.EndImport(ctx, imp, network.ExpiresAt(imp.StartedAt, 0, c.Policies))
}

// slowly does what a plan says chunk after chunk, with mischief before each.
func (r roster) slowly(ctx context.Context, s *Store, imp network.Import) error {
	it, err := s.importItem(ctx, chainID, imp.ID)
	if err != nil {
		return err
	}
	places, err := s.ensurePlaces(ctx, imp, it)
	if err != nil {
		return err
	}
	for n := range it.Planned {
		r.mischief(n)
		found, err := s.batchGet(ctx, true, planKey(chainID, imp.ID, n), rowsKey(chainID, imp.ID, n))
		if err != nil {
			return err
		}
		u := newUnpacker(chainID)
		verdicts, _, err := planOf(found, u, chainID, imp.ID, n)
		if err == nil && n < it.Chunks {
			err = s.applyChunk(ctx, imp, n, u.chunk, verdicts, places)
		} else if err == nil {
			err = s.withdrawChunk(ctx, imp, n, verdicts)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r roster) begin(ctx context.Context, s *Store) (network.Import, network.Counts, error) {
	_, err := s.CreateImport(ctx, network.Import{ID: r.id, Chain: chainID, Maker: person(0).ID, MakerCorp: fmt.Sprintf("co%016d", 0),
		Notify: true, ApplyMoves: r.moves, DryRun: r.dry, Mode: map[bool]network.Mode{true: network.Sync}[r.sync], State: network.ImportWaiting, CreatedAt: r.at}, Once{})
	if err != nil && !errors.Is(err, network.ErrConflict) { // it is there
		return network.Import{}, network.Counts{}, err
	}
	imp, err := s.BeginImport(ctx, chainID, r.id, "etag", r.at)
	return imp, network.Counts{}, err
}

// importRows brings rows into the chain, as the n-th import.
func (w *world) importRows(t *testing.T, n int, all []network.RosterRow) (network.Import, network.Counts) {
	t.Helper()
	imp, sum, err := roster{id: importID(n), rows: all, at: noon.Add(time.Duration(n) * time.Minute)}.run(t.Context(), w.Store)
	if err != nil {
		t.Fatal(err)
	}
	return imp, sum
}

func importID(n int) string { return fmt.Sprintf("im%016d", n) }

func (w *world) chainNow(t *testing.T) network.Chain {
	t.Helper()
	c, err := w.Chain(t.Context(), chainID)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) corpNow(t *testing.T, id string) network.Corp {
	t.Helper()
	c, err := w.Corp(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) partnerNow(t *testing.T, id string) network.Partner {
	t.Helper()
	p, err := w.Partner(t.Context(), chainID, id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *world) edit(t *testing.T, e network.ChainEdit, at time.Time) network.Chain {
	t.Helper()
	c, err := w.EditChain(t.Context(), w.chainNow(t), e, at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) group(t *testing.T, name string, parent int) int {
	t.Helper()
	g, err := w.CreateGroup(t.Context(), chainID, network.Group{Name: name, Parent: parent}, Once{})
	if err != nil {
		t.Fatal(err)
	}
	return g.ID
}

// join lets somebody in who must get in.
func (w *world) join(t *testing.T, ticket network.Ticket, p network.Person, c Choice) network.Admission {
	t.Helper()
	a, err := w.Join(t.Context(), ticket, p, c, noon.Add(time.Hour))
	if err != nil {
		t.Fatalf("join: got %v, want to get in", err)
	}
	return a
}

// partner is the n-th corp, joined by a link.
func (w *world) partner(t *testing.T, n int) (network.Admission, network.Person) {
	t.Helper()
	c, p := w.corp(t, n)
	return w.join(t, w.link(t, network.Invite{}), p, Choice{Corp: c.ID}), p
}

func anew(name string) Choice {
	c, err := network.NewCorp("", name, "", "", noon)
	if err != nil {
		panic(err)
	}
	return Choice{New: &c}
}

func wants(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// atOnce does n things at the same moment and counts what they answered; nil is "ok".
func atOnce(n int, do func(i int) error) map[string]int {
	start, said := make(chan struct{}), make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			said[i] = "ok"
			if err := do(i); network.KindOf(err) != network.Internal {
				said[i] = network.CodeOf(err)
			} else if err != nil {
				said[i] = err.Error()
			}
		})
	}
	close(start)
	wg.Wait()
	sum := map[string]int{}
	for _, s := range said {
		sum[s]++
	}
	return sum
}

// state is all that the table holds. What chance decides is taken out after it has been checked: which gate counted whom.
func (w *world) state(t *testing.T) map[string]map[string]any {
	t.Helper()
	items := w.tb.Items(t)
	counted, sum := map[float64]float64{}, 0.0
	for k, it := range items {
		if card, ok := it["Card"].(map[string]any); ok && strings.Contains(k, "|PARTNER#") {
			if card["State"] == string(network.PartnerJoined) {
				counted[it["Gate"].(float64)]++
			}
			delete(it, "Gate")
		}
	}
	for i := range gates {
		k := gateKey(chainID, i)
		it := items[k.PK+"|"+k.SK]
		if it["Joined"] != counted[float64(i)] {
			t.Errorf("gate %d counts %v, want the %v partners that joined through it", i, it["Joined"], counted[float64(i)])
		}
		sum += counted[float64(i)]
		delete(it, "Joined")
	}
	items["joined"] = map[string]any{"partners": sum}
	return items
}

// told are the ids of all events that the table has ever held.
func (w *world) told(t *testing.T) []string {
	t.Helper()
	ids := map[string]bool{}
	for o := range w.tb.Outboxes(t) {
		e, err := network.DecodeEvent(o)
		if err != nil {
			t.Fatal(err)
		}
		ids[e.ID] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

// on is a store on the same table by another client.
func (w *world) on(db *dynamodb.Client) *Store { return New(db, w.tb.Name) }
