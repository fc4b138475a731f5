// Command invites makes the links and QR codes by which people join a chain,
// shows them to who may see them, and ends them.
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
	p, err := platform.New(getenv, "TABLE_NAME", "WEB_URL", "TOKEN_KEYS", "PERSON_KEY")
	if err != nil {
		return err
	}
	keys, err := p.Keys(ctx)
	if err != nil {
		return err
	}
	i := &invites{
		store:  store.Open(p.AWS, p.Endpoint("DynamoDB"), p.Env("TABLE_NAME")),
		person: keys.Person,
		tokens: keys.Tokens,
		web:    p.Env("WEB_URL"),
		now:    p.Now,
	}
	return web.Start(i.routes())
}
