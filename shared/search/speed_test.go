package search_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/search/sample"
)

func BenchmarkFind(b *testing.B) {
	x := search.New(slices.Values(chain(100_000)))
	for _, q := range sample.Queries() {
		b.Run(q, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := x.Find(search.Query{Text: q, Phones: true, Limit: 20}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	packed := search.New(slices.Values(chain(100_000))).Pack()
	for b.Loop() {
		if _, err := search.Open(packed); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(packed)), "bytes")
}

func BenchmarkApply(b *testing.B) {
	all := chain(100_000)
	x := search.New(slices.Values(all))
	slowest := time.Duration(0)
	for n := 0; b.Loop(); n++ {
		e := all[n*7919%len(all)]
		e.Name, e.Edition = fmt.Sprint("改名", n), 10+n
		began := time.Now()
		x.Apply([]search.Entry{e}, nil)
		slowest = max(slowest, time.Since(began))
	}
	b.ReportMetric(float64(slowest.Microseconds()), "slowest-µs")
}
