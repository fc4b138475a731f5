//go:build race

package mend_test

const slow = 10 // times, under the race detector
