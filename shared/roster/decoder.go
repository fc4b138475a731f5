package roster

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// decoder reads the XML of one part tag by tag, and turns whatever is wrong
// with it into a *FileError that says how far it came.
type decoder struct {
	xml   *xml.Decoder
	part  *partReader
	depth int    // open elements
	row   int    // the sheet's row that is being read
	cells []cell // of that row
}

func newDecoder(ctx context.Context, r io.Reader, limit, packed int64) *decoder {
	part := &partReader{ctx: ctx, r: r, limit: limit, packed: packed}
	return &decoder{xml: xml.NewDecoder(part), part: part}
}

// next is the next token; io.EOF only after the part's root has closed and
// its check sum was right.
func (d *decoder) next() (xml.Token, error) {
	d.part.sinceToken = 0
	t, err := d.xml.Token()
	if err != nil {
		return nil, d.fail(err)
	}
	switch t := t.(type) {
	case xml.Directive:
		return nil, &FileError{Code: form.Corrupt, Detail: "a document type definition", Row: d.row}
	case xml.StartElement:
		// The XML decoder keeps what is open, and each name space in it.
		if d.depth++; d.depth > maxDepth {
			return nil, &FileError{Code: form.Corrupt, Detail: fmt.Sprintf("more than %d elements inside one another", maxDepth), Row: d.row}
		}
		if len(t.Attr) > maxAttrs {
			return nil, &FileError{Code: form.Corrupt, Detail: fmt.Sprintf("a tag of more than %d attributes", maxAttrs), Row: d.row}
		}
	case xml.EndElement:
		d.depth--
	}
	return t, nil
}

// each calls f with every start tag up to the part's end.
func (d *decoder) each(f func(xml.StartElement) error) error {
	for {
		t, err := d.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := f(e); err != nil {
				return err
			}
		}
	}
}

// end reads on to the part's end, so that its check sum is compared.
func (d *decoder) end() error { return d.each(func(xml.StartElement) error { return nil }) }

// text is the character data up to the end tag of an element just opened.
func (d *decoder) text(element string) (string, error) {
	var b strings.Builder
	for {
		t, err := d.inside()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.CharData:
			if b.Write(t); b.Len() > maxToken {
				return "", &FileError{Code: form.Corrupt, Detail: "a text of more than 1 MiB", Row: d.row}
			}
		case xml.EndElement:
			if t.Name.Local == element {
				return unescape(b.String()), nil
			}
		}
	}
}

// richText joins the runs of an element just opened, without the phonetic
// reading (rPh) that may follow them.
func (d *decoder) richText(element string) (string, error) {
	var b strings.Builder
	phonetic := 0
	for {
		t, err := d.inside()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "rPh":
				phonetic++
			case "t":
				s, err := d.text("t")
				if err != nil {
					return "", err
				}
				if phonetic == 0 {
					b.WriteString(s)
				}
				if b.Len() > maxToken {
					return "", &FileError{Code: form.Corrupt, Detail: "a text of more than 1 MiB", Row: d.row}
				}
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "rPh":
				phonetic--
			case element:
				return b.String(), nil
			}
		}
	}
}

// inside is next where the part can't end.
func (d *decoder) inside() (xml.Token, error) {
	t, err := d.next()
	if errors.Is(err, io.EOF) {
		return nil, &FileError{Code: form.Truncated, Detail: "the part ends inside an element", Row: d.row}
	}
	return t, err
}

// fail says what a reader's error means. The decoder's own texts may quote a
// cell, so they go nowhere.
func (d *decoder) fail(err error) error {
	if e, ok := errors.AsType[*FileError](d.part.failed); ok {
		e.Row = d.row
	}
	syntax, _ := errors.AsType[*xml.SyntaxError](err)
	switch {
	case d.part.failed != nil:
		return d.part.failed
	case errors.Is(err, io.EOF):
		return io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF), syntax != nil && syntax.Msg == "unexpected EOF":
		return &FileError{Code: form.Truncated, Detail: "a part ends too early", Row: d.row}
	case errors.Is(err, zip.ErrChecksum):
		return &FileError{Code: form.Corrupt, Detail: "a wrong check sum", Row: d.row}
	}
	return &FileError{Code: form.Corrupt, Detail: "not well-formed", Row: d.row}
}

// partReader holds the limits on what is unpacked, and remembers why it stopped.
type partReader struct {
	ctx        context.Context
	r          io.Reader
	limit      int64
	packed     int64
	read       int64
	sinceToken int64
	failed     error
}

func (p *partReader) Read(b []byte) (int, error) {
	if p.failed == nil {
		p.failed = p.ctx.Err()
	}
	if p.failed != nil {
		return 0, p.failed
	}
	n, err := p.r.Read(b)
	p.read += int64(n)
	p.sinceToken += int64(n)
	switch {
	case p.read > bombFree && p.read > bombRate*p.packed:
		p.failed = fileError(form.ZipBomb, "a part unpacks to more than 100 times its size")
	case p.read > p.limit:
		p.failed = fileError(form.TooLarge, "a part unpacks to more than its limit")
	case p.sinceToken > maxToken:
		p.failed = fileError(form.Corrupt, "more than 1 MiB without a tag")
	default:
		return n, err
	}
	return 0, p.failed
}

// attr is an attribute by its local name, "" when it isn't there.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// unescape undoes _x000D_, which workbooks write for what XML can't hold, and
// _x005F_, for an underscore that would look like one.
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if r, ok := escape(s[i:]); ok {
			b.WriteRune(r)
			i += len("_x0000_")
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

func escape(s string) (rune, bool) {
	if len(s) < 7 || s[0] != '_' || s[1] != 'x' || s[6] != '_' {
		return 0, false
	}
	var r rune
	for _, c := range s[2:6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | (c - '0')
		case c >= 'A' && c <= 'F':
			r = r<<4 | (c - 'A' + 10)
		case c >= 'a' && c <= 'f':
			r = r<<4 | (c - 'a' + 10)
		default:
			return 0, false
		}
	}
	return r, true
}
