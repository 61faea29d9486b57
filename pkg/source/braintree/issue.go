package braintree

import (
	"encoding/json"
	"net/url"

	"reseed/pkg/source/system"
)

// Codes of issues.
const (
	CodeBadObject       = "braintree_bad_object"       // rejects: a field is not of the type that it should be
	CodeLinesDiffer     = "braintree_lines_differ"     // rejects: tax or discount do not fit the amount
	CodeMixedCurrencies = "braintree_mixed_currencies" // rejects: tries, refunds or disputes of a charge have another currency
	CodeCurrency        = "braintree_unknown_currency" // rejects
	CodeAmount          = "braintree_amount"           // rejects: too large, no number, or more decimals than the currency has
	CodeNoPlan          = "braintree_no_plan"          // rejects: a charge of a subscription without a plan
	CodeNoPeriod        = "braintree_no_period"        // rejects: a charge of a subscription without a billing period
	CodeInterval        = "braintree_unknown_interval" // rejects
	CodeNoEnd           = "braintree_no_end"           // rejects: a subscription has ended, and its history does not say when
	CodeStatus          = "braintree_unknown_status"   // note: the end of the subscription is not known
	CodeWord            = "braintree_unknown_word"     // note: a word that this version does not know
	CodeCountry         = "braintree_unknown_country"  // note: left blank
	CodeEmail           = "braintree_bad_email"        // note: left blank
	CodePaymentsExceed  = "braintree_payments_exceed"  // note: more was paid than was charged first
	CodeRefundsExceed   = "braintree_refunds_exceed"   // note: more was paid back than was paid
	CodeOpenDispute     = "braintree_open_dispute"     // note: left out until it is decided
	CodePendingRefund   = "braintree_pending_refund"   // note: left out until it is paid out
)

// What is left out by design, as [system.Mapped.Left] counts it.
const (
	LeftFailed          = "failed_sales"
	LeftAuthorization   = "authorizations"
	LeftDeletedCustomer = "deleted_customers"
	LeftOutsideInvoices = "money_without_invoice"
	LeftOfNobody        = "objects_without_customer"
)

// link is where people find an object in Braintree's control panel.
func link(panel string, s system.Stream, id string) string {
	switch s {
	case PaymentMethods:
		return panel + "/payment_methods/any/" + url.PathEscape(id)
	case Plans, Customers, Subscriptions, Transactions:
	}
	return panel + "/" + string(s) + "/" + url.PathEscape(id)
}

// panelOf returns the address of the merchant in the control panel.
func panelOf(o json.RawMessage) string {
	var p struct {
		Panel string `json:"control_panel"`
	}
	_ = json.Unmarshal(o, &p) // then there is none
	return p.Panel
}
