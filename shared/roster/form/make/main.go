// Command make writes the empty rosters that the form room hands out, into
// the folder it is started in: for each language template.*.xlsx, and
// chain.*.xlsx with a drop-down whose list is still empty. Run it by go
// generate; a test holds that what is committed is what it makes.
package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log"
	"os"

	"github.com/xuri/excelize/v2"

	"github.com/tributary-app/tributary/shared/roster/form"
)

func main() {
	for _, t := range []texts{chinese(), english()} {
		for _, kind := range []string{"template", "chain"} {
			file := kind + "." + t.lang + ".xlsx"
			b, err := workbook(t, kind == "chain")
			if err != nil {
				log.Fatalf("make %s: %v", file, err)
			}
			if err := os.WriteFile(file, b, 0o644); err != nil {
				log.Fatal(err)
			}
		}
	}
}

// texts is all that differs between the languages.
type texts struct {
	lang                          string
	roster, notes, sample, groups string // names of the sheets
	header                        func(form.Column) string
	identities                    [2]string
	wrongIdentity                 string
	rules                         []string
	rows                          [][]string
}

func chinese() texts {
	return texts{
		lang:   "zh-CN",
		roster: "上下游名单", notes: "填写说明", sample: "示例", groups: "分组",
		header:        func(c form.Column) string { return c.Chinese },
		identities:    form.ChineseIdentities,
		wrongIdentity: "请选择“成员”或“负责人”，留空即为成员。",
		rules: []string{
			"请在第一个工作表“上下游名单”中填写，每行一位联系人。带 * 的列必填。列的顺序可以调整，可以增加其他列，增加的列不会被导入。",
			"企业名称*：1–32 个字符，可含中文、字母、数字、空格和 -_()（）。同一家企业的多位联系人各占一行，企业名称和自定义企业ID 保持一致。",
			"联系人姓名*：1–32 个字符。",
			"身份：成员或负责人，留空即为成员。每家企业最多 5 位负责人。",
			"手机号*：联系人本人的手机号。中国大陆以外请加国家或地区代码，例如 +852 5123 4567。此列为文本格式，请勿改成数字。",
			"上下游分组：用 / 表示层级，例如 华东区/浙江省/宁波市，最多 9 级。不存在的分组会自动创建；留空即在根分组。",
			"自定义企业ID：不超过 64 位的字母和数字，每家企业唯一。填写后以它识别企业，不填则以企业名称识别。",
			"自定义成员ID：不以 0 开头的数字，最大 18446744073709551615，不能是 11 位或 13 位，在同一企业内唯一。",
			"同一文件可以重复导入：没有变化的行不会再次发送邀请。",
		},
		rows: [][]string{
			{"宁波佳和商贸有限公司", "胡杰", "负责人", "19901000019", "华东区/浙江省/宁波市", "D1000004", "100004"},
			{"宁波佳和商贸有限公司", "陈静", "成员", "19901000020", "", "D1000004", "100005"},
			{"香港万家物流(HK)有限公司", "陈大文", "负责人", "+852 5123 4567", "海外/香港", "D1000005", ""},
			{"沈阳启明木业经营部", "张丽", "", "19901000028", "", "", ""},
		},
	}
}

func english() texts {
	return texts{
		lang:   "en",
		roster: "Roster", notes: "Notes", sample: "Example", groups: "Groups",
		header:        func(c form.Column) string { return c.English },
		identities:    form.EnglishIdentities,
		wrongIdentity: "Choose Member or Leader; empty means Member.",
		rules: []string{
			"Fill in the first sheet, Roster, one contact a row. Columns with * are required. Columns may change places, and you may add your own, which aren't imported.",
			"Corp name*: 1–32 characters: letters, digits, Chinese, spaces and -_(). Several contacts of a corp have a row each, with the same corp name and custom corp ID.",
			"Contact name*: 1–32 characters.",
			"Identity: Member or Leader; empty means Member. A corp has at most 5 leaders.",
			"Phone*: the contact's own mobile number. Outside mainland China begin with the country code, such as +852 5123 4567. The column is text; leave it so.",
			"Group: a path with /, such as East/Zhejiang/Ningbo, of at most 9 levels. Missing groups are made; empty means the root group.",
			"Custom corp ID: up to 64 letters and digits, one for each corp. With it a corp is known by it, without it by its name.",
			"Custom member ID: digits, the first not 0, at most 18446744073709551615, neither 11 nor 13 of them, one for each person of a corp.",
			"The same file may be imported again: a row that hasn't changed sends no new invitation.",
		},
		rows: [][]string{
			{"Ningbo Jiahe Trading", "Hu Jie", "Leader", "+86 199 0100 0019", "East/Zhejiang/Ningbo", "D1000004", "100004"},
			{"Ningbo Jiahe Trading", "Chen Jing", "Member", "+86 199 0100 0020", "", "D1000004", "100005"},
			{"Manka Logistics (HK)", "Chan Tai Man", "Leader", "+852 5123 4567", "Overseas/Hong Kong", "D1000005", ""},
			{"Shenyang Qiming Timber", "Zhang Li", "", "+86 199 0100 0028", "", "", ""},
		},
	}
}

// workbook has the roster first, because the reader takes the first visible
// sheet, and the notes and the example after it. One for a chain has a hidden
// sheet for its groups besides.
func workbook(t texts, chain bool) ([]byte, error) {
	f := excelize.NewFile()
	defer f.Close()
	if err := f.SetSheetName("Sheet1", t.roster); err != nil {
		return nil, err
	}
	for _, name := range []string{t.notes, t.sample} {
		if _, err := f.NewSheet(name); err != nil {
			return nil, err
		}
	}
	head, err := f.NewStyle(&excelize.Style{
		Font:      &excelize.Font{Bold: true},
		Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"DDEBF7"}},
		Alignment: &excelize.Alignment{Horizontal: "center"},
	})
	if err != nil {
		return nil, err
	}
	// Number format 49 is "@", text: a spreadsheet program then keeps every
	// digit of what is typed, and a leading + or 0.
	text, err := f.NewStyle(&excelize.Style{NumFmt: 49})
	if err != nil {
		return nil, err
	}
	for _, sheet := range []string{t.roster, t.sample} {
		if err := columns(f, t, sheet, head, text); err != nil {
			return nil, err
		}
	}
	for i, row := range t.rows {
		if err := f.SetSheetRow(t.sample, fmt.Sprintf("A%d", i+2), &row); err != nil {
			return nil, err
		}
	}
	wrap, err := f.NewStyle(&excelize.Style{Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}})
	if err != nil {
		return nil, err
	}
	if err := f.SetColWidth(t.notes, "A", "A", 100); err != nil {
		return nil, err
	}
	for i, rule := range t.rules {
		cell := fmt.Sprintf("A%d", i+1)
		if err := f.SetCellStr(t.notes, cell, rule); err != nil {
			return nil, err
		}
		if err := f.SetCellStyle(t.notes, cell, cell, wrap); err != nil {
			return nil, err
		}
	}
	if chain {
		if err := groups(f, t, text); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		return nil, err
	}
	if chain {
		return fillable(b.Bytes())
	}
	return b.Bytes(), nil
}

// fillable puts the parts that are filled in at an archive's end, not packed.
func fillable(b []byte) ([]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		if f.Name != form.RosterPart && f.Name != form.GroupsPart {
			if err := w.Copy(f); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range []string{form.RosterPart, form.GroupsPart} {
		content, err := fs.ReadFile(z, name)
		if err != nil {
			return nil, err
		}
		// Raw, since else the sizes would stand behind the content.
		part, err := w.CreateRaw(&zip.FileHeader{
			Name: name, CRC32: crc32.ChecksumIEEE(content), CompressedSize64: uint64(len(content)), UncompressedSize64: uint64(len(content)),
		})
		if err != nil {
			return nil, err
		}
		if _, err := part.Write(content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// groups gives the workbook a list of groups, of one row until it is handed
// out, and the drop-down that offers them. What isn't in the list may be typed
// all the same: a missing group is made.
func groups(f *excelize.File, t texts, text int) error {
	if _, err := f.NewSheet(t.groups); err != nil {
		return err
	}
	if err := f.SetColStyle(t.groups, "A", text); err != nil {
		return err
	}
	if err := f.SetColWidth(t.groups, "A", "A", 60); err != nil {
		return err
	}
	if err := f.SetSheetVisible(t.groups, false); err != nil {
		return err
	}
	for i, c := range form.Columns() {
		if c.Field != "group" {
			continue
		}
		col, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return err
		}
		list := excelize.NewDataValidation(true)
		list.SetSqref(fmt.Sprintf("%s2:%s%d", col, col, excelize.TotalRows))
		list.SetSqrefDropList(t.groups + "!$A$1:$A$1")
		list.ShowErrorMessage = false
		if err := f.AddDataValidation(t.roster, list); err != nil {
			return err
		}
	}
	return nil
}

// columns gives a sheet the header, the formats and the drop-down.
func columns(f *excelize.File, t texts, sheet string, head, text int) error {
	for i, c := range form.Columns() {
		col, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return err
		}
		title, width := t.header(c), 20.0
		if c.Required {
			title += "*"
		}
		if c.Field == "corp_name" || c.Field == "group" {
			width = 32
		}
		if err := f.SetColWidth(sheet, col, col, width); err != nil {
			return err
		}
		switch c.Field {
		case "phone", "custom_id", "member_custom_id":
			if err := f.SetColStyle(sheet, col, text); err != nil {
				return err
			}
		case "identity":
			list := excelize.NewDataValidation(true)
			list.SetSqref(fmt.Sprintf("%s2:%s%d", col, col, excelize.TotalRows))
			if err := list.SetDropList(t.identities[:]); err != nil {
				return err
			}
			list.SetError(excelize.DataValidationErrorStyleStop, title, t.wrongIdentity)
			if err := f.AddDataValidation(sheet, list); err != nil {
				return err
			}
		}
		if err := f.SetCellStr(sheet, col+"1", title); err != nil {
			return err
		}
		if err := f.SetCellStyle(sheet, col+"1", col+"1", head); err != nil {
			return err
		}
	}
	return f.SetPanes(sheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
}
