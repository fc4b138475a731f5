package roster

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/roster/form"
)

func TestSharedTextsAreFoundByNumber(t *testing.T) {
	t.Parallel()
	text := func(i int) string {
		if i%3 == 0 {
			return ""
		}
		return strings.Repeat(strconv.Itoa(i), i%100)
	}
	const n = 200_000
	var all texts
	for i := range n {
		if err := all.add([]byte(text(i))); err != nil {
			t.Fatal(err)
		}
	}
	all.seal()
	for i := range n {
		if got, ok := all.at(i); !ok || got != text(i) {
			t.Fatalf("text %d: got %q, %t, want %q", i, got, ok, text(i))
		}
	}
	for _, i := range []int{-1, n} {
		if got, ok := all.at(i); ok {
			t.Errorf("text %d: got %q, want none", i, got)
		}
	}
}

func TestSharedTextsHaveLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		most       int
	}{
		{"six million empty ones", "", 6 << 20},
		{"128 MiB", strings.Repeat("x", 4<<10), 32 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var all texts
			for range c.most {
				if err := all.add([]byte(c.text)); err != nil {
					t.Fatalf("text %d: got %v, want it kept", all.count, err)
				}
			}
			if e, ok := errors.AsType[*FileError](all.add([]byte(c.text))); !ok || e.Code != form.TooLarge {
				t.Errorf("got %v beyond the last, want %s", e, form.TooLarge)
			}
		})
	}
}
