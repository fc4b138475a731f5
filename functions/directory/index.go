package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/store"
)

// indexes are the chains' search indexes, as long as there is room. Those that
// were asked for last stay. Safe for concurrent use.
type indexes struct {
	store  *store.Store
	bucket bucket
	budget int // bytes that all may take together; the one in use stays in any case

	mu   sync.Mutex
	kept []*kept // the one that was asked for last is last
}

type kept struct {
	chain string

	mu     sync.Mutex
	base   feed.Base // Index is nil: not read yet
	places int       // bytes that the places take, once they are known
	sums   int       // and the sums
	bytes  int       // that all of it takes
}

// errNoIndex is of a chain that has no index, or none that can be read.
var errNoIndex = errors.New("no index")

// of is a chain's index with all that its feed says: one query where nothing
// has changed. stale says that what has changed can't be told any more. The base
// is the caller's until they release it; its places are known if they want it.
func (x *indexes) of(ctx context.Context, chain string, places bool) (k *kept, stale bool, err error) {
	k = x.take(chain)
	k.mu.Lock()
	stale, err = x.refresh(ctx, k)
	if err != nil {
		k.mu.Unlock()
		return nil, false, err
	}
	if places {
		k.places = k.base.KnowPlaces()
	}
	x.fit(k)
	return k, stale, nil
}

func (k *kept) release() { k.mu.Unlock() }

func (x *indexes) refresh(ctx context.Context, k *kept) (stale bool, err error) {
	for fresh := false; ; fresh = true {
		if k.base.Index == nil {
			if k.base, err = x.bucket.base(ctx, k.chain); err != nil {
				return false, err
			}
			fresh = true
		}
		parts, err := x.store.Feed(ctx, k.chain, k.base.Through)
		if err != nil {
			return false, err
		}
		k.base.Through, err = k.base.Apply(parts)
		if err == nil || fresh {
			return err != nil, nil
		}
		// What lies between has been folded into the base.
		base, err := x.bucket.base(ctx, k.chain)
		switch {
		case errors.Is(err, errNoIndex):
			return true, nil
		case err != nil:
			return false, err
		case base.Through > k.base.Through:
			k.base = base
		}
	}
}

// take is the place of a chain's index, which has been asked for.
func (x *indexes) take(chain string) *kept {
	x.mu.Lock()
	defer x.mu.Unlock()
	k := &kept{chain: chain}
	if i := slices.IndexFunc(x.kept, func(k *kept) bool { return k.chain == chain }); i >= 0 {
		k = x.kept[i]
		x.kept = slices.Delete(x.kept, i, i+1)
	}
	x.kept = append(x.kept, k)
	return k
}

// fit lets go of what was asked for longest ago until the rest fits.
func (x *indexes) fit(used *kept) {
	x.mu.Lock()
	defer x.mu.Unlock()
	used.bytes = used.base.Index.Bytes() + used.places + used.sums
	sum := 0
	for i := len(x.kept) - 1; i >= 0; i-- {
		if sum += x.kept[i].bytes; sum > x.budget && x.kept[i] != used {
			x.kept = slices.Delete(x.kept, 0, i+1)
			return
		}
	}
}

// bucket is where the indexes' bases lie. The S3 client would take a megabyte
// that the door hasn't got; one signed GET is all that it needs.
type bucket struct {
	name, region, endpoint string // endpoint is "" for AWS's own
	credentials            aws.CredentialsProvider
	client                 aws.HTTPClient
	now                    func() time.Time
}

// base reads a chain's base: errNoIndex if there is none that can be read.
func (b bucket) base(ctx context.Context, chain string) (feed.Base, error) {
	p, err := b.get(ctx, feed.Object(chain))
	if err != nil {
		return feed.Base{}, err
	}
	base, err := feed.OpenBase(p)
	if errors.Is(err, search.ErrCorrupt) {
		return feed.Base{}, errNoIndex
	}
	return base, err
}

// emptyHash is the SHA-256 of no body.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func (b bucket) get(ctx context.Context, key string) ([]byte, error) {
	c, err := b.credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url()+"/"+key, nil)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	r.Header.Set("X-Amz-Content-Sha256", emptyHash)
	sign := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := sign.SignHTTP(ctx, c, r, emptyHash, "s3", b.region, b.now().UTC()); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	out, err := b.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	defer out.Body.Close()
	switch out.StatusCode {
	case http.StatusOK:
		p, err := io.ReadAll(out.Body)
		if err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
		return p, nil
	case http.StatusNotFound, http.StatusForbidden: // the second is what S3 tells of a missing object to who may not list
		return nil, errNoIndex
	}
	return nil, fmt.Errorf("index: %s", out.Status)
}

func (b bucket) url() string {
	if b.endpoint != "" {
		return strings.TrimRight(b.endpoint, "/") + "/" + b.name
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(b.region, "cn-") {
		domain = "amazonaws.com.cn"
	}
	return "https://" + b.name + ".s3." + b.region + "." + domain
}
