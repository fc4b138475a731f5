package roster

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// events is what a lexer makes of a document: <name a=v>, text in quotes, </name>.
func events(in io.Reader) (string, error) {
	x := newLexer(in, window)
	var b, text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			fmt.Fprintf(&b, "%q", text.String())
			text.Reset()
		}
	}
	for {
		t, err := x.next()
		if err != nil {
			return b.String(), err
		}
		switch t {
		case partEnd:
			return b.String(), nil
		case startTag:
			flush()
			b.WriteString("<" + string(x.name))
			for _, a := range x.attrs {
				fmt.Fprintf(&b, " %s=%q", a.name, decode(nil, a.value))
			}
			b.WriteString(">")
		case endTag:
			flush()
			b.WriteString("</" + string(x.name) + ">")
		case characters:
			text.Write(decode(nil, x.data))
		}
	}
}

// standardEvents is the same by encoding/xml, which is stricter about name spaces
// only where nobody looks.
func standardEvents(document string) (string, error) {
	d := xml.NewDecoder(strings.NewReader(document))
	var b, text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			fmt.Fprintf(&b, "%q", text.String())
			text.Reset()
		}
	}
	depth, rooted := 0, false
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && rooted {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		switch t := t.(type) {
		case xml.StartElement:
			flush()
			depth++
			rooted = true
			b.WriteString("<" + t.Name.Local)
			for _, a := range t.Attr {
				name := a.Name.Local
				if a.Name.Space == "xmlns" {
					name = "xmlns:" + name
				}
				fmt.Fprintf(&b, " %s=%q", name, a.Value)
			}
			b.WriteString(">")
		case xml.EndElement:
			flush()
			depth--
			b.WriteString("</" + t.Name.Local + ">")
		case xml.CharData:
			if depth > 0 {
				text.Write(t)
			}
		case xml.Directive:
			return b.String(), errors.New("a directive")
		}
	}
}

const wellFormed = `<?xml version="1.0" encoding="UTF-8" standalone='yes'?>
<!-- a comment - of sorts --><x:worksheet xmlns:x="urn:x" xmlns="urn:y" a='"' b = "it's &lt;&#x4e00;&#20225;>">` + "\r\n" +
	`<?pi some ?><x:c r="A1"/><x:c r="B1" >甲公司 &amp; sons]] _x000D_</x:c
><![CDATA[<not> & a tag]]><e></e>𠮷😀 &quot;&apos;&gt;` + "\t\n</x:worksheet>\n<!-- end -->\n"

func TestADocumentIsReadAsTheStandardLibraryReadsIt(t *testing.T) {
	t.Parallel()
	want, err := standardEvents(wellFormed)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]io.Reader{
		"at once":        strings.NewReader(wellFormed),
		"byte by byte":   iotest.OneByteReader(strings.NewReader(wellFormed)),
		"with the end":   iotest.DataErrReader(strings.NewReader(wellFormed)),
		"behind a mark":  strings.NewReader(utf8BOM + wellFormed),
		"behind a title": io.MultiReader(strings.NewReader("<!--"+strings.Repeat("-x", window/2-20)+"-->"), strings.NewReader(wellFormed[len(`<?xml version="1.0" encoding="UTF-8" standalone='yes'?>`):])),
	} {
		if got, err := events(in); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, want)
		}
	}
}

func TestTokensMayStandAcrossTheEndOfTheWindow(t *testing.T) {
	t.Parallel()
	document := wellFormed[strings.Index(wellFormed, "<x:worksheet"):]
	want, err := events(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	for shift := range len(document) {
		padding := "<!--" + strings.Repeat("x", window-7-shift) + "-->"
		if got, err := events(strings.NewReader(padding + document)); err != nil || got != want {
			t.Fatalf("%d bytes before the end: got %s, %v, want %s", shift, got, err, want)
		}
	}
}

func TestWhatIsNotWellFormedIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, document, want string }{
		{"a bare ampersand", `<a>R&D</a>`, form.Corrupt},
		{"an ampersand and a space", `<a>R & D;</a>`, form.Corrupt},
		{"an unknown entity", `<a>&nbsp;</a>`, form.Corrupt},
		{"an entity without end", `<a>&amp</a>`, form.Corrupt},
		{"a reference to nothing", `<a>&#;</a>`, form.Corrupt},
		{"a reference to no number", `<a>&#x;</a>`, form.Corrupt},
		{"a reference of other digits", `<a>&#1f;</a>`, form.Corrupt},
		{"a reference to a control character", `<a>&#1;</a>`, form.Corrupt},
		{"a reference to half a pair", `<a>&#xD800;</a>`, form.Corrupt},
		{"a reference beyond Unicode", `<a>&#x110000;</a>`, form.Corrupt},
		{"a reference to a huge number", `<a>&#99999999999999999999;</a>`, form.Corrupt},
		{"a control character", "<a>\x01</a>", form.Corrupt},
		{"a control character in an attribute", "<a b='\x02'/>", form.Corrupt},
		{"a control character in a comment", "<a><!-- \x02 --></a>", form.Corrupt},
		{"a control character in CDATA", "<a><![CDATA[\x02]]></a>", form.Corrupt},
		{"a null byte", "<a>\x00</a>", form.Corrupt},
		{"no character", "<a>\uffff</a>", form.Corrupt},
		{"half a character", "<a>\xe4\xb8</a>", form.Corrupt},
		{"half a character at the window's end", "<a>" + strings.Repeat("x", window-5) + "\xe4\xb8</a>", form.Corrupt},
		{"another encoding", "<a>\xbc\xd7</a>", form.Corrupt},
		{"a character that is too long", "<a>\xe0\x80\xaf</a>", form.Corrupt},
		{"half a pair in UTF-8", "<a>\xed\xa0\x80</a>", form.Corrupt},
		{"the end of CDATA without a beginning", "<a>x]]>y</a>", form.Corrupt},
		{"an end tag of another element", `<a><b></a></b>`, form.Corrupt},
		{"an end tag of another prefix", `<x:a></y:a>`, form.Corrupt},
		{"an end tag too many", `<a></a></a>`, form.Corrupt},
		{"an end tag that is longer", `<a></ab>`, form.Corrupt},
		{"an end tag with attributes", `<a></a b="c">`, form.Corrupt},
		{"no end tag", `<a><b></b>`, form.Truncated},
		{"half a tag", `<a><b c="d"`, form.Truncated},
		{"half an end tag", `<a></a`, form.Truncated},
		{"half a comment", `<a></a><!-- `, form.Truncated},
		{"half of CDATA", `<a><![CDATA[ `, form.Truncated},
		{"half a reference", `<a>&am`, form.Corrupt},
		{"text alone", `a`, form.Corrupt},
		{"text before the root", `x<a/>`, form.Corrupt},
		{"text after the root", `<a/>x`, form.Corrupt},
		{"a reference after the root", `<a/>&#32;`, form.Corrupt},
		{"CDATA after the root", `<a/><![CDATA[]]>`, form.Corrupt},
		{"a second root", `<a/><b/>`, form.Corrupt},
		{"nothing", ``, form.Truncated},
		{"white space alone", " \n", form.Truncated},
		{"a document type", `<!DOCTYPE a><a/>`, form.Corrupt},
		{"an entity of its own", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, form.Corrupt},
		{"a directive inside", `<a><!ELEMENT b ANY></a>`, form.Corrupt},
		{"an attribute without quotes", `<a b=c/>`, form.Corrupt},
		{"an attribute without a value", `<a b/>`, form.Corrupt},
		{"a value without end", `<a b="c/><d/>`, form.Corrupt},
		{"a value of a tag", `<a b="<c>"/>`, form.Corrupt},
		{"a bare ampersand in a value", `<a b="R&D"/>`, form.Corrupt},
		{"attributes without space between", `<a b="c"d="e"/>`, form.Corrupt},
		{"a tag in a tag", `<a <b/>`, form.Corrupt},
		{"a tag without a name", `< a/>`, form.Corrupt},
		{"a name that begins with a digit", `<1a/>`, form.Corrupt},
		{"an empty prefix", `<a:/>`, form.Corrupt},
		{"a slash alone", `<a / >`, form.Corrupt},
		{"dashes in a comment", `<a><!-- -- --></a>`, form.Corrupt},
		{"an instruction without a name", `<a><? b?></a>`, form.Corrupt},
		{"a declaration too late", `<a><?xml version="1.0"?></a>`, form.Corrupt},
		{"another encoding by name", `<?xml version="1.0" encoding="GBK"?><a/>`, form.Corrupt},
		{"UTF-16", "\xff\xfe<\x00a\x00/\x00>\x00", form.Corrupt},
		{"too deep", strings.Repeat("<a>", maxDepth+1), form.Corrupt},
		{"too long a name", "<" + strings.Repeat("a", maxName+1) + "/>", form.Corrupt},
		{"too long a tag", `<a b="` + strings.Repeat("c", 3<<20) + `"/>`, form.Corrupt},
		{"too long a comment", `<!--` + strings.Repeat("c", 3<<20) + `--><a/>`, form.Corrupt},
		{"too long a text", `<a>` + strings.Repeat("c", 3<<20) + `</a>`, form.Corrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, in := range []io.Reader{strings.NewReader(c.document), iotest.HalfReader(strings.NewReader(c.document))} {
				got, err := events(in)
				if e, ok := errors.AsType[*FileError](err); !ok || e.Code != c.want {
					t.Errorf("got %.100s, %v, want %s", got, err, c.want)
				}
			}
		})
	}
}

// TestADamagedDocumentIsReadAsTheStandardLibraryReadsItOrRefused changes a few
// bytes at a time.
func TestADamagedDocumentIsReadAsTheStandardLibraryReadsItOrRefused(t *testing.T) {
	t.Parallel()
	pick := rand.New(rand.NewPCG(4, 4))
	const bytes = "<>&;/='\"!?-[]:#x1 \n\r\x01\xe4\xff"
	taken := 0
	for range 30_000 {
		b := []byte(wellFormed[strings.Index(wellFormed, "<!--"):]) // of the declaration the encoding is all that counts
		for range 1 + pick.IntN(2) {
			at := pick.IntN(len(b))
			switch pick.IntN(3) {
			case 0:
				b[at] = bytes[pick.IntN(len(bytes))]
			case 1:
				b = append(b[:at], b[min(len(b), at+1+pick.IntN(8)):]...)
			case 2:
				b = append(b[:at], append([]byte{bytes[pick.IntN(len(bytes))]}, b[at:]...)...)
			}
		}
		got, err := events(strings.NewReader(string(b)))
		if err != nil {
			continue
		}
		taken++
		want, err := standardEvents(string(b))
		if err != nil || got != want {
			t.Fatalf("%q: got %s, want %s, %v", b, got, want, err)
		}
	}
	if taken < 1_000 {
		t.Errorf("got %d documents taken, want more", taken)
	}
}

func TestATextIsWhatItsWriterMeant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ document, want string }{
		{`<si><t>甲</t></si>`, "甲"},
		{`<si><t xml:space="preserve"> 甲 </t></si>`, " 甲 "},
		{`<si><t/></si>`, ""},
		{`<si/>`, ""},
		{`<si><t>a_x000D_b_x005F_x000D_c_x00e9_d_xZZZZ_</t></si>`, "a\rb_x000D_céd_xZZZZ_"},
		{`<si><t>_x000</t></si>`, "_x000"},
		{"<si><t>a\r\nb\rc</t></si>", "a\nb\nc"},
		{`<si><t>R&amp;D &#20225;&#x4E1A;</t></si>`, "R&D 企业"},
		{`<si><t>a<!-- b -->c<![CDATA[<d>&amp;_x0041_]]></t></si>`, "ac<d>&amp;A"},
		{"<si>\n<r><rPr><b/></rPr><t>a</t></r>\n<r><t>b</t></r><rPh sb=\"0\" eb=\"1\"><t>c</t></rPh><phoneticPr fontId=\"1\"/></si>", "ab"},
	} {
		for _, in := range []string{c.document, "<!-- " + strings.Repeat("x", window-20) + "-->" + c.document} {
			x := newLexer(strings.NewReader(in), window)
			if _, err := x.next(); err != nil {
				t.Fatal(err)
			}
			if got, err := x.richText(nil); err != nil || string(got) != c.want {
				t.Errorf("%s: got %q, %v, want %q", c.document, got, err, c.want)
			}
		}
	}
	for _, damaged := range []string{`<si><t>a<b/></t></si>`, `<si>a<t>b</t></si>`, `<si><u>a</u></si>`, `<si><r><u>a</u></r></si>`} {
		x := newLexer(strings.NewReader(damaged), window)
		if _, err := x.next(); err != nil {
			t.Fatal(err)
		}
		if got, err := x.richText(nil); err == nil {
			t.Errorf("%s: got %q, want an error", damaged, got)
		}
	}
}
