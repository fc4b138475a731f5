package store

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// ChunkRows is how many rows of a roster are planned, written and told of
// together: big enough that the keeping of it costs a row less than a tenth
// of a request, small enough that its plan is one small item.
const ChunkRows = 250

type importItem struct {
	key
	DPK, DSK                          string `dynamodbav:",omitempty"`
	Maker, MakerCorp, FileName        string
	DryRun, Whole, ApplyMoves, Notify bool         `dynamodbav:",omitempty"`
	Mode                              network.Mode `dynamodbav:",omitempty"`
	Sheet, PlanID                     string       `dynamodbav:",omitempty"`
	Read                              int          `dynamodbav:",omitempty"`
	Reverting, HasErrors              bool         `dynamodbav:",omitempty"`
	State                             network.ImportState
	CreatedAt                         moment
	PlannedAt, AppliedAt              moment `dynamodbav:",omitempty"`
	StartedAt                         moment `dynamodbav:",omitempty"`
	EndedAt                           moment `dynamodbav:",omitempty"`
	Upload                            string `dynamodbav:",omitempty"`
	Counts                            network.Counts
	FileCode                          string `dynamodbav:",omitempty"`
	FileRow                           int    `dynamodbav:",omitempty"`
	FileDetail                        string `dynamodbav:",omitempty"`
	Outbox                            string `dynamodbav:",omitempty"`
}

func newImportItem(i network.Import) importItem {
	return importItem{
		key: importKey(i.Chain, i.ID), Maker: i.Maker, MakerCorp: i.MakerCorp, FileName: i.FileName,
		DryRun: i.DryRun, Whole: i.Whole, ApplyMoves: i.ApplyMoves, Notify: i.Notify, State: i.State,
		CreatedAt: at(i.CreatedAt), StartedAt: at(i.StartedAt), EndedAt: at(i.EndedAt), Upload: i.Upload, Counts: i.Counts, FileCode: i.FileCode, FileRow: i.FileRow, FileDetail: i.FileDetail,
		Mode: i.Mode, Sheet: i.Sheet, PlanID: i.PlanID, Read: i.Read, Reverting: i.Reverting, HasErrors: i.HasErrors, PlannedAt: at(i.PlannedAt), AppliedAt: at(i.AppliedAt),
	}
}

func (i importItem) imp(chain string) network.Import {
	return network.Import{
		ID: i.SK, Chain: chain, Maker: i.Maker, MakerCorp: i.MakerCorp, FileName: i.FileName,
		DryRun: i.DryRun, Whole: i.Whole, ApplyMoves: i.ApplyMoves, Notify: i.Notify, State: i.State,
		CreatedAt: i.CreatedAt.time(), StartedAt: i.StartedAt.time(), EndedAt: i.EndedAt.time(), Upload: i.Upload, Counts: i.Counts, FileCode: i.FileCode, FileRow: i.FileRow, FileDetail: i.FileDetail,
		Mode: i.Mode, Sheet: i.Sheet, PlanID: i.PlanID, Read: i.Read, Reverting: i.Reverting, HasErrors: i.HasErrors, PlannedAt: i.PlannedAt.time(), AppliedAt: i.AppliedAt.time(),
	}
}

// CreateImport notes that a roster is about to be uploaded.
func (s *Store) CreateImport(ctx context.Context, i network.Import, once Once) (network.Import, error) {
	err := s.once(ctx, once, &i.ID, &i.CreatedAt, func() (*tx, error) {
		t := s.tx()
		t.put(newImportItem(i), "attribute_not_exists(PK)", nil)
		return t, nil
	}, nil)
	return i, wrap("create import", err)
}

// Import is the chain's import of that id, or ErrNotFound.
func (s *Store) Import(ctx context.Context, chain, id string) (network.Import, error) {
	var it importItem
	found, err := s.get(ctx, importKey(chain, id), &it)
	if err != nil {
		return network.Import{}, wrap("import", err)
	}
	if !found {
		return network.Import{}, network.ErrNotFound
	}
	return it.imp(chain), nil
}

// Imports lists a chain's imports, newest first.
func (s *Store) Imports(ctx context.Context, chain, cursor string, limit int) ([]network.Import, string, error) {
	found, next, err := s.page(ctx, &dynamodb.QueryInput{ScanIndexForward: aws.Bool(false)}, importKey(chain, "").PK, cursor, limit)
	if err != nil {
		return nil, "", wrap("imports", err)
	}
	page := make([]network.Import, len(found))
	for i, raw := range found {
		var it importItem
		if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
			return nil, "", wrap("imports", err)
		}
		page[i] = it.imp(chain)
	}
	return page, next, nil
}

// unfinished is after what time an import that is still being read has broken
// off for good: a run takes at most a quarter of an hour, and of three the
// last begins minutes after the first has ended.
const unfinished = 2 * time.Hour

// BeginImport takes an import on, for the object with that ETag. Who begins
// it again, after a crash or by a second delivery, gets it as the first did.
// Another object for the same import is ErrStale. One that has ended is given
// as it ended; one that nobody ends, the sweep does.
func (s *Store) BeginImport(ctx context.Context, chain, id, etag string, now time.Time) (network.Import, error) {
	var imp network.Import
	err := s.commit(ctx, func() (*tx, error) {
		var err error
		if imp, err = s.Import(ctx, chain, id); err != nil {
			return nil, err
		}
		switch {
		case imp.State == network.ImportWaiting:
		case imp.Upload != etag:
			return nil, network.ErrStale
		default:
			return nil, nil
		}
		imp.State, imp.Upload, imp.StartedAt = network.ImportReading, etag, now
		item := newImportItem(imp)
		due := dueList(chain+"#"+id, now.Add(unfinished), now)
		item.DPK, item.DSK = due.PK, due.SK
		t := s.tx()
		t.put(item, "#s = :waiting", vals{"waiting": network.ImportWaiting})
		t.items[0].Put.ExpressionAttributeNames = map[string]string{"#s": "State"}
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return imp, wrap("begin import", err)
}

// EndImport says how an import ended; the first to say so is right. ends is
// when its notices do, zero if none were sent: the sweep tells the maker then.
func (s *Store) EndImport(ctx context.Context, i network.Import, ends time.Time) error {
	item := newImportItem(i)
	if !ends.IsZero() {
		due := dueList(i.Chain+"#"+i.ID, ends, i.EndedAt)
		item.DPK, item.DSK = due.PK, due.SK
	}
	if i.State == network.ImportDone {
		if err := s.followMoved(ctx, i); err != nil {
			return wrap("end import", err)
		}
	}
	err := s.commit(ctx, func() (*tx, error) {
		t := s.tx()
		t.put(item, "#s = :reading", vals{"reading": network.ImportReading})
		t.items[0].Put.ExpressionAttributeNames = map[string]string{"#s": "State"}
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return errSame })
	return wrap("end import", ignoreSame(err))
}

// ApplyImport has a plan done: the import's, that somebody has seen. It answers
// the import as it is now; one that is being done, or was, as it is. ErrStale
// if its plan is another, or the chain has moved on in a way that touches it
// (R28), ErrConflict if it isn't planned, ErrNotFound.
func (s *Store) ApplyImport(ctx context.Context, chain, id, planID string, now time.Time) (network.Import, error) {
	return s.turnImport(ctx, chain, id, func(imp *network.Import) (network.EventKind, error) {
		switch {
		case imp.PlanID != planID:
			return "", network.ErrStale
		case imp.State == network.ImportApplying || imp.State == network.ImportDone:
			return "", errSame
		case imp.State != network.ImportPlanned:
			return "", network.ErrConflict
		}
		imp.State, imp.AppliedAt = network.ImportApplying, now
		return network.ImportApply, nil
	})
}

// CancelImport ends an import, with what it has done by then (R30). A run of
// it notices within a chunk. One that is cancelled already is answered as it
// is, ErrConflict if it has ended otherwise, ErrNotFound.
func (s *Store) CancelImport(ctx context.Context, chain, id string, now time.Time) (network.Import, error) {
	return s.turnImport(ctx, chain, id, func(imp *network.Import) (network.EventKind, error) {
		switch imp.State {
		case network.ImportCancelled:
			return "", errSame
		case network.ImportWaiting, network.ImportReading, network.ImportPlanned, network.ImportApplying:
		default:
			return "", network.ErrConflict
		}
		imp.State, imp.EndedAt = network.ImportCancelled, now
		return network.ImportCancel, nil
	})
}

// RevertImport has an import that has ended taken back: what it made and nobody
// has joined, and its files (R30). It is Reverting until that is done, then
// ImportReverted; one that is so already is answered as it is. ErrConflict if
// it hasn't ended, or failed before it did anything, ErrNotFound.
func (s *Store) RevertImport(ctx context.Context, chain, id string, now time.Time) (network.Import, error) {
	return s.turnImport(ctx, chain, id, func(imp *network.Import) (network.EventKind, error) {
		switch {
		case imp.State == network.ImportReverted || imp.Reverting:
			return "", errSame
		case imp.State == network.ImportDone, imp.State == network.ImportCancelled, imp.State == network.ImportFailed && imp.FileCode == "not_finished":
		default:
			return "", network.ErrConflict
		}
		imp.Reverting = true
		return network.ImportRevert, nil
	})
}

// turnImport changes an import as somebody wishes, and says so to whoever runs
// imports.
func (s *Store) turnImport(ctx context.Context, chain, id string, turn func(*network.Import) (network.EventKind, error)) (network.Import, error) {
	var imp network.Import
	err := s.commit(ctx, func() (*tx, error) {
		var it importItem
		found, err := s.get(ctx, importKey(chain, id), &it)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, network.ErrNotFound
		}
		imp = it.imp(chain)
		was := imp.State
		kind, err := turn(&imp)
		if err != nil {
			return nil, err
		}
		item := newImportItem(imp)
		item.DPK, item.DSK = it.DPK, it.DSK
		item.Outbox = network.Event{ID: string(kind) + "." + id, Kind: kind, Chain: chain, Import: id}.Encode()
		t := s.tx()
		t.put(item, "#s = :was AND attribute_not_exists(Reverting)", vals{"was": was})
		t.items[0].Put.ExpressionAttributeNames = map[string]string{"#s": "State"}
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return imp, wrap("turn import", ignoreSame(err))
}

// followMoved moves on the partners that the import put into groups which were
// deleted after it had read them (R34).
func (s *Store) followMoved(ctx context.Context, i network.Import) error {
	c, err := s.Chain(ctx, i.Chain)
	if err != nil || len(c.Moved) == 0 {
		return err
	}
	plans, err := s.Plans(ctx, i.Chain, i.ID)
	if err != nil {
		return err
	}
	var ids []string
	for _, chunk := range plans {
		for _, p := range chunk {
			if _, gone := c.Moved[p.Group]; gone {
				ids = append(ids, p.Partner)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = s.moveOn(ctx, i.Chain, ids)
	return err
}

// Existing reads those partners of a chain that have one of these ids, removed
// ones too. Where the id is made of a 自定义企业ID that was given to another
// partner, that one stands under it as well as under its own (R27). A few are
// asked for one by one; for many, the chain is read in pages, which costs a
// row a tenth.
func (s *Store) Existing(ctx context.Context, chain string, ids map[string]bool) (map[string]network.Partner, error) {
	found := make(map[string]network.Partner, len(ids))
	signposts := map[string]string{}
	var mu sync.Mutex
	add := func(raw map[string]types.AttributeValue) error {
		id := afterLast(keyOf(raw).SK)
		if !ids[id] {
			return nil
		}
		var it partnerItem
		if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if it.Alias != "" {
			signposts[id] = it.Alias
		} else {
			found[id] = it.partner(chain)
		}
		return nil
	}
	if len(ids) < fewRows {
		var keys []key
		for id := range ids {
			keys = append(keys, partnerKey(chain, id))
		}
		got, err := s.batchGet(ctx, false, keys...)
		if err != nil {
			return nil, wrap("existing", err)
		}
		for _, raw := range got {
			if err := add(raw); err != nil {
				return nil, wrap("existing", err)
			}
		}
		return found, wrap("existing", s.signposted(ctx, chain, signposts, found))
	}
	errs := make([]error, partnerShards)
	var wg sync.WaitGroup
	for i := range partnerShards {
		wg.Go(func() { errs[i] = s.queryAll(ctx, partnerShard(chain, i), "", false, add) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, wrap("existing", err)
	}
	return found, wrap("existing", s.signposted(ctx, chain, signposts, found))
}

// signposted adds the partners that signposts show the way to.
func (s *Store) signposted(ctx context.Context, chain string, signposts map[string]string, found map[string]network.Partner) error {
	var keys []key
	for _, to := range signposts {
		keys = append(keys, partnerKey(chain, to))
	}
	got, err := s.batchGet(ctx, true, unique(keys)...)
	if err != nil {
		return err
	}
	for from, to := range signposts {
		var it partnerItem
		if ok, err := got.into(partnerKey(chain, to), &it); err != nil {
			return err
		} else if ok && it.Alias == "" {
			found[to] = it.partner(chain)
			found[from] = found[to]
		}
	}
	return nil
}

// fewRows is below how many partners it is cheaper to ask for each.
const fewRows = 200

// chunkItem is the plan of a chunk: what an import does with each row,
// decided before it is done, so that who does it again does the same (R29).
type chunkItem struct {
	key
	Rows []byte // deflated JSON of []network.RowPlan
}

// KeepPlan stores a chunk's plan unless it has one, and gives the one that it
// has.
func (s *Store) KeepPlan(ctx context.Context, chain, imp string, chunk int, plans []network.RowPlan) ([]network.RowPlan, error) {
	packed, err := pack(plans)
	if err != nil {
		return nil, wrap("keep plan", err)
	}
	item, err := attributevalue.MarshalMap(chunkItem{chunkKey(chain, imp, chunk), packed})
	if err != nil {
		return nil, wrap("keep plan", err)
	}
	err = retry(ctx, func(int) (bool, error) {
		_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &s.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(PK)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		if again(err) {
			return true, nil
		}
		return false, err
	})
	if has, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return unpack(has.Item)
	}
	return plans, wrap("keep plan", err)
}

// Plans reads the plans that an import has, by chunk.
func (s *Store) Plans(ctx context.Context, chain, imp string) (map[int][]network.RowPlan, error) {
	all := map[int][]network.RowPlan{}
	n := 0
	err := s.queryAll(ctx, chunkKey(chain, imp, 0).PK, "", true, func(raw map[string]types.AttributeValue) error {
		plans, err := unpack(raw)
		// The sort key counts chunks, and none is left out.
		for chunkKey(chain, imp, n).SK != keyOf(raw).SK {
			n++
		}
		all[n] = plans
		return err
	})
	return all, wrap("plans", err)
}

// Plan is one chunk's plan, nil if there is none.
func (s *Store) Plan(ctx context.Context, chain, imp string, chunk int) ([]network.RowPlan, error) {
	found, err := s.batchGet(ctx, true, chunkKey(chain, imp, chunk))
	if err != nil {
		return nil, wrap("plan", err)
	}
	raw, ok := found[chunkKey(chain, imp, chunk)]
	if !ok {
		return nil, nil
	}
	plans, err := unpack(raw)
	return plans, wrap("plan", err)
}

func pack(plans []network.RowPlan) ([]byte, error) {
	b, err := json.Marshal(plans)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

func unpack(raw map[string]types.AttributeValue) ([]network.RowPlan, error) {
	var it chunkItem
	if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(flate.NewReader(bytes.NewReader(it.Rows)))
	if err != nil {
		return nil, err
	}
	var plans []network.RowPlan
	err = json.Unmarshal(b, &plans)
	return plans, err
}

// Apply does what a chunk's plan says, once or again: partners and contacts
// are added where they are not, changed where they differ, and who has joined
// stays joined. What has come to a partner since it was planned, a removal or
// the loss of its 自定义企业ID, holds, and its rows do nothing (R29, R38). rows
// are the plan's, in its order. Last it notes that the chunk is done, and how
// many it has added: of what two imports add at once the first has it.
func (s *Store) Apply(ctx context.Context, imp network.Import, chunk int, rows []network.RosterRow, plans []network.RowPlan) error {
	var partners []*partnerChange
	byID := map[string]*partnerChange{}
	var contacts []contactItem
	var changed []contactItem
	for i, plan := range plans {
		if plan.Outcome != network.RowCreate && plan.Outcome != network.RowUpdate {
			continue
		}
		row := rows[i]
		c := byID[plan.Partner]
		if c == nil {
			c = &partnerChange{p: network.Partner{
				ID: plan.Partner, Chain: imp.Chain, State: network.PartnerPending, Imported: true, Import: imp.ID,
				Epoch: plan.Epoch, Edition: 1, People: map[string]string{},
			}}
			byID[plan.Partner] = c
			partners = append(partners, c)
		}
		c.p.Name, c.p.CustomID = row.Corp, row.CustomID
		if plan.Group != 0 {
			c.p.Group = plan.Group
		}
		c.makes, c.revives = c.makes || plan.Makes, c.revives || plan.Revives
		c.p.People[plan.Person] = row.Fingerprint()
		k := newContactItem(network.Contact{
			Person: plan.Person, Chain: imp.Chain, Partner: plan.Partner, Name: row.Contact, Phone: row.Phone, Leader: row.Leader,
			MemberCustomID: row.MemberCustomID, Import: imp.ID, Chunk: chunk, Epoch: c.p.Epoch, TokenVersion: 1, NoticeAt: imp.StartedAt, Inviter: imp.Maker, Edition: 1,
		})
		if plan.Adds {
			contacts = append(contacts, k)
		} else {
			changed = append(changed, k)
		}
	}

	if len(partners) == 0 {
		return nil
	}
	var made tallied
	var inserts []inserted
	for _, c := range partners {
		if c.makes {
			c.p.Contacts = len(c.p.People)
			item := newPartnerItem(c.p, 0)
			inserts = append(inserts, &item)
		}
	}
	there, err := s.insert(ctx, inserts)
	if err != nil {
		return wrap("apply", err)
	}
	over := map[string]bool{} // partners that the plan is no longer true of
	for _, c := range partners {
		if k := partnerKey(imp.Chain, c.p.ID); c.makes && !there[k] {
			made.partners++
			continue
		}
		is, ok, err := s.mergePartner(ctx, *c)
		if err != nil {
			return wrap("apply", err)
		}
		over[c.p.ID] = !ok
		if ok && c.makes && is == imp.ID {
			made.partners++
		}
	}
	gone := func(k contactItem) bool { return over[afterLast(k.SK)] }
	contacts, changed = slices.DeleteFunc(contacts, gone), slices.DeleteFunc(changed, gone)
	inserts = inserts[:0]
	for i := range contacts {
		inserts = append(inserts, &contacts[i])
	}
	if there, err = s.insert(ctx, inserts); err != nil {
		return wrap("apply", err)
	}
	for _, k := range changed {
		if _, err := s.mergeContact(ctx, k); err != nil {
			return wrap("apply", err)
		}
	}
	for _, k := range contacts {
		mine := true
		if there[k.key] {
			if mine, err = s.mergeContact(ctx, k); err != nil {
				return wrap("apply", err)
			}
		}
		if mine {
			made.contacts++
		}
	}
	return wrap("apply", s.tallyChunk(ctx, imp, chunk, made))
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
			if it.Name == k.Name && it.Leader == k.Leader && it.MemberCustomID == k.MemberCustomID {
				return nil, nil
			}
			it.Name, it.Leader, it.MemberCustomID = k.Name, k.Leader, k.MemberCustomID
		}
		it.Edition = was + 1
		t.put(it, "Edition = :e", vals{"e": was})
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return mine, err
}

// Rows lists what became of an import's rows, in the sheet's order; want is
// the outcome asked for, "" for all.
func (s *Store) Rows(ctx context.Context, chain, imp string, want network.Outcome, cursor string, limit int) (page []network.RowPlan, next string, err error) {
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
	// A page reads a few chunks at most, however few of their rows are wanted.
	for chunk := from; chunk < from+8; chunk++ {
		plans, err := s.Plan(ctx, chain, imp, chunk)
		if err != nil {
			return nil, "", err
		}
		if plans == nil {
			return page, "", nil
		}
		for i, p := range plans {
			if i < skip || !p.Outcome.Is(want) {
				continue
			}
			if len(page) == limit {
				return page, encodeRows(chunk, i), nil
			}
			page = append(page, p)
		}
		skip = 0
	}
	return page, encodeRows(from+8, 0), nil
}
