package main

import (
	"context"
	"errors"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/notice"
)

// errLater says that a message is to come again: what it has to tell waits for
// its time.
var errLater = errors.New("somebody was told a moment ago: later")

// callEvery is how often an admin is told of a chain's applications at most.
const callEvery = 10 * time.Minute

// counted is how many waiting applications a notice counts; beyond it there are
// more than that.
const counted = 100

// applied tells the chain's admins that applications wait, and how many. Who
// was told less than ten minutes ago isn't told again: the message comes back
// until then, or until somebody else's application has told them of this one,
// too. The queue gives it back four times in six minutes each.
func (n *notices) applied(ctx context.Context, e network.Event, last bool) error {
	a, err := n.store.Application(ctx, e.Chain, e.Application)
	if errors.Is(err, network.ErrNotFound) {
		return nil // who it was about has been erased
	}
	if err != nil {
		return err
	}
	c, err := n.store.Chain(ctx, e.Chain)
	if err != nil {
		return err
	}
	if a.State != network.ApplicationWaiting || c.Dissolved() {
		return nil // nobody has anything to do
	}
	admins, err := n.store.ChainAdmins(ctx, c)
	if err != nil {
		return err
	}
	var failed error
	for _, m := range admins {
		call, err := n.store.Call(ctx, m.Person, c.ID, e.ID, a.CreatedAt, n.now(), callEvery)
		if errors.Is(err, network.ErrBusy) && !last {
			failed = errors.Join(failed, errLater)
			continue
		}
		if err == nil && call != "" {
			err = n.call(ctx, c, m, call, e.ID)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// call tells one admin how many applications wait.
func (n *notices) call(ctx context.Context, c network.Chain, m network.Member, call, event string) error {
	some, more, err := n.store.Applications(ctx, c.ID, network.ApplicationWaiting, "", counted)
	if err != nil {
		return err
	}
	// The list may be a moment behind; one there is.
	say := notice.Waiting(notice.Chinese, c.Name, max(1, len(some)), more != "")
	if err := n.tell(ctx, say, to{m.Person, m.Phone, true}, c.ID, call); err != nil {
		return err
	}
	return n.store.Called(ctx, m.Person, c.ID, event)
}

// decided tells an applicant what has become of their application.
func (n *notices) decided(ctx context.Context, e network.Event) error {
	a, err := n.store.Application(ctx, e.Chain, e.Application)
	if errors.Is(err, network.ErrNotFound) {
		return nil // who it was about has been erased
	}
	if err != nil {
		return err
	}
	c, err := n.store.Chain(ctx, e.Chain)
	if err != nil {
		return err
	}
	var say notice.Notice
	switch a.State {
	case network.ApplicationAccepted:
		say = notice.Accepted(notice.Chinese, c.Name, a.CorpName)
	case network.ApplicationDeclined:
		say = notice.Declined(notice.Chinese, c.Name, a.CorpName, a.Reason)
	default:
		return nil // they have applied anew
	}
	return n.tell(ctx, say, to{a.Person, a.Phone, false}, c.ID, e.ID)
}

// conflicted tells the chain's admins of a conflict (R23).
func (n *notices) conflicted(ctx context.Context, e network.Event) error {
	d, err := n.store.Dispute(ctx, e.Chain, e.Conflict)
	if errors.Is(err, network.ErrNotFound) {
		return nil // who it was about has been erased
	}
	if err != nil {
		return err
	}
	if d.State != network.DisputeOpen {
		return nil
	}
	return n.tellAdmins(ctx, e, func(c network.Chain) notice.Notice {
		return notice.Conflicted(notice.Chinese, c.Name, d.PartnerName, d.CorpName)
	})
}

// resolved tells the person of a conflict where they belong.
func (n *notices) resolved(ctx context.Context, e network.Event) error {
	d, err := n.store.Dispute(ctx, e.Chain, e.Conflict)
	if errors.Is(err, network.ErrNotFound) {
		return nil // who it was about has been erased
	}
	if err != nil {
		return err
	}
	if d.State != network.DisputeResolved {
		return nil
	}
	c, err := n.store.Chain(ctx, e.Chain)
	if err != nil {
		return err
	}
	say := notice.Resolved(notice.Chinese, c.Name, d.PartnerName, d.CorpName, d.Settled != d.Partner)
	return n.tell(ctx, say, to{d.Person, d.Phone, false}, c.ID, e.ID)
}

// astray tells the chain's admins that people come by an invite into the root
// group, because its maker sees its group no more (R08).
func (n *notices) astray(ctx context.Context, e network.Event) error {
	i, err := n.store.Invite(ctx, e.Chain, e.Invite)
	if err != nil {
		return err
	}
	return n.tellAdmins(ctx, e, func(c network.Chain) notice.Notice {
		return notice.InviteAstray(notice.Chinese, c.Name, i.MakerName)
	})
}

// tellAdmins tells each of the chain's admins.
func (n *notices) tellAdmins(ctx context.Context, e network.Event, say func(network.Chain) notice.Notice) error {
	c, err := n.store.Chain(ctx, e.Chain)
	if err != nil || c.Dissolved() {
		return err
	}
	admins, err := n.store.ChainAdmins(ctx, c)
	if err != nil {
		return err
	}
	var failed error
	for _, m := range admins {
		failed = errors.Join(failed, n.tell(ctx, say(c), to{m.Person, m.Phone, true}, c.ID, e.ID+"."+m.Person))
	}
	return failed
}
