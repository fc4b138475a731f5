package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/network"
)

// ETag is the entity tag of a resource in that version.
func ETag(version int) string { return `"` + strconv.Itoa(version) + `"` }

// Workbook is the media type of an Excel workbook.
const Workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// WorkbookHead says of an answer that it is a workbook to save under that
// name, in the language that was chosen by LanguageAsked.
func WorkbookHead(w http.ResponseWriter, file string, lang Lang) {
	h := w.Header()
	h.Set("Content-Type", Workbook)
	h.Set("Content-Disposition", `attachment; filename="`+file+`"`)
	h.Set("Content-Language", string(lang))
	h.Set("Vary", "Accept-Language")
}

// IfMatch is the version that an edit was made of. ok is false when the
// caller doesn't care: no header, or "*". A tag that is none of ours is
// ErrPrecondition, for it can't be the present one; what is no tag is invalid.
func IfMatch(r *http.Request) (version int, ok bool, err error) {
	s := strings.TrimSpace(r.Header.Get("If-Match"))
	if s == "" || s == "*" {
		return 0, false, nil
	}
	s = strings.TrimPrefix(s, "W/") // a proxy that compresses weakens tags
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' || strings.Contains(s[1:len(s)-1], `"`) {
		return 0, false, network.InvalidField("If-Match", "malformed", "If-Match must be one quoted entity tag, as ETag gave it.")
	}
	version, err = strconv.Atoi(s[1 : len(s)-1])
	if err != nil || ETag(version) != s { // "+3" and "03" are no tags of ours
		return 0, false, network.ErrPrecondition
	}
	return version, true, nil
}

// IdempotencyKey is the caller's name for this request, "" when they give
// none: 1–64 printable ASCII characters, else invalid.
func IdempotencyKey(r *http.Request) (string, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	ok := len(values) == 1 && len(key) >= 1 && len(key) <= 64
	for _, c := range []byte(key) {
		ok = ok && c >= ' ' && c <= '~'
	}
	if !ok {
		return "", network.InvalidField("Idempotency-Key", "malformed", "Idempotency-Key must be 1 to 64 printable ASCII characters.")
	}
	return key, nil
}
