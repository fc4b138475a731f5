package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

func TestPartsOfAFeedAreNumberedWithoutAGap(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	for i := range 2 {
		_, err := w.AppendFeed(ctx, chainID, 0, fmt.Append(nil, i))
		must(t, err)
	}
	got := atOnce(10, func(i int) error {
		_, err := w.AppendFeed(ctx, chainID, i%3, fmt.Append(nil, i+2)) // some have seen a part that isn't the last any more
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 10})
	parts, err := w.Feed(ctx, chainID, 0)
	must(t, err)
	var bodies []string
	for i, p := range parts {
		same(t, "number", p.N, i+1)
		bodies = append(bodies, string(p.Body))
	}
	slices.Sort(bodies)
	same(t, "bodies", strings.Join(bodies, " "), "0 1 10 11 2 3 4 5 6 7 8 9")
	behind, err := w.Feed(ctx, chainID, 10)
	must(t, err)
	same(t, "parts behind the tenth", len(behind), 2)
	if _, err := w.AppendFeed(ctx, chainID, 0, make([]byte, MaxFeedPart+1)); err == nil {
		t.Error("a part that is too long was taken")
	}
	other, err := w.Feed(ctx, "ch0000000000000009", 0)
	must(t, err)
	same(t, "another chain's parts", len(other), 0)
}

func TestAFeedThatIsForgottenIsCountedOn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	must(t, w.ForgetFeed(ctx, chainID, 10)) // there is none
	for range 5 {
		_, err := w.AppendFeed(ctx, chainID, 0, []byte("x"))
		must(t, err)
	}
	must(t, w.ForgetFeed(ctx, chainID, 3))
	must(t, w.ForgetFeed(ctx, chainID, 3))
	parts, err := w.Feed(ctx, chainID, 0)
	must(t, err)
	same(t, "parts that stay", []int{len(parts), parts[0].N}, []int{2, 4})
	must(t, w.ForgetFeed(ctx, chainID, 100))
	n, err := w.AppendFeed(ctx, chainID, 0, []byte("x"))
	must(t, err)
	same(t, "the next part", n, 6)
}

func TestAFeedCostsLittle(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.tb.Reset()
	n, err := w.AppendFeed(ctx, chainID, 0, []byte("x"))
	must(t, err)
	if m := w.tb.Meter(); m.WriteUnits > 1 || m.ReadUnits > 1 || m.Requests > 2 {
		t.Errorf("the first part took %+v, want 1 write, 1 read, 2 requests", m)
	}
	w.tb.Reset()
	_, err = w.AppendFeed(ctx, chainID, n, []byte("x"))
	must(t, err)
	if m := w.tb.Meter(); m.WriteUnits > 1 || m.ReadUnits > 0 || m.Requests > 1 {
		t.Errorf("the next took %+v, want 1 write, 1 request", m)
	}
	w.tb.Reset()
	_, err = w.Feed(ctx, chainID, n+1)
	must(t, err)
	if m := w.tb.Meter(); m.ReadUnits > 0.5 || m.Requests > 1 {
		t.Errorf("nothing new took %+v, want 0.5 read, 1 request", m)
	}
}

func TestAnIndexIsAskedForOnceInAWhile(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	ctx := t.Context()
	before := len(w.tb.Changes(t))
	for _, at := range []time.Duration{0, time.Second, askAgain, askAgain + time.Second} {
		must(t, w.AskRebuild(ctx, chainID, noon.Add(at)))
	}
	asked := 0
	for _, r := range w.tb.Changes(t)[before:] {
		m, err := ReadImage(r.Change)
		must(t, err)
		same(t, "who it is about", []any{m.Chain, m.Rebuild}, []any{chainID, true})
		asked++
	}
	same(t, "times that the stream hears it", asked, 2)
}

func TestAnImageIsWhatTheTableHolds(t *testing.T) {
	t.Parallel()
	w := setupStreaming(t)
	ctx := t.Context()
	a, _ := w.partner(t, 7)
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme"), row(21, "Beta")})
	must(t, w.RemovePartner(ctx, chainID, noticeOf(row(21, "Beta")).Partner, 0, noon))
	partners, contacts := map[string]network.Partner{}, map[string]network.Contact{}
	removed := false
	for _, r := range w.tb.Changes(t) {
		m, err := ReadImage(r.Change)
		must(t, err)
		if p := m.IsPartner; p != nil {
			partners[p.ID] = *p
			removed = removed || p.State == network.PartnerRemoved && m.WasPartner != nil && len(m.WasPartner.People) == 1
		}
		if k := m.IsContact; k != nil {
			contacts[k.Partner+k.Person] = *k
		}
	}
	seen, people := 0, 0
	must(t, w.Everyone(ctx, chainID, func(p network.Partner, all []network.Contact) error {
		seen++
		same(t, "partner", partners[p.ID], p)
		for _, k := range all {
			people++
			same(t, "contact", contacts[k.Partner+k.Person], k)
		}
		return nil
	}))
	same(t, "partners and people, of whom one has joined", []int{seen, people}, []int{2, 2})
	same(t, "the removed one was shown with who was in it", removed, true)
	same(t, "the one who has joined", partners[a.Partner.ID].State, network.PartnerJoined)
	stop := errors.New("enough")
	if err := w.Everyone(ctx, chainID, func(network.Partner, []network.Contact) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want it to stop", err)
	}
}
