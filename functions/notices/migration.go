package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/notice"
)

// migrated tells a part of a WeChat group's people that they are invited (R45).
// Each is told once a chain a day: who is to be was marked so before, and the day
// is in the notice's dedup id.
func (n *notices) migrated(ctx context.Context, e network.Event) error {
	m, invite, sent, err := n.store.Migrants(ctx, e.Chain, e.Migration, e.Chunk, e.Invite)
	if err != nil || sent {
		return err
	}
	c, err := n.store.Chain(ctx, e.Chain)
	if err != nil {
		return err
	}
	if invite.Usable(c, n.now()) != nil {
		return n.store.MigrantsTold(ctx, e.Chain, e.Migration, e.Chunk, n.now()) // has ended: nothing to tell
	}
	token, err := n.keys.Sign(network.Ticket{Chain: e.Chain, Invite: invite.ID, Version: invite.Version})
	if err != nil {
		return err
	}
	say := notice.GroupMigrated(notice.Chinese, c.Name, c.OwnerName)
	say.URL = n.web + "/j/" + token.Reveal()
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	slots := make(chan struct{}, senders)
	for _, k := range m.Members {
		slots <- struct{}{}
		if end, limited := ctx.Deadline(); limited && time.Until(end) < margin {
			wg.Wait()
			return errors.New("migrated: the time is up")
		}
		wg.Go(func() {
			defer func() { <-slots }()
			err := batch.Guard(func() error {
				_, err := n.send(ctx, say, k.Phone, fmt.Sprintf("migrated.%s.%s.%s", e.Chain, k.Person, network.DayOf(m.CreatedAt)))
				return err
			})
			if err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return fmt.Errorf("migrated: %w", failed)
	}
	return n.store.MigrantsTold(ctx, e.Chain, e.Migration, e.Chunk, n.now())
}

// tellAdmins tells the chain's admins that people come by an invite into the root
// group, because its maker sees its group no more (R08).
func (n *notices) tellAdmins(ctx context.Context, e network.Event) error {
	c, err := n.store.Chain(ctx, e.Chain)
	if err != nil {
		return err
	}
	invite, err := n.store.Invite(ctx, e.Chain, e.Invite)
	if err != nil {
		return err
	}
	admins, err := n.store.ChainAdmins(ctx, c)
	if err != nil {
		return err
	}
	for _, m := range admins {
		if _, err := n.send(ctx, notice.InviteAstray(notice.Chinese, c.Name, invite.MakerName), m.Phone, e.ID+"."+m.Person); err != nil {
			return err
		}
	}
	return nil
}
