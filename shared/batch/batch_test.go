package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tributary-app/tributary/shared/batch"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(byTest{slog.NewJSONHandler(os.Stderr, nil)}))
	os.Exit(m.Run())
}

// byTest is a slog.Handler that writes to whom the context names: tests run
// side by side, and the logger is one.
type byTest struct{ slog.Handler }

type logKey struct{}

func (byTest) Handle(ctx context.Context, r slog.Record) error {
	b, ok := ctx.Value(logKey{}).(*strings.Builder)
	if !ok {
		return nil
	}
	return slog.NewJSONHandler(b, nil).Handle(ctx, r)
}

func logged(t *testing.T) (context.Context, *strings.Builder) {
	var b strings.Builder
	return context.WithValue(t.Context(), logKey{}, &b), &b
}

// answer is what Lambda reads of an answer.
func answer(t *testing.T, v any, err error) string {
	t.Helper()
	if err != nil {
		t.Fatalf("got %v: the whole batch would come back", err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const nothing = `{"batchItemFailures":[]}`

func queue(ids ...string) events.SQSEvent {
	var e events.SQSEvent
	for _, id := range ids {
		e.Records = append(e.Records, events.SQSMessage{MessageId: id, Body: "13800138000", Attributes: map[string]string{"ApproximateReceiveCount": "2"}})
	}
	return e
}

func stream(n int) events.DynamoDBEvent {
	var e events.DynamoDBEvent
	for i := range n {
		e.Records = append(e.Records, events.DynamoDBEventRecord{EventID: "e", Change: events.DynamoDBStreamRecord{SequenceNumber: fmt.Sprint(100 + i)}})
	}
	return e
}

func TestOnlyTheMessagesThatFailComeBack(t *testing.T) {
	t.Parallel()
	ctx, log := logged(t)
	var seen []string
	out, err := batch.Each(func(_ context.Context, m events.SQSMessage) error {
		seen = append(seen, m.MessageId)
		switch m.MessageId {
		case "b":
			return errors.New("notices: 503")
		case "d":
			panic("13800138000")
		}
		return nil
	})(ctx, queue("a", "b", "c", "d", "e"))
	if got, want := answer(t, out, err), `{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"d"}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if want := []string{"a", "b", "c", "d", "e"}; !slices.Equal(seen, want) {
		t.Errorf("worked on %v, want %v", seen, want)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"message":"b","try":"2","err":"notices: 503"`) || !strings.Contains(lines[1], `"message":"d"`) {
		t.Errorf("logged %s", log)
	}
	if strings.Contains(log.String(), "13800138000") {
		t.Errorf("a payload was logged: %s", log)
	}
}

func TestNothingToReportIsAnEmptyListAndNeverNull(t *testing.T) {
	t.Parallel()
	each := batch.Each(func(context.Context, events.SQSMessage) error { return nil })
	records := batch.Records(10, func(context.Context, []events.DynamoDBEventRecord) error { return nil })
	for _, n := range []int{0, 1} {
		out, err := each(t.Context(), queue([]string{"a"}[:n]...))
		if got := answer(t, out, err); got != nothing {
			t.Errorf("%d messages: got %s, want %s", n, got, nothing)
		}
		records, err := records(t.Context(), stream(n))
		if got := answer(t, records, err); got != nothing {
			t.Errorf("%d records: got %s, want %s", n, got, nothing)
		}
	}
}

func TestRecordsAreWorkedThroughInOrderAndInParts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		n, size int
		want    string
	}{
		{0, 3, "[]"}, {1, 3, "[[100]]"}, {3, 3, "[[100 101 102]]"}, {5, 2, "[[100 101] [102 103] [104]]"}, {2, 1, "[[100] [101]]"},
	} {
		parts := [][]string{}
		out, err := batch.Records(tc.size, func(_ context.Context, rs []events.DynamoDBEventRecord) error {
			var part []string
			for _, r := range rs {
				part = append(part, r.Change.SequenceNumber)
			}
			parts = append(parts, part)
			return nil
		})(t.Context(), stream(tc.n))
		if got := answer(t, out, err); got != nothing {
			t.Errorf("got %s, want %s", got, nothing)
		}
		if got := fmt.Sprint(parts); got != tc.want {
			t.Errorf("%d by %d: got %s, want %s", tc.n, tc.size, got, tc.want)
		}
	}
}

func TestAPartThatFailsComesBackWithAllAfterIt(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]func() error{
		"an error": func() error { return errors.New("sqs: timeout") },
		"a panic":  func() error { panic("13800138000") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, log := logged(t)
			parts := 0
			out, err := batch.Records(2, func(context.Context, []events.DynamoDBEventRecord) error {
				if parts++; parts == 2 {
					return fails()
				}
				return nil
			})(ctx, stream(7))
			if got, want := answer(t, out, err), `{"batchItemFailures":[{"itemIdentifier":"102"}]}`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if parts != 2 {
				t.Errorf("worked on %d parts, want none after the one that failed", parts)
			}
			if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), `"first":"102","records":2`) || strings.Contains(log.String(), "13800138000") {
				t.Errorf("logged %s", log)
			}
		})
	}
}

func TestAPartCantGrowIntoTheNext(t *testing.T) {
	t.Parallel()
	var seen []string
	_, err := batch.Records(1, func(_ context.Context, rs []events.DynamoDBEventRecord) error {
		seen = append(seen, rs[0].Change.SequenceNumber)
		_ = append(rs, events.DynamoDBEventRecord{})
		return nil
	})(t.Context(), stream(3))
	if want := []string{"100", "101", "102"}; err != nil || !slices.Equal(seen, want) {
		t.Errorf("got %v, %v, want %v", seen, err, want)
	}
}

func TestAGuardedPanicIsAnErrorWithoutItsPayload(t *testing.T) {
	t.Parallel()
	var none map[string]int
	var list []int
	type payload struct{ phone string }
	for name, tc := range map[string]struct {
		do   func() error
		want string // how the error begins, "" for none
	}{
		"all well":     {func() error { return nil }, ""},
		"an error":     {func() error { return os.ErrDeadlineExceeded }, "i/o timeout"},
		"a text":       {func() error { panic("13800138000") }, "panic: a string\n"},
		"a value":      {func() error { panic(payload{"13800138000"}) }, "panic: a batch_test.payload\n"},
		"an error's":   {func() error { panic(errors.New("13800138000")) }, "panic: a *errors.errorString\n"},
		"an index":     {func() error { return errors.New(fmt.Sprint(list[len(name(none))])) }, "panic: runtime error: index out of range [0] with length 0\n"},
		"a nil map":    {func() error { none["13800138000"] = 1; return nil }, "panic: assignment to entry in nil map\n"},
		"a nil's":      {func() error { var p *payload; return errors.New(p.phone) }, "panic: runtime error: invalid memory address or nil pointer dereference\n"},
		"another type": {func() error { var v any = "13800138000"; return v.(error) }, "panic: interface conversion: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := batch.Guard(tc.do)
			if tc.want == "" {
				if err != nil {
					t.Errorf("got %v, want none", err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), "13800138000") {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if strings.HasPrefix(tc.want, "panic") && !strings.Contains(err.Error(), "batch_test.go") {
				t.Errorf("the stack doesn't lead here: %v", err)
			}
		})
	}
}

// name is of no length: what the compiler knows it would refuse to index.
func name(m map[string]int) string { return strings.Repeat("x", len(m)) }

func TestAGuardedErrorCanStillBeTold(t *testing.T) {
	t.Parallel()
	if err := batch.Guard(func() error { return fmt.Errorf("send: %w", os.ErrDeadlineExceeded) }); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	err := batch.Guard(func() error { panic(nil) })
	if _, ok := errors.AsType[*runtime.PanicNilError](err); !ok {
		t.Errorf("got %v, want the runtime's own error", err)
	}
}
