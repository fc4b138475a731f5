package roster

import (
	"crypto/sha256"
	"hash/maphash"
)

// partners is what the valid rows so far have said, by partner. A row is held
// against valid rows before it only: of two that clash the later is refused,
// and a row that is refused takes nothing from those after it.
//
// There may be a million of each, so nothing here points to anything: partners
// and people are records in pages, found by number through tables of numbers.
type partners struct {
	seed     maphash.Seed
	all      pages[partner]
	people   pages[person]
	index    table // of partners, by id
	contacts table // of people, by partner and phone (R27)
	members  table // of people, by partner and 自定义成员ID, which is unique within the partner
}

// partner is 25 bytes.
type partner struct {
	id      partnerID
	name    [8]byte // digest
	leaders uint8
}

// partnerID is a digest of what tells a partner from others (R27).
type partnerID [16]byte

// person is 32 bytes.
type person struct {
	phone   uint64
	member  uint64 // 自定义成员ID, 0 when none
	said    uint64 // digest of what the row says of the contact
	partner uint32
	row     uint32 // the sheet's number
}

func newPartners() partners { return partners{seed: maphash.MakeSeed()} }

// find is the number of the partner of an id; made reports that it is new, with
// this name.
func (p *partners) find(id partnerID, name [8]byte) (n uint32, made bool) {
	hash := maphash.Bytes(p.seed, id[:])
	n, ok := p.index.find(hash, func(n uint32) bool { return p.all.at(n).id == id })
	if ok {
		return n, false
	}
	n = p.all.add(partner{id: id, name: name})
	p.index.add(hash, n, func(n uint32) uint64 { return maphash.Bytes(p.seed, p.all.at(n).id[:]) })
	return n, true
}

type contact struct {
	partner uint32
	phone   uint64
}

type member struct {
	partner uint32
	id      uint64
}

func (p *partners) contact(c contact) (*person, bool) {
	n, ok := p.contacts.find(maphash.Comparable(p.seed, c), func(n uint32) bool {
		who := p.people.at(n)
		return who.partner == c.partner && who.phone == c.phone
	})
	if !ok {
		return nil, false
	}
	return p.people.at(n), true
}

func (p *partners) member(m member) (*person, bool) {
	n, ok := p.members.find(maphash.Comparable(p.seed, m), func(n uint32) bool {
		who := p.people.at(n)
		return who.partner == m.partner && who.member == m.id
	})
	if !ok {
		return nil, false
	}
	return p.people.at(n), true
}

func (p *partners) add(who person) {
	n := p.people.add(who)
	ofContact := func(n uint32) uint64 {
		who := p.people.at(n)
		return maphash.Comparable(p.seed, contact{who.partner, who.phone})
	}
	p.contacts.add(ofContact(n), n, ofContact)
	if who.member != 0 {
		ofMember := func(n uint32) uint64 {
			who := p.people.at(n)
			return maphash.Comparable(p.seed, member{who.partner, who.member})
		}
		p.members.add(ofMember(n), n, ofMember)
	}
}

// idOf digests what tells a partner from others: its 自定义企业ID, else its
// folded name. One chain is all that a file is about, so that is left out.
func idOf(scratch []byte, customID, folded string) (id partnerID, grown []byte) {
	if customID != "" {
		scratch = append(append(scratch[:0], 'c'), customID...)
	} else {
		scratch = append(append(scratch[:0], 'n'), folded...)
	}
	sum := sha256.Sum256(scratch)
	return partnerID(sum[:16]), scratch
}

// pages holds records by number, without moving those it has when it grows.
type pages[T any] struct {
	all []*[1 << pageBits]T
	n   uint32
}

const pageBits = 12

func (p *pages[T]) at(n uint32) *T { return &p.all[n>>pageBits][n&(1<<pageBits-1)] }

func (p *pages[T]) add(v T) uint32 {
	if p.n&(1<<pageBits-1) == 0 {
		p.all = append(p.all, new([1 << pageBits]T))
	}
	n := p.n
	p.n++
	*p.at(n) = v
	return n
}

// table finds the number of a record by the hash of what it is found by, in
// four bytes a slot. It can't forget.
type table struct {
	slots []uint32 // number + 1, 0 where free; as many as a power of two
	used  int
}

// find is the number of the record of a hash that is the one.
func (t *table) find(hash uint64, is func(uint32) bool) (n uint32, ok bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	for i := hash; ; i++ {
		n := t.slots[i&uint64(len(t.slots)-1)]
		if n == 0 {
			return 0, false
		}
		if is(n - 1) {
			return n - 1, true
		}
	}
}

// add takes in a record that isn't there. hashOf is the hash of a number.
func (t *table) add(hash uint64, n uint32, hashOf func(uint32) uint64) {
	if 4*t.used >= 3*len(t.slots) {
		old := t.slots
		t.slots = make([]uint32, max(1024, 2*len(old)))
		for _, n := range old {
			if n != 0 {
				t.put(hashOf(n-1), n)
			}
		}
	}
	t.put(hash, n+1)
	t.used++
}

func (t *table) put(hash uint64, n uint32) {
	i := hash
	for t.slots[i&uint64(len(t.slots)-1)] != 0 {
		i++
	}
	t.slots[i&uint64(len(t.slots)-1)] = n
}
