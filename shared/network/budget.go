package network

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"time"
)

// What a phone may be told at most (R48).
const (
	NoticesADay  = 3  // within any 24 hours, over all chains: so on no day of any calendar more
	NoticesARush = 10 // within any ten minutes, of whatever kind
	rush         = 10 * time.Minute
)

// Why a notice isn't sent. Both are final: a notice that comes late says what
// is no longer so, and one that is put off to the next day takes the place of
// that day's.
var (
	ErrOverBudget = errors.New("over the recipient's budget of notices")
	ErrBlocked    = errors.New("the recipient has blocked the chain")
)

// Told is a notice that counts against a phone's budget.
type Told struct {
	Notice string // whose it is, by NoticeMark
	At     time.Time
	Office bool // to somebody in their office, as a chain's admin or as who made what it is about: of no day's three
}

// NoticeMark is what a budget knows a notice by: the same for the same dedup
// id, in twelve letters.
func NoticeMark(dedup string) string {
	sum := sha256.Sum256([]byte(dedup))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// Budget is what a phone has been told lately, and the chains that it wants to
// hear nothing of.
type Budget struct {
	Told    []Told
	Blocked []string
}

// counts reports whether a notice still does.
func (t Told) counts(now time.Time) bool {
	if t.Office {
		return now.Sub(t.At) < rush
	}
	return now.Sub(t.At) < day
}

// Spend takes a notice of a chain out of the budget, or says why it isn't to
// be sent. again is whether it has been taken before and still counts: then it
// spends nothing and goes out under the same dedup id, unless the chain was
// blocked in between.
func (b Budget) Spend(n Told, chain string) (left Budget, again bool, err error) {
	again = slices.ContainsFunc(b.Told, func(t Told) bool { return t.Notice == n.Notice && t.counts(n.At) })
	if slices.Contains(b.Blocked, chain) {
		return b, again, ErrBlocked
	}
	if again {
		return b, true, nil
	}
	left.Blocked = b.Blocked
	ofDay, ofRush := 0, 0
	for _, t := range b.Told {
		if !t.counts(n.At) {
			continue
		}
		left.Told = append(left.Told, t)
		if !t.Office {
			ofDay++
		}
		if n.At.Sub(t.At) < rush {
			ofRush++
		}
	}
	if ofRush >= NoticesARush || !n.Office && ofDay >= NoticesADay {
		return b, false, ErrOverBudget
	}
	left.Told = append(left.Told, n)
	return left, false, nil
}

// FreeAt is when nothing of the budget counts any more.
func (b Budget) FreeAt() (at time.Time) {
	for _, t := range b.Told {
		if end := t.At.Add(day); end.After(at) {
			at = end
		}
	}
	return at
}
