package search_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/tributary-app/tributary/shared/search"
)

// FuzzOpen gives Open bodies with a good checksum, so that it is what lies behind it that refuses.
func FuzzOpen(f *testing.F) {
	for _, n := range []int{0, 1, 20} {
		f.Add(search.New(slices.Values(chain(n))).Pack()[8:])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b := binary.LittleEndian.AppendUint32([]byte("tsx2"), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		x, err := search.Open(append(b, body...))
		if err != nil {
			if !errors.Is(err, search.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if _, err := search.Open(x.Pack()); err != nil {
			t.Fatalf("what was opened and packed again: %v", err)
		}
	})
}
