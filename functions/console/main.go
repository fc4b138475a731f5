// Command console is the page that people open: it shows an invite, signs them
// in, and takes their answer. It asks the joins door for all of it, so that it
// can do no more than that door lets the person do, and reads no table.
package main

import (
	"context"
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/page"
	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/web"
)

func main() { platform.Main(run) }

// run wires the function up once per cold start, then serves for ever.
func run(ctx context.Context, getenv func(string) string) error {
	p, err := platform.New(getenv, "WEB_URL", "SESSION_KEYS", "JOINS_FUNCTION", "OIDC_ISSUER", "OIDC_CLIENT_ID")
	if err != nil {
		return err
	}
	keys, err := p.SessionKeys(ctx)
	if err != nil {
		return err
	}
	pages, err := page.Load(p.Env("WEB_URL"))
	if err != nil {
		return err
	}
	c := &console{
		web:   p.Env("WEB_URL"),
		pages: pages,
		seal:  newSeal(keys),
		now:   p.Now,
		joins: func(ctx context.Context, event []byte) ([]byte, error) {
			return p.Invoke(ctx, p.Env("JOINS_FUNCTION"), "live", event)
		},
		issuer: &issuer{
			url: p.Env("OIDC_ISSUER"), client: p.Env("OIDC_CLIENT_ID"), back: p.Env("WEB_URL") + "/signed-in",
			http: &http.Client{Timeout: 5 * time.Second}, now: time.Now, // the issuer's tokens end by its own clock, wherever ours is set
		},
	}
	return web.Start(c.routes())
}
