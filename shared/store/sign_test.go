package store

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

// toSign is a request as the sender has it before it is signed.
func toSign(host string, length int64) *http.Request {
	return &http.Request{
		Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: host, Path: "/"}, Host: host, ContentLength: length,
		Header: http.Header{"X-Amz-Target": {insertTarget}, "Content-Type": {insertType}, "Accept-Encoding": {insertEncoding}},
	}
}

func TestSignsAsTheSDKDoes(t *testing.T) {
	t.Parallel()
	var ours signer // one for all, so that a key that is kept is tried as well
	theirs := v4.NewSigner()
	rapid.Check(t, func(t *rapid.T) {
		c := aws.Credentials{
			AccessKeyID:     rapid.StringMatching(`AKIA[A-Z0-9]{16}`).Draw(t, "id"),
			SecretAccessKey: rapid.SampledFrom([]string{"one", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}).Draw(t, "secret"),
			SessionToken:    rapid.SampledFrom([]string{"", "IQoJb3JpZ2luX2VjEXAMPLE//=="}).Draw(t, "token"),
		}
		region := rapid.SampledFrom([]string{"us-east-1", "cn-north-1"}).Draw(t, "region")
		host := rapid.SampledFrom([]string{"dynamodb.us-east-1.amazonaws.com", "127.0.0.1:8000"}).Draw(t, "host")
		hash := rapid.StringMatching(`[0-9a-f]{64}`).Draw(t, "hash")
		length := rapid.Int64Range(1, 1<<20).Draw(t, "length")
		at := time.Unix(rapid.Int64Range(1.7e9, 1.9e9).Draw(t, "at"), 0)

		got, want := toSign(host, length), toSign(host, length)
		ours.sign(got, hash, c, region, at)
		if err := theirs.SignHTTP(t.Context(), c, want, hash, "dynamodb", region, at); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
			if got.Header.Get(name) != want.Header.Get(name) {
				t.Fatalf("%s: got  %s\nwant %s", name, got.Header.Get(name), want.Header.Get(name))
			}
		}
	})
}

func BenchmarkSign(b *testing.B) {
	c := aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", SessionToken: "IQoJb3JpZ2luX2VjEXAMPLE//=="}
	hash, at := "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", time.Unix(1.8e9, 0)
	b.Run("ours", func(b *testing.B) {
		var s signer
		for b.Loop() {
			s.sign(toSign("dynamodb.us-east-1.amazonaws.com", 9000), hash, c, "us-east-1", at)
		}
	})
	b.Run("the SDK's", func(b *testing.B) {
		s := v4.NewSigner()
		for b.Loop() {
			if err := s.SignHTTP(b.Context(), c, toSign("dynamodb.us-east-1.amazonaws.com", 9000), hash, "dynamodb", "us-east-1", at); err != nil {
				b.Fatal(err)
			}
		}
	})
}
