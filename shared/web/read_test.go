package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/tributary-app/tributary/shared/network"
)

// letter has a member of each sort that the doors' bodies have.
type letter struct {
	Name    string    `json:"name"`
	Note    *string   `json:"note"`
	Max     *int      `json:"max"`
	Small   uint8     `json:"small"`
	Ratio   float64   `json:"ratio"`
	Open    *bool     `json:"open"`
	Before  time.Time `json:"before"`
	Groups  []int     `json:"groups"`
	NewCorp *struct {
		Name string `json:"name"`
	} `json:"new_corp"`
	People []struct {
		Phone string `json:"phone"`
	} `json:"people"`
	Labels map[string]string `json:"labels,omitempty"`
	Any    any               `json:"any"`
	Hidden string            `json:"-"`
	Plain  string
	stamp
	unsaid string
}

type stamp struct {
	By string `json:"by"`
}

func post(body string) *http.Request {
	r := httptest.NewRequest("POST", "/v1/letters", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// faultOf is an error in short: "code field fieldcode".
func faultOf(err error) string {
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*network.Error](err)
	if !ok {
		return "unexpected: " + err.Error()
	}
	s := e.Code
	for _, f := range e.Fields {
		s += " " + f.Field + " " + f.Code
	}
	return s
}

func TestABodyIsReadIntoItsMembers(t *testing.T) {
	t.Parallel()
	var v letter
	err := Read(post(` {"name":"宏远 \u5b8f","note":"","max":-3,"small":255,"ratio":1.5,"open":false,"before":"2026-11-23T05:00:00Z","groups":[1,2],
		"new_corp":{"name":"泰和"},"people":[{"phone":"1"},{"phone":"2"}],"labels":{"a":"b"},"any":{"x":[1,{}]},"Plain":"p","by":"me"} `+"\r\n"), &v)
	if err != nil {
		t.Fatal(err)
	}
	if v.Name != "宏远 宏" || *v.Note != "" || *v.Max != -3 || v.Small != 255 || v.Ratio != 1.5 || *v.Open || v.Before.Hour() != 5 || len(v.Groups) != 2 ||
		v.NewCorp.Name != "泰和" || v.People[1].Phone != "2" || v.Labels["a"] != "b" || v.Any == nil || v.Plain != "p" || v.By != "me" || v.unsaid != "" {
		t.Errorf("got %+v", v)
	}
}

func TestABodyThatCantBePlacedIsRefusedByName(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, want string }{
		"an empty object":             {`{}`, ""},
		"an empty list":               {`{"groups":[]}`, ""},
		"a character of two escapes":  {`{"name":"\ud83d\ude00"}`, ""},
		"nothing":                     {``, "invalid  malformed"},
		"white space":                 {" \n", "invalid  malformed"},
		"half a body":                 {`{"name":"x"`, "invalid  malformed"},
		"no JSON":                     {`name=x`, "invalid  malformed"},
		"a trailing comma":            {`{"name":"x",}`, "invalid  malformed"},
		"single quotes":               {`{'name':'x'}`, "invalid  malformed"},
		"a comment":                   {`{"name":"x"} // mine`, "invalid  malformed"},
		"NaN":                         {`{"ratio":NaN}`, "invalid  malformed"},
		"a leading zero":              {`{"max":01}`, "invalid  malformed"},
		"a control character":         {"{\"name\":\"a\x00\"}", "invalid  malformed"},
		"another value after it":      {`{"name":"x"}{"name":"y"}`, "invalid  malformed"},
		"a bracket after it":          {`{"name":"x"}}`, "invalid  malformed"},
		"a byte order mark":           {"\ufeff{}", "invalid  malformed"},
		"not UTF-8":                   {"{\"name\":\"\xff\"}", "invalid  malformed"},
		"GBK":                         {"{\"name\":\"\xba\xea\"}", "invalid  malformed"},
		"half a character":            {`{"name":"\ud83d"}`, "invalid name bad_character"},
		"the wrong half":              {`{"people":[{"phone":"\ude00\ud83d"}]}`, "invalid people[0].phone bad_character"},
		"a list":                      {`[]`, "invalid  wrong_type"},
		"a text":                      {`"name"`, "invalid  wrong_type"},
		"null":                        {`null`, "invalid  wrong_type"},
		"an unknown member":           {`{"nane":"x"}`, "unknown_field nane unknown"},
		"an unknown member within":    {`{"new_corp":{"nane":"x"}}`, "unknown_field new_corp.nane unknown"},
		"an unknown member in a list": {`{"people":[{"phone":"1"},{"fone":"1"}]}`, "unknown_field people[1].fone unknown"},
		"a member in capitals":        {`{"NAME":"x"}`, "unknown_field NAME unknown"},
		"a member with one capital":   {`{"new_Corp":{}}`, "unknown_field new_Corp unknown"},
		"a member with a long s":      {`{"groupſ":[]}`, "unknown_field groupſ unknown"}, // which folds to s
		"the Go name":                 {`{"NewCorp":{}}`, "unknown_field NewCorp unknown"},
		"a name in other case":        {`{"plain":"x"}`, "unknown_field plain unknown"},
		"a hidden member":             {`{"Hidden":"x"}`, "unknown_field Hidden unknown"},
		"the sign of a hidden member": {`{"-":"x"}`, "unknown_field - unknown"},
		"an unexported member":        {`{"unsaid":"x"}`, "unknown_field unsaid unknown"},
		"the embedded struct":         {`{"stamp":{}}`, "unknown_field stamp unknown"},
		"an empty name":               {`{"":1}`, "unknown_field  unknown"},
		"a member twice":              {`{"name":"x","name":"x"}`, "invalid name repeated"},
		"a member twice, escaped":     {`{"name":"x","n\u0061me":"y"}`, "invalid name repeated"},
		"a member twice within":       {`{"people":[{"phone":"1","phone":"2"}]}`, "invalid people[0].phone repeated"},
		"a label twice":               {`{"labels":{"a":"1","a":"2"}}`, "invalid labels.a repeated"},
		"null for a text":             {`{"name":null}`, "invalid name wrong_type"},
		"null for what may be absent": {`{"note":null}`, "invalid note wrong_type"},
		"null for a number":           {`{"max":null}`, "invalid max wrong_type"},
		"null for true":               {`{"open":null}`, "invalid open wrong_type"},
		"null for an object":          {`{"new_corp":null}`, "invalid new_corp wrong_type"},
		"null for a list":             {`{"groups":null}`, "invalid groups wrong_type"},
		"null in a list":              {`{"groups":[1,null]}`, "invalid groups[1] wrong_type"},
		"null for a map":              {`{"labels":null}`, "invalid labels wrong_type"},
		"a number for a text":         {`{"name":1}`, "invalid name wrong_type"},
		"a text for a number":         {`{"max":"1"}`, "invalid max wrong_type"},
		"a fraction":                  {`{"max":1.5}`, "invalid max wrong_type"},
		"a number beyond its range":   {`{"max":99999999999999999999}`, "invalid max wrong_type"},
		"a number below its range":    {`{"small":-1}`, "invalid small wrong_type"},
		"a number beyond a byte":      {`{"small":256}`, "invalid small wrong_type"},
		"a float beyond its range":    {`{"ratio":1e400}`, "invalid ratio wrong_type"},
		"a number beyond any range":   {`{"any":[{"x":1e999}]}`, "invalid any wrong_type"},
		"a text for true":             {`{"open":"true"}`, "invalid open wrong_type"},
		"1 for true":                  {`{"open":1}`, "invalid open wrong_type"},
		"an object for a list":        {`{"groups":{}}`, "invalid groups wrong_type"},
		"a list for an object":        {`{"new_corp":[]}`, "invalid new_corp wrong_type"},
		"a text in a list of numbers": {`{"groups":[1,"2"]}`, "invalid groups[1] wrong_type"},
		"a list for a text":           {`{"name":["x"]}`, "invalid name wrong_type"},
		"a number for a label":        {`{"labels":{"a":1}}`, "invalid labels.a wrong_type"},
		"a time that is none":         {`{"before":"yesterday"}`, "invalid before wrong_type"},
		"null for a time":             {`{"before":null}`, "invalid before wrong_type"},
		"deeper than JSON may be":     {strings.Repeat("[", 60000), "invalid  malformed"},
		"deep and whole":              {`{"any":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}", "invalid  malformed"},
		"rather deep":                 {`{"any":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", ""},
		"deep where a text belongs":   {`{"name":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", "invalid name wrong_type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := faultOf(Read(post(tc.body), new(letter))); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestABodyIsJSONInUTF8(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"application/json":                  "",
		"Application/JSON":                  "",
		"application/json; charset=utf-8":   "",
		"application/json;charset=UTF-8":    "",
		`application/json; charset="utf-8"`: "",
		"application/json; profile=x":       "",
		"":                                  "unsupported_media_type",
		"application/json; charset=gbk":     "unsupported_media_type",
		"application/json; charset":         "unsupported_media_type",
		"application/json, text/plain":      "unsupported_media_type",
		"application/problem+json":          "unsupported_media_type",
		"application/x-www-form-urlencoded": "unsupported_media_type",
		"multipart/form-data; boundary=x":   "unsupported_media_type",
		"text/plain":                        "unsupported_media_type",
		"json":                              "unsupported_media_type",
		"*/*":                               "unsupported_media_type",
	} {
		r := post(`{"name":"x"}`)
		r.Header.Set("Content-Type", kind)
		if got := faultOf(Read(r, new(letter))); got != want {
			t.Errorf("%q: got %q, want %q", kind, got, want)
		}
	}
	r := post(`{"name":"x"}`)
	r.Header.Del("Content-Type")
	if got, want := faultOf(Read(r, new(letter))), "unsupported_media_type"; got != want {
		t.Errorf("none: got %q, want %q", got, want)
	}
}

func TestABodyMayWeigh64KiB(t *testing.T) {
	t.Parallel()
	whole := func(size int) string {
		const around = `{"name":""}`
		return `{"name":"` + strings.Repeat("x", size-len(around)) + `"}`
	}
	for size, want := range map[int]string{64 << 10: "", 64<<10 + 1: "too_large", 2 << 20: "too_large"} {
		r := post(whole(size))
		if got := faultOf(Read(r, new(letter))); got != want {
			t.Errorf("%d bytes: got %q, want %q", size, got, want)
		}
		if _, err := Fingerprint(r); faultOf(err) != want {
			t.Errorf("%d bytes: the fingerprint says %v, want %q", size, err, want)
		}
		b, err := io.ReadAll(r.Body) // what was read is there still
		if err != nil || len(b) != size {
			t.Errorf("%d bytes: %d are left, %v", size, len(b), err)
		}
	}
}

func TestABodyThatBreaksOffIsMalformed(t *testing.T) {
	t.Parallel()
	r := post("")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"name":`), iotest.ErrReader(errors.New("connection reset by 10.0.0.7"))))
	err := Read(r, new(letter))
	if got, want := faultOf(err), "invalid  malformed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if e, _ := errors.AsType[*network.Error](err); strings.Contains(fmt.Sprint(e.Fields), "10.0.0.7") {
		t.Errorf("the reader is told %v", e.Fields)
	}
	r = post("")
	r.Body = nil
	if got, want := faultOf(Read(r, new(letter))), "invalid  malformed"; got != want {
		t.Errorf("no body: got %q, want %q", got, want)
	}
}

func TestAFingerprintIsOfWhatIsAsked(t *testing.T) {
	t.Parallel()
	ask := func(method, target, corp, body string) string {
		t.Helper()
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		if corp != "" {
			r.Header.Set("Tributary-Corp", corp)
		}
		f, err := Fingerprint(r)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	seen := map[string]string{}
	for _, a := range [][4]string{
		{"POST", "/v1/chains", "co1", `{"name":"x"}`},
		{"PATCH", "/v1/chains", "co1", `{"name":"x"}`},
		{"POST", "/v1/corps", "co1", `{"name":"x"}`},
		{"POST", "/v1/a%2Fb", "co1", `{"name":"x"}`},
		{"POST", "/v1/a/b", "co1", `{"name":"x"}`},
		{"POST", "/v1/chains?dry=true", "co1", `{"name":"x"}`},
		{"POST", "/v1/chains", "co2", `{"name":"x"}`},
		{"POST", "/v1/chains", "", `{"name":"x"}`},
		{"POST", "/v1/chains", "", `co1` + "\n" + `{"name":"x"}`},
		{"POST", "/v1/chains", "co1", `{"name":"y"}`},
		{"POST", "/v1/chains", "co1", `{"name": "x"}`},
		{"POST", "/v1/chains", "co1", ``},
	} {
		f := ask(a[0], a[1], a[2], a[3])
		if other, ok := seen[f]; ok {
			t.Errorf("%v and %s have the same fingerprint", a, other)
		}
		seen[f] = fmt.Sprint(a)
		if again := ask(a[0], a[1], a[2], a[3]); again != f {
			t.Errorf("%v has two fingerprints", a)
		}
	}
}

func TestAFingerprintIsTheSameBeforeAndAfterReading(t *testing.T) {
	t.Parallel()
	r := post(`{"name":"x"}`)
	before, err := Fingerprint(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := Read(r, new(letter)); err != nil {
		t.Fatal(err)
	}
	if after, err := Fingerprint(r); after != before || err != nil {
		t.Errorf("got %s, %v, want %s", after, err, before)
	}
}

// Whatever comes, it is read as encoding/json reads it, or refused with an
// error that the reader may see; never both, and never with a panic.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"name":"x","max":1,"groups":[1],"new_corp":{"name":"y"},"people":[{"phone":"1"}]}`, `{"name":null}`, `{"NAME":"x"}`,
		`{"name":"x","name":"y"}`, `{"a":1}`, `[]`, `[[[[`, `{"any":[{"a":[null,1e9]}],"labels":{"a":"b"}}`, `{"before":"2026-11-23T05:00:00Z"}`,
		`{"name":"\ud800"}`, "\xff", `{"ratio":1e999}`, `{"small":256}`, `{} {}`, `{"name":"x"`, `null`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v letter
		err := Read(post(string(b)), &v)
		if err != nil {
			e, ok := errors.AsType[*network.Error](err)
			if !ok || e.Kind != network.Invalid {
				t.Fatalf("%q: got %v, want what the caller can mend", b, err)
			}
			if e.Code != "too_large" && len(e.Fields) != 1 {
				t.Fatalf("%q: got %v, want one field named", b, err)
			}
			return
		}
		if len(b) > maxBody || !utf8.Valid(b) || !json.Valid(b) || bytes.IndexByte(b, '{') < 0 {
			t.Fatalf("%q was taken", b)
		}
		var want letter
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(&want); err != nil || !reflect.DeepEqual(v, want) {
			t.Fatalf("%q: got %+v, want %+v, %v", b, v, want, err)
		}
		if strings.Contains(v.Name, "\ufffd") {
			t.Fatalf("%q: a name has a character that nobody sent: %q", b, v.Name)
		}
	})
}
