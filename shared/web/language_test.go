package web

import (
	"net/http/httptest"
	"testing"
)

func TestTheReaderGetsTheLanguageTheyLikeBest(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]Lang{
		"":                              Chinese,
		"zh-CN":                         Chinese,
		"zh":                            Chinese,
		"zh-Hant-TW":                    Chinese,
		"en":                            English,
		"EN":                            English,
		"en-GB":                         English,
		"en-US,en;q=0.9":                English,
		"en-US,en;q=0.9,zh;q=0.8":       English,
		"zh-CN,zh;q=0.9,en;q=0.8":       Chinese,
		"en;q=0.5, zh;q=0.7":            Chinese,
		"zh;q=0.2 , en ; q=0.3":         English,
		"en;q=0.7, zh;q=0.7":            English, // the first of equals
		"fr":                            Chinese,
		"fr, en;q=0.1":                  English,
		"fr, *;q=0.1":                   Chinese,
		"*":                             Chinese,
		"*;q=0.5, en;q=0.6":             English,
		"en;q=0":                        Chinese,
		"en;q=0, *":                     Chinese,
		"en;q=2, zh;q=0.1":              Chinese, // no weight at all
		"en;q=-1":                       Chinese,
		"en;q=NaN":                      Chinese,
		"en;q=, zh;q=0.1":               Chinese,
		"eng":                           Chinese, // another tag, not ours
		"english":                       Chinese,
		",,;;,":                         Chinese,
		"\x00en":                        Chinese,
		"de-DE;q=0.9,en;q=0.8,zh;q=0.7": English,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", header)
		if got := Language(r); got != want {
			t.Errorf("%q: got %s, want %s", header, got, want)
		}
	}
}

func TestALanguageMayBeAskedForInTwoLines(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Add("Accept-Language", "zh;q=0.3")
	r.Header.Add("Accept-Language", "en;q=0.4")
	if got := Language(r); got != English {
		t.Errorf("got %s, want %s", got, English)
	}
}

func TestTheQuerysLanguageGoesBeforeTheReaders(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]Lang{"": English, "?lang=en": English, "?lang=zh-CN": Chinese} {
		r := httptest.NewRequest("GET", "/"+query, nil)
		r.Header.Set("Accept-Language", "en")
		if got, err := LanguageAsked(r); got != want || err != nil {
			t.Errorf("%q: got %s, %v, want %s", query, got, err, want)
		}
	}
	for _, query := range []string{"?lang=fr", "?lang=en&x=1"} {
		if got, err := LanguageAsked(httptest.NewRequest("GET", "/"+query, nil)); err == nil {
			t.Errorf("%q: got %s, want an error", query, got)
		}
	}
}
