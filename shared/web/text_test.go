package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// literal is the text of a string literal, "" for anything else.
func literal(e ast.Expr) string {
	b, ok := e.(*ast.BasicLit)
	if !ok || b.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(b.Value)
	return s
}

// codes are the Code of every Error that the domain's error.go lists.
func codes(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, d := range parse(t, "../network/error.go").Decls {
		vars, ok := d.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		for _, s := range vars.Specs {
			v := s.(*ast.ValueSpec)
			if len(v.Names) != 1 || !strings.HasPrefix(v.Names[0].Name, "Err") {
				t.Fatalf("%s is no error: this test must learn of it", v.Names[0].Name)
			}
			before := len(out)
			ast.Inspect(v, func(n ast.Node) bool {
				if kv, ok := n.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "Code" {
					out = append(out, literal(kv.Value))
				}
				return true
			})
			if len(out) != before+1 || out[before] == "" {
				t.Fatalf("%s has no code that can be read", v.Names[0].Name)
			}
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d codes were found", len(out))
	}
	return out
}

// inBoth holds that a text is there in both languages, and is written in each.
func inBoth(t *testing.T, code, chinese, english string) {
	t.Helper()
	han := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	}
	switch {
	case chinese == "" || english == "":
		t.Errorf("%s: zh-CN is %q, en is %q", code, chinese, english)
	case chinese == english:
		t.Errorf("%s: both languages say %q", code, chinese)
	case !han(chinese):
		t.Errorf("%s: %q is not Chinese", code, chinese)
	}
}

func TestEveryCodeOfTheDomainIsSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, code := range append(codes(t), "invalid", "internal", "rate_limited", "method_not_allowed") {
		if _, ok := texts[code]; !ok {
			t.Errorf("%s has no text", code)
			continue
		}
		zh, en := textOf(code, Chinese), textOf(code, English)
		inBoth(t, code, zh.title, en.title)
		inBoth(t, code, zh.next, en.next)
	}
}

func TestNoTwoCodesSayTheSame(t *testing.T) {
	t.Parallel()
	said := map[text]string{}
	for code, in := range texts {
		for lang, words := range in {
			if other := said[words]; other != "" {
				t.Errorf("%s and %s say the same in %s: %v", code, other, lang, words)
			}
			said[words] = code
		}
	}
}

// Every code that a FieldError of ours is made with, wherever it is made.
func TestEveryFieldCodeIsSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	used := map[string]string{}
	for _, root := range []string{"..", "../../functions"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			ast.Inspect(parse(t, path), func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					name := ""
					switch f := n.Fun.(type) {
					case *ast.Ident:
						name = f.Name
					case *ast.SelectorExpr:
						name = f.Sel.Name
					}
					if name == "InvalidField" && len(n.Args) == 3 {
						used[literal(n.Args[1])] = path
					}
				case *ast.CompositeLit:
					fields := map[string]string{}
					for _, e := range n.Elts {
						if kv, ok := e.(*ast.KeyValueExpr); ok {
							if key, ok := kv.Key.(*ast.Ident); ok {
								fields[key.Name] = literal(kv.Value)
							}
						}
					}
					if _, of := fields["Field"]; of {
						used[fields["Code"]] = path
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	delete(used, "") // not a literal: passed on from where it was one
	if len(used) < 8 {
		t.Fatalf("only %d codes were found", len(used))
	}
	for code, path := range used {
		if fieldTexts[code] == nil {
			t.Errorf("%s, of %s, has no text", code, path)
		}
	}
	for code, in := range fieldTexts {
		inBoth(t, code, in[Chinese], in[English])
	}
}
