package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// FeedPart is a part of what search is told of a chain: many changes, packed.
// Parts are numbered from 1 without a gap: who writes the next one has seen all
// before it. So who has a chain's index as of part n asks for what is behind n,
// and sees by a gap that n is no longer among what is kept.
type FeedPart struct {
	N    int
	Body []byte // at most MaxFeedPart bytes
}

// MaxFeedPart is how long a part may be, in bytes: ten make a page of a query.
const MaxFeedPart = 100 << 10

type feedItem struct {
	key
	Body []byte
}

// LastFeed is the number of a chain's last part, 0 if there was none.
func (s *Store) LastFeed(ctx context.Context, chain string) (int, error) {
	out, err := s.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(1),
		KeyConditionExpression:    aws.String("PK = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(feedKey(chain, 0).PK)},
	})
	if err != nil || len(out.Items) == 0 {
		return 0, wrap("last feed", err)
	}
	return strconv.Atoi(keyOf(out.Items[0]).SK)
}

// AppendFeed writes a chain's next part, and gives its number. Two at once
// write one behind the other. last is a number that the caller has seen, 0 for
// none, so that it needn't be asked for; it may be behind.
func (s *Store) AppendFeed(ctx context.Context, chain string, last int, body []byte) (n int, err error) {
	if len(body) > MaxFeedPart {
		return 0, errors.New("append feed: the part is too long")
	}
	n = last
	err = stubborn.retry(ctx, func(try int) (bool, error) {
		if n == 0 || try > 0 {
			var err error
			if n, err = s.LastFeed(ctx, chain); err != nil {
				return false, err
			}
		}
		n++
		item, err := attributevalue.MarshalMap(feedItem{feedKey(chain, n), body})
		if err != nil {
			return false, err
		}
		_, err = s.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(PK)")})
		if _, taken := errors.AsType[*types.ConditionalCheckFailedException](err); taken {
			return true, nil
		}
		return false, err
	})
	return n, wrap("append feed", err)
}

// Feed are a chain's parts behind the one of that number, in order. It costs
// half a read unit when there are none. It may be behind by a second.
func (s *Store) Feed(ctx context.Context, chain string, after int) (parts []FeedPart, err error) {
	in := &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: aws.String("PK = :pk AND SK > :sk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(feedKey(chain, 0).PK), ":sk": str(feedKey(chain, after).SK)},
	}
	err = s.queryPages(ctx, in, func(raw map[string]types.AttributeValue) error {
		var it feedItem
		if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
			return err
		}
		n, err := strconv.Atoi(it.SK)
		parts = append(parts, FeedPart{n, it.Body})
		return err
	})
	return parts, wrap("feed", err)
}

// ForgetFeed lets go of a chain's parts up to that number, which an index
// holds. The last part there is always stays, for the next is counted from it.
func (s *Store) ForgetFeed(ctx context.Context, chain string, through int) error {
	last, err := s.LastFeed(ctx, chain)
	if err != nil {
		return err
	}
	if through = min(through, last-1); through < 1 {
		return nil
	}
	var keys []key
	err = s.queryPages(ctx, &dynamodb.QueryInput{
		TableName: &s.table, ProjectionExpression: aws.String("PK, SK"),
		KeyConditionExpression:    aws.String("PK = :pk AND SK <= :sk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(feedKey(chain, 0).PK), ":sk": str(feedKey(chain, through).SK)},
	}, func(raw map[string]types.AttributeValue) error {
		keys = append(keys, keyOf(raw))
		return nil
	})
	for _, k := range keys {
		if err != nil {
			break
		}
		_, err = s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: k.attrs()})
	}
	return wrap("forget feed", err)
}

// AskRebuild says, where the stream hears it, that a chain's index is missing.
// Who asks again within askAgain asks for nothing.
func (s *Store) AskRebuild(ctx context.Context, chain string, now time.Time) error {
	k := rebuildKey(chain)
	item, err := attributevalue.MarshalMap(struct {
		key
		At       moment
		DeleteAt int64 // the broom's (R49)
	}{k, at(now), now.Add(24 * time.Hour).Unix()})
	if err != nil {
		return wrap("ask rebuild", err)
	}
	before, err := vals{"before": at(now.Add(-askAgain))}.marshal()
	if err != nil {
		return wrap("ask rebuild", err)
	}
	_, err = s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: item,
		ConditionExpression: aws.String("attribute_not_exists(PK) OR #at < :before"), ExpressionAttributeNames: hashed(map[string]string{"at": "At"}), ExpressionAttributeValues: before,
	})
	if _, asked := errors.AsType[*types.ConditionalCheckFailedException](err); asked {
		return nil
	}
	return wrap("ask rebuild", err)
}

// askAgain is when an index that was asked for should long have been there.
const askAgain = 30 * time.Second

// Everyone reads a chain's partners from the table, each with its people of the
// present epoch, joined or not. What is written meanwhile may be in it or not.
func (s *Store) Everyone(ctx context.Context, chain string, each func(network.Partner, []network.Contact) error) error {
	for i := range partnerShards {
		var some []network.Partner // whose people are read together
		people := 0
		flush := func() error {
			err := s.withPeople(ctx, chain, some, each)
			some, people = some[:0], 0
			return err
		}
		err := s.queryAll(ctx, partnerShard(chain, i), "PARTNER#", true, func(raw map[string]types.AttributeValue) error {
			var it partnerItem
			if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
				return err
			}
			if it.Alias != "" || it.Card.State == network.PartnerRemoved {
				return nil
			}
			some = append(some, it.partner(chain))
			if people += len(it.People); people < 100 { // a batch's most
				return nil
			}
			return flush()
		})
		if err == nil {
			err = flush()
		}
		if err != nil {
			return wrap("everyone", err)
		}
	}
	return nil
}

func (s *Store) withPeople(ctx context.Context, chain string, partners []network.Partner, each func(network.Partner, []network.Contact) error) error {
	var keys []key
	for _, p := range partners {
		for person := range p.People {
			keys = append(keys, contactKey(person, chain, p.ID))
		}
	}
	found, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return err
	}
	for _, p := range partners {
		var contacts []network.Contact
		for person := range p.People {
			var k contactItem
			ok, err := found.into(contactKey(person, chain, p.ID), &k)
			if err != nil {
				return err
			}
			if ok && k.Epoch == p.Epoch {
				contacts = append(contacts, k.contact())
			}
		}
		if err := each(p, contacts); err != nil {
			return err
		}
	}
	return nil
}
