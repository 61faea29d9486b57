// Package effort says how many cases a test tries if it has many similar ones: failures at every
// call, kills, seeds. In `make test` it tries one in five, always the same ones. With
// RESEED_TEST_ALL set, as in `make test-all`, it tries all.
package effort

import (
	"hash/fnv"
	"iter"
	"os"
)

// share means that one in so many cases is tried. Tests choose what to do in their n-th case by
// n%2, n%3 or n%4. share has no divisor in common with these, so that a sample has some cases of
// each.
const share = 5

// All reports whether all cases are wanted.
func All() bool { return os.Getenv("RESEED_TEST_ALL") != "" }

// Some returns how many of n seeds, kills or items to try: a fifth, rounded up, or all.
func Some(n int) int {
	if All() {
		return n
	}
	return (n + share - 1) / share
}

// Cases returns the numbers 1, 1+step, 1+2*step … up to most: all, or one in five of them. The
// first one depends on the name of the test, so that similar tests try different cases.
func Cases(name string, most, step int) iter.Seq[int] {
	first := 1
	if !All() {
		sum := fnv.New32a()
		_, _ = sum.Write([]byte(name))
		first += step * int(sum.Sum32()%share)
		step *= share
	}
	return func(yield func(int) bool) {
		for n := first; n <= most && yield(n); n += step {
		}
	}
}
