package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// An import of a million rows is eighty thousand requests of this one kind,
// and the SDK's own way of writing one takes a millisecond: maps, reflection,
// an object an attribute. So the items of a roster write themselves, straight
// into the request's body, and sender.go sends that.

// inserted is an item that insert can add.
type inserted interface {
	where() key
	// attributes gives all that attributevalue.MarshalMap would.
	attributes(a *attributes)
}

func (k key) where() key { return k }

func (i *partnerItem) attributes(a *attributes) {
	a.text("PK", i.PK)
	a.text("SK", i.SK)
	a.optional("LPK", i.LPK)
	a.optional("LSK", i.LSK)
	a.name("Card")
	a.values = i.Card.append(a.values)
	a.name("People")
	a.values = appendTexts(a.values, i.People)
	a.optional("Import", i.Import)
	a.number("Epoch", int64(i.Epoch))
	a.number("Edition", int64(i.Edition))
	a.number("Gate", int64(i.Gate))
	a.optional("Alias", i.Alias)
}

func (c *partnerCard) append(b []byte) []byte {
	b = appendText(append(b, `{"M":{"Name":`...), c.Name)
	if c.Alias != "" {
		b = appendText(append(b, `,"Alias":`...), c.Alias)
	}
	if c.CustomID != "" {
		b = appendText(append(b, `,"CustomID":`...), c.CustomID)
	}
	b = appendNumber(append(b, `,"Group":`...), int64(c.Group))
	b = appendText(append(b, `,"State":`...), string(c.State))
	if c.Corp != "" {
		b = appendText(append(b, `,"Corp":`...), c.Corp)
	}
	if c.Imported {
		b = append(b, `,"Imported":{"BOOL":true}`...)
	}
	b = appendNumber(append(b, `,"Contacts":`...), int64(c.Contacts))
	b = appendNumber(append(b, `,"Joined":`...), int64(c.Joined))
	if c.JoinedAt != 0 {
		b = appendNumber(append(b, `,"JoinedAt":`...), int64(c.JoinedAt))
	}
	return append(b, `}}`...)
}

func (i *contactItem) attributes(a *attributes) {
	a.text("PK", i.PK)
	a.text("SK", i.SK)
	a.text("Name", i.Name)
	a.text("Phone", i.Phone)
	a.flag("Leader", i.Leader)
	a.optional("MemberCustomID", i.MemberCustomID)
	a.optional("Import", i.Import)
	a.count("Chunk", int64(i.Chunk))
	a.count("Epoch", int64(i.Epoch))
	a.count("TokenVersion", int64(i.TokenVersion))
	a.count("NoticeAt", int64(i.NoticeAt))
	a.optional("Undeliverable", string(i.Undeliverable))
	a.count("OpenedAt", int64(i.OpenedAt))
	a.count("DeclinedAt", int64(i.DeclinedAt))
	a.optional("Corp", i.Corp)
	a.count("JoinedAt", int64(i.JoinedAt))
	a.count("LeftAt", int64(i.LeftAt))
	a.count("CameAt", int64(i.CameAt))
	a.optional("Inviter", i.Inviter)
	a.optional("Invite", i.Invite)
	a.number("Edition", int64(i.Edition))
	a.optional("Withdrawn", i.Withdrawn)
	a.set("Counted", i.Counted)
	a.optional("Outbox", i.Outbox)
}

// attributes are an item's on the way into its INSERT: the names, as the
// statement lists them, and the values that it is filled in with, as
// DynamoDB's JSON.
type attributes struct{ names, values []byte }

// name begins an attribute; its value is to follow.
func (a *attributes) name(n string) {
	if len(a.names) > 0 {
		a.names, a.values = append(a.names, ','), append(a.values, ',')
	}
	a.names = append(a.names, '\'')
	a.names = append(a.names, n...)
	a.names = append(a.names, `':?`...)
}

func (a *attributes) text(name, s string) {
	a.name(name)
	a.values = appendText(a.values, s)
}

func (a *attributes) number(name string, n int64) {
	a.name(name)
	a.values = appendNumber(a.values, n)
}

// optional, count, flag and set are for what is left out when it is nothing.
func (a *attributes) optional(name, s string) {
	if s != "" {
		a.text(name, s)
	}
}

func (a *attributes) count(name string, n int64) {
	if n != 0 {
		a.number(name, n)
	}
}

func (a *attributes) flag(name string, is bool) {
	if is {
		a.name(name)
		a.values = append(a.values, `{"BOOL":true}`...)
	}
}

func (a *attributes) set(name string, all []string) {
	if len(all) == 0 {
		return
	}
	a.name(name)
	a.values = append(a.values, `{"SS":[`...)
	for i, s := range all {
		if i > 0 {
			a.values = append(a.values, ',')
		}
		a.values = appendString(a.values, s)
	}
	a.values = append(a.values, `]}`...)
}

func appendText(b []byte, s string) []byte {
	return append(appendString(append(b, `{"S":`...), s), '}')
}

func appendNumber(b []byte, n int64) []byte {
	return append(strconv.AppendInt(append(b, `{"N":"`...), n, 10), `"}`...)
}

func appendTexts(b []byte, m map[string]string) []byte {
	if m == nil {
		return append(b, `{"NULL":true}`...)
	}
	b = append(b, `{"M":{`...)
	first := true
	for k, v := range m {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendText(append(appendString(b, k), ':'), v)
	}
	return append(b, `}}`...)
}

// appendString adds a JSON string. What isn't UTF-8 becomes U+FFFD, as it does
// with the SDK.
func appendString(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	b = append(b, '"')
	done := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[done:i]...)
		if c < ' ' {
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			b = append(b, '\\', c)
		}
		done = i + 1
	}
	return append(append(b, s[done:]...), '"')
}

// bulk is the most statements that one request may have.
const bulk = 25

// insert adds items that are not there, 25 a request (the limit of PartiQL
// batches), and gives the keys of those that are. A write unit each, index
// entries aside; BatchWriteItem would cost the same and overwrite who has
// joined. What the table had no time for is sent again, with waits. No two
// items may have the same key.
func (s *Store) insert(ctx context.Context, all []inserted) (there map[key]bool, err error) {
	there = map[key]bool{}
	for left := range slices.Chunk(all, bulk) {
		err := retry(ctx, func(int) (bool, error) {
			answers, err := s.insertOnce(ctx, left)
			if err != nil {
				return false, err
			}
			var back []inserted
			for i, r := range answers {
				if r.Error == nil {
					continue
				}
				switch types.BatchStatementErrorCodeEnum(r.Error.Code) {
				case types.BatchStatementErrorCodeEnumDuplicateItem:
					there[left[i].where()] = true
				case types.BatchStatementErrorCodeEnumThrottlingError, types.BatchStatementErrorCodeEnumProvisionedThroughputExceeded,
					types.BatchStatementErrorCodeEnumTransactionConflict, types.BatchStatementErrorCodeEnumInternalServerError, types.BatchStatementErrorCodeEnumRequestLimitExceeded:
					back = append(back, left[i])
				default:
					return false, errors.New("insert: " + r.Error.Code)
				}
			}
			left = back
			return len(left) > 0, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return there, nil
}

// insertOnce sends at most 25 items in one request. answers are by item; nil
// says that all were added.
func (s *Store) insertOnce(ctx context.Context, items []inserted) (answers []stated, err error) {
	b := insertions.Get().(*insertion)
	b.body = appendInserts(b.body[:0], s.table, items, &b.scratch)
	answers, tries, err := s.sender.insert(ctx, s.table, b.body, len(items))
	if err == nil && tries == 1 { // of a request that was given up, somebody may still be reading the body
		insertions.Put(b)
	}
	return answers, err
}

// insertion is the memory that a request takes, which can be used again.
type insertion struct {
	body    []byte
	scratch attributes
}

var insertions = sync.Pool{New: func() any { return new(insertion) }}

// appendInserts adds the body of a request that puts each item where there is
// none. a is for it to write in.
func appendInserts(b []byte, table string, items []inserted, a *attributes) []byte {
	b = append(b, `{"Statements":[`...)
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
		a.names, a.values = a.names[:0], a.values[:0]
		item.attributes(a)
		b = append(b, `{"Statement":"INSERT INTO \"`...)
		b = append(b, table...) // letters, digits and _.- only
		b = append(b, `\" VALUE {`...)
		b = append(b, a.names...)
		b = append(b, `}","Parameters":[`...)
		b = append(b, a.values...)
		b = append(b, `]}`...)
	}
	return append(b, `]}`...)
}
