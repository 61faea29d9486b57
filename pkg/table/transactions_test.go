package table_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// Writes are cut in their order, by their number and by their bytes, and every part can be written.
func TestTransactionsAreWithinTheLimits(t *testing.T) {
	t.Parallel()
	st := table.New(mem.New(mem.Options{}))
	for name, sizes := range map[string][]int{
		"none": nil, "one": {10}, "as many as one takes": slices.Repeat([]int{10}, st.TransactSize()),
		"more": slices.Repeat([]int{10}, 2*st.TransactSize()+1), "large ones": slices.Repeat([]int{390_000}, 25),
		"a small one behind large ones": append(slices.Repeat([]int{390_000}, 10), 100_000),
	} {
		var writes []table.Write
		for i, n := range sizes {
			attrs := table.NewBuilder().Str("text", strings.Repeat("x", n)).Attrs()
			writes = append(writes, table.Write{Item: table.Item{Key: table.Key{PK: "p", SK: fmt.Sprintf("%04d", i)}, Attrs: attrs}})
		}
		list := st.Transactions(writes)
		var keys []string
		for _, part := range list {
			if err := st.Transact(t.Context(), part...); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, w := range part {
				keys = append(keys, w.Item.SK)
			}
		}
		if len(keys) != len(sizes) || !slices.IsSorted(keys) {
			t.Errorf("%s: %d of %d writes, in order: %t", name, len(keys), len(sizes), slices.IsSorted(keys))
		}
		if name == "large ones" && fault.CodeOf(st.Transact(t.Context(), writes...)) != "store_transaction" {
			t.Errorf("%s: too large a transaction was taken", name)
		}
	}
}
