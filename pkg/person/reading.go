package person

import (
	"context"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/source"
	"reseed/pkg/source/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// reading reads records as people see them and as they were imported, with their edits. One
// goroutine at a time may use it.
type reading struct {
	st      *store.Store
	d       *store.Directory
	hr      *store.Hasher
	writers map[billing.Dataset]source.Writer
}

func newReading(st *store.Store, d *store.Directory) *reading {
	return &reading{st, d, d.Hasher(), map[billing.Dataset]source.Writer{}}
}

// describe makes a Record of a stored record, or of a part of one, with its edits, which it takes
// out of edits.
func (r *reading) describe(m member, it table.Item, edits map[table.Key][]table.Item) (rec Record, err error) {
	rec = Record{ID: store.PublicID(m.src.Tag, it.SK), DataSource: m.src.UUID, AddedAt: it.Attrs.Time(store.AttrCreated), ChangedAt: it.Attrs.Time(store.AttrUpdated)}
	shown := it.Attrs
	for _, e := range edits[it.Key] {
		n, err := r.entry(m, e)
		if err != nil {
			return rec, err
		}
		rec.Edits = append(rec.Edits, WireEdit(n))
		shown = n.Row.Over(shown)
	}
	delete(edits, it.Key)
	k := store.RecordAt(it.SK)
	if rec.Imported, err = r.spell(k, it.Attrs); err != nil {
		return rec, err
	}
	rec.Shown, err = r.spell(k, shown)
	return rec, err
}

// spell spells a record as a line of NDJSON that an import takes.
func (r *reading) spell(k *store.RecordKind, a table.Attrs) ([]byte, error) {
	ds := k.CameWith(a)
	w := r.writers[ds]
	if w == nil {
		var err error
		if w, err = (records.Format{}).Writer(ds); err != nil {
			return nil, err
		}
		r.writers[ds] = w
	}
	text := w.Append(nil, k.Decode(a))
	return text[:len(text)-1], nil // without its line end
}

// withParts gives take a record, and then its parts. It returns the edits of parts that are gone.
func (r *reading) withParts(
	ctx context.Context, k *store.RecordKind, m member, it table.Item, take func(*store.RecordKind, Record) error,
) (left map[table.Key][]table.Item, err error) {
	edits := map[table.Key][]table.Item{}
	if len(k.Edits) > 0 {
		if edits, err = r.editsOf(ctx, m, it.Key); err != nil {
			return nil, err
		}
	}
	one := func(it table.Item) error {
		rec, err := r.describe(m, it, edits)
		if err != nil {
			return err
		}
		return take(store.RecordAt(it.SK), rec)
	}
	if err := one(it); err != nil {
		return nil, err
	}
	if len(store.PartsOf(k.Kind)) == 0 {
		return edits, nil
	}
	h, _ := store.LeadingH(it.SK)
	for part, err := range r.st.Items(ctx, m.sp.Parts(k, h)) {
		switch {
		case err != nil:
			return nil, err
		case store.RecordAt(part.SK) == nil || r.d.Hides(m.src.Tag, part.SK, part.Attrs):
			continue
		}
		if err := one(part); err != nil {
			return nil, err
		}
	}
	return edits, nil
}

// found reads the records that pointers lead to, without those that belong to another customer by
// now.
func (r *reading) found(ctx context.Context, k *store.RecordKind, m member, pointers []table.Item) (items []table.Item, err error) {
	var keys []table.Key
	for _, p := range pointers {
		h, _ := store.TrailingH(p.SK)
		keys = append(keys, m.sp.Key(k.SK+h.String()))
	}
	found, err := r.st.Lookup(ctx, keys...)
	for _, key := range keys {
		if a, there := found[key]; there && r.hr.CustomerH(a.Str(k.OfAttr)) == m.h {
			items = append(items, table.Item{Key: key, Attrs: a})
		}
	}
	return items, err
}

// editsOf reads the visible edits of a record and its parts, by record.
func (r *reading) editsOf(ctx context.Context, m member, record table.Key) (map[table.Key][]table.Item, error) {
	edits := map[table.Key][]table.Item{}
	for it, err := range r.st.Items(ctx, m.sp.EditsOf(record.SK)) {
		if err != nil {
			return nil, err
		}
		if key, ok := m.sp.Edited(it.SK); ok && r.d.Visible(it.Attrs) {
			edits[key] = append(edits[key], it)
		}
	}
	return edits, nil
}

// entry reads an edit.
func (r *reading) entry(m member, it table.Item) (*edit.Entry, error) {
	n, err := edit.ReadEntry(m.src, it)
	if n == nil && err == nil {
		n = &edit.Entry{} // of a later version: it is there, and nothing more can be said
	}
	return n, err
}
