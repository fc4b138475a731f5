package web

import (
	"net/http/httptest"
	"testing"
)

func query(t *testing.T, raw string) Params {
	t.Helper()
	r := httptest.NewRequest("GET", "/v1/x", nil)
	r.URL.RawQuery = raw
	p, err := Query(r, "limit", "cursor", "group_id", "recursive", "state")
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return p
}

func TestAQueryHoldsWhatIsKnownAndEachOnce(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"":                        "",
		"limit=5&cursor=abc":      "",
		"limit=":                  "",
		"limit":                   "",
		"group%5Fid=3":            "",
		"page=2":                  "invalid page unknown",
		"LIMIT=5":                 "invalid LIMIT unknown",
		"limit=5&limit=5":         "invalid limit repeated",
		"limit=5&limit=6":         "invalid limit repeated",
		"z=1&a=1&limit=1&limit=2": "invalid a unknown limit repeated z unknown",
		"x=1&x=2":                 "invalid x unknown",
		"=1":                      "invalid  unknown",
		"limit=%zz":               "invalid  malformed",
		"limit=%":                 "invalid  malformed",
		"limit=5;cursor=x":        "invalid  malformed",
	} {
		r := httptest.NewRequest("GET", "/v1/x", nil)
		r.URL.RawQuery = raw
		_, err := Query(r, "limit", "cursor", "group_id")
		if got := faultOf(err); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}

func TestAParameterIsText(t *testing.T) {
	t.Parallel()
	p := query(t, "cursor=a%2Bb%3D&state=%E5%AE%8F+%E8%BF%9C")
	if got, want := p.Cursor(), "a+b="; got != want {
		t.Errorf("got cursor %q, want %q", got, want)
	}
	if got, want := p.Get("state"), "宏 远"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := p.Get("group_id") + query(t, "").Cursor(); got != "" {
		t.Errorf("what isn't given is %q", got)
	}
}

func TestAPageHas1To200ItemsAnd50ByDefault(t *testing.T) {
	t.Parallel()
	for raw, tc := range map[string]struct {
		n    int
		want string
	}{
		"":                           {50, ""},
		"limit=1":                    {1, ""},
		"limit=200":                  {200, ""},
		"limit=007":                  {7, ""},
		"limit=0":                    {0, "invalid limit out_of_range"},
		"limit=201":                  {0, "invalid limit out_of_range"},
		"limit=-1":                   {0, "invalid limit out_of_range"},
		"limit=":                     {0, "invalid limit wrong_type"},
		"limit=ten":                  {0, "invalid limit wrong_type"},
		"limit=1.5":                  {0, "invalid limit wrong_type"},
		"limit=1e2":                  {0, "invalid limit wrong_type"},
		"limit=%2B5":                 {0, "invalid limit wrong_type"},
		"limit=+5":                   {0, "invalid limit wrong_type"}, // a space
		"limit=0x10":                 {0, "invalid limit wrong_type"},
		"limit=99999999999999999999": {0, "invalid limit wrong_type"},
		"limit=%EF%BC%95":            {0, "invalid limit wrong_type"}, // ５
	} {
		n, err := query(t, raw).Limit()
		if got := faultOf(err); got != tc.want || err == nil && n != tc.n {
			t.Errorf("%q: got %d, %q, want %d, %q", raw, n, got, tc.n, tc.want)
		}
	}
}

func TestAWholeNumberMayBeLeftOut(t *testing.T) {
	t.Parallel()
	if n, err := query(t, "").Int("group_id", 1); n != 1 || err != nil {
		t.Errorf("got %d, %v, want what stands for unset", n, err)
	}
	if n, err := query(t, "group_id=-7").Int("group_id", 1); n != -7 || err != nil {
		t.Errorf("got %d, %v, want -7", n, err)
	}
	if _, err := query(t, "group_id=").Int("group_id", 1); faultOf(err) != "invalid group_id wrong_type" {
		t.Errorf("an empty number: got %v", err)
	}
}

func TestTrueAndFalseAreWrittenOut(t *testing.T) {
	t.Parallel()
	const wrong = "invalid recursive wrong_type"
	for raw, tc := range map[string]struct {
		value bool
		want  string
	}{
		"": {false, ""}, "recursive=true": {true, ""}, "recursive=false": {false, ""},
		"recursive=": {false, wrong}, "recursive": {false, wrong}, "recursive=1": {false, wrong}, "recursive=True": {false, wrong}, "recursive=yes": {false, wrong},
	} {
		value, err := query(t, raw).Bool("recursive")
		if got := faultOf(err); got != tc.want || value != tc.value {
			t.Errorf("%q: got %v, %q, want %v, %q", raw, value, got, tc.value, tc.want)
		}
	}
}

func TestAChoiceIsOneOfItsChoices(t *testing.T) {
	t.Parallel()
	const wrong = "invalid state not_allowed"
	for raw, tc := range map[string]struct{ value, want string }{
		"": {"", ""}, "state=live": {"live", ""}, "state=expired": {"expired", ""},
		"state=": {"", wrong}, "state=LIVE": {"", wrong}, "state=live,expired": {"", wrong}, "state=dead": {"", wrong},
	} {
		value, err := query(t, raw).OneOf("state", "live", "expired")
		if got := faultOf(err); got != tc.want || value != tc.value {
			t.Errorf("%q: got %q, %q, want %q, %q", raw, value, got, tc.value, tc.want)
		}
	}
}
