package network_test

import (
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
)

func TestR04_SchoolsAndTeamsTakeNoPartInChains(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		corp network.Corp
		want bool
	}{
		{network.Corp{}, true},
		{network.Corp{Industry: "批发零售", Type: network.Company}, true},
		{network.Corp{Industry: "高等教育"}, true},
		{network.Corp{Industry: network.Preschool}, false},
		{network.Corp{Industry: "学前 教育"}, false},
		{network.Corp{Industry: network.Schooling, Type: network.Company}, false},
		{network.Corp{Industry: network.EducationAgency, Verification: 3}, false},
		{network.Corp{Type: network.Team}, false},
		{network.Corp{Verification: 1}, true}, // R05
	} {
		if got := c.corp.Eligible(); got != c.want {
			t.Errorf("%+v: got %v, want %v", c.corp, got, c.want)
		}
		_, err := network.NewChain(network.NewChainID(), "dealers", c.corp, noon)
		if (err == nil) != c.want {
			t.Errorf("a chain of %+v: got %v, want it made: %v", c.corp, err, c.want)
		}
		if !c.want {
			want(t, err, network.ErrCorpNotEligible)
		}
	}
}

func TestR02_ACorpsName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Acme":                  "",
		"杭州某某科技有限公司":            "",
		"a":                     "",
		"Acme (杭州)-2_b （总）":     "",
		"Ünïcode 한국 مصر":        "",
		strings.Repeat("名", 32): "",
		strings.Repeat("名", 33): "name too_long",
		"":                      "name missing",
		" ":                     "name bad_character",
		" Acme":                 "name bad_character",
		"Acme ":                 "name bad_character",
		"Acme, Inc.":            "name bad_character",
		"A/B":                   "name bad_character",
		"A&B":                   "name bad_character",
		"A·B":                   "name bad_character",
		"<b>":                   "name bad_character",
		"=1+1":                  "name bad_character",
		"a\nb":                  "name bad_character",
		"a\u200bb":              "name bad_character", // zero width
		"a\u202eb":              "name bad_character", // right-to-left override
		"a\u00a0b":              "name bad_character",
		"a\u3000b":              "name bad_character",
		"a\x00b":                "name bad_character",
		"a\xffb":                "name bad_character",
		"😀":                     "name bad_character",
	} {
		if got := badField(network.CheckCorpName("name", name)); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestR02_ANewCorpIsAnUnverifiedCompany(t *testing.T) {
	t.Parallel()
	c, err := network.NewCorp("co1", "Acme", "批发", "", noon)
	want(t, err, nil)
	if c.Type != network.Company || c.Verification != 1 || c.Admins != 1 || c.Version < 1 || !c.CreatedAt.Equal(noon) {
		t.Errorf("got %+v, want an unverified company with one super-admin", c)
	}
	for _, bad := range []struct {
		name     string
		industry network.Industry
		kind     network.CorpType
		want     string
	}{
		{"", "", "", "name missing"},
		{"Acme", network.Industry(strings.Repeat("业", 33)), "", "industry too_long"},
		{"Acme", "", "guild", "type not_allowed"},
	} {
		_, err := network.NewCorp("co1", bad.name, bad.industry, bad.kind, noon)
		if got := badField(err); got != bad.want {
			t.Errorf("got %q, want %q", got, bad.want)
		}
	}
}

func TestAMembersNameAndRoleAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		member network.Member
		want   string
	}{
		{network.Member{Name: "O'Brien, 张三", Role: network.Staff}, ""},
		{network.Member{Name: "张三", Role: network.SuperAdmin}, ""},
		{network.Member{Name: "张三"}, "role not_allowed"},
		{network.Member{Name: "张三", Role: "root"}, "role not_allowed"},
		{network.Member{Role: network.Staff}, "name missing"},
		{network.Member{Name: strings.Repeat("张", 33), Role: network.Staff}, "name too_long"},
	} {
		if got := badField(c.member.Check()); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.member, got, c.want)
		}
	}
}

func TestR25_ACustomID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"":                      "",
		"A1":                    "",
		strings.Repeat("a", 64): "",
		strings.Repeat("a", 65): "custom_id too_long",
		"a-1":                   "custom_id bad_character",
		"甲":                     "custom_id bad_character",
		"a b":                   "custom_id bad_character",
		"１":                     "custom_id bad_character",
		"a\n":                   "custom_id bad_character",
	} {
		if got := badField(network.PartnerEdit{CustomID: &id}.Check()); got != want {
			t.Errorf("%q: got %q, want %q", id, got, want)
		}
	}
	none, long := "", strings.Repeat("名", 33)
	if got := badField(network.PartnerEdit{Alias: &none}.Check()); got != "" {
		t.Errorf("no alias: got %q, want none", got)
	}
	if got := badField(network.PartnerEdit{Alias: &long}.Check()); got != "alias too_long" {
		t.Errorf("a long alias: got %q, want alias too_long", got)
	}
}

func TestR41_ANameIsTheSameNameHoweverItIsSpaced(t *testing.T) {
	t.Parallel()
	for _, same := range []string{"Our Dealers", "our dealers", " OUR  DEALERS ", "Our\tDealers"} {
		if got := network.FoldName(same); got != "our dealers" {
			t.Errorf("%q: got %q, want our dealers", same, got)
		}
	}
	if network.FoldName("Our Dealers") == network.FoldName("OurDealers") {
		t.Error("a space makes no difference")
	}
}
