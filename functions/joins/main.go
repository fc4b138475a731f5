// Command joins is where people come in: it shows what an invite is for, lets
// its holder join the chain, and lets who has joined leave.
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
	p, err := platform.New(getenv, "TABLE_NAME", "TOKEN_KEYS", "PERSON_KEY")
	if err != nil {
		return err
	}
	keys, err := p.Keys(ctx)
	if err != nil {
		return err
	}
	j := &joins{
		store:  store.Open(p.AWS, p.Endpoint("DynamoDB"), p.Env("TABLE_NAME")),
		person: keys.Person,
		tokens: keys.Tokens,
		now:    p.Now,
	}
	return web.Start(j.routes())
}
