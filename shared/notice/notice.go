// Package notice is what the network says to people who aren't looking: that
// they are invited, and what has come to nothing. Before somebody has agreed
// to anything they read our own words only, with names put in (R48).
package notice

import (
	"fmt"
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

// say puts values into a subject that may use the first of them and a text
// that uses all.
func say(subject, text string, values ...any) Notice {
	return Notice{Channel: SMS, Subject: fmt.Sprintf(subject, values[:1]...), Text: fmt.Sprintf(text, values...)}
}
