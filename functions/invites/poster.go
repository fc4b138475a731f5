package main

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"strings"

	"rsc.io/qr"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

// A poster is drawn in millimetres of A4; A6 is the same at half the size, as
// near as makes no difference (105 × 148.5 for 148).
const (
	paperWidth, paperHeight = 210, 297

	margin    = 15            // mm: no printer prints to the edge
	headingAt = 34            // a baseline
	namesFrom = headingAt + 8 // where the chain's and the inviter's names have their place,
	namesTo   = codeAt - 3    // in the middle of it
	codeAt    = 108
	codeMM    = 124 // the code, quiet zone included: on A6 a module is 1 mm and more
	leading   = 1.25
)

// poster is a page to print and hang up: which chain, who invites, the code and
// until when it opens. Of an invite that is dead there is none (R14).
func (i *invites) poster(w http.ResponseWriter, r *http.Request) error {
	q, err := web.Query(r, "paper", "lang")
	if err != nil {
		return err
	}
	paper, err := q.OneOf("paper", "A4", "A6")
	if err != nil {
		return err
	}
	lang, err := q.OneOf("lang", string(web.Chinese), string(web.English))
	if err != nil {
		return err
	}
	if lang == "" {
		lang = string(web.Language(r))
	}
	a, invite, err := i.named(r)
	if err != nil {
		return err
	}
	if err := invite.Usable(a.Chain, i.now()); err != nil {
		return err
	}
	code, err := i.codeOf(invite)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Language", lang)
	return picture(w, "image/svg+xml", posterOf(code, a.Chain, invite, paper == "A6", lang == string(web.English)))
}

func posterOf(code *qr.Code, c network.Chain, v network.Invite, small, english bool) []byte {
	lang, heading, by, how, until := "zh-CN", "邀请您加入上下游", "邀请人：%s", "微信扫一扫，查看详情并加入", "有效期至 %s（北京时间）"
	if english {
		lang, heading, by, how, until = "en", "You are invited to join", "Invited by %s", "Scan to see what it is, and to join", "Valid until %s, Beijing time"
	}
	width, height := "210mm", "297mm"
	if small {
		width, height = "105mm", "148mm"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" xml:lang="%s" width="%s" height="%s" viewBox="0 0 %d %d">`, lang, width, height, paperWidth, paperHeight)
	fmt.Fprintf(&b, `<title>%s</title><path fill="#fff" d="M0 0h%dv%dH0z"/>`, html.EscapeString(network.Shown(c.Name)), paperWidth, paperHeight)
	fmt.Fprintf(&b, `<g text-anchor="middle" fill="#111" font-family="PingFang SC, Microsoft YaHei, Noto Sans CJK SC, Noto Sans SC, Helvetica, Arial, sans-serif">`)
	write(&b, headingAt, fit(heading, 9, 0))
	title, inviter := fit(c.Name, 20, 15), fit(fmt.Sprintf(by, v.MakerName), 8.5, 7)
	title.weight = ` font-weight="bold"`
	const gap = 6
	top := namesFrom + (namesTo-namesFrom-title.height()-gap-inviter.height())/2
	write(&b, top+title.size, title)
	write(&b, top+title.height()+gap+inviter.size, inviter)
	write(&b, codeAt+codeMM+14, fit(how, 10, 0))
	write(&b, codeAt+codeMM+28, fit(fmt.Sprintf(until, network.Tell(v.ExpiresAt(c), english)), 7.5, 0))
	fmt.Fprintf(&b, `</g><g transform="translate(%d %d) scale(%.6f)" shape-rendering="crispEdges">`,
		(paperWidth-codeMM)/2, codeAt, float64(codeMM)/float64(code.Size+2*quiet))
	draw(&b, code)
	b.WriteString("</g></svg>")
	return b.Bytes()
}

// text is broken into lines of size mm.
type text struct {
	size   float64
	lines  []string
	weight string
}

func (t text) height() float64 { return float64(len(t.lines)) * t.size * leading }

// write writes a text in the middle, its first baseline at y.
func write(b *bytes.Buffer, y float64, t text) {
	for n, l := range t.lines {
		fmt.Fprintf(b, `<text x="%d" y="%.1f" font-size="%.2f"%s>%s</text>`, paperWidth/2, y+float64(n)*t.size*leading, t.size, t.weight, html.EscapeString(l))
	}
}

// fit is a text on one line, as large as the paper allows but no larger than one;
// where it would be smaller than two, on two lines of about the same length. 0 is
// always one.
func fit(s string, one, two float64) text {
	s = network.Shown(s)
	for size := one; ; size *= 0.96 {
		most, width := 1, (paperWidth-2*margin)/size
		if size < two {
			most = 2
		}
		lines := wrap(s, width)
		if len(lines) > most {
			continue
		}
		for most = len(lines); width > 1; width *= 0.98 {
			narrower := wrap(s, width)
			if len(narrower) > most {
				break
			}
			lines = narrower
		}
		return text{size: size, lines: lines}
	}
}

// wrap breaks a text into lines of at most width em: at spaces where there are
// any, else between two characters.
func wrap(s string, width float64) []string {
	var lines []string
	for s != "" {
		used, end, space := 0.0, len(s), 0
		for at, r := range s {
			if used += em(r); used > width && at > 0 {
				end = at
				break
			}
			if r == ' ' {
				space = at
			}
		}
		if end < len(s) && s[end] != ' ' && space > 0 {
			end = space
		}
		lines = append(lines, strings.TrimSpace(s[:end]))
		s = strings.TrimSpace(s[end:])
	}
	return append(lines, "")[:max(len(lines), 1)]
}

// em is about how wide a character is, rather too wide than too narrow: which
// font prints it we don't know.
func em(r rune) float64 {
	switch {
	case r >= 0x1100:
		return 1 // Chinese, and whatever else stands as wide
	case r > '~', r >= 'A' && r <= 'Z', r == 'm', r == 'w', r == '@', r == '%':
		return 0.95
	case strings.ContainsRune(" .,:;'ijlfrt", r):
		return 0.42
	}
	return 0.62
}
