package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// PlanRoster plans what an import's rows do to its chain, chunk by chunk, and
// writes nothing of the chain. A chunk that an earlier run has planned stays as
// it was planned then, so that all runs come to the same end (R29). The import
// it gives waits with its plan, or is to be done at once. ErrStopped, ErrTimeUp.
func (s *Store) PlanRoster(ctx context.Context, c network.Chain, imp network.Import, run Run) (network.Import, error) {
	it, err := s.importItem(ctx, imp.Chain, imp.ID)
	if err != nil {
		return imp, wrap("plan", err)
	}
	imp = it.imp(imp.Chain)
	switch {
	case imp.State == network.ImportCancelled:
		return imp, ErrStopped
	case imp.State != network.ImportReading:
		return imp, nil
	}
	tree, err := s.Tree(ctx, c.ID)
	if err != nil {
		return imp, wrap("plan", err)
	}
	p := planning{s: s, ctx: ctx, imp: imp, tree: tree, limit: c.PeopleLimit, chunks: it.Chunks, run: run}
	made, err := p.make()
	if errors.Is(err, errPlanned) { // by an earlier run: this one goes by its plan
		p = planning{s: s, ctx: ctx, imp: imp, tree: tree, limit: c.PeopleLimit, chunks: it.Chunks, run: run, again: true}
		made, err = p.make()
	}
	if err != nil {
		return imp, wrap("plan", err)
	}
	imp, err = s.planned(ctx, imp, it, made, run.Now())
	return imp, wrap("plan", err)
}

// errPlanned says that some chunk has a plan already.
var errPlanned = errors.New("planned before")

// planning is a plan that is being made.
type planning struct {
	s       *Store
	ctx     context.Context
	imp     network.Import
	tree    network.Tree
	limit   int
	chunks  int
	run     Run
	again   bool           // chunks may have plans
	held    map[int][]byte // the rows of a short roster
	planner *network.Planner
	counts  network.Counts
	beaten  time.Time
	new     []inserted // plans that wait to be written
	news    map[key][]network.Verdict
	pack    packer
}

// make makes the plan.
func (p *planning) make() (made importItem, err error) {
	p.planner, p.beaten = network.NewPlanner(p.imp, p.tree, p.limit), time.Now()
	p.news = map[key][]network.Verdict{}
	if err := p.know(); err != nil {
		return made, err
	}
	if p.imp.Whole {
		if err := p.refuseTogether(); err != nil {
			return made, err
		}
		p.planner = p.planner.Again(p.imp, p.tree)
		if err := p.know(); err != nil {
			return made, err
		}
	}
	if err := p.chunkByChunk(true); err != nil {
		return made, err
	}
	made.Planned = p.chunks
	if p.imp.Mode == network.Sync {
		if made.Planned, err = p.unnamed(); err != nil {
			return made, err
		}
	}
	made.Groups = p.groups()
	made.TouchBits = p.touches()
	for len(p.new) > 0 {
		if err := p.flush(); err != nil {
			return made, err
		}
	}
	made.Counts = p.counts
	return made, nil
}

// rows gives the import's rows, from one chunk to before another.
func (p *planning) rows(from, to int, each func(n int, packed []byte) error) error {
	if p.held == nil {
		held := map[int][]byte{}
		err := p.s.eachRows(p.ctx, p.imp, from, to, func(n int, packed []byte) error {
			if p.chunks <= partChunks {
				held[n] = packed
			}
			return each(n, packed)
		})
		if err == nil && len(held) > 0 {
			p.held = held
		}
		return err
	}
	for n := from; n < to; n++ {
		if err := each(n, p.held[n]); err != nil {
			return err
		}
	}
	return nil
}

// know finds out which partners the rows name, and how those stand.
func (p *planning) know() error {
	u := newUnpacker(p.imp.Chain)
	defer u.close()
	err := p.rows(0, p.chunks, func(_ int, packed []byte) error {
		c, err := u.unpack(packed)
		for i := range c.rows {
			if c.rows[i].Code == "" {
				p.planner.Expect(c.ids[i].Partner)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.s.existing(p.ctx, p.imp.Chain, p.planner, p.imp.Mode == network.Sync)
}

// refuseTogether is WeCom's atomicity (R26): where a row is refused, by the
// file's own faults or by what the chain holds, so are all rows of its partner,
// for that row's reason.
func (p *planning) refuseTogether() error { return p.chunkByChunk(false) }

// chunkByChunk plans all rows, and keeps the plan if it is the last word.
func (p *planning) chunkByChunk(keep bool) error {
	u := newUnpacker(p.imp.Chain)
	defer u.close()
	for from := 0; from < p.chunks; from += partChunks {
		planned, err := p.plans(from, min(from+partChunks, p.chunks))
		if err != nil {
			return err
		}
		err = p.rows(from, min(from+partChunks, p.chunks), func(n int, packed []byte) error {
			if err := p.wanted(); err != nil {
				return err
			}
			c, err := u.unpack(packed)
			if err != nil {
				return err
			}
			if was, again := planned[n]; again {
				return p.absorb(c, was, keep)
			}
			return p.plan(n, c, keep)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wanted is nil while there is time for another chunk and nobody has cancelled
// the import.
func (p *planning) wanted() error {
	if !p.run.Spare() {
		return ErrTimeUp
	}
	if now := time.Now(); now.Sub(p.beaten) >= beatEvery {
		p.beaten = now
		return p.s.beat(p.ctx, p.imp, network.ImportReading, p.imp.Read, p.run.Now())
	}
	return nil
}

// plans are those that chunks have already.
func (p *planning) plans(from, to int) (map[int][]byte, error) {
	if !p.again {
		return nil, nil
	}
	return p.s.plans(p.ctx, p.imp, from, to)
}

func (p *planning) absorb(c chunk, packed []byte, keep bool) error {
	verdicts, err := unpackPlan(packed, c.ids)
	if err == nil && len(verdicts) != len(c.rows) {
		err = errChunk
	}
	if err != nil {
		return err
	}
	for i, v := range verdicts {
		p.planner.Absorb(&c.rows[i], c.ids[i], v)
		if !keep && v.Outcome.Failed() && v.Other == 0 {
			p.planner.Refuse(&c.rows[i], c.ids[i], v)
		}
	}
	if keep {
		p.count(verdicts)
	}
	return nil
}

func (p *planning) plan(n int, c chunk, keep bool) error {
	verdicts := make([]network.Verdict, len(c.rows))
	for i := range c.rows {
		verdicts[i] = p.planner.Plan(&c.rows[i], c.ids[i])
		if !keep && verdicts[i].Outcome.Failed() {
			p.planner.Refuse(&c.rows[i], c.ids[i], verdicts[i])
		}
	}
	if !keep {
		return nil
	}
	return p.keep(n, verdicts, c.ids)
}

func (p *planning) count(verdicts []network.Verdict) {
	for i := range verdicts {
		p.counts.Tell(&verdicts[i], p.imp.Notify)
	}
}

// keep has a chunk's plan written with others', unless it has one.
func (p *planning) keep(n int, verdicts []network.Verdict, ids []network.RowIDs) error {
	at := planKey(p.imp.Chain, p.imp.ID, n)
	p.news[at] = verdicts
	p.wait(at, p.pack.plan(verdicts, ids))
	if len(p.new) < bulk {
		return nil
	}
	return p.flush()
}

// wait has an item written with others.
func (p *planning) wait(at key, packed []byte) {
	p.new = append(p.new, &planItem{at, packed, p.imp.StartedAt.Add(rowsKept).Unix()})
}

// flush writes the plans that wait. Of a run at the same time the first to
// write holds, and is counted: both go by the same rows, and one chain.
func (p *planning) flush() error {
	part := p.new[:min(len(p.new), bulk)]
	there, err := p.s.insert(p.ctx, part)
	if err != nil {
		return err
	}
	var others []key
	for _, item := range part {
		at := item.where()
		verdicts, plan := p.news[at]
		switch {
		case plan && there[at] && !p.again:
			return errPlanned
		case plan && there[at]:
			others = append(others, at)
		case plan:
			p.count(verdicts)
		}
		delete(p.news, at)
	}
	got, err := p.s.batchGet(p.ctx, true, others...)
	if err != nil {
		return err
	}
	for _, raw := range got {
		verdicts, err := unpackPlan(packedOf(raw), nil)
		if err != nil {
			return err
		}
		p.count(verdicts)
	}
	p.new = append(p.new[:0], p.new[len(part):]...)
	return nil
}

// unnamed plans what becomes of those whom no row names (R27): who is to come
// is withdrawn, who has come is kept. It gives how many chunks the plan has.
func (p *planning) unnamed() (chunks int, err error) {
	var partners []network.RawID
	for id := range p.planner.Unnamed() {
		partners = append(partners, id)
	}
	slices.SortFunc(partners, func(a, b network.RawID) int { return slices.Compare(a[:], b[:]) })
	planned, err := p.plans(p.chunks, 1<<20)
	if err != nil {
		return 0, err
	}
	n := p.chunks
	var next []network.Verdict
	keep := func() error {
		verdicts := next
		if was, again := planned[n]; again {
			if verdicts, err = unpackPlan(was, nil); err != nil {
				return err
			}
			p.count(verdicts)
		} else if err := p.keep(n, slices.Clone(next), nil); err != nil {
			return err
		}
		for _, v := range verdicts {
			if v.Outcome == network.RowWithdraw {
				p.planner.Withdraws(v.Partner)
			}
		}
		n++
		next = next[:0]
		return nil
	}
	for part := range slices.Chunk(partners, 50) {
		if err := p.wanted(); err != nil {
			return 0, err
		}
		verdicts, err := p.s.missing(p.ctx, p.imp.Chain, part, p.planner)
		if err != nil {
			return 0, err
		}
		for _, v := range verdicts {
			if next = append(next, v); len(next) == ChunkRows {
				if err := keep(); err != nil {
					return 0, err
				}
			}
		}
	}
	if len(next) > 0 {
		if err := keep(); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// missing are those people of partners whom rosters have named, and this one
// doesn't: each withdrawn, or kept for they have joined. Who has left is
// neither.
func (s *Store) missing(ctx context.Context, chain string, partners []network.RawID, planner *network.Planner) ([]network.Verdict, error) {
	var keys []key
	for _, id := range partners {
		keys = append(keys, partnerKey(chain, id.Partner()))
	}
	found, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return nil, err
	}
	var all []network.Verdict
	var ask []key // contacts, by the same index
	for i, id := range partners {
		var it partnerItem
		if ok, err := found.into(keys[i], &it); err != nil {
			return nil, err
		} else if !ok || it.Alias != "" || it.Card.State == network.PartnerRemoved {
			continue
		}
		people, err := peopleBehind(it.partner(chain), "")
		if err != nil {
			return nil, err
		}
		for _, person := range people {
			raw, ok := network.RawPerson(person)
			if !ok || it.People[person] == "" || planner.Names(id, raw) {
				continue
			}
			all = append(all, network.Verdict{Outcome: network.RowWithdraw, Partner: id, Person: raw, Epoch: it.Epoch})
			ask = append(ask, contactKey(person, chain, it.partner(chain).ID))
		}
	}
	contacts, err := s.batchGet(ctx, true, ask...)
	if err != nil {
		return nil, err
	}
	out := all[:0]
	for i, v := range all {
		var k contactItem
		if _, err := contacts.into(ask[i], &k); err != nil {
			return nil, err
		}
		switch {
		case k.JoinedAt != 0:
			v.Outcome = network.RowKeep
		case k.LeftAt != 0:
			continue
		}
		out = append(out, v)
	}
	return out, nil
}

// groups has it written which groups the rows name and what they are in the
// chain, 0 for to be made, and where the plan's partners stand. some is false if
// there is nothing of it.
func (p *planning) groups() (some bool) {
	var b []byte
	for path, id := range p.planner.Paths() {
		b = appendPlace(b, path, id)
	}
	for id := range p.planner.Stands() {
		if _, there := p.tree[id]; there {
			b = appendPlace(b, "", id)
		}
	}
	some = len(b) > 0
	for n := 0; len(b) > 0; n++ {
		part := b[:min(len(b), placesBytes)]
		b = b[len(part):]
		p.wait(groupsKey(p.imp.Chain, p.imp.ID, n), part)
	}
	return some
}

// touches has the partners written that the plan is about.
func (p *planning) touches() (bits int) {
	all := p.planner.Touches()
	slices.Sort(all)
	bits = segmentBits(len(all))
	for len(all) > 0 {
		n := segmentOf(all[0], bits)
		var b []byte
		for len(all) > 0 && segmentOf(all[0], bits) == n {
			b = binary.BigEndian.AppendUint64(b, uint64(all[0]))
			all = all[1:]
		}
		p.wait(touchKey(p.imp.Chain, p.imp.ID, n), b)
	}
	return bits
}

func appendPlace(b []byte, path string, id int) []byte {
	b = binary.AppendUvarint(b, uint64(id))
	b = binary.AppendUvarint(b, uint64(len(path)))
	return append(b, path...)
}

// placesBytes is how much of places goes into one item, of 400 KB at most.
const placesBytes = 250 << 10

// keepPlaces writes what groups a plan's are, unless an earlier run has.
func (s *Store) keepPlaces(ctx context.Context, imp network.Import, b []byte) error {
	var all []inserted
	for n := 0; len(b) > 0; n++ {
		part := b[:min(len(b), placesBytes)]
		b = b[len(part):]
		all = append(all, &planItem{placesKey(imp.Chain, imp.ID, n), part, imp.StartedAt.Add(rowsKept).Unix()})
	}
	_, err := s.insert(ctx, all)
	return err
}

// place is a group that a plan names, or, without a path, one where a partner
// of it stands.
type place struct {
	path string
	id   int
}

func (s *Store) places(ctx context.Context, imp network.Import, prefix string) ([]place, error) {
	var b strings.Builder
	err := s.queryAll(ctx, sidePartition(imp.Chain, imp.ID), prefix, true, func(raw map[string]types.AttributeValue) error {
		b.Write(packedOf(raw))
		return nil
	})
	var all []place
	for c := (cut{b.String(), false}); c.s != "" && err == nil; {
		id := int(c.uint())
		all = append(all, place{c.text(), id})
		if c.bad {
			err = errChunk
		}
	}
	return all, err
}

// regrouped reports whether the groups that a plan is about are others by now.
func (s *Store) regrouped(ctx context.Context, imp network.Import, it importItem) (bool, error) {
	if !it.Groups {
		return false, nil
	}
	places, err := s.places(ctx, imp, "GROUPS#")
	if err != nil {
		return false, err
	}
	tree, err := s.Tree(ctx, imp.Chain)
	if err != nil {
		return false, err
	}
	paths := tree.Paths()
	for _, p := range places {
		if p.path == "" {
			if _, there := tree[p.id]; !there {
				return true, nil
			}
			continue
		}
		path := strings.Split(p.path, "/")
		id, levels := paths.Find(path)
		if levels < len(path) {
			id = 0
		}
		if id != p.id {
			return true, nil
		}
	}
	return false, nil
}

// eachRows reads an import's rows, from one chunk to before another.
func (s *Store) eachRows(ctx context.Context, imp network.Import, from, to int, each func(n int, packed []byte) error) error {
	for n := from; n < to; {
		end := min(to, (n/partChunks+1)*partChunks)
		next := n
		err := s.between(ctx, rowsKey(imp.Chain, imp.ID, n), rowsKey(imp.Chain, imp.ID, end-1), func(raw map[string]types.AttributeValue) error {
			if keyOf(raw) != rowsKey(imp.Chain, imp.ID, next) {
				return fmt.Errorf("chunk %d of %s isn't there", next, imp.ID)
			}
			next++
			return each(next-1, packedOf(raw))
		})
		if err != nil {
			return err
		}
		if next < end {
			return fmt.Errorf("chunk %d of %s isn't there", next, imp.ID)
		}
		n = end
	}
	return nil
}

// plans reads the plans that an import has, by chunk, from one to before
// another; to past the last, all of them.
func (s *Store) plans(ctx context.Context, imp network.Import, from, to int) (map[int][]byte, error) {
	all := map[int][]byte{}
	for n := from; n < to; {
		end := min(to, (n/partChunks+1)*partChunks)
		had := len(all)
		err := s.between(ctx, planKey(imp.Chain, imp.ID, n), planKey(imp.Chain, imp.ID, end-1), func(raw map[string]types.AttributeValue) error {
			var at int
			_, err := fmt.Sscanf(keyOf(raw).SK, "PLAN#%d", &at)
			all[at] = packedOf(raw)
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(all) == had {
			break // they are made in order
		}
		n = end
	}
	return all, nil
}

// between reads the items of a partition from one sort key to another.
func (s *Store) between(ctx context.Context, from, to key, each func(map[string]types.AttributeValue) error) error {
	return s.queryPages(ctx, &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("PK = :pk AND SK BETWEEN :from AND :to"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(from.PK), ":from": str(from.SK), ":to": str(to.SK)},
	}, each)
}

// planItem is the plan of a chunk: what an import does with each row, decided
// before it is done, so that who does it again does the same (R29).
type planItem struct {
	key
	packed   []byte
	deleteAt int64
}

func (i *planItem) attributes(a *attributes) {
	a.text("PK", i.PK)
	a.text("SK", i.SK)
	a.binary("Rows", i.packed)
	a.number("DeleteAt", i.deleteAt)
}

// A chunk's plan is kept like this: a byte that says so, how many verdicts
// there are, and deflated what each is: its outcome and whether more is to be
// said, what it does, and, last, what more there is. Whom it is about the rows
// say, but for whose id is another's by now, and whom no row names.
const planVersion = 1

var outcomes = [...]network.Outcome{
	network.RowCreate, network.RowUpdate, network.RowUnchanged, network.RowWouldMove, network.RowConflict, network.RowInvalid, network.RowWithdraw, network.RowKeep,
}

const ( // beside the outcome
	planEpoch   = 1 << (4 + iota)
	planPartner // it isn't the row's
	planPerson  // likewise
	planCode
)

const (
	planOpens = 1 << iota
	planMakes
	planRevives
	planAdds
	planPlaces
)

func (p *packer) plan(verdicts []network.Verdict, ids []network.RowIDs) []byte {
	n := len(verdicts)
	b := append(p.b[:0], make([]byte, 2*n)...)
	for i := range verdicts {
		v := &verdicts[i]
		var its network.RowIDs
		if ids != nil && !v.Outcome.Failed() {
			its = ids[i]
		}
		is := byte(slices.Index(outcomes[:], v.Outcome))
		if v.Epoch != 0 {
			is |= planEpoch
			b = binary.AppendUvarint(b, uint64(v.Epoch))
		}
		if v.Partner != its.Partner {
			is |= planPartner
			b = append(b, v.Partner[:]...)
		}
		if v.Person != its.Person {
			is |= planPerson
			b = append(b, v.Person[:]...)
		}
		if v.Code != "" {
			is |= planCode
			for _, s := range []string{v.Code, v.Field} {
				b = binary.AppendUvarint(b, uint64(len(s)))
				b = append(b, s...)
			}
			b = binary.AppendUvarint(b, uint64(v.Other))
		}
		b[i] = is
		b[n+i] = bit(v.Opens, planOpens) | bit(v.Makes, planMakes) | bit(v.Revives, planRevives) | bit(v.Adds, planAdds) | bit(v.Places, planPlaces)
	}
	p.b = b
	p.out.Reset()
	p.out.Write(binary.AppendUvarint([]byte{planVersion}, uint64(n)))
	p.deflate(b)
	return bytes.Clone(p.out.Bytes())
}

func bit(is bool, b byte) byte {
	if is {
		return b
	}
	return 0
}

// unpackPlan reads a chunk's plan; without the rows' ids, whom a verdict is
// about is left out where the row says it.
func unpackPlan(packed []byte, ids []network.RowIDs) ([]network.Verdict, error) {
	u := unpacker{z: takeInflater()}
	defer u.close()
	head := cut{string(packed[:min(len(packed), 12)]), false}
	if head.byte() != planVersion {
		return nil, errChunk
	}
	n := int(head.uint())
	text, err := u.inflate(packed[min(len(packed), 12)-len(head.s):])
	if err != nil || head.bad || n > ChunkRows {
		return nil, errors.Join(errChunk, err)
	}
	c := cut{text, false}
	is, does := c.take(n), c.take(n)
	if c.bad || ids != nil && len(ids) != n {
		return nil, errChunk
	}
	all := make([]network.Verdict, n)
	for i := range all {
		v := &all[i]
		if int(is[i]&15) >= len(outcomes) {
			return nil, errChunk
		}
		v.Outcome = outcomes[is[i]&15]
		if ids != nil && !v.Outcome.Failed() {
			v.Partner, v.Person = ids[i].Partner, ids[i].Person
		}
		if is[i]&planEpoch != 0 {
			v.Epoch = int(c.uint())
		}
		if is[i]&planPartner != 0 {
			copy(v.Partner[:], c.take(len(v.Partner)))
		}
		if is[i]&planPerson != 0 {
			copy(v.Person[:], c.take(len(v.Person)))
		}
		if is[i]&planCode != 0 {
			v.Code, v.Field, v.Other = c.text(), c.text(), int(c.uint())
		}
		v.Opens, v.Makes, v.Revives = does[i]&planOpens != 0, does[i]&planMakes != 0, does[i]&planRevives != 0
		v.Adds, v.Places = does[i]&planAdds != 0, does[i]&planPlaces != 0
	}
	if c.bad || c.s != "" {
		return nil, errChunk
	}
	return all, nil
}

// Rows lists what becomes, or became, of an import's rows, in the sheet's
// order, and behind them those whom no row names; want is the outcome asked
// for, "" for all, RowFailed for all that are refused. Before there is a plan
// there are none; of an import that has broken off, those that it came to (R31).
func (s *Store) Rows(ctx context.Context, imp network.Import, want network.Outcome, cursor string, limit int) (page []network.RowPlan, next string, err error) {
	from, skip := 0, 0
	if cursor != "" {
		sk, err := decodeCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		if from, skip, err = rowsCursor(sk); err != nil {
			return nil, "", err
		}
	}
	var done map[int]bool
	partly := imp.State == network.ImportCancelled || imp.State == network.ImportFailed
	if partly {
		if done, err = s.Applied(ctx, imp.Chain, imp.ID); err != nil {
			return nil, "", wrap("rows", err)
		}
	}
	u := newUnpacker(imp.Chain)
	defer u.close()
	// A page reads a few chunks at most, however few of their rows are wanted.
	for n := from; n < from+8; n++ {
		// Consistently: a chunk that isn't seen yet would be taken for the end.
		found, err := s.batchGet(ctx, true, planKey(imp.Chain, imp.ID, n), rowsKey(imp.Chain, imp.ID, n))
		if err != nil {
			return nil, "", wrap("rows", err)
		}
		verdicts, rows, err := planOf(found, u, imp.Chain, imp.ID, n)
		if err != nil {
			return nil, "", wrap("rows", err)
		}
		if verdicts == nil {
			return page, "", nil
		}
		if partly && !done[n] {
			skip = 0
			continue
		}
		for i := range verdicts {
			if i < skip || !verdicts[i].Outcome.Is(want) {
				continue
			}
			if len(page) == limit {
				return page, encodeRows(n, i), nil
			}
			page = append(page, listedRow(&verdicts[i], rows, i))
		}
		skip = 0
	}
	return page, encodeRows(from+8, 0), nil
}

// planOf is a chunk's plan with its rows, nil if it has none; of whom no row
// names, there are no rows.
func planOf(found items, u *unpacker, chain, imp string, n int) ([]network.Verdict, []network.RosterRow, error) {
	plan, planned := found[planKey(chain, imp, n)]
	if !planned {
		return nil, nil, nil
	}
	var c chunk
	if raw, ok := found[rowsKey(chain, imp, n)]; ok {
		var err error
		if c, err = u.unpack(packedOf(raw)); err != nil {
			return nil, nil, err
		}
	}
	verdicts, err := unpackPlan(packedOf(plan), c.ids)
	return verdicts, c.rows, err
}

func listedRow(v *network.Verdict, rows []network.RosterRow, i int) network.RowPlan {
	out := network.RowPlan{Outcome: v.Outcome, Code: v.Code, Field: v.Field, Adds: v.Adds}
	if i < len(rows) {
		r := &rows[i]
		out.Row = r.Number
		if r.Code != "" {
			out.Code, out.Field, out.Detail = r.Code, r.Field, r.Detail
		}
	}
	if v.Other != 0 {
		out.Detail = fmt.Sprintf("row %d", v.Other)
	}
	if !v.Outcome.Failed() {
		out.Partner, out.Person = v.Partner.Partner(), v.Person.Person()
	}
	return out
}

// Refused gives the rows that an import's plan refuses, in the sheet's order.
func (s *Store) Refused(ctx context.Context, imp network.Import, each func(network.RowPlan) error) error {
	it, err := s.importItem(ctx, imp.Chain, imp.ID)
	if err != nil {
		return wrap("refused", err)
	}
	u := newUnpacker(imp.Chain)
	defer u.close()
	for from := 0; from < it.Chunks; from += partChunks {
		to := min(from+partChunks, it.Chunks)
		plans, err := s.plans(ctx, imp, from, to)
		if err != nil {
			return wrap("refused", err)
		}
		err = s.eachRows(ctx, imp, from, to, func(n int, packed []byte) error {
			verdicts, err := unpackPlan(plans[n], nil)
			if err != nil || !slices.ContainsFunc(verdicts, func(v network.Verdict) bool { return v.Outcome.Failed() }) {
				return err
			}
			c, err := u.unpack(packed)
			for i := range verdicts {
				if err != nil {
					break
				}
				if verdicts[i].Outcome.Failed() {
					err = each(listedRow(&verdicts[i], c.rows, i))
				}
			}
			return err
		})
		if err != nil {
			return wrap("refused", err)
		}
	}
	return nil
}

// binary adds an attribute of bytes.
func (a *attributes) binary(name string, b []byte) {
	a.name(name)
	a.values = base64.StdEncoding.AppendEncode(append(a.values, `{"B":"`...), b)
	a.values = append(a.values, `"}`...)
}
