// Package web is how the HTTP doors speak. Handlers return errors, and errors
// become problem documents (RFC 9457) in the reader's language. It is the only
// place where an error meets a status, and the only place where a failed
// request is logged: once, by its route, never by its path, which may hold an
// invite's token.
package web

import (
	"encoding/json"
	"net/http"
	"path"
	"runtime/debug"
	"strings"

	"github.com/tributary-app/tributary/shared/network"
)

// Handler is an http.Handler that may fail. It must not write before it
// fails. If it panics, that is an internal error like any other.
type Handler func(http.ResponseWriter, *http.Request) error

func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &answer{ResponseWriter: w}
	head := a.Header()
	head.Set("Cache-Control", "no-store") // answers differ by who asks, and QR codes hold tokens
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	head.Set("Referrer-Policy", "no-referrer")
	defer func() {
		if p := recover(); p != nil {
			fail(a, r, &panicked{p, debug.Stack()})
		}
	}()
	if err := h(a, r); err != nil {
		fail(a, r, err)
	}
}

// answer knows whether it is too late for a problem document.
type answer struct {
	http.ResponseWriter
	begun bool
}

func (a *answer) WriteHeader(status int) {
	a.begun = true
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(b)
}

// Routes serves mux, and answers what mux doesn't know with a problem
// document: 404 not_found, 405 method_not_allowed with Allow.
func Routes(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern == "" {
			said := newRecorder()
			h.ServeHTTP(said, r)
			Handler(func(w http.ResponseWriter, _ *http.Request) error {
				if said.status != http.StatusMethodNotAllowed {
					return network.ErrNotFound
				}
				w.Header().Set("Allow", said.header.Get("Allow"))
				return errMethod
			}).ServeHTTP(w, r)
			return
		}
		clean := path.Clean(r.URL.Path)
		slashed := strings.HasSuffix(pattern, "/{$}") && r.URL.Path == clean+"/" // an address of its own
		if r.URL.Path != clean && !slashed {                                     // mux would redirect; an API has one address a thing
			Handler(func(http.ResponseWriter, *http.Request) error { return network.ErrNotFound }).ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// JSON answers with v.
func JSON(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(b)
	return nil
}

// List answers with one page. An empty cursor is null: there is no more. No
// items are [], never null.
func List[T any](w http.ResponseWriter, items []T, cursor string) error {
	page := struct {
		Items      []T     `json:"items"`
		NextCursor *string `json:"next_cursor"`
	}{Items: items}
	if items == nil {
		page.Items = []T{}
	}
	if cursor != "" {
		page.NextCursor = &cursor
	}
	return JSON(w, http.StatusOK, page)
}
