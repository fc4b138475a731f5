package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Proxy stands between the functions and a service: what it isn't told to break, it passes on unchanged.
type Proxy struct {
	forward *httputil.ReverseProxy
	wire    func() Wire
	refuse  func(http.ResponseWriter)
}

// NewProxy makes a proxy for the service at target. The host of the request stays as the client wrote it, since signatures
// cover it. transport may be nil; wire is asked for each request.
func NewProxy(target *url.URL, transport http.RoundTripper, wire func() Wire, refuse func(http.ResponseWriter)) *Proxy {
	if transport == nil {
		transport = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	}
	return &Proxy{
		forward: &httputil.ReverseProxy{
			Transport: transport,
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.Out.Host = r.In.Host
				r.Out.Header.Del("Expect") // answered here
			},
			BufferPool: &buffers{},
			ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
				panic(http.ErrAbortHandler) // the service is gone: the client sees its connection end
			},
		},
		wire: wire, refuse: refuse,
	}
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	wire := p.wire()
	if wire.DelayMS > 0 {
		select {
		case <-time.After(time.Duration(wire.DelayMS) * time.Millisecond):
		case <-r.Context().Done():
		}
	}
	switch {
	case Happens(wire.Throttle):
		_, _ = io.Copy(io.Discard, r.Body) // so that the client hears the answer
		p.refuse(w)
	case Happens(wire.LostAnswer):
		// The client may hang up; the request must take effect all the same.
		p.forward.ServeHTTP(nowhere{http.Header{}}, r.WithContext(context.WithoutCancel(r.Context())))
		panic(http.ErrAbortHandler)
	default:
		p.forward.ServeHTTP(w, r)
	}
}

// buffers are what answers are copied through.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

// nowhere is where a lost answer goes.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

// ThrottleDynamoDB answers as DynamoDB does when a table or an account has too much to do, checksum included.
func ThrottleDynamoDB(w http.ResponseWriter) {
	kind := "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
	if rand.IntN(2) == 0 {
		kind = "com.amazon.coral.availability#ThrottlingException"
	}
	refuseJSON(w, kind)
}

// ThrottleSQS answers as SQS does when it has too much to do.
func ThrottleSQS(w http.ResponseWriter) { refuseJSON(w, "com.amazonaws.sqs#RequestThrottled") }

func refuseJSON(w http.ResponseWriter, kind string) {
	body, err := json.Marshal(map[string]string{"__type": kind, "message": "Rate exceeded."})
	if err != nil {
		panic(err) // two strings
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body)
}

// ThrottleS3 answers as S3 does when it has too much to do.
func ThrottleS3(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`)
}

// Checksummed adds the checksum that DynamoDB sends and the SDK misses with a warning, where a server leaves it out.
func Checksummed(next http.RoundTripper) http.RoundTripper { return checksummed{next} }

type checksummed struct{ next http.RoundTripper }

func (c checksummed) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil || resp.Header.Get("X-Amz-Crc32") != "" {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Header.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}
