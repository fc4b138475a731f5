package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

type chainItem struct {
	key
	Name, OwnerCorp, OwnerName string
	CreatedAt                  moment
	Policies                   []policyItem
	MembersMayInvite           bool
	PartnersMayInvite          bool
	PartnersSeeAnother         bool
	MembersSee                 network.MembersSee `dynamodbav:",omitempty"`
	RulesEdition               int                `dynamodbav:",omitempty"`
	Moved                      map[string]int     `dynamodbav:",omitempty"`
	Barred                     bool               `dynamodbav:",omitempty"`
	DissolvedAt                moment             `dynamodbav:",omitempty"`
	Turning                    moment             `dynamodbav:",omitempty"` // until then joins wait for who turns the gates
	PartnerLimit, PeopleLimit  int
	Edition, Gate              int
}

type policyItem struct {
	At     moment
	Policy network.JoinPolicy
}

func newChainItem(c network.Chain) chainItem {
	moved := make(map[string]int, len(c.Moved))
	for from, to := range c.Moved {
		moved[strconv.Itoa(from)] = to
	}
	policies := make([]policyItem, len(c.Policies))
	for i, p := range c.Policies {
		policies[i] = policyItem{at(p.At), p.Policy}
	}
	return chainItem{
		chainKey(c.ID), c.Name, c.OwnerCorp, c.OwnerName, at(c.CreatedAt), policies, c.MembersMayInvite, c.PartnersMayInvite, c.PartnersSeeAnother, c.MembersSee, c.RulesEdition,
		moved, c.Barred, at(c.DissolvedAt), 0, c.PartnerLimit, c.PeopleLimit, c.Edition, c.Gate,
	}
}

func (i chainItem) chain() network.Chain {
	moved := make(map[int]int, len(i.Moved))
	for from, to := range i.Moved {
		n, _ := strconv.Atoi(from) // written by newChainItem
		moved[n] = to
	}
	policies := make([]network.PolicyChange, len(i.Policies))
	for n, p := range i.Policies {
		policies[n] = network.PolicyChange{At: p.At.time(), Policy: p.Policy}
	}
	return network.Chain{
		ID: afterLast(i.PK), Name: i.Name, OwnerCorp: i.OwnerCorp, OwnerName: i.OwnerName, CreatedAt: i.CreatedAt.time(), Policies: policies,
		MembersMayInvite: i.MembersMayInvite, PartnersMayInvite: i.PartnersMayInvite, PartnersSeeAnother: i.PartnersSeeAnother, MembersSee: i.MembersSee, RulesEdition: i.RulesEdition,
		Moved: moved, Barred: i.Barred, DissolvedAt: i.DissolvedAt.time(), PartnerLimit: i.PartnerLimit, PeopleLimit: i.PeopleLimit, Edition: i.Edition, Gate: i.Gate,
	}
}

// gateItem is one of the gates through which joins enter a chain. Each says
// the chain's Gate and has a share of its quota, so that a join checks the
// rules and counts itself in one write, and a crowd spreads over them.
type gateItem struct {
	key
	Gate   int
	Joined int
	Limit  int
}

// nameItem holds a chain's name (R41). A dissolved chain's is free from
// FreeAt on.
type nameItem struct {
	key
	Chain    string
	FreeAt   int64 `dynamodbav:",omitempty"`
	DeleteAt int64 `dynamodbav:",omitempty"`
}

const nameFree = "attribute_not_exists(PK) OR FreeAt <= :now"

// CreateChain adds a chain that the corp owns: ErrNameTaken (R41),
// ErrQuotaExceeded (R46). The corp's eligibility is judged on what the caller
// read, and holds because the corp's version is a condition of the write
// (R04).
func (s *Store) CreateChain(ctx context.Context, c network.Chain, owner network.Corp, once Once) (network.Chain, error) {
	err := s.once(ctx, once, &c.ID, &c.CreatedAt, func() (*tx, error) {
		t := s.tx()
		t.put(nameItem{key: nameKey(network.FoldName(c.Name)), Chain: c.ID}, nameFree, vals{"now": c.CreatedAt.Unix()})
		t.update(corpKey(owner.ID), "SET Places.#c = :place, Owned = Owned + :one, Version = Version + :one", "Version = :v AND Owned < :max",
			map[string]string{"c": c.ID}, vals{"place": placeItem{Side: network.Owner}, "one": 1, "v": owner.Version, "max": network.MaxChains})
		t.put(newChainItem(c), "attribute_not_exists(PK)", nil)
		t.put(newGroupItem(c.ID, network.Group{ID: network.RootGroup, Name: c.Name, Edition: 1}), "", nil)
		t.put(treeItem{treeKey(c.ID), network.RootGroup + 1, 1}, "", nil)
		for i := range gates {
			t.put(gateItem{gateKey(c.ID, i), c.Gate, 0, gateShare(c.PartnerLimit, i)}, "", nil)
		}
		if s.by != nil {
			note := s.signed(changeItem{What: "chain_created", Target: &Target{"chain", c.ID, c.Name}, After: Fields{"name": c.Name, "join_policy": c.Policy()}})
			note.key = changeKey(c.ID, 1) // there can be no other before
			t.put(note, "attribute_not_exists(PK)", nil)
		}
		return t, nil
	}, func(i int, old map[string]types.AttributeValue) error {
		if i == 0 {
			return network.ErrNameTaken
		}
		var now corpItem
		if err := attributevalue.UnmarshalMap(old, &now); err != nil {
			return err
		}
		if now.Owned >= network.MaxChains {
			return network.ErrQuotaExceeded
		}
		owner = now.corp()
		c.OwnerName = owner.Name
		if !owner.Eligible() {
			return network.ErrCorpNotEligible
		}
		return nil
	})
	return c, wrap("create chain", err)
}

// gateShare is gate i's part of a chain's quota: the parts sum up to it.
func gateShare(limit, i int) int {
	share := limit / gates
	if i < limit%gates {
		share++
	}
	return share
}

// Chain is the chain of that id, dissolved or not, or ErrNotFound.
func (s *Store) Chain(ctx context.Context, id string) (network.Chain, error) {
	var it chainItem
	found, err := s.get(ctx, chainKey(id), &it)
	if err != nil {
		return network.Chain{}, wrap("chain", err)
	}
	if !found {
		return network.Chain{}, network.ErrNotFound
	}
	return it.chain(), nil
}

// EditChain changes a chain's settings if its edition is still that of was,
// else ErrPrecondition. From its commit on, joins follow the new settings
// (R16). An edit that changes nothing writes nothing.
func (s *Store) EditChain(ctx context.Context, was network.Chain, e network.ChainEdit, now time.Time) (network.Chain, error) {
	var c network.Chain
	err := s.persist(ctx, stubborn, func(try int) (*tx, error) {
		var err error
		if c, err = was.Apply(e, now); err != nil || c.Edition == was.Edition {
			return nil, err
		}
		if err := s.holdJoins(ctx, was.ID, try); err != nil {
			return nil, err
		}
		t := s.tx()
		s.writeChain(t, c, was)
		if from, to := network.FoldName(was.Name), network.FoldName(c.Name); from != to {
			t.put(nameItem{key: nameKey(to), Chain: c.ID}, nameFree, vals{"now": now.Unix()})
			t.remove(nameKey(from), "", nil)
		}
		note := changeItem{What: "chain_edited", Target: &Target{"chain", was.ID, was.Name}}
		note.Before, note.After = contrast(chainFields(was), chainFields(c))
		return t, s.logChange(ctx, t, c.ID, note)
	}, func(i int, old map[string]types.AttributeValue) error {
		if isChange(old) {
			return nil
		}
		if i > 0 {
			return network.ErrNameTaken
		}
		var is chainItem
		if err := attributevalue.UnmarshalMap(old, &is); err != nil {
			return err
		}
		if is.Edition != was.Edition {
			return network.ErrPrecondition
		}
		was = is.chain() // only the gate has moved on, by a revocation or a group that went: no setting
		return nil
	})
	return c, wrap("edit chain", err)
}

// chainFields are those of a chain that an admin can change.
func chainFields(c network.Chain) Fields {
	return Fields{
		"name": c.Name, "join_policy": string(c.Policy()), "members_may_invite": c.MembersMayInvite,
		"partners_may_invite": c.PartnersMayInvite, "partners_see_each_other": c.PartnersSeeAnother,
	}
}

// writeChain brings a chain to its next edition and moves its gates along: a
// join that has read the old one is refused by its own write. The owner's name
// is left as it is: EditCorp writes that, past editions and gates.
func (s *Store) writeChain(t *tx, c, was network.Chain) {
	i := newChainItem(c)
	set := "SET #name = :name, Policies = :policies, MembersMayInvite = :members, PartnersMayInvite = :partners, PartnersSeeAnother = :see, MembersSee = :msee, Moved = :moved, Barred = :barred, Edition = :e, Gate = :g"
	v := vals{
		"name": i.Name, "policies": i.Policies, "members": i.MembersMayInvite, "partners": i.PartnersMayInvite, "see": i.PartnersSeeAnother, "msee": i.MembersSee, "moved": i.Moved, "barred": i.Barred,
		"e": c.Edition, "g": c.Gate, "was": was.Edition, "at": was.Gate,
	}
	if i.DissolvedAt != 0 {
		set += ", DissolvedAt = :end"
		v["end"] = i.DissolvedAt
	}
	t.update(i.key, set+" REMOVE Turning", "Edition = :was AND Gate = :at", map[string]string{"name": "Name"}, v)
	s.moveGates(t, c.ID, c.Gate)
}

func (s *Store) moveGates(t *tx, chain string, to int) {
	for i := range gates {
		t.update(gateKey(chain, i), "SET Gate = :g", "attribute_exists(PK)", nil, vals{"g": to})
	}
}

// turn raises the gate of a chain together with other writes: what a join
// relies on changes. extra is asked again for each try, with the chain as it
// stands, and may change it.
//
// A join holds one gate for as long as its transaction takes, and DynamoDB
// cancels who comes to an item that is held: where joins come in a crowd, all
// sixteen are never free at once by chance. So who turns them is the more
// stubborn, and after a few tries has the joins wait (holdJoins).
func (s *Store) turn(ctx context.Context, chain string, extra func(t *tx, c *network.Chain) error, refused func(i int, old map[string]types.AttributeValue) error) error {
	return s.persist(ctx, stubborn, func(try int) (*tx, error) {
		if err := s.holdJoins(ctx, chain, try); err != nil {
			return nil, err
		}
		was, err := s.Chain(ctx, chain)
		if err != nil {
			return nil, err
		}
		c := was
		t := s.tx()
		if err := extra(t, &c); err != nil {
			return nil, err
		}
		if len(c.Moved) > network.MaxMoved && len(c.Moved) > len(was.Moved) {
			return nil, network.ErrConflict
		}
		c.Gate++
		s.writeChain(t, c, was)
		return t, nil
	}, refused)
}

// held is for how long joins wait for one try at turning the gates: longer
// than its wait and itself take, and over soon if whoever tries has died.
const held = time.Second

// holdJoins asks joins to wait, from the third try on at turning the gates.
// They read the chain anyhow, and who finds the mark there comes again after a
// wait that doubles; those under way are done meanwhile. The mark is a
// courtesy and decides nothing: by the machines' clocks, not the rules'.
func (s *Store) holdJoins(ctx context.Context, chain string, try int) error {
	if try < 2 {
		return nil
	}
	v, err := vals{"until": at(time.Now().Add(held))}.marshal()
	if err != nil {
		return err
	}
	_, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: chainKey(chain).attrs(), UpdateExpression: aws.String("SET Turning = :until"),
		ConditionExpression: aws.String("attribute_exists(PK)"), ExpressionAttributeValues: v,
	})
	if again(err) {
		return nil // somebody else turns them
	}
	return err
}

// turning reports whether a join is to wait for who turns the gates.
func (i chainItem) turning() bool { return time.Now().Before(i.Turning.time()) }

// nameHeld is how long a dissolved chain's name stays taken, and its data
// where it is (R41).
const nameHeld = 30 * 24 * time.Hour

// DissolveChain ends a chain: its invites die with this write (R41). edition,
// if not 0, must still be the chain's: ErrPrecondition.
func (s *Store) DissolveChain(ctx context.Context, id string, edition int, now time.Time) error {
	err := s.turn(ctx, id, func(t *tx, c *network.Chain) error {
		if c.Dissolved() {
			return errSame
		}
		if edition != 0 && edition != c.Edition {
			return network.ErrPrecondition
		}
		c.DissolvedAt = now
		c.Edition++
		until := now.Add(nameHeld).Unix()
		t.put(nameItem{nameKey(network.FoldName(c.Name)), id, until, until}, "", nil)
		t.update(corpKey(c.OwnerCorp), "SET Owned = Owned - :one, Version = Version + :one REMOVE Places.#c", "attribute_exists(PK)",
			map[string]string{"c": id}, vals{"one": 1})
		return nil
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return wrap("dissolve chain", ignoreSame(err))
}

// JoinedPartners is how many partners have joined a chain, from the counters
// that admit them (R47): to be shown, and a moment behind.
func (s *Store) JoinedPartners(ctx context.Context, chain string) (int, error) {
	all, err := s.gates(ctx, chain, false)
	n := 0
	for _, g := range all {
		n += g.Joined
	}
	return n, wrap("joined partners", err)
}

func (s *Store) gates(ctx context.Context, chain string, consistent bool) ([]gateItem, error) {
	keys := make([]key, gates)
	for i := range keys {
		keys[i] = gateKey(chain, i)
	}
	found, err := s.batchGet(ctx, consistent, keys...)
	if err != nil {
		return nil, err
	}
	all := make([]gateItem, gates)
	for i, k := range keys {
		if _, err := found.into(k, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Admin is a chain admin who isn't one by being super-admin.
type Admin struct {
	Person string
	Since  time.Time
}

type adminItem struct {
	key
	Since moment
}

// AddAdmin makes a member of the owner corp a chain admin; ErrNotFound if the
// person isn't one, by a condition of the write. Once more is no change.
func (s *Store) AddAdmin(ctx context.Context, c network.Chain, person string, now time.Time, once Once) error {
	ref, made := person, now
	err := s.once(ctx, once, &ref, &made, func() (*tx, error) {
		t := s.tx()
		t.check(memberKey(person, c.OwnerCorp), "attribute_exists(PK)", nil)
		t.put(adminItem{adminKey(c.ID, person), at(now)}, "attribute_not_exists(PK)", nil)
		return t, s.logAdmin(ctx, t, c, person, "admin_added")
	}, func(i int, old map[string]types.AttributeValue) error {
		switch {
		case isChange(old):
			return nil
		case i == 0:
			return network.ErrNotFound
		}
		return errSame
	})
	return wrap("add admin", err)
}

// logAdmin notes that somebody became an admin, or is one no more.
func (s *Store) logAdmin(ctx context.Context, t *tx, c network.Chain, person, what string) error {
	if s.by == nil {
		return nil
	}
	m, err := s.Member(ctx, c.OwnerCorp, person)
	if err != nil && !errors.Is(err, network.ErrNotFound) { // has left the corp: a removal all the same
		return err
	}
	return s.logChange(ctx, t, c.ID, changeItem{What: what, Target: &Target{"person", person, m.Name}})
}

// RemoveAdmin ends a person's being a chain admin. Who is none is no error.
func (s *Store) RemoveAdmin(ctx context.Context, c network.Chain, person string) error {
	err := s.commit(ctx, func() (*tx, error) {
		t := s.tx()
		if s.by == nil {
			t.remove(adminKey(c.ID, person), "", nil)
			return t, nil
		}
		var it adminItem
		if found, err := s.get(ctx, adminKey(c.ID, person), &it); err != nil || !found {
			return nil, err // nothing to note
		}
		t.remove(adminKey(c.ID, person), "attribute_exists(PK)", nil)
		return t, s.logAdmin(ctx, t, c, person, "admin_removed")
	}, func(int, map[string]types.AttributeValue) error { return nil })
	return wrap("remove admin", err)
}

// Admins are a chain's appointed admins, by person id.
func (s *Store) Admins(ctx context.Context, chain string) ([]Admin, error) {
	var all []Admin
	err := s.queryAll(ctx, adminKey(chain, "").PK, adminKey(chain, "").SK, true, func(item map[string]types.AttributeValue) error {
		var it adminItem
		err := attributevalue.UnmarshalMap(item, &it)
		all = append(all, Admin{afterLast(it.SK), it.Since.time()})
		return err
	})
	slices.SortFunc(all, func(a, b Admin) int { return strings.Compare(a.Person, b.Person) })
	return all, wrap("admins", err)
}

// ChainAdmins are the people who run a chain, each once: the owner's super-admins,
// and who was appointed and is still of the owner's people.
func (s *Store) ChainAdmins(ctx context.Context, c network.Chain) ([]network.Member, error) {
	all, err := s.SuperAdmins(ctx, c.OwnerCorp)
	if err != nil {
		return nil, err
	}
	appointed, err := s.Admins(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	for _, a := range appointed {
		if slices.ContainsFunc(all, func(m network.Member) bool { return m.Person == a.Person }) {
			continue
		}
		m, err := s.Member(ctx, c.OwnerCorp, a.Person)
		if network.KindOf(err) == network.NotFound {
			continue // has left the corp
		}
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}
