// Command indexer tells search what has changed. The table's stream brings it
// what became of partners and people; it writes that into their chain's feed,
// which the directory reads, and folds the feed into the chain's index now and
// then. It makes an index that is missing anew, from the table.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/store"
)

func main() { platform.Main(run) }

// run wires the function up once per cold start, then serves for ever.
func run(ctx context.Context, getenv func(string) string) error {
	p, err := platform.New(getenv, "TABLE_NAME", "INDEX_BUCKET")
	if err != nil {
		return err
	}
	i := &indexer{
		store: store.Open(p.AWS, p.Endpoint("DynamoDB"), p.Env("TABLE_NAME")),
		objects: s3.NewFromConfig(p.AWS, func(o *s3.Options) {
			o.UsePathStyle = p.Endpoint("S3") != "" // a server of one's own has one name
		}),
		bucket: p.Env("INDEX_BUCKET"),
		last:   map[string]int{},
	}
	lambda.StartWithOptions(batch.Records(perPart, i.take), lambda.WithContext(ctx))
	return nil
}
