package paypal

import (
	"encoding/json"
	"net/url"

	"reseed/pkg/source/system"
)

// Codes of issues.
const (
	CodeBadObject       = "paypal_bad_object"       // rejects: a field is not of the type that it should be
	CodeLinesDiffer     = "paypal_lines_differ"     // rejects: the parts of a payment do not sum to its amount
	CodeMixedCurrencies = "paypal_mixed_currencies" // rejects: a part of a payment has another currency
	CodeCurrency        = "paypal_unknown_currency" // rejects
	CodeAmount          = "paypal_amount"           // rejects: too large, no number, or more decimals than the currency has
	CodeNoSubscription  = "paypal_no_subscription"  // rejects: a payment of a subscription that could not be read
	CodeNoPlan          = "paypal_no_plan"          // rejects: a subscription without a plan
	CodeNoPeriod        = "paypal_no_period"        // rejects: the plan of a subscription has no cycles from which the period of a payment follows
	CodeInterval        = "paypal_unknown_interval" // rejects
	CodeNoEnd           = "paypal_no_end"           // rejects: a subscription has ended, and it does not say when
	CodeStatus          = "paypal_unknown_status"   // note: the end of the subscription is not known
	CodeWord            = "paypal_unknown_word"     // note: a word that this version does not know
	CodeCountry         = "paypal_unknown_country"  // note: left blank
	CodeEmail           = "paypal_bad_email"        // note: left blank
	CodeNoRefund        = "paypal_no_refund"        // note: refunded, but the refund is not found
	CodeRefundsExceed   = "paypal_refunds_exceed"   // note: more was paid back than was paid
	CodePendingRefund   = "paypal_pending_refund"   // note: left out until it is paid out
)

// What is left out by design, as [system.Mapped.Left] counts it.
const (
	LeftOutsideInvoices = "money_without_invoice"
	LeftFees            = "fees_and_holds"
	LeftOfNobody        = "objects_without_customer"
)

// link is where people find an object at PayPal.
func link(site string, s system.Stream, id string) string {
	switch s {
	case Plans:
		return site + "/billing/plans/" + url.PathEscape(id)
	case Subscriptions:
		return site + "/billing/subscriptions/" + url.PathEscape(id)
	case Payments, Events:
		return site + "/activity/payment/" + url.PathEscape(id)
	}
	return site + "/activities/?freeTextSearch=" + url.QueryEscape(id)
}

// siteOf returns where people see the account of an object.
func siteOf(o json.RawMessage) string {
	var s struct {
		Site string `json:"site"`
	}
	_ = json.Unmarshal(o, &s) // then there is none
	return s.Site
}
