// Command directory shows and finds who is in a chain, to each as much as they may see,
// keeps the rules of that, shows how far the roster's people have come, and the form a roster is written in.
package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

func main() { platform.Main(run) }

// run wires the function up once per cold start, then serves for ever.
func run(ctx context.Context, getenv func(string) string) error {
	p, err := platform.New(getenv, "TABLE_NAME", "PERSON_KEY", "ROSTER_BUCKET", "INDEX_BUCKET", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
	if err != nil {
		return err
	}
	key, err := p.PersonKey(ctx)
	if err != nil {
		return err
	}
	megabytes, err := strconv.Atoi(p.Env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	if err != nil {
		return fmt.Errorf("AWS_LAMBDA_FUNCTION_MEMORY_SIZE: %w", err)
	}
	s := store.Open(p.AWS, p.Endpoint("DynamoDB"), p.Env("TABLE_NAME"))
	d := &directory{
		store:  s,
		person: key,
		now:    p.Now,
		bucket: p.Bucket("ROSTER_BUCKET"),
		indexes: &indexes{
			store:  s,
			bucket: p.Bucket("INDEX_BUCKET"),
			budget: megabytes << 20 * 2 / 5,
		},
	}
	return web.Start(d.routes())
}
