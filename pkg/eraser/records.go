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

// groupSize is how many records are looked at together.
const groupSize = 100

// reader walks what hangs on one record. It yields the keys that exist, group
// by group in the order in which they are to be deleted: pointers before what they point to,
// children before their parent, so that a sweep that was cut finds its way again.
type reader struct {
	st    *store.Store
	hr    *store.Hasher
	sp    store.Space
	edits bool // of what belongs to the record too
}

type groups = iter.Seq2[[]table.Key, error]

// record walks one customer or invoice.
func (r reader) record(ctx context.Context, kind Kind, h store.H) groups {
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

// customer walks all that hangs on a customer, from the last stage of an import to the first, and then itself.
func (r reader) customer(ctx context.Context, h store.H) groups {
	var walks []groups
	for _, kind := range slices.Backward(store.ChildrenOf(store.KindCustomer)) {
		if kind.Found != "" {
			walks = append(walks, r.found(ctx, kind, h))
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

// found walks the records of a kind to which pointers of a customer lead, each with that pointer.
func (r reader) found(ctx context.Context, kind *store.RecordKind, customer store.H) groups {
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

// foundBy is a record that a customer's pointer leads to; nothing, if it is another's by now.
func (r reader) foundBy(ctx context.Context, kind *store.RecordKind, customer, h store.H) ([]table.Key, error) {
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

// own is a record with the pointer from its customer.
func (r reader) own(ctx context.Context, kind *store.RecordKind, h store.H) ([]table.Key, error) {
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
	return append(pointers, keys...), err // the record last: it is what names the pointer
}

// whole is the record, if it is there, with its parts, the pointers to them, and the edits of all.
func (r reader) whole(ctx context.Context, kind *store.RecordKind, customer store.H, key table.Key, there bool) ([]table.Key, error) {
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

// pointers are those that lead to some records and are there. An external id may by now lead to another record: that
// pointer stays.
func (r reader) pointers(ctx context.Context, records ...table.Item) ([]table.Key, error) {
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

// editsWith are the edits of a record and its parts, if those go too, with the pointers that follow from them: those
// first, since only the edit tells whose pointer it is when the record is gone.
func (r reader) editsWith(ctx context.Context, customer store.H, record table.Key) ([]table.Key, error) {
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

// under walks the records of a kind that lie under a customer, with their pointers and edits.
func (r reader) under(ctx context.Context, kind *store.RecordKind, customer store.H) groups {
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

// self is the customer's edits, the pointers to it, and last itself.
func (r reader) self(ctx context.Context, h store.H) groups {
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

// pages walks a range in small groups.
func (r reader) pages(ctx context.Context, q table.Query, with func([]table.Item) ([]table.Key, error)) groups {
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

// existing keeps the keys of items that exist and are as is says; nil asks nothing.
func (r reader) existing(ctx context.Context, keys []table.Key, is func(table.Key, table.Attrs) bool) ([]table.Key, error) {
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
