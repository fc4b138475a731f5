// Command exports makes the files of who is in a chain that people have asked
// for: page by page, as whoever asked may see it at that moment. What takes
// longer than a run it goes on with in the next.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/store"
)

func main() { platform.Main(run) }

// run wires the function up once per cold start, then serves for ever.
func run(ctx context.Context, getenv func(string) string) error {
	p, err := platform.New(getenv, "TABLE_NAME", "ROSTER_BUCKET", "EXPORT_QUEUE_URL")
	if err != nil {
		return err
	}
	e := &exports{
		store: store.Open(p.AWS, p.Endpoint("DynamoDB"), p.Env("TABLE_NAME")),
		objects: s3.NewFromConfig(p.AWS, func(o *s3.Options) {
			o.UsePathStyle = p.Endpoint("S3") != "" // a server of one's own has one name
		}),
		bucket: p.Env("ROSTER_BUCKET"),
		queue:  sqs.NewFromConfig(p.AWS),
		url:    p.Env("EXPORT_QUEUE_URL"),
		now:    p.Now,
		spare:  inTime,
	}
	lambda.StartWithOptions(batch.Each(e.hear), lambda.WithContext(ctx))
	return nil
}
