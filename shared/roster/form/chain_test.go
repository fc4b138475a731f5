package form_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/tributary-app/tributary/shared/roster/form"
)

func chainTemplate(t *testing.T, lang string, paths []string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := form.ChainTemplate(&b, lang, paths); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAChainsTemplateOffersItsGroups(t *testing.T) {
	t.Parallel()
	paths := []string{"华东区", "华东区/浙江省", `<"A&B">/=1+1`, "_x0041_"}
	for lang, sheets := range map[string][]string{"zh-CN": {"上下游名单", "填写说明", "示例", "分组"}, "en": {"Roster", "Notes", "Example", "Groups"}} {
		f, err := excelize.OpenReader(bytes.NewReader(chainTemplate(t, lang, paths)))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := f.GetSheetList(); !slices.Equal(got, sheets) {
			t.Errorf("got sheets %q, want %q", got, sheets)
		}
		if shown, err := f.GetSheetVisible(sheets[3]); err != nil || shown {
			t.Errorf("got the list's sheet shown (%v), want it hidden", err)
		}
		lists, err := f.GetDataValidations(sheets[0])
		if err != nil || len(lists) != 2 {
			t.Fatalf("got %d drop-downs (%v), want two", len(lists), err)
		}
		if l := lists[1]; l.Sqref != "E2:E1048576" || l.Formula1 != sheets[3]+"!$A$1:$A$4" || l.ShowErrorMessage {
			t.Errorf("got %+v, want the four groups, and others to be typed", l)
		}
		rows, err := f.GetRows(sheets[3])
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range paths {
			if len(rows) != 4 || rows[i][0] != want {
				t.Errorf("row %d: got %q, want %q", i+1, rows, want)
			}
		}
		for _, column := range []string{"D", "F", "G"} {
			style, err := f.GetColStyle(sheets[0], column)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := f.GetStyle(style); err != nil || s.NumFmt != 49 {
				t.Errorf("column %s: got %+v (%v), want text", column, s, err)
			}
		}
	}
}

func TestAChainWithoutGroupsGetsTheTemplateAndOneWithManySome(t *testing.T) {
	t.Parallel()
	var plain bytes.Buffer
	if err := form.Template(&plain, "en"); err != nil {
		t.Fatal(err)
	}
	if got := chainTemplate(t, "en", nil); !bytes.Equal(got, plain.Bytes()) {
		t.Errorf("got another than the template")
	}
	var many []string
	for n := range form.MaxGroups + 1 {
		many = append(many, fmt.Sprint(n))
	}
	f, err := excelize.OpenReader(bytes.NewReader(chainTemplate(t, "en", many)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows, err := f.GetRows("Groups"); err != nil || len(rows) != form.MaxGroups {
		t.Errorf("got %d groups (%v), want %d", len(rows), err, form.MaxGroups)
	}
}
