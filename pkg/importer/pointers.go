package importer

import (
	"strings"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// pointer is an item that leads to a record. It belongs to the record that it
// names and is written by the key range that owns it.
type pointer struct {
	sk    string
	attrs table.Attrs
}

// pointersOf lists the pointers that a record with these attributes has.
func pointersOf(hr *store.Hasher, sk string, a table.Attrs) []pointer {
	if len(a) == 0 { // there was, or will be, no such record
		return nil
	}
	b := store.OriginOf(a).AddTo(table.NewBuilder())
	lead, _ := store.LeadingH(sk)
	switch {
	case strings.HasPrefix(sk, store.SKCustomer):
		if email := a.Str("email"); email != "" {
			return []pointer{{store.EmailSK(hr.EmailH(email), lead), b.Attrs()}}
		}
	case strings.HasPrefix(sk, store.SKEvent):
		id, _ := store.TrailingEventID(sk)
		return []pointer{{store.ExternalEventSK(id), b.Str("customer", lead.String()).Attrs()}}
	case strings.HasPrefix(sk, store.SKInvoice):
		return invoicePointers(hr, sk, lead, a, b)
	}
	return nil
}

func invoicePointers(hr *store.Hasher, sk string, invoice store.H, a table.Attrs, b *table.Builder) []pointer {
	kind := store.KindLineItem
	switch {
	case len(sk) == len(store.SKInvoice)+2*store.HashLen:
		date, _ := a.Int("date")
		return []pointer{{store.OwnerSK(hr.CustomerH(a.Str("customer")), invoice), b.Int("date", date).Attrs()}}
	case strings.Contains(sk, store.SKTrans):
		kind = store.KindTransaction
	}
	ext := a.Str("external_id")
	if ext == "" {
		return nil
	}
	return []pointer{{store.ExternalSK(kind, hr.External(kind, ext)), b.Str("invoice", invoice.String()).Attrs()}}
}

// appendWrites adds what makes one change true in the table: the record, its
// new pointers, and the end of its old ones.
func appendWrites(dst []table.Write, hr *store.Hasher, p *partitions, c *change) []table.Write {
	dst = append(dst, write(p.key(c.sk), c.before, c.after))
	before, after := pointersOf(hr, c.sk, c.before), pointersOf(hr, c.sk, c.after)
	for _, ptr := range after {
		old := named(before, ptr.sk)
		if old == nil || string(old) != string(ptr.attrs) {
			dst = append(dst, write(p.key(ptr.sk), old, ptr.attrs))
		}
	}
	for _, ptr := range before {
		if named(after, ptr.sk) == nil {
			dst = append(dst, write(p.key(ptr.sk), ptr.attrs, nil))
		}
	}
	return dst
}

// write is the write that leads from attributes to others; none are nil.
func write(k table.Key, before, after table.Attrs) table.Write {
	w := table.Write{Item: table.Item{Key: k, Attrs: after}, Delete: after == nil, Replaces: table.Nothing}
	if before != nil {
		w.Replaces = table.Item{Key: k, Attrs: before}.Size()
	}
	return w
}

// named are the attributes of the pointer of that key; nil if there is none.
func named(list []pointer, sk string) table.Attrs {
	for _, q := range list {
		if q.sk == sk {
			return append(table.Attrs{}, q.attrs...)
		}
	}
	return nil
}

// pointed tells whether a record with these attributes has a pointer; it has at most one.
func pointed(sk string, a table.Attrs) bool {
	switch {
	case strings.HasPrefix(sk, store.SKCustomer):
		return a.Str("email") != ""
	case strings.HasPrefix(sk, store.SKEvent):
		return true
	case strings.HasPrefix(sk, store.SKInvoice):
		return parentOf(sk) == "" || a.Str("external_id") != ""
	}
	return false
}

// costOf is what a change will cost, in thousandths of a write unit. A pointer is far smaller
// than a unit, so that of a row that comes or goes need not be spelled.
func (w *work) costOf(c *change) (milli int64) {
	if c.before == nil || c.after == nil {
		a := c.after
		if a == nil {
			a = c.before
		}
		size := table.Item{Key: w.parts.key(c.sk), Attrs: a}.Size()
		milli = table.WriteCost(0, size).WriteMilli
		if pointed(c.sk, a) {
			milli += table.WriteCost(0, 1).WriteMilli
		}
		return milli
	}
	w.writes = appendWrites(w.writes[:0], w.hasher, w.parts, c)
	for i := range w.writes {
		after := 0
		if !w.writes[i].Delete {
			after = w.writes[i].Item.Size()
		}
		milli += table.WriteCost(max(0, w.writes[i].Replaces), after).WriteMilli
	}
	return milli
}
