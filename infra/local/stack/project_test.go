package stack_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tributary-app/tributary/infra/local/stack"
	"github.com/tributary-app/tributary/infra/local/template"
)

// The template that is deployed, with the probe in the place of every function.
func TestTheProjectsTemplateStarts(t *testing.T) {
	t.Parallel()
	const file = "../../../template.yaml"
	tm, err := template.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	probes := t.TempDir()
	for id, r := range tm.Resources {
		if r.Type != "AWS::Serverless::Function" {
			continue
		}
		dir := filepath.Join(probes, template.Folder(id))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(build, "probe"), filepath.Join(dir, "bootstrap")); err != nil {
			t.Fatal(err)
		}
	}
	w := setup(t, func(o *stack.Options) { o.Template, o.Build = file, probes })
	w.wants(401, "Unauthorized", "GET", "/v1/me", nil)
	w.wants(404, "Not Found", "GET", "/v1/nowhere", nil)
	if resp, got := w.call("GET", w.API+"/v1/me", nil, "Authorization", "Bearer "+w.token()); resp.StatusCode != 201 {
		t.Errorf("got %d %s, want the probe's 201", resp.StatusCode, got)
	}
	if resp, _ := w.call("GET", w.API+"/v1/openapi.yaml", nil); resp.StatusCode != 201 {
		t.Errorf("a public route: got %d", resp.StatusCode)
	}
	if state, err := w.Fire(t.Context(), "expiry"); state != "succeeded" || err != nil {
		t.Errorf("expiry: got %s, %v", state, err)
	}
}
