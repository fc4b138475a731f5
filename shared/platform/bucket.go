package platform

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Bucket is a bucket for whom signs what others do with it, and doesn't read
// it: the S3 client, whose only use that would be, puts 1.2 MB into a door.
type Bucket struct {
	Name, Region string
	Endpoint     string // of an S3 of one's own, "" for AWS's
	Credentials  aws.CredentialsProvider
	Now          func() time.Time // the bucket's time, which is the real one
}

// Bucket is the one that the environment names so.
func (p *Platform) Bucket(name string) Bucket {
	return Bucket{Name: p.Env(name), Region: p.AWS.Region, Endpoint: p.Endpoint("S3"), Credentials: p.AWS.Credentials,
		Now: time.Now} // whatever ours is set to
}

// LinkLife is how long a link to a file may be followed.
const LinkLife = 15 * time.Minute

// Link is an address under which one file of the bucket can be had for
// LinkLife, by whoever has it, under the given name and media type.
func (b Bucket) Link(ctx context.Context, key, name, mediaType string) (string, error) {
	c, err := b.Credentials.Retrieve(ctx)
	if err != nil {
		return "", fmt.Errorf("sign link: %w", err)
	}
	query := url.Values{
		"X-Amz-Expires":                {strconv.Itoa(int(LinkLife.Seconds()))},
		"response-content-disposition": {`attachment; filename="` + name + `"`},
		"response-content-type":        {mediaType},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(b.URL(), "/")+"/"+key+"?"+query.Encode(), nil)
	if err != nil {
		return "", fmt.Errorf("sign link: %w", err)
	}
	signed, _, err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
		PresignHTTP(ctx, c, r, "UNSIGNED-PAYLOAD", "s3", b.Region, b.Now().UTC())
	if err != nil {
		return "", fmt.Errorf("sign link: %w", err)
	}
	return signed, nil
}

// URL is where the bucket is: by its own name at AWS, by a path at a server
// that has one name.
func (b Bucket) URL() string {
	if b.Endpoint != "" {
		return strings.TrimRight(b.Endpoint, "/") + "/" + b.Name
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(b.Region, "cn-") {
		domain = "amazonaws.com.cn"
	}
	return "https://" + b.Name + ".s3." + b.Region + "." + domain + "/"
}
