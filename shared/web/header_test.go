package web

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestIfMatchIsTheVersionAnEditWasMadeOf(t *testing.T) {
	t.Parallel()
	const behind, bad = "precondition_failed", "invalid If-Match malformed"
	for header, tc := range map[string]struct {
		version int
		ok      bool
		want    string
	}{
		"":                       {0, false, ""},
		"*":                      {0, false, ""},
		" * ":                    {0, false, ""},
		ETag(0):                  {0, true, ""},
		ETag(3):                  {3, true, ""},
		ETag(1 << 40):            {1 << 40, true, ""},
		` "3" `:                  {3, true, ""},
		`W/"3"`:                  {3, true, ""},
		`"03"`:                   {0, false, behind},
		`"+3"`:                   {0, false, behind},
		`"3 "`:                   {0, false, behind},
		`"-0"`:                   {0, false, behind},
		`""`:                     {0, false, behind},
		`"abc"`:                  {0, false, behind},
		`"*"`:                    {0, false, behind},
		`"99999999999999999999"`: {0, false, behind},
		`3`:                      {0, false, bad},
		`"3`:                     {0, false, bad},
		`3"`:                     {0, false, bad},
		`"`:                      {0, false, bad},
		`W/3`:                    {0, false, bad},
		`w/"3"`:                  {0, false, bad},
		`W/W/"3"`:                {0, false, bad},
		`"3", "4"`:               {0, false, bad},
		`"3","4"`:                {0, false, bad},
		`"3"4"`:                  {0, false, bad},
	} {
		r := httptest.NewRequest("PATCH", "/", nil)
		r.Header.Set("If-Match", header)
		version, ok, err := IfMatch(r)
		if got := faultOf(err); got != tc.want || version != tc.version || ok != tc.ok {
			t.Errorf("%q: got %d, %v, %q, want %d, %v, %q", header, version, ok, got, tc.version, tc.ok, tc.want)
		}
	}
}

func TestAnIdempotencyKeyIs1To64PrintableASCII(t *testing.T) {
	t.Parallel()
	const bad = "invalid Idempotency-Key malformed"
	for name, tc := range map[string]struct {
		header []string
		want   string
	}{
		"none":               {nil, ""},
		"one character":      {[]string{"k"}, ""},
		"64 characters":      {[]string{strings.Repeat("k", 64)}, ""},
		"all there are":      {[]string{` !"#$%&'()*+,-./0123456789:;<=>?@`}, ""},
		"the last of them":   {[]string{"[\\]^_`{|}~"}, ""},
		"a UUID":             {[]string{"8e03978e-40d5-43e8-bc93-6894a57f9324"}, ""},
		"empty":              {[]string{""}, bad},
		"65 characters":      {[]string{strings.Repeat("k", 65)}, bad},
		"Chinese":            {[]string{"钥匙"}, bad},
		"a tab":              {[]string{"a\tb"}, bad},
		"a line's end":       {[]string{"a\nb"}, bad},
		"DEL":                {[]string{"a\x7f"}, bad},
		"NUL":                {[]string{"\x00"}, bad},
		"Latin-1":            {[]string{"caf\xe9"}, bad},
		"two":                {[]string{"a", "b"}, bad},
		"the same one twice": {[]string{"a", "a"}, bad},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		for _, v := range tc.header {
			r.Header.Add("Idempotency-Key", v)
		}
		key, err := IdempotencyKey(r)
		wantKey := ""
		if tc.want == "" && tc.header != nil {
			wantKey = tc.header[0]
		}
		if got := faultOf(err); got != tc.want || key != wantKey {
			t.Errorf("%s: got %q, %q, want %q, %q", name, key, got, wantKey, tc.want)
		}
	}
}
