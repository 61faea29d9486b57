package billing

// cancellationRow is the older cancellations file (product facts §1.8). Its
// rows are subscription_cancelled events that take effect on their date.
type cancellationRow struct {
	SubscriptionExternalID string `csv:"Subscription external ID" field:"subscription_external_id" is:"id" rule:"required"`
	CustomerExternalID     string `csv:"Customer external ID" field:"customer_external_id" is:"id" rule:"required" names:"customer"`
	Date                   string `csv:"Date" field:"date" is:"time" rule:"required"`
	InvoiceExternalID      string `csv:"Invoice external ID" field:"invoice_external_id" is:"id" names:"invoice"`
	EventOrder             string `csv:"Event Order" field:"event_order" is:"integer"`
}

func (r *cancellationRow) record(c *cells) Record {
	date := c.time(&r.Date)
	e := &c.records.event
	*e = Event{
		CustomerExternalID:     c.id(&r.CustomerExternalID),
		SubscriptionExternalID: c.id(&r.SubscriptionExternalID),
		Type:                   Cancelled,
		Date:                   date,
		EffectiveDate:          date,
		EventOrder:             given(c, &r.EventOrder, parseInteger),
		InvoiceExternalID:      c.id(&r.InvoiceExternalID),
		Cancellation:           true,
	}
	return e
}
