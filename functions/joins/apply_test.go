package main

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

func TestR20_WhoIsAskedForHearsSoAndWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.policy(t, network.Approval)
	li := claims(7)
	mine := func() answer { return w.as(t, li, "GET", "/v1/join/"+w.token+"/application", "") }
	mine().want(t, 404, "not_found")
	first := w.join(t, li, w.token, anew("Acme")).want(t, 202, "")
	want := map[string]any{"application_id": first.text("application_id"), "state": "waiting", "corp_name": "Acme", "reason": "", "applied_at": "2026-11-22T12:00:00Z", "decided_at": nil}
	if !reflect.DeepEqual(first.body, want) || first.text("application_id") == "" {
		t.Errorf("got %s", first.Body)
	}
	w.now = noon.Add(time.Hour)
	for _, again := range []answer{w.join(t, li, w.token, anew("Acme")).want(t, 202, ""), mine().want(t, 200, "")} {
		if again.Body.String() != first.Body.String() {
			t.Errorf("again: got %s, want %s", again.Body, first.Body)
		}
	}
	if _, err := w.Decide(t.Context(), chainID, first.text("application_id"), store.Decision{Reason: "不是经销商", By: id(w.boss)}, w.now); err != nil {
		t.Fatal(err)
	}
	if got := mine().want(t, 200, ""); got.text("state") != "declined" || got.text("reason") != "不是经销商" || got.text("decided_at") != "2026-11-22T13:00:00Z" {
		t.Errorf("got %s", got.Body)
	}
	w.join(t, li, w.token, anew("Acme")).want(t, 202, "")
	if _, err := w.Decide(t.Context(), chainID, first.text("application_id"), store.Decision{Accept: true, By: id(w.boss)}, w.now); err != nil {
		t.Fatal(err)
	}
	if got := mine().want(t, 200, ""); got.text("state") != "accepted" {
		t.Errorf("got %s", got.Body)
	}
	w.join(t, li, w.token, anew("Acme")).want(t, 200, "")
	w.as(t, web.Claims{}, "GET", "/v1/join/"+w.token+"/application", "").want(t, 401, "unauthenticated")
	unverified := claims(7)
	unverified.PhoneVerified = false
	w.as(t, unverified, "GET", "/v1/join/"+w.token+"/application", "").want(t, 403, "phone_not_verified")
}

func TestABodyOfAnApplicationIsHeldAsThatOfAJoin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.policy(t, network.Approval)
	acme := w.corp(t, "Acme", claims(7))
	before := w.tb.Items(t)
	w.join(t, claims(7), w.token, `{}`).want(t, 400, "invalid")
	w.join(t, claims(7), w.token, `{"corp_id":"`+acme.ID+`","new_corp":{"name":"A"}}`).want(t, 400, "invalid")
	w.join(t, claims(8), w.token, under(acme)).want(t, 403, "not_a_member")
	w.join(t, claims(8), w.token, `{"new_corp":{"name":"School","industry":"学前教育"}}`).want(t, 403, "corp_not_eligible")
	if !reflect.DeepEqual(before, w.tb.Items(t)) {
		t.Error("a refusal changed the table, want nothing spent")
	}
}

func TestTheRecipientOfANoticeAnswersOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	token := w.roster(t, row("Acme", 7))[0]
	partner := network.RosterPartnerID(chainID, "", "Acme")
	say := func(who web.Claims, token, what string) answer {
		return w.as(t, who, "POST", "/v1/join/"+token+"/"+what, "")
	}
	for _, what := range []string{"opened", "decline", "block"} {
		say(web.Claims{}, token, what).want(t, 401, "unauthenticated")
		unverified := claims(7)
		unverified.PhoneVerified = false
		say(unverified, token, what).want(t, 403, "phone_not_verified")
		say(claims(8), token, what).want(t, 403, "bound_to_another")
		say(claims(7), "nonsense", what).want(t, 404, "not_found")
		if k := w.contact(t, id(claims(7)), partner); !k.OpenedAt.IsZero() && what == "opened" {
			t.Error("noted by another")
		}
		for range 2 {
			if got := say(claims(7), token, what).want(t, 204, ""); got.Body.Len() != 0 {
				t.Errorf("%s: got a body: %s", what, got.Body)
			}
			w.now = w.now.Add(time.Minute)
		}
	}
	k := w.contact(t, id(claims(7)), partner)
	if !k.OpenedAt.Equal(noon) || !k.DeclinedAt.Equal(noon.Add(2*time.Minute)) {
		t.Errorf("got opened %v, declined %v, want the first time of each", k.OpenedAt, k.DeclinedAt)
	}
	if blocked, err := w.Blocked(t.Context(), chainID, id(claims(7))); !blocked || err != nil {
		t.Errorf("got %v (%v), want the chain blocked", blocked, err)
	}
	w.join(t, claims(7), token, anew("Acme")).want(t, 201, "") // no is no promise
	say(claims(7), token, "opened").want(t, 204, "")
	say(claims(7), token, "decline").want(t, 409, "conflict") // who is in leaves instead
	w.now = noon.Add(8 * 24 * time.Hour)
	dead := w.link(t, network.Invite{})
	w.now = w.now.Add(8 * 24 * time.Hour)
	say(claims(8), dead, "opened").want(t, 410, "invite_expired")
	say(claims(8), dead, "decline").want(t, 410, "invite_expired")
	say(claims(8), dead, "block").want(t, 204, "") // of a dead invite too: enough is enough
}

// scene is a page that somebody has open: what they would send, as whom.
type scene struct {
	w     *world
	aside *store.Store // past the faults
	token string
	who   web.Claims
	body  string
	acme  network.Corp
	north int
}

// R16, each condition of a join: the page was opened before the change, and is
// submitted after it; or the change is committed between what the join reads and
// what it writes. What was committed first wins, and who is turned away spends
// nothing.
func TestR16_EachConditionOfAJoinIsTheTruthOfItsWrite(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(t *testing.T, s *scene) // what else there is
		change func(ctx context.Context, s *scene) error
		status int
		code   string
		group  func(s *scene) int
	}{
		"revoked": {change: func(ctx context.Context, s *scene) error {
			_, err := s.aside.RevokeInvite(ctx, chainID, s.invite(), noon)
			return err
		}, status: 410, code: "invite_revoked"},
		"revoked, of an unlimited link": {before: func(t *testing.T, s *scene) { s.token = s.w.token }, change: func(ctx context.Context, s *scene) error {
			_, err := s.aside.RevokeInvite(ctx, chainID, inviteID, noon)
			return err
		}, status: 410, code: "invite_revoked"},
		"expired by the policy's switch": {before: func(t *testing.T, s *scene) {
			s.w.policy(t, network.ImportedOnly)
			s.token = s.w.roster(t, row("Acme", 7))[0]
			s.w.now = noon.Add(8 * 24 * time.Hour)
		}, change: func(ctx context.Context, s *scene) error { return s.policy(ctx, network.Open) }, status: 410, code: "invite_expired"},
		"imported only":        {change: func(ctx context.Context, s *scene) error { return s.policy(ctx, network.ImportedOnly) }, status: 403, code: "not_imported"},
		"approval":             {change: func(ctx context.Context, s *scene) error { return s.policy(ctx, network.Approval) }, status: 202},
		"imported or approval": {change: func(ctx context.Context, s *scene) error { return s.policy(ctx, network.ImportedOrApproval) }, status: 202},
		"imported or approval, of who is imported": {before: func(t *testing.T, s *scene) { s.token = s.w.roster(t, row("Acme", 7))[0] },
			change: func(ctx context.Context, s *scene) error { return s.policy(ctx, network.ImportedOrApproval) }, status: 201},
		"open again": {before: func(t *testing.T, s *scene) { s.w.policy(t, network.Approval) },
			change: func(ctx context.Context, s *scene) error { return s.policy(ctx, network.Open) }, status: 201},
		"used up": {change: func(ctx context.Context, s *scene) error {
			return s.another(ctx, s.token)
		}, status: 410, code: "invite_exhausted"},
		"quota filled": {change: func(ctx context.Context, s *scene) error {
			return s.another(ctx, s.w.token)
		}, status: 409, code: "quota_exceeded"},
		"group deleted": {change: func(ctx context.Context, s *scene) error {
			return s.aside.DeleteGroup(ctx, chainID, s.north, 0, 1, func(network.Chain) (bool, error) { return false, nil })
		}, status: 201, group: func(*scene) int { return 1 }},
		"the corp is a school now": {change: func(ctx context.Context, s *scene) error {
			_, err := s.aside.EditCorp(ctx, s.acme, store.CorpEdit{Industry: ptr(network.Preschool)})
			return err
		}, status: 403, code: "corp_not_eligible"},
		"the owner is a school now": {change: func(ctx context.Context, s *scene) error {
			owner, err := s.aside.Corp(ctx, s.w.owner.ID)
			if err == nil {
				_, err = s.aside.EditCorp(ctx, owner, store.CorpEdit{Industry: ptr(network.Preschool)})
			}
			return err
		}, status: 403, code: "corp_not_eligible"},
		"the partner was withdrawn": {before: func(t *testing.T, s *scene) { s.token = s.w.roster(t, row("Acme", 7))[0] }, change: func(ctx context.Context, s *scene) error {
			return s.aside.RemovePartner(ctx, chainID, network.RosterPartnerID(chainID, "", "Acme"), 0, noon)
		}, status: 410, code: "invite_revoked"},
		"the inviter was removed (R09)": {change: func(ctx context.Context, s *scene) error {
			return s.aside.RevokeInvites(ctx, chainID, func(i network.Invite) bool { return i.Maker == id(s.w.boss) }, noon)
		}, status: 410, code: "invite_revoked"},
		"the person was taken out of the corp": {before: func(t *testing.T, s *scene) {
			if err := s.w.AddMember(t.Context(), network.Member{Person: id(claims(8)), Corp: s.acme.ID, Name: "New", Phone: phone(8), Role: network.SuperAdmin}, store.Once{}); err != nil {
				t.Fatal(err)
			}
		}, change: func(ctx context.Context, s *scene) error {
			return s.aside.RemoveMember(ctx, s.acme.ID, id(s.who))
		}, status: 403, code: "not_a_member"},
		"the chain was dissolved": {change: func(ctx context.Context, s *scene) error {
			return s.aside.DissolveChain(ctx, chainID, 0, noon)
		}, status: 410, code: "chain_dissolved"},
		"the partner is bound to another corp (R23)": {before: func(t *testing.T, s *scene) {
			s.token = s.w.roster(t, row("Acme", 7), row("Acme", 9))[0]
		}, change: func(ctx context.Context, s *scene) error {
			other := network.Ticket{Chain: chainID, Partner: network.RosterPartnerID(chainID, "", "Acme"), Person: id(claims(9)), Version: 1}
			p, err := s.aside.Partner(ctx, chainID, other.Partner)
			if err != nil {
				return err
			}
			all, _, _, err := s.aside.Contacts(ctx, s.w.chain, p, noon, "", 9)
			if err != nil {
				return err
			}
			for _, k := range all {
				if k.Person == other.Person {
					other.Version = k.TokenVersion
				}
			}
			c, err := network.NewCorp("", "Nine", "", "", noon)
			if err == nil {
				_, err = s.aside.Join(ctx, other, network.Person{ID: other.Person, Name: "Nine", Phone: phone(9)}, store.Choice{New: &c}, noon)
			}
			return err
		}, status: 409, code: "partner_conflict"},
	} {
		for _, when := range []string{"before the page is sent", "between read and write"} {
			t.Run(name+", "+when, func(t *testing.T) {
				t.Parallel()
				w := setupWith(t, func(c *network.Chain) { c.PartnerLimit = 1 })
				s := &scene{w: w, aside: store.New(dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT")), w.tb.Name), who: claims(7)}
				north, err := w.CreateGroup(t.Context(), chainID, network.Group{Name: "North", Parent: 1}, store.Once{})
				if err != nil {
					t.Fatal(err)
				}
				s.north, s.acme = north.ID, w.corp(t, "Acme", s.who)
				s.body = under(s.acme)
				s.token = w.link(t, network.Invite{MaxUses: 1, Group: north.ID})
				if c.before != nil {
					c.before(t, s)
				}
				w.look(t, s.token).want(t, 200, "")
				switch when {
				case "before the page is sent":
					if err := c.change(t.Context(), s); err != nil {
						t.Fatal(err)
					}
				default:
					w.tb.Reset()
					w.tb.Break = func(op string, n int) dynamotest.Fault {
						if op == "TransactWriteItems" && n == 1 {
							if err := c.change(t.Context(), s); err != nil {
								t.Error(err)
							}
						}
						return dynamotest.None
					}
				}
				got := w.join(t, s.who, s.token, s.body).want(t, c.status, c.code)
				w.tb.Break = nil
				if c.group != nil && got.body["group_id"] != float64(c.group(s)) {
					t.Errorf("got %s, want group %d", got.Body, c.group(s))
				}
				uses := 0
				if c.status == 201 || c.code == "invite_exhausted" {
					uses = 1
				}
				if i, err := w.Invite(t.Context(), chainID, s.invite()); err == nil && i.MaxUses > 0 && i.Uses != uses {
					t.Errorf("got %d uses, want %d: who is turned away spends nothing", i.Uses, uses)
				}
				if c.status == 201 || c.status == 202 {
					again := 200
					if c.status == 202 {
						again = 202
					}
					w.join(t, s.who, s.token, s.body).want(t, again, "")
				}
			})
		}
	}
}

func (s *scene) invite() string {
	ticket, _ := keys.Verify(network.Token(s.token))
	return ticket.Invite
}

func (s *scene) policy(ctx context.Context, p network.JoinPolicy) error {
	c, err := s.aside.Chain(ctx, chainID)
	if err == nil {
		_, err = s.aside.EditChain(ctx, c, network.ChainEdit{JoinPolicy: &p}, s.w.now)
	}
	return err
}

// another is somebody else who joins by that token.
func (s *scene) another(ctx context.Context, token string) error {
	ticket, err := keys.Verify(network.Token(token))
	if err != nil {
		return err
	}
	c, err := network.NewCorp("", "Other", "", "", noon)
	if err != nil {
		return err
	}
	_, err = s.aside.Join(ctx, ticket, network.Person{ID: id(claims(30)), Name: "Other", Phone: phone(30)}, store.Choice{New: &c}, noon)
	return err
}

// R23: who make a corp at the same moment end with one, however the two are
// asked for; here each under the roster's name and under another.
func TestR23_TenContactsWhoMakeTheCorpAtOnceEndWithOne(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var all []network.RosterRow
	for n := range 10 {
		all = append(all, row("Acme", 40+n))
	}
	tokens := w.roster(t, all...)
	got := make([]answer, len(tokens))
	start, done := make(chan struct{}), make(chan int)
	for i := range tokens {
		go func() {
			<-start
			got[i] = w.join(t, claims(40+i), tokens[i], anew(fmt.Sprint("Acme ", i%3)))
			done <- i
		}()
	}
	close(start)
	for range tokens {
		<-done
	}
	corps := map[string]bool{}
	for _, a := range got {
		if a.Code != 201 {
			t.Errorf("got %d %s", a.Code, a.Body)
		}
		corps[a.text("corp_id")] = true
	}
	if len(corps) != 1 {
		t.Errorf("got %d corps, want one", len(corps))
	}
}
