package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tributary-app/tributary/shared/network"
)

// Wanted of joins (issue 5, "Numbers"). What one costs the table is in the
// part table.
const (
	joinTimes = 10.0 // times less CPU than better-auth's organisation plugin takes
	joinRate  = 1.5  // times as many a second, end to end
	joinTail  = 2.0  // times the p99 of the bare transaction
	pageBytes = 50_000
	pageAsks  = 2
)

const (
	joinTurns = 3     // of each. They take turns, so that a machine that gets slower does so for both
	joinTurn  = 1_000 // joins
	warmUp    = 2_000 // joins before the first turn: Node compiles what it does often
	clients   = 16    // that join at once
	twice     = 200   // people who press the button twice at once
	arrivals  = 200.0 // joins a second, when they come at a rate
)

// way is a way in, with people before it who have yet to join. Each has a
// number, and what they need to ask lies ready.
type way interface {
	// join presses the button for one of them, and gives the HTTP status.
	join(ctx context.Context, person int) (int, error)
	// admits is the status of who gets in by that.
	admits() int
	// spent is the CPU that was taken so far.
	spent(ctx context.Context) (spent, error)
}

// spent is CPU, told apart: of what answers, and of its store.
type spent struct{ own, store time.Duration }

func (s spent) less(was spent) spent { return spent{s.own - was.own, s.store - was.store} }

// turn is what a turn took.
type turn struct {
	spent
	wall time.Duration
}

// perThousand is a turn's CPU as milliseconds for a thousand joins.
func perThousand(cpu time.Duration) float64 { return cpu.Seconds() * 1000 / joinTurn * 1000 }

func (t turn) rate() float64 { return joinTurn / t.wall.Seconds() }

// take has n people join, so many at once, and makes sure that all got in.
func take(ctx context.Context, w way, atOnce, from, n int) (t turn, err error) {
	before, err := w.spent(ctx)
	if err != nil {
		return t, err
	}
	t.wall, err = drive(ctx, atOnce, n, func(i int) error { return admitted(ctx, w, from+i) })
	if err != nil {
		return t, err
	}
	after, err := w.spent(ctx)
	t.spent = after.less(before)
	return t, err
}

func admitted(ctx context.Context, w way, person int) error {
	code, err := w.join(ctx, person)
	if err == nil && code != w.admits() {
		err = fmt.Errorf("person %d got %d, want %d", person, code, w.admits())
	}
	return err
}

// benchJoins prints what joining takes beside better-auth's organisation
// plugin, how late a crowd's joins are, and what the page weighs. It fails when
// something is over.
func benchJoins(ctx context.Context, out io.Writer) error {
	dir, err := workDir()
	if err != nil {
		return err
	}
	plugin, err := installNode(ctx, dir, "better-auth")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", machine())
	over, err := benchJoinCPU(ctx, out, dir, plugin)
	if err != nil {
		return fmt.Errorf("joins, CPU: %w", err)
	}
	crowd, err := benchCrowd(ctx, out, dir, plugin)
	if err != nil {
		return fmt.Errorf("joins, a crowd: %w", err)
	}
	return errors.Join(over, crowd)
}

// benchJoinCPU prints the CPU that a thousand joins take in our function, one
// instance on one core, and in better-auth, on one core too.
func benchJoinCPU(ctx context.Context, out io.Writer, dir, plugin string) (over error, err error) {
	const people = warmUp + joinTurns*joinTurn
	ours, err := newDoor(ctx, dir, people)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ours.close()) }()
	theirs, err := startOrganisation(ctx, dir, plugin, people, oneCore)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, theirs.close()) }()

	ways := []struct {
		way
		atOnce int // an instance of Lambda's has one request at a time; Node is better off with several
		own    []float64
		store  []float64
	}{{way: ours, atOnce: 1}, {way: theirs, atOnce: clients}}
	for n := range joinTurns + 1 {
		for i := range ways {
			w := &ways[i]
			if n == 0 {
				if _, err := take(ctx, w, w.atOnce, 0, warmUp); err != nil {
					return nil, err
				}
				continue
			}
			t, err := take(ctx, w, w.atOnce, warmUp+(n-1)*joinTurn, joinTurn)
			if err != nil {
				return nil, err
			}
			w.own, w.store = append(w.own, perThousand(t.own)), append(w.store, perThousand(t.store))
		}
	}
	ratio := median(ways[1].own) / median(ways[0].own)
	fmt.Fprintf(out, "\n| 1,000 accepted joins, by | CPU | its store's CPU | times our CPU | wanted |\n|---|---|---|---|---|\n")
	fmt.Fprintf(out, "| functions/joins, the DynamoDB server | %.0f ms | %.0f ms | 1 | |\n", median(ways[0].own), median(ways[0].store))
	fmt.Fprintf(out, "| better-auth's organisation plugin, SQLite | %.0f ms | %.0f ms | %.1f | ≥ %.0f |\n", median(ways[1].own), median(ways[1].store), ratio, joinTimes)
	return wanted(nil, ratio >= joinTimes, "better-auth takes %.1f times our CPU for a join, want %.0f", ratio, joinTimes), nil
}

// door is an instance of the joins function under a Runtime API of ours, on a
// table of its own.
type door struct {
	*table
	*function
	server int // the DynamoDB server's process
	events []events.APIGatewayV2HTTPRequest
}

// newDoor starts one with a link for everybody, and people before it, each with
// a corp of their own.
func newDoor(ctx context.Context, dir string, people int) (_ *door, err error) {
	t, err := newTable(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.drop())
		}
	}()
	d := &door{table: t, events: make([]events.APIGatewayV2HTTPRequest, people)}
	for up := os.Getpid(); up > 1 && d.server == 0; up = looked(up).parent { // whoever runs us has started it
		d.server = child(up, "dynoxide")
	}
	if d.server == 0 {
		return nil, errors.New("the DynamoDB server isn't one of `local exec`'s: its CPU can't be told")
	}
	token, err := t.token(network.TokenKeys{1: []byte(benchKey)})
	if err != nil {
		return nil, err
	}
	corps, err := t.incorporate(0, people)
	if err != nil {
		return nil, err
	}
	for i := range d.events {
		p := t.person(firstJoiner + i)
		e := &d.events[i]
		e.Version, e.RouteKey, e.RawPath = "2.0", "POST /v1/join/{token}", "/v1/join/"+token
		e.PathParameters = map[string]string{"token": token}
		e.Headers = map[string]string{
			"content-type": "application/json", "accept": "*/*", "accept-encoding": "gzip", "user-agent": "Go-http-client/1.1", "host": "127.0.0.1",
			"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http",
		}
		e.RequestContext = events.APIGatewayV2HTTPRequestContext{
			RouteKey: e.RouteKey, AccountID: "123456789012", APIID: "bench", Stage: "$default", RequestID: fmt.Sprint("bench", i), DomainName: "127.0.0.1", TimeEpoch: t.now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: http.MethodPost, Path: e.RawPath, Protocol: "HTTP/1.1", SourceIP: "127.0.0.1", UserAgent: "Go-http-client/1.1"},
			Authorizer: &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{
				"iss": "https://id.example", "aud": "bench", "sub": p.ID, "name": p.Name, "phone_number": p.Phone, "phone_number_verified": "true",
			}}},
		}
		e.Body = corps[i]
	}
	env, err := keyFiles(dir)
	if err != nil {
		return nil, err
	}
	maps.Copy(env, map[string]string{"TABLE_NAME": t.tb.Name, "AWS_ENDPOINT_URL_DYNAMODB": os.Getenv("DYNAMODB_ENDPOINT"), "WEB_URL": "http://127.0.0.1"})
	d.function, err = start("joins", env)
	return d, err
}

func (d *door) join(ctx context.Context, person int) (int, error) {
	b, err := d.invoke(ctx, d.events[person])
	if err != nil {
		return 0, err
	}
	var a events.APIGatewayV2HTTPResponse
	err = json.Unmarshal(b, &a)
	return a.StatusCode, err
}

func (d *door) admits() int { return http.StatusCreated }

func (d *door) spent(context.Context) (spent, error) {
	return spent{looked(d.cmd.Process.Pid).cpu, looked(d.server).cpu}, nil
}

func (d *door) close() error {
	d.end()
	return d.drop()
}

// firstJoiner is the number of the first person who comes to join.
const firstJoiner = 1_000_000

// token is that of a link for everybody.
func (b *tableBench) token(keys network.TokenKeys) (string, error) {
	ticket, err := b.link(network.Invite{})
	if err != nil {
		return "", err
	}
	b.ticket = ticket
	token, err := keys.Sign(ticket)
	return token.Reveal(), err
}

// incorporate makes a corp for each of n people, and gives what they say as they
// join under it.
func (b *tableBench) incorporate(from, n int) ([]string, error) {
	says := make([]string, n)
	_, err := drive(b.ctx, clients, n, func(i int) error {
		c, _, err := b.newCorp(firstJoiner + from + i)
		says[i] = `{"corp_id":"` + c.ID + `"}`
		return err
	})
	return says, err
}
