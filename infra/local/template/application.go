package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Application is what a template deploys, filled in for one place. Lists are sorted by logical id.
type Application struct {
	API       API
	Functions []Function
	Tables    []Table
	Queues    []Queue
	Buckets   []Bucket
	Secrets   []Secret
}

// Function is a Lambda function.
type Function struct {
	ID          string // logical id: JoinsFunction
	Name        string // physical name
	Folder      string // of functions/ and of the build: joins
	ARN         string
	Timeout     time.Duration
	MemoryMB    int
	Environment map[string]string
	LogFormat   string // "JSON" or "Text"
	LogLevel    string // of the application, JSON only; may be ""
	Concurrency int    // reserved; 0 when nothing is reserved

	// Retries is how often an asynchronous invocation is tried again, and OnFailure the ARN of the queue that is told
	// when none helped; "" is nobody.
	Retries   int
	OnFailure string

	Routes    []Route
	Queues    []QueueTrigger
	Streams   []StreamTrigger
	Objects   []ObjectTrigger
	Schedules []Schedule
}

// API is the HTTP API in front of the functions.
type API struct {
	Authorizers map[string]Authorizer
	Default     string // the authorizer of routes that name none; "" is none
	CORS        *CORS  // nil: the API answers no browser of another origin
}

// Authorizer is a JWT authorizer.
type Authorizer struct {
	Issuer   string
	Audience []string
}

// CORS says which other origins' pages may call the API.
type CORS struct {
	AllowOrigins, AllowMethods, AllowHeaders, ExposeHeaders []string
	MaxAge                                                  int // seconds
	AllowCredentials                                        bool
}

// Route is a method and a path of the API, with parts in braces.
type Route struct {
	Method, Path string
	Authorizer   string   // "" is nobody asks who you are
	Scopes       []string // each lets in; none asks for none
}

// Key is the route's key as API Gateway writes it.
func (r Route) Key() string { return r.Method + " " + r.Path }

// QueueTrigger has a function called with a queue's messages.
type QueueTrigger struct {
	ID             string // event key
	Queue          string // ARN
	BatchSize      int
	Window         time.Duration
	Partial        bool // ReportBatchItemFailures
	MaxConcurrency int  // 0 is as many as the function may have
}

// StreamTrigger has a function called with a table's changes, in order.
type StreamTrigger struct {
	ID          string
	Table       string // physical name
	Latest      bool   // start with what comes, not with what is there
	BatchSize   int
	Window      time.Duration
	Parallel    int // batches at once, each of other keys
	Bisect      bool
	Retries     int           // -1 is for ever
	MaxAge      time.Duration // 0 is for ever
	Partial     bool
	OnFailure   string   // ARN of a queue, or ""
	FilterRules []string // patterns, any of which lets a record through; none lets all through
}

// ObjectTrigger has a function called when an object was created.
type ObjectTrigger struct {
	ID             string
	Bucket         string   // physical name
	Events         []string // s3:ObjectCreated:*
	Prefix, Suffix string
}

// Schedule has a function called when it is time. Its retry policy and dead letters are for when Lambda can't be reached, which
// doesn't happen on one machine; what a function fails at is tried again as any asynchronous invocation is.
type Schedule struct {
	ID    string
	Name  string // for POST {control}/schedules/{name}: the event key in lower case
	Every time.Duration
	Input json.RawMessage // nil: the event EventBridge Scheduler sends by itself
}

// Table is a DynamoDB table.
type Table struct {
	ID, Name   string
	Properties json.RawMessage // as CreateTable takes them
	Stream     string          // view type; "" is no stream
	TTL        string          // attribute; "" is none
}

// Queue is an SQS queue.
type Queue struct {
	ID, Name, ARN string
	Attributes    map[string]string // as CreateQueue takes them
	DeadLetters   string            // ARN of the queue that gets what failed too often, or ""
}

// Bucket is an S3 bucket.
type Bucket struct {
	ID, Name string
	CORS     []BucketCORS
}

// BucketCORS is a rule for browsers of other origins.
type BucketCORS struct {
	AllowedOrigins, AllowedMethods, AllowedHeaders, ExposedHeaders []string
	MaxAge                                                         int32
}

// Secret is a secret that is generated once.
type Secret struct {
	ID     string
	Length int
	// Template and Key: with both, the secret is the JSON object Template with what was generated under Key.
	Template, Key string
}

// Fill evaluates the template for place.
func (t *Template) Fill(place Place) (*Application, error) {
	if !t.Globals.API.IsZero() {
		return nil, errors.New("template: Globals of HttpApi: write them into the API")
	}
	s := &scope{t, place}
	var app Application
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		if r.Condition != "" {
			holds, err := s.condition(r.Condition)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", id, err)
			}
			if !holds {
				continue
			}
		}
		if err := s.add(&app, id, r); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
	}
	for i := range app.Functions { // the API may come after its functions
		for j := range app.Functions[i].Routes {
			r := &app.Functions[i].Routes[j]
			switch r.Authorizer {
			case "":
				r.Authorizer = app.API.Default
			case "NONE":
				r.Authorizer = ""
			}
			if _, ok := app.API.Authorizers[r.Authorizer]; !ok && r.Authorizer != "" {
				return nil, fmt.Errorf("%s: no authorizer %q", r.Key(), r.Authorizer)
			}
		}
	}
	return &app, nil
}

// add puts the resource into app. Types that need nothing on one machine (alarms, roles, log groups, Cognito) are passed over.
func (s *scope) add(app *Application, id string, r resource) error {
	name, err := s.physicalName(id)
	if err != nil {
		return err
	}
	switch r.Type {
	case "AWS::Serverless::HttpApi":
		app.API, err = s.api(r)
	case "AWS::Serverless::Function":
		var f Function
		f, err = s.function(id, name, r)
		app.Functions = append(app.Functions, f)
	case "AWS::DynamoDB::Table":
		var t Table
		t, err = s.table(id, name, r)
		app.Tables = append(app.Tables, t)
	case "AWS::SQS::Queue":
		var q Queue
		q, err = s.queue(id, name, r)
		app.Queues = append(app.Queues, q)
	case "AWS::S3::Bucket":
		b := Bucket{ID: id, Name: name}
		var p struct {
			CorsConfiguration struct{ CorsRules []BucketCORS }
		}
		err = s.properties(r, &p, "CorsConfiguration")
		b.CORS = p.CorsConfiguration.CorsRules
		app.Buckets = append(app.Buckets, b)
	case "AWS::SecretsManager::Secret":
		var p struct {
			GenerateSecretString *struct {
				PasswordLength                          int
				SecretStringTemplate, GenerateStringKey string
			}
		}
		err = s.properties(r, &p, "GenerateSecretString")
		if err == nil && p.GenerateSecretString == nil {
			err = errors.New("only secrets with GenerateSecretString can be made here")
		}
		if err == nil {
			g := p.GenerateSecretString
			app.Secrets = append(app.Secrets, Secret{id, max(g.PasswordLength, 32), g.SecretStringTemplate, g.GenerateStringKey})
		}
	case "AWS::Lambda::EventSourceMapping", "AWS::Scheduler::Schedule", "AWS::Events::Rule", "AWS::ApiGatewayV2::Route":
		err = fmt.Errorf("a %s: write it as an event of its function", r.Type)
	}
	return err
}

// properties evaluates the named properties of r into v by way of JSON, whose names are the template's.
func (s *scope) properties(r resource, v any, names ...string) error {
	m, err := s.evaluate(r.Properties, names...)
	if err != nil {
		return err
	}
	return convert(m, v)
}

func (s *scope) evaluate(properties map[string]yaml.Node, names ...string) (map[string]any, error) {
	m := map[string]any{}
	for _, name := range names {
		n, ok := properties[name]
		if !ok {
			continue
		}
		v, err := s.value(&n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if _, none := v.(noValue); !none {
			m[name] = v
		}
	}
	return m, nil
}

func convert(from, to any) error {
	b, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, to)
}

func (s *scope) api(r resource) (API, error) {
	var p struct {
		Auth struct {
			DefaultAuthorizer string
			Authorizers       map[string]struct {
				IdentitySource   string
				JwtConfiguration Authorizer
			}
		}
		CorsConfiguration *CORS
	}
	if err := s.properties(r, &p, "Auth", "CorsConfiguration"); err != nil {
		return API{}, err
	}
	api := API{Authorizers: map[string]Authorizer{}, Default: p.Auth.DefaultAuthorizer, CORS: p.CorsConfiguration}
	for name, a := range p.Auth.Authorizers {
		if a.IdentitySource != "$request.header.Authorization" && a.IdentitySource != "" {
			return API{}, fmt.Errorf("authorizer %s: identity source %s", name, a.IdentitySource)
		}
		if a.JwtConfiguration.Issuer == "" || len(a.JwtConfiguration.Audience) == 0 {
			return API{}, fmt.Errorf("authorizer %s has no issuer or no audience", name)
		}
		api.Authorizers[name] = a.JwtConfiguration
	}
	return api, nil
}

func (s *scope) table(id, name string, r resource) (Table, error) {
	p, err := s.evaluate(r.Properties, "AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes",
		"LocalSecondaryIndexes", "ProvisionedThroughput")
	if err != nil {
		return Table{}, err
	}
	t := Table{ID: id, Name: name}
	if t.Properties, err = json.Marshal(p); err != nil {
		return Table{}, err
	}
	var more struct {
		StreamSpecification     struct{ StreamViewType string }
		TimeToLiveSpecification struct {
			AttributeName string
			Enabled       bool
		}
	}
	if err := s.properties(r, &more, "StreamSpecification", "TimeToLiveSpecification"); err != nil {
		return Table{}, err
	}
	t.Stream = more.StreamSpecification.StreamViewType
	if more.TimeToLiveSpecification.Enabled {
		t.TTL = more.TimeToLiveSpecification.AttributeName
	}
	return t, nil
}

func (s *scope) queue(id, name string, r resource) (Queue, error) {
	p, err := s.evaluate(r.Properties, "VisibilityTimeout", "DelaySeconds", "MessageRetentionPeriod", "MaximumMessageSize",
		"ReceiveMessageWaitTimeSeconds", "FifoQueue", "ContentBasedDeduplication")
	if err != nil {
		return Queue{}, err
	}
	q := Queue{ID: id, Name: name, Attributes: map[string]string{}}
	for k, v := range p {
		q.Attributes[k] = toText(v)
	}
	var redrive struct {
		RedrivePolicy *struct {
			DeadLetterTargetArn string `json:"deadLetterTargetArn"`
			MaxReceiveCount     int    `json:"maxReceiveCount"`
		}
	}
	if err := s.properties(r, &redrive, "RedrivePolicy"); err != nil {
		return Queue{}, err
	}
	if redrive.RedrivePolicy != nil {
		b, err := json.Marshal(redrive.RedrivePolicy)
		if err != nil {
			return Queue{}, err
		}
		q.Attributes["RedrivePolicy"], q.DeadLetters = string(b), redrive.RedrivePolicy.DeadLetterTargetArn
	}
	arn, err := s.attribute(id, "Arn")
	q.ARN = toText(arn)
	return q, err
}

// Folder is where a function's code lives: the makefile builder is called with the logical id, and so is every tool of ours.
func Folder(id string) string { return strings.ToLower(strings.TrimSuffix(id, "Function")) }
