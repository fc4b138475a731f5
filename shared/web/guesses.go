package web

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// Guesses counts the tokens that weren't ours, by who sent them and by the
// invite that they claimed, and says when that is enough. A token that we have
// signed is never counted and never refused: behind one address there may be a
// whole market of shop owners, and one of them with a torn link. The zero value
// is ready, and safe for concurrent use; it remembers for as long as the
// function's instance lives (infra/decisions/11-guesses.md).
type Guesses struct {
	mu    sync.Mutex
	since time.Time // when the present window began
	by    map[string]int
}

const (
	guessWindow = 10 * time.Minute
	guessLimit  = 100    // of an address, or of an invite, in a window
	guessers    = 20_000 // that are told apart: some 2 MB
)

// Miss counts a token that isn't ours: the error to answer, network.ErrNotFound
// or, when it has been enough, network.ErrRateLimited until the window ends.
func (g *Guesses) Miss(r *http.Request, token network.Token, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if end := g.since.Add(guessWindow); g.by == nil || len(g.by) >= guessers || !now.Before(end) || now.Before(g.since) {
		g.since, g.by = now, map[string]int{}
	}
	enough := false
	for _, who := range []string{"address " + address(r), "family " + token.Family()} {
		if who == "family " {
			continue // of no token's shape, so at nobody's invite
		}
		if g.by[who] >= guessLimit {
			enough = true
			continue
		}
		g.by[who]++
	}
	if enough {
		return Later(network.ErrRateLimited, g.since.Add(guessWindow).Sub(now))
	}
	return network.ErrNotFound
}

// address is where a request comes from. Of an IPv6 address a customer has at
// least the last 64 bits to choose from, so they tell nobody apart.
func address(r *http.Request) string {
	a, err := netip.ParseAddr(r.RemoteAddr)
	if err != nil {
		p, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			return "unknown"
		}
		a = p.Addr()
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if net, err := a.Prefix(64); err == nil {
			return net.String()
		}
	}
	return a.String()
}
