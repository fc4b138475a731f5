// Package feed is what search is told of a chain's partners and people: the
// changes, as the indexer makes them of the table's stream, and the base that
// they are folded into from time to time.
package feed

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/store"
)

// Changes are entries that are there as they are now, and keys of those that
// are no more. Each bears its edition, so that the order and a repeat don't
// matter.
type Changes struct {
	Put    []search.Entry   `json:",omitempty"`
	Remove []search.Removal `json:",omitempty"`
}

// Partner adds that a partner was so and is so; nil for not at all. Who was
// known of one that is removed is removed with it, for their epoch is over.
func (c *Changes) Partner(was, is *network.Partner) {
	if is != nil && is.State != network.PartnerRemoved {
		if was == nil || was.State == network.PartnerRemoved || !same(PartnerEntry(*was), PartnerEntry(*is)) {
			c.Put = append(c.Put, PartnerEntry(*is))
		}
		return
	}
	if was == nil || was.State == network.PartnerRemoved {
		return
	}
	edition, epoch := was.Edition+1, was.Epoch+1
	if is != nil {
		edition, epoch = is.Edition, is.Epoch
	}
	c.Remove = append(c.Remove, gone(was.ID, "", edition))
	for person := range was.People {
		c.Remove = append(c.Remove, gone(was.ID, person, contactEdition(epoch, 0)))
	}
}

// Contact adds that a person of a partner was so and is so.
func (c *Changes) Contact(was, is *network.Contact) {
	switch {
	case is != nil && is.Epoch >= 0 && !is.Erased():
		if was == nil || was.Epoch != is.Epoch || !same(ContactEntry(*was), ContactEntry(*is)) {
			c.Put = append(c.Put, ContactEntry(*is))
		}
	case is != nil && is.Epoch >= 0:
		c.Remove = append(c.Remove, gone(is.Partner, is.Person, contactEdition(is.Epoch, is.Edition)))
	case was != nil && was.Epoch >= 0: // withdrawn, which is of an epoch before all, or deleted
		edition := was.Edition + 1
		if is != nil {
			edition = is.Edition
		}
		c.Remove = append(c.Remove, gone(was.Partner, was.Person, contactEdition(was.Epoch, edition)))
	}
}

func gone(partner, person string, edition int) search.Removal {
	return search.Removal{Key: search.Key{Partner: partner, Person: person}, Edition: edition}
}

// same reports whether there is nothing new: who wrote an invite, say.
func same(was, is search.Entry) bool {
	was.Edition = is.Edition
	return was == is
}

// PartnerEntry is what search knows of a partner.
func PartnerEntry(p network.Partner) search.Entry {
	return search.Entry{Partner: p.ID, Name: p.Name, Alias: p.Alias, CustomID: p.CustomID, Group: p.Group, State: p.State, JoinedAt: p.JoinedAt, Edition: p.Edition, Note: partnerNote(p)}
}

// ContactEntry is what search knows of a person of a partner.
func ContactEntry(k network.Contact) search.Entry {
	e := search.Entry{Partner: k.Partner, Person: k.Person, Name: k.Name, Phone: k.Phone, State: network.PartnerPending, JoinedAt: k.JoinedAt, Edition: contactEdition(k.Epoch, k.Edition), Note: contactNote(k)}
	if k.HasJoined() {
		e.State = network.PartnerJoined
	}
	return e
}

// contactEdition counts a contact's editions through its partner's epochs: the
// partner's removal ends all of its epoch, and not who is named again after.
func contactEdition(epoch, edition int) int { return epoch<<20 + edition }

// Len is how many changes there are.
func (c Changes) Len() int { return len(c.Put) + len(c.Remove) }

// Pack gives the changes as parts of at most size bytes each.
func (c Changes) Pack(size int) (parts [][]byte, err error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if _, err := w.Write(b); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if packed.Len() <= size {
		return [][]byte{packed.Bytes()}, nil
	}
	if c.Len() == 1 {
		return nil, errors.New("pack: a change is longer than a part")
	}
	for _, half := range c.halves() {
		some, err := half.Pack(size)
		if err != nil {
			return nil, err
		}
		parts = append(parts, some...)
	}
	return parts, nil
}

func (c Changes) halves() [2]Changes {
	if len(c.Put) == 0 || len(c.Remove) == 0 {
		p, r := len(c.Put)/2, len(c.Remove)/2
		return [2]Changes{{c.Put[:p], c.Remove[:r]}, {c.Put[p:], c.Remove[r:]}}
	}
	return [2]Changes{{Put: c.Put}, {Remove: c.Remove}}
}

// Open reads a part that Pack made.
func Open(part []byte) (c Changes, err error) {
	b, err := io.ReadAll(flate.NewReader(bytes.NewReader(part)))
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return c, fmt.Errorf("open: %w", err)
	}
	return c, nil
}

// Base is a chain's index as of a part of its feed.
type Base struct {
	Through int // the last part that is in it
	Index   *search.Index

	places map[string]place // by partner, once somebody has asked
	sums   *sums            // once somebody has asked
}

// place is where a partner is and how it stands, and as of which edition.
type place struct {
	group   int
	state   network.PartnerState
	edition int
}

// Place is in which group a partner is and how it stands, by which its people
// are judged too; removed where there is none. KnowPlaces must have been called.
func (b *Base) Place(partner string) (group int, state network.PartnerState) {
	p, there := b.places[partner]
	if !there {
		return 0, network.PartnerRemoved
	}
	return p.group, p.state
}

// KnowPlaces reads where the partners are, unless it is known, and gives about
// how many bytes that takes.
func (b *Base) KnowPlaces() int {
	if b.places == nil {
		b.places = map[string]place{}
		for e := range b.Index.All() {
			b.put(e)
		}
	}
	return len(b.places) * 100
}

func (b *Base) put(e search.Entry) {
	if b.places != nil && e.Person == "" && e.Edition >= b.places[e.Partner].edition {
		b.places[e.Partner] = place{e.Group, e.State, e.Edition}
	}
}

func (b *Base) remove(r search.Removal) {
	if b.places != nil && r.Person == "" && r.Edition >= b.places[r.Partner].edition {
		b.places[r.Partner] = place{0, network.PartnerRemoved, r.Edition}
	}
}

// Pack is the base as it is kept: the part's number, then the index.
func (b *Base) Pack() []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(b.Through)), b.Index.Pack()...)
}

// OpenBase reads what Base.Pack made: search.ErrCorrupt if it is nothing such.
func OpenBase(p []byte) (Base, error) {
	if len(p) < 8 {
		return Base{}, search.ErrCorrupt
	}
	x, err := search.Open(p[8:])
	return Base{Through: int(binary.BigEndian.Uint64(p)), Index: x}, err
}

// ErrGap is of parts that don't follow each other: what lies between is lost.
var ErrGap = errors.New("feed: a part is missing")

// Apply brings the index up to parts, and gives the last one's number; the base's
// own number is the caller's to set.
func (b *Base) Apply(parts []store.FeedPart) (through int, err error) {
	through = b.Through
	for _, p := range parts {
		if p.N != through+1 {
			return through, ErrGap
		}
		c, err := Open(p.Body)
		if err != nil {
			return through, err
		}
		b.follow(c)
		for _, e := range c.Put {
			b.put(e)
		}
		for _, r := range c.Remove {
			b.remove(r)
		}
		through = p.N
	}
	return through, nil
}

// Object is where a chain's base lies in the bucket.
func Object(chain string) string { return "indexes/" + chain }
