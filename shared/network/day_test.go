package network_test

import (
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

func TestADayBeginsAtMidnightInBeijing(t *testing.T) {
	t.Parallel()
	before := time.Date(2026, 11, 29, 15, 59, 59, 0, time.UTC)
	for at, want := range map[time.Time]string{before: "2026-11-29", before.Add(time.Second): "2026-11-30", time.Date(2024, 2, 29, 3, 0, 0, 0, time.UTC): "2024-02-29"} {
		if got := network.DayAt(at).String(); got != want || got != network.DayOf(at) {
			t.Errorf("%s: got %s and %s, want %s", at, got, network.DayOf(at), want)
		}
	}
	if d := network.DayAt(before.Add(time.Second)) - network.DayAt(before); d != 1 {
		t.Errorf("got %d days between them, want 1", d)
	}
	if d := network.DayAt(time.Time{}); d != 0 {
		t.Errorf("got day %d of no moment, want 0", d)
	}
}
