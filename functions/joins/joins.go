package main

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// joins is the door that whoever holds an invite's token stands before.
type joins struct {
	store  *store.Store
	person network.PersonKey
	tokens network.TokenKeys
	now    func() time.Time

	guesses web.Guesses
}

func (j *joins) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/join/{token}", web.Handler(j.look))
	mux.Handle("POST /v1/join/{token}", web.Handler(j.join))
	mux.Handle("GET /v1/join/{token}/me", web.Handler(j.standing))
	mux.Handle("GET /v1/join/{token}/application", web.Handler(j.application))
	mux.Handle("POST /v1/join/{token}/opened", web.Handler(j.reply(j.store.Opened)))
	mux.Handle("POST /v1/join/{token}/decline", web.Handler(j.reply(j.store.Decline)))
	mux.Handle("POST /v1/join/{token}/block", web.Handler(j.reply(j.store.Block)))
	mux.Handle("DELETE /v1/chains/{chain_id}/membership", web.Handler(j.leave))
	return web.Routes(mux)
}

// ticket is what the path's token says. A token that we haven't signed is
// turned away before anything is looked up; who sends too many hears 429.
func (j *joins) ticket(r *http.Request) (network.Ticket, error) {
	token := network.Token(r.PathValue("token"))
	ticket, err := j.tokens.Verify(token)
	if err != nil {
		err = j.guesses.Miss(r, token, j.now())
	}
	return ticket, err
}

// lookJSON is all that somebody without a sign-in reads of an invite.
type lookJSON struct {
	Chain      lookChain           `json:"chain"`
	Inviter    nameJSON            `json:"inviter"`
	Group      *nameJSON           `json:"group,omitempty"` // left out: the root
	JoinPolicy network.JoinPolicy  `json:"join_policy"`
	ExpiresAt  time.Time           `json:"expires_at"`
	State      network.InviteState `json:"state"`
	Note       string              `json:"note,omitempty"` // what the inviter has to say
}

// holder is who asks about an invite, and the ticket that they hold.
func (j *joins) holder(r *http.Request) (network.Ticket, network.Person, error) {
	p, err := web.Person(r, j.person)
	if err != nil {
		return network.Ticket{}, p, err
	}
	ticket, err := j.ticket(r)
	return ticket, p, err
}

type lookChain struct {
	Name  string `json:"name"`
	Owner string `json:"owner"`
}

type nameJSON struct {
	Name string `json:"name"`
}

// look changes nothing, whoever looks and however often (R13). Of a notice it
// doesn't say whose it is: a link gets passed on.
func (j *joins) look(w http.ResponseWriter, r *http.Request) error {
	ticket, err := j.ticket(r)
	if err != nil {
		return err
	}
	l, err := j.store.Look(r.Context(), ticket, j.now())
	if err != nil {
		return err
	}
	if l.Err != nil {
		return l.Err // R14: before anything is typed
	}
	out := lookJSON{
		Chain:      lookChain{l.Chain.Name, l.Chain.OwnerName},
		Inviter:    nameJSON{cmp.Or(l.Invite.MakerName, l.Chain.OwnerName)}, // the corp itself, for a notice
		JoinPolicy: l.Chain.Policy(),
		ExpiresAt:  l.ExpiresAt,
		State:      network.InviteLive,
		Note:       l.Invite.Note,
	}
	if l.Group != "" {
		out.Group = &nameJSON{l.Group}
	}
	return web.JSON(w, http.StatusOK, out)
}

// reply is what the recipient of an invite answers besides joining: that they
// have seen it, say no, or want no more of the chain. Each counts once.
func (j *joins) reply(note func(context.Context, network.Ticket, network.Person, time.Time) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ticket, p, err := j.holder(r)
		if err != nil {
			return err
		}
		if err := note(r.Context(), ticket, p, j.now()); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

// leave ends the membership that the caller has under the acting corp, and the
// live invites that they made here for it (R09): those that are there before,
// so that a request that breaks off leaves none, and those that were made
// meanwhile after. The owner's people have no membership.
func (j *joins) leave(w http.ResponseWriter, r *http.Request) error {
	a, err := caller.Actor(r, j.store, j.person)
	if err != nil {
		return err
	}
	if a.Contact == nil {
		return network.ErrNotFound
	}
	silence := func() error {
		theirs := func(i network.Invite) bool { return i.Maker == a.Person.ID && i.MakerCorp == a.Corp.ID }
		return j.store.RevokeInvites(r.Context(), a.Chain.ID, theirs, j.now())
	}
	if err := silence(); err != nil {
		return err
	}
	if err := j.store.Leave(r.Context(), a.Chain.ID, a.Contact.Partner, a.Person.ID, j.now()); err != nil {
		return err
	}
	if err := silence(); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
