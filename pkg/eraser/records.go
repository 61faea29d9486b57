package eraser

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// groupSize is how many records are read at a time.
const groupSize = 100

// walker finds all that belongs to one record. It yields the keys that exist, group by group in the
// order in which to delete them: pointers before the records that they lead to, and children before
// their parent. So a sweep that was interrupted finds the rest when it starts again.
type walker struct {
	st    *store.Store
	hr    *store.Hasher
	sp    store.Space
	edits bool // find edits, too
}

type groups = iter.Seq2[[]table.Key, error]

// record yields the keys that an erase of a kind removes of one customer or invoice.
func (r walker) record(ctx context.Context, kind Kind, h store.H) groups {
	invoices := store.KindNamed(store.KindInvoice)
	switch kind {
	case Invoice:
		return func(yield func([]table.Key, error) bool) { yield(r.own(ctx, invoices, h)) }
	case CustomerInvoices:
		return r.found(ctx, invoices, h)
	case Customer, Source, Content, Dependent, ManualCustomers, Import:
	}
	return r.customer(ctx, h)
}

// customer yields all that belongs to a customer, from the last stage of an import to the first,
// and last the customer.
func (r walker) customer(ctx context.Context, h store.H) groups {
	var walks []groups
	for _, kind := range slices.Backward(store.ChildrenOf(store.KindCustomer)) {
		if kind.Found != "" {
			walks = append(walks, r.found(ctx, kind, h), r.orphaned(ctx, kind, h))
		} else {
			walks = append(walks, r.under(ctx, kind, h))
		}
	}
	walks = append(walks, r.self(ctx, h))
	return func(yield func([]table.Key, error) bool) {
		for _, walk := range walks {
			for keys, err := range walk {
				if !yield(keys, err) || err != nil {
					return
				}
			}
		}
	}
}

// found yields the records of a kind to which pointers of a customer lead, each with its pointer.
func (r walker) found(ctx context.Context, kind *store.RecordKind, customer store.H) groups {
	q := r.sp.Below(kind, customer)
	q.KeysOnly = true
	return func(yield func([]table.Key, error) bool) {
		for item, err := range r.st.Items(ctx, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			h, _ := store.TrailingH(item.SK)
			keys, err := r.foundBy(ctx, kind, customer, h)
			if err == nil {
				keys = append(keys, item.Key)
			}
			if !yield(keys, err) || err != nil {
				return
			}
		}
	}
}

// orphaned yields the edits of records of a kind that are gone and once belonged to a customer, as far
// as pointers from edits lead to them.
func (r walker) orphaned(ctx context.Context, kind *store.RecordKind, customer store.H) groups {
	return func(yield func([]table.Key, error) bool) {
		if !r.edits {
			return
		}
		q := r.sp.EditOwnersOf(customer)
		q.KeysOnly = true
		for item, err := range r.st.Items(ctx, q) {
			var keys []table.Key
			if err == nil {
				h, _ := store.TrailingH(item.SK)
				keys, err = r.foundBy(ctx, kind, customer, h)
			}
			if !yield(keys, err) || err != nil {
				return
			}
		}
	}
}

// foundBy returns the keys of a record that a customer's pointer leads to; nothing if the record
// belongs to another customer by now.
func (r walker) foundBy(ctx context.Context, kind *store.RecordKind, customer, h store.H) ([]table.Key, error) {
	key := r.sp.Key(kind.SK + h.String())
	found, err := r.st.Lookup(ctx, key)
	if err != nil {
		return nil, err
	}
	a, there := found[key]
	if there && r.hr.CustomerH(a.Str(kind.OfAttr)) != customer {
		return nil, nil
	}
	return r.whole(ctx, kind, customer, key, there)
}

// own returns the keys of a record and of the pointer from its customer.
func (r walker) own(ctx context.Context, kind *store.RecordKind, h store.H) ([]table.Key, error) {
	key := r.sp.Key(kind.SK + h.String())
	found, err := r.st.Lookup(ctx, key)
	if err != nil {
		return nil, err
	}
	a, there := found[key]
	keys, err := r.whole(ctx, kind, r.hr.CustomerH(a.Str(kind.OfAttr)), key, there)
	if err != nil || !there {
		return keys, err
	}
	pointers, err := r.pointers(ctx, table.Item{Key: key, Attrs: a})
	return append(pointers, keys...), err // the record last: the pointer's key follows from it
}

// whole returns the keys of a record, if it exists, and of its parts, the pointers to them, and the
// edits of all.
func (r walker) whole(ctx context.Context, kind *store.RecordKind, customer store.H, key table.Key, there bool) ([]table.Key, error) {
	h, _ := store.LeadingH(key.SK)
	var parts []table.Item
	for item, err := range r.st.Items(ctx, r.sp.Parts(kind, h)) {
		if err != nil {
			return nil, err
		}
		parts = append(parts, item)
	}
	pointers, err := r.pointers(ctx, parts...)
	if err != nil {
		return nil, err
	}
	edits, err := r.editsWith(ctx, customer, key)
	if err != nil {
		return nil, err
	}
	keys := slices.Concat(edits, pointers, keysOf(parts))
	if there {
		keys = append(keys, key)
	}
	return keys, nil
}

// pointers returns the keys of the existing pointers to some records. A pointer from an external id
// may lead to another record by now: that one stays.
func (r walker) pointers(ctx context.Context, records ...table.Item) ([]table.Key, error) {
	var keys []table.Key
	want := map[table.Key]table.Attrs{}
	for _, it := range records {
		for _, p := range store.PointersOf(r.hr, it.SK, it.Attrs) {
			key := r.sp.Key(p.SK)
			keys = append(keys, key)
			if store.PointerAt(p.SK).Unique {
				want[key] = p.Attrs.Content()
			}
		}
	}
	return r.existing(ctx, keys, func(key table.Key, a table.Attrs) bool {
		content, unique := want[key]
		return !unique || bytes.Equal(a.Content(), content)
	})
}

// editsWith returns the keys of the edits of a record and its parts, and of the pointers that
// follow from the edits; nothing if edits stay. The pointers come first, since only the edit tells
// their keys once the record is gone.
func (r walker) editsWith(ctx context.Context, customer store.H, record table.Key) ([]table.Key, error) {
	if !r.edits {
		return nil, nil
	}
	pointers := edit.PointersTo(r.sp, r.hr, record, customer, nil)
	var keys []table.Key
	for item, err := range r.st.Items(ctx, r.sp.EditsOf(record.SK)) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, item.Key)
		if item.Key == r.sp.FieldsOf(record) {
			pointers = edit.PointersTo(r.sp, r.hr, record, customer, item.Attrs)
		}
	}
	pointers, err := r.existing(ctx, pointers, nil)
	return append(pointers, keys...), err
}

// under yields the records of a kind whose keys begin with a customer's identity, with their
// pointers and edits.
func (r walker) under(ctx context.Context, kind *store.RecordKind, customer store.H) groups {
	return func(yield func([]table.Key, error) bool) {
		walks := []groups{r.pages(ctx, r.sp.Below(kind, customer), func(items []table.Item) ([]table.Key, error) {
			pointers, err := r.pointers(ctx, items...)
			return append(pointers, keysOf(items)...), err
		})}
		if r.edits && len(kind.Edits) > 0 {
			edits := r.pages(ctx, r.sp.EditsBelow(kind, customer), func(items []table.Item) ([]table.Key, error) { return keysOf(items), nil })
			walks = []groups{edits, walks[0]}
		}
		for _, walk := range walks {
			for keys, err := range walk {
				if !yield(keys, err) || err != nil {
					return
				}
			}
		}
	}
}

// self yields the pointers to a customer, its edits, and last the customer.
func (r walker) self(ctx context.Context, h store.H) groups {
	return func(yield func([]table.Key, error) bool) {
		own := r.sp.Customer(h)
		found, err := r.st.Lookup(ctx, own)
		if err != nil {
			yield(nil, err)
			return
		}
		a, there := found[own]
		keys, err := r.editsWith(ctx, h, own)
		var pointers []table.Key
		if err == nil {
			pointers, err = r.pointers(ctx, table.Item{Key: own, Attrs: a})
		}
		keys = append(pointers, keys...)
		if there {
			keys = append(keys, own)
		}
		yield(keys, err)
	}
}

// pages reads a range in small groups, and yields the keys that with returns for each.
func (r walker) pages(ctx context.Context, q table.Query, with func([]table.Item) ([]table.Key, error)) groups {
	q.Limit = groupSize
	return func(yield func([]table.Key, error) bool) {
		for {
			page, err := r.st.Page(ctx, q)
			if err != nil {
				yield(nil, err)
				return
			}
			keys, err := with(page.Items)
			if !yield(keys, err) || err != nil || page.Next == "" {
				return
			}
			q.After = page.Next
		}
	}
}

// existing returns the keys of items that exist and that is accepts; a nil is accepts all.
func (r walker) existing(ctx context.Context, keys []table.Key, is func(table.Key, table.Attrs) bool) ([]table.Key, error) {
	found, err := r.st.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var out []table.Key
	for _, k := range keys {
		if a, ok := found[k]; ok && (is == nil || is(k, a)) {
			out = append(out, k)
		}
	}
	return out, nil
}
