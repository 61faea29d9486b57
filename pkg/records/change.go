package records

import (
	"bytes"
	"context"
	"slices"

	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// A record is changed in one of two ways. An edit is stored beside the record, and stays whatever
// is imported later. Other changes are made in the record itself, as an import would, so the next
// import may change it again; a field that a person has edited still shows the edit.

// Change says how a record is changed.
type Change struct {
	Want   table.Attrs // the record as it shall be
	Attrs  []string    // the attributes that change
	AsEdit bool
}

// ChangeInvoice changes the invoice of a name. by is the author.
func (r *Records) ChangeInvoice(
	ctx context.Context, n Name, by string, decide func(Account, *Invoice) (Change, error),
) (Account, *Invoice, error) {
	return r.onInvoice(ctx, n, func(a Account, inv *Invoice) error {
		ch, err := decide(a, inv)
		if err != nil {
			return err
		}
		return r.apply(ctx, a, &inv.Stored, ch, by)
	})
}

// DisableInvoice hides the invoice of a name, or shows it again: always an edit.
func (r *Records) DisableInvoice(ctx context.Context, n Name, by string, disabled bool) (Account, *Invoice, error) {
	return r.onInvoice(ctx, n, func(a Account, inv *Invoice) error {
		return r.editRow(ctx, a, &inv.Stored, a.editable(inv.Stored).Disable(disabled, by))
	})
}

// HideInvoice deletes the invoice of a name as an edit: no import brings it back.
func (r *Records) HideInvoice(ctx context.Context, n Name, by string) error {
	_, _, err := r.onInvoice(ctx, n, func(a Account, inv *Invoice) error {
		return r.editRow(ctx, a, &inv.Stored, a.editable(inv.Stored).Delete(by))
	})
	return err
}

// onInvoice calls do with the invoice of a name, which may be disabled.
func (r *Records) onInvoice(ctx context.Context, n Name, do func(Account, *Invoice) error) (a Account, inv *Invoice, err error) {
	err = r.settled(ctx, func() (err error) {
		if a, inv, err = r.undeleted(ctx, n); err != nil {
			return err
		}
		return do(a, inv)
	})
	return a, inv, err
}

// ChangePart changes the line item or transaction of a name. by is the author.
func (r *Records) ChangePart(
	ctx context.Context, kind store.Kind, n Name, by string, decide func(Account, *PartOf) (Change, error),
) (Account, *PartOf, error) {
	return r.onPart(ctx, kind, n, func(a Account, p *PartOf) error {
		ch, err := decide(a, p)
		if err != nil {
			return err
		}
		return r.apply(ctx, a, &p.Stored, ch, by)
	})
}

// DisablePart hides the line item or transaction of a name, or shows it again: always an edit.
func (r *Records) DisablePart(ctx context.Context, kind store.Kind, n Name, by string, disabled bool) (Account, *PartOf, error) {
	return r.onPart(ctx, kind, n, func(a Account, p *PartOf) error {
		return r.editRow(ctx, a, &p.Stored, a.editable(p.Stored).Disable(disabled, by))
	})
}

// DeletePart removes the line item or transaction of a name, with its pointer and its edit. With
// asEdit it hides it for good instead, so that no import brings it back.
func (r *Records) DeletePart(ctx context.Context, kind store.Kind, n Name, by string, asEdit bool) error {
	_, _, err := r.onPart(ctx, kind, n, func(a Account, p *PartOf) error {
		if asEdit {
			return r.editRow(ctx, a, &p.Stored, a.editable(p.Stored).Delete(by))
		}
		writes, err := r.removal(ctx, a, p)
		if err != nil {
			return err
		}
		return r.write(ctx, a, writes...)
	})
	return err
}

// onPart calls do with the line item or transaction of a name. It, or its invoice, may be disabled.
func (r *Records) onPart(ctx context.Context, kind store.Kind, n Name, do func(Account, *PartOf) error) (a Account, p *PartOf, err error) {
	err = r.settled(ctx, func() (err error) {
		if a, p, err = r.Part(ctx, kind, n); err != nil {
			return err
		}
		return do(a, p)
	})
	return a, p, err
}

// Edited finds the record of a public id, and what people did to it.
func (r *Records) Edited(ctx context.Context, id string) (Account, edit.Record, *edit.Entry, error) {
	a, err := r.Account(ctx)
	if err != nil {
		return a, edit.Record{}, nil, err
	}
	rec, n, err := r.Edits.Find(ctx, a.Directory, id)
	if fault.Is(err, fault.NotFound) {
		err = Absent(WhatRecord)
	}
	return a, rec, n, err
}

// Revert takes back what people did to the record of a public id: to the fields whose attributes
// which returns, or everything if it returns no attribute.
func (r *Records) Revert(ctx context.Context, id string, which func(*edit.Entry) ([]string, error)) (n *edit.Entry, err error) {
	err = r.settled(ctx, func() error {
		a, rec, found, err := r.Edited(ctx, id)
		if err != nil {
			return err
		}
		attrs, err := which(found)
		if err != nil {
			return err
		}
		ch := rec.Revert(attrs...)
		writes, err := r.Edits.Writes(ctx, a.Directory, ch)
		if err == nil {
			err = r.write(ctx, a, writes...)
		}
		found.Row = ch.Row
		n = found
		return err
	})
	return n, err
}

// apply makes a change. fault.Conflict means that another writer interfered.
func (r *Records) apply(ctx context.Context, a Account, s *Stored, ch Change, by string) error {
	if ch.AsEdit {
		return r.editRow(ctx, a, s, a.editable(*s).Change(ch.Want, ch.Attrs, by))
	}
	now := s.with(ch, r.Now().UnixMilli())
	if bytes.Equal(now.Content(), s.Attrs.Content()) {
		return nil
	}
	writes := []table.Write{{Item: table.Item{Key: s.Key, Attrs: now}, If: s.unchanged()}}
	sp := s.Source.Space()
	was := sp.PointersOf(a.Hash, table.Item{Key: s.Key, Attrs: s.Attrs})
	// No pointer is removed: what identifies a record can't be changed.
	for _, p := range sp.PointersOf(a.Hash, table.Item{Key: s.Key, Attrs: now}) {
		same := func(q table.Item) bool { return q.Key == p.Key && bytes.Equal(q.Attrs, p.Attrs) }
		if !slices.ContainsFunc(was, same) {
			writes = append(writes, table.Write{Item: p})
		}
	}
	s.Attrs = now
	return r.write(ctx, a, writes...)
}

// editRow stores a change of a record's edits.
func (r *Records) editRow(ctx context.Context, a Account, s *Stored, ch *edit.Change) error {
	writes, err := r.Edits.Writes(ctx, a.Directory, ch)
	if err == nil {
		err = r.write(ctx, a, writes...)
	}
	s.Edits = ch.Row
	return err
}

// with is the record itself after a change.
func (s Stored) with(ch Change, now int64) table.Attrs {
	at, _ := s.Attrs.Int(store.AttrUpdated)
	b := table.NewBuilder().IntAlways(store.AttrUpdated, max(now, at+1))
	for name, v := range s.Attrs.All() {
		if name != store.AttrUpdated && !slices.Contains(ch.Attrs, name) {
			b.Raw(name, v)
		}
	}
	for _, name := range ch.Attrs {
		if v, ok := ch.Want.Get(name); ok {
			b.Raw(name, v)
		}
	}
	return b.Attrs()
}
