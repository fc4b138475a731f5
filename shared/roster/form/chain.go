package form

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// MaxGroups is how many groups a drop-down offers; a longer one is no help to
// anybody.
const MaxGroups = 5000

// Where a chain's template has what is filled in: the sheet to fill, whose
// drop-down names the range of the list, and the hidden sheet of the list.
const (
	rosterPart = "xl/worksheets/sheet1.xml"
	groupsPart = "xl/worksheets/sheet4.xml"
)

var (
	groupRange = []byte("$A$1:$A$1<")
	groupRows  = regexp.MustCompile(`<sheetData(?:/>|></sheetData>)`)
	dimension  = regexp.MustCompile(`<dimension [^>]*(?:/>|></dimension>)`)
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
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return fmt.Errorf("chain template: %w", err)
	}
	out := zip.NewWriter(w)
	for _, f := range z.File {
		switch f.Name {
		case rosterPart:
			err = rewrite(out, f, func(b []byte) []byte {
				return bytes.Replace(b, groupRange, []byte("$A$1:$A$"+strconv.Itoa(len(paths))+"<"), 1)
			})
		case groupsPart:
			err = rewrite(out, f, func(b []byte) []byte {
				return groupRows.ReplaceAllLiteral(dimension.ReplaceAllLiteral(b, nil), list(paths))
			})
		default:
			err = out.Copy(f)
		}
		if err != nil {
			return fmt.Errorf("chain template: %w", err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("chain template: %w", err)
	}
	return nil
}

// rewrite copies a part with a change, which must be one.
func rewrite(z *zip.Writer, f *zip.File, change func([]byte) []byte) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	was, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	now := change(was)
	if bytes.Equal(now, was) {
		return errors.New(f.Name + " has no place to fill in")
	}
	w, err := z.Create(f.Name)
	if err != nil {
		return err
	}
	_, err = w.Write(now)
	return err
}

// list is a sheet's rows, a text each.
func list(texts []string) []byte {
	var b bytes.Buffer
	b.WriteString("<sheetData>")
	for i, t := range texts {
		fmt.Fprintf(&b, `<row r="%d"><c r="A%d" s="2" t="inlineStr"><is><t xml:space="preserve">`, i+1, i+1)
		// A workbook takes _x0041_ for a character, but not behind _x005F_,
		// which is an underscore.
		xml.EscapeText(&b, []byte(strings.ReplaceAll(t, "_x", "_x005F_x"))) // a buffer takes all
		b.WriteString("</t></is></c></row>")
	}
	b.WriteString("</sheetData>")
	return b.Bytes()
}
