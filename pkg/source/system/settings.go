package system

import "reseed/pkg/billing"

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
	Metadata             bool     `json:"metadata,omitempty"` // and the like of customers become their custom attributes
	Metered              bool     `json:"metered,omitempty"`  // what is billed by use is a subscription, too
}

// Truths are the settings that are on or off, by their names in JSON.
func (s *Settings) Truths() map[string]*bool {
	return map[string]*bool{
		"without_voided": &s.WithoutVoided, "without_uncollectible": &s.WithoutUncollectible, "without_refunded": &s.WithoutRefunded,
		"deleted_customers": &s.DeletedCustomers, "metadata": &s.Metadata, "metered": &s.Metered,
	}
}

// Invoices that settings leave out, as [Mapped] counts them.
const (
	LeftOpen          = "open_invoices"
	LeftVoided        = "voided_invoices"
	LeftUncollectible = "uncollectible_invoices"
	LeftRefunded      = "refunded_invoices"
)

// LeftAttributes counts what a system knows of a customer beside its fields that is too long for a custom attribute, or too much.
const LeftAttributes = "custom_attributes_too_long"

// Attributes spells what a system knows of a customer beside its fields as custom attributes, and counts in left what is too long.
// It is empty if the settings do not ask for them.
func (s Settings) Attributes(values map[string]string, left map[string]int) string {
	if !s.Metadata {
		return ""
	}
	text, tooLong := billing.TextAttributes(values)
	if tooLong > 0 {
		left[LeftAttributes] += tooLong
	}
	return text
}

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
