package billing

// The types of subscription events that have rules of their own.
const (
	StartScheduled  = "subscription_start_scheduled"
	Started         = "subscription_start"
	Cancelled       = "subscription_cancelled"
	UpdateScheduled = "subscription_update_scheduled"
	Updated         = "subscription_updated"
)

// EventTypes lists the types of subscription events, in the order of ChartMogul's export codes, 0
// to 9 (https://dev.chartmogul.com/docs/destinations/source-data/subscription-events).
func EventTypes() []string {
	return []string{
		StartScheduled,
		Started,
		"scheduled_subscription_start_retracted",
		"subscription_cancellation_scheduled",
		Cancelled,
		"scheduled_subscription_cancellation_retracted",
		UpdateScheduled,
		Updated,
		"scheduled_subscription_update_retracted",
		"subscription_event_retracted",
	}
}

// EventNeedsPlan reports whether an event of this type must have a plan, a currency and an amount.
// That is so if it starts or updates a subscription.
func EventNeedsPlan(eventType string) bool {
	switch eventType {
	case StartScheduled, Started, UpdateScheduled, Updated:
		return true
	}
	return false
}

// eventRow is a row of a subscription events file.
type eventRow struct {
	CustomerExternalID        string `csv:"Customer external ID" field:"customer_external_id" is:"id" rule:"required" names:"customer"`
	SubscriptionExternalID    string `csv:"Subscription external ID" field:"subscription_external_id" is:"id" rule:"required"`
	SubscriptionSetExternalID string `csv:"Subscription set external ID" field:"subscription_set_external_id" is:"id"`
	ExternalID                string `csv:"External ID" field:"external_id" is:"id" names:"id"`
	EventType                 string `csv:"Event Type" field:"event_type" is:"word" rule:"required"`
	RetractedEventID          string `csv:"Retracted event ID" field:"retracted_event_id" is:"id"`
	Date                      string `csv:"Date" field:"event_date" is:"time" rule:"required"`
	EffectiveDate             string `csv:"Effective Date" field:"effective_date" is:"time" rule:"required"`
	PlanExternalID            string `csv:"Plan external ID" field:"plan_external_id" is:"id" names:"plan"`
	Currency                  string `csv:"Currency" field:"currency" is:"currency"`
	AmountInCents             string `csv:"Amount in Cents" field:"amount_in_cents" is:"cents" in:"currency"`
	Quantity                  string `csv:"Quantity" field:"quantity" is:"integer"`
	EventOrder                string `csv:"Event Order" field:"event_order" is:"integer"`
	InvoiceExternalID         string `csv:"Invoice external ID" field:"invoice_external_id" is:"id"`
	TaxAmountInCents          string `csv:"Tax amount in cents" field:"tax_amount_in_cents" is:"cents" in:"currency"`
}

func (r *eventRow) record(c *cells) Record {
	e := &c.records.event
	*e = Event{
		CustomerExternalID:        c.id(&r.CustomerExternalID),
		ExternalID:                c.own(&r.ExternalID),
		SubscriptionExternalID:    c.id(&r.SubscriptionExternalID),
		SubscriptionSetExternalID: c.id(&r.SubscriptionSetExternalID),
		PlanExternalID:            c.id(&r.PlanExternalID),
		Type:                      parsed(c, &r.EventType, ParseEventType),
		Date:                      c.time(&r.Date),
		EffectiveDate:             c.time(&r.EffectiveDate),
		Currency:                  parsed(c, &r.Currency, ParseCurrency),
		AmountInCents:             c.givenAmount(&r.AmountInCents),
		TaxAmountInCents:          c.givenAmount(&r.TaxAmountInCents),
		Quantity:                  given(c, &r.Quantity, parseInteger),
		RetractedEventID:          c.id(&r.RetractedEventID),
		EventOrder:                given(c, &r.EventOrder, parseInteger),
		InvoiceExternalID:         c.id(&r.InvoiceExternalID),
	}
	if EventNeedsPlan(e.Type) {
		c.need(&r.PlanExternalID)
		c.need(&r.Currency)
		c.need(&r.AmountInCents)
	}
	c.toMinor(&r.AmountInCents, e.AmountInCents, &r.Currency, e.Currency)
	return e
}

// ParseEventType reads the type of a subscription event regardless of case, spaces and underscores.
func ParseEventType(s string) (string, error) {
	t, ok := oneOf(s, EventTypes())
	if !ok {
		return "", invalid(CodeUnknownEventType, "%s is not a type of event; it must be %s.", quote(s), either(EventTypes()))
	}
	return t, nil
}

func (r *eventRow) fill(rec Record) {
	e, _ := rec.(*Event)
	*r = eventRow{
		CustomerExternalID: e.CustomerExternalID, SubscriptionExternalID: e.SubscriptionExternalID, SubscriptionSetExternalID: e.SubscriptionSetExternalID,
		ExternalID: e.ExternalID, EventType: e.Type, RetractedEventID: e.RetractedEventID, Date: spellTime(e.Date), EffectiveDate: spellTime(e.EffectiveDate),
		PlanExternalID: e.PlanExternalID, Currency: e.Currency, AmountInCents: spellGiven(e.AmountInCents), Quantity: spellGiven(e.Quantity),
		EventOrder: spellGiven(e.EventOrder), InvoiceExternalID: e.InvoiceExternalID, TaxAmountInCents: spellGiven(e.TaxAmountInCents),
	}
}
