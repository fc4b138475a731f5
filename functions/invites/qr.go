package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
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
	return picture(w, "image/png", raster(code, size))
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
// modules as large as whole pixels allow. It is written by hand, since
// image/png weighs 0.1 MB and a door may weigh 9.
func raster(c *qr.Code, size int) []byte {
	size = max(size, c.Size+2*quiet) // a URL so long needs more
	scale := size / (c.Size + 2*quiet)
	from := (size - c.Size*scale) / 2
	var rows bytes.Buffer
	z := zlib.NewWriter(&rows) // into memory, which doesn't fail
	row := make([]byte, 1+(size+7)/8)
	for y := range size {
		if y == 0 || y >= from && (y-from)%scale == 0 { // else it is as the one above
			clear(row) // begins with the filter: none
			for x := range size {
				black := x >= from && y >= from && c.Black((x-from)/scale, (y-from)/scale)
				if !black {
					row[1+x/8] |= 0x80 >> (x % 8)
				}
			}
		}
		z.Write(row)
	}
	z.Close()

	head := binary.BigEndian.AppendUint32(nil, uint32(size))
	head = binary.BigEndian.AppendUint32(head, uint32(size))
	head = append(head, 1, 0, 0, 0, 0) // a bit a pixel, grey; nothing out of the ordinary
	b := []byte("\x89PNG\r\n\x1a\n")
	b = chunk(b, "IHDR", head)
	b = chunk(b, "IDAT", rows.Bytes())
	return chunk(b, "IEND", nil)
}

// chunk adds a chunk of a PNG: length, name, data, checksum of the last two.
func chunk(b []byte, name string, data []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	from := len(b)
	b = append(append(b, name...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[from:]))
}

// vector is the code as an SVG of one path: each run of black modules a
// rectangle.
func vector(c *qr.Code) []byte {
	var b bytes.Buffer
	side := c.Size + 2*quiet
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`, side, side)
	fmt.Fprintf(&b, `<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, side, side)
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			run := 0
			for c.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes()
}
