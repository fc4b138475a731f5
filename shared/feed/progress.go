package feed

import (
	"time"

	"github.com/tributary-app/tributary/shared/network"
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
		if is := c.imports[t.Import]; is == nil || is.At.IsZero() { // a tally may not know yet
			c.imports[t.Import] = &network.Tally{At: t.At}
		}
		for n, day := range t.Sent {
			c.sent[chunk{t.Import, n}] = day
		}
	}
	for e := range b.Index.All() {
		c.enter(e.Partner, e.Person, e.Note, e.JoinedAt)
	}
	for _, n := range c.notes {
		for joined, contacts := range n.came {
			c.count(n, joined, contacts)
		}
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
	partners *network.Tally      // of its import; nil: not among those that are asked for
	contacts *network.Tally      // of its chunk
	sent     network.Day         // 0: not yet
	came     map[network.Day]int // how many have it, by when they joined
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

// enter notes that an entry is to be counted. Most have their note in common
// with others, which are then counted together.
func (c *counting) enter(partner, person, note string, joined time.Time) {
	if note == "" {
		return
	}
	n := c.read(note, person != "")
	switch {
	case n.partners == nil || !c.within(partner):
	case person == "":
		n.partners.Partners++
		if !joined.IsZero() {
			n.partners.PartnersIn++
		}
	case n.Joined != 0:
		n.came[n.Joined]++
	default:
		n.came[network.DayAt(joined)]++
	}
}

// count counts the contacts who have a note in common and joined on one day, 0
// if they haven't.
func (c *counting) count(n *noted, joined network.Day, contacts int) {
	steps := network.Steps{Told: n.sent != 0, Opened: n.Opened != 0, Declined: n.Declined != 0, Joined: joined != 0}
	if steps.Told { // else their chunk hasn't counted that
		steps.Undeliverable = n.Vain
	}
	t := steps.Tally().Times(contacts)
	*n.contacts = n.contacts.And(t)
	saw := n.saw()
	if saw == 0 {
		saw = joined
	}
	c.on(n.sent, Reached{Notified: t.Notified, Undeliverable: t.Undeliverable})
	c.on(saw, Reached{Opened: t.Opened})
	c.on(joined, Reached{Joined: t.Joined})
	c.on(n.Declined, Reached{Declined: t.Declined})
}

func (c *counting) on(day network.Day, more Reached) {
	if more == (Reached{}) {
		return
	}
	d := c.days[day]
	c.days[day] = Reached{d.Notified + more.Notified, d.Undeliverable + more.Undeliverable, d.Opened + more.Opened, d.Joined + more.Joined, d.Declined + more.Declined}
}

// read is a note, of a contact or a partner, and where it counts.
func (c *counting) read(note string, contact bool) *noted {
	n := c.notes[note]
	if n == nil {
		n = &noted{Note: ReadNote(note)}
		c.notes[note] = n
		if n.partners = c.imports[n.Import]; n.partners != nil && contact {
			at := chunk{n.Import, n.Chunk}
			if c.chunks[at] == nil {
				c.chunks[at] = new(network.Tally)
			}
			n.contacts, n.sent, n.came = c.chunks[at], c.sent[at], map[network.Day]int{}
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
