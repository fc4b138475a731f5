package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

// bySDK is the request that puts items where there are none, as the SDK would
// write it.
func bySDK(t require, table string, items ...inserted) *dynamodb.BatchExecuteStatementInput {
	in := &dynamodb.BatchExecuteStatementInput{}
	for _, it := range items {
		m, err := attributevalue.MarshalMap(it)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		r := types.BatchStatementRequest{}
		for name, v := range m {
			names, r.Parameters = append(names, "'"+name+"':?"), append(r.Parameters, v)
		}
		r.Statement = aws.String(`INSERT INTO "` + table + `" VALUE {` + strings.Join(names, ",") + `}`)
		in.Statements = append(in.Statements, r)
	}
	return in
}

type require interface{ Fatal(...any) }

// said is what a request body says, whatever the order of its attributes: of
// each statement its table, and its values by their names.
func said(t require, body []byte) (all []string) {
	var in struct {
		Statements []struct {
			Statement  string
			Parameters []any
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		t.Fatal(fmt.Sprintf("%v in %s", err, body))
	}
	for _, s := range in.Statements {
		head, names, _ := strings.Cut(s.Statement, "{")
		item := map[string]any{}
		for i, name := range strings.Split(strings.TrimSuffix(names, "}"), ",") {
			item[name] = s.Parameters[i]
		}
		if len(item) != len(s.Parameters) {
			t.Fatal(fmt.Sprintf("%d values for %s", len(s.Parameters), names))
		}
		b, err := json.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, head+string(b))
	}
	return all
}

// wire is a service that a test plays.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func clientOf(w http.RoundTripper, endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: &http.Client{Transport: w},
		Retryer: awsretry.NewStandard(func(o *awsretry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 3, time.Millisecond }),
	})
}

func TestAnItemWritesItselfAsTheSDKWouldWriteIt(t *testing.T) {
	t.Parallel()
	var sent http.Header
	var body []byte
	catch := wire(func(r *http.Request) (*http.Response, error) {
		sent = r.Header.Clone()
		body, _ = io.ReadAll(r.Body)
		if r.ContentLength != int64(len(body)) {
			return nil, fmt.Errorf("%d bytes are said to be %d", len(body), r.ContentLength)
		}
		return answer(200, `{"Responses":[{},{}]}`), nil
	})
	s := New(clientOf(catch, "http://127.0.0.1"), "a-table_of.mine")
	rapid.Check(t, func(t *rapid.T) {
		var p partnerItem
		var k contactItem
		fill(t, reflect.ValueOf(&p).Elem())
		fill(t, reflect.ValueOf(&k).Elem())
		items := []inserted{&p, &k}
		if _, err := s.db.BatchExecuteStatement(context.Background(), bySDK(t, s.table, items...)); err != nil {
			t.Fatal(err)
		}
		wantHeader, want := sent, body
		if _, err := s.insert(context.Background(), items); err != nil {
			t.Fatal(err)
		}
		if got, want := said(t, body), said(t, want); !slices.Equal(got, want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		for _, name := range []string{"Content-Type", "X-Amz-Target"} {
			if sent.Get(name) != wantHeader.Get(name) {
				t.Fatalf("%s: got %q, want %q", name, sent.Get(name), wantHeader.Get(name))
			}
		}
		if sent.Get("Authorization") == "" {
			t.Fatal("it isn't signed")
		}
	})
}

// fill draws a value for every field there is, so that a new one can't be
// forgotten; half of them stay nothing, as most of an item's do.
func fill(t *rapid.T, v reflect.Value) {
	if v.Kind() != reflect.Struct && rapid.Bool().Draw(t, "empty") {
		return
	}
	text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("\x00\x1f\n\t\"\\/<>&\u007f\u2028\ufffd张·😀"))),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.String:
		v.SetString(text.Draw(t, "text"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Map:
		v.Set(reflect.ValueOf(rapid.MapOf(rapid.StringN(1, -1, -1), text).Draw(t, "texts")))
	case reflect.Slice:
		v.Set(reflect.ValueOf(rapid.SliceOfN(text, 1, -1).Draw(t, "set")))
	default:
		t.Fatal("no value for a field of kind ", v.Kind())
	}
}

func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"X-Amz-Crc32": {strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 10)}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// people are n contacts whose ids follow each other.
func people(from, n int) (all []inserted) {
	for i := range n {
		k := newContactItem(network.Contact{Person: person(from + i).ID, Chain: chainID, Partner: "pa", Name: "张三", Phone: "+8613900000000", Edition: 1, Import: importID(1), NoticeAt: noon})
		all = append(all, &k)
	}
	return all
}

func TestABulkInsertAddsWhatIsNotThereAndNamesWhatIs(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]dynamotest.Fault{"a calm table": dynamotest.None, "a busy one": dynamotest.Unprocessed, "throttled": dynamotest.Throttle, "not heard": dynamotest.Before} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			there, err := w.insert(t.Context(), people(0, 30))
			must(t, err)
			same(t, "there at first", len(there), 0)
			changed := people(0, 1)[0].(*contactItem)
			changed.Name = "other"
			w.seed(t, []any{changed})
			w.Store = New(w.tb.Retrying(4), w.tb.Name)
			w.tb.Reset()
			w.tb.Break = func(_ string, n int) dynamotest.Fault {
				if n%2 == 1 {
					return fault
				}
				return dynamotest.None
			}
			there, err = w.insert(t.Context(), people(0, 60))
			must(t, err)
			same(t, "there then", len(there), 30)
			for _, k := range people(0, 30) {
				same(t, "is there", there[k.where()], true)
			}
			n := 0
			for k, it := range w.tb.Items(t) {
				if strings.Contains(k, "|CHAIN#"+chainID+"#pa") {
					n++
					same(t, k, it["Name"] == "other", k == changed.PK+"|"+changed.SK)
				}
			}
			same(t, "people", n, 60)
		})
	}
}

func TestALostAnswerOfABulkInsertIsAskedForAgain(t *testing.T) {
	t.Parallel()
	empty := `{"Responses":[{"TableName":"tab"},{"TableName":"tab"}]}`
	wrongSum := answer(200, empty)
	wrongSum.Header.Set("X-Amz-Crc32", "1")
	cut := answer(200, empty)
	cut.Body = io.NopCloser(io.MultiReader(strings.NewReader(empty[:20]), broken{}))
	for name, bad := range map[string]*http.Response{
		"a wrong checksum": wrongSum,
		"half a body":      cut,
		"our fault":        answer(400, `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}`),
		"theirs":           answer(500, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bodies [][]byte
			s := New(clientOf(wire(func(r *http.Request) (*http.Response, error) {
				b, err := io.ReadAll(r.Body)
				bodies = append(bodies, b)
				if len(bodies) == 1 {
					return bad, err
				}
				return answer(200, empty), err
			}), "http://127.0.0.1"), "tab")
			there, err := s.insert(t.Context(), people(0, 2))
			must(t, err)
			if len(there) != 0 || len(bodies) != 2 || !bytes.Equal(bodies[0], bodies[1]) {
				t.Errorf("got %d requests, want the same one twice", len(bodies))
			}
		})
	}
}

func TestAnAnswerThatBreaksOffIsAskedForAgain(t *testing.T) {
	t.Parallel()
	whole := `{"Item":{"PK":{"S":"CORP"},"SK":{"S":"co"}}}`
	asked := 0
	s := Open(aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: &http.Client{Transport: wire(func(*http.Request) (*http.Response, error) {
			good := answer(200, whole)
			if asked++; asked == 1 {
				good.Body = io.NopCloser(io.MultiReader(strings.NewReader(whole[:20]), broken{}))
			}
			return good, nil
		})},
	}, "http://127.0.0.1", "tab")
	var it key
	found, err := s.get(t.Context(), key{"CORP", "co"}, &it)
	must(t, err)
	if !found || it.SK != "co" || asked != 2 {
		t.Errorf("got %+v after %d requests, want it after two", it, asked)
	}
}

// As a function has it: with the SDK's own client, whose transport is used
// without it.
func TestABulkInsertGoesOverTheSDKsTransport(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		switch asked.Add(1) {
		case 1:
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect) // isn't followed: an error, as with the SDK
		default:
			if err != nil || int64(len(b)) != r.ContentLength || r.URL.Path != "/" || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
				t.Errorf("got %s with %d bytes of %d, %v", r.URL, len(b), r.ContentLength, err)
			}
			io.WriteString(w, `{"Responses":[{"TableName":"tab"},{"TableName":"tab"}]}`)
		}
	}))
	defer server.Close()
	s := New(dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: awshttp.NewBuildableClient(), RetryMaxAttempts: 1,
	}), "tab")
	if _, err := s.insert(t.Context(), people(0, 2)); err == nil {
		t.Error("got no error of a redirect, want one")
	}
	there, err := s.insert(t.Context(), people(0, 2))
	must(t, err)
	if len(there) != 0 || asked.Load() != 2 {
		t.Errorf("got %d requests and %v, want two and nothing there", asked.Load(), there)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestABulkInsertBelievesNoAnswerThatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"fewer answers":     `{"Responses":[{"TableName":"tab"}]}`,
		"more":              `{"Responses":[{"TableName":"tab"},{"TableName":"tab"},{"TableName":"tab"}]}`,
		"none":              `{}`,
		"nothing":           ``,
		"an unknown error":  `{"Responses":[{"TableName":"tab"},{"Error":{"Code":"AccessDenied"}}]}`,
		"no JSON":           `<html>`,
		"no end":            `{"Responses":[{"TableName":"tab"},{"TableName":"tab"}]`,
		"validation failed": `{"Responses":[{"Error":{"Code":"ValidationError","Message":"x"},"TableName":"tab"},{"TableName":"tab"}]}`,
	} {
		s := New(clientOf(wire(func(*http.Request) (*http.Response, error) { return answer(200, says), nil }), "http://127.0.0.1"), "tab")
		if _, err := s.insert(t.Context(), people(0, 2)); err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
	// Other spellings of success.
	for _, says := range []string{`{"Responses":[{},{}]}`, "{ \"Responses\": [{\"TableName\":\"tab\"}, {}] }\n", `{"Responses":[{},{"Error":{"Code":"DuplicateItem"}}]}`} {
		s := New(clientOf(wire(func(*http.Request) (*http.Response, error) { return answer(200, says), nil }), "http://127.0.0.1"), "tab")
		there, err := s.insert(t.Context(), people(0, 2))
		if err != nil || len(there) != strings.Count(says, "Duplicate") {
			t.Errorf("%s: got %v, %v", says, there, err)
		}
	}
}

func TestABulkInsertGivesUpOnATableThatStaysBusy(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s := New(clientOf(wire(func(*http.Request) (*http.Response, error) {
		n.Add(1)
		return answer(200, `{"Responses":[{"Error":{"Code":"ThrottlingError"}}]}`), nil
	}), "http://127.0.0.1"), "tab")
	_, err := s.insert(t.Context(), people(0, 1))
	if !errors.Is(err, network.ErrBusy) || int(n.Load()) != usual.tries {
		t.Errorf("got %v after %d requests, want busy after %d", err, n.Load(), usual.tries)
	}
}

// The CPU of a request of 25 against a server that answers the same to all,
// whose own CPU is in it in either case.
func BenchmarkInsert(b *testing.B) {
	var all []inserted
	for i := range bulk {
		r := rows(i, 1)[0]
		p := newPartnerItem(network.Partner{
			ID: network.RosterPartnerID(chainID, r.CustomID, r.Corp), Chain: chainID, Name: r.Corp, CustomID: r.CustomID, Group: 7, State: network.PartnerPending,
			Imported: true, Import: importID(1), Edition: 1, Contacts: 1, People: map[string]string{person(i).ID: r.Fingerprint()},
		}, 0)
		all = append(all, &p)
	}
	says := []byte(`{"Responses":[` + strings.Repeat(`{"TableName":"tab"},`, bulk-1) + `{"TableName":"tab"}]}`)
	sum := strconv.FormatUint(uint64(crc32.ChecksumIEEE(says)), 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Amz-Crc32", sum)
		_, _ = w.Write(says)
	}))
	defer server.Close()
	s := New(clientOf(&http.Transport{MaxIdleConnsPerHost: 16, WriteBufferSize: 32 << 10}, server.URL), "tab")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, WriteBufferSize: 32 << 10}}
	var body []byte
	var scratch attributes
	for _, way := range []struct {
		name string
		do   func() error
	}{
		{"ours", func() error { _, err := s.insert(b.Context(), all); return err }},
		{"sdk", func() error {
			_, err := s.db.BatchExecuteStatement(b.Context(), bySDK(b, s.table, all...))
			return err
		}},
		{"bytes alone", func() error { // no SDK: what HTTP and the server take
			resp, err := client.Post(server.URL, "application/x-amz-json-1.0", bytes.NewReader(appendInserts(nil, "tab", all, new(attributes))))
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		}},
		{"body", func() error { body = appendInserts(body[:0], "tab", all, &scratch); return nil }},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			begun := cpu()
			for b.Loop() {
				if err := way.do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu()-begun).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
