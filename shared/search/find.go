package search

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
)

// How well an entry matches; the best of its fields counts.
const (
	exact     = iota // all of a field
	prefix           // its beginning
	wordStart        // the beginning of a word
	inside
	none
)

// place is where a hit stands among all: a total order of what doesn't change while an entry doesn't, so a cursor is the place of a page's
// last hit.
type place struct {
	class, state    byte
	order           [2]uint64
	partner, person string
}

// compareShort is compare but for the keys.
func (a *place) compareShort(b *place) int {
	switch {
	case a.class != b.class:
		return int(a.class) - int(b.class)
	case a.state != b.state:
		return int(a.state) - int(b.state)
	case a.order[0] != b.order[0]:
		return cmp.Compare(a.order[0], b.order[0])
	}
	return cmp.Compare(a.order[1], b.order[1])
}

func (a *place) compare(b *place) int {
	if c := a.compareShort(b); c != 0 {
		return c
	}
	return compareKeys(Key{a.partner, a.person}, Key{b.partner, b.person})
}

// cursor is a place as text.
func (a *place) cursor() string {
	b := []byte{a.class, a.state}
	b = binary.BigEndian.AppendUint64(b, a.order[0])
	b = binary.BigEndian.AppendUint64(b, a.order[1])
	b = append(b, a.partner...)
	b = append(b, 0)
	return base64.RawURLEncoding.EncodeToString(append(b, a.person...))
}

// maxCursor is far beyond what cursor makes of our ids.
const maxCursor = 1024

func readCursor(s string) (*place, error) {
	if len(s) > maxCursor {
		return nil, ErrCursor
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < 18 || b[0] >= none || b[1] > 2 {
		return nil, ErrCursor
	}
	partner, person, ok := bytes.Cut(b[18:], []byte{0})
	if !ok {
		return nil, ErrCursor
	}
	return &place{class: b[0], state: b[1], order: [2]uint64{binary.BigEndian.Uint64(b[2:]), binary.BigEndian.Uint64(b[10:])},
		partner: string(partner), person: string(person)}, nil
}

// Find returns a page of hits, the best first: exact before prefix before the start of a word before inside; who has joined before who is
// pending; then by pinyin. next goes on behind it, "" at the end. While the index changes between pages none is twice, and none is missed that
// was there, unchanged, all along. ErrQuery, ErrCursor.
func (x *Index) Find(q Query) (hits []Hit, next string, err error) {
	p, err := parse(q.Text)
	if err != nil {
		return nil, "", err
	}
	var after *place
	if q.After != "" {
		if after, err = readCursor(q.After); err != nil {
			return nil, "", err
		}
	}
	limit := min(max(q.Limit, 1), MaxLimit)

	x.mu.RLock()
	defer x.mu.RUnlock()
	type found struct {
		place
		at int
	}
	// best has the best so far, in order, and one beyond the page: whether there is more.
	best := make([]found, 0, limit+2)
	for n, b := range x.blocks {
		candidates := b.alive
		for _, row := range p.need {
			for i, w := range b.rows[row] {
				candidates[i] &= w
			}
		}
		if q.Phones && p.mask != 0 {
			for i, phone := range x.phones[n*blockEntries : min((n+1)*blockEntries, len(x.phones))] {
				if phone&p.mask == p.tail && phone != 0 {
					candidates[i/64] |= b.alive[i/64] & (1 << (i % 64))
				}
			}
		}
		for i, w := range candidates {
			for ; w != 0; w &= w - 1 {
				at := n*blockEntries + i*64 + bits.TrailingZeros64(w)
				// Most are refused by what lies close together; the entry itself is far.
				h := &x.heads[at]
				class := p.atBest(h)
				if q.Phones && p.mask != 0 {
					class = min(class, p.phoneClass(x.phones[at]))
				}
				if len(best) > limit && class > best[limit].class {
					continue
				}
				f := found{place{class: class, state: h.state, order: x.orders[at]}, at}
				if len(best) > limit && f.compareShort(&best[limit].place) > 0 {
					continue
				}
				f.class = p.class(x.text(at))
				if q.Phones && p.mask != 0 {
					f.class = min(f.class, p.phoneClass(x.phones[at]))
				}
				if f.class == none || len(best) > limit && f.compareShort(&best[limit].place) > 0 {
					continue
				}
				e := &x.entries[at]
				f.partner, f.person = e.Partner, e.Person
				if after != nil && f.compare(after) <= 0 || len(best) > limit && f.compare(&best[limit].place) >= 0 ||
					q.Sees != nil && !q.Sees(e) {
					continue
				}
				i, _ := slices.BinarySearchFunc(best, f, func(a, b found) int { return a.compare(&b.place) })
				best = slices.Insert(best, i, f)
				best = best[:min(len(best), limit+1)]
			}
		}
	}
	if len(best) > limit {
		best = best[:limit]
		next = best[limit-1].cursor()
	}
	hits = make([]Hit, len(best))
	for i, f := range best {
		hits[i] = p.hit(x.entries[f.at], q.Phones)
	}
	return hits, next, nil
}

// atBest is the class that an entry could have by what it begins with.
func (p *pattern) atBest(h *head) byte {
	for _, c := range h.first {
		if p.begins(c) {
			return exact
		}
	}
	if h.words {
		return wordStart
	}
	return inside
}

// class is how well a text (name 0 alias 0 custom id 0) matches.
func (p *pattern) class(text []uint16) byte {
	best := byte(none)
	field, from := 0, 0
	for i, c := range text {
		if c == 0 {
			field, from = field+1, i+1
			continue
		}
		if p.begins(c) && (field < 2 || i == from) {
			if class := p.classAt(text, from, i); class < best {
				if best = class; best == exact {
					break
				}
			}
		}
	}
	return best
}

// classAt is how well the query matches at text[at], in a field that begins at from.
func (p *pattern) classAt(text []uint16, from, at int) byte {
	n := p.match(text[at:])
	switch {
	case n == 0:
		return none
	case at == from && text[at+n] == 0:
		return exact
	case at == from:
		return prefix
	case wordStarts(text[at-1], text[at]):
		return wordStart
	}
	return inside
}

// wordStarts reports whether a word begins between two codes: behind what is neither letter, digit nor character, and where writing changes
// between them.
func wordStarts(before, c uint16) bool {
	kind := func(c uint16) int {
		switch {
		case isLetter(c):
			return 1
		case isDigit(c):
			return 2
		case c >= 0xC0:
			return 3
		}
		return 0
	}
	if b := kind(before); b == 0 || b != kind(c) {
		return true
	}
	return before == '（' || before == '）' || before == '·'
}

func (p *pattern) phoneClass(phone uint64) byte {
	switch {
	case phone == 0:
		return none
	case phone == p.tail || phone == 0x86<<44|p.tail && p.mask == 1<<44-1:
		return exact
	case phone&p.mask == p.tail:
		return wordStart
	}
	return none
}

// hit says where an entry matches: the alias before the name, since it is what is shown, if they match alike.
func (p *pattern) hit(e Entry, phones bool) Hit {
	h := Hit{Entry: e}
	best := byte(none)
	for _, f := range []struct {
		field Field
		text  string
	}{{FieldAlias, e.Alias}, {FieldName, e.Name}, {FieldCustomID, e.CustomID}} {
		text := append(fold(nil, f.text), 0)
		for i, c := range text[:len(text)-1] {
			if !p.begins(c) || f.field == FieldCustomID && i > 0 {
				continue
			}
			if class := p.classAt(text, 0, i); class < best {
				n := p.match(text[i:])
				best, h.Field, h.Matched = class, f.field, [][2]int{{runes(text[:i]), runes(text[:i+n])}}
			}
		}
	}
	if phones && p.mask != 0 {
		if class := p.phoneClass(digits(e.Phone)); class < best {
			n := 0
			for m := p.mask; m != 0; m >>= 4 {
				n++
			}
			h.Field, h.Matched = FieldPhone, [][2]int{{len(e.Phone) - min(n, len(e.Phone)), len(e.Phone)}}
		}
	}
	return h
}

// runes counts the runes of codes: a pair of surrogates is one.
func runes(codes []uint16) (n int) {
	for _, c := range codes {
		if !utf16.IsSurrogate(rune(c)) || c < 0xDC00 {
			n++
		}
	}
	return n
}
