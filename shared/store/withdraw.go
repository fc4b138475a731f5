package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// gone is the epoch of a contact who was withdrawn: older than any that a
// partner has. So their notice is dead (R33), nobody is shown them, and a
// roster that names them again begins anew with them, by another token (R18).
const gone = -1

// withdrawing is what to take out of a partner, and for whom.
type withdrawing struct {
	chain   string
	partner string
	people  []string
	by      string                  // the import whose Sync or revert it is
	meant   func(*contactItem) bool // whether a contact that is to come is meant
}

// withdraw takes people out of a partner: those who are still to come, their
// own write being the judge; and a partner that is still to come and has nobody
// left out of its chain. Called again it does what is left, and gives all that
// it has withdrawn.
func (s *Store) withdraw(ctx context.Context, w withdrawing) (out []contactItem, err error) {
	keys := []key{partnerKey(w.chain, w.partner)}
	for _, person := range w.people {
		keys = append(keys, contactKey(person, w.chain, w.partner))
	}
	found, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return nil, err
	}
	var p partnerItem
	there, err := found.into(keys[0], &p)
	if err != nil {
		return nil, err
	}
	left := map[string]bool{}
	for i, person := range w.people {
		var k contactItem
		named, err := found.into(keys[i+1], &k)
		if err != nil {
			return nil, err
		}
		for named && k.Withdrawn != w.by { // until it is so, or isn't to be
			if !there || k.Epoch != p.Epoch || k.Import == "" || k.JoinedAt != 0 || k.LeftAt != 0 || !w.meant(&k) {
				break
			}
			ok, err := s.update(ctx, k.key, "SET Epoch = :gone, Withdrawn = :by, Edition = Edition + :one", "Edition = :e", nil,
				vals{"gone": gone, "by": w.by, "one": 1, "e": k.Edition})
			if err != nil {
				return nil, err
			}
			if ok {
				k.Withdrawn = w.by
				break
			}
			k = contactItem{}
			if named, err = s.get(ctx, keys[i+1], &k); err != nil {
				return nil, err
			}
		}
		switch {
		case named && k.Withdrawn == w.by:
			out = append(out, k)
			left[person] = true
		case !named: // planned, and never come to
			left[person] = true
		}
	}
	if !there || len(left) == 0 {
		return out, nil
	}
	return out, s.leaveOut(ctx, w.chain, w.partner, left)
}

// leaveOut takes people off a partner's item, and the partner out of the chain
// if it is still to come and has nobody left.
func (s *Store) leaveOut(ctx context.Context, chain, partner string, people map[string]bool) error {
	return s.commit(ctx, func() (*tx, error) {
		it, err := s.partnerItem(ctx, chain, partner)
		if errors.Is(err, network.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		p := it.partner(chain)
		had := len(p.People)
		for person := range people {
			delete(p.People, person)
		}
		t := s.tx()
		switch {
		case len(p.People) == 0 && p.State == network.PartnerPending:
			if err := s.freeCustomID(ctx, t, p); err != nil {
				return nil, err
			}
			s.endPartner(t, it)
		case len(p.People) == had:
			return nil, nil
		default:
			p.Contacts = len(p.People)
			p.Edition++
			t.put(newPartnerItem(p, it.Gate), "Edition = :e", vals{"e": it.Edition})
		}
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
}

// tallyWithdrawn counts who was withdrawn, in the tallies of the imports that
// named them: once for each part of whose doing it is.
func (s *Store) tallyWithdrawn(ctx context.Context, chain, part string, out []contactItem) error {
	by := map[key][]contactItem{}
	for _, k := range out {
		at := tallyKey(chain, k.Import, k.Chunk)
		by[at] = append(by[at], k)
	}
	for at, some := range by {
		var t tallyItem
		if _, err := s.get(ctx, at, &t); err != nil {
			return err
		}
		add, v := adding(calledOff(some, t.Sent))
		v["parts"], v["part"] = &stringSet{part}, part
		err := s.updateOnce(ctx, at, add+", Undone :parts", "NOT contains(Undone, :part)", nil, v)
		if err != nil {
			return err
		}
	}
	return nil
}

// together is how many people are called off in one transaction, which takes a
// hundred writes with those of the tallies.
const together = 50

// callOff withdraws those of a partner's people who were still to come, and
// counts them so, in the same writes: once however often it is called.
func (s *Store) callOff(ctx context.Context, chain string, p partnerItem) error {
	for people := range slices.Chunk(slices.Sorted(maps.Keys(p.People)), together) {
		keys := make([]key, len(people))
		for i, person := range people {
			keys[i] = contactKey(person, chain, p.partner(chain).ID)
		}
		err := s.commit(ctx, func() (*tx, error) {
			found, err := s.batchGet(ctx, true, keys...)
			if err != nil {
				return nil, err
			}
			t := s.tx()
			by := map[key][]contactItem{}
			for _, at := range keys {
				var k contactItem
				if ok, err := found.into(at, &k); err != nil {
					return nil, err
				} else if !ok || k.Epoch != p.Epoch || k.Import == "" || k.JoinedAt != 0 || k.LeftAt != 0 {
					continue
				}
				t.update(at, "SET Epoch = :gone, Edition = Edition + :one", "Edition = :e", nil, vals{"gone": gone, "one": 1, "e": k.Edition})
				tally := tallyKey(chain, k.Import, k.Chunk)
				by[tally] = append(by[tally], k)
			}
			if len(by) == 0 {
				return nil, nil
			}
			tallies, err := s.batchGet(ctx, true, slices.Collect(maps.Keys(by))...)
			if err != nil {
				return nil, err
			}
			for at, some := range by {
				var it tallyItem
				if _, err := tallies.into(at, &it); err != nil {
					return nil, err
				}
				add, v := adding(calledOff(some, it.Sent))
				t.update(at, add, "", nil, v)
			}
			return t, nil
		}, func(int, map[string]types.AttributeValue) error { return nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// calledOff is what contacts of one tally count for more as they are withdrawn;
// sent are the chunks whose notices it has counted.
func calledOff(some []contactItem, sent []int) (sum network.Tally) {
	for _, k := range some {
		told := slices.Contains(sent, k.Chunk)
		now := k.steps(told)
		was := now
		was.Withdrawn, now.Withdrawn = false, true // whatever end they had come to
		counted := was.Tally()
		if !told && k.Undeliverable != "" {
			// Their chunk was to count that, and they aren't of it any more.
			pending := network.Steps{Undeliverable: k.Undeliverable}.Tally()
			pending.Imported = 0
			counted = counted.Since(pending)
		}
		sum = sum.And(now.Tally().Since(counted))
	}
	return sum
}

// withdrawChunk does what a chunk of a plan says of whom no row names.
func (s *Store) withdrawChunk(ctx context.Context, imp network.Import, n int, verdicts []network.Verdict) error {
	var counts network.Counts
	var order []string
	people := map[string][]string{}
	for i := range verdicts {
		v := &verdicts[i]
		counts.Tell(v, imp.Notify)
		if v.Outcome != network.RowWithdraw {
			continue
		}
		id := v.Partner.Partner()
		if people[id] == nil {
			order = append(order, id)
		}
		people[id] = append(people[id], v.Person.Person())
	}
	var out []contactItem
	for _, id := range order {
		some, err := s.withdraw(ctx, withdrawing{imp.Chain, id, people[id], imp.ID, func(k *contactItem) bool { return k.Import != imp.ID }})
		if err != nil {
			return err
		}
		out = append(out, some...)
	}
	if err := s.tallyWithdrawn(ctx, imp.Chain, fmt.Sprintf("%s.%d", imp.ID, n), out); err != nil {
		return err
	}
	return s.tallyChunk(ctx, imp, n, tallied{counts: counts})
}

// RevertRoster takes back what an import made and nobody has joined (R30):
// contacts, partners and groups; and forgets its rows. Called again it does what
// is left. ErrStopped if it isn't to be taken back, ErrTimeUp.
func (s *Store) RevertRoster(ctx context.Context, imp network.Import, now time.Time, run Run) error {
	it, err := s.importItem(ctx, imp.Chain, imp.ID)
	if err != nil {
		return wrap("revert", err)
	}
	if imp = it.imp(imp.Chain); !imp.Reverting {
		return ErrStopped
	}
	if err := s.takeBack(ctx, imp, it.Planned, run); err != nil {
		return wrap("revert", err)
	}
	if err := s.ungroup(ctx, imp, now); err != nil {
		return wrap("revert", err)
	}
	_, err = s.turnImport(ctx, imp.Chain, imp.ID, func(_ *tx, it importItem, i *network.Import) (importItem, error) {
		if !i.Reverting {
			return it, errSame
		}
		i.State, i.Reverting, i.HasErrors = network.ImportReverted, false, false
		return it, nil
	})
	return wrap("revert", err)
}

// takeBack takes a plan's chunks back, so many at a time, from the last ones to
// the first; of those that are done nothing is kept, so a run that breaks off
// leaves the rest to the next.
func (s *Store) takeBack(ctx context.Context, imp network.Import, chunks int, run Run) error {
	for part := chunks / partChunks; part >= 0; part-- {
		from, to := part*partChunks, min(chunks, (part+1)*partChunks)
		errs := make([]error, max(0, to-from))
		var wg sync.WaitGroup
		slots := make(chan struct{}, writers)
		spare := true
		for n := from; n < to && spare; n++ {
			slots <- struct{}{}
			if spare = run.Spare(); !spare {
				break
			}
			wg.Go(func() {
				defer func() { <-slots }()
				errs[n-from] = guard(func() error { return s.revertChunk(ctx, imp, n) })
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		if !spare {
			return ErrTimeUp
		}
		if _, err := s.dropPartition(ctx, rowsPartition(imp.Chain, imp.ID, part)); err != nil {
			return err
		}
	}
	if imp.AppliedAt.IsZero() {
		return s.dropRows(ctx, imp.Chain, imp.ID)
	}
	return nil // what the plan was about stays: other plans may ask
}

// revertChunk takes back what one chunk of an import has made.
func (s *Store) revertChunk(ctx context.Context, imp network.Import, n int) error {
	found, err := s.batchGet(ctx, true, planKey(imp.Chain, imp.ID, n), rowsKey(imp.Chain, imp.ID, n))
	if err != nil {
		return err
	}
	u := newUnpacker(imp.Chain)
	defer u.close()
	verdicts, _, err := planOf(found, u, imp.Chain, imp.ID, n)
	if err != nil {
		return err
	}
	return s.undo(ctx, imp, n, verdicts)
}

// undo takes back what a chunk's verdicts have made.
func (s *Store) undo(ctx context.Context, imp network.Import, n int, verdicts []network.Verdict) error {
	var order []string
	people := map[string][]string{}
	for i := range verdicts {
		v := &verdicts[i]
		if !v.Adds {
			continue
		}
		id := v.Partner.Partner()
		if people[id] == nil {
			order = append(order, id)
		}
		people[id] = append(people[id], v.Person.Person())
	}
	var out []contactItem
	for _, id := range order {
		some, err := s.withdraw(ctx, withdrawing{imp.Chain, id, people[id], imp.ID, func(k *contactItem) bool { return k.Import == imp.ID && k.Chunk == n }})
		if err != nil {
			return err
		}
		out = append(out, some...)
	}
	return s.tallyWithdrawn(ctx, imp.Chain, fmt.Sprintf("%s.%d", imp.ID, n), out)
}

// ungroup deletes the groups that an import has made and that have nobody, from
// the deepest up.
func (s *Store) ungroup(ctx context.Context, imp network.Import, now time.Time) error {
	tree, _, err := s.tree(ctx, imp.Chain)
	if err != nil {
		return err
	}
	var made []network.Group
	for _, g := range tree {
		if g.Import == imp.ID {
			made = append(made, g)
		}
	}
	slices.SortFunc(made, func(a, b network.Group) int {
		if d := tree.Depth(b.ID) - tree.Depth(a.ID); d != 0 {
			return d
		}
		return a.ID - b.ID
	})
	for _, g := range made {
		err := s.DeleteGroup(ctx, imp.Chain, g.ID, 0, 0, func(c network.Chain) (bool, error) {
			return s.LiveInvites(ctx, c, now, func(i network.Invite) bool { return c.Landing(i.Group) == g.ID })
		})
		switch network.CodeOf(err) {
		case network.ErrGroupNotEmpty.Code, network.ErrNotFound.Code:
			err = nil // it is somebody's, or gone
		}
		if err != nil {
			return err
		}
	}
	return nil
}
