package roster

import (
	"archive/zip"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// Limits on what is really read out of a workbook (design.md section 4). What
// a file says of its own sizes is not believed.
const (
	maxEntries   = 500
	maxDirectory = 1 << 20   // bytes of the archive's list of entries
	maxRelations = 1000      // of one part
	maxSheet     = 2 << 30   // bytes unpacked
	maxStrings   = 512 << 20 // bytes unpacked
	maxPart      = 8 << 20   // bytes unpacked of the small parts
	maxToken     = 1 << 20   // bytes between two tags
	maxDepth     = 64        // elements inside one another; a worksheet has ten or so
	maxAttrs     = 256       // attributes of one tag; the root's name spaces are the most, some dozens
	maxMerges    = 1 << 20   // merged areas
	bombFree     = 10 << 20  // bytes that may unpack at any rate
	bombRate     = 100       // beyond that, so many bytes a packed one
)

// readWorkbook reads the first visible worksheet of an .xlsx file. Parts are
// found by their relationships, never by name, as writers name them freely.
func readWorkbook(ctx context.Context, r io.ReaderAt, size int64) (*rows, error) {
	p, err := openPackage(ctx, r, size)
	if err != nil {
		return nil, err
	}
	root, err := p.relationships("")
	if err != nil {
		return nil, err
	}
	book := ""
	for _, rel := range root {
		if rel.is("officeDocument") {
			book = rel.target
		}
	}
	f := p.find(book)
	if f == nil || !p.says(book, "sheet.main+xml", "template.main+xml", "sheet.macroEnabled.main+xml") {
		return nil, fileError(form.NotAWorkbook, p.what())
	}
	rels, err := p.relationships(book)
	if err != nil {
		return nil, err
	}
	sheet, err := p.firstVisible(f, rels)
	if err != nil {
		return nil, err
	}
	shared := &texts{}
	for _, rel := range rels {
		if rel.is("sharedStrings") {
			if f := p.find(rel.target); f != nil {
				if shared, err = p.sharedStrings(f); err != nil {
					return nil, err
				}
			}
		}
	}
	return p.worksheet(sheet, shared)
}

// workbookPackage is the zip archive that an .xlsx file is.
type workbookPackage struct {
	ctx   context.Context
	files map[string]*zip.File // by name in lower case, as part names ignore case
	types map[string]string    // content type by part name in lower case with a leading slash, or by extension
}

func openPackage(ctx context.Context, r io.ReaderAt, size int64) (*workbookPackage, error) {
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
	p := &workbookPackage{ctx: ctx, files: map[string]*zip.File{}, types: map[string]string{}}
	type span struct{ from, to int64 }
	var spans []span
	for _, f := range z.File {
		if f.Flags&1 != 0 {
			return nil, fileError(form.PasswordProtected, "an encrypted entry")
		}
		name := strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))
		if p.files[name] != nil {
			return nil, fileError(form.Corrupt, "two entries of one name")
		}
		p.files[name] = f
		from, err := f.DataOffset()
		if err != nil {
			return nil, fileError(form.Corrupt, "archive: "+err.Error())
		}
		to := from + int64(f.CompressedSize64)
		if to > size || to < from {
			return nil, fileError(form.Truncated, "an entry ends beyond the file")
		}
		spans = append(spans, span{from, to})
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			return nil, fileError(form.ZipBomb, "entries overlap")
		}
	}
	return p, p.contentTypes()
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

func (p *workbookPackage) contentTypes() error {
	f := p.find("[Content_Types].xml")
	if f == nil {
		return fileError(form.NotAWorkbook, p.what())
	}
	return p.scan(f, maxPart, func(d *decoder) error {
		return d.each(func(e xml.StartElement) error {
			switch e.Name.Local {
			case "Override":
				p.types[strings.ToLower(attr(e, "PartName"))] = attr(e, "ContentType")
			case "Default":
				p.types[strings.ToLower(attr(e, "Extension"))] = attr(e, "ContentType")
			}
			return nil
		})
	})
}

// says reports whether the part's content type ends in one of these.
func (p *workbookPackage) says(part string, types ...string) bool {
	t, ok := p.types["/"+strings.ToLower(part)]
	if !ok {
		t = p.types[strings.TrimPrefix(path.Ext(strings.ToLower(part)), ".")]
	}
	return slices.ContainsFunc(types, func(end string) bool { return strings.HasSuffix(t, end) })
}

// what says what an archive is that is no workbook.
func (p *workbookPackage) what() string {
	for _, known := range []struct{ part, what string }{
		{"xl/workbook.bin", "an .xlsb workbook"}, {"word/document.xml", "a .docx document"}, {"ppt/presentation.xml", "a .pptx presentation"},
		{"content.xml", "an OpenDocument file"}, {"index/document.iwa", "a Numbers file"},
	} {
		if p.find(known.part) != nil {
			return known.what
		}
	}
	return "an archive without a workbook"
}

func (p *workbookPackage) find(part string) *zip.File { return p.files[strings.ToLower(part)] }

type relationship struct{ id, kind, target string }

// is compares the last word only: there is a transitional and a strict
// spelling of what stands before it.
func (r relationship) is(kind string) bool { return path.Base(r.kind) == kind }

// relationships of a part, or of the package when part is "".
func (p *workbookPackage) relationships(part string) ([]relationship, error) {
	dir, base := path.Split(part)
	f := p.find(path.Join(dir, "_rels", base+".rels"))
	if f == nil {
		return nil, fileError(form.NotAWorkbook, p.what())
	}
	var rels []relationship
	err := p.scan(f, maxPart, func(d *decoder) error {
		return d.each(func(e xml.StartElement) error {
			if e.Name.Local != "Relationship" || attr(e, "TargetMode") == "External" {
				return nil
			}
			target := strings.ReplaceAll(attr(e, "Target"), `\`, "/")
			if !strings.HasPrefix(target, "/") {
				target = path.Join(dir, target)
			}
			if len(rels) == maxRelations {
				return fileError(form.TooLarge, fmt.Sprintf("more than %d relationships", maxRelations))
			}
			rels = append(rels, relationship{attr(e, "Id"), attr(e, "Type"), strings.TrimPrefix(path.Clean("/"+target), "/")})
			return nil
		})
	})
	return rels, err
}

// firstVisible is the first worksheet that isn't hidden, in the order of the tabs.
func (p *workbookPackage) firstVisible(book *zip.File, rels []relationship) (*zip.File, error) {
	var sheet *zip.File
	err := p.scan(book, maxPart, func(d *decoder) error {
		return d.each(func(e xml.StartElement) error {
			if e.Name.Local != "sheet" || sheet != nil || strings.HasSuffix(strings.ToLower(attr(e, "state")), "hidden") {
				return nil
			}
			for _, rel := range rels {
				if rel.id != attr(e, "id") || !rel.is("worksheet") {
					continue
				}
				if sheet = p.find(rel.target); sheet == nil {
					return fileError(form.Corrupt, "the sheet isn't in the file")
				}
			}
			return nil
		})
	})
	if err == nil && sheet == nil {
		err = fileError(form.EmptyFile, "no visible worksheet")
	}
	return sheet, err
}

// sharedStrings are the texts that cells point to by number.
func (p *workbookPackage) sharedStrings(f *zip.File) (*texts, error) {
	all := &texts{}
	err := p.scan(f, maxStrings, func(d *decoder) error {
		return d.each(func(e xml.StartElement) error {
			if e.Name.Local != "si" {
				return nil
			}
			s, err := d.richText("si")
			if err != nil {
				return err
			}
			return all.add(s)
		})
	})
	all.seal()
	return all, err
}

// scan reads a part whole, to the check sum at its end.
func (p *workbookPackage) scan(f *zip.File, limit int64, read func(*decoder) error) error {
	rc, err := f.Open()
	if err != nil {
		return fileError(form.Corrupt, "archive: "+err.Error())
	}
	defer rc.Close()
	d := newDecoder(p.ctx, rc, limit, int64(f.CompressedSize64))
	if err := read(d); err != nil {
		return err
	}
	return d.end()
}
