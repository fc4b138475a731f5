package roster

import (
	"fmt"
	"testing"
)

// TestTheFirstFiveDigitsDecideOfAMainlandMobile asks the library about numbers
// of every prefix, whose ends are picked so as to look like something else.
func TestTheFirstFiveDigitsDecideOfAMainlandMobile(t *testing.T) {
	t.Parallel()
	var p phones
	good := 0
	for prefix := 10_000; prefix < 20_000; prefix++ {
		for _, tail := range []string{"000001", "999999", "110000", "795123"} {
			s := fmt.Sprint(prefix, tail)
			e164, code := Phone(s)
			ok, known := p.mainland(s)
			if known && (ok != (code == "") || ok && e164 != "+86"+s) {
				t.Fatalf("%s: got %t, want %s%s", s, ok, e164, code)
			}
			if ok {
				good++
			}
		}
	}
	if good < 4*1000 {
		t.Errorf("got %d good numbers, want more", good)
	}
	for _, s := range []string{"", "1390000000", "139000000011", "23900000001", "1390000000x", "+8613900000001", "１３９００００００３３"} {
		if _, known := p.mainland(s); known {
			t.Errorf("%s: got a verdict, want none", s)
		}
	}
}
