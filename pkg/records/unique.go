package records

import (
	"context"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// attrInvoice is the attribute of the pointer to a line item or transaction: the identity of its
// invoice, in hex.
const attrInvoice = "invoice"

// claim is an external id of a draft's line item or transaction. No other row may have it.
type claim struct {
	draft   *Draft
	kind    store.Kind
	h       store.H // of the row
	pointer table.Key
	row     table.Key // of the row
	name    string    // of the member in Draft.Errs
	text    string    // for Draft.Errs, if another row has the external id
}

// claims lists the external ids of a draft.
func (a Account) claims(d *Draft) []claim {
	sp, inv := d.Invoice.Source.Space(), d.Invoice.H
	var out []claim
	for _, l := range d.Invoice.Lines {
		if l.Record.ExternalID != "" {
			out = append(out, claim{
				d, store.KindLineItem, l.H, sp.External(store.KindLineItem, l.H), sp.LineItem(inv, l.H),
				PrefixLine + "external_id", textLineDup,
			})
		}
	}
	for _, t := range d.Invoice.Transactions {
		if t.Record.ExternalID != "" {
			out = append(out, claim{
				d, store.KindTransaction, t.H, sp.External(store.KindTransaction, t.H), sp.Transaction(inv, t.H),
				PrefixTransaction + "external_id", textTransDup,
			})
		}
	}
	return out
}

// findDuplicates notes in the drafts every external id that is taken: of invoices, line items and
// transactions, all at once, as ChartMogul's Go client expects. Rows and pointers without an
// invoice do not count; over has the conditions on which they may be replaced. A key that an erase
// is about to sweep, or that another call is writing, is an error.
func (r *Records) findDuplicates(ctx context.Context, a Account, owner Customer, drafts []*Draft) (over map[table.Key]table.Cond, err error) {
	src, sp := owner.Source, owner.Source.Space()
	var all []claim
	var keys []table.Key
	wanted := map[table.Key]bool{}
	for _, d := range drafts {
		if a.InvoiceHidden(src.Tag, d.Invoice.H, owner.H) {
			return nil, erasing()
		}
		key := sp.Invoice(d.Invoice.H)
		if d.Invoice.Record.ExternalID != "" && wanted[key] {
			d.note("external_id", textInvoiceDup)
		}
		wanted[key] = true
		keys = append(keys, key, sp.Owner(owner.H, d.Invoice.H))
		for _, cl := range a.claims(d) {
			if wanted[cl.pointer] {
				d.note(cl.name, cl.text)
			}
			wanted[cl.pointer] = true
			keys = append(keys, cl.pointer, cl.row)
			all = append(all, cl)
		}
	}
	found, err := r.Lookup(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, d := range drafts {
		head := found[sp.Invoice(d.Invoice.H)]
		if a.hidden(head) {
			return nil, erasing()
		}
		if a.InvoiceVisible(src.Tag, d.Invoice.H, head) {
			d.note("external_id", textInvoiceDup)
		}
	}
	if over, err = r.weigh(ctx, a, src, all, found); err != nil {
		return nil, err
	}
	for _, d := range drafts {
		if err := r.mayReplace(a, d, sp.Owner(owner.H, d.Invoice.H), found, over); err != nil {
			return nil, err
		}
	}
	return over, nil
}

// findTaken is findDuplicates for line items and transactions that are added to an invoice.
func (r *Records) findTaken(ctx context.Context, a Account, d *Draft) (over map[table.Key]table.Cond, err error) {
	all := a.claims(d)
	var keys []table.Key
	for _, cl := range all {
		keys = append(keys, cl.pointer, cl.row)
	}
	found, err := r.Lookup(ctx, keys)
	if err != nil {
		return nil, err
	}
	return r.weigh(ctx, a, d.Invoice.Source, all, found)
}

// mayReplace adds to over the condition on which an item that does not count may be replaced.
func (r *Records) mayReplace(a Account, d *Draft, key table.Key, found map[table.Key]table.Attrs, over map[table.Key]table.Cond) (err error) {
	attrs, there := found[key]
	switch {
	case a.hidden(attrs):
		return erasing()
	case there && len(d.Errs) == 0:
		over[key], err = r.abandoned(attrs)
	}
	return err
}

// weigh notes in the drafts which claims another row has taken, and returns over as findDuplicates
// does.
func (r *Records) weigh(ctx context.Context, a Account, src store.Source, all []claim, found map[table.Key]table.Attrs) (map[table.Key]table.Cond, error) {
	sp := src.Space()
	heads, err := a.heads(all, found)
	if err != nil {
		return nil, err
	}
	var keys []table.Key
	for _, cl := range all {
		if holder, pointed := heads[cl.pointer]; pointed {
			keys = append(keys, sp.Invoice(holder), PartKey(sp, cl.kind, holder, cl.h))
		}
	}
	held, err := r.Lookup(ctx, keys)
	if err != nil {
		return nil, err
	}
	over := map[table.Key]table.Cond{}
	for _, cl := range all {
		holder, pointed := heads[cl.pointer]
		row, there := held[PartKey(sp, cl.kind, holder, cl.h)]
		if pointed && a.invoiceErasing(src.Tag, holder, held[sp.Invoice(holder)]) {
			return nil, erasing()
		}
		if pointed && there && a.Visible(row) && a.InvoiceVisible(src.Tag, holder, held[sp.Invoice(holder)]) {
			cl.draft.note(cl.name, cl.text)
			continue
		}
		for _, key := range []table.Key{cl.pointer, cl.row} {
			if err := r.mayReplace(a, cl.draft, key, found, over); err != nil {
				return nil, err
			}
		}
	}
	return over, nil
}

// heads returns the invoices to which the claims' pointers lead, by pointer.
func (a Account) heads(all []claim, found map[table.Key]table.Attrs) (map[table.Key]store.H, error) {
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

// PartKey is the key of a line item or a transaction.
func PartKey(sp store.Space, kind store.Kind, invoice, h store.H) table.Key {
	if kind == store.KindTransaction {
		return sp.Transaction(invoice, h)
	}
	return sp.LineItem(invoice, h)
}
