package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

func TestAChainIsAsItWasMade(t *testing.T) {
	t.Parallel()
	w := setup(t)
	same(t, "chain", w.chainNow(t), network.Chain{
		ID: chainID, Name: "Dealers", OwnerCorp: w.owner.ID, OwnerName: "Corp 0", CreatedAt: noon, Policies: []network.PolicyChange{{At: noon, Policy: network.Open}},
		MembersMayInvite: true, Moved: map[int]int{}, PartnerLimit: network.MaxPartners, PeopleLimit: network.MaxPeople, Edition: 1, Gate: 1,
	})
	same(t, "its owner's place", w.owner.Places[chainID], network.Place{Side: network.Owner})
	tree, err := w.Tree(t.Context(), chainID)
	must(t, err)
	same(t, "groups", tree, network.Tree{1: {ID: 1, Name: "Dealers", Edition: 1}})
	_, err = w.Chain(t.Context(), "ch0000000000000099")
	wants(t, "a chain that isn't there", err, network.ErrNotFound)
}

func TestR04_ACorpThatBecameASchoolMeanwhileMakesNoChain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stale := w.owner
	school := network.Preschool
	_, err := w.EditCorp(t.Context(), w.owner, CorpEdit{Industry: &school})
	must(t, err)
	c, err := network.NewChain("ch0000000000000002", "Second", stale, noon)
	must(t, err)
	_, err = w.CreateChain(t.Context(), c, stale, Once{})
	wants(t, "a school's chain", err, network.ErrCorpNotEligible)
}

func TestAnEditThatIsBehindIsRefusedAndOneThatOnlyMetARevocationIsNot(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	was := w.chainNow(t)
	_, err := w.RevokeInvite(ctx, chainID, w.link(t, network.Invite{}).Invite, noon)
	must(t, err)
	_, err = w.CreateGroup(ctx, chainID, network.Group{Name: "North", Parent: 1}, Once{})
	must(t, err)
	must(t, w.DeleteGroup(ctx, chainID, 2, 1, 0, nil))
	off := false
	c, err := w.EditChain(ctx, was, network.ChainEdit{MembersMayInvite: &off}, noon)
	must(t, err)
	same(t, "chain", w.chainNow(t), c)
	if c.MembersMayInvite || c.Edition != 2 || c.Moved[2] != 1 {
		t.Errorf("got %+v, want the edit and the group that moved", c)
	}
	_, err = w.EditChain(ctx, was, network.ChainEdit{MembersMayInvite: &off}, noon)
	wants(t, "an edit of the first edition", err, network.ErrPrecondition)
	bad := network.JoinPolicy("closed")
	_, err = w.EditChain(ctx, c, network.ChainEdit{JoinPolicy: &bad}, noon)
	same(t, "a bad policy", network.KindOf(err), network.Invalid)
}

func TestR41_AChainsNameIsItsOwnUntilThirtyDaysAfterItsEnd(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	make := func(id int, name string, at time.Time) error {
		c, err := network.NewChain(fmt.Sprintf("ch%016d", id), name, w.owner, at)
		must(t, err)
		_, err = w.CreateChain(ctx, c, w.owner, Once{})
		return err
	}
	wants(t, "the same, but for case and space", make(2, "DEALERS", noon), network.ErrNameTaken)
	must(t, make(3, "Other", noon))
	other, dealers := "  other ", "Dealers Two"
	_ = other
	taken := "OTHER"
	_, err := w.EditChain(ctx, w.chainNow(t), network.ChainEdit{Name: &taken}, noon)
	wants(t, "renaming to a name that is taken", err, network.ErrNameTaken)
	same(t, "name", w.chainNow(t).Name, "Dealers")
	w.edit(t, network.ChainEdit{Name: &dealers}, noon)
	must(t, make(4, "Dealers", noon)) // let go by the renaming
	loud := "DEALERS TWO"
	w.edit(t, network.ChainEdit{Name: &loud}, noon) // the same name

	must(t, w.DissolveChain(ctx, chainID, 0, noon))
	must(t, w.DissolveChain(ctx, chainID, 0, noon.Add(day))) // twice is once
	wants(t, "within 30 days", make(5, "Dealers Two", noon.Add(nameHeld-time.Second)), network.ErrNameTaken)
	must(t, make(6, "Dealers Two", noon.Add(nameHeld)))
	wants(t, "when it is another's", make(7, "Dealers Two", noon.Add(2*nameHeld)), network.ErrNameTaken)
	same(t, "chains owned", w.corpNow(t, w.owner.ID).Owned, 3)
}

func TestR41_OfTwentyWhoTakeANameAtOnceOneHasIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	corps := make([]network.Corp, 20)
	for i := range corps {
		corps[i], _ = w.corp(t, 10+i)
	}
	got := atOnce(len(corps), func(i int) error {
		c, err := network.NewChain(fmt.Sprintf("ch%016d", 10+i), "Wanted", corps[i], noon)
		if err != nil {
			return err
		}
		_, err = w.CreateChain(t.Context(), c, corps[i], Once{})
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 1, "name_taken": 19})
}

func TestR41_DissolvingKillsInvitesAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	link := w.link(t, network.Invite{})
	in, p := w.partner(t, 7)
	w.importRows(t, 1, []network.RosterRow{row(9, "Nine")})
	must(t, w.DissolveChain(ctx, chainID, 0, noon))
	c, q := w.corp(t, 8)
	_, err := w.Join(ctx, link, q, Choice{Corp: c.ID}, noon)
	wants(t, "by a link", err, network.ErrChainDissolved)
	_, err = w.Join(ctx, noticeOf(row(9, "Nine")), person(9), anew("Nine"), noon)
	wants(t, "by a notice", err, network.ErrChainDissolved)
	l, err := w.Look(ctx, link, noon)
	must(t, err)
	wants(t, "a look", l.Err, network.ErrChainDissolved)
	_, err = w.Actor(ctx, p, in.Corp.ID, chainID)
	wants(t, "who had joined", err, network.ErrNotFound)
	mine, err := w.Me(ctx, p.ID)
	must(t, err)
	same(t, "their chains", len(mine.Chains), 0)
	wants(t, "dissolving what isn't there", w.DissolveChain(ctx, "ch0000000000000099", 0, noon), network.ErrNotFound)
}

func TestR16_ALinkThatIsDeadWhenPressedIsDead(t *testing.T) {
	t.Parallel()
	w := setup(t)
	// Each join races with the switch; whoever comes in did so before it.
	link := w.link(t, network.Invite{})
	corps := make([]network.Corp, 12)
	for i := range corps {
		corps[i], _ = w.corp(t, 10+i)
	}
	only := network.ImportedOnly
	got := atOnce(len(corps)+1, func(i int) error {
		if i == len(corps) {
			_, err := w.EditChain(t.Context(), w.chain, network.ChainEdit{JoinPolicy: &only}, noon)
			return err
		}
		_, err := w.Join(t.Context(), link, person(10+i), Choice{Corp: corps[i].ID}, noon)
		return err
	})
	n, err := w.JoinedPartners(t.Context(), chainID)
	must(t, err)
	if got["ok"] != n+1 || got["ok"]+got["not_imported"] != len(corps)+1 {
		t.Errorf("got %v and %d partners, want the switch, and everybody in or not_imported", got, n)
	}
	_, err = w.Join(t.Context(), link, person(0), anew("Late"), noon)
	wants(t, "afterwards", err, network.ErrNotImported)
}

func TestR16_ARevocationGetsThroughACrowdThatAJoinWouldNot(t *testing.T) {
	t.Parallel()
	for name, turn := range map[string]func(w *world, link network.Ticket) error{
		"a revocation": func(w *world, link network.Ticket) error {
			_, err := w.RevokeInvite(t.Context(), chainID, link.Invite, noon)
			return err
		},
		"a policy": func(w *world, _ network.Ticket) error {
			only := network.ImportedOnly
			_, err := w.EditChain(t.Context(), w.chain, network.ChainEdit{JoinPolicy: &only}, noon)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			link := w.link(t, network.Invite{})
			w.tb.Reset()
			w.tb.Break = func(op string, n int) dynamotest.Fault {
				if op == "TransactWriteItems" && n <= usual.tries+2 {
					return dynamotest.Conflict
				}
				return dynamotest.None
			}
			must(t, turn(w, link))
			_, err := w.Join(t.Context(), link, person(7), anew("Seven"), noon)
			if err == nil {
				t.Error("got in, want nobody in")
			}
			if tries := w.tb.Meter().ByOp["UpdateItem"]; tries == 0 {
				t.Error("asked no join to wait, want the crowd held")
			}
		})
	}
}

func TestGatesLieApartAndWhatIsShownOfThemIsOneRequest(t *testing.T) {
	t.Parallel()
	w := setup(t)
	apart := map[string]bool{chainKey(chainID).PK: true}
	for i := range gates {
		apart[gateKey(chainID, i).PK] = true
	}
	same(t, "partitions of the chain and its gates", len(apart), 1+gates)
	w.partner(t, 7)
	w.tb.Reset()
	n, err := w.JoinedPartners(t.Context(), chainID)
	must(t, err)
	same(t, "joined partners", n, 1)
	w.costs(t, "how many partners have joined", 1, 8, 0)
}

func TestAnEditThatChangesNothingWritesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	was, name, industry := w.chainNow(t), w.owner.Name, w.owner.Industry
	w.tb.Reset()
	c, err := w.EditChain(t.Context(), was, network.ChainEdit{Name: &was.Name}, noon)
	must(t, err)
	same(t, "edition", c.Edition, was.Edition)
	o, err := w.EditCorp(t.Context(), w.owner, CorpEdit{Name: &name, Industry: &industry})
	must(t, err)
	same(t, "version", o.Version, w.owner.Version)
	same(t, "written", w.tb.Meter().WriteUnits, 0)
	same(t, "chain", w.chainNow(t), was)
}

func TestAChainRemembersOnlySoManyDeletedGroups(t *testing.T) {
	t.Parallel()
	w := setupWith(t, func(c *network.Chain) {
		c.Moved = map[int]int{}
		for i := range network.MaxMoved {
			c.Moved[100+i] = network.RootGroup
		}
	})
	id := w.group(t, "North", 1)
	wants(t, "one more", w.DeleteGroup(t.Context(), chainID, id, 1, 0, nil), network.ErrConflict)
	only := network.ImportedOnly
	w.edit(t, network.ChainEdit{JoinPolicy: &only}, noon) // the rest still works
}
