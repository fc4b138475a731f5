package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// maxSight is what one viewer's sight of a full chain may take (issue 6).
const maxSight = 20 * time.Millisecond

// benchSight prints how long it takes to make one viewer's sight of a chain of
// as many partners and rules as there can be, in 2,000 groups, and to ask it of
// each partner.
func benchSight(_ context.Context, out io.Writer) error {
	chain := network.Chain{ID: "ch0000000000000001", MembersSee: network.SeeByRules}
	tree := network.Tree{network.RootGroup: {ID: network.RootGroup}}
	for id := 2; id <= 2_000; id++ {
		tree[id] = network.Group{ID: id, Parent: max(id/4, network.RootGroup)}
	}
	partners := make([]network.Partner, network.MaxPartners)
	for i := range partners {
		partners[i] = network.Partner{ID: network.RosterPartnerID(chain.ID, fmt.Sprint(i), ""), Group: 1 + i%2_000, State: network.PartnerJoined}
	}
	var rules []network.Rule
	for i := range network.MaxRules {
		r := network.Rule{Effect: network.Allow, Owner: network.OwnerSide{Roles: []network.HostRole{network.HostMember}}}
		if i%10 == 0 {
			r.Effect = network.Hide
		}
		for j := range 5 {
			r.Partner.Groups = append(r.Partner.Groups, 100+(i*7+j*131)%1_900)
			r.Partner.Corps = append(r.Partner.Corps, partners[i*411+j*77].ID)
		}
		rules = append(rules, r)
	}
	viewer := network.Actor{Person: network.Person{ID: "pe0000000000000001"}, Chain: chain, Side: network.Owner, Role: network.Staff}
	var took []time.Duration
	seen := 0
	for range 21 {
		begun := time.Now()
		seen = 0
		sight := network.SightOf(viewer, network.Partner{}, rules, tree)
		for i := range partners {
			if sight.Partner(partners[i]) {
				seen++
			}
		}
		took = append(took, time.Since(begun))
	}
	if seen == 0 || seen == len(partners) {
		return errors.New("sight: the rules say nothing")
	}
	p50 := percentile(took, 0.5)
	fmt.Fprintf(out, "\n| one viewer's sight of %d partners under %d rules | measured | wanted |\n|---|---|---|\n| median | %.1f ms | < %.0f ms |\n", len(partners), len(rules), ms(p50), ms(maxSight))
	return wanted(nil, p50 < maxSight, "a sight takes %v, want %v", p50, maxSight)
}
