package roster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// Limits on the XML of a part.
const (
	maxToken = 1 << 20  // bytes of a tag, of what stands between two, and of a text
	maxDepth = 64       // elements inside one another; a worksheet has ten or so
	maxAttrs = 256      // attributes of one tag; the root's name spaces are the most, some dozens
	maxName  = 1 << 10  // bytes of an element's name
	window   = 64 << 10 // bytes that are held at a time, if no token is longer
)

// lexer reads the XML of a part tag by tag, through a window over its bytes.
// It refuses what isn't well-formed, and a document type definition, as what a
// reader forgives may be where rows were lost. Name spaces are left out:
// elements and attributes are known by their local names.
//
// What it gives of the window lasts until the next token.
type lexer struct {
	in   io.Reader // a part
	buf  []byte
	at   int // buf[at:end] is to be read
	end  int
	over error // what in said at its end

	name   []byte      // of the tag just read
	attrs  []attribute // of the start tag just read
	data   []byte      // the characters just read, as they stand
	coded  bool        // whether they aren't what they mean
	closed bool        // the start tag just read is the end tag too

	open   []byte // the names of the open elements, prefixes and all, end to end
	starts []int  // where each begins
	rooted bool   // the root has been opened
	row    int    // the sheet's row that is being read, for what is said of an error
}

// attribute is by its local name. Its value may hold references.
type attribute struct{ name, value []byte }

type token uint8

const (
	nothing token = iota // a comment or the like, which next skips
	startTag
	endTag
	characters
	partEnd
)

// newLexer reads a part that has about so many bytes.
func newLexer(in io.Reader, size uint64) *lexer {
	x := &lexer{in: in, buf: make([]byte, min(size+1, window-16)+16), attrs: make([]attribute, 0, 16)}
	for x.end < len(utf8BOM) && x.more() == nil {
	}
	if bytes.HasPrefix(x.buf[:x.end], []byte(utf8BOM)) {
		x.at = len(utf8BOM)
	}
	return x
}

// What a byte may be in XML.
const (
	inName    = 1 << iota // of a name, which digits and punctuation can't begin
	firstName             // may begin one
	blankByte             // white space
	stop                  // ends or breaks the run of plain characters between tags
	stopValue             // and that in an attribute's value
)

var classes = func() (c [256]uint8) {
	for i := range c {
		b := byte(i)
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '_', b >= utf8.RuneSelf:
			c[i] |= inName | firstName
		case b >= '0' && b <= '9', b == '-', b == '.', b == ':':
			c[i] |= inName
		case b == ' ', b == '\t', b == '\n', b == '\r':
			c[i] |= blankByte
		}
		if b < ' ' && b != '\t' && b != '\n' || b == '<' || b == '&' || b >= utf8.RuneSelf {
			c[i] |= stop | stopValue
		}
		if b == ']' || b == '_' {
			c[i] |= stop
		}
		if b == '"' || b == '\'' {
			c[i] |= stopValue
		}
	}
	return c
}()

// corrupt is the error of XML that isn't well-formed. What exactly is wrong
// goes nowhere, as it would quote a cell.
func (x *lexer) corrupt(detail string) error {
	return &FileError{Code: form.Corrupt, Detail: detail, Row: x.row}
}

const malformed = "not well-formed"

// next is the next tag, or run of characters; partEnd only after the root has
// closed and the part has ended with the right check sum.
func (x *lexer) next() (token, error) {
	if x.closed {
		x.closed = false
		x.pop()
		return endTag, nil
	}
	for {
		if x.at == x.end {
			if err := x.more(); err != nil {
				return x.finish(err)
			}
		}
		var n int
		var t token
		var err error
		if b := x.buf[x.at:x.end]; b[0] != '<' {
			t, n, err = x.chars(b)
		} else {
			t, n, err = x.tag(b)
		}
		switch {
		case err != nil:
			return nothing, err
		case n == 0: // it goes on beyond the window
			if err := x.more(); err != nil {
				return x.finish(err)
			}
			continue
		}
		x.at += n
		if t != nothing {
			return t, nil
		}
	}
}

// more brings further bytes into the window, and moves what is left of it to
// its front. A token that has filled it makes it larger, to a limit.
func (x *lexer) more() error {
	if x.over != nil {
		return x.over
	}
	if x.at > 0 {
		x.end = copy(x.buf, x.buf[x.at:x.end])
		x.at = 0
	}
	if x.end == len(x.buf) {
		if len(x.buf) > maxToken {
			return x.corrupt("more than 1 MiB without a tag")
		}
		x.buf = append(x.buf, make([]byte, len(x.buf))...)
	}
	for {
		n, err := x.in.Read(x.buf[x.end:])
		x.end += n
		if err != nil {
			x.over = err
		}
		switch {
		case n > 0, err != nil && x.at < x.end: // what is there may be read in another way now
			return nil
		case err != nil:
			return err
		}
	}
}

// finish says what it means that no more bytes came.
func (x *lexer) finish(err error) (token, error) {
	if errors.Is(err, io.EOF) {
		if x.at == x.end && x.rooted && len(x.starts) == 0 {
			return partEnd, nil
		}
		return nothing, &FileError{Code: form.Truncated, Detail: "a part ends too early", Row: x.row}
	}
	if e, ok := errors.AsType[*FileError](err); ok {
		e.Row = x.row
	}
	return nothing, err
}

// chars reads from b what stands before the next tag; n is 0 if b doesn't
// hold all of it.
func (x *lexer) chars(b []byte) (t token, n int, err error) {
	x.coded = false
	white := true
	i := 0
	for {
		for i < len(b) && classes[b[i]]&stop == 0 {
			white = white && classes[b[i]]&blankByte != 0
			i++
		}
		if i == len(b) {
			if x.over == nil || len(x.starts) > 0 { // white space may be the last there is
				return nothing, 0, nil
			}
			break
		}
		if b[i] == '<' {
			break
		}
		white = white && b[i] == '\r'
		size := 1
		switch c := b[i]; {
		case c == '\r':
			x.coded = true
		case c == '_':
			x.coded = x.coded || i+1 == len(b) || b[i+1] == 'x'
		case c == ']':
			if i+2 >= len(b) && x.over == nil {
				return nothing, 0, nil
			}
			if bytes.HasPrefix(b[i:], []byte("]]>")) {
				return nothing, 0, x.corrupt(malformed)
			}
		case c == '&':
			x.coded = true
			if _, size = reference(b[i:]); size == 0 {
				if len(b)-i < longestReference && x.over == nil {
					return nothing, 0, nil
				}
				return nothing, 0, x.corrupt(malformed)
			}
		default:
			if size = character(b[i:]); size == 0 {
				if !utf8.FullRune(b[i:]) && x.over == nil {
					return nothing, 0, nil
				}
				return nothing, 0, x.corrupt(malformed)
			}
		}
		i += size
	}
	if len(x.starts) == 0 {
		if !white {
			return nothing, 0, x.corrupt("text outside the root")
		}
		return nothing, i, nil
	}
	if i > maxToken {
		return nothing, 0, x.corrupt("more than 1 MiB without a tag")
	}
	x.data = b[:i]
	return characters, i, nil
}

// plain is how many bytes of characters that mean themselves stand at the
// beginning of b, before a tag; ok is false if there are others, or b doesn't
// hold all of them.
func plain(b []byte) (n int, ok bool) {
	for n < len(b) {
		c := b[n]
		if classes[c]&stop == 0 {
			n++
			continue
		}
		switch {
		case c == '<':
			return n, true
		case c >= utf8.RuneSelf:
			size := character(b[n:])
			if size == 0 {
				return 0, false
			}
			n += size
		case c == '_' && n+1 < len(b) && b[n+1] != 'x', c == ']' && n+1 < len(b) && b[n+1] != ']':
			n++
		default:
			return 0, false
		}
	}
	return 0, false
}

// character is how many bytes the character takes that b begins with, 0 if it
// isn't one of XML, in UTF-8.
func character(b []byte) int {
	if len(b) >= 3 && b[0] >= 0xe3 && b[0] <= 0xe9 && b[1]&0xc0 == 0x80 && b[2]&0xc0 == 0x80 {
		return 3 // most of Chinese
	}
	r, size := utf8.DecodeRune(b)
	if !isChar(r) || r == utf8.RuneError && size < 2 {
		return 0
	}
	return size
}

// isChar reports whether XML can hold a character.
func isChar(r rune) bool {
	return r >= ' ' && r <= 0xd7ff || r == '\t' || r == '\n' || r == '\r' || r >= 0xe000 && r <= 0xfffd || r >= 0x10000 && r <= utf8.MaxRune
}

// longestReference is the bytes of one, with room for zeros that nobody needs.
const longestReference = 32

// reference reads &amp; and &#20225; at the beginning of b; size is 0 if it is
// no such thing, or isn't all there.
func reference(b []byte) (r rune, size int) {
	end := bytes.IndexByte(b[:min(len(b), longestReference)], ';')
	if end < 2 {
		return 0, 0
	}
	name := b[1:end]
	if name[0] != '#' {
		switch string(name) {
		case "amp":
			r = '&'
		case "lt":
			r = '<'
		case "gt":
			r = '>'
		case "quot":
			r = '"'
		case "apos":
			r = '\''
		default:
			return 0, 0
		}
		return r, end + 1
	}
	base := rune(10)
	if name = name[1:]; len(name) > 0 && name[0] == 'x' {
		base, name = 16, name[1:]
	}
	if len(name) == 0 {
		return 0, 0
	}
	for _, c := range name {
		d, ok := hexDigit(c)
		if !ok || d >= base || r > utf8.MaxRune {
			return 0, 0
		}
		r = r*base + d
	}
	if !isChar(r) {
		return 0, 0
	}
	return r, end + 1
}

func hexDigit(c byte) (rune, bool) {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0'), true
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10, true
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10, true
	}
	return 0, false
}

// tag reads what begins with "<"; n is 0 if b doesn't hold all of it.
func (x *lexer) tag(b []byte) (t token, n int, err error) {
	if len(b) < 2 {
		return nothing, 0, nil
	}
	switch b[1] {
	case '/':
		return x.endTag(b)
	case '!':
		return x.declaration(b)
	case '?':
		return x.instruction(b)
	}
	return x.startTag(b)
}

func (x *lexer) startTag(b []byte) (t token, n int, err error) {
	i := 1
	if classes[b[1]]&firstName == 0 {
		return nothing, 0, x.corrupt(malformed)
	}
	i, local, ok := readName(b, i)
	if i == len(b) {
		return nothing, 0, nil
	}
	if !ok {
		return nothing, 0, x.corrupt(malformed)
	}
	full := b[1:i]
	x.name = b[local:i]
	x.attrs = x.attrs[:0]
	closed := false
	for {
		gap := i
		for i < len(b) && classes[b[i]]&blankByte != 0 {
			i++
		}
		if i+1 >= len(b) && (i == len(b) || b[i] != '>') {
			return nothing, 0, nil
		}
		if b[i] == '>' {
			i++
			break
		}
		if b[i] == '/' {
			if b[i+1] != '>' {
				return nothing, 0, x.corrupt(malformed)
			}
			closed = true
			i += 2
			break
		}
		if i == gap || classes[b[i]]&firstName == 0 {
			return nothing, 0, x.corrupt(malformed)
		}
		start, from, ok := i, 0, false
		if i, from, ok = readName(b, i); i < len(b) && !ok {
			return nothing, 0, x.corrupt(malformed)
		}
		if bytes.HasPrefix(b[start:i], []byte("xmlns:")) {
			from = start // xmlns:r isn't r
		}
		name := b[from:i]
		for i < len(b) && classes[b[i]]&blankByte != 0 {
			i++
		}
		if i < len(b) && b[i] != '=' {
			return nothing, 0, x.corrupt(malformed)
		}
		for i++; i < len(b) && classes[b[i]]&blankByte != 0; {
			i++
		}
		if i >= len(b) {
			return nothing, 0, nil
		}
		quote := b[i]
		if quote != '"' && quote != '\'' {
			return nothing, 0, x.corrupt(malformed)
		}
		i++
		value := i
		for {
			for i < len(b) && classes[b[i]]&stopValue == 0 {
				i++
			}
			if i == len(b) {
				return nothing, 0, nil
			}
			if b[i] == quote {
				break
			}
			size := 1
			switch c := b[i]; {
			case c == '"', c == '\'', c == '\r':
			case c == '&':
				if _, size = reference(b[i:]); size == 0 && len(b)-i < longestReference && x.over == nil {
					return nothing, 0, nil
				}
			default: // "<" and the control characters are no characters here
				if size = 0; c >= utf8.RuneSelf {
					if size = character(b[i:]); size == 0 && !utf8.FullRune(b[i:]) && x.over == nil {
						return nothing, 0, nil
					}
				}
			}
			if size == 0 {
				return nothing, 0, x.corrupt(malformed)
			}
			i += size
		}
		if len(x.attrs) == maxAttrs {
			return nothing, 0, x.corrupt(fmt.Sprintf("a tag of more than %d attributes", maxAttrs))
		}
		x.attrs = append(x.attrs, attribute{name, b[value:i]})
		i++
	}
	switch {
	case i > maxToken, len(full) > maxName:
		return nothing, 0, x.corrupt("a tag of more than 1 MiB")
	case len(x.starts) == maxDepth:
		return nothing, 0, x.corrupt(fmt.Sprintf("more than %d elements inside one another", maxDepth))
	case len(x.starts) == 0 && x.rooted:
		return nothing, 0, x.corrupt("a second root")
	}
	x.starts = append(x.starts, len(x.open))
	x.open = append(x.open, full...)
	x.rooted, x.closed = true, closed
	return startTag, i, nil
}

// readName reads a name that begins at i; local is where its part behind the
// prefix does.
func readName(b []byte, i int) (end, local int, ok bool) {
	from, wide, colons := i, false, 0
	local = i
	for i < len(b) && classes[b[i]]&inName != 0 {
		if b[i] == ':' {
			local = i + 1
			colons++
		}
		wide = wide || b[i] >= utf8.RuneSelf
		i++
	}
	return i, local, local < i && colons < 2 && (!wide || utf8.Valid(b[from:i]))
}

func (x *lexer) endTag(b []byte) (t token, n int, err error) {
	if len(x.starts) == 0 {
		return nothing, 0, x.corrupt(malformed)
	}
	name := x.open[x.starts[len(x.starts)-1]:]
	i := 2 + len(name)
	if len(b) <= i {
		if x.over == nil {
			return nothing, 0, nil
		}
		if bytes.IndexByte(b, '>') < 0 {
			return nothing, 0, nil
		}
		return nothing, 0, x.corrupt("an end tag of another element")
	}
	if string(b[2:i]) != string(name) {
		return nothing, 0, x.corrupt("an end tag of another element")
	}
	for i < len(b) && classes[b[i]]&blankByte != 0 {
		i++
	}
	if i == len(b) {
		return nothing, 0, nil
	}
	if b[i] != '>' {
		return nothing, 0, x.corrupt("an end tag of another element")
	}
	x.pop()
	return endTag, i + 1, nil
}

// pop closes the innermost element; its name is that of the end tag.
func (x *lexer) pop() {
	last := len(x.starts) - 1
	x.name = x.open[x.starts[last]:]
	if i := bytes.LastIndexByte(x.name, ':'); i >= 0 {
		x.name = x.name[i+1:]
	}
	x.open, x.starts = x.open[:x.starts[last]], x.starts[:last]
}

// declaration reads a comment or a CDATA section, and refuses a document type.
func (x *lexer) declaration(b []byte) (t token, n int, err error) {
	const comment, cdata = "<!--", "<![CDATA["
	switch {
	case bytes.HasPrefix(b, []byte(comment)):
		body := b[len(comment):]
		end := bytes.Index(body, []byte("--"))
		if end < 0 || end+2 == len(body) {
			return nothing, 0, nil
		}
		if body[end+2] != '>' || !isText(body[:end]) {
			return nothing, 0, x.corrupt(malformed)
		}
		return nothing, len(comment) + end + len("-->"), nil
	case bytes.HasPrefix(b, []byte(cdata)):
		body := b[len(cdata):]
		end := bytes.Index(body, []byte("]]>"))
		if end < 0 {
			return nothing, 0, nil
		}
		if body = body[:end]; len(x.starts) == 0 || !isText(body) {
			return nothing, 0, x.corrupt(malformed)
		}
		// It is taken as it stands, so it must look like nothing else: only
		// line breaks and escapes mean in it what they mean elsewhere.
		x.data, x.coded = body, false
		if bytes.ContainsAny(body, "&\r") || bytes.Contains(body, []byte("_x")) {
			x.data, x.coded = bytes.ReplaceAll(body, []byte("&"), []byte("&amp;")), true
		}
		return characters, len(cdata) + end + len("]]>"), nil
	case len(b) < len(cdata) && (bytes.HasPrefix([]byte(comment), b) || bytes.HasPrefix([]byte(cdata), b)):
		return nothing, 0, nil
	}
	return nothing, 0, x.corrupt("a document type definition")
}

// isText reports whether XML can hold all of b.
func isText(b []byte) bool {
	for i := 0; i < len(b); {
		size := character(b[i:])
		if size == 0 {
			return false
		}
		i += size
	}
	return true
}

// instruction reads a processing instruction; the one that begins a part
// mustn't give it another encoding than UTF-8.
func (x *lexer) instruction(b []byte) (t token, n int, err error) {
	body := b[len("<?"):]
	end := bytes.Index(body, []byte("?>"))
	if end < 0 {
		return nothing, 0, nil
	}
	body = body[:end]
	i, _, ok := readName(body, 0)
	if !ok || classes[body[0]]&firstName == 0 || i < len(body) && classes[body[i]]&blankByte == 0 || !isText(body) {
		return nothing, 0, x.corrupt(malformed)
	}
	if bytes.EqualFold(body[:i], []byte("xml")) {
		if x.rooted {
			return nothing, 0, x.corrupt(malformed)
		}
		if _, said, ok := bytes.Cut(body, []byte("encoding")); ok && !bytes.Contains(bytes.ToLower(said), []byte("utf-8")) {
			return nothing, 0, x.corrupt("a part that isn't UTF-8")
		}
	}
	return nothing, len("<?") + end + len("?>"), nil
}

// attr is an attribute's value by its local name, nil when it isn't there. It
// may hold references.
func (x *lexer) attr(name string) []byte {
	for i := range x.attrs {
		if string(x.attrs[i].name) == name {
			return x.attrs[i].value
		}
	}
	return nil
}

// value is attr, as it is meant.
func (x *lexer) value(name string) string {
	v := x.attr(name)
	if !bytes.ContainsAny(v, "&\r") {
		return string(v)
	}
	return string(decode(nil, v))
}

// decode appends what characters mean: references, and line breaks as one.
func decode(to, b []byte) []byte {
	for i := 0; i < len(b); {
		switch b[i] {
		case '&':
			r, size := reference(b[i:])
			to = utf8.AppendRune(to, r)
			i += max(size, 1)
			continue
		case '\r':
			if i+1 == len(b) || b[i+1] != '\n' {
				to = append(to, '\n')
			}
		default:
			to = append(to, b[i])
		}
		i++
	}
	return to
}

// each calls f with the start tags of a part, to its end.
func (x *lexer) each(f func() error) error {
	for {
		t, err := x.next()
		switch {
		case err != nil:
			return err
		case t == partEnd:
			return nil
		case t == startTag:
			if err := f(); err != nil {
				return err
			}
		}
	}
}

// child is the next start tag inside an element that holds elements only, or
// the element's end tag. Anything but white space between them is damage.
func (x *lexer) child() (token, error) {
	for {
		t, err := x.next()
		if err != nil || t != characters {
			return t, err
		}
		for _, c := range x.data {
			if classes[c]&blankByte == 0 {
				return nothing, x.corrupt("text between the cells")
			}
		}
	}
}

// children calls f with each start tag inside the element just opened, and f
// reads to its end.
func (x *lexer) children(f func() error) error {
	for {
		if t, err := x.child(); err != nil || t == endTag {
			return err
		}
		if err := f(); err != nil {
			return err
		}
	}
}

// skip reads to the end of the element just opened.
func (x *lexer) skip() error {
	for depth := len(x.starts); len(x.starts) >= depth; {
		if _, err := x.next(); err != nil {
			return err
		}
	}
	return nil
}

// text appends the characters of the element just opened, which holds no
// other, and reads to its end.
func (x *lexer) text(to []byte) ([]byte, error) {
	from, coded := len(to), false
	for {
		t, err := x.next()
		switch {
		case err != nil:
			return to, err
		case t == endTag:
			if coded {
				to = to[:from+unescape(to[from:])]
			}
			return to, nil
		case t != characters:
			return to, x.corrupt("an element inside a text")
		case x.coded:
			to, coded = decode(to, x.data), true
		default:
			to = append(to, x.data...)
		}
		if len(to)-from > maxToken {
			return to, x.corrupt("a text of more than 1 MiB")
		}
	}
}

// richText appends the runs of the si or is just opened, without the phonetic
// reading (rPh) that may follow them, and reads to its end.
func (x *lexer) richText(to []byte) ([]byte, error) {
	from := len(to)
	for {
		t, err := x.child()
		if err != nil || t == endTag {
			return to, err
		}
		switch string(x.name) {
		case "t":
			to, err = x.text(to)
		case "r":
			to, err = x.run(to)
		case "rPh", "phoneticPr", "extLst":
			err = x.skip()
		default:
			err = x.corrupt("an unknown element in a text")
		}
		if err == nil && len(to)-from > maxToken {
			err = x.corrupt("a text of more than 1 MiB")
		}
		if err != nil {
			return to, err
		}
	}
}

// run appends the text of the run just opened.
func (x *lexer) run(to []byte) ([]byte, error) {
	for {
		t, err := x.child()
		if err != nil || t == endTag {
			return to, err
		}
		switch string(x.name) {
		case "t":
			to, err = x.text(to)
		case "rPr":
			err = x.skip()
		default:
			err = x.corrupt("an unknown element in a text")
		}
		if err != nil {
			return to, err
		}
	}
}

// unescape undoes _x000D_ in place, which workbooks write for what XML can't
// hold, and _x005F_, for an underscore that would look like one. It says how
// many bytes are left.
func unescape(b []byte) int {
	n := bytes.Index(b, []byte("_x"))
	if n < 0 {
		return len(b)
	}
	for i := n; i < len(b); {
		if r, ok := escape(b[i:]); ok {
			n += utf8.EncodeRune(b[n:], r) // three bytes at most, in place of seven
			i += len("_x0000_")
			continue
		}
		b[n] = b[i]
		n++
		i++
	}
	return n
}

func escape(b []byte) (r rune, ok bool) {
	if len(b) < len("_x0000_") || b[0] != '_' || b[1] != 'x' || b[6] != '_' {
		return 0, false
	}
	for _, c := range b[2:6] {
		d, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | d
	}
	return r, true
}
