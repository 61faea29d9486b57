package billing

// transactionRow is a row of a transactions file.
type transactionRow struct {
	InvoiceExternalID       string `csv:"Invoice external ID" rule:"required" names:"invoice"`
	ExternalID              string `csv:"External ID" names:"id"`
	Type                    string `csv:"Type" rule:"required"`
	Result                  string `csv:"Result" rule:"required"`
	Date                    string `csv:"Date" rule:"required"`
	AmountInCents           string `csv:"Amount in cents"`
	ExcludeTaxOnRefund      string `csv:"Exclude tax on refund"`
	ExcludeDiscountOnRefund string `csv:"Exclude discount on refund"`
	ExcludeFeesOnRefund     string `csv:"Exclude fees on refund"`
	TransactionFee          string `csv:"Transaction fee"`
	TransactionFeesCurrency string `csv:"Transaction fees currency"`
}

func (r *transactionRow) record(c *cells) Record {
	transaction := &c.records.transaction
	*transaction = Transaction{
		InvoiceExternalID:       c.id(&r.InvoiceExternalID),
		ExternalID:              c.id(&r.ExternalID),
		Type:                    c.word(&r.Type, Payment, Refund),
		Result:                  c.word(&r.Result, Successful, Failed),
		Date:                    c.past(&r.Date),
		AmountInCents:           given(c, &r.AmountInCents, ParseCents),
		ExcludeTaxOnRefund:      parsed(c, &r.ExcludeTaxOnRefund, ParseBool),
		ExcludeDiscountOnRefund: parsed(c, &r.ExcludeDiscountOnRefund, ParseBool),
		ExcludeFeesOnRefund:     parsed(c, &r.ExcludeFeesOnRefund, ParseBool),
		TransactionFeesInCents:  given(c, &r.TransactionFee, ParseCents),
		TransactionFeesCurrency: parsed(c, &r.TransactionFeesCurrency, ParseCurrency),
	}
	return transaction
}
