package stack_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tributary-app/tributary/infra/local/stack"
)

const bucket = "probe-dev-" + stack.Account

// ticket signs a POST policy such as the API hands out: one key, one type, 1 to 100 bytes.
func (w *world) ticket(key string, life time.Duration) *s3.PresignedPostRequest {
	w.t.Helper()
	out, err := s3.NewPresignClient(w.s3()).PresignPostObject(w.t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key},
		func(o *s3.PresignPostOptions) {
			o.Expires = life
			o.Conditions = []any{[]any{"content-length-range", 1, 100}, []any{"eq", "$Content-Type", "text/csv"}}
		})
	if err != nil {
		w.t.Fatal(err)
	}
	out.Values["Content-Type"] = "text/csv"
	return out
}

// upload fills in the form as a browser does.
func (w *world) upload(ticket *s3.PresignedPostRequest, content string) (int, string) {
	w.t.Helper()
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	for name, value := range ticket.Values {
		if err := parts.WriteField(name, value); err != nil {
			w.t.Fatal(err)
		}
	}
	file, err := parts.CreateFormFile("file", "经销商 1.csv")
	if err == nil {
		_, err = io.WriteString(file, content)
	}
	if err == nil {
		err = parts.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	resp, body := w.call("POST", ticket.URL, form.Bytes(), "Content-Type", parts.FormDataContentType())
	return resp.StatusCode, body
}

func TestAnUploadByPolicyIsTakenAndToldOf(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if code, body := w.upload(w.ticket("rosters/a b+名.csv", time.Minute), "x,y\n"); code != 204 {
		t.Fatalf("got %d %s, want 204", code, body)
	}
	w.eventually("the event", func() bool { return len(w.said("object", "object")) > 0 })
	want := "ObjectCreated:Post rosters/a+b%2B%E5%90%8D.csv rosters/a b+名.csv 4"
	if got := w.said("object", "object"); len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	out, err := w.s3().GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("rosters/a b+名.csv")})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	if err != nil || string(b) != "x,y\n" || aws.ToString(out.ContentType) != "text/csv" {
		t.Errorf("got %q of %s, %v", b, aws.ToString(out.ContentType), err)
	}
}

func TestAnUploadThatThePolicyDoesNotAllowIsRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, break_ := range map[string]func(*s3.PresignedPostRequest) string{
		"too large":    func(*s3.PresignedPostRequest) string { return strings.Repeat("x", 101) },
		"empty":        func(*s3.PresignedPostRequest) string { return "" },
		"another key":  func(p *s3.PresignedPostRequest) string { p.Values["key"] = "rosters/other.csv"; return "x" },
		"another type": func(p *s3.PresignedPostRequest) string { p.Values["Content-Type"] = "text/html"; return "x" },
		"expired":      func(p *s3.PresignedPostRequest) string { *p = *w.ticket("rosters/a.csv", -time.Minute); return "x" },
		"not signed": func(p *s3.PresignedPostRequest) string {
			p.Values["X-Amz-Signature"] = strings.Repeat("0", 64)
			return "x"
		},
		"no policy": func(p *s3.PresignedPostRequest) string {
			p.Values = map[string]string{"key": "rosters/a.csv"}
			return "x"
		},
		"a field more": func(p *s3.PresignedPostRequest) string { p.Values["acl"] = "public-read"; return "x" },
		"other account": func(p *s3.PresignedPostRequest) string {
			p.Values["X-Amz-Credential"] = "x" + p.Values["X-Amz-Credential"]
			return "x"
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{w.Stack, t}
			ticket := w.ticket("rosters/a.csv", time.Minute)
			if code, body := w.upload(ticket, break_(ticket)); code < 400 || code > 403 {
				t.Errorf("got %d %s, want 400 or 403", code, body)
			}
		})
	}
	out, err := w.s3().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil || len(out.Contents) > 0 {
		t.Errorf("got %v, %v, want nothing", out, err)
	}
	if said := w.said("object", "object"); len(said) > 0 {
		t.Errorf("told of %q", said)
	}
}

func TestObjectsElsewhereAreNotToldOfAndFailuresEndAmongTheDeadLetters(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, key := range []string{"other/a.csv", "rosters/a.xlsx", "rosters/bad.csv"} {
		_, err := w.s3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader("x")})
		if err != nil {
			t.Fatal(err)
		}
	}
	letter := w.letter("ObjectDeadLetters")
	for _, part := range []string{`"condition":"RetriesExhausted"`, `"approximateInvokeCount":2`, `rosters/bad.csv`, `told to fail`} {
		if !strings.Contains(letter, part) {
			t.Errorf("got %s, want %s in it", letter, part)
		}
	}
	for _, s := range w.said("object", "object") {
		if !strings.HasPrefix(s, "ObjectCreated:Put rosters/bad.csv ") {
			t.Errorf("told of %q", s)
		}
	}
}

func TestTheBucketBehavesAsABucket(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c, name := w.s3(), aws.String(bucket)
	put := func(key, content string) {
		t.Helper()
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: name, Key: &key, Body: strings.NewReader(content), Metadata: map[string]string{"who": "me"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"a", "f/1", "f/2", "f/g/3", "z"} {
		put(key, "first")
		put(key, "second")
	}
	var pages []string
	list := &s3.ListObjectsV2Input{Bucket: name, Delimiter: aws.String("/"), MaxKeys: aws.Int32(2)}
	for {
		out, err := c.ListObjectsV2(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out.Contents {
			pages = append(pages, *o.Key)
		}
		for _, p := range out.CommonPrefixes {
			pages = append(pages, *p.Prefix)
		}
		if list.ContinuationToken = out.NextContinuationToken; !aws.ToBool(out.IsTruncated) {
			break
		}
	}
	if got := strings.Join(pages, " "); got != "a f/ z" {
		t.Errorf("list: got %q, want a f/ z", got)
	}
	part, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: name, Key: aws.String("f/1"), Range: aws.String("bytes=3-")})
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(part.Body)
	if err != nil || string(b) != "ond" || part.Metadata["who"] != "me" || aws.ToString(part.ContentRange) != "bytes 3-5/6" {
		t.Errorf("range: got %q, %+v, %v", b, part, err)
	}
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: name, Key: aws.String("a")}); err != nil {
		t.Error(err)
	}
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: name, Key: aws.String("a")})
	if _, gone := errors.AsType[*types.NoSuchKey](err); !gone {
		t.Errorf("deleted: got %v, want NoSuchKey", err)
	}
	stranger := s3.New(s3.Options{Region: stack.Region, BaseEndpoint: &w.S3, Credentials: aws.CredentialsProviderFunc(
		func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: stack.AccessKey, SecretAccessKey: "guessed"}, nil
		})})
	if _, err := stranger.GetObject(t.Context(), &s3.GetObjectInput{Bucket: name, Key: aws.String("z")}); err == nil {
		t.Error("a wrong key opened the bucket")
	}
	signed, err := s3.NewPresignClient(c).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: name, Key: aws.String("z")})
	if err != nil {
		t.Fatal(err)
	}
	if resp, got := w.call(http.MethodGet, signed.URL, nil); resp.StatusCode != 200 || got != "second" {
		t.Errorf("presigned: got %d %s", resp.StatusCode, got)
	}
}
