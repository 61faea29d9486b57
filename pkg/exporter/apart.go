package exporter

import (
	"context"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// apart writes edits as lines of their own, behind one another in the order of the records, merges
// of a page's customers last.
type apart struct {
	w         *walk
	out       *output
	edits     *edit.Edit
	customers map[edit.Ref]table.Item // of the page, with merges
	order     []edit.Ref
}

// add writes the edits of a record whose row is written.
func (a *apart) add(ctx context.Context, k *store.RecordKind, item table.Item) error {
	if len(a.w.edits) == 0 {
		return nil
	}
	var parts []edit.Part
	record := a.w.job.Export.Was.Space().FieldsOf(item.Key)
	for _, what := range k.Edits {
		key := table.Key{PK: record.PK, SK: item.SK + what}
		attrs, is := a.w.edits[key]
		if !is || !a.w.dir.Visible(attrs) {
			continue
		}
		delete(a.w.edits, key)
		a.w.seeChange(attrs)
		if what == store.EditMerge {
			a.later(item)
			continue
		}
		some, err := edit.PartsOf(what, attrs)
		if err != nil {
			return err
		}
		parts = append(parts, some...)
	}
	if len(parts) == 0 {
		return nil
	}
	nth, err := a.nth(ctx, k, item)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := a.write(k, item, p, func(e *billing.Edit) { e.Nth = nth }); err != nil {
			return err
		}
	}
	return nil
}

// seeChange counts an edit that was made after the export began.
func (w *walk) seeChange(edits table.Attrs) {
	if at, _ := edits.Int(store.AttrUpdated); at > w.began {
		w.state.Changed++
	}
}

func (a *apart) later(item table.Item) {
	h, _ := store.LeadingH(item.SK)
	r := edit.Ref{Tag: a.w.job.Tag, H: h}
	if a.customers == nil {
		a.customers = map[edit.Ref]table.Item{}
	}
	a.customers[r] = item
	a.order = append(a.order, r)
}

func (a *apart) write(k *store.RecordKind, item table.Item, p edit.Part, complete func(*billing.Edit)) error {
	line, err := p.Line(k, k.Decode(item.Attrs))
	if err != nil {
		return err
	}
	complete(line)
	a.out.addEdit(item, p, line)
	return nil
}

// nth returns which one a record is among equal ones without an external id, as an import of the rows
// numbers them; 0 for the first.
func (a *apart) nth(ctx context.Context, k *store.RecordKind, item table.Item) (int64, error) {
	hash := a.w.dir.Hasher()
	own := k.Locate(hash, k.Decode(item.Attrs))
	if !own.Natural || !k.Part {
		return 0, nil
	}
	var n int64
	q := table.Query{PK: item.PK, From: store.ParentSK(item.SK) + k.SK, To: item.SK}
	for before, err := range a.w.st.Items(ctx, q) {
		if err != nil {
			return 0, err
		}
		if before.SK != item.SK && !a.w.dir.Hides(a.w.job.Tag, before.SK, before.Attrs) && k.Locate(hash, k.Decode(before.Attrs)).SK == own.SK {
			n++
		}
	}
	if n == 0 {
		return 0, nil
	}
	return n + 1, nil
}

// merges writes the merges of the page's customers: each at the customer that is merged into another
// one, and at both if they are of two sources, since one of these may be made anew without the other.
// What is left of the page's edits has no record.
func (a *apart) merges(ctx context.Context) error {
	for key, attrs := range a.w.edits {
		if _, _, is := store.SplitEdit(key.SK); is && a.w.dir.Visible(attrs) {
			a.w.state.Orphans++
		}
	}
	if len(a.order) == 0 {
		return nil
	}
	all, lost, err := a.edits.Merges(ctx, a.w.dir, a.order)
	if err != nil {
		return err
	}
	k := store.KindNamed(store.KindCustomer)
	for _, r := range a.order {
		a.w.state.Orphans += int64(lost[r])
		for _, m := range all[r] {
			err := a.write(k, a.customers[r], m.Part, func(e *billing.Edit) {
				other := m.Other.Attrs.Str("external_id")
				if e.Into = other; m.Parent == r {
					e.Into, e.From = "", other
				}
				if m.Other.Tag != r.Tag {
					e.OtherSource = m.Other.Source.Name
				}
			})
			if err != nil {
				return err
			}
		}
	}
	a.customers, a.order = nil, nil
	return nil
}

// isEdit tells whether a line that is read back is the edit that was written.
func (w *written) isEdit(e *billing.Edit) bool {
	p, err := edit.PartOf(e)
	if err != nil || p.Mark != w.part.Mark {
		return false
	}
	p.Child, p.Parent = w.part.Child, w.part.Parent
	k := store.RecordAt(w.SK)
	return p.About(w.part) && p.Same(w.part) && store.KindFor(e.Of) == k && string(k.Append(nil, e.Record)) == string(k.Append(nil, store.Identifying(k.Decode(w.Attrs))))
}
