package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/store"
)

// indexes are the chains' search indexes, as long as there is room. Those that
// were asked for last stay. Safe for concurrent use.
type indexes struct {
	store  *store.Store
	bucket platform.Bucket // where the bases lie
	budget int             // bytes that all may take together; the one in use stays in any case

	mu   sync.Mutex
	kept []*kept // the one that was asked for last is last
}

type kept struct {
	chain string

	mu     sync.Mutex
	base   feed.Base // Index is nil: not read yet
	places int       // bytes that the places take, once they are known
	sums   int       // and the sums
	bytes  int       // that all of it takes
}

// errNoIndex is of a chain that has no index, or none that can be read.
var errNoIndex = errors.New("no index")

// of is a chain's index with all that its feed says: one query where nothing
// has changed. stale says that what has changed can't be told any more. The base
// is the caller's until they release it; its places are known if they want it.
func (x *indexes) of(ctx context.Context, chain string, places bool) (k *kept, stale bool, err error) {
	k = x.take(chain)
	k.mu.Lock()
	stale, err = x.refresh(ctx, k)
	if err != nil {
		k.mu.Unlock()
		return nil, false, err
	}
	if places {
		k.places = k.base.KnowPlaces()
	}
	x.fit(k)
	return k, stale, nil
}

func (k *kept) release() { k.mu.Unlock() }

func (x *indexes) refresh(ctx context.Context, k *kept) (stale bool, err error) {
	for fresh := false; ; fresh = true {
		if k.base.Index == nil {
			if k.base, err = x.load(ctx, k.chain); err != nil {
				return false, err
			}
			fresh = true
		}
		parts, err := x.store.Feed(ctx, k.chain, k.base.Through)
		if err != nil {
			return false, err
		}
		k.base.Through, err = k.base.Apply(parts)
		if err == nil || fresh {
			return err != nil, nil
		}
		// What lies between has been folded into the base.
		base, err := x.load(ctx, k.chain)
		switch {
		case errors.Is(err, errNoIndex):
			return true, nil
		case err != nil:
			return false, err
		case base.Through > k.base.Through:
			k.base = base
		}
	}
}

// take is the place of a chain's index, which has been asked for.
func (x *indexes) take(chain string) *kept {
	x.mu.Lock()
	defer x.mu.Unlock()
	k := &kept{chain: chain}
	if i := slices.IndexFunc(x.kept, func(k *kept) bool { return k.chain == chain }); i >= 0 {
		k = x.kept[i]
		x.kept = slices.Delete(x.kept, i, i+1)
	}
	x.kept = append(x.kept, k)
	return k
}

// fit lets go of what was asked for longest ago until the rest fits.
func (x *indexes) fit(used *kept) {
	x.mu.Lock()
	defer x.mu.Unlock()
	used.bytes = used.base.Index.Bytes() + used.places + used.sums
	sum := 0
	for i := len(x.kept) - 1; i >= 0; i-- {
		if sum += x.kept[i].bytes; sum > x.budget && x.kept[i] != used {
			x.kept = slices.Delete(x.kept, 0, i+1)
			return
		}
	}
}

// load reads a chain's base: errNoIndex if there is none that can be read.
func (x *indexes) load(ctx context.Context, chain string) (feed.Base, error) {
	p, err := x.bucket.Get(ctx, feed.Object(chain))
	if err == nil {
		var base feed.Base
		if base, err = feed.OpenBase(p); err == nil {
			return base, nil
		}
	}
	if errors.Is(err, platform.ErrNoObject) || errors.Is(err, search.ErrCorrupt) {
		return feed.Base{}, errNoIndex
	}
	return feed.Base{}, fmt.Errorf("index: %w", err)
}
