package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/roster/form"
	"github.com/tributary-app/tributary/shared/web"
)

// uploadLife is how long an upload may wait for its beginning (design.md
// section 4).
const uploadLife = 15 * time.Minute

// What a roster's file may call itself.
const (
	csv = "text/csv"
)

// typeOf is the content type that a file of that name is uploaded under. It
// is no judgement: what a file is, its first bytes say.
func typeOf(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".csv", ".tsv", ".txt":
		return csv
	}
	return web.Workbook
}

// tickets signs uploads to the bucket of rosters: a POST policy under
// Signature Version 4, by which a browser sends one file of one type to one
// key, and nothing else.
//
// It is written out because the S3 client, whose only use here this would be,
// weighs 1.2 MB and takes the door past its 9 MB; a test holds it to that
// client's signatures.
type tickets struct{ platform.Bucket }

// upload is a ticket: the file is sent to URL as a form with all of Fields.
type upload struct {
	URL     string            `json:"url"`
	Fields  map[string]string `json:"fields"`
	expires time.Time
}

func (t tickets) sign(ctx context.Context, key, contentType string) (upload, error) {
	c, err := t.Credentials.Retrieve(ctx)
	if err != nil {
		return upload{}, fmt.Errorf("sign upload: %w", err)
	}
	now := t.Now().UTC()
	day := now.Format("20060102")
	scope := day + "/" + t.Region + "/s3/aws4_request"
	out := upload{URL: t.URL(), expires: now.Add(uploadLife), Fields: map[string]string{
		"key":              key,
		"Content-Type":     contentType,
		"x-amz-algorithm":  "AWS4-HMAC-SHA256",
		"x-amz-credential": c.AccessKeyID + "/" + scope,
		"x-amz-date":       now.Format("20060102T150405Z"),
	}}
	if c.SessionToken != "" {
		out.Fields["x-amz-security-token"] = c.SessionToken
	}
	conditions := []any{
		map[string]string{"bucket": t.Name},
		[]any{"content-length-range", 1, form.MaxFile},
	}
	for name, value := range out.Fields { // each exactly so
		conditions = append(conditions, map[string]string{name: value})
	}
	policy, err := json.Marshal(map[string]any{"expiration": out.expires.Format("2006-01-02T15:04:05.000Z"), "conditions": conditions})
	if err != nil {
		return upload{}, fmt.Errorf("sign upload: %w", err)
	}
	out.Fields["policy"] = base64.StdEncoding.EncodeToString(policy)
	out.Fields["x-amz-signature"] = signature(c.SecretAccessKey, day, t.Region, out.Fields["policy"])
	return out, nil
}

// signature is AWS's of a policy: a key for the day, region and service is
// drawn from the secret, and signs the policy as it is sent.
func signature(secret, day, region, policy string) string {
	key := []byte("AWS4" + secret)
	for _, part := range []string{day, region, "s3", "aws4_request"} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, policy))
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
