package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

// holding are the keys of the items that hold a text anywhere.
func (w *world) holding(t *testing.T, text string) (keys []string) {
	t.Helper()
	for k, it := range w.tb.Items(t) {
		b, err := json.Marshal(it)
		must(t, err)
		if strings.Contains(string(b), text) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// busy is the person 7 in every place that there is: staff of the owner and an admin of its chain, with corp 8 a partner of
// it, on the roster of Acme, a maker of invites, an applicant, and in conflict.
func busy(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	p := w.colleague(t, w.owner.ID, 7, network.Staff)
	must(t, w.AddAdmin(ctx, w.chainNow(t), p.ID, noon, Once{}))
	eight, _ := w.corp(t, 8)
	w.colleague(t, eight.ID, 7, network.SuperAdmin)
	link := w.link(t, network.Invite{})
	w.join(t, link, p, Choice{Corp: eight.ID})
	w.link(t, network.Invite{Maker: p.ID, MakerName: p.Name, MakerCorp: eight.ID})
	w.link(t, network.Invite{Maker: p.ID, MakerName: p.Name})
	nine, _ := w.corp(t, 9)
	w.colleague(t, nine.ID, 7, network.Staff)
	w.policy(t, network.Approval)
	w.apply(t, link, p, Choice{Corp: nine.ID})
	w.policy(t, network.Open)
	w.importRows(t, 1, []network.RosterRow{row(5, "Acme"), row(7, "Acme")})
	five, fifth := w.corp(t, 5)
	w.join(t, noticeOf(row(5, "Acme")), fifth, Choice{Corp: five.ID})
	_, err := w.Join(ctx, noticeOf(row(7, "Acme")), p, anew("Mine"), noon.Add(time.Hour))
	wants(t, "join as Acme", err, network.ErrPartnerConflict)
}

func TestWhoIsErasedIsNowhereAndOnlyTheRosterKnowsThem(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	busy(t, w)
	p := person(7)
	must(t, w.Erase(ctx, p.ID, noon.Add(2*time.Hour)))

	acme := contactKey(p.ID, chainID, noticeOf(row(7, "Acme")).Partner)
	same(t, "where their phone is", slices.DeleteFunc(w.holding(t, p.Phone), func(k string) bool { return strings.Contains(k, "#ROWS#") }), []string{acme.PK + "|" + acme.SK})
	same(t, "where their name is", w.holding(t, `"`+p.Name+`"`), nil)
	mine, err := w.Me(ctx, p.ID)
	must(t, err)
	same(t, "what they have a part in", mine, Mine{})
	same(t, "applications", len(w.waiting(t)), 0)
	conflicts, _, err := w.Conflicts(ctx, chainID, "", "", 50)
	must(t, err)
	same(t, "conflicts", len(conflicts), 0)
	admins, err := w.Admins(ctx, chainID)
	must(t, err)
	same(t, "admins", len(admins), 0)
	made, _, err := w.Invites(ctx, w.chainNow(t), Sought{}, "", 50, noon)
	must(t, err)
	same(t, "invites", len(made), 3)
	for _, i := range made {
		same(t, "an invite of "+i.Maker+" is revoked (R09)", !i.RevokedAt.IsZero(), i.Maker == p.ID)
	}
	eight := w.partnerNow(t, network.CorpPartnerID(chainID, "co0000000000000008"))
	same(t, "their partner", []any{eight.State, eight.Joined, eight.Contacts}, []any{network.PartnerEmpty, 0, 0}) // R39
	blocked, err := w.Blocked(ctx, chainID, p.ID)
	must(t, err)
	same(t, "blocked", blocked, true)

	before := w.state(t)
	must(t, w.Erase(ctx, p.ID, noon.Add(3*time.Hour)))
	differ(t, w.state(t), before)
}

func TestR18_WhoWasErasedComesBackByANewInviteAndUnderTheirName(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	eight, _ := w.corp(t, 8)
	p := w.colleague(t, eight.ID, 7, network.Staff)
	old := w.link(t, network.Invite{})
	w.join(t, old, p, Choice{Corp: eight.ID})
	must(t, w.Erase(ctx, p.ID, noon.Add(2*time.Hour)))
	w.colleague(t, eight.ID, 7, network.Staff)
	later := noon.Add(3 * time.Hour)
	_, err := w.Join(ctx, old, p, Choice{Corp: eight.ID}, later)
	wants(t, "by the old link", err, network.ErrInviteRevoked)
	a, err := w.Join(ctx, w.link(t, network.Invite{CreatedAt: later}), p, Choice{Corp: eight.ID}, later)
	must(t, err)
	same(t, "name and phone", []string{a.Contact.Name, a.Contact.Phone}, []string{p.Name, p.Phone})
	must(t, w.Erase(ctx, p.ID, later.Add(time.Hour)))
	same(t, "where their phone is", w.holding(t, p.Phone), nil)
}

func TestWhoWasErasedAndIsNamedByALaterRosterHasAPhoneThere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	acme, _ := w.corp(t, 8)
	p := w.colleague(t, acme.ID, 7, network.Staff)
	a := w.join(t, w.link(t, network.Invite{}), p, Choice{Corp: acme.ID})
	must(t, w.Erase(t.Context(), p.ID, noon.Add(2*time.Hour)))
	it := newContactItem(network.Contact{Person: p.ID, Chain: chainID, Partner: a.Partner.ID, Name: "As the roster says", Phone: p.Phone, Import: importID(1), Edition: 1})
	_, err := w.mergeContact(t.Context(), it)
	must(t, err)
	var is contactItem
	_, err = w.get(t.Context(), it.key, &is)
	must(t, err)
	same(t, "name and phone", []string{is.Name, is.Phone}, []string{"As the roster says", p.Phone})
}

func TestR06_TheLastSuperAdminIsNotErasedAndNothingIsChanged(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	busy(t, w)
	p := person(7)
	must(t, w.RemoveMember(ctx, "co0000000000000008", person(8).ID)) // who is left is alone: no less the last
	w.corpOf(t, 20, p)
	before := w.tb.Items(t)
	err := w.Erase(ctx, p.ID, noon.Add(2*time.Hour))
	wants(t, "erase", err, network.ErrLastAdmin)
	e, _ := errors.AsType[*network.Error](err)
	var named []string
	for _, f := range e.Fields {
		named = append(named, f.Field)
	}
	same(t, "corps", named, []string{"corps.co0000000000000008", "corps.co0000000000000020"})
	same(t, "the table", w.tb.Items(t), before)
}

// Two conditions that the check before the write can't know of: who reads two super-admins, and another goes before the
// write does; and both at the same moment.
func TestR06_OfADemotionAndAnErasureAtOnceOneWins(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	for round := range 10 {
		c, first := w.corp(t, 100+2*round)
		second := w.colleague(t, c.ID, 101+2*round, network.SuperAdmin)
		got := atOnce(2, func(i int) error {
			switch {
			case i == 0 || round%3 == 0:
				return w.Erase(ctx, []network.Person{first, second}[i].ID, noon)
			case round%3 == 1:
				return w.RemoveMember(ctx, c.ID, second.ID)
			}
			_, err := w.SetRole(ctx, c.ID, second.ID, network.Staff)
			return err
		})
		same(t, "two at once", got, map[string]int{"ok": 1, "last_admin": 1})
		same(t, "super-admins left", w.corpNow(t, c.ID).Admins, 1)
	}

	c, first := w.corp(t, 200)
	second := w.colleague(t, c.ID, 201, network.SuperAdmin)
	past := w.on(dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT"))) // past Break
	w.tb.Reset()
	var did error
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n == 1 {
			_, did = past.SetRole(ctx, c.ID, second.ID, network.Staff)
		}
		return dynamotest.None
	}
	wants(t, "erase", w.Erase(ctx, first.ID, noon), network.ErrLastAdmin)
	must(t, did)
}

func TestOfAnAcceptanceAndAnErasureAtOnceOneWinsAndNobodyStaysIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	w.policy(t, network.Approval)
	link := w.link(t, network.Invite{})
	for n := range 10 {
		eight, _ := w.corp(t, 100+2*n)
		p := w.colleague(t, eight.ID, 101+2*n, network.Staff)
		a := w.apply(t, link, p, Choice{Corp: eight.ID})
		atOnce(2, func(i int) error {
			if i == 0 {
				return w.Erase(ctx, p.ID, noon.Add(2*time.Hour))
			}
			_, err := w.Decide(ctx, chainID, a.ID, Decision{Accept: true, By: w.boss.ID}, noon.Add(2*time.Hour))
			return err
		})
		same(t, "where their phone is", w.holding(t, p.Phone), nil)
	}
	w.state(t) // the gates count who is in
}

func TestWhoIsInMoreChainsThanOneCallEndsIsErasedByTheNext(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	p := person(7)
	for n := range contactsErased + 3 {
		k := newContactItem(network.Contact{Person: p.ID, Chain: chainID, Partner: network.CorpPartnerID(chainID, fmt.Sprint(n)), Name: p.Name, Phone: p.Phone, LeftAt: noon})
		w.seed(t, []any{k})
	}
	for n := range corpsErased + 60 {
		c, _ := w.corp(t, 100+n)
		w.colleague(t, c.ID, 7, map[bool]network.Role{true: network.SuperAdmin, false: network.Staff}[n%2 == 0])
	}
	calls := 0
	for ; calls < 10; calls++ {
		err := w.Erase(ctx, p.ID, noon)
		if err == nil {
			break
		}
		wants(t, "a call that leaves some", err, network.ErrBusy)
		same(t, "corps that they are in", len(w.holding(t, `"Role":"super_admin","Phone":"`+p.Phone)), 0)
	}
	same(t, "calls before the last", calls, 4)
	same(t, "where their phone is", w.holding(t, p.Phone), nil)
	same(t, "what is left to do", w.holding(t, "ERASE"), nil)
}

func TestANameGoesFromWhatWasMadeForACorpThatWasLeftBefore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	p := w.colleague(t, w.owner.ID, 7, network.Staff)
	w.link(t, network.Invite{Maker: p.ID, MakerName: p.Name})
	m := network.Migration{
		ID: network.NewMigrationID(noon), Chain: chainID, GroupName: "East", Owner: p.ID, OwnerName: p.Name, OwnerCorp: w.owner.ID, CreatedAt: noon,
		Members: []network.Migrant{{Name: "Somebody"}},
	}
	i := network.Invite{ID: network.NewInviteID(noon), Chain: chainID, Kind: network.KindMigration, Group: 1, Maker: p.ID, MakerName: p.Name, MakerCorp: w.owner.ID, CreatedAt: noon, Version: 1}
	m.Invite = i.ID
	_, _, err := w.Migrate(ctx, w.chainNow(t), m, i, Once{})
	must(t, err)
	same(t, "where their name is, before", len(w.holding(t, `"`+p.Name+`"`)), 4)
	must(t, w.RemoveMember(ctx, w.owner.ID, p.ID))
	must(t, w.Erase(ctx, p.ID, noon.Add(time.Hour)))
	same(t, "where their name is", w.holding(t, `"`+p.Name+`"`), nil)
	is, err := w.Migration(ctx, chainID, m.ID)
	must(t, err)
	same(t, "whose group it is", []any{is.Owner, is.OwnerName}, []any{p.ID, ""})
	same(t, "what is left to do", w.holding(t, "ERASE"), nil)
}
