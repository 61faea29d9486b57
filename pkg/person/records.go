package person

import (
	"context"
	"maps"
	"slices"
	"strings"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// customer emits the record of a source customer with all its edits.
func (r *Reader) customer(ctx context.Context, m member, _ string, emit Emit) (string, error) {
	key := m.sp.Customer(m.h)
	found, err := r.Store.Lookup(ctx, key)
	if err != nil {
		return "", err
	}
	edits, err := r.editsOf(ctx, m, key)
	if err != nil {
		return "", err
	}
	a, there := found[key]
	if there && !r.Directory.HidesCustomer(m.src.Tag, m.h, a) {
		rec, err := r.describe(m, table.Item{Key: key, Attrs: a}, edits)
		if err != nil {
			return "", err
		}
		if err := r.record(store.KindNamed(store.KindCustomer), rec, emit); err != nil {
			return "", err
		}
		return "", r.listed(ctx, m, a.Str("external_id"), emit)
	}
	if err := r.left(m, edits, emit); err != nil {
		return "", err
	}
	return "", fact(SectionListed, Listed{m.id, m.src.UUID, r.Job.Export.OnList}, emit)
}

// listed says whether a customer is on the do-not-reload list.
func (r *Reader) listed(ctx context.Context, m member, externalID string, emit Emit) error {
	on, err := r.Forgotten(ctx, r.Directory, m.src.Name, externalID)
	if err != nil {
		return err
	}
	return fact(SectionListed, Listed{m.id, m.src.UUID, on}, emit)
}

// children emits a page of the records of a kind that belong to a customer.
func (r *Reader) children(ctx context.Context, k *store.RecordKind, m member, after string, emit Emit) (next string, err error) {
	q := m.sp.Below(k, m.h)
	q.After, q.Limit = after, r.Page
	page, err := r.Store.Page(ctx, q)
	if err != nil {
		return "", err
	}
	items := page.Items
	if k.Found != "" {
		if items, err = r.found(ctx, k, m, items); err != nil {
			return "", err
		}
	}
	for _, it := range items {
		if r.Directory.Hides(m.src.Tag, it.SK, it.Attrs) {
			continue
		}
		if err := r.whole(ctx, k, m, it, emit); err != nil {
			return "", err
		}
	}
	return page.Next, nil
}

// whole emits a record with its parts, and the edits of all.
func (r *Reader) whole(ctx context.Context, k *store.RecordKind, m member, it table.Item, emit Emit) error {
	left, err := r.withParts(ctx, k, m, it, func(k *store.RecordKind, rec Record) error { return r.record(k, rec, emit) })
	if err != nil {
		return err
	}
	return r.left(m, left, emit)
}

// left emits the edits of records that are gone.
func (r *Reader) left(m member, edits map[table.Key][]table.Item, emit Emit) error {
	keys := slices.SortedFunc(maps.Keys(edits), func(a, b table.Key) int { return strings.Compare(a.SK, b.SK) })
	for _, key := range keys {
		for _, it := range edits[key] {
			n, err := r.entry(m, it)
			if err != nil {
				return err
			}
			n.Orphan = true
			if err := fact(SectionEdits, WireEdit(n), emit); err != nil {
				return err
			}
		}
	}
	return nil
}

// orphans emits a page of the edits of records that are gone and that once belonged to a customer,
// as far as pointers from edits lead to them.
func (r *Reader) orphans(ctx context.Context, m member, after string, emit Emit) (next string, err error) {
	q := m.sp.EditOwnersOf(m.h)
	q.After, q.Limit, q.KeysOnly = after, r.Page, true
	page, err := r.Store.Page(ctx, q)
	if err != nil {
		return "", err
	}
	for _, k := range store.ChildrenOf(store.KindCustomer) {
		if k.Found == "" || len(k.Edits) == 0 {
			continue
		}
		for _, p := range page.Items {
			h, _ := store.TrailingH(p.SK)
			if err := r.orphan(ctx, m, m.sp.Key(k.SK+h.String()), emit); err != nil {
				return "", err
			}
		}
	}
	return page.Next, nil
}

// orphan emits the edits of a record and its parts, if the record is gone.
func (r *Reader) orphan(ctx context.Context, m member, record table.Key, emit Emit) error {
	found, err := r.Store.Lookup(ctx, record)
	if _, there := found[record]; there || err != nil {
		return err
	}
	edits, err := r.editsOf(ctx, m, record)
	if err != nil {
		return err
	}
	return r.left(m, edits, emit)
}
