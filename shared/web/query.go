package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/network"
)

// Params are the query's parameters, each known and given once.
type Params struct{ given map[string]string }

// Query reads the query, in which only the allowed names may stand, and each
// once: invalid, naming the others.
func Query(r *http.Request, allowed ...string) (Params, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Params{}, network.InvalidField("", "malformed", "The query can't be read.")
	}
	p := Params{map[string]string{}}
	var bad []network.FieldError
	for name, values := range q {
		switch {
		case !slices.Contains(allowed, name):
			bad = append(bad, network.FieldError{Field: name, Code: "unknown", Detail: "There is no such parameter."})
		case len(values) > 1:
			bad = append(bad, network.FieldError{Field: name, Code: "repeated", Detail: "This parameter is given twice."})
		}
		p.given[name] = values[0]
	}
	if len(bad) > 0 {
		slices.SortFunc(bad, func(a, b network.FieldError) int { return strings.Compare(a.Field, b.Field) })
		return Params{}, &network.Error{Kind: network.Invalid, Code: "invalid", Fields: bad}
	}
	return p, nil
}

// Get is a parameter's text, "" when it isn't given.
func (p Params) Get(name string) string { return p.given[name] }

// Has reports whether a parameter is given, be it empty.
func (p Params) Has(name string) bool { _, ok := p.given[name]; return ok }

// Cursor is where the page begins, as the last page said; "" at the start.
func (p Params) Cursor() string { return p.given["cursor"] }

// Limit is how many items a page may have at most: 1–200, by default 50.
func (p Params) Limit() (int, error) {
	n, err := p.Int("limit", 50)
	if err == nil && (n < 1 || n > 200) {
		err = network.InvalidField("limit", "out_of_range", "A page has 1 to 200 items.")
	}
	return n, err
}

// Int is a parameter's whole number, or unset when it isn't given.
func (p Params) Int(name string, unset int) (int, error) {
	s, ok := p.given[name]
	if !ok {
		return unset, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || s[0] == '+' {
		return 0, network.InvalidField(name, "wrong_type", "This parameter must be a whole number.")
	}
	return n, nil
}

// Bool is a parameter's true or false; false when it isn't given.
func (p Params) Bool(name string) (bool, error) {
	switch p.given[name] {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "":
		if _, ok := p.given[name]; !ok {
			return false, nil
		}
	}
	return false, network.InvalidField(name, "wrong_type", "This parameter must be true or false.")
}

// OneOf is a parameter that must be one of few; "" when it isn't given.
func (p Params) OneOf(name string, choices ...string) (string, error) {
	s, ok := p.given[name]
	if ok && !slices.Contains(choices, s) {
		return "", network.InvalidField(name, "not_allowed", fmt.Sprintf("This parameter must be one of: %s.", strings.Join(choices, ", ")))
	}
	return s, nil
}
