// Package template reads the project's template.yaml the way CloudFormation and SAM do, as far as the local stack needs it:
// which functions there are, what calls them, and what they find in their environment.
//
// What a template says and this package doesn't know is an error and never skipped: a trigger that silently doesn't exist here
// would be found out in the cloud.
package template

import (
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// Template is a template.yaml that was read but not yet filled in.
type Template struct {
	Parameters map[string]parameter `yaml:"Parameters"`
	Conditions map[string]yaml.Node `yaml:"Conditions"`
	Globals    struct {
		Function yaml.Node `yaml:"Function"`
		API      yaml.Node `yaml:"HttpApi"`
	} `yaml:"Globals"`
	Resources map[string]resource `yaml:"Resources"`
}

type parameter struct {
	Default yaml.Node `yaml:"Default"`
}

type resource struct {
	Type       string               `yaml:"Type"`
	Condition  string               `yaml:"Condition"`
	Properties map[string]yaml.Node `yaml:"Properties"`
}

// Read parses the template in file.
func Read(file string) (*Template, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	t, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

// Parse parses a template.
func Parse(b []byte) (*Template, error) {
	var t Template
	if err := yaml.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return &t, nil
}

// Place is what a template can't know by itself: where it is deployed to.
type Place struct {
	Stack   string // AWS::StackName; physical names begin with it
	Region  string
	Account string // 12 digits

	// Parameters overrides the defaults of the template's parameters.
	Parameters map[string]string
	// Refs is what !Ref gives for resources whose answer only the place knows: a queue's URL, a secret's ARN.
	Refs map[string]string
}
