package page

// The languages there are; whoever asks for neither reads Chinese.
const (
	Chinese = "zh-CN"
	English = "en"
)

type text struct{ zh, en string }

// texts are the page's own words. %s stands for other people's.
var texts = map[string]text{
	"site":          {"上下游", "Tributary"},
	"title.join":    {"加入「%s」", "Join %s"},
	"title.joined":  {"已加入「%s」", "You are in %s"},
	"title.waiting": {"已申请加入「%s」", "You have applied to %s"},
	"card.title":    {"%s邀请您加入「%s」", "%s invites you to %s"},
	"card.text":     {"%s的上下游空间。点开即可加入，无需下载。", "The partner network of %s. Tap to join; nothing to install."},
	"foot":          {"只看不点，什么都不会改变。", "Looking changes nothing; only a button does."},

	"greet":       {"%s，您好", "Hello %s,"},
	"invites":     {"%s 邀请您加入", "%s invites you to join"},
	"owner":       {"主企业", "Run by"},
	"group":       {"分组", "Group"},
	"policy":      {"加入方式", "Joining"},
	"until":       {"有效期至", "Valid until"},
	"sign_in":     {"用手机号登录并继续", "Continue with your phone"},
	"sign_in.why": {"用短信验证码确认是您本人，再选择企业。", "A code by SMS tells us it is you. Then you choose your company."},

	"policy.imported_only":        {"仅名单中的企业可加入", "Only companies on the roster"},
	"policy.approval":             {"需管理员同意", "An admin approves"},
	"policy.imported_or_approval": {"名单中的企业直接加入，其他需管理员同意", "At once if on the roster, else an admin approves"},

	"form.title":      {"您以哪家企业的身份加入？", "Which company are you joining as?"},
	"as":              {"选择企业", "Choose a company"},
	"corp.new":        {"新建一家企业", "A new company"},
	"corp.barred":     {"学校、教育行政单位和团队不能加入上下游", "Schools, education authorities and informal teams can’t join"},
	"join":            {"加入", "Join"},
	"apply":           {"申请加入", "Apply to join"},
	"busy.button":     {"正在提交…", "One moment…"},
	"decline":         {"不加入", "No, thank you"},
	"block":           {"不再接收此上下游的通知", "Stop notices from this network"},
	"joined.expected": {"名单中您还代表 %s，可以在下面一并加入。", "The roster has you for %s as well; you can join for it below."},
	"sooner":          {"现在可以直接加入", "You can join at once now"},
	"again":           {"用另一家企业加入", "Join as another company too"},

	"field.new_corp.name":       {"企业名称", "Company name"},
	"field.new_corp.industry":   {"所属行业（选填）", "Industry (optional)"},
	"field.name":                {"您的姓名", "Your name"},
	"hint.new_corp.name":        {"您将成为该企业的超级管理员。", "You will be its super-admin."},
	"hint.new_corp.name.choice": {"仅在新建企业时填写；您将成为其超级管理员。", "Only for a new company; you will be its super-admin."},

	"fault.corp_id.missing":                     {"请选择一家企业，或选择新建。", "Choose a company, or a new one."},
	"fault.corp_id.not_allowed":                 {"请选择您所在的企业，或选择新建。", "Choose a company of yours, or a new one."},
	"fault.corp_id.not_a_member":                {"请选择您所在的企业，或选择新建。", "Choose a company of yours, or a new one."},
	"fault.corp_id.corp_not_eligible":           {"请选择另一家企业：学校、教育行政单位和团队不能加入。", "Choose another company: schools, authorities and teams can’t join."},
	"fault.corp_id.bound_to_another":            {"请选择受邀的企业。", "Choose the company that the invite names."},
	"fault.corp_id.not_imported":                {"请选择名单中的企业，或请对方将您导入名单。", "Choose a company that is on the roster, or ask to be put there."},
	"fault.new_corp.industry.corp_not_eligible": {"该行业的企业不能加入。请核对行业，或选择另一家企业。", "Companies of that industry can’t join. Check it, or choose another company."},
	"fault.new_corp.name.missing":               {"请填写企业名称。", "Enter the company’s name."},
	"fault.new_corp.name.too_long":              {"企业名称最多 32 个字符，请缩短。", "A company’s name has at most 32 characters. Shorten it."},
	"fault.new_corp.name.bad_character":         {"企业名称只能含中文、字母、数字、空格和 -_()（）。", "Use letters, digits, Chinese, spaces and -_() only."},
	"fault.new_corp.industry.too_long":          {"行业名称最多 32 个字符，请缩短或留空。", "At most 32 characters. Shorten it or leave it empty."},
	"fault.new_corp.industry.bad_character":     {"行业名称含有无法显示的字符，请删除。", "It has a character that can’t be shown. Remove it."},
	"fault.name.missing":                        {"请填写您的姓名。", "Enter your name."},
	"fault.name.too_long":                       {"姓名最多 32 个字符，请缩短。", "A name has at most 32 characters. Shorten it."},
	"fault.name.bad_character":                  {"姓名含有无法显示的字符，请删除。", "It has a character that can’t be shown. Remove it."},
	"fault.other":                               {"请检查此处的内容。", "Check what you have entered here."},

	"joined.fresh":    {"加入成功", "Welcome! You have joined"},
	"joined.already":  {"您已加入", "You are already in"},
	"joined.look":     {"已经加入？登录查看", "Already in? Sign in to see"},
	"as.corp":         {"加入身份", "Joined as"},
	"as.applied":      {"申请身份", "Applying as"},
	"since":           {"加入时间", "Since"},
	"mismatch":        {"对方名单中的企业名称与此不同，不影响使用；如需更正请联系管理员。", "The roster has another name for your company. That does no harm; ask an admin to correct it."},
	"next.title":      {"接下来", "What comes next"},
	"next.seen":       {"%s 现在可以在通讯录中看到您，并与您联系。", "%s now sees you in the directory and can reach you."},
	"next.directory":  {"通讯录的页面还没有开放。开放后，您会在那里看到管理员、邀请人，以及本企业已加入的同事。现在您无需再做什么。", "The directory has no page yet. Once it opens, you will find the admins there, who invited you, and colleagues who have joined. For now there is nothing more to do."},
	"next.colleagues": {"同事也要加入？如果这个邀请不是只发给您的，把链接转发给他们即可；否则请联系邀请您的人。", "Colleagues too? If this invite isn’t for you alone, pass the link on; else ask whoever invited you."},

	"waiting":      {"申请已提交，等待审核", "You have applied; an admin decides"},
	"applied":      {"申请时间", "Applied"},
	"waiting.next": {"%s 的管理员会处理您的申请，结果将通知到您的手机。您无需再做什么，也可以随时回到本页查看。", "An admin of %s will decide, and we will tell your phone. There is nothing more to do; this page shows how it stands."},

	"application_declined.reason": {"原因：%s。", "Reason: %s. "},

	"signed_in": {"已登录：%s", "Signed in: %s"},
	"sign_out":  {"退出登录", "Sign out"},
	"retry":     {"再试一次", "Try again"},

	"lost":        {"没有收到回应，可能是网络断了。您填写的内容还在，请再点一次；重复提交不会重复加入。", "There was no answer; the connection may be lost. What you entered is still here: press again. Trying twice never joins twice."},
	"other_phone": {"换一个手机号登录", "Use another phone"},
	"wait":        {"请约 %s 分钟后再试一次。", "Try again in about %s minutes."},
	"kept":        {"您填写的内容已保留。", " What you entered is still here."},
}

type message struct {
	tone   string // of its sign: "bad", "warn", "good"
	zh, en [2]string
}

// messages say what is the matter and what to do next, by the API's codes and
// some of the page's own.
var messages = map[string]message{
	"invite_expired": {"warn", [2]string{"邀请已过期", "请联系邀请您的人，重新发送一个邀请。"},
		[2]string{"This invite has expired", "Ask whoever invited you for a new one."}},
	"invite_revoked": {"warn", [2]string{"邀请已失效", "它已被撤回，或被更新的邀请取代。请使用最近收到的邀请，或联系邀请您的人。"},
		[2]string{"This invite no longer works", "It was withdrawn, or replaced by a newer one. Use the latest you got, or ask whoever invited you."}},
	"invite_exhausted": {"warn", [2]string{"邀请名额已用完", "这个链接能邀请的人数已满。请联系邀请您的人再发一个。"},
		[2]string{"This invite is used up", "As many as it was for have joined. Ask whoever invited you for another."}},
	"chain_dissolved": {"warn", [2]string{"该上下游已解散", "它不再接受加入。如有疑问，请联系邀请您的企业。"},
		[2]string{"This network was dissolved", "Nobody can join any more. Ask the company that invited you if that surprises you."}},
	"not_found": {"bad", [2]string{"没有找到这个邀请", "链接可能不完整。请回到收到邀请的消息重新点开，或请对方再发一次。"},
		[2]string{"We don’t know this invite", "The link may be incomplete. Open it again from the message you got, or ask for it once more."}},

	"phone_not_verified": {"warn", [2]string{"您的手机号尚未验证", "加入上下游需要已验证的手机号。请用能接收短信的手机号重新登录。"},
		[2]string{"Your phone is not verified", "Joining takes a verified phone. Sign in with one that can get an SMS."}},
	"corp_not_eligible": {"bad", [2]string{"这家企业不能加入", "学校、教育行政单位和非正式团队不能加入上下游。请选择另一家企业。"},
		[2]string{"This company can’t join", "Schools, education authorities and informal teams can’t take part. Choose another company."}},
	"not_imported": {"warn", [2]string{"您还不在名单中", "这里只有名单中的企业可以加入。请把您的企业名称和手机号发给邀请您的人，请对方导入名单后再来本页。"},
		[2]string{"You are not on the roster yet", "Only companies on the roster may join. Send your company’s name and your phone to whoever invited you, ask to be added, then come back here."}},
	"bound_to_another": {"warn", [2]string{"这个邀请是发给别人的", "请退出登录，改用收到邀请的手机号，或选择受邀的企业；也可以请邀请人另发一个给您。"},
		[2]string{"This invite is for somebody else", "Sign out and use the phone it was sent to, or choose the company it names, or ask for an invite of your own."}},
	"partner_conflict": {"warn", [2]string{"您的企业需要管理员确认", "同一家单位的同事已用另一家企业加入。管理员会看到您的情况并处理；您也可以改选那家企业。"},
		[2]string{"An admin has to look at this", "A colleague has joined under another company. An admin sees your case and settles it; or choose that company."}},
	"quota_exceeded": {"warn", [2]string{"名额已满", "这个上下游暂时不能再加入。请联系邀请您的人；您填写的内容已保留。"},
		[2]string{"There is no room left", "Nobody can join for now. Tell whoever invited you; what you entered is still here."}},
	"denied": {"warn", [2]string{"这是上下游的主企业", "主企业的成员无需加入。请选择另一家企业。"},
		[2]string{"That company runs this network", "Its people needn’t join. Choose another company."}},
	"not_a_member": {"bad", [2]string{"您已不是这家企业的成员", "请选择另一家企业，或请它的超级管理员将您加入。"},
		[2]string{"You are no longer in that company", "Choose another, or ask its super-admin to add you."}},
	"conflict": {"warn", [2]string{"情况刚刚有变", "请看一下最新内容，再试一次；您填写的内容已保留。"},
		[2]string{"Things have just changed", "Look again, then try once more; what you entered is still here."}},
	"invalid": {"bad", [2]string{"还差一点", "请修改下面标出的内容；您填写的其他内容已保留。"},
		[2]string{"Almost there", "Mend what is marked below; the rest of what you entered is kept."}},
	"busy": {"warn", [2]string{"现在人太多了", "请稍等几秒再试一次；重复提交不会重复加入。"},
		[2]string{"Many people at once", "Wait a few seconds, then try again. Trying twice never joins twice."}},
	"rate_limited": {"warn", [2]string{"操作太频繁了", "请稍等片刻再试一次。"},
		[2]string{"Too many tries", "Wait a moment, then try again."}},
	"internal": {"bad", [2]string{"出了点问题", "问题在我们这边。请再试一次；重复提交不会重复加入。"},
		[2]string{"Something went wrong", "It is our fault. Try again; trying twice never joins twice."}},

	"application_declined": {"warn", [2]string{"上次的申请未通过", "您可以补充信息后再次申请，或联系邀请您的人。"},
		[2]string{"Your application was declined", "You may apply again, or ask whoever invited you."}},
	"form_stale": {"warn", [2]string{"请再点一次", "这个页面放得太久了，为了安全我们没有提交。您填写的内容已保留。"},
		[2]string{"Press once more", "This page was open for long, so to be safe we sent nothing. What you entered is still here."}},
	"form_anew": {"warn", [2]string{"请再看一遍", "登录的人换了，或者这个页面放得太久了；为了安全我们没有提交任何内容。请核对后再操作。"},
		[2]string{"Look once more", "Somebody else has signed in, or this page was open for long, so to be safe we sent nothing. Check what you see, then go on."}},
	"session_over": {"warn", [2]string{"登录已过期", "请重新登录，然后继续；还没有提交任何内容。"},
		[2]string{"Your sign-in has ended", "Sign in again to go on. Nothing was sent."}},
	"session_over_kept": {"warn", [2]string{"登录已过期", "请重新登录：您填写的内容已保留，登录后即可继续。还没有提交任何内容。"},
		[2]string{"Your sign-in has ended", "Sign in again: what you entered is kept and will be there. Nothing was sent."}},
	"form_kept": {"warn", [2]string{"还没有提交", "您填写的内容已恢复。请看一下，再点一次按钮。"},
		[2]string{"Not sent yet", "What you entered is back. Look it over, then press the button once more."}},
	"unreadable": {"bad", [2]string{"无法读取您填写的内容", "它可能太长。请再试一次，填写得短一些；还没有提交任何内容。"},
		[2]string{"We couldn’t read what you entered", "It may be too long. Try again and enter less; nothing was sent."}},
	"start": {"good", [2]string{"请打开您收到的邀请", "它在微信或短信里，点开链接即可加入。"},
		[2]string{"Open the invite you got", "It is in a chat or a text message; tap its link to join."}},
	"said_no": {"good", [2]string{"已告知对方您不加入", "改变主意的话，在邀请有效期内仍可在此加入。"},
		[2]string{"We have told them no", "If you change your mind, you can still join here while the invite lives."}},
	"blocked": {"good", [2]string{"不会再收到此上下游的通知", "您仍可在此加入。"},
		[2]string{"No more notices from this network", "You can still join here."}},
	"sign_in_failed": {"warn", [2]string{"登录没有完成", "它可能已被取消、超时，或这一步已经用过。请回到邀请链接，重新登录。"},
		[2]string{"Signing in didn’t finish", "It was cancelled, took too long, or this step was used before. Open the invite again and sign in anew."}},
	"signed_out": {"good", [2]string{"您已退出登录", "需要时重新打开邀请链接即可。"},
		[2]string{"You are signed out", "Open the invite again whenever you like."}},
}
