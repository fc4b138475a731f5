package search

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// A packed index is packMagic, the CRC-32C of what follows, the number of entries, and columns: each its length, its packed length (0 if it
// isn't packed) and its bytes. Only what can't be made again is packed: what Find reads is made when it is opened.
const (
	packMagic  = "tsx2"
	maxEntries = 1 << 22 // a chain's partners and all their people are far fewer
	maxColumn  = 1 << 28
)

// What an entry has, and how it is packed.
const (
	samePartner = 1 << iota // as the entry before
	rawPartner              // a partner id as its 80 bits
	rawPerson               // a person id as its 80 bits
	hasPerson
	hasAlias
	hasCustomID
	hasPhone
	hasJoined
)

// columns are what entries consist of, each for itself, since like packs well with like. Those before unpacked are chance, and are not packed.
const (
	colIDs    = iota // what of raw ids is chance
	colPhones        // the low 32 bits of the ten digits behind +861
	unpacked
	colFlags = iota - 1
	colTop   // of raw partner ids, the first 24 bits less those of the one before
	colPhoneTop
	colPartnerNames
	colPersonNames
	colOther // ids, aliases, custom ids and phones of other kinds
	colNameLengths
	colLengths
	colGroups
	colStates
	colJoined
	colEditions
	colNotes        // each once, the commonest first
	colPartnerNotes // which of them, 0 for none
	colPersonNotes
	colRemoved
	columnCount
)

var states = []network.PartnerState{"", network.PartnerPending, network.PartnerJoined, network.PartnerEmpty, network.PartnerRemoved}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Pack makes bytes of the index, from which Open makes it again. JoinedAt is kept to the second, a name as UTF-8.
func (x *Index) Pack() []byte {
	x.mu.RLock()
	defer x.mu.RUnlock()
	order := make([]int, 0, x.live)
	for at := range x.entries {
		if x.alive(at) {
			order = append(order, at)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return compareKeys(x.entries[a].Key(), x.entries[b].Key()) })

	var c [columnCount][]byte
	notes, noted := x.notes(order)
	for _, note := range notes {
		c[colNotes] = binary.AppendUvarint(c[colNotes], uint64(len(note)))
		c[colNotes] = append(c[colNotes], note...)
	}
	other := func(s string) {
		c[colLengths] = binary.AppendUvarint(c[colLengths], uint64(len(s)))
		c[colOther] = append(c[colOther], s...)
	}
	var before Entry
	top, joined := uint64(0), int64(0)
	for _, at := range order {
		e := x.entries[at]
		flags := byte(0)
		if e.Partner == before.Partner {
			flags |= samePartner
		} else if raw, ok := network.RawPartner(e.Partner); ok {
			flags |= rawPartner
			t := uint64(raw[0])<<16 | uint64(raw[1])<<8 | uint64(raw[2])
			c[colTop] = binary.AppendUvarint(c[colTop], (t-top)&0xFFFFFF)
			c[colIDs] = append(c[colIDs], raw[3:]...)
			top = t
		} else {
			other(e.Partner)
		}
		if e.Person != "" {
			flags |= hasPerson
			if raw, ok := network.RawPerson(e.Person); ok {
				flags |= rawPerson
				c[colIDs] = append(c[colIDs], raw[:]...)
			} else {
				other(e.Person)
			}
		}
		names, itsNote := colPartnerNames, colPartnerNotes
		if e.Person != "" {
			names, itsNote = colPersonNames, colPersonNotes
		}
		c[itsNote] = binary.AppendUvarint(c[itsNote], uint64(noted[e.Note]))
		name := strings.ToValidUTF8(e.Name, "\uFFFD")
		c[names] = append(c[names], name...)
		c[colNameLengths] = binary.AppendUvarint(c[colNameLengths], uint64(len(name)))
		for _, s := range []struct {
			flag byte
			text string
		}{{hasAlias, e.Alias}, {hasCustomID, e.CustomID}} {
			if s.text != "" {
				flags |= s.flag
				other(s.text)
			}
		}
		if e.Phone != "" {
			flags |= hasPhone
			if n, ok := mobile(e.Phone); ok {
				c[colPhoneTop] = append(c[colPhoneTop], byte(n>>32))
				c[colPhones] = binary.LittleEndian.AppendUint32(c[colPhones], uint32(n))
			} else {
				c[colPhoneTop] = append(c[colPhoneTop], otherPhone)
				other(e.Phone)
			}
		}
		if !e.JoinedAt.IsZero() {
			flags |= hasJoined
			c[colJoined] = binary.AppendVarint(c[colJoined], e.JoinedAt.Unix()-joined)
			joined = e.JoinedAt.Unix()
		}
		c[colFlags] = append(c[colFlags], flags)
		c[colGroups] = binary.AppendVarint(c[colGroups], int64(e.Group))
		c[colStates] = append(c[colStates], byte(max(0, slices.Index(states, e.State))))
		c[colEditions] = binary.AppendVarint(c[colEditions], int64(e.Edition))
		before = e
	}
	gone := make([]Removal, 0, len(x.removed))
	for k, edition := range x.removed {
		gone = append(gone, Removal{k, edition})
	}
	slices.SortFunc(gone, func(a, b Removal) int { return compareKeys(a.Key, b.Key) })
	for _, r := range gone {
		for _, s := range []string{r.Partner, r.Person} {
			c[colRemoved] = binary.AppendUvarint(c[colRemoved], uint64(len(s)))
			c[colRemoved] = append(c[colRemoved], s...)
		}
		c[colRemoved] = binary.AppendVarint(c[colRemoved], int64(r.Edition))
	}

	for _, names := range []int{colPartnerNames, colPersonNames} {
		c[names] = spell(string(c[names]))
	}
	body := binary.AppendUvarint(nil, uint64(len(order)))
	for i, column := range c {
		body = binary.AppendUvarint(body, uint64(len(column)))
		if i >= unpacked {
			column = deflate(column)
			body = binary.AppendUvarint(body, uint64(len(column)))
		}
		body = append(body, column...)
	}
	out := binary.LittleEndian.AppendUint32([]byte(packMagic), crc32.Checksum(body, castagnoli))
	return append(out, body...)
}

// notes are those of entries, the commonest first, and the place of each, from
// 1 on. Most entries share theirs with others, so that a number is shorter.
func (x *Index) notes(entries []int) (all []string, place map[string]int) {
	place = map[string]int{}
	for _, at := range entries {
		if note := x.entries[at].Note; note != "" {
			place[note]++
		}
	}
	all = slices.SortedFunc(maps.Keys(place), func(a, b string) int { return cmp.Or(cmp.Compare(place[b], place[a]), cmp.Compare(a, b)) })
	for i, note := range all {
		place[note] = i + 1
	}
	return all, place
}

// otherPhone stands where the top of a mobile's digits would.
const otherPhone = 255

// mobile is the ten digits behind +861.
func mobile(phone string) (n uint64, ok bool) {
	s, ok := strings.CutPrefix(phone, "+861")
	if !ok || len(s) != 10 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n, true
}

func mobilePhone(n uint64) string {
	b := []byte("+8610000000000")
	for i := len(b) - 1; n > 0 && i >= 4; i-- {
		b[i] = '0' + byte(n%10)
		n /= 10
	}
	return string(b)
}

func deflate(b []byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestCompression) // the level is a good one
	_, _ = w.Write(b)                                    // a buffer takes all
	_ = w.Close()
	return out.Bytes()
}

// column is read from its beginning; bad once more was asked of it than it has.
type column struct {
	b   []byte
	bad *bool
}

func (c *column) take(n uint64) []byte {
	if n > uint64(len(c.b)) {
		*c.bad = true
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *column) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *column) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		*c.bad = true
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *column) varint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		*c.bad = true
		return 0
	}
	c.b = c.b[n:]
	return v
}

// texts is a column of texts behind each other: pieces of one string.
type texts struct {
	s   string
	bad *bool
}

func (t *texts) take(n uint64) string {
	if n > uint64(len(t.s)) {
		*t.bad = true
		return ""
	}
	s := t.s[:n]
	t.s = t.s[n:]
	return s
}

// Open makes an index of what Pack made. ErrCorrupt if it is anything else. The bytes aren't kept.
func Open(b []byte) (*Index, error) {
	body, ok := bytes.CutPrefix(b, []byte(packMagic))
	if !ok || len(body) < 4 || binary.LittleEndian.Uint32(body) != crc32.Checksum(body[4:], castagnoli) {
		return nil, ErrCorrupt
	}
	bad := false
	in := column{body[4:], &bad}
	count := in.uvarint()
	var c [columnCount]column
	for i := range c {
		size := in.uvarint()
		if size > maxColumn {
			return nil, ErrCorrupt
		}
		if i < unpacked {
			c[i] = column{in.take(size), &bad}
			continue
		}
		packed := in.take(in.uvarint())
		if bad {
			return nil, ErrCorrupt
		}
		plain, err := inflate(packed, size)
		if err != nil {
			return nil, err
		}
		c[i] = column{plain, &bad}
	}
	// Each entry has its flags, so there are no more of them than bytes were sent.
	if bad || len(in.b) != 0 || count > maxEntries || count != uint64(len(c[colFlags].b)) {
		return nil, ErrCorrupt
	}
	entries, ok := unpack(&c, int(count), &bad)
	if !ok {
		return nil, ErrCorrupt
	}
	removed := map[Key]int{}
	for r := &c[colRemoved]; len(r.b) > 0 && !bad; {
		k := Key{string(r.take(r.uvarint())), string(r.take(r.uvarint()))}
		removed[k] = int(r.varint())
	}
	for i := range c {
		if bad || len(c[i].b) != 0 {
			return nil, ErrCorrupt
		}
	}
	return build(entries, removed), nil
}

// inflate gives up once there is more than was announced.
func inflate(packed []byte, size uint64) ([]byte, error) {
	// Deflate makes at most 1032 of a byte: no more is set aside for one that lies.
	if size > uint64(len(packed))*1032 {
		return nil, ErrCorrupt
	}
	plain := make([]byte, size)
	r := flate.NewReader(bytes.NewReader(packed))
	if _, err := io.ReadFull(r, plain); err != nil {
		return nil, ErrCorrupt
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return nil, ErrCorrupt
	}
	return plain, nil
}

// unpack reads the columns but the removals. Entries must be in order, one a key.
func unpack(c *[columnCount]column, count int, bad *bool) ([]Entry, bool) {
	others := &texts{string(c[colOther].b), bad}
	partners, persons := &texts{unspell(c[colPartnerNames]), bad}, &texts{unspell(c[colPersonNames]), bad}
	c[colPartnerNames].b, c[colPersonNames].b, c[colOther].b = nil, nil, nil
	other := func() string { return others.take(c[colLengths].uvarint()) }
	notes := []string{""}
	for in := &c[colNotes]; len(in.b) > 0 && !*bad; {
		notes = append(notes, string(in.take(in.uvarint())))
	}
	entries := make([]Entry, count)
	top, joined := uint64(0), int64(0)
	for i := range entries {
		e := &entries[i]
		flags := c[colFlags].byte()
		switch {
		case flags&samePartner != 0:
			if i > 0 {
				e.Partner = entries[i-1].Partner
			}
		case flags&rawPartner != 0:
			top = (top + c[colTop].uvarint()) & 0xFFFFFF
			var raw network.RawID
			raw[0], raw[1], raw[2] = byte(top>>16), byte(top>>8), byte(top)
			copy(raw[3:], c[colIDs].take(uint64(len(raw)-3)))
			e.Partner = raw.Partner()
		default:
			e.Partner = other()
		}
		names, itsNote := partners, &c[colPartnerNotes]
		if flags&hasPerson != 0 {
			names, itsNote = persons, &c[colPersonNotes]
			if flags&rawPerson != 0 {
				var raw network.RawID
				copy(raw[:], c[colIDs].take(uint64(len(raw))))
				e.Person = raw.Person()
			} else {
				e.Person = other()
			}
		}
		e.Name = names.take(c[colNameLengths].uvarint())
		if flags&hasAlias != 0 {
			e.Alias = other()
		}
		if flags&hasCustomID != 0 {
			e.CustomID = other()
		}
		if flags&hasPhone != 0 {
			if high := c[colPhoneTop].byte(); high == otherPhone {
				e.Phone = other()
			} else if low := c[colPhones].take(4); low != nil {
				e.Phone = mobilePhone(uint64(high)<<32 | uint64(binary.LittleEndian.Uint32(low)))
			}
		}
		if flags&hasJoined != 0 {
			joined += c[colJoined].varint()
			e.JoinedAt = time.Unix(joined, 0).UTC()
		}
		e.Group = int(c[colGroups].varint())
		e.State = states[min(int(c[colStates].byte()), len(states)-1)]
		e.Edition = int(c[colEditions].varint())
		if n := itsNote.uvarint(); n < uint64(len(notes)) {
			e.Note = notes[n]
		} else {
			*bad = true
		}
		if *bad || i > 0 && cmp.Compare(0, compareKeys(entries[i-1].Key(), e.Key())) <= 0 {
			return nil, false
		}
	}
	for _, t := range []*texts{partners, persons, others} {
		*bad = *bad || t.s != ""
	}
	return entries, !*bad
}
