package feed

import (
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/network"
)

// Note is what the index keeps beside what search reads: the import that made a
// partner or named a contact, and how far that contact has come (R32). It says
// as little as it can, for a hundred thousand are kept: contacts of a chunk to
// whom the same has happened have the same note.
type Note struct {
	Import   string // "" where there is nothing to keep
	Chunk    int
	Opened   network.Day // 0: not, or no earlier than they declined or joined
	Declined network.Day // 0: not, or they have joined
	Joined   network.Day // of who has left since; of who is in the entry says when
	Vain     network.Undelivered
}

// partnerNote is of a partner.
func partnerNote(p network.Partner) string { return p.Import }

// contactNote is of a contact.
func contactNote(k network.Contact) string {
	if k.Import == "" {
		return ""
	}
	n := Note{Import: k.Import, Chunk: k.Chunk, Opened: network.DayAt(k.OpenedAt), Declined: network.DayAt(k.DeclinedAt), Joined: network.DayAt(k.CameAt), Vain: k.Undeliverable}
	if n.Joined == 0 {
		n.Joined = network.DayAt(k.LeftAt) // of whose coming nothing was noted
	}
	came := n.Joined
	if came == 0 {
		came = network.DayAt(k.JoinedAt)
	}
	if came != 0 {
		n.Opened, n.Declined = n.saw(), 0 // one end counts, the last
		n.Vain = ""
		if n.Opened >= came {
			n.Opened = 0
		}
	}
	if n.Declined != 0 && n.Opened >= n.Declined {
		n.Opened = 0
	}
	if n.Opened != 0 || n.Declined != 0 {
		n.Vain = ""
	}
	return n.text()
}

// saw is the first day of those on which they opened and declined.
func (n Note) saw() network.Day {
	if n.Opened == 0 || n.Declined != 0 && n.Declined < n.Opened {
		return n.Declined
	}
	return n.Opened
}

func (n Note) text() string {
	s := n.Import + " " + strconv.Itoa(n.Chunk)
	for _, of := range []struct {
		what string
		day  network.Day
	}{{"o", n.Opened}, {"d", n.Declined}, {"j", n.Joined}} {
		if of.day != 0 {
			s += " " + of.what + strconv.Itoa(int(of.day))
		}
	}
	if n.Vain != "" {
		s += " v" + string(n.Vain)
	}
	return s
}

// ReadNote reads an entry's note: the zero Note of what is none.
func ReadNote(s string) Note {
	var n Note
	for i, field := range strings.Fields(s) {
		var err error
		switch day := 0; {
		case i == 0:
			n.Import = field
		case i == 1:
			n.Chunk, err = strconv.Atoi(field)
		case field[0] == 'v':
			n.Vain = network.Undelivered(field[1:])
		default:
			if day, err = strconv.Atoi(field[1:]); err != nil {
				break
			}
			switch field[0] {
			case 'o':
				n.Opened = network.Day(day)
			case 'd':
				n.Declined = network.Day(day)
			case 'j':
				n.Joined = network.Day(day)
			}
		}
		if err != nil {
			return Note{}
		}
	}
	return n
}
