package template

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// noValue is what !Ref AWS::NoValue gives: the property that holds it isn't there.
type noValue struct{}

// scope evaluates the template's values for one place.
type scope struct {
	*Template
	place Place
}

// value evaluates n to a string, number, boolean, nil, []any or map[string]any.
func (s *scope) value(n *yaml.Node) (any, error) {
	if n.Kind == yaml.AliasNode {
		return s.value(n.Alias)
	}
	if name, arg, ok := intrinsic(n); ok {
		v, err := s.call(name, arg)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", n.Line, name, err)
		}
		return v, nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i < len(n.Content); i += 2 {
			v, err := s.value(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			if _, none := v.(noValue); !none {
				m[n.Content[i].Value] = v
			}
		}
		return m, nil
	case yaml.SequenceNode:
		l := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := s.value(c)
			if err != nil {
				return nil, err
			}
			if _, none := v.(noValue); !none {
				l = append(l, v)
			}
		}
		return l, nil
	case yaml.ScalarNode:
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		if _, date := v.(time.Time); date {
			return n.Value, nil // CloudFormation has no dates: 2012-10-17 is a string
		}
		return v, nil
	}
	return nil, nil // an empty node
}

// intrinsic reports whether n is a call of an intrinsic function, short (!Sub x) or long (Fn::Sub: x), and its argument.
func intrinsic(n *yaml.Node) (name string, arg *yaml.Node, ok bool) {
	if short, tagged := strings.CutPrefix(n.Tag, "!"); tagged && !strings.HasPrefix(short, "!") {
		plain := *n
		plain.Tag = ""
		if n.Kind == yaml.ScalarNode {
			plain.Tag = "!!str"
		}
		return short, &plain, true
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		key := n.Content[0].Value
		if key == "Ref" || key == "Condition" && n.Content[1].Kind == yaml.ScalarNode { // a policy's Condition is a map
			return key, n.Content[1], true
		}
		if name, long := strings.CutPrefix(key, "Fn::"); long {
			return name, n.Content[1], true
		}
	}
	return "", nil, false
}

// call answers one intrinsic function. If evaluates only the branch that it takes.
func (s *scope) call(name string, arg *yaml.Node) (any, error) {
	if name == "If" {
		if arg.Kind != yaml.SequenceNode || len(arg.Content) != 3 {
			return nil, errors.New("wants [condition, then, else]")
		}
		holds, err := s.condition(arg.Content[0].Value)
		if err != nil {
			return nil, err
		}
		if holds {
			return s.value(arg.Content[1])
		}
		return s.value(arg.Content[2])
	}
	v, err := s.value(arg)
	if err != nil {
		return nil, err
	}
	list, isList := v.([]any)
	text, isText := v.(string)
	switch {
	case name == "Ref" && isText:
		return s.ref(text)
	case name == "Condition" && isText:
		return s.condition(text)
	case name == "GetAtt" && isText:
		id, attribute, _ := strings.Cut(text, ".")
		return s.attribute(id, attribute)
	case name == "GetAtt" && len(list) == 2:
		return s.attribute(toText(list[0]), toText(list[1]))
	case name == "Sub" && isText:
		return s.substitute(text, nil)
	case name == "Sub" && len(list) == 2:
		with, _ := list[1].(map[string]any)
		return s.substitute(toText(list[0]), with)
	case name == "Join" && len(list) == 2:
		parts, ok := list[1].([]any)
		if !ok {
			break
		}
		var words []string
		for _, p := range parts {
			words = append(words, toText(p))
		}
		return strings.Join(words, toText(list[0])), nil
	case name == "Equals" && len(list) == 2:
		return toText(list[0]) == toText(list[1]), nil
	case name == "Not" && len(list) == 1:
		b, ok := list[0].(bool)
		if !ok {
			break
		}
		return !b, nil
	case (name == "And" || name == "Or") && isList:
		for _, e := range list {
			b, ok := e.(bool)
			if !ok {
				return nil, fmt.Errorf("%v is no condition", e)
			}
			if b == (name == "Or") {
				return b, nil
			}
		}
		return name == "And", nil
	}
	return nil, fmt.Errorf("the local stack doesn't know it, or not with %v", v)
}

var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

// substitute fills in ${Name}, ${Resource.Attribute} and ${!literal}.
func (s *scope) substitute(text string, with map[string]any) (string, error) {
	var failed error
	out := placeholder.ReplaceAllStringFunc(text, func(hole string) string {
		name := strings.TrimSpace(hole[2 : len(hole)-1])
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		v, ok := with[name]
		if !ok {
			var err error
			if id, attribute, dotted := strings.Cut(name, "."); dotted {
				v, err = s.attribute(id, attribute)
			} else {
				v, err = s.ref(name)
			}
			failed = errors.Join(failed, err)
		}
		return toText(v)
	})
	return out, failed
}

// condition says whether the named condition holds here.
func (s *scope) condition(name string) (bool, error) {
	n, ok := s.Conditions[name]
	if !ok {
		return false, fmt.Errorf("no condition %q", name)
	}
	v, err := s.value(&n)
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", name, err)
	}
	holds, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("condition %s is %v", name, v)
	}
	return holds, nil
}

// ref is what !Ref name gives.
func (s *scope) ref(name string) (any, error) {
	switch name {
	case "AWS::Region":
		return s.place.Region, nil
	case "AWS::AccountId":
		return s.place.Account, nil
	case "AWS::StackName":
		return s.place.Stack, nil
	case "AWS::Partition":
		return "aws", nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::NoValue":
		return noValue{}, nil
	}
	if p, ok := s.Parameters[name]; ok {
		if v, ok := s.place.Parameters[name]; ok {
			return v, nil
		}
		if p.Default.IsZero() {
			return nil, fmt.Errorf("parameter %s has no default and isn't given", name)
		}
		return s.value(&p.Default)
	}
	if v, ok := s.place.Refs[name]; ok {
		return v, nil
	}
	if _, ok := s.Resources[name]; !ok {
		return nil, fmt.Errorf("no parameter or resource %q", name)
	}
	return s.physicalName(name)
}

// nameProperty is the property by which a template may name a resource of a type itself.
var nameProperty = map[string]string{
	"AWS::Serverless::Function": "FunctionName",
	"AWS::DynamoDB::Table":      "TableName",
	"AWS::SQS::Queue":           "QueueName",
	"AWS::S3::Bucket":           "BucketName",
}

// physicalName is the name the template gives a resource, else one made of the stack's name and its logical id.
func (s *scope) physicalName(id string) (string, error) {
	r := s.Resources[id]
	if n, ok := r.Properties[nameProperty[r.Type]]; ok {
		v, err := s.value(&n)
		return toText(v), err
	}
	name := s.place.Stack + "-" + id
	if r.Type == "AWS::S3::Bucket" {
		name = strings.ToLower(name)
	}
	return name, nil
}

// attribute is what !GetAtt id.attribute gives.
func (s *scope) attribute(id, attribute string) (any, error) {
	r, ok := s.Resources[id]
	if !ok {
		return nil, fmt.Errorf("no resource %q", id)
	}
	name, err := s.physicalName(id)
	if err != nil {
		return nil, err
	}
	where := s.place.Region + ":" + s.place.Account + ":"
	switch r.Type + "." + attribute {
	case "AWS::SQS::Queue.Arn":
		return "arn:aws:sqs:" + where + name, nil
	case "AWS::SQS::Queue.QueueName":
		return name, nil
	case "AWS::SQS::Queue.QueueUrl":
		return s.ref(id)
	case "AWS::DynamoDB::Table.Arn":
		return "arn:aws:dynamodb:" + where + "table/" + name, nil
	case "AWS::DynamoDB::Table.StreamArn":
		return "arn:aws:dynamodb:" + where + "table/" + name + "/stream/latest", nil
	case "AWS::S3::Bucket.Arn":
		return "arn:aws:s3:::" + name, nil
	case "AWS::Serverless::Function.Arn":
		return "arn:aws:lambda:" + where + "function:" + name, nil
	}
	return nil, fmt.Errorf("the local stack doesn't know %s of a %s", attribute, r.Type)
}

// toText writes a scalar as CloudFormation would.
func toText(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
