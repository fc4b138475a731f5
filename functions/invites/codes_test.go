package main

import (
	"strings"
	"testing"
	"unicode"

	"github.com/tributary-app/tributary/shared/contract"
	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// wrong is what makes a request of the boss's, right otherwise, one that is refused.
type wrong struct {
	who    *web.Claims
	body   string
	header []string
}

// refusals have each code that the document names for making an invite and
// for bringing a WeChat group. good is the request's body as it is right.
var refusals = map[string]func(t *testing.T, w *world, path, good string) wrong{
	"invalid":       func(*testing.T, *world, string, string) wrong { return wrong{body: `{`} },
	"unknown_field": func(*testing.T, *world, string, string) wrong { return wrong{body: `{"x":1}`} },
	"too_large": func(*testing.T, *world, string, string) wrong {
		return wrong{body: `{"note":"` + strings.Repeat("x", 2<<20) + `"}`}
	},
	"unsupported_media_type": func(_ *testing.T, _ *world, _, good string) wrong {
		return wrong{body: good, header: []string{"Content-Type", "text/plain"}}
	},
	"idempotency_mismatch": func(t *testing.T, w *world, path, good string) wrong {
		key := []string{"Idempotency-Key", "a-key-of-theirs-1"}
		w.as(t, w.boss, "POST", path, good, key...).want(t, 201, "")
		return wrong{body: strings.Replace(good, "甲", "乙", 1), header: key}
	},
	"unauthenticated": func(_ *testing.T, _ *world, _, good string) wrong { return wrong{who: &web.Claims{}, body: good} },
	"phone_not_verified": func(_ *testing.T, w *world, _, good string) wrong {
		who := w.boss
		who.PhoneVerified = false
		return wrong{who: &who, body: good}
	},
	"corp_required": func(t *testing.T, w *world, _, good string) wrong {
		w.corp(t, "Second", w.boss)
		return wrong{body: good}
	},
	"not_a_member": func(_ *testing.T, w *world, _, good string) wrong {
		return wrong{body: good, header: []string{"Tributary-Corp", w.dealer.ID}}
	},
	"not_found": func(t *testing.T, w *world, _, good string) wrong {
		who := claims(9)
		w.corp(t, "Strangers", who)
		return wrong{who: &who, body: strings.ReplaceAll(good, w.boss.Phone, who.Phone)}
	},
	"group_not_found": func(*testing.T, *world, string, string) wrong { return wrong{body: `{"group_id":99}`} },
	"denied": func(t *testing.T, w *world, _, good string) wrong {
		no := false
		w.edit(t, network.ChainEdit{MembersMayInvite: &no})
		return wrong{who: &w.staff, body: strings.ReplaceAll(good, w.boss.Phone, w.staff.Phone)}
	},
	"corp_not_eligible": func(t *testing.T, w *world, _, good string) wrong {
		school := network.Schooling
		if _, err := w.EditCorp(t.Context(), w.owner, store.CorpEdit{Industry: &school}); err != nil {
			t.Fatal(err)
		}
		return wrong{body: good}
	},
	"name_taken": func(t *testing.T, w *world, path, good string) wrong {
		w.as(t, w.boss, "POST", path, good).want(t, 201, "")
		return wrong{body: strings.Replace(good, "甲", "乙", 1)}
	},
	"customer_group": func(_ *testing.T, _ *world, _, good string) wrong {
		return wrong{body: strings.Replace(good, `{`, `{"customer_group":true,`, 1)}
	},
	"busy":     failing(dynamotest.Throttle),
	"internal": failing(dynamotest.Before),
}

func failing(f dynamotest.Fault) func(*testing.T, *world, string, string) wrong {
	return func(_ *testing.T, w *world, _, good string) wrong {
		w.tb.Break = func(string, int) dynamotest.Fault { return f }
		return wrong{body: good}
	}
}

func TestEachCodeOfInvitingIsAnsweredAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	answered := map[string]bool{}
	for what, good := range map[string]string{
		"invites":          `{"note":"甲"}`,
		"group-migrations": migration("华东群", claims(1), `{"name":"甲","phone":"13900000005"}`),
	} {
		codes := contract.Codes(t, "POST /v1/chains/{chain_id}/"+what)
		if len(codes) == 0 {
			t.Fatalf("the document names no codes of %s", what)
		}
		path := "/v1/chains/" + chainID + "/" + what
		for _, code := range codes {
			answered[code] = true
			t.Run(what+" "+code, func(t *testing.T) {
				t.Parallel()
				refused, ok := refusals[code]
				if !ok {
					t.Fatal("no request has it")
				}
				w := setup(t)
				q := refused(t, w, path, good)
				if q.who == nil {
					q.who = &w.boss
				}
				for _, lang := range []string{"zh-CN", "en"} {
					got := w.as(t, *q.who, "POST", path, q.body, append(q.header, "Accept-Language", lang)...)
					if got.text("code") != code {
						t.Fatalf("got %d %s", got.Code, got.Body)
					}
					said := got.text("detail")
					chinese := strings.ContainsFunc(said, func(r rune) bool { return unicode.Is(unicode.Han, r) })
					if said == "" || said == got.text("title") || chinese != (lang == "zh-CN") {
						t.Errorf("%s: got %q after %q, want advice in that language", lang, said, got.text("title"))
					}
				}
			})
		}
	}
	for code := range refusals {
		if !answered[code] {
			t.Errorf("the document names no %s", code)
		}
	}
}
