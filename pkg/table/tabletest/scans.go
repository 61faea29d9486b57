//nolint:thelper // subtests are no helpers: a failure is to name its own line
package tabletest

import (
	"fmt"
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// scans scans partitions whose keys are prefixes of each other, with pages of every size.
func scans(t *testing.T, d table.Driver) {
	if items := scan(t, d, 0); len(items) > 0 {
		t.Errorf("an empty table has %d items", len(items))
	}
	var all []table.Item
	for _, pk := range []string{"a", "a#", "a#1", "a~", "b"} {
		for n := range 12 {
			it := table.Item{Key: table.Key{PK: pk, SK: fmt.Sprintf("%02d", n)}, Attrs: number("n", int64(n))}
			write(t, d, put(it.Key, it.Attrs))
			all = append(all, it)
		}
	}
	for _, limit := range []int{0, 1, 5, 12, 60, 1000} {
		sameItems(t, fmt.Sprintf("pages of %d", limit), scan(t, d, limit), all)
	}
	write(t, d, remove(all[0].Key), remove(all[59].Key))
	sameItems(t, "after a delete", scan(t, d, 7), all[1:59])
	for _, after := range []table.Key{{PK: "a"}, {SK: "b"}, {PK: "a", SK: "\x00"}} {
		if _, err := d.Scan(t.Context(), after, 0); !fault.Is(err, fault.Internal) {
			t.Errorf("a scan behind %q: %v", after, err)
		}
	}
	if _, err := d.Scan(t.Context(), table.Key{}, -1); !fault.Is(err, fault.Internal) {
		t.Errorf("a scan with a limit of -1: %v", err)
	}
}

func scanLarge(t *testing.T, d table.Driver) {
	var all []table.Item
	for n := range 32 { // more than 3 MB
		it := table.Item{Key: table.Key{PK: fmt.Sprint("p", n%3), SK: fmt.Sprintf("%02d", n)}, Attrs: text("s", strings.Repeat("x", 100<<10))}
		write(t, d, put(it.Key, it.Attrs))
		all = append(all, it)
	}
	sameItems(t, "large items", scan(t, d, 0), all)
	page, err := d.Scan(t.Context(), table.Key{}, 0)
	if err == nil && (page.Next == table.Key{} || page.Cost.ReadMilli < 200_000) {
		t.Errorf("3 MB came on one page, or cost only %d thousandths of a unit", page.Cost.ReadMilli)
	}
}

// scan reads all pages of a scan, and checks what must hold for them: partitions come one by one,
// each in order.
func scan(t *testing.T, d table.Driver, limit int) (items []table.Item) {
	t.Helper()
	var after table.Key
	for {
		var page table.Scanned
		err := again(t, func() (err error) {
			page, err = d.Scan(t.Context(), after, limit)
			return err
		})
		if err != nil {
			t.Fatalf("scan: %v", err)
		}
		if limit > 0 && len(page.Items) > limit {
			t.Fatalf("%d items on a page of %d", len(page.Items), limit)
		}
		items = append(items, page.Items...)
		if after = page.Next; after == (table.Key{}) {
			break
		}
	}
	done := map[string]bool{}
	for i := 1; i < len(items); i++ {
		switch last, it := items[i-1], items[i]; {
		case it.PK == last.PK && it.SK <= last.SK:
			t.Fatalf("%v comes after %v", it.Key, last.Key)
		case it.PK != last.PK && done[it.PK]:
			t.Fatalf("partition %s comes in two parts", it.PK)
		case it.PK != last.PK:
			done[last.PK] = true
		}
	}
	return items
}
