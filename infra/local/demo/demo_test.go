package demo

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/tributary-app/tributary/infra/local/faults"
	"github.com/tributary-app/tributary/infra/local/stack"
)

// setup is a demo on a stack of its own, with the functions that `make build`
// has left in .local/build.
func setup(t *testing.T) (*Demo, *stack.Stack) {
	t.Helper()
	s, err := stack.Start(t.Context(), stack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Demo{API: s.API, Control: s.Control, Roster: Dealers, RosterName: "dealers-2000.xlsx", Out: t.Output()}, s
}

func TestTheMainJobFromRosterToSweep(t *testing.T) {
	t.Parallel()
	d, _ := setup(t)
	if err := d.Play(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestASecondPlayFindsTheFirst(t *testing.T) {
	t.Parallel()
	d, _ := setup(t)
	d.Roster, d.RosterName = small(30), "dealers.csv"
	for range 2 {
		if err := d.Play(t.Context()); err != nil {
			t.Fatal(err)
		}
		d = &Demo{API: d.API, Control: d.Control, Roster: d.Roster, RosterName: d.RosterName, Out: d.Out}
	}
}

// small is a roster of n dealers, all to be imported.
func small(n int) []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, "企业名称,联系人姓名,身份,手机号,上下游分组,自定义企业ID,自定义成员ID")
	for i := range n {
		fmt.Fprintf(&b, "宏远商贸%04d,李明%d,负责人,1990600%04d,华东区/浙江省,H%06d,%d\n", i, i, i, i, 200001+i)
	}
	return b.Bytes()
}

// Answers are lost, calls throttled, messages delivered twice and instances
// killed while a roster comes in: the end is that of a fair day, and nobody
// is told twice.
func TestARosterComesInThroughBadWeather(t *testing.T) {
	t.Parallel()
	d, s := setup(t)
	ctx := t.Context()
	d.Roster, d.RosterName = small(1000), "dealers.csv"
	if _, err := d.found(ctx); err != nil {
		t.Fatal(err)
	}
	var bad faults.Faults
	bad.DynamoDB.LostAnswer, bad.DynamoDB.Throttle = 0.02, 0.02
	bad.SQS.LostAnswer, bad.SQS.Duplicate = 0.05, 0.3
	bad.Lambda.Kill = 0.05
	s.SetFaults(bad)
	said, err := d.importInWeather(ctx, func() { s.SetFaults(faults.Faults{}) })
	if err != nil {
		t.Fatal(err)
	}
	t.Log(said)

	var box struct {
		Items []struct {
			To      string
			DedupID string `json:"dedup_id"`
		}
	}
	if _, err := d.boss.call(ctx, "GET", d.Control+"/outbox", nil, &box); err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	for _, n := range box.Items {
		told[n.To]++
	}
	if len(told) != 1000 || len(box.Items) != 1000 {
		t.Errorf("%d notices to %d people, want 1000 to 1000", len(box.Items), len(told))
	}
	all, _, err := list[struct{ State string }](ctx, d.boss, d.chain+"/partners", 200)
	if err != nil || len(all) != 1000 {
		t.Errorf("%d partners (%v), want 1000", len(all), err)
	}

	before := len(box.Items)
	if said, err = d.importRoster(ctx); err != nil {
		t.Fatal(err)
	}
	t.Log(said)
	if _, err := d.boss.call(ctx, "GET", d.Control+"/outbox", nil, &box); err != nil || len(box.Items) != before {
		t.Errorf("the same roster again told %d more (%v), want nobody (R27)", len(box.Items)-before, err)
	}
}

// importInWeather imports while the weather is bad. The caller's own requests
// may fail in it, so what comes after the upload is asked for when it is over.
func (d *Demo) importInWeather(ctx context.Context, clear func()) (string, error) {
	d.tolerant = true
	defer func() { d.tolerant = false; clear() }()
	return d.importRoster(ctx)
}

// 200 people press Join in the same moment on a link for 20 (R15).
func TestACrowdOnALinkForTwenty(t *testing.T) {
	t.Parallel()
	d, _ := setup(t)
	ctx := t.Context()
	if _, err := d.found(ctx); err != nil {
		t.Fatal(err)
	}
	var link inviteAnswer
	if _, err := d.boss.do(ctx, "POST", d.chain+"/invites", map[string]any{"max_uses": 20}, &link); err != nil {
		t.Fatal(err)
	}
	var crowd []*person
	for i := range 200 {
		p, err := d.signIn(ctx, fmt.Sprintf("+861990500%04d", i), fmt.Sprintf("客人%d", i))
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, p)
	}
	answers := make([]string, len(crowd))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, p := range crowd {
		wg.Go(func() {
			<-start
			status, err := p.do(ctx, "POST", "/v1/join/"+link.Token, map[string]any{"new_corp": map[string]any{"name": fmt.Sprintf("客人商行%d", i)}}, nil)
			answers[i] = fmt.Sprint(status)
			if bad, ok := err.(*problem); ok {
				answers[i] += " " + bad.Code
			}
		})
	}
	close(start)
	wg.Wait()
	count := map[string]int{}
	for _, a := range answers {
		count[a]++
	}
	if count["201"] != 20 || count["410 invite_exhausted"] != 180 {
		t.Errorf("got %v, want 20 × 201 and 180 × 410 invite_exhausted", count)
	}
	var now struct{ Uses int }
	if _, err := d.boss.do(ctx, "GET", d.chain+"/invites/"+link.InviteID, nil, &now); err != nil || now.Uses != 20 {
		t.Errorf("uses = %d (%v), want 20", now.Uses, err)
	}
	joined, _, err := list[struct{ State string }](ctx, d.boss, d.chain+"/partners?state=joined", 200)
	if err != nil || len(joined) != 20 {
		t.Errorf("%d partners have joined (%v), want 20", len(joined), err)
	}
}

// A file that is no roster is refused as a whole, and says why.
func TestAFileThatIsNoRoster(t *testing.T) {
	t.Parallel()
	d, _ := setup(t)
	if _, err := d.found(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		file []byte
		want string
	}{
		"a page":           {[]byte("<html><body>not found</body></html>"), "not_a_workbook"},
		"half of a roster": {Dealers[:len(Dealers)/2], "truncated"},
		"no header":        {[]byte("a,b,c\n1,2,3\n"), "no_header"},
	} {
		d.Roster, d.RosterName = tc.file, "dealers.xlsx"
		_, err := d.importRoster(t.Context())
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(tc.want)) {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
	all, _, err := list[struct{}](t.Context(), d.boss, d.chain+"/partners", 200)
	if err != nil || len(all) != 0 {
		t.Errorf("%d partners (%v), want none", len(all), err)
	}
}
