package store

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

func TestACorpIsAsItWasMadeAndItsMakerIsItsSuperAdmin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c, p := w.corp(t, 7)
	same(t, "corp", w.corpNow(t, c.ID), network.Corp{ID: c.ID, Name: "Corp 7", Type: network.Company, Verification: 1, WorkbenchEntry: true, CreatedAt: noon, Version: 1, Admins: 1, Places: map[string]network.Place{}})
	m, err := w.Member(t.Context(), c.ID, p.ID)
	must(t, err)
	same(t, "member", m, network.Member{Person: p.ID, Corp: c.ID, Name: p.Name, Phone: p.Phone, Role: network.SuperAdmin})

	_, err = w.Corp(t.Context(), "co0000000000000099")
	wants(t, "a corp that isn't there", err, network.ErrNotFound)
	_, err = w.Member(t.Context(), c.ID, person(8).ID)
	wants(t, "a member who isn't one", err, network.ErrNotFound)
}

func TestAnEditOfACorpReachesItsChainsAndStaysThere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	stale := w.chainNow(t)
	name, off, school := "New Name", false, network.Schooling
	c, err := w.EditCorp(ctx, w.owner, CorpEdit{Name: &name, WorkbenchEntry: &off, Industry: &school})
	must(t, err)
	same(t, "corp", w.corpNow(t, c.ID), c)
	if c.Name != name || c.WorkbenchEntry || c.Industry != school {
		t.Errorf("got %+v, want the edit", c)
	}
	same(t, "owner's name", w.chainNow(t).OwnerName, name)

	// Whoever had read the chain before writes no old name back.
	on := true
	_, err = w.EditChain(ctx, stale, network.ChainEdit{PartnersMayInvite: &on}, noon)
	must(t, err)
	same(t, "owner's name after an edit of the chain", w.chainNow(t).OwnerName, name)
}

func TestAnEditOfACorpIsBehindOnlyIfSomebodyElseEditedIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	c, _ := w.corp(t, 7)
	// A colleague who goes and a join move the version on, and are no edit.
	w.colleague(t, c.ID, 8, network.Staff)
	must(t, w.RemoveMember(ctx, c.ID, person(8).ID))
	w.join(t, w.link(t, network.Invite{}), person(7), Choice{Corp: c.ID})
	first, second := "First", "Second"
	_, err := w.EditCorp(ctx, c, CorpEdit{Name: &first})
	must(t, err)
	_, err = w.EditCorp(ctx, c, CorpEdit{Name: &second})
	wants(t, "an edit of what somebody else has edited", err, network.ErrPrecondition)
	is := w.corpNow(t, c.ID)
	if is.Name != first || is.Places[chainID].Side != network.Guest {
		t.Errorf("got %+v, want the first edit and its place in the chain", is)
	}
}

func TestACorpWithTwentyChainsIsRenamedInAllOfThemAtOnceAndOwnsNoTwentyFirst(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	for i := 2; i <= network.MaxChains; i++ {
		c, err := network.NewChain(fmt.Sprintf("ch%016d", i), fmt.Sprintf("Chain %d", i), w.owner, noon)
		must(t, err)
		_, err = w.CreateChain(ctx, c, w.owner, Once{})
		must(t, err)
	}
	c, err := network.NewChain("ch0000000000000021", "One too many", w.owner, noon)
	must(t, err)
	_, err = w.CreateChain(ctx, c, w.owner, Once{})
	wants(t, "R46 the 21st chain", err, network.ErrQuotaExceeded)

	name := "Renamed"
	_, err = w.EditCorp(ctx, w.corpNow(t, w.owner.ID), CorpEdit{Name: &name})
	must(t, err)
	mine, err := w.Me(ctx, w.boss.ID)
	must(t, err)
	if len(mine.Chains) != network.MaxChains || slices.ContainsFunc(mine.Chains, func(p Part) bool { return p.Chain.OwnerName != name }) {
		t.Errorf("got %d chains, want %d under the new name", len(mine.Chains), network.MaxChains)
	}
}

func TestAMemberIsAddedOnceAndNotAsSomebodyElse(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	p := w.colleague(t, w.owner.ID, 7, network.Staff)
	w.colleague(t, w.owner.ID, 7, network.Staff) // again
	wants(t, "as super-admin", w.AddMember(ctx, network.Member{Person: p.ID, Corp: w.owner.ID, Name: p.Name, Phone: p.Phone, Role: network.SuperAdmin}, Once{}), network.ErrConflict)
	wants(t, "to no corp", w.AddMember(ctx, network.Member{Person: p.ID, Corp: "co0000000000000099", Name: p.Name, Phone: p.Phone, Role: network.Staff}, Once{}), network.ErrNotFound)
	same(t, "super-admins", w.corpNow(t, w.owner.ID).Admins, 1)
}

func TestMembersArePagedSuperAdminsFirstEachOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	want := []string{w.boss.ID}
	for i := range 6 {
		want = append(want, w.colleague(t, w.owner.ID, 2+i, network.Staff).ID)
	}
	for limit := 1; limit < 9; limit++ {
		var got []string
		for cursor := ""; ; {
			page, next, err := w.Members(t.Context(), w.owner.ID, cursor, limit)
			must(t, err)
			for _, m := range page {
				got = append(got, m.Person)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		same(t, fmt.Sprintf("by %d", limit), got, want)
	}
	_, _, err := w.Members(t.Context(), w.owner.ID, "%%%", 5)
	same(t, "a cursor of nobody's", network.KindOf(err), network.Invalid)

	admins, err := w.SuperAdmins(t.Context(), w.owner.ID)
	must(t, err)
	_, err = w.SetRole(t.Context(), w.owner.ID, person(3).ID, network.SuperAdmin)
	must(t, err)
	more, err := w.SuperAdmins(t.Context(), w.owner.ID)
	must(t, err)
	same(t, "super-admins before and after one more", []int{len(admins), len(more)}, []int{1, 2})
}

func TestR06_TheLastSuperAdminStays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	_, err := w.SetRole(ctx, w.owner.ID, w.boss.ID, network.Staff)
	wants(t, "demoting the last", err, network.ErrLastAdmin)
	wants(t, "removing the last", w.RemoveMember(ctx, w.owner.ID, w.boss.ID), network.ErrLastAdmin)

	other := w.colleague(t, w.owner.ID, 7, network.Staff)
	m, err := w.SetRole(ctx, w.owner.ID, other.ID, network.SuperAdmin)
	must(t, err)
	same(t, "role", m.Role, network.SuperAdmin)
	must(t, w.RemoveMember(ctx, w.owner.ID, w.boss.ID))
	wants(t, "removing who is gone", w.RemoveMember(ctx, w.owner.ID, w.boss.ID), network.ErrNotFound)
	_, err = w.SetRole(ctx, w.owner.ID, other.ID, network.Staff)
	wants(t, "demoting the last of two", err, network.ErrLastAdmin)
	same(t, "super-admins", w.corpNow(t, w.owner.ID).Admins, 1)
}

func TestR06_OfTwoDemotionsAtOnceOneWins(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for round := range 5 {
		c, first := w.corp(t, 100+2*round)
		second := w.colleague(t, c.ID, 101+2*round, network.SuperAdmin)
		people := []network.Person{first, second}
		got := atOnce(2, func(i int) error {
			if round%2 == 0 {
				return w.RemoveMember(t.Context(), c.ID, people[i].ID)
			}
			_, err := w.SetRole(t.Context(), c.ID, people[i].ID, network.Staff)
			return err
		})
		same(t, "two at once", got, map[string]int{"ok": 1, "last_admin": 1})
		same(t, "super-admins left", w.corpNow(t, c.ID).Admins, 1)
	}
}

func TestR06_HandingOverAndLeavingIsOneCall(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	heir := w.colleague(t, w.owner.ID, 7, network.Staff)
	wants(t, "to nobody", w.HandOver(ctx, w.owner.ID, w.boss.ID, person(9).ID), network.ErrNotFound)
	wants(t, "by who has nothing", w.HandOver(ctx, w.owner.ID, heir.ID, w.boss.ID), network.ErrDenied)
	must(t, w.HandOver(ctx, w.owner.ID, w.boss.ID, heir.ID))
	m, err := w.Member(ctx, w.owner.ID, heir.ID)
	must(t, err)
	_, err = w.Member(ctx, w.owner.ID, w.boss.ID)
	wants(t, "who left", err, network.ErrNotFound)
	if n := w.corpNow(t, w.owner.ID).Admins; m.Role != network.SuperAdmin || n != 1 {
		t.Errorf("got %s and %d super-admins, want the heir alone", m.Role, n)
	}
}

func TestWhoIsRemovedFromTheOwnerComesBackAsNoAdmin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	p := w.colleague(t, w.owner.ID, 7, network.Staff)
	must(t, w.AddAdmin(ctx, w.chain, p.ID, noon, Once{}))
	must(t, w.AddAdmin(ctx, w.chain, p.ID, noon, Once{})) // twice is once
	a, err := w.Actor(ctx, p, "", chainID)
	must(t, err)
	admins, err := w.Admins(ctx, chainID)
	must(t, err)
	same(t, "admins", admins, []Admin{{p.ID, noon}})
	if !a.Admin {
		t.Error("got no admin, want one")
	}
	must(t, w.RemoveMember(ctx, w.owner.ID, p.ID))
	wants(t, "appointing who isn't a member", w.AddAdmin(ctx, w.chain, p.ID, noon, Once{}), network.ErrNotFound)
	w.colleague(t, w.owner.ID, 7, network.Staff)
	a, err = w.Actor(ctx, p, "", chainID)
	must(t, err)
	if a.Admin {
		t.Error("got an admin again, want none")
	}
	must(t, w.AddAdmin(ctx, w.chain, p.ID, noon, Once{}))
	must(t, w.RemoveAdmin(ctx, w.chain, p.ID))
	must(t, w.RemoveAdmin(ctx, w.chain, p.ID))
	admins, err = w.Admins(ctx, chainID)
	must(t, err)
	same(t, "admins left", len(admins), 0)
}

func TestR04_NobodyJoinsAChainWhoseOwnerBecameASchoolAndWhoIsInStays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	second, err := network.NewChain("ch0000000000000002", "Second", w.owner, noon)
	must(t, err)
	_, err = w.CreateChain(ctx, second, w.owner, Once{})
	must(t, err)
	in, p := w.partner(t, 7)
	link := w.link(t, network.Invite{})
	w.importRows(t, 1, []network.RosterRow{row(20, "Acme")})
	barred := func() (n int) {
		for _, id := range []string{chainID, second.ID} {
			c, err := w.Chain(ctx, id)
			must(t, err)
			if c.Barred {
				n++
			}
		}
		return n
	}

	// The call breaks off after the corp and one of its two chains; made again it is finished.
	school, company := network.Schooling, network.Industry("")
	w.tb.Reset()
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n == 3 {
			return dynamotest.Before
		}
		return dynamotest.None
	}
	if _, err = w.EditCorp(ctx, w.corpNow(t, w.owner.ID), CorpEdit{Industry: &school}); err == nil {
		t.Fatal("got no error of the request that was lost")
	}
	w.tb.Break = nil
	same(t, "chains barred half-way", barred(), 1)
	_, err = w.EditCorp(ctx, w.corpNow(t, w.owner.ID), CorpEdit{Industry: &school})
	must(t, err)
	same(t, "chains barred", barred(), 2)

	_, err = w.Join(ctx, link, person(8), anew("Eight"), noon)
	wants(t, "by a link", err, network.ErrCorpNotEligible)
	_, err = w.Join(ctx, noticeOf(row(20, "Acme")), person(20), anew("Acme"), noon)
	wants(t, "by a notice", err, network.ErrCorpNotEligible)
	_, err = w.Actor(ctx, p, in.Corp.ID, chainID)
	must(t, err)

	_, err = w.EditCorp(ctx, w.corpNow(t, w.owner.ID), CorpEdit{Industry: &company})
	must(t, err)
	same(t, "chains barred", barred(), 0)
	w.join(t, link, person(8), anew("Eight"))
}

func TestR04_AnOwnerThatTurnsSchoolAndBackAtOnceLeavesItsChainAsItIsItself(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	school, company := network.Schooling, network.Industry("")
	past := New(dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT")), w.tb.Name)
	w.tb.Reset()
	var did error
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n == 2 { // the corp is a school; its chain is about to be told
			var c network.Corp
			if c, did = past.Corp(ctx, w.owner.ID); did == nil {
				_, did = past.EditCorp(ctx, c, CorpEdit{Industry: &company})
			}
		}
		return dynamotest.None
	}
	_, err := w.EditCorp(ctx, w.owner, CorpEdit{Industry: &school})
	must(t, did)
	must(t, err)
	w.tb.Break = nil
	same(t, "a school, barred", []bool{!w.corpNow(t, w.owner.ID).Eligible(), w.chainNow(t).Barred}, []bool{false, false})
}
