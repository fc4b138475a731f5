package roster

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// partners is what the valid rows so far have said, by partner. A row is held
// against valid rows before it only: of two that clash the later is refused,
// and a row that is refused takes nothing from those after it.
//
// There may be a million of each, so nothing here points to anything: partners
// and people are records in pages, found by number through tables of numbers.
type partners struct {
	seed     [2]uint64 // nobody knows beforehand which of them share a slot
	all      pages[partner]
	people   pages[person]
	index    table // of partners, by id
	contacts table // of people, by partner and phone (R27)
	members  table // of people, by partner and 自定义成员ID, which is unique within the partner
}

// partner is 32 bytes.
type partner struct {
	id      partnerID
	name    uint64 // digest of its folded name
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

func newPartners() partners { return partners{seed: [2]uint64{rand.Uint64(), rand.Uint64()}} }

// hash mixes two numbers to one of which all bits are good.
func (p *partners) hash(a, b uint64) uint64 {
	high, low := bits.Mul64(a^p.seed[0], b^p.seed[1])
	high, low = bits.Mul64(high^low, 0x9e3779b97f4a7c15)
	return high ^ low
}

func (p *partners) hashOfID(id partnerID) uint64 {
	return p.hash(binary.LittleEndian.Uint64(id[:]), binary.LittleEndian.Uint64(id[8:]))
}

// find is the number of the partner of an id, which is new with this name if
// there is none.
func (p *partners) find(id partnerID, name uint64) uint32 {
	hash := p.hashOfID(id)
	n, ok := p.index.find(hash, func(n uint32) bool { return p.all.at(n).id == id })
	if !ok {
		n = p.all.add(partner{id: id, name: name})
		p.index.add(hash, n, func(n uint32) (uint64, bool) { return p.hashOfID(p.all.at(n).id), true })
	}
	return n
}

// contact is who was said to have a phone under a partner, nil if nobody was.
func (p *partners) contact(partner uint32, phone uint64) *person {
	n, ok := p.contacts.find(p.hash(phone, uint64(partner)), func(n uint32) bool {
		who := p.people.at(n)
		return who.phone == phone && who.partner == partner
	})
	if !ok {
		return nil
	}
	return p.people.at(n)
}

// member is who was said to have a 自定义成员ID under a partner, nil if nobody
// was.
func (p *partners) member(partner uint32, id uint64) *person {
	n, ok := p.members.find(p.hash(id, uint64(partner)), func(n uint32) bool {
		who := p.people.at(n)
		return who.member == id && who.partner == partner
	})
	if !ok {
		return nil
	}
	return p.people.at(n)
}

func (p *partners) add(who person) {
	n := p.people.add(who)
	p.contacts.add(p.hash(who.phone, uint64(who.partner)), n, func(n uint32) (uint64, bool) {
		who := p.people.at(n)
		return p.hash(who.phone, uint64(who.partner)), true
	})
	if who.member != 0 {
		p.members.add(p.hash(who.member, uint64(who.partner)), n, func(n uint32) (uint64, bool) {
			who := p.people.at(n)
			return p.hash(who.member, uint64(who.partner)), who.member != 0
		})
	}
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
	// A record's number and 1, of which there are no more than rows of a sheet,
	// under some bits of its hash, so that few others are looked at; 0 where
	// free. There are as many as a power of two.
	slots []uint32
	used  int
}

const numberBits = 21

func slotOf(hash uint64, n uint32) uint32 { return uint32(hash>>32)&^(1<<numberBits-1) | (n + 1) }

// find is the number of the record of a hash that is the one.
func (t *table) find(hash uint64, is func(uint32) bool) (n uint32, ok bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	like := slotOf(hash, 0) >> numberBits
	for i := hash; ; i++ {
		s := t.slots[i&uint64(len(t.slots)-1)]
		if s == 0 {
			return 0, false
		}
		if n := s&(1<<numberBits-1) - 1; s>>numberBits == like && is(n) {
			return n, true
		}
	}
}

// add takes in record n, which isn't there. hashOf is the hash of an earlier
// one; ok is false if that isn't to be found here.
func (t *table) add(hash uint64, n uint32, hashOf func(uint32) (hash uint64, ok bool)) {
	if 4*t.used >= 3*len(t.slots) {
		t.slots = make([]uint32, max(1024, 2*len(t.slots)))
		for earlier := range n {
			if hash, ok := hashOf(earlier); ok {
				t.put(hash, earlier)
			}
		}
	}
	t.put(hash, n)
	t.used++
}

func (t *table) put(hash uint64, n uint32) {
	i := hash
	for t.slots[i&uint64(len(t.slots)-1)] != 0 {
		i++
	}
	t.slots[i&uint64(len(t.slots)-1)] = slotOf(hash, n)
}
