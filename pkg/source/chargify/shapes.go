package chargify

import (
	"encoding/json"
	"reflect"

	"reseed/pkg/source/system"
)

// The fields of Chargify's objects that are mapped, by Chargify's names. Ids are numbers without a sign, or texts.

type customerShape struct {
	ID           id     `json:"id"`
	FirstName    string `json:"first_name"`
	LastName     string `json:"last_name"`
	Organization string `json:"organization"`
	Email        string `json:"email"`
	Country      string `json:"country"`
	State        string `json:"state"`
	City         string `json:"city"`
	Zip          string `json:"zip"`
}

type metadataShape struct {
	ResourceID id     `json:"resource_id"`
	Name       string `json:"name"`
	Value      string `json:"value"`
}

type productShape struct {
	ID           id     `json:"id"`
	Name         string `json:"name"`
	Interval     *int64 `json:"interval"`
	IntervalUnit string `json:"interval_unit"`
}

type pricePointShape struct {
	ID           id     `json:"id"`
	ProductID    id     `json:"product_id"`
	Name         string `json:"name"`
	Interval     *int64 `json:"interval"`
	IntervalUnit string `json:"interval_unit"`
}

type componentShape struct {
	ID       id     `json:"id"`
	Interval *int64 `json:"interval"`
}

type subscriptionShape struct {
	ID                      id            `json:"id"`
	State                   string        `json:"state"`
	Customer                idShape       `json:"customer"`
	TrialStartedAt          system.Moment `json:"trial_started_at"`
	TrialEndedAt            system.Moment `json:"trial_ended_at"`
	CurrentPeriodStartedAt  system.Moment `json:"current_period_started_at"`
	CanceledAt              system.Moment `json:"canceled_at"`
	ExpiresAt               system.Moment `json:"expires_at"`
	OnHoldAt                system.Moment `json:"on_hold_at"`
	DelayedCancelAt         system.Moment `json:"delayed_cancel_at"`
	ScheduledCancellationAt system.Moment `json:"scheduled_cancellation_at"`
}

type idShape struct {
	ID id `json:"id"`
}

type eventShape struct {
	ID             id            `json:"id"`
	Key            string        `json:"key"`
	SubscriptionID id            `json:"subscription_id"`
	CreatedAt      system.Moment `json:"created_at"`
	Data           struct {
		Before    string `json:"previous_subscription_state"`
		After     string `json:"new_subscription_state"`
		CancelsAt string `json:"cancels_at"` // empty: the end is planned no more
	} `json:"event_specific_data"`
}

// documentShape is what invoices and credit notes have.
type documentShape struct {
	UID            string          `json:"uid"`
	CustomerID     id              `json:"customer_id"`
	SubscriptionID id              `json:"subscription_id"`
	IssueDate      system.Moment   `json:"issue_date"`
	Currency       string          `json:"currency"`
	SubtotalAmount system.Decimal  `json:"subtotal_amount"`
	DiscountAmount system.Decimal  `json:"discount_amount"`
	TaxAmount      system.Decimal  `json:"tax_amount"`
	TotalAmount    system.Decimal  `json:"total_amount"`
	LineItems      *[]lineShape    `json:"line_items"`
	Discounts      []discountShape `json:"discounts"`
	Taxes          []taxShape      `json:"taxes"`
	Refunds        []refundShape   `json:"refunds"`
}

type invoiceShape struct {
	documentShape

	Status             string         `json:"status"`
	Role               string         `json:"role"`
	ConsolidationLevel string         `json:"consolidation_level"`
	CollectionMethod   string         `json:"collection_method"`
	CreatedAt          system.Moment  `json:"created_at"`
	DueDate            system.Moment  `json:"due_date"`
	PaidAmount         system.Decimal `json:"paid_amount"`
	Payments           []paymentShape `json:"payments"`
}

type creditNoteShape struct {
	documentShape

	Applications   []applicationShape `json:"applications"`
	OriginInvoices []uidShape         `json:"origin_invoices"`
}

type applicationShape struct {
	InvoiceUID string `json:"invoice_uid"`
}

type uidShape struct {
	UID string `json:"uid"`
}

type lineShape struct {
	UID                 string         `json:"uid"`
	Kind                string         `json:"kind"`
	Title               string         `json:"title"`
	Quantity            system.Decimal `json:"quantity"`
	SubtotalAmount      system.Decimal `json:"subtotal_amount"`
	DiscountAmount      system.Decimal `json:"discount_amount"`
	TaxAmount           system.Decimal `json:"tax_amount"`
	PeriodRangeStart    system.Moment  `json:"period_range_start"`
	PeriodRangeEnd      system.Moment  `json:"period_range_end"`
	ProductID           id             `json:"product_id"`
	ProductPricePointID id             `json:"product_price_point_id"`
	ComponentID         id             `json:"component_id"`
	CustomItem          bool           `json:"custom_item"`
}

type discountShape struct {
	Code              string            `json:"code"`
	LineItemBreakouts []discountedShape `json:"line_item_breakouts"`
}

type discountedShape struct {
	UID            string         `json:"uid"`
	DiscountAmount system.Decimal `json:"discount_amount"`
}

type taxShape struct {
	LineItemBreakouts []taxedShape `json:"line_item_breakouts"`
}

type taxedShape struct {
	UID       string         `json:"uid"`
	TaxAmount system.Decimal `json:"tax_amount"`
}

type paymentShape struct {
	TransactionID   id             `json:"transaction_id"`
	TransactionTime system.Moment  `json:"transaction_time"`
	AppliedAmount   system.Decimal `json:"applied_amount"`
}

type refundShape struct {
	TransactionID id             `json:"transaction_id"`
	AppliedAmount system.Decimal `json:"applied_amount"`
}

type invoiceEventShape struct {
	ID        id            `json:"id"`
	EventType string        `json:"event_type"`
	Timestamp system.Moment `json:"timestamp"`
	Invoice   struct {
		UID        string `json:"uid"`
		CustomerID id     `json:"customer_id"`
	} `json:"invoice"`
	Data struct {
		RefundID         id             `json:"refund_id"`
		TransactionID    id             `json:"transaction_id"`
		TransactionTime  system.Moment  `json:"transaction_time"`
		AppliedAmount    system.Decimal `json:"applied_amount"`
		ChargebackStatus string         `json:"chargeback_status"`
	} `json:"event_data"`
}

// id is an id, which Chargify writes as a number; empty if there is none.
type id string

// UnmarshalJSON takes a number without a sign, or null.
func (i *id) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	if !isID(string(b)) {
		return &json.UnmarshalTypeError{Value: "no id", Type: reflect.TypeFor[id]()}
	}
	*i = id(b)
	return nil
}
