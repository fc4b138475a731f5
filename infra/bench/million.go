package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// Wanted of the largest roster there is (issue 4, "Speed, memory, cost").
const (
	millionRows   = 1_000_000
	millionMemory = 256.0 // MB at once
	overFloor     = 1.3   // times what the table takes for the same INSERTs alone
	longestRun    = 15 * time.Minute
)

// benchMillion takes 1,000,000 new rows through the whole local stack, from
// the bucket to the end, and prints how long that took beside how long the
// same table takes for the same INSERTs when nothing else is asked of it. It
// is long, and wants 10 GB of disk. BENCH_DIR is where the stacks have their
// databases, instead of .local/bench: on a slow disk the two of them wait for
// it, and nothing else is measured.
//
// Nobody is told of it: a million notices would go out beside it, on the same
// processors, and be measured with it.
func benchMillion(ctx context.Context, out io.Writer) (err error) {
	dir, err := workDir()
	if err != nil {
		return err
	}
	file, err := workbook(dir, millionRows, shared)
	if err != nil {
		return err
	}
	dir = cmp.Or(os.Getenv("BENCH_DIR"), dir)
	took, items, err := throughStack(ctx, dir, file)
	if items != nil {
		defer items.remove()
	}
	if err != nil {
		return fmt.Errorf("a million rows: %w", err)
	}
	floor, err := tableAlone(ctx, dir, items)
	if err != nil {
		return fmt.Errorf("the floor: %w", err)
	}
	ratio := took.wall.Seconds() / floor.Seconds()
	fmt.Fprintf(out, "\n%s\n\n| 1,000,000 new rows through the local stack | | wanted |\n|---|---|---|\n", machine())
	fmt.Fprintf(out, "| time | %.0f s, %.0f rows a second | |\n", took.wall.Seconds(), millionRows/took.wall.Seconds())
	fmt.Fprintf(out, "| the table's floor: %d INSERTs, 25 a request, by a bare loop | %.0f s, %.0f items a second | |\n", items.count(), floor.Seconds(), float64(items.count())/floor.Seconds())
	fmt.Fprintf(out, "| time ÷ floor | %.2f | ≤ %.1f |\n", ratio, overFloor)
	fmt.Fprintf(out, "| invocations, the longest | %d, %.0f s | ≤ %.0f s |\n", took.invocations, took.longest.Seconds(), longestRun.Seconds())
	fmt.Fprintf(out, "| CPU of imports | %.1f s, %.1f µs a row | |\n", took.cpu.Seconds(), took.cpu.Seconds()*1e6/millionRows)
	fmt.Fprintf(out, "| peak memory of imports | %.0f MB | ≤ %.0f MB |\n", mb(took.peak), millionMemory)
	over := wanted(nil, ratio <= overFloor, "a million rows take %.2f times the table's floor, want %.1f", ratio, overFloor)
	over = wanted(over, took.longest <= longestRun, "an invocation took %v, want %v", took.longest, longestRun)
	return wanted(over, mb(took.peak) <= millionMemory, "a million rows take %.0f MB, want %.0f", mb(took.peak), millionMemory)
}

// brought is what an import through the stack took.
type brought struct {
	usage
	invocations int
	longest     time.Duration
}

// throughStack uploads a file, as a ticket would, and waits for the end of its
// import. It gives, besides, what the table holds of the roster by then.
func throughStack(ctx context.Context, dir, file string) (took brought, items *inserts, err error) {
	s, err := startStack(ctx, dir, "stack")
	if err != nil {
		return took, nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	b, _, err := s.bench(ctx)
	if err != nil {
		return took, nil, err
	}
	table := b.tb.Name
	objects := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &s.S3, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider(localKey, localSecret, "")})
	buckets, err := objects.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return took, nil, err
	}
	if len(buckets.Buckets) != 1 {
		return took, nil, fmt.Errorf("the stack has %d buckets, want one", len(buckets.Buckets))
	}
	imp, err := b.s.CreateImport(ctx, network.Import{
		ID: network.NewImportID(b.now), Chain: b.chain.ID, Maker: b.boss.ID, MakerCorp: b.corp.ID, FileName: "roster.xlsx", State: network.ImportWaiting, CreatedAt: b.now,
	}, store.Once{})
	if err != nil {
		return took, nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return took, nil, err
	}
	defer f.Close()
	begun := time.Now()
	key := "rosters/" + b.chain.ID + "/" + imp.ID + "/roster"
	if _, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: buckets.Buckets[0].Name, Key: &key, Body: f}); err != nil {
		return took, nil, err
	}
	binary, err := filepath.EvalSymlinks(filepath.Join(s.root, ".local", "build", "imports", "bootstrap"))
	if err != nil {
		return took, nil, err
	}
	seen := map[int]usage{} // instances, by their process
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for n := 0; imp.State == network.ImportWaiting || imp.State == network.ImportReading || imp.State == network.ImportApplying; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return took, nil, ctx.Err()
		}
		for pid, p := range s.processes() {
			if p.binary == binary {
				seen[pid] = usage{cpu: p.cpu, peak: peakOf(pid)}
			}
		}
		if n%8 > 0 {
			continue
		}
		if imp, err = b.s.Import(ctx, b.chain.ID, imp.ID); err != nil {
			return took, nil, err
		}
		if time.Since(begun) > time.Hour {
			return took, nil, fmt.Errorf("it doesn't end: %+v", imp)
		}
	}
	if imp.State != network.ImportDone || imp.Counts.Created != millionRows {
		return took, nil, fmt.Errorf("it ended as %+v", imp)
	}
	took.wall = imp.EndedAt.Sub(begun)
	for _, u := range seen {
		took.cpu += u.cpu
		took.peak = max(took.peak, u.peak)
	}
	if took.invocations, took.longest, err = reports(filepath.Join(s.root, ".local", "logs", "imports.log")); err != nil {
		return took, nil, err
	}
	items, err = collect(ctx, s.DynamoDB, table, b.chain.ID, filepath.Join(dir, "items"))
	return took, items, err
}

// reports reads a function's log: how many invocations there were, and how
// long the longest was.
func reports(log string) (n int, longest time.Duration, err error) {
	for line := range strings.Lines(fileText(log)) {
		var r struct {
			Type   string
			Record struct {
				Status  string
				Metrics struct{ DurationMs float64 }
			}
		}
		if json.Unmarshal([]byte(line), &r) != nil || r.Type != "platform.report" {
			continue
		}
		n++
		longest = max(longest, time.Duration(r.Record.Metrics.DurationMs*float64(time.Millisecond)))
		if r.Record.Status != "success" {
			err = errors.Join(err, fmt.Errorf("an invocation failed: %s", line))
		}
	}
	return n, longest, err
}

// inserts are the items of a roster, each as the statement that puts it where
// there is none, in a file.
type inserts struct {
	f        *os.File
	partners []span
	contacts []span
}

type span struct {
	at   int64
	size int32
}

func (i *inserts) count() int { return len(i.partners) + len(i.contacts) }

func (i *inserts) remove() {
	i.f.Close()
	os.Remove(i.f.Name())
}

// floorTable is as long a name as the stack's table has, so that bodies are as
// long, too.
func floorTable(like string) string { return strings.Repeat("f", len(like)) }

// collect keeps a roster's partners and contacts, as a table has them: each
// partner names its people, and so the keys of its contacts. A Scan would be
// simpler; the local server takes an hour for it.
func collect(ctx context.Context, endpoint, table, chain, path string) (*inserts, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	all := &inserts{f: f}
	w := bufio.NewWriterSize(f, 1<<20)
	at := int64(0)
	keep := func(list *[]span, item map[string]json.RawMessage) error {
		statement := asInsert(floorTable(table), item)
		*list = append(*list, span{at, int32(len(statement))})
		at += int64(len(statement))
		_, err := w.Write(statement)
		return err
	}
	var contacts []map[string]any // keys
	for shard := range 16 {       // shared/store/keys.go
		ask := map[string]any{
			"TableName": table, "KeyConditionExpression": "PK = :pk",
			"ExpressionAttributeValues": map[string]any{":pk": map[string]string{"S": fmt.Sprintf("CHAIN#%s#P%02d", chain, shard)}},
		}
		err := eachItem(ctx, endpoint, "Query", ask, func(item map[string]json.RawMessage) error {
			if err := keep(&all.partners, item); err != nil {
				return err
			}
			keys, err := contactKeys(chain, item)
			contacts = append(contacts, keys...)
			return err
		})
		if err != nil {
			return all, err
		}
	}
	for keys := range slices.Chunk(contacts, 100) {
		var got struct {
			Responses map[string][]map[string]json.RawMessage
		}
		if err := query(ctx, endpoint, "BatchGetItem", map[string]any{"RequestItems": map[string]any{table: map[string]any{"Keys": keys}}}, &got); err != nil {
			return all, err
		}
		for _, item := range got.Responses[table] {
			if err := keep(&all.contacts, item); err != nil {
				return all, err
			}
		}
	}
	// By chance, as ids are: in the order of the keys a table is faster.
	for _, list := range [][]span{all.partners, all.contacts} {
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	if len(all.partners) != millionRows || len(all.contacts) != millionRows {
		return all, fmt.Errorf("the table has %d partners and %d contacts", len(all.partners), len(all.contacts))
	}
	return all, w.Flush()
}

// contactKeys are the keys of the contacts that a partner has.
func contactKeys(chain string, partner map[string]json.RawMessage) (keys []map[string]any, err error) {
	var sk struct{ S string }
	var people struct{ M map[string]json.RawMessage }
	if err := errors.Join(json.Unmarshal(partner["SK"], &sk), json.Unmarshal(partner["People"], &people)); err != nil {
		return nil, err
	}
	for person := range people.M {
		keys = append(keys, map[string]any{
			"PK": map[string]string{"S": "PERSON#" + person}, "SK": map[string]string{"S": "CHAIN#" + chain + "#" + strings.TrimPrefix(sk.S, "PARTNER#")},
		})
	}
	return keys, nil
}

// eachItem gives all items of a Query or a Scan of a local DynamoDB server, page
// by page.
func eachItem(ctx context.Context, endpoint, operation string, ask map[string]any, each func(item map[string]json.RawMessage) error) error {
	for {
		var page struct {
			Items            []map[string]json.RawMessage
			LastEvaluatedKey json.RawMessage
		}
		if err := query(ctx, endpoint, operation, ask, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := each(item); err != nil {
				return err
			}
		}
		if page.LastEvaluatedKey == nil {
			return nil
		}
		ask["ExclusiveStartKey"] = page.LastEvaluatedKey
	}
}

// query asks a local DynamoDB server something.
func query(ctx context.Context, endpoint, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	b, err := post(ctx, http.DefaultClient, endpoint, operation, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, out)
}

func asInsert(table string, item map[string]json.RawMessage) []byte {
	b := []byte(`{"Statement":"INSERT INTO \"` + table + `\" VALUE {`)
	var values []byte
	for name, v := range item {
		if values != nil {
			b, values = append(b, ','), append(values, ',')
		}
		b = append(b, "'"+name+"':?"...)
		values = append(values, v...)
	}
	b = append(b, `}","Parameters":[`...)
	b = append(b, values...)
	return append(b, `]}`...)
}

// post asks a local DynamoDB server without an SDK: it wants a signature and
// doesn't check it.
func post(ctx context.Context, client *http.Client, endpoint, operation string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	r.Header.Set("X-Amz-Date", "20260101T000000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+localKey+"/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none")
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", operation, resp.Status, b)
	}
	return b, err
}

// tableAlone is how long a fresh table of a local stack takes for the items,
// 25 a request, as many requests at once as imports makes.
func tableAlone(ctx context.Context, dir string, items *inserts) (took time.Duration, err error) {
	s, err := startStack(ctx, dir, "floor")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	db := dynamotest.Client(s.DynamoDB)
	tables, err := db.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil {
		return 0, err
	}
	if err := dynamotest.CreateTable(ctx, db, floorTable(tables.TableNames[0]), true); err != nil {
		return 0, err
	}
	var batches [][]span
	for n := 0; n < max(len(items.partners), len(items.contacts)); n += perRequest {
		for _, list := range [][]span{items.partners, items.contacts} {
			if n < len(list) {
				batches = append(batches, list[n:min(n+perRequest, len(list))])
			}
		}
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: replayers, WriteBufferSize: 64 << 10}}
	defer client.CloseIdleConnections()
	return drive(ctx, replayers, len(batches), func(i int) error { return items.send(ctx, client, s.DynamoDB, batches[i]) })
}

const (
	perRequest = 25
	replayers  = 8
)

func (i *inserts) send(ctx context.Context, client *http.Client, endpoint string, batch []span) error {
	body := append(make([]byte, 0, 32<<10), `{"Statements":[`...)
	for n, s := range batch {
		if n > 0 {
			body = append(body, ',')
		}
		at := len(body)
		body = append(body, make([]byte, s.size)...)
		if _, err := i.f.ReadAt(body[at:], s.at); err != nil {
			return err
		}
	}
	b, err := post(ctx, client, endpoint, "BatchExecuteStatement", append(body, `]}`...))
	if err == nil && bytes.Contains(b, []byte(`"Error"`)) {
		err = fmt.Errorf("it refused: %s", b)
	}
	return err
}
