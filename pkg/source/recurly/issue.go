package recurly

import (
	"cmp"
	"net/url"

	"reseed/pkg/source/system"
)

// Codes of issues.
const (
	CodeBadObject       = "recurly_bad_object"       // rejects: a field is not of the type that it should be
	CodeNoCustomer      = "recurly_no_customer"      // rejects: there are objects of an account, but not the account
	CodeNoLines         = "recurly_no_lines"         // rejects: an invoice without a list of lines
	CodeLinesDiffer     = "recurly_lines_differ"     // rejects: the lines of an invoice do not sum to its total
	CodeMixedCurrencies = "recurly_mixed_currencies" // rejects: a part of an invoice has another currency
	CodeCurrency        = "recurly_unknown_currency" // rejects
	CodeAmount          = "recurly_amount"           // rejects: too large, no number, or more decimals than the currency has
	CodeNoPlan          = "recurly_no_plan"          // rejects: a line of a subscription without a plan
	CodeNoPeriod        = "recurly_no_period"        // rejects: a line of a subscription without a service period
	CodeInterval        = "recurly_unknown_interval" // rejects
	CodeNoAddOnPlan     = "recurly_no_add_on_plan"   // rejects: an add-on whose plan was not listed
	CodeNoEnd           = "recurly_no_end"           // rejects: a subscription has ended, and does not say when
	CodeState           = "recurly_unknown_state"    // note: left blank
	CodeWord            = "recurly_unknown_word"     // note: a word that this version does not know
	CodeCountry         = "recurly_unknown_country"  // note: left blank
	CodeEmail           = "recurly_bad_email"        // note: left blank
	CodeQuantity        = "recurly_zero_quantity"    // note: 1 in its place
	CodePaymentsDiffer  = "recurly_payments_differ"  // note: the payments are not what the invoice says was paid
	CodeRefundsExceed   = "recurly_refunds_exceed"   // note: refunds are more than payments
	CodeOtherPays       = "recurly_other_pays"       // note: the end of a subscription that another account pays for is left out
	CodePendingRefund   = "recurly_pending_refund"   // note: left out until it is paid out
)

// What is left out by design, as [system.Mapped.Left] counts it.
const (
	LeftRefundInvoices  = "invoices_of_refunds"
	LeftWriteOffs       = "invoices_of_write_offs"
	LeftPendingPayments = "pending_payments"
	LeftAuthorizations  = "authorizations"
	LeftOfNobody        = "objects_without_customer"
)

// link is where people find an object in Recurly's console. The console names objects otherwise than the API; so the id
// of the API stands behind the #.
func link(s system.Stream, id string, h head) string {
	const address = "https://app.recurly.com/go/"
	place := ""
	switch s {
	case Accounts:
		place = "accounts/" + url.PathEscape(cmp.Or(h.Code, id))
	case Plans:
		place = "plans/" + url.PathEscape(cmp.Or(h.Code, id))
	case AddOns:
		place = "plans"
	case Subscriptions:
		place = "subscriptions/" + url.PathEscape(cmp.Or(h.UUID, id))
	case Transactions:
		place = "transactions/" + url.PathEscape(cmp.Or(h.UUID, id))
	case Invoices, Lines:
		place = "invoices/" + url.PathEscape(cmp.Or(h.Number, id))
	}
	return address + place + "#" + url.PathEscape(id)
}
