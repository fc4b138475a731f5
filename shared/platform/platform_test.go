package platform

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// from is a getenv over the pairs "NAME=value", in a region.
func from(pairs ...string) func(string) string {
	env := map[string]string{"AWS_REGION": "eu-central-1"}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	return func(name string) string { return env[name] }
}

func found(t *testing.T, pairs ...string) *Platform {
	t.Helper()
	p, err := New(from(pairs...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAllThatIsMissingIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	for want, env := range map[string]func(string) string{
		"not set: AWS_REGION, TABLE_NAME, WEB_URL": func(string) string { return "" },
		"not set: TABLE_NAME, WEB_URL":             from("TABLE_NAME="),
		"not set: WEB_URL":                         from("TABLE_NAME=network"),
		"not set: AWS_REGION":                      from("AWS_REGION=", "TABLE_NAME=network", "WEB_URL=https://x"),
	} {
		if p, err := New(env, "TABLE_NAME", "WEB_URL"); p != nil || err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	p, err := New(from("TABLE_NAME=network"), "TABLE_NAME")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Env("TABLE_NAME") + p.Env("NOWHERE"); got != "network" {
		t.Errorf("got %q, want network", got)
	}
}

func TestTheClockRunsAheadByItsOffset(t *testing.T) {
	t.Parallel()
	for offset, want := range map[string]time.Duration{"": 0, "0": 0, "691200": 8 * 24 * time.Hour, "-60": -time.Minute} {
		before := time.Now()
		now := found(t, "CLOCK_OFFSET_SECONDS="+offset).Now()
		after := time.Now()
		if now.Before(before.Add(want)) || now.After(after.Add(want)) {
			t.Errorf("%q: got %v, want %v and %v", offset, now, before, want)
		}
		if now.Location() != time.UTC {
			t.Errorf("%q: got a time in %v", offset, now.Location())
		}
	}
	for _, offset := range []string{"8d", "1.5", "1h", " 60", "99999999999999999999"} {
		if _, err := New(from("CLOCK_OFFSET_SECONDS=" + offset)); err == nil || !strings.Contains(err.Error(), "CLOCK_OFFSET_SECONDS") {
			t.Errorf("%q: got %v, want an error that names it", offset, err)
		}
	}
}

func TestAServiceIsWhereItsOwnVariableSaysElseWhereAllAre(t *testing.T) {
	t.Parallel()
	some := found(t, "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:2", "AWS_ENDPOINT_URL_SECRETS_MANAGER=http://127.0.0.1:3")
	none := found(t)
	for service, want := range map[string]string{
		"DynamoDB": "http://127.0.0.1:2", "Secrets Manager": "http://127.0.0.1:3", "SQS": "http://127.0.0.1:1", "S3": "http://127.0.0.1:1",
		"DynamoDB Streams": "http://127.0.0.1:1", // another service, though the name begins alike
	} {
		if got := some.Endpoint(service); got != want {
			t.Errorf("%s: got %q, want %q", service, got, want)
		}
		if got := none.Endpoint(service); got != "" {
			t.Errorf("%s: got %q, want AWS's own", service, got)
		}
	}
}

// What the SDK's clients do with a config, so that a client needs no more
// than NewFromConfig.
func TestTheSDKsClientsFindTheirEndpointsInTheConfig(t *testing.T) {
	t.Parallel()
	type source interface {
		GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error)
	}
	p := found(t, "AWS_ENDPOINT_URL_SQS=http://127.0.0.1:4")
	if got, want := p.AWS.Region, "eu-central-1"; got != want {
		t.Errorf("got region %q, want %q", got, want)
	}
	if p.AWS.HTTPClient == nil || len(p.AWS.ConfigSources) != 1 {
		t.Fatalf("got %+v", p.AWS)
	}
	s, ok := p.AWS.ConfigSources[0].(source)
	if !ok {
		t.Fatalf("%T is nothing that the SDK asks", p.AWS.ConfigSources[0])
	}
	if url, ok, err := s.GetServiceBaseEndpoint(t.Context(), "SQS"); url != "http://127.0.0.1:4" || !ok || err != nil {
		t.Errorf("got %q, %v, %v", url, ok, err)
	}
	if url, ok, err := s.GetServiceBaseEndpoint(t.Context(), "S3"); url != "" || ok || err != nil {
		t.Errorf("got %q, %v, %v, want AWS's own", url, ok, err)
	}
}

func TestCredentialsAreTheEnvironments(t *testing.T) {
	t.Parallel()
	got, err := found(t, "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=key", "AWS_SESSION_TOKEN=session").AWS.Credentials.Retrieve(t.Context())
	if want := (aws.Credentials{AccessKeyID: "id", SecretAccessKey: "key", SessionToken: "session", Source: "environment"}); got != want || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, pair := range []string{"", "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=key"} {
		_, err := found(t, pair).AWS.Credentials.Retrieve(t.Context())
		if err == nil || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") || strings.Contains(err.Error(), "key=") {
			t.Errorf("%q: got %v, want an error that names what is missing", pair, err)
		}
	}
}
