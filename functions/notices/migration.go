package main

import (
	"context"
	"errors"
	"fmt"

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
	token, err := n.keys.Sign(invite.Ticket())
	if err != nil {
		return err
	}
	say := notice.GroupMigrated(notice.Chinese, c.Name, c.OwnerName)
	say.URL = n.web + "/j/" + token.Reveal()
	people := make([]string, len(m.Members))
	for i, k := range m.Members {
		people[i] = k.Person
	}
	budgets, err := n.store.Budgets(ctx, people...)
	if err != nil {
		return err
	}
	errs, in := each(ctx, len(m.Members), func(i int) error {
		k := m.Members[i]
		_, err := n.send(ctx, say, to{k.Person, k.Phone, false}, c.ID, budgets, fmt.Sprintf("migrated.%s.%s.%s", e.Chain, k.Person, network.DayOf(m.CreatedAt)))
		return err
	})
	if !in {
		return errors.New("migrated: the time is up")
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("migrated: %w", err)
	}
	return n.store.MigrantsTold(ctx, e.Chain, e.Migration, e.Chunk, n.now())
}
