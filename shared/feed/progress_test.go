package feed_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/store/storetest"
)

const chainID = "ch0000000000000001"

var (
	noon   = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	people = network.PersonKey("a key that only tests have, of 32 or more")
)

// named is a contact as an import has named them.
type named struct{ imp, partner, person string }

// world is a chain, and what a test remembers of it.
type world struct {
	*store.Store
	tb      *dynamotest.Table
	chain   network.Chain
	boss    network.Member
	owner   network.Corp
	tree    network.Tree
	groups  [][]string
	now     time.Time
	imports []string
	makers  map[string]string      // by import
	told    map[string]network.Day // by import, whose only chunk was told
	came    map[named]network.Day  // when they first joined
	lost    map[string]bool        // imports of which somebody was withdrawn or removed
}

func setup(t *testing.T) *world {
	t.Helper()
	tb := dynamotest.NewStreaming(t)
	w := &world{Store: store.New(tb.Client, tb.Name), tb: tb, now: noon, makers: map[string]string{}, told: map[string]network.Day{}, came: map[named]network.Day{}, lost: map[string]bool{}}
	w.boss = network.Member{Person: people.Person(phone(0)), Corp: "co0000000000000001", Name: "Boss", Phone: phone(0)}
	corp, err := network.NewCorp(w.boss.Corp, "Owner Ltd", "", "", noon)
	must(t, err)
	w.owner, err = w.CreateCorp(t.Context(), corp, w.boss, store.Once{})
	must(t, err)
	c, err := network.NewChain(chainID, "Dealers", w.owner, noon)
	must(t, err)
	w.chain, err = w.CreateChain(t.Context(), c, w.owner, store.Once{})
	must(t, err)
	w.groups = [][]string{nil, {"North"}, {"North", "Harbour"}, {"South"}}
	w.tree, err = w.EnsureGroups(t.Context(), chainID, "", w.groups[2:])
	must(t, err)
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// may passes over what the chain refuses.
func may(t *testing.T, err error) (ok bool) {
	t.Helper()
	if e, refused := errors.AsType[*network.Error](err); err != nil && (!refused || e.Kind == network.Internal) {
		t.Fatal(err)
	}
	return err == nil
}

func phone(n int) string { return fmt.Sprintf("+86139%08d", n) }

// rows are the contacts that are in the chain, and where their partners are.
func (w *world) rows(t *testing.T) (all []network.Contact, partners map[string]network.Partner) {
	t.Helper()
	partners = map[string]network.Partner{}
	must(t, w.Everyone(t.Context(), chainID, func(p network.Partner, people []network.Contact) error {
		partners[p.ID] = p
		all = append(all, people...)
		return nil
	}))
	slices.SortFunc(all, func(a, b network.Contact) int { return 2*compare(a.Partner, b.Partner) + compare(a.Person, b.Person) })
	return all, partners
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// step is something that happens to the chain.
func (w *world) step(t *testing.T, rt *rapid.T) {
	ctx := t.Context()
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "hours")) * time.Hour)
	run := store.Run{Now: func() time.Time { return w.now }, Spare: func() bool { return true }}
	all, _ := w.rows(t)
	what := "import"
	if len(all) > 0 {
		what = rapid.SampledFrom([]string{"import", "tell", "tell", "tell half", "open", "open", "decline", "join", "join", "leave", "come back", "remove", "move", "revert"}).Draw(rt, "what")
	}
	var k network.Contact
	if len(all) > 0 {
		k = rapid.SampledFrom(all).Draw(rt, "who")
	}
	who := network.Person{ID: k.Person, Name: k.Name, Phone: k.Phone}
	notice := network.Ticket{Chain: chainID, Partner: k.Partner, Person: k.Person, Version: k.TokenVersion}
	switch what {
	case "import":
		imp := network.Import{ID: network.NewImportID(w.now), Chain: chainID, Maker: people.Person(phone(rapid.IntRange(0, 1).Draw(rt, "maker"))), MakerCorp: w.owner.ID, Notify: true, State: network.ImportWaiting, CreatedAt: w.now}
		_, err := w.CreateImport(ctx, imp, store.Once{})
		must(t, err)
		var rows []network.RosterRow
		for n := range 6 { // two people of three corps each
			if rapid.Bool().Draw(rt, "named") {
				rows = append(rows, network.RosterRow{Number: n + 2, Corp: fmt.Sprint("Corp ", n/2), Contact: fmt.Sprint("Contact ", n), Phone: phone(100 + n), Group: w.groups[rapid.IntRange(0, 3).Draw(rt, "group")]})
			}
		}
		for i := range rows { // of a corp in one group
			if i > 0 && rows[i].Corp == rows[i-1].Corp {
				rows[i].Group = rows[i-1].Group
			}
		}
		if len(rows) == 0 {
			return
		}
		storetest.Import(t, w.Store, people, chainID, imp.ID, w.now, rows...)
		w.imports, w.makers[imp.ID] = append(w.imports, imp.ID), imp.Maker
	case "tell", "tell half":
		imp := rapid.SampledFrom(w.imports).Draw(rt, "import")
		named, sent, err := w.Recipients(ctx, chainID, imp, 0)
		if err != nil || sent {
			return // it was taken back, or told
		}
		sum := network.Tally{Notified: len(named)}
		for _, k := range named {
			why := k.Undeliverable
			if why == "" {
				why = rapid.SampledFrom([]network.Undelivered{"", network.ByGateway, network.ByBlock}).Draw(rt, "why")
			}
			if why == "" {
				continue
			}
			noted, err := w.Undeliverable(ctx, k.Contact, why)
			must(t, err)
			if noted {
				one := network.Steps{Undeliverable: why}.Tally()
				one.Imported = 0
				sum = sum.And(one)
			}
		}
		if what == "tell" {
			must(t, w.TallyNotices(ctx, chainID, imp, 0, sum, w.now))
			w.told[imp] = network.DayAt(w.now)
		}
	case "open":
		may(t, w.Opened(ctx, notice, who, w.now))
	case "decline":
		may(t, w.Decline(ctx, notice, who, w.now))
	case "join", "come back":
		choice := store.Choice{New: &network.Corp{Name: "Their " + k.Partner}}
		if k.Corp != "" {
			choice = store.Choice{Corp: k.Corp}
		}
		ticket := notice
		if what == "come back" {
			i := network.Invite{ID: network.NewInviteID(w.now), Chain: chainID, Kind: "link", Group: network.RootGroup, Maker: w.boss.Person, MakerName: "Boss", MakerCorp: w.owner.ID, CreatedAt: w.now, Version: 1}
			_, err := w.CreateInvite(ctx, w.chain, i, store.Once{})
			must(t, err)
			ticket = network.Ticket{Chain: chainID, Invite: i.ID, Version: 1}
		}
		a, err := w.Join(ctx, ticket, who, choice, w.now)
		if at := (named{a.Contact.Import, a.Contact.Partner, a.Contact.Person}); may(t, err) && !a.Repeat {
			if a.Contact.Import != "" && w.came[at] == 0 {
				w.came[at] = network.DayAt(w.now)
			}
			w.hear(t)
		}
	case "leave":
		may(t, w.Leave(ctx, chainID, k.Partner, k.Person, w.now))
	case "remove":
		for _, other := range all {
			if other.Partner == k.Partner {
				w.lost[other.Import] = true
			}
		}
		may(t, w.RemovePartner(ctx, chainID, k.Partner, 0, w.now))
	case "move":
		group := rapid.SampledFrom(slices.Sorted(maps.Keys(w.tree))).Draw(rt, "to")
		_, err := w.EditPartner(ctx, w.chain, k.Partner, network.PartnerEdit{Group: &group}, 0)
		may(t, err)
	case "revert":
		id := rapid.SampledFrom(w.imports).Draw(rt, "import")
		imp, err := w.RevertImport(ctx, chainID, id, w.now)
		if may(t, err) {
			w.lost[id] = true
			if err := w.RevertRoster(ctx, imp, w.now, run); err != nil && !errors.Is(err, store.ErrStopped) {
				t.Fatal(err)
			}
		}
	}
}

// hear counts all joins that there were, those of before again.
func (w *world) hear(t *testing.T) {
	t.Helper()
	for said := range w.tb.Outboxes(t) {
		if e, err := network.DecodeEvent(said); err == nil && e.Kind == network.Joined {
			must(t, w.CountJoin(t.Context(), e))
		}
	}
}

// index is what the changes make of an empty index, whatever the order of what
// is about different items, and however often each comes.
func (w *world) index(t *testing.T, r *rand.Rand) feed.Base {
	t.Helper()
	of := map[string][]events.DynamoDBEventRecord{}
	var order []string
	for _, c := range w.tb.Changes(t) {
		item := c.Change.Keys["PK"].String() + c.Change.Keys["SK"].String()
		order = append(order, item)
		of[item] = append(of[item], c)
	}
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	base := feed.Base{Index: search.New(slices.Values([]search.Entry(nil)))}
	base.KnowPlaces()
	var told [][]byte
	for _, item := range order {
		c := of[item][0]
		of[item] = of[item][1:]
		m, err := store.ReadImage(c.Change)
		must(t, err)
		var changes feed.Changes
		changes.Partner(m.WasPartner, m.IsPartner)
		changes.Contact(m.WasContact, m.IsContact)
		if changes.Len() == 0 {
			continue
		}
		parts, err := changes.Pack(store.MaxFeedPart)
		must(t, err)
		told = append(told, parts...)
		parts = append(parts, told[r.IntN(len(told))]) // again, or late
		for _, p := range parts {
			base.Through, err = base.Apply([]store.FeedPart{{N: base.Through + 1, Body: p}})
			must(t, err)
		}
		if r.IntN(10) == 0 {
			base, err = feed.OpenBase(base.Pack())
			must(t, err)
			base.KnowPlaces()
		}
	}
	return base
}

// recount is what the rows say, of imports and groups that are asked for.
func (w *world) recount(t *testing.T, imports []string, groups []int) (f network.Funnel, days map[network.Day]feed.Reached) {
	t.Helper()
	contacts, partners := w.rows(t)
	days = map[network.Day]feed.Reached{}
	for _, p := range partners {
		if slices.Contains(imports, p.Import) && slices.Contains(groups, p.Group) {
			f.Partners++
			if p.State != network.PartnerPending {
				f.PartnersIn++
			}
		}
	}
	for _, k := range contacts {
		if k.Import == "" || !slices.Contains(imports, k.Import) || !slices.Contains(groups, partners[k.Partner].Group) {
			continue
		}
		on := func(day network.Day, n *int, count func(*feed.Reached)) {
			*n++
			d := days[day]
			count(&d)
			days[day] = d
		}
		told, opened, declined, came := w.told[k.Import], network.DayAt(k.OpenedAt), network.DayAt(k.DeclinedAt), w.came[named{k.Import, k.Partner, k.Person}]
		f.Imported++
		if told != 0 {
			on(told, &f.Notified, func(r *feed.Reached) { r.Notified++ })
		}
		var saw []network.Day
		for _, day := range []network.Day{opened, declined, came} {
			if day != 0 {
				saw = append(saw, day)
			}
		}
		if saw != nil {
			on(slices.Min(saw), &f.Opened, func(r *feed.Reached) { r.Opened++ })
		}
		switch {
		case came != 0:
			on(came, &f.Joined, func(r *feed.Reached) { r.Joined++ })
		case declined != 0:
			on(declined, &f.Declined, func(r *feed.Reached) { r.Declined++ })
		case told == 0:
		case k.Undeliverable != "" && opened == 0:
			on(told, &f.Undeliverable, func(r *feed.Reached) { r.Undeliverable++ })
			if k.Undeliverable == network.ByBlock {
				f.Blocked++
			}
		default:
			f.Expired++
		}
	}
	return f, days
}

// TestR32_ProgressByGroupInviterAndDayIsARecount: whatever has happened to a
// chain, and in whatever order search was told of it. Each check fills a table
// of its own and takes most of a second, so there are thirty where rapid makes a
// hundred; the test isn't parallel, for the number is the process's.
func TestR32_ProgressByGroupInviterAndDayIsARecount(t *testing.T) {
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		must(t, flag.Set(checks.Name, "30"))
		defer func() { must(t, flag.Set(checks.Name, checks.DefValue)) }()
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := setup(t)
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			w.step(t, rt)
		}
		base := w.index(t, rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "order"), 0)))
		later := w.now.Add(100 * 24 * time.Hour) // all has run out
		tallied, err := w.Tallied(t.Context(), chainID, "")
		must(t, err)

		ask := func(what string, imports []string, group int) network.Funnel {
			of := slices.DeleteFunc(slices.Clone(tallied), func(t store.Tallied) bool { return !slices.Contains(imports, t.Import) })
			groups := w.tree.Below(group)
			got := base.Recount(of, func(g int) bool { return slices.Contains(groups, g) })
			f := network.Progress(got.Tallies, w.chain.Policies, later)
			want, days := w.recount(t, imports, groups)
			if f != want || !maps.Equal(got.Days, days) {
				rt.Fatalf("%s: got\n%+v\n%v\nwant\n%+v\n%v", what, f, got.Days, want, days)
			}
			return f
		}
		for id := range w.tree {
			ask(fmt.Sprint("group ", id), w.imports, id)
		}
		for n := range 2 {
			var theirs []string
			for _, of := range tallied {
				if of.Maker == people.Person(phone(n)) && w.makers[of.Import] == of.Maker {
					theirs = append(theirs, of.Import)
				} else if w.makers[of.Import] == people.Person(phone(n)) {
					rt.Fatalf("the tally of %s has maker %q", of.Import, of.Maker)
				}
			}
			ask(fmt.Sprint("inviter ", n), theirs, network.RootGroup)
		}
		for _, imp := range w.imports {
			f := ask("import "+imp, []string{imp}, network.RootGroup)
			tallies, err := w.Tallies(t.Context(), chainID, imp)
			must(t, err)
			told := network.Progress(tallies, w.chain.Policies, later)
			told.Queued = 0 // rows don't say what is under way
			if f != told && !w.lost[imp] {
				rt.Fatalf("import %s: got %+v, its tallies say %+v", imp, f, told)
			}
		}
	})
}
