package records

import (
	"fmt"

	"reseed/pkg/fault"
	"reseed/pkg/store"
)

// What records are called in messages.
const (
	WhatSource      = "Data source"
	WhatCustomer    = "Customer"
	WhatPlan        = "Plan"
	WhatInvoice     = "Invoice"
	WhatLineItem    = "Line item"
	WhatTransaction = "Transaction"
	WhatRecord      = "Record"
)

// Messages that people read. ChartMogul's clients compare the messages about duplicates.
const (
	textBeingErased = "This record is being erased, and may still be restored. Restore it, or try again when that erase has ended."
	textForgotten   = "This customer was erased and is not to be loaded again: it is on the do-not-reload list."
	textCustomerDup = "The external ID for this customer already exists in our system."
	textPlanDup     = "A plan with this identifier already exists in our system."
	textInvoiceDup  = "The external ID for this invoice already exists in our system."
	textLineDup     = "The external ID for this line item already exists in our system."
	textTransDup    = "has already been taken"
)

// Absent is fault.NotFound for a record that is not there, or not visible: the two must not differ.
func Absent(what string) error {
	return fault.New(fault.NotFound, "not_found", what+" not found")
}

func whatOf(kind store.Kind) string {
	if kind == store.KindTransaction {
		return WhatTransaction
	}
	return WhatLineItem
}

// wrongID is fault.Invalid about the external id of a new record.
func wrongID(text string) error {
	return &fault.Error{Kind: fault.Invalid, Code: "external_id", Param: "external_id", Message: text}
}

// erasing is fault.Busy about a new record whose key still carries a tombstone.
func erasing() error { return fault.New(fault.Busy, "being_erased", textBeingErased) }

func contended() error {
	return fault.New(fault.Busy, "contended", "Somebody else is writing the same records. Try again in a moment.")
}

// RefusedError says that nothing of some drafts is stored, since something is wrong with one of
// them. Each draft says what is wrong with it.
type RefusedError struct {
	Account Account
	Drafts  []*Draft
}

// Error says how many drafts are wrong, without their content.
func (e *RefusedError) Error() string {
	n := 0
	for _, d := range e.Drafts {
		if len(d.Errs) > 0 {
			n++
		}
	}
	return fmt.Sprintf("%d of %d invoices are not valid", n, len(e.Drafts))
}

// Unwrap is fault.Invalid.
func (e *RefusedError) Unwrap() error {
	return fault.New(fault.Invalid, "refused", "an invoice is not valid")
}

// refusedDrafts is a [RefusedError] if something is wrong with one of the drafts, else nil.
func refusedDrafts(a Account, drafts ...*Draft) error {
	for _, d := range drafts {
		if len(d.Errs) > 0 {
			return &RefusedError{a, drafts}
		}
	}
	return nil
}
