package search

import (
	"cmp"
	"iter"
	"slices"
	"sync"

	"github.com/tributary-app/tributary/shared/network"
)

// Index is one chain's. It may be used by many at once; its zero value has nothing in it.
//
// Entries lie in the order of their keys, then those that were put since; what was replaced or removed is dead, and stays until the next Open.
// A Find crosses the rows that its query needs (rows.go), 64 entries at a time, and reads the text only of who is in all of them and could
// still come among the page's.
type Index struct {
	mu      sync.RWMutex
	entries []Entry
	blocks  []*block
	heads   []head
	orders  [][2]uint64 // by pinyin
	phones  []uint64    // 4 bits a digit, the last one lowest
	ends    []uint32    // where an entry's text ends
	texts   []uint16    // name 0 alias 0 custom id 0, folded
	sorted  int         // so many are in the order of keys
	since   map[Key]int
	removed map[Key]int // edition
	live    int
	held    int // bytes of the entries' texts
}

// New makes an index of all entries. Of two with one key the newer edition stays.
func New(all iter.Seq[Entry]) *Index {
	entries := slices.Collect(all)
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(compareKeys(a.Key(), b.Key()), cmp.Compare(b.Edition, a.Edition))
	})
	return build(slices.CompactFunc(entries, func(a, b Entry) bool { return a.Key() == b.Key() }), nil)
}

// build makes an index of entries that are in order, one a key.
func build(entries []Entry, removed map[Key]int) *Index {
	n := len(entries) + len(entries)/64 + 64 // room for what is put, so that a put seldom copies all
	x := &Index{entries: make([]Entry, 0, n), heads: make([]head, 0, n), phones: make([]uint64, 0, n), orders: make([][2]uint64, 0, n), ends: make([]uint32, 0, n), removed: removed}
	runes := 0
	for i := range entries {
		runes += len(entries[i].Name)/2 + len(entries[i].Alias)/2 + len(entries[i].CustomID) + 3
	}
	x.texts = make([]uint16, 0, runes)
	for _, e := range entries {
		x.append(e)
	}
	x.sorted = len(entries)
	for at := range x.entries {
		x.held += x.bytes(at)
	}
	return x
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Partner, b.Partner), cmp.Compare(a.Person, b.Person))
}

// Apply puts and removes. Of an entry and what is put or removed under its key the newest edition wins, a removal over a put of the same: so a
// change may come twice, late, or in any order. It costs what the changes cost, whatever else is there.
func (x *Index) Apply(put []Entry, remove []Removal) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range remove {
		if at, ok := x.find(r.Key); ok {
			if x.entries[at].Edition > r.Edition {
				continue
			}
			x.kill(at)
		}
		if x.removed == nil {
			x.removed = map[Key]int{}
		}
		x.removed[r.Key] = max(r.Edition, x.removed[r.Key])
	}
	for _, e := range put {
		k := e.Key()
		if gone, ok := x.removed[k]; ok && gone >= e.Edition {
			continue
		}
		if at, ok := x.find(k); ok {
			if x.entries[at].Edition >= e.Edition {
				continue
			}
			x.kill(at)
		}
		if x.since == nil {
			x.since = map[Key]int{}
		}
		x.since[k] = len(x.entries)
		x.append(e)
		x.held += x.bytes(len(x.entries) - 1)
	}
}

// find is where the living entry of a key is.
func (x *Index) find(k Key) (int, bool) {
	if at, ok := x.since[k]; ok {
		return at, x.alive(at)
	}
	at, ok := slices.BinarySearchFunc(x.entries[:x.sorted], k, func(e Entry, k Key) int { return compareKeys(e.Key(), k) })
	return at, ok && x.alive(at)
}

// Get is the entry of a key, if there is one.
func (x *Index) Get(k Key) (Entry, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	at, ok := x.find(k)
	if !ok {
		return Entry{}, false
	}
	return x.entries[at], true
}

// kill leaves the key, by which the others are found.
func (x *Index) kill(at int) {
	x.blocks[at/blockEntries].alive[at%blockEntries/64] &^= 1 << (at % 64)
	e := &x.entries[at]
	x.held -= x.bytes(at)
	*e = Entry{Partner: e.Partner, Person: e.Person}
	x.held += x.bytes(at)
	x.live--
}

func (x *Index) append(e Entry) {
	from := len(x.texts)
	x.texts = append(fold(x.texts, e.Name), 0)
	alias := len(x.texts)
	x.texts = append(fold(x.texts, e.Alias), 0)
	custom := len(x.texts)
	x.texts = append(fold(x.texts, e.CustomID), 0)
	shown := x.texts[from : alias-1]
	if e.Alias != "" {
		shown = x.texts[alias : custom-1]
	}
	head := head{first: [3]uint16{x.texts[from], x.texts[alias], x.texts[custom]}, state: stateRank(e.State)}
	for _, field := range [][]uint16{x.texts[from:alias], x.texts[alias:custom]} {
		for i := 1; i < len(field)-1; i++ {
			head.words = head.words || wordStarts(field[i-1], field[i])
		}
	}
	at := len(x.entries)
	if at%blockEntries == 0 {
		x.blocks = append(x.blocks, new(block))
	}
	x.blocks[at/blockEntries].enter(at%blockEntries, x.texts[from:])
	x.entries = append(x.entries, e)
	x.heads = append(x.heads, head)
	x.orders = append(x.orders, order(shown, e.Person != ""))
	x.phones = append(x.phones, digits(e.Phone))
	x.ends = append(x.ends, uint32(len(x.texts)))
	x.live++
}

// head is what can be said of an entry's place before its text is read.
type head struct {
	first [3]uint16 // codes of name, alias and custom id; 0 for none
	state byte
	words bool // a word begins within the name or alias
}

func (x *Index) alive(at int) bool {
	return x.blocks[at/blockEntries].alive[at%blockEntries/64]>>(at%64)&1 != 0
}

// digits has a phone's digits, 4 bits each, the last one lowest; E.164 has 15 at most.
func digits(phone string) (d uint64) {
	for i := range len(phone) {
		if c := phone[i]; c >= '0' && c <= '9' {
			d = d<<4 | uint64(c-'0')
		}
	}
	return d
}

// text is an entry's folded text.
func (x *Index) text(at int) []uint16 {
	from := uint32(0)
	if at > 0 {
		from = x.ends[at-1]
	}
	return x.texts[from:x.ends[at]]
}

// All goes through all entries, in no order; the index stands still for changes meanwhile, so the loop must not call Apply.
func (x *Index) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		x.mu.RLock()
		defer x.mu.RUnlock()
		for at := range x.entries {
			if x.alive(at) && !yield(x.entries[at]) {
				return
			}
		}
	}
}

// Len is how many entries there are.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.live
}

// Bytes is about what the index takes of memory. It is asked with each search, and goes through nothing.
func (x *Index) Bytes() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	const entry, each = 168, 100 // an Entry, and a key in a map
	return x.held + cap(x.entries)*(entry+8+16+8+4) + cap(x.texts)*2 + len(x.blocks)*(rows+1)*blockWords*8 + (len(x.since)+len(x.removed))*each
}

// bytes is what the texts of an entry take.
func (x *Index) bytes(at int) int {
	e := &x.entries[at]
	n := len(e.Partner) + len(e.Person) + len(e.Name) + len(e.Alias) + len(e.CustomID) + len(e.Phone)
	if at >= x.sorted {
		n += len(e.Note) // the others share theirs
	}
	return n
}

// stateRank has who has joined before who was only asked.
func stateRank(s network.PartnerState) byte {
	switch s {
	case network.PartnerJoined:
		return 0
	case network.PartnerPending:
		return 1
	}
	return 2
}
