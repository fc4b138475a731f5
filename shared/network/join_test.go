package network_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
)

const (
	phone = "+8613800000001"
	other = "+8613800000002"
)

// scene is a chain with an open link, and the roster partner Acme whose one
// contact is the person who joins. Tests change what they are about.
type scene struct {
	j        network.Joining
	partners map[string]network.Partner
	acme     string // the roster partner
}

func setup(changes ...func(*scene)) *scene {
	chain := chainWith(policies())
	person := network.Person{ID: personKey.Person(phone), Name: "Wang", Phone: phone}
	acme := network.RosterPartnerID(chain.ID, "", "Acme")
	link := network.Invite{
		ID: network.NewInviteID(noon), Chain: chain.ID, Kind: "link", Group: 3, Maker: "pe-maker", CreatedAt: noon,
	}
	s := &scene{
		j: network.Joining{
			Now: noon.Add(time.Hour), Chain: chain, Person: person, Invite: link,
			Ticket: network.Ticket{Chain: chain.ID, Invite: link.ID},
			Corp:   network.Corp{ID: "co-wang", Name: "Wang & sons", Type: network.Company, Version: 1},
		},
		partners: map[string]network.Partner{},
		acme:     acme,
	}
	for _, change := range changes {
		change(s)
	}
	return s
}

// imported: the person is a contact of Acme's roster.
func imported(s *scene) {
	s.partners[s.acme] = network.Partner{
		ID: s.acme, Chain: s.j.Chain.ID, Name: "Acme", Group: 2, State: network.PartnerPending, Imported: true,
		Contacts: 2, People: map[string]string{s.j.Person.ID: "f1", personKey.Person(other): "f2"},
	}
	s.j.Contacts = append(s.j.Contacts, network.Contact{
		Person: s.j.Person.ID, Chain: s.j.Chain.ID, Partner: s.acme, Name: "王伟", Phone: phone, Import: "im1",
		TokenVersion: 1, NoticeAt: noon, Edition: 1,
	})
}

// notified: it is by Acme's notice that they come.
func notified(s *scene) {
	imported(s)
	s.j.Invite = network.Invite{}
	s.j.Ticket = network.Ticket{Chain: s.j.Chain.ID, Partner: s.acme, Person: s.j.Person.ID, Version: 1}
}

// only: imported_only has been on since noon.
func only(s *scene) { s.j.Chain.Policies = policies(0) }

// guest binds the corp to a partner.
func guest(partner func(*scene) string) func(*scene) {
	return func(s *scene) {
		id := partner(s)
		s.j.Corp.Places = map[string]network.Place{s.j.Chain.ID: {Side: network.Guest, Partner: id}}
		p := s.partners[id]
		p.ID, p.Chain, p.Corp, p.State, p.Joined = id, s.j.Chain.ID, s.j.Corp.ID, network.PartnerJoined, 1
		if p.Contacts == 0 {
			p.Contacts, p.People = 1, map[string]string{"pe-first": ""}
		}
		s.partners[id] = p
	}
}

func own(s *scene) string  { return network.CorpPartnerID(s.j.Chain.ID, s.j.Corp.ID) }
func acme(s *scene) string { return s.acme }

// join does what the store does: the target, the partner as it stands, and
// what is to be written.
func (s *scene) join() (network.Admission, error) {
	target, already, err := s.j.Target()
	if err != nil {
		return network.Admission{}, err
	}
	if already != nil {
		return network.Admission{Contact: *already, Repeat: true}, nil
	}
	if p, ok := s.partners[target]; ok {
		return s.j.Admit(target, &p)
	}
	return s.j.Admit(target, nil)
}

func TestR13toR24_WhoIsLetInAndWhoIsToldWhat(t *testing.T) {
	t.Parallel()
	invite := func(f func(*network.Invite)) func(*scene) { return func(s *scene) { f(&s.j.Invite) } }
	contact := func(f func(*network.Contact)) func(*scene) { return func(s *scene) { f(&s.j.Contacts[0]) } }
	partner := func(f func(*network.Partner)) func(*scene) {
		return func(s *scene) { p := s.partners[s.acme]; f(&p); s.partners[s.acme] = p }
	}
	corp := func(f func(*network.Corp)) func(*scene) { return func(s *scene) { f(&s.j.Corp) } }
	place := func(p network.Place) func(*scene) {
		return func(s *scene) { s.j.Corp.Places = map[string]network.Place{s.j.Chain.ID: p} }
	}
	after := func(d time.Duration) func(*scene) { return func(s *scene) { s.j.Now = noon.Add(d) } }
	dissolved := func(s *scene) { s.j.Chain.DissolvedAt = noon }
	joined := contact(func(k *network.Contact) { k.JoinedAt, k.Corp = noon, "co-wang" })
	barred := func(s *scene) { s.j.Chain.Barred = true }
	removed := func(at time.Time) func(*scene) { // once, and back again
		return func(s *scene) {
			place := s.j.Corp.Places[s.j.Chain.ID]
			place.RemovedAt = at
			s.j.Corp.Places[s.j.Chain.ID] = place
		}
	}
	second := func(since time.Duration) func(*scene) { // to come into a corp that somebody else made so long ago
		return func(s *scene) { s.j.Second, s.j.Corp.CreatedAt = true, s.j.Now.Add(-since) }
	}
	made := func(s *scene) { s.j.Corp.ID, s.j.Corp.Version = s.j.NewCorpID("Acme"), 0 }

	for _, c := range []struct {
		name string
		is   []func(*scene)
		want string // joined, again, or the error's code
	}{
		// A link in an open chain.
		{"a stranger by a link", nil, "joined"},
		{"to the last second", []func(*scene){after(7*day - time.Second)}, "joined"},
		{"R16 expired while it tried again", []func(*scene){after(7*day - time.Second), func(s *scene) { s.j.Waited = time.Second }}, "invite_expired"},
		{"R14 expired", []func(*scene){after(7 * day)}, "invite_expired"},
		{"R14 revoked", []func(*scene){invite(func(i *network.Invite) { i.RevokedAt = noon })}, "invite_revoked"},
		{"R14 used up", []func(*scene){invite(func(i *network.Invite) { i.MaxUses, i.Uses = 1, 1 })}, "invite_exhausted"},
		{"R14 dissolved", []func(*scene){dissolved}, "chain_dissolved"},
		{"R17 resent", []func(*scene){invite(func(i *network.Invite) { i.Version = 1 })}, "invite_revoked"},
		{"R10 bound to this phone", []func(*scene){invite(func(i *network.Invite) { i.Phone = phone })}, "joined"},
		{"R10 bound to another phone", []func(*scene){invite(func(i *network.Invite) { i.Phone = other })}, "bound_to_another"},
		{"R10 bound to this corp", []func(*scene){invite(func(i *network.Invite) { i.Corp = "co-wang" })}, "joined"},
		{"R10 bound to another corp", []func(*scene){invite(func(i *network.Invite) { i.Corp = "co-x" })}, "bound_to_another"},
		{"dead and bound to another: dead", []func(*scene){invite(func(i *network.Invite) { i.Phone = other }), after(7 * day)}, "invite_expired"},
		{"R04 a school", []func(*scene){corp(func(c *network.Corp) { c.Industry = network.Schooling })}, "corp_not_eligible"},
		{"R04 a team", []func(*scene){corp(func(c *network.Corp) { c.Type = network.Team })}, "corp_not_eligible"},
		{"R04 the owner is a school by now", []func(*scene){barred}, "corp_not_eligible"},
		{"R04 the same by a notice", []func(*scene){notified, barred}, "corp_not_eligible"},
		{"R15 again, though the owner is a school by now", []func(*scene){notified, guest(acme), joined, barred}, "again"},
		{"R04 a school that is to be made", []func(*scene){made, corp(func(c *network.Corp) { c.Industry = network.Preschool })}, "corp_not_eligible"},
		{"a school by a dead link: dead", []func(*scene){corp(func(c *network.Corp) { c.Industry = network.Schooling }), after(7 * day)}, "invite_expired"},
		{"R05 unverified", []func(*scene){corp(func(c *network.Corp) { c.Verification = 1 })}, "joined"},
		{"the owner's people", []func(*scene){place(network.Place{Side: network.Owner})}, "denied"},
		{"R40 who owns another chain", []func(*scene){corp(func(c *network.Corp) {
			c.Places = map[string]network.Place{network.NewChainID(): {Side: network.Owner}}
		})}, "joined"},
		{"R40 who is removed elsewhere", []func(*scene){corp(func(c *network.Corp) {
			c.Places = map[string]network.Place{network.NewChainID(): {Side: network.Guest, Partner: "pa", Out: true, RemovedAt: noon.Add(day)}}
		})}, "joined"},
		{"a colleague", []func(*scene){guest(own)}, "joined"},
		{"the thousand-and-first colleague", []func(*scene){guest(own), func(s *scene) { s.j.Chain.PeopleLimit = 1 }}, "quota_exceeded"},

		// imported_only.
		{"R21 a stranger", []func(*scene){only}, "not_imported"},
		{"R21 never by name alone", []func(*scene){imported, only, func(s *scene) { s.j.Contacts = nil; s.j.Corp.Name = "Acme" }}, "not_imported"},
		{"R21 a roster contact by a link", []func(*scene){imported, only}, "joined"},
		{"R21 a colleague of a bound roster partner", []func(*scene){imported, only, guest(acme), func(s *scene) { s.j.Contacts = nil }}, "joined"},
		{"R22 a colleague of who had joined before", []func(*scene){only, guest(own)}, "joined"},
		{"R21 a roster contact who was withdrawn (R33)", []func(*scene){imported, only, partner(func(p *network.Partner) { p.State = network.PartnerRemoved; p.Epoch++ })}, "not_imported"},
		{"R33 the same in an open chain", []func(*scene){imported, partner(func(p *network.Partner) { p.State = network.PartnerRemoved })}, "invite_revoked"},
		{"R21 of an older roster, whose partner came back without them", []func(*scene){imported, only, partner(func(p *network.Partner) { p.Epoch++ })}, "not_imported"},
		{"R16 turned on since the page was opened", []func(*scene){func(s *scene) { s.j.Chain.Policies = policies(30 * time.Minute) }}, "not_imported"},
		{"R12 by a link of 89 days", []func(*scene){imported, only, after(89 * day)}, "joined"},

		// A notice.
		{"by a notice", []func(*scene){notified}, "joined"},
		{"by a notice, imported_only", []func(*scene){notified, only}, "joined"},
		{"under a corp of the wrong name", []func(*scene){notified, corp(func(c *network.Corp) { c.Name = "Quite another" })}, "joined"},
		{"making the corp", []func(*scene){notified, made}, "joined"},
		{"somebody else's notice", []func(*scene){notified, func(s *scene) { s.j.Person = network.Person{ID: personKey.Person(other), Phone: other} }}, "bound_to_another"},
		{"R16 a notice that expired while it tried again", []func(*scene){notified, after(7*day - time.Second), func(s *scene) { s.j.Waited = time.Second }}, "invite_expired"},
		{"R14 an expired notice", []func(*scene){notified, after(7 * day)}, "invite_expired"},
		{"R17 a resent notice", []func(*scene){notified, contact(func(k *network.Contact) { k.TokenVersion = 2 })}, "invite_revoked"},
		{"R33 a withdrawn partner's", []func(*scene){notified, partner(func(p *network.Partner) { p.State = network.PartnerRemoved })}, "invite_revoked"},
		{"R14 a dissolved chain's", []func(*scene){notified, dissolved}, "chain_dissolved"},
		{"R04 a school by a notice", []func(*scene){notified, corp(func(c *network.Corp) { c.Industry = network.EducationAgency })}, "corp_not_eligible"},
		{"a notice for who is no contact", []func(*scene){notified, func(s *scene) { s.j.Contacts = nil }}, "invite_revoked"},
		{"a notice of a partner that isn't there", []func(*scene){notified, func(s *scene) { clear(s.partners) }}, "invite_revoked"},
		{"the owner's people by a notice", []func(*scene){notified, place(network.Place{Side: network.Owner})}, "denied"},

		// R23 and R24.
		{"R23 the second contact, same corp", []func(*scene){notified, guest(acme)}, "joined"},
		{"R23 the second contact, another corp", []func(*scene){notified, partner(func(p *network.Partner) { p.Corp, p.State, p.Joined = "co-x", network.PartnerJoined, 1 })}, "partner_conflict"},
		{"R23 the same by a link", []func(*scene){imported, partner(func(p *network.Partner) { p.Corp, p.State, p.Joined = "co-x", network.PartnerJoined, 1 })}, "partner_conflict"},
		{"R39 even if all have left", []func(*scene){notified, partner(func(p *network.Partner) { p.Corp, p.State = "co-x", network.PartnerEmpty })}, "partner_conflict"},
		{"a corp that is another partner already", []func(*scene){notified, guest(own)}, "partner_conflict"},
		{"R23 the second contact of the moment, into the corp that the first has made", []func(*scene){notified, guest(acme), second(time.Minute)}, "joined"},
		{"R23 the same when that corp is somebody's own", []func(*scene){notified, guest(acme), second(time.Minute + time.Second)}, "partner_conflict"},
		{"R23 the same after a wait", []func(*scene){notified, guest(acme), second(time.Minute), func(s *scene) { s.j.Waited = time.Second }}, "partner_conflict"},
		{"R14 a second contact whose notice has expired", []func(*scene){notified, guest(acme), second(time.Hour), after(7 * day)}, "invite_expired"},
		{"R24 the other roster partner is settled by itself", []func(*scene){notified, func(s *scene) {
			s.j.Contacts = append([]network.Contact{{Person: s.j.Person.ID, Partner: "pa-other", Import: "im1", Corp: "co-other", JoinedAt: noon}}, s.j.Contacts...)
		}}, "joined"},

		// R15 and R18.
		{"R15 again", []func(*scene){notified, guest(acme), joined}, "again"},
		{"R15 again, by a token that has died", []func(*scene){notified, guest(acme), joined, after(8 * day)}, "again"},
		{"R15 again, by a used-up link", []func(*scene){imported, guest(acme), joined, invite(func(i *network.Invite) { i.MaxUses, i.Uses = 1, 1 })}, "again"},
		{"R15 again, though the corp is a school by now", []func(*scene){notified, guest(acme), joined, corp(func(c *network.Corp) { c.Industry = network.Schooling })}, "again"},
		{"again, in a dissolved chain", []func(*scene){notified, guest(acme), joined, dissolved}, "chain_dissolved"},
		{"R15 again, under another corp", []func(*scene){notified, guest(acme), joined, func(s *scene) { s.j.Corp = network.Corp{ID: "co-2", Name: "Two"} }}, "partner_conflict"},
		{"R01 by a link under another corp", []func(*scene){imported, guest(acme), joined, func(s *scene) { s.j.Corp = network.Corp{ID: "co-2", Name: "Two"} }}, "joined"},
		{"R18 who left, by the notice", []func(*scene){notified, guest(acme), contact(func(k *network.Contact) { k.LeftAt = noon.Add(time.Minute) })}, "invite_revoked"},
		{"R18 who left, by a link from before", []func(*scene){imported, guest(acme), contact(func(k *network.Contact) { k.LeftAt = noon.Add(time.Minute) })}, "invite_revoked"},
		{"R18 who left, by a link of that moment", []func(*scene){imported, guest(acme), contact(func(k *network.Contact) { k.LeftAt = noon })}, "invite_revoked"},
		{"R18 who left, by a new link", []func(*scene){imported, guest(acme), contact(func(k *network.Contact) { k.LeftAt = noon.Add(-time.Second) })}, "joined"},
		{"R18 a removed corp, by a link from before", []func(*scene){place(network.Place{Side: network.Guest, Partner: "pa", Out: true, RemovedAt: noon.Add(time.Minute)})}, "invite_revoked"},
		{"R18 a removed corp, by a link of that moment", []func(*scene){place(network.Place{Side: network.Guest, Partner: "pa", Out: true, RemovedAt: noon})}, "invite_revoked"},
		{"R18 a removed corp, by a new link", []func(*scene){place(network.Place{Side: network.Guest, Partner: "pa", Out: true, RemovedAt: noon.Add(-time.Second)})}, "joined"},
		{"R18 a removed corp, by the notice of another partner from before", []func(*scene){notified, place(network.Place{Side: network.Guest, Partner: "pa", Out: true, RemovedAt: noon.Add(time.Minute)})}, "invite_revoked"},
		{"R18 a removed corp, by a notice since", []func(*scene){notified, place(network.Place{Side: network.Guest, Partner: "pa", Out: true, RemovedAt: noon.Add(-time.Minute)})}, "joined"},
		{"R38 a membership of an older epoch is none", []func(*scene){imported, joined, guest(acme), place(network.Place{Side: network.Guest, Partner: "pa", Epoch: 0, Out: true, RemovedAt: noon.Add(-time.Second)})}, "joined"},
		{"R18 a colleague of a corp that is back, by a link from before its removal", []func(*scene){guest(own), removed(noon.Add(time.Minute))}, "invite_revoked"},
		{"R18 a colleague of a corp that is back, by a notice from before its removal", []func(*scene){notified, guest(acme), removed(noon.Add(time.Minute))}, "invite_revoked"},
		{"R18 a colleague of a corp that is back, by a link since", []func(*scene){guest(own), removed(noon.Add(-time.Minute))}, "joined"},
		{"R15 again, in a corp that is back, by a link from before its removal", []func(*scene){imported, guest(acme), joined, removed(noon.Add(time.Minute))}, "again"},
		{"the thousand-and-first contact", []func(*scene){notified, func(s *scene) { s.j.Chain.PeopleLimit = 0 }}, "quota_exceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := setup(c.is...)
			before := maps.Clone(s.partners)
			a, err := s.join()
			got := "joined"
			switch {
			case err != nil:
				got = network.CodeOf(err)
			case a.Repeat:
				got = "again"
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			for id, p := range before {
				if fmt.Sprint(s.partners[id]) != fmt.Sprint(p) {
					t.Errorf("deciding changed partner %s", id)
				}
			}
		})
	}
}

func TestR15_AJoinWritesTheMembership(t *testing.T) {
	t.Parallel()
	s := setup()
	a, err := s.join()
	want(t, err, nil)
	if !a.Fresh || !a.First || !a.Binds || a.Known || a.Repeat {
		t.Errorf("got %+v, want a new partner, bound, with a new contact", a)
	}
	p, k := a.Partner, a.Contact
	if p.ID != own(s) || p.State != network.PartnerJoined || p.Corp != "co-wang" || p.Name != "Wang & sons" || p.Group != 3 || p.Joined != 1 || p.Contacts != 1 || !p.JoinedAt.Equal(s.j.Now) {
		t.Errorf("got %+v, want the corp as a joined partner in the link's group", p)
	}
	if k.Person != s.j.Person.ID || k.Partner != p.ID || k.Corp != "co-wang" || k.Phone != phone || !k.HasJoined() || k.Inviter != "pe-maker" || k.Invite != s.j.Invite.ID {
		t.Errorf("got %+v, want the person, joined by the link", k)
	}
	if a.NameMismatch() {
		t.Error("a partner without a roster has a name mismatch")
	}
}

func TestR23_TheFirstContactBindsTheRosterPartner(t *testing.T) {
	t.Parallel()
	s := setup(notified)
	a, err := s.join()
	want(t, err, nil)
	if a.Fresh || !a.First || !a.Binds || !a.Known {
		t.Errorf("got %+v, want the roster's partner bound and its contact joined", a)
	}
	if p := a.Partner; p.ID != s.acme || p.Corp != "co-wang" || p.Name != "Acme" || p.Group != 2 || p.Contacts != 2 || p.Joined != 1 {
		t.Errorf("got %+v, want Acme where it stood, bound", p)
	}
	if k := a.Contact; k.Name != "王伟" || k.Import != "im1" || k.Invite != "" || k.Edition != 2 {
		t.Errorf("got %+v, want what the roster said of them kept", k)
	}
	if !a.NameMismatch() {
		t.Error("Acme joined as Wang & sons: got no name mismatch, want one shown")
	}
	s.j.Corp.Name = " ACME"
	if a, _ := s.join(); a.NameMismatch() {
		t.Error("a name that differs by case is a mismatch")
	}
}

func TestR22_AColleagueIsCountedOnce(t *testing.T) {
	t.Parallel()
	s := setup(guest(own))
	a, err := s.join()
	want(t, err, nil)
	if a.Fresh || a.First || a.Binds || a.Partner.Joined != 2 || a.Partner.Contacts != 2 {
		t.Errorf("got %+v, want one more of the same partner", a)
	}
	if _, ok := s.partners[own(s)].People[s.j.Person.ID]; ok {
		t.Error("deciding changed the partner that was read")
	}
	if f, ok := a.Partner.People[s.j.Person.ID]; !ok || f != "" {
		t.Errorf("got %v, want the person among the partner's people, without a roster row", a.Partner.People)
	}
}

func TestR08_WhoIsSentToADeletedGroupLandsWhereItWent(t *testing.T) {
	t.Parallel()
	for group, want := range map[int]int{3: 5, 0: 1, 4: 4} {
		s := setup(func(s *scene) { s.j.Chain.Moved, s.j.Invite.Group = map[int]int{3: 5}, group })
		if a, err := s.join(); err != nil || a.Partner.Group != want {
			t.Errorf("a link to group %d: got %d, %v, want %d", group, a.Partner.Group, err, want)
		}
	}
}

func TestR15_TheSameWishMakesTheSameCorp(t *testing.T) {
	t.Parallel()
	s := setup()
	mine := s.j.NewCorpID("Acme")
	if !network.ValidCorpID(mine) {
		t.Errorf("%q is no corp's id", mine)
	}
	if again := s.j.NewCorpID(" acme"); again != mine {
		t.Errorf("got %s, then %s, want one corp", mine, again)
	}
	if another := s.j.NewCorpID("Acme 2"); another == mine {
		t.Error("two names are one corp")
	}
	// Who has left it, and is its member no more, makes another (R18), and one only.
	s.j.Contacts = []network.Contact{{Partner: "pa-1", Corp: mine, LeftAt: noon}}
	s.j.Corps = []string{mine}
	if got := s.j.NewCorpID("Acme"); got != mine {
		t.Errorf("a member still: got %s, want %s", got, mine)
	}
	s.j.Corps = nil
	next := s.j.NewCorpID("Acme")
	if next == mine || s.j.NewCorpID("Acme") != next {
		t.Errorf("after leaving: got %s, want one other than %s", next, mine)
	}
	s.j.Contacts = append(s.j.Contacts, network.Contact{Partner: "pa-2", Corp: next, JoinedAt: noon})
	s.j.Corps = []string{next}
	if got := s.j.NewCorpID("Acme"); got != next {
		t.Errorf("a repeat of that: got %s, want %s", got, next)
	}
	theirs := setup(func(s *scene) { s.j.Person.ID = personKey.Person(other) })
	theirs.j.Chain.ID = s.j.Chain.ID
	if theirs.j.NewCorpID("Acme") == mine {
		t.Error("two strangers' corps of one name are one")
	}
}

func TestR23_TwoContactsWhoMakeTheCorpMakeOne(t *testing.T) {
	t.Parallel()
	first := setup(notified)
	second := setup(notified)
	second.j.Chain.ID = first.j.Chain.ID
	for _, s := range []*scene{first, second} {
		s.j.Contacts[0].Partner, s.j.Ticket.Partner = "pa-acme", "pa-acme"
	}
	second.j.Person.ID, second.j.Contacts[0].Person = personKey.Person(other), personKey.Person(other)
	id := first.j.NewCorpID("Acme")
	if got := second.j.NewCorpID("Acme Ltd"); got != id {
		t.Errorf("got %s and %s, want one corp", id, got)
	}
	// A repeat, when the first has been let in, is the same wish (R15).
	first.j.Contacts[0].JoinedAt = noon
	if got := first.j.NewCorpID("Acme"); got != id {
		t.Errorf("got %s, then %s, want one corp", id, got)
	}
	// By another link it is one more (R02); by the same link it is the same wish.
	first.j.Ticket = network.Ticket{Chain: first.j.Chain.ID, Invite: "in-other"}
	if first.j.NewCorpID("Acme") == id {
		t.Error("who has joined asks for one more corp by another link and gets the first")
	}
	first.j.Contacts[0].Invite = "in-other"
	if got := first.j.NewCorpID("Acme"); got != id {
		t.Errorf("got %s, then %s, want one corp", id, got)
	}
	// After a removal it is a new wish (R38).
	first.j.Contacts[0].Epoch++
	if first.j.NewCorpID("Acme") == id {
		t.Error("a new epoch makes the old epoch's corp")
	}
}

// A repeat that reaches Admit, because the corp's place was read too early,
// still counts nobody twice.
func TestR15_AdmitCountsNobodyTwice(t *testing.T) {
	t.Parallel()
	s := setup(notified, guest(acme))
	s.j.Corp.Places = nil
	s.j.Chain.PeopleLimit = 1
	s.j.Contacts[0].JoinedAt, s.j.Contacts[0].Corp = noon, s.j.Corp.ID
	p := s.partners[s.acme]
	a, err := s.j.Admit(s.acme, &p)
	want(t, err, nil)
	if !a.Repeat || a.Partner.Joined != 1 || !a.Contact.JoinedAt.Equal(noon) {
		t.Errorf("got %+v, want the first membership and nothing counted", a)
	}
}

// village is a chain in which a few people of a few corps join, leave, are
// imported and removed at random. It is kept as the store would keep it.
type village struct {
	chain    network.Chain
	now      time.Time
	corps    map[string]network.Corp
	partners map[string]network.Partner
	contacts map[string]map[string]network.Contact // by person, by partner
	joins    int
}

func (v *village) of(person string) []network.Contact {
	return slices.SortedFunc(maps.Values(v.contacts[person]), func(a, b network.Contact) int {
		return map[bool]int{true: -1, false: 1}[a.Partner < b.Partner]
	})
}

func (v *village) join(t *rapid.T, person network.Person, corp string, link network.Invite, notice string) {
	j := network.Joining{
		Now: v.now, Chain: v.chain, Person: person, Corp: v.corps[corp], Invite: link,
		Ticket: network.Ticket{Chain: v.chain.ID, Invite: link.ID}, Contacts: v.of(person.ID),
	}
	if notice != "" {
		j.Invite, j.Ticket = network.Invite{}, network.Ticket{Chain: v.chain.ID, Partner: notice, Person: person.ID, Version: 1}
	}
	place := j.Corp.Places[v.chain.ID]
	bound := place.Partner != "" && !place.Out
	live := slices.ContainsFunc(j.Contacts, func(k network.Contact) bool {
		p := v.partners[k.Partner]
		return k.Import != "" && k.Epoch == p.Epoch && p.State != network.PartnerRemoved
	})

	target, already, err := j.Target()
	if err != nil {
		return
	}
	if already != nil {
		if already.Corp != corp || already.Person != person.ID || !already.HasJoined() {
			t.Fatalf("told %s under %s of another's membership: %+v", person.Name, corp, already)
		}
		return
	}
	was, there := v.partners[target]
	var stands *network.Partner
	if there {
		stands = &was
	}
	a, err := j.Admit(target, stands)
	if err != nil {
		return
	}
	if v.chain.Policy() == network.ImportedOnly && !bound && !live {
		t.Fatalf("%s under %s was let in, imported by nobody (R21)", person.Name, corp)
	}
	if there && was.Corp != "" && was.State != network.PartnerRemoved && a.Partner.Corp != was.Corp {
		t.Fatalf("partner %s was bound to %s, now to %s (R23)", target, was.Corp, a.Partner.Corp)
	}
	if bound && place.Partner != target {
		t.Fatalf("%s is partner %s and joined as %s", corp, place.Partner, target)
	}
	if !place.RemovedAt.IsZero() && notice == "" && !link.CreatedAt.After(place.RemovedAt) {
		t.Fatalf("%s was removed and let in by a link from before (R18)", corp)
	}
	if a.Repeat {
		return
	}
	v.joins++
	v.partners[target] = a.Partner
	if v.contacts[person.ID] == nil {
		v.contacts[person.ID] = map[string]network.Contact{}
	}
	v.contacts[person.ID][target] = a.Contact
	if a.Binds {
		c := v.corps[corp]
		c.Places = map[string]network.Place{v.chain.ID: {Side: network.Guest, Partner: target, Epoch: a.Partner.Epoch, RemovedAt: place.RemovedAt}}
		v.corps[corp] = c
	}
}

func (v *village) leave(person, partner string) {
	k := v.contacts[person][partner]
	p := v.partners[partner]
	if !k.HasJoined() || k.Epoch != p.Epoch {
		return
	}
	k.JoinedAt, k.LeftAt = time.Time{}, v.now
	v.contacts[person][partner] = k
	if p.Joined--; p.Joined == 0 {
		p.State = network.PartnerEmpty
	}
	v.partners[partner] = p
}

func (v *village) remove(partner string) {
	p := v.partners[partner]
	if p.State == network.PartnerRemoved || p.ID == "" {
		return
	}
	if c, ok := v.corps[p.Corp]; ok {
		place := c.Places[v.chain.ID]
		place.Out, place.RemovedAt = true, v.now
		c.Places = map[string]network.Place{v.chain.ID: place}
		v.corps[p.Corp] = c
	}
	p.State, p.Joined, p.Contacts, p.Corp, p.JoinedAt, p.People = network.PartnerRemoved, 0, 0, "", time.Time{}, nil
	p.Epoch++
	v.partners[partner] = p
}

func (v *village) importRow(person network.Person, corp string) string {
	id := network.RosterPartnerID(v.chain.ID, "", corp)
	p, ok := v.partners[id]
	if !ok || p.State == network.PartnerRemoved {
		p = network.Partner{ID: id, Chain: v.chain.ID, Name: corp, Group: 1, State: network.PartnerPending, Imported: true, Epoch: p.Epoch}
	}
	if _, ok := p.People[person.ID]; !ok {
		p.People = maps.Clone(p.People)
		if p.People == nil {
			p.People = map[string]string{}
		}
		p.People[person.ID] = "f"
		p.Contacts++
		if v.contacts[person.ID] == nil {
			v.contacts[person.ID] = map[string]network.Contact{}
		}
		v.contacts[person.ID][id] = network.Contact{
			Person: person.ID, Chain: v.chain.ID, Partner: id, Name: person.Name, Phone: person.Phone, Import: "im1",
			Epoch: p.Epoch, TokenVersion: 1, NoticeAt: v.now,
		}
	}
	v.partners[id] = p
	return id
}

func (v *village) check(t *rapid.T) {
	joined, corps := map[string]int{}, map[string]string{}
	for person, contacts := range v.contacts {
		under := map[string]bool{}
		for id, k := range contacts {
			p := v.partners[id]
			if !k.HasJoined() || k.Epoch != p.Epoch {
				continue
			}
			joined[id]++
			if under[k.Corp] {
				t.Fatalf("%s is in the chain twice under %s (R01)", person, k.Corp)
			}
			under[k.Corp] = true
			if k.Corp != p.Corp {
				t.Fatalf("%s joined partner %s under %s, which is %s", person, id, k.Corp, p.Corp)
			}
		}
	}
	for id, p := range v.partners {
		if p.Joined != joined[id] {
			t.Fatalf("partner %s says %d joined, a recount says %d", id, p.Joined, joined[id])
		}
		if p.Joined > v.chain.PeopleLimit {
			t.Fatalf("partner %s has %d people, limit %d (R46)", id, p.Joined, v.chain.PeopleLimit)
		}
		if p.Contacts != len(p.People) {
			t.Fatalf("partner %s says %d contacts and knows %d people", id, p.Contacts, len(p.People))
		}
		if (p.State == network.PartnerJoined) != (p.Joined > 0) {
			t.Fatalf("partner %s is %s with %d joined (R32, R39)", id, p.State, p.Joined)
		}
		if p.Corp != "" && corps[p.Corp] != "" {
			t.Fatalf("%s is two partners: %s and %s", p.Corp, corps[p.Corp], id)
		}
		corps[p.Corp] = id
	}
}

func TestR21toR24_HoweverPeopleComeAndGoTheChainHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := &village{
			chain: chainWith(policies()), now: noon,
			corps: map[string]network.Corp{}, partners: map[string]network.Partner{}, contacts: map[string]map[string]network.Contact{},
		}
		v.chain.PeopleLimit = rapid.IntRange(1, 3).Draw(t, "limit")
		var people []network.Person
		for i := range 4 {
			p := network.Person{Name: fmt.Sprint("person ", i), Phone: fmt.Sprint("+861380000000", i)}
			p.ID = personKey.Person(p.Phone)
			people = append(people, p)
		}
		names := []string{"co-a", "co-b", "co-c"}
		for _, id := range names {
			v.corps[id] = network.Corp{ID: id, Name: id, Version: 1}
		}
		links := []network.Invite{{ID: network.NewInviteID(noon), Chain: v.chain.ID, CreatedAt: noon}}

		person := rapid.SampledFrom(people)
		corp := rapid.SampledFrom(names)
		roster := rapid.SampledFrom([]string{"co-a", "Acme"})
		anyPartner := func(t *rapid.T) string {
			return rapid.SampledFrom(append(slices.Sorted(maps.Keys(v.partners)), "")).Draw(t, "partner")
		}
		step := func(f func(*rapid.T)) func(*rapid.T) {
			return func(t *rapid.T) { v.now = v.now.Add(time.Minute); f(t) }
		}
		join := step(func(t *rapid.T) {
			v.join(t, person.Draw(t, "who"), corp.Draw(t, "corp"), rapid.SampledFrom(links).Draw(t, "link"), "")
		})
		t.Repeat(map[string]func(*rapid.T){
			"":             v.check,
			"join":         join,
			"join as well": join,
			"notice": step(func(t *rapid.T) {
				p := person.Draw(t, "who")
				if partner := anyPartner(t); partner != "" {
					v.join(t, p, corp.Draw(t, "corp"), network.Invite{}, partner)
				}
			}),
			"link": step(func(*rapid.T) {
				links = append(links, network.Invite{ID: network.NewInviteID(v.now), Chain: v.chain.ID, CreatedAt: v.now})
			}),
			"import": step(func(t *rapid.T) { v.importRow(person.Draw(t, "who"), roster.Draw(t, "partner")) }),
			"leave":  step(func(t *rapid.T) { v.leave(person.Draw(t, "who").ID, anyPartner(t)) }),
			"remove": step(func(t *rapid.T) { v.remove(anyPartner(t)) }),
			"toggle": step(func(t *rapid.T) {
				policy := rapid.SampledFrom([]network.JoinPolicy{network.Open, network.ImportedOnly}).Draw(t, "policy")
				v.chain, _ = v.chain.Apply(network.ChainEdit{JoinPolicy: &policy}, v.now)
			}),
		})
	})
}
