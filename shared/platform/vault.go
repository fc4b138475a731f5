package platform

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// vaultTries is how often Secrets Manager is asked: a cold start has some
// seconds, and it seldom fails twice.
const vaultTries = 3

// fromVault asks Secrets Manager for a secret's text. It is one call of one
// operation, signed by the SDK's own signer: the service's client would put
// 0.26 MB into every door (infra/decisions/6-dependencies.md).
func (p *Platform) fromVault(ctx context.Context, arn string) ([]byte, error) {
	body, err := json.Marshal(map[string]string{"SecretId": arn})
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		text, again, err := p.askVault(ctx, arn, body)
		if err == nil || !again || try == vaultTries {
			return text, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(try) * 100 * time.Millisecond):
		}
	}
}

// askVault asks once. again says that asking once more may help.
func (p *Platform) askVault(ctx context.Context, arn string, body []byte) (text []byte, again bool, err error) {
	suffix := "amazonaws.com"
	if strings.HasPrefix(arn, "arn:aws-cn:") {
		suffix = "amazonaws.com.cn"
	}
	url := cmp.Or(p.Endpoint("Secrets Manager"), "https://secretsmanager."+p.AWS.Region+"."+suffix)
	r, err := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(body))
	if err != nil {
		return nil, false, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
	keys, err := p.AWS.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, false, err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "secretsmanager", p.AWS.Region, time.Now()); err != nil {
		return nil, false, err
	}
	resp, err := p.AWS.HTTPClient.Do(r)
	if err != nil {
		return nil, true, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // a secret is 64 KiB at most
	if err != nil {
		return nil, true, err
	}
	var answer struct {
		Type         string `json:"__type"`
		SecretString *string
	}
	err = json.Unmarshal(b, &answer)
	switch {
	case resp.StatusCode != http.StatusOK:
		// The code only: the message may name the secret, and nothing else is of use.
		_, code, _ := strings.Cut("#"+answer.Type, "#")
		again = resp.StatusCode >= 500 || strings.Contains(answer.Type, "Throttling")
		return nil, again, fmt.Errorf("secrets manager: %s %s", resp.Status, code)
	case err != nil:
		return nil, true, errors.New("secrets manager: the answer is no JSON")
	case answer.SecretString == nil:
		return nil, false, errors.New("secrets manager: the secret is no text")
	}
	return []byte(*answer.SecretString), false, nil
}
