package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
)

const (
	// blockSize is what one GET brings: at 2 MiB the largest roster is a
	// hundred requests, and most are one or two.
	blockSize = 2 << 20
	// blocksKept bounds the memory, to 10 MiB: a workbook's end, where its
	// directory is, its texts, and what is read and about to be.
	blocksKept = 5
	// objectTries is how often a block whose body breaks off is asked for,
	// each time from where it broke, with waits that double from 50 ms.
	objectTries = 6
	// bodyTime is how long a body may take before it counts as broken.
	bodyTime = 30 * time.Second
)

// object is an uploaded file, read where it lies: in blocks, by ranged GETs
// that S3 answers only while the object is the one that was opened. What is
// read in order is asked for ahead. It is safe for concurrent use.
type object struct {
	ctx              context.Context // for io.ReaderAt has none
	stop             context.CancelFunc
	client           *s3.Client
	bucket, key, tag string
	size             int64

	mu       sync.Mutex
	blocks   []*block // the one that was asked for last is last
	last     int64    // block that was read from last
	fetching sync.WaitGroup
}

type block struct {
	n     int64
	users int // nobody else's bytes may come into it meanwhile
	done  chan struct{}
	data  []byte // whole when done, unless err
	err   error
}

// openObject opens the object of that ETag for reading until close, or until
// ctx ends. Where it is gone or has been replaced, now or while it is read,
// the error is a *roster.FileError, Replaced: its event has been ignored by
// then, so the import ends here. One beyond form.MaxFile is TooLarge.
func openObject(ctx context.Context, client *s3.Client, bucket, key, etag string) (*object, error) {
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key, IfMatch: &etag})
	if err != nil {
		return nil, objectError(err)
	}
	size := aws.ToInt64(head.ContentLength)
	if size > form.MaxFile {
		return nil, &roster.FileError{Code: form.TooLarge, Detail: fmt.Sprintf("%d bytes", size)}
	}
	o := &object{client: client, bucket: bucket, key: key, tag: etag, size: size, last: -2}
	o.ctx, o.stop = context.WithCancel(ctx)
	return o, nil
}

// objectError says what S3 refused.
func objectError(err error) error {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok && (r.HTTPStatusCode() == http.StatusPreconditionFailed || r.HTTPStatusCode() == http.StatusNotFound) {
		return &roster.FileError{Code: form.Replaced, Detail: "the object is gone"}
	}
	return fmt.Errorf("object: %w", err)
}

// close ends what is under way, and waits for its end: Lambda stops an
// instance between two events wherever it is.
func (o *object) close() {
	o.stop()
	o.fetching.Wait()
}

// ReadAt is io.ReaderAt's.
func (o *object) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("object: negative offset")
	}
	for n < len(p) && off < o.size {
		b := o.take(off / blockSize)
		<-b.done
		if err = b.err; err == nil {
			c := copy(p[n:], b.data[off%blockSize:])
			n, off = n+c, off+int64(c)
		}
		o.release(b)
		if err != nil {
			return n, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// take gives a block, which may not be done, to be released after use.
func (o *object) take(n int64) *block {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.block(n)
	b.users++
	if n == o.last+1 && (n+1)*blockSize < o.size {
		o.block(n + 1)
	}
	o.last = n
	return b
}

func (o *object) release(b *block) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b.users--
}

// block finds a block, or begins to fetch it. The caller holds the lock.
func (o *object) block(n int64) *block {
	if i := slices.IndexFunc(o.blocks, func(b *block) bool { return b.n == n }); i >= 0 {
		b := o.blocks[i]
		o.blocks = append(slices.Delete(o.blocks, i, i+1), b)
		return b
	}
	b := &block{n: n, users: 1, done: make(chan struct{})}
	if len(o.blocks) >= blocksKept {
		if i := slices.IndexFunc(o.blocks, func(b *block) bool { return b.users == 0 }); i >= 0 {
			b.data = o.blocks[i].data // and its memory goes round
			o.blocks = slices.Delete(o.blocks, i, i+1)
		}
	}
	o.blocks = append(o.blocks, b)
	size := int(min(blockSize, o.size-n*blockSize))
	if cap(b.data) < size {
		b.data = make([]byte, size)
	}
	b.data = b.data[:size]
	o.fetching.Go(func() {
		b.err = o.fetch(b)
		close(b.done)
		o.release(b)
	})
	return b
}

// fetch fills a block. The SDK asks again where S3 doesn't answer; a body that
// breaks off is ours to mend.
func (o *object) fetch(b *block) error {
	got := 0
	for try := 0; ; try++ {
		n, broken, err := o.get(b.n*blockSize+int64(got), b.data[got:])
		got += n
		if !broken || try+1 == objectTries {
			return err
		}
		wait := 50 * time.Millisecond << try
		select {
		case <-o.ctx.Done():
			return o.ctx.Err()
		case <-time.After(wait/2 + rand.N(wait)):
		}
	}
}

// get reads len(p) bytes of the object by one request. broken says that its
// body had fewer, and n how many came.
func (o *object) get(from int64, p []byte) (n int, broken bool, err error) {
	ctx, cancel := context.WithTimeout(o.ctx, bodyTime)
	defer cancel()
	part := fmt.Sprintf("bytes=%d-%d", from, from+int64(len(p))-1)
	out, err := o.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &o.bucket, Key: &o.key, IfMatch: &o.tag, Range: &part}, func(so *s3.Options) {
		so.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired // S3 has none of a range
	})
	if err != nil {
		return 0, false, objectError(err)
	}
	defer out.Body.Close()
	if got, want := aws.ToString(out.ContentRange), fmt.Sprintf("bytes %d-%d/%d", from, from+int64(len(p))-1, o.size); got != want {
		return 0, false, fmt.Errorf("object: got %q, want %q", got, want)
	}
	n, err = io.ReadFull(out.Body, p)
	switch {
	case err == nil:
		return n, false, nil
	case o.ctx.Err() != nil:
		return n, false, o.ctx.Err()
	}
	return n, true, fmt.Errorf("object: a body broke off: %w", err)
}
