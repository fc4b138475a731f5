package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

func TestGroupsStandInATree(t *testing.T) {
	t.Parallel()
	w := setup(t)
	east := w.newGroup("华东", 1)
	hang := w.newGroup(" 杭州　", east)
	w.unchanged(func() {
		w.ask(w.boss, "POST", w.in("/groups"), `{"name":"华东"}`).want(409, "name_taken")
		w.ask(w.boss, "PATCH", w.in(fmt.Sprintf("/groups/%d", east)), fmt.Sprintf(`{"parent_id":%d}`, hang)).want(400, "invalid")
		w.ask(w.boss, "PATCH", w.in("/groups/1"), `{"parent_id":2}`).want(400, "invalid")
		w.ask(w.boss, "PATCH", w.in("/groups/99"), `{"name":"甲"}`).want(404, "not_found")
		w.ask(w.boss, "PATCH", w.in(fmt.Sprintf("/groups/%d", hang)), `{"name":"甲"}`, "If-Match", `"9"`).want(412, "precondition_failed")
		w.ask(w.boss, "PATCH", w.in(fmt.Sprintf("/groups/%d", hang)), `{"name":"甲"}`, "If-Match", `"0"`).want(412, "precondition_failed")
		w.ask(w.boss, "DELETE", w.in(fmt.Sprintf("/groups/%d", hang)), "", "If-Match", `"9"`).want(412, "precondition_failed")
	})
	list := all[groupJSON](w, w.boss, w.in("/groups?limit=2"))
	if len(list) != 3 || list[1] != (groupJSON{east, "华东", 1, 0, `"1"`}) || list[2].Name != "杭州" || list[2].ParentID != east {
		t.Errorf("got %+v", list)
	}
	got := w.ask(w.boss, "PATCH", w.in(fmt.Sprintf("/groups/%d", hang)), `{"name":"宁波","parent_id":1,"order":4294967295}`, "If-Match", list[2].ETag).want(200, "")
	var g groupJSON
	got.into(&g)
	if g != (groupJSON{hang, "宁波", 1, 4294967295, ""}) || got.head.Get("ETag") != `"2"` {
		t.Errorf("got %s", got.body)
	}
	depth := hang
	for i := range network.MaxDepth - 1 {
		depth = w.newGroup(fmt.Sprintf("级%d", i), depth)
	}
	w.ask(w.boss, "POST", w.in("/groups"), fmt.Sprintf(`{"name":"第十级","parent_id":%d}`, depth)).want(400, "invalid")
}

func TestR08_APartnerSeesTheGroupThatItStandsIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	east := w.newGroup("华东", 1)
	w.newGroup("华南", 1)
	staff := person(2)
	w.addMember(w.owner, staff, "member")
	li, _ := w.join(person(3), secret+"甲", east)
	if got := all[groupJSON](w, staff, w.in("/groups")); len(got) != 3 {
		t.Errorf("got %+v for the owner's people, want all 3", got)
	}
	got := all[groupJSON](w, li, w.in("/groups"))
	if len(got) != 1 || got[0].GroupID != east {
		t.Errorf("got %+v for a partner, want its own", got)
	}
	for _, who := range []someone{staff, li} {
		w.ask(who, "POST", w.in("/groups"), `{"name":"新"}`).want(403, "denied")
		w.ask(who, "PATCH", w.in(fmt.Sprintf("/groups/%d", east)), `{"name":"新"}`).want(403, "denied")
		w.ask(who, "DELETE", w.in(fmt.Sprintf("/groups/%d", east)), "").want(403, "denied")
	}
}

func TestR34_AGroupWithSomethingInItGoesOnlyWithSomewhereForThat(t *testing.T) {
	t.Parallel()
	w := setup(t)
	east, south, empty := w.newGroup("华东", 1), w.newGroup("华南", 1), w.newGroup("空", 1)
	li, _ := w.join(person(2), secret+"甲", east)
	link := w.invite(w.boss, south)
	parent := w.newGroup("上级", 1)
	child := w.newGroup("下级", parent)
	at := func(g int, query string) string { return w.in(fmt.Sprintf("/groups/%d%s", g, query)) }
	w.unchanged(func() {
		w.ask(w.boss, "DELETE", at(east, ""), "").want(409, "group_not_empty")
		w.ask(w.boss, "DELETE", at(south, ""), "").want(409, "group_not_empty") // a live invite
		w.ask(w.boss, "DELETE", at(east, "?reassign_to=99"), "").want(404, "group_not_found")
		w.ask(w.boss, "DELETE", at(east, "?reassign_to=0"), "").want(404, "group_not_found")
		w.ask(w.boss, "DELETE", at(east, fmt.Sprintf("?reassign_to=%d", east)), "").want(404, "group_not_found")
		w.ask(w.boss, "DELETE", at(99, ""), "").want(404, "not_found")
		w.ask(w.boss, "DELETE", at(parent, "?reassign_to=1"), "").want(409, "group_not_empty") // its groups have nowhere to go
	})
	w.ask(w.boss, "DELETE", at(child, ""), "").want(204, "")
	w.ask(w.boss, "DELETE", at(parent, ""), "").want(204, "")
	w.ask(w.boss, "DELETE", at(empty, ""), "", "If-Match", `"1"`).want(204, "")
	w.ask(w.boss, "DELETE", at(east, fmt.Sprintf("?reassign_to=%d", south)), "").want(204, "")
	if got := all[groupJSON](w, li, w.in("/groups")); len(got) != 1 || got[0].GroupID != south {
		t.Errorf("got %+v, want the partner in %d", got, south)
	}
	w.ask(w.boss, "DELETE", at(south, "?reassign_to=1"), "").want(204, "")
	l, err := w.store.Look(t.Context(), link, noon)
	if err != nil || l.Err != nil || l.Group != "" {
		t.Errorf("got %+v, %v, want a live invite into the root", l, err)
	}
	var ids []int
	for _, g := range all[groupJSON](w, w.boss, w.in("/groups")) {
		ids = append(ids, g.GroupID)
	}
	if !slices.Equal(ids, []int{1}) {
		t.Errorf("got groups %v, want the root", ids)
	}
}

// R34: however a deletion breaks off, nobody is shown in a group that is gone.
func TestR34_WhoIsStillFiledInADeletedGroupIsShownWhereItWent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	east, south := w.newGroup("华东", 1), w.newGroup("华南", 1)
	li, p := w.join(person(2), secret+"甲", east)
	w.join(person(3), secret+"乙", east)
	at := w.in(fmt.Sprintf("/groups/%d?reassign_to=%d", east, south))
	w.tb.Reset()
	w.tb.Break = func(op string, n int) dynamotest.Fault {
		if op == "TransactWriteItems" && n > 1 { // the group goes, and nobody along
			return dynamotest.Before
		}
		return dynamotest.None
	}
	if got := w.ask(w.boss, "DELETE", at, ""); got.code < 500 {
		t.Errorf("got %d, want the request to break off", got.code)
	}
	w.tb.Break = nil
	var one partnerJSON
	w.ask(w.boss, "GET", w.in("/partners/"+p.ID), "").want(200, "").into(&one)
	for _, p := range append(all[partnerJSON](w, w.boss, w.in("/partners")), append(all[partnerJSON](w, li, w.in("/partners")), one)...) {
		if p.GroupID != south {
			t.Errorf("got %s in %d, want %d", p.Name, p.GroupID, south)
		}
	}
	if got := all[groupJSON](w, li, w.in("/groups")); len(got) != 1 || got[0].GroupID != south {
		t.Errorf("got %+v, want the partner in %d", got, south)
	}
	w.ask(w.boss, "DELETE", at, "").want(204, "") // once more finishes it
	if got := all[partnerJSON](w, w.boss, w.in(fmt.Sprintf("/partners?group_id=%d", south))); len(got) != 2 {
		t.Errorf("got %+v, want both filed in %d", got, south)
	}
}

func TestAGroupIsDeletedByItsEdition(t *testing.T) {
	t.Parallel()
	w := setup(t)
	east := w.newGroup("华东", 1)
	at := w.in(fmt.Sprintf("/groups/%d", east))
	w.between(func(w *world) {
		name := "华南"
		if _, err := w.store.EditGroup(t.Context(), w.chain, east, &name, nil, nil, 0); err != nil {
			t.Error(err)
		}
	})
	w.ask(w.boss, "DELETE", at, "", "If-Match", `"1"`).want(412, "precondition_failed")
	w.tb.Break = nil
	w.ask(w.boss, "DELETE", at, "", "If-Match", `"0"`).want(412, "precondition_failed")
	w.ask(w.boss, "DELETE", at, "", "If-Match", `"2"`).want(204, "")
}
