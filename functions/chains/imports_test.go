package main

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster/form"
	"github.com/tributary-app/tributary/shared/store"
)

// bind has a contact of a roster join by their notice.
func (w *world) bind(who someone, partner string) {
	w.t.Helper()
	_, err := w.store.Join(w.t.Context(), network.Ticket{Chain: w.chain, Partner: partner, Person: who.id(), Version: 1},
		network.Person{ID: who.id(), Name: who.name, Phone: who.phone}, store.Choice{Corp: who.corp}, noon)
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestAnImportBeginsWithATicket(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var got struct {
		ImportID  string `json:"import_id"`
		State     string
		Upload    upload
		ExpiresAt time.Time `json:"expires_at"`
	}
	w.ask(w.boss, "POST", w.in("/imports"), `{"file_name":" 机密.CSV ","dry_run":true,"atomicity":"corp","mode":"sync","sheet":"名单 A","apply_moves":true,"notify":false}`).want(201, "").into(&got)
	if got.State != "waiting_for_upload" || !got.ExpiresAt.Equal(noon.Add(15*time.Minute)) || got.Upload.URL != "http://127.0.0.1:9/rosters" ||
		got.Upload.Fields["key"] != "rosters/"+w.chain+"/"+got.ImportID+"/roster" || got.Upload.Fields["Content-Type"] != "text/csv" {
		t.Errorf("got %+v", got)
	}
	a := w.ask(w.boss, "GET", w.in("/imports/"+got.ImportID), "").want(200, "")
	var i importJSON
	a.into(&i)
	if i.FileName != "机密.CSV" || !i.DryRun || i.Atomicity != "corp" || i.Mode != "sync" || i.Sheet != "名单 A" || !i.ApplyMoves || i.Notify || i.State != "waiting_for_upload" ||
		i.StartedAt != nil || i.EndedAt != nil || !i.CreatedAt.Equal(noon) || i.Progress.Funnel != (network.Funnel{}) {
		t.Errorf("got %s", a.body)
	}
}

func TestImportsAreForAdmins(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := w.roster(row(1))
	staff := person(2)
	w.addMember(w.owner, staff, "member")
	li, _ := w.join(person(3), secret+"甲", 1)
	w.unchanged(func() {
		for _, who := range []someone{staff, li} {
			w.ask(who, "POST", w.in("/imports"), `{"file_name":"机密.xlsx"}`).want(403, "denied")
			w.ask(who, "GET", w.in("/imports"), "").want(403, "denied")
			w.ask(who, "GET", w.in("/imports/"+imp.ID), "").want(403, "denied")
			w.ask(who, "GET", w.in("/imports/"+imp.ID+"/rows"), "").want(403, "denied")
			w.ask(who, "GET", w.in("/imports/"+imp.ID+"/errors.xlsx"), "").want(403, "denied")
			w.ask(who, "POST", w.in("/imports/"+imp.ID+"/apply"), `{"plan_id":"p"}`).want(403, "denied")
			w.ask(who, "POST", w.in("/imports/"+imp.ID+"/cancel"), "").want(403, "denied")
			w.ask(who, "POST", w.in("/imports/"+imp.ID+"/revert"), "").want(403, "denied")
		}
	})
}

func TestAnImportTellsItsRowsAndHowFarItHasCome(t *testing.T) {
	t.Parallel()
	w := setup(t)
	bad, again := row(301), row(302)
	bad.Code, bad.Field, bad.Detail = "phone_digits_lost", "phone", "1.39E+10"
	again.Code, again.Field, again.Detail = "duplicate_contact", "phone", "row 2"
	var rows []network.RosterRow
	for n := range 300 {
		rows = append(rows, row(n+1))
	}
	imp := w.roster(append(rows, bad, again)...)
	who := someone{secret, row(1).Phone, ""}
	who.corp = w.newCorp(who, secret+"甲")
	partner := network.RosterPartnerID(w.chain, "", row(1).Corp)
	w.bind(who, partner)
	if err := w.store.CountJoin(t.Context(), network.Event{ID: "j", Kind: network.Joined, Chain: w.chain, Partner: partner, Person: who.id(), Import: imp.ID, First: true}); err != nil {
		t.Fatal(err)
	}
	var i importJSON
	w.ask(w.boss, "GET", w.in("/imports/"+imp.ID), "").want(200, "").into(&i)
	if i.Rows != 302 || i.OK != 300 || i.Failed != 2 || i.OK+i.Failed != i.Rows || i.Created != 300 || i.Notices != 300 || i.Partners != 300 ||
		i.State != network.ImportDone || i.Progress.Imported != 300 || i.Progress.Joined != 1 || i.EndedAt == nil {
		t.Errorf("got %+v", i)
	}
	if list := all[importJSON](w, w.boss, w.in("/imports")); len(list) != 1 || !reflect.DeepEqual(list[0].Progress, i.Progress) || list[0].ImportID != i.ImportID {
		t.Errorf("got %+v in the list, want the same", list)
	}

	got := all[rowJSON](w, w.boss, w.in("/imports/"+imp.ID+"/rows?limit=200"))
	var numbers []int
	for _, r := range got {
		numbers = append(numbers, *r.Row)
	}
	if len(got) != 302 || !slices.IsSorted(numbers) || got[0].PartnerID == "" || got[0].ContactID != personKey.Contact(w.chain, who.id()) || got[0].Code != "" {
		t.Errorf("got %d rows, the first %+v, want 302 in the sheet's order", len(got), got[0])
	}
	var failed page[rowJSON]
	w.ask(w.boss, "GET", w.in("/imports/"+imp.ID+"/rows?outcome=failed"), "", "Accept-Language", "en").want(200, "").into(&failed)
	if len(failed.Items) != 2 || *failed.Items[0].Row != 302 || failed.Items[0].Code != "phone_digits_lost" || failed.Items[0].Field != "phone" ||
		!strings.Contains(failed.Items[0].Detail, "Format the column as text") || failed.Items[0].PartnerID != "" || !strings.HasSuffix(failed.Items[1].Detail, "See row 2.") {
		t.Errorf("got %+v", failed.Items)
	}
	if zh := all[rowJSON](w, w.boss, w.in("/imports/"+imp.ID+"/rows?outcome=failed")); !strings.HasSuffix(zh[1].Detail, "参见第 2 行。") {
		t.Errorf("got %+v", zh)
	}
	w.ask(w.boss, "GET", w.in("/imports/"+imp.ID+"/rows?outcome=lost"), "").want(400, "invalid")
	w.ask(w.boss, "GET", w.in("/imports/"+imp.ID+"/rows?cursor=x"), "").want(400, "invalid")
}

func TestARefusedFileSaysWhy(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := w.failed("truncated", "", 7)
	var i importJSON
	w.ask(w.boss, "GET", w.in("/imports/"+imp.ID), "", "Accept-Language", "en").want(200, "").into(&i)
	if i.State != network.ImportFailed || i.OK != 0 || i.FileError == nil || i.FileError.Code != "truncated" || i.FileError.Row != 7 || !strings.Contains(i.FileError.Detail, "ends too early") {
		t.Errorf("got %+v, %+v", i, i.FileError)
	}
}

func TestImportsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for n := range 5 {
		w.chains.now = func() time.Time { return noon.Add(time.Duration(n) * time.Minute) }
		w.ask(w.boss, "POST", w.in("/imports"), fmt.Sprintf(`{"file_name":"机密%d"}`, n)).want(201, "")
	}
	got := all[importJSON](w, w.boss, w.in("/imports?limit=2"))
	if len(got) != 5 || got[0].FileName != "机密4" || got[4].FileName != "机密0" {
		t.Errorf("got %+v", got)
	}
}

// failed is an import whose file was refused.
func (w *world) failed(code, detail string, row int) network.Import {
	w.t.Helper()
	id := w.ask(w.boss, "POST", w.in("/imports"), `{"file_name":"机密.xlsx"}`).want(201, "").str("import_id")
	imp, err := w.store.BeginImport(w.t.Context(), w.chain, id, "etag", noon)
	if err == nil {
		imp.FileCode, imp.FileDetail, imp.FileRow, imp.EndedAt = code, detail, row, noon
		err = w.store.FailImport(w.t.Context(), imp)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return imp
}

// planned is an import of three rows, of which one is refused for either
// reason, that waits.
func (w *world) planned() network.Import {
	bad, again := row(2), row(3)
	bad.Code, bad.Field = "phone_invalid", "phone"
	again.Code, again.Field, again.Detail = "duplicate_contact", "phone", "row 2"
	return w.imported(`{"file_name":"机密.xlsx","dry_run":true}`, row(1), bad, again)
}

// R28: what is applied is named, and the same again is the same answer.
func TestR28_APlanIsSeenAndThenApplied(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := w.planned()
	at := w.in("/imports/" + imp.ID)
	var i importJSON
	w.ask(w.boss, "GET", at, "").want(200, "").into(&i)
	if i.State != network.ImportPlanned || i.PlanID == "" || i.PlannedAt == nil || i.AppliedAt != nil || i.Rows != 3 || i.OK+i.Failed != i.Rows || i.Conflict+i.Invalid != i.Failed ||
		i.Created != 1 || i.Notices != 1 || i.Quota == nil || *i.Quota != (quotaJSON{1, network.MaxPartners}) ||
		i.Progress.RowsRead != 3 || i.Progress.RowsChecked != 3 || i.Progress.RowsWritten != 0 || i.Progress.NoticesQueued != 0 || i.Progress.SecondsLeft != nil {
		t.Errorf("got %+v", i)
	}
	w.unchanged(func() {
		w.ask(w.boss, "POST", at+"/apply", `{"plan_id":"plan2"}`).want(409, "stale")
		w.ask(w.boss, "POST", at+"/apply", `{}`).want(400, "invalid")
		w.ask(w.boss, "POST", at+"/apply", `{"plan_id":"`+i.PlanID+`","plan":1}`).want(400, "unknown_field")
		w.ask(w.boss, "POST", w.in("/imports/im0123456789abcdef/apply"), `{"plan_id":"plan1"}`).want(404, "not_found")
		w.ask(w.boss, "POST", w.in("/imports/x/apply"), `{"plan_id":"plan1"}`).want(404, "not_found")
		w.ask(w.boss, "POST", at+"/revert", "").want(409, "conflict")
	})
	apply := `{"plan_id":"` + i.PlanID + `"}`
	first := w.ask(w.boss, "POST", at+"/apply", apply).want(202, "")
	var now importJSON
	first.into(&now)
	if now.State != network.ImportApplying || now.AppliedAt == nil || now.Quota != nil {
		t.Errorf("got %s", first.body)
	}
	if again := w.ask(w.boss, "POST", at+"/apply", apply).want(202, ""); !bytes.Equal(again.body, first.body) {
		t.Errorf("got %s, then %s", first.body, again.body)
	}
	w.ask(w.boss, "POST", at+"/apply", `{"plan_id":"plan2"}`).want(409, "stale")
}

// R27: whom a roster doesn't name is in no row of it.
func TestR27_ASyncListsWhomItTakesOutBehindTheRows(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.roster(row(1), row(2))
	imp := w.imported(`{"file_name":"机密.xlsx","mode":"sync"}`, row(1))
	var i importJSON
	w.ask(w.boss, "GET", w.in("/imports/"+imp.ID), "").want(200, "").into(&i)
	if i.State != network.ImportPlanned || i.Mode != network.Sync || i.Rows != 1 || i.Withdrawn != 1 || i.Kept != 0 {
		t.Errorf("got %+v", i)
	}
	got := all[rowJSON](w, w.boss, w.in("/imports/"+imp.ID+"/rows"))
	if len(got) != 2 || got[1].Row != nil || got[1].Outcome != network.RowWithdraw || got[1].PartnerID == "" || got[1].ContactID == "" {
		t.Errorf("got %+v", got)
	}
	if only := all[rowJSON](w, w.boss, w.in("/imports/"+imp.ID+"/rows?outcome=withdraw")); len(only) != 1 || !reflect.DeepEqual(only[0], got[1]) {
		t.Errorf("got %+v, want %+v alone", only, got[1:])
	}
}

// R04: a corp that has become a school brings nobody in by a plan it had
// before.
func TestR04_ASchoolsPlanIsNotApplied(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := w.planned()
	w.ask(w.boss, "PATCH", "/v1/corps/"+w.owner, `{"industry":"学前教育"}`).want(200, "")
	w.unchanged(func() {
		w.ask(w.boss, "POST", w.in("/imports/"+imp.ID+"/apply"), `{"plan_id":"`+imp.PlanID+`"}`).want(403, "corp_not_eligible")
	})
}

func TestR30_AnImportIsCancelledOnceAndThenRevertedOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := w.planned()
	at := w.in("/imports/" + imp.ID)
	for range 2 {
		var i importJSON
		w.ask(w.boss, "POST", at+"/cancel", "").want(200, "").into(&i)
		if i.State != network.ImportCancelled || i.EndedAt == nil || i.Rows != 0 || i.Reverting {
			t.Errorf("got %+v, want nothing done", i)
		}
	}
	w.ask(w.boss, "POST", at+"/apply", `{"plan_id":"`+imp.PlanID+`"}`).want(409, "conflict")
	for range 2 {
		var i importJSON
		w.ask(w.boss, "POST", at+"/revert", "").want(202, "").into(&i)
		if i.State != network.ImportCancelled || !i.Reverting {
			t.Errorf("got %+v, want it being reverted", i)
		}
	}
	done := w.roster(row(4))
	w.ask(w.boss, "POST", w.in("/imports/"+done.ID+"/cancel"), "").want(409, "conflict")
}

func TestTheTimeLeftIsThePaceSoFar(t *testing.T) {
	t.Parallel()
	applying := network.Import{State: network.ImportApplying, StartedAt: noon.Add(-time.Hour), AppliedAt: noon.Add(-10 * time.Second), Counts: network.Counts{Rows: 1000, Notices: 900}}
	sending := applying
	sending.State = network.ImportDone
	for name, tc := range map[string]struct {
		imp  network.Import
		done network.Counts
		f    network.Funnel
		want any
	}{
		"rows":               {applying, network.Counts{Rows: 250}, network.Funnel{}, 30},
		"none yet":           {applying, network.Counts{}, network.Funnel{}, nil},
		"notices":            {sending, network.Counts{Rows: 1000, Notices: 900}, network.Funnel{Notified: 600, Undeliverable: 100, Queued: 300}, 5},
		"all":                {sending, network.Counts{Rows: 1000, Notices: 900}, network.Funnel{Notified: 900}, 0},
		"some weren't to be": {sending, network.Counts{Rows: 1000, Notices: 900}, network.Funnel{Notified: 800}, 0},
		"while it is read":   {network.Import{State: network.ImportReading, StartedAt: noon.Add(-time.Second), Read: 500}, network.Counts{}, network.Funnel{}, nil},
	} {
		p := progressOf(tc.imp, tc.done, tc.f, noon)
		var got any
		if p.SecondsLeft != nil {
			got = *p.SecondsLeft
		}
		if got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
		if p.NoticesQueued+p.NoticesSent+p.NoticesFailed > tc.done.Notices {
			t.Errorf("%s: got %+v, want no more notices than there are", name, p)
		}
	}
}

func TestAFileWithoutTheNamedSheetSaysSo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := w.failed("no_header", "名单", 0)
	for lang, want := range map[string]string{"zh-CN": "文件里没有名为“名单”的工作表。", "en": `The file has no sheet named "名单".`} {
		var i importJSON
		w.ask(w.boss, "GET", w.in("/imports/"+imp.ID), "", "Accept-Language", lang).want(200, "").into(&i)
		if i.FileError == nil || !strings.HasPrefix(i.FileError.Detail, want) {
			t.Errorf("got %+v, want %s", i.FileError, want)
		}
	}
}

// Every reason why a file is refused is told in both languages, and the chain
// is as it was.
func TestEveryFileErrorIsTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, code := range strings.Fields("not_a_workbook legacy_xls password_protected empty_file no_header unknown_columns truncated corrupt too_large too_many_rows zip_bomb encoding_unknown replaced not_finished") {
		imp := w.failed(code, "", 0)
		for _, lang := range []string{"zh-CN", "en"} {
			var i importJSON
			w.ask(w.boss, "GET", w.in("/imports/"+imp.ID), "", "Accept-Language", lang).want(200, "").into(&i)
			if i.State != network.ImportFailed || i.OK != 0 || i.FileError == nil || i.FileError.Code != code || i.FileError.Detail != form.Advice(code, lang) {
				t.Errorf("%s: got %+v", code, i.FileError)
			}
		}
	}
	if got := all[partnerJSON](w, w.boss, w.in("/partners")); len(got) != 0 {
		t.Errorf("got %d partners, want none", len(got))
	}
}

func TestAnImportIsAskedForAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.unchanged(func() {
		for _, body := range []string{
			`{"file_name":"a","mode":"replace"}`, `{"file_name":"a","sheet":"` + strings.Repeat("表", 32) + `"}`, `{"file_name":"a","sheet":"a\u0007"}`,
			`{"file_name":""}`, `{"file_name":"a","atomicity":"file"}`, `{"file_name":"` + strings.Repeat("表", 256) + `"}`, `{"file_name":"a\u202eb"}`,
		} {
			w.ask(w.boss, "POST", w.in("/imports"), body).want(400, "invalid")
		}
	})
	w.ask(w.boss, "POST", w.in("/imports"), `{"file_name":"a","sheet":"`+strings.Repeat("表", 31)+`"}`).want(201, "")
}

func TestATicketIsGivenAgainOnlyWhileItsImportWaits(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ask := func() answer {
		return w.ask(w.boss, "POST", w.in("/imports"), `{"file_name":"a.csv"}`, "Idempotency-Key", "k1")
	}
	first := ask().want(201, "").str("import_id")
	if again := ask().want(201, "").str("import_id"); again != first {
		t.Errorf("got %s and %s, want one import", first, again)
	}
	if _, err := w.store.BeginImport(t.Context(), w.chain, first, "etag", noon); err != nil {
		t.Fatal(err)
	}
	ask().want(409, "conflict")
}

// R04 stops what is new after a change of industry: rosters, too.
func TestR04_ACorpThatHasBecomeASchoolImportsNobody(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(w.boss, "PATCH", "/v1/corps/"+w.owner, `{"industry":"学前教育"}`).want(200, "")
	w.unchanged(func() {
		w.ask(w.boss, "POST", w.in("/imports"), `{"file_name":"a.csv"}`).want(403, "corp_not_eligible")
	})
}
