package chargify

import "reseed/pkg/source/system"

// Shapes are what is decoded of the objects of each stream.
func Shapes() map[system.Stream]any {
	return map[system.Stream]any{
		Customers: customerShape{}, Metadata: metadataShape{}, Products: productShape{}, PricePoints: pricePointShape{}, Components: componentShape{},
		Subscriptions: subscriptionShape{}, Events: eventShape{}, Invoices: invoiceShape{}, InvoiceEvents: invoiceEventShape{}, CreditNotes: creditNoteShape{},
	}
}
