package search_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
)

// entries draws entries of a few keys and names that are alike, so that they meet.
func entries(t *rapid.T, most int) []search.Entry {
	name := rapid.StringOfN(rapid.SampledFrom([]rune("张章三山单重庆長长行银乐ａzhsongc 19·_（𠮷A")), 0, 6, -1)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) search.Entry {
		e := search.Entry{
			Partner: network.CorpPartnerID("ch", fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "partner"))),
			Person:  rapid.SampledFrom([]string{"", "", "x", "pe0123456789abcdef"}).Draw(t, "person"),
			Name:    name.Draw(t, "name"), Alias: name.Draw(t, "alias"),
			CustomID: rapid.SampledFrom([]string{"", "A1", "zs9", "12345"}).Draw(t, "custom id"),
			Group:    rapid.IntRange(0, 3).Draw(t, "group"),
			State:    rapid.SampledFrom([]network.PartnerState{network.PartnerJoined, network.PartnerPending, network.PartnerEmpty}).Draw(t, "state"),
			Edition:  rapid.IntRange(1, 1000).Draw(t, "edition"),
			Note:     rapid.SampledFrom([]string{"", "", "a", "b", "记"}).Draw(t, "note"),
		}
		if e.Person != "" {
			e.Phone = rapid.SampledFrom([]string{"", "+8613800001111", "+85291239123", "+8610000000000"}).Draw(t, "phone")
		}
		if e.State == network.PartnerJoined {
			e.JoinedAt = time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "joined"), 0).UTC()
		}
		return e
	}), 0, most).Draw(t, "entries")
}

func texts(t *rapid.T) string {
	return rapid.StringOfN(rapid.SampledFrom([]rune("张三山单重庆長行乐zhanshogcqe19 ·_𠮷a")), 1, 6, -1).Draw(t, "query")
}

func sortedAll(x *search.Index) []search.Entry {
	return slices.SortedFunc(x.All(), func(a, b search.Entry) int { return strings.Compare(a.Partner+"/"+a.Person, b.Partner+"/"+b.Person) })
}

// same fails unless two indexes hold the same and answer a query alike.
func same(t *rapid.T, a, b *search.Index) {
	t.Helper()
	if x, y := sortedAll(a), sortedAll(b); !slices.Equal(x, y) {
		t.Fatalf("got %v, want %v", x, y)
	}
	if a.Len() != b.Len() {
		t.Fatalf("got %d entries, want %d", a.Len(), b.Len())
	}
	q := search.Query{Text: texts(t), Phones: rapid.Bool().Draw(t, "phones"), Limit: 5}
	x, nextX, errX := a.Find(q)
	y, nextY, errY := b.Find(q)
	if fmt.Sprint(x, nextX, errX) != fmt.Sprint(y, nextY, errY) {
		t.Fatalf("%q: got %v %v, want %v %v", q.Text, x, errX, y, errY)
	}
}

func TestChangesInAnyOrderMakeTheIndexOfWhatIsLeft(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := search.New(slices.Values(entries(t, 10)))
		type held struct {
			search.Entry
			gone bool
		}
		want := map[search.Key]held{}
		for e := range x.All() {
			want[e.Key()] = held{Entry: e}
		}
		for range rapid.IntRange(0, 8).Draw(t, "changes") {
			put := entries(t, 3)
			var remove []search.Removal
			for _, e := range entries(t, 2) {
				remove = append(remove, search.Removal{Key: e.Key(), Edition: e.Edition})
			}
			x.Apply(put, remove)
			if rapid.Bool().Draw(t, "repeat") {
				x.Apply(put, remove)
			}
			for _, r := range remove {
				if h, ok := want[r.Key]; !ok || h.Edition <= r.Edition {
					want[r.Key] = held{search.Entry{Partner: r.Partner, Person: r.Person, Edition: r.Edition}, true}
				}
			}
			for _, e := range put {
				if h, ok := want[e.Key()]; !ok || h.Edition < e.Edition {
					want[e.Key()] = held{Entry: e}
				}
			}
			if rapid.Bool().Draw(t, "packed between") {
				var err error
				if x, err = search.Open(x.Pack()); err != nil {
					t.Fatal(err)
				}
			}
		}
		same(t, x, search.New(func(yield func(search.Entry) bool) {
			for _, h := range want {
				if !h.gone && !yield(h.Entry) {
					return
				}
			}
		}))
	})
}

func TestWhatIsPackedOpensAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := search.New(slices.Values(entries(t, 20)))
		packed := x.Pack()
		y, err := search.Open(packed)
		if err != nil {
			t.Fatal(err)
		}
		same(t, y, x)
		packed[rapid.IntRange(0, len(packed)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := search.Open(packed); !errors.Is(err, search.ErrCorrupt) {
			t.Fatalf("a bit was turned: got %v, want ErrCorrupt", err)
		}
	})
}

func TestAChainOfAThousandIsPackedSmall(t *testing.T) {
	t.Parallel()
	all := chain(1000)
	x := search.New(slices.Values(all))
	packed := x.Pack()
	if got := len(packed); got > 45*1000 {
		t.Errorf("got %d bytes for 1,000 partners with a contact each, want 45,000 at most", got)
	}
	y, err := search.Open(packed)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sortedAll(y), sortedAll(x)) {
		t.Error("it isn't what was packed")
	}
}

func TestNamesOfManyCharactersArePackedWhole(t *testing.T) {
	t.Parallel()
	var all []search.Entry
	for r := rune(0x3400); r < 0x3400+20_000; r++ {
		all = append(all, search.Entry{Partner: fmt.Sprint(r), Name: string([]rune{r, r + 0x1D000}), Edition: 1})
	}
	x := search.New(slices.Values(all))
	y, err := search.Open(x.Pack())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sortedAll(y), sortedAll(x)) {
		t.Error("it isn't what was packed")
	}
}

func TestWhatIsRemovedIsNotHeldAnyMore(t *testing.T) {
	t.Parallel()
	all := chain(200)
	x := search.New(slices.Values(all))
	for i, e := range all {
		was := x.Bytes()
		x.Apply(nil, []search.Removal{{Key: e.Key(), Edition: e.Edition}})
		const key = 100 // what is remembered of a removal
		if got, want := was-x.Bytes(), len(e.Name)+len(e.Alias)+len(e.CustomID)+len(e.Phone)-key; got != want {
			t.Fatalf("entry %d: %d bytes less, want %d", i, got, want)
		}
	}
}
