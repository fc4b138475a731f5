package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/store"
)

// indexer is the door between the table's stream and search.
type indexer struct {
	store   *store.Store
	objects *s3.Client
	bucket  string
	last    map[string]int // by chain: the last part of its feed that this instance has seen
}

const (
	perPart   = 1000 // records that become one part of a chain's feed
	foldEvery = 32   // parts; a search that comes cold reads so many at most, and as many again where a fold was lost
	chainsMax = 1000 // that last remembers
)

// take puts what the records say into the feeds of their chains. What fails is
// taken again as a whole: each change bears its edition, so that a repeat
// changes nothing.
func (i *indexer) take(ctx context.Context, records []events.DynamoDBEventRecord) error {
	changes := map[string]*feed.Changes{}
	missing := map[string]bool{}
	erased := map[string]bool{} // of whom nothing may stay in the feed
	for _, r := range records {
		m, err := store.ReadImage(r.Change)
		if err != nil {
			return err
		}
		if m.Chain == "" {
			continue
		}
		if m.Rebuild {
			missing[m.Chain] = true
			continue
		}
		c := changes[m.Chain]
		if c == nil {
			c = &feed.Changes{}
			changes[m.Chain] = c
		}
		c.Partner(m.WasPartner, m.IsPartner)
		c.Contact(m.WasContact, m.IsContact)
		erased[m.Chain] = erased[m.Chain] || m.IsContact != nil && m.IsContact.Erased()
	}
	for _, chain := range slices.Sorted(maps.Keys(changes)) {
		if err := i.tell(ctx, chain, *changes[chain], erased[chain]); err != nil {
			return fmt.Errorf("tell: %w", err)
		}
	}
	for _, chain := range slices.Sorted(maps.Keys(missing)) {
		if err := i.mend(ctx, chain); err != nil {
			return fmt.Errorf("mend: %w", err)
		}
	}
	return nil
}

// tell appends changes to a chain's feed, and folds it when it has grown, or must
// be forgotten.
func (i *indexer) tell(ctx context.Context, chain string, c feed.Changes, fold bool) error {
	if c.Len() == 0 {
		return nil
	}
	parts, err := c.Pack(store.MaxFeedPart)
	if err != nil {
		return err
	}
	for _, part := range parts {
		n, err := i.store.AppendFeed(ctx, chain, i.last[chain], part)
		if err != nil {
			return err
		}
		if len(i.last) > chainsMax {
			clear(i.last)
		}
		i.last[chain] = n
		// The first part of a chain's is where its index begins: of one that is
		// older than its feed, with all that was there before.
		fold = fold || n == 1 || n%foldEvery == 0
	}
	if fold {
		return i.fold(ctx, chain)
	}
	return nil
}
