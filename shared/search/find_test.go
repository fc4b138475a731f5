package search_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
)

// named makes an entry a name; one with a phone is a person.
func named(names ...string) *search.Index {
	var all []search.Entry
	for i, n := range names {
		e := search.Entry{Partner: "p" + string(rune('a'+i)), Name: n, State: network.PartnerJoined, Edition: 1}
		if n, phone, ok := strings.Cut(n, "+"); ok {
			e.Name, e.Phone, e.Person = n, "+"+phone, "x"
		}
		all = append(all, e)
	}
	return search.New(slices.Values(all))
}

func find(t *testing.T, x *search.Index, q search.Query) (names []string) {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 50
	}
	hits, _, err := x.Find(q)
	if err != nil {
		t.Fatalf("%q: %v", q.Text, err)
	}
	for _, h := range hits {
		shown := h.Name
		if h.Field == search.FieldAlias {
			shown = h.Alias
		}
		names = append(names, shown)
	}
	return names
}

func TestANameIsFoundAsItIsTyped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		found  []string
		missed []string
	}{
		{"张三", []string{"张", "三", "张三", "張三", "zhangsan", "zhangs", "zs", "zhs", "zsan", "z", "zhan", "张s", "zhang三", "zhang san", "ZhangSan", "ｚｓ"}, []string{"zt", "zhagn", "hang", "三张", "san g"}},
		{"重庆贸易", []string{"chongqing", "zhongqing", "cqmy", "zqmy", "重庆my", "qing贸易", "maoyi"}, []string{"congqing"}},
		{"单雄信", []string{"shan", "dan", "sxx", "dxx", "shanxx"}, []string{"tan"}},
		{"深圳中山贸易有限公司", []string{"zs贸易", "zhongs", "中山mao", "sz", "yxgs"}, []string{"zs易"}},
		{"廣東發展銀行", []string{"广东", "廣東", "发展", "发展银行", "gdfzyh"}, nil},
		{"广东发展银行", []string{"廣東", "發展銀行"}, nil},
		{"Acme Trading Co.", []string{"acme", "ACME t", "trad", "co", "acmetr", "Ａcme"}, []string{"acmex"}},
		{"ＡＢＣ科技", []string{"abc", "abck", "ABC科技", "ckj"}, nil},
		{"吕布", []string{"lvbu", "lv"}, nil},
		{"𠮷野家", []string{"𠮷", "野家", "yj"}, []string{"𠮸"}},
		{"100%纯_棉", []string{"100%", "%", "_", "c_m"}, []string{"*", "1%", "c%m"}},
	} {
		x := named(c.name)
		for _, q := range c.found {
			if got := find(t, x, search.Query{Text: q}); len(got) != 1 {
				t.Errorf("%q doesn't find %q", q, c.name)
			}
		}
		for _, q := range c.missed {
			if got := find(t, x, search.Query{Text: q}); len(got) != 0 {
				t.Errorf("%q finds %q", q, c.name)
			}
		}
	}
}

func TestAQueryThatCantBeOneIsRefused(t *testing.T) {
	t.Parallel()
	x := named("张三")
	for _, q := range []string{"", " ", "' '", "\x00", "a\nb", "\xff", "\xed\xa0\x80", strings.Repeat("a", 65), strings.Repeat("张", 1<<20)} {
		if _, _, err := x.Find(search.Query{Text: q, Limit: 1}); !errors.Is(err, search.ErrQuery) {
			t.Errorf("%.20q: got %v, want ErrQuery", q, err)
		}
	}
	for _, after := range []string{"x", "!", strings.Repeat("A", 2000), "_____w"} {
		if _, _, err := x.Find(search.Query{Text: "z", Limit: 1, After: after}); !errors.Is(err, search.ErrCursor) {
			t.Errorf("after %.20q: got %v, want ErrCursor", after, err)
		}
	}
}
