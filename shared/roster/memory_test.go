package roster

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
)

// TestAMillionRowsFitIntoMemory counts what is kept of a sheet of the most rows,
// each of a partner of its own, with five texts of its own: 190 MB, to leave
// room for the rest of an import in 256.
func TestAMillionRowsFitIntoMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	h := header{column: map[string]int{}}
	for i, name := range fieldNames {
		h.column[name] = i
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	shared, c := &texts{}, newChecker(h)
	l := line{cells: make([]cell, fields)}
	var b []byte
	for n := range maxRow {
		l.number = n + 1
		id := strconv.Itoa(n)
		for i, s := range []string{"苏州恒通建材" + id + "有限公司", "王伟" + id, "成员", fmt.Sprintf("139%08d", n), "华东区/江苏省", "D" + id, "9" + id} {
			if i != identity && i != group {
				b = append(b[:0], s...)
				if err := shared.add(b); err != nil {
					t.Fatal(err)
				}
			}
			l.cells[i] = cell{text: s}
		}
		if r := c.check(l); r.Code != "" {
			t.Fatalf("got %+v, want it good", r)
		}
	}
	shared.seal()
	runtime.GC()
	runtime.ReadMemStats(&after)
	got := int(after.HeapAlloc-before.HeapAlloc) / 1e6
	t.Logf("%d MB for %d rows", got, maxRow)
	if got > 190 {
		t.Errorf("got %d MB, want at most 190", got)
	}
	runtime.KeepAlive(shared)
	runtime.KeepAlive(c)
}
