package web

import (
	"github.com/tributary-app/tributary/shared/network"
)

// A text says what is the matter, and what to do next.
type text struct{ title, next string }

func textOf(code string, lang Lang) text {
	t, ok := texts[code]
	if !ok {
		t = texts["internal"] // a test holds that every code of the domain has its text
	}
	return t[lang]
}

// fieldText is what is wrong with a field: in English whoever found it knows
// best, in Chinese it is said by the code.
func fieldText(f network.FieldError, lang Lang) string {
	said, ok := fieldTexts[f.Code][lang]
	if t, whole := texts[f.Code]; !ok && whole { // the reason of the whole answer: what to do about it
		return t[lang].next
	}
	if f.Detail != "" && (lang == English || !ok) {
		return f.Detail
	}
	if !ok {
		return textOf("invalid", lang).title
	}
	return said
}

var texts = map[string]map[Lang]text{
	"invalid": {
		Chinese: {"请求内容有误", "请按 errors 中的说明修改后重试。"},
		English: {"The request is not valid", "Mend what errors names, then try again."},
	},
	"unknown_field": {
		Chinese: {"请求中有无法识别的字段", "请检查 errors 中字段的拼写，或删除该字段后重试。"},
		English: {"The request has a member that we don't know", "Check the spelling of what errors names, or leave it out, then try again."},
	},
	"corp_required": {
		Chinese: {"请选择企业身份", "您属于多个企业或尚无企业，请用 Tributary-Corp 请求头指明以哪个企业的身份操作。"},
		English: {"Choose the corp you act as", "You belong to several corps or to none: name one in the Tributary-Corp header."},
	},
	"unauthenticated": {
		Chinese: {"请先登录", "请登录后重试。"},
		English: {"Sign in first", "Sign in, then try again."},
	},
	"denied": {
		Chinese: {"没有权限", "请联系企业超级管理员或上下游管理员为您开通权限。"},
		English: {"You may not do this", "Ask the corp's super-admin or a chain admin for the right."},
	},
	"not_a_member": {
		Chinese: {"您不是该企业的成员", "请改用您所属的企业，或联系该企业的超级管理员将您加入。"},
		English: {"You are not a member of that corp", "Act as a corp of yours, or ask its super-admin to add you."},
	},
	"phone_not_verified": {
		Chinese: {"手机号未验证", "请先验证您的手机号，然后重新登录。"},
		English: {"Your phone is not verified", "Verify your phone number, then sign in again."},
	},
	"corp_not_eligible": {
		Chinese: {"该企业不能使用上下游", "学前教育、初中等教育、教育行政单位以及非正式团队不能创建或加入上下游，请选择其他企业。"},
		English: {"This corp can't take part in chains", "Preschools, primary and secondary schools, education authorities and informal teams can neither create nor join a chain: choose another corp."},
	},
	"not_imported": {
		Chinese: {"仅导入的企业可加入", "请联系邀请您的人，将您的企业和手机号导入上下游名单后再加入。"},
		English: {"Only imported corps may join", "Ask whoever invited you to put your corp and phone on the chain's roster, then join."},
	},
	"bound_to_another": {
		Chinese: {"该邀请不是发给您的", "请用收到邀请的手机号登录、选择受邀的企业，或请邀请人重新邀请您。"},
		English: {"This invite is somebody else's", "Sign in with the phone it was sent to, choose the corp it names, or ask for an invite of your own."},
	},
	"not_found": {
		Chinese: {"未找到", "请检查地址是否正确；内容可能已被删除，或您无权查看。"},
		English: {"Not found", "Check the address. It may have been removed, or isn't yours to see."},
	},
	"group_not_found": {
		Chinese: {"未找到该分组", "请刷新分组列表后重新选择。"},
		English: {"There is no such group", "Read the groups again and choose another."},
	},
	"method_not_allowed": {
		Chinese: {"不支持该请求方法", "请使用 Allow 响应头中列出的方法。"},
		English: {"This address doesn't take that method", "Use a method that the Allow header lists."},
	},
	"conflict": {
		Chinese: {"与当前状态冲突", "请重新读取最新内容后再试。"},
		English: {"This conflicts with how things stand", "Read it again, then try again."},
	},
	"stale": {
		Chinese: {"内容已发生变化", "请重新读取最新内容，确认后再提交。"},
		English: {"Things have moved on", "Read them again, and decide anew."},
	},
	"last_admin": {
		Chinese: {"不能移除最后一位超级管理员", "请先将另一位成员设为超级管理员。"},
		English: {"This is the last super-admin", "Make another member super-admin first."},
	},
	"quota_exceeded": {
		Chinese: {"已达到数量上限", "请移除不再需要的内容，或联系管理员提高上限。"},
		English: {"A limit has been reached", "Remove what is no longer needed, or ask an admin to raise the limit."},
	},
	"name_taken": {
		Chinese: {"名称已被使用", "请换一个名称。上下游解散后，其名称会保留 30 天。"},
		English: {"This name is taken", "Choose another. A chain's name stays reserved for 30 days after it is dissolved."},
	},
	"group_not_empty": {
		Chinese: {"分组中还有企业或有效邀请", "请先移走或删除下级分组，并用 reassign_to 指定企业和邀请移入的分组。"},
		English: {"The group isn't empty", "Move or delete the groups below it first, and say with reassign_to which group takes its partners and live invites."},
	},
	"partner_conflict": {
		Chinese: {"该企业已由另一企业身份加入", "名单中的这家企业已绑定到另一企业。请选择那个企业加入，或等待上下游管理员处理：情况已转给他们。"},
		English: {"This partner is already bound to another corp", "Join under that corp, or wait for the chain's admins to settle it: they have been told."},
	},
	"idempotency_mismatch": {
		Chinese: {"同一 Idempotency-Key 用于了不同的请求", "新的请求请使用新的 Idempotency-Key。"},
		English: {"This Idempotency-Key was used for another request", "Use a new key for a new request."},
	},
	"precondition_failed": {
		Chinese: {"内容已被他人修改", "请重新读取最新内容，用新的 ETag 再次提交。"},
		English: {"Somebody else changed it first", "Read it again, and send the edit with its new ETag."},
	},
	"invite_expired": {
		Chinese: {"邀请已过期", "请联系邀请人重新发送邀请。"},
		English: {"This invite has expired", "Ask whoever invited you for a new one."},
	},
	"invite_revoked": {
		Chinese: {"邀请已撤销", "请使用最新收到的邀请，或联系邀请人。"},
		English: {"This invite was revoked", "Use the latest invite you got, or ask whoever invited you."},
	},
	"invite_exhausted": {
		Chinese: {"邀请名额已用完", "请联系邀请人重新发送邀请。"},
		English: {"This invite is used up", "Ask whoever invited you for a new one."},
	},
	"invite_ended": {
		Chinese: {"该邀请已结束", "邀请已被撤销、已过期，或受邀者均已加入，不能重新发送或接管；如仍需要，请创建新的邀请。"},
		English: {"This invite has ended", "It was revoked, has run out, or all that it was for have joined, so it can't be resent or adopted: make a new one if you still need it."},
	},
	"customer_group": {
		Chinese: {"客户群不能迁移", "请改选普通微信群；客户群的成员请用邀请链接邀请。"},
		English: {"A customer group can't be migrated", "Choose an ordinary WeChat group, and invite a customer group's people by a link."},
	},
	"chain_dissolved": {
		Chinese: {"该上下游已解散", "如有疑问，请联系上下游的创建企业。"},
		English: {"This chain was dissolved", "Ask the corp that owned it if in doubt."},
	},
	"too_large": {
		Chinese: {"请求内容过大", "请求内容不能超过 64 KiB（群迁移为 1 MiB），请减少内容后重试。"},
		English: {"The request is too large", "A body may have 64 KiB, a group migration's 1 MiB: send less."},
	},
	"unsupported_media_type": {
		Chinese: {"不支持该内容类型", "请以 UTF-8 编码的 application/json 发送。"},
		English: {"We don't read this content type", "Send application/json in UTF-8."},
	},
	"rate_limited": {
		Chinese: {"请求过于频繁", "请在 Retry-After 所示的秒数后重试。"},
		English: {"Too many requests", "Try again after the seconds that Retry-After names."},
	},
	"busy": {
		Chinese: {"系统繁忙", "请在 Retry-After 所示的秒数后重试。"},
		English: {"We are busy", "Try again after the seconds that Retry-After names."},
	},
	"internal": {
		Chinese: {"系统出错", "问题在我们这边，请稍后重试；如仍失败，请提供 instance 中的编号。"},
		English: {"Something went wrong", "It is our fault. Try again later; if it lasts, quote the id in instance."},
	},
}

var fieldTexts = map[string]map[Lang]string{
	"malformed":     {Chinese: "格式有误。", English: "This is malformed."},
	"unknown":       {Chinese: "没有这个字段或参数。", English: "There is no such member or parameter."},
	"repeated":      {Chinese: "重复出现。", English: "This is given twice."},
	"wrong_type":    {Chinese: "类型不正确。", English: "This is of the wrong type."},
	"missing":       {Chinese: "不能为空。", English: "This is needed."},
	"too_long":      {Chinese: "过长。", English: "This is too long."},
	"out_of_range":  {Chinese: "超出允许的范围。", English: "This is out of range."},
	"not_allowed":   {Chinese: "不是允许的值。", English: "This is not one of the choices."},
	"bad_character": {Chinese: "含有不允许的字符，或首尾有空格。", English: "This has characters that aren't allowed, or a space at an end."},
	"circle":        {Chinese: "分组不能移到自己或自己的下级分组中。", English: "A group can't stand under itself."},
	"last_admin":    {Chinese: "您是该企业的最后一位超级管理员。请先在该企业中将另一位成员设为超级管理员。", English: "You are this corp's last super-admin: make another member one first."},
	"not_found":     {Chinese: "该上下游中没有所指的对象。", English: "This names something that isn't in the chain."},
	"several_corps": {Chinese: "此人以多个企业加入了该上下游，请指明其中一个。", English: "They take part under several corps: say which is meant."},
	"too_many":      {Chinese: "数量过多。", English: "These are too many."},
	"too_deep":      {Chinese: "分组层级过深。", English: "Groups go only so deep."},
}
