package notice

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Outcome is what became of a notice, once that is known.
type Outcome string

const (
	Delivered     Outcome = "delivered"     // handed to the gateway
	Undeliverable Outcome = "undeliverable" // this notice will never arrive; sending it again is useless
)

// timeout is what one attempt may take. A gateway that thinks longer is asked
// again by the queue, and drops the repeat by its dedup id.
const timeout = 5 * time.Second

// Webhook hands notices to a gateway of the operator's choice, as signed JSON
// over HTTPS.
type Webhook struct {
	url    string
	key    []byte
	now    func() time.Time
	client *http.Client
}

// NewWebhook is a webhook to that URL, signed with key.
func NewWebhook(url string, key []byte, now func() time.Time) *Webhook {
	return &Webhook{url, key, now, &http.Client{
		Timeout: timeout,
		// A redirect would turn the POST into a GET, or carry it to a stranger.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Send hands n over. An error means that nobody knows what became of it, or
// that the gateway wants it later: send the same notice again. Errors say
// nothing of the notice, nor of the URL, which may hold a secret.
//
//	2xx            Delivered
//	400 410 422    Undeliverable
//	else           an error; a wrong key or a wrong URL is our fault, not the recipient's
func (w *Webhook) Send(ctx context.Context, n Notice) (Outcome, error) {
	body, err := json.Marshal(struct {
		To      string    `json:"to"`
		Channel string    `json:"channel"`
		Subject string    `json:"subject"`
		Text    string    `json:"text"`
		URL     string    `json:"url"`
		At      time.Time `json:"at"`
		DedupID string    `json:"dedup_id"`
	}{n.To, n.Channel, n.Subject, n.Text, n.URL, n.At.UTC(), n.DedupID})
	if err != nil {
		return "", errors.New("webhook: the notice can't be written")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return "", errors.New("webhook: NOTICE_WEBHOOK_URL is no URL")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", n.DedupID)
	req.Header.Set("Tributary-Signature", Sign(w.key, w.now(), body))
	res, err := w.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URL
		}
		return "", fmt.Errorf("webhook: %w", err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 4<<10)) // so that the connection is used again

	switch s := res.StatusCode; {
	case s >= 200 && s < 300:
		return Delivered, nil
	case s == http.StatusBadRequest, s == http.StatusGone, s == http.StatusUnprocessableEntity:
		return Undeliverable, nil
	}
	return "", fmt.Errorf("webhook: status %d", res.StatusCode)
}

// Sign is the Tributary-Signature of a body sent at that time:
// "t=<unix>,v1=<hex HMAC-SHA-256 of t.body>". A receiver computes it again
// with the key, and refuses a t that is minutes off: a replay.
func Sign(key []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	m := hmac.New(sha256.New, key)
	m.Write([]byte(t + "."))
	m.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(m.Sum(nil))
}
