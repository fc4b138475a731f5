package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// erasureItem says which corps a person was in: nothing else would know, once
// they are no member. Corps are those that they have been taken out of to be
// erased, and what they did for them isn't ended yet; Past those that they had
// left before. It goes when all are done.
type erasureItem struct {
	key
	Corps   []string `dynamodbav:",stringset,omitempty"`
	Past    []string `dynamodbav:",stringset,omitempty"`
	Edition int
}

const (
	transacted = 100 // writes that one transaction takes
	// What one call of Erase ends, some five requests each: a few seconds of a
	// door's ten.
	contactsErased = 100
	corpsErased    = 20
)

// Erase takes away what is held of a person as a person: they are in no corp,
// no chain and no queue any more, their live invites are revoked (R09), and
// their name and phone are in none of it. A roster's contact is what a company
// has noted of a phone, and stays with the chain's owner; but no notice is sent
// to it any more (R48).
//
// ErrLastAdmin, naming the corps, if one would have no super-admin without them
// (R06): by a condition of the write that takes them out of all their corps and
// withdraws all that could still let them in, before anything else is changed.
// Of more than a transaction holds, those that can refuse come first.
//
// Twice is once. A call that breaks off is finished by making it again, as is
// one of somebody who is in so many places that it ends in ErrBusy.
func (s *Store) Erase(ctx context.Context, person string, now time.Time) error {
	for range usual.tries {
		if err := s.resign(ctx, person); err != nil {
			return wrap("erase", err)
		}
		done, err := s.eraseTraces(ctx, person, now)
		if done || err != nil {
			return wrap("erase", err)
		}
	}
	return network.ErrBusy
}

// resign ends all by which a person is let in anywhere: memberships of corps,
// applications, conflicts.
func (s *Store) resign(ctx context.Context, person string) error {
	for {
		more := false
		err := s.commit(ctx, func() (t *tx, err error) {
			t, more, err = s.resignTx(ctx, person)
			return t, err
		}, func(int, map[string]types.AttributeValue) error { return nil }) // read again: it says who is the last
		if err != nil || !more {
			return err
		}
	}
}

// resignTx is as much of that as one transaction takes, nil if there is nothing
// left; more is whether it has left some.
func (s *Store) resignTx(ctx context.Context, person string) (t *tx, more bool, err error) {
	b, err := s.belongings(ctx, person)
	if err != nil {
		return nil, false, err
	}
	// Who can refuse comes first, so that a refusal changes nothing.
	slices.SortFunc(b.members, func(a, b network.Member) int { return strings.Compare(rank(a.Role)+a.Corp, rank(b.Role)+b.Corp) })
	var keys []key
	for _, m := range b.members {
		keys = append(keys, corpKey(m.Corp))
	}
	found, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return nil, false, err
	}
	corps := make([]network.Corp, len(b.members))
	var last []network.FieldError
	keys = nil
	for i, m := range b.members {
		var it corpItem
		if ok, err := found.into(corpKey(m.Corp), &it); !ok || err != nil {
			return nil, false, orNotFound(err)
		}
		corps[i] = it.corp()
		if m.Role == network.SuperAdmin && corps[i].Admins == 1 {
			last = append(last, network.FieldError{Field: "corps." + m.Corp, Code: network.ErrLastAdmin.Code,
				Detail: fmt.Sprintf("%s would have no super-admin: make another member one.", corps[i].Name)})
		}
		for chain, place := range corps[i].Places {
			if place.Side == network.Owner {
				keys = append(keys, adminKey(chain, person))
			}
		}
	}
	if len(last) > 0 {
		return nil, false, &network.Error{Kind: network.ErrLastAdmin.Kind, Code: network.ErrLastAdmin.Code, Fields: last}
	}
	appointed, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return nil, false, err
	}
	conflicts, err := s.conflictsOf(ctx, person, b.contacts)
	if err != nil {
		return nil, false, err
	}

	t = s.tx()
	var left stringSet
	add := func(of *tx) bool {
		if more = more || len(t.items)+len(of.items) > transacted-1; more { // one is the erasure's own
			return false
		}
		t.items = append(t.items, of.items...)
		t.fail(of.err)
		return true
	}
	resigns := func(role network.Role) {
		for i, m := range b.members {
			if (m.Role == network.SuperAdmin) != (role == network.SuperAdmin) {
				continue
			}
			of := s.tx()
			of.remove(memberKey(person, m.Corp), "Card.#r = :r", vals{"r": m.Role})
			of.items[0].Delete.ExpressionAttributeNames = map[string]string{"#r": "Role"}
			s.countAdmin(of, m.Corp, map[bool]int{true: -1}[m.Role == network.SuperAdmin])
			for chain, place := range corps[i].Places {
				if _, ok := appointed[adminKey(chain, person)]; ok && place.Side == network.Owner {
					of.remove(adminKey(chain, person), "", nil)
				}
			}
			if add(of) {
				left = append(left, m.Corp)
			}
		}
	}
	resigns(network.SuperAdmin)
	// An admin's word that was committed first has let them in: then this is read
	// again. One that comes after finds nobody who waits.
	for _, it := range b.applications {
		of := s.tx()
		of.remove(it.key, "Edition = :e", vals{"e": it.Edition})
		add(of)
	}
	for _, it := range conflicts {
		of := s.tx()
		of.remove(it.key, "Edition = :e", vals{"e": it.Edition})
		add(of)
	}
	resigns(network.Staff)
	if len(left) > 0 {
		t.update(eraseKey(person), "ADD Corps :cs, Edition :one", "", nil, vals{"cs": &left, "one": 1})
	}
	if len(t.items) == 0 {
		return nil, false, nil
	}
	return t, more, nil
}

// conflictsOf are a person's conflicts of R23, settled ones too. They have them
// in chains whose roster names them; of a chain there are few.
func (s *Store) conflictsOf(ctx context.Context, person string, contacts []network.Contact) (found []disputeItem, err error) {
	seen := map[string]bool{}
	for _, k := range contacts {
		if seen[k.Chain] {
			continue
		}
		seen[k.Chain] = true
		err := s.queryAll(ctx, disputeKey(k.Chain, "").PK, "", true, func(raw map[string]types.AttributeValue) error {
			var it disputeItem
			err := attributevalue.UnmarshalMap(raw, &it)
			if it.Card.Person == person {
				found = append(found, it)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// eraseTraces ends what is left of somebody who is let in nowhere any more:
// notices, memberships of chains, invites. It isn't done if somebody has changed
// one of these meanwhile.
func (s *Store) eraseTraces(ctx context.Context, person string, now time.Time) (done bool, err error) {
	_, contacts, err := s.person(ctx, person)
	if err != nil {
		return false, err
	}
	var listed stringSet
	for _, k := range contacts {
		if k.Import != "" && k.Epoch != gone && !slices.Contains(listed, k.Chain) {
			listed = append(listed, k.Chain)
		}
	}
	if err := s.blockAll(ctx, person, listed); err != nil {
		return false, err
	}
	done = true
	erased := 0
	for _, k := range contacts {
		if !k.HasJoined() && (k.Import != "" || k.Phone == "") {
			continue
		}
		if erased++; erased > contactsErased {
			return false, network.ErrBusy
		}
		ok, err := s.eraseContact(ctx, k, now)
		if err != nil {
			return false, err
		}
		done = done && ok
	}

	var it erasureItem
	found, err := s.get(ctx, eraseKey(person), &it)
	if err != nil || !found {
		return done, err
	}
	corps := slices.Concat(it.Corps, it.Past)
	slices.Sort(corps)
	for i, corp := range slices.Compact(corps) {
		if i == corpsErased {
			return false, network.ErrBusy
		}
		if err := s.eraseMaker(ctx, person, corp, now); err != nil {
			return false, err
		}
		if _, err := s.update(ctx, it.key, "DELETE Corps :cs, Past :cs", "attribute_exists(PK)", nil, vals{"cs": &stringSet{corp}}); err != nil {
			return false, err
		}
	}
	t := s.tx()
	t.remove(it.key, "Edition = :e", vals{"e": it.Edition})
	met, err := s.sendOnly(ctx, t)
	return done && met, err
}

// blockAll is block of many chains in one write.
func (s *Store) blockAll(ctx context.Context, person string, chains stringSet) error {
	return retry(ctx, func(int) (again bool, err error) {
		var it budgetItem
		found, err := s.get(ctx, budgetKey(person), &it)
		if err != nil {
			return false, err
		}
		more := stringSet(slices.DeleteFunc(slices.Clone(chains), func(c string) bool { return slices.Contains(it.Blocked, c) }))
		if len(more) == 0 {
			return false, nil
		}
		cond, v := "attribute_not_exists(PK)", vals{"cs": &more, "one": 1}
		if found {
			cond, v["was"] = "Edition = :was", it.Edition
		}
		ok, err := s.update(ctx, budgetKey(person), "ADD Blocked :cs, Edition :one REMOVE DeleteAt", cond, nil, v)
		return !ok && err == nil, err // a notice has been sent meanwhile
	})
}

// eraseContact ends a person's membership of a chain, as leaving does, and
// unless a roster names them takes their name and phone out of it. That they
// have left stays, and when: an old token must not let them in again (R18).
func (s *Store) eraseContact(ctx context.Context, k network.Contact, now time.Time) (done bool, err error) {
	if k.HasJoined() {
		if err := s.Leave(ctx, k.Chain, k.Partner, k.Person, now); err != nil && !errors.Is(err, network.ErrNotFound) {
			return false, err
		}
	}
	if err := s.unname(ctx, k.Person, k.Chain); err != nil {
		return false, err
	}
	if k.Import != "" {
		return true, nil
	}
	if err := s.leaveOut(ctx, k.Chain, k.Partner, map[string]bool{k.Person: true}); err != nil {
		return false, err
	}
	var it contactItem
	if found, err := s.get(ctx, contactKey(k.Person, k.Chain, k.Partner), &it); err != nil || !found || it.Phone == "" {
		return true, err
	}
	return s.update(ctx, it.key, "SET #n = :none, Phone = :none, LeftAt = if_not_exists(LeftAt, :now), Edition = :next REMOVE JoinedAt, Leader, MemberCustomID", "Edition = :e",
		map[string]string{"#n": "Name"}, vals{"none": "", "now": at(now), "next": it.Edition + 1, "e": it.Edition})
}

// eraseMaker ends what somebody who is in a corp no more did for it: their
// live invites (R09), and their name on all that they have made.
func (s *Store) eraseMaker(ctx context.Context, person, corp string, now time.Time) error {
	c, err := s.Corp(ctx, corp)
	if err != nil {
		return err
	}
	theirs := func(i network.Invite) bool { return i.Maker == person && i.MakerCorp == corp }
	for _, chain := range slices.Sorted(maps.Keys(c.Places)) {
		if c.Places[chain].Side == network.Owner {
			if err := s.RemoveAdmin(ctx, network.Chain{ID: chain, OwnerCorp: corp}, person); err != nil { // appointed at the moment that they went
				return err
			}
			if err := s.unnameChanges(ctx, person, chain); err != nil {
				return err
			}
			if err := s.forgetInRules(ctx, chain, person, now); err != nil {
				return err
			}
		}
		if err := s.RevokeInvites(ctx, chain, theirs, now); err != nil {
			return err
		}
		if err := s.unname(ctx, person, chain); err != nil {
			return err
		}
	}
	return nil
}

// unname takes a person's name off what they have made in a chain: invites, and
// WeChat groups that they have brought.
func (s *Store) unname(ctx context.Context, person, chain string) error {
	if err := s.unnameMaker(ctx, person, chain); err != nil {
		return err
	}
	return s.queryAll(ctx, migrationKey(chain, "").PK, "", true, func(raw map[string]types.AttributeValue) error {
		var it migrationItem
		if err := attributevalue.UnmarshalMap(raw, &it); err != nil || it.Owner != person || it.OwnerName == "" {
			return err
		}
		_, err := s.update(ctx, it.key, "SET OwnerName = :none", "#o = :p", map[string]string{"#o": "Owner"}, vals{"none": "", "p": person})
		return err
	})
}

func (s *Store) unnameMaker(ctx context.Context, person, chain string) error {
	q := search{chain: chain, pk: inviteKey(chain, "").PK, from: oldest, consistent: true}
	q.wants = func(i network.Invite) bool { return i.Maker == person && i.MakerName != "" }
	for cursor := ""; ; {
		page, next, err := s.invites(ctx, q, cursor, inviteRound)
		if err != nil {
			return err
		}
		for _, i := range page {
			if _, err := s.update(ctx, inviteKey(chain, i.ID), "SET MakerName = :none", "Maker = :p", nil, vals{"none": "", "p": person}); err != nil {
				return err
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}
