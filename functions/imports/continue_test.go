package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

type (
	ctx     = context.Context
	request = http.Request
)

// A run whose time is up at whatever step leaves the rest to the next, by a
// message of its own.
func TestR29_AnImportIsContinuedByMessagesAsOneRunWouldHaveDoneIt(t *testing.T) {
	t.Parallel()
	end, _, _, _ := clean(t)
	for _, patience := range []int{1, 2, 3, 5} {
		t.Run(fmt.Sprint(patience), func(t *testing.T) {
			t.Parallel()
			w, e := faulty(t, dynamotest.New(t))
			left, runs := 0, 1
			w.spare = func(context.Context) bool {
				left--
				return left >= 0
			}
			left = patience
			if err := w.uploaded(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			for ; ; runs++ {
				bodies := w.sent.take()
				if len(bodies) == 0 {
					break
				}
				if len(bodies) > 1 || runs > 50 {
					t.Fatalf("got %v in run %d, want one message and an end", bodies, runs)
				}
				left = patience + runs/2 // planning wants all its chunks in one run
				out, err := w.handle(t.Context(), messages(bodies...))
				if err != nil || len(out.(events.SQSEventResponse).BatchItemFailures) != 0 {
					t.Fatalf("got %+v %v", out, err)
				}
			}
			if runs < 2 {
				t.Errorf("got %d runs, want some", runs)
			}
			w.ends(t, end, nil)
		})
	}
}

func TestAMessageThatFailsIsSentAnewAndGivenUpInTheEnd(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takeIn(t, importID, threeRows, dry)
	imp := w.is(t, importID)
	if _, err := w.store.ApplyImport(t.Context(), chainID, importID, imp.PlanID, noon); err != nil {
		t.Fatal(err)
	}
	body := network.Event{ID: "import_apply." + importID, Kind: network.ImportApply, Chain: chainID, Import: importID}.Encode()
	w.tb.Break = func(op string, _ int) dynamotest.Fault {
		if op == "BatchExecuteStatement" {
			return dynamotest.Before
		}
		return dynamotest.None
	}
	for try := 1; ; try++ {
		out, err := w.handle(t.Context(), messages(body))
		if err != nil {
			t.Fatal(err)
		}
		failed := len(out.(events.SQSEventResponse).BatchItemFailures)
		delays := w.sent.delays
		bodies := w.sent.take()
		if try == tries {
			if failed != 1 || len(bodies) != 0 {
				t.Errorf("got %d failed and %v, want the queue to have it", failed, bodies)
			}
			break
		}
		if failed != 0 || len(bodies) != 1 || delays[0] != tryAgain {
			t.Fatalf("try %d: got %d failed, %v after %v, want one in a minute", try, failed, bodies, delays)
		}
		body = bodies[0]
	}
	w.tb.Break = nil
	w.deliver(t, importID)
	if imp := w.is(t, importID); imp.State != network.ImportDone {
		t.Errorf("got %+v, want it done", imp)
	}
}

// Both kinds of events come to one function.
func TestEventsOfTheBucketAndOfTheQueueAreToldApart(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(t, importID, dry)
	e := event(t, "uploaded.json")
	w.bucket.objects[rosterKey(chainID, importID)] = stored{e.Records[0].S3.Object.ETag, threeRows}
	if out, err := w.handle(t.Context(), file(t, "../../events/imports/uploaded.json")); err != nil || out != nil {
		t.Fatalf("got %v %v", out, err)
	}
	imp := w.is(t, importID)
	if _, err := w.store.ApplyImport(t.Context(), chainID, importID, imp.PlanID, noon); err != nil {
		t.Fatal(err)
	}
	out, err := w.handle(t.Context(), file(t, "../../events/imports/continue.json"))
	if got, ok := out.(events.SQSEventResponse); err != nil || !ok || got.BatchItemFailures == nil || len(got.BatchItemFailures) != 0 {
		t.Errorf("got %v %v, want none failed", out, err)
	}
	if imp := w.is(t, importID); imp.State != network.ImportDone || imp.Counts.Created != 3 {
		t.Errorf("got %+v, want it done", imp)
	}
	for _, body := range []string{"{", network.Event{Kind: network.Joined}.Encode(), network.Event{Kind: network.ImportApply, Chain: chainID, Import: secondID}.Encode()} {
		if out, err := w.handle(t.Context(), messages(body)); err != nil || len(out.(events.SQSEventResponse).BatchItemFailures) != map[bool]int{true: 0, false: 1}[strings.Contains(body, secondID)] {
			t.Errorf("%s: got %v %v", body, out, err)
		}
	}
}

// A long import killed at twenty moments, each time taken up again where it
// was, ends as one that nobody killed. A killed instance does nothing any more:
// of its last request nobody knows whether it arrived.
func TestR29_AnImportOfTwentyThousandRowsKilledTwentyTimesEndsAsACleanRun(t *testing.T) {
	t.Parallel()
	const rows, kills, seed = 20_000, 20, 20261124
	var lines []string
	for n := range rows {
		lines = append(lines, fmt.Sprintf("公司%d,张%d,,139%08d,华东区/第%d组,,", n/2, n%2, n, n%7))
	}
	file := sheet(lines...)
	run := func(t *testing.T, kill func(calls int) (at int, last dynamotest.Fault)) (end map[string]map[string]any, calls int) {
		w := setup(t)
		w.ask(t, importID, nil)
		e := w.put(importID, file)
		for again := true; again; {
			again = false
			ctx, stop := context.WithCancel(t.Context())
			at, last := kill(calls)
			n := 0
			w.tb.Break = func(string, int) dynamotest.Fault {
				calls++
				n++
				switch {
				case at == 0 || n < at:
					return dynamotest.None
				case n == at:
					again = true
					stop()
					return last
				}
				return dynamotest.Before
			}
			err := w.uploaded(ctx, e)
			w.tb.Break = nil
			stop()
			if (err != nil) != again {
				t.Fatalf("got %v, want an error: %t", err, again)
			}
		}
		if imp := w.is(t, importID); imp.State != network.ImportDone || imp.Counts.Created != rows {
			t.Errorf("got %+v, want all in", imp)
		}
		return w.end(t), calls
	}
	began := time.Now()
	want, calls := run(t, func(int) (int, dynamotest.Fault) { return 0, dynamotest.None })
	t.Logf("seed %d; a clean run makes %d requests and takes %s", seed, calls, time.Since(began).Round(time.Millisecond))
	chance := rand.New(rand.NewPCG(seed, 1))
	killed := 0
	got, all := run(t, func(int) (int, dynamotest.Fault) {
		if killed == kills {
			return 0, dynamotest.None
		}
		killed++
		return 1 + chance.IntN(calls/(6+14*(killed%2))), []dynamotest.Fault{dynamotest.Before, dynamotest.After}[chance.IntN(2)]
	})
	t.Logf("killed %d times it makes %d requests", killed, all)
	if d := differ(got, want); d != "" {
		t.Errorf("the end differs from a clean run's: %.2000s", d)
	}
}
