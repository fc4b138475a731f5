// Package faults makes things go wrong on purpose, where they go wrong in life: on the wire between a function and a service,
// in what a queue delivers, and in the middle of an invocation.
package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Faults says how likely each fault is: 0 never, 1 always. The zero value is fair weather.
type Faults struct {
	DynamoDB Wire `json:"dynamodb"`
	S3       Wire `json:"s3"`
	SQS      struct {
		Wire
		Duplicate float64 `json:"duplicate"` // a delivered message is delivered once more
	} `json:"sqs"`
	Lambda struct {
		Kill float64 `json:"kill"` // the instance dies in the middle of an invocation
	} `json:"lambda"`
}

// Wire is what may happen to one request of a function to a service.
type Wire struct {
	LostAnswer float64 `json:"lost_answer"` // the request takes effect and its answer is lost: the connection ends
	Throttle   float64 `json:"throttle"`    // the service refuses as it does when it has too much to do
	DelayMS    int     `json:"delay_ms"`    // every answer comes so much later
}

// Read parses Faults and refuses what it doesn't know, so that nobody waits for a fault that never comes.
func Read(r io.Reader) (Faults, error) {
	var f Faults
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Faults{}, fmt.Errorf("faults: %w", err)
	}
	for name, p := range map[string]float64{
		"dynamodb.lost_answer": f.DynamoDB.LostAnswer, "dynamodb.throttle": f.DynamoDB.Throttle,
		"s3.lost_answer": f.S3.LostAnswer, "s3.throttle": f.S3.Throttle,
		"sqs.lost_answer": f.SQS.LostAnswer, "sqs.throttle": f.SQS.Throttle,
		"sqs.duplicate": f.SQS.Duplicate, "lambda.kill": f.Lambda.Kill,
	} {
		if p < 0 || p > 1 {
			return Faults{}, fmt.Errorf("faults: %s is %v, want 0 to 1", name, p)
		}
	}
	return f, nil
}

// Weather is the faults of now. The zero value is fair; it is safe for concurrent use.
type Weather struct{ now atomic.Pointer[Faults] }

// Set changes the weather.
func (w *Weather) Set(f Faults) { w.now.Store(&f) }

// Now is the weather of now.
func (w *Weather) Now() Faults {
	if f := w.now.Load(); f != nil {
		return *f
	}
	return Faults{}
}

// Happens throws the dice for a fault of that probability.
func Happens(probability float64) bool { return probability > 0 && rand.Float64() < probability }

// Soon is a random moment within d.
func Soon(d time.Duration) time.Duration { return rand.N(d) }
