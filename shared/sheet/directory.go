package sheet

import (
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// Heading is the first row of an exported directory, in Chinese unless lang is
// "en".
func Heading(lang string) []string {
	if lang == "en" {
		return []string{"Group", "Company", "Alias", "Custom company ID", "State", "Contact", "Identity", "Phone", "Joined at (UTC)"}
	}
	return []string{"上下游分组", "企业名称", "备注名", "自定义企业ID", "状态", "联系人姓名", "身份", "手机号", "加入时间 (UTC)"}
}

var states = map[network.PartnerState]string{
	network.PartnerPending: "未加入", network.PartnerJoined: "已加入", network.PartnerEmpty: "已无成员",
}

// Directory is a row of an exported directory, in the order of its Heading.
func Directory(r network.ExportRow, lang string) []string {
	state := string(r.State)
	if lang != "en" {
		state = states[r.State]
	}
	joined := ""
	if !r.JoinedAt.IsZero() {
		joined = r.JoinedAt.UTC().Format(time.DateTime)
	}
	return []string{r.Group, r.Name, r.Alias, r.CustomID, state, r.Contact, r.Identity, r.Phone, joined}
}
