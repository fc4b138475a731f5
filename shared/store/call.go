package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// callItem is when an admin was last told that a chain's applications wait, and
// by which of them.
type callItem struct {
	key
	At       moment
	By       string // the event whose notice it is
	Sent     bool   `dynamodbav:",omitempty"`
	DeleteAt int64
}

// Call asks to tell an admin of a chain that an application which was made
// since waits: at most once in a while, whichever application it is for. id is
// that of the notice, and the same again until Called has said that it was
// sent; "" if they have been told of that application by another's.
// network.ErrBusy if they were told something less than a while ago: later.
func (s *Store) Call(ctx context.Context, person, chain, event string, since, now time.Time, while time.Duration) (id string, err error) {
	k := callKey(person, chain)
	err = retry(ctx, func(int) (bool, error) {
		var it callItem
		if _, err := s.get(ctx, k, &it); err != nil {
			return false, err
		}
		told := func() string { return fmt.Sprintf("applied.%s.%s.%d", chain, person, it.At) }
		switch {
		case it.By == event && !it.Sent:
			id = told()
			return false, nil
		case it.By == event, !it.At.time().Before(since):
			id = ""
			return false, nil
		case now.Sub(it.At.time()) < while:
			return false, network.ErrBusy
		}
		cond, v := "attribute_not_exists(PK)", vals{"now": at(now), "by": event, "d": now.Add(onceFor).Unix()}
		if it.At != 0 {
			cond, v["was"] = "#at = :was", it.At
		}
		it.At = at(now)
		ok, err := s.update(ctx, k, "SET #at = :now, #by = :by, DeleteAt = :d REMOVE Sent", cond, map[string]string{"#at": "At", "#by": "By"}, v)
		if ok {
			id = told()
		}
		return err == nil && !ok, err
	})
	return id, wrap("call", err)
}

// Called notes that the notice of a Call was sent.
func (s *Store) Called(ctx context.Context, person, chain, event string) error {
	err := s.updateOnce(ctx, callKey(person, chain), "SET Sent = :yes", "#by = :by", map[string]string{"#by": "By"}, vals{"yes": true, "by": event})
	return wrap("called", err)
}
