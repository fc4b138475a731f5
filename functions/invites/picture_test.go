package main

import (
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"

	"github.com/tributary-app/tributary/shared/network"
)

// decode reads a picture as a phone does, with a decoder that isn't of the room
// that makes the codes: what it says, and how much may be scratched off.
func decode(t *testing.T, img image.Image) (url, level string) {
	t.Helper()
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	got, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil {
		t.Fatalf("no code is found: %v", err)
	}
	return got.GetText(), fmt.Sprint(got.GetResultMetadata()[gozxing.ResultMetadataType_ERROR_CORRECTION_LEVEL])
}

var (
	path4   = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
	placed  = regexp.MustCompile(`<g transform="translate\((\d+) (\d+)\) scale\(([\d.]+)\)"[^>]*>(.*)</g></svg>$`)
	written = regexp.MustCompile(`<text x="105" y="([\d.]+)" font-size="([\d.]+)"[^>]*>([^<]*)</text>`)
	whole   = regexp.MustCompile(`M0 0h(\d+)v(\d+)H0z`)
)

// drawn is the code of an SVG's paths, ten pixels a module, on grey: what isn't
// drawn white is seen.
func drawn(t *testing.T, svg string) image.Image {
	t.Helper()
	side := whole.FindStringSubmatch(svg)
	if side == nil {
		t.Fatalf("no ground is drawn: %.200s", svg)
	}
	n, _ := strconv.Atoi(side[1])
	img := image.NewGray(image.Rect(0, 0, 10*n, 10*n))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for _, m := range path4.FindAllStringSubmatch(svg, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		run, _ := strconv.Atoi(m[3])
		for py := 10 * y; py < 10*y+10; py++ {
			for px := 10 * x; px < 10*(x+run); px++ {
				img.SetGray(px, py, color.Gray{})
			}
		}
	}
	return img
}

func TestR10_AnotherDecoderReadsTheURLFromAllPictures(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := path + "/" + inviteID
	url := w.as(t, w.boss, "GET", at, "").want(t, 200, "").text("url")
	check := func(what string, img image.Image) {
		t.Helper()
		got, level := decode(t, img)
		if got != url || level != decoder.ErrorCorrectionLevel_M.String() && level != decoder.ErrorCorrectionLevel_Q.String() && level != decoder.ErrorCorrectionLevel_H.String() {
			t.Errorf("%s: got %s at level %s, want %s at M or better", what, got, level, url)
		}
	}
	for _, size := range []int{128, 129, 300, 512, 2048} {
		img, err := png.Decode(w.as(t, w.boss, "GET", fmt.Sprint(at, "/qr.png?size=", size), "").want(t, 200, "").Body)
		if err != nil {
			t.Fatal(err)
		}
		check(fmt.Sprint("PNG of ", size), img)
	}
	check("SVG", drawn(t, w.as(t, w.boss, "GET", at+"/qr.svg", "").want(t, 200, "").Body.String()))
	for _, query := range []string{"", "?paper=A6", "?paper=A4&lang=en"} {
		poster := w.as(t, w.boss, "GET", at+"/poster.svg"+query, "").want(t, 200, "").Body.String()
		part := placed.FindStringSubmatch(poster)
		if part == nil {
			t.Fatalf("%s: no code is drawn: %.300s", query, poster)
		}
		check("poster"+query, drawn(t, part[4]))
	}
}

func TestASizeThatIsNoneIsRefusedByItsName(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for query, field := range map[string]string{
		"/qr.png?size=127": "size", "/qr.png?size=2049": "size", "/qr.png?size=-1": "size", "/qr.png?size=": "size", "/qr.png?size=1e3": "size",
		"/poster.svg?paper=A5": "paper", "/poster.svg?paper=": "paper", "/poster.svg?lang=fr": "lang", "/poster.svg?size=9": "size",
	} {
		if got := w.as(t, w.boss, "GET", path+"/"+inviteID+query, "").want(t, 400, "invalid"); got.field() != field {
			t.Errorf("%s: got field %q, want %q", query, got.field(), field)
		}
	}
}

func TestAPosterSaysWhichChainWhoInvitesAndUntilWhen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := path + "/" + inviteID + "/poster.svg"
	zh := w.as(t, w.boss, "GET", at, "").want(t, 200, "")
	en := w.as(t, w.boss, "GET", at+"?paper=A6", "", "Accept-Language", "en").want(t, 200, "")
	for poster, want := range map[string][]string{
		zh.Body.String(): {`width="210mm" height="297mm"`, ">Dealers<", ">邀请人：Boss<", ">有效期至 2026年11月29日 20:00（北京时间）<"},
		en.Body.String(): {`width="105mm" height="148mm"`, ">Dealers<", ">Invited by Boss<", ">Valid until 29 November 2026, 20:00, Beijing time<"},
	} {
		for _, s := range want {
			if !strings.Contains(poster, s) {
				t.Errorf("got %.900s, want %s in it", poster, s)
			}
		}
	}
	if en.Header().Get("Content-Language") != "en" || zh.Header().Get("Content-Language") != "zh-CN" || zh.Header().Get("Content-Type") != "image/svg+xml" {
		t.Errorf("got %v, %v", zh.Header(), en.Header())
	}
	w.do(t, w.boss, inviteID, "revoke").want(t, 200, "")
	w.as(t, w.boss, "GET", at, "").want(t, 410, "invite_revoked")
	short := w.create(t, w.boss, `{"expires_in":1}`).text("invite_id")
	w.now = noon.Add(2e9)
	w.as(t, w.boss, "GET", path+"/"+short+"/poster.svg", "").want(t, 410, "invite_expired")
	w.as(t, w.staff, "GET", at, "").want(t, 404, "not_found")
}

// Names as long and as odd as they may be, and as no name should be: each line
// stays on the paper, and the page is XML.
func TestAPosterHoldsAnyName(t *testing.T) {
	t.Parallel()
	w := setup(t)
	code, err := (&invites{tokens: keys, web: "https://join.example"}).codeOf(network.Invite{ID: inviteID, Chain: chainID, Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"X", strings.Repeat("限", 32), strings.Repeat("W", 32), "East China Dealers and Suppliers", strings.Repeat("ab ", 10) + "c", `</text><script>alert(1)</script>`, `"&'<>` + "\x00\x0b\ufffe",
		strings.Repeat("w", 31) + " ",
	} {
		c := w.chain
		c.Name = name
		for _, english := range []bool{true, false} {
			svg := string(posterOf(code, c, network.Invite{MakerName: name, CreatedAt: noon}, false, english))
			d := xml.NewDecoder(strings.NewReader(svg))
			for {
				tok, err := d.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%q: %v", name, err)
				}
				if e, ok := tok.(xml.StartElement); ok && e.Name.Local != "svg" && e.Name.Local != "g" && e.Name.Local != "path" && e.Name.Local != "text" && e.Name.Local != "title" {
					t.Errorf("%q: got an element %s", name, e.Name.Local)
				}
			}
			bottom := 0.0
			for _, m := range written.FindAllStringSubmatch(svg, -1) {
				y, _ := strconv.ParseFloat(m[1], 64)
				size, _ := strconv.ParseFloat(m[2], 64)
				var shown struct {
					Text string `xml:",chardata"`
				}
				if err := xml.Unmarshal([]byte("<a>"+m[3]+"</a>"), &shown); err != nil || !utf8.ValidString(shown.Text) {
					t.Errorf("%q: %v", m[3], err)
				}
				width := 0.0
				for _, r := range shown.Text {
					width += em(r) * size
				}
				if width > paperWidth-2*margin+0.1 || y-size < bottom || y > paperHeight-margin || size < 5 { // 2.5 mm on A6
					t.Errorf("%q: %q at %.1f of %.1f is %.1f wide, below %.1f", name, shown.Text, y, size, width, bottom)
				}
				bottom = y
			}
		}
	}
}

func TestACodeHasFourModulesOfWhiteAroundIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	svg := w.as(t, w.boss, "GET", path+"/"+inviteID+"/qr.svg", "").Body.String()
	n, _ := strconv.Atoi(whole.FindStringSubmatch(svg)[1])
	for _, m := range path4.FindAllStringSubmatch(svg, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		run, _ := strconv.Atoi(m[3])
		if x < 4 || y < 4 || x+run > n-4 || y+1 > n-4 {
			t.Errorf("%s lies in the quiet zone", m[0])
		}
	}
}
