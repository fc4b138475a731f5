package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// bucket stands in for S3: it has the files it is given, under their keys.
func (w *world) bucket(files map[string][]byte) *[]*http.Request {
	var asked []*http.Request
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		asked = append(asked, r)
		b, ok := files[strings.TrimPrefix(r.URL.Path, "/rosters/")]
		if !ok {
			out.WriteHeader(http.StatusForbidden) // S3's answer to who may not list
			return
		}
		out.Header().Set("Content-Length", fmt.Sprint(len(b)))
		out.Write(b)
	}))
	w.t.Cleanup(s.Close)
	w.tickets.Endpoint, w.http = s.URL, s.Client()
	return &asked
}

// done is an import with failed rows that is done.
func (w *world) done() network.Import {
	w.t.Helper()
	ctx, imp := w.t.Context(), w.planned()
	imp, err := w.store.ApplyImport(ctx, w.chain, imp.ID, imp.PlanID, noon)
	if err == nil {
		err = w.store.ApplyRoster(ctx, imp, store.Run{Now: func() time.Time { return noon }, Spare: func() bool { return true }})
	}
	if imp.EndedAt = noon; err == nil {
		err = w.store.EndImport(ctx, imp, time.Time{})
	}
	if err == nil {
		err = w.store.HasErrors(ctx, imp)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return imp
}

// R31: the failed rows come back in the language asked for.
func TestR31_TheErrorsWorkbookIsHandedOut(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := w.done()
	at, key := w.in("/imports/"+imp.ID), "rosters/"+w.chain+"/"+imp.ID+"/errors."
	asked := w.bucket(map[string][]byte{key + "zh-CN.xlsx": []byte("PK中"), key + "en.xlsx": []byte("PK\xff")})
	var i importJSON
	w.ask(w.boss, "GET", at, "").want(200, "").into(&i)
	if len(i.Errors) != 2 || i.Errors["en"] != "/v1/chains/"+w.chain+"/imports/"+imp.ID+"/errors.xlsx?lang=en" {
		t.Errorf("got %v", i.Errors)
	}
	zh := w.ask(w.boss, "GET", at+"/errors.xlsx", "").want(200, "")
	en := w.ask(w.boss, "GET", i.Errors["en"], "").want(200, "")
	if by := w.ask(w.boss, "GET", at+"/errors.xlsx", "", "Accept-Language", "en").want(200, ""); !bytes.Equal(by.body, en.body) || string(zh.body) != "PK中" ||
		en.head.Get("Content-Type") != web.Workbook || en.head.Get("Content-Disposition") != `attachment; filename="errors.en.xlsx"` || en.head.Get("Content-Language") != "en" {
		t.Errorf("got %q, %q, %v", zh.body, en.body, en.head)
	}
	q := (*asked)[0].URL.Query()
	if q.Get("X-Amz-Expires") != "900" || q.Get("X-Amz-Signature") == "" || q.Get("X-Amz-SignedHeaders") != "host" || q.Get("X-Amz-Security-Token") != "a session" {
		t.Errorf("asked the bucket for %s", (*asked)[0].URL)
	}
	w.ask(w.boss, "GET", at+"/errors.xlsx?lang=fr", "").want(400, "invalid")
}

// Lambda's answers have an end; a link has none.
func TestALargeErrorsWorkbookIsALink(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := w.done()
	key := "rosters/" + w.chain + "/" + imp.ID + "/errors."
	w.bucket(map[string][]byte{key + "zh-CN.xlsx": make([]byte, maxInline), key + "en.xlsx": make([]byte, maxInline+1)})
	at := w.in("/imports/" + imp.ID + "/errors.xlsx")
	if a := w.ask(w.boss, "GET", at, "").want(200, ""); len(a.body) != maxInline {
		t.Errorf("got %d bytes", len(a.body))
	}
	a := w.ask(w.boss, "GET", at+"?lang=en", "").want(303, "")
	got, err := w.http.Get(a.head.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if b, err := io.ReadAll(got.Body); err != nil || len(b) != maxInline+1 || len(a.body) != 0 {
		t.Errorf("got %d bytes by the link (%v), %d with it", len(b), err, len(a.body))
	}
}

func TestThereIsNoErrorsWorkbookBeforeItsTimeOrAfter(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.bucket(nil)
	errors := func(id string) answer { return w.ask(w.boss, "GET", w.in("/imports/"+id+"/errors.xlsx"), "") }
	waiting := w.ask(w.boss, "POST", w.in("/imports"), `{"file_name":"a.csv"}`).want(201, "").str("import_id")
	errors(waiting).want(409, "conflict")
	planned := w.planned()
	errors(planned.ID).want(409, "conflict") // it is being written
	w.now = func() time.Time { return noon.Add(15 * time.Minute) }
	errors(planned.ID).want(404, "not_found") // it couldn't be
	w.now = func() time.Time { return noon }
	if err := w.store.HasErrors(t.Context(), planned); err != nil {
		t.Fatal(err)
	}
	errors(w.roster(row(7)).ID).want(404, "not_found")           // no row failed
	errors(w.failed("corrupt", "", 0).ID).want(404, "not_found") // nor did any here
	done := w.done()
	errors(done.ID).want(404, "not_found") // seven days later
	errors("im0123456789abcdef").want(404, "not_found")
	w.tickets.Endpoint = "http://127.0.0.1:9"
	errors(done.ID).want(503, "busy")
}
