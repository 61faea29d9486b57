package store

import (
	"strconv"
	"strings"
	"time"

	"reseed/pkg/billing"
)

// This file is how records are stored: the names of their attributes, and the
// identities of those that have no external id. Neither can ever change;
// records_test.go and testdata/items.golden pin them.
//
// References to other records are kept as external ids (customer, invoice,
// plan), so a record is decoded by itself. Times are milliseconds since 1970;
// a zero time, an empty text, false and a nil pointer are absent, and so is 0 where it means "none".

// EncodeRecord adds the content of a record to b, in ascending order of the attributes' names.
func EncodeRecord(b *Builder, r billing.Record) {
	switch r := r.(type) {
	case *billing.Customer:
		encodeCustomer(b, r)
	case *billing.Contact:
		encodeContact(b, r)
	case *billing.Plan:
		b.Str("external_id", r.ExternalID).Int("interval_count", r.IntervalCount).
			Str("interval_unit", r.IntervalUnit).Str("name", r.Name)
	case *billing.Invoice:
		b.Str("collection_method", r.CollectionMethod).Str("currency", r.Currency).
			Str("customer", r.CustomerExternalID).at("date", r.Date).at("due_date", r.DueDate).
			Str("external_id", r.ExternalID).Str("status", r.Status)
	case *billing.LineItem:
		encodeLineItem(b, r)
	case *billing.Transaction:
		encodeTransaction(b, r)
	case *billing.Event:
		encodeEvent(b, r)
	}
}

// at adds a time unless it is zero; 1970-01-01 is a time like any other.
func (b *Builder) at(name string, t time.Time) *Builder {
	if t.IsZero() {
		return b
	}
	return b.IntAlways(name, t.UnixMilli())
}

// IsTime tells whether the attribute of that name is a time, in milliseconds of Unix time.
func IsTime(name string) bool {
	switch name {
	case AttrCreated, AttrUpdated, "date", "due_date", "effective_date", "free_trial_started_at", "lead_created_at",
		"service_period_end", "service_period_start":
		return true
	}
	return false
}

// opt adds an integer unless it is nil.
func (b *Builder) opt(name string, n *int64) *Builder {
	if n == nil {
		return b
	}
	return b.IntAlways(name, *n)
}

func encodeCustomer(b *Builder, c *billing.Customer) {
	b.Str("city", c.City).
		Str("company", c.Company).
		Str("country", c.Country).
		Str("email", c.Email).
		Str("external_id", c.ExternalID).
		at("free_trial_started_at", c.FreeTrialStartedAt).
		at("lead_created_at", c.LeadCreatedAt).
		Str("name", c.Name).
		Str("owner", c.Owner).
		Str("state", c.State).
		Str("website_url", c.WebsiteURL).
		Str("zip", c.Zip)
}

func encodeContact(b *Builder, c *billing.Contact) {
	b.Str("customer", c.CustomerExternalID).
		Str("email", c.Email).
		Str("external_id", c.ExternalID).
		Str("first_name", c.FirstName).
		Str("last_name", c.LastName).
		Str("linked_in", c.LinkedIn).
		Str("note", c.Note).
		Str("phone", c.Phone).
		Int("position", c.Position).
		Str("title", c.Title).
		Str("twitter", c.Twitter)
}

func encodeLineItem(b *Builder, l *billing.LineItem) {
	b.Str("account_code", l.AccountCode).
		Int("amount_in_cents", l.AmountInCents).
		opt("balance_transfer", l.BalanceTransfer).
		Str("description", l.Description).
		Int("discount_amount_in_cents", l.DiscountAmountInCents).
		Str("discount_code", l.DiscountCode).
		Str("discount_description", l.DiscountDescription).
		opt("event_order", l.EventOrder).
		Str("external_id", l.ExternalID).
		Str("invoice", l.InvoiceExternalID).
		Str("plan", l.PlanExternalID).
		Bool("prorated", l.Prorated).
		Str("proration_type", l.ProrationType).
		Int("quantity", l.Quantity).
		at("service_period_end", l.ServicePeriodEnd).
		at("service_period_start", l.ServicePeriodStart).
		Str("subscription", l.SubscriptionExternalID).
		Str("subscription_set", l.SubscriptionSetExternalID).
		Int("tax_amount_in_cents", l.TaxAmountInCents).
		Str("transaction_fees_currency", l.TransactionFeesCurrency).
		Int("transaction_fees_in_cents", l.TransactionFeesInCents).
		Str("type", l.Type)
}

func encodeTransaction(b *Builder, t *billing.Transaction) {
	b.opt("amount_in_cents", t.AmountInCents).
		at("date", t.Date).
		Bool("exclude_discount_on_refund", t.ExcludeDiscountOnRefund).
		Bool("exclude_fees_on_refund", t.ExcludeFeesOnRefund).
		Bool("exclude_tax_on_refund", t.ExcludeTaxOnRefund).
		Str("external_id", t.ExternalID).
		Str("invoice", t.InvoiceExternalID).
		Str("result", t.Result).
		Str("transaction_fees_currency", t.TransactionFeesCurrency).
		opt("transaction_fees_in_cents", t.TransactionFeesInCents).
		Str("type", t.Type)
}

func encodeEvent(b *Builder, e *billing.Event) {
	b.opt("amount_in_cents", e.AmountInCents).
		Bool("cancellation", e.Cancellation).
		Str("currency", e.Currency).
		Str("customer", e.CustomerExternalID).
		at("date", e.Date).
		at("effective_date", e.EffectiveDate).
		opt("event_order", e.EventOrder).
		Str("external_id", e.ExternalID).
		Str("invoice", e.InvoiceExternalID).
		Str("plan", e.PlanExternalID).
		opt("quantity", e.Quantity).
		Str("retracted_event", e.RetractedEventID).
		Str("subscription", e.SubscriptionExternalID).
		Str("subscription_set", e.SubscriptionSetExternalID).
		opt("tax_amount_in_cents", e.TaxAmountInCents).
		Str("type", e.Type)
}

func (a Attrs) num(name string) int64 { n, _ := a.Int(name); return n }

func (a Attrs) flag(name string) bool { v, _ := a.Get(name); return v.Bool() }

func (a Attrs) opt(name string) *int64 {
	if n, ok := a.Int(name); ok {
		return &n
	}
	return nil
}

func (a Attrs) at(name string) time.Time {
	if ms, ok := a.Int(name); ok {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// DecodeCustomer reads a customer from its item's attributes.
func DecodeCustomer(a Attrs) *billing.Customer {
	return &billing.Customer{
		ExternalID:         a.Str("external_id"),
		Name:               a.Str("name"),
		Email:              a.Str("email"),
		Company:            a.Str("company"),
		Country:            a.Str("country"),
		State:              a.Str("state"),
		City:               a.Str("city"),
		Zip:                a.Str("zip"),
		LeadCreatedAt:      a.at("lead_created_at"),
		FreeTrialStartedAt: a.at("free_trial_started_at"),
		Owner:              a.Str("owner"),
		WebsiteURL:         a.Str("website_url"),
	}
}

// DecodeContact reads a contact from its item's attributes.
func DecodeContact(a Attrs) *billing.Contact {
	return &billing.Contact{
		CustomerExternalID: a.Str("customer"),
		ExternalID:         a.Str("external_id"),
		FirstName:          a.Str("first_name"),
		LastName:           a.Str("last_name"),
		Email:              a.Str("email"),
		Position:           a.num("position"),
		Title:              a.Str("title"),
		Phone:              a.Str("phone"),
		LinkedIn:           a.Str("linked_in"),
		Twitter:            a.Str("twitter"),
		Note:               a.Str("note"),
	}
}

// DecodePlan reads a plan from its item's attributes.
func DecodePlan(a Attrs) *billing.Plan {
	return &billing.Plan{
		ExternalID:    a.Str("external_id"),
		Name:          a.Str("name"),
		IntervalCount: a.num("interval_count"),
		IntervalUnit:  a.Str("interval_unit"),
	}
}

// DecodeInvoice reads an invoice from its item's attributes.
func DecodeInvoice(a Attrs) *billing.Invoice {
	return &billing.Invoice{
		CustomerExternalID: a.Str("customer"),
		ExternalID:         a.Str("external_id"),
		Date:               a.at("date"),
		DueDate:            a.at("due_date"),
		Currency:           a.Str("currency"),
		Status:             a.Str("status"),
		CollectionMethod:   a.Str("collection_method"),
	}
}

// DecodeLineItem reads a line item from its item's attributes.
func DecodeLineItem(a Attrs) *billing.LineItem {
	return &billing.LineItem{
		InvoiceExternalID:         a.Str("invoice"),
		ExternalID:                a.Str("external_id"),
		Type:                      a.Str("type"),
		SubscriptionExternalID:    a.Str("subscription"),
		SubscriptionSetExternalID: a.Str("subscription_set"),
		AmountInCents:             a.num("amount_in_cents"),
		PlanExternalID:            a.Str("plan"),
		ServicePeriodStart:        a.at("service_period_start"),
		ServicePeriodEnd:          a.at("service_period_end"),
		Quantity:                  a.num("quantity"),
		Prorated:                  a.flag("prorated"),
		ProrationType:             a.Str("proration_type"),
		DiscountCode:              a.Str("discount_code"),
		DiscountAmountInCents:     a.num("discount_amount_in_cents"),
		DiscountDescription:       a.Str("discount_description"),
		TaxAmountInCents:          a.num("tax_amount_in_cents"),
		Description:               a.Str("description"),
		TransactionFeesInCents:    a.num("transaction_fees_in_cents"),
		TransactionFeesCurrency:   a.Str("transaction_fees_currency"),
		AccountCode:               a.Str("account_code"),
		EventOrder:                a.opt("event_order"),
		BalanceTransfer:           a.opt("balance_transfer"),
	}
}

// DecodeTransaction reads a transaction from its item's attributes.
func DecodeTransaction(a Attrs) *billing.Transaction {
	return &billing.Transaction{
		InvoiceExternalID:       a.Str("invoice"),
		ExternalID:              a.Str("external_id"),
		Type:                    a.Str("type"),
		Result:                  a.Str("result"),
		Date:                    a.at("date"),
		AmountInCents:           a.opt("amount_in_cents"),
		ExcludeTaxOnRefund:      a.flag("exclude_tax_on_refund"),
		ExcludeDiscountOnRefund: a.flag("exclude_discount_on_refund"),
		ExcludeFeesOnRefund:     a.flag("exclude_fees_on_refund"),
		TransactionFeesInCents:  a.opt("transaction_fees_in_cents"),
		TransactionFeesCurrency: a.Str("transaction_fees_currency"),
	}
}

// DecodeEvent reads a subscription event from its item's attributes.
func DecodeEvent(a Attrs) *billing.Event {
	return &billing.Event{
		CustomerExternalID:        a.Str("customer"),
		ExternalID:                a.Str("external_id"),
		SubscriptionExternalID:    a.Str("subscription"),
		SubscriptionSetExternalID: a.Str("subscription_set"),
		PlanExternalID:            a.Str("plan"),
		Type:                      a.Str("type"),
		Date:                      a.at("date"),
		EffectiveDate:             a.at("effective_date"),
		Currency:                  a.Str("currency"),
		AmountInCents:             a.opt("amount_in_cents"),
		TaxAmountInCents:          a.opt("tax_amount_in_cents"),
		Quantity:                  a.opt("quantity"),
		RetractedEventID:          a.Str("retracted_event"),
		EventOrder:                a.opt("event_order"),
		InvoiceExternalID:         a.Str("invoice"),
		Cancellation:              a.flag("cancellation"),
	}
}

// CustomerH is the identity of a customer.
func (hr *Hasher) CustomerH(externalID string) H { return hr.External(KindCustomer, externalID) }

// InvoiceH is the identity of an invoice.
func (hr *Hasher) InvoiceH(externalID string) H { return hr.External(KindInvoice, externalID) }

// EmailH is the identity of an e-mail address, regardless of case.
func (hr *Hasher) EmailH(email string) H { return hr.External(KindEmail, foldEmail(email)) }

func foldEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// ContactH is the identity of a contact below its customer: its external id,
// else customer and e-mail, else customer and names. As for every identity
// without an external id, the n-th equal row of a file is that many further (see [H.Nth]).
func (hr *Hasher) ContactH(c *billing.Contact) H {
	switch {
	case c.ExternalID != "":
		return hr.External(KindContact, c.ExternalID)
	case c.Email != "":
		return hr.Natural(KindContact, c.CustomerExternalID, foldEmail(c.Email))
	}
	return hr.Natural(KindContact, c.CustomerExternalID, c.FirstName, c.LastName)
}

// PlanH is the identity of a plan: its external id, else name and interval.
func (hr *Hasher) PlanH(p *billing.Plan) H {
	if p.ExternalID != "" {
		return hr.External(KindPlan, p.ExternalID)
	}
	return hr.Natural(KindPlan, p.Name, strconv.FormatInt(p.IntervalCount, 10), p.IntervalUnit)
}

// LineItemH is the identity of a line item: its external id, else invoice,
// type, subscription, plan, period start and description. The amount is no
// part of it: a corrected amount is a change, not a second line.
func (hr *Hasher) LineItemH(l *billing.LineItem) H {
	if l.ExternalID != "" {
		return hr.External(KindLineItem, l.ExternalID)
	}
	return hr.Natural(KindLineItem, l.InvoiceExternalID, l.Type, l.SubscriptionExternalID,
		l.PlanExternalID, timePart(l.ServicePeriodStart), l.Description)
}

// TransactionH is the identity of a transaction: its external id, else
// invoice, type, result and date.
func (hr *Hasher) TransactionH(t *billing.Transaction) H {
	if t.ExternalID != "" {
		return hr.External(KindTransaction, t.ExternalID)
	}
	return hr.Natural(KindTransaction, t.InvoiceExternalID, t.Type, t.Result, timePart(t.Date))
}

// EventH is the identity of a subscription event: its external id, else
// subscription, type and both dates; of a row of the older cancellations
// file: subscription and date.
func (hr *Hasher) EventH(e *billing.Event) H {
	switch {
	case e.ExternalID != "":
		return hr.External(KindEvent, e.ExternalID)
	case e.Cancellation:
		return hr.Natural(KindCancellation, e.SubscriptionExternalID, timePart(e.Date))
	}
	return hr.Natural(KindEvent, e.SubscriptionExternalID, e.Type, timePart(e.Date), timePart(e.EffectiveDate))
}

// timePart spells a time inside an identity: milliseconds, or nothing.
func timePart(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
