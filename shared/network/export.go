package network

import (
	"slices"
	"strings"
	"time"
)

// Export is a file of what one person may see of a chain's partners, which is
// made while they wait elsewhere. It is theirs alone.
type Export struct {
	ID, Chain  string
	Maker      string // person
	MakerCorp  string // as which corp they asked
	Sight      Sighted
	Format     string // "xlsx" or "csv"
	Lang       string // of its first line
	State      ExportState
	Code       string // why it failed: no_longer_allowed, too_many_rows, not_finished
	Rows       int    // so far
	CreatedAt  time.Time
	FinishedAt time.Time
}

// ExportState is how far an export has come.
type ExportState string

const (
	ExportQueued  ExportState = "queued"
	ExportRunning ExportState = "running"
	ExportDone    ExportState = "done"
	ExportFailed  ExportState = "failed"
)

// Why an export failed.
const (
	ExportNotAllowed  = "no_longer_allowed" // its maker sees less of the chain than when they asked, or nothing
	ExportTooManyRows = "too_many_rows"     // than a worksheet has
	ExportNotFinished = "not_finished"
)

// exportTime is after what time an export of which nothing has come has broken
// off for good: three tries take a quarter of it.
const exportTime = 2 * time.Hour

// At is the export as it stands at that time: one that nobody will finish has
// failed.
func (e Export) At(now time.Time) Export {
	if (e.State == ExportQueued || e.State == ExportRunning) && now.After(e.CreatedAt.Add(exportTime)) {
		e.State, e.Code = ExportFailed, ExportNotFinished
	}
	return e
}

// Sighted is what decides how much of a chain somebody sees. A file is made
// under one, and handed to nobody who has another by then.
type Sighted struct {
	Side    Side
	Admin   bool       // sees all, and phones in full; nothing below is about them
	Members MembersSee // of the owner's other people
	Rules   int        // the edition of the rules, which are about them
	Another bool       // of a partner's people: all partners, and not their own alone
}

// Sighted is the actor's.
func (a Actor) Sighted() Sighted {
	s := Sighted{Side: a.Side, Admin: a.Admin}
	switch {
	case a.Side == Guest:
		s.Another = a.Chain.PartnersSeeAnother
	case !a.Admin:
		s.Members, s.Rules = a.Chain.MembersSee, a.Chain.RulesEdition
	}
	return s
}

// ExportRow is one line of an export: a person of a partner, or the partner
// alone where nobody of it is to be seen.
type ExportRow struct {
	Group                    string // its path; "" for the root, and for who may not see it (R08)
	Name, Alias, CustomID    string
	State                    PartnerState
	Contact, Identity, Phone string
	JoinedAt                 time.Time // the person, else the partner; zero for neither
}

// ExportsPeople reports whether the actor's export has people of the partner:
// those whom the directory shows them (R35).
func (s *Sight) ExportsPeople(p Partner) bool {
	return s.Partner(p) && p.State == PartnerJoined && (s.actor.Side == Owner || p.ID == s.own.ID)
}

// ExportRows is a partner and its people as the actor may see them: none of a
// partner that they don't see. This alone decides what stands in an export.
func (s *Sight) ExportRows(p Partner, people []Contact, tree Tree) []ExportRow {
	if !s.Partner(p) {
		return nil
	}
	a := s.actor
	row := ExportRow{Name: p.Name, State: p.State, JoinedAt: p.JoinedAt}
	if a.Side == Owner { // what its own people call a partner is for no other (R08)
		row.Group, row.Alias, row.CustomID = tree.Path(a.Chain.Landing(p.Group)), p.Alias, p.CustomID
	}
	var rows []ExportRow
	if s.ExportsPeople(p) {
		for _, k := range people {
			if !k.HasJoined() || !s.Contact(p, k) {
				continue
			}
			r := row
			r.Contact, r.Identity, r.Phone, r.JoinedAt = k.Name, k.Identity(), k.Phone, k.JoinedAt
			if !a.SeesPhone(k.Person, k.Partner) {
				r.Phone = MaskPhone(k.Phone)
			}
			rows = append(rows, r)
		}
	}
	if rows == nil {
		return []ExportRow{row}
	}
	return rows
}

// Path is a group's names from below the root on, with a slash between: as a
// roster writes it. "" for the root and for what isn't there.
func (t Tree) Path(id int) string {
	var names []string
	for id != RootGroup && len(names) < MaxDepth {
		g, ok := t[id]
		if !ok {
			break
		}
		names = append(names, g.Name)
		id = g.Parent
	}
	slices.Reverse(names)
	return strings.Join(names, "/")
}

// NewExportID names an export that was asked for at that time.
func NewExportID(at time.Time) string { return timedID(exportPrefix, at) }

// ExportIDOf names the export that somebody asks for by reading: the same
// within one minute (UTC).
func ExportIDOf(a Actor, format, lang string, at time.Time) string {
	return hashID(exportPrefix, a.Chain.ID, a.Person.ID, a.Corp.ID, format, lang, at.UTC().Format("200601021504"))
}

// ValidExportID reports whether s can be an export's id.
func ValidExportID(s string) bool { return validID(exportPrefix, s) }
