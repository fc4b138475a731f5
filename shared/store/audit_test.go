package store

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

// by is the store in the hands of the world's super-admin.
func (w *world) by(at time.Time) *Store {
	return w.By(network.Actor{Person: w.boss, Corp: w.owner}, at)
}

func (w *world) audit(t *testing.T) []Change {
	t.Helper()
	all, next, err := w.Audit(t.Context(), chainID, "", 200)
	must(t, err)
	same(t, "next", next, "")
	return all
}

func TestTheAuditListSaysWhoDidWhatWhenAndWhatWasBefore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	acme, _ := w.partner(t, 7)
	staff := w.colleague(t, w.owner.ID, 5, network.Staff)
	s := w.by(noon)

	g, err := s.CreateGroup(ctx, chainID, network.Group{Name: "North", Parent: 1}, Once{})
	must(t, err)
	name, policy := "Far north", network.Approval
	_, err = s.EditGroup(ctx, chainID, g.ID, &name, nil, nil, 0)
	must(t, err)
	_, err = s.EditGroup(ctx, chainID, g.ID, &name, nil, nil, 0) // no change
	must(t, err)
	_, err = s.EditPartner(ctx, w.chainNow(t), acme.Partner.ID, network.PartnerEdit{Alias: text("Seven"), Group: &g.ID}, 0)
	must(t, err)
	must(t, s.AddAdmin(ctx, w.chain, staff.ID, noon, Once{}))
	must(t, s.AddAdmin(ctx, w.chain, staff.ID, noon, Once{})) // is one already
	must(t, s.RemoveAdmin(ctx, w.chain, staff.ID))
	must(t, s.RemoveAdmin(ctx, w.chain, staff.ID)) // is none
	_, err = s.EditChain(ctx, w.chainNow(t), network.ChainEdit{JoinPolicy: &policy}, noon)
	must(t, err)
	link := w.link(t, network.Invite{})
	_, _, err = s.RevokeMany(ctx, w.chainNow(t), Sought{And: func(i network.Invite) bool { return i.ID == link.Invite }}, noon.Add(time.Hour))
	must(t, err)
	must(t, s.DeleteGroup(ctx, chainID, g.ID, 1, 0, none))
	must(t, s.RemovePartner(ctx, chainID, acme.Partner.ID, 0, noon))

	partner := Target{"partner", acme.Partner.ID, acme.Partner.Name}
	person := Target{"person", staff.ID, staff.Name}
	num := func(n int) float64 { return float64(n) } // as they are read
	want := []Change{
		{What: "group_created", Target: Target{"group", "2", "North"}, After: Fields{"name": "North", "parent_id": num(1), "order": num(0)}},
		{What: "group_edited", Target: Target{"group", "2", "North"}, Before: Fields{"name": "North"}, After: Fields{"name": "Far north"}},
		{What: "partner_edited", Target: partner, Before: Fields{"alias": "", "group_id": num(1)}, After: Fields{"alias": "Seven", "group_id": num(2)}},
		{What: "admin_added", Target: person},
		{What: "admin_removed", Target: person},
		{What: "chain_edited", Target: Target{"chain", chainID, w.chain.Name}, Before: Fields{"join_policy": string(w.chain.Policy())}, After: Fields{"join_policy": "approval"}},
		{What: "invites_revoked", Target: Target{Kind: "invites"}, After: Fields{"invite_ids": []any{link.Invite}}},
		{What: "group_deleted", Target: Target{"group", "2", "Far north"}, Before: Fields{"name": "Far north", "parent_id": num(1), "order": num(0)}, After: Fields{"reassign_to": num(1)}},
		{What: "partner_removed", Target: partner, Before: Fields{"alias": "Seven", "custom_id": "", "group_id": num(1), "state": "joined", "joined": num(1), "contacts": num(1)}},
	}
	for i := range want {
		want[i].N, want[i].At, want[i].Who = i+1, noon, Who{w.boss.ID, w.owner.ID, w.boss.Name}
	}
	slices.Reverse(want)
	got := w.audit(t)
	same(t, "how many", len(got), len(want))
	for i := range min(len(got), len(want)) {
		got[i].At = got[i].At.UTC()
		same(t, want[i].What, got[i], want[i])
	}

	// In pages it is the same.
	var paged []Change
	for cursor := ""; ; {
		page, next, err := w.Audit(ctx, chainID, cursor, 4)
		must(t, err)
		if paged = append(paged, page...); next == "" {
			break
		}
		cursor = next
	}
	same(t, "in pages", len(paged), len(want))
	for i := range paged {
		same(t, "its number", paged[i].N, len(want)-i)
	}
}

func TestOfChangesAtOnceEachStandsInTheAuditListOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = w.by(noon).CreateGroup(t.Context(), chainID, network.Group{Name: fmt.Sprint("G", i), Parent: 1}, Once{})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		}
	}
	same(t, "noted", len(w.audit(t)), made)
}

func TestAChangeThatIsRefusedIsInNoAuditList(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.group(t, "North", 1)
	_, err := w.by(noon).CreateGroup(t.Context(), chainID, network.Group{Name: "North", Parent: 1}, Once{})
	wants(t, "a name twice", err, network.ErrNameTaken)
	w.tb.Break = func(op string, _ int) dynamotest.Fault {
		if op == "TransactWriteItems" {
			return dynamotest.Before
		}
		return dynamotest.None
	}
	if _, err := w.by(noon).CreateGroup(t.Context(), chainID, network.Group{Name: "South", Parent: 1}, Once{}); err == nil {
		t.Error("got none, want the error of what broke off")
	}
	w.tb.Break = nil
	same(t, "noted", len(w.audit(t)), 0)
}

func TestTheAuditListNamesNobodyWhoWasErased(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	p := w.colleague(t, w.owner.ID, 5, network.Staff)
	must(t, w.by(noon).AddAdmin(ctx, w.chain, p.ID, noon, Once{}))
	_, err := w.By(network.Actor{Person: p, Corp: w.owner}, noon).CreateGroup(ctx, chainID, network.Group{Name: "North", Parent: 1}, Once{})
	must(t, err)
	same(t, "before", w.audit(t)[0].Who.Name, p.Name)
	must(t, w.Erase(ctx, p.ID, noon.Add(time.Hour)))
	got := w.audit(t)
	same(t, "who", got[0].Who, Who{Person: p.ID, Corp: w.owner.ID})
	same(t, "whom", got[1].Target, Target{Kind: "person", ID: p.ID})
	same(t, "the other", got[1].Who.Name, w.boss.Name)
	same(t, "where their name is", w.holding(t, `"`+p.Name+`"`), nil)
}

func TestAPlanGoesStaleByAMoveAndNotByAGroupsName(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	north, south := w.group(t, "North", 1), w.group(t, "South", 1)
	w.importRows(t, 1, []network.RosterRow{row(1, "One"), row(2, "Two")})
	one := noticeOf(row(1, "One")).Partner
	n, err := w.lastChange(ctx, chainID)
	must(t, err)
	name := "Far south"
	_, err = w.by(noon).EditGroup(ctx, chainID, south, &name, nil, nil, 0)
	must(t, err)
	_, err = w.by(noon).MovePartners(ctx, w.chainNow(t), []string{one}, north)
	must(t, err)
	imp, err := w.Import(ctx, chainID, importID(1))
	must(t, err)
	it, err := w.importItem(ctx, chainID, imp.ID)
	must(t, err)
	it.From = n
	touched, last, err := w.touched(ctx, imp, it)
	must(t, err)
	same(t, "by the move", []any{touched, last}, []any{true, n + 2})
	it.From = n + 2
	_, err = w.by(noon).EditGroup(ctx, chainID, north, nil, &south, nil, 0)
	must(t, err)
	touched, last, err = w.touched(ctx, imp, it)
	must(t, err)
	same(t, "by the group", []any{touched, last}, []any{false, n + 3})
	must(t, w.by(noon).LogView(ctx, network.Actor{Person: w.boss, Corp: w.owner, Chain: w.chainNow(t)}, "directory"))
	touched, last, err = w.touched(ctx, imp, it)
	must(t, err)
	same(t, "by a view", []any{touched, last}, []any{false, n + 4})
}

func TestAViewAsSomebodyKeepsNoNameThatErasingWouldHaveToFind(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	_, p := w.partner(t, 7)
	who, err := w.PersonIn(ctx, w.chainNow(t), p.ID)
	must(t, err)
	a, err := who.As("")
	must(t, err)
	must(t, w.by(noon).LogView(ctx, a, "directory"))
	same(t, "before", w.audit(t)[0].Target, Target{"person", p.ID, p.Name})
	w.colleague(t, a.Corp.ID, 8, network.SuperAdmin)
	must(t, w.Erase(ctx, p.ID, noon.Add(time.Hour)))
	same(t, "after", w.audit(t)[0].Target, Target{Kind: "person", ID: p.ID})
	same(t, "where their name is", w.holding(t, `"`+p.Name+`"`), nil)
}

func TestMovingPartnersSaysOfEachWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	north := w.group(t, "North", 1)
	var all []network.RosterRow
	var ids []string
	for i := range 200 {
		r := row(100+i, fmt.Sprint("Dealer ", i))
		all, ids = append(all, r), append(ids, noticeOf(r).Partner)
	}
	w.importRows(t, 1, all)
	must(t, w.RemovePartner(ctx, chainID, ids[3], 0, noon))
	_, err := w.EditPartner(ctx, w.chainNow(t), ids[5], network.PartnerEdit{Group: &north}, 0)
	must(t, err)
	asked := append(slices.Clone(ids), "pa0000000000000000", ids[0])
	before := len(w.audit(t))
	c := w.chainNow(t)
	w.tb.Reset()
	got, err := w.by(noon).MovePartners(ctx, c, asked, north)
	must(t, err)
	m := w.tb.Meter()
	t.Logf("a partner: %.3f requests, %.2f read and %.2f write units", float64(m.Requests)/198, m.ReadUnits/198, m.WriteUnits/198)
	if m.Requests != 1+3*3 {
		t.Errorf("got %d requests, want three a batch and the group's", m.Requests)
	}
	for i, m := range got {
		want := Moved
		switch i {
		case 3, 200:
			want = MoveNowhere
		case 5:
			want = MoveNeedless
		}
		same(t, fmt.Sprint("row ", i), m, want)
	}
	page, _, err := w.Partners(ctx, chainID, PartnerQuery{Group: north, State: network.PartnerPending, Limit: 200})
	must(t, err)
	same(t, "in the group", len(page), 199)
	notes := w.audit(t)
	same(t, "an entry a batch", len(notes)-before, 3)
	were := 0
	for _, c := range notes[:3] {
		same(t, "what", []any{c.What, c.After["group_id"]}, []any{"partners_moved", float64(north)})
		were += len(c.Before["group_ids"].(map[string]any))
	}
	same(t, "where they were", were, 198)

	again, err := w.by(noon).MovePartners(ctx, w.chainNow(t), asked, north)
	must(t, err)
	for i, m := range again {
		want := MoveNeedless
		if i == 3 || i == 200 {
			want = MoveNowhere
		}
		same(t, fmt.Sprint("again, row ", i), m, want)
	}
	same(t, "entries after", len(w.audit(t)), len(notes))
	_, err = w.by(noon).MovePartners(ctx, w.chainNow(t), ids[:1], 99)
	wants(t, "to nowhere", err, network.ErrGroupNotFound)
}

// A batch that the table refuses is told as a conflict, and not its neighbour.
func TestABatchThatMeetsOthersIsAConflictAndMovesWhenAskedAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	north := w.group(t, "North", 1)
	var all []network.RosterRow
	var ids []string
	for i := range 100 {
		r := row(100+i, fmt.Sprint("Dealer ", i))
		all, ids = append(all, r), append(ids, noticeOf(r).Partner)
	}
	w.importRows(t, 1, all)
	w.tb.Reset()
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n <= usual.tries {
			return dynamotest.Conflict
		}
		return dynamotest.None
	}
	got, err := w.by(noon).MovePartners(ctx, w.chainNow(t), ids, north)
	must(t, err)
	w.tb.Break = nil
	count := map[Moving]int{}
	for _, m := range got {
		count[m]++
	}
	same(t, "the first time", count, map[Moving]int{MoveConflict: 90, Moved: 10})
	got, err = w.by(noon).MovePartners(ctx, w.chainNow(t), ids, north)
	must(t, err)
	count = map[Moving]int{}
	for _, m := range got {
		count[m]++
	}
	same(t, "the second time", count, map[Moving]int{Moved: 90, MoveNeedless: 10})
}

func TestAPreviewOfARemovalCountsWhatGoesAndWritesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	a, p := w.partner(t, 7)
	w.link(t, network.Invite{Maker: p.ID, MakerCorp: a.Corp.ID})
	w.link(t, network.Invite{Corp: a.Corp.ID})
	w.link(t, network.Invite{})
	w.importRows(t, 1, []network.RosterRow{row(1, "One"), row(2, "One")})
	before := w.state(t)
	r, err := w.Removing(ctx, w.chainNow(t), a.Partner.ID, noon)
	must(t, err)
	same(t, "a joined one", []any{r.Joined, r.Waiting, r.Made, r.Bound, r.All}, []any{1, 0, 1, 1, true})
	r, err = w.Removing(ctx, w.chainNow(t), noticeOf(row(1, "One")).Partner, noon)
	must(t, err)
	same(t, "one to come", []any{r.Joined, r.Waiting, r.Made, r.Bound, r.All}, []any{0, 2, 0, 0, true})
	differ(t, w.state(t), before)
	must(t, w.RemovePartner(ctx, chainID, a.Partner.ID, 0, noon))
	_, err = w.Removing(ctx, w.chainNow(t), a.Partner.ID, noon)
	wants(t, "a removed one", err, network.ErrNotFound)
}

func TestAPageOfTheAuditListCostsAPageBesideManyOthers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	n := 0
	costs := map[int]dynamotest.Meter{}
	for _, others := range []int{60, 600} {
		for ; n < others; n++ {
			s := w.tx()
			s.put(w.by(noon).signed(changeItem{key: changeKey(chainID, n+1), What: "group_edited", Target: groupTarget(network.Group{ID: n, Name: "North"}),
				Before: Fields{"name": "North"}, After: Fields{"name": "South"}}), "", nil)
			_, _, err := s.send(ctx)
			must(t, err)
		}
		w.tb.Reset()
		page, _, err := w.Audit(ctx, chainID, "", 50)
		must(t, err)
		same(t, "a page", []int{len(page), page[0].N}, []int{50, others})
		costs[others] = w.tb.Meter()
	}
	for others, m := range costs {
		t.Logf("beside %d others: %d requests, %.1f read units", others, m.Requests, m.ReadUnits)
		if m.Requests != 1 || m.ReadUnits > 5 {
			t.Errorf("beside %d others: got %d requests and %.1f read units, want 1 and 5 at most", others, m.Requests, m.ReadUnits)
		}
	}
}

// Of what an admin decides at once each stands in the list, by the write that
// decides it; and of it no name, to which erasing a person would not lead.
func TestTheAuditListHasDecisionsAndWhatConflictsAndInvitesCameTo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.policy(t, network.Approval)
	link := w.link(t, network.Invite{})
	const many = 12
	one, two := w.apply(t, link, person(40), anew("Forty")), w.apply(t, link, person(41), anew("Forty-one"))
	w.tb.Reset()
	_, err := w.by(noon).Decide(ctx, chainID, one.ID, Decision{Accept: true, By: w.boss.ID}, noon.Add(2*time.Hour))
	must(t, err)
	w.costs(t, "accept, and note it", 5, 8, 18)
	w.tb.Reset()
	_, err = w.by(noon).Decide(ctx, chainID, two.ID, Decision{By: w.boss.ID}, noon.Add(2*time.Hour))
	must(t, err)
	w.costs(t, "decline, and note it", 3, 2, 6)
	ids := make([]string, many)
	for i := range ids {
		ids[i] = w.apply(t, link, person(20+i), anew(fmt.Sprint("Corp ", i))).ID
	}
	s := w.by(noon.Add(2 * time.Hour))
	errs := make([]error, many)
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			_, errs[i] = s.Decide(ctx, chainID, id, Decision{Accept: i%2 == 0, By: w.boss.ID}, noon.Add(2*time.Hour))
		})
	}
	wg.Wait()
	for _, err := range errs {
		must(t, err)
	}
	_, err = s.Decide(ctx, chainID, ids[0], Decision{Accept: true, By: w.boss.ID}, noon.Add(3*time.Hour)) // the same again is no change
	must(t, err)
	got := map[string]string{}
	for _, c := range w.audit(t) {
		got[c.Target.ID] = c.What
		same(t, "who", []any{c.Who.Person, c.Target.Kind, c.Target.Name}, []any{w.boss.ID, "application", ""})
		if c.What == "application_accepted" {
			same(t, "group", c.After["group_id"], any(1.0))
		}
	}
	same(t, "how many", len(got), many+2)
	for i, id := range ids {
		same(t, id, got[id], []string{"application_accepted", "application_declined"}[i%2])
	}

	_, err = s.RevokeInvite(ctx, chainID, link.Invite, noon.Add(3*time.Hour))
	must(t, err)
	_, err = s.RevokeInvite(ctx, chainID, link.Invite, noon.Add(4*time.Hour)) // revoked already
	must(t, err)
	list := w.audit(t)
	same(t, "one more", len(list), many+3)
	same(t, "the last", []any{list[0].What, fmt.Sprint(list[0].After["invite_ids"])}, []any{"invites_revoked", fmt.Sprint([]string{link.Invite})})
}

func TestTheAuditListHasHowAConflictWasSettled(t *testing.T) {
	t.Parallel()
	for name, partner := range map[string]string{"apart": "", "as the roster's": network.RosterPartnerID(chainID, "", "Acme")} {
		w := setup(t)
		seven, _ := w.corp(t, 7)
		d := conflict(t, w, Choice{Corp: seven.ID})
		before := len(w.audit(t))
		for range 2 { // the same again is no change
			_, _, err := w.by(noon.Add(2*time.Hour)).ResolveConflict(t.Context(), chainID, d.ID, partner, w.boss.ID, noon.Add(2*time.Hour))
			must(t, err)
		}
		list := w.audit(t)
		same(t, name+": one more", len(list), before+1)
		same(t, name, []any{list[0].What, list[0].Target, list[0].Who.Person, list[0].After["new_partner"]},
			[]any{"conflict_resolved", Target{Kind: "conflict", ID: d.ID}, w.boss.ID, any(partner == "")})
	}
}

// An application that moves a partner is a change that plans see, and one entry.
func TestADecisionThatMovesAPartnerIsOneEntryThatPlansSee(t *testing.T) {
	t.Parallel()
	w := setup(t)
	in, _ := w.partner(t, 7)
	north := w.group(t, "North", 1)
	w.policy(t, network.Approval)
	p := w.colleague(t, in.Corp.ID, 8, network.Staff)
	a := w.apply(t, w.link(t, network.Invite{}), p, Choice{Corp: in.Corp.ID})
	_, err := w.by(noon).Decide(t.Context(), chainID, a.ID, Decision{Accept: true, Group: north, By: w.boss.ID}, noon.Add(2*time.Hour))
	must(t, err)
	list := w.audit(t)
	same(t, "entries", len(list), 1)
	same(t, "what", []any{list[0].What, list[0].After["group_id"]}, []any{"application_accepted", any(float64(north))})
	var it changeItem
	_, err = w.get(t.Context(), changeKey(chainID, 1), &it)
	must(t, err)
	same(t, "partners", it.Partners, []string{in.Partner.ID})
}
