package main

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/tributary-app/tributary/shared/network"
)

// How a workbook keeps its texts: Excel's way, each once in a list that cells
// point into, or in the cells themselves, as most programs that export do.
const (
	shared = "shared"
	inline = "inline"
)

// workbook is where a roster of so many rows lies, each a new partner with one
// new contact; it is made first if there is none yet. The name changes with
// what is in it.
func workbook(dir string, rows int, kind string) (path string, err error) {
	path = fmt.Sprintf("%s/roster-1-%d-%s.xlsx", dir, rows, kind)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	f, err := os.Create(path + ".new")
	if err != nil {
		return "", err
	}
	write := writeShared
	if kind == inline {
		write = writeInline
	}
	if err := errors.Join(write(f, rows), f.Close()); err != nil {
		return "", err
	}
	return path, os.Rename(path+".new", path)
}

var header = []string{"企业名称", "联系人姓名", "身份", "手机号", "上下游分组", "自定义企业ID", "自定义成员ID"}

var (
	surnames = []string{"王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭"}
	given    = []string{"伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀兰", "霞", "平", "刚", "桂英"}
	places   = []string{"华东区/江苏/苏州市", "华东区/浙江/杭州市", "华东区/上海", "华南区/广东/佛山市", "华南区/广西/柳州市", "华北区/河北/保定市", "华北区/天津", "西南区/四川/成都市"}
	trades   = []string{"建材", "五金", "家电", "粮油", "机电", "日化", "服饰", "农资"}
	prefixes = []string{"130", "131", "132", "135", "136", "137", "138", "139", "150", "151", "152", "158", "159", "176", "177", "180", "181", "186", "187", "188", "189", "199"}
)

// line is the n-th row of a roster, its last cell a number in the sheet.
func line(n int) [7]string {
	place := places[n%len(places)]
	city := strings.TrimSuffix(place[strings.LastIndex(place, "/")+1:], "市")
	identity := "成员"
	if n%3 == 0 {
		identity = "负责人"
	}
	return [7]string{
		fmt.Sprintf("%s%s%07d贸易有限公司", city, trades[n/7%len(trades)], n),
		surnames[n%len(surnames)] + given[n/3%len(given)],
		identity,
		prefixes[n%len(prefixes)] + fmt.Sprintf("%08d", n),
		place,
		fmt.Sprintf("D%08d", n),
		strconv.Itoa(100_001 + n),
	}
}

func writeInline(w io.Writer, rows int) error {
	f := excelize.NewFile()
	defer f.Close()
	s, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	cells := make([]any, len(header))
	for i, h := range header {
		cells[i] = h
	}
	if err := s.SetRow("A1", cells); err != nil {
		return err
	}
	for n := range rows {
		l := line(n)
		for i, text := range l {
			cells[i] = text
		}
		cells[6] = 100_001 + n
		if err := s.SetRow("A"+strconv.Itoa(n+2), cells); err != nil {
			return err
		}
	}
	if err := s.Flush(); err != nil {
		return err
	}
	_, err = f.WriteTo(w)
	return err
}

// writeShared writes what Excel would: every text in xl/sharedStrings.xml, in
// the order of its first use, and a style for text cells.
func writeShared(w io.Writer, rows int) error {
	z := zip.NewWriter(w)
	for _, p := range [][2]string{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>` +
			`<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>`},
		{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="经销商" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>`},
		{"xl/styles.xml", `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="1"><font><sz val="11"/><name val="等线"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
			`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
			`<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>`},
	} {
		part, err := z.Create(p[0])
		if err == nil {
			_, err = io.WriteString(part, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`+"\r\n"+p[1])
		}
		if err != nil {
			return err
		}
	}

	index := map[string]int{}
	var texts []string
	at := func(s string) int {
		i, ok := index[s]
		if !ok {
			i = len(texts)
			index[s], texts = i, append(texts, s)
		}
		return i
	}
	part, err := z.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return err
	}
	b := bufio.NewWriter(part) // what fails in it, Flush says
	fmt.Fprintf(b, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`+"\r\n"+`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:G%d"/><sheetData><row r="1" spans="1:7">`, rows+1)
	for i, h := range header {
		fmt.Fprintf(b, `<c r="%c1" t="s"><v>%d</v></c>`, 'A'+i, at(h))
	}
	b.WriteString(`</row>`)
	count := len(header)
	for n := range rows {
		l := line(n)
		fmt.Fprintf(b, `<row r="%d" spans="1:7">`, n+2)
		for i, text := range l[:6] {
			fmt.Fprintf(b, `<c r="%c%d" s="1" t="s"><v>%d</v></c>`, 'A'+i, n+2, at(text))
		}
		fmt.Fprintf(b, `<c r="G%d"><v>%s</v></c></row>`, n+2, l[6])
		count += 6
	}
	b.WriteString(`</sheetData><pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/></worksheet>`)
	if err := b.Flush(); err != nil {
		return err
	}
	if part, err = z.Create("xl/sharedStrings.xml"); err != nil {
		return err
	}
	b = bufio.NewWriter(part)
	fmt.Fprintf(b, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`+"\r\n"+`<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="%d" uniqueCount="%d">`, count, len(texts))
	for _, s := range texts {
		b.WriteString(`<si><t>` + s + `</t><phoneticPr fontId="0" type="noConversion"/></si>`)
	}
	b.WriteString(`</sst>`)
	if err := b.Flush(); err != nil {
		return err
	}
	return z.Close()
}

// sameRow fails unless a row that was read is the n-th of the workbook: a
// reader that is fast because it reads something else isn't.
func sameRow(n int, r *network.RosterRow) error {
	l := line(n)
	if r.Code != "" || r.Number != n+2 || r.Corp != l[0] || r.Contact != l[1] || r.Phone != "+86"+l[3] || r.CustomID != l[5] || r.MemberCustomID != l[6] {
		return fmt.Errorf("row %d was read as %+v, want %v", n+2, *r, l)
	}
	return nil
}
