package objects

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Created is an object that a request has made.
type Created struct {
	Bucket, Key string
	Event       string // "ObjectCreated:Put", ":Post", ":Copy" or ":CompleteMultipartUpload"
	At          time.Time
	RequestID   string
	SourceIP    string
}

// Watch passes requests on to an S3 server and tells of every object that one of them created, once the server has said so.
// Buckets are in the path, as they are wherever the server has an address and no name.
func Watch(next http.RoundTripper, tell func(Created)) http.RoundTripper { return watch{next, tell} }

type watch struct {
	next http.RoundTripper
	tell func(Created)
}

func (w watch) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	if err != nil || resp.StatusCode < 200 || resp.StatusCode > 399 {
		return resp, err
	}
	if c, ok := created(r, resp); ok {
		c.At, c.RequestID = time.Now(), resp.Header.Get("X-Amz-Request-Id")
		c.SourceIP, _, _ = strings.Cut(r.Header.Get("X-Forwarded-For"), ",")
		w.tell(c)
	}
	return resp, err
}

// created says which object a request that succeeded has made, if any.
func created(r *http.Request, resp *http.Response) (Created, bool) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodPut && key != "" && !hasAny(q, "acl", "tagging", "retention", "legal-hold", "partNumber"):
		event := "ObjectCreated:Put"
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			event = "ObjectCreated:Copy"
		}
		return Created{Bucket: bucket, Key: key, Event: event}, true
	case r.Method == http.MethodPost && key != "" && q.Has("uploadId"):
		return Created{Bucket: bucket, Key: key, Event: "ObjectCreated:CompleteMultipartUpload"}, true
	case r.Method == http.MethodPost && key == "" && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data"):
		// The key is in the form; the answer has it in its Location, or in that of the page to go to next.
		location, err := url.Parse(resp.Header.Get("Location"))
		if err != nil {
			return Created{}, false
		}
		if resp.StatusCode == http.StatusSeeOther {
			key = location.Query().Get("key")
		} else {
			_, key, _ = strings.Cut(strings.TrimPrefix(location.Path, "/"), "/")
		}
		return Created{Bucket: bucket, Key: key, Event: "ObjectCreated:Post"}, key != ""
	}
	return Created{}, false
}

func hasAny(q url.Values, names ...string) bool {
	for _, n := range names {
		if q.Has(n) {
			return true
		}
	}
	return false
}
