package store

import (
	"context"
	"slices"
)

// block notes that a person wants no more notices of a chain (R48): from the
// write on none is sent, of whatever kind. Twice is once.
func (s *Store) block(ctx context.Context, chain, person string) error {
	_, err := s.update(ctx, budgetKey(person), "ADD Blocked :cs, Edition :one REMOVE DeleteAt", "NOT contains(Blocked, :c)", nil,
		vals{"cs": &stringSet{chain}, "c": chain, "one": 1})
	return wrap("block", err)
}

// Blocked reports whether a person has blocked a chain.
func (s *Store) Blocked(ctx context.Context, chain, person string) (bool, error) {
	var it budgetItem
	_, err := s.get(ctx, budgetKey(person), &it)
	return slices.Contains(it.Blocked, chain), wrap("blocked", err)
}
