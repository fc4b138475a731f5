package main

import (
	"bytes"
	"testing"

	"github.com/tributary-app/tributary/shared/roster/form"
)

func TestTheCommittedTemplatesAreWhatIsMadeNow(t *testing.T) {
	t.Parallel()
	for lang, texts := range map[string]texts{"zh-CN": chinese(), "en": english()} {
		want, err := workbook(texts)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := form.Template(&got, lang); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: the committed template differs from what is made now; run go generate ./shared/roster/form", lang)
		}
	}
}
