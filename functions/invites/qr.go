package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"

	"rsc.io/qr"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

// quiet is the white border that readers need around a code, in modules
// (ISO/IEC 18004).
const quiet = 4

// Sizes of a PNG, in pixels.
const (
	minSize     = 128
	maxSize     = 2048
	defaultSize = 512
)

// code is the invite's URL as a QR code. Level M: a sticker with an eighth of
// it scratched off still opens.
func (i *invites) code(r *http.Request) (*qr.Code, error) {
	_, invite, err := i.named(r)
	if err != nil {
		return nil, err
	}
	return i.codeOf(invite)
}

func (i *invites) codeOf(invite network.Invite) (*qr.Code, error) {
	token, err := i.token(invite)
	if err != nil {
		return nil, err
	}
	return qr.Encode(i.url(token), qr.M)
}

func (i *invites) png(w http.ResponseWriter, r *http.Request) error {
	q, err := web.Query(r, "size")
	if err != nil {
		return err
	}
	size, err := q.Int("size", defaultSize)
	if err != nil {
		return err
	}
	if size < minSize || size > maxSize {
		return network.InvalidField("size", "out_of_range", fmt.Sprintf("size is %d to %d pixels", minSize, maxSize))
	}
	code, err := i.code(r)
	if err != nil {
		return err
	}
	b, err := raster(code, size)
	if err != nil {
		return err
	}
	return picture(w, "image/png", b)
}

func (i *invites) svg(w http.ResponseWriter, r *http.Request) error {
	code, err := i.code(r)
	if err != nil {
		return err
	}
	return picture(w, "image/svg+xml", vector(code))
}

func picture(w http.ResponseWriter, contentType string, b []byte) error {
	w.Header().Set("Content-Type", contentType)
	_, err := w.Write(b)
	return err
}

// raster is the code in the middle of a PNG of size by size pixels, its
// modules as large as whole pixels allow.
func raster(c *qr.Code, size int) ([]byte, error) {
	size = max(size, c.Size+2*quiet) // a URL so long needs more
	scale := size / (c.Size + 2*quiet)
	from := (size - c.Size*scale) / 2
	picture := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black}) // a bit a pixel
	for y := from; y < from+c.Size*scale; y++ {
		for x := from; x < from+c.Size*scale; x++ {
			if c.Black((x-from)/scale, (y-from)/scale) {
				picture.SetColorIndex(x, y, 1)
			}
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, picture)
	return b.Bytes(), err
}

// vector is the code as an SVG of one path: each run of black modules a
// rectangle.
func vector(c *qr.Code) []byte {
	var b bytes.Buffer
	side := c.Size + 2*quiet
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`, side, side)
	draw(&b, c)
	b.WriteString("</svg>")
	return b.Bytes()
}

// draw draws the code with its quiet zone, a module a unit, from the origin on.
func draw(b *bytes.Buffer, c *qr.Code) {
	side := c.Size + 2*quiet
	fmt.Fprintf(b, `<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, side, side)
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			run := 0
			for c.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	b.WriteString(`"/>`)
}
