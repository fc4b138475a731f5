package network

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// ImportState is how far an import has come (api.md).
type ImportState string

const (
	ImportWaiting   ImportState = "waiting_for_upload"
	ImportReading   ImportState = "reading"
	ImportPlanned   ImportState = "planned" // until somebody applies or cancels it
	ImportApplying  ImportState = "applying"
	ImportDone      ImportState = "done"
	ImportFailed    ImportState = "failed"
	ImportCancelled ImportState = "cancelled" // what it had done by then stays
	ImportReverted  ImportState = "reverted"
)

// Mode is what a roster means for whom it doesn't name (R27).
type Mode string

const (
	Merge Mode = "merge" // nothing
	Sync  Mode = "sync"  // they are withdrawn, unless they have joined
)

// Import is a roster on its way into a chain.
type Import struct {
	ID         string
	Chain      string
	Maker      string // person
	MakerCorp  string
	FileName   string
	DryRun     bool   // plan, and wait until somebody applies the plan
	Mode       Mode   // "" is Merge; Sync waits for somebody to apply it, too
	Sheet      string // of the workbook, by its name; "" is the first that shows
	Whole      bool   // atomicity "corp": a partner's rows are refused together (R26)
	ApplyMoves bool   // a group given again moves the partner (R27)
	Notify     bool
	State      ImportState
	CreatedAt  time.Time
	StartedAt  time.Time // when the upload was first seen; the notices' age counts from it
	PlannedAt  time.Time
	AppliedAt  time.Time // when its doing began
	EndedAt    time.Time
	Upload     string // ETag of the object being read: another object is another import
	PlanID     string // "" until there is a plan
	Read       int    // rows read so far, written down every few seconds
	ReadWhole  bool   // the file was read to its end, and its rows are kept
	Counts     Counts // of the plan; while it is done, and of one that was cancelled meanwhile, Done has those of what is done
	Reverting  bool   // it is being taken back: ends as ImportReverted
	HasErrors  bool   // the error workbooks are in the bucket
	FileCode   string // why the file as a whole was refused, else ""
	FileRow    int
	FileDetail string // what about it: the name of a sheet that isn't there
}

// Waits reports whether the import is planned first, and done only when
// somebody says so.
func (i Import) Waits() bool { return i.DryRun || i.Mode == Sync }

// Counts are what became of an import's rows: OK + Failed = Rows (R31).
type Counts struct {
	Rows, OK, Failed                       int
	Created, Updated, Unchanged, WouldMove int // of OK
	Conflict, Invalid                      int `dynamodbav:",omitempty"` // of Failed
	Notices, Partners                      int // notices to be sent; distinct partners of OK rows
	Seats                                  int `dynamodbav:",omitempty"` // of the chain's quota, if all who are made join
	Withdrawn, Kept                        int `dynamodbav:",omitempty"` // contacts that Sync takes out, or leaves for they have joined: no rows
}

// Add counts more.
func (c Counts) Add(o Counts) Counts {
	return Counts{
		c.Rows + o.Rows, c.OK + o.OK, c.Failed + o.Failed,
		c.Created + o.Created, c.Updated + o.Updated, c.Unchanged + o.Unchanged, c.WouldMove + o.WouldMove,
		c.Conflict + o.Conflict, c.Invalid + o.Invalid,
		c.Notices + o.Notices, c.Partners + o.Partners, c.Seats + o.Seats,
		c.Withdrawn + o.Withdrawn, c.Kept + o.Kept,
	}
}

// RosterRow is one checked line of a roster.
type RosterRow struct {
	Number         int // the sheet's own
	Corp           string
	Contact        string
	Leader         bool
	Phone          string // E.164
	Group          []string
	CustomID       string
	MemberCustomID string

	// Code says why the row is refused, "" if it isn't; Field and Detail
	// say where and what.
	Code, Field, Detail string
}

// Fingerprint is 64 bits of what a row says of its person: the same row
// again has the same one, and changes nothing (R27).
func (r *RosterRow) Fingerprint() string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], r.fingerprint())
	return base64.RawStdEncoding.EncodeToString(b[:])
}

func (r *RosterRow) fingerprint() uint64 {
	var room [160]byte
	b := append(room[:0], r.Contact...)
	b = append(b, 0)
	b = append(b, r.MemberCustomID...)
	b = append(b, 0)
	sum := sha256.Sum256(b)
	said := binary.BigEndian.Uint64(sum[:]) &^ 1
	if r.Leader {
		said |= 1
	}
	return said
}

// leads reports whether the row of that fingerprint names a leader: how many a
// partner has is to be told from its item alone (R25).
func leads(fingerprint uint64) bool { return fingerprint&1 == 1 }

// Outcome is what becomes of a row (R28).
type Outcome string

const (
	RowCreate    Outcome = "create"
	RowUpdate    Outcome = "update"
	RowUnchanged Outcome = "unchanged"
	RowWouldMove Outcome = "would_move"
	RowConflict  Outcome = "conflict" // refused: it clashes with another row, or with the chain
	RowInvalid   Outcome = "invalid"  // refused: wrong by itself

	RowWithdraw Outcome = "withdraw" // of Sync: nobody's row, a contact that the file doesn't name
	RowKeep     Outcome = "keep"     // of Sync: likewise, but they have joined

	RowFailed Outcome = "failed" // asks for what is refused, for either reason; no row's own
)

// OutcomeOf is that of a row refused with the code.
func OutcomeOf(code string) Outcome {
	switch code {
	case "custom_id_conflict", "duplicate_contact", "member_custom_id_duplicate", "too_many_leaders", "too_many_people":
		return RowConflict
	}
	return RowInvalid
}

// Failed reports whether a row with that outcome is refused.
func (o Outcome) Failed() bool { return o == RowConflict || o == RowInvalid }

// Is reports whether the outcome is one of those asked for: "" asks for all,
// RowFailed for those of refused rows.
func (o Outcome) Is(want Outcome) bool {
	return want == "" || o == want || want == RowFailed && o.Failed()
}

// Tally is what became of the contacts of some of an import's rows (R32).
type Tally struct {
	Counts        Counts // of the rows that are done
	Imported      int
	Notified      int // told, or tried in vain
	Queued        int // to be told, their chunk's notices being under way
	Undeliverable int
	Blocked       int // of them, those who have blocked the chain
	OverBudget    int // of them, those whose phones had been told enough (R48)
	Opened        int
	Joined        int
	Declined      int
	Withdrawn     int // ended by a Sync, or by the import's being reverted
	Recalled      int // of them, those that were told before
	Partners      int
	PartnersIn    int       // partners that have joined
	At            time.Time // when their notices began to live
}

// Steps is how far a contact has come, as what is noted on them says.
type Steps struct {
	Told                                bool // their chunk's notices were sent, also if theirs was in vain
	Undeliverable                       Undelivered
	Opened, Declined, Joined, Withdrawn bool
}

// Tally is what the contact counts for (R32): a step for each that they have
// reached, and one end, the last. Who has joined or said no has seen what
// they answer. A step takes the difference of two of these into the tally, so
// that the tallies are always a recount.
func (s Steps) Tally() Tally {
	one := func(is bool) int {
		if is {
			return 1
		}
		return 0
	}
	opened := s.Opened || s.Declined || s.Joined
	vain := s.Undeliverable != "" && !opened && !s.Withdrawn
	return Tally{
		Imported: 1, Notified: one(s.Told), Opened: one(opened), Joined: one(s.Joined),
		Declined:      one(s.Declined && !s.Joined && !s.Withdrawn),
		Withdrawn:     one(s.Withdrawn && !s.Joined),
		Recalled:      one(s.Withdrawn && !s.Joined && s.Told),
		Undeliverable: one(vain), Blocked: one(vain && s.Undeliverable == ByBlock), OverBudget: one(vain && s.Undeliverable == OverBudget),
	}
}

// Times is the tally of so many contacts of whom each counts for t.
func (t Tally) Times(n int) Tally { return Tally{}.plus(t, n) }

// And is the contacts of two tallies.
func (t Tally) And(o Tally) Tally { return t.plus(o, 1) }

// Since is what a tally's contacts count for more than they did.
func (t Tally) Since(was Tally) Tally { return t.plus(was, -1) }

func (t Tally) plus(o Tally, times int) Tally {
	return Tally{
		Imported: t.Imported + times*o.Imported, Notified: t.Notified + times*o.Notified, Undeliverable: t.Undeliverable + times*o.Undeliverable,
		Blocked: t.Blocked + times*o.Blocked, OverBudget: t.OverBudget + times*o.OverBudget, Opened: t.Opened + times*o.Opened,
		Joined: t.Joined + times*o.Joined, Declined: t.Declined + times*o.Declined, Withdrawn: t.Withdrawn + times*o.Withdrawn,
		Recalled: t.Recalled + times*o.Recalled,
	}
}

// Done counts the rows that tallies say are done.
func Done(tallies []Tally) Counts {
	var c Counts
	for _, t := range tallies {
		c = c.Add(t.Counts)
	}
	return c
}

// Funnel is the progress of imported partners (R32). Imported, Notified,
// Opened and Joined count contacts who reached that step, the others those who
// ended there.
type Funnel struct {
	Imported      int `json:"imported"`
	Notified      int `json:"notified"`
	Undeliverable int `json:"undeliverable"`
	Opened        int `json:"opened"`
	Joined        int `json:"joined"`
	Declined      int `json:"declined"`
	Expired       int `json:"expired"`
	Withdrawn     int `json:"withdrawn"`

	Blocked    int `json:"blocked"`     // of the undeliverable
	OverBudget int `json:"over_budget"` // likewise

	Queued     int `json:"-"` // notices under way
	Partners   int `json:"-"` // imported
	PartnersIn int `json:"-"` // of them, joined
}

// Progress sums tallies at a moment. What has expired is computed, as every
// end of an invite is (R12).
func Progress(tallies []Tally, history []PolicyChange, now time.Time) Funnel {
	var f Funnel
	for _, t := range tallies {
		f.Imported += t.Imported
		f.Notified += t.Notified
		f.Queued += t.Queued
		// Who answers before their chunk is counted is taken off first.
		f.Undeliverable += max(0, t.Undeliverable)
		f.Blocked += max(0, t.Blocked)
		f.OverBudget += max(0, t.OverBudget)
		f.Opened += t.Opened
		f.Joined += t.Joined
		f.Declined += t.Declined
		f.Withdrawn += t.Withdrawn
		f.Partners += t.Partners
		f.PartnersIn += t.PartnersIn
		if !now.Before(ExpiresAt(t.At, 0, history)) {
			f.Expired += max(0, t.Notified-max(0, t.Undeliverable)-t.Joined-t.Declined-t.Recalled)
		}
	}
	return f
}
