package recurly

import (
	"encoding/json"

	"reseed/pkg/source/system"
)

// The fields of Recurly's objects that are mapped, by Recurly's names. A test compares names and types with
// Recurly's own description of its API.

type accountShape struct {
	ID           string             `json:"id"`
	Code         string             `json:"code"`
	Email        string             `json:"email"`
	FirstName    string             `json:"first_name"`
	LastName     string             `json:"last_name"`
	Company      string             `json:"company"`
	Address      *addressShape      `json:"address"`
	BillTo       string             `json:"bill_to"`
	BillingInfo  *billingInfoShape  `json:"billing_info"`
	CustomFields []customFieldShape `json:"custom_fields"`
}

type billingInfoShape struct {
	Address *addressShape `json:"address"`
}

type addressShape struct {
	City       string `json:"city"`
	Region     string `json:"region"`
	PostalCode string `json:"postal_code"`
	Country    string `json:"country"`
}

type customFieldShape struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type planShape struct {
	ID             string        `json:"id"`
	Code           string        `json:"code"`
	Name           string        `json:"name"`
	IntervalUnit   string        `json:"interval_unit"`
	IntervalLength *int64        `json:"interval_length"`
	CreatedAt      system.Moment `json:"created_at"`
	DeletedAt      system.Moment `json:"deleted_at"`
}

type addOnShape struct {
	ID        string        `json:"id"`
	PlanID    string        `json:"plan_id"`
	Code      string        `json:"code"`
	Name      string        `json:"name"`
	CreatedAt system.Moment `json:"created_at"`
	DeletedAt system.Moment `json:"deleted_at"`
}

type subscriptionShape struct {
	ID                     string                 `json:"id"`
	Account                codeShape              `json:"account"`
	State                  string                 `json:"state"`
	TrialStartedAt         system.Moment          `json:"trial_started_at"`
	CurrentTermStartedAt   system.Moment          `json:"current_term_started_at"`
	CurrentTermEndsAt      system.Moment          `json:"current_term_ends_at"`
	RemainingBillingCycles *int64                 `json:"remaining_billing_cycles"`
	AutoRenew              *bool                  `json:"auto_renew"`
	PausedAt               system.Moment          `json:"paused_at"`
	CanceledAt             system.Moment          `json:"canceled_at"`
	ExpiresAt              system.Moment          `json:"expires_at"`
	AddOns                 []subscribedAddOnShape `json:"add_ons"`
}

type subscribedAddOnShape struct {
	AddOn codeShape `json:"add_on"`
}

type codeShape struct {
	Code string `json:"code"`
}

type invoiceShape struct {
	ID                string               `json:"id"`
	Account           codeShape            `json:"account"`
	Type              string               `json:"type"`
	Origin            string               `json:"origin"`
	State             string               `json:"state"`
	PreviousInvoiceID string               `json:"previous_invoice_id"`
	CollectionMethod  string               `json:"collection_method"`
	Currency          string               `json:"currency"`
	Total             system.Decimal       `json:"total"`
	Paid              system.Decimal       `json:"paid"`
	LineItems         *[]json.RawMessage   `json:"line_items"`
	Transactions      []json.RawMessage    `json:"transactions"`
	CreditPayments    []creditPaymentShape `json:"credit_payments"`
	CreatedAt         system.Moment        `json:"created_at"`
	DueAt             system.Moment        `json:"due_at"`
}

type creditPaymentShape struct {
	Action           string        `json:"action"`
	AppliedToInvoice idShape       `json:"applied_to_invoice"`
	VoidedAt         system.Moment `json:"voided_at"`
}

type idShape struct {
	ID string `json:"id"`
}

type lineShape struct {
	ID             string         `json:"id"`
	Type           string         `json:"type"`
	Origin         string         `json:"origin"`
	SubscriptionID string         `json:"subscription_id"`
	PlanCode       string         `json:"plan_code"`
	AddOnID        string         `json:"add_on_id"`
	AddOnCode      string         `json:"add_on_code"`
	Currency       string         `json:"currency"`
	Amount         system.Decimal `json:"amount"`
	Discount       system.Decimal `json:"discount"`
	Tax            system.Decimal `json:"tax"`
	Quantity       *int64         `json:"quantity"`
	ProrationRate  system.Decimal `json:"proration_rate"`
	StartDate      system.Moment  `json:"start_date"`
	EndDate        system.Moment  `json:"end_date"`
	Description    string         `json:"description"`
	AccountingCode string         `json:"accounting_code"`
}

type transactionShape struct {
	ID                    string         `json:"id"`
	OriginalTransactionID string         `json:"original_transaction_id"`
	Type                  string         `json:"type"`
	Origin                string         `json:"origin"`
	Currency              string         `json:"currency"`
	Amount                system.Decimal `json:"amount"`
	Status                string         `json:"status"`
	CreatedAt             system.Moment  `json:"created_at"`
	CollectedAt           system.Moment  `json:"collected_at"`
	UpdatedAt             system.Moment  `json:"updated_at"`
}

// Reads are none: objects are read whole.
func (System) Reads() map[system.Stream]system.Fields { return nil }

// BelongsTo finds out whose an object is. The error is that of a JSON document of another shape.
func (System) BelongsTo(o system.Object) (system.Belongs, error) {
	var names struct {
		ID      string    `json:"id"`
		Code    string    `json:"code"`
		Account codeShape `json:"account"`
	}
	if err := system.Decode(o.JSON, &names); err != nil {
		return system.Belongs{}, err
	}
	switch o.Stream {
	case Accounts:
		return system.Belongs{Own: names.Code, Customer: names.Code, Self: true}, nil
	case Plans, AddOns:
		return system.Belongs{Own: names.ID, Catalog: true}, nil
	case Subscriptions, Invoices:
		return system.Belongs{Own: names.ID, Customer: names.Account.Code}, nil
	case Lines:
		return system.Belongs{Own: names.ID, Stream: Invoices, ID: o.Parent}, nil
	}
	return system.Belongs{Own: names.ID}, nil
}
