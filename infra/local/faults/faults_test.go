package faults

import (
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// setup is a service that counts what takes effect, behind a proxy in the given weather.
func setup(t *testing.T, wire Wire) (front string, effects *atomic.Int32) {
	t.Helper()
	effects = new(atomic.Int32)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		effects.Add(1)
		w.Header().Set("X-Seen", r.Host+" "+r.URL.RequestURI()+" "+r.Header.Get("Accept-Encoding"))
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(b)
	}))
	t.Cleanup(service.Close)
	target, err := url.Parse(service.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := httptest.NewServer(NewProxy(target, Checksummed(transport), func() Wire { return wire }, ThrottleDynamoDB))
	t.Cleanup(proxy.Close)
	return proxy.URL, effects
}

func TestInFairWeatherARequestPassesUnchanged(t *testing.T) {
	t.Parallel()
	front, _ := setup(t, Wire{})
	resp, err := http.Post(front+"/a%2Fb?x=%20", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || string(b) != "hello" || resp.StatusCode != http.StatusTeapot {
		t.Errorf("got %d %q, %v", resp.StatusCode, b, err)
	}
	if want := strings.TrimPrefix(front, "http://") + " /a%2Fb?x=%20 gzip"; resp.Header.Get("X-Seen") != want {
		t.Errorf("the service saw %q, want %q", resp.Header.Get("X-Seen"), want)
	}
	if want := strconv.FormatUint(uint64(crc32.ChecksumIEEE(b)), 10); resp.Header.Get("X-Amz-Crc32") != want {
		t.Errorf("checksum: got %q, want %q", resp.Header.Get("X-Amz-Crc32"), want)
	}
}

func TestALostAnswerHasTakenEffect(t *testing.T) {
	t.Parallel()
	front, effects := setup(t, Wire{LostAnswer: 1})
	resp, err := http.Post(front, "text/plain", strings.NewReader("hello"))
	if !errors.Is(err, io.EOF) || effects.Load() != 1 {
		t.Errorf("got %v, %v and %d effects, want a cut connection and one", resp, err, effects.Load())
	}
}

func TestAThrottledRequestHasNoEffect(t *testing.T) {
	t.Parallel()
	front, effects := setup(t, Wire{Throttle: 1})
	resp, err := http.Post(front, "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 400 || effects.Load() != 0 ||
		!strings.Contains(string(b), "ProvisionedThroughputExceededException") && !strings.Contains(string(b), "ThrottlingException") {
		t.Errorf("got %d %s, %v and %d effects", resp.StatusCode, b, err, effects.Load())
	}
	if want := strconv.FormatUint(uint64(crc32.ChecksumIEEE(b)), 10); resp.Header.Get("X-Amz-Crc32") != want {
		t.Errorf("checksum: got %q, want %q", resp.Header.Get("X-Amz-Crc32"), want)
	}
}

func TestASlowServiceAnswersLater(t *testing.T) {
	t.Parallel()
	front, _ := setup(t, Wire{DelayMS: 50})
	begun := time.Now()
	resp, err := http.Post(front, "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if took := time.Since(begun); took < 50*time.Millisecond {
		t.Errorf("answered after %s, want 50 ms", took)
	}
}

func TestFaultsThatNobodyKnowsAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{}`: true,
		`{"sqs":{"duplicate":0.2},"dynamodb":{"lost_answer":0.05,"throttle":0.05},"lambda":{"kill":0.02}}`: true,
		`{"sqs":{"lost_answer":1},"s3":{"delay_ms":5}}`:                                                    true,
		`{"sqs":{"duplicates":0.2}}`:                                                                       false,
		`{"lambda":{"kill":2}}`:                                                                            false,
		`{"dynamodb":{"throttle":-1}}`:                                                                     false,
		`nonsense`:                                                                                         false,
	} {
		if f, err := Read(strings.NewReader(text)); (err == nil) != want {
			t.Errorf("%s: got %+v, %v", text, f, err)
		}
	}
}
