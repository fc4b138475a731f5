package feed

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
)

// sums are what is counted and sorted of those who have joined, so that a page
// of them or a count of a group is no walk through the index.
type sums struct {
	groups map[int]int    // partners, by the group that they were put into
	people map[string]int // people, by partner
	joined []Joined       // partners, newest first
}

// Joined is a partner that has joined: when, in Unix seconds, and the group that
// it was put into.
type Joined struct {
	At      int64
	Partner string
	Group   int
}

// Before is the order of joining, the newest first.
func (j Joined) Before(k Joined) int {
	return cmp.Or(cmp.Compare(k.At, j.At), strings.Compare(j.Partner, k.Partner))
}

// KnowSums counts and sorts who has joined, unless it is known, and gives about
// how many bytes that takes. From then on the feed is followed in it.
func (b *Base) KnowSums() int {
	if b.sums == nil {
		s := &sums{groups: map[int]int{}, people: map[string]int{}}
		for e := range b.Index.All() {
			switch {
			case e.State != network.PartnerJoined:
			case e.Person != "":
				s.people[e.Partner]++
			default:
				s.groups[e.Group]++
				s.joined = append(s.joined, joined(e))
			}
		}
		slices.SortFunc(s.joined, Joined.Before)
		b.sums = s
	}
	const each, group = 64, 32 // of a map's keys
	return cap(b.sums.joined)*32 + len(b.sums.people)*each + len(b.sums.groups)*group
}

// JoinedByGroup is how many partners have joined, by the group that they were
// put into, which may have been deleted since. It is to be read only. KnowSums
// must have been called.
func (b *Base) JoinedByGroup() map[int]int { return b.sums.groups }

// JoinedPeople is how many people of a partner have joined. KnowSums must have
// been called.
func (b *Base) JoinedPeople(partner string) int { return b.sums.people[partner] }

// JoinedAfter are the partners that have joined, newest first, behind one that
// is or was among them; all for nil. It is to be read only, and not kept. KnowSums
// must have been called.
func (b *Base) JoinedAfter(last *Joined) []Joined {
	if last == nil {
		return b.sums.joined
	}
	at, there := slices.BinarySearchFunc(b.sums.joined, *last, Joined.Before)
	if there {
		at++
	}
	return b.sums.joined[at:]
}

// Partner is what search knows of a partner.
func (b *Base) Partner(id string) (search.Entry, bool) { return b.Index.Get(search.Key{Partner: id}) }

func joined(e search.Entry) Joined { return Joined{e.JoinedAt.Unix(), e.Partner, e.Group} }

// follow brings the index up to changes, and the sums with it. Which changes are
// late or come again only the index knows: so the sums go by what it had of
// each entry before and has after.
func (b *Base) follow(c Changes) {
	if b.sums == nil {
		b.Index.Apply(c.Put, c.Remove)
		return
	}
	keys := make([]search.Key, 0, c.Len())
	for i := range c.Put {
		keys = append(keys, c.Put[i].Key())
	}
	for _, r := range c.Remove {
		keys = append(keys, r.Key)
	}
	slices.SortFunc(keys, func(a, b search.Key) int {
		return cmp.Or(strings.Compare(a.Partner, b.Partner), strings.Compare(a.Person, b.Person))
	})
	keys = slices.Compact(keys)
	for _, k := range keys {
		if e, there := b.Index.Get(k); there {
			b.sums.add(e, -1)
		}
	}
	b.Index.Apply(c.Put, c.Remove)
	for _, k := range keys {
		if e, there := b.Index.Get(k); there {
			b.sums.add(e, 1)
		}
	}
}

// add counts an entry, or with -1 counts it no more.
func (s *sums) add(e search.Entry, n int) {
	if e.State != network.PartnerJoined {
		return
	}
	if e.Person != "" {
		if s.people[e.Partner] += n; s.people[e.Partner] == 0 {
			delete(s.people, e.Partner)
		}
		return
	}
	if s.groups[e.Group] += n; s.groups[e.Group] == 0 {
		delete(s.groups, e.Group)
	}
	j := joined(e)
	at, there := slices.BinarySearchFunc(s.joined, j, Joined.Before)
	switch {
	case n > 0:
		s.joined = slices.Insert(s.joined, at, j)
	case there:
		s.joined = slices.Delete(s.joined, at, at+1)
	}
}
