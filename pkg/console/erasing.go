package console

import "reseed/pkg/api/wire"

// erasing says how the pages call an erase of one kind of selection.
type erasing struct {
	What   string // what goes, for lists
	Title  string // of the page
	Button string
	// What the button does: the name of what goes stands between the two.
	Before, After string
	AsksEdits     bool // edits may stay or go
	KeepsEdits    bool // they stay unless somebody says otherwise
	AsksForget    bool
}

// erasingOf is how a selection is called; false if there is no such selection.
func erasingOf(selection string) (erasing, bool) {
	switch selection {
	case wire.SelectSource:
		return erasing{
			What: "data source", Title: "Delete this data source", Button: "Delete this data source",
			Before: "This deletes the data source", After: "with everything in it, the edits that people made included.",
		}, true
	case wire.SelectContent:
		return erasing{
			What: "everything in a data source", Title: "Empty this data source", Button: "Empty this data source",
			Before: "This deletes everything in the data source", After: "but keeps the source itself.", AsksEdits: true, KeepsEdits: true,
		}, true
	case wire.SelectDependent:
		return erasing{
			What: "plans, invoices and events of a data source", Title: "Delete plans, invoices and events", Button: "Delete plans, invoices and events",
			Before: "This deletes the plans, invoices and subscription events of the data source", After: "but keeps its customers and their contacts.", AsksEdits: true, KeepsEdits: true,
		}, true
	case wire.SelectManualCustomers:
		return erasing{
			What: "all manual customers", Title: "Delete all manual customers", Button: "Delete all manual customers",
			Before: "This deletes", After: "in every data source: each customer that came in a file or was entered by hand, with all that belongs to it.",
		}, true
	}
	return erasingOne(selection)
}

// erasingOne is erasingOf for single records and imports.
func erasingOne(selection string) (erasing, bool) {
	switch selection {
	case wire.SelectCustomer:
		return erasing{
			What: "customer", Title: "Delete this customer", Button: "Delete",
			Before: "This deletes the customer", After: "with all customers merged into it, and all their contacts, invoices, events and edits.", AsksForget: true,
		}, true
	case wire.SelectCustomerInvoices:
		return erasing{
			What: "invoices of a customer", Title: "Delete the invoices of this customer", Button: "Delete these invoices",
			Before: "This deletes all invoices of the customer", After: "in one data source. The customer stays.", AsksEdits: true,
		}, true
	case wire.SelectInvoice:
		return erasing{
			What: "invoice", Title: "Delete this invoice", Button: "Delete this invoice",
			Before: "This deletes the invoice", After: "with its line items and transactions.", AsksEdits: true,
		}, true
	case wire.SelectImport:
		return erasing{
			What: "what an import added", Title: "Delete what this import added", Button: "Delete what this import added",
			Before: "This deletes the rows that one import added to the data source", After: "for good. Rows that it only changed stay as they are.", AsksEdits: true,
		}, true
	}
	return erasing{}, false
}

// allManual is what is typed to confirm an erase of all manual customers.
const allManual = "all manual customers"
