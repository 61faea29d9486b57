package records

import (
	"context"

	"reseed/pkg/billing"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// AttrDate is the attribute with the date of an invoice, in the invoice and in the pointer from its
// customer, in Unix milliseconds.
const AttrDate = "date"

// attrPlace is the attribute with a line item's or transaction's place in the request it came with,
// from 1; rows of files have none. Its leading "_" keeps it out of what imports compare.
const attrPlace = "_n"

// Invoice is an invoice with its line items and transactions. The records are what people see.
type Invoice struct {
	Stored
	H            store.H
	Record       *billing.Invoice
	Lines        []Line        // in the order of their keys
	Transactions []Transaction // in the order of their keys
}

// Part is a line item or a transaction.
type Part struct {
	Stored
	H     store.H
	Place int64 // see attrPlace
}

// Line is a line item.
type Line struct {
	Part
	Record *billing.LineItem
}

// Transaction is a transaction.
type Transaction struct {
	Part
	Record *billing.Transaction
}

// Line is the part as a line item.
func (p Part) Line() Line { return Line{p, store.DecodeLineItem(p.Shown())} }

// Transaction is the part as a transaction.
func (p Part) Transaction() Transaction { return Transaction{p, store.DecodeTransaction(p.Shown())} }

// Lay lays edits over the invoice, and adds the line items and transactions among parts, but for
// hidden ones.
func (i *Invoice) Lay(a Account, parts []table.Item, edits map[table.Key]table.Attrs, withDisabled bool) (err error) {
	if i.Stored, err = a.Stored(i.Source, table.Item{Key: i.Key, Attrs: i.Attrs}, edits); err != nil {
		return err
	}
	i.Record = store.DecodeInvoice(i.Shown())
	for _, item := range parts {
		s, err := a.Stored(i.Source, item, edits)
		if err != nil {
			return err
		}
		if a.Visible(item.Attrs) && !s.Hidden(withDisabled) {
			i.Add(s)
		}
	}
	return nil
}

// Add adds a line item or a transaction.
func (i *Invoice) Add(s Stored) {
	h, ok := store.TrailingH(s.Key.SK)
	if !ok {
		return
	}
	place, _ := s.Attrs.Int(attrPlace)
	p := Part{s, h, place}
	switch store.SKPrefix(s.Key.SK) {
	case store.SKLine:
		i.Lines = append(i.Lines, p.Line())
	case store.SKTrans:
		i.Transactions = append(i.Transactions, p.Transaction())
	}
}

// Invoice reads the invoice of a name, without line items and transactions. A person may have
// disabled or deleted it.
func (r *Records) Invoice(ctx context.Context, n Name) (Account, *Invoice, error) {
	if n.ID == "" {
		return r.invoiceAt(ctx, func(d *store.Directory) (store.Source, store.H, error) {
			src, ok := d.ByUUID(n.Source)
			if !ok {
				return src, store.H{}, Absent(WhatSource)
			}
			return src, d.Hasher().InvoiceH(n.ExternalID), nil
		})
	}
	tag, h, err := store.ParseID(store.PrefixInvoice, n.ID)
	if err != nil {
		return Account{}, nil, Absent(WhatInvoice)
	}
	return r.invoiceAt(ctx, func(d *store.Directory) (store.Source, store.H, error) {
		if src, ok := d.ByTag(tag); ok {
			return src, h, nil
		}
		return store.Source{}, h, Absent(WhatInvoice)
	})
}

// invoiceAt reads an invoice with its edits. where finds its source and identity in the directory.
func (r *Records) invoiceAt(ctx context.Context, where func(*store.Directory) (store.Source, store.H, error)) (Account, *Invoice, error) {
	a, found, err := r.read(ctx, func(d *store.Directory) []table.Key {
		src, h, err := where(d)
		if err != nil {
			return nil
		}
		return InvoiceKeys(src, h)
	})
	if err != nil {
		return a, nil, err
	}
	src, h, err := where(a.Directory)
	if err != nil {
		return a, nil, err
	}
	inv := a.InvoiceIn(src, h, found)
	if inv == nil {
		return a, nil, Absent(WhatInvoice)
	}
	return a, inv, inv.Lay(a, nil, found, true)
}

// undeleted reads the invoice of a name, unless a person has deleted it.
func (r *Records) undeleted(ctx context.Context, n Name) (Account, *Invoice, error) {
	a, inv, err := r.Invoice(ctx, n)
	if err == nil && inv.Deleted() {
		return a, nil, Absent(WhatInvoice)
	}
	return a, inv, err
}

// InvoiceKeys are the keys of an invoice and of what people did to it.
func InvoiceKeys(src store.Source, h store.H) []table.Key {
	key := src.Space().Invoice(h)
	return []table.Key{key, src.Space().FieldsOf(key)}
}

// InvoiceIn takes an invoice from found, as it was imported; nil if the invoice or its customer is
// not visible.
func (a Account) InvoiceIn(src store.Source, h store.H, found map[table.Key]table.Attrs) *Invoice {
	key := src.Space().Invoice(h)
	attrs := found[key]
	if !a.InvoiceVisible(src.Tag, h, attrs) {
		return nil
	}
	return &Invoice{Stored: Stored{Source: src, Key: key, Attrs: attrs}, H: h, Record: store.DecodeInvoice(attrs)}
}
