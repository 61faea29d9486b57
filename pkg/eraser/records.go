package eraser

import (
	"context"
	"iter"
	"slices"

	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Attributes of pointers that say what they belong to, as the hex H.
const (
	attrInvoice  = "invoice"  // of the pointer to a line item or transaction
	attrCustomer = "customer" // of the pointer to an event
)

// groupSize is how many events or contacts are looked at together.
const groupSize = 100

// reader walks what hangs on one record. It yields the keys that exist, group
// by group in the order in which they are to be deleted: pointers before what they point to,
// children before their parent, so that a sweep that was cut finds its way again.
type reader struct {
	st    *store.Store
	hr    *store.Hasher
	sp    store.Space
	edits bool // of what belongs to the record too
}

type groups = iter.Seq2[[]table.Key, error]

// record walks one customer or invoice.
func (r reader) record(ctx context.Context, kind Kind, h store.H) groups {
	switch kind {
	case Invoice:
		return func(yield func([]table.Key, error) bool) { yield(r.ownInvoice(ctx, h)) }
	case CustomerInvoices:
		return r.invoices(ctx, h)
	case Customer, Source, Content, Dependent, ManualCustomers, Import:
	}
	return r.customer(ctx, h)
}

func (r reader) customer(ctx context.Context, h store.H) groups {
	walks := []func(context.Context, store.H) groups{r.invoices, r.events, r.contacts, r.self}
	return func(yield func([]table.Key, error) bool) {
		for _, walk := range walks {
			for keys, err := range walk(ctx, h) {
				if !yield(keys, err) || err != nil {
					return
				}
			}
		}
	}
}

// invoices walks a customer's invoices, each with the pointer that found it.
func (r reader) invoices(ctx context.Context, customer store.H) groups {
	q := r.sp.OwnersOf(customer)
	q.KeysOnly = true
	return func(yield func([]table.Key, error) bool) {
		for item, err := range r.st.Items(ctx, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			h, _ := store.TrailingH(item.SK)
			keys, err := r.invoiceOf(ctx, customer, h)
			if err == nil {
				keys = append(keys, item.Key)
			}
			if !yield(keys, err) || err != nil {
				return
			}
		}
	}
}

// invoiceOf is an invoice that a customer's pointer leads to; nothing, if it is another's by now.
func (r reader) invoiceOf(ctx context.Context, customer, h store.H) ([]table.Key, error) {
	key := r.sp.Invoice(h)
	found, err := r.st.Lookup(ctx, key)
	if err != nil {
		return nil, err
	}
	a, there := found[key]
	if there && r.hr.CustomerH(store.DecodeInvoice(a).CustomerExternalID) != customer {
		return nil, nil
	}
	return r.invoice(ctx, customer, h, there)
}

// ownInvoice is an invoice with the pointer from its customer.
func (r reader) ownInvoice(ctx context.Context, h store.H) ([]table.Key, error) {
	key := r.sp.Invoice(h)
	found, err := r.st.Lookup(ctx, key)
	if err != nil {
		return nil, err
	}
	a, there := found[key]
	customer := r.hr.CustomerH(store.DecodeInvoice(a).CustomerExternalID)
	keys, err := r.invoice(ctx, customer, h, there)
	if err != nil || !there {
		return keys, err
	}
	owner, err := r.existing(ctx, []table.Key{r.sp.Owner(customer, h)}, nil)
	return append(owner, keys...), err // the invoice last: it is what names the pointer
}

// invoice is the invoice, if it is there, with its line items and transactions, the pointers to them, and the edits of all.
func (r reader) invoice(ctx context.Context, customer, h store.H, there bool) ([]table.Key, error) {
	q := r.sp.InvoiceParts(h)
	q.KeysOnly = true
	var parts, pointers []table.Key
	for item, err := range r.st.Items(ctx, q) {
		if err != nil {
			return nil, err
		}
		parts = append(parts, item.Key)
		own, _ := store.TrailingH(item.SK)
		kind := store.KindLineItem
		if store.What(item.SK) == store.SKTrans {
			kind = store.KindTransaction
		}
		pointers = append(pointers, r.sp.External(kind, own))
	}
	// An external id may by now point to a row of another invoice: that pointer stays.
	pointers, err := r.existing(ctx, pointers, func(a table.Attrs) bool { return a.Str(attrInvoice) == h.String() })
	if err != nil {
		return nil, err
	}
	edits, err := r.invoiceEdits(ctx, customer, h)
	if err != nil {
		return nil, err
	}
	keys := slices.Concat(edits, pointers, parts)
	if there {
		keys = append(keys, r.sp.Invoice(h))
	}
	return keys, nil
}

// invoiceEdits are the edits of an invoice and its parts, with the pointer to its changed date: the latter first, since
// only the edit tells whose pointer it is when the invoice is gone.
func (r reader) invoiceEdits(ctx context.Context, customer, h store.H) ([]table.Key, error) {
	if !r.edits {
		return nil, nil
	}
	var keys []table.Key
	dated := []table.Key{r.sp.EditOwner(customer, h)}
	for item, err := range r.st.Items(ctx, r.sp.InvoiceEditsBetween(h, h)) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, item.Key)
		if owner, ok := edit.OwnerOf(item.Attrs); ok && owner != customer {
			dated = append(dated, r.sp.EditOwner(owner, h))
		}
	}
	dated, err := r.existing(ctx, dated, nil)
	return append(dated, keys...), err
}

// events walks a customer's events with their pointers.
func (r reader) events(ctx context.Context, customer store.H) groups {
	ours := func(a table.Attrs) bool { return a.Str(attrCustomer) == customer.String() }
	return r.pages(ctx, r.sp.EventsOf(customer), func(keys []table.Key) ([]table.Key, error) {
		pointers := make([]table.Key, len(keys))
		for i, k := range keys {
			id, _ := store.TrailingEventID(k.SK)
			pointers[i] = r.sp.ExternalEvent(id)
		}
		pointers, err := r.existing(ctx, pointers, ours)
		return slices.Concat(pointers, keys), err
	})
}

func (r reader) contacts(ctx context.Context, customer store.H) groups {
	return r.pages(ctx, r.sp.ContactsOf(customer), func(keys []table.Key) ([]table.Key, error) { return keys, nil })
}

// self is the customer's edits, the pointers from its e-mail addresses, and last itself.
func (r reader) self(ctx context.Context, h store.H) groups {
	return func(yield func([]table.Key, error) bool) {
		own := r.sp.Customer(h)
		found, err := r.st.Lookup(ctx, own, r.sp.FieldsOf(own))
		if err != nil {
			yield(nil, err)
			return
		}
		var pointers, keys []table.Key
		if email := edit.EmailOf(found[r.sp.FieldsOf(own)]); email != "" {
			pointers = append(pointers, r.sp.EditEmail(r.hr.EmailH(email), h))
		}
		a, there := found[own]
		if there {
			pointers = append(pointers, r.sp.Email(r.hr.EmailH(store.DecodeCustomer(a).Email), h))
		}
		if keys, err = r.existing(ctx, pointers, nil); err != nil {
			yield(nil, err)
			return
		}
		q := r.sp.EditsBetween(h, h)
		q.KeysOnly = true
		for item, err := range r.st.Items(ctx, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			keys = append(keys, item.Key)
		}
		if there {
			keys = append(keys, own)
		}
		yield(keys, nil)
	}
}

// pages walks a range in small groups.
func (r reader) pages(ctx context.Context, q table.Query, with func([]table.Key) ([]table.Key, error)) groups {
	q.KeysOnly, q.Limit = true, groupSize
	return func(yield func([]table.Key, error) bool) {
		for {
			page, err := r.st.Page(ctx, q)
			if err != nil {
				yield(nil, err)
				return
			}
			keys, err := with(keysOf(page.Items))
			if !yield(keys, err) || err != nil || page.Next == "" {
				return
			}
			q.After = page.Next
		}
	}
}

// existing keeps the keys of items that exist and are as is says; nil asks nothing.
func (r reader) existing(ctx context.Context, keys []table.Key, is func(table.Attrs) bool) ([]table.Key, error) {
	found, err := r.st.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var out []table.Key
	for _, k := range keys {
		if a, ok := found[k]; ok && (is == nil || is(a)) {
			out = append(out, k)
		}
	}
	return out, nil
}
