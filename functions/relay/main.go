// Command relay carries on what has happened. Whatever changes the table and
// must be heard of elsewhere says so in the same write, in the item's Outbox;
// the table's stream brings it here, and here it goes to
// the queue of whoever is to hear it.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/platform"
)

func main() { platform.Main(run) }

// run wires the function up once per cold start, then serves for ever.
func run(ctx context.Context, getenv func(string) string) error {
	p, err := platform.New(getenv, "NOTICE_QUEUE_URL", "IMPORT_QUEUE_URL", "EXPORT_QUEUE_URL")
	if err != nil {
		return err
	}
	r := &relay{queue: sqs.NewFromConfig(p.AWS), notices: p.Env("NOTICE_QUEUE_URL"), imports: p.Env("IMPORT_QUEUE_URL"), exports: p.Env("EXPORT_QUEUE_URL")}
	lambda.StartWithOptions(batch.Records(perCall, r.carry), lambda.WithContext(ctx))
	return nil
}
