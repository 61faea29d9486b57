package stripe

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"reseed/pkg/source/system"
)

// The fields of Stripe's objects that are mapped, by Stripe's names. A test compares names and types with
// Stripe's own Go package.

type customerShape struct {
	ID           string            `json:"id"`
	Deleted      bool              `json:"deleted"`
	Name         string            `json:"name"`
	BusinessName string            `json:"business_name"`
	Email        string            `json:"email"`
	Address      *addressShape     `json:"address"`
	Metadata     map[string]string `json:"metadata"`
	Livemode     bool              `json:"livemode"`
}

type addressShape struct {
	City       string `json:"city"`
	Country    string `json:"country"`
	PostalCode string `json:"postal_code"`
	State      string `json:"state"`
}

type productShape struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type priceShape struct {
	ID        string          `json:"id"`
	Nickname  string          `json:"nickname"`
	Product   ref             `json:"product"`
	Recurring *recurringShape `json:"recurring"`
	Livemode  bool            `json:"livemode"`
}

type recurringShape struct {
	Interval      string `json:"interval"`
	IntervalCount int64  `json:"interval_count"`
}

type subscriptionShape struct {
	ID                string              `json:"id"`
	Customer          ref                 `json:"customer"`
	Status            string              `json:"status"`
	TrialStart        int64               `json:"trial_start"`
	CancelAt          int64               `json:"cancel_at"`
	CancelAtPeriodEnd bool                `json:"cancel_at_period_end"`
	CanceledAt        int64               `json:"canceled_at"`
	EndedAt           int64               `json:"ended_at"`
	Items             *sublist[itemShape] `json:"items"`
	Livemode          bool                `json:"livemode"`
}

type itemShape struct {
	ID               string   `json:"id"`
	Price            *idShape `json:"price"`
	CurrentPeriodEnd int64    `json:"current_period_end"`
}

type idShape struct {
	ID string `json:"id"`
}

type invoiceShape struct {
	ID                string                 `json:"id"`
	Customer          ref                    `json:"customer"`
	CustomerName      string                 `json:"customer_name"`
	CustomerEmail     string                 `json:"customer_email"`
	Created           int64                  `json:"created"`
	DueDate           int64                  `json:"due_date"`
	Currency          string                 `json:"currency"`
	Status            string                 `json:"status"`
	CollectionMethod  string                 `json:"collection_method"`
	Total             int64                  `json:"total"`
	AmountPaid        int64                  `json:"amount_paid"`
	ShippingCost      *shippingShape         `json:"shipping_cost"`
	StatusTransitions *transitionsShape      `json:"status_transitions"`
	Lines             *sublist[lineShape]    `json:"lines"`
	Payments          *sublist[paymentShape] `json:"payments"`
	Livemode          bool                   `json:"livemode"`
}

type shippingShape struct {
	AmountTotal int64 `json:"amount_total"`
	AmountTax   int64 `json:"amount_tax"`
}

type transitionsShape struct {
	FinalizedAt int64 `json:"finalized_at"`
	PaidAt      int64 `json:"paid_at"`
}

type lineShape struct {
	ID                  string           `json:"id"`
	Amount              int64            `json:"amount"`
	Currency            string           `json:"currency"`
	Description         string           `json:"description"`
	Quantity            *int64           `json:"quantity"`
	Period              *periodShape     `json:"period"`
	Parent              *lineParentShape `json:"parent"`
	Pricing             *pricingShape    `json:"pricing"`
	DiscountAmounts     []amountShape    `json:"discount_amounts"`
	PretaxCreditAmounts []creditShape    `json:"pretax_credit_amounts"`
	Taxes               []taxShape       `json:"taxes"`
}

type periodShape struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

type lineParentShape struct {
	SubscriptionItemDetails *subItemShape     `json:"subscription_item_details"`
	InvoiceItemDetails      *invoiceItemShape `json:"invoice_item_details"`
}

type subItemShape struct {
	Proration        bool   `json:"proration"`
	Subscription     string `json:"subscription"`
	SubscriptionItem string `json:"subscription_item"`
}

type invoiceItemShape struct {
	Proration    bool   `json:"proration"`
	Subscription string `json:"subscription"`
}

type pricingShape struct {
	PriceDetails *priceDetailsShape `json:"price_details"`
}

type priceDetailsShape struct {
	Price ref `json:"price"`
}

type amountShape struct {
	Amount int64 `json:"amount"`
}

type creditShape struct {
	Amount int64  `json:"amount"`
	Type   string `json:"type"`
}

type taxShape struct {
	Amount      int64  `json:"amount"`
	TaxBehavior string `json:"tax_behavior"`
}

type paymentShape struct {
	ID                string                   `json:"id"`
	AmountPaid        int64                    `json:"amount_paid"`
	Created           int64                    `json:"created"`
	Currency          string                   `json:"currency"`
	Payment           *paidByShape             `json:"payment"`
	Status            string                   `json:"status"`
	StatusTransitions *paymentTransitionsShape `json:"status_transitions"`
}

type paidByShape struct {
	Charge        ref `json:"charge"`
	PaymentIntent ref `json:"payment_intent"`
}

type paymentTransitionsShape struct {
	PaidAt int64 `json:"paid_at"`
}

type chargeShape struct {
	ID            string `json:"id"`
	Amount        int64  `json:"amount"`
	Created       int64  `json:"created"`
	Currency      string `json:"currency"`
	Customer      ref    `json:"customer"`
	PaymentIntent ref    `json:"payment_intent"`
	Status        string `json:"status"`
	Livemode      bool   `json:"livemode"`
}

type refundShape struct {
	ID            string `json:"id"`
	Amount        int64  `json:"amount"`
	Charge        ref    `json:"charge"`
	Created       int64  `json:"created"`
	Currency      string `json:"currency"`
	PaymentIntent ref    `json:"payment_intent"`
	Status        string `json:"status"`
}

type disputeShape struct {
	ID            string `json:"id"`
	Amount        int64  `json:"amount"`
	Charge        ref    `json:"charge"`
	Created       int64  `json:"created"`
	Currency      string `json:"currency"`
	PaymentIntent ref    `json:"payment_intent"`
	Status        string `json:"status"`
}

type creditNoteShape struct {
	Invoice          ref    `json:"invoice"`
	ID               string `json:"id"`
	Created          int64  `json:"created"`
	Currency         string `json:"currency"`
	OutOfBandAmount  int64  `json:"out_of_band_amount"`
	PrePaymentAmount int64  `json:"pre_payment_amount"`
	Status           string `json:"status"`
}

// sublist is a list inside an object. Its objects are decoded when those of its rest are known.
type sublist[Shape any] struct {
	Data *[]jsontext.Value `json:"data"`
}

// Fields are those that are read.
func (sublist[Shape]) Fields() system.Fields {
	return system.Fields{"data": system.FieldsOf[Shape]()}
}

// ref names another object: by its id, or by the object itself if it is expanded.
type ref string

// UnmarshalJSONFrom takes a text, an object with an id, or null.
func (r *ref) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var o idShape
	if d.PeekKind() != jsontext.KindBeginObject {
		return json.UnmarshalDecode(d, (*string)(r))
	}
	err := json.UnmarshalDecode(d, &o)
	*r = ref(o.ID)
	return err
}

// Fields are those that are read of an expanded object.
func (ref) Fields() system.Fields { return system.FieldsOf[idShape]() }

// Reads are the fields that are mapped.
func (System) Reads() map[system.Stream]system.Fields {
	return map[system.Stream]system.Fields{
		Customers: system.FieldsOf[customerShape](), Products: system.FieldsOf[productShape](), Prices: system.FieldsOf[priceShape](),
		Subscriptions: system.FieldsOf[subscriptionShape](), Items: system.FieldsOf[itemShape](),
		Invoices: system.FieldsOf[invoiceShape](), Lines: system.FieldsOf[lineShape](), Payments: system.FieldsOf[paymentShape](),
		CreditNotes: system.FieldsOf[creditNoteShape](), CreditNoteLines: system.FieldsOf[idShape](),
		Charges: system.FieldsOf[chargeShape](), Refunds: system.FieldsOf[refundShape](), Disputes: system.FieldsOf[disputeShape](),
	}
}

// BelongsTo finds out whose an object is.
func (System) BelongsTo(o system.Object) (system.Belongs, error) {
	switch o.Stream {
	case Items:
		return partOf(o, Subscriptions)
	case Lines, Payments:
		return partOf(o, Invoices)
	case CreditNoteLines:
		return partOf(o, CreditNotes)
	case Subscriptions, Invoices, CreditNotes, Charges:
		id, customer, err := named(o.JSON, "customer")
		return system.Belongs{Own: id, Customer: customer}, err
	case Refunds, Disputes:
		id, charge, err := named(o.JSON, "charge")
		return system.Belongs{Own: id, Stream: Charges, ID: charge}, err
	}
	id, err := idOf(o.JSON)
	b := system.Belongs{Own: id, Catalog: o.Stream == Products || o.Stream == Prices}
	if o.Stream == Customers {
		b.Customer, b.Self = id, true
	}
	return b, err
}

// named reads the id of an object, and that of the object that a field names.
func named(o []byte, field string) (id, other string, err error) {
	if texts, ok := system.Texts(o, "id", field); ok && texts[0] != "" {
		return texts[0], texts[1], nil
	}
	var fields struct {
		ID       string `json:"id"`
		Customer ref    `json:"customer"`
		Charge   ref    `json:"charge"`
	}
	err = system.Decode(o, &fields)
	return fields.ID, string(map[string]ref{"customer": fields.Customer, "charge": fields.Charge}[field]), err
}

// partOf is whose a part is that was read apart from its object.
func partOf(o system.Object, of system.Stream) (system.Belongs, error) {
	id, err := idOf(o.JSON)
	return system.Belongs{Own: id, Stream: of, ID: o.Parent}, err
}
