package chartmogul

import (
	"encoding/json"
	"fmt"
	"time"

	"reseed/pkg/billing"
)

// Names under which the parts of an invoice are complained about. The Go client
// compares the ones of duplicates literally (chartmogul-api §4).
const (
	prefixLine  = "line_items."
	prefixTrans = "transactions."
)

// draft is an invoice as a request describes it, and what is wrong with it.
type draft struct {
	row       *invoiceRow
	plans     []string    // plan_uuid of each line item
	cancelled []time.Time // cancelled_at of each line item
	errs      map[string]string
}

// readDrafts reads the invoices of an import, as long as somebody waits for the answer.
func (c *call) readDrafts(list []json.RawMessage) ([]*draft, error) {
	drafts, records := make([]*draft, len(list)), 0
	for i, raw := range list {
		if err := c.left(); err != nil {
			return nil, err
		}
		drafts[i] = c.readDraft(raw)
		if records += drafts[i].records(); records > maxRecords {
			return nil, refused(map[string]string{"invoices": fmt.Sprintf(textTooManyRecords, maxRecords)})
		}
	}
	return drafts, nil
}

// records counts what an invoice brings, the cancellations of its line items too.
func (d *draft) records() int {
	n := 1 + len(d.row.lines) + len(d.row.trans)
	for _, at := range d.cancelled {
		if !at.IsZero() {
			n++
		}
	}
	return n
}

func (c *call) readDraft(raw []byte) *draft {
	d := &draft{row: &invoiceRow{record: &billing.Invoice{}}, errs: map[string]string{}}
	f, ok := parseFields(raw, "", d.errs)
	if !ok {
		d.errs["base"] = "must be an object"
		return d
	}
	d.row.record = c.readInvoice(f)
	for _, raw := range f.list("line_items", maxParts) {
		if line, ok := parseFields(raw, prefixLine, d.errs); ok {
			d.addLine(line, int64(len(d.row.lines)+1))
		} else {
			f.fail("line_items", "must be a list of objects")
		}
	}
	if len(d.row.lines) == 0 {
		f.fail("line_items", textBlank)
	}
	for _, raw := range f.list("transactions", maxParts) {
		if t, ok := parseFields(raw, prefixTrans, d.errs); ok {
			d.addTransaction(c, t, int64(len(d.row.trans)+1))
		} else {
			f.fail("transactions", "must be a list of objects")
		}
	}
	return d
}

func (d *draft) addLine(f *fields, place int64) billing.Record {
	li := d.readLine(f)
	d.row.lines = append(d.row.lines, lineRow{part{place: place}, li})
	return li
}

func (d *draft) addTransaction(c *call, f *fields, place int64) billing.Record {
	t := c.readTransaction(f, d.row.record)
	d.row.trans = append(d.row.trans, transRow{part{place: place}, t})
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

// readLine reads a line item. Its plan is known by uuid only until [call.resolvePlans] has looked.
func (d *draft) readLine(f *fields) *billing.LineItem {
	li := &billing.LineItem{
		InvoiceExternalID: d.row.record.ExternalID, ExternalID: f.id("external_id"), Type: f.oneOf("type", billing.Subscription, billing.OneTime), AmountInCents: f.wholeOr("amount_in_cents", 0),
		SubscriptionExternalID: f.id("subscription_external_id"), SubscriptionSetExternalID: f.id("subscription_set_external_id"),
		ServicePeriodStart: f.when("service_period_start"), ServicePeriodEnd: f.when("service_period_end"),
		Quantity: f.wholeOr("quantity", 1), Prorated: f.truth("prorated"), ProrationType: f.oneOf("proration_type", "differential", "full"),
		DiscountCode: f.text("discount_code"), DiscountAmountInCents: f.wholeOr("discount_amount_in_cents", 0),
		DiscountDescription: f.text("discount_description"), TaxAmountInCents: f.wholeOr("tax_amount_in_cents", 0),
		Description: f.limited("description", billing.MaxNote), TransactionFeesInCents: f.wholeOr("transaction_fees_in_cents", 0),
		TransactionFeesCurrency: f.currency("transaction_fees_currency"), AccountCode: f.text("account_code"),
		EventOrder: f.whole("event_order"), BalanceTransfer: f.whole("balance_transfer"),
	}
	d.plans = append(d.plans, f.text("plan_uuid"))
	d.cancelled = append(d.cancelled, f.when("cancelled_at"))
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
