//nolint:thelper // subtests are no helpers: a failure is to name its own line
package tabletest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/table"
)

// queryBounds queries keys that are prefixes of each other with every combination of bounds, and
// compares the answers with a plain filter.
func queryBounds(t *testing.T, d table.Driver) {
	keys := []string{"a", "b", "b#", "b#1", "b#1#x", "b#11", "b#2", "b$", "c", "c#~", "c#~~", "d"}
	var all []table.Item
	for i, sk := range keys {
		it := table.Item{Key: table.Key{PK: "p", SK: sk}, Attrs: number("n", int64(i))}
		write(t, d, put(it.Key, it.Attrs), put(table.Key{PK: "q", SK: sk}, nil))
		all = append(all, it)
	}
	bounds := []string{"", "b", "b#1", "b#\x7f", "b$", "c#~ ", "zz"}
	for _, from := range bounds {
		for _, to := range bounds {
			for i, after := range []string{"", "b", "b#1", "b#3", "c#~~"} {
				q := table.Query{PK: "p", From: from, To: to, After: after, Limit: []int{0, 1, 5}[i%3]}
				checkQuery(t, d, q, all)
				q.Reverse = true
				checkQuery(t, d, q, all)
			}
		}
	}
	checkQuery(t, d, table.Query{PK: "p", KeysOnly: true}, all)
	checkQuery(t, d, table.Query{PK: "p", KeysOnly: true, Reverse: true, Limit: 2}, all)
	checkQuery(t, d, table.Query{PK: "nobody"}, nil)
	if _, pages, _ := query(t, d, table.Query{PK: "p", Limit: 5}); pages < 3 {
		t.Errorf("12 items came on %d pages of 5", pages)
	}
}

func checkQuery(t *testing.T, d table.Driver, q table.Query, all []table.Item) {
	t.Helper()
	var want []string
	for _, it := range all {
		ahead := q.After == "" || it.SK > q.After
		if q.Reverse {
			ahead = q.After == "" || it.SK < q.After
		}
		if ahead && it.SK >= q.From && (q.To == "" || it.SK < q.To) {
			if q.KeysOnly {
				it.Attrs = nil
			}
			want = append(want, show(it))
		}
	}
	if q.Reverse {
		slices.Reverse(want)
	}
	items, _, _ := query(t, d, q)
	var got []string
	for _, it := range items {
		if q.KeysOnly && it.Attrs != nil {
			t.Errorf("query %+v: attributes with keys only", q)
		}
		got = append(got, show(it))
	}
	if !slices.Equal(got, want) {
		t.Errorf("query %+v:\ngot  %q\nwant %q", q, got, want)
	}
}

func queryLarge(t *testing.T, d table.Driver) {
	const n, size = 32, 100 << 10 // more than 3 MB
	var all []table.Item
	for i := range n {
		it := table.Item{
			Key:   table.Key{PK: "p", SK: fmt.Sprintf("%02d", i)},
			Attrs: table.NewBuilder().Str("s", strings.Repeat(string(rune('a'+i%26)), size)).Attrs(),
		}
		write(t, d, put(it.Key, it.Attrs))
		all = append(all, it)
	}
	for _, q := range []table.Query{
		{PK: "p"},
		{PK: "p", Reverse: true},
		{PK: "p", KeysOnly: true},
		{PK: "p", Limit: 31},
		{PK: "p", From: "03", To: "30", Limit: 1000, Reverse: true},
	} {
		checkQuery(t, d, q, all)
		if _, pages, _ := query(t, d, q); pages < 3 {
			t.Errorf("query %+v: 3 MB came on %d pages", q, pages)
		}
	}
}

// querySizes checks the sizes that an engine returns, if it does, and that deletes made with them
// cost the same.
func querySizes(t *testing.T, d table.Driver) {
	var want int64
	for i, it := range everyType() {
		it.PK = "p"
		write(t, d, put(it.Key, it.Attrs))
		want += table.WriteCost(it.Size(), 0).WriteMilli
		page := onePage(t, d, table.Query{PK: "p", KeysOnly: true, From: it.SK, Reverse: i%2 == 0})
		if len(page.Items) != 1 || page.Sizes != nil && !slices.Equal(page.Sizes, []int{it.Size()}) {
			t.Errorf("the sizes of %d items are %v, want %d", len(page.Items), page.Sizes, it.Size())
		}
	}
	if page := onePage(t, d, table.Query{PK: "p"}); page.Sizes != nil {
		t.Error("sizes on a page of whole items")
	}
	page := onePage(t, d, table.Query{PK: "p", KeysOnly: true})
	same(t, "what a page deletes", write(t, d, page.Deletes()...), table.Cost{WriteMilli: want})
	state{}.holds(t, d, "p")
}

func onePage(t *testing.T, d table.Driver, q table.Query) (page table.Page) {
	t.Helper()
	err := again(t, func() (err error) {
		page, err = d.Query(t.Context(), q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return page
}
