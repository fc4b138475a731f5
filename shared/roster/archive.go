package roster

import (
	"archive/zip"
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// Limits on what is really read out of a workbook (design.md section 4). What
// a file says of its own sizes is not believed.
const (
	maxEntries   = 500
	maxDirectory = 1 << 20   // bytes of the archive's list of entries
	maxSheet     = 2 << 30   // bytes unpacked
	maxStrings   = 512 << 20 // bytes unpacked
	maxPart      = 8 << 20   // bytes unpacked of the small parts, styles among them
	bombFree     = 10 << 20  // bytes that may unpack at any rate
	bombRate     = 100       // beyond that, so many bytes a packed one
	textsFree    = 24 << 20  // bytes of shared texts, which are kept, that may unpack at any rate
	textsRate    = 32        // beyond that, so many bytes a packed one; what people have typed packs to a tenth at best
)

// archive is the zip file that a workbook is.
type archive struct {
	ctx   context.Context
	r     io.ReaderAt
	files map[string]entry // by name in lower case, as part names ignore case
}

// entry is one of its files: where its packed bytes are.
type entry struct {
	*zip.File
	from int64
}

// openArchive reads the archive's directory, and refuses one whose entries
// aren't each a file of its own.
func openArchive(ctx context.Context, r io.ReaderAt, size int64) (*archive, error) {
	directory := &allowance{r: r, left: maxDirectory}
	z, err := zip.NewReader(directory, size)
	switch {
	case directory.left < 0:
		return nil, fileError(form.TooLarge, "the archive's directory is more than 1 MiB")
	case errors.Is(err, zip.ErrFormat):
		// The list of parts is a zip archive's last thing.
		return nil, fileError(form.Truncated, "the archive's directory is missing")
	case err != nil && !errors.Is(err, zip.ErrInsecurePath):
		return nil, fileError(form.Corrupt, "archive: "+err.Error())
	case len(z.File) > maxEntries:
		return nil, fileError(form.TooLarge, fmt.Sprintf("%d entries", len(z.File)))
	case len(z.File) == 0:
		return nil, fileError(form.NotAWorkbook, "an empty archive")
	}
	directory.spent = true
	a := &archive{ctx: ctx, r: r, files: make(map[string]entry, len(z.File))}
	type span struct{ from, to int64 }
	var spans []span
	for _, f := range z.File {
		if f.Flags&1 != 0 {
			return nil, fileError(form.PasswordProtected, "an encrypted entry")
		}
		name := strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))
		if _, twice := a.files[name]; twice {
			return nil, fileError(form.Corrupt, "two entries of one name")
		}
		from, err := f.DataOffset()
		if err != nil {
			return nil, fileError(form.Corrupt, "archive: "+err.Error())
		}
		to := from + int64(f.CompressedSize64)
		if to > size || to < from {
			return nil, fileError(form.Truncated, "an entry ends beyond the file")
		}
		a.files[name] = entry{f, from}
		spans = append(spans, span{from, to})
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			return nil, fileError(form.ZipBomb, "entries overlap")
		}
	}
	return a, nil
}

// allowance lets a zip archive's directory be read to a limit, as it is held
// whole, however many entries it claims. After that it is the file itself.
type allowance struct {
	r     io.ReaderAt
	left  int64 // bytes, below 0 when more were asked for
	spent bool  // the directory has been read
}

func (a *allowance) ReadAt(b []byte, off int64) (int, error) {
	if !a.spent {
		if a.left -= int64(len(b)); a.left < 0 {
			return 0, io.ErrUnexpectedEOF
		}
	}
	return a.r.ReadAt(b, off)
}

func (a *archive) find(part string) (entry, bool) {
	e, ok := a.files[strings.ToLower(part)]
	return e, ok
}

// open unpacks an entry, to a limit. Reading it ends in io.EOF only when all
// of it was there and its check sum is right.
func (a *archive) open(e entry, limit int64) (io.Reader, error) {
	p := &part{ctx: a.ctx, entry: e, limit: limit}
	packed := io.NewSectionReader(a.r, e.from, int64(e.CompressedSize64))
	switch e.Method {
	case zip.Store:
		p.r = packed
	case zip.Deflate:
		p.r = flate.NewReader(bufio.NewReaderSize(packed, int(min(e.CompressedSize64, window))))
	default:
		return nil, fileError(form.Corrupt, fmt.Sprintf("archive: method %d", e.Method))
	}
	return p, nil
}

// part unpacks one entry, holds the limits on it and sums it up.
type part struct {
	ctx   context.Context
	r     io.Reader
	entry entry
	limit int64
	read  int64
	sum   uint32
	err   error
}

func (p *part) Read(b []byte) (int, error) {
	if p.err == nil {
		p.err = p.ctx.Err()
	}
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.r.Read(b)
	p.read += int64(n)
	p.sum = crc32.Update(p.sum, crc32.IEEETable, b[:n])
	switch packed := int64(p.entry.CompressedSize64); {
	case p.read > bombFree && p.read/bombRate > packed:
		p.err = fileError(form.ZipBomb, "a part unpacks to more than 100 times its size")
	case p.read > p.limit:
		p.err = fileError(form.TooLarge, "a part unpacks to more than its limit")
	case err == nil:
		return n, nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		p.err = fileError(form.Truncated, "a part ends too early")
	case !errors.Is(err, io.EOF):
		p.err = fileError(form.Corrupt, "a part that can't be unpacked")
	case uint64(p.read) != p.entry.UncompressedSize64, p.sum != p.entry.CRC32:
		p.err = fileError(form.Corrupt, "a wrong check sum")
	default:
		p.err = io.EOF
	}
	return n, p.err
}
