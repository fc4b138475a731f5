package store

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// disputeItem is a conflict of R23: who chose another corp than their roster's
// partner is bound to, and the wish that an admin is to settle.
type disputeItem struct {
	key
	LPK, LSK string
	Card     disputeCard
	Wish     string           // the id of the corp that they chose, or would have made
	Industry network.Industry `dynamodbav:",omitempty"` // of that
	Version  int              `dynamodbav:",omitempty"` // of the token that they came by
	Edition  int
	Outbox   string `dynamodbav:",omitempty"`
}

type disputeCard struct {
	Partner, PartnerName string
	BoundCorp            string `dynamodbav:",omitempty"`
	Corp                 string `dynamodbav:",omitempty"`
	CorpName             string
	Person, Name, Phone  string
	Invite               string `dynamodbav:",omitempty"`
	State                network.DisputeState
	CreatedAt            moment
	ResolvedAt           moment `dynamodbav:",omitempty"`
	Resolver             string `dynamodbav:",omitempty"`
	Settled              string `dynamodbav:",omitempty"`
	Apart                bool   `dynamodbav:",omitempty"`
}

func newDisputeItem(d network.Dispute) disputeItem {
	l := disputeList(d)
	return disputeItem{
		key: disputeKey(d.Chain, d.ID), LPK: l.PK, LSK: l.SK,
		Card: disputeCard{
			d.Partner, d.PartnerName, d.BoundCorp, d.Corp, d.CorpName, d.Person, d.Name, d.Phone, d.Invite,
			d.State, at(d.CreatedAt), at(d.ResolvedAt), d.Resolver, d.Settled, d.Apart,
		},
	}
}

func (i disputeItem) dispute(chain string) network.Dispute {
	c := i.Card
	return network.Dispute{
		ID: i.SK, Chain: chain, Partner: c.Partner, PartnerName: c.PartnerName, BoundCorp: c.BoundCorp, Corp: c.Corp, CorpName: c.CorpName,
		Person: c.Person, Name: c.Name, Phone: c.Phone, Invite: c.Invite, State: c.State,
		CreatedAt: c.CreatedAt.time(), ResolvedAt: c.ResolvedAt.time(), Resolver: c.Resolver, Settled: c.Settled, Apart: c.Apart,
	}
}

// fileDispute files who can't join as a roster's partner that is bound to
// another corp, once, and answers ErrPartnerConflict; or, where an admin has
// let them in elsewhere, the membership which that gave (R15).
func (s *Store) fileDispute(ctx context.Context, q admitting, r *reading, partner string) (network.Admission, error) {
	j := r.joining
	p, ok := r.partners[partner]
	if !ok || p.PK == "" {
		return network.Admission{}, network.ErrPartnerConflict
	}
	d := network.Dispute{
		ID: network.DisputeID(j.Chain.ID, partner, j.Person.ID, j.Corp.ID), Chain: j.Chain.ID, Partner: partner, PartnerName: p.Card.Name, BoundCorp: p.Card.Corp,
		CorpName: j.Corp.Name, Person: j.Person.ID, Name: j.Person.Name, Phone: j.Person.Phone, Invite: j.Ticket.Invite, State: network.DisputeOpen, CreatedAt: j.Now,
	}
	for _, k := range j.Contacts {
		if k.Partner == partner {
			d.Name = k.Name // as the admins know them
		}
	}
	it := newDisputeItem(d)
	it.Wish, it.Version, it.Edition = j.Corp.ID, j.Ticket.Version, 1
	if q.choice.New == nil {
		it.Card.Corp = j.Corp.ID
	} else {
		it.Card.CorpName, it.Industry = q.choice.New.Name, q.choice.New.Industry
	}
	it.Outbox = network.Event{ID: "conflict." + d.ID, Kind: network.Conflicted, Chain: d.Chain, Conflict: d.ID, Partner: partner, Person: d.Person}.Encode()
	was, err := s.putNew(ctx, it)
	if err != nil {
		return network.Admission{}, err
	}
	if was.Card.State != network.DisputeResolved {
		return network.Admission{}, network.ErrPartnerConflict
	}
	for _, k := range j.Contacts {
		if k.Partner != was.Card.Settled || !k.HasJoined() {
			continue
		}
		to, err := s.partnerItem(ctx, j.Chain.ID, k.Partner)
		if errors.Is(err, network.ErrNotFound) || err == nil && to.Epoch != k.Epoch {
			break
		}
		if err != nil {
			return network.Admission{}, err
		}
		corp, err := s.Corp(ctx, k.Corp)
		return network.Admission{Contact: k, Partner: to.partner(j.Chain.ID), Corp: corp, Repeat: true}, err
	}
	if was.Card.Settled == partner {
		return network.Admission{}, network.ErrPartnerConflict // they know where they belong, and haven't come
	}
	// Where they were let in they are no more: the question is open again.
	it.Edition = was.Edition + 1
	it.Outbox = network.Event{ID: "conflict." + d.ID + "." + d.CreatedAt.UTC().Format(eventTime), Kind: network.Conflicted, Chain: d.Chain, Conflict: d.ID, Partner: partner, Person: d.Person}.Encode()
	t := s.tx()
	t.put(it, "Edition = :was", vals{"was": was.Edition})
	if _, err := s.sendOnly(ctx, t); err != nil {
		return network.Admission{}, err
	}
	return network.Admission{}, network.ErrPartnerConflict
}

// putNew puts an item that isn't there, or gives the one that is.
func (s *Store) putNew(ctx context.Context, it disputeItem) (was disputeItem, err error) {
	raw, err := attributevalue.MarshalMap(it)
	if err != nil {
		return was, err
	}
	err = retry(ctx, func(int) (bool, error) {
		_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &s.table, Item: raw, ConditionExpression: aws.String("attribute_not_exists(PK)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		if unmet, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
			return false, attributevalue.UnmarshalMap(unmet.Item, &was)
		}
		return again(err), err
	})
	return was, err
}

// Conflicts lists a chain's conflicts of a state, the oldest first; all of them
// if it is "", the open ones first.
func (s *Store) Conflicts(ctx context.Context, chain string, state network.DisputeState, cursor string, limit int) (page []network.Dispute, next string, err error) {
	last := ""
	if cursor != "" {
		if last, err = decodeCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	prefix := disputesOf(state)
	in := &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String("list"), Limit: aws.Int32(int32(limit)),
		KeyConditionExpression: aws.String("LPK = :pk AND LSK BETWEEN :last AND :end"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": str(disputeList(network.Dispute{Chain: chain}).PK), ":last": str(max(prefix, last+"\x00")), ":end": str(prefix + "\U0010ffff"),
		},
	}
	if last > prefix+"\U0010ffff" {
		return nil, "", nil // a cursor of somewhere else
	}
	out, err := s.db.Query(ctx, in)
	if err != nil {
		return nil, "", wrap("conflicts", err)
	}
	for _, raw := range out.Items {
		var it disputeItem
		if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
			return nil, "", wrap("conflicts", err)
		}
		page = append(page, it.dispute(chain))
	}
	if out.LastEvaluatedKey != nil && len(out.Items) > 0 {
		next = encodeCursor(lskOf(out.Items[len(out.Items)-1]))
	}
	return page, next, nil
}

// Dispute is the chain's conflict of that id, or ErrNotFound.
func (s *Store) Dispute(ctx context.Context, chain, id string) (network.Dispute, error) {
	it, err := s.disputeItem(ctx, chain, id)
	return it.dispute(chain), wrap("conflict", err)
}

func (s *Store) disputeItem(ctx context.Context, chain, id string) (it disputeItem, err error) {
	found, err := s.get(ctx, disputeKey(chain, id), &it)
	if err == nil && !found {
		err = network.ErrNotFound
	}
	return it, err
}

// ResolveConflict says where the person of a conflict belongs (R23), once: as
// the partner of that id, or if it is "" as one of their corp's own. The same
// again answers it as it stands, another one is ErrConflict.
//
// If that is the roster's own partner, the person joins under the corp that it
// is bound to, if they are in that. An admin of the chain puts nobody into
// somebody else's corp (infra/decisions/4-joins.md): who isn't in it joins by
// themselves, once its super-admin has added them, and the conflict ends
// without a membership. Anywhere else the corp that they chose takes its
// place, with this as the admin's word that it may (R21 c): one transaction
// with the errors of Join, ErrNotFound for a partner that there isn't, ErrBusy
// if others change it each time that it is read.
func (s *Store) ResolveConflict(ctx context.Context, chain, id, partner, by string, now time.Time) (network.Dispute, network.Admission, error) {
	for range usual.tries {
		d, a, err := s.resolve(ctx, chain, id, partner, by, now.Truncate(time.Millisecond))
		if !errors.Is(err, errDecided) {
			return d, a, wrap("resolve conflict", err)
		}
	}
	return network.Dispute{}, network.Admission{}, network.ErrBusy
}

// resolve is one try of it: errDecided if somebody was faster, and what they
// made of it is to be read.
func (s *Store) resolve(ctx context.Context, chain, id, partner, by string, now time.Time) (network.Dispute, network.Admission, error) {
	var none network.Admission
	it, err := s.disputeItem(ctx, chain, id)
	if err != nil {
		return network.Dispute{}, none, err
	}
	d := it.dispute(chain)
	if d.State == network.DisputeResolved {
		if partner != d.Settled && !(partner == "" && d.Apart) {
			return network.Dispute{}, none, network.ErrConflict
		}
		return d, none, nil
	}
	d.State, d.ResolvedAt, d.Resolver, d.Settled = network.DisputeResolved, now, by, partner
	d.Apart = partner == ""
	q := admitting{
		ticket: network.Ticket{Chain: chain, Invite: d.Invite, Version: it.Version}, person: network.Person{ID: d.Person, Name: d.Name, Phone: d.Phone},
		choice: Choice{Corp: d.Corp}, word: network.Word{Given: true, Partner: partner, Apart: d.Apart}, dispute: &it, resolved: d,
	}
	if q.ticket.IsNotice() {
		q.ticket.Partner, q.ticket.Person = d.Partner, d.Person
	}
	if d.Corp == "" {
		c, err := network.NewCorp("", d.CorpName, it.Industry, "", now)
		if err != nil {
			return network.Dispute{}, none, err
		}
		q.choice = Choice{New: &c}
	}
	own := partner == d.Partner
	if own {
		p, err := s.partnerItem(ctx, chain, partner)
		if err != nil {
			return network.Dispute{}, none, err
		}
		if p.Card.Corp != "" {
			q.choice = Choice{Corp: p.Card.Corp}
		}
	}
	out, err := s.admit(ctx, q, now)
	if errors.Is(err, network.ErrPartnerConflict) { // perhaps by a resolution that was faster
		is, fail := s.disputeItem(ctx, chain, id)
		if fail != nil || is.Edition != it.Edition {
			err = cmp.Or(fail, errDecided)
		}
	}
	switch {
	case own && errors.Is(err, network.ErrNotAMember), err == nil && out.Repeat:
		defer s.by.inTurn()()
		t := s.tx()
		resolveTx(t, it, d)
		if err := s.logChange(ctx, t, chain, resolvedChange(d)); err != nil {
			return d, out, err
		}
		met, err := s.sendOnly(ctx, t)
		if err == nil && !met {
			err = errDecided
		}
		return d, out, err
	case errors.Is(err, network.ErrNotAMember):
		return network.Dispute{}, none, network.ErrConflict // they have left the corp that they chose
	case err == nil:
		d.Settled = out.Partner.ID
	}
	return d, out, err
}

// resolvedChange is what the audit list says of it: by ids, as of a decision.
func resolvedChange(d network.Dispute) changeItem {
	return changeItem{What: "conflict_resolved", Target: &Target{Kind: "conflict", ID: d.ID}, After: Fields{"partner_id": d.Settled, "new_partner": d.Apart}}
}

// resolveTx writes what has become of a conflict that is open.
func resolveTx(t *tx, was disputeItem, d network.Dispute) {
	it := newDisputeItem(d)
	t.update(was.key, "SET Card = :card, LPK = :lpk, LSK = :lsk, Edition = :e, Outbox = :o", "Edition = :was", nil, vals{
		"card": it.Card, "lpk": it.LPK, "lsk": it.LSK, "e": was.Edition + 1, "was": was.Edition,
		"o": network.Event{
			ID: "resolved." + d.ID + "." + d.CreatedAt.UTC().Format(eventTime), Kind: network.Resolved, Chain: d.Chain, Conflict: d.ID, Partner: d.Settled, Person: d.Person,
		}.Encode(),
	})
}
