package main

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

const groups = "/v1/chains/" + chainID + "/group-migrations"

// migration is a body of a group of that name.
func migration(name string, owner web.Claims, members ...string) string {
	return fmt.Sprintf(`{"group_name":"%s","owner":"%s","members":[%s]}`, name, owner.Phone, strings.Join(members, ","))
}

func wechat(n int) string {
	return fmt.Sprintf(`{"name":"用户%d","phone":"%s","wechat_ref":"wx%d"}`, n, claims(n).Phone, n)
}

// outcomes are what an answer says was done, in the members' order.
func (a answer) outcomes() []string {
	var out []string
	all, _ := a.body["members"].([]any)
	for _, m := range all {
		out = append(out, m.(map[string]any)["outcome"].(string))
	}
	return out
}

func (w *world) migrate(t *testing.T, who web.Claims, body string, header ...string) answer {
	t.Helper()
	return w.as(t, who, "POST", groups, body, header...)
}

func TestR45_AGroupIsMigratedAndEachOfItsPeopleIsDoneRightBy(t *testing.T) {
	t.Parallel()
	w := setup(t)
	body := migration("华东群", w.boss, wechat(5), wechat(3), `{"name":"老王","phone":"123"}`, `{"name":"小李","phone":null}`, `{"name":"小李","wechat_ref":"wx-li"}`,
		`{"name":"同事","phone":"`+claims(6).Phone+`","is_member":true}`, wechat(5), wechat(2), `{"name":"阿\u200d明","phone":"139 0000 0007"}`)
	body = strings.Replace(body, `,"phone":null`, `,"phone":""`, 1)
	got := w.migrate(t, w.boss, body).want(t, 201, "")
	want := []string{"invited", "already_joined", "invalid_phone", "no_phone", "no_phone", "member", "duplicate", "already_joined", "invited"}
	if !reflect.DeepEqual(got.outcomes(), want) {
		t.Errorf("got %v, want %v", got.outcomes(), want)
	}
	first := got.body["members"].([]any)[0]
	if !reflect.DeepEqual(first, map[string]any{"name": "用户5", "phone": "+86139******05", "wechat_ref": "wx5", "outcome": "invited"}) {
		t.Errorf("got %v", first)
	}
	if counts := got.body["counts"]; !reflect.DeepEqual(counts, map[string]any{"invited": 2.0, "already_joined": 2.0, "invalid_phone": 1.0, "no_phone": 2.0, "member": 1.0, "duplicate": 1.0}) {
		t.Errorf("got %v", counts)
	}
	// The link is one like any other, to list, revoke and resend.
	invite := w.as(t, w.boss, "GET", path+"/"+got.text("invite_id"), "").want(t, 200, "")
	if invite.text("kind") != "group_migration" || invite.text("url") != got.text("url") || invite.text("state") != "live" {
		t.Errorf("got %s", invite.Body)
	}
	read := w.as(t, w.boss, "GET", groups+"/"+got.text("migration_id"), "").want(t, 200, "")
	if read.Body.String() != got.Body.String() {
		t.Errorf("read again: got %s, want %s", read.Body, got.Body)
	}
	w.do(t, w.boss, got.text("invite_id"), "resend").want(t, 200, "")
	if read := w.as(t, w.boss, "GET", groups+"/"+got.text("migration_id"), ""); read.text("url") == got.text("url") {
		t.Error("the link to pass on is the old one")
	}
	if _, err := w.join(t, w.as(t, w.boss, "GET", path+"/"+got.text("invite_id"), "").text("token"), 5); err != nil {
		t.Error(err)
	}
	for k, item := range w.tb.Items(t) {
		if strings.Contains(fmt.Sprint(item), "/j/") {
			t.Errorf("%s holds the link (R11)", k)
		}
	}
}

func TestR45_OneNoticeAChainADay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	day := func(at time.Time, who web.Claims, name string, want ...string) {
		t.Helper()
		w.now = at
		if got := w.migrate(t, who, migration(name, who, wechat(5), wechat(6))).want(t, 201, ""); !reflect.DeepEqual(got.outcomes(), want) {
			t.Errorf("%s: got %v, want %v", name, got.outcomes(), want)
		}
	}
	day(noon, w.boss, "一群", "invited", "invited")
	day(noon.Add(time.Hour), w.boss, "二群", "notified_today", "notified_today")
	day(noon.Add(2*time.Hour), w.staff, "一群", "notified_today", "notified_today") // another owner's group of the same name
	day(time.Date(2026, 11, 22, 15, 59, 59, 0, time.UTC), w.boss, "三群", "notified_today", "notified_today")
	day(time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC), w.boss, "四群", "invited", "invited") // midnight in Beijing
}

func TestR45_TheSameGroupAgainIsTheFirst(t *testing.T) {
	t.Parallel()
	w := setup(t)
	body := migration("华东群", w.boss, wechat(5))
	first := w.migrate(t, w.boss, body, "Idempotency-Key", "k").want(t, 201, "")
	before := w.tb.Items(t)
	w.now = noon.Add(26 * time.Hour)
	if again := w.migrate(t, w.boss, body).want(t, 200, ""); again.Body.String() != first.Body.String() {
		t.Errorf("without a key: got %s, want %s", again.Body, first.Body)
	}
	w.now = noon.Add(time.Hour)
	if again := w.migrate(t, w.boss, body, "Idempotency-Key", "k").want(t, 201, ""); again.Body.String() != first.Body.String() {
		t.Errorf("by its key: got %s, want %s", again.Body, first.Body)
	}
	w.migrate(t, w.boss, migration("华东群", w.boss, wechat(6))).want(t, 409, "name_taken")
	w.migrate(t, w.boss, migration("另一群", w.boss, wechat(5)), "Idempotency-Key", "k").want(t, 422, "idempotency_mismatch")
	if !reflect.DeepEqual(before, w.tb.Items(t)) {
		t.Error("a repeat changed the table")
	}
}

func TestR45_WhoMayMigrateAndWhoReadsOfIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.migrate(t, w.staff, migration("华东群", w.boss, wechat(5))).want(t, 403, "denied")
	w.migrate(t, w.boss, migration("华东群", w.staff, wechat(5))).want(t, 403, "denied") // not even an admin
	byID := fmt.Sprintf(`{"group_name":"甲","owner":"%s","members":[%s]}`, id(w.staff), wechat(5))
	staffs := w.migrate(t, w.staff, byID).want(t, 201, "").text("migration_id")
	bosses := w.migrate(t, w.boss, migration("乙", w.boss, wechat(6))).want(t, 201, "").text("migration_id")
	guests := w.migrate(t, w.guest, migration("丙", w.guest, wechat(7))).want(t, 201, "")
	if only := w.as(t, w.boss, "GET", path+"/"+guests.text("invite_id"), ""); only.text("corp_id") != w.dealer.ID {
		t.Errorf("got %s, want a partner's to be for its own (R07)", only.Body)
	}
	list := func(who web.Claims) (ids []string) {
		for _, m := range w.as(t, who, "GET", groups, "").want(t, 200, "").body["items"].([]any) {
			if m := m.(map[string]any); m["members"] != nil || m["url"] != nil {
				t.Errorf("a list tells %v", m)
			} else {
				ids = append(ids, m["migration_id"].(string))
			}
		}
		return ids
	}
	if got := list(w.staff); !reflect.DeepEqual(got, []string{staffs}) {
		t.Errorf("got %v", got)
	}
	if got := list(w.boss); len(got) != 3 {
		t.Errorf("got %v, want all", got)
	}
	w.as(t, w.staff, "GET", groups+"/"+bosses, "").want(t, 404, "not_found")
	w.as(t, w.guest, "GET", groups+"/"+bosses, "").want(t, 404, "not_found")
	w.as(t, w.boss, "GET", groups+"/"+staffs, "").want(t, 200, "")
	for _, none := range []string{"x", network.NewMigrationID(noon)} {
		w.as(t, w.boss, "GET", groups+"/"+none, "").want(t, 404, "not_found")
	}
	off := false
	w.edit(t, network.ChainEdit{MembersMayInvite: &off})
	w.migrate(t, w.staff, migration("丁", w.staff, wechat(8))).want(t, 403, "denied")
}

func TestR45_WhatIsNoGroupIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	w := setup(t)
	before := w.tb.Items(t)
	if got := w.migrate(t, w.boss, strings.Replace(migration("客户群", w.boss, wechat(5)), "{", `{"customer_group":true,`, 1)).want(t, 409, "customer_group"); !strings.Contains(got.text("detail"), "普通微信群") {
		t.Errorf("got %s, want what to do", got.Body)
	}
	long := strings.Repeat("长", 65)
	for body, field := range map[string]string{
		migration("", w.boss, wechat(5)):                                       "group_name",
		migration(long, w.boss, wechat(5)):                                     "group_name",
		migration("群", w.boss):                                                 "members",
		migration("群", w.boss, many(2001)...):                                  "members",
		migration("群", w.boss, wechat(5), `{"name":""}`):                       "members[1].name",
		migration("群", w.boss, wechat(5), `{"name":"`+long+`"}`):               "members[1].name",
		migration("群", w.boss, `{"name":"a","wechat_ref":"`+long+`"}`):         "members[0].wechat_ref",
		migration("群", w.boss, wechat(5), wechat(6), `{"name":"a","phone":5}`): "members[2].phone",
		migration("群", w.boss, `{"name":"a","is_member":"no"}`):                "members[0].is_member",
		`{"group_name":"群","members":[` + wechat(5) + `]}`:                     "owner",
	} {
		if got := w.migrate(t, w.boss, body).want(t, 400, "invalid"); got.field() != field {
			t.Errorf("%.100s: got field %q, want %q", body, got.field(), field)
		}
	}
	if got := w.migrate(t, w.boss, migration("群", w.boss, `{"name":"a","role":"x"}`)).want(t, 400, "unknown_field"); got.field() != "members[0].role" {
		t.Errorf("got %q", got.field())
	}
	w.migrate(t, w.boss, `{"group_name":"`+strings.Repeat("x", 2<<20)+`"}`).want(t, 413, "too_large")
	if !reflect.DeepEqual(before, w.tb.Items(t)) {
		t.Error("bad input changed the table")
	}
}

func many(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = wechat(100 + i)
	}
	return out
}

func TestR45_TwoThousandAtATime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.tb.Reset()
	began := time.Now()
	got := w.migrate(t, w.boss, migration("大群", w.boss, many(2000)...)).want(t, 201, "")
	took := time.Since(began)
	m := w.tb.Meter()
	t.Logf("2,000 members: %v, %d requests, %.0f read and %.0f write units (%v)", took, m.Requests, m.ReadUnits, m.WriteUnits, m.ByOp)
	if counts := got.body["counts"]; !reflect.DeepEqual(counts, map[string]any{"invited": 2000.0}) {
		t.Errorf("got %v", counts)
	}
	// A mark each, and the group's record; a query each is how who has joined is known.
	if m.WriteUnits > 1.5*2000 || m.ByOp["BatchExecuteStatement"] != 80 || m.ByOp["TransactWriteItems"] != 1 {
		t.Errorf("got %+v", m)
	}
}

// Each kind of request is lost, or its answer is, at each place; who tries again
// gets what a clean run gives, and everybody is told once.
func TestR45_ATryThatBreaksOffIsDoneAgain(t *testing.T) {
	t.Parallel()
	for op, n := range map[string]int{"BatchExecuteStatement": 2, "TransactWriteItems": 1, "BatchGetItem": 1, "GetItem": 3} {
		for i := 1; i <= n; i++ {
			for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.After} {
				t.Run(fmt.Sprint(op, i, fault), func(t *testing.T) {
					t.Parallel()
					w := setup(t)
					w.tb.Reset()
					w.tb.Break = func(o string, k int) dynamotest.Fault {
						if o == op && k == i {
							return fault
						}
						return dynamotest.None
					}
					body := migration("大群", w.boss, many(40)...)
					if got := w.migrate(t, w.boss, body); got.Code < 500 && got.Code != 201 {
						t.Errorf("broken: got %d %s", got.Code, got.Body)
					}
					w.tb.Break = nil
					got := w.migrate(t, w.boss, body)
					if got.Code != 200 && got.Code != 201 || !reflect.DeepEqual(got.body["counts"], map[string]any{"invited": 40.0}) {
						t.Errorf("again: got %d %v", got.Code, got.body["counts"])
					}
					if all := w.list(t, w.boss, "state=live"); len(all) != 2 {
						t.Errorf("got %d invites, want the group's one", len(all))
					}
				})
			}
		}
	}
}

func TestR45_TheSameGroupAtTheSameMomentIsOne(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var wg sync.WaitGroup
	ids := make([]string, 5)
	for i := range ids {
		wg.Go(func() {
			got := w.migrate(t, w.boss, migration("大群", w.boss, many(30)...))
			if got.Code != 200 && got.Code != 201 {
				t.Errorf("got %d %s", got.Code, got.Body)
				return
			}
			ids[i] = got.text("migration_id")
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("got %v, want one", ids)
		}
	}
}
