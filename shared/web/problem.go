package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/tributary-app/tributary/shared/network"
)

// Problem is what a client gets to read of an error.
type Problem struct {
	Type     string  `json:"type"`               // urn:tributary:problem:<code>
	Title    string  `json:"title"`              // what is the matter
	Status   int     `json:"status"`             // as in the status line
	Detail   string  `json:"detail"`             // what to do next
	Code     string  `json:"code"`               // stable; what clients branch on
	Instance string  `json:"instance,omitempty"` // the request's id: quote it, and we find the log line
	Errors   []Fault `json:"errors,omitempty"`
}

// Fault is what is wrong with one field of the request.
type Fault struct {
	Field  string `json:"field,omitempty"` // left out when the body as a whole is meant
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// errMethod is the web's own: no rule of the domain knows methods.
var errMethod = &network.Error{Kind: network.Invalid, Code: "method_not_allowed"}

// statusOf is the one map from an error to a status.
func statusOf(kind network.Kind, code string) int {
	switch code { // the few whose kind doesn't say it all
	case "unauthenticated":
		return http.StatusUnauthorized
	case "method_not_allowed":
		return http.StatusMethodNotAllowed
	case "precondition_failed":
		return http.StatusPreconditionFailed
	case "too_large":
		return http.StatusRequestEntityTooLarge
	case "unsupported_media_type":
		return http.StatusUnsupportedMediaType
	case "idempotency_mismatch":
		return http.StatusUnprocessableEntity
	case "rate_limited":
		return http.StatusTooManyRequests
	}
	switch kind {
	case network.Invalid:
		return http.StatusBadRequest
	case network.Denied:
		return http.StatusForbidden
	case network.NotFound:
		return http.StatusNotFound
	case network.Conflict:
		return http.StatusConflict
	case network.Gone:
		return http.StatusGone
	case network.Busy:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Later is err with how long the caller is to wait before they try again.
func Later(err error, wait time.Duration) error { return &later{err, wait} }

type later struct {
	error
	wait time.Duration
}

func (l *later) Unwrap() error { return l.error }

func fail(w *answer, r *http.Request, err error) {
	e, known := errors.AsType[*network.Error](err)
	status := http.StatusInternalServerError
	if known {
		status = statusOf(e.Kind, e.Code)
	}
	if status == http.StatusInternalServerError { // internal text never leaves
		e = &network.Error{Kind: network.Internal, Code: "internal"}
	}
	report(r, status, e.Code, err)
	if w.begun {
		return // the reader has half an answer; the log has the rest
	}

	lang := Language(r)
	b, wrong := json.Marshal(problemOf(r, e, status))
	if wrong != nil {
		panic(wrong) // strings and ints: can't be
	}
	h := w.Header()
	h.Del("ETag") // what the handler said of the answer that it didn't give
	h.Del("Content-Disposition")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Language", string(lang))
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		wait := time.Second // a hot partition cools in about that
		if l, ok := errors.AsType[*later](err); ok {
			wait = l.wait
		}
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	w.WriteHeader(status)
	w.Write(b)
}

func problemOf(r *http.Request, e *network.Error, status int) Problem {
	lang := Language(r)
	t := textOf(e.Code, lang)
	p := Problem{Type: "urn:tributary:problem:" + e.Code, Title: t.title, Status: status, Detail: t.next, Code: e.Code}
	if lc, ok := lambdacontext.FromContext(r.Context()); ok {
		p.Instance = lc.AwsRequestID
	}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, Fault{f.Field, f.Code, fieldText(f, lang)})
	}
	return p
}

// ProblemOf is what an answer says of one of several things that were asked
// for: ok is whether a person may read of the error, else the whole request
// has failed.
func ProblemOf(r *http.Request, err error) (p Problem, ok bool) {
	e, ok := errors.AsType[*network.Error](err)
	if !ok || e.Kind == network.Internal || e.Kind == network.Busy {
		return Problem{}, false
	}
	return problemOf(r, e, statusOf(e.Kind, e.Code)), true
}

// report logs a failed request. Of an expected error only the code is
// written: its fields quote what the caller sent.
func report(r *http.Request, status int, code string, err error) {
	attrs := []slog.Attr{slog.String("route", r.Pattern), slog.Int("status", status), slog.String("code", code)}
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
		attrs = append(attrs, slog.String("err", err.Error()))
	}
	if p, ok := errors.AsType[*panicked](err); ok {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	slog.LogAttrs(r.Context(), level, "request failed", attrs...)
}

// panicked is a panic as an error. What was thrown is told only when it is
// the runtime's own words; anything else might quote the request.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string {
	if e, ok := p.value.(runtime.Error); ok {
		return "panic: " + e.Error()
	}
	return fmt.Sprintf("panic: a %T", p.value)
}
