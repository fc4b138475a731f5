package feed

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/store"
)

func TestPartsHoldAllChangesAndNoneIsTooLong(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		var c Changes
		for i := range rapid.IntRange(0, 60).Draw(r, "put") {
			c.Put = append(c.Put, search.Entry{Partner: fmt.Sprint("pa", i), Name: rapid.StringN(1, 32, 96).Draw(r, "name"), Edition: i})
		}
		for i := range rapid.IntRange(0, 60).Draw(r, "removed") {
			c.Remove = append(c.Remove, gone(fmt.Sprint("pa", i), "", i))
		}
		size := rapid.IntRange(500, 5000).Draw(r, "size")
		parts, err := c.Pack(size)
		if err != nil {
			r.Fatal(err)
		}
		var got Changes
		for _, p := range parts {
			if len(p) > size {
				r.Fatalf("a part of %d bytes, want at most %d", len(p), size)
			}
			some, err := Open(p)
			if err != nil {
				r.Fatal(err)
			}
			got.Put, got.Remove = append(got.Put, some.Put...), append(got.Remove, some.Remove...)
		}
		if !slices.Equal(got.Put, c.Put) || !slices.Equal(got.Remove, c.Remove) {
			r.Fatalf("got %v, want %v", got, c)
		}
	})
}

func TestAChangeThatFitsNoPartIsAnErrorAndNoLoop(t *testing.T) {
	t.Parallel()
	c := Changes{Put: []search.Entry{{Partner: "pa1", Name: "a name"}}}
	if _, err := c.Pack(5); err == nil {
		t.Error("got no error")
	}
	if _, err := Open([]byte("no part")); err == nil {
		t.Error("what is no part was opened")
	}
}

// Changes come of items that change in the order of their own; those of a
// partner and of its people in any order, each perhaps twice.
func TestWhateverTheOrderSearchEndsWithWhatIsThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		person := network.Contact{Person: "pe1", Chain: "ch1", Partner: "pa1", Name: "Ann", Phone: "+8613900000001"}
		partner := network.Partner{ID: "pa1", Chain: "ch1", Name: "Acme", State: network.PartnerPending, People: map[string]string{"pe1": ""}}
		var ofPartner, ofPerson []Changes
		p, k := partner, person
		wasPartner, wasPerson := (*network.Partner)(nil), (*network.Contact)(nil)
		write := func() {
			p.Edition++
			is := p
			is.People = maps.Clone(p.People)
			var c Changes
			c.Partner(wasPartner, &is)
			ofPartner, wasPartner = append(ofPartner, c), &is
		}
		writePerson := func() {
			k.Edition++
			is := k
			var c Changes
			c.Contact(wasPerson, &is)
			ofPerson, wasPerson = append(ofPerson, c), &is
		}
		write()
		writePerson()
		there, shown := true, true
		for range rapid.IntRange(0, 6).Draw(r, "steps") {
			switch rapid.SampledFrom([]string{"rename", "withdraw", "name again", "remove", "erase"}).Draw(r, "step") {
			case "rename":
				k.Name += "x"
				if there && shown {
					writePerson()
				}
			case "withdraw":
				if there && shown {
					k.Epoch = -1
					writePerson()
					shown = false
				}
			case "erase":
				if there && shown {
					k.Name, k.Phone = "", ""
					writePerson()
					shown = false
				}
			case "name again":
				if !there {
					p.State = network.PartnerPending
				}
				p.People = map[string]string{"pe1": ""}
				there = true
				write()
				if !shown {
					k.Name, k.Phone, k.Epoch = "Ann", person.Phone, p.Epoch
					writePerson()
					shown = true
				}
			case "remove":
				if there {
					p.State, p.People, p.Epoch = network.PartnerRemoved, nil, p.Epoch+1
					write()
					there, shown = false, false
				}
			}
		}
		x := search.New(slices.Values([]search.Entry(nil)))
		i, j := 0, 0
		for i < len(ofPartner) || j < len(ofPerson) {
			var c Changes
			if j == len(ofPerson) || i < len(ofPartner) && rapid.Bool().Draw(r, "the partner's first") {
				c, i = ofPartner[i], i+1
			} else {
				c, j = ofPerson[j], j+1
			}
			for range rapid.IntRange(1, 2).Draw(r, "times") {
				x.Apply(c.Put, c.Remove)
			}
		}
		var got []string
		for e := range x.All() {
			got = append(got, e.Name)
		}
		slices.Sort(got)
		var want []string
		if there {
			want = append(want, "Acme")
		}
		if there && shown {
			want = append(want, k.Name)
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			r.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestABaseIsOpenedAsItWasAndNothingElseIs(t *testing.T) {
	t.Parallel()
	b := Base{Through: 7, Index: search.New(slices.Values([]search.Entry{{Partner: network.CorpPartnerID("ch1", "co1"), Name: "Acme", State: network.PartnerJoined, Edition: 3}}))}
	packed := b.Pack()
	got, err := OpenBase(packed)
	if err != nil || got.Through != 7 || got.Index.Len() != 1 {
		t.Fatalf("got %+v %v, want it as it was", got, err)
	}
	for n := range len(packed) {
		if _, err := OpenBase(packed[:n]); !errors.Is(err, search.ErrCorrupt) {
			t.Errorf("its first %d bytes: got %v, want ErrCorrupt", n, err)
		}
	}
	got.KnowPlaces()
	part, err := Changes{Put: []search.Entry{{Partner: "pa2", Name: "Beta", Group: 5, State: network.PartnerPending, Edition: 2}}}.Pack(1000)
	if err != nil {
		t.Fatal(err)
	}
	through, err := got.Apply([]store.FeedPart{{N: 8, Body: part[0]}, {N: 10, Body: part[0]}})
	if !errors.Is(err, ErrGap) || through != 8 || got.Index.Len() != 2 {
		t.Errorf("got %d %v, want a gap behind part 8", through, err)
	}
	if _, state := got.Place(network.CorpPartnerID("ch1", "co1")); state != network.PartnerJoined {
		t.Errorf("got %s, want where a partner of the base is", state)
	}
	if group, state := got.Place("pa2"); group != 5 || state != network.PartnerPending {
		t.Errorf("got group %d, %s, want where the feed has put it", group, state)
	}
	gonePart, err := Changes{Remove: []search.Removal{gone("pa2", "", 3)}}.Pack(1000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := got.Apply([]store.FeedPart{{N: 8, Body: gonePart[0]}, {N: 9, Body: part[0]}}); err != nil {
		t.Fatal(err)
	}
	if _, state := got.Place("pa2"); state != network.PartnerRemoved {
		t.Errorf("got %s, want it removed, whatever comes late", state)
	}
}
