package mem_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/store/storetest"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
	"reseed/pkg/table/tabletest"
)

func open(opt mem.Options) func(*testing.T) table.Driver {
	return func(t *testing.T) table.Driver {
		t.Helper()
		d := mem.New(opt)
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	fresh := open(mem.Options{})
	tabletest.Run(t, fresh)
	storetest.Run(t, fresh)
}

func TestConformanceWhileThrottling(t *testing.T) {
	t.Parallel()
	fresh := open(mem.Options{Seed: 7, Busy: 0.3, Partial: 0.6})
	tabletest.Run(t, fresh)
	storetest.Run(t, fresh)
}

var one = []table.Write{{Item: table.Item{Key: table.Key{PK: "p", SK: "s"}}}}

func stored(t *testing.T, d table.Driver) int {
	t.Helper()
	page, err := d.Query(t.Context(), table.Query{PK: "p"})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Items)
}

func TestTheNthCallFailsBeforeOrAfterItIsApplied(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opt  mem.Options
		want int
	}{
		"before": {mem.Options{FailBefore: 2}, 0},
		"after":  {mem.Options{FailAfter: 2}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := mem.New(c.opt)
			if _, _, err := d.Write(t.Context(), nil); err != nil {
				t.Errorf("the first call: %v", err)
			}
			if _, err := d.Transact(t.Context(), one); !fault.Is(err, fault.Unavailable) {
				t.Errorf("the second call: %v", err)
			}
			if got := stored(t, d); got != c.want {
				t.Errorf("%d items, want %d", got, c.want)
			}
			if got := d.Calls(); got != 3 {
				t.Errorf("%d calls, want 3", got)
			}
		})
	}
}

func TestHooksCutACall(t *testing.T) {
	t.Parallel()
	cut := errors.New("cut")
	var seen []string
	hook := func(when string, at int) func(mem.Op, int) error {
		return func(op mem.Op, n int) error {
			seen = append(seen, fmt.Sprintf("%s %s %d", when, op, n))
			if n == at {
				return cut
			}
			return nil
		}
	}
	d := mem.New(mem.Options{Before: hook("before", 1), After: hook("after", 2)})
	for range 2 {
		if _, _, err := d.Write(t.Context(), one); !errors.Is(err, cut) {
			t.Errorf("got %v", err)
		}
	}
	if got := stored(t, d); got != 1 {
		t.Errorf("%d items after one write that was cut before and one after", got)
	}
	want := "[before write 1 before write 2 after write 2 before query 3 after query 3]"
	if fmt.Sprint(seen) != want {
		t.Errorf("seen %v, want %v", seen, want)
	}
}

// outcome plays the same calls and tells what came of each.
func outcome(ctx context.Context, opt mem.Options) (busy, lost, partial, whole int, all string) {
	d := mem.New(opt)
	batch := make([]table.Write, 10)
	for i := range 200 {
		for j := range batch {
			batch[j] = table.Write{Item: table.Item{Key: table.Key{PK: "p", SK: fmt.Sprintf("%d-%d", i, j)}}}
		}
		left, _, err := d.Write(ctx, batch)
		switch {
		case fault.Is(err, fault.Busy):
			busy++
		case err != nil:
			lost++
		case len(left) == len(batch):
			whole++
		case len(left) > 0:
			partial++
		}
		all += fmt.Sprint(len(left), err)
	}
	return busy, lost, partial, whole, all
}

func TestTheAdversaryDoesItsWorstRepeatably(t *testing.T) {
	t.Parallel()
	opt := mem.Options{Seed: 3, Busy: 0.2, Lost: 0.2, Partial: 0.5}
	busy, lost, partial, whole, first := outcome(t.Context(), opt)
	if busy == 0 || lost == 0 || partial == 0 || whole == 0 {
		t.Errorf("busy %d, lost %d, partial %d, wholly undone %d", busy, lost, partial, whole)
	}
	if _, _, _, _, second := outcome(t.Context(), opt); first != second {
		t.Error("the same seed gives another run")
	}
	opt.Seed = 4
	if _, _, _, _, other := outcome(t.Context(), opt); first == other {
		t.Error("another seed gives the same run")
	}
}

func TestACloneIsATableOfItsOwn(t *testing.T) {
	t.Parallel()
	d := mem.New(mem.Options{})
	if _, _, err := d.Write(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	c := d.Clone(mem.Options{})
	if got := stored(t, c); got != 1 {
		t.Errorf("%d items in the clone", got)
	}
	if _, _, err := c.Write(t.Context(), []table.Write{{Item: one[0].Item, Delete: true}}); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, d); got != 1 {
		t.Errorf("%d items in the original", got)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	d := mem.New(mem.Options{})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Write(t.Context(), one); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}
