package billing

// invoiceRow is a row of an invoices file.
type invoiceRow struct {
	CustomerExternalID string `csv:"Customer external ID" field:"customer_external_id" is:"id" rule:"required" names:"customer"`
	InvoiceExternalID  string `csv:"Invoice external ID" field:"external_id" is:"id" rule:"required" names:"id"`
	InvoicedDate       string `csv:"Invoiced date" field:"date" is:"time" rule:"required"`
	DueDate            string `csv:"Due date" field:"due_date" is:"time"`
	Currency           string `csv:"Currency" field:"currency" is:"currency" rule:"required"`
	Status             string `csv:"Status" field:"status" is:"word"`
	CollectionMethod   string `csv:"Collection Method" field:"collection_method" is:"word"`
}

// InvoiceStatuses lists the states that an invoice may be in, in the order of ChartMogul's export
// codes, from 0 (https://dev.chartmogul.com/docs/destinations/source-data/invoices).
func InvoiceStatuses() []string {
	return []string{"open", "paid", "refunded", "written_off", "voided"}
}

func (r *invoiceRow) record(c *cells) Record {
	invoice := &c.records.invoice
	*invoice = Invoice{
		CustomerExternalID: c.id(&r.CustomerExternalID),
		ExternalID:         c.own(&r.InvoiceExternalID),
		Date:               c.past(&r.InvoicedDate),
		DueDate:            c.time(&r.DueDate),
		Currency:           parsed(c, &r.Currency, ParseCurrency),
		Status:             c.word(&r.Status, InvoiceStatuses()...),
		CollectionMethod:   c.word(&r.CollectionMethod, "manual", "automatic"),
	}
	return invoice
}

func (r *invoiceRow) fill(rec Record) {
	i, _ := rec.(*Invoice)
	*r = invoiceRow{
		CustomerExternalID: i.CustomerExternalID, InvoiceExternalID: i.ExternalID, InvoicedDate: spellTime(i.Date), DueDate: spellTime(i.DueDate),
		Currency: i.Currency, Status: i.Status, CollectionMethod: i.CollectionMethod,
	}
}
