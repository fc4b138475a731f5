package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
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
		receives, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 where nobody counts
		return n.invite(ctx, e, receives >= maxReceives)
	case network.Joined:
		return n.store.CountJoin(ctx, e)
	case network.GroupMigrated:
		return n.migrated(ctx, e)
	case network.InviteAstray:
		return n.tellAdmins(ctx, e)
	case network.InviteEnded, network.RosterEnded, network.RosterFailed:
		return n.tellMaker(ctx, e)
	}
	return fmt.Errorf("hear: unknown kind %q", e.Kind)
}

// senders is how many notices of a chunk are under way at a time: with a
// gateway that takes 200 ms, a chunk of 250 is out in 3 s.
const senders = 16

// maxReceives is how often a message comes at most: the queue's
// maxReceiveCount.
const maxReceives = 5

// margin is what is kept of a run's time for the notices under way, of which
// none takes more than 5 s, and for the counting.
const margin = 10 * time.Second

// invite sends the notices of a chunk of an import. Those that the gateway
// took stay sent if others fail, or if the time is up before their turn; the
// message then comes again for these. If it is the last time, and the gateway
// has taken others of the chunk, the fault is in those that it doesn't take:
// they count as undeliverable, and keep nobody's progress waiting.
func (n *notices) invite(ctx context.Context, e network.Event, last bool) error {
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
	var stumbled []store.Recipient
	took, undeliverable := 0, 0
	var wg sync.WaitGroup
	slots := make(chan struct{}, senders)
	for _, k := range named {
		switch {
		case k.Undeliverable != "": // an earlier delivery of the message has tried
			undeliverable++
			continue
		case k.HasJoined(), !k.LeftAt.IsZero():
			continue
		}
		slots <- struct{}{}
		if end, limited := ctx.Deadline(); limited && time.Until(end) < margin {
			wg.Wait()
			return errors.New("invite: the time is up")
		}
		wg.Go(func() {
			defer func() { <-slots }()
			out, err := n.inviteOne(ctx, c, k)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				failed, stumbled = err, append(stumbled, k)
			case out == notice.Undeliverable:
				undeliverable++
			default:
				took++
			}
		})
	}
	wg.Wait()
	if failed != nil && (!last || took == 0) {
		return fmt.Errorf("invite: %w", failed)
	}
	for _, k := range stumbled {
		if _, err := n.store.Undeliverable(ctx, k.Contact, network.ByGateway); err != nil {
			return err
		}
		undeliverable++
	}
	if failed != nil {
		slog.ErrorContext(ctx, "notices given up", "chain", e.Chain, "import", e.Import, "chunk", e.Chunk, "notices", len(stumbled), "err", failed)
	}
	return n.store.TallyNotices(ctx, e.Chain, e.Import, e.Chunk, network.Tally{Notified: len(named), Undeliverable: undeliverable})
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
			_, err = n.store.Undeliverable(ctx, k.Contact, network.ByGateway)
		}
		return err
	})
	return out, err
}

// tellMaker tells who made an invite, or imported a roster, that it has run
// out, or who imported one that it broke off. Who has left the corp since hears nothing.
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
	switch e.Kind {
	case network.InviteEnded:
		i, err := n.store.Invite(ctx, e.Chain, e.Invite)
		if err != nil {
			return err
		}
		say = notice.InviteExpired(notice.Chinese, c.Name, i.Note, i.Uses)
	default:
		i, err := n.store.Import(ctx, e.Chain, e.Import)
		if err != nil {
			return err
		}
		say = notice.RosterExpired(notice.Chinese, c.Name, i.FileName, e.Count)
		if e.Kind == network.RosterFailed {
			say = notice.RosterFailed(notice.Chinese, c.Name, i.FileName)
		}
	}
	_, err = n.send(ctx, say, maker.Phone, e.ID)
	return err
}

func (n *notices) send(ctx context.Context, say notice.Notice, phone, dedup string) (notice.Outcome, error) {
	say.To, say.Channel, say.DedupID, say.At = phone, notice.SMS, strings.ToLower(dedup), n.now()
	return n.channel.Send(ctx, say)
}
