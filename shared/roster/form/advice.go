package form

import (
	"strconv"
	"strings"
)

// What can be wrong with a row (design.md section 4). The first wrong cell of
// a row, in the order of Columns, gives it its code; what only shows between
// rows comes after.
const (
	CorpNameMissing         = "corp_name_missing"
	CorpNameInvalid         = "corp_name_invalid"
	ContactNameMissing      = "contact_name_missing"
	ContactNameInvalid      = "contact_name_invalid"
	IdentityInvalid         = "identity_invalid"
	PhoneMissing            = "phone_missing"
	PhoneInvalid            = "phone_invalid"
	PhoneDigitsLost         = "phone_digits_lost"
	GroupTooDeep            = "group_too_deep"
	GroupNameInvalid        = "group_name_invalid"
	CustomIDInvalid         = "custom_id_invalid"
	MemberCustomIDInvalid   = "member_custom_id_invalid"
	FormulaWithoutValue     = "formula_without_value"
	CellError               = "cell_error"
	CustomIDConflict        = "custom_id_conflict"
	DuplicateContact        = "duplicate_contact"
	MemberCustomIDDuplicate = "member_custom_id_duplicate"
	TooManyLeaders          = "too_many_leaders"
	TooManyPeople           = "too_many_people"
)

// Why a whole file can't be taken (api.md, file errors).
const (
	NotAWorkbook      = "not_a_workbook"
	LegacyXLS         = "legacy_xls"
	PasswordProtected = "password_protected"
	EmptyFile         = "empty_file"
	NoHeader          = "no_header"
	UnknownColumns    = "unknown_columns"
	Truncated         = "truncated"
	Corrupt           = "corrupt"
	TooLarge          = "too_large"
	TooManyRows       = "too_many_rows"
	ZipBomb           = "zip_bomb"
	EncodingUnknown   = "encoding_unknown"
	Replaced          = "replaced"     // by another upload, while it was read
	NotFinished       = "not_finished" // reading it broke off for good
)

// Advice says what is wrong and what to mend, in one or two sentences, for
// every code above; "" for any other. lang as for Template.
func Advice(code, lang string) string {
	chinese, english := advice(code)
	if English(lang) {
		return english
	}
	return chinese
}

// Reason is the first sentence of Advice, what is wrong, and advice the rest
// of it, what to mend. Either is "" for an unknown code.
func Reason(code, lang string) (reason, advice string) {
	said, end := Advice(code, lang), "。"
	if English(lang) {
		end = ". "
	}
	i := strings.Index(said, end)
	if i < 0 {
		return said, ""
	}
	return strings.TrimSpace(said[:i+len(end)]), said[i+len(end):]
}

// Other says which other row a problem is about, to be put behind what is
// said of it: detail is a problem's own, "row 7". It is "" for any other.
func Other(detail, lang string) string {
	other, ok := strings.CutPrefix(detail, "row ")
	if _, err := strconv.Atoi(other); err != nil || !ok {
		return ""
	}
	if English(lang) {
		return " See row " + other + "."
	}
	return "参见第 " + other + " 行。"
}

// NoSheet is what is said instead of Advice where a file has no sheet of the
// name that was asked for.
func NoSheet(name, lang string) string {
	if English(lang) {
		return "The file has no sheet named " + strconv.Quote(name) + ". Check the name, or leave it out to use the first sheet."
	}
	return "文件里没有名为“" + name + "”的工作表。请核对名称，或不填，即读取第一个工作表。"
}

func advice(code string) (chinese, english string) {
	switch code {
	case CorpNameMissing:
		return "缺少企业名称。请填写企业名称。",
			"The corp name is missing. Fill it in."
	case CorpNameInvalid:
		return "企业名称不符合要求。请使用 1–32 个字符，只含中文、字母、数字、空格和 -_()（）。",
			"The corp name can't be used. Use 1–32 characters: letters, digits, Chinese, spaces and -_()."
	case ContactNameMissing:
		return "缺少联系人姓名。请填写联系人姓名。",
			"The contact name is missing. Fill it in."
	case ContactNameInvalid:
		return "联系人姓名不符合要求。请使用 1–32 个字符，只含中文、字母、数字、空格和 -_()·.'。",
			"The contact name can't be used. Use 1–32 characters: letters, digits, Chinese, spaces and -_()·.'."
	case IdentityInvalid:
		return "身份只能是“成员”或“负责人”，留空即为成员。请从下拉列表中选择。",
			"The identity must be Member or Leader; empty means Member. Choose one from the list."
	case PhoneMissing:
		return "缺少手机号。请填写联系人本人的手机号。",
			"The phone number is missing. Fill in the contact's own mobile number."
	case PhoneInvalid:
		return "手机号不是有效的手机号码。中国大陆填写 11 位手机号，其他地区请加国家或地区代码，例如 +852 5123 4567；一个单元格只填一个号码，不能填座机。",
			"The phone number isn't a valid mobile number. Write 11 digits for mainland China, or begin with the country code, such as +852 5123 4567; one number a cell, no landlines."
	case PhoneDigitsLost:
		return "手机号被表格软件改写，后面的数字已丢失（例如 1.38E+10）。请先把该列设为“文本”格式，再重新填写完整号码。",
			"The spreadsheet has rewritten the phone number and lost its last digits (such as 1.38E+10). Format the column as text, then type the whole number again."
	case GroupTooDeep:
		return "上下游分组超过 9 级。请减少层级。",
			"The group path has more than 9 levels. Use fewer."
	case GroupNameInvalid:
		return "上下游分组的写法不正确。各级之间用一个 / 分隔，每级 1–32 个字符，不能为空。",
			"The group path can't be used. Separate the levels with one /, and give each level 1–32 characters."
	case CustomIDInvalid:
		return "自定义企业ID 不符合要求。请使用不超过 64 位的字母和数字；较长的数字请先把单元格设为“文本”格式。",
			"The custom corp ID can't be used. Use up to 64 letters and digits; format the cell as text for long numbers."
	case MemberCustomIDInvalid:
		return "自定义成员ID 不符合要求。请使用不以 0 开头的数字，不超过 18446744073709551615，且不能是 11 位或 13 位；较长的数字请先把单元格设为“文本”格式。",
			"The custom member ID can't be used. Use digits that don't begin with 0, up to 18446744073709551615, and neither 11 nor 13 of them; format the cell as text for long numbers."
	case FormulaWithoutValue:
		return "单元格里的公式还没有计算结果。请用表格软件打开并保存一次，或把公式改为数值。",
			"The formula in this cell has no result yet. Open and save the file in a spreadsheet program, or replace the formula by its value."
	case CellError:
		return "单元格的内容是错误值（例如 #N/A）。请改为正确的内容。",
			"This cell holds an error (such as #N/A). Replace it by what it should be."
	case CustomIDConflict:
		return "前面的行已把这个自定义企业ID 用于另一家企业。请核对企业名称和自定义企业ID。",
			"An earlier row uses this custom corp ID for another corp. Check the corp name and the ID."
	case DuplicateContact:
		return "同一企业下，前面的行已有这个手机号，但姓名、身份或成员ID 不同。请只保留正确的一行。",
			"An earlier row has this phone number under the same corp, with another name, identity or member ID. Keep the right one only."
	case MemberCustomIDDuplicate:
		return "同一企业下，前面的行已把这个自定义成员ID 用于另一个人。请改用不同的 ID。",
			"An earlier row of the same corp uses this custom member ID for somebody else. Choose another."
	case TooManyLeaders:
		return "一家企业最多 5 位负责人。请把多出的人改为成员。",
			"A corp has at most 5 leaders. Make the others members."
	case TooManyPeople:
		return "该企业在这个上下游中的人数已达上限。请删去不需要的联系人。",
			"This corp has as many people in the chain as it may have. Leave out those who aren't needed."

	case NotAWorkbook:
		return "这不是 .xlsx 或 .csv 文件。请用表格软件打开，另存为“Excel 工作簿（.xlsx）”后再上传。",
			"This isn't an .xlsx or .csv file. Open it in a spreadsheet program, save it as an Excel workbook (.xlsx) and upload that."
	case LegacyXLS:
		return "这是旧版 Excel 文件（.xls）。请另存为“Excel 工作簿（.xlsx）”后再上传。",
			"This is an old Excel file (.xls). Save it as an Excel workbook (.xlsx) and upload that."
	case PasswordProtected:
		return "文件有密码。请取消密码后再上传。",
			"The file has a password. Remove it and upload the file again."
	case EmptyFile:
		return "文件里没有名单。请在表头下面填写至少一行。",
			"There is no roster in the file. Fill in at least one row below the header."
	case NoHeader:
		return "前 20 行里找不到表头。请下载模板，使用其中的表头。",
			"There is no header in the first 20 rows. Download the template and use its header."
	case UnknownColumns:
		return "表头缺少必填的列，或有两列是同一个意思。请下载模板，对照其中的表头。",
			"The header lacks a required column, or two columns mean the same. Compare it with the template's."
	case Truncated:
		return "文件不完整，后面的部分缺失。请重新保存并上传。",
			"The file ends too early: a part is missing. Save it again and upload that."
	case Corrupt:
		return "文件已损坏。请用表格软件打开，另存为新文件后再上传。",
			"The file is damaged. Open it in a spreadsheet program, save it as a new file and upload that."
	case TooLarge:
		return "文件太大。请拆成多个不超过 200 MB 的文件。",
			"The file is too large. Split it into files of at most 200 MB."
	case TooManyRows:
		return "行数太多，最多 1,048,576 行。请拆成多个文件。",
			"There are too many rows; 1,048,576 are possible. Split the file."
	case ZipBomb:
		return "文件解压后大得不正常。请用表格软件打开，另存为新文件后再上传。",
			"The file unpacks to far more than it should. Open it in a spreadsheet program, save it as a new file and upload that."
	case EncodingUnknown:
		return "无法识别文件的编码。请另存为“CSV UTF-8”或 .xlsx 后再上传。",
			"The file's character encoding isn't known. Save it as CSV UTF-8 or .xlsx and upload that."
	case Replaced:
		return "读取过程中文件被另一次上传替换或删除。请新建导入，再上传正确的文件。",
			"The file was replaced by another upload, or deleted, while it was being read. Make a new import and upload the right file to it."
	case NotFinished:
		return "导入未能完成，部分行可能已生效。请新建导入并重新上传，已生效的内容不会重复。",
			"The import did not finish; some rows may be in. Make a new import and upload the file again: what is in stays as it is."
	}
	return "", ""
}
