package roster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/tributary-app/tributary/shared/roster/form"
)

// kind is what a file's first bytes say it is, of what can be read.
type kind int

const (
	zipped kind = iota
	text
)

const (
	oleMagic = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" // compound file: .xls, or an .xlsx under a password
	utf16LE  = "\xff\xfe"
	utf16BE  = "\xfe\xff"
	utf8BOM  = "\xef\xbb\xbf"
)

// sniff tells a workbook from text, and says what a file is that is neither.
func sniff(r io.ReaderAt, size int64) (kind, error) {
	head := make([]byte, min(size, 4096))
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), head); err != nil {
		return 0, fmt.Errorf("read roster: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return zipped, nil
	case bytes.HasPrefix(head, []byte(oleMagic)):
		return 0, compoundFile(r, size)
	case len(head) > 4 && head[0] == 0x09 && head[2] <= 16 && head[3] == 0 && strings.IndexByte("\x00\x02\x04\x08", head[1]) >= 0:
		// The first record of Excel 2 to 5, which is at most 16 bytes long.
		return 0, fileError(form.LegacyXLS, "a BIFF stream")
	case bytes.HasPrefix(head, []byte(utf16LE)), bytes.HasPrefix(head, []byte(utf16BE)):
		return text, nil
	case bytes.IndexByte(head, 0) >= 0:
		return 0, fileError(form.NotAWorkbook, "binary data")
	}
	words := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(string(head), utf8BOM)))
	for _, known := range []struct{ prefix, what string }{
		{"<!doctype html", "HTML"}, {"<html", "HTML"}, {"<head", "HTML"}, {"<meta", "HTML"}, {"<table", "HTML"}, {"<body", "HTML"},
		{"<?xml", "XML"}, {"<workbook", "XML"}, {"mime-version:", "a web archive"}, {"%pdf-", "PDF"}, {"{\\rtf", "RTF"},
	} {
		if strings.HasPrefix(words, known.prefix) {
			return 0, fileError(form.NotAWorkbook, known.what)
		}
	}
	return text, nil
}

// compoundFile says which of Microsoft's older files this is, by the names in
// its directory, which are UTF-16 and stand anywhere in the file.
func compoundFile(r io.ReaderAt, size int64) error {
	found := map[string]bool{}
	const step, overlap = 1 << 20, 64
	buf := make([]byte, step+overlap)
	for off := int64(0); off < size; off += step {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		if n == 0 && err != nil {
			return fmt.Errorf("read roster: %w", err)
		}
		for _, name := range []string{"EncryptedPackage", "Workbook", "Book"} {
			found[name] = found[name] || bytes.Contains(buf[:n], utf16Bytes(name))
		}
	}
	switch {
	case found["EncryptedPackage"]:
		return fileError(form.PasswordProtected, "an encrypted package")
	case found["Workbook"], found["Book"]:
		return fileError(form.LegacyXLS, "a compound file with a workbook")
	}
	return fileError(form.NotAWorkbook, "a compound file without a workbook")
}

func utf16Bytes(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}
