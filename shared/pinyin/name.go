package pinyin

// Reader reads the characters of one name, one after the other, as they are read there: 单 at the beginning is shan, for it is a surname, and 重
// is chong before 庆. Its zero value reads a firm's name.
type Reader struct {
	Person bool // the name is a person's: it begins with a surname whatever is said elsewhere

	begun  bool
	last   rune
	second string // of a double surname, whose first character was the last
}

// Read is the syllable of c, which stands before next (0 at the end); -1 if it has none. It is to be called for whatever the name has.
func (r *Reader) Read(c, next rune) int {
	said, second := r.second, ""
	if said == "" && IsHan(c) {
		said, second = r.inContext(c, next)
	}
	r.begun, r.last, r.second = true, c, second
	if said != "" {
		return syllableOf(said)
	}
	if IsHan(c) {
		if all := Of(uint16(c)); all.Len() > 0 {
			return all.At(0)
		}
	}
	return -1
}

// inContext is what is known by hand; "" where the commonest reading holds. second is the next character's reading.
func (r *Reader) inContext(c, next rune) (said, second string) {
	if !r.begun {
		if said, second = double(c, next); said != "" {
			return said, second
		}
	}
	if said = word(r.last, c, next); said != "" {
		return said, ""
	}
	if !r.begun {
		if said = surname(c, r.Person); said != "" {
			return said, ""
		}
	}
	return inNames(c), ""
}

// The hand-made readings are switches, which cost nothing when a function starts.

// double are surnames of two characters that are read otherwise.
func double(c, next rune) (first, second string) {
	switch {
	case c == '尉' && (next == '迟' || next == '遲'):
		return "yu", "chi"
	case (c == '万' || c == '萬') && next == '俟':
		return "mo", "qi"
	case (c == '长' || c == '長') && (next == '孙' || next == '孫'):
		return "zhang", "sun"
	case (c == '单' || c == '單') && next == '于':
		return "chan", "yu"
	}
	return "", ""
}

// surname is how a surname is read, whatever is commoner elsewhere. It is also how it is sorted. What also begins words is a surname in a person's
// name alone.
func surname(c rune, person bool) string {
	switch c {
	case '单', '單':
		return "shan"
	case '曾':
		return "zeng"
	case '仇':
		return "qiu"
	case '解':
		return "xie"
	case '查':
		return "zha"
	case '任':
		return "ren"
	case '覃':
		return "qin"
	case '缪', '繆':
		return "miao"
	case '翟':
		return "zhai"
	case '冼':
		return "xian"
	case '佴':
		return "nai"
	case '卜':
		return "bu"
	case '沈':
		return "shen"
	case '谌', '諶':
		return "chen"
	case '隗':
		return "wei"
	case '乜':
		return "nie"
	case '钭', '鈄':
		return "tou"
	case '牟':
		return "mu"
	case '葛':
		return "ge"
	case '贾', '賈':
		return "jia"
	case '臧':
		return "zang"
	}
	if !person {
		return ""
	}
	switch c {
	case '区', '區':
		return "ou"
	case '朴':
		return "piao"
	case '盖', '蓋':
		return "ge"
	case '乐', '樂':
		return "yue"
	case '召':
		return "shao"
	case '种':
		return "chong"
	case '员', '員':
		return "yun"
	case '祭':
		return "zhai"
	case '秘':
		return "bi"
	case '黑':
		return "he"
	case '折':
		return "she"
	case '薄':
		return "bo"
	case '车', '車':
		return "che"
	case '那':
		return "na"
	case '宿':
		return "su"
	case '尉':
		return "wei"
	case '长', '長':
		return "zhang"
	case '重':
		return "chong"
	case '句':
		return "gou"
	case '繁':
		return "po"
	case '洗':
		return "xian"
	case '晟':
		return "cheng"
	}
	return ""
}

// word is the reading of a character in a word of names: mostly places, and what firms are called.
func word(last, c, next rune) string {
	switch c {
	case '重':
		switch next {
		case '庆', '慶', '新', '阳', '陽':
			return "chong"
		}
	case '长', '長':
		switch next {
		case '沙', '春', '江', '城', '安', '治', '兴', '興':
			return "chang"
		}
	case '厦', '廈':
		if next == '门' || next == '門' {
			return "xia"
		}
	case '乐', '樂':
		if next == '清' || next == '器' || last == '音' {
			return "yue"
		}
	case '六':
		if next == '安' {
			return "lu"
		}
	case '蚌':
		if next == '埠' {
			return "beng"
		}
	case '台', '臺':
		if next == '州' {
			return "tai"
		}
	case '番':
		if next == '禺' {
			return "pan"
		}
	case '单', '單':
		switch next {
		case '县', '縣':
			return "shan"
		case '车', '車', '元', '体', '體':
			return "dan"
		}
	case '解':
		if next == '放' || next == '决' {
			return "jie"
		}
	case '会', '會':
		if next == '计' || next == '計' || next == '稽' {
			return "kuai"
		}
	case '行':
		switch last {
		case '银', '銀', '商', '洋', '车', '車', '药', '藥', '粮', '糧', '布', '总', '總':
			return "hang"
		}
		if next == '业' || next == '業' {
			return "hang"
		}
	case '调', '調':
		if last == '空' {
			return "tiao"
		}
	case '参', '參':
		if last == '人' || last == '海' {
			return "shen"
		}
	case '藏':
		if last == '西' {
			return "zang"
		}
	}
	return ""
}

// inNames is how names have a character that is read otherwise elsewhere.
func inNames(c rune) string {
	switch c {
	case '都':
		return "du"
	case '长', '長':
		return "chang"
	case '朝':
		return "chao"
	}
	return ""
}
