// Command expiry is the sweep that ends what has expired. Nothing waits for
// it: an expired invite lets nobody in from its last second on. It tells the
// makers, and takes what is over off the list of what is to end.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/store"
)

func main() { platform.Main(run) }

// run wires the function up once per cold start, then serves for ever.
func run(ctx context.Context, getenv func(string) string) error {
	p, err := platform.New(getenv, "TABLE_NAME")
	if err != nil {
		return err
	}
	e := &expiry{store: store.Open(p.AWS, p.Endpoint("DynamoDB"), p.Env("TABLE_NAME")), now: p.Now}
	lambda.StartWithOptions(e.sweep, lambda.WithContext(ctx))
	return nil
}
