package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster/form"
	"github.com/tributary-app/tributary/shared/store"
)

func TestADealersRosterBecomesPartnersContactsAndGroups(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(t, importID, nil)
	e := event(t, "uploaded.json")
	demo := file(t, "../../infra/local/demo/dealers-2000.xlsx")
	w.bucket.objects["rosters/"+chainID+"/"+importID+"/经销商 2026(2)+门店.xlsx"] = stored{e.Records[0].S3.Object.ETag, demo}
	if err := w.uploaded(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	imp := w.is(t, importID)
	want := network.Counts{Rows: 2000, OK: 2000, Created: 2000, Notices: 2000, Partners: 1600}
	if imp.State != network.ImportDone || imp.Counts != want || !imp.StartedAt.Equal(noon) || !imp.EndedAt.Equal(noon) {
		t.Errorf("got %+v, want done with %+v", imp, want)
	}
	people, partners, groups := 0, 0, 0
	for k, item := range w.tb.Items(t) {
		switch {
		case strings.HasPrefix(k, "PERSON#") && item["Import"] == importID:
			people++
		case strings.Contains(k, "|PARTNER#"):
			partners++
			if c := item["Card"].(map[string]any); c["State"] != "pending" || c["Imported"] != true || c["Contacts"] != float64(len(item["People"].(map[string]any))) {
				t.Errorf("got %v, want a pending partner that knows its people", item)
			}
		case strings.Contains(k, "|GROUP#"):
			groups++
		}
	}
	if people != 2000 || partners != 1600 {
		t.Errorf("got %d contacts of %d partners, want 2000 of 1600", people, partners)
	}
	p := w.partner(t, "D3000001", "")
	tree, err := w.store.Tree(t.Context(), chainID)
	if err != nil {
		t.Fatal(err)
	}
	id, levels := tree.Find([]string{"华南区", "广西", "柳州市"})
	if levels != 3 || p.Group != id || len(tree) != groups || p.Name != "柳州金桥五金有限公司" {
		t.Errorf("got %+v in group %d of %d groups, want it in 华南区/广西/柳州市", p, p.Group, groups)
	}
	due, err := w.store.Due(t.Context(), noon.AddDate(0, 0, 7), 10, new(store.DuePage))
	if err != nil || len(due) != 1 || due[0].ID != importID {
		t.Errorf("got %v %v due in seven days, want the import", due, err)
	}
}

func TestR31_EachRowOfAMessyRosterIsAccountedFor(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := w.takeIn(t, importID, file(t, "../../shared/roster/testdata/messy.xlsx"), nil)
	want, err := csv.NewReader(bytes.NewReader(file(t, "../../shared/roster/testdata/messy-expected.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := w.outcomes(t, importID)
	if len(got) != len(want)-1 || imp.Counts.Rows != len(got) || imp.Counts.OK+imp.Counts.Failed != imp.Counts.Rows {
		t.Errorf("got %d rows and %+v, want %d", len(got), imp.Counts, len(want)-1)
	}
	for _, line := range want[1:] {
		n, err := strconv.Atoi(line[0])
		if err != nil {
			t.Fatal(err)
		}
		p := got[n]
		if failed := p.Outcome == network.RowFailed; failed != (line[1] == "failed") || p.Code != line[2] || failed != (p.Field != "") {
			t.Errorf("row %d: got %+v, want %v", n, p, line)
		}
		if line[3] != "" && p.Person != key.Person(line[3]) {
			t.Errorf("row %d: got %s, want the person of %s", n, p.Person, line[3])
		}
	}
	c := imp.Counts
	if c.Created+c.Updated+c.Unchanged+c.WouldMove != c.OK {
		t.Errorf("got %+v, want each row once", c)
	}
}

func TestAFileThatCannotBeTakenFailsWithItsCodeAndChangesNothing(t *testing.T) {
	t.Parallel()
	demo := file(t, "../../infra/local/demo/dealers-2000.xlsx")
	for code, body := range map[string][]byte{
		"empty_file":       {},
		"not_a_workbook":   []byte("%PDF-1.7\n%âãÏÓ\n1 0 obj"),
		"truncated":        demo[:len(demo)/2],
		"no_header":        []byte("甲公司,张三,13900000001\n"),
		"unknown_columns":  []byte("企业名称,联系人姓名\n甲公司,张三\n"),
		"encoding_unknown": append([]byte("企业名称,联系人姓名,手机号\n甲公司,张三"), 0xff, 0xff, 0xfe, 0x80, ',', '1', '\n'),
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.ask(t, importID, nil)
			before := w.tb.Items(t)
			e := w.put(importID, body)
			for range 2 {
				if err := w.uploaded(t.Context(), e); err != nil {
					t.Fatalf("got %v, want it to be no fault of ours", err)
				}
			}
			imp := w.is(t, importID)
			if imp.State != network.ImportFailed || imp.FileCode != code || imp.Counts != (network.Counts{}) || imp.EndedAt.IsZero() {
				t.Errorf("got %+v, want failed for %s", imp, code)
			}
			after := w.tb.Items(t)
			k := "CHAIN#" + chainID + "#IMPORTS|" + importID
			delete(before, k)
			delete(after, k)
			if d := differ(after, before); d != "" {
				t.Errorf("it changed something: %s", d)
			}
		})
	}
}

var threeRows = sheet(
	"甲公司,张一,负责人,13900000001,华东区/苏州,A1,11",
	"甲公司,张二,,13900000002,,A1,12",
	"乙公司,张三,,13900000003,华南区,,",
)

func TestR28_ADryRunWritesItsPlanAndNothingElse(t *testing.T) {
	t.Parallel()
	w := setupOn(t, dynamotest.NewStreaming(t))
	w.ask(t, importID, func(i *network.Import) { i.DryRun = true })
	before := w.tb.Items(t)
	e := w.put(importID, threeRows)
	for range 2 {
		if err := w.uploaded(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	dry := w.is(t, importID)
	want := network.Counts{Rows: 3, OK: 3, Created: 3, Notices: 3, Partners: 2}
	if dry.State != network.ImportPlanned || dry.Counts != want {
		t.Errorf("got %+v, want planned with %+v", dry, want)
	}
	after := w.tb.Items(t)
	for k := range after {
		if strings.Contains(k, "#IMPORTS|") || strings.Contains(k, "#ROWS#") {
			delete(after, k)
			delete(before, k)
		}
	}
	if d := differ(after, before); d != "" {
		t.Errorf("it changed something: %s", d)
	}
	if said := w.tb.Outboxes(t); len(said) != 0 {
		t.Errorf("got %v, want nobody to be told", said)
	}
	if real := w.takeIn(t, secondID, threeRows, nil); real.Counts != dry.Counts {
		t.Errorf("the plan counted %+v, the outcome %+v", dry.Counts, real.Counts)
	}
}

func TestR26_AtomicityByCorpRefusesAPartnersRowsTogether(t *testing.T) {
	t.Parallel()
	rows := sheet(
		"甲公司,张一,,13900000001,,A1,",
		"甲公司,张二,,12,,A1,",
		"乙公司,张三,,13900000003,,,",
		",张四,,13900000004,,,",
		"甲公司,张五,,13900000005,,A1,",
	)
	for whole, want := range map[bool]string{
		false: "2 created  ,3 failed phone_invalid 12,4 created  ,5 failed corp_name_missing ,6 created  ",
		true:  "2 failed phone_invalid row 3,3 failed phone_invalid 12,4 created  ,5 failed corp_name_missing ,6 failed phone_invalid row 3",
	} {
		t.Run(fmt.Sprint(whole), func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			imp := w.takeIn(t, importID, rows, func(i *network.Import) { i.Whole = whole })
			var got []string
			all := w.outcomes(t, importID)
			for n := 2; n <= 6; n++ {
				got = append(got, fmt.Sprintf("%d %s %s %s", n, all[n].Outcome, all[n].Code, all[n].Detail))
			}
			if s := strings.Join(got, ","); s != want || imp.Counts.OK+imp.Counts.Failed != 5 {
				t.Errorf("got  %s\nwant %s\n%+v", s, want, imp.Counts)
			}
		})
	}
}

func TestR27_TheSameFileAgainChangesNothingAndTellsNobody(t *testing.T) {
	t.Parallel()
	w := setupOn(t, dynamotest.NewStreaming(t))
	rows := sheet(append(strings.Split(strings.TrimSpace(string(threeRows)), "\n")[1:], "甲公司,张二,,13900000002,华北区,A1,12")...)
	first := w.takeIn(t, importID, rows, nil)
	before := w.tb.Items(t)
	said := len(w.tb.Outboxes(t))
	w.tb.Reset()
	again := w.takeIn(t, secondID, rows, nil)
	if first.Counts.Created != 3 || again.Counts.OK != 4 || again.Counts.Created+again.Counts.Updated+again.Counts.Notices != 0 {
		t.Errorf("got %+v, then %+v", first.Counts, again.Counts)
	}
	after := w.tb.Items(t)
	for k := range after {
		if strings.HasSuffix(k, secondID) || strings.Contains(k, secondID+"|") {
			delete(after, k)
		}
	}
	if d := differ(after, before); d != "" || len(w.tb.Outboxes(t)) != said {
		t.Errorf("it changed something: %s", d)
	}
}

func TestR27_AGroupGivenAgainMovesOnlyWhoIsToBeMoved(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takeIn(t, importID, threeRows, nil)
	was := w.partner(t, "A1", "").Group
	moved := bytes.ReplaceAll(threeRows, []byte("华东区/苏州"), []byte("华东区/杭州"))
	imp := w.takeIn(t, secondID, moved, nil)
	if got := w.partner(t, "A1", "").Group; got != was || imp.Counts.WouldMove != 1 || imp.Counts.Updated != 0 {
		t.Errorf("got group %d and %+v, want %d and one that would move", got, imp.Counts, was)
	}
	imp = w.takeIn(t, "im0000000000000003", moved, func(i *network.Import) { i.ApplyMoves = true })
	tree, err := w.store.Tree(t.Context(), chainID)
	if err != nil {
		t.Fatal(err)
	}
	to, _ := tree.Find([]string{"华东区", "杭州"})
	if got := w.partner(t, "A1", ""); got.Group != to || got.Contacts != 2 || imp.Counts.Updated != 1 || imp.Counts.Notices != 0 {
		t.Errorf("got %+v and %+v, want it in group %d", got, imp.Counts, to)
	}
	// So a list of that group shows it, and none of the old one.
	for group, want := range map[int]int{was: 0, to: 1} {
		page, _, err := w.store.Partners(t.Context(), chainID, store.PartnerQuery{Group: group, Limit: 10})
		if err != nil || len(page) != want {
			t.Errorf("group %d: got %d partners %v, want %d", group, len(page), err, want)
		}
	}
}

// What several chunks say of one partner is done in the sheet's order, though
// chunks are written side by side.
func TestR27_WhatChunksSayOfOnePartnerIsDoneInTheSheetsOrder(t *testing.T) {
	t.Parallel()
	w := setup(t)
	lines := []string{"甲公司,张一,,13900000001,,A1,"}
	for n := range 5 {
		for len(lines) < (n+1)*store.ChunkRows {
			lines = append(lines, "甲公司,,,,,,")
		}
		lines = append(lines, fmt.Sprintf("甲公司,张%d,,1390000001%d,华东区%d,A1,", n, n, n))
	}
	w.takeIn(t, importID, sheet(lines...), func(i *network.Import) { i.ApplyMoves = true })
	tree, err := w.store.Tree(t.Context(), chainID)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := tree.Find([]string{"华东区0"})
	if p := w.partner(t, "A1", ""); p.Contacts != 6 || len(p.People) != 6 || p.Group != first {
		t.Errorf("got %+v, want six people in group %d, the first that is given", p, first)
	}
}

// R46: a partner has so many people and no more; the rows of the others are
// refused, and in whole corps all of them.
func TestR46_MorePeopleThanAPartnerMayHaveAreRefusedRowByRow(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var lines []string
	for i := range network.MaxPeople + 2 {
		lines = append(lines, fmt.Sprintf("甲公司,张三,,139%08d,,A1,", i))
	}
	lines = append(lines, "乙公司,张四,,13800138000,,,")
	whole := w.takeIn(t, secondID, sheet(lines...), func(i *network.Import) { i.Whole = true })
	if whole.Counts.Created != 1 || whole.Counts.Failed != network.MaxPeople+2 {
		t.Errorf("got %+v, want one corp in and all of the other refused", whole.Counts)
	}
	if p := w.outcomes(t, secondID)[2]; p.Code != form.TooManyPeople || p.Detail != fmt.Sprintf("row %d", network.MaxPeople+2) {
		t.Errorf("got %+v, want to be told of the first row too many", p)
	}
	imp := w.takeIn(t, importID, sheet(lines...), nil)
	if imp.Counts.Created != network.MaxPeople || imp.Counts.Failed != 2 || imp.Counts.Unchanged != 1 {
		t.Errorf("got %+v, want as many as there may be, and two refused", imp.Counts)
	}
	if p := w.outcomes(t, importID)[network.MaxPeople+3]; p.Code != form.TooManyPeople || p.Outcome != network.RowFailed {
		t.Errorf("got %+v, want the last refused", p)
	}
	if p := w.partner(t, "A1", ""); p.Contacts != network.MaxPeople {
		t.Errorf("got %d people", p.Contacts)
	}
	again := w.takeIn(t, "im0000000000000003", sheet(lines[:3]...), nil)
	if again.Counts.Unchanged != 3 {
		t.Errorf("got %+v, want who is there to be welcome", again.Counts)
	}
}

func TestAnUploadThatNobodyAskedForDoesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(t, importID, nil)
	before := w.tb.Items(t)
	e := event(t, "unasked.json")
	for _, r := range e.Records {
		w.bucket.objects[r.S3.Object.URLDecodedKey] = stored{r.S3.Object.ETag, threeRows}
	}
	if err := w.uploaded(t.Context(), e); err != nil {
		t.Errorf("got %v, want it to be over: it would be no better the next time", err)
	}
	if d := differ(w.tb.Items(t), before); d != "" {
		t.Errorf("it changed something: %s", d)
	}
}

func TestARecordThatNobodyAskedForDoesNotKeepTheNextWaiting(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(t, importID, nil)
	e := event(t, "mixed.json")
	for _, r := range e.Records {
		w.bucket.objects[r.S3.Object.URLDecodedKey] = stored{r.S3.Object.ETag, threeRows}
	}
	if err := w.uploaded(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if imp := w.is(t, importID); imp.State != network.ImportDone || imp.Counts.OK != 3 {
		t.Errorf("got %+v, want the second record done", imp)
	}
}

func TestR41_AnUploadIntoADissolvedChainDoesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(t, importID, nil)
	if err := w.store.DissolveChain(t.Context(), chainID, 0, noon); err != nil {
		t.Fatal(err)
	}
	before := w.tb.Items(t)
	if err := w.uploaded(t.Context(), w.put(importID, threeRows)); err != nil {
		t.Error(err)
	}
	if d := differ(w.tb.Items(t), before); d != "" {
		t.Errorf("it changed something: %s", d)
	}
}

func TestR29_AnotherObjectForTheSameImportDoesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takeIn(t, importID, threeRows, nil)
	before := w.tb.Items(t)
	if err := w.uploaded(t.Context(), w.put(importID, sheet("丙公司,张六,,13900000006,,,"))); err != nil {
		t.Error(err)
	}
	if d := differ(w.tb.Items(t), before); d != "" {
		t.Errorf("it changed something: %s", d)
	}
}

// Somebody uploads, sees a mistake and uploads again before the first event
// is here: what lies in the bucket counts, in whichever order the events come.
func TestAnObjectThatWasReplacedLeavesTheImportToTheOther(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(t, importID, nil)
	first := w.put(importID, sheet("丙公司,张六,,13900000006,,,"))
	second := w.put(importID, threeRows)
	for _, e := range []events.S3Event{first, second, first} {
		if err := w.uploaded(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
	if imp := w.is(t, importID); imp.State != network.ImportDone || imp.Counts.OK != 3 {
		t.Errorf("got %+v, want the second file taken in", imp)
	}
}
