package search_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
)

// spoken is what each character of the oracle's texts can be typed as, besides itself; written by hand, not from the table.
var spoken = map[rune][]string{
	'张': {"zhang"}, '章': {"zhang"}, '三': {"san"}, '山': {"shan"}, '单': {"dan", "shan", "chan"}, '重': {"zhong", "chong", "tong"}, '庆': {"qing"},
	'長': {"chang", "zhang"}, '长': {"chang", "zhang"}, '银': {"yin"},
}

// plain is a rune as it is compared.
func plain(r rune) rune {
	switch r {
	case '長':
		return '长'
	case 'ａ', 'A':
		return 'a'
	}
	return r
}

// takes says by trying everything whether a text begins with a query, and whether all of it can be used up.
func takes(text, query []rune) (begins, whole bool) {
	for len(text) > 0 && text[0] == ' ' && len(query) > 0 {
		text = text[1:]
	}
	if len(query) == 0 {
		return true, len(text) == 0
	}
	if len(text) == 0 {
		return false, false
	}
	try := func(n int) {
		b, w := takes(text[1:], query[n:])
		begins, whole = begins || b, whole || w
	}
	if plain(text[0]) == query[0] {
		try(1)
	}
	q := string(query)
	for _, s := range spoken[text[0]] {
		if strings.HasPrefix(s, q) { // the end of the query may be a part of a reading
			try(len(query))
		}
		for _, piece := range []string{s, s[:1], s[:2]} {
			if strings.HasPrefix(q, piece) && (len(piece) != 2 || piece[1] == 'h') {
				try(len(piece))
			}
		}
	}
	return begins, whole
}

// naive reports whether a text has a query anywhere, at its beginning, and as all of it.
func naive(text, query string) (has, begins, whole bool) {
	runes := []rune(text)
	var q []rune
	for _, r := range query {
		if r != ' ' {
			q = append(q, plain(r))
		}
	}
	for i := range runes {
		if runes[i] == ' ' {
			continue // a query has none
		}
		b, w := takes(runes[i:], q)
		has = has || b
		if i == 0 {
			begins, whole = b, w
		}
	}
	return has, begins, whole
}

func TestFindFindsWhatANaiveSearchFindsInItsOrder(t *testing.T) {
	t.Parallel()
	name := rapid.StringOfN(rapid.SampledFrom([]rune("张章三山单重庆長长银zshancA ")), 1, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		var all []search.Entry
		for i, n := range rapid.SliceOfN(name, 1, 30).Draw(t, "names") {
			e := search.Entry{Partner: string(rune('a' + i)), Name: n, State: network.PartnerJoined, Edition: 1}
			if rapid.Bool().Draw(t, "pending") {
				e.State = network.PartnerPending
			}
			all = append(all, e)
		}
		x := search.New(slices.Values(all))
		text := rapid.StringOfN(rapid.SampledFrom([]rune("张三单长zhsancqdotg ")), 1, 6, -1).Draw(t, "query")
		if strings.TrimSpace(text) == "" {
			return
		}
		hidden := rapid.SampledFrom(all).Draw(t, "hidden").Partner
		want := map[string]int{} // by partner: 0 if it begins with the query, else 1
		for _, e := range all {
			if has, begins, _ := naive(e.Name, text); has && e.Partner != hidden {
				want[e.Partner] = 1
				if begins {
					want[e.Partner] = 0
				}
			}
		}

		q := search.Query{Text: text, Limit: rapid.IntRange(1, 5).Draw(t, "limit"), Sees: func(e *search.Entry) bool { return e.Partner != hidden }}
		var got []search.Hit
		for {
			hits, next, err := x.Find(q)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, hits...)
			if q.After = next; next == "" {
				break
			}
		}
		seen := map[string]bool{}
		rank := 0
		for _, h := range got {
			begins, ok := want[h.Partner]
			if !ok || seen[h.Partner] {
				t.Fatalf("%q finds %q, which it shouldn't, or twice", text, h.Name)
			}
			seen[h.Partner] = true
			r := begins * 2
			if r < rank/2*2 {
				t.Fatalf("%q: %q begins with it and comes late", text, h.Name)
			}
			rank = r
			m := h.Matched[0]
			if m[0] < 0 || m[1] <= m[0] || m[1] > utf8.RuneCountInString(h.Name) {
				t.Fatalf("%q in %q: matched %v", text, h.Name, m)
			}
			if has, begins, _ := naive(string([]rune(h.Name)[m[0]:m[1]]), text); !has || !begins {
				t.Fatalf("%q in %q: %v isn't what matches", text, h.Name, m)
			}
		}
		if len(seen) != len(want) {
			t.Fatalf("%q finds %d of %d: %v", text, len(seen), len(want), all)
		}
	})
}

func TestAPageNeitherRepeatsNorLosesWhoStays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := chain(100)
		x := search.New(slices.Values(all))
		q := search.Query{Text: rapid.SampledFrom([]string{"z", "有限", "yxgs", "张", "sz"}).Draw(t, "query"), Limit: rapid.IntRange(1, 20).Draw(t, "limit")}
		first := map[search.Key]bool{}
		collect := func(into map[search.Key]bool, change func()) {
			q := q
			for {
				hits, next, err := x.Find(q)
				if err != nil {
					t.Fatal(err)
				}
				for _, h := range hits {
					if into[h.Key()] {
						t.Fatalf("%v comes twice", h)
					}
					into[h.Key()] = true
				}
				if q.After = next; next == "" {
					return
				}
				change()
			}
		}
		collect(first, func() {})
		gone := map[search.Key]bool{}
		second := map[search.Key]bool{}
		collect(second, func() {
			e := rapid.SampledFrom(all).Draw(t, "removed")
			gone[e.Key()] = true
			x.Apply([]search.Entry{{Partner: "new", Person: e.Person, Name: "深圳张有限公司", Edition: 1}}, []search.Removal{{Key: e.Key(), Edition: 9}})
		})
		for k := range first {
			if !second[k] && !gone[k] {
				t.Fatalf("%v stayed and was lost", k)
			}
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, q := range []string{"zs贸易", "張三", "138", "8888", strings.Repeat("zh", 32), strings.Repeat("*", 10_000), "\xed\xa0\x80", "a\x00b", "'·’"} {
		f.Add(q, "")
	}
	x := search.New(slices.Values(chain(50)))
	f.Fuzz(func(t *testing.T, text, after string) {
		hits, _, err := x.Find(search.Query{Text: text, After: after, Phones: true, Limit: 5})
		if err != nil && len(hits) > 0 {
			t.Fatal("an error and hits")
		}
		for _, h := range hits {
			shown := map[search.Field]string{search.FieldName: h.Name, search.FieldAlias: h.Alias, search.FieldCustomID: h.CustomID, search.FieldPhone: h.Phone}[h.Field]
			for _, m := range h.Matched {
				if m[0] < 0 || m[0] >= m[1] || m[1] > utf8.RuneCountInString(shown) {
					t.Fatalf("%q: %v is not in %q", text, m, shown)
				}
			}
		}
	})
}
