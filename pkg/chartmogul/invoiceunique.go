package chartmogul

import (
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/store"
)

// Attributes of pointers: the identity of the record that the row hangs on, in hex.
const (
	attrInvoice  = "invoice"  // of x#l# and x#t#
	attrCustomer = "customer" // of x#e#
)

// claim is an external id that a draft wants for a line item or a transaction.
type claim struct {
	draft   *draft
	kind    store.Kind
	h       store.H // of the row
	pointer store.Key
	row     store.Key // where the draft wants to put the row
	name    string    // of the member, as it is complained about
	text    string    // of the complaint
}

// claims lists the external ids of a draft.
func (a account) claims(d *draft) []claim {
	sp, inv := d.row.src.Space(), d.row.h
	var out []claim
	for _, l := range d.row.lines {
		if l.record.ExternalID != "" {
			out = append(out, claim{
				d, store.KindLineItem, l.h, sp.External(store.KindLineItem, l.h), sp.LineItem(inv, l.h),
				prefixLine + "external_id", textLineDup,
			})
		}
	}
	for _, t := range d.row.trans {
		if t.record.ExternalID != "" {
			out = append(out, claim{
				d, store.KindTransaction, t.h, sp.External(store.KindTransaction, t.h), sp.Transaction(inv, t.h),
				prefixTrans + "external_id", textTransDup,
			})
		}
	}
	return out
}

// findDuplicates notes, in the drafts, every external id that is taken: of
// invoices, line items and transactions together, as the Go client wants to
// see them. It returns the keys that hold something that does not count: rows
// and pointers whose invoice is not there. A key that is about to be swept is an error.
func (c *call) findDuplicates(a account, src store.Source, drafts []*draft) (stale map[store.Key]bool, err error) {
	sp := src.Space()
	var all []claim
	var keys []store.Key
	wanted := map[store.Key]bool{}
	for _, d := range drafts {
		if a.Buried(src.Tag, store.KindInvoice, d.row.h) {
			return nil, erasing()
		}
		key := sp.Invoice(d.row.h)
		if d.row.record.ExternalID != "" && wanted[key] {
			noteFirst(d.errs, "external_id", textInvoiceDup)
		}
		wanted[key] = true
		keys = append(keys, key)
		for _, cl := range a.claims(d) {
			if wanted[cl.pointer] {
				noteFirst(d.errs, cl.name, cl.text)
			}
			wanted[cl.pointer] = true
			keys = append(keys, cl.pointer, cl.row)
			all = append(all, cl)
		}
	}
	found, err := c.lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	for _, d := range drafts {
		if a.invoiceVisible(src.Tag, d.row.h, found[sp.Invoice(d.row.h)]) {
			noteFirst(d.errs, "external_id", textInvoiceDup)
		}
	}
	return c.weigh(a, src, all, found)
}

// weigh decides which of the claims found somebody else's row.
func (c *call) weigh(a account, src store.Source, all []claim, found map[store.Key]store.Attrs) (map[store.Key]bool, error) {
	sp := src.Space()
	heads := map[store.Key]store.H{} // of the invoices that pointers lead to
	var keys []store.Key
	for _, cl := range all {
		if holder, ok := store.ParseH(found[cl.pointer].Str(attrInvoice)); ok {
			heads[cl.pointer] = holder
			keys = append(keys, sp.Invoice(holder), rowOfClaim(sp, holder, cl))
		}
	}
	held, err := c.lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	stale := map[store.Key]bool{}
	for _, cl := range all {
		holder, pointed := heads[cl.pointer]
		row, there := held[rowOfClaim(sp, holder, cl)]
		switch {
		case pointed && a.Buried(src.Tag, store.KindInvoice, holder):
			return nil, erasing()
		case pointed && there && a.Visible(row) && a.invoiceVisible(src.Tag, holder, held[sp.Invoice(holder)]):
			noteFirst(cl.draft.errs, cl.name, cl.text)
		case pointed:
			stale[cl.pointer] = true
		}
		if _, orphan := found[cl.row]; orphan {
			stale[cl.row] = true
		}
	}
	return stale, nil
}

func rowOfClaim(sp store.Space, invoice store.H, cl claim) store.Key {
	if cl.kind == store.KindTransaction {
		return sp.Transaction(invoice, cl.h)
	}
	return sp.LineItem(invoice, cl.h)
}

// cancellation is the event that a line item's cancelled_at stands for, with
// its pointer. It is known by subscription and date, as in the older file of
// cancellations, so saying the same twice is one event.
func (c *call) cancellation(a account, owner customerRow, li *billing.LineItem, at time.Time) []store.Write {
	e := &billing.Event{
		CustomerExternalID: owner.record.ExternalID, SubscriptionExternalID: li.SubscriptionExternalID,
		SubscriptionSetExternalID: li.SubscriptionSetExternalID, Type: billing.Cancelled, Date: at, EffectiveDate: at,
		InvoiceExternalID: li.InvoiceExternalID, Cancellation: true,
	}
	manual, _ := owner.attrs.Int(store.AttrManual)
	sp, id := owner.src.Space(), a.hash.EventH(e).EventID()
	return []store.Write{
		{Item: c.encode(sp.Event(owner.h, id), e, manual)},
		{Item: pointer(sp.ExternalEvent(id), manual, func(b *store.Builder) { b.Str(attrCustomer, owner.h.String()) })},
	}
}
