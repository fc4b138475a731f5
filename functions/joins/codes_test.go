package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/tributary-app/tributary/shared/contract"
	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

// wrong is a request of the seventh person that is refused.
type wrong struct {
	who    web.Claims
	token  string
	body   string
	header []string
}

// refusals have each code that the document names for looking and joining.
var refusals = map[string]func(t *testing.T, w *world) wrong{
	"invalid":       func(_ *testing.T, w *world) wrong { return wrong{claims(7), w.token, `{}`, nil} },
	"unknown_field": func(_ *testing.T, w *world) wrong { return wrong{claims(7), w.token, `{"corp":"x"}`, nil} },
	"too_large": func(_ *testing.T, w *world) wrong {
		return wrong{claims(7), w.token, `{"name":"` + strings.Repeat("x", 65<<10) + `"}`, nil}
	},
	"unsupported_media_type": func(_ *testing.T, w *world) wrong {
		return wrong{claims(7), w.token, anew("A"), []string{"Content-Type", "text/plain"}}
	},
	"unauthenticated": func(_ *testing.T, w *world) wrong { return wrong{web.Claims{}, w.token, anew("A"), nil} },
	"phone_not_verified": func(_ *testing.T, w *world) wrong {
		who := claims(7)
		who.PhoneVerified = false
		return wrong{who, w.token, anew("A"), nil}
	},
	"not_a_member": func(_ *testing.T, w *world) wrong { return wrong{claims(7), w.token, under(w.owner), nil} },
	"denied":       func(_ *testing.T, w *world) wrong { return wrong{w.boss, w.token, under(w.owner), nil} },
	"corp_not_eligible": func(_ *testing.T, w *world) wrong {
		return wrong{claims(7), w.token, `{"new_corp":{"name":"A","industry":"初中等教育"}}`, nil}
	},
	"not_imported": func(t *testing.T, w *world) wrong {
		w.policy(t, network.ImportedOnly)
		return wrong{claims(7), w.token, anew("A"), nil}
	},
	"bound_to_another": func(t *testing.T, w *world) wrong {
		return wrong{claims(7), w.link(t, network.Invite{Phone: phone(8)}), anew("A"), nil}
	},
	"partner_conflict": func(t *testing.T, w *world) wrong {
		tokens := w.roster(t, row("Acme", 7), row("Acme", 8))
		w.join(t, claims(8), tokens[1], anew("Acme")).want(t, 201, "")
		return wrong{claims(7), tokens[0], under(w.corp(t, "Beta", claims(7))), nil}
	},
	"quota_exceeded": func(t *testing.T, w *world) wrong {
		w.join(t, claims(8), w.token, anew("Full")).want(t, 201, "")
		return wrong{claims(7), w.token, anew("A"), nil}
	},
	"not_found": func(_ *testing.T, w *world) wrong { return wrong{claims(7), "nonsense", anew("A"), nil} },
	"invite_expired": func(_ *testing.T, w *world) wrong {
		w.now = noon.Add(7 * 24 * time.Hour)
		return wrong{claims(7), w.token, anew("A"), nil}
	},
	"invite_revoked": func(t *testing.T, w *world) wrong {
		if _, err := w.RevokeInvite(t.Context(), chainID, inviteID, w.now); err != nil {
			t.Fatal(err)
		}
		return wrong{claims(7), w.token, anew("A"), nil}
	},
	"invite_exhausted": func(t *testing.T, w *world) wrong {
		token := w.link(t, network.Invite{MaxUses: 1})
		w.join(t, claims(8), token, anew("First")).want(t, 201, "")
		return wrong{claims(7), token, anew("A"), nil}
	},
	"chain_dissolved": func(t *testing.T, w *world) wrong {
		if err := w.DissolveChain(t.Context(), chainID, 0, w.now); err != nil {
			t.Fatal(err)
		}
		return wrong{claims(7), w.token, anew("A"), nil}
	},
	"rate_limited": func(t *testing.T, w *world) wrong {
		for range 100 {
			w.look(t, "nonsense").want(t, 404, "not_found")
		}
		return wrong{claims(7), "nonsense", anew("A"), nil}
	},
	"busy":     failing(dynamotest.Throttle),
	"internal": failing(dynamotest.Before),
}

func failing(f dynamotest.Fault) func(*testing.T, *world) wrong {
	return func(_ *testing.T, w *world) wrong {
		w.tb.Break = func(string, int) dynamotest.Fault { return f }
		return wrong{claims(7), w.token, anew("A"), nil}
	}
}

func TestEachCodeOfLookingAndJoiningIsAnsweredAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		codes := contract.Codes(t, method+" /v1/join/{token}")
		if len(codes) == 0 {
			t.Fatalf("the document names no codes of %s", method)
		}
		for _, code := range codes {
			t.Run(method+" "+code, func(t *testing.T) {
				t.Parallel()
				refused, ok := refusals[code]
				if !ok {
					t.Fatal("no request has it")
				}
				w := setupWith(t, func(c *network.Chain) {
					if code == "quota_exceeded" {
						c.PartnerLimit = 1
					}
				})
				q := refused(t, w)
				if method == http.MethodGet {
					q.who, q.body = web.Claims{}, ""
				}
				said := map[string]string{}
				for _, lang := range []string{"zh-CN", "en"} {
					got := w.as(t, q.who, method, "/v1/join/"+q.token, q.body, append(q.header, "Accept-Language", lang)...)
					if got.code() != code {
						t.Fatalf("got %d %s", got.Code, got.Body)
					}
					said[lang] = got.text("detail")
					if said[lang] == "" || said[lang] == got.text("title") || strings.ContainsFunc(said[lang], han) != (lang == "zh-CN") {
						t.Errorf("%s: got %q after %q, want advice in that language", lang, said[lang], got.text("title"))
					}
				}
			})
		}
	}
	known := slices.Concat(contract.Codes(t, "GET /v1/join/{token}"), contract.Codes(t, "POST /v1/join/{token}"))
	for code := range refusals {
		if !slices.Contains(known, code) {
			t.Errorf("the document names no %s", code)
		}
	}
}

func han(r rune) bool { return unicode.Is(unicode.Han, r) }
