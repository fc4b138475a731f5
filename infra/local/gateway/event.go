package gateway

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// event is the request in payload format 2.0, whose paths an HTTP API decodes, where a function URL or a REST API doesn't.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func event(r *http.Request, id, account string, rt route, path map[string]string, who *claims, body []byte) []byte {
	now := time.Now()
	sourceIP, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		sourceIP = r.RemoteAddr
	}
	headers := map[string]string{"host": r.Host}
	var cookies []string
	for name, values := range r.Header {
		if name == "Cookie" {
			for _, line := range values {
				cookies = append(cookies, strings.Split(line, "; ")...)
			}
			continue
		}
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	headers["x-forwarded-for"], headers["x-forwarded-proto"] = sourceIP, "http"
	headers["content-length"] = fmt.Sprint(len(body))

	requestContext := map[string]any{
		"accountId": account, "apiId": "local", "domainName": r.Host, "domainPrefix": "local",
		"requestId": id, "routeKey": rt.Key(), "stage": "$default",
		"time": now.UTC().Format("02/Jan/2006:15:04:05 -0700"), "timeEpoch": now.UnixMilli(),
		"http": map[string]any{
			"method": r.Method, "path": r.URL.Path, "protocol": r.Proto, "sourceIp": sourceIP, "userAgent": r.UserAgent(),
		},
	}
	if who != nil {
		requestContext["authorizer"] = map[string]any{"jwt": map[string]any{"claims": who.texts, "scopes": who.granted}}
	}
	e := map[string]any{
		"version": "2.0", "routeKey": rt.Key(), "rawPath": r.URL.Path, "rawQueryString": r.URL.RawQuery,
		"headers": headers, "requestContext": requestContext, "isBase64Encoded": false,
	}
	if len(cookies) > 0 {
		e["cookies"] = cookies
	}
	if q := r.URL.Query(); len(q) > 0 {
		flat := map[string]string{}
		for name, values := range q {
			flat[name] = strings.Join(values, ",")
		}
		e["queryStringParameters"] = flat
	}
	if len(path) > 0 {
		e["pathParameters"] = path
	}
	if len(body) > 0 {
		if isText(r.Header.Get("Content-Type")) && utf8.Valid(body) {
			e["body"] = string(body)
		} else {
			e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
		}
	}
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings, numbers and maps of them
	}
	return b
}

// isText says whether API Gateway passes a body of that type as it is; the rest goes in base64.
func isText(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return contentType == ""
	}
	return strings.HasPrefix(t, "text/") || strings.HasSuffix(t, "+json") || strings.HasSuffix(t, "+xml") ||
		slices.Contains([]string{"application/json", "application/javascript", "application/xml"}, t)
}

// respond writes what a function has answered: a response in format 2.0 or, without a status code, any JSON.
func respond(w http.ResponseWriter, payload []byte) error {
	var answer struct {
		StatusCode      *int              `json:"statusCode"`
		Headers         map[string]header `json:"headers"`
		Cookies         []string          `json:"cookies"`
		Body            string            `json:"body"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil || answer.StatusCode == nil {
		if !json.Valid(payload) {
			return errors.New("not JSON")
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(payload, &object) == nil && object["statusCode"] != nil {
			return errors.New("a status code, but no response")
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(payload) // the client may be gone
		return nil
	}
	if *answer.StatusCode < 100 || *answer.StatusCode > 599 {
		return fmt.Errorf("status code %d", *answer.StatusCode)
	}
	body := []byte(answer.Body)
	if answer.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(answer.Body); err != nil {
			return fmt.Errorf("body: %w", err)
		}
	}
	h := w.Header()
	for _, name := range slices.Sorted(maps.Keys(answer.Headers)) {
		if !strings.EqualFold(name, "Content-Length") { // counted here
			h.Set(name, string(answer.Headers[name]))
		}
	}
	for _, c := range answer.Cookies {
		h.Add("Set-Cookie", c)
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "text/plain;charset=utf-8")
	}
	w.WriteHeader(*answer.StatusCode)
	_, _ = w.Write(body)
	return nil
}

// header is a header's value: a string, or a number or boolean that API Gateway writes as one.
type header string

func (h *header) UnmarshalJSON(b []byte) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*h = header(fmt.Sprint(v))
	return nil
}

func requestID() string { return rand.Text()[:15] + "=" }

func unescape(part string) string {
	if plain, err := url.PathUnescape(part); err == nil {
		return plain
	}
	return part
}
