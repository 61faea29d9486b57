package billing

// transactionRow is a row of a transactions file.
type transactionRow struct {
	InvoiceExternalID       string `csv:"Invoice external ID" field:"invoice_external_id" is:"id" rule:"required"`
	ExternalID              string `csv:"External ID" field:"external_id" is:"id" names:"id"`
	Type                    string `csv:"Type" field:"type" is:"word" rule:"required"`
	Result                  string `csv:"Result" field:"result" is:"word" rule:"required"`
	Date                    string `csv:"Date" field:"date" is:"time" rule:"required"`
	AmountInCents           string `csv:"Amount in cents" field:"amount_in_cents" is:"cents"`
	ExcludeTaxOnRefund      string `csv:"Exclude tax on refund" field:"exclude_tax_on_refund" is:"truth"`
	ExcludeDiscountOnRefund string `csv:"Exclude discount on refund" field:"exclude_discount_on_refund" is:"truth"`
	ExcludeFeesOnRefund     string `csv:"Exclude fees on refund" field:"exclude_fees_on_refund" is:"truth"`
	TransactionFee          string `csv:"Transaction fee" field:"transaction_fees_in_cents" is:"cents" in:"transaction_fees_currency"`
	TransactionFeesCurrency string `csv:"Transaction fees currency" field:"transaction_fees_currency" is:"currency"`
}

func (r *transactionRow) record(c *cells) Record {
	transaction := &c.records.transaction
	*transaction = Transaction{
		InvoiceExternalID:       c.id(&r.InvoiceExternalID),
		ExternalID:              c.own(&r.ExternalID),
		Type:                    c.word(&r.Type, Payment, Refund),
		Result:                  c.word(&r.Result, Successful, Failed),
		Date:                    c.past(&r.Date),
		AmountInCents:           c.givenAmount(&r.AmountInCents),
		ExcludeTaxOnRefund:      parsed(c, &r.ExcludeTaxOnRefund, ParseBool),
		ExcludeDiscountOnRefund: parsed(c, &r.ExcludeDiscountOnRefund, ParseBool),
		ExcludeFeesOnRefund:     parsed(c, &r.ExcludeFeesOnRefund, ParseBool),
		TransactionFeesInCents:  c.givenAmount(&r.TransactionFee),
		TransactionFeesCurrency: parsed(c, &r.TransactionFeesCurrency, ParseCurrency),
	}
	return transaction
}

func (r *transactionRow) fill(rec Record) {
	t, _ := rec.(*Transaction)
	*r = transactionRow{
		InvoiceExternalID: t.InvoiceExternalID, ExternalID: t.ExternalID, Type: t.Type, Result: t.Result, Date: spellTime(t.Date),
		AmountInCents: spellGiven(t.AmountInCents), ExcludeTaxOnRefund: spellTruth(t.ExcludeTaxOnRefund),
		ExcludeDiscountOnRefund: spellTruth(t.ExcludeDiscountOnRefund), ExcludeFeesOnRefund: spellTruth(t.ExcludeFeesOnRefund),
		TransactionFee: spellGiven(t.TransactionFeesInCents), TransactionFeesCurrency: t.TransactionFeesCurrency,
	}
}
