package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

// wording puts reasons into words.
type wording struct {
	lang web.Lang
	viewer
	tree network.Tree // where a rule names groups
}

// say is the text in the reader's language.
func (w wording) say(chinese, english string) string {
	if w.lang == web.English {
		return english
	}
	return chinese
}

// of is a reason in words.
func (w wording) of(v verdict, why network.Reason) string {
	switch why.Because {
	case network.BecauseAdmin:
		return w.say("查看者是上下游管理员，可以看到所有外部单位。", "The viewer is an admin of the chain: they see all partners.")
	case network.BecauseHost:
		return w.say("对方是上下游管理员，外部单位的人员可以看到管理员。", "They are an admin of the chain, whom partners see.")
	case network.BecauseInviter:
		return w.say("对方是查看者的邀请人。", "They invited the viewer.")
	case network.BecauseOwn:
		return w.say("双方属于同一企业。", "They belong to the viewer's own corp.")
	case network.BecauseNotJoined:
		return w.say("对方尚未加入或已经退出，外部单位的人员看不到。", "They are still to join, or have left: partners don't see them.")
	case network.BecauseNotInChain:
		if w.Side == network.Outside {
			return w.say("查看者不在该上下游中。", "The viewer isn't in the chain.")
		}
		return w.say("对方已不在该上下游中。", "They are in the chain no more.")
	case network.BecauseSetting:
		if w.Side == network.Owner {
			return w.say("上下游设置为上游成员可以看到所有外部单位。", "The chain lets the owner's members see all partners.")
		}
		return w.say("上下游允许外部单位之间互相查看。", "The chain lets partners see each other.")
	case network.BecauseClosed:
		switch {
		case w.Side == network.Owner:
			return w.say("上下游设置为上游成员仅能看到规则允许的外部单位，而没有规则允许。", "The owner's members see only the partners that a rule lets them, and none does.")
		case v.host.Person != "":
			return w.say("对方既不是上下游管理员，也不是查看者的邀请人，而没有规则允许。", "They are neither an admin of the chain nor who invited the viewer, and no rule lets the viewer see them.")
		}
		return w.say("上下游不允许外部单位之间互相查看。", "The chain doesn't let partners see each other.")
	case network.BecauseAllowed, network.BecauseHidden:
		return w.rule(v, why)
	}
	return string(why.Because)
}

// rule says what a rule does, and to whom: by name those who are concerned here,
// roles and groups; of the others how many there are.
func (w wording) rule(v verdict, why network.Reason) string {
	r, _ := w.sight.Rule(why.Rule)
	person, name, partner := v.host.Person, v.host.Name, w.sight.Own()
	if w.Side == network.Owner {
		person, name, partner = w.Person.ID, w.name, v.partner
	}
	var owners, partners []string
	for _, role := range r.Owner.Roles {
		owners = append(owners, w.role(role))
	}
	if n := len(r.Owner.Members); n > 0 {
		if slices.Contains(r.Owner.Members, person) && name != "" {
			owners, n = append(owners, name), n-1
		}
		owners = append(owners, w.others(n, " 人", "person", "people")...)
	}
	if len(owners) == 0 {
		owners = []string{w.say("上游所有人员", "all the owner's people")}
	}
	groups := w.groups(r)
	shown := min(len(groups), groupsNamed)
	partners = append(groups[:shown:shown], w.others(len(groups)-shown, " 个分组", "group", "groups")...)
	if n := len(r.Partner.Corps); n > 0 {
		if slices.Contains(r.Partner.Corps, partner.ID) && partner.Name != "" {
			partners, n = append(partners, partner.Name), n-1
		}
		partners = append(partners, w.others(n, " 家外部单位", "partner", "partners")...)
	}
	if len(partners) == 0 {
		partners = []string{w.say("所有外部单位", "all partners")}
	}
	one, other := w.list(owners), w.list(partners)
	if why.Because == network.BecauseHidden {
		return fmt.Sprintf(w.say("规则 %s 隐藏：%s 与 %s 互不可见。", "Rule %s hides: %s and %s don't see each other."), r.ID, one, other)
	}
	return fmt.Sprintf(w.say("规则 %s 允许：%s 与 %s 互相可见。", "Rule %s allows: %s and %s see each other."), r.ID, one, other)
}

// groupsNamed is how many groups of a rule are named.
const groupsNamed = 3

// groups are the names of a rule's groups as it works now (R34).
func (w wording) groups(r network.Rule) (names []string) {
	var ids []int
	for _, g := range r.Partner.Groups {
		ids = append(ids, w.Chain.Landing(g))
	}
	for _, id := range once(ids) {
		name := w.tree[id].Name
		if name == "" {
			name = strconv.Itoa(id) // it has gone in this moment
		}
		names = append(names, w.say("分组“"+name+"”", "group “"+name+"”"))
	}
	return names
}

func (w wording) role(role network.HostRole) string {
	switch role {
	case network.HostSuperAdmin:
		return w.say("超级管理员", "super-admins")
	case network.HostAdmin:
		return w.say("上下游管理员", "chain admins")
	}
	return w.say("普通成员", "members")
}

// others are n more, none for 0.
func (w wording) others(n int, chinese, one, many string) []string {
	switch n {
	case 0:
		return nil
	case 1:
		return []string{w.say("1"+chinese, "1 "+one)}
	}
	return []string{w.say(strconv.Itoa(n)+chinese, strconv.Itoa(n)+" "+many)}
}

func (w wording) list(parts []string) string { return strings.Join(parts, w.say("、", ", ")) }
