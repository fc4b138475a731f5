// Command notices tells people: the contacts of a roster that they are
// invited, the makers of invites what has come to nothing. It also counts
// what the queue says has happened.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/notice"
	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/store"
)

func main() { platform.Main(run) }

// run wires the function up once per cold start, then serves for ever.
func run(ctx context.Context, getenv func(string) string) error {
	p, err := platform.New(getenv, "TABLE_NAME", "WEB_URL", "TOKEN_KEYS", "NOTICE_WEBHOOK_URL", "NOTICE_WEBHOOK_KEY")
	if err != nil {
		return err
	}
	keys, err := p.TokenKeys(ctx)
	if err != nil {
		return err
	}
	secret, err := p.Secret(ctx, "NOTICE_WEBHOOK_KEY")
	if err != nil {
		return err
	}
	n := &notices{
		store:   store.Open(p.AWS, p.Endpoint("DynamoDB"), p.Env("TABLE_NAME")),
		channel: notice.NewWebhook(p.Env("NOTICE_WEBHOOK_URL"), secret, p.Now),
		keys:    keys,
		web:     p.Env("WEB_URL"),
		now:     p.Now,
	}
	lambda.StartWithOptions(batch.Each(n.hear), lambda.WithContext(ctx))
	return nil
}
