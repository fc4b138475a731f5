// Command excelize imports a roster with excelize and the AWS SDK, as one would write it who has no reader of his own: a
// peer of functions/imports in the benchmarks (infra/bench/README.md says what it leaves out).
//
//	excelize <roster.xlsx> <dynamodb endpoint> <table> <chain> <import>
package main

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/nyaruka/phonenumbers"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/unicode/norm"
)

type card struct {
	Name, CustomID   string
	Group            int
	State            string
	Imported         bool
	Contacts, Joined int
}

type partner struct {
	PK, SK, LPK, LSK     string
	Card                 card
	People               map[string]string
	Import               string
	Epoch, Edition, Gate int
}

type contact struct {
	PK, SK, Name, Phone string
	Leader              bool
	MemberCustomID      string `dynamodbav:",omitempty"`
	Import              string
	Chunk, TokenVersion int
	NoticeAt            int64
	Inviter             string
	Edition             int
}

type counts struct {
	Rows, Failed, Written, There int
}

func main() {
	if len(os.Args) != 6 {
		log.Fatal("usage: excelize <roster.xlsx> <endpoint> <table> <chain> <import>")
	}
	i := &importer{table: os.Args[3], chain: os.Args[4], id: os.Args[5], now: time.Now().UnixMilli(), statements: map[string]string{}}
	i.db = dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &os.Args[2], Credentials: credentials.NewStaticCredentialsProvider("peer", "peer", ""),
	})
	if err := i.run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(i.counts); err != nil {
		log.Fatal(err)
	}
}

type importer struct {
	db               *dynamodb.Client
	table, chain, id string
	now              int64
	statements       map[string]string // INSERT by the attributes it has
	outcomes         []outcome         // since the last that were kept

	mu     sync.Mutex
	counts counts
	err    error
}

const writers, batch = 8, 25

func (i *importer) run(ctx context.Context, file string) error {
	f, err := excelize.OpenFile(file)
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := f.Rows(f.GetSheetName(0))
	if err != nil {
		return err
	}
	defer rows.Close()

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	work := make(chan []types.BatchStatementRequest, writers)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for b := range work {
				written, there, err := i.write(ctx, b)
				i.mu.Lock()
				i.counts.Written += written
				i.counts.There += there
				if err != nil {
					i.err = errors.Join(i.err, err)
					stop()
				}
				i.mu.Unlock()
			}
		})
	}
	err = i.read(ctx, rows, work)
	close(work)
	wg.Wait()
	return errors.Join(err, i.err)
}

func (i *importer) read(ctx context.Context, rows *excelize.Rows, work chan<- []types.BatchStatementRequest) error {
	if !rows.Next() {
		return errors.New("the sheet is empty")
	}
	header, err := rows.Columns()
	if err != nil {
		return err
	}
	column := map[string]int{}
	for n, name := range header {
		column[strings.TrimSpace(name)] = n
	}
	for _, name := range []string{"企业名称", "联系人姓名", "手机号"} {
		if _, ok := column[name]; !ok {
			return fmt.Errorf("no column %s", name)
		}
	}
	partners, contacts := map[string]bool{}, map[string]bool{}
	var left []types.BatchStatementRequest
	send := func(r types.BatchStatementRequest) error {
		if left = append(left, r); len(left) < batch {
			return nil
		}
		select {
		case work <- left:
			left = make([]types.BatchStatementRequest, 0, batch)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for rows.Next() {
		cells, err := rows.Columns()
		if err != nil {
			return err
		}
		cell := func(name string) string {
			if n, ok := column[name]; ok && n < len(cells) {
				return strings.TrimSpace(norm.NFKC.String(cells[n]))
			}
			return ""
		}
		i.counts.Rows++
		corp, name, phone := cell("企业名称"), cell("联系人姓名"), toE164(cell("手机号"))
		if corp == "" || name == "" || phone == "" || utf8.RuneCountInString(corp) > 32 || utf8.RuneCountInString(name) > 32 {
			i.counts.Failed++
			if err := i.note(ctx, outcome{i.counts.Rows + 1, "invalid", "", ""}); err != nil {
				return err
			}
			continue
		}
		customID, memberID, leader := cell("自定义企业ID"), cell("自定义成员ID"), cell("身份") == "负责人"
		id, person := digest(i.chain, customID, corp), digest("person", phone)
		if contacts[id+person] {
			continue
		}
		contacts[id+person] = true
		if err := i.note(ctx, outcome{i.counts.Rows + 1, "create", id, person}); err != nil {
			return err
		}
		if !partners[id] {
			partners[id] = true
			said := sha256.Sum256([]byte(name + "\x00" + memberID))
			r, err := i.insert(partner{
				PK: fmt.Sprintf("CHAIN#%s#P%s", i.chain, id[:1]), SK: "PARTNER#" + id, LPK: fmt.Sprintf("CHAIN#%s#L%d", i.chain, id[0]%4), LSK: "1#0000000001#" + corp + "#" + id,
				Card: card{Name: corp, CustomID: customID, Group: 1, State: "pending", Imported: true, Contacts: 1}, Import: i.id, Edition: 1,
				People: map[string]string{person: base64.RawStdEncoding.EncodeToString(said[:8])},
			})
			if err == nil {
				err = send(r)
			}
			if err != nil {
				return err
			}
		}
		r, err := i.insert(contact{
			PK: "PERSON#" + person, SK: "CHAIN#" + i.chain + "#" + id, Name: name, Phone: phone, Leader: leader, MemberCustomID: memberID,
			Import: i.id, Chunk: i.counts.Rows / 250, TokenVersion: 1, NoticeAt: i.now, Inviter: "peer", Edition: 1,
		})
		if err == nil {
			err = send(r)
		}
		if err != nil {
			return err
		}
	}
	if err := rows.Error(); err != nil {
		return err
	}
	if len(left) > 0 {
		work <- left
	}
	return i.keep(ctx)
}

// outcome is what became of a row, for whoever asks later.
type outcome struct {
	Row                      int
	Outcome, Partner, Person string
}

const chunk = 500 // outcomes that are kept in one item

func (i *importer) note(ctx context.Context, o outcome) error {
	if i.outcomes = append(i.outcomes, o); len(i.outcomes) < chunk {
		return nil
	}
	return i.keep(ctx)
}

// keep puts the outcomes since the last time into an item, packed.
func (i *importer) keep(ctx context.Context) error {
	if len(i.outcomes) == 0 {
		return nil
	}
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(z).Encode(i.outcomes), z.Close()); err != nil {
		return err
	}
	_, err := i.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &i.table, Item: map[string]types.AttributeValue{
		"PK":   &types.AttributeValueMemberS{Value: "CHAIN#" + i.chain + "#ROWS#" + i.id},
		"SK":   &types.AttributeValueMemberS{Value: fmt.Sprintf("CHUNK#%010d", i.outcomes[0].Row)},
		"Rows": &types.AttributeValueMemberB{Value: b.Bytes()},
	}})
	i.outcomes = i.outcomes[:0]
	return err
}

// insert is the statement that puts an item where there is none.
func (i *importer) insert(item any) (r types.BatchStatementRequest, err error) {
	m, err := attributevalue.MarshalMap(item)
	if err != nil {
		return r, err
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		r.Parameters = append(r.Parameters, m[name])
	}
	list := strings.Join(names, "':?,'")
	if i.statements[list] == "" {
		i.statements[list] = fmt.Sprintf(`INSERT INTO "%s" VALUE {'%s':?}`, i.table, list)
	}
	r.Statement = aws.String(i.statements[list])
	return r, nil
}

// write sends a batch, and again what the table had no time for.
func (i *importer) write(ctx context.Context, left []types.BatchStatementRequest) (written, there int, err error) {
	for try := 0; len(left) > 0; try++ {
		if try == 8 {
			return written, there, errors.New("the table is too busy")
		}
		if try > 0 {
			time.Sleep(10 * time.Millisecond << try)
		}
		out, err := i.db.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: left})
		if err != nil {
			return written, there, err
		}
		var again []types.BatchStatementRequest
		for n, r := range out.Responses {
			switch {
			case r.Error == nil:
				written++
			case r.Error.Code == types.BatchStatementErrorCodeEnumDuplicateItem:
				there++
			case r.Error.Code == types.BatchStatementErrorCodeEnumThrottlingError, r.Error.Code == types.BatchStatementErrorCodeEnumProvisionedThroughputExceeded:
				again = append(again, left[n])
			default:
				return written, there, errors.New(aws.ToString(r.Error.Message))
			}
		}
		left = again
	}
	return written, there, nil
}

// toE164 is a mobile number, of China if it says no country; "" for what isn't one.
func toE164(s string) string {
	n, err := phonenumbers.Parse(s, "CN")
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return ""
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return phonenumbers.Format(n, phonenumbers.E164)
	}
	return ""
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}
