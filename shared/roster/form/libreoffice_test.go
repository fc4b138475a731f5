package form_test

import (
	"bytes"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// converted opens and saves workbooks by LibreOffice, which says nothing of
// what it mends, but leaves out what it can't. Its test is skipped where
// LibreOffice isn't installed; make check says so.
func converted(t *testing.T, files map[string][]byte) map[string]*excelize.File {
	t.Helper()
	office, err := exec.LookPath("soffice")
	if err != nil {
		office, err = exec.LookPath("libreoffice")
	}
	if err != nil {
		t.Skip("LibreOffice isn't installed")
	}
	dir := t.TempDir()
	args := []string{"-env:UserInstallation=file://" + filepath.Join(dir, "profile"), "--headless", "--convert-to", "xlsx", "--outdir", filepath.Join(dir, "out")}
	for name, b := range files {
		name = filepath.Join(dir, name+".xlsx")
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	out, err := exec.Command(office, args...).CombinedOutput()
	if err != nil || strings.Contains(strings.ToLower(string(out)), "error") {
		t.Fatalf("got %v: %s", err, out)
	}
	all := map[string]*excelize.File{}
	for name := range files {
		f, err := excelize.OpenFile(filepath.Join(dir, "out", name+".xlsx"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		all[name] = f
	}
	return all
}

func TestLibreOfficeKeepsAllOfATemplate(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{}
	for _, lang := range []string{"zh-CN", "en"} {
		var b bytes.Buffer
		if err := form.Template(&b, lang); err != nil {
			t.Fatal(err)
		}
		files[lang] = b.Bytes()
		files[lang+" of a chain"] = chainTemplate(t, lang, []string{"华东区", "华东区/浙江省", `<"A&B">/=1+1`})
	}
	for name, f := range converted(t, files) {
		before, err := excelize.OpenReader(bytes.NewReader(files[name]))
		if err != nil {
			t.Fatal(err)
		}
		defer before.Close()
		if got, want := f.GetSheetList(), before.GetSheetList(); !slices.Equal(got, want) {
			t.Errorf("%s: got sheets %q, want %q", name, got, want)
		}
		for _, sheet := range before.GetSheetList() {
			want, err := before.GetRows(sheet)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.GetRows(sheet)
			if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%s, %s: got %q (%v), want %q", name, sheet, got, err, want)
			}
			if got, want := offered(t, f, sheet), offered(t, before, sheet); !slices.Equal(got, want) {
				t.Errorf("%s, %s: got drop-downs %q, want %q", name, sheet, got, want)
			}
		}
		sheet := before.GetSheetList()[0]
		if len(offered(t, f, sheet)) == 0 {
			t.Errorf("%s: got no drop-down, want the identity's", name)
		}
		for _, column := range []string{"D", "F", "G"} {
			style, err := f.GetColStyle(sheet, column)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := f.GetStyle(style); err != nil || s.NumFmt != 49 && (s.CustomNumFmt == nil || *s.CustomNumFmt != "@") {
				t.Errorf("%s, column %s: got %+v (%v), want text", name, column, s, err)
			}
		}
	}
}

// offered are a sheet's drop-downs: the column, and what they offer.
func offered(t *testing.T, f *excelize.File, sheet string) (all []string) {
	t.Helper()
	lists, err := f.GetDataValidations(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lists {
		column, _, _ := strings.Cut(l.Sqref, ":")
		all = append(all, l.Type+" "+column+" "+strings.ReplaceAll(html.UnescapeString(l.Formula1), "'", ""))
	}
	slices.Sort(all)
	return all
}
