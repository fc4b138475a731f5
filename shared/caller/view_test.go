package caller

import (
	"net/http/httptest"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// An admin looks with others' eyes, and says which page is the first; nobody
// else does, whomever they name.
func TestAViewIsAnAdminsAndItsFirstPageIsNoted(t *testing.T) {
	t.Parallel()
	s, chain := setup(t)
	const staffs = "+8613900000002"
	staff := key.Person(staffs)
	if err := s.AddMember(t.Context(), network.Member{Person: staff, Corp: chain.OwnerCorp, Name: "Staff", Phone: staffs, Role: network.Staff}, store.Once{}); err != nil {
		t.Fatal(err)
	}
	actor := func(phone string) network.Actor {
		t.Helper()
		a, err := s.Actor(t.Context(), network.Person{ID: key.Person(phone), Phone: phone}, "", chain.ID)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	boss, other := actor(phone), actor(staffs)
	for _, c := range []struct {
		name, query string
		who         network.Actor
		as          string // who looks in the end
		code        string
		noted       int
	}{
		{"one's own", "", other, staff, "", 0},
		{"as another", "as=" + staff, boss, staff, "", 1},
		{"as oneself", "as=" + boss.Person.ID, boss, boss.Person.ID, "", 1},
		{"a later page", "as=" + staff + "&cursor=x", boss, staff, "", 0},
		{"an empty cursor is none", "as=" + staff + "&cursor=", boss, staff, "", 1},
		{"by no admin", "as=" + staff, other, "", "denied", 0},
		{"of nobody", "as=" + key.Person("+8613900000003"), boss, "", "not_found", 0},
		{"under a corp alone", "as_corp=" + chain.OwnerCorp, boss, "", "invalid", 0},
		{"under another corp", "as=" + staff + "&as_corp=" + network.NewCorpID(), boss, "", "not_found", 0},
	} {
		r := httptest.NewRequest("GET", "/?"+c.query, nil)
		q, err := web.Query(r, "as", "as_corp", "cursor")
		if err != nil {
			t.Fatal(err)
		}
		was, _, err := s.Audit(t.Context(), chain.ID, "", 50)
		if err != nil {
			t.Fatal(err)
		}
		got, err := View(r, s, c.who, q, "directory", noon)
		if code := network.CodeOf(err); err != nil && code != c.code || err == nil && c.code != "" || got.Person.ID != c.as {
			t.Errorf("%s: got %q (%v), want %q or %s", c.name, got.Person.ID, err, c.as, c.code)
		}
		if own := got.Cursors() == chain.ID; err == nil && own != (c.query == "") {
			t.Errorf("%s: got cursors of %q", c.name, got.Cursors())
		}
		is, _, err := s.Audit(t.Context(), chain.ID, "", 50)
		if err != nil || len(is)-len(was) != c.noted {
			t.Errorf("%s: got %d entries more (%v), want %d", c.name, len(is)-len(was), err, c.noted)
		}
	}
}
