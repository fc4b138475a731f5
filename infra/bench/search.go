package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/search/sample"
)

// What is wanted of the search (design, section 2), and of what chain: each partner with one contact.
const (
	searchPartners = 100_000
	maxFind        = 5 * time.Millisecond // p95 over all queries
	maxOpen        = 300 * time.Millisecond
	maxApply       = time.Millisecond
	maxPacked      = 4_000_000

	searchPage   = 20
	searchRepeat = 20
)

// searchPeers is what peers/search answers, an engine.
type searchPeers struct {
	Engine string
	Build  time.Duration
	Took   [][]time.Duration
	Found  [][]int
}

// benchSearch prints what the index takes, and how long its queries take beside SQLite's and bleve's on the same names. It fails when one is over its
// budget, when a peer is faster over the queries that it finds anything by, or when a peer finds what we don't.
func benchSearch(ctx context.Context, out io.Writer) error {
	all := sample.Chain(rand.New(rand.NewPCG(1, 2)), searchPartners)
	queries := sample.Queries()
	packed := search.New(slices.Values(all)).Pack()

	var opens []time.Duration
	var x *search.Index
	for range 5 {
		began := time.Now()
		var err error
		if x, err = search.Open(packed); err != nil {
			return err
		}
		opens = append(opens, time.Since(began))
	}
	took := make([][]time.Duration, len(queries))
	for range searchRepeat {
		for i, q := range queries {
			began := time.Now()
			if _, _, err := x.Find(search.Query{Text: q, Phones: true, Limit: searchPage}); err != nil {
				return err
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	memory := x.Bytes()

	peers, err := askPeers(ctx, all, queries)
	if err != nil {
		return err
	}
	whole := make([]map[search.Key]bool, len(queries))
	for i, q := range queries {
		if whole[i], err = findAll(x, q); err != nil {
			return err
		}
	}
	var over error
	for _, p := range peers {
		for i, found := range p.Found {
			ours := whole[i]
			for _, n := range found {
				if !ours[all[n].Key()] {
					over = errors.Join(over, fmt.Errorf("search: %s finds %q by %q, and we don't", p.Engine, all[n].Name, queries[i]))
					break
				}
			}
		}
	}

	var applies []time.Duration
	for i := range 1000 {
		e := all[i*7919%len(all)]
		e.Name, e.Edition = fmt.Sprint("改名", i), 1000+i
		began := time.Now()
		x.Apply([]search.Entry{e}, nil)
		applies = append(applies, time.Since(began))
	}

	fmt.Fprintf(out, "\n| search, %d partners with a contact each | measured | wanted |\n|---|---|---|\n", searchPartners)
	line := func(what string, got, want time.Duration) {
		fmt.Fprintf(out, "| %s | %.2f ms | %.0f ms |\n", what, ms(got), ms(want))
		if got > want {
			over = errors.Join(over, fmt.Errorf("search: %s takes %v, wanted %v", what, got, want))
		}
	}
	line("a page of 20, p95 over all queries", percentile(slices.Concat(took...), 0.95), maxFind)
	line("open, median", percentile(opens, 0.5), maxOpen)
	line("apply a change, p99", percentile(applies, 0.99), maxApply)
	fmt.Fprintf(out, "| packed | %d bytes | %d |\n| in memory | %.0f MB | – |\n", len(packed), maxPacked, float64(memory)/1e6)
	if len(packed) > maxPacked {
		over = errors.Join(over, fmt.Errorf("search: the index has %d bytes, wanted %d", len(packed), maxPacked))
	}

	fmt.Fprintf(out, "\n| the queries by which it finds anything | queries | its p50 | its p95 | ours p50 | ours p95 | it makes its index in |\n|---|---|---|---|---|---|---|\n")
	for _, p := range peers {
		var theirs, ours []time.Duration
		n := 0
		for i, found := range p.Found {
			if len(found) > 0 {
				n++
				theirs, ours = append(theirs, p.Took[i]...), append(ours, took[i]...)
			}
		}
		if n == 0 {
			return fmt.Errorf("search: %s finds nothing", p.Engine)
		}
		fmt.Fprintf(out, "| %s | %d of %d | %.2f ms | %.2f ms | %.2f ms | %.2f ms | %.1f s |\n", p.Engine, n, len(queries), ms(percentile(theirs, 0.5)),
			ms(percentile(theirs, 0.95)), ms(percentile(ours, 0.5)), ms(percentile(ours, 0.95)), p.Build.Seconds())
		for _, share := range []float64{0.5, 0.95} {
			if percentile(ours, share) > percentile(theirs, share) {
				over = errors.Join(over, fmt.Errorf("search: %s is faster at p%.0f", p.Engine, share*100))
			}
		}
	}
	return over
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// findAll is all that a query finds, page by page.
func findAll(x *search.Index, text string) (map[search.Key]bool, error) {
	found := map[search.Key]bool{}
	for q := (search.Query{Text: text, Limit: search.MaxLimit}); ; {
		hits, next, err := x.Find(q)
		if err != nil {
			return nil, err
		}
		for _, h := range hits {
			found[h.Key()] = true
		}
		if q.After = next; next == "" {
			return found, nil
		}
	}
}

// askPeers builds peers/search and has it answer.
func askPeers(ctx context.Context, all []search.Entry, queries []string) (peersOf []searchPeers, err error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "search")
	if err := command(ctx, filepath.Join(peers, "search"), "go", "build", "-trimpath", "-o", binary, "."); err != nil {
		return nil, err
	}
	names := make([][2]string, len(all))
	for i, e := range all {
		names[i] = [2]string{e.Name, e.Alias}
	}
	request, err := json.Marshal(map[string]any{"Names": names, "Queries": queries, "Page": searchPage, "Repeat": searchRepeat})
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, binary)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(request), os.Stderr
	answer, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("search: peers: %w", err)
	}
	for d := json.NewDecoder(bytes.NewReader(answer)); ; {
		var p searchPeers
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return peersOf, nil
		} else if err != nil {
			return nil, err
		}
		peersOf = append(peersOf, p)
	}
}
