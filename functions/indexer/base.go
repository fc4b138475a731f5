package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
)

// fold takes what a chain's feed has beyond its base into the base, and lets
// those parts go. Killed in between, the next fold does it.
func (i *indexer) fold(ctx context.Context, chain string) error {
	base, etag, err := i.load(ctx, chain)
	if errors.Is(err, search.ErrCorrupt) {
		return i.rebuild(ctx, chain, etag)
	}
	if err != nil {
		return err
	}
	parts, err := i.store.Feed(ctx, chain, base.Through)
	if err != nil {
		return err
	}
	through, err := base.Apply(parts)
	if err != nil {
		slog.WarnContext(ctx, "index made anew", "chain", chain, "err", err)
		return i.rebuild(ctx, chain, etag)
	}
	if through == base.Through {
		return nil
	}
	base.Through = through
	return i.keep(ctx, chain, base, etag)
}

// mend makes a chain's index anew if it can't be used.
func (i *indexer) mend(ctx context.Context, chain string) error {
	base, etag, err := i.load(ctx, chain)
	if err == nil {
		parts, err := i.store.Feed(ctx, chain, base.Through)
		if err != nil {
			return err
		}
		if _, err := base.Apply(parts); err == nil {
			return nil // somebody was faster
		}
	} else if !errors.Is(err, search.ErrCorrupt) {
		return err
	}
	return i.rebuild(ctx, chain, etag)
}

// rebuild makes a chain's index of the table. What is written meanwhile comes
// by the feed, behind the part that the index begins with.
func (i *indexer) rebuild(ctx context.Context, chain, etag string) error {
	through, err := i.store.LastFeed(ctx, chain)
	if err != nil {
		return err
	}
	var failed error
	var all iter.Seq[search.Entry] = func(yield func(search.Entry) bool) {
		failed = i.store.Everyone(ctx, chain, func(p network.Partner, people []network.Contact) error {
			ok := yield(feed.PartnerEntry(p))
			for _, k := range people {
				ok = ok && (k.Erased() || yield(feed.ContactEntry(k)))
			}
			if !ok {
				return errors.New("the index takes no more")
			}
			return nil
		})
	}
	x := search.New(all)
	if failed != nil {
		return failed
	}
	return i.keep(ctx, chain, feed.Base{Through: through, Index: x}, etag)
}

// load is a chain's base and its ETag: search.ErrCorrupt where there is none
// that can be read, with "" where there is none at all.
func (i *indexer) load(ctx context.Context, chain string) (base feed.Base, etag string, err error) {
	key := feed.Object(chain)
	out, err := i.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &i.bucket, Key: &key})
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusForbidden: // the second is what S3 tells of a missing object to who may not list
		return base, "", search.ErrCorrupt
	}
	if err != nil {
		return base, "", fmt.Errorf("load: %w", err)
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	if err != nil {
		return base, "", fmt.Errorf("load: %w", err)
	}
	base, err = feed.OpenBase(b)
	return base, *out.ETag, err
}

// keep puts a base in the place of the one of that ETag, of none where that is
// "". If it is another by now, that is as good. Then the parts that are in it go.
func (i *indexer) keep(ctx context.Context, chain string, base feed.Base, etag string) error {
	key := feed.Object(chain)
	in := &s3.PutObjectInput{Bucket: &i.bucket, Key: &key, Body: bytes.NewReader(base.Pack())}
	if in.IfMatch = &etag; etag == "" {
		any := "*"
		in.IfMatch, in.IfNoneMatch = nil, &any
	}
	_, err := i.objects.PutObject(ctx, in)
	switch statusOf(err) {
	case http.StatusPreconditionFailed, http.StatusConflict, http.StatusNotFound:
		return nil
	}
	if err != nil {
		return fmt.Errorf("keep: %w", err)
	}
	return i.store.ForgetFeed(ctx, chain, base.Through)
}

// statusOf is what S3 answered, 0 if it is no refusal.
func statusOf(err error) int {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return r.HTTPStatusCode()
	}
	return 0
}
