package main

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/contract"
	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// weather is what the table does to who comes in a crowd.
type weather struct {
	name    string
	fault   func(op string, n int) dynamotest.Fault
	contend bool
	share   int // of the crowd, one in so many; 0: all
}

func (in weather) crowd(n int) int {
	share := max(in.share, 1)
	if raced {
		share = max(in.share*3/2, 5) // the detector makes the rest of it minutes
	}
	return n / share
}

var weathers = []weather{
	{name: "calm"},
	{name: "answers lost and calls throttled", fault: func(op string, n int) dynamotest.Fault {
		switch {
		case n%20 == 7 && op == "TransactWriteItems":
			return dynamotest.After
		case n%20 == 13:
			return dynamotest.Before
		case n%20 == 17:
			return dynamotest.Throttle
		}
		return dynamotest.None
	}},
	// The service runs as many functions as there are people; here they share the machine with it, so that fewer make the crowd.
	{name: "each transaction holds its items", contend: true, share: 10},
}

// storm has the door serve a crowd in a weather: n presses at the same moment,
// each by the person and for the corp that press names. It gives what was said,
// and what those who got in have asked of the table on average.
func (w *world) storm(t *testing.T, in weather, n int, token string, press func(i int) (who int, body string)) (said map[string]int, memberships map[string]bool, perWinner float64) {
	t.Helper()
	door := &joins{store: store.New(w.tb.Retrying(8), w.tb.Name), person: people, tokens: keys, now: func() time.Time { return w.now }}
	w.h = contract.Handler(t, door.routes())
	w.tb.Break, w.tb.Contend = in.fault, in.contend
	defer func() { w.tb.Break, w.tb.Contend = nil, false }()
	answers, asked := make([]answer, n), make([]*atomic.Int64, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			who, body := press(i)
			ctx, count := dynamotest.Count(t.Context())
			asked[i] = count
			<-start
			answers[i] = w.in(t, ctx, claims(who), http.MethodPost, "/v1/join/"+token, body)
		})
	}
	close(start)
	wg.Wait()
	said, memberships = map[string]int{}, map[string]bool{}
	all, winners := 0.0, 0.0
	for i, a := range answers {
		said[strings.TrimSpace(fmt.Sprint(a.Code, " ", a.code()))]++
		if a.Code == http.StatusCreated || a.Code == http.StatusOK {
			memberships[a.text("membership_id")] = true
		}
		if a.Code == http.StatusCreated {
			winners++
			all += float64(asked[i].Load())
		}
	}
	return said, memberships, all / winners
}

func newcomer(i int) (who int, body string) { return 1000 + i, anew(fmt.Sprint("Corp ", i)) }

func TestR15_AThousandAtOnceOnALinkForFiftyAreFifty(t *testing.T) {
	for _, in := range weathers {
		t.Run(in.name, func(t *testing.T) {
			w := setup(t)
			token := w.link(t, network.Invite{MaxUses: 50})
			began := time.Now()
			n := in.crowd(1000)
			said, memberships, per := w.storm(t, in, n, token, newcomer)
			t.Logf("%v, %.2f requests a winner, %v", said, per, time.Since(began).Round(time.Millisecond))
			// Whose answer was lost on a write that took effect has the SDK ask again: a winner all the same.
			if want := map[string]int{"201": 50, "410 invite_exhausted": n - 50}; !reflect.DeepEqual(said, want) {
				t.Errorf("got %v, want %v", said, want)
			}
			ticket, _ := keys.Verify(network.Token(token))
			i, err := w.Invite(t.Context(), chainID, ticket.Invite)
			joined, err2 := w.JoinedPartners(t.Context(), chainID)
			if i.Uses != 50 || joined != 50 || len(memberships) != 50 || err != nil || err2 != nil {
				t.Errorf("got %d uses, %d partners, %d memberships (%v, %v), want 50 of each", i.Uses, joined, len(memberships), err, err2)
			}
			if in.name == "calm" && per > 3 {
				t.Errorf("got %.2f requests a winner, want at most 3", per)
			}
		})
	}
}

func TestR15_TwoThousandAtOnceOnAnUnlimitedLinkAllGetIn(t *testing.T) {
	for _, in := range weathers {
		t.Run(in.name, func(t *testing.T) {
			n := in.crowd(2000)
			w := setup(t)
			ticket, _ := keys.Verify(network.Token(w.token))
			links := func() map[string]any {
				out := map[string]any{}
				for k, item := range w.tb.Items(t) {
					if strings.Contains(k, ticket.Invite) && strings.Contains(k, "#INVITES|") {
						out[k] = item
					}
				}
				return out
			}
			before := links()
			began := time.Now()
			said, memberships, per := w.storm(t, in, n, w.token, newcomer)
			t.Logf("%v, %.2f requests each, %v", said, per, time.Since(began).Round(time.Millisecond))
			if want := map[string]int{"201": n}; !reflect.DeepEqual(said, want) {
				t.Errorf("got %v, want %v", said, want)
			}
			if after := links(); len(before) != 1 || !reflect.DeepEqual(before, after) {
				t.Errorf("got the link %v, want it as it was: %v", after, before)
			}
			if got, err := w.JoinedPartners(t.Context(), chainID); got != n || len(memberships) != n || err != nil {
				t.Errorf("got %d partners, %d memberships (%v), want %d", got, len(memberships), err, n)
			}
			if in.name == "calm" && per > 3 {
				t.Errorf("got %.2f requests each, want at most 3", per)
			}
		})
	}
}

func TestR15_OnePersonAHundredTimesAtOnceIsOneMembership(t *testing.T) {
	for _, in := range weathers {
		t.Run(in.name, func(t *testing.T) {
			w := setup(t)
			token := w.link(t, network.Invite{MaxUses: 100})
			said, memberships, _ := w.storm(t, in, 100, token, func(int) (int, string) { return 7, anew("Acme") })
			codes := slices.Sorted(maps.Keys(said))
			if said["201"] != 1 || said["200"] != 99 || len(memberships) != 1 {
				t.Errorf("got %v (%v) and %d memberships, want one 201 and 99 × 200 of the same", said, codes, len(memberships))
			}
			ticket, _ := keys.Verify(network.Token(token))
			if i, err := w.Invite(t.Context(), chainID, ticket.Invite); i.Uses != 1 || err != nil {
				t.Errorf("got %d uses (%v), want 1", i.Uses, err)
			}
			members := 0
			for k := range w.tb.Items(t) {
				if strings.HasPrefix(k, "PERSON#"+id(claims(7))+"|") {
					members++
				}
			}
			if members != 2 { // of the corp, and the membership
				t.Errorf("got %d items of the person, want 2", members)
			}
		})
	}
}
