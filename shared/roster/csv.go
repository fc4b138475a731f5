package roster

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// delimiters that may stand between the fields; the first is taken when the
// header leaves it open.
const delimiters = ",\t;"

// readCSV reads a roster saved as text. Which delimiter it has is decided by
// which one makes a header.
func readCSV(ctx context.Context, r io.ReaderAt, size int64) (*Sheet, error) {
	raw, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, fmt.Errorf("read roster: %w", err)
	}
	s, err := decode(raw)
	if err != nil {
		return nil, err
	}
	if clean(s[:min(len(s), 4096)]) == "" && strings.TrimSpace(s) == "" {
		return nil, fileError(form.EmptyFile, "white space only")
	}
	delimiter, most := delimiters[0], 0
	for _, d := range []byte(delimiters) {
		// What is wrong with a line shows when the file is read in earnest.
		top, _ := parseCSV(ctx, s, d, headerRows)
		if h, _ := findHeader(top); len(h.column) > most {
			delimiter, most = d, len(h.column)
		}
	}
	lines, err := parseCSV(ctx, s, delimiter, maxRow)
	if err != nil {
		return nil, err
	}
	return check(ctx, grid{lines: lines})
}

// decode makes text of UTF-8, with or without a byte order mark, or GB18030.
func decode(raw []byte) (string, error) {
	s := strings.TrimPrefix(string(raw), utf8BOM)
	if utf8.ValidString(s) {
		return s, nil
	}
	if cutShort(s) {
		return "", &FileError{Code: form.Truncated, Detail: "the last character is incomplete", Row: strings.Count(s, "\n") + 1}
	}
	if len(s) < len(raw) {
		return "", fileError(form.EncodingUnknown, "a UTF-8 mark, but other bytes")
	}
	decoded, err := simplifiedchinese.GB18030.NewDecoder().String(s)
	// Nearly any bytes are some GB18030, but other encodings soon hit what is
	// unassigned or for private use there.
	if err != nil || strings.ContainsFunc(decoded, func(r rune) bool { return r == utf8.RuneError || unicode.Is(unicode.Co, r) }) {
		return "", fileError(form.EncodingUnknown, "neither UTF-8 nor GB18030")
	}
	return decoded, nil
}

// cutShort reports UTF-8 that was cut inside its last character.
func cutShort(s string) bool {
	for n := 1; n < utf8.UTFMax && n < len(s); n++ {
		head, tail := s[:len(s)-n], s[len(s)-n:]
		if !utf8.FullRuneInString(tail) && utf8.ValidString(head) {
			return strings.ContainsFunc(head, func(r rune) bool { return r >= utf8.RuneSelf })
		}
	}
	return false
}

// parseCSV splits text into lines, the first most of them or an error when
// there are more and most is maxRow. Lines are counted as a spreadsheet
// program counts rows: blank ones too, and a quoted line break is none.
func parseCSV(ctx context.Context, s string, delimiter byte, most int) ([]line, error) {
	var lines []line
	for number := 1; s != ""; number++ {
		if number > most {
			if most < maxRow {
				return lines, nil
			}
			return nil, &FileError{Code: form.TooManyRows, Detail: "more than 1,048,576 rows", Row: most}
		}
		if number%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		l := line{number: number}
		for last := false; !last; {
			var f string
			var err error
			if f, s, last, err = field(s, delimiter, number); err != nil {
				return lines, err
			}
			if len(l.cells) < maxColumns {
				l.cells = append(l.cells, cell{text: f})
			}
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// field takes the next field off s, and its delimiter or line break; last
// reports that a line ends with it.
func field(s string, delimiter byte, number int) (f, rest string, last bool, err error) {
	if strings.HasPrefix(s, `"`) {
		if f, s, err = quoted(s[1:], number); err != nil {
			return "", "", false, err
		}
		s = strings.TrimLeft(s, " ")
	} else {
		end := strings.IndexAny(s, string([]byte{delimiter, '\r', '\n'}))
		if end < 0 {
			end = len(s)
		}
		f, s = s[:end], s[end:]
	}
	if len(f) > maxToken {
		return "", "", false, &FileError{Code: form.Corrupt, Detail: "a field of more than 1 MiB", Row: number}
	}
	// ="0086" is how some programs keep a number's zeros from Excel.
	if inner, ok := strings.CutPrefix(f, `="`); ok && strings.HasSuffix(inner, `"`) {
		f = inner[:len(inner)-1]
	}
	switch {
	case s == "":
		return f, "", true, nil
	case s[0] == delimiter:
		return f, s[1:], false, nil
	case strings.HasPrefix(s, "\r\n"):
		return f, s[2:], true, nil
	case s[0] == '\n', s[0] == '\r':
		return f, s[1:], true, nil
	}
	return "", "", false, &FileError{Code: form.Corrupt, Detail: "text after a closing quote", Row: number}
}

// quoted takes a field off s up to its closing quote; two quotes are one that
// is meant.
func quoted(s string, number int) (f, rest string, err error) {
	var b strings.Builder
	for {
		end := strings.IndexByte(s, '"')
		if end < 0 {
			return "", "", &FileError{Code: form.Truncated, Detail: "a quote is never closed", Row: number}
		}
		b.WriteString(s[:end])
		s = s[end+1:]
		if !strings.HasPrefix(s, `"`) {
			return b.String(), s, nil
		}
		b.WriteByte('"')
		s = s[1:]
	}
}
