package notice

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("CST", 8*3600))
	key  = []byte("a key that the gateway has too")
	note = Notice{
		To: "+8613800138000", Channel: SMS, Subject: "邀请您加入「华东」", Text: "甲公司邀请乙公司加入。",
		URL: "https://example.com/j/secret-token", DedupID: "im1-7-pe1", At: noon,
	}
)

// gateway is a receiver as the contract asks: it drops repeats of a dedup id.
type gateway struct {
	mu       sync.Mutex
	seen     map[string]int
	requests []*http.Request
	bodies   [][]byte
}

func (g *gateway) take(r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen == nil {
		g.seen = map[string]int{}
	}
	g.seen[r.Header.Get("Idempotency-Key")]++
	g.requests = append(g.requests, r)
	g.bodies = append(g.bodies, b)
}

func setup(t *testing.T, h http.HandlerFunc) *Webhook {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return NewWebhook(s.URL+"/hook?key=operators-secret", key, func() time.Time { return noon })
}

// quiet fails the test when an error tells of the notice or of the URL.
func quiet(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{note.To, "secret", note.Text, note.Subject, "/hook"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells %q: %v", secret, err)
		}
	}
}

func TestANoticeIsSignedJSON(t *testing.T) {
	t.Parallel()
	var g gateway
	w := setup(t, func(_ http.ResponseWriter, r *http.Request) { g.take(r) })
	if got, err := w.Send(t.Context(), note); got != Delivered || err != nil {
		t.Fatalf("got %q, %v, want delivered", got, err)
	}
	r, body := g.requests[0], g.bodies[0]
	want := `{"to":"+8613800138000","channel":"sms","subject":"邀请您加入「华东」","text":"甲公司邀请乙公司加入。","url":"https://example.com/j/secret-token","at":"2026-11-22T04:00:00Z","dedup_id":"im1-7-pe1"}`
	if string(body) != want || !json.Valid(body) {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	if r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Idempotency-Key") != note.DedupID {
		t.Errorf("got %s %v", r.Method, r.Header)
	}
	if got, want := r.Header.Get("Tributary-Signature"), Sign(key, noon, body); got != want {
		t.Errorf("got signature %s, want %s", got, want)
	}
}

// The signature is what a receiver in any language computes.
func TestTheSignatureIsHMACOfTimeAndBody(t *testing.T) {
	t.Parallel()
	// printf '1795320000.{}' | openssl dgst -sha256 -hmac key
	const want = "t=1795320000,v1=d5cf6022e408a848b6950334713b09306296fb0c34900b6b39304bbe7568f9f0"
	if got := Sign([]byte("key"), time.Unix(1795320000, 0), []byte("{}")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheStatusSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]Outcome{
		200: Delivered, 202: Delivered, 204: Delivered,
		400: Undeliverable, 410: Undeliverable, 422: Undeliverable,
		401: "", 403: "", 404: "", 405: "", 408: "", 413: "", 415: "", 429: "", 301: "", 307: "", 500: "", 502: "", 503: "",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			calls := 0
			w := setup(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
				if status != http.StatusNoContent {
					fmt.Fprint(w, "about +8613800138000")
				}
			})
			got, err := w.Send(t.Context(), note)
			if got != want || (err != nil) != (want == "") || calls != 1 {
				t.Errorf("got %q, %v after %d calls, want %q after one", got, err, calls, want)
			}
			if err != nil {
				quiet(t, err)
			}
		})
	}
}

// The gateway has it, but its answer is lost: it is sent again, and the
// gateway can tell that it is the same.
func TestALostAnswerIsSentAgainUnderTheSameKey(t *testing.T) {
	t.Parallel()
	var g gateway
	w := setup(t, func(w http.ResponseWriter, r *http.Request) {
		g.take(r)
		if len(g.requests) == 1 {
			panic(http.ErrAbortHandler) // the connection drops
		}
	})
	got, err := w.Send(t.Context(), note)
	if got != "" || err == nil {
		t.Fatalf("got %q, %v, want an error", got, err)
	}
	quiet(t, err)
	if got, err := w.Send(t.Context(), note); got != Delivered || err != nil {
		t.Fatalf("got %q, %v, want delivered", got, err)
	}
	if len(g.seen) != 1 || g.seen[note.DedupID] != 2 || string(g.bodies[0]) != string(g.bodies[1]) {
		t.Errorf("got %v, want one key seen twice with the same body", g.seen)
	}
}

func TestASlowGatewayIsLeft(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	w := setup(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) }) // before the server closes
	w.client.Timeout = 20 * time.Millisecond
	got, err := w.Send(t.Context(), note)
	if got != "" || err == nil {
		t.Errorf("got %q, %v, want an error", got, err)
	}
	quiet(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.client.Timeout = 0
	if got, err := w.Send(ctx, note); got != "" || err == nil {
		t.Errorf("got %q, %v, want an error when the function's time is up", got, err)
	}
}

func TestAGatewayThatIsntThereIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	for _, url := range []string{s.URL + "/hook", "http://[::1]:namedport/hook", ""} {
		got, err := NewWebhook(url, key, time.Now).Send(t.Context(), note)
		if got != "" || err == nil {
			t.Errorf("%q: got %q, %v, want an error", url, got, err)
			continue
		}
		quiet(t, err)
	}
}
