// Package control is the local stack's own doors, which are never deployed: tokens for anybody, the notices that were delivered, the
// schedules, the clock, and faults on demand. It is also the gateway that notices are delivered to.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tributary-app/tributary/infra/local/faults"
	"github.com/tributary-app/tributary/infra/local/issuer"
)

// Doors is what the doors open to.
type Doors struct {
	Issuer  *issuer.Issuer
	Outbox  *Outbox
	Weather *faults.Weather
	// Clock sets how far the functions' clock runs ahead.
	Clock func(offset time.Duration)
	// Fire runs a schedule by its name and says how that went; ErrNoSchedule when there is none.
	Fire func(ctx context.Context, name string) (state string, err error)
	// Queues counts what is in the queues.
	Queues func(ctx context.Context) ([]Queue, error)
}

// ErrNoSchedule says that the template has no schedule of that name.
var ErrNoSchedule = errors.New("control: no such schedule")

// Queue is how full a queue is.
type Queue struct {
	Name        string `json:"name"` // logical id
	Depth       int    `json:"depth"`
	InFlight    int    `json:"in_flight"`
	DeadLetters int    `json:"dead_letters"` // of its queue of dead letters; 0 where it has none
}

// Handler serves the doors.
func (d *Doors) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tokens", d.postTokens)
	mux.HandleFunc("GET /outbox", d.getOutbox)
	mux.HandleFunc("POST /schedules/{name}", d.postSchedule)
	mux.HandleFunc("PUT /faults", d.putFaults)
	mux.HandleFunc("PUT /clock", d.putClock)
	mux.HandleFunc("GET /queues", d.getQueues)
	mux.Handle("POST /notices", d.Outbox)
	return mux
}

// postTokens signs a person in.
func (d *Doors) postTokens(w http.ResponseWriter, r *http.Request) {
	in := struct {
		Phone     string `json:"phone"`
		Name      string `json:"name"`
		Verified  bool   `json:"verified"`
		ExpiresIn int    `json:"expires_in"` // seconds; less than nothing for a token that has expired
	}{Verified: true}
	if !read(w, r, &in) {
		return
	}
	id, access, err := d.Issuer.Tokens(r.Context(), issuer.Person{Phone: in.Phone, Name: in.Name, Verified: in.Verified},
		time.Duration(in.ExpiresIn)*time.Second)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	write(w, map[string]string{"id_token": id, "access_token": access})
}

// getOutbox lists what was delivered, to one phone or to all.
func (d *Doors) getOutbox(w http.ResponseWriter, r *http.Request) {
	write(w, list(d.Outbox.To(r.URL.Query().Get("phone"))))
}

// postSchedule fires a schedule and waits for it to run.
func (d *Doors) postSchedule(w http.ResponseWriter, r *http.Request) {
	state, err := d.Fire(r.Context(), r.PathValue("name"))
	switch {
	case errors.Is(err, ErrNoSchedule):
		fail(w, http.StatusNotFound, err)
	case err != nil:
		fail(w, http.StatusInternalServerError, err)
	default:
		write(w, map[string]string{"name": r.PathValue("name"), "state": state})
	}
}

func (d *Doors) putFaults(w http.ResponseWriter, r *http.Request) {
	f, err := faults.Read(http.MaxBytesReader(w, r.Body, 1<<16))
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	d.Weather.Set(f)
	write(w, f)
}

func (d *Doors) putClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		OffsetSeconds int64 `json:"offset_seconds"`
	}
	if !read(w, r, &in) {
		return
	}
	offset := time.Duration(in.OffsetSeconds) * time.Second
	d.Outbox.SetClock(offset)
	d.Clock(offset)
	write(w, in)
}

func (d *Doors) getQueues(w http.ResponseWriter, r *http.Request) {
	queues, err := d.Queues(r.Context())
	if err != nil {
		fail(w, http.StatusBadGateway, err)
		return
	}
	write(w, list(queues))
}

// list is how every list of the API is written (api.md); these are short enough for one page.
func list[T any](items []T) any {
	if items == nil {
		items = []T{}
	}
	return map[string]any{"items": items, "next_cursor": nil}
}

func read(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		fail(w, http.StatusBadRequest, fmt.Errorf("control: %w", err))
		return false
	}
	return true
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

func fail(w http.ResponseWriter, code int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": err.Error()})
}
