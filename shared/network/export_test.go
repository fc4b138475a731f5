package network

import (
	"reflect"
	"testing"
	"time"
)

func TestR08_AnExportTellsAPartnersPeopleNeitherGroupsNorWhatTheyAreCalled(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tree := Tree{1: {ID: 1, Name: "root"}, 2: {ID: 2, Name: "North", Parent: 1}, 3: {ID: 3, Name: "Port", Parent: 2}}
	chain := Chain{ID: "ch", PartnersSeeAnother: true}
	p := Partner{ID: "pa1", Chain: "ch", Name: "Acme", Alias: "A", CustomID: "7", Group: 3, State: PartnerJoined, JoinedAt: at}
	people := []Contact{{Person: "pe1", Name: "One", Phone: "+8613900000001", JoinedAt: at, Corp: "co", Partner: "pa1"}, {Person: "pe2", Name: "Two", Phone: "+8613900000002", Partner: "pa1"}}
	owner := Actor{Side: Owner, Admin: true, Chain: chain}
	guest := Actor{Side: Guest, Chain: chain, Person: Person{ID: "pe9"}, Corp: Corp{Places: map[string]Place{"ch": {Side: Guest, Partner: "pa1"}}}}
	other := guest
	other.Corp = Corp{Places: map[string]Place{"ch": {Side: Guest, Partner: "pa2"}}}
	blind := other
	blind.Chain.PartnersSeeAnother = false
	one := ExportRow{Name: "Acme", State: PartnerJoined, Contact: "One", Identity: "member", Phone: "+8613900000001", JoinedAt: at}
	full := one
	full.Group, full.Alias, full.CustomID = "North/Port", "A", "7"
	for name, c := range map[string]struct {
		a    Actor
		want []ExportRow
	}{
		"an admin":                         {owner, []ExportRow{full}},
		"its own people":                   {guest, []ExportRow{one}},
		"another partner's":                {other, []ExportRow{{Name: "Acme", State: PartnerJoined, JoinedAt: at}}},
		"one who sees no other":            {blind, nil},
		"somebody with no part in a chain": {Actor{}, nil},
	} {
		if got := sightOf(c.a).ExportRows(p, people, tree); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
	p.State = PartnerRemoved
	if got := sightOf(owner).ExportRows(p, people, tree); got != nil {
		t.Errorf("a removed one: got %+v", got)
	}
}

// sightOf is what an actor sees by the chain's settings alone.
func sightOf(a Actor) *Sight {
	return SightOf(a, Partner{ID: a.Corp.Places[a.Chain.ID].Partner}, nil, nil)
}

func TestR36_AnExportHasNothingThatARuleHides(t *testing.T) {
	t.Parallel()
	p := Partner{ID: "pa1", Chain: "ch", Name: "Acme", Group: RootGroup, State: PartnerJoined}
	rules := []Rule{{ID: "ru1", Partner: PartnerSide{Corps: []string{"pa1"}}, Effect: Hide}}
	tree := Tree{RootGroup: {ID: RootGroup}}
	member := Actor{Side: Owner, Role: Staff, Person: Person{ID: "pe1"}, Chain: Chain{ID: "ch"}}
	if got := SightOf(member, Partner{}, rules, tree).ExportRows(p, nil, tree); got != nil {
		t.Errorf("a member gets %+v, want nothing", got)
	}
	admin := member
	admin.Admin = true
	if got := SightOf(admin, Partner{}, rules, tree).ExportRows(p, nil, tree); len(got) != 1 {
		t.Errorf("an admin gets %+v, want the partner", got)
	}
}

func TestAnExportThatNobodyWillFinishHasFailed(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	e := Export{State: ExportRunning, CreatedAt: at}
	if got := e.At(at.Add(exportTime)); got != e {
		t.Errorf("got %+v, want it running", got)
	}
	if got := e.At(at.Add(exportTime + 1)); got.State != ExportFailed || got.Code != ExportNotFinished {
		t.Errorf("got %+v, want it failed", got)
	}
	e.State = ExportDone
	if got := e.At(at.Add(2 * exportTime)); got != e {
		t.Errorf("got %+v, want it done", got)
	}
}
