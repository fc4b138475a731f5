package dynamotest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// Fault is what happens to one call.
type Fault int

const (
	None        Fault = iota
	Before            // the request never arrives
	After             // it takes effect, but the answer is lost
	Throttle          // refused: ProvisionedThroughputExceededException
	Conflict          // refused: another transaction holds an item, as a transaction or a single write says it
	Unprocessed       // a batch does its first half, rounded down, and hands the rest back
)

// Meter is what a table's calls cost.
type Meter struct {
	Requests   int            // calls that were made, whatever became of them
	ReadUnits  float64        // of the table and its indexes
	WriteUnits float64        // of the table and its indexes; what failed conditions cost is not in it, since no answer tells
	ByOp       map[string]int // requests by operation
}

// Meter is the cost since New or Reset.
func (tb *Table) Meter() Meter {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	m := tb.meter
	m.ByOp = maps.Clone(m.ByOp)
	return m
}

// Reset puts the meter, and the count that Break sees, back to nothing.
func (tb *Table) Reset() {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.meter = Meter{ByOp: map[string]int{}}
}

type counted struct{}

// Count is a context within which requests, to whichever table, are counted besides: what one of many callers asks.
func Count(ctx context.Context) (context.Context, *atomic.Int64) {
	n := new(atomic.Int64)
	return context.WithValue(ctx, counted{}, n), n
}

// RoundTrip makes Table its clients' transport.
func (tb *Table) RoundTrip(r *http.Request) (*http.Response, error) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, err := object(r.Body)
	if err != nil {
		return nil, fmt.Errorf("dynamotest: %s: %w", op, err)
	}
	if n, ok := r.Context().Value(counted{}).(*atomic.Int64); ok {
		n.Add(1)
	}
	switch tb.begin(op) {
	case Before:
		return nil, errors.New("dynamotest: the request was lost")
	case After:
		if _, _, err := tb.send(r, op, body); err != nil {
			return nil, err
		}
		return nil, errors.New("dynamotest: the answer was lost")
	case Throttle:
		return respond(r, http.StatusBadRequest, refusal("ProvisionedThroughputExceededException"))
	case Conflict:
		return respond(r, http.StatusBadRequest, conflict(body))
	case Unprocessed:
		return tb.half(r, op, body)
	}
	release, ok := tb.hold(op, body)
	if !ok {
		return respond(r, http.StatusBadRequest, conflict(body))
	}
	defer release()
	status, answer, err := tb.send(r, op, body)
	if err != nil {
		return nil, err
	}
	return respond(r, status, answer)
}

// hold takes a transaction's items until release, unless another one has one of them.
func (tb *Table) hold(op string, body map[string]any) (release func(), ok bool) {
	if !tb.Contend || op != "TransactWriteItems" {
		return func() {}, true
	}
	var items []string
	parts, _ := body["TransactItems"].([]any)
	for _, part := range parts {
		for _, of := range part.(map[string]any) { // the one of Put, Update, Delete, ConditionCheck
			of := of.(map[string]any)
			key, ok := of["Key"].(map[string]any)
			if !ok {
				key = of["Item"].(map[string]any)
			}
			items = append(items, fmt.Sprint(key["PK"], key["SK"]))
		}
	}
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, i := range items {
		if tb.held[i] {
			return nil, false
		}
	}
	if tb.held == nil {
		tb.held = map[string]bool{}
	}
	for _, i := range items {
		tb.held[i] = true
	}
	return func() {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		for _, i := range items {
			delete(tb.held, i)
		}
	}, true
}

// begin counts a call and asks what is to become of it.
func (tb *Table) begin(op string) Fault {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.meter.Requests++
	tb.meter.ByOp[op]++
	if tb.Break == nil {
		return None
	}
	return tb.Break(op, tb.meter.ByOp[op])
}

// send does the call, asking what it costs, and adds that to the meter.
func (tb *Table) send(r *http.Request, op string, body map[string]any) (status int, answer map[string]any, err error) {
	body["ReturnConsumedCapacity"] = "INDEXES"
	raw, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	out := r.Clone(r.Context()) // a transport leaves its request as it was; the local server checks no signature
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	resp, err := tb.wire.RoundTrip(out)
	if err != nil {
		return 0, nil, err
	}
	answer, err = object(resp.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("dynamotest: %s answered %s: %w", op, resp.Status, err)
	}
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if reads(op, body) {
		tb.meter.ReadUnits += units(answer["ConsumedCapacity"])
	} else {
		tb.meter.WriteUnits += units(answer["ConsumedCapacity"])
	}
	return resp.StatusCode, answer, nil
}

// units is what an answer says it cost: on one table, or on each of a list.
func units(capacity any) (sum float64) {
	switch c := capacity.(type) {
	case []any:
		for _, one := range c {
			sum += units(one)
		}
	case map[string]any:
		sum, _ = c["CapacityUnits"].(float64)
	}
	return sum
}

// reads reports whether what a call costs is read units. A batch of PartiQL holds one kind only, so its first tells.
func reads(op string, body map[string]any) bool {
	switch op {
	case "GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems":
		return true
	case "BatchExecuteStatement":
		body, _ = body["Statements"].([]any)[0].(map[string]any)
	case "ExecuteTransaction":
		body, _ = body["TransactStatements"].([]any)[0].(map[string]any)
	}
	statement, _ := body["Statement"].(string)
	return strings.HasPrefix(strings.ToUpper(statement), "SELECT")
}

// half does the first half of a batch and hands the rest back, as a busy service may.
func (tb *Table) half(r *http.Request, op string, body map[string]any) (*http.Response, error) {
	answer := map[string]any{}
	send := func(n int) (err error) {
		if n == 0 {
			return nil // of one, all is handed back
		}
		_, answer, err = tb.send(r, op, body)
		return err
	}
	switch op {
	case "BatchExecuteStatement":
		all := body["Statements"].([]any)
		n := len(all) / 2
		body["Statements"] = all[:n]
		if err := send(n); err != nil {
			return nil, err
		}
		each, _ := answer["Responses"].([]any)
		for range all[n:] {
			each = append(each, map[string]any{"Error": map[string]any{"Code": "ThrottlingError", "Message": "dynamotest: made to fail"}})
		}
		answer["Responses"] = each
	case "BatchWriteItem", "BatchGetItem":
		done, rest, n := map[string]any{}, map[string]any{}, 0
		for table, of := range body["RequestItems"].(map[string]any) {
			first, second, k := cut(of)
			rest[table] = second
			if k > 0 {
				done[table], n = first, n+k
			}
		}
		body["RequestItems"] = done
		if err := send(n); err != nil {
			return nil, err
		}
		answer[map[string]string{"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}[op]] = rest
	default:
		return nil, fmt.Errorf("dynamotest: %s never leaves anything unprocessed", op)
	}
	return respond(r, http.StatusOK, answer)
}

// cut halves what a batch asks of one table: a list of writes, or Keys among how to read them.
func cut(of any) (first, second any, n int) {
	switch of := of.(type) {
	case []any:
		n = len(of) / 2
		return of[:n], of[n:], n
	case map[string]any:
		a, b := maps.Clone(of), maps.Clone(of)
		a["Keys"], b["Keys"], n = cut(of["Keys"])
		return a, b, n
	}
	return nil, nil, 0
}

// conflict is how DynamoDB refuses while another transaction holds an item: here the first of those asked for.
func conflict(body map[string]any) map[string]any {
	parts, ok := body["TransactItems"].([]any)
	if !ok {
		return refusal("TransactionConflictException")
	}
	reasons := make([]map[string]any, len(parts))
	for i := range reasons {
		reasons[i] = map[string]any{"Code": "None"}
	}
	reasons[0] = map[string]any{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
	answer := refusal("TransactionCanceledException")
	answer["CancellationReasons"] = reasons
	return answer
}

// refusal is the body of an error as the service answers it.
func refusal(code string) map[string]any {
	return map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + code, "message": "dynamotest: made to fail"}
}

// respond is an answer whose checksum is right, which the SDK looks at.
func respond(r *http.Request, status int, answer map[string]any) (*http.Response, error) {
	raw, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type": {"application/x-amz-json-1.0"},
			"X-Amz-Crc32":  {strconv.FormatUint(uint64(crc32.ChecksumIEEE(raw)), 10)},
		},
		Body: io.NopCloser(bytes.NewReader(raw)), ContentLength: int64(len(raw)), Request: r,
	}, nil
}

// object reads one JSON object and closes where it came from. DynamoDB writes its numbers as strings, so none loses a digit.
func object(from io.ReadCloser) (map[string]any, error) {
	defer from.Close()
	var o map[string]any
	err := json.NewDecoder(from).Decode(&o)
	return o, err
}
