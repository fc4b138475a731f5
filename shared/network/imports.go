package network

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
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
func (r RosterRow) Fingerprint() string {
	sum := sha256.Sum256([]byte(r.Contact + "\x00" + r.MemberCustomID + "\x00" + map[bool]string{true: "L"}[r.Leader]))
	return base64.RawStdEncoding.EncodeToString(sum[:8])
}

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

// RowPlan is what an import does with one row, decided before it is done.
type RowPlan struct {
	Row     int     `json:"r"` // 0: no row says it
	Outcome Outcome `json:"o"`
	Code    string  `json:"c,omitempty"`
	Field   string  `json:"f,omitempty"`
	Detail  string  `json:"d,omitempty"`
	Partner string  `json:"p,omitempty"`
	Person  string  `json:"k,omitempty"`
	Opens   bool    `json:"n,omitempty"` // the partner's first row of this import
	Makes   bool    `json:"m,omitempty"` // the partner is new
	Adds    bool    `json:"a,omitempty"` // the contact is new: told, if anybody is
	Epoch   int     `json:"e,omitempty"` // the partner's, as it stood: another one by then and the row does nothing (R38)
	Revives bool    `json:"v,omitempty"` // the partner had been removed: with Makes
	Group   int     `json:"g,omitempty"` // where the partner is to stand; 0: where it stands; -1: in the row's, to be made
}

// Planner decides what an import's rows do to a chain, in the sheet's order.
// It keeps what it has decided, so that a partner's second row meets the
// first.
type Planner struct {
	Import   Import
	Key      PersonKey
	Tree     Tree               // as it stands before the first row
	Limit    int                // people of a partner (R46), 0 for as many as come
	Partners map[string]Partner // as they stand, by id, or by that of a 自定义企业ID they were given; planned ones are added
	opened   map[string]bool    // by partner of this import: whether a row has said its group
	groups   map[rung]int       // the tree's and, with ids below 0, those to be made
}

// toBeMade stands in a plan for a group that isn't there yet.
const toBeMade = -1

// Plan decides one row (R26–R28).
func (p *Planner) Plan(r RosterRow) RowPlan {
	plan := RowPlan{Row: r.Number, Outcome: OutcomeOf(r.Code), Code: r.Code, Field: r.Field, Detail: r.Detail}
	if r.Code != "" {
		return plan
	}
	plan.Partner = p.partnerID(r)
	plan.Person = p.Key.Person(r.Phone)
	group := p.group(r.Group)

	// Of the groups that a file gives a partner the first counts; if each
	// did, the same file again would move it to and fro.
	grouped, opened := p.opened[plan.Partner]
	now, known := p.Partners[plan.Partner]
	switch {
	case known && now.State != PartnerRemoved && r.CustomID != "" && now.CustomID != r.CustomID:
		// The partner has been given another id since (R25).
		return refuse(plan, "custom_id_conflict", "custom_id")
	case !known || now.State == PartnerRemoved:
		plan.Outcome, plan.Makes, plan.Adds, plan.Group = RowCreate, true, true, max(group, toBeMade)
		plan.Revives = known
	default:
		had, there := now.People[plan.Person]
		if !there && p.Limit > 0 && len(now.People) >= p.Limit {
			return refuse(plan, "too_many_people", "corp_name")
		}
		moves := len(r.Group) > 0 && group != now.Group
		applies := moves && p.Import.ApplyMoves && !grouped
		switch {
		case !there:
			plan.Outcome, plan.Adds = RowCreate, true
		case had != r.Fingerprint(), FoldName(now.Name) != FoldName(r.Corp), applies:
			plan.Outcome = RowUpdate
		case moves:
			plan.Outcome = RowWouldMove
		default:
			plan.Outcome = RowUnchanged
		}
		if applies {
			plan.Group = max(group, toBeMade)
		}
	}
	plan.Opens, plan.Epoch = !opened, now.Epoch
	p.Absorb(r, plan)
	return plan
}

// partnerID is the partner that a row is about: who has its 自定义企业ID by
// now, else who is named by the roster itself (R27).
func (p *Planner) partnerID(r RosterRow) string {
	id := RosterPartnerID(p.Import.Chain, r.CustomID, r.Corp)
	if has, ok := p.Partners[id]; ok && has.ID != "" {
		return has.ID
	}
	return id
}

func refuse(plan RowPlan, code, field string) RowPlan {
	plan.Outcome, plan.Code, plan.Field = OutcomeOf(code), code, field
	return plan
}

// Absorb takes over a row's plan, this run's or that of an earlier run of the
// same import: what it does counts for the rows behind it.
func (p *Planner) Absorb(r RosterRow, plan RowPlan) {
	if plan.Outcome.Failed() {
		return
	}
	if p.opened == nil {
		p.opened = map[string]bool{}
	}
	if p.Partners == nil {
		p.Partners = map[string]Partner{}
	}
	grouped, opened := p.opened[plan.Partner]
	p.opened[plan.Partner] = grouped || len(r.Group) > 0
	now, known := p.Partners[plan.Partner]
	if !known || now.State == PartnerRemoved {
		now = Partner{ID: plan.Partner, Chain: p.Import.Chain, CustomID: r.CustomID, Epoch: plan.Epoch, State: PartnerPending}
	}
	now.Name = r.Corp
	if plan.Group != 0 {
		now.Group = p.group(r.Group)
	}
	if !opened || now.People == nil { // from then on the map is ours
		people := make(map[string]string, len(now.People)+1)
		maps.Copy(people, now.People)
		now.People = people
	}
	now.People[plan.Person] = r.Fingerprint()
	p.Partners[plan.Partner] = now
}

// group is the id at the end of a path: below 0 for one that is to be made,
// the same each time.
func (p *Planner) group(path []string) int {
	if p.groups == nil {
		p.groups = p.Tree.byName()
	}
	id := RootGroup
	for _, name := range path {
		step := rung{id, FoldName(name)}
		below, ok := p.groups[step]
		if !ok {
			below = toBeMade - len(p.groups)
			p.groups[step] = below
		}
		id = below
	}
	return id
}

// Count sums what plans say.
func Count(plans []RowPlan, notify bool) Counts {
	var c Counts
	for _, p := range plans {
		c.Rows++
		switch p.Outcome {
		case RowConflict:
			c.Failed++
			c.Conflict++
			continue
		case RowInvalid:
			c.Failed++
			c.Invalid++
			continue
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
		if p.Adds && notify {
			c.Notices++
		}
		if p.Opens {
			c.Partners++
		}
	}
	return c
}

// Tally is what became of the contacts of some of an import's rows (R32).
type Tally struct {
	Counts        Counts // of the rows that are done
	Imported      int
	Notified      int // told, or tried in vain
	Undeliverable int
	Joined        int
	Withdrawn     int // ended by a Sync, or by the import's being reverted
	Recalled      int // of them, those that were told before
	Partners      int
	PartnersIn    int       // partners that have joined
	At            time.Time // when their notices began to live
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
		f.Undeliverable += t.Undeliverable
		f.Joined += t.Joined
		f.Withdrawn += t.Withdrawn
		f.Partners += t.Partners
		f.PartnersIn += t.PartnersIn
		if !now.Before(ExpiresAt(t.At, 0, history)) {
			f.Expired += max(0, t.Notified-t.Undeliverable-t.Joined-t.Recalled)
		}
	}
	return f
}
