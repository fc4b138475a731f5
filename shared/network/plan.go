package network

import (
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
	"iter"
	"strings"
)

// Verdict is what an import does with one row, decided before it is done.
type Verdict struct {
	Outcome Outcome
	Code    string // why the chain or another row refuses it; one that the file refuses has a code of its own
	Field   string
	Other   int   // the row that it is refused with (R26), 0 for none
	Partner RawID // whom it is about, zero when it is refused
	Person  RawID
	Epoch   int  // the partner's, as it stood: another one by then and the row does nothing (R38)
	Opens   bool // the partner's first row of this import
	Makes   bool // the partner is new
	Revives bool // with Makes: it had been removed
	Adds    bool // the contact is new: told, if anybody is
	Places  bool // the partner is to stand where the row says
}

// Writes reports whether doing it changes anything.
func (v *Verdict) Writes() bool {
	return v.Outcome == RowCreate || v.Outcome == RowUpdate || v.Outcome == RowWithdraw
}

// RowPlan is a verdict as it is listed, with the row that it is on.
type RowPlan struct {
	Row     int // the sheet's own; 0 of a contact that no row names
	Outcome Outcome
	Code    string
	Field   string
	Detail  string
	Partner string
	Person  string
	Adds    bool
}

// RowIDs name whom a row is about, as the row itself says.
type RowIDs struct{ Partner, Person RawID }

// Planner decides what an import's rows do to a chain, in the sheet's order.
// It keeps what it has decided, so that a partner's second row meets the first.
// Of a million rows it must keep a million partners and people, so these are
// numbers without a pointer among them, that the collector needn't look at.
type Planner struct {
	moves     bool
	sync      bool
	limit     int // people of a partner (R46), 0 for as many as come
	groups    map[rung]int
	seed      maphash.Seed
	index     map[RawID]uint32 // where in partners
	signposts map[RawID]RawID  // to who has been given the 自定义企业ID
	partners  pages[standing]
	people    pages[acquaintance]
	paths     []string // joined by "/", each once, in the order they were met
	path      map[string]int
	refused   map[RawID]refusal
}

// standing is a partner, as far as plans need to know it.
type standing struct {
	name, custom uint64 // hashes
	people       uint32 // the first of its people, + 1
	count        uint32 // of them
	epoch, group int32
	leaders      uint16 // whom rosters have called so
	is           trait
}

// trait is what is so of a partner, or of one of its people.
type trait uint8

const (
	there    trait = 1 << iota // else only asked for
	removed                    // there, and taken out
	imported                   // by a roster
	joined                     // some of its people have come
	opened                     // a row has named it
	grouped                    // a row has said its group
	touched                    // a row changes it
)

// acquaintance is a person of a partner.
type acquaintance struct {
	person, fingerprint uint64 // of the id its first eight bytes
	next                uint32
	imported, named     bool
}

// leads reports whether a roster has called them a leader.
func (a *acquaintance) leads() bool { return a.imported && leads(a.fingerprint) }

// refusal is why all rows of a partner are refused together (R26).
type refusal struct {
	row         int
	code, field string
}

// NewPlanner begins the plan of an import, into a chain with those groups,
// where a partner may have so many people (R46), 0 for as many as come.
func NewPlanner(imp Import, tree Tree, limit int) *Planner {
	return &Planner{
		moves: imp.ApplyMoves, sync: imp.Mode == Sync, limit: limit, groups: tree.byName(), seed: maphash.MakeSeed(),
		index: map[RawID]uint32{}, signposts: map[RawID]RawID{}, path: map[string]int{},
	}
}

// Expect makes ready for a partner that some row names: only those are worth
// knowing.
func (p *Planner) Expect(id RawID) {
	if _, ok := p.index[id]; !ok {
		p.index[id] = p.partners.add(standing{})
	}
}

// Expected are the partners that Expect was told of, in no order.
func (p *Planner) Expected() iter.Seq[RawID] {
	return func(yield func(RawID) bool) {
		for id := range p.index {
			if !yield(id) {
				return
			}
		}
	}
}

// Waits reports whether the partner is expected, and not known as yet.
func (p *Planner) Waits(id RawID) bool {
	at, ok := p.index[id]
	return ok && p.partners.at(at).is&there == 0
}

// Known is a partner as it stands, in the terms of who reads it from a table.
type Known struct {
	Name, CustomID string
	State          PartnerState
	Imported       bool
	Group, Epoch   int
}

// Know takes note of a partner as it stands, and of its people: by id, each
// with the fingerprint of the row that named them, "" for who came without. A
// partner that nobody expects is known from then on too.
func (p *Planner) Know(id RawID, k Known, people iter.Seq2[string, string]) {
	p.Expect(id)
	s := p.partners.at(p.index[id])
	*s = standing{name: p.hash(FoldName(k.Name)), custom: p.hash(k.CustomID), epoch: int32(k.Epoch), group: int32(k.Group), is: there}
	switch k.State {
	case PartnerRemoved:
		s.is |= removed
	case PartnerJoined, PartnerEmpty:
		s.is |= joined
	}
	if k.Imported {
		s.is |= imported
	}
	for person, fingerprint := range people {
		raw, ok := RawPerson(person)
		if !ok {
			continue
		}
		a := acquaintance{person: raw.Digest(), next: s.people}
		var b [8]byte
		if n, err := base64.RawStdEncoding.Decode(b[:], []byte(fingerprint)); err == nil && n == len(b) {
			a.fingerprint, a.imported = binary.BigEndian.Uint64(b[:]), true
		}
		if a.leads() {
			s.leaders++
		}
		s.people = p.people.add(a) + 1
		s.count++
	}
}

// Signpost says that the 自定义企业ID of which from is made has been given to
// the partner to: whoever is named by it is that one (R27).
func (p *Planner) Signpost(from, to RawID) { p.signposts[from] = to }

func (p *Planner) hash(s string) uint64 { return maphash.String(p.seed, s) }

// about is the partner that a row is about: who has its 自定义企业ID by now,
// else who is named by the roster itself (R27).
func (p *Planner) about(id RawID) RawID {
	if to, ok := p.signposts[id]; ok {
		return to
	}
	return id
}

// acquainted finds a person of a partner.
func (p *Planner) acquainted(s *standing, person RawID) *acquaintance {
	for at := s.people; at > 0; {
		a := p.people.at(at - 1)
		if a.person == person.Digest() {
			return a
		}
		at = a.next
	}
	return nil
}

// Plan decides one row (R26–R28).
func (p *Planner) Plan(r *RosterRow, ids RowIDs) Verdict {
	if r.Code != "" {
		return Verdict{Outcome: OutcomeOf(r.Code)}
	}
	if first, ok := p.refused[ids.Partner]; ok { // with the others of its partner (R26)
		v := refuse(first.code, first.field)
		if first.row != r.Number {
			v.Other = first.row
		}
		return v
	}
	v := Verdict{Partner: p.about(ids.Partner), Person: ids.Person}
	group := p.group(r.Group)
	p.Expect(v.Partner)
	s := p.partners.at(p.index[v.Partner])

	// Of the groups that a file gives a partner the first counts; if each
	// did, the same file again would move it to and fro.
	switch {
	case s.is&there != 0 && s.is&removed == 0 && r.CustomID != "" && s.custom != p.hash(r.CustomID):
		// The partner has been given another id since (R25).
		return refuse("custom_id_conflict", "custom_id")
	case s.is&there == 0 || s.is&removed != 0:
		v.Outcome, v.Makes, v.Adds, v.Places = RowCreate, true, true, true
		v.Revives = s.is&removed != 0
	default:
		had := p.acquainted(s, v.Person)
		if had == nil && p.limit > 0 && int(s.count) >= p.limit {
			return refuse("too_many_people", "corp_name")
		}
		// Of a Sync the rows say who leads: the others go (R27), and no more
		// than so many are in one file.
		if r.Leader && (had == nil || !had.leads()) && s.leaders >= MaxLeaders && !p.sync {
			return refuse("too_many_leaders", "identity")
		}
		moves := len(r.Group) > 0 && group != int(s.group)
		v.Places = moves && p.moves && s.is&grouped == 0
		switch {
		case had == nil:
			v.Outcome, v.Adds = RowCreate, true
		case !had.imported || had.fingerprint != r.fingerprint(), s.name != p.hash(FoldName(r.Corp)), v.Places:
			v.Outcome = RowUpdate
		case moves:
			v.Outcome = RowWouldMove
		default:
			v.Outcome = RowUnchanged
		}
	}
	v.Opens, v.Epoch = s.is&opened == 0, int(s.epoch)
	p.Absorb(r, ids, v)
	return v
}

func refuse(code, field string) Verdict {
	return Verdict{Outcome: OutcomeOf(code), Code: code, Field: field}
}

// Absorb takes over a row's verdict, this run's or that of an earlier run of
// the same import: what it does counts for the rows behind it.
func (p *Planner) Absorb(r *RosterRow, ids RowIDs, v Verdict) {
	if v.Outcome.Failed() {
		return
	}
	group := p.group(r.Group)
	p.Expect(v.Partner)
	s := p.partners.at(p.index[v.Partner])
	if s.is&there == 0 || s.is&removed != 0 {
		*s = standing{custom: p.hash(r.CustomID), epoch: int32(v.Epoch), is: there | s.is&(opened|grouped|touched)}
	}
	s.is |= opened | imported
	if len(r.Group) > 0 {
		s.is |= grouped
	}
	if v.Writes() {
		s.is |= touched
	}
	s.name = p.hash(FoldName(r.Corp))
	if v.Places {
		s.group = int32(group)
	}
	a := p.acquainted(s, v.Person)
	if a == nil {
		s.people = p.people.add(acquaintance{person: v.Person.Digest(), next: s.people}) + 1
		s.count++
		a = p.people.at(s.people - 1)
	}
	if a.leads() {
		s.leaders--
	}
	a.fingerprint, a.imported, a.named = r.fingerprint(), true, true
	if a.leads() {
		s.leaders++
	}
}

// Refuse notes that a row is refused, and with it all of its partner, where
// those go together (R26): for the reason of the first.
func (p *Planner) Refuse(r *RosterRow, ids RowIDs, v Verdict) {
	first := refusal{r.Number, r.Code, r.Field}
	if r.Code == "" {
		first = refusal{r.Number, v.Code, v.Field}
	}
	if p.refused == nil {
		p.refused = map[RawID]refusal{}
	}
	if _, ok := p.refused[ids.Partner]; !ok && ids.Partner != (RawID{}) {
		p.refused[ids.Partner] = first
	}
}

// Again is a planner of the same import that knows nothing as yet but which
// rows are refused together.
func (p *Planner) Again(imp Import, tree Tree) *Planner {
	next := NewPlanner(imp, tree, p.limit)
	next.refused = p.refused
	return next
}

// group is the id at the end of a path: below 0 for one that is to be made,
// the same each time.
func (p *Planner) group(path []string) int {
	if len(path) == 0 {
		return RootGroup
	}
	joined := strings.Join(path, "/")
	if id, ok := p.path[joined]; ok {
		return id
	}
	id := RootGroup
	for _, name := range path {
		step := rung{id, FoldName(name)}
		below, ok := p.groups[step]
		if !ok {
			below = -1 - len(p.groups)
			p.groups[step] = below
		}
		id = below
	}
	p.path[joined] = id
	p.paths = append(p.paths, joined)
	return id
}

// Paths are the groups that the rows have named, each once, with what it is in
// the chain: 0 if it is to be made.
func (p *Planner) Paths() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for _, path := range p.paths {
			if !yield(path, max(0, p.path[path])) {
				return
			}
		}
	}
}

// Touch is a partner that a plan is about: the first bits of its id, of which
// the lowest says whether the plan changes it.
type Touch uint64

// TouchOf is what the plan's touch of that partner begins with.
func TouchOf(id RawID) Touch { return Touch(id.Digest()) &^ 1 }

// Meets reports whether two touches are of one partner.
func (t Touch) Meets(o Touch) bool { return t&^1 == o&^1 }

// Changes reports whether the plan changes the partner.
func (t Touch) Changes() bool { return t&1 == 1 }

// Touches are all partners that the rows planned so far are about, those that
// they were asked for by and those that they meet, in no order.
func (p *Planner) Touches() []Touch {
	all := make([]Touch, 0, len(p.index))
	for id, at := range p.index {
		t := TouchOf(id)
		if p.partners.at(at).is&touched != 0 {
			t |= 1
		}
		all = append(all, t)
	}
	return all
}

// Stands are the groups where the partners stand that the rows are about, each
// once: should one go, the plan is no longer true.
func (p *Planner) Stands() map[int]bool {
	all := map[int]bool{}
	for _, at := range p.index {
		if s := p.partners.at(at); s.is&(there|opened) == there|opened && s.group > RootGroup {
			all[int(s.group)] = true
		}
	}
	return all
}

// Unnamed are the partners of rosters that have people whom no row names, and
// that some row or other roster brought (R27, Sync).
func (p *Planner) Unnamed() iter.Seq[RawID] {
	return func(yield func(RawID) bool) {
		for id, at := range p.index {
			s := p.partners.at(at)
			if s.is&(there|imported) != there|imported || s.is&removed != 0 {
				continue
			}
			some := false
			for n := s.people; n > 0 && !some; n = p.people.at(n - 1).next {
				a := p.people.at(n - 1)
				some = a.imported && !a.named
			}
			if some && !yield(id) {
				return
			}
		}
	}
}

// Names reports whether a row has named the person as that partner's.
func (p *Planner) Names(partner, person RawID) bool {
	at, ok := p.index[partner]
	if !ok {
		return false
	}
	a := p.acquainted(p.partners.at(at), person)
	return a != nil && a.named
}

// Withdraws notes that the plan takes people out of the partner.
func (p *Planner) Withdraws(partner RawID) {
	if at, ok := p.index[partner]; ok {
		p.partners.at(at).is |= touched
	}
}

// Tell adds a verdict to the counts.
func (c *Counts) Tell(v *Verdict, notify bool) {
	switch v.Outcome {
	case RowWithdraw:
		c.Withdrawn++
		return
	case RowKeep:
		c.Kept++
		return
	}
	c.Rows++
	switch v.Outcome {
	case RowConflict:
		c.Failed++
		c.Conflict++
		return
	case RowInvalid:
		c.Failed++
		c.Invalid++
		return
	case RowCreate:
		c.Created++
	case RowUpdate:
		c.Updated++
	case RowUnchanged:
		c.Unchanged++
	case RowWouldMove:
		c.WouldMove++
	}
	c.OK++
	if v.Adds && notify {
		c.Notices++
	}
	if v.Makes {
		c.Seats++
	}
	if v.Opens {
		c.Partners++
	}
}

// pages are a list that grows without being moved: a million entries are
// neither copied nor kept twice while they come.
type pages[T any] struct {
	all [][]T
	n   uint32
}

const pageSize = 1 << 12

func (p *pages[T]) add(v T) uint32 {
	if int(p.n)%pageSize == 0 {
		p.all = append(p.all, make([]T, 0, min(pageSize, max(16, int(p.n)))))
	}
	last := &p.all[len(p.all)-1]
	*last = append(*last, v)
	p.n++
	return p.n - 1
}

func (p *pages[T]) at(i uint32) *T { return &p.all[i/pageSize][i%pageSize] }
