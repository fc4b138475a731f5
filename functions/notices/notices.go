package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/notice"
	"github.com/tributary-app/tributary/shared/store"
)

// notices is the door of what has happened. A message may come twice, or
// break off half-way: a notice then goes out again under the same dedup id,
// which its gateway drops, and what is counted is counted once.
type notices struct {
	store   *store.Store
	channel *notice.Webhook
	keys    network.TokenKeys
	web     string
	now     func() time.Time
}

// hear works on one message.
func (n *notices) hear(ctx context.Context, m events.SQSMessage) error {
	e, err := network.DecodeEvent(m.Body)
	if err != nil {
		return fmt.Errorf("hear: %w", err)
	}
	switch e.Kind {
	case network.RosterImported:
		return n.invite(ctx, e)
	case network.Joined:
		return n.store.CountJoin(ctx, e)
	case network.InviteEnded, network.RosterEnded:
		return n.tellMaker(ctx, e)
	}
	return fmt.Errorf("hear: unknown kind %q", e.Kind)
}

// senders is how many notices of a chunk are under way at a time: with a
// gateway that takes 200 ms, a chunk of 250 is out in 3 s.
const senders = 16

// invite sends the notices of a chunk of an import. Those that the gateway
// took stay sent if others fail; the message then comes again for these.
func (n *notices) invite(ctx context.Context, e network.Event) error {
	named, sent, err := n.store.Recipients(ctx, e.Chain, e.Import, e.Chunk)
	if err != nil || sent {
		return err
	}
	c, err := n.store.Chain(ctx, e.Chain)
	if err != nil {
		return err
	}
	if c.Dissolved() {
		return nil
	}
	var mu sync.Mutex
	var failed error
	undeliverable := 0
	var wg sync.WaitGroup
	slots := make(chan struct{}, senders)
	for _, k := range named {
		switch {
		case k.Undeliverable: // an earlier delivery of the message has tried
			undeliverable++
			continue
		case k.HasJoined(), !k.LeftAt.IsZero():
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out, err := n.inviteOne(ctx, c, k)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
			}
			if out == notice.Undeliverable {
				undeliverable++
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return fmt.Errorf("invite: %w", failed)
	}
	return n.store.TallyNotices(ctx, e.Chain, e.Import, e.Chunk, len(named), undeliverable)
}

// inviteOne sends one contact's notice, and notes if it can't be delivered.
func (n *notices) inviteOne(ctx context.Context, c network.Chain, k store.Recipient) (out notice.Outcome, err error) {
	err = batch.Guard(func() error {
		token, err := n.keys.Sign(network.Ticket{Chain: k.Chain, Partner: k.Partner, Person: k.Person, Version: k.TokenVersion})
		if err != nil {
			return err
		}
		say := notice.Invited(notice.Chinese, c.Name, c.OwnerName, k.PartnerName)
		say.URL = n.web + "/j/" + token.Reveal()
		out, err = n.send(ctx, say, k.Phone, fmt.Sprintf("invited.%s.%s.%s.%d", k.Chain, k.Partner, k.Person, k.TokenVersion))
		if err == nil && out == notice.Undeliverable {
			err = n.store.Undeliverable(ctx, k.Contact)
		}
		return err
	})
	return out, err
}

// tellMaker tells who made an invite, or imported a roster, that it has run
// out. Who has left the corp since hears nothing.
func (n *notices) tellMaker(ctx context.Context, e network.Event) error {
	maker, err := n.store.Member(ctx, e.Corp, e.Person)
	if network.KindOf(err) == network.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := n.store.Chain(ctx, e.Chain)
	if err != nil {
		return err
	}
	var say notice.Notice
	if e.Kind == network.InviteEnded {
		i, err := n.store.Invite(ctx, e.Chain, e.Invite)
		if err != nil {
			return err
		}
		say = notice.InviteExpired(notice.Chinese, c.Name, i.Note, i.Uses)
	} else {
		i, err := n.store.Import(ctx, e.Chain, e.Import)
		if err != nil {
			return err
		}
		say = notice.RosterExpired(notice.Chinese, c.Name, i.FileName, e.Count)
	}
	_, err = n.send(ctx, say, maker.Phone, e.ID)
	return err
}

func (n *notices) send(ctx context.Context, say notice.Notice, phone, dedup string) (notice.Outcome, error) {
	say.To, say.Channel, say.DedupID, say.At = phone, notice.SMS, strings.ToLower(dedup), n.now()
	return n.channel.Send(ctx, say)
}
