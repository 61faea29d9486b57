//nolint:thelper // subtests are no helpers: a failure names its own line
package storetest

import (
	"fmt"
	"testing"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Run runs the suite. open makes an empty table for each subtest, and closes it with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) table.Driver) {
	t.Helper()
	t.Run("tombstones", func(t *testing.T) {
		t.Parallel()
		tombstones(t, open(t))
	})
}

// tombstones adds and removes tombstones of many erases, and looks at them through a store that has
// seen all changes and through a new one.
func tombstones(t *testing.T, d table.Driver) {
	st, ctx := store.New(d), t.Context()
	const erases = 90 // more than the log holds
	over := func(n int) store.Tombstone {
		return store.Over(7, store.KindCustomer, store.NewHasher([]byte("key")).CustomerH(fmt.Sprint(n)))
	}
	change := func(do func(*store.Directory)) {
		t.Helper()
		if _, err := st.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
			do(d)
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	look := func(from, to int) {
		t.Helper()
		for _, process := range []*store.Store{st, store.New(d)} {
			dir, err := process.Directory(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for n := range erases {
				want := ""
				if n >= from && n < to {
					want = fmt.Sprint("erase-", n)
				}
				if job := dir.HiddenBy(over(n)); job != want {
					t.Fatalf("%d is hidden by %q, want %q", n, job, want)
				}
			}
			if n := dir.TombstoneCount(); n != to-from {
				t.Fatalf("%d tombstones, want %d", n, to-from)
			}
		}
	}
	look(0, 0)
	change(func(d *store.Directory) {
		for n := range erases - 1 {
			d.Hide(fmt.Sprint("erase-", n), over(n))
		}
	})
	look(0, erases-1)
	change(func(d *store.Directory) { d.Hide(fmt.Sprint("erase-", erases-1), over(erases-1)) })
	change(func(d *store.Directory) { d.Reveal("erase-0") })
	look(1, erases)
	change(func(d *store.Directory) {
		for n := range erases {
			d.Reveal(fmt.Sprint("erase-", n))
		}
	})
	look(0, 0)
	for _, k := range []table.Key{store.TombstoneLogKey(), store.TombstonesKey("erase-1")} {
		if items, err := st.Get(ctx, k); err != nil || len(items) > 0 {
			t.Fatalf("%v is left, %v", k, err)
		}
	}
}
