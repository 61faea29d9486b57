package rows_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/rows"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// bed is a table with a source, whose items a test stores as they are.
type bed struct {
	t   testing.TB
	st  *store.Store
	dir *store.Directory
	src store.Source
}

func newBed(tb testing.TB) *bed { tb.Helper(); return newBedOn(tb, mem.New(mem.Options{})) }

func newBedOn(tb testing.TB, d table.Driver) *bed {
	tb.Helper()
	b := &bed{t: tb, st: store.New(d)}
	b.change(func(d *store.Directory) (err error) {
		if _, err = d.Add("ds_bystander", "Bystander", "", clock()); err == nil {
			b.src, err = d.Add("ds_first", "First", "", clock())
		}
		return err
	})
	return b
}

func clock() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// change changes the directory.
func (b *bed) change(f func(*store.Directory) error) {
	b.t.Helper()
	var err error
	b.dir, err = b.st.ChangeDirectory(b.t.Context(), func(d *store.Directory) ([]table.Write, error) { return nil, f(d) })
	if err != nil {
		b.t.Fatal(err)
	}
}

// put stores records, which an import of a number has added.
func (b *bed) put(number int64, records ...billing.Record) {
	b.t.Helper()
	hr, sp := b.dir.Hasher(), b.src.Space()
	var writes []table.Write
	for _, r := range records {
		builder := table.NewBuilder().Int(store.AttrCreated, clock().UnixMilli()).Int(store.AttrUpdated, clock().UnixMilli())
		store.Origin{Import: number}.AddTo(builder)
		store.EncodeRecord(builder, r)
		item := table.Item{Key: sp.Key(store.KindFor(r.Dataset()).Locate(hr, r).SK), Attrs: builder.Attrs()}
		writes = append(writes, table.Write{Item: item})
		for _, p := range sp.PointersOf(hr, item) {
			writes = append(writes, table.Write{Item: p})
		}
	}
	if err := b.st.Write(b.t.Context(), writes); err != nil {
		b.t.Fatal(err)
	}
}

// edit changes an attribute of a stored record by hand.
func (b *bed) edit(r billing.Record, attr, value string) {
	b.t.Helper()
	b.do(r, func(rec edit.Record) *edit.Change {
		changed := table.NewBuilder().Str(attr, value).Attrs()
		return rec.Change(changed, []string{attr}, "Ann")
	})
}

func (b *bed) do(r billing.Record, change func(edit.Record) *edit.Change) {
	b.t.Helper()
	hr, sp := b.dir.Hasher(), b.src.Space()
	key := sp.Key(store.KindFor(r.Dataset()).Locate(hr, r).SK)
	found, err := b.st.Lookup(b.t.Context(), key)
	if err == nil {
		err = edit.New(b.st, clock).Write(b.t.Context(), b.dir, []*edit.Change{change(edit.Record{Space: sp, Key: key, Base: found[key], Hash: hr})})
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) reader(ds billing.Dataset) *rows.Reader {
	b.t.Helper()
	r, err := rows.NewReader(b.st, b.dir, b.src, ds)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// all reads all pages, and returns the external ids of the rows in their order, and how many pages
// there were. No page may be too large or too dear, and none may end where nothing follows.
func (b *bed) all(ds billing.Dataset, f rows.Filter, size int) (ids []string, pages int) {
	b.t.Helper()
	r, at := b.reader(ds), rows.Place{}
	id := slices.IndexFunc(r.Columns(), func(c billing.Field) bool { return c.Column == billing.ColumnID(ds) })
	for {
		page, err := r.Page(b.t.Context(), f, at, size)
		if err != nil {
			b.t.Fatal(err)
		}
		pages++
		if len(page.Rows) > size || page.Searched > rows.MostSearched {
			b.t.Errorf("page %d has %d rows, after %d items", pages, len(page.Rows), page.Searched)
		}
		if page.Next != nil && len(page.Rows) < size && page.Searched < rows.MostSearched {
			b.t.Errorf("page %d ends early: %d rows, after %d items", pages, len(page.Rows), page.Searched)
		}
		for _, row := range page.Rows {
			ids = append(ids, row.Cells[id])
		}
		if page.Next == nil {
			return ids, pages
		}
		var ok bool
		if at, ok = rows.ParsePlace(page.Next.String()); !ok || at != *page.Next {
			b.t.Fatalf("%q is no place", page.Next)
		}
	}
}

// finds checks that all pages together have rows with these external ids, each once.
func (b *bed) finds(ds billing.Dataset, f rows.Filter, size int, want []string) (pages int) {
	b.t.Helper()
	got, pages := b.all(ds, f, size)
	slices.Sort(got)
	if want = slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
		b.t.Errorf("%v of %s by %d: %d rows %.200v, want %d rows %.200v", f, ds, size, len(got), got, len(want), want)
	}
	return pages
}

func numbered(n int, name string) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("%s%06d", name, i))
	}
	return ids
}

func customers(ids []string, email string) (list []billing.Record) {
	for _, id := range ids {
		list = append(list, &billing.Customer{ExternalID: id, Name: "Name of " + id, Email: email})
	}
	return list
}

// TestHiddenRowsArePassedOver: rows of an erase of any size cost no page more than it may read.
func TestHiddenRowsArePassedOver(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.put(7, customers(numbered(12_000, "hidden"), "")...)
	shown := numbered(500, "shown")
	b.put(8, customers(shown, "")...)
	b.change(func(d *store.Directory) error {
		d.Hide("erase", store.Tombstone{Tag: b.src.Tag, Kind: store.KindImport, Import: 7})
		return nil
	})
	for _, size := range []int{1, 50, 200} {
		if pages := b.finds(billing.Customers, rows.Filter{}, size, shown); pages > 500/size+4 {
			t.Errorf("%d pages by %d", pages, size)
		}
	}
	b.finds(billing.Customers, rows.Filter{ExternalID: "hidden000001"}, 1, nil)
	b.finds(billing.Customers, rows.Filter{ExternalID: "shown000001"}, 1, []string{"shown000001"})
}

// TestAFilterSearchesInParts: what nothing leads to is looked for in parts of bounded size.
func TestAFilterSearchesInParts(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var contacts []billing.Record
	for _, id := range numbered(21_000, "k") {
		contacts = append(contacts, &billing.Contact{CustomerExternalID: "c" + id, ExternalID: id, Email: "other@example.com"})
	}
	var want []string
	for i := 0; i < len(contacts); i += 1000 {
		contacts[i] = &billing.Contact{CustomerExternalID: "c", ExternalID: fmt.Sprintf("found%d", i), Email: "Ann@example.com"}
		want = append(want, fmt.Sprintf("found%d", i))
	}
	b.put(1, contacts...)
	f := rows.Filter{Email: "ann@EXAMPLE.com"}
	if pages := b.finds(billing.Contacts, f, 200, want); pages != 3 {
		t.Errorf("%d pages", pages)
	}
	b.finds(billing.Contacts, f, 4, want)
	if pages := b.finds(billing.Contacts, rows.Filter{ExternalID: "found20000"}, 50, []string{"found20000"}); pages != 3 {
		t.Errorf("%d pages", pages)
	}
}

// TestManyCustomersOfOneAddress: imported addresses, and those that people have given or taken away.
func TestManyCustomersOfOneAddress(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	has, gets, others := numbered(120, "has"), numbered(120, "gets"), numbered(50, "others")
	b.put(1, customers(has, "ann@example.com")...)
	b.put(1, customers(gets, "bob@example.com")...)
	b.put(1, customers(others, "cid@example.com")...)
	var want []string
	for i, id := range has {
		if i%3 == 0 {
			b.edit(&billing.Customer{ExternalID: id}, "email", "dan@example.com")
			continue
		}
		want = append(want, id)
	}
	for i, id := range gets {
		if i%2 == 0 {
			b.edit(&billing.Customer{ExternalID: id}, "email", "Ann@example.com")
			want = append(want, id)
		}
	}
	for _, size := range []int{1, 7, 50, 200} {
		b.finds(billing.Customers, rows.Filter{Email: "ann@example.com"}, size, want)
		b.finds(billing.Customers, rows.Filter{Email: "ann@example.com", State: rows.Edited}, size, want[80:])
	}
}

// TestRowsInAState: they are found by what people have done, among other edits and edits whose
// records are gone.
func TestRowsInAState(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	ids := numbered(900, "c")
	b.put(1, customers(ids, "")...)
	for i, id := range ids {
		c := &billing.Customer{ExternalID: id}
		key := b.src.Space().Key(store.KindFor(billing.Customers).Locate(b.dir.Hasher(), c).SK)
		switch i % 3 {
		case 0:
			b.edit(c, "city", "Rome")
		case 1:
			b.do(c, func(r edit.Record) *edit.Change { return r.Disable(true, "Ann") })
		}
		if i%9 == 0 || i%9 == 1 {
			if err := b.st.Write(t.Context(), []table.Write{{Item: table.Item{Key: key}, Delete: true}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := map[rows.State][]string{}
	for i, id := range ids {
		switch {
		case i%9 == 0 || i%9 == 1:
		case i%3 == 0:
			want[rows.Edited] = append(want[rows.Edited], id)
		case i%3 == 1:
			want[rows.Disabled] = append(want[rows.Disabled], id)
		}
	}
	for _, state := range rows.States() {
		for _, size := range []int{1, 50, 200} {
			b.finds(billing.Customers, rows.Filter{State: state}, size, want[state])
		}
	}
}

// TestInvoicesWithManyParts: the parts of an invoice cost a page of invoices little, and a page of
// parts begins anywhere among them.
func TestInvoicesWithManyParts(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	invoices := numbered(9, "i")
	var lines []string
	for _, id := range invoices {
		records := []billing.Record{&billing.Invoice{ExternalID: id, CustomerExternalID: "c", Currency: "EUR", Date: clock()}}
		for _, line := range numbered(1200, id+"-l") {
			records = append(records, &billing.LineItem{InvoiceExternalID: id, ExternalID: line, Type: "one_time"})
			lines = append(lines, line)
		}
		b.put(1, records...)
	}
	orphan := &billing.LineItem{InvoiceExternalID: "gone", ExternalID: "orphan", Type: "one_time"}
	b.put(1, orphan)
	for _, size := range []int{1, 10, 200} {
		b.finds(billing.Invoices, rows.Filter{}, size, invoices)
	}
	b.finds(billing.LineItems, rows.Filter{}, 200, lines)
	b.finds(billing.LineItems, rows.Filter{ExternalID: "orphan"}, 200, nil)
	b.finds(billing.LineItems, rows.Filter{ExternalID: lines[4321]}, 200, lines[4321:4322])
	page, err := b.reader(billing.Invoices).Page(t.Context(), rows.Filter{}, rows.Place{}, 1)
	if err != nil || page.Searched > 100 {
		t.Errorf("%d items for a page of one invoice: %v", page.Searched, err)
	}
}

// TestRemainingIsCountedInParts: also if a part ends within the parts of one invoice.
func TestRemainingIsCountedInParts(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.put(1, &billing.Customer{ExternalID: "c"}, &billing.Invoice{ExternalID: "i", CustomerExternalID: "c", Currency: "EUR", Date: clock()})
	for _, part := range numbered(101, "") {
		var records []billing.Record
		for _, line := range numbered(1000, part+"-l") {
			records = append(records, &billing.LineItem{InvoiceExternalID: "i", ExternalID: line, Type: "one_time"})
		}
		b.put(int64(1+len(strings.TrimLeft(part, "0"))%2), records...) // import 2 added parts 1 to 9 and 100
	}
	b.put(2, &billing.LineItem{InvoiceExternalID: "gone", ExternalID: "orphan", Type: "one_time"})
	for number, want := range map[int64]string{1: "map[customers:1 invoices:1 line_items:91000]", 2: "map[line_items:10000]", 3: "map[]"} {
		var c rows.Count
		calls := 0
		for ; !c.Done; calls++ {
			var read int
			var err error
			if c, read, err = rows.Remaining(t.Context(), b.st, b.dir, b.src, number, c); err != nil || read > rows.MostCounted {
				t.Fatalf("%d items: %v", read, err)
			}
			if c.Done {
				break
			}
			var ok bool
			if c, ok = rows.ParseCount(c.Cursor()); !ok {
				t.Fatalf("%q is no count", c.Cursor())
			}
		}
		if got := fmt.Sprint(c.Rows); got != want || calls != 1 {
			t.Errorf("import %d: %s after %d calls, want %s", number, got, calls, want)
		}
	}
}
