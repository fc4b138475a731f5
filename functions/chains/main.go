// Command chains keeps what people set up: their corps and members, the chains
// with admins, groups and partners, and the tickets by which rosters are
// uploaded.
package main

import (
	"context"
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

func main() { platform.Main(run) }

// run wires the function up once per cold start, then serves for ever.
func run(ctx context.Context, getenv func(string) string) error {
	p, err := platform.New(getenv, "TABLE_NAME", "ROSTER_BUCKET", "PERSON_KEY")
	if err != nil {
		return err
	}
	key, err := p.PersonKey(ctx)
	if err != nil {
		return err
	}
	c := &chains{
		store:   store.Open(p.AWS, p.Endpoint("DynamoDB"), p.Env("TABLE_NAME")),
		key:     key,
		tickets: tickets{p.Bucket("ROSTER_BUCKET")},
		http:    &http.Client{Timeout: 8 * time.Second}, // of the 10 that a request may take
		now:     p.Now,
	}
	return web.Start(c.routes())
}
