package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Lambda's own figures where a template is silent.
const (
	defaultTimeout  = 3 // seconds
	defaultMemoryMB = 128
	defaultRetries  = 2 // of an asynchronous invocation
)

// destination is where a failed invocation or batch is told.
type destination struct {
	OnFailure struct{ Type, Destination string }
}

func (d destination) queue() (string, error) {
	if d.OnFailure.Type != "" && d.OnFailure.Type != "SQS" {
		return "", fmt.Errorf("OnFailure to %s: only SQS is run here", d.OnFailure.Type)
	}
	return d.OnFailure.Destination, nil
}

func (s *scope) function(id, name string, r resource) (Function, error) {
	var globals resource
	if err := s.Globals.Function.Decode(&globals.Properties); err != nil && !s.Globals.Function.IsZero() {
		return Function{}, err
	}
	type properties struct {
		Timeout, MemorySize          int
		Environment                  struct{ Variables map[string]any }
		LoggingConfig                struct{ LogFormat, ApplicationLogLevel string }
		ReservedConcurrentExecutions int
		EventInvokeConfig            struct {
			MaximumRetryAttempts *int
			DestinationConfig    destination
		}
		Events map[string]event
	}
	var p properties
	names := []string{"Timeout", "MemorySize", "Environment", "LoggingConfig", "ReservedConcurrentExecutions", "EventInvokeConfig", "Events"}
	// What a function says is laid over what Globals say: decoding twice into the same value merges maps key by key.
	for _, from := range []resource{globals, r} {
		if err := s.properties(from, &p, names...); err != nil {
			return Function{}, err
		}
	}
	arn, err := s.attribute(id, "Arn")
	if err != nil {
		return Function{}, err
	}
	f := Function{
		ID: id, Name: name, Folder: Folder(id), ARN: toText(arn),
		Timeout: defaultTimeout * time.Second, MemoryMB: defaultMemoryMB, Retries: defaultRetries,
		Environment: map[string]string{}, LogFormat: "Text", LogLevel: p.LoggingConfig.ApplicationLogLevel,
		Concurrency: p.ReservedConcurrentExecutions,
	}
	if p.Timeout > 0 {
		f.Timeout = time.Duration(p.Timeout) * time.Second
	}
	if p.MemorySize > 0 {
		f.MemoryMB = p.MemorySize
	}
	if p.LoggingConfig.LogFormat != "" {
		f.LogFormat = p.LoggingConfig.LogFormat
	}
	if n := p.EventInvokeConfig.MaximumRetryAttempts; n != nil {
		f.Retries = *n
	}
	if f.OnFailure, err = p.EventInvokeConfig.DestinationConfig.queue(); err != nil {
		return Function{}, err
	}
	for k, v := range p.Environment.Variables {
		f.Environment[k] = toText(v)
	}
	for _, key := range slices.Sorted(maps.Keys(p.Events)) {
		if err := f.addEvent(key, p.Events[key]); err != nil {
			return Function{}, fmt.Errorf("event %s: %w", key, err)
		}
	}
	return f, nil
}

// event is one of a function's Events.
type event struct {
	Type       string
	Properties struct {
		// HttpApi
		Method, Path string
		Auth         struct {
			Authorizer          string
			AuthorizationScopes []string
		}

		// SQS and DynamoDB
		Queue, Stream                  string
		StartingPosition               string
		BatchSize                      int
		MaximumBatchingWindowInSeconds int
		ParallelizationFactor          int
		BisectBatchOnFunctionError     bool
		MaximumRetryAttempts           *int
		MaximumRecordAgeInSeconds      int
		FunctionResponseTypes          []string
		ScalingConfig                  struct{ MaximumConcurrency int }
		DestinationConfig              destination
		FilterCriteria                 struct{ Filters []struct{ Pattern string } }

		// S3
		Bucket string
		Events texts
		Filter struct {
			S3Key struct {
				Rules []struct{ Name, Value string }
			}
		}

		// ScheduleV2
		ScheduleExpression string
		Input              string
	}
}

// texts is one string or a list of them.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

func (f *Function) addEvent(key string, e event) error {
	p := &e.Properties
	window := time.Duration(p.MaximumBatchingWindowInSeconds) * time.Second
	partial := slices.Contains(p.FunctionResponseTypes, "ReportBatchItemFailures")
	onFailure, err := p.DestinationConfig.queue()
	if err != nil {
		return err
	}
	var filters []string
	for _, fl := range p.FilterCriteria.Filters {
		filters = append(filters, fl.Pattern)
	}
	switch e.Type {
	case "HttpApi":
		if p.Method == "" || !strings.HasPrefix(p.Path, "/") {
			return errors.New("needs a method and a path")
		}
		f.Routes = append(f.Routes, Route{strings.ToUpper(p.Method), p.Path, p.Auth.Authorizer, p.Auth.AuthorizationScopes})
	case "SQS":
		if len(filters) > 0 {
			return errors.New("filters of a queue's messages aren't run here")
		}
		f.Queues = append(f.Queues, QueueTrigger{
			ID: key, Queue: p.Queue, BatchSize: orDefault(p.BatchSize, 10), Window: window, Partial: partial,
			MaxConcurrency: p.ScalingConfig.MaximumConcurrency,
		})
	case "DynamoDB":
		_, rest, _ := strings.Cut(p.Stream, ":table/")
		table, _, ok := strings.Cut(rest, "/stream/")
		if !ok {
			return fmt.Errorf("%q is no stream of a table", p.Stream)
		}
		retries := -1
		if p.MaximumRetryAttempts != nil {
			retries = *p.MaximumRetryAttempts
		}
		f.Streams = append(f.Streams, StreamTrigger{
			ID: key, Table: table, Latest: p.StartingPosition == "LATEST", BatchSize: orDefault(p.BatchSize, 100), Window: window,
			Parallel: orDefault(p.ParallelizationFactor, 1), Bisect: p.BisectBatchOnFunctionError, Retries: retries,
			MaxAge:  max(0, time.Duration(p.MaximumRecordAgeInSeconds)*time.Second),
			Partial: partial, OnFailure: onFailure, FilterRules: filters,
		})
	case "S3":
		o := ObjectTrigger{ID: key, Bucket: p.Bucket, Events: p.Events}
		for _, r := range p.Filter.S3Key.Rules {
			switch strings.ToLower(r.Name) {
			case "prefix":
				o.Prefix = r.Value
			case "suffix":
				o.Suffix = r.Value
			default:
				return fmt.Errorf("filter rule %q", r.Name)
			}
		}
		f.Objects = append(f.Objects, o)
	case "ScheduleV2":
		every, err := rate(p.ScheduleExpression)
		if err != nil {
			return err
		}
		s := Schedule{ID: key, Name: strings.ToLower(key), Every: every}
		if p.Input != "" {
			s.Input = json.RawMessage(p.Input)
		}
		f.Schedules = append(f.Schedules, s)
	default:
		return fmt.Errorf("type %s isn't run here", e.Type)
	}
	return nil
}

// rate reads "rate(1 hour)". Cron expressions aren't run here.
func rate(expression string) (time.Duration, error) {
	inner, ok := strings.CutPrefix(expression, "rate(")
	inner, closed := strings.CutSuffix(inner, ")")
	count, unit, spaced := strings.Cut(inner, " ")
	n, err := strconv.Atoi(count)
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	each, known := units[strings.TrimSuffix(unit, "s")]
	if !ok || !closed || !spaced || err != nil || n < 1 || !known {
		return 0, fmt.Errorf("schedule %q: only rate(n minutes|hours|days) is run here", expression)
	}
	return time.Duration(n) * each, nil
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
