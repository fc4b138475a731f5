// Package form is the roster as people meet it: the empty workbook that they
// download and fill, the columns it has, and what is said to them about a row
// or a file that can't be taken. It needs nothing but the standard library,
// so that a door may hand out the form without carrying the reader.
package form

import (
	_ "embed"
	"fmt"
	"io"
)

// MaxFile is how many bytes a roster's file may have (design, section 4). An
// upload's ticket says so, and who reads it makes sure.
const MaxFile = 200 << 20

// Column is one column of a roster (R25).
type Column struct {
	Field    string   // its stable name, as in a problem's field
	Required bool     // without it no row can be valid, so the file is refused
	Chinese  string   // the header in the zh-CN template
	English  string   // the header in the en template
	Also     []string // what the column is called in rosters that people already have
}

// Columns are all columns that mean something, in the template's order. Any
// other column of a roster is kept and ignored.
func Columns() []Column {
	return []Column{
		{Field: "corp_name", Required: true, Chinese: "企业名称", English: "Corp name",
			Also: []string{"公司名称", "单位名称", "企业", "公司", "客户名称", "供应商名称", "经销商名称", "Company name", "Company"}},
		{Field: "contact_name", Required: true, Chinese: "联系人姓名", English: "Contact name",
			Also: []string{"联系人", "姓名", "联系人名称", "Contact", "Contact person"}},
		{Field: "identity", Chinese: "身份", English: "Identity",
			Also: []string{"联系人身份", "职务", "角色", "Role"}},
		{Field: "phone", Required: true, Chinese: "手机号", English: "Phone",
			Also: []string{"手机号码", "手机", "联系人手机号", "联系人手机", "联系电话", "电话", "电话号码", "Phone number", "Mobile", "Mobile phone", "Mobile number"}},
		{Field: "group", Chinese: "上下游分组", English: "Group",
			Also: []string{"分组", "所属分组", "Group path"}},
		{Field: "custom_id", Chinese: "自定义企业ID", English: "Custom corp ID",
			Also: []string{"企业ID", "企业编号", "企业编码", "公司编号", "公司编码", "客户编号", "客户编码", "供应商编号", "经销商编号", "Custom ID", "Corp ID", "Company ID"}},
		{Field: "member_custom_id", Chinese: "自定义成员ID", English: "Custom member ID",
			Also: []string{"成员ID", "成员编号", "联系人编号", "Member ID", "Contact ID"}},
	}
}

// The two words of the identity column, in the order of the drop-down. An
// empty cell means the first (R25).
var (
	ChineseIdentities = [2]string{"成员", "负责人"}
	EnglishIdentities = [2]string{"Member", "Leader"}
)

//go:generate go run ./make

// The templates are made by ./make with excelize and committed: a door that
// linked excelize to make them would pass the 9 MB of design.md section 7.
var (
	//go:embed template.zh-CN.xlsx
	chineseTemplate []byte
	//go:embed template.en.xlsx
	englishTemplate []byte
	//go:embed chain.zh-CN.xlsx
	chineseChain []byte
	//go:embed chain.en.xlsx
	englishChain []byte
)

// Template writes the empty roster (R25): the sheet to fill, with text cells
// for what mustn't lose digits and a drop-down for the identity, a sheet of
// notes and an example. lang "en" gives the English one, anything else the
// Chinese one.
func Template(w io.Writer, lang string) error {
	b := chineseTemplate
	if English(lang) {
		b = englishTemplate
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("roster template: %w", err)
	}
	return nil
}

// English reports whether a language tag asks for English: "en", "en-GB".
func English(lang string) bool {
	return len(lang) >= 2 && (lang[0]|0x20) == 'e' && (lang[1]|0x20) == 'n' && (len(lang) == 2 || lang[2] == '-')
}
