package roster

import (
	"crypto/sha256"
	"hash/maphash"
	"strconv"
	"strings"
	"unicode"
	"unsafe"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster/form"
)

// The columns that mean something, in the order in which a row is judged.
const (
	corpName = iota
	contactName
	identity
	phone
	group
	customID
	memberCustomID
	fields
)

// fieldNames are as form.Column has them.
var fieldNames = [fields]string{"corp_name", "contact_name", "identity", "phone", "group", "custom_id", "member_custom_id"}

// Limits on the group paths that are kept once for all their rows.
const (
	maxGroups     = 1 << 16
	maxGroupBytes = 8 << 20
)

// checker makes rows of lines (R25), and holds them against one another. Its
// memory is a constant, and a few dozen bytes a row.
type checker struct {
	column     [fields]int // -1 where the sheet has none
	line       line
	row        network.RosterRow // that is being made
	scratch    []byte            // texts of this row that aren't as the file has them
	digest     []byte
	texts      arena
	groups     map[string][]string // by what was written
	groupBytes int
	phones     phones
	seen       partners
	member     uint64 // 自定义成员ID of this row
	last       struct {
		corp, customID string
		name           uint64 // digest of the folded corp
		n              uint32 // the partner's number
	} // of the row before, by which its partner is known
	seed maphash.Seed
}

func newChecker(h header) *checker {
	c := &checker{groups: map[string][]string{}, seen: newPartners(), seed: maphash.MakeSeed()}
	for i, name := range fieldNames {
		column, ok := h.column[name]
		if !ok {
			column = -1
		}
		c.column[i] = column
	}
	return c
}

// check says what a line is. The row lasts until the next line, its strings
// for ever; the levels of its group are other rows' too.
func (c *checker) check(l line) *network.RosterRow {
	c.line, c.scratch = l, c.scratch[:0]
	c.row = network.RosterRow{Number: l.number}
	c.names()
	c.identity()
	c.phone()
	c.group()
	c.ids()
	if c.row.Code == "" {
		c.compare()
	}
	return &c.row
}

// fail keeps the first problem only.
func (c *checker) fail(field int, code, detail string) {
	if c.row.Code == "" {
		c.row.Code, c.row.Field, c.row.Detail = code, fieldNames[field], c.texts.copy(shorten(detail))
	}
}

// text is a field's cell, in clean; kept says whether it outlasts the line,
// lost that it is a number whose tail can't be trusted. A cell that holds no
// value fails the row.
func (c *checker) text(field int) (s string, kept, lost bool) {
	from := c.line.at(c.column[field])
	s, kept = from.text, from.kept
	switch from.kind {
	case PendingCell:
		c.fail(field, form.FormulaWithoutValue, "")
		return "", true, false
	case ErrorCell:
		c.fail(field, form.CellError, clean(s))
		return "", true, false
	case NumberCell:
		if isPlainNumber(s) && !from.date {
			return s, kept, false
		}
		at := len(c.scratch)
		b, lost, ok := appendNumber(c.scratch, from)
		if ok {
			return c.made(b, at), false, lost
		}
	}
	if !isClean(s) {
		at := len(c.scratch)
		s, kept = c.made(appendClean(c.scratch, s), at), false
	}
	if from.kind == TextCell && len(s) > 0 && s[0] == '#' && isError(s) {
		c.fail(field, form.CellError, s)
		return "", true, false
	}
	return s, kept, false
}

// made is what was appended to scratch, until the next line.
func (c *checker) made(b []byte, at int) string {
	c.scratch = b
	return unsafe.String(unsafe.SliceData(b[at:]), len(b)-at)
}

// keep is a field's text, for ever.
func (c *checker) keep(field int) (s string, lost bool) {
	s, kept, lost := c.text(field)
	if !kept {
		s = c.texts.copy(s)
	}
	return s, lost
}

// isError reports what a spreadsheet program writes into a CSV file for a
// cell in error.
func isError(s string) bool {
	switch s {
	case "#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#GETTING_DATA":
		return true
	}
	return false
}

func (c *checker) names() {
	c.row.Corp, _ = c.keep(corpName)
	switch name := c.row.Corp; {
	case isPlainName(name):
	case name == "":
		c.fail(corpName, form.CorpNameMissing, "")
	case network.CheckCorpName("corp_name", name) != nil:
		c.fail(corpName, form.CorpNameInvalid, name)
	}
	c.row.Contact, _ = c.keep(contactName)
	switch name := c.row.Contact; {
	case isPlainName(name):
	case name == "":
		c.fail(contactName, form.ContactNameMissing, "")
	case network.CheckPersonName("contact_name", name) != nil, strings.ContainsFunc(name, strangeInName):
		c.fail(contactName, form.ContactNameInvalid, name)
	}
}

// strangeInName reports what no person's name has. It lets through what
// O'Brien, 买买提·吐尔逊 and 张静（采购） need, and no formula.
func strangeInName(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Han, r) && !strings.ContainsRune(" -_()·•・‧.'’", r)
}

func (c *checker) identity() {
	s, _, _ := c.text(identity)
	is := func(i int) bool {
		return s == form.ChineseIdentities[i] || strings.EqualFold(s, form.ChineseIdentities[i]) || strings.EqualFold(s, form.EnglishIdentities[i])
	}
	switch {
	case s == "", is(0):
	case is(1):
		c.row.Leader = true
	default:
		c.fail(identity, form.IdentityInvalid, s)
	}
}

func (c *checker) phone() {
	s, _, lost := c.text(phone)
	if ok, known := c.phones.mainland(s); known {
		if !ok {
			c.fail(phone, form.PhoneInvalid, s)
			return
		}
		c.row.Phone = c.texts.keep(append(append(c.texts.room(len("+86")+len(s)), "+86"...), s...))
		return
	}
	e164, code := Phone(s)
	if lost {
		e164, code = "", form.PhoneDigitsLost
	}
	c.row.Phone = e164
	if code != "" {
		c.fail(phone, code, s)
	}
}

func (c *checker) group() {
	s, kept, _ := c.text(group)
	if s == "" {
		return
	}
	if levels, ok := c.groups[s]; ok {
		c.row.Group = levels
		return
	}
	if !kept {
		s = c.texts.copy(s)
	}
	if strings.Count(s, "/") >= network.MaxDepth {
		c.fail(group, form.GroupTooDeep, s)
		return
	}
	levels := strings.Split(s, "/")
	for i, name := range levels {
		levels[i] = strings.TrimSpace(name)
		if network.CheckGroupName("group", levels[i]) != nil {
			c.fail(group, form.GroupNameInvalid, s)
			return
		}
	}
	c.row.Group = levels
	if len(c.groups) < maxGroups && c.groupBytes+len(s) <= maxGroupBytes {
		c.groups[s] = levels
		c.groupBytes += len(s)
	}
}

func (c *checker) ids() {
	id, lost := c.keep(customID)
	if c.row.CustomID = id; lost || network.CheckCustomID("custom_id", id) != nil {
		c.fail(customID, form.CustomIDInvalid, id)
	}
	id, lost = c.keep(memberCustomID)
	ok := false
	if c.member, ok = memberID(id); lost || !ok {
		c.fail(memberCustomID, form.MemberCustomIDInvalid, id)
	}
	c.row.MemberCustomID = id
}

// memberID holds R25; eleven or thirteen digits are a phone that was put into
// the wrong column. Empty is allowed, and 0.
func memberID(s string) (id uint64, ok bool) {
	if s == "" {
		return 0, true
	}
	if s[0] == '0' || len(s) == 11 || len(s) == 13 {
		return 0, false
	}
	if len(s) > 19 {
		id, err := strconv.ParseUint(s, 10, 64)
		return id, err == nil
	}
	return number(s)
}

// number reads up to 19 digits.
func number(s string) (n uint64, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n, true
}

// compare holds a row that is valid by itself against those before it.
func (c *checker) compare() {
	r, seen := &c.row, &c.seen
	if r.Corp != c.last.corp || r.CustomID != c.last.customID { // else it is another of the partner's people, who tend to stand together
		folded := fold(r.Corp)
		c.last.corp, c.last.customID, c.last.name = r.Corp, r.CustomID, maphash.String(c.seed, folded)
		c.last.n = seen.find(c.idOf(r.CustomID, folded), c.last.name)
	}
	n := c.last.n
	of := seen.all.at(n)
	who := person{member: c.member, said: c.said(), partner: n, row: uint32(r.Number)}
	who.phone, _ = number(r.Phone[1:]) // of E.164, at most 15 digits
	first := seen.contact(n, who.phone)
	var other *person
	if who.member != 0 && first == nil {
		other = seen.member(n, who.member)
	}
	switch {
	case of.name != c.last.name:
		c.fail(customID, form.CustomIDConflict, r.CustomID)
	case first != nil && first.said == who.said: // said twice is said once
	case first != nil:
		c.clash(phone, form.DuplicateContact, "row ", int(first.row), "")
	case other != nil:
		c.clash(memberCustomID, form.MemberCustomIDDuplicate, "row ", int(other.row), "")
	case r.Leader && of.leaders == network.MaxLeaders:
		c.clash(identity, form.TooManyLeaders, "", network.MaxLeaders, " before")
	default:
		seen.add(who)
		if r.Leader {
			of.leaders++
		}
	}
}

// clash fails the row with a number as its detail.
func (c *checker) clash(field int, code, before string, n int, after string) {
	at := len(c.scratch)
	b := append(strconv.AppendInt(append(c.scratch, before...), int64(n), 10), after...)
	c.fail(field, code, c.made(b, at))
}

// said digests what a row says of its contact. The group is the partner's, not
// the contact's, and the first that is given counts.
func (c *checker) said() uint64 {
	b := append(append(append(c.digest[:0], c.row.Contact...), 0), c.row.MemberCustomID...)
	if c.row.Leader {
		b = append(b, 0)
	}
	c.digest = b
	return maphash.Bytes(c.seed, b)
}

// idOf digests what tells a partner from others: its 自定义企业ID, else its
// folded name. One chain is all that a file is about, so that is left out.
func (c *checker) idOf(customID, folded string) partnerID {
	b := c.digest[:0]
	if customID != "" {
		b = append(append(b, 'c'), customID...)
	} else {
		b = append(append(b, 'n'), folded...)
	}
	c.digest = b
	sum := sha256.Sum256(b)
	return partnerID(sum[:len(partnerID{})])
}

// fold is network.FoldName, for a name that is clean.
func fold(name string) string {
	for i := 0; i < len(name); {
		switch c := name[i]; {
		case c < 0x80 && (c < 'A' || c > 'Z'):
			i++
		case isIdeograph(name[i:]):
			i += 3
		default:
			return network.FoldName(name)
		}
	}
	return name
}
