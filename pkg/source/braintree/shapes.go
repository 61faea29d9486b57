package braintree

import (
	"bytes"
	"encoding/json"

	"reseed/pkg/source/system"
)

// The fields of Braintree's objects that are mapped, by Braintree's names with underscores.

type planShape struct {
	ID               string `json:"id"`
	Name             string `json:"name"`
	BillingFrequency int64  `json:"billing_frequency"`
}

type customerShape struct {
	ID           string         `json:"id"`
	FirstName    string         `json:"first_name"`
	LastName     string         `json:"last_name"`
	Company      string         `json:"company"`
	Email        string         `json:"email"`
	Website      string         `json:"website"`
	Addresses    []addressShape `json:"addresses"`
	CustomFields texts          `json:"custom_fields"`
}

type addressShape struct {
	Country    string `json:"country_code_alpha2"`
	Region     string `json:"region"`
	Locality   string `json:"locality"`
	PostalCode string `json:"postal_code"`
}

type subscriptionShape struct {
	ID                     string         `json:"id"`
	Status                 string         `json:"status"`
	FirstBillingDate       system.Moment  `json:"first_billing_date"`
	TrialPeriod            bool           `json:"trial_period"`
	TrialDuration          int            `json:"trial_duration"`
	TrialDurationUnit      string         `json:"trial_duration_unit"`
	BillingPeriodStartDate system.Moment  `json:"billing_period_start_date"`
	BillingPeriodEndDate   system.Moment  `json:"billing_period_end_date"`
	CurrentBillingCycle    int64          `json:"current_billing_cycle"`
	NumberOfBillingCycles  *int64         `json:"number_of_billing_cycles"`
	NeverExpires           bool           `json:"never_expires"`
	StatusHistory          []historyShape `json:"status_history"`
}

type historyShape struct {
	Timestamp system.Moment `json:"timestamp"`
	Status    string        `json:"status"`
}

type transactionShape struct {
	ID                    string              `json:"id"`
	Type                  string              `json:"type"`
	Status                string              `json:"status"`
	Currency              string              `json:"currency_iso_code"`
	Amount                system.Decimal      `json:"amount"`
	TaxAmount             system.Decimal      `json:"tax_amount"`
	DiscountAmount        system.Decimal      `json:"discount_amount"`
	CreatedAt             system.Moment       `json:"created_at"`
	OrderID               string              `json:"order_id"`
	Customer              customerShape       `json:"customer"`
	PlanID                string              `json:"plan_id"`
	SubscriptionID        string              `json:"subscription_id"`
	Subscription          periodShape         `json:"subscription"`
	Discounts             []modificationShape `json:"discounts"`
	Disputes              []disputeShape      `json:"disputes"`
	RefundedTransactionID string              `json:"refunded_transaction_id"`
	RetriedTransactionID  string              `json:"retried_transaction_id"`
	PartialSettlements    []string            `json:"partial_settlement_transaction_ids"`
}

type periodShape struct {
	Start system.Moment `json:"billing_period_start_date"`
	End   system.Moment `json:"billing_period_end_date"`
}

type modificationShape struct {
	Amount   system.Decimal `json:"amount"`
	Quantity *int64         `json:"quantity"`
}

type disputeShape struct {
	ID             string         `json:"id"`
	Status         string         `json:"status"`
	Kind           string         `json:"kind"`
	Currency       string         `json:"currency_iso_code"`
	AmountDisputed system.Decimal `json:"amount_disputed"`
	AmountWon      system.Decimal `json:"amount_won"`
	ReceivedDate   system.Moment  `json:"received_date"`
}

// texts are fields that the merchant has made.
type texts map[string]string

// UnmarshalJSON takes fields, of which those without a text are left out, or a text: Braintree writes no fields as an empty element.
func (t *texts) UnmarshalJSON(b []byte) error {
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		if bytes.HasPrefix(b, []byte(`"`)) {
			return nil
		}
		return err
	}
	*t = texts{}
	for name, v := range fields {
		if s, ok := v.(string); ok && s != "" {
			(*t)[name] = s
		}
	}
	return nil
}

// belongs are the fields that say whose an object is.
type belongs struct {
	ID       string `json:"id"`
	Token    string `json:"token"`
	Owner    string `json:"customer_id"`
	Customer head   `json:"customer"`
	Method   string `json:"payment_method_token"`
	Paid     []struct {
		Customer head `json:"customer"`
	} `json:"transactions"`
}

// Reads are none: objects are read whole.
func (System) Reads() map[system.Stream]system.Fields { return nil }

// BelongsTo finds out whose an object is. A subscription does not say it; its transactions do, and else its payment method.
func (System) BelongsTo(o system.Object) (system.Belongs, error) {
	var b belongs
	if err := system.Decode(o.JSON, &b); err != nil {
		return system.Belongs{}, err
	}
	switch o.Stream {
	case Plans:
		return system.Belongs{Own: b.ID, Catalog: true}, nil
	case Customers:
		return system.Belongs{Own: b.ID, Customer: b.ID, Self: true}, nil
	case PaymentMethods:
		return system.Belongs{Own: b.Token, Customer: b.Owner}, nil
	case Transactions:
		return system.Belongs{Own: b.ID, Customer: b.Customer.ID}, nil
	case Subscriptions:
		for _, t := range b.Paid {
			if t.Customer.ID != "" {
				return system.Belongs{Own: b.ID, Customer: t.Customer.ID}, nil
			}
		}
		if b.Method != "" {
			return system.Belongs{Own: b.ID, Stream: PaymentMethods, ID: b.Method}, nil
		}
	}
	return system.Belongs{Own: b.ID}, nil
}
