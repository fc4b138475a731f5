package roster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster/form"
)

// filled reports whether any cell of the line holds anything.
func (l line) filled() bool {
	return slices.ContainsFunc(l.cells, func(c cell) bool { return !c.blank() })
}

// readRow says what one line is, looking at no other (R25).
func readRow(l line, column map[string]int) row {
	p := rowParser{line: l, column: column}
	p.row.Number = l.number
	p.names()
	p.identity()
	p.phone()
	p.group()
	p.ids()
	return p.row
}

type rowParser struct {
	line   line
	column map[string]int
	row    row
}

// fail keeps the first problem only.
func (p *rowParser) fail(field, code, detail string) {
	if p.row.Problem == nil {
		p.row.Problem = &problem{Code: code, Field: field, Detail: shorten(detail)}
	}
}

// text is a field's cell. One that holds no value fails the row.
func (p *rowParser) text(field string) (s string, lost bool) {
	i, ok := p.column[field]
	if !ok {
		return "", false
	}
	c := p.line.at(i)
	s, lost = c.string()
	switch {
	case c.kind == pendingCell:
		p.fail(field, form.FormulaWithoutValue, "")
		return "", false
	case c.kind == errorCell, c.kind == textCell && isError(s):
		p.fail(field, form.CellError, s)
		return "", false
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

func (p *rowParser) names() {
	p.row.Corp, _ = p.text("corp_name")
	switch {
	case p.row.Corp == "":
		p.fail("corp_name", form.CorpNameMissing, "")
	case network.CheckCorpName("corp_name", p.row.Corp) != nil:
		p.fail("corp_name", form.CorpNameInvalid, p.row.Corp)
	}
	p.row.Contact, _ = p.text("contact_name")
	switch {
	case p.row.Contact == "":
		p.fail("contact_name", form.ContactNameMissing, "")
	case network.CheckPersonName("contact_name", p.row.Contact) != nil, strings.ContainsFunc(p.row.Contact, strangeInName):
		p.fail("contact_name", form.ContactNameInvalid, p.row.Contact)
	}
}

// strangeInName reports what no person's name has. It lets through what
// O'Brien, 买买提·吐尔逊 and 张静（采购） need, and no formula.
func strangeInName(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Han, r) && !strings.ContainsRune(" -_()·•・‧.'’", r)
}

func (p *rowParser) identity() {
	s, _ := p.text("identity")
	is := func(i int) bool {
		return strings.EqualFold(s, form.ChineseIdentities[i]) || strings.EqualFold(s, form.EnglishIdentities[i])
	}
	switch {
	case s == "", is(0):
	case is(1):
		p.row.Leader = true
	default:
		p.fail("identity", form.IdentityInvalid, s)
	}
}

func (p *rowParser) phone() {
	s, lost := p.text("phone")
	e164, code := Phone(s)
	if lost {
		e164, code = "", form.PhoneDigitsLost
	}
	p.row.Phone = e164
	if code != "" {
		p.fail("phone", code, s)
	}
}

func (p *rowParser) group() {
	s, _ := p.text("group")
	if s == "" {
		return
	}
	levels := strings.Split(s, "/")
	if len(levels) > network.MaxDepth {
		p.fail("group", form.GroupTooDeep, s)
		return
	}
	for i, name := range levels {
		levels[i] = strings.TrimSpace(name)
		if network.CheckGroupName("group", levels[i]) != nil {
			p.fail("group", form.GroupNameInvalid, s)
			return
		}
	}
	p.row.Group = levels
}

func (p *rowParser) ids() {
	id, lost := p.text("custom_id")
	if p.row.CustomID = id; lost || network.CheckCustomID("custom_id", id) != nil {
		p.fail("custom_id", form.CustomIDInvalid, id)
	}
	id, lost = p.text("member_custom_id")
	if p.row.MemberCustomID = id; lost || !isMemberID(id) {
		p.fail("member_custom_id", form.MemberCustomIDInvalid, id)
	}
}

// isMemberID holds R25; eleven or thirteen digits are a phone that was put
// into the wrong column. Empty is allowed.
func isMemberID(s string) bool {
	if s == "" {
		return true
	}
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil && s[0] != '0' && s[0] != '+' && len(s) != 11 && len(s) != 13
}

// partners is what the valid rows so far have said, by partner. A row is held
// against valid rows before it only: of two that clash the later is refused,
// and a row that is refused takes nothing from those after it.
//
// Rows and partners are known by their index, and phones and member ids by the
// number that they are, as there may be a million of each.
type partners struct {
	index    map[string]int32 // by id
	all      []partner
	contacts map[contact]int32 // to the row (R27)
	members  map[member]int32  // to the row; a 自定义成员ID is unique within the partner
}

type partner struct {
	name    string
	leaders int
}

type contact struct {
	partner int32
	phone   uint64
}

type member struct {
	partner int32
	id      uint64
}

func newPartners() partners {
	return partners{index: map[string]int32{}, contacts: map[contact]int32{}, members: map[member]int32{}}
}

// check settles a row that is valid by itself and is to follow these.
func (p *partners) check(rows []row, r *row) {
	// One chain is all that a file is about, so its id can be left out.
	id := network.RosterPartnerID("", r.CustomID, r.Corp)
	n, ok := p.index[id]
	if !ok {
		n = int32(len(p.all))
		p.index[id] = n
		p.all = append(p.all, partner{name: network.FoldName(r.Corp)})
	}
	of := &p.all[n]
	c, m := contact{n, number(strings.TrimPrefix(r.Phone, "+"))}, member{n, number(r.MemberCustomID)}
	first, known := p.contacts[c]
	other, taken := p.members[m]
	clash := func(code, field, detail string) { r.Problem = &problem{Code: code, Field: field, Detail: detail} }
	switch {
	case network.FoldName(r.Corp) != of.name:
		clash(form.CustomIDConflict, "custom_id", r.CustomID)
	case known && same(rows[first], *r):
		r.Repeats = rows[first].Number
	case known:
		clash(form.DuplicateContact, "phone", fmt.Sprintf("row %d", rows[first].Number))
	case taken:
		clash(form.MemberCustomIDDuplicate, "member_custom_id", fmt.Sprintf("row %d", rows[other].Number))
	case r.Leader && of.leaders == maxLeaders:
		clash(form.TooManyLeaders, "identity", fmt.Sprintf("%d before", of.leaders))
	default:
		p.contacts[c] = int32(len(rows))
		if m.id != 0 {
			p.members[m] = int32(len(rows))
		}
		if r.Leader {
			of.leaders++
		}
	}
}

// number is digits that were found to be one, 0 for none.
func number(digits string) uint64 {
	n, _ := strconv.ParseUint(digits, 10, 64)
	return n
}

// same reports whether two rows say the same of one contact. The group is the
// partner's, not the contact's, and the first that is given counts.
func same(a, b row) bool {
	return a.Contact == b.Contact && a.Leader == b.Leader && a.MemberCustomID == b.MemberCustomID
}
