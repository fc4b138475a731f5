package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/pinyin"
)

func text(s string) *string { return &s }

func TestAPartnerIsEditedUnlessTheEditIsBehind(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	north := w.group(t, "North", 1)
	a, _ := w.partner(t, 7)
	id := a.Partner.ID
	p, err := w.EditPartner(ctx, w.chain, id, network.PartnerEdit{Alias: text("Seven"), Group: &north, CustomID: text("D7")}, 1)
	must(t, err)
	same(t, "partner", w.partnerNow(t, id), p)
	same(t, "edited", []any{p.Alias, p.Group, p.CustomID, p.Edition}, []any{"Seven", north, "D7", 2})
	_, err = w.EditPartner(ctx, w.chain, id, network.PartnerEdit{Alias: text("Late")}, 1)
	wants(t, "an edit of the first edition", err, network.ErrPrecondition)
	again, err := w.EditPartner(ctx, w.chain, id, network.PartnerEdit{Alias: text("Seven")}, 0)
	must(t, err)
	same(t, "an edit that changes nothing", again.Edition, 2)

	nowhere := 99
	_, err = w.EditPartner(ctx, w.chain, id, network.PartnerEdit{Group: &nowhere}, 0)
	wants(t, "R34 to no group", err, network.ErrGroupNotFound)
	_, err = w.EditPartner(ctx, w.chain, "pa0000000000000000", network.PartnerEdit{Alias: text("x")}, 0)
	wants(t, "a partner that isn't there", err, network.ErrNotFound)
	_, err = w.EditPartner(ctx, w.chain, id, network.PartnerEdit{CustomID: text("not so")}, 0)
	same(t, "a bad id", network.KindOf(err), network.Invalid)
	wants(t, "removing an edition that is behind", w.RemovePartner(ctx, chainID, id, 1, noon), network.ErrPrecondition)
	must(t, w.RemovePartner(ctx, chainID, id, 2, noon))
	_, err = w.Partner(ctx, chainID, id)
	wants(t, "a removed partner", err, network.ErrNotFound)
}

func TestEditsAndJoinsAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	link := w.link(t, network.Invite{})
	a, _ := w.partner(t, 7)
	for i := range 8 {
		w.colleague(t, a.Corp.ID, 100+i, network.Staff)
	}
	got := atOnce(10, func(i int) error {
		switch i {
		case 0:
			_, err := w.EditPartner(ctx, w.chain, a.Partner.ID, network.PartnerEdit{Alias: text("Seven")}, 0)
			return err
		case 1:
			_, err := w.EditPartner(ctx, w.chain, a.Partner.ID, network.PartnerEdit{CustomID: text("D7")}, 0)
			return err
		}
		_, err := w.Join(ctx, link, person(98+i), Choice{Corp: a.Corp.ID}, noon)
		return err
	})
	same(t, "answers", got, map[string]int{"ok": 10})
	p := w.partnerNow(t, a.Partner.ID)
	same(t, "partner", []any{p.Alias, p.CustomID, p.Joined, p.Contacts, len(p.People)}, []any{"Seven", "D7", 9, 9, 9})
}

func TestR38_AmongJoinsARemovalHasTheLastWord(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	link := w.link(t, network.Invite{})
	a, _ := w.partner(t, 7)
	for i := range 8 {
		w.colleague(t, a.Corp.ID, 100+i, network.Staff)
	}
	got := atOnce(9, func(i int) error {
		if i == 8 {
			return w.RemovePartner(ctx, chainID, a.Partner.ID, 0, noon.Add(day))
		}
		_, err := w.Join(ctx, link, person(100+i), Choice{Corp: a.Corp.ID}, noon.Add(day))
		return err
	})
	if got["ok"]+got["invite_revoked"] != 9 {
		t.Errorf("got %v, want who came before in, who came after revoked", got)
	}
	for i := range 8 {
		_, err := w.Actor(ctx, person(100+i), "", chainID)
		wants(t, "access", err, network.ErrNotFound)
	}
	w.state(t)
}

func TestR25_ACustomIDIsOnePartnersAndMovesWithIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	a, _ := w.partner(t, 7)
	b, _ := w.partner(t, 8)
	r := row(20, "Acme")
	r.CustomID = "R1"
	w.importRows(t, 1, []network.RosterRow{r})
	give := func(id, custom string) error {
		_, err := w.EditPartner(ctx, w.chain, id, network.PartnerEdit{CustomID: &custom}, 0)
		return err
	}
	must(t, give(a.Partner.ID, "D1"))
	wants(t, "another's", give(b.Partner.ID, "D1"), network.ErrConflict)
	wants(t, "a roster partner's", give(b.Partner.ID, "R1"), network.ErrConflict)
	must(t, give(a.Partner.ID, "D2"))
	must(t, give(b.Partner.ID, "D1")) // let go of
	must(t, give(b.Partner.ID, ""))
	must(t, give(b.Partner.ID, "D1"))
	got := atOnce(2, func(i int) error { return give([]string{a.Partner.ID, b.Partner.ID}[i], "D3") })
	same(t, "two at once", got, map[string]int{"ok": 1, "conflict": 1})

	must(t, give(a.Partner.ID, "D9"))
	_, err := w.Partner(ctx, chainID, network.CustomPartnerID(chainID, "D9"))
	wants(t, "the signpost as a partner", err, network.ErrNotFound)
	// A roster's partner that was given another id isn't found by its old one.
	must(t, give(noticeOf(r).Partner, "R2"))
	_, sum := w.importRows(t, 2, []network.RosterRow{r})
	same(t, "failed rows", sum.Failed, 1)
}

func TestR25_WhatARemovedPartnerHadIsFree(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	own := row(22, "Gamma")
	own.CustomID = "D200"
	all := []network.RosterRow{row(20, "Acme"), row(21, "Beta"), own}
	w.importRows(t, 1, all)
	acme, beta, gamma := noticeOf(all[0]).Partner, noticeOf(all[1]).Partner, noticeOf(own).Partner
	give := func(id, custom string) error {
		_, err := w.EditPartner(ctx, w.chain, id, network.PartnerEdit{CustomID: &custom}, 0)
		return err
	}
	must(t, give(acme, "D100"))
	must(t, w.RemovePartner(ctx, chainID, acme, 0, noon))
	must(t, give(beta, "D100")) // of one that had been given it
	must(t, give(beta, ""))
	again := row(20, "Acme")
	again.CustomID = "D100"
	_, sum := w.importRows(t, 2, []network.RosterRow{again})
	same(t, "a roster by it", []int{sum.Created, sum.Failed}, []int{1, 0})

	must(t, w.RemovePartner(ctx, chainID, gamma, 0, noon))
	must(t, give(beta, "D200")) // of one whose key it makes
	wants(t, "to another at once", give(noticeOf(again).Partner, "D200"), network.ErrConflict)
	_, sum = w.importRows(t, 3, []network.RosterRow{own})
	same(t, "a roster by it", []int{sum.Created, sum.Failed}, []int{1, 0})
	same(t, "is about who has it", w.partnerNow(t, beta).Contacts, 2)
	_, err := w.Partner(ctx, chainID, gamma)
	wants(t, "the removed one", err, network.ErrNotFound)
	must(t, w.RemovePartner(ctx, chainID, beta, 0, noon))
	_, sum = w.importRows(t, 4, []network.RosterRow{own})
	same(t, "and then brings the old one back", []any{sum.Created, w.partnerNow(t, gamma).Epoch}, []any{1, 1})
}

// crowd writes partners as they would be, without the joins that make them so.
func (w *world) crowd(t *testing.T, n int, of func(i int) network.Partner) []network.Partner {
	t.Helper()
	all := make([]network.Partner, n)
	items := make([]inserted, n)
	for i := range n {
		all[i] = of(i)
		all[i].Chain, all[i].Edition = chainID, 1
		item := newPartnerItem(all[i], 0)
		items[i] = &item
	}
	var wg sync.WaitGroup
	for part := range slices.Chunk(items, max(1, (n+3)/4)) {
		wg.Go(func() {
			if _, err := w.insert(t.Context(), part); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.tb.Reset()
	return all
}

func TestPagesShowEveryPartnerOnceWhateverTheirSize(t *testing.T) {
	t.Parallel()
	w := setup(t)
	states := []network.PartnerState{network.PartnerPending, network.PartnerJoined, network.PartnerEmpty, network.PartnerRemoved}
	all := w.crowd(t, 70, func(i int) network.Partner {
		return network.Partner{ID: network.RosterPartnerID(chainID, "", fmt.Sprint(i)), Name: []string{"甲", "Zeta", "a#b", "乙 丙", "a"}[i%5] + strings.Repeat("x", i%7), Group: 1 + i%3, State: states[i*7/10%4]}
	})
	rapid.Check(t, func(r *rapid.T) {
		q := PartnerQuery{
			Limit: rapid.IntRange(1, 200).Draw(r, "limit"),
			Group: rapid.IntRange(0, 4).Draw(r, "group"),
			State: rapid.SampledFrom([]network.PartnerState{"", network.PartnerPending, network.PartnerJoined, network.PartnerEmpty}).Draw(r, "state"),
		}
		var want, got []string
		for _, p := range all {
			if p.State != network.PartnerRemoved && (q.Group == 0 || p.Group == q.Group) && (q.State == "" || p.State == q.State) {
				want = append(want, p.ID)
			}
		}
		last := ""
		for pages := 0; ; pages++ {
			page, next, err := w.Partners(t.Context(), chainID, q)
			if err != nil || len(page) > q.Limit || pages > 3000 {
				r.Fatalf("got %d on page %d, %v", len(page), pages, err)
			}
			for _, p := range page {
				got = append(got, p.ID)
				if at := partnerList(chainID, p).SK; at <= last {
					r.Fatalf("got %q behind %q, want them in order", at, last)
				} else {
					last = at
				}
			}
			if q.Cursor = next; next == "" {
				break
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			r.Fatalf("got %d partners, want %d, each once", len(got), len(want))
		}
	})
}

func TestAListIsInTheOrderOfAPhoneBookWhileItChanges(t *testing.T) {
	t.Parallel()
	w := setup(t)
	n, tries := 0, 0 // n partners have been made
	// Each try is a group of its own, for the table is one.
	rapid.Check(t, func(r *rapid.T) {
		tries++
		group := w.group(t, fmt.Sprint("G", tries), 1)
		name := rapid.StringOfN(rapid.SampledFrom([]rune("重庆长沙单曾西安先Aab12#-\u00e9 Жの\U0010ffff")), 1, network.MaxName, -1)
		some := func(r *rapid.T, what string, count int) []network.Partner {
			return w.crowd(t, count, func(int) network.Partner {
				n++
				return network.Partner{ID: network.RosterPartnerID(chainID, "", fmt.Sprint(n)), Name: name.Draw(r, what), Group: group, State: network.PartnerPending}
			})
		}
		stay, leave := some(r, "stays", rapid.IntRange(0, 40).Draw(r, "staying")), some(r, "goes", rapid.IntRange(0, 5).Draw(r, "going"))
		want := slices.Clone(stay)
		slices.SortFunc(want, func(a, b network.Partner) int {
			return cmp.Or(strings.Compare(pinyin.Key(a.Name), pinyin.Key(b.Name)), strings.Compare(a.Name+"#"+a.ID, b.Name+"#"+b.ID))
		})
		var got []string
		seen := map[string]bool{}
		last := ""
		q := PartnerQuery{Group: group, Limit: rapid.IntRange(1, 15).Draw(r, "limit")}
		for {
			page, next, err := w.Partners(t.Context(), chainID, q)
			if err != nil {
				r.Fatal(err)
			}
			for _, p := range page {
				if k := pinyin.Key(p.Name); k < last {
					r.Fatalf("got %q behind %q, want the order of a phone book", k, last)
				} else {
					last = k
				}
				if seen[p.ID] {
					r.Fatalf("got %q twice", p.Name)
				}
				seen[p.ID] = true
				if slices.ContainsFunc(stay, func(s network.Partner) bool { return s.ID == p.ID }) {
					got = append(got, p.ID)
				}
			}
			if q.Cursor = next; next == "" {
				break
			}
			switch {
			case len(leave) > 0 && rapid.Bool().Draw(r, "goes"):
				must(t, w.RemovePartner(t.Context(), chainID, leave[0].ID, 0, noon))
				leave = leave[1:]
			case rapid.Bool().Draw(r, "comes"):
				some(r, "comes", 1)
			}
		}
		// A name is sorted by as much of it as there is room for.
		for i := range want {
			if want[i].ID != got[i] && len(pinyin.Key(want[i].Name)+want[i].Name) < phoneBookBytes {
				r.Fatalf("got another order than %v", want)
			}
		}
		if len(got) != len(want) {
			r.Fatalf("got %d of those who were there all along, want %d", len(got), len(want))
		}
	})
}

func TestAPartnerWhoseNameChangesIsFiledAnew(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r := row(20, "重庆贸易")
	r.CustomID = "D1"
	w.importRows(t, 1, []network.RosterRow{r, row(21, "大连贸易"), row(22, "安庆贸易")})
	names := func() (all []string) {
		page, _, err := w.Partners(t.Context(), chainID, PartnerQuery{Limit: 50})
		must(t, err)
		for _, p := range page {
			all = append(all, p.Name)
		}
		return all
	}
	same(t, "chong is before da", names(), []string{"安庆贸易", "重庆贸易", "大连贸易"})
	r.Corp = "重型机械"
	w.importRows(t, 2, []network.RosterRow{r})
	same(t, "zhong is behind", names(), []string{"安庆贸易", "大连贸易", "重型机械"})
}

func TestACursorOfSomewhereElseReachesNothingElse(t *testing.T) {
	t.Parallel()
	w := setup(t)
	all := w.crowd(t, 40, func(i int) network.Partner {
		return network.Partner{ID: network.RosterPartnerID(chainID, "", fmt.Sprint(i)), Name: fmt.Sprint("P", i), Group: 1 + i%2, State: []network.PartnerState{network.PartnerPending, network.PartnerJoined}[i%2]}
	})
	rapid.Check(t, func(r *rapid.T) {
		q := PartnerQuery{Limit: rapid.IntRange(1, 50).Draw(r, "limit"), Group: rapid.IntRange(0, 3).Draw(r, "group")}
		q.Cursor = rapid.OneOf(
			rapid.Custom(func(r *rapid.T) string { return encodeCursor(rapid.StringN(1, 60, 400).Draw(r, "text")) }),
			rapid.Custom(func(r *rapid.T) string {
				return encodeCursor(string(rapid.SliceOfN(rapid.Byte(), 1, 60).Draw(r, "bytes")))
			}),
			rapid.Custom(func(r *rapid.T) string {
				sk := partnerList(chainID, rapid.SampledFrom(all).Draw(r, "partner")).SK
				return encodeCursor(sk[:rapid.IntRange(1, len(sk)).Draw(r, "cut")])
			}),
			rapid.String(),
		).Draw(r, "cursor")
		page, _, err := w.Partners(t.Context(), chainID, q)
		if err != nil && network.KindOf(err) != network.Invalid {
			r.Fatalf("got %v, want a page or invalid", err)
		}
		for _, p := range page {
			if q.Group != 0 && p.Group != q.Group {
				r.Fatalf("got %+v, want group %d alone", p, q.Group)
			}
		}
		_, _, err = w.Members(t.Context(), w.owner.ID, q.Cursor, q.Limit)
		if err != nil && network.KindOf(err) != network.Invalid {
			r.Fatalf("members: got %v, want a page or invalid", err)
		}
		_, _, err = w.Invites(t.Context(), w.chain, Sought{}, q.Cursor, q.Limit, noon)
		if err != nil && network.KindOf(err) != network.Invalid {
			r.Fatalf("invites: got %v, want a page or invalid", err)
		}
		_, _, err = w.Rows(t.Context(), network.Import{Chain: chainID, ID: importID(1)}, "", q.Cursor, q.Limit)
		if err != nil && network.KindOf(err) != network.Invalid {
			r.Fatalf("rows: got %v, want a page or invalid", err)
		}
	})
}

func TestR32_ContactsArePagedWithHowFarTheyHaveCome(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	var all []network.RosterRow
	for i := range 5 {
		all = append(all, row(20+i, "Acme"))
	}
	imp, _ := w.importRows(t, 1, all)
	id := noticeOf(all[0]).Partner
	states := func() string {
		t.Helper()
		got := map[string]string{}
		p := w.partnerNow(t, id)
		for cursor := ""; ; {
			page, said, next, err := w.Contacts(ctx, w.chainNow(t), p, noon.Add(day), cursor, 2)
			must(t, err)
			for i, k := range page {
				got[k.Name] = string(said[i])
			}
			if cursor = next; next == "" {
				break
			}
		}
		var out []string
		for _, name := range slices.Sorted(maps.Keys(got)) {
			out = append(out, got[name])
		}
		return strings.Join(out, " ")
	}
	same(t, "named", states(), "imported imported imported imported imported")
	k, _, err := w.Recipients(ctx, chainID, imp.ID, 0)
	must(t, err)
	for _, r := range k {
		if r.Name == "张24" {
			w.undeliverable(t, r.Contact)
			w.undeliverable(t, r.Contact) // twice is once
		}
	}
	must(t, w.TallyNotices(ctx, chainID, imp.ID, 0, network.Tally{Notified: 5, Undeliverable: 1}, noon))
	a := w.join(t, noticeOf(all[0]), person(20), anew("Acme"))
	w.join(t, noticeOf(all[1]), person(21), anew("Acme"))
	must(t, w.Leave(ctx, chainID, a.Partner.ID, person(21).ID, noon))
	same(t, "told", states(), "joined left notified notified undeliverable")
	_, said, _, err := w.Contacts(ctx, w.chain, w.partnerNow(t, id), noon.Add(8*day), "", 50)
	must(t, err)
	same(t, "a week later", slices.Contains(said, network.ContactNotified) || !slices.Contains(said, network.ContactExpired), false)
	_, _, _, err = w.Contacts(ctx, w.chain, w.partnerNow(t, id), noon, "$", 50)
	same(t, "a cursor of nobody's", network.KindOf(err), network.Invalid)
}

func TestAnItemOfAThousandPeopleFitsAndIsListedAsSmallAsAnother(t *testing.T) {
	t.Parallel()
	w := setup(t)
	people := map[string]string{}
	for i := range network.MaxPeople {
		people[person(i).ID] = fingerprint(row(i, "x"))
	}
	p := network.Partner{ID: network.RosterPartnerID(chainID, "", "Big"), Chain: chainID, Name: "Big", Group: 1, State: network.PartnerPending, People: people, Contacts: len(people), Edition: 1}
	item := newPartnerItem(p, 0)
	_, err := w.insert(t.Context(), []inserted{&item})
	must(t, err)
	w.tb.Reset()
	page, _, err := w.Partners(t.Context(), chainID, PartnerQuery{Limit: 50})
	must(t, err)
	if m := w.tb.Meter(); len(page) != 1 || m.ReadUnits > 6 {
		t.Errorf("got %d partners for %+v, want one for no more than any other", len(page), m)
	}
}
