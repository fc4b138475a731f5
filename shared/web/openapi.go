package web

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.yaml
var document []byte

// OpenAPI serves the full contract of the API. Only a door that serves it
// carries it.
func OpenAPI() Handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/yaml")
		w.Header().Set("Cache-Control", "public, max-age=300") // the same for everybody
		_, err := w.Write(document)
		return err
	}
}
