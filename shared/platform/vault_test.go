package platform

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

const secretARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:TokenKeys-AbCdEf"

// vault is a Secrets Manager that answers the n-th call with what answer says.
func vault(t *testing.T, answer func(n int32, w http.ResponseWriter)) (*Platform, *atomic.Int32) {
	t.Helper()
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if got, want := string(b), fmt.Sprintf(`{"SecretId":%q}`, secretARN); got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
		for name, want := range map[string]string{
			"X-Amz-Target": "secretsmanager.GetSecretValue", "Content-Type": "application/x-amz-json-1.1", "X-Amz-Security-Token": "session",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if got := r.Header.Get("Authorization"); !strings.Contains(got, "/eu-central-1/secretsmanager/aws4_request") {
			t.Errorf("signed %q, want for secretsmanager", got)
		}
		answer(calls.Add(1), w)
	}))
	t.Cleanup(server.Close)
	env := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_SESSION_TOKEN": "session",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": server.URL, "PERSON_KEY": secretARN,
	}
	p, err := New(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	return p, &calls
}

func TestASecretComesFromSecretsManager(t *testing.T) {
	t.Parallel()
	const secret = "thirty-two characters and some more"
	for name, tc := range map[string]struct {
		answer func(n int32, w http.ResponseWriter)
		calls  int32
		want   string // of the error, "" for none
	}{
		"at once": {func(_ int32, w http.ResponseWriter) { fmt.Fprintf(w, `{"SecretString":%q}`, secret) }, 1, ""},
		"after a failure and a throttle": {func(n int32, w http.ResponseWriter) {
			switch n {
			case 1:
				w.WriteHeader(http.StatusInternalServerError)
			case 2:
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"__type":"ThrottlingException"}`)
			default:
				fmt.Fprintf(w, `{"SecretString":%q}`, secret)
			}
		}, 3, ""},
		"not allowed": {func(_ int32, w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"AccessDeniedException","Message":"User is not authorized"}`)
		}, 1, "AccessDeniedException"},
		"down":    {func(_ int32, w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }, 3, "503"},
		"binary":  {func(_ int32, w http.ResponseWriter) { fmt.Fprint(w, `{"SecretBinary":"AAAA"}`) }, 1, "no text"},
		"no JSON": {func(_ int32, w http.ResponseWriter) { fmt.Fprint(w, `<html>`) }, 3, "no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, calls := vault(t, tc.answer)
			got, err := p.PersonKey(t.Context())
			switch {
			case tc.want == "" && (err != nil || string(got) != secret):
				t.Errorf("got %q, %v", got, err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
			if calls.Load() != tc.calls {
				t.Errorf("asked %d times, want %d", calls.Load(), tc.calls)
			}
		})
	}
}
