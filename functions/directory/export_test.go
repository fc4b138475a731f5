package main

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// table is an export that is answered at once, without its heading: group,
// company, alias, custom id, state, contact, identity, phone.
func (w *world) table(t *testing.T, who web.Claims) []string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path+"/export.csv?lang=en", nil)
	a := httptest.NewRecorder()
	w.h.ServeHTTP(a, r.WithContext(web.WithClaims(r.Context(), who)))
	if a.Code != 200 || a.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d %s", a.Code, a.Body)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.Body.String(), "\ufeff"))).ReadAll()
	if err != nil || rows[0][1] != "Company" {
		t.Fatalf("got %v (%v)", rows, err)
	}
	var out []string
	for _, r := range rows[1:] {
		out = append(out, strings.Join(r[:8], "|"))
	}
	return out
}

func (w *world) post(t *testing.T, who web.Claims, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/v1/chains/"+chainID+"/exports", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return w.ask(t, who, r, header...)
}

func TestAnExportHasWhatTheDirectoryShowsItsReader(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.joins(t, 10, w.invite(t, w.boss, w.owner, w.harbour))
	w.joins(t, 11, w.invite(t, w.boss, w.owner, network.RootGroup))
	w.roster(t, row("Pending Ltd", 50))
	for name, c := range map[string]struct {
		who    web.Claims
		mutual bool
		want   []string
	}{
		"an admin": {w.boss, false, []string{"|Dealer 11|||joined|Person 11|member|'+8613900000011", "North/Harbour|Dealer 10|||joined|Person 10|member|'+8613900000010", "|Pending Ltd|||pending|||"}},
		"another of the owner's": {w.staff, false, []string{"|Dealer 11|||joined|Person 11|member|'" + network.MaskPhone(phone(11)),
			"North/Harbour|Dealer 10|||joined|Person 10|member|'" + network.MaskPhone(phone(10)), "|Pending Ltd|||pending|||"}},
		"a partner's who sees no other": {claims(10), false, []string{"|Dealer 10|||joined|Person 10|member|'+8613900000010"}},
		"a partner's who sees them":     {claims(10), true, []string{"|Dealer 11|||joined|||", "|Dealer 10|||joined|Person 10|member|'+8613900000010"}},
	} {
		w.see(t, network.ChainEdit{PartnersSeeAnother: &c.mutual})
		if got := w.table(t, c.who); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, c.want)
		}
	}
}

func TestAnExportIsItsMakersAloneAndOnlyWhileTheySeeAsMuch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if err := w.AddAdmin(t.Context(), w.chain, id(w.staff), noon, store.Once{}); err != nil {
		t.Fatal(err)
	}
	a := w.post(t, w.staff, `{"format":"csv"}`, "Idempotency-Key", "one").want(t, 202, "")
	if again := w.post(t, w.staff, `{"format":"csv"}`, "Idempotency-Key", "one").want(t, 202, ""); again.body["export_id"] != a.body["export_id"] {
		t.Errorf("got %v, want the same", again.body)
	}
	w.post(t, w.staff, `{"format":"pdf"}`).want(t, 400, "invalid")
	at := a.Header().Get("Location")
	w.as(t, w.boss, at).want(t, 404, "not_found")
	if got := w.as(t, w.staff, at).want(t, 200, "").body; got["state"] != "queued" || got["url"] != nil {
		t.Errorf("got %v, want it queued", got)
	}
	e, work, err := w.Export(t.Context(), chainID, a.body["export_id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	e.State, e.Rows, e.FinishedAt = network.ExportDone, 3, noon
	if _, err := w.KeepExport(t.Context(), e, work); err != nil {
		t.Fatal(err)
	}
	got := w.as(t, w.staff, at).want(t, 200, "").body
	if url := fmt.Sprint(got["url"]); got["state"] != "done" || got["rows"] != 3.0 ||
		!strings.HasPrefix(url, "https://rosters.s3.eu-central-1.amazonaws.com/exports/"+chainID+"/"+e.ID+"/directory.csv?") || !strings.Contains(url, "X-Amz-Expires=900") {
		t.Errorf("got %v, want a link that lives a quarter of an hour", got)
	}
	if err := w.RemoveAdmin(t.Context(), network.Chain{ID: chainID}, id(w.staff)); err != nil {
		t.Fatal(err)
	}
	if got := w.as(t, w.staff, at).want(t, 200, "no_longer_allowed").body; got["state"] != "failed" || got["url"] != nil {
		t.Errorf("got %v, want nothing for who is no admin any more", got)
	}
	w.now = noon.Add(25 * time.Hour)
	w.as(t, w.staff, at).want(t, 404, "not_found")
}

func TestALargeDirectoryIsExportedOnceAMinute(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var rows []network.RosterRow
	for n := range inlinePartners + 1 {
		rows = append(rows, row(fmt.Sprintf("Dealer %04d", n), 5000+n))
	}
	w.roster(t, rows...)
	first := w.as(t, w.boss, path+"/export.csv").want(t, 202, "")
	if again := w.as(t, w.boss, path+"/export.csv").want(t, 202, ""); again.body["export_id"] != first.body["export_id"] {
		t.Errorf("got %v, want %v", again.body, first.body)
	}
	w.as(t, w.boss, first.Header().Get("Location")).want(t, 200, "")
	if other := w.as(t, w.boss, path+"/export.xlsx").want(t, 202, ""); other.body["export_id"] == first.body["export_id"] {
		t.Errorf("got the CSV's for a workbook")
	}
	w.now = noon.Add(time.Minute)
	if later := w.as(t, w.boss, path+"/export.csv").want(t, 202, ""); later.body["export_id"] == first.body["export_id"] {
		t.Errorf("got the same a minute later")
	}
}
