// Package infra_test holds the shape of the tree: what may stand where, what may import what, and that the template has
// for each function what a function needs.
package infra_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tributary-app/tributary/"

// arrows is what each room may import of ours. A room that isn't here may import nothing, and nobody may import it.
var arrows = map[string][]string{
	"shared/network":  nil, // the domain
	"shared/batch":    nil,
	"shared/platform": {"shared/network"},
	"shared/roster":   {"shared/network"},
	"shared/notice":   {"shared/network"},
	"shared/pinyin":   nil,
	"shared/store":    {"shared/network", "shared/pinyin"},
	"shared/web":      {"shared/network"},
	"shared/page":     nil,
	"shared/sheet":    {"shared/network"},
	"shared/search":   {"shared/network", "shared/pinyin"},
	"shared/feed":     {"shared/network", "shared/search", "shared/store"},
	"shared/caller":   {"shared/network", "shared/store", "shared/web"},
	"functions":       {"shared/network", "shared/batch", "shared/platform", "shared/roster", "shared/notice", "shared/store", "shared/web", "shared/caller", "shared/page", "shared/sheet", "shared/search", "shared/feed"},

	// For tests and tools, never in a function.
	"shared/dynamotest": nil,
	"shared/contract":   {"shared/web"},
	"infra/bench":       {"shared/network", "shared/platform", "shared/roster", "shared/search", "shared/store", "shared/dynamotest"},
	"infra/local":       nil, // it knows the functions by the template and by their binaries
}

// only is who alone may import a package, or what is below it. The local stack is no part of the product: it looks into the
// table to show it, and its sign-in page is its own.
var only = map[string][]string{
	"github.com/aws/aws-sdk-go-v2/service/dynamodb": {"shared/store", "shared/dynamotest", "infra/bench", "infra/local"},
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb": {"shared/store", "shared/dynamotest", "infra/bench", "infra/local"},
	"github.com/xuri/excelize/v2":                   {"shared/roster", "shared/sheet", "infra/bench", "infra/local"}, // of sheet only its tests, which have it read what was written
	"github.com/nyaruka/phonenumbers":               {"shared/roster"},
	"html/template":                                 {"shared/page", "infra/local"},
}

func TestArrowsPointFromDoorsToTheDomain(t *testing.T) {
	t.Parallel()
	for _, p := range append(packages(t, ".."), packages(t, "local")...) {
		from := room(p.ImportPath)
		for _, imp := range p.Imports {
			if from == "shared/network" && strings.Contains(imp, ".") {
				t.Errorf("%s imports %s: the domain knows the standard library only", p.ImportPath, imp)
			}
			to, ours := strings.CutPrefix(imp, module)
			if to = room(to); ours && to != from && !slices.Contains(arrows[from], to) {
				t.Errorf("%s must not import %s", p.ImportPath, to)
			}
			if ours && from == "functions" && to == "functions" {
				t.Errorf("%s imports %s: no function imports a function", p.ImportPath, imp)
			}
		}
		for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
			// A test may use any room that helps it, but not another function.
			if to, ours := strings.CutPrefix(imp, module); ours && room(to) == "functions" && imp != p.ImportPath {
				t.Errorf("a test of %s imports %s: no function imports a function", p.ImportPath, imp)
			}
		}
		for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			for what, may := range only {
				if (imp == what || strings.HasPrefix(imp, what+"/")) && !slices.Contains(may, from) {
					t.Errorf("%s imports %s: only %s may", p.ImportPath, imp, strings.Join(may, ", "))
				}
			}
		}
	}
}

func TestTheTopLevelHoldsWhatItShouldAndNothingElse(t *testing.T) {
	t.Parallel()
	want := []string{"functions", "infra", "shared", "events", "template.yaml", "samconfig.toml", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "CHANGELOG.md"}
	got := names(t, "..")
	for _, n := range got {
		if !slices.Contains(want, n) && !strings.HasPrefix(n, ".") {
			t.Errorf("%s: the top level is %s, and dotfiles", n, strings.Join(want, " "))
		}
	}
	for _, n := range want {
		if !slices.Contains(got, n) && n != "CHANGELOG.md" {
			t.Errorf("the top level has no %s", n)
		}
	}
}

func TestSharedHoldsRoomsAndEachHasSomethingInIt(t *testing.T) {
	t.Parallel()
	for _, n := range names(t, "../shared") {
		if strings.HasSuffix(n, ".go") {
			t.Errorf("shared/%s: a Go file belongs into a room", n)
			continue
		}
		if _, known := arrows["shared/"+n]; !known {
			t.Errorf("shared/%s: a new room says here what it may import", n)
		}
		if files, _ := filepath.Glob("../shared/" + n + "/*.go"); len(files) == 0 {
			t.Errorf("shared/%s is empty: a room appears when something lives in it", n)
		}
	}
}

func TestEachDoorHasItsFunctionAndItsEvents(t *testing.T) {
	t.Parallel()
	doors := names(t, "../functions")
	functions := map[string]string{} // door → logical id
	for id := range read(t).ofType("AWS::Serverless::Function") {
		functions[strings.ToLower(strings.TrimSuffix(id, "Function"))] = id
	}
	for _, d := range doors {
		if functions[d] == "" {
			t.Errorf("functions/%s has no function in template.yaml", d)
		}
		if cases, _ := filepath.Glob("../events/" + d + "/*.json"); len(cases) == 0 {
			t.Errorf("functions/%s has no events/%s/*.json", d, d)
		}
	}
	for d, id := range functions {
		if !slices.Contains(doors, d) {
			t.Errorf("template.yaml: %s has no functions/%s", id, d)
		}
	}
	for _, d := range names(t, "../events") {
		if !slices.Contains(doors, d) {
			t.Errorf("events/%s belongs to no door", d)
		}
	}
}

// room is the part of an import path that an arrow names.
func room(path string) string {
	part := strings.Split(strings.TrimPrefix(path, module), "/")
	if part[0] == "functions" {
		return "functions"
	}
	return strings.Join(part[:min(len(part), 2)], "/")
}

type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// packages is what go list says of the module in dir.
func packages(t *testing.T, dir string) (list []goPackage) {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list in %s: %v", dir, err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// names is what stands in a folder; none when there is no such folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
