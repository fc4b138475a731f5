package feed

import (
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/store"
)

// Recount is the progress of those whom the index has (R32): who was withdrawn,
// or whose partner was removed, is in it no more.
type Recount struct {
	Tallies []network.Tally // one a chunk, and one an import of its partners
	Days    map[network.Day]Reached
}

// Reached is how many came to a step on a day.
type Reached struct{ Notified, Undeliverable, Opened, Joined, Declined int }

// Recount counts the partners and contacts of those imports that tallies are
// of, in groups that are in. The tallies say on which day a chunk's notices went
// out, and so whether its contacts were told: those who are there were there
// then. KnowPlaces must have been called.
func (b *Base) Recount(of []store.Tallied, in func(group int) bool) Recount {
	c := counting{base: b, in: in, groups: map[int]bool{}, days: map[network.Day]Reached{}, notes: map[string]*noted{}, chunks: map[chunk]*network.Tally{}, imports: map[string]*network.Tally{}, sent: map[chunk]network.Day{}}
	for _, t := range of {
		c.imports[t.Import] = &network.Tally{At: t.At}
		for n, day := range t.Sent {
			c.sent[chunk{t.Import, n}] = day
		}
	}
	for e := range b.Index.All() {
		c.count(&e)
	}
	out := Recount{Days: c.days}
	for _, t := range c.imports {
		out.Tallies = append(out.Tallies, *t)
	}
	for at, t := range c.chunks {
		t.At = c.imports[at.imp].At // And gives no moment
		out.Tallies = append(out.Tallies, *t)
	}
	return out
}

// chunk is one of an import's.
type chunk struct {
	imp string
	n   int
}

// noted is a note that has been read, and where those who have it count.
type noted struct {
	Note
	partners *network.Tally // of its import; nil: not among those that are asked for
	contacts *network.Tally // of its chunk
	sent     network.Day    // 0: not yet
}

type counting struct {
	base    *Base
	in      func(group int) bool
	groups  map[int]bool // what in has said
	days    map[network.Day]Reached
	notes   map[string]*noted
	imports map[string]*network.Tally
	chunks  map[chunk]*network.Tally
	sent    map[chunk]network.Day
}

func (c *counting) count(e *search.Entry) {
	if e.Note == "" {
		return
	}
	n := c.read(e)
	if n.partners == nil || !c.within(e.Partner) {
		return
	}
	if e.Person == "" {
		n.partners.Partners++
		if !e.JoinedAt.IsZero() {
			n.partners.PartnersIn++
		}
		return
	}
	joined := n.Joined
	if joined == 0 {
		joined = network.DayAt(e.JoinedAt)
	}
	steps := network.Steps{Told: n.sent != 0, Opened: n.Opened != 0, Declined: n.Declined != 0, Joined: joined != 0}
	if steps.Told { // else their chunk hasn't counted that
		steps.Undeliverable = n.Vain
	}
	t := steps.Tally()
	*n.contacts = n.contacts.And(t)

	on := func(day network.Day, add Reached) {
		d := c.days[day]
		c.days[day] = Reached{d.Notified + add.Notified, d.Undeliverable + add.Undeliverable, d.Opened + add.Opened, d.Joined + add.Joined, d.Declined + add.Declined}
	}
	if t.Notified != 0 {
		on(n.sent, Reached{Notified: t.Notified, Undeliverable: t.Undeliverable})
	}
	if t.Opened != 0 {
		saw := n.saw()
		if saw == 0 {
			saw = joined
		}
		on(saw, Reached{Opened: t.Opened})
	}
	if t.Joined != 0 {
		on(joined, Reached{Joined: t.Joined})
	}
	if t.Declined != 0 {
		on(n.Declined, Reached{Declined: t.Declined})
	}
}

// read is an entry's note, and where it counts.
func (c *counting) read(e *search.Entry) *noted {
	n := c.notes[e.Note]
	if n == nil {
		n = &noted{Note: ReadNote(e.Note)}
		c.notes[e.Note] = n
		if n.partners = c.imports[n.Import]; n.partners != nil && e.Person != "" {
			at := chunk{n.Import, n.Chunk}
			if c.chunks[at] == nil {
				c.chunks[at] = new(network.Tally)
			}
			n.contacts, n.sent = c.chunks[at], c.sent[at]
		}
	}
	return n
}

// within reports whether a partner is in a group that is asked for.
func (c *counting) within(partner string) bool {
	group, state := c.base.Place(partner)
	if state == network.PartnerRemoved {
		return false
	}
	in, known := c.groups[group]
	if !known {
		in = c.in(group)
		c.groups[group] = in
	}
	return in
}
