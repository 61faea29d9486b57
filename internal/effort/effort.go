// Package effort says how many of its cases a test goes through, where they are many and all alike: cuts at every call, kills,
// seeds. `make test` goes through one in five, always the same ones. With RESEED_TEST_ALL set, as by `make test-race`, a test
// goes through all of them.
package effort

import (
	"hash/fnv"
	"iter"
	"os"
)

// share is one in how many. It has no divisor in common with the patterns by which tests choose what to do in their n-th case
// (n%2, n%3, n%4), so that a sample has some of each.
const share = 5

// All tells whether all cases are wanted.
func All() bool { return os.Getenv("RESEED_TEST_ALL") != "" }

// Some is how many of n seeds, kills or items are enough: a fifth, rounded up, or n.
func Some(n int) int {
	if All() {
		return n
	}
	return (n + share - 1) / share
}

// Cases are the numbers 1, 1+step, 1+2*step … up to most: all, or one in five of them. Which one it begins with depends on
// the name of the test, so that tests that are alike sample different cases.
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
