package network_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

func TestR14_ADeadInviteSaysWhyTheMostTellingReasonFirst(t *testing.T) {
	t.Parallel()
	chain := chainWith(policies())
	gone := chain
	gone.DissolvedAt = noon
	revoked := network.Invite{CreatedAt: noon, RevokedAt: noon}
	used := network.Invite{CreatedAt: noon, MaxUses: 2, Uses: 2}
	usedAndRevoked := used
	usedAndRevoked.RevokedAt = noon
	late := noon.Add(7 * day)
	for _, c := range []struct {
		name   string
		chain  network.Chain
		invite network.Invite
		now    time.Time
		want   error
	}{
		{"live", chain, network.Invite{CreatedAt: noon}, noon, nil},
		{"one use left", chain, network.Invite{CreatedAt: noon, MaxUses: 2, Uses: 1}, noon, nil},
		{"unlimited, much used", chain, network.Invite{CreatedAt: noon, Uses: 1 << 20}, noon, nil},
		{"used up", chain, used, noon, network.ErrInviteExhausted},
		{"expired", chain, network.Invite{CreatedAt: noon}, late, network.ErrInviteExpired},
		{"revoked", chain, revoked, noon, network.ErrInviteRevoked},
		{"used up and expired", chain, used, late, network.ErrInviteExpired},
		{"used up and revoked", chain, usedAndRevoked, noon, network.ErrInviteRevoked},
		{"revoked and expired", chain, revoked, late, network.ErrInviteRevoked},
		{"all of it, in a dissolved chain", gone, usedAndRevoked, late, network.ErrChainDissolved},
		{"live, in a dissolved chain", gone, network.Invite{CreatedAt: noon}, noon, network.ErrChainDissolved},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want(t, c.invite.Usable(c.chain, c.now), c.want)
		})
	}
}

func TestR14_ADeadNoticeSaysWhy(t *testing.T) {
	t.Parallel()
	chain := chainWith(policies())
	gone := chain
	gone.DissolvedAt = noon
	for _, c := range []struct {
		name    string
		chain   network.Chain
		partner network.Partner
		contact network.Contact
		version int
		after   time.Duration
		want    error
	}{
		{"live", chain, network.Partner{}, network.Contact{}, 0, 0, nil},
		{"live to the last second", chain, network.Partner{}, network.Contact{}, 0, 7*day - time.Second, nil},
		{"expired", chain, network.Partner{}, network.Contact{}, 0, 7 * day, network.ErrInviteExpired},
		{"resent (R17)", chain, network.Partner{}, network.Contact{TokenVersion: 1}, 0, 0, network.ErrInviteRevoked},
		{"the resent one", chain, network.Partner{}, network.Contact{TokenVersion: 1}, 1, 0, nil},
		{"withdrawn (R33)", chain, network.Partner{State: network.PartnerRemoved}, network.Contact{}, 0, 0, network.ErrInviteRevoked},
		{"of an older epoch (R38)", chain, network.Partner{Epoch: 1}, network.Contact{}, 0, 0, network.ErrInviteRevoked},
		{"left since (R18)", chain, network.Partner{}, network.Contact{LeftAt: noon}, 0, 0, network.ErrInviteRevoked},
		{"left, and expired", chain, network.Partner{}, network.Contact{LeftAt: noon}, 0, 8 * day, network.ErrInviteRevoked},
		{"dissolved", gone, network.Partner{State: network.PartnerRemoved}, network.Contact{}, 0, 8 * day, network.ErrChainDissolved},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.contact.NoticeAt = noon
			want(t, network.NoticeUsable(c.chain, c.partner, c.contact, c.version, noon.Add(c.after)), c.want)
		})
	}
}

func TestR10_AnInviteIsMadeWithinItsLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		invite network.Invite
		want   string
	}{
		{"a plain link", network.Invite{Kind: "link"}, ""},
		{"all of it", network.Invite{Kind: "qr", MaxUses: network.MaxUses, Own: 7 * day, Corp: network.NewCorpID(), Note: "展会 stand 4"}, ""},
		{"no kind", network.Invite{}, "kind not_allowed"},
		{"a notice isn't made by hand", network.Invite{Kind: "notice"}, "kind not_allowed"},
		{"fewer uses than none", network.Invite{Kind: "link", MaxUses: -1}, "max_uses out_of_range"},
		{"too many uses", network.Invite{Kind: "link", MaxUses: network.MaxUses + 1}, "max_uses out_of_range"},
		{"over before it began", network.Invite{Kind: "link", Own: -1}, "expires_in out_of_range"},
		{"longer than the policy's life", network.Invite{Kind: "link", Own: 7*day + 1}, "expires_in out_of_range"},
		{"bound to what is no corp", network.Invite{Kind: "link", Corp: network.NewChainID()}, "corp_id not_allowed"},
		{"a long note", network.Invite{Kind: "link", Note: strings.Repeat("长", network.MaxNote)}, ""},
		{"too long a note", network.Invite{Kind: "link", Note: strings.Repeat("长", network.MaxNote+1)}, "note too_long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := badField(c.invite.Check(7 * day)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
