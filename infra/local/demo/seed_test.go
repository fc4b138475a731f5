package demo

import "testing"

func TestSeedsAChain(t *testing.T) {
	t.Parallel()
	d, _ := setup(t)
	if err := d.Seed(t.Context(), 300, 20); err != nil {
		t.Fatal(err)
	}
	for state, want := range map[string]int{"joined": 20, "pending": 280} {
		got, _, err := list[struct{}](t.Context(), d.boss, d.chain+"/partners?state="+state, 200)
		if err != nil || len(got) != want {
			t.Errorf("got %d partners %s, %v; want %d", len(got), state, err, want)
		}
	}
	if err := d.Seed(t.Context(), 10, 11); err == nil {
		t.Error("more have joined than there are: want an error")
	}
}
