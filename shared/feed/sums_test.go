package feed

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/store"
)

// Whatever comes by the feed, late, twice or in any order: the sums are those
// of an index that was opened just now.
func TestSumsThatFollowTheFeedAreThoseOfTheIndex(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 500, time.UTC)
	rapid.Check(t, func(r *rapid.T) {
		entry := func(r *rapid.T) search.Entry {
			e := search.Entry{
				Partner: fmt.Sprint("pa", rapid.IntRange(0, 5).Draw(r, "partner")), Name: "n", Edition: rapid.IntRange(1, 6).Draw(r, "edition"),
				State: rapid.SampledFrom([]network.PartnerState{network.PartnerJoined, network.PartnerJoined, network.PartnerPending, network.PartnerEmpty}).Draw(r, "state"),
			}
			if e.State == network.PartnerJoined {
				e.JoinedAt = noon.Add(time.Duration(rapid.IntRange(0, 3).Draw(r, "at")) * time.Second)
			}
			if rapid.Bool().Draw(r, "is a person") {
				e.Person = fmt.Sprint("pe", rapid.IntRange(0, 3).Draw(r, "person"))
			} else {
				e.Group = rapid.IntRange(1, 3).Draw(r, "group")
			}
			return e
		}
		entries := rapid.SliceOfN(rapid.Custom(entry), 0, 12)
		b := Base{Index: search.New(slices.Values(entries.Draw(r, "at first")))}
		b.KnowSums()
		for n := range rapid.IntRange(0, 6).Draw(r, "parts") {
			c := Changes{Put: entries.Draw(r, "put")}
			for _, e := range entries.Draw(r, "removed") {
				c.Remove = append(c.Remove, search.Removal{Key: e.Key(), Edition: e.Edition})
			}
			parts, err := c.Pack(store.MaxFeedPart)
			if err != nil {
				r.Fatal(err)
			}
			if b.Through, err = b.Apply([]store.FeedPart{{N: n + 1, Body: parts[0]}}); err != nil {
				r.Fatal(err)
			}
		}
		anew := Base{Index: b.Index}
		if n := anew.KnowSums(); n < 32*len(anew.sums.joined) {
			r.Fatalf("got %d bytes for %d partners", n, len(anew.sums.joined))
		}
		if !maps.Equal(b.sums.groups, anew.sums.groups) || !maps.Equal(b.sums.people, anew.sums.people) || !slices.Equal(b.sums.joined, anew.sums.joined) {
			r.Fatalf("got %+v, want %+v", b.sums, anew.sums)
		}
		for i, j := range anew.sums.joined {
			if got := b.JoinedAfter(&j); len(got) != len(anew.sums.joined)-i-1 {
				r.Fatalf("got %d behind the %d. of %d", len(got), i+1, len(anew.sums.joined))
			}
		}
	})
}

func BenchmarkSumsFollow(b *testing.B) {
	const n = 100_000
	base := Base{Index: search.New(func(yield func(search.Entry) bool) {
		for i := range n {
			if !yield(search.Entry{Partner: fmt.Sprintf("pa%06d", i), Name: "经销商", State: network.PartnerJoined, Group: 1 + i%200, JoinedAt: time.Unix(int64(i), 0), Edition: 1}) {
				return
			}
		}
	})}
	base.KnowSums()
	i := 0
	for b.Loop() {
		i++
		base.follow(Changes{Put: []search.Entry{{Partner: fmt.Sprintf("pa%06d", i%n), Name: "经销商", State: network.PartnerJoined, Group: 1 + i%200, JoinedAt: time.Unix(int64(n+i), 0), Edition: 1 + i}}})
	}
}
