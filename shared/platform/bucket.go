package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Bucket is a bucket for whom signs what others do with it, or gets an object:
// the S3 client, which can do all else too, puts 1.2 MB into a door.
type Bucket struct {
	Name, Region string
	Endpoint     string // of an S3 of one's own, "" for AWS's
	Credentials  aws.CredentialsProvider
	Client       aws.HTTPClient
	Now          func() time.Time // the bucket's time, which is the real one
}

// Bucket is the one that the environment names so.
func (p *Platform) Bucket(name string) Bucket {
	return Bucket{Name: p.Env(name), Region: p.AWS.Region, Endpoint: p.Endpoint("S3"), Credentials: p.AWS.Credentials, Client: p.AWS.HTTPClient,
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
	signed, _, err := signer().PresignHTTP(ctx, c, r, "UNSIGNED-PAYLOAD", "s3", b.Region, b.Now().UTC())
	if err != nil {
		return "", fmt.Errorf("sign link: %w", err)
	}
	return signed, nil
}

// ErrNoObject is of an object that isn't there.
var ErrNoObject = errors.New("bucket: no such object")

// emptyHash is the SHA-256 of no body.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Get is an object, whole: ErrNoObject if it isn't there. It asks once.
func (b Bucket) Get(ctx context.Context, key string) ([]byte, error) {
	c, err := b.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("get object: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(b.URL(), "/")+"/"+key, nil)
	if err != nil {
		return nil, fmt.Errorf("get object: %w", err)
	}
	r.Header.Set("X-Amz-Content-Sha256", emptyHash)
	if err := signer().SignHTTP(ctx, c, r, emptyHash, "s3", b.Region, b.Now().UTC()); err != nil {
		return nil, fmt.Errorf("get object: %w", err)
	}
	out, err := b.Client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("get object: %w", err)
	}
	defer out.Body.Close()
	switch out.StatusCode {
	case http.StatusOK:
		p, err := io.ReadAll(out.Body)
		if err != nil {
			return nil, fmt.Errorf("get object: %w", err)
		}
		return p, nil
	case http.StatusNotFound, http.StatusForbidden: // the second is what S3 tells of a missing object to who may not list
		return nil, ErrNoObject
	}
	return nil, fmt.Errorf("get object: %s", out.Status)
}

// signer signs as S3 wants it: a key's path is escaped once.
func signer() *v4.Signer {
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
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
