package roster_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster/form"
)

// All workbooks of testdata/writers hold the roster of grid.json, where it
// stands beside each row what must come of it.
func TestEachWritersRosterSaysTheSame(t *testing.T) {
	t.Parallel()
	var grid []struct {
		Row  int
		Want map[string]any
	}
	if err := json.Unmarshal(file(t, "testdata/writers/grid.json"), &grid); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("testdata/writers/*.xlsx")
	if err != nil || len(names) < 15 {
		t.Fatalf("got %v, %v, want the workbooks", names, err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, g := range grid {
				if g.Want == nil {
					continue
				}
				w := g.Want
				switch {
				case strings.Contains(name, "openpyxl") && g.Row == 23: // it can't say what a formula comes to
					w = map[string]any{"code": form.FormulaWithoutValue, "field": "phone"}
				case strings.Contains(name, "constant-memory") && g.Row >= 7 && g.Row <= 9: // it can't merge
					w = maps.Clone(w)
					w["group"] = ""
				case strings.Contains(name, "constant-memory") && (g.Row == 21 || g.Row == 22):
					w = map[string]any{"code": form.CorpNameMissing, "field": "corp_name"}
				}
				if w["code"] != nil {
					want = append(want, fmt.Sprint(g.Row, w["code"], w["field"]))
				} else {
					want = append(want, fmt.Sprint(g.Row, w["phone"], w["corp"], w["contact"], w["leader"], w["group"], w["custom_id"], w["member_custom_id"]))
				}
			}
			var got []string
			s := mustRead(t, file(t, name))
			for _, r := range s.rows {
				got = append(got, said(r))
			}
			if s.HeaderRow != 3 || strings.Join(s.Unknown, "|") != "备注|合作日期|是否签约" {
				t.Errorf("got a header in row %d with the unknown %q", s.HeaderRow, s.Unknown)
			}
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || got[i] != want[i] {
					t.Fatalf("row %d of %d: got\n%s\nwant\n%s", i, len(got), got[i:], want[i:])
				}
			}
		})
	}
}

func said(r network.RosterRow) string {
	if r.Code != "" {
		return fmt.Sprint(r.Number, r.Code, r.Field)
	}
	return fmt.Sprint(r.Number, r.Phone, r.Corp, r.Contact, r.Leader, strings.Join(r.Group, "/"), r.CustomID, r.MemberCustomID)
}
