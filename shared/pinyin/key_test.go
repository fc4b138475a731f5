package pinyin

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestNamesStandAsInAPhoneBook(t *testing.T) {
	t.Parallel()
	want := []string{
		"3M中国",
		"58到家",
		"７-Eleven", // full-width is no other digit
		"阿里巴巴",     // a-li
		"Acme",
		"ACME Trading",
		"北京同仁堂",
		"蚌埠玻璃", // beng, not bang
		"Bengal",
		"Beta",
		"长春一汽", // chang-chun
		"长沙远大",
		"长鑫存储", // chang is how firms are called
		"朝阳化工",
		"重庆火锅", // chong-qing
		"单车行",
		"Éclair",
		"贵州茅台",
		"Hsinchu",
		"Łódź",
		"六安茶业", // lu-an
		"绿城",   // lv
		"覃氏药业", // qin
		"单氏布行", // shan, a surname
		"商行",   // shang-hang
		"沈阳机床",
		"西安饮食", // xi-an before xian
		"Xian Foods",
		"先声药业",
		"乐清电器", // yue-qing
		"曾记糖水", // zeng
		"查氏",
		"仲景",
		"中粮",
		"重型机械", // zhong
		"ЗАО",
		"あさひ",
	}
	got := slices.Clone(want)
	slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(Key(a), Key(b)) })
	if !slices.Equal(got, want) {
		for i := range want {
			t.Logf("%-12s %-24s want %s (%s)", got[i], Key(got[i]), want[i], Key(want[i]))
		}
		t.Error("got another order than a phone book's")
	}
}

func TestAKeyIsHowANameIsRead(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                            "",
		"--":                          "",
		"重庆":                          "chong-qing",
		"重慶":                          "chong-qing",
		"華豐Trading 88号":               "hua-feng-trading-88-hao",
		"A.B. C":                      "a-b-c",
		"O'Brien":                     "obrien",
		"ＡＢＣ（中国）":                     "abc-zhong-guo",
		"单于贸易":                        "chan-yu-mao-yi",
		"尉遲":                          "yu-chi",
		"成都银行":                        "cheng-du-yin-hang",
		"a#b":                         "a-b",
		"\U0010ffff甲":                 "jia",
		"\xff\xfe":                    "",
		"𠮷野家":                         "𠮷-ye-jia",
		strings.Repeat("装", KeyRunes): strings.TrimSuffix(strings.Repeat("zhuang-", KeyRunes), "-"),
		strings.Repeat("装", 100):      strings.TrimSuffix(strings.Repeat("zhuang-", KeyRunes), "-"),
		strings.Repeat("x ", 100):     strings.TrimSuffix(strings.Repeat("x-", KeyRunes), "-"),
	} {
		if got := Key(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestAKeyIsBoundedAndHasNothingThatPartsAnother(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("重庆长单行#-'· aA𠮷é９"))),
			rapid.Custom(func(r *rapid.T) string { return string(rapid.SliceOf(rapid.Byte()).Draw(r, "bytes")) })).Draw(r, "name")
		k := Key(name)
		odd := func(c rune) bool {
			return c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 0x80 || !unicode.IsLetter(c) && !unicode.IsDigit(c))
		}
		if len(k) > MaxKey || !utf8.ValidString(k) || strings.IndexFunc(k, odd) >= 0 {
			r.Fatalf("%q: got %q", name, k)
		}
		if up := Key(strings.ToUpper(name)); isASCII(name) && up != k {
			r.Fatalf("%q in capitals: got %q, want %q", name, up, k)
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c >= 0x80 }) < 0
}

func TestAPersonsNameBeginsWithASurname(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		person bool
		want   string
	}{
		{"单雄信", true, "shan"}, {"区伯", true, "ou"}, {"区域供应链", false, "qu"}, {"乐百氏", false, "le"}, {"乐毅", true, "yue"},
		{"长孙无忌", true, "zhang"}, {"长安汽车", true, "chang"}, {"黑龙江", false, "hei"},
	} {
		name := []rune(c.name)
		r := Reader{Person: c.person}
		if got := Syllable(r.Read(name[0], name[1])); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// A syllable that isn't among the data's would be read as another.
func TestWhatIsKnownByHandIsASyllable(t *testing.T) {
	t.Parallel()
	for c := rune(FirstHan); c <= LastHan; c++ {
		for _, said := range []string{surname(c, false), surname(c, true), inNames(c)} {
			if said != "" && syllableOf(said) < 0 {
				t.Errorf("%c: %q is no syllable", c, said)
			}
		}
	}
}

func BenchmarkKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Key("广州市天河区华丰贸易有限公司")
	}
}
