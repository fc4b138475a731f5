package network_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

func TestANewChainHasTheDefaults(t *testing.T) {
	t.Parallel()
	c := chainWith(policies())
	if !c.MembersMayInvite || c.PartnersMayInvite || c.PartnersSeeAnother {
		t.Errorf("got %+v, want members_may_invite on, the others off (R07, R35)", c)
	}
	if c.Policy() != network.Open || c.PartnerLimit != 100_000 || c.PeopleLimit != 1_000 {
		t.Errorf("got %+v, want open, 100,000 partners, 1,000 people (R20, R46)", c)
	}
	if c.Edition < 1 || c.Gate < 1 {
		t.Errorf("got edition %d, gate %d, want both begun", c.Edition, c.Gate)
	}
	for _, name := range []string{"", " x", strings.Repeat("链", 33), "中奖了 http://evil.cn/a?b", "evil.cn", "a，b"} {
		if _, err := network.NewChain("ch1", name, network.Corp{}, noon); network.KindOf(err) != network.Invalid {
			t.Errorf("named %q: got %v, want invalid", name, err)
		}
	}
}

func TestR12_TheHistoryOfPoliciesOnlyGrows(t *testing.T) {
	t.Parallel()
	on, off, other := network.ImportedOnly, network.Open, network.JoinPolicy("closed")
	c := chainWith(policies())
	grown, err := c.Apply(network.ChainEdit{JoinPolicy: &on}, noon.Add(day))
	want(t, err, nil)
	if len(c.Policies) != 1 || len(grown.Policies) != 2 || grown.Policy() != on || grown.MaxLife() != 90*day {
		t.Errorf("got %v after %v, want one entry more", grown.Policies, c.Policies)
	}
	same, err := grown.Apply(network.ChainEdit{JoinPolicy: &on}, noon.Add(2*day))
	want(t, err, nil)
	if len(same.Policies) != 2 {
		t.Errorf("got %v, want no entry for what was so already", same.Policies)
	}
	// Two edits of one reading must not share the history's backing array.
	grown.Policies = slices.Grow(grown.Policies, 4)
	a, _ := grown.Apply(network.ChainEdit{JoinPolicy: &off}, noon.Add(3*day))
	b, _ := grown.Apply(network.ChainEdit{JoinPolicy: &off}, noon.Add(4*day))
	if !a.Policies[2].At.Equal(noon.Add(3*day)) || !b.Policies[2].At.Equal(noon.Add(4*day)) {
		t.Errorf("got %v and %v, want each its own entry", a.Policies, b.Policies)
	}
	if _, err := c.Apply(network.ChainEdit{JoinPolicy: &other}, noon); badField(err) != "join_policy not_allowed" {
		t.Errorf("got %v, want join_policy not_allowed", err)
	}

	// A machine whose clock is behind doesn't put its entry before the last.
	late, err := grown.Apply(network.ChainEdit{JoinPolicy: &off}, noon.Add(day-time.Second))
	want(t, err, nil)
	if got := late.Policies[2].At; !got.Equal(noon.Add(day)) {
		t.Errorf("got an entry of %v, want %v", got, noon.Add(day))
	}
}

func TestR16_EveryEditMovesEditionAndGate(t *testing.T) {
	t.Parallel()
	name, yes, no := "other", true, false
	c := chainWith(policies())
	got, err := c.Apply(network.ChainEdit{Name: &name, MembersMayInvite: &no, PartnersMayInvite: &yes, PartnersSeeAnother: &yes}, noon)
	want(t, err, nil)
	if got.Name != name || got.MembersMayInvite || !got.PartnersMayInvite || !got.PartnersSeeAnother {
		t.Errorf("got %+v, want all four changed", got)
	}
	if got.Edition == c.Edition || got.Gate == c.Gate {
		t.Errorf("got edition %d, gate %d, want both moved on", got.Edition, got.Gate)
	}
	for _, bad := range []string{" x", "evil.cn/a"} {
		if _, err := c.Apply(network.ChainEdit{Name: &bad}, noon); badField(err) != "name bad_character" {
			t.Errorf("named %q: got %v, want name bad_character", bad, err)
		}
	}
}

func TestAnEditThatChangesNothingIsNone(t *testing.T) {
	t.Parallel()
	c := chainWith(policies())
	policy := c.Policy()
	for name, e := range map[string]network.ChainEdit{
		"an empty one": {}, "one to what is so already": {Name: &c.Name, JoinPolicy: &policy, MembersMayInvite: &c.MembersMayInvite, PartnersSeeAnother: &c.PartnersSeeAnother},
	} {
		if got, err := c.Apply(e, noon.Add(day)); err != nil || got.Edition != c.Edition || got.Gate != c.Gate {
			t.Errorf("%s: got edition %d, gate %d, %v, want none moved on", name, got.Edition, got.Gate, err)
		}
	}
}

func TestR12_AHistoryOfPoliciesHasAnEnd(t *testing.T) {
	t.Parallel()
	c := chainWith(policies())
	both := []network.JoinPolicy{network.ImportedOnly, network.Open}
	var err error
	n := 1
	for ; err == nil && n < 2000; n++ {
		c, err = c.Apply(network.ChainEdit{JoinPolicy: &both[(n-1)%2]}, noon.Add(time.Duration(n)*time.Second))
	}
	want(t, err, network.ErrConflict)
	if n-1 != network.MaxPolicies {
		t.Errorf("got %d entries, want %d", n-1, network.MaxPolicies)
	}
}

func TestR34_WhoIsSentToADeletedGroupLandsWhereItsPeopleWent(t *testing.T) {
	t.Parallel()
	c := network.Chain{Moved: map[int]int{2: 3, 3: 4, 5: 1, 6: 7, 7: 6}}
	for id, want := range map[int]int{1: 1, 0: 1, 8: 8, 4: 4, 3: 4, 2: 4, 5: 1} {
		if got := c.Landing(id); got != want {
			t.Errorf("group %d: got %d, want %d", id, got, want)
		}
	}
	c.Landing(6) // a circle ends
	if got := (network.Chain{}).Landing(2); got != 2 {
		t.Errorf("nothing was deleted: got %d, want 2", got)
	}
}
