package stripe

// Counting says which invoices become records, by how far they are paid.
type Counting string

// The ways to count.
const (
	Paid       Counting = "paid"        // or decided otherwise: void, uncollectible
	PartlyPaid Counting = "partly_paid" // also open ones of which something was paid
	Issued     Counting = "issued"      // all but drafts
)

// Settings say what becomes of objects where companies differ. The zero value is the default, which is ChartMogul's, but for
// void, uncollectible and refunded invoices: they are kept, with their status.
type Settings struct {
	Invoices             Counting `json:"invoices,omitempty"` // empty: Paid
	WithoutVoided        bool     `json:"without_voided,omitempty"`
	WithoutUncollectible bool     `json:"without_uncollectible,omitempty"`
	WithoutRefunded      bool     `json:"without_refunded,omitempty"` // of which all was paid back
	DeletedCustomers     bool     `json:"deleted_customers,omitempty"`
	Metadata             bool     `json:"metadata,omitempty"` // of customers become custom attributes
}
