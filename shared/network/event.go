package network

import "encoding/json"

// Event is something that has happened and that somebody must hear of. It is
// written with what happened, in the same item, and carried on from there;
// it may arrive twice, and then has the same ID.
type Event struct {
	ID    string    `json:"id"`
	Kind  EventKind `json:"kind"`
	Chain string    `json:"chain"`

	Import  string `json:"import,omitempty"`
	Export  string `json:"export,omitempty"`
	Chunk   int    `json:"chunk,omitempty"`
	Invite  string `json:"invite,omitempty"`
	Partner string `json:"partner,omitempty"`
	Person  string `json:"person,omitempty"` // who joined, or who is to be told
	Corp    string `json:"corp,omitempty"`   // of that person
	First   bool   `json:"first,omitempty"`  // joined: the partner's first person
	Count   int    `json:"count,omitempty"`  // roster_expired: contacts who did not join

	Application string `json:"application,omitempty"`
	Conflict    string `json:"conflict,omitempty"`
	Migration   string `json:"migration,omitempty"`
	Astray      bool   `json:"astray,omitempty"` // joined: in the root, since the invite's maker sees its group no more (R08)
}

// EventKind says what happened.
type EventKind string

const (
	RosterImported EventKind = "roster_imported" // a chunk's new contacts are to be told
	Joined         EventKind = "joined"
	Applied        EventKind = "applied"             // the chain's admins are to be told
	Decided        EventKind = "application_decided" // the applicant is to be told
	Conflicted     EventKind = "partner_conflict"    // the chain's admins are to be told (R23)
	Resolved       EventKind = "conflict_resolved"   // who waited is to be told
	InviteEnded    EventKind = "invite_expired"      // its maker is to be told
	RosterEnded    EventKind = "roster_expired"      // the importer is to be told
	RosterFailed   EventKind = "roster_failed"       // likewise: it did not finish
	InviteAstray   EventKind = "invite_astray"       // its maker sees its group no more: the chain's admins are to be told (R08)
	InviteAdopted  EventKind = "invite_adopted"      // who had made it is to be told (R09)
	GroupMigrated  EventKind = "group_migrated"      // a part of a WeChat group's people are to be told (R45)
	ImportApply    EventKind = "import_apply"        // an import's plan is to be done
	ImportCancel   EventKind = "import_cancel"       // an import was cancelled: what it had kept for later goes
	ImportRevert   EventKind = "import_revert"       // an import is to be taken back
	ImportContinue EventKind = "import_continue"     // a run had no time left
	ExportAsked    EventKind = "export_asked"        // an export is to be made, or gone on with
)

// ForImports reports whether the event is for whoever runs imports, and not
// for whoever tells people.
func (k EventKind) ForImports() bool {
	return k == ImportApply || k == ImportCancel || k == ImportRevert || k == ImportContinue
}

// ForExports reports whether the event is for whoever makes exports.
func (k EventKind) ForExports() bool { return k == ExportAsked }

// Encode is the event as it is stored and sent.
func (e Event) Encode() string {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings, ints and bools only: can't be
	}
	return string(b)
}

// DecodeEvent reads what Encode wrote.
func DecodeEvent(s string) (Event, error) {
	var e Event
	err := json.Unmarshal([]byte(s), &e)
	return e, err
}
