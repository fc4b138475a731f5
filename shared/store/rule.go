package store

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// ruleItem is a visibility rule (R36). All of a chain lie together.
type ruleItem struct {
	key
	Members []string           `dynamodbav:",omitempty"`
	Roles   []network.HostRole `dynamodbav:",omitempty"`
	Groups  []int              `dynamodbav:",omitempty"`
	Corps   []string           `dynamodbav:",omitempty"`
	Effect  network.Effect
	Edition int
	At      moment
}

// rulesItem is the edition of a chain's rules, which the chain says too, and
// what is counted of them. It sorts before the rules: who reads it has rules
// that are no older.
type rulesItem struct {
	key
	Edition int
	Rules   int
	Day     string // UTC, of Edits
	Edits   int
}

func newRuleItem(chain string, r network.Rule) ruleItem {
	return ruleItem{ruleKey(chain, r.ID), r.Owner.Members, r.Owner.Roles, r.Partner.Groups, r.Partner.Corps, r.Effect, r.Edition, at(r.At)}
}

func (i ruleItem) rule() network.Rule {
	return network.Rule{
		ID: afterLast(i.SK), Owner: network.OwnerSide{Members: i.Members, Roles: i.Roles}, Partner: network.PartnerSide{Groups: i.Groups, Corps: i.Corps},
		Effect: i.Effect, Edition: i.Edition, At: i.At.time(),
	}
}

// Rules are a chain's, by id: in the order in which they were made.
func (s *Store) Rules(ctx context.Context, chain string) ([]network.Rule, error) {
	rules, _, err := s.rules(ctx, chain)
	return rules, wrap("rules", err)
}

func (s *Store) rules(ctx context.Context, chain string) (all []network.Rule, head rulesItem, err error) {
	err = s.queryAll(ctx, rulesKey(chain).PK, "", true, func(item map[string]types.AttributeValue) error {
		if keyOf(item) == rulesKey(chain) {
			return attributevalue.UnmarshalMap(item, &head)
		}
		var it ruleItem
		err := attributevalue.UnmarshalMap(item, &it)
		all = append(all, it.rule())
		return err
	})
	return all, head, err
}

// Rule is one rule of a chain, or ErrNotFound.
func (s *Store) Rule(ctx context.Context, chain, id string) (network.Rule, error) {
	var it ruleItem
	found, err := s.get(ctx, ruleKey(chain, id), &it)
	if err == nil && !found {
		return network.Rule{}, network.ErrNotFound
	}
	return it.rule(), wrap("rule", err)
}

// CreateRule adds a rule: ErrGroupNotFound, or ErrNotFound for a partner or a
// person that isn't there, with the field; ErrQuotaExceeded at
// network.MaxRules, ErrRateLimited at network.MaxRuleEdits of the day (R46).
func (s *Store) CreateRule(ctx context.Context, c network.Chain, r network.Rule, once Once) (network.Rule, error) {
	r.Edition, r.At = 1, once.Now
	err := s.once(ctx, once, &r.ID, &r.At, func() (*tx, error) {
		if err := s.checkRule(ctx, c, r); err != nil {
			return nil, err
		}
		t, err := s.editRules(ctx, c.ID, 1, once.Now)
		if err != nil {
			return nil, err
		}
		t.put(newRuleItem(c.ID, r), "attribute_not_exists(PK)", nil)
		return t, s.logChange(ctx, t, c.ID, changeItem{What: "rule_added", Target: ruleTarget(r), After: ruleFields(r)})
	}, refusedRule)
	return r, wrap("create rule", err)
}

// EditRule puts a rule in the place of the one of its id, with the errors of
// CreateRule: ErrNotFound if there is none. edition, if not 0, must still be
// the rule's: ErrPrecondition.
func (s *Store) EditRule(ctx context.Context, c network.Chain, id string, edit func(*network.Rule), edition int, now time.Time) (network.Rule, error) {
	var r network.Rule
	err := s.commit(ctx, func() (*tx, error) {
		t, err := s.editRules(ctx, c.ID, 0, now)
		if err != nil {
			return nil, err
		}
		// Read after the edition of all rules, which holds it until the write.
		if r, err = s.Rule(ctx, c.ID, id); err != nil {
			return nil, err
		}
		if edition != 0 && edition != r.Edition {
			return nil, network.ErrPrecondition
		}
		was := r
		edit(&r)
		if err := s.checkRule(ctx, c, r); err != nil {
			return nil, err
		}
		r.Edition, r.At = r.Edition+1, now
		t.put(newRuleItem(c.ID, r), "attribute_exists(PK)", nil)
		return t, s.logChange(ctx, t, c.ID, changeItem{What: "rule_edited", Target: ruleTarget(r), Before: ruleFields(was), After: ruleFields(r)})
	}, refusedRule)
	return r, wrap("edit rule", err)
}

// DeleteRule ends a rule: ErrNotFound if there is none; ErrRateLimited.
// edition, if not 0, must still be the rule's: ErrPrecondition.
func (s *Store) DeleteRule(ctx context.Context, chain, id string, edition int, now time.Time) error {
	err := s.commit(ctx, func() (*tx, error) {
		t, err := s.editRules(ctx, chain, -1, now)
		if err != nil {
			return nil, err
		}
		r, err := s.Rule(ctx, chain, id)
		if err != nil {
			return nil, err
		}
		if edition != 0 && edition != r.Edition {
			return nil, network.ErrPrecondition
		}
		t.remove(ruleKey(chain, id), "attribute_exists(PK)", nil)
		return t, s.logChange(ctx, t, chain, changeItem{What: "rule_removed", Target: ruleTarget(r), Before: ruleFields(r)})
	}, refusedRule)
	return wrap("delete rule", err)
}

// refusedRule: somebody else edits the rules, or the log, and so it is read
// again; but a chain that has been dissolved has none.
func refusedRule(i int, _ map[string]types.AttributeValue) error {
	if i == 0 {
		return network.ErrNotFound
	}
	return nil
}

// editRules begins an edit of a chain's rules: it raises their edition, so
// that the next request of anybody reads them anew, and counts the edit.
func (s *Store) editRules(ctx context.Context, chain string, more int, now time.Time) (*tx, error) {
	was := rulesItem{key: rulesKey(chain)}
	if _, err := s.get(ctx, rulesKey(chain), &was); err != nil {
		return nil, err
	}
	is := was
	is.Edition++
	is.Rules += more
	if day := now.UTC().Format(time.DateOnly); is.Day != day {
		is.Day, is.Edits = day, 0
	}
	is.Edits++
	switch {
	case is.Edits > network.MaxRuleEdits:
		return nil, network.ErrRateLimited
	case is.Rules > network.MaxRules && more > 0:
		return nil, network.ErrQuotaExceeded
	}
	t := s.tx()
	t.update(chainKey(chain), "SET RulesEdition = :e", "attribute_exists(PK) AND attribute_not_exists(DissolvedAt)", nil, vals{"e": is.Edition})
	if was.Edition == 0 {
		t.put(is, "attribute_not_exists(PK)", nil)
	} else {
		t.put(is, "Edition = :was", vals{"was": was.Edition})
	}
	return t, nil
}

// rulesForgotten is how many rules one transaction takes a person out of.
const rulesForgotten = 90

// forgetInRules takes a person who is erased out of the chain's rules. One that
// named nobody else goes: without anybody it would be about everybody. It is no
// edit of the day, which may have had its thousand, and nobody's: the audit list
// names the rules.
func (s *Store) forgetInRules(ctx context.Context, chain, person string, now time.Time) error {
	nobody := *s
	nobody.by = &signature{at: now}
	for more := true; more; {
		err := s.commit(ctx, func() (*tx, error) {
			more = false
			all, was, err := s.rules(ctx, chain)
			if err != nil {
				return nil, err
			}
			t, is := s.tx(), was
			var ids []string
			is.Edition++
			t.update(chainKey(chain), "SET RulesEdition = :e", "attribute_exists(PK)", nil, vals{"e": is.Edition})
			for _, r := range all {
				i := slices.Index(r.Owner.Members, person)
				if i < 0 {
					continue
				}
				if more = len(t.items) > rulesForgotten; more {
					break
				}
				ids = append(ids, r.ID)
				r.Owner.Members = slices.Delete(r.Owner.Members, i, i+1)
				if len(r.Owner.Members)+len(r.Owner.Roles) == 0 {
					t.remove(ruleKey(chain, r.ID), "attribute_exists(PK)", nil)
					is.Rules--
					continue
				}
				r.Edition++
				t.put(newRuleItem(chain, r), "attribute_exists(PK)", nil)
			}
			if len(t.items) == 1 {
				return nil, nil
			}
			t.put(is, "Edition = :was", vals{"was": was.Edition})
			return t, nobody.logChange(ctx, t, chain, changeItem{What: "rules_narrowed", Target: &Target{Kind: "rule"}, After: Fields{"rule_ids": ids}})
		}, func(int, map[string]types.AttributeValue) error { return nil }) // somebody edits them: read again
		if err != nil {
			return err
		}
	}
	return nil
}

// ruleTarget and ruleFields are what the audit list says of a rule.
func ruleTarget(r network.Rule) *Target { return &Target{Kind: "rule", ID: r.ID} }

func ruleFields(r network.Rule) Fields {
	return Fields{
		"owner":   map[string]any{"members": r.Owner.Members, "roles": r.Owner.Roles},
		"partner": map[string]any{"groups": r.Partner.Groups, "corps": r.Partner.Corps},
		"effect":  r.Effect,
	}
}

// checkRule reports what of a rule isn't there. It is asked before the write,
// not by it: a group that goes meanwhile takes its rules along (Chain.Moved),
// and of a partner or a person that goes a rule says nothing any more.
func (s *Store) checkRule(ctx context.Context, c network.Chain, r network.Rule) error {
	if err := r.Check(); err != nil {
		return err
	}
	var keys []key
	field := map[key]network.Error{}
	ask := func(k key, e network.Error) {
		if _, asked := field[k]; !asked {
			keys = append(keys, k)
			field[k] = e
		}
	}
	for _, g := range r.Partner.Groups {
		ask(groupKey(c.ID, c.Landing(g)), missing("group_not_found", "partner.groups"))
	}
	for _, p := range r.Partner.Corps {
		ask(partnerKey(c.ID, p), missing("not_found", "partner.corps"))
	}
	for _, m := range r.Owner.Members {
		ask(memberKey(m, c.OwnerCorp), missing("not_found", "owner.members"))
	}
	found, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return err
	}
	for _, k := range keys {
		there := found[k] != nil
		if there && strings.HasPrefix(k.SK, partnerKey(c.ID, "").SK) {
			var it partnerItem
			if _, err := found.into(k, &it); err != nil {
				return err
			}
			there = it.Alias == "" && it.Card.State != network.PartnerRemoved
		}
		if !there {
			e := field[k]
			return &e
		}
	}
	return nil
}

func missing(code, field string) network.Error {
	return network.Error{Kind: network.NotFound, Code: code, Fields: network.NoSuch(field)}
}

// Sight is what the actor sees of the chain that they were just read with
// (R36). Rules and groups are kept from one request to the next for as long as
// their editions say that nothing has changed: the chain's own says it of the
// rules, which so cost nothing; of the groups it costs one read, where there
// are rules about any. A partner's person costs another then, of the partner.
func (s *Store) Sight(ctx context.Context, a network.Actor) (*network.Sight, error) {
	if a.Chain.RulesEdition == 0 || a.Admin {
		own := network.Partner{}
		if a.Contact != nil {
			own.ID = a.Contact.Partner
		}
		return network.SightOf(a, own, nil, nil), nil
	}
	own, err := s.own(ctx, a)
	if err != nil {
		return nil, err
	}
	rules, err := s.seen.rulesOf(a.Chain, func() ([]network.Rule, rulesItem, error) { return s.rules(ctx, a.Chain.ID) })
	if err != nil {
		return nil, wrap("sight", err)
	}
	var tree network.Tree
	if a.Side == network.Owner && len(rules) > 0 || slices.ContainsFunc(rules, func(r network.Rule) bool { return len(r.Partner.Groups) > 0 }) {
		if tree, err = s.keptTree(ctx, a.Chain.ID); err != nil {
			return nil, wrap("sight", err)
		}
	}
	return network.SightOf(a, own, rules, tree), nil
}

// SeesTotals reports whether the actor may know how many partners the chain has
// (R36). Rules are only asked where there have been any.
func (s *Store) SeesTotals(ctx context.Context, a network.Actor) (bool, error) {
	if a.Side != network.Owner || a.SeesTotals() {
		return a.SeesTotals(), nil
	}
	sight, err := s.Sight(ctx, a)
	return err == nil && !sight.Restricted(), err
}

// SightOfGroups is Sight for who asks it of groups: those are shown too in
// which a partner stands that a rule names (R08). These partners are read.
func (s *Store) SightOfGroups(ctx context.Context, a network.Actor) (*network.Sight, error) {
	sight, err := s.Sight(ctx, a)
	if err != nil {
		return nil, err
	}
	if a.Side == network.Guest && sight.Own().Chain == "" {
		own, err := s.own(ctx, a)
		if err != nil {
			return nil, err
		}
		return network.SightOf(a, own, nil, nil), nil // no rules, or it would have been read
	}
	return s.knowing(ctx, a.Chain.ID, sight)
}

// knowing is a sight with the partners read that rules name.
func (s *Store) knowing(ctx context.Context, chain string, sight *network.Sight) (*network.Sight, error) {
	singly := sight.Scope().Singly
	if len(singly) == 0 {
		return sight, nil
	}
	found, err := s.PartnersOf(ctx, chain, singly)
	if err != nil {
		return nil, wrap("sight of groups", err)
	}
	return sight.Knowing(found), nil
}

// own is the actor's own partner, none on the owner's side.
func (s *Store) own(ctx context.Context, a network.Actor) (network.Partner, error) {
	if a.Side != network.Guest {
		return network.Partner{}, nil
	}
	return s.Partner(ctx, a.Chain.ID, a.Contact.Partner)
}

// Singly lists the partners that rules name and let the actor see, and that
// stand in none of the groups of Sight.Among, by id. within are the groups that
// the list is of, nil for all. A page may be short; next is "" at the end alone.
func (s *Store) Singly(ctx context.Context, c network.Chain, sight *network.Sight, within []int, q PartnerQuery) (found []network.Partner, next string, err error) {
	ids := sight.Scope().Singly
	from, there := slices.BinarySearch(ids, q.Cursor)
	if there {
		from++
	}
	ids = ids[from:]
	if len(ids) > q.Limit {
		ids = ids[:q.Limit]
		next = ids[q.Limit-1]
	}
	all, err := s.PartnersOf(ctx, c.ID, ids)
	if err != nil {
		return nil, "", wrap("singly", err)
	}
	for _, p := range all {
		if sight.Apart(p) && (q.State == "" || p.State == q.State) && (within == nil || slices.Contains(within, c.Landing(p.Group))) {
			found = append(found, p)
		}
	}
	return found, next, nil
}

// PartnersOf are those of the partners that are in the chain, as asked.
func (s *Store) PartnersOf(ctx context.Context, chain string, ids []string) ([]network.Partner, error) {
	keys := make([]key, len(ids))
	for i, id := range ids {
		keys[i] = partnerKey(chain, id)
	}
	found, err := s.batchGet(ctx, true, keys...)
	if err != nil {
		return nil, err
	}
	var all []network.Partner
	for _, k := range keys {
		var it partnerItem
		if there, err := found.into(k, &it); err != nil {
			return nil, err
		} else if there && it.Alias == "" && it.Card.State != network.PartnerRemoved {
			all = append(all, it.partner(chain))
		}
	}
	return all, nil
}

// keptTree is Tree, for one read if nothing has changed.
func (s *Store) keptTree(ctx context.Context, chain string) (network.Tree, error) {
	var before treeItem
	if _, err := s.get(ctx, treeKey(chain), &before); err != nil {
		return nil, err
	}
	if tree := s.seen.treeOf(chain, before.Edition); tree != nil {
		return tree, nil
	}
	tree, after, err := s.tree(ctx, chain)
	if err == nil && after.Edition == before.Edition { // else groups of two editions may be among them
		s.seen.keepTree(chain, after.Edition, tree)
	}
	return tree, err
}

// keptChains is of how many chains a process keeps rules and groups.
const keptChains = 32

// kept is what a process has read of chains lately. The zero value is empty.
type kept struct {
	mu     sync.Mutex
	chains map[string]keptChain
}

// keptChain is only put in the place of another whole: whoever has one reads
// it and nobody writes it.
type keptChain struct {
	rules        []network.Rule
	rulesEdition int
	tree         network.Tree
	treeEdition  int
}

func (k *kept) of(chain string) keptChain {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.chains[chain]
}

func (k *kept) change(chain string, to func(*keptChain)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, there := k.chains[chain]
	if !there && len(k.chains) >= keptChains {
		for other := range k.chains { // whichever: it is read again
			delete(k.chains, other)
			break
		}
	}
	if k.chains == nil {
		k.chains = map[string]keptChain{}
	}
	to(&c)
	k.chains[chain] = c
}

// rulesOf are the chain's rules, of the edition that it says or a later one.
func (k *kept) rulesOf(c network.Chain, read func() ([]network.Rule, rulesItem, error)) ([]network.Rule, error) {
	if has := k.of(c.ID); has.rulesEdition >= c.RulesEdition {
		return has.rules, nil
	}
	rules, head, err := read()
	if err != nil {
		return nil, err
	}
	k.change(c.ID, func(has *keptChain) {
		if head.Edition > has.rulesEdition {
			has.rules, has.rulesEdition = rules, head.Edition
		}
	})
	return rules, nil
}

func (k *kept) treeOf(chain string, edition int) network.Tree {
	if has := k.of(chain); has.treeEdition == edition {
		return has.tree
	}
	return nil
}

func (k *kept) keepTree(chain string, edition int, tree network.Tree) {
	k.change(chain, func(has *keptChain) {
		if edition > has.treeEdition {
			has.tree, has.treeEdition = tree, edition
		}
	})
}
