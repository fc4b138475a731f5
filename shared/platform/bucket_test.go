package platform

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// The S3 client, which the doors can't afford to carry, would sign the same.
func TestALinkIsWhatTheSDKWouldSign(t *testing.T) {
	t.Parallel()
	who := credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "a secret", "a session")
	for name, endpoint := range map[string]string{"a server of one's own": "http://127.0.0.1:9", "AWS": ""} {
		client := s3.New(s3.Options{Region: "eu-central-1", Credentials: who}, func(o *s3.Options) {
			if endpoint != "" {
				o.BaseEndpoint, o.UsePathStyle = &endpoint, true
			}
		})
		want, err := s3.NewPresignClient(client).PresignGetObject(t.Context(), &s3.GetObjectInput{
			Bucket: aws.String("files"), Key: aws.String("exports/a/b.csv"),
			ResponseContentDisposition: aws.String(`attachment; filename="b.csv"`), ResponseContentType: aws.String("text/csv; charset=utf-8"),
		}, s3.WithPresignExpires(LinkLife))
		if err != nil {
			t.Fatal(err)
		}
		w, err := url.Parse(want.URL)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("20060102T150405Z", w.Query().Get("X-Amz-Date"))
		if err != nil {
			t.Fatal(err)
		}
		link, err := Bucket{Name: "files", Region: "eu-central-1", Endpoint: endpoint, Credentials: who, Now: func() time.Time { return at }}.
			Link(t.Context(), "exports/a/b.csv", "b.csv", "text/csv; charset=utf-8")
		if err != nil {
			t.Fatal(err)
		}
		g, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		if g.Scheme != w.Scheme || g.Host != w.Host || g.Path != w.Path {
			t.Errorf("%s: got %s, want %s", name, g, w)
		}
		for _, k := range []string{"X-Amz-Expires", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Security-Token", "response-content-disposition", "response-content-type"} {
			if g.Query().Get(k) != w.Query().Get(k) || g.Query().Get(k) == "" {
				t.Errorf("%s: %s is %q, want %q", name, k, g.Query().Get(k), w.Query().Get(k))
			}
		}
	}
}

func TestWithoutCredentialsThereIsNoLink(t *testing.T) {
	t.Parallel()
	lost := errors.New("no credentials")
	_, err := Bucket{Name: "b", Region: "cn-north-1", Now: time.Now,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, lost })}.Link(t.Context(), "k", "n", "t")
	if !errors.Is(err, lost) {
		t.Errorf("got %v, want %v", err, lost)
	}
}
