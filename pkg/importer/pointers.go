package importer

import (
	"strings"

	"reseed/pkg/store"
)

// pointer is an item that leads to a record. It belongs to the record that it
// names and is written by the key range that owns it.
type pointer struct {
	sk    string
	attrs store.Attrs
}

// pointersOf lists the pointers that a record with these attributes has.
func pointersOf(hr *store.Hasher, sk string, a store.Attrs) []pointer {
	if len(a) == 0 { // there was, or will be, no such record
		return nil
	}
	b := store.NewBuilder()
	if m, ok := a.Int(store.AttrManual); ok {
		b.IntAlways(store.AttrManual, m)
	}
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

func invoicePointers(hr *store.Hasher, sk string, invoice store.H, a store.Attrs, b *store.Builder) []pointer {
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
func appendWrites(dst []store.Write, hr *store.Hasher, p *partitions, c change) []store.Write {
	if len(c.after) == 0 {
		dst = append(dst, store.Write{Item: store.Item{Key: p.key(c.sk)}, Delete: true})
	} else {
		dst = append(dst, store.Write{Item: store.Item{Key: p.key(c.sk), Attrs: c.after}})
	}
	before, after := pointersOf(hr, c.sk, c.before), pointersOf(hr, c.sk, c.after)
	for _, ptr := range after {
		if !hasPointer(before, ptr) {
			dst = append(dst, store.Write{Item: store.Item{Key: p.key(ptr.sk), Attrs: ptr.attrs}})
		}
	}
	for _, old := range before {
		if !namesPointer(after, old.sk) {
			dst = append(dst, store.Write{Item: store.Item{Key: p.key(old.sk)}, Delete: true})
		}
	}
	return dst
}

func hasPointer(list []pointer, p pointer) bool {
	for _, q := range list {
		if q.sk == p.sk && string(q.attrs) == string(p.attrs) {
			return true
		}
	}
	return false
}

func namesPointer(list []pointer, sk string) bool {
	for _, q := range list {
		if q.sk == sk {
			return true
		}
	}
	return false
}
