package platform

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// ErrThrottled says that a function has no instance to spare just now.
var ErrThrottled = errors.New("function: throttled")

// maxAnswer is what Lambda lets a function answer.
const maxAnswer = 6 << 20

// Invoke calls another function of ours by its name and alias, and waits for
// its answer. It asks once: whether asking again is harmless, the caller knows.
// ErrThrottled if the function wasn't begun for want of an instance. Like the
// vault's, the call is signed by the SDK's own signer, since the service's
// client would put a megabyte into the door.
func (p *Platform) Invoke(ctx context.Context, function, alias string, event []byte) ([]byte, error) {
	suffix := "amazonaws.com"
	if strings.HasPrefix(p.AWS.Region, "cn-") {
		suffix = "amazonaws.com.cn"
	}
	base := cmp.Or(p.Endpoint("Lambda"), "https://lambda."+p.AWS.Region+"."+suffix)
	r, err := http.NewRequestWithContext(ctx, "POST", base+"/2015-03-31/functions/"+function+"/invocations?Qualifier="+alias, bytes.NewReader(event))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	keys, err := p.AWS.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(event)
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "lambda", p.AWS.Region, time.Now()); err != nil {
		return nil, err
	}
	resp, err := p.waits.Do(r)
	if err != nil {
		return nil, fmt.Errorf("function: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return nil, fmt.Errorf("function: %w", err)
	case resp.StatusCode == http.StatusTooManyRequests:
		return nil, ErrThrottled
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("function: %s %s", resp.Status, resp.Header.Get("X-Amzn-Errortype"))
	case resp.Header.Get("X-Amz-Function-Error") != "":
		return nil, errors.New("function: it failed") // its own log says why
	}
	return answer, nil
}
