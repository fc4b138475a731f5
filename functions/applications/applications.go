package main

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// decisions is the door of what a chain's admins have to decide.
type decisions struct {
	store *store.Store
	key   network.PersonKey
	now   func() time.Time
}

func (d *decisions) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/chains/{chain_id}/applications", web.Handler(d.list))
	mux.Handle("POST /v1/chains/{chain_id}/applications/decide", web.Handler(d.decide))
	mux.Handle("GET /v1/chains/{chain_id}/conflicts", web.Handler(d.conflicts))
	mux.Handle("POST /v1/chains/{chain_id}/conflicts/{conflict_id}/resolve", web.Handler(d.resolve))
	return web.Routes(mux)
}

// admin is an admin of the chain of the path, else ErrDenied.
func (d *decisions) admin(r *http.Request) (network.Actor, error) {
	a, err := caller.Actor(r, d.store, d.key)
	if err == nil {
		err = a.MustAdmin()
	}
	return a, err
}

// applicationJSON is a person who wants to join.
type applicationJSON struct {
	ApplicationID string                   `json:"application_id"`
	PersonID      string                   `json:"person_id"`
	Name          string                   `json:"name"`
	Phone         string                   `json:"phone"`
	CorpID        *string                  `json:"corp_id"` // null: to be made as they are accepted
	CorpName      string                   `json:"corp_name"`
	PartnerID     string                   `json:"partner_id"`
	GroupID       int                      `json:"group_id"`
	InviteID      *string                  `json:"invite_id"` // null: they came by a notice
	State         network.ApplicationState `json:"state"`
	Reason        string                   `json:"reason"`
	AppliedAt     time.Time                `json:"applied_at"`
	DecidedAt     *time.Time               `json:"decided_at"`
	DecidedBy     *string                  `json:"decided_by"` // null: nobody had to, the policy changed
}

func showApplication(c network.Chain, a network.Application) applicationJSON {
	return applicationJSON{
		a.ID, a.Person, a.Name, a.Phone, orNull(a.Corp), a.CorpName, a.Partner, c.Landing(a.Group), orNull(a.Invite),
		a.State, a.Reason, a.CreatedAt, momentOrNull(a.DecidedAt), orNull(a.Decider),
	}
}

// list lists applications, those that wait first.
func (d *decisions) list(w http.ResponseWriter, r *http.Request) error {
	a, err := d.admin(r)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "state", "limit", "cursor")
	if err != nil {
		return err
	}
	limit, err := q.Limit()
	if err != nil {
		return err
	}
	state, err := q.OneOf("state", string(network.ApplicationWaiting), string(network.ApplicationAccepted), string(network.ApplicationDeclined))
	if err != nil {
		return err
	}
	page, next, err := d.store.Applications(r.Context(), a.Chain.ID, network.ApplicationState(state), q.Cursor(), limit)
	if err != nil {
		return err
	}
	var items []applicationJSON
	for _, p := range page {
		items = append(items, showApplication(a.Chain, p))
	}
	return web.List(w, items, next)
}

// decision is what an admin says of applications.
type decision struct {
	ApplicationIDs []string `json:"application_ids"`
	Decision       string   `json:"decision"`
	Alias          *string  `json:"alias"`
	GroupID        *int     `json:"group_id"`
	Reason         *string  `json:"reason"`
}

func (q decision) check() (store.Decision, error) {
	var d store.Decision
	var wrong []error
	d.Accept = q.Decision == "accept"
	declines := q.Decision == "decline"
	if !d.Accept && !declines {
		wrong = append(wrong, network.InvalidField("decision", "not_allowed", "decision is accept or decline"))
	}
	if n := len(q.ApplicationIDs); n < 1 || n > network.MaxDecisions {
		wrong = append(wrong, network.InvalidField("application_ids", "out_of_range", "application_ids are 1 to 100"))
	}
	if q.Alias != nil {
		if d.Alias = web.Tidy(*q.Alias); declines {
			wrong = append(wrong, network.InvalidField("alias", "not_allowed", "alias is for who is accepted"))
		} else {
			wrong = append(wrong, (network.PartnerEdit{Alias: &d.Alias}).Check())
		}
	}
	if q.GroupID != nil && declines {
		wrong = append(wrong, network.InvalidField("group_id", "not_allowed", "group_id is for who is accepted"))
	}
	if q.Reason != nil {
		d.Reason = web.Tidy(*q.Reason)
		wrong = append(wrong, network.CheckReason("reason", d.Reason))
	}
	if q.GroupID != nil { // after what the request itself lacks
		if d.Group = *q.GroupID; d.Group < network.RootGroup {
			wrong = append(wrong, network.ErrGroupNotFound)
		}
	}
	return d, network.All(wrong...)
}

// decidedJSON is what has become of one application: decided, or why not.
type decidedJSON struct {
	ApplicationID string           `json:"application_id"`
	Application   *applicationJSON `json:"application"`
	Problem       *web.Problem     `json:"problem"`
}

// deciders is how many applications are read and judged at a time. They are
// written one after the other, since each is in the audit list: with a table that
// takes 30 ms a request, a hundred are done in some six seconds of the door's ten.
const deciders = 8

// decide accepts or declines, each application by itself: one that can't be
// says why, and keeps none of the others. Where only one is named its error is
// the answer.
func (d *decisions) decide(w http.ResponseWriter, r *http.Request) error {
	a, err := d.admin(r)
	if err != nil {
		return err
	}
	var req decision
	if err := web.Read(r, &req); err != nil {
		return err
	}
	word, err := req.check()
	if err != nil {
		return err
	}
	word.By = a.Person.ID
	now := d.now()
	by := d.store.By(a, now)
	ids := slices.Compact(slices.Sorted(slices.Values(req.ApplicationIDs)))
	out, errs := make([]decidedJSON, len(ids)), make([]error, len(ids))
	var wg sync.WaitGroup
	slots := make(chan struct{}, deciders)
	for i, id := range ids {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = batch.Guard(func() error {
				p, err := by.Decide(r.Context(), a.Chain.ID, id, word, now)
				if err != nil {
					return err
				}
				shown := showApplication(a.Chain, p)
				out[i] = decidedJSON{ApplicationID: id, Application: &shown}
				return nil
			})
		})
	}
	wg.Wait()
	if len(ids) == 1 && errs[0] != nil {
		return errs[0]
	}
	for i, err := range errs {
		if err == nil {
			continue
		}
		p, ok := web.ProblemOf(r, err)
		if !ok { // ours; made again, the call finds the others decided
			return errors.Join(errs...)
		}
		out[i] = decidedJSON{ApplicationID: ids[i], Problem: &p}
	}
	return web.List(w, out, "")
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func momentOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
