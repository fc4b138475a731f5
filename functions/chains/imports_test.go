package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
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
	w.ask(w.boss, "POST", w.in("/imports"), `{"file_name":" 机密.CSV ","dry_run":true,"atomicity":"corp","mode":"merge","apply_moves":true,"notify":false}`).want(201, "").into(&got)
	if got.State != "waiting_for_upload" || !got.ExpiresAt.Equal(noon.Add(15*time.Minute)) || got.Upload.URL != "http://127.0.0.1:9/rosters" ||
		got.Upload.Fields["key"] != "rosters/"+w.chain+"/"+got.ImportID+"/roster" || got.Upload.Fields["Content-Type"] != "text/csv" {
		t.Errorf("got %+v", got)
	}
	a := w.ask(w.boss, "GET", w.in("/imports/"+got.ImportID), "").want(200, "")
	var i importJSON
	a.into(&i)
	if i.FileName != "机密.CSV" || !i.DryRun || i.Atomicity != "corp" || i.Mode != "merge" || !i.ApplyMoves || i.Notify || i.State != "waiting_for_upload" ||
		i.StartedAt != nil || i.EndedAt != nil || !i.CreatedAt.Equal(noon) || i.Progress != (network.Funnel{}) {
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
	if list := all[importJSON](w, w.boss, w.in("/imports")); len(list) != 1 || list[0].Progress != i.Progress || list[0].ImportID != i.ImportID {
		t.Errorf("got %+v in the list, want the same", list)
	}

	got := all[rowJSON](w, w.boss, w.in("/imports/"+imp.ID+"/rows?limit=200"))
	var numbers []int
	for _, r := range got {
		numbers = append(numbers, r.Row)
	}
	if len(got) != 302 || !slices.IsSorted(numbers) || got[0].PartnerID == "" || got[0].ContactID != personKey.Contact(w.chain, who.id()) || got[0].Code != "" {
		t.Errorf("got %d rows, the first %+v, want 302 in the sheet's order", len(got), got[0])
	}
	var failed page[rowJSON]
	w.ask(w.boss, "GET", w.in("/imports/"+imp.ID+"/rows?outcome=failed"), "", "Accept-Language", "en").want(200, "").into(&failed)
	if len(failed.Items) != 2 || failed.Items[0].Row != 302 || failed.Items[0].Code != "phone_digits_lost" || failed.Items[0].Field != "phone" ||
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
	id := w.ask(w.boss, "POST", w.in("/imports"), `{"file_name":"机密.xlsx"}`).want(201, "").str("import_id")
	imp, err := w.store.BeginImport(t.Context(), w.chain, id, "etag", noon)
	if err != nil {
		t.Fatal(err)
	}
	imp.State, imp.FileCode, imp.FileRow, imp.EndedAt = network.ImportFailed, "truncated", 7, noon
	if err := w.store.EndImport(t.Context(), imp, time.Time{}); err != nil {
		t.Fatal(err)
	}
	var i importJSON
	w.ask(w.boss, "GET", w.in("/imports/"+id), "", "Accept-Language", "en").want(200, "").into(&i)
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

// The form needs no sign-in; it is a workbook in the language asked for.
func TestTheTemplateIsAWorkbookInEitherLanguage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	get := func(path string, header ...string) answer {
		a := w.ask(someone{}, "GET", path, "", header...).want(200, "")
		if _, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body))); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return a
	}
	zh, en := get("/v1/roster-template.xlsx"), get("/v1/roster-template.xlsx?lang=en")
	if bytes.Equal(zh.body, en.body) || zh.head.Get("Content-Type") != workbook || !strings.Contains(zh.head.Get("Content-Disposition"), "roster-template.xlsx") {
		t.Errorf("got %v", zh.head)
	}
	if by := get("/v1/roster-template.xlsx", "Accept-Language", "en"); !bytes.Equal(by.body, en.body) {
		t.Errorf("got another than the English one by Accept-Language")
	}
	w.ask(someone{}, "GET", "/v1/openapi.yaml", "").want(200, "")
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
