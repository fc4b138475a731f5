package network_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
)

func TestR12_AnInviteLivesAsLongAsThePoliciesSay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		created time.Duration // after noon
		own     time.Duration
		toggles []time.Duration // after noon: on, off, on …
		want    time.Duration   // after noon
	}{
		{"7 days", 0, 0, nil, 7 * day},
		{"a shorter life of its own wins", 0, time.Hour, nil, time.Hour},
		{"a longer one doesn't", 0, 30 * day, nil, 7 * day},
		{"90 days while imported_only is on", day, 0, []time.Duration{day}, 91 * day},
		{"on since before it was made", 2 * day, 0, []time.Duration{day}, 92 * day},
		{"turning it on stretches", 0, 0, []time.Duration{3 * day}, 90 * day},
		{"a second before the end is soon enough", 0, 0, []time.Duration{7*day - time.Second}, 90 * day},
		{"at the end it is too late", 0, 0, []time.Duration{7 * day}, 7 * day},
		{"after the end too", 0, 0, []time.Duration{8 * day}, 7 * day},
		{"turning it off shrinks", 0, 0, []time.Duration{day, 3 * day}, 7 * day},
		{"turning it off ends what is older than 7 days", 0, 0, []time.Duration{day, 30 * day}, 30 * day},
		{"turning it off on day 7 too", 0, 0, []time.Duration{day, 7 * day}, 7 * day},
		{"on again doesn't revive", 0, 0, []time.Duration{day, 30 * day, 30*day + 1}, 30 * day},
		{"nor in the same moment", 0, 0, []time.Duration{day, 30 * day, 30 * day}, 30 * day},
		{"off and on within the first week costs nothing", 0, 0, []time.Duration{day, 2 * day, 3 * day}, 90 * day},
		{"turned off after 90 days", 0, 0, []time.Duration{day, 100 * day}, 90 * day},
		{"toggles from before it was made don't count", 40 * day, 0, []time.Duration{day, 30 * day}, 47 * day},
		{"its own life under 90 days", 0, 20 * day, []time.Duration{day}, 20 * day},
		{"its own life doesn't hold off the switch", 0, 20 * day, []time.Duration{day, 10 * day}, 10 * day},
		{"made before the history began", -day, 0, nil, 6 * day},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := network.ExpiresAt(noon.Add(c.created), c.own, policies(c.toggles...))
			if w := noon.Add(c.want); !got.Equal(w) {
				t.Errorf("got %v, want %v", got, w)
			}
		})
	}
	if got := network.ExpiresAt(noon, 0, nil); !got.Equal(noon) {
		t.Errorf("without a history: got %v, want %v", got, noon)
	}
}

// history draws one that begins at noon; all its times are whole units.
func history(t *rapid.T, unit time.Duration) []network.PolicyChange {
	h := policies()
	for _, after := range rapid.SliceOfN(rapid.IntRange(0, int(60*day/unit)), 0, 5).Draw(t, "toggles") {
		at := h[len(h)-1].At.Add(time.Duration(after) * unit)
		h = append(h, network.PolicyChange{At: at, Policy: rapid.SampledFrom([]network.JoinPolicy{network.Open, network.ImportedOnly}).Draw(t, "policy")})
	}
	return h
}

// watch is what ExpiresAt says, found by living through it hour by hour.
func watch(created time.Time, own time.Duration, history []network.PolicyChange) time.Time {
	policy := history[0].Policy
	ended := func(now time.Time) bool {
		life := map[network.JoinPolicy]time.Duration{network.Open: 7 * day, network.ImportedOnly: 90 * day}[policy]
		if own > 0 && own < life {
			life = own
		}
		return !now.Before(created.Add(life))
	}
	for now := noon; ; now = now.Add(time.Hour) {
		if ended(now) {
			return now
		}
		for _, change := range history {
			if !change.At.Equal(now) {
				continue
			}
			policy = change.Policy
			if now.After(created) && ended(now) {
				return now
			}
		}
	}
}

func TestR12_TheEndIsWhatAClockWatcherSees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := history(t, time.Hour)
		created := noon.Add(time.Duration(rapid.IntRange(0, 150*24).Draw(t, "created")) * time.Hour)
		own := time.Duration(rapid.IntRange(0, 100*24).Draw(t, "own")) * time.Hour
		got, want := network.ExpiresAt(created, own, h), watch(created, own, h)
		if !got.Equal(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// anyInvite is made within the months of a history, some with a life of its own.
func anyInvite(t *rapid.T) network.Invite {
	return network.Invite{
		CreatedAt: noon.Add(time.Duration(rapid.IntRange(0, 150*86400).Draw(t, "created")) * time.Second),
		Own:       time.Duration(rapid.IntRange(0, 90*86400).Draw(t, "own")) * time.Second,
	}
}

func TestR12_AnInviteIsLiveToTheLastSecondAndNoLonger(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := chainWith(history(t, time.Second))
		i := anyInvite(t)
		end := i.ExpiresAt(c)
		if got := i.State(c, end.Add(-time.Second)); got != network.InviteLive {
			t.Errorf("a second before: got %s, want live", got)
		}
		if got := i.State(c, end); got != network.InviteExpired {
			t.Errorf("at the end: got %s, want expired", got)
		}
		if life := end.Sub(i.CreatedAt); life > 90*day || i.Own > 0 && life > i.Own {
			t.Errorf("got a life of %v, want at most 90 days and its own %v", life, i.Own)
		}
	})
}

// A list of what lives need look no further back.
func TestR12_NothingLivesThatIsOlderThanThePolicysLife(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := chainWith(history(t, time.Second))
		i := anyInvite(t)
		last := c.Policies[len(c.Policies)-1].At
		now := last.Add(time.Duration(rapid.IntRange(0, 100*86400).Draw(t, "now")) * time.Second)
		if !now.Before(i.CreatedAt.Add(c.MaxLife())) && i.State(c, now) == network.InviteLive {
			t.Errorf("made at %v it lives at %v, under %v", i.CreatedAt, now, c.Policies)
		}
	})
}

func TestR12_WhatHasEndedNeverRevives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := history(t, time.Second)
		created := noon.Add(time.Duration(rapid.IntRange(0, 60*86400).Draw(t, "created")) * time.Second)
		own := time.Duration(rapid.IntRange(0, 90*86400).Draw(t, "own")) * time.Second
		before := network.ExpiresAt(created, own, h)

		now := h[len(h)-1].At
		for _, wait := range rapid.SliceOfN(rapid.IntRange(0, 60*86400), 1, 4).Draw(t, "later toggles") {
			now = now.Add(time.Duration(wait) * time.Second)
			h = append(h, network.PolicyChange{At: now, Policy: rapid.SampledFrom([]network.JoinPolicy{network.Open, network.ImportedOnly}).Draw(t, "policy")})
			after := network.ExpiresAt(created, own, h)
			if !before.After(now) && !after.Equal(before) {
				t.Fatalf("ended at %v; a change at %v makes it %v", before, now, after)
			}
			if before.After(now) && after.Before(now) {
				t.Fatalf("was to live until %v; a change at %v ends it in the past, at %v", before, now, after)
			}
			before = after
		}
	})
}

// Whatever the history, an invite is live from its making on to the last second
// before its end and never after: asked a second before, at and after each moment
// at which anything could change, it says what one who lived through it has seen.
func TestR12_BothSidesOfEveryBoundary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := history(t, time.Hour)
		i := network.Invite{
			CreatedAt: noon.Add(time.Duration(rapid.IntRange(0, 60*24).Draw(t, "created")) * time.Hour),
			Own:       time.Duration(rapid.IntRange(0, 100*24).Draw(t, "own")) * time.Hour,
		}
		c := chainWith(h)
		end := watch(i.CreatedAt, i.Own, h)
		moments := []time.Time{i.CreatedAt.Add(7 * day), i.CreatedAt.Add(90 * day), end}
		if i.Own > 0 {
			moments = append(moments, i.CreatedAt.Add(i.Own))
		}
		for _, change := range h {
			moments = append(moments, change.At)
		}
		for _, m := range moments {
			for _, at := range []time.Time{m.Add(-time.Second), m, m.Add(time.Second)} {
				if at.Before(i.CreatedAt) {
					continue
				}
				want := network.InviteExpired
				if at.Before(end) {
					want = network.InviteLive
				}
				if got := i.State(c, at); got != want {
					t.Fatalf("made %v, ends %v: at %v got %s, want %s", i.CreatedAt, end, at, got, want)
				}
			}
		}
	})
}

// Switched on at a moment when it still lives, by as little as a second, an invite
// lives on; when it has ended, by as little, it stays dead. Switched off it ends at
// once if it is seven days old, and else at seven days.
func TestR12_ASwitchStretchesOrShrinksByTheSecond(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		age := time.Duration(rapid.OneOf(rapid.IntRange(7*86400-2, 7*86400+2), rapid.IntRange(0, 89*86400)).Draw(t, "age")) * time.Second
		for _, on := range []bool{true, false} {
			h := policies()
			if !on {
				h = policies(0) // 仅导入的企业可加入 from the start
			}
			i := network.Invite{CreatedAt: noon}
			is := chainWith(h)
			policy := network.ImportedOnly
			if !on {
				policy = network.Open
			}
			would, err := is.Apply(network.ChainEdit{JoinPolicy: &policy}, noon.Add(age))
			if err != nil {
				t.Fatal(err)
			}
			want := noon.Add(7 * day)
			switch {
			case on && age < 7*day:
				want = noon.Add(90 * day)
			case !on && age > 7*day:
				want = noon.Add(age)
			}
			if got := i.ExpiresAt(would); !got.Equal(want) {
				t.Fatalf("on %v after %v: got %v, want %v", on, age, got, want)
			}
			if dies := i.State(is, noon.Add(age)) == network.InviteLive && i.State(would, noon.Add(age)) != network.InviteLive; dies != (!on && age >= 7*day) {
				t.Fatalf("on %v after %v: dies %v", on, age, dies)
			}
		}
	})
}

// A resend counts from its own moment, under the whole history (R17).
func TestR17_AResentInviteLivesAsOneMadeThen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := chainWith(history(t, time.Second))
		i := network.Invite{
			CreatedAt: noon.Add(time.Duration(rapid.IntRange(0, 60*86400).Draw(t, "created")) * time.Second),
			Own:       time.Duration(rapid.IntRange(0, 90*86400).Draw(t, "own")) * time.Second, Version: 1,
		}
		at := i.CreatedAt.Add(time.Duration(rapid.IntRange(0, 200*86400).Draw(t, "after")) * time.Second)
		again, err := i.Resend(false, at)
		if err != nil {
			t.Fatal(err)
		}
		fresh := network.Invite{CreatedAt: at, Own: i.Own}
		if !again.ExpiresAt(c).Equal(fresh.ExpiresAt(c)) || again.Version != 2 || !again.CreatedAt.Equal(i.CreatedAt) {
			t.Fatalf("got %+v until %v, want until %v", again, again.ExpiresAt(c), fresh.ExpiresAt(c))
		}
	})
}
