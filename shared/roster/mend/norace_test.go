//go:build !race

package mend_test

const slow = 1
