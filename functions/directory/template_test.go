package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// form is what a path answers with, which must be a workbook.
func (w *world) form(t *testing.T, who web.Claims, path string, header ...string) (http.Header, []byte, *zip.Reader) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if who != (web.Claims{}) {
		r = r.WithContext(web.WithClaims(r.Context(), who))
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a := httptest.NewRecorder()
	w.h.ServeHTTP(a, r)
	b := a.Body.Bytes()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if a.Code != 200 || err != nil {
		t.Fatalf("%s: got %d, %v", path, a.Code, err)
	}
	return a.Header(), b, z
}

const chainForm = "/v1/chains/" + chainID + "/roster-template.xlsx"

// The form needs no sign-in; it is a workbook in the language asked for.
func TestTheTemplateIsAWorkbookInEitherLanguage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	head, zh, _ := w.form(t, web.Claims{}, "/v1/roster-template.xlsx")
	_, en, _ := w.form(t, web.Claims{}, "/v1/roster-template.xlsx?lang=en")
	if bytes.Equal(zh, en) || head.Get("Content-Type") != web.Workbook || !strings.Contains(head.Get("Content-Disposition"), "roster-template.xlsx") {
		t.Errorf("got %v", head)
	}
	if _, by, _ := w.form(t, web.Claims{}, "/v1/roster-template.xlsx", "Accept-Language", "en"); !bytes.Equal(by, en) {
		t.Errorf("got another than the English one by Accept-Language")
	}
	w.as(t, w.boss, "/v1/roster-template.xlsx?lang=fr").want(t, 400, "invalid")
}

func TestAChainsTemplateHasItsGroupsInTheOrderOfTheTree(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tree, err := w.EnsureGroups(t.Context(), chainID, "", [][]string{{"华东", "浙江 & <沪>"}, {"重点"}, {"华北"}})
	if err != nil {
		t.Fatal(err)
	}
	first, _ := tree.Find([]string{"重点"})
	order := uint32(9)
	if _, err := w.EditGroup(t.Context(), chainID, first, nil, nil, &order, 0); err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"zh-CN", "en"} {
		head, _, z := w.form(t, w.boss, chainForm, "Accept-Language", lang)
		f, err := z.Open("xl/worksheets/sheet4.xml")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		var at []int
		for _, path := range []string{">重点<", ">华东<", ">华东/浙江 &amp; &lt;沪&gt;<", ">华北<"} {
			at = append(at, bytes.Index(b, []byte(path)))
		}
		if at[0] < 0 || at[1] < at[0] || at[2] < at[1] || at[3] < 0 || at[3] < at[0] || head.Get("Content-Language") != lang || head.Get("Cache-Control") != "no-store" {
			t.Errorf("got %v of %s, %v", at, b, head)
		}
	}
	w.as(t, w.boss, chainForm+"?lang=fr").want(t, 400, "invalid")
}

func TestAChainWithoutGroupsHasThePlainTemplate(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c, err := network.NewChain("chfedcba9876543210", "Suppliers", w.owner, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateChain(t.Context(), c, w.owner, store.Once{}); err != nil {
		t.Fatal(err)
	}
	_, plain, _ := w.form(t, w.boss, "/v1/chains/"+c.ID+"/roster-template.xlsx?lang=en")
	if _, open, _ := w.form(t, web.Claims{}, "/v1/roster-template.xlsx?lang=en"); !bytes.Equal(plain, open) {
		t.Errorf("got another template for a chain without groups")
	}
}

func TestR37_AChainsTemplateIsForItsAdmins(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.joins(t, 10, w.invite(t, w.boss, w.owner, network.RootGroup))
	for _, who := range []web.Claims{w.staff, claims(10)} {
		w.as(t, who, chainForm).want(t, 403, "denied")
	}
	w.corp(t, "Stranger Ltd", claims(99))
	w.as(t, claims(99), chainForm).want(t, 404, "not_found") // R37
	w.as(t, web.Claims{}, chainForm).want(t, 401, "unauthenticated")
}

// A long list is no help: some are left out, and no circle is walked for ever.
func TestPathsOfGroupsHaveAnEnd(t *testing.T) {
	t.Parallel()
	tree := network.Tree{1: {ID: 1}}
	for n := 2; n < 6000; n++ {
		tree[n] = network.Group{ID: n, Name: fmt.Sprint(n), Parent: max(1, n/9)}
	}
	if got := paths(tree); len(got) != 5000 || got[0] != "10" || got[1] != "10/90" {
		t.Errorf("got %d, from %q", len(got), got[:min(3, len(got))])
	}
	tree = network.Tree{1: {ID: 1}, 2: {ID: 2, Name: "a", Parent: 1}}
	for n := 3; n < 20; n++ {
		tree[n] = network.Group{ID: n, Name: "b", Parent: n - 1}
	}
	if got := paths(tree); len(got) != network.MaxDepth {
		t.Errorf("got %d levels, want %d", len(got), network.MaxDepth)
	}
}
