package web

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

func TestAGuesserIsToldToWaitAndNobodyElseIs(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	miss := func(g *Guesses, from string, token network.Token, now time.Time) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = from
		return network.CodeOf(g.Miss(r, token, now))
	}
	var g Guesses
	for i := range guessLimit {
		if got := miss(&g, "203.0.113.7", "x", noon); got != "not_found" {
			t.Fatalf("guess %d: got %s", i, got)
		}
	}
	for _, c := range []struct {
		what, from, want string
		at               time.Time
	}{
		{"one more", "203.0.113.7", "rate_limited", noon},
		{"the same with a port", "203.0.113.7:99", "rate_limited", noon},
		{"the same, mapped", "::ffff:203.0.113.7", "rate_limited", noon},
		{"another", "203.0.113.8", "not_found", noon},
		{"the end of the window", "203.0.113.7", "rate_limited", noon.Add(guessWindow - 1)},
		{"the next window", "203.0.113.7", "not_found", noon.Add(guessWindow)},
		{"a clock put back", "203.0.113.7", "not_found", noon.Add(-time.Hour)},
	} {
		if got := miss(&g, c.from, "x", c.at); got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
	var six Guesses // a network of IPv6 is one guesser
	for i := range guessLimit {
		miss(&six, fmt.Sprintf("2001:db8::%x", i), "x", noon)
	}
	if got := miss(&six, "2001:db8::ffff", "x", noon); got != "rate_limited" {
		t.Errorf("another address of the network: got %s", got)
	}
	if got := miss(&six, "2001:db8:0:1::1", "x", noon); got != "not_found" {
		t.Errorf("another network: got %s", got)
	}
}

func TestGuessesAtOneInviteCountTogetherFromWhereverTheyCome(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var g Guesses
	var mu sync.Mutex
	said := map[string]int{}
	var wg sync.WaitGroup
	for i := range 3 * guessLimit {
		wg.Go(func() {
			b := make([]byte, 40) // a link's token, of another version and proof each
			b[0], b[1], b[30], b[31] = 'L', 1, byte(i), byte(i>>8)
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = fmt.Sprintf("10.0.%d.%d", i/256, i%256)
			err := g.Miss(r, network.Token(base64.RawURLEncoding.EncodeToString(b)), noon)
			mu.Lock()
			defer mu.Unlock()
			said[network.CodeOf(err)]++
			if l, ok := errors.AsType[*later](err); ok && l.wait != guessWindow {
				t.Errorf("got a wait of %v, want %v", l.wait, guessWindow)
			}
		})
	}
	wg.Wait()
	if said["not_found"] != guessLimit || said["rate_limited"] != 2*guessLimit {
		t.Errorf("got %v", said)
	}
}

func TestGuessesTakeNoMoreMemoryThanTheyMay(t *testing.T) {
	t.Parallel()
	var g Guesses
	for i := range 3 * guessers {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		g.Miss(r, "x", time.Unix(0, 0))
		if len(g.by) > guessers {
			t.Fatalf("got %d guessers kept, want at most %d", len(g.by), guessers)
		}
	}
}
