// Package platform is what a function finds where it runs: its environment,
// its clock, its keys, and the way to AWS. Everything is read once, at the
// start, and a function that misses something refuses to start.
package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Main is a door's main: it sets the logger, runs, and says why when that
// fails. It never returns.
func Main(run func(ctx context.Context, getenv func(string) string) error) {
	slog.SetDefault(lambdacontext.NewLogger())
	if err := run(context.Background(), os.Getenv); err != nil {
		slog.Error("cannot start", "err", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Platform is one function's surroundings.
type Platform struct {
	AWS    aws.Config       // for any client's NewFromConfig; endpoints and credentials are in it
	Now    func() time.Time // UTC
	getenv func(string) string
	waits  aws.HTTPClient // for a function, which answers when it is done
}

// New reads the environment. AWS_REGION and the variables named must be set;
// the error names all that aren't.
func New(getenv func(string) string, needed ...string) (*Platform, error) {
	var missing []string
	for _, name := range append([]string{"AWS_REGION"}, needed...) {
		if getenv(name) == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("not set: %s", strings.Join(missing, ", "))
	}
	now, err := clock(getenv)
	if err != nil {
		return nil, err
	}
	return &Platform{AWS: config(getenv), Now: now, getenv: getenv, waits: client(9 * time.Second)}, nil // an HTTP door has 10
}

// Env is a variable's value.
func (p *Platform) Env(name string) string { return p.getenv(name) }

// Endpoint is where the service is when it isn't AWS's own, else "". service
// is named as the SDK does: "DynamoDB", "S3", "SQS", "Secrets Manager".
func (p *Platform) Endpoint(service string) string { return endpoint(p.getenv, service) }

func endpoint(getenv func(string) string, service string) string {
	name := strings.ReplaceAll(strings.ToUpper(service), " ", "_")
	return cmp.Or(getenv("AWS_ENDPOINT_URL_"+name), getenv("AWS_ENDPOINT_URL"))
}

// clock tells the time, ahead by CLOCK_OFFSET_SECONDS. Only the local stack
// sets that, to see invites expire.
func clock(getenv func(string) string) (func() time.Time, error) {
	s := getenv("CLOCK_OFFSET_SECONDS")
	if s == "" {
		return func() time.Time { return time.Now().UTC() }, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return nil, errors.New("CLOCK_OFFSET_SECONDS is not a whole number")
	}
	ahead := time.Duration(n) * time.Second
	return func() time.Time { return time.Now().UTC().Add(ahead) }, nil
}

// config is built by hand: in Lambda everything is in the environment, and
// LoadDefaultConfig costs 2 MB and 5 ms to find that out.
func config(getenv func(string) string) aws.Config {
	return aws.Config{
		Region: getenv("AWS_REGION"),
		// An instance lives shorter than the credentials it was started with.
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			c := aws.Credentials{
				AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken: getenv("AWS_SESSION_TOKEN"), Source: "environment",
			}
			if !c.HasKeys() {
				return c, errors.New("AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set")
			}
			return c, nil
		}),
		HTTPClient:    client(5 * time.Second), // so that a retry fits into an HTTP door's 10 s
		ConfigSources: []any{endpoints(getenv)},
	}
}

// client waits for the head of an answer as long as that. It honours
// AWS_CA_BUNDLE.
func client(patience time.Duration) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = 2 * time.Second }).
		WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = patience
			t.WriteBufferSize = 32 << 10 // an import's requests are 16 KB, and go out at once
		})
}

// endpoints tells each service's client where to go, as a shared config file
// would.
type endpoints func(string) string

// GetServiceBaseEndpoint is what the SDK's clients ask of a config source.
func (e endpoints) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	url := endpoint(e, service)
	return url, url != "", nil
}
