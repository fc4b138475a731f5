// Package demo plays the product's main job on a running stack, as its users
// do: through the public API, a browser's upload and the URLs in people's
// notices. Each step says what it did and how long it took, and fails loudly.
package demo

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

// Dealers is a roster of 2,000 rows, written by LibreOffice from dealers.py.
//
//go:embed dealers-2000.xlsx
var Dealers []byte

// Demo is one play.
type Demo struct {
	API, Control string    // base URLs of the stack
	Roster       []byte    // the file to import
	RosterName   string    // its name
	Out          io.Writer // hears of each step

	http     http.Client
	run      string // tells this play's names from an earlier one's
	tolerant bool   // in bad weather: a read that fails is asked again
	boss     *person
	chain    string
	imp      struct {
		ID                                   string
		Rows, OK, Failed, Partners, Notices  int
		Created, Updated, Unchanged, Partner int
	}
	guests []guest
	link   string // token of an unlimited link, made before the policy changes
}

// guest is a dealer who has joined.
type guest struct {
	*person
	partner, membership string
}

// Play plays all steps.
func (d *Demo) Play(ctx context.Context) error {
	for i, step := range []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"a person signs in, makes a corp, a chain and three groups", d.found},
		{"a roster is uploaded, imported, and its contacts are told", d.importRoster},
		{"a plan is seen before it is done; what failed comes back, is mended and goes in; all of it is taken back", d.plan},
		{"people join: by their notice, by a link for one, or not at all", d.join},
		{"only imported corps may join: 仅导入的企业可加入", d.restrict},
		{"the directory, by group and by page", d.browse},
		{"a dealer is renamed, and found by what they are called now", d.search},
		{"the sweep ends what has expired", d.expire},
	} {
		began := time.Now()
		said, err := step.do(ctx)
		if err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, step.name, err)
		}
		fmt.Fprintf(d.Out, "%d  %s  (%.1f s)\n", i+1, step.name, time.Since(began).Seconds())
		for _, line := range strings.Split(strings.TrimSpace(said), "\n") {
			fmt.Fprintf(d.Out, "     %s\n", strings.TrimSpace(line))
		}
	}
	return nil
}

// The demo's own people. Who is on the roster has the roster's phones.
const (
	bossPhone     = "+8619909990001"
	staffPhone    = "+8619909990002"
	teacherPhone  = "+8619909990003"
	strangerPhone = "+8619909990004"
	luckyPhone    = "+8619909990005"
	latePhone     = "+8619909990006"
)

func (d *Demo) found(ctx context.Context) (string, error) {
	d.run = strings.ReplaceAll(time.Now().Format("0102-150405.000"), ".", "-") // a chain's name has no dots
	var err error
	if d.boss, err = d.signIn(ctx, bossPhone, "陈晓东"); err != nil {
		return "", err
	}
	var me struct {
		Corps []struct {
			CorpID string `json:"corp_id"`
			Name   string
		}
		Chains []struct {
			ChainID string `json:"chain_id"`
			CorpID  string `json:"corp_id"`
			Name    string
		}
	}
	if _, err := d.boss.do(ctx, "GET", "/v1/me", nil, &me); err != nil {
		return "", err
	}
	found := fmt.Sprintf("found %d corps and %d chains of earlier plays", len(me.Corps), len(me.Chains))
	for _, c := range me.Corps {
		if c.Name == "百川集团" {
			d.boss.corp = c.CorpID
		}
	}
	if d.boss.corp == "" {
		var corp struct {
			CorpID string `json:"corp_id"`
		}
		if _, err := d.boss.do(ctx, "POST", "/v1/corps", map[string]any{"name": "百川集团"}, &corp); err != nil {
			return "", err
		}
		d.boss.corp = corp.CorpID
	}
	// A corp owns 20 chains at most (R46): the oldest play makes room.
	if len(me.Chains) >= 20 {
		oldest := me.Chains[0]
		for _, c := range me.Chains {
			if c.Name < oldest.Name {
				oldest = c
			}
		}
		if _, err := d.boss.do(ctx, "DELETE", "/v1/chains/"+oldest.ChainID, nil, nil); err != nil {
			return "", err
		}
	}
	var chain struct {
		ChainID string `json:"chain_id"`
		Name    string
	}
	if _, err := d.boss.do(ctx, "POST", "/v1/chains", map[string]any{"name": "百川经销商 " + d.run}, &chain); err != nil {
		return "", err
	}
	d.chain = "/v1/chains/" + chain.ChainID
	for _, name := range []string{"重点经销商", "物流服务商", "待考察"} {
		if _, err := d.boss.do(ctx, "POST", d.chain+"/groups", map[string]any{"name": name}, nil); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%s\ncorp 百川集团, chain %s (%s), groups 重点经销商 物流服务商 待考察", found, chain.Name, chain.ChainID), nil
}

// contentTypes are what rosters are uploaded as.
var contentTypes = map[string]string{
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".csv":  "text/csv",
}

type importAnswer struct {
	State                                         string
	Rows, OK, Failed, Created, Updated, Unchanged int
	Notices, Partners                             int
	PlanID                                        string `json:"plan_id"`
	Quota                                         struct{ Needed, Free int }
	FileError                                     *struct{ Code, Detail string } `json:"file_error"`
	Progress                                      struct{ Imported, Notified, Undeliverable int }
}

func (d *Demo) importRoster(ctx context.Context) (string, error) {
	before, _, err := list[struct{}](ctx, d.boss, d.chain+"/groups", 200)
	if err != nil {
		return "", err
	}
	began := time.Now()
	id, imp, err := d.send(ctx, d.RosterName, d.Roster, map[string]any{}, "done")
	if err != nil {
		return "", err
	}
	at := d.chain + "/imports/" + id
	if imp.OK+imp.Failed != imp.Rows || imp.OK == 0 {
		return "", fmt.Errorf("ok %d + failed %d of %d rows", imp.OK, imp.Failed, imp.Rows)
	}
	imported := time.Since(began)
	if err := until(ctx, "the notices", func() (bool, error) {
		_, err := d.boss.do(ctx, "GET", at, nil, &imp)
		return imp.Progress.Notified >= imp.Notices, err
	}); err != nil {
		return "", err
	}
	d.imp.ID, d.imp.Rows, d.imp.OK, d.imp.Partners, d.imp.Notices = id, imp.Rows, imp.OK, imp.Partners, imp.Notices
	after, _, err := list[struct{}](ctx, d.boss, d.chain+"/groups", 200)
	if err != nil {
		return "", err
	}
	said := fmt.Sprintf("%s: %d rows, ok %d, failed %d; %d partners and %d contacts pending, %d groups made, in %.1f s\n",
		d.RosterName, imp.Rows, imp.OK, imp.Failed, imp.Partners, imp.Progress.Imported, len(after)-len(before), imported.Seconds())
	said += fmt.Sprintf("%d notices delivered, %d undeliverable, %.1f s after the upload\n", imp.Progress.Notified-imp.Progress.Undeliverable, imp.Progress.Undeliverable, time.Since(began).Seconds())
	bad, _, err := list[struct {
		Row                 int
		Code, Field, Detail string
	}](ctx, d.boss, at+"/rows?outcome=failed", 200)
	if err != nil {
		return "", err
	}
	if len(bad) != imp.Failed {
		return "", fmt.Errorf("%d failed rows are told, want %d", len(bad), imp.Failed)
	}
	for _, r := range bad[:min(len(bad), 20)] {
		said += fmt.Sprintf("row %d: %s (%s)\n", r.Row, r.Code, r.Field)
	}
	if len(bad) > 20 {
		said += fmt.Sprintf("… and %d more: GET %s/rows?outcome=failed\n", len(bad)-20, at)
	}
	if len(bad) > 0 {
		file, err := d.errorsWorkbook(ctx, at)
		if err != nil {
			return "", err
		}
		said += fmt.Sprintf("they come back in a workbook of %d bytes: GET %s/errors.xlsx\n", len(file), at)
	}
	return said, nil
}

// send has a roster imported, as it is asked for, and waits until it is done or
// planned.
func (d *Demo) send(ctx context.Context, name string, file []byte, ask map[string]any, end string) (id string, imp importAnswer, err error) {
	var ticket struct {
		ImportID string `json:"import_id"`
		Upload   struct {
			URL    string
			Fields map[string]string
		}
	}
	ask["file_name"] = name
	if _, err := d.boss.do(ctx, "POST", d.chain+"/imports", ask, &ticket); err != nil {
		return "", imp, err
	}
	if err := d.upload(ctx, ticket.Upload.URL, ticket.Upload.Fields, contentTypes[path.Ext(name)], file); err != nil {
		return "", imp, err
	}
	imp, err = d.await(ctx, ticket.ImportID, end)
	return ticket.ImportID, imp, err
}

// await waits until an import is in that state.
func (d *Demo) await(ctx context.Context, id, state string) (imp importAnswer, err error) {
	err = until(ctx, "the import to be "+state, func() (bool, error) {
		_, err := d.boss.do(ctx, "GET", d.chain+"/imports/"+id, nil, &imp)
		return imp.State == state || imp.State == "failed", err
	})
	if err == nil && imp.State == "failed" {
		err = fmt.Errorf("the file was refused: %s: %s", imp.FileError.Code, imp.FileError.Detail)
	}
	return imp, err
}

// errorsWorkbook is an import's failed rows, once they are written.
func (d *Demo) errorsWorkbook(ctx context.Context, at string) (file []byte, err error) {
	err = until(ctx, "the errors workbook", func() (bool, error) {
		_, err := d.boss.do(ctx, "GET", at+"/errors.xlsx?lang=zh-CN", nil, &file)
		if refused(err, http.StatusConflict, "conflict") == nil {
			return false, nil // it is being written
		}
		return true, err
	})
	return file, err
}

// late is a roster of six rows, of which three are wrong.
const late = `企业名称,联系人姓名,身份,手机号,上下游分组,自定义企业ID
晚到商贸,李明,负责人,19906980001,补录,L0000001
晚到商贸,王芳,成员,1990698000,补录,L0000001
,赵敏,负责人,19906980003,补录,L0000002
迟来建材,孙丽,老板,19906980004,补录,L0000003
迟来建材,周杰,成员,+852 5123 4567,补录,L0000003
补录物流,吴刚,,19906980006,,
`

// mended are the wrong cells as they should be.
var mended = strings.NewReplacer(">1990698000<", ">19906980002<", ">老板<", ">负责人<")

// plan plays a dry run, and what can be done with it.
func (d *Demo) plan(ctx context.Context) (string, error) {
	type partner struct {
		Name string
	}
	before, _, err := list[partner](ctx, d.boss, d.chain+"/partners", 200)
	if err != nil {
		return "", err
	}
	id, imp, err := d.send(ctx, "补录.csv", []byte(late), map[string]any{"dry_run": true, "notify": false}, "planned")
	if err != nil {
		return "", err
	}
	if now, _, err := list[partner](ctx, d.boss, d.chain+"/partners", 200); err != nil || len(now) != len(before) {
		return "", fmt.Errorf("a plan made %d partners of %d (%v)", len(now), len(before), err)
	}
	if imp.Rows != 6 || imp.OK != 3 || imp.Failed != 3 || imp.Created != 3 || imp.Quota.Needed != 3 {
		return "", fmt.Errorf("the plan: %+v", imp)
	}
	said := fmt.Sprintf("a dry run of %d rows: %d would be created, %d fail; it needs %d of %d free places\n", imp.Rows, imp.Created, imp.Failed, imp.Quota.Needed, imp.Quota.Free)
	at := d.chain + "/imports/" + id
	_, err = d.boss.do(ctx, "POST", at+"/apply", map[string]any{"plan_id": "another"}, nil)
	if err := refused(err, http.StatusConflict, "stale"); err != nil {
		return "", fmt.Errorf("another plan: %w", err)
	}
	if _, err := d.boss.do(ctx, "POST", at+"/apply", map[string]any{"plan_id": imp.PlanID}, nil); err != nil {
		return "", err
	}
	if imp, err = d.await(ctx, id, "done"); err != nil {
		return "", err
	}
	if imp.Created != 3 || imp.Failed != 3 {
		return "", fmt.Errorf("what was done isn't what was planned: %+v", imp)
	}
	file, err := d.errorsWorkbook(ctx, at)
	if err != nil {
		return "", err
	}
	if file, err = mendWorkbook(file); err != nil {
		return "", fmt.Errorf("errors workbook: %w", err)
	}
	again, imp, err := d.send(ctx, "补录 错误.xlsx", file, map[string]any{"notify": false}, "done")
	if err != nil {
		return "", err
	}
	if imp.Rows != 3 || imp.Failed != 0 {
		return "", fmt.Errorf("the mended rows: %+v", imp)
	}
	said += fmt.Sprintf("it is applied; the %d rows that failed come back as a workbook, three cells are mended, and it goes in: ok %d, failed %d\n", imp.Rows, imp.OK, imp.Failed)
	for _, id := range []string{again, id} {
		if _, err := d.boss.do(ctx, "POST", d.chain+"/imports/"+id+"/revert", nil, nil); err != nil {
			return "", err
		}
		if _, err := d.await(ctx, id, "reverted"); err != nil {
			return "", err
		}
	}
	after, _, err := list[partner](ctx, d.boss, d.chain+"/partners", 200)
	if err != nil || len(after) != len(before) {
		return "", fmt.Errorf("%d partners are left of %d (%v)", len(after), len(before), err)
	}
	return said + fmt.Sprintf("both imports are reverted: %d partners, as before", len(after)), nil
}

// mendWorkbook mends the cells of the errors workbook as somebody at a
// spreadsheet program would: two that are wrong and one that is empty.
func mendWorkbook(b []byte) ([]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		content, err := fs.ReadFile(z, f.Name)
		if err != nil {
			return nil, err
		}
		to, err := w.Create(f.Name)
		if err != nil {
			return nil, err
		}
		sheet := mended.Replace(string(content))
		sheet = emptyName.ReplaceAllString(sheet, `<c r="A$1"$2 t="inlineStr"><is><t>晚到家居</t></is></c>`)
		if _, err := io.WriteString(to, sheet); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// emptyName is a cell of the first column in which nothing stands.
var emptyName = regexp.MustCompile(`<c r="A([0-9]+)"( s="[0-9]+")?/>`)

// dealer is a contact of the roster who has a notice.
type dealer struct {
	partner, name, corp, phone string
}

// dealers are up to n contacts of as many pending partners.
func (d *Demo) dealers(ctx context.Context, n int) ([]dealer, error) {
	var page struct {
		Items []struct {
			PartnerID string `json:"partner_id"`
			Name      string
		}
	}
	if _, err := d.boss.do(ctx, "GET", d.chain+"/partners?state=pending", nil, &page); err != nil {
		return nil, err
	}
	var out []dealer
	for _, p := range page.Items[:min(n, len(page.Items))] {
		var people struct {
			Items []struct{ Name, Phone, State string }
		}
		if _, err := d.boss.do(ctx, "GET", d.chain+"/partners/"+p.PartnerID+"/contacts", nil, &people); err != nil {
			return nil, err
		}
		if len(people.Items) == 0 {
			return nil, fmt.Errorf("partner %s has no contact", p.PartnerID)
		}
		if got := people.Items[0].State; got != "notified" {
			return nil, fmt.Errorf("a contact is %s, want notified", got)
		}
		out = append(out, dealer{p.PartnerID, people.Items[0].Name, p.Name, people.Items[0].Phone})
	}
	return out, nil
}

// noticeToken is the token in the URL of the latest notice to a phone that
// has one.
func (d *Demo) noticeToken(ctx context.Context, phone string) (string, error) {
	var box struct {
		Items []struct{ URL string }
	}
	if _, err := d.boss.call(ctx, "GET", d.Control+"/outbox?phone="+strings.ReplaceAll(phone, "+", "%2B"), nil, &box); err != nil {
		return "", err
	}
	for i := len(box.Items) - 1; i >= 0; i-- {
		if _, token, ok := strings.Cut(box.Items[i].URL, "/j/"); ok {
			return token, nil
		}
	}
	return "", fmt.Errorf("no notice with a URL among %d to a dealer", len(box.Items))
}

type membership struct {
	MembershipID string `json:"membership_id"`
	PartnerID    string `json:"partner_id"`
	CorpID       string `json:"corp_id"`
}

func (d *Demo) join(ctx context.Context) (string, error) {
	said, err := d.joinByNotice(ctx)
	if err != nil {
		return "", err
	}
	more, err := d.joinByLink(ctx)
	return said + more, err
}

func (d *Demo) joinByNotice(ctx context.Context) (string, error) {
	dealers, err := d.dealers(ctx, 3)
	if err != nil {
		return "", err
	}
	said := ""
	for i, k := range dealers {
		token, err := d.noticeToken(ctx, k.phone)
		if err != nil {
			return "", err
		}
		p, err := d.signIn(ctx, k.phone, k.name)
		if err != nil {
			return "", err
		}
		var look struct {
			State     string
			ExpiresAt time.Time `json:"expires_at"`
		}
		for range 2 { // looking changes nothing (R13)
			if _, err := (&person{demo: d}).do(ctx, "GET", "/v1/join/"+token, nil, &look); err != nil {
				return "", fmt.Errorf("look: %w", err)
			}
		}
		var is struct{ State string }
		if _, err := d.boss.do(ctx, "GET", d.chain+"/partners/"+k.partner, nil, &is); err != nil || is.State != "pending" {
			return "", fmt.Errorf("a look made the partner %q (%v), want pending", is.State, err)
		}

		wish := map[string]any{"new_corp": map[string]any{"name": corpName(k.corp)}}
		how := "with a corp made on the spot"
		if i == 0 {
			var corp struct {
				CorpID string `json:"corp_id"`
			}
			if _, err := p.do(ctx, "POST", "/v1/corps", map[string]any{"name": corpName(k.corp)}, &corp); err != nil {
				return "", err
			}
			wish, how = map[string]any{"corp_id": corp.CorpID}, "under a corp they have"
		}
		var m membership
		status, err := p.do(ctx, "POST", "/v1/join/"+token, wish, &m)
		if err != nil || status != http.StatusCreated {
			return "", fmt.Errorf("join: got %d %v, want 201", status, err)
		}
		if i == 2 {
			how = "with a corp made on the spot, and twice: 201, then 200 with the first membership"
			var again membership
			status, err := p.do(ctx, "POST", "/v1/join/"+token, wish, &again)
			if err != nil || status != http.StatusOK || again != m {
				return "", fmt.Errorf("join again: got %d %v %v, want 200 %v", status, again, err, m)
			}
		}
		p.corp = m.CorpID
		d.guests = append(d.guests, guest{p, m.PartnerID, m.MembershipID})
		said += fmt.Sprintf("dealer %d follows the URL of their notice, looks, joins: %s\n", i+1, how)
	}
	return said, nil
}

// corpName is a corp's name that a corp may have.
func corpName(s string) string { return strings.TrimSpace(s) }

type inviteAnswer struct {
	InviteID  string `json:"invite_id"`
	Token     string
	State     string
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (d *Demo) joinByLink(ctx context.Context) (string, error) {
	if _, err := d.boss.do(ctx, "POST", "/v1/corps/"+d.boss.corp+"/members", map[string]any{"name": "林静", "phone": staffPhone, "role": "member"}, nil); err != nil {
		if refused(err, http.StatusConflict, "conflict") != nil { // a member since an earlier play
			return "", err
		}
	}
	staff, err := d.signIn(ctx, staffPhone, "林静")
	if err != nil {
		return "", err
	}
	staff.corp = d.boss.corp
	var one, open inviteAnswer
	if _, err := staff.do(ctx, "POST", d.chain+"/invites", map[string]any{"max_uses": 1}, &one); err != nil {
		return "", err
	}
	if _, err := d.boss.do(ctx, "POST", d.chain+"/invites", map[string]any{}, &open); err != nil {
		return "", err
	}
	d.link = open.Token
	lucky, err := d.signIn(ctx, luckyPhone, "高远")
	if err != nil {
		return "", err
	}
	if status, err := lucky.do(ctx, "POST", "/v1/join/"+one.Token, map[string]any{"new_corp": map[string]any{"name": "远航物流"}}, nil); err != nil || status != http.StatusCreated {
		return "", fmt.Errorf("first by the link for one: got %d %v, want 201", status, err)
	}
	late, err := d.signIn(ctx, latePhone, "许诺")
	if err != nil {
		return "", err
	}
	_, err = late.do(ctx, "POST", "/v1/join/"+one.Token, map[string]any{"new_corp": map[string]any{"name": "迟来商贸"}}, nil)
	if err := refused(err, http.StatusGone, "invite_exhausted"); err != nil {
		return "", fmt.Errorf("second by the link for one: %w", err)
	}

	teacher, err := d.signIn(ctx, teacherPhone, "方老师")
	if err != nil {
		return "", err
	}
	_, err = teacher.do(ctx, "POST", "/v1/join/"+open.Token, map[string]any{"new_corp": map[string]any{"name": "阳光幼儿园", "industry": "学前教育"}}, nil)
	if err := refused(err, http.StatusForbidden, "corp_not_eligible"); err != nil {
		return "", fmt.Errorf("a kindergarten: %w", err)
	}
	return "a member's link for one use: the first gets in, the second gets 410 invite_exhausted\na kindergarten gets 403 corp_not_eligible", nil
}

func (d *Demo) restrict(ctx context.Context) (string, error) {
	if _, err := d.boss.do(ctx, "PATCH", d.chain, map[string]any{"join_policy": "imported_only"}, nil); err != nil {
		return "", err
	}
	stranger, err := d.signIn(ctx, strangerPhone, "路人")
	if err != nil {
		return "", err
	}
	_, err = stranger.do(ctx, "POST", "/v1/join/"+d.link, map[string]any{"new_corp": map[string]any{"name": "路过贸易"}}, nil)
	if err := refused(err, http.StatusForbidden, "not_imported"); err != nil {
		return "", fmt.Errorf("a stranger: %w", err)
	}
	for _, g := range d.guests {
		var chain struct{ Side string }
		if _, err := g.do(ctx, "GET", d.chain, nil, &chain); err != nil || chain.Side != "partner" {
			return "", fmt.Errorf("a dealer who had joined: got %q %v, want to stay", chain.Side, err)
		}
	}
	invites, _, err := list[inviteAnswer](ctx, d.boss, d.chain+"/invites?state=live", 50)
	if err != nil {
		return "", err
	}
	if len(invites) == 0 {
		return "", fmt.Errorf("no live invite")
	}
	for _, i := range invites {
		if days := i.ExpiresAt.Sub(i.CreatedAt).Hours() / 24; days != 90 {
			return "", fmt.Errorf("an invite lives %v days, want 90", days)
		}
	}
	return fmt.Sprintf("a stranger gets 403 not_imported; the %d dealers stay; what is live (%d by link) shows 90 days", len(d.guests), len(invites)), nil
}

func (d *Demo) browse(ctx context.Context) (string, error) {
	all, pages, err := list[struct {
		PartnerID string `json:"partner_id"`
		State     string
		GroupID   int `json:"group_id"`
	}](ctx, d.boss, d.chain+"/partners", 50)
	if err != nil {
		return "", err
	}
	byGroup := map[int]int{}
	seen := map[string]bool{}
	joined := 0
	for _, p := range all {
		byGroup[p.GroupID]++
		seen[p.PartnerID] = true
		if p.State == "joined" {
			joined++
		}
	}
	if len(seen) != len(all) || len(all) != d.imp.Partners+1 || joined != len(d.guests)+1 {
		return "", fmt.Errorf("%d partners, %d distinct, %d joined; want %d and %d", len(all), len(seen), joined, d.imp.Partners+1, len(d.guests)+1)
	}
	some, most := 0, 0
	for group, n := range byGroup {
		if n > most {
			some, most = group, n
		}
	}
	in, _, err := list[struct {
		PartnerID string `json:"partner_id"`
	}](ctx, d.boss, fmt.Sprintf("%s/partners?group_id=%d", d.chain, some), 50)
	if err != nil {
		return "", err
	}
	if len(in) != most {
		return "", fmt.Errorf("group %d lists %d partners, want %d", some, len(in), most)
	}
	began := time.Now()
	if _, err := d.boss.do(ctx, "GET", d.chain+"/directory", nil, nil); err != nil {
		return "", err
	}
	page := time.Since(began)

	type item struct {
		Kind    string
		Partner *struct {
			PartnerID string `json:"partner_id"`
		}
		Contact *struct{ Name string }
	}
	said := fmt.Sprintf("%d partners in %d pages, %d joined; group %d lists its %d; a page takes %d ms\n", len(all), pages, joined, some, most, page.Milliseconds())
	for _, g := range d.guests[:min(1, len(d.guests))] {
		sees, _, err := list[item](ctx, g.person, d.chain+"/directory", 50)
		if err != nil {
			return "", err
		}
		partners, contacts := 0, 0
		for _, i := range sees {
			if i.Partner != nil {
				if partners++; i.Partner.PartnerID != g.partner {
					return "", fmt.Errorf("a dealer sees another (R35)")
				}
			}
			if i.Contact != nil {
				contacts++
			}
		}
		if partners != 1 || contacts == 0 {
			return "", fmt.Errorf("a dealer sees %d partners and %d people, want their own and some", partners, contacts)
		}
		_, err = g.do(ctx, "GET", d.chain+"/partners/"+d.guests[len(d.guests)-1].partner, nil, nil)
		if len(d.guests) > 1 {
			if err := refused(err, http.StatusNotFound, "not_found"); err != nil {
				return "", fmt.Errorf("a dealer asks for another: %w", err)
			}
		}
		said += fmt.Sprintf("a dealer's person sees their own partner and %d people: themselves and the chain's admins; another dealer is 404 (R35)", contacts)
	}
	return said, nil
}

func (d *Demo) expire(ctx context.Context) (string, error) {
	var short inviteAnswer
	if _, err := d.boss.do(ctx, "POST", d.chain+"/invites", map[string]any{"expires_in": 1, "note": "demo " + d.run}, &short); err != nil {
		return "", err
	}
	if err := until(ctx, "the invite to expire", func() (bool, error) {
		return time.Now().After(short.ExpiresAt.Add(time.Second)), nil
	}); err != nil {
		return "", err
	}
	told := func() (int, error) {
		var box struct {
			Items []struct{ Subject, Text string }
		}
		_, err := d.boss.call(ctx, "GET", d.Control+"/outbox?phone=%2B"+bossPhone[1:], nil, &box)
		n := 0
		for _, i := range box.Items {
			if strings.Contains(i.Text, "demo "+d.run) {
				n++
			}
		}
		return n, err
	}
	if _, err := d.boss.call(ctx, "POST", d.Control+"/schedules/expiry", nil, nil); err != nil {
		return "", err
	}
	_, err := (&person{demo: d}).do(ctx, "GET", "/v1/join/"+short.Token, nil, nil)
	if err := refused(err, http.StatusGone, "invite_expired"); err != nil {
		return "", fmt.Errorf("an expired invite: %w", err)
	}
	if err := until(ctx, "the maker to be told", func() (bool, error) {
		n, err := told()
		return n == 1, err
	}); err != nil {
		return "", err
	}
	joined, _, err := list[struct {
		PartnerID string `json:"partner_id"`
	}](ctx, d.boss, d.chain+"/partners?state=joined", 50)
	if err != nil {
		return "", err
	}
	if len(joined) != len(d.guests)+1 {
		return "", fmt.Errorf("%d partners are joined after the sweep, want %d", len(joined), len(d.guests)+1)
	}
	var funnel struct {
		Contacts struct{ Imported, Notified, Joined, Expired int }
		Partners struct{ Imported, Joined int }
	}
	if err := until(ctx, "the joins to be counted", func() (bool, error) {
		_, err := d.boss.do(ctx, "GET", d.chain+"/progress?import_id="+d.imp.ID, nil, &funnel)
		return funnel.Contacts.Joined == len(d.guests), err
	}); err != nil {
		return "", err
	}
	return fmt.Sprintf("the invite of one second is 410 invite_expired and its maker was told once; %d partners stay joined\nprogress: %d contacts imported, %d notified, %d joined; %d partners, %d joined",
		len(joined), funnel.Contacts.Imported, funnel.Contacts.Notified, funnel.Contacts.Joined, funnel.Partners.Imported, funnel.Partners.Joined), nil
}
