package lambda

import (
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
)

// routes is the Runtime API, version 2018-06-01, of one instance.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (i *instance) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", i.getNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", i.postResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", i.postError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", i.postInitError)
	return mux
}

// getNext waits for an event. That it is asked means that the instance is done with the one before.
func (i *instance) getNext(w http.ResponseWriter, r *http.Request) {
	i.rest()
	var inv *invocation
	select {
	case inv = <-i.next:
	case <-r.Context().Done():
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", i.function.ARN)
	h.Set("Lambda-Runtime-Trace-Id", "Root=1-"+strconv.FormatInt(inv.deadline.Unix(), 16)+"-"+inv.id[:8]+inv.id[9:13]+inv.id[14:18]+inv.id[19:23]+inv.id[24:28]+";Sampled=0")
	_, _ = w.Write(inv.event) // a process that can't read it is dead, which serve sees
}

// invocation is the one that r answers, or nil after saying that there is none.
func (i *instance) invocation(w http.ResponseWriter, r *http.Request) *invocation {
	i.mu.Lock()
	inv := i.current
	i.mu.Unlock()
	if inv == nil || inv.id != r.PathValue("id") {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil
	}
	return inv
}

func (i *instance) postResponse(w http.ResponseWriter, r *http.Request) {
	inv := i.invocation(w, r)
	if inv == nil {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload+1))
	if err != nil {
		return // the process has died
	}
	if len(body) > MaxPayload {
		i.answer(inv, failure(inv.id, "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes)."))
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size")
		return
	}
	if r.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "" { // it failed after it had begun to answer
		said, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
		if err != nil {
			said = nil
		}
		i.answer(inv, Result{RequestID: inv.id, Payload: said, Failed: true})
	} else {
		i.answer(inv, Result{RequestID: inv.id, Payload: body})
	}
	accept(w)
}

func (i *instance) postError(w http.ResponseWriter, r *http.Request) {
	inv := i.invocation(w, r)
	if inv == nil {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload))
	if err != nil {
		return
	}
	i.answer(inv, Result{RequestID: inv.id, Payload: body, Failed: true})
	accept(w)
}

func (i *instance) postInitError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload))
	if err != nil {
		return
	}
	i.mu.Lock()
	i.failed = body
	i.mu.Unlock()
	accept(w)
}

// answer takes the first answer to inv; a runtime that answers twice is not heard again.
func (i *instance) answer(inv *invocation, r Result) {
	select {
	case inv.answer <- r:
	default:
	}
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, code int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, `{"errorType":"`+kind+`","errorMessage":"`+message+`"}`)
}
