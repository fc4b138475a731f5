package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// applicationItem is an application. Card is what a list shows, and all that
// the list index copies.
type applicationItem struct {
	key
	LPK, LSK string
	Card     applicationCard
	Version  int              `dynamodbav:",omitempty"` // of the token that they came by
	Industry network.Industry `dynamodbav:",omitempty"` // of that corp
	Edition  int
	Outbox   string `dynamodbav:",omitempty"`
}

type applicationCard struct {
	Name, Phone, CorpName string
	Corp                  string `dynamodbav:",omitempty"`
	Invite                string `dynamodbav:",omitempty"`
	Partner               string
	Group                 int
	State                 network.ApplicationState
	Reason                string `dynamodbav:",omitempty"`
	CreatedAt             moment
	DecidedAt             moment `dynamodbav:",omitempty"`
	Decider               string `dynamodbav:",omitempty"`
}

func newApplicationItem(a network.Application) applicationItem {
	person, corp, _ := network.SplitApplicationID(a.ID) // of our own making
	l := applicationList(a)
	return applicationItem{
		key: applicationKey(person, a.Chain, corp), LPK: l.PK, LSK: l.SK,
		Card: applicationCard{
			a.Name, a.Phone, a.CorpName, a.Corp, a.Invite, a.Partner, a.Group, a.State, a.Reason, at(a.CreatedAt), at(a.DecidedAt), a.Decider,
		},
	}
}

func (i applicationItem) application() network.Application {
	where := strings.Split(i.SK, "#") // APPLY, the chain's id, the corp's
	person, c := afterLast(i.PK), i.Card
	return network.Application{
		ID: network.ApplicationID(person, where[2]), Chain: where[1], Person: person, Name: c.Name, Phone: c.Phone, Corp: c.Corp, CorpName: c.CorpName,
		Invite: c.Invite, Partner: c.Partner, Group: c.Group, State: c.State, Reason: c.Reason,
		CreatedAt: c.CreatedAt.time(), DecidedAt: c.DecidedAt.time(), Decider: c.Decider,
	}
}

// MyApplication is the newest application of a person to a chain, or
// ErrNotFound.
func (s *Store) MyApplication(ctx context.Context, chain, person string) (network.Application, error) {
	var newest network.Application
	err := s.queryAll(ctx, applicationKey(person, chain, "").PK, applicationKey(person, chain, "").SK, true, func(raw map[string]types.AttributeValue) error {
		var it applicationItem
		err := attributevalue.UnmarshalMap(raw, &it)
		if a := it.application(); a.CreatedAt.After(newest.CreatedAt) {
			newest = a
		}
		return err
	})
	if err == nil && newest.ID == "" {
		err = network.ErrNotFound
	}
	return newest, wrap("my application", err)
}

// Application is the chain's application of that id, or ErrNotFound.
func (s *Store) Application(ctx context.Context, chain, id string) (network.Application, error) {
	it, err := s.applicationItem(ctx, chain, id)
	if err != nil {
		return network.Application{}, wrap("application", err)
	}
	return it.application(), nil
}

func (s *Store) applicationItem(ctx context.Context, chain, id string) (it applicationItem, err error) {
	person, corp, ok := network.SplitApplicationID(id)
	if !ok {
		return it, network.ErrNotFound
	}
	found, err := s.get(ctx, applicationKey(person, chain, corp), &it)
	if err == nil && !found {
		err = network.ErrNotFound
	}
	return it, err
}

// Applications lists a chain's applications of a state, the oldest first; of all
// if it is "", who waits first. It costs the same for any number of them.
func (s *Store) Applications(ctx context.Context, chain string, state network.ApplicationState, cursor string, limit int) (page []network.Application, next string, err error) {
	last := ""
	if cursor != "" {
		if last, err = decodeCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	found, more, err := s.mergeShards(ctx, func(i int) string { return applicationShard(chain, i) }, applicationsOf(state), last, limit)
	if err != nil {
		return nil, "", wrap("applications", err)
	}
	for _, raw := range found {
		var it applicationItem
		if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
			return nil, "", wrap("applications", err)
		}
		page = append(page, it.application())
	}
	if more != "" {
		next = encodeCursor(more)
	}
	return page, next, nil
}

// Decision is an admin's word on an application.
type Decision struct {
	Accept bool
	Alias  string // of the partner, "" as it is
	Group  int    // of the partner, 0 as it is
	Reason string // shown to the applicant
	By     string // the admin
}

// errDecided ends an acceptance that somebody else's decision has come before.
var errDecided = errors.New("decided already")

// Decide accepts or declines an application of a chain, once: the same again
// answers it as it stands, the other is ErrConflict. Acceptance is a join: one
// transaction, with the application's state among its conditions and with the
// errors of Join; the invite need only have been live when they applied
// (infra/decisions/9-applications.md).
func (s *Store) Decide(ctx context.Context, chain, id string, d Decision, now time.Time) (network.Application, error) {
	a, err := s.decide(ctx, chain, id, d, now.Truncate(time.Millisecond))
	return a, wrap("decide", err)
}

func (s *Store) decide(ctx context.Context, chain, id string, d Decision, now time.Time) (network.Application, error) {
	for range usual.tries {
		it, err := s.applicationItem(ctx, chain, id)
		if err != nil {
			return network.Application{}, err
		}
		a := it.application()
		to := network.ApplicationDeclined
		if d.Accept {
			to = network.ApplicationAccepted
		}
		if a.State != network.ApplicationWaiting {
			if a.State != to {
				return network.Application{}, network.ErrConflict
			}
			return a, nil
		}
		a.State, a.Reason, a.DecidedAt, a.Decider = to, d.Reason, now, d.By
		if !d.Accept {
			met, err := s.decline(ctx, it, a)
			if err != nil || met {
				return a, err
			}
			continue
		}
		ticket := network.Ticket{Chain: chain, Invite: it.Card.Invite, Version: it.Version}
		if ticket.IsNotice() {
			ticket.Partner, ticket.Person = it.Card.Partner, a.Person
		}
		choice := Choice{Corp: it.Card.Corp}
		if it.Card.Corp == "" {
			c, err := network.NewCorp("", it.Card.CorpName, it.Industry, "", now)
			if err != nil {
				return network.Application{}, err
			}
			choice = Choice{New: &c}
		}
		word := network.Word{Given: true, Alias: d.Alias, Group: d.Group}
		in, err := s.admit(ctx, admitting{ticket: ticket, person: network.Person{ID: a.Person, Name: a.Name, Phone: a.Phone}, choice: choice, word: word, application: id, accepted: a}, now)
		switch {
		case errors.Is(err, errDecided):
			continue
		case errors.Is(err, network.ErrNotAMember):
			return network.Application{}, network.ErrConflict // they have left the corp since, which is no fault of who decides
		}
		a.Corp, a.Partner, a.Group = in.Corp.ID, in.Partner.ID, in.Partner.Group
		return a, err
	}
	return network.Application{}, network.ErrBusy
}

// decideTx writes what has become of an application that waits.
func decideTx(t *tx, was applicationItem, a network.Application) {
	it := newApplicationItem(a)
	t.update(was.key, "SET Card = :card, LPK = :lpk, LSK = :lsk, Edition = :e, Outbox = :o", "Edition = :was", nil, vals{
		"card": it.Card, "lpk": it.LPK, "lsk": it.LSK, "e": was.Edition + 1, "was": was.Edition,
		"o": network.Event{ID: decidedEvent(a), Kind: network.Decided, Chain: a.Chain, Application: a.ID, Person: a.Person, Partner: a.Partner}.Encode(),
	})
}

// decline is met unless somebody was faster, with the application or the audit list.
func (s *Store) decline(ctx context.Context, was applicationItem, a network.Application) (met bool, err error) {
	defer s.by.inTurn()()
	t := s.tx()
	decideTx(t, was, a)
	if err := s.logChange(ctx, t, a.Chain, decidedChange(a)); err != nil {
		return false, err
	}
	return s.sendOnly(ctx, t)
}

// decidedChange is what the audit list says of a decision: by ids, for erasing a
// person leads to no name that stood there, and reasons are about people.
func decidedChange(a network.Application) changeItem {
	c := changeItem{What: "application_declined", Target: &Target{Kind: "application", ID: a.ID}}
	if a.State == network.ApplicationAccepted {
		c.What, c.After = "application_accepted", Fields{"partner_id": a.Partner, "group_id": a.Group}
	}
	return c
}

func decidedEvent(a network.Application) string {
	return "decided." + a.ID + "." + a.CreatedAt.UTC().Format(eventTime)
}

// eventTime makes a moment part of an event's id.
const eventTime = "20060102150405.000"

// sendOnly sends a transaction until it is done or refused.
func (s *Store) sendOnly(ctx context.Context, t *tx) (met bool, err error) {
	err = retry(ctx, func(int) (bool, error) {
		i, _, err := t.send(ctx)
		if again(err) {
			return true, nil
		}
		met = err == nil && i < 0
		return false, err
	})
	return met, err
}

// apply makes an application in place of a membership, under the conditions of
// a join: the rules as they were read, a use left, the corp as it was. again
// says that something was otherwise.
func (s *Store) apply(ctx context.Context, r *reading, a network.Admission, choice Choice, gate int) (again bool, made network.Application, err error) {
	j := r.joining
	made = j.Apply(a, choice.New == nil)
	it := newApplicationItem(made)
	it.Version, it.Edition = j.Ticket.Version, 1
	if choice.New != nil {
		it.Industry = choice.New.Industry
	}
	for _, was := range r.applications {
		if was.key == it.key {
			it.Edition = was.Edition + 1
		}
	}
	it.Outbox = network.Event{
		ID: "applied." + made.ID + "." + made.CreatedAt.UTC().Format(eventTime), Kind: network.Applied, Chain: made.Chain, Application: made.ID,
		Person: made.Person, Partner: made.Partner, Invite: made.Invite,
	}.Encode()
	t := s.tx()
	if j.Invite.MaxUses > 0 {
		t.check(inviteKey(made.Chain, made.Invite), "Uses < MaxUses", nil)
	}
	t.check(gateKey(made.Chain, gate), "Gate = :g", vals{"g": j.Chain.Gate}) // R16
	if it.Edition == 1 {
		t.put(it, "attribute_not_exists(PK)", nil)
	} else {
		t.put(it, "Edition = :was", vals{"was": it.Edition - 1}) // one that was declined, or is over
	}
	if choice.New == nil {
		t.check(corpKey(j.Corp.ID), "Version = :v", vals{"v": j.Corp.Version})
	}
	met, err := s.sendOnly(ctx, t)
	return err == nil && !met, made, err
}
