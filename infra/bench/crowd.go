package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/tributary-app/tributary/shared/store"
)

// crowd is the local stack with people who have come to join by a link: signed
// in, each with a corp of their own.
type crowd struct {
	*stack
	*tableBench
	token   string // the link's
	client  *http.Client
	signIns []string // of each, what goes into the Authorization header
	corps   []string // and into the body
}

func startCrowd(ctx context.Context, dir string, people int) (_ *crowd, err error) {
	s, err := startStack(ctx, dir, "crowd")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	b, keys, err := s.bench(ctx)
	if err != nil {
		return nil, err
	}
	c := &crowd{stack: s, tableBench: b, client: manyAtOnce(), signIns: make([]string, people)}
	if c.token, err = b.token(keys.Tokens); err != nil {
		return nil, err
	}
	if c.corps, err = b.incorporate(0, people); err != nil {
		return nil, err
	}
	_, err = drive(ctx, clients, people, func(i int) (err error) {
		c.signIns[i], err = c.signIn(ctx, i)
		return err
	})
	return c, err
}

func (c *crowd) signIn(ctx context.Context, person int) (string, error) {
	p := c.person(firstJoiner + person)
	return signIn(ctx, c.client, c.Control, p.Phone, p.Name)
}

// signIn is what goes into the Authorization header of who has that phone.
func signIn(ctx context.Context, client *http.Client, control, phone, name string) (string, error) {
	body, err := json.Marshal(map[string]any{"phone": phone, "name": name, "verified": true})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, control+"/tokens", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var t struct {
		IDToken string `json:"id_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&t); err != nil || t.IDToken == "" {
		return "", fmt.Errorf("sign in: %s, %w", resp.Status, err)
	}
	return "Bearer " + t.IDToken, nil
}

func (c *crowd) join(ctx context.Context, person int) (int, error) {
	return press(ctx, c.client, c.API+"/v1/join/"+c.token, c.corps[person], "Authorization", c.signIns[person])
}

func (c *crowd) admits() int { return http.StatusCreated }

func (c *crowd) spent(context.Context) (spent, error) {
	return spent{c.cpu("/joins/bootstrap"), c.cpu("/dynoxide")}, nil
}

// members are the memberships that there are, and the people who have them.
type members struct{ Memberships, People int }

// members counts the contacts of the chain that have joined.
func (c *crowd) members(ctx context.Context) (m members, err error) {
	people := map[string]bool{}
	err = eachItem(ctx, c.DynamoDB, "Scan", map[string]any{"TableName": c.tb.Name}, func(item map[string]json.RawMessage) error {
		if bytes.HasPrefix(item["PK"], []byte(`{"S":"PERSON#`)) && bytes.HasPrefix(item["SK"], []byte(`{"S":"CHAIN#`+c.chain.ID)) && item["JoinedAt"] != nil {
			m.Memberships++
			people[string(item["PK"])] = true
		}
		return nil
	})
	m.People = len(people)
	return m, err
}

// benchCrowd prints how a crowd fares on the local stack, gateway, function and
// table, and at better-auth's server.
func benchCrowd(ctx context.Context, out io.Writer, dir, plugin string) (over error, err error) {
	const measured = warmUp + joinTurns*joinTurn
	c, err := startCrowd(ctx, dir, measured+twice+2*joinTurns*joinTurn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	theirs, err := startOrganisation(ctx, dir, plugin, measured+twice, func(*exec.Cmd) {})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, theirs.close()) }()

	over, err = rates(ctx, out, c, theirs)
	if err != nil {
		return nil, fmt.Errorf("rates: %w", err)
	}
	more, err := doubles(ctx, out, c, theirs, measured)
	if err != nil {
		return nil, fmt.Errorf("twice at once: %w", err)
	}
	over = errors.Join(over, more)
	if more, err = tail(ctx, out, c, measured+twice); err != nil {
		return nil, fmt.Errorf("p99: %w", err)
	}
	over = errors.Join(over, more)
	if more, err = page(ctx, out, c); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return errors.Join(over, more), nil
}

// rates prints how many join a second.
func rates(ctx context.Context, out io.Writer, c *crowd, theirs *organisation) (over error, err error) {
	for _, w := range []way{c, theirs} {
		if _, err := take(ctx, w, clients, 0, warmUp); err != nil {
			return nil, err
		}
	}
	var mine, others []float64
	var last turn
	var gateway, all time.Duration
	for n := range joinTurns {
		from := warmUp + n*joinTurn
		if err := c.settle(ctx); err != nil {
			return nil, err
		}
		gateway, all = c.cpu("/local"), c.cpu("")
		if last, err = take(ctx, c, clients, from, joinTurn); err != nil {
			return nil, err
		}
		gateway, all = c.cpu("/local")-gateway, c.cpu("")-all
		if err := c.settle(ctx); err != nil {
			return nil, err
		}
		t, err := take(ctx, theirs, clients, from, joinTurn)
		if err != nil {
			return nil, err
		}
		mine, others = append(mine, last.rate()), append(others, t.rate())
	}
	ratio := median(mine) / median(others)
	fmt.Fprintf(out, "\n| accepted joins, %d at once, by | a second | times theirs | wanted |\n|---|---|---|---|\n", clients)
	fmt.Fprintf(out, "| the local stack: gateway, functions/joins, table | %.0f | %.1f | ≥ %.1f |\n", median(mine), ratio, joinRate)
	fmt.Fprintf(out, "| better-auth's organisation plugin: Node's server, SQLite | %.0f | 1 | |\n", median(others))
	fmt.Fprintf(out, "\n1,000 joins of ours: %.0f ms, and CPU: %.0f ms the function, %.0f ms the DynamoDB server, %.0f ms the gateway and what is between, %.0f ms all that goes on behind them\n",
		last.wall.Seconds()*1000, perThousand(last.own), perThousand(last.store), perThousand(gateway), perThousand(all-gateway-last.own-last.store))
	return wanted(nil, ratio >= joinRate, "%.1f times as many join as at better-auth's, want %.1f", ratio, joinRate), nil
}

// doubles prints what becomes of people who press the button twice at once, and
// whether any of all who have joined is in twice.
func doubles(ctx context.Context, out io.Writer, c *crowd, theirs *organisation, joined int) (over error, err error) {
	fmt.Fprintf(out, "\n| %d join, %d of them twice at once | the two answers | memberships | duplicates | wanted |\n|---|---|---|---|---|\n", joined+twice, twice)
	for i, w := range []interface {
		way
		members(context.Context) (members, error)
	}{c, theirs} {
		pairs := map[string]int{}
		var mu sync.Mutex
		_, err := drive(ctx, clients/2, twice, func(i int) error {
			var codes [2]int
			var errs [2]error
			var wg sync.WaitGroup
			for n := range codes {
				wg.Go(func() { codes[n], errs[n] = w.join(ctx, joined+i) })
			}
			wg.Wait()
			slices.Sort(codes[:])
			mu.Lock()
			defer mu.Unlock()
			pairs[fmt.Sprintf("%d and %d", codes[0], codes[1])]++
			return errors.Join(errs[:]...)
		})
		if err != nil {
			return nil, err
		}
		m, err := w.members(ctx)
		if err != nil {
			return nil, err
		}
		var says []string
		for _, pair := range slices.Sorted(maps.Keys(pairs)) {
			says = append(says, fmt.Sprintf("%s: %d", pair, pairs[pair]))
		}
		name := [...]string{"the local stack", "better-auth's organisation plugin"}[i]
		fmt.Fprintf(out, "| %s | %s | %d | %d | %s |\n", name, strings.Join(says, "; "), m.Memberships, m.Memberships-m.People, [...]string{"0", ""}[i])
		if i == 0 {
			over = wanted(over, m.Memberships == m.People, "%d people have %d memberships", m.People, m.Memberships)
		}
		if m.People != joined+twice {
			return nil, fmt.Errorf("%s: %d people are in, want %d", name, m.People, joined+twice)
		}
	}
	return over, nil
}

// tail prints how late joins are that come at a rate, beside their transaction
// alone, which comes at the same.
func tail(ctx context.Context, out io.Writer, c *crowd, from int) (over error, err error) {
	transactions, err := c.transactions(ctx, from, joinTurns*joinTurn)
	if err != nil {
		return nil, err
	}
	from += len(transactions)
	var joins, bare []time.Duration
	for n := range joinTurns {
		if err := c.settle(ctx); err != nil {
			return nil, err
		}
		took, err := arrive(arrivals, joinTurn, func(i int) error {
			_, err := post(ctx, c.client, c.DynamoDB, "TransactWriteItems", transactions[n*joinTurn+i])
			return err
		})
		if err != nil {
			return nil, err
		}
		bare = append(bare, took...)
		if err := c.settle(ctx); err != nil {
			return nil, err
		}
		took, err = arrive(arrivals, joinTurn, func(i int) error { return admitted(ctx, c, from+n*joinTurn+i) })
		if err != nil {
			return nil, err
		}
		joins = append(joins, took...)
	}
	ms := func(all []time.Duration, share float64) float64 { return percentile(all, share).Seconds() * 1000 }
	ratio := ms(joins, 0.99) / ms(bare, 0.99)
	fmt.Fprintf(out, "\n| %.0f joins a second, from the moment each was due | half within | p99 | times the bare p99 | wanted |\n|---|---|---|---|---|\n", arrivals)
	fmt.Fprintf(out, "| the local stack | %.1f ms | %.1f ms | %.1f | ≤ %.0f |\n", ms(joins, 0.5), ms(joins, 0.99), ratio, joinTail)
	fmt.Fprintf(out, "| their transactions, sent to the same table by a bare loop | %.1f ms | %.1f ms | 1 | |\n", ms(bare, 0.5), ms(bare, 0.99))
	return wanted(nil, ratio <= joinTail, "the p99 of a join is %.1f times that of its transaction, want %.0f", ratio, joinTail), nil
}

// transactions are the writes that n people's joins consist of, as they go out
// over the wire. They are held back there, so that a bare loop can send them.
func (c *crowd) transactions(ctx context.Context, from, n int) ([][]byte, error) {
	bodies := make([][]byte, n)
	_, err := drive(ctx, clients, n, func(i int) error {
		h := &holder{through: c.client.Transport}
		db := dynamodb.New(dynamodb.Options{
			Region: "us-east-1", BaseEndpoint: &c.DynamoDB, Credentials: credentials.NewStaticCredentialsProvider(localKey, localSecret, ""), HTTPClient: &http.Client{Transport: h},
		})
		var says struct {
			Corp string `json:"corp_id"`
		}
		if err := json.Unmarshal([]byte(c.corps[from+i]), &says); err != nil {
			return err
		}
		_, err := store.New(db, c.tb.Name).Join(ctx, c.ticket, c.person(firstJoiner+from+i), store.Choice{Corp: says.Corp}, time.Now())
		if bodies[i] = h.held; err == nil && h.held == nil {
			err = errors.New("a join wrote nothing")
		}
		return err
	})
	return bodies, err
}

// holder is a transport that keeps a transaction, and says that it went through.
type holder struct {
	through http.RoundTripper
	held    []byte
}

func (h *holder) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		return h.through.RoundTrip(r)
	}
	var err error
	if h.held, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	const done = "{}"
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, Body: io.NopCloser(strings.NewReader(done)), ContentLength: int64(len(done)),
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Crc32": {fmt.Sprint(crc32.ChecksumIEEE([]byte(done)))}},
	}, nil
}

// page prints what a phone's first view of the link costs: the page, and what it
// makes a browser ask for besides.
func page(ctx context.Context, out io.Writer, c *crowd) (over error, err error) {
	var wire atomic.Int64
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return counted{conn, &wire}, err
	}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	asks := 0
	get := func(url string) (string, error) {
		asks++
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return "", err
		}
		r.Header.Set("User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.61")
		r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
		r.Header.Set("Accept-Language", "zh-CN,zh-Hans;q=0.9")
		resp, err := client.Do(r)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", url, resp.Status)
		}
		return string(b), err
	}
	at, err := url.Parse(c.API + "/j/" + c.token)
	if err != nil {
		return nil, err
	}
	html, err := get(at.String())
	if err != nil {
		return nil, err
	}
	for _, found := range asked.FindAllStringSubmatch(html, -1) {
		to, err := at.Parse(found[1] + found[2])
		if err != nil {
			return nil, err
		}
		if to.Scheme == "data" {
			continue
		}
		if _, err := get(to.String()); err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(out, "\n| first view of /j/{token} | | wanted |\n|---|---|---|\n| over the wire, both ways | %.1f KB | ≤ %d KB |\n| requests | %d | ≤ %d |\n", float64(wire.Load())/1000, pageBytes/1000, asks, pageAsks)
	over = wanted(nil, wire.Load() <= pageBytes, "the page weighs %d bytes, want %d", wire.Load(), pageBytes)
	return wanted(over, asks <= pageAsks, "the page takes %d requests, want %d", asks, pageAsks), nil
}

// asked finds what a browser asks for when it shows a page; without an icon's
// link, it would ask for that, too.
var asked = regexp.MustCompile(`<(?:link|script|img|iframe|source)\b[^>]*?\s(?:href|src)="([^"]+)"|url\(["']?([^"')]+)`)

// counted counts what goes over a connection, both ways.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.bytes.Add(int64(n))
	return n, err
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.bytes.Add(int64(n))
	return n, err
}
