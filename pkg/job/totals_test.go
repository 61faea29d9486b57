package job_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/job"
)

func TestTotalsAddUp(t *testing.T) {
	t.Parallel()
	parts := []job.Totals{
		{{Dataset: "transactions", Of: "refunds", Currency: "EUR", Read: 5, Whole: 1}, {Dataset: "transactions", Of: "refunds", Currency: "JPY", Added: 7}},
		{{Dataset: "line_items", Currency: "EUR", Read: 1, Added: 2, Removed: 3, Before: 4, After: 5}},
		{{Dataset: "line_items", Currency: "EUR", Read: 10, Added: 20, Removed: 30, Before: 40, After: 50}, {Dataset: "transactions", Of: "payments", Currency: "EUR"}},
	}
	want := job.Totals{
		{Dataset: "line_items", Currency: "EUR", Read: 11, Added: 22, Removed: 33, Before: 44, After: 55},
		{Dataset: "transactions", Of: "payments", Currency: "EUR"},
		{Dataset: "transactions", Of: "refunds", Currency: "EUR", Read: 5, Whole: 1},
		{Dataset: "transactions", Of: "refunds", Currency: "JPY", Added: 7},
	}
	var got, reverse job.Totals
	for i := range parts {
		got.Add(parts[i])
		reverse.Add(parts[len(parts)-1-i])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, reverse); diff != "" {
		t.Error(diff)
	}
}

func TestTotalsThatDoNotFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name              string
		sum, amount, many int64
		over              bool
	}{
		{"the largest sum", math.MaxInt64 - 6, 3, 2, false},
		{"one more", math.MaxInt64 - 5, 3, 2, true},
		{"the smallest sum", math.MinInt64 + 6, -3, 2, false},
		{"one less", math.MinInt64 + 5, -3, 2, true},
		{"many rows", 0, 1<<53 - 1, 1 << 11, true},
		{"signs that differ", math.MaxInt64, -1, 1, false},
		{"no row", math.MaxInt64, 1, 0, false},
	} {
		total := job.Total{}
		total.Read = c.sum
		total.Plus(&total.Read, c.amount, c.many)
		if total.Over != c.over || !c.over && total.Read != c.sum+c.amount*c.many {
			t.Errorf("%s: %+v", c.name, total)
		}
	}
	var all job.Totals
	all.Add(job.Totals{{Currency: "EUR", Over: true}})
	all.Add(job.Totals{{Currency: "EUR", Read: 1}})
	if !all[0].Over {
		t.Error("a sum of parts that do not fit fits")
	}
}
