package dynamotest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.yaml.in/yaml/v3"
)

// definition is the Table resource of the template.yaml above the working directory, so that what tests run against is
// what is deployed.
func definition() (*dynamodb.CreateTableInput, error) {
	path, err := template()
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	type key struct {
		AttributeName string `yaml:"AttributeName"`
		KeyType       string `yaml:"KeyType"`
	}
	var doc struct {
		Resources struct {
			Table struct {
				Properties struct {
					AttributeDefinitions []struct {
						AttributeName string `yaml:"AttributeName"`
						AttributeType string `yaml:"AttributeType"`
					} `yaml:"AttributeDefinitions"`
					KeySchema              []key `yaml:"KeySchema"`
					GlobalSecondaryIndexes []struct {
						IndexName  string `yaml:"IndexName"`
						KeySchema  []key  `yaml:"KeySchema"`
						Projection struct {
							ProjectionType   string   `yaml:"ProjectionType"`
							NonKeyAttributes []string `yaml:"NonKeyAttributes"`
						} `yaml:"Projection"`
					} `yaml:"GlobalSecondaryIndexes"`
					StreamSpecification struct {
						StreamViewType string `yaml:"StreamViewType"`
					} `yaml:"StreamSpecification"`
				} `yaml:"Properties"`
			} `yaml:"Table"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	table := doc.Resources.Table.Properties
	if len(table.KeySchema) == 0 {
		return nil, fmt.Errorf("%s: no resource Table with a KeySchema", path)
	}

	schema := func(keys []key) (out []types.KeySchemaElement) {
		for _, k := range keys {
			out = append(out, types.KeySchemaElement{AttributeName: aws.String(k.AttributeName), KeyType: types.KeyType(k.KeyType)})
		}
		return out
	}
	def := &dynamodb.CreateTableInput{BillingMode: types.BillingModePayPerRequest, KeySchema: schema(table.KeySchema)}
	for _, a := range table.AttributeDefinitions {
		def.AttributeDefinitions = append(def.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(a.AttributeName), AttributeType: types.ScalarAttributeType(a.AttributeType),
		})
	}
	for _, x := range table.GlobalSecondaryIndexes {
		def.GlobalSecondaryIndexes = append(def.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(x.IndexName), KeySchema: schema(x.KeySchema),
			Projection: &types.Projection{ProjectionType: types.ProjectionType(x.Projection.ProjectionType), NonKeyAttributes: x.Projection.NonKeyAttributes},
		})
	}
	if view := table.StreamSpecification.StreamViewType; view != "" {
		def.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(view)}
	}
	return def, nil
}

// template is the path of the nearest template.yaml at or above the working directory.
func template() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "template.yaml")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no template.yaml at or above %s", start)
		}
	}
}
