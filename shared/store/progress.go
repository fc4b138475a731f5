package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// tallyItem counts the contacts of tallyChunks chunks (R32). Each chunk is
// counted once, because the same write notes that it has been: Done when it
// was imported, Told when its notices were asked for, Sent when they were sent.
type tallyItem struct {
	key
	Imported, Notified, Undeliverable, Joined int
	Opened, Declined, Blocked, OverBudget     int
	Withdrawn, Recalled                       int
	Partners, PartnersIn                      int
	At                                        moment
	Maker                                     string   `dynamodbav:",omitempty"` // of the import
	Done, Told, Sent                          []int    `dynamodbav:",numberset,omitempty"`
	Days                                      []int    `dynamodbav:",numberset,omitempty"` // of those sent: the day times tallyChunks, and which of these chunks
	Undone                                    []string `dynamodbav:",stringset,omitempty"` // parts of imports that have withdrawn somebody of these
	Outbox                                    string

	// Of the rows that are done, what network.Counts has of them.
	Created, Updated, Unchanged, WouldMove, Conflict, Invalid int
	Notices, Named, Seats, Out, Kept                          int
}

func (i tallyItem) tally() network.Tally {
	return network.Tally{
		Imported: i.Imported, Notified: i.Notified, Queued: i.queued(), Undeliverable: i.Undeliverable, Joined: i.Joined,
		Opened: i.Opened, Declined: i.Declined, Blocked: i.Blocked, OverBudget: i.OverBudget,
		Withdrawn: i.Withdrawn, Recalled: i.Recalled, Partners: i.Partners, PartnersIn: i.PartnersIn, At: i.At.time(),
		Counts: network.Counts{
			Rows: i.Created + i.Updated + i.Unchanged + i.WouldMove + i.Conflict + i.Invalid,
			OK:   i.Created + i.Updated + i.Unchanged + i.WouldMove, Failed: i.Conflict + i.Invalid,
			Created: i.Created, Updated: i.Updated, Unchanged: i.Unchanged, WouldMove: i.WouldMove, Conflict: i.Conflict, Invalid: i.Invalid,
			Notices: i.Notices, Partners: i.Named, Seats: i.Seats, Withdrawn: i.Out, Kept: i.Kept,
		},
	}
}

// queued is how many of these are still to be told. Who was taken out before
// their turn never is, so once all chunks are sent there is nobody left.
func (i tallyItem) queued() int {
	if !slices.ContainsFunc(i.Told, func(chunk int) bool { return !slices.Contains(i.Sent, chunk) }) {
		return 0
	}
	return max(0, i.Imported-i.Notified-max(0, i.Withdrawn-i.Recalled))
}

// tallied is what a chunk was, and what it has added.
type tallied struct {
	counts             network.Counts
	contacts, partners int
}

// tallyChunk notes that a chunk has been applied, and if its contacts are to
// be told, that with it: once, however often it is called. The same chunk
// again changes nothing.
func (s *Store) tallyChunk(ctx context.Context, imp network.Import, chunk int, made tallied) error {
	v := vals{"n": made.contacts, "p": made.partners, "c": chunk, "cs": &numberSet{chunk}, "at": at(imp.StartedAt), "maker": imp.Maker}
	expr := "ADD Imported :n, Partners :p, Done :cs"
	names := map[string]string{"#at": "At"}
	c := made.counts
	for _, n := range []struct {
		name string
		is   int
	}{
		{"Created", c.Created}, {"Updated", c.Updated}, {"Unchanged", c.Unchanged}, {"WouldMove", c.WouldMove}, {"Conflict", c.Conflict}, {"Invalid", c.Invalid},
		{"Notices", c.Notices}, {"Named", c.Partners}, {"Seats", c.Seats}, {"Out", c.Withdrawn}, {"Kept", c.Kept},
	} {
		if n.is != 0 {
			expr += ", #" + n.name + " :" + n.name
			v[n.name] = n.is
			names["#"+n.name] = n.name
		}
	}
	told := imp.Notify && made.contacts > 0
	if told {
		expr += ", Told :cs"
	}
	expr += " SET #at = :at, Maker = :maker"
	if told {
		expr += ", Outbox = :o"
		v["o"] = network.Event{
			ID: fmt.Sprintf("imported.%s.%d", imp.ID, chunk), Kind: network.RosterImported, Chain: imp.Chain, Import: imp.ID, Chunk: chunk,
		}.Encode()
	}
	err := s.updateOnce(ctx, tallyKey(imp.Chain, imp.ID, chunk), expr, "NOT contains(Done, :c)", names, v)
	return wrap("tally chunk", err)
}

// TallyNotices notes that a chunk's notices were sent and when, and to how many
// in vain and why: once. What asked for them has been heard, and needn't stay.
func (s *Store) TallyNotices(ctx context.Context, chain, imp string, chunk int, sent network.Tally, now time.Time) error {
	add, v := adding(sent)
	v["c"], v["cs"], v["days"] = chunk, &numberSet{chunk}, &numberSet{int(network.DayAt(now))*tallyChunks + chunk%tallyChunks}
	err := s.updateOnce(ctx, tallyKey(chain, imp, chunk), add+", Sent :cs, Days :days REMOVE Outbox", "NOT contains(Sent, :c)", nil, v)
	return wrap("tally notices", err)
}

// adding is the expression that adds contacts to a tally. It always adds
// something, were it nothing.
func adding(t network.Tally) (expr string, v vals) {
	expr, v = "ADD Notified :Notified", vals{"Notified": t.Notified}
	for _, n := range []struct {
		name string
		is   int
	}{
		{"Undeliverable", t.Undeliverable}, {"Blocked", t.Blocked}, {"OverBudget", t.OverBudget}, {"Opened", t.Opened},
		{"Joined", t.Joined}, {"Declined", t.Declined}, {"Withdrawn", t.Withdrawn}, {"Recalled", t.Recalled},
	} {
		if n.is != 0 {
			expr += ", " + n.name + " :" + n.name
			v[n.name] = n.is
		}
	}
	return expr, v
}

// reply is what a contact says of their invite, before they join.
type reply string

const (
	opened   reply = "OpenedAt"
	declined reply = "DeclinedAt"
)

// tallyStep adds to a transaction that a contact, as it was read, has given an
// answer, and to the tally of the import that named them what that changes
// (R32). Nothing is added if it is no news: said before, or of somebody who has
// joined, whom their join counts, has left, or was withdrawn. It says so by
// false. Refused, the contact is to be read again.
func (s *Store) tallyStep(t *tx, k contactItem, said reply, now time.Time) bool {
	was := k.steps(false)
	switch {
	case k.PK == "", k.Import == "", k.JoinedAt != 0, k.LeftAt != 0, k.Epoch == gone:
		return false
	case said == opened && k.OpenedAt == 0:
		k.OpenedAt = at(now)
	case said == declined && k.DeclinedAt == 0:
		k.DeclinedAt = at(now)
	default:
		return false
	}
	t.update(k.key, "SET "+string(said)+" = :now, Edition = Edition + :one", "Edition = :e", nil, vals{"now": at(now), "one": 1, "e": k.Edition})
	if d := k.steps(false).Tally().Since(was.Tally()); d != (network.Tally{}) {
		expr, v := adding(d)
		t.update(tallyKey(afterFirst(k.SK), k.Import, k.Chunk), expr, "", nil, v)
	}
	return true
}

// answers notes what a contact says of their invite, once however often it is
// said: ErrNotFound if there is no such contact.
func (s *Store) answers(ctx context.Context, k key, said reply, now time.Time) error {
	return s.persist(ctx, stubborn, func(int) (*tx, error) {
		var it contactItem
		if found, err := s.get(ctx, k, &it); err != nil || !found {
			return nil, orNotFound(err)
		}
		t := s.tx()
		if !s.tallyStep(t, it, said, now) {
			return nil, nil
		}
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
}

// updateOnce is an update whose condition says that it hasn't been made yet.
func (s *Store) updateOnce(ctx context.Context, k key, expr, cond string, names map[string]string, v vals) error {
	_, err := s.update(ctx, k, expr, cond, names, v)
	return err
}

// update changes an item under a condition; ok is whether it was met.
func (s *Store) update(ctx context.Context, k key, expr, cond string, names map[string]string, v vals) (ok bool, err error) {
	x, err := v.marshal()
	if err != nil {
		return false, err
	}
	err = retry(ctx, func(int) (bool, error) {
		_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.table, Key: k.attrs(), UpdateExpression: &expr, ConditionExpression: &cond,
			ExpressionAttributeNames: names, ExpressionAttributeValues: x,
		})
		if _, unmet := errors.AsType[*types.ConditionalCheckFailedException](err); unmet {
			return false, nil
		}
		if again(err) {
			return true, nil
		}
		ok = err == nil
		return false, err
	})
	return ok, err
}

// numberSet marshals as a number set.
type numberSet []int

func (n *numberSet) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	out := &types.AttributeValueMemberNS{}
	for _, i := range *n {
		out.Value = append(out.Value, fmt.Sprint(i))
	}
	return out, nil
}

// stringSet marshals as a string set.
type stringSet []string

func (n *stringSet) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return &types.AttributeValueMemberSS{Value: *n}, nil
}

// Applied are the chunks of an import that have been applied.
func (s *Store) Applied(ctx context.Context, chain, imp string) (map[int]bool, error) {
	done := map[int]bool{}
	err := s.queryAll(ctx, tallyKey(chain, "", 0).PK, imp+"#", true, func(raw map[string]types.AttributeValue) error {
		var it tallyItem
		err := attributevalue.UnmarshalMap(raw, &it)
		for _, chunk := range it.Done {
			done[chunk] = true
		}
		return err
	})
	return done, wrap("applied", err)
}

// Tallies are the counters of one import, or of all of a chain if imp is "".
func (s *Store) Tallies(ctx context.Context, chain, imp string) ([]network.Tally, error) {
	tallied, err := s.Tallied(ctx, chain, imp)
	all := make([]network.Tally, len(tallied))
	for i, t := range tallied {
		all[i] = t.Tally
	}
	return all, err
}

// Tallied is a tally with whose it is: of which import, made by whom, and on
// which day the notices of its chunks went out.
type Tallied struct {
	network.Tally
	Import, Maker string
	Sent          map[int]network.Day // by chunk
}

// Tallied are the counters of one import, or of all of a chain if imp is "",
// each with whose it is.
func (s *Store) Tallied(ctx context.Context, chain, imp string) ([]Tallied, error) {
	var all []Tallied
	prefix := ""
	if imp != "" {
		prefix = imp + "#"
	}
	err := s.queryAll(ctx, tallyKey(chain, "", 0).PK, prefix, false, func(raw map[string]types.AttributeValue) error {
		var it tallyItem
		if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
			return err
		}
		of, block, err := it.whose()
		if err != nil {
			return err
		}
		t := Tallied{Tally: it.tally(), Import: of, Maker: it.Maker, Sent: map[int]network.Day{}}
		for _, chunk := range it.Sent {
			t.Sent[chunk] = network.DayAt(t.At) // of whose day nothing was noted
		}
		for _, n := range it.Days {
			t.Sent[block*tallyChunks+n%tallyChunks] = network.Day(n / tallyChunks)
		}
		all = append(all, t)
		return nil
	})
	return all, wrap("tallied", err)
}

// whose is which import the tally is of, and which tally of it.
func (i tallyItem) whose() (imp string, block int, err error) {
	imp, number, _ := strings.Cut(i.SK, "#")
	block, err = strconv.Atoi(number)
	return imp, block, err
}

// Recipient is a contact whom a chunk of an import has named, with what their
// notice calls their corp.
type Recipient struct {
	network.Contact
	PartnerName string
}

// Recipients are the contacts that a chunk has named and whose partner has not
// been taken out since; those too who have joined or left by now and are told
// nothing, for who has joined has come past the notice (R32). sent says that
// the chunk's notices were sent before. A chunk without a plan is ErrNotFound.
func (s *Store) Recipients(ctx context.Context, chain, imp string, chunk int) (all []Recipient, sent bool, err error) {
	kept, err := s.batchGet(ctx, true, planKey(chain, imp, chunk), rowsKey(chain, imp, chunk))
	if err != nil {
		return nil, false, wrap("recipients", err)
	}
	u := newUnpacker(chain)
	defer u.close()
	verdicts, _, err := planOf(kept, u, chain, imp, chunk)
	if err != nil {
		return nil, false, wrap("recipients", err)
	}
	if verdicts == nil {
		return nil, false, network.ErrNotFound
	}
	keys := []key{tallyKey(chain, imp, chunk)}
	for i := range verdicts {
		if v := &verdicts[i]; v.Adds {
			partner := v.Partner.Partner()
			keys = append(keys, contactKey(v.Person.Person(), chain, partner), partnerKey(chain, partner))
		}
	}
	found, err := s.batchGet(ctx, true, unique(keys)...)
	if err != nil {
		return nil, false, wrap("recipients", err)
	}
	var t tallyItem
	if _, err := found.into(keys[0], &t); err != nil {
		return nil, false, wrap("recipients", err)
	}
	for i := 1; i < len(keys); i += 2 {
		var k contactItem
		var p partnerItem
		if ok, err := found.into(keys[i], &k); !ok || err != nil {
			if err != nil {
				return nil, false, wrap("recipients", err)
			}
			continue
		}
		if ok, err := found.into(keys[i+1], &p); !ok || err != nil {
			if err != nil {
				return nil, false, wrap("recipients", err)
			}
			continue
		}
		if k.Import == imp && k.Chunk == chunk && p.Alias == "" && p.Epoch == k.Epoch && p.Card.State != network.PartnerRemoved {
			all = append(all, Recipient{k.contact(), p.Card.Name})
		}
	}
	return all, slices.Contains(t.Sent, chunk), nil
}

// Undeliverable notes that a contact's notice won't arrive, and why. noted is
// whether it stands with them, by this call or an earlier one: who has answered
// it, or joined, or was withdrawn, has ended otherwise.
func (s *Store) Undeliverable(ctx context.Context, k network.Contact, why network.Undelivered) (noted bool, err error) {
	it := newContactItem(k)
	err = retry(ctx, func(try int) (bool, error) {
		if try > 0 { // it has moved on
			it = contactItem{}
			if _, err := s.get(ctx, contactKey(k.Person, k.Chain, k.Partner), &it); err != nil {
				return false, err
			}
		}
		if noted = it.Undeliverable != ""; noted || it.Import != k.Import || it.Chunk != k.Chunk || it.Epoch != k.Epoch ||
			it.OpenedAt != 0 || it.DeclinedAt != 0 || it.JoinedAt != 0 || it.LeftAt != 0 {
			return false, nil
		}
		var err error
		noted, err = s.update(ctx, it.key, "SET Undeliverable = :why, Edition = Edition + :one", "Edition = :e", nil,
			vals{"why": why, "one": 1, "e": it.Edition})
		return err == nil && !noted, err
	})
	return noted, wrap("undeliverable", err)
}

// CountJoin adds a join to what counts it: the tally of the import that named
// the contact (R32), the uses of an unlimited link (R15). Once a join, because
// the contact notes it in the same write. That a partner has come counts for
// the import that made it.
//
// Whom an invite brought that is astray the admins are told of, by the invite's
// own outbox (R08).
func (s *Store) CountJoin(ctx context.Context, e network.Event) error {
	if e.Astray {
		if err := s.strayed(ctx, e.Chain, e.Invite); err != nil {
			return err
		}
	}
	err := s.commit(ctx, func() (*tx, error) {
		keys := []key{contactKey(e.Person, e.Chain, e.Partner)}
		if e.Invite != "" {
			keys = append(keys, inviteKey(e.Chain, e.Invite))
		}
		if e.First {
			keys = append(keys, partnerKey(e.Chain, e.Partner))
		}
		found, err := s.batchGet(ctx, true, keys...)
		if err != nil {
			return nil, err
		}
		var k contactItem
		if ok, err := found.into(keys[0], &k); err != nil || !ok || slices.Contains(k.Counted, e.ID) {
			return nil, err
		}
		var link inviteItem
		if e.Invite != "" {
			if _, err := found.into(keys[1], &link); err != nil {
				return nil, err
			}
		}
		var p partnerItem
		if _, err := found.into(partnerKey(e.Chain, e.Partner), &p); err != nil {
			return nil, err
		}
		// A partner counts in the import that made it, whoever is its first; not if it
		// has been removed since, and made by another.
		elsewhere := e.First && p.Import != "" && p.Import != e.Import && p.Card.JoinedAt != 0
		t := s.tx()
		ids, cond := stringSet{e.ID}, "NOT contains(Counted, :id)"
		v := vals{"id": e.ID, "ids": &ids}
		counts := e.Import != "" && !slices.Contains(k.Counted, e.Import)
		if counts { // once an import: who left and joins again is no other contact
			ids = append(ids, e.Import)
			cond += " AND NOT contains(Counted, :import)"
			v["import"] = e.Import
		}
		t.update(k.key, "ADD Counted :ids", cond, nil, v)
		if e.Invite != "" && link.PK != "" && link.MaxUses == 0 {
			t.update(keys[1], "SET Uses = Uses + :one", "attribute_exists(PK)", nil, vals{"one": 1})
		}
		if counts {
			var was network.Steps
			if k.Import == e.Import { // and hasn't been named anew since
				was = k.steps(false)
			}
			now := was
			now.Joined = true // whatever end they had come to
			expr, add := adding(now.Tally().Since(was.Tally()))
			first := 0
			if e.First && p.Import == e.Import {
				first = 1
			}
			add["first"] = first
			t.update(tallyKey(e.Chain, e.Import, e.Chunk), expr+", PartnersIn :first", "", nil, add)
		}
		if elsewhere {
			t.update(tallyKey(e.Chain, p.Import, 0), "ADD PartnersIn :one", "", nil, vals{"one": 1}) // any tally of that import
		}
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return wrap("count join", err)
}

func encodeRows(chunk, i int) string { return encodeCursor(fmt.Sprintf("%d.%d", chunk, i)) }

func rowsCursor(sk string) (chunk, i int, err error) {
	if _, err := fmt.Sscanf(sk, "%d.%d", &chunk, &i); err != nil || chunk < 0 || i < 0 || strings.Count(sk, ".") != 1 {
		return 0, 0, network.ErrCursor
	}
	return chunk, i, nil
}
