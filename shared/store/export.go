package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// exportKept is how long an export is remembered; its file goes a day earlier.
const exportKept = 48 * time.Hour

// exportItem is an export, and how far its run has come.
type exportItem struct {
	key
	Maker, MakerCorp string
	Sight            network.Sighted
	Format, Lang     string
	State            network.ExportState
	Code             string `dynamodbav:",omitempty"`
	Rows             int
	CreatedAt        moment
	FinishedAt       moment `dynamodbav:",omitempty"`
	Work             ExportWork
	Outbox           string
	DeleteAt         int64
}

// ExportWork is where the next run of an export goes on.
type ExportWork struct {
	Step   int      // rises with each part, so that of two runs one goes on
	Cursor string   // of the page of partners that is next
	Parts  []string // what the parts that are written are called, in their order
	Whole  bool     // all are; only the file is to be made of them
	Lines  int      // in them, with the heading
	Size   int64    // bytes of the parts
	Raw    int64    // the same before they were packed
	CRC    uint32   // of those
}

func newExportItem(e network.Export, w ExportWork) exportItem {
	return exportItem{
		key: exportKey(e.Chain, e.ID), Maker: e.Maker, MakerCorp: e.MakerCorp, Sight: e.Sight,
		Format: e.Format, Lang: e.Lang, State: e.State, Code: e.Code, Rows: e.Rows, CreatedAt: at(e.CreatedAt), FinishedAt: at(e.FinishedAt), Work: w,
		Outbox:   network.Event{ID: "export." + e.ID, Kind: network.ExportAsked, Chain: e.Chain, Export: e.ID}.Encode(),
		DeleteAt: e.CreatedAt.Add(exportKept).Unix(),
	}
}

func (i exportItem) export(chain string) network.Export {
	return network.Export{
		ID: i.SK, Chain: chain, Maker: i.Maker, MakerCorp: i.MakerCorp, Sight: i.Sight,
		Format: i.Format, Lang: i.Lang, State: i.State, Code: i.Code, Rows: i.Rows, CreatedAt: i.CreatedAt.time(), FinishedAt: i.FinishedAt.time(),
	}
}

// CreateExport asks for an export: what is written is the wish, and whoever
// makes it hears of it by the outbox. One of that id that is there already is
// answered as it is.
func (s *Store) CreateExport(ctx context.Context, e network.Export, once Once) (network.Export, error) {
	err := s.once(ctx, once, &e.ID, &e.CreatedAt, func() (*tx, error) {
		t := s.tx()
		t.put(newExportItem(e, ExportWork{}), "attribute_not_exists(PK)", nil)
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return errSame })
	if err = ignoreSame(err); err != nil {
		return e, wrap("create export", err)
	}
	e, _, err = s.Export(ctx, e.Chain, e.ID)
	return e, err
}

// Export is the chain's export of that id and where its next run goes on, or
// ErrNotFound.
func (s *Store) Export(ctx context.Context, chain, id string) (network.Export, ExportWork, error) {
	var it exportItem
	found, err := s.get(ctx, exportKey(chain, id), &it)
	if err == nil && !found {
		err = network.ErrNotFound
	}
	return it.export(chain), it.Work, wrap("export", err)
}

// KeepExport writes down how far an export has come, if nobody else has since
// it was read: ErrStopped then. The work's Step is that of the reading; it is
// one more afterwards.
func (s *Store) KeepExport(ctx context.Context, e network.Export, w ExportWork) (ExportWork, error) {
	was := w.Step
	w.Step++
	err := s.commit(ctx, func() (*tx, error) {
		t := s.tx()
		t.put(newExportItem(e, w), "#w.Step = :was AND #s IN (:queued, :running)", vals{"was": was, "queued": network.ExportQueued, "running": network.ExportRunning})
		t.items[0].Put.ExpressionAttributeNames = map[string]string{"#w": "Work", "#s": "State"}
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return ErrStopped })
	return w, wrap("keep export", err)
}

// ExportPage gives add the rows of a page of partners, as the actor may see
// them: limit partners at most. next is "" at the end.
func (s *Store) ExportPage(ctx context.Context, a network.Actor, tree network.Tree, cursor string, limit int, add func(network.ExportRow)) (next string, err error) {
	sight, err := s.Sight(ctx, a)
	if err != nil {
		return "", wrap("export page", err)
	}
	page, next, err := s.exported(ctx, a, sight, cursor, limit)
	if err != nil {
		return "", err
	}
	var keys []key
	for _, p := range page {
		if sight.ExportsPeople(p) {
			keys = append(keys, partnerKey(p.Chain, p.ID))
		}
	}
	whole, err := s.batchGet(ctx, false, keys...)
	if err != nil {
		return "", wrap("export page", err)
	}
	var some []network.Partner // whose people are read together
	people := 0
	for _, p := range page {
		if sight.ExportsPeople(p) {
			var it partnerItem
			if ok, err := whole.into(partnerKey(p.Chain, p.ID), &it); err != nil {
				return "", wrap("export page", err)
			} else if !ok {
				continue
			}
			p = it.partner(p.Chain)
		}
		some = append(some, p)
		if people += len(p.People); people >= 100 { // a batch's most
			if err := s.exportPeople(ctx, sight, tree, some, add); err != nil {
				return "", wrap("export page", err)
			}
			some, people = nil, 0
		}
	}
	return next, wrap("export page", s.exportPeople(ctx, sight, tree, some, add))
}

// exported are the partners that the actor may see, a page at a time. Of who is
// kept from them none is read: how many pages there are, and so whether an export
// is answered at once, would tell how many (R36).
func (s *Store) exported(ctx context.Context, a network.Actor, sight *network.Sight, cursor string, limit int) ([]network.Partner, string, error) {
	if a.Side == network.Guest && !a.Chain.PartnersSeeAnother {
		own, err := s.Partner(ctx, a.Chain.ID, a.Contact.Partner)
		return []network.Partner{own}, "", err
	}
	q := PartnerQuery{Cursor: cursor, Limit: limit}
	if a.Side != network.Owner {
		q.State = network.PartnerJoined
	}
	read := func(q PartnerQuery) ([]network.Partner, string, error) { return s.Partners(ctx, a.Chain.ID, q) }
	// A run goes on as it has begun, though a group that has gone since may make one
	// of all groups of what was one of some.
	begun, byGroup := cursor != "", strings.Contains(cursor, ".")
	groups := sight.Among(nil)
	if groups == nil && byGroup {
		groups = sight.Scope().Groups
	}
	if groups == nil || begun && !byGroup {
		return Seen(sight, q, read)
	}
	groups, err := s.AndMoving(ctx, a.Chain, groups)
	if err != nil {
		return nil, "", err
	}
	return s.exportedOf(ctx, a.Chain, sight, groups, q, read)
}

// singlyCursor begins the cursors of partners that stand in none of the groups.
const singlyCursor = "s."

// exportedOf is exported of single groups, one after the other, and then of the
// partners that rules let the actor see in others. A page is of one group; its
// cursor says of which, and where in it.
func (s *Store) exportedOf(ctx context.Context, c network.Chain, sight *network.Sight, groups []int, q PartnerQuery, read func(PartnerQuery) ([]network.Partner, string, error)) ([]network.Partner, string, error) {
	last, singly := strings.CutPrefix(q.Cursor, singlyCursor)
	if !singly {
		var at int
		var err error
		if at, q.Cursor, err = PlaceIn(groups, q.Cursor); err != nil {
			return nil, "", err
		}
		if at < len(groups) {
			q.Group = groups[at]
			found, next, err := Seen(sight, q, read)
			switch {
			case err != nil:
				return nil, "", err
			case next != "":
				return found, fmt.Sprintf("%d.%s", groups[at], next), nil
			case at+1 < len(groups):
				return found, fmt.Sprintf("%d.", groups[at+1]), nil
			case len(sight.Scope().Singly) == 0:
				return found, "", nil
			}
			return found, singlyCursor, nil
		}
		if len(sight.Scope().Singly) == 0 {
			return nil, "", nil
		}
		last = ""
	}
	q.Group, q.Cursor = 0, last
	found, next, err := s.Singly(ctx, c, sight, nil, q)
	if next != "" {
		next = singlyCursor + next
	}
	return found, next, err
}

// exportPeople gives add the rows of partners whose people are known by id.
func (s *Store) exportPeople(ctx context.Context, sight *network.Sight, tree network.Tree, partners []network.Partner, add func(network.ExportRow)) error {
	var keys []key
	for _, p := range partners {
		for person := range p.People {
			keys = append(keys, contactKey(person, p.Chain, p.ID))
		}
	}
	found, err := s.batchGet(ctx, false, keys...)
	if err != nil {
		return err
	}
	for _, p := range partners {
		ids, err := peopleBehind(p, "")
		if err != nil {
			return err
		}
		var people []network.Contact
		for _, person := range ids {
			var it contactItem
			raw, ok := found[contactKey(person, p.Chain, p.ID)]
			if !ok {
				continue
			}
			if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
				return err
			}
			if it.Epoch == p.Epoch {
				people = append(people, it.contact())
			}
		}
		for _, r := range sight.ExportRows(p, people, tree) {
			add(r)
		}
	}
	return nil
}
