package billing

// cancellationRow is a row of a cancellations file, which was used before there were subscription
// events. It becomes a subscription_cancelled event that takes effect on its date.
type cancellationRow struct {
	SubscriptionExternalID string `csv:"Subscription external ID" field:"subscription_external_id" is:"id" rule:"required"`
	CustomerExternalID     string `csv:"Customer external ID" field:"customer_external_id" is:"id" rule:"required" names:"customer"`
	Date                   string `csv:"Date" field:"date" is:"time" rule:"required"`
	InvoiceExternalID      string `csv:"Invoice external ID" field:"invoice_external_id" is:"id"`
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

func (r *cancellationRow) fill(rec Record) {
	e, _ := rec.(*Event)
	*r = cancellationRow{
		SubscriptionExternalID: e.SubscriptionExternalID, CustomerExternalID: e.CustomerExternalID, Date: spellTime(e.Date),
		InvoiceExternalID: e.InvoiceExternalID, EventOrder: spellGiven(e.EventOrder),
	}
}
