package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster/form"
	"github.com/tributary-app/tributary/shared/store"
)

// threeChunks is a roster of three chunks that does all that one can: it makes
// groups, partners in each chunk, one partner over all of them, changes those
// of earlier, moves one, and has rows that fail. Most do, so that it is taken in
// quickly.
func threeChunks() []byte {
	var lines []string
	for n := range 3 {
		at := len(lines)
		for i := range 4 {
			lines = append(lines, fmt.Sprintf("新公司%d%d,张%d,负责人,1390000%d%d11,华东区/第%d组,,", n, i, i, n, i, n))
			lines = append(lines, fmt.Sprintf("新公司%d%d,张%d,,1390000%d%d12,,,", n, i, i, n, i))
		}
		lines = append(lines,
			fmt.Sprintf("长公司,王%d,,1390001%d001,,L1,", n, n),            // new, over all chunks
			fmt.Sprintf("老公司甲,王%d,,1390002%d001,华北区,OLD1,", n, n),      // there; new people, and it moves
			fmt.Sprintf("老公司乙,王改%d,,1390003000%d,,OLD2,%d", n, n, n+1), // there; another name of somebody
		)
		for len(lines) < at+store.ChunkRows {
			lines = append(lines, "新公司,张,,1,,,")
		}
	}
	return sheet(lines[:2*store.ChunkRows+20]...)
}

// faulty is a world in which part of threeChunks is there already, and the
// rest has been uploaded.
func faulty(t *testing.T, tb *dynamotest.Table) (*world, events.S3Event) {
	t.Helper()
	return faultyAsked(t, tb, func(i *network.Import) { i.ApplyMoves = true })
}

func faultyAsked(t *testing.T, tb *dynamotest.Table, with func(*network.Import)) (*world, events.S3Event) {
	t.Helper()
	w := setupOn(t, tb)
	w.takeIn(t, secondID, sheet(
		"老公司甲,王老,,13900029999,华南区,OLD1,",
		"老公司乙,王甲,,13900030000,,OLD2,1",
		"老公司乙,王乙,,13900030001,,OLD2,2",
		"老公司乙,王丙,,13900030002,,OLD2,3",
	), nil)
	w.ask(t, importID, with)
	e := w.put(importID, threeChunks())
	w.tb.Reset()
	return w, e
}

// clean is how one run without a fault ends, what it says, and how many
// requests and writes it makes.
func clean(t *testing.T) (end map[string]map[string]any, said map[string]int, calls, writes int) {
	t.Helper()
	w, e := faulty(t, dynamotest.NewStreaming(t))
	w.tb.Break = func(op string, _ int) dynamotest.Fault {
		calls++
		if isWrite(op) {
			writes++
		}
		return dynamotest.None
	}
	if err := w.uploaded(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	w.tb.Break = nil
	imp := w.is(t, importID)
	// 8 new partners' rows a chunk, and of the three others a row each; the
	// last chunk is cut to 20 rows.
	want := network.Counts{Rows: 1020, OK: 33, Failed: 987, Invalid: 987, Created: 30, Updated: 3, Notices: 30, Partners: 15, Seats: 13}
	if imp.State != network.ImportDone || imp.Counts != want {
		t.Fatalf("got %+v, want %+v", imp, want)
	}
	return w.end(t), w.tb.Outboxes(t), calls, writes
}

func isWrite(op string) bool {
	return op == "PutItem" || op == "UpdateItem" || op == "TransactWriteItems" || op == "BatchExecuteStatement" || op == "BatchWriteItem"
}

// ends fails the test unless the world came to the end of a clean run, and
// said the same, however often. Where said is nil the tallies' word is taken:
// a chunk is in their Done by the write that says it.
func (w *world) ends(t *testing.T, end map[string]map[string]any, said map[string]int) {
	t.Helper()
	if d := differ(w.end(t), end); d != "" {
		t.Errorf("the end differs from a clean run's: %s", d)
	}
	if said == nil {
		return
	}
	got := w.tb.Outboxes(t)
	for what := range maps.Keys(said) {
		if got[what] == 0 {
			t.Errorf("not said: %s", what)
		}
		delete(got, what)
	}
	if len(got) > 0 {
		t.Errorf("said beside that: %v", got)
	}
}

func TestR29_DeliveredThreeTimesIsOnce(t *testing.T) {
	t.Parallel()
	end, said, _, _ := clean(t)
	w, e := faulty(t, dynamotest.NewStreaming(t))
	for range 3 {
		if err := w.uploaded(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	w.ends(t, end, said)
}

func TestR29_TwoRunsAtOnceAreOne(t *testing.T) {
	t.Parallel()
	end, said, _, _ := clean(t)
	for range 2 {
		w, e := faulty(t, dynamotest.NewStreaming(t))
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := w.uploaded(t.Context(), e); err != nil {
					t.Errorf("got %v, want both to come to an end", err)
				}
			})
		}
		wg.Wait()
		w.ends(t, end, said)
	}
}

func TestR29_EachWriteFailedBeforeAndAfterItTookEffectEndsAsACleanRun(t *testing.T) {
	t.Parallel()
	end, _, _, writes := clean(t)
	t.Logf("%d writes", writes)
	for i := range writes {
		for name, fault := range map[string]dynamotest.Fault{"before": dynamotest.Before, "after": dynamotest.After} {
			t.Run(fmt.Sprintf("%d %s", i+1, name), func(t *testing.T) {
				t.Parallel()
				w, e := faulty(t, dynamotest.New(t))
				n := 0
				w.tb.Break = func(op string, _ int) dynamotest.Fault {
					if isWrite(op) {
						if n++; n == i+1 {
							return fault
						}
					}
					return dynamotest.None
				}
				err := w.uploaded(t.Context(), e)
				w.tb.Break = nil
				if err == nil && n > i {
					t.Error("got no error, want the event to come again")
				}
				if err := w.uploaded(t.Context(), e); err != nil {
					t.Fatalf("delivered again: %v", err)
				}
				w.ends(t, end, nil)
			})
		}
	}
}

// A killed instance does nothing any more: of its last request nobody knows
// whether it arrived.
func TestR29_AnImportKilledAtTenMomentsEndsAsACleanRun(t *testing.T) {
	t.Parallel()
	end, said, calls, _ := clean(t)
	const seed = 20261122
	t.Logf("seed %d, %d requests", seed, calls)
	chance := rand.New(rand.NewPCG(seed, 1))
	for i := range 10 {
		at, last := 1+chance.IntN(calls), dynamotest.Before
		if chance.IntN(2) == 0 {
			last = dynamotest.After
		}
		t.Run(fmt.Sprintf("%d at request %d", i, at), func(t *testing.T) {
			t.Parallel()
			w, e := faulty(t, dynamotest.NewStreaming(t))
			ctx, kill := context.WithCancel(t.Context())
			defer kill()
			n := 0
			w.tb.Break = func(string, int) dynamotest.Fault {
				n++
				switch {
				case n < at:
					return dynamotest.None
				case n == at:
					kill()
					return last
				}
				return dynamotest.Before
			}
			if err := w.uploaded(ctx, e); err == nil && n >= at { // on a slow machine progress is noted once more or less
				t.Error("got no error, want the event to come again")
			}
			w.tb.Break = nil
			if err := w.uploaded(t.Context(), e); err != nil {
				t.Fatalf("delivered again: %v", err)
			}
			w.ends(t, end, said)
		})
	}
}

// What the SDK and the store try again by themselves costs no delivery.
func TestAThrottledTableSlowsAnImportAndDoesNotBreakIt(t *testing.T) {
	t.Parallel()
	end, _, _, _ := clean(t)
	w, e := faulty(t, dynamotest.New(t))
	w.store = store.New(w.tb.Retrying(5), w.tb.Name)
	n := 0
	w.tb.Break = func(op string, _ int) dynamotest.Fault {
		n++
		switch {
		case n%5 == 0:
			return dynamotest.Throttle
		case n%7 == 0 && (op == "BatchExecuteStatement" || op == "BatchGetItem" || op == "BatchWriteItem"):
			return dynamotest.Unprocessed
		case n%11 == 0 && op == "TransactWriteItems":
			return dynamotest.Conflict
		}
		return dynamotest.None
	}
	if err := w.uploaded(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	w.tb.Break = nil
	w.ends(t, end, nil)
}

func TestALostObjectIsReadAgainAtTheNextDelivery(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]objectFault{"cut off": cut, "refused": unavailable} {
		for n := 1; n <= 3; n++ {
			t.Run(fmt.Sprintf("%s at request %d", name, n), func(t *testing.T) {
				t.Parallel()
				w := setup(t)
				w.ask(t, importID, nil)
				e := w.put(importID, threeRows)
				failed := false
				w.bucket.fault = func(r *http.Request, i int) objectFault {
					if i == n && fault != cut || i >= n && fault == cut && r.Method == http.MethodGet {
						failed = true
						return fault
					}
					return none
				}
				if err := w.uploaded(t.Context(), e); (err != nil) != failed {
					t.Errorf("got %v, want an error: %t", err, failed)
				}
				if imp := w.is(t, importID); failed && imp.State != network.ImportReading && imp.State != network.ImportWaiting {
					t.Errorf("got %+v, want it still to be read: the file isn't to blame", imp)
				}
				w.bucket.fault = nil
				if err := w.uploaded(t.Context(), e); err != nil {
					t.Fatal(err)
				}
				if imp := w.is(t, importID); imp.State != network.ImportDone || imp.Counts.OK != 3 {
					t.Errorf("got %+v, want it done", imp)
				}
			})
		}
	}
}

// An object that goes, or is replaced, after its import was begun can't be read
// again, and the event of the other has been ignored by then: nothing would
// come of the import any more, so it says why.
func TestAnImportWhoseObjectIsGoneHalfwayEndsAsReplaced(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(w *world){
		"replaced": func(w *world) {
			if err := w.uploaded(t.Context(), w.put(importID, sheet("丙公司,张六,,13900000006,,,"))); err != nil {
				t.Errorf("got %v for the other's event, want it ignored", err)
			}
		},
		"deleted": func(w *world) { clear(w.bucket.objects) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.ask(t, importID, nil)
			e := w.put(importID, threeRows)
			w.bucket.fault = func(r *http.Request, _ int) objectFault {
				if r.Method == http.MethodGet {
					return cut
				}
				return none
			}
			if err := w.uploaded(t.Context(), e); err == nil {
				t.Fatal("got no error, want one")
			}
			w.bucket.fault = nil
			lose(w)
			if imp := w.is(t, importID); imp.State != network.ImportReading {
				t.Errorf("got %+v, want it still to be read", imp)
			}
			if err := w.uploaded(t.Context(), e); err != nil {
				t.Errorf("got %v, want it to be over", err)
			}
			if imp := w.is(t, importID); imp.State != network.ImportFailed || imp.FileCode != form.Replaced {
				t.Errorf("got %+v, want it failed as replaced", imp)
			}
		})
	}
}

// However long a roster, each delivery brings it further: what an earlier run
// has done costs it no writes.
func TestR29_ARunAfterAnotherWritesOnlyWhatIsLeft(t *testing.T) {
	t.Parallel()
	const writers, chunks, batches = 8, 9, 2 * store.ChunkRows / 25 // of the store; of the roster; of a chunk
	var lines []string
	for n := range chunks * store.ChunkRows {
		lines = append(lines, fmt.Sprintf("公司%d,张,,139%08d,,,", n, n))
	}
	w := setup(t)
	w.ask(t, importID, nil)
	e := w.put(importID, sheet(lines...))
	n := 0
	w.tb.Break = func(op string, _ int) dynamotest.Fault {
		if op == "BatchExecuteStatement" {
			n++
		}
		if n > writers*batches { // the last chunk's, which began when another was done
			return dynamotest.Before
		}
		return dynamotest.None
	}
	if err := w.uploaded(t.Context(), e); err == nil {
		t.Fatal("got no error, want the run killed")
	}
	w.tb.Break = nil
	done, err := w.store.Applied(t.Context(), chainID, importID)
	if err != nil || len(done) == 0 || len(done) == chunks {
		t.Fatalf("got %v %v, want some chunks done", done, err)
	}
	w.tb.Reset()
	if err := w.uploaded(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	left := (chunks - len(done)) * store.ChunkRows
	if n := w.tb.Meter().ByOp["BatchExecuteStatement"]; n > left*batches/store.ChunkRows {
		t.Errorf("got %d batches, want those of %d rows", n, left)
	}
	w.tb.Reset()
	if imp := w.is(t, importID); imp.State != network.ImportDone || imp.Counts.Created != len(lines) {
		t.Errorf("got %+v, want all in", imp)
	}
	all, err := w.store.Tallies(t.Context(), chainID, importID)
	if f := network.Progress(all, w.chain.Policies, noon); err != nil || f.Imported != len(lines) || f.Partners != len(lines) {
		t.Errorf("got %+v %v, want each counted once", f, err)
	}
}

// Two rosters of one chain at once, with partners and groups in common: none
// loses what the other has said.
func TestTwoImportsOfOneChainAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ids := []string{importID, secondID, "im0000000000000003"}
	var wg sync.WaitGroup
	for n, id := range ids {
		var lines []string
		for i := range 60 {
			lines = append(lines, fmt.Sprintf("公司%d,张%d,,139%d%07d,华东区/第%d组,,", i, n, n, i, i%7))
		}
		w.ask(t, id, nil)
		e := w.put(id, sheet(lines...))
		wg.Go(func() {
			if err := w.uploaded(t.Context(), e); err != nil {
				t.Errorf("got %v, want all to come to an end", err)
			}
		})
	}
	wg.Wait()
	tree, err := w.store.Tree(t.Context(), chainID)
	if err != nil || len(tree) != 1+1+7 {
		t.Errorf("got %d groups, %v, want each once", len(tree), err)
	}
	for i := range 60 {
		p := w.partner(t, "", fmt.Sprintf("公司%d", i))
		group, levels := tree.Find([]string{"华东区", fmt.Sprintf("第%d组", i%7)})
		if p.Contacts != 3 || len(p.People) != 3 || levels != 2 || p.Group != group {
			t.Errorf("got %+v, want three people in group %d", p, group)
		}
	}
	for _, id := range ids {
		if imp := w.is(t, id); imp.State != network.ImportDone || imp.Counts.Created != 60 || imp.Counts.Failed != 0 {
			t.Errorf("got %+v", imp)
		}
	}
}
