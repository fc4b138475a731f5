package form

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
)

// MaxGroups is how many groups a drop-down offers; a longer one is no help to
// anybody.
const MaxGroups = 5000

// The parts of a chain's template that are filled in, and what stands there
// beforehand: the sheet to fill, whose drop-down names the range of the list,
// and the hidden sheet of the list. ./make puts them last, and packs them not.
const (
	RosterPart = "xl/worksheets/sheet1.xml"
	GroupsPart = "xl/worksheets/sheet4.xml"

	groupRange = "$A$1:$A$1<"
	groupSize  = `<dimension ref="A1"></dimension>`
	noGroups   = "<sheetData></sheetData>"
)

// ChainTemplate writes the empty roster with a drop-down of a chain's groups:
// their paths, as the roster spells them, the first MaxGroups of them. Another
// group may be typed all the same. Without groups it is Template.
func ChainTemplate(w io.Writer, lang string, paths []string) error {
	if len(paths) == 0 {
		return Template(w, lang)
	}
	paths = paths[:min(len(paths), MaxGroups)]
	b := chineseChain
	if English(lang) {
		b = englishChain
	}
	b, err := fill(b, func(part, was string) (string, error) {
		if part == RosterPart {
			return replace(was, groupRange, "$A$1:$A$"+strconv.Itoa(len(paths))+"<")
		}
		return replace(was, groupSize, "", noGroups, list(paths))
	})
	if err == nil {
		_, err = w.Write(b)
	}
	if err != nil {
		return fmt.Errorf("chain template: %w", err)
	}
	return nil
}

// replace puts other texts in the place of some, in turn, each of which must be
// there.
func replace(s string, changes ...string) (string, error) {
	for i := 0; i < len(changes); i += 2 {
		before, after, ok := strings.Cut(s, changes[i])
		if !ok {
			return "", errors.New("there is no place to fill in")
		}
		s = before + changes[i+1] + after
	}
	return s, nil
}

// Where a zip archive's records have what fill looks at (PKWARE's APPNOTE,
// 4.3): an entry's own, the directory's and the one at the end.
const (
	localCRC, localName, localExtra, localSize                                  = 14, 26, 28, 30
	dirMethod, dirCRC, dirName, dirExtra, dirComment, dirEntryOffset, dirRecord = 10, 16, 28, 30, 32, 42, 46
	endDirSize, endDirOffset, endSize                                           = 12, 16, 22
)

// fill changes the entries of a zip archive that aren't packed, which stand
// last in it. It is written out because archive/zip takes the door that hands
// out templates past its 9 MB.
func fill(archive []byte, change func(name, was string) (string, error)) ([]byte, error) {
	le := binary.LittleEndian
	end := len(archive) - endSize // there is no comment behind it
	begin := int(le.Uint32(archive[end+endDirOffset:]))
	var out, directory []byte
	for at, next := begin, 0; at < end; at = next {
		name := at + dirRecord
		extra := name + int(le.Uint16(archive[at+dirName:]))
		next = extra + int(le.Uint16(archive[at+dirExtra:])) + int(le.Uint16(archive[at+dirComment:]))
		record := bytes.Clone(archive[at:next])
		if le.Uint16(record[dirMethod:]) == 0 {
			from := int(le.Uint32(record[dirEntryOffset:]))
			if out == nil {
				out = bytes.Clone(archive[:from])
			}
			content := from + localSize + int(le.Uint16(archive[from+localName:])) + int(le.Uint16(archive[from+localExtra:]))
			now, err := change(string(archive[name:extra]), string(archive[content:content+int(le.Uint32(record[dirCRC+4:]))]))
			if err != nil {
				return nil, err
			}
			local := bytes.Clone(archive[from:content])
			for _, r := range [][]byte{record[dirCRC:], local[localCRC:]} { // the check sum, then the size packed and unpacked
				le.PutUint32(r, crc32.ChecksumIEEE([]byte(now)))
				le.PutUint32(r[4:], uint32(len(now)))
				le.PutUint32(r[8:], uint32(len(now)))
			}
			le.PutUint32(record[dirEntryOffset:], uint32(len(out)))
			out = append(append(out, local...), now...)
		}
		directory = append(directory, record...)
	}
	last := bytes.Clone(archive[end:])
	le.PutUint32(last[endDirSize:], uint32(len(directory)))
	le.PutUint32(last[endDirOffset:], uint32(len(out)))
	return append(append(out, directory...), last...), nil
}

// escape makes a text XML. A workbook takes _x0041_ for a character, but not
// behind _x005F_, which is an underscore. Groups' names have no character that
// XML can't hold.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "_x", "_x005F_x")

// list is a sheet's rows, a text each.
func list(texts []string) string {
	var b strings.Builder
	b.WriteString("<sheetData>")
	for i, t := range texts {
		n := strconv.Itoa(i + 1)
		b.WriteString(`<row r="` + n + `"><c r="A` + n + `" s="2" t="inlineStr"><is><t xml:space="preserve">` + escape.Replace(t) + "</t></is></c></row>")
	}
	b.WriteString("</sheetData>")
	return b.String()
}
