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
func EncodeRecord(b *Builder, r billing.Record) { b.buf = AppendRecord(b.buf, r) }

// AppendRecord appends the content of a record to dst, as [Attrs] that are
// canonical as they stand: what an import of many rows uses, since nothing is
// compared, copied or allocated on the way. The appenders below therefore name
// the attributes in ascending order.
func AppendRecord(dst []byte, r billing.Record) []byte {
	switch r := r.(type) {
	case *billing.Customer:
		return appendCustomer(dst, r)
	case *billing.Contact:
		return appendContact(dst, r)
	case *billing.Plan:
		return appendPlan(dst, r)
	case *billing.Invoice:
		return appendInvoice(dst, r)
	case *billing.LineItem:
		return appendLineItem(dst, r)
	case *billing.Transaction:
		return appendTransaction(dst, r)
	case *billing.Event:
		return appendEvent(dst, r)
	}
	return dst
}

// appendAt appends a time unless it is zero; 1970-01-01 is a time like any other.
func appendAt(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return appendIntAlways(b, name, t.UnixMilli())
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

// appendOpt appends an integer unless it is nil.
func appendOpt(b []byte, name string, n *int64) []byte {
	if n == nil {
		return b
	}
	return appendIntAlways(b, name, *n)
}

func appendCustomer(b []byte, c *billing.Customer) []byte {
	b = appendStr(b, "city", c.City)
	b = appendStr(b, "company", c.Company)
	b = appendStr(b, "country", c.Country)
	b = appendStr(b, "email", c.Email)
	b = appendStr(b, "external_id", c.ExternalID)
	b = appendAt(b, "free_trial_started_at", c.FreeTrialStartedAt)
	b = appendAt(b, "lead_created_at", c.LeadCreatedAt)
	b = appendStr(b, "name", c.Name)
	b = appendStr(b, "owner", c.Owner)
	b = appendStr(b, "state", c.State)
	b = appendStr(b, "website_url", c.WebsiteURL)
	b = appendStr(b, "zip", c.Zip)
	return b
}

func appendContact(b []byte, c *billing.Contact) []byte {
	b = appendStr(b, "customer", c.CustomerExternalID)
	b = appendStr(b, "email", c.Email)
	b = appendStr(b, "external_id", c.ExternalID)
	b = appendStr(b, "first_name", c.FirstName)
	b = appendStr(b, "last_name", c.LastName)
	b = appendStr(b, "linked_in", c.LinkedIn)
	b = appendStr(b, "note", c.Note)
	b = appendStr(b, "phone", c.Phone)
	b = appendInt(b, "position", c.Position)
	b = appendStr(b, "title", c.Title)
	b = appendStr(b, "twitter", c.Twitter)
	return b
}

func appendPlan(b []byte, p *billing.Plan) []byte {
	b = appendStr(b, "external_id", p.ExternalID)
	b = appendInt(b, "interval_count", p.IntervalCount)
	b = appendStr(b, "interval_unit", p.IntervalUnit)
	b = appendStr(b, "name", p.Name)
	return b
}

func appendInvoice(b []byte, i *billing.Invoice) []byte {
	b = appendStr(b, "collection_method", i.CollectionMethod)
	b = appendStr(b, "currency", i.Currency)
	b = appendStr(b, "customer", i.CustomerExternalID)
	b = appendAt(b, "date", i.Date)
	b = appendAt(b, "due_date", i.DueDate)
	b = appendStr(b, "external_id", i.ExternalID)
	b = appendStr(b, "status", i.Status)
	return b
}

func appendLineItem(b []byte, l *billing.LineItem) []byte {
	b = appendStr(b, "account_code", l.AccountCode)
	b = appendInt(b, "amount_in_cents", l.AmountInCents)
	b = appendOpt(b, "balance_transfer", l.BalanceTransfer)
	b = appendStr(b, "description", l.Description)
	b = appendInt(b, "discount_amount_in_cents", l.DiscountAmountInCents)
	b = appendStr(b, "discount_code", l.DiscountCode)
	b = appendStr(b, "discount_description", l.DiscountDescription)
	b = appendOpt(b, "event_order", l.EventOrder)
	b = appendStr(b, "external_id", l.ExternalID)
	b = appendStr(b, "invoice", l.InvoiceExternalID)
	b = appendStr(b, "plan", l.PlanExternalID)
	b = appendBool(b, "prorated", l.Prorated)
	b = appendStr(b, "proration_type", l.ProrationType)
	b = appendInt(b, "quantity", l.Quantity)
	b = appendAt(b, "service_period_end", l.ServicePeriodEnd)
	b = appendAt(b, "service_period_start", l.ServicePeriodStart)
	b = appendStr(b, "subscription", l.SubscriptionExternalID)
	b = appendStr(b, "subscription_set", l.SubscriptionSetExternalID)
	b = appendInt(b, "tax_amount_in_cents", l.TaxAmountInCents)
	b = appendStr(b, "transaction_fees_currency", l.TransactionFeesCurrency)
	b = appendInt(b, "transaction_fees_in_cents", l.TransactionFeesInCents)
	b = appendStr(b, "type", l.Type)
	return b
}

func appendTransaction(b []byte, t *billing.Transaction) []byte {
	b = appendOpt(b, "amount_in_cents", t.AmountInCents)
	b = appendAt(b, "date", t.Date)
	b = appendBool(b, "exclude_discount_on_refund", t.ExcludeDiscountOnRefund)
	b = appendBool(b, "exclude_fees_on_refund", t.ExcludeFeesOnRefund)
	b = appendBool(b, "exclude_tax_on_refund", t.ExcludeTaxOnRefund)
	b = appendStr(b, "external_id", t.ExternalID)
	b = appendStr(b, "invoice", t.InvoiceExternalID)
	b = appendStr(b, "result", t.Result)
	b = appendStr(b, "transaction_fees_currency", t.TransactionFeesCurrency)
	b = appendOpt(b, "transaction_fees_in_cents", t.TransactionFeesInCents)
	b = appendStr(b, "type", t.Type)
	return b
}

func appendEvent(b []byte, e *billing.Event) []byte {
	b = appendOpt(b, "amount_in_cents", e.AmountInCents)
	b = appendBool(b, "cancellation", e.Cancellation)
	b = appendStr(b, "currency", e.Currency)
	b = appendStr(b, "customer", e.CustomerExternalID)
	b = appendAt(b, "date", e.Date)
	b = appendAt(b, "effective_date", e.EffectiveDate)
	b = appendOpt(b, "event_order", e.EventOrder)
	b = appendStr(b, "external_id", e.ExternalID)
	b = appendStr(b, "invoice", e.InvoiceExternalID)
	b = appendStr(b, "plan", e.PlanExternalID)
	b = appendOpt(b, "quantity", e.Quantity)
	b = appendStr(b, "retracted_event", e.RetractedEventID)
	b = appendStr(b, "subscription", e.SubscriptionExternalID)
	b = appendStr(b, "subscription_set", e.SubscriptionSetExternalID)
	b = appendOpt(b, "tax_amount_in_cents", e.TaxAmountInCents)
	b = appendStr(b, "type", e.Type)
	return b
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
	v, _ := a.Get(name)
	return v.at()
}

// at is the value as a time; zero if it is none.
func (v Value) at() time.Time {
	if v.Type != Int {
		return time.Time{}
	}
	return time.UnixMilli(v.Int()).UTC()
}

// DecodeCustomer reads a customer from its item's attributes.
func DecodeCustomer(a Attrs) *billing.Customer {
	c := &billing.Customer{}
	texts := string(a) // one copy, of which all texts are parts
	for rest := []byte(a); len(rest) > 0; {
		name, v, after, ok := next(rest)
		if !ok {
			break
		}
		end := len(a) - len(after)
		text := texts[end-len(v.Raw) : end]
		switch string(name) {
		case "external_id":
			c.ExternalID = text
		case "name":
			c.Name = text
		case "email":
			c.Email = text
		case "company":
			c.Company = text
		case "country":
			c.Country = text
		case "state":
			c.State = text
		case "city":
			c.City = text
		case "zip":
			c.Zip = text
		case "lead_created_at":
			c.LeadCreatedAt = v.at()
		case "free_trial_started_at":
			c.FreeTrialStartedAt = v.at()
		case "owner":
			c.Owner = text
		case "website_url":
			c.WebsiteURL = text
		}
		rest = after
	}
	return c
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

// ForgottenH are the two parts of an entry of the do-not-reload list: the list outlives sources, so it goes by
// the name of the source, regardless of case, and the external id of the customer.
func (hr *Hasher) ForgottenH(source, customer string) (name, id H) {
	return hr.Natural(KindForgotten, strings.ToLower(strings.TrimSpace(source))), hr.External(KindForgotten, customer)
}

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
	var room [20]byte
	return string(appendMilli(room[:0], t))
}

func appendMilli(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return strconv.AppendInt(b, t.UnixMilli(), 10)
}
