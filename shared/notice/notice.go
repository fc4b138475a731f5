// Package notice is what the network says to people who aren't looking: that
// they are invited, and what has come to nothing. Before somebody has agreed
// to anything they read our own words only, with names put in (R48).
package notice

import (
	"fmt"
	"strings"
	"time"
)

// Notice is one message to one person.
type Notice struct {
	To      string // a phone, E.164
	Channel string // how it travels
	Subject string
	Text    string // without the URL: where to put it is the channel's art
	URL     string // "" when there is nothing to open
	DedupID string // the same for the same notice, however often it is sent
	At      time.Time
}

// SMS is the only channel that a phone number alone opens.
const SMS = "sms"

// Lang is a language that notices are written in.
type Lang string

// Chinese is for whoever's language isn't known.
const (
	Chinese Lang = "zh-CN"
	English Lang = "en"
)

// Invited tells a roster's contact that they may join, and as whom.
func Invited(lang Lang, chain, owner, corp string) Notice {
	if lang == English {
		return say("You are invited to %[1]s",
			"%[2]s invites %[3]s to its partner network %[1]s. Open the link to see what it is and to join; nothing happens until you do.", chain, owner, corp)
	}
	return say("邀请您加入「%[1]s」", "%[2]s邀请%[3]s加入上下游「%[1]s」。打开链接可查看详情并加入，未加入前不会有任何变化。", chain, owner, corp)
}

// GroupMigrated tells somebody of a WeChat group that the group's people are
// invited to a chain (R45). What the group is called stays with it: that is free
// text of its owner's, and nobody has agreed to anything yet (R48).
func GroupMigrated(lang Lang, chain, owner string) Notice {
	if lang == English {
		return say("You are invited to %[1]s",
			"%[2]s invites your WeChat group to its partner network %[1]s. Open the link to see what it is and to join; nothing happens until you do.", chain, owner)
	}
	return say("邀请您加入「%[1]s」", "%[2]s邀请您所在的微信群成员加入上下游「%[1]s」。打开链接可查看详情并加入，未加入前不会有任何变化。", chain, owner)
}

// InviteAstray tells a chain's admins that whoever comes by somebody's invite now
// stands in the root group, since its maker sees the group no more that it was for
// (R08).
func InviteAstray(lang Lang, chain, maker string) Notice {
	if lang == English {
		return say("An invite to %[1]s leads to the root group", "%[2]s no longer sees the group that their invite to %[1]s was for, so whoever joins by it stands in the root group. Move them, or revoke the invite.", chain, maker)
	}
	return say("「%[1]s」的一个邀请已转入根分组", "%[2]s已看不到其邀请对应的分组，通过该邀请加入「%[1]s」的企业将进入根分组。请调整其分组，或撤销该邀请。", chain, maker)
}

// InviteExpired tells an invite's maker that it has run out, and how many
// joined by it. note is what the maker wrote on it, "" for none.
func InviteExpired(lang Lang, chain, note string, joined int) Notice {
	if lang == English {
		if note != "" {
			note = " (" + note + ")"
		}
		return say("An invite to %[1]s has expired", "Your invite%[2]s to %[1]s has expired; %[3]d joined by it. Make a new one if you still need it.", chain, note, joined)
	}
	if note != "" {
		note = "（" + note + "）"
	}
	return say("「%[1]s」的邀请已过期", "您创建的「%[1]s」邀请%[2]s已过期，共有%[3]d人通过它加入。如仍需要，请创建新的邀请。", chain, note, joined)
}

// RosterExpired tells who imported a roster how many of those invited let
// their invites run out.
func RosterExpired(lang Lang, chain, file string, left int) Notice {
	if lang == English {
		return say("Invites to %[1]s have expired", "%[3]d of those you imported into %[1]s from %[2]s did not join before their invites expired.", chain, file, left)
	}
	return say("「%[1]s」的名单邀请已过期", "您导入「%[1]s」的名单 %[2]s 中，有%[3]d人未在有效期内加入。", chain, file, left)
}

// RosterFailed tells who imported a roster that it broke off half-way.
func RosterFailed(lang Lang, chain, file string) Notice {
	if lang == English {
		return say("An import into %[1]s did not finish", "Your import of %[2]s into %[1]s did not finish; some of its rows may be in. Upload the file again in a new import: what is in stays as it is.", chain, file)
	}
	return say("「%[1]s」的名单导入未完成", "您导入「%[1]s」的名单 %[2]s 未能完成，部分行可能已生效。请新建导入并重新上传该文件，已生效的内容不会重复。", chain, file)
}

// Waiting tells a chain's admin how many applications wait for a decision;
// more says that there are others beyond those.
func Waiting(lang Lang, chain string, waiting int, more bool) Notice {
	if lang == English {
		n := fmt.Sprint(waiting) + " applications to join %[1]s wait"
		if waiting == 1 {
			n = "1 application to join %[1]s waits"
		}
		if more {
			n = "More than " + n
		}
		return say("Applications to join %[1]s", n+" for you to accept or decline.", chain)
	}
	n := fmt.Sprintf("有%d个", waiting)
	if more {
		n = fmt.Sprintf("有超过%d个", waiting)
	}
	return say("「%[1]s」有加入申请待处理", "上下游「%[1]s」"+n+"加入申请等待您通过或拒绝。", chain)
}

// Accepted tells an applicant that they are in.
func Accepted(lang Lang, chain, corp string) Notice {
	if lang == English {
		return say("You have joined %[1]s", "Your application to join %[1]s with %[2]s was accepted: you are in.", chain, corp)
	}
	return say("您已加入「%[1]s」", "您以%[2]s的身份加入上下游「%[1]s」的申请已通过，您现在是其成员。", chain, corp)
}

// Declined tells an applicant that they are not, and why if an admin has said.
func Declined(lang Lang, chain, corp, reason string) Notice {
	if lang == English {
		if reason != "" {
			reason = " The reason given: " + reason
		}
		return say("Your application to %[1]s was declined", "Your application to join %[1]s with %[2]s was declined.%[3]s Open your invite again to apply once more.", chain, corp, reason)
	}
	if reason != "" {
		reason = "原因：" + reason + "。"
	}
	return say("您加入「%[1]s」的申请未通过", "您以%[2]s的身份加入上下游「%[1]s」的申请未通过。%[3]s如需再次申请，请重新打开邀请链接。", chain, corp, reason)
}

// Conflicted tells a chain's admin that a partner's contact has chosen another
// corp than the one it is bound to (R23).
func Conflicted(lang Lang, chain, partner, corp string) Notice {
	if lang == English {
		return say("Whose contact is it? %[1]s", "A contact of %[2]s wants to join %[1]s with another corp, %[3]s. Decide where they belong.", chain, partner, corp)
	}
	return say("「%[1]s」有企业冲突待处理", "%[2]s的一位联系人希望以另一家企业%[3]s的身份加入上下游「%[1]s」，请确认其归属。", chain, partner, corp)
}

// Resolved tells the person of a conflict what has been decided: that they are
// in with the corp that they chose, or that they belong to the partner that
// invited them.
func Resolved(lang Lang, chain, partner, corp string, apart bool) Notice {
	switch {
	case lang == English && apart:
		return say("You have joined %[1]s", "You may be in %[1]s with %[3]s, and you are: nothing is left to do.", chain, partner, corp)
	case lang == English:
		return say("You belong to %[2]s in %[1]s", "You are in %[1]s as one of %[2]s, and not with %[3]s. If you can't open it, ask the super-admin of %[2]s to add you, then open your invite again.", chain, partner, corp)
	case apart:
		return say("您已加入「%[1]s」", "管理员已确认您可以%[3]s的身份加入上下游「%[1]s」，您现在是其成员。", chain, partner, corp)
	}
	return say("您在「%[1]s」中属于%[2]s", "管理员已确认您在上下游「%[1]s」中属于%[2]s，而非%[3]s。如仍无法进入，请联系%[2]s的超级管理员将您添加，再重新打开邀请链接。", chain, partner, corp)
}

// InviteAdopted tells the maker of an invite that an admin has taken it over
// (R09).
func InviteAdopted(lang Lang, chain, by, note string) Notice {
	if lang == English {
		if note != "" {
			note = " (" + note + ")"
		}
		return say("Your invite to %[1]s was taken over", "%[2]s has taken over your invite%[3]s to %[1]s. It works as before, and is theirs now.", chain, by, note)
	}
	if note != "" {
		note = "（" + note + "）"
	}
	return say("您的「%[1]s」邀请已被接管", "%[2]s已接管您创建的「%[1]s」邀请%[3]s，邀请继续有效，由其负责。", chain, by, note)
}

// say puts values into a subject and a text, each of which uses what it wants
// of them.
func say(subject, text string, values ...any) Notice {
	return Notice{Channel: SMS, Subject: fill(subject, values), Text: fill(text, values)}
}

// fill puts values in by their numbers; one that isn't named is left out.
func fill(text string, values []any) string {
	names := make([]string, 0, 2*len(values))
	for i, v := range values {
		names = append(names, fmt.Sprintf("%%[%d]s", i+1), fmt.Sprint(v), fmt.Sprintf("%%[%d]d", i+1), fmt.Sprint(v))
	}
	return strings.NewReplacer(names...).Replace(text)
}
