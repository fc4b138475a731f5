package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/tributary-app/tributary/shared/network"
)

// failing serves a request to /v1/join/secret-token, whose handler does what
// do does, and answers what was said and what was logged.
func failing(t *testing.T, do Handler, header ...string) (*httptest.ResponseRecorder, []map[string]any) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("POST /v1/join/{token}", do)
	r := httptest.NewRequest("POST", "/v1/join/secret-token?phone=13800138000", strings.NewReader("secret body"))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	var log logged
	ctx := lambdacontext.NewContext(logTo(r.Context(), &log), &lambdacontext.LambdaContext{AwsRequestID: "8f2c"})
	w := httptest.NewRecorder()
	Routes(mux).ServeHTTP(w, r.WithContext(ctx))
	return w, log.records
}

func says(err error) Handler {
	return func(http.ResponseWriter, *http.Request) error { return err }
}

// problem reads a problem document, strictly.
func problem(t *testing.T, w *httptest.ResponseRecorder) Problem {
	t.Helper()
	if got, want := w.Header().Get("Content-Type"), "application/problem+json"; got != want {
		t.Errorf("Content-Type is %q, want %q", got, want)
	}
	var p Problem
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		t.Fatalf("no problem document: %v", err)
	}
	if p.Status != w.Code {
		t.Errorf("the document says %d, the status line %d", p.Status, w.Code)
	}
	if want := "urn:tributary:problem:" + p.Code; p.Type != want {
		t.Errorf("type is %q, want %q", p.Type, want)
	}
	return p
}

func TestEveryErrorHasItsStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"invalid":                       {network.InvalidField("name", "missing", "A name is needed."), 400, "invalid"},
		"unknown field":                 {network.ErrUnknownField, 400, "unknown_field"},
		"no corp named":                 {network.ErrCorpRequired, 400, "corp_required"},
		"not signed in":                 {network.ErrUnauthenticated, 401, "unauthenticated"},
		"denied":                        {network.ErrDenied, 403, "denied"},
		"another's corp":                {network.ErrNotAMember, 403, "not_a_member"},
		"phone not verified":            {network.ErrPhoneNotVerified, 403, "phone_not_verified"},
		"not found":                     {network.ErrNotFound, 404, "not_found"},
		"no such group":                 {network.ErrGroupNotFound, 404, "group_not_found"},
		"no such method":                {errMethod, 405, "method_not_allowed"},
		"conflict":                      {network.ErrConflict, 409, "conflict"},
		"stale":                         {network.ErrStale, 409, "stale"},
		"last admin":                    {network.ErrLastAdmin, 409, "last_admin"},
		"expired":                       {network.ErrInviteExpired, 410, "invite_expired"},
		"dissolved":                     {network.ErrChainDissolved, 410, "chain_dissolved"},
		"If-Match is behind":            {network.ErrPrecondition, 412, "precondition_failed"},
		"too large":                     {network.ErrTooLarge, 413, "too_large"},
		"content type":                  {network.ErrMediaType, 415, "unsupported_media_type"},
		"another body under a key":      {network.ErrIdempotency, 422, "idempotency_mismatch"},
		"rate limited":                  {&network.Error{Kind: network.Busy, Code: "rate_limited"}, 429, "rate_limited"},
		"busy":                          {network.ErrBusy, 503, "busy"},
		"wrapped":                       {fmt.Errorf("join: %w", fmt.Errorf("store: %w", network.ErrInviteRevoked)), 410, "invite_revoked"},
		"internal by its kind":          {&network.Error{Kind: network.Internal, Code: "sockets"}, 500, "internal"},
		"a kind that nobody has listed": {&network.Error{Kind: "odd", Code: "odd"}, 500, "internal"},
		"unknown":                       {io.ErrUnexpectedEOF, 500, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, log := failing(t, says(tc.err))
			p := problem(t, w)
			if w.Code != tc.status || p.Code != tc.code {
				t.Errorf("got %d %s, want %d %s", w.Code, p.Code, tc.status, tc.code)
			}
			if p.Instance != "8f2c" {
				t.Errorf("instance is %q, want the request's id", p.Instance)
			}
			if got, want := w.Header().Get("Retry-After") != "", tc.status == 429 || tc.status == 503; got != want {
				t.Errorf("Retry-After is there: %v, want %v", got, want)
			}
			if got, want := w.Header().Get("WWW-Authenticate") != "", tc.status == 401; got != want {
				t.Errorf("WWW-Authenticate is there: %v, want %v", got, want)
			}
			if got, want := w.Header().Get("Cache-Control"), "no-store"; got != want {
				t.Errorf("Cache-Control is %q, want %q", got, want)
			}
			if len(log) != 1 {
				t.Fatalf("logged %d times, want once: %v", len(log), log)
			}
			if l := log[0]; l["route"] != "POST /v1/join/{token}" || l["status"] != int64(tc.status) || l["code"] != tc.code {
				t.Errorf("logged %v", l)
			}
			if level := slog.LevelInfo; tc.status < 500 && (log[0]["level"] != level || log[0]["err"] != nil) {
				t.Errorf("logged %v, want the code alone, at %v", log[0], level)
			}
		})
	}
}

func TestAnInternalErrorTellsTheLogAndNotTheReader(t *testing.T) {
	t.Parallel()
	w, log := failing(t, says(fmt.Errorf("join: %w", errors.New("table network: key id=AKIA"))))
	if body := w.Body.String(); strings.Contains(body, "AKIA") || strings.Contains(body, "join:") {
		t.Errorf("the reader is told %s", body)
	}
	if p := problem(t, w); p.Title != "系统出错" {
		t.Errorf("got title %q", p.Title)
	}
	if l := log[0]; l["level"] != slog.LevelError || l["err"] != "join: table network: key id=AKIA" {
		t.Errorf("logged %v", l)
	}
}

func TestAPanicIsAnInternalErrorAndIsLoggedWithoutPayload(t *testing.T) {
	t.Parallel()
	var none []int
	type payload struct{ phone string }
	for name, tc := range map[string]struct {
		do   Handler
		want string
	}{
		"a text":             {func(http.ResponseWriter, *http.Request) error { panic("13800138000") }, "panic: a string"},
		"an error":           {func(http.ResponseWriter, *http.Request) error { panic(errors.New("13800138000")) }, "panic: a *errors.errorString"},
		"a value":            {func(http.ResponseWriter, *http.Request) error { panic(payload{"13800138000"}) }, "panic: a web.payload"},
		"an expected error":  {func(http.ResponseWriter, *http.Request) error { panic(network.ErrNotFound) }, "panic: a *network.Error"},
		"the runtime's own":  {func(http.ResponseWriter, *http.Request) error { _ = none[3]; return nil }, "panic: runtime error: index out of range [3] with length 0"},
		"nothing, literally": {func(http.ResponseWriter, *http.Request) error { panic(nil) }, "panic: panic called with nil argument"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, log := failing(t, tc.do)
			if p := problem(t, w); w.Code != 500 || p.Code != "internal" {
				t.Errorf("got %d %s", w.Code, p.Code)
			}
			if len(log) != 1 || !strings.HasPrefix(fmt.Sprint(log[0]["err"]), tc.want) {
				t.Fatalf("logged %v, want %q", log, tc.want)
			}
			if stack, _ := log[0]["stack"].(string); !strings.Contains(stack, "problem_test.go") {
				t.Errorf("the stack doesn't lead here: %s", stack)
			}
			if all := fmt.Sprint(log); strings.Contains(all, "13800138000") || strings.Contains(all, "secret-token") || strings.Contains(all, "secret body") {
				t.Errorf("logged what the request holds: %s", all)
			}
		})
	}
}

func TestTheLogHoldsNeitherPathNorFieldsNorBody(t *testing.T) {
	t.Parallel()
	_, log := failing(t, says(network.InvalidField("张三13800138000", "unknown", "There is no 张三.")))
	if all := fmt.Sprint(log); strings.Contains(all, "secret") || strings.Contains(all, "张三") || strings.Contains(all, "13800138000") {
		t.Errorf("logged %s", all)
	}
}

func TestAFailureAfterTheAnswerBeganIsLoggedAndNotSaid(t *testing.T) {
	t.Parallel()
	w, log := failing(t, func(w http.ResponseWriter, _ *http.Request) error {
		fmt.Fprint(w, "half")
		return network.ErrBusy
	})
	if w.Code != 200 || w.Body.String() != "half" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	if len(log) != 1 || log[0]["code"] != "busy" {
		t.Errorf("logged %v", log)
	}
}

func TestAProblemIsNeitherTaggedNorCached(t *testing.T) {
	t.Parallel()
	w, _ := failing(t, func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("ETag", ETag(3))
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Header().Set("Content-Disposition", "attachment")
		return network.ErrBusy
	})
	for name, want := range map[string]string{"ETag": "", "Cache-Control": "no-store", "Content-Disposition": ""} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestAProblemNamesItsFieldsInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	err := &network.Error{Kind: network.Invalid, Code: "invalid", Fields: []network.FieldError{
		{Field: "new_corp.name", Code: "too_long", Detail: "A name has 32 characters at most."},
		{Field: "", Code: "malformed"},
		{Field: "x", Code: "whatever", Detail: "Only English knows."},
		{Field: "y", Code: "whatever"},
	}}
	for lang, want := range map[string][]Fault{
		"zh-CN": {
			{"new_corp.name", "too_long", "过长。"}, {"", "malformed", "格式有误。"},
			{"x", "whatever", "Only English knows."}, {"y", "whatever", "请求内容有误"},
		},
		"en": {
			{"new_corp.name", "too_long", "A name has 32 characters at most."}, {"", "malformed", "This is malformed."},
			{"x", "whatever", "Only English knows."}, {"y", "whatever", "The request is not valid"},
		},
	} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			w, _ := failing(t, says(fmt.Errorf("create: %w", err)), "Accept-Language", lang)
			if strings.Contains(w.Body.String(), `"field":""`) {
				t.Errorf("an empty field is named: %s", w.Body)
			}
			p := problem(t, w)
			if fmt.Sprint(p.Errors) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", p.Errors, want)
			}
			if got := w.Header().Get("Content-Language"); got != lang {
				t.Errorf("Content-Language is %q, want %q", got, lang)
			}
		})
	}
}

func TestWithoutLambdaAProblemHasNoInstance(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	says(network.ErrNotFound).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if strings.Contains(w.Body.String(), "instance") {
		t.Errorf("got %s", w.Body)
	}
}
