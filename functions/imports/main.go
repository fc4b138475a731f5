// Command imports takes in the rosters that are uploaded: it reads each,
// checks every row, plans what it does to its chain, and does it, at once or
// when somebody has seen the plan. What takes longer than a run it goes on with
// in the next; and what it has done it takes back.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/store"
)

func main() { platform.Main(run) }

// run wires the function up once per cold start, then serves for ever.
func run(ctx context.Context, getenv func(string) string) error {
	p, err := platform.New(getenv, "TABLE_NAME", "PERSON_KEY", "ROSTER_BUCKET", "IMPORT_QUEUE_URL")
	if err != nil {
		return err
	}
	key, err := p.PersonKey(ctx)
	if err != nil {
		return err
	}
	i := &imports{
		store: store.Open(p.AWS, p.Endpoint("DynamoDB"), p.Env("TABLE_NAME")),
		objects: s3.NewFromConfig(p.AWS, func(o *s3.Options) {
			o.UsePathStyle = p.Endpoint("S3") != "" // a server of one's own has one name
		}),
		bucket: p.Env("ROSTER_BUCKET"),
		queue:  sqs.NewFromConfig(p.AWS),
		url:    p.Env("IMPORT_QUEUE_URL"),
		key:    key,
		now:    p.Now,
		spare:  inTime,
	}
	lambda.StartWithOptions(i.handle, lambda.WithContext(ctx))
	return nil
}
