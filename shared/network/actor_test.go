package network_test

import (
	"testing"

	"github.com/tributary-app/tributary/shared/network"
)

// who are the five who may ask: the owner's super-admin, chain admin and
// member, a partner's person, and somebody from outside.
func who(chain network.Chain) map[string]network.Actor {
	own := network.Corp{ID: chain.OwnerCorp}
	partner := network.Corp{ID: "co-partner", Places: map[string]network.Place{chain.ID: {Side: network.Guest, Partner: "pa-own"}}}
	return map[string]network.Actor{
		"super-admin": {Person: network.Person{ID: "pe1"}, Corp: own, Role: network.SuperAdmin, Chain: chain, Side: network.Owner, Admin: true},
		"chain admin": {Person: network.Person{ID: "pe2"}, Corp: own, Role: network.Staff, Chain: chain, Side: network.Owner, Admin: true},
		"member":      {Person: network.Person{ID: "pe3"}, Corp: own, Role: network.Staff, Chain: chain, Side: network.Owner},
		"partner":     {Person: network.Person{ID: "pe4"}, Corp: partner, Role: network.SuperAdmin, Chain: chain, Side: network.Guest},
		"outsider":    {Person: network.Person{ID: "pe5"}, Corp: network.Corp{ID: "co-other"}, Role: network.SuperAdmin, Chain: chain},
	}
}

func TestR07_WhoMayInvite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		members, partners bool
		corp              string // that the invite is bound to
		may               map[string]bool
	}{
		{true, false, "", map[string]bool{"super-admin": true, "chain admin": true, "member": true}},
		{false, false, "", map[string]bool{"super-admin": true, "chain admin": true}},
		{false, true, "", map[string]bool{"super-admin": true, "chain admin": true, "partner": true}},
		{false, false, "co-partner", map[string]bool{"super-admin": true, "chain admin": true, "partner": true}},
		{true, false, "co-third", map[string]bool{"super-admin": true, "chain admin": true, "member": true}},
		{true, true, "co-third", map[string]bool{"super-admin": true, "chain admin": true, "member": true, "partner": true}},
	} {
		chain := chainWith(policies())
		chain.MembersMayInvite, chain.PartnersMayInvite = c.members, c.partners
		for name, actor := range who(chain) {
			err := actor.MayInvite(network.Invite{Corp: c.corp})
			if (err == nil) != c.may[name] {
				t.Errorf("members %v, partners %v, bound to %q: %s got %v, want allowed: %v", c.members, c.partners, c.corp, name, err, c.may[name])
			}
			if err != nil {
				want(t, err, network.ErrDenied)
			}
		}
	}
}

func TestR35_WhoSeesWhom(t *testing.T) {
	t.Parallel()
	own := network.Partner{ID: "pa-own", State: network.PartnerJoined}
	joined := network.Partner{ID: "pa-other", State: network.PartnerJoined}
	pending := network.Partner{ID: "pa-other", State: network.PartnerPending}
	empty := network.Partner{ID: "pa-other", State: network.PartnerEmpty}
	removed := network.Partner{ID: "pa-own", State: network.PartnerRemoved}
	ours := map[string]bool{"super-admin": true, "chain admin": true, "member": true}
	oursAndPartners := map[string]bool{"super-admin": true, "chain admin": true, "member": true, "partner": true}
	for _, c := range []struct {
		name    string
		another bool
		partner network.Partner
		sees    map[string]bool
	}{
		{"its own", false, own, oursAndPartners},
		{"another", false, joined, ours},
		{"another, while partners see each other", true, joined, oursAndPartners},
		{"who is still to join", true, pending, ours},
		{"whose last person has left", true, empty, ours},
		{"removed", true, removed, nil},
	} {
		chain := chainWith(policies())
		chain.PartnersSeeAnother = c.another
		for name, actor := range who(chain) {
			if got := network.SightOf(actor, network.Partner{ID: "pa-own"}, nil, nil).Partner(c.partner); got != c.sees[name] {
				t.Errorf("%s: %s got %v, want %v", c.name, name, got, c.sees[name])
			}
			if got, want := actor.SeesTotals(), ours[name] || name == "partner" && c.another; got != want {
				t.Errorf("%s: their number, %s got %v, want %v", c.name, name, got, want)
			}
		}
	}
}

func TestR38_ARemovedCorpSeesNothingOfItsOwnEither(t *testing.T) {
	t.Parallel()
	actor := who(chainWith(policies()))["partner"]
	actor.Side = network.Outside // its place is there still, closed
	again := network.Partner{ID: "pa-own", State: network.PartnerPending}
	sight := network.SightOf(actor, again, nil, nil)
	if sight.Partner(again) || sight.Group(network.RootGroup) || sight.Contact(again, network.Contact{JoinedAt: noon}) {
		t.Error("who was removed sees the partner that it was")
	}
}

func TestR03_AColleagueWhoHasNotJoinedIsNotShown(t *testing.T) {
	t.Parallel()
	for name, actor := range who(chainWith(policies())) {
		ours, partner := actor.Side == network.Owner, actor.Side == network.Guest
		own := network.Partner{ID: "pa-own", State: network.PartnerJoined}
		sight := network.SightOf(actor, own, nil, nil)
		if got := sight.Contact(own, network.Contact{}); got != ours {
			t.Errorf("%s, imported: got %v, want %v", name, got, ours)
		}
		if got, want := sight.Contact(own, network.Contact{JoinedAt: noon}), ours || partner; got != want {
			t.Errorf("%s, joined: got %v, want %v", name, got, want)
		}
		if got, want := actor.SeesPhone("pe3", "pa-other"), actor.Admin || name == "member"; got != want {
			t.Errorf("%s: the member's phone in full: got %v, want %v", name, got, want)
		}
		actor.Corp.Places = map[string]network.Place{actor.Chain.ID: {Side: actor.Side, Partner: "pa-own"}}
		if got, want := actor.SeesPhone("pe-colleague", "pa-own"), actor.Admin || partner; got != want {
			t.Errorf("%s: the phone of somebody of pa-own: got %v, want %v", name, got, want)
		}
	}
}

func TestR08_WhoSeesAGroup(t *testing.T) {
	t.Parallel()
	for name, actor := range who(chainWith(policies())) {
		ours := actor.Side == network.Owner
		sight := network.SightOf(actor, network.Partner{ID: "pa-own", Group: 2}, nil, nil)
		if got := sight.Group(3); got != ours {
			t.Errorf("%s, another group: got %v, want %v", name, got, ours)
		}
		if got, want := sight.Group(2), ours || actor.Side == network.Guest; got != want {
			t.Errorf("%s, the group of one's own: got %v, want %v", name, got, want)
		}
	}
}

func TestRightsOfAdminsAndOwners(t *testing.T) {
	t.Parallel()
	for name, actor := range who(chainWith(policies())) {
		if got, want := actor.MustAdmin() == nil, name == "super-admin" || name == "chain admin"; got != want {
			t.Errorf("%s as admin: got %v, want %v", name, got, want)
		}
		if got, want := actor.MustOwn() == nil, name == "super-admin"; got != want {
			t.Errorf("%s as owner: got %v, want %v", name, got, want)
		}
		theirs := network.Invite{Maker: actor.Person.ID, MakerCorp: actor.Corp.ID}
		elsewhere := network.Invite{Maker: actor.Person.ID, MakerCorp: "co-elsewhere"} // R01: never the union of two corps
		if !actor.MaySeeInvite(theirs) {
			t.Errorf("%s doesn't see the invite that they made", name)
		}
		if got := actor.MaySeeInvite(elsewhere); got != actor.Admin {
			t.Errorf("%s, made under another corp: got %v, want %v", name, got, actor.Admin)
		}
	}
}

func TestR01_ARequestActsUnderOneCorp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		named string
		mine  []string
		want  string
		err   error
	}{
		{"a", []string{"a", "b"}, "a", nil},
		{"b", []string{"a", "b"}, "b", nil},
		{"", []string{"a"}, "a", nil},
		{"", []string{"a", "b"}, "", network.ErrCorpRequired},
		{"", nil, "", network.ErrCorpRequired},
		{"c", []string{"a", "b"}, "", network.ErrNotAMember},
		{"c", []string{"a"}, "", network.ErrNotAMember},
		{"c", nil, "", network.ErrNotAMember},
	} {
		got, err := network.PickCorp(c.named, c.mine)
		want(t, err, c.err)
		if got != c.want {
			t.Errorf("%q of %v: got %q, want %q", c.named, c.mine, got, c.want)
		}
	}
}
