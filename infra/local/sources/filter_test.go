package sources

import (
	"encoding/json"
	"testing"
)

func TestAFilterLetsThroughWhatFitsAPattern(t *testing.T) {
	t.Parallel()
	const record = `{"eventName":"INSERT","dynamodb":{"NewImage":{"Outbox":{"S":"notice#1"},"N":{"N":"7"},"On":{"BOOL":true}},"SizeBytes":12}}`
	var r map[string]any
	if err := json.Unmarshal([]byte(record), &r); err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]bool{
		`{"dynamodb":{"NewImage":{"Outbox":{"S":[{"exists":true}]}}}}`:                    true,
		`{"dynamodb":{"NewImage":{"Other":{"S":[{"exists":true}]}}}}`:                     false,
		`{"dynamodb":{"NewImage":{"Other":{"S":[{"exists":false}]}}}}`:                    true,
		`{"dynamodb":{"NewImage":{"Outbox":{"S":[{"exists":false}]}}}}`:                   false,
		`{"dynamodb":{"NewImage":{"Outbox":{"S":[{"prefix":"notice#"}]}}}}`:               true,
		`{"dynamodb":{"NewImage":{"Outbox":{"S":[{"prefix":"audit#"},{"suffix":"1"}]}}}}`: true,
		`{"dynamodb":{"NewImage":{"Outbox":{"S":["notice#1"]}}}}`:                         true,
		`{"dynamodb":{"NewImage":{"Outbox":{"S":["notice#2"]}}}}`:                         false,
		`{"dynamodb":{"NewImage":{"Outbox":{"S":[{"anything-but":["notice#1"]}]}}}}`:      false,
		`{"dynamodb":{"NewImage":{"On":{"BOOL":[true]}},"SizeBytes":[12]}}`:               true,
		`{"eventName":["INSERT","MODIFY"]}`:                                               true,
		`{"eventName":["REMOVE"]}`:                                                        false,
		`{"dynamodb":{"OldImage":{"Outbox":{"S":[{"exists":false}]}}}}`:                   true,
	} {
		f, err := NewFilter([]string{pattern})
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if got := f.Lets(r); got != want {
			t.Errorf("%s: got %v, want %v", pattern, got, want)
		}
	}
	if either, err := NewFilter([]string{`{"eventName":["REMOVE"]}`, `{"eventName":["INSERT"]}`}); err != nil || !either.Lets(r) {
		t.Errorf("two patterns: want either to do, %v", err)
	}
	if none, err := NewFilter(nil); err != nil || !none.Lets(r) {
		t.Errorf("no pattern: want all through, %v", err)
	}
}

func TestAnOperatorThatIsNotKnownIsRefused(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{`{"a":[{"numeric":[">",1]}]}`, `{"a":"plain"}`, `nonsense`, `{"a":[{"prefix":"x","suffix":"y"}]}`} {
		if _, err := NewFilter([]string{pattern}); err == nil {
			t.Errorf("%s: want an error", pattern)
		}
	}
}
