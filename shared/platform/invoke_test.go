package platform

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAFunctionIsCalledByItsNameAndAliasAndAskedOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(w http.ResponseWriter)
		want   string // the answer
		err    string // what the error says
	}{
		"at work":   {func(w http.ResponseWriter) { fmt.Fprint(w, `{"statusCode":200}`) }, `{"statusCode":200}`, ""},
		"throttled": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) }, "", "throttled"},
		"unknown": {func(w http.ResponseWriter) {
			w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
			w.WriteHeader(http.StatusNotFound)
		}, "", "ResourceNotFoundException"},
		"failed": {func(w http.ResponseWriter) {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			fmt.Fprint(w, `{"errorMessage":"of no concern"}`)
		}, "", "it failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				b, err := io.ReadAll(r.Body)
				if err != nil || string(b) != `{"version":"2.0"}` {
					t.Errorf("asked %s, %v", b, err)
				}
				if got, want := r.URL.RequestURI(), "/2015-03-31/functions/stack-Joins-1/invocations?Qualifier=live"; got != want {
					t.Errorf("asked %s, want %s", got, want)
				}
				if got := r.Header.Get("Authorization"); !strings.Contains(got, "/eu-central-1/lambda/aws4_request") {
					t.Errorf("signed %q, want for lambda", got)
				}
				tc.answer(w)
			}))
			t.Cleanup(server.Close)
			p := found(t, "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=key", "AWS_ENDPOINT_URL_LAMBDA="+server.URL)
			got, err := p.Invoke(t.Context(), "stack-Joins-1", "live", []byte(`{"version":"2.0"}`))
			if string(got) != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %s, %v", got, err)
			}
			if errors.Is(err, ErrThrottled) != (tc.err == "throttled") {
				t.Errorf("got %v", err)
			}
			if calls != 1 {
				t.Errorf("asked %d times, want once", calls)
			}
		})
	}
}
