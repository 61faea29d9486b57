package chargify

import (
	"net/url"
	"strings"

	"reseed/pkg/source/system"
)

// Codes of issues.
const (
	CodeBadObject      = "chargify_bad_object"       // rejects: a field is not of the type that it should be
	CodeNoCustomer     = "chargify_no_customer"      // rejects: there are objects of a customer, but not the customer
	CodeNoLines        = "chargify_no_lines"         // rejects: an invoice without a list of lines
	CodeLinesDiffer    = "chargify_lines_differ"     // rejects: the lines of an invoice do not sum to its total
	CodeCurrency       = "chargify_unknown_currency" // rejects
	CodeAmount         = "chargify_amount"           // rejects: too large, no number, or more decimals than the currency has
	CodeNoPeriod       = "chargify_no_period"        // rejects: a line of a product without a service period
	CodeInterval       = "chargify_unknown_interval" // rejects
	CodeNoEnd          = "chargify_no_end"           // rejects: a subscription has ended, and does not say when
	CodeOwnInterval    = "chargify_own_interval"     // note: a component is billed otherwise than its product
	CodeState          = "chargify_unknown_state"    // note: left blank
	CodeWord           = "chargify_unknown_word"     // note: a word that this version does not know
	CodeCountry        = "chargify_unknown_country"  // note: left blank
	CodeEmail          = "chargify_bad_email"        // note: left blank
	CodeQuantity       = "chargify_quantity"         // note: 1 in place of a quantity that is 0 or no whole number
	CodePaymentsDiffer = "chargify_payments_differ"  // note: the payments are not what the invoice says was paid
	CodeRefundsExceed  = "chargify_refunds_exceed"   // note: refunds are more than payments
	CodeRefundDate     = "chargify_refund_date"      // note: the date of the invoice in place of that of a refund
	CodeChargeback     = "chargify_chargeback"       // note: a chargeback that is of no payment, or of any of several, is left out
)

// What is left out by design, as [system.Mapped.Left] counts it.
const (
	LeftDraft        = "draft_invoices"
	LeftConsolidated = "consolidated_invoices"
	LeftRefundNotes  = "credit_notes_of_refunds"
	LeftVoidNotes    = "credit_notes_of_voided_invoices"
	LeftEvents       = "events_without_invoice"
	LeftOfNobody     = "objects_without_customer"
)

// link is where people find an object at Chargify. What has no page of its own is behind the # of the page that it is on.
func link(site string, s system.Stream, object, on string) string {
	place := "/" + strings.TrimPrefix(string(s), "products_")
	switch s {
	case Customers, Products, Components, Subscriptions, Invoices, CreditNotes:
		place += "/" + url.PathEscape(object)
	case Metadata:
		place = "/customers"
	case InvoiceEvents:
		place = "/invoices"
	case PricePoints:
		place = "/products"
	case Events:
		place = "/subscriptions"
	}
	switch {
	case on != "":
		place += "/" + url.PathEscape(on) + "#" + url.PathEscape(object)
	case !strings.HasSuffix(place, "/"+url.PathEscape(object)):
		place += "#" + url.PathEscape(object)
	}
	return "https://" + site + place
}
