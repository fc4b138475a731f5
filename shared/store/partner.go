package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// partnerItem is a partner. Card is what a list shows, and all that the list
// index copies; People can grow to a thousand entries and stays out of it.
type partnerItem struct {
	key
	LPK     string `dynamodbav:",omitempty"` // absent: removed, in no list
	LSK     string `dynamodbav:",omitempty"`
	Card    partnerCard
	People  map[string]string
	Import  string `dynamodbav:",omitempty"`
	Epoch   int
	Edition int
	Gate    int    // the gate that counted it when it joined
	Alias   string `dynamodbav:",omitempty"` // a signpost: the partner that has this 自定义企业ID now; the rest, if any, is of a removed one
}

type partnerCard struct {
	Name     string
	Alias    string `dynamodbav:",omitempty"`
	CustomID string `dynamodbav:",omitempty"`
	Group    int
	State    network.PartnerState
	Corp     string `dynamodbav:",omitempty"`
	Imported bool   `dynamodbav:",omitempty"`
	Contacts int
	Joined   int
	JoinedAt moment `dynamodbav:",omitempty"`
}

func newPartnerItem(p network.Partner, gate int) partnerItem {
	l := partnerList(p.Chain, p)
	people := p.People
	if people == nil {
		people = map[string]string{}
	}
	return partnerItem{
		key: partnerKey(p.Chain, p.ID), LPK: l.PK, LSK: l.SK,
		Card:   partnerCard{p.Name, p.Alias, p.CustomID, p.Group, p.State, p.Corp, p.Imported, p.Contacts, p.Joined, at(p.JoinedAt)},
		People: people, Import: p.Import, Epoch: p.Epoch, Edition: p.Edition, Gate: gate,
	}
}

func (i partnerItem) partner(chain string) network.Partner {
	p := listed(chain, afterLast(i.SK), i.Card)
	p.People, p.Import, p.Epoch, p.Edition = i.People, i.Import, i.Epoch, i.Edition
	return p
}

func listed(chain, id string, c partnerCard) network.Partner {
	return network.Partner{
		ID: id, Chain: chain, Name: c.Name, Alias: c.Alias, CustomID: c.CustomID, Group: c.Group, State: c.State, Corp: c.Corp,
		Imported: c.Imported, Contacts: c.Contacts, Joined: c.Joined, JoinedAt: c.JoinedAt.time(),
	}
}

func listedPartner(chain string, raw map[string]types.AttributeValue) (network.Partner, error) {
	var it partnerItem
	err := attributevalue.UnmarshalMap(raw, &it)
	return listed(chain, afterLast(it.SK), it.Card), err
}

// Partner is the partner of that id, or ErrNotFound; a removed one too.
func (s *Store) Partner(ctx context.Context, chain, id string) (network.Partner, error) {
	it, err := s.partnerItem(ctx, chain, id)
	return it.partner(chain), err
}

func (s *Store) partnerItem(ctx context.Context, chain, id string) (partnerItem, error) {
	var it partnerItem
	found, err := s.get(ctx, partnerKey(chain, id), &it)
	if err != nil {
		return it, wrap("partner", err)
	}
	if !found || it.Alias != "" || it.Card.State == network.PartnerRemoved {
		return it, network.ErrNotFound
	}
	return it, nil
}

// PartnerQuery says which partners to list: of a group, or of the whole chain
// if Group is 0; in a state, or in any if State is "".
type PartnerQuery struct {
	Group  int
	State  network.PartnerState
	Cursor string
	Limit  int
}

// Partners lists a chain's partners: who has joined first, then by group and
// name. It costs the same in a chain of any size: one request a shard, and
// once more if nobody there has joined. A page may be short; next is "" at
// the end alone.
func (s *Store) Partners(ctx context.Context, chain string, q PartnerQuery) (found []network.Partner, next string, err error) {
	classes := []string{"0", "1", "2"}
	if q.State != "" {
		classes = []string{class(q.State)}
	}
	last := ""
	if q.Cursor != "" {
		if last, err = decodeCursor(q.Cursor); err != nil {
			return nil, "", err
		}
	}
	asked := 0
	for _, class := range classes {
		if last != "" && class < last[:1] {
			continue // the cursor is past it
		}
		if asked == 2 {
			return found, encodeCursor(class), nil // two rounds are what a page may cost
		}
		asked++
		prefix := class + "#"
		if q.Group != 0 {
			prefix += fmt.Sprintf("%010d#", q.Group)
		}
		page, more, err := s.mergeShards(ctx, func(i int) string { return listShard(chain, i) }, prefix, last, q.Limit-len(found))
		if err != nil {
			return nil, "", wrap("partners", err)
		}
		for _, raw := range page {
			p, err := listedPartner(chain, raw)
			if err != nil {
				return nil, "", wrap("partners", err)
			}
			found = append(found, p)
		}
		if more != "" {
			return found, encodeCursor(more), nil
		}
	}
	return found, "", nil
}

// mergeShards is a page of the list index's shards under prefix, from behind last on,
// in the order of the sort keys over all shards. more is the last sort key if
// there may be others behind it.
func (s *Store) mergeShards(ctx context.Context, in func(shard int) string, prefix, last string, limit int) (page []map[string]types.AttributeValue, more string, err error) {
	// Names fall on shards by chance: so much from each nearly always fills
	// the page, and where it doesn't the page is short, never wrong.
	each := min(limit, limit/listShards+limit/8+4)
	end := prefix + "\U0010ffff"
	if last > end {
		return nil, "", nil // a cursor of somewhere else
	}
	type shardPage struct {
		items []map[string]types.AttributeValue
		end   string // the last sort key, if the shard has more
		err   error
	}
	shards := make([]shardPage, listShards)
	var wg sync.WaitGroup
	for i := range shards {
		wg.Go(func() {
			ask := &dynamodb.QueryInput{
				TableName: &s.table, IndexName: aws.String("list"), Limit: aws.Int32(int32(each)),
				KeyConditionExpression:    aws.String("LPK = :pk AND begins_with(LSK, :sk)"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(in(i)), ":sk": str(prefix)},
			}
			if last > prefix {
				ask.KeyConditionExpression = aws.String("LPK = :pk AND LSK BETWEEN :last AND :end")
				ask.ExpressionAttributeValues[":last"] = str(last + "\x00")
				ask.ExpressionAttributeValues[":end"] = str(end)
				delete(ask.ExpressionAttributeValues, ":sk")
			}
			out, err := s.db.Query(ctx, ask)
			if err != nil {
				shards[i].err = err
				return
			}
			shards[i].items = out.Items
			if out.LastEvaluatedKey != nil && len(out.Items) > 0 {
				shards[i].end = lskOf(out.Items[len(out.Items)-1])
			}
		})
	}
	wg.Wait()
	bound := "" // beyond it a shard may have more that we haven't seen
	for _, sh := range shards {
		if sh.err != nil {
			return nil, "", sh.err
		}
		page = append(page, sh.items...)
		if sh.end != "" && (bound == "" || sh.end < bound) {
			bound = sh.end
		}
	}
	slices.SortFunc(page, func(a, b map[string]types.AttributeValue) int { return strings.Compare(lskOf(a), lskOf(b)) })
	if bound != "" {
		page = slices.DeleteFunc(page, func(item map[string]types.AttributeValue) bool { return lskOf(item) > bound })
		more = bound
	}
	if len(page) > limit {
		page = page[:limit]
	}
	if len(page) == limit && limit > 0 {
		more = lskOf(page[limit-1])
	}
	return page, more, nil
}

// EditPartner changes a partner; edition, if not 0, must still be the
// partner's: ErrPrecondition. A 自定义企业ID that another partner has is
// ErrConflict, a group that isn't there ErrGroupNotFound.
func (s *Store) EditPartner(ctx context.Context, c network.Chain, id string, e network.PartnerEdit, edition int) (network.Partner, error) {
	var p network.Partner
	if err := e.Check(); err != nil {
		return p, err
	}
	err := s.commit(ctx, func() (*tx, error) {
		it, err := s.partnerItem(ctx, c.ID, id)
		if err != nil {
			return nil, err
		}
		if edition != 0 && edition != it.Edition {
			return nil, network.ErrPrecondition
		}
		p = it.partner(c.ID)
		was := p
		t := s.tx()
		if e.Alias != nil {
			p.Alias = *e.Alias
		}
		if e.Group != nil && *e.Group != p.Group {
			p.Group = *e.Group
			t.check(groupKey(c.ID, p.Group), "attribute_exists(PK)", nil)
		}
		if e.CustomID != nil && *e.CustomID != p.CustomID {
			if err := s.moveCustomID(ctx, t, p, *e.CustomID); err != nil {
				return nil, err
			}
			p.CustomID = *e.CustomID
		}
		if p.Alias == was.Alias && p.Group == was.Group && p.CustomID == was.CustomID {
			return nil, nil
		}
		p.Edition = s.refilePartner(t, p, it)
		note := changeItem{What: "partner_edited", Target: partnerTarget(p)}
		note.Before, note.After = contrast(partnerFields(was), partnerFields(p))
		if p.Group != was.Group || p.CustomID != was.CustomID { // what it is called here no roster says
			note.Partners = changed(was, p)
		}
		return t, s.logChange(ctx, t, c.ID, note)
	}, func(i int, old map[string]types.AttributeValue) error {
		if keyOf(old) == (key{}) {
			return network.ErrGroupNotFound // a check of nothing has nothing to show
		}
		return nil // the partner or the id changed meanwhile: read again
	})
	return p, wrap("edit partner", err)
}

func partnerTarget(p network.Partner) *Target { return &Target{"partner", p.ID, p.Name} }

// partnerFields are those of a partner that an admin can change.
func partnerFields(p network.Partner) Fields {
	return Fields{"alias": p.Alias, "custom_id": p.CustomID, "group_id": p.Group}
}

// refilePartner writes what lists show of a partner, and where, as its next
// edition.
func (s *Store) refilePartner(t *tx, p network.Partner, was partnerItem) (edition int) {
	l := partnerList(p.Chain, p)
	edition = was.Edition + 1
	t.update(was.key, "SET Card = :card, LPK = :lpk, LSK = :lsk, Edition = :e", "Edition = :was", nil,
		vals{"card": newPartnerItem(p, was.Gate).Card, "lpk": l.PK, "lsk": l.SK, "e": edition, "was": was.Edition})
	return edition
}

// moveCustomID claims a 自定义企业ID for a partner whose key isn't made of it:
// a signpost stands at the key that is (R25). The one that it had is let go.
// ErrConflict if another partner has it. A removed one has nothing any more;
// but its item stays, for the epoch that is over must stay so (R38).
func (s *Store) moveCustomID(ctx context.Context, t *tx, p network.Partner, to string) error {
	if err := s.freeCustomID(ctx, t, p); err != nil {
		return err
	}
	at := customKey(p.Chain, to)
	if to == "" || at == partnerKey(p.Chain, p.ID) {
		return nil
	}
	var is partnerItem
	found, err := s.get(ctx, at, &is)
	switch {
	case err != nil:
		return err
	case !found:
		t.put(struct {
			key
			Alias string
		}{at, p.ID}, "attribute_not_exists(PK)", nil)
	case is.Alias == "" && is.Card.State == network.PartnerRemoved:
		t.update(at, "SET Alias = :p, Edition = Edition + :one", "Edition = :e", nil, vals{"p": p.ID, "one": 1, "e": is.Edition})
	default:
		return network.ErrConflict
	}
	return nil
}

// freeCustomID takes away the signpost to a partner, if it has one. It is
// changed with the partner only, so the partner's edition guards it.
func (s *Store) freeCustomID(ctx context.Context, t *tx, p network.Partner) error {
	at := customKey(p.Chain, p.CustomID)
	if p.CustomID == "" || at == partnerKey(p.Chain, p.ID) {
		return nil
	}
	var is partnerItem
	found, err := s.get(ctx, at, &is)
	switch {
	case err != nil || !found || is.Alias != p.ID:
		return err
	case is.Card.State == "":
		t.remove(at, "", nil)
	default:
		t.update(at, "SET Edition = Edition + :one REMOVE Alias", "", nil, vals{"one": 1})
	}
	return nil
}

// RemovePartner takes a partner out of a chain: one that has joined loses its
// place with this write (R38), one that is still to join its notices (R33).
// Its 自定义企业ID is free again.
// Who has joined isn't touched, for their epoch is over. Who was to is withdrawn
// (R32): of a partner that is to come before it goes, so that a removal which
// breaks off is taken up by the next; else after, for access ends first.
func (s *Store) RemovePartner(ctx context.Context, chain, id string, edition int, now time.Time) error {
	was, err := s.partnerItem(ctx, chain, id)
	if err != nil {
		return wrap("remove partner", err)
	}
	if edition != 0 && edition != was.Edition {
		return network.ErrPrecondition
	}
	if was.Card.State == network.PartnerPending {
		if err := s.callOff(ctx, chain, was); err != nil {
			return wrap("remove partner", err)
		}
	}
	err = s.commit(ctx, func() (*tx, error) {
		it, err := s.partnerItem(ctx, chain, id)
		if err != nil {
			return nil, err
		}
		if edition != 0 && edition != it.Edition {
			return nil, network.ErrPrecondition
		}
		t := s.tx()
		if err := s.freeCustomID(ctx, t, it.partner(chain)); err != nil {
			return nil, err
		}
		s.endPartner(t, it)
		p := it.partner(chain)
		note := changeItem{What: "partner_removed", Partners: changed(p, p), Target: partnerTarget(p), Before: partnerFields(p)}
		note.Before["state"], note.Before["joined"], note.Before["contacts"] = string(p.State), p.Joined, p.Contacts
		if err := s.logChange(ctx, t, chain, note); err != nil {
			return nil, err
		}
		if it.Card.Corp != "" {
			t.update(corpKey(it.Card.Corp), "SET Places.#c = :place, Version = Version + :one", "attribute_exists(PK)", map[string]string{"c": chain},
				vals{"place": placeItem{Side: network.Guest, Partner: id, Epoch: it.Epoch, Out: true, RemovedAt: at(now)}, "one": 1})
		}
		if it.Card.State == network.PartnerJoined {
			s.uncount(t, chain, it.Gate)
		}
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	if err == nil && was.Card.State != network.PartnerPending {
		err = s.callOff(ctx, chain, was)
	}
	return wrap("remove partner", err)
}

// endPartner ends a partner's epoch, and all that hangs on it (R38).
func (s *Store) endPartner(t *tx, it partnerItem) {
	t.update(it.key, "SET Card.#s = :removed, Card.Joined = :none, Card.Contacts = :none, People = :nobody, Epoch = Epoch + :one, Edition = Edition + :one REMOVE LPK, LSK, Card.Corp, Card.JoinedAt, Card.CustomID",
		"Edition = :e", map[string]string{"s": "State"},
		vals{"removed": network.PartnerRemoved, "none": 0, "nobody": map[string]string{}, "one": 1, "e": it.Edition})
}

// uncount gives a partner's place in the chain's quota back to the gate that
// counted it (R47).
func (s *Store) uncount(t *tx, chain string, gate int) {
	t.update(gateKey(chain, gate), "SET Joined = Joined - :one", "Joined > :none", nil, vals{"one": 1, "none": 0})
}
