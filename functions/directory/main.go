// Command directory shows who is in a chain, to each as much as they may see,
// keeps the rules of that, shows how far the roster's people have come, and the form a roster is written in.
package main

import (
	"context"

	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

func main() { platform.Main(run) }

// run wires the function up once per cold start, then serves for ever.
func run(ctx context.Context, getenv func(string) string) error {
	p, err := platform.New(getenv, "TABLE_NAME", "PERSON_KEY", "ROSTER_BUCKET")
	if err != nil {
		return err
	}
	key, err := p.PersonKey(ctx)
	if err != nil {
		return err
	}
	d := &directory{
		store:  store.Open(p.AWS, p.Endpoint("DynamoDB"), p.Env("TABLE_NAME")),
		person: key,
		now:    p.Now,
		bucket: p.Bucket("ROSTER_BUCKET"),
	}
	return web.Start(d.routes())
}
