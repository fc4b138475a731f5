package infra_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A right that a door lacks shows only in the cloud, and one that it has too many never shows. So each policy is held to the
// code: what the door's code can reach of the AWS clients, and what transactions, queries and statements it can make.
func TestEachDoorMayDoWhatItsCodeDoesAndNoMore(t *testing.T) {
	t.Parallel()
	code := load(t)
	resources := read(t)
	for _, door := range names(t, "../functions") {
		id := strings.ToUpper(door[:1]) + door[1:] + "Function"
		may := map[string]bool{}
		policies := []any{resources[id]}
		if role, _ := get(resources[id], "Properties", "Role").(string); role != "" {
			policies = []any{resources[strings.TrimSuffix(role, ".Arn")]}
		}
		for _, s := range statements(policies) {
			for _, action := range mentions(s["Action"]) {
				for _, on := range mentions(s["Resource"]) {
					if slices.Contains(platforms, action) || strings.HasSuffix(on, "DeadLetters.Arn") {
						continue
					}
					what := action
					if index, ok := strings.CutPrefix(on, "${Table.Arn}/index/"); ok {
						what += " " + index
					}
					may[what] = true
				}
			}
		}
		does := map[string]bool{}
		code.reach("functions/"+door, does)
		for _, action := range slices.Sorted(maps.Keys(does)) {
			if !may[action] {
				t.Errorf("%s: its code does %s, its policy doesn't allow it", id, action)
			}
		}
		for _, action := range slices.Sorted(maps.Keys(may)) {
			if !does[action] {
				t.Errorf("%s: its policy allows %s, its code doesn't do it", id, action)
			}
		}
	}
}

// platforms is what Lambda itself does with a function's role: it reads the function's source and writes its logs.
var platforms = []string{
	"logs:CreateLogStream", "logs:PutLogEvents",
	"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListShards", "dynamodb:ListStreams",
	"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes",
}

// deeds is what a call of a client needs. A transaction or a batch of statements needs what is in it.
var deeds = map[string]string{
	"dynamodb.Client.GetItem": "dynamodb:GetItem", "dynamodb.Client.BatchGetItem": "dynamodb:BatchGetItem",
	"dynamodb.Client.PutItem": "dynamodb:PutItem", "dynamodb.Client.UpdateItem": "dynamodb:UpdateItem", "dynamodb.Client.DeleteItem": "dynamodb:DeleteItem",
	"dynamodb.Client.BatchWriteItem":     "dynamodb:BatchWriteItem",
	"dynamodb.HTTPClient.Do":             "", // of what a client has made of one of these
	"dynamodb.Client.TransactWriteItems": "", "dynamodb.Client.BatchExecuteStatement": "", "dynamodb.Client.Query": "",
	"s3.Client.GetObject": "s3:GetObject", "s3.Client.HeadObject": "s3:GetObject", "s3.Client.PutObject": "s3:PutObject", "s3.Client.DeleteObject": "s3:DeleteObject",
	"s3.PresignClient.PresignPostObject": "s3:PutObject",
	"sqs.Client.SendMessage":             "sqs:SendMessage", "sqs.Client.SendMessageBatch": "sqs:SendMessage",
}

// words stand in calls that we sign ourselves: the target of the one to Secrets Manager, the path of the one to Lambda, the condition of an upload's policy,
// where search's indexes lie, how a file is called that a link leads to.
var words = map[string]string{
	`"secretsmanager.GetSecretValue"`: "secretsmanager:GetSecretValue",
	`"/2015-03-31/functions/"`:        "lambda:InvokeFunction",
	`"content-length-range"`:          "s3:PutObject",
	`"indexes/"`:                      "s3:GetObject",
	`"response-content-disposition"`:  "s3:GetObject",
}

// parts is what a part of a transaction needs.
var parts = map[string]string{"Put": "dynamodb:PutItem", "Update": "dynamodb:UpdateItem", "Delete": "dynamodb:DeleteItem", "ConditionCheck": "dynamodb:ConditionCheckItem"}

const sdk = "github.com/aws/aws-sdk-go-v2/service/"

// program is our code: what each function, by its full name, does and uses.
type program struct {
	does map[string][]string
	uses map[string][]string
	in   map[string][]string // functions by package
}

// reach adds what a package does, by itself and by all that it uses.
func (p program) reach(room string, does map[string]bool) {
	seen := map[string]bool{}
	var walk func(f string)
	walk = func(f string) {
		if seen[f] {
			return
		}
		seen[f] = true
		for _, d := range p.does[f] {
			does[d] = true
		}
		for _, u := range p.uses[f] {
			walk(u)
		}
	}
	for _, f := range p.in[module+room] {
		walk(f)
	}
}

// load reads and type-checks the doors and the rooms that they use.
func load(t *testing.T) program {
	t.Helper()
	// As make build builds them, so that it is built once.
	list := exec.Command("go", "list", "-e", "-export", "-deps", "-trimpath", "-tags=lambda.norpc,nethttpomithttp2", "-json=ImportPath,Dir,GoFiles,Export", "./functions/...")
	list.Dir, list.Stderr, list.Env = "..", os.Stderr, append(os.Environ(), "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
	}
	export := map[string]string{}
	var ours []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		export[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, module) {
			ours = append(ours, p)
		}
	}
	files := token.NewFileSet()
	check := types.Config{Importer: importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(export[path]) })}
	prog := program{map[string][]string{}, map[string][]string{}, map[string][]string{}}
	for _, p := range ours {
		var parsed []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, f)
		}
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}}
		if _, err := check.Check(p.ImportPath, files, parsed, info); err != nil {
			t.Fatal(err)
		}
		for _, f := range parsed {
			for _, d := range f.Decls {
				name := p.ImportPath // of variables and constants
				if fn, ok := d.(*ast.FuncDecl); ok {
					name = full(info.Defs[fn.Name])
				}
				prog.in[p.ImportPath] = append(prog.in[p.ImportPath], name)
				ast.Inspect(d, func(n ast.Node) bool {
					prog.note(t, name, n, info)
					return true
				})
			}
		}
	}
	return prog
}

// note takes down what one node of a function does or uses.
func (p program) note(t *testing.T, in string, n ast.Node, info *types.Info) {
	do := func(what string) { p.does[in] = append(p.does[in], what) }
	switch n := n.(type) {
	case *ast.Ident:
		fn, ok := info.Uses[n].(*types.Func)
		if !ok {
			return
		}
		name := full(fn)
		p.uses[in] = append(p.uses[in], name)
		if call, ok := strings.CutPrefix(name, sdk); ok && strings.Contains(call, "Client.") {
			deed, known := deeds[call]
			if !known && !strings.HasSuffix(call, ".Options") {
				t.Errorf("%s calls %s: this test doesn't know what that needs", in, call)
			}
			if deed != "" {
				do(deed)
			}
		}
	case *ast.BasicLit:
		if deed := words[n.Value]; deed != "" {
			do(deed)
		}
		for _, verb := range []string{"Insert", "Update", "Delete", "Select"} {
			// A statement quotes its table; "DELETE /v1/…" is a route. One that writes its request itself says so in JSON.
			said := strings.TrimPrefix(n.Value[1:max(1, len(n.Value)-1)], `{"Statement":"`)
			if strings.HasPrefix(said, strings.ToUpper(verb)+" ") && strings.Contains(said, `"`) {
				do("dynamodb:PartiQL" + verb)
			}
		}
	case *ast.CompositeLit:
		switch of := info.Types[n].Type.String(); {
		case strings.HasPrefix(of, sdk+"dynamodb/types."):
			if part := parts[strings.TrimPrefix(of, sdk+"dynamodb/types.")]; part != "" {
				do(part)
			}
		case of == sdk+"dynamodb.QueryInput":
			do(strings.TrimSpace("dynamodb:Query " + index(n)))
		}
	}
}

// index is the index that a query names, "" for the table itself.
func index(query *ast.CompositeLit) (name string) {
	for _, e := range query.Elts {
		kv := e.(*ast.KeyValueExpr)
		if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "IndexName" {
			ast.Inspect(kv.Value, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok {
					name = strings.Trim(lit.Value, `"`)
				}
				return true
			})
		}
	}
	return name
}

// full is a function's name with its package and type: "…/store.Store.Join".
func full(o types.Object) string {
	fn := o.(*types.Func).Origin()
	if fn.Pkg() == nil {
		return fn.Name()
	}
	name := fn.Name()
	if r := fn.Signature().Recv(); r != nil {
		of := r.Type()
		if ptr, ok := of.(*types.Pointer); ok {
			of = ptr.Elem()
		}
		if named, ok := of.(*types.Named); ok {
			name = named.Obj().Name() + "." + name
		}
	}
	return fmt.Sprintf("%s.%s", fn.Pkg().Path(), name)
}
