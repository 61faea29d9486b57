package store

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"reseed/pkg/billing"
	"reseed/pkg/table"
)

// This file says how records are stored: the names of their attributes, and the identities of
// records without an external id. Neither can ever change; records_test.go and
// testdata/items.golden pin them.
//
// References to other records are stored as external ids (customer, invoice, plan), so a record can
// be decoded by itself. Times are milliseconds since 1970. A zero time, an empty text, false and a
// nil pointer are not stored, and neither is 0 where it means "none".

// EncodeRecord adds the content of a record to b, in ascending order of the attributes' names.
func EncodeRecord(b *table.Builder, r billing.Record) {
	b.Append(func(dst []byte) []byte { return AppendRecord(dst, r) })
}

// AppendRecord appends the content of a record to dst, as [table.Attrs]. Imports of many rows use
// it because it sorts, copies and allocates nothing. For that the functions below must append the
// attributes in ascending order of their names.
func AppendRecord(dst []byte, r billing.Record) []byte {
	return KindFor(r.Dataset()).Append(dst, r)
}

func appendCustomer(b []byte, c *billing.Customer) []byte {
	b = table.AppendStr(b, "city", c.City)
	b = table.AppendStr(b, "company", c.Company)
	b = table.AppendStr(b, "country", c.Country)
	b = table.AppendStr(b, "custom_attributes", c.CustomAttributes)
	b = table.AppendStr(b, "email", c.Email)
	b = table.AppendStr(b, "external_id", c.ExternalID)
	b = table.AppendTime(b, "free_trial_started_at", c.FreeTrialStartedAt)
	b = table.AppendTime(b, "lead_created_at", c.LeadCreatedAt)
	b = table.AppendStr(b, "name", c.Name)
	b = table.AppendStr(b, "owner", c.Owner)
	b = table.AppendStr(b, "state", c.State)
	b = table.AppendStr(b, "website_url", c.WebsiteURL)
	b = table.AppendStr(b, "zip", c.Zip)
	return b
}

func appendContact(b []byte, c *billing.Contact) []byte {
	b = table.AppendStr(b, "customer", c.CustomerExternalID)
	b = table.AppendStr(b, "email", c.Email)
	b = table.AppendStr(b, "external_id", c.ExternalID)
	b = table.AppendStr(b, "first_name", c.FirstName)
	b = table.AppendStr(b, "last_name", c.LastName)
	b = table.AppendStr(b, "linked_in", c.LinkedIn)
	b = table.AppendStr(b, "note", c.Note)
	b = table.AppendStr(b, "phone", c.Phone)
	b = table.AppendInt(b, "position", c.Position)
	b = table.AppendStr(b, "title", c.Title)
	b = table.AppendStr(b, "twitter", c.Twitter)
	return b
}

func appendPlan(b []byte, p *billing.Plan) []byte {
	b = table.AppendStr(b, "external_id", p.ExternalID)
	b = table.AppendInt(b, "interval_count", p.IntervalCount)
	b = table.AppendStr(b, "interval_unit", p.IntervalUnit)
	b = table.AppendStr(b, "name", p.Name)
	return b
}

func appendInvoice(b []byte, i *billing.Invoice) []byte {
	b = table.AppendStr(b, "collection_method", i.CollectionMethod)
	b = table.AppendStr(b, "currency", i.Currency)
	b = table.AppendStr(b, "customer", i.CustomerExternalID)
	b = table.AppendTime(b, "date", i.Date)
	b = table.AppendTime(b, "due_date", i.DueDate)
	b = table.AppendStr(b, "external_id", i.ExternalID)
	b = table.AppendStr(b, "status", i.Status)
	return b
}

func appendLineItem(b []byte, l *billing.LineItem) []byte {
	b = table.AppendStr(b, "account_code", l.AccountCode)
	b = table.AppendInt(b, "amount_in_cents", l.AmountInCents)
	b = table.AppendOpt(b, "balance_transfer", l.BalanceTransfer)
	b = table.AppendStr(b, "description", l.Description)
	b = table.AppendInt(b, "discount_amount_in_cents", l.DiscountAmountInCents)
	b = table.AppendStr(b, "discount_code", l.DiscountCode)
	b = table.AppendStr(b, "discount_description", l.DiscountDescription)
	b = table.AppendOpt(b, "event_order", l.EventOrder)
	b = table.AppendStr(b, "external_id", l.ExternalID)
	b = table.AppendStr(b, "invoice", l.InvoiceExternalID)
	b = table.AppendStr(b, "plan", l.PlanExternalID)
	b = table.AppendBool(b, "prorated", l.Prorated)
	b = table.AppendStr(b, "proration_type", l.ProrationType)
	b = table.AppendInt(b, "quantity", l.Quantity)
	b = table.AppendTime(b, "service_period_end", l.ServicePeriodEnd)
	b = table.AppendTime(b, "service_period_start", l.ServicePeriodStart)
	b = table.AppendStr(b, "subscription", l.SubscriptionExternalID)
	b = table.AppendStr(b, "subscription_set", l.SubscriptionSetExternalID)
	b = table.AppendInt(b, "tax_amount_in_cents", l.TaxAmountInCents)
	b = table.AppendStr(b, "transaction_fees_currency", l.TransactionFeesCurrency)
	b = table.AppendInt(b, "transaction_fees_in_cents", l.TransactionFeesInCents)
	b = table.AppendStr(b, "type", l.Type)
	return b
}

func appendTransaction(b []byte, t *billing.Transaction) []byte {
	b = table.AppendOpt(b, "amount_in_cents", t.AmountInCents)
	b = table.AppendTime(b, "date", t.Date)
	b = table.AppendBool(b, "exclude_discount_on_refund", t.ExcludeDiscountOnRefund)
	b = table.AppendBool(b, "exclude_fees_on_refund", t.ExcludeFeesOnRefund)
	b = table.AppendBool(b, "exclude_tax_on_refund", t.ExcludeTaxOnRefund)
	b = table.AppendStr(b, "external_id", t.ExternalID)
	b = table.AppendStr(b, "invoice", t.InvoiceExternalID)
	b = table.AppendStr(b, "result", t.Result)
	b = table.AppendStr(b, "transaction_fees_currency", t.TransactionFeesCurrency)
	b = table.AppendOpt(b, "transaction_fees_in_cents", t.TransactionFeesInCents)
	b = table.AppendStr(b, "type", t.Type)
	return b
}

func appendEvent(b []byte, e *billing.Event) []byte {
	b = table.AppendOpt(b, "amount_in_cents", e.AmountInCents)
	b = table.AppendBool(b, "cancellation", e.Cancellation)
	b = table.AppendStr(b, "currency", e.Currency)
	b = table.AppendStr(b, "customer", e.CustomerExternalID)
	b = table.AppendTime(b, "date", e.Date)
	b = table.AppendTime(b, "effective_date", e.EffectiveDate)
	b = table.AppendOpt(b, "event_order", e.EventOrder)
	b = table.AppendStr(b, "external_id", e.ExternalID)
	b = table.AppendStr(b, "invoice", e.InvoiceExternalID)
	b = table.AppendStr(b, "plan", e.PlanExternalID)
	b = table.AppendOpt(b, "quantity", e.Quantity)
	b = table.AppendStr(b, "retracted_event", e.RetractedEventID)
	b = table.AppendStr(b, "subscription", e.SubscriptionExternalID)
	b = table.AppendStr(b, "subscription_set", e.SubscriptionSetExternalID)
	b = table.AppendOpt(b, "tax_amount_in_cents", e.TaxAmountInCents)
	b = table.AppendStr(b, "type", e.Type)
	return b
}

// DecodeCustomer reads a customer from its item's attributes.
func DecodeCustomer(a table.Attrs) *billing.Customer {
	c := &billing.Customer{}
	texts := string(a) // one copy, which all texts share
	for rest := []byte(a); len(rest) > 0; {
		name, v, after, ok := table.Next(rest)
		if !ok {
			break
		}
		end := len(a) - len(after)
		text := texts[end-len(v.Raw) : end]
		switch string(name) {
		case "lead_created_at":
			c.LeadCreatedAt = v.Time()
		case "free_trial_started_at":
			c.FreeTrialStartedAt = v.Time()
		default:
			if to := customerText(c, name); to != nil {
				*to = text
			}
		}
		rest = after
	}
	return c
}

// customerText returns where the text of an attribute belongs; nil if it is none of a customer's texts.
func customerText(c *billing.Customer, name []byte) *string {
	switch string(name) {
	case "external_id":
		return &c.ExternalID
	case "name":
		return &c.Name
	case "email":
		return &c.Email
	case "company":
		return &c.Company
	case "country":
		return &c.Country
	case "state":
		return &c.State
	case "city":
		return &c.City
	case "zip":
		return &c.Zip
	case "owner":
		return &c.Owner
	case "website_url":
		return &c.WebsiteURL
	case "custom_attributes":
		return &c.CustomAttributes
	}
	return nil
}

// DecodeContact reads a contact from its item's attributes.
func DecodeContact(a table.Attrs) *billing.Contact {
	return &billing.Contact{
		CustomerExternalID: a.Str("customer"),
		ExternalID:         a.Str("external_id"),
		FirstName:          a.Str("first_name"),
		LastName:           a.Str("last_name"),
		Email:              a.Str("email"),
		Position:           a.Num("position"),
		Title:              a.Str("title"),
		Phone:              a.Str("phone"),
		LinkedIn:           a.Str("linked_in"),
		Twitter:            a.Str("twitter"),
		Note:               a.Str("note"),
	}
}

// DecodePlan reads a plan from its item's attributes.
func DecodePlan(a table.Attrs) *billing.Plan {
	return &billing.Plan{
		ExternalID:    a.Str("external_id"),
		Name:          a.Str("name"),
		IntervalCount: a.Num("interval_count"),
		IntervalUnit:  a.Str("interval_unit"),
	}
}

// DecodeInvoice reads an invoice from its item's attributes.
func DecodeInvoice(a table.Attrs) *billing.Invoice {
	return &billing.Invoice{
		CustomerExternalID: a.Str("customer"),
		ExternalID:         a.Str("external_id"),
		Date:               a.Time("date"),
		DueDate:            a.Time("due_date"),
		Currency:           a.Str("currency"),
		Status:             a.Str("status"),
		CollectionMethod:   a.Str("collection_method"),
	}
}

// DecodeLineItem reads a line item from its item's attributes.
func DecodeLineItem(a table.Attrs) *billing.LineItem {
	return &billing.LineItem{
		InvoiceExternalID:         a.Str("invoice"),
		ExternalID:                a.Str("external_id"),
		Type:                      a.Str("type"),
		SubscriptionExternalID:    a.Str("subscription"),
		SubscriptionSetExternalID: a.Str("subscription_set"),
		AmountInCents:             a.Num("amount_in_cents"),
		PlanExternalID:            a.Str("plan"),
		ServicePeriodStart:        a.Time("service_period_start"),
		ServicePeriodEnd:          a.Time("service_period_end"),
		Quantity:                  a.Num("quantity"),
		Prorated:                  a.Flag("prorated"),
		ProrationType:             a.Str("proration_type"),
		DiscountCode:              a.Str("discount_code"),
		DiscountAmountInCents:     a.Num("discount_amount_in_cents"),
		DiscountDescription:       a.Str("discount_description"),
		TaxAmountInCents:          a.Num("tax_amount_in_cents"),
		Description:               a.Str("description"),
		TransactionFeesInCents:    a.Num("transaction_fees_in_cents"),
		TransactionFeesCurrency:   a.Str("transaction_fees_currency"),
		AccountCode:               a.Str("account_code"),
		EventOrder:                a.Opt("event_order"),
		BalanceTransfer:           a.Opt("balance_transfer"),
	}
}

// DecodeTransaction reads a transaction from its item's attributes.
func DecodeTransaction(a table.Attrs) *billing.Transaction {
	return &billing.Transaction{
		InvoiceExternalID:       a.Str("invoice"),
		ExternalID:              a.Str("external_id"),
		Type:                    a.Str("type"),
		Result:                  a.Str("result"),
		Date:                    a.Time("date"),
		AmountInCents:           a.Opt("amount_in_cents"),
		ExcludeTaxOnRefund:      a.Flag("exclude_tax_on_refund"),
		ExcludeDiscountOnRefund: a.Flag("exclude_discount_on_refund"),
		ExcludeFeesOnRefund:     a.Flag("exclude_fees_on_refund"),
		TransactionFeesInCents:  a.Opt("transaction_fees_in_cents"),
		TransactionFeesCurrency: a.Str("transaction_fees_currency"),
	}
}

// DecodeEvent reads a subscription event from its item's attributes.
func DecodeEvent(a table.Attrs) *billing.Event {
	return &billing.Event{
		CustomerExternalID:        a.Str("customer"),
		ExternalID:                a.Str("external_id"),
		SubscriptionExternalID:    a.Str("subscription"),
		SubscriptionSetExternalID: a.Str("subscription_set"),
		PlanExternalID:            a.Str("plan"),
		Type:                      a.Str("type"),
		Date:                      a.Time("date"),
		EffectiveDate:             a.Time("effective_date"),
		Currency:                  a.Str("currency"),
		AmountInCents:             a.Opt("amount_in_cents"),
		TaxAmountInCents:          a.Opt("tax_amount_in_cents"),
		Quantity:                  a.Opt("quantity"),
		RetractedEventID:          a.Str("retracted_event"),
		EventOrder:                a.Opt("event_order"),
		InvoiceExternalID:         a.Str("invoice"),
		Cancellation:              a.Flag("cancellation"),
	}
}

// CustomerH is the identity of a customer.
func (hr *Hasher) CustomerH(externalID string) H { return hr.External(KindCustomer, externalID) }

// ForgottenH returns the two identities that make an entry of the do-not-reload list: of the name
// of the source, regardless of case, and of the external id of the customer. The list outlives
// sources, so it does not use their tags.
func (hr *Hasher) ForgottenH(source, customer string) (name, id H) {
	return hr.Natural(KindForgotten, strings.ToLower(strings.TrimSpace(source))), hr.External(KindForgotten, customer)
}

// ForgottenNames returns the identities that the name of a source may have in the do-not-reload
// list, each once: of the name as it is, which [Hasher.ForgottenH] gives new entries, and of its
// composed and decomposed spellings, which a source that is gone may have had.
func (hr *Hasher) ForgottenNames(source string) []H {
	var names []H
	for _, spelling := range []string{source, norm.NFC.String(source), norm.NFD.String(source)} {
		if h, _ := hr.ForgottenH(spelling, ""); !slices.Contains(names, h) {
			names = append(names, h)
		}
	}
	return names
}

// InvoiceH is the identity of an invoice.
func (hr *Hasher) InvoiceH(externalID string) H { return hr.External(KindInvoice, externalID) }

// EmailH is the identity of an e-mail address, regardless of case.
func (hr *Hasher) EmailH(email string) H { return hr.External(KindEmail, foldEmail(email)) }

func foldEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// ContactH is the identity of a contact of a customer: its external id, else customer and e-mail
// address, else customer and names. As for every identity without an external id, equal rows of a
// file are told apart by [H.Nth].
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

// LineItemH is the identity of a line item: its external id, else invoice, type, subscription,
// plan, period start and description. The amount is left out: a corrected amount is a change, not a
// second line item.
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

// EventH is the identity of a subscription event: its external id, else subscription, type and both
// dates. For a row of the older cancellations file it is subscription and date.
func (hr *Hasher) EventH(e *billing.Event) H {
	switch {
	case e.ExternalID != "":
		return hr.External(KindEvent, e.ExternalID)
	case e.Cancellation:
		return hr.Natural(KindCancellation, e.SubscriptionExternalID, timePart(e.Date))
	}
	return hr.Natural(KindEvent, e.SubscriptionExternalID, e.Type, timePart(e.Date), timePart(e.EffectiveDate))
}

// timePart spells a time inside an identity: in milliseconds, or empty for the zero time.
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
