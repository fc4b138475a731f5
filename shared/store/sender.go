package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// sender sends the one request that an import makes a hundred thousand times,
// with the client's own settings: its endpoint, credentials, HTTP client and
// retryer. What it leaves out is the client's sixty middlewares, which take as
// much of a processor as all the rest of an import.
type sender struct {
	options dynamodb.Options
	signer  signer
	url     func() (*url.URL, error) // where to, worked out once
	do      func(*http.Request) (*http.Response, error)
}

func newSender(db *dynamodb.Client) *sender {
	s := &sender{options: db.Options()}
	s.do = s.options.HTTPClient.Do
	if c, ok := s.options.HTTPClient.(*awshttp.BuildableClient); ok {
		s.do = c.GetTransport().RoundTrip // without what a browser would do: follow, keep cookies
	}
	s.url = sync.OnceValues(func() (*url.URL, error) {
		to, err := s.options.EndpointResolverV2.ResolveEndpoint(context.Background(), dynamodb.EndpointParameters{
			Region: &s.options.Region, Endpoint: s.options.BaseEndpoint, UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false),
		})
		if to.URI.Path != "" && to.URI.Path != "/" {
			return nil, fmt.Errorf("an endpoint of DynamoDB has no path, as %s has", to.URI.Redacted())
		}
		return &to.URI, err
	})
	return s
}

// stated is what became of one statement.
type stated struct {
	Error *struct{ Code string }
}

// insert sends statements that are written already, and sends them again as
// often as the client would. answers are by statement, nil if each did what it
// says.
func (s *sender) insert(ctx context.Context, table string, body []byte, statements int) (answers []stated, tries int, err error) {
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	retryer := s.options.Retryer
	for tries = 1; ; tries++ {
		var got []byte
		if got, err = s.send(ctx, body, hash); err == nil {
			if allAdded(got, table, statements) {
				return nil, tries, nil
			}
			var all struct{ Responses []stated }
			if err = json.Unmarshal(got, &all); err == nil && len(all.Responses) == statements {
				return all.Responses, tries, nil
			}
			return nil, tries, errors.Join(fmt.Errorf("insert: not an answer to %d statements", statements), err)
		}
		if ctx.Err() != nil {
			return nil, tries, ctx.Err()
		}
		if tries >= retryer.MaxAttempts() || !retryer.IsErrorRetryable(err) {
			return nil, tries, fmt.Errorf("insert: %w", err)
		}
		wait, late := retryer.RetryDelay(tries, err)
		if late != nil {
			return nil, tries, fmt.Errorf("insert: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, tries, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// send is one try. Its errors say to a retryer what the client's would.
func (s *sender) send(ctx context.Context, body []byte, hash string) ([]byte, error) {
	to, err := s.url()
	if err != nil {
		return nil, err
	}
	req := (&http.Request{
		Method: http.MethodPost, URL: to, Host: to.Host, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{
			"X-Amz-Target": {insertTarget}, "Content-Type": {insertType}, "Accept-Encoding": {insertEncoding},
		},
	}).WithContext(ctx)
	credentials, err := s.options.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	s.signer.sign(req, hash, credentials, s.options.Region, time.Now())
	resp, err := s.do(req)
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	sum := resp.Header.Get("X-Amz-Crc32")
	switch {
	case err != nil:
		return nil, &smithyhttp.RequestSendError{Err: fmt.Errorf("the answer broke off: %w", err)}
	case sum != "" && sum != strconv.FormatUint(uint64(crc32.ChecksumIEEE(got)), 10):
		return nil, &smithyhttp.RequestSendError{Err: errors.New("the answer's check sum is wrong")}
	case resp.StatusCode != http.StatusOK:
		return nil, &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp}, Err: refusal(got)}
	}
	return got, nil
}

// refusal is DynamoDB's own error.
func refusal(body []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return errors.New("not an answer of DynamoDB's")
	}
	return &smithy.GenericAPIError{Code: said.Type[strings.LastIndexByte(said.Type, '#')+1:], Message: said.Message}
}

// allAdded reports whether an answer is the shortest there is: no error, and
// nothing else, for each statement.
func allAdded(body []byte, table string, statements int) bool {
	rest, ok := bytes.CutPrefix(body, []byte(`{"Responses":[`))
	one := []byte(`{"TableName":"` + table + `"}`)
	for i := 0; ok && i < statements; i++ {
		if i > 0 {
			if rest, ok = bytes.CutPrefix(rest, []byte(`,`)); !ok {
				return false
			}
		}
		rest, ok = bytes.CutPrefix(rest, one)
	}
	return ok && string(rest) == `]}`
}
