package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// migrationItem is a WeChat group that was brought to a chain (R45).
type migrationItem struct {
	key
	GroupName, Owner, OwnerName, OwnerCorp string
	Invite                                 string
	Chunks                                 int
	CreatedAt                              moment
}

// migratedItem holds that an owner's group of a name is migrated once.
type migratedItem struct {
	key
	Migration, People string
}

// migrantsItem has a hundred of a group's people. Its outbox has those told who
// are to be.
type migrantsItem struct {
	key
	People []migrantItem
	SentAt moment `dynamodbav:",omitempty"`
	Outbox string `dynamodbav:",omitempty"`
}

type migrantItem struct {
	Name      string
	Phone     string `dynamodbav:",omitempty"`
	WechatRef string `dynamodbav:",omitempty"`
	IsMember  bool   `dynamodbav:",omitempty"`
	Person    string `dynamodbav:",omitempty"`
	Outcome   network.MigrantOutcome
}

// toldItem says that a chain's notice of the day to a person is that group's.
type toldItem struct {
	key
	By       string
	DeleteAt int64
}

func (i *toldItem) attributes(a *attributes) {
	a.text("PK", i.PK)
	a.text("SK", i.SK)
	a.text("By", i.By)
	a.number("DeleteAt", i.DeleteAt)
}

// migrantsOf is how many people a chunk has: twenty chunks at most, of some
// 25 KB, and one message each to whoever tells them.
const migrantsOf = 100

func (i migrationItem) migration(chain string) network.Migration {
	return network.Migration{
		ID: i.SK, Chain: chain, GroupName: i.GroupName, Owner: i.Owner, OwnerName: i.OwnerName, OwnerCorp: i.OwnerCorp, Invite: i.Invite, CreatedAt: i.CreatedAt.time(),
	}
}

// Migrate brings a WeChat group to a chain, with the invite that is for all of
// it, and says in m what was done for each of its people (R45). One transaction
// makes it. Before it each who is to be told is marked with the chain's notice of
// the day, put-if-absent in bulk; a try that breaks off between leaves marks
// that are this group's own, and the next one finds them so.
//
// The same group of the same owner, with the same people, is the first one again
// (again is true); with others it is ErrNameTaken.
func (s *Store) Migrate(ctx context.Context, c network.Chain, m network.Migration, i network.Invite, once Once) (out network.Migration, again bool, err error) {
	mine := m.ID
	err = s.once(ctx, once, &m.ID, &m.CreatedAt, func() (*tx, error) {
		var known migratedItem
		if ok, err := s.get(ctx, migratedKey(c.ID, m.Key()), &known); err != nil {
			return nil, err
		} else if ok {
			m.ID = known.Migration
			if known.People != m.Fingerprint() {
				return nil, network.ErrNameTaken
			}
			again = true
			return nil, errSame
		}
		if err := s.settleMigrants(ctx, c, &m); err != nil {
			return nil, err
		}
		return s.migrationTx(c, m, i), nil
	}, func(n int, _ map[string]types.AttributeValue) error {
		if n == 0 {
			return nil // somebody was faster with it: read again
		}
		return network.ErrConflict
	})
	if err != nil {
		return m, false, wrap("migrate", err)
	}
	if m.ID == mine {
		return m, false, nil
	}
	m, err = s.Migration(ctx, c.ID, m.ID)
	return m, again, err
}

func (s *Store) migrationTx(c network.Chain, m network.Migration, i network.Invite) *tx {
	t := s.tx()
	t.put(migratedItem{migratedKey(c.ID, m.Key()), m.ID, m.Fingerprint()}, "attribute_not_exists(PK)", nil)
	chunks := slices.Collect(slices.Chunk(m.Members, migrantsOf))
	t.put(migrationItem{migrationKey(c.ID, m.ID), m.GroupName, m.Owner, m.OwnerName, m.OwnerCorp, i.ID, len(chunks), at(m.CreatedAt)}, "attribute_not_exists(PK)", nil)
	t.put(newInviteItem(i, i.ExpiresAt(c)), "attribute_not_exists(PK)", nil)
	for n, some := range chunks {
		it := migrantsItem{key: migrantsKey(c.ID, m.ID, n)}
		for _, k := range some {
			it.People = append(it.People, migrantItem(k))
			if k.Outcome == network.MigrantInvited && it.Outbox == "" {
				it.Outbox = network.Event{
					ID: fmt.Sprintf("migrated.%s.%d", m.ID, n), Kind: network.GroupMigrated, Chain: c.ID, Migration: m.ID, Chunk: n, Invite: i.ID,
				}.Encode()
			}
		}
		t.put(it, "attribute_not_exists(PK)", nil)
	}
	return t
}

// settleMigrants finds out who of a group is in the chain, and marks the others
// with the notice of the day.
func (s *Store) settleMigrants(ctx context.Context, c network.Chain, m *network.Migration) error {
	var people []string
	for _, k := range m.Members {
		if k.Person != "" && !k.IsMember {
			people = append(people, k.Person)
		}
	}
	slices.Sort(people)
	people = slices.Compact(people)
	joined, err := s.joinedOf(ctx, c, people)
	if err != nil {
		return err
	}
	day, by := network.DayOf(m.CreatedAt), m.Key()
	var marks []inserted
	var keys []key
	for _, p := range people {
		if !joined[p] {
			k := toldKey(p, c.ID, day)
			marks, keys = append(marks, &toldItem{k, by, m.CreatedAt.Add(2 * 24 * time.Hour).Unix()}), append(keys, k)
		}
	}
	there, err := s.insert(ctx, marks)
	if err != nil {
		return err
	}
	keys = slices.DeleteFunc(keys, func(k key) bool { return !there[k] })
	marked, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return err
	}
	told := map[string]bool{}
	for _, p := range people {
		var it toldItem
		if ok, err := marked.into(toldKey(p, c.ID, day), &it); err != nil {
			return err
		} else if ok && it.By != by {
			told[p] = true
		}
	}
	m.Settle(joined, told)
	return nil
}

// askers is how many people's places are read at a time.
const askers = 32

// joinedOf says which of the people are in the chain: as a partner's, or as one of
// the owner's own. A query each, since nothing else says where somebody is.
func (s *Store) joinedOf(ctx context.Context, c network.Chain, people []string) (map[string]bool, error) {
	joined := map[string]bool{}
	var standing []network.Contact
	var failed error
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, askers)
	for _, p := range people {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			members, contacts, err := s.person(ctx, p)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			if slices.ContainsFunc(members, func(m network.Member) bool { return m.Corp == c.OwnerCorp }) {
				joined[p] = true
			}
			for _, k := range contacts {
				if k.Chain == c.ID && k.HasJoined() {
					standing = append(standing, k)
				}
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return nil, failed
	}
	var keys []key
	for _, k := range standing {
		keys = append(keys, partnerKey(c.ID, k.Partner))
	}
	partners, err := s.batchGet(ctx, true, unique(keys)...)
	if err != nil {
		return nil, err
	}
	for _, k := range standing {
		var it partnerItem
		if ok, err := partners.into(partnerKey(c.ID, k.Partner), &it); err != nil {
			return nil, err
		} else if ok && it.Card.State == network.PartnerJoined && it.Epoch == k.Epoch {
			joined[k.Person] = true // else of an epoch that is over (R38)
		}
	}
	return joined, nil
}

// Migration is the chain's migration of that id, with its people, or ErrNotFound.
func (s *Store) Migration(ctx context.Context, chain, id string) (network.Migration, error) {
	var it migrationItem
	found, err := s.get(ctx, migrationKey(chain, id), &it)
	if err != nil {
		return network.Migration{}, wrap("migration", err)
	}
	if !found {
		return network.Migration{}, network.ErrNotFound
	}
	m := it.migration(chain)
	err = s.queryAll(ctx, migrantsKey(chain, id, 0).PK, "", true, func(raw map[string]types.AttributeValue) error {
		var it migrantsItem
		err := attributevalue.UnmarshalMap(raw, &it)
		m.Members = append(m.Members, it.members()...)
		return err
	})
	return m, wrap("migration", err)
}

func (i migrantsItem) members() []network.Migrant {
	out := make([]network.Migrant, len(i.People))
	for n, k := range i.People {
		out[n] = network.Migrant(k)
	}
	return out
}

// Migrations lists a chain's migrations that keep wants, newest first, without
// their people. The others don't show, as with Invites.
func (s *Store) Migrations(ctx context.Context, chain, cursor string, limit int, keep func(network.Migration) bool) (page []network.Migration, next string, err error) {
	for n, seen := limit+1, 0; seen < looked; n = min(4*n, inviteRound) {
		found, more, err := s.page(ctx, &dynamodb.QueryInput{ScanIndexForward: aws.Bool(false)}, migrationKey(chain, "").PK, cursor, n)
		if err != nil {
			return nil, "", wrap("migrations", err)
		}
		for _, raw := range found {
			var it migrationItem
			if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
				return nil, "", wrap("migrations", err)
			}
			if m := it.migration(chain); keep(m) {
				page = append(page, m)
			}
		}
		if len(page) > limit {
			page = page[:limit]
			return page, encodeCursor(page[limit-1].ID), nil
		}
		if cursor = more; more == "" {
			break
		}
		seen += n
	}
	return page, cursor, nil
}

// Migrants are a chunk of a migration's people who are to be told, with the
// migration and its invite. sent says that they were told before.
func (s *Store) Migrants(ctx context.Context, chain, id string, chunk int, invite string) (m network.Migration, i network.Invite, sent bool, err error) {
	keys := []key{migrationKey(chain, id), migrantsKey(chain, id, chunk), inviteKey(chain, invite)}
	found, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return m, i, false, wrap("migrants", err)
	}
	var it migrationItem
	var some migrantsItem
	var link inviteItem
	for n, v := range []any{&it, &some, &link} {
		if ok, err := found.into(keys[n], v); !ok || err != nil {
			return m, i, false, wrap("migrants", orNotFound(err))
		}
	}
	m = it.migration(chain)
	m.Members = slices.DeleteFunc(some.members(), func(k network.Migrant) bool { return k.Outcome != network.MigrantInvited })
	return m, link.invite(chain), some.SentAt != 0, nil
}

// MigrantsTold notes that a chunk's people have been told: once.
func (s *Store) MigrantsTold(ctx context.Context, chain, id string, chunk int, now time.Time) error {
	err := s.updateOnce(ctx, migrantsKey(chain, id, chunk), "SET SentAt = :now", "attribute_exists(PK) AND attribute_not_exists(SentAt)", nil, vals{"now": at(now)})
	return wrap("migrants told", err)
}
