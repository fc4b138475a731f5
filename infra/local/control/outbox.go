package control

import (
	"bufio"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Outbox is a gateway for notices such as a deployment has one behind NOTICE_WEBHOOK_URL: it checks who sends, drops what it has had
// before, and keeps the rest to be looked at instead of sending it on. What it keeps is in a file, a line a notice.
type Outbox struct {
	key []byte

	mu     sync.Mutex
	offset time.Duration // of the functions' clock
	file   *os.File
	kept   []Notice
	had    map[string]bool // by dedup id
}

// Notice is what was said to a person.
type Notice struct {
	To      string `json:"to"`
	Channel string `json:"channel"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	URL     string `json:"url"`
	At      string `json:"at"`
	DedupID string `json:"dedup_id"`
}

// signatureAge is how old or how far ahead a signature may be.
const signatureAge = 5 * time.Minute

// OpenOutbox reads what earlier runs have kept in file. key is what senders sign with.
func OpenOutbox(file string, key []byte) (*Outbox, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	o := &Outbox{key: key, file: f, had: map[string]bool{}}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var n Notice
		if json.Unmarshal(lines.Bytes(), &n) != nil {
			continue // the run was killed while it wrote the line: the sender wasn't told, and sends again
		}
		o.kept, o.had[n.DedupID] = append(o.kept, n), true
	}
	err = lines.Err()
	if err == nil { // whatever was left of a line that a killed run began, the next notice begins one of its own
		_, err = f.WriteString("\n")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("outbox: %w", err), f.Close())
	}
	return o, nil
}

// Close closes the file.
func (o *Outbox) Close() error {
	if err := o.file.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return fmt.Errorf("outbox: %w", err)
	}
	return nil
}

// SetClock says how far the senders' clock runs ahead.
func (o *Outbox) SetClock(offset time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.offset = offset
}

// To is what was delivered to phone, oldest first; to anybody for "".
func (o *Outbox) To(phone string) []Notice {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []Notice
	for _, n := range o.kept {
		if phone == "" || n.To == phone {
			found = append(found, n)
		}
	}
	return found
}

// ServeHTTP takes one notice: 200 kept or had before, 400 not a notice, 401 not signed by the key.
func (o *Outbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<18))
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	if err := o.verify(r.Header.Get("Tributary-Signature"), body); err != nil {
		fail(w, http.StatusUnauthorized, err)
		return
	}
	var n Notice
	if err := json.Unmarshal(body, &n); err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	if n.To == "" || n.DedupID == "" || r.Header.Get("Idempotency-Key") != n.DedupID {
		fail(w, http.StatusBadRequest, errors.New("outbox: a notice has a recipient, and a dedup_id that is its Idempotency-Key"))
		return
	}
	kept, err := o.keep(n)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	write(w, map[string]bool{"kept": kept})
}

// keep remembers a notice unless it was had before.
func (o *Outbox) keep(n Notice) (bool, error) {
	line, err := json.Marshal(n)
	if err != nil {
		return false, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.had[n.DedupID] {
		return false, nil
	}
	if _, err := o.file.Write(append(line, '\n')); err != nil {
		return false, fmt.Errorf("outbox: %w", err)
	}
	o.kept, o.had[n.DedupID] = append(o.kept, n), true
	return true, nil
}

// SendCode keeps a one-time code as the SMS that it would be. The issuer sends it, which needs no signature: it is in this process.
func (o *Outbox) SendCode(phone, code string) error {
	_, err := o.keep(Notice{
		To: phone, Channel: "sms", Subject: "登录验证码", Text: "【上下游】您的登录验证码是 " + code + "，5 分钟内有效。请勿告诉他人。",
		At: time.Now().UTC().Format(time.RFC3339), DedupID: "code." + rand.Text(),
	})
	return err
}

// verify checks "t=<unix seconds>,v1=<hex of HMAC-SHA-256 over t, a dot and the body>".
func (o *Outbox) verify(signature string, body []byte) error {
	refused := errors.New("outbox: the signature is missing, too old or wrong")
	var at, sum string
	for part := range strings.SplitSeq(signature, ",") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "t":
			at = value
		case "v1":
			sum = value
		}
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return refused
	}
	o.mu.Lock()
	offset := o.offset
	o.mu.Unlock()
	// While the clock is being changed, notices signed by either are under way.
	age := time.Since(time.Unix(seconds, 0))
	if age.Abs() > signatureAge && (age+offset).Abs() > signatureAge {
		return refused
	}
	mac := hmac.New(sha256.New, o.key)
	mac.Write([]byte(at + "." + string(body)))
	got, err := hex.DecodeString(sum)
	if err != nil || !hmac.Equal(got, mac.Sum(nil)) {
		return refused
	}
	return nil
}
