package main

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// What an admin does by this door stands in the chain's audit list as theirs;
// what is refused, or changes nothing, doesn't.
func TestWhatAnAdminChangesIsInTheAuditListAsTheirs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	staff := person(2)
	w.addMember(w.owner, staff, "member")
	li, p := w.join(person(3), secret+"甲", 1)
	east := w.newGroup("华东", 1)
	group, partner := w.in(fmt.Sprintf("/groups/%d", east)), w.in("/partners/"+p.ID)

	w.ask(w.boss, "POST", w.in("/admins"), fmt.Sprintf(`{"person_id":%q}`, staff.id())).want(201, "")
	w.ask(staff, "PATCH", group, `{"name":"华北","order":7}`).want(200, "")
	w.ask(staff, "PATCH", group, `{"name":"华北"}`).want(200, "")
	w.ask(staff, "PATCH", group, `{"parent_id":99}`).want(404, "group_not_found")
	w.ask(li, "PATCH", group, `{"name":"x"}`).want(403, "denied")
	w.ask(staff, "PATCH", partner, fmt.Sprintf(`{"alias":"老甲","custom_id":"A1","group_id":%d}`, east)).want(200, "")
	w.ask(staff, "PATCH", w.in(""), `{"partners_see_each_other":true}`).want(200, "")
	w.ask(staff, "DELETE", group+"?reassign_to=1", "").want(204, "")
	w.ask(staff, "DELETE", partner, "").want(204, "")
	w.ask(w.boss, "DELETE", w.in("/admins/"+staff.id()), "").want(204, "")

	list, _, err := w.store.Audit(t.Context(), w.chain, "", 50)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list)
	var got [][2]string
	for _, c := range list {
		got = append(got, [2]string{c.What, c.Who.Person})
		if c.At.IsZero() || c.Who.Corp != w.owner {
			t.Errorf("%s: got %v of %s, want a time and the owner", c.What, c.At, c.Who.Corp)
		}
	}
	want := [][2]string{
		{"chain_created", w.boss.id()}, {"group_created", w.boss.id()}, {"admin_added", w.boss.id()}, {"group_edited", staff.id()}, {"partner_edited", staff.id()}, {"chain_edited", staff.id()},
		{"group_deleted", staff.id()}, {"partner_removed", staff.id()}, {"admin_removed", w.boss.id()},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if c := list[3]; !reflect.DeepEqual(map[string]any(c.Before), map[string]any{"name": "华东", "order": 0.0}) || !reflect.DeepEqual(map[string]any(c.After), map[string]any{"name": "华北", "order": 7.0}) {
		t.Errorf("got %v, then %v: want the fields that changed", c.Before, c.After)
	}
}
