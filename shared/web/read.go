package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/tributary-app/tributary/shared/network"
)

// maxBody is what a request's body may weigh. The largest that the API
// knows, a decision on a page of applications, is a tenth of it.
const maxBody = 64 << 10

// maxList is what the longest list may weigh that the API takes in one body: the
// 2,000 members of a group (R45).
const maxList = 1 << 20

// ReadList is Read for the body that is a long list: ErrTooLarge beyond 1 MiB.
func ReadList(r *http.Request, v any) error {
	if _, err := bodyOf(r, maxList); err != nil {
		return err
	}
	return Read(r, v)
}

// Read decodes the JSON body into v, and takes nothing that it can't place:
// ErrMediaType for another content type, ErrTooLarge beyond 64 KiB,
// unknown_field for a member that v hasn't (names are exact, case and all),
// invalid for what is malformed, repeated, null or of the wrong type, naming
// the member. The body can be read again afterwards.
func Read(r *http.Request, v any) error {
	if t, p, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" ||
		p["charset"] != "" && !strings.EqualFold(p["charset"], "utf-8") {
		return network.ErrMediaType
	}
	b, err := body(r)
	if err != nil {
		return err
	}
	if !utf8.Valid(b) { // encoding/json would put U+FFFD into somebody's name
		return malformed("The body is not UTF-8.")
	}
	if err := json.Unmarshal(b, new(json.RawMessage)); err != nil {
		if s, ok := errors.AsType[*json.SyntaxError](err); ok && len(b) > 0 {
			return malformed(fmt.Sprintf("The body is not JSON, from byte %d on.", s.Offset))
		}
		return malformed("The body is not JSON.")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := check(d, "", reflect.TypeOf(v).Elem()); err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return network.InvalidField(t.Field, "wrong_type", "This member is of another type.")
		}
		return malformed("The body can't be read.")
	}
	return nil
}

// Fingerprint is a digest of what is asked: method, path, query, acting corp
// and body. Two requests under one Idempotency-Key are the same when it is.
func Fingerprint(r *http.Request) (string, error) {
	b, err := body(r)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %s?%s\n%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery, Corp(r))
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// body reads the whole body and leaves it to be read again.
func body(r *http.Request) ([]byte, error) { return bodyOf(r, maxBody) }

// kept is a body that has been read, and may be read again as far.
type kept struct {
	io.Reader
	io.Closer
	most int64
}

func bodyOf(r *http.Request, most int64) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	if k, ok := r.Body.(kept); ok {
		most = max(most, k.most)
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil {
		return nil, malformed("The body can't be read.")
	}
	r.Body = kept{io.MultiReader(bytes.NewReader(b), r.Body), r.Body, most}
	if int64(len(b)) > most {
		return nil, network.ErrTooLarge
	}
	return b, nil
}

func malformed(detail string) error { return network.InvalidField("", "malformed", detail) }

func unknown(field string) error {
	return &network.Error{Kind: network.Invalid, Code: network.ErrUnknownField.Code,
		Fields: []network.FieldError{{Field: field, Code: "unknown", Detail: "There is no such member."}}}
}

// check walks the JSON beside the type that it is for. encoding/json would
// let pass a member given twice, one in other case, and null for anything.
func check(d *json.Decoder, at string, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	tok, err := d.Token()
	if err != nil {
		return malformed("The body is not JSON.")
	}
	wrong := func(want string) error {
		return network.InvalidField(at, "wrong_type", "This member must be "+want+".")
	}
	if t == reflect.TypeFor[time.Time]() {
		if s, ok := tok.(string); !ok || new(time.Time).UnmarshalText([]byte(s)) != nil {
			return wrong("a time, such as 2026-11-24T18:00:00Z")
		}
		return nil
	}
	if readsItself(t) {
		return skip(d, tok)
	}
	switch t.Kind() {
	case reflect.Interface:
		return skip(d, tok)
	case reflect.Struct, reflect.Map:
		if tok != json.Delim('{') {
			return wrong("an object")
		}
		return checkObject(d, at, t)
	case reflect.Slice, reflect.Array:
		if tok != json.Delim('[') {
			return wrong("a list")
		}
		for i := 0; d.More(); i++ {
			if err := check(d, fmt.Sprintf("%s[%d]", at, i), t.Elem()); err != nil {
				return err
			}
		}
		_, err := d.Token()
		return err
	case reflect.String:
		s, ok := tok.(string)
		if !ok {
			return wrong("a string")
		}
		if strings.ContainsRune(s, utf8.RuneError) { // what half a \ud83d\ude00 is read as
			return network.InvalidField(at, "bad_character", "This member has a character that is none.")
		}
	case reflect.Bool:
		if _, ok := tok.(bool); !ok {
			return wrong("true or false")
		}
	default:
		n, ok := tok.(json.Number)
		if !ok {
			return wrong("a number")
		}
		if json.Unmarshal([]byte(n), reflect.New(t).Interface()) != nil {
			return wrong("a whole number within its range")
		}
	}
	return nil
}

func checkObject(d *json.Decoder, at string, t reflect.Type) error {
	seen := map[string]bool{}
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return malformed("The body is not JSON.")
		}
		name := tok.(string)
		path := name
		if at != "" {
			path = at + "." + name
		}
		of := t
		if t.Kind() == reflect.Map {
			of = t.Elem()
		} else if f, ok := member(t, name); ok {
			of = f
		} else {
			return unknown(path)
		}
		if seen[name] {
			return network.InvalidField(path, "repeated", "This member is given twice.")
		}
		seen[name] = true
		if err := check(d, path, of); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// member finds the field of struct t that is written as name.
func member(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case tag == "-":
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct:
			if in, ok := member(f.Type, name); ok {
				return in, true
			}
		case f.IsExported() && cmp.Or(tag, f.Name) == name:
			return f.Type, true
		}
	}
	return nil, false
}

// readsItself reports whether t has its own way with JSON, as time.Time has.
func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// skip passes over the rest of a value whose first token was tok.
func skip(d *json.Decoder, tok json.Token) error {
	for depth := 0; ; {
		switch tok {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
		var err error
		if tok, err = d.Token(); err != nil {
			return malformed("The body is not JSON.")
		}
	}
}

// Tidy is a text as a person typed it, as we keep it: NFKC-normalised, without
// spaces around it (R02).
func Tidy(s string) string { return strings.TrimSpace(norm.NFKC.String(s)) }
