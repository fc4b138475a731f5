package roster_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster"
)

const benchRows = 100_000

// dealer is the cells of a row as rosters have them: three people a partner,
// of every text but the identity and the group a different one.
func dealer(n int) [7]string {
	cities := [...]string{"苏州", "杭州", "成都", "柳州", "沈阳"}
	trades := [...]string{"恒通建材", "金桥五金", "永安电器", "顺达物流"}
	family, given := "王李张刘陈杨赵黄周吴", "伟芳娜敏静丽强磊军洋艳勇杰涛明超霞平刚"
	corp := n / 3
	f, g := []rune(family), []rune(given)
	return [7]string{
		cities[corp%5] + trades[corp/5%4] + strconv.Itoa(corp) + "有限公司",
		string(f[n%10]) + string(g[n/10%19]) + string(g[n/190%19]),
		[...]string{"负责人", "成员", "成员"}[n%3],
		fmt.Sprintf("1%d%08d", []int{39, 38, 86, 77, 59}[n%5], n*7919%100_000_000),
		[...]string{"华东区", "华南区", "西南区"}[corp%3] + "/" + cities[corp%5],
		"D" + strconv.Itoa(3_000_000+corp),
		strconv.Itoa(300_000 + n),
	}
}

// dealerParts is a workbook of so many rows, its texts shared or inline, as a
// spreadsheet program would save it.
func dealerParts(rows int, shared bool) parts {
	var body, strs strings.Builder
	numbers := map[string]int{}
	body.WriteString(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n" + `<worksheet ` + mainNS + `><dimension ref="A1:G` + strconv.Itoa(rows+1) + `"/><sheetData>`)
	for n := range rows + 1 {
		cells := [7]string{"企业名称", "联系人姓名", "身份", "手机号", "上下游分组", "自定义企业ID", "自定义成员ID"}
		if n > 0 {
			cells = dealer(n - 1)
		}
		fmt.Fprintf(&body, `<row r="%d" spans="1:7">`, n+1)
		for i, text := range cells {
			fmt.Fprintf(&body, `<c r="%c%d" s="1"`, 'A'+i, n+1)
			if !shared {
				body.WriteString(` t="inlineStr"><is><t>` + text + `</t></is></c>`)
				continue
			}
			at, ok := numbers[text]
			if !ok {
				at = len(numbers)
				numbers[text] = at
				strs.WriteString(`<si><t>` + text + `</t></si>`)
			}
			fmt.Fprintf(&body, ` t="s"><v>%d</v></c>`, at)
		}
		body.WriteString("</row>")
	}
	body.WriteString(`</sheetData><pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/></worksheet>`)
	return parts{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
			`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`,
		"_rels/.rels":     `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` + relURL + `officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml": `<workbook ` + mainNS + ` ` + relNS + `><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` + relURL + `worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId2" Type="` + relURL + `sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml": body.String(),
		"xl/sharedStrings.xml":     `<sst ` + mainNS + ` uniqueCount="` + strconv.Itoa(len(numbers)) + `">` + strs.String() + `</sst>`,
	}
}

var benchFiles = [2]func(testing.TB) []byte{onceDealers(false), onceDealers(true)}

func onceDealers(shared bool) func(testing.TB) []byte {
	var once sync.Once
	var b []byte
	return func(tb testing.TB) []byte {
		once.Do(func() { b = dealerParts(benchRows, shared).zip(tb) })
		return b
	}
}

// cpu is the time that this process has had of all processors, in nanoseconds:
// memory is collected on others than the test's.
func cpu(tb testing.TB) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func benchmarkRows(b *testing.B, read func([]byte) int) {
	for i, name := range []string{"inline", "shared"} {
		b.Run(name, func(b *testing.B) {
			file := benchFiles[i](b)
			b.ReportAllocs()
			b.ResetTimer()
			before := cpu(b)
			for range b.N {
				if n := read(file); n != benchRows {
					b.Fatalf("got %d rows, want %d", n, benchRows)
				}
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(b.N*benchRows), "cpu-ns/row")
		})
	}
}

// BenchmarkRead100k reads and checks.
func BenchmarkRead100k(b *testing.B) {
	benchmarkRows(b, func(file []byte) int {
		s, err := roster.Read(context.Background(), bytes.NewReader(file), int64(len(file)), roster.Options{}, func(*network.RosterRow) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
		return s.OK
	})
}

// BenchmarkExcelize100k reads the same cells, and checks nothing.
func BenchmarkExcelize100k(b *testing.B) {
	benchmarkRows(b, func(file []byte) int {
		f, err := excelize.OpenReader(bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		rows, err := f.Rows("Sheet1")
		if err != nil {
			b.Fatal(err)
		}
		defer rows.Close()
		n := -1 // the header
		for rows.Next() {
			if cells, err := rows.Columns(); err != nil || len(cells) != 7 {
				b.Fatal(cells, err)
			}
			n++
		}
		return n
	})
}
