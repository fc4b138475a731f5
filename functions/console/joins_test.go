package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// hall is a console before the joins door as it is: its program, started and
// called as Lambda does it, on a table where a chain has room for one partner.
type hall struct {
	*world
	token string       // of a link for everybody
	busy  *atomic.Bool // the table throttles
}

const tokenKey = "a key that only the tests have, 32+"

func setupHall(t *testing.T) *hall {
	t.Helper()
	tb := dynamotest.New(t)
	s := store.New(tb.Client, tb.Name)
	now := time.Now().UTC().Truncate(time.Millisecond) // the door's clock is the real one
	boss := network.Member{Person: network.PersonKey(tokenKey).Person("+8613900000001"), Name: "Boss", Phone: "+8613900000001"}
	owner, err := network.NewCorp(network.NewCorpID(), "Owner Ltd", "", "", now)
	if err != nil {
		t.Fatal(err)
	}
	if owner, err = s.CreateCorp(t.Context(), owner, boss, store.Once{}); err != nil {
		t.Fatal(err)
	}
	chain, err := network.NewChain(network.NewChainID(), "Dealers", owner, now)
	if err != nil {
		t.Fatal(err)
	}
	chain.PartnerLimit = 1
	if chain, err = s.CreateChain(t.Context(), chain, owner, store.Once{}); err != nil {
		t.Fatal(err)
	}
	link := network.Invite{
		ID: network.NewInviteID(now), Chain: chain.ID, Kind: "link", Maker: boss.Person, MakerName: "Boss", MakerCorp: owner.ID,
		Group: network.RootGroup, CreatedAt: now, Version: 1,
	}
	if _, err := s.CreateInvite(t.Context(), chain, link, store.Once{}); err != nil {
		t.Fatal(err)
	}
	token, err := network.TokenKeys{1: []byte(tokenKey)}.Sign(network.Ticket{Chain: chain.ID, Invite: link.ID, Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{world: setup(t), token: token.Reveal(), busy: new(atomic.Bool)}
	h.now = now
	h.joins = door(t, tb.Name, h.table(t))
	return h
}

// table is the way to DynamoDB, which throttles while h is busy.
func (h *hall) table(t *testing.T) string {
	t.Helper()
	to, err := url.Parse(os.Getenv("DYNAMODB_ENDPOINT"))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.busy.Load() {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// door builds the joins door, starts it before a Runtime API of the test's, and
// gives what calls it.
func door(t *testing.T, table, endpoint string) func(context.Context, []byte) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "bootstrap")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../joins").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, said)
	}
	for name, text := range map[string]string{"tokens": `{"1":"` + tokenKey + `"}`, "person": tokenKey} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	calls, answers := make(chan []byte), make(chan []byte, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case event := <-calls:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "00000000-0000-0000-0000-000000000000")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(10*time.Second).UnixMilli(), 10))
			w.Write(event)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{outcome}", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.PathValue("outcome") != "response" {
			t.Errorf("the joins door says %s: %v", r.PathValue("outcome"), err)
		}
		w.WriteHeader(http.StatusAccepted)
		answers <- b
	})
	runtime := httptest.NewServer(mux)
	t.Cleanup(runtime.Close)

	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program) // which ends with the test
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(runtime.URL, "http://"), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_ENDPOINT_URL_DYNAMODB=" + endpoint, "TABLE_NAME=" + table, "TOKEN_KEYS=file:" + filepath.Join(dir, "tokens"), "PERSON_KEY=file:" + filepath.Join(dir, "person"),
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Wait() // killed, and says so
		if t.Failed() {
			t.Logf("the joins door said:\n%s", said.Bytes())
		}
	})
	var one sync.Mutex // an instance takes one event at a time
	return func(ctx context.Context, event []byte) ([]byte, error) {
		one.Lock()
		defer one.Unlock()
		ctx, cancel := context.WithTimeout(ctx, 9*time.Second) // as the platform waits
		defer cancel()
		select {
		case calls <- event:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		select {
		case b := <-answers:
			return b, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// send is somebody who sends the form for a new corp.
func (h *hall) send(n int, corp string) *http.Response {
	own, csrf := h.signedIn(func(s *session) { s.Subject, s.Phone = "s"+strconv.Itoa(n), "+861390000000"+strconv.Itoa(n) })
	return h.ask("POST", "/j/"+h.token, url.Values{"csrf": {csrf}, "corp": {"new"}, "new_corp.name": {corp}, "new_corp.industry": {"零售"}, "name": {"李娜"}}, own)
}

func TestThePageAndTheJoinsDoorGoTogether(t *testing.T) {
	t.Parallel()
	h := setupHall(t)
	want(t, h.ask("GET", "/j/"+h.token, nil), 200, "Boss 邀请您加入", "Dealers", "Owner Ltd")
	own, csrf := h.signedIn(nil)
	want(t, h.ask("GET", "/j/"+h.token, nil, own), 200, "您以哪家企业的身份加入？", `value="Li"`)
	want(t, h.ask("POST", "/j/"+h.token, url.Values{"csrf": {csrf}, "corp": {"new"}, "name": {"李娜"}}, own), 400, "请填写企业名称。", `href="#new_corp.name"`)

	h.busy.Store(true)
	r := h.send(7, "宏远")
	if r.Header.Get("Retry-After") == "" {
		t.Error("busy: no Retry-After")
	}
	want(t, r, 503, "现在人太多了", `value="宏远"`, `value="零售"`)
	h.busy.Store(false)

	for range 2 { // a form that is sent twice
		if r := h.send(7, "宏远"); r.StatusCode != 303 || r.Header.Get("Location") != "/j/"+h.token {
			t.Fatalf("got %d to %s, want in", r.StatusCode, r.Header.Get("Location"))
		}
	}
	want(t, h.ask("GET", "/j/"+h.token, nil, own), 200, "加入成功", "宏远")

	// R46: the chain has room for one partner, and what the next has typed is kept.
	want(t, h.send(8, "好味小店"), 409, "名额已满", `value="好味小店"`, `value="零售"`, `value="李娜"`)
}

func TestWhoGuessesTokensIsToldHowLongToWaitAndWhoHasOneIsNot(t *testing.T) {
	t.Parallel()
	h := setupHall(t)
	forged := h.token[:len(h.token)-4] + "AAAA"
	for n := 0; ; n++ {
		r := h.ask("GET", "/j/"+forged, nil)
		if r.StatusCode == 404 && n < 200 {
			continue
		}
		if after, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || after < 500 || after > 600 {
			t.Errorf("Retry-After is %q, want the 10 minutes that guesses are counted for", r.Header.Get("Retry-After"))
		}
		want(t, r, 429, "操作太频繁了", "请约 10 分钟后再试一次")
		break
	}
	own, csrf := h.signedIn(nil)
	want(t, h.ask("POST", "/j/"+forged, url.Values{"csrf": {csrf}, "corp": {"new"}, "new_corp.name": {"宏远"}, "name": {"李娜"}}, own), 429, "请约 10 分钟后再试一次", `value="宏远"`)
	want(t, h.ask("GET", "/j/"+h.token, nil), 200, "Dealers")
}
