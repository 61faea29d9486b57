package chartmogul

import (
	"encoding/json"
	"fmt"

	"reseed/pkg/billing"
	"reseed/pkg/records"
)

// readDrafts reads the invoices of an import, as long as somebody waits for the answer.
func (c *call) readDrafts(list []json.RawMessage) ([]*records.Draft, error) {
	drafts, n := make([]*records.Draft, len(list)), 0
	for i, raw := range list {
		if err := c.left(); err != nil {
			return nil, err
		}
		drafts[i] = c.readDraft(raw)
		if n += sizeOf(drafts[i]); n > maxRecords {
			return nil, refused(map[string]string{"invoices": fmt.Sprintf(textTooManyRecords, maxRecords)})
		}
	}
	return drafts, nil
}

// sizeOf counts what an invoice brings, the cancellations of its line items too.
func sizeOf(d *records.Draft) int {
	n := 1 + len(d.Invoice.Lines) + len(d.Invoice.Transactions)
	for _, at := range d.Cancelled {
		if !at.IsZero() {
			n++
		}
	}
	return n
}

func (c *call) readDraft(raw []byte) *records.Draft {
	d := &records.Draft{Invoice: &records.Invoice{Record: &billing.Invoice{}}, Errs: map[string]string{}}
	f, ok := parseFields(raw, "", d.Errs)
	if !ok {
		d.Errs["base"] = "must be an object"
		return d
	}
	d.Invoice.Record = c.readInvoice(f)
	for _, raw := range f.list("line_items", maxParts) {
		if line, ok := parseFields(raw, records.PrefixLine, d.Errs); ok {
			addLine(d, line, int64(len(d.Invoice.Lines)+1))
		} else {
			f.fail("line_items", "must be a list of objects")
		}
	}
	if len(d.Invoice.Lines) == 0 {
		f.fail("line_items", textBlank)
	}
	for _, raw := range f.list("transactions", maxParts) {
		if t, ok := parseFields(raw, records.PrefixTransaction, d.Errs); ok {
			c.addTransaction(d, t, int64(len(d.Invoice.Transactions)+1))
		} else {
			f.fail("transactions", "must be a list of objects")
		}
	}
	return d
}

func addLine(d *records.Draft, f *fields, place int64) billing.Record {
	li := readLine(d, f)
	d.Invoice.Lines = append(d.Invoice.Lines, records.Line{Part: records.Part{Place: place}, Record: li})
	return li
}

func (c *call) addTransaction(d *records.Draft, f *fields, place int64) billing.Record {
	t := c.readTransaction(f, d.Invoice.Record)
	d.Invoice.Transactions = append(d.Invoice.Transactions, records.Transaction{Part: records.Part{Place: place}, Record: t})
	return t
}

func (c *call) readInvoice(f *fields) *billing.Invoice {
	inv := &billing.Invoice{
		ExternalID: f.neededID("external_id"), Date: f.past("date", c.Now()), DueDate: f.when("due_date"), Currency: f.currency("currency"),
		Status:           f.oneOf("status", "open", "paid", "refunded", "written_off", "voided"),
		CollectionMethod: f.oneOf("collection_method", "manual", "automatic"),
	}
	if inv.Date.IsZero() {
		f.fail("date", textBlank)
	}
	if inv.Currency == "" {
		f.fail("currency", textBlank)
	}
	return inv
}

// readLine reads a line item. Its plan is known by uuid only until [records.Records.ResolvePlans] has looked.
func readLine(d *records.Draft, f *fields) *billing.LineItem {
	li := &billing.LineItem{
		InvoiceExternalID: d.Invoice.Record.ExternalID, ExternalID: f.id("external_id"), Type: f.oneOf("type", billing.Subscription, billing.OneTime), AmountInCents: f.wholeOr("amount_in_cents", 0),
		SubscriptionExternalID: f.id("subscription_external_id"), SubscriptionSetExternalID: f.id("subscription_set_external_id"),
		ServicePeriodStart: f.when("service_period_start"), ServicePeriodEnd: f.when("service_period_end"),
		Quantity: f.wholeOr("quantity", 1), Prorated: f.truth("prorated"), ProrationType: f.oneOf("proration_type", "differential", "full"),
		DiscountCode: f.text("discount_code"), DiscountAmountInCents: f.wholeOr("discount_amount_in_cents", 0),
		DiscountDescription: f.text("discount_description"), TaxAmountInCents: f.wholeOr("tax_amount_in_cents", 0),
		Description: f.limited("description", billing.MaxNote), TransactionFeesInCents: f.wholeOr("transaction_fees_in_cents", 0),
		TransactionFeesCurrency: f.currency("transaction_fees_currency"), AccountCode: f.text("account_code"),
		EventOrder: f.whole("event_order"), BalanceTransfer: f.whole("balance_transfer"),
	}
	d.Plans = append(d.Plans, f.text("plan_uuid"))
	d.Cancelled = append(d.Cancelled, f.when("cancelled_at"))
	f.given("type", "amount_in_cents")
	if li.Type == billing.Subscription {
		f.given("plan_uuid", "service_period_start", "service_period_end")
	}
	if li.Quantity == 0 {
		f.fail("quantity", "must be other than 0")
	}
	if !li.ServicePeriodEnd.IsZero() && li.ServicePeriodEnd.Before(li.ServicePeriodStart) {
		f.fail("service_period_end", "must not be before the start")
	}
	return li
}

func (c *call) readTransaction(f *fields, inv *billing.Invoice) *billing.Transaction {
	t := &billing.Transaction{
		InvoiceExternalID: inv.ExternalID, ExternalID: f.id("external_id"),
		Type: f.oneOf("type", billing.Payment, billing.Refund), Result: f.oneOf("result", billing.Successful, billing.Failed),
		Date: f.past("date", c.Now()), AmountInCents: f.whole("amount_in_cents"),
		TransactionFeesInCents: f.whole("transaction_fees_in_cents"), TransactionFeesCurrency: f.currency("transaction_fees_currency"),
	}
	f.given("type", "result", "date")
	return t
}

// given complains of members that are not given.
func (f *fields) given(names ...string) {
	for _, n := range names {
		if f.value(n) == nil {
			f.fail(n, textBlank)
		}
	}
}
