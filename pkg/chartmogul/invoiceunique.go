package chartmogul

import (
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// attrInvoice is the attribute of the pointer to a line item or transaction: the identity of its invoice, in hex.
const attrInvoice = "invoice"

// claim is an external id that a draft wants for a line item or a transaction.
type claim struct {
	draft   *draft
	kind    store.Kind
	h       store.H // of the row
	pointer table.Key
	row     table.Key // where the draft wants to put the row
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
// see them. It returns the keys that hold something that does not count (rows
// and pointers whose invoice is not there), and on what condition they may be
// written over. A key that is about to be swept, or being written, is an error.
func (c *call) findDuplicates(a account, owner customerRow, drafts []*draft) (over map[table.Key]table.Cond, err error) {
	src, sp := owner.Source, owner.Source.Space()
	var all []claim
	var keys []table.Key
	wanted := map[table.Key]bool{}
	for _, d := range drafts {
		if a.InvoiceBuried(src.Tag, d.row.h, owner.H) {
			return nil, erasing()
		}
		key := sp.Invoice(d.row.h)
		if d.row.record.ExternalID != "" && wanted[key] {
			noteFirst(d.errs, "external_id", textInvoiceDup)
		}
		wanted[key] = true
		keys = append(keys, key, sp.Owner(owner.H, d.row.h))
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
		head := found[sp.Invoice(d.row.h)]
		if a.hidden(head) {
			return nil, erasing()
		}
		if a.invoiceVisible(src.Tag, d.row.h, head) {
			noteFirst(d.errs, "external_id", textInvoiceDup)
		}
	}
	if over, err = c.weigh(a, src, all, found); err != nil {
		return nil, err
	}
	for _, d := range drafts {
		if err := c.mayReplace(a, d, sp.Owner(owner.H, d.row.h), found, over); err != nil {
			return nil, err
		}
	}
	return over, nil
}

// findTaken is findDuplicates for line items and transactions that are added to an invoice.
func (c *call) findTaken(a account, d *draft) (over map[table.Key]table.Cond, err error) {
	all := a.claims(d)
	var keys []table.Key
	for _, cl := range all {
		keys = append(keys, cl.pointer, cl.row)
	}
	found, err := c.lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	return c.weigh(a, d.row.src, all, found)
}

// mayReplace finds out on what condition a key may be written over, if it holds something that does not count.
func (c *call) mayReplace(a account, d *draft, key table.Key, found map[table.Key]table.Attrs, over map[table.Key]table.Cond) (err error) {
	attrs, there := found[key]
	switch {
	case a.hidden(attrs):
		return erasing()
	case there && len(d.errs) == 0:
		over[key], err = c.abandoned(attrs)
	}
	return err
}

// weigh decides which of the claims found somebody else's row.
func (c *call) weigh(a account, src store.Source, all []claim, found map[table.Key]table.Attrs) (map[table.Key]table.Cond, error) {
	sp := src.Space()
	heads, err := a.heads(all, found)
	if err != nil {
		return nil, err
	}
	var keys []table.Key
	for _, cl := range all {
		if holder, pointed := heads[cl.pointer]; pointed {
			keys = append(keys, sp.Invoice(holder), partKey(sp, cl.kind, holder, cl.h))
		}
	}
	held, err := c.lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	over := map[table.Key]table.Cond{}
	for _, cl := range all {
		holder, pointed := heads[cl.pointer]
		row, there := held[partKey(sp, cl.kind, holder, cl.h)]
		if pointed && a.invoiceErasing(src.Tag, holder, held[sp.Invoice(holder)]) {
			return nil, erasing()
		}
		if pointed && there && a.Visible(row) && a.invoiceVisible(src.Tag, holder, held[sp.Invoice(holder)]) {
			noteFirst(cl.draft.errs, cl.name, cl.text)
			continue
		}
		for _, key := range []table.Key{cl.pointer, cl.row} {
			if err := c.mayReplace(a, cl.draft, key, found, over); err != nil {
				return nil, err
			}
		}
	}
	return over, nil
}

// heads are the invoices that the claims' pointers lead to.
func (a account) heads(all []claim, found map[table.Key]table.Attrs) (map[table.Key]store.H, error) {
	heads := map[table.Key]store.H{}
	for _, cl := range all {
		at := found[cl.pointer]
		if a.hidden(at) || a.hidden(found[cl.row]) {
			return nil, erasing()
		}
		if holder, ok := store.ParseH(at.Str(attrInvoice)); ok && a.Visible(at) {
			heads[cl.pointer] = holder
		}
	}
	return heads, nil
}

// partKey is the key of a line item or a transaction.
func partKey(sp store.Space, kind store.Kind, invoice, h store.H) table.Key {
	if kind == store.KindTransaction {
		return sp.Transaction(invoice, h)
	}
	return sp.LineItem(invoice, h)
}
