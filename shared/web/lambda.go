package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// Start serves h to API Gateway. It returns only when there is no Lambda
// around it: without the gateway nobody has checked who is asking.
func Start(h http.Handler) error {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		return errors.New("not in Lambda: AWS_LAMBDA_RUNTIME_API is not set")
	}
	lambda.Start(Lambda(h))
	return nil
}

// Lambda adapts h to an HTTP API's payload format 2.0.
func Lambda(h http.Handler) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		w := newRecorder()
		h.ServeHTTP(w, request(ctx, e))
		return response(w, e.RequestContext.HTTP.Method == http.MethodHead), nil
	}
}

func request(ctx context.Context, e events.APIGatewayV2HTTPRequest) *http.Request {
	// Made by hand, not parsed: "//host/x" is a path here, and a "%" that
	// the gateway has already decoded is no error.
	u := &url.URL{Path: e.RawPath, RawQuery: e.RawQueryString}
	if p, err := url.PathUnescape(e.RawPath); err == nil {
		u.Path, u.RawPath = p, e.RawPath
	}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path, u.RawPath = "/"+u.Path, ""
	}
	body := strings.NewReader(e.Body)
	r := &http.Request{
		Method: e.RequestContext.HTTP.Method, URL: u, Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Host: e.RequestContext.DomainName, RemoteAddr: e.RequestContext.HTTP.SourceIP, RequestURI: u.RequestURI(),
		Body: io.NopCloser(body), ContentLength: int64(body.Len()),
	}
	if e.IsBase64Encoded {
		r.Body = io.NopCloser(base64.NewDecoder(base64.StdEncoding, body))
		r.ContentLength = -1 // an upper bound is known, the length is not
	}
	for k, v := range e.Headers {
		r.Header.Set(k, v) // the gateway has joined repeated ones by commas
	}
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	if a := e.RequestContext.Authorizer; a != nil && a.JWT != nil {
		ctx = WithClaims(ctx, claims(a.JWT.Claims))
	}
	return r.WithContext(ctx)
}

// recorder is an http.ResponseWriter that keeps what it is told.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

func response(w *recorder, head bool) events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	out := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: map[string]string{}, Cookies: w.header.Values("Set-Cookie")}
	for k, v := range w.header {
		if k != "Set-Cookie" {
			out.Headers[k] = strings.Join(v, ",")
		}
	}
	switch b := w.body.Bytes(); {
	case head:
	case utf8.Valid(b):
		out.Body = string(b)
	default:
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(b), true // a QR code's PNG
	}
	return out
}
