package network

import (
	"errors"
	"slices"
	"strings"
)

// Kind classifies an error by what the caller may do about it. There are as
// many kinds as there are different reactions, and no more.
type Kind string

const (
	Invalid  Kind = "invalid"   // mend the request
	Denied   Kind = "denied"    // ask for the right
	NotFound Kind = "not_found" // it is not there, or not yours to see (R36, R37)
	Conflict Kind = "conflict"  // the state of things forbids it; read again
	Gone     Kind = "gone"      // it was there and has ended (R14)
	Busy     Kind = "busy"      // try again in a moment
	Internal Kind = "internal"  // nothing the caller can do
)

// Error is an error that a person outside may read. Anything else is
// Internal. Code is stable and is what clients branch on (api.md); the text
// in the reader's language is found by Code at the edge.
type Error struct {
	Kind   Kind
	Code   string
	Fields []FieldError
}

// FieldError names one field of the request and what is wrong with it.
type FieldError struct {
	Field  string // dotted path as the client wrote it, "new_corp.name"
	Code   string // stable, "too_long"
	Detail string // one English sentence for whoever reads the answer
}

func (e *Error) Error() string {
	if len(e.Fields) == 0 {
		return e.Code
	}
	var b strings.Builder
	b.WriteString(e.Code)
	for i, f := range e.Fields {
		b.WriteString([]string{": ", ", "}[min(i, 1)])
		b.WriteString(f.Field + " " + f.Code)
	}
	return b.String()
}

// Is makes errors.Is compare by code, so that ErrX below can be wrapped and
// still be told apart.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// InvalidField is the error of one bad field.
func InvalidField(field, code, detail string) error {
	return &Error{Kind: Invalid, Code: "invalid", Fields: []FieldError{{Field: field, Code: code, Detail: detail}}}
}

// All is what is wrong with the parts of a request, nil if nothing: the first
// error, with the fields of those that are the same; a person mends them at once.
func All(errs ...error) error {
	var out *Error
	for _, err := range errs {
		if err == nil {
			continue
		}
		e, ok := errors.AsType[*Error](err)
		switch {
		case out == nil && !ok:
			return err
		case out == nil:
			out = &Error{Kind: e.Kind, Code: e.Code, Fields: slices.Clone(e.Fields)}
		case ok && e.Code == out.Code:
			out.Fields = append(out.Fields, e.Fields...)
		}
	}
	if out == nil {
		return nil
	}
	return out
}

// At is e with the fields of the request that it is about, each for e's reason.
func (e *Error) At(fields ...string) *Error {
	out := &Error{Kind: e.Kind, Code: e.Code}
	for _, f := range fields {
		out.Fields = append(out.Fields, FieldError{Field: f, Code: e.Code})
	}
	return out
}

// KindOf reports the kind of err; an error that is not ours is Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// CodeOf reports the stable code of err, or "internal".
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return "internal"
}

// The reasons there are. A reason without a field is one value, so that
// tests and callers can say errors.Is(err, network.ErrInviteExpired).
var (
	ErrUnauthenticated  = &Error{Kind: Denied, Code: "unauthenticated"}
	ErrCorpRequired     = &Error{Kind: Invalid, Code: "corp_required"}
	ErrDenied           = &Error{Kind: Denied, Code: "denied"}
	ErrNotAMember       = &Error{Kind: Denied, Code: "not_a_member"}
	ErrPhoneNotVerified = &Error{Kind: Denied, Code: "phone_not_verified"}
	ErrCorpNotEligible  = &Error{Kind: Denied, Code: "corp_not_eligible"} // R04
	ErrNotImported      = &Error{Kind: Denied, Code: "not_imported"}      // R21
	ErrBoundToAnother   = &Error{Kind: Denied, Code: "bound_to_another"}  // R10
	ErrNotFound         = &Error{Kind: NotFound, Code: "not_found"}
	ErrGroupNotFound    = &Error{Kind: NotFound, Code: "group_not_found"} // R08
	ErrConflict         = &Error{Kind: Conflict, Code: "conflict"}
	ErrStale            = &Error{Kind: Conflict, Code: "stale"}
	ErrLastAdmin        = &Error{Kind: Conflict, Code: "last_admin"}       // R06
	ErrQuotaExceeded    = &Error{Kind: Conflict, Code: "quota_exceeded"}   // R47
	ErrNameTaken        = &Error{Kind: Conflict, Code: "name_taken"}       // R41
	ErrGroupNotEmpty    = &Error{Kind: Conflict, Code: "group_not_empty"}  // R34
	ErrPartnerConflict  = &Error{Kind: Conflict, Code: "partner_conflict"} // R23
	ErrIdempotency      = &Error{Kind: Invalid, Code: "idempotency_mismatch"}
	ErrPrecondition     = &Error{Kind: Conflict, Code: "precondition_failed"} // If-Match is behind
	ErrInviteExpired    = &Error{Kind: Gone, Code: "invite_expired"}
	ErrInviteRevoked    = &Error{Kind: Gone, Code: "invite_revoked"}
	ErrInviteExhausted  = &Error{Kind: Gone, Code: "invite_exhausted"}
	ErrChainDissolved   = &Error{Kind: Gone, Code: "chain_dissolved"}
	ErrInviteEnded      = &Error{Kind: Conflict, Code: "invite_ended"}   // nothing to resend or adopt (R09, R17)
	ErrCustomerGroup    = &Error{Kind: Conflict, Code: "customer_group"} // R45
	ErrUnknownField     = &Error{Kind: Invalid, Code: "unknown_field"}
	ErrTooLarge         = &Error{Kind: Invalid, Code: "too_large"}
	ErrMediaType        = &Error{Kind: Invalid, Code: "unsupported_media_type"}
	ErrBusy             = &Error{Kind: Busy, Code: "busy"}
	ErrRateLimited      = &Error{Kind: Busy, Code: "rate_limited"}

	// ErrCursor: the cursor is none that a page gave.
	ErrCursor = &Error{Kind: Invalid, Code: "invalid", Fields: []FieldError{{"cursor", "not_allowed", "cursor is one that a page gave"}}}
)
