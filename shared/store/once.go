package store

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// Once is an Idempotency-Key: what it made the first time is answered again
// for 24 hours (api.md). The zero Once makes anew each time.
type Once struct {
	Person, Corp string // whose key it is
	Kind         string // what is made: "corp", "chain", …
	Key          string // as the client sent it
	Body         string // fingerprint of the request; another one is ErrIdempotency
	Now          time.Time
}

type onceItem struct {
	key
	Body     string
	Ref      string
	At       moment
	FreeAt   int64
	DeleteAt int64
}

const onceFor = 24 * time.Hour

// errSame ends a commit that finds its wish fulfilled.
var errSame = errors.New("done already")

func ignoreSame(err error) error {
	if errors.Is(err, errSame) {
		return nil
	}
	return err
}

// once commits what build says, together with a note of the key, the new id
// and the time. If the key was used before, nothing is written, and id and made
// become those of the first time: all that is made is made of the request,
// its id and its time, so the caller can answer as it did then.
//
// refused judges the failed conditions of build's own writes; nil means that
// they are ErrConflict.
func (s *Store) once(ctx context.Context, o Once, id *string, made *time.Time, build func() (*tx, error), refused func(i int, old map[string]types.AttributeValue) error) error {
	known := func(first onceItem) error {
		if first.Body != o.Body {
			return network.ErrIdempotency
		}
		*id, *made = first.Ref, first.At.time()
		return errSame
	}
	used := func() error {
		var first onceItem
		if o.Key == "" {
			return nil
		}
		found, err := s.get(ctx, onceKey(o.Person, o.Corp, o.Kind, o.Key), &first)
		if err != nil || !found || first.FreeAt <= o.Now.Unix() {
			return err
		}
		return known(first)
	}
	n := 0
	err := s.commit(ctx, func() (*tx, error) {
		// Asked first, so that build doesn't trip over what it made.
		if err := used(); err != nil {
			return nil, err
		}
		t, err := build()
		if err != nil {
			// It may have, after all: made in between.
			return nil, cmp.Or(used(), err)
		}
		if t == nil {
			return nil, nil
		}
		n = len(t.items)
		if o.Key != "" {
			until := o.Now.Add(onceFor).Unix()
			t.put(onceItem{onceKey(o.Person, o.Corp, o.Kind, o.Key), o.Body, *id, at(*made), until, until},
				"attribute_not_exists(PK) OR FreeAt <= :now", vals{"now": o.Now.Unix()})
			// First, because it is the most telling condition.
			t.items = append(t.items[n:], t.items[:n]...)
		}
		return t, nil
	}, func(i int, old map[string]types.AttributeValue) error {
		if o.Key != "" {
			if i == 0 {
				var first onceItem
				if err := attributevalue.UnmarshalMap(old, &first); err != nil {
					return err
				}
				return known(first)
			}
			i--
		}
		if refused == nil {
			return network.ErrConflict
		}
		return refused(i, old)
	})
	return ignoreSame(err)
}
