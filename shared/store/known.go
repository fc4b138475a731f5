package store

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// existing reads, for a planner, the partners that it waits for, removed ones
// too; all those of rosters, if it is to know whom no row names. Where an id is
// made of a 自定义企业ID that was given to another partner, that one too (R27).
//
// A few are asked for one by one. For many the chain is read in pages, which
// costs a row a tenth; but not to its end if it is so large that this has come
// to cost more than to ask for each.
func (s *Store) existing(ctx context.Context, chain string, planner *network.Planner, all bool) error {
	k := knower{planner: planner, all: all}
	var left []key
	asked := 0
	for id := range planner.Expected() {
		asked++
		if asked <= fewRows {
			left = append(left, partnerKey(chain, id.Partner()))
		}
	}
	if all || asked > fewRows {
		var pages [partnerShards]shardPages
		worth := float64(asked) / 2 // an item is half a unit
		if all {
			worth = 1 << 40
		}
		if err := s.pageShards(ctx, chain, &pages, worth, &k); err != nil {
			return err
		}
		left = left[:0]
		if readWhole(&pages) {
			return s.signposted(ctx, chain, &k)
		}
		for id := range planner.Expected() {
			at := partnerKey(chain, id.Partner())
			if sh := &pages[shard(id.Partner(), partnerShards)]; !sh.end && at.SK > sh.last {
				left = append(left, at)
			}
		}
	}
	for len(left) > 0 { // a batch at a time: what was read is let go of
		part := left[:min(len(left), 100)]
		left = left[len(part):]
		got, err := s.batchGet(ctx, false, part...)
		if err != nil {
			return err
		}
		for _, raw := range got {
			if err := k.take(raw); err != nil {
				return err
			}
		}
	}
	return s.signposted(ctx, chain, &k)
}

// fewRows is up to how many partners it is always cheaper to ask for each.
const fewRows = 200

// pagers is how many of a chain's shards are read at a time: a page's megabyte
// takes several while it is taken apart.
const pagers = 4

// shardPages is how far a shard has been read: to the last sort key, or to its
// end.
type shardPages struct {
	last string
	end  bool
}

func readWhole(pages *[partnerShards]shardPages) bool {
	for i := range pages {
		if !pages[i].end {
			return false
		}
	}
	return true
}

// pageShards reads a chain's partners, until that has cost what it is worth.
func (s *Store) pageShards(ctx context.Context, chain string, pages *[partnerShards]shardPages, worth float64, k *knower) error {
	var mu sync.Mutex
	cost := 0.0
	var errs [partnerShards]error
	var wg sync.WaitGroup
	slots := make(chan struct{}, pagers)
	for i := range pages {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			in := &dynamodb.QueryInput{
				TableName: &s.table, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
				KeyConditionExpression:    aws.String("PK = :pk"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(partnerShard(chain, i))},
			}
			for {
				mu.Lock()
				enough := cost >= worth
				mu.Unlock()
				if enough {
					return
				}
				out, err := s.db.Query(ctx, in)
				if err != nil {
					errs[i] = err
					return
				}
				mu.Lock()
				for _, raw := range out.Items {
					errs[i] = errors.Join(errs[i], k.take(raw))
				}
				if out.ConsumedCapacity != nil {
					cost += aws.ToFloat64(out.ConsumedCapacity.CapacityUnits)
				}
				if n := len(out.Items); n > 0 {
					pages[i].last = keyOf(out.Items[n-1]).SK
				}
				mu.Unlock()
				if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
					pages[i].end = true
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs[:]...)
}

// knower tells a planner of items of partners. It reads them by hand: of a
// roster that is uploaded again, they are most of the work.
type knower struct {
	planner   *network.Planner
	all       bool
	signposts []signpost
}

type signpost struct{ from, to network.RawID }

func (k *knower) take(raw map[string]types.AttributeValue) error {
	id, ok := network.RawPartner(afterLast(textOf(raw, "SK")))
	if !ok {
		return errors.New("a partner without an id")
	}
	card, _ := raw["Card"].(*types.AttributeValueMemberM)
	if !k.planner.Waits(id) && !(k.all && card != nil && flagOf(card.Value, "Imported")) {
		return nil
	}
	if alias := textOf(raw, "Alias"); alias != "" {
		to, ok := network.RawPartner(alias)
		if !ok {
			return errors.New("a signpost to nowhere")
		}
		k.signposts = append(k.signposts, signpost{id, to})
		return nil
	}
	if card == nil {
		return errors.New("a partner without a card")
	}
	k.planner.Know(id, network.Known{
		Name: textOf(card.Value, "Name"), CustomID: textOf(card.Value, "CustomID"), State: network.PartnerState(textOf(card.Value, "State")),
		Imported: flagOf(card.Value, "Imported"), Group: numberOf(card.Value, "Group"), Epoch: numberOf(raw, "Epoch"),
	}, peopleOf(raw))
	return nil
}

// signposted reads the partners that signposts show the way to.
func (s *Store) signposted(ctx context.Context, chain string, k *knower) error {
	posts := k.signposts
	var keys []key
	for _, p := range posts {
		k.planner.Expect(p.to)
		if k.planner.Waits(p.to) {
			keys = append(keys, partnerKey(chain, p.to.Partner()))
		}
	}
	got, err := s.batchGet(ctx, true, unique(keys)...)
	if err != nil {
		return err
	}
	for _, raw := range got {
		if err := k.take(raw); err != nil {
			return err
		}
	}
	for _, p := range posts {
		if !k.planner.Waits(p.to) {
			k.planner.Signpost(p.from, p.to)
		}
	}
	return nil
}

func textOf(raw map[string]types.AttributeValue, name string) string {
	if s, ok := raw[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func flagOf(raw map[string]types.AttributeValue, name string) bool {
	b, ok := raw[name].(*types.AttributeValueMemberBOOL)
	return ok && b.Value
}

func numberOf(raw map[string]types.AttributeValue, name string) int {
	if n, ok := raw[name].(*types.AttributeValueMemberN); ok {
		i, err := strconv.Atoi(n.Value)
		if err == nil {
			return i
		}
	}
	return 0
}

func peopleOf(raw map[string]types.AttributeValue) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		people, ok := raw["People"].(*types.AttributeValueMemberM)
		if !ok {
			return
		}
		for person := range people.Value {
			if !yield(person, textOf(people.Value, person)) {
				return
			}
		}
	}
}
