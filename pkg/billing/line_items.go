package billing

// lineItemRow is a row of an invoice line items file. Subscription lines and one-time lines have
// the same columns.
type lineItemRow struct {
	InvoiceExternalID         string `csv:"Invoice external ID" field:"invoice_external_id" is:"id" rule:"required"`
	ExternalID                string `csv:"External ID" field:"external_id" is:"id" names:"id"`
	SubscriptionExternalID    string `csv:"Subscription external ID" field:"subscription_external_id" is:"id"`
	SubscriptionSetExternalID string `csv:"Subscription set external ID" field:"subscription_set_external_id" is:"id"`
	Type                      string `csv:"Type" field:"type" is:"word" rule:"required"`
	AmountInCents             string `csv:"Amount in cents" field:"amount_in_cents" is:"cents" rule:"required"`
	Plan                      string `csv:"Plan" field:"plan_external_id" is:"id" names:"plan"`
	ServicePeriodStart        string `csv:"Service period start" field:"service_period_start" is:"time"`
	ServicePeriodEnd          string `csv:"Service period end" field:"service_period_end" is:"time"`
	Quantity                  string `csv:"Quantity" field:"quantity" is:"integer"`
	Proration                 string `csv:"Proration" field:"prorated" is:"truth"`
	DiscountCode              string `csv:"Discount code" field:"discount_code"`
	DiscountAmount            string `csv:"Discount amount" field:"discount_amount_in_cents" is:"cents"`
	TaxAmount                 string `csv:"Tax amount" field:"tax_amount_in_cents" is:"cents"`
	Description               string `csv:"Description" field:"description" is:"note"`
	TransactionFee            string `csv:"Transaction fee" field:"transaction_fees_in_cents" is:"cents" in:"transaction_fees_currency"`
	AccountCode               string `csv:"Account Code" field:"account_code"`
	TransactionFeesCurrency   string `csv:"Transaction fees currency" field:"transaction_fees_currency" is:"currency"`
	DiscountDescription       string `csv:"Discount description" field:"discount_description" is:"note"`
	EventOrder                string `csv:"Event order" field:"event_order" is:"integer"`
	BalanceTransfer           string `csv:"Balance transfer" field:"balance_transfer" is:"cents"`
	ProrationType             string `csv:"Proration type" field:"proration_type" is:"word"`
}

func (r *lineItemRow) record(c *cells) Record {
	l := &c.records.lineItem
	*l = LineItem{
		InvoiceExternalID:         c.id(&r.InvoiceExternalID),
		ExternalID:                c.own(&r.ExternalID),
		Type:                      c.word(&r.Type, Subscription, OneTime),
		SubscriptionExternalID:    c.id(&r.SubscriptionExternalID),
		SubscriptionSetExternalID: c.id(&r.SubscriptionSetExternalID),
		AmountInCents:             c.amount(&r.AmountInCents),
		PlanExternalID:            c.id(&r.Plan),
		ServicePeriodStart:        c.time(&r.ServicePeriodStart),
		ServicePeriodEnd:          c.time(&r.ServicePeriodEnd),
		Quantity:                  c.quantity(&r.Quantity),
		Prorated:                  parsed(c, &r.Proration, ParseBool),
		ProrationType:             c.word(&r.ProrationType, "differential", "full"),
		DiscountCode:              c.text(&r.DiscountCode),
		DiscountAmountInCents:     c.amount(&r.DiscountAmount),
		DiscountDescription:       c.note(&r.DiscountDescription),
		TaxAmountInCents:          c.amount(&r.TaxAmount),
		Description:               c.note(&r.Description),
		TransactionFeesInCents:    c.amount(&r.TransactionFee),
		TransactionFeesCurrency:   parsed(c, &r.TransactionFeesCurrency, ParseCurrency),
		AccountCode:               c.text(&r.AccountCode),
		EventOrder:                given(c, &r.EventOrder, parseInteger),
		BalanceTransfer:           c.givenAmount(&r.BalanceTransfer),
	}
	if l.Type == Subscription {
		r.subscription(c, l)
	}
	if !l.ServicePeriodEnd.IsZero() && l.ServicePeriodEnd.Before(l.ServicePeriodStart) {
		c.fail(&r.ServicePeriodEnd, invalid(CodeOutOfRange, "The service period ends before it starts."))
	}
	return l
}

// subscription applies the rules for subscription lines.
func (r *lineItemRow) subscription(c *cells, l *LineItem) {
	c.need(&r.SubscriptionExternalID)
	c.need(&r.Plan)
	c.need(&r.ServicePeriodStart)
	c.need(&r.ServicePeriodEnd)
	if l.BalanceTransfer != nil && *l.BalanceTransfer != 0 {
		c.fail(&r.BalanceTransfer, invalid(CodeOutOfRange, "Only a one-time line transfers a balance."))
	}
	l.BalanceTransfer = nil // ChartMogul's sample has 0 here on subscription lines
}

// quantity reads how many were sold: 1 if the cell is blank, never 0.
func (c *cells) quantity(cell *string) int64 {
	if *cell == "" {
		return 1
	}
	n := parsed(c, cell, parseInteger)
	if n == 0 {
		c.fail(cell, invalid(CodeZeroQuantity, "The quantity must not be 0."))
	}
	return n
}

func (r *lineItemRow) fill(rec Record) {
	l, _ := rec.(*LineItem)
	*r = lineItemRow{
		InvoiceExternalID: l.InvoiceExternalID, ExternalID: l.ExternalID, SubscriptionExternalID: l.SubscriptionExternalID,
		SubscriptionSetExternalID: l.SubscriptionSetExternalID, Type: l.Type, AmountInCents: spellInteger(l.AmountInCents), Plan: l.PlanExternalID,
		ServicePeriodStart: spellTime(l.ServicePeriodStart), ServicePeriodEnd: spellTime(l.ServicePeriodEnd), Quantity: spellSome(l.Quantity),
		Proration: spellTruth(l.Prorated), DiscountCode: l.DiscountCode, DiscountAmount: spellSome(l.DiscountAmountInCents),
		TaxAmount: spellSome(l.TaxAmountInCents), Description: l.Description, TransactionFee: spellSome(l.TransactionFeesInCents),
		AccountCode: l.AccountCode, TransactionFeesCurrency: l.TransactionFeesCurrency, DiscountDescription: l.DiscountDescription,
		EventOrder: spellGiven(l.EventOrder), BalanceTransfer: spellGiven(l.BalanceTransfer), ProrationType: l.ProrationType,
	}
}
