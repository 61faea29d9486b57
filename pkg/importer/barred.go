package importer

import (
	"context"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/store"
)

// barred are the records of a source that no import may bring: those that an erase has hidden and can still
// restore, and customers that are to be forgotten.
type barred struct {
	dir       *store.Directory
	hasher    *store.Hasher
	forgotten map[store.H]bool
}

// loadBarred reads what is barred, mostly nothing.
func (w *work) loadBarred(ctx context.Context) (*barred, error) {
	b := &barred{dir: w.dir, hasher: w.hasher, forgotten: map[store.H]bool{}}
	if !w.dir.Forgets {
		return b, nil
	}
	source, _ := w.hasher.ForgottenH(w.job.SourceName, "")
	for item, err := range w.store.Items(ctx, store.Forgotten(source)) {
		if err != nil {
			return nil, err
		}
		if h, ok := store.TrailingH(item.SK); ok {
			b.forgotten[h] = true
		}
	}
	return b, nil
}

// refuse says why a record is barred; nil if it is not.
func (b *barred) refuse(tag store.Tag, rec billing.Record) *billing.Problem {
	hides := b.dir.AnyBuried(tag)
	if !hides && len(b.forgotten) == 0 {
		return nil
	}
	customer, invoice, column := idsOf(rec)
	if customer != "" && len(b.forgotten) > 0 {
		if _, h := b.hasher.ForgottenH("", customer); b.forgotten[h] {
			return &billing.Problem{
				Column: column, Code: "forgotten",
				Message: "This customer was erased and is not to be loaded again. If that is meant no more, take it off the do-not-reload list.",
			}
		}
	}
	if !hides {
		return nil
	}
	_, isInvoice := rec.(*billing.Invoice)
	switch h := b.hasher.CustomerH(customer); {
	case customer != "" && b.dir.Buried(tag, store.KindCustomer, h):
	case isInvoice && b.dir.Buried(tag, store.KindInvoicesOf, h):
	case invoice != "" && b.dir.Buried(tag, store.KindInvoice, b.hasher.InvoiceH(invoice)):
	default:
		return nil
	}
	return erasing(column)
}

func erasing(column string) *billing.Problem {
	return &billing.Problem{
		Column: column, Code: codeErasing,
		Message: "This record is being erased, and can still be restored. Restore it, or import again when the erase has ended.",
	}
}

// idsOf are the external ids of the customer and of the invoice that a record is or hangs on, and the column that names the record.
func idsOf(rec billing.Record) (customer, invoice, column string) {
	switch r := rec.(type) {
	case *billing.Customer:
		return r.ExternalID, "", billing.ColumnID(billing.Customers)
	case *billing.Contact:
		return r.CustomerExternalID, "", "Customer external ID"
	case *billing.Invoice:
		return r.CustomerExternalID, r.ExternalID, billing.ColumnID(billing.Invoices)
	case *billing.LineItem:
		return "", r.InvoiceExternalID, "Invoice external ID"
	case *billing.Transaction:
		return "", r.InvoiceExternalID, "Invoice external ID"
	case *billing.Event:
		return r.CustomerExternalID, "", "Customer external ID"
	}
	return "", "", ""
}

// errEmptied ends an import under which its source was emptied: what it has decided rests on what is gone.
func errEmptied() error {
	return fault.New(fault.Conflict, codeEmptied, "The data source was emptied, or a former state of it restored, while the import ran. What it had written is gone with that; import the files again.")
}

const codeEmptied = "source_emptied"

// errManualErased ends an import under which manual customers were erased.
func errManualErased() error {
	return fault.New(fault.Conflict, "manual_erased", "Manual customers were erased while the import ran, and what it had written of them with that; import the files again.")
}

// codeErasing is that of rows which an erase has hidden and can still restore.
const codeErasing = "being_erased"
