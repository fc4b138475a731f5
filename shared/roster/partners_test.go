package roster

import "testing"

func TestPartnersAndPeopleAreFoundAgain(t *testing.T) {
	t.Parallel()
	const n = 50_000
	p := newPartners()
	id := func(i int) (id partnerID) {
		id[0], id[1], id[9] = byte(i), byte(i>>8), byte(i>>16)
		return id
	}
	for i := range n {
		partner := p.find(id(i/2), uint64(i/2))
		if partner != uint32(i/2) || p.all.at(partner).name != uint64(i/2) {
			t.Fatalf("got partner %d, want %d", partner, i/2)
		}
		if p.contact(partner, uint64(i)) != nil || p.member(partner, uint64(i%3)) != nil && i%3 == 0 {
			t.Fatalf("person %d is there before", i)
		}
		p.add(person{phone: uint64(i), member: uint64(i % 3), partner: partner, row: uint32(i)})
	}
	for i := range n {
		partner := uint32(i / 2)
		if who := p.contact(partner, uint64(i)); who == nil || who.row != uint32(i) {
			t.Fatalf("phone %d: got %+v, want row %d", i, who, i)
		}
		if p.contact(partner+1, uint64(i)) != nil {
			t.Fatalf("phone %d: got one of another partner", i)
		}
		if who := p.member(partner, uint64(i%3)); i%3 != 0 && (who == nil || who.row != uint32(i)) || i%3 == 0 && who != nil {
			t.Fatalf("member %d: got %+v, want row %d", i, who, i)
		}
	}
}
