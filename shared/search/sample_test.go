package search_test

import (
	"math/rand/v2"

	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/search/sample"
)

// chain is a made-up chain, always the same.
func chain(partners int) []search.Entry {
	return sample.Chain(rand.New(rand.NewPCG(1, 2)), partners)
}
