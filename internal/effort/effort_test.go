package effort_test

import (
	"math"
	"slices"
	"testing"

	"reseed/internal/effort"
)

func TestAll(t *testing.T) {
	t.Setenv("RESEED_TEST_ALL", "1")
	if got := slices.Collect(effort.Cases("a", 10, 3)); !slices.Equal(got, []int{1, 4, 7, 10}) || effort.Some(7) != 7 {
		t.Errorf("%v, %d", got, effort.Some(7))
	}
}

// The samples of tests with different names together contain all cases.
func TestSamples(t *testing.T) {
	t.Setenv("RESEED_TEST_ALL", "")
	together := map[int]int{}
	for name := 'a'; name <= 'z'; name++ {
		sample := slices.Collect(effort.Cases(string(name), 40, 2))
		if len(sample) != 4 || !slices.Equal(sample, slices.Collect(effort.Cases(string(name), 40, 2))) {
			t.Errorf("%c: %v", name, sample)
		}
		for _, n := range sample {
			together[n]++
		}
	}
	if len(together) != 20 {
		t.Errorf("%v", together)
	}
	for n := range effort.Cases("a", math.MaxInt, 1) { // for tests that do not know their last case
		if n > 100 {
			break
		}
	}
	if effort.Some(1) != 1 || effort.Some(6) != 2 || effort.Some(160) != 32 {
		t.Error(effort.Some(1), effort.Some(6), effort.Some(160))
	}
}
