package sources

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Filter is the FilterCriteria of an event source: a record goes through when it fits any pattern.
type Filter []pattern

// pattern is a tree like the record's, whose leaves list what may stand there.
type pattern map[string]any

// NewFilter reads patterns, and refuses operators that it doesn't know: one that never fits would lose every record.
func NewFilter(patterns []string) (Filter, error) {
	var f Filter
	for _, text := range patterns {
		var p pattern
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return nil, fmt.Errorf("filter %s: %w", text, err)
		}
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("filter %s: %w", text, err)
		}
		f = append(f, p)
	}
	return f, nil
}

func (p pattern) check() error {
	for name, want := range p {
		switch want := want.(type) {
		case map[string]any:
			if err := pattern(want).check(); err != nil {
				return err
			}
		case []any:
			for _, rule := range want {
				op, ok := rule.(map[string]any)
				if !ok {
					continue // a value
				}
				for operator := range op {
					if len(op) != 1 || !slices.Contains([]string{"exists", "prefix", "suffix", "anything-but"}, operator) {
						return fmt.Errorf("%s: the local stack doesn't know %v", name, op)
					}
				}
			}
		default:
			return fmt.Errorf("%s: %v is neither a list nor an object", name, want)
		}
	}
	return nil
}

// Lets says whether the record, as decoded from JSON, goes through. No patterns let all through.
func (f Filter) Lets(record map[string]any) bool {
	return len(f) == 0 || slices.ContainsFunc(f, func(p pattern) bool { return p.fits(record) })
}

func (p pattern) fits(record map[string]any) bool {
	for name, want := range p {
		got, there := record[name]
		switch want := want.(type) {
		case map[string]any:
			inner, _ := got.(map[string]any) // not there: only {"exists": false} can fit
			if !pattern(want).fits(inner) {
				return false
			}
		case []any:
			if !slices.ContainsFunc(want, func(rule any) bool { return allows(rule, got, there) }) {
				return false
			}
		}
	}
	return true
}

// allows says whether one rule of a leaf fits what stands there.
func allows(rule, got any, there bool) bool {
	op, isOperator := rule.(map[string]any)
	if !isOperator {
		return there && rule == scalar(got)
	}
	for operator, want := range op {
		text, isText := got.(string)
		switch operator {
		case "exists":
			return there == (want == true)
		case "prefix":
			prefix, _ := want.(string)
			return isText && strings.HasPrefix(text, prefix)
		case "suffix":
			suffix, _ := want.(string)
			return isText && strings.HasSuffix(text, suffix)
		case "anything-but":
			list, isList := want.([]any)
			if !isList {
				list = []any{want}
			}
			return there && !slices.Contains(list, scalar(got))
		}
	}
	return false
}

// scalar is v if it can be compared with ==, else something that equals no rule.
func scalar(v any) any {
	switch v.(type) {
	case map[string]any, []any:
		return struct{}{}
	}
	return v
}
