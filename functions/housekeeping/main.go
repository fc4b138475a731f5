// Command housekeeping is how a chain's admins keep its partners in order, many
// at a time, and read who has changed what.
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
	p, err := platform.New(getenv, "TABLE_NAME", "PERSON_KEY")
	if err != nil {
		return err
	}
	key, err := p.PersonKey(ctx)
	if err != nil {
		return err
	}
	k := &keeping{
		store: store.Open(p.AWS, p.Endpoint("DynamoDB"), p.Env("TABLE_NAME")),
		key:   key,
		now:   p.Now,
	}
	return web.Start(k.routes())
}
