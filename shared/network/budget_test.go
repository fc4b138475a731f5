package network_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
)

func telling(id string, at time.Time, office bool) network.Told {
	return network.Told{Notice: network.NoticeMark(id), At: at, Office: office}
}

func TestR48_APhoneIsToldThreeTimesADayAndAgainOnceADayHasPassed(t *testing.T) {
	t.Parallel()
	var b network.Budget
	for n, tc := range []struct {
		after time.Duration
		id    string
		again bool
		want  error
	}{
		{0, "a", false, nil}, {0, "a", true, nil}, {time.Hour, "b", false, nil}, {2 * time.Hour, "c", false, nil},
		{2 * time.Hour, "d", false, network.ErrOverBudget}, {24*time.Hour - time.Second, "d", false, network.ErrOverBudget},
		{24*time.Hour - time.Second, "a", true, nil}, {24 * time.Hour, "d", false, nil}, {24 * time.Hour, "e", false, network.ErrOverBudget},
		{25 * time.Hour, "e", false, nil}, {25 * time.Hour, "a", false, network.ErrOverBudget},
	} {
		left, again, err := b.Spend(telling(tc.id, noon.Add(tc.after), false), fmt.Sprint("chain ", n)) // whichever chain's
		if again != tc.again || !errors.Is(err, tc.want) {
			t.Errorf("%d: %s after %s: got %v %v, want %v %v", n, tc.id, tc.after, again, err, tc.again, tc.want)
		}
		b = left
	}
}

func TestR48_ABlockHoldsForItsChainAloneAndTellsWhetherANoticeWasOutBefore(t *testing.T) {
	t.Parallel()
	b, _, err := network.Budget{}.Spend(telling("a", noon, false), "east")
	if err != nil {
		t.Fatal(err)
	}
	b.Blocked = []string{"east"}
	for id, was := range map[string]bool{"a": true, "b": false} {
		if _, again, err := b.Spend(telling(id, noon, false), "east"); !errors.Is(err, network.ErrBlocked) || again != was {
			t.Errorf("%s: got %v %v, want it blocked", id, again, err)
		}
	}
	if _, _, err := b.Spend(telling("b", noon, false), "west"); err != nil {
		t.Errorf("got %v, want another chain's to be sent", err)
	}
}

// Whatever comes, in whatever order, however often: never more than three of a
// day's, nor than ten of any kind in ten minutes; who is refused spends
// nothing; and what is forgotten would not count.
func TestR48_NoSequenceOfNoticesGoesBeyondTheBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var b network.Budget
		sent := map[string]network.Told{}
		var all []network.Told
		now := noon
		for range rapid.IntRange(1, 200).Draw(t, "notices") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 60, 599, 600, 3600, 40_000}).Draw(t, "seconds")) * time.Second)
			id := fmt.Sprint(rapid.IntRange(0, 40).Draw(t, "id"))
			n := telling(id, now, rapid.Bool().Draw(t, "office"))
			left, again, err := b.Spend(n, "east")
			switch was, known := sent[n.Notice]; {
			case err != nil && len(left.Told) != len(b.Told):
				t.Fatalf("refused, and spent: %+v", left)
			case again && !known:
				t.Fatalf("%s is said to be sent already", id)
			case again && now.Sub(was.At) >= 24*time.Hour:
				t.Fatalf("%s still counts after a day", id)
			case err == nil && !again:
				sent[n.Notice] = n
				all = append(all, n)
			}
			b = left
			day, rush := 0, 0
			for _, s := range all {
				if !s.Office && now.Sub(s.At) < 24*time.Hour {
					day++
				}
				if now.Sub(s.At) < 10*time.Minute {
					rush++
				}
			}
			if day > 3 || rush > 10 {
				t.Fatalf("sent %d within a day and %d within ten minutes", day, rush)
			}
			if len(b.Told) > 13 {
				t.Fatalf("%d are kept: a budget is small", len(b.Told))
			}
			if free := b.FreeAt(); len(b.Told) > 0 && free.Before(now) && err == nil {
				t.Fatalf("it is said to be free since %s, at %s", free, now)
			}
		}
	})
}
