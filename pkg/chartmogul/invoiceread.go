package chartmogul

import (
	"encoding/json"
	"fmt"

	"reseed/pkg/billing"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
)

// Limits of what one call may bring.
const (
	maxInvoices = 1000
	maxParts    = 1000   // line items of an invoice, and as many transactions
	maxRecords  = 10_000 // invoices, line items, transactions and cancellations together
)

const textTooManyRecords = "hold more than %d invoices, line items, transactions and cancellations together; split the call"

// readDrafts reads the invoices of an import. It stops if the client goes.
func (c *call) readDrafts(list []json.RawMessage) ([]*records.Draft, error) {
	drafts, n := make([]*records.Draft, len(list)), 0
	for i, raw := range list {
		if err := c.Left(); err != nil {
			return nil, err
		}
		drafts[i] = c.readDraft(raw)
		if n += sizeOf(drafts[i]); n > maxRecords {
			return nil, httpapi.Refused(map[string]string{"invoices": fmt.Sprintf(textTooManyRecords, maxRecords)})
		}
	}
	return drafts, nil
}

// sizeOf counts the records that an invoice brings, cancellations included.
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
	f, ok := httpapi.ParseFields(raw, "", d.Errs)
	if !ok {
		d.Errs["base"] = "must be an object"
		return d
	}
	d.Invoice.Record = c.readInvoice(f)
	for _, raw := range f.List("line_items", maxParts) {
		if line, ok := httpapi.ParseFields(raw, records.PrefixLine, d.Errs); ok {
			addLine(d, line, int64(len(d.Invoice.Lines)+1))
		} else {
			f.Fail("line_items", "must be a list of objects")
		}
	}
	if len(d.Invoice.Lines) == 0 {
		f.Fail("line_items", httpapi.TextBlank)
	}
	for _, raw := range f.List("transactions", maxParts) {
		if t, ok := httpapi.ParseFields(raw, records.PrefixTransaction, d.Errs); ok {
			c.addTransaction(d, t, int64(len(d.Invoice.Transactions)+1))
		} else {
			f.Fail("transactions", "must be a list of objects")
		}
	}
	return d
}

func addLine(d *records.Draft, f *httpapi.Fields, place int64) billing.Record {
	li := readLine(d, f)
	d.Invoice.Lines = append(d.Invoice.Lines, records.Line{Part: records.Part{Place: place}, Record: li})
	return li
}

func (c *call) addTransaction(d *records.Draft, f *httpapi.Fields, place int64) billing.Record {
	t := c.readTransaction(f, d.Invoice.Record)
	d.Invoice.Transactions = append(d.Invoice.Transactions, records.Transaction{Part: records.Part{Place: place}, Record: t})
	return t
}

func (c *call) readInvoice(f *httpapi.Fields) *billing.Invoice {
	inv := &billing.Invoice{
		ExternalID: f.NeededID("external_id"), Date: f.Past("date", c.Now()), DueDate: f.When("due_date"), Currency: f.Currency("currency"),
		Status:           f.OneOf("status", "open", "paid", "refunded", "written_off", "voided"),
		CollectionMethod: f.OneOf("collection_method", "manual", "automatic"),
	}
	if inv.Date.IsZero() {
		f.Fail("date", httpapi.TextBlank)
	}
	if inv.Currency == "" {
		f.Fail("currency", httpapi.TextBlank)
	}
	return inv
}

// readLine reads a line item. It notes the uuid of its plan in the draft;
// [records.Records.ResolvePlans] finds the plan.
func readLine(d *records.Draft, f *httpapi.Fields) *billing.LineItem {
	li := &billing.LineItem{
		InvoiceExternalID: d.Invoice.Record.ExternalID, ExternalID: f.ID("external_id"), Type: f.OneOf("type", billing.Subscription, billing.OneTime), AmountInCents: f.WholeOr("amount_in_cents", 0),
		SubscriptionExternalID: f.ID("subscription_external_id"), SubscriptionSetExternalID: f.ID("subscription_set_external_id"),
		ServicePeriodStart: f.When("service_period_start"), ServicePeriodEnd: f.When("service_period_end"),
		Quantity: f.WholeOr("quantity", 1), Prorated: f.Truth("prorated"), ProrationType: f.OneOf("proration_type", "differential", "full"),
		DiscountCode: f.Text("discount_code"), DiscountAmountInCents: f.WholeOr("discount_amount_in_cents", 0),
		DiscountDescription: f.Text("discount_description"), TaxAmountInCents: f.WholeOr("tax_amount_in_cents", 0),
		Description: f.Limited("description", billing.MaxNote), TransactionFeesInCents: f.WholeOr("transaction_fees_in_cents", 0),
		TransactionFeesCurrency: f.Currency("transaction_fees_currency"), AccountCode: f.Text("account_code"),
		EventOrder: f.Whole("event_order"), BalanceTransfer: f.Whole("balance_transfer"),
	}
	d.Plans = append(d.Plans, f.Text("plan_uuid"))
	d.Cancelled = append(d.Cancelled, f.When("cancelled_at"))
	f.Given("type", "amount_in_cents")
	if li.Type == billing.Subscription {
		f.Given("plan_uuid", "service_period_start", "service_period_end")
	}
	if li.Quantity == 0 {
		f.Fail("quantity", "must be other than 0")
	}
	if !li.ServicePeriodEnd.IsZero() && li.ServicePeriodEnd.Before(li.ServicePeriodStart) {
		f.Fail("service_period_end", "must not be before the start")
	}
	return li
}

func (c *call) readTransaction(f *httpapi.Fields, inv *billing.Invoice) *billing.Transaction {
	t := &billing.Transaction{
		InvoiceExternalID: inv.ExternalID, ExternalID: f.ID("external_id"),
		Type: f.OneOf("type", billing.Payment, billing.Refund), Result: f.OneOf("result", billing.Successful, billing.Failed),
		Date: f.Past("date", c.Now()), AmountInCents: f.Whole("amount_in_cents"),
		TransactionFeesInCents: f.Whole("transaction_fees_in_cents"), TransactionFeesCurrency: f.Currency("transaction_fees_currency"),
	}
	f.Given("type", "result", "date")
	return t
}
