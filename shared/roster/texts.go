package roster

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// Limits on the shared strings that are kept: those of a sheet of the most
// rows that there may be.
const (
	maxSharedTexts = 6 << 20   // six a row of 1,048,576; the seventh column is one of two words
	maxSharedBytes = 128 << 20 // of them all
)

const pageTexts = 512

// texts are the shared strings of a workbook. They stand end to end in slabs,
// with two bytes for where each ends: a million of them are many small things
// otherwise, and each would be looked at whenever memory is collected.
type texts struct {
	pages []page
	slab  []byte   // room for further pages
	last  []byte   // the text of the last page, until it is sealed
	ends  []uint32 // and where each text ends in it
	count int
	bytes int
}

// page is a run of pageTexts texts.
type page struct {
	text string
	ends []uint16 // where each text ends
	far  []uint32 // in their place, where the page is too long for them
}

func (t *texts) add(s []byte) error {
	if t.bytes+len(s) > maxSharedBytes || t.count == maxSharedTexts {
		return fileError(form.TooLarge, fmt.Sprintf("more than %d shared texts, or 128 MiB of them", maxSharedTexts))
	}
	if len(t.ends) == pageTexts {
		t.seal()
	}
	t.last = append(t.last, s...)
	t.ends = append(t.ends, uint32(len(t.last)))
	t.count++
	t.bytes += len(s)
	return nil
}

// seal ends the last page; only then can its texts be had.
func (t *texts) seal() {
	const smallest, largest = 32 << 10, 1 << 20
	if len(t.ends) == 0 {
		return
	}
	if cap(t.slab)-len(t.slab) < len(t.last) {
		t.slab = make([]byte, 0, max(min(max(t.bytes, smallest), largest), len(t.last)))
	}
	from := len(t.slab)
	t.slab = append(t.slab, t.last...)
	p := page{text: unsafe.String(unsafe.SliceData(t.slab[from:]), len(t.last))} // no byte of it changes again
	if len(t.last) > 1<<16-1 {
		p.far = slices.Clone(t.ends)
	} else {
		p.ends = make([]uint16, len(t.ends))
		for i, end := range t.ends {
			p.ends[i] = uint16(end)
		}
	}
	t.pages = append(t.pages, p)
	t.last, t.ends = t.last[:0], t.ends[:0]
}

// at is the text of a number, for as long as anybody wants it; ok is false
// where there is none.
func (t *texts) at(i int) (s string, ok bool) {
	if i < 0 || i >= t.count {
		return "", false
	}
	p, n := &t.pages[i/pageTexts], i%pageTexts
	from, to := 0, 0
	if p.far != nil {
		to = int(p.far[n])
		if n > 0 {
			from = int(p.far[n-1])
		}
	} else {
		to = int(p.ends[n])
		if n > 0 {
			from = int(p.ends[n-1])
		}
	}
	return p.text[from:to], true
}

// arena holds texts that are made row by row, many to an allocation. Each
// lasts for as long as anybody wants it, and keeps its neighbours.
type arena struct{ page []byte }

const arenaPage = 64 << 10

// room is where a text of at most so many bytes may be appended, for keep.
func (a *arena) room(n int) []byte {
	if cap(a.page)-len(a.page) < n {
		a.page = make([]byte, 0, max(arenaPage, n))
	}
	return a.page[len(a.page):]
}

// keep makes a text of what was appended to room.
func (a *arena) keep(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	a.page = a.page[:len(a.page)+len(b)]
	return unsafe.String(unsafe.SliceData(b), len(b))
}

func (a *arena) copy(s string) string { return a.keep(append(a.room(len(s)), s...)) }
