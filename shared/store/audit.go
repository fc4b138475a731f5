package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// Change is an entry of a chain's audit list: what somebody did, to what, and
// what was so before and is after, of the fields that it changed alone.
type Change struct {
	N      int       // counts the chain's changes from 1
	At     time.Time // zero: from before the list had it
	Who    Who       // zero: nobody, a rule of the chain or one from before the list had it
	What   string
	Target Target
	Before Fields
	After  Fields
}

// Who is somebody who changes a chain: Name as it was then, "" for who was
// erased since (infra/decisions/14-erasing.md).
type Who struct {
	Person string
	Corp   string
	Name   string `dynamodbav:",omitempty"`
}

// Target is what a change is of. Kind is "chain", "group", "partner",
// "partners", "person", "rule", "import", "invites", "application" or "conflict";
// the plural has its ids in the change.
type Target struct {
	Kind string
	ID   string `dynamodbav:",omitempty"`
	Name string `dynamodbav:",omitempty"` // as it was
}

// Fields are some of a thing's fields by the names that the API gives them.
type Fields map[string]any

// contrast is the fields that two have differently; they have the same ones.
func contrast(was, is Fields) (before, after Fields) {
	before, after = Fields{}, Fields{}
	for name := range is {
		if was[name] != is[name] {
			before[name], after[name] = was[name], is[name]
		}
	}
	return before, after
}

// signature is in whose name a store changes chains, and when.
type signature struct {
	who  Who
	at   time.Time
	turn *sync.Mutex
}

// inTurn waits until no other change in that name is being written, and ends the
// turn by what it gives. All that one admin decides at once meets at the list's
// end: one after the other is faster there than each against all. Without a
// signature nothing waits.
func (g *signature) inTurn() (end func()) {
	if g == nil {
		return func() {}
	}
	g.turn.Lock()
	return g.turn.Unlock
}

// By is the store in an admin's hands: what is changed by it stands in the
// chain's audit list as theirs, by the transaction that changes it. Without, no
// more is noted than imports need.
func (s *Store) By(a network.Actor, now time.Time) *Store {
	signed := *s
	signed.by = &signature{Who{a.Person.ID, a.Corp.ID, a.Person.Name}, now, &sync.Mutex{}}
	return &signed
}

// viewedAs is what the one entry says that changes nothing.
const viewedAs = "viewed_as"

// LogView notes in the audit list that the admin who signs has looked at the
// chain with somebody else's eyes, and at what of it. No plan is about it. It
// names the other by id alone, since from a partner's people nothing would lead
// to it once they are erased; Audit adds the name while they are in that corp.
func (s *Store) LogView(ctx context.Context, as network.Actor, what string) error {
	note := changeItem{What: viewedAs, Target: &Target{Kind: "person", ID: as.Person.ID}, After: Fields{"corp_id": as.Corp.ID, "viewed": what}}
	err := s.commit(ctx, func() (*tx, error) {
		t := s.tx()
		return t, s.logChange(ctx, t, as.Chain.ID, note)
	}, func(int, map[string]types.AttributeValue) error { return nil }) // another was faster
	return wrap("log view", err)
}

// nameless are those whom an entry names by their ids alone: who did it, and
// as whom they looked.
func (c Change) nameless() (who, target key) {
	if c.Who.Name == "" && c.Who.Person != "" {
		who = memberKey(c.Who.Person, c.Who.Corp)
	}
	if corp, _ := c.After["corp_id"].(string); c.What == viewedAs {
		target = memberKey(c.Target.ID, corp)
	}
	return who, target
}

// isChange reports whether the write that was refused is the audit list's own:
// another change was faster, and this one is to be read and tried again.
func isChange(old map[string]types.AttributeValue) bool {
	return strings.HasSuffix(keyOf(old).PK, changesSuffix)
}

// Audit is a page of a chain's audit list, newest first. next is "" at the end.
func (s *Store) Audit(ctx context.Context, chain, cursor string, limit int) (page []Change, next string, err error) {
	pk := changeKey(chain, 0).PK
	in := &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(int32(limit)),
		KeyConditionExpression:    aws.String("PK = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(pk)},
	}
	if cursor != "" {
		last, err := decodeCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		n, err := strconv.Atoi(last)
		if err != nil || n < 1 {
			return nil, "", network.ErrCursor
		}
		in.ExclusiveStartKey = changeKey(chain, n).attrs()
	}
	out, err := s.db.Query(ctx, in)
	if err != nil {
		return nil, "", wrap("audit", err)
	}
	var nameless []key
	for _, raw := range out.Items {
		var it changeItem
		if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
			return nil, "", wrap("audit", err)
		}
		c := it.change()
		who, target := c.nameless()
		nameless = append(nameless, who, target)
		page = append(page, c)
	}
	if out.LastEvaluatedKey != nil && len(page) > 0 {
		next = encodeCursor(keyOf(out.LastEvaluatedKey).SK)
	}
	return page, next, wrap("audit", s.nameThem(ctx, page, nameless))
}

// nameThem names whom an entry doesn't: an import that goes on by itself knows
// its maker's id alone, a view as somebody theirs. Who is in the corp no more has
// no name here.
func (s *Store) nameThem(ctx context.Context, page []Change, nameless []key) error {
	nameless = slices.DeleteFunc(unique(nameless), func(k key) bool { return k == key{} })
	found, err := s.batchGet(ctx, false, nameless...)
	if err != nil {
		return err
	}
	for i, c := range page {
		who, target := c.nameless()
		for k, name := range map[key]*string{who: &page[i].Who.Name, target: &page[i].Target.Name} {
			var it memberItem
			if ok, err := found.into(k, &it); err != nil {
				return err
			} else if ok {
				*name = it.Card.Name
			}
		}
	}
	return nil
}

// unnameChanges takes a person's name off a chain's audit list: what they did
// stays, under their id.
func (s *Store) unnameChanges(ctx context.Context, person, chain string) error {
	in := &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("PK = :pk"),
		FilterExpression:          aws.String("Who.Person = :p AND attribute_exists(Who.#n) OR Target.ID = :p AND attribute_exists(Target.#n)"),
		ProjectionExpression:      aws.String("PK, SK, Who, Target"),
		ExpressionAttributeNames:  map[string]string{"#n": "Name"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(changeKey(chain, 0).PK), ":p": str(person)},
	}
	return s.queryPages(ctx, in, func(raw map[string]types.AttributeValue) error {
		var it changeItem
		if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
			return err
		}
		if it.Who != nil && it.Who.Person == person {
			if _, err := s.update(ctx, it.key, "REMOVE Who.#n", "attribute_exists(PK)", map[string]string{"#n": "Name"}, nil); err != nil {
				return err
			}
		}
		if it.Target != nil && it.Target.ID == person {
			_, err := s.update(ctx, it.key, "REMOVE Target.#n", "attribute_exists(PK)", map[string]string{"#n": "Name"}, nil)
			return err
		}
		return nil
	})
}
