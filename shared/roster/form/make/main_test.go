package main

import (
	"bytes"
	"os"
	"testing"
)

func TestTheCommittedTemplatesAreWhatIsMadeNow(t *testing.T) {
	t.Parallel()
	for lang, texts := range map[string]texts{"zh-CN": chinese(), "en": english()} {
		for kind, chain := range map[string]bool{"template": false, "chain": true} {
			want, err := workbook(texts, chain)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile("../" + kind + "." + lang + ".xlsx"); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s.%s.xlsx: the committed one differs from what is made now (%v); run go generate ./shared/roster/form", kind, lang, err)
			}
		}
	}
}
