package network_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
)

// under puts a policy in force.
func under(p network.JoinPolicy) func(*scene) {
	return func(s *scene) {
		s.j.Chain.Policies = []network.PolicyChange{{At: noon, Policy: p}}
	}
}

func TestR20_WhoIsAskedFor(t *testing.T) {
	t.Parallel()
	word := func(s *scene) { s.j.Word.Given = true }
	for name, c := range map[string]struct {
		with []func(*scene)
		want bool
	}{
		"open":                                            {[]func(*scene){under(network.Open)}, false},
		"imported only, on the roster":                    {[]func(*scene){imported, under(network.ImportedOnly)}, false},
		"approval":                                        {[]func(*scene){under(network.Approval)}, true},
		"approval, on the roster":                         {[]func(*scene){imported, under(network.Approval)}, true},
		"approval, by notice":                             {[]func(*scene){notified, under(network.Approval)}, true},
		"approval, a colleague":                           {[]func(*scene){guest(own), under(network.Approval)}, true},
		"approval, and accepted":                          {[]func(*scene){under(network.Approval), word}, false},
		"imported or approval":                            {[]func(*scene){under(network.ImportedOrApproval)}, true},
		"imported or approval, on the roster":             {[]func(*scene){imported, under(network.ImportedOrApproval)}, false},
		"imported or approval, by notice":                 {[]func(*scene){notified, under(network.ImportedOrApproval)}, false},
		"imported or approval, a colleague":               {[]func(*scene){guest(own), under(network.ImportedOrApproval)}, false},
		"imported or approval, a colleague of a roster's": {[]func(*scene){imported, guest(acme), func(s *scene) { s.j.Contacts = nil }, under(network.ImportedOrApproval)}, false},
		"imported or approval, and accepted":              {[]func(*scene){under(network.ImportedOrApproval), word}, false},
	} {
		s := setup(c.with...)
		a, err := s.join()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := s.j.Applies(a); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestAnAdminsWordStandsForTheInvitesLifeAndForNothingElse(t *testing.T) {
	t.Parallel()
	word := func(s *scene) { s.j.Word.Given = true }
	late := func(s *scene) { s.j.Now = noon.Add(30 * 24 * 3600e9) }
	for name, c := range map[string]struct {
		with []func(*scene)
		want error
	}{
		"a link that has expired":         {[]func(*scene){late, word}, nil},
		"one that was revoked":            {[]func(*scene){func(s *scene) { s.j.Invite.RevokedAt = noon }, word}, nil},
		"one that was resent":             {[]func(*scene){func(s *scene) { s.j.Invite.Version = 9 }, word}, nil},
		"one that is used up":             {[]func(*scene){func(s *scene) { s.j.Invite.MaxUses, s.j.Invite.Uses = 1, 1 }, word}, network.ErrInviteExhausted},
		"imported only (R21 c)":           {[]func(*scene){only, word}, nil},
		"a notice that has expired":       {[]func(*scene){notified, late, word}, nil},
		"a notice of an older version":    {[]func(*scene){notified, func(s *scene) { s.j.Ticket.Version = 0 }, word}, nil},
		"a notice of a withdrawn partner": {[]func(*scene){notified, func(s *scene) { p := s.partners[s.acme]; p.State = network.PartnerRemoved; s.partners[s.acme] = p }, word}, network.ErrInviteRevoked},
		"a chain that was dissolved":      {[]func(*scene){func(s *scene) { s.j.Chain.DissolvedAt = noon }, word}, network.ErrChainDissolved},
		"a school":                        {[]func(*scene){func(s *scene) { s.j.Corp.Industry = network.Schooling }, word}, network.ErrCorpNotEligible},
		"who left since the link was made": {[]func(*scene){guest(own), func(s *scene) {
			s.j.Contacts = append(s.j.Contacts, network.Contact{Person: s.j.Person.ID, Chain: s.j.Chain.ID, Partner: own(s), LeftAt: noon.Add(1)})
		}, word}, network.ErrInviteRevoked},
		"another partner than that of their corp": {[]func(*scene){guest(own), word, func(s *scene) { s.j.Word.Partner = s.acme }}, network.ErrPartnerConflict},
		"a partner that there isn't":              {[]func(*scene){word, func(s *scene) { s.j.Word.Partner = "pa0000000000000000" }}, network.ErrNotFound},
	} {
		if _, err := setup(c.with...).join(); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	s := setup(word, func(s *scene) { s.j.Word.Alias, s.j.Word.Group = "Wangs", 7 })
	if a, err := s.join(); err != nil || a.Partner.Alias != "Wangs" || a.Partner.Group != 7 || !a.Moves {
		t.Errorf("got %+v (%v), want it called and put so", a.Partner, err)
	}
}

func TestAnApplicationsIDIsItsPersonAndCorp(t *testing.T) {
	t.Parallel()
	person, corp := personKey.Person(phone), network.NewCorpID()
	id := network.ApplicationID(person, corp)
	if p, c, ok := network.SplitApplicationID(id); p != person || c != corp || !ok {
		t.Errorf("got %s, %s, %v", p, c, ok)
	}
	for _, bad := range []string{"", "ap", id[:len(id)-1], id + "0", "AP" + id[2:], strings.Replace(id, id[5:6], "!", 1), "ap" + strings.Repeat("u", 32)} {
		if _, _, ok := network.SplitApplicationID(bad); ok {
			t.Errorf("%q passes for an application's id", bad)
		}
	}
}
