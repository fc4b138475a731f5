package roster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// delimiters that may stand between the fields; the first is taken when the
// header leaves it open.
const delimiters = ",\t;"

// textBuffer is how many bytes of a text file are held at a time.
const textBuffer = 64 << 10

// openCSV makes a roster that was saved as text ready to be read. Which
// delimiter it has is decided by which one makes a header.
func openCSV(ctx context.Context, r io.ReaderAt, size int64, most int) (*file, error) {
	text, err := decoded(ctx, r, size)
	if err != nil {
		return nil, err
	}
	delimiter, columns := delimiters[0], 0
	for _, d := range []byte(delimiters) {
		if h, _ := findHeader(topLines(newCSVReader(text(), d, maxText))); len(h.column) > columns {
			delimiter, columns = d, len(h.column)
		}
	}
	none := func() []merge { return nil }
	lines := func(take func(line) error) ([]merge, error) {
		c := newCSVReader(text(), delimiter, most)
		for {
			l, err := c.next()
			if errors.Is(err, io.EOF) {
				return nil, nil
			}
			if err == nil && len(l.cells) > 0 {
				err = take(l)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return &file{lines: lines, merges: none}, nil
}

// decoded finds out whether a file is UTF-8, with or without a byte order mark,
// UTF-16 with one, or GB18030. What it gives is its text from the beginning, as
// UTF-8.
func decoded(ctx context.Context, r io.ReaderAt, size int64) (text func() io.Reader, err error) {
	mark := make([]byte, min(len(utf8BOM), int(size)))
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), mark); err != nil {
		return nil, fmt.Errorf("read roster: %w", err)
	}
	from := int64(0)
	raw := func() io.Reader { return io.NewSectionReader(r, from, size-from) }
	as := func(e encoding.Encoding) func() io.Reader {
		return func() io.Reader { return e.NewDecoder().Reader(raw()) }
	}
	order := unicode.LittleEndian
	switch {
	case strings.HasPrefix(string(mark), utf16BE):
		order = unicode.BigEndian
		fallthrough
	case strings.HasPrefix(string(mark), utf16LE):
		if from = int64(len(utf16LE)); size%2 != 0 {
			return nil, fileError(form.Truncated, "half a character of UTF-16")
		}
		text = as(unicode.UTF16(order, unicode.IgnoreBOM))
		return text, checkDecoded(ctx, text(), true)
	case string(mark) == utf8BOM:
		from = int64(len(mark))
	}
	if ok, err := isUTF8(ctx, raw()); ok || err != nil {
		return raw, err
	}
	if from > 0 {
		return nil, fileError(form.EncodingUnknown, "a UTF-8 mark, but other bytes")
	}
	text = as(simplifiedchinese.GB18030)
	return text, checkDecoded(ctx, text(), false)
}

// isUTF8 reads text to its end. UTF-8 that was cut inside its last character
// is a *FileError.
func isUTF8(ctx context.Context, r io.Reader) (bool, error) {
	buf := make([]byte, textBuffer)
	kept, lines, wide := 0, 0, false // bytes of an incomplete character; line breaks; any character but ASCII
	for {
		n, err := r.Read(buf[kept:])
		part := buf[:kept+n]
		whole := len(part)
		for i := 1; i < utf8.UTFMax && i <= len(part); i++ {
			if tail := part[len(part)-i:]; utf8.RuneStart(tail[0]) {
				if !utf8.FullRune(tail) {
					whole -= i
				}
				break
			}
		}
		if !utf8.Valid(part[:whole]) {
			return false, ctx.Err()
		}
		for _, b := range part[:whole] {
			switch b {
			case 0:
				return false, &FileError{Code: form.NotAWorkbook, Detail: "binary data", Row: lines}
			case '\n':
				lines++
			}
			wide = wide || b >= utf8.RuneSelf
		}
		kept = copy(buf, part[whole:])
		switch {
		case errors.Is(err, io.EOF) && kept > 0 && wide:
			return false, &FileError{Code: form.Truncated, Detail: "the last character is incomplete", Row: lines + 1}
		case errors.Is(err, io.EOF):
			return kept == 0, nil
		case err != nil:
			return false, fmt.Errorf("read roster: %w", err)
		case ctx.Err() != nil:
			return false, ctx.Err()
		}
	}
}

// checkDecoded reads decoded text to its end. Nearly any bytes are some
// GB18030, but other encodings soon hit what is unassigned or for private use
// there; UTF-16 was marked as such.
func checkDecoded(ctx context.Context, r io.Reader, marked bool) error {
	text := bufio.NewReaderSize(r, textBuffer)
	for n := 0; ; n++ {
		c, _, err := text.ReadRune()
		private := c >= 0xe000 && c <= 0xf8ff || c >= 0xf0000
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case marked && (c == utf8.RuneError || c == 0 && err == nil):
			return fileError(form.EncodingUnknown, "damaged UTF-16")
		case err != nil, c == utf8.RuneError, c == 0, private && !marked:
			return fileError(form.EncodingUnknown, "neither UTF-8 nor GB18030")
		case n%textBuffer == 0 && ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// topLines are the lines where a header may stand. What is wrong with one
// shows when the file is read in earnest.
func topLines(c *csvReader) []line {
	var lines []line
	for range headerRows {
		l, err := c.next()
		if err != nil {
			break
		}
		lines = append(lines, l.keep())
	}
	return lines
}

// csvReader splits text into lines. They are counted as a spreadsheet program
// counts rows: blank ones too, and a quoted line break is none.
type csvReader struct {
	text      *bufio.Reader
	delimiter byte
	most      int    // bytes of a field that are kept
	number    int    // of the line that is being read
	field     []byte // that is being read
	line      line   // that is being read
	buf       []byte // its texts
}

func newCSVReader(text io.Reader, delimiter byte, most int) *csvReader {
	return &csvReader{text: bufio.NewReaderSize(text, textBuffer), delimiter: delimiter, most: most}
}

// next is the next line, until the one after it is asked for; io.EOF after the
// last.
func (c *csvReader) next() (line, error) {
	if _, err := c.text.Peek(1); err != nil {
		return line{}, err
	}
	if c.number == maxRow {
		return line{}, &FileError{Code: form.TooManyRows, Detail: "more than 1,048,576 rows", Row: c.number}
	}
	c.number++
	c.line.number, c.line.cells, c.buf = c.number, c.line.cells[:0], c.buf[:0]
	for column := 0; ; column++ {
		last, err := c.nextField()
		if err != nil {
			return line{}, err
		}
		if column < maxColumns && len(c.field) > 0 {
			from := len(c.buf)
			c.buf = append(c.buf, cut(c.field, c.most)...)
			c.line.set(column, cell{text: unsafe.String(unsafe.SliceData(c.buf[from:]), len(c.buf)-from)})
		}
		if last {
			return c.line, nil
		}
	}
}

// nextField takes the next field, and its delimiter or line break; last
// reports that a line ends with it.
func (c *csvReader) nextField() (last bool, err error) {
	c.field = c.field[:0]
	b, err := c.text.ReadByte()
	if err == nil && b == '"' {
		if err := c.quoted(); err != nil {
			return false, err
		}
		for b, err = c.text.ReadByte(); err == nil && b == ' '; {
			b, err = c.text.ReadByte()
		}
	} else {
		for err == nil && b != c.delimiter && b != '\n' && b != '\r' {
			c.put(b)
			b, err = c.text.ReadByte()
		}
	}
	if len(c.field) > maxToken {
		return false, &FileError{Code: form.Corrupt, Detail: "a field of more than 1 MiB", Row: c.number}
	}
	// ="0086" is how some programs keep a number's zeros from Excel.
	if n := len(c.field); n > 2 && c.field[0] == '=' && c.field[1] == '"' && c.field[n-1] == '"' {
		c.field = c.field[:copy(c.field, c.field[2:n-1])]
	}
	switch {
	case errors.Is(err, io.EOF):
		return true, nil
	case err != nil:
		return false, err
	case b == c.delimiter:
		return false, nil
	case b == '\n':
		return true, nil
	case b == '\r':
		if next, err := c.text.Peek(1); err == nil && next[0] == '\n' {
			_, err = c.text.Discard(1)
			return true, err
		}
		return true, nil
	}
	return false, &FileError{Code: form.Corrupt, Detail: "text after a closing quote", Row: c.number}
}

// quoted takes a field up to its closing quote; two quotes are one that is
// meant.
func (c *csvReader) quoted() error {
	for {
		b, err := c.text.ReadByte()
		if errors.Is(err, io.EOF) {
			return &FileError{Code: form.Truncated, Detail: "a quote is never closed", Row: c.number}
		}
		if err != nil {
			return err
		}
		if b == '"' {
			if next, err := c.text.Peek(1); err != nil || next[0] != '"' {
				return nil
			}
			if _, err := c.text.Discard(1); err != nil {
				return err
			}
		}
		c.put(b)
	}
}

// put adds a byte to the field, no more than tell that there are too many.
func (c *csvReader) put(b byte) {
	if len(c.field) <= maxToken {
		c.field = append(c.field, b)
	}
}
