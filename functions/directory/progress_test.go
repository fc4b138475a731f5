package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/store/storetest"
	"github.com/tributary-app/tributary/shared/web"
)

// imported is roster, by somebody, of rows in groups.
func (w *world) imported(t *testing.T, by web.Claims, all ...network.RosterRow) string {
	t.Helper()
	imp, err := w.CreateImport(t.Context(), network.Import{ID: network.NewImportID(w.now), Chain: chainID, Maker: id(by), MakerCorp: w.owner.ID, Notify: true, State: network.ImportWaiting, CreatedAt: w.now}, store.Once{})
	if err != nil {
		t.Fatal(err)
	}
	return storetest.Import(t, w.Store, people, chainID, imp.ID, w.now, all...).ID
}

func placed(corp string, n int, group ...string) network.RosterRow {
	r := row(corp, n)
	r.Group = group
	return r
}

func notice(corp string, n int) network.Ticket {
	return network.Ticket{Chain: chainID, Partner: network.RosterPartnerID(chainID, "", corp), Person: id(claims(n)), Version: 1}
}

// rosters are two imports, one of the boss's and one of staff's, of which on
// three days something has come.
func rosters(t *testing.T, w *world) (first, second string) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	first = w.imported(t, w.boss, placed("Acme", 50, "North"), placed("Acme", 51, "North"), placed("Beta", 52, "North", "Harbour"), placed("Gamma", 53, "South"))
	second = w.imported(t, w.staff, row("Delta", 54), placed("Echo", 55, "South"))
	must(w.TallyNotices(ctx, chainID, first, 0, network.Tally{Notified: 4}, noon))
	who := func(n int) network.Person {
		return network.Person{ID: id(claims(n)), Name: fmt.Sprint("联系人", n), Phone: phone(n)}
	}
	must(w.Opened(ctx, notice("Beta", 52), who(52), noon.Add(3*time.Hour)))
	must(w.Decline(ctx, notice("Gamma", 53), who(53), noon.Add(4*time.Hour))) // in Beijing the next day
	a, err := w.Join(ctx, notice("Acme", 50), who(50), store.Choice{New: &network.Corp{Name: "Acme"}}, noon.Add(48*time.Hour))
	must(err)
	must(w.CountJoin(ctx, network.Event{ID: "joined." + a.Contact.MembershipID(), Kind: network.Joined, Chain: chainID, Import: first, Partner: a.Partner.ID, Person: a.Contact.Person, First: true}))
	w.tb.Reset()
	return first, second
}

func TestProgressIsOfWhatTheParametersLeave(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, second := rosters(t, w)
	w.index(t)
	later := noon.Add(8 * 24 * time.Hour)
	w.now = later
	days := []string{"2026-11-24 0 0 1 1 0", "2026-11-23 0 0 1 0 1", "2026-11-22 4 0 1 0 0"}
	for _, c := range []struct {
		query    string
		contacts [6]float64 // imported, notified, opened, joined, declined, expired
		partners [2]float64
		days     []string
	}{
		{"", [6]float64{6, 4, 3, 1, 1, 2}, [2]float64{5, 1}, nil},
		{"?inviter=" + id(w.boss), [6]float64{4, 4, 3, 1, 1, 2}, [2]float64{3, 1}, nil},
		{"?inviter=" + id(w.staff), [6]float64{2}, [2]float64{2, 0}, nil},
		{"?inviter=" + id(claims(9)), [6]float64{}, [2]float64{}, nil},
		{"?import_id=" + first + "&inviter=" + id(w.staff), [6]float64{}, [2]float64{}, nil},
		{"?import_id=" + second + "&inviter=" + id(w.staff), [6]float64{2}, [2]float64{2, 0}, nil},
		{"?group_id=1", [6]float64{6, 4, 3, 1, 1, 2}, [2]float64{5, 1}, nil},
		{fmt.Sprint("?group_id=", w.north), [6]float64{3, 3, 2, 1, 0, 2}, [2]float64{2, 1}, nil},
		{fmt.Sprint("?group_id=", w.harbour), [6]float64{1, 1, 1, 0, 0, 1}, [2]float64{1, 0}, nil},
		{fmt.Sprint("?group_id=", w.south), [6]float64{2, 1, 1, 0, 1, 0}, [2]float64{2, 0}, nil},
		{fmt.Sprint("?group_id=", w.south, "&import_id=", second), [6]float64{1}, [2]float64{1, 0}, nil},
		{fmt.Sprint("?group_id=", w.south, "&inviter=", id(w.boss), "&by=day"), [6]float64{1, 1, 1, 0, 1, 0}, [2]float64{1, 0}, []string{"2026-11-23 0 0 1 0 1", "2026-11-22 1 0 0 0 0"}},
		{"?by=day", [6]float64{6, 4, 3, 1, 1, 2}, [2]float64{5, 1}, days},
		{"?by=day&import_id=" + first, [6]float64{4, 4, 3, 1, 1, 2}, [2]float64{3, 1}, days},
		{"?by=day&import_id=" + second, [6]float64{2}, [2]float64{2, 0}, []string{}},
	} {
		w.tb.Reset()
		got := w.as(t, w.staff, progress+c.query).want(t, 200, "")
		m := w.tb.Meter()
		f, p := got.body["contacts"].(map[string]any), got.body["partners"].(map[string]any)
		contacts := [6]float64{}
		for i, name := range []string{"imported", "notified", "opened", "joined", "declined", "expired"} {
			contacts[i] = f[name].(float64)
		}
		if partners := [2]float64{p["imported"].(float64), p["joined"].(float64)}; contacts != c.contacts || partners != c.partners {
			t.Errorf("%s: got %v and %v partners, want %v and %v", c.query, contacts, partners, c.contacts, c.partners)
		}
		if days := daysOf(got); !reflect.DeepEqual(days, c.days) {
			t.Errorf("%s: got %q, want %q", c.query, days, c.days)
		}
		if m.ReadUnits > 8 || m.WriteUnits > 0 {
			t.Errorf("%s cost %+v, want at most 8 read units", c.query, m)
		}
	}
}

// daysOf are the days of an answer, nil if it has no list of them.
func daysOf(a answer) []string {
	items, is := a.body["items"].([]any)
	if !is {
		return nil
	}
	out := []string{}
	for _, i := range items {
		d := i.(map[string]any)
		out = append(out, fmt.Sprint(d["day"], " ", d["notified"], " ", d["undeliverable"], " ", d["opened"], " ", d["joined"], " ", d["declined"]))
	}
	return out
}

// What the dearest question costs, exactly: who is asking 3, the import 1, the
// groups' edition 1, its tallies and the feed a half each.
func TestProgressCostsTheSameWhateverIsAsked(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, _ := rosters(t, w)
	w.index(t)
	dear := fmt.Sprint(progress, "?by=day&import_id=", first, "&inviter=", id(w.boss), "&group_id=", w.north)
	w.as(t, w.boss, dear).want(t, 200, "")
	var meters []dynamotest.Meter
	for range 2 {
		w.tb.Reset()
		w.as(t, w.boss, dear).want(t, 200, "")
		meters = append(meters, w.tb.Meter())
	}
	if m := meters[1]; !reflect.DeepEqual(m, meters[0]) || m.ReadUnits != 6 || m.Requests != 6 || m.WriteUnits != 0 {
		t.Errorf("got %+v, want 6 read units by 6 requests", meters)
	}
}

func TestProgressDayByDayGoesByPages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rosters(t, w)
	w.index(t)
	var got []string
	cursor := ""
	for n := range 3 {
		page := w.as(t, w.boss, progress+"?by=day&limit=1&cursor="+cursor).want(t, 200, "")
		got = append(got, daysOf(page)...)
		next, more := page.body["next_cursor"].(string)
		if more != (n < 2) || len(daysOf(page)) != 1 {
			t.Fatalf("page %d: got %s, want a day each and three pages", n, page.Body)
		}
		cursor = next
	}
	if want := []string{"2026-11-24 0 0 1 1 0", "2026-11-23 0 0 1 0 1", "2026-11-22 4 0 1 0 0"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgressFollowsPartnersThatMoveAndGroupsThatGo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rosters(t, w)
	joined := func(group int) float64 {
		t.Helper()
		w.index(t)
		w.indexes.kept = nil
		return w.as(t, w.boss, fmt.Sprint(progress, "?group_id=", group)).want(t, 200, "").body["contacts"].(map[string]any)["joined"].(float64)
	}
	if n := joined(w.south); n != 0 {
		t.Fatalf("got %v joined in South, want none", n)
	}
	if _, err := w.EditPartner(t.Context(), w.chain, network.RosterPartnerID(chainID, "", "Acme"), network.PartnerEdit{Group: &w.harbour}, 0); err != nil {
		t.Fatal(err)
	}
	if n := joined(w.harbour); n != 1 {
		t.Errorf("got %v joined in Harbour, want who moved there", n)
	}
	if err := w.DeleteGroup(t.Context(), chainID, w.harbour, w.south, 0, func(network.Chain) (bool, error) { return false, nil }); err != nil {
		t.Fatal(err)
	}
	if n := joined(w.south); n != 1 {
		t.Errorf("got %v joined in South, want those of Harbour, which went into it", n)
	}
	w.as(t, w.boss, fmt.Sprint(progress, "?group_id=", w.harbour)).want(t, 404, "group_not_found")
}

func TestProgressSaysWhichParameterIsWrong(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rosters(t, w)
	w.index(t)
	list := w.as(t, w.boss, path+"?limit=1").body["next_cursor"].(string)
	for query, field := range map[string]string{
		"group_id=x": "group_id", "group_id=": "group_id", "group_id=1.5": "group_id", "group_id=99999999999999999999": "group_id", "group_id=1&group_id=2": "group_id",
		"inviter=": "inviter", "inviter=x": "inviter", "inviter=" + handle(w.boss): "inviter", "inviter=" + strings.Repeat("p", 3000): "inviter",
		"by=": "by", "by=week": "by", "by=day&by=day": "by",
		"by=day&limit=0": "limit", "by=day&limit=-1": "limit", "by=day&limit=1000000000": "limit", "by=day&limit=x": "limit", "limit=5": "limit",
		"by=day&cursor=x": "cursor", "by=day&cursor=" + list: "cursor", "cursor=" + list: "cursor",
		"by=day&cursor=" + people.Seal("ch0000000000000009", dayCursor+"20000"): "cursor",
		"by=day&cursor=" + people.Seal(chainID, dayCursor+"x"):                  "cursor",
		"by=day&cursor=" + people.Seal(chainID, "20000"):                        "cursor",
		"foo=1": "foo", "as=x": "as",
	} {
		got := w.as(t, w.boss, progress+"?"+query, "Accept-Language", "en").want(t, 400, "invalid")
		if f := got.body["errors"].([]any)[0].(map[string]any)["field"]; f != field || got.Header().Get("Content-Language") != "en" {
			t.Errorf("%s: got %s, want %s named in English", query, got.Body, field)
		}
	}
	for _, group := range []int{0, -1, 99, 1 << 40} {
		w.as(t, w.boss, fmt.Sprint(progress, "?group_id=", group)).want(t, 404, "group_not_found")
	}
	w.as(t, w.boss, progress+"?by=day&import_id="+network.NewImportID(noon)).want(t, 404, "not_found")
}

func TestProgressIsForWhoSeesTotalsAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rosters(t, w)
	w.index(t)
	queries := []string{"", "?by=day", fmt.Sprint("?group_id=", w.north), "?group_id=99", "?group_id=x", "?inviter=" + id(w.boss)}
	for _, q := range queries {
		w.as(t, claims(50), progress+q).want(t, 403, "denied")
	}
	hide := network.Rule{Owner: network.OwnerSide{Members: []string{id(w.staff)}}, Partner: network.PartnerSide{Groups: []int{w.north}}, Effect: network.Hide, At: w.now}
	if _, err := w.CreateRule(t.Context(), w.chain, hide, store.Once{}); err != nil {
		t.Fatal(err)
	}
	for _, q := range queries {
		w.as(t, w.staff, progress+q).want(t, 403, "denied")
	}
	w.as(t, w.boss, fmt.Sprint(progress, "?group_id=", w.north)).want(t, 200, "")
}

func TestWithoutAnIndexProgressAsksForOneAndIsBusyWhereItNeedsIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if got := w.as(t, w.boss, progress+"?by=day").want(t, 200, ""); len(daysOf(got)) != 0 || got.body["next_cursor"] != nil {
		t.Errorf("of a chain that has nobody: got %s, want no day", got.Body)
	}
	first, _ := rosters(t, w)
	for _, q := range []string{"?by=day", "?group_id=1", "?by=day&import_id=" + first} {
		if got := w.as(t, w.boss, progress+q).want(t, 503, "busy"); got.Header().Get("Retry-After") != "5" {
			t.Errorf("%s: got Retry-After %q, want 5", q, got.Header().Get("Retry-After"))
		}
	}
	if _, asked := w.tb.Items(t)["CHAIN#"+chainID+"#INDEX|REBUILD"]; !asked {
		t.Error("nobody was asked to make the index")
	}
	w.as(t, w.boss, progress+"?import_id="+first+"&inviter="+id(w.boss)).want(t, 200, "")
	w.index(t)
	w.as(t, w.boss, progress+"?by=day").want(t, 200, "")
}

// An index of before progress was counted in it is none that can be read.
func TestAnIndexOfAnOlderKindIsMadeAnew(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rosters(t, w)
	w.index(t)
	old := w.bucket.objects["indexes/"+chainID]
	w.bucket.objects["indexes/"+chainID] = []byte(strings.Replace(string(old), "tsx2", "tsx1", 1))
	if _, err := search.Open(old[8:]); err != nil {
		t.Fatal(err)
	}
	w.as(t, w.boss, progress+"?by=day").want(t, 503, "busy")
	if _, asked := w.tb.Items(t)["CHAIN#"+chainID+"#INDEX|REBUILD"]; !asked {
		t.Error("nobody was asked to make the index")
	}
}
