package main

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// request is what a person says as they join: under which corp, and what
// they are called.
type request struct {
	CorpID  *string `json:"corp_id"`
	NewCorp *struct {
		Name     string `json:"name"`
		Industry string `json:"industry"`
	} `json:"new_corp"`
	Name *string `json:"name"`
}

// membershipJSON is a person's place in a chain.
type membershipJSON struct {
	MembershipID string    `json:"membership_id"`
	ChainID      string    `json:"chain_id"`
	PartnerID    string    `json:"partner_id"`
	CorpID       string    `json:"corp_id"`
	PersonID     string    `json:"person_id"`
	GroupID      int       `json:"group_id"`
	Identity     string    `json:"identity"`
	NameMismatch bool      `json:"name_mismatch"` // the roster calls the corp otherwise (R23)
	JoinedAt     time.Time `json:"joined_at"`
}

// applicationJSON is what who has to be accepted gets in place of a membership
// (R20), and reads of it later: an admin's words too.
type applicationJSON struct {
	ApplicationID string                   `json:"application_id"`
	State         network.ApplicationState `json:"state"`
	CorpName      string                   `json:"corp_name"`
	Reason        string                   `json:"reason"`
	AppliedAt     time.Time                `json:"applied_at"`
	DecidedAt     *time.Time               `json:"decided_at"`
}

func showApplication(a network.Application) applicationJSON {
	out := applicationJSON{a.ID, a.State, a.CorpName, a.Reason, a.CreatedAt, nil}
	if !a.DecidedAt.IsZero() {
		out.DecidedAt = &a.DecidedAt
	}
	return out
}

// application is what has become of the caller's newest application to the
// token's chain, whatever has become of the token.
func (j *joins) application(w http.ResponseWriter, r *http.Request) error {
	ticket, p, err := j.holder(r)
	if err != nil {
		return err
	}
	a, err := j.store.MyApplication(r.Context(), ticket.Chain, p.ID)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, showApplication(a))
}

// join lets the caller in: 201, or 200 with the first membership if they are
// in already (R15); or 202 with the application that an admin is to decide.
// Everything is judged by the store's one write.
func (j *joins) join(w http.ResponseWriter, r *http.Request) error {
	ticket, p, err := j.holder(r)
	if err != nil {
		return err
	}
	var req request
	if err := web.Read(r, &req); err != nil {
		return err
	}
	now := j.now()
	choice, err := req.choice(now)
	name, wrong := req.name(p.Name)
	if err := network.All(err, wrong); err != nil {
		return err
	}
	p.Name = name
	a, err := j.store.Join(r.Context(), ticket, p, choice, now)
	if err != nil {
		return req.asWritten(err)
	}
	if a.Application != nil {
		return web.JSON(w, http.StatusAccepted, showApplication(*a.Application))
	}
	status := http.StatusCreated
	if a.Repeat {
		status = http.StatusOK
	}
	return web.JSON(w, status, membershipJSON{
		MembershipID: a.Contact.MembershipID(), ChainID: a.Contact.Chain, PartnerID: a.Partner.ID, CorpID: a.Corp.ID, PersonID: a.Contact.Person,
		GroupID: a.Partner.Group, Identity: a.Contact.Identity(), NameMismatch: a.NameMismatch(), JoinedAt: a.Contact.JoinedAt,
	})
}

// choice is the corp that the person joins under (R02): one of theirs, or one
// that they make. Whether it may join is the join's to judge (R04).
func (q request) choice(now time.Time) (store.Choice, error) {
	switch {
	case q.CorpID == nil && q.NewCorp == nil:
		return store.Choice{}, network.InvalidField("corp_id", "missing", "give corp_id, a corp of yours, or new_corp")
	case q.CorpID != nil && q.NewCorp != nil:
		return store.Choice{}, network.InvalidField("new_corp", "not_allowed", "give corp_id or new_corp, not both")
	case q.CorpID != nil:
		return store.Choice{Corp: *q.CorpID}, nil
	}
	corp, err := network.NewCorp("", web.Tidy(q.NewCorp.Name), network.Industry(web.Tidy(q.NewCorp.Industry)), "", now.Truncate(time.Millisecond))
	return store.Choice{New: &corp}, within("new_corp", err)
}

// name is what the person is called: as they type it, else as they sign in.
// "" leaves it to the roster.
func (q request) name(claimed string) (string, error) {
	if q.Name != nil {
		name := web.Tidy(*q.Name)
		return name, network.CheckPersonName("name", name)
	}
	// What an identity provider lets somebody be called is no fault of this
	// request: what can't be shown is as good as none.
	name := web.Tidy(claimed)
	if network.CheckPersonName("name", name) != nil {
		return "", nil
	}
	return name, nil
}

// asWritten names the corp that a refusal is about by the field that it was given in.
func (q request) asWritten(err error) error {
	e, ok := errors.AsType[*network.Error](err)
	if !ok || q.NewCorp == nil || len(e.Fields) == 0 {
		return err
	}
	out := &network.Error{Kind: e.Kind, Code: e.Code, Fields: slices.Clone(e.Fields)}
	for i, f := range out.Fields {
		switch {
		case f.Field != "corp_id":
		case e.Code == network.ErrCorpNotEligible.Code:
			out.Fields[i].Field = "new_corp.industry" // what makes it so
		default:
			out.Fields[i].Field = "new_corp"
		}
	}
	return out
}

// within says where in the request the fields of an error stand.
func within(member string, err error) error {
	e, ok := errors.AsType[*network.Error](err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	out := &network.Error{Kind: e.Kind, Code: e.Code}
	for _, f := range e.Fields {
		f.Field = member + "." + f.Field
		out.Fields = append(out.Fields, f)
	}
	return out
}
