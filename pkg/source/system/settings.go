package system

// Counting says which invoices become records, by how far they are paid.
type Counting string

// The ways to count.
const (
	Paid       Counting = "paid"        // or decided otherwise: void, uncollectible
	PartlyPaid Counting = "partly_paid" // also open ones of which something was paid
	Issued     Counting = "issued"      // all but drafts
)

// Settings say what becomes of objects where companies differ. The zero value is the default, which is ChartMogul's, but for
// void, uncollectible and refunded invoices: they are kept, with their status. [System.Options] says which ones a system has.
type Settings struct {
	Invoices             Counting `json:"invoices,omitempty"` // empty: Paid
	WithoutVoided        bool     `json:"without_voided,omitempty"`
	WithoutUncollectible bool     `json:"without_uncollectible,omitempty"`
	WithoutRefunded      bool     `json:"without_refunded,omitempty"` // of which all was paid back
	DeletedCustomers     bool     `json:"deleted_customers,omitempty"`
	Metadata             bool     `json:"metadata,omitempty"` // of customers become [Mapped.Attributes]; no door offers it, since imports have no place for those
	Metered              bool     `json:"metered,omitempty"`  // what is billed by use is a subscription, too
}

// Invoices that settings leave out, as [Mapped] counts them.
const (
	LeftOpen          = "open_invoices"
	LeftVoided        = "voided_invoices"
	LeftUncollectible = "uncollectible_invoices"
	LeftRefunded      = "refunded_invoices"
)

// Leaves says why the settings leave out an invoice with a status of [billing.Invoice], of which so much was paid; empty if they
// do not.
func (s Settings) Leaves(status string, paid int64) string {
	switch {
	case status == "open" && s.Invoices != Issued && (s.Invoices != PartlyPaid || paid <= 0):
		return LeftOpen
	case status == "voided" && s.WithoutVoided:
		return LeftVoided
	case status == "written_off" && s.WithoutUncollectible:
		return LeftUncollectible
	case status == "refunded" && s.WithoutRefunded:
		return LeftRefunded
	}
	return ""
}
