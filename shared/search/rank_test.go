package search_test

import (
	"slices"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
)

func TestHitsComeInTheirOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		query string
		names []string
		want  []string
	}{
		{"trad", []string{"Contrad", "Best Trading", "Trading", "Trad"}, []string{"Trad", "Trading", "Best Trading", "Contrad"}},
		{"中山", []string{"广东中山厂", "中山贸易", "（中山）厂", "中山"}, []string{"中山", "中山贸易", "（中山）厂", "广东中山厂"}},
		{"公司", []string{"长沙公司", "重庆公司", "北京公司", "张家港公司"}, []string{"北京公司", "长沙公司", "重庆公司", "张家港公司"}},
		{"伟", []string{"单伟+8613000000001", "戴伟+8613000000002", "王伟+8613000000003"}, []string{"戴伟", "单伟", "王伟"}},
	} {
		if got := find(t, named(c.names...), search.Query{Text: c.query}); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %v, want %v", c.query, got, c.want)
		}
	}
}

func TestWhoHasJoinedComesBeforeWhoIsPending(t *testing.T) {
	t.Parallel()
	x := search.New(slices.Values([]search.Entry{
		{Partner: "a", Name: "阿里", State: network.PartnerPending}, {Partner: "b", Name: "里安里", State: network.PartnerPending},
		{Partner: "c", Name: "左里", State: network.PartnerJoined}, {Partner: "d", Name: "波里", State: network.PartnerEmpty},
	}))
	if got, want := find(t, x, search.Query{Text: "里"}), []string{"里安里", "左里", "阿里", "波里"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPhonesAreFoundByTheirEndAndOnlyIfAsked(t *testing.T) {
	t.Parallel()
	x := named("张三+8613800001234", "李四+85291231234")
	for _, c := range []struct {
		query  string
		phones bool
		want   []string
	}{
		{"1234", true, []string{"李四", "张三"}},
		{"1234", false, nil},
		{"234", true, nil},
		{"13800001234", true, []string{"张三"}},
		{"+86 138-0000-1234", true, []string{"张三"}},
		{"1380", true, nil},
		{"0000", true, nil},
	} {
		if got := find(t, x, search.Query{Text: c.query, Phones: c.phones}); !slices.Equal(got, c.want) {
			t.Errorf("%q, phones %v: got %v, want %v", c.query, c.phones, got, c.want)
		}
	}
	hits, _, err := x.Find(search.Query{Text: "3800001234", Phones: true, Limit: 1})
	if err != nil || len(hits) != 1 || hits[0].Field != search.FieldPhone || hits[0].Matched[0] != [2]int{4, 14} {
		t.Errorf("got %v %v, want the phone's last ten digits", hits, err)
	}
}

func TestCustomIDsAreFoundByTheirBeginningAndAliasesAsNames(t *testing.T) {
	t.Parallel()
	x := search.New(slices.Values([]search.Entry{{Partner: "a", Name: "中华", Alias: "华东仓", CustomID: "GYS0042"}}))
	for _, c := range []struct {
		query string
		field search.Field
		at    [2]int
	}{
		{"gys00", search.FieldCustomID, [2]int{0, 5}},
		{"hd", search.FieldAlias, [2]int{0, 2}},
		{"华", search.FieldAlias, [2]int{0, 1}},
		{"zhonghua", search.FieldName, [2]int{0, 2}},
	} {
		hits, _, err := x.Find(search.Query{Text: c.query, Limit: 1})
		if err != nil || len(hits) != 1 || hits[0].Field != c.field || hits[0].Matched[0] != c.at {
			t.Errorf("%q: got %v %v, want %s %v", c.query, hits, err, c.field, c.at)
		}
	}
	if got := find(t, x, search.Query{Text: "0042"}); got != nil {
		t.Errorf("the end of a custom id: got %v, want nothing", got)
	}
}
