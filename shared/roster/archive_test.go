package roster_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// packing is how a zip archive is written.
type packing struct {
	stored     bool   // nothing is packed
	descriptor bool   // sums and sizes stand behind the bytes
	zip64      bool   // sizes and places are of 64 bits
	method     uint16 // another than it is, if not 0
	before     string // what stands before the archive
	size       int    // what is added to the size that a file claims
}

var packers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err)
	}
	return w
}}

// pack writes a zip archive by hand, its files by name.
func (p parts) pack(tb testing.TB, how packing) []byte {
	tb.Helper()
	le := binary.LittleEndian
	b := []byte(how.before)
	var directory []byte
	names := slices.Sorted(maps.Keys(p))
	for _, name := range names {
		text := []byte(p[name])
		data, method := text, uint16(0)
		if !how.stored {
			var packed bytes.Buffer
			w := packers.Get().(*flate.Writer)
			defer packers.Put(w)
			w.Reset(&packed)
			if _, err := w.Write(text); err != nil {
				tb.Fatal(err)
			}
			if err := w.Close(); err != nil {
				tb.Fatal(err)
			}
			data, method = packed.Bytes(), 8
		}
		if how.method != 0 {
			method = how.method
		}
		flags := uint16(0)
		if how.descriptor {
			flags = 8
		}
		at := len(b) - len(how.before)
		sum, packed, size := crc32.ChecksumIEEE(text), uint64(len(data)), uint64(len(text)+how.size)
		sizes := func(to []byte, known bool) []byte {
			switch {
			case !known:
				return append(to, make([]byte, 12)...)
			case how.zip64:
				return le.AppendUint64(le.AppendUint32(to, sum), 1<<64-1)
			}
			return le.AppendUint32(le.AppendUint32(le.AppendUint32(to, sum), uint32(packed)), uint32(size))
		}
		var extra, local []byte
		if how.zip64 {
			local = le.AppendUint64(le.AppendUint64([]byte{1, 0, 16, 0}, size), packed)
			extra = le.AppendUint64(le.AppendUint64(le.AppendUint64([]byte{1, 0, 24, 0}, size), packed), uint64(at))
		}
		if how.descriptor {
			local = nil
		}
		b = append(b, "PK\x03\x04\x2d\x00"...)
		b = le.AppendUint16(le.AppendUint16(b, flags), method)
		b = sizes(append(b, 0, 0, 0x21, 0x5c), !how.descriptor)
		b = le.AppendUint16(le.AppendUint16(b, uint16(len(name))), uint16(len(local)))
		b = append(append(append(b, name...), local...), data...)
		if how.descriptor {
			b = append(b, "PK\x07\x08"...)
			b = le.AppendUint32(b, sum)
			if how.zip64 {
				b = le.AppendUint64(le.AppendUint64(b, packed), size)
			} else {
				b = le.AppendUint32(le.AppendUint32(b, uint32(packed)), uint32(size))
			}
		}
		directory = append(directory, "PK\x01\x02\x2d\x00\x2d\x00"...)
		directory = le.AppendUint16(le.AppendUint16(directory, flags), method)
		directory = sizes(append(directory, 0, 0, 0x21, 0x5c), true)
		directory = le.AppendUint16(le.AppendUint16(directory, uint16(len(name))), uint16(len(extra)))
		directory = append(directory, make([]byte, 10)...)
		if how.zip64 {
			directory = le.AppendUint32(directory, 1<<32-1)
		} else {
			directory = le.AppendUint32(directory, uint32(at))
		}
		directory = append(append(directory, name...), extra...)
	}
	at := uint64(len(b) - len(how.before))
	b = append(b, directory...)
	if how.zip64 {
		end := uint64(len(b) - len(how.before))
		b = append(b, "PK\x06\x06\x2c\x00\x00\x00\x00\x00\x00\x00\x2d\x00\x2d\x00"...)
		b = append(b, make([]byte, 8)...)
		b = le.AppendUint64(le.AppendUint64(b, uint64(len(names))), uint64(len(names)))
		b = le.AppendUint64(le.AppendUint64(b, uint64(len(directory))), at)
		b = append(b, "PK\x06\x07\x00\x00\x00\x00"...)
		b = le.AppendUint32(le.AppendUint64(b, end), 1)
		b = append(b, "PK\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00"...)
		return b
	}
	b = append(b, "PK\x05\x06\x00\x00\x00\x00"...)
	b = le.AppendUint16(le.AppendUint16(b, uint16(len(names))), uint16(len(names)))
	b = le.AppendUint32(le.AppendUint32(b, uint32(len(directory))), uint32(at))
	return append(b, 0, 0)
}

func TestAnArchiveIsReadHoweverItIsPacked(t *testing.T) {
	t.Parallel()
	p := sheet(person(2, cellC)+person(3, `<c r="C3" t="s"><v>0</v></c>`), "<t>13900000002</t>")
	for name, how := range map[string]packing{
		"deflated":                           {},
		"stored":                             {stored: true},
		"with descriptors":                   {descriptor: true},
		"stored, with descriptors":           {stored: true, descriptor: true},
		"of 64 bits":                         {zip64: true},
		"of 64 bits, stored":                 {zip64: true, stored: true},
		"of 64 bits, with descriptors":       {zip64: true, descriptor: true},
		"behind the head of another archive": {before: "PK\x03\x04" + strings.Repeat("x", 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s := mustRead(t, p.pack(t, how)); s.OK != 2 {
				t.Errorf("got %+v, want two good rows", s.rows)
			}
		})
	}
}

func TestAnArchiveThatLiesIsRefused(t *testing.T) {
	t.Parallel()
	p := sheet(person(2, cellC))
	for _, c := range []struct {
		name string
		how  packing
		want string
	}{
		{"of a method of its own", packing{method: 93}, form.Corrupt},
		{"deflated, it says", packing{stored: true, method: 8}, form.Corrupt},
		{"stored, it says", packing{method: 1}, form.Corrupt},
		{"a byte more than there is", packing{size: 1}, form.Corrupt},
		{"a byte less than there is", packing{size: -1}, form.Corrupt},
		{"a byte less, stored", packing{size: -1, stored: true}, form.Corrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := read(p.pack(t, c.how))
			wantFileError(t, err, c.want)
		})
	}
}

// TestAByteThatIsWrongIsFound flips each bit of an archive in turn.
func TestAByteThatIsWrongIsFound(t *testing.T) {
	t.Parallel()
	p := sheet(person(2, cellC)+person(3, `<c r="C3" t="s"><v>0</v></c>`), "<t>13900000002</t>")
	for _, how := range []packing{{}, {stored: true, descriptor: true, zip64: true}} {
		b := p.pack(t, how)
		want := mustRead(t, b)
		for at := range b {
			bit := byte(1) << (at % 8)
			b[at] ^= bit
			if got, err := read(b); err == nil && !sameRows(got.rows, want.rows) {
				t.Errorf("%+v: byte %d: got %+v, want %+v or an error", how, at, got.rows, want.rows)
			}
			b[at] ^= bit
		}
		for n := 0; n < len(b); n += 5 {
			if _, err := read(b[:n]); err == nil {
				t.Errorf("%+v: got a sheet of the first %d bytes of %d", how, n, len(b))
			}
		}
	}
}
