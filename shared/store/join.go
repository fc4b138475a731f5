package store

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// Look is what a token opens, before anybody joins.
type Look struct {
	Chain     network.Chain
	Invite    network.Invite // of a link
	Contact   network.Contact
	Group     string // its name, "" for the root
	ExpiresAt time.Time
	Err       error // why it lets nobody in: a Gone error, nil if it does
}

// Look reads what a ticket stands for: two reads, no write (R13). ErrNotFound
// if there is no such thing. It may be a moment behind; the join judges.
func (s *Store) Look(ctx context.Context, t network.Ticket, now time.Time) (Look, error) {
	return s.look(ctx, false, t, now)
}

func (s *Store) look(ctx context.Context, consistent bool, t network.Ticket, now time.Time) (Look, error) {
	keys := []key{chainKey(t.Chain), inviteKey(t.Chain, t.Invite)}
	if t.IsNotice() {
		keys = []key{chainKey(t.Chain), contactKey(t.Person, t.Chain, t.Partner), partnerKey(t.Chain, t.Partner)}
	}
	found, err := s.batchGet(ctx, consistent, keys...)
	if err != nil {
		return Look{}, wrap("look", err)
	}
	var chain chainItem
	if ok, err := found.into(keys[0], &chain); !ok || err != nil {
		return Look{}, wrap("look", orNotFound(err))
	}
	l := Look{Chain: chain.chain()}
	group := 0
	if t.IsNotice() {
		var k contactItem
		if ok, err := found.into(keys[1], &k); !ok || err != nil {
			return Look{}, wrap("look", orNotFound(err))
		}
		var p partnerItem
		if ok, err := found.into(keys[2], &p); !ok || err != nil {
			return Look{}, wrap("look", orNotFound(err))
		}
		l.Contact = k.contact()
		l.ExpiresAt = network.ExpiresAt(l.Contact.NoticeAt, 0, l.Chain.Policies)
		l.Err = network.NoticeUsable(l.Chain, p.partner(t.Chain), l.Contact, t.Version, now)
		group = l.Chain.Landing(p.Card.Group)
	} else {
		var i inviteItem
		if ok, err := found.into(keys[1], &i); !ok || err != nil {
			return Look{}, wrap("look", orNotFound(err))
		}
		l.Invite = i.invite(t.Chain)
		l.ExpiresAt = l.Invite.ExpiresAt(l.Chain)
		if l.Err = l.Invite.Usable(l.Chain, now); l.Invite.Version != t.Version {
			l.Err = network.ErrInviteRevoked
		}
		group = l.Chain.Landing(l.Invite.Group)
	}
	if l.Err != nil {
		return l, nil
	}
	keys = nil
	// What a partner's own people made ended with their partner.
	bound := l.Invite.Corp != "" && l.Invite.MakerPartner == ""
	if bound {
		keys = append(keys, corpKey(l.Invite.Corp))
	}
	if group > network.RootGroup {
		keys = append(keys, groupKey(t.Chain, group))
		if l.Invite.MakerPartner != "" {
			keys = append(keys, partnerKey(t.Chain, l.Invite.MakerPartner))
		}
	}
	if len(keys) == 0 {
		return l, nil
	}
	named, err := s.batchGet(ctx, false, keys...)
	if err != nil {
		return Look{}, wrap("look", err)
	}
	if bound {
		var it corpItem
		if ok, err := named.into(corpKey(l.Invite.Corp), &it); err != nil {
			return Look{}, wrap("look", err)
		} else if ok && l.Invite.OfRemoved(it.corp()) {
			l.Err = network.ErrInviteRevoked
			return l, nil
		}
	}
	if group <= network.RootGroup {
		return l, nil
	}
	if l.Invite.MakerPartner != "" {
		var p partnerItem
		if ok, err := named.into(partnerKey(t.Chain, l.Invite.MakerPartner), &p); err != nil || !ok || l.Chain.Landing(p.Card.Group) != group {
			return l, wrap("look", err) // R08: its maker sees the group no more, and it leads to the root
		}
	}
	if !t.IsNotice() && l.Invite.MakerPartner == "" && l.Chain.HasRules() {
		return l, nil // whether its maker sees the group still would take more reads than a look may (design.md, section 3)
	}
	var g groupItem
	_, err = named.into(groupKey(t.Chain, group), &g)
	l.Group = g.Name
	return l, wrap("look", err)
}

// Choice is the corp under which a person joins: one of theirs, or a new one
// (R02). Exactly one is set.
type Choice struct {
	Corp string
	New  *network.Corp // without an id: the join gives it one
}

// Join lets a person in by a ticket: one transaction, whose conditions are all
// that was judged (R15, R16). What changed meanwhile is read and judged
// again, so the answer is the truth at the moment of the commit. A repeat
// answers the first membership, and writes nothing.
//
// Where the policy wants an admin's word (R20) it makes an application under
// the same conditions, or answers the one that waits. Who chose another corp
// than their roster's partner is bound to gets ErrPartnerConflict, and an
// admin to settle it (R23); once that is done, the membership that it gave.
func (s *Store) Join(ctx context.Context, ticket network.Ticket, p network.Person, choice Choice, now time.Time) (network.Admission, error) {
	out, err := s.admit(ctx, admitting{ticket: ticket, person: p, choice: choice}, now.Truncate(time.Millisecond)) // as it is kept, and told again
	return out, wrap("join", err)
}

// admitting is somebody who is to be let in, and what is settled by that.
type admitting struct {
	ticket network.Ticket
	person network.Person
	choice Choice
	word   network.Word

	application string              // that an admin accepts,
	accepted    network.Application // and as it is then
	dispute     *disputeItem        // that an admin resolves,
	resolved    network.Dispute     // and as it is then
}

// rereads is how often a join that meets others half-way tries on what it has
// read before it reads again. The conditions judge anyhow; but who turns the
// gates is seen by a reading (holdJoins). In a crowd two of three tries are one
// request and not three.
const rereads = 3

func (s *Store) admit(ctx context.Context, q admitting, now time.Time) (network.Admission, error) {
	began := time.Now()
	chain := q.ticket.Chain
	var out network.Admission
	gate := rand.IntN(gates)
	var r *reading
	err := stubborn.retry(ctx, func(try int) (bool, error) {
		if r == nil || try%rereads == 0 {
			if q.dispute != nil && try > 0 {
				is, err := s.disputeItem(ctx, chain, q.dispute.SK)
				if err != nil || is.Edition != q.dispute.Edition {
					return false, cmp.Or(err, errDecided)
				}
			}
			fresh, err := s.readJoin(ctx, q, now)
			if errors.Is(err, errMoved) {
				return true, nil
			}
			if err != nil {
				return false, err
			}
			r = &fresh
		}
		r.joining.Waited = time.Since(began)
		j := r.joining
		waits, err := q.waiting(r)
		if err != nil {
			return false, err
		}
		target, already, err := j.Target()
		if err != nil {
			out, err = s.refused(ctx, q, r, q.ticket.Partner, err)
			return false, err
		}
		it, found := r.partners[target]
		if !found {
			if found, err = s.get(ctx, partnerKey(chain, target), &it); err != nil {
				return false, err
			}
		}
		if already != nil {
			out = network.Admission{Contact: *already, Partner: it.partner(chain), Corp: j.Corp, Repeat: true}
			out.Partner.Group = j.Chain.Landing(out.Partner.Group)
			if waits != nil && q.application != "" { // they came another way
				return s.settled(ctx, q, waits, now)
			}
			return false, nil
		}
		var stands *network.Partner
		if found && it.PK != "" && it.Card.State != "" {
			is := it.partner(chain)
			is.Group = j.Chain.Landing(is.Group) // a removed one comes back, and its group may have gone (R34)
			stands = &is
		}
		if stands == nil && !q.ticket.IsNotice() {
			// Asked only of an invite for somebody new, into a group.
			if j.Astray, err = s.astray(ctx, j.Chain, j.Invite, r.partners); err != nil {
				return false, err
			}
			if j.Astray {
				j.Invite.Group = network.RootGroup // R08
			}
		}
		if out, err = j.Admit(target, stands); err != nil {
			out, err = s.refused(ctx, q, r, target, err)
			return false, err
		}
		if out.Repeat {
			if waits != nil && q.application != "" {
				return s.settled(ctx, q, waits, now)
			}
			return false, nil
		}
		if j.Applies(out) {
			if waits != nil {
				a := waits.application()
				out = network.Admission{Application: &a, Repeat: true, Corp: j.Corp}
				return false, nil
			}
			again, a, err := s.apply(ctx, r, out, q.choice, gate)
			r, gate = nil, rand.IntN(gates)
			out = network.Admission{Application: &a, Corp: j.Corp}
			return again, err
		}
		t, where := s.joinTx(j, out, it, gate, r.member, q.person)
		if q.word.Group > network.RootGroup {
			where.group = len(t.items)
			t.check(groupKey(chain, q.word.Group), "attribute_exists(PK)", nil)
		}
		i, old, err := s.settleAndSend(ctx, t, q, waits, out, now)
		if again(err) { // nothing has been refused: what was read may still hold
			gate = rand.IntN(gates)
			return true, nil
		}
		r = nil
		switch {
		case err != nil || i < 0:
			return false, err
		case i == where.gate:
			if gate, err = s.openGate(ctx, chain, old, j.Chain); errors.Is(err, network.ErrQuotaExceeded) {
				// The last place may be that of their own partner, whose first person
				// was faster: then they need none.
				var is partnerItem
				if _, err := s.get(ctx, partnerKey(chain, target), &is); err != nil {
					return false, err
				}
				if is.Edition != it.Edition {
					return true, nil
				}
			}
			return err == nil, err
		case i == where.group:
			return false, network.ErrGroupNotFound
		}
		return true, nil // somebody was faster: read what is true now
	})
	if err != nil {
		return network.Admission{}, err
	}
	return out, nil
}

// waiting is the application that is settled if they are let in: the one that
// an admin accepts, which must still wait, else errDecided; otherwise one that
// they have made under that corp.
func (q admitting) waiting(r *reading) (*applicationItem, error) {
	id := q.application
	switch {
	case id != "":
	case q.dispute != nil:
		id = network.ApplicationID(q.person.ID, q.dispute.Wish)
	default:
		id = network.ApplicationID(q.person.ID, r.joining.Corp.ID)
	}
	for _, it := range r.applications {
		if a := it.application(); a.ID == id && a.State == network.ApplicationWaiting {
			return &it, nil
		}
	}
	if q.application != "" {
		return nil, errDecided
	}
	return nil, nil
}

// settleAndSend sends a join with what it settles.
func (s *Store) settleAndSend(ctx context.Context, t *tx, q admitting, waits *applicationItem, out network.Admission, now time.Time) (int, map[string]types.AttributeValue, error) {
	defer s.by.inTurn()()
	if err := s.settle(ctx, t, q, waits, out, now); err != nil {
		return 0, nil, err
	}
	return t.send(ctx)
}

// settle adds to a join what it settles: an application, a conflict. An admin's
// word is noted, and that it moves a partner.
func (s *Store) settle(ctx context.Context, t *tx, q admitting, waits *applicationItem, out network.Admission, now time.Time) error {
	if waits != nil {
		a := q.accepted
		if q.application == "" { // the policy has changed, or a conflict was resolved
			a = waits.application()
			a.State, a.DecidedAt, a.Decider = network.ApplicationAccepted, now, q.resolved.Resolver
		}
		a.Corp, a.Partner, a.Group = out.Corp.ID, out.Partner.ID, out.Partner.Group
		decideTx(t, *waits, a)
	}
	var note changeItem
	switch {
	case q.dispute != nil:
		d := q.resolved
		d.Settled = out.Partner.ID
		resolveTx(t, *q.dispute, d)
		note = resolvedChange(d)
	case q.application != "":
		a := q.accepted
		a.Partner, a.Group = out.Partner.ID, out.Partner.Group
		note = decidedChange(a)
	}
	if out.Moves && !out.Fresh {
		if s.by == nil {
			note = changeItem{What: "partner_moved", At: at(now), Target: partnerTarget(out.Partner), After: Fields{"group_id": out.Partner.Group}}
		}
		note.Partners = changed(out.Partner, out.Partner)
	}
	if note.What == "" {
		return nil
	}
	return s.logChange(ctx, t, q.ticket.Chain, note)
}

// settled settles an accepted application of who is in already.
func (s *Store) settled(ctx context.Context, q admitting, waits *applicationItem, now time.Time) (again bool, err error) {
	defer s.by.inTurn()()
	t := s.tx()
	decideTx(t, *waits, q.accepted)
	if err := s.logChange(ctx, t, q.ticket.Chain, decidedChange(q.accepted)); err != nil {
		return false, err
	}
	met, err := s.sendOnly(ctx, t)
	return err == nil && !met, err
}

// refused is what who can't be let in hears: of a token that has ended
// meanwhile, who waits for an admin's word hears that they do; a conflict is
// filed for an admin, or has been settled by one (R23).
func (s *Store) refused(ctx context.Context, q admitting, r *reading, partner string, err error) (network.Admission, error) {
	if network.KindOf(err) == network.Gone && !errors.Is(err, network.ErrChainDissolved) && !q.word.Given {
		if waits, _ := q.waiting(r); waits != nil {
			a := waits.application()
			return network.Admission{Application: &a, Repeat: true, Corp: r.joining.Corp}, nil
		}
	}
	if errors.Is(err, network.ErrPartnerConflict) && q.dispute == nil && partner != "" {
		return s.fileDispute(ctx, q, r, partner)
	}
	return network.Admission{}, err
}

// errMoved says that what was read first no longer goes with what was read
// after it.
var errMoved = errors.New("moved meanwhile")

// reading is what a join has read. partners are those that it may be about, as
// far as they exist; member says whether the person is in the corp already;
// applications are all of theirs to the chain.
type reading struct {
	joining      network.Joining
	partners     map[string]partnerItem
	member       bool
	applications []applicationItem
}

// readJoin reads what a join is judged by, in two requests.
func (s *Store) readJoin(ctx context.Context, q admitting, now time.Time) (reading, error) {
	ticket, p, choice := q.ticket, q.person, q.choice
	has, err := s.belongings(ctx, p.ID)
	if err != nil {
		return reading{}, err
	}
	r := reading{}
	for _, it := range has.applications {
		if it.application().Chain == ticket.Chain {
			r.applications = append(r.applications, it)
		}
	}
	r.joining, r.partners, r.member, err = s.readJoining(ctx, has, ticket, p, choice, q.word, now)
	return r, err
}

func (s *Store) readJoining(ctx context.Context, has belongings, ticket network.Ticket, p network.Person, choice Choice, word network.Word, now time.Time) (j network.Joining, partners map[string]partnerItem, member bool, err error) {
	members := has.members
	j = network.Joining{Now: now, Chain: network.Chain{ID: ticket.Chain}, Ticket: ticket, Person: p, Word: word}
	for _, m := range members {
		j.Corps = append(j.Corps, m.Corp)
	}
	for _, k := range has.contacts {
		if k.Chain == ticket.Chain {
			j.Contacts = append(j.Contacts, k)
		}
	}
	corp := choice.Corp
	if choice.New != nil {
		corp = j.NewCorpID(choice.New.Name)
	}
	if choice.New == nil && !slices.ContainsFunc(members, func(m network.Member) bool { return m.Corp == corp }) {
		return j, nil, false, network.ErrNotAMember.At("corp_id")
	}

	keys := []key{chainKey(ticket.Chain), corpKey(corp), partnerKey(ticket.Chain, network.CorpPartnerID(ticket.Chain, corp))}
	if !ticket.IsNotice() {
		keys = append(keys, inviteKey(ticket.Chain, ticket.Invite))
	}
	if ticket.Maker != "" {
		keys = append(keys, partnerKey(ticket.Chain, ticket.Maker)) // R08: where it stands
	}
	for _, k := range j.Contacts {
		keys = append(keys, partnerKey(ticket.Chain, k.Partner))
	}
	found, err := s.batchGet(ctx, true, unique(keys)...)
	if err != nil {
		return j, nil, false, err
	}
	var chain chainItem
	if ok, err := found.into(keys[0], &chain); !ok || err != nil {
		return j, nil, false, orNotFound(err)
	}
	if chain.turning() {
		return j, nil, false, errMoved
	}
	j.Chain = chain.chain()
	if !ticket.IsNotice() {
		var i inviteItem
		if ok, err := found.into(keys[3], &i); !ok || err != nil {
			return j, nil, false, orNotFound(err)
		}
		j.Invite = i.invite(ticket.Chain)
	}
	partners = map[string]partnerItem{}
	for _, k := range keys[2:] {
		var it partnerItem
		if ok, err := found.into(k, &it); err != nil {
			return j, nil, false, err
		} else if ok && it.Card.State != "" {
			partners[afterLast(it.SK)] = it
		}
	}
	// Who was on a roster of an epoch that is over is so no longer (R33, R38).
	for n, k := range j.Contacts {
		if it, ok := partners[k.Partner]; !ok || it.Card.State == network.PartnerRemoved || it.Epoch != k.Epoch {
			j.Contacts[n].Import, j.Contacts[n].Chunk = "", 0
		}
	}
	if choice.New != nil {
		if now := j.NewCorpID(choice.New.Name); now != corp { // it was that roster's
			corp = now
			more, err := s.batchGet(ctx, true, corpKey(corp))
			if err != nil {
				return j, nil, false, err
			}
			maps.Copy(found, more)
		}
	}
	member = slices.ContainsFunc(members, func(m network.Member) bool { return m.Corp == corp })
	var ci corpItem
	ok, err := found.into(corpKey(corp), &ci)
	switch {
	case err != nil:
		return j, nil, false, err
	case ok:
		j.Corp = ci.corp()
	case choice.New == nil:
		return j, nil, false, network.ErrNotAMember.At("corp_id")
	default:
		j.Corp = *choice.New
		j.Corp.ID, j.Corp.Version, j.Corp.CreatedAt = corp, 0, now
	}
	j.Second = choice.New != nil && j.Corp.Version > 0 && !member
	if j.Second && !named(j) {
		// The corp that they make is there already: by another try of theirs in
		// this moment, or they were taken out of it since.
		if _, err := s.Member(ctx, corp, p.ID); err == nil {
			return j, nil, false, errMoved
		} else if !errors.Is(err, network.ErrNotFound) {
			return j, nil, false, err
		}
		return j, nil, false, network.ErrNotAMember.At("corp_id")
	}
	// Asked for and not there is known to be new: no third read.
	for _, k := range keys[2:] {
		if id := afterLast(k.SK); network.ValidPartnerID(id) && partners[id].PK == "" {
			partners[id] = partnerItem{}
		}
	}
	return j, partners, member, nil
}

// named reports whether the corp is that of a roster's partner which names the
// person too, and which they have not come to yet: then who comes second at the
// same moment joins the corp that the first has made (R23).
func named(j network.Joining) bool {
	place := j.Corp.Places[j.Chain.ID]
	return place.Guest() && slices.ContainsFunc(j.Contacts, func(k network.Contact) bool {
		return k.Import != "" && k.Partner == place.Partner && k.Epoch == place.Epoch && k.JoinedAt.IsZero() && k.LeftAt.IsZero()
	})
}

// places are the writes of a join whose refusal means something special.
type places struct{ gate, group int }

// joinTx writes an admission. Every condition is something that was read and
// judged; the more telling ones come first.
func (s *Store) joinTx(j network.Joining, a network.Admission, was partnerItem, gate int, member bool, p network.Person) (*tx, places) {
	chain := j.Chain.ID
	t := s.tx()
	where := places{gate: -1, group: -1}
	if j.Invite.MaxUses > 0 {
		cond, v := "Uses < MaxUses AND attribute_not_exists(RevokedAt) AND Version = :v", vals{"one": 1, "v": j.Invite.Version} // R15
		if j.Word.Given {
			cond, v = "Uses < MaxUses", vals{"one": 1} // it was live as they applied
		}
		t.update(inviteKey(chain, j.Invite.ID), "SET Uses = Uses + :one", cond, nil, v)
	}

	where.gate = len(t.items)
	if a.First {
		// R16 and R47 in one: the rules as they were read, and room.
		t.update(gateKey(chain, gate), "SET Joined = Joined + :one", "Gate = :g AND Joined < #l", map[string]string{"l": "Limit"},
			vals{"one": 1, "g": j.Chain.Gate})
	} else {
		t.check(gateKey(chain, gate), "Gate = :g", vals{"g": j.Chain.Gate})
	}

	k := newContactItem(a.Contact)
	outbox := network.Event{
		ID: "joined." + a.Contact.MembershipID(), Kind: network.Joined, Chain: chain, Import: k.Import, Chunk: k.Chunk, Invite: k.Invite,
		Partner: a.Partner.ID, Person: p.ID, First: a.First && was.Card.JoinedAt == 0, Astray: j.Astray,
	}.Encode()
	if a.Known {
		// Not put: what has been counted of them stays noted.
		expr := "SET #n = :n, Phone = :phone, Corp = :corp, Epoch = :epoch, JoinedAt = :now, Inviter = :inviter, Invite = :invite, Edition = :e, Outbox = :o REMOVE LeftAt"
		names := map[string]string{"n": "Name"}
		if k.Import == "" {
			expr += ", #import, Chunk" // of a roster that is over
			names["import"] = "Import"
		}
		t.update(k.key, expr, "Edition = :was", names,
			vals{"n": k.Name, "phone": k.Phone, "corp": k.Corp, "epoch": k.Epoch, "now": k.JoinedAt, "inviter": k.Inviter, "invite": k.Invite, "e": k.Edition, "was": k.Edition - 1, "o": outbox})
	} else {
		k.Outbox = outbox
		t.put(k, "attribute_not_exists(PK)", nil)
	}

	s.joinPartner(t, j, a, was, gate)

	// Its last removal stays, for its other people (R18).
	place := placeItem{Side: network.Guest, Partner: a.Partner.ID, Epoch: a.Partner.Epoch, RemovedAt: at(a.Corp.Places[chain].RemovedAt)}
	switch c := a.Corp; {
	case c.Version == 0:
		c.Version = 1
		it := newCorpItem(c)
		it.Places[chain] = place
		t.put(it, "attribute_not_exists(PK)", nil)
	case a.Binds:
		t.update(corpKey(c.ID), "SET Places.#c = :place, Version = Version + :one", "Version = :v", map[string]string{"c": chain},
			vals{"place": place, "one": 1, "v": c.Version})
	default:
		t.check(corpKey(c.ID), "Version = :v", vals{"v": c.Version})
	}
	if !member {
		// In their corp they go by the name that they give; the chain's roster may call them otherwise.
		m := network.Member{Person: p.ID, Corp: a.Corp.ID, Name: cmp.Or(p.Name, a.Contact.Name), Phone: p.Phone, Role: network.Staff}
		if a.Corp.Version == 0 {
			m.Role = network.SuperAdmin // R02
		}
		t.put(newMemberItem(m), "attribute_not_exists(PK)", nil)
	}
	return t, where
}

func (s *Store) joinPartner(t *tx, j network.Joining, a network.Admission, was partnerItem, gate int) {
	p := a.Partner
	person := a.Contact.Person
	fingerprint := p.People[person]
	_, known := was.People[person]
	switch {
	case a.Fresh:
		p.People = map[string]string{person: fingerprint}
		p.Edition = 1
		t.put(newPartnerItem(p, gate), "attribute_not_exists(PK)", nil)
	case a.First, a.Moves:
		if !a.First {
			gate = was.Gate
		}
		p.Edition++
		l := partnerList(p.Chain, p)
		t.update(was.key, "SET Card = :card, LPK = :lpk, LSK = :lsk, Edition = :e, Gate = :gate, People.#p = :f", "Edition = :was", map[string]string{"p": person},
			vals{"card": newPartnerItem(p, gate).Card, "lpk": l.PK, "lsk": l.SK, "e": p.Edition, "was": was.Edition, "gate": gate, "f": fingerprint})
	default:
		// Colleagues don't wait for each other: counters, not editions.
		set, cond, names := "SET Card.Joined = Card.Joined + :one, Edition = Edition + :one", "Epoch = :epoch AND Card.#s = :joined AND Card.Corp = :corp AND Card.Joined < :max", map[string]string{"s": "State"}
		v := vals{"one": 1, "epoch": was.Epoch, "joined": network.PartnerJoined, "corp": a.Corp.ID, "max": j.Chain.PeopleLimit}
		if !known {
			// An import may name them in this moment: one of the two counts them.
			set += ", Card.Contacts = Card.Contacts + :one, People.#p = :f"
			cond += " AND attribute_not_exists(People.#p)"
			names["p"], v["f"] = person, fingerprint
		}
		t.update(was.key, set, cond, names, v)
	}
}

// openGate finds a gate with room after one has refused: ErrQuotaExceeded if
// none has (R47). If the gate was refused because the rules have moved on, any
// will do.
func (s *Store) openGate(ctx context.Context, chain string, old map[string]types.AttributeValue, c network.Chain) (int, error) {
	var refused gateItem
	if err := attributevalue.UnmarshalMap(old, &refused); err != nil {
		return 0, err
	}
	if refused.Gate != c.Gate {
		return rand.IntN(gates), nil
	}
	all, err := s.gates(ctx, chain, true)
	if err != nil {
		return 0, err
	}
	var open []int
	for i, g := range all {
		if g.Joined < g.Limit {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return 0, network.ErrQuotaExceeded
	}
	return open[rand.IntN(len(open))], nil
}

func unique(keys []key) []key {
	seen := map[key]bool{}
	var out []key
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}
