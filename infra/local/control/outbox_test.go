package control

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var key = []byte("key")

// notice delivers one, signed by k at the given moment; change may spoil it.
func deliver(o *Outbox, body string, k []byte, at time.Time, idempotency string) int {
	r := httptest.NewRequest("POST", "/notices", strings.NewReader(body))
	t := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, k)
	mac.Write([]byte(t + "." + body))
	r.Header.Set("Tributary-Signature", "t="+t+",v1="+hex.EncodeToString(mac.Sum(nil)))
	r.Header.Set("Idempotency-Key", idempotency)
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return w.Code
}

func open(t *testing.T, file string) *Outbox {
	t.Helper()
	o, err := OpenOutbox(file, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

const hello = `{"to":"+8613800000001","channel":"webhook","subject":"s","text":"t","url":"u","at":"2026-01-01T00:00:00Z","dedup_id":"d1"}`

func TestANoticeIsKeptOnceAndOverARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "outbox")
	o := open(t, file)
	for range 2 {
		if code := deliver(o, hello, key, time.Now(), "d1"); code != 200 {
			t.Errorf("got %d, want 200", code)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(`{"to":"+86138`) // a run that was killed here
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}

	o = open(t, file)
	deliver(o, hello, key, time.Now(), "d1")
	deliver(o, strings.ReplaceAll(hello, "d1", "d2"), key, time.Now(), "d2")
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = open(t, file)
	if got := o.To("+8613800000001"); len(got) != 2 || got[0].DedupID != "d1" || got[1].DedupID != "d2" || got[0].Text != "t" {
		t.Errorf("got %+v, want d1 and d2", got)
	}
	if got := o.To("+8613800000002"); len(got) != 0 {
		t.Errorf("got %+v for somebody else", got)
	}
}

func TestANoticeThatIsNotSignedIsRefused(t *testing.T) {
	t.Parallel()
	o := open(t, filepath.Join(t.TempDir(), "outbox"))
	if code := deliver(o, hello, []byte("guessed"), time.Now(), "d1"); code != 401 {
		t.Errorf("another key: got %d, want 401", code)
	}
	if code := deliver(o, hello, key, time.Now().Add(-time.Hour), "d1"); code != 401 {
		t.Errorf("an hour old: got %d, want 401", code)
	}
	if code := deliver(o, hello, key, time.Now(), "other"); code != 400 {
		t.Errorf("another idempotency key: got %d, want 400", code)
	}
	if code := deliver(o, `nonsense`, key, time.Now(), ""); code != 400 {
		t.Errorf("no JSON: got %d, want 400", code)
	}
	o.SetClock(time.Hour)
	if code := deliver(o, hello, key, time.Now().Add(time.Hour), "d1"); code != 200 {
		t.Errorf("by the clock that runs ahead: got %d, want 200", code)
	}
}
