package store

import (
	"context"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// budgetItem is what a phone has been told lately, and the chains that it wants
// to hear nothing of (R48): one small item, so that a notice spends one write,
// and a block that was committed first is seen by it.
type budgetItem struct {
	key
	Told     map[string]moment // notices that count against a day
	Office   map[string]moment `dynamodbav:",omitempty"`           // those that count against ten minutes alone
	Blocked  []string          `dynamodbav:",stringset,omitempty"` // chains
	Edition  int
	DeleteAt int64 `dynamodbav:",omitempty"` // the broom's, long after the rule's (R49); none while a chain is blocked
}

func (i budgetItem) budget() network.Budget {
	b := network.Budget{Blocked: i.Blocked}
	for n, at := range i.Told {
		b.Told = append(b.Told, network.Told{Notice: n, At: at.time()})
	}
	for n, at := range i.Office {
		b.Told = append(b.Told, network.Told{Notice: n, At: at.time(), Office: true})
	}
	return b
}

// Budgets are what many phones may still be told, as they were read: a
// hint, since each Spend is judged by its own write.
type Budgets map[string]budgetItem

// Budgets reads those of people, a hundred a request, half a unit each.
func (s *Store) Budgets(ctx context.Context, people ...string) (Budgets, error) {
	keys := make([]key, len(people))
	for i, person := range people {
		keys[i] = budgetKey(person)
	}
	found, err := s.batchGet(ctx, false, unique(keys)...)
	if err != nil {
		return nil, wrap("budgets", err)
	}
	b := make(Budgets, len(people))
	for i, person := range people {
		var it budgetItem
		if _, err := found.into(keys[i], &it); err != nil {
			return nil, wrap("budgets", err)
		}
		b[person] = it
	}
	return b, nil
}

// Spend takes a notice to a person, of a chain, out of the budget of their
// phone: before it is sent, and once for its dedup id, so that whatever is
// lost then nothing is sent beyond the budget, and a notice that comes again
// spends nothing. office says that it is told them as an admin or as who made
// what it is about. again is whether it was taken before. ErrBlocked and
// ErrOverBudget say that it isn't to be sent, and any other error that nobody
// knows: then it isn't either.
//
// It costs one write unit, and a read for each notice that was faster.
func (s *Store) Spend(ctx context.Context, known Budgets, person, chain, dedup string, office bool, now time.Time) (again bool, err error) {
	it := known[person]
	// Who loses has lost to a notice, or to a block: after so many of them the budget is spent.
	for range network.NoticesARush + 3 {
		b, again, err := it.budget().Spend(network.Told{Notice: network.NoticeMark(dedup), At: now, Office: office}, chain)
		if err != nil || again {
			return again, err
		}
		it.key = budgetKey(person)
		ok, err := s.spend(ctx, it, b)
		if ok || err != nil {
			return false, wrap("spend", err)
		}
		it = budgetItem{}
		if _, err := s.get(ctx, budgetKey(person), &it); err != nil {
			return false, wrap("spend", err)
		}
	}
	return false, network.ErrBusy
}

// spend writes what is left of a budget, if it still is as it was read.
func (s *Store) spend(ctx context.Context, it budgetItem, b network.Budget) (ok bool, err error) {
	told, office := map[string]moment{}, map[string]moment{}
	for _, t := range b.Told {
		if t.Office {
			office[t.Notice] = at(t.At)
		} else {
			told[t.Notice] = at(t.At)
		}
	}
	expr := "SET Told = :t, Office = :o, Edition = :e"
	v := vals{"t": told, "o": office, "e": it.Edition + 1}
	cond := "attribute_not_exists(PK)"
	if it.Edition > 0 {
		cond, v["was"] = "Edition = :was", it.Edition
	}
	if len(it.Blocked) == 0 {
		expr += ", DeleteAt = :d"
		v["d"] = b.FreeAt().Add(budgetKept).Unix()
	}
	return s.update(ctx, it.key, expr, cond, nil, v)
}

// budgetKept is how much longer than it counts a budget is kept.
const budgetKept = 24 * time.Hour
