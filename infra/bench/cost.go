package main

import (
	"fmt"
	"io"
	"math"
)

// AWS's list prices in us-east-1, in dollars, beyond any free tier.
const (
	perWriteUnit   = 0.625 / 1e6    // https://aws.amazon.com/dynamodb/pricing/on-demand/
	perReadUnit    = 0.125 / 1e6    // the same
	perGBSecond    = 0.0000133334   // arm64: https://aws.amazon.com/lambda/pricing/
	perInvocation  = 0.20 / 1e6     // the same
	perMessage     = 0.40 / 1e6     // a request of up to 64 KB: https://aws.amazon.com/sqs/pricing/
	perGet         = 0.0004 / 1_000 // https://aws.amazon.com/s3/pricing/
	perPut         = 0.005 / 1_000  // the same
	mostForMillion = 3.0
)

// printCost prints what a million new rows cost on AWS: what was measured of
// fewer, times the rest. Time is this machine's and its table's: a Lambda of
// that memory has somewhat less of a processor, a table of AWS's more time.
func printCost(out io.Writer, fresh units, took imported) (over error, err error) {
	const rows = 1_000_000
	d, err := deployedAs("ImportsFunction")
	if err != nil {
		return nil, err
	}
	seconds := took.wall.Seconds() * rows / manyRows
	gb := float64(d.MemorySize) / 1024
	lines := []struct {
		what   string
		amount float64
		price  float64
	}{
		{"write units", fresh.writes * rows, perWriteUnit},
		{"read units", fresh.reads * rows, perReadUnit},
		{fmt.Sprintf("GB-s of imports, %.0f s with %.2f GB", seconds, gb), seconds * gb, perGBSecond},
		{"invocations of imports", 1 + math.Floor(seconds/float64(d.Timeout)), perInvocation},
		{"messages to itself", 3 * math.Floor(seconds/float64(d.Timeout)), perMessage}, // sent, received, deleted
		{"GETs of the file", fresh.gets * rows, perGet},
		{"PUTs: the file, two error workbooks", 3, perPut},
	}
	fmt.Fprintf(out, "\n| 1,000,000 new rows on AWS | amount | dollars |\n|---|---|---|\n")
	sum := 0.0
	for _, l := range lines {
		sum += l.amount * l.price
		fmt.Fprintf(out, "| %s | %.0f | %.4f |\n", l.what, l.amount, l.amount*l.price)
	}
	fmt.Fprintf(out, "| **all, wanted ≤ %.2f** | | **%.2f** |\n", mostForMillion, sum)
	return wanted(nil, sum <= mostForMillion, "a million rows cost %.2f dollars, want %.2f", sum, mostForMillion), nil
}
