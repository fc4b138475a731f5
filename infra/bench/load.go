package main

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// drive has n requests made by so many clients, each of which makes its next
// one when it has the answer. It gives how long all took; the first error ends
// it.
func drive(ctx context.Context, clients, n int, do func(i int) error) (time.Duration, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for range clients {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					stop(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begun), context.Cause(ctx)
}

// arrive has n requests made, so many a second, whatever has become of those
// before, and gives how long each took from the moment that was meant for it: if
// one is held up, those who come meanwhile wait for it, and are counted so.
func arrive(rate float64, n int, do func(i int) error) ([]time.Duration, error) {
	took, errs := make([]time.Duration, n), make([]error, n)
	var wg sync.WaitGroup
	begun := time.Now()
	for i := range n {
		at := begun.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if wait := syscall.NsecToTimespec(int64(time.Until(at))); wait.Nano() > 0 {
			_ = syscall.Nanosleep(&wait, nil) // time.Sleep is up to a millisecond late; if it is interrupted, one comes early
		}
		wg.Go(func() {
			errs[i] = do(i)
			took[i] = time.Since(at)
		})
	}
	wg.Wait()
	return took, errors.Join(errs...)
}

// percentile is the time within which that share of all was done.
func percentile(all []time.Duration, share float64) time.Duration {
	s := slices.Sorted(slices.Values(all))
	return s[min(len(s)-1, int(math.Ceil(share*float64(len(s))))-1)]
}
