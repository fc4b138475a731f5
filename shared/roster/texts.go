package roster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// Limits on the shared strings that are kept: those of a sheet of the most
// rows that there may be.
const (
	maxSharedTexts = 6 << 20   // six a row of 1,048,576; the seventh column is one of two words
	maxSharedBytes = 128 << 20 // of them all
)

// texts are the shared strings of a workbook. They stand end to end, as a
// million empty ones mustn't take what a million strings do.
type texts struct {
	pages []page
	last  []byte   // the text of the last page, until it is sealed
	ends  []uint32 // and where each text ends in it
	count int
	bytes int
}

// page is a run of texts.
type page struct {
	first int // number of its first text
	text  string
	ends  []uint32
}

func (t *texts) add(s string) error {
	const pageBytes, pageTexts = 256 << 10, 64 << 10
	s = fits(s)
	if t.bytes+len(s) > maxSharedBytes || t.count == maxSharedTexts {
		return fileError(form.TooLarge, fmt.Sprintf("more than %d shared texts, or 128 MiB of them", maxSharedTexts))
	}
	if len(t.pages) == 0 || len(t.last)+len(s) > pageBytes || len(t.ends) == pageTexts {
		t.seal()
		t.pages = append(t.pages, page{first: t.count})
	}
	t.last = append(t.last, s...)
	t.ends = append(t.ends, uint32(len(t.last)))
	t.count++
	t.bytes += len(s)
	return nil
}

// seal ends the last page; only then can its texts be had.
func (t *texts) seal() {
	if n := len(t.pages); n > 0 {
		t.pages[n-1].text, t.pages[n-1].ends = string(t.last), slices.Clone(t.ends)
	}
	t.last, t.ends = t.last[:0], t.ends[:0]
}

// at is the text of a number; ok is false where there is none.
func (t *texts) at(i int) (s string, ok bool) {
	if i < 0 || i >= t.count {
		return "", false
	}
	n, found := slices.BinarySearchFunc(t.pages, i, func(p page, i int) int { return cmp.Compare(p.first, i) })
	if !found {
		n--
	}
	p := t.pages[n]
	from := uint32(0)
	if i > p.first {
		from = p.ends[i-p.first-1]
	}
	return strings.Clone(p.text[from:p.ends[i-p.first]]), true // the page needn't last as long
}
