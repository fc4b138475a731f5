package web

import (
	"net/http"
	"strconv"
	"strings"
)

// Lang is a language that we write.
type Lang string

// Chinese is for whoever doesn't ask for English.
const (
	Chinese Lang = "zh-CN"
	English Lang = "en"
)

// Language is the one of ours that the reader likes best, by Accept-Language.
func Language(r *http.Request) Lang {
	best, liked := Chinese, 0.0
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Language"), ","), ",") {
		tag, params, _ := strings.Cut(part, ";")
		q := 1.0
		if s, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(s, 64); err != nil || q > 1 {
				continue
			}
		}
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		lang := Chinese
		switch primary {
		case "en":
			lang = English
		case "zh", "*":
		default:
			continue
		}
		if q > liked {
			best, liked = lang, q
		}
	}
	return best
}

// LanguageAsked is the one asked for in the query, else the reader's. The
// query may say nothing else.
func LanguageAsked(r *http.Request) (Lang, error) {
	q, err := Query(r, "lang")
	if err != nil {
		return "", err
	}
	lang, err := q.OneOf("lang", string(Chinese), string(English))
	if lang == "" {
		return Language(r), err
	}
	return Lang(lang), err
}
