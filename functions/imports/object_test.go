package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/roster"
	"github.com/tributary-app/tributary/shared/roster/form"
)

const objectKey = "rosters/x"

// noise is n bytes, none of which tells of another.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// opened is an object of the bucket, which counts its requests from then on.
func opened(t *testing.T, b *bucket, body []byte) *object {
	t.Helper()
	o, err := openObject(t.Context(), b.client, bucketID, objectKey, b.put(objectKey, body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.close)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n = 0
	return o
}

// requests is how many the bucket has had, once none is under way.
func (b *bucket) requests(o *object) int {
	o.fetching.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

// whole reads an object as a reader of workbooks does: its end, then through it
// in small steps.
func whole(o *object) ([]byte, error) {
	end := make([]byte, min(1<<16, o.size))
	if _, err := o.ReadAt(end, o.size-int64(len(end))); err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(o, 0, o.size))
}

func TestAnObjectIsReadWholeInAFewRequests(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 1000, blockSize - 1, blockSize, blockSize + 1, 10_000_000, 3*blocksKept*blockSize + 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			b := newBucket(t)
			body := noise(size)
			o := opened(t, b, body)
			got, err := whole(o)
			if err != nil || !bytes.Equal(got, body) {
				t.Fatalf("got %d bytes and %v, want the object's %d", len(got), err, size)
			}
			// Each block once, and the end of a large one twice.
			if n, most := b.requests(o), (size+blockSize-1)/blockSize+2; n > most {
				t.Errorf("got %d requests, want at most %d", n, most)
			}
			if len(o.blocks) > blocksKept {
				t.Errorf("%d blocks are kept, want at most %d", len(o.blocks), blocksKept)
			}
		})
	}
}

func TestAnObjectIsReadAnywhereByMany(t *testing.T) {
	t.Parallel()
	body := noise(7*blockSize + 123)
	o := opened(t, newBucket(t), body)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			chance := rand.New(rand.NewPCG(1, uint64(i)))
			for range 40 {
				at, n := chance.IntN(len(body)), chance.IntN(3*blockSize)
				p := make([]byte, n)
				got, err := o.ReadAt(p, int64(at))
				want := body[at:min(len(body), at+n)]
				if !bytes.Equal(p[:got], want) || (err == io.EOF) != (len(want) < n) || err != nil && err != io.EOF {
					t.Errorf("%d bytes at %d: got %d and %v", n, at, got, err)
				}
			}
		})
	}
	wg.Wait()
	for _, off := range []int64{o.size, o.size + 5} {
		if n, err := o.ReadAt(make([]byte, 1), off); n != 0 || err != io.EOF {
			t.Errorf("at %d: got %d and %v, want the end", off, n, err)
		}
	}
	if _, err := o.ReadAt(make([]byte, 1), -1); err == nil || err == io.EOF {
		t.Errorf("before the start: got %v, want an error", err)
	}
}

func TestABodyThatBreaksOffIsReadOnFromThere(t *testing.T) {
	t.Parallel()
	body := noise(4*blockSize + 99)
	for n := range 5 {
		t.Run(fmt.Sprintf("block %d", n), func(t *testing.T) {
			t.Parallel()
			b := newBucket(t)
			o := opened(t, b, body)
			var broken []string
			b.fault = func(r *http.Request, _ int) objectFault {
				part, from := r.Header.Get("Range"), 0
				if _, err := fmt.Sscanf(part, "bytes=%d-", &from); err != nil {
					t.Errorf("got range %q", part)
				}
				if from/blockSize == n && len(broken) < 2 {
					broken = append(broken, part)
					return cut
				}
				return none
			}
			got, err := whole(o)
			if err != nil || !bytes.Equal(got, body) {
				t.Fatalf("got %d bytes and %v, want all", len(got), err)
			}
			// Each block once; of the broken one the first half came, then half
			// of the rest, then that.
			if requests := b.requests(o); len(broken) != 2 || broken[0] == broken[1] || requests != 5+2 {
				t.Errorf("got %d requests, and broken ones for %v; want 7, and two that differ", requests, broken)
			}
		})
	}
}

func TestABodyThatNeverComesIsNotTheFilesFault(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	o := opened(t, b, noise(10))
	b.fault = func(*http.Request, int) objectFault { return silent }
	_, err := o.ReadAt(make([]byte, 10), 0)
	if _, bad := errors.AsType[*roster.FileError](err); err == nil || bad {
		t.Errorf("got %v, want an error that isn't the file's", err)
	}
	if n := b.requests(o); n != objectTries {
		t.Errorf("got %d requests, want %d", n, objectTries)
	}
}

func TestAnObjectThatIsReplacedWhileItIsReadIsNoMixture(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*bucket){
		"replaced": func(b *bucket) { b.put(objectKey, noise(20 * blockSize)[1:]) },
		"deleted": func(b *bucket) {
			b.mu.Lock()
			defer b.mu.Unlock()
			clear(b.objects)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBucket(t)
			o := opened(t, b, noise(20*blockSize))
			if _, err := o.ReadAt(make([]byte, 3*blockSize), 0); err != nil {
				t.Fatal(err)
			}
			lose(b)
			_, err := io.Copy(io.Discard, io.NewSectionReader(o, 0, o.size))
			if e, ok := errors.AsType[*roster.FileError](err); !ok || e.Code != form.Replaced {
				t.Errorf("got %v, want replaced", err)
			}
			if n := b.requests(o); n > 6 {
				t.Errorf("got %d requests, want it not to be asked for again", n)
			}
		})
	}
}

func TestAnObjectThatCannotBeTakenIsNotOpened(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	etag := b.put(objectKey, []byte("x"))
	b.objects["large"] = stored{"large", make([]byte, form.MaxFile+1)}
	b.objects["most"] = stored{"most", make([]byte, form.MaxFile)}
	for _, c := range []struct{ key, etag, code string }{
		{objectKey, etag, ""}, {"most", "most", ""}, {objectKey, "another", form.Replaced}, {"gone", etag, form.Replaced}, {"large", "large", form.TooLarge},
	} {
		o, err := openObject(t.Context(), b.client, bucketID, c.key, c.etag)
		if e, ok := errors.AsType[*roster.FileError](err); (err == nil) != (c.code == "") || ok && e.Code != c.code {
			t.Errorf("%s %s: got %v, want %q", c.key, c.etag, err, c.code)
		}
		if err == nil {
			o.close()
		}
	}
	b.fault = func(*http.Request, int) objectFault { return unavailable }
	_, err := openObject(t.Context(), b.client, bucketID, objectKey, etag)
	if _, bad := errors.AsType[*roster.FileError](err); err == nil || bad {
		t.Errorf("got %v, want an error that isn't the file's", err)
	}
}

func TestAnAnswerThatIsNotTheRangeAskedForIsNotTaken(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	o := opened(t, b, noise(3*blockSize))
	b.fault = func(r *http.Request, _ int) objectFault {
		r.Header.Del("Range") // and all of the object comes
		return none
	}
	if _, err := o.ReadAt(make([]byte, 10), blockSize); err == nil {
		t.Error("got no error, want one")
	}
}

func TestAReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	ctx, cancel := context.WithCancel(t.Context())
	o, err := openObject(ctx, b.client, bucketID, objectKey, b.put(objectKey, noise(3*blockSize)))
	if err != nil {
		t.Fatal(err)
	}
	b.fault = func(*http.Request, int) objectFault {
		cancel()
		return cut
	}
	begun := time.Now()
	if _, err := o.ReadAt(make([]byte, 10), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's end", err)
	}
	o.close()
	if time.Since(begun) > time.Second {
		t.Errorf("it took %v, want it to end at once", time.Since(begun))
	}
}
