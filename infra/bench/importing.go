package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
)

// Wanted of a whole import (issue 4, "Speed, memory, cost").
const (
	manyMemory   = 70.0 // MB of memory at once, for 100,000 rows
	newUnits     = 4.0  // write units a new row, with all that the import writes
	newRequests  = 0.1  // requests to the table a new row
	keptUnits    = 0.2  // write units an unchanged row: of its own it has none, and this is the import's
	meteredRows  = 20_000
	peerPatience = 20 * time.Minute
)

// table is a table of its own, with a chain that rosters can be imported into.
type table struct {
	*tableBench
	drop func() error
}

func newTable(ctx context.Context) (*table, error) {
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		return nil, errors.New("DYNAMODB_ENDPOINT is not set: `make bench` starts a server and sets it")
	}
	tb, err := dynamotest.Make(ctx, endpoint, "bench")
	if err != nil {
		return nil, err
	}
	t := &table{
		tableBench: &tableBench{ctx: ctx, out: io.Discard, tb: tb, s: store.New(dynamotest.Client(endpoint), tb.Name), key: network.PersonKey(benchKey), now: time.Now().UTC().Truncate(time.Second)},
		drop:       func() error { return tb.Drop(context.WithoutCancel(ctx)) },
	}
	if err := t.owner(); err != nil {
		return nil, errors.Join(err, t.drop())
	}
	return t, nil
}

// imported is what an import took.
type imported struct {
	usage
	counts network.Counts
	gets   int // requests to S3
}

// bringFile has the imports function itself take a file in.
func (t *table) bringFile(endpoint, file string) (got imported, err error) {
	imp, err := t.s.CreateImport(t.ctx, network.Import{
		ID: network.NewImportID(time.Now()), Chain: t.chain.ID, Maker: t.boss.ID, MakerCorp: t.corp.ID, FileName: "roster.xlsx", Notify: true, State: network.ImportWaiting, CreatedAt: t.now,
	}, store.Once{})
	if err != nil {
		return got, err
	}
	b, err := serveFile(file)
	if err != nil {
		return got, err
	}
	defer b.Close()
	env, err := keyFiles(filepath.Dir(file))
	if err != nil {
		return got, err
	}
	q := newQueue()
	defer q.Close()
	maps.Copy(env, map[string]string{
		"TABLE_NAME": t.tb.Name, "AWS_ENDPOINT_URL_DYNAMODB": endpoint, "AWS_ENDPOINT_URL_S3": b.URL, "AWS_ENDPOINT_URL_SQS": q.URL,
		"ROSTER_BUCKET": bucketName, "IMPORT_QUEUE_URL": q.URL + "/123456789012/imports",
	})
	f, err := start("imports", env)
	if err != nil {
		return got, err
	}
	begun := time.Now()
	var event any = b.uploaded(t.chain.ID, imp.ID)
	for err == nil && event != nil {
		_, err = f.invoke(t.ctx, event)
		select {
		case body := <-q.messages: // it goes on in a run of its own
			event = delivered(body)
		default:
			event = nil
		}
	}
	wall := time.Since(begun)
	got.usage = f.end()
	got.wall, got.gets = wall, b.requests
	if err != nil {
		return got, err
	}
	if imp, err = t.s.Import(t.ctx, t.chain.ID, imp.ID); err != nil {
		return got, err
	}
	if got.counts = imp.Counts; imp.State != network.ImportDone || imp.Counts.OK != imp.Counts.Rows {
		return got, fmt.Errorf("the import ended as %+v", imp)
	}
	return got, nil
}

// importOurs takes a file in on a fresh table.
func importOurs(ctx context.Context, file string) (got imported, err error) {
	t, err := newTable(ctx)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, t.drop()) }()
	return t.bringFile(os.Getenv("DYNAMODB_ENDPOINT"), file)
}

// benchImporting prints the CPU of a whole import of 100,000 new rows, beside
// the same job done by others.
func benchImporting(ctx context.Context, out io.Writer, dir string) (last imported, over error, err error) {
	file, err := workbook(dir, manyRows, shared)
	if err != nil {
		return last, nil, err
	}
	peers, err := installPeers(ctx, dir)
	if err != nil {
		return last, nil, err
	}
	// Ours first and last, and the mean of the two counts.
	first, err := importOurs(ctx, file)
	if err != nil {
		return last, nil, err
	}
	type result struct {
		peer
		usage
	}
	var theirs []result
	for _, p := range peers {
		u, err := p.bring(ctx, file)
		if err != nil {
			return last, nil, fmt.Errorf("%s: %w", p.name, err)
		}
		theirs = append(theirs, result{p, u})
	}
	if last, err = importOurs(ctx, file); err != nil {
		return last, nil, err
	}
	last.cpu, last.wall, last.peak = (first.cpu+last.cpu)/2, (first.wall+last.wall)/2, max(first.peak, last.peak)
	fmt.Fprintf(out, "\n| 100,000 new rows imported, by | CPU | µs a row | times ours | wanted | peak memory | wanted | time, most of it the table's |\n|---|---|---|---|---|---|---|---|\n")
	fmt.Fprintf(out, "| functions/imports | %.2f s | %.1f | 1 | | %.0f MB | ≤ %.0f MB | %.0f s |\n", last.cpu.Seconds(), last.cpu.Seconds()*1e6/manyRows, mb(last.peak), manyMemory, last.wall.Seconds())
	over = wanted(over, mb(last.peak) <= manyMemory, "an import of 100,000 rows takes %.0f MB, want %.0f", mb(last.peak), manyMemory)
	for _, r := range theirs {
		ratio := r.cpu.Seconds() / last.cpu.Seconds()
		fmt.Fprintf(out, "| %s | %.2f s | %.1f | %.1f | ≥ %.0f | %.0f MB | | %.0f s |\n", r.name, r.cpu.Seconds(), r.cpu.Seconds()*1e6/manyRows, ratio, r.times, mb(r.usage.peak), r.wall.Seconds())
		over = wanted(over, ratio >= r.times, "%s takes %.1f times our CPU, want %.0f", r.name, ratio, r.times)
	}
	return last, over, nil
}

// units is what imports cost at the table and at S3, a row.
type units struct{ requests, reads, writes, gets float64 }

// benchUnits prints what an import costs the table, a row, and the same again.
func benchUnits(ctx context.Context, out io.Writer, dir string) (fresh units, over error, err error) {
	file, err := workbook(dir, meteredRows, shared)
	if err != nil {
		return fresh, nil, err
	}
	t, err := newTable(ctx)
	if err != nil {
		return fresh, nil, err
	}
	defer func() { err = errors.Join(err, t.drop()) }()
	proxy, err := metered(t.tb)
	if err != nil {
		return fresh, nil, err
	}
	defer proxy.Close()
	var got [2]units
	for i := range got {
		t.tb.Reset()
		imp, err := t.bringFile(proxy.URL, file)
		if err != nil {
			return fresh, nil, err
		}
		if c := imp.counts; i == 0 && c.Created != meteredRows || i == 1 && c.Unchanged != meteredRows {
			return fresh, nil, fmt.Errorf("import %d of the same file: got %+v", i+1, c)
		}
		m := t.tb.Meter()
		got[i] = units{float64(m.Requests) / meteredRows, m.ReadUnits / meteredRows, m.WriteUnits / meteredRows, float64(imp.gets) / meteredRows}
	}
	fmt.Fprintf(out, "\n| a row of %d, all that its import does | write units | wanted | requests | wanted | read units |\n|---|---|---|---|---|---|\n", meteredRows)
	fmt.Fprintf(out, "| new | %.3f | ≤ %.0f | %.3f | ≤ %.1f | %.3f |\n", got[0].writes, newUnits, got[0].requests, newRequests, got[0].reads)
	fmt.Fprintf(out, "| unchanged | %.3f, none of it the row's own | 0 of its own | %.3f | | %.3f |\n", got[1].writes, got[1].requests, got[1].reads)
	over = wanted(over, got[0].writes <= newUnits, "a new row takes %.2f write units, want %.0f", got[0].writes, newUnits)
	over = wanted(over, got[0].requests <= newRequests, "a new row takes %.3f requests, want %.1f", got[0].requests, newRequests)
	over = wanted(over, got[1].writes <= keptUnits, "an unchanged row takes %.3f write units, want %.1f", got[1].writes, keptUnits)
	return got[0], over, nil
}

// metered is a server that passes on what it is asked to a table, through its
// meter.
func metered(tb *dynamotest.Table) (*httptest.Server, error) {
	to, err := url.Parse(os.Getenv("DYNAMODB_ENDPOINT"))
	if err != nil {
		return nil, err
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Scheme, r.URL.Host, r.RequestURI = to.Scheme, to.Host, ""
		resp, err := tb.RoundTrip(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body) // who asked may be gone
	})), nil
}

// peer is somebody else's way to import a roster.
type peer struct {
	name  string
	times float64  // as much CPU as ours it is wanted to take
	argv  []string // before the file and where to
}

// installPeers makes the peers ready, from their lock files, in dir.
func installPeers(ctx context.Context, dir string) ([]peer, error) {
	golang := filepath.Join(dir, "excelize")
	if err := command(ctx, filepath.Join(peers, "excelize"), "go", "build", "-trimpath", "-o", golang, "."); err != nil {
		return nil, err
	}

	node, err := installNode(ctx, dir, "exceljs")
	if err != nil {
		return nil, err
	}

	python := filepath.Join(dir, "openpyxl")
	pip := filepath.Join(python, "venv", "bin", "pip")
	err = installed(python, filepath.Join(peers, "openpyxl"), []string{"requirements.txt", "main.py"}, func() error {
		if err := command(ctx, python, "python3", "-m", "venv", "--clear", "venv"); err != nil {
			return err
		}
		return command(ctx, python, pip, "install", "--quiet", "--disable-pip-version-check", "--requirement", "requirements.txt")
	})
	if err != nil {
		return nil, err
	}
	return []peer{
		{"Go: excelize, aws-sdk-go-v2", 5, []string{golang}},
		{"Node: exceljs, AWS SDK v3", 7, []string{"node", node}},
		{"Python: openpyxl, boto3", 15, []string{filepath.Join(python, "venv", "bin", "python"), filepath.Join(python, "main.py")}},
	}, nil
}

// peers is where those that we are compared with lie, each with its lock file.
var peers = filepath.Join("infra", "bench", "peers")

// installNode makes a peer that runs in Node ready, and gives its program.
func installNode(ctx context.Context, dir, name string) (string, error) {
	to := filepath.Join(dir, name)
	err := installed(to, filepath.Join(peers, name), []string{"package-lock.json", "package.json", ".npmrc", "main.mjs"}, func() error {
		return command(ctx, to, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	})
	return filepath.Join(to, "main.mjs"), err
}

// installed brings a peer's files into a folder, the lock file first, and has
// install run there unless it did for the same lock.
func installed(to, from string, files []string, install func() error) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), b, 0o644)
		}
		if err != nil {
			return err
		}
	}
	lock, done := fileText(filepath.Join(to, files[0])), filepath.Join(to, "installed")
	if fileText(done) == lock {
		return nil
	}
	if err := install(); err != nil {
		return err
	}
	return os.WriteFile(done, []byte(lock), 0o644)
}

// bring has a peer take a file in, on a fresh table, and makes sure of what it
// did.
func (p peer) bring(ctx context.Context, file string) (u usage, err error) {
	t, err := newTable(ctx)
	if err != nil {
		return u, err
	}
	defer func() { err = errors.Join(err, t.drop()) }()
	ctx, cancel := context.WithTimeout(ctx, peerPatience)
	defer cancel()
	args := append(p.argv[1:len(p.argv):len(p.argv)], file, os.Getenv("DYNAMODB_ENDPOINT"), t.tb.Name, t.chain.ID, "im0000000000000001")
	u, out, err := run(ctx, p.argv[0], args...)
	if err != nil {
		return u, err
	}
	var did struct{ Rows, Failed, Written, There int }
	if err := json.Unmarshal(out, &did); err != nil {
		return u, err
	}
	if did.Rows != manyRows || did.Written != 2*manyRows || did.Failed+did.There != 0 {
		return u, fmt.Errorf("it did %+v, want %d items of %d rows", did, 2*manyRows, manyRows)
	}
	return u, nil
}
