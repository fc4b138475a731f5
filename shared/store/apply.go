package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// writers is how many chunks of an import are written at a time: enough to keep
// one core busy, few enough that several imports of a chain share its
// partitions.
const writers = 8

// ApplyRoster does what an import's plan says, from the first chunk on that
// isn't done, and as often as it is called. It returns nil when all is done;
// ErrTimeUp when there is no time for the next chunk, ErrStopped when the import
// isn't being done any more: of what was under way by then the end is waited
// for, and if the import is being taken back, so is that.
func (s *Store) ApplyRoster(ctx context.Context, imp network.Import, run Run) error {
	it, err := s.importItem(ctx, imp.Chain, imp.ID)
	if err != nil {
		return wrap("apply", err)
	}
	if it.State != network.ImportApplying {
		return ErrStopped
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	a := &applying{s: s, ctx: ctx, stop: stop, imp: it.imp(imp.Chain), it: it, run: run, flights: map[network.RawID]*flight{}, through: it.Through, looked: time.Now(), beaten: time.Now()}
	if a.places, err = s.ensurePlaces(ctx, a.imp, it); err != nil {
		return wrap("apply", err)
	}
	if a.done, err = s.Applied(ctx, imp.Chain, imp.ID); err != nil {
		return wrap("apply", err)
	}
	err = a.all()
	a.wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if errors.Is(err, ErrStopped) {
		err = a.takeBack(context.WithoutCancel(ctx))
	}
	return wrap("apply", err)
}

// applying is an import that is being done.
type applying struct {
	s      *Store
	ctx    context.Context
	stop   context.CancelCauseFunc
	imp    network.Import
	it     importItem
	run    Run
	places map[string]int // groups by their paths
	done   map[int]bool

	looked, beaten time.Time
	slots          chan *unpacker
	wg             sync.WaitGroup

	mu      sync.Mutex
	flights map[network.RawID]*flight // by partner: the chunk under way that says something of it
	through int                       // all chunks before this are done
	landed  map[int]bool              // those done beyond
	late    []late                    // done since somebody has last looked whether they should be
}

// late is a chunk that somebody may not have wanted any more.
type late struct {
	n        int
	verdicts []network.Verdict
}

// flight is a chunk that is being written.
type flight struct {
	n    int
	done chan struct{}
}

// all has chunk after chunk written, so many at a time. What several chunks say
// of one partner is done in the sheet's order.
func (a *applying) all() error {
	a.slots = make(chan *unpacker, writers)
	for range writers {
		u := newUnpacker(a.imp.Chain)
		defer u.close()
		a.slots <- u
	}
	defer a.wg.Wait()
	a.landed = map[int]bool{}
	for from := a.through; from < a.it.Planned; from = (from/partChunks + 1) * partChunks {
		to := min(a.it.Planned, (from/partChunks+1)*partChunks)
		plans, err := a.s.plans(a.ctx, a.imp, from, to)
		if err != nil {
			return err
		}
		// Of chunks in which there is nothing to do, nothing but that is read.
		todo := make(map[int][]network.Verdict, len(plans))
		first, last := to, from-1
		for n := from; n < to; n++ {
			verdicts, err := unpackPlan(plans[n], nil)
			if err != nil {
				return err
			}
			if a.done[n] {
				a.land(n)
				continue
			}
			todo[n] = verdicts
			if n < a.it.Chunks && slices.ContainsFunc(verdicts, func(v network.Verdict) bool { return v.Writes() }) {
				first, last = min(first, n), max(last, n)
			}
		}
		next := from
		quiet := func(before int) error { // and those whom no row names
			for ; next < before; next++ {
				if verdicts, is := todo[next]; is {
					if err := a.begin(next, nil, nil, verdicts); err != nil {
						return err
					}
				}
			}
			return nil
		}
		err = a.s.eachRows(a.ctx, a.imp, first, last+1, func(n int, packed []byte) error {
			if err := quiet(n); err != nil {
				return err
			}
			next = n + 1
			if _, is := todo[n]; !is {
				return nil
			}
			return a.begin(n, packed, plans[n], nil)
		})
		if err != nil {
			return err
		}
		if err := quiet(to); err != nil {
			return err
		}
	}
	return nil
}

// begin has a chunk written as soon as there is a writer for it.
func (a *applying) begin(n int, packed, plan []byte, verdicts []network.Verdict) error {
	if err := a.wanted(); err != nil {
		return err
	}
	if n >= a.it.Chunks {
		a.wg.Wait() // who is to be withdrawn isn't, before all rows have had their say
	}
	var u *unpacker
	select {
	case <-a.ctx.Done():
		return context.Cause(a.ctx)
	case u = <-a.slots:
	}
	var c chunk
	if packed != nil {
		var err error
		if c, err = u.unpack(packed); err == nil {
			verdicts, err = unpackPlan(plan, c.ids)
		}
		if err != nil {
			a.slots <- u
			return err
		}
	}
	f := &flight{n, make(chan struct{})}
	before := a.queue(f, verdicts)
	a.wg.Go(func() {
		defer func() {
			a.unqueue(f, verdicts)
			close(f.done)
			a.slots <- u
		}()
		for _, earlier := range before {
			<-earlier.done
		}
		err := guard(func() error {
			if a.ctx.Err() != nil {
				return context.Cause(a.ctx)
			}
			if n >= a.it.Chunks {
				return a.s.withdrawChunk(a.ctx, a.imp, n, verdicts)
			}
			return a.s.applyChunk(a.ctx, a.imp, n, c, verdicts, a.places)
		})
		if err != nil {
			a.stop(err)
			return
		}
		a.mu.Lock()
		a.late = append(a.late, late{n, verdicts})
		a.mu.Unlock()
		a.land(n)
	})
	return nil
}

// queue puts a chunk behind those under way that speak of the same partners.
func (a *applying) queue(f *flight, verdicts []network.Verdict) (before []*flight) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range verdicts {
		if !verdicts[i].Writes() {
			continue
		}
		id := verdicts[i].Partner
		if earlier := a.flights[id]; earlier != nil && earlier != f && !slices.Contains(before, earlier) {
			before = append(before, earlier)
		}
		a.flights[id] = f
	}
	return before
}

func (a *applying) unqueue(f *flight, verdicts []network.Verdict) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range verdicts {
		if id := verdicts[i].Partner; a.flights[id] == f {
			delete(a.flights, id)
		}
	}
}

// land notes that a chunk is done.
func (a *applying) land(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.landed[n] = true
	for a.landed[a.through] {
		delete(a.landed, a.through)
		a.through++
	}
}

// wanted is nil while there is time for another chunk and nobody has cancelled
// the import.
func (a *applying) wanted() error {
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	if !a.run.Spare() {
		return ErrTimeUp
	}
	a.mu.Lock()
	through := a.through
	seen := len(a.late)
	a.mu.Unlock()
	switch now := time.Now(); {
	case now.Sub(a.beaten) >= beatEvery:
		if err := a.s.beat(a.ctx, a.imp, network.ImportApplying, through, a.run.Now()); err != nil {
			return err
		}
		a.beaten, a.looked = now, now
	case now.Sub(a.looked) >= lookEvery:
		it, err := a.s.importItem(a.ctx, a.imp.Chain, a.imp.ID)
		if err != nil {
			return err
		}
		if it.State != network.ImportApplying {
			return ErrStopped
		}
		a.looked = now
	default:
		return nil
	}
	a.mu.Lock()
	a.late = a.late[seen:]
	a.mu.Unlock()
	return nil
}

// takeBack follows up a revert that this run has been too slow for: what it has
// done since it last looked, and the revert may not have seen.
func (a *applying) takeBack(ctx context.Context) error {
	it, err := a.s.importItem(ctx, a.imp.Chain, a.imp.ID)
	if err != nil {
		return err
	}
	if !it.Reverting && it.State != network.ImportReverted {
		return ErrStopped
	}
	for _, l := range a.late {
		if err := a.s.undo(ctx, a.imp, l.n, l.verdicts); err != nil {
			return err
		}
	}
	return ErrStopped
}

// ensurePlaces makes the groups that an import's plan names and that are
// missing (R25), and gives them all by their paths. What an earlier run has
// found or made holds: a group that has been deleted since isn't made again.
func (s *Store) ensurePlaces(ctx context.Context, imp network.Import, it importItem) (map[string]int, error) {
	if !it.Groups {
		return nil, nil
	}
	kept, err := s.places(ctx, imp, "PLACES#")
	if err != nil {
		return nil, err
	}
	if len(kept) == 0 {
		named, err := s.places(ctx, imp, "GROUPS#")
		if err != nil {
			return nil, err
		}
		var paths [][]string
		for _, p := range named {
			if p.path != "" {
				paths = append(paths, strings.Split(p.path, "/"))
			}
		}
		if len(paths) == 0 {
			return nil, nil
		}
		tree, err := s.EnsureGroups(ctx, imp.Chain, imp.ID, paths)
		if err != nil {
			return nil, err
		}
		known := tree.Paths()
		var b []byte
		for _, path := range paths {
			id, _ := known.Find(path)
			b = appendPlace(b, strings.Join(path, "/"), id)
		}
		if err := s.keepPlaces(ctx, imp, b); err != nil {
			return nil, err
		}
		if kept, err = s.places(ctx, imp, "PLACES#"); err != nil {
			return nil, err
		}
	}
	places := make(map[string]int, len(kept))
	for _, p := range kept {
		places[p.path] = p.id
	}
	return places, nil
}

// followMoved moves on the partners that the import put into groups which were
// deleted after it had read them (R34).
func (s *Store) followMoved(ctx context.Context, imp network.Import) error {
	c, err := s.Chain(ctx, imp.Chain)
	if err != nil || len(c.Moved) == 0 {
		return err
	}
	it, err := s.importItem(ctx, imp.Chain, imp.ID)
	if err != nil || !it.Groups {
		return err
	}
	kept, err := s.places(ctx, imp, "PLACES#")
	if err != nil {
		return err
	}
	gone := map[string]bool{}
	for _, p := range kept {
		if _, moved := c.Moved[p.id]; moved {
			gone[p.path] = true
		}
	}
	if len(gone) == 0 {
		return nil
	}
	var ids []string
	u := newUnpacker(imp.Chain)
	defer u.close()
	for from := 0; from < it.Chunks; from += partChunks {
		to := min(from+partChunks, it.Chunks)
		plans, err := s.plans(ctx, imp, from, to)
		if err != nil {
			return err
		}
		err = s.eachRows(ctx, imp, from, to, func(n int, packed []byte) error {
			rows, err := u.unpack(packed)
			if err != nil {
				return err
			}
			verdicts, err := unpackPlan(plans[n], rows.ids)
			for i := range verdicts {
				if verdicts[i].Places && gone[strings.Join(rows.rows[i].Group, "/")] {
					ids = append(ids, verdicts[i].Partner.Partner())
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	_, err = s.moveOn(ctx, imp.Chain, ids)
	return err
}

// applyChunk does what a chunk's plan says, once or again: partners and contacts
// are added where they are not, changed where they differ, and who has joined
// stays joined. What has come to a partner since it was planned, a removal or
// the loss of its 自定义企业ID, holds, and its rows do nothing (R29, R38). Last
// it notes that the chunk is done, and how many it has added: of what two
// imports add at once the first has it.
func (s *Store) applyChunk(ctx context.Context, imp network.Import, n int, rows chunk, verdicts []network.Verdict, places map[string]int) error {
	var counts network.Counts
	var partners []*partnerChange
	byID := make(map[network.RawID]*partnerChange, len(verdicts))
	var contacts, changed []*contactItem
	for i := range verdicts {
		v := &verdicts[i]
		counts.Tell(v, imp.Notify)
		if !v.Writes() {
			continue
		}
		row := &rows.rows[i]
		c := byID[v.Partner]
		if c == nil {
			c = &partnerChange{p: network.Partner{
				ID: v.Partner.Partner(), Chain: imp.Chain, State: network.PartnerPending, Imported: true, Import: imp.ID,
				Epoch: v.Epoch, Edition: 1, People: map[string]string{},
			}}
			byID[v.Partner] = c
			partners = append(partners, c)
		}
		c.p.Name, c.p.CustomID = row.Corp, row.CustomID
		if v.Places {
			c.p.Group = network.RootGroup
			if len(row.Group) > 0 {
				c.p.Group = places[strings.Join(row.Group, "/")]
			}
		}
		c.makes, c.revives = c.makes || v.Makes, c.revives || v.Revives
		person := v.Person.Person()
		c.p.People[person] = row.Fingerprint()
		k := newContactItem(network.Contact{
			Person: person, Chain: imp.Chain, Partner: c.p.ID, Name: row.Contact, Phone: row.Phone, Leader: row.Leader,
			MemberCustomID: row.MemberCustomID, Import: imp.ID, Chunk: n, Epoch: c.p.Epoch, TokenVersion: 1, NoticeAt: imp.StartedAt, Inviter: imp.Maker, Edition: 1,
		})
		if v.Adds {
			contacts = append(contacts, &k)
		} else {
			changed = append(changed, &k)
		}
	}
	made := tallied{counts: counts}
	inserts := make([]inserted, 0, max(len(partners), len(contacts)))
	for _, c := range partners {
		if c.makes {
			c.p.Contacts = len(c.p.People)
			item := newPartnerItem(c.p, 0)
			inserts = append(inserts, &item)
		}
	}
	there, err := s.insert(ctx, inserts)
	if err != nil {
		return err
	}
	over := map[string]bool{} // partners that the plan is no longer true of
	for _, c := range partners {
		if c.makes && (len(there) == 0 || !there[partnerKey(imp.Chain, c.p.ID)]) {
			made.partners++
			continue
		}
		is, ok, err := s.mergePartner(ctx, *c)
		if err != nil {
			return err
		}
		if !ok {
			over[c.p.ID] = true
		}
		if ok && c.makes && is == imp.ID {
			made.partners++
		}
	}
	if len(over) > 0 {
		gone := func(k *contactItem) bool { return over[afterLast(k.SK)] }
		contacts, changed = slices.DeleteFunc(contacts, gone), slices.DeleteFunc(changed, gone)
	}
	inserts = inserts[:0]
	for _, k := range contacts {
		inserts = append(inserts, k)
	}
	if there, err = s.insert(ctx, inserts); err != nil {
		return err
	}
	for _, k := range changed {
		if _, err := s.mergeContact(ctx, *k); err != nil {
			return err
		}
	}
	for _, k := range contacts {
		mine := true
		if there[k.key] {
			if mine, err = s.mergeContact(ctx, *k); err != nil {
				return err
			}
		}
		if mine {
			made.contacts++
		}
	}
	return s.tallyChunk(ctx, imp, n, made)
}

// partnerChange is what a chunk's rows say of a partner.
type partnerChange struct {
	p       network.Partner
	makes   bool
	revives bool // it had been removed when it was planned
}

// mergePartner brings a partner that is there to what a roster says of it.
// Nothing is written if it is so already. maker is the import that made it;
// ok is false if the plan is no longer true of it.
func (s *Store) mergePartner(ctx context.Context, c partnerChange) (maker string, ok bool, err error) {
	err = s.commit(ctx, func() (*tx, error) {
		var it partnerItem
		found, err := s.get(ctx, partnerKey(c.p.Chain, c.p.ID), &it)
		if err != nil {
			return nil, err
		}
		maker, ok = it.Import, true
		if !found { // another chunk's to make, and not come to that yet
			c.p.Contacts, c.p.Group = len(c.p.People), max(c.p.Group, network.RootGroup)
			t := s.tx()
			maker = c.p.Import
			t.put(newPartnerItem(c.p, 0), "attribute_not_exists(PK)", nil)
			return t, nil
		}
		if it.Alias != "" || it.Epoch != c.p.Epoch || it.Card.State == network.PartnerRemoved && !c.revives {
			ok = false // given away, or removed, while the import was under way: that holds
			return nil, nil
		}
		was := it.partner(c.p.Chain)
		p := was
		p.Name, p.Imported = c.p.Name, true
		if c.p.Group != 0 {
			p.Group = c.p.Group
		}
		if p.State == network.PartnerRemoved {
			p.State, p.Import, p.CustomID = network.PartnerPending, c.p.Import, c.p.CustomID
			maker = p.Import
		}
		people := map[string]string{}
		same := p.Name == was.Name && p.Group == was.Group && p.State == was.State && was.Imported
		for k, v := range was.People {
			people[k] = v
		}
		for k, v := range c.p.People {
			same = same && people[k] == v
			people[k] = v
		}
		if same {
			return nil, nil
		}
		p.People, p.Contacts = people, len(people)
		p.Edition++
		t := s.tx()
		t.put(newPartnerItem(p, it.Gate), "Edition = :e", vals{"e": was.Edition})
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return maker, ok, err
}

// mergeContact brings a contact that is there to what a roster says of them.
// Who belongs to the partner's present epoch keeps their state; who was of an
// older one begins anew, with a token of their own (R18); who is of a newer
// one is left alone. mine is whether it is this chunk that has named them.
func (s *Store) mergeContact(ctx context.Context, k contactItem) (mine bool, err error) {
	err = s.commit(ctx, func() (*tx, error) {
		var it contactItem
		found, err := s.get(ctx, k.key, &it)
		if err != nil {
			return nil, err
		}
		t := s.tx()
		mine = true
		if !found {
			t.put(k, "attribute_not_exists(PK)", nil)
			return t, nil
		}
		was := it.Edition
		if it.Epoch < k.Epoch {
			k.TokenVersion, k.Counted = it.TokenVersion+1, it.Counted
			it = k
		} else {
			mine = it.Epoch == k.Epoch && it.Import == k.Import && it.Chunk == k.Chunk
			if it.Epoch > k.Epoch {
				return nil, nil
			}
			if it.Name == k.Name && it.Phone == k.Phone && it.Leader == k.Leader && it.MemberCustomID == k.MemberCustomID {
				return nil, nil
			}
			it.Name, it.Leader, it.MemberCustomID = k.Name, k.Leader, k.MemberCustomID
			it.Phone = k.Phone // that of who was erased isn't here
		}
		it.Edition = was + 1
		t.put(it, "Edition = :e", vals{"e": was})
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return mine, err
}

// guard turns a panic into an error: a goroutine's own nobody else could.
func guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: a %T\n%s", p, debug.Stack())
		}
	}()
	return do()
}
