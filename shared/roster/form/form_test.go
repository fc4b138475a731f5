package form_test

import (
	"os"
	"strings"
	"testing"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// The codes are a promise to clients: design.md section 4 and api.md.
const codes = `corp_name_missing corp_name_invalid contact_name_missing contact_name_invalid phone_missing phone_invalid phone_digits_lost identity_invalid
custom_id_invalid custom_id_conflict member_custom_id_invalid member_custom_id_duplicate group_too_deep group_name_invalid duplicate_contact
too_many_leaders too_many_people formula_without_value cell_error
not_a_workbook legacy_xls password_protected empty_file no_header unknown_columns truncated corrupt too_large too_many_rows zip_bomb encoding_unknown replaced not_finished`

func TestEveryCodeHasAdviceInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, code := range strings.Fields(codes) {
		chinese, english := form.Advice(code, "zh-CN"), form.Advice(code, "en-GB")
		if chinese == "" || english == "" || chinese == english {
			t.Errorf("%s: got %q and %q, want advice in both languages", code, chinese, english)
		}
		if form.Advice(code, "") != chinese || form.Advice(code, "fr") != chinese {
			t.Errorf("%s: got another language, want Chinese unless English is asked for", code)
		}
	}
	if got := form.Advice("unheard_of", "en"); got != "" {
		t.Errorf("got %q, want nothing for an unknown code", got)
	}
}

// The README's tables say what the API says.
func TestTheReadmeHasEveryCodeWithItsAdvice(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range strings.Fields(codes) {
		reason, advice := form.Reason(code, "en")
		if row := "| `" + code + "` | " + reason + " | " + advice + " |\n"; !strings.Contains(string(b), row) {
			t.Errorf("the README lacks %s", row)
		}
	}
}

// The errors workbook has what is wrong and what to mend in columns of their
// own.
func TestAdviceIsAReasonAndWhatToMend(t *testing.T) {
	t.Parallel()
	for _, code := range strings.Fields(codes) {
		for _, lang := range []string{"zh-CN", "en"} {
			reason, advice := form.Reason(code, lang)
			if reason == "" || advice == "" || strings.ReplaceAll(reason+advice, " ", "") != strings.ReplaceAll(form.Advice(code, lang), " ", "") {
				t.Errorf("%s in %s: got %q and %q", code, lang, reason, advice)
			}
		}
	}
	if reason, advice := form.Reason("unheard_of", "en"); reason != "" || advice != "" {
		t.Errorf("got %q and %q, want nothing for an unknown code", reason, advice)
	}
}

func TestAProblemWithAnotherRowNamesIt(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string]string{"row 7": " See row 7.", "row x": "", "1.38E+10": "", "": ""} {
		if got := form.Other(detail, "en"); got != want {
			t.Errorf("%q: got %q, want %q", detail, got, want)
		}
	}
	if got := form.Other("row 7", "zh-CN"); got != "参见第 7 行。" {
		t.Errorf("got %q", got)
	}
}
