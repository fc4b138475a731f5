package mend

import (
	"bytes"
	"io"
	"regexp"
	"strconv"
)

// styles is a workbook's sheet of formats, to which some are added.
type styles struct {
	before, behind []byte
	root           []byte   // the tag around the cells' formats
	formats        [][]byte // of cells, by the number that a cell gives
	twins          []int    // of which formats, in the order of their numbers behind those
	twin           map[int]int
}

func readStyles(b []byte) (*styles, error) {
	var s *styles
	_, err := children(b, func(name string, raw []byte) error {
		if name != "cellXfs" || s != nil {
			return nil
		}
		at := bytes.Index(b, raw)
		s = &styles{before: b[:at], behind: b[at+len(raw):], twin: map[int]int{}}
		var err error
		s.root, err = children(raw, func(_ string, format []byte) error {
			s.formats = append(s.formats, format)
			return nil
		})
		return err
	})
	if err != nil || s == nil || len(s.formats) == 0 || bytes.HasSuffix(s.root, []byte("/>")) {
		return nil, errFrame
	}
	return s, nil
}

// quoted is the format that looks as the given one and says that what the
// cell holds is a text, whatever it begins with.
func (s *styles) quoted(style int) int {
	n, ok := s.twin[style]
	if !ok {
		n = len(s.formats) + len(s.twins)
		s.twins, s.twin[style] = append(s.twins, style), n
	}
	return n
}

var quotePrefix = regexp.MustCompile(`\squotePrefix\s*=\s*(?:"[^"]*"|'[^']*')`)

func (s *styles) write(w io.Writer) error {
	var b bytes.Buffer
	b.Write(s.before)
	b.Write(count.ReplaceAll(s.root, []byte(`${1}"`+strconv.Itoa(len(s.formats)+len(s.twins))+`"`)))
	for _, format := range s.formats {
		b.Write(format)
	}
	for _, style := range s.twins {
		format := s.formats[style]
		end := bytes.IndexByte(format, '>') + 1
		tag := quotePrefix.ReplaceAll(format[:end], nil)
		name := 1 + bytes.IndexAny(tag[1:], " \t\r\n/>")
		b.Write(tag[:name])
		b.WriteString(` quotePrefix="1"`)
		b.Write(tag[name:])
		b.Write(format[end:])
	}
	name := s.root[1 : 1+bytes.IndexAny(s.root[1:], " \t\r\n/>")]
	b.WriteString("</" + string(name) + ">")
	b.Write(s.behind)
	_, err := w.Write(b.Bytes())
	return err
}
