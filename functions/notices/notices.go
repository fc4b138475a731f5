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
	receives, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 where nobody counts
	last := receives >= maxReceives
	switch e.Kind {
	case network.RosterImported:
		return n.invite(ctx, e, last)
	case network.Joined:
		return n.store.CountJoin(ctx, e)
	case network.GroupMigrated:
		return n.migrated(ctx, e)
	case network.Applied:
		return n.applied(ctx, e, last)
	case network.Decided:
		return n.decided(ctx, e)
	case network.Conflicted:
		return n.conflicted(ctx, e)
	case network.Resolved:
		return n.resolved(ctx, e)
	case network.InviteAstray:
		return n.astray(ctx, e)
	case network.InviteEnded, network.InviteAdopted, network.RosterEnded, network.RosterFailed:
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

// each does n things, so many at a time, and says how each ended. in is
// false if the time was up before all had begun.
func each(ctx context.Context, n int, do func(i int) error) (errs []error, in bool) {
	errs = make([]error, n)
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, senders)
	for i := range n {
		slots <- struct{}{}
		if end, limited := ctx.Deadline(); limited && time.Until(end) < margin {
			return errs, false
		}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = batch.Guard(func() error { return do(i) })
		})
	}
	wg.Wait()
	return errs, true
}

// invite sends the notices of a chunk of an import. Those that the gateway
// took stay sent if others fail, or if the time is up before their turn; the
// message then comes again for these. If it is the last time, and the gateway
// has taken others of the chunk, the fault is in those that it doesn't take:
// they count as undeliverable, and keep nobody's progress waiting. So do
// those who have blocked the chain, or whose phones have been told enough
// (R48), and for them that is the end of it.
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
	sum := network.Tally{Notified: len(named)}
	vain := func(why network.Undelivered) {
		one := network.Steps{Undeliverable: why}.Tally()
		one.Imported = 0
		sum = sum.And(one)
	}
	var open []store.Recipient
	var people []string
	for _, k := range named {
		switch {
		case k.Undeliverable != "": // an earlier delivery of the message has tried
			vain(k.Undeliverable)
		case k.HasJoined(), !k.LeftAt.IsZero(), !k.DeclinedAt.IsZero(): // has answered
		default:
			open, people = append(open, k), append(people, k.Person)
		}
	}
	budgets, err := n.store.Budgets(ctx, people...)
	if err != nil {
		return err
	}
	whys := make([]network.Undelivered, len(open))
	errs, in := each(ctx, len(open), func(i int) (err error) {
		whys[i], err = n.inviteOne(ctx, c, budgets, open[i])
		return err
	})
	if !in {
		return errors.New("invite: the time is up")
	}
	var failed error
	var stumbled []store.Recipient
	took := 0
	for i, err := range errs {
		switch {
		case err != nil:
			failed, stumbled = err, append(stumbled, open[i])
		case whys[i] != "":
			vain(whys[i])
		default:
			took++
		}
	}
	if failed != nil && (!last || took == 0) {
		return fmt.Errorf("invite: %w", failed)
	}
	for _, k := range stumbled {
		noted, err := n.store.Undeliverable(ctx, k.Contact, network.ByGateway)
		if err != nil {
			return err
		}
		if noted {
			vain(network.ByGateway)
		}
	}
	if failed != nil {
		slog.ErrorContext(ctx, "notices given up", "chain", e.Chain, "import", e.Import, "chunk", e.Chunk, "notices", len(stumbled), "err", failed)
	}
	slog.InfoContext(ctx, "notices sent", "chain", e.Chain, "import", e.Import, "chunk", e.Chunk, "notices", len(open),
		"undeliverable", sum.Undeliverable, "over_budget", sum.OverBudget, "blocked", sum.Blocked)
	return n.store.TallyNotices(ctx, e.Chain, e.Import, e.Chunk, sum, n.now())
}

// inviteOne sends one contact's notice, and notes if it won't arrive. why is
// what it then counts as, "" also for who has answered meanwhile.
func (n *notices) inviteOne(ctx context.Context, c network.Chain, budgets store.Budgets, k store.Recipient) (why network.Undelivered, err error) {
	token, err := n.keys.Sign(network.Ticket{Chain: k.Chain, Partner: k.Partner, Person: k.Person, Version: k.TokenVersion})
	if err != nil {
		return "", err
	}
	say := notice.Invited(notice.Chinese, c.Name, c.OwnerName, k.PartnerName)
	say.URL = n.web + "/j/" + token.Reveal()
	why, err = n.send(ctx, say, to{k.Person, k.Phone, false}, c.ID, budgets, fmt.Sprintf("invited.%s.%s.%s.%d", k.Chain, k.Partner, k.Person, k.TokenVersion))
	if why == "" || err != nil {
		return "", err
	}
	noted, err := n.store.Undeliverable(ctx, k.Contact, why)
	if !noted {
		why = ""
	}
	return why, err
}

// tellMaker tells who made an invite, or imported a roster, that it has run
// out, who imported one that it broke off, or who had made an invite that it
// is another's now. Who has left the corp since hears nothing.
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
	case network.InviteEnded, network.InviteAdopted:
		i, err := n.store.Invite(ctx, e.Chain, e.Invite)
		if err != nil {
			return err
		}
		say = notice.InviteExpired(notice.Chinese, c.Name, i.Note, i.Uses)
		if e.Kind == network.InviteAdopted {
			say = notice.InviteAdopted(notice.Chinese, c.Name, i.MakerName, i.Note)
		}
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
	return n.tell(ctx, say, to{maker.Person, maker.Phone, true}, c.ID, e.ID)
}

// to is who is told something. office says that it is their business: they
// have made what it is about, or are a chain's admin. That doesn't count among
// what strangers may tell a phone a day (R48).
type to struct {
	person, phone string
	office        bool
}

// tell sends a notice that nothing counts. One that may not be sent is left
// out: what it says is on the person's page, and in the chain's lists.
func (n *notices) tell(ctx context.Context, say notice.Notice, who to, chain, dedup string) error {
	budgets, err := n.store.Budgets(ctx, who.person)
	if err != nil {
		return err
	}
	why, err := n.send(ctx, say, who, chain, budgets, dedup)
	if why != "" {
		slog.InfoContext(ctx, "notice not sent", "chain", chain, "why", string(why))
	}
	return err
}

// send takes a notice out of its recipient's budget and hands it to the
// gateway. why says that it will never arrive. An error says that nobody knows:
// it is taken, and the same notice comes again without being taken twice.
func (n *notices) send(ctx context.Context, say notice.Notice, who to, chain string, budgets store.Budgets, dedup string) (why network.Undelivered, err error) {
	say.To, say.Channel, say.DedupID, say.At = who.phone, notice.SMS, strings.ToLower(dedup), n.now()
	again, err := n.store.Spend(ctx, budgets, who.person, chain, say.DedupID, who.office, say.At)
	switch {
	case errors.Is(err, network.ErrBlocked) && again:
		return "", nil // it went out, and then they blocked the chain
	case errors.Is(err, network.ErrBlocked):
		return network.ByBlock, nil
	case errors.Is(err, network.ErrOverBudget):
		return network.OverBudget, nil
	case err != nil:
		return "", err
	}
	out, err := n.channel.Send(ctx, say)
	if err == nil && out == notice.Undeliverable {
		why = network.ByGateway
	}
	return why, err
}
