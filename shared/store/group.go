package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

type groupItem struct {
	key
	ID      int
	Name    string
	Parent  int
	Order   uint32
	Edition int
	Import  string `dynamodbav:",omitempty"`
}

// treeItem is the edition of a chain's whole tree: each change of a group
// states the one it has read, so two changes can't make a circle, or two
// siblings of one name, between them.
type treeItem struct {
	key
	Next    int // the next group's id
	Edition int
}

func newGroupItem(chain string, g network.Group) groupItem {
	return groupItem{groupKey(chain, g.ID), g.ID, g.Name, g.Parent, g.Order, g.Edition, g.Import}
}

func (i groupItem) group() network.Group {
	return network.Group{ID: i.ID, Name: i.Name, Parent: i.Parent, Order: i.Order, Edition: i.Edition, Import: i.Import}
}

func groupTarget(g network.Group) *Target { return &Target{"group", strconv.Itoa(g.ID), g.Name} }

// groupFields are those of a group that an admin can change.
func groupFields(g network.Group) Fields {
	return Fields{"name": g.Name, "parent_id": g.Parent, "order": g.Order}
}

// Tree reads a chain's groups: as many reads as there are groups, which are
// few beside its partners.
func (s *Store) Tree(ctx context.Context, chain string) (network.Tree, error) {
	tree, _, err := s.tree(ctx, chain)
	return tree, wrap("tree", err)
}

// KeptTree is Tree, for one read as long as no group has changed since it was
// read last. It is to be read only.
func (s *Store) KeptTree(ctx context.Context, chain string) (network.Tree, error) {
	tree, err := s.keptTree(ctx, chain)
	return tree, wrap("tree", err)
}

func (s *Store) tree(ctx context.Context, chain string) (network.Tree, treeItem, error) {
	tree, edition := network.Tree{}, treeItem{}
	err := s.queryAll(ctx, treeKey(chain).PK, "", true, func(item map[string]types.AttributeValue) error {
		if keyOf(item) == treeKey(chain) {
			return attributevalue.UnmarshalMap(item, &edition)
		}
		var it groupItem
		err := attributevalue.UnmarshalMap(item, &it)
		tree[it.ID] = it.group()
		return err
	})
	return tree, edition, err
}

// Group is one group of a chain, or ErrGroupNotFound.
func (s *Store) Group(ctx context.Context, chain string, id int) (network.Group, error) {
	if id < network.RootGroup {
		return network.Group{}, network.ErrGroupNotFound
	}
	var it groupItem
	found, err := s.get(ctx, groupKey(chain, id), &it)
	if err != nil {
		return network.Group{}, wrap("group", err)
	}
	if !found {
		return network.Group{}, network.ErrGroupNotFound
	}
	return it.group(), nil
}

// CreateGroup adds a group and gives it its id: ErrGroupNotFound (parent),
// ErrNameTaken (a sibling has the name).
func (s *Store) CreateGroup(ctx context.Context, chain string, g network.Group, once Once) (network.Group, error) {
	var ref string
	at := once.Now
	err := s.once(ctx, once, &ref, &at, func() (*tx, error) {
		tree, edition, err := s.tree(ctx, chain)
		if err != nil {
			return nil, err
		}
		if err := tree.CheckPlace(0, g.Name, g.Parent); err != nil {
			return nil, err
		}
		g.ID, g.Edition = edition.Next, 1
		ref = strconv.Itoa(g.ID)
		t := s.tx()
		s.editTree(t, chain, edition, 1)
		t.put(newGroupItem(chain, g), "attribute_not_exists(PK)", nil)
		return t, s.logChange(ctx, t, chain, changeItem{What: "group_created", Target: groupTarget(g), After: groupFields(g)})
	}, func(int, map[string]types.AttributeValue) error { return nil })
	if err != nil {
		return network.Group{}, wrap("create group", err)
	}
	g.ID, err = strconv.Atoi(ref) // of the first time, if there was one
	g.Edition = 1
	return g, wrap("create group", err)
}

// editTree states the tree's edition that was read, and raises it.
func (s *Store) editTree(t *tx, chain string, was treeItem, groups int) {
	t.update(treeKey(chain), "SET Edition = Edition + :one, #n = #n + :groups", "Edition = :e", map[string]string{"n": "Next"},
		vals{"one": 1, "e": was.Edition, "groups": groups})
}

// EnsureGroups makes what is missing of paths below the root (R25), as the
// import's, and gives the tree with all of them. Run twice or side by side, it
// makes each once.
func (s *Store) EnsureGroups(ctx context.Context, chain, imp string, paths [][]string) (network.Tree, error) {
	var tree network.Tree
	more := false
	err := s.commit(ctx, func() (*tx, error) {
		var edition treeItem
		var err error
		if tree, edition, err = s.tree(ctx, chain); err != nil {
			return nil, err
		}
		known := tree.Paths()
		t := s.tx()
		made := 0
		more = false
		for _, path := range paths {
			id, levels := known.Find(path)
			for _, name := range path[levels:] {
				if made == 99 { // a transaction's limit is 100
					more = true
					break
				}
				g := network.Group{ID: edition.Next + made, Name: name, Parent: id, Edition: 1, Import: imp}
				if err := tree.CheckPlace(0, name, id); err != nil {
					return nil, err
				}
				t.put(newGroupItem(chain, g), "attribute_not_exists(PK)", nil)
				tree[g.ID] = g
				known.Add(g)
				id = g.ID
				made++
			}
			if more {
				break
			}
		}
		if made == 0 {
			return nil, nil
		}
		s.editTree(t, chain, edition, made)
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	if err != nil {
		return nil, wrap("ensure groups", err)
	}
	if more {
		return s.EnsureGroups(ctx, chain, imp, paths)
	}
	return tree, nil
}

// EditGroup renames, re-parents or reorders a group (R34); the root keeps its
// place. edition, if not 0, must still be the group's: ErrPrecondition. An edit
// that changes nothing writes nothing.
func (s *Store) EditGroup(ctx context.Context, chain string, id int, name *string, parent *int, order *uint32, edition int) (network.Group, error) {
	var g network.Group
	err := s.commit(ctx, func() (*tx, error) {
		tree, was, err := s.tree(ctx, chain)
		if err != nil {
			return nil, err
		}
		var ok bool
		if g, ok = tree[id]; !ok {
			return nil, network.ErrNotFound
		}
		if edition != 0 && edition != g.Edition {
			return nil, network.ErrPrecondition
		}
		is := g
		if name != nil {
			g.Name = *name
		}
		if parent != nil {
			g.Parent = *parent
		}
		if order != nil {
			g.Order = *order
		}
		if id == network.RootGroup {
			if g.Parent != 0 {
				return nil, network.InvalidField("parent_id", "not_allowed", "the root group has no parent")
			}
			if err := network.CheckGroupName("name", g.Name); err != nil {
				return nil, err
			}
		} else if err := tree.CheckPlace(id, g.Name, g.Parent); err != nil {
			return nil, err
		}
		if g == is {
			return nil, nil
		}
		g.Edition++
		t := s.tx()
		s.editTree(t, chain, was, 0)
		t.put(newGroupItem(chain, g), "attribute_exists(PK)", nil)
		note := changeItem{What: "group_edited", Target: groupTarget(is)}
		note.Before, note.After = contrast(groupFields(is), groupFields(g))
		return t, s.logChange(ctx, t, chain, note)
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return g, wrap("edit group", err)
}

// DeleteGroup removes a group without sub-groups (R34). to is where its
// partners and live invites go, 0 for nowhere: then it must have none, else
// ErrGroupNotEmpty. edition, if not 0, must still be the group's:
// ErrPrecondition.
//
// With the one write the group is gone. Whoever is filed there follows by the
// chain's Moved, without being written: invites, and partners to all who are
// shown them (Chain.Landing). Partners are also filed anew: here, as many as a
// few seconds allow, and what is left then, or when the call breaks off, by the
// sweep, to which the same write says so.
//
// Whether there are partners is asked of the list index, which may be a moment
// behind: one who comes in just then isn't seen, and lands in the root.
func (s *Store) DeleteGroup(ctx context.Context, chain string, id, to, edition int, liveInvites func(network.Chain) (bool, error)) error {
	if id == network.RootGroup {
		return network.InvalidField("group_id", "not_allowed", "the root group can't be deleted")
	}
	err := s.turn(ctx, chain, func(t *tx, c *network.Chain) error {
		tree, was, err := s.tree(ctx, chain)
		if err != nil {
			return err
		}
		g, ok := tree[id]
		if !ok {
			if _, moved := c.Moved[id]; moved {
				return errSame // by an earlier try, or by somebody else
			}
			return network.ErrNotFound
		}
		if edition != 0 && edition != g.Edition {
			return network.ErrPrecondition // the tree's edition holds it until the write
		}
		if len(tree.Children(id)) > 0 {
			return network.ErrGroupNotEmpty
		}
		if _, ok := tree[to]; to != 0 && (!ok || to == id) {
			return network.ErrGroupNotFound
		}
		if to == 0 {
			some, err := s.groupInUse(ctx, chain, id)
			if err == nil && !some {
				some, err = liveInvites(*c)
			}
			if err != nil {
				return err
			}
			if some {
				return network.ErrGroupNotEmpty
			}
		}
		moved := make(map[int]int, len(c.Moved)+1)
		for from, at := range c.Moved {
			moved[from] = at
		}
		moved[id] = max(to, network.RootGroup)
		c.Moved = moved
		s.editTree(t, chain, was, 0)
		t.remove(groupKey(chain, id), "", nil)
		if to != 0 {
			t.put(newClearingItem(chain, id), "", nil)
		}
		return s.logChange(ctx, t, chain, changeItem{What: "group_deleted", Target: groupTarget(g), Before: groupFields(g), After: Fields{"reassign_to": c.Moved[id]}})
	}, func(int, map[string]types.AttributeValue) error { return nil })
	if err = ignoreSame(err); err != nil {
		return wrap("delete group", err)
	}
	// Whoever is still filed there goes along: also who came in between by an
	// import that had read the group before.
	cleared, err := s.clearGroup(ctx, chain, id, time.Now().Add(clearFor))
	switch {
	case err != nil:
	case to == 0 && !cleared:
		err = network.ErrBusy // who came in between has no note: it is for the next call
	case to != 0 && cleared:
		err = s.removeClearing(ctx, chain, id)
	}
	return wrap("delete group", err)
}

// clearFor is for how long a deletion begins to move partners, of its door's ten
// seconds, and sweepFor a sweep those of one group, of its five minutes.
const (
	clearFor = 5 * time.Second
	sweepFor = time.Minute
)

// clearGroup moves the partners of a deleted group to where it went; cleared is
// whether none are left.
func (s *Store) clearGroup(ctx context.Context, chain string, id int, until time.Time) (cleared bool, err error) {
	err = retry(ctx, func(int) (bool, error) {
		for {
			if time.Now().After(until) {
				return false, network.ErrBusy
			}
			left, err := s.inGroup(ctx, chain, id, 100)
			if err != nil || len(left) == 0 {
				return false, err
			}
			ids := make([]string, len(left))
			for i, p := range left {
				ids[i] = p.ID
			}
			moved, err := s.moveOn(ctx, chain, ids)
			if err != nil {
				return false, err
			}
			if moved == 0 {
				return true, nil // the index is behind: wait, and look again
			}
		}
	})
	if errors.Is(err, network.ErrBusy) {
		return false, nil
	}
	return err == nil, err
}

// movers is how many partners are moved at a time: thousands within the ten
// seconds that a request has.
const movers = 16

// moveOn moves those of the partners that stand in a deleted group to where
// it went, and on if that is deleted meanwhile. moved is how many did.
func (s *Store) moveOn(ctx context.Context, chain string, ids []string) (moved int, err error) {
	for {
		c, err := s.Chain(ctx, chain)
		if err != nil {
			return moved, err
		}
		went, errs := make([]bool, len(ids)), make([]error, len(ids))
		var wg sync.WaitGroup
		slots := make(chan struct{}, movers)
		for i, id := range ids {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				went[i], errs[i] = s.follow(ctx, c, id)
			})
		}
		wg.Wait()
		n := 0
		for _, w := range went {
			if w {
				n++
			}
		}
		moved += n
		if err := errors.Join(errs...); n == 0 || err != nil {
			return moved, err
		}
	}
}

// follow files a partner of a deleted group where that has gone; moved is
// whether it had to.
func (s *Store) follow(ctx context.Context, c network.Chain, id string) (moved bool, err error) {
	err = s.commit(ctx, func() (*tx, error) {
		it, err := s.partnerItem(ctx, c.ID, id)
		if errors.Is(err, network.ErrNotFound) {
			return nil, nil // removed since
		}
		p := it.partner(c.ID)
		p.Group = c.Landing(p.Group)
		if moved = p.Group != it.Card.Group; err != nil || !moved {
			return nil, err
		}
		t := s.tx()
		s.refilePartner(t, p, it)
		return t, nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return moved && err == nil, err
}

// groupInUse reports whether the list index has a partner in a group: it may
// be behind by who has come or gone in the last moment.
func (s *Store) groupInUse(ctx context.Context, chain string, id int) (bool, error) {
	left, err := s.inGroup(ctx, chain, id, 1)
	return len(left) > 0, err
}

// inGroup is up to limit partners of each shard and class that stand right in
// a group.
func (s *Store) inGroup(ctx context.Context, chain string, id, limit int) ([]network.Partner, error) {
	var all []network.Partner
	for i := range listShards {
		for _, class := range []string{"0", "1", "2"} {
			out, err := s.db.Query(ctx, &dynamodb.QueryInput{
				TableName: &s.table, IndexName: aws.String("list"), Limit: aws.Int32(int32(limit)),
				KeyConditionExpression: aws.String("LPK = :pk AND begins_with(LSK, :sk)"),
				ExpressionAttributeValues: map[string]types.AttributeValue{
					":pk": str(listShard(chain, i)), ":sk": str(class + fmt.Sprintf("#%010d#", id))},
			})
			if err != nil {
				return nil, err
			}
			for _, raw := range out.Items {
				p, err := listedPartner(chain, raw)
				if err != nil {
					return nil, err
				}
				all = append(all, p)
			}
		}
	}
	return all, nil
}
