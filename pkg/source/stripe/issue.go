package stripe

import (
	"reseed/pkg/source/system"
)

// Codes of issues.
const (
	CodeBadObject       = "stripe_bad_object"       // rejects: a field is not of the type that it should be
	CodeNoCustomer      = "stripe_no_customer"      // rejects: there are objects of a customer, but not the customer
	CodeNoLines         = "stripe_no_lines"         // rejects: an invoice without a list of lines
	CodeLinesDiffer     = "stripe_lines_differ"     // rejects: the lines of an invoice do not sum to its total
	CodeMixedCurrencies = "stripe_mixed_currencies" // rejects: a part of an invoice has another currency
	CodeCurrency        = "stripe_unknown_currency" // rejects
	CodeAmount          = "stripe_amount"           // rejects: too large, or more decimals than the currency has
	CodeNoPrice         = "stripe_no_price"         // rejects: a line of a subscription without a price
	CodeInterval        = "stripe_unknown_interval" // rejects
	CodeSeveralInvoices = "stripe_several_invoices" // rejects: money that was taken or given back for several invoices at once
	CodeStatus          = "stripe_unknown_status"   // note: left blank
	CodeWord            = "stripe_unknown_word"     // note: a word that this version does not know
	CodeCountry         = "stripe_unknown_country"  // note: left blank
	CodeEmail           = "stripe_bad_email"        // note: left blank
	CodeQuantity        = "stripe_zero_quantity"    // note: 1 in its place
	CodePaidOutside     = "stripe_paid_outside"     // note: paid without a payment in Stripe
	CodePaymentsExceed  = "stripe_payments_exceed"  // note: payments are more than what the invoice says was paid
	CodeRefundsExceed   = "stripe_refunds_exceed"   // note: refunds are more than payments
	CodeOpenDispute     = "stripe_open_dispute"     // note: left out until it is decided
	CodePendingRefund   = "stripe_pending_refund"   // note: left out until it is paid out
	CodeCreditNote      = "stripe_credit_note"      // note: the part of a credit note that is no refund is left out
)

// What is left out by design, as [system.Mapped] counts it.
const (
	LeftDraft           = "draft_invoices"
	LeftDeletedCustomer = "deleted_customers"
	LeftOutsideInvoices = "money_without_invoice"
	LeftOneTimePrice    = "one_time_prices"
	LeftOfNobody        = "objects_without_customer"
)

// Link is where people find an object in Stripe's dashboard.
func Link(s system.Stream, id string, live bool) string {
	address := "https://dashboard.stripe.com/"
	if !live {
		address += "test/"
	}
	switch s {
	case Customers, Products, Prices, Subscriptions, Invoices, Disputes:
		return address + string(s) + "/" + id
	case Charges:
		return address + "payments/" + id
	case Items, Lines, Payments, CreditNotes, CreditNoteLines, Refunds: // without a page that is named by the id
	}
	return address + "search?query=" + id
}
