package store

import (
	"context"
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// changeItem is something that an admin did to a chain's partners or to who
// sees them, or had an import do. They are numbered without a gap: who writes the next one has seen
// all before it. Who joins or leaves changes nothing that a plan is about.
type changeItem struct {
	key
	What     string   // "partner_edited", "partner_removed", "import_applied", "import_reverted", "rule_added", "rule_edited", "rule_removed"
	Partners []string `dynamodbav:",stringset,omitempty"` // ids, and those that a 自定义企业ID is
	Import   string   `dynamodbav:",omitempty"`           // whose plan says which partners
}

// lastChange is the number of a chain's last change, 0 if there was none.
func (s *Store) lastChange(ctx context.Context, chain string) (int, error) {
	out, err := s.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(1),
		KeyConditionExpression:    aws.String("PK = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(changeKey(chain, 0).PK)},
	})
	if err != nil || len(out.Items) == 0 {
		return 0, err
	}
	return strconv.Atoi(keyOf(out.Items[0]).SK)
}

// logChange adds the chain's next change to a transaction, which is refused if
// another is faster.
func (s *Store) logChange(ctx context.Context, t *tx, chain string, c changeItem) error {
	n, err := s.lastChange(ctx, chain)
	if err != nil {
		return err
	}
	c.key = changeKey(chain, n+1)
	t.put(c, "attribute_not_exists(PK)", nil)
	return nil
}

// changed are the ids by which a plan may be about a partner: its own, and
// those that the 自定义企业IDs are which it had and has.
func changed(was, is network.Partner) []string {
	ids := []string{is.ID}
	for _, custom := range []string{was.CustomID, is.CustomID} {
		if custom != "" {
			ids = append(ids, network.CustomPartnerID(is.Chain, custom))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// touched reports whether a change after the n-th touches an import's plan,
// and which was the last that it has looked at.
func (s *Store) touched(ctx context.Context, imp network.Import, it importItem) (touched bool, last int, err error) {
	last = it.From
	var since []changeItem
	in := &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("PK = :pk AND SK > :sk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(changeKey(imp.Chain, 0).PK), ":sk": str(changeKey(imp.Chain, it.From).SK)},
	}
	err = s.queryPages(ctx, in, func(raw map[string]types.AttributeValue) error {
		var c changeItem
		if err := attributevalue.UnmarshalMap(raw, &c); err != nil {
			return err
		}
		since = append(since, c)
		n, err := strconv.Atoi(c.SK)
		last = n
		return err
	})
	for _, c := range since {
		if err != nil || touched {
			break
		}
		if c.Import != "" {
			touched, err = s.meet(ctx, imp, it, c.Import)
		} else {
			touched, err = s.touches(ctx, imp, it, c.Partners)
		}
	}
	return touched, last, err
}

// A plan's touches lie sorted in segments by their first bits, so that only
// those are read that are asked for.
const segment = 4096

// segmentBits is how many first bits make the segments of n touches: about half
// full each, since hashes fall evenly.
func segmentBits(n int) int {
	if n <= segment/2 {
		return 0
	}
	return bits.Len(uint(n-1) / (segment / 2))
}

func segmentOf(t network.Touch, bits int) int { return int(uint64(t) >> 1 >> (63 - bits)) }

// touches reports whether an import's plan is about one of the partners.
func (s *Store) touches(ctx context.Context, imp network.Import, it importItem, partners []string) (bool, error) {
	asked := map[key][]network.Touch{}
	var keys []key
	for _, id := range partners {
		raw, ok := network.RawPartner(id)
		if !ok {
			continue
		}
		t := network.TouchOf(raw)
		k := touchKey(imp.Chain, imp.ID, segmentOf(t, it.TouchBits))
		if asked[k] == nil {
			keys = append(keys, k)
		}
		asked[k] = append(asked[k], t)
	}
	found, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return false, err
	}
	for k, raw := range found {
		has := touchesOf(raw)
		for _, t := range asked[k] {
			if _, ok := slices.BinarySearchFunc(has, t, compareTouches); ok {
				return true, nil
			}
		}
	}
	return false, nil
}

// meet reports whether what another import's plan changes is what this one is
// about.
func (s *Store) meet(ctx context.Context, imp network.Import, it importItem, other string) (met bool, err error) {
	if other == imp.ID {
		return false, nil
	}
	var changes []network.Touch
	err = s.queryAll(ctx, sidePartition(imp.Chain, other), "TOUCH#", true, func(raw map[string]types.AttributeValue) error {
		for _, t := range touchesOf(raw) {
			if t.Changes() {
				changes = append(changes, t)
			}
		}
		return nil
	})
	if err != nil || len(changes) == 0 {
		return false, err
	}
	// Both are sorted; segments come in their order.
	err = s.queryAll(ctx, sidePartition(imp.Chain, imp.ID), "TOUCH#", true, func(raw map[string]types.AttributeValue) error {
		for _, t := range touchesOf(raw) {
			for len(changes) > 0 && compareTouches(changes[0], t) < 0 {
				changes = changes[1:]
			}
			met = met || len(changes) > 0 && changes[0].Meets(t)
		}
		return nil
	})
	return met, err
}

func compareTouches(a, b network.Touch) int {
	switch {
	case a.Meets(b):
		return 0
	case a < b:
		return -1
	}
	return 1
}

func touchesOf(raw map[string]types.AttributeValue) []network.Touch {
	b := packedOf(raw)
	all := make([]network.Touch, 0, len(b)/8)
	for ; len(b) >= 8; b = b[8:] {
		all = append(all, network.Touch(binary.BigEndian.Uint64(b)))
	}
	return all
}

// packedOf is what a chunk's item holds.
func packedOf(raw map[string]types.AttributeValue) []byte {
	if b, ok := raw["Rows"].(*types.AttributeValueMemberB); ok {
		return b.Value
	}
	return nil
}
