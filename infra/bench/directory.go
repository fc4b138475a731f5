package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/dynamotest"
)

// Wanted of the directory (issue 6, "Numbers").
const (
	seeded       = 100_000               // partners of the chain
	browsers     = 50                    // clients that browse at once
	browseRatio  = 0.5                   // of the bare Query's rate
	browsePages  = 2_000                 // in a turn
	searchTail   = 50 * time.Millisecond // p95, warm, through the gateway
	searches     = 400
	searchWithin = 5 * time.Second // a write shows in search
	exportPeak   = 64 << 20        // bytes of memory that exports may have had
)

// benchDirectory prints how a directory of 100,000 partners is browsed and
// searched on the local stack, gateway and function included.
func benchDirectory(ctx context.Context, out io.Writer) (err error) {
	dir, err := workDir()
	if err != nil {
		return err
	}
	s, err := startStack(ctx, dir, "directory")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	d := &looker{stack: s, client: manyAtOnce()}
	if err := d.seed(ctx); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	fmt.Fprintf(out, "\n%s\n", machine())
	over, err := d.browse(ctx, out)
	if err != nil {
		return fmt.Errorf("browse: %w", err)
	}
	more, err := d.search(ctx, out)
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	whole, err := d.export(ctx, out)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return errors.Join(over, more, whole)
}

// looker is the owner of a chain of many partners, on a stack.
type looker struct {
	*stack
	client *http.Client
	signIn string
	chain  string // its path, /v1/chains/…
}

// seed fills the stack as `make seed` does, and waits until it has come to rest.
func (d *looker) seed(ctx context.Context) error {
	said, err := exec.CommandContext(ctx, filepath.Join(".local", "bin", "local"), "seed", "-root", d.root, "-partners", fmt.Sprint(seeded)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, said)
	}
	d.chain = regexp.MustCompile(`/v1/chains/[a-z0-9]+`).FindString(string(said))
	phone := regexp.MustCompile(`signs in as (\+[0-9]+)`).FindSubmatch(said)
	if d.chain == "" || phone == nil {
		return fmt.Errorf("not what a seeding says:\n%s", said)
	}
	if d.signIn, err = signIn(ctx, d.client, d.Control, string(phone[1]), "陈晓东"); err != nil {
		return err
	}
	return d.settle(ctx)
}

// get asks the API, and wants a 200.
func (d *looker) get(ctx context.Context, path string, answer any) error {
	return d.ask(ctx, http.MethodGet, path, "", http.StatusOK, answer)
}

// ask asks the API, and wants an answer of that status.
func (d *looker) ask(ctx context.Context, method, path, body string, status int, answer any) error {
	r, err := http.NewRequestWithContext(ctx, method, d.API+d.chain+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", d.signIn)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := d.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != status {
		err = fmt.Errorf("%s: %s: %s", path, resp.Status, b)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, answer)
}

// listing is a page of partners.
type listing struct {
	Items []struct {
		PartnerID string `json:"partner_id"`
		Name      string
	}
	NextCursor *string `json:"next_cursor"`
}

// browse prints how many pages a second are browsed, beside the bare Query of
// the index that such a page comes from.
func (d *looker) browse(ctx context.Context, out io.Writer) (over error, err error) {
	db := dynamotest.Client(d.DynamoDB)
	tables, err := db.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil {
		return nil, err
	}
	query := &dynamodb.QueryInput{
		TableName: &tables.TableNames[0], IndexName: aws.String("list"), Limit: aws.Int32(50),
		KeyConditionExpression: aws.String("LPK = :pk AND begins_with(LSK, :sk)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": &types.AttributeValueMemberS{Value: "CHAIN#" + filepath.Base(d.chain) + "#L0"}, ":sk": &types.AttributeValueMemberS{Value: "1#"},
		},
	}
	bare := func(int) error {
		got, err := db.Query(ctx, query)
		if err == nil && len(got.Items) != 50 {
			err = fmt.Errorf("the bare Query found %d partners, want 50", len(got.Items))
		}
		return err
	}
	// The list is spread over four partitions, so that a page is made of as many Queries (store.Partners).
	parts := func(int) error {
		for i := range 4 {
			part := *query
			part.Limit = aws.Int32(22)
			part.ExpressionAttributeValues = maps.Clone(query.ExpressionAttributeValues)
			part.ExpressionAttributeValues[":pk"] = &types.AttributeValueMemberS{Value: fmt.Sprintf("CHAIN#%s#L%d", filepath.Base(d.chain), i)}
			if _, err := db.Query(ctx, &part); err != nil {
				return err
			}
		}
		return nil
	}
	page := func(int) error {
		var l listing
		err := d.get(ctx, "/partners?state=pending", &l)
		if err == nil && len(l.Items) < 40 {
			err = fmt.Errorf("a page has %d partners", len(l.Items))
		}
		return err
	}
	var rates, ratios, ofParts []float64
	for range 3 {
		var took [3]float64
		for i, do := range []func(int) error{bare, parts, page} {
			t, err := drive(ctx, browsers, browsePages, do)
			if err != nil {
				return nil, err
			}
			took[i] = t.Seconds()
		}
		rates, ratios, ofParts = append(rates, browsePages/took[2]), append(ratios, took[0]/took[2]), append(ofParts, took[1]/took[2])
	}
	fmt.Fprintf(out, "\n| %d clients browse %d partners | a second | times one bare Query of 50 | wanted | times the four bare Queries of such a page |\n|---|---|---|---|---|\n", browsers, seeded)
	fmt.Fprintf(out, "| pages of 50, through gateway and function | %.0f | %.2f | ≥ %.1f | %.2f |\n", median(rates), median(ratios), browseRatio, median(ofParts))
	return wanted(nil, median(ratios) >= browseRatio, "browsing is %.2f times as fast as the bare Query, want %.1f", median(ratios), browseRatio), nil
}

// found is a page of search.
type found struct {
	Items []json.RawMessage
}

// search prints how long a search takes once the index is in the function, and
// how soon one who joins is found.
func (d *looker) search(ctx context.Context, out io.Writer) (over error, err error) {
	queries := []string{"重庆", "zhongqing", "cq", "宏远", "hongyuan", "商行000123", "zhangw", "单", "shan", "Trading", "S0001234", "10000123", "无锡", "建材"}
	ask := func(q string) (int, error) {
		var f found
		err := d.get(ctx, "/directory/search?q="+url.QueryEscape(q), &f)
		return len(f.Items), err
	}
	for _, q := range queries { // and the index is in the function then
		if n, err := ask(q); err != nil || n == 0 {
			return nil, fmt.Errorf("%q is found nowhere: %w", q, err)
		}
	}
	took := make([]time.Duration, searches)
	for i := range took {
		begun := time.Now()
		if _, err := ask(queries[i%len(queries)]); err != nil {
			return nil, err
		}
		took[i] = time.Since(begun)
	}
	p95 := percentile(took, 0.95)
	fmt.Fprintf(out, "\n| %d searches among %d partners, one after the other | measured | wanted |\n|---|---|---|\n| p95, through gateway and function | %.0f ms | < %.0f ms |\n",
		searches, seeded, p95.Seconds()*1000, searchTail.Seconds()*1000)
	over = wanted(nil, p95 < searchTail, "a search takes %v (p95), want %v", p95, searchTail)

	shown, err := d.shows(ctx, ask)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "| a new name is found after | %.1f s | ≤ %.0f s |\n", shown.Seconds(), searchWithin.Seconds())
	return wanted(over, shown <= searchWithin, "a write shows in search after %v, want %v", shown, searchWithin), nil
}

// shows renames a partner, and says after how long that is found.
func (d *looker) shows(ctx context.Context, ask func(string) (int, error)) (time.Duration, error) {
	const alias = "鼎泰新名"
	var l listing
	if err := d.get(ctx, "/partners?state=joined", &l); err != nil || len(l.Items) == 0 {
		return 0, errors.Join(err, errors.New("nobody has joined"))
	}
	if err := d.rename(ctx, l.Items[0].PartnerID, alias); err != nil {
		return 0, err
	}
	begun := time.Now()
	for time.Since(begun) < time.Minute {
		if n, err := ask(alias); err != nil || n > 0 {
			return time.Since(begun), err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Minute, nil
}

// rename gives a partner an alias.
func (d *looker) rename(ctx context.Context, partner, alias string) error {
	body, err := json.Marshal(map[string]string{"alias": alias})
	if err != nil {
		return err
	}
	status, err := send(ctx, d.client, http.MethodPatch, d.API+d.chain+"/partners/"+partner, string(body), "Authorization", d.signIn)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("an alias: got %d, want 200", status)
	}
	return err
}

// export prints how long all of the directory takes as a file, and what memory
// the function has had for it.
func (d *looker) export(ctx context.Context, out io.Writer) (over error, err error) {
	fmt.Fprintf(out, "\n| %d partners as a file | rows | time | peak memory | wanted |\n|---|---|---|---|---|\n", seeded)
	for _, format := range []string{"csv", "xlsx"} {
		var e struct {
			ExportID string `json:"export_id"`
			State    string
			Rows     int
		}
		begun := time.Now()
		if err := d.ask(ctx, http.MethodPost, "/exports", `{"format":"`+format+`"}`, http.StatusAccepted, &e); err != nil {
			return nil, err
		}
		for e.State != "done" {
			if time.Sleep(100 * time.Millisecond); e.State == "failed" || time.Since(begun) > 15*time.Minute {
				return nil, fmt.Errorf("%s: %s after %v", format, e.State, time.Since(begun))
			}
			if err := d.get(ctx, "/exports/"+e.ExportID, &e); err != nil {
				return nil, err
			}
		}
		peak := int64(0)
		for _, pid := range processes(".local/build/exports/bootstrap") {
			peak = max(peak, peakOf(pid))
		}
		fmt.Fprintf(out, "| .%s | %d | %.0f s | %d MB | ≤ %d MB |\n", format, e.Rows, time.Since(begun).Seconds(), peak>>20, exportPeak>>20)
		over = wanted(over, e.Rows >= seeded, "an export has %d rows, want %d", e.Rows, seeded)
		over = wanted(over, peak > 0 && peak <= exportPeak, "an export takes %d MB, want %d", peak>>20, exportPeak>>20)
	}
	return over, nil
}
