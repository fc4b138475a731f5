package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

// deed is something that a door does with the store, and does again when it has failed: what it asks of the store comes
// in the same order each time.
type deed struct {
	before func(t *testing.T, w *world)
	do     func(ctx context.Context, s *Store) error
}

func deeds() map[string]deed {
	link := network.Ticket{Chain: chainID, Invite: linkID(noon, 1), Version: 1}
	later := noon.Add(time.Hour)
	joins := func(ticket network.Ticket, p network.Person, c func() Choice) func(ctx context.Context, s *Store) error {
		return func(ctx context.Context, s *Store) error {
			_, err := s.Join(ctx, ticket, p, c(), later)
			return err
		}
	}
	its := func() Choice { return Choice{Corp: "co0000000000000007"} }
	fresh := func() Choice { return anew("Seven") }
	small := roster{id: importID(1), chunk: 5, mischief: func(int) {} /* so that requests come in one order */, at: noon, rows: append(rows(1, 12), row(31, "甲", "North"), row(32, "甲", "North", "Harbin"), row(33, "乙"))}
	return map[string]deed{
		"join by notice": {
			before: func(t *testing.T, w *world) {
				w.corp(t, 7)
				w.importRows(t, 1, []network.RosterRow{row(7, "Acme")})
			},
			do: joins(noticeOf(row(7, "Acme")), person(7), its),
		},
		"join by link": {
			before: func(t *testing.T, w *world) { w.corp(t, 7); w.link(t, network.Invite{MaxUses: 3}) },
			do:     joins(link, person(7), its),
		},
		"join with a new corp": {
			before: func(t *testing.T, w *world) { w.link(t, network.Invite{}) },
			do:     joins(link, person(7), fresh),
		},
		"join as a colleague": {
			before: func(t *testing.T, w *world) {
				c, p := w.corp(t, 7)
				w.join(t, w.link(t, network.Invite{}), p, Choice{Corp: c.ID})
				w.colleague(t, c.ID, 8, network.Staff)
			},
			do: joins(link, person(8), its),
		},
		"apply": {
			before: func(t *testing.T, w *world) {
				w.corp(t, 7)
				w.link(t, network.Invite{MaxUses: 3})
				w.policy(t, network.Approval)
			},
			do: joins(link, person(7), its),
		},
		"accept": {
			before: func(t *testing.T, w *world) {
				w.policy(t, network.Approval)
				w.apply(t, w.link(t, network.Invite{MaxUses: 3}), person(7), anew("Seven"))
				w.group(t, "North", 1)
			},
			do: func(ctx context.Context, s *Store) error {
				a, err := s.MyApplication(ctx, chainID, person(7).ID)
				if err == nil {
					_, err = s.Decide(ctx, chainID, a.ID, Decision{Accept: true, Alias: "七", Group: 2, By: person(0).ID}, later)
				}
				return err
			},
		},
		"decline": {
			before: func(t *testing.T, w *world) {
				w.policy(t, network.Approval)
				w.apply(t, w.link(t, network.Invite{}), person(7), anew("Seven"))
			},
			do: func(ctx context.Context, s *Store) error {
				a, err := s.MyApplication(ctx, chainID, person(7).ID)
				if err == nil {
					_, err = s.Decide(ctx, chainID, a.ID, Decision{Reason: "no", By: person(0).ID}, later)
				}
				return err
			},
		},
		"fall into conflict": {
			before: func(t *testing.T, w *world) {
				w.corp(t, 7)
				w.importRows(t, 1, []network.RosterRow{row(5, "Acme"), row(7, "Acme")})
				w.join(t, noticeOf(row(5, "Acme")), person(5), anew("Five"))
			},
			do: func(ctx context.Context, s *Store) error {
				_, err := s.Join(ctx, noticeOf(row(7, "Acme")), person(7), its(), later)
				if errors.Is(err, network.ErrPartnerConflict) {
					return nil
				}
				return cmp.Or(err, errors.New("joined"))
			},
		},
		"resolve": {
			before: func(t *testing.T, w *world) {
				seven, _ := w.corp(t, 7)
				conflict(t, w, Choice{Corp: seven.ID})
			},
			do: func(ctx context.Context, s *Store) error {
				id := network.DisputeID(chainID, noticeOf(row(7, "Acme")).Partner, person(7).ID, its().Corp)
				_, _, err := s.ResolveConflict(ctx, chainID, id, "", person(0).ID, later)
				return err
			},
		},
		"adopt": {
			before: func(t *testing.T, w *world) {
				w.link(t, network.Invite{Maker: person(5).ID})
				must(t, w.RevokeInvites(t.Context(), chainID, func(network.Invite) bool { return true }, noon))
			},
			do: func(ctx context.Context, s *Store) error {
				a, err := s.Actor(ctx, person(0), "co0000000000000000", chainID)
				if err == nil {
					_, err = s.Adopt(ctx, a, link.Invite, "Li 0", later)
				}
				return err
			},
		},
		"revoke many": {
			before: func(t *testing.T, w *world) {
				for range 100 {
					w.link(t, network.Invite{})
				}
			},
			do: func(ctx context.Context, s *Store) error {
				c, err := s.Chain(ctx, chainID)
				if err == nil {
					_, _, err = s.RevokeMany(ctx, c, Sought{}, later)
				}
				return err
			},
		},
		"migrate a group": {
			before: func(t *testing.T, w *world) {
				c, p := w.corp(t, 7)
				w.join(t, w.link(t, network.Invite{}), p, Choice{Corp: c.ID})
			},
			do: func(ctx context.Context, s *Store) error {
				c, err := s.Chain(ctx, chainID)
				if err != nil {
					return err
				}
				m := network.Migration{ID: "mi0000000000000001", Chain: chainID, GroupName: "East", Owner: person(0).ID, OwnerCorp: "co0000000000000000", CreatedAt: later, Invite: "in0000000000000009"}
				for n := 7; n < 50; n++ {
					m.Members = append(m.Members, network.Migrant{Name: person(n).Name, Phone: person(n).Phone, Person: person(n).ID})
				}
				i := network.Invite{ID: m.Invite, Chain: chainID, Kind: network.KindMigration, Group: 1, Maker: m.Owner, MakerCorp: m.OwnerCorp, CreatedAt: later, Version: 1}
				_, _, err = s.Migrate(ctx, c, m, i, Once{})
				return err
			},
		},
		"open, decline and block": {
			before: func(t *testing.T, w *world) { w.importRows(t, 1, []network.RosterRow{row(7, "Acme")}) },
			do: func(ctx context.Context, s *Store) error {
				notice := noticeOf(row(7, "Acme"))
				for _, reply := range []func(context.Context, network.Ticket, network.Person, time.Time) error{s.Opened, s.Decline, s.Block} {
					if err := reply(ctx, notice, person(7), later); err != nil {
						return err
					}
				}
				return nil
			},
		},
		"import": {
			before: func(*testing.T, *world) {},
			do:     func(ctx context.Context, s *Store) error { _, _, err := small.run(ctx, s); return err },
		},
		"an answer": {
			before: func(t *testing.T, w *world) {
				imp, _ := w.importRows(t, 1, []network.RosterRow{row(7, "Acme")})
				must(t, w.TallyNotices(t.Context(), chainID, imp.ID, 0, network.Tally{Notified: 1}, noon))
			},
			do: func(ctx context.Context, s *Store) error {
				return s.Decline(ctx, noticeOf(row(7, "Acme")), person(7), later)
			},
		},
		"the removal of who is to come": {
			before: func(t *testing.T, w *world) {
				imp, _ := w.importRows(t, 1, []network.RosterRow{row(7, "Acme"), row(8, "Acme"), row(9, "Beta")})
				must(t, w.TallyNotices(t.Context(), chainID, imp.ID, 0, network.Tally{Notified: 3}, noon))
			},
			do: func(ctx context.Context, s *Store) error {
				err := s.RemovePartner(ctx, chainID, noticeOf(row(7, "Acme")).Partner, 0, later)
				if errors.Is(err, network.ErrNotFound) {
					return nil // by the try before
				}
				return err
			},
		},
		"a notice's budget": {
			before: func(*testing.T, *world) {},
			do: func(ctx context.Context, s *Store) error {
				b, err := s.Budgets(ctx, person(7).ID)
				if err == nil {
					_, err = s.Spend(ctx, b, person(7).ID, chainID, "a", false, later)
				}
				return err
			},
		},
		"sync": {
			before: func(t *testing.T, w *world) {
				w.importRows(t, 1, []network.RosterRow{row(7, "Acme"), row(8, "Acme"), row(9, "Beta"), row(10, "Gamma")})
				must(t, w.TallyNotices(t.Context(), chainID, importID(1), 0, network.Tally{Notified: 3, Undeliverable: 1}, noon))
				w.join(t, noticeOf(row(10, "Gamma")), person(10), anew("Gamma"))
			},
			do: func(ctx context.Context, s *Store) error {
				r := roster{id: importID(2), sync: true, at: later, rows: []network.RosterRow{row(7, "Acme"), row(11, "Delta", "North")}, mischief: func(int) {}}
				imp, _, err := r.run(ctx, s)
				if err == nil && imp.State == network.ImportPlanned {
					if _, err = s.ApplyImport(ctx, chainID, imp.ID, imp.PlanID, later); err == nil {
						_, _, err = r.run(ctx, s)
					}
				}
				return err
			},
		},
		"revert": {
			before: func(t *testing.T, w *world) {
				w.importRows(t, 1, []network.RosterRow{row(7, "Acme"), row(8, "Acme")})
				w.importRows(t, 2, []network.RosterRow{row(9, "Acme"), row(10, "Beta", "North"), row(11, "Gamma", "South")})
				must(t, w.TallyNotices(t.Context(), chainID, importID(2), 0, network.Tally{Notified: 3, Undeliverable: 1}, noon))
				w.join(t, noticeOf(row(11, "Gamma")), person(11), anew("Gamma"))
			},
			do: func(ctx context.Context, s *Store) error {
				imp, err := s.RevertImport(ctx, chainID, importID(2), later)
				if err == nil && imp.Reverting {
					err = s.RevertRoster(ctx, imp, later, Run{Now: func() time.Time { return later }, Spare: func() bool { return true }})
				}
				return err
			},
		},
		"sweep": {
			before: func(t *testing.T, w *world) {
				w.link(t, network.Invite{})
				w.link(t, network.Invite{Own: time.Minute})
				w.importRows(t, 1, []network.RosterRow{row(7, "Acme")})
				must(t, w.TallyNotices(t.Context(), chainID, importID(1), 0, network.Tally{Notified: 1}, noon))
			},
			do: func(ctx context.Context, s *Store) error { _, err := sweep(ctx, s, noon.Add(8*day)); return err },
		},
		"leave": {
			before: func(t *testing.T, w *world) { w.partner(t, 7) },
			do: func(ctx context.Context, s *Store) error {
				err := s.Leave(ctx, chainID, network.CorpPartnerID(chainID, "co0000000000000007"), person(7).ID, later)
				if network.KindOf(err) == network.NotFound {
					return nil // has left
				}
				return err
			},
		},
		"erase": {
			before: busy,
			do:     func(ctx context.Context, s *Store) error { return s.Erase(ctx, person(7).ID, later) },
		},
		"count a join": {
			before: func(t *testing.T, w *world) {
				w.importRows(t, 1, []network.RosterRow{row(7, "Acme")})
				w.join(t, w.link(t, network.Invite{}), person(7), anew("Acme"))
			},
			do: func(ctx context.Context, s *Store) error {
				return s.CountJoin(ctx, network.Event{ID: "joined.x", Kind: network.Joined, Chain: chainID, Import: importID(1), Invite: link.Invite,
					Partner: noticeOf(row(7, "Acme")).Partner, Person: person(7).ID, First: true})
			},
		},
	}
}

// fits reports whether a fault can befall an operation.
func fits(f dynamotest.Fault, op string) bool {
	switch f {
	case dynamotest.Conflict:
		return op == "PutItem" || op == "UpdateItem" || op == "TransactWriteItems"
	case dynamotest.After: // of what only reads, it is Before
		return op != "GetItem" && op != "BatchGetItem" && op != "Query"
	case dynamotest.Unprocessed:
		return op == "BatchGetItem" || op == "BatchExecuteStatement"
	}
	return true
}

// theSDKs reports whether the SDK's own retries make a difference worth a run: to a write that it sends once more.
func theSDKs(f dynamotest.Fault, op string) bool {
	return (f == dynamotest.Before || f == dynamotest.After) && fits(dynamotest.After, op)
}

// TestR29_WhateverRequestFailsTheEndIsThatOfACleanRun makes each request of each deed fail in each way, in turn, and has
// the deed done again until it succeeds: by the caller, as a queue or a person does, and within by the SDK.
func TestR29_WhateverRequestFailsTheEndIsThatOfACleanRun(t *testing.T) {
	t.Parallel()
	faults := map[string]dynamotest.Fault{
		"lost": dynamotest.Before, "answer lost": dynamotest.After, "throttled": dynamotest.Throttle, "conflict": dynamotest.Conflict, "half": dynamotest.Unprocessed,
	}
	for name, d := range deeds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clean := setupStreaming(t)
			d.before(t, clean)
			clean.tb.Reset()
			var ops []string
			clean.tb.Break = func(op string, _ int) dynamotest.Fault {
				ops = append(ops, op)
				return dynamotest.None
			}
			must(t, d.do(t.Context(), clean.Store))
			clean.tb.Break = nil
			state, told := clean.state(t), clean.told(t)
			if len(ops) < 2 {
				t.Fatalf("got requests %v, want some", ops)
			}
			for by, attempts := range map[string]int{"caller": 1, "SDK": 3} {
				for what, fault := range faults {
					for i, op := range ops {
						if !fits(fault, op) || attempts > 1 && !theSDKs(fault, op) {
							continue
						}
						if attempts > 1 && len(ops) > 30 && i%3 != 0 { // the SDK does alike wherever it is: every third of a long deed's
							continue
						}
						t.Run(fmt.Sprintf("%s %s %d %s", by, what, i+1, op), func(t *testing.T) {
							// A stream makes the local server slow, so only those runs have one whose write is done and then done again.
							streams := attempts == 1 && fault == dynamotest.After && (op == "UpdateItem" || op == "TransactWriteItems")
							start := setup
							if streams {
								start = setupStreaming
							}
							w := start(t)
							d.before(t, w)
							w.tb.Reset()
							n := 0
							w.tb.Break = func(string, int) dynamotest.Fault {
								if n++; n == i+1 {
									return fault
								}
								return dynamotest.None
							}
							s := w.on(w.tb.Retrying(attempts))
							err := d.do(t.Context(), s)
							if attempts > 1 || fault == dynamotest.Conflict || fault == dynamotest.Unprocessed {
								must(t, err)
							}
							for range 3 {
								if err == nil {
									break
								}
								err = d.do(t.Context(), s)
							}
							must(t, err)
							w.tb.Break = nil
							if n < i+1 {
								t.Fatalf("got %d requests, want request %d to have failed", n, i+1)
							}
							differ(t, w.state(t), state)
							if streams {
								same(t, "told", w.told(t), told)
							}
						})
					}
				}
			}
		})
	}
}

// differ names what is not the same in two states.
func differ(t *testing.T, got, want map[string]map[string]any) {
	t.Helper()
	for k := range want {
		if !reflect.DeepEqual(got[k], want[k]) {
			t.Errorf("%s: got %v, want %v", k, got[k], want[k])
		}
	}
	for k := range got {
		if want[k] == nil {
			t.Errorf("%s: got %v, want nothing", k, got[k])
		}
	}
}

func TestR16_ABusyTableIsToldAsBusyAndNothingIsHalfDone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	link := w.link(t, network.Invite{})
	before := w.state(t)
	w.tb.Break = func(op string, _ int) dynamotest.Fault {
		if op == "TransactWriteItems" {
			return dynamotest.Conflict
		}
		return dynamotest.None
	}
	_, err := w.Join(t.Context(), link, person(7), anew("Seven"), noon)
	wants(t, "a join that always meets another", err, network.ErrBusy)
	differ(t, w.state(t), before)
}

func TestR15_ALinkForTwentyHoldsWhenEveryThirdWriteMeetsAnother(t *testing.T) {
	t.Parallel()
	w := setup(t)
	link := w.link(t, network.Invite{MaxUses: 20})
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		switch {
		case op == "TransactWriteItems" && n%3 == 0:
			return dynamotest.Conflict
		case op == "TransactWriteItems" && n%7 == 0:
			return dynamotest.After
		}
		return dynamotest.None
	}
	s := w.on(w.tb.Retrying(5))
	got := atOnce(60, func(i int) error {
		_, err := s.Join(t.Context(), link, person(100+i), anew(fmt.Sprintf("Corp %d", i)), noon)
		return err
	})
	w.tb.Break = nil
	same(t, "answers", got, map[string]int{"ok": 20, "invite_exhausted": 40})
	w.state(t)
}
