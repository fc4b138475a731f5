package stack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tributary-app/tributary/infra/local/control"
	"github.com/tributary-app/tributary/infra/local/template"
)

// prepare makes what the template's resources are here, and fills the template in. It is filled in twice: queues must be there
// before their URLs are known.
func (s *Stack) prepare(ctx context.Context, t *template.Template, place template.Place) error {
	app, err := t.Fill(place)
	if err != nil {
		return err
	}
	for _, secret := range app.Secrets {
		file := filepath.Join(s.Data, "secrets", secret.ID)
		if err := makeSecret(file, secret); err != nil {
			return fmt.Errorf("%s: %w", secret.ID, err)
		}
		place.Refs[secret.ID] = "file:" + file
	}
	if err := s.openOutbox(app); err != nil {
		return err
	}
	err = together(
		func() error { return s.makeTables(ctx, app) },
		func() error { return s.makeQueues(ctx, app, place.Refs) },
		func() error { return s.makeBuckets(ctx, app) },
	)
	if err != nil {
		return err
	}
	s.Application, err = t.Fill(place)
	return err
}

// webhookKey is the secret that notices are signed with; a template without it has no notices.
const webhookKey = "NoticeWebhookKey"

func (s *Stack) openOutbox(app *template.Application) error {
	var key []byte
	if slices.ContainsFunc(app.Secrets, func(sec template.Secret) bool { return sec.ID == webhookKey }) {
		var err error
		if key, err = os.ReadFile(filepath.Join(s.Data, "secrets", webhookKey)); err != nil {
			return err
		}
	} else {
		key = []byte(rand.Text()) // nobody's
	}
	outbox, err := control.OpenOutbox(filepath.Join(s.Data, "outbox.jsonl"), key)
	if err != nil {
		return err
	}
	s.outbox = outbox
	s.closers = append(s.closers, outbox.Close)
	return nil
}

// makeSecret generates a secret once, as Secrets Manager does: some random characters, or a JSON object with them under a key.
func makeSecret(file string, secret template.Secret) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	value := ""
	for len(value) < secret.Length {
		value += rand.Text()
	}
	value = value[:secret.Length]
	if secret.Key != "" {
		object := map[string]any{}
		if err := json.Unmarshal([]byte(secret.Template), &object); err != nil {
			return err
		}
		object[secret.Key] = value
		b, err := json.Marshal(object)
		if err != nil {
			return err
		}
		value = string(b)
	}
	return os.WriteFile(file, []byte(value), 0o600)
}

func (s *Stack) makeTables(ctx context.Context, app *template.Application) error {
	for _, t := range app.Tables {
		if err := s.makeTable(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t.ID, err)
		}
	}
	return nil
}

func (s *Stack) makeTable(ctx context.Context, t template.Table) error {
	in := dynamodb.CreateTableInput{TableName: &t.Name}
	if err := json.Unmarshal(t.Properties, &in); err != nil { // the SDK's names are CloudFormation's
		return err
	}
	if t.Stream != "" {
		in.StreamSpecification = &dynamotypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: dynamotypes.StreamViewType(t.Stream)}
	}
	old, err := s.dynamo.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.Name})
	if err == nil {
		if !sameShape(in, old.Table) {
			return fmt.Errorf("the table in %s is of an older template: make clean forgets it", s.Data)
		}
		return nil
	}
	if _, unknown := errors.AsType[*dynamotypes.ResourceNotFoundException](err); !unknown {
		return err
	}
	if _, err := s.dynamo.CreateTable(ctx, &in); err != nil {
		return err
	}
	wait := dynamodb.NewTableExistsWaiter(s.dynamo, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 20 * time.Millisecond })
	if err := wait.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &t.Name}, startTimeout); err != nil {
		return err
	}
	if t.TTL == "" {
		return nil
	}
	_, err = s.dynamo.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: &t.Name, TimeToLiveSpecification: &dynamotypes.TimeToLiveSpecification{AttributeName: &t.TTL, Enabled: aws.Bool(true)},
	})
	return err
}

// sameShape says whether a table has the keys and indexes that it should have.
func sameShape(want dynamodb.CreateTableInput, got *dynamotypes.TableDescription) bool {
	type index struct {
		Name       string
		Keys       []dynamotypes.KeySchemaElement
		Projection *dynamotypes.Projection
	}
	var a, b []index
	for _, i := range want.GlobalSecondaryIndexes {
		a = append(a, index{*i.IndexName, i.KeySchema, i.Projection})
	}
	for _, i := range got.GlobalSecondaryIndexes {
		b = append(b, index{*i.IndexName, i.KeySchema, i.Projection})
	}
	shape := func(keys []dynamotypes.KeySchemaElement, indexes []index) string {
		slices.SortFunc(indexes, func(x, y index) int { return strings.Compare(x.Name, y.Name) })
		text, err := json.Marshal([]any{keys, indexes})
		if err != nil {
			panic(err) // strings
		}
		return string(text)
	}
	return shape(want.KeySchema, a) == shape(got.KeySchema, b)
}

// makeQueues makes the queues, those of dead letters first, and notes their URLs in refs by logical id.
func (s *Stack) makeQueues(ctx context.Context, app *template.Application, refs map[string]string) error {
	queues := slices.Clone(app.Queues)
	slices.SortStableFunc(queues, func(a, b template.Queue) int { return min(len(a.DeadLetters), 1) - min(len(b.DeadLetters), 1) })
	for _, q := range queues {
		out, err := s.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &q.Name, Attributes: q.Attributes})
		if err != nil {
			return fmt.Errorf("%s: %w", q.ID, err)
		}
		refs[q.ID], s.queues[q.ARN] = *out.QueueUrl, *out.QueueUrl
	}
	return nil
}

func (s *Stack) makeBuckets(ctx context.Context, app *template.Application) error {
	for _, b := range app.Buckets {
		_, err := s.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b.Name})
		_, mine := errors.AsType[*s3types.BucketAlreadyOwnedByYou](err)
		if err != nil && !mine {
			return fmt.Errorf("%s: %w", b.ID, err)
		}
		if len(b.CORS) == 0 {
			continue
		}
		var rules []s3types.CORSRule
		for _, r := range b.CORS {
			rules = append(rules, s3types.CORSRule{AllowedOrigins: r.AllowedOrigins, AllowedMethods: r.AllowedMethods,
				AllowedHeaders: r.AllowedHeaders, ExposeHeaders: r.ExposedHeaders, MaxAgeSeconds: &r.MaxAge})
		}
		_, err = s.s3.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: &b.Name, CORSConfiguration: &s3types.CORSConfiguration{CORSRules: rules}})
		if err != nil {
			return fmt.Errorf("%s: %w", b.ID, err)
		}
	}
	return nil
}

// countQueues looks into every queue.
func (s *Stack) countQueues(ctx context.Context) ([]control.Queue, error) {
	counted := map[string]control.Queue{} // by ARN
	for _, q := range s.Application.Queues {
		out, err := s.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: aws.String(s.queues[q.ARN]), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.ID, err)
		}
		count := func(name sqstypes.QueueAttributeName) int {
			n, err := strconv.Atoi(out.Attributes[string(name)])
			if err != nil {
				return 0 // a server that doesn't count
			}
			return n
		}
		counted[q.ARN] = control.Queue{
			Name:     q.ID,
			Depth:    count(sqstypes.QueueAttributeNameApproximateNumberOfMessages) + count(sqstypes.QueueAttributeNameApproximateNumberOfMessagesDelayed),
			InFlight: count(sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
		}
	}
	var list []control.Queue
	for _, q := range s.Application.Queues {
		c := counted[q.ARN]
		c.DeadLetters = counted[q.DeadLetters].Depth
		list = append(list, c)
	}
	return list, nil
}
