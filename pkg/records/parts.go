package records

import (
	"bytes"
	"context"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// PartOf is a line item or a transaction with its invoice. The invoice comes without its other line
// items and transactions.
type PartOf struct {
	Part
	Invoice *Invoice
}

// Part reads the line item or transaction of a name. A person may have disabled it or its invoice.
func (r *Records) Part(ctx context.Context, kind store.Kind, n Name) (Account, *PartOf, error) {
	if n.ID != "" {
		return r.partByID(ctx, kind, n.ID)
	}
	return r.partByExternalID(ctx, kind, n)
}

// partByID searches for the row: its public id has only the first bytes of two identities, the
// invoice's and its own.
func (r *Records) partByID(ctx context.Context, kind store.Kind, id string) (Account, *PartOf, error) {
	prefix := store.PrefixLineItem
	if kind == store.KindTransaction {
		prefix = store.PrefixTransaction
	}
	tag, under, err := store.ParseID(prefix, id)
	if err != nil {
		return Account{}, nil, Absent(whatOf(kind))
	}
	a, err := r.Account(ctx)
	if err != nil {
		return a, nil, err
	}
	src, ok := a.ByTag(tag)
	if !ok {
		return a, nil, Absent(whatOf(kind))
	}
	invoice, h, err := r.locate(ctx, kind, src.Space(), under)
	if err != nil {
		return a, nil, err
	}
	p, err := r.loadPart(ctx, a, kind, src, invoice, h)
	return a, p, err
}

// locate finds the two identities whose first bytes a public id has. Usually only one invoice
// begins like that.
func (r *Records) locate(ctx context.Context, kind store.Kind, sp store.Space, under store.H) (invoice, h store.H, err error) {
	q := sp.PartsUnder(under)
	q.Limit, q.KeysOnly = 1, true
	for {
		page, err := r.Store.Page(ctx, q)
		if err != nil {
			return invoice, h, err
		}
		if len(page.Items) == 0 {
			return invoice, h, Absent(whatOf(kind))
		}
		invoice, _ = store.LeadingH(page.Items[0].SK)
		like := sp.PartsLike(kind, invoice, under)
		like.KeysOnly = true
		for item, err := range r.Store.Items(ctx, like) {
			if err != nil {
				return invoice, h, err
			}
			if h, _ = store.TrailingH(item.SK); store.Under(invoice, h) == under {
				return invoice, h, nil
			}
		}
		q.After = store.After(store.InvoiceSK(invoice))
	}
}

// partByExternalID follows the pointer from an external id.
func (r *Records) partByExternalID(ctx context.Context, kind store.Kind, n Name) (Account, *PartOf, error) {
	var key table.Key
	a, found, err := r.read(ctx, func(d *store.Directory) []table.Key {
		if src, ok := d.ByUUID(n.Source); ok {
			key = src.Space().External(kind, d.Hasher().External(kind, n.ExternalID))
			return []table.Key{key}
		}
		return nil
	})
	if err != nil {
		return a, nil, err
	}
	src, ok := a.ByUUID(n.Source)
	if !ok {
		return a, nil, Absent(WhatSource)
	}
	invoice, ok := store.ParseH(found[key].Str(attrInvoice))
	if !ok {
		return a, nil, Absent(whatOf(kind))
	}
	p, err := r.loadPart(ctx, a, kind, src, invoice, a.Hash.External(kind, n.ExternalID))
	return a, p, err
}

// loadPart reads a line item or transaction, and its invoice. If the invoice is not there, neither
// is the part.
func (r *Records) loadPart(ctx context.Context, a Account, kind store.Kind, src store.Source, invoice, h store.H) (*PartOf, error) {
	key := PartKey(src.Space(), kind, invoice, h)
	found, err := r.Lookup(ctx, append(InvoiceKeys(src, invoice), key, src.Space().FieldsOf(key)))
	if err != nil {
		return nil, err
	}
	inv := a.InvoiceIn(src, invoice, found)
	if inv == nil {
		return nil, Absent(whatOf(kind))
	}
	if err := inv.Lay(a, nil, found, true); err != nil {
		return nil, err
	}
	s, err := a.Stored(src, table.Item{Key: key, Attrs: found[key]}, found)
	if err != nil {
		return nil, err
	}
	if s.Attrs == nil || !a.Visible(s.Attrs) || s.Deleted() || inv.Deleted() {
		return nil, Absent(whatOf(kind))
	}
	return &PartOf{Part{Stored: s, H: h}, inv}, nil
}

// AddPart adds a line item or a transaction to an invoice. read puts it into the draft. If
// something is wrong with it, the error is a [RefusedError].
func (r *Records) AddPart(ctx context.Context, invoice Name, read func(*Draft)) (a Account, made *PartOf, err error) {
	err = r.settled(ctx, func() error {
		now, inv, err := r.undeleted(ctx, invoice)
		if err != nil {
			return err
		}
		d := inv.Draft()
		read(d)
		owner := inv.owner(now)
		if err := r.prepare(ctx, now, owner, []*Draft{d}); err != nil {
			return err
		}
		item, err := r.storePart(ctx, now, owner, d)
		if err != nil {
			return err
		}
		h, _ := store.TrailingH(item.SK)
		a, made = now, &PartOf{Part{Stored: Stored{Source: inv.Source, Key: item.Key, Attrs: item.Attrs}, H: h}, inv}
		return nil
	})
	return a, made, err
}

// Draft returns a draft to which a line item or a transaction of this invoice can be added.
func (i *Invoice) Draft() *Draft {
	return &Draft{Invoice: &Invoice{Stored: i.Stored, H: i.H, Record: store.DecodeInvoice(i.Attrs)}, Errs: map[string]string{}}
}

// owner is the customer of the invoice with the little that writing needs. Its attributes are the
// invoice's, so what is added gets the invoice's manual epoch.
func (i *Invoice) owner(a Account) Customer {
	ext := i.Record.CustomerExternalID
	m := &edit.Member{Ref: edit.Ref{Tag: i.Source.Tag, H: a.Hash.CustomerH(ext)}, Source: i.Source, Attrs: i.Attrs}
	return Customer{Member: m, Record: &billing.Customer{ExternalID: ext}}
}

// storePart writes a line item or a transaction, unless something is wrong with it.
func (r *Records) storePart(ctx context.Context, a Account, owner Customer, d *Draft) (made table.Item, err error) {
	over, err := r.findTaken(ctx, a, d)
	if err != nil {
		return made, err
	}
	if err := refusedDrafts(a, d); err != nil {
		return made, err
	}
	w := r.writing(a, owner, over)
	w.addParts(d)
	if err := w.cancel(ctx); err != nil {
		return made, err
	}
	return w.parts[0].Item, r.write(ctx, a, w.parts...)
}

// removal returns the writes that remove a row and its edit. Its pointers go only if they still
// lead to this row.
func (r *Records) removal(ctx context.Context, a Account, p *PartOf) ([]table.Write, error) {
	sp := p.Source.Space()
	writes := []table.Write{
		{Item: table.Item{Key: p.Key}, Delete: true, If: p.unchanged()},
		{Item: table.Item{Key: sp.FieldsOf(p.Key)}, Delete: true},
	}
	pointers := sp.PointersOf(a.Hash, table.Item{Key: p.Key, Attrs: p.Attrs})
	keys := make([]table.Key, len(pointers))
	for i := range pointers {
		keys[i] = pointers[i].Key
	}
	found, err := r.Lookup(ctx, keys)
	for _, ptr := range pointers {
		if bytes.Equal(found[ptr.Key].Content(), ptr.Attrs.Content()) {
			writes = append(writes, table.Write{Item: table.Item{Key: ptr.Key}, Delete: true})
		}
	}
	return writes, err
}
